//! [`Plan`]: which packages were chosen, before any of their bytes are here.

use std::collections::BTreeSet;

use ocelet_oci::Digest;
use ocelet_package::apk::ShortIdentity;

use crate::recipe::{Location, Platform, SourceName};

/// The packages of a recipe, ordered by source, platform and name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plan {
    /// The packages.
    pub packages: Vec<PlannedPackage>,
    /// What a person should know of the choice, as sentences.
    pub notes: Vec<String>,
}

/// One package, as its index lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedPackage {
    /// The source.
    pub source: SourceName,
    /// The platform.
    pub platform: Platform,
    /// The name.
    pub name: String,
    /// The version.
    pub version: String,
    /// The architecture by the distribution's name, or `noarch` or `all`.
    pub architecture: String,
    /// The length of the package file in bytes.
    pub size: u64,
    /// How much its files take, in bytes.
    pub installed_size: u64,
    /// What the index knows it by.
    pub identity: PlannedIdentity,
    /// Where it can be had.
    pub location: Location,
    /// Who asked for it: wishes of the recipe, or other packages.
    pub because: BTreeSet<String>,
}

/// What an index knows a package by, besides its name and version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlannedIdentity {
    /// Alpine's: the SHA-1 of its control member.
    Apk(ShortIdentity),
    /// Debian's: the sha256 of the whole file.
    Deb(Digest),
}
