//! Signatures count when a known key made them over the very bytes, and never otherwise.

use super::*;
use ocelet_testkit::apk::{Algorithm as Sign, Entry, TarEnd, TestKey, gzip, signature_member, tar};

const MESSAGE: &[u8] = b"what is signed";

fn keyring(keys: &[TestKey]) -> Keyring {
    let mut keyring = Keyring::new();
    for key in keys {
        keyring.add(key.name(), key.public_pem()).expect("a test key");
    }
    keyring
}

fn read(file: &[u8]) -> Result<Signatures, SignatureError> {
    Signatures::read(&mut Members::new(file), LIMIT).map(|(signatures, _)| signatures)
}

fn named(name: &str, signature: &[u8]) -> Vec<u8> {
    gzip(&tar(&[Entry::file(name, 0o644, signature)], TarEnd::Cut))
}

#[test]
fn every_algorithm_and_size_verifies() {
    for (key, sign, want) in [
        (TestKey::first(), Sign::Rsa, Algorithm::RsaSha1),
        (TestKey::first(), Sign::Rsa256, Algorithm::RsaSha256),
        (TestKey::second(), Sign::Rsa512, Algorithm::RsaSha512),
        (TestKey::large(), Sign::Rsa, Algorithm::RsaSha1),
        (TestKey::large(), Sign::Rsa512, Algorithm::RsaSha512),
    ] {
        let known = keyring(&[key]);
        let signatures = read(&signature_member(MESSAGE, &[(key, sign)])).expect("well formed");
        let signed = signatures.verify(MESSAGE, &known).expect("a valid signature");
        assert_eq!((signed.key.as_str(), signed.algorithm), (key.name(), want));
        assert_eq!(signed.fingerprint, known.get(key.name())[0].fingerprint());
        let changed = signatures.verify(b"what is signee", &known).expect_err("changed");
        assert!(matches!(changed, SignatureError::Invalid { .. }), "{changed}");
    }
}

#[test]
fn one_known_key_is_enough_and_an_invalid_one_too_much() {
    let (first, second) = (TestKey::first(), TestKey::second());
    let both = signature_member(MESSAGE, &[(first, Sign::Rsa), (second, Sign::Rsa256)]);
    let each =
        [signature_member(MESSAGE, &[(first, Sign::Rsa)]), signature_member(MESSAGE, &[(second, Sign::Rsa)])];
    let broken = signature_member(b"something else", &[(second, Sign::Rsa)]);
    let broken_too = [signature_member(MESSAGE, &[(first, Sign::Rsa)]), broken.clone()].concat();
    let dsa = named(".SIGN.DSA.old.rsa.pub", b"x");
    let both_kinds = [dsa.clone(), signature_member(MESSAGE, &[(first, Sign::Rsa)])].concat();
    let confused = named(".SIGN.RSA256.test-only-first.rsa.pub", &first.sign(Sign::Rsa, MESSAGE));
    let misnamed = signature_member(MESSAGE, &[(second.named(first.name()), Sign::Rsa)]);
    for (file, known, want) in [
        (&both, &[first][..], Ok("first")),
        (&both, &[second], Ok("second")),
        (&each.concat(), &[second], Ok("second")),
        (&both_kinds, &[first], Ok("first")),
        (&broken_too, &[first], Ok("first")),
        (&broken_too, &[first, second], Err("does not fit")),
        (&broken, &[second], Err("does not fit")),
        (
            &both,
            &[],
            Err(
                "signed by test-only-first.rsa.pub, test-only-second.rsa.pub, which is not in the keyring; the keyring has no key at all",
            ),
        ),
        (&each[0], &[second], Err("the keyring has test-only-second.rsa.pub")),
        (&dsa, &[first], Err("signed with DSA only")),
        (&named(".SIGN.ED25519.k", b"x"), &[first], Err("signed with ED25519 only")),
        (&confused, &[first], Err("does not fit")),
        // Another key under the name of a known one, and both keys of that name known.
        (&misnamed, &[first], Err("does not fit")),
        (&misnamed, &[first, second.named(first.name())], Ok("first")),
        (&Vec::new(), &[first], Err("no signature")),
    ] {
        let result = read(file).and_then(|signatures| signatures.verify(MESSAGE, &keyring(known)));
        match (result, want) {
            (Ok(signed), Ok(name)) => assert_eq!(signed.key, format!("test-only-{name}.rsa.pub")),
            (Err(error), Err(part)) => assert!(error.to_string().contains(part), "{error}: wanted {part}"),
            (got, want) => panic!("got {got:?}, wanted {want:?}"),
        }
    }
}

#[test]
fn only_signatures_stand_among_signatures() {
    let good = signature_member(MESSAGE, &[(TestKey::first(), Sign::Rsa)]);
    let with = |name: &str| {
        let entries = [Entry::file(".SIGN.RSA.k", 0o644, b"x"), Entry::file(name, 0o644, b"y")];
        gzip(&tar(&entries, TarEnd::Cut))
    };
    let directory = gzip(&tar(&[Entry::directory(".SIGN.RSA.k/", 0o755)], TarEnd::Cut));
    for (file, want) in [
        (with(".PKGINFO"), "\".PKGINFO\" stands among"),
        (with(".SIGN.RSA."), "stands among"),
        (with(".SIGN.RSA"), "stands among"),
        (with(".SIGN..k"), "stands among"),
        (with(".SIGN.RSA.k"), "refused"),
        (with("../x"), "refused"),
        (directory, "stands among"),
        (named(".SIGN.RSA.k", &vec![0; 300 << 10]), "cannot be read"),
        (good.repeat(17), "more than 16 members"),
        (good[..good.len() - 1].to_vec(), "cannot be read"),
    ] {
        let error = read(&file).expect_err(want);
        assert!(error.to_string().contains(want), "{error}: wanted {want}");
    }
}

#[test]
fn a_signature_may_have_an_extended_header() {
    let mut entry =
        Entry::file(".SIGN.RSA.test-only-first.rsa.pub", 0o644, &TestKey::first().sign(Sign::Rsa, MESSAGE));
    entry.records.push(("mtime".to_owned(), "1.5".to_owned()));
    let signatures = read(&gzip(&tar(&[entry], TarEnd::Cut))).expect("well formed");
    signatures.verify(MESSAGE, &keyring(&[TestKey::first()])).expect("a valid signature");
}
