//! A tar stream whose headers say nothing but name and size.

use super::error::ExportError;
use std::io::{self, Read, Write};

/// Writes entries of an archive. Names are short and ASCII, so ustar headers hold them; sizes beyond 8 GiB are
/// written in base 256, which Go, GNU tar and libarchive read.
pub(super) struct TarStream<W: Write> {
    builder: tar::Builder<W>,
}

impl<W: Write> TarStream<W> {
    pub(super) fn new(out: W) -> Self {
        Self { builder: tar::Builder::new(out) }
    }

    /// A directory; the name ends with a slash.
    pub(super) fn directory(&mut self, name: &str) -> Result<(), ExportError> {
        self.append(name, tar::EntryType::Directory, 0, io::empty())
    }

    /// A file of these bytes.
    pub(super) fn bytes(&mut self, name: &str, bytes: &[u8]) -> Result<(), ExportError> {
        self.append(name, tar::EntryType::Regular, bytes.len() as u64, bytes)
    }

    /// A file of this size; a reader that has more or less bytes is an error.
    pub(super) fn file(&mut self, name: &str, size: u64, reader: impl Read) -> Result<(), ExportError> {
        self.append(name, tar::EntryType::Regular, size, reader)
    }

    fn append(
        &mut self,
        name: &str,
        kind: tar::EntryType,
        size: u64,
        reader: impl Read,
    ) -> Result<(), ExportError> {
        let mut header = tar::Header::new_ustar();
        header.set_entry_type(kind);
        header.set_mode(if kind.is_dir() { 0o755 } else { 0o644 });
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        header.set_size(size);
        // The builder does not compare the size with what it is given.
        let mut counted = Counted { inner: reader, size: 0 };
        let written = self.builder.append_data(&mut header, name, &mut counted).and_then(|()| {
            if counted.size == size {
                return Ok(());
            }
            let text = format!("it should have {size} bytes and has {}", counted.size);
            Err(io::Error::new(io::ErrorKind::InvalidData, text))
        });
        written.map_err(|source| ExportError::Write { entry: name.to_owned(), source })
    }

    pub(super) fn finish(self) -> Result<W, ExportError> {
        let done = self.builder.into_inner().and_then(|mut out| out.flush().map(|()| out));
        done.map_err(|source| ExportError::Finish { source })
    }
}

struct Counted<R> {
    inner: R,
    size: u64,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.size += count as u64;
        Ok(count)
    }
}
