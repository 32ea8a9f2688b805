//! [`Listed`]: what the mirrors that are directories say of their own files, so that a damaged file is noticed even
//! where nobody knows its digest yet: when a recipe is locked from a mirror.

use std::path::{Path, PathBuf};

use ocelet_net::{Address, Mirror};
use ocelet_oci::Digest;

use super::error::MirrorError;
use super::path::SUMS;
use super::sums::Sums;
use crate::host;

/// The pages of sums of mirror directories. A directory without one says nothing.
#[derive(Debug, Default)]
pub(crate) struct Listed {
    pages: Vec<(PathBuf, Sums)>,
}

impl Listed {
    /// Reads the page of each mirror that is a directory and has one.
    pub(crate) fn read(mirrors: &[Mirror]) -> Result<Self, MirrorError> {
        let mut listed = Self::default();
        for mirror in mirrors {
            let Ok(address) = mirror.address(SUMS) else { continue };
            let Some((root, _)) = address.as_beneath() else { continue };
            let path = root.join(SUMS);
            let Ok(text) = host::read_text(&path) else { continue };
            let sums =
                Sums::read(text.as_bytes()).map_err(|problems| MirrorError::Sums { path, problems })?;
            listed.pages.push((root.to_path_buf(), sums));
        }
        Ok(listed)
    }

    /// Checks what came from an address: a mirror that lists it must list this digest.
    pub(crate) fn check(&self, from: &Address, got: &Digest) -> Result<(), MirrorError> {
        let Some((root, path)) = from.as_beneath() else { return Ok(()) };
        self.check_file(root, path, got)
    }

    /// The same for a file below the directory of a mirror.
    pub(crate) fn check_file(&self, root: &Path, path: &str, got: &Digest) -> Result<(), MirrorError> {
        let page = self.pages.iter().find(|(other, _)| other == root);
        match page.and_then(|(_, sums)| sums.get(path)) {
            Some(wanted) if wanted != *got => {
                Err(MirrorError::Altered { path: root.join(path), wanted, got: *got })
            }
            _ => Ok(()),
        }
    }
}
