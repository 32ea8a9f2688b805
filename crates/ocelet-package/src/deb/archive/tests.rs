//! Packages that are whole, and packages that are not: every fault is refused with its place.

use ocelet_testkit::apk::gzip;
use ocelet_testkit::deb::{DebBuilder, ar};
use proptest::prelude::*;

use super::*;

fn builder() -> DebBuilder {
    DebBuilder::new("tool", "1:1.0-1", "amd64").file("usr/bin/tool", 0o755, b"program")
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    text
}

#[test]
fn members_are_found_where_they_may_stand() {
    let (control, data) = (gzip(&builder().control_tar()), gzip(&builder().data_tar()));
    let plain = builder().data_tar();
    let check = |members: &[(&str, &[u8])], others: &[&str]| {
        let deb = builder().build_of(members);
        let archive = Archive::open("tool.deb", &deb.file).expect("a package");
        assert_eq!(archive.others(), others);
        let verified = archive.verify_digest(deb.sha256).expect("the very file");
        assert_eq!(verified.control().package().name, "tool");
        assert_eq!(verified.md5sums().len(), 1);
    };
    let version = ("debian-binary", &b"2.0\n"[..]);
    check(&[version, ("control.tar.gz", &control), ("data.tar.gz", &data)], &[]);
    check(&[("debian-binary/", b"2.17\nmore\n"), ("control.tar.gz/", &control), ("data.tar/", &plain)], &[]);
    let mid = [version, ("_x", b"1"), ("control.tar.gz", &control), ("_y", b""), ("data.tar.gz", &data)];
    check(&mid, &[]);
    let after =
        [version, ("control.tar.gz", &control), ("data.tar.gz", &data), ("_gpgorigin", b"x"), ("z", b"")];
    check(&after, &["_gpgorigin", "z"]);
}

#[test]
fn what_is_no_package_is_refused() {
    let (control, data) = (gzip(&builder().control_tar()), gzip(&builder().data_tar()));
    let version = ("debian-binary", &b"2.0\n"[..]);
    let (control, data) = (("control.tar.gz", &*control), ("data.tar.gz", &*data));
    let of = |members: &[(&str, &[u8])]| ar(members);
    for (file, want) in [
        (b"0.939000\n".to_vec(), "format of before 1995"),
        (b"PK\x03\x04".to_vec(), "begins with \"PK"),
        (of(&[]), "ends at byte 8 without debian-binary"),
        (of(&[control, version, data]), "has the member control.tar.gz at byte 68; wanted debian-binary"),
        (of(&[("_x", b""), version, control, data]), "has the member _x at byte 68; wanted debian-binary"),
        (of(&[version, data, control]), "has the member data.tar.gz at byte 132; wanted control.tar"),
        (of(&[version, control]), "without data.tar"),
        (of(&[version, control, ("x", b""), data]), "has the member x"),
        (of(&[("debian-binary", b"3.0\n"), control, data]), "format version \"3.0\\n\""),
        (of(&[("debian-binary", b"2.0"), control, data]), "format version \"2.0\""),
        (of(&[("debian-binary", b"2.x\n"), control, data]), "format version"),
        (of(&[("debian-binary", b"20.0\n"), control, data]), "format version"),
        (
            of(&[version, ("control.tar.xz", control.1), data]),
            "member control.tar.xz at byte 132 is gzip inside",
        ),
        (of(&[version, control, ("data.tar", data.1)]), "is gzip inside"),
        (of(&[version, control, ("data.tar.gz", b"plain")]), "is plain inside"),
        (of(&[version, control, ("data.tar.lzma", b"]")]), "wanted data.tar, plain or with .gz"),
        (of(&[version, ("control.tarball", b""), data]), "wanted control.tar, plain or with"),
        (of(&[version, ("control.tar.bz2", b"BZh9"), data]), "has the member control.tar.bz2"),
    ] {
        let error = chain(&Archive::open("x.deb", &file).expect_err(want));
        assert!(error.contains(want) && error.contains("x.deb"), "{error}: wanted {want}");
    }
}

#[test]
fn another_digest_is_refused_before_anything_is_unpacked() {
    let deb = builder().build_of(&[
        ("debian-binary", b"2.0\n"),
        ("control.tar.gz", b"\x1f\x8b\x08damaged"),
        ("data.tar.gz", b"\x1f\x8b\x08damaged"),
    ]);
    let archive = Archive::open("x.deb", &deb.file).expect("members");
    let error = chain(&archive.verify_digest([7; 32]).expect_err("another file"));
    assert!(error.contains("wanted 0707070707") && error.contains("x.deb has sha256 "), "{error}");
    let error = chain(&archive.verify_digest(deb.sha256).expect_err("damaged"));
    assert!(error.contains("cannot be unpacked: the gzip stream is damaged"), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn no_change_makes_it_panic(at in 0..700_usize, byte: u8, cut in 0..2000_usize) {
        let deb = builder().build_of(&[
            ("debian-binary", b"2.0\n"),
            ("control.tar.gz", &gzip(&builder().control_tar())),
            ("data.tar", &builder().data_tar()),
        ]);
        let mut file = deb.file.clone();
        let at = at % file.len();
        file[at] = byte;
        for bytes in [&file[..], &deb.file[..cut.min(deb.file.len())]] {
            // Its own digest lets whatever is wrong reach the readers behind it.
            let digest = Sha256::digest(bytes).into();
            if let Ok(verified) = Archive::open("x", bytes).and_then(|archive| archive.verify_digest(digest))
                && let Ok(package) = verified.unpack(1 << 20)
            {
                let _ = package.contents(&ocelet_tree::Owner::new("x"));
            }
        }
    }
}
