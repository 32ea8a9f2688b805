//! Debian packages in images: their database in both forms, licences, what tells the distribution, un-run scripts, and
//! packages of both worlds in one image.

use std::collections::BTreeMap;

use ocelet_package::deb::{self, Database};
use ocelet_testkit::deb::DebBuilder;
use ocelet_tree::LinkTarget;

use super::*;
use crate::unpack::DebInstalled;

impl World {
    /// A package of the source `debian`, built and unpacked as a real one.
    fn debian(self, builder: &DebBuilder) -> Self {
        self.debian_file(&builder.build().file)
    }

    pub(super) fn debian_file(mut self, file: &[u8]) -> Self {
        let sha256 = Digest::of(file);
        let package = deb::Archive::open("package", file)
            .and_then(|archive| archive.verify_digest(*sha256.as_bytes()))
            .expect("a package")
            .unpack(deb::DATA_LIMIT)
            .expect("what was just built");
        let control = package.control().clone();
        let (name, version) = (control.package().name.to_owned(), control.package().version_text.to_owned());
        let owner = Owner::new(format!("debian/{name}-{version}"));
        let contents = package.contents(&owner).expect("files");
        let directories = contents.tree.iter().filter(|(_, node)| node.is_directory());
        let packaged = Packaged {
            source: "debian".to_owned(),
            description: control.package().summary().to_owned(),
            license: String::new(),
            sha256,
            size: file.len() as u64,
            location: format!("https://example.org/{name}.deb"),
            installed: Some(Box::new(Installed::Deb(DebInstalled {
                package: deb::Installed::of(&control, &contents),
                directories: directories.map(|(path, _)| path.clone()).collect(),
                scripts: control.scripts.clone(),
                effects: control.effects(),
            }))),
            name,
            version,
        };
        self.trees.push(contents.tree);
        self.packages.insert(owner, packaged);
        self
    }
}

impl Outcome {
    /// The files below `/var/lib/dpkg` of a flavor.
    fn dpkg(&self, flavor: &str) -> BTreeMap<TreePath, Vec<u8>> {
        let directory = path("/var/lib/dpkg");
        let below =
            self.kept(flavor).paths.keys().filter_map(|place| Some((place, place.below(&directory)?)));
        below.map(|(place, name)| (name, self.text(flavor, &place.to_string()).into_bytes())).collect()
    }

    /// The packages of that database with the files that it has sums of.
    fn dpkg_packages(&self, flavor: &str) -> Vec<String> {
        let database = Database::read(&self.dpkg(flavor)).expect("a database");
        let shown = database.packages.iter().map(|package| {
            let files: Vec<String> = package.md5sums.keys().map(ToString::to_string).collect();
            format!("{}: {}", package.name(), files.join(" "))
        });
        shown.collect()
    }
}

fn documented(name: &str) -> DebBuilder {
    let place = format!("usr/share/doc/{name}/copyright");
    DebBuilder::new(name, "1.2-3", "amd64").file(&place, 0o644, format!("terms of {name}").as_bytes())
}

fn tool() -> DebBuilder {
    let tool = documented("tool").field("Source", "tools (1.2-1)").field("Homepage", "https://example.org/");
    tool.file("usr/bin/tool", 0o755, b"tool").file("usr/share/doc/tool/README", 0o644, b"r")
}

fn base_files() -> DebBuilder {
    let text = "ID=debian\nVERSION_ID=\"12\"\n";
    let base = documented("base-files").file("usr/lib/os-release", 0o644, text.as_bytes());
    let base = base.symlink("etc/os-release", "../usr/lib/os-release").file("etc/motd", 0o644, b"m");
    base.file("etc/debian_version", 0o644, b"12.4\n")
}

const TOOL: &str = "[flavor.a]\ncommands = ['tool']\n";

#[test]
fn packages_are_in_status_d_with_their_licences() {
    let recipe =
        format!("{TOOL}[flavor.whole]\npackages = ['tool']\n[flavor.other]\nfiles = ['/etc/motd?']\n");
    let outcome = World::new(&recipe).debian(&tool()).debian(&base_files()).close();
    outcome.check_own();
    assert_eq!(
        outcome.dpkg_packages("a"),
        [
            "base-files: /etc/debian_version /usr/lib/os-release /usr/share/doc/base-files/copyright",
            "tool: /usr/bin/tool /usr/share/doc/tool/copyright"
        ]
    );
    let names: Vec<String> = outcome.dpkg("a").keys().map(ToString::to_string).collect();
    let all = ["base-files", "base-files.md5sums", "tool", "tool.md5sums"];
    assert_eq!(names, all.map(|name| format!("/status.d/{name}")));
    assert!(outcome.dpkg_packages("whole")[1].contains("/usr/share/doc/tool/README"));
    let because = &outcome.kept("a").paths[&path("/usr/share/doc/tool/copyright")];
    assert_eq!(because[0].kind, "license");
    assert_eq!(
        outcome.kept("a").distribution,
        Some(Distribution { id: "debian".into(), version: "12".into() })
    );
    let kept = &outcome.kept("a").packages[&Owner::new("debian/tool-1.2-3")];
    assert_eq!((kept.kind, kept.files), (PackageKind::Deb, 2));
    assert_eq!(kept.origin.as_deref(), Some("tools (1.2-1)"));
    assert_eq!(kept.supplier, "Test <test@example.org>");
    assert!(outcome.warnings.is_empty(), "{:?}", outcome.warnings);
}

