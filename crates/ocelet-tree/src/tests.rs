//! What the tests of several modules share: trees from lines of text, and trees as lines of text.

mod round_trip;
mod tools;
mod traps;

use std::collections::BTreeMap;

use crate::{Content, Inode, Kind, LinkTarget, Metadata, Owner, Tree, TreePath};

pub(crate) fn path(text: impl AsRef<[u8]>) -> TreePath {
    TreePath::new(text).expect("a path in a test")
}

/// A tree from lines: `dir/`, `file`, `file=content`, `link -> target`, `name == first name`, each with ` mode`
/// in octal and ` uid` behind it, if they matter.
pub(crate) fn tree(owner: &str, lines: &[&str]) -> Tree {
    let owner = Owner::new(owner);
    let mut tree = Tree::new();
    for line in lines {
        let (line, mode, uid) = numbers(line);
        let meta = |default| Metadata { uid, ..Metadata::root_owned(mode.unwrap_or(default)) };
        let added = if let Some((link, target)) = line.split_once(" -> ") {
            tree.add_symlink(&path(link), LinkTarget::new(target).expect("a target"), meta(0o777), &owner)
        } else if let Some((name, first)) = line.split_once(" == ") {
            tree.add_hard_link(&path(name), &path(first), &owner)
        } else if line.ends_with('/') {
            tree.add_directory(&path(line), meta(0o755), &owner)
        } else {
            let (name, content) = line.split_once('=').unwrap_or((line, line));
            let content = Content::from_bytes(name, content.as_bytes().to_vec());
            tree.add_file(&path(name), content, meta(0o644), &owner)
        };
        added.expect(line);
    }
    tree
}

fn numbers(line: &str) -> (&str, Option<u16>, u32) {
    let mut words = line.rsplitn(3, ' ');
    let (last, middle, rest) = (words.next(), words.next(), words.next());
    if let (Some(uid), Some(mode), Some(rest)) = (last, middle, rest)
        && let (Ok(uid), Ok(mode)) = (uid.parse(), u16::from_str_radix(mode, 8))
    {
        return (rest, Some(mode), uid);
    }
    (line, None, 0)
}

/// A tree as lines, with all that an archive keeps of it. Implicit directories are marked with `?`.
pub(crate) fn listing(tree: &Tree) -> Vec<String> {
    let mut first: BTreeMap<Inode, &TreePath> = BTreeMap::new();
    let mut lines = Vec::new();
    for (path, node) in tree.iter() {
        let what = match &node.kind {
            Kind::Directory if tree.is_implicit(path) => "/?".to_owned(),
            Kind::Directory => "/".to_owned(),
            Kind::Symlink { target } => format!(" -> {target}"),
            Kind::File { content, inode } => match first.get(inode) {
                Some(first) => format!(" == {first}"),
                None => {
                    first.insert(*inode, path);
                    format!("={}", content.bytes().expect("in memory").escape_ascii())
                }
            },
        };
        let Metadata { mode, uid, gid, mtime, xattrs } = &node.metadata;
        let mut line = format!("{path}{what} {mode:o} {uid}:{gid} {mtime}");
        for (name, value) in xattrs {
            line += &format!(" {}={}", name.escape_ascii(), value.escape_ascii());
        }
        lines.push(line);
    }
    lines
}

/// A tree as lines, without times, owners and modes.
pub(crate) fn names(tree: &Tree) -> Vec<String> {
    listing(tree).iter().map(|line| line.rsplitn(4, ' ').last().unwrap_or_default().to_owned()).collect()
}

/// An error with all its causes.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
