//! Looking at finished images: why, why not, inspect, export.

use ocelet::finished::{self, Archive, Finished, Reference, who_would_bring, write_archive};
use ocelet::tree::Tree;
use ocelet_oci::ImageSource;
use ocelet_testkit::rootfs::debian;

use crate::scenario::{Outcome, Scenario, image, path, sentence, with_host};

const RECIPE: &str = "source.host.rootfs = 'root.tar'\n\
    flavor.a = { commands = [{ name = 'mount', reason = 'volumes' }], links = [{ path = '/etc/mtab', target = '../proc/self/mounts' }] }\n\
    flavor.b = { commands = ['greet'], rules = ['os-release'] }";

fn assembled() -> Outcome {
    let outcome = Scenario::new(RECIPE, &[("root.tar", debian("amd64"))]).run();
    outcome.is_sound(true);
    outcome
}

#[test]
fn chains_lead_from_the_wish_to_the_file() {
    let outcome = assembled();
    let images = outcome.images();
    let cases: [(&str, &str, &[&str]); 8] = [
        ("v1-a", "/usr/bin/mount", &["/usr/bin/mount: command mount (line 5: volumes)"]),
        ("v1-a", "/bin/mount", &[]),
        (
            "v1-a",
            "/usr/lib/x86_64-linux-gnu/libblkid.so.1.1.0",
            &[
                "/usr/bin/mount: command mount (line 5: volumes)",
                "/usr/lib/x86_64-linux-gnu/libmount.so.1.1.0: needs libmount.so.1, found in a default directory",
                "/usr/lib/x86_64-linux-gnu/libblkid.so.1.1.0: needs libblkid.so.1, found in a default directory",
            ],
        ),
        (
            "v1-a",
            "/lib64/ld-linux-x86-64.so.2",
            &[
                "/usr/bin/mount: command mount (line 5: volumes)",
                "/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2: is its loader /lib64/ld-linux-x86-64.so.2",
                "/usr/lib64/ld-linux-x86-64.so.2: is reached through this link",
            ],
        ),
        ("v1-a", "/etc/mtab", &["/etc/mtab: link /etc/mtab (line 5)"]),
        (
            "v1-b",
            "/usr/bin/dash",
            &["/usr/bin/greet: command greet (line 6)", "/usr/bin/dash: is a script of env sh"],
        ),
        (
            "v1-b",
            "/usr/bin/env",
            &["/usr/bin/greet: command greet (line 6)", "/usr/bin/env: is a script of /usr/bin/env"],
        ),
        ("v1-b", "/usr/bin/mount", &[]),
    ];
    for (tag, at, want) in cases {
        let report = image(&images, tag).report.as_ref().expect("a report");
        let place = report.place(&path(at));
        let chain = place.and_then(|place| report.chain(&place)).map(|chain| {
            chain
                .links
                .iter()
                .map(|link| format!("{}: {}", link.path, link.because.detail))
                .collect::<Vec<_>>()
        });
        assert_eq!(chain.unwrap_or_default(), want, "{at} in {tag}");
    }
}

#[test]
fn what_would_have_brought_a_file() {
    let outcome = assembled();
    let finished = outcome.finished();
    let images = finished.images(None).expect("a layout");
    let root = outcome.place.path().join("root.tar");
    let cases: [(&str, &str, bool, &[&str]); 6] = [
        ("v1-b", "/usr/bin/mount", true, &["flavor a has it: command mount (line 5: volumes)"]),
        ("v1-a", "/usr/lib/os-release", true, &["flavor b has it:", "rule pack os-release would keep it"]),
        (
            "v1-b",
            "/usr/lib/x86_64-linux-gnu/libblkid.so.1.1.0",
            true,
            &["flavor a has it", "/usr/bin/mount would bring it: needs libmount.so.1"],
        ),
        ("v1-a", "/etc/passwd", true, &["rule pack nss would keep it"]),
        ("v1-a", "/usr/bin/none", false, &["files = [\"/usr/bin/none\"]"]),
        ("v1-a", "/usr/bin/dash", true, &["flavor b has it"]),
    ];
    for (tag, at, known, words) in cases {
        let answer = with_host(outcome.place.path(), |host| {
            who_would_bring(&finished, image(&images, tag), &path(at), Some(&root), host)
        })
        .expect("a layout and a root");
        assert!(!answer.present, "{at} in {tag}");
        assert_eq!(answer.summary.contains("neither is it in"), !known, "{}", answer.summary);
        for word in words {
            assert!(
                answer.reasons.iter().any(|reason| reason.contains(word)),
                "{at} in {tag}: {word}: {answer:#?}"
            );
        }
    }
    let there = with_host(outcome.place.path(), |host| {
        who_would_bring(&finished, image(&images, "v1-a"), &path("/usr/bin/mount"), None, host)
    });
    assert!(there.expect("a layout").present);
}

#[test]
fn inspect_tells_everything() {
    let outcome = assembled();
    let document = finished::inspect(&outcome.images());
    let tags: Vec<&str> = document["images"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|image| image["tag"].as_str())
        .collect();
    assert_eq!(tags, ["v1-a", "v1-b"]);
    let one = &document["images"][0]["platforms"][0];
    assert_eq!(one["platform"], "linux/amd64");
    assert_eq!(one["commands"], serde_json::json!(["mount"]));
    assert_eq!(one["flavor"], "a");
    assert_eq!(one["created"], "1970-01-01T00:00:01Z");
    let tree = outcome.tree(&outcome.images()[0]);
    let files: Vec<u64> =
        tree.iter().filter_map(|(_, node)| node.content()).map(ocelet::tree::Content::length).collect();
    assert_eq!(one["extracted"], files.iter().sum::<u64>());
    assert_eq!(one["files"], files.len());
    let layers = one["layers"].as_array().expect("a list");
    assert_eq!(one["compressed"], layers.iter().filter_map(|layer| layer["size"].as_u64()).sum::<u64>());
    assert!(
        layers
            .iter()
            .all(|layer| layer["digest"].as_str().is_some_and(|digest| digest.starts_with("sha256:")))
    );
}

