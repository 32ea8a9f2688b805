//! Needs packs: what a program runs and reads besides its libraries, as data with a reason and a source in each line.
//!
//! A flavor that says `needs` has everything of the packs, as if it extended a flavor that asks for it. A pack names the
//! variables that its conditions ask for, and refuses a recipe that does not define them.

use std::collections::BTreeSet;
use std::ops::Range;

use serde::Deserialize;

use super::condition::{Condition, Words};
use super::fields::Text;
use super::flavor::{Known, Wants};
use super::list::Named;
use super::model::Wish;
use super::names::{CommandName, FlavorName, NeedsName, RuleName};
use super::package;
use super::problem::{At, Code, Findings, Span};
use super::values;
use super::variables::Variables;

/// Packs by their names: the texts of the files below `needs/`.
pub(super) type Embedded = &'static [(&'static str, &'static str)];

/// The packs that the program brings along.
pub(super) static EMBEDDED: Embedded = &[
    ("cni", include_str!("../../needs/cni.toml")),
    ("kube-proxy", include_str!("../../needs/kube-proxy.toml")),
    ("kubeadm", include_str!("../../needs/kubeadm.toml")),
    ("kubeadm-warnings", include_str!("../../needs/kubeadm-warnings.toml")),
    ("kubelet", include_str!("../../needs/kubelet.toml")),
    ("volumes", include_str!("../../needs/volumes.toml")),
];

/// A pack as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Pack {
    /// What it is about; for those who read the file.
    #[cfg_attr(not(test), expect(dead_code, reason = "each pack must have one"))]
    summary: String,
    /// The variables that its conditions ask for.
    pub(super) variables: Vec<String>,
    #[serde(default, rename = "command")]
    commands: Vec<Line>,
    #[serde(default, rename = "file")]
    files: Vec<Line>,
    #[serde(default, rename = "package")]
    packages: Vec<Line>,
    #[serde(default, rename = "rule")]
    rules: Vec<Line>,
}

/// One thing that is needed.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Line {
    /// The name of a command, package or rule pack.
    name: Option<String>,
    /// The pattern of files.
    path: Option<String>,
    when: Option<String>,
    #[serde(default)]
    optional: bool,
    reason: String,
    source: String,
    #[serde(default)]
    not_from: Vec<String>,
}

/// The kinds of lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LineKind {
    Command,
    File,
    Package,
    Rule,
}

/// Reads a pack.
///
/// # Errors
/// What is wrong with it, as a sentence: it is TOML of another form, or a line lacks something.
pub(super) fn read(text: &str) -> Result<Pack, String> {
    let pack: Pack = toml::from_str(text).map_err(|error| error.to_string())?;
    for (kind, line) in pack.lines() {
        line.check(kind, &pack.variables)
            .map_err(|what| format!("the line for \"{}\" {what}", line.key(kind)))?;
    }
    Ok(pack)
}

impl Pack {
    /// Every line with its kind.
    pub(super) fn lines(&self) -> impl Iterator<Item = (LineKind, &Line)> {
        let kinds = [LineKind::Command, LineKind::File, LineKind::Package, LineKind::Rule];
        let lists = [&self.commands, &self.files, &self.packages, &self.rules];
        kinds.into_iter().zip(lists).flat_map(|(kind, lines)| lines.iter().map(move |line| (kind, line)))
    }
}

impl Line {
    /// What it is about: a name, or a pattern.
    pub(super) fn key(&self, kind: LineKind) -> &str {
        let key = if kind == LineKind::File { &self.path } else { &self.name };
        key.as_deref().unwrap_or_default()
    }

    /// When it is needed.
    pub(super) fn condition(&self) -> Option<&str> {
        self.when.as_deref()
    }

