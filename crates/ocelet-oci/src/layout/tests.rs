//! What a layout promises: nothing is seen half, nothing is lost, nothing is left.

use super::*;
use crate::{
    Annotations, DiffId, Digest, Document, Image, ImageBuilder, Index, Layer, LayerKind, MediaType, artifact,
};
use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::path::Path;

fn put_image(layout: &Layout, platform: &str, content: &[u8]) -> Image {
    let blob = layout.put_bytes(content).expect("a layer");
    let diff_id = DiffId(Digest::of(content));
    let layer = Layer { blob, diff_id, kind: LayerKind::Tar, annotations: Annotations::new() };
    let platform = platform.parse().expect("known");
    let image = ImageBuilder::new(platform).layer(layer, None).finish().expect("fits");
    layout.put_image(&image).expect("room");
    image
}

fn index(layout: &Layout, content: &str) -> Document {
    let images = ["linux/amd64", "linux/arm64"]
        .map(|platform| put_image(layout, platform, format!("{platform} {content}").as_bytes()));
    Index::of_images(&images, Annotations::new()).expect("two platforms").document()
}

fn plan(tag: &str, document: &Document) -> Plan {
    Plan::new("example.org/kubelet".parse().expect("a name")).tag(tag.parse().expect("a tag"), document)
}

fn tags(layout: &Layout) -> Vec<String> {
    let entries = layout.read_entries().expect("an index");
    entries.iter().map(|entry| entry.tag().unwrap_or("-").to_owned()).collect()
}

#[expect(clippy::disallowed_methods, reason = "the test looks at the directory from outside")]
fn names(at: &Path) -> BTreeSet<String> {
    let names = std::fs::read_dir(at).expect("a directory");
    names.map(|name| name.expect("a name").file_name().to_string_lossy().into_owned()).collect()
}

#[expect(clippy::disallowed_methods, reason = "the test looks at the directory from outside")]
fn read(at: &Path) -> String {
    std::fs::read_to_string(at).expect("a file")
}

#[expect(clippy::disallowed_methods, reason = "the test damages the directory from outside")]
fn write(at: &Path, content: &str) {
    std::fs::write(at, content).expect("a file");
}

#[test]
fn trap_22_a_new_layout_has_its_three_parts_and_both_names() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("new/layout");
    let layout = Layout::create_or_open(&path).expect("empty");
    assert_eq!(names(&path), ["blobs", "index.json", "oci-layout"].map(ToOwned::to_owned).into());
    assert_eq!(read(&path.join("oci-layout")), r#"{"imageLayoutVersion":"1.0.0"}"#);
    let empty = r#"{"manifests":[],"mediaType":"application/vnd.oci.image.index.v1+json","schemaVersion":2}"#;
    assert_eq!(read(&path.join("index.json")), empty);

    let document = index(&layout, "one");
    layout.commit(&plan("v1", &document)).expect("committed");
    let want = format!(
        r#"{{"manifests":[{{"annotations":{{"io.containerd.image.name":"example.org/kubelet:v1","org.opencontainers.image.ref.name":"v1"}},"digest":"{}","mediaType":"application/vnd.oci.image.index.v1+json","size":{}}}],"mediaType":"application/vnd.oci.image.index.v1+json","schemaVersion":2}}"#,
        document.blob().digest(),
        document.blob().size(),
    );
    assert_eq!(read(&path.join("index.json")), want);
    assert_eq!(names(&path), ["blobs", "index.json", "oci-layout"].map(ToOwned::to_owned).into());
}

