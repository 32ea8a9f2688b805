//! The store among processes: twenty at once with some killed, one killed in the middle of a blob, file systems that
//! are full or read-only, and creation masks of all kinds.
#![expect(clippy::disallowed_methods, reason = "the tests start themselves again, and damage files")]

use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use ocelet::ExitClass;
use ocelet::fetch::store::{Begun, Keep, Kind, Store, StoreError, VerifiedBlob};
use ocelet_oci::Digest;

const STORE: &str = "OCELET_TEST_STORE";
const TASK: &str = "OCELET_TEST_TASK";
const DOUBLED: Kind = Kind::new("doubled");
/// How many different blobs the processes fight for.
const BLOBS: usize = 30;

/// The same bytes in all processes: a few hundred KiB at most.
fn bytes(number: usize) -> Vec<u8> {
    let mut numbers = Numbers(number as u64 + 1);
    (0..number * 7919).map(|_| numbers.next().to_le_bytes()[4]).collect()
}

/// Numbers that look random and are the same each time (Knuth's MMIX).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 16
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }
}

/// Starts this test again in another process, with a task.
fn start(test: &str, store: &Path, task: &str) -> Child {
    let mut child = Command::new(std::env::current_exe().expect("it runs"));
    child.args(["--exact", test]).env(STORE, store).env(TASK, task);
    child.stdout(std::process::Stdio::null()).spawn().expect("it was started once already")
}

/// The store and the task of a process that was started by another.
fn task() -> Option<(Store, String)> {
    let store = Store::open(std::env::var_os(STORE)?).expect("a store");
    Some((store, std::env::var(TASK).expect("both are set")))
}

fn put(store: &Store, whole: &[u8]) -> Result<VerifiedBlob, StoreError> {
    match store.begin(&Digest::of(whole), whole.len() as u64)? {
        Begun::Held(blob) => Ok(blob),
        Begun::Write(mut partial) => {
            let from = usize::try_from(partial.written()).expect("small");
            for piece in whole[from..].chunks(16 << 10) {
                partial.append(piece)?;
            }
            partial.finish()
        }
        Begun::Busy => panic!("begin waits"),
    }
}

fn content(blob: &VerifiedBlob) -> Vec<u8> {
    blob.content().bytes().expect("it can be read").to_vec()
}

/// Puts all blobs in an order of its own, and what is made from each; checks every byte.
fn work(store: &Store, seed: u64) {
    let mut numbers = Numbers(seed);
    let mut order: Vec<usize> = (0..BLOBS).collect();
    for last in (1..BLOBS).rev() {
        order.swap(last, usize::try_from(numbers.below(last as u64 + 1)).expect("small"));
    }
    for number in order {
        let whole = bytes(number);
        let blob = put(store, &whole).expect("it can be written");
        assert!(content(&blob) == whole, "blob {number}");
        let doubled = store.derive(blob.digest(), DOUBLED, |sink| -> Result<(), StoreError> {
            sink.write_all(&whole).and_then(|()| sink.write_all(&whole)).expect("there is room");
            Ok(())
        });
        assert!(
            content(&doubled.expect("it can be made")) == [&whole[..], &whole[..]].concat(),
            "{number} twice"
        );
    }
}

#[test]
fn twenty_processes_some_killed_and_the_store_cleaned_meanwhile() {
    const TEST: &str = "twenty_processes_some_killed_and_the_store_cleaned_meanwhile";
    if let Some((store, seed)) = task() {
        return work(&store, seed.parse().expect("a number"));
    }
    let directory = tempfile::tempdir().expect("a directory");
    let store = Store::open(directory.path().join("store")).expect("nothing is there");
    let mut numbers = Numbers(20);
    let mut killed = 0;
    for round in 0..4 {
        let mut running: Vec<Child> = (0..20)
            .map(|number| start(TEST, store.directory(), &(round * 100 + number).to_string()))
            .collect();
        // Eight of them die, at any moment of their work.
        for _ in 0..8 {
            std::thread::sleep(Duration::from_millis(numbers.below(60)));
            let victim = usize::try_from(numbers.below(running.len() as u64)).expect("small");
            let mut victim = running.swap_remove(victim);
            victim.kill().expect("it is ours");
            killed += usize::from(!victim.wait().expect("it ends").success());
            if round % 2 == 1 {
                store.clean(&Keep::Nothing).expect("cleaning is safe at any time");
            }
        }
        for mut survivor in running {
            assert!(survivor.wait().expect("it ends").success(), "a survivor of round {round} failed");
        }
        let found = store.verify().expect("it can be read");
        assert!(found.problems.is_empty(), "{:?}", found.problems);
        if round % 2 == 0 {
            assert_eq!(found.blobs, all().len(), "round {round}");
        }
    }
    assert!(killed > 0, "nobody was killed in time: the test shows nothing");
    work(&store, 4711);
    assert!(store.list().expect("it can be read").unfinished.iter().all(|file| !file.in_use));
    store.clean(&Keep::Only(all().into_iter().collect())).expect("nobody else is there");
    let inventory = store.list().expect("it can be read");
    assert_eq!((inventory.blobs.len(), inventory.unfinished.len()), (all().len(), 0));
}

