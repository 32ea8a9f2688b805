//! Files of keys in both forms, and what is none.

use super::{Keyring, KeyringError, WantedKey};
use crate::deb_trust::armor::ArmorError;
use ocelet_testkit::openpgp::{Forged, Plan, SubkeyPlan, armored};

#[test]
fn certificates_are_read_in_both_forms_and_merged() {
    let (one, two) = (Forged::new(1, &Plan::default()), Forged::new(2, &Plan::default()));
    let mut keyring = Keyring::new();
    let both = [one.packets.clone(), two.packets.clone()].concat();
    assert_eq!(keyring.add("both.gpg", &both).unwrap().len(), 2);
    let text = format!(
        "a comment\n{}and\n{}",
        armored("PUBLIC KEY BLOCK", &one.packets),
        armored("PUBLIC KEY BLOCK", &two.packets)
    );
    assert_eq!(keyring.add("both.asc", text.as_bytes()).unwrap().len(), 2);
    let fingerprints: Vec<String> = keyring.fingerprints().iter().map(ToString::to_string).collect();
    assert_eq!(fingerprints, [one.fingerprint(), two.fingerprint()]);
    assert!(keyring.unread().is_empty() && !keyring.is_empty());
}

#[test]
fn what_is_no_keyring_is_refused() {
    let forged = Forged::new(1, &Plan { subkey: Some(SubkeyPlan::default()), ..Plan::default() });
    let add = |bytes: &[u8]| Keyring::new().add("x.gpg", bytes).expect_err("no keyring");
    let not_keys = |error: &KeyringError| matches!(error, KeyringError::NotKeys { .. });
    assert!(not_keys(&add(b"")) && not_keys(&add(b"hello\n")));
    let mut keybox = vec![0; 32];
    keybox[8..12].copy_from_slice(b"KBXf");
    assert!(add(&keybox).to_string().contains("keybox of GnuPG"));
    assert!(matches!(add(&forged.secret()), KeyringError::Private { .. }));
    let private = armored("PRIVATE KEY BLOCK", &forged.secret());
    assert!(matches!(add(private.as_bytes()), KeyringError::Private { .. }));
    let text = armored("PUBLIC KEY BLOCK", &forged.packets);
    let cut = add(&text.as_bytes()[..text.len() - 20]);
    assert!(matches!(cut, KeyringError::Armor { cause: ArmorError::NoEnd { line: 1, .. }, .. }), "{cut:?}");
    let signature = armored("SIGNATURE", b"abc");
    assert!(matches!(
        add(signature.as_bytes()),
        KeyringError::Armor { cause: ArmorError::NoBlock { .. }, .. }
    ));
}

#[test]
fn a_certificate_that_is_cut_short_is_left_out_and_named() {
    let (one, two) = (Forged::new(1, &Plan::default()), Forged::new(2, &Plan::default()));
    for length in [30, one.packets.len() / 2, one.packets.len() - 1] {
        let error = Keyring::new().add("cut.gpg", &one.packets[..length]).expect_err("cut");
        assert!(matches!(&error, KeyringError::Empty { unread, .. } if unread.len() <= 1), "{error:?}");
    }
    let mut keyring = Keyring::new();
    let bytes = [two.packets, one.packets[..one.packets.len() - 10].to_vec()].concat();
    assert_eq!(keyring.add("half.gpg", &bytes).unwrap().len(), 1);
    assert_eq!(keyring.unread()[0].certificate, one.fingerprint());
}

#[test]
fn fingerprints_of_signed_by_are_read() {
    let digits = "4D64FEC119C2029067D6E791F8D2585B8783D481";
    let read = |word: &str| WantedKey::parse(word).map(|key| (key.fingerprint.to_string(), key.exact));
    assert_eq!(read(digits), Some((digits.to_owned(), false)));
    assert_eq!(read(&format!("{}!", digits.to_lowercase())), Some((digits.to_owned(), true)));
    for refused in ["", "!", "F8D2585B8783D481", "/usr/share/keyrings/x.gpg", &digits.replace('4', "x")] {
        assert_eq!(read(refused), None, "{refused}");
    }
}

#[test]
fn damaged_bytes_never_panic() {
    let forged = Forged::new(1, &Plan { subkey: Some(SubkeyPlan::default()), ..Plan::default() });
    for at in 0..forged.packets.len() {
        let mut bytes = forged.packets.clone();
        bytes[at] ^= 0x5a;
        let mut keyring = Keyring::new();
        if let Ok(read) = keyring.add("x", &bytes) {
            assert!(!read.is_empty());
        }
    }
}

#[test]
fn lengths_that_are_not_there_fill_no_memory() {
    for tag in 0..64 {
        for body in [&b""[..], &[4; 40], &[6; 40]] {
            let bytes = [&[0xc0 | tag, 0xff, 0xff, 0xff, 0xff, 0xff], body].concat();
            assert!(Keyring::new().add("x", &bytes).is_err(), "{tag}");
        }
    }
}
