//! What ends a run: each failure has its class, names the file, the requirement and who asked, and leaves no output.

use std::path::Path;

use ocelet::{Error, ExitClass};
use ocelet_testkit::rootfs::{debian, tar_bytes, tree};

use crate::scenario::{Outcome, Scenario, gzip, sentence, write};

/// The name, an edit of the Debian root (a line that begins so is taken out, a line put in), the lines of the
/// recipe, and the words of the message.
type Case = (&'static str, &'static str, &'static str, &'static str, &'static [&'static str]);

const MISSING: &[Case] = &[
    ("a missing loader", "/usr/lib64/ld-linux", "", "flavor.a.commands = ['dash']",
        &["/usr/bin/dash", "/lib64/ld-linux-x86-64.so.2", "a for linux/amd64", "command dash (line 5)"]),
    ("a missing library", "/usr/lib/x86_64-linux-gnu/libblkid.so.1 ", "", "flavor.a.commands = ['mount']",
        &["/usr/lib/x86_64-linux-gnu/libmount.so.1.1.0 needs libblkid.so.1", "for /usr/bin/mount", "command mount (line 5)"]),
    ("a symbol version", "", "/usr/bin/new elf amd64 loader=/lib64/ld-linux-x86-64.so.2 needs=libc.so.6 version=libc.so.6@GLIBC_2.99", "flavor.a.commands = ['new']",
        &["/usr/bin/new needs version GLIBC_2.99 of libc.so.6", "x86_64-linux-gnu/libc.so.6 does not define it", "command new (line 5)"]),
    ("another architecture", "", "/usr/bin/arm elf arm64 static", "flavor.a.files = ['/usr/bin/arm']",
        &["/usr/bin/arm is", "file /usr/bin/arm (line 5)"]),
    ("a library of another architecture", "/usr/lib/x86_64-linux-gnu/libblkid.so.1.1.0", "/usr/lib/x86_64-linux-gnu/libblkid.so.1.1.0 elf arm64 soname=libblkid.so.1", "flavor.a.commands = ['mount']",
        &["needs libblkid.so.1; /usr/lib/x86_64-linux-gnu/libblkid.so.1", "command mount (line 5)"]),
    ("a link that leads nowhere", "/usr/lib/x86_64-linux-gnu/libmount.so.1.1.0", "", "flavor.a.files = ['/usr/lib/x86_64-linux-gnu/libmount.so.1']",
        &["/usr/lib/x86_64-linux-gnu/libmount.so.1", "libmount.so.1.1.0", "line 5"]),
    ("links in a circle", "", "/etc/a -> b\n/etc/b -> a", "flavor.a.files = ['/etc/a']",
        &["/etc/a leads through a circle of symbolic links: /etc/a, /etc/b", "line 5"]),
    ("an interpreter", "", "0755 /usr/bin/py = #!/usr/bin/python3\\n", "flavor.a.commands = ['py']",
        &["/usr/bin/py is run by /usr/bin/python3", "command py (line 5)"]),
    ("an interpreter that env looks up", "/usr/bin/sh ", "", "flavor.a.commands = ['greet']",
        &["/usr/bin/greet is run by sh", "command greet (line 5)"]),
    ("a command", "", "", "flavor.a.commands = [{ name = 'mout', reason = 'volumes' }]",
        &["command \"mout\" is in none of /usr/local/sbin, /usr/local/bin, /usr/sbin", "line 5 asks for it: volumes", "a for linux/amd64"]),
    ("a pattern", "", "", "flavor.a.files = ['/opt/*.conf']",
        &["no source has a file /opt/*.conf; line 5 asks for it"]),
    ("a rule's file", "/usr/lib/os-release", "", "flavor.a = { commands = ['dash'], rules = ['os-release'] }",
        &["rule pack os-release requires", "os-release"]),
    ("a damaged program", "", "/usr/bin/half = \x7fELF", "flavor.a.files = ['/usr/bin/half']",
        &["/usr/bin/half cannot be understood", "line 5"]),
];

fn edited(out: &str, line: &str) -> String {
    let root = debian("amd64");
    let kept = root.lines().filter(|line| out.is_empty() || !starts(line, out));
    let mut lines: Vec<&str> = kept.collect();
    lines.push(line);
    lines.join("\n")
}

/// Whether the entry of a line begins so, whatever mode stands before it.
fn starts(line: &str, path: &str) -> bool {
    line.find('/').is_some_and(|at| line[at..].starts_with(path))
}

fn leaves_nothing(name: &str, outcome: &Outcome) {
    assert!(!outcome.layout().exists(), "{name} has written to the output");
}

