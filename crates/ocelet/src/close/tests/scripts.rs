//! The scripts that were not run.

use super::*;

fn check(name: &str, script: (&str, &str), recipe: &str, want: &[&str]) {
    let (kind, text) = script;
    let builder = PackageBuilder::new("sshd", "9.6-r0", "x86_64").script(kind, text).directory("bin");
    let recipe = format!("[flavor.a]\nfiles = ['/bin/sshd', '/bin/app?']\n{recipe}");
    let builder = builder.file("bin/sshd", 0o755, b"d").symlink("bin/app", "sshd");
    let builder = builder.file("bin/busybox", 0o755, b"b").symlink("bin/ls", "busybox");
    let outcome = World::new(&recipe).package(&builder).close();
    assert_eq!(outcome.warnings, want, "{name}");
}

#[test]
fn scripts_are_told_unless_the_recipe_makes_up_for_them() {
    let sshd = (
        "post-install",
        "#!/bin/sh\naddgroup -S -g 22 sshd\nadduser -S -D -H -G sshd sshd || true\nmkdir -p /var/empty\nexit 0\n",
    );
    let all = "post-install of sshd-9.6-r0 was not run; it would have: addgroup -S -g 22 sshd (line 2), \
         adduser -S -G sshd sshd (line 3), mkdir /var/empty (line 4); declare in the recipe what is wanted of it: \
         users, groups, directories, links (a for linux/amd64)";
    check("nothing is declared", sshd, "", &[all]);
    let rest = "post-install of sshd-9.6-r0 was not run; it would have: mkdir /var/empty (line 4); declare in the \
         recipe what is wanted of it: users, groups, directories, links (a for linux/amd64)";
    let accounts = "users = [{ name = 'sshd', uid = 22 }]\ngroups = [{ name = 'sshd', gid = 22 }]\n";
    check("accounts are", sshd, accounts, &[rest]);
    check("all is declared", sshd, &format!("{accounts}directories = ['/var/empty']\n"), &[]);
    check("other kinds", ("pre-deinstall", "#!/bin/sh\nmkdir /x\n"), "", &[]);
    check("harmless", ("post-install", "#!/bin/sh\nexit 0\n"), "", &[]);
    let unread = "trigger of sshd-9.6-r0 was not run, and cannot be read: update-certs --fast (line 2) (a for linux/amd64)";
    check("unread", ("trigger", "#!/bin/sh\nupdate-certs --fast\n"), "", &[unread]);
    check(
        "what is not there cannot be changed",
        ("post-install", "chown root /nothing\nchmod 4755 /nothing\n"),
        "",
        &[],
    );
    check(
        "modes that are as wanted",
        ("post-install", "chmod 755 /bin/sshd\nchown 0:0 /bin/sshd\n"),
        "",
        &[],
    );
    let mode = "post-install of sshd-9.6-r0 was not run; it would have: chmod 4755 /bin/sshd (line 1); declare in the \
         recipe what is wanted of it: users, groups, directories, links (a for linux/amd64)";
    check("modes that are not", ("post-install", "chmod 4755 /bin/sshd\n"), "", &[mode]);
    check(
        "links",
        ("post-install", "ln -s /bin/sshd /bin/daemon\n"),
        "links = [{ path = '/bin/daemon', target = '/bin/sshd' }]\n",
        &[],
    );
    let applets = "post-install of sshd-9.6-r0 was not run; it would have: link the names of the applets of \
         /bin/busybox into place (line 1); declare in the recipe what is wanted of it: users, groups, directories, \
         links (a for linux/amd64)";
    let install = ("post-install", "/bin/busybox --install -s\nmkdir /usr/bin\n");
    check("applets of what is not there", install, "", &[]);
    check("applets that nobody asked for", install, "commands = ['busybox']\n", &[applets]);
    check("applets that somebody asked for", install, "commands = ['busybox', 'ls']\n", &[]);
}

#[test]
fn the_report_has_every_step() {
    let script = "#!/bin/sh\naddgroup -S sshd\n[ -e /x ] && mkdir -m 700 /x\nupdate-certs\n";
    let builder =
        PackageBuilder::new("sshd", "1-r0", "x86_64").script("post-install", script).directory("bin");
    let recipe = "[flavor.a]\nfiles = ['/bin/sshd']\ngroups = [{ name = 'sshd', gid = 5 }]\n";
    let outcome = World::new(recipe).package(&builder.file("bin/sshd", 0o755, b"d")).close();
    let step = |line, command: &str, conditional, is_declared| UnrunStep {
        line,
        command: command.to_owned(),
        conditional,
        is_declared,
    };
    let want = UnrunScript {
        package: "sshd-1-r0".to_owned(),
        kind: "post-install".to_owned(),
        steps: vec![step(2, "addgroup -S sshd", false, true), step(3, "mkdir -m 700 /x", true, false)],
        unread: vec![(4, "update-certs".to_owned())],
    };
    assert_eq!(outcome.kept("a").scripts, [want]);
    assert!(
        outcome.warnings[0].contains("perhaps mkdir -m 700 /x (line 3); unread: update-certs (line 4)"),
        "{:?}",
        outcome.warnings
    );
}
