//! [`Recipe`]: what the user asked for, complete and checked, every wish with its place.
//!
//! Flavors are resolved, variables replaced; only what differs per platform is still open, in
//! [`PlatformText`]. A value of these types comes from [`super::parse`] and nowhere else, so whoever holds one
//! need not check it again.

use std::collections::{BTreeMap, BTreeSet};

use ocelet_oci::Digest;
use ocelet_tree::{Glob, LinkTarget, TreePath};

use super::location::Location;
use super::names::{
    AccountName, CommandName, FlavorName, ImageName, PackageName, RepositoryTag, RuleName, SourceName, Tag,
};
use super::package::{Constraint, PackageTerm};
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
    /// Mirrors that have everything which is locked, asked after the sources themselves.
    pub mirrors: Vec<At<Location>>,
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
    /// Repositories of Alpine packages.
    Apk(ApkSource),
    /// Repositories of Debian packages.
    Deb(DebSource),
    /// A released file or archive.
    Artifact(ArtifactSource),
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

/// Repositories of Alpine packages.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ApkSource {
    /// The repositories, the most wanted first; at least one, none twice. Each platform of the source has a name
    /// among Alpine's architectures, see [`Platform::apk_architecture`].
    pub repositories: Vec<At<Repository>>,
    /// Whose signatures are believed.
    pub keys: Keys,
    /// The versions that packages of these repositories must have if they are chosen at all.
    pub pins: BTreeMap<PackageName, At<Constraint>>,
}

/// Repositories of Debian packages.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DebSource {
    /// Where the packages are, and whose signatures are believed.
    pub origin: DebOrigin,
    /// The packages that commands and files may be taken from, beside what these depend on and what flavors ask for
    /// by name: no index of a Debian repository tells which package has a command.
    pub packages: BTreeMap<PackageName, At<PackageTerm>>,
    /// The versions that packages of these repositories must have if they are chosen at all.
    pub pins: BTreeMap<PackageName, At<Constraint>>,
    /// Which program stands behind a name that several packages offer, by that name (update-alternatives(1)); where
    /// nothing is said the one of the highest priority.
    pub alternatives: BTreeMap<String, At<TreePath>>,
}

/// Where Debian packages come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DebOrigin {
    /// Wherever apt on this machine takes them from, by its own sources and keyrings.
    System,
    /// These repositories.
    Listed {
        /// The repositories, the most wanted first; at least one.
        repositories: Vec<At<DebRepository>>,
        /// Whose signatures are believed.
        keys: Keys,
        /// Whether the repositories are snapshots of the past, so that the end of their Release's validity does not
        /// count.
        snapshot: bool,
    },
}

/// One suite of a repository of Debian packages.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DebRepository {
    /// Its root, above `dists` and `pool`, without a slash at the end.
    pub location: PlatformText,
    /// The suite, or an exact path below the root, which ends with a slash.
    pub suite: String,
    /// The components; none with an exact path.
    pub components: Vec<String>,
}

/// A package repository.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Repository {
    /// With a tag it serves only packages that are asked for with the same one, and what these depend on.
    pub tag: Option<RepositoryTag>,
    /// Where it is, without the part that names the architecture and without a slash at the end.
    pub location: PlatformText,
}

/// Whose signatures are believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Keys {
    /// A keyring that the program brings along: `alpine` or `debian`.
    Embedded(String),
    /// Key files, for Alpine no two of one name. A relative path begins at the directory of the recipe.
    Files(Vec<At<PlatformText>>),
}

/// A released file or archive.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ArtifactSource {
    /// Where it is; [`ArtifactSource::location_for`] knows the names of the architectures.
    pub location: At<PlatformText>,
    /// What `{arch}` stands for where it is not the name that images use.
    pub architectures: BTreeMap<Platform, String>,
    /// The SHA-256 of the whole file where the recipe says it: for every platform, or only for some if there is a
    /// `checksum`.
    pub sha256: BTreeMap<Platform, At<Digest>>,
    /// A file of sums to take the digest from where the recipe does not say it.
    pub checksum: Option<At<PlatformText>>,
    /// Where its files go.
    pub install: At<Install>,
    /// The only members of an archive to take, by their names before any is stripped; empty for all.
    pub members: Vec<At<Glob>>,
    /// How many leading components the names of members lose; 0 where one file is installed.
    pub strip: u32,
    /// The permission bits; where nothing is said 0755 for what is no archive, and the archive's own for members.
    pub mode: Option<u16>,
    /// The number of the owning user.
    pub uid: u32,
    /// The number of the owning group.
    pub gid: u32,
    /// Whether its files take the place of another source's.
    pub replace: bool,
}

