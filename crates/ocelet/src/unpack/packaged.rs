//! [`Packaged`]: a package or artifact that was laid into the tree, and what databases and bills of materials need to
//! know of it.

use std::collections::BTreeSet;

use ocelet_oci::Digest;
use ocelet_package::{apk, deb};
use ocelet_tree::TreePath;

use crate::lock::LockedPackage;

/// A package or artifact whose files are in the tree, under an owner of its own.
#[derive(Debug, Clone)]
pub struct Packaged {
    /// The source of the recipe.
    pub source: String,
    /// Its name: a package's, or the source's for an artifact.
    pub name: String,
    /// Its version; empty where an artifact has none.
    pub version: String,
    /// Its licence, as it says; may be empty.
    pub license: String,
    /// What it is, in one sentence; may be empty.
    pub description: String,
    /// The sha256 of the whole file that it came in.
    pub sha256: Digest,
    /// The length of that file in bytes.
    pub size: u64,
    /// Where the lock says that it can be had first.
    pub location: String,
    /// What a package database says of it; nothing for an artifact.
    pub installed: Option<Box<Installed>>,
}

/// What a package database says of a package.
#[derive(Debug, Clone)]
#[expect(clippy::large_enum_variant, reason = "it is only ever held in a box")]
pub enum Installed {
    /// That of Alpine.
    Apk(ApkInstalled),
    /// That of Debian.
    Deb(DebInstalled),
}

/// What Alpine's package database says of a package, with all of its files.
#[derive(Debug, Clone)]
pub struct ApkInstalled {
    /// Its record.
    pub package: apk::Installed,
    /// Its maintainer scripts, none of which is ever run.
    pub scripts: Vec<apk::InstalledScript>,
    /// The directories that its trigger watches (`triggers` in `.PKGINFO`).
    pub triggers: Vec<String>,
}

/// What Debian's package database says of a package, with all of its files.
#[derive(Debug, Clone)]
pub struct DebInstalled {
    /// Its record. Files that another package diverts are where they went.
    pub package: deb::Installed,
    /// Those of its files that are directories.
    pub directories: BTreeSet<TreePath>,
    /// Its maintainer scripts, none of which is ever run.
    pub scripts: Vec<deb::MaintainerScript>,
    /// What those scripts would have linked and moved, which was done.
    pub effects: deb::ScriptEffects,
}

impl Packaged {
    /// What the lock knows of a package; licence, description and record are still empty.
    pub(super) fn of(source: &str, locked: &LockedPackage) -> Self {
        Self {
            source: source.to_owned(),
            name: locked.name.clone(),
            version: locked.version.clone(),
            license: String::new(),
            description: String::new(),
            sha256: locked.file.sha256,
            size: locked.file.size,
            location: locked.file.sources.first().map(ToString::to_string).unwrap_or_default(),
            installed: None,
        }
    }
}

impl Installed {
    /// The directories that the package brings, the root left out.
    pub(crate) fn directories(&self) -> Vec<TreePath> {
        let all: Vec<TreePath> = match self {
            Self::Apk(apk) => apk.package.directories.iter().map(|one| one.path.clone()).collect(),
            Self::Deb(deb) => deb.directories.iter().cloned().collect(),
        };
        all.into_iter().filter(|path| !path.is_root()).collect()
    }

    /// Whether the package can stand for another name.
    pub(crate) fn provides(&self, name: &str) -> bool {
        match self {
            Self::Apk(apk) => apk.package.record.provides.iter().any(|term| {
                let end = term.find(['<', '>', '=', '~']).unwrap_or(term.len());
                &term[..end] == name
            }),
            Self::Deb(deb) => deb.package.with_package(|package| {
                let provided = package.relations(deb::RelationKind::Provides);
                provided.each().filter_map(Result::ok).any(|relation| relation.name == name)
            }),
        }
    }
}
