//! [`DirectoryView`]: a directory of this machine as a view, read as it is asked for.
//!
//! It never follows a symbolic link, whatever the host has above an entry: each component of a path is
//! looked at, so that an absolute link inside a root does not lead out of it. What is neither directory, file
//! nor link does not exist for it.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::ops::Range;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use ocelet_tree::{
    Blob, Bytes, Inode, Kind, LinkTarget, Metadata, Name, Node, Owner, ReadError, Source, TreePath, View,
};

/// A directory of this machine.
#[derive(Debug)]
pub struct DirectoryView {
    root: PathBuf,
    owner: Owner,
    /// Directories that were seen to be directories, so that a deep path costs one look.
    directories: Mutex<BTreeMap<TreePath, bool>>,
}

impl DirectoryView {
    /// A view of the directory at `root`.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into(), owner: Owner::new("directory"), directories: Mutex::default() }
    }

    /// Where a path of the view is on this machine.
    pub fn on_host(&self, path: &TreePath) -> PathBuf {
        self.root.join(Path::new(std::ffi::OsStr::from_bytes(path.as_bytes())))
    }

    fn is_directory(&self, path: &TreePath) -> bool {
        if let Some(known) = self.directories.lock().expect("no holder panics").get(path) {
            return *known;
        }
        let above = path.parent().is_none_or(|parent| self.is_directory(&parent));
        let is = above && fs::symlink_metadata(self.on_host(path)).is_ok_and(|found| found.is_dir());
        self.directories.lock().expect("no holder panics").insert(path.clone(), is);
        is
    }

    fn error(&self, path: &TreePath, cause: io::Error) -> ReadError {
        ReadError { label: self.on_host(path).display().to_string(), offset: 0, length: 0, cause }
    }
}

impl View for DirectoryView {
    fn entry(&self, path: &TreePath) -> Result<Option<Node>, ReadError> {
        if !path.parent().is_none_or(|parent| self.is_directory(&parent)) {
            return Ok(None);
        }
        let place = self.on_host(path);
        let found = match fs::symlink_metadata(&place) {
            Ok(found) => found,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(self.error(path, error)),
        };
        let kind = if found.is_dir() {
            Kind::Directory
        } else if found.is_symlink() {
            let target = fs::read_link(&place).map_err(|error| self.error(path, error))?;
            let target = LinkTarget::new(target.into_os_string().into_vec()).expect("the kernel checked it");
            Kind::Symlink { target }
        } else if found.is_file() {
            let blob = Blob::new(OnDisk { path: place, length: found.len() });
            // Two devices may use one number: the device takes part.
            Kind::File { content: blob.content(), inode: Inode(found.ino() ^ found.dev().rotate_left(40)) }
        } else {
            return Ok(None);
        };
        let mode = u16::try_from(found.mode() & 0o7777).expect("12 bits");
        let metadata = Metadata {
            uid: found.uid(),
            gid: found.gid(),
            mtime: found.mtime(),
            ..Metadata::root_owned(mode)
        };
        Ok(Some(Node { kind, metadata, owner: self.owner.clone() }))
    }

    fn names(&self, path: &TreePath) -> Result<Vec<Name>, ReadError> {
        if !self.is_directory(path) {
            return Ok(Vec::new());
        }
        #[expect(clippy::disallowed_methods, reason = "the names are sorted below")]
        let entries = fs::read_dir(self.on_host(path)).map_err(|error| self.error(path, error))?;
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry.map_err(|error| self.error(path, error))?;
            names.push(Name::new(entry.file_name().as_bytes()).expect("the kernel gave a name"));
        }
        names.sort();
        Ok(names)
    }
}

/// A file that is read when it is wanted.
struct OnDisk {
    path: PathBuf,
    length: u64,
}

impl Source for OnDisk {
    fn length(&self) -> u64 {
        self.length
    }

    fn label(&self) -> String {
        self.path.display().to_string()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        fs::File::open(&self.path)?.read_exact_at(buffer, offset)
    }

    fn bytes(&self, range: Range<u64>) -> io::Result<Bytes> {
        let length = usize::try_from(range.end - range.start).map_err(io::Error::other)?;
        let mut bytes = vec![0; length];
        self.read_at(range.start, &mut bytes)?;
        Ok(Bytes::new(bytes))
    }
}
