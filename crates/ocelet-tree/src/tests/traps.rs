//! One test for each known way to write a layer that some unpacker gets wrong, each seen in a bug tracker.

use super::{RawHeader, chain, listing, names, path, raw_headers, tree};
use crate::tar_in::{self, Options};
use crate::tar_out::{TarWriter, WriteError, write_entries, write_tree};
use crate::{Content, InsertError, Kind, LinkTarget, Metadata, Owner, Tree, resolve};

fn written(tree: &Tree) -> Vec<u8> {
    let mut archive = Vec::new();
    write_tree(tree, &mut archive).expect("writes to memory");
    archive
}

fn entries(archive: &[u8]) -> Vec<RawHeader> {
    let mut headers = raw_headers(archive);
    headers.retain(|header| header.flag != b'x');
    headers
}

fn entry_names(tree: &Tree) -> Vec<String> {
    entries(&written(tree)).into_iter().map(|header| header.name).collect()
}

fn pax_records(archive: &[u8]) -> Vec<u8> {
    raw_headers(archive)
        .into_iter()
        .filter(|header| header.flag == b'x')
        .flat_map(|header| header.body)
        .collect()
}

fn read(archive: &[u8]) -> Tree {
    tar_in::read(archive, &Owner::new("test"), &Options::default()).expect("valid").tree
}

#[test]
fn trap_01_one_path_is_written_once() {
    let mut all = tree("one", &["./a/", "a//b"]);
    let owner = Owner::new("two");
    let content = Content::from_bytes("b", *b"other");
    for spelling in ["a/b", "./a/b", "/a//b/"] {
        let twice = all.add_file(&path(spelling), content.clone(), Metadata::root_owned(0o644), &owner);
        assert!(matches!(twice, Err(InsertError::Exists { .. })), "{spelling}");
    }
    let twice = all.add_directory(&path("a/"), Metadata::root_owned(0o755), &owner);
    assert!(matches!(twice, Err(InsertError::Exists { .. })));
    assert_eq!(entry_names(&all), ["a/", "a/b"]);
    let (at, node) = all.iter().next().expect("an entry");
    let twice = write_entries([(at, node), (at, node)], std::io::sink());
    assert!(matches!(twice, Err(WriteError::Order { .. })));
}

#[test]
fn trap_02_parents_come_first_with_their_own_mode_and_owner() {
    let all = tree("test", &["tmp/a/b/f", "tmp/ 1777 7", "tmp/a/ 700 8"]);
    assert_eq!(entry_names(&all), ["tmp/", "tmp/a/", "tmp/a/b/", "tmp/a/b/f"]);
    let back = listing(&read(&written(&all)));
    assert_eq!(back[..3], ["/tmp/ 1777 7:0 0", "/tmp/a/ 700 8:0 0", "/tmp/a/b/ 755 0:0 0"]);
    let orphan = path("tmp/a/b/f");
    let orphan = [(&orphan, all.get(&orphan).expect("there"))];
    assert!(matches!(write_entries(orphan, std::io::sink()), Err(WriteError::NoParent { .. })));
}

#[test]
fn trap_03_the_root_has_no_entry() {
    let mut all = tree("test", &["a/b"]);
    all.add_directory(&path("/"), Metadata::root_owned(0o700), &Owner::new("test")).expect("the root");
    for name in entry_names(&all) {
        assert!(!name.starts_with(['.', '/']) && !name.is_empty(), "{name}");
    }
    let root = path("/");
    let mut writer = TarWriter::new(std::io::sink());
    assert!(matches!(writer.append(&root, all.get(&root).expect("there")), Err(WriteError::Root)));
}

