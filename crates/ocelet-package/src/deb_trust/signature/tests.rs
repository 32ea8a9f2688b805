//! Signatures that count and those that do not, each with its reason.

use std::sync::LazyLock;

use pgp::composed::KeyType;
use pgp::crypto::ecc_curve::ECCCurve;
use pgp::crypto::hash::HashAlgorithm;
use pgp::packet::{Packet, PacketParser, PacketTrait, RevocationCode, SignatureType, SubpacketData};

use super::{Keyring, SignatureError, SignedBy, Validity, verify};
use crate::deb_trust::certificate::KeyProblem;
use crate::deb_trust::{Refusal, WantedKey};
use ocelet_testkit::openpgp::{DAY, Forged, MADE, Plan, SIGNED, Stamp, SubkeyPlan};

const TEXT: &[u8] = b"Origin: Test\r\nSuite: x";
const NOW: Validity = Validity { now: SIGNED as i64 + 1000, archived: false };

static PLAIN: LazyLock<Forged> = LazyLock::new(|| Forged::new(1, &Plan::default()));

fn with_subkey(subkey: SubkeyPlan) -> Forged {
    Forged::new(3, &Plan { subkey: Some(subkey), ..Plan::default() })
}

fn keyring(forged: &[&Forged]) -> Keyring {
    let mut keyring = Keyring::new();
    for one in forged {
        keyring.add("test", &one.packets).expect("a certificate");
    }
    keyring
}

fn check_one(forged: &Forged, stamp: &Stamp, now: Validity) -> Result<Vec<SignedBy>, SignatureError> {
    verify(&forged.sign(TEXT, stamp), TEXT, &keyring(&[forged]), now)
}

/// Checks one signature by one key, and whether it counts or why not.
fn check(what: &str, forged: &Forged, stamp: &Stamp, now: Validity, wanted: Option<&str>) {
    let got = check_one(forged, stamp, now);
    match (&got, wanted) {
        (Ok(signed), None) => assert_eq!(signed[0].certificate.to_string(), forged.fingerprint(), "{what}"),
        (Err(error), Some(wanted)) => assert!(error.to_string().contains(wanted), "{what}: {error}"),
        _ => panic!("{what}: {got:?}, wanted {wanted:?}"),
    }
}

#[test]
fn every_trusted_algorithm_counts() {
    let kinds = [
        (KeyType::Ed25519Legacy, HashAlgorithm::Sha512, "Ed25519-SHA512"),
        (KeyType::Ed25519, HashAlgorithm::Sha256, "Ed25519-SHA256"),
        (KeyType::ECDSA(ECCCurve::P256), HashAlgorithm::Sha256, "ECDSA-P256-SHA256"),
        (KeyType::ECDSA(ECCCurve::P384), HashAlgorithm::Sha384, "ECDSA-P384-SHA384"),
        (KeyType::ECDSA(ECCCurve::P521), HashAlgorithm::Sha512, "ECDSA-P521-SHA512"),
        (KeyType::Rsa(2048), HashAlgorithm::Sha256, "RSA-2048-SHA256"),
    ];
    for (kind, hash, wanted) in kinds {
        let forged = Forged::new(7, &Plan { kind, ..Plan::default() });
        let signed = check_one(&forged, &Stamp { hash, ..Stamp::default() }, NOW).unwrap();
        assert_eq!(signed[0].algorithm.to_string(), wanted);
        assert_eq!(signed[0].user.as_deref(), Some("Test <test@example.org>"));
        assert_eq!(signed[0].created, i64::from(SIGNED));
    }
}

