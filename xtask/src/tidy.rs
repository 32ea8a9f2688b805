//! The house rules that no compiler knows: every file says what it is for, no room is too large, crates and
//! rooms import only what the map allows, and the documents name what exists.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::shell::{list, read_text, root};
use crate::{Outcome, TASKS};

/// The most lines that a source file may have, its tests not counted.
const LONGEST_FILE: usize = 500;

/// Which crates of the workspace each crate may depend on, beside development.
const ARROWS: &[(&str, &[&str])] = &[
    ("ocelet-tree", &[]),
    ("ocelet-elf", &["ocelet-tree"]),
    ("ocelet-oci", &["ocelet-tree"]),
    ("ocelet-package", &["ocelet-tree"]),
    ("ocelet-net", &[]),
    ("ocelet-launch", &[]),
    ("ocelet", &["ocelet-tree", "ocelet-elf", "ocelet-oci", "ocelet-package", "ocelet-net", "ocelet-launch"]),
    ("ocelet-cli", &["ocelet"]),
    ("ocelet-testkit", &["ocelet-tree", "ocelet-elf", "ocelet-oci"]),
];

/// The rooms of the hallway in walking order: each may import only those before it.
const ROOMS: &[&str] =
    &["recipe", "resolve", "lock", "fetch", "unpack", "close", "shrink", "layer", "image", "ship", "report"];
/// What stands beside the hallway, and may import every room.
const BESIDE: &[&str] = &[
    "assemble.rs",
    "error.rs",
    "event.rs",
    "exit.rs",
    "finished",
    "host",
    "lib.rs",
    "locking",
    "packing.rs",
    "profile.rs",
];
/// What stands beside the hallway and is needed by no room.
const BEHIND: &[&str] = &["assemble", "finished", "locking", "packing"];
/// Documents that name tasks.
const DOCUMENTS: &[&str] = &["ARCHITECTURE.md", "CHANGELOG.md", "LIMITS.md", "README.md", ".ci/run"];

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
    found.extend(place_rules(
        "crates",
        &names(&root.join("crates")),
        &ARROWS.iter().map(|(name, _)| *name).collect::<Vec<_>>(),
    ));
    let known: Vec<&str> = ROOMS.iter().chain(BESIDE).copied().collect();
    found.extend(place_rules("crates/ocelet/src", &names(&root.join("crates/ocelet/src")), &known));
    for (name, allowed) in ARROWS {
        match read_text(&root.join("crates").join(name).join("Cargo.toml")) {
            Ok(manifest) => found.extend(arrow_rules(name, allowed, &manifest)),
            Err(error) => found.push(error),
        }
    }
    let map = text(root, "ARCHITECTURE.md");
    let rooms = ROOMS.iter().map(|room| format!("`{room}/`"));
    for name in rooms.chain(ARROWS.iter().map(|(name, _)| format!("`{name}`"))) {
        if !map.contains(&name) {
            found.push(format!("ARCHITECTURE.md does not name {name}"));
        }
    }
    for document in DOCUMENTS {
        found.extend(task_rules(document, &text(root, document)));
    }
    found
}

/// A document's text; nothing where it is not there.
fn text(root: &Path, document: &str) -> String {
    read_text(&root.join(document)).unwrap_or_default()
}

fn file_rules(shown: &str, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    if !text.starts_with("//!") {
        found.push(format!("{shown} does not open with //! and what it is for"));
    }
    let code = without_tests(text);
    let lines = code.lines().count();
    let is_test = shown.contains("/tests/") || shown.ends_with("/tests.rs");
    if lines > LONGEST_FILE && !is_test {
        found.push(format!("{shown} has {lines} lines; at most {LONGEST_FILE}"));
    }
    for word in ["todo!(", "unimplemented!(", "#[ignore", "FIXME"] {
        if text.contains(word) && !shown.ends_with("tidy.rs") {
            found.push(format!("{shown} has {word}"));
        }
    }
    if let Some(room) = shown.strip_prefix("crates/ocelet/src/").and_then(|rest| rest.split('/').next()) {
        found.extend(room_rules(shown, room, code));
    }
    found
}

