//! [`Partial`]: a blob that is being written. It becomes one only by the right digest and size.

use std::fs::File;
use std::io::{self, Seek as _, SeekFrom, Write};

use ocelet_oci::{Blob, ContentError, Digest, Hasher};

use super::claim::{Claim, Wait};
use super::error::StoreError;
use super::{Store, VerifiedBlob, disk, witness};

/// What came of beginning to write a blob.
#[derive(Debug)]
pub enum Begun {
    /// It is there already, perhaps because another writer had just finished it.
    Held(VerifiedBlob),
    /// It is to be written.
    Write(Partial),
    /// Another process or thread is writing it.
    Busy,
}

/// A blob that is being written, by this handle alone. Dropped unfinished, one whose digest was announced stays
/// to be continued; others are removed.
#[derive(Debug)]
pub struct Partial {
    store: Store,
    /// There until the file is moved into place or removed.
    claim: Option<Claim>,
    hasher: Hasher,
    wanted: Option<Digest>,
    size: Option<u64>,
    resumed: u64,
    /// Whether what is written so far may be of use to the next writer.
    continued: bool,
    /// Whether the file may hold other bytes than those that were hashed.
    spoiled: bool,
}

impl Store {
    /// Begins to write the blob of a digest, of `size` bytes where that is known; waits while another process or
    /// thread writes it, and then has it. A thread must not begin a second blob while it has a [`Partial`] in hand.
    ///
    /// What a dead writer left is hashed and kept: [`Partial::written`] says where to continue.
    ///
    /// # Errors
    /// The store cannot be written, or holds the blob damaged (see [`Store::get`]).
    pub fn begin(&self, digest: &Digest, size: impl Into<Option<u64>>) -> Result<Begun, StoreError> {
        self.begin_named(digest, size.into(), Wait::Yes)
    }

    /// As [`Store::begin`], without waiting: [`Begun::Busy`] if another process or thread writes it.
    ///
    /// # Errors
    /// As [`Store::begin`].
    pub fn try_begin(&self, digest: &Digest, size: impl Into<Option<u64>>) -> Result<Begun, StoreError> {
        self.begin_named(digest, size.into(), Wait::No)
    }

    /// Begins to write a blob whose digest will be known when it is written.
    ///
    /// # Errors
    /// The store cannot be written.
    pub fn begin_unnamed(&self) -> Result<Partial, StoreError> {
        self.establish()?;
        Ok(Partial::new(self, Claim::fresh(&self.place)?))
    }

    fn begin_named(&self, digest: &Digest, size: Option<u64>, wait: Wait) -> Result<Begun, StoreError> {
        if let Some(held) = self.get(digest, size)? {
            return Ok(Begun::Held(held));
        }
        self.establish()?;
        let Some(claim) = Claim::named(&self.place, self.place.partial(digest), wait)? else {
            return Ok(Begun::Busy);
        };
        let mut partial = Partial::new(self, claim);
        (partial.wanted, partial.size, partial.continued) = (Some(*digest), size, true);
        // Whoever was waited for has finished it, most often.
        if let Some(held) = self.get(digest, size)? {
            partial.continued = false;
            return Ok(Begun::Held(held));
        }
        partial.resume()?;
        Ok(Begun::Write(partial))
    }
}

impl Partial {
    pub(super) fn new(store: &Store, claim: Claim) -> Self {
        Self {
            store: store.clone(),
            claim: Some(claim),
            hasher: Hasher::new(),
            wanted: None,
            size: None,
            resumed: 0,
            continued: false,
            spoiled: false,
        }
    }

    /// How many bytes there are: the offset at which to continue.
    pub fn written(&self) -> u64 {
        self.hasher.size()
    }

    /// How many of them were left by an earlier writer.
    pub fn resumed(&self) -> u64 {
        self.resumed
    }

