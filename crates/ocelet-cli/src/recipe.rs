//! The recipe and its lock, as commands find them: a TOML file, and beside it the same name with `.lock`, or the lock
//! that is named.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::Args;
use ocelet::host::{FileError, read_text, write_text};
use ocelet::lock::{self, Lock};
use ocelet::recipe::{Context, Parsed, Problems, Recipe, parse};
use ocelet::{RulePacks, rules};

use crate::failure::Failure;
use crate::output::Talk;

/// Which recipe.
#[derive(Debug, Args)]
pub(crate) struct RecipeArguments {
    /// The recipe, a TOML file
    pub(crate) recipe: PathBuf,

    /// Give a value to a variable of the recipe
    #[arg(long = "set", value_name = "NAME=VALUE")]
    pub(crate) set: Vec<String>,

    /// The lock, where it is not beside the recipe: one recipe may have a lock for each set of values
    #[arg(long, value_name = "FILE")]
    pub(crate) lock: Option<PathBuf>,
}

/// A recipe that was read.
pub(crate) struct Loaded {
    pub(crate) recipe: Recipe,
    pub(crate) rules: RulePacks,
    /// Where its relative paths begin.
    pub(crate) base: PathBuf,
    /// Where its lock is.
    pub(crate) lock_path: PathBuf,
}

impl RecipeArguments {
    /// Reads the recipe, and tells of its warnings.
    pub(crate) fn load(&self, talk: &Talk) -> Result<Loaded, Failure> {
        let text = read_text(&self.recipe).map_err(|error| Failure::unavailable(&error))?;
        let rules = rules();
        let known_rules = rules.names().map(str::to_owned).collect();
        let context = Context { known_rules, set: settings(&self.set)? };
        let Parsed { recipe, warnings } =
            parse(&text, &context).map_err(|problems| refuse(&problems, &self.recipe, &text, talk))?;
        if !warnings.is_empty() {
            talk.rendered(&warnings.render(&self.recipe.display().to_string(), &text), &warnings.to_json());
        }
        let base = self.recipe.parent().unwrap_or(Path::new("")).to_path_buf();
        let lock_path = self.lock.clone().unwrap_or_else(|| self.recipe.with_extension("lock"));
        Ok(Loaded { recipe, rules, base, lock_path })
    }
}

impl Loaded {
    /// The lock, if there is one.
    pub(crate) fn lock(&self) -> Result<Option<Lock>, Failure> {
        read_lock(&self.lock_path)
    }

    /// Writes the lock.
    pub(crate) fn write_lock(&self, lock: &Lock, talk: &Talk) -> Result<(), Failure> {
        write_text(&self.lock_path, &lock.to_text()).map_err(|error| Failure::of(&error))?;
        let counts = format!("{} packages, {} artifacts", lock.packages.len(), lock.artifacts.len());
        talk.status("Locked", &format!("{counts} in {}", self.lock_path.display()));
        Ok(())
    }
}

/// Reads a lock; nothing where there is no such file.
pub(crate) fn read_lock(path: &Path) -> Result<Option<Lock>, Failure> {
    let text = match read_text(path) {
        Ok(text) => text,
        Err(FileError::Read { cause, .. }) if cause.kind() == std::io::ErrorKind::NotFound => {
            return Ok(None);
        }
        Err(error) => return Err(Failure::unavailable(&error)),
    };
    lock::parse(&text)
        .map(Some)
        .map_err(|error| Failure::of(&error).within(&format!("cannot use {}", path.display())))
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
