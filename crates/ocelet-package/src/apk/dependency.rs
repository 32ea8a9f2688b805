//! [`Dependency`]: one term of `D:`, `p:`, `i:`, `r:` or of a wish.
//!
//! The grammar is `[!]name[@tag][operator version]` (apk-package(5), apk-world(5)). A name may begin with a
//! prefix (`so:`, `cmd:`, `pc:`, `py3.11:`) or be a path; all of them are plain names to apk. It refuses a term without a
//! name, an operator without a valid version, and a tag where none is allowed.

use std::cmp::Ordering;
use std::fmt;

use super::version::{Version, VersionError, compare_beginning, compare_versions};

/// One term: a name, perhaps with a repository tag and a constraint on the version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dependency<'text> {
    /// Whether the term begins with `!`: what it describes must be absent.
    pub conflict: bool,
    /// The name of a package or of something that packages provide.
    pub name: &'text str,
    /// The tag of the repositories that may serve it besides the untagged ones.
    pub tag: Option<&'text str>,
    /// Which versions will do; all of them without a constraint.
    pub constraint: Option<Constraint<'text>>,
}

/// An operator and the version to compare with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Constraint<'text> {
    /// Which outcomes of the comparison will do.
    pub operator: Operator,
    /// The version, or for [`Operator::CHECKSUM`] the identity of one package.
    pub version: &'text str,
}

/// Which outcomes of a comparison of versions are accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Operator(u8);

/// Why a text is not a dependency.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DependencyError {
    /// Nothing stands before the operator, or after the `!`.
    #[error("dependency \"{text}\" has no name; wanted [!]name[@tag][operator version]")]
    NoName {
        /// The term as it was given.
        text: String,
    },
    /// An operator without a version.
    #[error("dependency \"{text}\" has an operator without a version after it")]
    NoVersion {
        /// The term as it was given.
        text: String,
    },
    /// A version that does not follow the grammar.
    #[error("dependency \"{text}\": {source}{}", if text.matches(['<', '>', '=', '~']).count() > 2 { "; several constraints are several dependencies, such as \"name>1 name<2\"" } else { "" })]
    BadVersion {
        /// The term as it was given.
        text: String,
        /// What is wrong with the version.
        source: VersionError,
    },
    /// An `@` without a tag after it.
    #[error("dependency \"{text}\" has \"@\" without the tag of a repository after it")]
    NoTag {
        /// The term as it was given.
        text: String,
    },
    /// A tag in the dependencies of a package: only wishes have tags.
    #[error("dependency \"{text}\" of a package names the repository tag \"{tag}\"; only a wish may")]
    TagNotAllowed {
        /// The term as it was given.
        text: String,
        /// The tag.
        tag: String,
    },
    /// White space within one term.
    #[error("\"{text}\" is several dependencies; give them one by one")]
    Several {
        /// The text as it was given.
        text: String,
    },
}

impl Operator {
    const EQUAL_BIT: u8 = 1;
    const LESS_BIT: u8 = 2;
    const GREATER_BIT: u8 = 4;
    const BEGINNING_BIT: u8 = 8;

    /// `=`: this very version.
    pub const EQUAL: Self = Self(Self::EQUAL_BIT);
    /// `<`: older.
    pub const LESS: Self = Self(Self::LESS_BIT);
    /// `<=`: this one or older.
    pub const AT_MOST: Self = Self(Self::LESS_BIT | Self::EQUAL_BIT);
    /// `>`: newer.
    pub const GREATER: Self = Self(Self::GREATER_BIT);
    /// `>=`: this one or newer.
    pub const AT_LEAST: Self = Self(Self::GREATER_BIT | Self::EQUAL_BIT);
    /// `~`: one that begins with it; also written `=~` and `~=`.
    pub const BEGINS: Self = Self(Self::EQUAL_BIT | Self::BEGINNING_BIT);
    /// `<~`: one that begins with it, or older.
    pub const BEGINS_OR_LESS: Self = Self(Self::EQUAL_BIT | Self::LESS_BIT | Self::BEGINNING_BIT);
    /// `>~`: one that begins with it, or newer.
    pub const BEGINS_OR_GREATER: Self = Self(Self::EQUAL_BIT | Self::GREATER_BIT | Self::BEGINNING_BIT);
    /// `><`: the package with this identity.
    pub const CHECKSUM: Self = Self(Self::LESS_BIT | Self::GREATER_BIT);
    /// No constraint.
    pub(super) const ANY: Self = Self(Self::EQUAL_BIT | Self::LESS_BIT | Self::GREATER_BIT);

    /// The operator that these characters make; their order does not matter to apk.
    fn of(characters: &str) -> Self {
        Self(characters.bytes().fold(0, |bits, byte| {
            bits | match byte {
                b'<' => Self::LESS_BIT,
                b'>' => Self::GREATER_BIT,
                b'=' => Self::EQUAL_BIT,
                _ => Self::EQUAL_BIT | Self::BEGINNING_BIT,
            }
        }))
    }

