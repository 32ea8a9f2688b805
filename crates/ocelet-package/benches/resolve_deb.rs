//! How long it takes to read Debian's indexes and to choose packages from them.
//!
//! `cargo bench -p ocelet-package --bench resolve_deb -- ARCHITECTURE ROOT,ROOT… PACKAGES…` prints the times of one cold run
//! with unpacked `Packages` files, and the most memory that the process had. Without files it says how to be called.

use std::time::Instant;

use ocelet_package::deb::{Index, Package};
use ocelet_package::deb_solve::{Listed, Request, Root, check, solve};

#[expect(clippy::print_stdout, reason = "a benchmark prints its results")]
#[expect(clippy::disallowed_methods, reason = "a benchmark reads the files that it is given")]
fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    let [architecture, roots, paths @ ..] = &arguments[..] else {
        println!("usage: resolve_deb ARCHITECTURE ROOT,ROOT… PACKAGES…");
        return;
    };
    let read =
        |path: &String| std::fs::read(path).unwrap_or_else(|error| panic!("cannot read {path}: {error}"));
    let texts: Vec<Vec<u8>> = paths.iter().map(read).collect();
    let begin = Instant::now();
    let indexes: Vec<Index> =
        texts.into_iter().map(|text| Index::from_bytes(text).expect("a well-formed index")).collect();
    let parsed = Instant::now();
    let roots: Vec<Root<'_>> =
        roots.split(',').map(|root| Root::parse(root).unwrap_or_else(|error| panic!("{error}"))).collect();
    let request = Request {
        indexes: indexes.iter().map(Listed::new).collect(),
        architecture,
        roots: roots.clone(),
        ..Request::default()
    };
    let solution = solve(&request);
    let solved = Instant::now();
    match &solution {
        Ok(solution) => {
            let packages: Vec<Package<'_>> = solution.packages.iter().map(|chosen| chosen.package).collect();
            let labels: Vec<String> = packages.iter().map(Package::label).collect();
            println!("{} packages, found by {:?}: {}", labels.len(), solution.found_by, labels.join(" "));
            println!("checked anew: {:?}", check(architecture, &roots, &packages));
        }
        Err(error) => println!("{error}"),
    }
    let packages: usize = indexes.iter().map(Index::len).sum();
    let (parse, choose) = (parsed - begin, solved - parsed);
    println!("{packages} packages: parse {parse:?}, solve {choose:?}, together {:?}", solved - begin);
    if let Ok(status) = std::fs::read_to_string("/proc/self/status") {
        let peak = status.lines().find(|line| line.starts_with("VmHWM"));
        println!("{}", peak.unwrap_or("peak memory unknown"));
    }
}
