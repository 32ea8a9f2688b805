//! What is exported is read back, here and by other tools.

use super::*;
use crate::{Digest, ImageSource, LayerKind, SourceError, Wanted, test_layout};
use std::io::Read as _;
use std::path::Path;

fn wanted(tag: &str, platform: Option<&str>) -> Wanted {
    Wanted { tag: Some(tag.to_owned()), platform: platform.map(|platform| platform.parse().expect("known")) }
}

#[expect(clippy::disallowed_methods, reason = "the test writes an archive to be read back")]
fn reopened(directory: &Path, archive: &[u8]) -> ImageSource {
    let path = directory.join(format!("{}.tar", Digest::of(archive).hex()));
    std::fs::write(&path, archive).expect("room");
    ImageSource::open(path).expect("an archive")
}

fn entries(archive: &[u8]) -> Vec<String> {
    let mut archive = tar::Archive::new(archive);
    let entries = archive.entries().expect("a tar");
    entries
        .map(|entry| {
            let entry = entry.expect("whole");
            let header = entry.header();
            assert_eq!(
                (header.mtime().ok(), header.uid().ok(), header.gid().ok()),
                (Some(0), Some(0), Some(0))
            );
            String::from_utf8_lossy(&entry.path_bytes()).into_owned()
        })
        .collect()
}

#[test]
fn an_oci_archive_has_what_one_tag_needs_and_keeps_digests() {
    let directory = tempfile::tempdir().expect("a directory");
    let layout = test_layout::sample(&directory.path().join("layout"));
    let source = ImageSource::of_layout(layout).expect("a layout");
    for (platform, referrers, blobs) in [
        // 2 × (manifest, configuration, 2 layers), and the index.
        (None, Referrers::Skip, 9),
        // The artifact's manifest, its payload and the empty configuration.
        (None, Referrers::Include, 12),
        (Some("linux/arm/v7"), Referrers::Skip, 4),
    ] {
        let wanted = wanted("v1", platform);
        let archive = oci_archive(&source, &wanted, referrers, Vec::new()).expect("written");
        let again = oci_archive(&source, &wanted, referrers, Vec::new()).expect("written");
        assert_eq!(Digest::of(&archive), Digest::of(&again));
        let names = entries(&archive);
        assert_eq!(names[..4], ["oci-layout", "index.json", "blobs/", "blobs/sha256/"]);
        assert_eq!(names.len() - 4, blobs, "{platform:?} {referrers:?}");
        let read = reopened(directory.path(), &archive);
        assert_eq!(read.tags(), ["v1"]);
        assert_eq!(read.full_name(Some("v1")).as_deref(), Some("example.org/kubelet:v1"));
        let root = read.roots(Some("v1")).expect("there").remove(0);
        if platform.is_none() {
            assert_eq!(root, source.roots(Some("v1")).expect("there")[0]);
        }
        let said = read.referrers(&root.digest).expect("readable");
        assert_eq!(said.len(), usize::from(referrers == Referrers::Include));
        // An archive of the archive is the archive.
        assert!(oci_archive(&read, &wanted, referrers, Vec::new()).expect("written") == archive);
    }
}

#[test]
fn trap_23_a_docker_archive_keeps_the_image_id_and_the_content() {
    let directory = tempfile::tempdir().expect("a directory");
    let layout = test_layout::sample(&directory.path().join("layout"));
    let source = ImageSource::of_layout(layout).expect("a layout");
    let wanted = wanted("v1", Some("linux/amd64"));
    let image = source.image(&wanted).expect("there");
    for layers in [DockerLayers::AsTheyAre, DockerLayers::Unpacked] {
        let archive = docker_archive(&source, &wanted, layers, Vec::new()).expect("written");
        assert!(archive == docker_archive(&source, &wanted, layers, Vec::new()).expect("written"));
        assert_eq!(entries(&archive).len(), 4);
        let read = reopened(directory.path(), &archive);
        assert_eq!(read.tags(), ["example.org/kubelet:v1"]);
        let back = read.image(&Wanted::default()).expect("one image");
        assert_eq!(back.config_document, image.config_document);
        for (layer, original) in back.layers.iter().zip(&image.layers) {
            let (mut content, mut want) = (Vec::new(), Vec::new());
            layer.open().expect("readable").read_to_end(&mut content).expect("right");
            original.open().expect("readable").read_to_end(&mut want).expect("right");
            assert_eq!(content, want);
            if layers == DockerLayers::Unpacked {
                assert_eq!(layer.kind().expect("readable"), LayerKind::Tar);
            }
        }
    }
}

#[test]
fn trap_16_zstd_does_not_go_into_a_docker_archive_as_it_is() {
    let directory = tempfile::tempdir().expect("a directory");
    let layout = test_layout::sample(&directory.path().join("layout"));
    let source = ImageSource::of_layout(layout).expect("a layout");
    let wanted = wanted("v1-wire", Some("linux/amd64"));
    let said =
        docker_archive(&source, &wanted, DockerLayers::AsTheyAre, Vec::new()).expect_err("zstd").to_string();
    assert!(said.contains("is compressed with zstd, which docker 20.10 cannot load"), "{said}");
    let archive = docker_archive(&source, &wanted, DockerLayers::Unpacked, Vec::new()).expect("written");
    let read = reopened(directory.path(), &archive);
    let back = read.image(&Wanted::default()).expect("one image");
    assert_eq!(back.layers[0].kind().expect("readable"), LayerKind::Tar);
    let said = oci_archive(&read, &Wanted::default(), Referrers::Skip, Vec::new()).expect_err("no manifest");
    assert!(matches!(said, ExportError::Source(SourceError::NoManifest { .. })), "{said}");
}

#[test]
fn a_damaged_blob_is_not_exported() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("layout");
    let source = ImageSource::of_layout(test_layout::sample(&path)).expect("a layout");
    let wanted = wanted("v1", Some("linux/amd64"));
    let image = source.image(&wanted).expect("there");
    let digest = image.layers[0].digest().expect("in a layout");
    #[expect(clippy::disallowed_methods, reason = "the test damages the directory from outside")]
    std::fs::write(
        path.join("blobs/sha256").join(digest.hex()),
        vec![0; usize::try_from(image.layers[0].size()).expect("small")],
    )
    .expect("a file");
    assert!(oci_archive(&source, &wanted, Referrers::Skip, Vec::new()).is_err());
    assert!(docker_archive(&source, &wanted, DockerLayers::AsTheyAre, Vec::new()).is_err());
}
