//! [`Solver`]: one attempt to choose packages, the way apk does it.
//!
//! Names are decided one by one and never undecided. After each decision every conclusion is drawn, so most names
//! have one candidate left by the time they are decided. Where this greedy walk ends in a
//! conflict although there is a solution, `search` finds it and this walk is made again with
//! the packages barred that led it astray.

use std::collections::{BTreeMap, BTreeSet};

use super::Flags;
use super::request::{Preference, Request};
use super::state::State;
use super::universe::{Demand, NO_TAG, NameId, PackageId, Universe};

/// One attempt.
#[derive(Debug)]
pub(super) struct Solver<'u, 'text> {
    pub(super) universe: &'u Universe<'text>,
    pub(super) state: State<'text>,
    /// Preferences for everything.
    pub(super) flags: Flags,
    pub(super) preferences: &'u BTreeMap<NameId, Preference>,
    pub(super) ignore_conflict: bool,
    pub(super) preupgrade: bool,
    /// Packages that may not be taken.
    pub(super) barred: &'u BTreeSet<PackageId>,
    /// The repositories without tag.
    pub(super) default_repositories: u64,
    /// What a root passes on, while the roots are applied.
    pub(super) root_flags: Flags,
    pub(super) root_tags: u64,
    pub(super) discovered: u32,
}

/// A root with its number and tag.
#[derive(Debug, Clone, Copy)]
pub(super) struct World<'text> {
    pub(super) demand: Demand<'text>,
    pub(super) tag: usize,
}

impl<'u, 'text> Solver<'u, 'text> {
    pub(super) fn new(
        universe: &'u Universe<'text>,
        request: &Request<'text>,
        preferences: &'u BTreeMap<NameId, Preference>,
        barred: &'u BTreeSet<PackageId>,
    ) -> Self {
        let mut state = State::new(universe.names.len(), universe.packages.len());
        for (name, preference) in preferences {
            for provider in universe.providers(*name) {
                let package = state.package(provider.package);
                package.flags |= preference.own;
                package.inherited_flags |= preference.inherited;
            }
        }
        Self {
            universe,
            state,
            flags: request.flags,
            preferences,
            ignore_conflict: request.flags.contains(Flags::IGNORE_CONFLICT),
            preupgrade: request.preupgrade,
            barred,
            default_repositories: universe.repositories_of(1 << NO_TAG),
            root_flags: Flags::NONE,
            root_tags: 0,
            discovered: 0,
        }
    }

    /// Finds what the roots may come to need, and applies them.
    pub(super) fn prepare(&mut self, world: &[World<'text>]) {
        for root in world {
            self.discover(root.demand.name);
        }
        self.root_flags = self.flags;
        for root in world {
            self.root_tags = 1 << root.tag;
            self.constrain(None, &root.demand);
        }
        self.root_flags = Flags::NONE;
        self.root_tags = 0;
    }

    /// Decides every name that the roots come to need.
    pub(super) fn run(&mut self, world: &[World<'text>]) {
        self.prepare(world);
        loop {
            while let Some(name) = self.state.next_dirty() {
                self.reconsider(name);
            }
            match self.state.next_unresolved() {
                Some(name) => self.select(name),
                None => break,
            }
        }
    }
}
