//! Reads the `artifact` kind of a source: a released file or archive, its digest, and where its files go.
//!
//! It refuses one digest for files that differ, digests for some platforms only, and keys of archives where a
//! single file is installed.

use std::collections::BTreeMap;

use ocelet_oci::Digest;
use ocelet_tree::Glob;

use super::fields::{Data, Fields, Text};
use super::location::Setting;
use super::model::{ArtifactSource, Install};
use super::platform::Platform;
use super::problem::{At, Code, Findings, Span};
use super::source::Placement;
use super::template::PlatformText;
use super::values::{self, Seen};

/// Reads the keys of this kind; nothing where the source is of another or has a problem.
pub(super) fn read(
    fields: &mut Fields,
    placement: &Placement,
    setting: &mut Setting<'_, '_>,
) -> Option<ArtifactSource> {
    let title = fields.title.clone();
    let arch_span = fields.key_span("arch");
    let architectures = architectures(fields, setting);
    let members = members(fields, setting.findings);
    let strip_span = fields.key_span("strip");
    let strip = u32::try_from(fields.integer("strip").unwrap_or(0)).unwrap_or(0);
    let checksum_span = fields.key_span("checksum");
    let has_checksum = checksum_span.is_some() || fields.had_problem(&["checksum"]);
    let checksum = place(fields.text("checksum"), &architectures, setting);
    let location = place(fields.text("artifact"), &architectures, setting);
    let sha256 = digests(fields, location.as_ref(), &architectures, has_checksum, setting);
    let (location, install) = (location?, placement.install.clone()?);
    if let (Install::File(path), Some(span)) = (&install.value, strip_span) {
        let message = format!("\"strip\" has no meaning in {title}, which installs the one file {path}");
        setting
            .findings
            .error(Code::MisplacedKey, span, message)
            .label("remove it, or write a \"/\" behind the directory to install to");
    }
    let (uid, gid) = (placement.uid, placement.gid);
    let (mode, replace) = (placement.mode, placement.replace);
    let artifact = ArtifactSource {
        location,
        architectures,
        sha256,
        checksum,
        install,
        members,
        strip,
        mode,
        uid,
        gid,
        replace,
    };
    warn_of_unused(&artifact, arch_span, checksum_span, &title, setting);
    Some(artifact)
}

fn warn_of_unused(
    artifact: &ArtifactSource,
    arch_span: Option<Span>,
    checksum_span: Option<Span>,
    title: &str,
    setting: &mut Setting<'_, '_>,
) {
    let is_named = [Some(&artifact.location), artifact.checksum.as_ref()]
        .into_iter()
        .flatten()
        .any(|place| place.names_architecture());
    if let Some(span) = arch_span.filter(|_| !is_named) {
        let message = format!("nothing uses \"arch\" in {title}");
        setting.findings.warning(Code::Unused, span, message).label("write {arch} in the address");
    }
    let platforms = setting.known_platforms();
    let is_complete =
        !platforms.is_empty() && platforms.iter().all(|platform| artifact.sha256.contains_key(platform));
    if let Some(span) = checksum_span.filter(|_| is_complete) {
        let message = format!("\"checksum\" in {title} is never read: \"sha256\" says it for every platform");
        setting.findings.warning(Code::Unused, span, message).label("remove one of them");
    }
}

/// The names of the architectures that differ from those of images.
pub(super) fn architectures(
    fields: &mut Fields,
    setting: &mut Setting<'_, '_>,
) -> BTreeMap<Platform, String> {
    let given = values::by_platform(fields.text_map("arch"), setting.platforms, setting.findings);
    let mut names = BTreeMap::new();
    for (platform, text) in given {
        let name = &text.value.value;
        let is_name = !name.is_empty()
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-+".contains(&byte));
        if !is_name {
            setting
                .findings
                .error(Code::InvalidValue, text.value.span, format!("\"{name}\" cannot stand for {{arch}}"))
                .label("write letters, digits, \"_\", \"-\", \".\" or \"+\"");
        } else if name != platform.architecture() {
            names.insert(platform, name.clone());
        }
    }
    names
}

