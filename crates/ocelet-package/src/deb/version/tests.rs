//! The order of versions against dpkg's published facts (`scripts/t/Dpkg_Version.t` and `lib/dpkg/t/t-version.c`),
//! against the laws of an order, and against the dpkg of this machine.
#![expect(clippy::disallowed_methods, reason = "a test runs the real tool")]

use std::cmp::Ordering::{self, Equal, Greater, Less};
use std::io::Write;
use std::process::{Command, Stdio};

use proptest::prelude::*;

use super::*;

/// The table of `scripts/t/Dpkg_Version.t`.
const PUBLISHED: [(&str, &str, Ordering); 47] = [
    ("1.0-1", "2.0-2", Less),
    ("2.2~rc-4", "2.2-1", Less),
    ("2.2-1", "2.2~rc-4", Greater),
    ("1.0000-1", "1.0-1", Equal),
    ("1", "0:1", Equal),
    ("0", "0:0-0", Equal),
    ("2:2.5", "1:7.5", Greater),
    ("1:0foo", "0foo", Greater),
    ("0:0foo", "0foo", Equal),
    ("0foo", "0foo", Equal),
    ("0foo-", "0foo", Equal),
    ("0foo-", "0foo-0", Equal),
    ("0foo", "0fo", Greater),
    ("0foo-", "0foo+", Less),
    ("0foo~1", "0foo", Less),
    ("0foo~foo+Bar", "0foo~foo+bar", Less),
    ("0foo~~", "0foo~", Less),
    ("1~", "1", Less),
    ("12345+that-really-is-some-ver-0", "12345+that-really-is-some-ver-10", Less),
    ("0foo-0", "0foo-01", Less),
    ("0foo.bar", "0foobar", Greater),
    ("0foo.bar", "0foo1bar", Greater),
    ("0foo.bar", "0foo0bar", Greater),
    ("0foo1bar-1", "0foobar-1", Less),
    ("0foo2.0", "0foo2", Greater),
    ("0foo2.0.0", "0foo2.10.0", Less),
    ("0foo2.0", "0foo2.0.0", Less),
    ("0foo2.0", "0foo2.10", Less),
    ("0foo2.1", "0foo2.10", Less),
    ("1.09", "1.9", Equal),
    ("1.0.8+nmu1", "1.0.8", Greater),
    ("3.11", "3.10+nmu1", Greater),
    ("0.9j-20080306-4", "0.9i-20070324-2", Greater),
    ("1.2.0~b7-1", "1.2.0~b6-1", Greater),
    ("1.011-1", "1.06-2", Greater),
    ("0.0.9+dfsg1-1", "0.0.8+dfsg1-3", Greater),
    ("4.6.99+svn6582-1", "4.6.99+svn6496-1", Greater),
    ("53", "52", Greater),
    ("0.9.9~pre122-1", "0.9.9~pre111-1", Greater),
    ("2:2.3.2-2+lenny2", "2:2.3.2-2", Greater),
    ("1:3.8.1-1", "3.8.GA-1", Greater),
    ("1.0.1+gpl-1", "1.0.1-2", Greater),
    ("1a", "1000a", Less),
    ("-0.6.5", "0.9.1", Less),
    // Comparisons of lib/dpkg/t/t-version.c that the table above does not have.
    ("0-00", "00-0", Equal),
    ("a-0", "b-0", Less),
    ("0-a", "0-b", Less),
];

#[test]
fn versions_are_ordered_as_published() {
    for (left, right, want) in PUBLISHED {
        assert_eq!(compare_versions(left, right), want, "{left} and {right}");
        assert_eq!(compare_versions(right, left), want.reverse(), "{right} and {left}");
        if let (Ok(left), Ok(right)) = (Version::new(left), Version::new(right)) {
            assert_eq!(left.cmp(&right), want, "{left} and {right}, valid");
        }
    }
}

#[test]
fn versions_are_read_as_published() {
    for (text, want) in [
        ("0", (0, "0", "")),
        ("0:0", (0, "0", "")),
        ("0:0-0", (0, "0", "0")),
        ("0:0.0-0.0", (0, "0.0", "0.0")),
        ("1:0", (1, "0", "")),
        ("5:1", (5, "1", "")),
        ("0:0-0-0", (0, "0-0", "0")),
        ("0:0-0-0-0", (0, "0-0-0", "0")),
        ("0:0:0-0", (0, "0:0", "0")),
        ("0:0:0:0-0", (0, "0:0:0", "0")),
        ("0:0:0-0-0", (0, "0:0-0", "0")),
        ("0:0-0:0-0", (0, "0-0:0", "0")),
        ("0:09azAZ.-+~:-0", (0, "09azAZ.-+~:", "0")),
        ("0:0-azAZ09.+~", (0, "0", "azAZ09.+~")),
    ] {
        let version = Version::new(text).expect(text);
        assert_eq!((version.epoch(), version.upstream(), version.revision()), want, "{text}");
        assert_eq!(version.as_str(), text);
    }
}

