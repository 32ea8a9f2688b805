//! Small images for tests: real tar layers, every compression, whole layouts.

use crate::{
    Annotations, Blob, DiffId, Digest, Document, History, Image, ImageBuilder, Index, Layer, LayerKind,
    Layout, Plan, RuntimeConfig, Timestamp,
};

/// A tar stream with one file in it.
pub(crate) fn tar(name: &str, content: &str) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_ustar();
    header.set_mode(0o644);
    header.set_size(content.len() as u64);
    builder.append_data(&mut header, name, content.as_bytes()).expect("a short name");
    builder.into_inner().expect("memory")
}

/// Bytes in a compression; gzip in two members, as our layers are.
pub(crate) fn pack(kind: LayerKind, content: &[u8]) -> Vec<u8> {
    match kind {
        LayerKind::Tar => content.to_vec(),
        LayerKind::Gzip => {
            let mut packed = Vec::new();
            let (first, second) = content.split_at(content.len() / 2);
            for member in [first, second] {
                let level = libdeflater::CompressionLvl::new(6).expect("a level");
                let mut compressor = libdeflater::Compressor::new(level);
                let mut out = vec![0; compressor.gzip_compress_bound(member.len())];
                let size = compressor.gzip_compress(member, &mut out).expect("room");
                packed.extend_from_slice(&out[..size]);
            }
            packed
        }
        LayerKind::Zstd => zstd::encode_all(content, 3).expect("memory"),
    }
}

/// A layer that is put into a layout.
pub(crate) fn put_layer(layout: &Layout, kind: LayerKind, content: &[u8]) -> Layer {
    let blob: Blob = layout.put_bytes(&pack(kind, content)).expect("room");
    Layer { blob, diff_id: DiffId(Digest::of(content)), kind, annotations: Annotations::new() }
}

/// An image with a layer in each of these compressions.
pub(crate) fn put_image(layout: &Layout, platform: &str, kinds: &[LayerKind]) -> Image {
    let created = Timestamp::from_epoch(1_795_286_400);
    let config = RuntimeConfig {
        env: vec!["PATH=/usr/bin:/bin".to_owned()],
        entrypoint: vec!["/usr/bin/kubelet".to_owned()],
        ..RuntimeConfig::default()
    };
    let mut builder = ImageBuilder::new(platform.parse().expect("known")).created(&created).config(config);
    for (position, kind) in kinds.iter().enumerate() {
        let content = tar(&format!("etc/file-{position}"), &format!("{platform} {position}\n").repeat(50));
        let layer = put_layer(layout, *kind, &content);
        builder = builder.layer(layer, Some(History::of_layer(&created, "ocelet")));
    }
    let image = builder.finish().expect("fits");
    layout.put_image(&image).expect("room");
    image
}

/// The index of images for two platforms.
pub(crate) fn put_index(layout: &Layout, kinds: &[LayerKind]) -> Document {
    let images = ["linux/amd64", "linux/arm/v7"].map(|platform| put_image(layout, platform, kinds));
    let index = Index::of_images(&images, Annotations::new()).expect("two platforms").document();
    layout.put_json(&index).expect("room");
    index
}

/// A layout with the tags `v1` (gzip) and `v1-wire` (zstd), and an SBOM of the first.
pub(crate) fn sample(path: &std::path::Path) -> Layout {
    let layout = Layout::create_or_open(path).expect("empty");
    let compat = put_index(&layout, &[LayerKind::Gzip, LayerKind::Tar]);
    let wire = put_index(&layout, &[LayerKind::Zstd]);
    let text = b"SPDXVersion: SPDX-2.3";
    let payload = crate::Descriptor::new("text/spdx".into(), &layout.put_bytes(text).expect("room"));
    let sbom = crate::artifact("text/spdx".into(), &compat.descriptor(), vec![payload], Annotations::new());
    let plan = Plan::new("example.org/kubelet".parse().expect("a name"))
        .tag("v1".parse().expect("a tag"), &compat)
        .tag("v1-wire".parse().expect("a tag"), &wire)
        .referrer(&sbom);
    layout.commit(&plan).expect("whole");
    layout
}
