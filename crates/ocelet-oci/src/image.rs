//! [`Image`]: a configuration and a manifest that fit each other.
//!
//! An image is only had from an [`ImageBuilder`], which takes each layer as one value — its blob, its diff id and its
//! history together — so that the three lists in two documents cannot have different lengths or orders.

use crate::{
    Annotations, Blob, Descriptor, DiffId, Document, History, ImageConfig, Manifest, MediaType, Platform,
    RuntimeConfig, Timestamp,
};
use std::collections::BTreeSet;

/// How a layer is compressed. What Docker's older versions and archives can read is `Gzip`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LayerKind {
    /// A bare tar stream.
    Tar,
    /// gzip; may have several members.
    Gzip,
    /// Zstandard.
    Zstd,
}

impl LayerKind {
    /// The media type (image-spec, media-types.md).
    pub fn media_type(self) -> MediaType {
        match self {
            Self::Tar => MediaType::ImageLayer,
            Self::Gzip => MediaType::ImageLayerGzip,
            Self::Zstd => MediaType::ImageLayerZstd,
        }
    }
}

/// A layer that is finished.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layer {
    /// The compressed bytes.
    pub blob: Blob,
    /// The digest of the tar stream inside.
    pub diff_id: DiffId,
    /// The compression.
    pub kind: LayerKind,
    /// Remarks on the layer's descriptor.
    pub annotations: Annotations,
}

/// Why parts do not make an image.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ImageError {
    /// Registries and runtimes fail on images without layers (schema of manifest.md: `minItems: 1`).
    #[error("the image for {platform} has no layer; give it at least one, if need be an empty tar")]
    NoLayer {
        /// What the image is for.
        platform: Platform,
    },
    /// More layers than overlayfs can stack.
    #[error(
        "the image for {platform} has {got} layers and containerd can stack {}; merge some",
        ImageBuilder::LAYER_LIMIT
    )]
    TooManyLayers {
        /// What the image is for.
        platform: Platform,
        /// How many there are.
        got: usize,
    },
    /// Some layers have a history entry and some have not, which podman takes for a broken image.
    #[error(
        "{with} of {layers} layers of the image for {platform} have a history entry; give one to all or to none"
    )]
    History {
        /// What the image is for.
        platform: Platform,
        /// How many layers have one.
        with: usize,
        /// How many layers there are.
        layers: usize,
    },
    /// A history entry that Docker 25 fails on, or that has no layer.
    #[error("the history of layer {layer} of the image for {platform} is wrong: {reason}")]
    HistoryEntry {
        /// What the image is for.
        platform: Platform,
        /// Which layer, from 0.
        layer: usize,
        /// What is wrong.
        reason: &'static str,
    },
    /// An environment variable without a name or value, or two of one name.
    #[error("the environment of the image for {platform} has {variable:?}, {reason}")]
    Environment {
        /// What the image is for.
        platform: Platform,
        /// The entry.
        variable: String,
        /// What is wrong.
        reason: &'static str,
    },
}

/// Collects the parts of an image.
#[derive(Debug, Clone)]
#[must_use]
pub struct ImageBuilder {
    config: ImageConfig,
    layers: Vec<(Layer, Option<History>)>,
    annotations: Annotations,
}

impl ImageBuilder {
    /// overlayfs' limit as containerd has it; containers-storage takes more.
    pub const LAYER_LIMIT: usize = 127;

    /// An image for a platform, with nothing in it.
    pub fn new(platform: Platform) -> Self {
        let config = ImageConfig {
            created: None,
            author: None,
            platform,
            config: RuntimeConfig::default(),
            diff_ids: Vec::new(),
            history: Vec::new(),
        };
        Self { config, layers: Vec::new(), annotations: Annotations::new() }
    }

    /// When the image was made; absent by default.
    pub fn created(mut self, created: &Timestamp) -> Self {
        self.config.created = Some(created.to_string());
        self
    }

    /// Who made the image; absent by default.
    pub fn author(mut self, author: impl Into<String>) -> Self {
        self.config.author = Some(author.into());
        self
    }

    /// How the image is started; all empty by default.
    pub fn config(mut self, config: RuntimeConfig) -> Self {
        self.config.config = config;
        self
    }

    /// Remarks on the manifest; none by default.
    pub fn annotations(mut self, annotations: Annotations) -> Self {
        self.annotations = annotations;
        self
    }

    /// Puts a layer on top.
    pub fn layer(mut self, layer: Layer, history: Option<History>) -> Self {
        self.layers.push((layer, history));
        self
    }

