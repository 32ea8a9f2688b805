//! Picking one image by tag and platform, or saying which there are.

use super::docker::DockerImage;
use super::error::SourceError;
use super::layer::SourceLayer;
use super::source::{Catalog, ImageSource};
use crate::descriptor::{Role, role};
use crate::layout::Entry;
use crate::{Annotations, Descriptor, Digest, ImageConfig, Index, Manifest, Platform, Verified};
use std::collections::BTreeSet;

/// Indexes in indexes: buildx nests two deep, and nobody deeper.
const DEPTH_LIMIT: usize = 8;
/// Indexes and manifests that are read for one tag.
const DOCUMENT_COUNT_LIMIT: usize = 10_000;

/// Which image is wanted. What is left out must be clear from what is there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// A tag, or a full name.
    pub tag: Option<String>,
    /// A platform.
    pub platform: Option<Platform>,
}

/// An image that was found behind a tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// What it is for: by the index, or by its configuration where the index does not say.
    pub platform: Platform,
    /// Its manifest; nothing in a docker-archive.
    pub manifest: Option<Descriptor>,
    docker: Option<usize>,
}

/// An image that can be read.
#[derive(Debug)]
pub struct SourceImage {
    /// The full name under which it was found, where it has one.
    pub name: Option<String>,
    /// The configuration, as far as this house understands it.
    pub config: ImageConfig,
    /// The configuration as it is.
    pub config_document: Verified,
    /// The manifest and its descriptor; nothing in a docker-archive.
    pub manifest: Option<(Descriptor, Manifest)>,
    /// The layers, the lowest first.
    pub layers: Vec<SourceLayer>,
}

impl ImageSource {
    /// The images behind a tag, one for each platform, in the order in which they are listed.
    ///
    /// # Errors
    /// There is no such tag, or no tag was asked for and there are several, or a document cannot be read.
    pub fn images(&self, tag: Option<&str>) -> Result<Vec<Found>, SourceError> {
        match &self.catalog {
            Catalog::Oci(_) => {
                let mut walk = Walk { source: self, seen: BTreeSet::new(), found: Vec::new() };
                for descriptor in self.roots(tag)? {
                    walk.visit(&descriptor, 0)?;
                }
                Ok(walk.found)
            }
            Catalog::Docker(images) => {
                let matching = self.docker_images(images, tag)?;
                matching.into_iter().map(|position| self.docker_found(images, position)).collect()
            }
        }
    }

    /// The image that is wanted.
    ///
    /// # Errors
    /// It is not there, or more than one could be meant; its documents cannot be read or do not fit each other.
    pub fn image(&self, wanted: &Wanted) -> Result<SourceImage, SourceError> {
        let mut found = self.images(wanted.tag.as_deref())?;
        let have: Vec<Platform> = found.iter().map(|image| image.platform.clone()).collect();
        if let Some(platform) = &wanted.platform {
            found.retain(|image| image.platform.is(platform));
        }
        let path = || self.path().to_owned();
        let mut found = found.into_iter();
        match (found.next(), found.next(), &wanted.platform) {
            (None, _, Some(wanted)) => {
                Err(SourceError::NoPlatform { path: path(), wanted: wanted.clone(), have })
            }
            (None, _, None) => Err(SourceError::Empty { path: path() }),
            (Some(_), Some(_), None) => Err(SourceError::PlatformNeeded { path: path(), have }),
            // Two for one platform: the first one is what every client takes.
            (Some(image), _, _) => match image.manifest {
                Some(descriptor) => self.read_image(&descriptor, wanted.tag.as_deref()),
                None => self.read_docker_image(image.docker.unwrap_or_default()),
            },
        }
    }

    /// What `index.json` has under a tag; without one, under the only tag or, where there are no tags, at all.
    pub(crate) fn roots(&self, tag: Option<&str>) -> Result<Vec<Descriptor>, SourceError> {
        let entries = self.chosen(tag)?;
        let read = |entry: &&Entry| {
            entry.descriptor().map_err(|source| SourceError::Document {
                path: self.path().to_owned(),
                what: "an entry of index.json".to_owned(),
                source,
            })
        };
        entries.iter().map(read).collect()
    }