#[test]
fn trap_04_a_hard_link_follows_its_file_in_the_same_archive() {
    let all = tree("test", &["z=content", "a == z", "m == z 600 5"]);
    let headers = entries(&written(&all));
    let told: Vec<(u8, &str, &str, usize)> =
        headers.iter().map(|raw| (raw.flag, raw.name.as_str(), raw.link.as_str(), raw.body.len())).collect();
    assert_eq!(told, [(b'0', "a", "", 7), (b'1', "m", "a", 0), (b'1', "z", "a", 0)]);
    // Split over two layers, each carries the content itself.
    let part = path("z");
    let mut second = Vec::new();
    write_entries([(&part, all.get(&part).expect("there"))], &mut second).expect("writes to memory");
    assert_eq!(names(&read(&second)), ["/z=content"]);
    // Two files with different modes are never linked.
    let mut other = all.clone();
    other.metadata_mut(&path("m")).expect("there").mode = 0o600;
    assert!(matches!(write_tree(&other, std::io::sink()), Err(WriteError::LinkDiffers { .. })));
}

#[test]
fn trap_05_nothing_is_written_below_a_symbolic_link() {
    let mut all = tree("base", &["usr/lib/", "lib -> usr/lib"]);
    let below = all.add_file(
        &path("lib/x"),
        Content::from_bytes("x", *b"x"),
        Metadata::root_owned(0o644),
        &Owner::new("test"),
    );
    assert!(matches!(below, Err(InsertError::ParentNotDirectory { .. })));
    all.merge(tree("package", &["lib/x"])).expect("the link leads to a directory");
    assert_eq!(entry_names(&all), ["lib", "usr/", "usr/lib/", "usr/lib/x"]);
    let climbing = tree("test", &["a -> ../../b"]);
    assert_eq!(entries(&written(&climbing))[0].link, "../../b", "legal at run time, and kept as it is");
}

#[test]
fn trap_06_no_file_can_be_taken_for_a_whiteout() {
    let owner = Owner::new("test");
    for name in [".wh.a", "d/.wh.a", ".wh.d/a", ".wh..wh..opq", ".wh."] {
        let mut all = Tree::new();
        let added = all.add_directory(&path(name), Metadata::root_owned(0o755), &owner);
        assert!(matches!(added, Err(InsertError::WhiteoutName { .. })), "{name}");
        let directory = crate::Node::directory(0o755, &owner);
        let hidden = path(name).components().next().expect("a name");
        let refused = write_entries([(&path(hidden.as_bytes()), &directory)], std::io::sink());
        assert_eq!(refused.is_err(), name.starts_with(".wh."), "{name}");
    }
}

#[test]
fn trap_07_long_names_are_pax_and_never_gnu() {
    let name = |length: usize| "n".repeat(length);
    let lines = [name(101), format!("{}/{}", name(99), name(255)), format!("d -> {}", name(150))];
    let all = tree("test", &lines.each_ref().map(String::as_str));
    let archive = written(&all);
    for header in raw_headers(&archive) {
        // The magic is checked for each: a prefix never stands under GNU's.
        assert!(matches!(header.flag, b'0' | b'1' | b'2' | b'5' | b'x'), "{}", header.flag.escape_ascii());
        assert!(header.flag != b'x' || header.name == "././@PaxHeader", "{}", header.name);
    }
    let records = pax_records(&archive);
    let mut rest = records.as_slice();
    while !rest.is_empty() {
        let space = rest.iter().position(|byte| *byte == b' ').expect("a length");
        let length: usize = std::str::from_utf8(&rest[..space]).expect("digits").parse().expect("digits");
        assert_eq!(rest[length - 1], b'\n', "the length counts itself");
        rest = &rest[length..];
    }
    assert_eq!(names(&read(&archive)).len(), 4);
}

#[test]
fn trap_08_large_numbers_are_pax_and_times_are_whole() {
    let mut all = tree("test", &["f=1 644 2097152", "g=1 644 2097151"]);
    all.metadata_mut(&path("f")).expect("there").mtime = -1;
    let archive = written(&all);
    for header in raw_headers(&archive) {
        for field in [100..108, 108..116, 116..124, 124..136, 136..148] {
            let (last, digits) = header.block[field].split_last().expect("a field");
            assert!(*last == 0 && digits.iter().all(u8::is_ascii_digit), "octal, never base-256");
        }
    }
    assert_eq!(pax_records(&archive), b"12 mtime=-1\n15 uid=2097152\n", "and neither atime nor ctime");
}

