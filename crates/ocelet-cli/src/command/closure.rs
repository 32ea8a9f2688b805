//! `ocelet closure`: the files that some commands need, and why, for any root file system.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use ocelet::Silent;
use ocelet::finished::{ClosureAnswer, ClosureQuery, Reference, closure};
use ocelet::host::{Host, Scratch};
use serde_json::json;

use super::assemble::platform;
use crate::environment;
use crate::failure::Failure;
use crate::output::{Talk, print, print_json};

/// What was typed.
#[derive(Debug, Args)]
#[command(after_help = "Example: ocelet closure --root / mount umount --rules nss\n\
    Nothing is executed, so the root may be of any platform: ocelet closure --root arm64.tar.gz --platform linux/arm64 /bin/sh")]
pub(crate) struct Arguments {
    /// Commands by name, or absolute paths; all programs of the usual PATH where none is named
    wanted: Vec<String>,

    /// The root file system: a directory, a tarball, LAYOUT[:TAG] or an archive
    #[arg(long, value_name = "DIR|TAR|LAYOUT[:TAG]", default_value = "/")]
    root: String,

    /// The platform that the files must run on [default: that of this machine]
    #[arg(long, value_name = "PLATFORM")]
    platform: Option<String>,

    /// A rule pack to choose; may be given several times
    #[arg(long = "rules", value_name = "PACK", value_delimiter = ',')]
    rules: Vec<String>,

    /// How it is printed
    #[arg(long, value_name = "FORMAT", default_value = "tree")]
    format: Format,

    /// Exit with success even where something is missing
    #[arg(long)]
    allow_missing: bool,
}

/// How a closure is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Each file below the one that needs it.
    Tree,
    /// All files with all reasons.
    Json,
    /// A graph for Graphviz.
    Dot,
    /// One path a line.
    Paths,
}

pub(super) fn run(arguments: &Arguments, talk: &Talk) -> Result<ExitCode, Failure> {
    let wanted = match &arguments.platform {
        Some(text) => platform(text)?,
        None => platform(&format!("linux/{}", native()))?,
    };
    let scratch = Scratch::new(environment::scratch());
    let host = Host { jobs: environment::jobs(None), epoch: None, scratch: &scratch, observer: &Silent };
    let Reference { path, tag } = Reference::new(&arguments.root);
    let query = ClosureQuery {
        root: path,
        tag,
        platform: wanted,
        rules: arguments.rules.clone(),
        wanted: arguments.wanted.clone(),
    };
    let answer = closure(&query, &host)?;
    match arguments.format {
        Format::Paths => print(&paths(&answer))?,
        Format::Json => print_json(&document(&answer))?,
        Format::Dot => print(&dot(&answer))?,
        Format::Tree => print(&tree(&answer))?,
    }
    for path in &answer.unexplained_dlopen {
        talk.warning(&format!("{path} loads libraries at run time and does not say which"));
    }
    for missing in &answer.missing {
        if arguments.allow_missing { talk.warning(missing) } else { talk.error(missing, &[], &[], 1) }
    }
    if answer.missing.is_empty() || arguments.allow_missing {
        return Ok(ExitCode::SUCCESS);
    }
    let count = answer.missing.len();
    Err(Failure::failed(format!("{count} {} missing", if count == 1 { "thing is" } else { "things are" }))
        .hint("--allow-missing lists what is missing as warnings"))
}

/// The platform of this machine in the words of OCI.
fn native() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "x86" => "386",
        "arm" => "arm/v7",
        "powerpc64" => "ppc64le",
        other => other,
    }
}

fn paths(answer: &ClosureAnswer) -> String {
    answer.files.keys().flat_map(|path| [path.as_str(), "\n"]).collect()
}

fn document(answer: &ClosureAnswer) -> serde_json::Value {
    json!({
        "platform": answer.platform,
        "files": answer.files,
        "missing": answer.missing,
        "unexplained_dlopen": answer.unexplained_dlopen,
        "worlds": answer.worlds,
    })
}

fn dot(answer: &ClosureAnswer) -> String {
    let quoted = |text: &str| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
    let mut out = "digraph closure {\n  rankdir=LR;\n  node [shape=box];\n".to_owned();
    for (path, reasons) in &answer.files {
        for because in reasons {
            let from = because.from.as_deref().unwrap_or("recipe");
            // Writing to a String cannot fail.
            let _ =
                writeln!(out, "  {} -> {} [label={}];", quoted(from), quoted(path), quoted(&because.kind));
        }
    }
    out.push_str("}\n");
    out
}

/// Each file once below the first that asks for it; further askers are in the JSON form.
fn tree(answer: &ClosureAnswer) -> String {
    let mut below: Below<'_> = BTreeMap::new();
    for (path, reasons) in &answer.files {
        let Some(first) = reasons.iter().find(|because| because.from.is_none()).or_else(|| reasons.first())
        else {
            continue;
        };
        below.entry(first.from.as_deref()).or_default().push((path, &first.detail));
    }
    let mut out = String::new();
    let mut shown = BTreeSet::new();
    branch(&mut out, &below, None, 0, &mut shown);
    // Files that only ask for each other hang below nothing that was asked for.
    for (path, _) in below.values().flatten() {
        if !shown.contains(path) {
            let _ = writeln!(out, "{path}");
        }
    }
    // Of one world there is nothing to tell apart: its loader is in the tree.
    for (loader, world) in answer.worlds.iter().filter(|_| answer.worlds.len() > 1) {
        let (programs, libraries) = (world.programs.len(), world.libraries.len());
        let _ = writeln!(
            out,
            "world: {}, loader {loader}  (programs: {programs}, libraries: {libraries})",
            world.libc
        );
    }
    out
}

type Below<'answer> = BTreeMap<Option<&'answer str>, Vec<(&'answer str, &'answer str)>>;

fn branch<'answer>(
    out: &mut String,
    below: &Below<'answer>,
    from: Option<&str>,
    depth: usize,
    shown: &mut BTreeSet<&'answer str>,
) {
    for (path, detail) in below.get(&from).into_iter().flatten() {
        if shown.insert(path) {
            let _ = writeln!(out, "{}{path}  ({detail})", "  ".repeat(depth));
            branch(out, below, Some(path), depth + 1, shown);
        }
    }
}
