//! The store: verified blobs by digest, in a directory that the caller names.
//!
//! ```text
//! DIR/
//!   CACHEDIR.TAG                   tells backup programs to leave it out
//!   v1/                            this version; others are never touched
//!     blobs/sha256/ab/<62 digits>  content; its name is its digest, its mode 0444
//!     witness/sha256/ab/<62 …>     when that file was last hashed whole, and its state then
//!     derived/<kind>/ab/<62 …>     what was made from the blob of this name: digest, size, seal
//!     partial/<64 digits>          content that is being written, or was when its writer died
//!     partial/<64 digits>.<kind>   what is being made from a blob
//!     partial/new-<random>         content whose digest will be known when it is written
//!     corrupt/<name>               what was found damaged and moved aside
//! ```
//!
//! Many processes may use a store at once, and any of them may be killed at any moment. A file appears in
//! `blobs/` by one `rename(2)`, whole, hashed and synced, and is never written again. Whoever writes a partial
//! file holds an exclusive `flock(2)` on it; a second one waits, and then finds the blob; a dead one's lock is
//! gone, and the next writer hashes what is there and continues. No file is ever both locked and waited for by
//! anyone who holds another, as long as a thread begins one blob at a time.
//!
//! A hit is believed if its file is regular, has the right size, and either its witness says that it
//! is as it was when it was hashed, or hashing it again gives its name. A damaged file is refused with
//! [`StoreError::Corrupt`] and moved aside, so that the next run has it afresh. A store that cannot be written
//! serves hits.
//!
//! It refuses to read a clock or the environment, and to follow a link in place of a file.

mod blob;
mod claim;
mod clean;
mod derive;
mod disk;
mod error;
mod inventory;
mod partial;
mod place;
#[cfg(test)]
mod tests;
mod verify;
mod witness;

use std::fs::{File, Metadata};
use std::path::{Path, PathBuf};

use ocelet_oci::Digest;

pub use blob::VerifiedBlob;
pub use clean::{Cleaned, Keep};
pub use derive::{Kind, Sink};
pub use error::StoreError;
pub use inventory::{Entry, Inventory, Origin, SetAside, Unfinished};
pub use partial::{Begun, Partial};
pub use verify::{Problem, Verification};

use claim::Document;
use disk::Found;
use place::Place;

/// A directory of verified blobs. Cheap to clone; handles share nothing but the directory.
#[derive(Debug, Clone)]
pub struct Store {
    place: Place,
    paranoid: bool,
}

impl Store {
    /// Uses a directory as a store. It is created when the first blob is written.
    ///
    /// # Errors
    /// Something else than a directory is there, or it may not be looked at.
    pub fn open(directory: impl Into<PathBuf>) -> Result<Self, StoreError> {
        let directory = directory.into();
        match std::fs::metadata(&directory) {
            Ok(metadata) if !metadata.is_dir() => {
                let cause = std::io::ErrorKind::NotADirectory.into();
                Err(StoreError::io("use as a store:", &directory)(cause))
            }
            Err(cause) if cause.kind() != std::io::ErrorKind::NotFound => {
                Err(StoreError::io("look at", &directory)(cause))
            }
            _ => Ok(Self { place: Place::new(directory), paranoid: false }),
        }
    }

    /// Whether to hash each hit whole, and believe no witness: against disks that lose bits.
    #[must_use]
    pub fn paranoid(self, paranoid: bool) -> Self {
        Self { paranoid, ..self }
    }

    /// The directory.
    pub fn directory(&self) -> &Path {
        self.place.root()
    }

    /// The blob of a digest, proved; nothing if the store does not have it. The size is compared where it is
    /// known.
    ///
    /// # Errors
    /// What is stored is damaged ([`StoreError::Corrupt`], [`StoreError::NotAFile`]), is right but of another size
    /// ([`StoreError::Size`]), or cannot be read.
    pub fn get(
        &self,
        digest: &Digest,
        size: impl Into<Option<u64>>,
    ) -> Result<Option<VerifiedBlob>, StoreError> {
        let path = self.place.blob(digest);
        let (file, metadata) = match disk::open(&path)? {
            Found::Nothing => return Ok(None),
            Found::File(file, metadata) => (file, metadata),
            Found::Other(found) => {
                let aside = self.set_aside(&path, &digest.hex(), None);
                return Err(StoreError::NotAFile { path, found, aside });
            }
        };
        let got = metadata.len();
        let size = size.into();
        let believed = !self.paranoid
            && size.is_none_or(|wanted| wanted == got)
            && witness::vouches(&self.place, digest, &metadata);
        if !believed {
            self.hash_again(digest, &path, &file, &metadata)?;
        }
        if let Some(wanted) = size.filter(|wanted| *wanted != got) {
            return Err(StoreError::Size { path, digest: *digest, wanted, got });
        }
        Ok(Some(VerifiedBlob::proved(file, *digest, got, path)))
    }

    /// Hashes a stored file whole, and leaves a witness if that may be done.
    fn hash_again(
        &self,
        wanted: &Digest,
        path: &Path,
        file: &File,
        before: &Metadata,
    ) -> Result<(), StoreError> {
        // Where no witness can be left, the file is hashed at each use: slower, and as safe.
        let witness = witness::prepare(&self.place, wanted, before).ok();
        let found = disk::hash(file, path, before.len())?.finish();
        let after = file.metadata().map_err(StoreError::io("look at", path))?;
        if found.digest() != wanted || found.size() != after.len() {
            let aside = self.set_aside(path, &wanted.hex(), Some(before));
            let path = path.to_path_buf();
            return Err(StoreError::Corrupt {
                path,
                wanted: *wanted,
                got: *found.digest(),
                size: after.len(),
                aside,
            });
        }
        if let Some(witness) = witness.filter(|_| witness::unchanged(before, &after)) {
            let _ = Document::commit(witness, false);
        }
        Ok(())
    }

    /// Moves what is damaged out of the way, unless another process has replaced it already. `seen` is the file
    /// that was found damaged.
    fn set_aside(&self, path: &Path, name: &str, seen: Option<&Metadata>) -> Option<PathBuf> {
        let now = disk::look(path).ok()??;
        if seen.is_some_and(|seen| !disk::same(seen, &now)) {
            return None;
        }
        let directory = self.place.set_aside();
        disk::make_directory(&directory).ok()?;
        let aside = directory.join(name);
        std::fs::rename(path, &aside).ok()?;
        Some(aside)
    }

    /// Makes the store's directory, and marks it as a cache.
    fn establish(&self) -> Result<(), StoreError> {
        /// Cache Directory Tagging Specification, 0.6: the first 43 bytes are the signature.
        const TAG: &str = "Signature: 8a477f597d28d172789f06886806bc55\n\
            # This is the cache of ocelet; all of it can be had again.\n";
        let tag = self.place.tag();
        if disk::look(&tag)?.is_none() {
            Document::prepare(&self.place, tag, TAG)?.commit(false)?;
        }
        Ok(())
    }
}