    /// Binds the parts.
    ///
    /// # Errors
    /// See [`ImageError`].
    pub fn finish(mut self) -> Result<Image, ImageError> {
        self.check()?;
        let mut descriptors = Vec::new();
        for (layer, history) in self.layers {
            let descriptor = Descriptor::new(layer.kind.media_type(), &layer.blob);
            descriptors.push(Descriptor { annotations: layer.annotations, ..descriptor });
            self.config.diff_ids.push(layer.diff_id);
            self.config.history.extend(history);
        }
        let config = self.config.document();
        let manifest = Manifest {
            config: config.descriptor(),
            layers: descriptors,
            annotations: self.annotations,
            artifact_type: None,
            subject: None,
        };
        Ok(Image { platform: self.config.platform, manifest: manifest.document(), config })
    }

    fn check(&self) -> Result<(), ImageError> {
        let platform = || self.config.platform.clone();
        if self.layers.is_empty() {
            return Err(ImageError::NoLayer { platform: platform() });
        }
        let layers = self.layers.len();
        if layers > Self::LAYER_LIMIT {
            return Err(ImageError::TooManyLayers { platform: platform(), got: layers });
        }
        let with = self.layers.iter().filter(|(_, history)| history.is_some()).count();
        if with != 0 && with != layers {
            return Err(ImageError::History { platform: platform(), with, layers });
        }
        for (layer, (_, history)) in self.layers.iter().enumerate() {
            let reason = match history {
                Some(History { empty_layer: true, .. }) => "a layer's entry is not an empty one",
                Some(History { created: None, .. }) => "it has no time, and docker 25 fails on that",
                Some(History { created: Some(created), .. }) if created.parse::<Timestamp>().is_err() => {
                    "its time is not one by RFC 3339"
                }
                _ => continue,
            };
            return Err(ImageError::HistoryEntry { platform: platform(), layer, reason });
        }
        let mut names = BTreeSet::new();
        for variable in &self.config.config.env {
            let name = variable.split_once('=').map(|(name, _)| name).filter(|name| !name.is_empty());
            let reason = match name {
                None => "which is not NAME=value",
                Some(name) if !names.insert(name) => "whose name is set twice",
                Some(_) => continue,
            };
            let variable = variable.clone();
            return Err(ImageError::Environment { platform: platform(), variable, reason });
        }
        Ok(())
    }
}

/// A configuration and a manifest that fit each other; both are to be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    platform: Platform,
    config: Document,
    manifest: Document,
}

impl Image {
    /// What the image is for.
    pub fn platform(&self) -> &Platform {
        &self.platform
    }

    /// The configuration; its digest is the image id.
    pub fn config(&self) -> &Document {
        &self.config
    }

    /// The manifest.
    pub fn manifest(&self) -> &Document {
        &self.manifest
    }

    /// The manifest's entry in an index.
    pub fn descriptor(&self) -> Descriptor {
        self.manifest.descriptor().with_platform(self.platform.clone())
    }
}

/// What the empty configuration of an artifact consists of (manifest.md, "Guidance for an Empty Descriptor").
pub const EMPTY_DOCUMENT: &[u8] = b"{}";

