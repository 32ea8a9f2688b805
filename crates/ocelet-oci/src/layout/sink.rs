//! [`BlobSink`]: a blob on its way into the layout.

use super::directory::{Layout, blob_path};
use super::error::LayoutError;
use crate::{Blob, Digest, Document, Hasher, Image};
use cap_tempfile::TempFile;
use std::io::{self, BufWriter, Write};

/// Takes the bytes of one blob. Nothing is seen of it until it is finished, and nothing stays if it is dropped.
#[derive(Debug)]
#[must_use]
pub struct BlobSink<'layout> {
    layout: &'layout Layout,
    file: BufWriter<TempFile<'layout>>,
    hasher: Hasher,
}

impl Layout {
    /// Begins a blob.
    ///
    /// # Errors
    /// No file can be made in the directory.
    pub fn blob_sink(&self) -> Result<BlobSink<'_>, LayoutError> {
        const BUFFER: usize = 128 << 10;
        self.begin_writing()?;
        let file = TempFile::new(self.dir()).map_err(self.io("create a blob in", ""))?;
        Ok(BlobSink { layout: self, file: BufWriter::with_capacity(BUFFER, file), hasher: Hasher::new() })
    }

    /// The blob of this digest and size, if it is there: then it need not be made again. Its content is not read.
    ///
    /// # Errors
    /// The directory cannot be read.
    pub fn existing_blob(&self, digest: &Digest, size: u64) -> Result<Option<Blob>, LayoutError> {
        // First the lock, then the look: what was seen stays.
        self.begin_writing()?;
        if self.blob_size(digest)? != Some(size) {
            return Ok(None);
        }
        let mut session = self.session();
        session.kept.insert(*digest);
        session.unsynced.insert(*digest);
        Ok(Some(Blob::held(*digest, size)))
    }

    /// Stores bytes as a blob.
    ///
    /// # Errors
    /// The disk is full or cannot be written.
    pub fn put_bytes(&self, bytes: &[u8]) -> Result<Blob, LayoutError> {
        let blob = Blob::of(bytes);
        if let Some(blob) = self.existing_blob(blob.digest(), blob.size())? {
            return Ok(blob);
        }
        let mut sink = self.blob_sink()?;
        sink.write_all(bytes).map_err(self.io("write", &blob_path(blob.digest())))?;
        sink.finish_as(blob.digest(), blob.size())
    }

    /// Stores a configuration, manifest or index.
    ///
    /// # Errors
    /// The disk is full or cannot be written.
    pub fn put_json(&self, document: &Document) -> Result<Blob, LayoutError> {
        self.put_bytes(document.bytes())
    }

    /// Stores an image's configuration and manifest. Its layers are put through [`Layout::blob_sink`].
    ///
    /// # Errors
    /// The disk is full or cannot be written.
    pub fn put_image(&self, image: &Image) -> Result<(), LayoutError> {
        self.put_json(image.config())?;
        self.put_json(image.manifest())?;
        Ok(())
    }
}

impl Write for BlobSink<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.file.write(bytes)?;
        self.hasher.update(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl BlobSink<'_> {
    /// The blob is complete, whatever it is.
    ///
    /// # Errors
    /// The disk is full or cannot be written.
    pub fn finish(self) -> Result<Blob, LayoutError> {
        let Self { layout, file, hasher } = self;
        let blob = hasher.finish();
        let at = blob_path(blob.digest());
        let file = file.into_inner().map_err(|error| layout.io("write", &at)(error.into_error()))?;
        if layout.existing_blob(blob.digest(), blob.size())?.is_some() {
            return Ok(blob);
        }
        file.replace(&at).map_err(layout.io("write", &at))?;
        let mut session = layout.session();
        session.kept.insert(*blob.digest());
        session.unsynced.insert(*blob.digest());
        Ok(blob)
    }

    /// The blob is complete, and must be this one.
    ///
    /// # Errors
    /// It is another one, or the disk is full or cannot be written.
    pub fn finish_as(self, digest: &Digest, size: u64) -> Result<Blob, LayoutError> {
        let blob = self.hasher.clone().finish();
        blob.expect(digest, size).map_err(|source| self.layout.damaged(source))?;
        self.finish()
    }
}
