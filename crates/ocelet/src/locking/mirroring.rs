//! [`mirror`]: everything that a lock names, for all platforms, into a directory that can be carried elsewhere.
//!
//! Packages and artifacts are exactly what was locked. An index is the locked one where that can still be had; a
//! repository that has moved on serves only its newest, which is taken if a known key has signed it, and told.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::error::{LockingError, Trouble};
use super::indexes::{MOST, signed_anyway};
use super::{bytes, sums, wanted};
use crate::event::Event;
use crate::fetch::store::VerifiedBlob;
use crate::fetch::{
    MirrorReport, Served, Supply, Wanted, bring, bring_current, bring_unpinned, write_mirror,
};
use crate::host::Host;
use crate::lock::{Lock, LockedIndex};
use crate::recipe::{Platform, Recipe};

/// Gathers everything that the lock names in the directory `to`. `lock` must answer the recipe.
///
/// # Errors
/// Something cannot be had or proved, or the directory cannot be written.
pub fn mirror(
    recipe: &Recipe,
    lock: &Lock,
    to: &Path,
    supply: &Supply<'_>,
    host: &Host<'_>,
) -> Result<MirrorReport, LockingError> {
    let lock = super::placed(recipe, lock);
    let platforms: BTreeSet<Platform> = recipe.platforms.iter().map(|at| at.value.clone()).collect();
    let mut trouble = Vec::new();
    let goods =
        bring(&lock.files(&platforms), supply, host).map_err(|error| trouble.push(Trouble::Bring(error)));
    let mut others = indexes(recipe, &lock, supply, host, &mut trouble);
    others.extend(sums_of(recipe, &lock, supply, host));
    let Ok(goods) = goods else { return Err(trouble.into()) };
    if !trouble.is_empty() {
        return Err(trouble.into());
    }
    let others: Vec<(String, VerifiedBlob)> = others.into_iter().collect();
    write_mirror(&lock, &goods, &others, to, host).map_err(|error| vec![Trouble::Mirror(error)].into())
}

/// The indexes, each path once.
fn indexes(
    recipe: &Recipe,
    lock: &Lock,
    supply: &Supply<'_>,
    host: &Host<'_>,
    trouble: &mut Vec<Trouble>,
) -> BTreeMap<String, VerifiedBlob> {
    let named: Vec<(String, _)> =
        lock.indexes.iter().map(|index| (index.file.path.clone(), &index.file)).collect();
    let served = bring_current(&named, MOST, supply, host);
    let mut indexes = BTreeMap::new();
    for (index, served) in lock.indexes.iter().zip(served) {
        let checked = served.map_err(Trouble::Bring).and_then(|served| {
            current(recipe, index, &served, supply, host)?;
            Ok(served.blob)
        });
        match checked {
            Ok(blob) => drop(indexes.insert(index.file.path.clone(), blob)),
            Err(problem) => trouble.push(problem),
        }
    }
    indexes
}

/// Checks an index that is not the locked one.
fn current(
    recipe: &Recipe,
    index: &LockedIndex,
    served: &Served,
    supply: &Supply<'_>,
    host: &Host<'_>,
) -> Result<(), Trouble> {
    if *served.blob.digest() == index.file.sha256 {
        return Ok(());
    }
    let label = &index.file.path;
    signed_anyway(recipe, index, label, &bytes(label, &served.blob.content())?, supply)?;
    let message = format!(
        "the index {label} that was locked is gone; the mirror has the one that is served now, which may list newer packages"
    );
    host.observer.observe(&Event::Warning { message: &message });
    Ok(())
}

/// The files of sums that vouch for artifacts, as far as they can still be had: a lock that is written anew from the
/// mirror needs them, images do not.
fn sums_of(
    recipe: &Recipe,
    lock: &Lock,
    supply: &Supply<'_>,
    host: &Host<'_>,
) -> BTreeMap<String, VerifiedBlob> {
    let locations: BTreeSet<_> = super::sums_files(lock).collect();
    let wanted: Vec<Wanted> = locations
        .into_iter()
        .map(|location| wanted(recipe, location.to_string(), location, sums::MOST))
        .collect();
    let served = bring_unpinned(&wanted, supply, host);
    wanted
        .into_iter()
        .zip(served)
        .filter_map(|(wanted, served)| Some((wanted.path, served.ok()?.blob)))
        .collect()
}
