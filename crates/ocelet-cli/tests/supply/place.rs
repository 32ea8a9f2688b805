//! A directory to run the program in: recipes, the embedded mirror, a cache, and what commands leave.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use ocelet_testkit::apk::{Algorithm, BuiltPackage, PackageBuilder, TestKey, index};
use ocelet_testkit::{Said, files_below, said};

/// The recipe of the embedded mirror, from the top of a bundle.
pub(crate) const RECIPE: &str = "recipes/bundle-node.toml";

pub(crate) struct Place(tempfile::TempDir);

impl Place {
    /// An empty directory, in memory where that is possible: the store syncs each file.
    pub(crate) fn new() -> Self {
        let in_memory = Path::new("/dev/shm");
        let made = if in_memory.is_dir() { tempfile::tempdir_in(in_memory) } else { tempfile::tempdir() };
        Self(made.or_else(|_| tempfile::tempdir()).expect("a directory"))
    }

    /// With the embedded mirror, its key, its recipe and its lock.
    pub(crate) fn bundle() -> Self {
        let place = Self::new();
        let root = repository();
        for directory in ["fixtures/mirror", "fixtures/keys"] {
            for file in files_below(&root.join(directory)) {
                let name = format!("{directory}/{file}");
                place.write(&name, &std::fs::read(root.join(&name)).expect("a file"));
            }
        }
        for name in [RECIPE, "recipes/bundle-node.lock"] {
            place.write(name, &std::fs::read(root.join(name)).expect("a file"));
        }
        place
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, bytes: &[u8]) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().expect("a directory")).expect("a directory");
        // A file of the store may not be written; it is replaced.
        let _ = std::fs::remove_file(&path);
        std::fs::write(&path, bytes).expect(name);
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).expect(name)
    }

    pub(crate) fn text(&self, name: &str) -> String {
        String::from_utf8(self.read(name)).expect("text")
    }

    pub(crate) fn remove(&self, name: &str) {
        let path = self.path(name);
        let removed =
            if path.is_dir() { std::fs::remove_dir_all(&path) } else { std::fs::remove_file(&path) };
        removed.expect(name);
    }

    /// Flips a bit.
    pub(crate) fn flip(&self, name: &str, at: usize, bit: u8) {
        let mut bytes = self.read(name);
        bytes[at] ^= 1 << bit;
        self.write(name, &bytes);
    }

    /// Writes a signed repository at `repo/main/x86_64`, with its key at `keys/`.
    pub(crate) fn repository(&self, packages: &[BuiltPackage]) {
        let key = TestKey::first();
        self.write(&format!("keys/{}", key.name()), key.public_pem().as_bytes());
        for package in packages {
            self.write(&format!("repo/main/x86_64/{}", package.file_name), &package.file);
        }
        let records: Vec<&str> = packages.iter().map(|package| package.record.as_str()).collect();
        let bytes = index("v1", &records, 1_700_000_000, &[(key, Algorithm::Rsa)]);
        self.write("repo/main/x86_64/APKINDEX.tar.gz", &bytes);
    }

    /// The program, with nothing of this process's environment.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ocelet"));
        command.args(arguments).current_dir(self.0.path()).env_clear().stdin(Stdio::null());
        command.env("OCELET_CACHE", self.path("cache")).env("TMPDIR", self.0.path());
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Said {
        said(&mut self.command(arguments))
    }

    /// The same with a cache that holds nothing.
    pub(crate) fn run_afresh(&self, arguments: &[&str]) -> Said {
        if self.path("cache").exists() {
            self.remove("cache");
        }
        self.run(arguments)
    }
}

/// The top of the source.
pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A signed package with one program.
pub(crate) fn built(name: &str, version: &str) -> BuiltPackage {
    PackageBuilder::new(name, version, "x86_64")
        .directory("usr")
        .directory("usr/bin")
        .file(&format!("usr/bin/{name}"), 0o755, format!("#!/bin/true\n# {version}\n").as_bytes())
        .provide(&format!("cmd:{name}={version}"))
        .build(&[(TestKey::first(), Algorithm::Rsa)])
}

/// A recipe over the repository at `repo/main` that wants packages.
pub(crate) fn wanting(packages: &str) -> Vec<u8> {
    format!(
        "image = 'x'\nplatforms = ['linux/amd64']\ntag = 'v1'\n[source.alpine]\napk = 'repo/main'\n\
        keys = ['keys/test-only-first.rsa.pub']\n[flavor.x]\npackages = [{packages}]\n"
    )
    .into_bytes()
}