#[test]
fn weak_algorithms_do_not_count() {
    let plain = Stamp::default();
    check("sha1", &PLAIN, &Stamp { hash: HashAlgorithm::Sha512, ..plain.clone() }, NOW, None);
    let rsa = Forged::new(8, &Plan { kind: KeyType::Rsa(1024), ..Plan::default() });
    check("RSA-1024", &rsa, &plain, NOW, Some("RSA with 1024 bits is too weak"));
    let rsa = Forged::new(9, &Plan { kind: KeyType::Rsa(2048), ..Plan::default() });
    for (hash, name) in
        [(HashAlgorithm::Sha1, "SHA1"), (HashAlgorithm::Md5, "MD5"), (HashAlgorithm::Sha224, "SHA224")]
    {
        check(
            name,
            &rsa,
            &Stamp { hash, ..plain.clone() },
            NOW,
            Some(&format!("the hash {name} is too weak")),
        );
    }
    let bound = Plan { kind: KeyType::Rsa(2048), hash: HashAlgorithm::Sha1, ..Plan::default() };
    check(
        "self-signature",
        &Forged::new(9, &bound),
        &plain,
        NOW,
        Some("no valid self-signature: the hash SHA1"),
    );
    let curve = Plan { kind: KeyType::ECDSA(ECCCurve::Secp256k1), ..Plan::default() };
    check(
        "secp256k1",
        &Forged::new(9, &curve),
        &plain,
        NOW,
        Some("a key for ECDSA is too weak or not known"),
    );
}

#[test]
fn times_of_signatures_and_keys_count() {
    let at = |now: u32| Validity::at(i64::from(now));
    let archived = |now: u32| Validity::archived(i64::from(now));
    let plain = Stamp::default();
    check("now", &PLAIN, &plain, at(SIGNED), None);
    check("a little early", &PLAIN, &plain, at(SIGNED - 500), None);
    check("future", &PLAIN, &plain, at(SIGNED - 3600), Some("check the clock"));
    check("future snapshot", &PLAIN, &plain, archived(SIGNED - 3600), Some("check the clock"));
    check("undated", &PLAIN, &Stamp { created: None, ..plain.clone() }, NOW, Some("does not say when"));
    let short = Stamp { lives: Some(DAY), ..plain.clone() };
    check("alive", &PLAIN, &short, at(SIGNED + DAY - 1), None);
    check("expired", &PLAIN, &short, at(SIGNED + DAY), Some("it expired on"));
    check("expired, in a snapshot", &PLAIN, &short, archived(SIGNED + DAY), None);
    let before = Stamp { created: Some(MADE - DAY), ..plain.clone() };
    check("before the key", &PLAIN, &before, NOW, Some("after the signature"));
    let mortal = Forged::new(4, &Plan { lives: Some(200 * DAY), ..Plan::default() });
    check("key alive", &mortal, &plain, at(MADE + 200 * DAY - 1), None);
    check("key expired", &mortal, &plain, at(MADE + 200 * DAY), Some("it expired on 2024-07-19"));
    check("key expired later, in a snapshot", &mortal, &plain, archived(MADE + 900 * DAY), None);
    let late = Stamp { created: Some(MADE + 300 * DAY), ..plain };
    check(
        "signed when expired",
        &mortal,
        &late,
        archived(MADE + 900 * DAY),
        Some("it expired on 2024-07-19"),
    );
}

#[test]
fn revocations_count() {
    let plain = Stamp::default();
    let soft_later = Some((SIGNED + 10, RevocationCode::KeySuperseded));
    let soft_before = Some((SIGNED - 10, RevocationCode::KeyRetired));
    let hard_later = Some((SIGNED + 10, RevocationCode::KeyCompromised));
    for (what, revoked, wanted) in [
        ("replaced later", soft_later, None),
        ("retired before", soft_before, Some("it was revoked on")),
        ("compromised later", hard_later, Some("KeyCompromised")),
    ] {
        let primary = Forged::new(5, &Plan { revoked, ..Plan::default() });
        check(what, &primary, &plain, NOW, wanted);
        check(what, &primary, &plain, Validity::archived(NOW.now), wanted);
        let subkey = with_subkey(SubkeyPlan { revoked, ..SubkeyPlan::default() });
        check(what, &subkey, &Stamp { by_subkey: true, ..plain.clone() }, NOW, wanted);
        check(what, &subkey, &plain, NOW, None);
    }
    // A revocation in one copy of a certificate counts for the other.
    let revoked = Forged::new(1, &Plan { revoked: hard_later, ..Plan::default() });
    let got = verify(&PLAIN.sign(TEXT, &plain), TEXT, &keyring(&[&PLAIN, &revoked]), NOW);
    assert!(matches!(got, Err(SignatureError::Refused { .. })), "{got:?}");
}

