//! [`PackageError`]: a locked package that cannot be used, and [`PackageFault`]: why, whichever format it has.

use std::fmt;

use ocelet_package::{apk, deb};
use ocelet_tree::ReadError;

use crate::error::sentence;
use crate::exit::ExitClass;
use crate::fetch::store::StoreError;

/// A locked package that cannot be used.
#[derive(Debug)]
pub struct PackageError {
    /// Its name and version in the lock: `musl-1.2.4-r2`.
    pub package: String,
    /// Why.
    pub cause: PackageFault,
}

/// Why a locked package cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PackageFault {
    /// Its file was not brought home.
    #[error("its file {sha256} is not there; run again without --offline, or with a --mirror that has it")]
    Missing {
        /// The digest of the file.
        sha256: ocelet_oci::Digest,
    },
    /// The lock names it twice for one platform.
    #[error("the lock has it twice; run `ocelet lock` again")]
    Twice,
    /// The lock has no valid identity for it.
    #[error("the lock has a wrong identity for it; run `ocelet lock` again")]
    Identity(#[from] apk::IdentityError),
    /// The package is another one.
    #[error("its file says that it is {got}; run `ocelet lock` again")]
    Other {
        /// What the file says: name and version, and the architecture where that differs.
        got: String,
    },
    /// The file is no Alpine package, or not the one of the lock.
    #[error(transparent)]
    Archive(Box<apk::ArchiveError>),
    /// The files of an Alpine package cannot be had.
    #[error(transparent)]
    Data(Box<apk::UnpackError>),
    /// The file is no Debian package, or not the one of the lock.
    #[error(transparent)]
    DebArchive(Box<deb::ArchiveError>),
    /// The files of a Debian package cannot be had.
    #[error(transparent)]
    DebData(Box<deb::UnpackError>),
    /// The store cannot keep or give what it inflates to.
    #[error(transparent)]
    Store(Box<StoreError>),
    /// The file cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
}

impl PackageFault {
    /// What kind of end it is.
    pub fn class(&self) -> ExitClass {
        match self {
            Self::Missing { .. } => ExitClass::Unavailable,
            Self::Store(error) => error.class(),
            // What the system says of a disk is no verdict on the bytes.
            Self::Read(_) => ExitClass::Failed,
            Self::Data(error) => match **error {
                apk::UnpackError::Write { .. } | apk::UnpackError::Read { .. } => ExitClass::Failed,
                _ => ExitClass::Verification,
            },
            Self::DebData(error) => match **error {
                deb::UnpackError::Write { .. } | deb::UnpackError::Read { .. } => ExitClass::Failed,
                _ => ExitClass::Verification,
            },
            Self::Twice | Self::Identity(_) | Self::Other { .. } | Self::Archive(_) | Self::DebArchive(_) => {
                ExitClass::Verification
            }
        }
    }

    /// What to do next, beyond the message.
    pub fn hints(&self) -> Vec<String> {
        match self {
            Self::Store(error) => error.hints(),
            _ => Vec::new(),
        }
    }
}

impl From<StoreError> for PackageFault {
    fn from(error: StoreError) -> Self {
        Self::Store(Box::new(error))
    }
}

impl From<apk::ArchiveError> for PackageFault {
    fn from(error: apk::ArchiveError) -> Self {
        Self::Archive(Box::new(error))
    }
}

impl From<apk::UnpackError> for PackageFault {
    fn from(error: apk::UnpackError) -> Self {
        Self::Data(Box::new(error))
    }
}

impl From<deb::ArchiveError> for PackageFault {
    fn from(error: deb::ArchiveError) -> Self {
        Self::DebArchive(Box::new(error))
    }
}

impl From<deb::UnpackError> for PackageFault {
    fn from(error: deb::UnpackError) -> Self {
        Self::DebData(Box::new(error))
    }
}

impl fmt::Display for PackageError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.package, sentence(&self.cause))
    }
}
