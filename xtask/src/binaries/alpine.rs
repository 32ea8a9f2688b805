//! What was built against musl as signed Alpine packages, parted as Alpine parts them, in a repository of its own.
//!
//! The key is one of the tests', whose private half is published.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use ocelet_testkit::apk::{Algorithm, Entry, PackageBuilder, TestKey, index};

use super::musl::Built;
use crate::Outcome;
use crate::shell::{below, command, output, read, write};

/// Where the repository lies in the mirror.
pub(crate) const REPOSITORY: &str = "own-alpine/main";
/// Its key, in the mirror.
pub(crate) const KEY: &str = "own-alpine/test-only-first.rsa.pub";
/// Each package with its version, one a line, in the mirror.
pub(crate) const LIST: &str = "own-alpine/packages";

/// What is not in Alpine's packages of programs: manuals, headers, and the libraries that Alpine's own packages have.
const LEFT_OUT: &[&str] = &[
    "usr/share/",
    "usr/include/",
    "usr/lib/pkgconfig/",
    "lib/pkgconfig/",
    "lib/lib",
    "var/",
    "sbin/iptables-apply",
    "sbin/ip6tables-apply",
];

/// Packages by the source and the beginnings of their paths; a source's package without paths takes the rest.
const PACKAGES: &[(&str, &str, &[&str])] = &[
    ("iptables", "libxtables", &["usr/lib/libxtables."]),
    ("iptables", "libip4tc", &["usr/lib/libip4tc."]),
    ("iptables", "libip6tc", &["usr/lib/libip6tc."]),
    ("iptables", "iptables", &[]),
    ("findutils", "findutils", &[]),
    ("coreutils", "coreutils", &[]),
    // Alpine's own packages.
    (
        "util-linux",
        "",
        &[
            "bin/mount!",
            "bin/lsblk!",
            "sbin/sfdisk!",
            "usr/sbin/partx!",
            "usr/sbin/addpart!",
            "usr/sbin/delpart!",
            "usr/sbin/resizepart!",
        ],
    ),
    ("util-linux", "umount", &["bin/umount!"]),
    ("util-linux", "blkid", &["sbin/blkid!"]),
    ("util-linux", "losetup", &["sbin/losetup!"]),
    ("util-linux", "findmnt", &["bin/findmnt!"]),
    ("util-linux", "wipefs", &["sbin/wipefs!"]),
    ("util-linux", "fstrim", &["sbin/fstrim!"]),
    ("util-linux", "flock", &["usr/bin/flock!"]),
    ("util-linux", "logger", &["usr/bin/logger!"]),
    ("util-linux", "mcookie", &["usr/bin/mcookie!"]),
    ("util-linux", "hexdump", &["usr/bin/hexdump!"]),
    ("util-linux", "uuidgen", &["usr/bin/uuidgen!"]),
    ("util-linux", "util-linux-misc", &[]),
];

/// Writes the repository below a mirror.
pub(super) fn repository(built: &[Built], mirror: &Path) -> Outcome {
    let (mut records, mut names) = (Vec::new(), String::new());
    for source in built {
        for (name, files) in parted(source)? {
            let package = package(&name, &source.version, source.name, &files)?;
            let place = format!("{REPOSITORY}/x86_64/{}", package.file_name);
            write(&mirror.join(place), &package.file)?;
            names.extend([name.as_str(), " ", &source.version, "-r0\n"]);
            records.push(package.record);
        }
    }
    let records: Vec<&str> = records.iter().map(String::as_str).collect();
    let key = TestKey::first();
    let signed = index("built from Debian's sources", &records, 1_700_000_000, &[(key, Algorithm::Rsa)]);
    write(&mirror.join(REPOSITORY).join("x86_64/APKINDEX.tar.gz"), &signed)?;
    write(&mirror.join(KEY), key.public_pem().as_bytes())?;
    write(&mirror.join(LIST), names.as_bytes())
}

/// The files of a source by the package that takes them.
fn parted(source: &Built) -> Result<BTreeMap<String, Vec<Entry>>, String> {
    let mut packages: BTreeMap<String, Vec<Entry>> = BTreeMap::new();
    for file in below(&source.files) {
        let path = file.strip_prefix(&source.files).map_err(|error| error.to_string())?;
        let path = path.display().to_string();
        let Some(name) = taker(source.name, &path) else { continue };
        let entry = if file.is_symlink() {
            let target =
                file.read_link().map_err(|error| format!("cannot read {}: {error}", file.display()))?;
            Entry::symlink(&path, &target.display().to_string())
        } else {
            let bytes = read(&file)?;
            let mode = if bytes.starts_with(b"\x7fELF") || bytes.starts_with(b"#!") { 0o755 } else { 0o644 };
            Entry::file(&path, mode, &bytes)
        };
        packages.entry(name.to_owned()).or_default().push(entry);
    }
    Ok(packages)
}

