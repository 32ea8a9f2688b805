//! Brings the indexes of a recipe home and verifies them.
//!
//! An index is asked of its repository before any mirror, which may be behind; where the repository cannot be had, a
//! mirror's will do. An older index than the one that the lock was made from is refused.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use ocelet_oci::Digest;
use ocelet_package::apk::{Freshness, INDEX_LIMIT, Keyring, SignedBy, VerifiedIndex};
use ocelet_tree::Blob;
use rayon::prelude::*;

use super::error::{LockingError, Trouble};
use super::{blamed, bytes, checked, locked_file, wanted};
use crate::fetch::{BringError, Listed, Served, Supply, Wanted, bring_unpinned};
use crate::host::{self, Host};
use crate::lock::{Lock, LockedIndex, mirror_path};
use crate::recipe::{ApkSource, Platform, Recipe, SourceKind, SourceName};
use crate::resolve::{self, Asked, Catalog, IndexPlace, Listing};

/// The most bytes of an `APKINDEX.tar.gz`. Alpine's largest has 2 MB.
pub(super) const MOST: u64 = 128 << 20;

/// The keys that are believed, by source and platform.
pub(super) type Keyrings = BTreeMap<(SourceName, Platform), Keyring>;

/// What was read.
pub(super) struct Read {
    pub(super) catalog: Catalog,
    pub(super) indexes: Vec<LockedIndex>,
    pub(super) keyrings: Keyrings,
    /// What the mirrors say of their own files.
    pub(super) listed: Listed,
}

