//! Every embedded pack is whole, and does what it is for on a tree like those of distributions.

use ocelet_testkit::ElfBuilder;
use ocelet_testkit::trees::{add, add_bytes, path};
use ocelet_tree::Tree;

use super::*;
use crate::{Options, Problem, Root, Target, close};

/// A pack, the root that sets it off, further lines of the tree, and what must be kept.
type Case = (&'static str, &'static str, &'static [&'static str], &'static [&'static str]);

const TRIPLET: &str = "/usr/lib/x86_64-linux-gnu";

const CASES: &[Case] = &[
    (
        "nss",
        "libc.so.6",
        &["/etc/nsswitch.conf", "/usr/lib/x86_64-linux-gnu/libnss_dns.so.2"],
        &["/etc/nsswitch.conf", "/usr/lib/x86_64-linux-gnu/libnss_dns.so.2"],
    ),
    (
        "pam",
        "libpam.so.0",
        &["/usr/lib/x86_64-linux-gnu/security/pam_unix.so", "/etc/pam.d/login"],
        &["/usr/lib/x86_64-linux-gnu/security/pam_unix.so", "/etc/pam.d/login"],
    ),
    (
        "gconv",
        "libc.so.6",
        &[
            "/usr/lib/x86_64-linux-gnu/gconv/UTF-16.so",
            "/usr/lib/x86_64-linux-gnu/gconv/gconv-modules.d/x.conf",
        ],
        &[
            "/usr/lib/x86_64-linux-gnu/gconv/UTF-16.so",
            "/usr/lib/x86_64-linux-gnu/gconv/gconv-modules.d/x.conf",
        ],
    ),
    (
        "xtables",
        "libxtables.so.12",
        &[
            "/usr/lib/x86_64-linux-gnu/xtables/libxt_NAT.so",
            "/usr/lib/x86_64-linux-gnu/xtables/libxt_MASQUERADE.so -> libxt_NAT.so",
            "/etc/protocols",
        ],
        &[
            "/usr/lib/x86_64-linux-gnu/xtables/libxt_NAT.so",
            "/usr/lib/x86_64-linux-gnu/xtables/libxt_MASQUERADE.so",
            "/etc/protocols",
        ],
    ),
    (
        "xtables-kubernetes",
        "libxtables.so.12",
        &[
            "/usr/lib/xtables/libxt_mark.so",
            "/usr/lib/xtables/libxt_NAT.so",
            "/usr/lib/xtables/libipt_DNAT.so -> libxt_NAT.so",
            "/usr/lib/xtables/libxt_hashlimit.so",
            "/etc/protocols",
        ],
        &[
            "/usr/lib/xtables/libxt_mark.so",
            "/usr/lib/xtables/libxt_NAT.so",
            "/usr/lib/xtables/libipt_DNAT.so",
            "/etc/protocols",
        ],
    ),
    (
        "iptables-backends",
        "",
        &[
            "/usr/sbin/xtables-nft-multi",
            "/usr/sbin/xtables-legacy-multi",
            "/usr/sbin/iptables-nft-save -> xtables-nft-multi",
            "/usr/sbin/iptables -> iptables-nft-save",
        ],
        &["/usr/sbin/xtables-legacy-multi", "/usr/sbin/iptables-nft-save", "/usr/sbin/iptables"],
    ),
    (
        "openssl-providers",
        "libcrypto.so.3",
        &[
            "/usr/lib/x86_64-linux-gnu/ossl-modules/legacy.so",
            "/usr/lib/ssl/openssl.cnf -> /etc/ssl/openssl.cnf",
            "/etc/ssl/openssl.cnf",
        ],
        &[
            "/usr/lib/x86_64-linux-gnu/ossl-modules/legacy.so",
            "/usr/lib/ssl/openssl.cnf",
            "/etc/ssl/openssl.cnf",
        ],
    ),
    (
        "openssl-providers",
        "libcrypto.so.1.1",
        &["/usr/lib/x86_64-linux-gnu/engines-1.1/afalg.so"],
        &["/usr/lib/x86_64-linux-gnu/engines-1.1/afalg.so"],
    ),
    (
        "ca-certificates",
        "",
        &["/etc/ssl/certs/ca-certificates.crt", "/etc/ssl/cert.pem -> certs/ca-certificates.crt"],
        &["/etc/ssl/certs/ca-certificates.crt", "/etc/ssl/cert.pem"],
    ),
    (
        "protocols-services",
        "libtirpc.so.3",
        &["/etc/protocols", "/etc/services", "/etc/netconfig"],
        &["/etc/protocols", "/etc/services", "/etc/netconfig"],
    ),
    ("zoneinfo", "", &["/usr/share/zoneinfo/Europe/Berlin"], &["/usr/share/zoneinfo/Europe/Berlin"]),
    (
        "iproute2",
        "/sbin/ip",
        &["/usr/lib/tc/q_atm.so", "/usr/lib/tc/normal.dist", "/etc/iproute2/rt_tables"],
        &["/usr/lib/tc/q_atm.so", "/usr/lib/tc/normal.dist", "/etc/iproute2/rt_tables"],
    ),
    (
        "krb5-plugins",
        "libkrb5.so.3",
        &["/usr/lib/x86_64-linux-gnu/krb5/plugins/preauth/spake.so", "/etc/krb5.conf"],
        &["/usr/lib/x86_64-linux-gnu/krb5/plugins/preauth/spake.so", "/etc/krb5.conf"],
    ),
    (
        "libmount-cryptsetup",
        "libmount.so.1",
        &["/usr/lib/x86_64-linux-gnu/libcryptsetup.so.12"],
        &["/usr/lib/x86_64-linux-gnu/libcryptsetup.so.12"],
    ),
    (
        "libgcc-unwind",
        "libc.so.6",
        &["/lib/x86_64-linux-gnu/libgcc_s.so.1"],
        &["/lib/x86_64-linux-gnu/libgcc_s.so.1"],
    ),
    (
        "os-release",
        "",
        &["/usr/lib/os-release", "/etc/os-release -> ../usr/lib/os-release", "/etc/alpine-release"],
        &["/usr/lib/os-release", "/etc/os-release", "/etc/alpine-release"],
    ),
    (
        "terminfo",
        "",
        &["/usr/share/terminfo/x/xterm-256color", "/lib/terminfo/l/linux"],
        &["/usr/share/terminfo/x/xterm-256color", "/lib/terminfo/l/linux"],
    ),
    (
        "kmod",
        "/usr/bin/kmod",
        &["/etc/modprobe.d/block.conf", "/lib/modprobe.d/aliases.conf"],
        &["/etc/modprobe.d/block.conf", "/lib/modprobe.d/aliases.conf"],
    ),
    (
        "sudo",
        "/usr/bin/sudo",
        &["/usr/libexec/sudo/sudoers.so", "/etc/sudoers"],
        &["/usr/libexec/sudo/sudoers.so", "/etc/sudoers"],
    ),
];

