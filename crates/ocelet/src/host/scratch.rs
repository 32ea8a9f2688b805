//! [`Scratch`]: where a run keeps what is too large for memory, such as the inflated form of a tarball.
//!
//! A scratch file has no name: it is gone when its last reader is, even after `kill -9`.

use std::fs::File;
use std::io::{self, BufWriter, Read};
use std::path::{Path, PathBuf};

use ocelet_tree::Blob;

use super::file::OpenFile;

/// A directory for unnamed temporary files.
#[derive(Debug, Clone)]
pub struct Scratch {
    directory: PathBuf,
}

/// A scratch file that could not be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot inflate {label} into a temporary file in {}", .directory.display())]
pub struct ScratchError {
    /// What was to be kept.
    pub label: String,
    /// The scratch directory.
    pub directory: PathBuf,
    /// Why.
    #[source]
    pub cause: io::Error,
}

impl Scratch {
    /// Uses `directory` for temporary files; it must exist when the first is written.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self { directory: directory.into() }
    }

    /// The directory.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Reads all that `open` gives into an unnamed file; `label` is what errors call it.
    ///
    /// # Errors
    /// The reader cannot be opened or fails, or the file cannot be written.
    pub fn keep<R: Read>(
        &self,
        label: &str,
        open: impl FnOnce() -> io::Result<R>,
    ) -> Result<Blob, ScratchError> {
        let error =
            |cause| ScratchError { label: label.to_owned(), directory: self.directory.clone(), cause };
        let file = tempfile::tempfile_in(&self.directory).map_err(error)?;
        let mut writer = BufWriter::with_capacity(1 << 18, file);
        let length = open().and_then(|mut from| io::copy(&mut from, &mut writer)).map_err(error)?;
        let file: File = writer.into_inner().map_err(|failed| error(failed.into_error()))?;
        Ok(Blob::new(OpenFile { file, length, label: label.to_owned() }))
    }
}
