//! `ocelet lock`: what it writes beside the recipe, what it only shows, and what it refuses.

use serde_json::Value;

use crate::place::{Place, built, wanting};

fn place() -> Place {
    let place = Place::new();
    place.repository(&[built("tool", "1.0-r0"), built("other", "1.0-r0")]);
    place.write("x.toml", &wanting("'tool'"));
    place
}

#[test]
fn a_lock_is_written_once_and_then_fits() {
    let place = place();
    let first = place.run(&["lock", "x.toml"]).succeeds();
    assert_eq!(first.out, "");
    assert!(first.err.contains("Locked 1 packages, 0 artifacts in x.lock"), "{}", first.err);
    let text = place.text("x.lock");
    assert!(text.starts_with("# Written by `ocelet lock`"), "{text}");
    for arguments in
        [&["lock", "x.toml"][..], &["lock", "x.toml", "--locked"], &["lock", "x.toml", "--offline"]]
    {
        let again = place.run_afresh(arguments).succeeds();
        assert!(again.err.contains("Fresh x.lock answers the recipe"), "{arguments:?}: {}", again.err);
        assert!(!again.err.contains("Fetched"), "{arguments:?}: {}", again.err);
        assert_eq!(place.text("x.lock"), text, "{arguments:?}");
    }
}

#[test]
fn a_lock_may_lie_elsewhere() {
    let place = place();
    place.run(&["lock", "x.toml", "--lock", "one.lock"]).succeeds();
    place.write("x.toml", &wanting("'tool', 'other'"));
    let said = place.run(&["lock", "x.toml", "--lock", "two.lock"]).succeeds();
    assert!(said.err.contains("in two.lock"), "{}", said.err);
    assert!(!place.text("one.lock").contains("other-1.0-r0.apk"));
    for command in [&["lock"][..], &["assemble", "--allow-missing"], &["mirror", "--to", "m"]] {
        let with = |lock| place.run(&[command, &["x.toml", "--locked", "--lock", lock]].concat());
        with("one.lock").fails(1, &["does not answer the recipe"]);
        with("two.lock").succeeds();
        place.run(&[command, &["x.toml", "--locked"]].concat()).fails(1, &["the recipe has no lock"]);
    }
}

#[test]
fn locked_refuses_a_lock_that_does_not_fit_and_shows_the_difference() {
    let place = place();
    for command in [&["lock"][..], &["assemble"], &["mirror", "--to", "m"]] {
        let arguments = [command, &["x.toml", "--locked"]].concat();
        place.run(&arguments).fails(1, &["the recipe has no lock"]);
    }
    place.run(&["lock", "x.toml"]).succeeds();
    let text = place.text("x.lock");
    place.write("x.toml", &wanting("'tool', 'other'"));
    for command in [&["lock"][..], &["assemble"], &["mirror", "--to", "m"]] {
        let arguments = [command, &["x.toml", "--locked"]].concat();
        place
            .run(&arguments)
            .fails(1, &["does not answer the recipe", "source alpine for linux/amd64: +other"]);
        assert_eq!(place.text("x.lock"), text, "{arguments:?}");
    }
    place.run(&["lock", "x.toml"]).succeeds();
    assert!(place.text("x.lock").contains("other-1.0-r0.apk"));
}

#[test]
fn updates_take_what_is_named_and_can_be_shown_before() {
    let place = place();
    place.write("x.toml", &wanting("'tool', 'other'"));
    place.run(&["lock", "x.toml"]).succeeds();
    let before = place.text("x.lock");
    place.write("old.lock", before.as_bytes());
    let all = [
        built("tool", "1.0-r0"),
        built("tool", "1.1-r0"),
        built("other", "1.0-r0"),
        built("other", "2.0-r0"),
    ];
    place.repository(&all);

    let plan = place.run(&["lock", "x.toml", "--plan", "--update", "--format", "json"]).succeeds();
    let plan: Value = serde_json::from_str(&plan.out).expect("JSON");
    assert_eq!((plan["listed"].as_u64(), plan["packages"][0]["version"].as_str()), (Some(4), Some("2.0-r0")));
    let shown = place.run(&["lock", "x.toml", "--update", "--diff"]).succeeds();
    assert!(shown.out.contains("~ other 1.0-r0 -> 2.0-r0 (alpine: linux/amd64)"), "{}", shown.out);
    assert_eq!(place.text("x.lock"), before, "nothing was written");

    place.run(&["lock", "x.toml", "--update", "tool"]).succeeds();
    let after = place.text("x.lock");
    assert!(after.contains("tool-1.1-r0.apk") && after.contains("other-1.0-r0.apk"), "{after}");
    let shown = place.run(&["lock", "x.toml", "--diff", "old.lock"]).succeeds();
    assert!(shown.out.starts_with("~ tool 1.0-r0 -> 1.1-r0 (alpine: linux/amd64), "), "{}", shown.out);
    assert_eq!(shown.out.lines().count(), 1, "{}", shown.out);
    place.run(&["lock", "x.toml", "--update"]).succeeds();
    assert!(place.text("x.lock").contains("other-2.0-r0.apk"));
    let same = place.run(&["lock", "x.toml", "--update", "--diff"]).succeeds();
    assert_eq!(same.out, "nothing changes\n");
}

#[test]
fn a_lock_that_cannot_be_used_is_named() {
    let place = place();
    place.run(&["lock", "x.toml"]).succeeds();
    let text = place.text("x.lock");
    for (from, to, code, words) in [
        ("version = 1\n", "version = 9\n", 1, "the lock has version 9, and this ocelet reads version 1"),
        ("size = ", "size = -", 1, "the lock cannot be read"),
        ("[[package]]", "[[pakcage]]", 1, "the lock cannot be read"),
        ("path = \"local/", "path = \"../", 1, "cannot be a place in a mirror"),
        ("sha256 = \"", "sha256 = \"g", 1, "not 64 hexadecimal digits"),
        ("# Written", "\u{0}# Written", 1, "the lock cannot be read"),
    ] {
        place.write("x.lock", text.replace(from, to).as_bytes());
        for command in ["lock", "assemble"] {
            place.run(&[command, "x.toml"]).fails(code, &["cannot use x.lock", words]);
        }
    }
    place.write("x.lock", b"\xff\xfe");
    place.run(&["lock", "x.toml"]).fails(4, &["cannot read x.lock: byte 0 is not UTF-8"]);
}
