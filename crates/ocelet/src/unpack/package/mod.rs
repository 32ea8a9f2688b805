//! The packages of one source: each proved against the lock, inflated once into the store, and laid out by apk's own
//! rules for what several of them bring.
//!
//! Nothing is written but the store's inflated blobs, and no script is run. Refused are packages that are not the
//! ones of the lock, and files that two packages bring without one of them saying that it replaces the other.

mod order;
mod settle;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use ocelet_package::apk::{self, Control, DATA_LIMIT, Identity, IdentityError, Record};
use ocelet_tree::{Owner, ReadError, Tree};
use rayon::prelude::*;

use super::packaged::{Installed, Packaged};
use super::{UnpackError, rootfs};
use crate::error::sentence;
use crate::exit::ExitClass;
use crate::fetch::Goods;
use crate::fetch::store::{Kind, StoreError};
use crate::host::Host;
use crate::lock::{Lock, LockedPackage};
use crate::recipe::{Platform, Source};

pub use settle::Clash;
use settle::Opened;

/// How the inflated data of a package is made from the whole file.
const INFLATED: Kind = Kind::new("apk-data.1");

/// The packages of one source.
pub(super) struct Laid {
    /// The files of each package, without those that another one has.
    pub(super) trees: Vec<Tree>,
    /// The packages, by the owner of their files.
    pub(super) packages: BTreeMap<Owner, Packaged>,
}

/// A locked package that cannot be used.
#[derive(Debug)]
pub struct PackageError {
    /// Its name and version in the lock: `musl-1.2.4-r2`.
    pub package: String,
    /// Why.
    pub cause: PackageFault,
}

/// Why a locked package cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PackageFault {
    /// Its file was not brought home.
    #[error("its file {sha256} is not there; run again without --offline, or with a --mirror that has it")]
    Missing {
        /// The digest of the file.
        sha256: ocelet_oci::Digest,
    },
    /// The lock names it twice for one platform.
    #[error("the lock has it twice; run `ocelet lock` again")]
    Twice,
    /// The lock has no valid identity for it.
    #[error("the lock has a wrong identity for it; run `ocelet lock` again")]
    Identity(#[from] IdentityError),
    /// The package is another one.
    #[error("its file says that it is {got}; run `ocelet lock` again")]
    Other {
        /// What the file says: name and version.
        got: String,
    },
    /// The file is no package, or not the one of the lock.
    #[error(transparent)]
    Archive(Box<apk::ArchiveError>),
    /// Its files cannot be had.
    #[error(transparent)]
    Data(Box<apk::UnpackError>),
    /// The store cannot keep or give what it inflates to.
    #[error(transparent)]
    Store(Box<StoreError>),
    /// The file cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
}

impl PackageFault {
    /// What kind of end it is.
    pub fn class(&self) -> ExitClass {
        match self {
            Self::Missing { .. } => ExitClass::Unavailable,
            Self::Store(error) => error.class(),
            // What the system says of a disk is no verdict on the bytes.
            Self::Read(_) => ExitClass::Failed,
            Self::Data(error) => match **error {
                apk::UnpackError::Write { .. } | apk::UnpackError::Read { .. } => ExitClass::Failed,
                _ => ExitClass::Verification,
            },
            Self::Twice | Self::Identity(_) | Self::Other { .. } | Self::Archive(_) => {
                ExitClass::Verification
            }
        }
    }

    /// What to do next, beyond the message.
    pub fn hints(&self) -> Vec<String> {
        match self {
            Self::Store(error) => error.hints(),
            _ => Vec::new(),
        }
    }
}

impl From<StoreError> for PackageFault {
    fn from(error: StoreError) -> Self {
        Self::Store(Box::new(error))
    }
}

impl From<apk::ArchiveError> for PackageFault {
    fn from(error: apk::ArchiveError) -> Self {
        Self::Archive(Box::new(error))
    }
}

impl From<apk::UnpackError> for PackageFault {
    fn from(error: apk::UnpackError) -> Self {
        Self::Data(Box::new(error))
    }
}

