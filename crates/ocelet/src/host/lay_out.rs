//! [`lay_out`]: a tree as files of the machine, for what starts them in place, such as runc and crun.
//!
//! The files appear whole or not at all: they are written into a directory beside the target, which takes its name when all is
//! done. Each is made new in a directory that is opened without following any link, so nothing is ever written outside, and
//! nothing that exists is changed. A target that holds something is refused.
//!
//! Only root gives files away. Laid out by anybody else they belong to whoever does it, and then without set-user-id,
//! set-group-id and capabilities: programs that are to run as root must not run as somebody else instead.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use ocelet_tree::{Content, Inode, Kind, LinkTarget, Metadata, Name, ReadError, Tree, TreePath};
use rustix::fs::{AtFlags, Gid, Mode, OFlags, Timespec, Timestamps, Uid, XattrFlags};
use rustix::io::Errno;

use super::beneath;

#[cfg(test)]
mod tests;

/// How many bytes are copied at a time.
const CHUNK: u64 = 1 << 20;
/// The bits that lend a program or a directory's files to its owner or its group: set-user-id and set-group-id (inode(7)).
const LENT: u16 = 0o6000;

/// What was laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LaidOut {
    /// How many files, directories and links there are, the root not counted.
    pub entries: usize,
    /// How many of them, the root counted, belong to whoever laid them out instead of their owner, or lack a capability;
    /// a file with several names counts once. None where root laid them out.
    pub not_given: usize,
}

/// Why a tree cannot be laid out.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LayOutError {
    /// Something is there already.
    #[error("cannot lay files out in {}: it is there and is not an empty directory; remove it, or name another place", .path.display())]
    Occupied {
        /// The target.
        path: PathBuf,
    },
    /// A target without a name of its own, such as `/` or `..`.
    #[error("cannot lay files out in \"{}\": it does not end with the name of a directory to be made", .path.display())]
    NoName {
        /// The target.
        path: PathBuf,
    },
    /// The target cannot be looked at or made.
    #[error("cannot make the directory {}", .path.display())]
    Place {
        /// The target.
        path: PathBuf,
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// A file cannot be written.
    #[error("cannot write {path} of the tree that is to become {}", .to.display())]
    Write {
        /// The target.
        to: PathBuf,
        /// The path in the tree.
        path: TreePath,
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// The bytes of a file cannot be had.
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// Writes a tree into the directory `to`, which does not exist yet or is empty. Parents are not made.
///
/// # Errors
/// See [`LayOutError`]; then nothing is left behind.
pub fn lay_out(tree: &Tree, to: &Path) -> Result<LaidOut, LayOutError> {
    let occupied = || LayOutError::Occupied { path: to.to_path_buf() };
    let place = |cause| LayOutError::Place { path: to.to_path_buf(), cause };
    let name = to.file_name().ok_or_else(|| LayOutError::NoName { path: to.to_path_buf() })?;
    let beside = to.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let to = beside.join(name);
    if !is_free(&to).map_err(place)? {
        return Err(occupied());
    }
    let temporary = tempfile::Builder::new().prefix(".ocelet-").tempdir_in(beside).map_err(place)?;
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let root =
        rustix::fs::open(temporary.path(), flags, Mode::empty()).map_err(|cause| place(cause.into()))?;
    let mut writer = Writer::new(root, &to);
    // A name takes the place of an empty directory, and of nothing else (rename(2)).
    let done = writer.write(tree).and_then(|()| match std::fs::rename(temporary.path(), &to) {
        Ok(()) => Ok(()),
        Err(error) => Err(match Errno::from_io_error(&error) {
            Some(Errno::NOTEMPTY | Errno::EXIST | Errno::NOTDIR) => occupied(),
            _ => place(error),
        }),
    });
    if let Err(error) = done {
        writer.unlock();
        return Err(error);
    }
    let _ = temporary.keep();
    Ok(LaidOut { entries: tree.len(), not_given: writer.not_given })
}

/// Whether a directory can be made there, or an empty one is there.
fn is_free(path: &Path) -> io::Result<bool> {
    match std::fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_dir() => {
            #[expect(
                clippy::disallowed_methods,
                reason = "whether there is any entry does not depend on their order"
            )]
            let mut entries = std::fs::read_dir(path)?;
            Ok(entries.next().is_none())
        }
        Ok(_) => Ok(false),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(error) => Err(error),
    }
}

