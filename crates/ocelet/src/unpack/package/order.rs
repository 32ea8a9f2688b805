//! The order in which packages are put in place: what a package needs comes before it, as with apk and dpkg, and names decide
//! where nothing else does. It matters only where two packages may both overwrite the other.

use std::collections::BTreeMap;

use super::format::{Format, Names};

/// Puts packages into the order of their installation. A circle is begun at its first name.
pub(super) fn installation<F: Format>(packages: Vec<F>) -> Vec<F> {
    let mut named: Vec<(Names, F)> = packages.into_iter().map(|package| (package.names(), package)).collect();
    named.sort_by(|(one, _), (other, _)| one.name.cmp(&other.name));
    let (names, packages): (Vec<Names>, Vec<F>) = named.into_iter().unzip();
    let mut slots: Vec<Option<F>> = packages.into_iter().map(Some).collect();
    order(&names).into_iter().filter_map(|place| slots[place].take()).collect()
}

/// The positions of the packages in the order of their installation.
fn order(packages: &[Names]) -> Vec<usize> {
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
fn needed(packages: &[Names]) -> Vec<Vec<usize>> {
    let mut providers: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (place, package) in packages.iter().enumerate() {
        for name in std::iter::once(&package.name).chain(&package.provides) {
            providers.entry(name).or_default().push(place);
        }
    }
    let of = |package: &Names| {
        let needs = package.needs.iter();
        needs.flat_map(|name| providers.get(name.as_str()).cloned().unwrap_or_default()).collect()
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
            (&["a: a", "c:"], "a c"),
            (&["a: so:x", "z: | so:x"], "z a"),
            (&["a: gone", "b: a"], "a b"),
            (&[], ""),
        ] {
            let words = |text: &str| text.split_whitespace().map(str::to_owned).collect();
            let infos: Vec<Names> = packages
                .iter()
                .map(|line| {
                    let (name, rest) = line.split_once(':').expect("a colon");
                    let (needs, provides) = rest.split_once('|').unwrap_or((rest, ""));
                    Names { name: name.to_owned(), needs: words(needs), provides: words(provides) }
                })
                .collect();
            let names: Vec<&str> = order(&infos).iter().map(|at| infos[*at].name.as_str()).collect();
            assert_eq!(names.join(" "), want, "{packages:?}");
        }
    }
}
