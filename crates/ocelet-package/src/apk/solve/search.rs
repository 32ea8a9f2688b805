//! A complete search for a set of packages that goes together, for when the greedy way found none.
//!
//! Each package is a truth value. A demand of a package is a clause (not the package, or one of those
//! who satisfy it), a conflict and a name that can have one owner only are clauses of two. Deciding follows the demands, best
//! candidate first; every conflict teaches a new clause (conflict-driven clause learning), so nothing is
//! tried twice. `install_if` plays no part here: the greedy way adds it afterwards.

use std::collections::BTreeSet;

use super::solver::{Solver, World};
use super::universe::{Demand, NO_TAG, PackageId, Provider, Universe};
use crate::clauses::{Clauses, Literal, Settled};

/// No more literals than these are built into clauses.
const MOST_LITERALS: usize = 4_000_000;
/// No more demands than these are looked at while deciding.
const MOST_LOOKS: usize = 200_000_000;

/// What a search came to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// These packages go together and satisfy the roots.
    Found(BTreeSet<PackageId>),
    /// No set of packages does.
    Impossible,
    /// The problem was too large to be decided.
    GivenUp,
}

/// A demand with those who satisfy it, the best one first.
struct Choice {
    /// Who demands it; the roots do without.
    who: Option<PackageId>,
    candidates: Vec<PackageId>,
}

/// A problem being built.
struct Problem<'s, 'u, 'text> {
    solver: &'s Solver<'u, 'text>,
    /// Repositories that some root opens.
    repositories: u64,
    reached: Vec<bool>,
    pending: Vec<PackageId>,
    choices: Vec<Choice>,
    clauses: Clauses,
    built: usize,
}

/// Searches for a solution. The solver has applied the roots and decided nothing.
pub(super) fn search<'text>(solver: &Solver<'_, 'text>, world: &[World<'text>]) -> Outcome {
    let universe = solver.universe;
    let tags = world.iter().fold(1 << NO_TAG, |tags, root| tags | 1 << root.tag);
    let mut problem = Problem {
        solver,
        repositories: universe.repositories_of(tags),
        reached: vec![false; universe.packages.len()],
        pending: Vec::new(),
        choices: Vec::new(),
        clauses: Clauses::new(universe.packages.len()),
        built: 0,
    };
    for root in world {
        problem.demand(None, &root.demand);
    }
    while let Some(id) = problem.pending.pop() {
        for demand in universe.depends(id) {
            problem.demand(Some(id), demand);
        }
        if problem.built > MOST_LITERALS {
            return Outcome::GivenUp;
        }
    }
    problem.exclusions();
    if problem.built > MOST_LITERALS {
        return Outcome::GivenUp;
    }
    problem.decide()
}

impl<'text> Problem<'_, '_, 'text> {
    fn can_be_taken(&self, id: PackageId) -> bool {
        let universe = self.solver.universe;
        let entry = universe.entry(id);
        let there = universe.is_available(id) || entry.cached || entry.installed.is_some();
        let bare = entry.package.installed_size == 0;
        let opened = entry.repositories & self.repositories != 0 || entry.cached || entry.installed.is_some();
        !universe.unfit.contains_key(&id) && (there || bare) && (opened || bare)
    }

    fn add(&mut self, clause: Vec<Literal>) {
        self.built += clause.len();
        self.clauses.add(clause);
    }

    fn demand(&mut self, who: Option<PackageId>, demand: &Demand<'text>) {
        let universe = self.solver.universe;
        let unless = who.map(Literal::absent);
        if demand.conflict {
            for provider in universe.providers(demand.name) {
                if !universe.satisfies(who, demand, Some(*provider)) {
                    self.add(unless.into_iter().chain([Literal::absent(provider.package)]).collect());
                }
            }
            return;
        }
        let fits = |provider: &&Provider<'text>| {
            universe.satisfies(who, demand, Some(**provider)) && self.can_be_taken(provider.package)
        };
        let mut candidates: Vec<&Provider<'text>> =
            universe.providers(demand.name).iter().filter(fits).collect();
        candidates.sort_by(|left, right| {
            let freely = |provider: &Provider<'_>| self.solver.is_auto_selectable(provider);
            freely(right).cmp(&freely(left)).then_with(|| self.solver.compare(right, left))
        });
        let candidates: Vec<PackageId> = candidates.iter().map(|provider| provider.package).collect();
        for id in &candidates {
            if !std::mem::replace(&mut self.reached[*id as usize], true) {
                self.pending.push(*id);
            }
        }
        // Who satisfies its own demand needs nobody else.
        if who.is_none_or(|who| !candidates.contains(&who)) {
            let present = candidates.iter().map(|id| Literal::present(*id));
            self.add(unless.into_iter().chain(present).collect());
            self.choices.push(Choice { who, candidates });
        }
    }

    /// Names with a version have one owner.
    fn exclusions(&mut self) {
        let universe = self.solver.universe;
        for name in 0..universe.names.len() {
            let name = u32::try_from(name).expect("names have numbers of 32 bits");
            let is_reached = |provider: &&Provider<'_>| self.reached[provider.package as usize];
            let providers: Vec<&Provider<'_>> = universe.providers(name).iter().filter(is_reached).collect();
            for (at, left) in providers.iter().enumerate() {
                if self.built > MOST_LITERALS {
                    return;
                }
                for right in &providers[at + 1..] {
                    if left.version.is_some() || right.version.is_some() {
                        let mut clause = vec![Literal::absent(left.package), Literal::absent(right.package)];
                        clause.dedup();
                        self.add(clause);
                    }
                }
            }
        }
    }

    fn decide(mut self) -> Outcome {
        let mut looks = 0;
        loop {
            looks += self.choices.len();
            if looks > MOST_LOOKS {
                return Outcome::GivenUp;
            }
            match self.clauses.settle() {
                Settled::Quiet => {}
                Settled::Contradiction => return Outcome::Impossible,
                Settled::GivenUp => return Outcome::GivenUp,
            }
            let clauses = &self.clauses;
            let open = self.choices.iter().find(|choice| {
                choice.who.is_none_or(|who| clauses.is_present(who))
                    && !choice.candidates.iter().any(|id| clauses.is_present(*id))
            });
            let Some(choice) = open else { break };
            let next = choice.candidates.iter().copied().find(|id| clauses.is_open(*id));
            let next = next.expect("a demand without candidates left is a contradiction");
            self.clauses.suppose(next);
        }
        let reached = (0..).zip(&self.reached).filter(|(_, reached)| **reached).map(|(id, _)| id);
        Outcome::Found(reached.filter(|id| self.clauses.is_present(*id)).collect())
    }
}

/// The packages outside of a solution that could be taken in place of one of it: barring them leads the greedy
/// way to the solution.
pub(super) fn rivals(universe: &Universe<'_>, solution: &BTreeSet<PackageId>) -> BTreeSet<PackageId> {
    let mut rivals = BTreeSet::new();
    for id in solution {
        let own = std::iter::once(universe.entry(*id).name);
        for name in own.chain(universe.provides(*id).iter().map(|provided| provided.name)) {
            rivals.extend(universe.providers(name).iter().map(|provider| provider.package));
        }
    }
    rivals.retain(|id| !solution.contains(id));
    rivals
}

/// The packages outside of a solution that may install themselves.
pub(super) fn self_installing(
    universe: &Universe<'_>,
    solution: &BTreeSet<PackageId>,
) -> BTreeSet<PackageId> {
    let ids = (0..).zip(&universe.packages).map(|(id, _)| id);
    ids.filter(|id| !universe.install_if(*id).is_empty() && !solution.contains(id)).collect()
}