/// libgcc-s1 has a link to the documentation of gcc-12-base.
#[test]
fn a_licence_may_be_that_of_another_package() {
    let library = DebBuilder::new("lib", "1", "amd64").file("usr/bin/tool", 0o755, b"t");
    let library = library.symlink("usr/share/doc/lib", "gcc");
    let outcome = World::new(TOOL).debian(&library).debian(&documented("gcc")).debian(&base_files()).close();
    assert_eq!(outcome.text("a", "/usr/share/doc/gcc/copyright"), "terms of gcc");
    assert!(outcome.node("a", "/usr/share/doc/lib").is_some());
    let packages: Vec<&str> =
        outcome.kept("a").packages.values().map(|package| package.name.as_str()).collect();
    assert_eq!(packages, ["base-files", "gcc", "lib"]);
}

#[test]
fn images_with_dpkg_have_its_own_form() {
    let dpkg = documented("dpkg").file("usr/bin/dpkg", 0o755, b"dpkg");
    let recipe = "[flavor.a]\ncommands = ['dpkg']\n";
    let outcome = World::new(recipe).debian(&dpkg).debian(&base_files()).close();
    let names: Vec<String> = outcome.dpkg("a").keys().map(ToString::to_string).collect();
    assert!(
        names.contains(&"/status".to_owned()) && names.contains(&"/info/dpkg.list".to_owned()),
        "{names:?}"
    );
    assert!(!names.iter().any(|name| name.contains("status.d")), "{names:?}");
}

fn system() -> String {
    let record = |name: &str| {
        format!(
            "Package: {name}\\nStatus: install ok installed\\nVersion: 1\\nArchitecture: amd64\\nMaintainer: M <m@example.org>\\nDescription: d\\n\\n"
        )
    };
    format!(
        "/usr/bin/sh = sh\n/usr/bin/other = o\n/usr/share/doc/dash/copyright = c\n/etc/os-release = ID=debian\n/bin -> usr/bin\n\
         /var/lib/dpkg/status = {}{}\n/var/lib/dpkg/info/dash.list = /.\\n/bin\\n/bin/sh\\n/usr/share/doc/dash/copyright\\n\n\
         /var/lib/dpkg/info/other.list = /.\\n/usr/bin/other\\n\n/var/lib/dpkg/info/format = 1\\n\n",
        record("dash"),
        record("other")
    )
}

#[test]
fn the_database_of_a_root_file_system_is_cut_down() {
    let recipe =
        "[flavor.sh]\nfiles = ['/bin/sh']\n[flavor.other]\nfiles = ['/etc/x?']\ndirectories = ['/x']\n";
    let outcome = World::new(recipe).rootfs(&system()).debian(&tool()).close();
    outcome.check_own();
    let database = Database::read(&outcome.dpkg("sh")).expect("a database");
    let [dash] = database.packages.as_slice() else { panic!("{database:?}") };
    let files: Vec<String> = dash.files.iter().map(ToString::to_string).collect();
    assert!(files.contains(&"/usr/bin/sh".to_owned()), "where it lies: {files:?}");
    assert!(outcome.dpkg("sh").contains_key(&path("status")), "dpkg's own form, as the root file system has");
    assert!(outcome.node("sh", "/usr/share/doc/dash/copyright").is_some());
    assert!(outcome.dpkg("other").is_empty());
    assert!(outcome.kept("sh").packages.contains_key(&Owner::new("base/dash-1")));
}

#[test]
fn a_database_that_cannot_be_read_is_told_and_left() {
    let recipe = "[flavor.a]\nfiles = ['/usr/bin/sh', '/var/lib/dpkg/**']\n";
    let outcome = World::new(recipe).rootfs("/usr/bin/sh = s\n/var/lib/dpkg/status = hm").close();
    assert_eq!(outcome.text("a", "/var/lib/dpkg/status"), "hm");
    assert!(
        outcome.warnings[0].starts_with("the packages of source base are not known: /var/lib/dpkg: "),
        "{:?}",
        outcome.warnings
    );
}

