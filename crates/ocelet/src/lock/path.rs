//! [`mirror_path`]: where in a mirror a file lies, told by where it can be had upstream.
//!
//! `https://host:8080/a/b.apk` lies at `host+8080/a/b.apk`: the tree that a download of whole hosts makes, so that a
//! copy of one is a mirror. What lies beside a recipe is below `local/`. No path leaves the mirror, whatever an
//! address holds.

use std::fmt::Write as _;

use crate::recipe::Location;

/// A text that cannot be a place in a mirror.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{path}\" cannot be a place in a mirror: {why}")]
pub struct PathProblem {
    /// The text.
    pub path: String,
    /// What is wrong with it.
    pub why: &'static str,
}

/// Where a file lies in a mirror.
pub fn mirror_path(location: &Location) -> String {
    let (first, rest) = match location {
        Location::Path(path) => ("local".to_owned(), path.as_str()),
        Location::Url(url) => {
            let rest = url.split_once("://").map_or(url.as_str(), |(_, rest)| rest);
            let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
            (if host.is_empty() { "local".to_owned() } else { host.replace(':', "+") }, path)
        }
    };
    let mut path = component(&first);
    for one in rest.split('/').filter(|one| !one.is_empty() && *one != "." && *one != "..") {
        path.push('/');
        path.push_str(&component(one));
    }
    path
}

/// A component that every file system takes: what is unusual is escaped as in an address.
fn component(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        let is_plain = byte.is_ascii_alphanumeric() || b"._-+~=,@%:".contains(&byte) || !byte.is_ascii();
        if is_plain && byte.is_ascii() {
            out.push(char::from(byte));
        } else if byte != b'{' && byte != b'}' {
            // The braces around the name of a parameter say nothing here.
            write!(out, "%{byte:02X}").expect("a string takes all that is written to it");
        }
    }
    if out.trim_matches('.').is_empty() { out.replace('.', "%2E") } else { out }
}

/// Checks a path that was read.
pub(super) fn check(path: &str) -> Result<(), PathProblem> {
    let refuse = |why| Err(PathProblem { path: path.to_owned(), why });
    if path.is_empty() {
        return refuse("it is empty");
    }
    if path.contains(['\\', '\0']) || path.contains(char::is_control) {
        return refuse("it has a character that no path should have");
    }
    match path.split('/').find(|one| one.is_empty() || *one == "." || *one == "..") {
        Some("") => refuse("it has an empty component"),
        Some(_) => refuse("it has a component \".\" or \"..\""),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_location_has_one_place_below_the_mirror() {
        for (location, want) in [
            (
                "https://dl.example.org/alpine/v3.19/main/x86_64/musl-1.2.apk",
                "dl.example.org/alpine/v3.19/main/x86_64/musl-1.2.apk",
            ),
            ("http://127.0.0.1:8080/a//b/./c", "127.0.0.1+8080/a/b/c"),
            ("https://host/../../etc/passwd", "host/etc/passwd"),
            ("https://host/a?b=c&d", "host/a%3Fb=c%26d"),
            ("https://host/%2e%2e/x", "host/%2e%2e/x"),
            ("file:///srv/repo/x", "local/srv/repo/x"),
            ("../shared/main/x86_64/APKINDEX.tar.gz", "local/shared/main/x86_64/APKINDEX.tar.gz"),
            ("{repository}/main/a b.apk", "local/repository/main/a%20b.apk"),
            ("https://.../x", "%2E%2E%2E/x"),
            ("https://host", "host"),
        ] {
            let path = mirror_path(&Location::of(location.to_owned()));
            assert_eq!(path, want, "{location}");
            assert_eq!(check(&path), Ok(()), "{location}");
        }
    }

    #[test]
    fn paths_that_leave_a_mirror_are_refused() {
        for path in ["", "/etc/passwd", "a//b", "a/../b", "..", "a/.", "a\\b", "a\nb"] {
            assert!(check(path).is_err(), "{path:?}");
        }
    }
}
