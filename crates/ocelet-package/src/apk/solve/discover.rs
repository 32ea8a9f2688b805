//! Finding what the roots may come to need: every name that can be reached, and the order to decide them in.
//!
//! The order is that of a walk in depth, so a name is decided before what it needs. The walk keeps its own stack: an index can
//! chain packages more deeply than a thread's stack reaches.

use super::Flags;
use super::solver::Solver;
use super::universe::{NO_TAG, NameId, PackageId};

/// Names that a preference was given for come before all others.
const PREFERRED: u32 = 1 << 31;
/// Names of packages come before names that are only provided.
const OF_A_PACKAGE: u32 = 1 << 30;

/// What is left to do in the walk.
enum Step {
    Name(NameId),
    Package(PackageId),
    Number(NameId),
}

impl Solver<'_, '_> {
    /// Walks from `name` to everything that it may come to need.
    pub(super) fn discover(&mut self, name: NameId) {
        let mut steps = vec![Step::Name(name)];
        while let Some(step) = steps.pop() {
            match step {
                Step::Name(name) => self.enter_name(name, &mut steps),
                Step::Package(id) => self.enter_package(id, &mut steps),
                Step::Number(name) => self.number(name, &mut steps),
            }
        }
    }

    fn enter_name(&mut self, name: NameId, steps: &mut Vec<Step>) {
        let universe = self.universe;
        if std::mem::replace(&mut self.state.name(name).seen, true) {
            return;
        }
        let providers = universe.providers(name);
        // The stack is emptied from its end: what is to come last goes on first.
        steps.push(Step::Number(name));
        for provider in providers.iter().rev() {
            for provided in universe.provides(provider.package).iter().rev() {
                self.push(provided.name, steps);
            }
            for installer in universe.installers(universe.entry(provider.package).name).iter().rev() {
                self.push(*installer, steps);
            }
        }
        for installer in universe.installers(name).iter().rev() {
            self.push(*installer, steps);
        }
        for provider in providers.iter().rev() {
            if !self.state.package(provider.package).seen {
                steps.push(Step::Package(provider.package));
            }
        }
        let hopeless = providers.iter().all(|provider| self.can_never_install_itself(provider.package));
        self.state.name(name).no_install_if = hopeless;
    }

    fn push(&mut self, name: NameId, steps: &mut Vec<Step>) {
        if !self.state.name(name).seen {
            steps.push(Step::Name(name));
        }
    }

    fn can_never_install_itself(&self, id: PackageId) -> bool {
        self.universe.install_if(id).is_empty()
            || (self.flags.contains(Flags::AVAILABLE) && !self.universe.is_available(id))
    }

    fn enter_package(&mut self, id: PackageId, steps: &mut Vec<Step>) {
        let universe = self.universe;
        if std::mem::replace(&mut self.state.package(id).seen, true) {
            return;
        }
        let entry = universe.entry(id);
        let available = universe.is_available(id);
        let installed = entry.installed.is_some();
        // A package without files has nothing to download.
        let bare = entry.package.installed_size == 0;
        let tag_preferred = bare || universe.repositories_for(id) & self.default_repositories != 0;
        let never = self.can_never_install_itself(id);
        let unfit = universe.unfit.contains_key(&id) || self.barred.contains(&id);
        let state = self.state.package(id);
        state.tags_allowed = 1 << NO_TAG;
        state.available = available;
        state.selectable = !unfit && (available || entry.cached || bare || installed);
        state.install_if_failed = never;
        state.tag_preferred = tag_preferred;
        state.tag_ok = tag_preferred || (entry.cached && entry.repositories == 0) || installed;
        for demand in universe.depends(id).iter().rev() {
            self.push(demand.name, steps);
        }
    }

    fn number(&mut self, name: NameId, steps: &mut Vec<Step>) {
        let universe = self.universe;
        let providers = universe.providers(name);
        let mut order = 0;
        if self.preferences.contains_key(&name) {
            order |= PREFERRED;
        }
        if providers.iter().any(|provider| universe.entry(provider.package).name == name) {
            order |= OF_A_PACKAGE;
        }
        self.discovered += 1;
        self.state.name(name).order = order | self.discovered;
        for provider in providers.iter().rev() {
            for demand in universe.install_if(provider.package).iter().rev() {
                self.push(demand.name, steps);
            }
        }
    }
}