/// The manifest of something that is said about an image: an SBOM, a provenance statement, a report.
///
/// `subject` is the manifest or index that it is about, `contents` are the blobs. Its configuration is
/// [`EMPTY_DOCUMENT`], which has to be stored beside it (manifest.md, "Guidelines for Artifact Usage").
pub fn artifact(
    artifact_type: MediaType,
    subject: &Descriptor,
    contents: Vec<Descriptor>,
    annotations: Annotations,
) -> Document {
    let empty = Descriptor::new(MediaType::EmptyJSON, &Blob::of(EMPTY_DOCUMENT));
    // What is pointed at is named by media type, digest and size; remarks on it belong to where it is listed.
    let subject =
        Descriptor { annotations: Annotations::new(), platform: None, data: None, ..subject.clone() };
    let layers = if contents.is_empty() { vec![empty.clone()] } else { contents };
    let artifact_type = Some(artifact_type);
    Manifest { config: empty, layers, annotations, artifact_type, subject: Some(subject) }.document()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Digest;

    fn layer(content: &[u8]) -> Layer {
        let annotations = Annotations::new();
        Layer {
            blob: Blob::of(content),
            diff_id: DiffId(Digest::of(content)),
            kind: LayerKind::Gzip,
            annotations,
        }
    }

    fn builder() -> ImageBuilder {
        ImageBuilder::new("linux/arm/v7".parse().expect("known"))
    }

    fn history(created: Option<&str>, empty_layer: bool) -> History {
        History { created: created.map(ToOwned::to_owned), empty_layer, ..History::default() }
    }

    #[test]
    fn trap_18_and_20_parts_that_do_not_fit_are_refused() {
        let time = Some("2026-11-21T00:00:00Z");
        let env = |env: &[&str]| RuntimeConfig {
            env: env.iter().map(ToString::to_string).collect(),
            ..RuntimeConfig::default()
        };
        let tall = (0..128).fold(builder(), |builder, _| builder.layer(layer(b"x"), None));
        for (builder, want) in [
            (builder(), Some("has no layer")),
            (tall, Some("has 128 layers and containerd can stack 127")),
            (builder().layer(layer(b"a"), None), None),
            (builder().layer(layer(b"a"), Some(history(time, false))), None),
            (
                builder().layer(layer(b"a"), Some(history(time, false))).layer(layer(b"b"), None),
                Some("1 of 2 layers of the image for linux/arm/v7 have a history"),
            ),
            (builder().layer(layer(b"a"), Some(history(None, false))), Some("docker 25 fails")),
            (builder().layer(layer(b"a"), Some(history(Some(""), false))), Some("not one by RFC 3339")),
            (builder().layer(layer(b"a"), Some(history(time, true))), Some("not an empty one")),
            (builder().layer(layer(b"a"), None).config(env(&["PATH"])), Some("not NAME=value")),
            (builder().layer(layer(b"a"), None).config(env(&["=x"])), Some("not NAME=value")),
            (builder().layer(layer(b"a"), None).config(env(&["A=1", "A=2"])), Some("set twice")),
            (builder().layer(layer(b"a"), None).config(env(&["A=", "B=1=2"])), None),
        ] {
            let said = builder.finish().err().map(|error| error.to_string());
            assert_eq!(said.is_some(), want.is_some(), "{said:?} {want:?}");
            assert!(said.unwrap_or_default().contains(want.unwrap_or_default()));
        }
    }

    #[test]
    fn trap_19_and_21_both_documents_say_what_they_are() {
        let created = Timestamp::from_epoch(0);
        let image = builder()
            .created(&created)
            .config(RuntimeConfig { user: "0".to_owned(), ..RuntimeConfig::default() })
            .layer(layer(b"a"), Some(History::of_layer(&created, "ocelet")))
            .layer(layer(b"b"), Some(History::of_layer(&created, "ocelet")))
            .finish()
            .expect("fits");
        let a = Digest::of(b"a");
        let b = Digest::of(b"b");
        let config = format!(
            r#"{{"architecture":"arm","config":{{"User":"0"}},"created":"1970-01-01T00:00:00Z","history":[{{"created":"1970-01-01T00:00:00Z","created_by":"ocelet"}},{{"created":"1970-01-01T00:00:00Z","created_by":"ocelet"}}],"os":"linux","rootfs":{{"diff_ids":["{a}","{b}"],"type":"layers"}},"variant":"v7"}}"#
        );
        assert_eq!(String::from_utf8_lossy(image.config().bytes()), config);
        let gzip = "application/vnd.oci.image.layer.v1.tar+gzip";
        let manifest = format!(
            r#"{{"config":{{"digest":"{}","mediaType":"application/vnd.oci.image.config.v1+json","size":{}}},"layers":[{{"digest":"{a}","mediaType":"{gzip}","size":1}},{{"digest":"{b}","mediaType":"{gzip}","size":1}}],"mediaType":"application/vnd.oci.image.manifest.v1+json","schemaVersion":2}}"#,
            Digest::of(config.as_bytes()),
            config.len(),
        );
        assert_eq!(String::from_utf8_lossy(image.manifest().bytes()), manifest);
        let read = Manifest::parse(image.manifest().bytes()).expect("our own");
        assert_eq!(read.document(), *image.manifest());
        let oci =
            oci_spec::image::ImageManifest::from_reader(image.manifest().bytes()).expect("a second opinion");
        assert_eq!(oci.layers().len(), 2);
        let oci = oci_spec::image::ImageConfiguration::from_reader(image.config().bytes()).expect("the same");
        assert_eq!(oci.architecture(), &oci_spec::image::Arch::ARM);
    }

    #[test]
    fn an_artifact_says_what_it_is_about() {
        let subject = Descriptor::new(MediaType::ImageIndex, &Blob::of(b"index")).with_annotation("a", "b");
        let kind = MediaType::from("application/spdx+json");
        let payload = Descriptor::new(kind.clone(), &Blob::of(b"sbom"));
        let document = artifact(kind.clone(), &subject, vec![payload], Annotations::new());
        let read = Manifest::parse(document.bytes()).expect("our own");
        assert_eq!(read.subject.as_ref().map(|subject| subject.digest), Some(Digest::of(b"index")));
        assert_eq!(
            read.config.digest.hex(),
            "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
        );
        assert!(read.is_artifact());
        assert_eq!(document.descriptor().artifact_type, Some(kind.clone()));
        let bare = artifact(kind, &subject, Vec::new(), Annotations::new());
        assert_eq!(Manifest::parse(bare.bytes()).expect("our own").layers.len(), 1);
    }
}
