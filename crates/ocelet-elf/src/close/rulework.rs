//! Setting off rules, and what stands at the end of a closure: unexplained `dlopen`, the loader cache.

use std::collections::BTreeSet;
use std::sync::Arc;

use ocelet_tree::{Glob, TreePath};

use super::reason::{Reason, Why};
use super::work::{Job, Work};
use super::{Closure, Problem, UnexplainedDlopen};
use crate::cache::{CacheEntry, Hwcap, LoaderCache};
use crate::files::describe;
use crate::loader::{Environment, absolute};
use crate::rules::{Files, Rule, RulePack, RulePacks, When};
use crate::{Found, Loaded, World};

/// The rules that were set off: by number of pack and rule, once for each world.
#[derive(Debug, Default)]
pub(super) struct Fired(BTreeSet<(usize, usize, Option<World>)>);

/// A file that sets a rule off, and the program that maps it, where one does.
struct Trigger {
    path: Option<TreePath>,
    inside: Option<(Arc<Loaded>, usize)>,
}

impl Work<'_, '_> {
    /// Sets off the rules whose conditions have come true, and puts their files on the list.
    pub(super) fn fire_rules(&mut self) {
        let options = self.options;
        for (pack_number, pack) in options.rules.iter().enumerate() {
            for (rule_number, rule) in pack.rules.iter().enumerate() {
                for trigger in self.triggers(rule) {
                    let world = trigger.inside.as_ref().map(|(process, _)| process.world);
                    if self.fired.0.insert((pack_number, rule_number, world)) {
                        self.fire(pack, rule, &trigger);
                    }
                }
            }
        }
    }

    /// The first file of each world that sets a rule off.
    fn triggers(&self, rule: &Rule) -> Vec<Trigger> {
        let mut worlds = BTreeSet::new();
        match &rule.when {
            When::Always => vec![Trigger { path: None, inside: None }],
            When::Soname(patterns) => {
                let matching = self.traced.iter().filter(|(_, (process, index))| {
                    let binary = process.objects[*index].binary();
                    let soname = binary.and_then(|binary| binary.soname.as_ref());
                    soname.is_some_and(|soname| patterns.iter().any(|pattern| pattern.matches(soname)))
                });
                matching
                    .filter(|(_, (process, _))| worlds.insert(process.world))
                    .map(|(path, inside)| Trigger { path: Some(path.clone()), inside: Some(inside.clone()) })
                    .collect()
            }
            When::Path(globs) => {
                let matching =
                    self.closure.files.keys().filter(|path| globs.iter().any(|glob| glob.matches(path)));
                matching
                    .map(|path| {
                        // A command may be a link to the program that does its work.
                        let real = self.loader.files.place(path).ok().map(|place| place.real.clone());
                        let inside = real.and_then(|real| self.traced.get(&real).cloned());
                        Trigger { path: Some(path.clone()), inside }
                    })
                    .filter(|trigger| {
                        worlds.insert(
                            trigger.inside.as_ref().map_or(World::Other, |(process, _)| process.world),
                        )
                    })
                    .collect()
            }
        }
    }

    fn fire(&mut self, pack: &RulePack, rule: &Rule, trigger: &Trigger) {
        let why =
            Why::Rule { pack: pack.name.clone(), reason: rule.reason.clone(), source: rule.source.clone() };
        let reason = Reason { why, from: trigger.path.clone() };
        for files in &rule.files {
            let (glob, text) = match files {
                Files::Anywhere(glob) => (glob.clone(), glob.as_str().to_owned()),
                Files::Beside(rest) => match beside(trigger, rest) {
                    Some(glob) => (glob, format!("./{rest}")),
                    None => continue,
                },
            };
            let found = match glob.expand(self.loader.files.view()) {
                Ok(found) => found,
                Err(error) => {
                    let path = TreePath::root();
                    self.closure.problems.push(Problem::Unreadable { path, why: describe(&error) });
                    continue;
                }
            };
            if found.is_empty() && rule.required {
                self.closure.problems.push(Problem::MissingRuleFile {
                    pack: pack.name.clone(),
                    pattern: text,
                    reason: rule.reason.clone(),
                });
            }
            for path in found {
                let inside = trigger.inside.clone();
                self.next.push(Job { path, reason: reason.clone(), inside, optional: !rule.required });
            }
        }
    }

