//! [`plan`]: which file goes into which layer, decided before a byte is written.
//!
//! All flavors of one platform are planned together. There are two ways, see [`Split`]; this is the usual one. Files that the same flavors hold, and that change for
//! the same reasons, share a layer, so that each byte is stored once however many flavors use it. An image
//! never gets more layers than its bound: where there would be more, the split that costs the fewest bytes
//! twice is given up first.
//!
//! The plan knows names and sizes only. It reads no content and decides nothing by chance: the same input
//! gives the same plan whatever its order.

use std::collections::{BTreeMap, BTreeSet};

use ocelet_tree::{Inode, Kind, TreePath};

use super::files::Files;
use super::solid;
use crate::close::Closed;
use crate::recipe::Stability;

/// What one flavor of one platform holds, with the stability of each file.
#[derive(Debug, Clone)]
pub struct FlavorFiles {
    /// The flavor's name.
    pub flavor: String,
    /// Every path that it holds in common with the others; parents of these are added by the layer writer.
    pub paths: BTreeMap<TreePath, Stability>,
    /// The paths whose files are this flavor's own, whatever the others have there: they are in a layer of its own.
    pub own: BTreeSet<TreePath>,
}

impl FlavorFiles {
    /// What each flavor keeps. A file whose source says nothing of its stability counts as configuration.
    pub fn of(closed: &Closed) -> Vec<Self> {
        let stability = |path: &TreePath| {
            let owner = closed.tree.get(path).map(|node| &node.owner);
            owner.and_then(|owner| closed.stability(owner)).unwrap_or(Stability::Configuration)
        };
        closed
            .flavors
            .iter()
            .map(|(name, kept)| {
                let (own, shared): (BTreeSet<&TreePath>, BTreeSet<&TreePath>) =
                    kept.paths.keys().partition(|path| kept.is_own(path));
                Self {
                    flavor: name.to_string(),
                    paths: shared.into_iter().map(|path| (path.clone(), stability(path))).collect(),
                    own: own.into_iter().cloned().collect(),
                }
            })
            .collect()
    }
}

/// One layer to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedLayer {
    /// The flavors whose images have this layer.
    pub flavors: BTreeSet<String>,
    /// How often its files change, at most.
    pub stability: Stability,
    /// What it holds, parents not counted, in the order of the bytes.
    pub paths: BTreeSet<TreePath>,
    /// The bytes of its files, each hard-linked file once.
    pub bytes: u64,
}

/// The layers of all flavors of one platform, in the order in which a manifest lists them: what changes
/// least and serves most flavors first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LayerPlan {
    /// The layers. No path is in two layers of one flavor.
    pub layers: Vec<PlannedLayer>,
    /// Bytes that are stored more than once, to keep the number of layers within the bound.
    pub repeated_bytes: u64,
}

impl LayerPlan {
    /// The positions in [`LayerPlan::layers`] of the layers of one flavor, in manifest order.
    pub fn layers_of(&self, flavor: &str) -> Vec<usize> {
        let holds = |layer: &PlannedLayer| layer.flavors.contains(flavor);
        self.layers
            .iter()
            .enumerate()
            .filter(|(_, layer)| holds(layer))
            .map(|(position, _)| position)
            .collect()
    }
}

/// By what files share a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Split {
    /// Each byte once, however many flavors hold it: the least to store, and to pull where flavors are pulled together.
    #[default]
    Shared,
    /// Each flavor's files of one stability together, so that a long window finds what its programs have in common: the
    /// least to pull of one flavor alone.
    Solid,
}

/// Splits the files of all flavors into layers: at most `bound` (at least 1) for each flavor.
pub fn plan(files: &Files<'_>, flavors: &[FlavorFiles], split: Split, bound: usize) -> LayerPlan {
    match split {
        Split::Shared => shared(files, flavors, bound),
        Split::Solid => solid::plan(files, flavors, bound),
    }
}

fn shared(files: &Files<'_>, flavors: &[FlavorFiles], bound: usize) -> LayerPlan {
    let mut parts = partition(flavors);
    let sizes = |key: &Key, part: &Part| size(files, &key.flavors, part);
    let mut repeated_bytes = 0;
    while let Some(crowded) = most_crowded(&parts, flavors, bound.max(1)) {
        repeated_bytes += relieve(&mut parts, &crowded, &sizes);
    }
    LayerPlan { layers: in_manifest_order(files, parts), repeated_bytes }
}

