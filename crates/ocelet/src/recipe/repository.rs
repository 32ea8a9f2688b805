//! Reads the `apk` kind of a source: package repositories, the keys that vouch for them, and pins; keys and pins for the
//! `deb` kind too.
//!
//! It refuses repositories without keys, an address that already names one architecture, and platforms that Alpine
//! has no packages for.

use std::collections::BTreeMap;

use super::fields::{Data, Fields, Text};
use super::keys::KEYRINGS;
use super::location::Setting;
use super::model::{ApkSource, Keys, Repository};
use super::names::{PackageName, RepositoryTag};
use super::package::{self, Constraint, Versions};
use super::problem::{At, Code, Span};
use super::template::Scope;
use super::values::{Seen, duplicate};

/// What sources of packages say alike, whichever packages these are.
#[derive(Debug)]
pub(super) struct Packaged {
    pub(super) keys: Option<Keys>,
    /// The place of the key that says so, whether or not its value is a good one.
    pub(super) keys_at: Option<Span>,
    pub(super) pins: BTreeMap<PackageName, At<Constraint>>,
}

impl Packaged {
    pub(super) fn read(fields: &mut Fields, versions: Versions, setting: &mut Setting<'_, '_>) -> Self {
        let keys_at = fields.key_span("keys");
        Self { keys: keys(fields, versions, setting), keys_at, pins: pins(fields, versions, setting) }
    }
}

/// Reads the keys of this kind; nothing where the source is of another or has a problem.
pub(super) fn read(
    fields: &mut Fields,
    is_kind: bool,
    packaged: &mut Packaged,
    setting: &mut Setting<'_, '_>,
) -> Option<ApkSource> {
    if is_kind && packaged.keys_at.is_none() && !fields.had_problem(&["keys"]) {
        let message = format!("{} lacks the key \"keys\"", fields.title);
        setting
            .findings
            .error(Code::MissingKey, fields.span, message)
            .label("add keys = \"alpine\", or a list of key files");
    }
    let span = fields.span;
    let repositories = repositories(fields, setting)?;
    if let Some(stranger) = setting.known_platforms().iter().find(|one| one.apk_architecture().is_none()) {
        setting.refuse_platform("Alpine", stranger, span);
    }
    Some(ApkSource { repositories, keys: packaged.keys.take()?, pins: std::mem::take(&mut packaged.pins) })
}

fn keys(fields: &mut Fields, versions: Versions, setting: &mut Setting<'_, '_>) -> Option<Keys> {
    let value = fields.any("keys")?;
    let of_alpine = versions == Versions::Alpine;
    let (own, distribution) = if of_alpine { ("alpine", "Alpine") } else { ("debian", "Debian") };
    let label = format!("write \"{own}\", or name key files");
    let texts = match value.data {
        Data::Text(text) => {
            // The table of keys lets templates through, and the names of keyrings.
            let place = setting.place(&text)?;
            let given = place.for_every_platform();
            match given.filter(|given| KEYRINGS.contains(&given.as_str())) {
                Some(given) if given == own => return Some(Keys::Embedded(given)),
                Some(given) => {
                    let message = format!(
                        "\"keys\" in {} cannot be \"{given}\": these keys sign no packages of {distribution}",
                        fields.title
                    );
                    setting.findings.error(Code::InvalidValue, value.span, message).label(&label);
                    return None;
                }
                None => vec![text],
            }
        }
        Data::Texts(texts) => texts,
        _ => return None,
    };
    if texts.is_empty() {
        let message = format!("\"keys\" in {} names no key", fields.title);
        setting.findings.error(Code::Empty, value.span, message).label(&label);
    }
    let mut files: Vec<At<_>> = Vec::new();
    let mut seen = Seen::default();
    for text in texts {
        let Some(place) = setting.place(&text) else { continue };
        let template = place.to_string();
        if template.contains("://") {
            let message = format!("the key \"{template}\" is not a file beside the recipe");
            setting
                .findings
                .error(Code::InvalidPath, text.span, message)
                .label("fetch it once, look at it, and keep it with the recipe");
            continue;
        }
        // Alpine's signatures name the file of their key; OpenPGP's do not.
        let (what, name) = match template.rsplit('/').next().filter(|_| of_alpine) {
            Some(name) => ("the key file name", name),
            None => ("the key file", &*template),
        };
        seen.is_new(name, text.span, what, setting.findings);
        files.push(At::new(place, text.span));
    }
    Some(Keys::Files(files))
}

