//! From decisions to changes: what is installed, replaced and removed, in the order in which it has to happen.
//!
//! A package comes after what it needs, and what it replaces goes before it comes. The order is that of apk
//! (`generate_changeset` in `src/solver.c` of apk-tools 3.0), which walks in depth; here the walk keeps its own stack.

use super::Flags;
use super::solver::{Solver, World};
use super::universe::{Demand, NO_TAG, NameId, PackageId};

/// One change of what is installed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) old: Option<PackageId>,
    pub(super) new: Option<PackageId>,
    pub(super) old_tag: usize,
    pub(super) new_tag: usize,
    pub(super) reinstall: bool,
}

/// What is known of a name while the changes are ordered.
#[derive(Debug, Clone, Default)]
struct NameMark {
    installed: Option<PackageId>,
    /// The name whose installed package provides this one.
    owner: Option<NameId>,
    requirers: u32,
    processed: bool,
    removed: bool,
}

/// What is left to do in the walk.
#[derive(Debug, Clone, Copy)]
enum Step<'text> {
    Demand(Option<PackageId>, Demand<'text>),
    AfterDemand(Option<PackageId>, Option<PackageId>),
    Change(NameId),
    ChangePackage(NameId),
    Prepare(NameId),
    Record(Option<PackageId>, PackageId),
    MayInstallItself(NameId),
    MayRemoveItself(NameId),
    Added(PackageId),
    Released(PackageId, usize),
    Remove(PackageId),
    RecordRemoval(PackageId),
}

/// The walk.
struct Walk<'s, 'u, 'text> {
    solver: &'s mut Solver<'u, 'text>,
    names: Vec<NameMark>,
    in_changes: Vec<bool>,
    changes: Vec<Change>,
    steps: Vec<Step<'text>>,
}

/// Orders the changes that the decisions of a solver come down to; notes what is wrong with them.
pub(super) fn changes<'text>(solver: &mut Solver<'_, 'text>, world: &[World<'text>]) -> Vec<Change> {
    let universe = solver.universe;
    let names = vec![NameMark::default(); universe.names.len()];
    let in_changes = vec![false; universe.packages.len()];
    let mut walk = Walk { solver, names, in_changes, changes: Vec::new(), steps: Vec::new() };
    for id in &universe.installed {
        let name = universe.entry(*id).name;
        walk.mark(name).installed = Some(*id);
        walk.mark(name).owner = Some(name);
        for provided in universe.provides(*id).iter().filter(|provided| provided.version.is_some()) {
            walk.mark(provided.name).owner = Some(name);
        }
    }
    for id in &universe.installed {
        walk.added(*id);
    }
    for id in &universe.installed {
        walk.remove_if_orphaned(*id);
        walk.finish();
    }
    for root in world {
        walk.steps.push(Step::Demand(None, root.demand));
        walk.finish();
    }
    for id in &universe.installed {
        walk.steps.push(Step::Change(universe.entry(*id).name));
        walk.finish();
    }
    walk.changes
}

impl<'text> Walk<'_, '_, 'text> {
    fn mark(&mut self, name: NameId) -> &mut NameMark {
        &mut self.names[name as usize]
    }

    fn chosen(&mut self, name: NameId) -> Option<PackageId> {
        self.solver.state.name(name).chosen.map(|provider| provider.package)
    }

    fn finish(&mut self) {
        while let Some(step) = self.steps.pop() {
            match step {
                Step::Demand(who, demand) => self.demand(who, &demand),
                Step::AfterDemand(who, answer) => {
                    if answer.is_some_and(|answer| self.solver.state.package(answer).error) {
                        self.solver.state.mark_error(who);
                    }
                }
                Step::Change(name) => {
                    if !self.mark(name).processed {
                        self.steps.push(Step::ChangePackage(name));
                        self.steps.push(Step::Prepare(name));
                    }
                }
                Step::ChangePackage(name) => self.change_package(name),
                Step::Prepare(name) => self.prepare(name),
                Step::Record(old, new) => self.record(old, Some(new)),
                Step::MayInstallItself(name) => self.may_install_itself(name),
                Step::MayRemoveItself(name) => self.may_remove_itself(name),
                Step::Added(id) => self.added(id),
                Step::Released(id, from) => self.released(id, from),
                Step::Remove(id) => self.remove(id),
                Step::RecordRemoval(id) => self.record(Some(id), None),
            }
        }
    }

