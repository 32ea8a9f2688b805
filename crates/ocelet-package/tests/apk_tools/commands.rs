//! `apk add`, `del`, `upgrade` and `fix`, as far as they turn arguments into a request.
//!
//! What each option means is taken from `src/app_*.c` of apk-tools 3.0.

use std::collections::BTreeMap;
use std::path::Path;

use ocelet_package::apk::solve::{
    BrokenRoots, Flags, Installed, Preference, Reach, Repository, Request, Root, Since, Solution, Unsolvable,
    solve,
};
use ocelet_package::apk::{Constraint, Dependency, Index, Operator, Package, compare_versions};

use crate::read;
use crate::render;
use crate::scenario::Scenario;

/// The texts that a request borrows from.
struct Texts {
    repositories: Vec<(Option<String>, Index)>,
    installed: Index,
    cache: Option<Index>,
    own: Index,
}

/// What the options of a command line say.
#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is one switch of the command line")]
struct Options {
    no_network: bool,
    force: bool,
    verbose: bool,
    available: bool,
    latest: bool,
    upgrade: bool,
    ignore: bool,
    prune: bool,
    depends: bool,
    preupgrade_only: bool,
    own_package: Option<String>,
    preupgrade_depends: Vec<String>,
    words: Vec<String>,
}

/// What apk prints.
pub(crate) fn run(scenario: &Scenario, directory: &Path) -> String {
    let options = options(&scenario.arguments);
    let (command, words) = options.words.split_first().expect("a command");
    let own = match own_package(&options, words) {
        Ok(own) => own,
        Err(message) => return message,
    };
    let load = |file: &str| Index::parse(read(&directory.join(file))).expect("a well-formed index");
    let texts = Texts {
        repositories: scenario.repositories.iter().map(|(tag, file)| (tag.clone(), load(file))).collect(),
        installed: scenario.installed.as_deref().map_or(Index::parse("").expect("nothing"), load),
        cache: scenario.cache.as_deref().map(load),
        own,
    };
    let world: Vec<Dependency<'_>> =
        scenario.world.iter().map(|term| Dependency::parse(term).expect("a well-formed world")).collect();
    let request = request(&texts, &options);
    match command.as_str() {
        "add" => add(request, &options, world, words, &texts),
        "del" => delete(request, &options, world, words, &texts),
        "upgrade" => upgrade(request, &options, world, words, &texts),
        "fix" => fix(request, &options, &world, words, &texts),
        other => panic!("no command {other}"),
    }
}

fn options(arguments: &[String]) -> Options {
    let mut options = Options::default();
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--no-network" => options.no_network = true,
            "--force" | "--force-broken-world" => options.force = true,
            "-v" | "--verbose" => options.verbose = true,
            "-a" | "--available" => options.available = true,
            "-l" | "--latest" => options.latest = true,
            "-u" | "--upgrade" => options.upgrade = true,
            "--ignore" => options.ignore = true,
            "--prune" => options.prune = true,
            "-d" | "--depends" => options.depends = true,
            "--preupgrade-only" | "--self-upgrade-only" => options.preupgrade_only = true,
            "-t" | "--virtual" => options.own_package = arguments.next().cloned(),
            "--preupgrade-depends" => options.preupgrade_depends.extend(arguments.next().cloned()),
            other if other.starts_with("--") => {}
            _ => options.words.push(argument.clone()),
        }
    }
    options
}

/// The package that `add --virtual` makes up.
fn own_package(options: &Options, words: &[String]) -> Result<Index, String> {
    let Some(specification) = &options.own_package else { return Ok(Index::parse("").expect("nothing")) };
    let refused = || format!("ERROR: {specification}: bad package specifier\n");
    let dependency = Dependency::parse(specification).map_err(|_| refused())?;
    let version = match dependency.constraint {
        Some(Constraint { operator: Operator::EQUAL, version }) if !dependency.conflict => version,
        // apk takes the time of day.
        None if !dependency.conflict => "20200101.000000",
        _ => return Err(refused()),
    };
    for word in words {
        if Dependency::parse(word).map_or(true, |dependency| dependency.tag.is_some()) {
            return Err(render::not_a_dependency(word, "package", "name([<>~=]version)"));
        }
    }
    let (name, identity) = (dependency.name, "Q1AAAAAAAAAAAAAAAAAAAAAAAAAAA=");
    let text = format!("C:{identity}\nP:{name}\nV:{version}\nI:0\nD:{}\n", words.join(" "));
    Ok(Index::parse(text).expect("a well-formed package"))
}

