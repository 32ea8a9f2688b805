//! Reads `[source.NAME]`: a root file system, a text or a file.
//!
//! It refuses keys that do not belong to the kind of the source, and two sources for one path of which not
//! exactly one says `replace`.

use std::collections::BTreeMap;

use ocelet_tree::TreePath;

use super::fields::Fields;
use super::keys::SOURCE_KINDS;
use super::model::{FileContent, FileSource, RootfsSource, Source, SourceKind, Stability};
use super::names::{SourceName, Tag};
use super::platform::Platform;
use super::problem::{At, Code, Findings};
use super::template::{PlatformText, Scope, expand, expand_fixed};
use super::values;
use super::variables::Variables;

/// Reads all sources. `platforms` are those of the recipe, where they are known for certain.
pub(super) fn read(
    tables: BTreeMap<String, Fields>,
    platforms: Option<&[At<Platform>]>,
    variables: &mut Variables,
    findings: &mut Findings<'_>,
) -> BTreeMap<SourceName, Source> {
    let mut sources = BTreeMap::new();
    for (name, fields) in tables {
        let span = fields.span;
        let source = one(fields, platforms, variables, findings);
        match SourceName::new(name) {
            Ok(name) => {
                if let Some((platforms, stability, kind)) = source {
                    let source = Source { name: At::new(name.clone(), span), platforms, stability, kind };
                    sources.insert(name, source);
                }
            }
            Err(error) => {
                findings.error(Code::InvalidName, span, error.to_string());
            }
        }
    }
    check_paths(&sources, findings);
    sources
}

type Body = (Option<Vec<At<Platform>>>, Stability, SourceKind);

fn one(
    mut fields: Fields,
    platforms: Option<&[At<Platform>]>,
    variables: &mut Variables,
    findings: &mut Findings<'_>,
) -> Option<Body> {
    let kind = kind_of(&fields, findings);
    let only = fields.texts("platforms").map(|texts| values::platforms(texts, platforms, findings));
    let stability = fields.text("stability").and_then(|text| Stability::from_word(&text.value));
    // Everything is read even where the kind is unclear, so that all of its problems show at once.
    let rootfs = rootfs(&mut fields, variables, findings);
    let file = file(&mut fields, kind, variables, findings);
    fields.finish();
    match kind? {
        "rootfs" => Some((only, stability.unwrap_or(Stability::Base), SourceKind::Rootfs(rootfs?))),
        _ => Some((only, stability.unwrap_or(Stability::Configuration), SourceKind::File(file?))),
    }
}

