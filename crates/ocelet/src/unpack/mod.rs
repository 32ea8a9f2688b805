//! The unpack room: lays the sources of one platform into one view. Every path has an owner, and two owners of one
//! path are an error that names both.
//!
//! It writes nothing to the disk but unnamed scratch files for inflated tarballs, and runs nothing.

mod combine;
mod packaged;
mod rootfs;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use ocelet_oci::{SourceError, SourceLayer};
use ocelet_tree::tar_in::TarError;
use ocelet_tree::{Conflict, Content, InsertError, Overlay, Owner, ReadError, Tree, TreePath, View};

use crate::event::Event;
use crate::exit::ExitClass;
use crate::host::{self, DirectoryError, DirectoryView, FileError, Host, ScratchError};
use crate::recipe::{FileContent, FileSource, Platform, Recipe, SourceKind, Stability};

pub use packaged::{Installed, Packaged};

/// The sources of one platform, laid together.
pub struct Unpacked {
    /// A directory of the host, or nothing.
    base: Box<dyn View + Send>,
    /// Everything that is held in memory.
    top: Tree,
    /// Where the tree wins over the directory.
    replacing: BTreeSet<TreePath>,
    /// How often the files of each source change, by the source's name.
    pub stabilities: BTreeMap<String, Stability>,
    /// What the recipe calls its root file systems, by the source's name.
    pub locations: BTreeMap<String, String>,
    /// The packages and artifacts in it, by the owner of their files.
    pub packages: BTreeMap<Owner, Packaged>,
}

impl Unpacked {
    /// All sources as one view; where two owners do not agree, [`Overlay::take_conflicts`] tells after the view was
    /// used.
    pub fn view(&self) -> Overlay<'_> {
        Overlay::new(self.top.clone(), &*self.base, self.replacing.clone())
    }

    /// Files in memory with the packages that brought them, for the tests of later rooms.
    #[cfg(test)]
    pub(crate) fn of(top: Tree, packages: BTreeMap<Owner, Packaged>) -> Self {
        Self {
            base: Box::new(Tree::new()),
            top,
            replacing: BTreeSet::new(),
            stabilities: BTreeMap::new(),
            locations: BTreeMap::new(),
            packages,
        }
    }
}

impl std::fmt::Debug for Unpacked {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Unpacked")
            .field("top", &self.top)
            .field("replacing", &self.replacing)
            .finish_non_exhaustive()
    }
}

/// Why the sources of a platform cannot be laid together.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UnpackError {
    /// A source's file is not there or cannot be read.
    #[error("cannot read source {name}")]
    File {
        /// The source.
        name: String,
        /// Why.
        #[source]
        cause: FileError,
    },
    /// A source's directory is not there or cannot be read.
    #[error("cannot read source {name}")]
    Directory {
        /// The source.
        name: String,
        /// Why.
        #[source]
        cause: DirectoryError,
    },
    /// A tarball is damaged or hostile.
    #[error("cannot unpack source {name} ({})", .path.display())]
    Tar {
        /// The source.
        name: String,
        /// Its file.
        path: PathBuf,
        /// Why.
        #[source]
        cause: Box<TarError>,
    },
    /// A tarball cannot be inflated.
    #[error("cannot unpack source {name}")]
    Scratch {
        /// The source.
        name: String,
        /// Why.
        #[source]
        cause: ScratchError,
    },
    /// An image is damaged, or not the one that was asked for.
    #[error("cannot unpack source {name} ({})", .path.display())]
    Image {
        /// The source.
        name: String,
        /// Its file or directory.
        path: PathBuf,
        /// Why.
        #[source]
        cause: Box<SourceError>,
    },
    /// A file of the recipe cannot be placed.
    #[error("cannot place source {name}")]
    Insert {
        /// The source.
        name: String,
        /// Why.
        #[source]
        cause: InsertError,
    },
    /// Two sources bring different things to one place.
    #[error("{}", describe(.conflicts))]
    Conflicts {
        /// All of them.
        conflicts: Vec<Conflict>,
    },
    /// More than one directory of the host.
    #[error(
        "sources {first} and {second} are both directories; one platform can read one directory in place, so pack the other into a tarball"
    )]
    TwoDirectories {
        /// The first.
        first: String,
        /// The second.
        second: String,
    },
    /// A source whose files are chosen when the recipe is locked, and there is no lock.
    #[error("source {name} needs a lock; run `ocelet lock`")]
    NotLocked {
        /// The source.
        name: String,
    },
    /// The view cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
}

impl UnpackError {
    /// What kind of end it is.
    pub fn class(&self) -> ExitClass {
        match self {
            Self::File { .. } | Self::Directory { .. } => ExitClass::Unavailable,
            // What the system says of a disk or a file is no verdict on the bytes.
            Self::Scratch { cause, .. } if cause.cause.raw_os_error().is_some() => ExitClass::Failed,
            Self::Tar { .. } | Self::Scratch { .. } => ExitClass::Verification,
            Self::Image { cause, .. } => crate::error::class_of(cause),
            Self::Insert { .. }
            | Self::Conflicts { .. }
            | Self::TwoDirectories { .. }
            | Self::NotLocked { .. }
            | Self::Read(_) => ExitClass::Failed,
        }
    }

