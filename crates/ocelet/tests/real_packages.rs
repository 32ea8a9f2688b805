//! Real repositories of Alpine, where this machine has them: all packages of one lie in one tree without a conflict, and
//! a second run inflates nothing.
#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a test reads real files, or says why not"
)]

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::Path;
use std::time::Instant;

use ocelet::fetch::Goods;
use ocelet::fetch::store::{Begun, Store};
use ocelet::host::{Host, Scratch};
use ocelet::lock::{Lock, LockedFile, LockedPackage};
use ocelet::recipe::{Context, parse};
use ocelet::resolve::Asked;
use ocelet::tree::{TreePath, View};
use ocelet_oci::Digest;
use ocelet_package::apk::Archive;

/// Repositories all of whose packages are here, with their platform.
const REPOSITORIES: [(&str, &str); 2] =
    [("v3.19-boot/main/x86_64", "linux/amd64"), ("v3.13-boot/main/aarch64", "linux/arm64")];

#[test]
fn all_packages_of_a_repository_fit_together() {
    let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/alpine");
    if !place.is_dir() {
        println!("skipped: the real repositories of Alpine are not on this machine");
        return;
    }
    for (repository, platform) in REPOSITORIES {
        unpack_all(&place.join(repository), platform);
    }
}

fn unpack_all(repository: &Path, platform: &str) {
    let text = format!(
        "image = 'x'\nplatforms = ['{platform}']\ntag = 'x'\n[source.alpine]\napk = '/m'\nkeys = 'alpine'\n[flavor.x]\nfiles = ['/**']\n"
    );
    let recipe = parse(&text, &Context::default()).expect("a good recipe").recipe;
    let directory = tempfile::tempdir().expect("a directory");
    let mut goods = Goods::new(Store::open(directory.path().join("cache")).expect("nothing is there"));
    let (source, platform) =
        (recipe.sources.keys().next().expect("one source").clone(), recipe.platforms[0].value.clone());
    let mut lock = Lock { asked: BTreeMap::from([(source.clone(), Asked::default())]), ..Lock::default() };
    for entry in std::fs::read_dir(repository).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.extension().is_none_or(|extension| extension != "apk") {
            continue;
        }
        let bytes = std::fs::read(&path).expect("a package");
        let (sha256, size) = (Digest::of(&bytes), bytes.len() as u64);
        let archive = Archive::open("package", &bytes).expect("a package");
        let control = archive.verify_digest(*sha256.as_bytes()).expect("it is its own").control().clone();
        let Begun::Write(mut partial) = goods.store.begin(&sha256, size).expect("there is room") else {
            panic!("it is not there yet")
        };
        partial.append(&bytes).expect("there is room");
        goods.add(partial.finish().expect("it is right"));
        let name = path.file_name().expect("a file").to_string_lossy().into_owned();
        lock.packages.push(LockedPackage {
            source: source.clone(),
            platform: platform.clone(),
            name: control.info.name.clone(),
            version: control.info.version.clone(),
            file: LockedFile { path: name, size, sha256, sources: Vec::new() },
            identity: control.identity.to_string(),
            signed_by: String::new(),
            because: std::collections::BTreeSet::new(),
        });
    }
    lock.packages.sort_by(|one, other| one.name.cmp(&other.name));
    let scratch = Scratch::new(directory.path());
    let host = Host {
        jobs: NonZeroUsize::new(2).expect("two"),
        epoch: None,
        scratch: &scratch,
        observer: &ocelet::Silent,
    };
    let mut runs = Vec::new();
    for _ in 0..2 {
        let began = Instant::now();
        let unpacked =
            ocelet::unpack::unpack(&recipe, Some((&lock, &goods)), &platform, Path::new("."), &host)
                .unwrap_or_else(|error| panic!("{}: {error}", repository.display()));
        let blobs = goods.store.list().expect("it can be read").blobs.len();
        println!("{}: {} packages in {:?}", repository.display(), lock.packages.len(), began.elapsed());
        runs.push((unpacked, blobs));
    }
    assert_eq!(runs[0].1, runs[1].1, "the second run inflates nothing");
    let unpacked = &runs[1].0;
    assert_eq!(unpacked.packages.len(), lock.packages.len());
    let view = unpacked.view();
    let mut files = 0;
    for (owner, package) in &unpacked.packages {
        let Some(ocelet::unpack::Installed::Apk(installed)) = package.installed.as_deref() else {
            panic!("no package")
        };
        assert!(installed.package.record.architecture.as_deref() != Some("noarch"), "{owner}");
        for path in installed.package.files() {
            let node = view.entry(&path).expect("it can be read");
            let node = node.unwrap_or_else(|| panic!("{path} of {owner} is not in the tree"));
            assert_eq!(&node.owner, owner, "{path}");
            files += 1;
        }
    }
    assert!(files > 1000, "{files}");
    let shell = TreePath::new("bin/sh").expect("a path");
    assert!(view.entry(&shell).expect("it can be read").is_some(), "a link of busybox-binsh or busybox");
}
