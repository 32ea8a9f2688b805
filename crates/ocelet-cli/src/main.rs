//! The binary `ocelet`: reads flags, the environment and the terminal, calls the library, and turns what comes
//! back into text and an exit code. It decides nothing about images.
//!
//! stdout is data and stderr is talk, so every command can stand in a pipe.
#![forbid(unsafe_code)]
#![expect(clippy::doc_markdown, reason = "doc comments of arguments are the help that users read")]

mod command;
mod environment;
mod failure;
mod output;
mod packing;
mod progress;
mod recipe;
mod supply;

use std::process::ExitCode;

use clap::Parser;

use command::Command;

/// Minimal OCI images for Kubernetes nodes, assembled without a daemon.
///
/// A recipe says which commands an image must be able to run. ocelet finds the files that these need, by the rules
/// of the dynamic loaders and without executing anything, keeps them with a reason for each, and writes an OCI
/// layout that podman, containerd, skopeo and umoci read as it is.
#[derive(Debug, Parser)]
#[command(name = "ocelet", version, propagate_version = true, max_term_width = 110)]
#[command(
    after_help = "Start with `ocelet assemble recipes/host-tools.toml`, then ask `ocelet why dist/host-tools /usr/bin/mount`.\n\
    Exit codes: 0 done; 1 the work failed; 2 wrong usage or an invalid recipe; 3 an input failed verification; \
    4 an input could not be had."
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,

    #[command(flatten)]
    talk: output::Talk,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match command::run(arguments.command, &arguments.talk) {
        Ok(code) => code,
        Err(failure) => failure.tell(&arguments.talk),
    }
}
