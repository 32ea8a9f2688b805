//! `ocelet cache`: what is kept of earlier runs, whether it is still right, and making room.

use std::fmt::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use ocelet::fetch::store::{Inventory, Keep, Store, Verification};
use serde_json::{Value, json};

use crate::environment;
use crate::failure::Failure;
use crate::output::{MessageFormat, Talk, print, print_json};
use crate::progress::size;

/// The length of a day in seconds.
const DAY: i64 = 24 * 60 * 60;

/// What was typed.
#[derive(Debug, Args)]
#[command(
    after_help = "Everything in the cache is named by its digest and can be had again; other processes may use it meanwhile."
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    action: Action,

    /// The cache [default: $OCELET_CACHE, else $XDG_CACHE_HOME/ocelet, else ~/.cache/ocelet]
    #[arg(long, global = true, value_name = "DIR")]
    dir: Option<PathBuf>,

    /// How it is printed
    #[arg(long, global = true, value_name = "FORMAT", default_value = "text")]
    format: MessageFormat,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Show what is in the cache
    List,
    /// Hash everything again; exit code 3 if anything is damaged, which is then moved aside
    Verify,
    /// Remove what is old, or everything
    Clean(CleanArguments),
}

#[derive(Debug, Args)]
#[group(multiple = false)]
struct CleanArguments {
    /// Remove what was not used for this many days
    #[arg(long, value_name = "DAYS", default_value_t = 30)]
    older_than: u32,

    /// Remove everything that nobody is writing
    #[arg(long)]
    all: bool,
}

pub(super) fn run(arguments: &Arguments, talk: &Talk) -> Result<ExitCode, Failure> {
    let directory = arguments.dir.clone().map_or_else(environment::cache_directory, Ok)?;
    let store = Store::open(directory)?;
    match &arguments.action {
        Action::List => list(&store, arguments.format)?,
        Action::Verify => verify(&store, arguments.format, talk)?,
        Action::Clean(how) => clean(&store, how, arguments.format, talk)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn list(store: &Store, format: MessageFormat) -> Result<(), Failure> {
    let inventory = store.list()?;
    match format {
        MessageFormat::Json => print_json(&document(store, &inventory)),
        MessageFormat::Text => print(&page(store, &inventory, environment::now())),
    }
}

fn document(store: &Store, inventory: &Inventory) -> Value {
    let blobs = inventory.blobs.iter().map(|blob| {
        let made_from: Vec<Value> = blob
            .made_from
            .iter()
            .map(|origin| json!({"input": origin.input.to_string(), "kind": origin.kind}))
            .collect();
        json!({
            "digest": blob.digest.to_string(), "size": blob.size, "last_used": blob.last_used,
            "made_from": made_from,
        })
    });
    let unfinished = inventory.unfinished.iter().map(|file| {
        json!({
            "name": file.name, "size": file.size, "last_written": file.last_written, "in_use": file.in_use,
        })
    });
    let set_aside = inventory.set_aside.iter().map(|file| {
        json!({"path": file.path.display().to_string(), "size": file.size, "last_written": file.last_written})
    });
    json!({
        "directory": store.directory().display().to_string(),
        "blobs": blobs.collect::<Vec<_>>(),
        "unfinished": unfinished.collect::<Vec<_>>(),
        "set_aside": set_aside.collect::<Vec<_>>(),
    })
}

fn page(store: &Store, inventory: &Inventory, now: i64) -> String {
    let mut page = String::new();
    // Writing to a String cannot fail.
    for blob in &inventory.blobs {
        let (shown, age) = (size(blob.size), age(now, blob.last_used));
        let _ = write!(page, "{}  {shown:>9}  used {age}", blob.digest);
        for origin in &blob.made_from {
            let _ = write!(page, "  {} of {}", origin.kind, origin.input);
        }
        page.push('\n');
    }
    for file in &inventory.unfinished {
        let state = if file.in_use { "being written" } else { "unfinished" };
        let (shown, age) = (size(file.size), age(now, file.last_written));
        let _ = writeln!(page, "partial/{}  {shown:>9}  {state}, written {age}", file.name);
    }
    for file in &inventory.set_aside {
        let _ = writeln!(page, "{}  {:>9}  damaged, moved aside", file.path.display(), size(file.size));
    }
    let total = inventory.blobs.iter().map(|blob| blob.size).sum();
    let count = inventory.blobs.len();
    let _ = writeln!(page, "{}: {count} blobs, {}", store.directory().display(), size(total));
    page
}

fn age(now: i64, then: i64) -> String {
    match now.saturating_sub(then) / DAY {
        ..=0 => "today".to_owned(),
        1 => "yesterday".to_owned(),
        days => format!("{days} days ago"),
    }
}

fn verify(store: &Store, format: MessageFormat, talk: &Talk) -> Result<(), Failure> {
    let Verification { blobs, bytes, problems } = store.verify()?;
    if format == MessageFormat::Json {
        let problems: Vec<Value> = problems
            .iter()
            .map(|problem| {
                json!({
                    "message": problem.to_string(), "damage": problem.is_damage(), "hints": problem.hints(),
                })
            })
            .collect();
        print_json(&json!({"blobs": blobs, "bytes": bytes, "problems": problems}))?;
    }
    for problem in &problems {
        let text = problem.to_string();
        if problem.is_error() {
            talk.error(&text, &[], &problem.hints(), problem.exit_code());
        } else {
            talk.warning(&text);
        }
    }
    let damaged = problems.iter().filter(|problem| problem.is_damage()).count();
    let unreadable = problems.iter().filter(|problem| problem.is_error()).count() - damaged;
    let place = store.directory().display();
    if damaged > 0 {
        return Err(Failure::verification(format!("{damaged} files of {place} are damaged")));
    }
    if unreadable > 0 {
        return Err(Failure::failed(format!("{unreadable} files of {place} cannot be checked")));
    }
    talk.status("Verified", &format!("{blobs} blobs, {}", size(bytes)));
    Ok(())
}

fn clean(store: &Store, how: &CleanArguments, format: MessageFormat, talk: &Talk) -> Result<(), Failure> {
    let keep = if how.all {
        Keep::Nothing
    } else {
        Keep::UsedSince(environment::now().saturating_sub(i64::from(how.older_than) * DAY))
    };
    let cleaned = store.clean(&keep)?;
    if format == MessageFormat::Json {
        return print_json(&json!({
            "removed": cleaned.removed, "freed": cleaned.freed, "kept": cleaned.kept, "in_use": cleaned.in_use,
        }));
    }
    let used = if cleaned.in_use > 0 { format!(", {} in use", cleaned.in_use) } else { String::new() };
    let (removed, kept) = (cleaned.removed, cleaned.kept);
    talk.status("Removed", &format!("{removed} files, {}; {kept} blobs kept{used}", size(cleaned.freed)));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::age;

    #[test]
    fn ages_are_told_in_days() {
        for (seconds, want) in
            [(-5, "today"), (0, "today"), (86_399, "today"), (86_400, "yesterday"), (172_800, "2 days ago")]
        {
            assert_eq!(age(1_000_000_000, 1_000_000_000 - seconds), want, "{seconds}");
        }
    }
}
