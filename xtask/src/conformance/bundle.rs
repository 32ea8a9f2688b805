//! The recipe over the embedded mirror, in a place of its own: checks that lock it must not touch the checkout.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::shell::{command, output, read, root, temporary, write};

/// The name of the recipe, and of its lock.
const NAME: &str = "bundle-node";

/// A copy of the recipe and of what it reads beside itself; gone when the value is.
pub(super) struct Bundle {
    work: tempfile::TempDir,
}

impl Bundle {
    /// Copies the recipe and its keys. The lock is not copied: whoever needs one makes it.
    pub(super) fn copy() -> Result<Self, String> {
        let work = temporary()?;
        let recipe = format!("recipes/{NAME}.toml");
        write(&work.path().join(&recipe), &read(&root().join(&recipe))?)?;
        for key in crate::shell::list(&root().join("fixtures/keys")) {
            let name = key.file_name().ok_or("a key has no name")?;
            write(&work.path().join("fixtures/keys").join(name), &read(&key)?)?;
        }
        Ok(Self { work })
    }

    /// A place in the directory of the copy.
    pub(super) fn place(&self, name: &str) -> PathBuf {
        self.work.path().join(name)
    }

    /// The copy of the recipe.
    pub(super) fn recipe(&self) -> PathBuf {
        self.place(&format!("recipes/{NAME}.toml"))
    }

    /// The lock of the copy.
    pub(super) fn lock(&self) -> PathBuf {
        self.place(&format!("recipes/{NAME}.lock"))
    }

    /// `lock RECIPE` of the copy out of the embedded mirror, without a network.
    pub(super) fn lock_words(&self) -> Vec<String> {
        self.words("lock")
    }

    /// `assemble RECIPE` of the copy out of the embedded mirror into a layout, without a network, telling the digests.
    pub(super) fn assemble_words(&self, layout: &Path) -> Vec<String> {
        let mut words = self.words("assemble");
        words.extend(["--format", "json", "--output"].map(str::to_owned));
        words.push(layout.display().to_string());
        words
    }

    fn words(&self, word: &str) -> Vec<String> {
        let recipe = self.recipe().display().to_string();
        let mirror = root().join("fixtures/mirror").display().to_string();
        [word, "--quiet", &recipe, "--offline", "--mirror", &mirror].map(str::to_owned).to_vec()
    }
}

/// A program with a cache of its own.
pub(super) fn cached(program: &str, cache: &Path) -> Command {
    let mut command = command(program);
    command.env("OCELET_CACHE", cache);
    command
}

/// Runs `assemble --format json`, and gives the digest of each tag.
pub(super) fn assembled(command: &mut Command) -> Result<BTreeMap<String, String>, String> {
    digests(&output(command)?)
}

/// The digest of each tag, as `assemble --format json` tells them.
pub(super) fn digests(text: &str) -> Result<BTreeMap<String, String>, String> {
    let wrong = |what: &str| format!("`assemble --format json` {what}:\n{text}");
    let told: Value =
        serde_json::from_str(text).map_err(|error| wrong(&format!("gave no JSON ({error})")))?;
    let tags = told["tags"].as_array().filter(|tags| !tags.is_empty());
    let tags = tags.ok_or_else(|| wrong("names no tags"))?.iter().map(|tag| {
        let text = |key: &str| tag[key].as_str().map(str::to_owned);
        text("tag").zip(text("digest")).ok_or_else(|| wrong("has a tag without digest"))
    });
    tags.collect()
}

#[cfg(test)]
mod tests {
    use super::digests;

    #[test]
    fn digests_are_read_and_nothing_else_is_taken_for_them() {
        let told = digests(r#"{"layout": "x", "tags": [{"tag": "a", "digest": "sha256:1"}]}"#);
        assert_eq!(told.map(|tags| tags.get("a").cloned()), Ok(Some("sha256:1".to_owned())));
        for (text, want) in [
            ("", "gave no JSON"),
            ("{}", "names no tags"),
            (r#"{"tags": []}"#, "names no tags"),
            (r#"{"tags": [{"tag": "a"}]}"#, "without digest"),
        ] {
            let error = digests(text).expect_err(text);
            assert!(error.contains(want), "{want}: {error}");
        }
    }
}
