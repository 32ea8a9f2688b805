//! An archive's table of contents: where in the file each entry lies.
//!
//! Only regular files and links between them count; devices and the like are passed over, as containerd does. A name
//! that climbs, a second entry of the same name and content past the end of the file are refused.

use super::error::SourceError;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// More entries than any archive of images has.
const ENTRY_LIMIT: usize = 200_000;
/// More bytes than the headers of so many entries have; guards against headers that say they are huge.
const HEADER_LIMIT: u64 = 512 << 20;
/// Hops from link to link.
const LINK_LIMIT: usize = 8;

/// A stretch of a file.
#[derive(Debug, Clone)]
pub(crate) struct Extent {
    file: Arc<File>,
    offset: u64,
    size: u64,
}

impl Extent {
    /// A whole file of this size.
    pub(crate) fn whole(file: File, size: u64) -> Self {
        Self { file: Arc::new(file), offset: 0, size }
    }

    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// Reads it from its start; any number of readers may do so at once.
    pub(crate) fn reader(&self) -> ExtentReader {
        ExtentReader { extent: self.clone(), at: 0 }
    }
}

/// Reads an [`Extent`].
#[derive(Debug)]
pub(crate) struct ExtentReader {
    extent: Extent,
    at: u64,
}

impl Read for ExtentReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.extent.size - self.at).unwrap_or(usize::MAX);
        let length = buffer.len().min(left);
        let count = self.extent.file.read_at(&mut buffer[..length], self.extent.offset + self.at)?;
        self.at += count as u64;
        Ok(count)
    }
}

/// A tar archive, read where it lies.
#[derive(Debug)]
pub(super) struct Archive {
    path: PathBuf,
    file: Arc<File>,
    entries: BTreeMap<String, (u64, u64)>,
    links: BTreeMap<String, String>,
}

impl Archive {
    /// Reads the table of contents.
    pub(super) fn open(path: &Path) -> Result<Self, SourceError> {
        let io = |action| {
            let path = path.to_owned();
            move |source| SourceError::Io { action, path, source }
        };
        let mut file = File::open(path).map_err(io("open"))?;
        let length = file.metadata().map_err(io("look at"))?.len();
        let mut magic = Vec::new();
        (&mut file).take(6).read_to_end(&mut magic).map_err(io("read"))?;
        if let Some(name) = compression_name(&magic) {
            let reason = match name {
                "gzip" => "it is compressed with gzip; unpack it with gunzip first",
                "zstd" => "it is compressed with zstd; unpack it with unzstd first",
                _ => "it is compressed; unpack it first",
            };
            return Err(SourceError::NotAnImage { path: path.to_owned(), reason });
        }
        file.rewind().map_err(io("read"))?;
        let mut archive = Self {
            path: path.to_owned(),
            file: Arc::new(file.try_clone().map_err(io("open"))?),
            entries: BTreeMap::new(),
            links: BTreeMap::new(),
        };
        let headers = Headers { file, left: HEADER_LIMIT };
        let mut reader = tar::Archive::new(headers);
        for entry in reader.entries_with_seek().map_err(io("read"))? {
            let entry = entry.map_err(io("read the tar headers of"))?;
            archive.note(&entry, length)?;
        }
        Ok(archive)
    }

