//! Recipes against indexes that are written out here: which source answers which wish, which version is chosen, and
//! what is refused.

mod debian;

use std::collections::BTreeMap;

use ocelet_package::apk::{INDEX_LIMIT, Keyring, VerifiedIndex};
use ocelet_testkit::apk::{Algorithm, PackageBuilder, TestKey, index};

use super::*;
use crate::exit::ExitClass;
use crate::recipe::{Context, Recipe, SourceKind, parse};

/// What a repository lists: a line for each package, `name version` and then `p:` what it provides, `D:` what it
/// needs, `k:` its priority as a provider, `i:` what it installs itself beside.
type Listed<'text> = (&'text str, &'text str);

fn recipe(lines: &str) -> Recipe {
    let head = if lines.contains("platforms = [") { "" } else { "platforms = ['linux/amd64']\n" };
    let text = format!("image = 'x'\ntag = 'v1'\n{head}{lines}");
    parse(&text, &Context::default())
        .unwrap_or_else(|problems| panic!("{}", problems.render("recipe", &text)))
        .recipe
}

fn record(line: &str, architecture: &str) -> String {
    let mut words = line.split_whitespace();
    let (name, version) = (words.next().expect("a name"), words.next().expect("a version"));
    let builder = words.fold(PackageBuilder::new(name, version, architecture), |builder, word| {
        let (key, value) = word.split_once(':').expect("key:value");
        let key = match key {
            "p" => "provides",
            "D" => "depend",
            "k" => "provider_priority",
            "i" => "install_if",
            other => panic!("{other}"),
        };
        builder.field(key, value)
    });
    builder.build(&[]).record
}

