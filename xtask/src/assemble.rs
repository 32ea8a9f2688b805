//! Assembles the embedded bundle, or other recipes, with the library: every flavor and platform, without network,
//! verified, with the sizes of all.
//!
//! The digests of the bundle have to be those in `fixtures/golden.toml`; `cargo xtask bless` accepts others.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use ocelet::fetch::Supply;
use ocelet::fetch::store::Store;
use ocelet::finished::{Finished, Matrix, Reference, SizedSet, sizes, verify};
use ocelet::host::{Host, Scratch};
use ocelet::layer::Compression;
use ocelet::lock::Lock;
use ocelet::locking;
use ocelet::net::{FileOnly, Mirror, Patience, ThreadSleeper};
use ocelet::recipe::{Context, Parsed, Recipe, parse};
use ocelet::shrink::Packing;
use ocelet::{Event, Observer, Options, PackingOptions, Provisions};

use crate::fixtures::Sample;
use crate::shell::{command, read_text, root, show, temporary};
use crate::{Outcome, bless, fixtures};

/// An assembled and verified recipe.
pub(crate) struct Built {
    /// The image's name.
    pub(crate) image: String,
    /// The digest of each tag's index.
    pub(crate) digests: BTreeMap<String, String>,
    /// The sizes of each tag and platform.
    pub(crate) sizes: SizedSet,
}

/// How a recipe is assembled.
pub(crate) struct Manner {
    pub(crate) compression: Compression,
    pub(crate) jobs: NonZeroUsize,
}

impl Manner {
    /// The first manner in which golden digests are kept.
    pub(crate) fn usual() -> Self {
        let jobs = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        Self { compression: Compression::DEFAULT, jobs }
    }
}

/// Assembles the recipes that are named, or those of the bundle, into `dist/`; with `--live` from upstream.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    let given = Given::read(arguments)?;
    let is_bundle = given.recipes.is_empty() && !given.is_live;
    let manner = Manner::usual();
    let golden = bless::golden()?;
    let mut differences = Vec::new();
    for sample in given.samples() {
        let recipe = recipe(&sample.recipe, &sample.set)?;
        let output = root().join("dist").join(recipe.image.value.as_str());
        let built = if given.is_live {
            live(&sample, &recipe, &output, &manner)?
        } else {
            build(&sample, &recipe, &output, &manner)?
        };
        println!("{}", Matrix::of(&built.image, std::slice::from_ref(&built.sizes)).to_text());
        if is_bundle {
            differences.extend(bless::differences(&golden, &built, manner.compression));
        }
    }
    if !given.is_live {
        println!("Nothing was packed: that needs upx, which a fresh machine has not.");
    }
    bless::accept(&differences)
}

/// What was typed.
#[derive(Default)]
struct Given {
    recipes: Vec<PathBuf>,
    set: BTreeMap<String, String>,
    is_live: bool,
}

impl Given {
    fn read(arguments: &[String]) -> Result<Self, String> {
        let mut given = Self::default();
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            if argument == "--live" {
                given.is_live = true;
            } else if argument == "--set" {
                let text = rest.next().ok_or("--set wants NAME=VALUE behind it")?;
                let (name, value) =
                    text.split_once('=').ok_or_else(|| format!("--set wants NAME=VALUE, and got {text}"))?;
                given.set.insert(name.to_owned(), value.to_owned());
            } else if argument.starts_with('-') {
                return Err(format!(
                    "unknown flag {argument}; usage: cargo xtask assemble [--live] [RECIPE…] [--set NAME=VALUE]…"
                ));
            } else {
                given.recipes.push(PathBuf::from(argument));
            }
        }
        if given.recipes.is_empty() && !given.set.is_empty() {
            return Err("--set wants a recipe to be for".to_owned());
        }
        Ok(given)
    }

    /// The recipes that are named, those of the bundle, or those that upstream has everything of.
    fn samples(&self) -> Vec<Sample> {
        let live = || ["kubelet", "kube-proxy"].map(|name| root().join(format!("recipes/{name}.toml")));
        let recipes = match (self.recipes.is_empty(), self.is_live) {
            (true, false) => return fixtures::samples(),
            (true, true) => live().to_vec(),
            (false, _) => self.recipes.clone(),
        };
        recipes.into_iter().map(|recipe| Sample::plain(recipe, self.set.clone())).collect()
    }
}

