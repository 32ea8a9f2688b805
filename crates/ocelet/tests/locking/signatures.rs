//! Who may vouch: every way of signing that counts, and every one that does not, for indexes and for packages.

use ocelet::ExitClass::{Usage, Verification};
use ocelet_testkit::apk::{
    Algorithm, BuiltPackage, Entry, TarEnd, TestKey, gzip, index, signature_member, tar,
};

use crate::scene::{SIGNERS, Scene, TIME, package, recipe, wanting};

const KEYS: &str = "keys = ['keys/test-only-first.rsa.pub']";
const ALL_KEYS: &str = "keys = ['keys/test-only-first.rsa.pub', 'keys/test-only-second.rsa.pub', 'keys/test-only-large.rsa.pub']";

/// A recipe with these keys.
fn with_keys(keys: &str) -> ocelet::recipe::Recipe {
    recipe(&wanting("'tool'").replace(KEYS, keys))
}

#[test]
fn known_keys_vouch_with_every_algorithm_and_the_lock_says_which() {
    let (first, second, large) = (TestKey::first(), TestKey::second(), TestKey::large());
    for (signers, key, algorithm) in [
        (vec![(first, Algorithm::Rsa)], first, "RSA-SHA1"),
        (vec![(first, Algorithm::Rsa256)], first, "RSA-SHA256"),
        (vec![(first, Algorithm::Rsa512)], first, "RSA-SHA512"),
        (vec![(large, Algorithm::Rsa)], large, "RSA-SHA1"),
        (vec![(large, Algorithm::Rsa512)], large, "RSA-SHA512"),
        (
            vec![(second.named("stranger.rsa.pub"), Algorithm::Rsa), (second, Algorithm::Rsa256)],
            second,
            "RSA-SHA256",
        ),
    ] {
        let scene = Scene::new();
        let tool = package("tool", "1.0-r0").build(&signers);
        scene.repository_at("repo/main/x86_64", &[tool], TIME, &signers);
        let lock =
            scene.lock(&with_keys(ALL_KEYS), None).unwrap_or_else(|error| panic!("{algorithm}: {error}"));
        for signed_by in [&lock.indexes[0].signed_by, &lock.packages[0].signed_by] {
            let words: Vec<&str> = signed_by.split(' ').collect();
            assert_eq!((words[0], words[2]), (key.name(), algorithm));
            assert_eq!(words[1].len(), 64, "the sha256 of the key itself");
        }
    }
}

