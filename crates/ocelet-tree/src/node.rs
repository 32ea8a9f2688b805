//! [`Node`]: one entry of a tree, with its metadata and who brought it.
//!
//! There are directories, regular files and symbolic links. Devices, pipes and sockets have no place in an
//! image that is built without privileges, and are refused where they would come in.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::blob::Content;
use crate::path::write_readable;

/// One entry of a tree.
#[derive(Debug, Clone)]
pub struct Node {
    /// What it is.
    pub kind: Kind,
    /// Mode, owner, time and extended attributes.
    pub metadata: Metadata,
    /// Which source brought it.
    pub owner: Owner,
}

/// What an entry is.
#[derive(Debug, Clone)]
pub enum Kind {
    /// A directory.
    Directory,
    /// A regular file. Two paths of one tree with the same inode are hard links to one file.
    File {
        /// Its bytes.
        content: Content,
        /// Its identity within the tree.
        inode: Inode,
    },
    /// A symbolic link.
    Symlink {
        /// Where it points, as it is written.
        target: LinkTarget,
    },
}

/// The identity of a regular file within one [`crate::View`]; equal for hard links, and for nothing else.
/// The number has no meaning beyond that and never reaches an output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Inode(pub u64);

/// What `stat` tells of an entry, as far as an image keeps it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Metadata {
    /// The permission bits with setuid, setgid and sticky: the lowest 12 bits of `st_mode`.
    pub mode: u16,
    /// The number of the owning user.
    pub uid: u32,
    /// The number of the owning group.
    pub gid: u32,
    /// The time of the last change, in whole seconds since 1970.
    pub mtime: i64,
    /// Extended attributes that an image keeps: `security.capability` and no other, since everything else
    /// (`security.selinux`, `trusted.overlay.*`, NFS lists) speaks of the machine that it was read on.
    pub xattrs: BTreeMap<Vec<u8>, Vec<u8>>,
}

/// Where a symbolic link points, byte for byte: not empty, without NUL, at most 4,095 bytes. It may climb
/// above the root, which is legal at run time (`/../a` is `/a`), and is only ever followed inside a tree.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkTarget(Arc<[u8]>);

/// Bytes that cannot be the target of a symbolic link.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{}\" cannot be the target of a symbolic link: it must have 1 to 4095 bytes and no NUL", .target[..80.min(.target.len())].escape_ascii())]
pub struct LinkTargetError {
    /// The target as it was given.
    pub target: Vec<u8>,
}

/// Who brought an entry: the name of a source of the recipe, or of a package within it. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Owner(Arc<str>);

impl Metadata {
    /// The only extended attribute that an image keeps (file capabilities, capabilities(7)).
    pub const CAPABILITY: &[u8] = b"security.capability";

    /// Metadata of something that root owns, changed at time zero, without extended attributes. Bits of
    /// `mode` beyond the lowest 12 are dropped.
    pub fn root_owned(mode: u16) -> Self {
        Self { mode: mode & 0o7777, uid: 0, gid: 0, mtime: 0, xattrs: BTreeMap::new() }
    }
}

impl LinkTarget {
    /// Takes over a link target as it is written.
    ///
    /// # Errors
    /// An empty target, one with a NUL byte, or one that is too long.
    pub fn new(target: impl AsRef<[u8]>) -> Result<Self, LinkTargetError> {
        let target = target.as_ref();
        if target.is_empty() || target.len() > 4095 || target.contains(&0) {
            return Err(LinkTargetError { target: target.to_vec() });
        }
        Ok(Self(Arc::from(target)))
    }

    /// The bytes as they are written.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whether the target begins at the root.
    pub fn is_absolute(&self) -> bool {
        self.0.first() == Some(&b'/')
    }
}

impl Owner {
    /// An owner by its name, as it is shown to the user.
    pub fn new(name: impl AsRef<str>) -> Self {
        Self(Arc::from(name.as_ref()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Node {
    /// A directory that root owns.
    pub fn directory(mode: u16, owner: &Owner) -> Self {
        Self { kind: Kind::Directory, metadata: Metadata::root_owned(mode), owner: owner.clone() }
    }

    /// A symbolic link. Its mode is always 0777: Linux has no other, and archives that say otherwise differ
    /// for nothing.
    pub fn symlink(target: LinkTarget, owner: &Owner) -> Self {
        Self { kind: Kind::Symlink { target }, metadata: Metadata::root_owned(0o777), owner: owner.clone() }
    }

    /// Whether it is a directory.
    pub fn is_directory(&self) -> bool {
        matches!(self.kind, Kind::Directory)
    }

    /// The content of a regular file; nothing for anything else.
    pub fn content(&self) -> Option<&Content> {
        match &self.kind {
            Kind::File { content, .. } => Some(content),
            Kind::Directory | Kind::Symlink { .. } => None,
        }
    }

    /// The identity of a regular file; nothing for anything else.
    pub fn inode(&self) -> Option<Inode> {
        match &self.kind {
            Kind::File { inode, .. } => Some(*inode),
            Kind::Directory | Kind::Symlink { .. } => None,
        }
    }
}

impl Kind {
    /// What it is called in a sentence: `directory`, `file`, `symbolic link`.
    pub fn noun(&self) -> &'static str {
        match self {
            Self::Directory => "directory",
            Self::File { .. } => "file",
            Self::Symlink { .. } => "symbolic link",
        }
    }
}

impl fmt::Display for LinkTarget {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_readable(&self.0, formatter)
    }
}

impl fmt::Debug for LinkTarget {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}
