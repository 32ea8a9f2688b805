//! Scripts and what they would have linked; the first one is written as that of Debian's iptables is.

use proptest::prelude::*;

use super::*;
use crate::deb::control::MaintainerScriptKind;

const IPTABLES: &str = r#"#!/bin/sh
set -e
if [ "$1" = "configure" ] || [ "$1" = "abort-upgrade" ]; then
	update-alternatives \
	  --install /usr/sbin/iptables iptables /usr/sbin/iptables-legacy 10 \
	  --slave /usr/sbin/iptables-save iptables-save /usr/sbin/iptables-legacy-save
	update-alternatives \
	  --install /usr/sbin/iptables iptables /usr/sbin/iptables-nft 20 \
	  --slave /usr/sbin/iptables-save iptables-save /usr/sbin/iptables-nft-save
fi
"#;

fn effects(text: &str) -> ScriptEffects {
    MaintainerScript { kind: MaintainerScriptKind::PostInst, text: text.as_bytes().to_vec() }.effects()
}

fn path(text: &str) -> TreePath {
    TreePath::new(text).expect("plain")
}

fn linked(links: &BTreeMap<TreePath, LinkTarget>) -> Vec<String> {
    links.iter().map(|(link, target)| format!("{link} {target}")).collect()
}

#[test]
fn alternatives_become_links() {
    let found = effects(IPTABLES);
    assert_eq!((found.alternatives.len(), found.unread.len()), (2, 0));
    assert_eq!((found.alternatives[0].line, found.alternatives[0].conditional), (4, true));
    let check = |wanted: &[(&str, &str)], gone: &str, want: &[&str]| {
        let wanted = wanted.iter().map(|(name, to)| ((*name).to_owned(), path(to))).collect();
        let links = alternative_links(&found.alternatives, &wanted, |path| !path.to_string().ends_with(gone));
        assert_eq!(linked(&links.expect("offered")), want);
    };
    let nft = [
        "/etc/alternatives/iptables /usr/sbin/iptables-nft",
        "/etc/alternatives/iptables-save /usr/sbin/iptables-nft-save",
        "/usr/sbin/iptables /etc/alternatives/iptables",
        "/usr/sbin/iptables-save /etc/alternatives/iptables-save",
    ];
    let legacy = nft.map(|line| line.replace("-nft", "-legacy"));
    let legacy: Vec<&str> = legacy.iter().map(String::as_str).collect();
    check(&[], "no such file", &nft);
    check(&[("iptables", "/usr/sbin/iptables-legacy")], "no such file", &legacy);
    check(&[], "-nft", &legacy);
    check(&[], "-nft-save", &[nft[0], nft[2]]);
    check(&[], "", &[]);
    for (name, wanted, want) in [
        (
            "iptables",
            "/bin/x",
            "iptables is wanted as /bin/x, which no package offers; offered are /usr/sbin/iptables-legacy, /usr/sbin/iptables-nft",
        ),
        ("awk", "/bin/x", "offered are none"),
    ] {
        let wanted = BTreeMap::from([(name.to_owned(), path(wanted))]);
        let error = alternative_links(&found.alternatives, &wanted, |_| true).expect_err(want).to_string();
        assert!(error.contains(want), "{error}: wanted {want}");
    }
}

#[test]
fn the_first_of_equal_ways_is_taken_and_names_must_be_one() {
    let install =
        |name: &str, way: &str| format!("update-alternatives --install /bin/x {name} /bin/{way} 5\n");
    let links = |text: String| alternative_links(&effects(&text).alternatives, &BTreeMap::new(), |_| true);
    let both = links(install("x", "a") + &install("x", "b")).expect("one name");
    assert_eq!(linked(&both), ["/bin/x /etc/alternatives/x", "/etc/alternatives/x /bin/a"]);
    let error = links(install("x", "a") + &install("y", "b")).expect_err("two names").to_string();
    assert_eq!(error, "both x and y are to be a link at /bin/x");
}

#[test]
fn calls_are_read_or_told() {
    let check = |text: &str, want: [usize; 3]| {
        let found = effects(text);
        let got = [found.alternatives.len(), found.diversions.len(), found.unread.len()];
        assert_eq!(got, want, "{text}: {found:?}");
    };
    check("/usr/bin/update-alternatives --quiet --force --install /a a /b -10 >/dev/null || true", [1, 0, 0]);
    check("way=/b\nupdate-alternatives --install /a a $way 1 --follower /c c /d", [1, 0, 0]);
    check("update-alternatives --remove a /b", [0, 0, 0]);
    check("echo update-alternatives --install /a a /b 1", [0, 0, 0]);
    for unread in [
        "update-alternatives --install /a a \"$2\" 1",
        "update-alternatives --install /a a /b",
        "update-alternatives --install /a a /b high",
        "update-alternatives --install a a /b 1",
        "update-alternatives --install /../a a /b 1",
        "update-alternatives --install /a ../a /b 1",
        "update-alternatives --install /a a /b 1 --remove",
        "update-alternatives --set a /b",
        "update-alternatives --slave /a a /b",
        "update-alternatives",
        "dpkg-divert --add",
        "dpkg-divert --package",
        "dpkg-divert --add a",
        "dpkg-divert --add /a /b",
        "dpkg-divert --frobnicate=1 /a",
        "for x in a b; do dpkg-divert --add /$x; done",
    ] {
        check(unread, [0, 0, 1]);
    }
}

#[test]
fn a_script_beyond_all_measure_is_not_read() {
    let found = effects(&"update-alternatives --install /a a /b 1\n".repeat(30_000));
    assert!(found.alternatives.is_empty() && found.unread[0].text.starts_with("postinst, which is longer"));
}

#[test]
fn diversions_are_told() {
    for (text, want) in [
        ("dpkg-divert /bin/a", (None, "/bin/a", "/bin/a.distrib", false)),
        (
            "dpkg-divert --quiet --package dash --divert /bin/sh.distrib --rename --add /bin/sh",
            (Some("dash"), "/bin/sh", "/bin/sh.distrib", true),
        ),
        ("dpkg-divert --add --no-rename --package=p --divert=/b /a", (Some("p"), "/a", "/b", false)),
        ("dpkg-divert --local --rename /a", (None, "/a", "/a.distrib", true)),
    ] {
        let found = effects(text);
        let [one] = found.diversions.as_slice() else { panic!("{text}: {found:?}") };
        let got = (one.package.as_deref(), one.path.to_string(), one.to.to_string(), one.rename);
        assert_eq!(got, (want.0, want.1.to_owned(), want.2.to_owned(), want.3), "{text}");
    }
    assert_eq!(effects("dpkg-divert --remove /a; dpkg-divert --list"), ScriptEffects::default());
}

proptest! {
    #[test]
    fn no_script_makes_it_panic(text in "(update-alternatives|dpkg-divert| --install| --slave| --add| --divert| /a| a| 1|=|\n|\"|'|\\$|\\(|\\)|if|fi|;|\\\\|<<){0,20}") {
        let found = effects(&text);
        let _ = alternative_links(&found.alternatives, &BTreeMap::new(), |_| true);
    }
}
