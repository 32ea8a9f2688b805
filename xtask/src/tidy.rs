//! The house rules that no compiler knows: every file says what it is for, no room is too large, crates and
//! rooms import only what the map allows, and the documents name what exists.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::Outcome;
use crate::shell::root;

/// The most lines that a source file may have, its inline tests not counted.
const LONGEST_FILE: usize = 500;

/// Which crates of the workspace each crate may depend on, beside development.
const ARROWS: &[(&str, &[&str])] = &[
    ("ocelet-tree", &[]),
    ("ocelet-elf", &["ocelet-tree"]),
    ("ocelet-oci", &["ocelet-tree"]),
    ("ocelet", &["ocelet-tree", "ocelet-elf", "ocelet-oci"]),
    ("ocelet-cli", &["ocelet"]),
    ("ocelet-testkit", &["ocelet-tree", "ocelet-elf", "ocelet-oci"]),
];

/// The rooms of the hallway in walking order: each may import only those before it.
const ROOMS: &[&str] = &["recipe", "unpack", "close", "layer", "image", "ship", "report"];

/// Checks every rule; all violations at once.
pub(crate) fn run(_: &[String]) -> Outcome {
    let violations = violations(&root());
    if violations.is_empty() {
        println!("tidy: every rule holds");
        return Ok(());
    }
    Err(format!("{} house rules are broken:\n  {}", violations.len(), violations.join("\n  ")))
}

fn violations(root: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for (path, text) in sources(root) {
        let shown = path.strip_prefix(root).unwrap_or(&path).display().to_string();
        found.extend(file_rules(&shown, &text));
    }
    for (name, allowed) in ARROWS {
        let manifest = read(&root.join("crates").join(name).join("Cargo.toml"));
        found.extend(arrow_rules(name, allowed, &manifest));
    }
    let map = read(&root.join("ARCHITECTURE.md"));
    for room in ROOMS.iter().map(|room| format!("`{room}/`")).chain(ARROWS.iter().map(|(name, _)| format!("`{name}`"))) {
        if !map.contains(&room) {
            found.push(format!("ARCHITECTURE.md does not name {room}"));
        }
    }
    found
}

fn file_rules(shown: &str, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    if !text.starts_with("//!") {
        found.push(format!("{shown} does not open with //! and what it is for"));
    }
    let lines = text.split("#[cfg(test)]\nmod ").next().unwrap_or(text).lines().count();
    if lines > LONGEST_FILE && !shown.contains("/tests") {
        found.push(format!("{shown} has {lines} lines; at most {LONGEST_FILE}"));
    }
    for word in ["todo!(", "unimplemented!(", "#[ignore", "FIXME"] {
        if text.contains(word) && !shown.ends_with("tidy.rs") {
            found.push(format!("{shown} has {word}"));
        }
    }
    if let Some(room) = shown.strip_prefix("crates/ocelet/src/").and_then(|rest| rest.split('/').next()) {
        found.extend(room_rules(shown, room, text));
    }
    found
}

fn room_rules(shown: &str, room: &str, text: &str) -> Vec<String> {
    let Some(place) = ROOMS.iter().position(|other| *other == room) else { return Vec::new() };
    let code = text.split("#[cfg(test)]").next().unwrap_or(text);
    ROOMS[place + 1..]
        .iter()
        .filter(|later| code.contains(&format!("crate::{later}::")))
        .map(|later| format!("{shown} imports the room {later}/, which comes after {room}/"))
        .collect()
}

fn arrow_rules(name: &str, allowed: &[&str], manifest: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut section = "";
    for line in manifest.lines() {
        if line.starts_with('[') {
            section = line.trim();
        }
        let dependency = line.split(['.', ' ', '=']).next().unwrap_or("");
        if section == "[dependencies]" && dependency.starts_with("ocelet") && !allowed.contains(&dependency) {
            found.push(format!("crate {name} depends on {dependency}: an arrow that the map does not have"));
        }
    }
    found
}

/// Every source file of the workspace, by path.
fn sources(root: &Path) -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    let mut todo = vec![root.join("crates"), root.join("xtask")];
    while let Some(directory) = todo.pop() {
        for path in list(&directory) {
            if path.is_dir() {
                if path.file_name().is_some_and(|name| name != "target") {
                    todo.push(path);
                }
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = read(&path);
                found.insert(path, text);
            }
        }
    }
    found
}

#[expect(clippy::disallowed_methods, reason = "the rules are about the checkout's files; the map sorts them")]
fn list(directory: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(directory).map(|entries| entries.flatten().map(|entry| entry.path()).collect()).unwrap_or_default()
}

#[expect(clippy::disallowed_methods, reason = "the rules are about the checkout's files")]
fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_house_is_tidy() {
        assert_eq!(violations(&root()), Vec::<String>::new());
    }

    #[test]
    fn broken_rules_are_found() {
        for (path, text, want) in [
            ("crates/x/src/a.rs", "fn main() {}".to_owned(), "does not open with //!"),
            ("crates/x/src/a.rs", format!("//! A room.\n{}", "x\n".repeat(501)), "at most 500"),
            ("crates/ocelet/src/layer/a.rs", "//! A.\nuse crate::ship::Ship;".to_owned(), "imports the room ship/"),
        ] {
            let found = file_rules(path, &text);
            assert!(found.iter().any(|said| said.contains(want)), "{want}: {found:?}");
        }
        let manifest = "[dependencies]\nocelet-oci.workspace = true\n[dev-dependencies]\nocelet-testkit = 1";
        assert_eq!(arrow_rules("ocelet-tree", &[], manifest).len(), 1);
        assert_eq!(file_rules("crates/ocelet/src/ship/a.rs", "//! A.\nuse crate::layer::Layer;").len(), 0);
    }
}
