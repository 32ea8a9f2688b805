//! What is believed, and what is refused.

use std::os::unix::fs::MetadataExt;

use proptest::prelude::*;
use rustix::fs::{FileType, Mode};

use super::*;
use crate::exit::ExitClass;
use crate::fetch::store::{StoreError, disk, witness};

#[test]
fn what_was_put_is_had_again() {
    let store = store();
    for length in [0, 1, 255, 65_536, 65_537, 1_000_000] {
        let bytes = bytes(length);
        let digest = Digest::of(&bytes);
        assert!(store.get(&digest, None).expect("readable").is_none(), "{length}");
        assert_eq!(content(&put(&store, &bytes)), bytes, "{length}");
        for size in [None, Some(length as u64)] {
            let held = store.get(&digest, size).expect("right").expect("there");
            assert_eq!((content(&held), held.size(), held.digest()), (bytes.clone(), length as u64, &digest));
        }
        let mode = std::fs::metadata(store.place.blob(&digest)).expect("there").mode();
        assert_eq!(mode & 0o7777, 0o444);
    }
    assert!(store.directory().join("CACHEDIR.TAG").is_file());
    assert!(files(&store.place.partials()).is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn any_bytes_in_any_pieces_come_back(pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..3000), 0..6)) {
        let store = store();
        let whole = pieces.concat();
        let mut partial = store.begin_unnamed().expect("the store can be written");
        for piece in &pieces {
            partial.append(piece).expect("there is room");
        }
        prop_assert_eq!(partial.written(), whole.len() as u64);
        let digest = *partial.finish().expect("it is right").digest();
        prop_assert_eq!(digest, Digest::of(&whole));
        let held = store.get(&digest, whole.len() as u64).expect("right").expect("there");
        prop_assert_eq!(content(&held), whole);
    }
}

/// How a stored file is harmed.
type Harm = fn(&Path);

#[test]
fn a_damaged_file_is_refused_once_and_then_absent() {
    let cases: [(&str, Harm, &str); 12] = [
        ("first byte", |path| flip(path, 0), "is damaged: wanted sha256:"),
        ("a byte in the middle", |path| flip(path, 150_000), "is damaged"),
        ("last byte", |path| flip(path, 299_999), "is damaged"),
        ("truncated", |path| resize(path, 299_999), "(299999 bytes)"),
        ("empty", |path| resize(path, 0), "(0 bytes)"),
        ("longer", |path| resize(path, 300_001), "(300001 bytes)"),
        (
            "another file",
            |path| replace(path, |path| std::fs::write(path, bytes(300_000).split_off(1))),
            "is damaged",
        ),
        (
            "a link to a copy",
            |path| {
                let copy = path.with_file_name("copy");
                std::fs::copy(path, &copy).expect("room");
                replace(path, |path| std::os::unix::fs::symlink(&copy, path));
            },
            "got a symbolic link",
        ),
        (
            "a dangling link",
            |path| replace(path, |path| std::os::unix::fs::symlink("x", path)),
            "got a symbolic link",
        ),
        ("a directory", |path| replace(path, |path| std::fs::create_dir(path)), "got a directory"),
        ("a pipe", |path| replace(path, |path| node(path, FileType::Fifo)), "got a pipe"),
        ("a socket", |path| replace(path, |path| node(path, FileType::Socket)), "got a socket"),
    ];
    for (name, harm, want) in cases {
        for used_before in [false, true] {
            let store = store();
            let bytes = bytes(300_000);
            let (digest, size) = (Digest::of(&bytes), 300_000);
            drop(put(&store, &bytes));
            if used_before {
                next_tick();
                assert!(store.get(&digest, size).expect("right").is_some());
            }
            let path = store.place.blob(&digest);
            harm(&path);
            let error = store.get(&digest, size).expect_err(name);
            let said = error.to_string();
            assert!(said.contains(want) && said.contains(&path.display().to_string()), "{name}: {said}");
            assert_eq!(error.class(), ExitClass::Verification, "{name}");
            assert!(error.hints()[0].contains("run again"), "{name}: {:?}", error.hints());
            assert!(store.get(&digest, size).expect(name).is_none(), "{name}: it was moved aside");
            drop(put(&store, &bytes));
            assert!(store.get(&digest, size).expect(name).is_some(), "{name}: it is had afresh");
        }
    }
}

fn node(path: &Path, kind: FileType) -> std::io::Result<()> {
    Ok(rustix::fs::mknodat(rustix::fs::CWD, path, kind, Mode::RUSR | Mode::WUSR, 0)?)
}

fn resize(path: &Path, length: u64) {
    std::fs::set_permissions(path, PermissionsExt::from_mode(0o644)).expect("it is ours");
    File::options().write(true).open(path).and_then(|file| file.set_len(length)).expect("it can be written");
}

fn replace(path: &Path, by: impl FnOnce(&Path) -> std::io::Result<()>) {
    std::fs::remove_file(path).expect("it is there");
    by(path).expect("there is room");
}

