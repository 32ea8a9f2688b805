//! Sources of Debian packages: what good ones become, and what bad ones are told.

use super::super::*;
use super::problems::Edit::{self, Flavor, Replace, Source};
use super::problems::check;
use super::{context, good};

/// Every key of them at least once.
const DEBIAN: &str = r#"
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
    let Keys::Files(keys) = keys else { panic!("files") };
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
        ("deb = \"system\"", "deb = ['/m x y']\nkeys = ['k']"),
    ] {
        assert!(DEBIAN.contains(from), "{from}");
        assert_ne!(here, good(&DEBIAN.replacen(from, to, 1)).recipe.to_json(), "{from}");
    }
}

const DEB: &[(Edit, &[&str])] = &[
    (
        Source("deb = '/m x main'"),
        &[
            "12:7 unknown-name: \"deb\" in [source.x] cannot be \"/m x main\" | it is one of system, or a list like [\"/m x main\"]",
        ],
    ),
    (
        Source("deb = ['/m x main']"),
        &[
            "11:9 missing-key: [source.x] lacks the key \"keys\" | add keys = \"debian\", or a list of OpenPGP keyrings",
        ],
    ),
    (
        Source("deb = []\nkeys = []"),
        &[
            "12:7 empty: \"deb\" in [source.x] names no repository | add one like \"https://deb.debian.org/debian bookworm main\", or write \"system\"",
            "13:8 empty: \"keys\" in [source.x] names no key | write \"debian\", or name key files",
        ],
    ),
    (
        Source("deb = 5\nkeys = 5\nsnapshot = 'yes'\npackages = 'runc'"),
        &[
            "12:7 wrong-type: \"deb\" in [source.x] must be a name or a list of texts, not a whole number",
            "13:8 wrong-type: \"keys\" in [source.x] must be a name or a list of texts, not a whole number",
            "14:12 wrong-type: \"snapshot\" in [source.x] must be true or false, not text",
            "15:12 wrong-type: \"packages\" in [source.x] must be a list of texts, not text | write [\"runc\"]",
        ],
    ),
    (
        Source("deb = ['/m x main']\nkeys = 'alpine'"),
        &[
            "13:8 invalid-value: \"keys\" in [source.x] cannot be \"alpine\": these keys sign no packages of Debian | write \"debian\", or name key files",
        ],
    ),
    (
        Source("apk = '/m'\nkeys = 'debian'"),
        &[
            "13:8 invalid-value: \"keys\" in [source.x] cannot be \"debian\": these keys sign no packages of Alpine | write \"alpine\", or name key files",
        ],
    ),
    (
        Source("deb = ['/m x main']\nkeys = ['a', 'b/a', 'a', 'https://x.org/k']"),
        &[
            "13:21 duplicate: the key file \"a\" is listed twice | remove one",
            "13:26 invalid-path: the key \"https://x.org/k\" is not a file beside the recipe | fetch it once, look at it, and keep it with the recipe",
        ],
    ),
    (
        Source("deb = 'system'\nkeys = 'debian'\nsnapshot = false"),
        &[
            "13:1 misplaced-key: \"keys\" has no meaning in [source.x], where apt decides | remove it",
            "14:1 misplaced-key: \"snapshot\" has no meaning in [source.x], where apt decides | remove it",
        ],
    ),
    (
        Source("deb = 'system'\nkeys = ['k']\npackages = ['runc']"),
        &["13:1 misplaced-key: \"keys\" has no meaning in [source.x], where apt decides | remove it"],
    ),
    (Source("deb = 'system'"), &[]),
    (
        Source(
            "deb = ['deb /m x main', '/m', '/m x', '/m [trusted=yes] x main', '[arch=amd64] /m x main', '/m ./ main', ' ']\nkeys = ['k']",
        ),
        &[
            "12:8 invalid-value: the repository \"deb /m x main\" begins with \"deb\" | leave that out: it is about packages always",
            "12:25 invalid-value: the repository \"/m\" names no suite | write \"ADDRESS SUITE COMPONENT…\", like \"https://deb.debian.org/debian bookworm main\"",
            "12:31 invalid-value: the repository \"/m x\" names no component | write \"ADDRESS SUITE COMPONENT…\", like \"https://deb.debian.org/debian bookworm main\"",
            "12:39 invalid-value: the repository \"/m [trusted=yes] x main\" has options of apt | leave them out; \"keys\" says whose signatures are believed",
            "12:66 invalid-value: the repository \"[arch=amd64] /m x main\" has options of apt | leave them out; \"keys\" says whose signatures are believed",
            "12:99 invalid-value: the exact path \"./\" has no components | leave them out",
            "12:106 invalid-value: the repository \" \" names no suite | write \"ADDRESS SUITE COMPONENT…\", like \"https://deb.debian.org/debian bookworm main\"",
        ],
    ),
    (
        Source(
            "deb = ['/m ../x main', '/m x ../main', '/m /x/ ', '/m x//y main', '/m $(ARCH)/', '/m x main mäin', '/m {-variant}/']\nkeys = ['k']",
        ),
        &[
            "12:12 invalid-value: \"../x\" cannot be a suite | write a name like bookworm, or an exact path that ends with a \"/\", like ./",
            "12:30 invalid-value: \"../main\" cannot be a component | write a name like main",
            "12:44 invalid-value: \"/x/\" cannot be a suite | write a name like bookworm, or an exact path that ends with a \"/\", like ./",
            "12:55 invalid-value: \"x//y\" cannot be a suite | write a name like bookworm, or an exact path that ends with a \"/\", like ./",
            "12:71 invalid-value: \"$(ARCH)/\" cannot be a suite | write a name like bookworm, or an exact path that ends with a \"/\", like ./",
            "12:93 invalid-value: \"mäin\" cannot be a component | write a name like main",
            "12:104 misplaced-variable: the variable \"variant\" has no value here: one tag and one configuration serve all platforms | only the places and texts of sources know it",
        ],
    ),
    (
        Source(
            "deb = ['ftp://x.org x main', 'https://me:you@x.org/m x main', 'http:/x x main', 'https://x/debian/dists x main', '/m/dists/x x main', '/m/{flavor} {arch} {tols}']\nkeys = ['k']",
        ),
        &[
            "12:9 invalid-value: the address \"ftp://x.org\" is of the unknown kind \"ftp\" | write https://…, http://…, file:///… or a path relative to the recipe",
            "12:31 invalid-value: the address at x.org holds a name or password, which locks and reports would show | leave it out; passwords come from the netrc file of whoever builds",
            "12:64 invalid-value: the address \"http:/x\" lacks the \"//\" | write https://…, http://…, file:///… or a path relative to the recipe",
            "12:82 invalid-value: the repository \"https://x/debian/dists\" names the directory \"dists\" | leave that out: suites are looked for below it, and packages beside it",
            "12:115 invalid-value: the repository \"/m/dists/x\" names the directory \"dists\" | leave that out: suites are looked for below it, and packages beside it",
            "12:139 misplaced-variable: the variable \"flavor\" has no value here: sources are shared by all flavors | only texts of flavors and the tag know it",
            "12:148 misplaced-variable: the variable \"arch\" has no value here: one tag and one configuration serve all platforms | only the places and texts of sources know it",
            "12:155 unknown-variable: unknown variable \"tols\" | did you mean \"tools\"?",
        ],
    ),
    (
        Source("deb = ['/m x main', '/m/ x contrib main', '/n ./', '/n /', '/m y main main']\nkeys = ['k']"),
        &[
            "12:21 duplicate: the repository \"/m x main\" is listed twice | remove one",
            "12:52 duplicate: the repository \"/n ./\" is listed twice | remove one",
            "12:60 duplicate: the repository \"/m y main\" is listed twice | remove one",
        ],
    ),
    (
        Source(
            "deb = 'system'\npackages = ['Runc', 'x', 'so:libz.so.1', 'runc:amd64', 'a b', 'runc@edge', 'ok', 'ok>1', 'iptables (>= 1.8)', 'aa=x:1', 'bb=1:', 'cc=v1', 'runc?']",
        ),
        &[
            "13:13 invalid-name: \"Runc\" cannot be the name of a Debian package: it has lowercase letters, digits, '+', '-' and '.', begins with a letter or digit, at least 2 characters",
            "13:21 invalid-name: \"x\" cannot be the name of a Debian package: it has lowercase letters, digits, '+', '-' and '.', begins with a letter or digit, at least 2 characters",
            "13:26 invalid-name: \"so:libz.so.1\" cannot be the name of a Debian package: it has lowercase letters, digits, '+', '-' and '.', begins with a letter or digit, at least 2 characters",
            "13:42 invalid-name: \"runc:amd64\" cannot be the name of a Debian package: it has lowercase letters, digits, '+', '-' and '.', begins with a letter or digit, at least 2 characters",
            "13:56 invalid-value: the package \"a b\" has a space in it | write \"ab\", or several packages one by one",
            "13:63 invalid-value: \"runc@edge\" has the tag \"edge\", which no Debian repository has | leave it out",
            "13:82 duplicate: the package \"ok\" is listed twice | remove one",
            "13:90 invalid-value: the package \"iptables (>= 1.8)\" has a space in it | write \"iptables>=1.8\", or several packages one by one",
            "13:115 invalid-value: \"x:1\" is not the version of a package | write it like 1.8.9-2 or 1:2.38.1-5; several conditions go into \"pin\" of the source",
            "13:125 invalid-value: \"1:\" is not the version of a package | write it like 1.8.9-2 or 1:2.38.1-5; several conditions go into \"pin\" of the source",
            "13:134 invalid-value: \"v1\" is not the version of a package | write it like 1.8.9-2 or 1:2.38.1-5; several conditions go into \"pin\" of the source",
            "13:139 invalid-name: \"runc?\" cannot be the name of a package: it has printable characters other than '@', '<', '>', '=', '~', '!', '?', quotes and braces, begins with a letter, digit, '_', '.' or '/', at most 255 characters",
        ],
    ),
    (
        Source(
            "deb = 'system'\npin = { runc = '1', 'cmd:x' = '=1', aa = '==1', bb = '={tols}', cc = '=1:2:3', dd = '~1:2' }",
        ),
        &[
            "13:16 invalid-value: \"1\" has no operator before the version | write one of =, <, <=, >, >=, ~",
            "13:21 invalid-name: \"cmd:x\" cannot be the name of a Debian package: it has lowercase letters, digits, '+', '-' and '.', begins with a letter or digit, at least 2 characters",
            "13:42 invalid-value: \"==1\" has the unknown operator \"==\" | write one of =, <, <=, >, >=, ~",
            "13:56 unknown-variable: unknown variable \"tols\" | did you mean \"tools\"?",
            "13:72 invalid-value: \"1:2:3\" is not the version of a package | write it like 1.8.9-2 or 1:2.38.1-5; several conditions go into \"pin\" of the source",
        ],
    ),
    (
        Source(
            "deb = 'system'\nalternatives = { 'a/b' = '/x', '' = '/x', 'a b' = '/x', aa = 'x', bb = '/', cc = '/{arch}', dd = 5 }",
        ),
        &[
            "13:18 invalid-name: \"a/b\" cannot be the name of alternatives | write it as in /etc/alternatives, like iptables",
            "13:32 invalid-name: \"\" cannot be the name of alternatives | write it as in /etc/alternatives, like iptables",
            "13:43 invalid-name: \"a b\" cannot be the name of alternatives | write it as in /etc/alternatives, like iptables",
            "13:62 invalid-path: the program \"x\" is relative | write \"/x\"",
            "13:72 invalid-path: the program \"/\" is the root, which always exists",
            "13:84 misplaced-variable: the variable \"arch\" has no value here: one tag and one configuration serve all platforms | only the places and texts of sources know it",
            "13:98 wrong-type: \"dd\" in \"alternatives\" in [source.x] must be text, not a whole number | write \"5\"",
        ],
    ),
    (
        Source("deb = 'system'\ninstall = '/x'\nexpand = true"),
        &[
            "13:1 misplaced-key: \"install\" has no meaning in [source.x], which is a deb | remove it",
            "14:1 misplaced-key: \"expand\" has no meaning in [source.x], which is a deb | remove it",
        ],
    ),
    (
        Source("rootfs = '/'\nsnapshot = true\npackages = ['runc']\nalternatives = {}"),
        &[
            "13:1 misplaced-key: \"snapshot\" has no meaning in [source.x], which is a rootfs | remove it",
            "14:1 misplaced-key: \"packages\" has no meaning in [source.x], which is a rootfs | remove it",
            "15:1 misplaced-key: \"alternatives\" has no meaning in [source.x], which is a rootfs | remove it",
        ],
    ),
    (
        Source("deb = 'system'\napk = '/m'\nkeys = 'alpine'"),
        &["12:1 conflict: [source.x] is both an apk and a deb | make two sources of it"],
    ),
    (
        Source("deb = ['/m x main']\napk = '/m'"),
        &["12:1 conflict: [source.x] is both an apk and a deb | make two sources of it"],
    ),
    (
        Source("apk = '/m'\nkeys = 'alpine'\npin = { a = '=1:2' }"),
        &[
            "14:15 invalid-value: \"1:2\" is not the version of a package | write it like 1.8.9-r0; several conditions go into \"pin\" of the source",
        ],
    ),
    (
        Replace("\"linux/arm/v7\"]", "\"linux/mips64\", \"linux/arm/v5\"]\nsource.x = { deb = 'system' }"),
        &[
            "3:8 invalid-value: Debian has no packages for linux/mips64 | name the other platforms in \"platforms\" of the source",
        ],
    ),
    (
        Replace(
            "\"linux/arm/v7\"]",
            "\"linux/mips64\"]\nsource.x = { deb = 'system', platforms = ['linux/amd64'] }",
        ),
        &[],
    ),
    (
        Flavor("packages = ['a=1:2', 'b=x:2']\n[source.x]\napk = '/m'\nkeys = 'alpine'"),
        &[
            "11:16 invalid-value: \"1:2\" is not the version of a package | write it like 1.8.9-r0; several conditions go into \"pin\" of the source",
            "11:25 invalid-value: \"x:2\" is not the version of a package | write it like 1.8.9-r0; several conditions go into \"pin\" of the source",
        ],
    ),
    (
        Flavor(
            "packages = ['a=1:2', 'b@t', { name = 'c', from = 'host' }, { name = 'd', from = 'x' }]\n[source.x]\ndeb = 'system'",
        ),
        &[
            "11:22 unknown-name: no repository for the package \"b\" has the tag \"t\" | write \"@t ADDRESS\" in the apk of a source",
            "11:50 conflict: [source.host] has no package \"c\": it is of the kind rootfs | name a source with apk or deb",
        ],
    ),
];

#[test]
fn sources_of_debian_packages_are_checked() {
    check(DEB);
}
