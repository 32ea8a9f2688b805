//! A finished image as files again: all its layers applied.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;

use ocelet_tree::tar_out::{self, WriteError};
use ocelet_tree::{Content, Kind, Tree, TreePath};

use super::reference::FinishedImage;
use crate::exit::ExitClass;
use crate::host::{Host, LaidOut, LayOutError, lay_out};
use crate::unpack::{self, UnpackError};

/// Why a root file system cannot be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FlattenError {
    /// A layer is damaged.
    #[error(transparent)]
    Unpack(#[from] UnpackError),
    /// The archive cannot be written.
    #[error("cannot write the root file system")]
    Write(#[from] WriteError),
    /// The directory cannot be written.
    #[error(transparent)]
    LayOut(#[from] LayOutError),
}

impl FlattenError {
    /// What kind of end it is.
    pub fn class(&self) -> ExitClass {
        match self {
            Self::Unpack(error) => error.class(),
            Self::LayOut(LayOutError::Occupied { .. } | LayOutError::NoName { .. }) => ExitClass::Usage,
            Self::Write(_) | Self::LayOut(_) => ExitClass::Failed,
        }
    }
}

/// Writes the files of an image as one tar archive: what a container would see before it starts.
///
/// # Errors
/// A layer is damaged, or the archive cannot be written.
pub fn rootfs(
    image: &FinishedImage,
    path: &Path,
    sink: impl Write,
    host: &Host<'_>,
) -> Result<(), FlattenError> {
    let tree = tree(image, path, host)?;
    tar_out::write_tree(&tree, sink)?;
    Ok(())
}

/// Writes the files of an image into the directory `to`, which does not exist yet or is empty: what runc and crun take for
/// the root of a container.
///
/// # Errors
/// A layer is damaged, or the directory cannot be written; then it is not there.
pub fn unpack(
    image: &FinishedImage,
    path: &Path,
    to: &Path,
    host: &Host<'_>,
) -> Result<LaidOut, FlattenError> {
    Ok(lay_out(&tree(image, path, host)?, to)?)
}

/// What the files of a tree hold, each once however many names it has, by the first of them.
pub(crate) fn contents(tree: &Tree) -> impl Iterator<Item = (&TreePath, &Content)> {
    let mut seen = BTreeSet::new();
    tree.iter().filter_map(move |(path, node)| match &node.kind {
        Kind::File { content, inode } if seen.insert(*inode) => Some((path, content)),
        Kind::File { .. } | Kind::Directory | Kind::Symlink { .. } => None,
    })
}

/// The files of an image, with the layers of `path` proved as they are read.
pub(crate) fn tree(image: &FinishedImage, path: &Path, host: &Host<'_>) -> Result<Tree, UnpackError> {
    unpack::flatten("image", path, &image.image.layers, host)
}