/// Reads a recipe; an error shows all of its problems.
pub(crate) fn recipe(path: &Path, set: &BTreeMap<String, String>) -> Result<Recipe, String> {
    let text = read_text(path)?;
    let known_rules = ocelet::rules().names().map(str::to_owned).collect();
    let context = Context { known_rules, set: set.clone() };
    let name = path.strip_prefix(root()).unwrap_or(path).display().to_string();
    match parse(&text, &context) {
        Ok(Parsed { recipe, warnings }) => {
            if !warnings.is_empty() {
                eprintln!("{}", warnings.render(&name, &text));
            }
            Ok(recipe)
        }
        Err(problems) => Err(format!("{name} is no recipe:\n{}", problems.render(&name, &text))),
    }
}

/// The lock of a recipe.
fn lock(sample: &Sample) -> Result<Lock, String> {
    let text = read_text(&sample.lock)?;
    ocelet::lock::parse(&text)
        .map_err(|error| format!("{} is no lock: {}", sample.lock.display(), sentence(&error)))
}

/// A store of its own, which goes when this does: nothing of the user's cache is used or changed.
pub(crate) struct Doors {
    cache: tempfile::TempDir,
}

impl Doors {
    pub(crate) fn open() -> Result<Self, String> {
        Ok(Self { cache: temporary()? })
    }

    /// The mirror of the bundle and nothing else: no socket is ever opened.
    pub(crate) fn supply(&self, sample: &Sample) -> Result<Supply<'static>, String> {
        Ok(Supply {
            store: Store::open(self.cache.path()).map_err(|error| sentence(&error))?,
            source: &FileOnly,
            sleeper: &ThreadSleeper,
            patience: Patience::default(),
            mirrors: vec![Mirror::directory(fixtures::mirror())],
            base: sample.recipe.parent().unwrap_or(Path::new("")).to_path_buf(),
            // The second of 2025-08-02 began: nothing of the bundle is younger, and nothing of it expires.
            now: 1_754_092_800,
            apt_root: self.cache.path().to_path_buf(),
        })
    }
}

/// Assembles every flavor and platform of a recipe into a layout, and verifies that. Packages and artifacts come out of
/// the mirror of the bundle.
pub(crate) fn build(
    sample: &Sample,
    recipe: &Recipe,
    output: &Path,
    manner: &Manner,
) -> Result<Built, String> {
    let scratch = Scratch::new(std::env::temp_dir());
    let host = Host { jobs: manner.jobs, epoch: None, scratch: &scratch, observer: &Warnings };
    // The programs of the bundle have no code, and a fresh machine has no upx.
    let packing = PackingOptions { packing: Packing::Off, ..PackingOptions::default() };
    let options = Options { compression: manner.compression, packing, ..Options::default() };
    let lock = locking::needs_lock(recipe).then(|| lock(sample)).transpose()?;
    let doors = Doors::open()?;
    let supply = doors.supply(sample)?;
    let provisions = lock.as_ref().map(|lock| Provisions { lock, supply: &supply });
    let assembled =
        ocelet::assemble(recipe, provisions, &ocelet::rules(), &supply.base, output, &options, &host)
            .map_err(|error| format!("cannot assemble {}: {}", sample.recipe.display(), sentence(&error)))?;
    let tags = assembled.shipped.tags.iter().map(|tag| (tag.tag.clone(), tag.digest.to_string()));
    Ok(Built {
        image: recipe.image.value.to_string(),
        digests: tags.collect(),
        sizes: verified_sizes(recipe, output, &host)?,
    })
}

/// Assembles a recipe as its user does, from upstream.
fn live(sample: &Sample, recipe: &Recipe, output: &Path, manner: &Manner) -> Result<Built, String> {
    let mut assemble = command("cargo");
    assemble.args(["run", "--quiet", "--package", "ocelet-cli", "--", "assemble"]);
    assemble.arg(&sample.recipe).arg("--output").arg(output);
    for (name, value) in &sample.set {
        assemble.arg("--set").arg(format!("{name}={value}"));
    }
    show(&mut assemble)?;
    let scratch = Scratch::new(std::env::temp_dir());
    let host = Host { jobs: manner.jobs, epoch: None, scratch: &scratch, observer: &Warnings };
    // Upstream moves on: nobody keeps these digests.
    let digests = BTreeMap::new();
    Ok(Built {
        image: recipe.image.value.to_string(),
        digests,
        sizes: verified_sizes(recipe, output, &host)?,
    })
}

