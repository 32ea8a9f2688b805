//! Reads `[flavor.NAME]` as it is written: what it adds, removes and extends, before anything is inherited.
//!
//! It refuses wishes that no image could grant whatever the other flavors say; `inherit.rs` joins flavors, and
//! `finish.rs` looks at the joined ones.

mod places;

use std::collections::{BTreeMap, BTreeSet};

use ocelet_tree::{Glob, LinkTarget, TreePath};

use super::account;
use super::condition;
use super::config;
use super::fields::{Fields, Text};
use super::list::{List, Named};
use super::model::{Directory, Group, User, Wish};
use super::names::{AccountName, CommandName, FlavorName, RESERVED_FLAVORS, RuleName, SourceName};
use super::needs::{self, Embedded};
use super::package::{self, Asked};
use super::problem::{At, Code, Findings, Span};
use super::template::{Scope, expand_fixed};
use super::values::{self, Seen};
use super::variables::Variables;

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
    /// The needs packs.
    pub(super) needs: Named<()>,
    /// The names of what conditions took away, by the key of the flavor: removing them is no mistake.
    pub(super) absent: BTreeSet<(&'static str, String)>,
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
    /// What each of its own needs packs asks for, by the name of the pack.
    pub(super) packs: BTreeMap<String, Wants>,
    /// The names to remove, by the key of the flavor.
    pub(super) removes: BTreeMap<&'static str, Vec<Text>>,
}

/// The keys of a flavor that `remove` can name.
pub(super) const REMOVABLE: &[&str] = &[
    "needs",
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
    /// The sources that a condition takes away, with its place.
    pub(super) absent: &'a BTreeMap<String, Span>,
    /// The needs packs that exist.
    pub(super) needs: Embedded,
}

