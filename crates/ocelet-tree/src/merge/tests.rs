//! Two trees, in both orders.

use super::*;
use crate::tests::{chain, listing, names, path, tree};

/// One merged with two, or the other way round.
fn merged(one: &[&str], two: &[&str], swap: bool) -> Result<Tree, Vec<String>> {
    let (one, two) = (tree("one", one), tree("two", two));
    let (mut merged, other) = if swap { (two, one) } else { (one, two) };
    let before = listing(&merged);
    match merged.merge(other) {
        Ok(()) => Ok(merged),
        Err(conflicts) => {
            assert_eq!(listing(&merged), before, "a tree is as it was after a conflict");
            Err(conflicts.iter().map(|conflict| chain(conflict)).collect())
        }
    }
}

/// Both orders give these files.
fn check(what: &str, first: &[&str], second: &[&str], want: &[&str]) {
    for swap in [false, true] {
        let got = merged(first, second, swap).unwrap_or_else(|conflicts| panic!("{what}: {conflicts:?}"));
        assert_eq!(names(&got), want, "{what}");
    }
}

/// Both orders give as many conflicts, each of which has these words.
fn check_conflicts(what: &str, first: &[&str], second: &[&str], want: &[&[&str]]) {
    for swap in [false, true] {
        let said = merged(first, second, swap).map(|tree| names(&tree)).expect_err(what);
        assert_eq!(said.len(), want.len(), "{what}: {said:?}");
        for (said, want) in said.iter().zip(want) {
            for word in *want {
                assert!(said.contains(word), "{what}: {word} is not in {said}");
            }
        }
    }
}

#[test]
fn what_two_trees_can_share() {
    for (what, first, second, want) in [
        ("nothing", &["a/x"][..], &["b/y"][..], &["/a/?", "/a/x=a/x", "/b/?", "/b/y=b/y"][..]),
        ("a file", &["f=same"], &["f=same"], &["/f=same"]),
        ("a link", &["l -> f"], &["l -> f"], &["/l -> f"]),
        ("a directory", &["d/ 700 1"], &["d/ 700 1"], &["/d/"]),
        ("an implicit directory", &["d/ 700 1"], &["d/x"], &["/d/", "/d/x=d/x"]),
        ("hard links", &["a=1", "b == a"], &["c=1", "d == c"], &["/a=1", "/b == /a", "/c=1", "/d == /c"]),
        ("a hard link to a shared file", &["a=1"], &["a=1", "b == a"], &["/a=1", "/b == /a"]),
    ] {
        check(what, first, second, want);
    }
    let got = merged(&["d/x"], &["d/ 700 1"], false).expect("no conflict");
    assert_eq!(listing(&got)[0], "/d/ 700 1:0 0", "the declared directory stands");
}

