//! `pack` and `daemon` of sources.

use super::super::*;
use super::problems::Edit::Source;
use super::problems::check;
use super::{GOOD, good};

const ARTIFACT: &str = "artifact = '/x'\ninstall = '/usr/bin/x'\n";

#[test]
fn what_is_packed_is_known() {
    for (keys, want, daemon) in [
        ("", "", false),
        ("pack = false", "", false),
        ("pack = true", "[] -", false),
        ("pack = 'lzma'", "[] lzma", false),
        ("pack = 'nrv'", "[] nrv", false),
        ("pack = {}", "[] -", false),
        ("pack = { method = 'nrv' }", "[] nrv", false),
        ("pack = { files = ['/usr/bin/*', '/b'] }", "[\"/usr/bin/*\", \"/b\"] -", false),
        ("daemon = true", "", true),
        ("daemon = false\npack = true", "[] -", false),
    ] {
        let recipe = good(&format!("{GOOD}[source.x]\n{ARTIFACT}{keys}")).recipe;
        let source = &recipe.sources["x"];
        let shown = source.pack.as_ref().map_or(String::new(), |pack| {
            let files: Vec<&str> = pack.files.iter().map(|glob| glob.as_str()).collect();
            format!("{files:?} {}", pack.method.map_or("-", PackMethod::as_str))
        });
        assert_eq!((shown.as_str(), source.daemon), (want, daemon), "{keys}");
        let value = &recipe.to_json()["sources"]["x"];
        assert_eq!((value["pack"].is_null(), value["daemon"] == true), (want.is_empty(), daemon));
    }
    let recipe = good(&format!("{GOOD}[source.x]\n{ARTIFACT}pack = true")).recipe;
    let at = recipe.sources["x"].pack.as_ref().expect("flagged").span;
    assert_eq!((at.line, at.column), (14, 1));
}

#[test]
fn what_cannot_be_packed_is_refused() {
    check(&[
        (
            Source("rootfs = '/'\npack = true"),
            &[
                "13:1 missing-key: \"pack\" in [source.x] does not say which programs of the rootfs are packed | write { files = [\"/usr/bin/NAME\"] }",
            ],
        ),
        (
            Source("apk = '/m'\nkeys = 'alpine'\npack = 'lzm'"),
            &["14:8 unknown-name: \"pack\" in [source.x] cannot be \"lzm\" | did you mean \"lzma\"?"],
        ),
        (
            Source("artifact = '/m'\ninstall = '/x'\npack = 1"),
            &[
                "14:8 wrong-type: \"pack\" in [source.x] must be true, false, a word or a table, not a whole number",
            ],
        ),
        (
            Source(
                "artifact = '/m'\ninstall = '/x'\npack = { files = ['x', '/a', '/a'], methd = 'nrv', method = 'zip' }",
            ),
            &[
                "14:19 invalid-path: the pattern \"x\" is relative | write \"/x\"",
                "14:30 duplicate: the pattern \"/a\" is listed twice | remove one",
                "14:37 unknown-key: unknown key \"methd\" in \"pack\" in [source.x] | did you mean \"method\"?",
                "14:61 unknown-name: \"method\" in \"pack\" in [source.x] cannot be \"zip\" | it is one of lzma, nrv",
            ],
        ),
        (
            Source("artifact = '/m'\ninstall = '/x'\npack = { files = [] }"),
            &[
                "14:18 empty: \"files\" in \"pack\" in [source.x] names no file | name patterns or leave it out",
            ],
        ),
        (
            Source("artifact = '/m'\ninstall = '/x'\npack = true\ndaemon = true"),
            &[
                "14:1 conflict: [source.x] packs programs that it says run for long | remove it: a packed daemon cannot share its memory with another, nor give it back",
            ],
        ),
        (
            Source("text = 'x'\ninstall = '/x'\npack = true\ndaemon = true"),
            &[
                "14:1 misplaced-key: \"pack\" has no meaning in [source.x], which is a text | remove it",
                "14:1 conflict: [source.x] packs programs that it says run for long | remove it: a packed daemon cannot share its memory with another, nor give it back",
                "15:1 misplaced-key: \"daemon\" has no meaning in [source.x], which is a text | remove it",
            ],
        ),
    ]);
}
