//! `cargo bench`: the closure against `libtree` and `lddtree`, and the layer writer against `tar | gzip -6` and
//! `tar | pigz -6`, each pair in turn within one run.
//!
//! Whole processes are timed, since that is what a user waits for. What is printed is the ratio pair by pair as
//! minimum, median and maximum: single times on a shared machine say little. A peer that is not installed is
//! named and skipped. Nothing here passes or fails; the goals stand beside the figures.
#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]
#![expect(clippy::disallowed_methods, reason = "a benchmark runs its peers")]

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// How many counted pairs, after one uncounted.
const PAIRS: usize = 7;
/// How large the tree of the layer benchmark is, in bytes.
const TREE: u64 = 500 << 20;

fn main() {
    let wanted: Vec<String> =
        std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let wants = |name: &str| wanted.is_empty() || wanted.iter().any(|argument| argument == name);
    if wants("closure") {
        closure();
    }
    if wants("layer") {
        layer();
    }
}

fn ocelet() -> Command {
    Command::new(env!("CARGO_BIN_EXE_ocelet"))
}

fn closure() {
    let programs = elf_files(Path::new("/usr/bin"));
    println!("closure of the {} ELF files of /usr/bin", programs.len());
    let mut ours = ocelet();
    ours.args(["closure", "--quiet", "--root", "/", "--format", "paths", "--allow-missing"]).args(&programs);
    if have("libtree") {
        // -vvv lists what each file loads, whole, as the loader does; -vv names each library once in all; the default
        // leaves out the C library and what that brings.
        for flag in ["-vvv", "-vv", "-p"] {
            let mut libtree = Command::new("libtree");
            libtree.args(["-p", flag]).args(&programs);
            let shown = if flag == "-p" { "(default)" } else { flag };
            report(&format!("ocelet / libtree {shown} (goal: below 1)"), &pairs(&mut ours, &mut libtree));
        }
    }
    if have("lddtree") {
        // lddtree starts a Python for each call and is given all files at once, its best case.
        let mut lddtree = Command::new("lddtree");
        // It is a script of the system's Python, whatever other one comes first in the caller's PATH.
        lddtree.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        lddtree.arg("-l").args(&programs);
        report("ocelet / lddtree -l (goal: below 0.05)", &pairs(&mut ours, &mut lddtree));
        agreement(&mut ours, &mut lddtree);
    }
}

/// Whether both name the same files, by real path: what only one names is shown.
fn agreement(ours: &mut Command, theirs: &mut Command) {
    let [ours, theirs] = [ours, theirs].map(|command| {
        let output = command.stdout(Stdio::piped()).stderr(Stdio::null()).output().expect("it ran before");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        text.lines()
            .filter_map(|line| fs::canonicalize(line.trim()).ok())
            .filter(|path| is_elf(path))
            .collect::<BTreeSet<_>>()
    });
    let both = ours.intersection(&theirs).count();
    println!(
        "  {both} ELF files named by both, {} only by ocelet, {} only by lddtree",
        ours.len() - both,
        theirs.len() - both
    );
    for only in ours.difference(&theirs).take(10) {
        println!("    only ocelet:  {}", only.display());
    }
    for only in theirs.difference(&ours).take(10) {
        println!("    only lddtree: {}", only.display());
    }
}

fn layer() {
    let work = std::env::temp_dir().join(format!("ocelet-bench-{}", std::process::id()));
    let root = work.join("root");
    let bytes = gather(&root);
    println!("layer of a tree of {} MB from /usr/bin and /usr/lib", bytes / 1_000_000);
    let recipe = work.join("bench.toml");
    let text = format!(
        "image = \"bench\"\nplatforms = [\"linux/amd64\"]\ntag = \"t\"\n[source.root]\nrootfs = \"{}\"\n[flavor.bench]\nfiles = [\"/**\"]\n",
        root.display()
    );
    fs::write(&recipe, text).expect("a temporary file can be written");
    let out = work.join("out");
    let mut ours = Command::new("sh");
    let script = "rm -rf \"$2\"; exec \"$0\" assemble --quiet --allow-missing --compression gzip:6 \"$1\" --output \"$2\"";
    ours.args(["-c", script, env!("CARGO_BIN_EXE_ocelet")]).arg(&recipe).arg(&out);
    for (peer, pipe) in [("gzip", "gzip -6"), ("pigz", "pigz -6 -p 2")] {
        if have(peer) {
            let mut theirs = Command::new("sh");
            theirs
                .args(["-c", &format!("tar -cf - -C \"$0\" . | {pipe} | tee \"$1\" | sha256sum")])
                .arg(&root)
                .arg(work.join("peer.gz"));
            let goal = if peer == "pigz" { " (goal: at most 1)" } else { "" };
            report(
                &format!("ocelet assemble / tar | {pipe} | sha256sum{goal}"),
                &pairs(&mut ours, &mut theirs),
            );
            let size = fs::metadata(work.join("peer.gz")).map_or(0, |metadata| metadata.len());
            println!(
                "  {peer} wrote {} MB; ocelet {} MB",
                size / 1_000_000,
                directory_size(&out.join("blobs/sha256")) / 1_000_000
            );
        }
    }
    println!("  peak memory of ocelet: {} MB (goal: below 200)", peak(&recipe, &out) / 1000);
    fs::remove_dir_all(&work).expect("what was made here can be removed");
}

