//! [`Universe`]: the packages of a request under numbers, who goes by which name, and what they say of each other.
//!
//! Packages stand sorted, by name and the best version first, so that nothing depends on the order within an index.
//! The relations of a package are read when they are first asked for: most of an index is never looked at.

use std::cell::OnceCell;
use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::head::Head;
use super::request::Request;
use crate::deb::{
    Alternatives, Comments, MultiArch, Package, Paragraph, Qualifier, Relation, RelationError, RelationKind,
    Relations, Version,
};

/// The number of one version of a package.
pub(super) type EntryId = u32;
/// The number of a name.
pub(super) type NameId = u32;

/// One version of a package.
#[derive(Debug)]
pub(super) struct Entry<'text> {
    pub(super) head: Head<'text>,
    pub(super) version: Version<'text>,
    paragraph: &'text str,
    /// Of most packages never asked for, and so not kept in place.
    package: OnceCell<Box<Package<'text>>>,
    pub(super) name: NameId,
    /// The index it comes from, by its place in the request.
    pub(super) index: usize,
    pub(super) priority: i32,
    relations: OnceCell<Result<Needs<'text>, RelationError>>,
}

/// What a package says of others.
#[derive(Debug, Default)]
pub(super) struct Needs<'text> {
    pub(super) demands: Vec<Demand<'text>>,
    /// What may not be there at the same time.
    pub(super) exclusions: Vec<(RelationKind, Relation<'text>)>,
}

/// One group of relations, of which one must be met.
#[derive(Debug)]
pub(super) struct Demand<'text> {
    pub(super) kind: RelationKind,
    pub(super) alternatives: Alternatives<'text>,
}

/// A package that goes by a name which is not its own.
#[derive(Debug)]
struct Provider<'text> {
    entry: EntryId,
    version: Option<Version<'text>>,
    /// Whether it was provided as `name:any`, and so answers nothing else.
    only_any: bool,
}

/// What goes by one name.
#[derive(Debug, Default)]
struct Named<'text> {
    /// The versions of the package with this name, the best one first.
    versions: Vec<EntryId>,
    providers: Vec<Provider<'text>>,
}

/// Everything there is.
#[derive(Debug)]
pub(super) struct Universe<'text> {
    pub(super) entries: Vec<Entry<'text>>,
    names: BTreeMap<&'text str, NameId>,
    named: Vec<Named<'text>>,
    architecture: &'text str,
}

impl<'text> Entry<'text> {
    fn new(
        head: Head<'text>,
        version: Version<'text>,
        paragraph: &'text str,
        index: usize,
        priority: i32,
    ) -> Self {
        let (package, relations) = (OnceCell::new(), OnceCell::new());
        Self { head, version, paragraph, package, name: 0, index, priority, relations }
    }

    /// All that is said of it.
    pub(super) fn package(&self) -> &Package<'text> {
        self.package.get_or_init(|| {
            let paragraph = Paragraph::parse(self.paragraph, Comments::Refuse);
            let package = paragraph.ok().and_then(|paragraph| Package::read(&paragraph).ok());
            Box::new(package.expect("it was read when the index was"))
        })
    }
}

impl<'text> Universe<'text> {
    pub(super) fn new(request: &Request<'text>) -> Self {
        let mut found: Vec<Entry<'text>> = Vec::new();
        for (index, listed) in request.indexes.iter().enumerate() {
            for paragraph in listed.index.paragraphs() {
                let head = Head::read(paragraph);
                let runs = head.architecture == "all" || head.architecture == request.architecture;
                // One version that nobody can read does not make the others unusable.
                let Ok(version) = Version::new(head.version) else { continue };
                let priority = request.priority(index, head.name, head.version);
                if runs && priority >= 0 {
                    found.push(Entry::new(head, version, paragraph, index, priority));
                }
            }
        }
        found.sort_by(|left, right| {
            let order = left.head.name.cmp(right.head.name);
            let order = order.then_with(|| right.priority.cmp(&left.priority));
            let order =
                order.then_with(|| right.version.cmp(&left.version)).then(left.index.cmp(&right.index));
            order.then_with(|| left.paragraph.cmp(right.paragraph))
        });
        let mut universe = Self {
            entries: Vec::with_capacity(found.len()),
            names: BTreeMap::new(),
            named: Vec::new(),
            architecture: request.architecture,
        };
        for entry in found {
            universe.add(entry);
        }
        for id in 0..universe.entries.len() {
            universe.add_provided(id);
        }
        universe.keep_locked(request);
        universe
    }

    fn add(&mut self, mut entry: Entry<'text>) {
        entry.name = self.number(entry.head.name);
        let id = EntryId::try_from(self.entries.len()).expect("indexes of 4 GiB hold fewer packages");
        let versions = &mut self.named[entry.name as usize].versions;
        // The same version in a further index, or with a lower priority, is the same package.
        if !versions.iter().any(|other| self.entries[*other as usize].version == entry.version) {
            versions.push(id);
            self.entries.push(entry);
        }
    }

    fn number(&mut self, name: &'text str) -> NameId {
        let next = NameId::try_from(self.named.len()).expect("indexes of 4 GiB hold fewer names");
        let number = *self.names.entry(name).or_insert(next);
        if number == next {
            self.named.push(Named::default());
        }
        number
    }

