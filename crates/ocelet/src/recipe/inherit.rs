//! Joins flavors with what they extend.
//!
//! A flavor has everything of the flavors that it extends, in the order in which it names them; then what it adds
//! itself, which wins; then what it removes is taken away. Where two of the extended flavors say different things
//! — two modes for one directory, two entrypoints — the flavor must say itself what it wants. A flavor that sets
//! `entrypoint` does not inherit `cmd`, whose arguments were meant for another program. Needs packs are like flavors that
//! are extended last. It refuses circles, and removing what is not there.

use std::collections::{BTreeMap, BTreeSet};

use ocelet_tree::{Glob, LinkTarget, TreePath};

use super::fields::Text;
use super::flavor::{Draft, REMOVABLE, Wants};
use super::list::Named;
use super::model::{Directory, Group, User, Wish};
use super::names::{AccountName, CommandName, FlavorName, NeedsName, RuleName};
use super::package::Asked;
use super::problem::{At, Code, Findings, Span};

/// The joined wants of every flavor that is not part of a circle and extends none that is.
pub(super) fn join(
    drafts: &BTreeMap<FlavorName, Draft>,
    findings: &mut Findings<'_>,
) -> BTreeMap<FlavorName, Wants> {
    check_names(drafts, findings);
    let mut joined: BTreeMap<FlavorName, Wants> = BTreeMap::new();
    let mut waiting: BTreeSet<&FlavorName> = drafts.keys().collect();
    loop {
        let is_ready = |name: &&FlavorName| parents(drafts, name).all(|parent| !waiting.contains(parent));
        let ready: Vec<&FlavorName> = waiting.iter().copied().filter(is_ready).collect();
        if ready.is_empty() {
            break;
        }
        for name in ready {
            waiting.remove(name);
            let inherited = parents(drafts, name).filter_map(|parent| joined.get(parent));
            let wants = one(&drafts[name], inherited.collect(), drafts, findings);
            joined.insert(name.clone(), wants);
        }
    }
    report_circles(drafts, waiting, findings);
    joined
}

/// The flavors that this one extends, as far as they exist.
fn parents<'a>(
    drafts: &'a BTreeMap<FlavorName, Draft>,
    name: &FlavorName,
) -> impl Iterator<Item = &'a FlavorName> {
    let extends = drafts.get(name).map(|draft| draft.extends.as_slice()).unwrap_or_default();
    extends.iter().filter_map(|text| drafts.get_key_value(text.value.as_str()).map(|(name, _)| name))
}

fn check_names(drafts: &BTreeMap<FlavorName, Draft>, findings: &mut Findings<'_>) {
    for draft in drafts.values() {
        for text in draft.extends.iter().filter(|text| !drafts.contains_key(text.value.as_str())) {
            let message = format!("unknown flavor \"{}\"", text.value);
            let names = || drafts.keys().map(FlavorName::as_str).filter(|name| *name != draft.name.as_str());
            let problem = findings.error(Code::UnknownName, text.span, message);
            problem.did_you_mean(&text.value, names());
            problem.label(format!("the other flavors are {}", names().collect::<Vec<_>>().join(", ")));
        }
    }
}

/// Each circle once, from its first flavor in the order of names.
fn report_circles(
    drafts: &BTreeMap<FlavorName, Draft>,
    mut waiting: BTreeSet<&FlavorName>,
    findings: &mut Findings<'_>,
) {
    while let Some(first) = waiting.first().copied() {
        // Whatever waits has a parent that waits: following them must come back to where it was.
        let mut way = vec![first];
        let start = loop {
            let last = way.last().expect("the way has a beginning");
            let Some(next) = parents(drafts, last).find(|parent| waiting.contains(parent)) else {
                break way.len();
            };
            if let Some(again) = way.iter().position(|name| *name == next) {
                break again;
            }
            way.push(next);
        };
        let mut circle: Vec<&FlavorName> = way.drain(start..).collect();
        let least = circle.iter().enumerate().min_by_key(|(_, name)| **name).map_or(0, |(index, _)| index);
        circle.rotate_left(least);
        if let [first, ..] = circle.as_slice() {
            let draft = &drafts[*first];
            let next = circle.get(1).unwrap_or(first);
            let span = draft
                .extends
                .iter()
                .find(|text| text.value == next.as_str())
                .map_or(draft.name.span, |text| text.span);
            let names: Vec<&str> = circle.iter().chain([first]).map(|name| name.as_str()).collect();
            let message = format!("flavors extend each other in a circle: {}", names.join(" -> "));
            findings.error(Code::Circle, span, message).label("one of them must not");
        }
        waiting.retain(|name| !circle.contains(name) && !way.contains(name));
    }
}

