//! Real repositories and packages of Alpine, where this machine has them: every package verifies with the keys that
//! are embedded, and unpacks to files that fit their checksums.
#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a test reads real files, or says why not"
)]

use std::path::{Path, PathBuf};
use std::time::Instant;

use ocelet_package::apk::{Archive, DATA_LIMIT, INDEX_LIMIT, Keyring, VerifiedIndex};
use ocelet_tree::Owner;

/// The real repositories with the architecture whose keys sign them.
const REPOSITORIES: [(&str, &str); 4] = [
    ("v3.19-boot/main/x86_64", "x86_64"),
    ("v3.19/main/x86_64", "x86_64"),
    ("v3.19/community/x86_64", "x86_64"),
    ("v3.13-boot/main/aarch64", "aarch64"),
];

fn repositories() -> Option<PathBuf> {
    let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/alpine");
    if place.is_dir() {
        return Some(place);
    }
    println!("skipped: the real repositories of Alpine are not on this machine");
    None
}

fn packages(repository: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(repository)
        .expect("a directory")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "apk"))
        .collect();
    files.sort();
    files
}

#[test]
fn every_index_verifies() {
    let Some(place) = repositories() else { return };
    for (repository, architecture) in REPOSITORIES {
        let bytes = std::fs::read(place.join(repository).join("APKINDEX.tar.gz")).expect("an index");
        let began = Instant::now();
        let index = VerifiedIndex::open(repository, &bytes, &Keyring::alpine_for(architecture), INDEX_LIMIT)
            .unwrap_or_else(|error| panic!("{repository}: {error:?}"));
        let took = began.elapsed();
        let freshness = index.freshness();
        println!("{repository}: {} {} {freshness:?} {took:?}", index.description, index.signed_by);
        assert!(freshness.newest_build.is_some() && index.records.length() > 1000, "{repository}");
        let wrong = VerifiedIndex::open(repository, &bytes, &Keyring::alpine_for("s390x"), INDEX_LIMIT);
        assert!(wrong.expect_err("another architecture's keys").to_string().contains("cannot be trusted"));
    }
}

#[test]
fn every_package_verifies_and_unpacks() {
    let Some(place) = repositories() else { return };
    let (mut count, mut stored, mut inflated, mut files, mut unlisted) = (0, 0_u64, 0_u64, 0, 0);
    let began = Instant::now();
    for (repository, architecture) in REPOSITORIES {
        let keyring = Keyring::alpine_for(architecture);
        for path in packages(&place.join(repository)) {
            let bytes = std::fs::read(&path).expect("a package");
            let label = path.display().to_string();
            let package = Archive::open(&label, &bytes)
                .and_then(|archive| archive.verify(&keyring))
                .unwrap_or_else(|error| panic!("{label}: {error:?}"))
                .unpack(DATA_LIMIT)
                .unwrap_or_else(|error| panic!("{label}: {error:?}"));
            let contents = package
                .contents(&Owner::new(&package.control().info.name))
                .unwrap_or_else(|error| panic!("{label}: {error:?}"));
            let info = &package.control().info;
            assert!(path.ends_with(format!("{}-{}.apk", info.name, info.version)), "{label}: {info}");
            count += 1;
            stored += bytes.len() as u64;
            inflated += package.data().length();
            files += contents.identities.len();
            unlisted += contents.unlisted.len();
        }
    }
    println!(
        "{count} packages, {stored} bytes stored, {inflated} inflated, {files} files, {unlisted} without checksum, {:?}",
        began.elapsed()
    );
    assert!(count > 0 && files > count);
}
