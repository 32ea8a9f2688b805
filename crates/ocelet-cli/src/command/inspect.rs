//! `ocelet inspect`: what an image is, on one page.

use std::fmt::Write;
use std::process::ExitCode;

use clap::Args;
use ocelet::finished::{Finished, Reference, inspect};
use serde_json::Value;

use super::assemble::platform;
use crate::failure::Failure;
use crate::output::{MessageFormat, Talk, print, print_json};
use crate::progress::size;

/// What was typed.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The image: LAYOUT_DIR[:TAG], or an archive
    image: String,

    /// Only this platform
    #[arg(long, value_name = "PLATFORM")]
    platform: Option<String>,

    /// How it is printed
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: MessageFormat,
}

pub(super) fn run(arguments: &Arguments, _: &Talk) -> Result<ExitCode, Failure> {
    let wanted = arguments.platform.as_deref().map(platform).transpose()?;
    let finished = Finished::open(Reference::new(&arguments.image))?;
    let document = inspect(&finished.images(wanted.as_ref())?);
    match arguments.format {
        MessageFormat::Json => print_json(&document)?,
        MessageFormat::Text => print(&page(&document))?,
    }
    Ok(ExitCode::SUCCESS)
}

fn page(document: &Value) -> String {
    let mut page = String::new();
    for image in list(&document["images"]) {
        for platform in list(&image["platforms"]) {
            // Writing to a String cannot fail.
            let _ = describe(&mut page, image["tag"].as_str().unwrap_or("(untagged)"), platform);
        }
    }
    page
}

fn describe(page: &mut String, tag: &str, image: &Value) -> std::fmt::Result {
    writeln!(page, "{tag}  {}  {}", text(&image["platform"]), text(&image["manifest"]))?;
    let extracted = image["extracted"].as_u64().map_or_else(|| "unknown".to_owned(), size);
    let files = image["files"].as_u64().map_or_else(String::new, |files| format!(", {files} files"));
    writeln!(
        page,
        "  size        {} compressed, {extracted} extracted{files}",
        size(image["compressed"].as_u64().unwrap_or(0))
    )?;
    writeln!(page, "  created     {}", text(&image["created"]))?;
    for key in ["entrypoint", "cmd", "env", "user", "working_dir"] {
        let shown = match &image["config"][key] {
            Value::Array(words) => words.iter().map(text).collect::<Vec<_>>().join(" "),
            other => text(other),
        };
        if !shown.is_empty() {
            writeln!(page, "  {key:<11} {shown}")?;
        }
    }
    let commands: Vec<String> = list(&image["commands"]).iter().map(text).collect();
    if !commands.is_empty() {
        writeln!(page, "  commands    {}", commands.join(" "))?;
    }
    for world in list(&image["worlds"]) {
        let count = |key: &str| world[key].as_u64().unwrap_or(0);
        writeln!(
            page,
            "  world       {}, loader {}: {}, {}",
            text(&world["libc"]),
            text(&world["loader"]),
            counted(count("programs"), "program", "programs"),
            counted(count("libraries"), "library", "libraries")
        )?;
    }
    packages(page, image)?;
    packing(page, image)?;
    for (key, label) in [("missing", "missing"), ("unexplained_dlopen", "dlopen?")] {
        for one in list(&image[key]) {
            writeln!(page, "  {label:<11} {}", text(one))?;
        }
    }
    for layer in list(&image["layers"]) {
        let flavors: Vec<String> = list(&layer["flavors"]).iter().map(text).collect();
        let shown = size(layer["size"].as_u64().unwrap_or(0));
        writeln!(
            page,
            "  layer       {shown:>8}  {}  {} {}",
            text(&layer["digest"]),
            text(&layer["stability"]),
            flavors.join(" ")
        )?;
    }
    writeln!(page)
}

/// The packages with their versions and how much of each is there, and the scripts of theirs that were not run.
fn packages(page: &mut String, image: &Value) -> std::fmt::Result {
    let distribution = &image["distribution"];
    if distribution.is_object() {
        writeln!(page, "  distro      {} {}", text(&distribution["id"]), text(&distribution["version"]))?;
    }
    for package in image["packages"].as_object().into_iter().flat_map(|packages| packages.values()) {
        let files = package["files"].as_u64().unwrap_or(0);
        let name = format!("{} {}", text(&package["name"]), text(&package["version"]));
        let plural = if files == 1 { "" } else { "s" };
        writeln!(
            page,
            "  package     {}  ({}, {files} file{plural})",
            name.trim_end(),
            text(&package["source"])
        )?;
    }
    for script in list(&image["scripts"]) {
        writeln!(page, "  not run     {} of {}", text(&script["kind"]), text(&script["package"]))?;
    }
    Ok(())
}

/// The packed files and what each was, and those that were flagged and are not packed.
fn packing(page: &mut String, image: &Value) -> std::fmt::Result {
    let entries = |key: &str| image["packing"][key].as_object().into_iter().flatten();
    for (path, file) in entries("files") {
        let bytes = |key: &str| size(file[key].as_u64().unwrap_or(0));
        writeln!(
            page,
            "  packed      {path}  {} from {}, {}",
            bytes("size"),
            bytes("size_before"),
            text(&file["method"])
        )?;
    }
    for (path, why) in entries("left") {
        writeln!(page, "  not packed  {path}  {}", text(why))?;
    }
    Ok(())
}

fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
