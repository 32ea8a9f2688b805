//! [`asked`]: what a recipe asks of each source that has to be chosen from, as plain values.
//!
//! It is what a lock is checked against: two recipes that ask for the same are answered by the same lock, whatever
//! else stands in them. It refuses to know what the sources have.

use std::collections::{BTreeMap, BTreeSet};

use crate::recipe::{
    ApkSource, ArtifactSource, At, DebOrigin, DebSource, Flavor, Keys, Platform, Recipe, Source, SourceKind,
    SourceName, Wish,
};

/// What a recipe asks of one source, in words that two recipes share exactly where they want the same.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Asked {
    /// The settings of the source: where it is, whose keys are believed, which versions are pinned.
    pub settings: BTreeMap<String, Vec<String>>,
    /// What is wanted of it, by platform: `cmd:mount`, `openssh-client>=9`; what may be missing ends with `?`.
    pub wanted: BTreeMap<Platform, BTreeSet<String>>,
}

/// What the recipe asks of each of its sources that need a lock; empty where none does.
pub fn asked(recipe: &Recipe) -> BTreeMap<SourceName, Asked> {
    let locked = recipe.sources.iter().filter_map(|(name, source)| {
        let asked = match &source.kind {
            SourceKind::Apk(apk) => of_packages(recipe, source, apk),
            SourceKind::Deb(deb) => of_deb(recipe, source, deb),
            SourceKind::Artifact(artifact) => of_artifact(platforms(recipe, source), artifact),
            SourceKind::Rootfs(_) | SourceKind::File(_) => return None,
        };
        Some((name.clone(), with_mirrors(asked, recipe)))
    });
    let tools = recipe.upx.iter().map(|tool| {
        let platforms = tool.platforms.iter().map(|at| &at.value);
        (tool.name.value.clone(), with_mirrors(of_artifact(platforms, &tool.artifact), recipe))
    });
    locked.chain(tools).collect()
}

/// Mirrors stand in the lock beside each file, so another list of them makes another lock.
fn with_mirrors(mut asked: Asked, recipe: &Recipe) -> Asked {
    if !recipe.mirrors.is_empty() {
        let mirrors = recipe.mirrors.iter().map(|mirror| mirror.value.to_string());
        asked.settings.insert("mirrors".to_owned(), mirrors.collect());
    }
    asked
}

/// The platforms of the recipe that a source is for.
pub(crate) fn platforms<'recipe>(
    recipe: &'recipe Recipe,
    source: &'recipe Source,
) -> impl Iterator<Item = &'recipe Platform> {
    recipe.platforms.iter().map(|at| &at.value).filter(|platform| source.is_for(platform))
}

fn of_packages(recipe: &Recipe, source: &Source, apk: &ApkSource) -> Asked {
    let repositories = apk.repositories.iter().map(|at| match &at.value.tag {
        Some(tag) => format!("@{tag} {}", at.value.location),
        None => at.value.location.to_string(),
    });
    let mut settings =
        BTreeMap::from([("apk".to_owned(), repositories.collect()), ("keys".to_owned(), shown(&apk.keys))]);
    if !apk.pins.is_empty() {
        let pins = apk.pins.iter().map(|(name, pin)| format!("{name}{}", pin.value));
        settings.insert("pin".to_owned(), pins.collect());
    }
    let wanted = platforms(recipe, source).map(|platform| {
        let brought = brought(recipe, platform);
        let wishes = recipe.flavors.values().flat_map(|flavor| wishes(source, flavor, &brought));
        (platform.clone(), required_once(wishes.collect()))
    });
    Asked { settings, wanted: wanted.collect() }
}

fn shown(keys: &Keys) -> Vec<String> {
    match keys {
        Keys::Embedded(name) => vec![name.clone()],
        Keys::Files(files) => files.iter().map(|file| file.value.to_string()).collect(),
    }
}

