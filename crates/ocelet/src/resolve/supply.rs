//! Which source answers which wish: the first whose packages provide it.
//!
//! A command may also come from a source that nobody can look into before it is unpacked, a root file system or an
//! archive; so a command that no package provides is an error only where no such source exists.

use std::collections::{BTreeMap, BTreeSet};

use ocelet_package::{apk, deb};

use super::asked::Asked;
use super::catalog::{Catalog, Listing, Offer};
use super::error::Problem;
use crate::recipe::{Install, Platform, Recipe, SourceKind, SourceName, nearest};

/// What is wanted of one source: terms that its package manager reads, with the wishes that each stands for.
pub(super) type Terms = BTreeMap<String, BTreeSet<String>>;

/// What is wanted of the packages of each source for one platform.
pub(super) fn assign(
    recipe: &Recipe,
    asked: &BTreeMap<SourceName, Asked>,
    catalog: &Catalog,
    platform: &Platform,
    problems: &mut Vec<Problem>,
) -> BTreeMap<SourceName, Terms> {
    let mut assigned: BTreeMap<SourceName, Terms> = BTreeMap::new();
    let mut open: BTreeMap<&str, Vec<&SourceName>> = BTreeMap::new();
    for (source, asked) in asked {
        if catalog.listings.contains_key(&(source.clone(), platform.clone())) {
            assigned.insert(source.clone(), Terms::new());
            for wish in asked.wanted.get(platform).into_iter().flatten() {
                open.entry(wish).or_default().push(source);
            }
        }
    }
    let listings = |source: &SourceName| catalog.listings.get(&(source.clone(), platform.clone()));
    let names: BTreeSet<String> = open.keys().flat_map(|wish| spellings(wish)).map(name_of).collect();
    let provided: BTreeMap<&SourceName, BTreeMap<&str, Providers<'_>>> =
        assigned.keys().filter_map(|source| Some((source, provided(listings(source)?, &names)))).collect();
    let mut chosen = Vec::new();
    for (wish, sources) in &open {
        let found = sources.iter().find_map(|source| {
            let provided = &provided[*source];
            let term = spellings(wish)
                .into_iter()
                .find_map(|term| Some(provided.get(name_of(&term).as_str())?.term(term)));
            Some(((*source).clone(), term?))
        });
        match found {
            Some(found) => chosen.push((found, (*wish).to_owned())),
            None if wish.ends_with('?') => {}
            None => {
                let source = sources[0];
                match wish.strip_prefix("cmd:") {
                    Some(_) if others_may_bring(recipe, platform) => {}
                    Some(command) => problems.push(Problem::NoCommand {
                        source_name: source.clone(),
                        platform: platform.clone(),
                        command: command.to_owned(),
                        near: near_commands(command, listings(source).map_or(&[], Vec::as_slice)),
                    }),
                    // The solver says what is nearest.
                    None => chosen.push(((source.clone(), (*wish).to_owned()), (*wish).to_owned())),
                }
            }
        }
    }
    for ((source, term), wish) in chosen {
        let wish = wish.strip_suffix('?').unwrap_or(&wish).to_owned();
        assigned.entry(source).or_default().entry(term).or_default().insert(wish);
    }
    assigned
}

/// The terms by which a wish can be had, best first: a file in a directory of programs may be provided as a command,
/// one that is called like a library by its soname.
fn spellings(wish: &str) -> Vec<String> {
    let term = wish.strip_suffix('?').unwrap_or(wish);
    let mut spellings = vec![term.to_owned()];
    if let Some((directory, name)) = term.strip_prefix('/').and_then(|path| path.rsplit_once('/')) {
        match directory {
            "bin" | "sbin" | "usr/bin" | "usr/sbin" | "usr/local/bin" | "usr/local/sbin" => {
                spellings.push(format!("cmd:{name}"));
            }
            "lib" | "usr/lib" if name.contains(".so") => spellings.push(format!("so:{name}")),
            _ => {}
        }
    }
    spellings
}

/// The name of a term, without tag and version.
fn name_of(term: impl AsRef<str>) -> String {
    let term = term.as_ref();
    let end = term.find(['@', '<', '>', '=', '~']).unwrap_or(term.len());
    term[..end].to_owned()
}

/// Who provides a name.
#[derive(Default)]
struct Providers<'text> {
    packages: BTreeSet<&'text str>,
    /// Whether apk would choose one of them by itself.
    is_decided: bool,
}

impl Providers<'_> {
    /// The term by which it can be had. apk takes no package unasked that provides a name without a version, as
    /// packages before Alpine 3.14 provide their commands; where only one does, that one is meant.
    fn term(&self, term: String) -> String {
        match self.packages.first() {
            Some(only) if !self.is_decided && self.packages.len() == 1 => (*only).to_owned(),
            _ => term,
        }
    }
}

/// Who of the packages of some repositories has or provides each of the names.
fn provided<'all>(
    listings: &'all [Listing],
    names: &'all BTreeSet<String>,
) -> BTreeMap<&'all str, Providers<'all>> {
    let mut provided: BTreeMap<&str, Providers<'_>> = BTreeMap::new();
    for listing in listings {
        match listing.offer() {
            Offer::Apk(index) => provided_by_alpine(index, names, &mut provided),
            Offer::Deb(index) => provided_by_debian(index, names, &mut provided),
        }
    }
    provided
}

fn provided_by_alpine<'all>(
    index: &'all apk::Index,
    names: &'all BTreeSet<String>,
    provided: &mut BTreeMap<&'all str, Providers<'all>>,
) {
    for package in index.packages() {
        if let Some(name) = names.get(package.name) {
            let providers = provided.entry(name).or_default();
            providers.packages.insert(package.name);
            providers.is_decided = true;
        }
        for term in package.provides.as_str().split(' ') {
            let end = term.find(['<', '>', '=', '~']).unwrap_or(term.len());
            if let Some(name) = names.get(&term[..end]) {
                let providers = provided.entry(name).or_default();
                providers.packages.insert(package.name);
                providers.is_decided |= end < term.len() || package.provider_priority > 0;
            }
        }
    }
}

/// Debian's solver says itself which of several providers may be meant, so that each wish stays as it is.
fn provided_by_debian<'all>(
    index: &'all deb::Index,
    names: &'all BTreeSet<String>,
    provided: &mut BTreeMap<&'all str, Providers<'all>>,
) {
    for name in names {
        if let Some(package) = index.named(name).next().or_else(|| index.providing(name).next()) {
            let providers = provided.entry(name).or_default();
            providers.packages.insert(package.name);
            providers.is_decided = true;
        }
    }
}

/// Whether a source for this platform has files that only its unpacking shows.
fn others_may_bring(recipe: &Recipe, platform: &Platform) -> bool {
    recipe.sources.values().filter(|source| source.is_for(platform)).any(|source| match &source.kind {
        SourceKind::Rootfs(_) | SourceKind::Deb(_) => true,
        SourceKind::Artifact(artifact) => matches!(artifact.install.value, Install::Directory(_)),
        SourceKind::Apk(_) | SourceKind::File(_) => false,
    })
}

fn near_commands(command: &str, listings: &[Listing]) -> Vec<String> {
    let mut known = BTreeSet::new();
    for package in listings.iter().filter_map(Listing::apk).flat_map(apk::Index::packages) {
        known.extend(package.provides.as_str().split(' ').filter_map(|term| {
            let name = term.strip_prefix("cmd:")?;
            Some(&name[..name.find('=').unwrap_or(name.len())])
        }));
    }
    nearest(command, known).map(str::to_owned).into_iter().collect()
}
