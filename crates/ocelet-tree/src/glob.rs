//! [`Glob`]: patterns over the paths of a view, as recipes and rule packs write them.
//!
//! `*` stands for any run of bytes within one name, `?` for one byte, `[a-z]` and `[!a-z]` for a set, `**` as
//! a whole component for any number of directories, `{a,b}` for alternatives, `\` for the next byte as it
//! is. A leading dot needs no special care: images hide nothing. Matching is linear in the length of the name
//! for each star, never exponential.

use std::collections::{BTreeMap, BTreeSet};

use crate::{Name, PathError, ReadError, ResolveError, TreePath, View, resolve};

/// At most this many patterns come out of the alternatives of one.
const MOST_ALTERNATIVES: usize = 256;

/// A pattern over paths.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Glob {
    text: String,
    alternatives: Vec<Vec<Part>>,
}

/// Why a text is not a pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GlobError {
    /// A bracket or brace that is never closed.
    #[error("pattern \"{pattern}\" has a \"{open}\" without its closing partner")]
    Unclosed {
        /// The pattern.
        pattern: String,
        /// The bracket.
        open: char,
    },
    /// `**` beside other characters in one component.
    #[error("pattern \"{pattern}\" has \"**\" beside other characters; it must be a component of its own")]
    StarsInName {
        /// The pattern.
        pattern: String,
    },
    /// More alternatives than a pattern may have.
    #[error("pattern \"{pattern}\" stands for more than {MOST_ALTERNATIVES} patterns")]
    TooManyAlternatives {
        /// The pattern.
        pattern: String,
    },
    /// A component that no path can have.
    #[error(transparent)]
    Path(#[from] PathError),
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    /// Exactly this name: found without listing its directory.
    Exactly(Name),
    /// Names that match.
    Matching(Vec<Atom>),
    /// Any number of directories, none included.
    Anywhere,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Atom {
    Byte(u8),
    Any,
    Run,
    Set { ranges: Vec<(u8, u8)>, negated: bool },
}

impl Glob {
    /// Reads a pattern. A text without any special character is a pattern for just that path.
    ///
    /// # Errors
    /// See [`GlobError`].
    pub fn new(pattern: &str) -> Result<Self, GlobError> {
        let mut alternatives = Vec::new();
        for text in expand_braces(pattern)? {
            alternatives.push(parts(pattern, &text)?);
        }
        Ok(Self { text: pattern.to_owned(), alternatives })
    }

    /// The pattern as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The one path that this pattern stands for, where it has no special character.
    pub fn literal(&self) -> Option<TreePath> {
        let [parts] = self.alternatives.as_slice() else { return None };
        parts.iter().try_fold(TreePath::root(), |path, part| match part {
            Part::Exactly(name) => Some(path.join(name)),
            Part::Matching(_) | Part::Anywhere => None,
        })
    }

    /// Whether the pattern matches this path.
    pub fn matches(&self, path: &TreePath) -> bool {
        let names: Vec<Name> = path.components().collect();
        self.alternatives.iter().any(|parts| parts_match(parts, &names))
    }

    /// Whether something below `directory` may match: what a walk asks before it goes down.
    pub fn may_match_below(&self, directory: &TreePath) -> bool {
        let names: Vec<Name> = directory.components().collect();
        self.alternatives.iter().any(|parts| {
            let upto = parts.iter().position(|part| *part == Part::Anywhere);
            let fixed = &parts[..upto.unwrap_or(parts.len())];
            let open = upto.is_some();
            (open || names.len() < fixed.len())
                && fixed.iter().zip(&names).all(|(part, name)| part.matches(name))
        })
    }

    /// Every path of the view that matches, in the order of their bytes. Symbolic links to directories are
    /// entered where the pattern names them, so `/lib/*.so` works on a merged `/usr`; `**` does not follow
    /// links, so it ends.
    ///
    /// # Errors
    /// The view cannot be read.
    pub fn expand(&self, view: &dyn View) -> Result<Vec<TreePath>, ReadError> {
        Ok(self.expand_with_links(view)?.into_keys().collect())
    }

    /// As [`Glob::expand`], with the symbolic links to directories that the pattern itself passes on the way to each
    /// path: without them nothing is found under the names that the pattern spells.
    ///
    /// # Errors
    /// The view cannot be read.
    pub fn expand_with_links(
        &self,
        view: &dyn View,
    ) -> Result<BTreeMap<TreePath, BTreeSet<TreePath>>, ReadError> {
        let mut found = Found::new();
        for parts in &self.alternatives {
            walk(view, &TreePath::root(), parts, &[], &mut found)?;
        }
        Ok(found)
    }
}

impl Part {
    fn matches(&self, name: &Name) -> bool {
        match self {
            Self::Exactly(exact) => exact == name,
            Self::Matching(atoms) => atoms_match(atoms, name.as_bytes()),
            Self::Anywhere => true,
        }
    }
}

/// The paths that match, and the links that were passed on the way to each.
type Found = BTreeMap<TreePath, BTreeSet<TreePath>>;

fn walk(
    view: &dyn View,
    at: &TreePath,
    parts: &[Part],
    passed: &[TreePath],
    found: &mut Found,
) -> Result<(), ReadError> {
    let Some((part, rest)) = parts.split_first() else {
        if !at.is_root() && view.entry(at)?.is_some() {
            found.entry(at.clone()).or_default().extend(passed.iter().cloned());
        }
        return Ok(());
    };
    let mut passed = passed.to_vec();
    let directory = match resolve(view, at) {
        Ok(there) if there.node.is_directory() => {
            passed.extend(there.links);
            there.path
        }
        Err(ResolveError::Read(error)) => return Err(error),
        Ok(_) | Err(_) => return Ok(()),
    };
    match part {
        Part::Exactly(name) => walk(view, &directory.join(name), rest, &passed, found),
        Part::Matching(_) => {
            for name in view.names(&directory)?.into_iter().filter(|name| part.matches(name)) {
                walk(view, &directory.join(&name), rest, &passed, found)?;
            }
            Ok(())
        }
        Part::Anywhere => {
            walk(view, &directory, rest, &passed, found)?;
            for name in view.names(&directory)? {
                let below = directory.join(&name);
                if view.entry(&below)?.is_some_and(|node| node.is_directory()) {
                    walk(view, &below, parts, &passed, found)?;
                } else if rest.is_empty() {
                    found.entry(below).or_default().extend(passed.iter().cloned());
                }
            }
            Ok(())
        }
    }
}

fn parts_match(parts: &[Part], names: &[Name]) -> bool {
    // The same two-pointer walk as for the bytes of a name: one saved restart, so no exponential search.
    let (mut part, mut name) = (0, 0);
    let mut restart = None;
    while name < names.len() {
        match parts.get(part) {
            Some(Part::Anywhere) => {
                restart = Some((part + 1, name));
                part += 1;
            }
            Some(other) if other.matches(&names[name]) => (part, name) = (part + 1, name + 1),
            _ => match restart {
                Some((after, from)) => {
                    (part, name) = (after, from + 1);
                    restart = Some((after, from + 1));
                }
                None => return false,
            },
        }
    }
    parts[part..].iter().all(|part| *part == Part::Anywhere)
}

fn atoms_match(atoms: &[Atom], bytes: &[u8]) -> bool {
    let (mut atom, mut byte) = (0, 0);
    let mut restart = None;
    while byte < bytes.len() {
        match atoms.get(atom) {
            Some(Atom::Run) => {
                restart = Some((atom + 1, byte));
                atom += 1;
            }
            Some(other) if other.matches(bytes[byte]) => (atom, byte) = (atom + 1, byte + 1),
            _ => match restart {
                Some((after, from)) => {
                    (atom, byte) = (after, from + 1);
                    restart = Some((after, from + 1));
                }
                None => return false,
            },
        }
    }
    atoms[atom..].iter().all(|atom| *atom == Atom::Run)
}

impl Atom {
    fn matches(&self, byte: u8) -> bool {
        match self {
            Self::Byte(exact) => *exact == byte,
            Self::Any | Self::Run => true,
            Self::Set { ranges, negated } => {
                ranges.iter().any(|(first, last)| (*first..=*last).contains(&byte)) != *negated
            }
        }
    }
}

fn parts(pattern: &str, text: &str) -> Result<Vec<Part>, GlobError> {
    let mut parts = Vec::new();
    for component in text.split('/').filter(|component| !component.is_empty() && *component != ".") {
        if component == "**" {
            parts.push(Part::Anywhere);
            continue;
        }
        if component.contains("**") {
            return Err(GlobError::StarsInName { pattern: pattern.to_owned() });
        }
        let atoms = atoms(pattern, component)?;
        let exact: Option<Vec<u8>> =
            atoms.iter().map(|atom| if let Atom::Byte(byte) = atom { Some(*byte) } else { None }).collect();
        match exact {
            Some(bytes) if bytes == b".." => return Err(PathError::Climbs { path: text.into() }.into()),
            Some(bytes) => parts.push(Part::Exactly(Name::new(bytes)?)),
            None => parts.push(Part::Matching(atoms)),
        }
    }
    Ok(parts)
}

fn atoms(pattern: &str, component: &str) -> Result<Vec<Atom>, GlobError> {
    let mut atoms = Vec::new();
    let mut bytes = component.bytes();
    while let Some(byte) = bytes.next() {
        atoms.push(match byte {
            b'*' => Atom::Run,
            b'?' => Atom::Any,
            b'\\' => Atom::Byte(bytes.next().unwrap_or(b'\\')),
            b'[' => set(&mut bytes)
                .ok_or_else(|| GlobError::Unclosed { pattern: pattern.to_owned(), open: '[' })?,
            plain => Atom::Byte(plain),
        });
    }
    Ok(atoms)
}

/// Reads a set up to its closing bracket; nothing where that is missing. A `]` that comes first is a member.
fn set(bytes: &mut std::str::Bytes<'_>) -> Option<Atom> {
    let mut members = Vec::new();
    let mut negated = false;
    loop {
        match bytes.next()? {
            b'!' | b'^' if members.is_empty() && !negated => negated = true,
            b']' if !members.is_empty() => break,
            b'\\' => members.push(bytes.next()?),
            member => members.push(member),
        }
    }
    let mut ranges = Vec::new();
    let mut rest = members.as_slice();
    while let Some((first, after)) = rest.split_first() {
        if let [b'-', last, ..] = after {
            ranges.push((*first, *last));
            rest = &after[2..];
        } else {
            ranges.push((*first, *first));
            rest = after;
        }
    }
    Some(Atom::Set { ranges, negated })
}

/// Writes `{a,b}` out as one text for each alternative; braces nest.
fn expand_braces(pattern: &str) -> Result<Vec<String>, GlobError> {
    let mut done = Vec::new();
    let mut todo = vec![pattern.to_owned()];
    while let Some(text) = todo.pop() {
        if todo.len() + done.len() > MOST_ALTERNATIVES {
            return Err(GlobError::TooManyAlternatives { pattern: pattern.to_owned() });
        }
        match first_brace(&text) {
            None => done.push(text),
            Some((open, None)) => {
                debug_assert!(text[open..].starts_with('{'));
                return Err(GlobError::Unclosed { pattern: pattern.to_owned(), open: '{' });
            }
            Some((open, Some((choices, close)))) => {
                for choice in choices {
                    todo.push(format!("{}{choice}{}", &text[..open], &text[close + 1..]));
                }
            }
        }
    }
    done.sort();
    Ok(done)
}

/// The first `{`, and where it closes: its alternatives and the place of the `}`.
#[expect(clippy::type_complexity, reason = "a pair of places and the texts between them, used once")]
fn first_brace(text: &str) -> Option<(usize, Option<(Vec<&str>, usize)>)> {
    let mut open = None;
    let mut depth = 0usize;
    let mut choices = Vec::new();
    let mut from = 0;
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'{' => {
                depth += 1;
                if open.is_none() {
                    open = Some(at);
                    from = at + 1;
                }
            }
            b',' if depth == 1 => {
                choices.push(&text[from..at]);
                from = at + 1;
            }
            b'}' if depth > 0 => {
                depth -= 1;
                if depth == 0 {
                    choices.push(&text[from..at]);
                    return open.map(|open| (open, Some((choices, at))));
                }
            }
            _ => {}
        }
    }
    open.map(|open| (open, None))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Content, LinkTarget, Metadata, Owner, Tree};

    fn path(text: &str) -> TreePath {
        TreePath::new(text).expect("a path in a test")
    }

    #[test]
    fn patterns_match_whole_paths() {
        for (pattern, yes, no) in [
            ("/usr/bin/*", &["/usr/bin/a", "/usr/bin/.a"][..], &["/usr/bin", "/usr/bin/a/b", "/bin/a"][..]),
            ("/usr/**", &["/usr", "/usr/a", "/usr/a/b"], &["/us", "/lib/usr"]),
            ("/**/x", &["/x", "/a/x", "/a/b/x"], &["/x/a", "/ax"]),
            ("/a/**/b/*.so", &["/a/b/c.so", "/a/x/y/b/c.so"], &["/a/b/c/d.so", "/a/x.so"]),
            ("/lib[36][24]", &["/lib32", "/lib64"], &["/lib", "/lib6x"]),
            ("/[!a-c]x", &["/dx"], &["/ax", "/bx", "/cx"]),
            ("/{usr/,}bin/{a,b{c,d}}", &["/usr/bin/a", "/bin/bc", "/bin/bd"], &["/usr/bin/b"]),
            ("/a\\*", &["/a*"], &["/ab"]),
            ("/l?b", &["/lib"], &["/lb", "/liib"]),
            ("/*a*a*a*a*a*a*b", &["/aaaaaaab"], &["/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"]),
        ] {
            let glob = Glob::new(pattern).expect(pattern);
            for yes in yes {
                assert!(glob.matches(&path(yes)), "{pattern} {yes}");
            }
            for no in no {
                assert!(!glob.matches(&path(no)), "{pattern} {no}");
            }
        }
        for bad in ["/[ab", "/{a,b", "/a**", "/../a", "/{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}"] {
            assert!(Glob::new(bad).is_err(), "{bad}");
        }
        assert_eq!(Glob::new("/a/./b").expect("literal").literal(), Some(path("/a/b")));
        assert_eq!(Glob::new("/a/*").expect("a pattern").literal(), None);
    }

    #[test]
    fn patterns_expand_through_named_links_only() {
        let owner = Owner::new("test");
        let mut tree = Tree::new();
        for file in ["/usr/lib/a.so", "/usr/lib/b.so", "/usr/lib/sub/c.so", "/usr/lib/d.txt"] {
            let content = Content::from_bytes(file, *b"x");
            tree.add_file(&path(file), content, Metadata::root_owned(0o644), &owner).expect(file);
        }
        for (link, target) in [("/lib", "usr/lib"), ("/usr/lib/up", "..")] {
            let target = LinkTarget::new(target).expect("a target");
            tree.add_symlink(&path(link), target, Metadata::root_owned(0o777), &owner).expect(link);
        }
        for (pattern, want) in [
            ("/lib/*.so", &["/usr/lib/a.so", "/usr/lib/b.so"][..]),
            ("/usr/**/*.so", &["/usr/lib/a.so", "/usr/lib/b.so", "/usr/lib/sub/c.so"]),
            ("/usr/lib/{a,d}.*", &["/usr/lib/a.so", "/usr/lib/d.txt"]),
            ("/lib", &["/lib"]),
            ("/nothing/*", &[]),
            ("/usr/lib/a.so/*", &[]),
        ] {
            let found = Glob::new(pattern).expect(pattern).expand(&tree).expect("in memory");
            let found: Vec<String> = found.iter().map(ToString::to_string).collect();
            assert_eq!(found, want, "{pattern}");
        }
    }

    #[test]
    fn a_walk_knows_where_not_to_go() {
        for (pattern, yes, no) in [
            ("/usr/lib/*.so", &["/", "/usr", "/usr/lib"][..], &["/etc", "/usr/lib/x"][..]),
            ("/usr/**", &["/", "/usr", "/usr/a/b"], &["/etc"]),
            ("/etc/passwd", &["/", "/etc"], &["/usr"]),
        ] {
            let glob = Glob::new(pattern).expect(pattern);
            for yes in yes {
                assert!(glob.may_match_below(&path(yes)), "{pattern} {yes}");
            }
            for no in no {
                assert!(!glob.may_match_below(&path(no)), "{pattern} {no}");
            }
        }
    }
}
