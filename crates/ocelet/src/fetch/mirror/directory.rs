//! [`Directory`]: a mirror's directory, and everything that is done in it.
//!
//! Each name of a path is opened below the one before it and never through a link, so nothing outside is read or
//! written whatever stands in the directory. A file is written beside its place and renamed.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fs::{DirBuilder, File, TryLockError};
use std::io::{Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{DirBuilderExt, FileExt};
use std::path::{Path, PathBuf};

use ocelet_oci::{Digest, Hasher};
use rustix::fs::{AtFlags, Mode, OFlags};
use rustix::io::Errno;

use super::error::MirrorError;
use super::path::PARTIAL;
use crate::fetch::store::VerifiedBlob;

/// How much is copied at a time, in bytes.
const STEP: usize = 1 << 20;
/// No page of sums is longer, in bytes: some 500,000 files.
const LONGEST: u64 = 64 << 20;
/// Everyone may read a mirror, and its owner write it.
const FILE: Mode = Mode::from_raw_mode(0o644);
const DIRECTORY: Mode = Mode::from_raw_mode(0o755);

/// What stands at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    Nothing,
    /// The wanted content.
    Right,
    /// Something else.
    Other,
}

/// A mirror's directory.
#[derive(Debug)]
pub(super) struct Directory {
    root: OwnedFd,
    path: PathBuf,
    /// Directories in which names changed, by path; they are synced once, at the end.
    touched: RefCell<BTreeSet<String>>,
}

impl Directory {
    /// Opens the directory, and makes it where it is not there.
    pub(super) fn open(path: &Path) -> Result<Self, MirrorError> {
        let made = DirBuilder::new().recursive(true).mode(0o755).create(path);
        made.map_err(|cause| MirrorError::io("create", path, cause))?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let root = rustix::fs::open(path, flags, Mode::empty());
        let root = root.map_err(|cause| MirrorError::io("open", path, cause))?;
        Ok(Self { root, path: path.to_path_buf(), touched: RefCell::default() })
    }

