//! Reads whole small files of the sources: what distributions write down of users and packages. It refuses files
//! that are larger than they can rightly be, so that no source fills the memory.

use ocelet_tree::{Bytes, Node, ResolveError, TreePath, View, resolve};

use super::error::CloseError;

/// A file of the sources.
#[derive(Debug)]
pub(super) struct Text {
    /// Where it lies once all links are followed.
    pub(super) path: TreePath,
    /// What it is.
    pub(super) node: Node,
    /// Its bytes.
    pub(super) bytes: Bytes,
}

/// Reads the file that a path leads to; nothing where it leads to none.
///
/// # Errors
/// The file cannot be read, or has more than `limit` bytes.
pub(super) fn read(view: &dyn View, path: &str, limit: u64) -> Result<Option<Text>, CloseError> {
    let path = TreePath::new(path).expect("a plain path");
    let there = match resolve(view, &path) {
        Ok(there) => there,
        Err(ResolveError::Read(error)) => return Err(error.into()),
        Err(_) => return Ok(None),
    };
    let Some(content) = there.node.content() else { return Ok(None) };
    let size = content.length();
    if size > limit {
        return Err(CloseError::TooLarge { path: there.path, owner: there.node.owner, size, limit });
    }
    let bytes = content.bytes()?;
    Ok(Some(Text { path: there.path, bytes, node: there.node }))
}
