//! `oci-archive`: a layout in a tar stream, with what one tag needs in it.
//!
//! Digests survive. What is said about the image is left out unless asked for: such an entry has no name, and
//! `ctr images import` of containerd 2 (client/import.go) makes an image `<none>` of it and then fails to unpack that.

use super::error::ExportError;
use super::tar_stream::TarStream;
use crate::descriptor::named_in;
use crate::json::canonical;
use crate::layout::{Entries, Entry};
use crate::{CONTAINERD_NAME, Descriptor, Digest, ImageSource, REF_NAME, SourceError, Wanted};
use std::collections::BTreeMap;
use std::io::Write;

/// Whether what is said about an image (SBOM, provenance) goes along.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Referrers {
    /// It stays behind: every client can import the archive.
    Skip,
    /// It goes along, in entries without a name.
    Include,
}

/// Writes the wanted image as an oci-archive: the whole index of a tag or, if a platform is wanted, one manifest.
///
/// # Errors
/// The image is not there, is damaged or comes from a docker-archive, or the archive cannot be written.
pub fn oci_archive<W: Write>(
    source: &ImageSource,
    wanted: &Wanted,
    referrers: Referrers,
    out: W,
) -> Result<W, ExportError> {
    let mut roots = roots(source, wanted)?;
    let mut blobs = BTreeMap::new();
    let mut waiting = roots.clone();
    while let Some(descriptor) = waiting.pop() {
        if blobs.insert(descriptor.digest, descriptor.size).is_some() {
            continue;
        }
        waiting.extend(named_by(source, &descriptor)?);
        if referrers == Referrers::Include {
            let said = source.referrers(&descriptor.digest)?;
            waiting.extend(said.iter().cloned());
            roots.extend(said);
        }
    }
    let mut entries = Entries::default();
    entries.add(roots.iter().map(Entry::of));
    write(source, &entries, &blobs, out)
}

fn roots(source: &ImageSource, wanted: &Wanted) -> Result<Vec<Descriptor>, ExportError> {
    let tag = wanted.tag.as_deref();
    let roots = source.roots(tag)?;
    if wanted.platform.is_none() {
        return Ok(roots);
    }
    let image = source.image(wanted)?;
    let Some((manifest, _)) = image.manifest else {
        let (path, what) = (source.path().to_owned(), "manifests");
        return Err(SourceError::NoManifest { path, what }.into());
    };
    let mut manifest = manifest.with_platform(image.config.platform.clone());
    for key in [REF_NAME, CONTAINERD_NAME] {
        if let Some(name) = roots.iter().find_map(|root| root.annotations.get(key)) {
            manifest.annotations.insert(key.to_owned(), name.clone());
        }
    }
    Ok(vec![manifest])
}

fn named_by(source: &ImageSource, descriptor: &Descriptor) -> Result<Vec<Descriptor>, ExportError> {
    let read = || source.document(descriptor).map(crate::Verified::into_bytes);
    match named_in(&descriptor.media_type, read)? {
        Ok(named) => Ok(named),
        Err(error) => Err(source.wrong_document(&descriptor.digest, error).into()),
    }
}

fn write<W: Write>(
    source: &ImageSource,
    entries: &Entries,
    blobs: &BTreeMap<Digest, u64>,
    out: W,
) -> Result<W, ExportError> {
    let mut tar = TarStream::new(out);
    tar.bytes("oci-layout", br#"{"imageLayoutVersion":"1.0.0"}"#)?;
    tar.bytes("index.json", &canonical(&entries.to_value()))?;
    tar.directory("blobs/")?;
    tar.directory("blobs/sha256/")?;
    for (digest, size) in blobs {
        let reader = source.open_blob(digest, *size)?;
        tar.file(&format!("blobs/sha256/{}", digest.hex()), *size, reader)?;
    }
    tar.finish()
}
