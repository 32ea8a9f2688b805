//! The real apk, run in a chroot that is made of Alpine's own packages, as the judge of the installed database: what
//! it writes is read and written back to the byte, what is computed here equals what it wrote, and what is written
//! here for a part of the files is a database that it takes as its own and finds nothing wrong with.
//!
//! Needs root and the real packages; says `skipped` without them.
#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a test runs the real tool, or says why not"
)]

use std::collections::BTreeMap;
use std::os::unix::fs::{PermissionsExt, chown, lchown, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use ocelet_package::apk::{
    Archive, Contents, Control, DATA_LIMIT, Database, Installed, Keyring, Record, database_directory,
    scripts_archive, triggers, world,
};
use ocelet_tree::{Kind, Owner, Tree, TreePath};

const REPOSITORY: &str = "../../../shared/alpine/v3.19-boot/main/x86_64";
/// What apk itself needs to run.
const TOOL: [&str; 6] = ["musl", "zlib", "libcrypto3", "libssl3", "apk-tools", "busybox"];

struct Package {
    control: Control,
    contents: Contents,
}

fn packages() -> Option<BTreeMap<String, Package>> {
    let place = Path::new(env!("CARGO_MANIFEST_DIR")).join(REPOSITORY);
    let chroot =
        Command::new("chroot").args(["/", "/bin/true"]).status().is_ok_and(|status| status.success());
    if !place.is_dir() || !chroot || cfg!(not(target_arch = "x86_64")) {
        println!("skipped: the real packages of Alpine, or the right to chroot, are not on this machine");
        return None;
    }
    let keyring = Keyring::alpine_for("x86_64");
    let read = |path: PathBuf| {
        let bytes = std::fs::read(&path).expect("a package");
        let package = Archive::open(&path.display().to_string(), &bytes)
            .and_then(|archive| archive.verify(&keyring))
            .expect("signed by Alpine")
            .unpack(DATA_LIMIT)
            .expect("as it was signed");
        let control = package.control().clone();
        let contents = package.contents(&Owner::new(&control.info.name)).expect("files that fit");
        (control.info.name.clone(), Package { control, contents })
    };
    let entries = std::fs::read_dir(place).expect("a directory").map(|entry| entry.expect("an entry").path());
    Some(
        entries
            .filter(|path| path.extension().is_some_and(|extension| extension == "apk"))
            .map(read)
            .collect(),
    )
}

fn extract(tree: &Tree, root: &Path) {
    for (path, node) in tree.iter() {
        let place = root.join(path.to_string().trim_start_matches('/'));
        match &node.kind {
            Kind::Directory => std::fs::create_dir_all(&place).expect("a directory"),
            Kind::Symlink { target } => {
                let _ = std::fs::remove_file(&place);
                symlink(target.to_string(), &place).expect("a link");
                lchown(&place, Some(node.metadata.uid), Some(node.metadata.gid)).expect("root may");
                continue;
            }
            Kind::File { content, .. } => {
                std::fs::write(&place, content.bytes().expect("in memory")).expect("a file");
            }
        }
        chown(&place, Some(node.metadata.uid), Some(node.metadata.gid)).expect("root may");
        let mode = std::fs::Permissions::from_mode(node.metadata.mode.into());
        std::fs::set_permissions(&place, mode).expect("root may");
    }
}

/// A chroot in which apk runs, with the repository in `/repository/x86_64`.
fn tool(packages: &BTreeMap<String, Package>) -> tempfile::TempDir {
    let root = tempfile::tempdir().expect("a directory");
    for name in TOOL {
        extract(&packages[name].contents.tree, root.path());
    }
    let repository = root.path().join("repository/x86_64");
    std::fs::create_dir_all(&repository).expect("a directory");
    for entry in
        std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(REPOSITORY)).expect("a directory")
    {
        let path = entry.expect("an entry").path();
        std::fs::copy(&path, repository.join(path.file_name().expect("a name"))).expect("a copy");
    }
    std::fs::write(root.path().join("none"), "").expect("a file");
    root
}

fn apk(root: &Path, arguments: &[&str]) -> (bool, String) {
    let output = Command::new("chroot")
        .arg(root)
        .args(["/sbin/apk", "--root", "/target", "--no-network", "--repositories-file", "/none"])
        .args(["--arch", "x86_64", "-X", "/repository"])
        .args(arguments)
        .output()
        .expect("chroot runs");
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&said).into_owned())
}

