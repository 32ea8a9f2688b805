//! [`Problem`]: why there is no solution, with the way from a root to where it ends.
//!
//! Every need is walked through once, the roots first. A need that nobody can ever meet is told with what there is instead. Where there
//! is none of those, it is told which answers to a need cannot be together with what was taken before.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;

use super::greedy::Wish;
use super::request::{Root, group_text};
use super::search::answers;
use super::universe::{Demand, EntryId, NameId, Universe};
use crate::deb::{Relation, RelationKind};
use crate::spelling::edits;

/// No more names than these are proposed in place of an unknown one.
const MOST_NAMES: usize = 3;
/// No name is proposed that differs in more characters than this.
const MOST_EDITS: usize = 3;
/// No more clashes than these are told of one need.
const MOST_CLASHES: usize = 8;

/// One reason why the wishes cannot be met.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Problem {
    /// A name that no package has or provides.
    NoSuchPackage {
        /// The name.
        name: String,
        /// Who asks for it, from a root on.
        chain: Vec<Step>,
        /// Names that are spelled nearly alike, the nearest first.
        nearest: Vec<String>,
    },
    /// A relation that no version meets.
    NoVersion {
        /// The relation.
        relation: String,
        /// Which versions there are, and who provides the name: name and version.
        existing: Vec<String>,
        /// Who asks for it, from a root on.
        chain: Vec<Step>,
    },
    /// A root that several packages provide, one of which has to be named.
    Undecided {
        /// The name.
        name: String,
        /// The packages.
        provided_by: Vec<String>,
    },
    /// A package with a field that cannot be read.
    Unreadable {
        /// Name and version.
        package: String,
        /// What is wrong with it.
        error: String,
        /// Who asks for it, from a root on.
        chain: Vec<Step>,
    },
    /// Two packages that cannot be there at the same time.
    Clash {
        /// Name and version of the one that says so, or that is another version.
        package: String,
        /// Name and version of the other one.
        other: String,
        /// How it says so, such as `Breaks: libc6 (<< 2.36)`; nothing for two versions of one name.
        relation: Option<String>,
        /// Who asks for the first one, from a root on.
        chain: Vec<Step>,
        /// Who asks for the other one, from a root on.
        other_chain: Vec<Step>,
    },
}

/// One step on the way from a root to a problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Name and version of the package that asks; nothing for a root.
    pub by: Option<String>,
    /// The field in which it asks, if a package does.
    pub kind: Option<RelationKind>,
    /// What is asked for, with all alternatives.
    pub relation: String,
}

/// A package that was taken, and for whom.
struct Taken {
    by: Option<EntryId>,
    step: Step,
}

struct Walk<'u, 'text> {
    universe: &'u Universe<'text>,
    hopeless: BTreeSet<EntryId>,
    taken: BTreeMap<EntryId, Taken>,
    /// What was taken, by name.
    names: BTreeMap<NameId, EntryId>,
    /// What those that were taken exclude, and the first that does.
    barred: BTreeMap<EntryId, EntryId>,
    queue: VecDeque<EntryId>,
    dead_ends: Vec<Problem>,
    clashes: Vec<Problem>,
}

/// Everything that is in the way of wishes that cannot be met together.
pub(super) fn explain<'text>(universe: &Universe<'text>, wishes: &[&Wish<'_, 'text>]) -> Vec<Problem> {
    let mut walk = Walk {
        universe,
        hopeless: hopeless(universe, wishes),
        taken: BTreeMap::new(),
        names: BTreeMap::new(),
        barred: BTreeMap::new(),
        queue: VecDeque::new(),
        dead_ends: Vec::new(),
        clashes: Vec::new(),
    };
    for wish in wishes {
        let step = Step { by: None, kind: None, relation: group_text(wish.alternatives) };
        walk.meet(wish.alternatives, None, &step);
    }
    while let Some(id) = walk.queue.pop_front() {
        if let Err(error) = universe.needs(id) {
            let (package, chain) = (universe.label(id), walk.chain(id));
            walk.dead_ends.push(Problem::Unreadable { package, error: error.to_string(), chain });
        }
        for demand in hard(universe, id) {
            let (by, relation) = (Some(universe.label(id)), group_text(&demand.alternatives));
            walk.meet(&demand.alternatives, Some(id), &Step { by, kind: Some(demand.kind), relation });
        }
    }
    if walk.dead_ends.is_empty() { walk.clashes } else { walk.dead_ends }
}