#[test]
fn subkeys_sign_only_where_both_sides_agree() {
    let stamp = Stamp { by_subkey: true, ..Stamp::default() };
    let good = with_subkey(SubkeyPlan::default());
    check("good", &good, &stamp, NOW, None);
    let signed = check_one(&good, &stamp, NOW).unwrap();
    assert_eq!(signed[0].fingerprint.to_string(), good.subkey_fingerprint());
    let one_sided = with_subkey(SubkeyPlan { signs_back: false, ..SubkeyPlan::default() });
    check("one side", &one_sided, &stamp, NOW, Some("has not signed its primary key in return"));
    let other = with_subkey(SubkeyPlan { signs: false, ..SubkeyPlan::default() });
    check("for other things", &other, &stamp, NOW, Some("did not make it for signing"));
    let mortal = with_subkey(SubkeyPlan { lives: Some(50 * DAY), ..SubkeyPlan::default() });
    check("expired", &mortal, &stamp, NOW, Some("it expired on 2024-02-20"));
    let certifies = Forged::new(6, &Plan { signs: Some(false), ..Plan::default() });
    check(
        "primary for other things",
        &certifies,
        &Stamp::default(),
        NOW,
        Some("did not make it for signing"),
    );
    let silent = Forged::new(6, &Plan { signs: None, ..Plan::default() });
    check("primary that says nothing", &silent, &Stamp::default(), NOW, None);
    let bare = Forged::new(6, &Plan { user: None, ..Plan::default() });
    check("without a self-signature", &bare, &Stamp::default(), NOW, Some("no valid self-signature"));
}

#[test]
fn signatures_of_other_kinds_do_not_count() {
    let plain = Stamp::default();
    let binary = Stamp { kind: SignatureType::Binary, ..plain.clone() };
    check("binary behind a text", &PLAIN, &binary, NOW, None);
    let detached = |stamp: &Stamp| verify(&PLAIN.sign(TEXT, stamp), TEXT, &keyring(&[&PLAIN]), NOW);
    assert!(detached(&binary).is_ok() && detached(&plain).is_ok());
    // What binds a name to the key is no statement about a file.
    let own = PacketParser::new(&PLAIN.packets[..]).find_map(|packet| match packet {
        Ok(Packet::Signature(signature)) => Some(signature),
        _ => None,
    });
    let mut packet = Vec::new();
    own.expect("a self-signature").to_writer_with_header(&mut packet).expect("in memory");
    let error = verify(&packet, TEXT, &keyring(&[&PLAIN]), NOW).unwrap_err();
    assert!(error.to_string().contains("CertPositive is no signature of a file"), "{error}");
    let critical = Some(SubpacketData::Experimental(101, vec![1].into()));
    check("critical", &PLAIN, &Stamp { critical, ..plain.clone() }, NOW, Some("must be understood"));
    check("nameless", &PLAIN, &Stamp { named: false, ..plain }, NOW, None);
}

