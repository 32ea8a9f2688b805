//! Trees on disk: the same when they are read back, and never anywhere else.

use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

use ocelet_testkit::rootfs;
use ocelet_testkit::trees::path;
use ocelet_tree::{Blob, Bytes, Owner, Source};

use super::*;
use crate::host::DirectoryView;
use crate::host::tests::walk;

/// What images have: links of both kinds, modes of all kinds, other owners, capabilities, empty directories, and names that
/// are not UTF-8.
const LINES: &str = "\
0555 /sealed/
0444 /sealed/inner/file = inside
/bin -> usr/bin
/out -> /etc
/up -> ../../..
4755 /usr/bin/su = x
2755:0:42 /usr/bin/wall = x
1777 /tmp/
0700:7:8 /home/of/
0600:7:8 /home/of/a = a
cap /usr/bin/ping = x
/usr/bin/vi = editor
/usr/bin/ex == /usr/bin/vi
/usr/a-b = x
/usr/a/b = x
0000 /etc/shadow = x";

fn laid(tree: &Tree) -> (tempfile::TempDir, PathBuf, LaidOut) {
    let place = tempfile::tempdir().expect("a directory");
    // Whoever the test becomes may write there.
    std::fs::set_permissions(place.path(), PermissionsExt::from_mode(0o777)).expect("it is ours");
    let to = place.path().join("files");
    let done = lay_out(tree, &to).expect("there is room");
    (place, to, done)
}

/// What lies in a directory, and how it got there does not matter.
fn names(place: &Path) -> Vec<String> {
    #[expect(clippy::disallowed_methods, reason = "the names are sorted")]
    let entries = std::fs::read_dir(place).expect("readable");
    let mut names: Vec<String> =
        entries.map(|entry| entry.expect("readable").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// Does it as a user who may do nothing; as oneself where one is not root.
fn as_nobody<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            if rustix::process::geteuid().is_root() {
                let (user, group) = (Uid::from_raw(65_534), Gid::from_raw(65_534));
                rustix::thread::set_thread_groups(&[]).expect("root may");
                rustix::thread::set_thread_res_gid(group, group, group).expect("root may");
                rustix::thread::set_thread_res_uid(user, user, user).expect("root may");
            }
            work()
        });
        thread.join().expect("it ends")
    })
}

fn large() -> Tree {
    let mut tree = rootfs::tree(LINES);
    let owner = Owner::new("fixture");
    let metadata = Metadata { mtime: 1_600_000_000, ..Metadata::root_owned(0o640) };
    for (name, bytes) in [(&b"usr/\xff\xfe"[..], b"raw".to_vec()), (b"usr/large", vec![7; 2_500_000])] {
        let at = TreePath::new(name).expect("a path");
        tree.add_file(&at, Content::from_bytes("fixture", bytes), metadata.clone(), &owner).expect("a place");
    }
    tree.metadata_mut(&path("/usr")).expect("it is there").mtime = -5;
    tree.metadata_mut(&path("/bin")).expect("it is there").mtime = 12;
    *tree.metadata_mut(&TreePath::root()).expect("the root") =
        Metadata { mtime: 9, ..Metadata::root_owned(0o711) };
    tree
}

#[test]
fn a_tree_on_disk_reads_back_the_same() {
    let tree = large();
    let (place, to, done) = laid(&tree);
    let root = rustix::process::geteuid().is_root();
    let view = DirectoryView::open(&to, &Owner::new("host")).expect("it is there");
    if root {
        assert_eq!(walk(&view), walk(&tree));
        assert_eq!(done, LaidOut { entries: tree.len(), not_given: 0 });
    }
    for (at, node) in tree.iter() {
        let found = std::fs::symlink_metadata(to.join(beneath::relative(at))).expect("it is there");
        assert_eq!(found.mtime(), node.metadata.mtime, "{at}");
    }
    let found = std::fs::metadata(&to).expect("it is there");
    assert_eq!((found.mode() & 0o7777, found.mtime()), (0o711, 9));
    let linked = |name: &str| std::fs::metadata(to.join(name)).expect("it is there").ino();
    assert_eq!(linked("usr/bin/vi"), linked("usr/bin/ex"));
    assert_ne!(linked("usr/bin/vi"), linked("usr/bin/su"));
    assert_eq!(names(place.path()), ["files"], "nothing else stays");
}