fn tree(trigger: &str) -> (Tree, TreePath) {
    let mut tree = Tree::new();
    let at = if trigger.starts_with('/') { trigger.to_owned() } else { format!("{TRIPLET}/{trigger}") };
    if trigger.is_empty() {
        add(&mut tree, "/usr/bin/x");
        return (tree, path("/usr/bin/x"));
    }
    add_bytes(&mut tree, &at, ElfBuilder::library("linux/amd64", trigger).build());
    (tree, path(&at))
}

#[test]
fn every_pack_keeps_what_it_is_for() {
    let packs = RulePacks::embedded();
    for (name, trigger, lines, want) in CASES {
        let (mut tree, root) = tree(trigger);
        for line in *lines {
            add(&mut tree, line);
        }
        let rules = packs.choose(&[name]).expect(name);
        let options = Options { rules, ..Options::new(Target::parse("linux/amd64").expect("known")) };
        let closure = close(&tree, &[Root::new(root.clone(), "the trigger")], &options);
        for want in *want {
            assert!(closure.files.contains_key(&path(want)), "{name}: {want}");
        }
        assert_eq!(closure.problems, Vec::<Problem>::new(), "{name}");
        // Nothing but a chosen pack sets a rule off.
        let without =
            close(&tree, &[Root::new(root, "the trigger")], &Options { rules: Vec::new(), ..options });
        assert_eq!(without.files.len(), 1, "{name}");
    }
    let tried: Vec<&str> = CASES.iter().map(|case| case.0).collect();
    for name in packs.names() {
        assert!(tried.contains(&name), "pack {name} is not tried");
    }
}

#[test]
fn a_required_file_is_missed() {
    let packs = RulePacks::embedded();
    let rules = packs.choose(&["ca-certificates"]).expect("known");
    let options = Options { rules, ..Options::new(Target::parse("linux/amd64").expect("known")) };
    let closure = close(&Tree::new(), &[], &options);
    let [problem] = closure.problems.as_slice() else { panic!("{:?}", closure.problems) };
    assert!(
        problem.to_string().starts_with("rule pack ca-certificates requires /etc/{ssl/certs"),
        "{problem}"
    );
}

#[test]
fn incomplete_rules_are_refused() {
    let rule = |rest: &str| format!("summary = \"s\"\n[[rule]]\n{rest}\n");
    let all = "when = { always = true }\nfiles = [\"/a\"]\nreason = \"r\"\nsource = \"https://example.org\"";
    assert!(RulePacks::read(&[("good", &rule(all))]).is_ok());
    for (change, to, want) in [
        ("reason = \"r\"", "reason = \" \"", "has no reason"),
        ("https://example.org", "a colleague", "has no public source"),
        ("[\"/a\"]", "[]", "keeps nothing"),
        ("always = true", "always = true, soname = [\"x\"]", "exactly one of"),
        ("always = true", "", "exactly one of"),
        ("[\"/a\"]", "[\"./a\"]", "beside"),
        ("[\"/a\"]", "[\"/[a\"]", "pattern"),
        ("reason", "excuse", "cannot be read"),
    ] {
        let error = RulePacks::read(&[("bad", &rule(&all.replace(change, to)))]).expect_err(to).to_string();
        assert!(error.contains(want), "{to}: {error}");
    }
    let including = format!("includes = [\"none\"]\n{}", rule(all));
    assert!(matches!(RulePacks::read(&[("bad", &including)]), Err(RuleError::UnknownInclude { .. })));
    assert_eq!(RulePacks::embedded().choose(&["nss", "nonsense"]), Err(vec!["nonsense".to_owned()]));
    let both: Vec<String> = RulePacks::embedded()
        .choose(&["iptables-backends"])
        .expect("known")
        .into_iter()
        .map(|pack| pack.name)
        .collect();
    assert_eq!(both, ["iptables-backends", "xtables"]);
}
