//! Round trips of both forms, what is kept, and the dpkg-query and the database of this machine.
#![expect(clippy::disallowed_methods, reason = "a test reads the machine's database and runs the real tool")]

use std::path::Path;
use std::process::Command;

use ocelet_testkit::deb::DebBuilder;
use ocelet_tree::Owner;
use proptest::prelude::*;

use super::*;
use crate::deb::{Archive, DATA_LIMIT};

fn path(text: &str) -> TreePath {
    TreePath::new(text).expect("plain")
}

fn install(builder: &DebBuilder) -> Installed {
    let deb = builder.build();
    let verified = Archive::open("x.deb", &deb.file).and_then(|archive| archive.verify_digest(deb.sha256));
    let package = verified.expect("a package").unpack(DATA_LIMIT).expect("whole");
    let contents = package.contents(&Owner::new("x")).expect("they fit");
    Installed::of(package.control(), &contents)
}

fn database() -> Database {
    let tool = DebBuilder::new("tool", "1:1.0-1", "amd64")
        .field("Multi-Arch", "same")
        .file("usr/bin/tool", 0o755, b"program")
        .file("usr/share/doc/tool/copyright", 0o644, b"MIT")
        .file("etc/tool.conf", 0o644, b"set")
        .directory("var/empty")
        .control_file("conffiles", b"/etc/tool.conf\n/etc/none\n");
    let other = DebBuilder::new("other", "2", "all").symlink("usr/share/doc/other", "tool").file(
        "lib/other",
        0o644,
        b"x",
    );
    Database { packages: vec![install(&tool), install(&other)] }
}

#[test]
fn a_package_that_is_there_many_times_is_not_lost() {
    let text = "Package: one\nVersion: 1\nArchitecture: amd64\n\n".repeat(4);
    let files = BTreeMap::from([(path("status"), text.into_bytes())]);
    let database = Database::read(&files).expect("paragraphs");
    for layout in [Layout::Status, Layout::StatusDirectory] {
        let again = Database::read(&database.to_files(layout)).expect("it was just written");
        assert_eq!(again.packages.len(), 4, "{layout:?}");
    }
}

#[test]
fn a_package_is_written_as_dpkg_does() {
    let database = database();
    let text = database.packages[0].paragraph_text();
    let start = "Package: tool\nStatus: install ok installed\nVersion: 1:1.0-1\nArchitecture: amd64\n";
    assert!(text.starts_with(start), "{text}");
    let end = "Multi-Arch: same\n";
    let conffile = "Conffiles:\n /etc/tool.conf cdaeeeba9b4a4c5ebf042c0215a7bb0e\nDescription: The test package tool\n It has";
    assert!(text.contains(conffile) && text.ends_with(end), "{text}");
    assert_eq!(
        database.packages[0].with_package(|package| package.summary().to_owned()),
        "The test package tool"
    );
    let copyright = database.packages.iter().map(|package| package.copyright().expect("some").to_string());
    assert_eq!(copyright.collect::<Vec<_>>(), ["/usr/share/doc/tool/copyright", "/usr/share/doc/other"]);
    for (layout, want) in [
        (
            Layout::Status,
            &[
                "info/format",
                "info/other.list",
                "info/other.md5sums",
                "info/tool:amd64.list",
                "info/tool:amd64.md5sums",
                "status",
            ][..],
        ),
        (
            Layout::StatusDirectory,
            &["status.d/other", "status.d/other.md5sums", "status.d/tool", "status.d/tool.md5sums"],
        ),
    ] {
        let files = database.to_files(layout);
        let names: Vec<String> =
            files.keys().map(|path| path.to_string().trim_start_matches('/').to_owned()).collect();
        assert_eq!(names, want);
        let sums = files
            .iter()
            .find(|(path, _)| path.to_string().contains("tool") && path.to_string().ends_with(".md5sums"));
        // Conffiles are not among the sums.
        let sums = String::from_utf8_lossy(sums.expect("there").1).into_owned();
        assert_eq!(sums.lines().count(), 2, "{sums}");
        assert!(sums.starts_with("a9c449d4fa44e9e5a41c574ae55ce4d9  usr/bin/tool\n"), "{sums}");
    }
}