/// The layers of some parts: what changes least and serves most flavors first.
pub(super) fn in_manifest_order(
    files: &Files<'_>,
    parts: impl IntoIterator<Item = (Key, Part)>,
) -> Vec<PlannedLayer> {
    let layers = parts.into_iter().map(|(key, paths)| {
        let bytes = size(files, &key.flavors, &paths);
        PlannedLayer { flavors: key.flavors, stability: key.stability, paths, bytes }
    });
    let mut layers: Vec<PlannedLayer> = layers.collect();
    // Equals keep their order: what is a flavor's own comes last.
    layers.sort_by(|one, other| {
        (one.stability, usize::MAX - one.flavors.len(), &one.flavors).cmp(&(
            other.stability,
            usize::MAX - other.flavors.len(),
            &other.flavors,
        ))
    });
    layers
}

/// What files must have in common to share a layer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) flavors: BTreeSet<String>,
    pub(super) stability: Stability,
    /// Whether the files are the only flavor's own. They get a layer to themselves as long as there is room, so that
    /// flavors whose own files are the same store them once.
    pub(super) own: bool,
}

/// The paths of a layer.
pub(super) type Part = BTreeSet<TreePath>;

/// Groups the paths by who holds them and how often they change: the finest split.
fn partition(flavors: &[FlavorFiles]) -> BTreeMap<Key, Part> {
    let mut holders: BTreeMap<&TreePath, Key> = BTreeMap::new();
    let mut parts: BTreeMap<Key, Part> = BTreeMap::new();
    for flavor in flavors {
        for (path, stability) in &flavor.paths {
            let key = holders.entry(path).or_insert_with(|| Key {
                flavors: BTreeSet::new(),
                stability: *stability,
                own: false,
            });
            key.flavors.insert(flavor.flavor.clone());
            key.stability = key.stability.max(*stability);
        }
        if !flavor.own.is_empty() {
            let flavors = BTreeSet::from([flavor.flavor.clone()]);
            let key = Key { flavors, stability: Stability::Configuration, own: true };
            parts.insert(key, flavor.own.clone());
        }
    }
    for (path, key) in holders {
        parts.entry(key).or_default().insert(path.clone());
    }
    parts
}

/// The flavor with the most layers, where that is more than the bound; the first by name among equals.
fn most_crowded(parts: &BTreeMap<Key, Part>, flavors: &[FlavorFiles], bound: usize) -> Option<String> {
    let count = |flavor: &str| parts.keys().filter(|key| key.flavors.contains(flavor)).count();
    let names: BTreeSet<&str> = flavors.iter().map(|flavor| flavor.flavor.as_str()).collect();
    let mut most: Option<(usize, &str)> = None;
    for name in names {
        let count = count(name);
        if count > bound && most.is_none_or(|(highest, _)| count > highest) {
            most = Some((count, name));
        }
    }
    most.map(|(_, name)| name.to_owned())
}

/// Takes one layer away from `flavor` in the cheapest way; how many bytes are now stored once more.
///
/// Two layers of the same flavors become one at no cost but stability. Where none are left, a layer's files
/// are stored again in other layers that together serve exactly its flavors.
fn relieve(parts: &mut BTreeMap<Key, Part>, flavor: &str, size: &dyn Fn(&Key, &Part) -> u64) -> u64 {
    if let Some((from, into)) = cheapest_union(parts, flavor, size) {
        let paths = parts.remove(&from).unwrap_or_default();
        parts.entry(into).or_default().extend(paths);
        return 0;
    }
    let mut best: Option<(u64, Key, Vec<Key>)> = None;
    for (key, part) in parts.iter().filter(|(key, _)| key.flavors.contains(flavor) && key.flavors.len() > 1) {
        let cover = cover(parts, key, flavor);
        let cost = size(key, part) * (cover.len() as u64 - 1);
        if best.as_ref().is_none_or(|(lowest, _, _)| cost < *lowest) {
            best = Some((cost, key.clone(), cover));
        }
    }
    let Some((cost, key, cover)) = best else {
        unreachable!("a flavor over its bound has two layers of its own, or one that it shares")
    };
    let paths = parts.remove(&key).unwrap_or_default();
    for into in cover {
        parts.entry(into).or_default().extend(paths.iter().cloned());
    }
    cost
}

