//! [`Release`]: what a suite of a Debian repository says about itself and its indexes (Debian's repository format,
//! "Release files").
//!
//! All problems of a file are reported at once. Only SHA256 counts: a file with nothing but MD5 and SHA-1 is refused, as
//! is a path that is absolute, climbs, or is listed with two different digests.

use std::collections::BTreeMap;
use std::fmt;

use super::date::{self, Instant};
use super::hex::sha256;
use super::stanza::{self, BadLine, Field, Stanza};

/// How many problems of a file are reported before they are only counted.
const MOST_PROBLEMS: usize = 20;

/// What a Release file says.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Release {
    /// Who publishes it.
    pub origin: Option<String>,
    /// What the publisher calls it.
    pub label: Option<String>,
    /// Its role, which moves from one release to the next (`stable`).
    pub suite: Option<String>,
    /// Its name, which stays (`bookworm`).
    pub codename: Option<String>,
    /// The number of the release.
    pub version: Option<String>,
    /// When it was written.
    pub date: Instant,
    /// Until when it may be used.
    pub valid_until: Option<Instant>,
    /// Whether indexes can also be had by their digest, which stays valid while the repository is updated.
    pub by_hash: bool,
    /// The architectures it is for; `all` among them where packages of no architecture have indexes of their own.
    pub architectures: Vec<String>,
    /// Its components, as written: Debian's security archive says `updates/main` for `main`.
    pub components: Vec<String>,
    /// Whether the indexes of the architectures hold what is of no architecture too, even though `all` is listed.
    pub all_is_within: bool,
    /// Whether apt takes packages from it only when told to, as Debian's backports say of themselves.
    pub not_automatic: bool,
    entries: BTreeMap<String, ReleaseEntry>,
}

/// A file that a Release vouches for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReleaseEntry {
    /// Its size in bytes.
    pub size: u64,
    /// Its digest.
    pub sha256: [u8; 32],
}

/// One thing that is wrong with a Release file.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReleaseProblem {
    /// The line, counted from 1; 0 for what is missing.
    pub line: usize,
    /// What is wrong, after "line N".
    pub what: String,
}

/// All that is wrong with a Release file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("it is no Release file: {}", list(.problems, *.more))]
#[non_exhaustive]
pub struct MalformedRelease {
    /// The first problems, in the order of their lines.
    pub problems: Vec<ReleaseProblem>,
    /// How many more there are.
    pub more: usize,
}

impl Release {
    /// Reads the text of a Release file, of which lines are counted from 1. Nothing here says who wrote it: see
    /// [`super::VerifiedRelease`].
    pub(super) fn parse(text: &[u8]) -> Result<Self, MalformedRelease> {
        let text = String::from_utf8_lossy(text);
        let stanzas = stanza::read(&text).map_err(malformed)?;
        let [stanza] = &stanzas[..] else {
            let what = format!("it has {} stanzas; wanted one", stanzas.len());
            return Err(malformed(vec![BadLine { line: 0, what }]));
        };
        let mut bad = Vec::new();
        let date = time(stanza, "Date", &mut bad);
        let valid_until = time(stanza, "Valid-Until", &mut bad);
        if stanza.field("Date").is_none() {
            bad.push(BadLine { line: 0, what: "there is no field \"Date\"".into() });
        }
        let entries = entries(stanza, &mut bad);
        let text = |name: &str| stanza.field(name).map(Field::joined).filter(|value| !value.is_empty());
        let words = |name: &str| stanza.field(name).map(Field::words).unwrap_or_default();
        match date {
            Some(date) if bad.is_empty() => Ok(Self {
                origin: text("Origin"),
                label: text("Label"),
                suite: text("Suite"),
                codename: text("Codename"),
                version: text("Version"),
                date,
                valid_until,
                by_hash: text("Acquire-By-Hash").is_some_and(|value| value.eq_ignore_ascii_case("yes")),
                architectures: words("Architectures"),
                components: words("Components"),
                all_is_within: words("No-Support-for-Architecture-all").iter().any(|word| word == "Packages"),
                not_automatic: text("NotAutomatic").is_some_and(|value| value.eq_ignore_ascii_case("yes")),
                entries,
            }),
            _ => Err(malformed(bad)),
        }
    }

    /// The file of that path, below the directory of the Release file.
    pub fn entry(&self, path: &str) -> Option<&ReleaseEntry> {
        self.entries.get(path)
    }

    /// All files with their paths, in the order of paths.
    pub fn entries(&self) -> impl Iterator<Item = (&str, &ReleaseEntry)> {
        self.entries.iter().map(|(path, entry)| (path.as_str(), entry))
    }

