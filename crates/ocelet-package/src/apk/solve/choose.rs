//! Deciding names: which of several candidates is the better one, and what a decision brings with it.

use std::cmp::Ordering;

use super::Flags;
use super::solver::Solver;
use super::universe::{NO_TAG, NameId, PackageId, Provider};
use crate::apk::version::compare_versions;

impl<'text> Solver<'_, 'text> {
    /// Decides one name, for the best candidate or for none.
    pub(super) fn select(&mut self, name: NameId) {
        let universe = self.universe;
        let state = self.state.name(name);
        let required = state.requirers > 0;
        let mut chosen: Option<Provider<'text>> = None;
        if required || state.has_install_if {
            for provider in universe.providers(name) {
                let state = self.state.package(provider.package);
                let itself = state.install_if_triggered && state.tag_ok && state.selectable;
                if (!required && !itself) || !self.is_auto_selectable(provider) {
                    continue;
                }
                if chosen.is_none_or(|best| self.compare(provider, &best) == Ordering::Greater) {
                    chosen = Some(*provider);
                }
            }
        }
        if let Some(provider) = chosen {
            self.take(provider.package);
        } else {
            self.assign(name, None);
            if required {
                self.state.errors += 1;
            }
        }
    }

    fn take(&mut self, id: PackageId) {
        let universe = self.universe;
        let state = self.state.package(id);
        if !state.selectable || !state.tag_ok {
            self.state.mark_error(Some(id));
        }
        let entry = universe.entry(id);
        self.assign(entry.name, Some(Provider { package: id, version: Some(entry.package.version) }));
        for provided in universe.provides(id) {
            self.assign(provided.name, Some(Provider { package: id, version: provided.version }));
        }
        for demand in universe.depends(id) {
            self.constrain(Some(id), demand);
        }
    }

    /// Decides that `name` is provided by `chosen`, or by nothing.
    fn assign(&mut self, name: NameId, chosen: Option<Provider<'text>>) {
        let universe = self.universe;
        let is_virtual =
            |chosen: Option<Provider<'_>>| chosen.is_none_or(|provider| provider.version.is_none());
        let state = self.state.name(name);
        if state.locked {
            let before = state.chosen;
            // Names without version are shared; with a version they have one owner.
            let shared = is_virtual(chosen) && is_virtual(before);
            if !shared && !self.ignore_conflict {
                self.state.mark_error(chosen.map(|provider| provider.package));
                self.state.mark_error(before.map(|provider| provider.package));
            }
            return;
        }
        state.locked = true;
        state.chosen = chosen;
        state.dirty = false;
        let required = state.requirers > 0;
        self.state.unlist(name);
        if let Some(provider) = chosen
            && !required
            && self.state.package(provider.package).install_if_triggered
        {
            for demand in universe.install_if(provider.package) {
                if !self.state.name(demand.name).locked {
                    self.constrain(Some(provider.package), demand);
                }
            }
        }
        if !self.ignore_conflict {
            for other in universe.providers(name) {
                let same = chosen.is_some_and(|provider| provider.package == other.package);
                let shared = is_virtual(chosen) && other.version.is_none();
                if !same && !shared {
                    self.disqualify(other.package);
                }
            }
        }
        self.review_dependents(name);
        match chosen {
            Some(provider) => self.review_installers_of_package(provider.package),
            None => self.review_installers(name),
        }
    }

    /// Which of two candidates for one name is the better one.
    pub(super) fn compare(&self, left: &Provider<'_>, right: &Provider<'_>) -> Ordering {
        let (a, b) =
            (&self.state.packages[left.package as usize], &self.state.packages[right.package as usize]);
        let flags = a.flags | b.flags;
        let only_default = 1 << NO_TAG;
        let latest =
            flags.contains(Flags::LATEST) && a.tags_allowed == only_default && b.tags_allowed == only_default;
        let fit = if latest {
            let reachable = if flags.contains(Flags::AVAILABLE) {
                a.available.cmp(&b.available)
            } else if flags.contains(Flags::REINSTALL) {
                a.selectable.cmp(&b.selectable)
            } else {
                Ordering::Equal
            };
            a.tag_ok.cmp(&b.tag_ok).then(reachable)
        } else {
            self.compare_fitness(left, right, flags)
        };
        fit.then_with(|| self.compare_merit(left, right, flags))
    }

    /// Which candidate is less in conflict with what was decided, and closer to what is there.
    fn compare_fitness(&self, left: &Provider<'_>, right: &Provider<'_>, flags: Flags) -> Ordering {
        let (a, b) =
            (&self.state.packages[left.package as usize], &self.state.packages[right.package as usize]);
        let mut order = a.selectable.cmp(&b.selectable);
        order = order.then(a.depends_used.cmp(&b.depends_used)).then(b.conflicts.cmp(&a.conflicts));
        let installed = self.compare_installed(left, right);
        let keep = self.preupgrade && !flags.contains(Flags::UPGRADE) || flags.contains(Flags::INSTALLED);
        if keep {
            order = order.then(installed);
        }
        order = order.then(a.tag_ok.cmp(&b.tag_ok));
        if flags.contains(Flags::AVAILABLE) {
            order = order.then(a.available.cmp(&b.available));
        }
        order = order.then(a.tag_preferred.cmp(&b.tag_preferred));
        let universe = self.universe;
        let comparable = universe.entry(left.package).name == universe.entry(right.package).name
            || left.version.is_some()
            || right.version.is_some();
        if !flags.has_any(Flags::REMOVE | Flags::UPGRADE) && comparable {
            order = order.then(installed);
        }
        order
    }

    /// Which candidate is newer, or claims to be the better one.
    fn compare_merit(&self, left: &Provider<'_>, right: &Provider<'_>, flags: Flags) -> Ordering {
        let (a, b) = (self.universe.entry(left.package), self.universe.entry(right.package));
        let mut order = match (left.version, right.version) {
            (Some(left), Some(right)) => compare_versions(left, right),
            _ => Ordering::Equal,
        };
        if a.name == b.name {
            order = order.then_with(|| compare_versions(a.package.version, b.package.version));
        }
        order = order.then(a.package.provider_priority.cmp(&b.package.provider_priority));
        if !flags.contains(Flags::REMOVE) {
            order = order.then(self.compare_installed(left, right));
        }
        let states = &self.state.packages;
        let selectable = |provider: &Provider<'_>| states[provider.package as usize].selectable;
        order = order.then(selectable(left).cmp(&selectable(right)));
        // The first repository is the best; one that no repository has counts as better still, as in apk.
        let first = |repositories: u64| if repositories == 0 { 0 } else { repositories.trailing_zeros() + 1 };
        order.then_with(|| first(b.repositories).cmp(&first(a.repositories)))
    }

    fn compare_installed(&self, left: &Provider<'_>, right: &Provider<'_>) -> Ordering {
        let is_there = |provider: &Provider<'_>| {
            let entry = self.universe.entry(provider.package);
            entry.installed.is_some() || entry.locked
        };
        is_there(left).cmp(&is_there(right))
    }
}
