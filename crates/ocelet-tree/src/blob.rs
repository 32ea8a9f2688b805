//! [`Content`]: the bytes of a file, as a stretch of a blob that stays where it is until it is wanted.
//!
//! A blob may be memory, a mapped file or a file opened on demand; this crate only knows the [`Source`] door
//! and never opens anything itself. Reads are exact: a source that gives fewer bytes than it promised is an
//! error, never a shorter file.

use std::fmt;
use std::io;
use std::ops::Range;
use std::sync::Arc;

/// Where the bytes of a blob come from. Implemented by the host for mapped and on-demand files, and here for
/// memory.
pub trait Source: Send + Sync {
    /// The length of the blob in bytes. It must not change.
    fn length(&self) -> u64;

    /// What the source is called in an error: a path, a package, `inline text`.
    fn label(&self) -> String;

    /// Fills `buffer` with the bytes from `offset` on.
    ///
    /// # Errors
    /// The source cannot be read, or ends before the buffer is full.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()>;

    /// The bytes of `range` for random access, mapped or copied.
    ///
    /// # Errors
    /// The source cannot be read, or ends before the range does.
    fn bytes(&self, range: Range<u64>) -> io::Result<Bytes>;
}

/// A blob: a shared [`Source`].
#[derive(Clone)]
pub struct Blob(Arc<dyn Source>);

/// Bytes for random access: a stretch of memory or of a mapping, shared, cheap to clone.
#[derive(Clone)]
pub struct Bytes {
    backing: Arc<dyn AsRef<[u8]> + Send + Sync>,
    range: Range<usize>,
}

/// The bytes of one file: `length` bytes of `blob` from `offset` on.
#[derive(Clone)]
pub struct Content {
    blob: Blob,
    offset: u64,
    length: u64,
}

/// A file whose bytes could not be read from its source.
#[derive(Debug, thiserror::Error)]
#[error("cannot read {length} bytes at offset {offset} of {label}")]
pub struct ReadError {
    /// What the source is called.
    pub label: String,
    /// Where the read began, in bytes.
    pub offset: u64,
    /// How many bytes were wanted.
    pub length: u64,
    /// What the source said.
    #[source]
    pub cause: io::Error,
}

/// The outcome of asking a blob for a stretch that it does not have.
#[derive(Debug, thiserror::Error)]
#[error("bytes {offset}..{offset}+{length} lie outside of {label}, which has {available} bytes")]
pub struct OutOfRange {
    label: String,
    offset: u64,
    length: u64,
    available: u64,
}

impl Blob {
    /// A blob over any source.
    pub fn new(source: impl Source + 'static) -> Self {
        Self(Arc::new(source))
    }

    /// A blob in memory; `label` names it in errors.
    pub fn from_bytes(label: impl Into<String>, bytes: impl AsRef<[u8]> + Send + Sync + 'static) -> Self {
        Self(Arc::new(Memory { label: label.into(), bytes: Bytes::new(bytes) }))
    }

    /// The length in bytes.
    pub fn length(&self) -> u64 {
        self.0.length()
    }

    /// What the source is called in an error.
    pub fn label(&self) -> String {
        self.0.label()
    }

    /// All of the blob as the content of one file.
    pub fn content(&self) -> Content {
        Content { blob: self.clone(), offset: 0, length: self.length() }
    }

    /// A stretch of the blob as the content of one file.
    ///
    /// # Errors
    /// The stretch is not wholly inside the blob.
    pub fn slice(&self, offset: u64, length: u64) -> Result<Content, OutOfRange> {
        match offset.checked_add(length) {
            Some(end) if end <= self.length() => Ok(Content { blob: self.clone(), offset, length }),
            _ => Err(OutOfRange { label: self.label(), offset, length, available: self.length() }),
        }
    }
}

impl Content {
    /// Content in memory; `label` names it in errors.
    pub fn from_bytes(label: impl Into<String>, bytes: impl AsRef<[u8]> + Send + Sync + 'static) -> Self {
        Blob::from_bytes(label, bytes).content()
    }

    /// The length in bytes.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// The blob that holds the bytes.
    pub fn blob(&self) -> &Blob {
        &self.blob
    }