/// Reads the indexes of every source and platform of which something is asked.
pub(super) fn read(
    recipe: &Recipe,
    asked: &BTreeMap<SourceName, Asked>,
    previous: Option<&Lock>,
    supply: &Supply<'_>,
    host: &Host<'_>,
) -> Result<Read, LockingError> {
    let listed = Listed::read(&supply.mirrors).map_err(|error| vec![Trouble::Mirror(error)])?;
    let mut trouble = Vec::new();
    let mut places: Vec<(IndexPlace, &ApkSource)> = Vec::new();
    let mut keyrings = Keyrings::new();
    for (name, source) in &recipe.sources {
        let SourceKind::Apk(apk) = &source.kind else { continue };
        for platform in resolve::platforms(recipe, source) {
            if asked.get(name).and_then(|asked| asked.wanted.get(platform)).is_none_or(BTreeSet::is_empty) {
                continue;
            }
            match keyring(name, apk, platform, supply) {
                Ok(keyring) => {
                    keyrings.insert((name.clone(), platform.clone()), keyring);
                    places.extend(resolve::places(name, apk, platform).into_iter().map(|place| (place, apk)));
                }
                Err(problem) => trouble.push(problem),
            }
        }
    }
    let wanted: Vec<Wanted> = places
        .iter()
        .map(|(place, _)| wanted(recipe, place.index().to_string(), &place.index(), MOST))
        .collect();
    let served = bring(&wanted, supply, host);
    let outcomes: Vec<Result<(LockedIndex, Listing), Trouble>> = places
        .par_iter()
        .zip(&wanted)
        .zip(served)
        .map(|(((place, apk), wanted), served)| {
            let keyring = &keyrings[&(place.source.clone(), place.platform.clone())];
            verify(recipe, place, apk, wanted, &checked(&listed, served)?, keyring, previous)
        })
        .collect();
    let mut read = Read { catalog: Catalog::default(), indexes: Vec::new(), keyrings, listed };
    for (outcome, (place, _)) in outcomes.into_iter().zip(places) {
        match outcome {
            Ok((index, listing)) => {
                read.indexes.push(index);
                read.catalog.listings.entry((place.source, place.platform)).or_default().push(listing);
            }
            Err(problem) => trouble.push(problem),
        }
    }
    if trouble.is_empty() { Ok(read) } else { Err(trouble.into()) }
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

/// From the repositories first; what these do not give, from the mirrors.
fn bring(wanted: &[Wanted], supply: &Supply<'_>, host: &Host<'_>) -> Vec<Result<Served, BringError>> {
    if supply.mirrors.is_empty() {
        return bring_unpinned(wanted, supply, host);
    }
    let direct = Supply { mirrors: Vec::new(), ..supply.clone() };
    let mut served = bring_unpinned(wanted, &direct, host);
    let missing: Vec<usize> = (0..served.len()).filter(|number| served[*number].is_err()).collect();
    let again: Vec<Wanted> = missing.iter().map(|number| wanted[*number].clone()).collect();
    for (number, outcome) in missing.into_iter().zip(bring_unpinned(&again, supply, host)) {
        served[number] = outcome;
    }
    served
}

fn verify(
    recipe: &Recipe,
    place: &IndexPlace,
    apk: &ApkSource,
    wanted: &Wanted,
    served: &Served,
    keyring: &Keyring,
    previous: Option<&Lock>,
) -> Result<(LockedIndex, Listing), Trouble> {
    let label = &blamed(served.from.as_ref(), &place.index());
    let bytes = bytes(label, &served.blob.content())?;
    let verified = VerifiedIndex::open(label, &bytes, keyring, INDEX_LIMIT)?;
    let freshness = verified.freshness();
    let mine = |index: &&LockedIndex| index.file.path == wanted.path;
    if let Some(seen) = previous.and_then(|lock| lock.indexes.iter().find(mine)) {
        let seen = Freshness { generated: seen.generated, newest_build: seen.newest_build };
        seen.check_not_older(&freshness)
            .map_err(|cause| Trouble::Rollback { label: label.clone(), cause })?;
    }
    let listing = Listing::read(place, apk, &verified)?;
    let index = LockedIndex {
        source: place.source.clone(),
        platform: place.platform.clone(),
        file: locked_file(recipe, &place.index(), &wanted.path, &served.blob),
        signed_by: shown(&verified.signed_by),
        description: verified.description.clone(),
        generated: freshness.generated,
        newest_build: freshness.newest_build,
    };
    Ok((index, listing))
}

/// Checks the indexes and the files of sums in the mirrors that are directories. Images are not made of them; but a
/// mirror with a damaged one is not to be relied on. A mirror may be newer than the lock: then a known key must have
/// signed its index.
///
/// # Errors
/// An index that is neither the locked one nor signed by a known key; either that is not what the mirror's own page
/// of sums says.
pub fn check_mirrors(recipe: &Recipe, lock: &Lock, supply: &Supply<'_>) -> Result<(), LockingError> {
    let listed = Listed::read(&supply.mirrors).map_err(|error| vec![Trouble::Mirror(error)])?;
    let mut trouble = Vec::new();
    for index in &lock.indexes {
        for (directory, blob) in mirrored(supply, &index.file.path) {
            trouble.extend(check_mirrored(recipe, index, &blob, (&listed, &directory), supply).err());
        }
    }
    trouble.extend(check_sums(lock, &listed, supply));
    if trouble.is_empty() { Ok(()) } else { Err(trouble.into()) }
}

/// A file of the mirrors that are directories, with the directory of each that has it.
fn mirrored(supply: &Supply<'_>, path: &str) -> Vec<(PathBuf, Blob)> {
    let addresses = supply.mirrors.iter().filter_map(|mirror| mirror.address(path).ok());
    let held = addresses.filter_map(|address| {
        let (directory, path) = address.as_beneath()?;
        Some((directory.to_path_buf(), host::open(&directory.join(path)).ok()?))
    });
    held.collect()
}

/// What is wrong with the files of sums in the mirrors that are directories.
fn check_sums(lock: &Lock, listed: &Listed, supply: &Supply<'_>) -> Vec<Trouble> {
    let mut trouble = Vec::new();
    for path in super::sums_files(lock).map(mirror_path).collect::<BTreeSet<_>>() {
        for (directory, blob) in mirrored(supply, &path) {
            let checked = bytes(&blob.label(), &blob.content())
                .and_then(|bytes| Ok(listed.check_file(&directory, &path, &Digest::of(&bytes))?));
            trouble.extend(checked.err());
        }
    }
    trouble
}

fn check_mirrored(
    recipe: &Recipe,
    index: &LockedIndex,
    blob: &Blob,
    (listed, directory): (&Listed, &Path),
    supply: &Supply<'_>,
) -> Result<(), Trouble> {
    let label = blob.label();
    let bytes = bytes(&label, &blob.content())?;
    let digest = Digest::of(&bytes);
    if digest == index.file.sha256 {
        return Ok(());
    }
    listed.check_file(directory, &index.file.path, &digest)?;
    signed_anyway(recipe, index, &label, &bytes, supply)
}

/// Checks an index that is not the locked one: a known key must have signed it.
pub(super) fn signed_anyway(
    recipe: &Recipe,
    index: &LockedIndex,
    label: &str,
    bytes: &[u8],
    supply: &Supply<'_>,
) -> Result<(), Trouble> {
    let Some(SourceKind::Apk(apk)) = recipe.sources.get(&index.source).map(|source| &source.kind) else {
        return Ok(());
    };
    let keyring = keyring(&index.source, apk, &index.platform, supply)?;
    VerifiedIndex::open(label, bytes, &keyring, INDEX_LIMIT)?;
    Ok(())
}

/// A key as a lock has it: the name of its file, which of that name it was, and how it signed.
pub(super) fn shown(signed: &SignedBy) -> String {
    format!("{} {} {}", signed.key, signed.fingerprint, signed.algorithm)
}
