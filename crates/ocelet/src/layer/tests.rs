//! The bytes of layers: the same for any number of threads, readable by other decoders, pinned by golden digests.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::Read;
use std::num::NonZeroUsize;

use ocelet_oci::{Digest, Layout};
use ocelet_testkit::rootfs;
use ocelet_tree::{Tree, TreePath};

use super::*;
use crate::recipe::Stability;

/// A layer of all of a tree; its record and its bytes.
fn written(tree: &Tree, compression: Compression, jobs: usize) -> (Layer, Vec<u8>) {
    let place = tempfile::tempdir().expect("a directory");
    let layout = Layout::create_or_open(place.path()).expect("empty");
    let paths: BTreeSet<TreePath> = tree.iter().map(|(path, _)| path.clone()).collect();
    let flavors = BTreeSet::from(["a".to_owned()]);
    let planned = PlannedLayer { flavors, stability: Stability::Base, paths, bytes: 0 };
    let workers = Workers::start(NonZeroUsize::new(jobs).expect("some")).expect("threads");
    let layer = write(&Files::shared(tree), &planned, compression, &workers, &layout).expect("a layer");
    let blob = layout.read_blob(layer.blob().digest(), layer.blob().size()).expect("it was just written");
    (layer, blob.into_bytes())
}

fn small() -> Tree {
    rootfs::tree(
        "/bin/\n4755 /bin/su = setuid\\n\n/bin/sudo == /bin/su\n/etc/\n/etc/motd = hello\\n\n/etc/issue -> motd\n1777 /tmp/\ncap 0755 /bin/ping = p",
    )
}

/// Some five blocks of text that does not repeat.
fn large() -> Tree {
    let mut text = String::new();
    let mut number: u64 = 1;
    while text.len() < 5_000_000 {
        number = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let _ = write!(text, "{:x} ", number >> 20);
    }
    rootfs::tree(&format!("/big = {text}\n/small = s"))
}

#[test]
fn bytes_do_not_depend_on_threads() {
    for tree in [small(), large()] {
        for compression in ["gzip:6", "gzip:1", "zstd:3", "zstd:1", "zstd:3:128MiB"] {
            let compression = compression.parse().expect("known");
            let (one, want) = written(&tree, compression, 1);
            for jobs in [2, 4, 7] {
                let (layer, bytes) = written(&tree, compression, jobs);
                assert!(bytes == want && layer == one, "{compression} with {jobs} threads");
            }
        }
    }
}

#[test]
fn gzip_is_a_series_of_members_that_tell_nothing() {
    let (layer, bytes) = written(&large(), Compression::DEFAULT, 3);
    let mut tar = Vec::new();
    let mut members = 0;
    let mut rest = &bytes[..];
    while !rest.is_empty() {
        assert_eq!(rest[..4], [0x1f, 0x8b, 8, 0], "member {members}: deflate, no flags");
        assert_eq!(rest[4..8], [0; 4], "member {members}: no time");
        assert_eq!(rest[9], 255, "member {members}: no system");
        let mut decoder = flate2::bufread::GzDecoder::new(rest);
        let before = tar.len();
        decoder.read_to_end(&mut tar).expect("a member");
        rest = decoder.into_inner();
        assert!(
            tar.len() - before == 1 << 20 || rest.is_empty(),
            "member {members} has {} bytes",
            tar.len() - before
        );
        members += 1;
    }
    assert_eq!(members, 5);
    assert_eq!((Digest::of(&tar), tar.len() as u64), (layer.diff_id().0, layer.uncompressed()));
    let mut again = Vec::new();
    flate2::read::MultiGzDecoder::new(&bytes[..]).read_to_end(&mut again).expect("gzip");
    assert!(again == tar);
}

/// Files that each begin with the same MiB of noise, with two MiB of other noise behind it.
fn alike(files: u8) -> Tree {
    let noise = |seed: u64, mebibytes: usize| {
        let mut state = seed;
        let bytes = std::iter::repeat_with(move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 56) as u8
        });
        bytes.take(mebibytes << 20).collect::<Vec<u8>>()
    };
    let (repeated, owner) = (noise(1, 1), ocelet_tree::Owner::new("test"));
    let mut tree = Tree::new();
    for number in 0..files {
        let bytes = [repeated.clone(), noise(2 + u64::from(number), 2)].concat();
        let content = ocelet_tree::Content::from_bytes("noise", bytes);
        let path = rootfs_path(&format!("/{number}"));
        tree.add_file(&path, content, ocelet_tree::Metadata::root_owned(0o644), &owner).expect("new");
    }
    tree
}

