//! The text of a lock: TOML, one table for each file, in an order that does not depend on the machine, so that a
//! review of the difference is a review of what changed.
//!
//! The version is read before anything else, and there is one model for each. Refused are unknown keys, versions of
//! another ocelet, entries that stand there twice, and places outside of a mirror; all problems at once.

mod first;

use std::collections::BTreeSet;

use serde::Deserialize;

use super::model::Lock;
use super::path;

/// The version of the format that is written.
const VERSION: u32 = 1;

/// Why a text is not a lock.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LockError {
    /// It is not TOML of the right shape.
    #[error("the lock cannot be read")]
    Syntax(#[source] Box<toml::de::Error>),
    /// Another ocelet wrote it.
    #[error(
        "the lock has version {got}, and this ocelet reads version {VERSION}; use the ocelet that wrote it, or write it anew with `ocelet lock --update`"
    )]
    Version {
        /// Its version.
        got: u32,
    },
    /// It says what no lock says.
    #[error("the lock is damaged:\n  {}", .problems.join("\n  "))]
    Problems {
        /// Everything that is wrong, with its place.
        problems: Vec<String>,
    },
}

/// Reads a lock.
///
/// # Errors
/// See [`LockError`].
pub fn parse(text: &str) -> Result<Lock, LockError> {
    #[derive(Deserialize)]
    struct Head {
        version: u32,
    }
    let syntax = |error| LockError::Syntax(Box::new(error));
    let head: Head = toml::from_str(text).map_err(syntax)?;
    if head.version != VERSION {
        return Err(LockError::Version { got: head.version });
    }
    let document: first::Document = toml::from_str(text).map_err(syntax)?;
    let mut problems = Vec::new();
    let lock = document.into_lock(&mut problems);
    check(&lock, &mut problems);
    if problems.is_empty() { Ok(lock) } else { Err(LockError::Problems { problems }) }
}

impl Lock {
    /// The lock as text: the same lock gives the same text.
    ///
    /// # Panics
    /// Never: a lock has only text, numbers and lists of them.
    pub fn to_text(&self) -> String {
        let body = toml::to_string_pretty(&first::Document::of(self))
            .expect("a lock has only text, numbers and lists");
        format!(
            "# Written by `ocelet lock`; `ocelet lock --update` chooses anew. Keep it with the recipe.\n{body}"
        )
    }
}

fn check(lock: &Lock, problems: &mut Vec<String>) {
    let mut places = BTreeSet::new();
    let mut twice = |what: String, key: String, problems: &mut Vec<String>| {
        if !places.insert((what.clone(), key.clone())) {
            problems.push(format!("{what} {key} stands there twice"));
        }
    };
    for one in &lock.packages {
        let key = format!("{} of source {} for {}", one.name, one.source, one.platform);
        twice("package".to_owned(), key, problems);
    }
    for one in &lock.artifacts {
        twice("artifact".to_owned(), format!("of source {} for {}", one.source, one.platform), problems);
    }
    for one in &lock.tools {
        twice("tool".to_owned(), format!("{} for {}", one.source, one.platform), problems);
    }
    for one in &lock.indexes {
        let key = format!("{} of source {} for {}", one.file.path, one.source, one.platform);
        twice("index".to_owned(), key, problems);
    }
    let files = lock.indexes.iter().map(|one| &one.file).chain(lock.packages.iter().map(|one| &one.file));
    for file in files.chain(lock.artifacts.iter().chain(&lock.tools).map(|one| &one.file)) {
        problems.extend(path::check(&file.path).err().map(|problem| problem.to_string()));
    }
}

#[cfg(test)]
mod tests;
