//! Any tree, written and read back.

use proptest::prelude::*;

use super::{listing, raw_headers};
use crate::tar_in::{self, Options};
use crate::tar_out::{WriteError, write_tree};
use crate::{Blob, Content, LinkTarget, Metadata, Owner, Tree, TreePath};

/// One thing to put into a tree, if it fits there.
#[derive(Debug, Clone)]
enum Thing {
    Directory,
    File(Vec<u8>),
    Symlink(Vec<u8>),
    HardLink(Vec<u8>),
}

fn name() -> impl Strategy<Value = Vec<u8>> {
    // Few short names, so that paths meet; and some that no reader likes.
    prop_oneof![
        6 => "[a-c]".prop_map(String::into_bytes),
        1 => "[a-z]{90,110}".prop_map(String::into_bytes),
        1 => "[a-z]{240,255}".prop_map(String::into_bytes),
        1 => prop::collection::vec(prop_oneof![1..=b'.', b'0'..=255], 1..4)
            .prop_filter("no name", |name| !matches!(name.as_slice(), b"." | b"..") && !name.starts_with(b".wh.")),
    ]
}

fn place() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(name(), 1..5).prop_map(|names| names.join(&b'/'))
}

fn thing() -> impl Strategy<Value = Thing> {
    let target = prop::collection::vec(1..=255_u8, 1..220);
    prop_oneof![
        2 => Just(Thing::Directory),
        3 => prop::collection::vec(any::<u8>(), 0..1500).prop_map(Thing::File),
        1 => target.prop_map(Thing::Symlink),
        2 => place().prop_map(Thing::HardLink),
    ]
}

fn metadata() -> impl Strategy<Value = Metadata> {
    let id = || prop_oneof![0..3_u32, Just(0o7_777_777), Just(0o10_000_000), any::<u32>()];
    let mtime =
        prop_oneof![0..9_i64, Just(-1), Just(0o77_777_777_777), Just(0o100_000_000_000), any::<i64>()];
    let capability = prop::option::of(prop::collection::vec(any::<u8>(), 1..30));
    (0..0o10_000_u16, id(), id(), mtime, capability).prop_map(|(mode, uid, gid, mtime, capability)| {
        Metadata {
            uid,
            gid,
            mtime,
            xattrs: capability.into_iter().map(|value| (Metadata::CAPABILITY.to_vec(), value)).collect(),
            ..Metadata::root_owned(mode)
        }
    })
}

type Things = Vec<(Vec<u8>, Thing, Metadata)>;

fn things() -> impl Strategy<Value = Things> {
    prop::collection::vec((place(), thing(), metadata()), 0..25)
}

/// Puts in what fits; what does not is left out.
fn grow(things: &Things) -> Tree {
    let owner = Owner::new("test");
    let mut tree = Tree::new();
    for (path, thing, metadata) in things {
        let Ok(path) = TreePath::new(path) else { continue };
        let metadata = metadata.clone();
        let _fits = match thing {
            Thing::Directory => tree.add_directory(&path, metadata, &owner).is_ok(),
            Thing::File(bytes) => {
                tree.add_file(&path, Content::from_bytes("test", bytes.clone()), metadata, &owner).is_ok()
            }
            Thing::Symlink(target) => {
                let target = LinkTarget::new(target).expect("no NUL, and short");
                tree.add_symlink(&path, target, metadata, &owner).is_ok()
            }
            Thing::HardLink(target) => {
                TreePath::new(target).is_ok_and(|target| tree.add_hard_link(&path, &target, &owner).is_ok())
            }
        };
    }
    tree
}

fn write(tree: &Tree) -> Result<Vec<u8>, WriteError> {
    let mut archive = Vec::new();
    let written = write_tree(tree, &mut archive)?;
    assert_eq!(written.bytes, archive.len() as u64);
    Ok(archive)
}

/// Every directory that is written is declared.
fn declared(listing: &[String]) -> Vec<String> {
    listing.iter().map(|line| line.replacen("/? 755 0:0 0", "/ 755 0:0 0", 1)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_is_read_back(things in things()) {
        let tree = grow(&things);
        let archive = write(&tree).expect("a tree can be written");
        let owner = Owner::new("test");
        let options = Options::default();
        let streamed = tar_in::read(archive.as_slice(), &owner, &options).expect("valid");
        let blob = tar_in::read_blob(&Blob::from_bytes("tar", archive.clone()), &owner, &options).expect("valid");
        prop_assert_eq!(listing(&streamed.tree), declared(&listing(&tree)));
        prop_assert_eq!(listing(&blob.tree), declared(&listing(&tree)));
        prop_assert_eq!(write(&blob.tree).expect("a tree can be written"), archive);
    }

    #[test]
    fn the_order_of_adding_leaves_no_trace(things in things(), seed in any::<prop::sample::Index>()) {
        let tree = grow(&things);
        // The tree's own entries in another order, hard links after the files that they link to.
        let mut lines: Vec<_> = tree.iter().filter(|(path, _)| !tree.is_implicit(path)).collect();
        let middle = seed.index(lines.len() + 1);
        lines.rotate_left(middle);
        lines.reverse();
        let mut again = Tree::new();
        for (path, node) in lines {
            again.add(path, node.clone()).expect("it fitted before");
        }
        prop_assert_eq!(write(&again).expect("writes"), write(&tree).expect("writes"));
    }

    #[test]
    fn another_reader_sees_the_same(mut things in things()) {
        // It looks for the newlines of records instead of counting.
        for (path, thing, _) in &mut things {
            let mut none = Vec::new();
            let link = match thing {
                Thing::Symlink(link) | Thing::HardLink(link) => link,
                Thing::Directory | Thing::File(_) => &mut none,
            };
            for byte in path.iter_mut().chain(link).filter(|byte| **byte == b'\n') {
                *byte = b'n';
            }
        }
        let tree = grow(&things);
        let archive = write(&tree).expect("a tree can be written");
        let mut other = tar::Archive::new(archive.as_slice());
        let mut expected = tree.iter();
        for entry in other.entries().expect("a reader") {
            let mut entry = entry.expect("valid");
            let (path, node) = expected.next().expect("no entry too many");
            let name = entry.path_bytes().into_owned();
            prop_assert_eq!(name.strip_suffix(b"/").unwrap_or(&name), path.as_bytes());
            let mut bytes = Vec::new();
            std::io::Read::read_to_end(&mut entry, &mut bytes).expect("in memory");
            let linked = entry.header().entry_type().is_hard_link();
            if let (Some(content), false) = (node.content(), linked) {
                prop_assert_eq!(&*content.bytes().expect("in memory"), bytes.as_slice());
            }
            if let crate::Kind::Symlink { target } = &node.kind {
                let link = entry.link_name_bytes().expect("a link");
                prop_assert_eq!(link.as_ref(), target.as_bytes());
            }
            prop_assert_eq!(entry.header().uid().expect("a number"), u64::from(node.metadata.uid));
        }
        prop_assert!(expected.next().is_none(), "no entry too few");
        raw_headers(&archive);
    }
}
