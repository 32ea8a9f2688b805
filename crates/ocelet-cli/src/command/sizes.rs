//! `ocelet sizes`: how large images are, what makes them so, and whether that is too much.

mod html;

use std::fmt::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use ocelet::Silent;
use ocelet::finished::{
    Budget, BudgetError, Excess, Finished, ImageSizes, Matrix, Reference, Share, SizedSet, shown_size, sizes,
};
use ocelet::host::{Host, Scratch, read_text};
use serde_json::json;

use super::assemble::platform;
use crate::environment;
use crate::failure::Failure;
use crate::output::{Talk, print, print_json};

/// What was typed.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  ocelet sizes dist/kubelet                          tags by platforms\n  \
    ocelet sizes dist/kubelet:v1.36.4-alpine3.22 --details   by layer, package and kind of file\n  \
    ocelet sizes dist/compat dist/wire                 two profiles side by side\n  \
    ocelet sizes dist/kubelet --format markdown --budget budget.toml\n\n\
    A budget is TOML: limits by patterns over tags, of which the most particular counts.\n  \
    [\"*\"]\n  compressed = \"30 MB\"\n  [\"*-cni-*\"]\n  compressed = \"45 MB\"\n  extracted = \"140 MB\"\n  \
    \"linux/arm/v7\".compressed = \"40 MB\"\n\
    Exit code 1 where an image is larger than it allows; 2 where a pattern matches no image."
)]
pub(crate) struct Arguments {
    /// The images: LAYOUT_DIR[:TAG], or archives; several are put side by side, in proportion to the first
    #[arg(required = true, value_name = "IMAGE")]
    images: Vec<String>,

    /// Only this platform
    #[arg(long, value_name = "PLATFORM")]
    platform: Option<String>,

    /// Show what each image is made of; one that is alone is shown so anyway
    #[arg(long)]
    details: bool,

    /// Refuse images that are larger than this file allows
    #[arg(long, value_name = "FILE")]
    budget: Option<PathBuf>,

    /// How it is printed; JSON and HTML have all details
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    format: Form,
}

/// The forms of the matrix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// Columns of plain text.
    Table,
    /// A table for README files.
    Markdown,
    /// Bytes, for programs.
    Json,
    /// One page that needs nothing else.
    Html,
}

pub(super) fn run(arguments: &Arguments, talk: &Talk) -> Result<ExitCode, Failure> {
    let wanted = arguments.platform.as_deref().map(platform).transpose()?;
    let budget = arguments.budget.as_ref().map(|path| {
        let text = read_text(path).map_err(|error| Failure::unavailable(&error))?;
        Budget::parse(&text).map_err(|error| refused(&error, path))
    });
    let budget = budget.transpose()?;
    let scratch = Scratch::new(environment::scratch());
    let host = Host { jobs: environment::jobs(None), epoch: None, scratch: &scratch, observer: &Silent };
    let mut sets = Vec::new();
    for image in &arguments.images {
        let finished = Finished::open(Reference::new(image))?;
        sets.push(sizes(image, &finished, wanted.as_ref(), &host)?);
    }
    let excesses = match (&budget, &arguments.budget) {
        (Some(budget), Some(path)) => budget.check(&sets).map_err(|error| refused(&error, path))?,
        _ => Vec::new(),
    };
    show(arguments, &sets, &excesses)?;
    for excess in &excesses {
        talk.error(&excess.to_string(), &[], &[], 1);
    }
    match excesses.len() {
        0 => Ok(ExitCode::SUCCESS),
        1 => Err(Failure::failed("1 size is over the budget".to_owned())),
        many => Err(Failure::failed(format!("{many} sizes are over the budget"))),
    }
}

fn refused(error: &BudgetError, path: &std::path::Path) -> Failure {
    let causes = std::error::Error::source(error).map(|cause| format!(": {cause}")).unwrap_or_default();
    Failure::usage(format!("{}: {error}{causes}", path.display()))
}

fn show(arguments: &Arguments, sets: &[SizedSet], excesses: &[Excess]) -> Result<(), Failure> {
    let matrix = Matrix::of("compressed / extracted", sets);
    let images = || sets.iter().flat_map(|set| set.images.iter().map(move |image| (set, image)));
    let details = arguments.details || images().count() == 1;
    match arguments.format {
        Form::Json => print_json(&json!({ "sets": sets, "excesses": excesses })),
        Form::Html => print(&html::page(&matrix, sets, excesses)),
        Form::Markdown => {
            let mut page = matrix.to_markdown();
            // Writing to a String cannot fail.
            let _ = write!(page, "\n{UNITS}\n");
            for (set, image) in images().filter(|_| details) {
                markdown(&mut page, set, image);
            }
            print(&page)
        }
        Form::Table => {
            let mut page = matrix.to_text();
            for set in sets {
                let stored = shown_size(set.stored);
                let _ = writeln!(page, "{}: {stored} in all layers, each counted once", set.name);
            }
            for (set, image) in images().filter(|_| details) {
                table(&mut page, set, image);
            }
            print(&page)
        }
    }
}

/// What the numbers are, for readers who did not run the command.
const UNITS: &str =
    "Compressed is what is pulled, extracted is what its files take; kB and MB are 10^3 and 10^6 bytes.";

/// The parts of an image, of each kind: a name, files and both sizes.
fn parts(image: &ImageSizes) -> [Matrix; 3] {
    let share = |share: &Share| {
        [
            share.name.clone(),
            share.files.to_string(),
            shown_size(share.compressed),
            shown_size(share.extracted),
        ]
    };
    let layers = image.layers.iter().map(|layer| {
        let told =
            layer.stability.as_ref().map(|stability| format!("{stability} {}", layer.flavors.join(" ")));
        let digest: String = layer.digest.chars().take("sha256:".len() + 12).collect();
        [
            format!("{digest} {}", told.unwrap_or_default()).trim().to_owned(),
            layer.files.map(|files| files.to_string()).unwrap_or_default(),
            shown_size(layer.compressed),
            layer.extracted.map(shown_size).unwrap_or_default(),
        ]
    });
    [
        // Only layers are compressed by themselves.
        part("layer", "compressed", layers),
        part("package or source", "compressed (estimate)", image.owners.iter().map(share)),
        part("kind of file", "compressed (estimate)", image.classes.iter().map(share)),
    ]
}

fn part(what: &str, compressed: &str, lines: impl Iterator<Item = [String; 4]>) -> Matrix {
    let head = [what, "files", compressed, "extracted"].map(str::to_owned).into();
    Matrix { head, lines: lines.map(Into::into).collect() }
}

fn title(set: &SizedSet, image: &ImageSizes) -> String {
    format!("{} {} {}", set.name, image.tag, image.platform)
}

fn table(page: &mut String, set: &SizedSet, image: &ImageSizes) {
    let _ = write!(page, "\n{}\n", title(set, image));
    for part in parts(image).iter().filter(|part| !part.lines.is_empty()) {
        for line in part.to_text().lines() {
            let _ = writeln!(page, "  {line}");
        }
        page.push('\n');
    }
}

fn markdown(page: &mut String, set: &SizedSet, image: &ImageSizes) {
    let _ = write!(page, "\n### {}\n", title(set, image));
    for part in parts(image).iter().filter(|part| !part.lines.is_empty()) {
        let _ = write!(page, "\n{}", part.to_markdown());
    }
}
