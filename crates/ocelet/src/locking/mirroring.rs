//! [`mirror`]: everything that a lock names, for all platforms, into a directory that can be carried elsewhere.
//!
//! Packages and artifacts are exactly what was locked. An index is the locked one where that can still be had; a
//! repository that has moved on serves only its newest, which is taken if a known key has signed it, and told.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::alpine::{MOST, signed_anyway};
use super::error::{LockingError, Trouble};
use super::indexes::Reading;
use super::{bytes, debian, sums, wanted};
use crate::event::Event;
use crate::fetch::store::VerifiedBlob;
use crate::fetch::{
    BringError, Listed, MirrorReport, Served, Supply, Wanted, bring, bring_current, bring_unpinned,
    write_mirror,
};
use crate::host::Host;
use crate::lock::{Lock, LockedFile, LockedIndex};
use crate::recipe::{ApkSource, Platform, Recipe, SourceKind};
use crate::resolve;

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
    let lock = super::placed(recipe, lock, supply);
    let platforms: BTreeSet<Platform> = recipe.platforms.iter().map(|at| at.value.clone()).collect();
    let mut trouble = Vec::new();
    let mut files = lock.files(&platforms);
    files
        .extend(lock.tools.iter().map(|tool| (format!("{} for {}", tool.source, tool.platform), &tool.file)));
    let goods = bring(&files, supply, host).map_err(|error| trouble.push(Trouble::Bring(error)));
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
    let kind = |index: &LockedIndex| recipe.sources.get(&index.source).map(|source| &source.kind);
    let mut indexes = BTreeMap::new();
    let mut alone: Vec<(&LockedIndex, &ApkSource)> = Vec::new();
    let mut together: Vec<&LockedIndex> = Vec::new();
    for index in &lock.indexes {
        match kind(index) {
            Some(SourceKind::Apk(apk)) => alone.push((index, apk)),
            _ => together.push(index),
        }
    }
    let named: Vec<(String, _)> =
        alone.iter().map(|(index, _)| (index.file.path.clone(), &index.file)).collect();
    let served = bring_current(&named, MOST, supply, host);
    for ((index, apk), served) in alone.into_iter().zip(served) {
        let checked = served.map_err(Trouble::Bring).and_then(|served| {
            current(apk, index, &served, supply, host)?;
            Ok(served.blob)
        });
        match checked {
            Ok(blob) => drop(indexes.insert(index.file.path.clone(), blob)),
            Err(problem) => trouble.push(problem),
        }
    }
    match vouched_together(recipe, lock, &together, supply, host) {
        Ok(more) => indexes.extend(more),
        Err(problems) => trouble.extend(problems),
    }
    indexes
}

/// Debian's indexes, of which one vouches for the others: as they were locked, or all as they are served now.
fn vouched_together(
    recipe: &Recipe,
    lock: &Lock,
    locked: &[&LockedIndex],
    supply: &Supply<'_>,
    host: &Host<'_>,
) -> Result<BTreeMap<String, VerifiedBlob>, Vec<Trouble>> {
    let gather = |files: &[LockedFile]| {
        let named: Vec<(String, &LockedFile)> = files.iter().map(|file| (file.path.clone(), file)).collect();
        let goods = bring(&named, supply, host)?;
        let held =
            files.iter().filter_map(|file| Some((file.path.clone(), goods.get(&file.sha256)?.clone())));
        Ok::<_, BringError>(held.collect())
    };
    let files: Vec<LockedFile> = locked.iter().map(|index| index.file.clone()).collect();
    if let Ok(held) = gather(&files) {
        return Ok(held);
    }
    let listed = Listed::read(&supply.mirrors).map_err(|error| vec![Trouble::Mirror(error)])?;
    let asked = resolve::asked(recipe);
    let reading = Reading { recipe, asked: &asked, previous: Some(lock), listed: &listed, supply, host };
    let mut trouble = Vec::new();
    let found = debian::read(&reading, &mut trouble);
    if !trouble.is_empty() {
        return Err(trouble);
    }
    let indexes = found.into_iter().flat_map(|one| one.indexes);
    let files: Vec<LockedFile> =
        indexes.map(|index| super::expanded(&index.file, &recipe.variables)).collect();
    for file in files.iter().filter(|file| locked.iter().all(|old| old.file.sha256 != file.sha256)) {
        tell_of_newer(&file.path, host);
    }
    gather(&files).map_err(|error| vec![Trouble::Bring(error)])
}

/// Checks an index that is not the locked one.
fn current(
    apk: &ApkSource,
    index: &LockedIndex,
    served: &Served,
    supply: &Supply<'_>,
    host: &Host<'_>,
) -> Result<(), Trouble> {
    if *served.blob.digest() == index.file.sha256 {
        return Ok(());
    }
    let label = &index.file.path;
    signed_anyway(apk, index, label, &bytes(label, &served.blob.content())?, supply)?;
    tell_of_newer(label, host);
    Ok(())
}

fn tell_of_newer(path: &str, host: &Host<'_>) {
    let message = format!(
        "the index {path} that was locked is gone; the mirror has the one that is served now, which may list newer packages"
    );
    host.observer.observe(&Event::Warning { message: &message });
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
