//! An index is what was signed, and its age can be compared.

use super::*;
use ocelet_testkit::apk::{Algorithm, PackageBuilder, TestKey, gzip, index, index_archive, signature_member};

const SIGNER: (TestKey, Algorithm) = (TestKey::large(), Algorithm::Rsa);

fn open(file: &[u8]) -> Result<VerifiedIndex, String> {
    let mut keyring = Keyring::new();
    keyring.add(SIGNER.0.name(), SIGNER.0.public_pem()).expect("a test key");
    VerifiedIndex::open("main", file, &keyring, 1 << 20).map_err(|error| {
        let causes = std::iter::successors(Some(&error as &dyn std::error::Error), |error| error.source());
        causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
    })
}

/// What the first member inflates to.
fn first(file: &[u8]) -> Vec<u8> {
    Members::new(file).next_member(1 << 20).expect("well formed").expect("not empty").inflated
}

fn record() -> String {
    PackageBuilder::new("demo", "1.0-r0", "x86_64").build(&[]).record
}

#[test]
fn a_signed_index_gives_its_records() {
    let record = record();
    let index = open(&index("v3.19\n", &[&record], 1_700_000_100, &[SIGNER])).expect("signed and whole");
    assert_eq!((index.description.as_str(), index.signed_by.key.as_str()), ("v3.19", SIGNER.0.name()));
    let text = index.records.bytes().expect("in memory");
    assert_eq!(String::from_utf8_lossy(&text), format!("{record}\n"));
    assert_eq!(index.freshness(), Freshness { generated: 1_700_000_100, newest_build: Some(1_700_000_000) });
}

#[test]
fn a_stream_of_several_members_is_one_index() {
    let archive = index_archive("x", &[&record()], 1);
    let (head, tail) = archive.split_at(700);
    let body = [gzip(head), gzip(tail)].concat();
    let file = [signature_member(&body, &[SIGNER]), body].concat();
    assert_eq!(open(&file).expect("signed and whole").description, "x");
}

#[test]
fn every_flip_and_every_cut_is_refused() {
    let file = index("v3.19", &[&record()], 1, &[SIGNER]);
    let signature = signature_member(&gzip(&index_archive("v3.19", &[&record()], 1)), &[SIGNER]).len();
    let mut noticed = 0;
    for offset in 0..file.len() {
        let mut changed = file.clone();
        changed[offset] ^= 1 << (offset % 8);
        match open(&changed) {
            // The signature member is not signed itself: what it inflates to counts.
            Ok(_) => {
                assert!(
                    offset < signature && first(&changed) == first(&file),
                    "byte {offset} was not noticed"
                );
            }
            Err(_) => noticed += 1,
        }
    }
    assert!(noticed > file.len() * 9 / 10, "{noticed} of {}", file.len());
    for length in 0..file.len() {
        open(&file[..length]).expect_err("cut");
    }
}

#[test]
fn what_is_no_index_is_refused() {
    let signed = |body: &[u8]| [signature_member(body, &[SIGNER]), body.to_vec()].concat();
    let package = PackageBuilder::new("demo", "1.0-r0", "x86_64");
    let large = index("x", &[&"T:x\n".repeat(300_000)], 1, &[]);
    let junk = [gzip(&index_archive("x", &[], 1)), b"junk".to_vec()].concat();
    for (file, want) in [
        (b"ADB.indx".to_vec(), "format version 3"),
        (b"<html>".to_vec(), "wanted a gzip member"),
        (Vec::new(), "no signature"),
        (index("x", &[&record()], 1, &[]), "no signature"),
        (large.clone(), "no signature"),
        (signed(&large), "more than the 1048576 bytes"),
        (index("x", &[], 1, &[(TestKey::first(), Algorithm::Rsa)]), "not in the keyring"),
        (signed(&gzip(b"no archive")), "is refused"),
        (signed(b"no gzip"), "wanted a gzip member"),
        (signed(&junk), "wanted a gzip member"),
        (package.build(&[SIGNER]).file, "does not fit the bytes"),
    ] {
        let said = open(&file).expect_err(want);
        assert!(said.contains(want), "{said}: wanted {want}");
    }
}

#[test]
fn an_older_index_is_told() {
    let at = |generated, newest_build| Freshness { generated, newest_build };
    let seen = at(100, Some(50));
    for (got, older) in [
        (seen, false),
        (at(101, Some(51)), false),
        // A package that was withdrawn makes no index older.
        (at(101, Some(40)), false),
        // Neither does the clock of another builder.
        (at(99, Some(51)), false),
        (at(99, Some(50)), true),
        (at(99, Some(49)), true),
        (at(100, Some(49)), true),
        (at(99, None), true),
    ] {
        let said = seen.check_not_older(&got);
        assert_eq!(said.is_err(), older, "{got:?}");
        if let Err(rollback) = said {
            assert!(rollback.to_string().contains("written at 100 with a package from 50"), "{rollback}");
        }
    }
}
