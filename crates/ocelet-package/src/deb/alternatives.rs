//! [`Alternative`]s and [`Diversion`]s: what maintainer scripts would have linked and moved, read and never run.
//!
//! Packages that offer one command each in their own way (`iptables-nft`, `iptables-legacy`) call update-alternatives(1)
//! in their `postinst`; [`alternative_links`] turns that into the links that it would have made. dpkg-divert(1) moves the
//! file of another package out of the way; that is told. Other commands are not looked at. What depends on a variable
//! that is not plain text, or has options that are not known, counts as unread, and is never guessed at.

use std::collections::BTreeMap;

use ocelet_tree::{LinkTarget, TreePath};

use super::control::{Control, MaintainerScript};
use crate::apk::Unread;
use crate::apk::script::shell::{Command, commands};

/// Where the links of alternatives lie in between (update-alternatives(1), "FILES").
const DIRECTORY: &str = "/etc/alternatives";

/// The longest script that is read, in bytes. Debian's longest have some 100 KiB.
const LONGEST_SCRIPT: usize = 1 << 20;

/// What a script would have linked and moved.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ScriptEffects {
    /// Alternatives that it offers, in the order of the lines.
    pub alternatives: Vec<Alternative>,
    /// Files of other packages that it moves, in the order of the lines.
    pub diversions: Vec<Diversion>,
    /// Calls of the two commands that were not understood.
    pub unread: Vec<Unread>,
}

/// One way of having a command: `update-alternatives --install`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alternative {
    /// The line of the script, counted from 1.
    pub line: usize,
    /// Whether it stands where it may not be reached, as behind `if [ "$1" = configure ]`, where most of them do.
    pub conditional: bool,
    /// The link that all ways share, and where this one leads.
    pub leader: AlternativeLink,
    /// The way with the greatest number is taken.
    pub priority: i32,
    /// Links that go along with it: `--slave`, `--follower`.
    pub followers: Vec<AlternativeLink>,
}

/// A link that is made by way of `/etc/alternatives`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlternativeLink {
    /// Where the link is: `/usr/sbin/iptables`.
    pub link: TreePath,
    /// What it is called in `/etc/alternatives`: `iptables`.
    pub name: String,
    /// Where it leads: `/usr/sbin/iptables-nft`.
    pub path: TreePath,
}

/// The file of another package that is moved out of the way: `dpkg-divert --add`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diversion {
    /// The line of the script, counted from 1.
    pub line: usize,
    /// Whether it stands where it may not be reached.
    pub conditional: bool,
    /// The package whose own file stays where it is; nothing for `--local`.
    pub package: Option<String>,
    /// The file that other packages have.
    pub path: TreePath,
    /// Where theirs goes.
    pub to: TreePath,
    /// Whether a file that is there already is moved.
    pub rename: bool,
}

/// Why alternatives cannot be linked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AlternativeError {
    /// A way is wanted that no package offers.
    #[error("{name} is wanted as {wanted}, which no package offers; offered are {}", list(.offered))]
    NotOffered {
        /// The name of the alternative.
        name: String,
        /// Where it should lead.
        wanted: TreePath,
        /// Where it can lead; empty where the name is not known.
        offered: Vec<TreePath>,
    },
    /// Two links of different names at one path.
    #[error("both {first} and {second} are to be a link at {link}")]
    TwoNames {
        /// The path.
        link: TreePath,
        /// One name.
        first: String,
        /// The other one.
        second: String,
    },
}

