//! [`LockingError`]: everything that keeps a recipe from being locked, at once.

use std::fmt;

use ocelet_oci::Digest;
use ocelet_package::{apk, deb, deb_trust};

use super::sums::{Sum, SumsError};
use crate::error::sentence;
use crate::exit::ExitClass;
use crate::fetch::store::StoreError;
use crate::fetch::{BringError, MirrorError};
use crate::host::{AptError, FileError, ScratchError};
use crate::lock::Difference;
use crate::recipe::Platform;
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
    /// A key file is not a keyring of OpenPGP.
    #[error("a keyring of source {source_name} cannot be used")]
    Keyring {
        /// The source.
        source_name: String,
        /// Why.
        #[source]
        cause: deb_trust::KeyringError,
    },
    /// It cannot be told where apt of this machine takes packages from.
    #[error("source {source_name} is what apt of this machine has, and that cannot be read")]
    Apt {
        /// The source.
        source_name: String,
        /// Why.
        #[source]
        cause: AptError,
    },
    /// Something is wrong with a source that apt of this machine has.
    #[error("apt's source in {place} cannot be used")]
    OfMachine {
        /// The file and line that name it.
        place: String,
        /// What is wrong.
        #[source]
        cause: Box<Trouble>,
    },
    /// A source that apt of this machine takes without a signature.
    #[error(
        "apt takes the source in {place} without a signature (trusted=yes), and ocelet takes nothing unsigned"
    )]
    Unsigned {
        /// The file and line that name it.
        place: String,
        /// Why nobody vouches for it.
        #[source]
        cause: Box<Trouble>,
    },
    /// None of the sources that apt of this machine has can be used.
    #[error("source {source_name} for {platform}: none of apt's sources can be used:{}", lines(.reasons))]
    NothingLeft {
        /// The source.
        source_name: String,
        /// The platform.
        platform: Platform,
        /// What was left out and why.
        reasons: Vec<String>,
    },
    /// A Release that cannot be trusted.
    #[error(transparent)]
    Release(Box<deb_trust::ReleaseError>),
    /// The Release of another suite.
    #[error(transparent)]
    Suite(#[from] deb_trust::WrongSuite),
    /// A Release that is older than the one that the lock was made from.
    #[error(transparent)]
    Older(#[from] deb_trust::ReleaseRollback),
    /// A list of packages that its Release does not have, or has otherwise.
    #[error(transparent)]
    Packages(Box<deb_trust::PackagesError>),
    /// A file of a mirror cannot be read.
    #[error(transparent)]
    Held(FileError),
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
    /// A Debian package that is damaged.
    #[error(transparent)]
    DebPackage(Box<deb::ArchiveError>),
    /// A Debian package whose data is not what it says.
    #[error(transparent)]
    DebData(Box<deb::UnpackError>),
    /// There is no room to unpack a package.
    #[error(transparent)]
    Scratch(#[from] ScratchError),
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
    /// A release that is not the one that everybody knows.
    #[error(transparent)]
    Known(Box<WrongRelease>),
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

/// A release that is known, and said or served to be another one.
#[derive(Debug, thiserror::Error)]
#[error("{address} is known as sha256 {}, but {who} has {got}; it is known from {}{doubt}", .wanted.hex(), .sources.join(" and "))]
pub struct WrongRelease {
    /// The address of the release.
    pub address: String,
    /// Who says otherwise.
    pub who: String,
    /// What is known.
    pub wanted: Digest,
    /// Where that stands: repository, commit and path.
    pub sources: Vec<String>,
    /// What was said or served.
    pub got: Sum,
    /// What else was once said of the release, as a part of a sentence; empty where nothing was.
    pub doubt: String,
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

impl From<deb_trust::ReleaseError> for Trouble {
    fn from(error: deb_trust::ReleaseError) -> Self {
        Self::Release(Box::new(error))
    }
}

impl From<deb_trust::PackagesError> for Trouble {
    fn from(error: deb_trust::PackagesError) -> Self {
        Self::Packages(Box::new(error))
    }
}

impl From<deb::ArchiveError> for Trouble {
    fn from(error: deb::ArchiveError) -> Self {
        Self::DebPackage(Box::new(error))
    }
}

impl From<deb::UnpackError> for Trouble {
    fn from(error: deb::UnpackError) -> Self {
        Self::DebData(Box::new(error))
    }
}

impl Trouble {
    fn class(&self) -> ExitClass {
        match self {
            Self::Bring(error) => error.class(),
            Self::Store(error) => error.class(),
            Self::Mirror(error) => error.class(),
            Self::KeyFile { .. }
            | Self::Held(_)
            | Self::NothingLeft { .. }
            | Self::Apt { cause: AptError::File(_) | AptError::Nothing { .. }, .. } => ExitClass::Unavailable,
            Self::Apt { .. } | Self::Key { .. } | Self::Keyring { .. } => ExitClass::Usage,
            Self::OfMachine { cause, .. } => cause.class(),
            Self::Resolve(error) => error.class(),
            Self::Packages(error) if matches!(**error, deb_trust::PackagesError::NotListed { .. }) => {
                ExitClass::Failed
            }
            Self::DebData(error) if matches!(**error, deb::UnpackError::Write { .. }) => ExitClass::Failed,
            Self::Stale { .. } | Self::Read { .. } | Self::Scratch(_) => ExitClass::Failed,
            _ => ExitClass::Verification,
        }
    }
}

impl Trouble {
    fn hints(&self) -> Vec<String> {
        let hint = match self {
            Self::Bring(error) => return error.hints(),
            Self::Store(error) => return error.hints(),
            Self::Mirror(error) => return error.hints(),
            Self::OfMachine { cause, .. } => {
                let mut hints = cause.hints();
                hints.push(NOT_OF_MACHINE.to_owned());
                return hints;
            }
            Self::Unsigned { .. } => NOT_OF_MACHINE,
            Self::Apt { .. } | Self::NothingLeft { .. } => {
                "on a machine without apt list repositories and their keys in the recipe, or give the root directory \
                 of a machine that has it with --apt-root"
            }
            Self::KeyFile { .. } => "paths in a recipe are relative to the recipe's own directory",
            Self::Rollback { .. } | Self::Older(_) => {
                "if the older index is right, remove the lock and lock anew"
            }
            Self::Release(error) if matches!(**error, deb_trust::ReleaseError::Expired { .. }) => {
                "a source that is a snapshot of the past says so with `snapshot = true`; images of a lock that \
                 answers the recipe need no index"
            }
            Self::Known(_) => {
                "believe neither before you know which is right; a release that you trust can be served from a place of \
                 your own, and the recipe name that place: what is known is known of this address only"
            }
            Self::Replaced { .. } => "find out why; `ocelet lock --update NAME` takes the new bytes",
            _ => return Vec::new(),
        };
        vec![hint.to_owned()]
    }
}

/// How a source of the machine's apt is kept out.
const NOT_OF_MACHINE: &str = "to do without it, disable it for apt (`Enabled: no`), limit its `Architectures`, or list \
                              the repositories that are wanted in the recipe";

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
            for hint in trouble.hints() {
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
    format!("the lock does not answer the recipe:{}", lines(differences))
}

fn lines(all: &[impl fmt::Display]) -> String {
    all.iter().map(|one| ["\n  ", &one.to_string()].concat()).collect()
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
