//! What good recipes become.

use super::super::*;
use super::{GOOD, context, good, plain};

fn keys<K: ToString, V>(map: &std::collections::BTreeMap<K, V>) -> String {
    map.keys().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

#[test]
fn the_recipes_of_the_house_are_good() {
    let rootfs = ("rootfs", "alpine.tar.gz");
    for (text, set, images) in [
        (
            include_str!("../../../../../recipes/host-tools.toml"),
            vec![],
            "host-tools network runtime storage",
        ),
        (include_str!("../../../../../recipes/alpine-rootfs.toml"), vec![rootfs], "alpine-rootfs apk shell"),
    ] {
        let parsed = parse(text, &context(&set)).map_err(|problems| problems.render("recipe", text));
        let parsed = parsed.unwrap_or_else(|said| panic!("{said}"));
        assert_eq!(keys(&parsed.recipe.flavors), images);
        assert_eq!(parsed.warnings.render("recipe", text), "");
    }
}

#[test]
fn everything_is_expanded_but_the_platform() {
    let text = r#"
image = "tools"
platforms = ["linux/amd64", "linux/arm/v7"]
tag = "v{tools}{-flavor}"
default-flavor = "a"
epoch = 7
versions = { tools = "1.0" }
parameters = { where = { help = "where", default = "/srv" } }
source.host = { rootfs = "{where}/{platform}/{arch}{-variant}.tar", tag = "{tools}", platforms = ["linux/arm/v7"] }
source.text = { text = "{tools} {{", install = "/etc/a" }
source.template = { text = "{tools} {{ {arch}", expand = true, install = "/etc/{tools}/b", mode = "4755", uid = 1, gid = 2 }

[flavor.a]
commands = ["sh?", { name = "what?", reason = "why", source = "https://example.org" }]
files = ["/etc/{a,1.0/b}"]
env = { V = "{tools}{-flavor}", E = "" }
labels = { l = "{name}-{flavor}" }
entrypoint = ["sh", "{tools}"]
workdir = "/x/{tools}"
user = "0:{tools}"
[flavor.b]
extends = "a"
user = "nobody"
"#
    .replace("{ name = \"what?\"", "{ name = \"what\"")
    .replace("user = \"0:{tools}\"\n", "");
    let recipe = good(&text).recipe;
    let (amd64, arm): (Platform, Platform) =
        ("linux/amd64".parse().expect("known"), "linux/arm/v7".parse().expect("known"));
    let SourceKind::Rootfs(host) = &recipe.sources["host"].kind else { panic!("a rootfs") };
    assert_eq!(host.location.for_platform(&amd64), "/srv/linux/amd64/amd64.tar");
    assert_eq!(host.location.for_platform(&arm), "/srv/linux/arm/v7/arm-v7.tar");
    assert_eq!(host.location.to_string(), "/srv/{platform}/{arch}{-variant}.tar");
    assert!(recipe.sources["host"].is_for(&arm) && !recipe.sources["host"].is_for(&amd64));
    assert_eq!(recipe.sources["host"].stability, Stability::Base);
    for (name, content, install, mode) in
        [("text", "{tools} {{", "/etc/a", 0o644), ("template", "1.0 { amd64", "/etc/1.0/b", 0o4755)]
    {
        let SourceKind::File(file) = &recipe.sources[name].kind else { panic!("a file") };
        let FileContent::Text(text) = &file.content else { panic!("a text") };
        assert_eq!(text.for_platform(&amd64), content);
        assert_eq!((file.install.to_string().as_str(), file.mode), (install, mode));
    }
    let (a, b) = (&recipe.flavors["a"], &recipe.flavors["b"]);
    assert_eq!((a.tag.as_str(), b.tag.as_str()), ("v1.0", "v1.0-b"));
    assert_eq!(plain(&a.config.env), [("E", ""), ("V", "1.0")]);
    assert_eq!(plain(&b.config.env), [("E", ""), ("V", "1.0-b")]);
    assert_eq!(plain(&b.config.labels), [("l", "tools-b")]);
    assert_eq!(b.config.entrypoint.as_ref().expect("inherited").value, ["sh", "1.0"]);
    assert_eq!(b.config.workdir.as_ref().expect("inherited").to_string(), "/x/1.0");
    let what = &b.commands["what"];
    assert_eq!((what.optional, what.reason.as_deref(), what.flavor.as_str()), (false, Some("why"), "a"));
    assert!(a.commands["sh"].optional);
    assert_eq!(recipe.epoch.as_ref().map(|epoch| epoch.value), Some(7));
    assert_eq!(recipe.variables["where"].origin, Origin::Default);
}

#[test]
fn a_wish_knows_its_line() {
    let recipe = good(GOOD).recipe;
    let mount = recipe.flavors["base"].commands["mount"].span;
    assert_eq!((mount.line, mount.column, &GOOD[mount.start..mount.end]), (10, 13, "\"mount\""));
}

#[test]
fn flavors_are_sets() {
    let recipe = |flavors: &str| {
        let head =
            "image = \"x\"\nplatforms = [\"linux/amd64\"]\ntag = \"{flavor}\"\nsource.host.rootfs = \"/\"\n";
        good(&format!("{head}{flavors}")).recipe
    };
    for (flavors, want) in [
        (
            "flavor.a.commands = ['p', 'q']\nflavor.b = { extends = 'a', commands = ['r'], remove = { commands = ['p'] } }",
            "q r",
        ),
        ("flavor.a.commands = ['p']\nflavor.c.commands = ['q']\nflavor.b.extends = ['a', 'c']", "p q"),
        // What one parent removed comes back through another that has it.
        (
            "flavor.r.commands = ['p', 'q']\nflavor.a = { extends = 'r', remove = { commands = ['p'] } }\nflavor.b.extends = ['a', 'r']",
            "p q",
        ),
        ("flavor.a = { image = false, commands = ['p'] }\nflavor.b.extends = 'a'", "p"),
    ] {
        assert_eq!(keys(&recipe(flavors).flavors["b"].commands), want, "{flavors}");
    }
    // What one parent requires is required, with the first reason there is.
    let joined = recipe(
        "flavor.a.commands = ['p?']\nflavor.c.commands = [{ name = 'p', reason = 'c' }]\nflavor.b.extends = ['a', 'c']",
    );
    let wish = &joined.flavors["b"].commands["p"];
    assert_eq!((wish.optional, wish.reason.as_deref(), wish.flavor.as_str()), (false, Some("c"), "c"));
    // The flavor's own word wins, and a new entrypoint drops the arguments of the old one.
    let own = recipe(
        "flavor.a = { commands = ['p'], entrypoint = ['p'], cmd = ['1'], env = { A = '1', B = '2' }, user = '1' }\n\
         flavor.b = { extends = 'a', commands = ['p?'], entrypoint = ['q'], env = { A = '3' }, remove = { env = ['B'] } }\n\
         flavor.c = { extends = 'a', cmd = [] }",
    );
    let (b, c) = (&own.flavors["b"], &own.flavors["c"]);
    assert!(b.commands["p"].optional);
    assert_eq!((plain(&b.config.env), &b.config.cmd), (vec![("A", "3")], &None));
    assert_eq!(b.config.user.as_ref().expect("inherited").value, "1");
    assert_eq!(c.config.cmd.as_ref().expect("emptied").value, Vec::<String>::new());
}

#[test]
fn the_default_flavor_has_no_suffix() {
    for (head, flavors, want) in [
        ("", "flavor.only.commands = ['p']", "v:only"),
        ("", "flavor.x.commands = ['p']\nflavor.y.commands = ['p']", "v:x v-y:y"),
        ("default-flavor = 'y'\n", "flavor.x.commands = ['p']\nflavor.y.commands = ['p']", "v-x:x v:y"),
        ("", "flavor.a = { image = false, commands = ['p'] }\nflavor.b.extends = 'a'", "v:b"),
        ("", "flavor.a.commands = ['p']\nflavor.b.commands = ['p']", "v-a:a v-b:b"),
    ] {
        let base = "image = 'x'\nplatforms = ['linux/amd64']\ntag = 'v{-flavor}'\nsource.host.rootfs = '/'\n";
        let recipe = good(&format!("{base}{head}{flavors}")).recipe;
        let tags: Vec<String> =
            recipe.flavors.values().map(|one| format!("{}:{}", one.tag, one.name.value)).collect();
        assert_eq!(tags.join(" "), want, "{head}{flavors}");
    }
}

#[test]
fn set_overrides() {
    let parameters = "[parameters.where]\nhelp = 'a path'\nchoices = ['/a', '/b']\n";
    let text = GOOD.replace("\"/\"", "\"{where}\"") + parameters;
    let recipe = parse(&text, &context(&[("where", "/b"), ("tools", "2")])).expect("good").recipe;
    let SourceKind::Rootfs(host) = &recipe.sources["host"].kind else { panic!("a rootfs") };
    assert_eq!(host.location.for_every_platform().as_deref(), Some("/b"));
    assert_eq!(recipe.flavors["base"].tag.as_str(), "v2");
    assert_eq!(recipe.variables["tools"].origin, Origin::Set);
}

#[test]
fn the_canonical_form_knows_no_spelling() {
    let spelled = r#"
# the same, otherwise
tag = "v1.{x}{-flavor}"
platforms = ['linux/amd64/v1', "linux/arm/v7"]
flavor.base.commands = [{ name = "umount", optional = true }, { name = "mount" }]
image = "tools"
source.host = { rootfs = "/", stability = "base" }
parameters.x = { help = "the minor version", default = "0" }
"#;
    let (one, other) = (good(GOOD).recipe.to_json(), good(spelled).recipe.to_json());
    assert_eq!(serde_json::to_string(&one).expect("JSON"), serde_json::to_string(&other).expect("JSON"));
    for same in [GOOD.replace('\n', "\r\n"), format!("\u{feff}{GOOD}")] {
        assert_eq!(one, good(&same).recipe.to_json());
    }
    let changed = good(&GOOD.replace("umount?", "umount")).recipe.to_json();
    assert_ne!(one, changed);
}
