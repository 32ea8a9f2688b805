//! A complete search for a set of packages that goes together, for when apt's way leads to none.
//!
//! Each version of a package that the roots can lead to is a truth value. A need is a clause (not the package, or one of those
//! who meet it); an exclusion, and two versions of one name, are clauses of two. Deciding follows the needs from the roots, the best
//! answer first; every contradiction teaches a new clause, so nothing is tried twice.

use std::collections::{BTreeMap, BTreeSet};

use super::greedy::{Wish, preference};
use super::universe::{EntryId, Universe};
use crate::clauses::{Clauses, Literal, Settled};
use crate::deb::{Relation, RelationKind};

/// No more literals than these are built into clauses.
const MOST_LITERALS: usize = 8_000_000;
/// No more needs than these are looked at while deciding.
const MOST_LOOKS: usize = 200_000_000;

/// What a search came to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// These packages go together and meet the roots.
    Found(BTreeSet<EntryId>),
    /// No set of packages does.
    Impossible,
    /// The problem was too large to be decided.
    GivenUp,
}

/// A need with those who meet it, the best one first, by their numbers in the clauses.
struct Choice {
    answers: Vec<u32>,
    /// Whether it may stay unmet.
    soft: bool,
}

/// The versions that the roots lead to, and what was found out of them.
struct Reached<'u, 'text> {
    universe: &'u Universe<'text>,
    recommends: bool,
    numbers: BTreeMap<EntryId, u32>,
    entries: Vec<EntryId>,
    /// The needs of the roots, then those of each entry.
    roots: Vec<Choice>,
    choices: Vec<Vec<Choice>>,
}

/// Searches for a set of packages that meets the wishes.
pub(super) fn search<'text>(
    universe: &Universe<'text>,
    wishes: &[Wish<'_, 'text>],
    recommends: bool,
) -> Outcome {
    let mut reached = Reached {
        universe,
        recommends,
        numbers: BTreeMap::new(),
        entries: Vec::new(),
        roots: Vec::new(),
        choices: Vec::new(),
    };
    for wish in wishes {
        let choice = reached.choice(wish.alternatives, false);
        reached.roots.push(choice);
    }
    while let Some(id) = reached.entries.get(reached.choices.len()).copied() {
        let choices = reached.choices_of(id);
        reached.choices.push(choices);
    }
    match reached.clauses() {
        Some(clauses) => reached.decide(clauses),
        None => Outcome::GivenUp,
    }
}

impl<'text> Reached<'_, 'text> {
    fn number(&mut self, id: EntryId) -> u32 {
        let next = u32::try_from(self.entries.len()).expect("there are no more of them than entries");
        let number = *self.numbers.entry(id).or_insert(next);
        if number == next {
            self.entries.push(id);
        }
        number
    }

    fn choice(&mut self, alternatives: &[Relation<'text>], soft: bool) -> Choice {
        let answers = answers(self.universe, alternatives);
        Choice { answers: answers.into_iter().map(|id| self.number(id)).collect(), soft }
    }

    fn choices_of(&mut self, id: EntryId) -> Vec<Choice> {
        let universe = self.universe;
        let demands = universe.demands(id).iter();
        let mut choices = Vec::new();
        for demand in demands {
            let soft = demand.kind == RelationKind::Recommends;
            if !soft || self.recommends {
                choices.push(self.choice(&demand.alternatives, soft));
            }
        }
        choices
    }

    /// Everything that must hold; nothing if that is too much.
    fn clauses(&self) -> Option<Clauses> {
        let mut clauses = Clauses::new(self.entries.len());
        let mut built = 0;
        let mut add = |clause: Vec<Literal>| {
            built += clause.len();
            clauses.add(clause);
            (built <= MOST_LITERALS).then_some(())
        };
        for root in &self.roots {
            add(root.answers.iter().map(|id| Literal::present(*id)).collect())?;
        }
        for ((number, id), choices) in (0..).zip(&self.entries).zip(&self.choices) {
            let absent = Literal::absent(number);
            if self.universe.needs(*id).is_err() {
                add(vec![absent])?;
            }
            for choice in choices {
                // Who meets its own need needs nobody else.
                if !choice.soft && !choice.answers.contains(&number) {
                    let answers = choice.answers.iter().map(|id| Literal::present(*id));
                    add(std::iter::once(absent).chain(answers).collect())?;
                }
            }
            let name = self.universe.entry(*id).name;
            let versions = self.universe.versions(name).iter().copied().filter(|other| other > id);
            let excluded = self.universe.excluded(*id).into_iter().map(|(other, _)| other);
            for other in versions.chain(excluded).filter_map(|other| self.numbers.get(&other)) {
                add(vec![absent, Literal::absent(*other)])?;
            }
        }
        Some(clauses)
    }

    fn decide(&self, mut clauses: Clauses) -> Outcome {
        let mut looks = 0;
        loop {
            match clauses.settle() {
                Settled::Quiet => {}
                Settled::Contradiction => return Outcome::Impossible,
                Settled::GivenUp => return Outcome::GivenUp,
            }
            let (open, needed) = self.walk(&clauses, &mut looks);
            if looks > MOST_LOOKS {
                return Outcome::GivenUp;
            }
            let Some(next) = open else {
                return Outcome::Found(needed.iter().map(|number| self.entries[*number as usize]).collect());
            };
            clauses.suppose(next);
        }
    }

    /// Walks from the roots over what is there, depth first, to the best answer of the first need that nothing meets; needs that may
    /// stay unmet come last. Also comes back with everything that was walked over.
    fn walk(&self, clauses: &Clauses, looks: &mut usize) -> (Option<u32>, BTreeSet<u32>) {
        let mut needed = BTreeSet::new();
        let mut later = None;
        let mut stack: Vec<&Choice> = self.roots.iter().rev().collect();
        while let Some(choice) = stack.pop() {
            *looks += 1;
            let mut there = choice.answers.iter().filter(|number| clauses.is_present(**number)).peekable();
            if there.peek().is_none() {
                let open = choice.answers.iter().copied().find(|number| clauses.is_open(*number));
                if !choice.soft && open.is_some() {
                    return (open, needed);
                }
                later = later.or(open);
                continue;
            }
            for number in there {
                if needed.insert(*number) {
                    stack.extend(self.choices[*number as usize].iter().rev());
                }
            }
        }
        (later, needed)
    }
}

/// Everything that meets one of several relations, the best first: apt's candidate of each name before its other versions.
pub(super) fn answers<'text>(universe: &Universe<'text>, alternatives: &[Relation<'text>]) -> Vec<EntryId> {
    let mut answers: Vec<EntryId> = Vec::new();
    for relation in alternatives {
        let mut some = universe.answers(relation);
        some.retain(|id| !answers.contains(id));
        let place = |id: EntryId| {
            let versions = universe.versions(universe.entry(id).name);
            versions.iter().position(|other| *other == id)
        };
        some.sort_by_key(|id| (place(*id), preference(universe, relation, *id)));
        answers.extend(some);
    }
    answers
}
