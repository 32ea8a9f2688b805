//! [`Universe`]: all packages and names of a request as numbers, and who provides and needs what.
//!
//! Everything is put into one order first (name, version, identity), so that the order of packages
//! within an index decides nothing. A package that several repositories offer is one package. It never changes
//! while a solution is searched for.

use std::collections::BTreeMap;
use std::ops::Range;

use super::Unsolvable;
use super::names::Names;
use super::request::{Reach, Request};
use crate::apk::dependency::{Dependency, DependencyList, Operator};
use crate::apk::package::Package;
use crate::apk::version::compare_versions;

/// The number of a package.
pub(super) type PackageId = u32;
/// The number of a name.
pub(super) type NameId = u32;

/// The tag of the repositories that need none.
pub(super) const NO_TAG: usize = 0;
/// Repositories and tags are kept in the bits of a word.
const MOST_REPOSITORIES: usize = 63;

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
    numbers: Names<'text>,
    demands: Vec<Demand<'text>>,
    provided: Vec<Provided<'text>>,
    providers: Vec<Provider<'text>>,
    provider_starts: Vec<u32>,
    dependents: Links,
    installers: Links,
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
    depends: Range<u32>,
    install_if: Range<u32>,
    provides: Range<u32>,
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
struct Links {
    starts: Vec<u32>,
    names: Vec<NameId>,
}

/// Where a package was met.
struct Met<'text> {
    package: Package<'text>,
    repositories: u64,
    cached: bool,
    installed: Option<usize>,
}

impl<'text> Universe<'text> {
    /// Reads what a request offers.
    pub(super) fn new(request: &Request<'text>) -> Result<Self, Unsolvable> {
        if request.repositories.len() > MOST_REPOSITORIES {
            return Err(Unsolvable::TooManyRepositories { count: request.repositories.len() });
        }
        let (tags, available) = tags(request);
        let met = unify(meet(request, &tags));
        let mut builder = Builder::new(met.len());
        let mut installed: Vec<(usize, PackageId)> = Vec::new();
        for found in met {
            let id = builder.add(&found.0, request);
            installed.extend(found.1.map(|order| (order, id)));
        }
        installed.sort_unstable();
        // Names that only roots and preferences use get a number too.
        for root in &request.roots {
            builder.name(root.dependency.name);
        }
        for name in request.preferences.keys() {
            builder.name(name);
        }
        let installed = installed.into_iter().map(|(_, id)| id).collect();
        Ok(builder.finish(tags, available, installed))
    }

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
        crate::apk::Identity::parse(text).is_ok_and(|identity| identity == self.entry(id).package.identity)
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

    /// Sorts pairs (name, other) by name; the others keep their order.
    fn new(names: usize, pairs: &[(NameId, NameId)]) -> Self {
        let starts = starts(names, pairs.iter().map(|(name, _)| *name));
        let mut next = starts.clone();
        let mut others = vec![0; pairs.len()];
        for (name, other) in pairs {
            let slot = &mut next[*name as usize];
            others[*slot as usize] = *other;
            *slot += 1;
        }
        Self { starts, names: others }
    }
}

/// Where the stretch of each name begins in an array sorted by name, and where the last one ends.
fn starts(names: usize, occurrences: impl Iterator<Item = NameId>) -> Vec<u32> {
    let mut starts = vec![0_u32; names + 1];
    for name in occurrences {
        starts[name as usize + 1] += 1;
    }
    for at in 1..starts.len() {
        starts[at] += starts[at - 1];
    }
    starts
}

fn wide(range: &Range<u32>) -> Range<usize> {
    range.start as usize..range.end as usize
}

fn narrow(length: usize) -> u32 {
    u32::try_from(length).expect("texts of under 2^31 bytes hold fewer terms than that")
}

fn demand<'text>(dependency: &Dependency<'text>, name: NameId) -> Demand<'text> {
    let (operator, version) = dependency
        .constraint
        .map_or((Operator::ANY, ""), |constraint| (constraint.operator, constraint.version));
    Demand { name, conflict: dependency.conflict, operator, version }
}

