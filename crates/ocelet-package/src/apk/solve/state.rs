//! [`State`]: what is known of each package and name while choosing, and the three queues of names.
//!
//! The fields are those of the solver of apk-tools 3.0 (`src/solver.c`), whose choices a lock has to repeat.

use std::collections::{BTreeSet, VecDeque};

use super::Flags;
use super::universe::{NameId, PackageId, Provider};

/// What is known of a name.
#[derive(Debug, Clone, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is an independent fact about the name")]
pub(super) struct NameState<'text> {
    /// It was reached from the roots.
    pub(super) seen: bool,
    /// It is decided.
    pub(super) locked: bool,
    /// Who provides it once it is decided; nobody may.
    pub(super) chosen: Option<Provider<'text>>,
    /// How many demands there are for it.
    pub(super) requirers: u32,
    /// Its place in the order of decisions; greater ones come first.
    pub(super) order: u32,
    /// For how many of the candidates under review it was a need of each so far.
    pub(super) merged_depends: u32,
    /// For how many of the candidates under review each provided it so far.
    pub(super) merged_provides: u32,
    /// One of these provided it without version.
    pub(super) merged_virtual: bool,
    /// More than one candidate is left.
    pub(super) has_options: bool,
    /// A candidate is to be installed by itself.
    pub(super) has_install_if: bool,
    /// No candidate can ever be installed by itself.
    pub(super) no_install_if: bool,
    /// It must be decided for the sake of an `install_if` with `!`.
    pub(super) install_if_needed: bool,
    /// A candidate may be taken without being asked for by its own name.
    pub(super) auto_selectable: bool,
    /// Everything that needs it is decided.
    pub(super) dependents_done: bool,
    /// The needs of its candidates are to be looked at again.
    pub(super) review_depends: bool,
    /// The conditions of its candidates are to be looked at again.
    pub(super) review_install_if: bool,
    pub(super) dirty: bool,
    pub(super) listed: Listed,
    /// Once it can be decided at once, it stays so.
    pub(super) at_once: bool,
}

/// In which queue of undecided names a name is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Listed {
    #[default]
    Nowhere,
    AtOnce,
    Selectable,
    Unresolved,
}

/// What is known of a package.
#[derive(Debug, Clone, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is an independent fact about the package")]
pub(super) struct PackageState {
    pub(super) seen: bool,
    pub(super) flags: Flags,
    pub(super) inherited_flags: Flags,
    /// Tags that may be used for it, one bit each.
    pub(super) tags_allowed: u64,
    /// A repository offers it now.
    pub(super) available: bool,
    /// Nothing speaks against it so far.
    pub(super) selectable: bool,
    pub(super) tag_preferred: bool,
    pub(super) tag_ok: bool,
    /// How many demands it does not satisfy.
    pub(super) conflicts: u32,
    pub(super) depends_merged: bool,
    pub(super) depends_used: bool,
    pub(super) install_if_triggered: bool,
    pub(super) install_if_failed: bool,
    pub(super) error: bool,
}

/// What is known of everything.
#[derive(Debug)]
pub(super) struct State<'text> {
    pub(super) names: Vec<NameState<'text>>,
    pub(super) packages: Vec<PackageState>,
    /// How many things went wrong.
    pub(super) errors: u32,
    dirty: VecDeque<NameId>,
    at_once: VecDeque<NameId>,
    selectable: BTreeSet<(u32, NameId)>,
    unresolved: BTreeSet<(u32, NameId)>,
}

impl<'text> State<'text> {
    pub(super) fn new(names: usize, packages: usize) -> Self {
        Self {
            names: vec![NameState::default(); names],
            packages: vec![PackageState::default(); packages],
            errors: 0,
            dirty: VecDeque::new(),
            at_once: VecDeque::new(),
            selectable: BTreeSet::new(),
            unresolved: BTreeSet::new(),
        }
    }

    pub(super) fn name(&mut self, name: NameId) -> &mut NameState<'text> {
        &mut self.names[name as usize]
    }

    pub(super) fn package(&mut self, id: PackageId) -> &mut PackageState {
        &mut self.packages[id as usize]
    }

    /// Notes that a package of the solution is wrong.
    pub(super) fn mark_error(&mut self, id: Option<PackageId>) {
        let Some(id) = id else { return };
        if !std::mem::replace(&mut self.package(id).error, true) {
            self.errors += 1;
        }
    }

    /// Puts a name up for review, if it matters by now.
    pub(super) fn queue_dirty(&mut self, name: NameId) {
        let state = self.name(name);
        if !state.dirty && !state.locked && (state.requirers > 0 || state.review_install_if) {
            state.dirty = true;
            self.dirty.push_back(name);
        }
    }

    pub(super) fn next_dirty(&mut self) -> Option<NameId> {
        while let Some(name) = self.dirty.pop_front() {
            if std::mem::replace(&mut self.name(name).dirty, false) {
                return Some(name);
            }
        }
        None
    }

    /// Lists a name as undecided, or lists it elsewhere where something about it changed.
    pub(super) fn queue_unresolved(&mut self, name: NameId, changed: Changed) {
        let state = self.name(name);
        if state.locked {
            return;
        }
        let now = state.dependents_done && state.requirers > 0 && state.auto_selectable && !state.has_options;
        if state.listed == Listed::Nowhere {
            if state.requirers == 0 && !state.has_install_if && !state.install_if_needed {
                return;
            }
            state.at_once = now;
        } else {
            if state.at_once || (!now && changed == Changed::No) {
                return;
            }
            state.at_once |= now;
            self.unlist(name);
        }
        let state = self.name(name);
        let entry = (state.order, name);
        if state.at_once {
            state.listed = Listed::AtOnce;
            self.at_once.push_back(name);
        } else if state.auto_selectable {
            state.listed = Listed::Selectable;
            self.selectable.insert(entry);
        } else {
            state.listed = Listed::Unresolved;
            self.unresolved.insert(entry);
        }
    }

    /// Takes a name off the queues of undecided names.
    pub(super) fn unlist(&mut self, name: NameId) {
        let state = self.name(name);
        let entry = (state.order, name);
        match std::mem::take(&mut state.listed) {
            // The queue is passed over when its front is no longer listed there.
            Listed::Nowhere | Listed::AtOnce => {}
            Listed::Selectable => {
                self.selectable.remove(&entry);
            }
            Listed::Unresolved => {
                self.unresolved.remove(&entry);
            }
        }
    }

    /// The name to decide next.
    pub(super) fn next_unresolved(&mut self) -> Option<NameId> {
        while let Some(name) = self.at_once.pop_front() {
            if self.name(name).listed == Listed::AtOnce {
                self.name(name).listed = Listed::Nowhere;
                return Some(name);
            }
        }
        let (_, name) = self.selectable.pop_last().or_else(|| self.unresolved.pop_last())?;
        self.name(name).listed = Listed::Nowhere;
        Some(name)
    }
}

/// Whether what decides the queue of a name has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Changed {
    Yes,
    No,
}
