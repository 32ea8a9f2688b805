//! [`FileOnly`]: the source for files and mirror directories.
//!
//! It holds nothing and this module names no client, so offline work built on it has no way to a socket. It
//! refuses web addresses, anything that is not a regular file (a pipe would block), and every path that leads
//! out of its mirror's directory, by `..` or by a link: `cap-std` resolves below the directory, with
//! `openat2(RESOLVE_BENEATH)` where the kernel has it.

use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use cap_std::ambient_authority;
use cap_std::fs::{Dir, File, OpenOptions, OpenOptionsExt};

use crate::failure::Failure;
use crate::source::{Answer, Ask, Body, Setback, Source};

/// Answers from files of this machine, and refuses all else.
#[derive(Debug, Clone, Copy, Default)]
pub struct FileOnly;

impl Source for FileOnly {
    fn open(&self, ask: &Ask<'_>) -> Result<Answer, Setback> {
        let (path, opened) = if let Some(path) = ask.address.as_file() {
            (path.to_owned(), open_anywhere(path))
        } else if let Some((root, below)) = ask.address.as_beneath() {
            (root.join(below), open_beneath(root, below))
        } else {
            return Err(Failure::Offline.into());
        };
        answer(&path, opened?, ask.from).map_err(Setback::from)
    }
}

/// For reading, and without waiting for the other end where the path is a pipe.
fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true);
    options.custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed());
    options
}

fn open_anywhere(path: &Path) -> Result<File, Failure> {
    File::open_ambient_with(path, &options(), ambient_authority()).map_err(|error| refused(path, error))
}

fn open_beneath(root: &Path, below: &str) -> Result<File, Failure> {
    let directory = Dir::open_ambient_dir(root, ambient_authority()).map_err(|error| refused(root, error))?;
    directory.open_with(below, &options()).map_err(|error| {
        // cap-std's own refusal, unlike the system's, has no error number.
        let escaped = error.kind() == io::ErrorKind::PermissionDenied && error.raw_os_error().is_none();
        if escaped {
            return Failure::Escapes { root: root.to_owned(), path: below.to_owned() };
        }
        refused(&root.join(below), error)
    })
}

fn refused(path: &Path, reason: io::Error) -> Failure {
    let path = path.to_owned();
    if matches!(reason.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) {
        return Failure::NoFile { path };
    }
    Failure::File { path, reason }
}

fn answer(path: &Path, mut file: File, from: u64) -> Result<Answer, Failure> {
    let metadata = file.metadata().map_err(|error| refused(path, error))?;
    if !metadata.is_file() {
        return Err(Failure::NotAFile { path: path.to_owned() });
    }
    let total = metadata.len();
    if from > total {
        return Err(Failure::RangeRefused { asked: from, length: Some(total) });
    }
    file.seek(SeekFrom::Start(from)).map_err(|error| refused(path, error))?;
    let body = Box::new(FileBody { path: path.to_owned(), file });
    Ok(Answer { start: from, total: Some(total), validator: None, landed: None, body })
}

struct FileBody {
    path: PathBuf,
    file: File,
}

impl Body for FileBody {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Failure> {
        loop {
            match self.file.read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(reason) => return Err(Failure::File { path: self.path.clone(), reason }),
                Ok(read) => return Ok(read),
            }
        }
    }
}