/// A file's text up to its tests, which stand at its end.
fn without_tests(text: &str) -> &str {
    let inline = text.match_indices("#[cfg(test)]\nmod ").find(|(at, _)| {
        let line = text[*at..].lines().nth(1).unwrap_or_default();
        line.ends_with('{')
    });
    inline.map_or(text, |(at, _)| &text[..at])
}

fn room_rules(shown: &str, room: &str, code: &str) -> Vec<String> {
    let Some(place) = ROOMS.iter().position(|other| *other == room) else { return Vec::new() };
    let imported = imports(code);
    let later = ROOMS[place + 1..].iter().filter(|later| imported.contains(later));
    let later = later.map(|later| format!("{shown} imports the room {later}/, which comes after {room}/"));
    let behind = BEHIND.iter().filter(|name| imported.contains(name));
    later.chain(behind.map(|name| format!("{shown} imports {name}, which no room needs"))).collect()
}

/// The first names of everything that is written `crate::NAME` or `crate::{NAME, …}`.
fn imports(code: &str) -> Vec<&str> {
    let first = |path: &'_ str| -> usize {
        path.find(|letter: char| !letter.is_alphanumeric() && letter != '_').unwrap_or(path.len())
    };
    let mut found = Vec::new();
    for (at, before) in code.match_indices("crate::") {
        let path = &code[at + before.len()..];
        match path.strip_prefix('{') {
            None => found.push(&path[..first(path)]),
            Some(list) => {
                let (mut depth, mut start) = (0, 0);
                for (end, letter) in list.char_indices() {
                    match letter {
                        '{' => depth += 1,
                        '}' if depth > 0 => depth -= 1,
                        ',' | '}' if depth == 0 => {
                            let name = list[start..end].trim();
                            found.push(&name[..first(name)]);
                            start = end + 1;
                            if letter == '}' {
                                break;
                            }
                        }
                        _ => {}
                    }
                }
            }
        }
    }
    found
}

/// Everything in a directory has its place in the map, and the reverse.
fn place_rules(directory: &str, names: &[String], known: &[&str]) -> Vec<String> {
    let strangers = names.iter().filter(|name| !known.contains(&name.as_str()));
    let strangers =
        strangers.map(|name| format!("{directory}/{name} has no place in the map: xtask/src/tidy.rs"));
    let gone = known.iter().filter(|known| !names.iter().any(|name| name == *known));
    strangers
        .chain(gone.map(|known| format!("{directory}/{known} is in the map and does not exist")))
        .collect()
}

fn arrow_rules(name: &str, allowed: &[&str], manifest: &str) -> Vec<String> {
    let manifest: toml::Table = match manifest.parse() {
        Ok(manifest) => manifest,
        Err(error) => return vec![format!("the manifest of {name} cannot be read: {error}")],
    };
    let targets = manifest.get("target").and_then(toml::Value::as_table);
    let targets = targets.into_iter().flat_map(|targets| targets.values()).filter_map(toml::Value::as_table);
    let mut found = Vec::new();
    for table in targets.chain([&manifest]) {
        for kind in ["dependencies", "build-dependencies"] {
            let Some(dependencies) = table.get(kind).and_then(toml::Value::as_table) else { continue };
            let strange = dependencies.keys().filter(|other| other.starts_with("ocelet"));
            let strange = strange.filter(|other| !allowed.contains(&other.as_str()));
            found.extend(strange.map(|other| {
                format!("crate {name} depends on {other}: an arrow that the map does not have")
            }));
        }
    }
    found
}

/// A document names no task that does not exist.
fn task_rules(document: &str, text: &str) -> Vec<String> {
    let words = text.match_indices("cargo xtask ").map(|(at, before)| {
        let rest = &text[at + before.len()..];
        let end =
            rest.find(|letter: char| !letter.is_ascii_lowercase() && letter != '-').unwrap_or(rest.len());
        &rest[..end]
    });
    words
        .filter(|word| !word.is_empty() && TASKS.iter().all(|(name, _, _)| name != word))
        .map(|word| format!("{document} names the task {word}, which does not exist"))
        .collect()
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
                // A file that is not text breaks the first rule.
                let text = read_text(&path).unwrap_or_default();
                found.insert(path, text);
            }
        }
    }
    found
}

