//! [`RulePack`]: what programs need that no ELF table tells, as data with a reason and a source for each line.
//!
//! The packs are TOML files in `rules/` of this crate, embedded when it is built. A rule has conditions, any
//! one of which sets it off, and patterns of files that are then kept. It refuses rules without a reason or
//! without a public source: a file that nobody can explain has no place in an image.

mod read;

#[cfg(test)]
mod tests;

use ocelet_tree::{Glob, TreePath};

use crate::Text;
pub use read::RuleError;

/// A named set of rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RulePack {
    /// The name, as recipes have it.
    pub name: String,
    /// What it is for, in a few words.
    pub summary: String,
    /// The packs that are chosen together with it.
    pub includes: Vec<String>,
    /// The rules.
    pub rules: Vec<Rule>,
}

/// One rule: when it counts, and what is kept then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// What sets it off.
    pub when: When,
    /// Whether each pattern must match something.
    pub required: bool,
    /// What is kept.
    pub files: Vec<Files>,
    /// Why.
    pub reason: String,
    /// Where that is written: a public address.
    pub source: String,
    /// The files whose use of `dlopen` it explains.
    pub explains: Vec<Explains>,
}

/// What sets a rule off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum When {
    /// That its pack is chosen.
    Always,
    /// A kept library with one of these sonames.
    Soname(Vec<NamePattern>),
    /// A kept file at one of these places.
    Path(Vec<Glob>),
}

/// A soname; a star at its end stands for any version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamePattern(String);

/// A pattern of files to keep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Files {
    /// Anywhere in the tree.
    Anywhere(Glob),
    /// Below the directory of the file that set the rule off; the text has no leading `./`.
    Beside(String),
}

/// A file whose use of `dlopen` is explained.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Explains {
    /// The library of this soname.
    Soname(NamePattern),
    /// The files at these places.
    Path(Glob),
}

/// All packs, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RulePacks(Vec<RulePack>);

impl RulePacks {
    /// The packs that are embedded in this crate.
    ///
    /// # Panics
    /// Never: a test reads them all.
    pub fn embedded() -> Self {
        Self::read(&read::EMBEDDED).expect("the embedded packs are tested")
    }

    /// Reads packs from their names and TOML texts.
    ///
    /// # Errors
    /// See [`RuleError`].
    pub fn read(texts: &[(&str, &str)]) -> Result<Self, RuleError> {
        let mut packs =
            texts.iter().map(|(name, text)| read::pack(name, text)).collect::<Result<Vec<_>, _>>()?;
        packs.sort_by(|one, other| one.name.cmp(&other.name));
        for pack in &packs {
            if let Some(unknown) =
                pack.includes.iter().find(|name| packs.iter().all(|other| other.name != **name))
            {
                return Err(RuleError::UnknownInclude { pack: pack.name.clone(), included: unknown.clone() });
            }
        }
        Ok(Self(packs))
    }

    /// The names, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|pack| pack.name.as_str())
    }

    /// All packs, in order of their names.
    pub fn iter(&self) -> impl Iterator<Item = &RulePack> {
        self.0.iter()
    }

    /// The pack of a name.
    pub fn get(&self, name: &str) -> Option<&RulePack> {
        self.0.iter().find(|pack| pack.name == name)
    }

    /// The packs of these names with all that they include, each once, in order of their names; names that
    /// are unknown are told instead.
    ///
    /// # Errors
    /// The unknown names.
    pub fn choose(&self, names: &[&str]) -> Result<Vec<RulePack>, Vec<String>> {
        let unknown: Vec<String> =
            names.iter().filter(|name| self.get(name).is_none()).map(ToString::to_string).collect();
        if !unknown.is_empty() {
            return Err(unknown);
        }
        let mut chosen: Vec<&RulePack> = Vec::new();
        let mut todo: Vec<&str> = names.to_vec();
        while let Some(name) = todo.pop() {
            let Some(pack) = self.get(name).filter(|pack| !chosen.contains(pack)) else { continue };
            todo.extend(pack.includes.iter().map(String::as_str));
            chosen.push(pack);
        }
        chosen.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(chosen.into_iter().cloned().collect())
    }

    /// The packs that would explain why a file uses `dlopen`.
    pub fn that_explain(&self, path: &TreePath, soname: Option<&Text>) -> Vec<String> {
        let explaining = self.0.iter().filter(|pack| pack.explains(path, soname));
        explaining.map(|pack| pack.name.clone()).collect()
    }
}

impl RulePack {
    /// Whether a rule of this pack explains why a file uses `dlopen`.
    pub fn explains(&self, path: &TreePath, soname: Option<&Text>) -> bool {
        self.rules.iter().flat_map(|rule| &rule.explains).any(|explained| match explained {
            Explains::Soname(pattern) => soname.is_some_and(|soname| pattern.matches(soname)),
            Explains::Path(glob) => glob.matches(path),
        })
    }
}

impl NamePattern {
    /// Whether a soname is meant.
    pub fn matches(&self, soname: &Text) -> bool {
        match self.0.strip_suffix('*') {
            Some(start) => soname.as_bytes().starts_with(start.as_bytes()),
            None => soname.as_bytes() == self.0.as_bytes(),
        }
    }
}
