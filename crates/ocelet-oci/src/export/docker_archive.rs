//! `docker-archive`: what `docker load`, `podman load` and `skopeo` read (moby, image/tarexport/load.go).
//!
//! `manifest.json` names the configuration and the layers; Docker unpacks each layer and compares it with its diff id,
//! so gzip layers may stay as they are. The older `repositories` file is not written: Docker reads it only where
//! `manifest.json` is absent, and has not needed it since 1.10. The manifest's digest does not survive, for
//! there is no manifest in this form; the image id does.

use super::error::ExportError;
use super::tar_stream::TarStream;
use crate::json::canonical;
use crate::{ImageSource, LayerKind, SourceImage, SourceLayer, VerifyingReader, Wanted};
use serde::Serialize;
use std::collections::BTreeSet;
use std::io::{self, Write};

/// What becomes of compressed layers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DockerLayers {
    /// They stay as they are; zstd is an error.
    AsTheyAre,
    /// They are unpacked, as `docker save` does.
    Unpacked,
}

/// `manifest.json` (moby, image/tarexport/tarexport.go, `manifestItem`).
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ManifestItem {
    config: String,
    repo_tags: Vec<String>,
    layers: Vec<String>,
}

/// Writes the wanted image, for one platform, as a docker-archive.
///
/// # Errors
/// The image is not there or not clear from `wanted`, is damaged, has a zstd layer that is to stay as it is, or the
/// archive cannot be written.
pub fn docker_archive<W: Write>(
    source: &ImageSource,
    wanted: &Wanted,
    layers: DockerLayers,
    out: W,
) -> Result<W, ExportError> {
    let image = source.image(wanted)?;
    let config = format!("{}.json", image.config_document.blob().digest().hex());
    let names = layer_names(&image, layers)?;
    let item = ManifestItem {
        config: config.clone(),
        repo_tags: image.name.iter().filter(|name| name.contains(':')).cloned().collect(),
        layers: names.clone(),
    };
    let mut tar = TarStream::new(out);
    tar.bytes("manifest.json", &canonical(&[item]))?;
    tar.bytes(&config, image.config_document.bytes())?;
    let mut written = BTreeSet::new();
    for (layer, name) in image.layers.iter().zip(&names) {
        if written.insert(name) {
            append_layer(&mut tar, layer, name, layers)?;
        }
    }
    tar.finish()
}

/// Layers of the same content have the same name, and are written once.
fn layer_names(image: &SourceImage, layers: DockerLayers) -> Result<Vec<String>, ExportError> {
    let name = |layer: &SourceLayer| {
        let unpacked = format!("{}.tar", layer.diff_id.0.hex());
        Ok(match (layers, layer.kind()?, layer.digest()) {
            (DockerLayers::AsTheyAre, LayerKind::Zstd, _) => {
                return Err(ExportError::Zstd { layer: layer.diff_id.0 });
            }
            (DockerLayers::AsTheyAre, LayerKind::Gzip, Some(digest)) => format!("{}.tar.gz", digest.hex()),
            _ => unpacked,
        })
    };
    image.layers.iter().map(name).collect()
}

fn append_layer<W: Write>(
    tar: &mut TarStream<W>,
    layer: &SourceLayer,
    name: &str,
    layers: DockerLayers,
) -> Result<(), ExportError> {
    // Read twice in any case: first to prove what is in it, and to know how large that is.
    let size = io::copy(&mut layer.open()?, &mut io::sink())
        .map_err(|source| ExportError::Write { entry: name.to_owned(), source })?;
    if layers == DockerLayers::Unpacked {
        return tar.file(name, size, layer.open()?);
    }
    match layer.digest() {
        Some(digest) => {
            let reader = VerifyingReader::new(layer.raw(), *digest, layer.size());
            tar.file(name, layer.size(), reader)
        }
        None => tar.file(name, layer.size(), layer.raw()),
    }
}
