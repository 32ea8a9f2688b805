//! Unpacking and verifying Debian packages against `dpkg-deb --fsys-tarfile FILE | sha256sum`, in one run.
//!
//! `cargo bench -p ocelet-package --bench unpack_deb -- FILE_OR_DIRECTORY…` prints megabytes a second (10^6 bytes of the
//! unpacked data) of both and their ratio: below 1.0, checking the digest of the package and the MD5 of every file takes
//! less time than the two tools take to unpack and hash. Without arguments there is nothing to measure.
#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a benchmark reads files and runs the rival"
)]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use ocelet_package::deb::{Archive, DATA_LIMIT, VerifiedPackage};
use ocelet_tree::Owner;
use sha2::{Digest, Sha256};

/// How often each side runs; the fastest run of each counts.
const RUNS: usize = 5;

fn main() {
    let mut files = Vec::new();
    for argument in std::env::args().skip(1).filter(|argument| !argument.starts_with("--")) {
        collect(Path::new(&argument), &mut files);
    }
    files.sort();
    if files.is_empty() {
        println!("nothing to measure: name .deb files or directories of them");
        return;
    }
    // What an index would say, known beforehand.
    let files: Vec<(PathBuf, [u8; 32])> = files
        .into_iter()
        .map(|file| {
            let digest = Sha256::digest(std::fs::read(&file).expect("a package")).into();
            (file, digest)
        })
        .collect();
    let plain: u64 = files.iter().map(|(file, digest)| unpack(file, *digest).data().length()).sum();
    let data_only = fastest(|| files.iter().for_each(|(file, digest)| drop(unpack(file, *digest))));
    let here = fastest(|| {
        for (file, digest) in &files {
            assert!(!unpack(file, *digest).contents(&Owner::new("bench")).expect("they fit").tree.is_empty());
        }
    });
    // One shell for all files, so that starting programs does not count against the rival more than it must.
    let rival = fastest(|| rival(&files));
    let megabytes = f64::from(u32::try_from(plain / 1000).expect("below 4 TB")) / 1000.0;
    let speed = |time: Duration| megabytes / time.as_secs_f64();
    println!("{} packages, {plain} bytes unpacked", files.len());
    println!("digest, unpack                       {:8.1} MB/s", speed(data_only));
    println!("the same, tree and MD5 of each file  {:8.1} MB/s", speed(here));
    println!("dpkg-deb --fsys-tarfile | sha256sum  {:8.1} MB/s", speed(rival));
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
    } else if path.extension().is_some_and(|extension| extension == "deb") {
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

fn unpack(file: &Path, digest: [u8; 32]) -> VerifiedPackage {
    let bytes = std::fs::read(file).expect("a package");
    let archive = Archive::open("package", &bytes).expect("a package");
    archive.verify_digest(digest).expect("the same").unpack(DATA_LIMIT).expect("whole")
}

fn rival(files: &[(PathBuf, [u8; 32])]) {
    let script = "for file; do dpkg-deb --fsys-tarfile \"$file\" | sha256sum; done";
    let status = Command::new("sh")
        .args(["-c", script, "sh"])
        .args(files.iter().map(|(file, _)| file))
        .stdout(Stdio::null())
        .status()
        .expect("sh, dpkg-deb and sha256sum");
    assert!(status.success());
}