/// What can be inherited from several flavors at once.
trait Join: Clone {
    /// One value that satisfies both, if there is one.
    fn join(&self, other: &Self) -> Option<Self>;
}

impl Join for Wish {
    /// What one of them requires is required; the first reason stays. No file comes from two sources.
    fn join(&self, other: &Self) -> Option<Self> {
        if !agree(self.from.as_ref(), other.from.as_ref()) {
            return None;
        }
        let first = if self.optional && !other.optional { other } else { self };
        let reason_from = if first.reason.is_some() {
            first
        } else if self.reason.is_some() {
            self
        } else {
            other
        };
        Some(Self {
            optional: self.optional && other.optional,
            reason: reason_from.reason.clone(),
            source: reason_from.source.clone(),
            from: self.from.clone().or_else(|| other.from.clone()),
            not_from: &self.not_from | &other.not_from,
            // What a flavor asks for itself stays, whichever packs are removed.
            needs: if self.needs.is_empty() || other.needs.is_empty() {
                BTreeSet::new()
            } else {
                &self.needs | &other.needs
            },
            flavor: first.flavor.clone(),
        })
    }
}

/// Whether two say the same, as far as both say something.
fn agree<T: PartialEq>(one: Option<&T>, other: Option<&T>) -> bool {
    one.is_none() || other.is_none() || one == other
}

impl Join for Asked {
    fn join(&self, other: &Self) -> Option<Self> {
        let tags = agree(self.tag.as_ref(), other.tag.as_ref());
        let constraints = agree(self.constraint.as_ref(), other.constraint.as_ref());
        (tags && constraints).then(|| Self {
            name: self.name.clone(),
            tag: self.tag.clone().or_else(|| other.tag.clone()),
            constraint: self.constraint.clone().or_else(|| other.constraint.clone()),
        })
    }
}

impl<K: Join> Join for (K, Wish) {
    fn join(&self, other: &Self) -> Option<Self> {
        Some((self.0.join(&other.0)?, self.1.join(&other.1)?))
    }
}

impl Join for (Glob, Option<String>) {
    fn join(&self, other: &Self) -> Option<Self> {
        Some((self.0.clone(), self.1.clone().or_else(|| other.1.clone())))
    }
}

macro_rules! join_equal {
    ($($name:ty),+) => {
        $(impl Join for $name {
            fn join(&self, other: &Self) -> Option<Self> {
                (self == other).then(|| self.clone())
            }
        })+
    };
}

join_equal!(
    (TreePath, Directory),
    (TreePath, LinkTarget),
    (AccountName, User),
    (AccountName, Group),
    CommandName,
    Glob,
    RuleName,
    TreePath,
    String,
    Text,
    Vec<Text>,
    ()
);

/// Joins one flavor with what it extends.
struct Joiner<'a, 'text> {
    draft: &'a Draft,
    /// The flavors that it extends, and then its own needs packs.
    parents: &'a [&'a Wants],
    /// What conditions took away, there or here.
    absent: &'a BTreeSet<(&'static str, String)>,
    /// Whether it extends a flavor, or needs a pack, that does not exist or has gaps.
    inherits_gaps: bool,
    findings: &'a mut Findings<'text>,
}

