//! Archives of other tools are read, and hostile ones are not believed.

use super::*;
use crate::{Digest, LayerKind, test_layout};
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// One entry of an archive: a file with content, or a link.
enum Part<'text> {
    File(&'text str, Vec<u8>),
    Link(&'text str, &'text str),
}

#[expect(clippy::disallowed_methods, reason = "the test writes an archive to be read back")]
fn write(at: PathBuf, bytes: &[u8]) -> PathBuf {
    std::fs::write(&at, bytes).expect("room");
    at
}

/// An archive whose names are written as they are, which the builder would refuse.
fn archive(directory: &Path, parts: &[Part<'_>]) -> PathBuf {
    let mut builder = tar::Builder::new(Vec::new());
    for part in parts {
        let mut header = tar::Header::new_ustar();
        header.set_mode(0o644);
        let (name, content) = match part {
            Part::File(name, content) => {
                header.set_size(content.len() as u64);
                (name, content.as_slice())
            }
            Part::Link(name, target) => {
                header.set_entry_type(tar::EntryType::Symlink);
                header.set_size(0);
                header.as_mut_bytes()[157..157 + target.len()].copy_from_slice(target.as_bytes());
                (name, &[][..])
            }
        };
        header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
        header.set_cksum();
        builder.append(&header, content).expect("memory");
    }
    write(directory.join("archive.tar"), &builder.into_inner().expect("memory"))
}

fn config(diff_ids: &[Digest]) -> Vec<u8> {
    let ids: Vec<String> = diff_ids.iter().map(|digest| format!("\"{digest}\"")).collect();
    let ids = ids.join(",");
    format!(r#"{{"architecture":"arm64","os":"linux","rootfs":{{"type":"layers","diff_ids":[{ids}]}}}}"#)
        .into_bytes()
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

/// Opens, picks the only image, and reads its layers.
fn read(path: &Path, wanted: &Wanted) -> Result<Vec<Vec<u8>>, String> {
    let source = ImageSource::open(path).map_err(|error| chain(&error))?;
    let image = source.image(wanted).map_err(|error| chain(&error))?;
    let mut contents = Vec::new();
    for layer in &image.layers {
        let mut content = Vec::new();
        let mut reader = layer.open().map_err(|error| chain(&error))?;
        reader.read_to_end(&mut content).map_err(|error| chain(&error))?;
        contents.push(content);
    }
    Ok(contents)
}

#[test]
fn images_are_picked_by_tag_and_platform_and_what_is_there_is_listed() {
    let directory = tempfile::tempdir().expect("a directory");
    drop(test_layout::sample(directory.path()));
    for (tag, platform, want) in [
        (Some("v1"), Some("linux/amd64"), Ok(2)),
        (Some("v1"), Some("linux/arm"), Ok(2)),
        (Some("v1-wire"), Some("linux/arm/v7"), Ok(1)),
        (Some("example.org/kubelet:v1"), Some("linux/amd64"), Ok(2)),
        (Some("v2"), None, Err("has no image with the tag \"v2\"; it has v1, v1-wire")),
        (None, None, Err("has more than one image; choose a tag: v1, v1-wire")),
        (Some("v1"), None, Err("is there for more than one platform; choose one: linux/amd64, linux/arm/v7")),
        (
            Some("v1"),
            Some("linux/arm/v6"),
            Err("is not there for linux/arm/v6, but for linux/amd64, linux/arm/v7"),
        ),
    ] {
        let wanted = Wanted {
            tag: tag.map(ToOwned::to_owned),
            platform: platform.map(|platform| platform.parse().expect("known")),
        };
        match (read(directory.path(), &wanted), want) {
            (Ok(layers), Ok(count)) => assert_eq!(layers.len(), count, "{wanted:?}"),
            (Err(said), Err(want)) => assert!(said.contains(want), "{said}"),
            (got, want) => panic!("{wanted:?}: got {got:?}, wanted {want:?}"),
        }
    }
}

#[test]
fn layouts_of_other_tools_are_read() {
    let directory = tempfile::tempdir().expect("a directory");
    let layout = test_layout::sample(directory.path());
    let image = test_layout::put_image(&layout, "linux/amd64", &[LayerKind::Gzip]);
    let docker = crate::Descriptor {
        media_type: "application/vnd.docker.distribution.manifest.v2+json".into(),
        ..image.manifest().descriptor()
    };
    let manifest = |annotations: &str| {
        let descriptor = serde_json::to_string(&docker).expect("JSON");
        format!(r#"{{"annotations":{{{annotations}}},{}"#, &descriptor[1..])
    };
    for (entries, tag, want) in [
        // A manifest without an index; no name, a full name in the place of the tag, containerd's name only.
        (manifest(""), None, true),
        (manifest(r#""org.opencontainers.image.ref.name":"quay.io/a/b:v9""#), Some("v9"), true),
        (manifest(r#""org.opencontainers.image.ref.name":"quay.io/a/b:v9""#), Some("quay.io/a/b:v9"), true),
        (manifest(r#""io.containerd.image.name":"quay.io:5000/a/b:v9""#), Some("v9"), true),
        (manifest(r#""org.opencontainers.image.ref.name":"v9""#), Some("v8"), false),
        // One image under two tags is clear, and things that are not images are passed over.
        (
            format!(
                r#"{},{},{{"mediaType":"application/xml","digest":"{}","size":3}}"#,
                manifest(r#""org.opencontainers.image.ref.name":"a""#),
                manifest(r#""org.opencontainers.image.ref.name":"b""#),
                Digest::of(b"xml")
            ),
            None,
            true,
        ),
        (String::new(), None, false),
    ] {
        let index = format!(r#"{{"schemaVersion":2,"manifests":[{entries}]}}"#);
        write(directory.path().join("index.json"), index.as_bytes());
        let wanted = Wanted { tag: tag.map(ToOwned::to_owned), platform: None };
        let got = read(directory.path(), &wanted);
        assert_eq!(got.is_ok(), want, "{index}: {got:?}");
    }
}

#[test]
fn an_index_may_list_what_is_not_there_until_it_is_wanted() {
    let directory = tempfile::tempdir().expect("a directory");
    let layout = crate::Layout::create_or_open(directory.path()).expect("empty");
    let here = test_layout::put_image(&layout, "linux/amd64", &[LayerKind::Gzip]).descriptor();
    let gone = crate::Descriptor::new(crate::MediaType::ImageManifest, &crate::Blob::of(b"gone"));
    let listed = |platform: &str, descriptor: &crate::Descriptor| {
        descriptor.clone().with_platform(platform.parse().expect("known"))
    };
    let manifests = vec![here.clone(), listed("linux/arm64", &gone), listed("linux/riscv64", &here)];
    let index = crate::Index { manifests, ..crate::Index::default() }.document();
    layout.put_json(&index).expect("room");
    let entry = serde_json::to_string(&index.descriptor()).expect("JSON");
    write(
        directory.path().join("index.json"),
        format!(r#"{{"schemaVersion":2,"manifests":[{entry}]}}"#).as_bytes(),
    );
    for (platform, want) in [
        ("linux/amd64", ""),
        ("linux/arm64", "has no blob"),
        ("linux/riscv64", "listed for linux/riscv64 is for linux/amd64"),
        ("linux/386", "but for linux/amd64, linux/arm64"),
    ] {
        let wanted = Wanted { tag: None, platform: Some(platform.parse().expect("known")) };
        let said = read(directory.path(), &wanted).err().unwrap_or_default();
        assert!(said.contains(want) && said.is_empty() == want.is_empty(), "{platform}: {said}");
    }
}

#[test]
fn archives_of_docker_are_read_old_and_new() {
    let directory = tempfile::tempdir().expect("a directory");
    let (one, two) = (test_layout::tar("a", "1"), test_layout::tar("b", "2"));
    let config = config(&[Digest::of(&one), Digest::of(&two), Digest::of(&one)]);
    let name = format!("{}.json", Digest::of(&config).hex());
    // Before version 25: a directory per layer, and a link where a layer is there twice.
    let manifest = format!(
        r#"[{{"Config":"{name}","RepoTags":["kubelet:v1","reg:5000/kubelet:v2"],"Layers":["x/layer.tar","y/layer.tar","z/layer.tar"]}}]"#
    );
    let old = archive(
        directory.path(),
        &[
            Part::File(&name, config.clone()),
            Part::File("x/layer.tar", one.clone()),
            Part::File("x/VERSION", b"1.0".to_vec()),
            Part::File("y/layer.tar", test_layout::pack(LayerKind::Gzip, &two)),
            Part::Link("z/layer.tar", "../x/layer.tar"),
            Part::File("manifest.json", manifest.into_bytes()),
            Part::File("repositories", b"{}".to_vec()),
        ],
    );
    for tag in [None, Some("v1"), Some("kubelet:v1"), Some("v2")] {
        let wanted = Wanted { tag: tag.map(ToOwned::to_owned), platform: None };
        assert_eq!(read(&old, &wanted).expect("readable"), [one.clone(), two.clone(), one.clone()]);
    }
    assert_eq!(ImageSource::open(&old).expect("readable").tags(), ["kubelet:v1", "reg:5000/kubelet:v2"]);

    // Since version 25: a layout with a manifest.json beside it, both naming the same blobs.
    let blob = |bytes: &[u8]| format!("blobs/sha256/{}", Digest::of(bytes).hex());
    let point = |kind: &str, bytes: &[u8]| {
        format!(
            r#"{{"mediaType":"application/vnd.oci.image.{kind}","digest":"{}","size":{}}}"#,
            Digest::of(bytes),
            bytes.len()
        )
    };
    let manifest = format!(
        r#"{{"schemaVersion":2,"config":{},"layers":[{},{},{}]}}"#,
        point("config.v1+json", &config),
        point("layer.v1.tar", &one),
        point("layer.v1.tar", &two),
        point("layer.v1.tar", &one)
    )
    .into_bytes();
    let entry = point("manifest.v1+json", &manifest);
    let annotations = r#"{"io.containerd.image.name":"docker.io/library/kubelet:v1","org.opencontainers.image.ref.name":"v1"}"#;
    let index =
        format!(r#"{{"schemaVersion":2,"manifests":[{{"annotations":{annotations},{}]}}"#, &entry[1..]);
    let new = archive(
        directory.path(),
        &[
            Part::File(&blob(&one), one.clone()),
            Part::File(&blob(&two), two.clone()),
            Part::File(&blob(&config), config.clone()),
            Part::File(&blob(&manifest), manifest.clone()),
            Part::File("index.json", index.into_bytes()),
            Part::File("manifest.json", b"[]".to_vec()),
            Part::File("./oci-layout", br#"{"imageLayoutVersion":"1.0.0"}"#.to_vec()),
        ],
    );
    let wanted = Wanted { tag: Some("v1".to_owned()), platform: Some("linux/arm64".parse().expect("known")) };
    assert_eq!(read(&new, &wanted).expect("readable"), [one.clone(), two, one]);
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn hostile_archives_are_refused() {
    let layer = test_layout::tar("a", "1");
    let good = config(&[Digest::of(&layer)]);
    let manifest = |config: &str, layer: &str| {
        let text = format!(r#"[{{"Config":"{config}","RepoTags":null,"Layers":["{layer}"]}}]"#);
        Part::File("manifest.json", text.into_bytes())
    };
    let xz = [&[0xfd, b'7', b'z', b'X', b'Z', 0][..], &[0; 100]].concat();
    let other = format!("{}.json", Digest::of(b"other").hex());
    let plain = |extra: Vec<Part<'static>>| {
        let mut parts = vec![
            Part::File("c.json", good.clone()),
            Part::File("l.tar", layer.clone()),
            manifest("c.json", "l.tar"),
        ];
        parts.extend(extra);
        parts
    };
    let cases: Vec<(&str, Vec<Part<'_>>, &str)> = vec![
        ("good", plain(vec![]), ""),
        ("climbing name", plain(vec![Part::File("a/../../x", vec![])]), "a name that climbs out"),
        ("absolute name", plain(vec![Part::File("/etc/x", vec![])]), "an absolute name"),
        ("climbing link", plain(vec![Part::Link("a/l", "../../x")]), "a link out of the archive"),
        ("absolute link", plain(vec![Part::Link("l", "/etc/passwd")]), "a link out of the archive"),
        ("twice", plain(vec![Part::File("./l.tar", vec![])]), "\"./l.tar\" is there twice"),
        ("link twice", plain(vec![Part::Link("l.tar", "c.json")]), "is there twice"),
        ("nothing", vec![Part::File("x", vec![])], "neither oci-layout nor manifest.json"),
        ("very old", vec![Part::File("repositories", vec![])], "docker before 1.10"),
        ("bad list", vec![Part::File("manifest.json", b"{}".to_vec())], "manifest.json of"),
        ("empty list", vec![Part::File("manifest.json", b"[]".to_vec())], "has no image in it"),
        ("no config", vec![manifest("c.json", "l.tar")], "names c.json, which is not in it"),
        ("no layer", vec![Part::File("c.json", good.clone()), manifest("c.json", "l.tar")], "names l.tar"),
        (
            "loop of links",
            vec![
                Part::File("c.json", good.clone()),
                Part::Link("l.tar", "m.tar"),
                Part::Link("m.tar", "l.tar"),
                manifest("c.json", "l.tar"),
            ],
            "names l.tar",
        ),
        (
            "climbing layer",
            vec![Part::File("c.json", good.clone()), manifest("c.json", "../../etc/passwd")],
            "names ../../etc/passwd",
        ),
        (
            "other config",
            vec![
                Part::File(&other, good.clone()),
                Part::File("l.tar", layer.clone()),
                manifest(&other, "l.tar"),
            ],
            "has other content",
        ),
        (
            "other layer",
            vec![
                Part::File("c.json", good.clone()),
                Part::File("l.tar", b"x".to_vec()),
                manifest("c.json", "l.tar"),
            ],
            "should unpack to",
        ),
        (
            "xz layer",
            vec![Part::File("c.json", good.clone()), Part::File("l.tar", xz), manifest("c.json", "l.tar")],
            "is compressed with xz, which image layers are not",
        ),
        (
            "cut gzip layer",
            vec![
                Part::File("c.json", good.clone()),
                Part::File("l.tar", test_layout::pack(LayerKind::Gzip, &layer)[..40].to_vec()),
                manifest("c.json", "l.tar"),
            ],
            "deflate stream",
        ),
        (
            "count",
            vec![
                Part::File("c.json", config(&[])),
                Part::File("l.tar", layer.clone()),
                manifest("c.json", "l.tar"),
            ],
            "has 1 layers and its configuration 0 diff ids",
        ),
        (
            "version",
            vec![Part::File("oci-layout", br#"{"imageLayoutVersion":"9"}"#.to_vec())],
            "not of version 1.0.0",
        ),
        (
            "no index",
            vec![Part::File("oci-layout", br#"{"imageLayoutVersion":"1.0.0"}"#.to_vec())],
            "names index.json, which is not in it",
        ),
    ];
    for (name, parts, want) in cases {
        let directory = tempfile::tempdir().expect("a directory");
        let got = read(&archive(directory.path(), &parts), &Wanted::default());
        match got {
            Ok(layers) => assert_eq!((layers.len(), want), (1, ""), "{name}"),
            Err(said) => assert!(!want.is_empty() && said.contains(want), "{name}: {said}"),
        }
    }
}

#[test]
fn a_file_that_is_no_archive_is_refused_without_reading_it_all() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut header = tar::Header::new_gnu();
    header.set_size(u64::MAX >> 2);
    header.as_mut_bytes()[..1].copy_from_slice(b"x");
    header.set_cksum();
    let mut long = tar::Header::new_gnu();
    long.set_entry_type(tar::EntryType::GNULongName);
    long.set_size(u64::MAX >> 2);
    long.set_cksum();
    for (name, bytes, want) in [
        ("gzip", test_layout::pack(LayerKind::Gzip, b"x"), "unpack it with gunzip first"),
        ("zstd", test_layout::pack(LayerKind::Zstd, b"x"), "unpack it with unzstd first"),
        ("text", b"hello ".repeat(200), "read the tar headers of"),
        ("empty", Vec::new(), "neither oci-layout nor manifest.json"),
        ("huge", header.as_bytes().to_vec(), "ends after the end of the file"),
        ("huge name", long.as_bytes().to_vec(), "read the tar headers of"),
    ] {
        let said = read(&write(directory.path().join(name), &bytes), &Wanted::default()).expect_err(name);
        assert!(said.contains(want), "{name}: {said}");
    }
    // Every cut of a good archive is refused, or complete.
    let source =
        ImageSource::of_layout(test_layout::sample(&directory.path().join("layout"))).expect("a layout");
    let wanted = Wanted { tag: Some("v1".to_owned()), platform: Some("linux/amd64".parse().expect("known")) };
    let whole = crate::export::oci_archive(&source, &wanted, crate::export::Referrers::Skip, Vec::new())
        .expect("written");
    let want = read(&write(directory.path().join("whole"), &whole), &wanted).expect("whole");
    for length in (0..whole.len()).step_by(199) {
        let cut = write(directory.path().join("cut"), &whole[..length]);
        if let Ok(layers) = read(&cut, &wanted) {
            assert_eq!(layers, want, "cut at {length} of {}", whole.len());
        }
    }
}

#[test]
fn a_changed_byte_is_an_error_or_does_not_matter() {
    let directory = tempfile::tempdir().expect("a directory");
    let source =
        ImageSource::of_layout(test_layout::sample(&directory.path().join("layout"))).expect("a layout");
    let wanted = Wanted { tag: Some("v1".to_owned()), platform: Some("linux/amd64".parse().expect("known")) };
    let oci = crate::export::oci_archive(&source, &wanted, crate::export::Referrers::Skip, Vec::new());
    let layers = crate::export::DockerLayers::Unpacked;
    let docker = crate::export::docker_archive(&source, &wanted, layers, Vec::new());
    for whole in [oci.expect("written"), docker.expect("written")] {
        let want = read(&write(directory.path().join("whole"), &whole), &wanted).expect("whole");
        let mut errors = 0;
        for position in (0..whole.len()).step_by(23) {
            let mut changed = whole.clone();
            changed[position] ^= 1 << (position % 8);
            match read(&write(directory.path().join("changed"), &changed), &wanted) {
                Ok(layers) => assert_eq!(layers, want, "changed at {position}"),
                Err(_) => errors += 1,
            }
        }
        assert!(errors > 100, "{errors}");
    }
}

#[test]
fn a_layer_is_judged_by_its_bytes() {
    let directory = tempfile::tempdir().expect("a directory");
    let layout = crate::Layout::create_or_open(directory.path()).expect("empty");
    let content = test_layout::tar("a", "content");
    let wrong = crate::DiffId(Digest::of(b"other"));
    for kind in [LayerKind::Tar, LayerKind::Gzip, LayerKind::Zstd] {
        let packed = test_layout::pack(kind, &content);
        let blob = layout.put_bytes(&packed).expect("room");
        // The media type says something else each time.
        let descriptor = crate::Descriptor::new("application/vnd.oci.image.layer.v1.tar+gzip".into(), &blob);
        let file = || layout.blob_file(blob.digest(), blob.size()).expect("there");
        let layer = |descriptor, diff_id| SourceLayer::of_file(directory.path(), file(), descriptor, diff_id);
        let right = layer(&descriptor, crate::DiffId(Digest::of(&content)));
        assert_eq!(right.kind().expect("readable"), kind);
        let mut read = Vec::new();
        right.open().expect("readable").read_to_end(&mut read).expect("right");
        assert_eq!(read, content);
        let failed =
            layer(&descriptor, wrong).open().expect("readable").read_to_end(&mut read).expect_err("wrong");
        assert!(failed.to_string().contains("should unpack to"), "{failed}");
        let named = crate::Descriptor { digest: Digest::of(b"other"), ..descriptor.clone() };
        let failed =
            layer(&named, right.diff_id).open().expect("readable").read_to_end(&mut read).expect_err("wrong");
        assert!(failed.to_string().contains("has other content"), "{failed}");
    }
}