/// Two layers with the same flavors whose smaller one is the smallest of all such; it joins the less stable.
fn cheapest_union(
    parts: &BTreeMap<Key, Part>,
    flavor: &str,
    size: &dyn Fn(&Key, &Part) -> u64,
) -> Option<(Key, Key)> {
    let mut best: Option<(u64, Key, Key)> = None;
    let keys: Vec<&Key> = parts.keys().filter(|key| key.flavors.contains(flavor)).collect();
    for pair in keys.windows(2) {
        // Keys are ordered by flavors, then stability: equals stand beside each other.
        let [stable, volatile] = pair else { continue };
        if stable.flavors != volatile.flavors {
            continue;
        }
        let cost = size(stable, &parts[*stable]).min(size(volatile, &parts[*volatile]));
        if best.as_ref().is_none_or(|(lowest, _, _)| cost < *lowest) {
            best = Some((cost, (*stable).clone(), (*volatile).clone()));
        }
    }
    best.map(|(_, from, into)| (from, into))
}

/// Other layers whose flavors together are exactly those of `key`, each flavor once: the largest that exist,
/// and for what remains a layer for each flavor alone.
fn cover(parts: &BTreeMap<Key, Part>, key: &Key, crowded: &str) -> Vec<Key> {
    let mut remaining = key.flavors.clone();
    let mut cover = Vec::new();
    let fits = |other: &&Key| other.flavors != key.flavors && other.flavors.is_subset(&key.flavors);
    let mut candidates: Vec<&Key> = parts.keys().filter(fits).collect();
    candidates.sort_by_key(|other| {
        (!other.flavors.contains(crowded), usize::MAX - other.flavors.len(), other.stability, other.own)
    });
    for candidate in candidates {
        if candidate.flavors.is_subset(&remaining) {
            remaining.retain(|name| !candidate.flavors.contains(name));
            cover.push(candidate.clone());
        }
    }
    let alone = |name| Key { flavors: BTreeSet::from([name]), stability: key.stability, own: false };
    cover.extend(remaining.into_iter().map(alone));
    cover
}