fn pins(
    fields: &mut Fields,
    versions: Versions,
    setting: &mut Setting<'_, '_>,
) -> BTreeMap<PackageName, At<Constraint>> {
    let mut pins = BTreeMap::new();
    for (name, (span, text)) in fields.text_map("pin") {
        let constraint = text.and_then(|text| {
            let asked = package::constraint(&text, &text, setting.findings)?;
            asked.finish(versions, Scope::Image, setting.variables, setting.findings)
        });
        match (PackageName::new(name), constraint) {
            (Ok(name), Some(constraint)) => {
                pins.insert(name, At::new(constraint, span));
            }
            (Ok(_), None) => {}
            (Err(error), _) => {
                setting.findings.error(Code::InvalidName, span, error.to_string());
            }
        }
    }
    pins
}

fn repositories(fields: &mut Fields, setting: &mut Setting<'_, '_>) -> Option<Vec<At<Repository>>> {
    let (texts, list) = fields.texts("apk")?;
    if texts.is_empty() {
        let message = format!("\"apk\" in {} names no repository", fields.title);
        setting
            .findings
            .error(Code::Empty, list, message)
            .label("add an address like https://dl-cdn.alpinelinux.org/alpine/v3.22/main");
    }
    let mut repositories: Vec<At<Repository>> = Vec::new();
    for text in texts {
        let Some(repository) = repository(&text, setting) else { continue };
        let same = repositories.iter().find(|other| {
            other.tag == repository.tag && other.location.to_string() == repository.location.to_string()
        });
        match same {
            Some(first) => {
                let what = format!("the repository \"{}\"", text.value);
                duplicate(setting.findings, &what, text.span, first.span);
            }
            None => repositories.push(At::new(repository, text.span)),
        }
    }
    Some(repositories)
}

/// `ADDRESS` or `@tag ADDRESS`.
fn repository(text: &Text, setting: &mut Setting<'_, '_>) -> Option<Repository> {
    let tagged = text.value.strip_prefix('@').map(|rest| rest.split_once([' ', '\t']));
    let (tag, address) = match tagged.map(|split| split.filter(|(_, address)| !address.trim().is_empty())) {
        None => (None, text.clone()),
        Some(None) => {
            let message = format!("the repository \"{}\" has a tag but no address", text.value);
            setting.findings.error(Code::InvalidValue, text.span, message).label("write \"@tag ADDRESS\"");
            return None;
        }
        Some(Some((tag, address))) => {
            let start = text.value.len() - address.trim_start().len();
            let tag = RepositoryTag::new(tag).map_err(|error| {
                setting.findings.error(Code::InvalidName, text.span, error.to_string()).code
            });
            (Some(tag.ok()?), text.rest(start))
        }
    };
    let location = setting.place(&without_slashes(&address))?;
    for platform in setting.known_platforms() {
        let written = location.for_platform(&platform);
        if !setting.is_location(&written, text.span) {
            return None;
        }
        let last = written.rsplit('/').next().unwrap_or_default();
        if Some(last) == platform.apk_architecture() || last.starts_with("APKINDEX.") {
            let message = format!("the repository \"{written}\" ends with \"{last}\"");
            setting
                .findings
                .error(Code::InvalidValue, text.span, message)
                .label("leave that out: the architecture and the index are added to the address");
            return None;
        }
    }
    Some(Repository { tag, location })
}

/// The address of a repository without the slashes at its end.
pub(super) fn without_slashes(address: &Text) -> Text {
    let mut address = address.clone();
    while address.value.len() > 1 && address.value.ends_with('/') && !address.value.ends_with("://") {
        address.value.pop();
    }
    address
}