#[test]
fn a_directory_gives_way_to_a_link_to_a_directory() {
    for (what, first, second, want) in [
        (
            "merged usr",
            &["usr/lib/", "lib -> usr/lib"][..],
            &["lib/a/x"][..],
            &["/lib -> usr/lib", "/usr/?", "/usr/lib/", "/usr/lib/a/?", "/usr/lib/a/x=lib/a/x"][..],
        ),
        (
            "an empty directory",
            &["usr/lib/", "lib -> usr/lib"],
            &["lib/ 700 1"],
            &["/lib -> usr/lib", "/usr/?", "/usr/lib/"],
        ),
        (
            "through two links",
            &["usr/lib/", "lib -> usr/lib64", "usr/lib64 -> lib"],
            &["lib/x"],
            &["/lib -> usr/lib64", "/usr/?", "/usr/lib/", "/usr/lib/x=lib/x", "/usr/lib64 -> lib"],
        ),
        (
            "a link that the other side moves",
            &["lib -> usr/lib", "usr/lib/"],
            &["lib/sub -> ../share", "usr/share/y"],
            &[
                "/lib -> usr/lib",
                "/usr/?",
                "/usr/lib/",
                "/usr/lib/sub -> ../share",
                "/usr/share/?",
                "/usr/share/y=usr/share/y",
            ],
        ),
        (
            "links on both sides",
            &["lib -> usr/lib", "usr/lib/", "bin/sh=1"],
            &["bin -> usr/bin", "usr/bin/", "lib/x"],
            &[
                "/bin -> usr/bin",
                "/lib -> usr/lib",
                "/usr/?",
                "/usr/bin/",
                "/usr/bin/sh=1",
                "/usr/lib/",
                "/usr/lib/x=lib/x",
            ],
        ),
    ] {
        check(what, first, second, want);
    }
    let hop = &["usr -> system", "system/lib/", "lib -> usr/lib"][..];
    check(
        "the target is behind a link",
        hop,
        &["lib/x", "usr/lib/y"],
        &[
            "/lib -> usr/lib",
            "/system/?",
            "/system/lib/",
            "/system/lib/x=lib/x",
            "/system/lib/y=usr/lib/y",
            "/usr -> system",
        ],
    );
    check(
        "the same file both ways",
        &["usr/lib/x=1", "lib -> usr/lib"],
        &["lib/x=1", "lib/y == lib/x"],
        &["/lib -> usr/lib", "/usr/?", "/usr/lib/?", "/usr/lib/x=1", "/usr/lib/y == /usr/lib/x"],
    );
}

#[test]
fn what_two_trees_cannot_share() {
    for (what, first, second, want) in [
        ("bytes", &["f=1"][..], &["f=2"][..], &[&["/f has other bytes", "one", "two"][..]][..]),
        ("mode", &["f=1 644 0"], &["f=1 755 0"], &[&["/f is ", "0644 0:0", "0755 0:0", "one", "two"]]),
        ("owner", &["d/ 755 0"], &["d/ 755 1"], &[&["/d is ", "0755 0:0", "0755 1:0"]]),
        ("targets", &["l -> a"], &["l -> b"], &[&["/l points to ", "a in one", "b in two"]]),
        ("kinds", &["x"], &["x/y"], &[&["/x is a ", "file in one", "directory in two"]]),
        ("a file and a link", &["x"], &["x -> y"], &[&["/x is a ", "file in one", "symbolic link in two"]]),
        ("all at once", &["a=1", "b=1", "c=1"], &["a=2", "b=1", "c=2"], &[&["/a has"], &["/c has"]]),
        (
            "a dangling link",
            &["lib -> usr/lib"],
            &["lib/x"],
            &[&["/lib is a directory in two and a symbolic link in one, whose target usr/lib is not there"]],
        ),
        (
            "a link to a file",
            &["lib -> f", "f"],
            &["lib/x"],
            &[
                &["/lib is a directory in two", "link in one", "is not a directory"],
                &["/lib/x (from two) has no place", "/f is a file (from one)"],
            ],
        ),
        (
            "behind the link",
            &["usr/lib/x=1", "lib -> usr/lib"],
            &["lib/x=2"],
            &[&["/usr/lib/x has other bytes"]],
        ),
    ] {
        check_conflicts(what, first, second, want);
    }
    check_conflicts(
        "a circle",
        &["a -> b", "b/c"],
        &["b -> a", "a/x"],
        &[
            &["/a is a directory in two", "is a circle of links"],
            &["/a/x (from two) has no place", "go in a circle"],
            &["/b is a directory in one", "is a circle of links"],
            &["/b/c (from one) has no place", "go in a circle"],
        ],
    );
}

#[test]
fn a_preferred_owner_wins_over_its_kind() {
    let prefer = |owners: &[&str]| MergeOptions { prefer: owners.iter().map(Owner::new).collect() };
    for (first, second, owners, want) in [
        ("f=1", "f=2", &["two"][..], Some("/f=2")),
        ("f=1", "f=2", &["one"], Some("/f=1")),
        ("f=1", "f=2", &["two", "one"], Some("/f=2")),
        ("l -> a", "l -> b", &["two"], Some("/l -> b")),
        ("f=1", "f=2", &["three"], None),
        ("x", "x/y", &["two"], None),
        ("x -> y", "x=1", &["two"], None),
    ] {
        let mut tree_ = tree("one", &[first]);
        let done = tree_.merge_with(tree("two", &[second]), &prefer(owners));
        match want {
            Some(want) => assert_eq!(
                (done.is_ok(), names(&tree_)),
                (true, vec![want.to_owned()]),
                "{second} {owners:?}"
            ),
            None => assert!(done.is_err(), "{second} {owners:?}"),
        }
    }
}

