//! Witnesses: that a blob was hashed whole once, and that nobody has touched its file since.
//!
//! A witness says which inode was hashed, its size, and its times of modification and change. The kernel sets
//! the change time (`st_ctime`, inode(7)) at every write, also where the modification time is put back
//! afterwards, and no call sets it to a chosen value. Any difference means that the file is hashed again.
//!
//! Times have ticks, of a few milliseconds on many kernels: a file that is changed twice in one tick keeps its
//! change time. So a witness is written *before* the file is hashed, and is believed only if the file's last
//! change is from an earlier tick than the witness: a change after that bears a later time than the one that is
//! written down. (The same is known as the racy entries of an index of git.) A fresh blob whose witness is too
//! fresh costs one more hash, at its next use.
//!
//! What it cannot see: a disk that loses bits under an unchanged file, and someone who may write in the store
//! and writes a witness too. `Store::verify` and `Store::paranoid` hash always.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;

use ocelet_oci::Digest;
use rustix::fs::{Timespec, Timestamps, UTIME_NOW, UTIME_OMIT};

use super::claim::Document;
use super::disk;
use super::error::StoreError;
use super::place::Place;

/// No witness is longer, in bytes.
const LONGEST: u64 = 200;

/// What a witness says of a file in this state.
fn testimony(metadata: &Metadata) -> String {
    format!(
        "inode {} size {} modified {}.{:09} changed {}.{:09}\n",
        metadata.ino(),
        metadata.size(),
        metadata.mtime(),
        metadata.mtime_nsec(),
        metadata.ctime(),
        metadata.ctime_nsec(),
    )
}

/// Whether a witness says that the file was hashed whole in this very state. Remembers that it was used.
pub(super) fn vouches(place: &Place, digest: &Digest, blob: &Metadata) -> bool {
    let Ok(Some((file, witness, text))) = disk::read_small(&place.witness(digest), LONGEST) else {
        return false;
    };
    let earlier = (blob.ctime(), blob.ctime_nsec()) < (witness.mtime(), witness.mtime_nsec());
    let vouches = earlier && text == testimony(blob);
    if vouches {
        // Its access time is when the blob was used last; its modification time must stay. A store that cannot
        // be written forgets that it was used, and nothing else.
        let now = Timespec { tv_sec: 0, tv_nsec: UTIME_NOW };
        let unchanged = Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT };
        let _ = rustix::fs::futimens(&file, &Timestamps { last_access: now, last_modification: unchanged });
    }
    vouches
}

/// Writes down, before a file is hashed, in which state it will have been.
pub(super) fn prepare(place: &Place, digest: &Digest, blob: &Metadata) -> Result<Document, StoreError> {
    Document::prepare(place, place.witness(digest), &testimony(blob))
}

/// Whether a file is still in the state that it was in.
pub(super) fn unchanged(before: &Metadata, after: &Metadata) -> bool {
    disk::same(before, after) && testimony(before) == testimony(after)
}

/// When a blob was used last, in seconds since 1970: what its witness remembers, or when its file was made.
pub(super) fn last_used(place: &Place, digest: &Digest, blob: &Metadata) -> i64 {
    match disk::look(&place.witness(digest)) {
        Ok(Some(witness)) => witness.atime().max(witness.mtime()),
        _ => blob.mtime(),
    }
}
