//! What goes into which layer: flavors share, hard links stay in one layer or become files, the bound holds.

use std::collections::{BTreeMap, BTreeSet};

use ocelet::finished::FinishedImage;
use ocelet::layer::{Compression, Split, Window};
use ocelet::tree::{Blob, Kind, Owner, Tree, tar_in};
use ocelet_testkit::rootfs::debian;

use crate::scenario::{Outcome, Scenario, check, path};

/// The tree of one layer alone.
pub(crate) fn layer_tree(image: &FinishedImage, position: usize) -> Tree {
    let mut tree = Tree::new();
    let mut bytes = Vec::new();
    let mut reader = image.image.layers[position].open().expect("a layer");
    std::io::copy(&mut reader, &mut bytes).expect("the digest is right");
    let blob = Blob::from_bytes("layer", bytes);
    let options = tar_in::Options { duplicates: tar_in::Duplicates::Refuse, ..tar_in::Options::default() };
    tar_in::apply_layer_blob(&mut tree, &blob, &Owner::new("layer"), &options).expect("a layer stands alone");
    tree
}

/// Every file of all distinct layers, with how many layers hold it.
fn stored(outcome: &Outcome) -> BTreeMap<String, usize> {
    let mut seen = BTreeSet::new();
    let mut stored = BTreeMap::new();
    for image in outcome.images() {
        for position in 0..image.image.layers.len() {
            if seen.insert(image.image.layers[position].digest().copied()) {
                let tree = layer_tree(&image, position);
                for (path, _) in tree.iter().filter(|(_, node)| !node.is_directory()) {
                    *stored.entry(path.to_string()).or_default() += 1;
                }
            }
        }
    }
    stored
}

const FLAVORS: &str = "source.host.rootfs = 'root.tar'\nsource.motd = { text = 'hi', install = '/etc/motd' }\n\
    flavor.a = { commands = ['dash'], files = ['/etc/motd'] }\nflavor.b = { extends = 'a', commands = ['mount'] }\nflavor.c = { extends = 'b', commands = ['greet'] }\nflavor.d.files = ['/etc/os-release']";

#[test]
fn flavors_store_each_file_once() {
    let scenario = Scenario::new(FLAVORS, &[("root.tar", debian("amd64"))]);
    let outcome = scenario.run();
    outcome.is_sound(true);
    let stored = stored(&outcome);
    assert_eq!(stored.len(), 17, "{stored:?}");
    assert!(stored.values().all(|count| *count == 1), "{stored:?}");
    let shared: Vec<Vec<String>> = outcome
        .images()
        .iter()
        .map(|image| {
            image
                .report
                .as_ref()
                .expect("a report")
                .layers
                .iter()
                .map(|layer| layer.flavors.join(""))
                .collect()
        })
        .collect();
    assert_eq!(
        shared,
        [vec!["abc", "abc"], vec!["abc", "bc", "abc"], vec!["abc", "bc", "c", "abc"], vec!["d"]]
    );
}

/// Solid layers hold the same files, read by the same readers, in as few layers as there are stabilities.
#[test]
fn solid_layers_hold_the_same_files() {
    let scenario = Scenario::new(FLAVORS, &[("root.tar", debian("amd64"))]);
    let want = scenario.run();
    let window = Some(Compression::Zstd { level: 3, window: Some(Window::LARGEST) });
    let outcome = Scenario { split: Split::Solid, compression: window, ..scenario }.run();
    outcome.is_sound(true);
    for (image, other) in outcome.images().iter().zip(want.images()) {
        let paths = |outcome: &Outcome, image: &FinishedImage| -> Vec<String> {
            outcome.tree(image).iter().map(|(path, _)| path.to_string()).collect()
        };
        assert_eq!(paths(&outcome, image), paths(&want, &other));
        let layers = &image.report.as_ref().expect("a report").layers;
        let stabilities: BTreeSet<&String> = layers.iter().map(|layer| &layer.stability).collect();
        assert_eq!(stabilities.len(), layers.len(), "{:?}", image.tag);
    }
}

