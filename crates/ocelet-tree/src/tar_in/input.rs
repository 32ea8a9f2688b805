//! [`Input`]: the bytes of an archive in blocks, from a stream or from a blob.
//!
//! It knows its position, never reads past what it was asked for, and allocates only for bytes that came.

use std::io::{self, Read};

use super::error::Problem;
use crate::{Blob, Content};

/// The unit of a tar archive, in bytes (pax(1), "ustar Interchange Format").
pub(crate) const BLOCK: usize = 512;

/// An archive that is being read.
pub(super) struct Input<R> {
    from: From<R>,
    position: u64,
}

enum From<R> {
    Stream(R),
    Blob(Content),
}

impl<R: Read> Input<R> {
    pub(super) fn stream(reader: R) -> Self {
        Self { from: From::Stream(reader), position: 0 }
    }

    pub(super) fn blob(blob: &Blob) -> Self {
        Self { from: From::Blob(blob.content()), position: 0 }
    }

    /// Where the next byte stands in the archive.
    pub(super) fn position(&self) -> u64 {
        self.position
    }

    /// The next block; nothing where the archive ends before it.
    pub(super) fn block(&mut self) -> Result<Option<[u8; BLOCK]>, Problem> {
        let mut block = [0; BLOCK];
        match self.fill(&mut block)? {
            0 => Ok(None),
            BLOCK => Ok(Some(block)),
            _ => Err(Problem::CutShort { part: "header" }),
        }
    }

    /// The next `size` bytes, where they are no more than `limit`, and what pads them.
    pub(super) fn extension(&mut self, size: u64, limit: u64) -> Result<Vec<u8>, Problem> {
        if size > limit {
            return Err(Problem::Limit { limit, unit: "bytes in one extended header" });
        }
        self.collect(size, "extended header")
    }

    /// Whether content stays where it is, rather than come to memory.
    pub(super) fn is_blob(&self) -> bool {
        matches!(self.from, From::Blob(_))
    }

    /// The next `size` bytes as the content of a file, and what pads them.
    pub(super) fn content(&mut self, size: u64, label: &str) -> Result<Content, Problem> {
        let From::Blob(all) = &self.from else {
            return Ok(Content::from_bytes(label, self.collect(size, "content")?));
        };
        let cut = || Problem::CutShort { part: "content" };
        let content = all.blob().slice(self.position, size).map_err(|_| cut())?;
        let end = padded(size).and_then(|length| self.position.checked_add(length));
        self.position = end.filter(|end| *end <= all.length()).ok_or_else(cut)?;
        Ok(content)
    }

    /// Reads to the very end and tells whether only NUL bytes were left.
    pub(super) fn only_nul_left(&mut self) -> Result<bool, Problem> {
        let mut buffer = vec![0; 64 << 10];
        loop {
            match self.fill(&mut buffer)? {
                0 => return Ok(true),
                length if buffer[..length].iter().all(|byte| *byte == 0) => {}
                _ => return Ok(false),
            }
        }
    }

    fn collect(&mut self, size: u64, part: &'static str) -> Result<Vec<u8>, Problem> {
        let total = padded(size).ok_or(Problem::CutShort { part })?;
        let mut bytes = Vec::new();
        // A step at a time: the size is only believed as far as bytes come.
        while (bytes.len() as u64) < total {
            let step = (total - bytes.len() as u64).min(1 << 20);
            let start = bytes.len();
            bytes.resize(start + usize::try_from(step).expect("at most a mebibyte"), 0);
            if (self.fill(&mut bytes[start..])? as u64) < step {
                return Err(Problem::CutShort { part });
            }
        }
        bytes.truncate(usize::try_from(size).expect("as many bytes were read"));
        Ok(bytes)
    }

    /// Fills as much of `buffer` as the archive still has.
    fn fill(&mut self, buffer: &mut [u8]) -> Result<usize, Problem> {
        let mut filled = 0;
        match &mut self.from {
            From::Blob(all) => {
                let left = usize::try_from(all.length() - self.position).unwrap_or(usize::MAX);
                filled = left.min(buffer.len());
                all.read_at(self.position, &mut buffer[..filled])?;
            }
            From::Stream(reader) => {
                while filled < buffer.len() {
                    match reader.read(&mut buffer[filled..]) {
                        Ok(0) => break,
                        Ok(read) => filled += read,
                        Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                        Err(error) => return Err(Problem::Stream(error)),
                    }
                }
            }
        }
        self.position += filled as u64;
        Ok(filled)
    }
}

/// A size with what fills its last block; nothing where there is no such number.
pub(crate) fn padded(size: u64) -> Option<u64> {
    size.checked_next_multiple_of(BLOCK as u64)
}
