//! What bad recipes are told: the top level, variables and sources; and how it looks.

use super::super::*;
use super::{GOOD, context, read};
use Edit::{Flavor, Head, Other, Replace, Source};

/// What makes the good recipe a bad one.
#[derive(Debug, Clone, Copy)]
pub(super) enum Edit {
    /// Another text in the place of one.
    Replace(&'static str, &'static str),
    /// Lines above it.
    Head(&'static str),
    /// More of its flavor.
    Flavor(&'static str),
    /// A source `x`.
    Source(&'static str),
    /// A flavor `x`.
    Other(&'static str),
}

impl Edit {
    fn apply(self) -> String {
        match self {
            Replace(one, other) => {
                assert!(GOOD.contains(one), "{one}");
                GOOD.replacen(one, other, 1)
            }
            Head(lines) => format!("{lines}\n{GOOD}"),
            Flavor(lines) => format!("{GOOD}{lines}\n"),
            Source(lines) => format!("{GOOD}[source.x]\n{lines}\n"),
            Other(lines) => format!("{GOOD}[flavor.x]\n{lines}\n"),
        }
    }
}

/// Problems in one line each: `line:column code: message | label`.
fn told(text: &str, context: &Context) -> Vec<String> {
    let problems = match parse(text, context) {
        Ok(parsed) => parsed.warnings,
        Err(problems) => problems,
    };
    let told = problems.iter().map(|problem| {
        let place = problem.span.map_or("-".to_owned(), |span| format!("{}:{}", span.line, span.column));
        let label = if problem.label.is_empty() { String::new() } else { format!(" | {}", problem.label) };
        format!("{place} {}: {}{label}", problem.code.as_str(), problem.message)
    });
    told.collect()
}

pub(super) fn check(cases: &[(Edit, &[&str])]) {
    for (edit, want) in cases {
        let text = edit.apply();
        assert_eq!(told(&text, &context(&[])), *want, "{text}");
    }
}

#[test]
fn six_mistakes_are_six_problems() {
    let text = "image = \"tools\"\nplatforms = [\"linux/amd46\"]\ntag = \"v{tols}\"\n\n[versions]\ntools = \"1.0\"\n\n\
        [source.host]\nrootfs = \"/\"\nstabilty = \"base\"\n\n[flavor.tools]\ncomands = [\"mount\"]\nrules = [\"xtable\"]\n\n\
        [flavor.more]\nextends = \"tool\"\n";
    let want = r#"error: "linux/amd46" has the unknown architecture "amd46"
 --> recipes/x.toml:2:14
  |
2 | platforms = ["linux/amd46"]
  |              ^^^^^^^^^^^^^ did you mean "linux/amd64"?

error: unknown variable "tols"
 --> recipes/x.toml:3:9
  |
3 | tag = "v{tols}"
  |         ^^^^^^ did you mean "tools"?

error: unknown key "stabilty" in [source.host]
  --> recipes/x.toml:10:1
   |
10 | stabilty = "base"
   | ^^^^^^^^ did you mean "stability"?

error: unknown key "comands" in [flavor.tools]
  --> recipes/x.toml:13:1
   |
13 | comands = ["mount"]
   | ^^^^^^^ did you mean "commands"?

error: unknown rule pack "xtable"
  --> recipes/x.toml:14:10
   |
14 | rules = ["xtable"]
   |          ^^^^^^^^ did you mean "xtables"?

error: unknown flavor "tool"
  --> recipes/x.toml:17:11
   |
17 | extends = "tool"
   |           ^^^^^^ did you mean "tools"?
"#;
    let problems = read(text).expect_err("six mistakes");
    assert_eq!(problems.len(), 6);
    assert_eq!(problems.render("recipes/x.toml", text), want);
    let nearest: Vec<_> =
        problems.to_json().as_array().expect("a list").iter().map(|one| one["nearest"].clone()).collect();
    assert_eq!(nearest, ["linux/amd64", "tools", "stability", "commands", "xtables", "tools"]);
}

#[test]
fn notes_show_the_other_place() {
    let text = GOOD.replace("umount?", "mount?");
    let want = r#"error: the command "mount" is listed twice
  --> x.toml:10:22
   |
10 | commands = ["mount", "mount?"]
   |                      ^^^^^^^^ remove one
note: first listed here
  --> x.toml:10:13
   |
10 | commands = ["mount", "mount?"]
   |             ^^^^^^^
"#;
    assert_eq!(read(&text).expect_err("a double").render("x.toml", &text), want);
    let text =
        GOOD.replace("versions = { tools = \"1.0\" }", "parameters.tools = { help = \"the version\" }");
    let want = r#"error: the parameter "tools" has no value
 --> x.toml:3:9
  |
3 | tag = "v{tools}{-flavor}"
  |         ^^^^^^^ give it with --set tools=VALUE
note: tools: the version
 --> x.toml:4:12
  |
4 | parameters.tools = { help = "the version" }
  |            ^^^^^
"#;
    assert_eq!(read(&text).expect_err("no value").render("x.toml", &text), want);
    let problems = parse(GOOD, &context(&[("tols", "1")])).expect_err("no such variable");
    let want = r#"error: the recipe has no variable "tols", which --set gives a value
  = did you mean "tools"?
"#;
    assert_eq!(problems.render("x.toml", GOOD), want);
    assert_eq!(
        problems.to_string(),
        "the recipe has 1 error: the recipe has no variable \"tols\", which --set gives a value"
    );
}

#[test]
fn what_set_gives_is_checked() {
    for (set, want) in [
        (
            ("tools", "a\nb"),
            "- invalid-value: the value that --set gives to \"tools\" has a control character or line break",
        ),
        (
            ("tools", "a b"),
            "3:7 invalid-name: \"va b\" cannot be a tag: it has letters, digits, '_', '.' and '-', begins with none of the last two, at most 128 characters",
        ),
    ] {
        assert_eq!(told(GOOD, &context(&[set])), [want]);
    }
}

#[test]
fn an_empty_recipe_lacks_everything() {
    assert_eq!(
        told("", &context(&[])),
        [
            "1:1 missing-key: the recipe lacks the key \"image\" | add image = \"tools\"",
            "1:1 missing-key: the recipe lacks the key \"platforms\" | add platforms = [\"linux/amd64\"]",
            "1:1 missing-key: the recipe lacks the key \"tag\" | add tag = \"v1{-flavor}\"",
            "1:1 missing-key: the recipe lacks the key \"flavor\" | add flavor = { a = { commands = [\"sh\"] } }",
            "1:1 empty: the recipe has no source | add a table like [source.host] with rootfs = \"/\"",
        ]
    );
}

const CASES: &[(Edit, &[&str])] = &[
    (
        Head("versions2 = 1"),
        &["1:1 unknown-key: unknown key \"versions2\" at the top level | did you mean \"versions\"?"],
    ),
    (
        Replace("{ tools = \"1.0\" }", "5"),
        &["4:12 wrong-type: \"versions\" must be a table of texts, not a whole number"],
    ),
    (
        Replace("[source.host]\nrootfs", "[source.host]\nrootsf"),
        &["7:1 unknown-key: unknown key \"rootsf\" in [source.host] | did you mean \"rootfs\"?"],
    ),
    (Head("parameters.x = 1"), &["1:16 wrong-type: [parameters.x] must be a table, not a whole number"]),
    (
        Replace("versions = { tools = \"1.0\" }", "parameters.tools = { help = 'the version' }"),
        &["3:9 missing-parameter: the parameter \"tools\" has no value | give it with --set tools=VALUE"],
    ),
    (
        Replace(
            "versions = { tools = \"1.0\" }",
            "parameters.tools = { help = 'the version', default = 'betta', choices = ['alpha', 'beta'] }",
        ),
        &["4:54 unknown-name: the parameter \"tools\" cannot be \"betta\" | did you mean \"beta\"?"],
    ),
    (
        Replace(
            "versions = { tools = \"1.0\" }",
            "versions.tools = '1'\nparameters.tools = { help = 'the version' }",
        ),
        &["5:12 duplicate: \"tools\" is both a version and a parameter"],
    ),
    (
        Source("text = 'a'\ninstal = '/a'"),
        &["13:1 unknown-key: unknown key \"instal\" in [source.x] | did you mean \"install\"?"],
    ),
    (
        Source("text = 'a'\ninstall = '/a'\nmod = '0644'"),
        &["14:1 unknown-key: unknown key \"mod\" in [source.x] | did you mean \"mode\"?"],
    ),
    (
        Source("file = '{flavor}'\ninstall = '/{arch}'"),
        &[
            "12:9 misplaced-variable: the variable \"flavor\" has no value here: sources are shared by all flavors | only texts of flavors and the tag know it",
            "13:13 misplaced-variable: the variable \"arch\" has no value here: one tag and one configuration serve all platforms | only the places and texts of sources know it",
        ],
    ),
    (
        Replace("rootfs = \"/\"", "rootfs = \"{roots}\\u0041\""),
        &[
            "7:10 unknown-variable: unknown variable \"roots\" | define it in [versions] or [parameters]; write \"{{\" for a brace",
        ],
    ),
    (
        Source("text = \"a\\u0000\"\ninstall = '/a'"),
        &["12:8 invalid-value: \"text\" in [source.x] has a NUL character"],
    ),
    (
        Replace("\"tools\"\n", "\"to\\tols\"\n"),
        &["1:9 invalid-value: \"image\" has a control character or line break"],
    ),
    (
        Replace("image", "imge"),
        &["1:1 unknown-key: unknown key \"imge\" at the top level | did you mean \"image\"?"],
    ),
    (
        Replace("\"tools\"\n", "\"Tools\"\n"),
        &[
            "1:9 invalid-name: \"Tools\" cannot be the name of an image: it has lowercase letters and digits, joined by '.', '_', '__', hyphens or '/', at most 255 characters | write \"tools\"",
        ],
    ),
    (
        Replace("\"tools\"\n", "5\n"),
        &["1:9 wrong-type: \"image\" must be text, not a whole number | write \"5\""],
    ),
    (
        Replace("\"tools\"\n", "\"\"\n"),
        &["1:9 invalid-value: \"image\" is empty | give a value or leave \"image\" out"],
    ),
    (
        Replace("\"1.0\"", "1.0"),
        &["4:22 wrong-type: \"tools\" in \"versions\" must be text, not a decimal number | write \"1.0\""],
    ),
    (Replace("\"1.0\"", "\"\""), &["4:22 invalid-value: the version \"tools\" is empty"]),
    (
        Replace("linux/amd64", "linux/amd46"),
        &[
            "2:14 invalid-value: \"linux/amd46\" has the unknown architecture \"amd46\" | did you mean \"linux/amd64\"?",
        ],
    ),
    (
        Replace("linux/arm/v7", "linux/amd64/v1"),
        &["2:29 duplicate: the platform linux/amd64 is listed twice | remove one"],
    ),
    (
        Replace("[\"linux/amd64\", \"linux/arm/v7\"]", "\"linux/amd64\""),
        &["2:13 wrong-type: \"platforms\" must be a list of texts, not text | write [\"linux/amd64\"]"],
    ),
    (
        Replace("{tools}", "{tols}"),
        &["3:9 unknown-variable: unknown variable \"tols\" | did you mean \"tools\"?"],
    ),
    (
        Replace("{tools}", "{tools"),
        &["3:9 invalid-template: a \"{\" is never closed; write \"{{\" for the character"],
    ),
    (
        Replace("{tools}", "{arch}{tools}"),
        &[
            "3:9 misplaced-variable: the variable \"arch\" has no value here: one tag and one configuration serve all platforms | only the places and texts of sources know it",
        ],
    ),
    (
        Replace("v{tools}", "-{tools}"),
        &[
            "3:7 invalid-name: \"-1.0\" cannot be a tag: it has letters, digits, '_', '.' and '-', begins with none of the last two, at most 128 characters",
        ],
    ),
    (Head("epoch = -1"), &["1:9 invalid-value: \"epoch\" must lie between 0 and 253402300799"]),
    (Head("epoch = 1e3"), &["1:9 wrong-type: \"epoch\" must be a whole number, not a decimal number"]),
    (
        Head("default-flavor = \"bas\""),
        &["1:18 unknown-name: unknown flavor \"bas\" | did you mean \"base\"?"],
    ),
    (
        Head("commands = ['x']"),
        &["1:1 unknown-key: unknown key \"commands\" at the top level | this is a key of [flavor.NAME]"],
    ),
    (
        Head("parameters = { x = { help = 'y' } }"),
        &[
            "1:16 unused: nothing uses the variable \"x\" | write {x} in a template, name it in a condition, or remove it",
        ],
    ),
    (
        Replace("versions = {", "versions = { arch = \"1\", \"a b\" = \"2\","),
        &[
            "4:14 invalid-name: \"arch\" cannot be defined: templates give it a meaning already",
            "4:26 invalid-name: \"a b\" cannot be the name of a variable: it has letters, digits, '.', '_' and '-', begins with a letter or digit, at most 64 characters",
        ],
    ),
    (
        Source("rootfs = '{flavor}'"),
        &[
            "12:11 misplaced-variable: the variable \"flavor\" has no value here: sources are shared by all flavors | only texts of flavors and the tag know it",
        ],
    ),
    (
        Source("rootfs = '{x}'"),
        &[
            "12:11 unknown-variable: unknown variable \"x\" | define it in [versions] or [parameters]; write \"{{\" for a brace",
        ],
    ),
    (
        Source(""),
        &[
            "11:9 missing-key: [source.x] does not say where its files come from | add one of rootfs, apk, deb, artifact, text, file",
        ],
    ),
    (
        Source("text = 'a'"),
        &["11:9 missing-key: [source.x] lacks the key \"install\" | add install = \"/path/in/the/image\""],
    ),
    (
        Source("text = 'a'\nfile = 'b'\ninstall = '/c'"),
        &["13:1 conflict: [source.x] is both a text and a file | make two sources of it"],
    ),
    (
        Source("rootfs = '/'\ninstall = '/x'\nmode = '0644'"),
        &[
            "13:1 misplaced-key: \"install\" has no meaning in [source.x], which is a rootfs | remove it",
            "14:1 misplaced-key: \"mode\" has no meaning in [source.x], which is a rootfs | remove it",
        ],
    ),
    (
        Source("text = 'a'\ninstall = 'etc/motd'"),
        &["13:11 invalid-path: the path \"etc/motd\" is relative | write \"/etc/motd\""],
    ),
    (
        Source("text = 'a'\ninstall = '/etc/../motd'"),
        &[
            "13:11 invalid-path: path \"/etc/../motd\" has a \"..\" component; paths in an image are absolute and stay below its root",
        ],
    ),
    (
        Source("text = 'a'\ninstall = '/etc/'"),
        &["13:11 invalid-path: the path \"/etc/\" names a directory, not a file | add the name of the file"],
    ),
    (
        Source("text = 'a'\ninstall = '/a'\nmode = '644x'"),
        &["14:8 invalid-value: \"644x\" is not a mode | write three or four octal digits, like \"0644\""],
    ),
    (
        Source("text = 'a'\ninstall = '/a'\nmode = 0o644"),
        &["14:8 wrong-type: \"mode\" in [source.x] must be text, not a whole number | write \"0644\""],
    ),
    (
        Source("text = 'a'\ninstall = '/a'\nmode = '8'"),
        &["14:8 invalid-value: \"8\" is not a mode | write three or four octal digits, like \"0644\""],
    ),
    (
        Source("text = 'a'\ninstall = '/a'\nuid = 4294967295"),
        &["14:7 invalid-value: \"uid\" in [source.x] must lie between 0 and 4294967294"],
    ),
    (
        Source("rootfs = '/'\nstability = 'basic'"),
        &[
            "13:13 unknown-name: \"stability\" in [source.x] cannot be \"basic\" | it is one of base, packages, release, configuration",
        ],
    ),
    (
        Source("rootfs = '/'\nplatforms = ['linux/arm64']"),
        &[
            "13:14 unknown-name: the recipe does not build for linux/arm64 | its platforms are linux/amd64, linux/arm/v7",
        ],
    ),
    (
        Source("rootfs = '/'\ntag = 'a b'\ninclude = []\nexclude = ['usr/**', '/a[', '/b', '/b']"),
        &[
            "13:7 invalid-name: \"a b\" cannot be a tag: it has letters, digits, '_', '.' and '-', begins with none of the last two, at most 128 characters",
            "14:11 empty: \"include\" in [source.x] takes no file at all | name patterns or leave it out",
            "15:12 invalid-path: the pattern \"usr/**\" is relative | write \"/usr/**\"",
            "15:22 invalid-path: pattern \"/a[\" has a \"[\" without its closing partner",
            "15:35 duplicate: the pattern \"/b\" is listed twice | remove one",
        ],
    ),
    (
        Source("text = 'a'\ninstall = '/a'\n[source.y]\ntext = 'b'\ninstall = '/a'"),
        &[
            "16:11 conflict: /a is brought by both [source.x] and [source.y] | say replace = true in the one to keep",
        ],
    ),
    (
        Source(
            "text = 'a'\nreplace = true\ninstall = '/a'\n[source.y]\ntext = 'b'\ninstall = '/a'\nreplace = true",
        ),
        &[
            "17:11 conflict: /a is brought by both [source.x] and [source.y] | only one of them can replace the other",
        ],
    ),
    (
        Source("text = 'a'\ninstall = '/a'\n[source.y]\ntext = 'b'\ninstall = '/a/b'"),
        &["16:11 conflict: /a/b cannot be a file: /a is one, not a directory"],
    ),
    (
        Source("text = 'a'\ninstall = '/a'\nreplace = true\n[source.y]\ntext = 'b'\ninstall = '/a'"),
        &[
            "13:11 unused: no flavor asks for /a, which a source installs | add it to the files of a flavor",
            "17:11 unused: no flavor asks for /a, which a source installs | add it to the files of a flavor",
        ],
    ),
    (
        Replace("source.host", "source.Host"),
        &[
            "6:9 invalid-name: \"Host\" cannot be the name of a source: it has lowercase letters and digits, with single '.', '_' or '-' between them, at most 64 characters",
        ],
    ),
    (
        Replace("[source.host]\nrootfs = \"/\"\n", ""),
        &["1:1 empty: the recipe has no source | add a table like [source.host] with rootfs = \"/\""],
    ),
    (
        Replace("\"mount\", ", "\"mount, "),
        &["10:22 syntax: the recipe is not valid TOML: missing comma between array elements, expected `,`"],
    ),
    (
        Head("x = 0644"),
        &[
            "1:1 unknown-key: unknown key \"x\" at the top level | the keys are image, description, platforms, tag, default-flavor, epoch, versions, parameters, mirrors, source, tool, flavor",
            "1:5 syntax: the recipe is not valid TOML: unexpected leading zero, expected nothing",
        ],
    ),
    (
        Source("text = 'a'\ninstall = '/a'\n"),
        &["13:11 unused: no flavor asks for /a, which a source installs | add it to the files of a flavor"],
    ),
];

#[test]
fn the_top_level_and_sources_are_checked() {
    check(CASES);
}