impl fmt::Display for PackageError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.package, sentence(&self.cause))
    }
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
    let opened = open_all(&name, &locked, goods, host)?;
    for package in &opened {
        rootfs::tell_skipped(&format!("package {}", package.owner), &package.contents.skipped, host);
    }
    let mut opened = order::installation(opened);
    let clashes = settle::settle(&mut opened);
    if !clashes.is_empty() {
        return Err(UnpackError::Clashes { name, clashes });
    }
    let architecture = platform.apk_architecture();
    let by_owner: BTreeMap<&str, &LockedPackage> =
        locked.iter().map(|package| (package.name.as_str(), *package)).collect();
    let packages = opened
        .iter()
        .filter_map(|package| {
            let locked = by_owner.get(package.control.info.name.as_str())?;
            Some((package.owner.clone(), packaged(&name, package, locked, architecture)))
        })
        .collect();
    settle::agree_on_directories(&mut opened);
    Ok(Laid { trees: opened.into_iter().map(|package| package.contents.tree).collect(), packages })
}

/// All packages, in the order of the lock; or everything that is wrong with any of them.
fn open_all(
    name: &str,
    locked: &[&LockedPackage],
    goods: &Goods,
    host: &Host<'_>,
) -> Result<Vec<Opened>, UnpackError> {
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
    let results: Vec<Result<Opened, PackageFault>> =
        pool.install(|| locked.par_iter().map(|package| open(name, package, goods)).collect());
    let mut opened = Vec::with_capacity(results.len());
    for (package, result) in locked.iter().zip(results) {
        match result {
            Ok(one) => opened.push(one),
            Err(cause) => problems.push(PackageError { package: called(package), cause }),
        }
    }
    if problems.is_empty() {
        Ok(opened)
    } else {
        Err(UnpackError::Packages { name: name.to_owned(), problems })
    }
}

/// Proves one package against the lock and reads its files, whose content stays in the store.
fn open(source: &str, locked: &LockedPackage, goods: &Goods) -> Result<Opened, PackageFault> {
    let LockedPackage { name, version, file, .. } = locked;
    let missing = PackageFault::Missing { sha256: file.sha256 };
    let blob = goods.get(&file.sha256).ok_or(missing)?;
    let bytes = blob.content().bytes()?;
    let archive = apk::Archive::open(&format!("{name}-{version}.apk"), &bytes)?;
    let verified = archive.verify_digest(*file.sha256.as_bytes())?;
    verified.expect_identity(&locked.identity.parse::<Identity>()?)?;
    let info = &verified.control().info;
    if info.name != *name || info.version != *version {
        return Err(PackageFault::Other { got: info.to_string() });
    }
    let owner = Owner::new(format!("{source}/{name}-{version}"));
    let inflated = goods.store.derive(&file.sha256, INFLATED, |sink| {
        verified.clone().unpack_into(sink, DATA_LIMIT).map(drop).map_err(PackageFault::from)
    })?;
    let contents = verified.contents_of_inflated(inflated.blob(), &owner)?;
    Ok(Opened { owner, control: verified.control().clone(), contents })
}

/// What databases and bills of materials need to know.
fn packaged(source: &str, package: &Opened, locked: &LockedPackage, architecture: Option<&str>) -> Packaged {
    let Opened { control, contents, .. } = package;
    Packaged {
        source: source.to_owned(),
        name: control.info.name.clone(),
        version: control.info.version.clone(),
        license: control.info.license.clone(),
        description: control.info.description.clone(),
        sha256: locked.file.sha256,
        size: locked.file.size,
        location: locked.file.sources.first().map(ToString::to_string).unwrap_or_default(),
        installed: Some(Box::new(Installed {
            package: apk::Installed::of(record(control, architecture), control, contents),
            scripts: apk::Installed::scripts(control),
            triggers: control.info.triggers.clone(),
        })),
    }
}

/// What the index says of a package. There a package for every architecture has that of its repository, since Alpine
/// writes indexes with `apk index --rewrite-arch`.
fn record(control: &Control, architecture: Option<&str>) -> Record {
    let mut record = Record::of(control);
    if record.architecture.as_deref() == Some("noarch") {
        record.architecture = architecture.map(str::to_owned).or(record.architecture);
    }
    record
}
