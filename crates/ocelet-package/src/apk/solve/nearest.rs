//! Names for people: those spelled nearly like an unknown one, and the way from a root to a package.

use std::collections::VecDeque;

use super::explain::Search;
use super::universe::{Demand, PackageId, Relation, Universe};
use crate::spelling::edits;

/// No more names than these are proposed.
const MOST_NAMES: usize = 3;
/// No name is proposed that differs in more characters than this.
const MOST_EDITS: usize = 3;

/// The existing names that are spelled most like `name`, the nearest first.
pub(super) fn nearest_names(universe: &Universe<'_>, name: &str) -> Vec<String> {
    let (prefix, bare) =
        name.split_once(':').map_or(("", name), |(_, bare)| (&name[..name.len() - bare.len()], bare));
    let most = MOST_EDITS.min(1 + bare.chars().count() / 4);
    let mut found: Vec<(usize, &str)> = Vec::new();
    for (number, candidate) in (0..).zip(&universe.names) {
        if universe.providers(number).is_empty() || *candidate == name {
            continue;
        }
        // The same command or library under another prefix is as near as can be.
        let distance = match candidate.split_once(':') {
            Some((_, other)) if other == bare => Some(0),
            None if *candidate == bare => Some(0),
            Some((_, other)) if candidate.starts_with(prefix) && !prefix.is_empty() => {
                edits(bare, other, most)
            }
            None if prefix.is_empty() => edits(bare, candidate, most),
            _ => None,
        };
        found.extend(distance.map(|distance| (distance, *candidate)));
    }
    found.sort_unstable();
    found.into_iter().take(MOST_NAMES).map(|(_, name)| name.to_owned()).collect()
}

impl<'text> Search<'_, '_, 'text> {
    /// The shortest way from a root to `id`, as the demands along it.
    pub(super) fn chain(&self, id: PackageId) -> Vec<String> {
        let universe = self.solver.universe;
        let mut reached: Vec<Option<(Option<PackageId>, Demand<'text>)>> =
            vec![None; universe.packages.len()];
        let mut queue = VecDeque::new();
        let roots = self.world.iter().map(|root| (None, root.demand));
        let mut pending: Vec<(Option<PackageId>, Demand<'text>)> = roots.collect();
        loop {
            for (who, demand) in pending.drain(..).filter(|(_, demand)| !demand.conflict) {
                for provider in universe.providers(demand.name) {
                    let at = provider.package as usize;
                    let answers = universe.relation(who, &demand, provider.package) != Relation::None;
                    if self.marked[at] && answers && reached[at].is_none() {
                        reached[at] = Some((who, demand));
                        queue.push_back(provider.package);
                    }
                }
            }
            let Some(next) = queue.pop_front() else { break };
            pending.extend(universe.depends(next).iter().map(|demand| (Some(next), *demand)));
        }
        let mut chain = Vec::new();
        let mut at = Some(id);
        while let Some((who, demand)) = at.and_then(|id| reached[id as usize]) {
            chain.push(match who {
                Some(who) => self.demand_text(who, &demand),
                None => self.roots_text(&demand),
            });
            at = who;
        }
        chain.reverse();
        chain
    }

    fn roots_text(&self, demand: &Demand<'_>) -> String {
        let same = |root: &&super::solver::World<'_>| {
            root.demand.name == demand.name && root.demand.version == demand.version
        };
        self.world.iter().find(same).map_or(String::new(), |root| self.root_text(root))
    }
}