/// Writes into a directory that nobody else knows.
struct Writer<'run> {
    root: OwnedFd,
    /// What the directory will be called, for errors.
    to: &'run Path,
    /// Who writes, where that is not root.
    plain: Option<(u32, u32)>,
    /// The first name of each file.
    files: BTreeMap<Inode, TreePath>,
    /// The directories that were made, parents before what is in them.
    directories: Vec<TreePath>,
    /// The directory that was written into last.
    open: Option<(TreePath, Rc<OwnedFd>)>,
    buffer: Vec<u8>,
    not_given: usize,
}

/// What of its owner and capabilities an entry gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Given {
    /// Everything: root lays it out.
    All,
    /// It belongs to whoever lays it out anyway; capabilities only root can give.
    Owned,
    /// It stays with whoever lays it out.
    Kept,
}

impl<'run> Writer<'run> {
    fn new(root: OwnedFd, to: &'run Path) -> Self {
        let (user, group) = (rustix::process::geteuid(), rustix::process::getegid());
        let plain = (!user.is_root()).then(|| (user.as_raw(), group.as_raw()));
        let (files, directories, buffer) = (BTreeMap::new(), Vec::new(), Vec::new());
        Self { root, to, plain, files, directories, open: None, buffer, not_given: 0 }
    }

    fn error(&self, path: &TreePath, cause: impl Into<io::Error>) -> LayOutError {
        LayOutError::Write { to: self.to.to_path_buf(), path: path.clone(), cause: cause.into() }
    }

    /// Everything, and then what directories are like: before that a directory that may not be written to could not be filled,
    /// and its time would not last. A tree has parents before children, and no children of anything but directories.
    fn write(&mut self, tree: &Tree) -> Result<(), LayOutError> {
        for (path, node) in tree.iter() {
            match &node.kind {
                Kind::Directory => self.directory(path).map_err(|cause| self.error(path, cause))?,
                Kind::File { content, inode } => self.file(path, content, *inode, &node.metadata)?,
                Kind::Symlink { target } => {
                    self.link(path, target, &node.metadata).map_err(|cause| self.error(path, cause))?;
                }
            }
        }
        self.open = None;
        for path in self.directories.clone().iter().rev().chain([&TreePath::root()]) {
            if let Some(node) = tree.get(path) {
                self.finish(path, &node.metadata).map_err(|cause| self.error(path, cause))?;
            }
        }
        // All of it reaches the disk before the name does: after a power cut there is the whole tree, or none.
        rustix::fs::syncfs(&self.root).map_err(|cause| self.error(&TreePath::root(), cause))
    }

    /// The directory that `path` lies in, opened, and the name there.
    fn place(&mut self, path: &TreePath) -> Result<(Rc<OwnedFd>, Name), Errno> {
        // The root has neither; it is never made.
        let (Some(above), Some(name)) = (path.parent(), path.components().last()) else {
            return Err(Errno::INVAL);
        };
        if let Some((open, descriptor)) = &self.open
            && *open == above
        {
            return Ok((Rc::clone(descriptor), name));
        }
        let descriptor = Rc::new(beneath::open(&self.root, &above, OFlags::PATH | OFlags::DIRECTORY)?);
        self.open = Some((above, Rc::clone(&descriptor)));
        Ok((descriptor, name))
    }

    fn directory(&mut self, path: &TreePath) -> Result<(), Errno> {
        let (above, name) = self.place(path)?;
        rustix::fs::mkdirat(&above, name.as_bytes(), Mode::RWXU)?;
        self.directories.push(path.clone());
        Ok(())
    }

    fn link(&mut self, path: &TreePath, target: &LinkTarget, metadata: &Metadata) -> Result<(), Errno> {
        let (above, name) = self.place(path)?;
        rustix::fs::symlinkat(target.as_bytes(), &above, name.as_bytes())?;
        let (name, itself) = (name.as_bytes(), AtFlags::SYMLINK_NOFOLLOW);
        if self.given(metadata) == Given::All {
            let (user, group) = (Uid::from_raw(metadata.uid), Gid::from_raw(metadata.gid));
            rustix::fs::chownat(&above, name, Some(user), Some(group), itself)?;
        }
        rustix::fs::utimensat(&above, name, &times(metadata), itself)
    }

