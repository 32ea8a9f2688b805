//! [`Problem`]: why there is no solution, said with the constraints that clash.
//!
//! What is told, and in which order, follows `apk_solver_print_errors` of apk-tools 3.0, since people know it; the chain of
//! who asked for a package and names close to an unknown one are added.

use super::changes::Change;
use super::nearest::nearest_names;
use super::solver::{Solver, World};
use super::universe::{Demand, NO_TAG, NameId, PackageId, Provided, Provider, Relation, Tag};

/// One reason why the wishes cannot be met. A package is written `name-version`, a demand of it
/// `name-version[demand]`, and one of the roots `world[demand]`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Problem {
    /// A name that no package has or provides.
    NoSuchPackage {
        /// The name.
        name: String,
        /// Who demands it.
        required_by: Vec<String>,
        /// Names that are spelled nearly alike, the nearest first.
        nearest: Vec<String>,
    },
    /// A name that several packages provide, none of which may be taken without being asked for.
    Undecided {
        /// The name.
        name: String,
        /// The packages, by name where all versions provide it.
        provided_by: Vec<String>,
        /// Who demands the name.
        required_by: Vec<String>,
    },
    /// A package that was about to be taken, and cannot.
    Clash(Clash),
    /// A root with a tag that no repository has.
    UnknownTag {
        /// The root.
        root: String,
        /// The tags that there are.
        known: Vec<String>,
    },
    /// A root that is a file of several packages.
    SeveralOwners {
        /// The file.
        path: String,
        /// The packages that hold it.
        packages: Vec<String>,
    },
}

/// A package that was about to be taken, and what speaks against it and for it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Clash {
    /// The package.
    pub package: String,
    /// Its architecture, where it is another one than was asked for.
    pub architecture: Option<String>,
    /// A field that this crate does not know and that has to be known.
    pub unknown_field: Option<char>,
    /// Dependencies that cannot be read.
    pub broken_depends: Vec<String>,
    /// Whether one of the three facts above makes it impossible to install, whatever else is.
    pub uninstallable: bool,
    /// The tags, or the state, that keep its repositories out of reach.
    pub masked_in: Vec<String>,
    /// Packages that cannot be there at the same time, with the name that both provide.
    pub conflicts: Vec<String>,
    /// Demands that it does not satisfy.
    pub breaks: Vec<String>,
    /// Demands that it satisfies.
    pub satisfies: Vec<String>,
    /// Who asked for it: from a root down to the demand that names it.
    pub chain: Vec<String>,
}

/// What is known of a name while problems are looked for.
#[derive(Debug, Clone, Copy, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is an independent fact about the name")]
struct Mark {
    present: bool,
    missing: bool,
    virtual_only: bool,
    installs_itself: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum As {
    Present,
    VirtualOnly,
    InstallsItself,
}

/// What is left to visit.
enum Visit {
    Name(NameId, As),
    Package(NameId, PackageId, As),
    Installers(NameId),
}

fn push_demands(demands: &[Demand<'_>], stack: &mut Vec<Visit>) {
    let positive = demands.iter().rev().filter(|demand| !demand.conflict);
    stack.extend(positive.map(|demand| Visit::Name(demand.name, As::Present)));
}

/// A search for problems.
pub(super) struct Search<'s, 'u, 'text> {
    pub(super) solver: &'s Solver<'u, 'text>,
    pub(super) world: &'s [World<'text>],
    names: Vec<Mark>,
    packages: Vec<Mark>,
    /// Packages that were about to be taken.
    pub(super) marked: Vec<bool>,
    problems: Vec<Problem>,
}

/// Everything that is wrong with the decisions of a solver.
pub(super) fn explain<'text>(
    solver: &Solver<'_, 'text>,
    changes: &[Change],
    world: &[World<'text>],
) -> Vec<Problem> {
    let universe = solver.universe;
    let mut marked = vec![false; universe.packages.len()];
    for id in changes.iter().filter_map(|change| change.new) {
        marked[id as usize] = true;
    }
    let mut search = Search {
        solver,
        world,
        names: vec![Mark::default(); universe.names.len()],
        packages: vec![Mark::default(); universe.packages.len()],
        marked,
        problems: Vec::new(),
    };
    let roots: Vec<Demand<'text>> = world.iter().map(|root| root.demand).collect();
    search.visit(&roots);
    search.missing(&roots);
    for change in changes {
        if let Some(id) = change.new {
            search.package(id, change.new_tag);
            search.missing(universe.depends(id));
        }
    }
    search.problems
}