    fn demand(&mut self, who: Option<PackageId>, demand: &Demand<'text>) {
        if demand.conflict && self.solver.ignore_conflict {
            return;
        }
        let answer = self.solver.state.name(demand.name).chosen;
        if !self.solver.universe.satisfies(who, demand, answer) {
            self.solver.state.mark_error(who);
            if who.is_none() {
                self.solver.state.errors += 1;
            }
        }
        self.steps.push(Step::AfterDemand(who, answer.map(|provider| provider.package)));
        self.steps.push(Step::Change(demand.name));
    }

    fn change_package(&mut self, name: NameId) {
        let universe = self.solver.universe;
        let Some(id) = self.chosen(name) else { return };
        if std::mem::replace(&mut self.in_changes[id as usize], true) {
            return;
        }
        let own = universe.entry(id).name;
        let old = self.mark(own).installed;
        // The stack is emptied from its end: what is to come last goes on first.
        if let Some(old) = old {
            self.steps.push(Step::Released(old, 0));
        }
        self.steps.push(Step::Added(id));
        self.push_installers(id, Step::MayInstallItself);
        self.steps.push(Step::Record(old, id));
        for demand in universe.depends(id).iter().rev() {
            self.steps.push(Step::Demand(Some(id), *demand));
        }
        if let Some(old) = old {
            self.push_installers(old, Step::MayRemoveItself);
        }
        for provided in universe.provides(id).iter().rev() {
            self.steps.push(Step::Prepare(provided.name));
        }
        self.steps.push(Step::Prepare(own));
    }

    fn push_installers(&mut self, id: PackageId, step: fn(NameId) -> Step<'text>) {
        let universe = self.solver.universe;
        let own = std::iter::once(universe.entry(id).name);
        let names: Vec<NameId> =
            own.chain(universe.provides(id).iter().map(|provided| provided.name)).collect();
        for name in names.into_iter().rev() {
            self.steps.extend(universe.installers(name).iter().rev().map(|installer| step(*installer)));
        }
    }

    /// Removes what provided a name and does so no longer.
    fn prepare(&mut self, name: NameId) {
        let universe = self.solver.universe;
        if std::mem::replace(&mut self.mark(name).processed, true) {
            return;
        }
        let mut going = Vec::new();
        if let Some(installed) = self.mark(name).installed {
            let stays = self.chosen(name).is_some_and(|chosen| universe.entry(chosen).name == name);
            if !stays {
                going.push(installed);
            }
        }
        for provider in universe.providers(name) {
            let own = universe.entry(provider.package).name;
            if self.mark(own).installed == Some(provider.package) && self.chosen(own).is_none() {
                going.push(provider.package);
            }
        }
        self.steps.extend(going.into_iter().rev().map(Step::Remove));
    }

    fn may_install_itself(&mut self, name: NameId) {
        let universe = self.solver.universe;
        let Some(id) = self.chosen(name) else { return };
        if !self.solver.state.name(name).seen || self.mark(name).processed {
            return;
        }
        for demand in universe.install_if(id) {
            let answer = self.solver.state.name(demand.name).chosen;
            let waits = !demand.conflict && !self.mark(demand.name).processed;
            if waits || !universe.satisfies(Some(id), demand, answer) {
                return;
            }
        }
        self.steps.push(Step::Change(name));
    }

    fn may_remove_itself(&mut self, name: NameId) {
        let universe = self.solver.universe;
        let mark = self.mark(name);
        let (Some(id), false) = (mark.installed, mark.processed || mark.removed) else { return };
        if self.chosen(name).is_some() {
            return;
        }
        for demand in universe.install_if(id) {
            if self.mark(demand.name).removed && self.chosen(demand.name).is_none() {
                return self.remove_if_orphaned(id);
            }
        }
    }

