//! [`plan`]: layers as few and as large as sensible: for each flavor one for each stability, so that one long window of
//! the compressor sees all programs of an image that change together.
//!
//! Two Go programs are alike for a good part (the runtime, client libraries), which only a compressor that sees both
//! finds. The price is that flavors which share some of the files of a layer, and not all, store them once each; flavors
//! that hold the same files of a stability still share the layer. It reads no content, and the same input gives the
//! same plan whatever its order.

use std::collections::{BTreeMap, BTreeSet};

use ocelet_tree::{Inode, Kind, TreePath};

use super::files::Files;
use super::plan::{FlavorFiles, Key, LayerPlan, Part, PlannedLayer, in_manifest_order};
use crate::recipe::Stability;

/// Splits the files of all flavors into layers: one for each flavor and stability, at most `bound` (at least 1) for
/// each flavor.
pub(super) fn plan(files: &Files<'_>, flavors: &[FlavorFiles], bound: usize) -> LayerPlan {
    let mut holders: BTreeMap<(Stability, Part), BTreeSet<String>> = BTreeMap::new();
    let mut layers: BTreeMap<Key, Vec<Part>> = BTreeMap::new();
    let mut own: BTreeMap<String, &BTreeSet<TreePath>> = BTreeMap::new();
    for flavor in flavors {
        let name = BTreeSet::from([flavor.flavor.clone()]);
        for (stability, part) in within(files, &name, groups(flavor), bound.max(1)) {
            // A flavor's own files are no other's, whatever their paths.
            if part.is_disjoint(&flavor.own) {
                holders.entry((stability, part)).or_default().extend(name.clone());
            } else {
                layers.entry(Key { flavors: name.clone(), stability, own: true }).or_default().push(part);
            }
        }
        own.insert(flavor.flavor.clone(), &flavor.own);
    }
    for ((stability, part), flavors) in holders {
        layers.entry(Key { flavors, stability, own: false }).or_default().push(part);
    }
    let layers =
        layers.into_iter().flat_map(|(key, parts)| parts.into_iter().map(move |part| (key.clone(), part)));
    let layers = in_manifest_order(files, layers);
    LayerPlan { repeated_bytes: repeated(files, &layers, &own), layers }
}

/// The files of one flavor by how often they change. Its own count as configuration.
fn groups(flavor: &FlavorFiles) -> BTreeMap<Stability, Part> {
    let mut groups: BTreeMap<Stability, Part> = BTreeMap::new();
    for (path, stability) in &flavor.paths {
        groups.entry(*stability).or_default().insert(path.clone());
    }
    if !flavor.own.is_empty() {
        groups.entry(Stability::Configuration).or_default().extend(flavor.own.iter().cloned());
    }
    groups
}

/// Joins the smallest group to its less stable neighbour, or the last one to the one before, until there are few enough.
fn within(
    files: &Files<'_>,
    flavor: &BTreeSet<String>,
    mut groups: BTreeMap<Stability, Part>,
    bound: usize,
) -> BTreeMap<Stability, Part> {
    while groups.len() > bound {
        let sizes =
            groups.iter().map(|(stability, part)| (super::plan::size(files, flavor, part), *stability));
        let Some((_, smallest)) = sizes.min() else { break };
        let mut stabilities = groups.keys().copied();
        let next = stabilities.clone().find(|stability| *stability > smallest);
        // Of two that are joined the less stable one tells how often the files change.
        let (from, into) = match next {
            Some(next) => (smallest, next),
            None => (stabilities.rfind(|stability| *stability < smallest).unwrap_or(smallest), smallest),
        };
        let part = groups.remove(&from).unwrap_or_default();
        groups.entry(into).or_default().extend(part);
    }
    groups
}

/// The bytes of shared files that are in a second layer, a third and so on.
fn repeated(files: &Files<'_>, layers: &[PlannedLayer], own: &BTreeMap<String, &BTreeSet<TreePath>>) -> u64 {
    let mut stored: BTreeSet<Inode> = BTreeSet::new();
    let mut repeated = 0;
    for layer in layers {
        let mut here: BTreeSet<Inode> = BTreeSet::new();
        let is_own = |path: &&TreePath| layer.flavors.iter().any(|flavor| own[flavor].contains(*path));
        for path in layer.paths.iter().filter(|path| !is_own(path)) {
            let Some(Kind::File { content, inode }) = files.node(&layer.flavors, path).map(|node| &node.kind)
            else {
                continue;
            };
            if here.insert(*inode) && !stored.insert(*inode) {
                repeated += content.length();
            }
        }
    }
    repeated
}

#[cfg(test)]
mod tests {
    use super::super::plan::Split;
    use super::super::plan::tests::planned_by;

    const FILES: &[(&str, char, usize, &str)] = &[
        ("/lib/libc", 'b', 100, "kcn"),
        ("/lib/libmount", 'b', 9, "k"),
        ("/usr/bin/kubelet", 'r', 50, "kc"),
        ("/opt/cni/bridge", 'r', 70, "c"),
        ("/sbin/ip", 'p', 7, "kcn"),
        ("/etc/conf", 'c', 1, "kc"),
    ];

    fn check(files: &[(&str, char, usize, &str)], bound: usize, want: &[&str], repeated: u64) {
        let (layers, bytes) = planned_by(Split::Solid, files, bound);
        let want: Vec<String> = want.iter().map(ToString::to_string).collect();
        assert_eq!((layers, bytes), (want, repeated), "bound {bound}");
    }

    #[test]
    fn a_flavor_has_one_layer_for_each_stability() {
        let all = &[
            "cn: /lib/libc",
            "k: /lib/libc /lib/libmount",
            "ckn: /sbin/ip",
            "c: /opt/cni/bridge /usr/bin/kubelet",
            "k: /usr/bin/kubelet",
            "ck: /etc/conf",
        ];
        check(FILES, 10, all, 150);
        check(FILES, 4, all, 150);
    }

    #[test]
    fn small_layers_are_given_up_first() {
        check(
            FILES,
            2,
            &[
                "cn: /lib/libc",
                "k: /lib/libc /lib/libmount",
                "n: /sbin/ip",
                "c: /etc/conf /opt/cni/bridge /sbin/ip /usr/bin/kubelet",
                "k: /etc/conf /sbin/ip /usr/bin/kubelet",
            ],
            165,
        );
    }

    /// Own files lie below `/own` here.
    #[test]
    fn own_files_are_in_a_layer_of_their_flavor() {
        let files =
            [("/lib/libc", 'b', 100, "kn"), ("/etc/conf", 'c', 3, "kn"), ("/own/passwd", 'c', 2, "kn")];
        check(&files, 9, &["kn: /lib/libc", "k: /etc/conf /own/passwd", "n: /etc/conf /own/passwd"], 3);
        check(&files, 1, &["k: /etc/conf /lib/libc /own/passwd", "n: /etc/conf /lib/libc /own/passwd"], 103);
    }
}