fn hard<'u, 'text>(universe: &'u Universe<'text>, id: EntryId) -> impl Iterator<Item = &'u Demand<'text>> {
    universe.demands(id).iter().filter(|demand| demand.kind != RelationKind::Recommends)
}

/// The packages that need something, or something that needs something, which there is not.
fn hopeless<'text>(universe: &Universe<'text>, wishes: &[&Wish<'_, 'text>]) -> BTreeSet<EntryId> {
    let mut needs: BTreeMap<EntryId, Vec<Vec<EntryId>>> = BTreeMap::new();
    let mut pending: Vec<EntryId> =
        wishes.iter().flat_map(|wish| answers(universe, wish.alternatives)).collect();
    while let Some(id) = pending.pop() {
        if let Entry::Vacant(place) = needs.entry(id) {
            let own = hard(universe, id).map(|demand| answers(universe, &demand.alternatives));
            pending.extend(place.insert(own.collect()).iter().flatten());
        }
    }
    let mut dependents: BTreeMap<EntryId, Vec<EntryId>> = BTreeMap::new();
    for (id, needs) in &needs {
        for answer in needs.iter().flatten() {
            dependents.entry(*answer).or_default().push(*id);
        }
    }
    let mut hopeless: BTreeSet<EntryId> = BTreeSet::new();
    let mut pending: Vec<EntryId> = needs.keys().copied().collect();
    while let Some(id) = pending.pop() {
        let is_dead = |answers: &Vec<EntryId>| answers.iter().all(|answer| hopeless.contains(answer));
        let dead = universe.needs(id).is_err() || needs[&id].iter().any(is_dead);
        if dead && hopeless.insert(id) {
            pending.extend(dependents.get(&id).into_iter().flatten());
        }
    }
    hopeless
}

impl<'text> Walk<'_, 'text> {
    /// Takes the best answer to a need that goes together with what was taken before.
    fn meet(&mut self, alternatives: &[Relation<'text>], by: Option<EntryId>, step: &Step) {
        let answers = answers(self.universe, alternatives);
        if answers.iter().any(|id| self.taken.contains_key(id)) {
            return;
        }
        if answers.is_empty() {
            let chain = self.chain_to(by, step);
            self.dead_ends.extend(missing(self.universe, alternatives, &chain));
            return;
        }
        let hopeful = answers.iter().copied().filter(|id| !self.hopeless.contains(id));
        let hopeful: Vec<EntryId> = hopeful.collect();
        let mut clashes = Vec::new();
        let fitting = hopeful.iter().copied().find(|id| {
            let found = self.clashes(*id, by, step);
            let fits = found.is_empty();
            clashes.extend(found);
            fits
        });
        if fitting.is_none() && !hopeful.is_empty() {
            clashes.truncate(MOST_CLASHES);
            // What follows from a clash is not worth telling.
            if self.clashes.is_empty() {
                self.clashes = clashes;
            }
            return;
        }
        let taken = fitting.unwrap_or(answers[0]);
        self.taken.insert(taken, Taken { by, step: step.clone() });
        self.names.insert(self.universe.entry(taken).name, taken);
        for (excluded, _) in self.universe.excluded(taken) {
            self.barred.entry(excluded).or_insert(taken);
        }
        self.queue.push_back(taken);
    }

    /// What was taken and cannot be together with one more package.
    fn clashes(&self, id: EntryId, by: Option<EntryId>, step: &Step) -> Vec<Problem> {
        let universe = self.universe;
        let chain_of = |each: EntryId| if each == id { self.chain_to(by, step) } else { self.chain(each) };
        let clash = |one: EntryId, other: EntryId, relation: Option<String>| Problem::Clash {
            package: universe.label(one),
            other: universe.label(other),
            relation,
            chain: chain_of(one),
            other_chain: chain_of(other),
        };
        let twin = self.names.get(&universe.entry(id).name).map(|twin| clash(id, *twin, None));
        let own = universe.excluded(id).into_iter().map(|(other, _)| (id, other));
        let own: Vec<(EntryId, EntryId)> = own.filter(|(_, other)| self.taken.contains_key(other)).collect();
        // That one of the two says so is enough.
        let theirs = self.barred.get(&id).filter(|taken| own.iter().all(|(_, other)| other != *taken));
        let pairs = own.iter().copied().chain(theirs.map(|taken| (*taken, id)));
        let excluded = pairs.map(|(one, other)| {
            let at = universe.excluded(one).into_iter().find(|(excluded, _)| *excluded == other);
            let relation = at.and_then(|(_, at)| universe.exclusions(one).get(at));
            clash(one, other, relation.map(|(kind, relation)| format!("{kind}: {relation}")))
        });
        twin.into_iter().chain(excluded).take(MOST_CLASHES).collect()
    }

    /// The way from a root to a need of a package that was taken.
    fn chain_to(&self, by: Option<EntryId>, step: &Step) -> Vec<Step> {
        let mut chain = by.map_or(Vec::new(), |by| self.chain(by));
        chain.push(step.clone());
        chain
    }

    /// The way from a root to a package that was taken.
    fn chain(&self, id: EntryId) -> Vec<Step> {
        let mut chain = Vec::new();
        let mut at = Some(id);
        while let Some(taken) = at.and_then(|id| self.taken.get(&id)) {
            chain.push(taken.step.clone());
            at = taken.by;
        }
        chain.reverse();
        chain
    }
}