    fn remove_if_orphaned(&mut self, id: PackageId) {
        let name = self.solver.universe.entry(id).name;
        if self.mark(name).requirers == 0 && self.chosen(name).is_none() {
            self.steps.push(Step::Remove(id));
        }
    }

    fn added(&mut self, id: PackageId) {
        for demand in self.solver.universe.depends(id).iter().filter(|demand| !demand.conflict) {
            if let Some(owner) = self.mark(demand.name).owner {
                let requirers = &mut self.mark(owner).requirers;
                *requirers = requirers.wrapping_add(1);
            }
        }
    }

    /// Takes back what a package demanded, from its demand number `from` on.
    fn released(&mut self, id: PackageId, from: usize) {
        let universe = self.solver.universe;
        for (at, demand) in universe.depends(id).iter().enumerate().skip(from) {
            if demand.conflict {
                continue;
            }
            let Some(owner) = self.mark(demand.name).owner else { continue };
            let requirers = &mut self.mark(owner).requirers;
            *requirers = requirers.wrapping_sub(1);
            if *requirers > 0 {
                continue;
            }
            if let Some(orphan) = self.mark(demand.name).installed {
                self.steps.push(Step::Released(id, at + 1));
                self.steps.push(Step::Remove(orphan));
                return;
            }
        }
    }

    fn remove(&mut self, id: PackageId) {
        let universe = self.solver.universe;
        let name = universe.entry(id).name;
        let stays = self.chosen(name).is_some_and(|chosen| universe.entry(chosen).name == name);
        if self.in_changes[id as usize] || stays {
            return;
        }
        self.mark(name).removed = true;
        self.in_changes[id as usize] = true;
        self.steps.push(Step::Released(id, 0));
        self.steps.push(Step::RecordRemoval(id));
        self.push_installers(id, Step::MayRemoveItself);
        let users = installed_users(self.solver, id);
        self.steps.extend(users.into_iter().rev().map(Step::Remove));
    }

    fn record(&mut self, old: Option<PackageId>, new: Option<PackageId>) {
        let universe = self.solver.universe;
        let new_tag = new.map_or(NO_TAG, |id| self.tag_of(id));
        let reinstall = new.is_some_and(|id| self.solver.state.package(id).flags.contains(Flags::REINSTALL));
        let old_tag = old.and_then(|id| universe.entry(id).installed).unwrap_or(NO_TAG);
        self.changes.push(Change { old, new, old_tag, new_tag, reinstall });
    }

    /// The first tag that is allowed for a package and opens a repository that has it.
    fn tag_of(&mut self, id: PackageId) -> usize {
        let universe = self.solver.universe;
        let allowed = self.solver.state.package(id).tags_allowed;
        let repositories = universe.repositories_for(id);
        let fits = |(at, tag): (usize, &super::universe::Tag<'_>)| {
            (allowed & 1 << at != 0 && tag.repositories & repositories != 0).then_some(at)
        };
        universe.tags.iter().enumerate().find_map(fits).unwrap_or(NO_TAG)
    }
}

/// The installed packages that need what `id` is or provides.
fn installed_users(solver: &Solver<'_, '_>, id: PackageId) -> Vec<PackageId> {
    let universe = solver.universe;
    let own = std::iter::once(universe.entry(id).name);
    let names = own.chain(universe.provides(id).iter().map(|provided| provided.name));
    let mut users = Vec::new();
    for dependent in names.flat_map(|name| universe.dependents(name)) {
        for provider in universe.providers(*dependent) {
            let user = provider.package;
            let is_installed = universe.entry(user).installed.is_some();
            let needs = |demand: &Demand<'_>| {
                universe.relation(Some(user), demand, id) == super::universe::Relation::Satisfies
            };
            if is_installed && universe.depends(user).iter().any(needs) {
                users.push(user);
            }
        }
    }
    users
}