#[test]
fn what_is_missing_is_named_with_who_asked() {
    for (name, out, line, flavor, words) in MISSING {
        let lines = format!("source.host.rootfs = 'root.tar'\n{flavor}\n");
        let mut scenario = Scenario::new(&lines, &[("root.tar", edited(out, line))]);
        let outcome = scenario.run();
        leaves_nothing(name, &outcome);
        let error = outcome.result.expect_err(name);
        let text = sentence(&error);
        for word in *words {
            assert!(text.contains(word), "{name}: \"{word}\" is not in: {text}");
        }
        assert_eq!(error.class(), ExitClass::Failed, "{name}");
        assert!(error.hints().iter().any(|hint| hint.contains("--allow-missing")), "{name}: {:?}", error.hints());

        // Allowed, the same is a warning, and in the report; the image itself is as sound as it can be.
        scenario.allow_missing = true;
        let message = text.lines().nth(1).expect("a line for each").trim().to_owned();
        let whole = format!("{lines}flavor.whole.commands = ['env']");
        scenario.recipe = Scenario::new(&whole, &[]).recipe;
        let outcome = scenario.run();
        if let Err(error) = &outcome.result {
            // Nothing at all remains of some flavors, and an image without files is an error of its own.
            assert!(sentence(error).contains("flavor a "), "{name}: {}", sentence(error));
            continue;
        }
        outcome.is_sound(true);
        assert!(
            outcome.warnings.iter().any(|warning| *warning == format!("missing: {message}")),
            "{name}: {:?}",
            outcome.warnings
        );
        let images = outcome.images();
        let mine = images.iter().find(|image| image.tag.as_deref() == Some("v1-a")).expect("the flavor");
        let missing = &mine.report.as_ref().expect("a report").missing;
        assert!(missing.iter().any(|one| message.starts_with(one.as_str())), "{name}: {missing:?}");
    }
}

#[test]
fn the_nearest_command_is_named() {
    let recipe = "source.host.rootfs = 'root.tar'\nflavor.a.commands = ['mout']";
    let error = Scenario::new(recipe, &[("root.tar", debian("amd64"))]).run().result.expect_err("no mout");
    assert_eq!(error.hints()[0], "did you mean the command \"mount\"? A trailing ? makes \"mout?\" optional");
}

#[test]
fn everything_that_is_missing_is_told_at_once() {
    let recipe = "source.host.rootfs = 'root.tar'\nflavor.a.commands = ['one', 'two']\nflavor.b = { commands = ['one'], files = ['/three'] }";
    let error = Scenario::new(recipe, &[("root.tar", debian("amd64"))]).run().result.expect_err("three things");
    let text = error.to_string();
    assert_eq!(text.lines().next(), Some("4 things are missing:"), "{text}");
    for word in ["\"one\"", "\"two\"", "/three", "line 5", "line 6"] {
        assert!(text.contains(word), "{word}: {text}");
    }
}

/// The name, the source's file and how it is made, the class, and the words of the message.
type Unfit = (&'static str, &'static str, fn(&Path), ExitClass, &'static [&'static str]);

const UNFIT: &[Unfit] = &[
    ("an absent source", "none.tar", |_| (), ExitClass::Unavailable, &["source host", "none.tar"]),
    ("a pipe", "pipe", |at| pipe(at), ExitClass::Unavailable, &["source host", "pipe", "not a regular file"]),
    ("a truncated tarball", "root.tar", |at| cut(at, tar_bytes(&tree(&debian("amd64"))), 3000), ExitClass::Verification, &["source host", "root.tar"]),
    ("a truncated gzip", "root.tar.gz", |at| cut(at, gzip(&tar_bytes(&tree(&debian("amd64")))), 900), ExitClass::Verification, &["source host", "root.tar.gz", "damaged or cut short"]),
    ("no tarball", "root.txt", |at| cut(at, b"hello, world\n".repeat(100), 1200), ExitClass::Verification, &["source host", "root.txt"]),
    ("an empty file", "root.tar", |at| cut(at, Vec::new(), 0), ExitClass::Verification, &["source host", "root.tar"]),
    ("a climbing entry", "root.tar", |at| hostile(at, "../../etc/passwd"), ExitClass::Verification, &["source host", "root.tar", "../../etc/passwd"]),
    ("a whiteout", "root.tar", |at| hostile(at, "etc/.wh.passwd"), ExitClass::Verification, &["source host", "root.tar", ".wh.passwd"]),
];

fn cut(at: &Path, mut bytes: Vec<u8>, length: usize) {
    bytes.truncate(length);
    std::fs::write(at, bytes).expect("a file");
}

fn pipe(at: &Path) {
    rustix::fs::mknodat(rustix::fs::CWD, at, rustix::fs::FileType::Fifo, 0o600.into(), 0).expect("a pipe");
}

