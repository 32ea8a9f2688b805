//! [`MirrorError`]: why a mirror was not written: which file, what was wanted, what was got, what to do.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use ocelet_oci::Digest;
use ocelet_tree::ReadError;

use crate::exit::ExitClass;

use super::sums::SumsProblem;

/// Why a mirror was not written, or not to its end. What was written before is whole and right.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MirrorError {
    /// What is to be written does not make a mirror.
    #[error("the files do not make a mirror:{}", Listed(.problems))]
    Unfit {
        /// All that is wrong.
        problems: Vec<String>,
    },
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
    /// A link, or something else, stands where a directory of the mirror should be.
    #[error("{} is refused: wanted a directory, got a symbolic link or a file", .path.display())]
    NotADirectory {
        /// The path.
        path: PathBuf,
    },
    /// The page of sums that is there is damaged.
    #[error("{} is damaged:{}", .path.display(), Lines(.problems))]
    Sums {
        /// The file.
        path: PathBuf,
        /// The lines that are wrong.
        problems: Vec<SumsProblem>,
    },
    /// A file of a mirror is not the one that the mirror's own page of sums has.
    #[error("{} has sha256 {}, but the mirror's SHA256SUMS wants {}; it was changed, or not copied whole", .path.display(), .got.hex(), .wanted.hex())]
    Altered {
        /// The file.
        path: PathBuf,
        /// What the page has.
        wanted: Digest,
        /// The digest of the file.
        got: Digest,
    },
    /// A file of the store changed while it was copied.
    #[error("{} was not copied: wanted {wanted}, got {got}", .path.display())]
    Damaged {
        /// Where it was to lie.
        path: PathBuf,
        /// The digest that it had when it was proved.
        wanted: Digest,
        /// The digest of what was copied.
        got: Digest,
    },
    /// A file of the store cannot be read.
    #[error("cannot copy to {}", .path.display())]
    Read {
        /// Where it was to lie.
        path: PathBuf,
        /// Why it cannot be read.
        #[source]
        cause: ReadError,
    },
}

impl MirrorError {
    /// What kind of end it is.
    pub fn class(&self) -> ExitClass {
        match self {
            Self::Sums { .. } | Self::Altered { .. } | Self::Damaged { .. } => ExitClass::Verification,
            Self::Unfit { .. } | Self::Io { .. } | Self::NotADirectory { .. } | Self::Read { .. } => {
                ExitClass::Failed
            }
        }
    }

    /// What to do next, where there is something to say beyond the message.
    pub fn hints(&self) -> Vec<String> {
        match self {
            Self::Sums { path, .. } => vec![format!(
                "copy {} again from where it is right; or remove it and write the mirror of each recipe anew",
                path.display()
            )],
            Self::Altered { .. } => vec!["copy the mirror again from where it is right".to_owned()],
            Self::Damaged { .. } => vec!["check the cache with `ocelet cache verify`".to_owned()],
            Self::NotADirectory { path } => {
                vec![format!("move {} away; no link inside a mirror is followed", path.display())]
            }
            _ => Vec::new(),
        }
    }

    /// Makes an error of the system's words about `path`.
    pub(super) fn io(action: &'static str, path: &Path, cause: impl Into<io::Error>) -> Self {
        Self::Io { action, path: path.to_path_buf(), cause: cause.into() }
    }
}

/// Problems, one on each line.
struct Listed<'error>(&'error [String]);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|problem| write!(formatter, "\n  {problem}"))
    }
}

/// The lines of a page of sums that are wrong; of a page that is none at all, not every line.
struct Lines<'error>(&'error [SumsProblem]);

impl fmt::Display for Lines<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 20;
        for SumsProblem { line, what } in self.0.iter().take(SHOWN) {
            write!(formatter, "\n  line {line}: {what}")?;
        }
        match self.0.len().saturating_sub(SHOWN) {
            0 => Ok(()),
            more => write!(formatter, "\n  and {more} lines more"),
        }
    }
}
