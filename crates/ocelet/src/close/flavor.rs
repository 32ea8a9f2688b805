//! [`close`]: every flavor of a recipe for one platform.

use std::collections::{BTreeMap, BTreeSet};

use ocelet_elf::{Closure, Loader, Options, Problem, Root, RulePack, RulePacks, Target, Why};
use ocelet_tree::{Owner, Tree, TreePath, View};

use super::error::{CloseError, Missing, Unfit};
use super::gather::Gather;
use super::image::ImageView;
use super::packages::Packages;
use super::roots::{self, Found};
use super::warnings::Warnings;
use super::{Because, Closed, Kept, accounts, advice, scripts, unfit, wanted};
use crate::event::Event;
use crate::host::Host;
use crate::recipe::{Flavor, FlavorName, Platform, Recipe, RuleName, SourceKind};
use crate::unpack::Unpacked;

/// Closes all flavors of a recipe for one platform. What is missing is in the outcome, not an error: see [`settle`].
///
/// # Errors
/// The sources cannot be read or contradict each other, or the platform is one without known loaders.
pub fn close(
    recipe: &Recipe,
    platform: &Platform,
    unpacked: &Unpacked,
    rules: &RulePacks,
    epoch: i64,
    host: &Host<'_>,
) -> Result<Closed, CloseError> {
    let target = Target::parse(&platform.to_string())
        .map_err(|cause| CloseError::Platform { platform: platform.clone(), cause })?;
    let view = unpacked.view();
    let loader = Loader::new(&view, ocelet_elf::Hwcaps::Baseline);
    let mut gather = Gather::new(&view, epoch, &unpacked.declared);
    let mut flavors = BTreeMap::new();
    let mut missing: BTreeMap<(String, String), Missing> = BTreeMap::new();
    let mut unexplained: BTreeMap<TreePath, Unexplained> = BTreeMap::new();
    let mut union = Union::default();
    let mut harm = Harm::default();
    let debian: Vec<&str> = recipe
        .sources
        .values()
        .filter(|source| source.is_for(platform) && matches!(source.kind, SourceKind::Deb(_)))
        .map(|source| source.name.value.as_str())
        .collect();
    for (name, flavor) in &recipe.flavors {
        let mut found = roots::find(&view, flavor, &debian)?;
        wanted::packages(&view, unpacked, flavor, &mut found);
        for message in unfit::answers(&view, flavor, &found.commands)? {
            harm.add(name, message, None);
        }
        let options = options(flavor, target, rules);
        let closure = ocelet_elf::close_with(&loader, &found.roots, &options);
        union.add(name, &found.roots, &options, &closure);
        for one in lacking(platform, name, &found, &closure) {
            let known =
                missing.entry((one.message.clone(), one.asked.clone())).or_insert_with(|| one.clone());
            known.flavors.extend(one.flavors);
        }
        let kept = gather.flavor(flavor, &found, &closure)?;
        for one in closure.unexplained.iter().filter(|one| kept.unexplained_dlopen.contains(&one.path)) {
            let told = unexplained.entry(one.path.clone()).or_default();
            told.flavors.insert(name.clone());
            told.packs.clone_from(&one.packs);
        }
        flavors.insert(name.clone(), kept);
    }
    tell_unexplained(host, platform, &unexplained);
    union.loader_cache(&loader, &mut gather, &mut flavors)?;
    make(recipe, platform, unpacked, &view, epoch, &mut gather, &mut flavors, host)?;
    let tree = gather.finish();
    for (name, kept) in &flavors {
        tell(host, name, platform, kept, &tree);
        let (image, path) = (ImageView::new(kept, &tree), roots::search_path(&recipe.flavors[name]));
        if let Some(message) = unfit::formats_blindly(&image, kept.paths.keys(), &path)? {
            harm.add(name, message, Some(unfit::BLKID));
        }
    }
    let conflicts = view.take_conflicts();
    if !conflicts.is_empty() {
        return Err(CloseError::Conflicts { conflicts });
    }
    harm.end(platform)?;
    let stabilities =
        unpacked.stabilities.iter().map(|(name, stability)| (Owner::new(name), *stability)).collect();
    let missing = missing.into_values().collect();
    Ok(Closed {
        platform: platform.clone(),
        tree,
        flavors,
        missing,
        sources: unpacked.locations.clone(),
        stabilities,
    })
}