#[test]
fn every_flipped_byte_is_found_though_its_time_is_put_back() {
    let store = store();
    let bytes = bytes(200);
    let digest = Digest::of(&bytes);
    for at in 0..200 {
        drop(put(&store, &bytes));
        // No waiting: the change may come in the very tick in which the blob was written.
        flip(&store.place.blob(&digest), at);
        let error = store.get(&digest, 200).expect_err("one bit is wrong");
        assert!(matches!(error, StoreError::Corrupt { wanted, .. } if wanted == digest), "{at}: {error:?}");
    }
}

#[test]
fn the_callers_wrong_size_does_not_harm_the_blob() {
    let store = store();
    let bytes = bytes(1000);
    let digest = Digest::of(&bytes);
    drop(put(&store, &bytes));
    for wrong in [0, 999, 1001, u64::MAX] {
        let error = store.get(&digest, wrong).expect_err("the size is wrong");
        assert!(matches!(error, StoreError::Size { got: 1000, .. }), "{wrong}: {error:?}");
        assert_eq!(error.class(), ExitClass::Verification);
    }
    assert!(store.get(&digest, 1000).expect("right").is_some());
}

/// A change of the store, by name.
type Change<'a> = (&'a str, &'a dyn Fn());

#[test]
fn a_witness_is_believed_only_of_the_very_state_that_it_saw() {
    let store = store();
    let bytes = bytes(5000);
    let digest = Digest::of(&bytes);
    drop(put(&store, &bytes));
    let path = store.place.blob(&digest);
    let state = || std::fs::metadata(&path).expect("there");
    let vouches = || witness::vouches(&store.place, &digest, &state());
    let settle = || {
        next_tick();
        assert!(store.get(&digest, 5000).expect("right").is_some());
        assert!(vouches(), "it was hashed in a later tick than that of its last change");
    };
    settle();
    let changes: [Change<'_>; 6] = [
        ("mode", &|| std::fs::set_permissions(&path, PermissionsExt::from_mode(0o400)).expect("ours")),
        ("modification time", &|| {
            let file = File::open(&path).expect("there");
            file.set_times(FileTimes::new().set_modified(std::time::UNIX_EPOCH)).expect("ours");
        }),
        ("another inode", &|| {
            let copy = path.with_file_name("copy");
            std::fs::copy(&path, &copy).and_then(|_| std::fs::rename(&copy, &path)).expect("room");
        }),
        ("no witness", &|| std::fs::remove_file(store.place.witness(&digest)).expect("there")),
        ("a witness of nonsense", &|| {
            replace(&store.place.witness(&digest), |path| std::fs::write(path, [255; 9000]));
        }),
        ("a witness as old as the change", &|| {
            let blob = state();
            let file = File::open(store.place.witness(&digest)).expect("ours");
            let changed = std::time::UNIX_EPOCH
                + std::time::Duration::new(
                    u64::try_from(blob.ctime()).expect("after 1970"),
                    u32::try_from(blob.ctime_nsec()).expect("below a second"),
                );
            file.set_times(FileTimes::new().set_modified(changed)).expect("ours");
        }),
    ];
    for (name, change) in changes {
        change();
        assert!(!vouches(), "{name}");
        settle();
    }
    // What is hashed always finds what no witness can: here a witness is forged for the damaged file.
    flip(&path, 17);
    next_tick();
    witness::prepare(&store.place, &digest, &state()).and_then(|forged| forged.commit(false)).expect("room");
    assert!(store.get(&digest, 5000).expect("believed").is_some());
    let paranoid = store.store.clone().paranoid(true);
    assert!(matches!(paranoid.get(&digest, 5000), Err(StoreError::Corrupt { .. })));
}

#[test]
fn using_a_blob_leaves_its_witness_as_it_was() {
    let store = store();
    let digest = *put(&store, b"used").digest();
    next_tick();
    assert!(store.get(&digest, 4).expect("right").is_some());
    let look = || disk::look(&store.place.witness(&digest)).expect("readable").expect("there");
    let before = look();
    next_tick();
    assert!(store.get(&digest, 4).expect("right").is_some());
    let after = look();
    assert_eq!((before.mtime(), before.mtime_nsec()), (after.mtime(), after.mtime_nsec()));
    assert!((before.atime(), before.atime_nsec()) < (after.atime(), after.atime_nsec()));
}

#[test]
fn a_store_is_a_directory() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("file");
    std::fs::write(&file, "").expect("room");
    for path in [file.clone(), file.join("below")] {
        let error = Store::open(&path).expect_err("no directory");
        assert_eq!(error.class(), ExitClass::Failed);
        assert!(error.to_string().contains(&path.display().to_string()), "{error}");
    }
}

#[test]
fn what_another_process_has_replaced_is_not_moved_aside() {
    let store = store();
    let digest = *put(&store, b"content").digest();
    let path = store.place.blob(&digest);
    let seen = std::fs::metadata(&path).expect("there");
    // Held open, so that its inode cannot be given to the new file.
    let held = store.get(&digest, 7).expect("right");
    replace(&path, |path| std::fs::write(path, "content"));
    assert_eq!(store.set_aside(&path, "name", Some(&seen)), None);
    assert!(store.get(&digest, 7).expect("right").is_some());
    drop(held);
    let now = std::fs::metadata(&path).expect("there");
    assert_eq!(store.set_aside(&path, "name", Some(&now)), Some(store.place.set_aside().join("name")));
}
