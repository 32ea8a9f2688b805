//! The doors to the machine: directories as views, single files, scratch files.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;

use ocelet_testkit::rootfs;
use ocelet_tree::{Glob, Kind, Owner, TreePath, View};

use super::*;

fn path(text: &str) -> TreePath {
    TreePath::new(text).expect("a path")
}

/// A directory of the machine made of lines of text, and a view of it.
fn view(lines: &str) -> (tempfile::TempDir, DirectoryView) {
    let place = tempfile::tempdir().expect("a directory");
    rootfs::write_directory(&rootfs::tree(lines), place.path(), false);
    let view = DirectoryView::open(place.path(), &Owner::new("host")).expect("it is there");
    (place, view)
}

/// Every entry of a view, the whole way down.
pub(super) fn walk(view: &dyn View) -> BTreeMap<String, String> {
    let mut shown = BTreeMap::new();
    let mut todo = vec![TreePath::root()];
    while let Some(at) = todo.pop() {
        let names = view.names(&at).expect("readable");
        assert!(names.is_sorted(), "{at}: {names:?}");
        for name in names {
            let below = at.join(&name);
            let Some(node) = view.entry(&below).expect("readable") else { continue };
            let what = match &node.kind {
                Kind::Directory => "directory".to_owned(),
                Kind::Symlink { target } => format!("-> {target}"),
                Kind::File { content, .. } => format!("= {:?}", content.bytes().expect("readable").to_vec()),
            };
            let metadata = &node.metadata;
            shown.insert(
                below.to_string(),
                format!("{:04o} {}:{} {what}", metadata.mode, metadata.uid, metadata.gid),
            );
            if node.is_directory() {
                todo.push(below);
            }
        }
    }
    shown
}

/// The same by the standard library alone.
fn walk_host(root: &Path) -> BTreeMap<String, String> {
    let mut shown = BTreeMap::new();
    let mut todo = vec![root.to_path_buf()];
    while let Some(at) = todo.pop() {
        #[expect(clippy::disallowed_methods, reason = "the second opinion is the standard library's")]
        for entry in fs::read_dir(&at).expect("readable") {
            let below = entry.expect("readable").path();
            let found = fs::symlink_metadata(&below).expect("readable");
            let what = if found.is_dir() {
                todo.push(below.clone());
                "directory".to_owned()
            } else if found.is_symlink() {
                let target = fs::read_link(&below).expect("readable");
                format!(
                    "-> {}",
                    ocelet_tree::LinkTarget::new(target.as_os_str().as_bytes()).expect("a target")
                )
            } else if found.is_file() {
                #[expect(clippy::disallowed_methods, reason = "the second opinion is the standard library's")]
                let bytes = fs::read(&below).expect("readable");
                format!("= {bytes:?}")
            } else {
                continue;
            };
            let inside = below.strip_prefix(root).expect("below");
            let name = TreePath::new(inside.as_os_str().as_bytes()).expect("a path").to_string();
            let mode = if found.is_symlink() { 0o777 } else { found.mode() & 0o7777 };
            shown.insert(name, format!("{mode:04o} {}:{} {what}", found.uid(), found.gid()));
        }
    }
    shown
}

#[test]
fn links_never_lead_outside() {
    let outside = tempfile::tempdir().expect("a directory");
    #[expect(clippy::disallowed_methods, reason = "a file that must not be found")]
    fs::write(outside.path().join("secret"), "secret").expect("a file");
    let (place, view) = view("/etc/a = a\n/link/\n/abs -> /etc\n/up -> ../../../../etc");
    symlink(outside.path(), place.path().join("out")).expect("a link");
    symlink(outside.path().join("secret"), place.path().join("file")).expect("a link");
    for absent in ["/out/secret", "/abs/a", "/up/passwd", "/file/x", "/etc/a/x", "/none/x"] {
        assert!(view.entry(&path(absent)).expect("readable").is_none(), "{absent}");
        assert!(view.names(&path(absent)).expect("readable").is_empty(), "{absent}");
    }
    for link in ["/out", "/file", "/abs", "/up"] {
        let node = view.entry(&path(link)).expect("readable").expect(link);
        assert!(matches!(node.kind, Kind::Symlink { .. }), "{link}");
        assert!(view.names(&path(link)).expect("readable").is_empty(), "{link}");
    }
}

