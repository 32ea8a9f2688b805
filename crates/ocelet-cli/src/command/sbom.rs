//! `ocelet sbom`: the bill of materials of one image.

use std::process::ExitCode;

use clap::{Args, ValueEnum};
use ocelet::finished::{Finished, Reference, sbom};
use ocelet::report::sbom::Format;

use super::assemble::platform;
use crate::failure::Failure;
use crate::output::{Talk, print};

/// What was typed.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  ocelet sbom dist/kubelet:v1.36.4 --platform linux/amd64 --format cyclonedx"
)]
pub(crate) struct Arguments {
    /// The image: LAYOUT_DIR[:TAG]
    image: String,

    /// The platform, where the image is for several
    #[arg(long, value_name = "PLATFORM")]
    platform: Option<String>,

    /// The format of the document
    #[arg(long, value_name = "FORMAT", default_value = "spdx")]
    format: Document,
}

/// The formats, as they are typed.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Document {
    /// SPDX 2.3, JSON
    Spdx,
    /// CycloneDX 1.6, JSON
    #[value(name = "cyclonedx")]
    CycloneDx,
}

pub(super) fn run(arguments: &Arguments, talk: &Talk) -> Result<ExitCode, Failure> {
    let wanted = arguments.platform.as_deref().map(platform).transpose()?;
    let finished = Finished::open(Reference::new(&arguments.image))?;
    let images = finished.images(wanted.as_ref())?;
    let [image] = images.as_slice() else {
        let names: Vec<String> = images
            .iter()
            .map(|image| format!("{} for {}", image.tag.as_deref().unwrap_or("untagged"), image.platform))
            .collect();
        return Err(Failure::usage(format!("{} has several images: {}", arguments.image, names.join(", ")))
            .hint("a document is of one image: name it with LAYOUT_DIR:TAG and --platform"));
    };
    let format = match arguments.format {
        Document::Spdx => Format::Spdx,
        Document::CycloneDx => Format::CycloneDx,
    };
    let Some(bytes) = sbom(image, format) else {
        return Err(Failure::failed(format!("{} has no report to make a bill of materials from", arguments.image))
            .hint("reports lie beside the images in the layout that ocelet wrote; copies by other tools may lack them"));
    };
    if image.report.as_ref().is_some_and(|report| report.packages.is_empty()) {
        talk.warning("no package is known of this image: its files come from sources that do not name any");
    }
    let text = String::from_utf8(bytes).map_err(|error| Failure::of(&error))?;
    print(&format!("{text}\n"))?;
    Ok(ExitCode::SUCCESS)
}
