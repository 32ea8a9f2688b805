//! [`Recipe`]: what the user asked for, complete and checked, every wish with its place.
//!
//! Flavors are resolved, variables replaced; only what differs per platform is still open, in
//! [`PlatformText`]. A value of these types comes from [`super::parse`] and nowhere else, so whoever holds one
//! need not check it again.

mod source;

use std::collections::{BTreeMap, BTreeSet};

use ocelet_tree::{Glob, LinkTarget, TreePath};

use super::location::Location;
use super::names::{
    AccountName, CommandName, FlavorName, ImageName, NeedsName, PackageName, RuleName, SourceName, Tag,
};
use super::package::PackageTerm;
use super::platform::Platform;
use super::problem::At;
use super::tool::Tool;
use super::variables::Variable;

pub use source::{
    ApkSource, ArtifactSource, DebOrigin, DebRepository, DebSource, FileContent, FileSource, Install, Keys,
    Pack, PackMethod, Repository, RootfsSource, Source, SourceKind, Stability,
};

/// What the user asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Recipe {
    /// The name of the image; the output directory is named like it unless somebody says otherwise.
    pub image: At<ImageName>,
    /// What the image is, in one sentence.
    pub description: Option<At<String>>,
    /// The platforms to build for, in the order of the recipe; at least one, none twice.
    pub platforms: Vec<At<Platform>>,
    /// The time of every file and of the images, in whole seconds since 1970; where nothing is said the caller
    /// decides.
    pub epoch: Option<At<i64>>,
    /// The flavor whose `{-flavor}` is empty.
    pub default_flavor: Option<FlavorName>,
    /// The variables that have a value; they are already replaced everywhere.
    pub variables: BTreeMap<String, Variable>,
    /// Mirrors that have everything which is locked, asked after the sources themselves.
    pub mirrors: Vec<At<Location>>,
    /// The upx that packs programs, where the recipe has one locked.
    pub upx: Option<Tool>,
    /// Where files come from.
    pub sources: BTreeMap<SourceName, Source>,
    /// The images to make; at least one.
    pub flavors: BTreeMap<FlavorName, Flavor>,
}

/// One image to make: a flavor with everything that it extends.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Flavor {
    /// Its name and where it is defined.
    pub name: At<FlavorName>,
    /// Its tag: no other flavor has it.
    pub tag: Tag,
    /// The flavors that it names as extended, in the order of the recipe.
    pub extends: Vec<FlavorName>,
    /// The programs that must run.
    pub commands: BTreeMap<CommandName, At<Wish>>,
    /// The files that must be there, by their pattern.
    pub files: BTreeMap<Glob, At<Wish>>,
    /// The packages that are wanted for their own sake.
    pub packages: BTreeMap<PackageName, At<PackageWish>>,
    /// The rule packs.
    pub rules: BTreeMap<RuleName, At<Wish>>,
    /// The directories that must exist.
    pub directories: BTreeMap<TreePath, At<Directory>>,
    /// The symbolic links to make.
    pub links: BTreeMap<TreePath, At<LinkTarget>>,
    /// The users that `/etc/passwd` must have. They are added to the lines of the sources' file, where they take
    /// the place of those of the same name; the whole is sorted by number, then by name.
    pub users: BTreeMap<AccountName, At<User>>,
    /// The groups that `/etc/group` must have, likewise.
    pub groups: BTreeMap<AccountName, At<Group>>,
    /// The programs whose use of dlopen is acknowledged, with the reason if one was given.
    pub acknowledged_dlopen: BTreeMap<Glob, At<Option<String>>>,
    /// How the image starts.
    pub config: ImageConfig,
    /// The annotations of manifest and index.
    pub annotations: BTreeMap<String, At<String>>,
}

/// How much something is wanted, why, and who said so.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Wish {
    /// Whether it may be missing.
    pub optional: bool,
    /// Why it is wanted.
    pub reason: Option<String>,
    /// Where the reason can be read.
    pub source: Option<String>,
    /// The only source that may bring it; nothing for any.
    pub from: Option<At<SourceName>>,
    /// The programs that must not answer for it, by the name of the file that the command ends at; commands only.
    pub not_from: BTreeSet<String>,
    /// The needs packs that ask for it; none where a flavor asks itself.
    pub needs: BTreeSet<NeedsName>,
    /// The flavor that asks for it: this one or one that it extends.
    pub flavor: FlavorName,
}

/// A package that is wanted for its own sake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackageWish {
    /// Which package, and which of its versions.
    pub term: PackageTerm,
    /// How much and why.
    pub wish: Wish,
}

/// A line of `/etc/passwd`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The number; no other user of the flavor has it.
    pub uid: u32,
    /// The number of the first group.
    pub gid: u32,
    /// The home directory.
    pub home: TreePath,
    /// The program to log in with.
    pub shell: TreePath,
    /// What a person would be called; may be empty.
    pub gecos: String,
}

/// A line of `/etc/group`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// The number; no other group of the flavor has it.
    pub gid: u32,
    /// Who is in it beside those whose first group it is.
    pub members: BTreeSet<AccountName>,
}

/// A directory that must exist.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Directory {
    /// The permission bits: the lowest 12.
    pub mode: u16,
    /// The number of the owning user.
    pub uid: u32,
    /// The number of the owning group.
    pub gid: u32,
}

/// How an image starts: the `config` of the OCI image configuration.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct ImageConfig {
    /// The program and first arguments.
    pub entrypoint: Option<At<Vec<String>>>,
    /// Default arguments.
    pub cmd: Option<At<Vec<String>>>,
    /// Environment variables.
    pub env: BTreeMap<String, At<String>>,
    /// The directory that the program starts in.
    pub workdir: Option<At<TreePath>>,
    /// The user, or user:group.
    pub user: Option<At<String>>,
    /// Labels.
    pub labels: BTreeMap<String, At<String>>,
    /// The signal that asks the program to stop.
    pub stop_signal: Option<At<String>>,
    /// Directories that are expected to be mounted.
    pub volumes: BTreeSet<At<TreePath>>,
    /// Ports, as `80/tcp`.
    pub exposed_ports: BTreeSet<At<String>>,
}
