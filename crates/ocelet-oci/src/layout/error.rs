//! What can go wrong in a layout directory. Every variant names the file or blob.

use crate::{ContentError, Digest};
use std::io;
use std::path::PathBuf;

/// A layout cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LayoutError {
    /// The system refused something.
    #[error("{action} {}", path.display())]
    Io {
        /// What was tried, as in "open".
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The directory is something else.
    #[error("{} is not an OCI layout: {reason}", path.display())]
    NotALayout {
        /// The directory.
        path: PathBuf,
        /// What is missing.
        reason: &'static str,
    },
    /// A layout of another version (image-layout.md, "oci-layout file").
    #[error("{} is a layout of version {version:?}, and only 1.0.0 can be read", path.display())]
    Version {
        /// The directory.
        path: PathBuf,
        /// What its `oci-layout` says.
        version: String,
    },
    /// A JSON document is not what it should be.
    #[error("{what} of the layout {} cannot be understood", path.display())]
    Document {
        /// The layout.
        path: PathBuf,
        /// `index.json`, or the blob's digest.
        what: String,
        /// What is wrong.
        #[source]
        source: serde_json::Error,
    },
    /// A document is larger than any that a tool would read.
    #[error("{what} of the layout {} has {size} bytes, and documents have {limit} at most", path.display())]
    TooLarge {
        /// The layout.
        path: PathBuf,
        /// `index.json`, or the blob's digest.
        what: String,
        /// How large it is, in bytes.
        size: u64,
        /// How large it may be, in bytes.
        limit: u64,
    },
    /// A blob that is named is not there.
    #[error("the layout {} has no blob {digest}; put it there before a tag names it", path.display())]
    MissingBlob {
        /// The layout.
        path: PathBuf,
        /// The blob.
        digest: Digest,
    },
    /// A blob has another size or content than its name or its descriptor says.
    #[error("a blob of the layout {} is damaged; remove it and write it again", path.display())]
    Content {
        /// The layout.
        path: PathBuf,
        /// What is wrong.
        #[source]
        source: ContentError,
    },
    /// More documents than any image has; the indexes are probably made to waste time.
    #[error("the indexes of the layout {} name more than {limit} blobs", path.display())]
    TooMany {
        /// The layout.
        path: PathBuf,
        /// How many are followed.
        limit: usize,
    },
    /// Other tools replace `oci-layout` faster than it can be locked.
    #[error("{} is replaced again and again; something else writes this layout", path.display())]
    Unlockable {
        /// The `oci-layout` file.
        path: PathBuf,
    },
}