#[test]
fn what_apk_writes_is_what_is_computed_here() {
    let Some(packages) = packages() else { return };
    let root = tool(&packages);
    extract(&packages["alpine-keys"].contents.tree, &root.path().join("target"));
    let wanted =
        ["alpine-base", "openssh", "e2fsprogs-extra", "tzdata", "chrony", "wpa_supplicant", "tiny-cloud"];
    let arguments = [&["--initdb", "--no-scripts", "--force-overwrite", "add"][..], &wanted].concat();
    let (done, said) = apk(root.path(), &arguments);
    assert!(done, "{said}");
    let target = root.path().join("target/lib/apk/db");
    let bytes = std::fs::read(target.join("installed")).expect("apk wrote it");
    let database = Database::parse(&bytes).expect("apk wrote it");
    assert!(database.packages.len() > 50, "{}", database.packages.len());
    assert_eq!(database.to_bytes().escape_ascii().to_string(), bytes.escape_ascii().to_string());
    let mut strayed = Vec::new();
    for installed in &database.packages {
        let package = &packages[&installed.record.name];
        // The index has the architecture of the repository for `noarch` packages.
        let record = Record { architecture: Some("x86_64".to_owned()), ..Record::of(&package.control) };
        let mut computed = Installed::of(record, &package.control, &package.contents);
        // apk 2.14 writes what a package without files replaces into the record behind it, since it keeps the line
        // in a buffer until the first directory: that one is not followed.
        if computed.directories.is_empty() {
            strayed.append(&mut computed.replaces);
        } else {
            computed.replaces.splice(..0, std::mem::take(&mut strayed));
        }
        assert_eq!(sorted(&computed), sorted(installed), "{}", installed.record.name);
    }
    let scripts: Vec<_> =
        packages.values().flat_map(|package| Installed::scripts(&package.control)).collect();
    let ours = names(&root, &scripts_archive(&scripts, 0), "ours.tar");
    let theirs =
        names(&root, &std::fs::read(target.join("scripts.tar")).expect("apk wrote it"), "theirs.tar");
    assert!(theirs.len() > 3 && theirs.iter().all(|name| ours.contains(name)), "{theirs:?} {ours:?}");
    let watching = database.packages.iter().map(|installed| {
        (installed.record.identity, packages[&installed.record.name].control.info.triggers.as_slice())
    });
    assert_eq!(triggers(watching), std::fs::read(target.join("triggers")).expect("apk wrote it"));
    let asked = std::fs::read(root.path().join("target/etc/apk/world")).expect("apk wrote it");
    assert_eq!(world(wanted), asked);
}

/// The order of directories and files is that of the archive for apk, and that of their names here.
fn sorted(installed: &Installed) -> Installed {
    let mut sorted = installed.clone();
    sorted.directories.sort_by(|one, other| one.path.cmp(&other.path));
    for directory in &mut sorted.directories {
        directory.files.sort_by(|one, other| one.name.cmp(&other.name));
    }
    sorted
}

fn names(root: &tempfile::TempDir, archive: &[u8], file: &str) -> Vec<String> {
    std::fs::write(root.path().join(file), archive).expect("a file");
    let output = Command::new("tar").arg("tf").arg(root.path().join(file)).output().expect("tar runs");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
}

#[test]
fn apk_takes_a_filtered_database_as_its_own() {
    let Some(packages) = packages() else { return };
    let root = tool(&packages);
    let target = root.path().join("target");
    let chosen =
        ["musl", "busybox", "libblkid", "libuuid", "e2fsprogs", "libcom_err", "e2fsprogs-libs", "tzdata"];
    let dropped = ["usr/share", "etc/udhcpc", "etc/network"].map(|path| TreePath::new(path).expect("a path"));
    let keep = |path: &TreePath| !dropped.iter().any(|above| path.below(above).is_some());
    let mut all = Database::default();
    for name in chosen {
        let package = &packages[name];
        let mut tree = package.contents.tree.clone();
        for path in &dropped {
            tree.remove(path);
        }
        extract(&tree, &target);
        let record = Record::of(&package.control);
        all.packages.push(Installed::of(record, &package.control, &package.contents));
    }
    all.packages.sort_by(|one, other| one.record.name.cmp(&other.record.name));
    let kept = all.kept(|path| keep(path).then(|| path.clone()));
    let left: Vec<&str> = kept.packages.iter().map(|package| package.record.name.as_str()).collect();
    assert!(
        !left.contains(&"tzdata") && left.len() == chosen.len() - 1,
        "all of tzdata was dropped: {left:?}"
    );
    let database = database_directory(&packages["musl"].contents.tree).expect("in memory");
    let place = target.join(database.to_string().trim_start_matches('/'));
    std::fs::create_dir_all(&place).expect("a directory");
    std::fs::create_dir_all(target.join("etc/apk")).expect("a directory");
    let scripts: Vec<_> = left.iter().flat_map(|name| Installed::scripts(&packages[*name].control)).collect();
    for (name, bytes) in [
        ("installed", kept.to_bytes()),
        ("scripts.tar", scripts_archive(&scripts, 0)),
        (
            "triggers",
            triggers(left.iter().map(|name| {
                let control = &packages[*name].control;
                (control.identity, control.info.triggers.as_slice())
            })),
        ),
    ] {
        std::fs::write(place.join(name), bytes).expect("a file");
    }
    std::fs::write(target.join("etc/apk/world"), world(["busybox", "e2fsprogs"])).expect("a file");

    let (done, said) = apk(root.path(), &["info"]);
    let mut listed: Vec<&str> = said.lines().filter(|line| !line.starts_with("WARNING")).collect();
    listed.sort_unstable();
    assert!(done && listed == left, "{said}");
    let (done, said) = apk(root.path(), &["info", "-L", "busybox"]);
    assert!(done && said.contains("bin/busybox") && !said.contains("usr/share"), "{said}");
    let (done, said) = apk(root.path(), &["info", "--who-owns", "/sbin/mke2fs"]);
    assert!(done && said.contains("e2fsprogs-1.47.0-r5"), "{said}");
    // Without arguments the audit covers what is protected, with --system all else: neither may find a change.
    for arguments in [&["audit"][..], &["audit", "--system"], &["audit", "--backup"]] {
        let (_, said) = apk(root.path(), arguments);
        // What was added is no change of a package: A is a file, D a directory (apk-audit(8)).
        let wrong =
            said.lines().find(|line| !["A ", "D ", "WARNING"].iter().any(|fine| line.starts_with(fine)));
        assert_eq!(wrong, None, "{arguments:?}: {said}");
    }
    // A file that is changed is found, so the silence above means something.
    std::fs::write(target.join("sbin/mke2fs"), "changed").expect("a file");
    let (_, said) = apk(root.path(), &["audit", "--system"]);
    assert!(said.contains("U sbin/mke2fs"), "{said}");
}
