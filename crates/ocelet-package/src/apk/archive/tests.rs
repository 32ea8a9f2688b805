//! A package is what was signed, to the byte, or it is refused.

use super::*;
use crate::apk::{DATA_LIMIT, UnpackError, VerifiedPackage};
use ocelet_testkit::apk::{Algorithm, BuiltPackage, Entry, PackageBuilder, TarEnd, TestKey, gzip, tar};
use ocelet_tree::Owner;
use proptest::prelude::*;

const SIGNER: (TestKey, Algorithm) = (TestKey::first(), Algorithm::Rsa);

fn builder() -> PackageBuilder {
    PackageBuilder::new("demo", "1.0-r0", "x86_64")
        .depend("so:libc.musl-x86_64.so.1")
        .script("post-install", "#!/bin/sh\nexit 0\n")
        .script("pre-install", "#!/bin/sh\naddgroup -S demo\n")
        .directory("usr/")
        .file("usr/demo", 0o755, b"some content that is long enough to be compressed, compressed, compressed")
        .symlink("usr/link", "demo")
}

fn keyring() -> Keyring {
    let mut keyring = Keyring::new();
    keyring.add(SIGNER.0.name(), SIGNER.0.public_pem()).expect("a test key");
    keyring
}

/// The whole way; the error with all of its causes.
fn open(file: &[u8]) -> Result<VerifiedPackage, String> {
    let told = |error: &dyn std::error::Error| {
        let causes = std::iter::successors(Some(error), |error| error.source());
        causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
    };
    let control = Archive::open("demo.apk", file)
        .and_then(|archive| archive.verify(&keyring()))
        .map_err(|error| told(&error))?;
    let package = control.unpack(DATA_LIMIT).map_err(|error| told(&error))?;
    package.contents(&Owner::new("demo")).map_err(|error| told(&error))?;
    Ok(package)
}

#[test]
fn a_signed_package_says_what_it_is() {
    let built = builder().build(&[SIGNER]);
    let package = open(&built.file).expect("signed and whole");
    let control = package.control();
    assert_eq!(control.info.to_string(), "demo-1.0-r0");
    assert_eq!(control.info.depends, ["so:libc.musl-x86_64.so.1"]);
    let kinds: Vec<ScriptKind> = control.scripts.iter().map(|script| script.kind).collect();
    assert_eq!(kinds, [ScriptKind::PreInstall, ScriptKind::PostInstall]);
    assert_eq!(control.size, built.file.len() as u64);
    assert!(matches!(&control.vouched, Vouched::Signature(signed) if signed.key == SIGNER.0.name()));
    assert!(built.record.starts_with(&format!("C:{}\n", control.identity)), "{}", built.record);

    let archive = Archive::open("demo.apk", &built.file).expect("well formed");
    assert_eq!(archive.shape(), Shape::Signed);
    let control = archive.verify(&keyring()).expect("signed");
    let (own, strong) = (control.control().identity, control.control().strong_identity);
    assert!(control.expect_identity(&own).is_ok() && control.expect_identity(&strong).is_ok());
    for other in [Identity::sha1_of(b"x"), Identity::sha256_of(b"x")] {
        assert!(matches!(control.expect_identity(&other), Err(ArchiveError::Identity { .. })));
    }
}

#[test]
fn a_pinned_digest_vouches_without_a_signature() {
    let built = builder().build(&[]);
    let archive = Archive::open("demo.apk", &built.file).expect("well formed");
    assert_eq!(archive.shape(), Shape::Unsigned);
    assert!(open(&built.file).expect_err("unsigned").contains("there is no signature"));
    let digest: [u8; 32] = Sha256::digest(&built.file).into();
    let control = archive.verify_digest(digest).expect("the file that was pinned");
    assert_eq!(control.control().vouched, Vouched::Digest(digest));
    assert!(matches!(archive.verify_digest([0; 32]), Err(ArchiveError::Digest { .. })));
}

/// Which member the byte of a flip stands in decides who has to notice. A signature member is not signed itself: a
/// flip in it passes where it inflates to the same bytes (the time in its header, codes that deflate never uses),
/// and only a digest of the whole file notices.
#[test]
fn every_flipped_bit_is_refused() {
    let built = builder().build(&[SIGNER]);
    let [signature, control, data] = built.ends;
    let mut classes = [0; 3];
    for offset in 0..data {
        let mut file = built.file.clone();
        file[offset] ^= 1 << (offset % 8);
        let class = usize::from(offset >= signature) + usize::from(offset >= control);
        match open(&file) {
            Ok(_) => assert!(
                class == 0 && first(&file) == first(&built.file),
                "byte {offset} of member {class} was not noticed"
            ),
            Err(said) => {
                classes[class] += 1;
                assert!(class < 2 || said.contains("sha256"), "byte {offset}: {said}");
            }
        }
    }
    assert_eq!(classes[1] + classes[2], data - signature, "every flip behind the signature is noticed");
    assert!(classes[0] > signature * 9 / 10, "{classes:?} of {signature}");
}

/// What the first member inflates to.
fn first(file: &[u8]) -> Vec<u8> {
    Members::new(file).next_member(CONTROL_LIMIT).expect("well formed").expect("not empty").inflated
}

#[test]
fn every_cut_is_refused() {
    let built = builder().build(&[SIGNER]);
    for length in 0..built.file.len() {
        let said = open(&built.file[..length]).expect_err("cut");
        let place = built.ends.iter().filter(|end| length >= **end).count();
        let want = match place {
            0 if length == 0 => "without its control member",
            0 | 1 if built.ends.contains(&length) => "without its control member",
            0 | 1 => "cut short",
            _ if length == built.ends[1] => "without its data member",
            _ => "cut short",
        };
        assert!(said.contains(want), "{length}: {said}, wanted {want}");
    }
    let longer = [&built.file[..], b"x"].concat();
    assert!(open(&longer).expect_err("longer").contains("was changed or cut short"));
}