/// Ends the run where something is missing, or tells it as warnings.
///
/// # Errors
/// Something is missing, and that is not allowed.
pub fn settle(missing: Vec<Missing>, allowed: bool, host: &Host<'_>) -> Result<(), CloseError> {
    if missing.is_empty() {
        return Ok(());
    }
    if !allowed {
        return Err(CloseError::Missing { missing });
    }
    for one in &missing {
        host.observer.observe(&Event::Warning { message: &format!("missing: {one}") });
    }
    Ok(())
}

/// Ends the run where one of these flavors keeps nothing at all for a platform.
///
/// # Errors
/// There is such a flavor.
pub fn hold_something(closed: &[Closed], flavors: &[FlavorName]) -> Result<(), CloseError> {
    for platform in closed {
        let empty = |flavor: &&FlavorName| platform.flavors[*flavor].paths.is_empty();
        if let Some(flavor) = flavors.iter().find(empty) {
            return Err(CloseError::NoFiles { flavor: flavor.clone(), platform: platform.platform.clone() });
        }
    }
    Ok(())
}

fn options(flavor: &Flavor, target: Target, rules: &RulePacks) -> Options {
    let names: Vec<&str> = flavor.rules.keys().map(RuleName::as_str).collect();
    let packs: Vec<RulePack> =
        rules.choose(&names).expect("the recipe room knows the names of all rule packs");
    Options { rules: packs, path: roots::search_path(flavor), ..Options::new(target) }
}

/// Makes what each flavor has alone: accounts, and the database of its packages.
#[expect(clippy::too_many_arguments, reason = "all that the room has at hand")]
fn make(
    recipe: &Recipe,
    platform: &Platform,
    unpacked: &Unpacked,
    view: &dyn View,
    epoch: i64,
    gather: &mut Gather<'_>,
    flavors: &mut BTreeMap<FlavorName, Kept>,
    host: &Host<'_>,
) -> Result<(), CloseError> {
    let mut warn = |message: String| host.observer.observe(&Event::Warning { message: &message });
    let paths = flavors.values().flat_map(|kept| kept.paths.keys().cloned()).collect();
    let packages = Packages::new(unpacked, epoch, &paths, &mut warn)?;
    let mut warnings = Warnings::default();
    for (name, kept) in flavors {
        let flavor = &recipe.flavors[name];
        accounts::add(flavor, view, gather, kept, &mut warnings)?;
        packages.add(flavor, gather, kept, &mut warnings)?;
        kept.scripts = scripts::unrun(flavor, &packages, gather.tree(), kept, &mut warnings)?;
    }
    warnings.tell(host, platform);
    Ok(())
}

fn tell(host: &Host<'_>, name: &FlavorName, platform: &Platform, kept: &Kept, tree: &Tree) {
    let bytes = kept
        .paths
        .keys()
        .filter_map(|path| kept.own.get(path).or_else(|| tree.get(path))?.content())
        .map(ocelet_tree::Content::length)
        .sum();
    let platform = platform.to_string();
    host.observer.observe(&Event::Closed {
        flavor: name.as_str(),
        platform: &platform,
        files: kept.paths.len(),
        bytes,
    });
}

/// Tells of programs that load libraries by names which nothing tells, each once for all flavors.
fn tell_unexplained(host: &Host<'_>, platform: &Platform, unexplained: &BTreeMap<TreePath, Unexplained>) {
    for (path, one) in unexplained {
        let flavors: Vec<&str> = one.flavors.iter().map(FlavorName::as_str).collect();
        let next = match one.packs.as_slice() {
            [] => "look at it, and list it under acknowledge-dlopen".to_owned(),
            packs => format!("the rule pack {} would explain it", packs.join(" or ")),
        };
        let message = format!(
            "{path} loads libraries at run time and does not say which ({} for {platform}); {next}",
            flavors.join(", ")
        );
        host.observer.observe(&Event::Warning { message: &message });
    }
}

