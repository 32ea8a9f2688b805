//! What `verify` finds: each finding in an image that was made by hand to have it.

use std::io::Write;

use ocelet::finished::{self, Finished, Reference};
use ocelet_oci::{
    Annotations, DiffId, Digest, History, Image, ImageBuilder, Index, Layer, LayerKind, Layout, Plan,
    Timestamp,
};
use ocelet_testkit::rootfs::{debian, tar_bytes, tree};

use crate::scenario::{Outcome, Scenario, with_host};

/// Everything that `verify` finds: whether it is broken, and the message.
pub(crate) fn findings(outcome: &Outcome) -> Vec<(bool, String)> {
    of(outcome.place.path(), &outcome.finished())
}

fn of(place: &std::path::Path, finished: &Finished) -> Vec<(bool, String)> {
    let verified = with_host(place, |host| finished::verify(finished, host)).expect("a layout");
    verified.findings.into_iter().map(|finding| (finding.broken, finding.message)).collect()
}

/// The same of an image that was made by hand.
pub(crate) fn found_in(place: &std::path::Path) -> Vec<(bool, String)> {
    of(place, &Finished::open(Reference { path: place.join("out"), tag: None }).expect("a layout"))
}

/// An image with one plain layer of these files, and a report with the given text about it.
pub(crate) fn by_hand(lines: &str, report: Option<&str>) -> tempfile::TempDir {
    let place = tempfile::tempdir().expect("a directory");
    let layout = Layout::create_or_open(place.path().join("out")).expect("empty");
    let tar = tar_bytes(&tree(lines));
    let mut sink = layout.blob_sink().expect("room");
    sink.write_all(&tar).expect("room");
    let blob = sink.finish().expect("room");
    let created = Timestamp::from_epoch(1);
    let layer = Layer {
        blob,
        diff_id: DiffId(Digest::of(&tar)),
        kind: LayerKind::Tar,
        annotations: Annotations::new(),
    };
    let image = ImageBuilder::new("linux/amd64".parse().expect("known"))
        .created(&created)
        .layer(layer, Some(History::of_layer(&created, "hand")))
        .finish()
        .expect("fits");
    commit(&layout, &image, report);
    place
}

fn commit(layout: &Layout, image: &Image, report: Option<&str>) {
    layout.put_image(image).expect("room");
    let index = Index::of_images([image], Annotations::new()).expect("one").document();
    let mut plan = Plan::new("x".parse().expect("a name")).tag("v1".parse().expect("a tag"), &index);
    if let Some(text) = report {
        let kind = ocelet_oci::MediaType::Other(ocelet::report::REPORT_TYPE.to_owned());
        let blob = layout.put_bytes(text.as_bytes()).expect("room");
        let content = ocelet_oci::Descriptor::new(kind.clone(), &blob);
        plan = plan.referrer(&ocelet_oci::artifact(
            kind,
            &image.descriptor(),
            vec![content],
            Annotations::new(),
        ));
    }
    layout.commit(&plan).expect("whole");
}

/// A report that has a reason for these files, each from the recipe or another file.
pub(crate) fn report(files: &[(&str, Option<&str>)]) -> String {
    let files: serde_json::Map<String, serde_json::Value> = files
        .iter()
        .map(|(path, from)| {
            let because = serde_json::json!([{"kind": "file", "from": from, "detail": "hand"}]);
            let file = serde_json::json!({"kind": "file", "size": 1, "owner": "hand", "layer": 0, "because": because});
            ((*path).to_owned(), file)
        })
        .collect();
    serde_json::json!({
        "version": 1, "image": "x", "flavor": "a", "tag": "v1", "platform": "linux/amd64", "commands": {}, "files": files,
        "layers": [], "unexplained_dlopen": [], "missing": [], "links": {}, "sources": {},
    })
    .to_string()
}

/// The files of the image, the report, and each finding: `!` for what is broken, the beginning of the message.
type Case = (&'static str, &'static str, Option<String>, &'static [&'static str]);