    /// The full name behind a tag, where an entry has one.
    pub(crate) fn full_name(&self, tag: Option<&str>) -> Option<String> {
        self.chosen(tag).ok()?.into_iter().find_map(Entry::full_name).map(ToOwned::to_owned)
    }

    fn chosen(&self, tag: Option<&str>) -> Result<Vec<&Entry>, SourceError> {
        let path = || self.path().to_owned();
        let Catalog::Oci(entries) = &self.catalog else {
            return Err(SourceError::NoManifest { path: path(), what: "indexes" });
        };
        let all: Vec<&Entry> = entries.iter().collect();
        let have = self.tags();
        let matching: Vec<&Entry> = match tag {
            Some(tag) => {
                let exact: Vec<&Entry> = all
                    .iter()
                    .copied()
                    .filter(|entry| entry.ref_name() == Some(tag) || entry.full_name() == Some(tag))
                    .collect();
                if exact.is_empty() {
                    all.into_iter().filter(|entry| entry.tag() == Some(tag)).collect()
                } else {
                    exact
                }
            }
            None if have.len() > 1 => {
                let digests: BTreeSet<Option<Digest>> = all
                    .iter()
                    .filter(|entry| entry.tag().is_some())
                    .map(|entry| entry.descriptor().ok().map(|descriptor| descriptor.digest))
                    .collect();
                if digests.len() > 1 {
                    return Err(SourceError::TagNeeded { path: path(), have });
                }
                all.into_iter().filter(|entry| entry.tag().is_some()).take(1).collect()
            }
            None if have.is_empty() => all,
            None => all.into_iter().filter(|entry| entry.tag().is_some()).collect(),
        };
        match (matching.is_empty(), tag) {
            (false, _) => Ok(matching),
            (true, Some(tag)) => Err(SourceError::NoTag { path: path(), wanted: tag.to_owned(), have }),
            (true, None) => Err(SourceError::Empty { path: path() }),
        }
    }

    fn read_image(&self, descriptor: &Descriptor, tag: Option<&str>) -> Result<SourceImage, SourceError> {
        let manifest = self.manifest(descriptor)?;
        let config_document = self.document(&manifest.config)?;
        let config = self.config(&config_document)?;
        if let Some(listed) = &descriptor.platform
            && (listed.os(), listed.arch_name()) != (config.platform.os(), config.platform.arch_name())
        {
            let (path, listed, config) = (self.path().to_owned(), listed.clone(), config.platform);
            return Err(SourceError::Platform { path, listed, config });
        }
        self.same_count(manifest.layers.len(), config.diff_ids.len())?;
        let mut layers = Vec::new();
        for (layer, diff_id) in manifest.layers.iter().zip(&config.diff_ids) {
            layers.push(SourceLayer {
                path: self.path().to_owned(),
                extent: self.extent(&layer.digest, layer.size)?,
                digest: Some(layer.digest),
                diff_id: *diff_id,
                media_type: Some(layer.media_type.clone()),
                annotations: layer.annotations.clone(),
            });
        }
        let manifest = Some((descriptor.clone(), manifest));
        Ok(SourceImage { name: self.full_name(tag), config, config_document, manifest, layers })
    }

    fn config(&self, document: &Verified) -> Result<ImageConfig, SourceError> {
        ImageConfig::parse(document.bytes())
            .map_err(|source| self.wrong_document(document.blob().digest(), source))
    }

    fn same_count(&self, layers: usize, diff_ids: usize) -> Result<(), SourceError> {
        if layers == diff_ids {
            return Ok(());
        }
        Err(SourceError::LayerCount { path: self.path().to_owned(), layers, diff_ids })
    }

    fn docker_images(&self, images: &[DockerImage], tag: Option<&str>) -> Result<Vec<usize>, SourceError> {
        let path = || self.path().to_owned();
        let matching: Vec<usize> =
            (0..images.len()).filter(|position| tag.is_none_or(|tag| images[*position].is(tag))).collect();
        match (matching.len(), tag) {
            (0, Some(tag)) => {
                Err(SourceError::NoTag { path: path(), wanted: tag.to_owned(), have: self.tags() })
            }
            (0, None) => Err(SourceError::Empty { path: path() }),
            (2.., None) => Err(SourceError::TagNeeded { path: path(), have: self.tags() }),
            _ => Ok(matching),
        }
    }

