//! `when`, list parameters, versions that name others, and keys by a variable.

use super::super::*;
use super::problems::Edit::{self, Flavor, Head, Other, Replace, Source};
use super::problems::check;
use super::{GOOD, context, plain, read};

fn keys<K: ToString, V>(map: &std::collections::BTreeMap<K, V>) -> String {
    map.keys().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

const NODE: &str = r#"
image = "node"
platforms = ["linux/amd64"]
tag = "v{kubernetes}"
[versions]
kubernetes = "1.24.9"
cri-tools = "{kubernetes.minor}.0"
[parameters.volumes]
help = "volumes"
list = true
choices = ["ext4", "nfs", "xfs"]
default = ""
[source.host]
rootfs = "/"
[source.old]
text = "old {cri-tools}"
expand = true
install = "/etc/crictl"
when = "kubernetes < 1.24"
[source.new]
text = "new {cri-tools}"
expand = true
install = "/etc/crictl"
when = "kubernetes >= 1.24"
[flavor.node]
files = ["/etc/crictl", { path = "/etc/old", from = "old", when = "kubernetes < 1.24" }]
commands = ["kubelet", { name = "du", when = "kubernetes < 1.22" }, { name = "mkfs.xfs", when = "volumes has xfs" },
    { name = "mount", reason = "a", when = "kubernetes < 1.24" }, { name = "mount", reason = "b", when = "kubernetes >= 1.24" }]
rules = [{ name = "nss", when = "volumes lacks nfs and kubernetes > 1.20" }]
directories = [{ path = "/d", when = "kubernetes != 1.24" }]
links = [{ path = "/l", target = "x", when = "kubernetes = 1.24" }]
users = [{ name = "u", uid = 1, when = "kubernetes<1" }]
groups = [{ name = "g", gid = 1, when = "kubernetes>=1" }]
acknowledge-dlopen = [{ path = "/bin/x", when = "volumes has ext4" }]
entrypoint = ["kubelet", { value = "--network-plugin=cni", when = "kubernetes < 1.24" }, { value = "--v={kubernetes.minor}" }]
cmd = [{ value = "{kubernetes}", when = "kubernetes < 1" }]
[flavor.less]
extends = "node"
remove = { commands = ["du", "mount"] }
entrypoint = ["x"]
"#;

#[track_caller]
fn node(set: &[(&str, &str)]) -> Recipe {
    let text = NODE.replace("tag = \"v{kubernetes}\"", "tag = \"v{kubernetes}{-flavor}\"");
    match parse(&text, &context(set)) {
        Ok(parsed) => {
            assert_eq!(parsed.warnings.render("x", &text), "");
            parsed.recipe
        }
        Err(problems) => panic!("{}", problems.render("x", &text)),
    }
}

#[test]
fn conditions_take_away_what_they_are_about() {
    for (set, want) in [
        (&[][..], "host new|kubelet mount|/etc/crictl|nss||/l||g||kubelet --v=1.24|kubelet|new 1.24.0"),
        (
            &[("kubernetes", "1.20.7"), ("volumes", "xfs, nfs,xfs,")],
            "host old|du kubelet mkfs.xfs mount|/etc/crictl /etc/old||/d|||g||kubelet --network-plugin=cni --v=1.20|kubelet mkfs.xfs|old 1.20.0",
        ),
        (
            &[("kubernetes", "1.38.0-alpha.2"), ("volumes", "ext4"), ("cri-tools", "7")],
            "host new|kubelet mount|/etc/crictl|nss|/d|||g|/bin/x|kubelet --v=1.38|kubelet|new 7",
        ),
    ] {
        let recipe = node(set);
        let flavor = &recipe.flavors["node"];
        let acknowledged: Vec<&str> =
            flavor.acknowledged_dlopen.keys().map(ocelet_tree::Glob::as_str).collect();
        let files: Vec<&str> = flavor.files.keys().map(ocelet_tree::Glob::as_str).collect();
        let content = recipe.sources.values().find_map(|source| match &source.kind {
            SourceKind::File(FileSource { content: FileContent::Text(text), .. }) => {
                text.for_every_platform()
            }
            _ => None,
        });
        let shown = [
            keys(&recipe.sources),
            keys(&flavor.commands),
            files.join(" "),
            keys(&flavor.rules),
            keys(&flavor.directories),
            keys(&flavor.links),
            keys(&flavor.users),
            keys(&flavor.groups),
            acknowledged.join(" "),
            flavor.config.entrypoint.as_ref().expect("one").value.join(" "),
            keys(&recipe.flavors["less"].commands),
            content.expect("one of both"),
        ];
        assert_eq!(shown.join("|"), want, "{set:?}");
        assert_eq!(flavor.config.cmd.as_ref().expect("emptied").value, Vec::<String>::new());
    }
    let volumes = &node(&[("volumes", "xfs,ext4,xfs")]).variables["volumes"];
    assert_eq!((volumes.value.as_str(), volumes.is_list), ("ext4,xfs", true));
}

#[test]
fn versions_name_others_in_any_order() {
    let text =
        GOOD.replace("{ tools = \"1.0\" }", "{ tools = \"{b.minor}.9{{\", b = \"{c}.{name}\", c = '1.7' }");
    let text = text.replace("v{tools}{-flavor}", "v1") + "env = { T = '{tools}' }\n";
    let shown = |set| {
        let recipe = parse(&text, &context(set))
            .unwrap_or_else(|problems| panic!("{}", problems.render("x", &text)))
            .recipe;
        plain(&recipe.flavors["base"].config.env)[0].1.to_owned()
    };
    assert_eq!(shown(&[]), "1.7.9{");
    assert_eq!(shown(&[("c", "2.3")]), "2.3.9{");
    assert_eq!(shown(&[("tools", "{c}")]), "{c}", "what is given is no template");
}

#[test]
fn keys_may_be_a_variable() {
    let text = format!(
        "{GOOD}[parameters.keys]\nhelp = 'keys'\ndefault = 'alpine'\npath = true\n[source.a]\napk = '/m'\nkeys = '{{keys}}'\n"
    );
    for (given, want) in [(None, "\"alpine\""), (Some("/k/a.rsa.pub"), "[\"{keys}\"]"), (Some("debian"), "!")]
    {
        let set: Vec<(&str, &str)> = given.map(|given| ("keys", given)).into_iter().collect();
        match parse(&text, &context(&set)) {
            Ok(parsed) => {
                assert_eq!(parsed.recipe.to_json()["sources"]["a"]["keys"].to_string(), want);
                let SourceKind::Apk(apk) = &parsed.recipe.sources["a"].kind else { panic!("packages") };
                let amd64: Platform = "linux/amd64".parse().expect("known");
                assert_eq!(apk.keys.files_for(&amd64), given.into_iter().collect::<Vec<_>>());
            }
            Err(problems) => {
                assert_eq!(want, "!");
                assert!(problems.to_string().contains("these keys sign no packages of Alpine"), "{problems}");
            }
        }
    }
}

#[test]
fn what_a_condition_takes_away_is_checked() {
    let cases: &[(Edit, &[&str])] = &[
        (
            Source("rootfs = '{wher}'\nwhen = 'tools < 1'"),
            &[
                "12:11 unknown-variable: unknown variable \"wher\" | define it in [versions] or [parameters]; write \"{{\" for a brace",
            ],
        ),
        (
            Source("rootfs = '/'\nwhen = 'tols < 1 and tools > x'"),
            &[
                "13:22 invalid-value: \"x\" is not a version to compare with | write dotted numbers, like 1.24",
            ],
        ),
        (
            Source("rootfs = '/'\nwhen = 'tols < 1'"),
            &["13:9 unknown-variable: unknown variable \"tols\" | did you mean \"tools\"?"],
        ),
        (
            Source("rootfs = '/'\nwhen = 'tools has x'"),
            &[
                "13:9 invalid-value: the variable \"tools\" is no list, so it has no words | say list = true in its parameter, or compare it with a version",
            ],
        ),
        (
            Other(
                "commands = [{ name = 'a/b', when = 'tools < 1' }, 'a']\nentrypoint = ['a', { value = '{x}', when = 'tools < 1' }]",
            ),
            &[
                "12:22 invalid-name: \"a/b\" cannot be the name of a command: it is one file name without '/', '?' or spaces; paths go into \"files\"",
                "13:31 unknown-variable: unknown variable \"x\" | define it in [versions] or [parameters]; write \"{{\" for a brace",
            ],
        ),
        (
            Source(
                "rootfs = '/'\nwhen = 'tools < 1'\n[flavor.x]\ncommands = [{ name = 'a', from = 'x' }, { name = 'b', from = 'x', when = 'tools < 1' }]",
            ),
            &[
                "15:34 conflict: the source \"x\" is not there: its condition does not hold | give this wish the same condition",
            ],
        ),
        (
            Other("commands = ['a', { name = 'a', when = 'tools > 0' }]"),
            &["12:27 duplicate: the command \"a\" is listed twice | remove one"],
        ),
        (
            Head("parameters.l = { help = 'l', list = true, choices = ['a', 'b'], default = 'b,c,a,aa' }"),
            &[
                "1:75 unknown-name: the parameter \"l\" cannot have the word \"aa\" | did you mean \"a\"?",
                "1:75 unknown-name: the parameter \"l\" cannot have the word \"c\" | its words are a, b",
            ],
        ),
        (
            Flavor(
                "rules = [{ name = 'nss', when = 'l has c' }, { name = 'xtables', when = 'l < 1' }]\n[parameters.l]\nhelp = 'l'\nlist = true\nchoices = ['a']\ndefault = ''",
            ),
            &[
                "11:40 unknown-name: the parameter \"l\" never has the word \"c\" | its words are a",
                "11:74 invalid-value: the variable \"l\" is \"\", which is no version | write \"l has WORD\" or \"l lacks WORD\"",
            ],
        ),
        (
            Replace("{ tools = \"1.0\" }", "{ tools = \"{a}\", a = '{b}', b = '{a.minor}', c = '{c}' }"),
            &[
                "4:33 circle: versions name each other in a circle: \"a\", \"b\", \"c\", \"tools\" | one of them must not",
            ],
        ),
        (
            Replace("{ tools = \"1.0\" }", "{ tools = \"{a.minor}\", a = '1', b = '{d}' }"),
            &[
                "4:23 invalid-value: the variable \"a\" is \"1\", which has no minor version | it begins with two numbers, like 1.36.4",
                "4:49 unknown-variable: unknown variable \"d\" | define it in [versions] or [parameters]; write \"{{\" for a brace",
            ],
        ),
    ];
    check(cases);
}

#[test]
fn what_is_not_there_needs_no_value() {
    let parameter = "[parameters.file]\nhelp = 'a file'\npath = true\n";
    for (when, good) in [("tools < 1", true), ("tools >= 1", false)] {
        let text = format!("{GOOD}{parameter}[source.x]\nrootfs = '{{file}}'\nwhen = '{when}'\n");
        assert_eq!(read(&text).is_ok(), good, "{when}");
    }
}