    fn note<R: Read>(&mut self, entry: &tar::Entry<'_, R>, length: u64) -> Result<(), SourceError> {
        let raw = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let kind = entry.header().entry_type();
        if kind.is_dir() || kind.is_pax_global_extensions() {
            return Ok(());
        }
        let name = plain_name(&raw).map_err(|reason| self.wrong(&raw, reason))?;
        if kind.is_gnu_sparse() {
            return Err(self.wrong(&raw, "is a sparse file"));
        }
        if self.entries.len() + self.links.len() >= ENTRY_LIMIT {
            return Err(self.wrong(&raw, "is one too many"));
        }
        let before = if kind.is_symlink() || kind.is_hard_link() {
            let target = entry.link_name_bytes().unwrap_or_default();
            let target = String::from_utf8_lossy(&target).into_owned();
            // A symbolic link is seen from where it lies, a hard link from the root.
            let directory = name.rsplit_once('/').map_or("", |(directory, _)| directory);
            let from = if kind.is_symlink() { directory } else { "" };
            let target =
                joined(from, &target).ok_or_else(|| self.wrong(&raw, "is a link out of the archive"))?;
            self.links.insert(name.clone(), target).is_some() || self.entries.contains_key(&name)
        } else if kind.is_file() || kind.is_contiguous() {
            let (offset, size) = (entry.raw_file_position(), entry.size());
            if offset.checked_add(size).is_none_or(|end| end > length) {
                return Err(self.wrong(&raw, "ends after the end of the file; the archive is cut off"));
            }
            self.entries.insert(name.clone(), (offset, size)).is_some() || self.links.contains_key(&name)
        } else {
            false
        };
        if before {
            return Err(self.wrong(&raw, "is there twice"));
        }
        Ok(())
    }

    fn wrong(&self, entry: &str, reason: &'static str) -> SourceError {
        let entry = entry.chars().take(200).collect();
        SourceError::Entry { path: self.path.clone(), entry, reason }
    }

    /// The file of this name, links followed.
    pub(super) fn find(&self, name: &str) -> Option<Extent> {
        let mut name = plain_name(name).ok()?;
        for _ in 0..=LINK_LIMIT {
            if let Some((offset, size)) = self.entries.get(&name) {
                return Some(Extent { file: Arc::clone(&self.file), offset: *offset, size: *size });
            }
            name = self.links.get(&name)?.clone();
        }
        None
    }

    /// Whether there is an entry of this name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.find(name).is_some()
    }
}

/// A file whose headers only are read; the content is sought over.
#[derive(Debug)]
struct Headers {
    file: File,
    left: u64,
}

impl Read for Headers {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buffer)?;
        self.left = self
            .left
            .checked_sub(count as u64)
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "more than 512 MiB of tar headers"))?;
        Ok(count)
    }
}

impl Seek for Headers {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

/// A name without `.` and double slashes; one that climbs or starts at the root is refused.
fn plain_name(raw: &str) -> Result<String, &'static str> {
    if raw.starts_with('/') {
        return Err("has an absolute name");
    }
    let mut parts = Vec::new();
    for part in raw.split('/') {
        match part {
            "" | "." => {}
            ".." => return Err("has a name that climbs out of the archive"),
            part => parts.push(part),
        }
    }
    if parts.is_empty() { Err("has no name") } else { Ok(parts.join("/")) }
}

/// Where a link leads, if that is inside of the archive.
fn joined(directory: &str, target: &str) -> Option<String> {
    if target.starts_with('/') {
        return None;
    }
    let mut parts: Vec<&str> = directory.split('/').filter(|part| !part.is_empty()).collect();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// What a stream is compressed with, by its first bytes.
pub(super) fn compression_name(magic: &[u8]) -> Option<&'static str> {
    const KNOWN: &[(&[u8], &str)] = &[
        (&[0x1f, 0x8b], "gzip"),
        (&[0x28, 0xb5, 0x2f, 0xfd], "zstd"),
        (&[0xfd, b'7', b'z', b'X', b'Z', 0], "xz"),
        (b"BZh", "bzip2"),
        (b"PK\x03\x04", "zip"),
    ];
    // A skippable frame may stand before the first one of zstd (RFC 8878, 3.1.2); stargz indexes use that.
    if magic.len() >= 4 && magic[0] & 0xf0 == 0x50 && magic[1..4] == [0x2a, 0x4d, 0x18] {
        return Some("zstd");
    }
    KNOWN.iter().find(|(start, _)| magic.starts_with(start)).map(|(_, name)| *name)
}
