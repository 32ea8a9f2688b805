//! Building a [`Universe`] from a request: one order, one number for each name, and the links between them.

use std::collections::BTreeMap;
use std::ops::Range;

use super::Unsolvable;
use super::names::Names;
use super::request::{Reach, Request};
use super::universe::{
    Demand, Entry, Links, NO_TAG, NameId, PackageId, Provided, Provider, Tag, Unfit, Universe, demand, wide,
};
use crate::apk::dependency::{Dependency, DependencyList};
use crate::apk::package::Package;
use crate::apk::version::compare_versions;

/// Repositories and tags are kept in the bits of a word.
const MOST_REPOSITORIES: usize = 63;

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
}

impl Links {
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

fn narrow(length: usize) -> u32 {
    u32::try_from(length).expect("texts of under 2^31 bytes hold fewer terms than that")
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
