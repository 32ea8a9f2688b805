//! The packages of one source: each proved against the lock, inflated once into the store, and laid out by its own
//! package manager's rules for what several of them bring.
//!
//! Nothing is written but the store's inflated blobs, and no script is run. Refused are packages that are not the
//! ones of the lock, and files that two packages bring without one of them saying that it replaces the other.

mod alternatives;
mod apk;
mod deb;
mod error;
mod format;
mod order;
mod settle;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use ocelet_tree::{Owner, Tree};
use rayon::prelude::*;

use super::packaged::Packaged;
use super::{UnpackError, rootfs};
use crate::fetch::Goods;
use crate::host::Host;
use crate::lock::{Lock, LockedPackage};
use crate::recipe::{Platform, Source, SourceKind};

use alternatives::Declared;
pub use error::{PackageError, PackageFault};
use format::Format;
pub use settle::Clash;

/// The packages of one source.
pub(super) struct Laid {
    /// The files of each package, without those that another one has.
    pub(super) trees: Vec<Tree>,
    /// The packages, by the owner of their files.
    pub(super) packages: BTreeMap<Owner, Packaged>,
    /// Links that stand in for what scripts would have linked, and why each is there.
    pub(super) declared: Declared,
}

/// Opens the locked packages of a source for a platform and lays them out; which thread does what changes nothing.
pub(super) fn lay(
    source: &Source,
    platform: &Platform,
    lock: &Lock,
    goods: &Goods,
    host: &Host<'_>,
) -> Result<Laid, UnpackError> {
    let name = source.name.value.to_string();
    let locked: Vec<&LockedPackage> = lock.packages_of(&source.name.value, platform).collect();
    if locked.is_empty() && !lock.asked.contains_key(&source.name.value) {
        return Err(UnpackError::NotLocked { name });
    }
    if let SourceKind::Deb(wanted) = &source.kind {
        let mut opened = open_all::<deb::Opened>(&name, &locked, goods, host)?;
        deb::divert(&name, &mut opened)?;
        let packages = settle(&name, &mut opened, &locked, platform)?;
        let wanted = wanted.alternatives.iter().map(|(name, at)| (name.clone(), at.clone())).collect();
        let declared = alternatives::link(&name, &wanted, &mut opened)?;
        return Ok(Laid { trees: trees(opened), packages, declared });
    }
    let mut opened = open_all::<apk::Opened>(&name, &locked, goods, host)?;
    let packages = settle(&name, &mut opened, &locked, platform)?;
    Ok(Laid { trees: trees(opened), packages, declared: Declared::new() })
}

/// Gives each file to one package, and tells what there is to know of each.
fn settle<F: Format>(
    name: &str,
    opened: &mut [F],
    locked: &[&LockedPackage],
    platform: &Platform,
) -> Result<BTreeMap<Owner, Packaged>, UnpackError> {
    let clashes = settle::settle(opened);
    if !clashes.is_empty() {
        return Err(UnpackError::Clashes { name: name.to_owned(), clashes });
    }
    let by_name: BTreeMap<&str, &LockedPackage> =
        locked.iter().map(|package| (package.name.as_str(), *package)).collect();
    let packages = opened.iter().filter_map(|package| {
        let locked = by_name.get(package.names().name.as_str())?;
        Some((package.owner().clone(), package.packaged(name, locked, platform)))
    });
    let packages = packages.collect();
    // A database has each directory as its package has it.
    settle::agree_on_directories(opened);
    Ok(packages)
}

fn trees<F: Format>(opened: Vec<F>) -> Vec<Tree> {
    opened.into_iter().map(Format::into_tree).collect()
}

/// All packages, in the order of their installation; or everything that is wrong with any of them.
fn open_all<F: Format>(
    name: &str,
    locked: &[&LockedPackage],
    goods: &Goods,
    host: &Host<'_>,
) -> Result<Vec<F>, UnpackError> {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(host.jobs.get())
        .thread_name(|number| format!("unpack-{number}"))
        .build()
        .map_err(|cause| UnpackError::Threads { count: host.jobs, cause })?;
    let mut problems = Vec::new();
    let called = |package: &LockedPackage| format!("{}-{}", package.name, package.version);
    let mut seen = BTreeSet::new();
    for package in locked.iter().filter(|package| !seen.insert(&package.name)) {
        problems.push(PackageError { package: called(package), cause: PackageFault::Twice });
    }
    let results: Vec<Result<F, PackageFault>> =
        pool.install(|| locked.par_iter().map(|package| F::open(name, package, goods)).collect());
    let mut opened = Vec::with_capacity(results.len());
    for (package, result) in locked.iter().zip(results) {
        match result {
            Ok(one) => opened.push(one),
            Err(cause) => problems.push(PackageError { package: called(package), cause }),
        }
    }
    if !problems.is_empty() {
        return Err(UnpackError::Packages { name: name.to_owned(), problems });
    }
    for package in &opened {
        rootfs::tell_skipped(&format!("package {}", package.owner()), package.skipped(), host);
    }
    Ok(order::installation(opened))
}
