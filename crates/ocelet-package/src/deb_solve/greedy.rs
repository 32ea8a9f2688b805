//! The way that apt 2.6 goes (`pkgDepCache::MarkInstall` in its `apt-pkg/depcache.cc`), on a root without packages.
//!
//! Each name has one candidate version. A package is marked, then what it needs is, depth first, for each need the first
//! alternative that works out; nothing is ever tried again. What the roots need and only one package gives is protected: it is
//! not given up, and what it excludes is not considered any more. Where that does not end in a set that goes
//! together, apt's problem resolver would begin; the complete search stands in its place.

use std::collections::BTreeSet;

use super::universe::{Demand, EntryId, NameId, Universe};
use crate::deb::{Relation, RelationKind};

/// Chains of needs longer than this are left to the search, which does not call itself.
const DEEPEST: usize = 400;
/// So are walks with more steps than this. Real ones have some thousands.
const MOST_STEPS: usize = 1_000_000;

/// What became of a name.
#[derive(Debug, Clone, Copy, Default)]
struct State {
    candidate: Option<EntryId>,
    marked: bool,
    protected: bool,
}

/// A walk.
pub(super) struct Greedy<'u, 'text> {
    universe: &'u Universe<'text>,
    recommends: bool,
    states: Vec<State>,
    steps: usize,
    too_long: bool,
}

/// Who asks for a package.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    Root,
    Package,
}

/// Walks from the roots. Each of `wishes` is a group of relations, and the version that is fixed for it if there is one.
/// Nothing comes back where the walk leads to packages that do not go together.
pub(super) fn greedy<'text>(
    universe: &Universe<'text>,
    wishes: &[Wish<'_, 'text>],
    recommends: bool,
) -> Option<BTreeSet<EntryId>> {
    let mut states = vec![State::default(); universe.names()];
    for (name, state) in (0..).zip(&mut states) {
        state.candidate = universe.versions(name).first().copied();
    }
    let mut walk = Greedy { universe, recommends, states, steps: 0, too_long: false };
    for fixed in wishes.iter().filter_map(|wish| wish.fixed) {
        walk.state(universe.entry(fixed).name).candidate = Some(fixed);
    }
    for fixed in wishes.iter().filter_map(|wish| wish.fixed) {
        walk.mark(universe.entry(fixed).name, false, By::Root, 0);
        walk.state(universe.entry(fixed).name).protected = true;
    }
    for wish in wishes {
        match wish.fixed {
            Some(fixed) => {
                walk.mark(universe.entry(fixed).name, true, By::Root, 0);
            }
            None => {
                walk.meet(wish.alternatives, true, true, 0);
            }
        }
    }
    let marked: BTreeSet<EntryId> = walk.marked().collect();
    let sound = !walk.too_long && walk.is_sound(wishes, &marked);
    sound.then_some(marked)
}

#[derive(Clone, Copy)]
/// A root: its relations, and the version that it comes down to where only one package can be meant.
pub(super) struct Wish<'r, 'text> {
    pub(super) alternatives: &'r [Relation<'text>],
    pub(super) fixed: Option<EntryId>,
}

