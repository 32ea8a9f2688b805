//! Reads `[source.NAME]`: a root file system, a text or a file here; Alpine packages in `repository.rs`, Debian's in
//! `debian.rs`, released files in `artifact.rs`.
//!
//! It refuses keys that do not belong to the kind of the source, and two sources for one path of which not
//! exactly one says `replace`.

use std::collections::BTreeMap;

use ocelet_tree::TreePath;

use super::artifact;
use super::condition;
use super::debian;
use super::fields::{Fields, Text};
use super::keys::SOURCE_KINDS;
use super::location::Setting;
use super::model::{FileContent, FileSource, Install, RootfsSource, Source, SourceKind, Stability};
use super::names::{SourceName, Tag};
use super::pack;
use super::package::Versions;
use super::platform::Platform;
use super::problem::{At, Code, Findings, Span};
use super::repository::{self, Packaged};
use super::template::{PlatformText, Scope, expand, expand_fixed};
use super::values;
use super::variables::Variables;

/// All sources: those that there are, and those that their condition takes away.
#[derive(Debug, Default)]
pub(super) struct Sources {
    pub(super) present: BTreeMap<SourceName, Source>,
    /// By the name as it is written, with the place of the condition.
    pub(super) absent: BTreeMap<String, Span>,
}

/// Reads all sources. `platforms` are those of the recipe, where they are known for certain.
pub(super) fn read(
    tables: BTreeMap<String, Fields>,
    platforms: Option<&[At<Platform>]>,
    variables: &mut Variables,
    findings: &mut Findings<'_>,
) -> Sources {
    let mut sources = Sources::default();
    for (name, mut fields) in tables {
        let when = fields.text("when");
        let holds = condition::holds(when.as_ref(), variables, findings);
        if let Some(when) = when.filter(|_| !holds) {
            sources.absent.insert(name.clone(), when.span);
        }
        let name = SourceName::new(name);
        if let Err(error) = &name {
            findings.error(Code::InvalidName, fields.span, error.to_string());
        }
        variables.is_absent = !holds;
        let source = one(name.ok(), fields, platforms, variables, findings);
        variables.is_absent = false;
        sources.present.extend(source.filter(|_| holds).map(|source| (source.name.value.clone(), source)));
    }
    check_paths(&sources.present, findings);
    sources
}

fn one(
    name: Option<SourceName>,
    mut fields: Fields,
    platforms: Option<&[At<Platform>]>,
    variables: &mut Variables,
    findings: &mut Findings<'_>,
) -> Option<Source> {
    let span = fields.span;
    let kind = kind_of(&fields, findings);
    let only = fields.texts("platforms").map(|texts| values::platforms(texts, platforms, findings));
    let stability = fields.text("stability").and_then(|text| Stability::from_word(&text.value));
    let mut setting = Setting { platforms: only.as_deref().or(platforms), variables, findings };
    // Everything is read even where the kind is unclear, so that all of its problems show at once.
    let rootfs = rootfs(&mut fields, &mut setting);
    let versions = if kind == Some("deb") { Versions::Debian } else { Versions::Alpine };
    let mut packaged = Packaged::read(&mut fields, versions, &mut setting);
    let apk = repository::read(&mut fields, kind == Some("apk"), &mut packaged, &mut setting);
    let deb = debian::read(&mut fields, kind == Some("deb"), packaged, &mut setting);
    let placement = Placement::read(&mut fields, kind, &mut setting);
    let artifact = artifact::read(&mut fields, &placement, &mut setting);
    let file = file(&mut fields, placement, &mut setting);
    let (pack, daemon) = pack::read(&mut fields, kind, &mut setting);
    fields.finish();
    let (kind, usual) = match kind? {
        "rootfs" => (SourceKind::Rootfs(rootfs?), Stability::Base),
        "apk" => (SourceKind::Apk(apk?), Stability::Packages),
        "deb" => (SourceKind::Deb(deb?), Stability::Packages),
        "artifact" => (SourceKind::Artifact(artifact?), Stability::Release),
        _ => (SourceKind::File(file?), Stability::Configuration),
    };
    let stability = stability.unwrap_or(usual);
    Some(Source { name: At::new(name?, span), platforms: only, stability, pack, daemon, kind })
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
                    let message = format!("\"{key}\" has no meaning in {title}, which is {}", a(kind));
                    findings
                        .error(Code::MisplacedKey, span, message)
                        .label("remove it")
                        .note(*at, format!("the source is {} because of this", a(kind)));
                }
            }
            Some(kind)
        }
        [(first, _, at), (second, _, span), ..] => {
            let message = format!("{title} is both {} and {}", a(first), a(second));
            findings
                .error(Code::Conflict, *span, message)
                .label("make two sources of it")
                .note(*at, format!("{} because of this", a(first)));
            None
        }
    }
}

/// A kind with its article.
fn a(kind: &str) -> String {
    format!("{} {kind}", if kind.starts_with('a') { "an" } else { "a" })
}

fn rootfs(fields: &mut Fields, setting: &mut Setting<'_, '_>) -> Option<RootfsSource> {
    let include = fields.texts("include");
    if let Some((texts, list)) = &include
        && texts.is_empty()
    {
        let message = format!("\"include\" in {} takes no file at all", fields.title);
        setting.findings.error(Code::Empty, *list, message).label("name patterns or leave it out");
    }
    let mut patterns = |(texts, _)| values::patterns(texts, "the pattern", setting.findings);
    let include = include.map(&mut patterns).unwrap_or_default();
    let exclude = fields.texts("exclude").map(&mut patterns).unwrap_or_default();
    let tag = fields.text("tag").and_then(|text| {
        let tag = expand_fixed(&text, Scope::Image, setting.variables, setting.findings)?;
        Tag::new(tag)
            .map(|tag| At::new(tag, text.span))
            .map_err(|error| setting.findings.error(Code::InvalidName, text.span, error.to_string()).code)
            .ok()
    });
    let text = fields.text("rootfs")?;
    let location = setting.place(&text)?;
    Some(RootfsSource { location: At::new(location, text.span), tag, include, exclude })
}