/// How bytes are signed wrongly, and what the error says.
type Wrong = (&'static str, fn(&[u8]) -> Vec<u8>, &'static [&'static str]);

fn named(entry: &str, message: &[u8]) -> Vec<u8> {
    let signature = TestKey::first().sign(Algorithm::Rsa, message);
    gzip(&tar(&[Entry::file(entry, 0o644, &signature)], TarEnd::Cut))
}

const WRONG: &[Wrong] = &[
    ("nobody", |_| Vec::new(), &["there is no signature"]),
    (
        "an unknown key",
        |bytes| signature_member(bytes, &[(TestKey::second(), Algorithm::Rsa)]),
        &["signed by test-only-second.rsa.pub", "not in the keyring", "has test-only-first.rsa.pub"],
    ),
    (
        "another key of the same name",
        |bytes| {
            signature_member(bytes, &[(TestKey::second().named("test-only-first.rsa.pub"), Algorithm::Rsa)])
        },
        &["the RSA-SHA1 signature of key test-only-first.rsa.pub does not fit"],
    ),
    (
        "a known key over other bytes",
        |_| signature_member(b"other bytes", SIGNERS),
        &["signature of key test-only-first.rsa.pub does not fit"],
    ),
    (
        "a known key with another algorithm than it says",
        |bytes| named(".SIGN.RSA256.test-only-first.rsa.pub", bytes),
        &["the RSA-SHA256 signature of key test-only-first.rsa.pub does not fit"],
    ),
    (
        "DSA",
        |bytes| named(".SIGN.DSA.test-only-first.rsa.pub", bytes),
        &["signed with DSA only", "wanted RSA, RSA256 or RSA512"],
    ),
    (
        "an unknown algorithm",
        |bytes| named(".SIGN.RSA1024.test-only-first.rsa.pub", bytes),
        &["signed with RSA1024 only"],
    ),
    (
        "a known key, and one of its name that does not fit",
        |bytes| {
            let wrong = named(".SIGN.RSA512.test-only-first.rsa.pub", bytes);
            [signature_member(bytes, SIGNERS), wrong].concat()
        },
        &["RSA-SHA512 signature", "does not fit"],
    ),
    (
        "half a signature",
        |bytes| {
            let mut member = signature_member(bytes, SIGNERS);
            member.truncate(member.len() / 2);
            member
        },
        &["cannot be trusted"],
    ),
];

#[test]
fn an_index_that_nobody_known_has_signed_is_refused() {
    for (what, sign, words) in WRONG {
        let scene = Scene::new();
        let tool = package("tool", "1.0-r0").build(SIGNERS);
        scene.repository(std::slice::from_ref(&tool));
        let body = index("v1", &[&tool.record], TIME, &[]);
        scene.file("repo/main/x86_64/APKINDEX.tar.gz", &[sign(&body), body].concat());
        let words = [&["repo/main/x86_64/APKINDEX.tar.gz"], *words].concat();
        scene.refused(what, &with_keys(KEYS), Verification, &words);
    }
}

#[test]
fn a_package_that_nobody_known_has_signed_is_refused_though_its_index_is_signed() {
    for (what, sign, words) in WRONG {
        let scene = Scene::new();
        let mut tool = package("tool", "1.0-r0").build(&[]);
        let control = &tool.file[..tool.ends[1]];
        let file = [sign(control), tool.file.clone()].concat();
        resize(&mut tool, file);
        scene.repository(&[tool]);
        let words = [&["repo/main/x86_64/tool-1.0-r0.apk"], *words].concat();
        scene.refused(what, &with_keys(KEYS), Verification, &words);
    }
}

/// Gives a package other bytes, and its record their length.
fn resize(package: &mut BuiltPackage, file: Vec<u8>) {
    let size = |length: usize| format!("\nS:{length}\n");
    package.record = package.record.replace(&size(package.file.len()), &size(file.len()));
    package.file = file;
}

/// An RSA key of 1024 bits, whose private half nobody has kept.
const SMALL: &str = "-----BEGIN PUBLIC KEY-----
MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDXXVC8AkepPddupuhLxr2Nogmp
XkLs1g1SflVeMXTP+kF3OIBmzY4iBacxhso6R3qhc2qCF3/qZilJ5Oh2nP8R9EaH
8hGpxhAj/FYs3Gp/KI1K6+yYMMLBOknYJLe4BvBsGBHvpxZG51JWisY4kz619jMb
bU8w70UrEfMqoDEgPwIDAQAB
-----END PUBLIC KEY-----
";

#[test]
fn keys_that_are_too_small_or_none_are_refused_before_anything_is_fetched() {
    let scene = Scene::new();
    scene.repository(&[package("tool", "1.0-r0").build(SIGNERS)]);
    scene.file("keys/small.rsa.pub", SMALL.as_bytes());
    scene.file("keys/empty.rsa.pub", b"");
    for (key, class, words) in [
        ("small", Usage, &["keys/small.rsa.pub", "1024 bits; wanted 2048"][..]),
        ("empty", Usage, &["keys/empty.rsa.pub", "no line \"-----BEGIN PUBLIC KEY-----\""]),
    ] {
        scene.refused(key, &with_keys(&format!("keys = ['keys/{key}.rsa.pub']")), class, words);
        assert_eq!(scene.heard.take(), "", "{key}");
    }
}
