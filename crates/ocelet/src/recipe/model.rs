//! [`Recipe`]: what the user asked for, complete and checked, every wish with its place.
//!
//! Flavors are resolved, variables replaced; only what differs per platform is still open, in
//! [`PlatformText`]. A value of these types comes from [`super::parse`] and nowhere else, so whoever holds one
//! need not check it again.

use std::collections::{BTreeMap, BTreeSet};

use ocelet_tree::{Glob, LinkTarget, TreePath};

use super::names::{CommandName, FlavorName, ImageName, RuleName, SourceName, Tag};
use super::platform::Platform;
use super::problem::At;
use super::template::PlatformText;
use super::variables::Variable;

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
    /// Where files come from.
    pub sources: BTreeMap<SourceName, Source>,
    /// The images to make; at least one.
    pub flavors: BTreeMap<FlavorName, Flavor>,
}

/// One place that files come from.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Source {
    /// Its name and where it is defined.
    pub name: At<SourceName>,
    /// The platforms that it is for; nothing for all.
    pub platforms: Option<Vec<At<Platform>>>,
    /// How seldom its files change.
    pub stability: Stability,
    /// What kind of place it is.
    pub kind: SourceKind,
}

/// The kinds of sources.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SourceKind {
    /// A whole root file system.
    Rootfs(RootfsSource),
    /// One file.
    File(FileSource),
}

/// How seldom files change: what changes least lies in the lowest layers, which images share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stability {
    /// An operating system's root file system.
    Base,
    /// Packages.
    Packages,
    /// The programs that the image is made for.
    Release,
    /// Files that its author writes.
    Configuration,
}

/// A root file system: a directory, a tarball, or an OCI layout or archive.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RootfsSource {
    /// Where it is. A relative path begins at the directory of the recipe.
    pub location: At<PlatformText>,
    /// Which image of a layout or archive with several.
    pub tag: Option<At<Tag>>,
    /// The only files to take; empty for all.
    pub include: Vec<At<Glob>>,
    /// The files to leave out of these.
    pub exclude: Vec<At<Glob>>,
}

/// A single file.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FileSource {
    /// Its bytes.
    pub content: FileContent,
    /// Its place in the image.
    pub install: At<TreePath>,
    /// The permission bits: the lowest 12.
    pub mode: u16,
    /// The number of the owning user.
    pub uid: u32,
    /// The number of the owning group.
    pub gid: u32,
    /// Whether it takes the place of another source's file.
    pub replace: bool,
}

/// Where the bytes of a single file come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileContent {
    /// The recipe itself.
    Text(At<PlatformText>),
    /// A file. A relative path begins at the directory of the recipe.
    Local(At<PlatformText>),
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
    /// The rule packs.
    pub rules: BTreeMap<RuleName, At<Wish>>,
    /// The directories that must exist.
    pub directories: BTreeMap<TreePath, At<Directory>>,
    /// The symbolic links to make.
    pub links: BTreeMap<TreePath, At<LinkTarget>>,
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
    /// The flavor that asks for it: this one or one that it extends.
    pub flavor: FlavorName,
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

impl Stability {
    /// The word of the recipe.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Base => "base",
            Self::Packages => "packages",
            Self::Release => "release",
            Self::Configuration => "configuration",
        }
    }

    pub(super) fn from_word(word: &str) -> Option<Self> {
        [Self::Base, Self::Packages, Self::Release, Self::Configuration]
            .into_iter()
            .find(|one| one.as_str() == word)
    }
}

impl Source {
    /// Whether the source has files for this platform.
    pub fn is_for(&self, platform: &Platform) -> bool {
        self.platforms.as_ref().is_none_or(|platforms| platforms.iter().any(|one| one.value == *platform))
    }
}
