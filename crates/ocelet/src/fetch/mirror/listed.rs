//! [`Listed`]: what the mirrors that are directories say of their own files, so that a damaged file is noticed even
//! where nobody knows its digest yet: when a recipe is locked from a mirror.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use ocelet_net::{Address, Mirror};
use ocelet_oci::Digest;
use ocelet_tree::Bytes;

use super::error::MirrorError;
use super::path::SUMS;
use super::sums::Sums;
use crate::host::{self, FileError};

/// The pages of sums of mirror directories. A directory without one says nothing.
#[derive(Debug, Default)]
pub(crate) struct Listed {
    pages: Vec<(PathBuf, Sums)>,
}

impl Listed {
    /// Reads the page of each mirror that is a directory and has one. A page that is there and cannot be read is an
    /// error: whoever damages it must not be rid of it.
    pub(crate) fn read(mirrors: &[Mirror]) -> Result<Self, MirrorError> {
        let mut listed = Self::default();
        for mirror in mirrors {
            let Ok(address) = mirror.address(SUMS) else { continue };
            let Some((root, _)) = address.as_beneath() else { continue };
            let path = root.join(SUMS);
            let Some(page) = read(&path).map_err(|cause| MirrorError::Page { cause })? else { continue };
            let sums = Sums::read(&page).map_err(|problems| MirrorError::Sums { path, problems })?;
            listed.pages.push((root.to_path_buf(), sums));
        }
        Ok(listed)
    }

    /// Checks what came from an address: a mirror with a page must list it, and with this digest.
    pub(crate) fn check(&self, from: &Address, got: &Digest) -> Result<(), MirrorError> {
        let Some((root, path)) = from.as_beneath() else { return Ok(()) };
        self.check_file(root, path, got)
    }

    /// The same for a file below the directory of a mirror.
    pub(crate) fn check_file(&self, root: &Path, path: &str, got: &Digest) -> Result<(), MirrorError> {
        let Some((_, sums)) = self.pages.iter().find(|(other, _)| other == root) else { return Ok(()) };
        match sums.get(path) {
            Some(wanted) if wanted == *got => Ok(()),
            Some(wanted) => Err(MirrorError::Altered { path: root.join(path), wanted, got: *got }),
            None => Err(MirrorError::Unlisted { path: root.join(path), page: root.join(SUMS), got: *got }),
        }
    }
}

/// The bytes of a page; nothing where there is none.
fn read(path: &Path) -> Result<Option<Bytes>, FileError> {
    match host::open(path) {
        Err(FileError::Read { cause, .. }) if cause.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
        Ok(blob) => blob
            .content()
            .bytes()
            .map(Some)
            .map_err(|error| FileError::Read { path: path.to_path_buf(), cause: error.cause }),
    }
}
