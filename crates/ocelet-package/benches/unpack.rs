//! Unpacking and verifying packages against `gzip -dc FILE | sha256sum` of the same bytes, in one run.
//!
//! `cargo bench -p ocelet-package --bench unpack -- FILE_OR_DIRECTORY…` prints megabytes a second (10^6 bytes of the
//! stored file) of both and their ratio: below 1.0, checking the signature, the digest and every file's checksum
//! takes less time than the two tools take to inflate and hash. Without arguments there is nothing to measure.
#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a benchmark reads files and runs the rival"
)]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use ocelet_package::apk::{Archive, DATA_LIMIT, Keyring};
use ocelet_tree::Owner;

/// How often each side runs; the fastest run of each counts.
const RUNS: usize = 5;

fn main() {
    let mut files = Vec::new();
    for argument in std::env::args().skip(1).filter(|argument| !argument.starts_with("--")) {
        collect(Path::new(&argument), &mut files);
    }
    files.sort();
    if files.is_empty() {
        println!("nothing to measure: name .apk files or directories of them");
        return;
    }
    let keyring = Keyring::alpine();
    let stored: u64 = files.iter().map(|file| std::fs::metadata(file).expect("a file").len()).sum();
    let megabytes = f64::from(u32::try_from(stored / 1000).expect("below 4 TB")) / 1000.0;
    let here = fastest(|| files.iter().for_each(|file| unpack(file, &keyring)));
    let data_only = fastest(|| files.iter().for_each(|file| data(file, &keyring)));
    // One shell for all files, so that starting programs does not count against the rival more than it must.
    let rival = fastest(|| rival(&files));
    let speed = |time: Duration| megabytes / time.as_secs_f64();
    println!("{} packages, {stored} bytes stored", files.len());
    println!("signature, digest, inflate               {:8.1} MB/s", speed(data_only));
    println!("the same, tree and checksum of each file {:8.1} MB/s", speed(here));
    println!("gzip -dc | sha256sum                     {:8.1} MB/s", speed(rival));
    println!("ratio {:.3} (all checks), {:.3} (without tree)", ratio(here, rival), ratio(data_only, rival));
}

fn ratio(here: Duration, rival: Duration) -> f64 {
    here.as_secs_f64() / rival.as_secs_f64()
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) {
    if path.is_dir() {
        for entry in std::fs::read_dir(path).expect("a directory") {
            collect(&entry.expect("an entry").path(), files);
        }
    } else if path.extension().is_some_and(|extension| extension == "apk") {
        files.push(path.to_owned());
    }
}

fn fastest(mut run: impl FnMut()) -> Duration {
    let timed = |()| {
        let began = Instant::now();
        run();
        began.elapsed()
    };
    std::iter::repeat_n((), RUNS).map(timed).min().expect("some run")
}

fn unpack(file: &Path, keyring: &Keyring) {
    let bytes = std::fs::read(file).expect("a package");
    let archive = Archive::open("package", &bytes).expect("a package");
    let package = archive.verify(keyring).expect("signed").unpack(DATA_LIMIT).expect("whole");
    assert!(package.contents(&Owner::new("bench")).expect("they fit").skipped.is_empty());
}

fn data(file: &Path, keyring: &Keyring) {
    let bytes = std::fs::read(file).expect("a package");
    let archive = Archive::open("package", &bytes).expect("a package");
    let package = archive.verify(keyring).expect("signed").unpack(DATA_LIMIT).expect("whole");
    assert!(package.data().length() > 0);
}

fn rival(files: &[PathBuf]) {
    let script = "for file; do gzip -dc \"$file\" | sha256sum; done";
    let status = Command::new("sh")
        .args(["-c", script, "sh"])
        .args(files)
        .stdout(Stdio::null())
        .status()
        .expect("sh, gzip and sha256sum");
    assert!(status.success());
}
