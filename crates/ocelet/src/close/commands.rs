//! Commands on a search path: the one place that knows what a program is and where it is looked for.

use std::collections::BTreeSet;

use ocelet_tree::{Kind, Name, ReadError, ResolveError, TreePath, View, resolve};

/// Whether a path leads to a regular file with an execute bit.
///
/// # Errors
/// The view cannot be read; a path that leads nowhere is no program.
pub(crate) fn is_program(view: &dyn View, place: &TreePath) -> Result<bool, ReadError> {
    match resolve(view, place) {
        Ok(there) => {
            Ok(matches!(there.node.kind, Kind::File { .. }) && there.node.metadata.mode & 0o111 != 0)
        }
        Err(ResolveError::Read(error)) => Err(error),
        Err(_) => Ok(false),
    }
}

/// The first program of that name in the directories of a search path, as `execvp(3)` would find it.
///
/// # Errors
/// The view cannot be read.
pub(crate) fn find(view: &dyn View, path: &[TreePath], name: &str) -> Result<Option<TreePath>, ReadError> {
    let Ok(name) = Name::new(name) else { return Ok(None) };
    for directory in path {
        let place = directory.join(&name);
        if is_program(view, &place)? {
            return Ok(Some(place));
        }
    }
    Ok(None)
}

/// Everything in the directories of a search path, program or not, each once where links make two of them one.
///
/// # Errors
/// The view cannot be read.
pub(crate) fn everything(view: &dyn View, path: &[TreePath]) -> Result<BTreeSet<TreePath>, ReadError> {
    let mut places = BTreeSet::new();
    for directory in path {
        let directory = match resolve(view, directory) {
            Ok(there) => there.path,
            Err(ResolveError::Read(error)) => return Err(error),
            Err(_) => continue,
        };
        places.extend(view.names(&directory)?.into_iter().map(|name| directory.join(&name)));
    }
    Ok(places)
}
