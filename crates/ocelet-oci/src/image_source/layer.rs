//! Layers on their way out: decompressed, and proved at the end.

use super::archive::{Extent, ExtentReader, compression_name};
use super::error::SourceError;
use crate::{Annotations, Blob, ContentError, Descriptor, DiffId, Hasher, LayerKind, MediaType};
use flate2::bufread::MultiGzDecoder;
use std::fmt;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

/// How much a layer may unpack to, in bytes: 64 GiB. What needs less room says so with [`Read::take`].
pub const UNPACKED_LIMIT: u64 = 64 << 30;

/// A layer of an image that is read.
#[derive(Debug, Clone)]
pub struct SourceLayer {
    pub(super) path: PathBuf,
    pub(super) extent: Extent,
    /// What the manifest says its blob is; nothing in a docker-archive, which names layers as it likes.
    pub(super) digest: Option<crate::Digest>,
    /// The digest of the tar stream inside.
    pub diff_id: DiffId,
    /// What the manifest says it is, which is not believed.
    pub media_type: Option<MediaType>,
    /// Remarks.
    pub annotations: Annotations,
}

/// A layer is not what was promised.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LayerError {
    /// The compressed bytes are others.
    #[error("the layer's {0}")]
    Blob(#[from] ContentError),
    /// The bytes inside are others.
    #[error("the layer should unpack to {} and unpacks to {}", wanted.0, got.0)]
    DiffId {
        /// What the configuration says.
        wanted: DiffId,
        /// What came out.
        got: DiffId,
    },
    /// More comes out than any layer has.
    #[error("the layer {} unpacks to more than {limit} bytes", layer.0)]
    TooLarge {
        /// The layer.
        layer: DiffId,
        /// The limit, in bytes.
        limit: u64,
    },
}

impl From<LayerError> for io::Error {
    fn from(error: LayerError) -> Self {
        Self::new(io::ErrorKind::InvalidData, error)
    }
}

impl SourceLayer {
    /// A layer in a file of its own.
    pub(crate) fn of_file(path: &Path, file: File, descriptor: &Descriptor, diff_id: DiffId) -> Self {
        Self {
            path: path.to_owned(),
            extent: Extent::whole(file, descriptor.size),
            digest: Some(descriptor.digest),
            diff_id,
            media_type: Some(descriptor.media_type.clone()),
            annotations: descriptor.annotations.clone(),
        }
    }

    /// The size of the blob in bytes, compressed as it is.
    pub fn size(&self) -> u64 {
        self.extent.size()
    }

    /// The digest of the blob, where the source knows it.
    pub fn digest(&self) -> Option<&crate::Digest> {
        self.digest.as_ref()
    }

    /// How the blob is compressed, by its first bytes.
    ///
    /// # Errors
    /// It cannot be read, or is compressed with something that layers are not.
    pub fn kind(&self) -> Result<LayerKind, SourceError> {
        let mut magic = Vec::new();
        self.extent.reader().take(6).read_to_end(&mut magic).map_err(|source| SourceError::Io {
            action: "read a layer of",
            path: self.path.clone(),
            source,
        })?;
        match compression_name(&magic) {
            None => Ok(LayerKind::Tar),
            Some("gzip") => Ok(LayerKind::Gzip),
            Some("zstd") => Ok(LayerKind::Zstd),
            Some(found) => {
                Err(SourceError::Compression { path: self.path.clone(), layer: self.diff_id.0, found })
            }
        }
    }

    /// Reads the tar stream. That it is the right one is only known at its end, so what is made of it before must
    /// be thrown away when reading fails.
    ///
    /// # Errors
    /// See [`SourceLayer::kind`].
    pub fn open(&self) -> Result<LayerReader, SourceError> {
        let compressed = Counted { inner: self.extent.reader(), hasher: Hasher::new() };
        let decoder = match self.kind()? {
            LayerKind::Tar => Decoder::Tar(compressed),
            LayerKind::Gzip => Decoder::Gzip(Box::new(MultiGzDecoder::new(BufReader::new(compressed)))),
            LayerKind::Zstd => {
                let decoder = zstd::Decoder::with_buffer(BufReader::new(compressed)).map_err(|source| {
                    SourceError::Io { action: "start to unpack a layer of", path: self.path.clone(), source }
                })?;
                Decoder::Zstd(decoder)
            }
        };
        Ok(LayerReader { layer: self.clone(), state: Some((decoder, Hasher::new())) })
    }

    /// Reads the blob as it is, unproved.
    pub(crate) fn raw(&self) -> impl Read + use<> {
        self.extent.reader()
    }
}

/// Counts and hashes what is read through it.
struct Counted<R> {
    inner: R,
    hasher: Hasher,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.hasher.update(&buffer[..count]);
        Ok(count)
    }
}

type Compressed = Counted<ExtentReader>;

enum Decoder {
    Tar(Compressed),
    Gzip(Box<MultiGzDecoder<BufReader<Compressed>>>),
    Zstd(zstd::Decoder<'static, BufReader<Compressed>>),
}

impl Decoder {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tar(reader) => reader.read(buffer),
            Self::Gzip(reader) => reader.read(buffer),
            Self::Zstd(reader) => reader.read(buffer),
        }
    }

    /// The digest and size of all compressed bytes, those after the last frame included.
    fn finish(self) -> io::Result<Blob> {
        let mut compressed = match self {
            Self::Tar(reader) => reader,
            Self::Gzip(reader) => reader.into_inner().into_inner(),
            Self::Zstd(reader) => reader.finish().into_inner(),
        };
        io::copy(&mut compressed, &mut io::sink())?;
        Ok(compressed.hasher.finish())
    }
}

/// The tar stream of a layer. Its end is only reported when the blob's digest and the diff id were right; otherwise
/// reading fails with [`io::ErrorKind::InvalidData`] around a [`LayerError`].
pub struct LayerReader {
    layer: SourceLayer,
    state: Option<(Decoder, Hasher)>,
}

impl fmt::Debug for LayerReader {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("LayerReader").field("layer", &self.layer).finish_non_exhaustive()
    }
}

impl Read for LayerReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some((decoder, hasher)) = &mut self.state else { return Ok(0) };
        if buffer.is_empty() {
            return Ok(0);
        }
        let count = decoder.read(buffer)?;
        if count > 0 {
            hasher.update(&buffer[..count]);
            if hasher.size() > UNPACKED_LIMIT {
                return Err(LayerError::TooLarge { layer: self.layer.diff_id, limit: UNPACKED_LIMIT }.into());
            }
            return Ok(count);
        }
        let (decoder, hasher) = self.state.take().expect("it was there above");
        let blob = decoder.finish()?;
        if let Some(digest) = &self.layer.digest {
            blob.expect(digest, self.layer.size()).map_err(LayerError::from)?;
        }
        let (wanted, got) = (self.layer.diff_id, DiffId(*hasher.finish().digest()));
        if wanted != got {
            return Err(LayerError::DiffId { wanted, got }.into());
        }
        Ok(0)
    }
}
