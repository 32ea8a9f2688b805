//! [`Sums`]: the lines of a `SHA256SUMS`, as `sha256sum` of GNU coreutils writes and checks them: 64 hexadecimal
//! digits, two spaces, the path.
//!
//! It refuses lines of any other form, each by its number, and a path with two sums: a damaged page of sums would
//! otherwise be written on as if it were right.

use std::collections::BTreeMap;

use ocelet_oci::Digest;

use super::path;

/// Sums by path.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Sums {
    lines: BTreeMap<String, Digest>,
}

/// A line of a `SHA256SUMS` that is not one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SumsProblem {
    /// The line, counted from one.
    pub line: usize,
    /// What is wrong with it.
    pub what: String,
}

impl Sums {
    /// Reads a page; all lines that are wrong at once.
    pub(super) fn read(page: &[u8]) -> Result<Self, Vec<SumsProblem>> {
        let mut sums = Self::default();
        let mut problems = Vec::new();
        let mut rest = page;
        let mut number = 0;
        while !rest.is_empty() {
            number += 1;
            let end = rest.iter().position(|byte| *byte == b'\n');
            let (line, next) = end.map_or((rest, &[][..]), |end| (&rest[..end], &rest[end + 1..]));
            rest = next;
            let read = match end {
                None => Err("it does not end: the file is cut off".to_owned()),
                Some(_) => read_line(line),
            };
            let what = match read {
                Err(what) => Some(what),
                Ok((path, digest)) => {
                    let known = *sums.lines.entry(path.to_owned()).or_insert(digest);
                    (known != digest)
                        .then(|| format!("{path} has two sums: {} and {}", known.hex(), digest.hex()))
                }
            };
            problems.extend(what.map(|what| SumsProblem { line: number, what }));
        }
        if problems.is_empty() { Ok(sums) } else { Err(problems) }
    }

    /// Notes the sum of a file, instead of what was noted before.
    pub(super) fn set(&mut self, path: &str, digest: Digest) {
        self.lines.insert(path.to_owned(), digest);
    }

    /// The sum of a file, where it is named.
    pub(super) fn get(&self, path: &str) -> Option<Digest> {
        self.lines.get(path).copied()
    }

    /// How many files are named.
    pub(super) fn count(&self) -> usize {
        self.lines.len()
    }

    /// The page, sorted by path.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        for (path, digest) in &self.lines {
            text.push_str(&digest.hex());
            text.push_str("  ");
            text.push_str(path);
            text.push('\n');
        }
        text
    }
}

fn read_line(line: &[u8]) -> Result<(&str, Digest), String> {
    let text = std::str::from_utf8(line).map_err(|_| "it is not UTF-8".to_owned())?;
    let wanted = "wanted 64 hexadecimal digits, two spaces and a path";
    let (hex, path) =
        text.split_once("  ").ok_or_else(|| format!("{wanted}, got \"{}\"", shortened(text)))?;
    let digest =
        Digest::from_hex(hex).ok_or_else(|| format!("{wanted}, got the digits \"{}\"", shortened(hex)))?;
    path::check(path).map_err(|why| format!("\"{}\" is no path of a mirror: {why}", shortened(path)))?;
    Ok((path, digest))
}

/// Enough to recognise it, with nothing in it that a terminal would obey.
fn shortened(text: &str) -> String {
    text.chars().take(80).flat_map(char::escape_debug).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(byte: u8, path: &str) -> String {
        format!("{}  {path}\n", Digest::of(&[byte]).hex())
    }

    #[test]
    fn what_is_written_is_read_back_sorted() {
        let mut sums = Sums::default();
        for (path, byte) in [("b/x", 1), ("a b", 2), ("b", 3), ("b/x", 4)] {
            sums.set(path, Digest::of(&[byte]));
        }
        let text = sums.text();
        assert_eq!(text, [line(2, "a b"), line(3, "b"), line(4, "b/x")].concat());
        assert_eq!(Sums::read(text.as_bytes()), Ok(sums));
        assert_eq!(Sums::read(b""), Ok(Sums::default()));
    }

    #[test]
    fn what_is_damaged_is_refused_by_line() {
        let good = line(1, "a");
        for (page, number, want) in [
            (good.trim_end().to_owned(), 1, "cut off"),
            (format!("{good}\n"), 2, "two spaces"),
            (format!("{good}{good}0{good}"), 3, "hexadecimal"),
            (good.replace("  ", " "), 1, "two spaces"),
            (good.replace("  ", " *"), 1, "two spaces"),
            (good.to_uppercase(), 1, "hexadecimal"),
            (line(1, "../a"), 1, "no path"),
            (line(1, "SHA256SUMS"), 1, "no path"),
            (format!("{good}{}", line(2, "a")), 2, "two sums"),
        ] {
            let problems = Sums::read(page.as_bytes()).expect_err(want);
            assert_eq!(problems.len(), 1, "{problems:?}");
            assert_eq!(problems[0].line, number, "{problems:?}");
            assert!(problems[0].what.contains(want), "{problems:?}");
        }
        let problems = Sums::read(b"x\n\xff\ny").expect_err("three lines");
        assert_eq!(problems.iter().map(|problem| problem.line).collect::<Vec<_>>(), [1, 2, 3]);
    }
}
