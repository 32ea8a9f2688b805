//! [`DirectoryView`]: a directory of the host as a view, read as it is asked for.
//!
//! Nothing is listed beforehand, so the closure of one command costs a few dozen `lstat` calls on a root file
//! system of any size. Every path that is opened had each of its parents seen as a real directory, and is
//! opened beneath the root without following any link (`openat2(2)`, `RESOLVE_BENEATH` and
//! `RESOLVE_NO_SYMLINKS`), so a link can never lead to a file outside.
//!
//! Devices, pipes and sockets are not there for it, and neither is what `/proc`, `/sys` and `/dev` hold.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::ops::Range;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use ocelet_tree::{
    Blob, Bytes, Glob, Inode, Kind, LinkTarget, Metadata, Name, Node, Owner, ReadError, Source, TreePath,
    View,
};
use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;

use super::beneath;
use super::file::bytes_of;

/// Directories whose contents are the kernel's and not files.
const KERNEL: [&[u8]; 3] = [b"proc", b"sys", b"dev"];

/// A directory of the host, read as it is asked for. What was read once is remembered.
#[derive(Debug)]
pub struct DirectoryView {
    root: Arc<Root>,
    owner: Owner,
    include: Vec<Glob>,
    exclude: Vec<Glob>,
    entries: RwLock<BTreeMap<TreePath, Option<Node>>>,
}

/// A directory that cannot be used as a root file system.
#[derive(Debug, thiserror::Error)]
#[error("cannot open the directory {}", .path.display())]
pub struct DirectoryError {
    /// The directory.
    pub path: PathBuf,
    /// Why.
    #[source]
    pub cause: io::Error,
}

#[derive(Debug)]
struct Root {
    descriptor: OwnedFd,
    path: PathBuf,
    inodes: Inodes,
}

/// Numbers files as they are met, so that hard links, and nothing else, share a number.
#[derive(Debug, Default)]
struct Inodes {
    next: AtomicU64,
    linked: Mutex<BTreeMap<Identity, Inode>>,
}

impl Inodes {
    fn number(&self, identity: Identity, linked: bool) -> Inode {
        let fresh = || Inode(self.next.fetch_add(1, Ordering::Relaxed));
        if !linked {
            return fresh();
        }
        *self.linked.lock().unwrap_or_else(PoisonError::into_inner).entry(identity).or_insert_with(fresh)
    }
}

impl DirectoryView {
    /// Opens a directory as the root of a view; `owner` is who brings its files.
    ///
    /// # Errors
    /// It does not exist, is not a directory, or may not be entered.
    pub fn open(path: &Path, owner: &Owner) -> Result<Self, DirectoryError> {
        let flags = OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::RDONLY;
        let descriptor = rustix::fs::open(path, flags, Mode::empty())
            .map_err(|cause| DirectoryError { path: path.to_path_buf(), cause: cause.into() })?;
        let root = Arc::new(Root { descriptor, path: path.to_path_buf(), inodes: Inodes::default() });
        Ok(Self {
            root,
            owner: owner.clone(),
            include: Vec::new(),
            exclude: Vec::new(),
            entries: RwLock::default(),
        })
    }

    /// Shows only what matches one of `include` (all, where there are none) and none of `exclude`.
    #[must_use]
    pub fn filtered(self, include: Vec<Glob>, exclude: Vec<Glob>) -> Self {
        Self { include, exclude, ..self }
    }

    fn shows(&self, path: &TreePath) -> bool {
        let kernels = path.components().next().is_some_and(|first| KERNEL.contains(&first.as_bytes()));
        let included = self.include.is_empty()
            || self.include.iter().any(|glob| glob.matches(path) || glob.may_match_below(path));
        included
            && !(kernels && path.components().count() > 1)
            && !self.exclude.iter().any(|glob| glob.matches(path))
    }

    fn read(&self, path: &TreePath) -> Result<Option<Node>, ReadError> {
        if let Some(parent) = path.parent() {
            let directory = self.entry(&parent)?.is_some_and(|node| node.is_directory());
            if !directory || !self.shows(path) {
                return Ok(None);
            }
        }
        self.node(path).map_err(|cause| self.root.error(path, 0, 0, cause))
    }

    fn node(&self, path: &TreePath) -> io::Result<Option<Node>> {
        let stat = match self.root.stat(path) {
            Ok(stat) => stat,
            Err(Errno::NOENT | Errno::NOTDIR) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let kind = match FileType::from_raw_mode(stat.st_mode) {
            FileType::Directory => Kind::Directory,
            FileType::RegularFile => self.root.file(path, &stat)?,
            FileType::Symlink => Kind::Symlink { target: self.root.target(path)? },
            _ => return Ok(None),
        };
        let metadata = self.root.metadata(path, &stat, &kind)?;
        Ok(Some(Node { kind, metadata, owner: self.owner.clone() }))
    }
}

impl View for DirectoryView {
    fn entry(&self, path: &TreePath) -> Result<Option<Node>, ReadError> {
        if let Some(known) = self.entries.read().unwrap_or_else(PoisonError::into_inner).get(path) {
            return Ok(known.clone());
        }
        let found = self.read(path)?;
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        // Where two threads met a file at once, the first one's inode stands.
        Ok(entries.entry(path.clone()).or_insert(found).clone())
    }

