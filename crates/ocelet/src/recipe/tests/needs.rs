//! Needs packs in flavors.

use super::super::parse::parse_with;
use super::super::*;
use super::{GOOD, context};

const PACKS: &[(&str, &str)] = &[
    (
        "node",
        r#"
summary = "a node"
variables = ["kubernetes"]
[[command]]
name = "du"
when = "kubernetes < 1.22"
reason = "sizes"
source = "https://e.org/du"
not-from = ["busybox"]
[[command]]
name = "mount"
reason = "node mounts"
source = "https://e.org/mount"
not-from = ["busybox"]
[[file]]
path = "/etc/node"
optional = true
reason = "configuration"
source = "https://e.org/etc"
[[rule]]
name = "nss"
reason = "names"
source = "https://e.org/nss"
"#,
    ),
    (
        "disk",
        r#"
summary = "disks"
variables = []
[[command]]
name = "mount"
optional = true
reason = "disks are mounted"
source = "https://e.org/disk"
not-from = ["toybox"]
[[command]]
name = "blkid"
reason = "disks are asked"
source = "https://e.org/blkid"
"#,
    ),
];

fn parsed(flavors: &str, kubernetes: &str) -> Result<Recipe, String> {
    let text = GOOD
        .replace("{ tools = \"1.0\" }", &format!("{{ tools = '1', kubernetes = '{kubernetes}' }}"))
        + flavors;
    parse_with(&text, &context(&[]), PACKS)
        .map(|parsed| parsed.recipe)
        .map_err(|problems| problems.to_string().replace("the recipe has ", ""))
}

/// Each wish as `name?!ruled-out(reason)`.
fn shown(flavors: &str, kubernetes: &str) -> String {
    let recipe = parsed(flavors, kubernetes).unwrap_or_else(|error| panic!("{flavors}: {error}"));
    let flavor = &recipe.flavors["x"];
    let one = |name: &str, wish: &Wish| {
        let ruled_out: Vec<&str> = wish.not_from.iter().map(String::as_str).collect();
        let ruled_out =
            if ruled_out.is_empty() { String::new() } else { format!("!{}", ruled_out.join("!")) };
        let optional = if wish.optional { "?" } else { "" };
        let flavor = wish.flavor.as_str();
        format!("{name}{optional}{ruled_out}({}, {flavor})", wish.reason.as_deref().unwrap_or("-"))
    };
    let commands = flavor.commands.iter().map(|(name, wish)| one(name.as_str(), wish));
    let files = flavor.files.iter().map(|(glob, wish)| one(glob.as_str(), wish));
    let rules = flavor.rules.iter().map(|(name, wish)| one(name.as_str(), wish));
    commands.chain(files).chain(rules).collect::<Vec<_>>().join(" ")
}

#[test]
fn packs_become_wishes() {
    let all = "mount!busybox(node mounts, x) /etc/node?(configuration, x) nss(names, x)";
    let disk = "blkid(disks are asked, x) mount?!toybox(disks are mounted, x)";
    for (flavors, kubernetes, want) in [
        ("[flavor.x]\nneeds = ['node']", "1.22.0", all),
        ("[flavor.x]\nneeds = ['node']", "1.21.9", &*format!("du!busybox(sizes, x) {all}")),
        ("[flavor.x]\nneeds = ['disk']", "1", disk),
        // A line of several packs is required where one requires it, and all rule out what they do.
        (
            "[flavor.x]\nneeds = ['disk', 'node']\nremove = { files = ['/etc/node'], rules = ['nss'] }",
            "1.30",
            "blkid(disks are asked, x) mount!busybox!toybox(node mounts, x)",
        ),
        // Its own word wins, but not over what must not answer unless it says so.
        (
            "[flavor.x]\nneeds = ['disk']\ncommands = ['mount']",
            "1",
            "blkid(disks are asked, x) mount!toybox(-, x)",
        ),
        (
            "[flavor.x]\nneeds = ['disk']\ncommands = [{ name = 'mount', not-from = ['sh'], reason = 'r' }]",
            "1",
            "blkid(disks are asked, x) mount!sh(r, x)",
        ),
        // What is removed is gone, also where the condition took it away before.
        (
            "[flavor.x]\nneeds = ['disk', 'node']\nremove = { commands = ['mount', 'du'], files = ['/etc/node'] }",
            "1.30",
            "blkid(disks are asked, x) nss(names, x)",
        ),
        (
            "[flavor.y]\nneeds = ['disk']\n[flavor.x]\nextends = 'y'",
            "1",
            "blkid(disks are asked, y) mount?!toybox(disks are mounted, y)",
        ),
        (
            "[flavor.y]\nneeds = ['disk', 'node']\n[flavor.x]\nextends = 'y'\nremove = { needs = ['node'] }",
            "1",
            "blkid(disks are asked, y) mount?!toybox(disks are mounted, y)",
        ),
        (
            "[flavor.y]\nneeds = ['disk']\ncommands = ['mount', 'sh']\n[flavor.x]\nextends = 'y'\nremove = { needs = ['disk'] }",
            "1",
            "mount!toybox(-, y) sh(-, y)",
        ),
    ] {
        assert_eq!(shown(flavors, kubernetes), want, "{flavors}");
    }
}

#[test]
fn unknown_packs_and_variables_are_told() {
    for (flavors, want) in [
        ("[flavor.x]\nneeds = ['nod']", "1 error: line 12: unknown needs pack \"nod\""),
        ("[flavor.x]\nneeds = ['disk', 'disk']", "1 error: line 12: the needs pack \"disk\" is listed twice"),
        (
            "[flavor.x]\nneeds = ['disk']\nremove = { needs = ['disk'] }",
            "1 error: line 13: the flavor \"x\" both adds and removes the needs pack \"disk\"",
        ),
        (
            "[flavor.x]\ncommands = ['a']\nremove = { needs = ['node'] }",
            "1 error: line 13: the needs pack \"node\" cannot be removed: the flavor \"x\" does not inherit it",
        ),
        (
            "[flavor.x]\nneeds = ['disk']\nremove = { commands = ['du'] }",
            "1 error: line 13: the command \"du\" cannot be removed: the flavor \"x\" does not inherit it",
        ),
    ] {
        assert_eq!(parsed(flavors, "1.2").err().as_deref(), Some(want), "{flavors}");
    }
    let text = format!("{GOOD}[flavor.x]\nneeds = ['node']\n");
    let problems = parse_with(&text, &context(&[]), PACKS).expect_err("no variable").to_string();
    assert_eq!(
        problems,
        "the recipe has 1 error: line 12: the needs pack \"node\" asks for the variable \"kubernetes\", which the recipe lacks"
    );
    let text = text.replace("tools = \"1.0\"", "tools = \"1.0\", kubernetes = 'x'");
    let problems = parse_with(&text, &context(&[]), PACKS).expect_err("no version").to_string();
    assert!(
        problems.ends_with("line 12: the variable \"kubernetes\" is \"x\", which is no version"),
        "{problems}"
    );
}
