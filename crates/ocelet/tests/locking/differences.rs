//! What a reviewer sees of an update: versions, sizes, files, needed libraries, programs with other rights, scripts.

use ocelet::lock::Lock;
use ocelet::locking;
use ocelet::recipe::Recipe;
use ocelet_testkit::apk::Entry;
use ocelet_testkit::elf::ElfBuilder;

use crate::scene::{SIGNERS, Scene, built, package, recipe, wanting};

fn shown(scene: &Scene, recipe: &Recipe, old: &Lock, new: &Lock) -> Vec<String> {
    let diff = scene.with(|supply, host| locking::compare(recipe, old, new, supply, host));
    diff.changes
        .iter()
        .flat_map(|change| change.to_string().lines().map(str::to_owned).collect::<Vec<_>>())
        .collect()
}

#[test]
fn an_update_is_told_in_the_terms_of_a_review() {
    let program = |libraries: &[&str]| {
        let builder = ElfBuilder::program("linux/amd64").interpreter("/lib/ld-musl-x86_64.so.1");
        libraries.iter().fold(builder, |builder, name| builder.needs(name)).build()
    };
    let old = package("tool", "1.0-r0")
        .file("usr/bin/elf", 0o755, &program(&["libc.musl-x86_64.so.1", "libold.so.1"]))
        .file("usr/bin/gone", 0o755, b"")
        .file("usr/bin/su", 0o755, b"su")
        .file("usr/bin/was-setgid", 0o2755, b"x")
        .script("pre-install", "#!/bin/sh\nadduser -S tool\n")
        .script("post-install", "#!/bin/sh\ntrue\n")
        .build(SIGNERS);
    let new = package("tool", "1.1-r0")
        .file("usr/bin/elf", 0o755, &program(&["libc.musl-x86_64.so.1", "libnew.so.2"]))
        .file("usr/bin/su", 0o4755, b"su")
        .file("usr/bin/was-setgid", 0o755, b"x")
        .entry(Entry::symlink("usr/bin/link", "tool").with_checksum())
        .script("post-install", "#!/bin/sh\nrm -rf /\n")
        .script("post-upgrade", "#!/bin/sh\ntrue\n")
        .build(SIGNERS);
    let scene = Scene::new();
    scene.repository(&[old.clone(), built("same", "1.0-r0"), built("gone", "1.0-r0")]);
    let before = scene.lock(&recipe(&wanting("'tool', 'same', 'gone'")), None).expect("it can be locked");
    scene.repository(&[old.clone(), new.clone(), built("same", "1.0-r0"), built("fresh", "3.0-r0")]);
    let wanted = recipe(&wanting("'tool', 'same', 'fresh'"));
    let after = scene.update(&wanted, &before, &["tool"]).expect("there is a choice");
    let sizes = |name: &str| {
        let lock = if name == "gone" { &before } else { &after };
        lock.packages.iter().find(|one| one.name == name).expect(name).file.size
    };
    let want = [
        format!("+ fresh 3.0-r0 (alpine: linux/amd64), {} bytes", sizes("fresh")),
        format!("- gone 1.0-r0 (alpine: linux/amd64), {} bytes", sizes("gone")),
        format!(
            "~ tool 1.0-r0 -> 1.1-r0 (alpine: linux/amd64), {} -> {} bytes",
            old.file.len(),
            new.file.len()
        ),
        "    new file /usr/bin/link".to_owned(),
        "    gone file /usr/bin/gone".to_owned(),
        "    newly needs libnew.so.2".to_owned(),
        "    no longer needs libold.so.1".to_owned(),
        "    newly setuid or setgid: /usr/bin/su (4755)".to_owned(),
        "    no longer setuid or setgid: /usr/bin/was-setgid (2755)".to_owned(),
        "    changed script post-install".to_owned(),
        "    new script post-upgrade".to_owned(),
        "    gone script pre-install".to_owned(),
    ];
    assert_eq!(shown(&scene, &wanted, &before, &after), want);
    assert_eq!(shown(&scene, &wanted, &after, &after), Vec::<String>::new());

    // Where the old package cannot be had any more, versions and sizes are still told.
    scene.forget();
    scene.remove("repo/main/x86_64/tool-1.0-r0.apk");
    let without: Vec<&String> = want.iter().filter(|line| !line.starts_with(' ')).collect();
    assert_eq!(shown(&scene, &wanted, &before, &after).iter().collect::<Vec<_>>(), without);
}

#[test]
fn a_rebuild_under_the_same_version_is_told_as_other_bytes() {
    let scene = Scene::new();
    scene.repository(&[built("tool", "1.0-r0")]);
    let recipe = recipe(&wanting("'tool'"));
    let before = scene.lock(&recipe, None).expect("it can be locked");
    let rebuilt = package("tool", "1.0-r0").replace("commit", "abc").build(SIGNERS);
    scene.repository(std::slice::from_ref(&rebuilt));
    let after = scene.update(&recipe, &before, &[]).expect("it is signed");
    let lines = shown(&scene, &recipe, &before, &after);
    let sizes = format!("{} -> {} bytes", before.packages[0].file.size, rebuilt.file.len());
    assert_eq!(lines[0], format!("! tool 1.0-r0 has other bytes (alpine: linux/amd64), {sizes}"));
}
