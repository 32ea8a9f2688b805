//! Packages as Alpine signed and published them: locked, mirrored, assembled without a network, run on this machine or
//! under an emulator, and read by Alpine's own `apk`.
//!
//! The repositories are not part of this project. `OCELET_ALPINE` names a directory that holds them as
//! `RELEASE/main/ARCHITECTURE/`; without it the check says so and does nothing.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::bundle::{assembled, cached};
use super::{need, plain};
use crate::Outcome;
use crate::shell::{
    alpine, below, command, ended, line, list, make_directory, output, read_text, root, temporary, write,
};

/// One release for one machine.
struct Case {
    /// The directories of the repositories below `OCELET_ALPINE`, best first.
    repositories: &'static [&'static str],
    /// What the second repository lists in newer builds, which upstream has deleted since.
    pins: &'static [(&'static str, &'static str)],
    architecture: &'static str,
    platform: &'static str,
    emulator: Option<&'static str>,
    /// Commands with the arguments that make them say something and end well.
    commands: &'static [(&'static str, &'static [&'static str])],
}

/// What the second repository of 3.19 lists in newer builds, which upstream has deleted since.
pub(super) const PINS_OF_V3_19: &[(&str, &str)] = &[
    ("apk-tools", "=2.14.0-r5"),
    ("busybox", "=1.36.1-r15"),
    ("busybox-binsh", "=1.36.1-r15"),
    ("ca-certificates-bundle", "=20230506-r0"),
    ("libcrypto3", "=3.1.4-r5"),
    ("libssl3", "=3.1.4-r5"),
    ("ssl_client", "=1.36.1-r15"),
];

const CASES: &[Case] = &[
    Case {
        repositories: &["v3.19-boot/main", "v3.19/main"],
        pins: PINS_OF_V3_19,
        architecture: "x86_64",
        platform: "linux/amd64",
        emulator: None,
        commands: &[
            ("mount", &["--version"]),
            ("lsblk", &["--version"]),
            ("e2fsck", &["-V"]),
            ("mkfs.ext4", &["-V"]),
            ("ssh", &["-V"]),
            ("sfdisk", &["--version"]),
            ("wget", &["--version"]),
            ("apk", &["--version"]),
            ("sh", &["-c", "echo a shell"]),
        ],
    },
    Case {
        repositories: &["v3.13-boot/main"],
        pins: &[],
        architecture: "aarch64",
        platform: "linux/arm64",
        emulator: Some("qemu-aarch64-static"),
        commands: &[
            ("e2fsck", &["-V"]),
            ("mkfs.ext4", &["-V"]),
            ("ssh", &["-V"]),
            ("openssl", &["version"]),
            ("apk", &["--version"]),
            ("sh", &["-c", "echo a shell"]),
        ],
    },
];

/// Every release that is there.
pub(super) fn run(ocelet: &str) -> Outcome {
    let Some(repositories) = alpine() else {
        // Not even CI has them.
        println!("skipped: OCELET_ALPINE does not name a directory of Alpine's repositories");
        return Ok(());
    };
    let mut failures = Vec::new();
    for case in CASES {
        if let Some(emulator) = case.emulator
            && !need(emulator)?
        {
            continue;
        }
        let work = temporary()?;
        let run = Run { ocelet, case, work: work.path(), repositories: &repositories };
        if let Err(error) = run.whole() {
            failures.push(format!("{} for {}: {error}", case.repositories[0], case.platform));
        }
    }
    if failures.is_empty() { Ok(()) } else { Err(failures.join("\n")) }
}

/// One case, in a place of its own.
struct Run<'run> {
    ocelet: &'run str,
    case: &'static Case,
    work: &'run Path,
    repositories: &'run Path,
}

