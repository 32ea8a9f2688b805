//! Sources of Debian packages: what good ones become, and what bad ones are told.

use super::super::*;
use super::problems::Edit::{self, Flavor, Replace, Source};
use super::problems::check;
use super::{context, good};

/// Every key of them at least once.
pub(super) const DEBIAN: &str = r#"
image = "node"
platforms = ["linux/amd64", "linux/arm/v7"]
tag = "v1"
versions = { release = "bookworm", runc = "1.1", area = "main" }
parameters.mirror = { help = "a directory", default = "/srv/mirror", path = true }

[source.debian]
deb = [
    "https://deb.debian.org/debian/ {release} {area}  contrib",
    "https://deb.debian.org/debian-security {release}-security/updates updates/main",
    "{mirror}/debian {release} main",
    "./repo/{arch} ./",
    "file:///srv /",
    "own 12/extra/",
]
keys = ["archive.gpg", "{mirror}/a/own.asc", "b/own.asc"]
snapshot = true
packages = ["runc", "iptables>=1:1.8~rc1+b-2", "libstdc++6=12.2.0-14+deb12u1", "g++~12"]
pin = { runc = "~{runc}", iptables = "<2:1" }
alternatives = { iptables = "/usr/sbin/iptables-{runc}", "editor.1.gz" = "/usr/share/x" }

[source.machine]
deb = "system"
packages = ["conntrack"]
platforms = ["linux/amd64"]
stability = "base"

[flavor.node]
commands = ["runc", { name = "conntrack", from = "machine" }]
packages = ["mount>=2:2.38", { name = "util-linux", from = "debian" }]
"#;

fn deb<'recipe>(recipe: &'recipe Recipe, name: &str) -> &'recipe DebSource {
    match &recipe.sources[name].kind {
        SourceKind::Deb(deb) => deb,
        other => panic!("{}", other.as_str()),
    }
}

#[test]
fn repositories_have_places_suites_and_components() {
    let parsed = good(DEBIAN);
    assert_eq!(parsed.warnings.render("x", DEBIAN), "");
    let source = deb(&parsed.recipe, "debian");
    let DebOrigin::Listed { repositories, keys, snapshot } = &source.origin else { panic!("a list") };
    let platform: Platform = "linux/arm/v7".parse().expect("known");
    let shown: Vec<String> = repositories
        .iter()
        .map(|At { value: one, span }| {
            let (place, locked) = (one.location_for(&platform), one.shown_for(&platform));
            format!("{} {place:?} {locked} {} {}", span.line, one.suite, one.components.join("+"))
        })
        .collect();
    assert_eq!(
        shown,
        [
            r#"10 Url("https://deb.debian.org/debian") https://deb.debian.org/debian bookworm main+contrib"#,
            r#"11 Url("https://deb.debian.org/debian-security") https://deb.debian.org/debian-security bookworm-security/updates updates/main"#,
            r#"12 Path("/srv/mirror/debian") {mirror}/debian bookworm main"#,
            r#"13 Path("./repo/arm") ./repo/arm ./ "#,
            r#"14 Url("file:///srv") file:///srv ./ "#,
            r#"15 Path("own") own 12/extra/ "#,
        ]
    );
    assert!(*snapshot);
    let keys: Vec<String> = keys.iter().map(|key| key.for_platform(&platform)).collect();
    assert_eq!(keys, ["archive.gpg", "/srv/mirror/a/own.asc", "b/own.asc"]);
    let packages: Vec<String> = source.packages.values().map(|term| term.to_string()).collect();
    assert_eq!(packages, ["g++~12", "iptables>=1:1.8~rc1+b-2", "libstdc++6=12.2.0-14+deb12u1", "runc"]);
    let pins: Vec<String> = source.pins.iter().map(|(name, pin)| format!("{name}{}", pin.value)).collect();
    assert_eq!(pins, ["iptables<2:1", "runc~1.1"]);
    let alternatives: Vec<String> =
        source.alternatives.iter().map(|(name, program)| format!("{name} {}", program.value)).collect();
    assert_eq!(alternatives, ["editor.1.gz /usr/share/x", "iptables /usr/sbin/iptables-1.1"]);
    assert_eq!(parsed.recipe.sources["debian"].stability, Stability::Packages);
    assert_eq!(parsed.recipe.sources["debian"].kind.as_str(), "deb");
    let machine = deb(&parsed.recipe, "machine");
    assert_eq!((&machine.origin, machine.packages.len()), (&DebOrigin::System, 1));
    assert_eq!(parsed.recipe.sources["machine"].stability, Stability::Base);
}

