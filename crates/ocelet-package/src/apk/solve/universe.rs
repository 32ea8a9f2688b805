//! [`Universe`]: all packages and names of a request as numbers, and who provides and needs what.
//!
//! Everything is put into one order first (name, version, identity), so that the order of packages
//! within an index decides nothing. A package that several repositories offer is one package. It never changes
//! while a solution is searched for.

use std::collections::BTreeMap;
use std::ops::Range;

use super::names::Names;
use crate::apk::dependency::{Dependency, Operator};
use crate::apk::package::Package;

/// The number of a package.
pub(super) type PackageId = u32;
/// The number of a name.
pub(super) type NameId = u32;

/// The tag of the repositories that need none.
pub(super) const NO_TAG: usize = 0;

/// Packages, names and what connects them.
#[derive(Debug)]
pub(super) struct Universe<'text> {
    pub(super) names: Vec<&'text str>,
    pub(super) packages: Vec<Entry<'text>>,
    pub(super) tags: Vec<Tag<'text>>,
    /// The repositories whose packages can be had, one bit each.
    pub(super) available: u64,
    /// Installed packages, in the order in which they were given.
    pub(super) installed: Vec<PackageId>,
    /// Why packages can never be installed.
    pub(super) unfit: BTreeMap<PackageId, Unfit>,
    pub(super) numbers: Names<'text>,
    pub(super) demands: Vec<Demand<'text>>,
    pub(super) provided: Vec<Provided<'text>>,
    pub(super) providers: Vec<Provider<'text>>,
    pub(super) provider_starts: Vec<u32>,
    pub(super) dependents: Links,
    pub(super) installers: Links,
}

/// One package.
#[derive(Debug)]
pub(super) struct Entry<'text> {
    pub(super) package: Package<'text>,
    pub(super) name: NameId,
    /// The repositories that offer it, one bit each.
    pub(super) repositories: u64,
    /// Whether its file is here already.
    pub(super) cached: bool,
    /// The tag it was installed from, if it is installed.
    pub(super) installed: Option<usize>,
    /// Whether a lock prefers it.
    pub(super) locked: bool,
    pub(super) depends: Range<u32>,
    pub(super) install_if: Range<u32>,
    pub(super) provides: Range<u32>,
}

/// A tag and the repositories that it opens.
#[derive(Debug)]
pub(super) struct Tag<'text> {
    /// Without `@`; empty for [`NO_TAG`].
    pub(super) text: &'text str,
    pub(super) repositories: u64,
}

/// One term of what a package needs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Demand<'text> {
    pub(super) name: NameId,
    pub(super) conflict: bool,
    pub(super) operator: Operator,
    pub(super) version: &'text str,
}

/// A name that a package goes by.
#[derive(Debug, Clone, Copy)]
pub(super) struct Provided<'text> {
    pub(super) name: NameId,
    pub(super) version: Option<&'text str>,
}

/// A package that goes by a name.
#[derive(Debug, Clone, Copy)]
pub(super) struct Provider<'text> {
    pub(super) package: PackageId,
    /// Without a version the name can be provided by several packages at once.
    pub(super) version: Option<&'text str>,
}

/// What a package is to a demand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Relation {
    None,
    Satisfies,
    Breaks,
}

/// Why a package can never be installed.
#[derive(Debug, Clone, Default)]
pub(super) struct Unfit {
    pub(super) architecture: bool,
    pub(super) unknown_field: Option<char>,
    pub(super) broken_depends: Vec<String>,
}

/// For each name some other names.
#[derive(Debug, Default)]
pub(super) struct Links {
    pub(super) starts: Vec<u32>,
    pub(super) names: Vec<NameId>,
}

impl<'text> Universe<'text> {
    pub(super) fn name(&self, text: &str) -> Option<NameId> {
        self.numbers.find(text.as_bytes())
    }