fn one(
    draft: &Draft,
    inherited: Vec<&Wants>,
    drafts: &BTreeMap<FlavorName, Draft>,
    findings: &mut Findings<'_>,
) -> Wants {
    let own = &draft.adds;
    let inherits_gaps = draft.extends.len() != inherited.len()
        || inherited.iter().any(|wants| wants.has_gaps)
        || draft.packs.len() != own.needs.len();
    let unwanted = draft.removes.get("needs").map(Vec::as_slice).unwrap_or_default();
    let unwanted: BTreeSet<&str> = unwanted.iter().map(|text| text.value.as_str()).collect();
    let stripped: Vec<Wants> = if unwanted.is_empty() {
        Vec::new()
    } else {
        inherited.iter().map(|wants| without_packs(wants, &unwanted, drafts)).collect()
    };
    let inherited = if unwanted.is_empty() { inherited } else { stripped.iter().collect() };
    let parents: &Vec<&Wants> = &inherited.into_iter().chain(draft.packs.values()).collect();
    let absent = parents.iter().chain([&own]).flat_map(|wants| wants.absent.iter().cloned()).collect();
    let mut joiner = Joiner { draft, parents, absent: &absent, inherits_gaps, findings };
    let cmd =
        if own.entrypoint.is_some() { own.cmd.clone() } else { joiner.single("cmd", |wants| &wants.cmd) };
    let mut wants = Wants {
        needs: joiner.named("needs", "the needs pack", |wants| &wants.needs),
        commands: joiner.named("commands", "the command", |wants| &wants.commands),
        files: joiner.named("files", "the file", |wants| &wants.files),
        packages: joiner.named("packages", "the package", |wants| &wants.packages),
        rules: joiner.named("rules", "the rule pack", |wants| &wants.rules),
        directories: joiner.named("directories", "the directory", |wants| &wants.directories),
        links: joiner.named("links", "the link", |wants| &wants.links),
        users: joiner.named("users", "the user", |wants| &wants.users),
        groups: joiner.named("groups", "the group", |wants| &wants.groups),
        acknowledged: joiner.named("acknowledge-dlopen", "the program", |wants| &wants.acknowledged),
        volumes: joiner.named("volumes", "the volume", |wants| &wants.volumes),
        ports: joiner.named("exposed-ports", "the port", |wants| &wants.ports),
        env: joiner.named("env", "the environment variable", |wants| &wants.env),
        labels: joiner.named("labels", "the label", |wants| &wants.labels),
        annotations: joiner.named("annotations", "the annotation", |wants| &wants.annotations),
        entrypoint: joiner.single("entrypoint", |wants| &wants.entrypoint),
        cmd,
        workdir: joiner.single("workdir", |wants| &wants.workdir),
        user: joiner.single("user", |wants| &wants.user),
        stop_signal: joiner.single("stop-signal", |wants| &wants.stop_signal),
        has_gaps: own.has_gaps || inherits_gaps,
        absent: BTreeSet::new(),
    };
    // A flavor that asks for a command in its own words is not meant to take it from just anywhere.
    for (name, At { value: (_, wish), .. }) in &mut wants.commands {
        if wish.not_from.is_empty() && own.commands.contains_key(name) {
            let others = parents.iter().filter_map(|parent| parent.commands.get(name));
            wish.not_from = others.flat_map(|other| other.value.1.not_from.iter().cloned()).collect();
        }
    }
    wants.absent = absent;
    debug_assert_eq!(draft.removes.keys().filter(|key| !REMOVABLE.contains(key)).count(), 0);
    wants
}

/// What an extended flavor asks for, but for what only these packs do.
fn without_packs(wants: &Wants, unwanted: &BTreeSet<&str>, drafts: &BTreeMap<FlavorName, Draft>) -> Wants {
    let mut wants = wants.clone();
    let others = |name: &str| drafts.values().find_map(|draft| draft.packs.get(name));
    strip(&mut wants.commands, unwanted, |name| others(name).map(|pack| &pack.commands));
    strip(&mut wants.files, unwanted, |name| others(name).map(|pack| &pack.files));
    strip(&mut wants.packages, unwanted, |name| others(name).map(|pack| &pack.packages));
    strip(&mut wants.rules, unwanted, |name| others(name).map(|pack| &pack.rules));
    wants
}

