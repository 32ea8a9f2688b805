//! Reads the `deb` kind of a source: suites of repositories as sources.list(5) has them, or what apt is configured with,
//! the keyrings that vouch for them, the packages to take files from, and the choice among alternatives.
//!
//! It refuses repositories without keys, options of apt in a line, keys and snapshots where apt decides, names and
//! versions that are not Debian's, and platforms that Debian has no packages for.

use std::collections::BTreeMap;

use ocelet_tree::{Name, TreePath};

use super::fields::{Data, Fields, Text};
use super::location::Setting;
use super::model::{DebOrigin, DebRepository, DebSource, Keys};
use super::names::PackageName;
use super::package::{self, PackageTerm, Versions};
use super::problem::{At, Code, Span};
use super::repository::{Packaged, without_slashes};
use super::template::{PlatformText, Scope, expand_fixed};
use super::values::{self, Seen};

/// How a repository is written.
const LINE: &str = "write \"ADDRESS SUITE COMPONENT…\", like \"https://deb.debian.org/debian bookworm main\"";

/// Reads the keys of this kind; nothing where the source is of another or has a problem.
pub(super) fn read(
    fields: &mut Fields,
    is_kind: bool,
    mut packaged: Packaged,
    setting: &mut Setting<'_, '_>,
) -> Option<DebSource> {
    let snapshot_at = fields.key_span("snapshot");
    let snapshot = fields.boolean("snapshot").unwrap_or(false);
    let packages = packages(fields, setting);
    let alternatives = alternatives(fields, setting);
    let span = fields.span;
    let written = fields.any("deb")?;
    if let Some(stranger) = setting.known_platforms().iter().find(|one| one.deb_architecture().is_none()) {
        setting.refuse_platform("Debian", stranger, span);
    }
    for (name, pin) in &packaged.pins {
        is_name(name, pin.span, setting);
    }
    let origin = if let Data::Texts(texts) = written.data {
        let keys = keys(fields, is_kind, &mut packaged, setting);
        let repositories = repositories(fields, &texts, written.span, setting);
        DebOrigin::Listed { repositories, keys: keys?, snapshot }
    } else {
        // The table of keys lets no other word through than "system".
        for (key, at) in [("keys", packaged.keys_at), ("snapshot", snapshot_at)] {
            let Some(at) = at.filter(|_| is_kind) else { continue };
            let message = format!("\"{key}\" has no meaning in {}, where apt decides", fields.title);
            let problem = setting.findings.error(Code::MisplacedKey, at, message);
            problem.label("remove it").note(written.span, "apt decides because of this");
        }
        DebOrigin::System
    };
    Some(DebSource { origin, packages, pins: packaged.pins, alternatives })
}

/// Whose signatures count for a list of repositories.
fn keys(
    fields: &Fields,
    is_kind: bool,
    packaged: &mut Packaged,
    setting: &mut Setting<'_, '_>,
) -> Option<Keys> {
    if is_kind && packaged.keys_at.is_none() && !fields.had_problem(&["keys"]) {
        let message = format!("{} lacks the key \"keys\"", fields.title);
        setting
            .findings
            .error(Code::MissingKey, fields.span, message)
            .label("add keys = \"debian\", or a list of OpenPGP keyrings");
    }
    packaged.keys.take()
}

fn packages(fields: &mut Fields, setting: &mut Setting<'_, '_>) -> BTreeMap<PackageName, At<PackageTerm>> {
    let mut packages = BTreeMap::new();
    let mut seen = Seen::default();
    for text in fields.texts("packages").map(|(texts, _)| texts).into_iter().flatten() {
        let Some(asked) = package::asked(&text, setting.findings) else { continue };
        let term = asked.finish(Versions::Debian, Scope::Image, setting.variables, setting.findings);
        if let Some(tag) = &asked.tag {
            let message = format!("\"{}\" has the tag \"{tag}\", which no Debian repository has", text.value);
            refuse(setting, text.span, message, "leave it out");
        } else if is_name(&asked.name, text.span, setting)
            && seen.is_new(asked.name.as_str(), text.span, "the package", setting.findings)
            && let Some(term) = term
        {
            packages.insert(term.name.clone(), At::new(term, text.span));
        }
    }
    packages
}

/// Whether a package of Debian can have that name (Debian policy, 5.6.7 "Package").
fn is_name(name: &PackageName, span: Span, setting: &mut Setting<'_, '_>) -> bool {
    let letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = name.as_str().as_bytes();
    if bytes.len() >= 2 && letter(bytes[0]) && bytes.iter().all(|byte| letter(*byte) || b"+-.".contains(byte))
    {
        return true;
    }
    let message = format!(
        "\"{name}\" cannot be the name of a Debian package: it has lowercase letters, digits, '+', '-' and '.', begins with a letter or digit, at least 2 characters"
    );
    setting.findings.error(Code::InvalidName, span, message);
    false
}

fn alternatives(fields: &mut Fields, setting: &mut Setting<'_, '_>) -> BTreeMap<String, At<TreePath>> {
    let mut alternatives = BTreeMap::new();
    for (name, (span, text)) in fields.text_map("alternatives") {
        if Name::new(&name).is_err() || name.contains(char::is_whitespace) {
            let message = format!("\"{name}\" cannot be the name of alternatives");
            let problem = setting.findings.error(Code::InvalidName, span, message);
            problem.label("write it as in /etc/alternatives, like iptables");
        }
        let program = text.and_then(|text| {
            let path = expand_fixed(&text, Scope::Image, setting.variables, setting.findings)?;
            let path = values::path_below_root(&path, text.span, "the program", setting.findings)?;
            Some(At::new(path, text.span))
        });
        if let Some(program) = program {
            alternatives.insert(name, program);
        }
    }
    alternatives
}

