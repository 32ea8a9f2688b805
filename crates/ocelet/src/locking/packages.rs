//! Brings home what was planned, verifies it, and writes down the sha256 of each whole file.
//!
//! What the lock has already is kept as it stands: its bytes were verified when it was locked, and their sha256 says
//! more than any signature. A new package is refused unless somebody known vouches for it, it is the one that the index
//! lists, and its data is what it says.

use std::str::FromStr;

use ocelet_package::apk::{Identity, ShortIdentity};
use rayon::prelude::*;

use super::error::Trouble;
use super::indexes::Read;
use super::{alpine, checked, debian, sources, wanted};
use crate::fetch::{Supply, Wanted, bring_unpinned};
use crate::host::Host;
use crate::lock::{Lock, LockedFile, LockedPackage, mirror_path};
use crate::recipe::Recipe;
use crate::resolve::{Plan, PlannedIdentity, PlannedPackage};

pub(super) fn pin(
    recipe: &Recipe,
    plan: &Plan,
    previous: Option<&Lock>,
    read: &Read,
    supply: &Supply<'_>,
    host: &Host<'_>,
    trouble: &mut Vec<Trouble>,
) -> Vec<LockedPackage> {
    let mut pinned = Vec::new();
    let (mut by_name, mut by_digest) = (Vec::new(), Vec::new());
    for package in &plan.packages {
        let Some(known) = previous.and_then(|lock| known(package, lock)) else {
            match &package.identity {
                PlannedIdentity::Apk(identity) => by_name.push((package, identity)),
                PlannedIdentity::Deb(digest) => by_digest.push((package, digest)),
            }
            continue;
        };
        let sources = sources(recipe, &package.location, &known.file.path);
        pinned.push(LockedPackage {
            because: package.because.clone(),
            file: LockedFile { sources, ..known.file.clone() },
            ..known.clone()
        });
    }
    let outcomes = pin_by_name(recipe, by_name, read, supply, host);
    for outcome in outcomes.into_iter().chain(debian::pin(recipe, &by_digest, read, supply, host)) {
        match outcome {
            Ok(package) => pinned.push(package),
            Err(problem) => trouble.push(problem),
        }
    }
    pinned
}

/// Packages whose whole digest no index knows.
fn pin_by_name(
    recipe: &Recipe,
    packages: Vec<(&PlannedPackage, &ShortIdentity)>,
    read: &Read,
    supply: &Supply<'_>,
    host: &Host<'_>,
) -> Vec<Result<LockedPackage, Trouble>> {
    let wanted = packages.iter().map(|(package, _)| {
        let name = format!("{}-{}", package.name, package.version);
        Wanted { exact: Some(package.size), ..wanted(recipe, name, &package.location, package.size) }
    });
    let wanted: Vec<Wanted> = wanted.collect();
    let served = bring_unpinned(&wanted, supply, host);
    packages
        .into_par_iter()
        .zip(wanted)
        .zip(served)
        .map(|((package, wanted), served)| {
            let keyring = &read.keyrings[&(package.0.source.clone(), package.0.platform.clone())];
            alpine::verify_package(recipe, package, &wanted, &checked(&read.listed, served)?, keyring)
        })
        .collect()
}

/// The same package in a lock, if it is there.
fn known<'lock>(package: &PlannedPackage, lock: &'lock Lock) -> Option<&'lock LockedPackage> {
    lock.packages_of(&package.source, &package.platform).find(|known| {
        known.name == package.name
            && known.version == package.version
            && known.file.path == mirror_path(&package.location)
            && match &package.identity {
                PlannedIdentity::Apk(wanted) => matches!(
                    Identity::from_str(&known.identity),
                    Ok(Identity::Sha1(digest)) if digest == *wanted.as_bytes()
                ),
                PlannedIdentity::Deb(wanted) => {
                    known.identity == package.architecture && known.file.sha256 == *wanted
                }
            }
    })
}
