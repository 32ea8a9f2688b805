//! [`UnpackError`]: why the sources of a platform cannot be laid together, and what to do about it.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use ocelet_oci::SourceError;
use ocelet_tree::tar_in::TarError;
use ocelet_tree::{Conflict, InsertError, ReadError};

use super::artifact::ArtifactError;
use super::package::{Clash, PackageError};
use crate::exit::ExitClass;
use crate::host::{DirectoryError, FileError, ScratchError};

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
    /// Locked packages that are not what they should be.
    #[error("{} packages of source {name} cannot be unpacked:{}", .problems.len(), lines(.problems))]
    Packages {
        /// The source.
        name: String,
        /// All of them.
        problems: Vec<PackageError>,
    },
    /// Packages of one source bring different files to one place.
    #[error("{} files of source {name} are in two packages:{}", .clashes.len(), lines(.clashes))]
    Clashes {
        /// The source.
        name: String,
        /// All of them.
        clashes: Vec<Clash>,
    },
    /// The links between the programs that packages offer under one name cannot be made.
    #[error("cannot link the alternatives of source {name}")]
    Alternatives {
        /// The source.
        name: String,
        /// The names that its packages offer.
        names: BTreeSet<String>,
        /// Why.
        #[source]
        cause: Box<ocelet_package::deb::AlternativeError>,
    },
    /// An artifact that is not what it should be.
    #[error("cannot unpack source {name}")]
    Artifact {
        /// The source.
        name: String,
        /// Why.
        #[source]
        cause: Box<ArtifactError>,
    },
    /// The threads that unpack cannot be started.
    #[error("cannot start {count} threads")]
    Threads {
        /// How many.
        count: NonZeroUsize,
        /// Why.
        #[source]
        cause: rayon::ThreadPoolBuildError,
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
            // What is damaged counts for more than what is missing: getting it again would not help.
            Self::Packages { problems, .. } => {
                let is = |class| problems.iter().any(|problem| problem.cause.class() == class);
                let classes = [ExitClass::Verification, ExitClass::Failed];
                classes.into_iter().find(|class| is(*class)).unwrap_or(ExitClass::Unavailable)
            }
            Self::Artifact { cause, .. } => cause.class(),
            Self::Clashes { .. }
            | Self::Alternatives { .. }
            | Self::Threads { .. }
            | Self::Insert { .. }
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
            Self::Clashes { .. } => {
                vec![
                    "leave one of the packages out, or pin it to a version that replaces the other"
                        .to_owned(),
                ]
            }
            Self::Alternatives { name, names, .. } if names.is_empty() => {
                vec![format!("no package of source {name} offers a program under a name of several")]
            }
            Self::Alternatives { name, names, .. } => {
                let names: Vec<&str> = names.iter().map(String::as_str).collect();
                vec![format!("the packages of source {name} offer alternatives for {}", names.join(", "))]
            }
            Self::Artifact { cause, .. } => cause.hints(),
            Self::Packages { problems, .. } => problems.iter().flat_map(|one| one.cause.hints()).collect(),
            _ => Vec::new(),
        }
    }
}

/// Several conflicts as one message.
pub(crate) fn describe(conflicts: &[Conflict]) -> String {
    let lines: Vec<String> = conflicts.iter().map(|conflict| format!("\n  {conflict}")).collect();
    format!("{} paths have two owners that do not agree:{}", conflicts.len(), lines.concat())
}

/// One line for each of several things, below a message.
fn lines<T: std::fmt::Display>(things: &[T]) -> String {
    things.iter().fold(String::new(), |lines, thing| lines + "\n  " + &thing.to_string())
}