    fn add_provided(&mut self, at: usize) {
        let provides = Relations::new(RelationKind::Provides, self.entries[at].head.provides);
        let entry = EntryId::try_from(at).expect("entries have numbers of 32 bits");
        for relation in provides.each().filter_map(Result::ok) {
            let only_any = match relation.qualifier {
                Some(Qualifier::Any) => true,
                Some(Qualifier::Architecture(other)) if other != self.architecture => continue,
                _ => false,
            };
            let name = self.number(relation.name);
            let version = relation.constraint.map(|constraint| constraint.version);
            self.named[name as usize].providers.push(Provider { entry, version, only_any });
        }
    }

    /// Puts locked versions before all others of their names.
    fn keep_locked(&mut self, request: &Request<'text>) {
        for (name, version) in &request.locked {
            if request.update.contains(name) {
                continue;
            }
            let Some(number) = self.names.get(name) else { continue };
            let entries = &self.entries;
            let versions = &mut self.named[*number as usize].versions;
            let is_locked = |id: &EntryId| entries[*id as usize].head.version == *version;
            versions.sort_by_key(|id| Reverse(is_locked(id)));
        }
    }

    pub(super) fn entry(&self, id: EntryId) -> &Entry<'text> {
        &self.entries[id as usize]
    }

    pub(super) fn name(&self, name: &str) -> Option<NameId> {
        self.names.get(name).copied()
    }

    /// How many names there are.
    pub(super) fn names(&self) -> usize {
        self.named.len()
    }

    /// All names that something goes by.
    pub(super) fn all_names(&self) -> impl Iterator<Item = &'text str> {
        self.names.keys().copied()
    }

    /// The versions of the package with this name, the best one first.
    pub(super) fn versions(&self, name: NameId) -> &[EntryId] {
        &self.named[name as usize].versions
    }

    /// The packages that provide a name, each once, in their order.
    pub(super) fn providers(&self, name: NameId) -> Vec<EntryId> {
        let mut providers: Vec<EntryId> =
            self.named[name as usize].providers.iter().map(|provider| provider.entry).collect();
        providers.dedup();
        providers
    }

    /// What a package says of others.
    ///
    /// # Errors
    /// One of its fields cannot be read.
    pub(super) fn needs(&self, id: EntryId) -> Result<&Needs<'text>, &RelationError> {
        let entry = self.entry(id);
        entry.relations.get_or_init(|| read_needs(entry.package())).as_ref()
    }

    /// The groups of which each must be met; with `recommends` those which should be.
    pub(super) fn demands(&self, id: EntryId) -> &[Demand<'text>] {
        self.needs(id).map_or(&[], |needs| &needs.demands)
    }

    pub(super) fn exclusions(&self, id: EntryId) -> &[(RelationKind, Relation<'text>)] {
        self.needs(id).map_or(&[], |needs| &needs.exclusions)
    }

    /// Everything that meets a relation: the package of the name, best version first, then who provides it.
    pub(super) fn answers(&self, relation: &Relation<'text>) -> Vec<EntryId> {
        let Some(name) = self.name(relation.name) else { return Vec::new() };
        let named = &self.named[name as usize];
        let own = named.versions.iter().copied().filter(|id| {
            let entry = self.entry(*id);
            self.qualifies(relation, entry.package().multi_arch, false) && relation.accepts(&entry.version)
        });
        let provided = named.providers.iter().filter(|provider| {
            let multi_arch = self.entry(provider.entry).package().multi_arch;
            self.qualifies(relation, multi_arch, provider.only_any)
                && relation.accepts_provided(provider.version.as_ref())
        });
        let mut answers: Vec<EntryId> = own.collect();
        for provider in provided {
            if !answers.contains(&provider.entry) {
                answers.push(provider.entry);
            }
        }
        answers
    }

    /// Whether a package of the one architecture that there is has the one that a relation wants. `:any` asks for
    /// packages that are `Multi-Arch: allowed`, as in dpkg's `deparchsatisfied`.
    fn qualifies(&self, relation: &Relation<'_>, multi_arch: MultiArch, only_any: bool) -> bool {
        match relation.qualifier {
            None | Some(Qualifier::Native) => !only_any,
            Some(Qualifier::Any) => only_any || multi_arch == MultiArch::Allowed,
            Some(Qualifier::Architecture(wanted)) => !only_any && wanted == self.architecture,
        }
    }

    /// What a package may not be together with, other than itself; each once.
    pub(super) fn excluded(&self, id: EntryId) -> Vec<(EntryId, usize)> {
        let mut excluded = Vec::new();
        for (at, (_, relation)) in self.exclusions(id).iter().enumerate() {
            // All versions of its own name are kept apart anyway, and a package may exclude a name it provides.
            let others = self.answers(relation).into_iter();
            let others = others.filter(|other| self.entry(*other).name != self.entry(id).name);
            excluded.extend(others.map(|other| (other, at)));
        }
        excluded
    }

    /// Name and version as messages write them.
    pub(super) fn label(&self, id: EntryId) -> String {
        let entry = self.entry(id);
        format!("{} {}", entry.head.name, entry.version)
    }
}

fn read_needs<'text>(package: &Package<'text>) -> Result<Needs<'text>, RelationError> {
    let mut needs = Needs::default();
    for kind in [RelationKind::PreDepends, RelationKind::Depends, RelationKind::Recommends] {
        for group in package.relations(kind).groups() {
            match group {
                Ok(alternatives) => needs.demands.push(Demand { kind, alternatives }),
                // What is only recommended keeps nobody from being installed.
                Err(_) if kind == RelationKind::Recommends => {}
                Err(error) => return Err(error),
            }
        }
    }
    for kind in [RelationKind::Conflicts, RelationKind::Breaks] {
        for relation in package.relations(kind).each() {
            needs.exclusions.push((kind, relation?));
        }
    }
    Ok(needs)
}
