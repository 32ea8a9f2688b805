//! Releases in both forms: changed, late, older, of another suite.

use super::{ReleaseError, VerifiedRelease};
use crate::deb_trust::cleartext::CleartextError;
use crate::deb_trust::{Keyring, SignatureError, Validity};
use ocelet_testkit::openpgp::{Forged, Plan, SIGNED, Stamp, armored, inline, signed_part};

const SUM: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
/// The `Date` of the test Release, a minute before it is signed.
const DATE: &str = "Tue, 09 Apr 2024 23:59:00 UTC";

fn release(fields: &str) -> String {
    format!(
        "Origin: Test\nSuite: stable\nCodename: test\nDate: {DATE}\n{fields}SHA256:\n {SUM} 0 main/binary-amd64/Packages\n"
    )
}

fn forged() -> (Forged, Keyring) {
    let forged = Forged::new(1, &Plan::default());
    let mut keyring = Keyring::new();
    keyring.add("test.gpg", &forged.packets).expect("a certificate");
    (forged, keyring)
}

fn now() -> Validity {
    Validity::at(i64::from(SIGNED))
}

/// Signs a text and opens it, in both forms, which must agree.
fn open(text: &str, validity: Validity) -> Result<VerifiedRelease, ReleaseError> {
    let (forged, keyring) = forged();
    let part = forged.sign(signed_part(text), &Stamp::default());
    let one = VerifiedRelease::open_inline("test", inline(text, &[part]).as_bytes(), &keyring, validity);
    let whole =
        forged.sign(text.as_bytes(), &Stamp { kind: pgp::packet::SignatureType::Binary, ..Stamp::default() });
    let text_and = |signature: &[u8]| {
        VerifiedRelease::open_detached("test", text.as_bytes(), signature, &keyring, validity)
    };
    for signature in [armored("SIGNATURE", &whole).into_bytes(), whole] {
        assert_eq!(format!("{:?}", text_and(&signature)), format!("{one:?}"));
    }
    one
}

fn check(fields: &str, validity: Validity, wanted: Option<&str>) {
    let got = open(&release(fields), validity);
    match (got, wanted) {
        (Ok(release), None) => assert_eq!(release.release().suite.as_deref(), Some("stable")),
        (Err(error), Some(wanted)) => {
            let cause = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
            let text = format!("{error}: {cause}");
            assert!(text.contains(wanted), "{fields:?}: {text}");
        }
        (got, wanted) => panic!("{fields:?}: {got:?}, wanted {wanted:?}"),
    }
}

#[test]
fn the_end_of_validity_counts_unless_a_snapshot_is_asked_for() {
    let until = "Valid-Until: Tue, 16 Apr 2024 23:59:00 UTC\n";
    let end = i64::from(SIGNED) - 60 + 7 * 86_400;
    check(until, Validity::at(end), None);
    check(
        until,
        Validity::at(end + 1),
        Some("was valid until 2024-04-16T23:59:00Z, and it is 2024-04-16T23:59:01Z now"),
    );
    check(until, Validity::archived(end + 1), None);
    check("", Validity::at(end + 1_000_000), None);
    check("Valid-Until: soon\n", now(), Some("line 5 has the Valid-Until \"soon\"; wanted a time in UTC"));
    check("", Validity::at(i64::from(SIGNED) - 3600), Some("check the clock"));
}

#[test]
fn all_problems_of_a_release_are_named_at_once() {
    let bad = format!(
        "Valid-Until: never\nMD5Sum:\n x\nSHA256:\n {SUM} 1\n zz 1 a\n {SUM} -1 a\n {SUM} 1 ../a\n {SUM} 1 /a\n {SUM} 1 b\n {SUM} 2 b\n"
    );
    let error = open(&bad, now()).unwrap_err();
    let ReleaseError::Malformed { cause, .. } = error else { panic!("{error:?}") };
    let lines: Vec<usize> = cause.problems.iter().map(|problem| problem.line).collect();
    assert_eq!(lines, [0, 1, 5, 6, 7, 8, 9, 11], "{cause}");
    check("Suite: x\n", now(), Some("line 5 has the field \"Suite\" again, after line 2"));
    check("what\n", now(), Some("line 5 is no field"));
    let weak = format!("Date: {DATE}\nSHA1:\n x\n");
    let error = open(&weak, now()).unwrap_err();
    assert!(format!("{error:?}").contains("it has only SHA1"), "{error:?}");
    let many = format!("Date: {DATE}\nSHA256:\n{}", " x\n".repeat(100));
    let Err(ReleaseError::Malformed { cause, .. }) = open(&many, now()) else { panic!("too many") };
    assert_eq!((cause.problems.len(), cause.more), (20, 80));
    assert!(open("", now()).is_err() && open("A: b\n\nC: d\n", now()).is_err());
}

