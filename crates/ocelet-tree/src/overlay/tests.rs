//! A tree over a tree, asked path by path.

use super::*;
use crate::tests::{chain, path, tree};
use crate::{rehome, resolve};

/// What is at a place: its content, its target, or its kind.
fn at(view: &dyn View, place: &str) -> String {
    match view.entry(&path(place)).expect("in memory") {
        None => "nothing".to_owned(),
        Some(node) => match &node.kind {
            Kind::Directory => format!("directory {:o}", node.metadata.mode),
            Kind::Symlink { target } => format!("-> {target}"),
            Kind::File { content, .. } => content.bytes().expect("in memory").escape_ascii().to_string(),
        },
    }
}

fn names(view: &dyn View, place: &str) -> Vec<String> {
    view.names(&path(place)).expect("in memory").iter().map(ToString::to_string).collect()
}

#[test]
fn the_tree_is_over_the_base() {
    let base = tree(
        "base",
        &["usr/ 700 0", "usr/lib/x=base", "lib -> usr/lib", "etc/conf=base", "etc/same=1", "opt/a"],
    );
    let top = tree("top", &["lib/y=top", "etc/conf=top", "etc/same=1", "opt=file", "new/f=top"]);
    let top = rehome(top, &base).expect("no conflict");
    let overlay = Overlay::new(top, &base, BTreeSet::from([path("etc/conf"), path("opt")]));
    for (place, want) in [
        ("/", "directory 755"),
        ("usr", "directory 700"),
        ("lib", "-> usr/lib"),
        ("usr/lib/x", "base"),
        ("usr/lib/y", "top"),
        ("lib/y", "nothing"),
        ("etc/conf", "top"),
        ("etc/same", "1"),
        ("opt", "file"),
        ("opt/a", "nothing"),
        ("new/f", "top"),
        ("none", "nothing"),
    ] {
        assert_eq!(at(&overlay, place), want, "{place}");
    }
    let empty: &[&str] = &[];
    for (place, want) in [
        ("/", &["etc", "lib", "new", "opt", "usr"][..]),
        ("usr/lib", &["x", "y"]),
        ("opt", empty),
        ("lib", empty),
    ] {
        assert_eq!(names(&overlay, place), want, "{place}");
    }
    let found = resolve(&overlay, &path("lib/y")).expect("through the base's link");
    assert_eq!(found.path, path("usr/lib/y"));
    assert!(overlay.take_conflicts().is_empty());
}

#[test]
fn what_differs_is_told_once() {
    let base = tree("base", &["d/ 700 0", "f=base", "k/x", "l -> a"]);
    let top = tree("top", &["d/ 755 0", "f=top", "k=file", "l -> b", "n"]);
    let overlay = Overlay::new(top, &base, BTreeSet::new());
    for place in ["f", "f", "l", "k", "k/x", "d", "n", "none"] {
        at(&overlay, place);
    }
    let said: Vec<String> = overlay.take_conflicts().iter().map(|conflict| chain(conflict)).collect();
    let want = [
        "/d is 0755 0:0 in top and",
        "/f has other bytes in top",
        "/k is a file in top",
        "/l points to b in top",
    ];
    assert_eq!(said.len(), want.len(), "{said:?}");
    for (said, want) in said.iter().zip(want) {
        assert!(said.starts_with(want), "{said}");
    }
    assert!(overlay.take_conflicts().is_empty(), "told once");
}

#[test]
fn inodes_of_both_sides_are_apart() {
    let base = tree("base", &["a=1", "b == a", "c=2"]);
    let overlay = Overlay::new(tree("top", &["d=3", "e == d", "f=4"]), &base, BTreeSet::new());
    let inode = |place: &str| {
        overlay.entry(&path(place)).expect("in memory").and_then(|node| node.inode()).expect("a file")
    };
    assert_eq!((inode("a"), inode("d")), (inode("b"), inode("e")));
    let distinct = BTreeSet::from(["a", "c", "d", "f"].map(inode));
    assert_eq!(distinct.len(), 4);
    assert_eq!(inode("c"), inode("c"), "the same answer each time");
}