impl<'text> Search<'_, '_, 'text> {
    /// Marks everything that the demands lead to, with a stack of its own.
    fn visit(&mut self, demands: &[Demand<'text>]) {
        let mut stack = Vec::new();
        push_demands(demands, &mut stack);
        while let Some(step) = stack.pop() {
            match step {
                Visit::Name(name, state) => {
                    let providers = self.solver.universe.providers(name).iter().rev();
                    stack.extend(providers.map(|provider| Visit::Package(name, provider.package, state)));
                }
                Visit::Package(name, id, state) => self.visit_package(name, id, state, &mut stack),
                Visit::Installers(name) => self.visit_installers(name, &mut stack),
            }
        }
    }

    fn visit_package(&mut self, name: NameId, id: PackageId, state: As, stack: &mut Vec<Visit>) {
        let universe = self.solver.universe;
        if !self.marked[id as usize] {
            return;
        }
        let entry = universe.entry(id);
        let provides = universe.provides(id);
        let by_version = |provided: &Provided<'_>| provided.name == name && provided.version.is_some();
        let concrete = entry.name == name || provides.iter().any(by_version);
        let state = if entry.package.provider_priority == 0 && !concrete { As::VirtualOnly } else { state };
        if !self.packages[id as usize].set(state) {
            return;
        }
        self.names[entry.name as usize].set(state);
        for provided in provides {
            let shared = state == As::InstallsItself && provided.version.is_none();
            self.names[provided.name as usize].set(if shared { As::VirtualOnly } else { state });
        }
        if state != As::VirtualOnly {
            stack.extend(provides.iter().rev().map(|provided| Visit::Installers(provided.name)));
            stack.push(Visit::Installers(entry.name));
        }
        push_demands(universe.depends(id), stack);
    }

    fn visit_installers(&mut self, name: NameId, stack: &mut Vec<Visit>) {
        let universe = self.solver.universe;
        let installers = universe.installers(name).iter().rev();
        for provider in installers.flat_map(|installer| universe.providers(*installer).iter().rev()) {
            let id = provider.package;
            let conditions = universe.install_if(id);
            let is_there = |demand: &Demand<'_>| {
                let mark = self.names[demand.name as usize];
                mark.present || mark.installs_itself
            };
            let met = conditions.iter().all(|demand| demand.conflict != is_there(demand));
            if self.marked[id as usize] && !conditions.is_empty() && met {
                let provides = universe.provides(id).iter().rev();
                stack.extend(provides.map(|provided| Visit::Name(provided.name, As::InstallsItself)));
                stack.push(Visit::Name(universe.entry(id).name, As::InstallsItself));
            }
        }
    }

