//! [`TarWriter`]: a tree as a tar archive, byte for byte the same for the same files.
//!
//! Every entry is a pure ustar header, or a PAX header with only the records that ustar cannot hold and the
//! ustar header behind it; never a GNU form, a global header, or a sparse file (pax(1), POSIX.1-2017; image-spec,
//! layer.md). Names are written as the bytes they are: in the ustar fields as long as they fit there, which all
//! readers take as they stand, else in `path` and `linkpath`, where GNU tar and Go read bytes that are not UTF-8
//! back as they were written. No user names, no device numbers, no entry for the root, no leading slash.
//!
//! It refuses entries out of order, entries without their parent directory, and content that is shorter or longer
//! than its length. The time that is written is the node's: whoever wants another sets it there.

mod encode;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use crate::{Content, Inode, Kind, Metadata, Node, ReadError, Tree, TreePath};

pub use encode::entry_size;

/// The two blocks of NUL bytes that close an archive, in bytes.
pub const END_SIZE: u64 = 1024;
/// How much content is held in memory at a time, in bytes.
const BUFFER: usize = 256 << 10;

/// Writes entries in the order of their paths into an archive. [`TarWriter::finish`] closes it.
pub struct TarWriter<W: Write> {
    sink: W,
    written: Written,
    previous: Option<TreePath>,
    directories: BTreeSet<TreePath>,
    files: BTreeMap<Inode, First>,
    buffer: Vec<u8>,
    broken: bool,
}

/// The entry that carries the content of a file; further names of the file link to it.
struct First {
    path: TreePath,
    metadata: Metadata,
    length: u64,
}

/// What has been written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Written {
    /// Bytes of the archive.
    pub bytes: u64,
    /// Entries, hard links counted.
    pub entries: u64,
}

/// Why an archive cannot be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// An entry that sorts before the one before it, or a second one of the same path.
    #[error("{path} comes after {previous}; entries are written in the order of their bytes, each once")]
    Order {
        /// The entry.
        path: TreePath,
        /// The one before it.
        previous: TreePath,
    },
    /// No directory for the entry: each unpacker would invent its own.
    #[error("{path} has no entry for the directory above it; write the directories too")]
    NoParent {
        /// The entry.
        path: TreePath,
    },
    /// The root has no entry: unpackers disagree about its name and its mode.
    #[error("the root directory is no entry of an archive")]
    Root,
    /// A name that unpackers take as a deletion.
    #[error("{path} begins with \".wh.\", which OCI layers reserve for deletions")]
    Whiteout {
        /// The entry.
        path: TreePath,
    },
    /// A hard link whose metadata or length is not that of the file.
    #[error("{path} and {first} are one file, but differ in mode, owner, time, attributes or length")]
    LinkDiffers {
        /// The entry.
        path: TreePath,
        /// The first name of the file.
        first: TreePath,
    },
    /// An extended attribute whose name PAX cannot hold.
    #[error("{path} has an extended attribute \"{}\", which PAX cannot name", .name.escape_ascii())]
    AttributeName {
        /// The entry.
        path: TreePath,
        /// The name of the attribute.
        name: Vec<u8>,
    },
    /// The content of a file could not be read, or is shorter than its length.
    #[error("the content of {path} cannot be written")]
    Content {
        /// The entry.
        path: TreePath,
        /// What the content said.
        #[source]
        cause: ReadError,
    },
    /// The archive could not be written.
    #[error("the archive cannot be written at byte {offset}")]
    Sink {
        /// Where in the archive.
        offset: u64,
        /// What the writer said.
        #[source]
        cause: io::Error,
    },
    /// An earlier error has left the archive half way.
    #[error("the archive was left half way by an earlier error; start again")]
    Broken,
}

/// Writes a whole tree as an archive.
///
/// # Errors
/// See [`WriteError`].
pub fn write_tree(tree: &Tree, sink: impl Write) -> Result<Written, WriteError> {
    write_entries(tree.iter(), sink)
}

/// Writes some entries, in the order of their paths' bytes, as an archive.
///
/// # Errors
/// See [`WriteError`].
pub fn write_entries<'entries>(
    entries: impl IntoIterator<Item = (&'entries TreePath, &'entries Node)>,
    sink: impl Write,
) -> Result<Written, WriteError> {
    let mut writer = TarWriter::new(sink);
    for (path, node) in entries {
        writer.append(path, node)?;
    }
    writer.finish().map(|(_, written)| written)
}

