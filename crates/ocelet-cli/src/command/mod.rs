//! The commands, one file each: what was typed, and what it means.

mod assemble;
mod cache;
mod closure;
mod completions;
mod diff;
mod export;
mod inspect;
mod launch;
mod lock;
mod mirror;
mod sbom;
mod schema;
mod sizes;
mod verify;
mod why;

use std::process::ExitCode;

use clap::Subcommand;
use ocelet::finished::FinishedImage;

use crate::failure::Failure;
use crate::output::Talk;

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Assemble the images of a recipe into an OCI layout
    Assemble(assemble::Arguments),
    /// Choose packages and artifacts, and write the choice beside the recipe
    Lock(lock::Arguments),
    /// Gather everything that the lock names in a directory, for machines without a network
    Mirror(mirror::Arguments),
    /// Show which files some commands need, and why
    Closure(closure::Arguments),
    /// Explain why a file is in an image, or what would have brought it there
    Why(why::Arguments),
    /// Show the tags, platforms, commands, layers and sizes of an image
    Inspect(inspect::Arguments),
    /// Show how large images are and what makes them so, side by side or against a budget
    Sizes(sizes::Arguments),
    /// Show what is another in a second image or lock
    Diff(diff::Arguments),
    /// Print the bill of materials of an image
    Sbom(sbom::Arguments),
    /// Check a finished image without running it
    Verify(verify::Arguments),
    /// Write an image as a docker-archive, an oci-archive or a root file system tarball
    Export(export::Arguments),
    /// Print or write what starts an image: scripts, units, a bundle, a whole node
    Launch(launch::Arguments),
    /// Show, check or clean the cache of downloads
    Cache(cache::Arguments),
    /// Print the JSON schema of recipes, for editors
    Schema,
    /// Print completions for a shell
    Completions(completions::Arguments),
}

/// Runs a command.
pub(crate) fn run(command: Command, talk: &Talk) -> Result<ExitCode, Failure> {
    match command {
        Command::Assemble(arguments) => assemble::run(&arguments, talk),
        Command::Lock(arguments) => lock::run(&arguments, talk),
        Command::Mirror(arguments) => mirror::run(&arguments, talk),
        Command::Closure(arguments) => closure::run(&arguments, talk),
        Command::Why(arguments) => why::run(&arguments, talk),
        Command::Inspect(arguments) => inspect::run(&arguments, talk),
        Command::Sizes(arguments) => sizes::run(&arguments, talk),
        Command::Diff(arguments) => diff::run(&arguments, talk),
        Command::Sbom(arguments) => sbom::run(&arguments, talk),
        Command::Verify(arguments) => verify::run(&arguments, talk),
        Command::Export(arguments) => export::run(&arguments, talk),
        Command::Launch(arguments) => launch::run(&arguments, talk),
        Command::Cache(arguments) => cache::run(&arguments, talk),
        Command::Schema => schema::run(),
        Command::Completions(arguments) => completions::run(&arguments),
    }
}

/// The one image that is meant.
///
/// # Errors
/// There are several; all of them are named.
fn only(mut images: Vec<FinishedImage>, typed: &str) -> Result<FinishedImage, Failure> {
    if images.len() == 1 {
        return Ok(images.remove(0));
    }
    let each: Vec<String> = images
        .iter()
        .map(|image| format!("{} {}", image.tag.as_deref().unwrap_or("untagged"), image.platform))
        .collect();
    let message = format!("{typed} holds {} images: {}", each.len(), each.join(", "));
    Err(Failure::usage(message).hint("name one with LAYOUT:TAG and --platform"))
}