/// Takes away what only the `unwanted` packs ask for; what others ask for too is as these say.
fn strip<'a, K: Join + 'a>(
    named: &mut Named<(K, Wish)>,
    unwanted: &BTreeSet<&str>,
    pack: impl Fn(&str) -> Option<&'a Named<(K, Wish)>>,
) {
    let is_unwanted = |name: &NeedsName| unwanted.contains(name.as_str());
    named.retain(|_, item| item.1.needs.is_empty() || !item.1.needs.iter().all(is_unwanted));
    for (name, item) in named.iter_mut().filter(|(_, item)| item.1.needs.iter().any(is_unwanted)) {
        let left = item.1.needs.iter().filter(|pack| !is_unwanted(pack));
        let said = left.filter_map(|one| pack(one.as_str())?.get(name)).map(|at| at.value.clone());
        let joined = said.reduce(|one, other| one.join(&other).unwrap_or(one));
        if let Some((key, wish)) = joined {
            item.value = (key, Wish { flavor: item.1.flavor.clone(), ..wish });
        }
    }
}

impl Joiner<'_, '_> {
    fn named<T: Join>(
        &mut self,
        key: &'static str,
        what: &str,
        of: impl Fn(&Wants) -> &Named<T>,
    ) -> Named<T> {
        let mut all: Named<T> = BTreeMap::new();
        let own = of(&self.draft.adds);
        let removes = self.draft.removes.get(key).map(Vec::as_slice).unwrap_or_default();
        let unwanted: BTreeSet<&str> = removes.iter().map(|text| text.value.as_str()).collect();
        let mut torn = BTreeSet::new();
        for wants in self.parents {
            for (name, value) in of(wants) {
                let Some(there) = all.get(name) else {
                    all.insert(name.clone(), value.clone());
                    continue;
                };
                match there.value.join(&value.value) {
                    Some(both) => {
                        let span = there.span;
                        all.insert(name.clone(), At::new(both, span));
                    }
                    None if own.contains_key(name) || unwanted.contains(name.as_str()) => {}
                    None if torn.insert(name.clone()) => {
                        let (one, two) = (there.span, value.span);
                        self.torn(&format!("{what} \"{name}\""), one, two);
                    }
                    None => {}
                }
            }
        }
        for text in removes {
            self.remove(text, key, what, own.get(&text.value).map(|own| own.span), &mut all);
        }
        all.extend(own.iter().map(|(name, value)| (name.clone(), value.clone())));
        all
    }

    fn remove<T>(
        &mut self,
        text: &Text,
        key: &'static str,
        what: &str,
        own: Option<Span>,
        all: &mut Named<T>,
    ) {
        let name = text.value.as_str();
        let flavor = &self.draft.name.value;
        if let Some(own) = own {
            let message = format!("the flavor \"{flavor}\" both adds and removes {what} \"{name}\"");
            self.findings.error(Code::Conflict, text.span, message).note(own, "added here");
        }
        let is_gone = all.remove(name).is_none() && !self.absent.contains(&(key, name.to_owned()));
        if is_gone && own.is_none() && !self.inherits_gaps {
            let message =
                format!("{what} \"{name}\" cannot be removed: the flavor \"{flavor}\" does not inherit it");
            let problem = self.findings.error(Code::NothingToRemove, text.span, message);
            problem.did_you_mean(name, all.keys().map(String::as_str));
            if self.parents.is_empty() {
                problem.label("it extends no other flavor");
            }
        }
    }

    fn single<T: Join>(&mut self, key: &str, of: impl Fn(&Wants) -> &Option<At<T>>) -> Option<At<T>> {
        if let Some(own) = of(&self.draft.adds) {
            return Some(own.clone());
        }
        let mut found: Option<At<T>> = None;
        for wants in self.parents {
            let Some(value) = of(wants) else { continue };
            match &found {
                None => found = Some(value.clone()),
                Some(first) if first.value.join(&value.value).is_some() => {}
                Some(first) => {
                    let (one, two) = (first.span, value.span);
                    self.torn(&format!("\"{key}\""), one, two);
                    break;
                }
            }
        }
        found
    }

    /// Two extended flavors say different things.
    fn torn(&mut self, what: &str, one: Span, two: Span) {
        let flavor = &self.draft.name.value;
        let span = self.draft.extends.last().map_or(self.draft.name.span, |text| text.span);
        let message = format!("the flavor \"{flavor}\" inherits {what} twice, and differently");
        let problem = self.findings.error(Code::Conflict, span, message);
        problem.label("say in this flavor what is right").note(one, "said here").note(two, "and here");
    }
}