    fn check(&self, kind: LineKind, variables: &[String]) -> Result<(), String> {
        let other = if kind == LineKind::File { &self.name } else { &self.path };
        if self.key(kind).is_empty() || other.is_some() {
            return Err("must have a name, or a path where it is about files".to_owned());
        }
        if self.reason.trim().is_empty() {
            return Err("has no reason".to_owned());
        }
        if !self.source.starts_with("https://") {
            return Err("has no public source: an https address is wanted".to_owned());
        }
        if kind != LineKind::Command && !self.not_from.is_empty() {
            return Err("has not-from, which only commands have".to_owned());
        }
        let Some(when) = &self.when else { return Ok(()) };
        let condition = Condition::parse(when)
            .map_err(|mistakes| mistakes.into_iter().map(|one| one.message).collect::<Vec<_>>().join(", "))?;
        match condition.variables().find(|name| variables.iter().all(|known| known != name)) {
            Some(name) => Err(format!("asks for \"{name}\", which is not among its variables")),
            None => Ok(()),
        }
    }
}

/// What a pack asks for in this recipe; nothing where something is wrong, which is noted at `span`.
pub(super) fn expand(
    name: &str,
    span: Span,
    flavor: &FlavorName,
    known: Known<'_>,
    variables: &mut Variables,
    findings: &mut Findings<'_>,
) -> Option<Wants> {
    let text = known.needs.iter().find_map(|(other, text)| (*other == name).then_some(*text))?;
    let pack = match read(text) {
        Ok(pack) => pack,
        Err(error) => {
            let message = format!("the needs pack \"{name}\" cannot be read: {error}");
            findings.error(Code::InvalidValue, span, message);
            return None;
        }
    };
    let undefined: Vec<&String> = pack.variables.iter().filter(|name| !variables.defines(name)).collect();
    for variable in &undefined {
        let message =
            format!("the needs pack \"{name}\" asks for the variable \"{variable}\", which the recipe lacks");
        let problem = findings.error(Code::UnknownVariable, span, message);
        problem.did_you_mean(variable, variables.names());
        problem.label("define it in [versions] or [parameters]");
    }
    if !undefined.is_empty() {
        return None;
    }
    let mut expansion = Expansion {
        pack: NeedsName::new(name).ok()?,
        span,
        flavor,
        known,
        variables,
        findings,
        wants: Wants::default(),
    };
    for (kind, line) in pack.lines() {
        expansion.add(kind, line);
    }
    Some(expansion.wants)
}

struct Expansion<'a, 'text> {
    pack: NeedsName,
    span: Span,
    flavor: &'a FlavorName,
    known: Known<'a>,
    variables: &'a mut Variables,
    findings: &'a mut Findings<'text>,
    wants: Wants,
}

impl Expansion<'_, '_> {
    fn add(&mut self, kind: LineKind, line: &Line) {
        let wish = Wish {
            optional: line.optional,
            reason: Some(line.reason.clone()),
            source: Some(line.source.clone()),
            from: None,
            not_from: line.not_from.iter().cloned().collect(),
            needs: BTreeSet::from([self.pack.clone()]),
            flavor: self.flavor.clone(),
        };
        let holds = self.holds(line);
        let (key, span) = (line.key(kind), self.span);
        match kind {
            LineKind::Command => {
                let command = CommandName::new(key).map_err(|error| error.to_string());
                let command = command.map_err(|message| self.wrong(&message)).ok();
                let item = command.map(|command| (key.to_owned(), (command, wish)));
                put("commands", key, item, holds, span, &mut self.wants.commands, &mut self.wants.absent);
            }
            LineKind::File => {
                let glob = values::pattern(key, span, "the file", self.findings);
                let item = glob.map(|glob| (key.to_owned(), (glob, wish)));
                put("files", key, item, holds, span, &mut self.wants.files, &mut self.wants.absent);
            }
            LineKind::Package => {
                let text = Text { value: key.to_owned(), span, first: None };
                let asked = package::asked(&text, self.findings);
                let item = asked.map(|asked| (asked.name.to_string(), (asked, wish)));
                put("packages", key, item, holds, span, &mut self.wants.packages, &mut self.wants.absent);
            }
            LineKind::Rule => {
                let rule = RuleName::new(key).ok().filter(|_| self.known.rules.contains(&key));
                if rule.is_none() {
                    self.wrong(&format!("unknown rule pack \"{key}\""));
                }
                let item = rule.map(|rule| (key.to_owned(), (rule, wish)));
                put("rules", key, item, holds, span, &mut self.wants.rules, &mut self.wants.absent);
            }
        }
    }