/// The one key that says what kind of source it is.
fn kind_of(fields: &Fields, findings: &mut Findings<'_>) -> Option<&'static str> {
    let title = fields.title.clone();
    let written: Vec<_> =
        SOURCE_KINDS.iter().filter_map(|(kind, keys)| Some((*kind, *keys, fields.key_span(kind)?))).collect();
    let names: Vec<&str> = SOURCE_KINDS.iter().map(|(kind, _)| *kind).collect();
    match written.as_slice() {
        [] => {
            // A value that was refused has been reported; its key then is not among the fields.
            if fields.is_sound || !fields.is_empty() && !fields.had_problem(&names) {
                let message = format!("{title} does not say where its files come from");
                findings
                    .error(Code::MissingKey, fields.span, message)
                    .label(format!("add one of {}", names.join(", ")));
            }
            None
        }
        [(kind, keys, at)] => {
            let others = SOURCE_KINDS.iter().flat_map(|(_, others)| others.iter());
            let mut misplaced: Vec<&str> = others.filter(|key| !keys.contains(key)).copied().collect();
            misplaced.sort_unstable();
            misplaced.dedup();
            for key in misplaced {
                if let Some(span) = fields.key_span(key) {
                    let message = format!("\"{key}\" has no meaning in {title}, which is a {kind}");
                    findings
                        .error(Code::MisplacedKey, span, message)
                        .label("remove it")
                        .note(*at, format!("the source is a {kind} because of this"));
                }
            }
            Some(kind)
        }
        [(first, _, at), (second, _, span), ..] => {
            let message = format!("{title} is both a {first} and a {second}");
            findings
                .error(Code::Conflict, *span, message)
                .label("make two sources of it")
                .note(*at, format!("a {first} because of this"));
            None
        }
    }
}

fn rootfs(
    fields: &mut Fields,
    variables: &mut Variables,
    findings: &mut Findings<'_>,
) -> Option<RootfsSource> {
    let include = fields.texts("include");
    if let Some((texts, list)) = &include
        && texts.is_empty()
    {
        let message = format!("\"include\" in {} takes no file at all", fields.title);
        findings.error(Code::Empty, *list, message).label("name patterns or leave it out");
    }
    let include =
        include.map(|(texts, _)| values::patterns(texts, "the pattern", findings)).unwrap_or_default();
    let exclude = fields.texts("exclude").map(|(texts, _)| values::patterns(texts, "the pattern", findings));
    let tag = fields.text("tag").and_then(|text| {
        let tag = expand_fixed(&text, Scope::Image, variables, findings)?;
        Tag::new(tag)
            .map(|tag| At::new(tag, text.span))
            .map_err(|error| findings.error(Code::InvalidName, text.span, error.to_string()).code)
            .ok()
    });
    let text = fields.text("rootfs")?;
    let location = expand(&text, Scope::Source, variables, findings)?;
    Some(RootfsSource {
        location: At::new(location, text.span),
        tag,
        include,
        exclude: exclude.unwrap_or_default(),
    })
}

fn file(
    fields: &mut Fields,
    kind: Option<&'static str>,
    variables: &mut Variables,
    findings: &mut Findings<'_>,
) -> Option<FileSource> {
    if matches!(kind, Some("text" | "file"))
        && fields.key_span("install").is_none()
        && !fields.had_problem(&["install"])
    {
        let message = format!("{} lacks the key \"install\"", fields.title);
        findings.error(Code::MissingKey, fields.span, message).label("add install = \"/path/in/the/image\"");
    }
    let install = fields.text("install").and_then(|text| {
        let path = expand_fixed(&text, Scope::Image, variables, findings)?;
        if path.ends_with('/') {
            let message = format!("the path \"{path}\" names a directory, not a file");
            findings.error(Code::InvalidPath, text.span, message).label("add the name of the file");
            return None;
        }
        let path = values::path_below_root(&path, text.span, "the path", findings)?;
        Some(At::new(path, text.span))
    });
    let mode = fields.text("mode").map(|text| values::mode(&text, findings));
    let (uid, gid) = (values::id(fields.integer("uid")), values::id(fields.integer("gid")));
    let replace = fields.boolean("replace").unwrap_or(false);
    let is_template = fields.boolean("expand").unwrap_or(false);
    let text = fields.text("text").and_then(|text| {
        let content = if is_template {
            expand(&text, Scope::Source, variables, findings)?
        } else {
            PlatformText::fixed(&text.value)
        };
        Some(FileContent::Text(At::new(content, text.span)))
    });
    let local = fields.text("file").and_then(|text| {
        let location = expand(&text, Scope::Source, variables, findings)?;
        Some(FileContent::Local(At::new(location, text.span)))
    });
    let mode = mode.unwrap_or(Some(0o644))?;
    Some(FileSource { content: text.or(local)?, install: install?, mode, uid, gid, replace })
}

/// Two single files at one path are in order only where exactly one of them replaces the other.
fn check_paths(sources: &BTreeMap<SourceName, Source>, findings: &mut Findings<'_>) {
    let mut placed: BTreeMap<&TreePath, Vec<(&Source, &FileSource)>> = BTreeMap::new();
    for source in sources.values() {
        if let SourceKind::File(file) = &source.kind {
            placed.entry(&file.install.value).or_default().push((source, file));
        }
    }
    for (path, files) in &placed {
        for (index, (later, file)) in files.iter().enumerate() {
            let rival = files[..index]
                .iter()
                .find(|(earlier, other)| file.replace == other.replace && meet(earlier, later));
            if let Some((earlier, other)) = rival {
                let (one, two) = (&earlier.name.value, &later.name.value);
                let message = format!("{path} is brought by both [source.{one}] and [source.{two}]");
                let label = if file.replace {
                    "only one of them can replace the other"
                } else {
                    "say replace = true in the one to keep"
                };
                findings
                    .error(Code::Conflict, file.install.span, message)
                    .label(label)
                    .note(other.install.span, "brought here too");
            }
            let above = path.ancestors().filter_map(|above| placed.get(&above)).flatten();
            for (_, other) in above.filter(|(source, _)| meet(source, later)) {
                let message =
                    format!("{path} cannot be a file: {} is one, not a directory", other.install.value);
                findings
                    .error(Code::Conflict, file.install.span, message)
                    .note(other.install.span, "the other file");
            }
        }
    }
}

/// Whether two sources are ever in one image.
fn meet(one: &Source, other: &Source) -> bool {
    match (&one.platforms, &other.platforms) {
        (Some(one), Some(other)) => one.iter().any(|platform| other.contains(platform)),
        _ => true,
    }
}
