//! What can go wrong when an archive is written.

use crate::{Digest, SourceError};
use std::io;

/// An archive cannot be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// The image cannot be read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// An entry cannot be written, or what it is read from is damaged.
    #[error("write {entry} into the archive")]
    Write {
        /// The entry.
        entry: String,
        /// What the system said, or a [`crate::ContentError`] or [`crate::LayerError`] in it.
        #[source]
        source: io::Error,
    },
    /// The archive's end cannot be written.
    #[error("finish the archive")]
    Finish {
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Docker cannot load such a layer from an archive, whatever its version says about registries.
    #[error(
        "layer {layer} is compressed with zstd, which docker 20.10 cannot load and containerd takes for gzip; export \
         with unpacked layers, as oci-archive, or build with gzip"
    )]
    Zstd {
        /// The layer's diff id.
        layer: Digest,
    },
}