    /// Where in the blob the bytes begin.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Fills `buffer` from `offset` of this content on.
    ///
    /// # Errors
    /// The stretch lies outside of the content, or the source cannot be read.
    pub fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), ReadError> {
        let length = buffer.len() as u64;
        self.check(offset, length)?;
        self.blob.0.read_at(self.offset + offset, buffer).map_err(|cause| self.error(offset, length, cause))
    }

    /// All bytes for random access: mapped where the source can.
    ///
    /// # Errors
    /// The source cannot be read.
    pub fn bytes(&self) -> Result<Bytes, ReadError> {
        self.blob
            .0
            .bytes(self.offset..self.offset + self.length)
            .map_err(|cause| self.error(0, self.length, cause))
    }

    /// The first `most` bytes, or all where there are fewer: what shebangs and magic numbers are read from.
    ///
    /// # Errors
    /// The source cannot be read.
    pub fn head(&self, most: usize) -> Result<Vec<u8>, ReadError> {
        let length = usize::try_from(self.length).unwrap_or(usize::MAX).min(most);
        let mut head = vec![0; length];
        self.read_at(0, &mut head)?;
        Ok(head)
    }

    /// Whether both hold the same bytes. Two names of one stretch are told without reading it.
    ///
    /// # Errors
    /// One of the sources cannot be read.
    pub fn same_bytes(&self, other: &Self) -> Result<bool, ReadError> {
        if self.length != other.length {
            return Ok(false);
        }
        if Arc::ptr_eq(&self.blob.0, &other.blob.0) && self.offset == other.offset {
            return Ok(true);
        }
        let (mut mine, mut theirs) = (vec![0; 64 << 10], vec![0; 64 << 10]);
        let mut offset = 0;
        while offset < self.length {
            let step = usize::try_from(self.length - offset).unwrap_or(usize::MAX).min(mine.len());
            self.read_at(offset, &mut mine[..step])?;
            other.read_at(offset, &mut theirs[..step])?;
            if mine[..step] != theirs[..step] {
                return Ok(false);
            }
            offset += step as u64;
        }
        Ok(true)
    }

    fn check(&self, offset: u64, length: u64) -> Result<(), ReadError> {
        match offset.checked_add(length) {
            Some(end) if end <= self.length => Ok(()),
            _ => Err(self.error(offset, length, io::ErrorKind::UnexpectedEof.into())),
        }
    }

    fn error(&self, offset: u64, length: u64, cause: io::Error) -> ReadError {
        ReadError { label: self.blob.label(), offset, length, cause }
    }
}

impl Bytes {
    /// Takes over a buffer or a mapping.
    pub fn new(backing: impl AsRef<[u8]> + Send + Sync + 'static) -> Self {
        let length = backing.as_ref().len();
        Self { backing: Arc::new(backing), range: 0..length }
    }

    /// A stretch of these bytes; nothing where it lies outside of them.
    pub fn slice(&self, range: Range<usize>) -> Option<Self> {
        let start = self.range.start.checked_add(range.start)?;
        let end = self.range.start.checked_add(range.end)?;
        (start <= end && end <= self.range.end)
            .then(|| Self { backing: Arc::clone(&self.backing), range: start..end })
    }
}

impl AsRef<[u8]> for Bytes {
    fn as_ref(&self) -> &[u8] {
        &(*self.backing).as_ref()[self.range.clone()]
    }
}

impl std::ops::Deref for Bytes {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        self.as_ref()
    }
}

/// The blob in memory.
struct Memory {
    label: String,
    bytes: Bytes,
}

impl Source for Memory {
    fn length(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn label(&self) -> String {
        self.label.clone()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let bytes = self.bytes(offset..offset.saturating_add(buffer.len() as u64))?;
        buffer.copy_from_slice(&bytes);
        Ok(())
    }

    fn bytes(&self, range: Range<u64>) -> io::Result<Bytes> {
        let outside = || io::Error::from(io::ErrorKind::UnexpectedEof);
        let start = usize::try_from(range.start).map_err(|_| outside())?;
        let end = usize::try_from(range.end).map_err(|_| outside())?;
        self.bytes.slice(start..end).ok_or_else(outside)
    }
}

impl fmt::Debug for Blob {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Blob({}, {} bytes)", self.label(), self.length())
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Content({}, {}+{})", self.blob.label(), self.offset, self.length)
    }
}

impl fmt::Debug for Bytes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Bytes({} bytes)", self.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stretch_stays_inside_its_blob() {
        let blob = Blob::from_bytes("test", b"0123456789".to_vec());
        let middle = blob.slice(2, 5).expect("inside");
        assert_eq!(&*middle.bytes().expect("in memory"), b"23456");
        assert_eq!(middle.head(2).expect("in memory"), b"23");
        assert_eq!(middle.head(99).expect("in memory"), b"23456");
        let mut buffer = [0; 2];
        middle.read_at(3, &mut buffer).expect("inside");
        assert_eq!(&buffer, b"56");
        assert!(middle.read_at(4, &mut buffer).is_err(), "reading past the stretch into the blob");
        for (text, want) in [(&b"23456"[..], true), (b"23457", false), (b"2345", false)] {
            let other = Content::from_bytes("other", text.to_vec());
            assert_eq!(middle.same_bytes(&other).expect("in memory"), want, "{}", text.escape_ascii());
        }
        assert!(middle.same_bytes(&middle.clone()).expect("in memory"));
        for (offset, length) in [(0, 11), (10, 1), (u64::MAX, 2), (11, 0)] {
            assert!(blob.slice(offset, length).is_err(), "{offset}+{length}");
        }
    }
}
