//! What the store asks of the file system: open without following links, list in order, hash, sync.
//!
//! Nothing here trusts what it finds: whatever is not a regular file is named and never read.

use std::fs::{DirBuilder, File, Metadata};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt, FileTypeExt, MetadataExt};
use std::path::Path;

use ocelet_oci::Hasher;
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use super::error::StoreError;

/// How much is read at a time to be hashed, in bytes: fits the second-level cache.
const STEP: usize = 256 << 10;

/// What stands at a path.
#[derive(Debug)]
pub(super) enum Found {
    /// Nothing.
    Nothing,
    /// A regular file, open for reading.
    File(File, Metadata),
    /// Something else, by name, and which inode it is where that is known.
    Other(&'static str),
}

/// Opens a regular file for reading; neither follows a link nor waits for a pipe.
pub(super) fn open(path: &Path) -> Result<Found, StoreError> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = match rustix::fs::open(path, flags, Mode::empty()) {
        Ok(descriptor) => File::from(descriptor),
        Err(Errno::NOENT) => return Ok(Found::Nothing),
        Err(Errno::LOOP) => return Ok(Found::Other("a symbolic link")),
        Err(Errno::NXIO) => return Ok(Found::Other("a socket")),
        Err(error) => return Err(StoreError::io("open", path)(error.into())),
    };
    let metadata = file.metadata().map_err(StoreError::io("look at", path))?;
    Ok(if metadata.is_file() { Found::File(file, metadata) } else { Found::Other(kind(&metadata)) })
}

/// What is not a regular file, in words.
pub(super) fn kind(metadata: &Metadata) -> &'static str {
    let kind = metadata.file_type();
    match () {
        () if kind.is_dir() => "a directory",
        () if kind.is_symlink() => "a symbolic link",
        () if kind.is_fifo() => "a pipe",
        () if kind.is_socket() => "a socket",
        () => "a device",
    }
}

/// What a path names, without following a link; nothing where there is nothing.
pub(super) fn look(path: &Path) -> Result<Option<Metadata>, StoreError> {
    match std::fs::symlink_metadata(path) {
        Ok(metadata) => Ok(Some(metadata)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(StoreError::io("look at", path)(error)),
    }
}

/// Whether both are one file.
pub(super) fn same(one: &Metadata, other: &Metadata) -> bool {
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

/// The names in a directory, in order; none where there is no directory. Names that are no text are shown with
/// a replacement character, which no name of the layout has.
pub(super) fn names(path: &Path) -> Result<Vec<String>, StoreError> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let directory = match rustix::fs::open(path, flags, Mode::empty()) {
        Ok(directory) => directory,
        Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => return Ok(Vec::new()),
        Err(error) => return Err(StoreError::io("list", path)(error.into())),
    };
    let failed = |error: Errno| StoreError::io("list", path)(error.into());
    let mut names = Vec::new();
    for entry in rustix::fs::Dir::read_from(&directory).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name().to_string_lossy();
        if name != "." && name != ".." {
            names.push(name.into_owned());
        }
    }
    names.sort();
    Ok(names)
}

/// Makes a directory and those above it. Others may read them but never write, whatever the umask allows.
pub(super) fn make_directory(path: &Path) -> Result<(), StoreError> {
    DirBuilder::new().recursive(true).mode(0o755).create(path).map_err(StoreError::io("create", path))
}

/// Makes sure that a name survives a loss of power.
pub(super) fn sync_directory(path: &Path) -> Result<(), StoreError> {
    File::open(path).and_then(|directory| directory.sync_all()).map_err(StoreError::io("sync", path))
}

/// Removes a file; whether it was there.
pub(super) fn remove(path: &Path) -> Result<bool, StoreError> {
    match std::fs::remove_file(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(StoreError::io("remove", path)(error)),
    }
}

/// Hashes the first `length` bytes of a file, or as many as there are.
pub(super) fn hash(file: &File, path: &Path, length: u64) -> Result<Hasher, StoreError> {
    let mut hasher = Hasher::new();
    read(file, path, length, &mut |bytes| hasher.update(bytes))?;
    Ok(hasher)
}

/// Passes the first `length` bytes of a file to `each`, or as many as there are; how many these were.
pub(super) fn read(
    file: &File,
    path: &Path,
    length: u64,
    each: &mut dyn FnMut(&[u8]),
) -> Result<u64, StoreError> {
    let (mut done, mut buffer) = (0, vec![0; STEP]);
    while done < length {
        let most = usize::try_from(length - done).unwrap_or(usize::MAX).min(STEP);
        match file.read_at(&mut buffer[..most], done) {
            Ok(0) => break,
            Ok(count) => {
                each(&buffer[..count]);
                done += count as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(StoreError::io("read", path)(error)),
        }
    }
    Ok(done)
}

/// Reads a small file whole; nothing where there is none, it is longer than `most`, or it is no text.
pub(super) fn read_small(path: &Path, most: u64) -> Result<Option<(File, Metadata, String)>, StoreError> {
    let Found::File(file, metadata) = open(path)? else { return Ok(None) };
    let length = metadata.len().min(most + 1);
    let mut bytes = vec![0; usize::try_from(length).unwrap_or(0)];
    file.read_exact_at(&mut bytes, 0).map_err(StoreError::io("read", path))?;
    // What is too long or no text is read as a text that is no record of any kind.
    let text = String::from_utf8_lossy(&bytes).into_owned();
    Ok(Some((file, metadata, text)))
}
