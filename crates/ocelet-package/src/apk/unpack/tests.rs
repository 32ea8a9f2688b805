//! The files are those of the data member, wherever it was inflated to.

use super::*;
use crate::apk::{Archive, Keyring};
use ocelet_testkit::apk::{Algorithm, Entry, PackageBuilder, TestKey};

fn control(file: &[u8]) -> VerifiedControl<'_> {
    let key = TestKey::second();
    let mut keyring = Keyring::new();
    keyring.add(key.name(), key.public_pem()).expect("a test key");
    Archive::open("demo.apk", file).and_then(|archive| archive.verify(&keyring)).expect("signed and whole")
}

fn build(builder: &PackageBuilder) -> Vec<u8> {
    builder.build(&[(TestKey::second(), Algorithm::Rsa256)]).file
}

fn shown(contents: &Contents) -> Vec<String> {
    let line = |(path, node): (&TreePath, &Node)| {
        let identity = contents.identities.get(path).map_or_else(String::new, ToString::to_string);
        format!("{path} {} {:o} {identity}", node.kind.noun(), node.metadata.mode)
    };
    contents.tree.iter().map(line).collect()
}

#[test]
fn memory_and_a_writer_give_the_same_files() {
    // Large enough for the second thread, and not compressible.
    let mut state = 1_u32;
    let noise: Vec<u8> = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_le_bytes()[3]
    })
    .take(3 << 20)
    .collect();
    let file = build(
        &PackageBuilder::new("demo", "1", "noarch")
            .directory("usr/")
            .file("usr/noise", 0o755, &noise)
            .symlink("usr/link", "noise")
            .entry(Entry::hard_link("usr/twin", "usr/noise"))
            .entry(Entry::file("usr/bare", 0o4755, b"bare")),
    );
    let owner = Owner::new("demo");
    let package = control(&file).unpack(DATA_LIMIT).expect("whole");
    let contents = package.contents(&owner).expect("they fit");
    let noise_identity = Identity::sha1_of(&noise);
    assert_eq!(
        shown(&contents),
        [
            "/usr directory 755 ".to_owned(),
            format!("/usr/bare file 4755 {}", Identity::sha1_of(b"bare")),
            format!("/usr/link symbolic link 777 {}", Identity::sha1_of(b"noise")),
            format!("/usr/noise file 755 {noise_identity}"),
            format!("/usr/twin file 755 {noise_identity}"),
        ]
    );
    assert_eq!(contents.unlisted, [TreePath::new("usr/bare").expect("a path")]);

    let mut sink = Vec::new();
    let written = control(&file).unpack_into(&mut sink, DATA_LIMIT).expect("whole");
    assert_eq!((written.length(), written.sha256()), (sink.len() as u64, Sha256::digest(&sink).into()));
    let in_memory = package.data().content().bytes().expect("in memory");
    assert!(*in_memory == sink[..], "both decoders give the same bytes");
    let again = written.contents(&Blob::from_bytes("store", sink.clone()), &owner).expect("they fit");
    assert_eq!(shown(&again), shown(&contents));

    // What was inflated before is believed to be of this package, and its checksums are compared all the same.
    let stored = Blob::from_bytes("store", sink.clone());
    let before = control(&file).contents_of_inflated(&stored, &owner).expect("they fit");
    assert_eq!(shown(&before), shown(&contents));
    assert_eq!(before.identities, contents.identities);

    let short = Blob::from_bytes("store", sink[..sink.len() - 1].to_vec());
    assert!(matches!(written.contents(&short, &owner), Err(UnpackError::Blob { .. })));
    sink[4096] ^= 1;
    let wrong = Blob::from_bytes("store", sink);
    for changed in [written.contents(&wrong, &owner), control(&file).contents_of_inflated(&wrong, &owner)] {
        assert!(matches!(changed, Err(UnpackError::Checksum { .. })), "{changed:?}");
    }
}

#[test]
fn what_apk_does_not_install_is_left_out() {
    let file = build(
        &PackageBuilder::new("demo", "1", "noarch")
            .entry(Entry::file(".dummy", 0o644, b""))
            .directory("var/")
            .directory("var/empty/")
            .file("var/empty/.keep_demo", 0o644, b"")
            .file("var/.hidden", 0o644, b"kept")
            .entry(Entry { flag: b'3', ..Entry::file("var/null", 0o666, b"") }),
    );
    let contents =
        control(&file).unpack(DATA_LIMIT).expect("whole").contents(&Owner::new("demo")).expect("they fit");
    let paths: Vec<String> = contents.tree.iter().map(|(path, _)| path.to_string()).collect();
    assert_eq!(paths, ["/var", "/var/.hidden", "/var/empty"]);
    assert_eq!(contents.identities.len(), 1);
    let skipped: Vec<String> =
        contents.skipped.iter().map(|skipped| format!("{} {}", skipped.path, skipped.noun)).collect();
    assert_eq!(skipped, ["/var/null character device"]);
    assert!(contents.unlisted.is_empty());
}

#[test]
fn a_writer_that_fails_is_named() {
    struct Full;
    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let file = build(&PackageBuilder::new("demo", "1", "noarch").file("x", 0o644, b"x"));
    let error = control(&file).unpack_into(&mut Full, DATA_LIMIT).expect_err("no room");
    assert!(matches!(error, UnpackError::Write { offset: 0, .. }), "{error}");
}
