//! Tests of the store within one process; those with several are in `tests/store.rs` of the crate.
#![expect(clippy::disallowed_methods, reason = "the tests damage files behind the store's back")]

mod cleaning;
mod derived;
mod hits;
mod writing;

use std::fs::{File, FileTimes};
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::{Path, PathBuf};

use ocelet_oci::Digest;

use super::{Begun, Partial, Store, VerifiedBlob};

/// An empty store that is removed with the value.
struct Place {
    _directory: tempfile::TempDir,
    store: Store,
}

impl std::ops::Deref for Place {
    type Target = Store;
    fn deref(&self) -> &Store {
        &self.store
    }
}

fn store() -> Place {
    let directory = tempfile::tempdir().expect("a directory");
    let store = Store::open(directory.path().join("cache")).expect("nothing is there");
    Place { _directory: directory, store }
}

/// Some bytes that are not like their neighbours.
fn bytes(length: usize) -> Vec<u8> {
    (0..length).map(|at| u8::try_from((at * 7 + at / 251) % 256).expect("below 256")).collect()
}

fn begin(store: &Store, digest: &Digest, size: impl Into<Option<u64>>) -> Partial {
    match store.begin(digest, size).expect("the store can be written") {
        Begun::Write(partial) => partial,
        other => panic!("it is not there yet, but {other:?}"),
    }
}

fn put(store: &Store, content: &[u8]) -> VerifiedBlob {
    let mut partial = begin(store, &Digest::of(content), content.len() as u64);
    partial.append(content).expect("there is room");
    partial.finish().expect("it is right")
}

fn content(blob: &VerifiedBlob) -> Vec<u8> {
    blob.content().bytes().expect("it can be read").to_vec()
}

/// Waits until a change gets another time than all that happened before, on kernels with ticks.
fn next_tick() {
    std::thread::sleep(std::time::Duration::from_millis(30));
}

/// Flips a bit and puts the modification time back, as `touch -r` would.
fn flip(path: &Path, at: u64) {
    std::fs::set_permissions(path, PermissionsExt::from_mode(0o644)).expect("it is ours");
    let file = File::options().read(true).write(true).open(path).expect("it is there");
    let modified = file.metadata().and_then(|metadata| metadata.modified()).expect("it has a time");
    let mut byte = [0];
    file.read_exact_at(&mut byte, at).expect("it is that long");
    file.write_all_at(&[byte[0] ^ 1], at).expect("it can be written");
    file.set_times(FileTimes::new().set_modified(modified)).expect("it is ours");
    std::fs::set_permissions(path, PermissionsExt::from_mode(0o444)).expect("it is ours");
}

/// All regular files below a directory, by path.
fn files(directory: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(directory).into_iter().flatten() {
        let path = entry.expect("it can be listed").path();
        if path.is_dir() { all.extend(files(&path)) } else { all.push(path) }
    }
    all.sort();
    all
}
