//! The database is written as it was read, and tells of kept files only.

use super::*;
use crate::apk::ScriptKind;
use ocelet_tree::{LinkTarget, Metadata, Owner};
use proptest::prelude::*;

const SMALL: &str = "C:Q1AYNx2pLOAHRYZQgv3nM8TNtvRWY=\nP:busybox\nV:1.36.1-r15\nA:x86_64\nS:506796\nI:946176\n\
    T:Size optimized toolbox\nU:https://busybox.net/\nL:GPL-2.0-only\no:busybox\nm:S\u{f6}ren <s@x>\nt:1699383189\n\
    c:d1b6f274\nk:7\nD:so:libc.musl-x86_64.so.1 !x\np:cmd:busybox=1.36.1-r15\ni:a b=1\nz:later\nr:busybox-initscripts\n\
    q:9\ns:edge\nf:fs\nF:\nR:root-file\nZ:Q1DmF/Zs1bLSnwEMrh6rMmR5o7Dxw=\nF:bin\nR:busybox\na:0:0:755\n\
    Z:Q1DmF/Zs1bLSnwEMrh6rMmR5o7Dxw=\nR:plain\nF:tmp\nM:0:42:1777:Q1DmF/Zs1bLSnwEMrh6rMmR5o7Dxw=\nF:var\nF:var/lib\n\n";

fn path(text: &str) -> TreePath {
    TreePath::new(text).expect("a path in a test")
}

#[test]
fn every_field_survives() {
    let database = Database::parse(SMALL.as_bytes()).expect("well formed");
    let package = &database.packages[0];
    assert_eq!((package.record.name.as_str(), package.record.provider_priority), ("busybox", 7));
    assert_eq!((package.replaces_priority, package.repository_tag.as_deref()), (9, Some("edge")));
    assert_eq!(package.record.unknown, [('z', "later".to_owned())]);
    assert_eq!(package.directories[2].access.mode, 0o1777);
    let files: Vec<String> = database.files().map(|(path, _)| path.to_string()).collect();
    assert_eq!(files, ["/root-file", "/bin/busybox", "/bin/plain"]);
    assert_eq!(String::from_utf8_lossy(&database.to_bytes()), SMALL);
    let header = package.record.to_text();
    assert_eq!(Record::parse(header.as_bytes()).as_ref(), Ok(&package.record));
    // Without the last empty line, and with a directory that comes a second time.
    let again = format!("{}F:bin\nR:late\n", SMALL.trim_end_matches('\n').to_owned() + "\n");
    let database = Database::parse(again.as_bytes()).expect("well formed");
    assert_eq!(database.packages[0].directories[1].files.len(), 3);
}

#[test]
fn wrong_lines_are_refused_with_their_number() {
    let head = "C:Q1AYNx2pLOAHRYZQgv3nM8TNtvRWY=\nP:a\nV:1\n";
    for (lines, line, want) in [
        ("R:x\n", 4, "before the \"F\""),
        ("M:0:0:755\n", 4, "before the \"F\""),
        ("F:x\na:0:0:755\n", 5, "before the \"R\""),
        ("F:x\nZ:Q1AYNx2pLOAHRYZQgv3nM8TNtvRWY=\n", 5, "before the \"R\""),
        ("F:x\nR:y\nF:z\na:0:0:1\n", 7, "before the \"R\""),
        ("F:../x\n", 4, "cannot be"),
        ("F:x\nR:a/b\n", 5, "cannot be"),
        ("F:x\nR:y\na:0:0\n", 6, "uid:gid:mode"),
        ("F:x\nM:0:0:10000\n", 5, "uid:gid:mode"),
        ("F:x\nM:x:0:755\n", 5, "whole number"),
        ("F:x\nR:y\nZ:00\n", 6, "a checksum"),
        ("S:-1\n", 4, "whole number"),
        ("X:new\n", 4, "newer apk"),
        ("nonsense\n", 4, "a letter and a colon"),
        ("\nP:b\n\n", 6, "no field \"C\""),
        ("\nC:Q1AYNx2pLOAHRYZQgv3nM8TNtvRWY=\n", 6, "no field \"P\""),
    ] {
        let error = Database::parse(format!("{head}{lines}").as_bytes()).expect_err(lines);
        assert_eq!(error.line, line, "{lines:?}: {error} {}", error.cause);
        assert!(error.cause.to_string().contains(want), "{lines:?}: {}", error.cause);
    }
    assert!(Record::parse(b"").is_err());
}

#[test]
fn only_kept_files_are_told() {
    let database = Database::parse(SMALL.as_bytes()).expect("well formed");
    let shown = |database: &Database| {
        let text = String::from_utf8(database.to_bytes()).expect("UTF-8");
        let files =
            text.lines().filter(|line| ["F:", "R:", "M:"].iter().any(|field| line.starts_with(field)));
        files.collect::<Vec<_>>().join(" ")
    };
    let identity = |path: &TreePath| Some(path.clone());
    assert_eq!(database.kept(identity), database);
    for (place, want) in [
        (
            &(|path: &TreePath| (*path == self::path("bin/busybox")).then(|| path.clone()))
                as &dyn Fn(&TreePath) -> Option<TreePath>,
            "F:bin R:busybox",
        ),
        (&|path: &TreePath| path.as_bytes().starts_with(b"tmp").then(|| path.clone()), ""),
        (&|_: &TreePath| None, ""),
        // Where /usr is merged, /bin lies below it.
        (
            &|path: &TreePath| match path.below(&self::path("bin")) {
                Some(below) => Some(self::path("usr/bin").descend(&below)),
                None => (path.as_bytes() == b"tmp").then(|| path.clone()),
            },
            "F:tmp M:0:42:1777:Q1DmF/Zs1bLSnwEMrh6rMmR5o7Dxw= F:usr/bin R:busybox R:plain",
        ),
    ] {
        let kept = database.kept(place);
        assert_eq!(shown(&kept), want);
        assert_eq!(kept.packages.is_empty(), want.is_empty());
    }
}