fn members(fields: &mut Fields, findings: &mut Findings<'_>) -> Vec<At<Glob>> {
    let Some((texts, list)) = fields.texts("members") else { return Vec::new() };
    if texts.is_empty() {
        let message = format!("\"members\" in {} takes no file at all", fields.title);
        findings.error(Code::Empty, list, message).label("name patterns or leave it out");
    }
    let mut seen = Seen::default();
    let mut members = Vec::new();
    for text in texts {
        if text.value.starts_with('/') {
            let message = format!("the member \"{}\" is absolute", text.value);
            findings
                .error(Code::InvalidPath, text.span, message)
                .label(format!("write \"{}\"", text.value.trim_start_matches('/')));
        } else if seen.is_new(&text.value, text.span, "the member", findings) {
            match Glob::new(&text.value) {
                Ok(glob) => members.push(At::new(glob, text.span)),
                Err(error) => {
                    findings.error(Code::InvalidPath, text.span, error.to_string());
                }
            }
        }
    }
    members
}

/// The place that a template names, if it is one for every platform.
pub(super) fn place(
    text: Option<Text>,
    architectures: &BTreeMap<Platform, String>,
    setting: &mut Setting<'_, '_>,
) -> Option<At<PlatformText>> {
    let text = text?;
    let place = setting.place(&text)?;
    for platform in setting.known_platforms() {
        let architecture = architectures.get(&platform).map(String::as_str);
        if !setting.is_location(&place.for_platform_called(&platform, architecture), text.span) {
            return None;
        }
    }
    Some(At::new(place, text.span))
}

/// The digests that the table says.
pub(super) fn digests(
    fields: &mut Fields,
    location: Option<&At<PlatformText>>,
    architectures: &BTreeMap<Platform, String>,
    has_checksum: bool,
    setting: &mut Setting<'_, '_>,
) -> BTreeMap<Platform, At<Digest>> {
    let Some(value) = fields.any("sha256") else { return BTreeMap::new() };
    let platforms = setting.known_platforms();
    match value.data {
        Data::Text(text) => {
            let place = |platform: &Platform| {
                location.map(|location| {
                    location.for_platform_called(platform, architectures.get(platform).map(String::as_str))
                })
            };
            let first = platforms.first().map(place);
            if platforms.iter().any(|platform| Some(place(platform)) != first) {
                let message = format!("\"sha256\" in {} is one digest for several files", fields.title);
                setting
                    .findings
                    .error(Code::Conflict, value.span, message)
                    .label("write a table with one for each platform");
                return BTreeMap::new();
            }
            let Some(digest) = digest(&text, setting.findings) else { return BTreeMap::new() };
            platforms.into_iter().map(|platform| (platform, At::new(digest, value.span))).collect()
        }
        Data::TextMap(map) => {
            let is_sound = map.values().all(|(_, text)| text.is_some());
            let errors = setting.findings.errors();
            let given = values::by_platform(map, setting.platforms, setting.findings);
            // What is misspelled is not missing.
            if is_sound && !has_checksum && setting.findings.errors() == errors {
                let missing: Vec<&Platform> =
                    platforms.iter().filter(|platform| !given.contains_key(platform)).collect();
                complain_of_missing(&missing, value.span, &fields.title, setting.findings);
            }
            let read = given.into_iter().filter_map(|(platform, text)| {
                let digest = digest(&text.value, setting.findings)?;
                Some((platform, At::new(digest, text.value.span)))
            });
            read.collect()
        }
        _ => BTreeMap::new(),
    }
}

fn complain_of_missing(missing: &[&Platform], span: Span, title: &str, findings: &mut Findings<'_>) {
    if missing.is_empty() {
        return;
    }
    let names: Vec<String> = missing.iter().map(ToString::to_string).collect();
    let message = format!("\"sha256\" in {title} lacks {}", names.join(", "));
    findings
        .error(Code::MissingKey, span, message)
        .label("add it, or a \"checksum\" that says the digests of the others");
}

/// 64 hexadecimal digits, with or without `sha256:` before them.
fn digest(text: &Text, findings: &mut Findings<'_>) -> Option<Digest> {
    let digits = text.value.strip_prefix("sha256:").unwrap_or(&text.value);
    let digest = Digest::from_hex(&digits.to_ascii_lowercase());
    if digest.is_none() {
        let message = format!("\"{}\" is not a SHA-256", text.value);
        findings.error(Code::InvalidValue, text.span, message).label("write its 64 hexadecimal digits");
    }
    digest
}