#[test]
fn only_what_is_kept_is_left() {
    let check = |kept: &[&str], want: &[(&str, &[&str], usize, usize)]| {
        let left = database().kept(|path| {
            let text = path.to_string();
            // As where /usr is merged.
            let moved = text.strip_prefix("/lib/").map(|rest| format!("/usr/lib/{rest}")).unwrap_or(text);
            kept.contains(&moved.as_str()).then(|| TreePath::new(moved).expect("plain"))
        });
        let left: Vec<(&str, Vec<String>, usize, usize)> = left
            .packages
            .iter()
            .map(|one| {
                (
                    one.name(),
                    one.files.iter().map(ToString::to_string).collect(),
                    one.md5sums.len(),
                    one.conffiles.len(),
                )
            })
            .collect();
        let want: Vec<(&str, Vec<String>, usize, usize)> = want
            .iter()
            .map(|(name, files, sums, conf)| {
                (*name, files.iter().map(|&file| file.to_owned()).collect(), *sums, *conf)
            })
            .collect();
        assert_eq!(left, want);
    };
    check(&[], &[]);
    check(&["/usr", "/usr/bin", "/usr/share/doc"], &[]);
    check(&["/usr/bin/tool"], &[("tool", &["/usr", "/usr/bin", "/usr/bin/tool"], 1, 0)]);
    check(
        &["/etc/tool.conf", "/usr/lib/other", "/usr"],
        &[
            ("tool", &["/etc", "/etc/tool.conf", "/usr"], 0, 1),
            ("other", &["/usr", "/usr/lib", "/usr/lib/other"], 1, 0),
        ],
    );
}

#[test]
fn what_is_no_database_is_refused() {
    let whole = "Package: a\nVersion: 1\nArchitecture: all\n";
    for (name, text, want) in [
        ("status", "x".to_owned(), "/status is refused: line 1 \"x\" is not a field"),
        (
            "status.d/a",
            "Package: a\n".to_owned(),
            "/status.d/a is refused: the package at line 1 has no field",
        ),
        ("status", format!("{whole}Conffiles:\n /etc/a x\n"), "/status: a has the conffile \"/etc/a x\""),
        ("status", format!("{whole}Conffiles:\n etc/a {}\n", "0".repeat(32)), "has the conffile"),
        ("info/a.list", "a\n".to_owned(), "/info/a.list is refused: line 1 of its file list is \"a\""),
        ("info/a.list", "/a\n/../b\n".to_owned(), "line 2 of its file list is refused"),
        ("info/a.md5sums", "x".to_owned(), "/info/a.md5sums is refused: line 1 of its file md5sums"),
    ] {
        let mut files = BTreeMap::from([(path("status"), whole.as_bytes().to_vec())]);
        files.insert(path(name), text.into_bytes());
        let error = Database::read(&files).expect_err(want);
        let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
        assert!(format!("{error}{cause}").contains(want), "{error}{cause}: wanted {want}");
    }
}

#[test]
fn packages_that_are_not_there_are_told_apart() {
    let text = "Package: wish\nStatus: install ok not-installed\n\nPackage: rest\nStatus: deinstall ok config-files\n\
                Version: 1\nArchitecture: all\n\nPackage: there\nStatus: hold ok installed\nVersion: 1\nArchitecture: all\n";
    let database = Database::read(&BTreeMap::from([(path("status"), text.as_bytes().to_vec())]));
    let packages = database.expect("well formed").packages;
    let states: Vec<_> = packages.iter().map(|one| (one.name(), one.is_installed())).collect();
    assert_eq!(states, [("rest", false), ("there", true)]);
}

fn paragraphs() -> impl Strategy<Value = BTreeMap<String, (String, Vec<String>, Vec<String>)>> {
    let file = "[a-c]{1,2}(/[a-d-]{1,2}){0,2}";
    let value = "[a-z0-9.:]{0,5}(\n [a-z.]{1,5}){0,2}";
    proptest::collection::btree_map(
        "[a-z][a-z0-9.+-]{1,4}",
        (value, proptest::collection::vec(file, 0..6), proptest::collection::vec(file, 0..3)),
        0..5,
    )
}

