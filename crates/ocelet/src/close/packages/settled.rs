//! [`Settled`]: where the files of a package lie in the sources' view: where links above them lead, as `/lib` does
//! where `/usr` is merged. What another source replaced is not the package's any more.

use std::collections::BTreeMap;

use ocelet_tree::{Owner, ResolveError, TreePath, View, lookup, resolve};

use super::CloseError;

/// What a record says of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Listed {
    /// It is a directory.
    Directory,
    /// It is a file or a link.
    File,
    /// It does not say, as in dpkg's lists.
    Either,
}

/// The places of one package, by the paths that its record has.
#[derive(Debug, Clone, Default)]
pub(super) struct Settled {
    directories: BTreeMap<TreePath, TreePath>,
    files: BTreeMap<TreePath, TreePath>,
}

impl Settled {
    /// Looks up every path of a record; `is_mine` says whose files are the package's.
    ///
    /// # Errors
    /// The view cannot be read.
    pub(super) fn of(
        paths: impl IntoIterator<Item = (TreePath, Listed)>,
        view: &dyn View,
        is_mine: &dyn Fn(&Owner) -> bool,
    ) -> Result<Self, CloseError> {
        let mut settled = Self::default();
        for (path, listed) in paths {
            if listed != Listed::Directory {
                match lookup(view, &path) {
                    Ok(there) if !there.node.is_directory() && is_mine(&there.node.owner) => {
                        settled.files.insert(path, there.path);
                        continue;
                    }
                    Err(ResolveError::Read(error)) => return Err(error.into()),
                    Ok(_) | Err(_) => {}
                }
            }
            if listed != Listed::File {
                match resolve(view, &path) {
                    Ok(there) if there.node.is_directory() => {
                        settled.directories.insert(path, there.path);
                    }
                    Err(ResolveError::Read(error)) => return Err(error.into()),
                    Ok(_) | Err(_) => {}
                }
            }
        }
        Ok(settled)
    }

    /// The places of its files and links.
    pub(super) fn files(&self) -> impl Iterator<Item = &TreePath> {
        self.files.values()
    }

    /// The place of one of its files or directories.
    pub(super) fn place(&self, path: &TreePath) -> Option<&TreePath> {
        self.files.get(path).or_else(|| self.directories.get(path))
    }
}
