//! Reads `[flavor.NAME]` as it is written: what it adds, removes and extends, before anything is inherited.
//!
//! It refuses wishes that no image could grant whatever the other flavors say; `inherit.rs` joins flavors, and
//! `finish.rs` looks at the joined ones.

use std::collections::BTreeMap;

use ocelet_tree::{Glob, LinkTarget, TreePath};

use super::account;
use super::config;
use super::fields::{Fields, Text};
use super::model::{Directory, Group, User, Wish};
use super::names::{AccountName, CommandName, FlavorName, RESERVED_FLAVORS, RuleName, SourceName};
use super::package::{self, Asked};
use super::problem::{At, Code, Findings, Span};
use super::values::{self, Seen};

/// Things by the name under which they are added and removed.
pub(super) type Named<T> = BTreeMap<String, At<T>>;

/// Everything that a flavor asks for, alone or with what it inherits.
#[derive(Debug, Clone, Default)]
pub(super) struct Wants {
    pub(super) commands: Named<(CommandName, Wish)>,
    pub(super) files: Named<(Glob, Wish)>,
    pub(super) packages: Named<(Asked, Wish)>,
    pub(super) rules: Named<(RuleName, Wish)>,
    pub(super) directories: Named<(TreePath, Directory)>,
    pub(super) links: Named<(TreePath, LinkTarget)>,
    pub(super) users: Named<(AccountName, User)>,
    pub(super) groups: Named<(AccountName, Group)>,
    pub(super) acknowledged: Named<(Glob, Option<String>)>,
    pub(super) volumes: Named<TreePath>,
    pub(super) ports: Named<String>,
    pub(super) env: Named<Text>,
    pub(super) labels: Named<Text>,
    pub(super) annotations: Named<Text>,
    pub(super) entrypoint: Option<At<Vec<Text>>>,
    pub(super) cmd: Option<At<Vec<Text>>>,
    pub(super) workdir: Option<At<Text>>,
    pub(super) user: Option<At<Text>>,
    pub(super) stop_signal: Option<At<Text>>,
    /// Whether something of it was refused: then nothing can be said about what it lacks.
    pub(super) has_gaps: bool,
}

/// A flavor as it is written.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) name: At<FlavorName>,
    pub(super) is_image: bool,
    pub(super) extends: Vec<Text>,
    pub(super) adds: Wants,
    /// The names to remove, by the key of the flavor.
    pub(super) removes: BTreeMap<&'static str, Vec<Text>>,
}

/// The keys of a flavor that `remove` can name.
pub(super) const REMOVABLE: &[&str] = &[
    "commands",
    "files",
    "packages",
    "rules",
    "directories",
    "links",
    "users",
    "groups",
    "env",
    "labels",
    "annotations",
    "volumes",
    "exposed-ports",
    "acknowledge-dlopen",
];

/// The names that a flavor may use.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known<'a> {
    pub(super) rules: &'a [&'a str],
    /// Nothing where the sources could not be read.
    pub(super) sources: Option<&'a [String]>,
}

/// What reading a flavor needs to know of the world.
struct Reader<'a, 'text> {
    findings: &'a mut Findings<'text>,
    known: Known<'a>,
    flavor: FlavorName,
}

/// Reads one flavor; nothing where its name is not one.
pub(super) fn read(
    name: &str,
    mut fields: Fields,
    known: Known<'_>,
    findings: &mut Findings<'_>,
) -> Option<Draft> {
    let span = fields.span;
    let flavor = FlavorName::new(name);
    if let Err(error) = &flavor {
        findings.error(Code::InvalidName, span, error.to_string());
    } else if RESERVED_FLAVORS.contains(&name) {
        let message = format!("a flavor cannot be named \"{name}\": the command line keeps that word");
        findings.error(Code::InvalidName, span, message);
    }
    // A flavor with a wrong name is read all the same, for its other problems.
    let stand_in = || FlavorName::new("x").expect("a letter is a name");
    let mut reader = Reader { findings, known, flavor: flavor.clone().unwrap_or_else(|_| stand_in()) };
    let is_sound = fields.is_sound;
    let errors = reader.findings.errors();
    let is_image = fields.boolean("image").unwrap_or(true);
    let extends = reader.extends(&mut fields, name);
    let mut adds = reader.wants(&mut fields);
    let removes = reader.removes(&mut fields);
    adds.has_gaps = !is_sound || reader.findings.errors() > errors;
    fields.finish();
    Some(Draft { name: At::new(flavor.ok()?, span), is_image, extends, adds, removes })
}

