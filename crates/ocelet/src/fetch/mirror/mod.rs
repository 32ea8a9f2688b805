//! [`write_mirror`]: everything that a lock names as plain files in a directory, to be carried to where no network is.
//!
//! ```text
//! DIR/
//!   <path of a locked file>   mode 0644, its bytes as they were locked; package indexes last
//!   SHA256SUMS                all files, sorted by path, for `sha256sum -c SHA256SUMS`
//!   .ocelet-lock              empty; locked by whoever writes here, so that two do not at once
//! ```
//!
//! A file appears whole, synced and under its name by one `rename(2)`. What is right already is not touched, so
//! that running it again and `rsync` move little. Several recipes may share a directory. It refuses to follow a link
//! inside the directory, a path that would leave it, and a `SHA256SUMS` that it cannot read.

mod directory;
mod error;
mod listed;
mod path;
mod sums;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::Path;

use crate::event::Event;
use crate::host::Host;
use crate::lock::{Lock, LockedFile};

pub use error::MirrorError;
pub(crate) use listed::Listed;
pub use sums::SumsProblem;

use directory::{Directory, Found};
use path::{LOCK, SUMS};
use sums::Sums;

use super::goods::Goods;
use super::store::VerifiedBlob;

/// What was done to a mirror.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MirrorReport {
    /// How many files the lock and its indexes came down to.
    pub files: usize,
    /// How many bytes these have.
    pub bytes: u64,
    /// How many of them had to be written: the others were there already, and right.
    pub written: usize,
    /// How many bytes these have.
    pub bytes_written: u64,
    /// Files that were there with another content, by path: package indexes that have moved on, most often.
    pub replaced: Vec<String>,
    /// How many files of other recipes `SHA256SUMS` goes on to name.
    pub others: usize,
}

/// Writes every file that a lock names, of all its platforms, into the directory `to`, and `indexes` by their paths
/// in it. The indexes are written last, so that one never names a package that is not there.
///
/// Another process that writes into the same directory is waited for.
///
/// # Errors
/// A path cannot be one of a mirror, `goods` lacks a file of the lock, the `SHA256SUMS` that is there is damaged, or
/// something cannot be written.
pub fn write_mirror(
    lock: &Lock,
    goods: &Goods,
    indexes: &[(String, VerifiedBlob)],
    to: &Path,
    host: &Host<'_>,
) -> Result<MirrorReport, MirrorError> {
    let (files, indexes) = gather(lock, goods, indexes)?;
    let directory = Directory::open(to)?;
    let _alone = directory.lock(LOCK, || {
        let name = format!("the mirror {}", to.display());
        host.observer.observe(&Event::Waiting { name: &name });
    })?;
    let held = directory.read_small(SUMS)?;
    let mut sums = match &held {
        None => Sums::default(),
        Some(text) => {
            Sums::read(text).map_err(|problems| MirrorError::Sums { path: to.join(SUMS), problems })?
        }
    };
    let mut report = MirrorReport::default();
    for (path, blob) in files.iter().chain(&indexes) {
        let found = directory.look(path, blob.digest(), blob.size())?;
        report.files += 1;
        report.bytes += blob.size();
        if found != Found::Right {
            directory.write(path, blob)?;
            report.written += 1;
            report.bytes_written += blob.size();
        }
        if found == Found::Other {
            report.replaced.push((*path).to_owned());
        }
        sums.set(path, *blob.digest());
    }
    report.others = sums.count() - report.files;
    // Names first, then the page that promises them.
    directory.sync()?;
    let text = sums.text();
    if held.as_deref() != Some(text.as_bytes()) {
        directory.write_text(SUMS, &text)?;
        directory.sync()?;
    }
    Ok(report)
}

/// Files by their path in the mirror.
type Files<'goods> = BTreeMap<&'goods str, &'goods VerifiedBlob>;

/// The files and the indexes, each path once; everything that is wrong with them at once.
fn gather<'goods>(
    lock: &'goods Lock,
    goods: &'goods Goods,
    given: &'goods [(String, VerifiedBlob)],
) -> Result<(Files<'goods>, Files<'goods>), MirrorError> {
    let (mut files, mut indexes) = (Files::new(), Files::new());
    let mut problems = Vec::new();
    let packages = lock.packages.iter().map(|package| &package.file);
    let locked: Vec<&LockedFile> =
        packages.chain(lock.artifacts.iter().chain(&lock.tools).map(|artifact| &artifact.file)).collect();
    for file in locked {
        match goods.get(&file.sha256) {
            Some(blob) => problems.extend(add(&mut files, &file.path, blob)),
            None => {
                problems.push(format!("{} ({}) was not brought home", file.path.escape_debug(), file.sha256));
            }
        }
    }
    for (path, blob) in given {
        problems.extend(add(&mut indexes, path, blob));
        if files.contains_key(path.as_str()) {
            problems.push(format!("{} is both an index and another file", path.escape_debug()));
        }
    }
    if problems.is_empty() { Ok((files, indexes)) } else { Err(MirrorError::Unfit { problems }) }
}

/// Adds a file; says what is wrong with it, if anything is.
fn add<'goods>(files: &mut Files<'goods>, at: &'goods str, blob: &'goods VerifiedBlob) -> Option<String> {
    if let Err(why) = path::check(at) {
        return Some(format!("\"{}\" cannot be a path in a mirror: {why}", at.escape_debug()));
    }
    let known = *files.entry(at).or_insert(blob);
    let differs = known.digest() != blob.digest();
    differs.then(|| format!("{at} has two contents: {} and {}", known.digest(), blob.digest()))
}
