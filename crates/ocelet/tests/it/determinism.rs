//! The same wishes give the same bytes: whatever the order of files on the disk, of entries in a tarball and of
//! sources, the number of threads, the place, and the umask.

use ocelet::layer::{Compression, Split, Window};
use ocelet_testkit::rootfs::{alpine, debian, tar_bytes, tree};

use crate::scenario::{Scenario, write};

fn scenarios() -> Vec<(&'static str, Scenario)> {
    let flavors = "flavor.a = { commands = ['dash', 'greet'], directories = [{ path = '/run', mode = '0700' }] }\n\
        flavor.b = { extends = 'a', commands = ['mount'], files = ['/etc/**', '/tmp', '/usr/share/big'], links = [{ path = '/etc/mtab', target = '../proc/self/mounts' }] }\n";
    let motd = "source.motd = { text = 'hi', install = '/etc/motd', replace = true }\n";
    let more = format!(
        "{}/etc/motd = hello\n/etc/one = linked\n/etc/two == /etc/one\n0000 /etc/gshadow = x\n/usr/share/big = {}\n",
        debian("amd64"),
        "0123456789abcdef".repeat(200_000)
    );
    let recipe = |source: &str| format!("source.host.rootfs = '{source}'\n{motd}{flavors}");
    let platforms = "platforms = ['linux/amd64', 'linux/arm64', 'linux/arm/v7']\nsource.host.rootfs = '{arch}{-variant}.tar'\n\
        flavor.a.commands = ['dash']\nflavor.b.commands = ['mount']";
    let machines =
        vec![("amd64.tar", debian("amd64")), ("arm64.tar", debian("arm64")), ("arm-v7.tar", debian("armv7"))];
    let two = "source.debian.rootfs = 'debian'\nsource.alpine = { rootfs = 'alpine.tar', exclude = ['/etc/**', '/bin/sh'] }\n\
        flavor.a.commands = ['dash', 'apk']";
    vec![
        ("a tarball", Scenario::new(&recipe("root.tar"), &[("root.tar", more.clone())])),
        ("a directory", Scenario::new(&recipe("root"), &[("root/", more)])),
        ("three platforms", Scenario::new(platforms, &machines)),
        ("two worlds", Scenario::new(two, &[("debian/", debian("amd64")), ("alpine.tar", alpine())])),
    ]
}

#[test]
fn nothing_of_the_machine_reaches_the_bytes() {
    for (name, scenario) in scenarios() {
        for (compression, split) in [
            (Compression::DEFAULT, Split::Shared),
            (Compression::Zstd { level: 3, window: None }, Split::Shared),
            (Compression::Zstd { level: 3, window: Some(Window::LARGEST) }, Split::Solid),
        ] {
            let scenario = Scenario { compression: Some(compression), split, ..scenario.clone() };
            let want = scenario.run();
            want.is_sound(true);
            for (jobs, reversed) in [(1, false), (4, true), (7, false)] {
                let other = Scenario { jobs, reversed, ..scenario.clone() }.run();
                assert_eq!(other.digests(), want.digests(), "{name}, {compression}, {jobs} jobs");
                assert_eq!(other.blobs(), want.blobs(), "{name}, {compression}, {jobs} jobs");
            }
        }
    }
}

/// A directory and a tarball of the same files are the same image.
#[test]
fn the_form_of_a_source_does_not_matter() {
    let recipe =
        |source: &str| format!("source.host.rootfs = '{source}'\nflavor.a.commands = ['mount', 'greet']\n");
    let digests: Vec<_> = ["root/", "root.tar", "root.tar.gz", "root.tar.zst"]
        .into_iter()
        .map(|place| {
            let outcome = Scenario::new(&recipe("link"), &[(place, debian("amd64"))]);
            // The report names the source as the recipe does, so all have the same name.
            let held = tempfile::tempdir().expect("a directory");
            write(&held.path().join(place), &debian("amd64"), false);
            std::os::unix::fs::symlink(place.trim_end_matches('/'), held.path().join("link"))
                .expect("a link");
            outcome.run_in(held).digests()
        })
        .collect();
    assert!(digests.iter().all(|one| *one == digests[0]), "{digests:#?}");
}

/// Entries of a tarball in another order, as far as hard links and parents allow.
#[test]
fn the_order_of_a_tarball_does_not_matter() {
    let recipe = "source.host.rootfs = 'root.tar'\nflavor.a = { files = ['/**'] }";
    let lines = "/a = a\n/b/\n/b/c = c\n/b/d -> c\n/e = e\n";
    let bytes = tar_bytes(&tree(lines));
    // Each entry is a header and at most one block of content.
    let mut entries: Vec<&[u8]> = Vec::new();
    let mut at = 0;
    while bytes[at] != 0 {
        let size = if bytes[at + 156] == b'0' { 1024 } else { 512 };
        entries.push(&bytes[at..at + size]);
        at += size;
    }
    assert_eq!(entries.len(), 5);
    let want = Scenario::new(recipe, &[("root.tar", lines.to_owned())]).run().digests();
    for order in [[4, 3, 2, 1, 0], [2, 0, 4, 1, 3], [1, 3, 2, 4, 0]] {
        let place = tempfile::tempdir().expect("a directory");
        let mut shuffled: Vec<u8> = order.iter().flat_map(|entry| entries[*entry]).copied().collect();
        shuffled.extend_from_slice(&[0; 1024]);
        std::fs::write(place.path().join("root.tar"), shuffled).expect("a file");
        assert_eq!(Scenario::new(recipe, &[]).run_in(place).digests(), want, "{order:?}");
    }
}

/// The order of sources and flavors in the recipe is no wish; their lines are, since reasons name them. So only the
/// image is compared, not the report.
#[test]
fn the_order_of_the_recipe_does_not_matter() {
    let [one, two] = ["source.a.rootfs = 'a.tar'\n", "source.b.rootfs = 'b.tar'\n"];
    let [x, y] = ["flavor.x.commands = ['dash']\n", "flavor.y.commands = ['mount']\n"];
    let files = [("a.tar", debian("amd64")), ("b.tar", "/etc/b = b\n/usr/bin/ = x".replace(" = x", ""))];
    let mut digests = Vec::new();
    for text in [[one, two, x, y], [y, x, two, one], [x, one, y, two]] {
        digests.push(Scenario::new(&text.concat(), &files).run().digests());
    }
    assert!(digests.iter().all(|one| *one == digests[0]), "{digests:#?}");
}

/// The mode of a scratch file or a blob is the umask's business, the mode of an entry is not. The umask belongs to the
/// process: other tests that run meanwhile see it too, and must not mind.
#[test]
fn the_umask_does_not_matter() {
    let recipe =
        "source.host.rootfs = 'root.tar'\nflavor.a = { commands = ['dash'], directories = ['/a/b/c'] }";
    let scenario = Scenario::new(recipe, &[("root.tar", debian("amd64"))]);
    let want = scenario.run().digests();
    let before = rustix::process::umask(0o077.into());
    let strict = scenario.run().digests();
    rustix::process::umask(0o000.into());
    let loose = scenario.run().digests();
    rustix::process::umask(before);
    assert_eq!(strict, want);
    assert_eq!(loose, want);
}
