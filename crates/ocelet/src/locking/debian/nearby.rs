//! [`Nearby`]: where else this machine can have what a lock took from the sources of apt of another machine.
//!
//! Every file of a lock is pinned, so any place is as good as the locked one: a host that reaches an internal mirror only
//! takes the same path below the roots that its own apt has. Nothing of it gets into a lock, and a machine whose apt has
//! no sources, or unreadable ones, adds nothing: the lock may be enough.

use std::collections::BTreeMap;

use super::suites::place_of;
use crate::fetch::Supply;
use crate::host;
use crate::lock::{Lock, LockedFile};
use crate::recipe::{DebOrigin, Location, Platform, Recipe, SourceKind};

/// The roots of this machine's repositories, for each root that a lock was made from.
#[derive(Debug, Default)]
pub(in crate::locking) struct Nearby(BTreeMap<String, Vec<Location>>);

impl Nearby {
    /// Of the sources of `lock` that are apt's of a machine.
    pub(in crate::locking) fn of(recipe: &Recipe, lock: &Lock, supply: &Supply<'_>) -> Self {
        let mut known: BTreeMap<&Platform, Vec<Location>> = BTreeMap::new();
        let mut nearby = Self::default();
        for index in &lock.indexes {
            let kind = recipe.sources.get(&index.source).map(|source| &source.kind);
            let Some(SourceKind::Deb(deb)) = kind else { continue };
            if !matches!(deb.origin, DebOrigin::System) {
                continue;
            }
            // An exact path tells no root.
            let locked = index.file.sources.first().and_then(|place| place.as_str().rsplit_once("/dists/"));
            let Some((root, _)) = locked else { continue };
            let mine = known.entry(&index.platform).or_insert_with(|| roots(&index.platform, supply));
            let places = nearby.0.entry(root.to_owned()).or_default();
            add(places, mine.clone());
        }
        nearby
    }

    /// The same file, to be had of this machine's repositories first; after the locked place if that is one of them.
    pub(in crate::locking) fn with(&self, mut file: LockedFile) -> LockedFile {
        let first = file.sources.first().map_or("", Location::as_str);
        let below = |root: &str| Some(first.strip_prefix(root)?.strip_prefix('/')?.to_owned());
        let locked = self.0.iter().filter_map(|(root, mine)| Some((below(root)?, mine)));
        let Some((path, mine)) = locked.min_by_key(|(path, _)| path.len()) else { return file };
        let mine: Vec<Location> = mine.iter().map(|root| root.join(&path)).collect();
        let others = match file.sources.first() {
            Some(first) if mine.contains(first) => mine,
            _ => std::mem::replace(&mut file.sources, mine),
        };
        add(&mut file.sources, others);
        file
    }
}

/// The roots of the repositories of apt of this machine, in its order.
fn roots(platform: &Platform, supply: &Supply<'_>) -> Vec<Location> {
    let architecture = platform.deb_architecture().unwrap_or_default();
    let found = host::apt_sources(&supply.apt_root, architecture).unwrap_or_default();
    let mut roots = Vec::new();
    add(&mut roots, found.repositories.into_iter().map(|one| place_of(&one.root)));
    roots
}

/// Adds what is not there yet.
fn add(places: &mut Vec<Location>, more: impl IntoIterator<Item = Location>) {
    for place in more {
        if !places.contains(&place) {
            places.push(place);
        }
    }
}