    fn wrong(&mut self, message: &str) {
        let message = format!("the needs pack \"{}\" is wrong: {message}", self.pack);
        self.findings.error(Code::InvalidValue, self.span, message);
    }

    fn holds(&mut self, line: &Line) -> bool {
        let Some(condition) = line.when.as_ref().and_then(|when| Condition::parse(when).ok()) else {
            return true;
        };
        let span = self.span;
        let place = move |_: &Range<usize>| span;
        condition.holds(Words::Any, &place, self.variables, self.findings).unwrap_or(true)
    }
}

/// Puts a wish, or the name of one that its condition takes away. Of several lines for one thing the first that holds
/// stays, but one that requires it wins.
fn put<K>(
    key: &'static str,
    written: &str,
    item: Option<(String, (K, Wish))>,
    holds: bool,
    span: Span,
    named: &mut Named<(K, Wish)>,
    absent: &mut BTreeSet<(&'static str, String)>,
) {
    match item {
        Some((name, value)) if holds => {
            if named.get(&name).is_none_or(|first| first.value.1.optional && !value.1.optional) {
                named.insert(name, At::new(value, span));
            }
        }
        Some((name, _)) => {
            absent.insert((key, name));
        }
        None => {
            absent.insert((key, written.to_owned()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pack_is_embedded_and_sound() {
        let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/needs");
        let files = ocelet_testkit::files_below(std::path::Path::new(directory));
        let names: BTreeSet<&str> = files.iter().filter_map(|file| file.strip_suffix(".toml")).collect();
        let embedded: Vec<&str> = EMBEDDED.iter().map(|(name, _)| *name).collect();
        assert_eq!(embedded, Vec::from_iter(names), "the list of embedded packs names each file, in order");
        let rules = ocelet_elf::RulePacks::embedded();
        for (name, text) in EMBEDDED {
            assert!(NeedsName::new(*name).is_ok(), "{name}");
            let pack = read(text).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert!(!pack.summary.trim().is_empty() && pack.lines().count() > 0, "{name}");
            for (kind, line) in pack.lines() {
                let key = line.key(kind);
                match kind {
                    LineKind::Command => assert!(CommandName::new(key).is_ok(), "{name}: {key}"),
                    LineKind::File => {
                        assert!(key.starts_with('/') && ocelet_tree::Glob::new(key).is_ok(), "{name}: {key}");
                    }
                    LineKind::Package => {
                        let mut findings = Findings::new("");
                        let span = findings.span(0..0);
                        let text = Text { value: key.to_owned(), span, first: None };
                        assert!(package::asked(&text, &mut findings).is_some(), "{name}: {key}");
                    }
                    LineKind::Rule => assert!(rules.choose(&[key]).is_ok(), "{name}: {key}"),
                }
                let own: BTreeSet<&String> = line.not_from.iter().collect();
                assert_eq!(own.len(), line.not_from.len(), "{name}: {key}");
            }
        }
    }

    #[test]
    fn an_unsound_pack_says_why() {
        let line = "[[command]]\nname = 'a'\nreason = 'r'\nsource = 'https://x'\n";
        for (text, want) in [
            (line.replace("'r'", "' '"), "the line for \"a\" has no reason"),
            (
                line.replace("https", "http"),
                "the line for \"a\" has no public source: an https address is wanted",
            ),
            (
                line.replace("name", "path"),
                "the line for \"\" must have a name, or a path where it is about files",
            ),
            (
                format!("{line}when = 'y > 1'"),
                "the line for \"a\" asks for \"y\", which is not among its variables",
            ),
            (format!("{line}when = 'x'"), "the line for \"a\" \"x\" is not a clause of a condition"),
            (
                line.replace("command", "package") + "not-from = ['b']",
                "the line for \"a\" has not-from, which only commands have",
            ),
        ] {
            let text = format!("summary = 's'\nvariables = ['x']\n{text}");
            assert_eq!(read(&text).err().as_deref(), Some(want), "{text}");
        }
        let unknown = format!("summary = 's'\nvariables = []\n{line}from = 'x'");
        assert!(read(&unknown).is_err_and(|error| error.contains("unknown field `from`")));
    }
}
