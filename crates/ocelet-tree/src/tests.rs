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
            Kind::File { content, inode } => {
                let first = *first.entry(*inode).or_insert(path);
                let content = || content.bytes().expect("in memory").escape_ascii().to_string();
                if first == path { format!("={}", content()) } else { format!(" == {first}") }
            }
        };
        let Metadata { mode, uid, gid, mtime, xattrs } = &node.metadata;
        let mut line = format!("{path}{what} {mode:o} {uid}:{gid} {mtime}");
        for (name, value) in xattrs {
            line = format!("{line} {}={}", name.escape_ascii(), value.escape_ascii());
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

/// A header block as it stands, and what follows it.
pub(crate) struct RawHeader {
    pub(crate) block: [u8; 512],
    pub(crate) flag: u8,
    pub(crate) name: String,
    pub(crate) prefix: String,
    pub(crate) link: String,
    pub(crate) body: Vec<u8>,
}

/// The header blocks of an archive that this crate wrote: read without this crate's reader, and only what must be
/// there: the magic of ustar, octal sizes, two closing blocks.
pub(crate) fn raw_headers(archive: &[u8]) -> Vec<RawHeader> {
    let mut headers = Vec::new();
    let mut at = 0;
    while archive[at] != 0 {
        let block: [u8; 512] = archive[at..at + 512].try_into().expect("a block");
        assert_eq!(&block[257..265], b"ustar\x0000", "the magic and version of ustar");
        let text = |range: std::ops::Range<usize>| {
            block[range].split(|byte| *byte == 0).next().unwrap_or_default().escape_ascii().to_string()
        };
        let size = usize::from_str_radix(&text(124..136), 8).expect("octal");
        headers.push(RawHeader {
            block,
            flag: block[156],
            name: text(0..100),
            prefix: text(345..500),
            link: text(157..257),
            body: archive[at + 512..at + 512 + size].to_vec(),
        });
        at += 512 + size.next_multiple_of(512);
    }
    assert_eq!(&archive[at..], [0; 1024], "the closing blocks");
    headers
}