impl Run<'_> {
    fn whole(&self) -> Outcome {
        write(&self.recipe(), self.recipe_text().as_bytes())?;
        output(self.ocelet("lock").arg(self.recipe()))?;
        let mirror = self.work.join("mirror");
        output(self.ocelet("mirror").arg(self.recipe()).arg("--to").arg(&mirror))?;
        output(
            command("sha256sum").args(["--check", "--quiet", "--strict", "SHA256SUMS"]).current_dir(&mirror),
        )?;
        let layout = self.work.join("layout");
        let mut assemble = self.fresh("assemble", "cache-of-the-mirror");
        assemble
            .arg(self.recipe())
            .args(["--offline", "--locked", "--format", "json", "--mirror"])
            .arg(&mirror);
        assembled(assemble.arg("--output").arg(&layout))?;
        output(self.ocelet("verify").arg(&layout))?;
        let image = self.unpack(&layout)?;
        self.commands(&image)?;
        let packages = self.database(&image)?;
        self.repository(&image, &mirror)?;
        println!(
            "{}: {} commands run, apk reads {} packages, and installs from the mirror",
            self.case.platform,
            self.case.commands.len(),
            packages.len()
        );
        Ok(())
    }

    fn recipe(&self) -> PathBuf {
        self.work.join("alpine-real.toml")
    }

    fn recipe_text(&self) -> String {
        let repositories: Vec<String> = self
            .case
            .repositories
            .iter()
            .map(|name| format!("\"{}\"", self.repositories.join(name).display()))
            .collect();
        let pins: Vec<String> =
            self.case.pins.iter().map(|(name, version)| format!("{name} = {version:?}")).collect();
        let commands: Vec<String> = self.case.commands.iter().map(|(name, _)| format!("{name:?}")).collect();
        format!(
            "image = \"alpine-real\"\nplatforms = [{:?}]\ntag = \"t\"\n\
             [source.alpine]\napk = [{}]\nkeys = \"alpine\"\npin = {{ {} }}\n\
             [flavor.alpine-real]\ncommands = [{}]\npackages = [\"alpine-baselayout\"]\n\
             files = [\"/etc/passwd\", \"/etc/group\", \"/etc/alpine-release?\"]\n",
            self.case.platform,
            repositories.join(", "),
            pins.join(", "),
            commands.join(", ")
        )
    }

    fn ocelet(&self, word: &str) -> Command {
        self.fresh(word, "cache")
    }

    fn fresh(&self, word: &str, cache: &str) -> Command {
        let mut command = cached(self.ocelet, &self.work.join(cache));
        command.args([word, "--quiet"]);
        command
    }

    /// The image as plain files, with what a run under an emulator needs.
    fn unpack(&self, layout: &Path) -> Result<PathBuf, String> {
        let image = self.work.join("image");
        plain::unpack(self.ocelet("export").arg(layout), &image)?;
        plain::devices(&image)?;
        if let Some(emulator) = self.case.emulator {
            plain::bring(&image, emulator)?;
        }
        Ok(image)
    }

    /// A program of the image. The emulator is named outright, so that nothing has to be registered with the kernel.
    fn inside(&self, image: &Path, program: &str) -> Result<Command, String> {
        let place = ["bin", "sbin", "usr/bin", "usr/sbin"]
            .iter()
            .map(|directory| format!("{directory}/{program}"))
            .find(|place| image.join(place).symlink_metadata().is_ok())
            .ok_or_else(|| format!("the image has no command {program}"))?;
        let mut chroot = command("chroot");
        chroot.arg(image);
        if let Some(emulator) = self.case.emulator {
            // A link's own name is what a program of many names looks at.
            chroot.args([&format!("/{emulator}"), "-0", program]);
        }
        chroot.arg(format!("/{place}"));
        Ok(chroot)
    }

    fn commands(&self, image: &Path) -> Outcome {
        let mut failures = Vec::new();
        for (name, arguments) in self.case.commands {
            let mut inside = self.inside(image, name)?;
            inside.args(*arguments);
            let ended = ended(&mut inside)?;
            let said = ended.said();
            if !ended.status.success() || said.trim().is_empty() {
                failures.push(format!("`{}` ended with {}:\n{said}", line(&inside), ended.status));
            }
        }
        if failures.is_empty() { Ok(()) } else { Err(failures.join("\n")) }
    }

    /// What Alpine's `apk` makes of the database: the packages that ocelet wrote into it, all files as they were
    /// published. Gives the packages as `NAME-VERSION`.
    fn database(&self, image: &Path) -> Result<BTreeSet<String>, String> {
        let told = output(self.inside(image, "apk")?.args(["info", "-v"]))?;
        let told: BTreeSet<String> = told.lines().map(str::to_owned).collect();
        let written = written(&read_text(&image.join("lib/apk/db/installed"))?);
        if written.is_empty() || told != written {
            return Err(format!("`apk info -v` tells {told:?}, and the database holds {written:?}"));
        }
        // Programs and libraries with their modes, then what lies in /etc.
        for mode in [&["--system", "--check-permissions"][..], &["--backup"]] {
            let audit = output(self.inside(image, "apk")?.arg("audit").args(mode))?;
            let changed = changed(&audit);
            if !changed.is_empty() {
                return Err(format!(
                    "`apk audit {}` finds other files than packages have:\n  {}",
                    mode.join(" "),
                    changed.join("\n  ")
                ));
            }
        }
        Ok(told)
    }

    /// Alpine's `apk` installs what is locked out of the mirror into an empty root: it is a repository. Each package
    /// is named with its version, since the index goes on to list what the mirror has not.
    fn repository(&self, image: &Path, mirror: &Path) -> Outcome {
        let inside = image.join("mirror");
        output(command("cp").arg("-a").arg(mirror).arg(&inside))?;
        let keys = image.join("keys");
        make_directory(&keys)?;
        let published = root().join("crates/ocelet-package/keys/alpine");
        for key in list(&published).iter().filter(|key| key.extension().is_some_and(|end| end == "pub")) {
            output(command("cp").arg(key).arg(&keys))?;
        }
        write(&image.join("no-repositories"), b"")?;
        make_directory(&image.join("target"))?;
        let mut add = self.inside(image, "apk")?;
        add.args(["--root", "/target", "--initdb", "--no-scripts", "--no-cache", "--keys-dir", "/keys"]);
        add.args(["--arch", self.case.architecture, "--repositories-file", "/no-repositories"]);
        for repository in repositories(&inside, self.case.architecture) {
            let below = repository.strip_prefix(image).map_err(|error| error.to_string())?;
            add.arg("--repository").arg(Path::new("/").join(below));
        }
        let files = below(mirror).into_iter().filter(|path| path.extension().is_some_and(|end| end == "apk"));
        let packages: BTreeSet<String> =
            files.filter_map(|path| pinned(path.file_stem()?.to_str()?)).collect();
        add.arg("add").args(packages);
        output(&mut add).map(drop)
    }
}

