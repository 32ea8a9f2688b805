//! Reads one group of relations, from its first character to its last, and refuses what is left over.

use super::{
    Alternatives, Condition, Constraint, Operator, Qualifier, Relation, RelationError, RelationFault,
    RelationKind,
};
use crate::deb::package::is_package_name;
use crate::deb::version::Version;

/// Operators with the text that they are written as; the longer ones first.
const OPERATORS: [(&str, Operator); 7] = [
    ("<<", Operator::Earlier),
    ("<=", Operator::AtMost),
    (">>", Operator::Later),
    (">=", Operator::AtLeast),
    ("=", Operator::Equal),
    ("<", Operator::AtMost),
    (">", Operator::AtLeast),
];

/// Reads `a | b | c`.
pub(super) fn alternatives(kind: RelationKind, group: &str) -> Result<Alternatives<'_>, RelationError> {
    let refused = |fault| RelationError { kind, text: group.chars().take(120).collect(), fault };
    if group.contains("${") {
        return Err(refused(RelationFault::Variable));
    }
    let relations: Result<Vec<_>, _> = group.split('|').map(|text| relation(kind, text.trim())).collect();
    let relations = relations.map_err(refused)?;
    if relations.len() > 1 && !kind.has_alternatives() {
        return Err(refused(RelationFault::Alternatives));
    }
    Ok(relations)
}

fn relation(kind: RelationKind, text: &str) -> Result<Relation<'_>, RelationFault> {
    let end = text.find(|next: char| next.is_whitespace() || "(:[<".contains(next)).unwrap_or(text.len());
    let (name, mut rest) = text.split_at(end);
    if name.is_empty() {
        return Err(RelationFault::NoName);
    }
    if !is_package_name(name) {
        return Err(RelationFault::Name(shorten(name)));
    }
    let mut read =
        Relation { name, qualifier: None, constraint: None, architectures: Vec::new(), profiles: Vec::new() };
    if let Some(after) = rest.strip_prefix(':') {
        let end =
            after.find(|next: char| next.is_whitespace() || "([<".contains(next)).unwrap_or(after.len());
        read.qualifier = Some(qualifier(kind, &after[..end])?);
        rest = &after[end..];
    }
    if let Some((inside, after)) = enclosed(&mut rest, '(', ')')? {
        read.constraint = Some(constraint(kind, inside)?);
        rest = after;
    }
    if let Some((inside, after)) = enclosed(&mut rest, '[', ']')? {
        read.architectures = conditions(kind, inside, '[', "a list of architectures")?;
        rest = after;
    }
    while let Some((inside, after)) = enclosed(&mut rest, '<', '>')? {
        read.profiles.push(conditions(kind, inside, '<', "a list of build profiles")?);
        rest = after;
    }
    if rest.is_empty() { Ok(read) } else { Err(RelationFault::After(shorten(rest))) }
}

/// What stands between two characters, where the text goes on with the first one, and what follows them.
fn enclosed<'text>(
    rest: &mut &'text str,
    open: char,
    close: char,
) -> Result<Option<(&'text str, &'text str)>, RelationFault> {
    *rest = rest.trim_start();
    let Some(after) = rest.strip_prefix(open) else { return Ok(None) };
    let (inside, after) = after.split_once(close).ok_or(RelationFault::Open(open))?;
    Ok(Some((inside.trim(), after)))
}

fn qualifier(kind: RelationKind, text: &str) -> Result<Qualifier<'_>, RelationFault> {
    match text {
        "any" => Ok(Qualifier::Any),
        "native" if kind == RelationKind::Build => Ok(Qualifier::Native),
        "native" => Err(RelationFault::SourceOnly("\":native\"")),
        name if is_architecture(name) => Ok(Qualifier::Architecture(name)),
        _ => Err(RelationFault::Qualifier(shorten(text))),
    }
}

fn constraint(kind: RelationKind, inside: &str) -> Result<Constraint<'_>, RelationFault> {
    let found = OPERATORS.iter().find_map(|(text, operator)| Some((*operator, inside.strip_prefix(text)?)));
    let (operator, version) = found.ok_or_else(|| RelationFault::Operator(shorten(inside)))?;
    if kind == RelationKind::Provides && operator != Operator::Equal {
        return Err(RelationFault::Provides);
    }
    Ok(Constraint { operator, version: Version::new(version.trim())? })
}

fn conditions<'text>(
    kind: RelationKind,
    inside: &'text str,
    open: char,
    what: &'static str,
) -> Result<Vec<Condition<'text>>, RelationFault> {
    if kind != RelationKind::Build {
        return Err(RelationFault::SourceOnly(what));
    }
    if inside.is_empty() {
        return Err(RelationFault::Empty(open));
    }
    let condition = |text: &'text str| {
        let word = text.strip_prefix('!');
        let (negated, word) = (word.is_some(), word.unwrap_or(text));
        if is_architecture(word) {
            Ok(Condition { negated, word })
        } else {
            Err(RelationFault::After(shorten(text)))
        }
    };
    inside.split_whitespace().map(condition).collect()
}

/// Names of architectures and of build profiles: what dpkg takes (`dpkg_arch_name_is_illegal`), and dots.
fn is_architecture(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_alphanumeric())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'+'))
}

fn shorten(text: &str) -> String {
    text.chars().take(80).collect()
}
