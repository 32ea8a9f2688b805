//! What comes out, to the byte, and what does not.

use std::ops::Range;

use super::*;
use crate::tests::{RawHeader, chain, path, raw_headers, tree};
use crate::{Blob, Bytes, LinkTarget, Owner, Source};

fn written(tree: &Tree) -> Vec<u8> {
    let mut archive = Vec::new();
    let counted = write_tree(tree, &mut archive).expect("writes to memory");
    assert_eq!((counted.bytes, counted.entries), (archive.len() as u64, tree.len() as u64));
    archive
}

/// Name and type of each header block, and the records of PAX headers.
fn headers(archive: &[u8]) -> Vec<String> {
    let line = |raw: &RawHeader| match raw.flag {
        b'x' => format!("x {} {}", raw.name, raw.body.escape_ascii()),
        flag => format!("{} {}|{} {}", flag.escape_ascii(), raw.prefix, raw.name, raw.link),
    };
    raw_headers(archive).iter().map(line).collect()
}

#[test]
fn only_what_does_not_fit_goes_to_a_pax_header() {
    let name = |length: usize| "n".repeat(length);
    let deep = format!("{}/{}", name(150), name(100));
    let deeper = format!("{}/{}", name(160), name(20));
    for (lines, want) in [
        (vec!["a/", "a/f=1 644 2097151"], vec!["5 |a/ ".to_owned(), "0 |a/f ".to_owned()]),
        (vec!["f=1 644 2097152"], vec!["x ././@PaxHeader 15 uid=2097152\\n".to_owned(), "0 |f ".to_owned()]),
        (vec!["l -> ../x"], vec!["2 |l ../x".to_owned()]),
        (vec!["f", "g == f"], vec!["0 |f ".to_owned(), "1 |g f".to_owned()]),
        (
            vec![&deep],
            vec![
                format!("x ././@PaxHeader 161 path={}/\\n", name(150)),
                format!("5 |{} ", name(100)),
                format!("0 {}|{} ", name(150), name(100)),
            ],
        ),
        (
            vec![&deeper],
            vec![
                format!("x ././@PaxHeader 171 path={}/\\n", name(160)),
                format!("5 |{} ", name(100)),
                format!("x ././@PaxHeader 191 path={deeper}\\n"),
                format!("0 |{} ", name(100)),
            ],
        ),
    ] {
        assert_eq!(headers(&written(&tree("test", &lines))), want, "{lines:?}");
    }
    let mut far = Tree::new();
    let target = LinkTarget::new(name(101)).expect("a target");
    far.add_symlink(&path("l"), target, Metadata::root_owned(0), &Owner::new("test")).expect("empty");
    let want = [format!("x ././@PaxHeader 115 linkpath={}\\n", name(101)), format!("2 |l {}", name(100))];
    assert_eq!(headers(&written(&far)), want);
}

#[test]
fn records_are_sorted_and_times_are_whole() {
    for (mtime, want) in [
        (0o77_777_777_777, None),
        (0o100_000_000_000, Some("20 mtime=8589934592\\n")),
        (-1, Some("12 mtime=-1\\n")),
    ] {
        let mut tree = tree("test", &["f"]);
        tree.metadata_mut(&path("f")).expect("there").mtime = mtime;
        let want: Vec<String> = want
            .map(|want| format!("x ././@PaxHeader {want}"))
            .into_iter()
            .chain(["0 |f ".to_owned()])
            .collect();
        assert_eq!(headers(&written(&tree)), want, "{mtime}");
    }
    let mut tree = tree("test", &["f=1 644 3000000"]);
    let metadata = tree.metadata_mut(&path("f")).expect("there");
    metadata.gid = 3_000_001;
    metadata.mtime = -5;
    metadata.xattrs.insert(Metadata::CAPABILITY.to_vec(), b"\n=\0\xff".to_vec());
    let want = "x ././@PaxHeader 15 gid=3000001\\n12 mtime=-5\\n15 uid=3000000\\n\
                41 SCHILY.xattr.security.capability=\\n=\\x00\\xff\\n";
    assert_eq!(headers(&written(&tree))[0], want);
}