    fn file(
        &mut self,
        path: &TreePath,
        content: &Content,
        inode: Inode,
        metadata: &Metadata,
    ) -> Result<(), LayOutError> {
        let (above, name) = self.place(path).map_err(|cause| self.error(path, cause))?;
        if let Some(first) = self.files.get(&inode) {
            let linked =
                beneath::open(&self.root, &first.parent().unwrap_or_else(TreePath::root), OFlags::PATH)
                    .and_then(|from| {
                        let first = first.components().last().ok_or(Errno::INVAL)?;
                        rustix::fs::linkat(from, first.as_bytes(), &above, name.as_bytes(), AtFlags::empty())
                    });
            return linked.map_err(|cause| self.error(path, cause));
        }
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let opened = rustix::fs::openat(&above, name.as_bytes(), flags, Mode::RUSR | Mode::WUSR);
        let mut file = File::from(opened.map_err(|cause| self.error(path, cause))?);
        self.copy(path, content, &mut file)?;
        self.describe(&file, metadata).map_err(|cause| self.error(path, cause))?;
        self.files.insert(inode, path.clone());
        Ok(())
    }

    fn copy(&mut self, path: &TreePath, content: &Content, file: &mut File) -> Result<(), LayOutError> {
        let mut offset = 0;
        while offset < content.length() {
            let length = CHUNK.min(content.length() - offset);
            self.buffer.resize(usize::try_from(length).expect("a chunk fits into memory"), 0);
            content.read_at(offset, &mut self.buffer)?;
            file.write_all(&self.buffer).map_err(|cause| self.error(path, cause))?;
            offset += length;
        }
        Ok(())
    }

    /// What a directory is like, when everything is in it.
    fn finish(&mut self, path: &TreePath, metadata: &Metadata) -> Result<(), Errno> {
        let directory = beneath::open(&self.root, path, OFlags::RDONLY | OFlags::DIRECTORY)?;
        self.describe(directory, metadata)
    }

    /// Owner, capabilities, mode and time, in this order: a new owner takes the capabilities and the set-user-id bit away
    /// (chown(2)).
    fn describe(&mut self, file: impl AsFd, metadata: &Metadata) -> Result<(), Errno> {
        let file = file.as_fd();
        let mut mode = metadata.mode;
        match self.given(metadata) {
            Given::All => {
                let (user, group) = (Uid::from_raw(metadata.uid), Gid::from_raw(metadata.gid));
                rustix::fs::fchown(file, Some(user), Some(group))?;
                for (name, value) in &metadata.xattrs {
                    rustix::fs::fsetxattr(file, name.as_slice(), value, XattrFlags::empty())?;
                }
            }
            Given::Owned => {}
            Given::Kept => mode &= !LENT,
        }
        rustix::fs::fchmod(file, Mode::from_raw_mode(mode.into()))?;
        rustix::fs::futimens(file, &times(metadata))
    }

    /// What of its owner and capabilities an entry gets; counts where that is not all.
    fn given(&mut self, metadata: &Metadata) -> Given {
        let Some(own) = self.plain else { return Given::All };
        let given = if own == (metadata.uid, metadata.gid) { Given::Owned } else { Given::Kept };
        self.not_given += usize::from(given == Given::Kept || !metadata.xattrs.is_empty());
        given
    }

    /// Lets the directories be emptied again: whoever is not root cannot remove what is in a directory of mode 0555. What
    /// cannot be changed is left to the removal, which nobody hears of either.
    fn unlock(&self) {
        let _ = rustix::fs::fchmod(&self.root, Mode::RWXU);
        for path in &self.directories {
            let above = path.parent().unwrap_or_else(TreePath::root);
            if let (Ok(above), Some(name)) =
                (beneath::open(&self.root, &above, OFlags::PATH), path.components().last())
            {
                let _ = rustix::fs::chmodat(above, name.as_bytes(), Mode::RWXU, AtFlags::empty());
            }
        }
    }
}

fn times(metadata: &Metadata) -> Timestamps {
    let time = Timespec { tv_sec: metadata.mtime, tv_nsec: 0 };
    Timestamps { last_access: time, last_modification: time }
}