/// The package that takes a path of a source, if any does.
fn taker(source: &str, path: &str) -> Option<&'static str> {
    let is_development = match path.rsplit_once('.').map(|(_, ending)| ending) {
        Some("a" | "la") => true,
        Some("so") => path.starts_with("usr/lib/lib"),
        _ => false,
    };
    if is_development || LEFT_OUT.iter().any(|beginning| path.starts_with(beginning)) {
        return None;
    }
    let of = |beginning: &&str| match beginning.strip_suffix('!') {
        Some(whole) => path == whole,
        None => path.starts_with(*beginning),
    };
    let found = PACKAGES
        .iter()
        .filter(|(of, _, _)| *of == source)
        .find(|(_, _, beginnings)| beginnings.is_empty() || beginnings.iter().any(of));
    found.map(|(_, name, _)| *name).filter(|name| !name.is_empty())
}

fn package(
    name: &str,
    version: &str,
    origin: &str,
    files: &[Entry],
) -> Result<ocelet_testkit::apk::BuiltPackage, String> {
    let version = format!("{version}-r0");
    let size: usize = files.iter().map(|entry| entry.content.len()).sum();
    let mut builder = PackageBuilder::new(name, &version, "x86_64")
        .replace("pkgdesc", &format!("{name}, built from Debian's source package"))
        .replace("origin", origin)
        .replace("size", &size.to_string());
    let (mut needs, mut gives) = (BTreeSet::new(), BTreeSet::new());
    for entry in files {
        let file = entry.name.rsplit('/').next().unwrap_or_default();
        if entry.mode & 0o111 != 0 && ["bin/", "sbin/"].iter().any(|part| entry.name.contains(part)) {
            gives.insert(format!("cmd:{file}={version}"));
        }
        if entry.name.starts_with("usr/lib/lib") && entry.flag == b'2' {
            gives.insert(format!("so:{file}=1"));
        }
        if entry.content.starts_with(b"\x7fELF") {
            needs.extend(needed(&entry.content)?);
        }
    }
    for need in needs {
        if !gives.contains(&format!("{need}=1")) {
            builder = builder.depend(&need);
        }
    }
    for given in gives {
        builder = builder.provide(&given);
    }
    for directory in directories(files) {
        builder = builder.directory(&directory);
    }
    for entry in files {
        builder = builder.entry(entry.clone().with_checksum());
    }
    Ok(builder.build(&[(TestKey::first(), Algorithm::Rsa)]))
}

/// The directories above files, each behind those that it lies in.
fn directories(files: &[Entry]) -> BTreeSet<String> {
    let above = |name: &str| name.match_indices('/').map(|(at, _)| name[..at].to_owned()).collect::<Vec<_>>();
    files.iter().flat_map(|entry| above(&entry.name)).collect()
}

/// The libraries that a program names, as abuild traces them.
fn needed(program: &[u8]) -> Result<Vec<String>, String> {
    let work = crate::shell::temporary()?;
    let file = work.path().join("program");
    write(&file, program)?;
    let told = output(command("readelf").env("LC_ALL", "C").args(["--dynamic", "--wide"]).arg(&file))?;
    let names = told.lines().filter(|line| line.contains("(NEEDED)"));
    let names = names.filter_map(|line| line.split_once('[')?.1.split_once(']').map(|(name, _)| name));
    // musl's loader is the C library under every name.
    Ok(names
        .map(|name| if name == "libc.so" { "libc.musl-x86_64.so.1" } else { name })
        .map(|name| format!("so:{name}"))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_go_to_the_packages_that_alpine_has() {
        for (source, path, want) in [
            ("iptables", "usr/lib/libxtables.so.12.7.0", Some("libxtables")),
            ("iptables", "usr/lib/libxtables.so", None),
            ("iptables", "usr/lib/xtables/libxt_mark.so", Some("iptables")),
            ("iptables", "usr/share/man/man8/iptables.8", None),
            ("util-linux", "bin/mount", None),
            ("util-linux", "bin/mountpoint", Some("util-linux-misc")),
            ("util-linux", "sbin/blkid", Some("blkid")),
            ("util-linux", "sbin/blkdiscard", Some("util-linux-misc")),
            ("util-linux", "lib/libblkid.so.1.1.0", None),
            ("findutils", "usr/bin/find", Some("findutils")),
        ] {
            assert_eq!(taker(source, path), want, "{path}");
        }
    }

    #[test]
    fn directories_stand_before_what_is_in_them() {
        let files = [Entry::file("usr/lib/xtables/a.so", 0o755, b""), Entry::file("sbin/b", 0o755, b"")];
        let names: Vec<String> = directories(&files).into_iter().collect();
        assert_eq!(names, ["sbin", "usr", "usr/lib", "usr/lib/xtables"]);
    }
}