#[test]
fn what_moves_goes_behind_the_preferred_link() {
    for (owner, want) in [("one", "/a/x=x/x"), ("two", "/b/x=x/x")] {
        let mut all = tree("one", &["a/", "b/", "x -> a"]);
        let options = MergeOptions { prefer: vec![Owner::new(owner)] };
        all.merge_with(tree("two", &["x -> b"]), &options).expect("one is preferred");
        all.merge(tree("three", &["x/x"])).expect("no conflict");
        assert!(names(&all).contains(&want.to_owned()), "{owner}: {:?}", names(&all));

        let trees = [("three", &["x/x"][..]), ("two", &["x -> b"]), ("one", &["a/", "b/", "x -> a"])];
        let at_once = Tree::merge_all(trees.map(|(owner, lines)| tree(owner, lines)), &options);
        let at_once = at_once.expect("one is preferred");
        assert_eq!(names(&at_once), names(&all), "{owner}");
    }
}

#[test]
fn a_link_may_wait_for_a_third_tree() {
    let trees = || [tree("one", &["lib/x"]), tree("two", &["lib -> usr/lib"]), tree("three", &["usr/lib/y"])];
    let all = Tree::merge_all(trees(), &MergeOptions::default()).expect("no conflict");
    assert_eq!(
        names(&all),
        ["/lib -> usr/lib", "/usr/?", "/usr/lib/?", "/usr/lib/x=lib/x", "/usr/lib/y=usr/lib/y"]
    );
    let [one, two, _] = trees();
    assert!(Tree::merge_all([one, two], &MergeOptions::default()).is_err(), "nobody brings the directory");
    assert!(Tree::merge_all([], &MergeOptions::default()).expect("nothing").is_empty());
}

#[test]
fn inodes_stay_apart() {
    let mut all = tree("one", &["a=1", "b=2"]);
    all.merge(tree("two", &["c=3", "d=4"])).expect("no conflict");
    let fresh = all.fresh_inode();
    let inodes: Vec<Inode> = all.iter().filter_map(|(_, node)| node.inode()).chain([fresh]).collect();
    let distinct: std::collections::BTreeSet<&Inode> = inodes.iter().collect();
    assert_eq!(distinct.len(), 5, "{inodes:?}");
}

#[test]
fn a_tree_moves_to_the_links_of_its_base() {
    let base = tree("base", &["usr/lib/x", "lib -> usr/lib", "gone -> nowhere", "file"]);
    let moved = rehome(tree("top", &["lib/a/y", "usr/lib/z", "new/f"]), &base).expect("no conflict");
    assert_eq!(
        names(&moved),
        [
            "/new/?",
            "/new/f=new/f",
            "/usr/?",
            "/usr/lib/?",
            "/usr/lib/a/?",
            "/usr/lib/a/y=lib/a/y",
            "/usr/lib/z=usr/lib/z",
        ]
    );
    for (what, lines, want) in [
        (
            "dangling",
            &["gone/"][..],
            "/gone is a directory in top and a symbolic link in base, whose target nowhere is not there",
        ),
        (
            "a file",
            &["file/x"],
            "/file/x (from top) has no place in the merged tree: /file is a file (from base)",
        ),
        ("both places", &["lib/y=1", "usr/lib/y=2"], "/usr/lib/y has other bytes in top than in top"),
    ] {
        let conflicts = rehome(tree("top", lines), &base).expect_err(what);
        assert!(chain(&conflicts[0]).starts_with(want), "{what}: {}", chain(&conflicts[0]));
    }
    assert!(base.get(&path("/lib/a")).is_none());
}

