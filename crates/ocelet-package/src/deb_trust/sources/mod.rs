//! What apt is configured to fetch from: `sources.list`, `sources.list.d/*.list` and `*.sources` (sources.list(5)).
//!
//! The caller reads the files and gives their texts with their names; what a text says comes back as [`AptSource`]s, and
//! each of those as the [`Repository`]s to fetch, with the keys that may sign each. All problems of a file are reported at
//! once. Methods that nobody can fetch from over HTTP or from files (`mirror+file:`, `cdrom:`, `tor+http:` …) are named by
//! [`Repository::method`] and left to the caller to refuse, since a machine may well have one that is not asked for.

mod deb822;
mod one_line;

use std::collections::BTreeMap;
use std::fmt;

use super::keyring::WantedKey;
use super::stanza::BadLine;

/// Where apt keeps the keys that may sign every source without `Signed-By`, in one file.
pub const TRUSTED_FILE: &str = "/etc/apt/trusted.gpg";
/// Where it keeps more of them; see [`is_trusted_part`].
pub const TRUSTED_PARTS: &str = "/etc/apt/trusted.gpg.d";
/// The one file of sources.
pub const SOURCES_FILE: &str = "/etc/apt/sources.list";
/// Where more of them are; see [`SourceFormat::of_part`].
pub const SOURCES_PARTS: &str = "/etc/apt/sources.list.d";

/// One entry of a file of sources.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AptSource {
    /// The name of its file.
    pub file: String,
    /// The line it begins in, counted from 1.
    pub line: usize,
    /// Packages, their sources, or both.
    pub types: Vec<SourceType>,
    /// Where the repositories are.
    pub uris: Vec<String>,
    /// Suites, or exact paths, which end with a slash.
    pub suites: Vec<String>,
    /// Components; none with exact paths.
    pub components: Vec<String>,
    /// For which architectures.
    pub architectures: Architectures,
    /// Which keys may sign.
    pub signed_by: SignedByOption,
    /// `Trusted`: whether its packages are taken without a signature (yes), or refused even with one (no).
    pub trusted: Option<bool>,
    /// Whether it counts.
    pub enabled: bool,
    /// All other options, by their names in small letters as one-line sources have them (`by-hash`, `pdiffs`).
    pub options: BTreeMap<String, String>,
}

/// What a source is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SourceType {
    /// Packages that can be installed.
    Deb,
    /// What they are built from.
    DebSrc,
}

/// For which architectures a source is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Architectures {
    /// Only these, or those of the machine where there are none.
    pub only: Vec<String>,
    /// And these.
    pub add: Vec<String>,
    /// But not these.
    pub remove: Vec<String>,
}

/// Which keys may sign a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignedByOption {
    /// All of [`TRUSTED_FILE`] and [`TRUSTED_PARTS`].
    Trusted,
    /// Those in files, and those of the trusted ones that are named by their fingerprints.
    Named {
        /// Paths of keyrings on the machine.
        paths: Vec<String>,
        /// Fingerprints.
        keys: Vec<WantedKey>,
    },
    /// Those that the source itself holds, as armored text.
    Embedded(String),
}

/// One repository to fetch from: an address and a suite of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Repository {
    /// What is to be fetched with.
    pub method: Method,
    /// The root, to which the paths of packages are relative, with a slash at its end.
    pub root: String,
    /// The directory of the Release file, with a slash at its end.
    pub release: String,
    /// The suite, or the exact path with its slash.
    pub suite: String,
    /// The components; none where the index lies beside the Release.
    pub components: Vec<String>,
}

/// What fetches a repository (apt-transport-http(1) and others).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Method {
    /// HTTP.
    Http,
    /// HTTP within TLS.
    Https,
    /// Files of this machine: `file:` and `copy:`.
    File,
    /// Anything else, by its name: `cdrom`, `mirror+file`, `tor+http` …
    Unsupported(String),
}

/// In which style a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceFormat {
    /// `deb [options] uri suite component …` in each line.
    OneLine,
    /// Stanzas of fields.
    Deb822,
}