#[test]
fn the_database_follows_lib() {
    let owner = Owner::new("test");
    let mut plain = Tree::new();
    assert_eq!(database_directory(&plain).expect("in memory"), path("lib/apk/db"));
    plain.add_directory(&path("lib"), Metadata::root_owned(0o755), &owner).expect("a place");
    assert_eq!(database_directory(&plain).expect("in memory"), path("lib/apk/db"));
    let mut merged = Tree::new();
    let target = LinkTarget::new("usr/lib").expect("a target");
    merged.add_symlink(&path("lib"), target, Metadata::root_owned(0o777), &owner).expect("a place");
    assert_eq!(database_directory(&merged).expect("in memory"), path("usr/lib/apk/db"));
}

#[test]
fn the_files_beside_it() {
    let identity = Identity::sha1_of(b"x");
    let script = |package: &str| InstalledScript {
        package: package.to_owned(),
        version: "1-r0".to_owned(),
        identity,
        script: Script { kind: ScriptKind::PostInstall, text: b"#!/bin/sh\n".to_vec() },
    };
    let archive = scripts_archive(&[script("a"), script(&"long".repeat(40))], 7);
    let unpacked =
        ocelet_tree::tar_in::read(&*archive, &Owner::new("x"), &ocelet_tree::tar_in::Options::default());
    let tree = unpacked.expect("well formed").tree;
    let names: Vec<String> =
        tree.iter().filter(|(_, node)| !node.is_directory()).map(|(path, _)| path.to_string()).collect();
    let wanted = |package: &str| format!("/{package}-1-r0.{identity}.post-install");
    assert_eq!(names, [wanted("a"), wanted(&"long".repeat(40))]);
    assert_eq!(archive.len() % 512, 0);
    let directories = ["/bin".to_owned(), "/lib/*".to_owned()];
    let lines = triggers([(identity, &directories[..]), (identity, &[])]);
    assert_eq!(String::from_utf8_lossy(&lines), format!("{identity} /bin /lib/*\n"));
    assert_eq!(world(["b", "a", "b"]), b"a\nb\n");
}

fn access() -> impl Strategy<Value = Access> {
    let attributes = prop::option::of(any::<[u8; 20]>().prop_map(Identity::Sha1));
    (any::<u32>(), any::<u32>(), 0_u16..0o10000, attributes).prop_map(|(uid, gid, mode, attributes)| Access {
        uid,
        gid,
        mode,
        attributes,
    })
}

fn file() -> impl Strategy<Value = InstalledFile> {
    let name =
        prop::collection::vec(any::<u8>().prop_filter("in one line", |byte| !b"\n/\0".contains(byte)), 1..20);
    let name = name.prop_filter_map("a name", |bytes| Name::new(bytes).ok());
    let identity = prop::option::of(any::<[u8; 32]>().prop_map(Identity::Sha256));
    (name, access(), identity).prop_map(|(name, access, identity)| InstalledFile { name, access, identity })
}

fn installed() -> impl Strategy<Value = Installed> {
    let directories = prop::collection::btree_map(
        "[a-z]{1,8}(/[a-z ]{1,8}){0,3}",
        (access(), prop::collection::vec(file(), 0..4)),
        0..4,
    );
    let words = || prop::collection::vec("[!-~]{1,12}", 0..4);
    (any::<[u8; 20]>(), "[a-z+]{1,12}", "\\PC{0,30}", any::<(u64, u64, u32)>(), words(), words(), directories)
        .prop_map(|(identity, name, text, (size, build_time, priority), depends, replaces, directories)| {
            let directories = directories.into_iter().map(|(path, (access, files))| InstalledDirectory {
                path: TreePath::new(path).expect("a path"),
                access,
                files,
            });
            Installed {
                record: Record {
                    identity: Identity::Sha1(identity),
                    version: format!("{name}-r1"),
                    name,
                    architecture: Some(text.clone()),
                    size,
                    installed_size: size / 2,
                    description: text.clone(),
                    url: text.clone(),
                    license: text.clone(),
                    origin: None,
                    maintainer: Some(text),
                    build_time,
                    commit: None,
                    provider_priority: priority,
                    provides: depends.clone(),
                    install_if: Vec::new(),
                    depends,
                    unknown: Vec::new(),
                },
                replaces,
                replaces_priority: priority,
                repository_tag: None,
                broken: String::new(),
                directories: directories.collect(),
            }
        })
}

proptest! {
    /// What is written is read back as it was, names of any bytes included.
    #[test]
    fn a_database_survives_the_way_out_and_in(packages in prop::collection::vec(installed(), 0..4)) {
        let database = Database { packages };
        prop_assert!(database.unwritable().is_empty());
        prop_assert_eq!(Database::parse(&database.to_bytes()), Ok(database));
    }

    /// Any bytes end in a value or an error.
    #[test]
    fn any_bytes_are_read_to_their_end(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..20),
    ) {
        let mut text = SMALL.as_bytes().to_vec();
        for (index, byte) in changes {
            let index = index.index(text.len());
            text[index] = byte;
        }
        if let Ok(database) = Database::parse(&text) {
            let written = database.to_bytes();
            prop_assert_eq!(Database::parse(&written).map(|again| again.to_bytes()), Ok(written));
        }
    }
}
