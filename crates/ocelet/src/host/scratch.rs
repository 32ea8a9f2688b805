//! [`Scratch`]: where a run keeps what is too large for memory, such as the inflated form of a tarball.
//!
//! A scratch file has no name: it is gone when its last reader is, even after `kill -9`.

use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use ocelet_tree::Blob;

use super::file::OpenFile;

/// A directory for unnamed temporary files.
#[derive(Debug, Clone)]
pub struct Scratch {
    directory: PathBuf,
}

/// A scratch file that is being written.
#[derive(Debug)]
pub struct ScratchFile {
    label: String,
    directory: PathBuf,
    writer: BufWriter<File>,
    length: u64,
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
        let mut file = self.begin(label)?;
        let copied = open().and_then(|mut from| io::copy(&mut from, &mut file));
        copied.map_err(|cause| file.error(cause))?;
        file.finish()
    }

    /// Begins an unnamed file; `label` is what errors call it.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn begin(&self, label: &str) -> Result<ScratchFile, ScratchError> {
        let (label, directory) = (label.to_owned(), self.directory.clone());
        match tempfile::tempfile_in(&directory) {
            Ok(file) => {
                let writer = BufWriter::with_capacity(1 << 18, file);
                Ok(ScratchFile { label, directory, writer, length: 0 })
            }
            Err(cause) => Err(ScratchError { label, directory, cause }),
        }
    }
}

impl ScratchFile {
    /// What was written.
    ///
    /// # Errors
    /// The rest of it cannot be.
    pub fn finish(self) -> Result<Blob, ScratchError> {
        let Self { label, directory, writer, length } = self;
        match writer.into_inner() {
            Ok(file) => Ok(Blob::new(OpenFile { file, length, label })),
            Err(failed) => Err(ScratchError { label, directory, cause: failed.into_error() }),
        }
    }

    fn error(&self, cause: io::Error) -> ScratchError {
        ScratchError { label: self.label.clone(), directory: self.directory.clone(), cause }
    }
}

impl Write for ScratchFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.writer.write(bytes)?;
        self.length += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}