    pub(super) fn entry(&self, id: PackageId) -> &Entry<'text> {
        &self.packages[id as usize]
    }

    pub(super) fn label(&self, id: PackageId) -> String {
        self.entry(id).package.label()
    }

    pub(super) fn depends(&self, id: PackageId) -> &[Demand<'text>] {
        &self.demands[wide(&self.entry(id).depends)]
    }

    pub(super) fn install_if(&self, id: PackageId) -> &[Demand<'text>] {
        &self.demands[wide(&self.entry(id).install_if)]
    }

    pub(super) fn provides(&self, id: PackageId) -> &[Provided<'text>] {
        &self.provided[wide(&self.entry(id).provides)]
    }

    pub(super) fn providers(&self, name: NameId) -> &[Provider<'text>] {
        let at = name as usize;
        &self.providers[self.provider_starts[at] as usize..self.provider_starts[at + 1] as usize]
    }

    /// Names with a provider that needs `name`.
    pub(super) fn dependents(&self, name: NameId) -> &[NameId] {
        self.dependents.of(name)
    }

    /// Names with a provider that is installed by itself depending on `name`.
    pub(super) fn installers(&self, name: NameId) -> &[NameId] {
        self.installers.of(name)
    }

    /// Whether an unavailable repository is all that offers a package.
    pub(super) fn is_available(&self, id: PackageId) -> bool {
        self.entry(id).repositories & self.available != 0
    }

    /// The repositories that these tags open.
    pub(super) fn repositories_of(&self, tags: u64) -> u64 {
        let opened = self.tags.iter().enumerate().filter(|(at, _)| tags & 1 << at != 0);
        opened.fold(0, |mask, (_, tag)| mask | tag.repositories)
    }

    /// The repositories that count for a package, that of its installation among them.
    pub(super) fn repositories_for(&self, id: PackageId) -> u64 {
        let entry = self.entry(id);
        entry.repositories | entry.installed.map_or(0, |tag| self.tags[tag].repositories)
    }

    pub(super) fn demand(&self, dependency: &Dependency<'text>) -> Demand<'text> {
        let name = self.name(dependency.name).expect("the names of all roots have numbers");
        demand(dependency, name)
    }

    /// Whether `provider`, or nothing, satisfies what `who` demands (`apk_dep_is_provided`).
    pub(super) fn satisfies(
        &self,
        who: Option<PackageId>,
        demand: &Demand<'text>,
        provider: Option<Provider<'text>>,
    ) -> bool {
        let Some(provider) = provider else { return demand.conflict };
        // A package may conflict with a name that it provides itself.
        if demand.conflict && who == Some(provider.package) {
            return true;
        }
        let fits = match (demand.operator, provider.version) {
            (Operator::CHECKSUM, _) => self.has_identity(provider.package, demand.version),
            (Operator::ANY, _) | (_, None) => true,
            (operator, Some(version)) => operator.accepts(version, demand.version),
        };
        fits != demand.conflict
    }

    /// What `id` is to a demand (`apk_dep_analyze`).
    pub(super) fn relation(&self, who: Option<PackageId>, demand: &Demand<'text>, id: PackageId) -> Relation {
        let entry = self.entry(id);
        let itself = Provided { name: entry.name, version: Some(entry.package.version) };
        let provides = self.provides(id);
        let named = std::iter::once(&itself).chain(provides).find(|provided| provided.name == demand.name);
        let Some(owned) = named else { return Relation::None };
        // A package is no exception to what it says about its own name.
        let who = who.filter(|_| owned.name != entry.name);
        let answer = Provider { package: id, version: owned.version };
        if self.satisfies(who, demand, Some(answer)) { Relation::Satisfies } else { Relation::Breaks }
    }

    fn has_identity(&self, id: PackageId, text: &str) -> bool {
        crate::apk::ShortIdentity::parse(text)
            .is_ok_and(|identity| identity == self.entry(id).package.identity)
    }
}

impl Tag<'_> {
    /// As apk writes it after a name.
    pub(super) fn text_with_at(&self) -> String {
        if self.text.is_empty() { String::new() } else { format!("@{}", self.text) }
    }
}

impl Demand<'_> {
    /// The term as apk writes it.
    pub(super) fn text(&self, universe: &Universe<'_>) -> String {
        let mark = if self.conflict { "!" } else { "" };
        let name = universe.names[self.name as usize];
        if self.operator == Operator::ANY {
            format!("{mark}{name}")
        } else {
            format!("{mark}{name}{}{}", self.operator, self.version)
        }
    }
}

impl Links {
    fn of(&self, name: NameId) -> &[NameId] {
        let at = name as usize;
        &self.names[self.starts[at] as usize..self.starts[at + 1] as usize]
    }
}

pub(super) fn wide(range: &Range<u32>) -> Range<usize> {
    range.start as usize..range.end as usize
}

pub(super) fn demand<'text>(dependency: &Dependency<'text>, name: NameId) -> Demand<'text> {
    let (operator, version) = dependency
        .constraint
        .map_or((Operator::ANY, ""), |constraint| (constraint.operator, constraint.version));
    Demand { name, conflict: dependency.conflict, operator, version }
}
