//! Keys are what their files say, and nothing else is a key.

use super::*;
use ocelet_testkit::apk::TestKey;

#[test]
fn the_embedded_keys_are_those_of_the_table() {
    let rows: Vec<_> = alpine::rows().collect();
    let lines = alpine::TABLE.lines().filter(|line| !line.starts_with('#')).count();
    assert_eq!((rows.len(), lines), (18, 18), "every line of the table has five fields");
    assert_eq!(alpine::embedded().count(), rows.len());
    for (key, [name, architectures, bits, digest, releases]) in alpine::embedded().zip(rows) {
        assert_eq!(key.name, name);
        assert_eq!(hex(&Sha256::digest(key.pem)), digest, "{name}");
        let read = PublicKey::from_pem(name, key.pem).expect(name);
        assert_eq!(read.bits().to_string(), bits, "{name}");
        assert!(!architectures.is_empty() && !releases.is_empty(), "{name}");
    }
}

#[test]
fn each_architecture_has_its_own_keys() {
    for (architecture, count) in
        [("x86_64", 3), ("aarch64", 2), ("armv7", 2), ("armhf", 2), ("riscv64", 2), ("amd64", 0)]
    {
        assert_eq!(Keyring::alpine_for(architecture).names().len(), count, "{architecture}");
    }
    assert_eq!(Keyring::alpine().names().len(), 18);
    assert!(Keyring::alpine().iter().all(|(name, keys)| name.ends_with(".rsa.pub") && keys.len() == 1));
}

#[test]
fn one_name_may_have_several_keys() {
    let mut keyring = Keyring::new();
    let first = keyring.add("k.rsa.pub", TestKey::first().public_pem()).expect("a key");
    let second = keyring.add("k.rsa.pub", TestKey::second().public_pem()).expect("a key");
    assert_eq!(keyring.add("k.rsa.pub", TestKey::first().public_pem()), Ok(first));
    assert_ne!(first, second);
    let found: Vec<Fingerprint> = keyring.get("k.rsa.pub").iter().map(PublicKey::fingerprint).collect();
    assert_eq!(found, [first, second]);
    assert!(keyring.get("other").is_empty());
}

#[test]
fn what_is_not_a_key_is_refused() {
    let pem = TestKey::first().public_pem();
    let body = |der: &[u8]| format!("{BEGIN}\n{}\n{END}\n", STANDARD.encode(der));
    let spki = decode("test", pem).expect("a key");
    let with = |change: fn(&mut Vec<u8>)| {
        let mut changed = spki.clone();
        change(&mut changed);
        body(&changed)
    };
    for (text, want) in [
        (String::new(), "no line"),
        (pem.replace("PUBLIC", "RSA PUBLIC"), "PKCS#1"),
        (pem.replace("PUBLIC", "PRIVATE"), "private key"),
        (pem.replace(END, ""), "damaged"),
        (pem.replace("MII", "M!I"), "damaged"),
        (body(b""), "not an RSA public key"),
        (with(|der| der.push(0)), "not an RSA public key"),
        (with(|der| der.truncate(200)), "not an RSA public key"),
        (with(|der| der[0] = 0x31), "not an RSA public key"),
        (with(|der| der[1] = 0x80), "not an RSA public key"),
        // Another algorithm: rsaEncryption ends with 1, RSASSA-PSS with 10.
        (with(|der| der[16] = 10), "not an RSA public key"),
        // An even exponent: 65536.
        (with(|der| *der.last_mut().expect("not empty") = 0), "not an RSA public key"),
        // A zero before a modulus that is positive without it.
        (with(|der| der[33] = 0x7f), "not an RSA public key"),
    ] {
        let error = PublicKey::from_pem("test", &text).expect_err(want);
        assert!(error.to_string().contains(want), "{error}: wanted {want}");
    }
    for name in ["", "a/b", "a\nb"] {
        assert!(matches!(Keyring::new().add(name, pem), Err(KeyError::Name { .. })), "{name:?}");
    }
}

#[test]
fn a_short_key_is_refused_by_its_size() {
    // 512 bits: the header of the test key's form with a modulus that was cut, by hand.
    let modulus = [0x7f; 64];
    let mut pkcs1 = vec![0x30, 71, 0x02, 64];
    pkcs1.extend_from_slice(&modulus);
    pkcs1.extend_from_slice(&[0x02, 3, 1, 0, 1]);
    let mut info =
        vec![0x30, 13, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];
    info.extend_from_slice(&[0x03, 74, 0]);
    info.extend_from_slice(&pkcs1);
    let mut der = vec![0x30, u8::try_from(info.len()).expect("short")];
    der.extend_from_slice(&info);
    let text = format!("{BEGIN}\n{}\n{END}\n", STANDARD.encode(&der));
    let error = PublicKey::from_pem("short", &text).expect_err("too short");
    assert_eq!(error, KeyError::Bits { name: "short".to_owned(), bits: 511 });
}
