//! Brings home what was planned, verifies it, and writes down the sha256 of each whole file.
//!
//! What the lock has already is kept as it stands: its bytes were verified when it was locked, and their sha256 says
//! more than any signature. A new package is refused unless a known key has signed it, it is the one that the index
//! lists, and its data is what it says.

use std::str::FromStr;

use ocelet_package::apk::{Archive, Identity, Keyring, Vouched};
use rayon::prelude::*;

use super::error::Trouble;
use super::indexes::{Read, shown};
use super::{blamed, bytes, checked, locked_file, sources, wanted};
use crate::fetch::{Served, Supply, Wanted, bring_unpinned};
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
    let mut new = Vec::new();
    for package in &plan.packages {
        let Some(known) = previous.and_then(|lock| known(package, lock)) else {
            let name = format!("{}-{}", package.name, package.version);
            let wanted = wanted(recipe, name, &package.location, package.size);
            new.push((package, Wanted { exact: Some(package.size), ..wanted }));
            continue;
        };
        let sources = sources(recipe, &package.location, &known.file.path);
        pinned.push(LockedPackage {
            because: package.because.clone(),
            file: LockedFile { sources, ..known.file.clone() },
            ..known.clone()
        });
    }
    let wanted: Vec<Wanted> = new.iter().map(|(_, wanted)| wanted.clone()).collect();
    let served = bring_unpinned(&wanted, supply, host);
    let outcomes: Vec<Result<LockedPackage, Trouble>> = new
        .into_par_iter()
        .zip(served)
        .map(|((package, wanted), served)| {
            let keyring = &read.keyrings[&(package.source.clone(), package.platform.clone())];
            verify(recipe, package, &wanted, &checked(&read.listed, served)?, keyring)
        })
        .collect();
    for outcome in outcomes {
        match outcome {
            Ok(package) => pinned.push(package),
            Err(problem) => trouble.push(problem),
        }
    }
    pinned
}

/// The same package in a lock, if it is there.
fn known<'lock>(package: &PlannedPackage, lock: &'lock Lock) -> Option<&'lock LockedPackage> {
    lock.packages_of(&package.source, &package.platform).find(|known| {
        let identity = Identity::from_str(&known.identity);
        known.name == package.name
            && known.version == package.version
            && known.file.path == mirror_path(&package.location)
            && match (package.identity, identity) {
                (PlannedIdentity::Apk(wanted), Ok(Identity::Sha1(digest))) => digest == *wanted.as_bytes(),
                (PlannedIdentity::Deb(wanted), _) => known.file.sha256 == wanted,
                _ => false,
            }
    })
}

fn verify(
    recipe: &Recipe,
    package: &PlannedPackage,
    wanted: &Wanted,
    served: &Served,
    keyring: &Keyring,
) -> Result<LockedPackage, Trouble> {
    let label = blamed(served.from.as_ref(), &package.location);
    let bytes = bytes(&label, &served.blob.content())?;
    let verified = Archive::open(&label, &bytes)?.verify(keyring)?;
    if let PlannedIdentity::Apk(identity) = &package.identity {
        verified.expect_short_identity(identity)?;
    }
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