/// Where the files of an artifact go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Install {
    /// One file: the artifact itself, or the only member that is chosen.
    File(TreePath),
    /// Every file into this directory.
    Directory(TreePath),
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

impl SourceKind {
    /// The key of the recipe that makes a source one of this kind.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Rootfs(_) => "rootfs",
            Self::Apk(_) => "apk",
            Self::Deb(_) => "deb",
            Self::Artifact(_) => "artifact",
            Self::File(FileSource { content: FileContent::Text(_), .. }) => "text",
            Self::File(_) => "file",
        }
    }

    /// The one path that it installs a file at, where it does, and whether that replaces another source's.
    pub(crate) fn single_file(&self) -> Option<(At<&TreePath>, bool)> {
        match self {
            Self::File(file) => Some((At::new(&file.install.value, file.install.span), file.replace)),
            Self::Artifact(ArtifactSource { install, replace, .. }) => match &install.value {
                Install::File(path) => Some((At::new(path, install.span), *replace)),
                Install::Directory(_) => None,
            },
            Self::Rootfs(_) | Self::Apk(_) | Self::Deb(_) => None,
        }
    }
}

impl Install {
    /// The path of the file or directory.
    pub fn path(&self) -> &TreePath {
        match self {
            Self::File(path) | Self::Directory(path) => path,
        }
    }
}

impl Repository {
    /// Where the repository is for one platform, still without the part that names the architecture.
    pub fn location_for(&self, platform: &Platform) -> Location {
        Location::of(self.location.for_platform(platform))
    }

    /// The same as a lock has it: paths of this machine by the names of their parameters.
    pub fn shown_for(&self, platform: &Platform) -> Location {
        Location::of(self.location.shown_for(platform, None))
    }
}

impl Keys {
    /// The key files for one platform; none where the keyring is embedded.
    pub fn files_for(&self, platform: &Platform) -> Vec<String> {
        match self {
            Self::Embedded(_) => Vec::new(),
            Self::Files(files) => files.iter().map(|file| file.for_platform(platform)).collect(),
        }
    }
}

impl ArtifactSource {
    /// Where the artifact is for one platform.
    pub fn location_for(&self, platform: &Platform) -> Location {
        self.place(&self.location, platform)
    }

    /// Where its file of sums is for one platform, if it has one.
    pub fn checksum_for(&self, platform: &Platform) -> Option<Location> {
        self.checksum.as_ref().map(|checksum| self.place(checksum, platform))
    }

    /// The digest that the recipe says for one platform.
    pub fn sha256_for(&self, platform: &Platform) -> Option<&At<Digest>> {
        self.sha256.get(platform)
    }

    /// Where the artifact is for one platform, as a lock has it: paths of this machine by the names of their
    /// parameters.
    pub fn shown_for(&self, platform: &Platform) -> Location {
        Location::of(self.location.shown_for(platform, self.architectures.get(platform).map(String::as_str)))
    }

    /// Where its file of sums is for one platform, likewise.
    pub fn checksum_shown_for(&self, platform: &Platform) -> Option<Location> {
        let architecture = self.architectures.get(platform).map(String::as_str);
        self.checksum.as_ref().map(|checksum| Location::of(checksum.shown_for(platform, architecture)))
    }

    fn place(&self, template: &PlatformText, platform: &Platform) -> Location {
        let architecture = self.architectures.get(platform).map(String::as_str);
        Location::of(template.for_platform_called(platform, architecture))
    }
}

impl DebRepository {
    /// Where its root is for one platform.
    pub fn location_for(&self, platform: &Platform) -> Location {
        Location::of(self.location.for_platform(platform))
    }

    /// The same as a lock has it: paths of this machine by the names of their parameters.
    pub fn shown_for(&self, platform: &Platform) -> Location {
        Location::of(self.location.shown_for(platform, None))
    }
}

impl std::fmt::Display for DebRepository {
    /// As a recipe has it, which is a line of sources.list(5) without its type.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} {}", self.location, self.suite)?;
        self.components.iter().try_for_each(|component| write!(formatter, " {component}"))
    }
}

impl Source {
    /// Whether the source has files for this platform.
    pub fn is_for(&self, platform: &Platform) -> bool {
        self.platforms.as_ref().is_none_or(|platforms| platforms.iter().any(|one| one.value == *platform))
    }
}
