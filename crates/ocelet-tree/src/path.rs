//! [`TreePath`] and [`Name`]: names inside a tree, as bytes.
//!
//! A path is held relative to the root of its tree, normalised, so that two spellings of one file compare
//! equal. It refuses what could leave the root (`..`), what no file system can hold (NUL, over-long names)
//! and nothing else: names are bytes, since Linux does not promise UTF-8.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

/// The longest path that Linux accepts in one system call (`PATH_MAX`, `linux/limits.h`), in bytes.
const LONGEST_PATH: usize = 4096;
/// The longest name of one file (`NAME_MAX`, `linux/limits.h`), in bytes.
const LONGEST_NAME: usize = 255;

/// A place in a tree: the root, or names joined by single slashes, none of them `.` or `..`.
///
/// The order is that of the bytes, so a directory always comes before what is in it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TreePath(Arc<[u8]>);

/// One name within a directory: not empty, not `.` or `..`, without slash or NUL, at most 255 bytes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(Arc<[u8]>);

/// Why some bytes are not a path inside a tree.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PathError {
    /// A `..` component: it could leave the root.
    #[error("path \"{}\" has a \"..\" component; paths in an image are absolute and stay below its root", .path.escape_ascii())]
    Climbs {
        /// The path as it was given.
        path: Vec<u8>,
    },
    /// A NUL byte, which no file system can store.
    #[error("path \"{}\" has a NUL byte", .path.escape_ascii())]
    Nul {
        /// The path as it was given.
        path: Vec<u8>,
    },
    /// A component longer than 255 bytes, or a path longer than 4,096.
    #[error("path \"{}…\" is too long: at most 255 bytes a name and 4096 a path", .path[..60.min(.path.len())].escape_ascii())]
    TooLong {
        /// The path as it was given.
        path: Vec<u8>,
    },
    /// A name where exactly one component was wanted.
    #[error("\"{}\" is not the name of one file", .name.escape_ascii())]
    NotAName {
        /// The name as it was given.
        name: Vec<u8>,
    },
}

impl TreePath {
    /// The root of the tree.
    pub fn root() -> Self {
        Self(Arc::from(&b""[..]))
    }

    /// Reads a path, absolute or relative to the root: `/usr/bin`, `usr//bin/` and `./usr/bin` are one place.
    ///
    /// # Errors
    /// A `..` component, a NUL byte, or a name or path too long for Linux.
    pub fn new(path: impl AsRef<[u8]>) -> Result<Self, PathError> {
        let path = path.as_ref();
        if path.contains(&0) {
            return Err(PathError::Nul { path: path.to_vec() });
        }
        let mut normal = Vec::with_capacity(path.len());
        for component in path.split(|byte| *byte == b'/') {
            match component {
                b"" | b"." => {}
                b".." => return Err(PathError::Climbs { path: path.to_vec() }),
                long if long.len() > LONGEST_NAME => {
                    return Err(PathError::TooLong { path: path.to_vec() });
                }
                name => {
                    if !normal.is_empty() {
                        normal.push(b'/');
                    }
                    normal.extend_from_slice(name);
                }
            }
        }
        if normal.len() >= LONGEST_PATH {
            return Err(PathError::TooLong { path: path.to_vec() });
        }
        Ok(Self(Arc::from(normal)))
    }

    /// Reads a path as it is displayed: the inverse of [`fmt::Display`], so that reports can name any file.
    ///
    /// # Errors
    /// As [`TreePath::new`]. A backslash that begins no escape stands for itself.
    pub fn from_readable(text: &str) -> Result<Self, PathError> {
        Self::new(read_readable(text))
    }

    /// The bytes, without a leading slash; empty for the root.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whether this is the root of the tree.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// The place of `name` in this directory.
    ///
    /// Total by design: a path that grows past Linux's limit is refused where it enters a [`crate::Tree`].
    #[must_use]
    pub fn join(&self, name: &Name) -> Self {
        if self.is_root() {
            return Self(Arc::clone(&name.0));
        }
        let mut joined = Vec::with_capacity(self.0.len() + 1 + name.0.len());
        joined.extend_from_slice(&self.0);
        joined.push(b'/');
        joined.extend_from_slice(&name.0);
        Self(Arc::from(joined))
    }

    /// This place with the components of `below` appended.
    #[must_use]
    pub fn descend(&self, below: &Self) -> Self {
        below.components().fold(self.clone(), |path, name| path.join(&name))
    }

    /// The directory that holds this place; nothing for the root.
    pub fn parent(&self) -> Option<Self> {
        if self.is_root() {
            return None;
        }
        match self.0.iter().rposition(|byte| *byte == b'/') {
            Some(slash) => Some(Self(Arc::from(&self.0[..slash]))),
            None => Some(Self::root()),
        }
    }

    /// The last component; nothing for the root.
    pub fn name(&self) -> Option<Name> {
        self.0
            .rsplit(|byte| *byte == b'/')
            .next()
            .filter(|name| !name.is_empty())
            .map(|name| Name(Arc::from(name)))
    }