impl Reader<'_, '_> {
    fn extends(&mut self, fields: &mut Fields, name: &str) -> Vec<Text> {
        let mut seen = Seen::default();
        let (texts, _) = fields.texts("extends").unzip();
        let mut extends = Vec::new();
        for text in texts.unwrap_or_default() {
            if text.value == name {
                let message = format!("the flavor \"{name}\" extends itself");
                self.findings.error(Code::Circle, text.span, message);
            } else if seen.is_new(&text.value, text.span, "the flavor", self.findings) {
                extends.push(text);
            }
        }
        extends
    }

    fn wants(&mut self, fields: &mut Fields) -> Wants {
        Wants {
            commands: self.commands(fields.items("commands")),
            files: self.files(fields.items("files")),
            packages: self.packages(fields.items("packages")),
            rules: self.rules(fields.items("rules")),
            directories: self.directories(fields.items("directories")),
            links: self.links(fields.items("links")),
            users: account::users(fields.items("users"), self.findings),
            groups: account::groups(fields.items("groups"), self.findings),
            acknowledged: self.acknowledged(fields.items("acknowledge-dlopen")),
            volumes: self.listed(fields.texts("volumes"), "the volume", |text, findings| {
                values::path_below_root(&text.value, text.span, "the volume", findings)
            }),
            ports: self.listed(fields.texts("exposed-ports"), "the port", config::port),
            env: self.texts(fields.text_map("env"), config::env_name),
            labels: self.texts(fields.text_map("labels"), config::label_name),
            annotations: self.texts(fields.text_map("annotations"), config::label_name),
            entrypoint: self.arguments(fields, "entrypoint"),
            cmd: self.arguments(fields, "cmd"),
            workdir: placed(fields.text("workdir")),
            user: placed(fields.text("user")),
            has_gaps: false,
            stop_signal: placed(
                fields.text("stop-signal").filter(|text| config::stop_signal(text, self.findings)),
            ),
        }
    }

    /// The name or path of an item, without the `?` of the short form, and whether it had one.
    fn named(&mut self, fields: &mut Fields, key: &'static str) -> Option<(String, bool, Span)> {
        let (text, optional) = self.named_text(fields, key)?;
        Some((text.value, optional, text.span))
    }

    fn named_text(&mut self, fields: &mut Fields, key: &'static str) -> Option<(Text, bool)> {
        let mut text = fields.text(key)?;
        let optional = fields.is_short && text.value.ends_with('?');
        if optional {
            text.value.pop();
        }
        if text.value.is_empty() {
            self.findings.error(Code::InvalidName, text.span, "a \"?\" alone names nothing");
            return None;
        }
        Some((text, optional))
    }

    fn wish(&mut self, mut fields: Fields, optional: bool) -> Wish {
        // Rule packs are no files of any source.
        let from = if fields.knows("from") { fields.text("from") } else { None };
        let wish = Wish {
            optional: fields.boolean("optional").unwrap_or(false) || optional,
            reason: fields.text("reason").map(|text| text.value),
            source: fields.text("source").and_then(|text| self.link(text)),
            from: from.and_then(|text| self.from(&text)),
            flavor: self.flavor.clone(),
        };
        fields.finish();
        wish
    }

    fn link(&mut self, text: Text) -> Option<String> {
        if text.value.starts_with("https://") || text.value.starts_with("http://") {
            return Some(text.value);
        }
        let message = format!("the source \"{}\" is not a link", text.value);
        self.findings
            .error(Code::InvalidValue, text.span, message)
            .label("write https://…, or put words into \"reason\"");
        None
    }

