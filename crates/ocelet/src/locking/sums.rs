//! Files of sums, as releases have them beside their files: one digest alone, lines of `sha256sum`, or those of BSD's
//! `sha256`.
//!
//! Refused are files that say nothing of the wanted file, or two different things, and digests that are neither
//! SHA-256 nor SHA-512.

use std::fmt;

/// The most bytes of a file of sums.
pub(super) const MOST: u64 = 4 << 20;

/// A digest of a whole file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sum {
    /// SHA-256.
    Sha256([u8; 32]),
    /// SHA-512.
    Sha512([u8; 64]),
}

/// Why a file of sums does not help.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SumsError {
    /// It is not text.
    #[error("it is not text")]
    NotText,
    /// It has no line for the file.
    #[error("it has no SHA-256 or SHA-512 of \"{file}\"{}", names(.others))]
    NotListed {
        /// The file.
        file: String,
        /// Some files that it has sums of.
        others: Vec<String>,
    },
    /// It has two sums for the file.
    #[error("it has two different sums of \"{file}\"")]
    Contradiction {
        /// The file.
        file: String,
    },
}

/// The sum of `file`, a name without directories, in the text of a file of sums.
pub(super) fn find(text: &str, file: &str) -> Result<Sum, SumsError> {
    let mut found: Option<Sum> = None;
    let mut others = Vec::new();
    for (name, sum) in text.lines().filter_map(line) {
        match name {
            Some(name) if name.rsplit('/').next() != Some(file) => others.push(name.to_owned()),
            _ if found.is_some_and(|other| other != sum && same_kind(other, sum)) => {
                return Err(SumsError::Contradiction { file: file.to_owned() });
            }
            // A stronger digest beside a weaker one says no more than is needed.
            _ => found = found.or(Some(sum)),
        }
    }
    others.truncate(5);
    found.ok_or_else(|| SumsError::NotListed { file: file.to_owned(), others })
}

fn same_kind(one: Sum, other: Sum) -> bool {
    matches!((one, other), (Sum::Sha256(_), Sum::Sha256(_)) | (Sum::Sha512(_), Sum::Sha512(_)))
}

/// One line: the file it is about, if it says so, and the digest.
fn line(line: &str) -> Option<(Option<&str>, Sum)> {
    let line = line.trim();
    if let Some((head, digits)) = line.rsplit_once(" = ") {
        let (_, name) = head.split_once(" (")?;
        return Some((Some(name.strip_suffix(')')?), sum(digits)?));
    }
    match line.split_once([' ', '\t']) {
        None => Some((None, sum(line)?)),
        Some((digits, name)) => Some((Some(name.trim_start().trim_start_matches('*')), sum(digits)?)),
    }
}

/// A digest from hexadecimal digits; which one is told by how many there are.
fn sum(digits: &str) -> Option<Sum> {
    fn bytes<const N: usize>(digits: &str) -> Option<[u8; N]> {
        let mut bytes = [0; N];
        for (number, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(digits.get(2 * number..2 * number + 2)?, 16).ok()?;
        }
        Some(bytes)
    }
    let is_hex = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    match digits.len() {
        64 if is_hex => bytes(digits).map(Sum::Sha256),
        128 if is_hex => bytes(digits).map(Sum::Sha512),
        _ => None,
    }
}

fn names(others: &[String]) -> String {
    if others.is_empty() { String::new() } else { format!("; it is about {}", others.join(", ")) }
}

impl fmt::Display for Sum {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, bytes): (_, &[u8]) = match self {
            Self::Sha256(bytes) => ("sha256", bytes),
            Self::Sha512(bytes) => ("sha512", bytes),
        };
        write!(formatter, "{name} ")?;
        bytes.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_found_in_every_common_form() {
        let one = "aa".repeat(32);
        let two = "bb".repeat(32);
        let long = "cd".repeat(64);
        let sha256 = |byte| Ok(Sum::Sha256([byte; 32]));
        for (text, want) in [
            (one.clone(), sha256(0xaa)),
            (format!("{one}\n"), sha256(0xaa)),
            (format!("{one}  kubelet\n"), sha256(0xaa)),
            (format!("{one} *kubelet"), sha256(0xaa)),
            (format!("{one}\tdist/linux/kubelet"), sha256(0xaa)),
            (format!("SHA256 (kubelet) = {one}"), sha256(0xaa)),
            (format!("{two}  kubeadm\n{one}  ./kubelet\n"), sha256(0xaa)),
            (format!("{one}  kubelet\n{one}  kubelet\n"), sha256(0xaa)),
            (long.clone(), Ok(Sum::Sha512([0xcd; 64]))),
            (format!("{one}  kubelet\n{long}  kubelet\n"), sha256(0xaa)),
            (format!("{}  kubelet", one.to_uppercase()), sha256(0xaa)),
        ] {
            assert_eq!(find(&text, "kubelet"), want, "{text}");
        }
        let not_listed = |others: &[&str]| SumsError::NotListed {
            file: "kubelet".to_owned(),
            others: others.iter().map(ToString::to_string).collect(),
        };
        for (text, want) in [
            (String::new(), not_listed(&[])),
            ("<html>not found</html>".to_owned(), not_listed(&[])),
            (format!("{one}  kubelet.asc"), not_listed(&["kubelet.asc"])),
            ("abc  kubelet".to_owned(), not_listed(&[])),
            (format!("{}  kubelet", "a".repeat(40)), not_listed(&[])),
            (
                format!("{one}  kubelet\n{two}  kubelet"),
                SumsError::Contradiction { file: "kubelet".to_owned() },
            ),
        ] {
            assert_eq!(find(&text, "kubelet"), Err(want), "{text}");
        }
    }
}
