//! [`LockingError`]: everything that keeps a recipe from being locked, at once.

use std::fmt;

use ocelet_oci::Digest;
use ocelet_package::apk;

use super::sums::{Sum, SumsError};
use crate::error::sentence;
use crate::exit::ExitClass;
use crate::fetch::store::StoreError;
use crate::fetch::{BringError, MirrorError};
use crate::host::FileError;
use crate::lock::Difference;
use crate::resolve::{ListingError, ResolveError};

/// Why a recipe cannot be locked; at least one reason.
#[derive(Debug)]
pub struct LockingError {
    /// Every reason.
    pub trouble: Vec<Trouble>,
}

/// One reason why a recipe cannot be locked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Trouble {
    /// Something could not be brought home.
    #[error(transparent)]
    Bring(#[from] BringError),
    /// The lock does not answer the recipe, or there is none, and it may not be written.
    #[error("{}", stale(.differences))]
    Stale {
        /// What differs; nothing where there is no lock.
        differences: Vec<Difference>,
    },
    /// The store has something damaged.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A mirror that is damaged, or cannot be written.
    #[error(transparent)]
    Mirror(#[from] MirrorError),
    /// A key file cannot be read.
    #[error("a key of source {source_name} cannot be read")]
    KeyFile {
        /// The source.
        source_name: String,
        /// Why.
        #[source]
        cause: FileError,
    },
    /// A key file is not a key.
    #[error("the key file {file} of source {source_name} cannot be used")]
    Key {
        /// The source.
        source_name: String,
        /// The file.
        file: String,
        /// Why.
        #[source]
        cause: apk::KeyError,
    },
    /// An index that cannot be trusted.
    #[error(transparent)]
    Index(Box<apk::IndexError>),
    /// An index that is older than the one that the lock was made from.
    #[error("{label} was taken back")]
    Rollback {
        /// What the index is called.
        label: String,
        /// How old they are.
        #[source]
        cause: apk::Rollback,
    },
    /// An index that is signed, and cannot be read.
    #[error(transparent)]
    Listing(#[from] ListingError),
    /// No choice answers the recipe.
    #[error(transparent)]
    Resolve(ResolveError),
    /// A package that cannot be trusted, or is not the one that the index lists.
    #[error(transparent)]
    Package(Box<apk::ArchiveError>),
    /// A package whose data is not what it says.
    #[error(transparent)]
    Data(Box<apk::UnpackError>),
    /// A package that says another name or version of itself than the index says.
    #[error("{label} says that it is {got}, but the index lists {wanted}")]
    Misnamed {
        /// The file.
        label: String,
        /// What the index lists.
        wanted: String,
        /// What the package says.
        got: String,
    },
    /// What was brought home cannot be read back.
    #[error("{label} cannot be read back")]
    Read {
        /// The file.
        label: String,
        /// Why.
        #[source]
        cause: ocelet_tree::ReadError,
    },
    /// A file of sums that says nothing of the artifact.
    #[error("the file of sums {label} does not help")]
    Sums {
        /// Where it is.
        label: String,
        /// Why.
        #[source]
        cause: SumsError,
    },
    /// An artifact that is not what the recipe or its file of sums says.
    #[error(transparent)]
    Artifact(Box<WrongArtifact>),
    /// A release whose bytes were replaced under the same address.
    #[error(
        "{label} is {got}, but the lock wants {wanted}; the release was replaced under the same address, or is being forged"
    )]
    Replaced {
        /// Where it is.
        label: String,
        /// What the lock has.
        wanted: Digest,
        /// What was served.
        got: Digest,
    },
}

/// An artifact that is not what the recipe or its file of sums says.
#[derive(Debug, thiserror::Error)]
#[error("{label} has {got}, but {who} wants {wanted}; it was changed, or the recipe is for another release")]
pub struct WrongArtifact {
    /// Where it is.
    pub label: String,
    /// Who says so.
    pub who: String,
    /// What it says.
    pub wanted: Sum,
    /// What was served.
    pub got: Sum,
}

impl From<apk::IndexError> for Trouble {
    fn from(error: apk::IndexError) -> Self {
        Self::Index(Box::new(error))
    }
}

impl From<apk::ArchiveError> for Trouble {
    fn from(error: apk::ArchiveError) -> Self {
        Self::Package(Box::new(error))
    }
}

impl From<apk::UnpackError> for Trouble {
    fn from(error: apk::UnpackError) -> Self {
        Self::Data(Box::new(error))
    }
}

impl Trouble {
    fn class(&self) -> ExitClass {
        match self {
            Self::Bring(error) => error.class(),
            Self::Store(error) => error.class(),
            Self::Mirror(error) => error.class(),
            Self::KeyFile { .. } => ExitClass::Unavailable,
            Self::Key { .. } => ExitClass::Usage,
            Self::Resolve(error) => error.class(),
            Self::Stale { .. } | Self::Read { .. } => ExitClass::Failed,
            _ => ExitClass::Verification,
        }
    }
}

impl LockingError {
    /// What kind of end it is: what failed verification comes first, then what could not be had.
    pub fn class(&self) -> ExitClass {
        let order = [ExitClass::Verification, ExitClass::Unavailable, ExitClass::Usage];
        let has = |class: &ExitClass| self.trouble.iter().any(|one| one.class() == *class);
        order.into_iter().find(has).unwrap_or(ExitClass::Failed)
    }

    /// What to do next.
    pub fn hints(&self) -> Vec<String> {
        let mut hints: Vec<String> = Vec::new();
        for trouble in &self.trouble {
            let more = match trouble {
                Trouble::Bring(error) => error.hints(),
                Trouble::Store(error) => error.hints(),
                Trouble::Mirror(error) => error.hints(),
                Trouble::KeyFile { .. } => {
                    vec!["paths in a recipe are relative to the recipe's own directory".to_owned()]
                }
                Trouble::Rollback { .. } => {
                    vec!["if the older index is right, remove the lock and lock anew".to_owned()]
                }
                Trouble::Replaced { .. } => {
                    vec!["find out why; `ocelet lock --update NAME` takes the new bytes".to_owned()]
                }
                _ => Vec::new(),
            };
            for hint in more {
                if !hints.contains(&hint) {
                    hints.push(hint);
                }
            }
        }
        hints
    }
}

/// Every difference on a line of its own.
fn stale(differences: &[Difference]) -> String {
    if differences.is_empty() {
        return "the recipe has no lock".to_owned();
    }
    let lines: Vec<String> = differences.iter().map(|difference| format!("\n  {difference}")).collect();
    format!("the lock does not answer the recipe:{}", lines.concat())
}

impl From<Vec<Trouble>> for LockingError {
    fn from(trouble: Vec<Trouble>) -> Self {
        Self { trouble }
    }
}

impl std::error::Error for LockingError {}

impl fmt::Display for LockingError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.trouble.as_slice() {
            [only] => formatter.write_str(&sentence(only)),
            several => {
                write!(formatter, "the recipe cannot be locked, for {} reasons:", several.len())?;
                for one in several {
                    write!(formatter, "\n  {}", sentence(one).replace('\n', "\n  "))?;
                }
                Ok(())
            }
        }
    }
}