/// Why nothing meets any of several relations.
pub(super) fn missing<'text>(
    universe: &Universe<'text>,
    alternatives: &[Relation<'text>],
    chain: &[Step],
) -> Vec<Problem> {
    let problem = |relation: &Relation<'text>| {
        let versions = universe.name(relation.name).map_or(Vec::new(), |name| {
            universe.versions(name).iter().copied().chain(universe.providers(name)).collect()
        });
        let chain = chain.to_vec();
        if versions.is_empty() {
            let nearest = nearest(universe, relation.name);
            return Problem::NoSuchPackage { name: relation.name.to_owned(), chain, nearest };
        }
        let existing = versions.into_iter().map(|id| universe.label(id)).collect();
        Problem::NoVersion { relation: relation.to_string(), existing, chain }
    };
    alternatives.iter().map(problem).collect()
}

/// The names that are spelled most like `name`, the nearest first.
fn nearest(universe: &Universe<'_>, name: &str) -> Vec<String> {
    let most = MOST_EDITS.min(1 + name.chars().count() / 4);
    let all = universe.all_names();
    let mut found: Vec<(usize, &str)> =
        all.filter_map(|other| Some((edits(name, other, most)?, other))).collect();
    found.sort_unstable();
    found.into_iter().take(MOST_NAMES).map(|(_, other)| other.to_owned()).collect()
}

impl Step {
    /// The step that a root is.
    pub(super) fn root(root: &Root<'_>) -> Self {
        Self { by: None, kind: None, relation: root.to_string() }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.by, self.kind) {
            (Some(by), Some(kind)) => write!(formatter, "{by} [{kind}: {}]", self.relation),
            _ => write!(formatter, "the root {}", self.relation),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSuchPackage { name, chain, nearest } => {
                write!(formatter, "{name}: there is no such package")?;
                if !nearest.is_empty() {
                    write!(formatter, "; did you mean {}?", nearest.join(", "))?;
                }
                asked_for(formatter, name, chain)
            }
            Self::NoVersion { relation, existing, chain } => {
                write!(formatter, "{relation}: no version fits; there is {}", existing.join(", "))?;
                asked_for(formatter, relation, chain)
            }
            Self::Undecided { name, provided_by } => {
                let packages = provided_by.join(", ");
                write!(formatter, "{name}: several packages provide it; ask for one of {packages}")
            }
            Self::Unreadable { package, error, chain } => {
                write!(formatter, "{package}: {error}")?;
                asked_for(formatter, package, chain)
            }
            Self::Clash { package, other, relation, chain, other_chain } => {
                match relation {
                    Some(relation) => {
                        write!(
                            formatter,
                            "{package} and {other} cannot be together: {package} says {relation}"
                        )?;
                    }
                    None => write!(formatter, "{package} and {other} are two versions of one package")?,
                }
                asked_for(formatter, package, chain)?;
                asked_for(formatter, other, other_chain)
            }
        }
    }
}

fn asked_for(formatter: &mut fmt::Formatter<'_>, what: &str, chain: &[Step]) -> fmt::Result {
    let steps: Vec<String> = chain.iter().map(ToString::to_string).collect();
    write!(formatter, "\n    {what} is asked for by {}", steps.join(" → "))
}
