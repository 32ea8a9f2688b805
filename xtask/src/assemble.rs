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
use ocelet::{Event, Observer, Options, Provisions};

use crate::shell::{read_text, root, temporary};
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
    pub(crate) set: BTreeMap<String, String>,
}

impl Manner {
    /// The first manner in which golden digests are kept.
    pub(crate) fn usual() -> Self {
        let jobs = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        Self { compression: Compression::DEFAULT, jobs, set: BTreeMap::new() }
    }
}

/// Assembles the recipes that are named, or those of the bundle, into `dist/`.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    let (recipes, set) = read_arguments(arguments)?;
    let is_bundle = recipes.is_empty();
    let recipes = if is_bundle { fixtures::recipes() } else { recipes };
    let manner = Manner { set, ..Manner::usual() };
    let golden = bless::golden()?;
    let mut differences = Vec::new();
    for path in recipes {
        let recipe = recipe(&path, &manner)?;
        let output = root().join("dist").join(recipe.image.value.as_str());
        let built = build(&path, &recipe, &output, &manner)?;
        println!("{}", Matrix::of(&built.image, &[built.sizes.clone()]).to_text());
        if is_bundle {
            differences.extend(bless::differences(&golden, &built, manner.compression));
        }
    }
    bless::accept(&differences)
}

type Given = (Vec<PathBuf>, BTreeMap<String, String>);

fn read_arguments(arguments: &[String]) -> Result<Given, String> {
    let (mut recipes, mut set) = (Vec::new(), BTreeMap::new());
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        if argument == "--set" {
            let text = rest.next().ok_or("--set wants NAME=VALUE behind it")?;
            let (name, value) =
                text.split_once('=').ok_or_else(|| format!("--set wants NAME=VALUE, and got {text}"))?;
            set.insert(name.to_owned(), value.to_owned());
        } else if argument.starts_with('-') {
            return Err(format!(
                "unknown flag {argument}; usage: cargo xtask assemble [RECIPE…] [--set NAME=VALUE]…"
            ));
        } else {
            recipes.push(PathBuf::from(argument));
        }
    }
    Ok((recipes, set))
}

/// Reads a recipe; an error shows all of its problems.
pub(crate) fn recipe(path: &Path, manner: &Manner) -> Result<Recipe, String> {
    let text = read_text(path)?;
    let known_rules = ocelet::rules().names().map(str::to_owned).collect();
    let context = Context { known_rules, set: manner.set.clone() };
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

/// The lock beside a recipe.
fn lock(recipe: &Path) -> Result<Lock, String> {
    let path = recipe.with_extension("lock");
    let text = read_text(&path)?;
    ocelet::lock::parse(&text).map_err(|error| format!("{} is no lock: {}", path.display(), sentence(&error)))
}

/// Assembles every flavor and platform of a recipe into a layout, and verifies that. Packages and artifacts come out of
/// the mirror of the bundle, and no socket is ever opened.
pub(crate) fn build(path: &Path, recipe: &Recipe, output: &Path, manner: &Manner) -> Result<Built, String> {
    let scratch = Scratch::new(std::env::temp_dir());
    let host = Host { jobs: manner.jobs, epoch: None, scratch: &scratch, observer: &Warnings };
    let options = Options { compression: manner.compression, ..Options::default() };
    let base = path.parent().unwrap_or(Path::new(""));
    let lock = locking::needs_lock(recipe).then(|| lock(path)).transpose()?;
    // Nothing of the user's cache is used or changed: what is built here comes from the mirror of the bundle.
    let cache = temporary()?;
    let supply = Supply {
        store: Store::open(cache.path()).map_err(|error| sentence(&error))?,
        source: &FileOnly,
        sleeper: &ThreadSleeper,
        patience: Patience::default(),
        mirrors: vec![Mirror::directory(fixtures::mirror())],
        base: base.to_path_buf(),
        // Nothing is locked anew, so neither the time nor the machine's apt is asked.
        now: 0,
        apt_root: cache.path().to_path_buf(),
    };
    let provisions = lock.as_ref().map(|lock| Provisions { lock, supply: &supply });
    let assembled = ocelet::assemble(recipe, provisions, &ocelet::rules(), base, output, &options, &host)
        .map_err(|error| format!("cannot assemble {}: {}", path.display(), sentence(&error)))?;
    let finished = Finished::open(Reference { path: output.to_path_buf(), tag: None });
    let finished = finished.map_err(|error| sentence(&error))?;
    let verified = verify(&finished, &host).map_err(|error| sentence(&error))?;
    if !verified.is_sound() {
        let broken = verified.findings.iter().filter(|finding| finding.broken);
        let lines: Vec<String> =
            broken.map(|finding| format!("{}: {}", finding.place, finding.message)).collect();
        return Err(format!("{} is broken:\n  {}", output.display(), lines.join("\n  ")));
    }
    let sizes =
        sizes(recipe.image.value.as_str(), &finished, None, &host).map_err(|error| sentence(&error))?;
    let images = &sizes.images;
    if verified.images != images.len() || verified.images == 0 {
        return Err(format!(
            "{} of the {} images in {} were verified",
            verified.images,
            images.len(),
            output.display()
        ));
    }
    let tags = &assembled.shipped.tags;
    Ok(Built {
        image: recipe.image.value.to_string(),
        digests: tags.iter().map(|tag| (tag.tag.clone(), tag.digest.to_string())).collect(),
        sizes,
    })
}

/// Tells warnings and nothing else.
struct Warnings;

impl Observer for Warnings {
    fn observe(&self, event: &Event<'_>) {
        if let Event::Warning { message } = event {
            eprintln!("warning: {message}");
        }
    }
}

/// An error with its causes.
fn sentence(error: &dyn std::error::Error) -> String {
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
        let manner = Manner { compression, jobs, set: BTreeMap::new() };
        let golden = bless::golden().expect("golden.toml can be read");
        for path in fixtures::recipes() {
            let recipe = recipe(&path, &manner).unwrap_or_else(|error| panic!("{error}"));
            let output = tempfile::tempdir().expect("a temporary directory can be made");
            let built =
                build(&path, &recipe, output.path(), &manner).unwrap_or_else(|error| panic!("{error}"));
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