/// What reading a flavor needs to know of the world.
struct Reader<'a, 'text> {
    variables: &'a mut Variables,
    findings: &'a mut Findings<'text>,
    known: Known<'a>,
    flavor: FlavorName,
    /// See [`Wants::absent`].
    absent: BTreeSet<(&'static str, String)>,
}

/// Reads one flavor; nothing where its name is not one.
pub(super) fn read(
    name: &str,
    mut fields: Fields,
    known: Known<'_>,
    variables: &mut Variables,
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
    let known_flavor = flavor.clone().unwrap_or_else(|_| stand_in());
    let mut reader = Reader { variables, findings, known, flavor: known_flavor, absent: BTreeSet::new() };
    let is_sound = fields.is_sound;
    let errors = reader.findings.errors();
    let is_image = fields.boolean("image").unwrap_or(true);
    let extends = reader.extends(&mut fields, name);
    let mut adds = reader.wants(&mut fields);
    let packs = reader.packs(&adds.needs);
    let removes = reader.removes(&mut fields);
    adds.absent = std::mem::take(&mut reader.absent);
    adds.has_gaps = !is_sound || reader.findings.errors() > errors;
    fields.finish();
    Some(Draft { name: At::new(flavor.ok()?, span), is_image, extends, adds, packs, removes })
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
            users: {
                let users = account::users(fields.items("users"), self.variables, self.findings);
                self.keep("users", users)
            },
            groups: {
                let groups = account::groups(fields.items("groups"), self.variables, self.findings);
                self.keep("groups", groups)
            },
            acknowledged: self.acknowledged(fields.items("acknowledge-dlopen")),
            needs: self.needs(fields.texts("needs")),
            absent: BTreeSet::new(),
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

    /// What stays of a list.
    fn keep<T>(&mut self, key: &'static str, list: List<T>) -> Named<T> {
        self.absent.extend(list.absent.into_iter().map(|name| (key, name)));
        list.named
    }

    fn holds(&mut self, fields: &mut Fields) -> bool {
        condition::holds(fields.text("when").as_ref(), self.variables, self.findings)
    }

    /// The wish of an item, whose condition `holds` or not.
    fn wish(&mut self, mut fields: Fields, optional: bool, holds: bool) -> Wish {
        // Rule packs are no files of any source, and only commands end at another program.
        let from = if fields.knows("from") { fields.text("from") } else { None };
        let not_from = if fields.knows("not-from") { fields.texts("not-from") } else { None };
        let wish = Wish {
            optional: fields.boolean("optional").unwrap_or(false) || optional,
            reason: fields.text("reason").map(|text| text.value),
            source: fields.text("source").and_then(|text| self.link(text)),
            from: from.and_then(|text| self.from(&text, holds)),
            not_from: self.not_from(not_from),
            needs: BTreeSet::new(),
            flavor: self.flavor.clone(),
        };
        fields.finish();
        wish
    }

    fn not_from(&mut self, names: Option<(Vec<Text>, Span)>) -> BTreeSet<String> {
        let named = self.listed(names, "the program", |text, findings| match CommandName::new(&text.value) {
            Ok(name) => Some(name.to_string()),
            Err(error) => {
                findings.error(Code::InvalidName, text.span, error.to_string());
                None
            }
        });
        named.into_keys().collect()
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

    fn from(&mut self, text: &Text, holds: bool) -> Option<At<SourceName>> {
        let known = self.known.sources?;
        if let Some(condition) = self.known.absent.get(&text.value).filter(|_| holds) {
            let message = format!("the source \"{}\" is not there: its condition does not hold", text.value);
            self.findings
                .error(Code::Conflict, text.span, message)
                .label("give this wish the same condition")
                .note(*condition, "the condition");
            return None;
        }
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
        let mut list = List::new("the package");
        for mut fields in items {
            let text = self.named_text(&mut fields, "name");
            let (span, holds) = (fields.span, self.holds(&mut fields));
            let wish = self.wish(fields, text.as_ref().is_some_and(|(_, optional)| *optional), holds);
            let Some((text, _)) = text else { continue };
            let Some(asked) = package::asked(&text, self.findings) else { continue };
            if !holds {
                self.look_at(&text);
            }
            let name = asked.name.to_string();
            list.add(holds, name, text.span, At::new((asked, wish), span), self.findings);
        }
        self.keep("packages", list)
    }

    /// Checks the template of something that a condition takes away.
    fn look_at(&mut self, text: &Text) {
        let scope = Scope::Flavor { name: self.flavor.as_str(), is_default: false };
        self.variables.is_absent = true;
        expand_fixed(text, scope, self.variables, self.findings);
        self.variables.is_absent = false;
    }

    fn commands(&mut self, items: Vec<Fields>) -> Named<(CommandName, Wish)> {
        let mut list = List::new("the command");
        for mut fields in items {
            let name = self.named(&mut fields, "name");
            let (span, holds) = (fields.span, self.holds(&mut fields));
            let wish = self.wish(fields, name.as_ref().is_some_and(|(_, optional, _)| *optional), holds);
            let Some((name, _, at)) = name else { continue };
            match CommandName::new(&name) {
                Err(error) => {
                    let problem = self.findings.error(Code::InvalidName, at, error.to_string());
                    if name.starts_with('/') {
                        problem.label("put it into \"files\"");
                    }
                }
                Ok(command) => list.add(holds, name, at, At::new((command, wish), span), self.findings),
            }
        }
        self.keep("commands", list)
    }

    fn files(&mut self, items: Vec<Fields>) -> Named<(Glob, Wish)> {
        let mut list = List::new("the file");
        for mut fields in items {
            let path = self.named(&mut fields, "path");
            let (span, holds) = (fields.span, self.holds(&mut fields));
            let wish = self.wish(fields, path.as_ref().is_some_and(|(_, optional, _)| *optional), holds);
            let Some((path, _, at)) = path else { continue };
            let Some(glob) = values::pattern(&path, at, "the file", self.findings) else { continue };
            list.add(holds, path, at, At::new((glob, wish), span), self.findings);
        }
        self.keep("files", list)
    }

    fn rules(&mut self, items: Vec<Fields>) -> Named<(RuleName, Wish)> {
        let mut list = List::new("the rule pack");
        for mut fields in items {
            let name = self.named(&mut fields, "name");
            let (span, holds) = (fields.span, self.holds(&mut fields));
            let wish = self.wish(fields, name.as_ref().is_some_and(|(_, optional, _)| *optional), holds);
            let Some((name, _, at)) = name else { continue };
            match RuleName::new(&name) {
                Ok(rule) if self.known.rules.contains(&name.as_str()) => {
                    list.add(holds, name, at, At::new((rule, wish), span), self.findings);
                }
                _ => {
                    let message = format!("unknown rule pack \"{name}\"");
                    let problem = self.findings.error(Code::UnknownName, at, message);
                    problem.did_you_mean(&name, self.known.rules.iter().copied());
                    problem.label(format!("the rule packs are {}", self.known.rules.join(", ")));
                }
            }
        }
        self.keep("rules", list)
    }

    fn needs(&mut self, texts: Option<(Vec<Text>, Span)>) -> Named<()> {
        let known = self.known.needs;
        self.listed(texts, "the needs pack", |text, findings| {
            if known.iter().any(|(name, _)| *name == text.value) {
                return Some(());
            }
            let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
            let message = format!("unknown needs pack \"{}\"", text.value);
            let problem = findings.error(Code::UnknownName, text.span, message);
            problem.did_you_mean(&text.value, names.iter().copied());
            problem.label(format!("the needs packs are {}", names.join(", ")));
            None
        })
    }

    fn packs(&mut self, needs: &Named<()>) -> BTreeMap<String, Wants> {
        let mut packs = BTreeMap::new();
        for (name, At { span, .. }) in needs {
            let expanded =
                needs::expand(name, *span, &self.flavor, self.known, self.variables, self.findings);
            packs.extend(expanded.map(|wants| (name.clone(), wants)));
        }
        packs
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
        let (items, span) = fields.listed(key)?;
        if items.is_empty() && key == "entrypoint" {
            let message = format!("\"entrypoint\" in {} is empty", fields.title);
            self.findings.error(Code::Empty, span, message).label("name the program or leave it out");
            return None;
        }
        let mut texts = Vec::new();
        for mut item in items {
            let (text, holds) = (item.text("value"), self.holds(&mut item));
            item.finish();
            let Some(text) = text else { continue };
            if holds {
                texts.push(text);
            } else {
                self.look_at(&text);
            }
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