/// The bytes of the files of a part; a file with several names counts once.
pub(super) fn size(files: &Files<'_>, flavors: &BTreeSet<String>, part: &Part) -> u64 {
    let mut seen: BTreeSet<Inode> = BTreeSet::new();
    part.iter()
        .filter_map(|path| files.node(flavors, path))
        .map(|node| match &node.kind {
            Kind::File { content, inode } if seen.insert(*inode) => content.length(),
            Kind::File { .. } | Kind::Directory | Kind::Symlink { .. } => 0,
        })
        .sum()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use ocelet_tree::{Content, Metadata, Owner, Tree};

    const STABILITIES: [(char, Stability); 4] = [
        ('b', Stability::Base),
        ('p', Stability::Packages),
        ('r', Stability::Release),
        ('c', Stability::Configuration),
    ];

    fn planned(lines: &[(&str, char, usize, &str)], bound: usize) -> (Vec<String>, u64) {
        planned_by(Split::Shared, lines, bound)
    }

    /// Each line: a path, its stability letter, its size, the flavors that hold it. Paths below `/own` are own files.
    pub(in crate::layer) fn planned_by(
        split: Split,
        lines: &[(&str, char, usize, &str)],
        bound: usize,
    ) -> (Vec<String>, u64) {
        let mut tree = Tree::new();
        let mut flavors: BTreeMap<String, BTreeMap<TreePath, Stability>> = BTreeMap::new();
        for (path, letter, size, names) in lines {
            let path = TreePath::new(path).expect("a path");
            let content = Content::from_bytes("test", vec![0; *size]);
            tree.add_file(&path, content, Metadata::root_owned(0o644), &Owner::new("test"))
                .expect("a new path");
            let stability = STABILITIES.iter().find(|(name, _)| name == letter).expect("a letter").1;
            for name in names.chars() {
                flavors.entry(name.to_string()).or_default().insert(path.clone(), stability);
            }
        }
        let own = |paths: &mut BTreeMap<TreePath, Stability>| {
            let own: BTreeSet<TreePath> =
                paths.keys().filter(|path| path.as_bytes().starts_with(b"own/")).cloned().collect();
            paths.retain(|path, _| !own.contains(path));
            own
        };
        let flavors: Vec<FlavorFiles> = flavors
            .into_iter()
            .map(|(flavor, mut paths)| FlavorFiles { flavor, own: own(&mut paths), paths })
            .collect();
        let files = Files::shared(&tree);
        let plan = plan(&files, &flavors, split, bound);
        let mut reversed = flavors.clone();
        reversed.reverse();
        assert_eq!(plan, super::plan(&files, &reversed, split, bound), "the order of the flavors matters");
        check_plan(&plan, &flavors, bound);
        let shown = plan.layers.iter().map(|layer| {
            let names: String = layer.flavors.iter().map(String::as_str).collect();
            let paths: Vec<String> = layer.paths.iter().map(ToString::to_string).collect();
            format!("{names}: {}", paths.join(" "))
        });
        (shown.collect(), plan.repeated_bytes)
    }

    /// What must hold of every plan: each flavor gets exactly its files, each once, in few enough layers.
    fn check_plan(plan: &LayerPlan, flavors: &[FlavorFiles], bound: usize) {
        for flavor in flavors {
            let mine = plan.layers_of(&flavor.flavor);
            assert!(mine.len() <= bound.max(1), "{} has {} layers", flavor.flavor, mine.len());
            let mut paths: Vec<&TreePath> =
                mine.iter().flat_map(|layer| &plan.layers[*layer].paths).collect();
            paths.sort();
            let mut wanted: Vec<&TreePath> = flavor.paths.keys().chain(&flavor.own).collect();
            wanted.sort();
            assert_eq!(paths, wanted, "{}", flavor.flavor);
        }
    }

    #[test]
    fn files_are_split_by_who_holds_them_and_how_often_they_change() {
        let files = [
            ("/libc", 'b', 100, "kn"),
            ("/kubelet", 'b', 50, "k"),
            ("/net", 'b', 70, "n"),
            ("/etc/conf", 'c', 1, "kn"),
        ];
        for (bound, want, repeated) in [
            (10, &["kn: /libc", "k: /kubelet", "n: /net", "kn: /etc/conf"][..], 0),
            (3, &["kn: /libc", "k: /kubelet", "n: /net", "kn: /etc/conf"], 0),
            (2, &["k: /kubelet", "n: /net", "kn: /etc/conf /libc"], 0),
            (1, &["k: /etc/conf /kubelet /libc", "n: /etc/conf /libc /net"], 101),
            (0, &["k: /etc/conf /kubelet /libc", "n: /etc/conf /libc /net"], 101),
        ] {
            let (layers, bytes) = planned(&files, bound);
            assert_eq!(
                (layers, bytes),
                (want.iter().map(ToString::to_string).collect(), repeated),
                "bound {bound}"
            );
        }
    }

    /// Own files lie below `/own` here: a flavor never shares them, though others have the same path.
    #[test]
    fn own_files_have_a_layer_of_their_own_while_there_is_room() {
        let files = [
            ("/libc", 'b', 100, "kn"),
            ("/kubelet", 'b', 50, "k"),
            ("/etc/conf", 'c', 3, "k"),
            ("/own/passwd", 'c', 2, "kn"),
        ];
        let all = &["kn: /libc", "k: /kubelet", "k: /etc/conf", "k: /own/passwd", "n: /own/passwd"][..];
        for (bound, want, repeated) in [
            (4, all, 0),
            (3, &["kn: /libc", "k: /kubelet", "k: /etc/conf /own/passwd", "n: /own/passwd"], 0),
            (2, &["kn: /libc", "k: /etc/conf /kubelet /own/passwd", "n: /own/passwd"], 0),
            (1, &["k: /etc/conf /kubelet /libc /own/passwd", "n: /libc /own/passwd"], 100),
        ] {
            let (layers, bytes) = planned(&files, bound);
            let want: Vec<String> = want.iter().map(ToString::to_string).collect();
            assert_eq!((layers, bytes), (want, repeated), "bound {bound}");
        }
    }

    #[test]
    fn the_cheapest_split_is_given_up_first() {
        let files = [
            ("/abc", 'b', 1000, "abc"),
            ("/ab", 'b', 10, "ab"),
            ("/ac", 'b', 20, "ac"),
            ("/bc", 'b', 30, "bc"),
            ("/a", 'b', 5, "a"),
            ("/b", 'b', 5, "b"),
            ("/c", 'b', 5, "c"),
        ];
        let (layers, repeated) = planned(&files, 3);
        // a and b give up what only they share, and then c still has one too many, for which a has room.
        assert_eq!(repeated, 30, "the two smallest shared layers are stored twice: {layers:?}");
        for bound in 1..6 {
            planned(&files, bound);
        }
    }
}
