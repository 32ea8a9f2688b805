//! A locked upx, with a script in its place: locked, mirrored, used without a network, held to its digest and its version;
//! and what was packed once is not packed again.

use ocelet_testkit::{ElfBuilder, files_below, upx};

use crate::place::Place;

const MACHINE: &str = if cfg!(target_arch = "aarch64") { "linux/arm64" } else { "linux/amd64" };

/// A released program that is flagged, and a released upx of version 4.2.4.
fn place() -> Place {
    let place = Place::new();
    let program = ElfBuilder::static_program("linux/amd64").build();
    place.write("releases/tool", &[&program[..], &[0; 4_096]].concat());
    place.write("releases/upx", upx::script("4.2.4", &place.path("upx.log")).as_bytes());
    place.write("x.toml", recipe("4.2.4").as_bytes());
    place
}

fn recipe(version: &str) -> String {
    format!(
        "image = 'x'\nplatforms = ['linux/amd64']\ntag = 'v1'\n\
         [source.tool]\nartifact = 'releases/tool'\ninstall = '/usr/bin/tool'\npack = true\n\
         [tool.upx]\nversion = '{version}'\nplatforms = ['{MACHINE}']\nartifact = 'releases/upx'\n\
         [flavor.x]\ncommands = ['tool']\n"
    )
}

/// How often something was packed.
fn packed(place: &Place) -> usize {
    if place.path("upx.log").exists() { place.text("upx.log").lines().count() } else { 0 }
}

fn assemble(place: &Place, output: &str, words: &[&str]) -> ocelet_testkit::Said {
    let all = [&["assemble", "x.toml", "--locked", "--no-run", "--format", "json", "-o", output][..], words];
    place.run(&all.concat())
}

#[test]
fn a_tool_is_locked_and_mirrored_and_packs_once() {
    let place = place();
    let said = place.run(&["lock", "x.toml"]).succeeds();
    assert!(place.text("x.lock").contains("[[tool]]"), "{}", said.err);
    assert!(!place.path("upx.log").exists(), "locking packs nothing");
    let first = assemble(&place, "one", &[]).succeeds();
    assert!(first.err.contains("less on disk"), "{}", first.err);
    assert_eq!(packed(&place), 1);
    assert_eq!(assemble(&place, "two", &[]).succeeds().digests(), first.digests());
    assert_eq!(packed(&place), 1, "the store has it");
    assert_ne!(assemble(&place, "plain", &["--no-pack"]).code, 0, "--no-run is for what is packed");

    place.run(&["mirror", "x.toml", "--to", "m"]).succeeds();
    assert!(files_below(&place.path("m")).iter().any(|file| file.ends_with("releases/upx")));
    place.remove("releases");
    place.remove("cache");
    let from = ["--offline", "--mirror", "m"];
    assert_eq!(assemble(&place, "three", &from).succeeds().digests(), first.digests());
    assert_eq!(packed(&place), 2, "the store was empty");
}

#[test]
fn another_tool_than_the_locked_one_is_refused() {
    let place = place();
    place.run(&["lock", "x.toml"]).succeeds();
    place.flip("releases/upx", 40, 0);
    place.remove("cache");
    assemble(&place, "one", &[]).fails(3, &["releases/upx"]);
    assert_eq!(packed(&place), 0);
    assert!(!place.path("one").exists(), "nothing is written");

    let place = self::place();
    place.write("x.toml", recipe("4.2.3").as_bytes());
    place.run(&["lock", "x.toml"]).succeeds();
    assemble(&place, "one", &[]).fails(2, &["is upx 4.2.4, and the recipe says 4.2.3"]);
    assert!(!place.path("one").exists(), "nothing is written");
}