#[test]
fn what_is_no_version_is_refused() {
    use VersionFault::{Character, Empty, Epoch, NoDigit, NoRevision, NoUpstream};
    let check = |text: &str, want: VersionFault| {
        let error = Version::new(text).expect_err(text);
        assert_eq!(error.fault, want, "{text:?}");
    };
    for (text, want) in [
        ("", Empty),
        ("0:", NoUpstream),
        ("0:0 0-1", Character(' ')),
        ("-1:0-1", Epoch),
        ("+1:0-1", Epoch),
        (":0", Epoch),
        ("2147483648:0", Epoch),
        ("999999999999999999999999:0-1", Epoch),
        ("a:0-0", Epoch),
        ("A:0-0", Epoch),
        ("10a:5.2", Epoch),
        ("-0", NoUpstream),
        ("0:-0", NoUpstream),
        // t-version.c takes it, and the dpkg of this machine does not.
        ("0:0-", NoRevision),
        ("0:abc3-0", NoDigit),
        ("foo5.2", NoDigit),
        ("0:0-0:0", Character(':')),
        ("5.2@3-2", Character('@')),
        ("1.0\u{e9}", Character('\u{e9}')),
        ("1\n", Character('\n')),
    ] {
        check(text, want);
    }
    for letter in "!#@$%&/|\\<>()[]{};,_=*^'".chars() {
        check(&format!("0:0{letter}a-0"), Character(letter));
        check(&format!("0:0-{letter}"), Character(letter));
    }
}

/// Texts with much that means something.
fn versions() -> impl Strategy<Value = String> {
    "([0-9]{1,2}:)?[0-9][0-9a-cA-B.+~]{0,6}(-[0-9a-b.+~]{1,4}){0,2}"
}

proptest! {
    #[test]
    fn it_is_an_order(a in "[0-9ab.+~:-]{0,8}", b in "[0-9ab.+~:-]{0,8}", c in versions()) {
        prop_assert_eq!(compare_versions(&a, &a), Equal);
        prop_assert_eq!(compare_versions(&a, &b), compare_versions(&b, &a).reverse());
        let mut all = [&a, &b, &c];
        all.sort_by(|left, right| compare_versions(left, right));
        prop_assert!(compare_versions(all[0], all[2]).is_le());
    }

    #[test]
    fn zeroes_and_empty_parts_change_nothing(version in versions()) {
        let read = Version::new(&version).expect("made to be valid");
        let longer = format!("{}:0{}-{}", read.epoch(), read.upstream(), if read.revision().is_empty() { "0" } else { read.revision() });
        prop_assert_eq!(Version::new(&longer).expect("valid"), read);
        let earlier = format!("{version}~");
        prop_assert!(Version::new(&earlier).expect("valid") < read);
    }

    #[test]
    fn no_text_makes_it_panic(a in any::<String>(), b in any::<String>()) {
        let _ = (Version::new(&a), compare_versions(&a, &b));
    }
}

/// 2,000 random pairs, each compared by the real dpkg in three ways.
#[test]
fn the_real_dpkg_agrees() {
    if !Command::new("dpkg")
        .arg("--version")
        .stdout(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
    {
        println!("skipped: dpkg not installed");
        return;
    }
    let mut seed = 0x5eed_u64;
    let mut next = |below: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(seed >> 33).expect("31 bits") % below
    };
    let pieces = ["0", "1", "09", "10", "a", "Z", "~", "~~", "+", ".", "-", ":", "rc", "00", "dfsg"];
    let mut one = || {
        let count = 1 + next(6);
        let body: String = (0..count).map(|_| pieces[next(pieces.len())]).collect();
        format!("{}{}{body}", if next(3) == 0 { "1:" } else { "" }, next(3))
    };
    let mut pairs = Vec::new();
    while pairs.len() < 2000 {
        let (left, mut right) = (one(), one());
        if pairs.len() % 4 == 0 {
            // Random texts are hardly ever equal.
            right = left.replace('0', "00").replace('1', "01");
        }
        if Version::new(&left).is_ok() && Version::new(&right).is_ok() {
            pairs.push((left, right));
        }
    }
    let script = "while read left right; do for o in lt eq gt; do dpkg --compare-versions \"$left\" $o \"$right\" && echo $o; done; done";
    let mut shell = Command::new("sh")
        .args(["-c", script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("a shell");
    let mut input = shell.stdin.take().expect("piped");
    let lines: String = pairs.iter().map(|(left, right)| [left, " ", right, "\n"].concat()).collect();
    let writer = std::thread::spawn(move || input.write_all(lines.as_bytes()));
    let output = shell.wait_with_output().expect("it ends");
    writer.join().expect("no panic").expect("written");
    let answers = String::from_utf8(output.stdout).expect("text");
    let answers: Vec<&str> = answers.lines().collect();
    assert_eq!(answers.len(), pairs.len(), "one answer for each pair");
    let mut counts = [0; 3];
    for ((left, right), answer) in pairs.iter().zip(answers) {
        let order = compare_versions(left, right);
        let want = match order {
            Less => "lt",
            Equal => "eq",
            Greater => "gt",
        };
        assert_eq!(answer, want, "{left} and {right}");
        counts[usize::try_from(order as i8 + 1).expect("0 to 2")] += 1;
    }
    assert!(counts.iter().all(|count| *count > 100), "all outcomes were tried: {counts:?}");
}