fn request<'text>(texts: &'text Texts, options: &Options) -> Request<'text> {
    let reach = if options.no_network { Reach::Masked } else { Reach::Available };
    let mut repositories: Vec<Repository<'text>> = texts
        .repositories
        .iter()
        .map(|(tag, index)| Repository { index, tag: tag.as_deref(), reach })
        .collect();
    let cached = texts.cache.iter().chain([&texts.own]);
    repositories.extend(cached.map(|index| Repository { index, tag: None, reach: Reach::Cached }));
    let tag = |package: &Package<'text>| Some(package.repository_tag).filter(|tag| !tag.is_empty());
    let installed = texts.installed.packages();
    Request {
        repositories,
        installed: installed.map(|package| Installed { package, tag: tag(&package) }).collect(),
        broken_roots: if options.force { BrokenRoots::LeftOut } else { BrokenRoots::Refused },
        architectures: vec!["x86_64"],
        ..Request::default()
    }
}

fn wish<'text>(world: &mut Vec<Dependency<'text>>, dependency: Dependency<'text>) {
    match world.iter_mut().find(|known| known.name == dependency.name) {
        Some(known) => *known = dependency,
        None => world.push(dependency),
    }
}

fn roots<'text>(world: &[Dependency<'text>]) -> Vec<Root<'text>> {
    let root = |dependency: &Dependency<'text>| Root { since: Since::Before, ..Root::new(*dependency) };
    world.iter().map(root).collect()
}

fn commit(request: &Request<'_>, options: &Options) -> String {
    match solve(request) {
        Ok(solution) => finished(&solution, request, options),
        Err(Unsolvable::NoSolution { problems, .. }) => render::problems(&problems),
        Err(other) => panic!("{other}"),
    }
}

fn finished(solution: &Solution<'_>, request: &Request<'_>, options: &Options) -> String {
    let note = if options.verbose { render::gone(solution, request) } else { String::new() };
    format!("{note}{}{}", render::changes(solution), render::summary(solution, options.verbose))
}

fn add<'text>(
    mut request: Request<'text>,
    options: &Options,
    mut world: Vec<Dependency<'text>>,
    words: &'text [String],
    texts: &'text Texts,
) -> String {
    let mut flags = Flags::NONE;
    if options.upgrade {
        flags |= Flags::UPGRADE;
    }
    if options.latest {
        flags |= Flags::LATEST;
    }
    let mut touched = BTreeMap::new();
    let preference = Preference { own: flags, inherited: flags };
    if let Some(package) = texts.own.packages().next() {
        let constraint = Constraint { operator: Operator::EQUAL, version: package.version };
        wish(
            &mut world,
            Dependency { conflict: false, name: package.name, tag: None, constraint: Some(constraint) },
        );
        touched.insert(package.name, preference);
    } else {
        for word in words {
            match Dependency::parse(word) {
                Ok(dependency) => {
                    wish(&mut world, dependency);
                    touched.insert(dependency.name, preference);
                }
                Err(_) => return render::not_a_dependency(word, "world", "name(@tag)([<>~=]version)"),
            }
        }
    }
    request.roots = roots(&world);
    request.preferences = touched;
    let warning = if options.own_package.is_some() && words.is_empty() {
        "WARNING: creating empty virtual package\n"
    } else {
        ""
    };
    format!("{warning}{}", commit(&request, options))
}

