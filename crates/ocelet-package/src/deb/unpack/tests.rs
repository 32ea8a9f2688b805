//! The files of packages: what comes out in each packing, and what is refused.

use std::io::Write as _;

use ocelet_testkit::apk::{Entry, gzip};
use ocelet_testkit::deb::DebBuilder;

use super::*;
use crate::deb::Archive;

fn builder() -> DebBuilder {
    DebBuilder::new("tool", "1.0", "amd64")
        .directory("usr")
        .directory("usr/bin")
        .file("usr/bin/tool", 0o4755, b"program")
        .entry(Entry::hard_link("./usr/bin/other", "./usr/bin/tool"))
        .symlink("usr/bin/link", "tool")
        .entry(Entry { flag: b'3', ..Entry::file("./dev/null", 0o666, b"") })
        .control_file("conffiles", b"/etc/tool.conf\n")
        .entry(Entry::file("./etc/tool.conf", 0o644, b"set"))
}

fn unpack(builder: &DebBuilder, suffix: &str, data: &[u8], limit: u64) -> Result<Contents, UnpackError> {
    let control = builder.control_tar();
    let deb = builder.build_of(&[
        ("debian-binary", b"2.0\n"),
        ("control.tar", &control),
        (&format!("data.tar{suffix}"), data),
    ]);
    let verified = Archive::open("tool.deb", &deb.file).and_then(|archive| archive.verify_digest(deb.sha256));
    let verified = verified.expect("a package");
    let mut sink = Vec::new();
    let written = verified.clone().unpack_into(&mut sink, limit)?;
    let digest: [u8; 32] = Sha256::digest(&sink).into();
    assert_eq!((written.length(), written.sha256()), (sink.len() as u64, digest));
    let package = verified.clone().unpack(limit)?;
    assert_eq!(&*package.data().content().bytes().expect("in memory"), sink.as_slice());
    let blob = Blob::from_bytes("sink", sink);
    let owner = Owner::new("debian/tool-1.0");
    let contents = written.contents(&blob, &owner)?;
    let all = [package.contents(&owner)?, verified.contents_of_unpacked(&blob, &owner)?];
    assert!(all.iter().all(|other| other.md5 == contents.md5 && other.tree.len() == contents.tree.len()));
    let short = Blob::from_bytes("short", vec![0; 3]);
    let error = written.contents(&short, &owner).expect_err("another blob").to_string();
    assert!(error.contains("short holds 3 bytes"), "{error}");
    Ok(contents)
}

fn packed(suffix: &str, data: &[u8]) -> Vec<u8> {
    match suffix {
        "" => data.to_vec(),
        ".gz" => gzip(data),
        ".zst" => zstd::bulk::compress(data, 3).expect("zstd"),
        ".xz" => {
            let mut encoder = liblzma::write::XzEncoder::new(Vec::new(), 6);
            encoder.write_all(data).and_then(|()| encoder.finish()).expect("xz")
        }
        _ => {
            let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::default());
            encoder.write_all(data).and_then(|()| encoder.finish()).expect("bzip2")
        }
    }
}

#[test]
fn files_come_out_the_same_in_every_packing() {
    for suffix in ["", ".gz", ".xz", ".zst", ".bz2"] {
        let data = packed(suffix, &builder().data_tar());
        let contents = unpack(&builder(), suffix, &data, DATA_LIMIT).expect(suffix);
        let paths: Vec<String> = contents.md5.keys().map(ToString::to_string).collect();
        assert_eq!(paths, ["/etc/tool.conf", "/usr/bin/other", "/usr/bin/tool"], "{suffix}");
        let tool = TreePath::new("usr/bin/tool").expect("plain");
        let node = contents.tree.get(&tool).expect("there");
        assert_eq!((node.metadata.mode, node.owner.as_str()), (0o4755, "debian/tool-1.0"));
        let other = contents.tree.get(&TreePath::new("usr/bin/other").expect("plain")).expect("there");
        assert_eq!(node.inode(), other.inode());
        assert_eq!(contents.skipped[0].path.to_string(), "/dev/null");
        // A hard link has a line of its own in md5sums; here it has none, and the conffile never has.
        let unlisted: Vec<String> = contents.unlisted.iter().map(ToString::to_string).collect();
        assert_eq!((unlisted, contents.absent.len()), (vec!["/usr/bin/other".to_owned()], 0));
    }
}

#[test]
fn large_packages_are_hashed_on_two_threads() {
    let content = |seed: u8| (0..700_000_u32).map(|at| (at % 251) as u8 ^ seed).collect::<Vec<u8>>();
    let builder = (0..5).fold(DebBuilder::new("large", "1", "all"), |builder, seed| {
        builder.file(&format!("f{seed}"), 0o644, &content(seed))
    });
    let contents = unpack(&builder, "", &builder.data_tar(), DATA_LIMIT).expect("all sums fit");
    assert_eq!((contents.md5.len(), contents.unlisted.len()), (5, 0));
}

#[test]
fn what_must_not_be_unpacked_is_refused() {
    let plain = DebBuilder::new("tool", "1.0", "amd64");
    let with = |entry: Entry| plain.clone().entry(entry);
    let sums = |text: &str| plain.clone().without_sums().control_file("md5sums", text.as_bytes());
    let file = |name: &str| Entry::file(name, 0o644, b"x");
    let zeroes = "0".repeat(32);
    for (builder, want) in [
        (with(file("../x")), "\"..\""),
        (with(file("/etc/x")), "absolute"),
        (with(Entry::symlink("./l", "/etc")).entry(file("./l/x")), "leads through a symbolic link"),
        (with(file("./a")).entry(file("a")), "already has an entry for /a"),
        (with(Entry::hard_link("./h", "./../../etc/passwd")), "\"..\""),
        (with(file("./.wh.x")), ".wh.x"),
        (sums(&format!("{zeroes}  a\n")).entry(file("./a")), "but the package's md5sums says 00000000"),
    ] {
        let error = unpack(&builder, "", &builder.data_tar(), DATA_LIMIT).expect_err(want);
        let mut text = error.to_string();
        let mut next = std::error::Error::source(&error);
        while let Some(cause) = next {
            text = format!("{text}: {cause}");
            next = cause.source();
        }
        assert!(text.contains(want), "{text}: wanted {want}");
    }
    let absent = sums(&format!("{zeroes}  gone\n"));
    let contents = unpack(&absent, "", &absent.data_tar(), DATA_LIMIT).expect("told, not refused");
    assert_eq!(contents.absent[0].to_string(), "/gone");
}

#[test]
fn data_is_bounded_and_whole() {
    let data = builder().data_tar();
    let check = |suffix: &str, data: &[u8], limit: u64, want: &str| {
        let error = unpack(&builder(), suffix, data, limit).expect_err(want);
        let cause = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
        let text = format!("{error}: {cause}");
        assert!(text.contains(want) && text.contains("tool.deb"), "{text}: wanted {want}");
    };
    for suffix in [".gz", ".xz", ".zst", ".bz2"] {
        let packed = packed(suffix, &data);
        check(suffix, &packed, data.len() as u64 - 1, "unpacks to more than the");
        check(suffix, &packed[..packed.len() - 3], DATA_LIMIT, "damaged or cut short");
        assert!(
            unpack(&builder(), suffix, &packed, data.len() as u64).is_ok(),
            "{suffix}: exactly the limit"
        );
    }
    check("", &data[..data.len() - 1024], DATA_LIMIT, "cannot be read");
}
