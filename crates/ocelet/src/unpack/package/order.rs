//! The order in which packages are put in place: what a package needs comes before it, as with apk, and names decide
//! where nothing else does. It matters only where two packages may both overwrite the other.

use std::collections::BTreeMap;

use ocelet_package::apk::{Dependency, PackageInfo};

use super::settle::Opened;

/// Puts packages into the order of their installation. A circle is begun at its first name.
pub(super) fn installation(mut packages: Vec<Opened>) -> Vec<Opened> {
    packages.sort_by(|one, other| one.control.info.name.cmp(&other.control.info.name));
    let places = order(&packages.iter().map(|package| &package.control.info).collect::<Vec<_>>());
    let mut slots: Vec<Option<Opened>> = packages.into_iter().map(Some).collect();
    places.into_iter().filter_map(|place| slots[place].take()).collect()
}

/// The positions of the packages in the order of their installation.
fn order(packages: &[&PackageInfo]) -> Vec<usize> {
    let needed = needed(packages);
    let mut seen = vec![false; packages.len()];
    let mut order = Vec::with_capacity(packages.len());
    for start in 0..packages.len() {
        let mut way: Vec<(usize, usize)> = Vec::new();
        if !std::mem::replace(&mut seen[start], true) {
            way.push((start, 0));
        }
        while let Some((package, next)) = way.last_mut() {
            let package = *package;
            if let Some(&dependency) = needed[package].get(*next) {
                *next += 1;
                if !std::mem::replace(&mut seen[dependency], true) {
                    way.push((dependency, 0));
                }
            } else {
                order.push(package);
                way.pop();
            }
        }
    }
    order
}

/// For each package the positions of those that have what it needs. Versions are not compared: the lock was solved.
fn needed(packages: &[&PackageInfo]) -> Vec<Vec<usize>> {
    let mut providers: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (place, package) in packages.iter().enumerate() {
        let provided = package.provides.iter().filter_map(|term| Some(Dependency::parse(term).ok()?.name));
        for name in std::iter::once(package.name.as_str()).chain(provided) {
            providers.entry(name).or_default().push(place);
        }
    }
    let of = |package: &&PackageInfo| {
        let terms = package.depends.iter().filter_map(|term| Dependency::parse(term).ok());
        terms
            .filter(|term| !term.conflict)
            .flat_map(|term| providers.get(term.name).cloned().unwrap_or_default())
            .collect()
    };
    packages.iter().map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_needed_comes_first() {
        for (packages, want) in [
            (&["a: c", "b:", "c: b"][..], "b c a"),
            (&["a:", "b:", "c:"], "a b c"),
            // busybox-binsh and busybox need each other's names in real life.
            (&["a: b", "b: a", "c:"], "b a c"),
            (&["a: a !c", "c:"], "a c"),
            (&["a: so:x>=2", "z: | so:x=1"], "z a"),
            (&["a: gone", "b: a"], "a b"),
            (&[], ""),
        ] {
            let infos: Vec<PackageInfo> = packages
                .iter()
                .map(|line| {
                    let (name, rest) = line.split_once(':').expect("a colon");
                    let (depends, provides) = rest.split_once('|').unwrap_or((rest, ""));
                    let text =
                        format!("pkgname = {name}\npkgver = 1\ndepend = {depends}\nprovides = {provides}\n");
                    PackageInfo::parse(text.as_bytes()).expect("well formed")
                })
                .collect();
            let names: Vec<&str> =
                order(&infos.iter().collect::<Vec<_>>()).iter().map(|at| infos[*at].name.as_str()).collect();
            assert_eq!(names.join(" "), want, "{packages:?}");
        }
    }
}