fn delete<'text>(
    mut request: Request<'text>,
    options: &Options,
    mut world: Vec<Dependency<'text>>,
    words: &'text [String],
    texts: &'text Texts,
) -> String {
    let before = world.clone();
    for word in words {
        world.retain(|dependency| dependency.name != word);
        if texts.installed.named(word).next().is_some() {
            let preference = Preference { own: Flags::REMOVE, inherited: Flags::NONE };
            request.preferences.insert(word, preference);
        }
    }
    request.roots = roots(&world);
    match solve(&request) {
        Ok(solution) => {
            let was_conflict = |name: &str| before.iter().any(|known| known.name == name && known.conflict);
            let kept: Vec<&str> =
                words.iter().map(String::as_str).filter(|name| !was_conflict(name)).collect();
            let kept = render::not_removed(&solution, &kept, &world);
            format!("{kept}{}", finished(&solution, &request, options))
        }
        Err(Unsolvable::NoSolution { problems, .. }) => render::problems(&problems),
        Err(other) => panic!("{other}"),
    }
}

fn upgrade<'text>(
    mut request: Request<'text>,
    options: &'text Options,
    mut world: Vec<Dependency<'text>>,
    words: &'text [String],
    texts: &'text Texts,
) -> String {
    let mut flags = Flags::UPGRADE;
    if options.available {
        flags |= Flags::AVAILABLE;
    }
    if options.latest {
        flags |= Flags::LATEST;
    }
    if options.preupgrade_only {
        return preupgrade(request, options, &world, flags, texts);
    }
    if options.available {
        for dependency in &mut world {
            dependency.constraint =
                dependency.constraint.filter(|constraint| constraint.operator != Operator::CHECKSUM);
        }
    }
    if options.prune {
        world.retain(|dependency| offered(&request, dependency.name));
    }
    if !words.is_empty() {
        let own = if options.ignore { Flags::INSTALLED } else { Flags::UPGRADE };
        if !options.ignore {
            flags = flags.without(Flags::UPGRADE);
        }
        let preference = Preference { own, inherited: Flags::NONE };
        request.preferences = words.iter().map(|word| (word.as_str(), preference)).collect();
    }
    request.flags = flags;
    request.roots = roots(&world);
    commit(&request, options)
}

/// Whether a repository offers something by this name.
fn offered(request: &Request<'_>, name: &str) -> bool {
    let packages = request.repositories.iter().flat_map(|repository| repository.index.packages());
    let mut named = packages.filter(|package| {
        package.name == name || package.provides.iter().flatten().any(|provided| provided.name == name)
    });
    named.next().is_some()
}

/// What apk upgrades before the rest: itself, and what it is told to.
fn preupgrade<'text>(
    mut request: Request<'text>,
    options: &'text Options,
    world: &[Dependency<'text>],
    flags: Flags,
    texts: &'text Texts,
) -> String {
    let mut first = vec![Dependency::parse("apk-tools").expect("a name")];
    for text in &options.preupgrade_depends {
        wish(&mut first, Dependency::parse(text).expect("a well-formed dependency"));
    }
    for dependency in first {
        let Some(installed) = texts.installed.named(dependency.name).next() else { continue };
        let newer = request.repositories.iter().any(|repository| {
            repository.index.named(dependency.name).any(|package| {
                compare_versions(package.version, installed.version) == std::cmp::Ordering::Greater
            })
        });
        if dependency.accepts(Some(installed.version)) && newer {
            request.preferences.insert(dependency.name, Preference { own: flags, inherited: Flags::NONE });
        }
    }
    if request.preferences.is_empty() {
        return String::new();
    }
    request.preupgrade = true;
    request.roots = roots(world);
    let done = commit(&request, options);
    if done.contains('(') { format!("Preupgrading:\n{done}") } else { String::new() }
}

fn fix<'text>(
    mut request: Request<'text>,
    options: &Options,
    world: &[Dependency<'text>],
    words: &'text [String],
    _texts: &'text Texts,
) -> String {
    let own = if options.upgrade { Flags::UPGRADE } else { Flags::REINSTALL };
    let inherited = if options.depends { own } else { Flags::NONE };
    request.preferences = words.iter().map(|word| (word.as_str(), Preference { own, inherited })).collect();
    request.roots = roots(world);
    commit(&request, options)
}
