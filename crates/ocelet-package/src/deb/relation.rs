//! [`Relations`]: the value of `Depends` and its like, by deb-control(5), deb-src-control(5) and Debian policy
//! chapter 7.
//!
//! ```text
//! relations    = group {"," group}        group = relation {"|" relation}
//! relation     = name [":" qualifier] ["(" operator version ")"] ["[" architectures "]"] {"<" profiles ">"}
//! ```
//!
//! What stands in brackets and angles belongs to the relations of source packages and is refused elsewhere, as dpkg
//! does; so are alternatives in fields that cannot have them, `Provides` with another operator than `=`, and
//! substitution variables, which are only ever left over by mistake.

mod read;

use std::fmt;

use super::version::{Version, VersionError};

/// A field of relations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RelationKind {
    /// What must be configured before this package is unpacked.
    PreDepends,
    /// What must be configured before this package is.
    Depends,
    /// What is found together with it in all but unusual installations.
    Recommends,
    /// What is of use with it.
    Suggests,
    /// What it is of use with.
    Enhances,
    /// What must not be configured while it is unpacked.
    Breaks,
    /// What must not be unpacked while it is.
    Conflicts,
    /// Whose files it may overwrite; whom it takes the place of, where it conflicts as well.
    Replaces,
    /// Other names that it goes by.
    Provides,
    /// A field of build dependencies of a source package.
    Build,
}

/// The value of one field of relations, which is read as it is walked through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Relations<'text> {
    kind: RelationKind,
    text: &'text str,
}

/// Relations of which one will do. Never empty.
pub type Alternatives<'text> = Vec<Relation<'text>>;

/// One relation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relation<'text> {
    /// The name of a package, or of something that packages provide.
    pub name: &'text str,
    /// Of which architecture it must be; where nothing is said, that depends on the field and on `Multi-Arch`.
    pub qualifier: Option<Qualifier<'text>>,
    /// Which versions will do; all of them without a constraint.
    pub constraint: Option<Constraint<'text>>,
    /// For which architectures the relation counts; all of them where nothing is said. Build relations only.
    pub architectures: Vec<Condition<'text>>,
    /// With which build profiles the relation counts: with those of any of the lists, of which each needs all of its
    /// terms. Build relations only.
    pub profiles: Vec<Vec<Condition<'text>>>,
}

/// The architecture behind the colon of a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Qualifier<'text> {
    /// `:any`: of any one, where the package is `Multi-Arch: allowed`.
    Any,
    /// `:native`: of the machine that builds. Build relations only.
    Native,
    /// This very one.
    Architecture(&'text str),
}

/// An operator and the version to compare with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Constraint<'text> {
    /// Which outcomes of the comparison will do.
    pub operator: Operator,
    /// The version.
    pub version: Version<'text>,
}

/// How a version must stand to another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operator {
    /// `<<`: earlier.
    Earlier,
    /// `<=`, and `<`, which means the same and is obsolete: earlier or equal.
    AtMost,
    /// `=`: equal.
    Equal,
    /// `>=`, and `>`, which means the same and is obsolete: later or equal.
    AtLeast,
    /// `>>`: later.
    Later,
}

/// A word that must, or with `!` must not, be the case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Condition<'text> {
    /// Whether it begins with `!`.
    pub negated: bool,
    /// The architecture, a pattern of architectures such as `linux-any`, or the build profile.
    pub word: &'text str,
}

/// Why a text is not a relation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind}: \"{}\" is not a relation: {fault}", text.escape_debug())]
pub struct RelationError {
    /// The field.
    pub kind: RelationKind,
    /// The group with the fault: its beginning.
    pub text: String,
    /// What is wrong with it.
    pub fault: RelationFault,
}