fn repositories(
    fields: &Fields,
    texts: &[Text],
    list: Span,
    setting: &mut Setting<'_, '_>,
) -> Vec<At<DebRepository>> {
    if texts.is_empty() {
        let message = format!("\"deb\" in {} names no repository", fields.title);
        setting
            .findings
            .error(Code::Empty, list, message)
            .label("add one like \"https://deb.debian.org/debian bookworm main\", or write \"system\"");
    }
    let mut seen = Seen::default();
    let mut repositories = Vec::new();
    for text in texts {
        let Some(repository) = repository(text, setting) else { continue };
        // What is fetched is an index of each component, or the only one of an exact path.
        let place = format!("{} {}", repository.location, repository.suite);
        let mut indexes: Vec<String> =
            repository.components.iter().map(|component| format!("{place} {component}")).collect();
        if indexes.is_empty() {
            indexes.push(place);
        }
        for index in indexes {
            seen.is_new(&index, text.span, "the repository", setting.findings);
        }
        repositories.push(At::new(repository, text.span));
    }
    repositories
}

/// `ADDRESS SUITE COMPONENT…`, or `ADDRESS PATH/`.
fn repository(text: &Text, setting: &mut Setting<'_, '_>) -> Option<DebRepository> {
    let words = words(text, setting);
    let mut refused = |what: &str, label: &str| {
        let message = format!("the repository \"{}\" {what}", text.value);
        refuse(setting, text.span, message, label);
        None
    };
    let begins = |word: Option<&Text>, with: &str| word.is_some_and(|word| word.value.starts_with(with));
    if let Some(kind @ ("deb" | "deb-src")) = words.first().map(|word| word.value.as_str()) {
        return refused(&format!("begins with \"{kind}\""), "leave that out: it is about packages always");
    }
    if begins(words.first(), "[") || begins(words.get(1), "[") {
        return refused("has options of apt", "leave them out; \"keys\" says whose signatures are believed");
    }
    let [address, suite, components @ ..] = &words[..] else { return refused("names no suite", LINE) };
    let suite = self::suite(suite, setting);
    let location = location(address, suite.as_deref(), setting);
    let written: Vec<String> = components.iter().filter_map(|word| component(word, setting)).collect();
    let suite = suite?;
    match components.first() {
        None if !suite.ends_with('/') => {
            refuse(setting, text.span, format!("the repository \"{}\" names no component", text.value), LINE);
        }
        Some(first) if suite.ends_with('/') => {
            let message = format!("the exact path \"{suite}\" has no components");
            refuse(setting, first.span, message, "leave them out");
        }
        _ => {}
    }
    Some(DebRepository { location: location?, suite, components: written })
}

/// The words of a text, each with its place.
fn words(text: &Text, setting: &Setting<'_, '_>) -> Vec<Text> {
    let mut words = Vec::new();
    let mut at = 0;
    while let Some(start) = text.value[at..].find(|letter: char| !letter.is_whitespace()) {
        let mut word = text.rest(at + start);
        word.value.truncate(word.value.find(char::is_whitespace).unwrap_or(word.value.len()));
        word.span = text.part(setting.findings, at + start..at + start + word.value.len());
        at += start + word.value.len();
        words.push(word);
    }
    words
}

fn location(address: &Text, suite: Option<&str>, setting: &mut Setting<'_, '_>) -> Option<PlatformText> {
    let location = setting.place(&without_slashes(address))?;
    for platform in setting.known_platforms() {
        let written = location.for_platform(&platform);
        if !setting.is_location(&written, address.span) {
            return None;
        }
        let above =
            suite.and_then(|suite| written.strip_suffix(suite)?.strip_suffix('/')).unwrap_or(&written);
        if above.ends_with("/dists") {
            let message = format!("the repository \"{written}\" names the directory \"dists\"");
            let label = "leave that out: suites are looked for below it, and packages beside it";
            refuse(setting, address.span, message, label);
            return None;
        }
    }
    Some(location)
}

/// A suite, or an exact path with its slash.
fn suite(word: &Text, setting: &mut Setting<'_, '_>) -> Option<String> {
    let suite = expand_fixed(word, Scope::Image, setting.variables, setting.findings)?;
    // A slash alone is the root itself, as in apt.
    if matches!(suite.as_str(), "/" | "./") {
        return Some("./".to_owned());
    }
    if !is_below(suite.strip_suffix('/').unwrap_or(&suite)) {
        let label = "write a name like bookworm, or an exact path that ends with a \"/\", like ./";
        refuse(setting, word.span, format!("\"{suite}\" cannot be a suite"), label);
        return None;
    }
    Some(suite)
}

fn component(word: &Text, setting: &mut Setting<'_, '_>) -> Option<String> {
    let component = expand_fixed(word, Scope::Image, setting.variables, setting.findings)?;
    if !is_below(&component) {
        let message = format!("\"{component}\" cannot be a component");
        refuse(setting, word.span, message, "write a name like main");
        return None;
    }
    Some(component)
}

/// Whether it is a path of plain names, which leads nowhere but down.
fn is_below(path: &str) -> bool {
    let plain = |name: &str| {
        !matches!(name, "" | "." | "..")
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._+-~".contains(&byte))
    };
    path.split('/').all(plain)
}

fn refuse(setting: &mut Setting<'_, '_>, at: Span, message: String, label: &str) {
    setting.findings.error(Code::InvalidValue, at, message).label(label);
}