    fn from(&mut self, text: &Text) -> Option<At<SourceName>> {
        let known = self.known.sources?;
        if known.contains(&text.value) {
            return SourceName::new(&text.value).ok().map(|name| At::new(name, text.span));
        }
        let message = format!("unknown source \"{}\"", text.value);
        let problem = self.findings.error(Code::UnknownName, text.span, message);
        problem.did_you_mean(&text.value, known.iter().map(String::as_str));
        problem.label(format!("the sources are {}", known.join(", ")));
        None
    }

    fn packages(&mut self, items: Vec<Fields>) -> Named<(Asked, Wish)> {
        let (mut seen, mut named) = (Seen::default(), Named::new());
        for mut fields in items {
            let text = self.named_text(&mut fields, "name");
            let span = fields.span;
            let wish = self.wish(fields, text.as_ref().is_some_and(|(_, optional)| *optional));
            let Some((text, _)) = text else { continue };
            let Some(asked) = package::asked(&text, self.findings) else { continue };
            let name = asked.name.to_string();
            if seen.is_new(&name, text.span, "the package", self.findings) {
                named.insert(name, At::new((asked, wish), span));
            }
        }
        named
    }

    fn commands(&mut self, items: Vec<Fields>) -> Named<(CommandName, Wish)> {
        let (mut seen, mut named) = (Seen::default(), Named::new());
        for mut fields in items {
            let name = self.named(&mut fields, "name");
            let span = fields.span;
            let wish = self.wish(fields, name.as_ref().is_some_and(|(_, optional, _)| *optional));
            let Some((name, _, at)) = name else { continue };
            match CommandName::new(&name) {
                Err(error) => {
                    let problem = self.findings.error(Code::InvalidName, at, error.to_string());
                    if name.starts_with('/') {
                        problem.label("put it into \"files\"");
                    }
                }
                Ok(command) if seen.is_new(&name, at, "the command", self.findings) => {
                    named.insert(name, At::new((command, wish), span));
                }
                Ok(_) => {}
            }
        }
        named
    }

    fn files(&mut self, items: Vec<Fields>) -> Named<(Glob, Wish)> {
        let (mut seen, mut named) = (Seen::default(), Named::new());
        for mut fields in items {
            let path = self.named(&mut fields, "path");
            let span = fields.span;
            let wish = self.wish(fields, path.as_ref().is_some_and(|(_, optional, _)| *optional));
            let Some((path, _, at)) = path else { continue };
            let Some(glob) = values::pattern(&path, at, "the file", self.findings) else { continue };
            if seen.is_new(&path, at, "the file", self.findings) {
                named.insert(path, At::new((glob, wish), span));
            }
        }
        named
    }

    fn rules(&mut self, items: Vec<Fields>) -> Named<(RuleName, Wish)> {
        let (mut seen, mut named) = (Seen::default(), Named::new());
        for mut fields in items {
            let name = self.named(&mut fields, "name");
            let span = fields.span;
            let wish = self.wish(fields, name.as_ref().is_some_and(|(_, optional, _)| *optional));
            let Some((name, _, at)) = name else { continue };
            match RuleName::new(&name) {
                Ok(rule) if self.known.rules.contains(&name.as_str()) => {
                    if seen.is_new(&name, at, "the rule pack", self.findings) {
                        named.insert(name, At::new((rule, wish), span));
                    }
                }
                _ => {
                    let message = format!("unknown rule pack \"{name}\"");
                    let problem = self.findings.error(Code::UnknownName, at, message);
                    problem.did_you_mean(&name, self.known.rules.iter().copied());
                    problem.label(format!("the rule packs are {}", self.known.rules.join(", ")));
                }
            }
        }
        named
    }

    fn directories(&mut self, items: Vec<Fields>) -> Named<(TreePath, Directory)> {
        let (mut seen, mut named) = (Seen::default(), Named::new());
        for mut fields in items {
            let text = fields.text("path");
            let mode =
                fields.text("mode").and_then(|text| values::mode(&text, self.findings)).unwrap_or(0o755);
            let (uid, gid) = (values::id(fields.integer("uid")), values::id(fields.integer("gid")));
            let span = fields.span;
            fields.finish();
            let Some(text) = text else { continue };
            let path = values::path_below_root(&text.value, text.span, "the directory", self.findings);
            let Some(path) = path else { continue };
            if seen.is_new(&path.to_string(), text.span, "the directory", self.findings) {
                named.insert(path.to_string(), At::new((path, Directory { mode, uid, gid }), span));
            }
        }
        named
    }

