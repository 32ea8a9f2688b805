//! Recipes against Debian repositories, alone and beside Alpine's: which source answers, which version is chosen, and what
//! is refused.

use ocelet_package::deb_trust::{Keyring, PACKAGES_LIMIT, Validity, VerifiedRelease};
use ocelet_testkit::deb::{DebBuilder, Repository};
use ocelet_testkit::openpgp::SIGNED;

use super::*;
use crate::recipe::{DebOrigin, DebSource, Location, Platform, SourceName};

/// A Debian source with two repositories, of which the second has other versions.
const DEB: &str = "[source.d]\ndeb = ['https://h/debian bookworm main', 'https://s/security bookworm main']\nkeys = ['k.gpg']\n";

/// A line for each package, `name version`, and then `D:` what it needs, `p:` what it provides, `a:` its architecture,
/// `f:` where it is said to be.
fn package(line: &str, architecture: &str) -> DebBuilder {
    let mut words = line.split_whitespace();
    let (name, version) = (words.next().expect("a name"), words.next().expect("a version"));
    let words: Vec<(&str, &str)> = words.map(|word| word.split_once(':').expect("key:value")).collect();
    let own = words.iter().find(|(key, _)| *key == "a").map_or(architecture, |(_, own)| own);
    words.iter().fold(DebBuilder::new(name, version, own), |builder, (key, value)| match *key {
        "D" => builder.depends(&value.replace(',', ", ")),
        "p" => builder.field("Provides", value),
        "C" => builder.field("Conflicts", value),
        "a" | "f" => builder,
        other => panic!("{other}"),
    })
}

/// What a repository lists for an architecture, as its signed Release vouches for it.
fn listing(root: &str, lines: &str, architecture: &str) -> Listing {
    let lines: Vec<&str> = lines.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let repository =
        lines.iter().fold(Repository::new("bookworm").architecture(architecture), |all, line| {
            let mut built = package(line, architecture).build();
            if let Some(place) = line.split(" f:").nth(1) {
                built.record = built
                    .record
                    .replace(&format!("Filename: {}", built.path()), &format!("Filename: {place}"));
            }
            all.package("main", &built)
        });
    let built = repository.component("main").build();
    let mut keyring = Keyring::new();
    keyring.add("k.gpg", &built.key).expect("a key");
    let text = &built.files["dists/bookworm/InRelease"];
    let validity = Validity::at(i64::from(SIGNED) + 60);
    let release = VerifiedRelease::open_inline("InRelease", text, &keyring, validity).expect("it is signed");
    let choice = release.choose_packages(Some("main"), architecture).expect("it is listed");
    let bytes = &built.files[&format!("dists/bookworm/{}", choice.path)];
    let packages = release.open_packages(&choice, bytes, PACKAGES_LIMIT).expect("it is the listed one");
    Listing::read_deb(&Location::of(root.to_owned()), "Packages", packages).expect("packages")
}