/// What is wrong with a relation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RelationFault {
    /// Nothing where a name is wanted.
    #[error("it has no name")]
    NoName,
    /// A name that no package can have.
    #[error(
        "{0:?} cannot be the name of a package, which is letters, digits and -+._, and begins with a letter or digit"
    )]
    Name(String),
    /// Something behind the colon that is no architecture.
    #[error("{0:?} behind the colon is not an architecture")]
    Qualifier(String),
    /// A parenthesis, bracket or angle that is not closed.
    #[error("the {0:?} is not closed")]
    Open(char),
    /// No operator in the parentheses.
    #[error("{0:?} does not begin with one of << <= = >= >>")]
    Operator(String),
    /// A version that is none.
    #[error(transparent)]
    Version(#[from] VersionError),
    /// Something behind the end.
    #[error("{0:?} stands where the relation should end; several relations are kept apart with commas")]
    After(String),
    /// `${…}`.
    #[error("it has a substitution variable, which should have been replaced when the package was built")]
    Variable,
    /// `[…]`, `<…>` or `:native` in the field of a binary package.
    #[error("{0} may only stand in the relations of source packages")]
    SourceOnly(&'static str),
    /// `|` where there can be none.
    #[error("this field has no alternatives")]
    Alternatives,
    /// `Provides` of anything but one version.
    #[error("only \"=\" may stand before a version that is provided")]
    Provides,
    /// An empty list.
    #[error("the {0:?} holds nothing")]
    Empty(char),
}

impl RelationKind {
    /// The kinds that binary packages have, in the order in which dpkg writes them.
    pub const BINARY: [Self; 9] = [
        Self::Replaces,
        Self::Provides,
        Self::Depends,
        Self::PreDepends,
        Self::Recommends,
        Self::Suggests,
        Self::Breaks,
        Self::Conflicts,
        Self::Enhances,
    ];

    /// The name of the field.
    pub fn name(self) -> &'static str {
        match self {
            Self::PreDepends => "Pre-Depends",
            Self::Depends => "Depends",
            Self::Recommends => "Recommends",
            Self::Suggests => "Suggests",
            Self::Enhances => "Enhances",
            Self::Breaks => "Breaks",
            Self::Conflicts => "Conflicts",
            Self::Replaces => "Replaces",
            Self::Provides => "Provides",
            Self::Build => "Build-Depends",
        }
    }

    fn has_alternatives(self) -> bool {
        !matches!(self, Self::Breaks | Self::Conflicts | Self::Replaces | Self::Provides)
    }
}

impl<'text> Relations<'text> {
    /// The relations of a field's value.
    pub fn new(kind: RelationKind, text: &'text str) -> Self {
        Self { kind, text }
    }

    /// The field.
    pub fn kind(&self) -> RelationKind {
        self.kind
    }

    /// The value as it is written.
    pub fn as_str(&self) -> &'text str {
        self.text
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.groups().next().is_none()
    }

    /// The groups, all of which must hold. A comma too many is no group, as in dpkg.
    pub fn groups(&self) -> impl Iterator<Item = Result<Alternatives<'text>, RelationError>> + use<'text> {
        let kind = self.kind;
        let groups = self.text.split(',').map(str::trim).filter(|group| !group.is_empty());
        groups.map(move |group| read::alternatives(kind, group))
    }

    /// The relations without regard to groups: for fields that have no alternatives.
    pub fn each(&self) -> impl Iterator<Item = Result<Relation<'text>, RelationError>> + use<'text> {
        self.groups().flat_map(|group| match group {
            Ok(relations) => relations.into_iter().map(Ok).collect(),
            Err(error) => vec![Err(error)],
        })
    }
}

impl Operator {
    /// Whether `version` stands in this relation to `wanted`.
    pub fn accepts(self, version: &Version<'_>, wanted: &Version<'_>) -> bool {
        let order = version.cmp(wanted);
        match self {
            Self::Earlier => order.is_lt(),
            Self::AtMost => order.is_le(),
            Self::Equal => order.is_eq(),
            Self::AtLeast => order.is_ge(),
            Self::Later => order.is_gt(),
        }
    }
}

impl Relation<'_> {
    /// Whether a package of this version will do, the name and the architecture aside.
    pub fn accepts(&self, version: &Version<'_>) -> bool {
        self.constraint.is_none_or(|constraint| constraint.operator.accepts(version, &constraint.version))
    }

    /// Whether a provided name will do: one without a version answers no relation with one (policy 7.5).
    pub fn accepts_provided(&self, version: Option<&Version<'_>>) -> bool {
        version.map_or(self.constraint.is_none(), |version| self.accepts(version))
    }
}

impl fmt::Display for RelationKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl fmt::Display for Operator {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Earlier => "<<",
            Self::AtMost => "<=",
            Self::Equal => "=",
            Self::AtLeast => ">=",
            Self::Later => ">>",
        })
    }
}

impl fmt::Display for Qualifier<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Any => "any",
            Self::Native => "native",
            Self::Architecture(name) => name,
        })
    }
}

impl fmt::Display for Condition<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}{}", if self.negated { "!" } else { "" }, self.word)
    }
}

impl fmt::Display for Relation<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = |conditions: &[Condition<'_>]| {
            conditions.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
        };
        formatter.write_str(self.name)?;
        if let Some(qualifier) = self.qualifier {
            write!(formatter, ":{qualifier}")?;
        }
        if let Some(Constraint { operator, version }) = self.constraint {
            write!(formatter, " ({operator} {version})")?;
        }
        if !self.architectures.is_empty() {
            write!(formatter, " [{}]", words(&self.architectures))?;
        }
        for profiles in &self.profiles {
            write!(formatter, " <{}>", words(profiles))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