    /// Whether `version` stands in this relation to `wanted`. [`Operator::CHECKSUM`] compares no versions: as
    /// a relation of versions it means "another one".
    pub fn accepts(self, version: &str, wanted: &str) -> bool {
        if self.0 & Self::ANY.0 == Self::ANY.0 {
            return true;
        }
        let order = if self.0 & Self::BEGINNING_BIT == 0 {
            compare_versions(version, wanted)
        } else {
            compare_beginning(version, wanted)
        };
        let bit = match order {
            Ordering::Less => Self::LESS_BIT,
            Ordering::Equal => Self::EQUAL_BIT,
            Ordering::Greater => Self::GREATER_BIT,
        };
        self.0 & bit != 0
    }

    /// The weight by which apk sorts the constraints of one package in its messages (`enum` of `apk_version.h`).
    pub(super) fn weight(self) -> u8 {
        self.0
    }
}

impl fmt::Display for Operator {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match *self {
            Self::EQUAL => "=",
            Self::LESS => "<",
            Self::AT_MOST => "<=",
            Self::GREATER => ">",
            Self::AT_LEAST => ">=",
            Self::BEGINS => "~",
            Self::BEGINS_OR_LESS => "<~",
            Self::BEGINS_OR_GREATER => ">~",
            Self::CHECKSUM => "><",
            // What is left accepts everything, in one of two spellings.
            Self::ANY => "<=>",
            _ => "<~>",
        })
    }
}

impl<'text> Dependency<'text> {
    /// Reads a wish: one term, which may have a tag.
    ///
    /// # Errors
    /// See [`DependencyError`].
    pub fn parse(text: &'text str) -> Result<Self, DependencyError> {
        if text.contains(char::is_whitespace) {
            return Err(DependencyError::Several { text: text.to_owned() });
        }
        let term = Self::split(text)?;
        if let Some(Constraint { operator, version }) = term.constraint
            && operator != Operator::CHECKSUM
        {
            Version::new(version)
                .map_err(|source| DependencyError::BadVersion { text: text.to_owned(), source })?;
        }
        Ok(term)
    }

    /// Reads one term of a package: no tag.
    ///
    /// # Errors
    /// See [`DependencyError`].
    pub fn parse_of_package(text: &'text str) -> Result<Self, DependencyError> {
        let term = Self::parse(text)?;
        match term.tag {
            None => Ok(term),
            Some(tag) => Err(DependencyError::TagNotAllowed { text: text.to_owned(), tag: tag.to_owned() }),
        }
    }

    /// The parts of a term, without a look at the version.
    fn split(text: &'text str) -> Result<Self, DependencyError> {
        let (conflict, term) = match text.strip_prefix('!') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let is_operator = |byte: &u8| matches!(byte, b'<' | b'>' | b'=' | b'~');
        let bytes = term.as_bytes();
        let end = bytes.iter().position(is_operator).unwrap_or(bytes.len());
        let length = bytes[end..].iter().take_while(|byte| is_operator(byte)).count();
        let (named, operator, version) = (&term[..end], &term[end..end + length], &term[end + length..]);
        let (name, tag) = match named.split_once('@') {
            Some((name, tag)) => (name, Some(tag)),
            None => (named, None),
        };
        if name.is_empty() {
            return Err(DependencyError::NoName { text: text.to_owned() });
        }
        if tag == Some("") {
            return Err(DependencyError::NoTag { text: text.to_owned() });
        }
        if !operator.is_empty() && version.is_empty() {
            return Err(DependencyError::NoVersion { text: text.to_owned() });
        }
        let constraint =
            (!operator.is_empty()).then(|| Constraint { operator: Operator::of(operator), version });
        Ok(Self { conflict, name, tag, constraint })
    }

    /// Whether something that provides the name with this version, or without any, satisfies the term;
    /// nothing is said about checksums. A version is not compared with none: both will do for each other.
    pub fn accepts(&self, version: Option<&str>) -> bool {
        let fits = match (self.constraint, version) {
            (Some(constraint), Some(version)) => constraint.operator.accepts(version, constraint.version),
            _ => true,
        };
        fits != self.conflict
    }
}

impl fmt::Display for Dependency<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.conflict {
            formatter.write_str("!")?;
        }
        formatter.write_str(self.name)?;
        if let Some(tag) = self.tag {
            write!(formatter, "@{tag}")?;
        }
        match &self.constraint {
            Some(constraint) => write!(formatter, "{}{}", constraint.operator, constraint.version),
            None => Ok(()),
        }
    }
}

/// Terms separated by spaces, as an index holds them; read when asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DependencyList<'text>(&'text str);

impl<'text> DependencyList<'text> {
    /// The terms of this text.
    pub fn new(text: &'text str) -> Self {
        Self(text)
    }

    /// The text, as it stands in the index.
    pub fn as_str(self) -> &'text str {
        self.0
    }

    /// Whether there are no terms.
    pub fn is_empty(self) -> bool {
        self.terms().next().is_none()
    }

    /// Every term, read.
    pub fn iter(self) -> impl Iterator<Item = Result<Dependency<'text>, DependencyError>> {
        self.terms().map(Dependency::parse_of_package)
    }

    /// Every term as text.
    pub(super) fn terms(self) -> impl Iterator<Item = &'text str> {
        self.0.split([' ', '\n']).filter(|term| !term.is_empty())
    }
}

#[cfg(test)]
#[path = "dependency_tests.rs"]
mod tests;
