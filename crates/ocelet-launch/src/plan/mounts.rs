//! Which mounts there are: those of the facts, but for those that the user leaves out or replaces, and the user's own.
//!
//! It refuses mounts that no container runtime can be told of: relative paths, and paths with characters that separate.

use crate::facts::{Access, Facts, Presence, Propagation, Situation};

use super::{Image, PlannedMount, Problem, Request};

/// A mount that the user asks for: `PATH[:TARGET][:OPTION,…]`, as docker writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostMount {
    path: String,
    target: String,
    access: Access,
    propagation: Propagation,
}

/// A text that is no mount.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} is no mount: {why}; wanted PATH[:TARGET][:OPTION,…] with absolute paths and the options ro, rw, rshared, rslave, rprivate"
)]
pub struct BadMount {
    /// What was written.
    pub text: String,
    /// What is wrong with it.
    pub why: String,
}

impl std::str::FromStr for HostMount {
    type Err = BadMount;

    fn from_str(text: &str) -> Result<Self, BadMount> {
        let bad = |why: String| BadMount { text: text.to_owned(), why };
        let parts: Vec<&str> = text.split(':').collect();
        let (path, target, options) = match parts.as_slice() {
            [path] => (*path, *path, ""),
            [path, target] if target.starts_with('/') => (*path, *target, ""),
            [path, options] => (*path, *path, *options),
            [path, target, options] => (*path, *target, *options),
            _ => return Err(bad("it has more than three parts".to_owned())),
        };
        for one in [path, target] {
            sound(one).map_err(|why| bad(format!("{one:?} {why}")))?;
        }
        let mut mount = Self {
            path: path.to_owned(),
            target: target.to_owned(),
            access: Access::Write,
            propagation: Propagation::Private,
        };
        for option in options.split(',').filter(|option| !option.is_empty()) {
            match option {
                "ro" => mount.access = Access::Read,
                "rw" => mount.access = Access::Write,
                "rshared" | "shared" => mount.propagation = Propagation::Shared,
                "rslave" | "slave" => mount.propagation = Propagation::Slave,
                "rprivate" | "private" => mount.propagation = Propagation::Private,
                other => return Err(bad(format!("there is no option {other:?}"))),
            }
        }
        Ok(mount)
    }
}

/// Whether a path can be written in every form: scripts, units, and options that are separated by colons and commas.
pub(super) fn sound(path: &str) -> Result<(), String> {
    let spoilt = |character: char| {
        character.is_control() || ":,\"'\\%$`".contains(character) || character.is_whitespace()
    };
    if !path.starts_with('/') {
        return Err("is not absolute".to_owned());
    }
    if path.split('/').any(|part| part == "..") {
        return Err("leads upwards".to_owned());
    }
    match path.chars().find(|character| spoilt(*character)) {
        Some(character) => Err(format!("has {character:?} in it, which cannot be passed on")),
        None => Ok(()),
    }
}

/// All mounts but those of wrappers.
pub(super) fn planned(
    image: &Image,
    request: &Request,
    situation: &Situation<'_>,
    facts: &Facts,
    problems: &mut Vec<Problem>,
) -> Vec<PlannedMount> {
    let state = &facts.runtime(situation.cri).state;
    let usual: Vec<PlannedMount> = facts
        .mounts
        .iter()
        .filter(|fact| fact.holds(situation))
        .map(|fact| {
            let path = if fact.path == "{state}" { state.clone() } else { fact.path.clone() };
            let target = fact.target.clone().unwrap_or_else(|| path.clone());
            (fact, path, target)
        })
        .filter(|(fact, _, target)| !(fact.unless_in_image && has(image, target)))
        .map(|(fact, path, target)| PlannedMount {
            path,
            target,
            access: fact.access,
            propagation: fact.propagation,
            kind: fact.kind,
            relabel: fact.relabel,
            reason: fact.reason.clone(),
            source: Some(fact.source.clone()),
        })
        .collect();
    for target in &request.without {
        if usual.iter().all(|mount| mount.target != *target) {
            let there = usual.iter().map(|mount| mount.target.clone()).collect();
            problems.push(Problem::NoSuchMount { target: target.clone(), there });
        }
    }
    let replaced = |target: &str| request.mounts.iter().any(|mount| mount.target == target);
    let kept = usual
        .into_iter()
        .filter(|mount| !request.without.contains(&mount.target) && !replaced(&mount.target));
    kept.chain(request.mounts.iter().map(own)).collect()
}

/// Whether an image has a link or a file there, or something below it.
fn has(image: &Image, path: &str) -> bool {
    image
        .paths
        .iter()
        .any(|one| one.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
}

fn own(mount: &HostMount) -> PlannedMount {
    PlannedMount {
        path: mount.path.clone(),
        target: mount.target.clone(),
        access: mount.access,
        propagation: mount.propagation,
        kind: Presence::Required,
        relabel: false,
        reason: "asked for".to_owned(),
        source: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mounts_are_read_as_docker_writes_them() {
        for (text, want) in [
            ("/data", Some(("/data", "/data", Access::Write, Propagation::Private))),
            ("/data:ro", Some(("/data", "/data", Access::Read, Propagation::Private))),
            ("/data:/srv", Some(("/data", "/srv", Access::Write, Propagation::Private))),
            ("/data:/srv:ro,rslave", Some(("/data", "/srv", Access::Read, Propagation::Slave))),
            ("/data:/srv:rshared", Some(("/data", "/srv", Access::Write, Propagation::Shared))),
            ("data", None),
            ("/data:srv:ro", None),
            ("/data:/srv:readonly", None),
            ("/a:/b:ro:rw", None),
            ("/a b", None),
            ("/a,b", None),
            ("/a/../b", None),
            ("/a$b", None),
            ("", None),
        ] {
            let want = want.map(|(path, target, access, propagation)| HostMount {
                path: path.to_owned(),
                target: target.to_owned(),
                access,
                propagation,
            });
            assert_eq!(text.parse::<HostMount>().ok(), want, "{text}");
        }
    }
}
