//! Mutated inputs for every parser: none may panic, run away with time or memory, or hang.
//!
//! It needs no fuzzing engine: seeds are taken from the fixtures and mutated by a seeded generator, so a run can be
//! repeated. The seed is printed, and `OCELET_FUZZ_SEED` gives another one. An input that fails is kept in
//! `target/fuzz/`, with the command that tries it again.

mod debian;
mod launch;
mod mutate;
mod seeds;
mod targets;
mod watch;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::Outcome;
use crate::shell::{make_directory, read, root, variable, write};
use mutate::Mutator;
use targets::{Bench, Target, targets};
use watch::{Watch, peak_memory, reset_peak_memory};

/// How long all targets together are tried when nothing is said, in seconds.
const USUAL_SECONDS: u64 = 20;
/// The seed when nothing is said.
const USUAL_SEED: u64 = 0x6f63_656c_6574;
/// The longest that one input may take.
const SLOWEST: Duration = Duration::from_secs(5);
/// How much one input may raise the peak of memory, in bytes.
const LARGEST: u64 = 384 << 20;

/// `fuzz [SECONDS [TARGET…]]`, or `fuzz FILE` for an input that was kept.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    let Some((word, names)) = arguments.split_first() else {
        return some(&Bench::new()?, USUAL_SECONDS, &[]);
    };
    match word.parse() {
        Ok(seconds) => some(&Bench::new()?, seconds, names),
        Err(_) if names.is_empty() => again(&Bench::new()?, Path::new(word)),
        Err(_) => Err("usage: cargo xtask fuzz [SECONDS [TARGET…] | FILE]".to_owned()),
    }
}

/// Tries those targets, or all where none is named.
fn some(bench: &Bench, seconds: u64, names: &[String]) -> Outcome {
    if let Some(unknown) = names.iter().find(|name| targets().all(|target| target.name != name.as_str())) {
        let known: Vec<&str> = targets().map(|target| target.name).collect();
        return Err(format!("no target is called {unknown}; there are {}", known.join(", ")));
    }
    let wanted: Vec<&Target> =
        targets().filter(|target| names.is_empty() || names.iter().any(|name| name == target.name)).collect();
    let seed = match variable("OCELET_FUZZ_SEED") {
        Some(text) => text.parse().map_err(|_| format!("OCELET_FUZZ_SEED is {text}, not a whole number"))?,
        None => USUAL_SEED,
    };
    println!("seed {seed} (OCELET_FUZZ_SEED), {seconds} seconds for {} targets", wanted.len());
    let share = Duration::from_millis(seconds * 1000 / wanted.len() as u64);
    let mut failures = Vec::new();
    for target in wanted {
        let tried = try_target(bench, target, seed, share)?;
        println!("{:<14} {:>8} inputs from {:>3} seeds", target.name, tried.inputs, tried.seeds);
        failures.extend(tried.failure);
    }
    if failures.is_empty() { Ok(()) } else { Err(failures.join("\n")) }
}

struct Tried {
    inputs: u64,
    seeds: usize,
    failure: Option<String>,
}

/// Tries mutated inputs for as long as `share`, or until one fails.
fn try_target(bench: &Bench, target: &Target, seed: u64, share: Duration) -> Result<Tried, String> {
    let seeds = (target.seeds)(bench);
    if seeds.is_empty() {
        return Err(format!("the target {} has no seeds", target.name));
    }
    let mut mutator = Mutator::new(seed, target.name, target.words);
    let watch = Watch::start(&keep_path(target, "hanging"));
    let start = Instant::now();
    let mut inputs = 0;
    // The seeds as they are come first, and all of them whatever the time.
    while inputs < seeds.len() as u64 || start.elapsed() < share {
        let input = match seeds.get(usize::try_from(inputs).unwrap_or(usize::MAX)) {
            Some(seed) => seed.clone(),
            None => mutator.mutate(&seeds, target.repair),
        };
        inputs += 1;
        if let Err(why) = one(bench, target, &input, &watch) {
            let place = keep_path(target, &format!("{seed}-{inputs}"));
            write(&place, &input)?;
            let again = format!("cargo xtask fuzz {}", place.display());
            let failure = format!("{}: {why}; try it again with: {again}", target.name);
            return Ok(Tried { inputs, seeds: seeds.len(), failure: Some(failure) });
        }
    }
    Ok(Tried { inputs, seeds: seeds.len(), failure: None })
}

/// Tries one input; one that is slow twice, since others may have had the machine.
fn one(bench: &Bench, target: &Target, input: &[u8], watch: &Watch) -> Outcome {
    let took = once(bench, target, input, watch)?;
    if took <= SLOWEST || once(bench, target, input, watch)? <= SLOWEST {
        return Ok(());
    }
    Err(format!("it takes {took:.1?}, and at most {SLOWEST:.0?} are allowed"))
}

/// Tries one input once, and tells how long it took.
fn once(bench: &Bench, target: &Target, input: &[u8], watch: &Watch) -> Result<Duration, String> {
    reset_peak_memory();
    let before = peak_memory();
    watch.begin(input);
    let start = Instant::now();
    let ended = catch_unwind(AssertUnwindSafe(|| (target.call)(bench, input)));
    let took = start.elapsed();
    watch.end();
    let grown = peak_memory().saturating_sub(before);
    match ended {
        Err(_) => Err("it panics".to_owned()),
        Ok(()) if grown > LARGEST => {
            Err(format!("it takes {} MB of memory, and at most {} are allowed", grown >> 20, LARGEST >> 20))
        }
        Ok(()) => Ok(took),
    }
}

/// Tries an input that was kept: its file name begins with its target's.
fn again(bench: &Bench, file: &Path) -> Outcome {
    let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let target = targets()
        .find(|target| name.split('.').next() == Some(target.name))
        .ok_or_else(|| format!("{name} does not begin with the name of a target and a dot"))?;
    let input = read(file)?;
    let watch = Watch::start(&keep_path(target, "hanging"));
    one(bench, target, &input, &watch)?;
    println!("{}: {} bytes, nothing wrong", target.name, input.len());
    Ok(())
}

fn keep_path(target: &Target, word: &str) -> PathBuf {
    // The directory cannot fail to be made without the write failing, which is told.
    let directory = root().join("target/fuzz");
    let _ = make_directory(&directory);
    directory.join(format!("{}.{word}", target.name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_takes_its_seeds_and_some_mutants() {
        let bench = Bench::new().unwrap_or_else(|error| panic!("{error}"));
        for target in targets() {
            let tried = try_target(&bench, target, USUAL_SEED, Duration::from_millis(100));
            let tried = tried.unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(tried.failure, None);
            assert!(tried.inputs >= tried.seeds as u64);
        }
    }

    #[test]
    fn what_fails_is_found() {
        let bench = Bench::new().unwrap_or_else(|error| panic!("{error}"));
        let fragile = Target {
            name: "fragile",
            seeds: |_| vec![b"aaaaaaaa".to_vec()],
            words: &[],
            repair: |_| {},
            call: |_, input| assert!(!input.contains(&b'\xff'), "a byte that it cannot take"),
        };
        let tried = try_target(&bench, &fragile, 1, Duration::from_secs(60));
        let failure = tried.unwrap_or_else(|error| panic!("{error}")).failure;
        assert!(failure.is_some_and(|failure| failure.contains("fragile: it panics")));
    }
}