fn shown(tree: &Tree) -> String {
    let lines = tree.iter().map(|(path, node)| {
        let content = node.content().map(|content| content.bytes().expect("memory").to_vec());
        format!("{path} {:?} {:?} {content:?}", node.kind.noun(), node.metadata)
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn archives_hold_the_same_files() {
    let outcome = assembled();
    for one in outcome.images() {
        let want = shown(&outcome.tree(&one));
        let reference = Reference { path: outcome.layout(), tag: one.tag.clone() };
        let finished = Finished::open(reference).expect("a layout");
        for (form, name) in [(Archive::Docker, "docker.tar"), (Archive::Oci, "oci.tar")] {
            let mut bytes = Vec::new();
            write_archive(&finished, form, None, &mut bytes).expect("memory");
            let mut again = Vec::new();
            write_archive(&finished, form, None, &mut again).expect("memory");
            assert!(bytes == again, "{name} depends on more than the image");
            let file = outcome.place.path().join(name);
            std::fs::write(&file, &bytes).expect("a file");
            let archive = Finished::open(Reference { path: file.clone(), tag: None }).expect(name);
            let images = archive.images(None).expect(name);
            assert_eq!(images.len(), 1, "{name}");
            assert!(images[0].report.is_none());
            let mut tar = Vec::new();
            with_host(outcome.place.path(), |host| finished::rootfs(&images[0], &file, &mut tar, host))
                .expect(name);
            let blob = ocelet::tree::Blob::from_bytes("rootfs", tar);
            let owner = ocelet::tree::Owner::new("image");
            let tree =
                ocelet::tree::tar_in::read_blob(&blob, &owner, &ocelet::tree::tar_in::Options::default())
                    .expect(name)
                    .tree;
            assert_eq!(shown(&tree), want, "{name}");
            if form == Archive::Oci {
                assert_eq!(
                    images[0].manifest.as_ref().map(|manifest| manifest.digest),
                    one.manifest.as_ref().map(|manifest| manifest.digest)
                );
            }
            assert!(ImageSource::open(&file).is_ok());
        }
    }
}

/// What runc and crun start: the files of the image in a directory, which is never written into a second time.
#[test]
fn images_are_unpacked_into_a_new_directory() {
    let outcome = assembled();
    let to = outcome.place.path().join("files");
    let images = outcome.images();
    let unpack =
        || with_host(outcome.place.path(), |host| finished::unpack(&images[0], &outcome.layout(), &to, host));
    let (done, tree) = (unpack().expect("it is not there yet"), outcome.tree(&images[0]));
    assert_eq!(done.entries, tree.len());
    for (path, _) in tree.iter() {
        let place = to.join(path.to_string().trim_start_matches('/'));
        assert!(std::fs::symlink_metadata(&place).is_ok(), "{path}");
    }
    let error = unpack().expect_err("it is there");
    assert_eq!(error.class(), ocelet::ExitClass::Usage, "{error}");
}

/// An archive and a layout of ours are sources of the next recipe.
#[test]
fn an_archive_is_a_source() {
    let outcome = assembled();
    let finished =
        Finished::open(Reference { path: outcome.layout(), tag: Some("v1-b".to_owned()) }).expect("a layout");
    let place = tempfile::tempdir().expect("a directory");
    for (form, name) in [(Archive::Docker, "docker.tar"), (Archive::Oci, "oci.tar")] {
        let mut bytes = Vec::new();
        write_archive(&finished, form, None, &mut bytes).expect("memory");
        std::fs::write(place.path().join(name), &bytes).expect("a file");
        std::fs::write(place.path().join(format!("{name}.gz")), crate::scenario::gzip(&bytes))
            .expect("a file");
    }
    let mut digests = Vec::new();
    for (source, tag) in [
        ("docker.tar".to_owned(), ""),
        ("oci.tar".to_owned(), ""),
        (outcome.layout().display().to_string(), ", tag = 'v1-b'"),
    ] {
        let at =
            if source.starts_with('/') { source } else { place.path().join(source).display().to_string() };
        let recipe = format!("source.host = {{ rootfs = '{at}'{tag} }}\nflavor.a.commands = ['greet']");
        let next = Scenario::new(&recipe, &[]).run();
        next.is_sound(true);
        digests.push(next.images()[0].image.layers[0].diff_id);
    }
    assert!(digests.iter().all(|one| *one == digests[0]), "{digests:?}");
}

#[test]
fn images_that_are_not_there() {
    let outcome = assembled();
    let absent = Finished::open(Reference { path: outcome.place.path().join("none"), tag: None })
        .expect_err("nothing");
    assert_eq!(absent.class(), ocelet::ExitClass::Unavailable);
    let reference = Reference { path: outcome.layout(), tag: Some("v2".to_owned()) };
    let error = Finished::open(reference).expect("a layout").images(None).expect_err("no such tag");
    assert_eq!(error.class(), ocelet::ExitClass::Unavailable);
    assert!(
        sentence(&error).contains("no image with the tag \"v2\"; it has v1-a, v1-b"),
        "{}",
        sentence(&error)
    );
}