/// libzstd cuts the input into jobs, in a ring of buffers whose size depends on the number of threads; with a window of
/// 4 MiB the ring has 10 MiB for one thread and 14 for four. Neither may be seen in the bytes, and what repeats is
/// found across jobs as far as the window reaches.
#[test]
fn a_long_window_reaches_over_jobs() {
    let tree = alike(6);
    let tar = written(&tree, "gzip:1".parse().expect("known"), 2).0.uncompressed();
    for (compression, found) in
        [("zstd:1", 0), ("zstd:1:1MiB", 0), ("zstd:1:2MiB", 0), ("zstd:1:4MiB", 5), ("zstd:1:128MiB", 5)]
    {
        let compression = compression.parse().expect("known");
        let (layer, want) = written(&tree, compression, 1);
        for jobs in [2, 4] {
            assert!(written(&tree, compression, jobs).1 == want, "{compression} with {jobs} threads");
        }
        let saved = (tar + (1 << 18)).saturating_sub(layer.blob().size()) >> 20;
        assert_eq!(saved, found, "MiB saved by {compression}");
    }
}

/// The largest window is read by the decoder that reads layers of images here, which grants no larger one.
#[test]
fn our_own_reader_grants_the_largest_window() {
    assert_eq!(u32::from(Window::LARGEST.log()), ocelet_tree::ZSTD_WINDOW_LOG);
    let tree = alike(2);
    let (layer, bytes) = written(&tree, "zstd:1:128MiB".parse().expect("known"), 2);
    // RFC 8878, section 3.1.1.1.2: five bits of exponent above 1 KiB, three of mantissa.
    assert_eq!(bytes[5], (27 - 10) << 3, "the frame asks for all of it");
    let mut tar = Vec::new();
    let limits = ocelet_tree::DecodeLimits::default();
    ocelet_tree::Decoder::new(&bytes[..], limits)
        .expect("zstd")
        .read_to_end(&mut tar)
        .expect("it is granted");
    assert_eq!(Digest::of(&tar), layer.diff_id().0);
}

#[test]
fn zstd_has_a_window_that_clients_accept() {
    for (level, window) in [(1, None), (3, None), (19, None), (22, None), (19, Some(Window::LARGEST))] {
        let (layer, bytes) = written(&large(), Compression::Zstd { level, window }, 2);
        let mut decoder = zstd::Decoder::new(&bytes[..]).expect("zstd");
        decoder.window_log_max(27).expect("a window");
        let mut tar = Vec::new();
        decoder.read_to_end(&mut tar).expect("128 MiB at most");
        assert_eq!(Digest::of(&tar), layer.diff_id().0, "level {level}");
        assert_eq!(tar.len() as u64 % 512, 0, "the padding is kept");
    }
}

/// Writers that leave out the padding of the tar (zstd:chunked once did) give the same files another diff id.
#[test]
fn trap_17_the_padding_counts() {
    for compression in [Compression::DEFAULT, Compression::Zstd { level: 3, window: None }] {
        let (layer, bytes) = written(&small(), compression, 1);
        let mut tar = Vec::new();
        match compression {
            Compression::Gzip { .. } => flate2::read::MultiGzDecoder::new(&bytes[..]).read_to_end(&mut tar),
            Compression::Zstd { .. } => zstd::Decoder::new(&bytes[..]).expect("zstd").read_to_end(&mut tar),
        }
        .expect("what was just compressed");
        assert_eq!(tar.len() % 512, 0, "{compression}: every entry is padded");
        assert!(tar.ends_with(&[0; 1024]), "{compression}: two blocks close the archive");
        assert_eq!(Digest::of(&tar), layer.diff_id().0, "{compression}: all of it is in the diff id");
        assert_eq!(tar.len() as u64, layer.uncompressed(), "{compression}");
    }
}

/// Changed only by intent: whoever updates an encoder changes every digest of every image.
#[test]
fn golden_layers() {
    for (compression, diff_id, blob) in [
        (
            "gzip:6",
            "sha256:06fc3c48f171583fc662d421c4a2ea8ebf79bc439e207db38df95d115e343b56",
            "sha256:4670acaa9279e260d4bf8156a33931ddb107875de573cf60d29ac4c05ef484bd",
        ),
        (
            "zstd:3",
            "sha256:06fc3c48f171583fc662d421c4a2ea8ebf79bc439e207db38df95d115e343b56",
            "sha256:0e2c52705e55873c1e04674d9e9eab5e763c41ec60db7e684e7699fa4d6f5b07",
        ),
    ] {
        let (layer, _) = written(&small(), compression.parse().expect("known"), 2);
        assert_eq!(layer.diff_id().0.to_string(), diff_id, "the tar of {compression}");
        assert_eq!(layer.blob().digest().to_string(), blob, "{compression}");
        assert_eq!(layer.entries(), 8);
    }
}