/// A directory that nobody may look at.
struct Closed;

impl View for Closed {
    fn entry(&self, at: &TreePath) -> Result<Option<Node>, ReadError> {
        if at.is_root() {
            return Ok(Some(Node::directory(0o755, &Owner::new("closed"))));
        }
        let cause = std::io::ErrorKind::PermissionDenied.into();
        Err(ReadError { label: at.to_string(), offset: 0, length: 0, cause })
    }

    fn names(&self, _: &TreePath) -> Result<Vec<crate::Name>, ReadError> {
        Ok(Vec::new())
    }
}

#[test]
fn a_base_that_cannot_be_read_is_told() {
    let conflicts = rehome(tree("top", &["empty/", "d/f"]), &Closed).expect_err("closed");
    let said: Vec<String> = conflicts.iter().map(|conflict| chain(conflict)).collect();
    assert_eq!(said.len(), 3, "{said:?}");
    for (said, place) in said.iter().zip(["/d", "/d/f", "/empty"]) {
        assert!(said.starts_with(&format!("{place} (from top) has no place")), "{said}");
        assert!(said.ends_with("permission denied"), "{said}");
    }
}

mod properties {
    //! Any two small trees.

    use proptest::prelude::*;

    use super::*;

    /// Lines of a tree over few names, so that most of them meet.
    fn lines() -> impl Strategy<Value = Vec<String>> {
        let place = || prop::collection::vec("[a-c]", 1..4).prop_map(|names| names.join("/"));
        let line = prop_oneof![
            2 => place().prop_map(|place| format!("{place}/")),
            2 => (place(), 0..2).prop_map(|(place, content)| format!("{place}={content}")),
            3 => (place(), prop::sample::select(vec!["/", "../", ""]), place())
                .prop_map(|(place, up, target)| format!("{place} -> {up}{target}")),
        ];
        prop::collection::vec(line, 0..7)
    }

    /// The lines that fit, one after the other.
    fn grow(owner: &str, lines: &[String]) -> Tree {
        let mut all = Tree::new();
        for line in lines {
            for (at, node, implicit) in tree(owner, &[line]).into_entries() {
                let mut node = node;
                if let Kind::File { inode, .. } = &mut node.kind {
                    *inode = all.fresh_inode();
                }
                let _fits = !implicit && !at.is_root() && all.add(&at, node).is_ok();
            }
        }
        all
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn the_order_of_two_trees_does_not_matter(one in lines(), two in lines()) {
            let merge = |first: &Tree, second: &Tree| {
                let mut merged = first.clone();
                // The places that are fought over; how many fight for one of them may be told in two ways.
                let places = |conflicts: Vec<Conflict>| -> std::collections::BTreeSet<TreePath> {
                    conflicts.iter().map(|conflict| conflict.path().clone()).collect()
                };
                merged.merge(second.clone()).map(|()| listing(&merged)).map_err(places)
            };
            let (one, two) = (grow("one", &one), grow("two", &two));
            prop_assert_eq!(merge(&one, &two), merge(&two, &one));
        }

        #[test]
        fn a_tree_merges_with_itself(one in lines()) {
            let one = grow("one", &one);
            let mut twice = one.clone();
            prop_assert!(twice.merge(one.clone()).is_ok());
            prop_assert_eq!(listing(&twice), listing(&one));
        }

        #[test]
        fn every_file_is_reached_as_before(one in lines(), two in lines()) {
            let (one, two) = (grow("one", &one), grow("two", &two));
            let mut merged = one.clone();
            if merged.merge(two.clone()).is_err() {
                return Ok(());
            }
            for (at, node) in one.iter().chain(two.iter()) {
                if let Some(content) = node.content() {
                    let found = crate::resolve(&merged, at).expect("a file keeps its name");
                    let found = found.node.content().expect("and stays a file").clone();
                    prop_assert!(found.same_bytes(content).expect("in memory"));
                }
            }
        }
    }
}
