//! Single files of the host: opened as blobs or read as text, with the path in every error.

use std::fs::File;
use std::io::{self, Read, Write};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use ocelet_tree::{Blob, Bytes, Source};

use super::mapping;

/// The longest text that is read whole: recipes and reports, in bytes.
const LONGEST_TEXT: u64 = 64 << 20;

/// A file of the host that could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// The system's own words.
    #[error("cannot read {}", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// The system's own words, of a file that was to be written.
    #[error("cannot write {}", .path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// Something else than a regular file.
    #[error("cannot read {}: it is not a regular file", .path.display())]
    NotAFile {
        /// The path.
        path: PathBuf,
    },
    /// A text that is too long to be one.
    #[error("cannot read {}: it has {length} bytes, and at most {LONGEST_TEXT} are read as text", .path.display())]
    TooLong {
        /// The file.
        path: PathBuf,
        /// Its length in bytes.
        length: u64,
    },
    /// A text that is not UTF-8.
    #[error("cannot read {}: byte {at} is not UTF-8", .path.display())]
    NotText {
        /// The file.
        path: PathBuf,
        /// Where the first byte that is not UTF-8 stands.
        at: usize,
    },
}

/// Writes a text, or nothing: it appears at `path` whole or not at all, in place of what was there. Parents are not
/// made.
///
/// # Errors
/// The directory or the file cannot be written.
pub fn write_text(path: &Path, text: &str) -> Result<(), FileError> {
    let write = |cause| FileError::Write { path: path.to_path_buf(), cause };
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new()
        .prefix(".ocelet-")
        .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644))
        .tempfile_in(directory)
        .map_err(write)?;
    file.write_all(text.as_bytes()).and_then(|()| file.as_file().sync_all()).map_err(write)?;
    file.persist(path).map_err(|error| write(error.error))?;
    Ok(())
}

/// Opens a regular file as a blob: read in place, mapped where random access is wanted.
///
/// # Errors
/// The file cannot be opened, or is not a regular file.
pub fn open(path: &Path) -> Result<Blob, FileError> {
    let read = |cause| FileError::Read { path: path.to_path_buf(), cause };
    // Opening a pipe waits for somebody who writes, for ever if nobody does: what it is is asked first.
    let regular = |metadata: &std::fs::Metadata| {
        if metadata.is_file() { Ok(()) } else { Err(FileError::NotAFile { path: path.to_path_buf() }) }
    };
    regular(&std::fs::metadata(path).map_err(read)?)?;
    let file = File::open(path).map_err(read)?;
    let metadata = file.metadata().map_err(read)?;
    regular(&metadata)?;
    Ok(Blob::new(OpenFile { file, length: metadata.len(), label: path.display().to_string() }))
}

/// Reads a file as UTF-8 text.
///
/// # Errors
/// The file cannot be read, is over 64 MiB, or is not UTF-8.
pub fn read_text(path: &Path) -> Result<String, FileError> {
    let read = |cause| FileError::Read { path: path.to_path_buf(), cause };
    let file = File::open(path).map_err(read)?;
    let length = file.metadata().map_err(read)?.len();
    if length > LONGEST_TEXT {
        return Err(FileError::TooLong { path: path.to_path_buf(), length });
    }
    let mut bytes = Vec::new();
    // A pipe does not tell its length beforehand.
    file.take(LONGEST_TEXT + 1).read_to_end(&mut bytes).map_err(read)?;
    if bytes.len() as u64 > LONGEST_TEXT {
        return Err(FileError::TooLong { path: path.to_path_buf(), length: bytes.len() as u64 });
    }
    String::from_utf8(bytes).map_err(|error| FileError::NotText {
        path: path.to_path_buf(),
        at: error.utf8_error().valid_up_to(),
    })
}

/// A file that is already open as a blob; `length` is its length in bytes, and `label` what errors call it.
pub(crate) fn opened(file: File, length: u64, label: String) -> Blob {
    Blob::new(OpenFile { file, length, label })
}

/// A blob over an open file of constant length.
pub(super) struct OpenFile {
    pub(super) file: File,
    pub(super) length: u64,
    pub(super) label: String,
}

impl Source for OpenFile {
    fn length(&self) -> u64 {
        self.length
    }

    fn label(&self) -> String {
        self.label.clone()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.file.read_exact_at(buffer, offset)
    }

    fn bytes(&self, range: Range<u64>) -> io::Result<Bytes> {
        bytes_of(&self.file, &range)
    }
}

/// A stretch of a file for random access: copied where it is small, mapped from the file's start otherwise
/// (a mapping begins on a page).
pub(super) fn bytes_of(file: &File, range: &Range<u64>) -> io::Result<Bytes> {
    /// Up to here a copy costs less than a mapping and its page faults, in bytes.
    const COPIED: u64 = 64 << 10;
    let wide = |_| io::Error::from(io::ErrorKind::FileTooLarge);
    let length = range.end.checked_sub(range.start).ok_or(io::ErrorKind::InvalidInput)?;
    if length <= COPIED {
        let mut copy = vec![0; usize::try_from(length).map_err(wide)?];
        file.read_exact_at(&mut copy, range.start)?;
        return Ok(Bytes::new(copy));
    }
    let (start, end) =
        (usize::try_from(range.start).map_err(wide)?, usize::try_from(range.end).map_err(wide)?);
    let mapped = mapping::map(file, end)?;
    mapped.slice(start..end).ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
}
