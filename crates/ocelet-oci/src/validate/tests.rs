//! Each way of being wrong is found, and is the only thing found.

use super::*;
use crate::{Annotations, Digest, Document, Index, LayerKind, MediaType, Plan, test_layout};
use serde_json::{Value, json};
use std::path::Path;

fn said(layout: &Layout) -> Vec<String> {
    validate(layout).iter().map(ToString::to_string).collect()
}

#[test]
fn what_this_house_writes_has_no_problems() {
    let directory = tempfile::tempdir().expect("a directory");
    let layout = test_layout::sample(directory.path());
    assert_eq!(said(&layout), Vec::<String>::new());
    let tag: Tag = "v1-wire".parse().expect("a tag");
    let valid = validate_tag(&layout, &tag).expect("no problems");
    let platforms: Vec<String> = valid.images().iter().map(|(platform, _)| platform.to_string()).collect();
    assert_eq!(platforms, ["linux/amd64", "linux/arm/v7"]);
    assert_eq!((valid.tag(), valid.warnings().len()), (&tag, 0));
    let none = validate_tag(&layout, &"v2".parse().expect("a tag")).expect_err("no such tag");
    assert!(none[0].to_string().contains(r#"has no tag "v2""#));
}

#[expect(clippy::disallowed_methods, reason = "the test damages the directory from outside")]
fn write(at: &Path, bytes: &[u8]) {
    std::fs::write(at, bytes).expect("a file");
}

/// A layout with one image, whose documents were changed before they were put there.
fn changed(path: &Path, change: impl Fn(&str, &mut Value)) -> Layout {
    let layout = Layout::create_or_open(path).expect("empty");
    let image = test_layout::put_image(&layout, "linux/arm/v7", &[LayerKind::Gzip, LayerKind::Tar]);
    let put = |value: &Value| layout.put_bytes(&crate::json::canonical(value)).expect("room");
    let edit = |name: &str, bytes: &[u8]| {
        let mut value: Value = serde_json::from_slice(bytes).expect("ours");
        change(name, &mut value);
        value
    };
    let point = |value: &mut Value, blob: crate::Blob| {
        value["digest"] = json!(blob.digest().to_string());
        value["size"] = json!(blob.size());
    };
    let config = put(&edit("config", image.config().bytes()));
    let mut manifest: Value = serde_json::from_slice(image.manifest().bytes()).expect("ours");
    point(&mut manifest["config"], config);
    change("manifest", &mut manifest);
    let manifest = put(&manifest);
    let mut index: Value = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [{"mediaType": "application/vnd.oci.image.manifest.v1+json",
                       "platform": {"os": "linux", "architecture": "arm", "variant": "v7"}}],
    });
    point(&mut index["manifests"][0], manifest);
    change("index", &mut index);
    let index = put(&index);
    let mut file: Value = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [{"mediaType": "application/vnd.oci.image.index.v1+json",
                       "annotations": {"org.opencontainers.image.ref.name": "v1",
                                       "io.containerd.image.name": "docker.io/library/kubelet:v1"}}],
    });
    point(&mut file["manifests"][0], index);
    change("index.json", &mut file);
    write(&path.join("index.json"), &crate::json::canonical(&file));
    drop(layout);
    let layout = Layout::open(path).expect("a layout");
    // The documents as they were before they were changed.
    let _ = layout.collect_garbage().expect("readable");
    layout
}

type Change = fn(&str, &mut Value);

fn check(cases: &[(&str, Change, &[&str])]) {
    for (name, change, want) in cases {
        let directory = tempfile::tempdir().expect("a directory");
        let layout = changed(directory.path(), |document, value| {
            if name.split(' ').next() == Some(document) {
                change(document, value);
            }
        });
        let found: Vec<String> =
            said(&layout).into_iter().filter(|problem| !problem.contains("is named by nothing")).collect();
        assert_eq!(found.len(), want.len(), "{name}: {found:#?}");
        for (found, want) in found.iter().zip(*want) {
            assert!(found.contains(want), "{name}: {found}");
        }
    }
}

