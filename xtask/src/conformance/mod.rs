//! Reality: what ocelet says and writes, held against real loaders and real clients.
//!
//! What a check needs and the machine lacks is named and skipped; `.ci/run` installs everything, and sets
//! `OCELET_CONFORMANCE=all`, under which a skipped check is a failed one.

mod clients;
mod containerd;
mod loader;
mod repeat;

use crate::Outcome;
use crate::shell::{command, show};

/// Runs the named checks, or all of them.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    let all: &[(&str, fn(&str) -> Outcome)] =
        &[("repeat", repeat::run), ("clients", clients::run), ("loader", loader::host), ("foreign", loader::foreign)];
    let wanted = |name: &str| arguments.is_empty() || arguments.iter().any(|argument| argument == name);
    if let Some(unknown) = arguments.iter().find(|argument| all.iter().all(|(name, _)| name != argument)) {
        return Err(format!("no check is called {unknown}; there are repeat, clients, loader, foreign"));
    }
    show(command("cargo").args(["build", "--quiet", "--release", "--locked", "-p", "ocelet-cli"]))?;
    let ocelet = crate::shell::root().join("target/release/ocelet").display().to_string();
    for (name, check) in all {
        if wanted(name) {
            println!("== conformance {name}");
            check(&ocelet)?;
        }
    }
    Ok(())
}

/// A tool that a check cannot do without. Where it is missing the check is skipped, or fails in CI.
pub(crate) fn need(program: &str) -> Result<bool, String> {
    if crate::shell::have(program) {
        return Ok(true);
    }
    if strict() { Err(format!("{program} is not installed, and CI skips nothing")) } else { Ok(false) }
}

#[expect(clippy::disallowed_methods, reason = "CI says through the environment that nothing may be skipped")]
fn strict() -> bool {
    std::env::var_os("OCELET_CONFORMANCE").is_some_and(|value| value == "all")
}
