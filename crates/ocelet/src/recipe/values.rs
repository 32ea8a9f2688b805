//! Single values that sources and flavors write alike: platforms, paths, patterns, modes, lists without doubles.
//!
//! Each reader notes what is wrong and gives nothing; none of them knows what the value is for.

use std::collections::BTreeMap;

use ocelet_tree::{Glob, TreePath};

use super::fields::Text;
use super::platform::Platform;
use super::problem::{At, Code, Findings, Span};

/// Platforms in the order of the recipe, none twice. Where `allowed` is given, only those.
pub(super) fn platforms(
    (texts, list): (Vec<Text>, Span),
    allowed: Option<&[At<Platform>]>,
    findings: &mut Findings<'_>,
) -> Vec<At<Platform>> {
    if texts.is_empty() {
        findings.error(Code::Empty, list, "no platform is named").label("name one, like \"linux/amd64\"");
    }
    let mut platforms: Vec<At<Platform>> = Vec::new();
    for text in texts {
        let Some(platform) = parse_platform(&text.value, text.span, findings) else { continue };
        if let Some(first) = platforms.iter().find(|first| first.value == platform) {
            duplicate(findings, &format!("the platform {platform}"), text.span, first.span);
        } else if is_allowed(&platform, text.span, allowed, "the recipe does not build for", findings) {
            platforms.push(At::new(platform, text.span));
        }
    }
    platforms
}

/// A table of texts by platform; where `allowed` is given, only those, which are the platforms of the source.
pub(super) fn by_platform(
    map: BTreeMap<String, (Span, Option<Text>)>,
    allowed: Option<&[At<Platform>]>,
    findings: &mut Findings<'_>,
) -> BTreeMap<Platform, At<Text>> {
    let mut found: BTreeMap<Platform, At<Text>> = BTreeMap::new();
    for (name, (span, text)) in map {
        let Some(platform) = parse_platform(&name, span, findings) else { continue };
        if let Some(first) = found.get(&platform) {
            duplicate(findings, &format!("the platform {platform}"), span, first.span);
        } else if is_allowed(&platform, span, allowed, "the source is not for", findings)
            && let Some(text) = text
        {
            found.insert(platform, At::new(text, span));
        }
    }
    found
}

fn parse_platform(name: &str, span: Span, findings: &mut Findings<'_>) -> Option<Platform> {
    name.parse::<Platform>()
        .map_err(|error| {
            let nearest = error.nearest();
            findings
                .error(Code::InvalidValue, span, error.to_string())
                .did_you_mean(nearest.as_deref().unwrap_or_default(), nearest.as_deref());
        })
        .ok()
}

fn is_allowed(
    platform: &Platform,
    span: Span,
    allowed: Option<&[At<Platform>]>,
    otherwise: &str,
    findings: &mut Findings<'_>,
) -> bool {
    let Some(allowed) = allowed.filter(|allowed| allowed.iter().all(|one| one.value != *platform)) else {
        return true;
    };
    let names: Vec<String> = allowed.iter().map(|one| one.to_string()).collect();
    findings
        .error(Code::UnknownName, span, format!("{otherwise} {platform}"))
        .label(format!("its platforms are {}", names.join(", ")));
    false
}

/// An absolute path below the root of an image; `what` names it in a message.
pub(super) fn path(value: &str, span: Span, what: &str, findings: &mut Findings<'_>) -> Option<TreePath> {
    if !value.starts_with('/') {
        let message = format!("{what} \"{value}\" is relative");
        findings
            .error(Code::InvalidPath, span, message)
            .label(format!("write \"/{}\"", value.trim_start_matches("./")));
        return None;
    }
    match TreePath::new(value) {
        Ok(path) => Some(path),
        Err(error) => {
            findings.error(Code::InvalidPath, span, error.to_string());
            None
        }
    }
}

/// The same, for something that is not the root itself.
pub(super) fn path_below_root(
    value: &str,
    span: Span,
    what: &str,
    findings: &mut Findings<'_>,
) -> Option<TreePath> {
    let path = path(value, span, what, findings)?;
    if path.is_root() {
        findings.error(
            Code::InvalidPath,
            span,
            format!("{what} \"{value}\" is the root, which always exists"),
        );
        return None;
    }
    Some(path)
}

/// An absolute pattern.
pub(super) fn pattern(value: &str, span: Span, what: &str, findings: &mut Findings<'_>) -> Option<Glob> {
    if !value.starts_with('/') {
        let message = format!("{what} \"{value}\" is relative");
        let meant = if value.starts_with('*') { format!("/**/{value}") } else { format!("/{value}") };
        findings.error(Code::InvalidPath, span, message).label(format!("write \"{meant}\""));
        return None;
    }
    match Glob::new(value) {
        Ok(glob) => Some(glob),
        Err(error) => {
            findings.error(Code::InvalidPath, span, error.to_string());
            None
        }
    }
}

/// A list of patterns, none twice.
pub(super) fn patterns(texts: Vec<Text>, what: &str, findings: &mut Findings<'_>) -> Vec<At<Glob>> {
    let mut seen = Seen::default();
    let mut patterns = Vec::new();
    for text in texts {
        if seen.is_new(&text.value, text.span, what, findings) {
            patterns
                .extend(pattern(&text.value, text.span, what, findings).map(|glob| At::new(glob, text.span)));
        }
    }
    patterns
}

/// Permission bits in octal digits, as `chmod` takes them.
pub(super) fn mode(text: &Text, findings: &mut Findings<'_>) -> Option<u16> {
    let digits = text.value.as_str();
    let is_octal =
        (3..=5).contains(&digits.len()) && digits.bytes().all(|byte| (b'0'..=b'7').contains(&byte));
    let mode = u16::from_str_radix(digits, 8).ok().filter(|mode| is_octal && *mode <= 0o7777);
    if mode.is_none() {
        let message = format!("\"{digits}\" is not a mode");
        findings
            .error(Code::InvalidValue, text.span, message)
            .label("write three or four octal digits, like \"0644\"");
    }
    mode
}

/// A number that the tables of keys have bounded already.
pub(super) fn id(value: Option<i64>) -> u32 {
    value.and_then(|value| u32::try_from(value).ok()).unwrap_or(0)
}

pub(super) fn duplicate(findings: &mut Findings<'_>, what: &str, span: Span, first: Span) {
    findings
        .error(Code::Duplicate, span, format!("{what} is listed twice"))
        .label("remove one")
        .note(first, "first listed here");
}

/// What a list had so far.
#[derive(Debug, Default)]
pub(super) struct Seen(BTreeMap<String, Span>);

impl Seen {
    /// Whether it was not there yet; if it was, that is noted. `what` is the kind of thing.
    pub(super) fn is_new(&mut self, name: &str, span: Span, what: &str, findings: &mut Findings<'_>) -> bool {
        if let Some(first) = self.0.get(name) {
            duplicate(findings, &format!("{what} \"{name}\""), span, *first);
            return false;
        }
        self.0.insert(name.to_owned(), span);
        true
    }
}