impl<'text> Greedy<'_, 'text> {
    fn state(&mut self, name: NameId) -> &mut State {
        &mut self.states[name as usize]
    }

    fn state_of(&self, id: EntryId) -> State {
        self.states[self.universe.entry(id).name as usize]
    }

    fn is_candidate(&self, id: EntryId) -> bool {
        self.state_of(id).candidate == Some(id)
    }

    fn is_marked(&self, id: EntryId) -> bool {
        let state = self.state_of(id);
        state.marked && state.candidate == Some(id)
    }

    fn marked(&self) -> impl Iterator<Item = EntryId> {
        self.states.iter().filter(|state| state.marked).filter_map(|state| state.candidate)
    }

    fn is_met(&self, alternatives: &[Relation<'text>]) -> bool {
        alternatives
            .iter()
            .any(|relation| self.universe.answers(relation).into_iter().any(|id| self.is_marked(id)))
    }

    fn counts(&self, demand: &Demand<'_>) -> bool {
        self.recommends || demand.kind != RelationKind::Recommends
    }

    /// Whether something that a package needs is missing, or something that it excludes is there.
    fn is_broken(&self, id: EntryId) -> bool {
        let unmet = |demand: &Demand<'text>| self.counts(demand) && !self.is_met(&demand.alternatives);
        self.universe.demands(id).iter().any(unmet)
            || self.universe.excluded(id).into_iter().any(|(other, _)| self.is_marked(other))
    }

    /// Marks the candidate of a name, and with `follow` what it needs.
    fn mark(&mut self, name: NameId, follow: bool, by: By, depth: usize) -> bool {
        let state = *self.state(name);
        self.steps += 1;
        self.too_long |= depth > DEEPEST || self.steps > MOST_STEPS;
        if self.too_long {
            return false;
        }
        let Some(id) = state.candidate else { return false };
        if state.protected && !state.marked {
            return false;
        }
        if state.marked && !state.protected && !self.is_broken(id) {
            return true;
        }
        if self.universe.needs(id).is_err() || (follow && !self.can_be_met(id)) {
            if !state.protected {
                *self.state(name) = State::default();
            }
            return false;
        }
        if !follow {
            self.state(name).marked = true;
            return true;
        }
        let patient = state.protected || by == By::Root;
        let (needed, excluded) = self.collect(id, state.protected);
        let mut fine = self.push_aside(&excluded, state.protected, patient);
        if !fine && !patient {
            return false;
        }
        // While its needs are met nobody may give it up.
        self.state(name).marked = true;
        self.state(name).protected = true;
        fine &= self.meet_all(id, &needed, state.protected, patient, depth);
        self.state(name).protected = state.protected;
        if !fine && !patient {
            *self.state(name) = State::default();
        }
        fine
    }

    /// Whether there is a candidate for each need.
    fn can_be_met(&self, id: EntryId) -> bool {
        let has_candidate = |relation: &Relation<'text>| {
            self.universe.answers(relation).into_iter().any(|id| self.is_candidate(id))
        };
        let critical = |demand: &&Demand<'_>| demand.kind != RelationKind::Recommends;
        let demands = self.universe.demands(id).iter().filter(critical);
        demands.map(|demand| &demand.alternatives).all(|group| group.iter().any(has_candidate))
    }

    /// The needs to look at, by their place, and what the package excludes.
    fn collect(&self, id: EntryId, protected: bool) -> (Vec<usize>, Vec<EntryId>) {
        let demands = self.universe.demands(id).iter().enumerate();
        let open = demands
            .filter(|(_, demand)| self.counts(demand) && (protected || !self.is_met(&demand.alternatives)));
        let needed = open.map(|(at, _)| at).collect();
        (needed, self.universe.excluded(id).into_iter().map(|(other, _)| other).collect())
    }

    /// Gives up what is excluded; that fails for what is protected.
    fn push_aside(&mut self, excluded: &[EntryId], protected: bool, patient: bool) -> bool {
        let mut fine = true;
        for other in excluded.iter().copied().filter(|other| self.is_candidate(*other)).collect::<Vec<_>>() {
            let name = self.universe.entry(other).name;
            let state = self.state(name);
            if state.marked && state.protected {
                fine = false;
                if !patient {
                    break;
                }
                continue;
            }
            state.marked = false;
            if protected {
                *state = State { candidate: None, marked: false, protected: true };
            }
        }
        fine
    }

    fn meet_all(
        &mut self,
        id: EntryId,
        needed: &[usize],
        protected: bool,
        patient: bool,
        depth: usize,
    ) -> bool {
        let universe = self.universe;
        let mut fine = true;
        for demand in needed.iter().map(|at| &universe.demands(id)[*at]) {
            let critical = demand.kind != RelationKind::Recommends;
            if !self.meet(&demand.alternatives, protected, critical, depth) && critical {
                fine = false;
                if !patient {
                    break;
                }
            }
        }
        fine
    }

    /// Meets one need.
    fn meet(
        &mut self,
        alternatives: &[Relation<'text>],
        protected: bool,
        critical: bool,
        depth: usize,
    ) -> bool {
        let met = self.is_met(alternatives);
        if met && !(protected && critical) {
            return true;
        }
        let choices = self.choices(alternatives);
        if met {
            let [only] = choices[..] else { return true };
            let name = self.universe.entry(only).name;
            if self.state(name).protected {
                return true;
            }
            self.state(name).protected = true;
            return self.mark(name, true, By::Package, depth + 1);
        }
        let lone = choices.len() == 1;
        for choice in choices {
            let name = self.universe.entry(choice).name;
            if !self.is_candidate(choice) {
                continue;
            }
            if protected && critical && lone {
                if !self.mark(name, false, By::Package, depth + 1) {
                    continue;
                }
                self.state(name).protected = true;
            }
            if self.mark(name, true, By::Package, depth + 1) {
                return true;
            }
        }
        false
    }

    /// The candidates that meet a need, in the order in which apt tries them; each once.
    fn choices(&self, alternatives: &[Relation<'text>]) -> Vec<EntryId> {
        let mut choices: Vec<EntryId> = Vec::new();
        for relation in alternatives {
            let mut some = self.universe.answers(relation);
            some.retain(|id| self.is_candidate(*id) && !choices.contains(id));
            some.sort_by_key(|id| (!self.state_of(*id).protected, preference(self.universe, relation, *id)));
            choices.extend(some);
        }
        choices
    }

    fn is_sound(&self, wishes: &[Wish<'_, 'text>], marked: &BTreeSet<EntryId>) -> bool {
        let broken = |id: &EntryId| {
            let demands = self.universe.demands(*id).iter();
            let mut critical = demands.filter(|demand| demand.kind != RelationKind::Recommends);
            critical.any(|demand| !self.is_met(&demand.alternatives))
                || self.universe.excluded(*id).iter().any(|(other, _)| marked.contains(other))
        };
        wishes.iter().all(|wish| self.is_met(wish.alternatives)) && !marked.iter().any(broken)
    }
}

/// Which of two who meet a relation apt takes (`CompareProviders`): the package of that name; essential ones, protected
/// ones; by `Priority`. Of equals apt takes one by its place in memory; here it is the first by name.
pub(super) fn preference<'text>(
    universe: &Universe<'text>,
    relation: &Relation<'text>,
    id: EntryId,
) -> impl Ord + use<'text> {
    let entry = universe.entry(id);
    let package = entry.package();
    let priority = match package.priority {
        "required" => 1,
        "important" => 2,
        "standard" => 3,
        "optional" => 4,
        "extra" => 5,
        _ => 6,
    };
    let other_name = package.name != relation.name;
    (other_name, !package.essential, !package.protected, priority, id)
}
