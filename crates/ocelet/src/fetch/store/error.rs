//! [`StoreError`]: what can be wrong with a store, which file, what was wanted, what was found, what to do.

use std::io;
use std::path::{Path, PathBuf};

use ocelet_oci::{ContentError, Digest};

use crate::exit::ExitClass;

/// Why the store did not give or take a blob.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The system's own words.
    #[error("cannot {action} {}", .path.display())]
    Io {
        /// What was to be done: `write`, `lock` …
        action: &'static str,
        /// To which file or directory.
        path: PathBuf,
        /// Why it could not be.
        #[source]
        cause: io::Error,
    },
    /// A stored file does not have the digest that is its name.
    #[error("{} is damaged: wanted {wanted}, got {got} ({size} bytes)", .path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// The digest that is its name.
        wanted: Digest,
        /// The digest of what it holds.
        got: Digest,
        /// How many bytes it holds.
        size: u64,
        /// Where it was moved; nothing if it could not be moved.
        aside: Option<PathBuf>,
    },
    /// Something else than a regular file stands in its place.
    #[error("{} is refused: wanted a regular file, got {found}", .path.display())]
    NotAFile {
        /// The path.
        path: PathBuf,
        /// What is there: `a symbolic link` …
        found: &'static str,
        /// Where it was moved; nothing if it could not be moved.
        aside: Option<PathBuf>,
    },
    /// The stored file is right, so the size that it was asked for with is not that of this digest.
    #[error("{} is {digest} and has {got} bytes, but {wanted} bytes were wanted", .path.display())]
    Size {
        /// The file.
        path: PathBuf,
        /// Its digest, which is right.
        digest: Digest,
        /// The size that was asked for, in bytes.
        wanted: u64,
        /// The size that the content of this digest has, in bytes.
        got: u64,
    },
    /// What was written is not what was announced. It was removed.
    #[error("what was to be stored as {} is refused", .path.display())]
    Mismatch {
        /// Where it was being written.
        path: PathBuf,
        /// How many of its bytes were left by an earlier run, and not written by this one. Where it is not 0,
        /// writing all of it again may help.
        resumed: u64,
        /// What was wanted, and what came.
        #[source]
        cause: ContentError,
    },
    /// The note of what a derived blob was made from does not say what its seal says.
    #[error("the record {} is damaged: wanted {wanted}, got {got}", .path.display())]
    Record {
        /// The file.
        path: PathBuf,
        /// The seal that it bears, or what is missing.
        wanted: String,
        /// The digest of what it says.
        got: Digest,
        /// Where it was moved; nothing if it could not be moved.
        aside: Option<PathBuf>,
    },
    /// A file was replaced again and again while this process waited for its lock.
    #[error("cannot lock {}: it was replaced {attempts} times meanwhile", .path.display())]
    Contended {
        /// The file.
        path: PathBuf,
        /// How often it was tried.
        attempts: usize,
    },
}

impl StoreError {
    /// What kind of end it is: a wrong content is [`ExitClass::Verification`], all else [`ExitClass::Failed`].
    pub fn class(&self) -> ExitClass {
        match self {
            Self::Corrupt { .. }
            | Self::NotAFile { .. }
            | Self::Size { .. }
            | Self::Mismatch { .. }
            | Self::Record { .. } => ExitClass::Verification,
            Self::Io { .. } | Self::Contended { .. } => ExitClass::Failed,
        }
    }

    /// What to do next, where there is something to say beyond the message.
    pub fn hints(&self) -> Vec<String> {
        let moved = |path: &Path, aside: &Option<PathBuf>| match aside {
            Some(aside) => format!("it was moved to {}; run again to have it afresh", aside.display()),
            None => format!("it could not be moved aside; remove {} and run again", path.display()),
        };
        match self {
            Self::Corrupt { path, aside, .. }
            | Self::NotAFile { path, aside, .. }
            | Self::Record { path, aside, .. } => vec![moved(path, aside)],
            Self::Mismatch { resumed: 1.., .. } => {
                vec!["it was continued from an earlier run and is removed now; run again".to_owned()]
            }
            Self::Io { cause, .. } => match cause.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                    vec![
                        "free some space (`ocelet cache clean`), or choose another cache directory"
                            .to_owned(),
                    ]
                }
                io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied => {
                    vec!["choose a cache directory that can be written".to_owned()]
                }
                _ => Vec::new(),
            },
            Self::Size { .. } | Self::Mismatch { .. } | Self::Contended { .. } => Vec::new(),
        }
    }

    /// Makes an error of the system's words about `path`.
    pub(super) fn io<'a>(action: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> Self + use<'a> {
        move |cause| Self::Io { action, path: path.to_path_buf(), cause }
    }
}
