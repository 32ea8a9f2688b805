//! The layout as a whole: several platforms, a part of the flavors, and what was there before.

use std::collections::BTreeSet;

use ocelet::finished::Finished;
use ocelet_testkit::rootfs::debian;

use crate::scenario::{Outcome, Scenario, check};

fn three_platforms() -> Scenario {
    let lines = "platforms = ['linux/amd64', 'linux/arm64', 'linux/arm/v7']\nsource.host.rootfs = '{arch}{-variant}.tar'\n\
        flavor.a.commands = ['dash']\nflavor.b.commands = ['mount']\nflavor.c.files = ['/etc/passwd']\n";
    let files = [("amd64.tar", debian("amd64")), ("arm64.tar", debian("arm64")), ("arm-v7.tar", debian("armv7"))];
    Scenario::new(lines, &files)
}

#[test]
fn one_index_over_all_platforms() {
    let mut scenario = three_platforms();
    scenario.flavors = vec!["a"];
    check("three platforms", &scenario, "v1-a linux/amd64
        /lib link 0777 usr/lib 0:0 host 0
        /lib64 link 0777 usr/lib64 0:0 host 0
        /usr/bin/dash file 0755 elf 0:0 host 1
        /usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2 file 0755 elf 0:0 host 0
        /usr/lib/x86_64-linux-gnu/libc.so.6 file 0755 elf 0:0 host 0
        /usr/lib64/ld-linux-x86-64.so.2 link 0777 ../lib/x86_64-linux-gnu/ld-linux-x86-64.so.2 0:0 host 0
        v1-a linux/arm/v7
        /lib link 0777 usr/lib 0:0 host 0
        /usr/bin/dash file 0755 elf 0:0 host 1
        /usr/lib/arm-linux-gnueabihf/ld-linux-armhf.so.3 file 0755 elf 0:0 host 0
        /usr/lib/arm-linux-gnueabihf/libc.so.6 file 0755 elf 0:0 host 0
        /usr/lib/ld-linux-armhf.so.3 link 0777 arm-linux-gnueabihf/ld-linux-armhf.so.3 0:0 host 0
        v1-a linux/arm64
        /lib link 0777 usr/lib 0:0 host 0
        /usr/bin/dash file 0755 elf 0:0 host 1
        /usr/lib/aarch64-linux-gnu/ld-linux-aarch64.so.1 file 0755 elf 0:0 host 0
        /usr/lib/aarch64-linux-gnu/libc.so.6 file 0755 elf 0:0 host 0
        /usr/lib/ld-linux-aarch64.so.1 link 0777 aarch64-linux-gnu/ld-linux-aarch64.so.1 0:0 host 0");
}

#[test]
fn a_part_of_the_flavors_has_the_digests_of_the_whole() {
    let whole = three_platforms().run();
    whole.is_sound(true);
    assert_eq!(whole.digests().len(), 3);
    for flavors in [vec!["a"], vec!["b"], vec!["c"], vec!["c", "a"]] {
        let part = Scenario { flavors: flavors.clone(), ..three_platforms() }.run();
        part.is_sound(true);
        let want: Vec<_> = whole.digests().into_iter().filter(|(tag, _)| flavors.iter().any(|one| tag.ends_with(one))).collect();
        assert_eq!(part.digests().into_iter().collect::<Vec<_>>(), want, "{flavors:?}");
    }
    // A part of the platforms is another index, over the same images.
    let part = Scenario { platforms: vec!["linux/arm64"], ..three_platforms() }.run();
    part.is_sound(true);
    let manifests = |outcome: &Outcome| -> BTreeSet<String> {
        outcome.images().iter().map(|image| image.manifest.as_ref().expect("a layout").digest.to_string()).collect()
    };
    assert!(manifests(&part).is_subset(&manifests(&whole)));
    assert_eq!(manifests(&part).len(), 3);
}

#[test]
fn a_second_run_changes_nothing() {
    let scenario = three_platforms();
    let first = scenario.run();
    let (digests, blobs) = (first.digests(), first.blobs());
    let again = scenario.run_in(first.place);
    again.is_sound(true);
    assert_eq!((again.digests(), again.blobs()), (digests, blobs));
    assert_eq!(again.result.expect("as before").shipped.replaced, Vec::<String>::new());
}

#[test]
fn a_changed_recipe_replaces_its_tags_and_leaves_no_orphan() {
    let scenario = three_platforms();
    let first = scenario.run();
    let (old, blobs) = (first.digests(), first.blobs());
    let mut changed = scenario.clone();
    changed.recipe = changed.recipe.replace("['mount']", "['mount', 'env']");
    let second = changed.run_in(first.place);
    second.is_sound(true);
    let new = second.digests();
    assert!(new["v1-b"] != old["v1-b"]);
    assert!(second.result.as_ref().expect("good").shipped.replaced.contains(&"v1-b".to_owned()));
    assert!(!second.blobs().contains(old["v1-b"].trim_start_matches("sha256:")));
    // And back again: nothing of the way there remains.
    let third = scenario.run_in(second.place);
    third.is_sound(true);
    assert_eq!((third.digests(), third.blobs()), (old, blobs));
}

#[test]
fn the_tags_of_another_recipe_stay() {
    let scenario = three_platforms();
    let mut other = scenario.clone();
    other.recipe = other.recipe.replace("image = \"x\"", "image = \"y\"").replace("tag = \"v1", "tag = \"w1");
    let first = scenario.run();
    let mine = first.digests();
    let second = other.run_in(first.place);
    second.is_sound(true);
    let tags = Finished::open(ocelet::finished::Reference { path: second.layout(), tag: None }).expect("a layout").tags();
    assert_eq!(tags.len(), 6, "{tags:?}");
    let third = scenario.run_in(second.place);
    third.is_sound(true);
    assert_eq!(third.digests(), mine);
}

/// A run that fails leaves what was there.
#[test]
fn a_failed_run_leaves_the_layout_as_it_was() {
    let scenario = three_platforms();
    let first = scenario.run();
    let (digests, blobs) = (first.digests(), first.blobs());
    let mut failing = scenario.clone();
    failing.recipe = failing.recipe.replace("['mount']", "['mount', 'nothing']");
    let failed = failing.run_in(first.place);
    assert!(failed.result.is_err());
    assert_eq!(failed.blobs(), blobs);
    let again = scenario.run_in(failed.place);
    assert_eq!((again.digests(), again.blobs()), (digests, blobs));
}