fn add(
    deb: &DebSource,
    name: &SourceName,
    platform: &Platform,
    listed: &[Listed<'_>],
    catalog: &mut Catalog,
) {
    let DebOrigin::Listed { repositories, .. } = &deb.origin else { return };
    let architecture = platform.deb_architecture().expect("Debian has it");
    let own = repositories.iter().filter_map(|repository| {
        let root = repository.location.to_string();
        let (_, lines) = listed.iter().find(|(at, _)| *at == root)?;
        Some(listing(&root, lines, architecture))
    });
    catalog.listings.entry((name.clone(), platform.clone())).or_default().extend(own);
}

/// Adds what the Debian sources of a recipe list to a catalog.
pub(super) fn extend(catalog: &mut Catalog, recipe: &Recipe, listed: &[Listed<'_>]) {
    for (name, source) in &recipe.sources {
        let SourceKind::Deb(deb) = &source.kind else { continue };
        for platform in platforms(recipe, source) {
            add(deb, name, platform, listed, catalog);
        }
    }
}

fn with_packages(packages: &str) -> String {
    format!("{DEB}packages = [{packages}]\n[flavor.x]\ncommands = ['sh']\n")
}

#[test]
fn a_source_is_asked_for_its_packages_and_what_they_need() {
    let listed = [
        (
            "https://h/debian",
            "runc 1.1.5+ds1-1 D:libc6,libseccomp2\nlibc6 2.36-9 D:libgcc-s1\nlibgcc-s1 12\nlibseccomp2 2.5\nrunc 1.0-1\ntzdata 2024a a:all",
        ),
        ("https://s/security", "runc 1.1.5+ds1-1+deb12u1 D:libc6,libseccomp2"),
    ];
    for (packages, want) in [
        (
            "'runc'",
            &[
                "d libc6 2.36-9: needed by runc",
                "d libgcc-s1 12: needed by libc6",
                "d libseccomp2 2.5: needed by runc",
                "d runc 1.1.5+ds1-1+deb12u1: runc",
            ][..],
        ),
        ("'libgcc-s1', 'tzdata'", &["d libgcc-s1 12: libgcc-s1", "d tzdata 2024a: tzdata"]),
        ("'libgcc-s1>=12'", &["d libgcc-s1 12: libgcc-s1>=12"]),
    ] {
        check(&with_packages(packages), &listed, want);
    }
    for (packages, want) in [
        ("'runc=1.1.5+ds1-1'", "1.1.5+ds1-1"),
        ("'runc<1.1.5+ds1-1+deb12u1'", "1.1.5+ds1-1"),
        ("'runc~1.0'", "1.0-1"),
        ("'runc~1'", "1.1.5+ds1-1+deb12u1"),
        ("'runc']\npin = { runc = '~1.0' }\nalternatives = { x = '/y' }\n#", "1.0-1"),
    ] {
        let plan = planned(&with_packages(packages), &listed, &[], &Update::Nothing).expect(packages);
        let runc = plan.packages.iter().find(|one| one.name == "runc").expect("it is wanted");
        assert_eq!(runc.version, want, "{packages}");
    }
    refused(&with_packages("'runc>2'"), &listed, &["d for linux/amd64", "runc"]);
    refused(&with_packages("'runk'"), &listed, &["d for linux/amd64", "runk", "runc"]);
    refused(&with_packages("'runc~3'"), &listed, &["d for linux/amd64", "runc"]);
}

#[test]
fn both_distributions_answer_in_one_recipe() {
    let listed = [
        ("/a", "busybox 1.36-r0 p:cmd:sh=1.36-r0\nlibc6 0-r0"),
        ("https://h/debian", "libc6 2.36-9\nca-certificates 2023 a:all p:trust"),
    ];
    let alpine = "[source.a]\napk = '/a'\nkeys = 'alpine'\n";
    for (flavor, want) in [
        // Whatever a flavor asks for by name, the first source in the order of names has.
        (
            "commands = ['sh']\npackages = ['libc6']",
            &["a busybox 1.36-r0: cmd:sh", "a libc6 0-r0: libc6"][..],
        ),
        (
            "commands = ['sh']\npackages = [{ name = 'libc6', from = 'd' }]",
            &["a busybox 1.36-r0: cmd:sh", "d libc6 2.36-9: libc6"],
        ),
        // Only Debian has them, the second one by another name; no command is ever asked of it.
        ("packages = ['ca-certificates']", &["d ca-certificates 2023: ca-certificates"]),
        ("packages = ['trust']", &["d ca-certificates 2023: trust"]),
        ("commands = ['sh', 'nobody']", &["a busybox 1.36-r0: cmd:sh"]),
        ("commands = ['sh']\npackages = ['nothing?']", &["a busybox 1.36-r0: cmd:sh"]),
    ] {
        check(&with(&format!("{alpine}{DEB}"), flavor), &listed, want);
    }
    // A tag is a word of Alpine's: Debian is not asked for it.
    let tagged = with(&format!("{alpine}{DEB}"), "packages = ['ca-certificates@edge']");
    refused(
        &tagged.replace("'/a'", "['/a', '@edge /e']"),
        &listed,
        &["a for linux/amd64", "ca-certificates"],
    );
}

#[test]
fn what_was_locked_is_kept_and_what_is_gone_is_told() {
    let listed = [("https://h/debian", "tool 1-1 D:lib\ntool 2-1 D:lib\nlib 1-1\nlib 2-1")];
    let names = |names: &[&str]| Update::Names(names.iter().map(ToString::to_string).collect());
    for (before, update, want, note) in [
        (&["tool 1-1", "lib 1-1"][..], Update::Nothing, ["lib 1-1", "tool 1-1"], ""),
        (&["tool 1-1", "lib 1-1"], names(&["tool"]), ["lib 1-1", "tool 2-1"], ""),
        (&["tool 1-1", "lib 1-1"], Update::Everything, ["lib 2-1", "tool 2-1"], ""),
        (
            &["tool 0-1", "lib 1-1"],
            Update::Nothing,
            ["lib 1-1", "tool 2-1"],
            "tool 0-1, which was locked, cannot be kept; it is now 2-1",
        ),
    ] {
        let plan = planned(&with_packages("'tool'"), &listed, before, &update).expect("there is a choice");
        let got: Vec<String> =
            plan.packages.iter().map(|one| format!("{} {}", one.name, one.version)).collect();
        assert_eq!(got, want, "{before:?} {update:?}");
        assert_eq!(plan.notes.is_empty(), note.is_empty(), "{:?}", plan.notes);
        assert!(plan.notes.concat().contains(note), "{:?}", plan.notes);
    }
}

#[test]
fn every_architecture_has_its_own_packages_and_no_order_matters() {
    let lines = "tool 1-1 D:data,lib\ndata 1 a:all\nlib 2-1\nlib 1-1";
    let rotated: Vec<String> = (0..4)
        .map(|by| {
            let mut lines: Vec<&str> = lines.lines().collect();
            lines.rotate_left(by);
            lines.join("\n")
        })
        .collect();
    let recipe = with_packages("'tool'");
    let recipe = format!("platforms = ['linux/amd64', 'linux/arm64', 'linux/arm/v7']\n{recipe}");
    for lines in &rotated {
        let plan = planned(&recipe, &[("https://h/debian", lines)], &[], &Update::Nothing).expect("a choice");
        let got: Vec<String> = plan
            .packages
            .iter()
            .map(|one| format!("{} {} {}", one.platform, one.architecture, one.location))
            .collect();
        assert_eq!(
            got,
            [
                "linux/amd64 all https://h/debian/pool/main/data_1_all.deb",
                "linux/amd64 amd64 https://h/debian/pool/main/lib_2-1_amd64.deb",
                "linux/amd64 amd64 https://h/debian/pool/main/tool_1-1_amd64.deb",
                "linux/arm/v7 all https://h/debian/pool/main/data_1_all.deb",
                "linux/arm/v7 armhf https://h/debian/pool/main/lib_2-1_armhf.deb",
                "linux/arm/v7 armhf https://h/debian/pool/main/tool_1-1_armhf.deb",
                "linux/arm64 all https://h/debian/pool/main/data_1_all.deb",
                "linux/arm64 arm64 https://h/debian/pool/main/lib_2-1_arm64.deb",
                "linux/arm64 arm64 https://h/debian/pool/main/tool_1-1_arm64.deb",
            ]
        );
    }
}

#[test]
fn a_place_outside_of_the_repository_is_refused_as_an_attack() {
    for place in ["../../etc/x.deb", "/etc/x.deb", "pool/x.deb?y", "pool/%2e%2e/x.deb"] {
        let listed = [("https://h/debian", &*format!("tool 1-1 f:{place}"))];
        let error = planned(&with_packages("'tool'"), &listed, &[], &Update::Nothing).expect_err(place);
        assert_eq!(error.class(), ExitClass::Verification, "{error}");
        assert!(error.to_string().contains(place), "{place}: {error}");
    }
}
