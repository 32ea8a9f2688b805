//! The two locks of a layout, and what a handle on it has in hand.
//!
//! Both locks are advisory, between handles of this house. They belong to an open file, so they vanish with the
//! process that held them.

use super::directory::{BLOBS, Layout, MARKER, std_file};
use super::error::LayoutError;
use crate::Digest;
use cap_std::fs::{MetadataExt as _, OpenOptions};
use std::collections::BTreeSet;
use std::fs::{File, TryLockError};
use std::os::unix::fs::MetadataExt as _;

/// What one handle has written or relies on, and nobody may remove.
#[derive(Debug, Default)]
pub(super) struct Session {
    /// `blobs/sha256`, locked together with other writers; there since the first write.
    guard: Option<File>,
    /// Blobs that were written, or found to be there, through this handle.
    pub(super) kept: BTreeSet<Digest>,
    /// Those of them that may not be on the disk yet.
    pub(super) unsynced: BTreeSet<Digest>,
}

/// `oci-layout`, locked alone, until dropped.
#[derive(Debug)]
pub(super) struct IndexLock {
    _file: File,
}

impl Layout {
    /// Waits until no one else commits.
    pub(super) fn lock_index(&self) -> Result<IndexLock, LayoutError> {
        const ATTEMPTS: usize = 100;
        for _ in 0..ATTEMPTS {
            // Some network file systems only lock what is open for writing.
            let writable = self.dir().open_with(MARKER, OpenOptions::new().read(true).write(true));
            let file = writable.or_else(|_| self.dir().open(MARKER)).map_err(self.io("open", MARKER))?;
            let file = std_file(file);
            file.lock().map_err(self.io("lock", MARKER))?;
            // Another tool may have replaced the file while this one waited: then this lock guards nothing.
            let locked = file.metadata().map_err(self.io("look at", MARKER))?;
            let named = self.dir().metadata(MARKER).map_err(self.io("look at", MARKER))?;
            if (locked.dev(), locked.ino()) == (named.dev(), named.ino()) {
                return Ok(IndexLock { _file: file });
            }
        }
        Err(LayoutError::Unlockable { path: self.path().join(MARKER) })
    }

    /// From here on, until the handle is dropped, no one else removes blobs.
    pub(super) fn begin_writing(&self) -> Result<(), LayoutError> {
        let mut session = self.session();
        if session.guard.is_none() {
            let directory = std_file(self.dir().open(BLOBS).map_err(self.io("open", BLOBS))?);
            directory.lock_shared().map_err(self.io("lock", BLOBS))?;
            session.guard = Some(directory);
        }
        Ok(())
    }

    /// Does something while no other handle writes, or nothing if one does. The index must be locked: it is what
    /// keeps everyone else from removing blobs while this handle changes its lock from shared to alone and back,
    /// which is not one step (flock(2), NOTES).
    pub(super) fn alone<V>(
        &self,
        _lock: &IndexLock,
        work: impl FnOnce(&Session) -> Result<V, LayoutError>,
    ) -> Result<Option<V>, LayoutError> {
        self.begin_writing()?;
        let session = self.session();
        let guard = session.guard.as_ref().expect("writing has begun above");
        let done = match guard.try_lock() {
            Ok(()) => work(&session).map(Some),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(source)) => Err(self.io("lock", BLOBS)(source)),
        };
        guard.lock_shared().map_err(self.io("lock", BLOBS))?;
        done
    }
}