    fn links(&mut self, items: Vec<Fields>) -> Named<(TreePath, LinkTarget)> {
        let (mut seen, mut named) = (Seen::default(), Named::new());
        for mut fields in items {
            let (text, target) = (fields.text("path"), fields.text("target"));
            let span = fields.span;
            fields.finish();
            let path = text.and_then(|text| {
                let path = values::path_below_root(&text.value, text.span, "the link", self.findings)?;
                seen.is_new(&path.to_string(), text.span, "the link", self.findings).then_some(path)
            });
            let target = target.and_then(|text| {
                let target = LinkTarget::new(&text.value);
                target
                    .map_err(|error| {
                        self.findings.error(Code::InvalidPath, text.span, error.to_string()).code
                    })
                    .ok()
            });
            if let (Some(path), Some(target)) = (path, target) {
                named.insert(path.to_string(), At::new((path, target), span));
            }
        }
        named
    }

    fn acknowledged(&mut self, items: Vec<Fields>) -> Named<(Glob, Option<String>)> {
        let (mut seen, mut named) = (Seen::default(), Named::new());
        for mut fields in items {
            let text = fields.text("path");
            let reason = fields.text("reason").map(|text| text.value);
            let span = fields.span;
            fields.finish();
            let Some(text) = text else { continue };
            let Some(glob) = values::pattern(&text.value, text.span, "the program", self.findings) else {
                continue;
            };
            if seen.is_new(&text.value, text.span, "the program", self.findings) {
                named.insert(text.value, At::new((glob, reason), span));
            }
        }
        named
    }

    fn listed<T>(
        &mut self,
        texts: Option<(Vec<Text>, Span)>,
        what: &str,
        check: impl Fn(&Text, &mut Findings<'_>) -> Option<T>,
    ) -> Named<T> {
        let (mut seen, mut named) = (Seen::default(), Named::new());
        for text in texts.map(|(texts, _)| texts).unwrap_or_default() {
            let Some(value) = check(&text, self.findings) else { continue };
            if seen.is_new(&text.value, text.span, what, self.findings) {
                named.insert(text.value, At::new(value, text.span));
            }
        }
        named
    }

    fn texts(
        &mut self,
        map: BTreeMap<String, (Span, Option<Text>)>,
        check: impl Fn(&str, Span, &mut Findings<'_>) -> bool,
    ) -> Named<Text> {
        let valid = map.into_iter().filter(|(name, (span, _))| check(name, *span, self.findings));
        valid.filter_map(|(name, (span, text))| Some((name, At::new(text?, span)))).collect()
    }

    fn arguments(&mut self, fields: &mut Fields, key: &'static str) -> Option<At<Vec<Text>>> {
        let (texts, span) = fields.texts(key)?;
        if texts.is_empty() && key == "entrypoint" {
            let message = format!("\"entrypoint\" in {} is empty", fields.title);
            self.findings.error(Code::Empty, span, message).label("name the program or leave it out");
            return None;
        }
        Some(At::new(texts, span))
    }

    fn removes(&mut self, fields: &mut Fields) -> BTreeMap<&'static str, Vec<Text>> {
        let Some(mut fields) = fields.table("remove") else { return BTreeMap::new() };
        let mut removes = BTreeMap::new();
        for key in REMOVABLE {
            let mut seen = Seen::default();
            let texts = fields.texts(key).map(|(texts, _)| texts).unwrap_or_default();
            let once = texts
                .into_iter()
                .filter(|text| seen.is_new(&text.value, text.span, "the name", self.findings));
            removes.insert(*key, once.collect());
        }
        fields.finish();
        removes
    }
}

fn placed(text: Option<Text>) -> Option<At<Text>> {
    text.map(|text| {
        let span = text.span;
        At::new(text, span)
    })
}
