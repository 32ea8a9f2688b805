//! dpkg and apt of this machine as judges: packages that the real dpkg-deb builds are read as it reads them, the indexes
//! that apt fetched are read whole, and what the real archive serves is unpacked as dpkg-deb unpacks it.
//!
//! Says `skipped` where a tool or its files are missing. Nothing is fetched.
#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a test runs the real tools, or says why not"
)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use ocelet_package::deb::{
    Archive, Contents, Control, DATA_LIMIT, Index, MaintainerScriptKind, RelationKind, alternative_links,
};
use ocelet_tree::{Kind, Owner};
use sha2::{Digest, Sha256};

/// Where apt keeps what it has fetched.
const KEPT: &str = "/var/cache/apt/archives";

fn has(tool: &str) -> bool {
    let there = Command::new(tool).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    let there = there.is_ok_and(|status| status.success());
    if !there {
        println!("skipped: {tool} not installed");
    }
    there
}

fn output(tool: &str, arguments: &[&str], directory: &Path) -> Vec<u8> {
    let output = Command::new(tool).args(arguments).current_dir(directory).output().expect("it runs");
    assert!(output.status.success(), "{tool} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// Unpacks a package and compares every byte, every name and every kind with what dpkg-deb makes of it.
fn compare(file: &Path) -> (Control, Contents) {
    let bytes = std::fs::read(file).expect("a package");
    let label = file.file_name().expect("a file").to_string_lossy();
    let verified = Archive::open(&label, &bytes)
        .and_then(|archive| archive.verify_digest(Sha256::digest(&bytes).into()))
        .unwrap_or_else(|error| panic!("{error}: {:?}", std::error::Error::source(&error)));
    let package = verified.unpack(DATA_LIMIT).expect("dpkg-deb built it");
    let directory = file.parent().expect("a directory");
    let name = file.to_str().expect("plain");
    let plain = output("dpkg-deb", &["--fsys-tarfile", name], directory);
    assert_eq!(package.data().length(), plain.len() as u64, "{label}");
    assert!(*package.data().content().bytes().expect("in memory") == *plain, "{label}");
    let contents = package.contents(&Owner::new("x")).unwrap_or_else(|error| {
        panic!("{error}: {:?}", std::error::Error::source(&error));
    });
    let package = package.control().clone();
    let fields = ["Package", "Version", "Architecture", "Depends", "Description"];
    let asked = fields
        .map(|field| String::from_utf8(output("dpkg-deb", &["-f", name, field], directory)).expect("text"));
    let said = fields.map(|field| package.paragraph().value(field).unwrap_or("").to_owned());
    assert_eq!(said, asked.map(|value| value.trim_end().to_owned()), "{label}");
    let listing = String::from_utf8_lossy(&output("dpkg-deb", &["-c", name], directory)).into_owned();
    let of = |kind: char| listing.lines().filter(|line| line.starts_with(kind)).count();
    let have =
        |wanted: fn(&Kind) -> bool| contents.tree.iter().filter(|(_, node)| wanted(&node.kind)).count();
    assert_eq!(have(|kind| matches!(kind, Kind::Symlink { .. })), of('l'), "{label}: links");
    assert_eq!(have(|kind| matches!(kind, Kind::File { .. })), of('-') + of('h'), "{label}: files");
    (package, contents)
}

#[test]
fn packages_of_the_real_builder_are_read() {
    if !has("dpkg-deb") {
        return;
    }
    let place = tempfile::tempdir().expect("a directory");
    let root = place.path().join("root");
    for (name, content) in [
        (
            "DEBIAN/control",
            "Package: tool\nVersion: 2:1.0-1\nArchitecture: all\nMaintainer: A <a@example.org>\nDepends: libc6 (>= 2.3), a | b\nDescription: A tool\n that has\n .\n lines.\n",
        ),
        ("DEBIAN/conffiles", "/etc/tool.conf\n"),
        ("DEBIAN/postinst", "#!/bin/sh\nupdate-alternatives --install /usr/bin/t t /usr/bin/tool 1\n"),
        ("etc/tool.conf", "set\n"),
        ("usr/bin/tool", "#!/bin/sh\n"),
        (&format!("usr/share/{}/{}", "long".repeat(30), "name".repeat(40)), "x"),
    ] {
        let file = root.join(name);
        std::fs::create_dir_all(file.parent().expect("below the root")).expect("a directory");
        std::fs::write(file, content).expect("written");
    }
    let big: Vec<u8> = (0..3_000_000_u32).map(|at| (at / 7 % 253) as u8).collect();
    std::fs::write(root.join("usr/bin/big"), big).expect("written");
    std::os::unix::fs::symlink("tool", root.join("usr/bin/link")).expect("a link");
    std::fs::hard_link(root.join("usr/bin/tool"), root.join("usr/bin/other")).expect("a link");
    output("chmod", &["-R", "u=rwX,go=rX", "root"], place.path());
    output("chmod", &["755", "root/DEBIAN/postinst"], place.path());
    for (packing, uniform) in [("gzip", true), ("xz", true), ("xz", false), ("zstd", true), ("none", true)] {
        let uniform = if uniform { "--uniform-compression" } else { "--no-uniform-compression" };
        let packing = format!("-Z{packing}");
        let tried = Command::new("dpkg-deb")
            .args(["--root-owner-group", &packing, uniform, "--build", "root", "tool.deb"])
            .current_dir(place.path())
            .stdout(Stdio::null())
            .status();
        if !tried.is_ok_and(|status| status.success()) {
            println!("skipped: this dpkg-deb does not know {packing}");
            continue;
        }
        let (control, contents) = compare(&place.path().join("tool.deb"));
        assert_eq!((control.package().version_text, control.conffiles.len()), ("2:1.0-1", 1));
        assert_eq!(contents.md5.len(), 5);
        let script = control.script(MaintainerScriptKind::PostInst).expect("there").effects();
        assert_eq!(
            alternative_links(&script.alternatives, &BTreeMap::new(), |_| true).expect("one").len(),
            2
        );
    }
}

/// Every index that apt has fetched, with every version and relation in it.
#[test]
fn indexes_of_the_real_archive_are_read() {
    let helper = "/usr/lib/apt/apt-helper";
    let Ok(lists) = std::fs::read_dir("/var/lib/apt/lists") else {
        println!("skipped: apt has fetched nothing");
        return;
    };
    let lists: Vec<PathBuf> = lists
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.to_string_lossy().contains("_Packages"))
        .collect();
    if lists.is_empty() || !Path::new(helper).exists() {
        println!("skipped: apt has fetched no index");
        return;
    }
    for list in lists {
        let bytes = output(helper, &["cat-file", list.to_str().expect("plain")], Path::new("/"));
        let (length, began) = (bytes.len(), Instant::now());
        let index = Index::from_bytes(bytes).unwrap_or_else(|error| panic!("{}: {error}", list.display()));
        let took = began.elapsed();
        let mut relations = 0;
        for package in index.packages() {
            let label = package.label();
            package.version().unwrap_or_else(|error| panic!("{label}: {error}"));
            for kind in RelationKind::BINARY {
                for group in package.relations(kind).groups() {
                    relations += group.unwrap_or_else(|error| panic!("{label}: {error}")).len();
                }
            }
        }
        let name = list.file_name().expect("a file").to_string_lossy().into_owned();
        println!("{name}: {length} bytes, {} packages in {took:?}, {relations} relations", index.len());
    }
}

/// Packages of the real archive that apt has kept, such as `apt-get install --download-only --reinstall runc` leaves them.
#[test]
fn packages_of_the_real_archive_are_read() {
    let kept = std::fs::read_dir(KEPT).into_iter().flatten().map(|entry| entry.expect("an entry").path());
    let mut files: Vec<PathBuf> =
        kept.filter(|path| path.extension().is_some_and(|extension| extension == "deb")).collect();
    files.sort();
    if files.is_empty() {
        println!("skipped: apt has kept no package in {KEPT}");
    }
    if !has("dpkg-deb") {
        return;
    }
    for file in files {
        let (control, contents) = compare(&file);
        let name = control.package().name.to_owned();
        let found = control.effects();
        let effects = [found.alternatives.len(), found.diversions.len(), found.unread.len()];
        println!(
            "{name}: {} files, {} unlisted, {} absent, {} scripts, alternatives, diversions, unread {effects:?}, copyright {:?}",
            contents.md5.len(),
            contents.unlisted.len(),
            contents.absent.len(),
            control.scripts.len(),
            contents.copyright(&name)
        );
    }
}