    /// Puts the end to a closure.
    pub(super) fn finish(mut self) -> Closure {
        self.unexplained();
        self.closure.cache = self.cache();
        for problems in [&mut self.closure.problems, &mut self.closure.absent] {
            problems.sort();
            problems.dedup();
        }
        self.closure
    }

    fn unexplained(&mut self) {
        let mut all = None;
        for (path, (process, index)) in &self.traced {
            let Some(binary) = process.objects[*index].binary() else { continue };
            let soname = binary.soname.as_ref();
            if !binary.imports_dlopen
                || !binary.dlopen_notes.is_empty()
                || self.options.rules.iter().any(|pack| pack.explains(path, soname))
            {
                continue;
            }
            let packs = all.get_or_insert_with(RulePacks::embedded).that_explain(path, soname);
            self.closure.unexplained.push(UnexplainedDlopen { path: path.clone(), packs });
        }
    }

    /// The loader cache, where some library is found by nothing else: entries for all kept libraries that
    /// the default directories do not have.
    fn cache(&self) -> Option<Vec<u8>> {
        let needed = self.traced.values().find(|(process, index)| {
            process.world == World::Glibc && process.objects[*index].found == Found::Cache
        });
        let environment = &needed?.0.environment;
        let mut entries = self.cached_entries(environment);
        for (process, _) in self.traced.values().filter(|(process, _)| process.world == World::Glibc) {
            for object in process.objects.iter().filter(|object| object.found == Found::Cache) {
                let name = object.path.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
                entries.push(entry(environment, name, &object.path));
            }
        }
        entries.sort_by(|one, other| (&one.name, &one.path).cmp(&(&other.name, &other.path)));
        entries.dedup();
        Some(LoaderCache { entries }.write(environment.abi.endianness))
    }

    /// What is loaded at run time from a configured directory is found by the cache as well.
    fn cached_entries(&self, environment: &Environment) -> Vec<CacheEntry> {
        let is_kept = |written: &[u8]| {
            let place = self.loader.files.at(written);
            place.is_ok_and(|place| self.closure.files.contains_key(&place.real))
        };
        if let Some(cache) = &environment.cache {
            let flags = environment.machine.map_or(3, |machine| machine.cache_flags);
            let ours =
                cache.entries.iter().filter(|entry| entry.flags == flags && entry.hwcap == Hwcap::Baseline);
            return ours
                .filter(|entry| {
                    !by_default(environment, entry.path.as_bytes()) && is_kept(entry.path.as_bytes())
                })
                .cloned()
                .collect();
        }
        let mut entries = Vec::new();
        for (path, (process, index)) in &self.traced {
            let soname = process.objects[*index].binary().and_then(|binary| binary.soname.clone());
            let configured = environment
                .configured
                .iter()
                .find(|directory| Some(&directory.real) == path.parent().as_ref());
            let (Some(soname), Some(directory)) = (soname, configured) else { continue };
            let written = [&directory.written[..], b"/", soname.as_bytes()].concat();
            if !by_default(environment, &written) && is_kept(&written) {
                entries.push(entry(environment, soname.as_bytes(), &written));
            }
        }
        entries
    }
}

fn entry(environment: &Environment, name: &[u8], path: &[u8]) -> CacheEntry {
    let flags = environment.machine.map_or(3, |machine| machine.cache_flags);
    CacheEntry { flags, name: crate::Text::new(name), path: crate::Text::new(path), hwcap: Hwcap::Baseline }
}

/// Whether a path is directly in a default directory.
fn by_default(environment: &Environment, path: &[u8]) -> bool {
    let end = path.iter().rposition(|byte| *byte == b'/').map_or(0, |slash| slash + 1);
    environment.default_texts.iter().any(|directory| *directory == path[..end])
}

/// A pattern below the directory of what set a rule off. The directory's own name is taken as it is.
fn beside(trigger: &Trigger, rest: &str) -> Option<Glob> {
    let directory = trigger.path.as_ref()?.parent()?;
    let text = String::from_utf8(absolute(&directory)).ok()?;
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if "*?[]{}\\,".contains(character) {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    Glob::new(&format!("{escaped}/{rest}")).ok()
}
