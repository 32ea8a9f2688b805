//! `ocelet diff`: what is another in a second image, or in a second lock.

use std::fmt::Write;
use std::path::Path;
use std::process::ExitCode;

use clap::Args;
use ocelet::Silent;
use ocelet::finished::{Finished, ImageDiff, ImagesDiff, Reference, diff, shown_size};
use ocelet::host::{Host, Scratch};
use ocelet::lock;
use serde_json::{Value, json};

use super::assemble::platform;
use super::lock::show_diff;
use crate::environment;
use crate::failure::Failure;
use crate::output::{MessageFormat, Talk, print, print_json};
use crate::recipe::read_lock;

/// What was typed.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  ocelet diff old/kubelet:v1.36.3 dist/kubelet:v1.36.4    files, packages, configuration, layers\n  \
    ocelet diff dist/kubelet:v1-cni dist/kubelet:v1         what a flavor has more\n  \
    ocelet diff old.lock recipes/kubelet.lock               versions and sizes of packages and artifacts\n\
    Exit code 0 whether or not there are differences, as git diff; with --exit-code 1 where there are."
)]
pub(crate) struct Arguments {
    /// The first image, LAYOUT_DIR[:TAG] or an archive, or the first lock, a file whose name ends in .lock
    #[arg(value_name = "BEFORE")]
    before: String,

    /// The second of the same kind
    #[arg(value_name = "AFTER")]
    after: String,

    /// Only this platform
    #[arg(long, value_name = "PLATFORM")]
    platform: Option<String>,

    /// End with exit code 1 where there are differences
    #[arg(long)]
    exit_code: bool,

    /// How it is printed
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: MessageFormat,
}

pub(super) fn run(arguments: &Arguments, _: &Talk) -> Result<ExitCode, Failure> {
    let equal = match (is_lock(&arguments.before), is_lock(&arguments.after)) {
        (true, true) => locks(arguments)?,
        (false, false) => images(arguments)?,
        _ => {
            let (before, after) = (&arguments.before, &arguments.after);
            return Err(Failure::usage(format!("{before} and {after} are not both images, nor both locks")));
        }
    };
    Ok(if equal || !arguments.exit_code { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn is_lock(text: &str) -> bool {
    let path = Path::new(text);
    path.extension().is_some_and(|extension| extension == "lock") && !path.is_dir()
}

fn locks(arguments: &Arguments) -> Result<bool, Failure> {
    if arguments.platform.is_some() {
        return Err(Failure::usage(
            "--platform is for images; a lock tells the platforms of each change".to_owned(),
        ));
    }
    let read = |text: &str| {
        let absent = || Failure::absent(format!("there is no lock {text}"));
        read_lock(Path::new(text))?.ok_or_else(absent)
    };
    let changes = lock::diff(&read(&arguments.before)?, &read(&arguments.after)?, &|_| None);
    show_diff(&changes, arguments.format)?;
    Ok(changes.changes.is_empty())
}

fn images(arguments: &Arguments) -> Result<bool, Failure> {
    let wanted = arguments.platform.as_deref().map(platform).transpose()?;
    let scratch = Scratch::new(environment::scratch());
    let host = Host { jobs: environment::jobs(None), epoch: None, scratch: &scratch, observer: &Silent };
    let before = Finished::open(Reference::new(&arguments.before))?;
    let after = Finished::open(Reference::new(&arguments.after))?;
    let found = diff(&before, &after, wanted.as_ref(), &host)?;
    match arguments.format {
        MessageFormat::Json => print_json(&json!({ "equal": found.is_empty(), "differences": found }))?,
        MessageFormat::Text => print(&page(&found))?,
    }
    Ok(found.is_empty())
}

fn page(found: &ImagesDiff) -> String {
    let mut page = String::new();
    for gone in &found.gone {
        // Writing to a String cannot fail.
        let _ = writeln!(page, "- image {gone}");
    }
    for new in &found.new {
        let _ = writeln!(page, "+ image {new}");
    }
    for image in &found.images {
        let _ = describe(&mut page, image);
    }
    if page.is_empty() {
        page.push_str("there is no image in either\n");
    }
    page
}

fn describe(page: &mut String, image: &ImageDiff) -> std::fmt::Result {
    let (before, after) = &image.tags;
    let tags = if before == after { after.clone() } else { format!("{before} -> {after}") };
    writeln!(page, "{tags}  {}", image.platform)?;
    if image.same_manifest {
        return writeln!(page, "  the same image");
    }
    let sizes = |(before, after): (u64, u64)| {
        let sign = if after < before { '-' } else { '+' };
        format!("{} -> {} ({sign}{} bytes)", shown_size(before), shown_size(after), after.abs_diff(before))
    };
    writeln!(
        page,
        "  compressed  {}, {} of it in layers of both",
        sizes(image.compressed),
        shown_size(image.shared)
    )?;
    writeln!(page, "  extracted   {}", sizes(image.extracted))?;
    for package in &image.packages {
        match (&package.before, &package.after) {
            (None, Some(version)) => writeln!(page, "  + package {} {version}", package.name)?,
            (Some(version), None) => writeln!(page, "  - package {} {version}", package.name)?,
            (before, after) => {
                let version = |version: &Option<String>| version.clone().unwrap_or_default();
                writeln!(page, "  ~ package {} {} -> {}", package.name, version(before), version(after))?;
            }
        }
    }
    for (key, (before, after)) in &image.configuration {
        match (before, after) {
            (Value::Null, after) => writeln!(page, "  + {key} {after}")?,
            (before, Value::Null) => writeln!(page, "  - {key} {before}")?,
            (before, after) => writeln!(page, "  ~ {key} {before} -> {after}")?,
        }
    }
    for file in &image.files {
        let path = &file.path;
        match (file.before, file.after) {
            (None, Some(bytes)) => writeln!(page, "  + {path}  {bytes} bytes")?,
            (Some(bytes), None) => writeln!(page, "  - {path}  {bytes} bytes")?,
            (Some(before), Some(after)) if before != after => {
                writeln!(page, "  ~ {path}  {before} -> {after} bytes ({})", file.what.join(", "))?;
            }
            _ => writeln!(page, "  ~ {path}  ({})", file.what.join(", "))?,
        }
    }
    if image.is_empty() {
        writeln!(page, "  the same files, packages and configuration")?;
    }
    Ok(())
}
