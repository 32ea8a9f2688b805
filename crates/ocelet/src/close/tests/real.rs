//! The real apk, run in a chroot that is made of Alpine's own packages, as the judge of the database of a cut-down
//! image. Needs root and the real packages; says `skipped` without them.
#![expect(clippy::disallowed_methods, reason = "a test runs the real tool")]

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown, lchown, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use ocelet_tree::{Kind, TreePath};

use super::*;

const REPOSITORY: &str = "../../../shared/alpine/v3.19-boot/main/x86_64";
/// What apk itself needs to run.
const TOOL: [&str; 6] = ["musl", "zlib", "libcrypto3", "libssl3", "apk-tools", "busybox"];
const PACKAGES: [&str; 20] = [
    "alpine-baselayout",
    "alpine-baselayout-data",
    "alpine-release",
    "musl",
    "busybox",
    "busybox-binsh",
    "e2fsprogs",
    "e2fsprogs-libs",
    "libblkid",
    "libuuid",
    "libcom_err",
    "openssh-server",
    "openssh-server-common",
    "openssh-keygen",
    "libcrypto3",
    "libssl3",
    "zlib",
    "tzdata",
    "ca-certificates-bundle",
    "libedit",
];

const RECIPE: &str = "\
[flavor.node]
commands = ['mke2fs', 'sshd', 'sh']
users = [{ name = 'kube', uid = 1500, gid = 0 }]
directories = [{ path = '/tmp', mode = '1777' }, '/var/empty']
";

fn repository() -> Option<PathBuf> {
    let place = Path::new(env!("CARGO_MANIFEST_DIR")).join(REPOSITORY);
    let chroot =
        Command::new("chroot").args(["/", "/bin/true"]).status().is_ok_and(|status| status.success());
    if !place.is_dir() || !chroot || cfg!(not(target_arch = "x86_64")) {
        println!("skipped: the real packages of Alpine, or the right to chroot, are not on this machine");
        return None;
    }
    Some(place)
}

/// The file of a package: its name, a version, and nothing between them that is another package's name.
fn file(repository: &Path, name: &str) -> Vec<u8> {
    let is_it = |path: &PathBuf| {
        let rest = path.file_name().and_then(|file| file.to_str()?.strip_prefix(name)?.strip_prefix('-'));
        rest.is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_digit()))
    };
    let entries = fs::read_dir(repository).expect("a directory").map(|entry| entry.expect("an entry").path());
    let path = entries.into_iter().find(is_it).unwrap_or_else(|| panic!("no package {name}"));
    fs::read(path).expect("a file")
}

fn write(path: &TreePath, node: &Node, root: &Path) {
    let place = root.join(path.to_string().trim_start_matches('/'));
    match &node.kind {
        Kind::Directory => fs::create_dir_all(&place).expect("a directory"),
        Kind::Symlink { target } => {
            symlink(target.to_string(), &place).expect("a link");
            return lchown(&place, Some(node.metadata.uid), Some(node.metadata.gid)).expect("root may");
        }
        Kind::File { content, .. } => fs::write(&place, content.bytes().expect("bytes")).expect("a file"),
    }
    chown(&place, Some(node.metadata.uid), Some(node.metadata.gid)).expect("root may");
    fs::set_permissions(&place, fs::Permissions::from_mode(node.metadata.mode.into())).expect("root may");
}

fn apk(root: &Path, arguments: &[&str]) -> (bool, String) {
    let output = Command::new("chroot")
        .arg(root)
        .args(["/sbin/apk", "--root", "/target", "--no-network", "--repositories-file", "/none"])
        .args(arguments)
        .output()
        .expect("chroot runs");
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&said).into_owned())
}

#[test]
fn apk_takes_the_database_of_an_image_as_its_own() {
    let Some(repository) = repository() else { return };
    let root = tempfile::tempdir().expect("a directory");
    for name in TOOL {
        let bytes = file(&repository, name);
        let world = World::new("").unpacked(&bytes, &Digest::of(&bytes));
        for (path, node) in world.trees[0]
            .iter()
            .filter(|(path, _)| !root.path().join(path.to_string().trim_start_matches('/')).is_symlink())
        {
            write(path, node, root.path());
        }
    }
    fs::write(root.path().join("none"), "").expect("a file");

    let mut world = World::new(RECIPE);
    for name in PACKAGES {
        let bytes = file(&repository, name);
        world = world.unpacked(&bytes, &Digest::of(&bytes));
    }
    let outcome = world.close();
    outcome.check_own();
    let closed = outcome.closed();
    let kept = outcome.kept("node");
    assert!(closed.missing.is_empty(), "{:?}", closed.missing);
    let target = root.path().join("target");
    let image = image::ImageView::new(kept, &closed.tree);
    let parents = kept.paths.keys().flat_map(TreePath::ancestors);
    let paths: std::collections::BTreeSet<TreePath> = parents.chain(kept.paths.keys().cloned()).collect();
    for path in &paths {
        write(path, image.get(path).expect("it is kept"), &target);
    }

    let (done, said) = apk(root.path(), &["info"]);
    let mut listed: Vec<&str> = said.lines().filter(|line| !line.starts_with("WARNING")).collect();
    listed.sort_unstable();
    let names: Vec<&str> = kept.packages.values().map(|package| package.name.as_str()).collect();
    assert!(done && listed == names, "{said}");
    assert!(!names.contains(&"tzdata") && names.contains(&"openssh-server"), "{names:?}");
    let (done, said) = apk(root.path(), &["info", "--who-owns", "/sbin/mke2fs"]);
    assert!(done && said.contains("e2fsprogs-1.47.0-r5"), "{said}");
    let (done, said) = apk(root.path(), &["info", "-L", "busybox"]);
    assert!(done && said.contains("bin/busybox") && !said.contains("usr/share"), "{said}");
    for arguments in [&["audit", "--system"][..], &["audit", "--backup"], &["audit"]] {
        let (_, said) = apk(root.path(), arguments);
        // What was added is no change of a package: A is a file, D a directory (apk-audit(8)). The list of users is
        // one that ocelet made in a package's place.
        let fine = ["A ", "D ", "WARNING"];
        let wrong: Vec<&str> = said
            .lines()
            .filter(|line| !fine.iter().any(|fine| line.starts_with(fine)))
            .filter(|line| !["U etc/passwd", "U etc/group"].contains(line))
            .collect();
        assert!(wrong.is_empty(), "{arguments:?}: {wrong:?}");
    }
    assert_eq!(outcome.text("node", "/etc/apk/world"), "busybox\nbusybox-binsh\ne2fsprogs\nopenssh-server\n");
    // What busybox would have linked into place was asked for by name, and the rest is not in the image.
    assert!(!kept.scripts.is_empty());
    let told = outcome.warnings.iter().find(|warning| warning.contains("was not run"));
    assert_eq!(told, None);
}
