//! Unpacking and verifying Debian packages against `dpkg-deb --fsys-tarfile FILE | sha256sum`, in one run.
//!
//! `cargo bench -p ocelet-package --bench unpack_deb -- FILE_OR_DIRECTORY…` runs both in turns and prints megabytes a
//! second (10^6 bytes of the unpacked data) of each and the median of their ratio pair by pair: below 1.0, checking the
//! digest of the package and the MD5 of every file takes less time than the two tools take to unpack and hash. Without
//! arguments there is nothing to measure.
#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a benchmark reads files and runs the rival"
)]

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use ocelet_package::deb::{Archive, DATA_LIMIT, VerifiedPackage};
use ocelet_tree::Owner;
use sha2::{Digest, Sha256};

/// How many counted rounds, after one uncounted.
const ROUNDS: usize = 7;

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
    let data_only = || files.iter().for_each(|(file, digest)| drop(unpack(file, *digest)));
    let whole = || files.iter().for_each(|(file, digest)| contents(file, *digest));
    let abreast = || abreast(&files);
    // One shell for all files, so that starting programs does not count against the rival more than it must.
    let tools = || rival(&files);
    let sides: [(&str, &dyn Fn()); 4] = [
        ("digest, unpack", &data_only),
        ("the same, tree and MD5 of each file", &whole),
        ("the same, a package on each core", &abreast),
        ("dpkg-deb --fsys-tarfile | sha256sum", &tools),
    ];
    let mut rounds: Vec<[Duration; 4]> = (0..=ROUNDS).map(|_| sides.map(|(_, run)| time(run))).collect();
    rounds.remove(0);
    println!("{} packages, {plain} bytes unpacked, median of {ROUNDS} rounds", files.len());
    let megabytes = f64::from(u32::try_from(plain / 1000).expect("below 4 TB")) / 1000.0;
    for (side, (name, _)) in sides.iter().enumerate() {
        let times = rounds.iter().map(|round| round[side].as_secs_f64());
        println!("{name:<36} {:8.1} MB/s", megabytes / median(times));
    }
    let [data_only, whole, abreast] = [0, 1, 2]
        .map(|side| median(rounds.iter().map(|round| round[side].as_secs_f64() / round[3].as_secs_f64())));
    println!(
        "ratio {abreast:.3} (all checks, a package on each core, as `assemble` unpacks), {whole:.3} (one after the other), \
         {data_only:.3} (without tree); goal: below 1.0"
    );
}

fn time(run: &dyn Fn()) -> Duration {
    let began = Instant::now();
    run();
    began.elapsed()
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
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

fn contents(file: &Path, digest: [u8; 32]) {
    assert!(!unpack(file, digest).contents(&Owner::new("bench")).expect("they fit").tree.is_empty());
}

/// As many packages at a time as there are cores: so they are unpacked when images are assembled.
fn abreast(files: &[(PathBuf, [u8; 32])]) {
    let next = AtomicUsize::new(0);
    let work = || {
        while let Some((file, digest)) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
            contents(file, *digest);
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, NonZeroUsize::get) {
            scope.spawn(work);
        }
    });
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
