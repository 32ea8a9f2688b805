//! Brings the indexes of a recipe home and verifies them.
//!
//! An index is asked of its repository before any mirror, which may be behind; where the repository cannot be had, a
//! mirror's will do. An older index than the one that the lock was made from is refused. What an index is and who
//! vouches for it is each distribution's own; see [`super::alpine`] and [`super::debian`].

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use ocelet_oci::Digest;
use ocelet_tree::Blob;

use super::alpine::{self, Keyrings};
use super::error::{LockingError, Trouble};
use super::{bytes, debian};
use crate::fetch::{BringError, Listed, Served, Supply, Wanted, bring_unpinned};
use crate::host::{self, Host};
use crate::lock::{Lock, LockedIndex, mirror_path};
use crate::recipe::{Platform, Recipe, SourceKind, SourceName};
use crate::resolve::{self, Asked, Catalog, Listing};

/// What was read.
pub(super) struct Read {
    pub(super) catalog: Catalog,
    pub(super) indexes: Vec<LockedIndex>,
    pub(super) keyrings: Keyrings,
    /// Who vouches for each listing of the catalog, in the same order.
    pub(super) vouched: BTreeMap<(SourceName, Platform), Vec<String>>,
    /// What the mirrors say of their own files.
    pub(super) listed: Listed,
}

/// What reading indexes needs.
pub(super) struct Reading<'run> {
    pub(super) recipe: &'run Recipe,
    pub(super) asked: &'run BTreeMap<SourceName, Asked>,
    pub(super) previous: Option<&'run Lock>,
    pub(super) listed: &'run Listed,
    pub(super) supply: &'run Supply<'run>,
    pub(super) host: &'run Host<'run>,
}

/// An index, or several files of which the last is one, and what it lists if it is one.
pub(super) struct Found {
    pub(super) indexes: Vec<LockedIndex>,
    pub(super) listing: Option<Listing>,
}

impl<'run> Reading<'run> {
    /// Every source with each platform for which something is asked of it.
    pub(super) fn tasks(
        &self,
    ) -> impl Iterator<Item = (&'run SourceName, &'run SourceKind, &'run Platform)> + '_ {
        self.recipe.sources.iter().flat_map(|(name, source)| {
            let asked = self.asked.get(name);
            resolve::platforms(self.recipe, source)
                .filter(move |platform| {
                    let wanted = asked.and_then(|asked| asked.wanted.get(*platform));
                    wanted.is_some_and(|wanted| !wanted.is_empty())
                })
                .map(move |platform| (name, &source.kind, platform))
        })
    }

    /// The index of that path that the lock was made from.
    pub(super) fn seen(&self, path: &str) -> Option<&'run LockedIndex> {
        self.previous?.indexes.iter().find(|index| index.file.path == path)
    }
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
    let reading = Reading { recipe, asked, previous, listed: &listed, supply, host };
    let (mut trouble, mut keyrings) = (Vec::new(), Keyrings::new());
    let mut found = alpine::read(&reading, &mut keyrings, &mut trouble);
    found.extend(debian::read(&reading, &mut trouble));
    if !trouble.is_empty() {
        return Err(trouble.into());
    }
    let (mut catalog, mut indexes, mut vouched) = (Catalog::default(), Vec::new(), BTreeMap::new());
    for one in found {
        if let (Some(listing), Some(index)) = (one.listing, one.indexes.last()) {
            let key = (index.source.clone(), index.platform.clone());
            let signed_by: &mut Vec<String> = vouched.entry(key.clone()).or_default();
            signed_by.push(index.signed_by.clone());
            catalog.listings.entry(key).or_default().push(listing);
        }
        indexes.extend(one.indexes);
    }
    // The order of platforms and repositories is the recipe's.
    indexes.sort_by(|one, other| one.source.cmp(&other.source));
    Ok(Read { catalog, indexes, keyrings, vouched, listed })
}

/// From the repositories first; what these do not give, from the mirrors.
pub(super) fn bring(
    wanted: &[Wanted],
    supply: &Supply<'_>,
    host: &Host<'_>,
) -> Vec<Result<Served, BringError>> {
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

/// Checks the indexes and the files of sums in the mirrors that are directories. Images are not made of them; but a
/// mirror with a damaged one is not to be relied on. A mirror may be newer than the lock: then a known key must vouch
/// for its index.
///
/// # Errors
/// An index that is neither the locked one nor vouched for by a known key; either that is not what the mirror's own
/// page of sums says.
pub fn check_mirrors(recipe: &Recipe, lock: &Lock, supply: &Supply<'_>) -> Result<(), LockingError> {
    let listed = Listed::read(&supply.mirrors).map_err(|error| vec![Trouble::Mirror(error)])?;
    let mut trouble = Vec::new();
    for index in &lock.indexes {
        for (directory, blob) in mirrored(supply, &index.file.path) {
            let held = Held { recipe, lock, index, directory: &directory, supply };
            trouble.extend(check_mirrored(&held, &blob, &listed).err());
        }
    }
    trouble.extend(check_sums(lock, &listed, supply));
    if trouble.is_empty() { Ok(()) } else { Err(trouble.into()) }
}

/// An index of a lock, as a mirror that is a directory has it.
pub(super) struct Held<'run> {
    pub(super) recipe: &'run Recipe,
    pub(super) lock: &'run Lock,
    pub(super) index: &'run LockedIndex,
    pub(super) directory: &'run Path,
    pub(super) supply: &'run Supply<'run>,
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

fn check_mirrored(held: &Held<'_>, blob: &Blob, listed: &Listed) -> Result<(), Trouble> {
    let label = blob.label();
    let bytes = bytes(&label, &blob.content())?;
    let digest = Digest::of(&bytes);
    if digest == held.index.file.sha256 {
        return Ok(());
    }
    listed.check_file(held.directory, &held.index.file.path, &digest)?;
    match held.recipe.sources.get(&held.index.source).map(|source| &source.kind) {
        Some(SourceKind::Apk(apk)) => alpine::signed_anyway(apk, held.index, &label, &bytes, held.supply),
        Some(SourceKind::Deb(deb)) => debian::vouched_anyway(deb, held, &label, &bytes),
        _ => Ok(()),
    }
}