/// The tags with their repositories, and the repositories that can be reached.
fn tags<'text>(request: &Request<'text>) -> (Vec<Tag<'text>>, u64) {
    let mut tags = vec![Tag { text: "", repositories: 0 }];
    let mut available = 0;
    for (at, repository) in request.repositories.iter().enumerate() {
        let text = repository.tag.unwrap_or("");
        let known = tags.iter().position(|tag| tag.text == text).unwrap_or_else(|| {
            tags.push(Tag { text, repositories: 0 });
            tags.len() - 1
        });
        if repository.reach != Reach::Cached {
            tags[known].repositories |= 1 << at;
        }
        if repository.reach == Reach::Available {
            available |= 1 << at;
        }
    }
    for installed in &request.installed {
        let text = installed.tag.unwrap_or("");
        if !tags.iter().any(|tag| tag.text == text) {
            tags.push(Tag { text, repositories: 0 });
        }
    }
    (tags, available)
}

/// Every package of every source: what is installed first, then the repositories in their order.
fn meet<'text>(request: &Request<'text>, tags: &[Tag<'text>]) -> Vec<Met<'text>> {
    let mut met = Vec::with_capacity(request.repositories.iter().map(|each| each.index.len()).sum());
    for installed in &request.installed {
        let text = installed.tag.unwrap_or("");
        let tag = tags.iter().position(|tag| tag.text == text).unwrap_or(NO_TAG);
        met.push(Met { package: installed.package, repositories: 0, cached: false, installed: Some(tag) });
    }
    for (at, repository) in request.repositories.iter().enumerate() {
        let cached = repository.reach == Reach::Cached;
        let repositories = if cached { 0 } else { 1 << at };
        let packages = repository.index.packages();
        met.extend(packages.map(|package| Met { package, repositories, cached, installed: None }));
    }
    met
}

/// One entry for each identity, in the order of name, version and identity; with it the place among
/// the installed packages.
fn unify(met: Vec<Met<'_>>) -> Vec<(Met<'_>, Option<usize>)> {
    let identities: Vec<_> = met.iter().map(|met| met.package.identity).collect();
    let mut numbers = Names::with_room_for(met.len());
    let mut unique: Vec<(Met<'_>, Option<usize>)> = Vec::with_capacity(met.len());
    for (order, (found, identity)) in met.into_iter().zip(&identities).enumerate() {
        let number = numbers.number(identity.as_bytes()) as usize;
        let place = found.installed.map(|_| order);
        match unique.get_mut(number) {
            None => unique.push((found, place)),
            Some((known, _)) => {
                known.repositories |= found.repositories;
                known.cached |= found.cached;
            }
        }
    }
    unique.sort_by(|(left, _), (right, _)| {
        let (left, right) = (&left.package, &right.package);
        (left.name.cmp(right.name))
            .then_with(|| compare_versions(left.version, right.version))
            .then_with(|| left.identity.cmp(&right.identity))
    });
    unique
}

/// A universe being built.
struct Builder<'text> {
    numbers: Names<'text>,
    names: Vec<&'text str>,
    packages: Vec<Entry<'text>>,
    unfit: BTreeMap<PackageId, Unfit>,
    demands: Vec<Demand<'text>>,
    provided: Vec<Provided<'text>>,
}

impl<'text> Builder<'text> {
    fn new(packages: usize) -> Self {
        Self {
            numbers: Names::with_room_for(packages * 4),
            names: Vec::with_capacity(packages * 4),
            packages: Vec::with_capacity(packages),
            unfit: BTreeMap::new(),
            demands: Vec::with_capacity(packages * 8),
            provided: Vec::with_capacity(packages * 4),
        }
    }

    fn name(&mut self, text: &'text str) -> NameId {
        let number = self.numbers.number(text.as_bytes());
        if number as usize == self.names.len() {
            self.names.push(text);
        }
        number
    }

    fn add(&mut self, met: &Met<'text>, request: &Request<'text>) -> PackageId {
        let (package, id) = (met.package, narrow(self.packages.len()));
        let name = self.name(package.name);
        let mut unfit = Unfit { unknown_field: package.unknown_field, ..Unfit::default() };
        unfit.architecture = !request.architectures.is_empty()
            && !matches!(package.architecture, "" | "noarch")
            && !request.architectures.contains(&package.architecture);
        let depends = self.terms(package.depends, &mut unfit.broken_depends);
        let mut broken = Vec::new();
        let mut install_if = self.terms(package.install_if, &mut broken);
        if !broken.is_empty() {
            // A condition that cannot be read in full is no condition.
            self.demands.truncate(install_if.start as usize);
            install_if.end = install_if.start;
        }
        let provides = self.provides(package.provides);
        if unfit.architecture || unfit.unknown_field.is_some() || !unfit.broken_depends.is_empty() {
            self.unfit.insert(id, unfit);
        }
        let locked = request.locked.contains(&(package.name, package.version));
        self.packages.push(Entry {
            package,
            name,
            repositories: met.repositories,
            cached: met.cached,
            installed: met.installed,
            locked,
            depends,
            install_if,
            provides,
        });
        id
    }

    fn terms(&mut self, list: DependencyList<'text>, broken: &mut Vec<String>) -> Range<u32> {
        let start = narrow(self.demands.len());
        for term in list.terms() {
            match Dependency::parse_of_package(term) {
                Ok(dependency) => {
                    let name = self.name(dependency.name);
                    self.demands.push(demand(&dependency, name));
                }
                Err(_) => broken.push(term.to_owned()),
            }
        }
        start..narrow(self.demands.len())
    }

    /// What a package provides; a version that is not valid is compared all the same, as in apk.
    fn provides(&mut self, list: DependencyList<'text>) -> Range<u32> {
        let start = narrow(self.provided.len());
        for term in list.terms() {
            let (name, version) = match term.find(['<', '>', '=', '~']) {
                Some(end) => (&term[..end], Some(term[end..].trim_start_matches(['<', '>', '=', '~']))),
                None => (term, None),
            };
            if !name.is_empty() && !name.starts_with('!') {
                let name = self.name(name);
                self.provided.push(Provided { name, version });
            }
        }
        start..narrow(self.provided.len())
    }

    fn finish(self, tags: Vec<Tag<'text>>, available: u64, installed: Vec<PackageId>) -> Universe<'text> {
        let mut universe = Universe {
            names: self.names,
            packages: self.packages,
            tags,
            available,
            installed,
            unfit: self.unfit,
            numbers: self.numbers,
            demands: self.demands,
            provided: self.provided,
            providers: Vec::new(),
            provider_starts: Vec::new(),
            dependents: Links::default(),
            installers: Links::default(),
        };
        universe.connect_providers();
        universe.connect_dependents();
        universe
    }
}

impl Universe<'_> {
    fn connect_providers(&mut self) {
        let count = self.names.len();
        let occurrences = (0..).zip(&self.packages).flat_map(|(_, entry)| {
            let provides = &self.provided[wide(&entry.provides)];
            std::iter::once(entry.name).chain(provides.iter().map(|provided| provided.name))
        });
        self.provider_starts = starts(count, occurrences);
        let mut next = self.provider_starts.clone();
        let total = self.provider_starts[count] as usize;
        let mut providers = vec![Provider { package: 0, version: None }; total];
        for (id, entry) in (0..).zip(&self.packages) {
            let itself = Provided { name: entry.name, version: Some(entry.package.version) };
            for provided in std::iter::once(&itself).chain(&self.provided[wide(&entry.provides)]) {
                let slot = &mut next[provided.name as usize];
                providers[*slot as usize] = Provider { package: id, version: provided.version };
                *slot += 1;
            }
        }
        self.providers = providers;
    }

    fn connect_dependents(&mut self) {
        let count = self.names.len();
        let (mut dependents, mut installers) = (Vec::new(), Vec::new());
        let (mut last_dependent, mut last_installer) = (vec![u32::MAX; count], vec![u32::MAX; count]);
        for name in 0..narrow(count) {
            for provider in self.providers(name) {
                for demand in self.depends(provider.package) {
                    if std::mem::replace(&mut last_dependent[demand.name as usize], name) != name {
                        dependents.push((demand.name, name));
                    }
                }
                for demand in self.install_if(provider.package) {
                    if std::mem::replace(&mut last_installer[demand.name as usize], name) != name {
                        installers.push((demand.name, name));
                    }
                }
            }
        }
        self.dependents = Links::new(count, &dependents);
        self.installers = Links::new(count, &installers);
    }
}