    /// Passes what is written to `each`, in order.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn replay(&self, each: &mut dyn FnMut(&[u8])) -> Result<(), StoreError> {
        let claim = self.claim();
        disk::read(&claim.file, &claim.path, self.written(), each).map(|_| ())
    }

    /// Throws away what is written, and begins again: for a server that cannot continue.
    ///
    /// # Errors
    /// The file cannot be truncated.
    pub fn restart(&mut self) -> Result<(), StoreError> {
        (self.hasher, self.resumed) = (Hasher::new(), 0);
        self.cut()?;
        self.spoiled = false;
        Ok(())
    }

    fn spoil(&mut self) {
        (self.spoiled, self.continued) = (true, false);
    }

    /// Takes more bytes.
    ///
    /// # Errors
    /// They are more than announced, or cannot be written. What was written before stays to be continued after
    /// the latter.
    pub fn append(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        let got = self.written().saturating_add(bytes.len() as u64);
        if let (Some(digest), Some(wanted)) = (self.wanted, self.size)
            && got > wanted
        {
            // Whoever sends more than announced may have sent anything before.
            self.spoil();
            return Err(self.mismatch(ContentError::Size { digest, wanted, got, at_least: true }));
        }
        let claim = self.claim();
        if let Err(cause) = (&claim.file).write_all(bytes) {
            let error = StoreError::io("write", &claim.path)(cause);
            // A part of the bytes may have come through, and is not hashed.
            if self.cut().is_err() {
                self.spoil();
            }
            return Err(error);
        }
        self.hasher.update(bytes);
        Ok(())
    }

    /// Puts the blob into the store, if it is what was announced.
    ///
    /// # Errors
    /// Its digest or its size is another: the file is removed ([`StoreError::Mismatch`]). Or it cannot be synced
    /// or moved into place.
    pub fn finish(self) -> Result<VerifiedBlob, StoreError> {
        self.finish_after(|_| Ok(()))
    }

    /// As [`Partial::finish`], for what was announced only now.
    ///
    /// # Errors
    /// As [`Partial::finish`].
    pub fn finish_as(mut self, digest: &Digest, size: u64) -> Result<VerifiedBlob, StoreError> {
        (self.wanted, self.size) = (Some(*digest), Some(size));
        self.finish()
    }

    /// Finishes, and does something between knowing that the content is right and its appearance.
    pub(super) fn finish_after(
        mut self,
        before: impl FnOnce(&Blob) -> Result<(), StoreError>,
    ) -> Result<VerifiedBlob, StoreError> {
        if self.spoiled {
            let cause = io::Error::other("a write to it has failed before");
            return Err(StoreError::io("finish", &self.claim().path)(cause));
        }
        let found = std::mem::take(&mut self.hasher).finish();
        let size = self.size.unwrap_or(found.size());
        if let Err(cause) = found.expect(self.wanted.as_ref().unwrap_or(found.digest()), size) {
            self.continued = false;
            return Err(self.mismatch(cause));
        }
        self.claim().sync()?;
        before(&found)?;
        let place = &self.store.place;
        let path = place.blob(found.digest());
        let claim = self.claim.take().expect("only this consuming function and drop take it");
        let file = claim.move_to(&path)?;
        if let Some(directory) = path.parent() {
            disk::sync_directory(directory)?;
        }
        leave_witness(&self.store, &file, found.digest());
        // Those who wait for this lock find the blob in its place.
        file.unlock().map_err(StoreError::io("unlock", &path))?;
        Ok(VerifiedBlob::proved(file, *found.digest(), found.size(), path))
    }

    /// Hashes what an earlier writer has left, and continues behind it. What is too long to be of use goes.
    fn resume(&mut self) -> Result<(), StoreError> {
        let claim = self.claim();
        let length = claim.file.metadata().map_err(StoreError::io("look at", &claim.path))?.len();
        if self.size.is_some_and(|size| length > size) {
            return self.cut();
        }
        let hasher = disk::hash(&claim.file, &claim.path, length)?;
        let whole = self.size == Some(length);
        if whole && Some(hasher.clone().finish().digest()) != self.wanted.as_ref() {
            return self.cut();
        }
        (self.resumed, self.hasher) = (hasher.size(), hasher);
        self.cut()
    }

    /// Makes the file as long as what was hashed, and continues at its end.
    fn cut(&mut self) -> Result<(), StoreError> {
        let length = self.hasher.size();
        let claim = self.claim();
        claim
            .file
            .set_len(length)
            .and_then(|()| (&claim.file).seek(SeekFrom::Start(length)))
            .map(|_| ())
            .map_err(StoreError::io("truncate", &claim.path))
    }

    pub(super) fn claim(&self) -> &Claim {
        self.claim.as_ref().expect("the file is there until the value is finished or dropped")
    }

    fn mismatch(&self, cause: ContentError) -> StoreError {
        StoreError::Mismatch { path: self.claim().path.clone(), resumed: self.resumed, cause }
    }
}

/// Leaves a witness for a file that this process has written and hashed itself.
fn leave_witness(store: &Store, file: &File, digest: &Digest) {
    // Without one, the next use hashes the file.
    if let Ok(metadata) = file.metadata()
        && let Ok(witness) = witness::prepare(&store.place, digest, &metadata)
    {
        let _ = witness.commit(false);
    }
}

impl Write for Partial {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.append(bytes).map_err(|error| {
            let kind = match &error {
                StoreError::Io { cause, .. } => cause.kind(),
                _ => io::ErrorKind::InvalidData,
            };
            io::Error::new(kind, error)
        })?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        if let Some(claim) = self.claim.take()
            && (!self.continued || self.hasher.size() == 0)
        {
            // A file that stays is hashed by its next writer, or removed by the next clean.
            let _ = claim.remove();
        }
    }
}
