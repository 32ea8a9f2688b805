//! A configuration, and the layers that it vouches for.

use super::finding::Finding;
use super::schema;
use super::walk::{Checker, chain};
use crate::image_source::SourceLayer;
use crate::{Descriptor, DiffId, ImageBuilder, ImageConfig, LayerKind, Manifest, Platform};
use serde_json::Value;
use std::io;

impl Checker<'_> {
    /// Checks an image whose configuration and layers are what their digests say. `right` tells of which layers.
    pub(super) fn image(
        &mut self,
        place: &str,
        listed: &Descriptor,
        manifest: &Manifest,
        right: &[bool],
    ) -> Option<Platform> {
        let at = format!("{place} > config {}", manifest.config.digest);
        let (value, bytes) = self.json(&at, &manifest.config)?;
        let good = self.form(&at, schema::config(&value));
        let config = match ImageConfig::parse(&bytes) {
            Ok(config) => config,
            Err(error) => {
                if good {
                    self.error(&at, Finding::Document { reason: error.to_string() });
                }
                return None;
            }
        };
        self.platform(&at, &value, listed, &config);
        self.counts(&at, manifest, &config);
        let path = config.config.env.iter().any(|variable| variable.starts_with("PATH="));
        if !path {
            self.warn(&at, Finding::NoPath);
        }
        for (position, (layer, diff_id)) in manifest.layers.iter().zip(&config.diff_ids).enumerate() {
            if right.get(position) == Some(&true) {
                self.layer(&format!("{place} > layer {position} {}", layer.digest), layer, *diff_id);
            }
        }
        Some(config.platform)
    }

    fn platform(&mut self, place: &str, value: &Value, listed: &Descriptor, config: &ImageConfig) {
        if let Some(platform) = &listed.platform
            && !platform.is(&config.platform)
        {
            let (listed, config) = (platform.clone(), config.platform.clone());
            self.error(place, Finding::Platform { listed, config });
        }
        let variant = value.get("variant").and_then(Value::as_str).unwrap_or_default();
        if config.platform.arch_name() == "arm" && variant.is_empty() {
            self.warn(place, Finding::NoVariant);
        }
    }

    fn counts(&mut self, place: &str, manifest: &Manifest, config: &ImageConfig) {
        let (layers, diff_ids) = (manifest.layers.len(), config.diff_ids.len());
        if layers != diff_ids {
            self.error(place, Finding::LayerCount { layers, diff_ids });
        }
        if layers == 0 || layers > ImageBuilder::LAYER_LIMIT {
            self.warn(place, Finding::Layers { layers });
        }
        let entries = config.history.iter().filter(|entry| !entry.empty_layer).count();
        if !config.history.is_empty() && entries != layers {
            self.error(place, Finding::History { entries, layers });
        }
        if let Some(entry) = config.history.iter().position(|entry| entry.created.is_none()) {
            self.warn(place, Finding::HistoryTime { entry });
        }
    }

    /// Compares a layer with its diff id, and its first bytes with its media type.
    fn layer(&mut self, place: &str, layer: &Descriptor, diff_id: DiffId) {
        if !self.unpacked.insert((layer.digest, diff_id.0)) {
            return;
        }
        let file = match self.layout.blob_file(&layer.digest, layer.size) {
            Ok(file) => file,
            Err(error) => return self.error(place, Finding::Content { reason: chain(&error) }),
        };
        let source = SourceLayer::of_file(self.layout.path(), file, layer, diff_id);
        let read = source.kind().map_err(|error| chain(&error)).and_then(|kind| {
            let mut reader = source.open().map_err(|error| chain(&error))?;
            io::copy(&mut reader, &mut io::sink()).map_err(|error| chain(&error))?;
            Ok(kind)
        });
        match read {
            Ok(kind) => self.layer_kind(place, layer, kind),
            Err(reason) => self.error(place, Finding::Content { reason }),
        }
    }

    fn layer_kind(&mut self, place: &str, layer: &Descriptor, kind: LayerKind) {
        let media_type = layer.media_type.as_ref();
        let (found, said) = match kind {
            LayerKind::Tar => ("not compressed", media_type.ends_with("tar")),
            LayerKind::Gzip => ("gzip", media_type.ends_with("gzip")),
            LayerKind::Zstd => ("zstd", media_type.ends_with("zstd")),
        };
        if !said {
            self.error(place, Finding::LayerKind { media_type: media_type.to_owned(), found });
        }
    }
}