/// The directories of a mirror that hold an index of this architecture, without the part that names it.
fn repositories(mirror: &Path, architecture: &str) -> Vec<PathBuf> {
    let indexes =
        below(mirror).into_iter().filter(|path| path.ends_with(format!("{architecture}/APKINDEX.tar.gz")));
    indexes.filter_map(|path| path.ancestors().nth(2).map(Path::to_path_buf)).collect()
}

/// `NAME-VERSION-rN` as `NAME=VERSION-rN`.
fn pinned(package: &str) -> Option<String> {
    let (rest, release) = package.rsplit_once('-')?;
    let (name, version) = rest.rsplit_once('-')?;
    Some(format!("{name}={version}-{release}"))
}

/// The packages of an installed database, as `NAME-VERSION`.
fn written(database: &str) -> BTreeSet<String> {
    let record = |record: &str| {
        let field =
            |letter: &str| record.lines().find_map(|line| line.strip_prefix(letter)).map(str::to_owned);
        field("P:").zip(field("V:")).map(|(name, version)| format!("{name}-{version}"))
    };
    database.split("\n\n").filter_map(record).collect()
}

/// The lines of an audit that tell of another file than the package had. What was added belongs to the recipe and to
/// this check: apk-tools, `src/app_audit.c`, writes `A` for an added file and `D` or `d` for an added directory.
fn changed(audit: &str) -> Vec<&str> {
    let is_addition =
        |line: &str| line.split(' ').next().is_some_and(|letter| ["A", "D", "d"].contains(&letter));
    audit.lines().filter(|line| !line.trim().is_empty() && !is_addition(line)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn databases_audits_and_names_are_read() {
        let database = "C:Q1x\nP:musl\nV:1.2.4-r2\nF:lib\n\nP:zlib\nV:1.3-r0\n\n";
        let packages: Vec<String> = written(database).into_iter().collect();
        assert_eq!(packages, ["musl-1.2.4-r2", "zlib-1.3-r0"]);
        assert_eq!(
            changed("A etc/x\nd dev/\nD run/\nU etc/passwd\nX bin/sh\n\n"),
            ["U etc/passwd", "X bin/sh"]
        );
        for (package, want) in [
            ("musl-1.2.4_git20230717-r4", Some("musl=1.2.4_git20230717-r4")),
            ("ca-certificates-bundle-20230506-r0", Some("ca-certificates-bundle=20230506-r0")),
            ("musl", None),
        ] {
            assert_eq!(pinned(package).as_deref(), want);
        }
    }
}
