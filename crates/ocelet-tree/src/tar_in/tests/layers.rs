//! Layers over layers (image-spec, layer.md).

use super::*;

fn file(name: &str) -> Member {
    member(b'0', name, "", "x")
}

fn dir(name: &str) -> Member {
    member(b'5', name, "", "")
}

fn base() -> Vec<Member> {
    vec![dir("a/"), dir("a/b/"), dir("a/b/c/"), file("a/b/c/bar"), member(b'0', "a/f", "", "old")]
}

fn merged() -> Vec<Member> {
    vec![dir("usr/"), dir("usr/lib/"), member(b'2', "lib", "usr/lib", ""), file("usr/lib/x")]
}

/// Applies the layers one after the other; the last as a stream too.
fn check_layers(what: &str, layers: &[&[Member]], want: Result<&[&str], &str>) {
    let mut tree = Tree::new();
    let mut result = Ok(Vec::new());
    for layer in layers {
        let archive = archive(layer);
        let mut twin = tree.clone();
        result = apply_layer_blob(
            &mut tree,
            &Blob::from_bytes("layer", archive.clone()),
            &owner(),
            &Options::default(),
        );
        let streamed = apply_layer(&mut twin, archive.as_slice(), &owner(), &Options::default());
        assert_eq!(result.is_ok(), streamed.is_ok(), "{what}");
        assert_eq!(listing(&tree), listing(&twin), "{what}");
    }
    match (result, want) {
        (Ok(_), Ok(want)) => assert_eq!(names(&tree), want, "{what}"),
        (Err(error), Err(want)) => assert!(chain(&error).contains(want), "{what}: {}", chain(&error)),
        (got, want) => panic!("{what}: got {got:?}, wanted {want:?}"),
    }
}

#[test]
fn what_a_layer_does_to_the_ones_below() {
    let of = |members: &[Member]| members.to_vec();
    for (what, lower, upper, want) in [
        (
            "opaque first, as the spec has it",
            base(),
            of(&[dir("a/"), file("a/.wh..wh..opq"), dir("a/b/"), dir("a/b/c/"), file("a/b/c/foo")]),
            &["/a/", "/a/b/", "/a/b/c/", "/a/b/c/foo=x"][..],
        ),
        (
            "opaque last",
            base(),
            of(&[dir("a/"), dir("a/b/"), dir("a/b/c/"), file("a/b/c/foo"), file("a/.wh..wh..opq")]),
            &["/a/", "/a/b/", "/a/b/c/", "/a/b/c/foo=x"],
        ),
        ("a whiteout", base(), of(&[file("a/.wh.b")]), &["/a/", "/a/f=old"]),
        (
            "a whiteout of what comes again",
            base(),
            of(&[file("a/f"), file("a/.wh.f"), file("a/.wh.b")]),
            &["/a/", "/a/f=x"],
        ),
        (
            "a whiteout of nothing",
            base(),
            of(&[file(".wh.none"), file("no/way/.wh.x"), file("a/f/.wh.x"), file("a/.wh.b")]),
            &["/a/", "/a/f=old"],
        ),
    ] {
        check_layers(what, &[&lower, &upper], Ok(want));
    }
}

#[test]
fn what_replaces_what() {
    let of = |members: &[Member]| members.to_vec();
    for (what, lower, upper, want) in [
        ("a file over a directory", base(), of(&[file("a")]), &["/a=x"][..]),
        (
            "a directory over a file",
            base(),
            of(&[dir("a/f/"), file("a/.wh.b"), file("a/f/y")]),
            &["/a/", "/a/f/", "/a/f/y=x"],
        ),
        (
            "a directory over a link",
            merged(),
            of(&[dir("lib/"), file("lib/y")]),
            &["/lib/", "/lib/y=x", "/usr/", "/usr/lib/", "/usr/lib/x=x"],
        ),
        (
            "an entry through a link",
            merged(),
            of(&[file("lib/y")]),
            &["/lib -> usr/lib", "/usr/", "/usr/lib/", "/usr/lib/x=x", "/usr/lib/y=x"],
        ),
        (
            "a whiteout through a link",
            merged(),
            of(&[file("lib/.wh.x")]),
            &["/lib -> usr/lib", "/usr/", "/usr/lib/"],
        ),
        (
            "opaque through a link",
            merged(),
            of(&[file("lib/.wh..wh..opq")]),
            &["/lib -> usr/lib", "/usr/", "/usr/lib/"],
        ),
        (
            "a hard link to a lower layer",
            merged(),
            of(&[member(b'1', "h", "lib/x", "")]),
            &["/h=x", "/lib -> usr/lib", "/usr/", "/usr/lib/", "/usr/lib/x == /h"],
        ),
        (
            "what AUFS left behind",
            vec![file("f")],
            of(&[file(".wh..wh.aufs"), file(".wh..wh.plnk/1.2")]),
            &["/f=x"],
        ),
    ] {
        check_layers(what, &[&lower, &upper], Ok(want));
    }
    for (what, members, want) in [
        ("a whiteout of no name", vec![file(".wh.")], "whiteout of no file name"),
        ("a whiteout of the parent", vec![file("a/.wh...")], "whiteout of no file name"),
        ("a name below a whiteout", vec![file(".wh.a/b")], "reserve for deletions"),
    ] {
        check_layers(what, &[&members], Err(want));
    }
}

#[test]
fn a_directory_takes_new_attributes_and_keeps_its_children() {
    let mut tree = Tree::new();
    for members in [vec![dir("a"), file("a/b")], vec![dir("a").bytes(100..107, b"0001777")]] {
        apply_layer(&mut tree, archive(&members).as_slice(), &owner(), &Options::default()).expect("valid");
    }
    assert_eq!(listing(&tree), ["/a/ 1777 1:2 3", "/a/b=x 755 1:2 3"]);
}
