//! Where files come from: [`Source`] and its kinds.

use std::collections::BTreeMap;

use ocelet_oci::Digest;
use ocelet_tree::{Glob, TreePath};

use super::super::location::Location;
use super::super::names::{PackageName, RepositoryTag, SourceName, Tag};
use super::super::package::{Constraint, PackageTerm};
use super::super::platform::Platform;
use super::super::problem::At;
use super::super::template::PlatformText;

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
    /// Which of its programs are to be packed; nothing for none.
    pub pack: Option<At<Pack>>,
    /// Whether its programs run for long, so that none of them may be packed.
    pub daemon: bool,
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

/// Which programs of a source are packed, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Pack {
    /// Patterns of the paths at which the programs are installed; empty for all of them.
    pub files: Vec<At<Glob>>,
    /// How they are compressed; where nothing is said the packer decides for each.
    pub method: Option<PackMethod>,
}

/// How upx compresses a program (upx(1), "COMPRESSION LEVELS").
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum PackMethod {
    /// The smallest, and the slowest to start.
    Lzma,
    /// Larger, and quicker to start.
    Nrv,
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

    pub(in super::super) fn from_word(word: &str) -> Option<Self> {
        [Self::Base, Self::Packages, Self::Release, Self::Configuration]
            .into_iter()
            .find(|one| one.as_str() == word)
    }
}

impl PackMethod {
    /// The word of the recipe.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Lzma => "lzma",
            Self::Nrv => "nrv",
        }
    }

    pub(in super::super) fn from_word(word: &str) -> Option<Self> {
        [Self::Lzma, Self::Nrv].into_iter().find(|one| one.as_str() == word)
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
