//! Trees from lines of text: `/a/b` is a file with its path as content, `/a/b = text` one with that text,
//! `/a/` a directory, `/a -> b` a symbolic link; a `*` in front makes a file executable.

use ocelet_tree::{Content, LinkTarget, Metadata, Owner, Tree, TreePath};

/// A path, which must be one.
///
/// # Panics
/// Where the text is wrong.
pub fn path(text: &str) -> TreePath {
    TreePath::new(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// A tree from lines of text.
pub fn tree(lines: &[&str]) -> Tree {
    let mut tree = Tree::new();
    for line in lines {
        add(&mut tree, line);
    }
    tree
}

/// Adds what one line says.
///
/// # Panics
/// Where the text is wrong.
pub fn add(tree: &mut Tree, line: &str) {
    let owner = Owner::new("fixture");
    let (mode, line) = match line.strip_prefix('*') {
        Some(rest) => (0o755, rest),
        None => (0o644, line),
    };
    let metadata = Metadata::root_owned(mode);
    let done = if let Some((link, target)) = line.split_once(" -> ") {
        let target = LinkTarget::new(target).unwrap_or_else(|error| panic!("{line}: {error}"));
        tree.add_symlink(&path(link), target, metadata, &owner)
    } else if line.ends_with('/') {
        tree.add_directory(&path(line), Metadata::root_owned(0o755), &owner)
    } else {
        let (at, text) = line.split_once(" = ").unwrap_or((line, line));
        let content = Content::from_bytes(at, text.replace("\\n", "\n").into_bytes());
        tree.add_file(&path(at), content, metadata, &owner)
    };
    done.unwrap_or_else(|error| panic!("{line}: {error}"));
}

/// Adds an executable file with these bytes.
///
/// # Panics
/// Where the path is none, or taken.
pub fn add_bytes(tree: &mut Tree, at: &str, bytes: Vec<u8>) {
    let content = Content::from_bytes(at, bytes);
    let done = tree.add_file(&path(at), content, Metadata::root_owned(0o755), &Owner::new("fixture"));
    done.unwrap_or_else(|error| panic!("{at}: {error}"));
}