/// A parent that becomes a link after it was seen: the open refuses, by either way of opening.
#[test]
fn a_parent_that_becomes_a_link_is_not_followed() {
    let (place, view) = view("/dir/sub/file = inside\n/other/sub/file = others");
    let node = view.entry(&path("/dir/sub/file")).expect("readable").expect("there");
    fs::rename(place.path().join("dir"), place.path().join("moved")).expect("renamed");
    symlink("other", place.path().join("dir")).expect("a link");
    let error = node.content().expect("a file").bytes().expect_err("a link above it");
    assert!(error.label.ends_with("/dir/sub/file"), "{error}");
}

#[test]
fn devices_pipes_and_sockets_are_not_there() {
    let (place, view) = view("/etc/a = a");
    let socket = std::os::unix::net::UnixListener::bind(place.path().join("socket")).expect("a socket");
    let pipe = place.path().join("pipe");
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, 0o600.into(), 0).expect("a pipe");
    for absent in ["/socket", "/pipe"] {
        assert!(view.entry(&path(absent)).expect("readable").is_none(), "{absent}");
    }
    let device = place.path().join("null");
    let number = rustix::fs::makedev(1, 3);
    let made = rustix::fs::mknodat(
        rustix::fs::CWD,
        &device,
        rustix::fs::FileType::CharacterDevice,
        0o600.into(),
        number,
    );
    if made.is_ok() {
        assert!(view.entry(&path("/null")).expect("readable").is_none());
    } else {
        println!("skipped: no device can be made here");
    }
    drop(socket);
    assert!(matches!(open(&pipe), Err(FileError::NotAFile { .. })), "and opening a pipe does not wait");
}

#[test]
fn the_kernels_directories_are_empty() {
    let (_place, view) = view("/proc/cpuinfo = x\n/sys/a = x\n/dev/null = x\n/usr/proc/a = x\n/process = x");
    for (shown, there) in [
        ("/proc", true),
        ("/proc/cpuinfo", false),
        ("/sys/a", false),
        ("/dev/null", false),
        ("/usr/proc/a", true),
        ("/process", true),
    ] {
        assert_eq!(view.entry(&path(shown)).expect("readable").is_some(), there, "{shown}");
    }
    assert!(view.names(&path("/proc")).expect("readable").is_empty());
}

#[test]
fn only_what_is_wanted_is_shown() {
    let lines = "/etc/a = a\n/etc/b = b\n/usr/bin/x = x\n/usr/share/doc/y = y\n/var/z = z";
    for (include, exclude, want) in [
        (
            &[][..],
            &[][..],
            "/etc /etc/a /etc/b /usr /usr/bin /usr/bin/x /usr/share /usr/share/doc /usr/share/doc/y /var /var/z",
        ),
        (&["/etc/*"], &[], "/etc /etc/a /etc/b"),
        (&["/usr/**"], &["/usr/share/doc/**"], "/usr /usr/bin /usr/bin/x /usr/share"),
        (&[], &["/etc", "/usr/*", "/**/z"], "/usr /var"),
        (&["/usr/bin/x"], &[], "/usr /usr/bin /usr/bin/x"),
    ] {
        let (_place, view) = view(lines);
        let globs = |texts: &[&str]| texts.iter().map(|text| Glob::new(text).expect("a pattern")).collect();
        let view = view.filtered(globs(include), globs(exclude));
        let shown: Vec<String> = walk(&view).into_keys().collect();
        assert_eq!(shown.join(" "), want, "{include:?} without {exclude:?}");
        if include == ["/usr/bin/x"] {
            assert!(view.entry(&path("/etc/a")).expect("readable").is_none());
        }
    }
}

