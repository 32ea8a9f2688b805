//! `ocelet verify`: a finished image checked without running it.

use std::process::ExitCode;

use clap::Args;
use ocelet::Silent;
use ocelet::finished::{Finished, Reference, verify};
use ocelet::host::{Host, Scratch};

use crate::environment;
use crate::failure::Failure;
use crate::output::{MessageFormat, Talk, print_json};

/// What was typed.
#[derive(Debug, Args)]
#[command(after_help = "Exit code 1 if anything is broken; remarks alone do not fail.")]
pub(crate) struct Arguments {
    /// The image: LAYOUT_DIR[:TAG], or an archive; without a tag, all images of the layout
    image: String,

    /// How findings are printed
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: MessageFormat,
}

pub(super) fn run(arguments: &Arguments, talk: &Talk) -> Result<ExitCode, Failure> {
    let finished = Finished::open(Reference::new(&arguments.image))?;
    let scratch = Scratch::new(environment::scratch());
    let host = Host { jobs: environment::jobs(None), epoch: None, scratch: &scratch, observer: &Silent };
    let verified = verify(&finished, &host)?;
    if arguments.format == MessageFormat::Json {
        print_json(&verified.to_json())?;
    }
    for finding in &verified.findings {
        let text = format!("{}: {}", finding.place, finding.message);
        if finding.broken { talk.error(&text, &[], &[], 1) } else { talk.warning(&text) }
    }
    if !verified.is_sound() {
        let broken = verified.findings.iter().filter(|finding| finding.broken).count();
        return Err(Failure::failed(format!("{} is broken in {broken} ways", arguments.image)));
    }
    talk.status("Verified", &format!("{} images, {} entries", verified.images, verified.files));
    Ok(ExitCode::SUCCESS)
}
