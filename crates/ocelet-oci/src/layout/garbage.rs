//! Removing blobs that nothing names any longer.
//!
//! A blob that no entry reaches may still be about to be named: by this handle, which has written it or has found
//! that it need not, or by another one. So nothing is removed while another handle writes, nor what this handle
//! has in hand; and nothing at all if some entry cannot be read, for then no one knows what it needs.

use super::directory::{BLOBS, Layout, blob_path};
use super::entries::{Entries, Entry};
use super::error::LayoutError;
use super::lock::IndexLock;
use crate::{Descriptor, Digest};
use std::collections::BTreeSet;

/// What became of blobs that nothing names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Garbage {
    /// The blobs that were removed.
    pub removed: BTreeSet<Digest>,
    /// How many bytes they had.
    pub bytes: u64,
    /// Why others, if there were any, were left.
    pub kept: Option<Kept>,
}

/// Why blobs that nothing names were left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// Another process or handle writes to this layout.
    Busy,
    /// An entry of `index.json` cannot be read, so what it needs is not known.
    Unreadable,
}

impl Layout {
    /// Removes every blob that no entry of `index.json` reaches, and that this handle has neither written nor asked
    /// for. Not to be used while other tools write to the layout: they take no lock.
    ///
    /// # Errors
    /// The directory cannot be read or written.
    pub fn collect_garbage(&self) -> Result<Garbage, LayoutError> {
        let lock = self.lock_index()?;
        let entries = self.read_entries()?;
        let mut candidates = BTreeSet::new();
        for entry in self.blobs().entries().map_err(self.io("list", BLOBS))? {
            let name = entry.map_err(self.io("list", BLOBS))?.file_name();
            // A file with another name is not a blob, and not ours to remove.
            candidates.extend(name.to_str().and_then(Digest::from_hex));
        }
        self.collect(&lock, candidates, &entries)
    }

    /// Removes what only these entries reached.
    pub(super) fn collect_replaced(
        &self,
        lock: &IndexLock,
        replaced: &[Entry],
        entries: &Entries,
    ) -> Result<Garbage, LayoutError> {
        let mut candidates = BTreeSet::new();
        for descriptor in replaced.iter().filter_map(|entry| entry.descriptor().ok()) {
            candidates.extend(self.reach([&descriptor]).unwrap_or_default().into_keys());
        }
        self.collect(lock, candidates, entries)
    }

    fn collect(
        &self,
        lock: &IndexLock,
        mut candidates: BTreeSet<Digest>,
        entries: &Entries,
    ) -> Result<Garbage, LayoutError> {
        let left: Result<Vec<Descriptor>, _> = entries.iter().map(Entry::descriptor).collect();
        let Some(needed) = left.ok().and_then(|left| self.reach(&left).ok()) else {
            return Ok(Garbage { kept: Some(Kept::Unreadable), ..Garbage::default() });
        };
        candidates.retain(|digest| !needed.contains_key(digest));
        if candidates.is_empty() {
            return Ok(Garbage::default());
        }
        let removed = self.alone(lock, |session| {
            let mut garbage = Garbage::default();
            for digest in candidates.difference(&session.kept) {
                if let Some(size) = self.blob_size(digest)? {
                    self.blobs().remove_file(digest.hex()).map_err(self.io("remove", &blob_path(digest)))?;
                    garbage.removed.insert(*digest);
                    garbage.bytes += size;
                }
            }
            Ok(garbage)
        })?;
        Ok(removed.unwrap_or(Garbage { kept: Some(Kept::Busy), ..Garbage::default() }))
    }
}
