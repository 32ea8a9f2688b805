//! [`Request`]: what there is, what is wanted, and what is preferred.

use std::collections::BTreeMap;

use super::Flags;
use crate::apk::{Dependency, Index, Package};

/// Everything that a choice of packages depends on.
#[derive(Debug, Clone, Default)]
pub struct Request<'text> {
    /// The repositories; of two equal candidates the one of the earlier repository is taken. At most 63.
    pub repositories: Vec<Repository<'text>>,
    /// What must be there, or must not.
    pub roots: Vec<Root<'text>>,
    /// What is installed beforehand; empty for a fresh root. It is removed where nothing needs it any more.
    pub installed: Vec<Installed<'text>>,
    /// Name and version of packages that are kept if a repository still has them and they will do, as a lock
    /// wants it. Unlike what is installed they are never removed, since they are not there.
    pub locked: Vec<(&'text str, &'text str)>,
    /// Preferences for all names.
    pub flags: Flags,
    /// Preferences for single names.
    pub preferences: BTreeMap<&'text str, Preference>,
    /// The architectures whose packages run here, besides `noarch`; none for all of them.
    pub architectures: Vec<&'text str>,
    /// Which packages hold a file, by absolute path: for roots that are files which no package provides by
    /// name.
    pub files: BTreeMap<&'text str, Vec<&'text str>>,
    /// What becomes of roots that cannot be had.
    pub broken_roots: BrokenRoots,
    /// How hard a solution is looked for.
    pub effort: Effort,
    /// Whether whatever has no [`Flags::UPGRADE`] is rather kept, as when apk upgrades itself before the rest.
    pub preupgrade: bool,
}

/// One repository.
#[derive(Debug, Clone, Copy)]
pub struct Repository<'text> {
    /// What it offers.
    pub index: &'text Index,
    /// Its tag, without `@`: its packages are used only where a root asks for them.
    pub tag: Option<&'text str>,
    /// Whether its packages can be had.
    pub reach: Reach,
}

/// Whether the packages of a repository can be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Reach {
    /// They can be downloaded.
    #[default]
    Available,
    /// They cannot be downloaded now (`--no-network`).
    Masked,
    /// They were downloaded before; no repository may offer them any more.
    Cached,
}

/// Preferences for the packages that go by a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Preference {
    /// For these packages.
    pub own: Flags,
    /// For what they need.
    pub inherited: Flags,
}

/// One wish.
#[derive(Debug, Clone, Copy)]
pub struct Root<'text> {
    /// What is wanted, or with `!` what must be absent.
    pub dependency: Dependency<'text>,
    /// Preferences for this name and for what it needs.
    pub flags: Flags,
    /// Since when it is wanted.
    pub since: Since,
}

/// Since when something is wanted: apk decides names from the command line before all others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Since {
    /// It is asked for now, as with `apk add NAME`.
    #[default]
    Now,
    /// It was wanted before (`/etc/apk/world`).
    Before,
}

/// A package that is installed beforehand.
#[derive(Debug, Clone, Copy)]
pub struct Installed<'text> {
    /// The package, as the installed database describes it.
    pub package: Package<'text>,
    /// The tag of the repository that it came from, without `@`.
    pub tag: Option<&'text str>,
}

/// What becomes of roots that cannot be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BrokenRoots {
    /// The request fails.
    #[default]
    Refused,
    /// They are left out (`--force-broken-world`).
    LeftOut,
}

/// How hard a solution is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Effort {
    /// Where apk's way ends in a conflict, every other combination is tried too.
    #[default]
    Complete,
    /// What apk does not find is not found.
    AsApk,
}

impl<'text> Repository<'text> {
    /// A repository without tag whose packages can be downloaded.
    pub fn new(index: &'text Index) -> Self {
        Self { index, tag: None, reach: Reach::Available }
    }
}

impl<'text> Root<'text> {
    /// A wish without preferences.
    pub fn new(dependency: Dependency<'text>) -> Self {
        Self { dependency, flags: Flags::NONE, since: Since::Now }
    }
}
