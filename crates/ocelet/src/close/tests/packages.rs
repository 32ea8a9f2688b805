//! The packages of flavors, and their database.

use super::*;

fn musl() -> PackageBuilder {
    let builder = PackageBuilder::new("musl", "1.2.4-r2", "x86_64")
        .directory("lib")
        .directory("usr")
        .directory("usr/share");
    builder.file("lib/libc.so", 0o755, b"libc").symlink("lib/ld.so", "libc.so").file(
        "usr/share/doc",
        0o644,
        b"d",
    )
}

fn tools() -> PackageBuilder {
    let builder =
        PackageBuilder::new("tools", "1-r0", "x86_64").depend("so:libc.musl-x86_64.so.1").provide("kit=1");
    let builder = builder.script("post-install", "#!/bin/sh\naddgroup -S kit\n").script("post-upgrade", "x");
    let builder = builder.field("triggers", "/usr/share/*").directory("bin").directory("etc");
    builder.file("bin/tool", 0o755, b"tool").file("bin/other", 0o755, b"other").file(
        "etc/passwd",
        0o644,
        b"root:x:0:0:::\n",
    )
}

fn release() -> PackageBuilder {
    let release = PackageBuilder::new("release", "3.19.1-r0", "x86_64")
        .directory("etc")
        .directory("usr")
        .directory("usr/lib");
    release
        .symlink("etc/os-release", "../usr/lib/os-release")
        .file("usr/lib/os-release", 0o644, b"ID=alpine\nVERSION_ID=3.19.1\n")
        .file("etc/alpine-release", 0o644, b"3.19.1\n")
}

const RECIPE: &str = "\
[flavor.tool]
files = ['/bin/tool']
[flavor.kit]
packages = ['kit']
[flavor.libc]
files = ['/lib/ld.so']
[flavor.kubelet]
files = ['/usr/bin/kubelet']
[flavor.user]
files = ['/usr/bin/kubelet']
users = [{ name = 'k', uid = 7 }]
groups = [{ name = 'k', gid = 7 }]
";

#[test]
fn databases_list_what_is_kept() {
    let world = World::new(RECIPE).package(&musl()).package(&tools()).package(&release());
    let outcome = world.artifact("/usr/bin/kubelet").close();
    outcome.check_own();
    let os = "release: /etc/alpine-release /etc/os-release /usr/lib/os-release";
    assert_eq!(outcome.database("tool"), [os, "tools: /bin/tool"]);
    assert_eq!(outcome.database("kit"), [os, "tools: /bin/other /bin/tool /etc/passwd"], "the whole package");
    assert_eq!(outcome.database("libc"), ["musl: /lib/ld.so /lib/libc.so", os]);
    for flavor in ["kubelet", "user"] {
        let without =
            ["/lib/apk/db/installed", "/etc/os-release"].map(|file| outcome.node(flavor, file).is_none());
        assert_eq!(without, [true, true], "{flavor} has no package: what was made for it is not one");
        assert!(outcome.kept(flavor).distribution.is_none());
    }
    assert_eq!(outcome.text("user", "/etc/passwd"), "root:x:0:0:::\nk:x:7:7::/:/sbin/nologin\n");
    assert_eq!(outcome.text("tool", "/etc/apk/world"), "tools\n", "asked for as a file");
    assert_eq!(outcome.text("kit", "/etc/apk/world"), "tools\n", "asked for as what it provides");
    assert_eq!(outcome.text("libc", "/etc/apk/world"), "musl\n");
    assert_eq!(outcome.text("libc", "/lib/apk/db/triggers"), "");
    assert!(outcome.text("tool", "/lib/apk/db/triggers").ends_with(" /usr/share/*\n"));
    let scripts = outcome.text("tool", "/lib/apk/db/scripts.tar");
    assert!(scripts.contains("tools-1-r0.Q1") && scripts.contains(".post-upgrade"), "{scripts}");
    let text = outcome.text("tool", "/lib/apk/db/installed");
    assert!(text.contains("\nF:bin\nR:tool\na:0:0:755\nZ:Q1"), "{text}");
    assert!(!text.contains("F:etc\nR:passwd"), "{text}");
}

#[test]
fn kept_packages_are_counted() {
    let world = World::new(RECIPE).package(&musl()).package(&tools()).package(&release());
    let outcome = world.artifact("/usr/bin/kubelet").close();
    for (flavor, want) in [
        ("tool", &[("alpine/release-3.19.1-r0", 3), ("alpine/tools-1-r0", 1)][..]),
        ("kit", &[("alpine/release-3.19.1-r0", 3), ("alpine/tools-1-r0", 3)]),
        ("libc", &[("alpine/musl-1.2.4-r2", 2), ("alpine/release-3.19.1-r0", 3)]),
        ("kubelet", &[("kubelet", 1)]),
        ("user", &[("kubelet", 1)]),
    ] {
        let got: Vec<(&str, usize)> = outcome
            .kept(flavor)
            .packages
            .iter()
            .map(|(owner, package)| (owner.as_str(), package.files))
            .collect();
        assert_eq!(got, want, "{flavor}");
    }
    let musl = &outcome.kept("libc").packages[&Owner::new("alpine/musl-1.2.4-r2")];
    assert_eq!(
        (musl.kind, musl.license.as_str(), musl.architecture.as_deref()),
        (PackageKind::Apk, "MIT", Some("x86_64"))
    );
    assert_eq!(
        outcome.kept("libc").distribution,
        Some(Distribution { id: "alpine".into(), version: "3.19.1".into() })
    );
}

