//! What can go wrong when an image is read.

use crate::{ContentError, Digest, LayoutError, Platform};
use std::io;
use std::path::PathBuf;

/// An image cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SourceError {
    /// The layout directory has a problem.
    #[error(transparent)]
    Layout(#[from] LayoutError),
    /// The system refused something.
    #[error("{action} {}", path.display())]
    Io {
        /// What was tried, as in "open".
        action: &'static str,
        /// The archive.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The file is something else.
    #[error("{} is not an image archive: {reason}", path.display())]
    NotAnImage {
        /// The file.
        path: PathBuf,
        /// What is missing, or what to do.
        reason: &'static str,
    },
    /// An entry of the archive is made to mislead.
    #[error("the archive {} cannot be trusted: its entry {entry:?} {reason}", path.display())]
    Entry {
        /// The archive.
        path: PathBuf,
        /// The entry's name.
        entry: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Something that the archive names is not in it.
    #[error("the archive {} names {what}, which is not in it", path.display())]
    Missing {
        /// The archive.
        path: PathBuf,
        /// The entry or blob.
        what: String,
    },
    /// A JSON document is not what it should be.
    #[error("{what} of {} cannot be understood", path.display())]
    Document {
        /// The layout or archive.
        path: PathBuf,
        /// Which document.
        what: String,
        /// What is wrong.
        #[source]
        source: serde_json::Error,
    },
    /// A document is larger than any that a tool would read.
    #[error("{what} of {} has {size} bytes, and documents have {limit} at most", path.display())]
    TooLarge {
        /// The layout or archive.
        path: PathBuf,
        /// Which document.
        what: String,
        /// How large it is, in bytes.
        size: u64,
        /// How large it may be, in bytes.
        limit: u64,
    },
    /// A document is not the one that its digest names.
    #[error("{} is damaged", path.display())]
    Content {
        /// The layout or archive.
        path: PathBuf,
        /// What is wrong.
        #[source]
        source: ContentError,
    },
    /// Configuration and manifest disagree on the number of layers.
    #[error(
        "the manifest of {} has {layers} layers and its configuration {diff_ids} diff ids; rebuild the image",
        path.display()
    )]
    LayerCount {
        /// The layout or archive.
        path: PathBuf,
        /// Layers in the manifest.
        layers: usize,
        /// Diff ids in the configuration.
        diff_ids: usize,
    },
    /// Indexes in indexes, deeper than anyone needs.
    #[error("{} has indexes inside of indexes, more than {limit} deep or {documents} in number", path.display())]
    TooDeep {
        /// The layout or archive.
        path: PathBuf,
        /// How deep is followed.
        limit: usize,
        /// How many are followed.
        documents: usize,
    },
    /// No image has this tag.
    #[error("{} has no image with the tag {wanted:?}; it has {}", path.display(), listed(have))]
    NoTag {
        /// The layout or archive.
        path: PathBuf,
        /// What was asked for.
        wanted: String,
        /// What is there.
        have: Vec<String>,
    },
    /// There are several images, and none was asked for.
    #[error("{} has more than one image; choose a tag: {}", path.display(), listed(have))]
    TagNeeded {
        /// The layout or archive.
        path: PathBuf,
        /// What is there.
        have: Vec<String>,
    },
    /// There is no image at all.
    #[error("{} has no image in it", path.display())]
    Empty {
        /// The layout or archive.
        path: PathBuf,
    },
    /// The image is not there for this platform.
    #[error("the image in {} is not there for {wanted}, but for {}", path.display(), listed(have))]
    NoPlatform {
        /// The layout or archive.
        path: PathBuf,
        /// What was asked for.
        wanted: Platform,
        /// What is there.
        have: Vec<Platform>,
    },
    /// The image is there for several platforms, and none was asked for.
    #[error("the image in {} is there for more than one platform; choose one: {}", path.display(), listed(have))]
    PlatformNeeded {
        /// The layout or archive.
        path: PathBuf,
        /// What is there.
        have: Vec<Platform>,
    },
    /// The index lists an image for another platform than it is for.
    #[error("the image in {} that is listed for {listed} is for {config}; rebuild the index", path.display())]
    Platform {
        /// The layout or archive.
        path: PathBuf,
        /// In the index.
        listed: Platform,
        /// In the configuration.
        config: Platform,
    },
    /// A docker-archive has no manifest that could be passed on.
    #[error("{} is a docker-archive, which has no manifests; only a layout or an oci-archive has {what}", path.display())]
    NoManifest {
        /// The archive.
        path: PathBuf,
        /// What was asked for.
        what: &'static str,
    },
    /// A layer's first bytes are not those of any layer.
    #[error("layer {layer} in {} is compressed with {found}, which image layers are not", path.display())]
    Compression {
        /// The layout or archive.
        path: PathBuf,
        /// The layer's diff id.
        layer: Digest,
        /// What it seems to be.
        found: &'static str,
    },
}

fn listed<V: ToString>(list: &[V]) -> String {
    if list.is_empty() {
        return "none".to_owned();
    }
    list.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