/// A tarball with one entry of a name that no tree would give it.
fn hostile(at: &Path, name: &str) {
    let mut bytes = tar_bytes(&tree(&format!("/{} = x", "a".repeat(name.len()))));
    bytes[..name.len()].copy_from_slice(name.as_bytes());
    bytes[148..156].copy_from_slice(b"        ");
    let sum: u32 = bytes[..512].iter().map(|byte| u32::from(*byte)).sum();
    bytes[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    std::fs::write(at, bytes).expect("a file");
}

#[test]
fn unfit_sources_are_refused() {
    for (name, file, make, class, words) in UNFIT {
        let scenario = Scenario::new(&format!("source.host.rootfs = '{file}'\nflavor.a.commands = ['dash']"), &[]);
        let place = tempfile::tempdir().expect("a directory");
        make(&place.path().join(file));
        refused(name, &scenario.run_in(place), *class, words);
    }
}

fn refused(name: &str, outcome: &Outcome, class: ExitClass, words: &[&str]) {
    leaves_nothing(name, outcome);
    let error: &Error = outcome.result.as_ref().expect_err(name);
    let text = sentence(error);
    assert_eq!(error.class(), class, "{name}: {text}");
    for word in words {
        assert!(text.contains(word), "{name}: \"{word}\" is not in: {text}");
    }
}

#[test]
fn a_file_of_the_recipe_that_is_not_there() {
    let recipe = "source.motd = { file = 'motd', install = '/etc/motd' }\nflavor.a.files = ['/etc/motd']";
    refused("a file", &Scenario::new(recipe, &[]).run(), ExitClass::Unavailable, &["source motd", "motd"]);
}

/// An image of ours is the source of the next; then one byte of it is another.
#[test]
fn a_tampered_layout_is_refused() {
    let first = Scenario::new("source.host.rootfs = 'root.tar'\nflavor.a.commands = ['dash']", &[("root.tar", debian("amd64"))]).run();
    let layout = first.layout();
    let images = first.images();
    let digest = *images[0].image.layers[0].digest().expect("a layout has digests");
    let manifest = images[0].manifest.as_ref().expect("a manifest").digest;
    let again = || {
        let lines = format!("source.host.rootfs = '{}'\nflavor.a.commands = ['dash']", layout.display());
        Scenario::new(&lines, &[]).run()
    };
    let good = again();
    assert!(good.result.is_ok(), "{:?}", good.result);
    for (name, digest, change) in [
        ("another byte in a layer", digest, (|bytes: &mut Vec<u8>| {
            let last = bytes.len() - 1;
            bytes[last] ^= 1;
        }) as fn(&mut Vec<u8>)),
        ("a layer cut short", digest, |bytes| bytes.truncate(bytes.len() / 2)),
        ("another byte in a manifest", manifest, |bytes| {
            let last = bytes.len() - 1;
            bytes[last] = b' ';
        }),
    ] {
        let blob = layout.join("blobs/sha256").join(digest.hex());
        let bytes = std::fs::read(&blob).expect("a blob");
        let mut changed = bytes.clone();
        change(&mut changed);
        std::fs::write(&blob, changed).expect("a blob");
        refused(name, &again(), ExitClass::Verification, &["source host", &layout.display().to_string()]);
        std::fs::write(&blob, bytes).expect("a blob");
    }
    assert_eq!(again().digests(), good.digests());
}

#[test]
fn unknown_flavors_and_platforms_are_usage() {
    let mut scenario = Scenario::new("source.host.rootfs = 'root.tar'\nflavor.a.commands = ['dash']", &[("root.tar", debian("amd64"))]);
    scenario.flavors = vec!["b"];
    refused("a flavor", &scenario.run(), ExitClass::Usage, &["no flavor \"b\"", "it has a"]);
    scenario.flavors = vec![];
    scenario.platforms = vec!["linux/s390x"];
    refused("a platform", &scenario.run(), ExitClass::Usage, &["not for \"linux/s390x\"", "linux/amd64"]);
}

/// A file under the path of the output is no layout, and is not touched.
#[test]
fn an_output_that_is_something_else() {
    let scenario = Scenario::new("source.host.rootfs = 'root.tar'\nflavor.a.commands = ['dash']", &[("root.tar", debian("amd64"))]);
    for (name, inside) in [("out", ""), ("out/precious", "")] {
        let place = tempfile::tempdir().expect("a directory");
        write(&place.path().join("root.tar"), &debian("amd64"), false);
        let file = place.path().join(name);
        std::fs::create_dir_all(file.parent().expect("a parent")).expect("a directory");
        std::fs::write(&file, inside).expect("a file");
        let outcome = scenario.run_in(place);
        let error = outcome.result.as_ref().expect_err(name);
        assert_eq!(error.class(), ExitClass::Failed);
        let text = sentence(error);
        assert!(text.contains(&outcome.layout().display().to_string()), "{text}");
        assert!(file.exists());
        assert!(!outcome.layout().join("oci-layout").exists());
    }
}
