//! What a check can find.

use crate::{Digest, Platform};
use std::fmt;

/// How bad a problem is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Allowed, but known to surprise somebody.
    Warning,
    /// Against the specification, damaged, or known to fail.
    Error,
}

/// One problem: how bad, where, and what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// How bad it is.
    pub severity: Severity,
    /// The way to it, from `index.json` through digests and fields.
    pub place: String,
    /// What it is.
    pub finding: Finding,
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Warning => "warning",
            Severity::Error => "error",
        };
        write!(formatter, "{severity}: {}: {}", self.place, self.finding)
    }
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Finding {
    /// A field has not the form that the specification asks for.
    #[error("{field} is {got} and must be {wanted} ({rule})")]
    Field {
        /// The field, by its path in the document.
        field: String,
        /// What it has to be.
        wanted: &'static str,
        /// What it is, cut short.
        got: String,
        /// The section of the image-spec.
        rule: &'static str,
    },
    /// A document cannot be read as what it should be.
    #[error("cannot be understood: {reason}")]
    Document {
        /// What the parser says.
        reason: String,
    },
    /// A blob or file cannot be read, or is not what its descriptor says.
    #[error("{reason}")]
    Content {
        /// What is wrong.
        reason: String,
    },
    /// A document says that it is something else than its descriptor says (descriptor.md, `mediaType`).
    #[error("the descriptor says {descriptor} and the document {document}")]
    MediaType {
        /// In the descriptor.
        descriptor: String,
        /// In the document.
        document: String,
    },
    /// A layer's first bytes do not fit its media type.
    #[error("is called {media_type} and is {found}")]
    LayerKind {
        /// In the descriptor.
        media_type: String,
        /// By its first bytes.
        found: &'static str,
    },
    /// An index that is in itself, or too deep to be meant.
    #[error("indexes are nested more than {limit} deep")]
    TooDeep {
        /// How deep is followed.
        limit: usize,
    },
    /// A platform is there twice in one index.
    #[error("lists {platform} twice; which one runs depends on the client")]
    DuplicatePlatform {
        /// The platform.
        platform: Platform,
    },
    /// The index says another platform than the configuration.
    #[error("is listed for {listed}, and its configuration is for {config}")]
    Platform {
        /// In the index.
        listed: Platform,
        /// In the configuration.
        config: Platform,
    },
    /// An image in an index without a platform: clients cannot choose it.
    #[error("has no platform in the index (image-index.md, `platform`: SHOULD be present)")]
    NoPlatform,
    /// `arm` without a variant is taken for v7 by some, and for v6 or v5 by others.
    #[error("is for arm and does not say which variant (image-index.md, `variant`)")]
    NoVariant,
    /// Manifest and configuration have different numbers of layers.
    #[error("has {layers} layers, and its configuration {diff_ids} diff ids (config.md, `diff_ids`)")]
    LayerCount {
        /// In the manifest.
        layers: usize,
        /// In the configuration.
        diff_ids: usize,
    },
    /// The history does not fit the layers; podman and buildah refuse that.
    #[error(
        "has {entries} history entries that are not empty, and {layers} layers; there must be as many, or no history"
    )]
    History {
        /// Entries that are not `empty_layer`.
        entries: usize,
        /// Layers.
        layers: usize,
    },
    /// A history entry has no time; docker 25 fails on that.
    #[error("history entry {entry} has no time, on which docker 25 and 26 fail")]
    HistoryTime {
        /// Which entry, from 0.
        entry: usize,
    },
    /// No layers, or more than can be stacked.
    #[error("has {layers} layers; clients expect at least 1 and at most 127")]
    Layers {
        /// How many.
        layers: usize,
    },
    /// The environment has no `PATH`.
    #[error("sets no PATH in its environment; some runtimes then find no program")]
    NoPath,
    /// An artifact that does not say what it is.
    #[error("has an empty configuration and no artifactType (manifest.md, `artifactType`: MUST be set)")]
    NoArtifactType,
    /// What an artifact is about is not in the layout.
    #[error("is about {subject}, which is not in this layout")]
    NoSubject {
        /// What it is about.
        subject: Digest,
    },
    /// Two entries have the same tag.
    #[error("the tag {tag:?} is given to {count} entries")]
    DuplicateTag {
        /// The tag.
        tag: String,
        /// How often.
        count: usize,
    },
    /// An entry has no name, or only one of two.
    #[error("has no {annotation}; {missed_by} will not find the image")]
    NoName {
        /// The annotation that is missing.
        annotation: &'static str,
        /// Who looks for it.
        missed_by: &'static str,
    },
    /// The two names contradict each other.
    #[error("has the tag {tag:?} and the full name {full_name:?}")]
    Names {
        /// In `org.opencontainers.image.ref.name`.
        tag: String,
        /// In `io.containerd.image.name`.
        full_name: String,
    },
    /// The tag that was asked for is not there.
    #[error("has no tag {tag:?}")]
    NoTag {
        /// The tag.
        tag: String,
    },
    /// A blob that nothing names.
    #[error("is named by nothing ({bytes} bytes); collect the garbage")]
    Orphan {
        /// Its size in bytes.
        bytes: u64,
    },
    /// A file that does not belong into a layout.
    #[error("does not belong into a layout")]
    UnknownFile,
}