/// Verifies every image of a layout, and tells their sizes.
fn verified_sizes(recipe: &Recipe, output: &Path, host: &Host<'_>) -> Result<SizedSet, String> {
    let finished = Finished::open(Reference { path: output.to_path_buf(), tag: None });
    let finished = finished.map_err(|error| sentence(&error))?;
    let verified = verify(&finished, host).map_err(|error| sentence(&error))?;
    if !verified.is_sound() {
        let broken = verified.findings.iter().filter(|finding| finding.broken);
        let lines: Vec<String> =
            broken.map(|finding| format!("{}: {}", finding.place, finding.message)).collect();
        return Err(format!("{} is broken:\n  {}", output.display(), lines.join("\n  ")));
    }
    let sizes =
        sizes(recipe.image.value.as_str(), &finished, None, host).map_err(|error| sentence(&error))?;
    let images = &sizes.images;
    if verified.images != images.len() || verified.images == 0 {
        return Err(format!(
            "{} of the {} images in {} were verified",
            verified.images,
            images.len(),
            output.display()
        ));
    }
    Ok(sizes)
}

/// Tells warnings and nothing else.
pub(crate) struct Warnings;

impl Observer for Warnings {
    fn observe(&self, event: &Event<'_>) {
        if let Event::Warning { message } = event {
            eprintln!("warning: {message}");
        }
    }
}

/// An error with its causes.
pub(crate) fn sentence(error: &dyn std::error::Error) -> String {
    let mut sentence = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        sentence.push_str(": ");
        sentence.push_str(&cause.to_string());
        next = cause.source();
    }
    sentence
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every flavor and platform of the bundle has its golden digest, whatever the number of threads.
    fn check(compression: &str, jobs: usize) {
        let compression = compression.parse().expect("the test names one");
        let jobs = NonZeroUsize::new(jobs).expect("the test names one or more");
        let manner = Manner { compression, jobs };
        let golden = bless::golden().expect("golden.toml can be read");
        for sample in fixtures::samples() {
            let recipe = recipe(&sample.recipe, &sample.set).unwrap_or_else(|error| panic!("{error}"));
            let output = tempfile::tempdir().expect("a temporary directory can be made");
            let built =
                build(&sample, &recipe, output.path(), &manner).unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(built.sizes.images.len(), recipe.flavors.len() * recipe.platforms.len());
            bless::accept(&bless::differences(&golden, &built, compression))
                .unwrap_or_else(|error| panic!("{error}"));
        }
    }

    #[test]
    fn every_recipe_is_read_without_a_warning() {
        let recipes = [root().join("recipes"), root().join("fixtures")];
        let recipes = recipes.iter().flat_map(|place| crate::shell::list(place)).filter(|path| {
            let name = path.file_name().unwrap_or_default();
            path.extension().is_some_and(|end| end == "toml") && name != "golden.toml"
        });
        let mut images = std::collections::BTreeSet::new();
        for path in recipes {
            let text = read_text(&path).expect("a recipe can be read");
            let document: toml::Table = text.parse().expect("a recipe is TOML");
            let parameters = document.get("parameters").and_then(toml::Value::as_table);
            let asked = parameters.into_iter().flatten().filter(|(_, about)| about.get("default").is_none());
            let set = asked.map(|(name, _)| (name.clone(), "given".to_owned())).collect();
            let known_rules = ocelet::rules().names().map(str::to_owned).collect();
            let name = path.display().to_string();
            let Parsed { recipe, warnings } = parse(&text, &Context { known_rules, set })
                .unwrap_or_else(|problems| panic!("{}", problems.render(&name, &text)));
            assert!(warnings.is_empty(), "{}", warnings.render(&name, &text));
            assert!(images.insert(recipe.image.value.to_string()), "{name}: two recipes of one image");
        }
        assert!(images.contains("node") && images.contains("node-tools"), "{images:?}");
    }

    #[test]
    fn golden_digests_with_gzip_and_one_thread() {
        check("gzip:6", 1);
    }

    #[test]
    fn golden_digests_with_gzip_and_four_threads() {
        check("gzip:6", 4);
    }

    #[test]
    fn golden_digests_with_zstd_and_one_thread() {
        check("zstd:3", 1);
    }

    #[test]
    fn golden_digests_with_zstd_and_four_threads() {
        check("zstd:3", 4);
    }
}