fn rebuilt(change: impl Fn(PackageBuilder) -> PackageBuilder) -> BuiltPackage {
    change(builder()).build(&[SIGNER])
}

#[test]
fn what_is_signed_can_still_be_wrong() {
    let wrong_sum = |content: &[u8]| {
        let mut entry = Entry::file("usr/other", 0o644, b"right").with_checksum();
        entry.content = content.to_vec();
        entry
    };
    let data = gzip(&tar(&[Entry::file("x", 0o644, b"x")], TarEnd::Written));
    let twice = [data.clone(), data.clone()].concat();
    let junk = [data.clone(), b"junk".to_vec()].concat();
    let cut = gzip(&tar(&[Entry::file("x", 0o644, b"x")], TarEnd::Cut));
    for (built, want) in [
        (rebuilt(|package| package.entry(wrong_sum(b"wrong"))), "has the checksum"),
        (rebuilt(|package| package.entry(Entry::file("../x", 0o644, b""))), "refused"),
        (rebuilt(|package| package.field("pkgname", "again")), "second value"),
        (rebuilt(|package| package.replace("pkgname", "../x")), "a name of letters"),
        (rebuilt(|package| package.script("x/../y", "")), "refused"),
        (builder().build_with_data(&twice, &[SIGNER]), "something follows"),
        (builder().build_with_data(&junk, &[SIGNER]), "something follows"),
        (builder().build_with_data(b"", &[SIGNER]), "without its data member"),
        (builder().build_with_data(b"no gzip at all", &[SIGNER]), "wanted a gzip member"),
        (builder().build_with_data(&cut, &[SIGNER]), "without its two closing blocks"),
    ] {
        let said = open(&built.file).expect_err(want);
        assert!(said.contains(want), "{said}: wanted {want}");
    }
}

#[test]
fn a_control_member_holds_no_files() {
    let data = gzip(&tar(&[], TarEnd::Written));
    let info = "pkgname = a\npkgver = 1\n";
    let hash: String = hex(&Sha256::digest(&data));
    for (entries, want) in [
        (vec![], "no .PKGINFO"),
        (vec![Entry::file(".PKGINFO", 0o644, info.as_bytes())], "no datahash"),
        (
            vec![
                Entry::file(".PKGINFO", 0o644, format!("{info}datahash = {hash}\n").as_bytes()),
                Entry::file("etc/x", 0o644, b""),
            ],
            "belongs into the data member",
        ),
    ] {
        let control = gzip(&tar(&entries, TarEnd::Cut));
        let signature = ocelet_testkit::apk::signature_member(&control, &[SIGNER]);
        let said = open(&[signature, control, data.clone()].concat()).expect_err(want);
        assert!(said.contains(want), "{said}: wanted {want}");
    }
}

#[test]
fn other_formats_are_told_apart() {
    for (file, want) in [
        (&b"ADB.pckg"[..], "format version 3"),
        (b"ADBd\x00\x00", "format version 3"),
        (b"", "without its control member"),
        (b"PK\x03\x04 a zip", "wanted a gzip member"),
        (b"!<arch>\ndebian-binary", "wanted a gzip member"),
    ] {
        let said = open(file).expect_err(want);
        assert!(said.contains(want), "{said}: wanted {want}");
    }
}

#[test]
fn a_member_may_not_grow_past_its_limit() {
    let built = rebuilt(|package| package.file("usr/zeros", 0o644, &vec![0; 4 << 20]));
    let control = || Archive::open("demo.apk", &built.file).and_then(|archive| archive.verify(&keyring()));
    let refused = control().expect("signed").unpack(1 << 20).expect_err("too large");
    assert!(matches!(refused, UnpackError::Member { .. }), "{refused}");
    let refused =
        control().expect("signed").unpack_into(&mut std::io::sink(), 1 << 20).expect_err("too large");
    assert!(matches!(refused, UnpackError::Member { .. }), "{refused}");
    let large = rebuilt(|package| package.script("post-upgrade", &"#\n".repeat(9 << 20)));
    assert!(open(&large.file).expect_err("too large").contains("more than the 16777216 bytes"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// Whatever is changed, the outcome is a value or an error: nothing panics, and only the signed bytes pass.
    #[test]
    fn mutations_never_panic(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        cut in any::<prop::sample::Index>(),
        insert in prop::collection::vec(any::<u8>(), 0..16),
    ) {
        let built = builder().build(&[]);
        let mut file = built.file;
        for (index, byte) in changes {
            let index = index.index(file.len());
            file[index] = byte;
        }
        let at = cut.index(file.len());
        file.splice(at..at, insert);
        // A pinned digest lets every mutation through to the parsers behind the signature.
        if let Ok(archive) = Archive::open("mutant", &file) {
            let digest: [u8; 32] = Sha256::digest(&file).into();
            let _ = archive.verify_digest(digest).map(|control| control.unpack(1 << 20));
        }
    }

    /// The same behind gzip, whose checksum hides the archive from mutations.
    #[test]
    fn mutated_archives_never_panic(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
    ) {
        let entries = [
            Entry::file(".PKGINFO", 0o644, b"pkgname = a\npkgver = 1\n"),
            Entry::file(".post-install", 0o755, b"#!/bin/sh\nmkdir -p /x\n"),
        ];
        let mut archive = tar(&entries, TarEnd::Cut);
        for (index, byte) in changes {
            let index = index.index(archive.len());
            archive[index] = byte;
        }
        if let Ok((_, scripts)) = read_control("mutant", &archive) {
            for script in scripts {
                let _ = script.effects();
            }
        }
    }
}
