//! Debian sources from the command line: the machine's own by `--apt-root`, a mirror without them, and what is refused.

use ocelet_testkit::deb::{DebBuilder, Repository};
use ocelet_testkit::openpgp::{DAY, SIGNED};

use crate::place::Place;

const RECIPE: &str = "image = 'x'\ntag = 'v1'\nplatforms = ['linux/amd64']\n[source.debian]\ndeb = 'system'\n[flavor.x]\npackages = ['tool']\n";
const LISTED: &str = "deb = ['repo bookworm main']\nkeys = ['keys/first.gpg']";

/// A machine whose apt takes packages from the repository, which is given to a recipe that lists it, too.
fn place(repository: &Repository) -> Place {
    let place = Place::new();
    let built = repository.build();
    built.write_to(&place.path("repo"));
    place.write("machine/etc/apt/trusted.gpg.d/first.gpg", &built.key);
    place.write("keys/first.gpg", &built.key);
    let list = format!("deb file:{} bookworm main\n", place.path("repo").display());
    place.write("machine/etc/apt/sources.list", list.as_bytes());
    place.write("x.toml", RECIPE.as_bytes());
    place.write("listed.toml", RECIPE.replace("deb = 'system'", LISTED).as_bytes());
    place
}

fn repository() -> Repository {
    let tool = DebBuilder::new("tool", "1.0-1", "amd64").directory("usr").file("usr/tool", 0o755, b"tool");
    Repository::new("bookworm").package("main", &tool.build())
}

#[test]
fn the_machines_sources_are_locked_mirrored_and_locked_again_from_the_mirror() {
    let place = place(&repository());
    let machine = ["--apt-root", "machine"];
    place.run(&[&["lock", "x.toml"][..], &machine].concat()).succeeds();
    let text = place.text("x.lock");
    assert!(text.contains("deb = [\"system\"]") && text.contains("version = \"1.0-1\""), "{text}");
    place.run(&[&["mirror", "x.toml", "--to", "m"][..], &machine].concat()).succeeds();
    place.remove("repo");
    place.remove("x.lock");
    place.run_afresh(&[&["lock", "x.toml", "--offline", "--mirror", "m"][..], &machine].concat()).succeeds();
    assert_eq!(place.text("x.lock"), text);
    place.run_afresh(&["lock", "x.toml", "--locked", "--offline"]).succeeds();
    place.remove("machine");
    place.remove("x.lock");
    let said = place.run_afresh(&[&["lock", "x.toml", "--offline"][..], &machine].concat());
    said.fails(4, &["apt has no sources of packages for amd64", "--apt-root"]);
}

#[test]
fn what_cannot_be_trusted_ends_with_three_and_says_what_to_do() {
    let expired = repository().valid_until(SIGNED + DAY);
    let place = place(&expired);
    for (recipe, words) in [
        (
            "x.toml",
            &["apt's source in /etc/apt/sources.list, line 1", "was valid until", "disable it for apt"][..],
        ),
        ("listed.toml", &["repo/dists/bookworm/InRelease was valid until", "snapshot = true"]),
    ] {
        let said = place.run(&["lock", recipe, "--apt-root", "machine"]);
        said.fails(3, words);
    }
}