#[test]
fn several_signatures() {
    let stranger = Forged::new(2, &Plan::default());
    let (known, unknown) = (PLAIN.sign(TEXT, &Stamp::default()), stranger.sign(TEXT, &Stamp::default()));
    let of = |packets: &[u8], keyring: &Keyring| verify(packets, TEXT, keyring, NOW);
    let both = [unknown.clone(), known.clone()].concat();
    assert_eq!(of(&both, &keyring(&[&PLAIN])).unwrap().len(), 1);
    assert_eq!(of(&both, &keyring(&[&PLAIN, &stranger])).unwrap().len(), 2);
    let error = of(&unknown, &keyring(&[&PLAIN])).unwrap_err();
    let SignatureError::UnknownKey { wanted, known: named } = &error else { panic!("{error:?}") };
    // A signature names its key by the last 16 digits at least.
    assert!(stranger.fingerprint().ends_with(&wanted[0]) && named.contains(&PLAIN.fingerprint()), "{error}");
    assert!(matches!(of(&both, &Keyring::new()), Err(SignatureError::UnknownKey { .. })));
    let weak = Forged::new(1, &Plan::default()).sign(TEXT, &Stamp { created: None, ..Stamp::default() });
    assert_eq!(of(&[weak.clone(), known.clone()].concat(), &keyring(&[&PLAIN])).unwrap().len(), 1);
    let error = of(&[weak, unknown].concat(), &keyring(&[&PLAIN])).unwrap_err();
    assert!(
        matches!(&error, SignatureError::Refused { refused, unknown } if refused.len() + unknown.len() == 2)
    );
    // One that is wrong spoils the others: someone changed something.
    let wrong = PLAIN.sign(b"other", &Stamp::default());
    let error = of(&[known.clone(), wrong].concat(), &keyring(&[&PLAIN])).unwrap_err();
    assert!(matches!(&error, SignatureError::Invalid { key } if key.to_string() == PLAIN.fingerprint()));
    assert_eq!(of(&[], &keyring(&[&PLAIN])).unwrap_err(), SignatureError::Unsigned);
    assert_eq!(of(&known.repeat(33), &keyring(&[&PLAIN])).unwrap_err(), SignatureError::TooMany);
    let damaged =
        |bytes: &[u8]| matches!(of(bytes, &keyring(&[&PLAIN])), Err(SignatureError::Damaged { .. }));
    assert!(damaged(&PLAIN.packets) && damaged(&known[..known.len() - 1]));
}

#[test]
fn only_named_keys_may_sign_where_some_are_named() {
    let forged = with_subkey(SubkeyPlan::default());
    let stamp = Stamp { by_subkey: true, ..Stamp::default() };
    let (primary, subkey) = (forged.fingerprint(), forged.subkey_fingerprint());
    for (word, counts) in [
        (primary.clone(), true),
        (subkey.clone(), true),
        (format!("{subkey}!"), true),
        (format!("{primary}!"), false),
        (PLAIN.fingerprint(), false),
    ] {
        let only = keyring(&[&forged, &PLAIN]).restricted_to(WantedKey::parse(&word));
        let got = verify(&forged.sign(TEXT, &stamp), TEXT, &only, NOW);
        assert_eq!(got.is_ok(), counts, "{word}: {got:?}");
    }
}

#[test]
fn no_bit_of_a_signature_can_be_changed() {
    let known = PLAIN.sign(TEXT, &Stamp::default());
    let keyring = keyring(&[&PLAIN]);
    for at in 0..known.len() {
        for bit in [1, 0x80] {
            let mut bytes = known.clone();
            bytes[at] ^= bit;
            match verify(&bytes, TEXT, &keyring, NOW) {
                // What names the key is not signed, and only leads to it.
                Ok(signed) => assert_eq!(signed[0].fingerprint.to_string(), PLAIN.fingerprint(), "{at}"),
                Err(error) => assert!(!error.to_string().is_empty()),
            }
        }
    }
    let expired = KeyProblem::NotForSigning;
    assert_eq!(
        Refusal::Key { key: keyring.fingerprints()[0].clone(), problem: expired }.to_string(),
        format!("key {} may not vouch: its owner did not make it for signing data", PLAIN.fingerprint())
    );
}

#[test]
fn signatures_within_signatures_end_somewhere() {
    let mut nested = vec![4, 0x19, 22, 8, 0, 0, 0, 0, 0, 0, 0, 0];
    let mut depth = 0;
    while nested.len() < 65_000 {
        let length = u16::try_from(nested.len() + 6).expect("bounded by the loop");
        let subpacket = u32::from(length) - 5;
        let mut outer = vec![4, 0x19, 22, 8];
        outer.extend_from_slice(&length.to_be_bytes());
        outer.push(0xff);
        outer.extend_from_slice(&subpacket.to_be_bytes());
        outer.push(32);
        outer.extend_from_slice(&nested);
        outer.extend_from_slice(&[0, 0, 0, 0, 0, 0, 0, 0]);
        nested = outer;
        depth += 1;
    }
    assert!(depth > 3000);
    let length = u32::try_from(nested.len()).expect("small");
    let packet = [&[0xc2, 0xff][..], &length.to_be_bytes(), &nested].concat();
    let got = verify(&packet, TEXT, &keyring(&[&PLAIN]), NOW);
    assert!(got.is_err(), "{got:?}");
}