/// Somebody else's programs do not become one's own with the right to be borrowed.
#[test]
fn without_root_files_stay_with_whoever_lays_them_out() {
    let (place, to, done) = as_nobody(|| laid(&large()));
    assert_eq!(done.entries, large().len());
    assert!(done.not_given > 10, "{done:?}");
    for (name, mode) in [
        ("usr/bin/su", 0o755),
        ("usr/bin/wall", 0o755),
        ("tmp", 0o1777),
        ("sealed", 0o555),
        ("etc/shadow", 0),
    ] {
        let found = std::fs::metadata(to.join(name)).expect("it is there");
        assert_eq!(found.mode() & 0o7777, mode, "{name}");
        assert_ne!(found.uid(), 0, "{name}");
    }
    // A directory that may not be written to is in the way of whoever removes it.
    std::fs::set_permissions(to.join("sealed"), PermissionsExt::from_mode(0o755)).expect("ours, or root's");
    drop(place);
    let own = as_nobody(|| (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw()));
    let mut tree = rootfs::tree("/a = a");
    for at in ["/", "/a"] {
        let metadata = tree.metadata_mut(&path(at)).expect("it is there");
        (metadata.mode, metadata.uid, metadata.gid) = (0o4755, own.0, own.1);
    }
    let (_place, to, done) = as_nobody(|| laid(&tree));
    assert_eq!(done, LaidOut { entries: 1, not_given: 0 });
    assert_eq!(std::fs::metadata(to.join("a")).expect("it is there").mode() & 0o7777, 0o4755);
}

/// Makes what is there before.
type Make = fn(&Path);

#[test]
fn what_is_there_stays_as_it_is() {
    let tree = rootfs::tree("/a = new");
    let cases: [(&str, Make, Result<(), &str>); 6] = [
        ("nothing", |_| {}, Ok(())),
        ("an empty directory", |to| std::fs::create_dir(to).expect("made"), Ok(())),
        (
            "a directory with a file",
            |to| rootfs::write_directory(&rootfs::tree("/old = old"), to, false),
            Err("not an empty directory"),
        ),
        ("a file", |to| drop(File::create(to).expect("made")), Err("not an empty directory")),
        (
            "a link to an empty directory",
            |to| {
                std::fs::create_dir(to.with_extension("real")).expect("made");
                symlink("files.real", to).expect("made");
            },
            Err("not an empty directory"),
        ),
        ("a link to nothing", |to| symlink("nothing", to).expect("made"), Err("not an empty directory")),
    ];
    for (what, make, want) in cases {
        let place = tempfile::tempdir().expect("a directory");
        let to = place.path().join("files");
        make(&to);
        let before = names(place.path());
        match (lay_out(&tree, &to), want) {
            (Ok(_), Ok(())) => assert_eq!(names(&to), ["a"], "{what}"),
            (Err(error), Err(want)) => {
                assert!(error.to_string().contains(want), "{what}: {error}");
                assert_eq!(names(place.path()), before, "{what}");
            }
            (got, _) => panic!("{what}: {got:?}"),
        }
    }
}

/// A file that ends before its length, as in a damaged layer.
struct Short;

impl Source for Short {
    fn length(&self) -> u64 {
        CHUNK + 1
    }

    fn label(&self) -> String {
        "a layer that ends".to_owned()
    }

    fn read_at(&self, offset: u64, _: &mut [u8]) -> io::Result<()> {
        if offset == 0 { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }

    fn bytes(&self, _: std::ops::Range<u64>) -> io::Result<Bytes> {
        Err(io::ErrorKind::UnexpectedEof.into())
    }
}

#[test]
fn what_fails_leaves_nothing() {
    let owner = Owner::new("fixture");
    let mut damaged = rootfs::tree(LINES);
    damaged
        .add_file(&path("/zz"), Blob::new(Short).content(), Metadata::root_owned(0o644), &owner)
        .expect("a place");
    let whole = rootfs::tree(LINES);
    for (what, tree, name, mode, want) in [
        ("a damaged layer", &damaged, "files", 0o777, "of a layer that ends"),
        ("a place that may not be written to", &whole, "files", 0o555, "cannot make the directory"),
        ("a parent that is not there", &whole, "none/files", 0o777, "cannot make the directory"),
        ("no name", &whole, "..", 0o777, "does not end with the name"),
    ] {
        let place = tempfile::tempdir().expect("a directory");
        std::fs::set_permissions(place.path(), PermissionsExt::from_mode(mode)).expect("it is ours");
        let to = place.path().join(name);
        let error = as_nobody(|| lay_out(tree, &to)).expect_err(what);
        assert!(error.to_string().contains(want), "{what}: {error}");
        assert!(names(place.path()).is_empty(), "{what}");
    }
}

/// Directories that cannot be written to any more are removed all the same when the last step fails.
#[test]
fn sealed_directories_are_removed_too() {
    let tree = rootfs::tree(LINES);
    let place = tempfile::tempdir().expect("a directory");
    std::fs::set_permissions(place.path(), PermissionsExt::from_mode(0o777)).expect("it is ours");
    as_nobody(|| {
        let temporary = tempfile::tempdir_in(place.path()).expect("it may");
        let root = rustix::fs::open(temporary.path(), OFlags::RDONLY | OFlags::DIRECTORY, Mode::empty());
        let mut writer = Writer::new(root.expect("it is there"), place.path());
        writer.write(&tree).expect("there is room");
        writer.unlock();
        drop(temporary);
    });
    assert!(names(place.path()).is_empty());
}
