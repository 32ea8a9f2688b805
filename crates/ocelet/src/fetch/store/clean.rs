//! [`Store::clean`]: making room, while others use the store.
//!
//! A removed blob stays readable for who has it open, and is fetched again by who comes later. What is being
//! written is locked, and left alone. Directories stay, so that nobody loses the one that it is about to write in.

use std::collections::BTreeSet;

use ocelet_oci::Digest;

use super::claim::Claim;
use super::error::StoreError;
use super::inventory::{Entry, Unfinished};
use super::{Store, disk, place};

/// What to keep.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Keep {
    /// Nothing.
    Nothing,
    /// What was used at this time or later, in seconds since 1970.
    UsedSince(i64),
    /// These blobs, and what was made from them, and from that.
    Only(BTreeSet<Digest>),
}

/// What became of a store.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cleaned {
    /// How many blobs and unfinished files were removed.
    pub removed: usize,
    /// How many bytes these had.
    pub freed: u64,
    /// How many blobs were kept.
    pub kept: usize,
    /// How many unfinished files were left alone because someone is writing them.
    pub in_use: usize,
}

impl Keep {
    /// With all that was made from what is to be kept by name.
    fn with_derived(&self, blobs: &[Entry]) -> Self {
        let Self::Only(wanted) = self else { return self.clone() };
        let mut wanted = wanted.clone();
        loop {
            let more: Vec<Digest> = blobs
                .iter()
                .filter(|entry| entry.made_from.iter().any(|origin| wanted.contains(&origin.input)))
                .map(|entry| entry.digest)
                .filter(|digest| !wanted.contains(digest))
                .collect();
            if more.is_empty() {
                return Self::Only(wanted);
            }
            wanted.extend(more);
        }
    }

    fn blob(&self, entry: &Entry) -> bool {
        match self {
            Self::Nothing => false,
            Self::UsedSince(time) => entry.last_used >= *time,
            Self::Only(wanted) => wanted.contains(&entry.digest),
        }
    }

    fn unfinished(&self, file: &Unfinished) -> bool {
        match self {
            Self::Nothing => false,
            Self::UsedSince(time) => file.last_written >= *time,
            Self::Only(wanted) => {
                place::partial_for(&file.name).is_some_and(|digest| wanted.contains(&digest))
            }
        }
    }

    fn set_aside(&self, last_written: i64) -> bool {
        matches!(self, Self::UsedSince(time) if last_written >= *time)
    }
}

impl Store {
    /// Removes what is not to be kept. Safe while other processes use the store.
    ///
    /// # Errors
    /// Something cannot be listed or removed; what was removed before stays removed.
    pub fn clean(&self, keep: &Keep) -> Result<Cleaned, StoreError> {
        let inventory = self.list()?;
        let keep = keep.with_derived(&inventory.blobs);
        let mut cleaned = Cleaned::default();
        for entry in &inventory.blobs {
            if keep.blob(entry) {
                cleaned.kept += 1;
            } else if disk::remove(&self.place.blob(&entry.digest))? {
                cleaned.count(entry.size);
            }
        }
        for file in &inventory.unfinished {
            if keep.unfinished(file) {
                continue;
            }
            match Claim::abandoned(&self.place.partials().join(&file.name))? {
                Some(claim) => {
                    claim.remove()?;
                    cleaned.count(file.size);
                }
                None => cleaned.in_use += usize::from(file.in_use),
            }
        }
        for file in &inventory.set_aside {
            // A directory that was moved aside is somebody's: it may hold anything.
            let is_directory = disk::look(&file.path)?.is_some_and(|metadata| metadata.is_dir());
            if !keep.set_aside(file.last_written) && !is_directory && disk::remove(&file.path)? {
                cleaned.count(file.size);
            }
        }
        self.remove_dangling()?;
        Ok(cleaned)
    }

    /// Removes records and witnesses of blobs that are not there. One that a writer is about to need is written
    /// again by the next.
    fn remove_dangling(&self) -> Result<(), StoreError> {
        for (origin, path) in self.origins()? {
            let points = match self.peek(&origin)? {
                Some((output, _)) => disk::look(&self.place.blob(&output))?.is_some(),
                None => disk::look(&path)?.is_none_or(|metadata| !metadata.is_file()),
            };
            if !points {
                disk::remove(&path)?;
            }
        }
        for (digest, path) in self.witnesses()? {
            if disk::look(&self.place.blob(&digest))?.is_none() {
                disk::remove(&path)?;
            }
        }
        Ok(())
    }
}

impl Cleaned {
    fn count(&mut self, bytes: u64) {
        self.removed += 1;
        self.freed += bytes;
    }
}
