//! How long it takes to read indexes and to choose packages from them.
//!
//! `cargo bench -p ocelet-package --bench resolve -- ROOT,ROOT… INDEX.tar.gz…` prints the times of one cold run and the most memory
//! that the process had. Without indexes it says how to be called.

use std::io::Read;
use std::time::Instant;

use ocelet_package::apk::solve::{Repository, Request, Root, check, solve};
use ocelet_package::apk::{Dependency, Index, Package};

/// The text of the index in an archive of several gzip members.
fn index_text(path: &str) -> Vec<u8> {
    #[expect(clippy::disallowed_methods, reason = "a benchmark reads the files that it is given")]
    let packed = std::fs::read(path).unwrap_or_else(|error| panic!("cannot read {path}: {error}"));
    let mut archive = Vec::new();
    flate2::read::MultiGzDecoder::new(&packed[..]).read_to_end(&mut archive).expect("gzip");
    let mut archive = tar::Archive::new(&archive[..]);
    archive.set_ignore_zeros(true);
    for entry in archive.entries().expect("a tar archive") {
        let mut entry = entry.expect("an entry");
        if entry.path().is_ok_and(|path| path.as_os_str() == "APKINDEX") {
            let mut text = Vec::new();
            entry.read_to_end(&mut text).expect("the content of the entry");
            return text;
        }
    }
    panic!("{path} has no APKINDEX")
}

#[expect(clippy::print_stdout, reason = "a benchmark prints its results")]
fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    let Some((roots, paths)) = arguments.split_first().filter(|(_, paths)| !paths.is_empty()) else {
        println!("usage: resolve ROOT,ROOT,… INDEX.tar.gz…");
        return;
    };
    let begin = Instant::now();
    let texts: Vec<Vec<u8>> = paths.iter().map(|path| index_text(path)).collect();
    let unpacked = Instant::now();
    let indexes: Vec<Index> =
        texts.into_iter().map(|text| Index::from_bytes(text).expect("a well-formed index")).collect();
    let parsed = Instant::now();
    let roots: Vec<Dependency<'_>> =
        roots.split(',').map(|root| Dependency::parse(root).expect("a dependency")).collect();
    let request = Request {
        repositories: indexes.iter().map(Repository::new).collect(),
        roots: roots.iter().copied().map(Root::new).collect(),
        ..Request::default()
    };
    let solution = solve(&request);
    let solved = Instant::now();
    match &solution {
        Ok(solution) => {
            let packages: Vec<_> = solution.packages.iter().map(|chosen| chosen.package).collect();
            let labels: Vec<String> = packages.iter().map(Package::label).collect();
            println!("{} packages, found by {:?}: {}", labels.len(), solution.found_by, labels.join(" "));
            println!("checked anew: {:?}", check(&roots, &packages));
        }
        Err(error) => println!("{error}"),
    }
    let packages: usize = indexes.iter().map(Index::len).sum();
    println!(
        "{packages} packages: unpack {:?}, parse {:?}, solve {:?}, together {:?}",
        unpacked - begin,
        parsed - unpacked,
        solved - parsed,
        solved - begin
    );
    #[expect(clippy::disallowed_methods, reason = "the kernel tells how much memory was used")]
    if let Ok(status) = std::fs::read_to_string("/proc/self/status") {
        let peak = status.lines().find(|line| line.starts_with("VmHWM"));
        println!("{}", peak.unwrap_or("peak memory unknown"));
    }
}
