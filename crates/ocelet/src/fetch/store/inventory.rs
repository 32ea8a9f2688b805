//! [`Inventory`]: what is in a store, in order, without reading the blobs.

use std::collections::BTreeMap;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use ocelet_oci::Digest;

use super::claim::Claim;
use super::error::StoreError;
use super::{Store, disk, place, witness};

/// What is in a store.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inventory {
    /// The blobs, by digest.
    pub blobs: Vec<Entry>,
    /// What is being written, or was left by a writer that died.
    pub unfinished: Vec<Unfinished>,
    /// What was found damaged and moved aside.
    pub set_aside: Vec<SetAside>,
}

/// A blob of the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its name.
    pub digest: Digest,
    /// Its size in bytes.
    pub size: u64,
    /// When it was used last, in seconds since 1970.
    pub last_used: i64,
    /// What it was made from, where it was made here.
    pub made_from: Vec<Origin>,
}

/// What a blob was made from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Origin {
    /// The input.
    pub input: Digest,
    /// The way it was made.
    pub kind: String,
}

/// A file that is being written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfinished {
    /// Its name: the digest that it is for, where that is known.
    pub name: String,
    /// Its size so far, in bytes.
    pub size: u64,
    /// When it was written last, in seconds since 1970.
    pub last_written: i64,
    /// Whether someone is writing it.
    pub in_use: bool,
}

/// A file that was found damaged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetAside {
    /// The file.
    pub path: PathBuf,
    /// Its size in bytes.
    pub size: u64,
    /// When it was written last, in seconds since 1970.
    pub last_written: i64,
}

impl Store {
    /// What is in the store. What comes and goes meanwhile may or may not be told.
    ///
    /// # Errors
    /// A directory of the store cannot be read.
    pub fn list(&self) -> Result<Inventory, StoreError> {
        let mut made: BTreeMap<Digest, Vec<Origin>> = BTreeMap::new();
        for (origin, _) in self.origins()? {
            // A damaged record is for `verify` to tell, and for `derive` to refuse.
            if let Some((output, _)) = self.peek(&origin)? {
                made.entry(output).or_default().push(origin);
            }
        }
        let mut inventory = Inventory::default();
        for (digest, path) in self.named_blobs()? {
            if let Some(metadata) = disk::look(&path)?.filter(Metadata::is_file) {
                inventory.blobs.push(Entry {
                    digest,
                    size: metadata.len(),
                    last_used: witness::last_used(&self.place, &digest, &metadata),
                    made_from: made.remove(&digest).unwrap_or_default(),
                });
            }
        }
        inventory.unfinished = self.unfinished()?;
        let directory = self.place.set_aside();
        for name in disk::names(&directory)? {
            let path = directory.join(name);
            if let Some(metadata) = disk::look(&path)? {
                inventory.set_aside.push(SetAside {
                    path,
                    size: metadata.len(),
                    last_written: metadata.mtime(),
                });
            }
        }
        Ok(inventory)
    }

    fn unfinished(&self) -> Result<Vec<Unfinished>, StoreError> {
        let directory = self.place.partials();
        let mut all = Vec::new();
        for name in disk::names(&directory)? {
            let path = directory.join(&name);
            let Some(metadata) = disk::look(&path)?.filter(Metadata::is_file) else { continue };
            let in_use = Claim::abandoned(&path)?.is_none();
            all.push(Unfinished { name, size: metadata.len(), last_written: metadata.mtime(), in_use });
        }
        Ok(all)
    }

    /// All that is named as a blob, with its path.
    pub(super) fn named_blobs(&self) -> Result<Vec<(Digest, PathBuf)>, StoreError> {
        split_names(&self.place.blobs())
    }

    /// All records that there are, with their paths.
    pub(super) fn origins(&self) -> Result<Vec<(Origin, PathBuf)>, StoreError> {
        let mut origins = Vec::new();
        let directory = self.place.records();
        for kind in disk::names(&directory)? {
            for (input, path) in split_names(&directory.join(&kind))? {
                origins.push((Origin { input, kind: kind.clone() }, path));
            }
        }
        Ok(origins)
    }

    /// All witnesses that there are, with their paths.
    pub(super) fn witnesses(&self) -> Result<Vec<(Digest, PathBuf)>, StoreError> {
        split_names(&self.place.witnesses())
    }
}

/// All digests that are split into two names below a directory.
fn split_names(directory: &Path) -> Result<Vec<(Digest, PathBuf)>, StoreError> {
    let mut found = Vec::new();
    for first in disk::names(directory)? {
        let below = directory.join(&first);
        for rest in disk::names(&below)? {
            if let Some(digest) = place::joined(&first, &rest) {
                found.push((digest, below.join(rest)));
            }
        }
    }
    Ok(found)
}