/// The catalog of a recipe: each repository lists what is given under its address, alike for every architecture.
fn catalog(recipe: &Recipe, listed: &[Listed<'_>]) -> Catalog {
    let key = TestKey::first();
    let mut keyring = Keyring::new();
    keyring.add(key.name(), key.public_pem()).expect("a key");
    let mut catalog = Catalog::default();
    for (name, source) in &recipe.sources {
        let SourceKind::Apk(apk) = &source.kind else { continue };
        for platform in platforms(recipe, source) {
            for place in places(name, apk, platform) {
                let architecture = platform.apk_architecture().expect("Alpine has it");
                let at = place.location.as_str();
                let lines =
                    listed.iter().filter(|(repository, _)| at == format!("{repository}/{architecture}"));
                let records: Vec<String> = lines
                    .flat_map(|(_, text)| text.lines().map(str::trim).filter(|line| !line.is_empty()))
                    .map(|line| record(line, architecture))
                    .collect();
                let records: Vec<&str> = records.iter().map(String::as_str).collect();
                let bytes = index("", &records, 1, &[(key, Algorithm::Rsa256)]);
                let verified = VerifiedIndex::open(at, &bytes, &keyring, INDEX_LIMIT).expect("it is signed");
                let listing = Listing::read(&place, apk, &verified).expect("records");
                let key = (place.source.clone(), place.platform.clone());
                catalog.listings.entry(key).or_default().push(listing);
            }
        }
    }
    debian::extend(&mut catalog, recipe, listed);
    catalog
}

fn planned(
    lines: &str,
    listed: &[Listed<'_>],
    before: &[&str],
    update: &Update,
) -> Result<Plan, ResolveError> {
    let recipe = recipe(lines);
    let catalog = catalog(&recipe, listed);
    let mut known = Before::new();
    for at in catalog.listings.keys() {
        let versions = before.iter().map(|one| one.split_once(' ').expect("name version"));
        let versions = versions.map(|(name, version)| (name.to_owned(), version.to_owned())).collect();
        known.insert(at.clone(), versions);
    }
    resolve(&recipe, &asked(&recipe), &catalog, &known, update)
}

/// A line for each package: source, name and version, and who asked.
fn shown(plan: &Plan) -> Vec<String> {
    let line = |one: &PlannedPackage| {
        let because: Vec<&str> = one.because.iter().map(String::as_str).collect();
        format!("{} {} {}: {}", one.source, one.name, one.version, because.join(", "))
    };
    plan.packages.iter().map(line).collect()
}

#[track_caller]
fn check(lines: &str, listed: &[Listed<'_>], want: &[&str]) {
    match planned(lines, listed, &[], &Update::Nothing) {
        Ok(plan) => assert_eq!(shown(&plan), want, "{lines}"),
        Err(error) => panic!("{lines}: {error}"),
    }
}

#[track_caller]
fn refused(lines: &str, listed: &[Listed<'_>], words: &[&str]) {
    let error = planned(lines, listed, &[], &Update::Nothing).expect_err(lines);
    assert_eq!(error.class(), ExitClass::Failed, "{error}");
    let text = error.to_string();
    for word in words {
        assert!(text.contains(word), "{lines}: no \"{word}\" in {text}");
    }
}

/// Two sources of packages.
const TWO: &str = "[source.a]\napk = '/a'\nkeys = 'alpine'\n[source.b]\napk = '/b'\nkeys = 'alpine'\n";
/// One, with a repository that has a tag.
const ONE: &str = "[source.a]\napk = ['/a', '@edge /e']\nkeys = 'alpine'\n";

fn with(sources: &str, flavor: &str) -> String {
    format!("{sources}[flavor.x]\n{flavor}\n")
}

#[test]
fn the_first_source_that_has_it_answers_a_wish() {
    let listed = [
        ("/a", "busybox 1.36-r0 p:cmd:sh=1.36-r0 p:cmd:mount=1.36-r0\nlibc 1-r0 p:so:libc.so.1=1"),
        ("/b", "bash 5.2-r0 p:cmd:sh=5.2-r0 p:cmd:bash=5.2-r0\nlibc 2-r0 p:so:libc.so.1=1"),
    ];
    for (flavor, want) in [
        ("commands = ['sh']", &["a busybox 1.36-r0: cmd:sh"][..]),
        ("commands = ['bash']", &["b bash 5.2-r0: cmd:bash"]),
        ("commands = ['sh', 'bash']", &["a busybox 1.36-r0: cmd:sh", "b bash 5.2-r0: cmd:bash"]),
        ("commands = [{ name = 'sh', from = 'b' }]", &["b bash 5.2-r0: cmd:sh"]),
        ("commands = ['sh', 'mount']", &["a busybox 1.36-r0: cmd:mount, cmd:sh"]),
        ("packages = ['libc']", &["a libc 1-r0: libc"]),
        ("packages = [{ name = 'libc', from = 'b' }]", &["b libc 2-r0: libc"]),
        ("packages = ['so:libc.so.1']", &["a libc 1-r0: so:libc.so.1"]),
        ("commands = ['sh', 'zsh?']\npackages = ['nothing?']", &["a busybox 1.36-r0: cmd:sh"]),
    ] {
        check(&with(TWO, flavor), &listed, want);
    }
}

#[test]
fn what_another_source_brings_is_not_asked_of_packages() {
    let listed = [("/a", "kubelet 1-r0 p:cmd:kubelet=1-r0\nbusybox 1-r0 p:cmd:sh=1-r0")];
    let single = "[source.k]\nartifact = 'https://h/k'\ninstall = '/usr/bin/kubelet'\n";
    let archive = "[source.k]\nartifact = 'https://h/k.tgz'\ninstall = '/opt/'\n";
    let elsewhere =
        "[source.k]\nartifact = 'https://h/k'\ninstall = '/usr/bin/kubelet'\nplatforms = ['linux/arm64']\n";
    let both = "platforms = ['linux/amd64', 'linux/arm64']\n";
    for (sources, flavor, want) in [
        (single.to_owned(), "commands = ['kubelet', 'sh']", &["a busybox 1-r0: cmd:sh"][..]),
        (
            single.to_owned(),
            "commands = [{ name = 'kubelet', from = 'a' }]",
            &["a kubelet 1-r0: cmd:kubelet"],
        ),
        (single.to_owned(), "files = ['/usr/bin/kubelet']\ncommands = ['sh']", &["a busybox 1-r0: cmd:sh"]),
        // Nobody knows what an archive has before it is unpacked: packages come first, and an unknown one is no error.
        (archive.to_owned(), "commands = ['kubelet']", &["a kubelet 1-r0: cmd:kubelet"]),
        (archive.to_owned(), "commands = ['sh', 'crictl']", &["a busybox 1-r0: cmd:sh"]),
        (format!("{both}{elsewhere}"), "commands = ['kubelet']", &["a kubelet 1-r0: cmd:kubelet"]),
    ] {
        let first = "[source.a]\napk = '/a'\nkeys = 'alpine'\n";
        check(&with(&format!("{sources}{first}"), flavor), &listed, want);
    }
    refused(
        &with(&format!("{single}{TWO}"), "commands = ['crictl']"),
        &listed,
        &["no package provides the command \"crictl\""],
    );
}

#[test]
fn a_provider_without_a_version_is_taken_where_it_is_the_only_one() {
    let one = [("/a", "socat 1-r0 p:cmd:socat\nother 1-r0 p:cmd:other=1-r0")];
    check(&with(ONE, "commands = ['socat']"), &one, &["a socat 1-r0: cmd:socat"]);
    let several = [("/a", "alpha 1-r0 p:cmd:tool\nbeta 1-r0 p:cmd:tool")];
    refused(&with(ONE, "commands = ['tool']"), &several, &["a for linux/amd64", "cmd:tool", "alpha", "beta"]);
    let decided = [("/a", "alpha 1-r0 p:cmd:tool\nbeta 1-r0 p:cmd:tool k:10")];
    check(&with(ONE, "commands = ['tool']"), &decided, &["a beta 1-r0: cmd:tool"]);
    let versions = [("/a", "alpha 1-r0 p:cmd:tool\nalpha 2-r0 p:cmd:tool")];
    check(&with(ONE, "commands = ['tool']"), &versions, &["a alpha 2-r0: cmd:tool"]);
}

#[test]
fn files_are_wished_for_by_what_packages_say_that_they_provide() {
    let listed = [(
        "/a",
        "busybox 1-r0 p:cmd:mount=1-r0 p:/bin/sh\nlibc 1-r0 p:so:libc.so.1=1\nmkfs 1-r0 p:cmd:mkfs.ext4=1-r0\nother 1-r0 p:cmd:x=1",
    )];
    for (flavor, want) in [
        ("files = ['/bin/sh']", &["a busybox 1-r0: /bin/sh"][..]),
        ("files = ['/sbin/mkfs.ext4']", &["a mkfs 1-r0: /sbin/mkfs.ext4"]),
        ("files = ['/usr/lib/libc.so.1']", &["a libc 1-r0: /usr/lib/libc.so.1"]),
        // Nobody says who has it, and a glob is not asked for.
        ("files = ['/etc/passwd', '/bin/*']\ncommands = ['x']", &["a other 1-r0: cmd:x"]),
    ] {
        check(&with(ONE, flavor), &listed, want);
    }
}

#[test]
fn pins_and_tags_decide_which_versions_there_are() {
    let listed = [
        ("/a", "tool 1.8.9-r0\ntool 1.9.0-r0\nlib 1-r0 p:so:lib=1"),
        ("/e", "tool 2.0-r0 D:lib\nlib 3-r0 p:so:lib=3"),
    ];
    let pinned = |pin: &str| ONE.replace("keys", &format!("pin = {{ tool = '{pin}' }}\nkeys"));
    for (sources, flavor, want) in [
        (ONE.to_owned(), "packages = ['tool']", &["a tool 1.9.0-r0: tool"][..]),
        (ONE.to_owned(), "packages = ['tool<1.9']", &["a tool 1.8.9-r0: tool<1.9"]),
        (ONE.to_owned(), "packages = ['tool~1.8']", &["a tool 1.8.9-r0: tool~1.8"]),
        (pinned("~1.8"), "packages = ['tool']", &["a tool 1.8.9-r0: tool"]),
        (pinned("<1.9"), "packages = ['tool', 'lib']", &["a lib 1-r0: lib", "a tool 1.8.9-r0: tool"]),
        (
            ONE.to_owned(),
            "packages = ['tool@edge']",
            &["a lib 1-r0: needed by tool", "a tool 2.0-r0: tool@edge"],
        ),
    ] {
        check(&with(&sources, flavor), &listed, want);
    }
    refused(&with(&pinned(">=3"), "packages = ['tool']"), &listed, &["a for linux/amd64", "tool"]);
    refused(&with(ONE, "packages = ['tool>=2']"), &listed, &["tool"]);
}

#[test]
fn what_was_chosen_before_is_kept_as_far_as_it_is_told() {
    let listed = [("/a", "tool 1-r0 D:lib\ntool 2-r0 D:lib\nlib 1-r0\nlib 2-r0\nother 2-r0")];
    let names = |names: &[&str]| Update::Names(names.iter().map(ToString::to_string).collect());
    for (before, update, want, note) in [
        (&["tool 1-r0", "lib 1-r0"][..], Update::Nothing, ["lib 1-r0", "other 2-r0", "tool 1-r0"], ""),
        (&["tool 1-r0", "lib 1-r0"], names(&["tool"]), ["lib 1-r0", "other 2-r0", "tool 2-r0"], ""),
        (&["tool 1-r0", "lib 1-r0"], names(&["lib"]), ["lib 2-r0", "other 2-r0", "tool 1-r0"], ""),
        (&["tool 1-r0", "lib 1-r0"], names(&["lib", "tool"]), ["lib 2-r0", "other 2-r0", "tool 2-r0"], ""),
        (&["tool 1-r0", "lib 1-r0"], Update::Everything, ["lib 2-r0", "other 2-r0", "tool 2-r0"], ""),
        (
            &["tool 0-r0", "lib 1-r0"],
            Update::Nothing,
            ["lib 1-r0", "other 2-r0", "tool 2-r0"],
            "tool 0-r0, which was locked, cannot be kept; it is now 2-r0",
        ),
        (&["gone 1-r0"], Update::Nothing, ["lib 2-r0", "other 2-r0", "tool 2-r0"], ""),
    ] {
        let plan = planned(&with(ONE, "packages = ['tool', 'other']"), &listed, before, &update)
            .expect("there is a choice");
        let got: Vec<String> =
            plan.packages.iter().map(|one| format!("{} {}", one.name, one.version)).collect();
        assert_eq!(got, want, "{before:?} {update:?}");
        let notes = plan.notes.join("\n");
        assert!(
            notes.contains(note) && notes.is_empty() == note.is_empty(),
            "{before:?} {update:?}: {notes}"
        );
    }
}

#[test]
fn names_that_could_not_be_those_of_files_are_refused_as_an_attack() {
    for (listed, what) in [
        ("../../etc/x 1-r0 p:cmd:tool=1", "../../etc/x-1-r0"),
        (".x 1-r0 p:cmd:tool=1", ".x-1-r0"),
        ("x\\y 1-r0 p:cmd:tool=1", "x\\y-1-r0"),
        ("x\u{1}y 1-r0 p:cmd:tool=1", "cannot be the name of a file"),
    ] {
        let lines = with(ONE, "commands = ['tool']");
        let error = planned(&lines, &[("/a", listed)], &[], &Update::Nothing).expect_err(what);
        assert_eq!(error.class(), ExitClass::Verification, "{error}");
        assert!(error.to_string().contains(what), "{what}: {error}");
    }
}

#[test]
fn every_platform_is_planned_and_all_problems_come_at_once() {
    let lines = with(
        &format!("platforms = ['linux/amd64', 'linux/arm64', 'linux/arm/v7']\n{ONE}"),
        "commands = ['sh']",
    );
    let plan =
        planned(&lines, &[("/a", "busybox 1-r0 p:cmd:sh=1")], &[], &Update::Nothing).expect("all have it");
    let got: Vec<String> = plan
        .packages
        .iter()
        .map(|one| format!("{} {} {}", one.platform, one.architecture, one.location))
        .collect();
    assert_eq!(
        got,
        [
            "linux/amd64 x86_64 /a/x86_64/busybox-1-r0.apk",
            "linux/arm/v7 armv7 /a/armv7/busybox-1-r0.apk",
            "linux/arm64 aarch64 /a/aarch64/busybox-1-r0.apk"
        ]
    );
    let error = planned(
        &lines.replace("'sh'", "'shh', 'none'"),
        &[("/a", "busybox 1-r0 p:cmd:sh=1")],
        &[],
        &Update::Nothing,
    )
    .expect_err("two commands on three platforms");
    assert_eq!(error.problems.len(), 6, "{error}");
    assert!(error.to_string().contains("command \"shh\"; did you mean sh?"), "{error}");
}

#[test]
fn the_plan_depends_on_no_order() {
    let listed = "busybox 1-r0 p:cmd:sh=1 p:cmd:mount=1\nutil 2-r0 p:cmd:mount=2 D:lib\nlib 1-r0\nlib 2-r0\nssl 1-r0 i:util i:lib\nawk 1-r0 p:cmd:awk=1";
    let sources = TWO.replace("'/a'", "['/a', '/c']");
    let lines = with(&sources, "commands = ['sh', 'mount', 'awk']\npackages = ['lib']");
    let want = shown(&planned(&lines, &[("/c", listed)], &[], &Update::Nothing).expect("there is a choice"));
    assert!(want.len() > 2, "{want:?}");
    let rotated = |by: usize| {
        let mut lines: Vec<&str> = listed.lines().collect();
        lines.rotate_left(by);
        lines.join("\n")
    };
    for by in 0..listed.lines().count() {
        let lines = with(&sources, "packages = ['lib']\ncommands = ['awk', 'mount', 'sh']");
        let plan = planned(&lines, &[("/c", &rotated(by))], &[], &Update::Nothing).expect("the same choice");
        assert_eq!(shown(&plan), want, "{by}");
    }
    let turned: BTreeMap<&str, &str> =
        sources.split("[source.").skip(1).map(|part| part.split_at(1)).collect();
    let turned: String = turned.iter().rev().flat_map(|(name, rest)| ["[source.", name, rest]).collect();
    let plan = planned(
        &with(&turned, "commands = ['sh', 'mount', 'awk']\npackages = ['lib']"),
        &[("/c", listed)],
        &[],
        &Update::Nothing,
    );
    assert_eq!(shown(&plan.expect("the same choice")), want, "sources in another order");
}
