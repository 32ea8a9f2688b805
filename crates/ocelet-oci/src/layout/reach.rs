//! What hangs on a descriptor: indexes, manifests, configurations, layers.

use super::directory::Layout;
use super::error::LayoutError;
use crate::descriptor::{Role, named_in, role};
use crate::{Descriptor, Digest, Manifest, Verified};
use std::collections::BTreeMap;

/// More blobs than any layout of images has.
pub(super) const REACH_LIMIT: usize = 200_000;

impl Layout {
    /// Every blob that the descriptors name, directly or through indexes and manifests, with its size as promised.
    /// Each document is read once, so that indexes which name one another come to an end.
    ///
    /// # Errors
    /// A document among them is not there or is damaged. Other blobs are not looked at.
    pub(super) fn reach<'from>(
        &self,
        from: impl IntoIterator<Item = &'from Descriptor>,
    ) -> Result<BTreeMap<Digest, u64>, LayoutError> {
        let mut found = BTreeMap::new();
        let mut waiting: Vec<Descriptor> = from.into_iter().cloned().collect();
        while let Some(descriptor) = waiting.pop() {
            if found.insert(descriptor.digest, descriptor.size).is_some() {
                continue;
            }
            if found.len() > REACH_LIMIT {
                return Err(LayoutError::TooMany { path: self.path().to_owned(), limit: REACH_LIMIT });
            }
            waiting.extend(self.named_by(&descriptor)?);
        }
        Ok(found)
    }

    /// What one document names.
    fn named_by(&self, descriptor: &Descriptor) -> Result<Vec<Descriptor>, LayoutError> {
        let read = || self.read_blob(&descriptor.digest, descriptor.size).map(Verified::into_bytes);
        named_in(&descriptor.media_type, read)?.map_err(|source| LayoutError::Document {
            path: self.path().to_owned(),
            what: descriptor.digest.to_string(),
            source,
        })
    }

    /// What the manifest behind an entry is about, if it is about something.
    pub(super) fn subject_of(&self, descriptor: &Descriptor) -> Option<Digest> {
        if role(&descriptor.media_type) != Role::Manifest {
            return None;
        }
        let document = self.read_blob(&descriptor.digest, descriptor.size).ok()?;
        Some(Manifest::parse(document.bytes()).ok()?.subject?.digest)
    }
}