    /// Tells of the demanded names that nothing is there for.
    fn missing(&mut self, demands: &[Demand<'text>]) {
        for demand in demands.iter().filter(|demand| !demand.conflict) {
            let mark = &mut self.names[demand.name as usize];
            if !mark.present && !mark.installs_itself && !std::mem::replace(&mut mark.missing, true) {
                let problem = self.missing_name(demand.name);
                self.problems.push(problem);
            }
        }
    }

    fn missing_name(&self, name: NameId) -> Problem {
        let universe = self.solver.universe;
        let text = universe.names[name as usize].to_owned();
        let required_by = self.required_by(name);
        if universe.providers(name).is_empty() {
            let nearest = nearest_names(universe, &text);
            return Problem::NoSuchPackage { name: text, required_by, nearest };
        }
        let mut provided_by: Vec<String> = Vec::new();
        for provider in universe.providers(name) {
            let own = universe.entry(provider.package).name;
            let of_name = |each: &&Provider<'_>| universe.entry(each.package).name == own;
            let all =
                universe.providers(name).iter().filter(of_name).count() == universe.providers(own).len();
            let label =
                if all { universe.names[own as usize].to_owned() } else { universe.label(provider.package) };
            if !provided_by.contains(&label) {
                provided_by.push(label);
            }
        }
        Problem::Undecided { name: text, provided_by, required_by }
    }

    fn required_by(&self, name: NameId) -> Vec<String> {
        let universe = self.solver.universe;
        let about = |demand: &&Demand<'_>| demand.name == name && !demand.conflict;
        let roots = self.world.iter().filter(|root| about(&&root.demand));
        let mut required_by: Vec<String> = roots.map(|root| self.root_text(root)).collect();
        let mut visited = vec![false; universe.packages.len()];
        for dependent in universe.dependents(name) {
            for provider in universe.providers(*dependent) {
                let at = provider.package as usize;
                if !self.marked[at] || std::mem::replace(&mut visited[at], true) {
                    continue;
                }
                if let Some(demand) = universe.depends(provider.package).iter().find(about) {
                    required_by.push(self.demand_text(provider.package, demand));
                    break;
                }
            }
        }
        required_by
    }

    /// A root as messages write it.
    pub(super) fn root_text(&self, root: &World<'_>) -> String {
        let universe = self.solver.universe;
        format!("world[{}{}]", root.demand.text(universe), universe.tags[root.tag].text_with_at())
    }

    /// A demand of a package as messages write it.
    pub(super) fn demand_text(&self, id: PackageId, demand: &Demand<'_>) -> String {
        format!("{}[{}]", self.solver.universe.label(id), demand.text(self.solver.universe))
    }

    /// Tells what speaks against a package, if anything does.
    fn package(&mut self, id: PackageId, tag: usize) {
        let universe = self.solver.universe;
        let mut clash = Clash { package: universe.label(id), ..Clash::default() };
        if let Some(unfit) = universe.unfit.get(&id) {
            clash.uninstallable = true;
            let architecture = universe.entry(id).package.architecture;
            clash.architecture = unfit.architecture.then(|| architecture.to_owned());
            clash.unknown_field = unfit.unknown_field;
            clash.broken_depends.clone_from(&unfit.broken_depends);
        }
        clash.masked_in = self.masked_in(id, tag);
        clash.conflicts = self.conflicts(id);
        clash.breaks = self.demands_on(id, Relation::Breaks);
        let told = clash.uninstallable
            || !clash.masked_in.is_empty()
            || !clash.conflicts.is_empty()
            || !clash.breaks.is_empty();
        if told {
            clash.satisfies = self.demands_on(id, Relation::Satisfies);
            clash.chain = self.chain(id);
            self.problems.push(Problem::Clash(clash));
        }
    }

    fn masked_in(&self, id: PackageId, tag: usize) -> Vec<String> {
        let universe = self.solver.universe;
        let entry = universe.entry(id);
        if entry.installed.is_some() {
            return Vec::new();
        }
        if !universe.is_available(id) && !entry.cached {
            return vec!["--no-network".to_owned()];
        }
        if entry.repositories == 0 && entry.cached {
            let bare = entry.package.installed_size == 0;
            return if bare { Vec::new() } else { vec!["cache".to_owned()] };
        }
        if entry.repositories & universe.repositories_of(1 << NO_TAG | 1 << tag) != 0 {
            return Vec::new();
        }
        let closed = universe.tags.iter().filter(|tag| tag.repositories & entry.repositories != 0);
        closed.map(Tag::text_with_at).collect()
    }

    fn conflicts(&self, id: PackageId) -> Vec<String> {
        let universe = self.solver.universe;
        let mut conflicts = Vec::new();
        for provider in universe.providers(universe.entry(id).name) {
            if provider.package != id && self.marked[provider.package as usize] {
                conflicts.push(universe.label(provider.package));
            }
        }
        for provided in universe.provides(id) {
            let mut itself_passed = false;
            for provider in universe.providers(provided.name) {
                if !self.marked[provider.package as usize]
                    || (provided.version.is_none() && provider.version.is_none())
                {
                    continue;
                }
                let itself = provider.package == id && provider.version == provided.version;
                if itself && !std::mem::replace(&mut itself_passed, true) {
                    continue;
                }
                let name = universe.names[provided.name as usize];
                let version = provided.version.map_or(String::new(), |version| format!("={version}"));
                conflicts.push(format!("{}[{name}{version}]", universe.label(provider.package)));
            }
        }
        conflicts
    }

    /// The demands of roots and marked packages that `id` stands in `relation` to.
    fn demands_on(&self, id: PackageId, relation: Relation) -> Vec<String> {
        let universe = self.solver.universe;
        let mut roots: Vec<&World<'_>> = self.world.iter().collect();
        roots.retain(|root| universe.relation(None, &root.demand, id) == relation);
        roots.sort_by_key(|root| weight(&root.demand));
        let mut texts: Vec<String> = roots.into_iter().map(|root| self.root_text(root)).collect();
        let mut found: Vec<(PackageId, &Demand<'_>)> = Vec::new();
        let mut visited = vec![false; universe.packages.len()];
        let own = std::iter::once(universe.entry(id).name);
        let names = own.chain(universe.provides(id).iter().map(|provided| provided.name));
        for dependent in names.flat_map(|name| universe.dependents(name)) {
            for provider in universe.providers(*dependent) {
                let user = provider.package;
                if !self.marked[user as usize] || std::mem::replace(&mut visited[user as usize], true) {
                    continue;
                }
                let fits = |demand: &&Demand<'_>| universe.relation(Some(user), demand, id) == relation;
                found.extend(universe.depends(user).iter().filter(fits).map(|demand| (user, demand)));
            }
        }
        found.sort_by(|(left, a), (right, b)| {
            let (l, r) = (universe.entry(*left).package, universe.entry(*right).package);
            display_order(l.name, r.name)
                .then_with(|| crate::apk::compare_versions(l.version, r.version))
                .then_with(|| weight(a).cmp(&weight(b)))
        });
        texts.extend(found.into_iter().map(|(user, demand)| self.demand_text(user, demand)));
        texts
    }
}

impl Mark {
    /// Notes a state; whether it is news.
    fn set(&mut self, state: As) -> bool {
        let fact = match state {
            As::Present => &mut self.present,
            As::VirtualOnly => &mut self.virtual_only,
            As::InstallsItself => &mut self.installs_itself,
        };
        !std::mem::replace(fact, true)
    }
}

fn weight(demand: &Demand<'_>) -> u8 {
    demand.operator.weight() | if demand.conflict { 16 } else { 0 }
}

/// The order of names in messages and of roots: without regard to case, then with.
pub(super) fn display_order(left: &str, right: &str) -> std::cmp::Ordering {
    let folded = |text: &str| text.bytes().map(|byte| byte.to_ascii_lowercase()).collect::<Vec<u8>>();
    folded(left).cmp(&folded(right)).then_with(|| left.cmp(right))
}
