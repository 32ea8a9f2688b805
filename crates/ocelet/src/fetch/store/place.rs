//! [`Place`]: the names of everything in a store, and the way back from a name to what it stands for.
//!
//! The layout is drawn in the documentation of [`crate::fetch::store`]; no other file spells a name of it.

use std::path::{Path, PathBuf};

use ocelet_oci::Digest;

use super::derive::Kind;

/// The directory of the version that this code reads and writes.
const VERSION: &str = "v1";
/// How the name of a file begins whose digest is not known while it is written.
pub(super) const UNNAMED: &str = "new-";
/// The directories below the version, all that there are.
pub(super) const ROOMS: [&str; 5] = ["blobs", "corrupt", "derived", "partial", "witness"];

/// The directory of a store.
#[derive(Debug, Clone)]
pub(super) struct Place {
    root: PathBuf,
}

impl Place {
    pub(super) fn new(root: PathBuf) -> Self {
        Self { root }
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    pub(super) fn version(&self) -> PathBuf {
        self.root.join(VERSION)
    }

    /// Tells backup programs that nothing here is lost by losing it (Cache Directory Tagging Specification).
    pub(super) fn tag(&self) -> PathBuf {
        self.root.join("CACHEDIR.TAG")
    }

    pub(super) fn blobs(&self) -> PathBuf {
        self.version().join("blobs/sha256")
    }

    pub(super) fn blob(&self, digest: &Digest) -> PathBuf {
        split(&self.blobs(), digest)
    }

    pub(super) fn witnesses(&self) -> PathBuf {
        self.version().join("witness/sha256")
    }

    pub(super) fn witness(&self, digest: &Digest) -> PathBuf {
        split(&self.witnesses(), digest)
    }

    pub(super) fn partials(&self) -> PathBuf {
        self.version().join("partial")
    }

    pub(super) fn partial(&self, digest: &Digest) -> PathBuf {
        self.partials().join(digest.hex())
    }

    /// Where what is made from `input` is written.
    pub(super) fn making(&self, input: &Digest, kind: Kind) -> PathBuf {
        self.partials().join(format!("{}.{}", input.hex(), kind.name()))
    }

    pub(super) fn records(&self) -> PathBuf {
        self.version().join("derived")
    }

    pub(super) fn record(&self, input: &Digest, kind: &str) -> PathBuf {
        split(&self.records().join(kind), input)
    }

    pub(super) fn set_aside(&self) -> PathBuf {
        self.version().join("corrupt")
    }
}

/// `ab/<62 digits>`: no directory grows beyond what old file systems bear, and 256 are no burden for any.
fn split(directory: &Path, digest: &Digest) -> PathBuf {
    let hex = digest.hex();
    let (first, rest) = hex.split_at(2);
    directory.join(first).join(rest)
}

/// The digest that is split into these two names.
pub(super) fn joined(first: &str, rest: &str) -> Option<Digest> {
    (first.len() == 2).then(|| Digest::from_hex(&format!("{first}{rest}"))).flatten()
}

/// The digest that a partial file is for; nothing for one without a name, or no name of a partial file at all.
pub(super) fn partial_for(name: &str) -> Option<Digest> {
    Digest::from_hex(name.split_once('.').map_or(name, |(hex, _)| hex))
}