    /// What to do next.
    pub fn hints(&self) -> Vec<String> {
        match self {
            Self::Conflicts { .. } => {
                vec!["leave the path out of one source with `exclude`, or give the file that shall win `replace = true`".to_owned()]
            }
            Self::Directory { .. } | Self::File { .. } => {
                vec!["paths in a recipe are relative to the recipe's own directory".to_owned()]
            }
            _ => Vec::new(),
        }
    }
}

/// Several conflicts as one message.
pub(crate) fn describe(conflicts: &[Conflict]) -> String {
    let lines: Vec<String> = conflicts.iter().map(|conflict| format!("\n  {conflict}")).collect();
    format!("{} paths have two owners that do not agree:{}", conflicts.len(), lines.concat())
}

/// Lays the sources of `platform` together. Relative paths of the recipe begin at `base`, the recipe's directory.
///
/// # Errors
/// See [`UnpackError`].
pub fn unpack(
    recipe: &Recipe,
    platform: &Platform,
    base: &Path,
    host: &Host<'_>,
) -> Result<Unpacked, UnpackError> {
    let mut directory: Option<(String, DirectoryView)> = None;
    let mut trees = Vec::new();
    let mut files = Vec::new();
    for source in recipe.sources.values().filter(|source| source.is_for(platform)) {
        let name = source.name.value.to_string();
        match &source.kind {
            SourceKind::Rootfs(rootfs) => match rootfs::open(&name, rootfs, platform, base, host)? {
                rootfs::Opened::Directory(view) => match &directory {
                    Some((first, _)) => {
                        return Err(UnpackError::TwoDirectories { first: first.clone(), second: name });
                    }
                    None => directory = Some((name, view)),
                },
                rootfs::Opened::Tree(tree) => {
                    host.observer.observe(&Event::Unpacked { source: &name, entries: Some(tree.len()) });
                    trees.push(tree);
                }
            },
            SourceKind::File(file) => files.push((name, file)),
            SourceKind::Apk(_) | SourceKind::Artifact(_) => return Err(UnpackError::NotLocked { name }),
        }
    }
    let (base_view, top, replacing) =
        combine::combine(directory.map(|(_, view)| view), trees, &files, &|file| {
            content(file, platform, base)
        })?;
    let mut stabilities = BTreeMap::new();
    let mut locations = BTreeMap::new();
    for source in recipe.sources.values() {
        stabilities.insert(source.name.value.to_string(), source.stability);
        if let SourceKind::Rootfs(rootfs) = &source.kind {
            locations.insert(source.name.value.to_string(), rootfs.location.value.for_platform(platform));
        }
    }
    Ok(Unpacked { base: base_view, top, replacing, stabilities, locations, packages: BTreeMap::new() })
}

/// The bytes of a single file: the recipe's own text, or a file beside the recipe.
fn content(file: &FileSource, platform: &Platform, base: &Path) -> Result<Content, FileError> {
    match &file.content {
        FileContent::Text(text) => Ok(Content::from_bytes(
            format!("the text of {}", file.install.value),
            text.value.for_platform(platform).into_bytes(),
        )),
        FileContent::Local(path) => {
            host::open(&base.join(path.value.for_platform(platform))).map(|blob| blob.content())
        }
    }
}

/// Opens any root file system — a directory, tarball, layout or archive — for one platform.
///
/// # Errors
/// It is not there, or is damaged.
pub fn open(
    name: &str,
    path: &Path,
    tag: Option<&str>,
    platform: &Platform,
    host: &Host<'_>,
) -> Result<Box<dyn View + Send>, UnpackError> {
    Ok(match rootfs::read(&rootfs::Wanted { name, path, tag, platform }, host)? {
        rootfs::Opened::Directory(view) => Box::new(view),
        rootfs::Opened::Tree(tree) => Box::new(tree),
    })
}

/// The files of some layers of the image at `path`, the lowest first; each layer is proved before it is believed.
pub(crate) fn flatten(
    name: &str,
    path: &Path,
    layers: &[SourceLayer],
    host: &Host<'_>,
) -> Result<Tree, UnpackError> {
    rootfs::flatten(name, path, layers, host)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::{Context, parse};

    #[test]
    fn what_needs_a_lock_says_so() {
        for source in ["apk = '/m'\nkeys = 'alpine'", "artifact = '/a'\ninstall = '/a'"] {
            let text = format!(
                "image = 'x'\nplatforms = ['linux/amd64']\ntag = 'x'\n[source.far]\n{source}\n[flavor.x]\ncommands = ['a']\n"
            );
            let recipe = parse(&text, &Context::default()).expect("a good recipe").recipe;
            let scratch = host::Scratch::new(std::env::temp_dir());
            let host = Host {
                jobs: std::num::NonZeroUsize::MIN,
                epoch: None,
                scratch: &scratch,
                observer: &crate::event::Silent,
            };
            let platform = recipe.platforms[0].value.clone();
            let error = unpack(&recipe, &platform, Path::new("."), &host).expect_err("there is no lock");
            assert_eq!(error.to_string(), "source far needs a lock; run `ocelet lock`");
            assert!(matches!(error, UnpackError::NotLocked { .. }) && error.class() == ExitClass::Failed);
        }
    }
}