    /// Whether it is the Release of that suite, as it is called in a list of sources: by suite or codename, where a
    /// part behind the last slash may be there or not (`bullseye/updates`), as in apt (`metaIndex::CheckDist`). An exact
    /// path says nothing about names and fits always.
    pub fn is_of(&self, asked: &str) -> bool {
        let fits = |name: &str| self.suite.as_deref() == Some(name) || self.codename.as_deref() == Some(name);
        let short = asked.rsplit_once('/').map_or(asked, |(before, _)| before);
        asked.ends_with('/') || asked.is_empty() || fits(asked) || fits(short) || short == "."
    }

    /// Whether it has a component of that name.
    pub fn has_component(&self, name: &str) -> bool {
        let last = |component: &str| component.rsplit('/').next() == Some(name);
        self.components.iter().any(|component| component == name || last(component))
    }

    /// Whether what is of no architecture is in indexes of its own (`binary-all`), which must be read besides.
    pub fn has_index_of_all(&self) -> bool {
        !self.all_is_within && self.architectures.iter().any(|one| one == "all")
    }
}

fn time(stanza: &Stanza, name: &str, bad: &mut Vec<BadLine>) -> Option<Instant> {
    let field = stanza.field(name)?;
    let text = field.joined();
    let read = date::parse(&text);
    if read.is_none() {
        let what = format!(
            "has the {name} \"{}\"; wanted a time in UTC such as \"Fri, 20 Nov 2026 00:12:41 UTC\"",
            shortened(&text)
        );
        bad.push(BadLine { line: field.line, what });
    }
    read
}

fn entries(stanza: &Stanza, bad: &mut Vec<BadLine>) -> BTreeMap<String, ReleaseEntry> {
    let mut entries = BTreeMap::new();
    let Some(field) = stanza.field("SHA256") else {
        let weak: Vec<&str> =
            ["MD5Sum", "SHA1"].into_iter().filter(|name| stanza.field(name).is_some()).collect();
        let has =
            if weak.is_empty() { String::new() } else { format!("; it has only {}", weak.join(" and ")) };
        bad.push(BadLine { line: 0, what: format!("there is no field \"SHA256\"{has}") });
        return entries;
    };
    for (index, text) in field.lines.iter().enumerate().filter(|(_, text)| !text.is_empty()) {
        let line = field.line + index;
        match entry(text) {
            Err(what) => bad.push(BadLine { line, what }),
            Ok((path, entry)) => match entries.insert(path.to_owned(), entry) {
                Some(other) if other != entry => {
                    let what = format!("lists {} again, with another digest or size", shortened(path));
                    bad.push(BadLine { line, what });
                }
                _ => {}
            },
        }
    }
    entries
}

fn entry(text: &str) -> Result<(&str, ReleaseEntry), String> {
    let words: Vec<&str> = text.split_ascii_whitespace().collect();
    let [digest, size, path] = words[..] else {
        return Err(format!("is \"{}\"; wanted a sha256, a size and a path", shortened(text)));
    };
    let sha256 = sha256(digest).ok_or_else(|| format!("has \"{}\"; wanted a sha256", shortened(digest)))?;
    let plain = size.bytes().all(|byte| byte.is_ascii_digit());
    let size = size.parse().ok().filter(|_| plain);
    let size = size.ok_or_else(|| format!("has the size of {} not in plain digits", shortened(path)))?;
    // Flat repositories write "./Packages".
    let path = path.strip_prefix("./").unwrap_or(path);
    let parts = || path.split('/');
    if parts().any(|part| matches!(part, "" | "." | "..")) || path.chars().any(char::is_control) {
        return Err(format!("has the path \"{}\", which is absolute or climbs", shortened(path)));
    }
    Ok((path, ReleaseEntry { size, sha256 }))
}

/// A piece of a text for a message.
fn shortened(text: &str) -> String {
    let short: String = text.chars().take(80).collect();
    let more = if short.len() < text.len() { "…" } else { "" };
    format!("{}{more}", short.escape_debug())
}

fn malformed(mut bad: Vec<BadLine>) -> MalformedRelease {
    bad.sort_by_key(|one| one.line);
    let more = bad.len().saturating_sub(MOST_PROBLEMS);
    let problems = bad.into_iter().take(MOST_PROBLEMS);
    let problems = problems.map(|one| ReleaseProblem { line: one.line, what: one.what }).collect();
    MalformedRelease { problems, more }
}

fn list(problems: &[ReleaseProblem], more: usize) -> String {
    let mut text = problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
    if more > 0 {
        text = format!("{text}; and {more} more");
    }
    text
}

impl fmt::Display for ReleaseProblem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => formatter.write_str(&self.what),
            line => write!(formatter, "line {line} {}", self.what),
        }
    }
}
