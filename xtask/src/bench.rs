//! Runs the benchmark against the peers: `cargo bench -p ocelet-cli`, which measures and prints.

use crate::Outcome;
use crate::shell::{command, show};

/// Runs the benchmarks that are named, `closure` and `layer`, or both.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    show(
        command("cargo")
            .args(["bench", "--locked", "-p", "ocelet-cli", "--bench", "peers", "--"])
            .args(arguments),
    )
}
