//! [`Packaged`]: a package or artifact that was laid into the tree, and what databases and bills of materials need to
//! know of it.

use ocelet_oci::Digest;
use ocelet_package::apk;

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

/// What Alpine's package database says of a package, with all of its files.
#[derive(Debug, Clone)]
pub struct Installed {
    /// Its record.
    pub package: apk::Installed,
    /// Its maintainer scripts, none of which is ever run.
    pub scripts: Vec<apk::InstalledScript>,
    /// The directories that its trigger watches (`triggers` in `.PKGINFO`).
    pub triggers: Vec<String>,
}
