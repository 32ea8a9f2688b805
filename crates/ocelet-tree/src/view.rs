//! [`View`]: a look at files that someone else holds.
//!
//! What walks files — the closure above all — asks for one path at a time, so that a machine's whole root
//! file system never has to be read to find the forty files that one command needs. A view never follows a
//! symbolic link: that is what [`crate::resolve`] is for.

use crate::{Name, Node, ReadError, TreePath};

/// Files by path. Answers must not change while the view lives.
pub trait View: Sync {
    /// The entry at `path` itself, without following a symbolic link anywhere: a path whose parent is not a
    /// directory has no entry. The root is always a directory.
    ///
    /// # Errors
    /// The entry exists, but cannot be read.
    fn entry(&self, path: &TreePath) -> Result<Option<Node>, ReadError>;

    /// The names in the directory at `path`, in the order of their bytes; none where there is no directory.
    ///
    /// # Errors
    /// The directory exists, but cannot be read.
    fn names(&self, path: &TreePath) -> Result<Vec<Name>, ReadError>;
}