#[test]
fn each_finding() {
    const RELEASE: &str = "/etc/os-release = ID=x";
    let known = |paths: &[&str]| {
        let mut all: Vec<(&str, Option<&str>)> = paths.iter().map(|path| (*path, None)).collect();
        all.push(("/etc/os-release", None));
        Some(report(&all))
    };
    let cases: [Case; 12] = [
        ("nothing", "", known(&[]), &[]),
        ("no report", "", None, &["it has no report"]),
        ("a link that leads nowhere", "/a -> b", known(&["/a"]), &["!/a links to b, which is not there"]),
        (
            "links to what will be mounted",
            "/etc/mtab -> ../proc/self/mounts\n/a -> /run/x\n/var/run -> /run\n/b -> /var/run/y",
            known(&["/etc/mtab", "/a", "/b", "/var/run"]),
            &[],
        ),
        ("a circle", "/a -> b\n/b -> a", known(&["/a", "/b"]), &["!/a links to b", "!/b links to a"]),
        (
            "a missing library",
            "/lib64/ld-linux-x86-64.so.2 elf amd64 soname=ld-linux-x86-64.so.2\n/a elf amd64 loader=/lib64/ld-linux-x86-64.so.2 needs=libx.so.1",
            known(&["/a", "/lib64/ld-linux-x86-64.so.2"]),
            &["!/a needs libx.so.1"],
        ),
        ("a missing interpreter", "0755 /a = #!/bin/sh\\n", known(&["/a"]), &["!/a is run by /bin/sh"]),
        ("a text that nobody runs", "0644 /a = #!/bin/sh\\n", known(&["/a"]), &[]),
        (
            "resolv.conf",
            "/etc/resolv.conf -> os-release",
            known(&["/etc/resolv.conf"]),
            &["!/etc/resolv.conf is a symbolic link"],
        ),
        ("a file without a reason", "/a = x", known(&[]), &["!the file /a has no owner and reason"]),
        (
            "a report of what is not there",
            "",
            known(&["/b"]),
            &["!the report names /b, which the image does not have"],
        ),
        (
            "reasons in a circle",
            "/a = x\n/b = x",
            Some(report(&[("/a", Some("/b")), ("/b", Some("/a")), ("/etc/os-release", None)])),
            &[
                "!no chain of reasons leads from the recipe to /a",
                "!no chain of reasons leads from the recipe to /b",
            ],
        ),
    ];
    for (name, lines, report, want) in cases {
        let place = by_hand(&format!("{RELEASE}\n{lines}"), report.as_deref());
        let found: Vec<(bool, String)> =
            found_in(place.path()).into_iter().filter(|(_, text)| !text.contains("sets no PATH")).collect();
        assert_eq!(found.len(), want.len(), "{name}: {found:#?}");
        for ((broken, text), want) in found.iter().zip({
            let mut sorted: Vec<&str> = want.to_vec();
            sorted.sort_unstable();
            sorted
        }) {
            assert_eq!(*broken, want.starts_with('!'), "{name}: {text}");
            assert!(text.starts_with(want.trim_start_matches('!')), "{name}: {text}");
        }
    }
}

#[test]
fn a_report_that_is_none_is_told() {
    let place = by_hand("/a = x", Some("{}"));
    let finished = Finished::open(Reference { path: place.path().join("out"), tag: None }).expect("a layout");
    let error = finished.images(None).expect_err("no report");
    assert_eq!(error.class(), ocelet::ExitClass::Verification);
    assert!(error.to_string().starts_with("cannot read the report of v1 in "), "{error}");
}

#[test]
fn damage_is_found() {
    let scenario = Scenario::new(
        "source.host.rootfs = 'root.tar'\nflavor.a.commands = ['mount']",
        &[("root.tar", debian("amd64"))],
    );
    for (what, change) in [
        ("layer", (|bytes: &mut Vec<u8>| bytes[20] ^= 1) as fn(&mut Vec<u8>)),
        ("layer", |bytes| bytes.truncate(40)),
        ("orphan", |bytes| bytes.push(0)),
    ] {
        let outcome = scenario.run();
        assert!(findings(&outcome).iter().all(|(broken, _)| !broken));
        let digest = outcome.images()[0].image.layers[0].digest().expect("a layout").hex();
        let blobs = outcome.layout().join("blobs/sha256");
        let mut bytes = std::fs::read(blobs.join(&digest)).expect("a blob");
        change(&mut bytes);
        let name = if what == "layer" { digest.clone() } else { Digest::of(&bytes).hex() };
        std::fs::write(blobs.join(&name), bytes).expect("a blob");
        let found = findings(&outcome);
        assert!(found.iter().any(|(_, text)| text.contains(&name)), "{what}: {found:?}");
    }
}

/// What was missing when the image was built, and allowed, is not called broken for each file that is in between.
#[test]
fn what_was_allowed_to_be_missing_is_no_finding() {
    let debian = debian("amd64");
    let kept = debian.lines().filter(|line| !line.starts_with("/usr/lib/x86_64-linux-gnu/libblkid"));
    let root = kept.collect::<Vec<_>>().join("\n");
    let recipe = "source.host.rootfs = 'root.tar'\nflavor.a.commands = ['mount']";
    let outcome = Scenario { allow_missing: true, ..Scenario::new(recipe, &[("root.tar", root)]) }.run();
    assert_eq!(findings(&outcome).into_iter().filter(|(broken, _)| *broken).collect::<Vec<_>>(), []);
    assert!(findings(&outcome).iter().any(|(_, text)| text.contains("libblkid.so.1")));
}