fn list(paths: &[TreePath]) -> String {
    if paths.is_empty() {
        return "none".to_owned();
    }
    paths.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

impl MaintainerScript {
    /// What the script would have linked and moved. One of more than a mebibyte is not read, and told as unread.
    pub fn effects(&self) -> ScriptEffects {
        let mut effects = ScriptEffects::default();
        if self.text.len() > LONGEST_SCRIPT {
            let text = format!("{}, which is longer than {LONGEST_SCRIPT} bytes", self.kind.name());
            effects.unread.push(Unread { line: 1, text });
            return effects;
        }
        for command in commands(&String::from_utf8_lossy(&self.text)) {
            let program = command.words.first().and_then(Option::as_deref).unwrap_or("");
            let done = match program.rsplit('/').next() {
                Some("update-alternatives") => update_alternatives(&command, &mut effects),
                Some("dpkg-divert") => dpkg_divert(&command, &mut effects),
                _ => continue,
            };
            if done.is_none() {
                effects.unread.push(Unread { line: command.line, text: command.text.clone() });
            }
        }
        effects
    }
}

impl Control {
    /// What the scripts that dpkg runs when it installs the package would have linked and moved.
    pub fn effects(&self) -> ScriptEffects {
        let mut all = ScriptEffects::default();
        for script in self.scripts.iter().filter(|script| script.kind.runs_on_install()) {
            let ScriptEffects { alternatives, diversions, unread } = script.effects();
            all.alternatives.extend(alternatives);
            all.diversions.extend(diversions);
            all.unread.extend(unread);
        }
        all
    }
}

/// The words of a command; nothing where one of them cannot be known.
fn arguments(command: &Command) -> Option<Vec<&str>> {
    command.words.iter().skip(1).map(Option::as_deref).collect()
}

fn absolute(text: &str) -> Option<TreePath> {
    text.starts_with('/').then(|| TreePath::new(text).ok()).flatten()
}

/// Reads one call; nothing where it is not understood.
fn update_alternatives(command: &Command, effects: &mut ScriptEffects) -> Option<()> {
    let words = arguments(command)?;
    let mut rest = words.as_slice();
    let mut installed: Option<(AlternativeLink, i32)> = None;
    let mut followers = Vec::new();
    while let [option, after @ ..] = rest {
        rest = match (*option, after) {
            ("--quiet" | "--verbose" | "--force" | "--skip-auto", after)
            | ("--log" | "--admindir", [_, after @ ..]) => after,
            ("--install", [place, name, path, priority, after @ ..]) if installed.is_none() => {
                installed = Some((link(place, name, path)?, priority.parse().ok()?));
                after
            }
            ("--slave" | "--follower", [place, name, path, after @ ..]) => {
                followers.push(link(place, name, path)?);
                after
            }
            // What asks, and what takes away, changes nothing where nothing is installed yet.
            ("--remove" | "--remove-all" | "--list" | "--query" | "--display" | "--get-selections", _) => {
                return installed.is_none().then_some(());
            }
            _ => return None,
        };
    }
    let (leader, priority) = installed?;
    let (line, conditional) = (command.line, command.conditional);
    effects.alternatives.push(Alternative { line, conditional, leader, priority, followers });
    Some(())
}

fn link(place: &str, name: &str, path: &str) -> Option<AlternativeLink> {
    // update-alternatives refuses names with a slash or a blank.
    let plain = !name.is_empty() && !name.contains(['/', ' ', '\t', '\n']) && !matches!(name, "." | "..");
    plain.then_some(())?;
    Some(AlternativeLink { link: absolute(place)?, name: name.to_owned(), path: absolute(path)? })
}

fn dpkg_divert(command: &Command, effects: &mut ScriptEffects) -> Option<()> {
    let words = arguments(command)?;
    let (mut package, mut to, mut rename, mut path) = (None, None, false, None);
    let mut rest = words.as_slice();
    while let [option, after @ ..] = rest {
        let (name, value) =
            option.split_once('=').map_or((*option, None), |(name, value)| (name, Some(value)));
        rest = after;
        match name {
            "--add" | "--quiet" | "--local" if value.is_none() => {}
            "--rename" | "--no-rename" if value.is_none() => rename = name == "--rename",
            "--package" | "--divert" | "--admindir" => {
                let value = match (value, after) {
                    (Some(value), _) => value,
                    (None, [value, after @ ..]) => {
                        rest = after;
                        value
                    }
                    (None, []) => return None,
                };
                match name {
                    "--package" => package = Some(value.to_owned()),
                    "--divert" => to = Some(absolute(value)?),
                    _ => {}
                }
            }
            "--remove" | "--list" | "--listpackage" | "--truename" => return Some(()),
            file if path.is_none() && value.is_none() => path = Some(absolute(file)?),
            _ => return None,
        }
    }
    let path = path?;
    let distrib = || TreePath::new([path.as_bytes(), b".distrib"].concat()).ok();
    let to = to.or_else(distrib)?;
    let (line, conditional) = (command.line, command.conditional);
    effects.diversions.push(Diversion { line, conditional, package, path, to, rename });
    Some(())
}

/// The links that update-alternatives would have made for all alternatives together: each `link` to
/// `/etc/alternatives/NAME`, and that to the path. Of each name the way in `wanted` is taken, or the one with the greatest
/// priority, the first of several. Only ways whose path `exists` count, and so do followers.
///
/// # Errors
/// See [`AlternativeError`].
pub fn alternative_links(
    alternatives: &[Alternative],
    wanted: &BTreeMap<String, TreePath>,
    exists: impl Fn(&TreePath) -> bool,
) -> Result<BTreeMap<TreePath, LinkTarget>, AlternativeError> {
    let mut ways: BTreeMap<&str, Vec<&Alternative>> =
        wanted.keys().map(|name| (name.as_str(), Vec::new())).collect();
    for one in alternatives.iter().filter(|one| exists(&one.leader.path)) {
        let ways = ways.entry(&one.leader.name).or_default();
        // A way that is installed again is the later one.
        ways.retain(|other| other.leader.path != one.leader.path);
        ways.push(one);
    }
    let mut links = BTreeMap::new();
    let mut names: BTreeMap<TreePath, &str> = BTreeMap::new();
    for (name, ways) in &ways {
        let chosen = match wanted.get(*name) {
            Some(path) => Some(*ways.iter().find(|way| way.leader.path == *path).ok_or_else(|| {
                let offered = ways.iter().map(|way| way.leader.path.clone()).collect();
                AlternativeError::NotOffered { name: (*name).to_owned(), wanted: path.clone(), offered }
            })?),
            None => ways.iter().rev().max_by_key(|way| way.priority).copied(),
        };
        let Some(chosen) = chosen else { continue };
        let followers = chosen.followers.iter().filter(|follower| exists(&follower.path));
        for one in std::iter::once(&chosen.leader).chain(followers) {
            if let Some(first) = names.insert(one.link.clone(), &one.name).filter(|first| *first != one.name)
            {
                let (link, first, second) = (one.link.clone(), first.to_owned(), one.name.clone());
                return Err(AlternativeError::TwoNames { link, first, second });
            }
            add(&mut links, one);
        }
    }
    Ok(links)
}

/// Adds the two links that one alternative is made of.
fn add(links: &mut BTreeMap<TreePath, LinkTarget>, one: &AlternativeLink) {
    let between = format!("{DIRECTORY}/{}", one.name);
    let target = [b"/", one.path.as_bytes()].concat();
    // Paths are shorter than the longest target, unless the name is very long: update-alternatives fails then too.
    if let (Ok(place), Ok(middle), Ok(end)) =
        (TreePath::new(&between), LinkTarget::new(&between), LinkTarget::new(target))
    {
        links.insert(one.link.clone(), middle);
        links.insert(place, end);
    }
}

#[cfg(test)]
mod tests;