#[test]
fn trap_19_and_20_configurations() {
    check(&[
        ("nothing", |_, _| {}, &[]),
        (
            "config type",
            |_, value| value["rootfs"]["type"] = json!("layer"),
            &["rootfs.type is \"layer\" and must be \"layers\" (config.md"],
        ),
        ("config without os", |_, value| value["os"] = Value::Null, &["os is null and must be a text"]),
        (
            "config order",
            |_, value| value["rootfs"]["diff_ids"].as_array_mut().expect("a list").reverse(),
            &["layer 0", "layer 1"],
        ),
        (
            "config count",
            |_, value| {
                value["rootfs"]["diff_ids"].as_array_mut().expect("a list").pop();
            },
            &["has 2 layers, and its configuration 1 diff ids"],
        ),
        (
            "config history",
            |_, value| {
                value["history"].as_array_mut().expect("a list").pop();
            },
            &["has 1 history entries that are not empty, and 2 layers"],
        ),
        ("config no history", |_, value| value["history"] = Value::Null, &[]),
        (
            "config history of an empty layer",
            |_, value| value["history"][0]["empty_layer"] = json!(true),
            &["has 1 history entries"],
        ),
        (
            "config history time",
            |_, value| {
                value["history"][1].as_object_mut().expect("an object").remove("created");
            },
            &["warning: index.json v1"],
        ),
        (
            "config history empty time",
            |_, value| value["history"][1]["created"] = json!(""),
            &["history[1].created is \"\" and must be a time"],
        ),
        ("config created", |_, value| value["created"] = json!("yesterday"), &["created is \"yesterday\""]),
        ("config path", |_, value| value["config"]["Env"] = Value::Null, &["warning"]),
        (
            "config env",
            |_, value| value["config"]["Env"] = json!(["PATH=/", "X", 3]),
            &["config.Env[2] is 3 and must be a text", "config.Env[1] is \"X\" and must be NAME=value"],
        ),
        (
            "config platform",
            |_, value| value["variant"] = json!("v6"),
            &["is listed for linux/arm/v7, and its configuration is for linux/arm/v6"],
        ),
        ("config variant", |_, value| value["variant"] = Value::Null, &["does not say which variant"]),
        (
            "config fields",
            |_, value| {
                value["config"]["Volumes"] = json!({"/x": null});
                value["config"]["Labels"] = json!({"x": 1});
            },
            &["config.Volumes is", "config.Labels is"],
        ),
    ]);
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn trap_21_manifests_and_indexes() {
    check(&[
        (
            "manifest null layers",
            |_, value| value["layers"] = Value::Null,
            &[
                "layers is null and must be a list",
                "has 0 layers, and its configuration 2",
                "at least 1",
                "history",
            ],
        ),
        (
            "manifest negative size",
            |_, value| value["layers"][0]["size"] = json!(-3),
            &["layers[0].size is -3 and must be a number of bytes (descriptor.md"],
        ),
        ("manifest wrong size", |_, value| value["layers"][0]["size"] = json!(3), &["should have 3 bytes"]),
        (
            "manifest missing layer",
            |_, value| value["layers"][1]["digest"] = json!(Digest::of(b"gone").to_string()),
            &["has no blob"],
        ),
        (
            "manifest sha512",
            |_, value| value["layers"][1]["digest"] = json!("sha512:abc"),
            &["layers[1].digest is \"sha512:abc\""],
        ),
        (
            "manifest layer type",
            |_, value| value["layers"][1]["mediaType"] = value["layers"][0]["mediaType"].clone(),
            &["is called application/vnd.oci.image.layer.v1.tar+gzip and is not compressed"],
        ),
        (
            "manifest is an index, too",
            |_, value| value["manifests"] = json!([]),
            &["manifests is [] and must be absent in a manifest"],
        ),
        (
            "manifest of another type",
            |_, value| value["mediaType"] = json!("application/vnd.docker.distribution.manifest.v2+json"),
            &[
                "the descriptor says application/vnd.oci.image.manifest.v1+json and the document application/vnd.docker",
            ],
        ),
        (
            "manifest version",
            |_, value| value["schemaVersion"] = json!(1),
            &["schemaVersion is 1 and must be 2"],
        ),
        (
            "manifest annotations",
            |_, value| value["annotations"] = json!({"a": 1}),
            &["annotations is {\"a\":1} and must be an object of texts (annotations.md"],
        ),
        (
            "manifest media type",
            |_, value| value["artifactType"] = json!("spdx"),
            &["artifactType is \"spdx\" and must be a media type"],
        ),
        (
            "manifest artifact",
            |_, value| value["config"]["mediaType"] = json!("application/vnd.oci.empty.v1+json"),
            &["has an empty configuration and no artifactType"],
        ),
        (
            "manifest subject",
            |_, value| {
                value["subject"] =
                    json!({"mediaType": "a/b", "size": 1, "digest": Digest::of(b"gone").to_string()});
            },
            &["which is not in this layout"],
        ),
        (
            "index twice",
            |_, value| {
                let first = value["manifests"][0].clone();
                value["manifests"].as_array_mut().expect("a list").push(first);
            },
            &["lists linux/arm/v7 twice"],
        ),
        (
            "index without platform",
            |_, value| {
                value["manifests"][0].as_object_mut().expect("an object").remove("platform");
            },
            &["has no platform in the index"],
        ),
        (
            "index null",
            |_, value| value["manifests"] = Value::Null,
            &["manifests is null and must be a list"],
        ),
        (
            "index layers",
            |_, value| value["layers"] = json!([]),
            &["layers is [] and must be absent in an index"],
        ),
    ]);
}

#[test]
fn trap_22_names() {
    const NAME: &str = "org.opencontainers.image.ref.name";
    check(&[
        (
            "index.json no tag",
            |_, value| {
                value["manifests"][0]["annotations"].as_object_mut().expect("an object").remove(NAME);
            },
            &["has no org.opencontainers.image.ref.name; skopeo"],
        ),
        (
            "index.json no full name",
            |_, value| value["manifests"][0]["annotations"] = json!({NAME: "v1"}),
            &["has no io.containerd.image.name; containerd"],
        ),
        (
            "index.json no name",
            |_, value| value["manifests"][0]["annotations"] = json!({}),
            &["has no org.opencontainers.image.ref.name; every client"],
        ),
        (
            "index.json other tag",
            |_, value| value["manifests"][0]["annotations"][NAME] = json!("v2"),
            &["has the tag \"v2\" and the full name \"docker.io/library/kubelet:v1\""],
        ),
        (
            "index.json odd tag",
            |_, value| {
                value["manifests"][0]["annotations"] =
                    json!({NAME: "a b", "io.containerd.image.name": "x:a b"});
            },
            &["is \"a b\" and must be words"],
        ),
        (
            "index.json same tag",
            |_, value| {
                let mut other = value["manifests"][0].clone();
                other["annotations"]["x"] = json!("y");
                value["manifests"].as_array_mut().expect("a list").push(other);
            },
            &["the tag \"v1\" is given to 2 entries"],
        ),
    ]);
}

#[test]
fn the_directory_has_what_belongs_there() {
    let directory = tempfile::tempdir().expect("a directory");
    let layout = test_layout::sample(directory.path());
    write(&directory.path().join("notes.txt"), b"");
    write(&directory.path().join("blobs/sha512"), b"");
    write(&directory.path().join("blobs/sha256/short"), b"");
    layout.put_bytes(b"orphan").expect("room");
    let found = said(&layout);
    for want in [
        "warning: notes.txt: does not belong".to_owned(),
        "warning: blobs/sha512: does not belong".to_owned(),
        format!("warning: blobs/sha256/{}: is named by nothing (6 bytes)", Digest::of(b"orphan").hex()),
        "warning: blobs/sha256/short: does not belong".to_owned(),
    ] {
        assert!(found.iter().any(|found| found.contains(&want)), "{want}: {found:#?}");
    }
    assert_eq!(found.len(), 4);
}

#[test]
fn a_blob_that_was_changed_without_changing_its_size_is_found() {
    let directory = tempfile::tempdir().expect("a directory");
    let layout = test_layout::sample(directory.path());
    let blobs: Vec<Digest> = layout
        .dir()
        .read_dir("blobs/sha256")
        .expect("a directory")
        .map(|entry| {
            Digest::from_hex(entry.expect("a name").file_name().to_str().expect("hex")).expect("hex")
        })
        .collect();
    assert!(blobs.len() > 10);
    for digest in blobs {
        let path = directory.path().join("blobs/sha256").join(digest.hex());
        #[expect(clippy::disallowed_methods, reason = "the test damages the directory from outside")]
        let right = std::fs::read(&path).expect("a file");
        let mut wrong = right.clone();
        let middle = wrong.len() / 2;
        wrong[middle] ^= 1;
        write(&path, &wrong);
        let found = said(&layout);
        assert!(found.iter().any(|found| found.contains("has other content")), "{digest}: {found:#?}");
        write(&path, &right);
    }
    assert_eq!(said(&layout), Vec::<String>::new());
}

#[test]
fn nested_indexes_are_checked_to_the_bottom_and_no_further() {
    let directory = tempfile::tempdir().expect("a directory");
    let layout = Layout::create_or_open(directory.path()).expect("empty");
    let mut document = test_layout::put_index(&layout, &[LayerKind::Gzip]);
    let plan = |tag: &str, document: &Document| {
        Plan::new("kubelet".parse().expect("a name")).tag(tag.parse().expect("a tag"), document)
    };
    let nest = |document: &Document| {
        layout.put_json(document).expect("room");
        let descriptor = Descriptor::new(MediaType::ImageIndex, document.blob());
        Index::of_manifests(vec![descriptor], Annotations::new()).expect("one").document()
    };
    document = nest(&nest(&document));
    layout.commit(&plan("nested", &document)).expect("whole");
    let valid = validate_tag(&layout, &"nested".parse().expect("a tag")).expect("no problems");
    assert_eq!(valid.images().len(), 2);
    for _ in 0..10 {
        document = nest(&document);
    }
    layout.commit(&plan("deep", &document)).expect("whole");
    let problems = validate_tag(&layout, &"deep".parse().expect("a tag")).expect_err("too deep");
    assert!(problems[0].to_string().contains("nested more than 8 deep"), "{problems:?}");
}
