//! Which packages a list of wishes comes down to, and why.
//!
//! [`solve`] chooses as apk-tools 3.0 does (`src/solver.c`), so that a lock holds what `apk add` would have
//! installed: pinned repositories by tag, the newest version of a name, `provider_priority` among those who
//! provide one, the earlier repository among equals; packages with `install_if` install themselves; `replaces` is about files
//! and plays no part. The result does not depend on the order of packages within an index.
//! apk-tools 2.14 chooses the same, but for packages whose `install_if` has a term with `!`: 3.0 installs them where 2.14
//! overlooks them.
//!
//! Where apk stops at a conflict although some combination would do, every combination is tried
//! ([`Effort::Complete`]); [`Solution::found_by`] says so. [`check`] looks at a solution anew.

mod build;
mod changes;
mod check;
mod choose;
mod discover;
mod explain;
mod flags;
mod names;
mod nearest;
mod propagate;
mod request;
mod search;
mod solution;
mod solver;
mod state;
mod universe;

use std::collections::{BTreeMap, BTreeSet};

pub use check::{Violation, check};
pub use explain::{Clash, Problem};
pub use flags::Flags;
pub use request::{BrokenRoots, Effort, Installed, Preference, Reach, Repository, Request, Root, Since};
pub use solution::{Change, ChangeKind, Chosen, FoundBy, Reason, Solution, Unsolvable};

use changes::changes;
use search::{Outcome, rivals, search, self_installing};
use solver::{Solver, World};
use state::State;
use universe::{NO_TAG, NameId, PackageId, Universe};

/// Chooses the packages that the roots of a request come down to.
///
/// # Errors
/// Every reason why there is no solution, or more repositories than can be told apart.
pub fn solve<'text>(request: &Request<'text>) -> Result<Solution<'text>, Unsolvable> {
    let universe = Universe::new(request)?;
    let mut world = world(&universe, request)?;
    let problem = Problems { universe: &universe, request, preferences: preferences(&universe, request) };
    let mut left_out = Vec::new();
    let mut attempt = problem.attempt(&world, &BTreeSet::new());
    while attempt.state.errors > 0 && request.broken_roots == BrokenRoots::LeftOut {
        let (out, kept): (Vec<_>, Vec<_>) = world.iter().copied().partition(|root| attempt.is_broken(root));
        if out.is_empty() {
            break;
        }
        left_out.extend(out.iter().map(|root| root.demand.text(&universe)));
        world = kept;
        attempt = problem.attempt(&world, &BTreeSet::new());
    }
    if attempt.state.errors == 0 {
        return Ok(solution::describe(&universe, &world, &attempt.changes, FoundBy::Apk, left_out));
    }
    let tried_in_full = request.effort == Effort::Complete && !wants_latest(request);
    let searched = if tried_in_full { problem.search(&world) } else { Err(Searched::NotTried) };
    match searched {
        Ok(found) => Ok(solution::describe(&universe, &world, &found.changes, FoundBy::Search, left_out)),
        Err(searched) => {
            let nothing = BTreeSet::new();
            let mut solver = Solver::new(&universe, request, &problem.preferences, &nothing);
            solver.state = attempt.state;
            let problems = explain::explain(&solver, &attempt.changes, &world);
            Err(Unsolvable::NoSolution { problems, searched })
        }
    }
}

/// What all attempts have in common.
struct Problems<'u, 'text> {
    universe: &'u Universe<'text>,
    request: &'u Request<'text>,
    preferences: BTreeMap<NameId, Preference>,
}

/// What one walk came to.
struct Attempt<'text> {
    state: State<'text>,
    changes: Vec<changes::Change>,
}

/// So many packages that install themselves and fit nothing are found out one by one; then all are barred.
const MOST_MISFITS: usize = 32;

