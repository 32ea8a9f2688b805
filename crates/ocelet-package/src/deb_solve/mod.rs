//! Which Debian packages a list of wishes comes down to, and why.
//!
//! [`solve`] chooses as `apt-get --no-install-recommends install` of apt 2.6 does on a root without packages: of each name
//! the newest version of the highest priority, of alternatives the first one that works out, of several who provide
//! a name the one of the higher `Priority`. Essential packages are not added by themselves, as apt does not add them
//! either: what is not asked for and not needed is not there. Where apt's way ends in a conflict, every combination is tried;
//! [`Solution::found_by`] says so. `Replaces` is about files and plays no part.
//!
//! By Debian policy chapter 7: `Depends` and `Pre-Depends` with alternatives, versions and qualifiers of architecture;
//! `Provides`, of which one without a version meets no relation with one (7.5); `Conflicts` and `Breaks`, which count
//! for provided names too, but never for the package itself. There is one architecture, so that of `Multi-Arch` only
//! `allowed` matters, for `:any`.
//!
//! Nothing depends on the order of packages within an index. A package with a version that is none, or with
//! needs or exclusions that cannot be read, is never taken; a name that cannot be read is not provided.
//! [`check`] looks at a solution anew.

mod check;
mod explain;
mod greedy;
mod head;
mod request;
mod search;
mod solution;
mod universe;

use std::collections::BTreeSet;

pub use check::{Violation, check};
pub use explain::{Problem, Step};
pub use request::{DEFAULT_PRIORITY, Listed, Pin, Request, Root, RootError, RootFault};
pub use solution::{Chosen, FoundBy, Reason, Solution, Unsolvable};

use greedy::{Wish, greedy};
use search::{Outcome, search};
use universe::Universe;

/// Chooses the packages that the roots of a request come down to.
///
/// # Errors
/// Why there is no solution.
pub fn solve<'text>(request: &Request<'text>) -> Result<Solution<'text>, Unsolvable> {
    let universe = Universe::new(request);
    let (wishes, problems) = wishes(&universe, &request.roots);
    if !problems.is_empty() {
        return Err(Unsolvable { problems, given_up: false });
    }
    if let Some(found) = greedy(&universe, &wishes, request.recommends) {
        let found = solution::order(&universe, &wishes, &found, request.recommends);
        return Ok(solution::describe(&universe, &request.roots, &found, FoundBy::Apt));
    }
    match search(&universe, &wishes, request.recommends) {
        Outcome::Found(found) => {
            let found = solution::order(&universe, &wishes, &found, request.recommends);
            Ok(solution::describe(&universe, &request.roots, &found, FoundBy::Search))
        }
        Outcome::Impossible => {
            let culprits = culprits(&universe, &wishes);
            let wishes = culprits.iter().map(|at| &wishes[*at]).collect::<Vec<_>>();
            Err(Unsolvable { problems: explain::explain(&universe, &wishes), given_up: false })
        }
        Outcome::GivenUp => {
            let wishes = wishes.iter().collect::<Vec<_>>();
            Err(Unsolvable { problems: explain::explain(&universe, &wishes), given_up: true })
        }
    }
}

/// The roots with what they come down to, and those that come down to nothing or to several packages.
fn wishes<'r, 'text>(
    universe: &Universe<'text>,
    roots: &'r [Root<'text>],
) -> (Vec<Wish<'r, 'text>>, Vec<Problem>) {
    let (mut wishes, mut open, mut problems) = (Vec::new(), Vec::new(), Vec::new());
    for root in roots {
        let alternatives = root.alternatives();
        let answers = search::answers(universe, alternatives);
        if answers.is_empty() {
            problems.extend(explain::missing(universe, alternatives, &[Step::root(root)]));
            continue;
        }
        let mut wish = Wish { alternatives, fixed: None };
        if let [relation] = alternatives {
            let own = answers.iter().find(|id| universe.entry(**id).head.name == relation.name);
            let names: BTreeSet<u32> = answers.iter().map(|id| universe.entry(*id).name).collect();
            wish.fixed = own.or(answers.first().filter(|_| names.len() == 1)).copied();
            if wish.fixed.is_none() {
                open.push((relation.name, answers));
            }
        }
        wishes.push(wish);
    }
    for (name, answers) in open {
        // apt as well takes a name for met where a package that meets it is asked for besides.
        let met = wishes.iter().filter_map(|wish| wish.fixed).any(|fixed| answers.contains(&fixed));
        if !met {
            let names: BTreeSet<&str> = answers.iter().map(|id| universe.entry(*id).head.name).collect();
            let provided_by = names.into_iter().map(str::to_owned).collect();
            problems.push(Problem::Undecided { name: name.to_owned(), provided_by });
        }
    }
    (wishes, problems)
}

/// More roots than these are not told apart where they contradict each other.
const MOST_CULPRITS: usize = 64;

/// Roots that cannot be met together, none of which can be spared for that.
fn culprits<'text>(universe: &Universe<'text>, wishes: &[Wish<'_, 'text>]) -> Vec<usize> {
    let mut kept: Vec<usize> = (0..wishes.len()).collect();
    if wishes.len() > MOST_CULPRITS {
        return kept;
    }
    for at in 0..wishes.len() {
        let others: Vec<usize> = kept.iter().copied().filter(|other| *other != at).collect();
        let tried: Vec<Wish<'_, 'text>> = others.iter().map(|at| wishes[*at]).collect();
        if search(universe, &tried, false) == Outcome::Impossible {
            kept = others;
        }
    }
    kept
}

#[cfg(test)]
mod tests;