fn names(directory: &Path) -> Vec<String> {
    let names = list(directory)
        .into_iter()
        .filter_map(|path| path.file_name().map(|name| name.to_string_lossy().into_owned()));
    names.collect()
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
        let long = |lines: usize| "x\n".repeat(lines);
        let tests = "#[cfg(test)]\nmod tests {\n";
        for (path, text, want) in [
            ("crates/x/src/a.rs", "fn main() {}".to_owned(), "does not open with //!"),
            ("crates/x/src/a.rs", format!("//! A.\n{}", long(500)), "has 501 lines; at most 500"),
            ("crates/x/src/a.rs", format!("//! A.\n#[cfg(test)]\nmod tests;\n{}", long(500)), "at most 500"),
            ("crates/x/src/a.rs", format!("//! A.\n{}{tests}", long(500)), "at most 500"),
            ("crates/x/src/a.rs", "//! A.\n// FIXME".to_owned(), "has FIXME"),
            (
                "crates/ocelet/src/layer/a.rs",
                "//! A.\nuse crate::ship::Ship;".to_owned(),
                "imports the room ship/",
            ),
            ("crates/ocelet/src/layer/a.rs", "//! A.\nuse crate::ship;".to_owned(), "imports the room ship/"),
            (
                "crates/ocelet/src/layer/a.rs",
                "//! A.\nuse crate::{host::{A, B}, ship::C};".to_owned(),
                "imports the room ship/",
            ),
            (
                "crates/ocelet/src/layer/a.rs",
                "//! A.\nuse crate::{error, ship};".to_owned(),
                "imports the room ship/",
            ),
            (
                "crates/ocelet/src/layer/a.rs",
                "//! A.\nuse crate::finished::A;".to_owned(),
                "which no room needs",
            ),
        ] {
            let found = file_rules(path, &text);
            assert!(found.len() == 1 && found[0].contains(want), "{want}: {found:?}");
        }
    }

    #[test]
    fn what_keeps_the_rules_is_not_found() {
        for (path, text) in [
            ("crates/x/src/a.rs", format!("//! A.\n{}", "x\n".repeat(499))),
            ("crates/x/src/a.rs", format!("//! A.\n#[cfg(test)]\nmod tests {{\n{}}}", "x\n".repeat(600))),
            ("crates/x/src/tests.rs", format!("//! A.\n{}", "x\n".repeat(600))),
            ("crates/ocelet/src/ship/a.rs", "//! A.\nuse crate::{image, layer::{ship, Layer}};".to_owned()),
            (
                "crates/ocelet/src/close/a.rs",
                "//! A.\n#[cfg(test)]\nmod tests {\nuse crate::ship;".to_owned(),
            ),
        ] {
            assert_eq!(file_rules(path, &text), Vec::<String>::new());
        }
    }

    #[test]
    fn arrows_places_and_tasks() {
        for (manifest, want) in [
            ("[dependencies]\nocelet-oci.workspace = true\n[dev-dependencies]\nocelet-testkit = \"1\"", 1),
            ("[dependencies.ocelet-oci]\nworkspace = true", 1),
            (
                "[target.'cfg(unix)'.dependencies]\nocelet-oci = \"1\"\n[build-dependencies]\nocelet-elf = \"1\"",
                2,
            ),
            ("[dependencies]\nserde = \"1\"\nocelet-tree = \"1\"", 0),
            ("[dependencies", 1),
        ] {
            assert_eq!(arrow_rules("ocelet-elf", &["ocelet-tree"], manifest).len(), want, "{manifest}");
        }
        let names = ["room".to_owned(), "stranger".to_owned()];
        assert_eq!(place_rules("src", &names, &["room", "gone"]).len(), 2);
        assert_eq!(
            task_rules("README.md", "cargo xtask assemble, `cargo xtask nothing`; cargo xtask TASK").len(),
            1
        );
    }
}