#[test]
fn what_is_not_a_layout_is_refused() {
    type Prepare = fn(&Path);
    let cases: &[(&str, Prepare, &str, bool)] = &[
        ("absent", |_| {}, "open", false),
        ("foreign", |at| write(&at.join("photo.jpg"), ""), "has no file oci-layout", true),
        (
            "version",
            |at| write(&at.join("oci-layout"), r#"{"imageLayoutVersion":"2.0"}"#),
            "version \"2.0\"",
            true,
        ),
        ("json", |at| write(&at.join("oci-layout"), "{"), "oci-layout of the layout", true),
        (
            "blobs",
            |at| write(&at.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#),
            "no directory blobs",
            true,
        ),
    ];
    for (name, prepare, want, there) in cases {
        let directory = tempfile::tempdir().expect("a directory");
        let path = if *there { directory.path().to_owned() } else { directory.path().join("none") };
        prepare(&path);
        let said = Layout::open(&path).expect_err(name).to_string();
        assert!(said.contains(want), "{name}: {said}");
    }
    let directory = tempfile::tempdir().expect("a directory");
    write(&directory.path().join("photo.jpg"), "");
    let said = Layout::create_or_open(directory.path()).expect_err("foreign").to_string();
    assert!(said.contains("it has other files in it"), "{said}");
    assert_eq!(names(directory.path()), ["photo.jpg".to_owned()].into());
}

#[test]
fn a_blob_is_seen_when_it_is_finished_and_right() {
    let directory = tempfile::tempdir().expect("a directory");
    let layout = Layout::create_or_open(directory.path()).expect("empty");
    let blobs = directory.path().join("blobs/sha256");
    let content = vec![7; 300_000];
    let right = crate::Blob::of(&content);

    let mut dropped = layout.blob_sink().expect("a sink");
    dropped.write_all(&content).expect("room");
    drop(dropped);
    let mut wrong = layout.blob_sink().expect("a sink");
    wrong.write_all(&content[1..]).expect("room");
    assert!(wrong.finish_as(right.digest(), right.size()).is_err());
    assert!(names(&blobs).is_empty());

    let mut sink = layout.blob_sink().expect("a sink");
    sink.write_all(&content).expect("room");
    assert!(names(&blobs).is_empty());
    assert_eq!(sink.finish_as(right.digest(), right.size()).expect("right"), right);
    assert_eq!(layout.existing_blob(right.digest(), right.size()).expect("readable"), Some(right));
    assert_eq!(layout.existing_blob(right.digest(), 1).expect("readable"), None);

    let file = blobs.join(right.digest().hex());
    write(&file, "short");
    let mut read = Vec::new();
    assert!(layout.open_blob(right.digest(), right.size()).is_err());
    layout.put_bytes(&content).expect("a damaged blob is written again");
    layout.open_blob(right.digest(), right.size()).expect("there").read_to_end(&mut read).expect("whole");
    assert_eq!(read, content);

    let mut tampered = content;
    tampered[5] = 8;
    #[expect(clippy::disallowed_methods, reason = "the test damages the directory from outside")]
    std::fs::write(&file, &tampered).expect("a file");
    let mut reader = layout.open_blob(right.digest(), right.size()).expect("of the right size");
    let said = reader.read_to_end(&mut read).expect_err("other content").to_string();
    assert!(said.contains("has other content"), "{said}");
}

#[test]
fn a_link_out_of_the_layout_is_not_followed() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("layout");
    let layout = Layout::create_or_open(&path).expect("empty");
    write(&directory.path().join("secret"), "secret");
    let digest = Digest::of(b"secret");
    std::os::unix::fs::symlink("../../../secret", path.join("blobs/sha256").join(digest.hex()))
        .expect("a link");
    assert!(layout.read_blob(&digest, 6).is_err());
}

#[test]
fn a_commit_is_whole_or_nothing() {
    let directory = tempfile::tempdir().expect("a directory");
    let layout = Layout::create_or_open(directory.path()).expect("empty");
    let one = index(&layout, "one");
    let two = index(&layout, "two");
    let both = plan("v1", &one).tag("v1-cni".parse().expect("a tag"), &two);
    layout.commit(&both).expect("committed");
    assert_eq!(tags(&layout), ["v1", "v1-cni"]);

    let before = read(&directory.path().join("index.json"));
    let layer = Digest::of(b"linux/arm64 three");
    let three = index(&layout, "three");
    layout.blobs().remove_file(layer.hex()).expect("there");
    let broken = plan("v2", &one).tag("v3".parse().expect("a tag"), &three);
    let said = layout.commit(&broken).expect_err("a layer is missing").to_string();
    assert!(said.contains(&format!("no blob {layer}")), "{said}");
    assert_eq!(read(&directory.path().join("index.json")), before);

    let again = layout.commit(&both).expect("the same again");
    assert_eq!((again.replaced.len(), again.garbage.removed.len()), (0, 0));
    assert_eq!(read(&directory.path().join("index.json")), before);
}

#[test]
fn a_replaced_tag_takes_its_blobs_and_what_was_said_about_it_along() {
    let directory = tempfile::tempdir().expect("a directory");
    let blobs = directory.path().join("blobs/sha256");
    let (old, sbom) = {
        let layout = Layout::create_or_open(directory.path()).expect("empty");
        let old = index(&layout, "old");
        let sbom = artifact(MediaType::from("text/spdx"), &old.descriptor(), Vec::new(), Annotations::new());
        let signature =
            artifact(MediaType::from("text/sig"), &sbom.descriptor(), Vec::new(), Annotations::new());
        layout.commit(&plan("v1", &old).referrer(&sbom).referrer(&signature)).expect("committed");
        (old, sbom)
    };
    {
        let layout = Layout::open(directory.path()).expect("a layout");
        assert_eq!(tags(&layout), ["v1", "-", "-"]);
        // Another tag of the same index keeps both.
        layout.commit(&plan("latest", &old)).expect("committed");
        let other = Layout::open(directory.path()).expect("a layout");
        let new = index(&other, "new");
        let busy = other.commit(&plan("v1", &new)).expect("committed");
        assert_eq!(busy.replaced, ["v1".to_owned()].into());
        assert_eq!(tags(&other), ["latest", "v1", "-", "-"]);
        assert!(busy.garbage.removed.is_empty());
    }
    let layout = Layout::open(directory.path()).expect("a layout");
    let new = index(&layout, "new");
    let committed = layout.commit(&plan("latest", &new)).expect("committed");
    assert_eq!(tags(&layout), ["latest", "v1"]);
    assert_eq!(committed.garbage.kept, None);
    for gone in
        [old.blob().digest(), sbom.blob().digest(), &Digest::of(b"linux/amd64 old"), &Digest::of(b"{}")]
    {
        assert!(committed.garbage.removed.contains(gone), "{gone}");
    }
    // Two layers, two configurations, two manifests and the index of what is left.
    assert_eq!(names(&blobs).len(), 7);
}

#[test]
fn blobs_that_someone_has_in_hand_are_not_removed() {
    let directory = tempfile::tempdir().expect("a directory");
    let first = Layout::create_or_open(directory.path()).expect("empty");
    let shared = index(&first, "shared");
    first.commit(&plan("v1", &shared)).expect("committed");
    drop(first);

    // One handle finds all blobs of an index there, and so writes none of them ...
    let slow = Layout::open(directory.path()).expect("a layout");
    let found = index(&slow, "shared");
    // ... while another one replaces the only tag that names them.
    let quick = Layout::open(directory.path()).expect("a layout");
    let new = index(&quick, "new");
    let committed = quick.commit(&plan("v1", &new)).expect("committed");
    assert_eq!(committed.garbage, Garbage { kept: Some(Kept::Busy), ..Garbage::default() });
    drop(quick);
    slow.commit(&plan("v2", &found)).expect("nothing is missing");

    // The same within one handle.
    slow.commit(&plan("v2", &new)).expect("committed");
    slow.commit(&plan("v3", &found)).expect("nothing is missing");
    drop(slow);

    let sweeper = Layout::open(directory.path()).expect("a layout");
    assert_eq!(sweeper.collect_garbage().expect("readable"), Garbage::default());
    sweeper.commit(&plan("v3", &new)).expect("committed");
    drop(sweeper);
    let sweeper = Layout::open(directory.path()).expect("a layout");
    sweeper.dir().write("blobs/sha256/junk", "not a blob").expect("room");
    sweeper.collect_garbage().expect("readable");
    assert_eq!(names(&directory.path().join("blobs/sha256")).len(), 8);
}

#[test]
fn nothing_is_removed_when_an_entry_cannot_be_read() {
    let directory = tempfile::tempdir().expect("a directory");
    let layout = Layout::create_or_open(directory.path()).expect("empty");
    layout.commit(&plan("v1", &index(&layout, "one"))).expect("committed");
    drop(layout);
    let file = directory.path().join("index.json");
    let foreign = r#"{"annotations":{"x":"y"},"digest":"sha512:00","mediaType":"a/b","odd":[1],"size":7}"#;
    let text =
        read(&file).replace(r#"{"manifests":["#, &format!(r#"{{"later":true,"manifests":[{foreign},"#));
    write(&file, &text);
    let layout = Layout::open(directory.path()).expect("a layout");
    let committed = layout.commit(&plan("v1", &index(&layout, "two"))).expect("committed");
    assert_eq!(committed.garbage.kept, Some(Kept::Unreadable));
    let text = read(&file);
    assert!(text.contains(foreign) && text.contains(r#""later":true"#), "{text}");
}

#[test]
fn threads_that_tag_at_the_same_time_lose_nothing() {
    let directory = tempfile::tempdir().expect("a directory");
    let shared = Layout::create_or_open(directory.path()).expect("empty");
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (shared, path) = (&shared, directory.path());
            scope.spawn(move || {
                for round in 0..8 {
                    // Half of the threads share a handle, as the platforms of one build do.
                    let own = Layout::create_or_open(path).expect("a layout");
                    let layout = if thread % 2 == 0 { shared } else { &own };
                    let document = index(layout, &format!("{thread} {round}"));
                    layout.commit(&plan(&format!("t{thread}-{round}"), &document)).expect("committed");
                    layout.commit(&plan(&format!("again-{thread}"), &document)).expect("committed");
                }
            });
        }
    });
    assert_eq!(tags(&shared).len(), 4 * 8 + 4);
    let entries = shared.read_entries().expect("an index");
    for entry in entries.iter() {
        let descriptor = entry.descriptor().expect("ours");
        let reached = shared.reach([&descriptor]).expect("whole");
        assert_eq!(reached.len(), 7);
        for (digest, size) in reached {
            shared.blob_file(&digest, size).expect("there");
        }
    }
    assert_eq!(names(directory.path()), ["blobs", "index.json", "oci-layout"].map(ToOwned::to_owned).into());
}

#[test]
fn indexes_that_name_one_another_come_to_an_end() {
    let directory = tempfile::tempdir().expect("a directory");
    let layout = Layout::create_or_open(directory.path()).expect("empty");
    let mut document = index(&layout, "deep");
    for _ in 0..300 {
        layout.put_json(&document).expect("room");
        let manifests = vec![document.descriptor(), document.descriptor()];
        document = Index { manifests, ..Index::default() }.document();
    }
    layout.commit(&plan("deep", &document)).expect("each document is read once");
}

#[test]
fn only_what_has_the_same_name_is_replaced() {
    const REF: &str = "org.opencontainers.image.ref.name";
    const FULL: &str = "io.containerd.image.name";
    for (annotations, left) in [
        (vec![(REF, "v1")], 1),
        (vec![(REF, "v1"), (FULL, "other.example/x:v1")], 1),
        (vec![(FULL, "example.org/kubelet:v1")], 1),
        (vec![(REF, "example.org/kubelet:v1")], 1),
        (vec![(REF, "other.example/x:v1")], 2),
        (vec![(FULL, "other.example/x:v1")], 2),
        (vec![], 2),
    ] {
        let directory = tempfile::tempdir().expect("a directory");
        let layout = Layout::create_or_open(directory.path()).expect("empty");
        let image = put_image(&layout, "linux/amd64", b"theirs");
        let fold =
            |entry: crate::Descriptor, (key, value): &(&str, &str)| entry.with_annotation(*key, *value);
        let entry = annotations.iter().fold(image.descriptor(), fold);
        let entry = serde_json::to_string(&entry).expect("JSON");
        write(
            &directory.path().join("index.json"),
            &format!(r#"{{"schemaVersion":2,"manifests":[{entry}]}}"#),
        );
        layout.commit(&plan("v1", &index(&layout, "ours"))).expect("committed");
        assert_eq!(layout.read_entries().expect("an index").iter().count(), left, "{annotations:?}");
    }
}

#[test]
fn the_order_of_commits_does_not_show() {
    let written = |order: [&str; 3], together: bool| {
        let directory = tempfile::tempdir().expect("a directory");
        let layout = Layout::create_or_open(directory.path()).expect("empty");
        let documents = order.map(|tag| (tag, index(&layout, tag)));
        let artifact = |document: &Document| {
            artifact(MediaType::from("text/spdx"), &document.descriptor(), Vec::new(), Annotations::new())
        };
        let whole = Plan::new("example.org/kubelet".parse().expect("a name"));
        let whole = documents.iter().fold(whole, |whole, (tag, document)| {
            let one = plan(tag, document).referrer(&artifact(document));
            if !together {
                layout.commit(&one).expect("committed");
            }
            whole.tag(tag.parse().expect("a tag"), document).referrer(&artifact(document))
        });
        layout.commit(&whole).expect("committed");
        read(&directory.path().join("index.json"))
    };
    let want = written(["a", "b", "c"], true);
    for order in [["a", "b", "c"], ["c", "a", "b"], ["b", "c", "a"]] {
        assert_eq!(written(order, true), want);
        assert_eq!(written(order, false), want);
    }
}

#[test]
fn ocidir_reads_what_is_written_here_and_the_reverse() {
    use ocidir::{OciDir, OciRead as _};

    let directory = tempfile::tempdir().expect("a directory");
    let layout = crate::test_layout::sample(directory.path());
    let root =
        layout.read_entries().expect("an index").iter().next().expect("v1").descriptor().expect("ours");
    let second = OciDir::open(layout.dir().try_clone().expect("a handle")).expect("a layout");
    let found = second.find_manifest_descriptor_with_tag("v1").expect("readable").expect("there");
    assert_eq!(found.digest().to_string(), root.digest.to_string());
    let subject: oci_spec::image::Digest = root.digest.to_string().parse().expect("a digest");
    assert_eq!(second.find_referrers(&subject, None).expect("readable").len(), 1);

    // An image that ocidir names in index.json, without an index and without containerd's name.
    let config = oci_spec::image::ImageConfiguration::default();
    let manifest = second.new_empty_manifest().expect("room").build().expect("complete");
    let platform = oci_spec::image::Platform::default();
    second.insert_manifest_and_config(manifest, config, Some("theirs"), platform).expect("room");
    let source =
        crate::ImageSource::of_layout(Layout::open(directory.path()).expect("a layout")).expect("readable");
    assert_eq!(source.tags(), ["theirs", "v1", "v1-wire"]);
    assert_eq!(source.images(Some("theirs")).expect("there").len(), 1);
    // A commit keeps it.
    layout.commit(&plan("v2", &index(&layout, "two"))).expect("committed");
    assert_eq!(tags(&layout), ["theirs", "v1", "v1-wire", "v2", "-"]);
}
