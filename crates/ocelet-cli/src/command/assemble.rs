//! `ocelet assemble`: a recipe into an OCI layout.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use ocelet::host::Scratch;
use ocelet::layer::Compression;
use ocelet::locking::{self, Staleness};
use ocelet::recipe::{FlavorName, Platform};
use ocelet::{Profile, Provisions};
use serde_json::json;

use crate::environment;
use crate::failure::Failure;
use crate::output::{MessageFormat, Talk, print_json};
use crate::packing::{self, PackingArguments};
use crate::progress::Lines;
use crate::recipe::RecipeArguments;
use crate::supply::SupplyArguments;

/// What was typed.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  ocelet assemble recipes/host-tools.toml --flavor storage --compression zstd:19\n  \
    ocelet assemble recipes/host-tools.toml --profile wire --output dist/wire\n\
    Profiles: compat is gzip:10, layers shared by flavors, programs packed where the recipe says so. wire is \
    zstd:19:128MiB over one layer for each stability of a flavor, nothing packed: smallest to pull. disk is zstd:19, \
    shared layers, packed: smallest when unpacked. `ocelet sizes dist/compat dist/wire` shows both side by side.\n\
    The same files give the same digests, whatever the machine, the time and the number of jobs."
)]
pub(crate) struct Arguments {
    #[command(flatten)]
    recipe: RecipeArguments,

    /// Make only this flavor's image; may be given several times
    #[arg(long = "flavor", value_name = "FLAVOR")]
    flavors: Vec<String>,

    /// Make images for this platform only, such as linux/arm64; may be given several times
    #[arg(long = "platform", value_name = "PLATFORM")]
    platforms: Vec<String>,

    /// The OCI layout to write into [default: dist/<image name>]
    #[arg(long, short, value_name = "DIR")]
    output: Option<PathBuf>,

    /// Refuse a lock that does not answer the recipe, instead of writing one
    #[arg(long)]
    locked: bool,

    #[command(flatten)]
    supply: SupplyArguments,

    /// What the images are made small for: compat for every client, wire to pull (podman, containerd, docker since
    /// 23), disk when unpacked (the same clients)
    #[arg(long, value_name = "PROFILE", default_value_t, value_parser = profiles())]
    profile: Profile,

    /// How layers are compressed, instead of as the profile has it: gzip[:1-12] or zstd[:1-22[:1MiB-128MiB]], the last
    /// being the window of long distance matching
    #[arg(long, value_name = "NAME[:LEVEL[:WINDOW]]")]
    compression: Option<Compression>,

    #[command(flatten)]
    packing: PackingArguments,

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
    let loaded = arguments.recipe.load(talk)?;
    let recipe = &loaded.recipe;
    let options = options(arguments)?;
    let output =
        arguments.output.clone().unwrap_or_else(|| Path::new("dist").join(recipe.image.value.as_str()));
    let observer = Lines::new(talk);
    let scratch = Scratch::new(environment::scratch());
    let host = environment::host(arguments.jobs, &scratch, &observer)?;
    let (rules, base) = (&loaded.rules, &loaded.base);
    // A recipe of root file systems and files alone needs no doors.
    let assembled = if locking::needs_lock(recipe) {
        let doors = arguments.supply.open(talk)?;
        let supply = doors.supply(base);
        let staleness = if arguments.locked { Staleness::Refused } else { Staleness::Replaced };
        let settled = locking::settle(recipe, loaded.lock()?, staleness, &supply, &host)?;
        if settled.is_new {
            loaded.write_lock(&settled.lock, talk)?;
        }
        let provisions = Provisions { lock: &settled.lock, supply: &supply };
        ocelet::assemble(recipe, Some(provisions), rules, base, &output, &options, &host)?
    } else {
        ocelet::assemble(recipe, None, rules, base, &output, &options, &host)?
    };
    if let Some(saved) = &assembled.savings {
        talk.status("Saved", &packing::sentence(saved));
    }
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
    let choice = arguments.profile.choice();
    Ok(ocelet::Options {
        flavors,
        platforms,
        compression: arguments.compression.unwrap_or(choice.compression),
        split: choice.split,
        layers: usize::from(arguments.layers),
        allow_missing: arguments.allow_missing,
        packing: arguments.packing.options(choice.packs)?,
    })
}

/// Profiles as they are typed; completions and the help know them all.
fn profiles() -> impl TypedValueParser<Value = Profile> {
    PossibleValuesParser::new(Profile::ALL.map(Profile::name)).try_map(|name| name.parse::<Profile>())
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