    /// The components from the root downwards.
    pub fn components(&self) -> impl DoubleEndedIterator<Item = Name> + '_ {
        self.0.split(|byte| *byte == b'/').filter(|name| !name.is_empty()).map(|name| Name(Arc::from(name)))
    }

    /// Every directory above this place, shallowest first, without the root and without itself.
    pub fn ancestors(&self) -> impl Iterator<Item = Self> + '_ {
        self.0
            .iter()
            .enumerate()
            .filter(|(_, byte)| **byte == b'/')
            .map(|(slash, _)| Self(Arc::from(&self.0[..slash])))
    }

    /// What remains of this place below `directory`; nothing where it is not in it.
    pub fn below(&self, directory: &Self) -> Option<Self> {
        if directory.is_root() {
            return Some(self.clone());
        }
        let rest = self.0.strip_prefix(directory.as_bytes())?;
        match rest.first() {
            None => Some(Self::root()),
            Some(b'/') => Some(Self(Arc::from(&rest[1..]))),
            Some(_) => None,
        }
    }
}

impl Name {
    /// Reads one file name.
    ///
    /// # Errors
    /// An empty name, `.`, `..`, a slash, a NUL byte, or more than 255 bytes.
    pub fn new(name: impl AsRef<[u8]>) -> Result<Self, PathError> {
        let name = name.as_ref();
        if name.is_empty() || name == b"." || name == b".." || name.contains(&b'/') || name.contains(&0) {
            return Err(PathError::NotAName { name: name.to_vec() });
        }
        if name.len() > LONGEST_NAME {
            return Err(PathError::TooLong { path: name.to_vec() });
        }
        Ok(Self(Arc::from(name)))
    }

    /// The bytes of the name.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl Borrow<[u8]> for TreePath {
    fn borrow(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for TreePath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("/")?;
        write_readable(&self.0, formatter)
    }
}

impl fmt::Debug for TreePath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_readable(&self.0, formatter)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

/// Writes a name as text: UTF-8 as it is, every other byte and every control character as `\xNN`, and the
/// backslash doubled, so that two different names never read alike.
pub(crate) fn write_readable(bytes: &[u8], formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
    use fmt::Write;
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                '\\' => formatter.write_str("\\\\")?,
                control if control.is_control() => {
                    let mut encoded = [0; 4];
                    for byte in control.encode_utf8(&mut encoded).bytes() {
                        write!(formatter, "\\x{byte:02x}")?;
                    }
                }
                readable => formatter.write_char(readable)?,
            }
        }
        for byte in chunk.invalid() {
            write!(formatter, "\\x{byte:02x}")?;
        }
    }
    Ok(())
}

/// The bytes that [`write_readable`] has written as this text.
fn read_readable(text: &str) -> Vec<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let (byte, taken) = match (first, after) {
            (b'\\', [b'\\', ..]) => (b'\\', 2),
            (b'\\', [b'x', high, low, ..]) => match (digit(*high), digit(*low)) {
                (Some(high), Some(low)) => (high << 4 | low, 4),
                _ => (b'\\', 1),
            },
            _ => (*first, 1),
        };
        bytes.push(byte);
        rest = &rest[taken..];
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_place_has_one_spelling() {
        for (given, want) in [
            ("/", "/"),
            ("", "/"),
            (".", "/"),
            ("./a", "/a"),
            ("a/", "/a"),
            ("a//b", "/a/b"),
            ("/a/./b/", "/a/b"),
            ("a\\b", "/a\\\\b"),
            ("a\nb", "/a\\x0ab"),
        ] {
            assert_eq!(TreePath::new(given).expect(given).to_string(), want, "{given:?}");
        }
        assert_eq!(TreePath::new(b"caf\xe9").expect("bytes are names").to_string(), "/caf\\xe9");
    }

    #[test]
    fn what_is_shown_can_be_read_again() {
        for bytes in [
            &b"a/b"[..],
            b"caf\xe9",
            "caf\u{e9}".as_bytes(),
            b"a\\x41b",
            b"a\\\\b\nc",
            b"\xff\xfe/\x7f",
            b"",
            b"\\",
        ] {
            let path = TreePath::new(bytes).expect("bytes are names");
            assert_eq!(TreePath::from_readable(&path.to_string()), Ok(path.clone()), "{path}");
        }
        assert_eq!(TreePath::from_readable("/a\\xg0"), TreePath::new("/a\\xg0"), "no escape");
        assert!(TreePath::from_readable("/a/\\x2e\\x2e").is_err(), "an escape cannot climb");
    }

    #[test]
    fn a_path_cannot_escape() {
        let long = "x".repeat(256);
        for given in ["..", "/..", "a/../b", "a/..", "a\0b", long.as_str(), &"y/".repeat(2100)] {
            assert!(TreePath::new(given).is_err(), "{given:?}");
        }
        for given in ["", ".", "..", "a/b", "a\0", long.as_str()] {
            assert!(Name::new(given).is_err(), "{given:?}");
        }
    }

    #[test]
    fn parts_of_a_path() {
        let path = TreePath::new("/usr/lib/x").expect("a path");
        assert_eq!(path.parent().expect("a parent").to_string(), "/usr/lib");
        assert_eq!(path.name().expect("a name").to_string(), "x");
        let ancestors: Vec<String> = path.ancestors().map(|path| path.to_string()).collect();
        assert_eq!(ancestors, ["/usr", "/usr/lib"]);
        assert_eq!(path.below(&TreePath::new("usr").expect("a path")).expect("below").to_string(), "/lib/x");
        assert!(path.below(&TreePath::new("us").expect("a path")).is_none());
        assert!(TreePath::root().parent().is_none() && TreePath::root().name().is_none());
    }
}
