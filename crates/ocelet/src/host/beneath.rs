//! Opening beneath a directory: whatever a path says, it never leads outside, and no link on the way is followed.
//!
//! `openat2(2)` with `RESOLVE_BENEATH` and `RESOLVE_NO_SYMLINKS`; component by component where the kernel lacks it (before
//! 5.6) or a sandbox hides it.

use std::ffi::OsStr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use ocelet_tree::{Name, TreePath};
use rustix::fs::{Mode, OFlags, ResolveFlags};
use rustix::io::Errno;

/// The path as the system takes it, seen from the root of the tree.
pub(super) fn relative(path: &TreePath) -> &Path {
    if path.is_root() { Path::new(".") } else { Path::new(OsStr::from_bytes(path.as_bytes())) }
}

/// Opens `path` beneath `root` without following links.
pub(super) fn open(root: impl AsFd, path: &TreePath, flags: OFlags) -> Result<OwnedFd, Errno> {
    let (root, flags) = (root.as_fd(), flags | OFlags::CLOEXEC | OFlags::NOFOLLOW);
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
    match rustix::fs::openat2(root, relative(path), flags, Mode::empty(), resolve) {
        Err(Errno::NOSYS | Errno::PERM) => open_stepwise(root, path, flags),
        other => other,
    }
}

/// The same, one directory after the other.
pub(super) fn open_stepwise(root: BorrowedFd<'_>, path: &TreePath, flags: OFlags) -> Result<OwnedFd, Errno> {
    let step = OFlags::DIRECTORY | OFlags::PATH | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let mut directory = rustix::fs::openat(root, ".", step, Mode::empty())?;
    let names: Vec<Name> = path.components().collect();
    let Some((last, above)) = names.split_last() else {
        return rustix::fs::openat(&directory, ".", flags, Mode::empty());
    };
    for name in above {
        directory = rustix::fs::openat(&directory, name.as_bytes(), step, Mode::empty())?;
    }
    rustix::fs::openat(&directory, last.as_bytes(), flags, Mode::empty())
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::Read;

    use super::*;

    /// Where the kernel has no `openat2`, each step is taken alone, and no link is followed either.
    #[test]
    fn opening_step_by_step_follows_no_link() {
        let place = tempfile::tempdir().expect("a directory");
        let lines = "/a/b/file = inside\n/a/link -> b\n/a/b/filelink -> file\n/top = top";
        ocelet_testkit::rootfs::write_directory(&ocelet_testkit::rootfs::tree(lines), place.path(), false);
        let root = rustix::fs::open(place.path(), OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty());
        let root = root.expect("it is there");
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        for (path, want) in [
            ("/a/b/file", Some("inside")),
            ("/top", Some("top")),
            ("/a/link/file", None),
            ("/a/b/filelink", None),
            ("/top/x", None),
            ("/none", None),
        ] {
            let path = TreePath::new(path).expect("a path");
            for opened in [open_stepwise(root.as_fd(), &path, flags), open(&root, &path, OFlags::RDONLY)] {
                let text = opened.ok().map(|descriptor| {
                    let mut text = String::new();
                    File::from(descriptor).read_to_string(&mut text).expect("readable");
                    text
                });
                assert_eq!(text.as_deref(), want, "{path}");
            }
        }
        let directory = open_stepwise(root.as_fd(), &TreePath::root(), flags | OFlags::DIRECTORY);
        assert!(rustix::fs::Dir::read_from(directory.expect("the root itself")).is_ok());
    }
}