    fn docker_found(&self, images: &[DockerImage], position: usize) -> Result<Found, SourceError> {
        let document = self.docker_config(&images[position])?;
        let platform = self.config(&document)?.platform;
        Ok(Found { platform, manifest: None, docker: Some(position) })
    }

    /// A docker-archive names configurations by their digests, so what has such a name must have that digest.
    fn docker_config(&self, image: &DockerImage) -> Result<Verified, SourceError> {
        let bytes = self.named_document(&image.config)?;
        let size = bytes.len() as u64;
        let name = image.config.rsplit('/').next().unwrap_or_default();
        let promised = Digest::from_hex(name.strip_suffix(".json").unwrap_or(name));
        let digest = promised.unwrap_or_else(|| Digest::of(&bytes));
        Verified::new(bytes, &digest, size)
            .map_err(|source| SourceError::Content { path: self.path().to_owned(), source })
    }

    fn read_docker_image(&self, position: usize) -> Result<SourceImage, SourceError> {
        let Catalog::Docker(images) = &self.catalog else {
            return Err(SourceError::Empty { path: self.path().to_owned() });
        };
        let image = &images[position];
        let config_document = self.docker_config(image)?;
        let config = self.config(&config_document)?;
        self.same_count(image.layers.len(), config.diff_ids.len())?;
        let mut layers = Vec::new();
        for (name, diff_id) in image.layers.iter().zip(&config.diff_ids) {
            layers.push(SourceLayer {
                path: self.path().to_owned(),
                extent: self.named(name)?,
                digest: None,
                diff_id: *diff_id,
                media_type: None,
                annotations: Annotations::new(),
            });
        }
        let name = image.repo_tags.first().cloned();
        Ok(SourceImage { name, config, config_document, manifest: None, layers })
    }
}

/// Follows indexes down to the images in them.
struct Walk<'source> {
    source: &'source ImageSource,
    seen: BTreeSet<Digest>,
    found: Vec<Found>,
}

impl Walk<'_> {
    fn visit(&mut self, descriptor: &Descriptor, depth: usize) -> Result<(), SourceError> {
        let kind = role(&descriptor.media_type);
        if depth > DEPTH_LIMIT || self.seen.len() + self.found.len() > DOCUMENT_COUNT_LIMIT {
            return Err(SourceError::TooDeep {
                path: self.source.path().to_owned(),
                limit: DEPTH_LIMIT,
                documents: DOCUMENT_COUNT_LIMIT,
            });
        }
        match kind {
            // One manifest may be listed for several platforms, an index needs to be read but once.
            Role::Manifest => return self.manifest(descriptor),
            Role::Index if self.seen.insert(descriptor.digest) => {}
            _ => return Ok(()),
        }
        let document = self.source.document(descriptor)?;
        let index = Index::parse(document.bytes())
            .map_err(|source| self.source.wrong_document(&descriptor.digest, source))?;
        index.manifests.iter().try_for_each(|listed| self.visit(listed, depth + 1))
    }

    /// Attestations and other artifacts are not images.
    fn manifest(&mut self, descriptor: &Descriptor) -> Result<(), SourceError> {
        if descriptor.artifact_type.is_some() {
            return Ok(());
        }
        // Docker and containerd save indexes of which only one platform's blobs are there: the others are listed,
        // and only missed when they are wanted.
        if let Some(platform) = &descriptor.platform {
            if !platform.is_placeholder() {
                self.note(platform.clone(), descriptor);
            }
            return Ok(());
        }
        let manifest = self.source.manifest(descriptor)?;
        if manifest.is_artifact() {
            return Ok(());
        }
        let config = self.source.document(&manifest.config)?;
        let platform = self.source.config(&config)?.platform;
        self.note(platform, descriptor);
        Ok(())
    }

    fn note(&mut self, platform: Platform, descriptor: &Descriptor) {
        // The same under two tags has other annotations.
        let manifest = Some(Descriptor { annotations: Annotations::new(), ..descriptor.clone() });
        let found = Found { platform, manifest, docker: None };
        if !self.found.contains(&found) {
            self.found.push(found);
        }
    }
}
