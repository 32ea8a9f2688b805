//! What recipes ask of Debian sources, beside Alpine ones.

use std::collections::BTreeMap;

use super::{Asked, asked};
use crate::recipe::{Context, Recipe, SourceName, parse};

const DEBIAN: &str = "[source.d]\ndeb = ['https://h/debian x main', '{m}/debian y main', './repo ./']\nkeys = ['{m}/k.gpg', 'k.gpg']\npackages = ['runc', 'iptables>=1:1.8']\n";
const SYSTEM: &str = "[source.d]\ndeb = 'system'\npackages = ['runc']\n";
const ALPINE: &str = "[source.a]\napk = ['/m', '@edge /e']\nkeys = 'alpine'\n";

fn recipe(place: &str, lines: &str) -> Recipe {
    let head = "image = 'x'\ntag = '{flavor}'\nplatforms = ['linux/amd64', 'linux/arm64']\n";
    let parameter =
        if lines.contains("{m}") { "parameters.m = { help = 'a place', path = true }\n" } else { "" };
    let text = format!("{head}{parameter}{lines}");
    let set = if parameter.is_empty() { BTreeMap::new() } else { [("m".into(), place.into())].into() };
    parse(&text, &Context { set, ..Context::default() })
        .unwrap_or_else(|problems| panic!("{}", problems.render("recipe", &text)))
        .recipe
}

/// The settings of a source and what is wanted of it, in a line for each.
fn shown(asked: &BTreeMap<SourceName, Asked>, source: &str) -> Vec<String> {
    let asked = &asked[source];
    let settings = asked.settings.iter().map(|(name, values)| format!("{name}: {}", values.join(", ")));
    let wanted = asked.wanted.iter().map(|(platform, wanted)| {
        format!("{platform}: {}", wanted.iter().map(String::as_str).collect::<Vec<_>>().join(", "))
    });
    settings.chain(wanted).collect()
}

#[test]
fn a_debian_source_is_asked_for_packages_only() {
    let flavor = |text: &str| format!("[flavor.x]\n{text}\n");
    let wanted = |lines: &str| -> String {
        let lines = shown(&asked(&recipe("/p", lines)), "d");
        lines.iter().find_map(|line| line.strip_prefix("linux/arm64: ")).expect("wanted").to_owned()
    };
    for (flavors, want) in [
        (flavor("commands = ['sh', 'runc']\nfiles = ['/etc/x', '/usr/bin/*']"), "runc"),
        (flavor("packages = ['mount', 'util-linux>=2:2.38?']"), "mount, runc, util-linux>=2:2.38?"),
        (
            flavor("packages = ['less@edge', { name = 'musl', from = 'a' }, { name = 'kmod', from = 'd' }]"),
            "kmod, runc",
        ),
        // What one flavor needs and another can do without is needed.
        (
            format!("{}[flavor.y]\npackages = ['mount']\n", flavor("packages = ['mount?', 'runc?']")),
            "mount, runc",
        ),
    ] {
        assert_eq!(wanted(&format!("{SYSTEM}{ALPINE}{flavors}")), want, "{flavors}");
    }
    let only = format!(
        "{}{}",
        SYSTEM.replace("deb =", "platforms = ['linux/arm64']\ndeb ="),
        flavor("commands = ['x']")
    );
    assert_eq!(shown(&asked(&recipe("", &only)), "d"), ["deb: system", "linux/arm64: runc"]);
}

#[test]
fn settings_tell_where_packages_come_from_and_nothing_of_the_machine() {
    let flavor = "[flavor.x]\ncommands = ['runc']\n";
    let here = asked(&recipe("/here", &format!("{DEBIAN}{flavor}")));
    assert_eq!(here, asked(&recipe("/over/there", &format!("{DEBIAN}{flavor}"))));
    let platforms = ["linux/amd64: iptables>=1:1.8, runc", "linux/arm64: iptables>=1:1.8, runc"];
    let places = ["deb: https://h/debian x main, {m}/debian y main, ./repo ./", "keys: {m}/k.gpg, k.gpg"];
    assert_eq!(shown(&here, "d"), [&places[..], &platforms].concat());
    let more = "snapshot = true\npin = { runc = '~1.1', iptables = '<2:0' }\n";
    let pinned = asked(&recipe("", &format!("mirrors = ['https://m']\n{DEBIAN}{more}{flavor}")));
    let rest = ["mirrors: https://m", "pin: iptables<2:0, runc~1.1", "snapshot: true"];
    assert_eq!(shown(&pinned, "d"), [&places[..], &rest, &platforms].concat());
}

#[test]
fn what_is_not_asked_for_makes_no_other_lock() {
    let lines = |debian: &str, flavor: &str| asked(&recipe("/p", &format!("{debian}[flavor.x]\n{flavor}\n")));
    let before = lines(DEBIAN, "commands = ['runc']");
    for (from, to, same) in [
        // Which program stands behind a name is chosen while unpacking, out of what is locked.
        ("packages =", "alternatives = { iptables = '/usr/sbin/iptables-legacy' }\npackages =", true),
        ("packages =", "snapshot = false\nstability = 'base'\npackages =", true),
        ("'runc', 'iptables>=1:1.8'", "'iptables=>1:1.8', 'runc'", true),
        ("debian x main", "debian/ x  main", true),
        ("debian x main", "debian x main contrib", false),
        ("'runc', ", "", false),
        ("'k.gpg'", "'l.gpg'", false),
        ("packages =", "snapshot = true\npackages =", false),
        ("packages =", "pin = { runc = '=1' }\npackages =", false),
    ] {
        assert!(DEBIAN.contains(from), "{from}");
        let after = lines(&DEBIAN.replacen(from, to, 1), "commands = ['runc', 'sh']\nfiles = ['/x']");
        assert_eq!(before == after, same, "{from} {to}");
    }
}