/// One thing that is wrong with a file of sources.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SourceProblem {
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong, after "line N".
    pub what: String,
}

/// All that is wrong with a file of sources.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file} cannot be read as a list of sources: {}", list(.problems))]
#[non_exhaustive]
pub struct MalformedSources {
    /// The name of the file.
    pub file: String,
    /// Each problem, in the order of lines.
    pub problems: Vec<SourceProblem>,
}

impl SourceFormat {
    /// How a file of [`SOURCES_PARTS`] is written, by its name; none for files that apt passes over.
    pub fn of_part(name: &str) -> Option<Self> {
        match name.rsplit_once('.') {
            Some((stem, "list")) if is_part(stem) => Some(Self::OneLine),
            Some((stem, "sources")) if is_part(stem) => Some(Self::Deb822),
            _ => None,
        }
    }
}

/// Whether a file of [`TRUSTED_PARTS`] counts, by its name.
pub fn is_trusted_part(name: &str) -> bool {
    matches!(name.rsplit_once('.'), Some((stem, "gpg" | "asc")) if is_part(stem))
}

/// The characters that apt allows in names of files in its directories (apt.conf(5), "Directories").
fn is_part(stem: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    !stem.is_empty() && !stem.starts_with('.') && stem.bytes().all(allowed)
}

/// Reads a file of sources; `file` is its name.
///
/// # Errors
/// [`MalformedSources`], with all that is wrong.
pub fn read(file: &str, text: &str, format: SourceFormat) -> Result<Vec<AptSource>, MalformedSources> {
    let (sources, mut bad) = match format {
        SourceFormat::OneLine => one_line::read(file, text),
        SourceFormat::Deb822 => deb822::read(file, text),
    };
    for source in &sources {
        source.check(&mut bad);
    }
    if bad.is_empty() {
        return Ok(sources);
    }
    bad.sort_by_key(|one| one.line);
    let problems = bad.into_iter().map(|one| SourceProblem { line: one.line, what: one.what }).collect();
    Err(MalformedSources { file: file.to_owned(), problems })
}

impl AptSource {
    fn new(file: &str, line: usize) -> Self {
        Self {
            file: file.to_owned(),
            line,
            types: Vec::new(),
            uris: Vec::new(),
            suites: Vec::new(),
            components: Vec::new(),
            architectures: Architectures::default(),
            signed_by: SignedByOption::Trusted,
            trusted: None,
            enabled: true,
            options: BTreeMap::new(),
        }
    }

    fn check(&self, bad: &mut Vec<BadLine>) {
        let mut say = |what: String| bad.push(BadLine { line: self.line, what });
        for (empty, what) in [
            (self.types.is_empty(), "a type (deb)"),
            (self.uris.is_empty(), "an address"),
            (self.suites.is_empty(), "a suite"),
        ] {
            if empty {
                say(format!("begins a source without {what}"));
            }
        }
        for uri in &self.uris {
            let scheme = uri.split_once(':').map_or("", |(scheme, _)| scheme);
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
            if scheme.is_empty() || !scheme.bytes().all(plain) || uri.chars().any(char::is_control) {
                say(format!(
                    "has the address \"{}\"; wanted one such as https://host/debian",
                    uri.escape_debug()
                ));
            }
        }
        let exact = self.suites.iter().filter(|suite| suite.ends_with('/')).count();
        if exact > 0 && !self.components.is_empty() {
            say("has an exact path (a suite with a slash at its end) and components; wanted one of them"
                .into());
        }
        if exact < self.suites.len() && self.components.is_empty() {
            say("has a suite and no component; wanted one such as main".into());
        }
        for suite in self.suites.iter().chain(&self.components) {
            if suite.starts_with('/') && suite != "/" || suite.split('/').any(|part| part == "..") {
                say(format!("has \"{}\", which is absolute or climbs", suite.escape_debug()));
            }
        }
    }

