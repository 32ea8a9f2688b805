//! `ocelet mirror`: everything that a recipe's lock names, as plain files for machines without a network.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use ocelet::host::Scratch;
use ocelet::locking::{self, Staleness};
use serde_json::json;

use crate::environment;
use crate::failure::Failure;
use crate::output::{MessageFormat, Talk, print_json};
use crate::progress::{Lines, size};
use crate::recipe::RecipeArguments;
use crate::supply::SupplyArguments;

/// What was typed.
#[derive(Debug, Args)]
#[command(after_help = "Example: ocelet mirror recipes/node.toml --to /srv/mirror\n\
    Then, where there is no network: ocelet assemble recipes/node.toml --offline --mirror /srv/mirror\n\
    Several recipes may share a mirror; `sha256sum -c SHA256SUMS` checks it, and its package part is a repository for apk.")]
pub(crate) struct Arguments {
    #[command(flatten)]
    recipe: RecipeArguments,

    /// The directory of the mirror; it is made where it is not there
    #[arg(long, value_name = "DIR")]
    to: PathBuf,

    /// Refuse a lock that does not answer the recipe, instead of writing one
    #[arg(long)]
    locked: bool,

    #[command(flatten)]
    supply: SupplyArguments,

    /// What is printed to stdout at the end
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: MessageFormat,
}

pub(super) fn run(arguments: &Arguments, talk: &Talk) -> Result<ExitCode, Failure> {
    let loaded = arguments.recipe.load(talk)?;
    let doors = arguments.supply.open(talk)?;
    let supply = doors.supply(&loaded.base);
    let observer = Lines::new(talk);
    let scratch = Scratch::new(environment::scratch());
    let host = environment::host(None, &scratch, &observer)?;
    let staleness = if arguments.locked { Staleness::Refused } else { Staleness::Replaced };
    let settled = locking::settle(&loaded.recipe, loaded.lock()?, staleness, &supply, &host)?;
    if settled.is_new {
        loaded.write_lock(&settled.lock, talk)?;
    }
    let report = locking::mirror(&loaded.recipe, &settled.lock, &arguments.to, &supply, &host)?;
    for path in &report.replaced {
        talk.status("Replaced", path);
    }
    talk.status(
        "Mirrored",
        &format!(
            "{} files, {} in {} ({} written)",
            report.files,
            size(report.bytes),
            arguments.to.display(),
            report.written
        ),
    );
    if arguments.format == MessageFormat::Json {
        print_json(&json!({
            "mirror": arguments.to.display().to_string(), "files": report.files, "bytes": report.bytes,
            "written": report.written, "replaced": report.replaced,
        }))?;
    }
    Ok(ExitCode::SUCCESS)
}
