//! The gate: everything that has to pass before a change lands, in the order that finds most mistakes soonest.

use crate::shell::{command, is_installed, show};
use crate::{Outcome, assemble, conformance, fuzz, tidy};

/// Runs every check; stops at the first that fails.
pub(crate) fn run(_: &[String]) -> Outcome {
    show(command("cargo").args(["fmt", "--all", "--check"]))?;
    tidy::run(&[])?;
    show(command("cargo").args([
        "clippy",
        "--workspace",
        "--all-targets",
        "--locked",
        "--",
        "-D",
        "warnings",
    ]))?;
    show(command("cargo").args(["test", "--workspace", "--locked"]))?;
    let mut docs = command("cargo");
    docs.args(["doc", "--workspace", "--no-deps", "--locked"]).env("RUSTDOCFLAGS", "-D warnings");
    show(&mut docs)?;
    if is_installed("cargo-deny") {
        show(command("cargo").args(["deny", "check", "bans", "licenses", "sources"]))?;
    } else {
        println!("skipped: cargo-deny not installed");
    }
    assemble::run(&[])?;
    conformance::run(&[])?;
    fuzz::run(&[])
}
