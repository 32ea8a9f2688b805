//! `ocelet assemble`: a recipe into an OCI layout.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use ocelet::host::{Host, Scratch, read_text};
use ocelet::layer::Compression;
use ocelet::recipe::{Context, FlavorName, Parsed, Platform, Problems, parse};
use ocelet::rules;
use serde_json::json;

use crate::environment;
use crate::failure::Failure;
use crate::output::{MessageFormat, Talk, print_json};
use crate::progress::Lines;

/// What was typed.
#[derive(Debug, Args)]
#[command(
    after_help = "Example: ocelet assemble recipes/host-tools.toml --flavor storage --compression zstd:19\n\
    The same files give the same digests, whatever the machine, the time and the number of jobs."
)]
pub(crate) struct Arguments {
    /// The recipe, a TOML file
    recipe: PathBuf,

    /// Make only this flavor's image; may be given several times
    #[arg(long = "flavor", value_name = "FLAVOR")]
    flavors: Vec<String>,

    /// Make images for this platform only, such as linux/arm64; may be given several times
    #[arg(long = "platform", value_name = "PLATFORM")]
    platforms: Vec<String>,

    /// The OCI layout to write into [default: dist/<image name>]
    #[arg(long, short, value_name = "DIR")]
    output: Option<PathBuf>,

    /// Give a value to a variable of the recipe
    #[arg(long = "set", value_name = "NAME=VALUE")]
    set: Vec<String>,

    /// How layers are compressed: gzip[:1-12] or zstd[:1-22]
    #[arg(long, value_name = "NAME[:LEVEL]", default_value_t = Compression::DEFAULT)]
    compression: Compression,

    /// The most layers of one image
    #[arg(long, value_name = "NUMBER", default_value = "10", value_parser = clap::value_parser!(u8).range(1..=100))]
    layers: u8,

    /// Tell what is missing as warnings, and build without it
    #[arg(long)]
    allow_missing: bool,

    /// How many threads work at a time [default: one for each processor]
    #[arg(long, short, value_name = "NUMBER")]
    jobs: Option<NonZeroUsize>,

    /// What is printed to stdout at the end
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: MessageFormat,
}

pub(super) fn run(arguments: &Arguments, talk: &Talk) -> Result<ExitCode, Failure> {
    let text = read_text(&arguments.recipe).map_err(|error| Failure::unavailable(&error))?;
    let packs = rules();
    let known_rules = packs.names().map(str::to_owned).collect();
    let context = Context { known_rules, set: settings(&arguments.set)? };
    let Parsed { recipe, warnings } =
        parse(&text, &context).map_err(|problems| refuse(&problems, &arguments.recipe, &text, talk))?;
    if !warnings.is_empty() {
        talk.rendered(&warnings.render(&arguments.recipe.display().to_string(), &text), &warnings.to_json());
    }
    let options = options(arguments)?;
    let output =
        arguments.output.clone().unwrap_or_else(|| Path::new("dist").join(recipe.image.value.as_str()));
    let base = arguments.recipe.parent().unwrap_or(Path::new(""));
    let scratch = Scratch::new(environment::scratch());
    let observer = Lines::new(talk);
    let host = Host {
        jobs: environment::jobs(arguments.jobs),
        epoch: environment::epoch()?,
        scratch: &scratch,
        observer: &observer,
    };
    let assembled = ocelet::assemble(&recipe, &packs, base, &output, &options, &host)?;
    talk.status("Finished", &format!("{} tags in {}", assembled.shipped.tags.len(), output.display()));
    if arguments.format == MessageFormat::Json {
        let tags: Vec<_> = assembled
            .shipped
            .tags
            .iter()
            .map(|tag| json!({"tag": tag.tag, "flavor": tag.flavor.as_str(), "digest": tag.digest.to_string()}))
            .collect();
        print_json(&json!({"layout": output.display().to_string(), "tags": tags}))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn options(arguments: &Arguments) -> Result<ocelet::Options, Failure> {
    let mut flavors = BTreeSet::new();
    for name in &arguments.flavors {
        flavors.insert(FlavorName::new(name.as_str()).map_err(|error| Failure::usage(error.to_string()))?);
    }
    let mut platforms = BTreeSet::new();
    for text in &arguments.platforms {
        platforms.insert(platform(text)?);
    }
    Ok(ocelet::Options {
        flavors,
        platforms,
        compression: arguments.compression,
        layers: usize::from(arguments.layers),
        allow_missing: arguments.allow_missing,
    })
}

/// A platform as it is typed.
pub(super) fn platform(text: &str) -> Result<Platform, Failure> {
    text.parse::<Platform>().map_err(|error| {
        let failure = Failure::usage(error.to_string());
        match error.nearest() {
            Some(nearest) => failure.hint(format!("did you mean {nearest}?")),
            None => failure,
        }
    })
}

fn settings(given: &[String]) -> Result<BTreeMap<String, String>, Failure> {
    let mut settings = BTreeMap::new();
    for text in given {
        let Some((name, value)) = text.split_once('=') else {
            return Err(Failure::usage(format!("--set wants NAME=VALUE, and got \"{text}\"")));
        };
        if settings.insert(name.to_owned(), value.to_owned()).is_some() {
            return Err(Failure::usage(format!("--set gives \"{name}\" twice")));
        }
    }
    Ok(settings)
}

/// All problems of a recipe, with its lines; exit code 2.
fn refuse(problems: &Problems, path: &Path, text: &str, talk: &Talk) -> Failure {
    talk.rendered(&problems.render(&path.display().to_string(), text), &problems.to_json());
    let errors =
        problems.iter().filter(|problem| problem.severity == ocelet::recipe::Severity::Error).count();
    let noun = if errors == 1 { "problem" } else { "problems" };
    Failure::usage(format!("{} has {errors} {noun}", path.display()))
}