proptest! {
    #[test]
    fn both_forms_say_the_same(all in paragraphs()) {
        let packages = all.into_iter().map(|(name, (value, files, conffiles))| {
            let field = |name: &str, value: &str| (name.to_owned(), value.to_owned());
            let fields = vec![
                field("Package", &name), field("Status", INSTALLED), field("Version", "1"),
                field("Architecture", "amd64"), field("Multi-Arch", if files.len() > 3 { "same" } else { "no" }),
                field("Description", &value),
            ];
            let conffiles: BTreeMap<_, _> = conffiles.iter().enumerate().map(|(at, name)| {
                let flags = if at == 1 { vec!["obsolete".to_owned()] } else { Vec::new() };
                (path(name), Conffile { md5: (at < 2).then_some([7; 16]), flags })
            }).collect();
            let md5sums: BTreeMap<_, _> = files.iter().skip(1).map(|name| (path(name), [9; 16])).collect();
            let all = files.iter().map(|name| path(name)).chain(conffiles.keys().cloned());
            let files = all.collect();
            Installed { fields, files, md5sums, conffiles }
        });
        let database = Database { packages: packages.collect() };
        let read = Database::read(&database.to_files(Layout::Status)).expect("well formed");
        prop_assert_eq!(&read, &database);
        let mut sorted = Database::read(&database.to_files(Layout::StatusDirectory)).expect("well formed");
        // There are no lists in that form: links and files without a sum are not told.
        for (read, whole) in sorted.packages.iter_mut().zip(&database.packages) {
            prop_assert!(read.files.is_subset(&whole.files));
            read.files.clone_from(&whole.files);
        }
        prop_assert_eq!(&sorted.packages, &database.packages);
        prop_assert_eq!(&database.kept(|path| Some(path.clone())).kept(|_| None).packages, &Vec::new());
    }

    #[test]
    fn no_text_makes_it_panic(status in "(Package: a\n|Version: 1\n|Architecture: all\n|Conffiles:|\n| /a |[a-f0-9]{32}|obsolete|x){0,12}") {
        let _ = Database::read(&BTreeMap::from([(path("status"), status.into_bytes())]));
    }
}

/// dpkg-query reads what is written, and says the same of it.
#[test]
fn the_real_dpkg_query_reads_it() {
    if !Command::new("dpkg-query").arg("--version").output().is_ok_and(|output| output.status.success()) {
        println!("skipped: dpkg-query not installed");
        return;
    }
    let place = tempfile::tempdir().expect("a directory");
    for (name, content) in database().to_files(Layout::Status) {
        let file = place.path().join(String::from_utf8_lossy(name.as_bytes()).as_ref());
        std::fs::create_dir_all(file.parent().expect("below the directory")).expect("a directory");
        std::fs::write(file, content).expect("written");
    }
    let ask = |arguments: &[&str]| {
        let admin = format!("--admindir={}", place.path().display());
        let output = Command::new("dpkg-query").arg(admin).args(arguments).output().expect("it runs");
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text")
    };
    let format = "${Package} ${Version} ${Architecture} ${db:Status-Status}\n";
    assert_eq!(ask(&["-W", "-f", format]), "other 2 all installed\ntool 1:1.0-1 amd64 installed\n");
    let files = "/.\n/etc\n/etc/tool.conf\n/usr\n/usr/bin\n/usr/bin/tool\n";
    assert!(ask(&["-L", "tool:amd64"]).starts_with(files));
    assert_eq!(ask(&["-S", "/lib/other"]), "other: /lib/other\n");
    assert!(
        ask(&["-W", "-f", "${Conffiles}", "tool"])
            .contains("/etc/tool.conf cdaeeeba9b4a4c5ebf042c0215a7bb0e")
    );
}

/// The database of this machine is read, and read again after it was written in both forms.
#[test]
fn the_database_of_this_machine_is_read() {
    let place = Path::new("/var/lib/dpkg");
    let Ok(status) = std::fs::read(place.join("status")) else {
        println!("skipped: this machine has no dpkg database");
        return;
    };
    let mut files = BTreeMap::from([(path("status"), status)]);
    for entry in std::fs::read_dir(place.join("info")).expect("beside the status") {
        let name = entry.expect("an entry").file_name().into_string().expect("plain");
        if matches!(name.rsplit_once('.'), Some((_, "list" | "md5sums"))) {
            files.insert(
                path(&format!("info/{name}")),
                std::fs::read(place.join("info").join(&name)).expect("a file"),
            );
        }
    }
    let database = Database::read(&files).expect("dpkg wrote it");
    assert!(database.packages.len() > 10 && database.files().count() > 100);
    let again = Database::read(&database.to_files(Layout::Status)).expect("written here");
    assert_eq!(again, database);
    println!("{} packages with {} paths", database.packages.len(), database.files().count());
}
