//! From wishes to roots: commands are looked up on the flavor's `PATH`, patterns are expanded, and each root says
//! which line of the recipe it comes from.

use std::collections::BTreeMap;

use ocelet_elf::Root;
use ocelet_tree::{Glob, ReadError, TreePath, View};

use super::commands;
use super::mounted::leads_to_mount;
use crate::recipe::{At, Flavor, Wish, nearest};

/// Where commands are looked for when the flavor's environment has no `PATH`: as `execvp(3)` and shells have it.
pub(crate) const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// What a flavor's wishes come to.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Files and links whose closure is kept.
    pub(super) roots: Vec<Root>,
    /// Directories that match a pattern, with the wish's label.
    pub(super) directories: BTreeMap<TreePath, String>,
    /// Links to directories that a pattern passes, with the wish's label: the image has its files under the names
    /// that the recipe spells.
    pub(super) links: BTreeMap<TreePath, String>,
    /// The commands, and where each was found.
    pub(super) commands: BTreeMap<String, Option<TreePath>>,
    /// What no source provides: the message and, perhaps, what to do.
    pub(super) missing: Vec<(String, Option<String>)>,
}

/// Where the flavor looks for commands.
pub(super) fn search_path(flavor: &Flavor) -> Vec<TreePath> {
    let path = flavor.config.env.get("PATH").map_or(DEFAULT_PATH, |at| at.value.as_str());
    path.split(':').filter_map(|directory| TreePath::new(directory).ok()).collect()
}

/// Looks up every wish of a flavor; `debian` are the sources whose indexes tell no commands.
pub(super) fn find(view: &dyn View, flavor: &Flavor, debian: &[&str]) -> Result<Found, ReadError> {
    let mut found = Found::default();
    let path = search_path(flavor);
    for (name, wish) in &flavor.commands {
        let place = commands::find(view, &path, name.as_str())?;
        if let Some(place) = &place {
            found.roots.push(Root::new(place.clone(), label(&format!("command {name}"), wish)));
        } else if !wish.value.optional {
            let message = format!("command \"{name}\" is in none of {}{}", list(&path), line(wish));
            let hint = match near_command(view, &path, name.as_str())? {
                None => in_packages(name.as_str(), debian),
                near => near,
            };
            found.missing.push((message, hint));
        }
        found.commands.insert(name.to_string(), place);
    }
    for (glob, wish) in &flavor.files {
        expand(view, glob, wish, &mut found)?;
    }
    Ok(found)
}

fn near_command(view: &dyn View, path: &[TreePath], name: &str) -> Result<Option<String>, ReadError> {
    let places = commands::everything(view, path)?;
    let names: Vec<String> = places.iter().filter_map(TreePath::name).map(|name| name.to_string()).collect();
    let near = nearest(name, names.iter().map(String::as_str));
    Ok(near
        .map(|near| format!("did you mean the command \"{near}\"? A trailing ? makes \"{name}?\" optional")))
}

/// What to do where no index tells which package has a command.
fn in_packages(name: &str, debian: &[&str]) -> Option<String> {
    (!debian.is_empty()).then(|| {
        format!(
            "no index of a Debian repository tells which package has a command: name the one that has \"{name}\" in \
             `packages` of source {}, and run `ocelet lock`",
            debian.join(" or ")
        )
    })
}

fn expand(view: &dyn View, glob: &Glob, wish: &At<Wish>, found: &mut Found) -> Result<(), ReadError> {
    let label = label(&format!("file {}", glob.as_str()), wish);
    let places = glob.expand_with_links(view)?;
    if places.is_empty() && !wish.value.optional {
        found.missing.push((format!("no source has a file {}{}", glob.as_str(), line(wish)), None));
    }
    for (place, links) in places {
        found.links.extend(links.into_iter().map(|link| (link, label.clone())));
        keep(view, &place, &label, found)?;
    }
    Ok(())
}

/// A file or link is a root; a directory is kept with all that is in it, and a link to what the runtime will mount
/// is kept by itself.
fn keep(view: &dyn View, place: &TreePath, label: &str, found: &mut Found) -> Result<(), ReadError> {
    let mut todo = vec![place.clone()];
    while let Some(place) = todo.pop() {
        if !view.entry(&place)?.is_some_and(|node| node.is_directory()) {
            if leads_to_mount(view, &place) {
                found.links.insert(place, label.to_owned());
            } else {
                found.roots.push(Root::new(place, label));
            }
        } else if found.directories.insert(place.clone(), label.to_owned()).is_none() {
            todo.extend(view.names(&place)?.into_iter().map(|name| place.join(&name)));
        }
    }
    Ok(())
}

/// What a reason calls a wish: what was asked for, on which line, and why.
pub(super) fn label(what: &str, wish: &At<Wish>) -> String {
    match &wish.value.reason {
        Some(reason) => format!("{what} (line {}: {reason})", wish.span.line),
        None => format!("{what} (line {})", wish.span.line),
    }
}

fn line(wish: &At<Wish>) -> String {
    match &wish.value.reason {
        Some(reason) => format!("; line {} asks for it: {reason}", wish.span.line),
        None => format!("; line {} asks for it", wish.span.line),
    }
}

fn list(path: &[TreePath]) -> String {
    path.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
