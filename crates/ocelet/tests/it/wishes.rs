//! What a flavor asks for: commands, files, patterns, rule packs, directories and links.

use ocelet_testkit::rootfs::{alpine, debian};

use crate::scenario::{Scenario, check};

/// The name, the lines of the recipe, the root file system, and what is in the image.
type Case = (&'static str, &'static str, String, &'static str);

fn table(cases: &[Case]) {
    for (name, recipe, root, expect) in cases {
        for place in ["root.tar", "root/", "root.tar.gz", "root.tar.zst"] {
            let lines = format!("source.host.rootfs = \"{}\"\n{recipe}", place.trim_end_matches('/'));
            check(&format!("{name} from {place}"), &Scenario::new(&lines, &[(place, root.clone())]), expect);
        }
    }
}

const DASH: &str = "v1 linux/amd64
    /lib link 0777 usr/lib 0:0 host 0
    /lib64 link 0777 usr/lib64 0:0 host 0
    /usr/bin/dash file 0755 elf 0:0 host 0
    /usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2 file 0755 elf 0:0 host 0
    /usr/lib/x86_64-linux-gnu/libc.so.6 file 0755 elf 0:0 host 0
    /usr/lib64/ld-linux-x86-64.so.2 link 0777 ../lib/x86_64-linux-gnu/ld-linux-x86-64.so.2 0:0 host 0";

#[test]
fn commands() {
    table(&[
        ("one command", "flavor.a.commands = ['dash']", debian("amd64"), DASH),
        ("an optional one that is not there", "flavor.a.commands = ['dash', 'zsh?']", debian("amd64"), DASH),
        ("a command behind a link", "flavor.a.commands = ['sh']", alpine(), "v1 linux/amd64
            /bin/busybox file 0755 elf 0:0 host 0
            /bin/sh link 0777 /bin/busybox 0:0 host 0
            /lib/ld-musl-x86_64.so.1 file 0755 elf 0:0 host 0"),
    ]);
}

#[test]
fn scripts_and_rule_packs() {
    table(&[
        ("a script with env", "flavor.a.commands = ['greet']", debian("amd64"), "v1 linux/amd64
            /lib link 0777 usr/lib 0:0 host 0
            /lib64 link 0777 usr/lib64 0:0 host 0
            /usr/bin/dash file 0755 elf 0:0 host 0
            /usr/bin/env file 0755 elf 0:0 host 0
            /usr/bin/greet file 0755 29 0:0 host 0
            /usr/bin/sh link 0777 dash 0:0 host 0
            /usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2 file 0755 elf 0:0 host 0
            /usr/lib/x86_64-linux-gnu/libc.so.6 file 0755 elf 0:0 host 0
            /usr/lib64/ld-linux-x86-64.so.2 link 0777 ../lib/x86_64-linux-gnu/ld-linux-x86-64.so.2 0:0 host 0"),
        ("a pack for a library that is there", "flavor.a = { commands = ['dash'], rules = ['nss', 'os-release'] }", format!("{}/usr/lib/x86_64-linux-gnu/libnss_dns.so.2 elf amd64 soname=libnss_dns.so.2 needs=libc.so.6\n/etc/nsswitch.conf = hosts: files dns\n", debian("amd64")), "v1 linux/amd64
            /etc/nsswitch.conf file 0644 16 0:0 host 0
            /etc/os-release link 0777 ../usr/lib/os-release 0:0 host 0
            /etc/passwd file 0644 26 0:0 host 0
            /lib link 0777 usr/lib 0:0 host 0
            /lib64 link 0777 usr/lib64 0:0 host 0
            /usr/bin/dash file 0755 elf 0:0 host 0
            /usr/lib/os-release file 0644 24 0:0 host 0
            /usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2 file 0755 elf 0:0 host 0
            /usr/lib/x86_64-linux-gnu/libc.so.6 file 0755 elf 0:0 host 0
            /usr/lib/x86_64-linux-gnu/libnss_dns.so.2 file 0755 elf 0:0 host 0
            /usr/lib64/ld-linux-x86-64.so.2 link 0777 ../lib/x86_64-linux-gnu/ld-linux-x86-64.so.2 0:0 host 0"),
    ]);
}

#[test]
fn patterns_and_directories() {
    let root = "/etc/a.conf = a\n/etc/b.conf = b\n/etc/c.txt = c\n/etc/d/e/f = f\n0700 /etc/d/empty/\n/srv/x elf amd64 static\n/srv/l -> x\n/opt -> srv\n";
    table(&[
        ("a pattern", "flavor.a.files = ['/etc/*.conf']", root.to_owned(), "v1 linux/amd64
            /etc/a.conf file 0644 1 0:0 host 0
            /etc/b.conf file 0644 1 0:0 host 0"),
        ("a directory keeps all that is in it", "flavor.a.files = ['/etc/d']", root.to_owned(), "v1 linux/amd64
            /etc/d dir 0755 - 0:0 host 0
            /etc/d/e dir 0755 - 0:0 host 0
            /etc/d/e/f file 0644 1 0:0 host 0
            /etc/d/empty dir 0700 - 0:0 host 0"),
        ("an optional pattern", "flavor.a.files = ['/etc/c.txt', '/none/**?', { path = '/n?ne', optional = true }]", root.to_owned(), "v1 linux/amd64
            /etc/c.txt file 0644 1 0:0 host 0"),
        ("through a link", "flavor.a.files = ['/opt/*']", root.to_owned(), "v1 linux/amd64
            /opt link 0777 srv 0:0 host 0
            /srv/l link 0777 x 0:0 host 0
            /srv/x file 0755 elf 0:0 host 0"),
        ("parents keep their mode", "flavor.a.files = ['/p/q/r']", "0711:1:2 /p/\n0750 /p/q/\n/p/q/r = r".to_owned(), "v1 linux/amd64
            /p dir 0711 - 1:2 - -
            /p/q dir 0750 - 0:0 - -
            /p/q/r file 0644 1 0:0 host 0"),
    ]);
}

#[test]
fn include_and_exclude() {
    let root = "/etc/a = a\n/etc/b = b\n/etc/secret/c = c\n/usr/d = d\n";
    for place in ["root.tar", "root/"] {
        let name = place.trim_end_matches('/');
        for (filter, want) in [
            ("include = ['/etc/**']", "/etc dir 0755 - 0:0 host 0\n/etc/a file 0644 1 0:0 host 0\n/etc/b file 0644 1 0:0 host 0\n/etc/secret dir 0755 - 0:0 host 0\n/etc/secret/c file 0644 1 0:0 host 0"),
            ("exclude = ['/etc/secret', '/usr/**']", "/etc dir 0755 - 0:0 host 0\n/etc/a file 0644 1 0:0 host 0\n/etc/b file 0644 1 0:0 host 0"),
            ("include = ['/etc/*'], exclude = ['/**/b', '/etc/secret/**']", "/etc dir 0755 - 0:0 host 0\n/etc/a file 0644 1 0:0 host 0"),
        ] {
            let lines = format!("source.host = {{ rootfs = '{name}', {filter} }}\nflavor.a.files = ['/**']");
            check(&format!("{filter} of {place}"), &Scenario::new(&lines, &[(place, root.to_owned())]), &format!("v1 linux/amd64\n{want}"));
        }
    }
}

#[test]
fn directories_and_links_of_the_recipe() {
    let root = format!("{}0711 /srv/\n/data -> srv\n/etc/mtab -> /proc/mounts\n", debian("amd64"));
    table(&[
        ("new and old ones", "flavor.a.files = ['/etc/passwd']\nflavor.a.directories = ['/run', { path = '/srv', mode = '0700', uid = 7, gid = 8 }, '/a/b/c']", root.clone(), "v1 linux/amd64
            /a/b/c dir 0755 - 0:0 recipe 1
            /etc/passwd file 0644 26 0:0 host 0
            /run dir 0755 - 0:0 recipe 1
            /srv dir 0700 - 7:8 recipe 1"),
        ("through a link", "flavor.a.files = ['/etc/passwd']\nflavor.a.directories = ['/data', '/data/x', '/lib/y']", root.clone(), "v1 linux/amd64
            /data link 0777 srv 0:0 host 0
            /etc/passwd file 0644 26 0:0 host 0
            /lib link 0777 usr/lib 0:0 host 0
            /srv dir 0711 - 0:0 host 0
            /srv/x dir 0755 - 0:0 recipe 1
            /usr/lib/y dir 0755 - 0:0 recipe 1"),
        ("links", "flavor.a.links = [{ path = '/etc/mtab', target = '../proc/self/mounts' }, { path = '/bin/vi', target = 'dash' }]\nflavor.a.commands = ['dash']", root.clone(), "v1 linux/amd64
            /bin link 0777 usr/bin 0:0 host 0
            /etc/mtab link 0777 ../proc/self/mounts 0:0 recipe 1
            /lib link 0777 usr/lib 0:0 host 0
            /lib64 link 0777 usr/lib64 0:0 host 0
            /usr/bin/dash file 0755 elf 0:0 host 0
            /usr/bin/vi link 0777 dash 0:0 recipe 1
            /usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2 file 0755 elf 0:0 host 0
            /usr/lib/x86_64-linux-gnu/libc.so.6 file 0755 elf 0:0 host 0
            /usr/lib64/ld-linux-x86-64.so.2 link 0777 ../lib/x86_64-linux-gnu/ld-linux-x86-64.so.2 0:0 host 0"),
    ]);
}

#[test]
fn flavors_that_disagree() {
    for (flavors, want) in [
        ("flavor.a.files = ['/tmp']\nflavor.b.files = ['/tmp']\nflavor.a.directories = [{ path = '/x', mode = '0700' }]\nflavor.b.directories = [{ path = '/x', mode = '0711' }]", "flavor b wants /x to be 0711 of 0:0, and a wants 0700 of 0:0"),
        ("flavor.a.files = ['/tmp']\nflavor.b.files = ['/tmp']\nflavor.a.links = [{ path = '/x', target = 'y' }]\nflavor.b.links = [{ path = '/x', target = 'z' }]", "flavor b wants /x to be a link to z, and flavor a wants a link to y"),
        ("flavor.a.files = ['/tmp']\nflavor.a.links = [{ path = '/etc/passwd', target = 'z' }]", "flavor a wants /etc/passwd to be a link to z, and source host wants a file"),
    ] {
        let lines = format!("source.host.rootfs = 'root.tar'\n{flavors}");
        let outcome = Scenario::new(&lines, &[("root.tar", debian("amd64"))]).run();
        assert!(!outcome.layout().exists());
        assert_eq!(outcome.result.expect_err(want).to_string(), want);
    }
}

/// The loader of a program that was built for another path of libraries is told by a cache that ocelet makes.
#[test]
fn libraries_outside_of_the_default_directories() {
    let root = format!(
        "{}/etc/ld.so.conf = /opt/lib\\n\n/opt/lib/libfar.so.1 elf amd64 soname=libfar.so.1 needs=libc.so.6\n/usr/bin/far elf amd64 loader=/lib64/ld-linux-x86-64.so.2 needs=libfar.so.1 needs=libc.so.6\n",
        debian("amd64")
    );
    let lines = "source.host.rootfs = 'root.tar'\nflavor.a.commands = ['far']";
    let outcome = Scenario::new(lines, &[("root.tar", root)]).run();
    outcome.is_sound(true);
    let shown = outcome.shown();
    for want in ["/etc/ld.so.cache file 0644 ", "/opt/lib/libfar.so.1 file 0755 elf 0:0 host"] {
        assert!(shown.contains(want), "{want}: {shown}");
    }
}
