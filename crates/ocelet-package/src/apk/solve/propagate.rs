//! Drawing conclusions: what a demand rules out, what all candidates of a name have in common, and which
//! packages install themselves.

use super::solver::Solver;
use super::state::Changed;
use super::universe::{Demand, NameId, PackageId, Provider};

/// What a review of the candidates of a name found.
#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is an independent fact about the name")]
struct Review {
    first: Option<PackageId>,
    options: u32,
    tags_not_ok: bool,
    has_install_if: bool,
    no_install_if: bool,
    auto_selectable: bool,
}

impl<'text> Solver<'_, 'text> {
    /// Applies one demand of a package, or of the roots, to all who provide the name.
    pub(super) fn constrain(&mut self, who: Option<PackageId>, demand: &Demand<'text>) {
        if demand.conflict && self.ignore_conflict {
            return;
        }
        let universe = self.universe;
        if !demand.conflict {
            self.require(demand.name);
        }
        for provider in universe.providers(demand.name) {
            let satisfied = universe.satisfies(who, demand, Some(*provider));
            let state = self.state.package(provider.package);
            state.conflicts += u32::from(!satisfied);
            if state.selectable && state.conflicts > 0 {
                self.disqualify(provider.package);
            }
            if satisfied {
                self.inherit(provider.package, who);
            }
        }
    }

    fn require(&mut self, name: NameId) {
        self.state.name(name).requirers += 1;
        if self.state.name(name).requirers == 1 {
            self.state.queue_unresolved(name, Changed::No);
            self.review_installers(name);
            self.state.queue_dirty(name);
        }
    }

    /// Passes preferences and tags on from who asks to who answers.
    fn inherit(&mut self, id: PackageId, who: Option<PackageId>) {
        let repositories = self.universe.repositories_for(id);
        let (inherited, tags) = match who {
            Some(who) => {
                let asking = self.state.package(who);
                (asking.inherited_flags, asking.tags_allowed)
            }
            None => (self.root_flags, self.root_tags),
        };
        let opened = self.universe.repositories_of(self.root_tags);
        let state = self.state.package(id);
        state.flags |= inherited;
        state.inherited_flags |= inherited;
        state.tags_allowed |= tags;
        if who.is_none() {
            state.tag_preferred = repositories & opened != 0;
        }
        let allowed = self.universe.repositories_of(state.tags_allowed);
        state.tag_ok |= repositories & allowed != 0;
    }

    pub(super) fn review_dependents(&mut self, name: NameId) {
        for dependent in self.universe.dependents(name) {
            if self.state.name(*dependent).seen {
                self.state.name(*dependent).review_depends = true;
                self.state.queue_dirty(*dependent);
            }
        }
    }

    pub(super) fn review_installers(&mut self, name: NameId) {
        for installer in self.universe.installers(name) {
            let state = self.state.name(*installer);
            if state.seen && !state.no_install_if {
                state.review_install_if = true;
                self.state.queue_dirty(*installer);
            }
        }
    }

    pub(super) fn review_installers_of_package(&mut self, id: PackageId) {
        self.review_installers(self.universe.entry(id).name);
        for provided in self.universe.provides(id) {
            self.review_installers(provided.name);
        }
    }

    /// Rules a package out, for good.
    pub(super) fn disqualify(&mut self, id: PackageId) {
        self.state.package(id).selectable = false;
        self.review_dependents(self.universe.entry(id).name);
        for provided in self.universe.provides(id) {
            self.review_dependents(provided.name);
        }
        self.review_installers_of_package(id);
    }

    fn can_be_satisfied(&self, who: PackageId, demand: &Demand<'text>) -> bool {
        let universe = self.universe;
        if demand.conflict && self.ignore_conflict {
            return true;
        }
        let state = &self.state.names[demand.name as usize];
        if state.locked {
            return universe.satisfies(Some(who), demand, state.chosen);
        }
        if state.requirers == 0 && universe.satisfies(Some(who), demand, None) {
            return true;
        }
        universe.providers(demand.name).iter().any(|provider| {
            self.state.packages[provider.package as usize].selectable
                && universe.satisfies(Some(who), demand, Some(*provider))
        })
    }

    /// Whether a package may be taken although nothing asks for it by its own name: a name without version is
    /// no reason to prefer one provider, unless it says so itself.
    pub(super) fn is_auto_selectable(&self, provider: &Provider<'_>) -> bool {
        let entry = self.universe.entry(provider.package);
        provider.version.is_some()
            || entry.package.provider_priority > 0
            || self.state.names[entry.name as usize].requirers > 0
    }

    /// Looks again at the candidates of a name, and passes on what they have in common.
    pub(super) fn reconsider(&mut self, name: NameId) {
        let universe = self.universe;
        let review = self.review(name);
        let state = self.state.name(name);
        state.has_options = review.options > 1 || review.tags_not_ok;
        state.has_install_if = review.has_install_if;
        state.no_install_if = review.no_install_if;
        let before = std::mem::replace(&mut state.auto_selectable, review.auto_selectable);
        let changed = if before == review.auto_selectable { Changed::No } else { Changed::Yes };
        if let Some(first) = review.first {
            for provider in universe.providers(name) {
                let state = self.state.package(provider.package);
                state.depends_used = state.depends_merged;
            }
            self.pass_on_depends(first, review.options);
            self.pass_on_provides(name, first, review.options);
        }
        let names = &self.state.names;
        let open = |dependent: &NameId| {
            let state = &names[*dependent as usize];
            state.seen && !state.locked
        };
        let done = !universe.dependents(name).iter().any(open);
        self.state.name(name).dependents_done = done;
        self.state.queue_unresolved(name, changed);
    }

    fn review(&mut self, name: NameId) -> Review {
        let universe = self.universe;
        let state = self.state.name(name);
        let review_depends = std::mem::take(&mut state.review_depends);
        let review_install_if = std::mem::take(&mut state.review_install_if);
        let mut review = Review { no_install_if: true, ..Review::default() };
        for provider in universe.providers(name) {
            let id = provider.package;
            self.state.package(id).depends_merged = false;
            if review_depends && self.state.package(id).selectable {
                let hopeless = |demand: &Demand<'text>| !self.can_be_satisfied(id, demand);
                if universe.depends(id).iter().any(hopeless) {
                    self.disqualify(id);
                }
            }
            if !self.state.package(id).selectable {
                continue;
            }
            if review_install_if {
                self.review_conditions(id);
            }
            let state = self.state.package(id);
            review.has_install_if |= state.install_if_triggered;
            review.no_install_if &= state.install_if_failed;
            review.auto_selectable |= state.install_if_triggered;
            if self.state.name(name).requirers == 0 {
                continue;
            }
            review.first.get_or_insert(id);
            self.merge(provider, review.options);
            review.tags_not_ok |= !self.state.package(id).tag_ok;
            review.options += 1;
            review.auto_selectable = review.auto_selectable || self.is_auto_selectable(provider);
        }
        review
    }

    /// Finds out whether a package is to be installed by itself.
    fn review_conditions(&mut self, id: PackageId) {
        let universe = self.universe;
        let conditions = universe.install_if(id);
        let state = self.state.package(id);
        if !state.install_if_triggered && !state.install_if_failed {
            let mut triggered = true;
            for demand in conditions {
                let name = self.state.name(demand.name);
                if !name.locked {
                    if demand.conflict {
                        name.install_if_needed = true;
                        self.state.queue_unresolved(demand.name, Changed::No);
                    }
                    triggered = false;
                    break;
                }
                if !universe.satisfies(Some(id), demand, name.chosen) {
                    self.state.package(id).install_if_failed = true;
                    triggered = false;
                    break;
                }
            }
            self.state.package(id).install_if_triggered = triggered;
        }
        if self.state.package(id).install_if_triggered {
            for demand in conditions {
                let chosen = self.state.name(demand.name).chosen;
                self.inherit(id, chosen.map(|provider| provider.package));
            }
        }
    }

    /// Counts what a candidate has in common with the `before` candidates before it.
    fn merge(&mut self, provider: &Provider<'_>, before: u32) {
        let universe = self.universe;
        let id = provider.package;
        self.state.package(id).depends_merged = true;
        for demand in universe.depends(id).iter().filter(|demand| !demand.conflict) {
            let merged = &mut self.state.name(demand.name).merged_depends;
            if *merged == before {
                *merged += 1;
            }
        }
        let itself = (universe.entry(id).name, provider.version.is_none());
        let others = universe.provides(id).iter().map(|provided| (provided.name, provided.version.is_none()));
        for (name, is_virtual) in std::iter::once(itself).chain(others) {
            let state = self.state.name(name);
            if state.merged_provides == before {
                state.merged_provides += 1;
                state.merged_virtual |= is_virtual;
            }
        }
    }

    /// What every candidate needs is needed, whichever is taken.
    fn pass_on_depends(&mut self, first: PackageId, options: u32) {
        let universe = self.universe;
        for demand in universe.depends(first) {
            let common = std::mem::take(&mut self.state.name(demand.name).merged_depends) == options;
            if !common {
                continue;
            }
            if options == 1 {
                self.constrain(Some(first), demand);
            } else if self.state.name(demand.name).requirers == 0 {
                self.require(demand.name);
                for provider in universe.providers(demand.name) {
                    self.inherit(provider.package, Some(first));
                }
            }
        }
    }

    /// What every candidate provides will be provided: those who provide that but not `name` are out.
    fn pass_on_provides(&mut self, name: NameId, first: PackageId, options: u32) {
        let universe = self.universe;
        let own = universe.entry(first).name;
        let others = universe.provides(first).iter().map(|provided| provided.name);
        for provided in std::iter::once(own).chain(others.clone()) {
            let state = self.state.name(provided);
            let skip_virtual = state.merged_virtual;
            if std::mem::take(&mut state.merged_provides) == options {
                self.exclude(provided, name, skip_virtual);
            }
        }
        for provided in std::iter::once(own).chain(others) {
            self.state.name(provided).merged_virtual = false;
        }
    }

    fn exclude(&mut self, name: NameId, must_provide: NameId, skip_virtual: bool) {
        let universe = self.universe;
        if name == must_provide || self.ignore_conflict {
            return;
        }
        for provider in universe.providers(name) {
            let id = provider.package;
            let spared = universe.entry(id).name == must_provide
                || !self.state.package(id).selectable
                || (skip_virtual && provider.version.is_none())
                || universe.provides(id).iter().any(|provided| {
                    provided.name == must_provide || (skip_virtual && provided.version.is_none())
                });
            if !spared {
                self.disqualify(id);
            }
        }
    }
}
