//! Facts about the order and the grammar of versions, one table each.

use std::cmp::Ordering;

use proptest::prelude::*;

use super::*;

#[test]
fn older_versions_come_first() {
    // Each row is one chain, oldest first; the rules are those of `apk version -t`.
    for chain in [
        // Numbers count as numbers, of any length.
        &["0.9", "0.10", "1", "1.0", "1.0.0", "1.0.1", "1.2", "1.10", "2", "10", "20050718"][..],
        &["1.99999999999999999999", "1.100000000000000000000"],
        // A later number with a leading zero is a decimal fraction.
        &["8.2.0", "8.2.001", "8.2.0015", "8.2.002", "8.2.01", "8.2.1"],
        // A suffix announces the release, or comes after it.
        &["1.0_alpha", "1.0_alpha2", "1.0_beta", "1.0_pre1", "1.0_rc1", "1.0_rc2", "1.0", "1.0-r1"],
        &[
            "1.0",
            "1.0_cvs1",
            "1.0_svn1",
            "1.0_git20240101",
            "1.0_hg1",
            "1.0_p1",
            "1.0_p1-r1",
            "1.0_p2",
            "1.0a",
        ],
        &["1.0_alpha_pre2", "1.0_alpha", "1.0_alpha_p1"],
        // A letter is newer than a suffix and older than a further number.
        &["1.0", "1.0_p1", "1.0a", "1.0a-r1", "1.0b", "1.0.1"],
        // Revisions and commits.
        &["1.0", "1.0-r0", "1.0-r1", "1.0-r9", "1.0-r10"],
        &["1.0~1234", "1.0~1234-r0", "1.0~1234-r1", "1.0~2345-r0"],
        &["2.9.11_pre20051101-r2", "2.9.11_pre20061021-r1", "2.9.11"],
    ] {
        for (at, older) in chain.iter().enumerate() {
            assert_eq!(compare_versions(older, older), Ordering::Equal, "{older}");
            for newer in &chain[at + 1..] {
                assert_eq!(compare_versions(older, newer), Ordering::Less, "{older} {newer}");
                assert_eq!(compare_versions(newer, older), Ordering::Greater, "{newer} {older}");
            }
        }
    }
}

#[test]
fn different_spellings_of_one_version_are_equal() {
    for (left, right) in [("006", "6"), ("1.0-r01", "1.0-r1"), ("1.0_p007", "1.0_p7")] {
        let (left, right) = (Version::new(left).expect(left), Version::new(right).expect(right));
        assert_eq!(left, right);
    }
    // The first number has no fraction; the later ones do.
    assert_ne!(Version::new("1.06"), Version::new("1.6"));
}

#[test]
fn what_does_not_follow_the_grammar_is_refused_where_it_goes_wrong() {
    for (text, offset) in [
        ("a", 0),
        (".1", 0),
        ("v1.0", 0),
        ("_pre1", 0),
        ("0.1bc", 4),
        ("0.1a1", 4),
        ("0.1a.1", 4),
        ("1..0", 1),
        ("1.0_", 3),
        ("1.0_wat", 3),
        ("1.0__p1", 3),
        ("1.0_1_alpha", 3),
        ("1.0_pre2~", 8),
        ("1.0~12g4", 6),
        ("1.0~12_p1", 6),
        ("1.0-1", 3),
        ("1.0-r", 3),
        ("1.0-r1-r2", 6),
        ("1.0-r1.2", 6),
        ("1.0-r1~12", 6),
        ("1.0 ", 3),
        ("1.0é", 3),
    ] {
        let want = VersionError::Malformed { version: text.to_owned(), offset };
        assert_eq!(Version::new(text).expect_err(text), want);
    }
    assert_eq!(Version::new("").expect_err("nothing"), VersionError::Empty);
    for text in ["1", "1.2.3", "1.2a", "1.2_p1_pre2", "0.1_git20240101_pre1~0af-r12", "20240101"] {
        assert_eq!(Version::new(text).expect(text).to_string(), text);
    }
}

#[test]
fn a_beginning_matches() {
    for (version, beginning, want) in [
        ("2.2", "2.2", Ordering::Equal),
        ("2.2.7-r3", "2.2", Ordering::Equal),
        ("2.2_rc1", "2.2", Ordering::Equal),
        ("2.20", "2.2", Ordering::Greater),
        ("2.1.9", "2.2", Ordering::Less),
        ("2", "2.2", Ordering::Less),
        ("2.2-r1", "2.2-r0", Ordering::Greater),
    ] {
        assert_eq!(compare_beginning(version, beginning), want, "{version} ~ {beginning}");
    }
}

/// Versions of every shape, with numbers that meet often.
fn versions() -> impl Strategy<Value = String> {
    let number = "0{0,2}(0|1|2|9|10|11|20240101)";
    proptest::string::string_regex(&format!(
        "{number}(\\.{number}){{0,2}}[ab]?(_(alpha|beta|pre|rc|cvs|svn|git|hg|p)({number})?){{0,2}}(~[0-9a-f]{{1,2}})?(-r{number})?"
    ))
    .expect("a regular expression")
}

proptest! {
    #[test]
    fn the_order_is_total(a in versions(), b in versions(), c in versions()) {
        prop_assert!(Version::new(&a).is_ok(), "{a}");
        prop_assert_eq!(compare_versions(&a, &a), Ordering::Equal);
        prop_assert_eq!(compare_versions(&a, &b), compare_versions(&b, &a).reverse());
        let mut sorted = [a.as_str(), b.as_str(), c.as_str()];
        sorted.sort_by(|left, right| compare_versions(left, right));
        prop_assert_ne!(compare_versions(sorted[0], sorted[2]), Ordering::Greater, "{:?}", sorted);
    }

    #[test]
    fn any_text_is_read_or_refused(left in ".*", right in "[0-9a-z._~-]{0,12}") {
        let _ = (Version::new(&left).is_ok(), Version::new(&right).is_ok());
        prop_assert_eq!(compare_versions(&left, &right), compare_versions(&right, &left).reverse());
    }
}