impl<'text> Problems<'_, 'text> {
    fn attempt(&self, world: &[World<'text>], barred: &BTreeSet<PackageId>) -> Attempt<'text> {
        let mut solver = Solver::new(self.universe, self.request, &self.preferences, barred);
        solver.run(world);
        let changes = changes(&mut solver, world);
        Attempt { state: solver.state, changes }
    }

    /// Tries every combination, and walks again with those barred that do not belong to the one found.
    fn search(&self, world: &[World<'text>]) -> Result<Attempt<'text>, Searched> {
        let nothing = BTreeSet::new();
        let mut solver = Solver::new(self.universe, self.request, &self.preferences, &nothing);
        solver.prepare(world);
        let found = match search(&solver, world) {
            Outcome::Found(found) => found,
            Outcome::Impossible => return Err(Searched::Impossible),
            Outcome::GivenUp => return Err(Searched::GivenUp),
        };
        let mut barred = rivals(self.universe, &found);
        let self_installing = self_installing(self.universe, &found);
        for round in 0..=MOST_MISFITS {
            let attempt = self.attempt(world, &barred);
            if attempt.state.errors == 0 {
                return Ok(attempt);
            }
            let is_misfit =
                |id: &&PackageId| attempt.state.packages[**id as usize].error && !barred.contains(*id);
            let misfits: Vec<PackageId> = self_installing.iter().filter(is_misfit).copied().collect();
            if misfits.is_empty() || round + 1 == MOST_MISFITS {
                barred.extend(&self_installing);
            } else {
                barred.extend(misfits);
            }
        }
        Err(Searched::NotApks)
    }
}

impl<'text> Attempt<'text> {
    fn is_broken(&self, root: &World<'text>) -> bool {
        let chosen = self.state.names[root.demand.name as usize].chosen;
        chosen.is_none_or(|provider| self.state.packages[provider.package as usize].error)
    }
}

/// What a complete search said about a request that apk's way found no solution for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Searched {
    /// It was not asked for, or the newest versions were wanted whether they fit or not.
    NotTried,
    /// There is no solution.
    Impossible,
    /// There were too many combinations to try them all.
    GivenUp,
    /// A set of packages goes together, but by apk's rules some of them may not be taken unasked.
    NotApks,
}

/// Whether the newest versions are wanted even where they do not fit.
fn wants_latest(request: &Request<'_>) -> bool {
    let roots = request.roots.iter().map(|root| root.flags);
    let named = request.preferences.values().map(|preference| preference.own);
    roots.chain(named).chain([request.flags]).any(|flags| flags.contains(Flags::LATEST))
}

/// The preferences of roots and request by the number of the name.
fn preferences(universe: &Universe<'_>, request: &Request<'_>) -> BTreeMap<NameId, Preference> {
    let mut preferences: BTreeMap<NameId, Preference> = BTreeMap::new();
    let mut add = |name: &str, own: Flags, inherited: Flags| {
        if let Some(name) = universe.name(name) {
            let preference = preferences.entry(name).or_default();
            preference.own |= own;
            preference.inherited |= inherited;
        }
    };
    for (name, preference) in &request.preferences {
        add(name, preference.own, preference.inherited);
    }
    for root in request.roots.iter().filter(|root| root.flags != Flags::NONE || root.since == Since::Now) {
        add(root.dependency.name, root.flags, root.flags);
    }
    preferences
}

/// The roots as numbers, in the order in which they are applied.
fn world<'text>(
    universe: &Universe<'text>,
    request: &Request<'text>,
) -> Result<Vec<World<'text>>, Unsolvable> {
    let mut problems = Vec::new();
    let mut world = Vec::new();
    for root in &request.roots {
        let dependency = root.dependency;
        let tag = universe.tags.iter().position(|tag| tag.text == dependency.tag.unwrap_or(""));
        if tag.is_none() {
            let known = universe.tags.iter().filter(|tag| !tag.text.is_empty());
            problems.push(Problem::UnknownTag {
                root: dependency.to_string(),
                known: known.map(universe::Tag::text_with_at).collect(),
            });
        }
        let mut demand = universe.demand(&dependency);
        match file_owners(universe, request, demand.name)[..] {
            [] => {}
            [owner] => demand.name = owner,
            ref owners => problems.push(Problem::SeveralOwners {
                path: dependency.name.to_owned(),
                packages: owners.iter().map(|name| universe.names[*name as usize].to_owned()).collect(),
            }),
        }
        world.push(World { demand, tag: tag.unwrap_or(NO_TAG) });
    }
    world.sort_by(|left, right| {
        let text = |root: &World<'text>| universe.names[root.demand.name as usize];
        explain::display_order(text(left), text(right))
    });
    if problems.is_empty() {
        Ok(world)
    } else {
        Err(Unsolvable::NoSolution { problems, searched: Searched::NotTried })
    }
}

/// The packages that hold the file of a root, where no package provides it by name.
fn file_owners(universe: &Universe<'_>, request: &Request<'_>, name: NameId) -> Vec<NameId> {
    let text = universe.names[name as usize];
    if !text.starts_with('/') || !universe.providers(name).is_empty() {
        return Vec::new();
    }
    let owners = request.files.get(text).into_iter().flatten();
    let unique: BTreeSet<&str> = owners.copied().collect();
    unique.into_iter().filter_map(|owner| universe.name(owner)).collect()
}

#[cfg(test)]
mod tests;