#[test]
fn a_file_that_is_replaced_is_an_error() {
    for (name, change) in [
        (
            "replaced",
            (|at: &Path| {
                fs::rename(at, at.with_extension("old")).expect("renamed");
                #[expect(clippy::disallowed_methods, reason = "the change that must be seen")]
                fs::write(at, "12345").expect("a file");
            }) as fn(&Path),
        ),
        #[expect(clippy::disallowed_methods, reason = "the change that must be seen")]
        ("longer", |at| fs::write(at, "123456").expect("a file")),
        #[expect(clippy::disallowed_methods, reason = "the change that must be seen")]
        ("shorter", |at| fs::write(at, "").expect("a file")),
        ("gone", |at| fs::remove_file(at).expect("a file")),
    ] {
        let (place, view) = view("/etc/a = 54321");
        let node = view.entry(&path("/etc/a")).expect("readable").expect("there");
        change(&place.path().join("etc/a"));
        let content = node.content().expect("a file");
        for error in [
            content.bytes().expect_err(name),
            content.read_at(0, &mut [0; 5]).expect_err(name),
            content.head(2).expect_err(name),
        ] {
            assert!(error.label.ends_with("/etc/a"), "{name}: {error}");
        }
    }
}

#[test]
fn hard_links_share_a_number_and_nothing_else_does() {
    let (_place, view) = view("/a = x\n/b == /a\n/c = x\n/d/e == /a");
    let inode = |at: &str| match view.entry(&path(at)).expect("readable").expect(at).kind {
        Kind::File { inode, .. } => inode,
        other => panic!("{at} is a {}", other.noun()),
    };
    assert_eq!(inode("/a"), inode("/b"));
    assert_eq!(inode("/a"), inode("/d/e"));
    assert_ne!(inode("/a"), inode("/c"));
    assert_eq!(inode("/c"), inode("/c"), "what was seen stays what it is");
}

#[test]
fn capabilities_are_read() {
    let (place, view) = view("0755 /ping = x\n0644 /text = x");
    let set = |name: &str| {
        let flags = rustix::fs::XattrFlags::empty();
        rustix::fs::lsetxattr(place.path().join(name), c"security.capability", &rootfs::CAPABILITY, flags)
    };
    if let Err(error) = set("ping") {
        println!("skipped: capabilities cannot be set here: {error}");
        return;
    }
    let node = view.entry(&path("/ping")).expect("readable").expect("there");
    let xattrs: Vec<_> = node.metadata.xattrs.into_iter().collect();
    assert_eq!(xattrs, [(b"security.capability".to_vec(), rootfs::CAPABILITY.to_vec())]);
    assert!(view.entry(&path("/text")).expect("readable").expect("there").metadata.xattrs.is_empty());
}

#[test]
fn modes_and_names_are_as_they_are() {
    let (place, view) = view("4755 /a = a\n0000 /b = b\n1777 /tmp/\n2750:3:4 /c/\n/c/d = d");
    for name in [&b"\xff\xfe"[..], b"new\nline", b"\\x41", b".wh.x"] {
        #[expect(clippy::disallowed_methods, reason = "a file with a name that few files have")]
        fs::write(place.path().join(std::ffi::OsStr::from_bytes(name)), "x").expect("a file");
    }
    assert_eq!(walk(&view), walk_host(place.path()));
}

#[test]
fn scratch_files_have_no_name() {
    let place = tempfile::tempdir().expect("a directory");
    let scratch = Scratch::new(place.path());
    let blob = scratch.keep("label", || Ok(&b"some bytes"[..])).expect("room");
    assert_eq!(&*blob.content().bytes().expect("readable"), b"some bytes");
    assert_eq!(blob.label(), "label");
    #[expect(clippy::disallowed_methods, reason = "there must be none")]
    let names = fs::read_dir(place.path()).expect("readable").count();
    assert_eq!(names, 0);
    let error =
        scratch.keep("label", || Err::<&[u8], _>(std::io::Error::other("no"))).expect_err("no reader");
    assert!(error.to_string().starts_with("cannot inflate label into a temporary file in "), "{error}");
    let absent = Scratch::new(place.path().join("none"));
    assert!(absent.keep("label", || Ok(&b""[..])).is_err());
}

