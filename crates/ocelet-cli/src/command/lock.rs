//! `ocelet lock`: chooses packages and artifacts, and writes the choice beside the recipe.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use ocelet::fetch::Supply;
use ocelet::host::{Host, Scratch};
use ocelet::lock::{Lock, LockDiff};
use ocelet::locking::{self, Planned, Staleness};
use ocelet::resolve::Update;
use serde_json::json;

use crate::environment;
use crate::failure::Failure;
use crate::output::{MessageFormat, Talk, print, print_json};
use crate::progress::{Lines, size};
use crate::recipe::{Loaded, RecipeArguments, read_lock};
use crate::supply::SupplyArguments;

/// What was typed.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  ocelet lock recipes/node.toml                   lock what is new, keep the rest\n  \
    ocelet lock recipes/node.toml --update          choose everything anew\n  \
    ocelet lock recipes/node.toml --update openssl  only openssl and what it needs\n  \
    ocelet lock recipes/node.toml --update --diff   what that would change, without writing it"
)]
pub(crate) struct Arguments {
    #[command(flatten)]
    recipe: RecipeArguments,

    /// Choose these packages and artifacts anew; all of them where none is named
    #[arg(long, value_name = "NAME", num_args = 0..)]
    update: Option<Vec<String>>,

    /// Show what would be chosen, from the indexes alone; nothing is written
    #[arg(long, conflicts_with = "diff")]
    plan: bool,

    /// Show what would change in versions, sizes, files, needed libraries, setuid programs and scripts; nothing is
    /// written. With a file, the change from that lock to the one beside the recipe
    #[arg(long, value_name = "OLD.lock", num_args = 0..=1)]
    #[expect(clippy::option_option, reason = "not given, given alone, given with a file: as clap tells it")]
    diff: Option<Option<PathBuf>>,

    /// Only check that the lock answers the recipe
    #[arg(long, conflicts_with_all = ["update", "plan", "diff"])]
    locked: bool,

    #[command(flatten)]
    supply: SupplyArguments,

    /// How it is printed
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: MessageFormat,
}

pub(super) fn run(arguments: &Arguments, talk: &Talk) -> Result<ExitCode, Failure> {
    let loaded = arguments.recipe.load(talk)?;
    let observer = Lines::new(talk);
    let doors = arguments.supply.open(talk)?;
    let supply = &doors.supply(&loaded.base);
    let scratch = Scratch::new(environment::scratch());
    let host = &environment::host(None, &scratch, &observer)?;
    act(arguments, &loaded, supply, host, talk)?;
    Ok(ExitCode::SUCCESS)
}

fn act(
    arguments: &Arguments,
    loaded: &Loaded,
    supply: &Supply<'_>,
    host: &Host<'_>,
    talk: &Talk,
) -> Result<(), Failure> {
    let previous = loaded.lock()?;
    let update = match &arguments.update {
        None => Update::Nothing,
        Some(names) if names.is_empty() => Update::Everything,
        Some(names) => Update::Names(names.iter().cloned().collect()),
    };
    if arguments.plan {
        let planned = locking::plan(&loaded.recipe, previous.as_ref(), &update, supply, host)?;
        return show_plan(&planned, arguments.format);
    }
    if let Some(Some(old)) = &arguments.diff {
        let old =
            read_lock(old)?.ok_or_else(|| Failure::usage(format!("there is no lock {}", old.display())))?;
        let new = previous.ok_or_else(|| no_lock(loaded))?;
        let changes = locking::compare(&loaded.recipe, &old, &new, supply, host);
        return show_diff(&changes, arguments.format);
    }
    if arguments.locked || update == Update::Nothing && arguments.diff.is_none() {
        let staleness = if arguments.locked { Staleness::Refused } else { Staleness::Replaced };
        let settled = locking::settle(&loaded.recipe, previous, staleness, supply, host)?;
        return finish(loaded, &settled.lock, settled.is_new, talk);
    }
    let lock = locking::lock(&loaded.recipe, previous.as_ref(), &update, supply, host)?;
    let before = previous.unwrap_or_default();
    if arguments.diff.is_some() {
        let changes = locking::compare(&loaded.recipe, &before, &lock, supply, host);
        return show_diff(&changes, arguments.format);
    }
    let is_new = lock != before;
    finish(loaded, &lock, is_new, talk)
}

fn finish(loaded: &Loaded, lock: &Lock, is_new: bool, talk: &Talk) -> Result<(), Failure> {
    if !locking::needs_lock(&loaded.recipe) {
        talk.status("Unneeded", "the recipe has no packages or artifacts to lock");
        return Ok(());
    }
    if is_new {
        return loaded.write_lock(lock, talk);
    }
    talk.status("Fresh", &format!("{} answers the recipe", loaded.lock_path.display()));
    Ok(())
}

fn no_lock(loaded: &Loaded) -> Failure {
    Failure::failed(format!("there is no lock {}", loaded.lock_path.display()))
        .hint("run `ocelet lock` first")
}

/// One line for each package, and the sum.
fn show_plan(planned: &Planned, format: MessageFormat) -> Result<(), Failure> {
    let packages = &planned.plan.packages;
    if format == MessageFormat::Json {
        let packages: Vec<_> = packages
            .iter()
            .map(|one| {
                json!({
                    "source": one.source.as_str(), "platform": one.platform.to_string(), "name": one.name,
                    "version": one.version, "size": one.size, "installed-size": one.installed_size,
                    "because": one.because, "location": one.location.to_string(),
                })
            })
            .collect();
        return print_json(&json!({
            "packages": packages, "listed": planned.listed, "notes": planned.plan.notes,
        }));
    }
    let mut page = String::new();
    // Writing to a String cannot fail.
    for one in packages {
        let because: Vec<&str> = one.because.iter().map(String::as_str).collect();
        let _ = writeln!(
            page,
            "{} {} ({} for {}, {}): {}",
            one.name,
            one.version,
            one.source,
            one.platform,
            size(one.size),
            because.join(", ")
        );
    }
    for note in &planned.plan.notes {
        let _ = writeln!(page, "note: {note}");
    }
    let download = packages.iter().map(|one| one.size).sum();
    let installed = packages.iter().map(|one| one.installed_size).sum();
    let _ = writeln!(
        page,
        "{} packages of {} listed, {} to download, {} installed",
        packages.len(),
        planned.listed,
        size(download),
        size(installed)
    );
    print(&page)
}

pub(super) fn show_diff(changes: &LockDiff, format: MessageFormat) -> Result<(), Failure> {
    if format == MessageFormat::Json {
        let changes: Vec<_> = changes.changes.iter().map(ToString::to_string).collect();
        return print_json(&json!({ "changes": changes }));
    }
    let lines: Vec<String> = changes.changes.iter().map(|change| format!("{change}\n")).collect();
    print(if lines.is_empty() { "nothing changes\n" } else { "" })?;
    print(&lines.concat())
}
