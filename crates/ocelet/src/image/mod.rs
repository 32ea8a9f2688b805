//! The image room: binds the layers of each flavor to its configuration and manifest, and the manifests of a flavor
//! to one index over its platforms.
//!
//! It invents no defaults: what the recipe does not say is not in the configuration. The only time in an image is
//! the epoch, and history has exactly one entry for each layer.

use std::collections::BTreeMap;

use ocelet_oci::{
    Annotations, History, Image, ImageBuilder, ImageError, Index, IndexError, LayerKind, RuntimeConfig,
    Timestamp,
};

use crate::layer::{Compression, Layer, PlannedLayer};
use crate::recipe::{Flavor, ImageConfig, Platform, Recipe};
use crate::shrink::Tool;

/// The annotation that names the encoder, its version and its parameters: all that a layer's bytes depend on
/// beside its files.
pub const ENCODER: &str = "dev.ocelet.encoder";
/// The annotation of a manifest that names what packed some of its files, its version and its SHA-256.
pub const PACKER: &str = "dev.ocelet.packer";
/// The annotation of a layer that names the flavors sharing it.
pub const FLAVORS: &str = "dev.ocelet.flavors";
/// The annotation of a layer that says how often its files change.
pub const STABILITY: &str = "dev.ocelet.stability";
/// The annotation of a manifest and an index that names the flavor.
pub const FLAVOR: &str = "dev.ocelet.flavor";

/// Why an image cannot be bound.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BindError {
    /// The parts do not make an image.
    #[error("cannot bind flavor {flavor} for {platform}")]
    Image {
        /// The flavor.
        flavor: String,
        /// The platform.
        platform: String,
        /// Why.
        #[source]
        cause: ImageError,
    },
    /// The platforms do not make an index.
    #[error("cannot bind the platforms of flavor {flavor}")]
    Index {
        /// The flavor.
        flavor: String,
        /// Why.
        #[source]
        cause: IndexError,
    },
}

/// Binds one flavor for one platform from its layers, in manifest order.
///
/// # Errors
/// The parts do not make an image: no layer, or too many.
pub fn bind(
    recipe: &Recipe,
    flavor: &Flavor,
    platform: &Platform,
    layers: &[(&PlannedLayer, &Layer)],
    packer: Option<&Tool>,
    created: &Timestamp,
) -> Result<Image, BindError> {
    let mut annotations =
        annotations(recipe, flavor, created, layers.first().map(|(_, layer)| layer.compression()));
    annotations.extend(packer.map(|tool| (PACKER.to_owned(), tool.to_string())));
    let mut builder = ImageBuilder::new(platform.to_oci())
        .created(created)
        .config(runtime_config(&flavor.config))
        .annotations(annotations);
    for (planned, layer) in layers {
        builder = builder.layer(oci_layer(planned, layer), Some(history(planned, created)));
    }
    builder.finish().map_err(|cause| BindError::Image {
        flavor: flavor.name.value.to_string(),
        platform: platform.to_string(),
        cause,
    })
}

/// Binds the images of one flavor, one for each platform.
///
/// # Errors
/// No platform, or one of them twice.
pub fn index(
    recipe: &Recipe,
    flavor: &Flavor,
    images: &[Image],
    created: &Timestamp,
) -> Result<Index, BindError> {
    Index::of_images(images, annotations(recipe, flavor, created, None))
        .map_err(|cause| BindError::Index { flavor: flavor.name.value.to_string(), cause })
}

fn oci_layer(planned: &PlannedLayer, layer: &Layer) -> ocelet_oci::Layer {
    let flavors: Vec<&str> = planned.flavors.iter().map(String::as_str).collect();
    ocelet_oci::Layer {
        blob: *layer.blob(),
        diff_id: *layer.diff_id(),
        kind: match layer.compression() {
            Compression::Gzip { .. } => LayerKind::Gzip,
            Compression::Zstd { .. } => LayerKind::Zstd,
        },
        annotations: BTreeMap::from([
            (FLAVORS.to_owned(), flavors.join(" ")),
            (STABILITY.to_owned(), planned.stability.as_str().to_owned()),
        ]),
    }
}

fn history(planned: &PlannedLayer, created: &Timestamp) -> History {
    let flavors: Vec<&str> = planned.flavors.iter().map(String::as_str).collect();
    History::of_layer(
        created,
        format!("ocelet: {} files of {}", planned.stability.as_str(), flavors.join(", ")),
    )
}

fn runtime_config(config: &ImageConfig) -> RuntimeConfig {
    let text = |text: &Option<crate::recipe::At<String>>| {
        text.as_ref().map(|at| at.value.clone()).unwrap_or_default()
    };
    RuntimeConfig {
        user: text(&config.user),
        exposed_ports: config.exposed_ports.iter().map(|at| at.value.clone()).collect(),
        env: config.env.iter().map(|(name, value)| format!("{name}={}", value.value)).collect(),
        entrypoint: config.entrypoint.as_ref().map(|at| at.value.clone()).unwrap_or_default(),
        cmd: config.cmd.as_ref().map(|at| at.value.clone()).unwrap_or_default(),
        volumes: config.volumes.iter().map(|at| at.value.to_string()).collect(),
        working_dir: config.workdir.as_ref().map(|at| at.value.to_string()).unwrap_or_default(),
        labels: config.labels.iter().map(|(key, value)| (key.clone(), value.value.clone())).collect(),
        stop_signal: text(&config.stop_signal),
    }
}

/// The recipe's own annotations, and those that image-spec predefines (annotations.md) as far as the recipe tells.
fn annotations(
    recipe: &Recipe,
    flavor: &Flavor,
    created: &Timestamp,
    compression: Option<Compression>,
) -> Annotations {
    let mut annotations = Annotations::from([
        ("org.opencontainers.image.created".to_owned(), created.to_string()),
        ("org.opencontainers.image.title".to_owned(), recipe.image.value.to_string()),
        (FLAVOR.to_owned(), flavor.name.value.to_string()),
    ]);
    if let Some(description) = &recipe.description {
        annotations.insert("org.opencontainers.image.description".to_owned(), description.value.clone());
    }
    if let Some(compression) = compression {
        annotations.insert(ENCODER.to_owned(), compression.encoder());
    }
    annotations.extend(flavor.annotations.iter().map(|(key, value)| (key.clone(), value.value.clone())));
    annotations
}
