//! [`List`]: the items of one list of a flavor, by the names under which they are added and removed.
//!
//! It refuses one thing twice, unless conditions leave at most one of them; what a condition takes away it forgets but
//! for the name, which a flavor may remove all the same.

use std::collections::{BTreeMap, BTreeSet};

use super::problem::{At, Findings, Span};
use super::values::Seen;

/// Things by the name under which they are added and removed.
pub(super) type Named<T> = BTreeMap<String, At<T>>;

/// The items of one list while it is read.
#[derive(Debug)]
pub(super) struct List<T> {
    what: &'static str,
    seen: Seen,
    pub(super) named: Named<T>,
    /// The names of what conditions took away.
    pub(super) absent: BTreeSet<String>,
}

impl<T> List<T> {
    /// A list of that kind of thing.
    pub(super) fn new(what: &'static str) -> Self {
        Self { what, seen: Seen::default(), named: Named::new(), absent: BTreeSet::new() }
    }

    /// Adds an item where its condition `holds`; `at` is the place of its name.
    pub(super) fn add(
        &mut self,
        holds: bool,
        name: String,
        at: Span,
        item: At<T>,
        findings: &mut Findings<'_>,
    ) {
        if !holds {
            self.absent.insert(name);
        } else if self.seen.is_new(&name, at, self.what, findings) {
            self.named.insert(name, item);
        }
    }
}
