//! What good sources of packages and artifacts become, and what flavors ask of them.

use super::super::*;
use super::{context, good};

/// Every key of packages, artifacts and accounts at least once.
pub(super) const NODE: &str = r#"
image = "node"
platforms = ["linux/amd64", "linux/arm64", "linux/arm/v7"]
tag = "v{kubernetes}{-flavor}"
versions = { kubernetes = "1.36.4", alpine = "3.22", cni = "1.9.1", iptables = "1.8" }
parameters.mirror = { help = "a directory", default = "/srv/mirror", path = true }

[source.alpine]
apk = [
    "https://dl-cdn.alpinelinux.org/alpine/v{alpine}/main/",
    "@edge https://dl-cdn.alpinelinux.org/alpine/edge/testing",
    "{mirror}/own",
    "file:///srv/{arch}",
]
keys = ["keys/a.rsa.pub", "{mirror}/b.rsa.pub"]
pin = { iptables = "=~{iptables}", "so:libz.so.1" = "<2" }

[source.kubelet]
artifact = "https://dl.k8s.io/release/v{kubernetes}/bin/{os}/{arch}/kubelet"
checksum = "https://dl.k8s.io/release/v{kubernetes}/bin/{os}/{arch}/kubelet.sha256"
install = "/usr/bin/kubelet"
arch = { "linux/arm/v7" = "arm-7", "linux/amd64" = "amd64" }
sha256 = { "linux/arm64" = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" }

[source.cni]
artifact = "{mirror}/cni-{arch}-v{cni}.tgz"
install = "/opt/cni/bin/"
members = ["bin/*", "{bridge,host-local}"]
strip = 1
mode = "0755"
uid = 1
gid = 2
replace = true
stability = "base"
platforms = ["linux/amd64", "linux/arm64"]

[source.manual]
artifact = "manual.gz"
sha256 = "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
install = "/usr/share/manual"

[flavor.node]
commands = [{ name = "mount", from = "alpine", reason = "volumes" }, "kubelet"]
files = [{ path = "/usr/share/manual", from = "manual" }]
packages = [
    "util-linux",
    "iptables>={iptables}",
    "less@edge?",
    { name = "so:libz.so.1", optional = true, from = "alpine", reason = "plugins", source = "https://example.org" },
]
users = [
    { name = "app", uid = 1000, home = "/home/app", shell = "/bin/sh", gecos = "the app" },
    { name = "nobody", uid = 65534, gid = 65533 },
]
groups = [{ name = "app", gid = 1000, members = ["nobody", "app"] }]

[flavor.small]
extends = "node"
packages = ["iptables@edge=1.9.0-r0"]
users = [{ name = "app", uid = 7 }]
remove = { packages = ["util-linux", "less"], users = ["nobody"], groups = ["app"] }
"#;

fn platform(name: &str) -> Platform {
    name.parse().expect("known")
}

fn node() -> Recipe {
    let parsed = good(NODE);
    assert_eq!(parsed.warnings.render("x", NODE), "");
    parsed.recipe
}

#[test]
fn repositories_have_places_tags_and_keys() {
    let recipe = node();
    let SourceKind::Apk(apk) = &recipe.sources["alpine"].kind else { panic!("packages") };
    let shown: Vec<String> = apk
        .repositories
        .iter()
        .map(|one| {
            format!(
                "{:?} {:?}",
                one.tag.as_ref().map(RepositoryTag::as_str),
                one.location_for(&platform("linux/arm64"))
            )
        })
        .collect();
    assert_eq!(
        shown,
        [
            "None Url(\"https://dl-cdn.alpinelinux.org/alpine/v3.22/main\")",
            "Some(\"edge\") Url(\"https://dl-cdn.alpinelinux.org/alpine/edge/testing\")",
            "None Path(\"/srv/mirror/own\")",
            "None Url(\"file:///srv/arm64\")",
        ]
    );
    assert_eq!(apk.repositories[1].span.line, 11);
    assert_eq!(apk.keys.files_for(&platform("linux/amd64")), ["keys/a.rsa.pub", "/srv/mirror/b.rsa.pub"]);
    let pins: Vec<String> = apk.pins.iter().map(|(name, pin)| format!("{name}{}", pin.value)).collect();
    assert_eq!(pins, ["iptables~1.8", "so:libz.so.1<2"]);
    assert_eq!(recipe.sources["alpine"].stability, Stability::Packages);
    let embedded = NODE.replace("[\"keys/a.rsa.pub\", \"{mirror}/b.rsa.pub\"]", "\"alpine\"");
    let recipe = good(&embedded).recipe;
    let SourceKind::Apk(apk) = &recipe.sources["alpine"].kind else { panic!("packages") };
    assert_eq!(apk.keys, Keys::Embedded("alpine".to_owned()));
}

#[test]
fn the_architecture_has_alpines_name_where_asked() {
    let text = NODE.replace("{mirror}/own", "own/{apk-arch}/x{-apk-arch}");
    let recipe = good(&text.replace("{mirror}/b", "b{mirror}")).recipe;
    let SourceKind::Apk(apk) = &recipe.sources["alpine"].kind else { panic!("packages") };
    for (name, want) in [
        ("linux/amd64", "own/x86_64/x-x86_64"),
        ("linux/arm64", "own/aarch64/x-aarch64"),
        ("linux/arm/v7", "own/armv7/x-armv7"),
    ] {
        assert_eq!(apk.repositories[2].location_for(&platform(name)), Location::Path(want.to_owned()));
    }
    assert_eq!(apk.repositories[2].location.to_string(), "own/{apk-arch}/x{-apk-arch}");
}

#[test]
fn artifacts_differ_by_platform() {
    let recipe = node();
    let SourceKind::Artifact(kubelet) = &recipe.sources["kubelet"].kind else { panic!("an artifact") };
    let base = "https://dl.k8s.io/release/v1.36.4/bin/linux";
    for (name, architecture, digest) in [
        ("linux/amd64", "amd64", None),
        ("linux/arm64", "arm64", Some("a".repeat(64))),
        ("linux/arm/v7", "arm-7", None),
    ] {
        let platform = platform(name);
        assert_eq!(kubelet.location_for(&platform).as_str(), format!("{base}/{architecture}/kubelet"));
        let checksum = kubelet.checksum_for(&platform).expect("it has one");
        assert_eq!(checksum.as_str(), format!("{base}/{architecture}/kubelet.sha256"));
        assert_eq!(kubelet.sha256_for(&platform).map(|digest| digest.hex()), digest);
    }
    assert_eq!((kubelet.mode, kubelet.strip, kubelet.replace), (None, 0, false));
    assert_eq!(kubelet.install.value, Install::File(kubelet.install.path().clone()));
    assert_eq!(recipe.sources["kubelet"].stability, Stability::Release);
    let SourceKind::Artifact(cni) = &recipe.sources["cni"].kind else { panic!("an artifact") };
    assert_eq!(
        cni.location_for(&platform("linux/arm64")),
        Location::Path("/srv/mirror/cni-arm64-v1.9.1.tgz".to_owned())
    );
    assert_eq!(cni.install.value, Install::Directory(cni.install.path().clone()));
    assert_eq!(cni.install.path().to_string(), "/opt/cni/bin");
    assert_eq!((cni.mode, cni.uid, cni.gid, cni.strip, cni.replace), (Some(0o755), 1, 2, 1, true));
    let members: Vec<&str> = cni.members.iter().map(|glob| glob.as_str()).collect();
    assert_eq!(members, ["bin/*", "{bridge,host-local}"]);
    let SourceKind::Artifact(manual) = &recipe.sources["manual"].kind else { panic!("an artifact") };
    assert_eq!(manual.sha256.len(), 3);
}

#[test]
fn flavors_ask_for_packages_and_accounts() {
    let recipe = node();
    let (node, small) = (&recipe.flavors["node"], &recipe.flavors["small"]);
    let terms = |flavor: &Flavor| -> Vec<String> {
        let shown =
            |one: &At<PackageWish>| format!("{}{}", one.term, if one.wish.optional { " ?" } else { "" });
        flavor.packages.values().map(shown).collect()
    };
    assert_eq!(terms(node), ["iptables>=1.8", "less@edge ?", "so:libz.so.1 ?", "util-linux"]);
    assert_eq!(terms(small), ["iptables@edge=1.9.0-r0", "so:libz.so.1 ?"]);
    let constraint = node.packages["iptables"].term.constraint.as_ref().expect("it has one");
    assert_eq!((constraint.operator(), constraint.version()), (">=", "1.8"));
    let from = |wish: &Wish| wish.from.as_ref().map(|from| from.to_string());
    assert_eq!(from(&node.packages["so:libz.so.1"].wish).as_deref(), Some("alpine"));
    assert_eq!(from(&small.commands["mount"]).as_deref(), Some("alpine"));
    assert_eq!(from(&small.commands["kubelet"]), None);
    let files: Vec<_> = node.files.values().map(|wish| from(wish)).collect();
    assert_eq!(files, [Some("manual".to_owned())]);
    let users = |flavor: &Flavor| -> Vec<String> {
        let shown = |(name, user): (&AccountName, &At<User>)| {
            format!("{name}:{}:{}:{}:{}:{}", user.uid, user.gid, user.gecos, user.home, user.shell)
        };
        flavor.users.iter().map(shown).collect()
    };
    assert_eq!(
        users(node),
        ["app:1000:1000:the app:/home/app:/bin/sh", "nobody:65534:65533::/:/sbin/nologin"]
    );
    assert_eq!(users(small), ["app:7:7::/:/sbin/nologin"]);
    let members: Vec<&str> = node.groups["app"].members.iter().map(AccountName::as_str).collect();
    assert_eq!((node.groups["app"].gid, members), (1000, vec!["app", "nobody"]));
    assert!(small.groups.is_empty());
}

#[test]
fn flavors_join_packages() {
    let head = "image = 'x'\nplatforms = ['linux/amd64']\ntag = '{flavor}'\n\
        source.s = { apk = ['/m', '@t /n'], keys = 'alpine' }\n";
    for (one, other, want) in [
        ("'p'", "'p'", "p"),
        ("'p'", "'p>1?'", "p>1"),
        ("'p@t'", "'p>1'", "p@t>1"),
        ("'p~=1'", "'p=~1'", "p~1"),
        ("'p?'", "{ name = 'p', from = 's' }", "p from s"),
    ] {
        let flavors = format!(
            "flavor.a.packages = [{one}]\nflavor.b.packages = [{other}]\nflavor.c.extends = ['a', 'b']"
        );
        let recipe = good(&format!("{head}{flavors}")).recipe;
        let joined = &recipe.flavors["c"].packages["p"];
        let from = joined.wish.from.as_ref().map(|from| format!(" from {}", from.value)).unwrap_or_default();
        assert_eq!(format!("{}{from}", joined.term), want, "{flavors}");
        assert!(!joined.wish.optional, "{flavors}");
    }
}

#[test]
fn the_canonical_form_is_the_same_on_every_machine() {
    let here = parse(NODE, &context(&[("mirror", "/here")])).expect("good").recipe;
    let there = parse(NODE, &context(&[("mirror", "over/there")])).expect("good").recipe;
    assert_eq!(here.to_json().to_string(), there.to_json().to_string());
    assert!(here != there, "the recipes themselves know the place");
    assert!(here.variables["mirror"].is_path && !here.variables["cni"].is_path);
    let json = here.to_json();
    assert_eq!(json["sources"]["alpine"]["apk"][2]["location"], "{mirror}/own");
    assert_eq!(json["sources"]["alpine"]["keys"][1], "{mirror}/b.rsa.pub");
    assert_eq!(json["sources"]["cni"]["artifact"], "{mirror}/cni-{arch}-v1.9.1.tgz");
    let SourceKind::Artifact(cni) = &there.sources["cni"].kind else { panic!("an artifact") };
    assert_eq!(cni.location_for(&platform("linux/amd64")).as_str(), "over/there/cni-amd64-v1.9.1.tgz");
    // A version is not a place: it changes what is asked for.
    let newer = parse(NODE, &context(&[("cni", "2")])).expect("good").recipe;
    assert_ne!(here.to_json(), newer.to_json());
    let plain = NODE.replace(", path = true", "");
    assert_ne!(parse(&plain, &context(&[("mirror", "/here")])).expect("good").recipe.to_json(), json);
}

#[test]
fn the_canonical_form_knows_no_spelling_of_sources() {
    let plain = r#"
image = "x"
platforms = ["linux/amd64"]
tag = "x"
source.a = { apk = "https://example.org/main", keys = "alpine", pin = { p = "~1" } }
source.f = { artifact = "https://example.org/f", install = "/f", sha256 = "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc" }
flavor.x = { packages = ["p>=1", "q?"], files = ["/f"], users = [{ name = "u", uid = 1 }], groups = [{ name = "g", gid = 1, members = ["a", "b"] }] }
"#;
    let spelled = plain
        .replace("\"https://example.org/main\"", "[\"https://example.org/main//\"]")
        .replace("\"~1\"", "\"=~1\"")
        .replace("sha256 = \"", "mode = \"0755\", sha256 = { \"linux/amd64/v1\" = \"sha256:")
        .replace("cc\" }", "CC\" }, arch = { \"linux/amd64\" = \"amd64\" } }")
        .replace("\"p>=1\", \"q?\"", "{ name = \"q\", optional = true }, \"p=>1\"")
        .replace("uid = 1", "uid = 1, gid = 1, home = \"/\", shell = \"/sbin/nologin\"")
        .replace("[\"a\", \"b\"]", "[\"b\", \"a\"]")
        .replace("mode = \"0755\", ", "");
    let (one, other) = (good(plain).recipe.to_json(), good(&spelled).recipe.to_json());
    assert_eq!(one.to_string(), other.to_string());
    for (from, to) in [
        ("main\"", "community\""),
        ("\"~1\"", "\"=1\""),
        ("cccc", "cccd"),
        ("install = \"/f\"", "install = \"/f/\""),
        ("p>=1", "p>=2"),
        ("q?", "q"),
        ("uid = 1", "uid = 2"),
        ("\"a\", \"b\"", "\"a\""),
    ] {
        assert!(plain.contains(from), "{from}");
        assert_ne!(one, good(&plain.replacen(from, to, 1)).recipe.to_json(), "{from}");
    }
}