impl<W: Write> TarWriter<W> {
    /// An archive with nothing in it yet.
    pub fn new(sink: W) -> Self {
        Self {
            sink,
            written: Written::default(),
            previous: None,
            directories: BTreeSet::new(),
            files: BTreeMap::new(),
            buffer: Vec::new(),
            broken: false,
        }
    }

    /// Writes one entry. The first name of a file carries its content, further ones are hard links to it.
    ///
    /// # Errors
    /// See [`WriteError`]. After an error nothing more can be written.
    pub fn append(&mut self, path: &TreePath, node: &Node) -> Result<(), WriteError> {
        if std::mem::replace(&mut self.broken, true) {
            return Err(WriteError::Broken);
        }
        self.check(path, node)?;
        let link = self.link(path, node)?;
        self.put(&encode::headers(path, node, link.as_ref()))?;
        if let (Kind::File { content, .. }, None) = (&node.kind, &link) {
            self.copy(path, content)?;
        }
        if node.is_directory() {
            self.directories.insert(path.clone());
        }
        self.previous = Some(path.clone());
        self.written.entries += 1;
        self.broken = false;
        Ok(())
    }

    /// Writes the two closing blocks and gives the writer back.
    ///
    /// # Errors
    /// The writer fails, or an earlier error has left the archive half way.
    pub fn finish(mut self) -> Result<(W, Written), WriteError> {
        if self.broken {
            return Err(WriteError::Broken);
        }
        self.put(&[0; 1024])?;
        let offset = self.written.bytes;
        self.sink.flush().map_err(|cause| WriteError::Sink { offset, cause })?;
        Ok((self.sink, self.written))
    }

    fn check(&self, path: &TreePath, node: &Node) -> Result<(), WriteError> {
        let Some(parent) = path.parent() else { return Err(WriteError::Root) };
        if let Some(previous) = self.previous.as_ref().filter(|previous| *previous >= path) {
            return Err(WriteError::Order { path: path.clone(), previous: previous.clone() });
        }
        if !parent.is_root() && !self.directories.contains(&parent) {
            return Err(WriteError::NoParent { path: path.clone() });
        }
        if path.name().is_some_and(|name| name.as_bytes().starts_with(b".wh.")) {
            return Err(WriteError::Whiteout { path: path.clone() });
        }
        // A keyword ends at its first '=' (pax(1), "pax Extended Header").
        let unnameable = |name: &&Vec<u8>| name.is_empty() || name.contains(&b'=') || name.contains(&0);
        match node.metadata.xattrs.keys().find(unnameable) {
            Some(name) => Err(WriteError::AttributeName { path: path.clone(), name: name.clone() }),
            None => Ok(()),
        }
    }

    /// The first name of the file, where this is a further one.
    fn link(&mut self, path: &TreePath, node: &Node) -> Result<Option<TreePath>, WriteError> {
        let Kind::File { content, inode } = &node.kind else { return Ok(None) };
        let Some(first) = self.files.get(inode) else {
            let metadata = node.metadata.clone();
            self.files.insert(*inode, First { path: path.clone(), metadata, length: content.length() });
            return Ok(None);
        };
        if first.metadata != node.metadata || first.length != content.length() {
            return Err(WriteError::LinkDiffers { path: path.clone(), first: first.path.clone() });
        }
        Ok(Some(first.path.clone()))
    }

    /// Copies exactly the content's length and fills the last block.
    fn copy(&mut self, path: &TreePath, content: &Content) -> Result<(), WriteError> {
        let mut buffer = std::mem::take(&mut self.buffer);
        buffer.resize(BUFFER, 0);
        let mut offset = 0;
        while offset < content.length() {
            let step = (content.length() - offset).min(BUFFER as u64);
            let stretch = &mut buffer[..usize::try_from(step).expect("at most the buffer")];
            content
                .read_at(offset, stretch)
                .map_err(|cause| WriteError::Content { path: path.clone(), cause })?;
            self.put(stretch)?;
            offset += step;
        }
        self.buffer = buffer;
        let padding = usize::try_from(encode::padding(offset)).expect("less than a block");
        self.put(&[0; 512][..padding])
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), WriteError> {
        let offset = self.written.bytes;
        self.sink.write_all(bytes).map_err(|cause| WriteError::Sink { offset, cause })?;
        self.written.bytes += bytes.len() as u64;
        Ok(())
    }
}

impl<W: Write> std::fmt::Debug for TarWriter<W> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "TarWriter({:?}, after {:?})", self.written, self.previous)
    }
}

#[cfg(test)]
mod tests;
