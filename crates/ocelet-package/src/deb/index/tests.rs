//! Indexes as text: what is read, and that all problems are told.

use super::*;

fn record(name: &str, version: &str) -> String {
    format!(
        "Package: {name}\nVersion: {version}\nArchitecture: all\nFilename: pool/{name}.deb\nSize: 1\nSHA256: {}\n",
        "0".repeat(64)
    )
}

#[test]
fn packages_are_found_by_name() {
    let text = [record("a", "1"), record("ab", "2"), record("a", "3")].join("\n");
    let index = Index::parse(text.as_str()).expect("an index");
    let versions = |name: &str| index.named(name).map(|package| package.version_text).collect::<Vec<_>>();
    assert_eq!((index.len(), index.is_empty()), (3, false));
    assert_eq!((versions("a"), versions("ab"), versions("b")), (vec!["1", "3"], vec!["2"], vec![]));
    assert_eq!(index.packages().map(|package| package.name).collect::<Vec<_>>(), ["a", "ab", "a"]);
    assert_eq!(index.paragraphs().collect::<Vec<_>>().join("\n"), text);
    assert!(Index::parse("").expect("an index of nothing").is_empty());
}

#[test]
fn all_problems_are_told() {
    let text = [
        "Package: a\nVersion: 1\n".to_owned(),
        record("b", "1").replace("Size: 1\n", ""),
        record("c", "1").replace("Filename: pool/c.deb\n", ""),
        record("d", "1").replace("SHA256", "SHA1"),
        record("e", "1").replace("Size: 1", "Size: x"),
        "broken".to_owned(),
        record("f/", "1"),
    ]
    .join("\n");
    let problems = Index::parse(text).expect_err("malformed").problems;
    let texts: Vec<String> = problems.iter().map(ToString::to_string).collect();
    for (text, want) in texts.iter().zip([
        "line 1 has no field Architecture",
        "package b at line 4 has no Size",
        "package c at line 10 has no Filename",
        "package d at line 16 has no SHA256",
        "Size is \"x\"",
        "\"broken\" is not a field",
    ]) {
        assert!(text.contains(want), "{text}: wanted {want}");
    }
    assert_eq!(problems.len(), 6, "what follows a line that is no field is not read");
    let many = vec!["Package: a\n"; 30].join("\n");
    assert_eq!(Index::parse(many).expect_err("malformed").problems.len(), MOST_PROBLEMS);
    let error = Index::from_bytes(b"A: \xff".to_vec()).expect_err("no text");
    assert!(error.to_string().contains("byte 3 is not UTF-8"), "{error}");
}