/// A database entry for the root file system of the tests below.
fn record(name: &str, files: &[(&str, &str)]) -> String {
    let mut text = format!("C:Q1p78yvTLG094tHE1+dToJGbmYzQE=\\nP:{name}\\nV:1\\nS:1\\nI:1\\n");
    for (directory, file) in files {
        text.extend(["F:", directory, "\\nR:", file, "\\n"]);
    }
    text + "\\n"
}

fn base() -> String {
    let (sh, libc) =
        (record("busybox", &[("bin", "sh"), ("etc", "motd")]), record("musl", &[("lib", "libc.so")]));
    format!(
        "/bin/sh = sh\n/lib/libc.so = libc\n/etc/motd = m\n/etc/os-release = ID=alpine\n/lib/apk/db/installed = {sh}{libc}\n\
         /etc/apk/world = busybox>0\\nmusl\\n\n/lib/apk/db/triggers = Q1p78yvTLG094tHE1+dToJGbmYzQE= /bin\\nrubbish\\n"
    )
}

#[test]
fn the_database_of_a_root_file_system_is_cut_down() {
    let recipe = "[flavor.sh]\nfiles = ['/bin/sh']\n[flavor.whole]\nfiles = ['/**']\n[flavor.motd]\nfiles = ['/etc/os-release']\n";
    let outcome = World::new(recipe).rootfs(&base()).close();
    outcome.check_own();
    assert_eq!(outcome.database("sh"), ["busybox: /bin/sh"]);
    assert_eq!(outcome.text("sh", "/etc/apk/world"), "busybox>0\n");
    assert!(outcome.text("sh", "/lib/apk/db/triggers").ends_with(" /bin\n"));
    assert!(outcome.node("sh", "/etc/os-release").is_some(), "scanners need it");
    let packages: Vec<&str> = outcome.kept("sh").packages.keys().map(Owner::as_str).collect();
    assert_eq!(packages, ["base/busybox-1"]);
    assert!(outcome.kept("sh").packages[&Owner::new("base/busybox-1")].sha256.is_none());
    // What is true already stays as it is, and where no package has a file there is no database.
    assert!(outcome.kept("whole").own.is_empty());
    assert_eq!(outcome.database("whole").len(), 2);
    assert!(outcome.node("motd", "/lib/apk/db/installed").is_none());
    assert!(outcome.warnings.is_empty(), "{:?}", outcome.warnings);
}

#[test]
fn packages_are_added_to_those_of_a_root_file_system() {
    let recipe = "[flavor.a]\nfiles = ['/bin/sh', '/bin/tool']\n";
    let outcome = World::new(recipe).rootfs(&base()).package(&tools()).close();
    assert_eq!(outcome.database("a"), ["busybox: /bin/sh", "tools: /bin/tool"]);
    assert_eq!(outcome.text("a", "/etc/apk/world"), "busybox>0\ntools\n");
}

#[test]
fn a_database_that_cannot_be_read_is_told_and_left() {
    let recipe = "[flavor.a]\nfiles = ['/bin/sh', '/lib/apk/**']\n";
    let outcome = World::new(recipe).rootfs("/bin/sh = s\n/lib/apk/db/installed = hm").close();
    assert_eq!(outcome.text("a", "/lib/apk/db/installed"), "hm");
    assert_eq!(
        outcome.warnings,
        [
            "the packages of source base are not known: /lib/apk/db/installed: line 1 of the installed database is refused: wanted a letter and a colon, got \"hm\""
        ]
    );
}

/// Where `/usr` is merged, the files of a package lie elsewhere than it says, and so does the database.
#[test]
fn merged_directories_move_files_and_database() {
    let recipe = "[flavor.a]\nfiles = ['/lib/libc.so']\n";
    let outcome = World::new(recipe).rootfs("/lib -> usr/lib\n/usr/lib/").package(&musl()).close();
    let text = outcome.text("a", "/usr/lib/apk/db/installed");
    let database = apk::Database::parse(text.as_bytes()).expect("a database");
    let files: Vec<String> = database.files().map(|(path, _)| path.to_string()).collect();
    assert_eq!(files, ["/usr/lib/libc.so"]);
}
