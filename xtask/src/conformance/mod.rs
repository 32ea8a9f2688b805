//! Reality: what ocelet says and writes, held against real loaders and real clients.
//!
//! What a check needs and the machine lacks is named and skipped; `.ci/run` installs everything, and sets
//! `OCELET_CONFORMANCE=all`, under which a skipped check is a failed one.

mod apk_real;
mod bundle;
mod clients;
mod containerd;
mod crowd;
mod debian;
mod launch;
mod loader;
mod offline;
mod pack;
mod plain;
mod podman;
mod real;
mod repeat;
mod roots;

use crate::Outcome;
use crate::shell::{command, is_installed, output, variable};

/// One check: its name, and what does it with the path of the program.
type Check = (&'static str, fn(&str) -> Outcome);

const CHECKS: &[Check] = &[
    ("repeat", repeat::run),
    ("clients", clients::run),
    ("loader", loader::host),
    ("foreign", loader::foreign),
    ("musl", loader::musl),
    ("worlds", loader::worlds),
    ("offline", offline::run),
    ("crowd", crowd::run),
    ("apk-real", apk_real::run),
    ("debian", debian::run),
    ("pack", pack::run),
    ("launch", launch::run),
    ("node", real::node::run),
    ("launch-real", real::launch::run),
    ("node-foreign", real::foreign::run),
    ("sizes", real::sizes::run),
];

/// Runs the named checks, or all of them.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    if let Some(unknown) = arguments.iter().find(|argument| CHECKS.iter().all(|(name, _)| name != argument)) {
        let names: Vec<&str> = CHECKS.iter().map(|(name, _)| *name).collect();
        return Err(format!("no check is called {unknown}; there are {}", names.join(", ")));
    }
    let ocelet = build()?;
    for (name, check) in CHECKS {
        if arguments.is_empty() || arguments.iter().any(|argument| argument == name) {
            println!("== conformance {name}");
            check(&ocelet)?;
        }
    }
    Ok(())
}

/// The program that `OCELET_PROGRAM` names, or one that is built in the profile of the tasks, which has what hashes and
/// compresses optimised.
fn build() -> Result<String, String> {
    if let Some(program) = variable("OCELET_PROGRAM") {
        return Ok(program);
    }
    let mut cargo = command("cargo");
    cargo.args([
        "build",
        "--quiet",
        "--locked",
        "-p",
        "ocelet-cli",
        "--message-format",
        "json-render-diagnostics",
    ]);
    let messages = output(&mut cargo)?;
    messages
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter_map(|message| message["executable"].as_str().map(str::to_owned))
        .next_back()
        .ok_or_else(|| "cargo built no program".to_owned())
}

/// A tool that a check cannot do without. Where it is missing the check is skipped, or fails in CI.
fn need(program: &str) -> Result<bool, String> {
    if is_installed(program) {
        return Ok(true);
    }
    skip(&format!("{program} not installed")).map(|()| false)
}

/// Says that something is not checked; fails in CI.
fn skip(why: &str) -> Outcome {
    if variable("OCELET_CONFORMANCE").as_deref() == Some("all") {
        return Err(format!("{why}, and with OCELET_CONFORMANCE=all nothing is skipped"));
    }
    println!("skipped: {why}");
    Ok(())
}