/// All digests that `work` leaves.
fn all() -> std::collections::BTreeSet<Digest> {
    let once = (0..BLOBS).map(|number| Digest::of(&bytes(number)));
    once.chain((0..BLOBS).map(|number| Digest::of(&bytes(number).repeat(2)))).collect()
}

#[test]
fn a_killed_writers_part_is_continued() {
    const TEST: &str = "a_killed_writers_part_is_continued";
    let whole = bytes(25);
    let digest = Digest::of(&whole);
    if let Some((store, length)) = task() {
        let Ok(Begun::Write(mut partial)) = store.begin(&digest, None) else { panic!("it is not there") };
        partial.append(&whole[..length.parse().expect("a number")]).expect("there is room");
        std::thread::sleep(Duration::from_secs(600));
        return;
    }
    let directory = tempfile::tempdir().expect("a directory");
    let store = Store::open(directory.path().join("store")).expect("nothing is there");
    let file = directory.path().join("store/v1/partial").join(digest.hex());
    let mut writer = start(TEST, store.directory(), "12345");
    let patience = Instant::now();
    while std::fs::metadata(&file).map_or(0, |metadata| metadata.len()) < 12345 {
        assert!(patience.elapsed() < Duration::from_secs(60), "the writer does not write");
        std::thread::sleep(Duration::from_millis(2));
    }
    assert!(matches!(store.try_begin(&digest, None), Ok(Begun::Busy)));
    writer.kill().and_then(|()| writer.wait()).expect("it is ours");
    let Ok(Begun::Write(mut partial)) = store.begin(&digest, whole.len() as u64) else {
        panic!("the lock went with the process")
    };
    assert_eq!(partial.resumed(), 12345);
    partial.append(&whole[12345..]).expect("there is room");
    assert_eq!(content(&partial.finish().expect("it is right")), whole);
}

#[test]
fn the_creation_mask_changes_only_who_may_read() {
    const TEST: &str = "the_creation_mask_changes_only_who_may_read";
    if let Some((store, mask)) = task() {
        let mask = u32::from_str_radix(&mask, 8).expect("octal");
        rustix::process::umask(rustix::fs::Mode::from_bits_truncate(mask));
        return work(&store, 1);
    }
    for (mask, directories) in [("000", 0o755), ("022", 0o755), ("077", 0o700), ("027", 0o750)] {
        let directory = tempfile::tempdir().expect("a directory");
        let store = directory.path().join("store");
        assert!(start(TEST, &store, mask).wait().expect("it ends").success(), "{mask}");
        for path in everything(&store) {
            let metadata = std::fs::symlink_metadata(&path).expect("there");
            let mode = metadata.mode() & 0o7777;
            if metadata.is_dir() {
                assert_eq!(mode, directories, "{mask}: {}", path.display());
            } else if path.starts_with(store.join("v1/blobs")) {
                assert_eq!(mode, 0o444, "{mask}: {}", path.display());
            } else {
                assert_eq!(mode & 0o022, 0, "{mask}: {} may be written by others", path.display());
            }
        }
        let found = Store::open(&store).and_then(|store| store.verify()).expect("it can be read");
        assert_eq!((found.blobs, found.problems.len()), (all().len(), 0), "{mask}");
    }
}

/// All paths from a directory on, itself included.
fn everything(path: &Path) -> Vec<PathBuf> {
    let mut all = vec![path.to_path_buf()];
    if path.is_dir() {
        for entry in std::fs::read_dir(path).expect("it can be listed") {
            all.extend(everything(&entry.expect("it can be listed").path()));
        }
    }
    all
}

/// A small file system in memory, for as long as the value lives.
struct Small(tempfile::TempDir);