#[test]
fn the_bound_holds_at_the_least_price() {
    let scenario = Scenario::new(FLAVORS, &[("root.tar", debian("amd64"))]);
    let want = scenario.run();
    for bound in 1..=4 {
        let outcome = Scenario { layers: Some(bound), ..scenario.clone() }.run();
        outcome.is_sound(true);
        for (image, whole) in outcome.images().iter().zip(want.images()) {
            assert!(
                image.image.layers.len() <= bound,
                "{:?} has {} layers",
                image.tag,
                image.image.layers.len()
            );
            let paths = |outcome: &Outcome, image: &FinishedImage| -> Vec<String> {
                outcome.tree(image).iter().map(|(path, _)| path.to_string()).collect()
            };
            assert_eq!(paths(&outcome, image), paths(&want, &whole));
        }
        let repeated = stored(&outcome).values().filter(|count| **count > 1).count();
        assert_eq!(repeated == 0, bound >= 3, "bound {bound}: {repeated}");
    }
}

#[test]
fn hard_links_stay_within_a_layer_and_are_split_between_layers() {
    let root = "/usr/bin/a elf amd64 static\n/usr/bin/b == /usr/bin/a\n/usr/bin/c == /usr/bin/a\n/etc/x = x\n/etc/y == /etc/x";
    for place in ["root.tar", "root/"] {
        let lines = format!(
            "source.host.rootfs = '{}'\nflavor.one.commands = ['a', 'b']\nflavor.two.commands = ['a', 'b', 'c']\nflavor.three.files = ['/etc/*']\n",
            place.trim_end_matches('/')
        );
        let outcome = check(
            place,
            &Scenario::new(&lines, &[(place, root.to_owned())]),
            "v1-one linux/amd64
            /usr/bin/a file 0755 elf 0:0 host 0
            /usr/bin/b file 0755 elf 0:0 host 0
            v1-three linux/amd64
            /etc/x file 0644 1 0:0 host 0
            /etc/y file 0644 1 0:0 host 0
            v1-two linux/amd64
            /usr/bin/a file 0755 elf 0:0 host 0
            /usr/bin/b file 0755 elf 0:0 host 0
            /usr/bin/c file 0755 elf 0:0 host 1",
        );
        let images = outcome.images();
        let inode = |tree: &Tree, at: &str| match &tree.get(&path(at)).expect(at).kind {
            Kind::File { inode, .. } => *inode,
            other => panic!("{at} is a {}", other.noun()),
        };
        let (shared, two) = (layer_tree(&images[0], 0), outcome.tree(&images[2]));
        assert_eq!(inode(&shared, "/usr/bin/a"), inode(&shared, "/usr/bin/b"), "one file within a layer");
        assert_ne!(inode(&two, "/usr/bin/a"), inode(&two, "/usr/bin/c"), "two files in two layers");
        let three = outcome.tree(&images[1]);
        assert_eq!(inode(&three, "/etc/x"), inode(&three, "/etc/y"));
    }
}

/// The mode of a directory that several layers hold is the same in each.
#[test]
fn parents_are_the_same_in_every_layer() {
    let root =
        format!("{}/opt/\n0700:5:6 /opt/secret/\n/opt/secret/a = a\n/opt/secret/b = b\n", debian("amd64"));
    let lines = "source.host.rootfs = 'root.tar'\nsource.c = { text = 'c', install = '/opt/secret/c' }\n\
        flavor.a.files = ['/opt/secret/a', '/opt/secret/c']\nflavor.b.files = ['/opt/secret/*']\n";
    let outcome = Scenario::new(lines, &[("root.tar", root)]).run();
    outcome.is_sound(true);
    for image in outcome.images() {
        assert!(image.image.layers.len() >= 2);
        for position in 0..image.image.layers.len() {
            let tree = layer_tree(&image, position);
            let there = &tree.get(&path("/opt/secret")).expect("a parent").metadata;
            assert_eq!((there.mode, there.uid, there.gid, there.mtime), (0o700, 5, 6, 1));
        }
    }
}
