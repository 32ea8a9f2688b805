//! [`VerifiedBlob`]: an open file of the store whose digest was checked. Only the store can make one.

use std::fmt;
use std::fs::File;
use std::path::{Path, PathBuf};

use ocelet_oci::Digest;
use ocelet_tree::{Blob, Content};

/// The proof that the bytes are those of a digest, and the bytes.
///
/// It stays readable when the store is cleaned meanwhile. Each holds one open file.
#[derive(Clone)]
pub struct VerifiedBlob {
    digest: Digest,
    path: PathBuf,
    blob: Blob,
}

impl VerifiedBlob {
    /// Only for who has just checked that `file` holds `size` bytes of this digest.
    pub(super) fn proved(file: File, digest: Digest, size: u64, path: PathBuf) -> Self {
        let blob = crate::host::opened(file, size, path.display().to_string());
        Self { digest, path, blob }
    }

    /// The digest.
    pub fn digest(&self) -> &Digest {
        &self.digest
    }

    /// The size in bytes.
    pub fn size(&self) -> u64 {
        self.blob.length()
    }

    /// Where it lies in the store: for messages. Opening it again proves nothing.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The bytes, read in place or mapped where random access is wanted.
    pub fn blob(&self) -> &Blob {
        &self.blob
    }

    /// All bytes as the content of one file.
    pub fn content(&self) -> Content {
        self.blob.content()
    }
}

impl fmt::Debug for VerifiedBlob {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "VerifiedBlob({}, {} bytes)", self.digest, self.size())
    }
}