/// A Debian source has no commands by name, and no repositories with tags: it is asked for packages only.
fn of_deb(recipe: &Recipe, source: &Source, deb: &DebSource) -> Asked {
    let mut settings = BTreeMap::new();
    match &deb.origin {
        DebOrigin::System => drop(settings.insert("deb".to_owned(), vec!["system".to_owned()])),
        DebOrigin::Listed { repositories, keys, snapshot } => {
            let repositories = repositories.iter().map(|one| one.value.to_string());
            settings.insert("deb".to_owned(), repositories.collect());
            settings.insert("keys".to_owned(), shown(keys));
            if *snapshot {
                settings.insert("snapshot".to_owned(), vec!["true".to_owned()]);
            }
        }
    }
    if !deb.pins.is_empty() {
        let pins = deb.pins.iter().map(|(name, pin)| format!("{name}{}", pin.value));
        settings.insert("pin".to_owned(), pins.collect());
    }
    let wanted = platforms(recipe, source).map(|platform| {
        let mut wishes: BTreeSet<String> =
            deb.packages.values().map(|package| package.value.to_string()).collect();
        for package in recipe.flavors.values().flat_map(|flavor| flavor.packages.values()) {
            // Only repositories of Alpine packages have tags.
            if may_bring_wish(source, &package.value.wish) && package.value.term.tag.is_none() {
                wishes.insert(marked(package.value.term.to_string(), &package.value.wish));
            }
        }
        (platform.clone(), required_once(wishes))
    });
    Asked { settings, wanted: wanted.collect() }
}

/// What one flavor asks of a source of packages.
fn wishes(source: &Source, flavor: &Flavor, brought: &Brought) -> Vec<String> {
    let mut wishes = Vec::new();
    for (name, wish) in &flavor.commands {
        let is_brought = wish.value.from.is_none() && brought.commands.contains(name.as_str());
        if may_bring(source, wish) && !is_brought {
            wishes.push(marked(format!("cmd:{name}"), &wish.value));
        }
    }
    for (name, package) in &flavor.packages {
        debug_assert_eq!(name, &package.value.term.name, "packages are listed by their names");
        if may_bring_wish(source, &package.value.wish) {
            wishes.push(marked(package.value.term.to_string(), &package.value.wish));
        }
    }
    for (glob, wish) in &flavor.files {
        let Some(path) = glob.literal().map(|path| path.to_string()) else { continue };
        if may_bring(source, wish) && !brought.files.contains(&path) {
            // What no package says that it provides may lie in one all the same: it is never an error here.
            wishes.push(format!("{path}?"));
        }
    }
    wishes
}

fn may_bring(source: &Source, wish: &At<Wish>) -> bool {
    may_bring_wish(source, &wish.value)
}

fn may_bring_wish(source: &Source, wish: &Wish) -> bool {
    wish.from.as_ref().is_none_or(|from| from.value == source.name.value)
}

fn marked(wish: String, how: &Wish) -> String {
    if how.optional { format!("{wish}?") } else { wish }
}

/// What one flavor needs and another can do without is needed.
fn required_once(mut wishes: BTreeSet<String>) -> BTreeSet<String> {
    let required: BTreeSet<String> = wishes.iter().filter(|wish| !wish.ends_with('?')).cloned().collect();
    wishes.retain(|wish| wish.strip_suffix('?').is_none_or(|name| !required.contains(name)));
    wishes
}

/// What sources bring under a path that the recipe names: no package is asked for it.
struct Brought {
    files: BTreeSet<String>,
    commands: BTreeSet<String>,
}

fn brought(recipe: &Recipe, platform: &Platform) -> Brought {
    let mut brought = Brought { files: BTreeSet::new(), commands: BTreeSet::new() };
    let sources = recipe.sources.values().filter(|source| source.is_for(platform));
    for (path, _) in sources.filter_map(|source| source.kind.single_file()) {
        brought.files.insert(path.value.to_string());
        brought.commands.extend(path.value.name().map(|name| name.to_string()));
    }
    brought
}

fn of_artifact<'recipe>(
    platforms: impl Iterator<Item = &'recipe Platform>,
    artifact: &ArtifactSource,
) -> Asked {
    let wanted = platforms.map(|platform| {
        let mut wanted = BTreeSet::from([artifact.shown_for(platform).to_string()]);
        wanted.extend(artifact.sha256_for(platform).map(|digest| format!("sha256:{}", digest.value.hex())));
        let sums = artifact.checksum_shown_for(platform).filter(|_| !artifact.sha256.contains_key(platform));
        wanted.extend(sums.map(|sums| format!("sums {sums}")));
        (platform.clone(), wanted)
    });
    let settings = BTreeMap::from([("artifact".to_owned(), vec![artifact.location.value.to_string()])]);
    Asked { settings, wanted: wanted.collect() }
}

#[cfg(test)]
mod tests;