#[test]
fn what_was_changed_is_refused() {
    let (forged, keyring) = forged();
    let text = release("");
    let whole = inline(&text, &[forged.sign(signed_part(&text), &Stamp::default())]);
    let open = |text: &str| VerifiedRelease::open_inline("test", text.as_bytes(), &keyring, now());
    assert!(open(&whole).is_ok());
    let signature = |result| match result {
        Err(ReleaseError::Signature { cause, .. }) => cause,
        other => panic!("{other:?}"),
    };
    let tampered = signature(open(&whole.replace("Origin: Test", "Origin: Tset")));
    assert!(matches!(tampered, SignatureError::Invalid { .. }));
    let added = signature(open(&whole.replace("SHA256:\n", "SHA256:\n 00 0 x\n")));
    assert!(matches!(added, SignatureError::Invalid { .. }));
    let unsigned = signature(open(&inline(&text, &[])));
    assert_eq!(unsigned, SignatureError::Unsigned);
    for outside in [format!("Origin: Eve\n\n{whole}"), format!("{whole}\nOrigin: Eve\n"), text.clone()] {
        assert!(matches!(open(&outside), Err(ReleaseError::Cleartext { .. })), "{outside}");
    }
    for cut in 1..whole.len() - 1 {
        let got = open(&whole[..cut]);
        assert!(
            matches!(
                got,
                Err(ReleaseError::Cleartext {
                    cause: CleartextError::NotSigned
                        | CleartextError::NoSignature
                        | CleartextError::Armor(_)
                        | CleartextError::Dash { .. }
                        | CleartextError::Header { .. },
                    ..
                })
            ),
            "{cut}: {got:?}"
        );
    }
    // A signature of one file does not fit another.
    let other = VerifiedRelease::open_detached(
        "test",
        b"A: b\n",
        &forged.sign(text.as_bytes(), &Stamp::default()),
        &keyring,
        now(),
    );
    assert!(matches!(signature(other), SignatureError::Invalid { .. }));
    let none = VerifiedRelease::open_detached("test", text.as_bytes(), b"hello", &keyring, now());
    assert!(matches!(none, Err(ReleaseError::Armor { .. })));
}

#[test]
fn a_carriage_return_hides_no_field() {
    let (forged, keyring) = forged();
    let text = release("Description: x\nValid-Until: Tue, 09 Apr 2024 23:59:01 UTC\n");
    let signature = forged.sign(text.as_bytes(), &Stamp::default());
    let open =
        |text: &str| VerifiedRelease::open_detached("test", text.as_bytes(), &signature, &keyring, now());
    assert!(matches!(open(&text), Err(ReleaseError::Expired { .. })));
    let hidden = open(&text.replace("x\nValid", "x\rValid"));
    assert!(
        matches!(hidden, Err(ReleaseError::Malformed { .. } | ReleaseError::Signature { .. })),
        "{hidden:?}"
    );
    assert!(matches!(open(&text.replace('\n', "\r\n")), Err(ReleaseError::Expired { .. })));
}

#[test]
fn an_older_release_and_another_suite_are_noticed() {
    let release = open(&release(""), now()).unwrap();
    let date = release.release().date.0;
    assert_eq!(date, i64::from(SIGNED) - 60);
    assert!(release.check_not_older(date).is_ok() && release.check_not_older(0).is_ok());
    let error = release.check_not_older(date + 1).unwrap_err().to_string();
    assert!(
        error.contains("was written on 2024-04-09T23:59:00Z, but one of 2024-04-09T23:59:01Z"),
        "{error}"
    );
    for fits in ["stable", "test", "test/updates", "./", "some/path/"] {
        assert!(release.check_suite(fits).is_ok(), "{fits}");
    }
    for other in ["testing", "oldstable", "tes", "updates/test"] {
        let error = release.check_suite(other).unwrap_err().to_string();
        assert!(error.contains(&format!("suite stable with codename test; wanted {other}")), "{error}");
    }
}