/// Where and how a file is installed: what single files and artifacts say alike.
#[derive(Debug)]
pub(super) struct Placement {
    pub(super) install: Option<At<Install>>,
    pub(super) mode: Option<u16>,
    pub(super) uid: u32,
    pub(super) gid: u32,
    pub(super) replace: bool,
}

impl Placement {
    fn read(fields: &mut Fields, kind: Option<&'static str>, setting: &mut Setting<'_, '_>) -> Self {
        if matches!(kind, Some("text" | "file" | "artifact"))
            && fields.key_span("install").is_none()
            && !fields.had_problem(&["install"])
        {
            let message = format!("{} lacks the key \"install\"", fields.title);
            setting
                .findings
                .error(Code::MissingKey, fields.span, message)
                .label("add install = \"/path/in/the/image\"");
        }
        let may_be_directory = !matches!(kind, Some("text" | "file"));
        Self {
            install: fields.text("install").and_then(|text| install(&text, may_be_directory, setting)),
            mode: fields.text("mode").and_then(|text| values::mode(&text, setting.findings)),
            uid: values::id(fields.integer("uid")),
            gid: values::id(fields.integer("gid")),
            replace: fields.boolean("replace").unwrap_or(false),
        }
    }
}

fn install(text: &Text, may_be_directory: bool, setting: &mut Setting<'_, '_>) -> Option<At<Install>> {
    let path = expand_fixed(text, Scope::Image, setting.variables, setting.findings)?;
    let is_directory = path.ends_with('/');
    if is_directory && !may_be_directory {
        let message = format!("the path \"{path}\" names a directory, not a file");
        setting.findings.error(Code::InvalidPath, text.span, message).label("add the name of the file");
        return None;
    }
    let install = if is_directory {
        Install::Directory(values::path(&path, text.span, "the path", setting.findings)?)
    } else {
        Install::File(values::path_below_root(&path, text.span, "the path", setting.findings)?)
    };
    Some(At::new(install, text.span))
}

fn file(fields: &mut Fields, placement: Placement, setting: &mut Setting<'_, '_>) -> Option<FileSource> {
    let is_template = fields.boolean("expand").unwrap_or(false);
    let text = fields.text("text").and_then(|text| {
        let content = if is_template {
            let content = expand(&text, Scope::Source, setting.variables, setting.findings)?;
            setting.has_values(&content, text.span).then_some(content)?
        } else {
            PlatformText::fixed(&text.value)
        };
        Some(FileContent::Text(At::new(content, text.span)))
    });
    let local = fields
        .text("file")
        .and_then(|text| Some(FileContent::Local(At::new(setting.place(&text)?, text.span))));
    let content = text.or(local)?;
    let Placement { install, mode, uid, gid, replace } = placement;
    let At { value: Install::File(path), span } = install? else { return None };
    Some(FileSource { content, install: At::new(path, span), mode: mode.unwrap_or(0o644), uid, gid, replace })
}

/// The sources that install one file at a path, where they say so, and whether they replace another's.
type Placed<'a> = BTreeMap<&'a TreePath, Vec<(&'a Source, At<&'a TreePath>, bool)>>;

/// Two single files at one path are in order only where exactly one of them replaces the other.
fn check_paths(sources: &BTreeMap<SourceName, Source>, findings: &mut Findings<'_>) {
    let mut placed = Placed::new();
    for source in sources.values() {
        if let Some((install, replace)) = source.kind.single_file() {
            placed.entry(install.value).or_default().push((source, install, replace));
        }
    }
    for (path, files) in &placed {
        for (index, (later, install, replace)) in files.iter().enumerate() {
            let rival =
                files[..index].iter().find(|(earlier, _, other)| replace == other && meet(earlier, later));
            if let Some((earlier, other, _)) = rival {
                let (one, two) = (&earlier.name.value, &later.name.value);
                let message = format!("{path} is brought by both [source.{one}] and [source.{two}]");
                let label = if *replace {
                    "only one of them can replace the other"
                } else {
                    "say replace = true in the one to keep"
                };
                findings
                    .error(Code::Conflict, install.span, message)
                    .label(label)
                    .note(other.span, "brought here too");
            }
            let above = path.ancestors().filter_map(|above| placed.get(&above)).flatten();
            for (_, other, _) in above.filter(|(source, ..)| meet(source, later)) {
                let message = format!("{path} cannot be a file: {} is one, not a directory", other.value);
                findings.error(Code::Conflict, install.span, message).note(other.span, "the other file");
            }
        }
    }
    check_directories(sources, &placed, findings);
}

/// The members of an archive need a directory, where no other source installs a file.
fn check_directories(
    sources: &BTreeMap<SourceName, Source>,
    placed: &Placed<'_>,
    findings: &mut Findings<'_>,
) {
    for source in sources.values() {
        let SourceKind::Artifact(artifact) = &source.kind else { continue };
        let Install::Directory(path) = &artifact.install.value else { continue };
        let above = path.ancestors().chain([path.clone()]);
        let files = above.filter_map(|above| placed.get(&above)).flatten();
        for (_, file, _) in files.filter(|(other, ..)| meet(other, source)) {
            let message = format!("{path} cannot be a directory: a source installs the file {}", file.value);
            findings.error(Code::Conflict, artifact.install.span, message).note(file.span, "installed here");
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