#[test]
fn the_size_of_an_entry_is_known_before() {
    let deep = format!("{}/{}", "n".repeat(160), "n".repeat(20));
    let content = format!("big={}", "x".repeat(1025));
    let full = format!("full={}", "x".repeat(1024));
    let tree = tree("test", &[&deep, &content, &full, "empty=", "l -> x", "z == big"]);
    let mut first: BTreeMap<Inode, TreePath> = BTreeMap::new();
    let mut sum = END_SIZE;
    for (path, node) in tree.iter() {
        let link = node.inode().and_then(|inode| first.get(&inode));
        sum += entry_size(path, node, link);
        if let Some(inode) = node.inode() {
            first.entry(inode).or_insert_with(|| path.clone());
        }
    }
    assert_eq!(sum, written(&tree).len() as u64);
}

#[test]
fn the_order_of_making_a_tree_leaves_no_trace() {
    let mut lines = ["a/ 700 1", "a/b/", "a/b/c=1", "a-b=2", "a/z -> b", "d/e/f=3", "d/ 750 3"];
    let want = written(&tree("test", &lines));
    for _ in 0..lines.len() {
        lines.rotate_left(1);
        assert_eq!(written(&tree("test", &lines)), want, "{lines:?}");
        let mut backwards = lines;
        backwards.reverse();
        assert_eq!(written(&tree("test", &backwards)), want, "{backwards:?}");
    }
}

#[test]
fn entries_that_cannot_be_written() {
    let all = tree("test", &["a/", "a/b", "a/c", "f=1", "g == f"]);
    let node = |at: &str| all.get(&path(at)).expect("there");
    let other_mode = || {
        let mut node = node("g").clone();
        node.metadata.mode = 0o600;
        node
    };
    let named = |name: &[u8], value: &[u8]| {
        let mut node = node("f").clone();
        node.metadata.xattrs.insert(name.to_vec(), value.to_vec());
        node
    };
    for (what, entries, want) in [
        ("backwards", vec![("f", node("f").clone()), ("a", node("a").clone())], "/a comes after /f"),
        ("twice", vec![("f", node("f").clone()), ("f", node("f").clone())], "/f comes after /f"),
        ("no parent", vec![("a/b", node("a/b").clone())], "/a/b has no entry for the directory above"),
        ("below a file", vec![("a", node("f").clone()), ("a/b", node("a/b").clone())], "/a/b has no entry"),
        ("the root", vec![("", node("a").clone())], "the root directory is no entry"),
        ("a whiteout", vec![(".wh.f", node("f").clone())], "reserve for deletions"),
        (
            "another mode",
            vec![("f", node("f").clone()), ("g", other_mode())],
            "/g and /f are one file, but differ",
        ),
        ("an attribute", vec![("f", named(b"user.a=b", b"x"))], "which PAX cannot hold"),
        ("an attribute without value", vec![("f", named(b"user.a", b""))], "which PAX cannot hold"),
        ("an attribute without name", vec![("f", named(b"", b"x"))], "which PAX cannot hold"),
    ] {
        let mut writer = TarWriter::new(Vec::new());
        let done = entries.iter().try_for_each(|(at, node)| writer.append(&path(at), node));
        let said = chain(&done.expect_err(what));
        assert!(said.contains(want), "{what}: {said}");
        assert!(matches!(writer.append(&path("z"), node("f")), Err(WriteError::Broken)), "{what}");
        assert!(matches!(writer.finish(), Err(WriteError::Broken)), "{what}");
    }
}

/// A source that promises more than it has.
struct Short;

impl Source for Short {
    fn length(&self) -> u64 {
        300_000
    }

    fn label(&self) -> String {
        "short".to_owned()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        if offset + buffer.len() as u64 > 299_999 { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(()) }
    }

    fn bytes(&self, _: Range<u64>) -> io::Result<Bytes> {
        panic!("a file is copied through a buffer, never mapped as a whole")
    }
}

#[test]
fn a_file_that_is_shorter_than_it_says_is_no_archive() {
    let mut tree = Tree::new();
    let content = Blob::new(Short).content();
    tree.add_file(&path("f"), content, Metadata::root_owned(0o644), &Owner::new("test")).expect("empty");
    let error = write_tree(&tree, io::sink()).expect_err("one byte is missing");
    assert_eq!(
        chain(&error),
        "the content of /f cannot be written: cannot read 37856 bytes at offset 262144 of short: unexpected end of file"
    );
}

#[test]
fn a_full_disk_is_told() {
    let error = write_tree(&tree("test", &["f"]), &mut [0_u8; 700][..]).expect_err("too small");
    assert!(chain(&error).starts_with("the archive cannot be written at byte 513"), "{}", chain(&error));
}
