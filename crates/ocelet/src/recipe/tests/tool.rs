//! `[tool.upx]`.

use super::super::*;
use super::{GOOD, good};

#[test]
fn a_tool_is_for_machines_and_not_for_images() {
    let text = format!(
        "{GOOD}[tool.upx]\nversion = '4.2.4'\nartifact = '/upx-{{arch}}.tar.xz'\nmember = 'upx-{{arch}}/upx'\narch = {{ 'linux/arm64' = 'aarch64' }}\n"
    );
    let recipe = good(&text).recipe;
    let tool = recipe.upx.as_ref().expect("it is there");
    let machines: Vec<String> = tool.platforms.iter().map(|platform| platform.value.to_string()).collect();
    assert_eq!(machines, ["linux/amd64", "linux/arm64"]);
    assert_eq!(tool.version.as_ref().map(|version| version.value.as_str()), Some("4.2.4"));
    for (machine, location, member) in [
        ("linux/amd64", "/upx-amd64.tar.xz", "upx-amd64/upx"),
        ("linux/arm64", "/upx-aarch64.tar.xz", "upx-aarch64/upx"),
    ] {
        let machine: Platform = machine.parse().expect("known");
        let artifact = tool.artifact_for(&machine);
        assert_eq!(artifact.location_for(&machine).to_string(), location);
        let members: Vec<&str> = artifact.members.iter().map(|glob| glob.as_str()).collect();
        assert_eq!(members, [member]);
    }
    assert!(good(GOOD).recipe.upx.is_none());
}

#[test]
fn what_is_no_tool_is_refused() {
    for (keys, want) in [
        ("version = '4.2.4'", r#""upx" in "tool" lacks the key "artifact""#),
        ("artifact = '/x'\nmember = '/upx'", "the member \"/upx\" is absolute"),
        ("artifact = '/x'\nplatforms = ['linux/amd65']", "linux/amd65"),
        ("artifact = '/x'\ninstall = '/upx'", r#"unknown key "install" in "upx" in "tool""#),
        ("artifact = '/x'\nsha256 = { 'linux/amd64' = 'abc' }", "\"abc\" is not a SHA-256"),
    ] {
        let text = format!("{GOOD}[tool.upx]\n{keys}\n");
        let problems = parse(&text, &super::context(&[])).expect_err("it is refused").render("recipe", &text);
        assert!(problems.contains(want), "{keys}: {problems}");
    }
}