#[test]
fn packages_without_a_distribution_are_told_once() {
    let outcome = World::new(TOOL).debian(&tool()).close();
    assert_eq!(
        outcome.warnings,
        [
            "packages of source debian are kept, and no os-release says of which distribution: scanners cannot look \
             them up; add base-files to the packages of the source (a for linux/amd64)"
        ]
    );
    let alpine = PackageBuilder::new("release", "3.19.1-r0", "x86_64").directory("etc");
    let alpine = alpine.file("etc/os-release", 0o644, b"ID=alpine\nVERSION_ID=3.19.1\n");
    let musl = PackageBuilder::new("musl", "1", "x86_64").directory("lib").file("lib/libc.so", 0o755, b"c");
    let recipe = format!("{TOOL}files = ['/lib/libc.so']\n");
    let outcome = World::new(&recipe).debian(&tool()).package(&alpine).package(&musl).close();
    assert_eq!(outcome.warnings.len(), 1, "{:?}", outcome.warnings);
    assert!(outcome.warnings[0].contains("os-release names alpine"), "{:?}", outcome.warnings);
    let outcome = World::new(&recipe).debian(&tool()).debian(&base_files()).package(&musl).close();
    assert_eq!(
        outcome.warnings,
        [
            "packages of source alpine are kept, and os-release names debian: scanners that go by it cannot look them \
             up; give them the bill of materials (a for linux/amd64)"
        ]
    );
    let outcome = World::new(&recipe).debian(&tool()).package(&alpine).package(&musl).close();
    // Both databases are there, each with its own packages.
    assert_eq!(outcome.database("a"), ["musl: /lib/libc.so", "release: /etc/os-release"]);
    assert_eq!(outcome.dpkg_packages("a"), ["tool: /usr/bin/tool /usr/share/doc/tool/copyright"]);
}

#[test]
fn scripts_that_an_image_would_not_miss_are_not_told() {
    for (what, script, want) in [
        (
            "debhelper and alternatives",
            "if [ \"$1\" = configure ]; then\nldconfig\nupdate-alternatives --install /usr/bin/t t /usr/bin/tool 1\n\
             deb-systemd-helper enable t.service >/dev/null || true\nfi\ndpkg-maintscript-helper rm_conffile /x 1 -- \"$@\"\n",
            None,
        ),
        (
            "a directory",
            "mkdir -p /var/lib/tool\n",
            Some("postinst of tool-1.2-3 was not run; it would have: mkdir /var/lib/tool (line 2)"),
        ),
        (
            "a directory that is only read",
            "install -d /usr/lib/tool\n[ -d /etc/tool.d ] || mkdir /etc/tool.d/\n",
            None,
        ),
        (
            "a directory that is only read, and an account",
            "mkdir /etc/tool.d\nadduser --system t\n",
            Some("postinst of tool-1.2-3 was not run, and cannot be read: adduser --system t (line 3)"),
        ),
        ("unread, for systems", "make-all\n", None),
        (
            "unread alternatives",
            "for x in a b; do update-alternatives --install /usr/bin/$x $x /x/$x 1; done\n",
            None,
        ),
        (
            "unread diversions in name",
            "f=$1\ndpkg-divert --package tool --no-rename --divert $f.x --add $f\n",
            None,
        ),
        (
            "unread diversions",
            "dpkg-divert --package tool --rename --add $1\n",
            Some(
                "postinst of tool-1.2-3 was not run, and cannot be read: dpkg-divert --package tool --rename --add $1 \
                 (line 2)",
            ),
        ),
        (
            "capabilities",
            "if ! setcap cap_net_raw+ep /usr/bin/tool; then\necho no\nfi\n",
            Some(
                "postinst of tool-1.2-3 was not run, and cannot be read: ! setcap cap_net_raw+ep /usr/bin/tool (line 2)",
            ),
        ),
        (
            "capabilities that are asked for",
            "db_get tool/setcaps\nif [ \"$RET\" = true ]; then\nsetcap cap_net_raw+ep /bin/tool\nfi\n",
            None,
        ),
        (
            "unread, and missed",
            "make-all\nif ! getent passwd t; then adduser --system t; fi\n",
            Some("postinst of tool-1.2-3 was not run, and cannot be read: adduser --system t (line 3)"),
        ),
    ] {
        let tool = tool().control_file("postinst", format!("#!/bin/sh\n{script}").as_bytes());
        let tool = tool.control_file("prerm", b"#!/bin/sh\nmkdir /never\n");
        let outcome = World::new(TOOL).debian(&tool).debian(&base_files()).close();
        match want {
            Some(want) => assert!(outcome.warnings[0].starts_with(want), "{what}: {:?}", outcome.warnings),
            None => assert!(outcome.warnings.is_empty(), "{what}: {:?}", outcome.warnings),
        }
    }
}

#[test]
fn links_in_a_scripts_place_say_so() {
    let mut world = World::new("[flavor.a]\ncommands = ['t']\n").debian(&tool()).debian(&base_files());
    let (owner, mut tree) = (Owner::new("debian/tool-1.2-3"), Tree::new());
    for (link, target) in [("/usr/bin/t", "/etc/alternatives/t"), ("/etc/alternatives/t", "/usr/bin/tool")] {
        let target = LinkTarget::new(target).expect("a target");
        let metadata = ocelet_tree::Metadata::root_owned(0o777);
        tree.add_symlink(&path(link), target, metadata, &owner).expect("new");
        world.declared.insert(path(link), "the alternative t".to_owned());
    }
    world.trees.push(tree);
    let outcome = world.close();
    for link in ["/usr/bin/t", "/etc/alternatives/t"] {
        let [because] = outcome.kept("a").paths[&path(link)].as_slice() else { panic!("one reason") };
        assert_eq!((because.kind.as_str(), because.detail.as_str()), ("alternative", "the alternative t"));
    }
}
