//! [`Claim`]: a file in `partial/` that this process alone writes, until it is moved into its place.
//!
//! The claim is an exclusive `flock(2)` on the file itself, so it ends with the process, however that ends. A
//! lock is only believed while the locked file still has its name: whoever had it before may have moved the
//! file into place, or removed it. It never truncates a file before it has the lock.

use std::fs::{File, TryLockError};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};

use super::disk;
use super::error::StoreError;
use super::place::{Place, UNNAMED};

/// How often a file may be replaced while its lock is waited for.
const ATTEMPTS: usize = 1000;

/// Whether to wait for another writer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wait {
    Yes,
    No,
}

/// A file that this process alone writes.
#[derive(Debug)]
pub(super) struct Claim {
    pub(super) file: File,
    pub(super) path: PathBuf,
}

impl Claim {
    /// Claims a file by name, and creates it where it is not there; nothing if another has it and `wait` says
    /// not to wait.
    pub(super) fn named(place: &Place, path: PathBuf, wait: Wait) -> Result<Option<Self>, StoreError> {
        disk::make_directory(&place.partials())?;
        for _ in 0..ATTEMPTS {
            let file = create(&path, OFlags::empty()).map_err(StoreError::io("create", &path))?;
            if let Some(claim) = Self::lock(file, path.clone(), wait)? {
                return Ok(Some(claim));
            }
            if wait == Wait::No && disk::look(&path)?.is_some() {
                return Ok(None);
            }
        }
        Err(StoreError::Contended { path, attempts: ATTEMPTS })
    }

    /// Claims a new file of its own.
    pub(super) fn fresh(place: &Place) -> Result<Self, StoreError> {
        let directory = place.partials();
        disk::make_directory(&directory)?;
        let mut builder = tempfile::Builder::new();
        let builder = builder.prefix(UNNAMED).rand_bytes(12);
        for _ in 0..ATTEMPTS {
            let (file, path) = builder
                .make_in(&directory, |path| create(path, OFlags::EXCL))
                .and_then(|file| file.keep().map_err(std::io::Error::from))
                .map_err(StoreError::io("create a file in", &directory))?;
            // Someone who cleans up may have come between the two steps.
            if let Some(claim) = Self::lock(file, path, Wait::Yes)? {
                return Ok(claim);
            }
        }
        Err(StoreError::Contended { path: directory, attempts: ATTEMPTS })
    }

    /// Claims what someone has left, to remove it; nothing if it is in use, or gone.
    pub(super) fn abandoned(path: &Path) -> Result<Option<Self>, StoreError> {
        let disk::Found::File(file, _) = disk::open(path)? else { return Ok(None) };
        Self::lock(file, path.to_path_buf(), Wait::No)
    }

    /// Locks the file, and makes sure that it still has its name.
    fn lock(file: File, path: PathBuf, wait: Wait) -> Result<Option<Self>, StoreError> {
        match wait {
            Wait::Yes => file.lock().map_err(StoreError::io("lock", &path))?,
            Wait::No => match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Ok(None),
                Err(TryLockError::Error(cause)) => return Err(StoreError::io("lock", &path)(cause)),
            },
        }
        let locked = file.metadata().map_err(StoreError::io("look at", &path))?;
        if !locked.is_file() {
            return Err(StoreError::NotAFile { path, found: disk::kind(&locked), aside: None });
        }
        let named = disk::look(&path)?;
        Ok(named.is_some_and(|named| disk::same(&locked, &named)).then_some(Self { file, path }))
    }

    /// Removes the file. Nobody else can have put another one in its place while it is locked.
    pub(super) fn remove(self) -> Result<(), StoreError> {
        disk::remove(&self.path).map(|_| ())
    }

    /// Makes the bytes durable.
    pub(super) fn sync(&self) -> Result<(), StoreError> {
        self.file.sync_all().map_err(StoreError::io("sync", &self.path))
    }

    /// Moves the file into its place, whatever is there, and lets everyone read it and nobody write it. It stays
    /// locked until it is closed or unlocked.
    pub(super) fn move_to(self, target: &Path) -> Result<File, StoreError> {
        if let Some(directory) = target.parent() {
            disk::make_directory(directory)?;
        }
        match std::fs::rename(&self.path, target) {
            Ok(()) => {
                // Not before: a writer that dies in between would leave a part that nobody can continue. What is in
                // its place is right whatever its mode is.
                let _ = self.file.set_permissions(PermissionsExt::from_mode(0o444));
                Ok(self.file)
            }
            Err(cause) => {
                // What cannot be moved is of no use to anyone; the first error is the one to tell.
                let _ = std::fs::remove_file(&self.path);
                Err(StoreError::io("write", target)(cause))
            }
        }
    }
}

fn create(path: &Path, how: OFlags) -> std::io::Result<File> {
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC | how;
    Ok(rustix::fs::open(path, flags, Mode::RUSR | Mode::WUSR).map(File::from)?)
}

/// A small file that is written whole or not at all.
#[derive(Debug)]
pub(super) struct Document {
    claim: Option<Claim>,
    target: PathBuf,
}

impl Document {
    /// Writes the text beside, to be moved to `target` later; thrown away if that does not come.
    pub(super) fn prepare(place: &Place, target: PathBuf, text: &str) -> Result<Self, StoreError> {
        use std::io::Write as _;
        let claim = Claim::fresh(place)?;
        let document = Self { claim: Some(claim), target };
        if let Some(claim) = &document.claim {
            (&claim.file).write_all(text.as_bytes()).map_err(StoreError::io("write", &claim.path))?;
        }
        Ok(document)
    }

    /// Moves it into place; `durable` is whether its bytes must be on the disk before its name is.
    pub(super) fn commit(mut self, durable: bool) -> Result<(), StoreError> {
        let Some(claim) = self.claim.take() else { return Ok(()) };
        if durable {
            claim.sync()?;
        }
        claim.move_to(&self.target).map(|_| ())
    }
}

impl Drop for Document {
    fn drop(&mut self) {
        if let Some(claim) = self.claim.take() {
            // A file that stays is removed by the next clean.
            let _ = claim.remove();
        }
    }
}