    fn names(&self, path: &TreePath) -> Result<Vec<Name>, ReadError> {
        if !self.entry(path)?.is_some_and(|node| node.is_directory()) {
            return Ok(Vec::new());
        }
        let error = |cause: Errno| self.root.error(path, 0, 0, cause.into());
        let directory =
            beneath::open(&self.root.descriptor, path, OFlags::DIRECTORY | OFlags::RDONLY).map_err(error)?;
        let mut names = Vec::new();
        for entry in rustix::fs::Dir::read_from(&directory).map_err(error)? {
            let entry = entry.map_err(error)?;
            // "." and ".." are not names, and nothing else that a directory lists is refused.
            if let Ok(name) = Name::new(entry.file_name().to_bytes())
                && self.shows(&path.join(&name))
            {
                names.push(name);
            }
        }
        names.sort();
        Ok(names)
    }
}

impl Root {
    fn stat(&self, path: &TreePath) -> Result<Stat, Errno> {
        rustix::fs::statat(&self.descriptor, beneath::relative(path), AtFlags::SYMLINK_NOFOLLOW)
    }

    fn file(self: &Arc<Self>, path: &TreePath, stat: &Stat) -> io::Result<Kind> {
        let length = u64::try_from(stat.st_size).map_err(|_| io::Error::from(io::ErrorKind::InvalidData))?;
        let identity = Identity { device: stat.st_dev, inode: stat.st_ino };
        let source = OnDemand { root: Arc::clone(self), path: path.clone(), length, identity };
        let inode = self.inodes.number(identity, stat.st_nlink > 1);
        Ok(Kind::File { content: Blob::new(source).content(), inode })
    }

    fn target(&self, path: &TreePath) -> io::Result<LinkTarget> {
        let target = rustix::fs::readlinkat(&self.descriptor, beneath::relative(path), Vec::new())?;
        LinkTarget::new(target.as_bytes()).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
    }

    /// Mode, owner and time; and the capabilities of an executable, the only files that can have them.
    fn metadata(&self, path: &TreePath, stat: &Stat, kind: &Kind) -> io::Result<Metadata> {
        let mode = u16::try_from(stat.st_mode & 0o7777).expect("12 bits fit into 16");
        let mut xattrs = BTreeMap::new();
        if matches!(kind, Kind::File { .. })
            && mode & 0o111 != 0
            && let Some(value) = self.capability(path)?
        {
            xattrs.insert(Metadata::CAPABILITY.to_vec(), value);
        }
        let mode = if matches!(kind, Kind::Symlink { .. }) { 0o777 } else { mode };
        Ok(Metadata { mode, uid: stat.st_uid, gid: stat.st_gid, mtime: stat.st_mtime, xattrs })
    }

    fn capability(&self, path: &TreePath) -> io::Result<Option<Vec<u8>>> {
        // A capability is at most 24 bytes (struct vfs_ns_cap_data, linux/capability.h).
        let mut value = vec![0; 64];
        let name = c"security.capability";
        let file = self.path.join(beneath::relative(path));
        match rustix::fs::lgetxattr(&file, name, &mut value[..]) {
            Ok(length) => {
                value.truncate(length);
                Ok(Some(value))
            }
            // Not all file systems know attributes, and not all machines show them: then there are none.
            Err(Errno::NODATA | Errno::NOTSUP | Errno::NOENT) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn error(&self, path: &TreePath, offset: u64, length: u64, cause: io::Error) -> ReadError {
        ReadError {
            label: self.path.join(beneath::relative(path)).display().to_string(),
            offset,
            length,
            cause,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Identity {
    device: u64,
    inode: u64,
}

/// A file that is opened for each look, so that a tree of any size holds no descriptors.
struct OnDemand {
    root: Arc<Root>,
    path: TreePath,
    length: u64,
    identity: Identity,
}

impl OnDemand {
    /// Opens the file and makes sure that it is still the one that was seen.
    fn open(&self) -> io::Result<File> {
        let open = |flags| beneath::open(&self.root.descriptor, &self.path, flags);
        let descriptor = open(OFlags::RDONLY | OFlags::NOATIME).or_else(|error| match error {
            // Only the owner may leave the access time alone.
            Errno::PERM => open(OFlags::RDONLY),
            other => Err(other),
        })?;
        let stat = rustix::fs::fstat(&descriptor)?;
        let found = Identity { device: stat.st_dev, inode: stat.st_ino };
        if found != self.identity || u64::try_from(stat.st_size) != Ok(self.length) {
            return Err(io::Error::other(
                "the file was replaced or changed its length while it was being read",
            ));
        }
        Ok(File::from(descriptor))
    }
}

impl Source for OnDemand {
    fn length(&self) -> u64 {
        self.length
    }

    fn label(&self) -> String {
        self.root.path.join(beneath::relative(&self.path)).display().to_string()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let mut file = self.open()?;
        if offset == 0 {
            return file.read_exact(buffer);
        }
        std::os::unix::fs::FileExt::read_exact_at(&file, buffer, offset)
    }

    fn bytes(&self, range: Range<u64>) -> io::Result<Bytes> {
        bytes_of(&self.open()?, &range)
    }
}
