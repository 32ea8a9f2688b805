//! [`Said`]: what a program said before it ended, for tests of the command line.

use std::collections::BTreeMap;
use std::process::Command;

use serde_json::Value;

/// What a command said.
#[derive(Debug)]
pub struct Said {
    /// The exit code; -1 where a signal ended it.
    pub code: i32,
    /// stdout.
    pub out: String,
    /// stderr.
    pub err: String,
}

impl Said {
    /// Asserts the exit code, and that stderr has all the words.
    ///
    /// # Panics
    /// It is another code, or a word is missing.
    #[track_caller]
    pub fn fails(&self, code: i32, words: &[&str]) {
        assert_eq!(self.code, code, "{}", self.err);
        for word in words {
            assert!(self.err.contains(word), "no \"{word}\" in {}", self.err);
        }
    }

    /// Asserts that it went well.
    ///
    /// # Panics
    /// It did not.
    #[track_caller]
    #[expect(clippy::return_self_not_must_use, reason = "most tests want nothing but the assertion")]
    pub fn succeeds(self) -> Self {
        assert_eq!(self.code, 0, "{}", self.err);
        self
    }

    /// The digests of the tags that `assemble --format json` tells.
    ///
    /// # Panics
    /// It told nothing of that form.
    pub fn digests(&self) -> BTreeMap<String, String> {
        let value: Value = serde_json::from_str(&self.out).expect("JSON");
        let tags = value["tags"].as_array().expect("a list");
        let text = |value: &Value| value.as_str().expect("text").to_owned();
        tags.iter().map(|tag| (text(&tag["tag"]), text(&tag["digest"]))).collect()
    }
}

/// Runs a command to its end.
///
/// # Panics
/// It cannot be started, or says what is no text.
pub fn said(command: &mut Command) -> Said {
    let output = command.output().expect("it runs");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    Said { code: output.status.code().unwrap_or(-1), out: text(output.stdout), err: text(output.stderr) }
}