#[test]
fn texts_and_their_errors() {
    let place = tempfile::tempdir().expect("a directory");
    let file = |name: &str, bytes: &[u8]| {
        let at = place.path().join(name);
        #[expect(clippy::disallowed_methods, reason = "the input")]
        fs::write(&at, bytes).expect("a file");
        at
    };
    assert_eq!(read_text(&file("good", "grün\n".as_bytes())).expect("text"), "grün\n");
    assert_eq!(read_text(&file("empty", b"")).expect("text"), "");
    let huge = file("huge", b"");
    fs::File::options()
        .write(true)
        .open(&huge)
        .and_then(|file| file.set_len((64 << 20) + 1))
        .expect("a sparse file");
    for (at, want) in [
        (file("bad", b"abc\xff"), "byte 3 is not UTF-8"),
        (huge, "it has 67108865 bytes, and at most 67108864 are read as text"),
        (place.path().join("none"), "cannot read "),
        (place.path().to_path_buf(), "cannot read "),
    ] {
        let error = read_text(&at).expect_err(want);
        assert!(
            error.to_string().contains(want) && error.to_string().contains(&at.display().to_string()),
            "{error}"
        );
    }
    assert!(matches!(open(place.path()), Err(FileError::NotAFile { .. })));
}

/// Small stretches are copied, large ones mapped; both are the bytes of the file.
#[test]
fn stretches_of_files() {
    let place = tempfile::tempdir().expect("a directory");
    let at = place.path().join("file");
    let bytes: Vec<u8> = (0..300_000u32).flat_map(u32::to_le_bytes).collect();
    #[expect(clippy::disallowed_methods, reason = "the input")]
    fs::write(&at, &bytes).expect("a file");
    let blob = open(&at).expect("a file");
    for (start, end) in
        [(0, 0), (0, 1), (5, 65_541), (4097, 1_000_000), (0, 1_200_000), (1_200_000, 1_200_000)]
    {
        let content = blob.slice(start, end - start).expect("inside");
        let want = &bytes[usize::try_from(start).expect("small")..usize::try_from(end).expect("small")];
        assert!(&*content.bytes().expect("readable") == want, "{start}..{end}");
    }
    assert!(blob.slice(1_200_000, 1).is_err());
    #[expect(clippy::disallowed_methods, reason = "the input")]
    fs::write(&at, b"short").expect("a file");
    assert!(blob.slice(0, 1_000_000).expect("it was long").bytes().is_err(), "a mapping beyond the end");
    assert!(blob.slice(4000, 10).expect("it was long").bytes().is_err());
    #[expect(clippy::disallowed_methods, reason = "the input")]
    fs::write(&at, b"").expect("a file");
    assert!(open(&at).expect("a file").content().bytes().expect("nothing").is_empty());
}

mod property {
    //! A view of a random directory is what the standard library sees.

    use proptest::prelude::*;

    use super::*;

    /// One step in making a directory: a parent among those that there are, a name, and what it becomes.
    fn steps() -> impl Strategy<Value = Vec<(usize, u8, u8, u16)>> {
        proptest::collection::vec((0..8usize, 0..6u8, 0..4u8, 0..0o10000u16), 0..40)
    }

    fn make(root: &Path, steps: &[(usize, u8, u8, u16)]) {
        let mut directories = vec![root.to_path_buf()];
        for (parent, name, kind, mode) in steps {
            let at = directories[parent % directories.len()].join(format!("{}", char::from(b'a' + name)));
            if fs::symlink_metadata(&at).is_ok() {
                continue;
            }
            match kind {
                0 => {
                    fs::create_dir(&at).expect("new");
                    directories.push(at.clone());
                }
                1 => symlink(format!("../{name}/{mode}"), &at).expect("new"),
                #[expect(clippy::disallowed_methods, reason = "the input")]
                2 => fs::write(&at, mode.to_string()).expect("new"),
                _ => {
                    let first = root.join("first");
                    fs::hard_link(first, &at).expect("new");
                }
            }
            if *kind == 0 || *kind == 2 {
                fs::set_permissions(&at, fs::Permissions::from_mode((*mode).into())).expect("ours");
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn a_view_is_what_is_there(steps in steps()) {
            let place = tempfile::tempdir().expect("a directory");
            #[expect(clippy::disallowed_methods, reason = "the input")]
            fs::write(place.path().join("first"), "first").expect("a file");
            make(place.path(), &steps);
            let view = DirectoryView::open(place.path(), &Owner::new("host")).expect("it is there");
            prop_assert_eq!(walk(&view), walk_host(place.path()));
        }
    }
}
