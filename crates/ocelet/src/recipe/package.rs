//! [`PackageTerm`]: a package as a recipe asks for it — `name`, `name@tag`, `name>=1.8`.
//!
//! The grammar is that of apk-world(5) of apk-tools, with versions of Debian where a source has its packages. Only its outline is checked here: a name, an operator that
//! exists, a version that begins like one; the package room knows the rest. It refuses `!name` and `><`: a
//! recipe says what is wanted, and for one very package the lock has a digest.

use std::fmt;

use super::fields::Text;
use super::names::{NameError, PackageName, RepositoryTag};
use super::problem::{Code, Findings};
use super::template::{Scope, expand_fixed};
use super::variables::Variables;

/// A package, or something that packages provide, and which of its versions will do.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PackageTerm {
    /// Its name.
    pub name: PackageName,
    /// The tag of the repositories that may serve it besides those without a tag.
    pub tag: Option<RepositoryTag>,
    /// Which versions will do; all of them where nothing is said.
    pub constraint: Option<Constraint>,
}

/// An operator and the version to compare with.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Constraint {
    operator: &'static str,
    version: String,
}

/// Whose versions may be meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Versions {
    /// Alpine's (apk-package(5)).
    Alpine,
    /// Debian's too (deb-version(7)): a number and a colon may stand before the rest.
    Debian,
}

/// A [`PackageTerm`] whose version is still a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) name: PackageName,
    pub(super) tag: Option<RepositoryTag>,
    pub(super) constraint: Option<AskedConstraint>,
}

/// A [`Constraint`] whose version is still a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct AskedConstraint {
    operator: &'static str,
    version: Text,
}

/// The operators as they may be written, and as they are called. apk does not mind the order of the characters.
const OPERATORS: &[(&str, &str)] = &[
    ("=", "="),
    ("<", "<"),
    ("<=", "<="),
    (">", ">"),
    (">=", ">="),
    ("~", "~"),
    ("<~", "<~"),
    (">~", ">~"),
    ("~=", "~"),
    ("=~", "~"),
    ("=<", "<="),
    ("=>", ">="),
];

const OPERATOR_CHARACTERS: [char; 4] = ['<', '>', '=', '~'];

impl Constraint {
    /// `=`, `<`, `<=`, `>`, `>=`, or with `~` for versions that begin alike `~`, `<~`, `>~`.
    pub fn operator(&self) -> &'static str {
        self.operator
    }

    /// The version to compare with.
    pub fn version(&self) -> &str {
        &self.version
    }
}

impl fmt::Display for Constraint {
    /// As apk takes it: `>=1.8`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}{}", self.operator, self.version)
    }
}

impl fmt::Display for PackageTerm {
    /// As apk takes it: `iptables@edge>=1.8`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.name)?;
        if let Some(tag) = &self.tag {
            write!(formatter, "@{tag}")?;
        }
        self.constraint.as_ref().map_or(Ok(()), |constraint| write!(formatter, "{constraint}"))
    }
}

/// Reads a wish for a package.
pub(super) fn asked(text: &Text, findings: &mut Findings<'_>) -> Option<Asked> {
    let value = text.value.as_str();
    if value.contains(char::is_whitespace) {
        // Parentheses are how Debian's own files write conditions.
        let together = value.split_whitespace().collect::<String>().replace(['(', ')'], "");
        findings
            .error(Code::InvalidValue, text.span, format!("the package \"{value}\" has a space in it"))
            .label(format!("write \"{together}\", or several packages one by one"));
        return None;
    }
    if value.starts_with('!') {
        let message = format!("\"{value}\" would rule a package out, which a flavor cannot");
        findings.error(Code::InvalidValue, text.span, message).label("leave out what brings it");
        return None;
    }
    let operator_at = value.find(OPERATOR_CHARACTERS).unwrap_or(value.len());
    let name_end = value[..operator_at].find('@').unwrap_or(operator_at);
    let name = named(PackageName::new(&value[..name_end]), text, findings);
    let tag = match value.get(name_end + 1..operator_at).filter(|_| name_end < operator_at) {
        Some(tag) => Some(named(RepositoryTag::new(tag), text, findings)?),
        None => None,
    };
    let constraint = if operator_at < value.len() {
        Some(constraint(&text.rest(operator_at), text, findings)?)
    } else {
        None
    };
    Some(Asked { name: name?, tag, constraint })
}

fn named<T>(name: Result<T, NameError>, text: &Text, findings: &mut Findings<'_>) -> Option<T> {
    name.map_err(|error| findings.error(Code::InvalidName, text.span, error.to_string()).code).ok()
}

/// Reads an operator and a version; `whole` is what they are written in.
pub(super) fn constraint(text: &Text, whole: &Text, findings: &mut Findings<'_>) -> Option<AskedConstraint> {
    let version_at =
        text.value.find(|other| !OPERATOR_CHARACTERS.contains(&other)).unwrap_or(text.value.len());
    let (written, version) = text.value.split_at(version_at);
    let Some((_, operator)) = OPERATORS.iter().find(|(known, _)| *known == written) else {
        let message = if written.is_empty() {
            format!("\"{}\" has no operator before the version", whole.value)
        } else {
            format!("\"{}\" has the unknown operator \"{written}\"", whole.value)
        };
        findings.error(Code::InvalidValue, whole.span, message).label("write one of =, <, <=, >, >=, ~");
        return None;
    };
    if version.is_empty() {
        let message = format!("\"{}\" has no version behind the operator", whole.value);
        findings.error(Code::InvalidValue, whole.span, message).label("add a version, like 1.8.9-r0");
        return None;
    }
    Some(AskedConstraint { operator, version: text.rest(version_at) })
}

impl Asked {
    /// The same with the variables of the version replaced.
    pub(super) fn finish(
        &self,
        versions: Versions,
        scope: Scope<'_>,
        variables: &mut Variables,
        findings: &mut Findings<'_>,
    ) -> Option<PackageTerm> {
        let constraint = match &self.constraint {
            Some(constraint) => Some(constraint.finish(versions, scope, variables, findings)?),
            None => None,
        };
        Some(PackageTerm { name: self.name.clone(), tag: self.tag.clone(), constraint })
    }
}

impl AskedConstraint {
    /// The same with the variables of the version replaced.
    pub(super) fn finish(
        &self,
        versions: Versions,
        scope: Scope<'_>,
        variables: &mut Variables,
        findings: &mut Findings<'_>,
    ) -> Option<Constraint> {
        let version = expand_fixed(&self.version, scope, variables, findings)?;
        let rest = match version.split_once(':') {
            Some((epoch, rest)) if versions == Versions::Debian && is_number(epoch) => rest,
            _ => &version,
        };
        let is_version = rest.starts_with(|first: char| first.is_ascii_digit())
            && rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-~+".contains(&byte));
        if !is_version {
            let span = self.version.part(findings, 0..self.version.value.len());
            findings
                .error(Code::InvalidValue, span, format!("\"{version}\" is not the version of a package"))
                .label(format!(
                    "write it like {}; several conditions go into \"pin\" of the source",
                    if versions == Versions::Debian { "1.8.9-2 or 1:2.38.1-5" } else { "1.8.9-r0" }
                ));
            return None;
        }
        Some(Constraint { operator: self.operator, version })
    }
}

fn is_number(digits: &str) -> bool {
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}