/// What must not be built, each once for all flavors.
#[derive(Default)]
struct Harm(BTreeMap<(String, Option<&'static str>), BTreeSet<FlavorName>>);

impl Harm {
    fn add(&mut self, flavor: &FlavorName, message: String, hint: Option<&'static str>) {
        self.0.entry((message, hint)).or_default().insert(flavor.clone());
    }

    fn end(self, platform: &Platform) -> Result<(), CloseError> {
        if self.0.is_empty() {
            return Ok(());
        }
        let unfit = self.0.into_iter().map(|((message, hint), flavors)| Unfit {
            platform: platform.clone(),
            message,
            hint: hint.map(str::to_owned),
            flavors,
        });
        Err(CloseError::Unfit { unfit: unfit.collect() })
    }
}

/// Which flavors keep an unexplained file, and which packs would explain it.
#[derive(Default)]
struct Unexplained {
    flavors: BTreeSet<FlavorName>,
    packs: Vec<String>,
}

/// Everything that a flavor lacks, with who asked for it.
fn lacking(platform: &Platform, flavor: &FlavorName, found: &Found, closure: &Closure) -> Vec<Missing> {
    let flavors = BTreeSet::from([flavor.clone()]);
    let one = |message: String, asked: String, hint: Option<String>| Missing {
        platform: platform.clone(),
        message,
        asked,
        hint,
        flavors: flavors.clone(),
    };
    let wishes =
        found.missing.iter().map(|(message, hint)| one(message.clone(), String::new(), hint.clone()));
    let problems = closure
        .problems
        .iter()
        .map(|problem| one(problem.to_string(), asked(problem, found, closure), advice::on(problem)));
    wishes.chain(problems).collect()
}

/// The wish at the beginning of the chain that leads to the file of the problem.
fn asked(problem: &Problem, found: &Found, closure: &Closure) -> String {
    let Some(path) = subject(problem) else { return String::new() };
    let chain = closure.chain(path).unwrap_or_default();
    if let Some(Why::Root { label }) = chain.first().map(|step| &step.reason.why) {
        return label.clone();
    }
    // What could not be kept at all has no chain, but may be what was asked for; some messages say so themselves.
    let root = found.roots.iter().find(|root| root.path == *path);
    match problem {
        Problem::MissingRoot { .. } => String::new(),
        _ => root.map_or_else(String::new, |root| root.label.clone()),
    }
}

/// The kept file that a problem is about.
fn subject(problem: &Problem) -> Option<&TreePath> {
    match problem {
        Problem::MissingRoot { path, .. }
        | Problem::TangledLinks { path, .. }
        | Problem::WrongPlatform { path, .. }
        | Problem::DamagedElf { path, .. }
        | Problem::Unreadable { path, .. } => Some(path),
        Problem::MissingLoader { program, .. }
        | Problem::UnusableLoader { program, .. }
        | Problem::UnknownLoader { program, .. }
        | Problem::ForeignLoader { program, .. } => Some(program),
        Problem::MissingLibrary { by, .. }
        | Problem::MixedWorlds { by, .. }
        | Problem::LibraryForOtherMachine { by, .. }
        | Problem::UnusableLibrary { by, .. }
        | Problem::MissingVersion { by, .. }
        | Problem::VersionOfUnloaded { by, .. }
        | Problem::MissingNoted { by, .. } => Some(by),
        Problem::MissingInterpreter { script, .. } => Some(script),
        _ => None,
    }
}

/// All flavors as one, for the one file that cannot differ between them: layers are shared, and `/etc/ld.so.cache`
/// names all libraries of all flavors. A name in it whose file is absent is passed over (ld.so(8)).
#[derive(Default)]
struct Union {
    roots: Vec<Root>,
    options: Option<Options>,
    needing: Vec<FlavorName>,
}

impl Union {
    fn add(&mut self, flavor: &FlavorName, roots: &[Root], options: &Options, closure: &Closure) {
        self.roots.extend_from_slice(roots);
        let union = self.options.get_or_insert_with(|| Options { rules: Vec::new(), ..options.clone() });
        for pack in &options.rules {
            if !union.rules.contains(pack) {
                union.rules.push(pack.clone());
            }
        }
        if closure.needs_loader_cache() {
            self.needing.push(flavor.clone());
        }
    }

    fn loader_cache(
        &self,
        loader: &Loader<'_>,
        gather: &mut Gather<'_>,
        flavors: &mut BTreeMap<FlavorName, Kept>,
    ) -> Result<(), CloseError> {
        let (Some(options), false) = (&self.options, self.needing.is_empty()) else { return Ok(()) };
        let closure = ocelet_elf::close_with(loader, &self.roots, options);
        let Some(bytes) = closure.loader_cache() else { return Ok(()) };
        let path = TreePath::new("/etc/ld.so.cache").expect("a path");
        gather.generated(&path, bytes)?;
        for name in &self.needing {
            let because = Because {
                kind: "loader cache".to_owned(),
                from: None,
                detail:
                    "made by ocelet: libraries outside of the loader's default directories are found by it"
                        .to_owned(),
            };
            flavors.entry(name.clone()).or_default().paths.entry(path.clone()).or_default().push(because);
        }
        Ok(())
    }
}
