//! The project's own tasks, one word each; `cargo xtask` lists them.
//!
//! A task prints what it does, and exits non-zero when anything is wrong. It refuses to be needed: every
//! check here can be run by hand with the command that it prints.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "tasks talk to whoever runs them")]

mod assemble;
mod bench;
mod binaries;
mod bless;
mod ci;
mod conformance;
mod fixtures;
mod fuzz;
mod shell;
mod tidy;

use std::process::ExitCode;

/// What a task says when it fails.
type Outcome = Result<(), String>;

/// A task: its word, what it is for, what does it with the remaining arguments.
type Task = (&'static str, &'static str, fn(&[String]) -> Outcome);

const TASKS: &[Task] = &[
    (
        "assemble",
        "every flavor and platform of the embedded bundle, or of recipes, with sizes: `assemble [--live] [RECIPE…] [--set \
         NAME=VALUE]…`; with --live from upstream",
        assemble::run,
    ),
    ("ci", "everything that has to pass before a change lands", ci::run),
    ("tidy", "the house rules that no compiler knows", tidy::run),
    (
        "fixtures",
        "write the embedded bundle in fixtures/ anew from its generator, or compare it: `fixtures [--check]`",
        fixtures::run,
    ),
    ("bless", "accept the embedded bundle's digests as the new golden ones", bless::run),
    (
        "fuzz",
        "mutated inputs for every parser: `fuzz [SECONDS [TARGET…]]` (default 20, all), or `fuzz FILE` again",
        fuzz::run,
    ),
    (
        "bench",
        "time what ocelet does, against its peers where it has any: `bench [closure|layer|unpack|resolve]…`",
        bench::run,
    ),
    (
        "binaries",
        "build real programs of nodes from their sources, laid out as upstream: `binaries --to DIR [--only PART]…`",
        binaries::run,
    ),
    (
        "conformance",
        "real loaders and real clients: `conformance [repeat|clients|loader|foreign|musl|worlds|offline|crowd|apk-real|\
         debian|node|sizes]…`",
        conformance::run,
    ),
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let word = arguments.first().map(String::as_str);
    let Some((_, _, task)) = TASKS.iter().find(|(name, _, _)| Some(*name) == word) else {
        println!("cargo xtask TASK [ARGUMENT…]\n");
        for (name, purpose, _) in TASKS {
            println!("  {name:<12} {purpose}");
        }
        return ExitCode::from(2);
    };
    match task(&arguments[1..]) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}
