//! What a reviewer sees of an update: versions, sizes, files, needed libraries, programs with other rights, scripts.

use ocelet::lock::Lock;
use ocelet::locking;
use ocelet::recipe::Recipe;
use ocelet_testkit::elf::ElfBuilder;

use crate::backend::{BACKENDS, described};
use crate::scene::Scene;

fn shown(scene: &Scene, recipe: &Recipe, old: &Lock, new: &Lock) -> Vec<String> {
    let diff = scene.with(|supply, host| locking::compare(recipe, old, new, supply, host));
    diff.changes
        .iter()
        .flat_map(|change| change.to_string().lines().map(str::to_owned).collect::<Vec<_>>())
        .collect()
}

#[test]
fn an_update_is_told_in_the_terms_of_a_review() {
    for backend in BACKENDS {
        let program = |libraries: &[&str]| {
            let builder = ElfBuilder::program("linux/amd64").interpreter("/lib/ld-musl-x86_64.so.1");
            libraries.iter().fold(builder, |builder, name| builder.needs(name)).build()
        };
        let old = described("tool", "1.0-r0")
            .file("usr/bin/elf", 0o755, &program(&["libc.musl-x86_64.so.1", "libold.so.1"]))
            .file("usr/bin/gone", 0o755, b"")
            .file("usr/bin/su", 0o755, b"su")
            .file("usr/bin/was-setgid", 0o2755, b"x")
            .script("pre-install", "#!/bin/sh\nadduser -S tool\n")
            .script("post-install", "#!/bin/sh\ntrue\n");
        let new = described("tool", "1.1-r0")
            .file("usr/bin/elf", 0o755, &program(&["libc.musl-x86_64.so.1", "libnew.so.2"]))
            .file("usr/bin/su", 0o4755, b"su")
            .file("usr/bin/was-setgid", 0o755, b"x")
            .link("usr/bin/link", "tool")
            .script("post-install", "#!/bin/sh\nrm -rf /\n")
            .script("post-deinstall", "#!/bin/sh\ntrue\n");
        let scene = backend.scene(&[old.clone(), described("same", "1.0-r0"), described("gone", "1.0-r0")]);
        let before = scene.lock(&backend.recipe("'tool', 'same', 'gone'"), None).expect("it can be locked");
        backend.repository(
            &scene,
            &[old.clone(), new.clone(), described("same", "1.0-r0"), described("fresh", "3.0-r0")],
        );
        let wanted = backend.recipe("'tool', 'same', 'fresh'");
        let after = scene.update(&wanted, &before, &["tool"]).expect("there is a choice");
        let size = |lock: &Lock, name: &str| {
            lock.packages.iter().find(|one| one.name == name).expect(name).file.size
        };
        let source = backend.source();
        let mut want = [
            format!("+ fresh 3.0-r0 ({source}: linux/amd64), {} bytes", size(&after, "fresh")),
            format!("- gone 1.0-r0 ({source}: linux/amd64), {} bytes", size(&before, "gone")),
            format!(
                "~ tool 1.0-r0 -> 1.1-r0 ({source}: linux/amd64), {} -> {} bytes",
                size(&before, "tool"),
                size(&after, "tool")
            ),
            "    new file /usr/bin/link".to_owned(),
            "    gone file /usr/bin/gone".to_owned(),
            "    newly needs libnew.so.2".to_owned(),
            "    no longer needs libold.so.1".to_owned(),
            "    newly setuid or setgid: /usr/bin/su (4755)".to_owned(),
            "    no longer setuid or setgid: /usr/bin/was-setgid (2755)".to_owned(),
            format!("    changed script {}", backend.script("post-install")),
            format!("    new script {}", backend.script("post-deinstall")),
            format!("    gone script {}", backend.script("pre-install")),
        ];
        // Scripts are told by name.
        want[9..].sort_by_key(|line| line.rsplit(' ').next().map(str::to_owned));
        assert_eq!(shown(&scene, &wanted, &before, &after), want);
        assert_eq!(shown(&scene, &wanted, &after, &after), Vec::<String>::new());

        // Where the old package cannot be had any more, versions and sizes are still told.
        scene.forget();
        scene.remove(backend.files().last().expect("a package"));
        let without: Vec<&String> = want.iter().filter(|line| !line.starts_with(' ')).collect();
        assert_eq!(shown(&scene, &wanted, &before, &after).iter().collect::<Vec<_>>(), without);
    }
}

#[test]
fn a_rebuild_under_the_same_version_is_told_as_other_bytes() {
    for backend in BACKENDS {
        let scene = backend.scene(&[described("tool", "1.0-r0")]);
        let recipe = backend.recipe("'tool'");
        let before = scene.lock(&recipe, None).expect("it can be locked");
        let rebuilt = described("tool", "1.0-r0").file("usr/bin/more", 0o755, b"");
        backend.repository(&scene, &[rebuilt]);
        let after = scene.update(&recipe, &before, &[]).expect("it is signed");
        let lines = shown(&scene, &recipe, &before, &after);
        let source = backend.source();
        let sizes = format!("{} -> {} bytes", before.packages[0].file.size, after.packages[0].file.size);
        assert_eq!(lines[0], format!("! tool 1.0-r0 has other bytes ({source}: linux/amd64), {sizes}"));
    }
}