/// Content that becomes shorter or cannot be read is an error, and leaves no blob.
#[test]
fn content_that_breaks_off_is_told() {
    let mut tree = small();
    let place = tempfile::tempdir().expect("a directory");
    let at = place.path().join("file");
    #[expect(clippy::disallowed_methods, reason = "the file is changed behind the back of the view")]
    std::fs::write(&at, vec![1; 3_000_000]).expect("a file");
    let content = crate::host::open(&at).expect("a file").content();
    let owner = ocelet_tree::Owner::new("test");
    tree.add_file(&rootfs_path("/gone"), content, ocelet_tree::Metadata::root_owned(0o644), &owner)
        .expect("new");
    #[expect(clippy::disallowed_methods, reason = "the file is changed behind the back of the view")]
    std::fs::write(&at, b"short").expect("a file");
    let layout = Layout::create_or_open(place.path().join("layout")).expect("empty");
    let paths: BTreeSet<TreePath> = tree.iter().map(|(path, _)| path.clone()).collect();
    let planned = PlannedLayer { flavors: BTreeSet::new(), stability: Stability::Base, paths, bytes: 0 };
    let workers = Workers::start(NonZeroUsize::MIN).expect("threads");
    for compression in [Compression::DEFAULT, Compression::Zstd { level: 3, window: None }] {
        let error =
            write(&Files::shared(&tree), &planned, compression, &workers, &layout).expect_err("too short");
        assert!(crate::error::sentence(&error).contains("/gone"), "{error:?}");
        assert!(matches!(error, LayerError::Tar(_)), "{compression}: {error:?}");
    }
    assert_eq!(ocelet_oci::validate(&layout), []);
}

fn rootfs_path(text: &str) -> TreePath {
    TreePath::new(text).expect("a path")
}

/// Two flavors with files of their own at a path that the shared tree has too: each gets its own, once, wherever the
/// bound of layers puts it.
#[test]
fn own_files_win_over_shared_ones() {
    let owner = ocelet_tree::Owner::new("test");
    let place = rootfs_path("/etc/passwd");
    let flavor = |text: &[u8]| {
        let mut kept = crate::close::Kept::default();
        let content = ocelet_tree::Content::from_bytes("own", text.to_vec());
        kept.own.raise_inodes(1000);
        kept.own.add_file(&place, content, ocelet_tree::Metadata::root_owned(0o600), &owner).expect("new");
        let because = crate::close::Because { kind: "file".into(), from: None, detail: String::new() };
        kept.paths = ["/etc/passwd", "/etc/group", "/bin/sh"]
            .map(|path| (rootfs_path(path), vec![because.clone()]))
            .into_iter()
            .collect();
        kept
    };
    let name = |name: &str| crate::recipe::FlavorName::new(name).expect("a name");
    let closed = crate::close::Closed {
        platform: "linux/amd64".parse().expect("known"),
        tree: rootfs::tree("/bin/sh = sh\n0700 /etc/\n/etc/passwd = shared\n/etc/group = group"),
        flavors: [(name("a"), flavor(b"own of a")), (name("b"), flavor(b"own of b"))].into(),
        missing: Vec::new(),
        sources: std::collections::BTreeMap::new(),
        stabilities: std::collections::BTreeMap::new(),
    };
    let files = Files::of(&closed);
    for (bound, split) in
        [1, 2, 10].into_iter().flat_map(|bound| [(bound, Split::Shared), (bound, Split::Solid)])
    {
        let plan = plan(&files, &FlavorFiles::of(&closed), split, bound);
        for (flavor, want) in [("a", "own of a"), ("b", "own of b")] {
            let mut seen = Vec::new();
            for at in plan.layers_of(flavor) {
                let layer = &plan.layers[at];
                for path in &layer.paths {
                    let node = files.node(&layer.flavors, path).expect("it is planned");
                    let bytes = node.content().expect("a file").bytes().expect("in memory");
                    seen.push((path.to_string(), String::from_utf8_lossy(&bytes).into_owned()));
                }
                let directory = files.node(&layer.flavors, &rootfs_path("/etc")).expect("shared");
                assert_eq!(directory.metadata.mode, 0o700, "directories are those of the shared tree");
            }
            seen.sort();
            let want: Vec<(String, String)> =
                [("/bin/sh", "sh"), ("/etc/group", "group"), ("/etc/passwd", want)]
                    .map(|(path, text)| (path.to_owned(), text.to_owned()))
                    .into();
            assert_eq!(seen, want, "{flavor} in {bound} layers, {split:?}");
        }
    }
}
