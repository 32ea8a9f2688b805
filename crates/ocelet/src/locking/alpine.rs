//! Alpine's part of locking: indexes that are signed themselves, and packages that are signed too.

use std::collections::BTreeMap;

use ocelet_package::apk::{
    Archive, Freshness, INDEX_LIMIT, Keyring, ShortIdentity, SignedBy, VerifiedIndex, Vouched,
};
use rayon::prelude::*;

use super::error::Trouble;
use super::indexes::{Found, Reading, bring};
use super::{blamed, bytes, checked, locked_file, wanted};
use crate::fetch::{Served, Supply, Wanted};
use crate::host;
use crate::lock::{LockedIndex, LockedPackage};
use crate::recipe::{ApkSource, Platform, Recipe, SourceKind, SourceName};
use crate::resolve::{self, IndexPlace, Listing, PlannedPackage};

/// The most bytes of an `APKINDEX.tar.gz`. Alpine's largest has 2 MB.
pub(super) const MOST: u64 = 128 << 20;

/// The keys that are believed, by source and platform.
pub(super) type Keyrings = BTreeMap<(SourceName, Platform), Keyring>;

/// Reads the index of each repository, in the recipe's order.
pub(super) fn read(reading: &Reading<'_>, keyrings: &mut Keyrings, trouble: &mut Vec<Trouble>) -> Vec<Found> {
    let mut places: Vec<(IndexPlace, &ApkSource)> = Vec::new();
    for (name, kind, platform) in reading.tasks() {
        let SourceKind::Apk(apk) = kind else { continue };
        match keyring(name, apk, platform, reading.supply) {
            Ok(keyring) => {
                keyrings.insert((name.clone(), platform.clone()), keyring);
                places.extend(resolve::places(name, apk, platform).into_iter().map(|place| (place, apk)));
            }
            Err(problem) => trouble.push(problem),
        }
    }
    let wanted: Vec<Wanted> = places
        .iter()
        .map(|(place, _)| wanted(reading.recipe, place.index().to_string(), &place.index(), MOST))
        .collect();
    let served = bring(&wanted, reading.supply, reading.host);
    let outcomes: Vec<Result<Found, Trouble>> = places
        .par_iter()
        .zip(&wanted)
        .zip(served)
        .map(|(((place, apk), wanted), served)| {
            let keyring = &keyrings[&(place.source.clone(), place.platform.clone())];
            verify_index(reading, (place, apk), wanted, &checked(reading.listed, served)?, keyring)
        })
        .collect();
    let mut found = Vec::new();
    for outcome in outcomes {
        match outcome {
            Ok(one) => found.push(one),
            Err(problem) => trouble.push(problem),
        }
    }
    found
}

/// The keys that a source believes.
fn keyring(
    name: &SourceName,
    apk: &ApkSource,
    platform: &Platform,
    supply: &Supply<'_>,
) -> Result<Keyring, Trouble> {
    let read = |file: &str| {
        host::read_text(&supply.base.join(file))
            .map_err(|cause| Trouble::KeyFile { source_name: name.to_string(), cause })
    };
    resolve::keyring(apk, platform, &read, &|file, cause| Trouble::Key {
        source_name: name.to_string(),
        file,
        cause,
    })
}

fn verify_index(
    reading: &Reading<'_>,
    (place, apk): (&IndexPlace, &ApkSource),
    wanted: &Wanted,
    served: &Served,
    keyring: &Keyring,
) -> Result<Found, Trouble> {
    let label = &blamed(served.from.as_ref(), &place.index());
    let bytes = bytes(label, &served.blob.content())?;
    let verified = VerifiedIndex::open(label, &bytes, keyring, INDEX_LIMIT)?;
    let freshness = verified.freshness();
    if let Some(seen) = reading.seen(&wanted.path) {
        let seen = Freshness { generated: seen.generated, newest_build: seen.newest_build };
        seen.check_not_older(&freshness)
            .map_err(|cause| Trouble::Rollback { label: label.clone(), cause })?;
    }
    let index = LockedIndex {
        source: place.source.clone(),
        platform: place.platform.clone(),
        file: locked_file(reading.recipe, &place.index(), &wanted.path, &served.blob),
        signed_by: shown(&verified.signed_by),
        description: verified.description.clone(),
        generated: freshness.generated,
        newest_build: freshness.newest_build,
    };
    Ok(Found { indexes: vec![index], listing: Some(Listing::read(place, apk, &verified)?) })
}

/// Checks an index that is not the locked one: a known key must have signed it.
pub(super) fn signed_anyway(
    apk: &ApkSource,
    index: &LockedIndex,
    label: &str,
    bytes: &[u8],
    supply: &Supply<'_>,
) -> Result<(), Trouble> {
    let keyring = keyring(&index.source, apk, &index.platform, supply)?;
    VerifiedIndex::open(label, bytes, &keyring, INDEX_LIMIT)?;
    Ok(())
}

/// Checks a package that was brought home by its name alone: a known key has signed it, it is the one that the index
/// lists, and its data is what it says.
pub(super) fn verify_package(
    recipe: &Recipe,
    (package, identity): (&PlannedPackage, &ShortIdentity),
    wanted: &Wanted,
    served: &Served,
    keyring: &Keyring,
) -> Result<LockedPackage, Trouble> {
    let label = blamed(served.from.as_ref(), &package.location);
    let bytes = bytes(&label, &served.blob.content())?;
    let verified = Archive::open(&label, &bytes)?.verify(keyring)?;
    verified.expect_short_identity(identity)?;
    let control = verified.control();
    if (&control.info.name, &control.info.version) != (&package.name, &package.version) {
        return Err(Trouble::Misnamed {
            label,
            wanted: wanted.name.clone(),
            got: format!("{}-{}", control.info.name, control.info.version),
        });
    }
    verified.check_data()?;
    let signed_by = match &control.vouched {
        Vouched::Signature(signed) => shown(signed),
        Vouched::Digest(_) => String::new(),
    };
    Ok(LockedPackage {
        source: package.source.clone(),
        platform: package.platform.clone(),
        name: package.name.clone(),
        version: package.version.clone(),
        file: locked_file(recipe, &package.location, &wanted.path, &served.blob),
        identity: control.identity.to_string(),
        signed_by,
        because: package.because.clone(),
    })
}

/// A key as a lock has it: the name of its file, which of that name it was, and how it signed.
fn shown(signed: &SignedBy) -> String {
    format!("{} {} {}", signed.key, signed.fingerprint, signed.algorithm)
}