    /// Locks the directory by a file in it, until the result is dropped; calls `waiting` where another has it.
    pub(super) fn lock(&self, name: &str, waiting: impl FnOnce()) -> Result<File, MirrorError> {
        let path = self.path.join(name);
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let opened = rustix::fs::openat(&self.root, name, flags, FILE);
        let file = File::from(opened.map_err(|cause| MirrorError::io("open", &path, cause))?);
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => waiting(),
            Err(TryLockError::Error(cause)) => return Err(MirrorError::io("lock", &path, cause)),
        }
        file.lock().map_err(|cause| MirrorError::io("lock", &path, cause))?;
        Ok(file)
    }

    /// What stands at a path; its bytes are hashed where it has the wanted size.
    pub(super) fn look(&self, path: &str, digest: &Digest, size: u64) -> Result<Found, MirrorError> {
        let (above, name) = split(path);
        let Some(parent) = self.descend(above, false)? else { return Ok(Found::Nothing) };
        let shown = self.path.join(path);
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let mut file = match rustix::fs::openat(&parent, name, flags, Mode::empty()) {
            Ok(file) => File::from(file),
            Err(Errno::NOENT) => return Ok(Found::Nothing),
            // A link, a socket, or a file that may not be read: it is replaced.
            Err(Errno::LOOP | Errno::NXIO | Errno::ACCESS) => return Ok(Found::Other),
            Err(cause) => return Err(MirrorError::io("open", &shown, cause)),
        };
        let metadata = file.metadata().map_err(|cause| MirrorError::io("look at", &shown, cause))?;
        if metadata.is_dir() {
            return Err(MirrorError::io("write", &shown, Errno::ISDIR));
        }
        if !metadata.is_file() || metadata.len() != size {
            return Ok(Found::Other);
        }
        let mut hasher = Hasher::new();
        let mut buffer = vec![0; STEP];
        loop {
            match file.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => hasher.update(&buffer[..count]),
                Err(cause) if cause.kind() == std::io::ErrorKind::Interrupted => {}
                Err(cause) => return Err(MirrorError::io("read", &shown, cause)),
            }
        }
        Ok(if hasher.finish().digest() == digest { Found::Right } else { Found::Other })
    }

    /// Puts a blob at a path, whatever file is there.
    pub(super) fn write(&self, path: &str, blob: &VerifiedBlob) -> Result<(), MirrorError> {
        let shown = self.path.join(path);
        self.replace(path, |file| {
            let mut hasher = Hasher::new();
            let content = blob.content();
            let mut buffer = vec![0; STEP];
            while hasher.size() < blob.size() {
                let left = usize::try_from(blob.size() - hasher.size()).unwrap_or(STEP);
                let piece = &mut buffer[..left.min(STEP)];
                content
                    .read_at(hasher.size(), piece)
                    .map_err(|cause| MirrorError::Read { path: shown.clone(), cause })?;
                file.write_all_at(piece, hasher.size())
                    .map_err(|cause| MirrorError::io("write", &shown, cause))?;
                hasher.update(piece);
            }
            let got = *hasher.finish().digest();
            if got != *blob.digest() {
                return Err(MirrorError::Damaged { path: shown.clone(), wanted: *blob.digest(), got });
            }
            Ok(())
        })
    }

    /// Puts a text at a path, whatever file is there.
    pub(super) fn write_text(&self, path: &str, text: &str) -> Result<(), MirrorError> {
        self.replace(path, |mut file| {
            file.write_all(text.as_bytes())
                .map_err(|cause| MirrorError::io("write", &self.path.join(path), cause))
        })
    }

    /// Writes a file beside its place, and renames it. The directory is locked, so the name beside is nobody
    /// else's: what is there was left by someone who died.
    fn replace(
        &self,
        path: &str,
        fill: impl FnOnce(&File) -> Result<(), MirrorError>,
    ) -> Result<(), MirrorError> {
        let (above, name) = split(path);
        let shown = self.path.join(path);
        let failed = |cause: Errno| MirrorError::io("write", &shown, cause);
        let parent = self.descend(above, true)?.ok_or_else(|| failed(Errno::NOENT))?;
        unlink(&parent, PARTIAL).map_err(failed)?;
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = File::from(rustix::fs::openat(&parent, PARTIAL, flags, FILE).map_err(failed)?);
        let filled = fill(&file).and_then(|()| {
            // Whatever the umask is: others read a mirror too.
            rustix::fs::fchmod(&file, FILE).map_err(failed)?;
            file.sync_all().map_err(|cause| MirrorError::io("sync", &shown, cause))?;
            rustix::fs::renameat(&parent, PARTIAL, &parent, name).map_err(failed)
        });
        if filled.is_err() {
            // The first error is the one to tell.
            let _ = unlink(&parent, PARTIAL);
        }
        self.touched.borrow_mut().insert(above.to_owned());
        filled
    }

    /// Reads a file at the top whole; nothing where there is none.
    pub(super) fn read_small(&self, name: &str) -> Result<Option<Vec<u8>>, MirrorError> {
        let shown = self.path.join(name);
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let file = match rustix::fs::openat(&self.root, name, flags, Mode::empty()) {
            Ok(file) => File::from(file),
            Err(Errno::NOENT) => return Ok(None),
            Err(cause) => return Err(MirrorError::io("open", &shown, cause)),
        };
        let mut bytes = Vec::new();
        let read = file.take(LONGEST + 1).read_to_end(&mut bytes);
        read.map_err(|cause| MirrorError::io("read", &shown, cause))?;
        if bytes.len() as u64 > LONGEST {
            return Err(MirrorError::io("read", &shown, Errno::FBIG));
        }
        Ok(Some(bytes))
    }

    /// Makes all names that changed survive a loss of power.
    pub(super) fn sync(&self) -> Result<(), MirrorError> {
        for above in std::mem::take(&mut *self.touched.borrow_mut()) {
            let failed = |cause: Errno| MirrorError::io("sync", &self.path.join(&above), cause);
            if let Some(directory) = self.descend(&above, false)? {
                rustix::fs::fsync(&directory).map_err(failed)?;
            }
        }
        Ok(())
    }

    /// Opens the directory of this path, name by name; makes what is not there where `make` says so, and else
    /// gives nothing.
    fn descend(&self, above: &str, make: bool) -> Result<Option<OwnedFd>, MirrorError> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut shown = self.path.clone();
        let again = rustix::fs::openat(&self.root, ".", flags, Mode::empty());
        let mut directory = again.map_err(|cause| MirrorError::io("open", &shown, cause))?;
        let mut parent = String::new();
        for name in above.split('/').filter(|name| !name.is_empty()) {
            shown.push(name);
            let mut opened = rustix::fs::openat(&directory, name, flags, Mode::empty());
            if matches!(opened, Err(Errno::NOENT)) {
                if !make {
                    return Ok(None);
                }
                opened = self.make(&directory, name, &parent, flags);
            }
            directory = opened.map_err(|cause| match cause {
                Errno::LOOP | Errno::NOTDIR => MirrorError::NotADirectory { path: shown.clone() },
                cause => MirrorError::io("open", &shown, cause),
            })?;
            if !parent.is_empty() {
                parent.push('/');
            }
            parent.push_str(name);
        }
        Ok(Some(directory))
    }

    /// Makes a directory that everyone may read, and opens it.
    fn make(&self, parent: impl AsFd, name: &str, above: &str, flags: OFlags) -> Result<OwnedFd, Errno> {
        match rustix::fs::mkdirat(&parent, name, DIRECTORY) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(error) => return Err(error),
        }
        self.touched.borrow_mut().insert(above.to_owned());
        let directory = rustix::fs::openat(&parent, name, flags, Mode::empty())?;
        rustix::fs::fchmod(&directory, DIRECTORY)?;
        Ok(directory)
    }
}

/// Removes a file, if it is there.
fn unlink(directory: impl AsFd, name: &str) -> Result<(), Errno> {
    match rustix::fs::unlinkat(directory, name, AtFlags::empty()) {
        Err(Errno::NOENT) => Ok(()),
        other => other,
    }
}

/// The directory of a path, and its name in there.
fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}