    /// Whether the source says that the end of its Release's validity is not to be looked at (`check-valid-until=no`),
    /// as sources that are snapshots do.
    pub fn is_archived(&self) -> bool {
        self.options.get("check-valid-until").and_then(|value| yes_or_no(value)) == Some(false)
    }

    /// All repositories of the source; `$(ARCH)` becomes `architecture`, which is that of the machine, as Debian calls
    /// it.
    pub fn repositories(&self, architecture: &str) -> Vec<Repository> {
        let filled = |text: &str| text.replace("$(ARCH)", architecture);
        let mut found = Vec::new();
        for uri in &self.uris {
            let mut root = filled(uri);
            let scheme = root.split_once(':').map_or("", |(scheme, _)| scheme).to_ascii_lowercase();
            let method = match scheme.as_str() {
                "http" => Method::Http,
                "https" => Method::Https,
                "file" | "copy" => Method::File,
                _ => Method::Unsupported(scheme),
            };
            if !root.ends_with('/') {
                root.push('/');
            }
            for suite in &self.suites {
                let suite = filled(suite);
                let release = if suite.ends_with('/') {
                    let path = suite.trim_start_matches("./").trim_start_matches('/');
                    format!("{root}{path}")
                } else {
                    format!("{root}dists/{suite}/")
                };
                let (method, root, components) = (method.clone(), root.clone(), self.components.clone());
                found.push(Repository { method, root, release, suite, components });
            }
        }
        found
    }
}

impl Architectures {
    /// The architectures, on a machine that is configured for those.
    pub fn of(&self, configured: &[String]) -> Vec<String> {
        let base = if self.only.is_empty() { configured } else { &self.only };
        let mut found: Vec<String> = Vec::new();
        for one in base.iter().chain(&self.add) {
            if !self.remove.contains(one) && !found.contains(one) {
                found.push(one.clone());
            }
        }
        found
    }
}

/// Takes one option by its name in a one-line source; `embedded` says whether keys may stand in it.
fn take_option(source: &mut AptSource, name: &str, value: &str) -> Result<(), String> {
    let words = || value.split([',', ' ']).filter(|word| !word.is_empty()).map(str::to_owned);
    match name {
        "arch" => source.architectures.only = words().collect(),
        "arch+" => source.architectures.add.extend(words()),
        "arch-" => source.architectures.remove.extend(words()),
        "trusted" => source.trusted = Some(answer(name, value)?),
        "enabled" => source.enabled = answer(name, value)?,
        "signed-by" => source.signed_by = signed_by(value)?,
        _ => {
            source.options.insert(name.to_owned(), value.to_owned());
        }
    }
    Ok(())
}

fn answer(name: &str, value: &str) -> Result<bool, String> {
    yes_or_no(value).ok_or_else(|| format!("has {name} \"{}\"; wanted yes or no", value.escape_debug()))
}

/// What apt takes for yes and no (`StringToBool`).
fn yes_or_no(value: &str) -> Option<bool> {
    match value.to_ascii_lowercase().as_str() {
        "yes" | "true" | "with" | "on" | "enable" | "1" => Some(true),
        "no" | "false" | "without" | "off" | "disable" | "0" => Some(false),
        _ => None,
    }
}

fn signed_by(value: &str) -> Result<SignedByOption, String> {
    let (mut paths, mut keys) = (Vec::new(), Vec::new());
    for word in value.split([',', ' ', '\t']).filter(|word| !word.is_empty()) {
        match WantedKey::parse(word) {
            Some(key) => keys.push(key),
            None if word.starts_with('/') => paths.push(word.to_owned()),
            None => {
                return Err(format!(
                    "has signed-by \"{}\"; wanted the absolute path of a keyring, or a fingerprint of 40 digits",
                    word.escape_debug()
                ));
            }
        }
    }
    if paths.is_empty() && keys.is_empty() {
        return Err("has an empty signed-by; wanted the path of a keyring".into());
    }
    Ok(SignedByOption::Named { paths, keys })
}

fn list(problems: &[SourceProblem]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

impl fmt::Display for SourceProblem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "line {} {}", self.line, self.what)
    }
}

#[cfg(test)]
mod tests;
