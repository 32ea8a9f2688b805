//! [`ImageSource`]: a place with images in it, whatever its form.

use super::archive::{Archive, Extent};
use super::docker::DockerImage;
use super::error::SourceError;
use crate::json::DOCUMENT_LIMIT;
use crate::layout::{Entries, Entry, parse_marker};
use crate::{Descriptor, Digest, Layout, Manifest, Verified, VerifyingReader};
use std::io::Read;
use std::path::{Path, PathBuf};

/// A layout directory or an archive that images are read from.
#[derive(Debug)]
pub struct ImageSource {
    path: PathBuf,
    store: Store,
    pub(super) catalog: Catalog,
}

/// Where the bytes are.
#[derive(Debug)]
enum Store {
    Layout(Layout),
    Archive(Archive),
}

/// What says which images there are.
#[derive(Debug)]
pub(super) enum Catalog {
    /// The entries of `index.json`.
    Oci(Entries),
    /// The list in `manifest.json`.
    Docker(Vec<DockerImage>),
}

impl ImageSource {
    /// Opens a layout directory, an oci-archive or a docker-archive.
    ///
    /// # Errors
    /// It is none of these, or made to mislead.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, SourceError> {
        let path = path.as_ref().to_owned();
        if path.is_dir() {
            return Self::of_layout(Layout::open(&path)?);
        }
        let archive = Archive::open(&path)?;
        let wrong = |reason| SourceError::NotAnImage { path: path.clone(), reason };
        let catalog = if archive.has("oci-layout") {
            let marker = document(&archive, &path, "oci-layout")?;
            let version =
                parse_marker(&marker).map_err(|source| document_error(&path, "oci-layout", source))?;
            if version != "1.0.0" {
                return Err(wrong("its oci-layout is not of version 1.0.0"));
            }
            let index = document(&archive, &path, "index.json")?;
            Catalog::Oci(
                Entries::parse(&index).map_err(|source| document_error(&path, "index.json", source))?,
            )
        } else if archive.has("manifest.json") {
            let manifest = document(&archive, &path, "manifest.json")?;
            let images = serde_json::from_slice(&manifest);
            Catalog::Docker(images.map_err(|source| document_error(&path, "manifest.json", source))?)
        } else if archive.has("repositories") {
            return Err(wrong("it was saved by docker before 1.10; save it again with a newer one"));
        } else {
            return Err(wrong("it has neither oci-layout nor manifest.json"));
        };
        Ok(Self { path, store: Store::Archive(archive), catalog })
    }

    /// Reads from a layout that is open already, as it is now.
    ///
    /// # Errors
    /// `index.json` cannot be read.
    pub fn of_layout(layout: Layout) -> Result<Self, SourceError> {
        let catalog = Catalog::Oci(layout.read_entries()?);
        Ok(Self { path: layout.path().to_owned(), store: Store::Layout(layout), catalog })
    }

    /// The layout or archive.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The tags of its images, in order and each once; full names in a docker-archive.
    pub fn tags(&self) -> Vec<String> {
        let mut tags: Vec<String> = match &self.catalog {
            Catalog::Oci(entries) => entries.iter().filter_map(Entry::tag).map(ToOwned::to_owned).collect(),
            Catalog::Docker(images) => images.iter().flat_map(|image| image.repo_tags.clone()).collect(),
        };
        tags.sort();
        tags.dedup();
        tags
    }

    /// What is said about a manifest or index: the artifacts that have it as their subject.
    ///
    /// # Errors
    /// A manifest that is listed cannot be read.
    pub fn referrers(&self, subject: &Digest) -> Result<Vec<Descriptor>, SourceError> {
        let Catalog::Oci(entries) = &self.catalog else { return Ok(Vec::new()) };
        let mut found = Vec::new();
        for entry in entries.iter().filter(|entry| entry.tag().is_none()) {
            // An entry that cannot be understood is about nothing that could be asked for.
            let Ok(descriptor) = entry.descriptor() else { continue };
            if crate::descriptor::role(&descriptor.media_type) != crate::descriptor::Role::Manifest {
                continue;
            }
            let manifest = self.manifest(&descriptor)?;
            if manifest.subject.is_some_and(|named| named.digest == *subject) {
                found.push(descriptor);
            }
        }
        Ok(found)
    }

    /// Reads a manifest.
    ///
    /// # Errors
    /// It is not there, is damaged, or is not a manifest.
    pub fn manifest(&self, descriptor: &Descriptor) -> Result<Manifest, SourceError> {
        let document = self.document(descriptor)?;
        Manifest::parse(document.bytes()).map_err(|source| self.wrong_document(&descriptor.digest, source))
    }

    /// Reads a document by its descriptor.
    ///
    /// # Errors
    /// It is not there, is damaged, or is larger than documents are.
    pub fn document(&self, descriptor: &Descriptor) -> Result<Verified, SourceError> {
        if let Store::Layout(layout) = &self.store {
            return Ok(layout.read_blob(&descriptor.digest, descriptor.size)?);
        }
        let extent = self.extent(&descriptor.digest, descriptor.size)?;
        let bytes = read(&self.path, &descriptor.digest.to_string(), &extent)?;
        Verified::new(bytes, &descriptor.digest, descriptor.size)
            .map_err(|source| SourceError::Content { path: self.path.clone(), source })
    }

    /// Reads a blob as it is; the end is only reported if size and digest were right.
    ///
    /// # Errors
    /// The blob is not there or has another size.
    pub fn open_blob(
        &self,
        digest: &Digest,
        size: u64,
    ) -> Result<VerifyingReader<impl Read + use<>>, SourceError> {
        Ok(VerifyingReader::new(self.extent(digest, size)?.reader(), *digest, size))
    }

    /// Where a blob is; its content is not yet proved.
    pub(crate) fn extent(&self, digest: &Digest, size: u64) -> Result<Extent, SourceError> {
        match &self.store {
            Store::Layout(layout) => Ok(Extent::whole(layout.blob_file(digest, size)?, size)),
            Store::Archive(archive) => {
                let name = format!("blobs/sha256/{}", digest.hex());
                let Some(extent) = archive.find(&name) else { return Err(self.missing(&digest.to_string())) };
                if extent.size() != size {
                    let (digest, wanted, got) = (*digest, size, extent.size());
                    let source = crate::ContentError::Size { digest, wanted, got, at_least: false };
                    return Err(SourceError::Content { path: self.path.clone(), source });
                }
                Ok(extent)
            }
        }
    }

    /// An entry of the archive by its name, for a docker-archive.
    pub(super) fn named(&self, name: &str) -> Result<Extent, SourceError> {
        let found = match &self.store {
            Store::Layout(_) => None,
            Store::Archive(archive) => archive.find(name),
        };
        found.ok_or_else(|| self.missing(&name.chars().take(200).collect::<String>()))
    }

    /// Reads an entry of the archive.
    pub(super) fn named_document(&self, name: &str) -> Result<Vec<u8>, SourceError> {
        read(&self.path, name, &self.named(name)?)
    }

    pub(crate) fn wrong_document(&self, digest: &Digest, source: serde_json::Error) -> SourceError {
        document_error(&self.path, &digest.to_string(), source)
    }

    fn missing(&self, what: &str) -> SourceError {
        SourceError::Missing { path: self.path.clone(), what: what.to_owned() }
    }
}

fn document(archive: &Archive, path: &Path, name: &str) -> Result<Vec<u8>, SourceError> {
    let missing = || SourceError::Missing { path: path.to_owned(), what: name.to_owned() };
    read(path, name, &archive.find(name).ok_or_else(missing)?)
}

fn document_error(path: &Path, what: &str, source: serde_json::Error) -> SourceError {
    SourceError::Document { path: path.to_owned(), what: what.to_owned(), source }
}

fn read(path: &Path, what: &str, extent: &Extent) -> Result<Vec<u8>, SourceError> {
    if extent.size() > DOCUMENT_LIMIT {
        let (path, what, size) = (path.to_owned(), what.to_owned(), extent.size());
        return Err(SourceError::TooLarge { path, what, size, limit: DOCUMENT_LIMIT });
    }
    let mut bytes = Vec::new();
    extent.reader().read_to_end(&mut bytes).map_err(|source| SourceError::Io {
        action: "read",
        path: path.to_owned(),
        source,
    })?;
    Ok(bytes)
}