/// The peak resident memory of one assembly in kB, as the kernel counts it (`VmHWM`), sampled to the end.
fn peak(recipe: &Path, out: &Path) -> u64 {
    let _ = fs::remove_dir_all(out);
    let mut command = ocelet();
    command.args(["assemble", "--quiet", "--allow-missing"]).arg(recipe).arg("--output").arg(out);
    let mut child = command.spawn().expect("it ran before");
    let status = PathBuf::from(format!("/proc/{}/status", child.id()));
    let mut highest = 0;
    while child.try_wait().is_ok_and(|ended| ended.is_none()) {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let now = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0);
        highest = highest.max(now);
        std::thread::sleep(Duration::from_millis(20));
    }
    highest
}

/// Copies files of this machine until the tree is large enough.
fn gather(root: &Path) -> u64 {
    let mut bytes = 0;
    let mut files = walk(Path::new("/usr/bin"));
    files.extend(walk(Path::new("/usr/lib")));
    for file in files {
        let length = fs::metadata(&file).map_or(0, |metadata| metadata.len());
        if bytes + length > TREE {
            continue;
        }
        let target = root.join(file.strip_prefix("/").expect("it began with /"));
        fs::create_dir_all(target.parent().expect("it has one")).expect("a temporary directory can be made");
        if fs::copy(&file, &target).is_ok() {
            bytes += length;
        }
    }
    bytes
}

fn walk(directory: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut todo = vec![directory.to_path_buf()];
    while let Some(directory) = todo.pop() {
        for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
            let Ok(kind) = entry.file_type() else { continue };
            if kind.is_dir() {
                todo.push(entry.path());
            } else if kind.is_file() {
                files.push(entry.path());
            }
        }
    }
    files.sort();
    files
}

fn directory_size(directory: &Path) -> u64 {
    walk(directory).iter().filter_map(|file| fs::metadata(file).ok()).map(|metadata| metadata.len()).sum()
}

fn elf_files(directory: &Path) -> Vec<PathBuf> {
    walk(directory).into_iter().filter(|path| is_elf(path)).collect()
}

fn is_elf(path: &Path) -> bool {
    let mut magic = [0; 4];
    fs::File::open(path).and_then(|mut file| std::io::Read::read_exact(&mut file, &mut magic)).is_ok()
        && &magic == b"\x7fELF"
}

fn have(program: &str) -> bool {
    let found = Command::new("sh")
        .args(["-c", "command -v \"$0\" >/dev/null", program])
        .status()
        .is_ok_and(|status| status.success());
    if !found {
        println!("skipped: {program} not installed");
    }
    found
}

/// The two commands in turn: the wall times of each pair.
fn pairs(one: &mut Command, other: &mut Command) -> Vec<(Duration, Duration)> {
    let mut times = Vec::new();
    for _ in 0..=PAIRS {
        times.push((time(one), time(other)));
        print!(".");
        std::io::stdout().flush().expect("stdout takes a dot");
    }
    println!();
    times.split_off(1)
}

fn time(command: &mut Command) -> Duration {
    let start = Instant::now();
    let status =
        command.stdout(Stdio::null()).stderr(Stdio::null()).status().expect("the command can be started");
    let took = start.elapsed();
    // libtree and lddtree exit non-zero where something is missing; a signal is a failed measurement.
    assert!(status.code().is_some(), "{command:?} was killed");
    took
}

fn report(what: &str, pairs: &[(Duration, Duration)]) {
    let mut ratios: Vec<f64> =
        pairs.iter().map(|(one, other)| one.as_secs_f64() / other.as_secs_f64()).collect();
    ratios.sort_by(f64::total_cmp);
    let median = |mut times: Vec<Duration>| {
        times.sort();
        times[times.len() / 2]
    };
    let ours = median(pairs.iter().map(|pair| pair.0).collect());
    let theirs = median(pairs.iter().map(|pair| pair.1).collect());
    let figures: BTreeMap<&str, f64> = BTreeMap::from([
        ("min", ratios[0]),
        ("median", ratios[ratios.len() / 2]),
        ("max", ratios[ratios.len() - 1]),
    ]);
    println!(
        "  {what}: ratio median {:.3} (min {:.3}, max {:.3}); {ours:.1?} against {theirs:.1?}",
        figures["median"], figures["min"], figures["max"]
    );
}