impl Small {
    /// Nothing where the machine does not let us.
    fn mount() -> Option<Self> {
        let directory = tempfile::tempdir().expect("a directory");
        let small = Self(directory);
        small.run("mount", &["-t", "tmpfs", "-o", "size=512k,mode=0755", "tmpfs"]).then_some(small)
    }

    fn run(&self, program: &str, arguments: &[&str]) -> bool {
        let mut command = Command::new(program);
        command.args(arguments).arg(self.0.path()).stderr(std::process::Stdio::null());
        command.status().is_ok_and(|status| status.success())
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        self.run("umount", &["-l"]);
    }
}

#[test]
fn a_full_file_system_is_an_error_and_not_the_end() {
    let Some(small) = Small::mount() else {
        println!("skipped: a file system cannot be mounted here");
        return;
    };
    let store = Store::open(small.0.path().join("store")).expect("nothing is there");
    put(&store, b"small").expect("there is room");
    let filler = small.0.path().join("filler");
    std::fs::write(&filler, vec![0; 300 << 10]).expect("there is room");
    let whole = bytes(40);
    let error = put(&store, &whole).expect_err("310 KiB do not fit");
    let StoreError::Io { cause, .. } = &error else { panic!("{error:?}") };
    assert_eq!(cause.kind(), std::io::ErrorKind::StorageFull, "{error:?}");
    assert_eq!((error.class(), error.hints().len()), (ExitClass::Failed, 1));
    let full = store.derive(&Digest::of(b"small"), DOUBLED, |sink| -> Result<(), StoreError> {
        sink.write_all(&whole).expect_err("it does not fit either");
        Ok(())
    });
    assert!(matches!(full, Err(StoreError::Io { .. })), "a maker cannot hide it: {full:?}");
    assert!(store.get(&Digest::of(b"small"), 5).expect("right").is_some());
    std::fs::remove_file(&filler).expect("there");
    let Ok(Begun::Write(partial)) = store.begin(&Digest::of(&whole), whole.len() as u64) else {
        panic!("it is not there yet")
    };
    assert!(partial.resumed() > 0, "what fitted is continued");
    drop(partial);
    assert_eq!(content(&put(&store, &whole).expect("there is room now")), whole);
    // The same handle, too, can try again.
    store.clean(&Keep::Nothing).expect("it can be cleaned");
    std::fs::write(&filler, vec![0; 300 << 10]).expect("there is room");
    let mut partial = store.begin_unnamed().expect("there is room for a name");
    partial.append(&whole).expect_err("it does not fit");
    assert_eq!(partial.written(), 0, "a piece comes in whole or not at all");
    std::fs::remove_file(&filler).expect("there");
    partial.append(&whole).expect("there is room now");
    let blob = partial.finish().expect("nothing was announced");
    assert_eq!((content(&blob), *blob.digest()), (whole.clone(), Digest::of(&whole)));
    assert!(store.verify().expect("it can be read").problems.is_empty());
}

#[test]
fn a_read_only_store_serves_hits() {
    let Some(small) = Small::mount() else {
        println!("skipped: a file system cannot be mounted here");
        return;
    };
    let store = Store::open(small.0.path().join("store")).expect("nothing is there");
    let (right, damaged) = (bytes(3), bytes(5));
    put(&store, &right).expect("there is room");
    let path = put(&store, &damaged).expect("there is room").path().to_path_buf();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).expect("ours");
    std::fs::write(&path, vec![0; damaged.len()]).expect("ours");
    assert!(small.run("mount", &["-o", "remount,ro"]), "it was mounted by us");
    for paranoid in [false, true] {
        let store = store.clone().paranoid(paranoid);
        let held = store.get(&Digest::of(&right), right.len() as u64).expect("right").expect("there");
        assert_eq!(content(&held), right);
        let error = store.get(&Digest::of(&damaged), None).expect_err("damaged");
        assert!(matches!(error, StoreError::Corrupt { aside: None, .. }), "{error:?}");
        assert!(store.get(&Digest::of(b"other"), None).expect("absent").is_none());
    }
    for error in [
        store.begin(&Digest::of(b"other"), None).map(|_| ()).expect_err("it cannot be written"),
        store.begin_unnamed().map(|_| ()).expect_err("it cannot be written"),
        store.clean(&Keep::Nothing).map(|_| ()).expect_err("it cannot be cleaned"),
    ] {
        assert_eq!((error.class(), error.hints().len()), (ExitClass::Failed, 1), "{error:?}");
    }
    assert_eq!(store.list().expect("it can be read").blobs.len(), 2);
}
