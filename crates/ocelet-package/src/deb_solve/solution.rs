//! [`Solution`]: what was chosen and why; [`Unsolvable`]: why nothing was.

use std::collections::{BTreeMap, BTreeSet};

use super::explain::Problem;
use super::greedy::Wish;
use super::request::{Root, group_text};
use super::universe::{EntryId, Universe};
use crate::deb::{Package, Relation, RelationKind};

/// The packages that the roots come down to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Solution<'text> {
    /// The packages: what a package needs comes before it, but for circles.
    pub packages: Vec<Chosen<'text>>,
    /// Whether apt would choose the same.
    pub found_by: FoundBy,
}

/// Who finds a solution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FoundBy {
    /// apt's first way led to it.
    Apt,
    /// apt's first way ends in a conflict; this was found by trying other combinations. What apt's problem resolver
    /// makes of such a conflict may be something else, or nothing.
    Search,
}

/// One package of a solution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chosen<'text> {
    /// The package.
    pub package: Package<'text>,
    /// The index that it was taken from, by its place in the request.
    pub index: usize,
    /// Who asked for it, roots first; never empty.
    pub reasons: Vec<Reason>,
}

/// Why a package was chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// A root asks for it.
    Root {
        /// The root.
        wish: String,
    },
    /// Another package needs it.
    Needed {
        /// Name and version of that package.
        by: String,
        /// The field in which it says so.
        kind: RelationKind,
        /// How it says so, with all alternatives.
        relation: String,
    },
}

/// Why there is no solution.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unable to choose packages:\n{}{}", problems.iter().map(|problem| format!("  {problem}")).collect::<Vec<_>>().join("\n"), if *given_up { "\n  (not all combinations of versions were tried: there are too many)" } else { "" })]
pub struct Unsolvable {
    /// What speaks against the wishes.
    pub problems: Vec<Problem>,
    /// Whether the search was given up before every combination was tried.
    pub given_up: bool,
}

/// What the roots need out of a set that goes together, each package behind those that it needs.
pub(super) fn order<'text>(
    universe: &Universe<'text>,
    wishes: &[Wish<'_, 'text>],
    found: &BTreeSet<EntryId>,
    recommends: bool,
) -> Vec<EntryId> {
    /// A package that is to be visited, or whose needs have been.
    enum Visit {
        Enter(EntryId),
        Leave(EntryId),
    }
    let there = |alternatives: &[Relation<'text>]| {
        let mut answers: Vec<EntryId> =
            alternatives.iter().flat_map(|relation| universe.answers(relation)).collect();
        answers.retain(|id| found.contains(id));
        answers
    };
    let roots = wishes.iter().flat_map(|wish| match wish.fixed {
        Some(fixed) if found.contains(&fixed) => vec![fixed],
        _ => there(wish.alternatives),
    });
    let mut stack: Vec<Visit> = roots.map(Visit::Enter).collect();
    stack.reverse();
    let (mut entered, mut order) = (BTreeSet::new(), Vec::new());
    while let Some(visit) = stack.pop() {
        match visit {
            Visit::Leave(id) => order.push(id),
            Visit::Enter(id) if !entered.insert(id) => {}
            Visit::Enter(id) => {
                stack.push(Visit::Leave(id));
                let demands = universe.demands(id).iter();
                let counting = demands.filter(|each| recommends || each.kind != RelationKind::Recommends);
                let needed: Vec<EntryId> = counting.flat_map(|each| there(&each.alternatives)).collect();
                stack.extend(needed.into_iter().rev().map(Visit::Enter));
            }
        }
    }
    order
}

/// Puts what was found into words.
pub(super) fn describe<'text>(
    universe: &Universe<'text>,
    roots: &[Root<'text>],
    found: &[EntryId],
    found_by: FoundBy,
) -> Solution<'text> {
    let mut reasons: BTreeMap<EntryId, Vec<Reason>> = found.iter().map(|id| (*id, Vec::new())).collect();
    let mut give =
        |alternatives: &[Relation<'text>], asking: Option<EntryId>, reason: &dyn Fn() -> Reason| {
            let answers: BTreeSet<EntryId> =
                alternatives.iter().flat_map(|relation| universe.answers(relation)).collect();
            for id in answers.into_iter().filter(|id| Some(*id) != asking) {
                if let Some(reasons) = reasons.get_mut(&id) {
                    reasons.push(reason());
                }
            }
        };
    for root in roots {
        give(root.alternatives(), None, &|| Reason::Root { wish: root.to_string() });
    }
    for id in found {
        for demand in universe.demands(*id) {
            let reason = || Reason::Needed {
                by: universe.label(*id),
                kind: demand.kind,
                relation: group_text(&demand.alternatives),
            };
            give(&demand.alternatives, Some(*id), &reason);
        }
    }
    let packages = found.iter().map(|id| {
        let entry = universe.entry(*id);
        let reasons = reasons.remove(id).unwrap_or_default();
        Chosen { package: *entry.package(), index: entry.index, reasons }
    });
    Solution { packages: packages.collect(), found_by }
}
