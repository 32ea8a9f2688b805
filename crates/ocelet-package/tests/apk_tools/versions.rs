//! `version.data`: comparisons `A < B`, matches `A ~ B` and `A !~ B`, and, from apk-tools 3 on, valid and `!`invalid versions.

use std::cmp::Ordering;

use ocelet_package::apk::{Dependency, Version, compare_versions};

use crate::{files, read, tables};

#[test]
fn published_versions_compare_as_published() {
    let Some(directory) = tables() else { return };
    let tables = files(&directory, "data");
    let path = tables.get("version").expect("a table version.data");
    let text = read(path);
    let mut wrong = Vec::new();
    let mut lines = 0;
    for line in text.lines().map(|line| line.split('#').next().unwrap_or("").trim()) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let agrees = match words[..] {
            [] => continue,
            [left, operator, right] => compares(left, operator, right),
            [version] => match version.strip_prefix('!') {
                Some(invalid) => Version::new(invalid).is_err(),
                None => Version::new(version).is_ok(),
            },
            _ => panic!("a line of no known form: {line}"),
        };
        lines += 1;
        if !agrees {
            wrong.push(line);
        }
    }
    println!("{} of {lines} published version facts agree", lines - wrong.len());
    assert!(wrong.is_empty(), "{wrong:#?}");
}

fn compares(left: &str, operator: &str, right: &str) -> bool {
    let (negated, operator) = match operator.strip_prefix('!') {
        Some(rest) => (true, rest),
        None => (false, operator),
    };
    let holds = match operator {
        "<" => compare_versions(left, right) == Ordering::Less,
        "=" => compare_versions(left, right) == Ordering::Equal,
        ">" => compare_versions(left, right) == Ordering::Greater,
        _ => {
            let text = format!("x{operator}{right}");
            Dependency::parse(&text).expect("an operator and a version").accepts(Some(left))
        }
    };
    holds != negated
}