#[test]
fn trap_09_nothing_of_the_host_is_written() {
    let all = tree("a source with a name", &["d/", "d/f", "d/l -> f", "d/h == d/f"]);
    for header in raw_headers(&written(&all)) {
        assert_eq!(header.block[265..329], [0; 64], "no user and group names");
        assert_eq!(&header.block[329..345], b"0000000\x000000000\0", "no device numbers");
        assert_eq!(header.block[500..], [0; 12]);
    }
}

#[test]
fn trap_10_all_mode_bits_stay() {
    let all = tree("test", &["su=1 4755 0", "sg=1 2755 0", "tmp/ 1777 0", "shadow=1 000 0", "l -> su 644 0"]);
    let modes: Vec<String> = listing(&read(&written(&all)))
        .iter()
        .map(|line| line.rsplit(' ').nth(2).unwrap_or_default().to_owned())
        .collect();
    assert_eq!(modes, ["777", "2755", "0", "4755", "1777"]);
    let link = &entries(&written(&all))[0];
    assert_eq!((link.flag, &link.block[100..108]), (b'2', &b"0000777\0"[..]), "as Linux has it");
}

#[test]
fn trap_11_only_capabilities_are_kept_and_byte_for_byte() {
    let mut all = tree("test", &["ping=1"]);
    let value = b"\x01\0\0\x02\0\x20\0\0\xff=\n".to_vec();
    let metadata = all.metadata_mut(&path("ping")).expect("there");
    metadata.xattrs.insert(Metadata::CAPABILITY.to_vec(), value.clone());
    let archive = written(&all);
    assert_eq!(
        read(&archive).get(&path("ping")).expect("there").metadata.xattrs,
        all.get(&path("ping")).expect("there").metadata.xattrs
    );
    assert!(pax_records(&archive).windows(value.len()).any(|window| window == value), "raw, not encoded");
    let metadata = all.metadata_mut(&path("ping")).expect("there");
    metadata.xattrs.insert(b"security.selinux".to_vec(), b"x".to_vec());
    metadata.xattrs.insert(b"trusted.overlay.opaque".to_vec(), b"y".to_vec());
    let kept = read(&written(&all)).get(&path("ping")).expect("there").metadata.xattrs.clone();
    assert_eq!(kept.into_keys().collect::<Vec<_>>(), [Metadata::CAPABILITY]);
}

#[test]
fn trap_12_names_are_bytes() {
    let mut all = Tree::new();
    let owner = Owner::new("test");
    let long = [&b"\xff".repeat(120)[..], b"\n=/", b"\xe9"].concat();
    let target = LinkTarget::new(b"\xe9\xff").expect("a target");
    for name in [&b"caf\xe9"[..], &long] {
        all.add_symlink(&path(name), target.clone(), Metadata::root_owned(0), &owner).expect("empty");
    }
    let archive = written(&all);
    assert_eq!(listing(&read(&archive)).len(), 3);
    let back = read(&archive);
    assert!(back.get(&path(&long)).is_some() && back.get(&path(b"caf\xe9")).is_some());
    let Some(Kind::Symlink { target: back }) = back.get(&path(&long)).map(|node| &node.kind) else {
        panic!("a link");
    };
    assert_eq!(back, &target);
    assert_eq!(&archive[..5], b"caf\xe9\0", "plain in the field as long as it fits");
}

#[test]
fn trap_13_names_that_differ_in_case_are_different() {
    let all = tree("test", &["readme=1", "README=2", "Readme -> README"]);
    assert_eq!(names(&read(&written(&all))), ["/README=2", "/Readme -> README", "/readme=1"]);
}

#[test]
fn trap_14_absolute_links_lead_inside_the_image() {
    let all = tree("test", &["usr/bin/busybox=1", "bin/sh -> /usr/bin/busybox", "dangling -> /etc/passwd"]);
    let back = read(&written(&all));
    assert_eq!(resolve(&back, &path("bin/sh")).expect("inside").path, path("usr/bin/busybox"));
    let gone = resolve(&back, &path("dangling")).expect_err("the host's file is not there");
    assert!(chain(&gone).contains("leads to /etc, which is not there"), "{}", chain(&gone));
}
