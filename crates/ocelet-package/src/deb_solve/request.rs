//! [`Request`]: what there is, what is wanted, and what is preferred; [`Root`]: one wish, as people write it.

use std::collections::BTreeSet;
use std::fmt;

use crate::deb::{
    Alternatives, Constraint, Index, Operator, Relation, RelationError, RelationKind, Relations, Version,
    VersionError,
};

/// The priority of an index that nothing is said about, as in `apt_preferences(5)`.
pub const DEFAULT_PRIORITY: i32 = 500;

/// Everything that a choice of packages depends on.
#[derive(Debug, Clone, Default)]
pub struct Request<'text> {
    /// The indexes; of two equal versions with the same priority that of the earlier index is taken.
    pub indexes: Vec<Listed<'text>>,
    /// Exceptions from the priorities of the indexes; the first that fits a package counts.
    pub pins: Vec<Pin<'text>>,
    /// The architecture whose packages run, such as `amd64`, besides `all`. Others are left out.
    pub architecture: &'text str,
    /// What must be there.
    pub roots: Vec<Root<'text>>,
    /// Name and version of packages that are kept where an index still has them and they will do, as a lock wants
    /// it. They are not added by themselves.
    pub locked: Vec<(&'text str, &'text str)>,
    /// Names whose locked version is not kept.
    pub update: BTreeSet<&'text str>,
    /// Whether what is recommended is added where it can be.
    pub recommends: bool,
}

/// One index.
#[derive(Debug, Clone, Copy)]
pub struct Listed<'text> {
    /// What it offers.
    pub index: &'text Index,
    /// The higher, the more its versions are preferred, whatever their numbers; below 0 they are never taken.
    pub priority: i32,
}

/// A priority of its own for some versions of a package.
#[derive(Debug, Clone, Copy)]
pub struct Pin<'text> {
    /// The name of the package.
    pub name: &'text str,
    /// The only index that it is about, by its place in the request.
    pub index: Option<usize>,
    /// The only version that it is about.
    pub version: Option<&'text str>,
    /// The priority.
    pub priority: i32,
}

/// One wish: relations of which one must be met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Root<'text> {
    alternatives: Alternatives<'text>,
}

/// Why a text is not a wish.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{}\" is not a package to ask for: {fault}; wanted NAME, NAME=VERSION, NAME>=VERSION or several with | between them", text.escape_debug())]
pub struct RootError {
    /// The text as it was given: its beginning.
    pub text: String,
    /// What is wrong with it.
    pub fault: RootFault,
}

/// What is wrong with a wish.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RootFault {
    /// No name, or one that no package can have.
    #[error("{0}")]
    Name(RelationError),
    /// A version that is none.
    #[error("{0}")]
    Version(VersionError),
    /// Nothing at all.
    #[error("it is empty")]
    Empty,
}

/// Operators as they are written in a wish; the longer ones first.
const OPERATORS: [(&str, Operator); 5] = [
    ("<<", Operator::Earlier),
    ("<=", Operator::AtMost),
    (">>", Operator::Later),
    (">=", Operator::AtLeast),
    ("=", Operator::Equal),
];

impl<'text> Root<'text> {
    /// Reads a wish: `runc`, `runc=1.1.5+ds1-1`, `runc>=1.1`, `runc (>= 1.1)`, `mawk | gawk`.
    ///
    /// # Errors
    /// See [`RootFault`].
    pub fn parse(text: &'text str) -> Result<Self, RootError> {
        let refused = |fault| RootError { text: text.chars().take(120).collect(), fault };
        let alternatives: Result<Vec<_>, _> = text.split('|').map(|part| relation(part.trim())).collect();
        Ok(Self { alternatives: alternatives.map_err(refused)? })
    }

    /// The relations of which one must be met, the first one preferred; never empty.
    pub fn alternatives(&self) -> &[Relation<'text>] {
        &self.alternatives
    }
}

fn relation(text: &str) -> Result<Relation<'_>, RootFault> {
    let operator = OPERATORS.iter().filter_map(|(sign, operator)| Some((text.find(sign)?, *sign, *operator)));
    // The first sign in the text; of two at the same place the longer one, which comes first.
    let operator = operator.min_by_key(|(at, ..)| *at);
    let name = operator.map_or(text, |(at, ..)| text[..at].trim_end().trim_end_matches('(').trim_end());
    let read = Relations::new(RelationKind::Depends, name).groups().next().ok_or(RootFault::Empty)?;
    let mut read = read.map_err(RootFault::Name)?.into_iter().next().ok_or(RootFault::Empty)?;
    if let Some((at, sign, operator)) = operator {
        let version = text[at + sign.len()..].trim().trim_end_matches(')').trim_end();
        let version = Version::new(version).map_err(RootFault::Version)?;
        read.constraint = Some(Constraint { operator, version });
    }
    Ok(read)
}

impl fmt::Display for Root<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&group_text(&self.alternatives))
    }
}

/// Alternatives as they are written in fields.
pub(super) fn group_text(alternatives: &[Relation<'_>]) -> String {
    alternatives.iter().map(ToString::to_string).collect::<Vec<_>>().join(" | ")
}

impl<'text> Listed<'text> {
    /// An index of the usual priority.
    pub fn new(index: &'text Index) -> Self {
        Self { index, priority: DEFAULT_PRIORITY }
    }
}

impl Request<'_> {
    /// The priority of a package of an index.
    pub(super) fn priority(&self, index: usize, name: &str, version: &str) -> i32 {
        let fits = |pin: &&Pin<'_>| {
            pin.name == name
                && pin.index.is_none_or(|other| other == index)
                && pin.version.is_none_or(|wanted| wanted == version)
        };
        let listed = self.indexes.get(index).map_or(DEFAULT_PRIORITY, |listed| listed.priority);
        self.pins.iter().find(fits).map_or(listed, |pin| pin.priority)
    }
}