#[test]
fn the_canonical_form_knows_no_machine_and_no_spelling() {
    let here = parse(DEBIAN, &context(&[("mirror", "/here")])).expect("good").recipe.to_json();
    let there = parse(DEBIAN, &context(&[("mirror", "over/there")])).expect("good").recipe.to_json();
    assert_eq!(here.to_string(), there.to_string());
    let json = &here["sources"]["debian"];
    assert_eq!(json["deb"][2], "{mirror}/debian bookworm main");
    assert_eq!(json["deb"][3], "./repo/{arch} ./");
    assert_eq!((&json["keys"][1], &json["snapshot"]), (&"{mirror}/a/own.asc".into(), &true.into()));
    assert_eq!(here["sources"]["machine"]["deb"], "system");
    let spelled = DEBIAN
        .replace("debian/ {release} {area}  contrib", "debian bookworm main contrib")
        .replace("file:///srv /", "file:///srv/ ./")
        .replace("\"runc\", \"iptables>=", "\"iptables=>")
        .replace("\"g++~12\"]", "\"g++=~12\", \"runc\"]")
        .replace(", area = \"main\"", "")
        .replace("platforms = [\"linux/amd64\"]\nst", "platforms = [\"linux/amd64/v1\"]\nst");
    assert_eq!(here, good(&spelled).recipe.to_json());
    for (from, to) in [
        ("{release} {area}  contrib", "{release} contrib"),
        ("own 12/extra/", "own 12/extra main"),
        ("archive.gpg", "other.gpg"),
        ("snapshot = true", "snapshot = false"),
        ("\"runc\", ", ""),
        ("<2:1", "<3:1"),
        ("share/x", "share/y"),
        ("deb = \"system\"", "deb = '/m x y'\nkeys = ['k']"),
    ] {
        assert!(DEBIAN.contains(from), "{from}");
        let other = good(&DEBIAN.replacen(from, to, 1).replace(", area = \"main\"", ", area = \"main\""));
        assert_ne!(here, other.recipe.to_json(), "{from}");
    }
}

const DEB: &[(Edit, &[&str])] = &[
    (Source("deb = '/m x main'"), &[]),
    (Source("deb = ['/m x main']"), &[]),
    (Source("deb = []\nkeys = []"), &[]),
    (Source("deb = 5\nkeys = 5\nsnapshot = 'yes'\npackages = 'runc'"), &[]),
    (Source("deb = ['/m x main']\nkeys = 'alpine'"), &[]),
    (Source("deb = ['/m x main']\nkeys = ['a', 'b/a', 'a', 'https://x.org/k']"), &[]),
    (Source("deb = 'system'\nkeys = 'alpine'\nsnapshot = false"), &[]),
    (Source("deb = 'system'\nkeys = ['k']\npackages = ['runc']"), &[]),
    (Source("deb = 'system'"), &[]),
    (
        Source(
            "deb = ['deb /m x main', '/m', '/m x', '/m [trusted=yes] x main', '[arch=amd64] /m x main', '/m ./ main', ' ']\nkeys = ['k']",
        ),
        &[],
    ),
    (
        Source(
            "deb = ['/m ../x main', '/m x ../main', '/m /x/ ', '/m x//y main', '/m $(ARCH)/', '/m x main mäin', '/m {-variant}/']\nkeys = ['k']",
        ),
        &[],
    ),
    (
        Source(
            "deb = ['ftp://x.org x main', 'https://me:you@x.org/m x main', 'http:/x x main', 'https://x/debian/dists x main', '/m/dists/x ./', '/m/{flavor} {arch} {tols}']\nkeys = ['k']",
        ),
        &[],
    ),
    (
        Source("deb = ['/m x main', '/m/ x contrib main', '/n ./', '/n /', '/m y main main']\nkeys = ['k']"),
        &[],
    ),
    (
        Source(
            "deb = 'system'\npackages = ['Runc', 'x', 'so:libz.so.1', 'runc:amd64', 'a b', 'runc@edge', 'ok', 'ok>1', 'iptables (>= 1.8)', 'aa=x:1', 'bb=1:', 'cc=v1', 'runc?']",
        ),
        &[],
    ),
    (Source("deb = 'system'\npin = { runc = '1', 'cmd:x' = '=1', aa = '==1', bb = '={tols}', cc = '=1:2:3', dd = '~1:2' }"), &[]),
    (
        Source(
            "deb = 'system'\nalternatives = { 'a/b' = '/x', '' = '/x', 'a b' = '/x', aa = 'x', bb = '/', cc = '/{arch}', dd = 5 }",
        ),
        &[],
    ),
    (Source("deb = 'system'\ninstall = '/x'\nexpand = true"), &[]),
    (Source("rootfs = '/'\nsnapshot = true\npackages = ['runc']\nalternatives = {}"), &[]),
    (Source("deb = 'system'\napk = '/m'\nkeys = 'alpine'"), &[]),
    (Source("deb = ['/m x main']\napk = '/m'"), &[]),
    (Source("apk = '/m'\nkeys = 'alpine'\npin = { a = '=1:2' }"), &[]),
    (
        Replace("\"linux/arm/v7\"]", "\"linux/mips64\", \"linux/arm/v5\"]\nsource.x = { deb = 'system' }"),
        &[],
    ),
    (
        Replace(
            "\"linux/arm/v7\"]",
            "\"linux/mips64\"]\nsource.x = { deb = 'system', platforms = ['linux/amd64'] }",
        ),
        &[],
    ),
    (Flavor("packages = ['a=1:2', 'b=x:2']\n[source.x]\napk = '/m'\nkeys = 'alpine'"), &[]),
    (
        Flavor(
            "packages = ['a=1:2', 'b@t', { name = 'c', from = 'host' }, { name = 'd', from = 'x' }]\n[source.x]\ndeb = 'system'",
        ),
        &[],
    ),
];

#[test]
fn sources_of_debian_packages_are_checked() {
    check(DEB);
}
