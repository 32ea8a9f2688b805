//! `/etc/passwd` and `/etc/group` of flavors.

use super::*;

const BASE: &str = "/etc/passwd = root:x:0:0:root:/root:/bin/sh\\nold:x:9:9::/:/bin/sh\\n\n\
    640:0:42 /etc/group = root:x:0:\\nwheel:x:10:old\\n\n/bin/a = a\n/etc/motd = m";

const RECIPE: &str = "\
[flavor.plain]
files = ['/bin/a', '/etc/passwd']
[flavor.users]
extends = 'plain'
users = [{ name = 'kube', uid = 7, gid = 10, home = '/var/kube' }, { name = 'old', uid = 1 }]
[flavor.groups]
files = ['/bin/a']
groups = [{ name = 'kube', gid = 3, members = ['root', 'ghost'] }]
";

#[test]
fn flavors_have_accounts_of_their_own() {
    let outcome = World::new(RECIPE).rootfs(BASE).close();
    outcome.check_own();
    let source = "root:x:0:0:root:/root:/bin/sh\nold:x:9:9::/:/bin/sh\n";
    for (flavor, file, want) in [
        ("plain", "/etc/passwd", source),
        (
            "users",
            "/etc/passwd",
            "root:x:0:0:root:/root:/bin/sh\nold:x:1:1::/:/sbin/nologin\nkube:x:7:10::/var/kube:/sbin/nologin\n",
        ),
        ("users", "/etc/group", "root:x:0:\nwheel:x:10:old\n"),
        ("groups", "/etc/passwd", source),
        ("groups", "/etc/group", "root:x:0:\nkube:x:3:ghost,root\nwheel:x:10:old\n"),
    ] {
        assert_eq!(outcome.text(flavor, file), want, "{flavor} {file}");
    }
    assert!(outcome.node("plain", "/etc/group").is_none(), "nobody asked for it");
    assert!(outcome.node("users", "/var/kube").is_none(), "homes are not made");
    let access = &outcome.node("users", "/etc/group").expect("there").metadata;
    assert_eq!((access.mode, access.gid, access.mtime), (0o640, 42, 1), "as the source has it");
    let reasons: Vec<(&str, &str)> = outcome.kept("users").paths[&path("/etc/passwd")]
        .iter()
        .map(|because| (because.kind.as_str(), because.detail.as_str()))
        .collect();
    assert_eq!(
        reasons,
        [
            ("file", "file /etc/passwd (line 8)"),
            ("generated", "user kube (line 11)"),
            ("generated", "user old (line 11)")
        ]
    );
    assert_eq!(
        outcome.warnings,
        [
            "no group has the number 1, which is the group of user old (line 11); declare it with groups = [{ name = \"old\", gid = 1 }] (users for linux/amd64)",
            "no user is named ghost, which is a member of group kube (line 14); declare it with users (groups for linux/amd64)",
        ]
    );
}

#[test]
fn lines_that_are_none_are_told_once_and_kept() {
    let recipe =
        "[flavor.a]\nfiles = ['/bin/a']\nusers = [{ name = 'k', uid = 0 }]\n[flavor.b]\nextends = 'a'\n";
    let outcome = World::new(recipe).rootfs("/bin/a = a\n/etc/passwd = hm\\n\n/etc/group = k:x:0:").close();
    assert_eq!(outcome.text("b", "/etc/passwd"), "k:x:0:0::/:/sbin/nologin\nhm\n");
    assert_eq!(
        outcome.warnings,
        [
            "line 1 of /etc/passwd of source base is no line of such a file: \"hm\"; it is kept behind the others (a, b for linux/amd64)"
        ]
    );
}

#[test]
fn what_is_in_the_way_is_named() {
    let recipe = "[flavor.a]\nfiles = ['/bin/a']\nusers = [{ name = 'k', uid = 0 }]\n";
    for (rootfs, want) in [
        (
            "/bin/a = a\n/etc/passwd/",
            "cannot make /etc/passwd for flavor a: /etc/passwd is a directory of source base",
        ),
        ("/bin/a = a\n/etc = x", "cannot make /etc/passwd for flavor a: /etc is a file of source base"),
    ] {
        let outcome = World::new(recipe).rootfs(rootfs).close();
        assert_eq!(outcome.closed.expect_err("no file can be there").to_string(), want, "{rootfs}");
    }
    // Links above the file are followed and kept.
    let outcome = World::new(recipe).rootfs("/bin/a = a\n/etc -> /private/etc\n/private/etc/x = x").close();
    assert!(outcome.text("a", "/private/etc/passwd").starts_with("k:"));
    assert!(outcome.node("a", "/etc").is_some_and(|node| !node.is_directory()), "the link is there");
}
