//! [`Goods`]: what was brought home, by digest; only the store makes a [`VerifiedBlob`].

use std::collections::BTreeMap;

use ocelet_oci::Digest;

use super::store::{Store, VerifiedBlob};

/// Verified bytes, by digest, and the store that they lie in.
#[derive(Debug)]
pub struct Goods {
    /// Where what is made from them is kept: the inflated form of a package.
    pub store: Store,
    blobs: BTreeMap<Digest, VerifiedBlob>,
}

impl Goods {
    /// Nothing yet.
    pub fn new(store: Store) -> Self {
        Self { store, blobs: BTreeMap::new() }
    }

    /// Adds a blob; its digest is its name.
    pub fn add(&mut self, blob: VerifiedBlob) {
        self.blobs.insert(*blob.digest(), blob);
    }

    /// The blob of a digest.
    pub fn get(&self, digest: &Digest) -> Option<&VerifiedBlob> {
        self.blobs.get(digest)
    }
}
