//! `ocelet why`: the chain of reasons for one file of an image; or what would have brought a file that is not there.

use std::fmt::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use ocelet::Silent;
use ocelet::finished::{Finished, FinishedImage, Reference, who_would_bring};
use ocelet::host::{Host, Scratch};
use ocelet::report::Report;
use ocelet::tree::TreePath;
use serde_json::{Value, json};

use super::assemble::platform;
use crate::environment;
use crate::failure::Failure;
use crate::output::{MessageFormat, Talk, print, print_json};
use crate::progress::size;

/// What was typed.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  ocelet why dist/host-tools:v1 /usr/lib/x86_64-linux-gnu/libmount.so.1\n  \
    ocelet why --not dist/host-tools:v1 /usr/bin/perl"
)]
pub(crate) struct Arguments {
    /// The image: LAYOUT_DIR[:TAG]
    image: String,

    /// The file, as an absolute path in the image
    path: String,

    /// Ask what would have brought the file, which the image does not have
    #[arg(long)]
    not: bool,

    /// With --not: the root file system to search [default: the recipe's own, where it is a directory of this machine]
    #[arg(long, value_name = "DIR|TAR|LAYOUT[:TAG]", requires = "not")]
    root: Option<PathBuf>,

    /// Only this platform
    #[arg(long, value_name = "PLATFORM")]
    platform: Option<String>,

    /// How it is printed
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: MessageFormat,
}

pub(super) fn run(arguments: &Arguments, _: &Talk) -> Result<ExitCode, Failure> {
    let path = TreePath::new(&arguments.path).map_err(|error| Failure::usage(error.to_string()))?;
    let wanted = arguments.platform.as_deref().map(platform).transpose()?;
    let finished = Finished::open(Reference::new(&arguments.image))?;
    let images = finished.images(wanted.as_ref())?;
    if images.iter().all(|image| image.report.is_none()) {
        return Err(Failure::failed(format!("{} has no report of reasons", arguments.image))
            .hint("reports lie beside the images in the layout that ocelet wrote; copies by other tools may lack them"));
    }
    let explained = if arguments.not {
        explain_absence(arguments, &finished, &images, &path)?
    } else {
        explain(&images, &path)
    };
    let Some((page, document)) = explained else {
        let places: Vec<String> = images.iter().map(name).collect();
        return Err(Failure::failed(format!("{path} is not in {}", places.join(", "))).hint(format!(
            "`ocelet why --not {} {path}` tells what would have brought it",
            arguments.image
        )));
    };
    match arguments.format {
        MessageFormat::Text => print(&page)?,
        MessageFormat::Json => print_json(&document)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn name(image: &FinishedImage) -> String {
    format!("{} ({})", image.tag.as_deref().unwrap_or("untagged"), image.platform)
}

/// A directory that is there for what lies in it: how much that is, and the first of it.
fn directory(image: &FinishedImage, report: &Report, path: &TreePath, page: &mut String) -> Option<Value> {
    let below = format!("{}/", path.to_string().trim_end_matches('/'));
    let inside: Vec<&String> = report.files.keys().filter(|file| file.starts_with(&below)).collect();
    let first = inside.first()?;
    // Writing to a String cannot fail.
    let _ = writeln!(page, "{}", name(image));
    let _ = writeln!(page, "  flavor {}", report.flavor);
    let _ = writeln!(page, "  a directory, there for the {} entries in it, such as {first}", inside.len());
    Some(json!({
        "tag": image.tag, "platform": image.platform.to_string(), "flavor": report.flavor,
        "path": path.to_string(), "holds": inside.len(), "first": first,
    }))
}

/// The chains for a file in every image that has it; nothing where none has.
fn explain(images: &[FinishedImage], path: &TreePath) -> Option<(String, Value)> {
    let mut page = String::new();
    let mut documents = Vec::new();
    for image in images {
        let Some(report) = &image.report else { continue };
        let place = report.place(path);
        let Some((place, chain)) = place.and_then(|place| Some((place.clone(), report.chain(&place)?)))
        else {
            documents.extend(directory(image, report, path, &mut page));
            continue;
        };
        // Writing to a String cannot fail.
        let _ = writeln!(page, "{}", name(image));
        let _ = writeln!(page, "  flavor {}", report.flavor);
        for (depth, link) in chain.links.iter().enumerate() {
            let indent = "  ".repeat(depth + 2);
            let _ = writeln!(page, "{indent}{}", link.because.detail);
            let _ = writeln!(page, "{indent}{}", link.path);
        }
        let _ = writeln!(page, "  owner  {}", chain.file.owner);
        let worlds = report.worlds_of(&place);
        for (loader, world) in &worlds {
            let _ = writeln!(page, "  world: {}, loader {loader}", world.libc);
        }
        if let Some(layer) = report.layers.get(chain.file.layer) {
            let (number, of) = (chain.file.layer + 1, report.layers.len());
            let _ = writeln!(
                page,
                "  layer  {number} of {of}, {} ({}, of {})",
                layer.digest,
                layer.stability,
                layer.flavors.join(" ")
            );
        }
        let _ = writeln!(page, "  size   {} ({})", size(chain.file.size), chain.file.kind);
        let links: Vec<Value> =
            chain.links.iter().map(|link| json!({"path": link.path, "because": link.because})).collect();
        let worlds: Vec<Value> =
            worlds.iter().map(|(loader, world)| json!({"libc": world.libc, "loader": loader})).collect();
        let packed = report.packing.as_ref().and_then(|packing| packing.files.get(&place.to_string()));
        if let Some(packed) = packed {
            let _ = writeln!(page, "  packed {} by upx, {}", size(packed.size_before), packed.method);
            for need in packed.interpreter.iter().chain(&packed.libraries) {
                let _ = writeln!(page, "         needs {need}");
            }
        }
        documents.push(json!({
            "tag": image.tag, "platform": image.platform.to_string(), "flavor": report.flavor, "worlds": worlds, "packed": packed,
            "path": place.to_string(), "file": chain.file, "chain": links, "layer": report.layers.get(chain.file.layer),
        }));
    }
    (!documents.is_empty()).then(|| (page, json!({ "images": documents })))
}

fn explain_absence(
    arguments: &Arguments,
    finished: &Finished,
    images: &[FinishedImage],
    path: &TreePath,
) -> Result<Option<(String, Value)>, Failure> {
    let scratch = Scratch::new(environment::scratch());
    let host = Host { jobs: environment::jobs(None), epoch: None, scratch: &scratch, observer: &Silent };
    let mut page = String::new();
    let mut documents = Vec::new();
    for image in images {
        let absent = who_would_bring(finished, image, path, arguments.root.as_deref(), &host)?;
        // Writing to a String cannot fail.
        let _ = writeln!(page, "{}: {}", name(image), absent.summary);
        for reason in &absent.reasons {
            let _ = writeln!(page, "  {reason}");
        }
        documents.push(json!({
            "tag": image.tag, "platform": image.platform.to_string(), "present": absent.present,
            "summary": absent.summary, "reasons": absent.reasons,
        }));
    }
    Ok(Some((page, json!({ "images": documents }))))
}
