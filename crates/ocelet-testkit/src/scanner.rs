//! [`scan`]: what vulnerability scanners find in an image, by the rules of trivy and syft, and what they would miss.
//!
//! It is a reader of its own: it shares no code with what writes the databases. Each rule names the file of the scanner
//! that it follows; paths are those of `github.com/aquasecurity/trivy` (`pkg/fanal/analyzer/`) and of
//! `github.com/anchore/syft` (`syft/`). Where the two differ, or one reads less than is there, [`Scanned::missed`] says so.

use std::collections::BTreeSet;

use ocelet_tree::{Kind, TreePath, View, resolve};

use crate::trees::path;

/// What scanners find in an image.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scanned {
    /// The distribution, where both scanners see the same one.
    pub distribution: Option<ScannedDistribution>,
    /// The packages, by kind and name.
    pub packages: Vec<ScannedPackage>,
    /// What some scanner would not see or not understand, one sentence each.
    pub missed: Vec<String>,
}

/// A distribution as a scanner names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScannedDistribution {
    /// `alpine`, `debian`.
    pub family: String,
    /// The version, such as `3.19.1`, `12.5`.
    pub version: String,
}

/// A package as a scanner lists it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ScannedPackage {
    /// `apk` or `deb`.
    pub kind: &'static str,
    /// The name.
    pub name: String,
    /// The version.
    pub version: String,
    /// The architecture; empty where it is not said.
    pub architecture: String,
    /// The source package, by which vulnerabilities are looked up.
    pub source: String,
    /// The version of the source package.
    pub source_version: String,
    /// Its files, as absolute paths.
    pub files: BTreeSet<String>,
}

/// Reads an image as scanners do.
pub fn scan(image: &dyn View) -> Scanned {
    let mut scan = Scan { image, found: Scanned::default() };
    scan.distribution();
    scan.apk();
    scan.dpkg();
    let mut found = scan.found;
    found.packages.sort();
    let kinds: BTreeSet<&str> = found.packages.iter().map(|package| package.kind).collect();
    if kinds.len() > 1 {
        found.missed.push("packages of two distributions: both scanners look all up in one".to_owned());
    }
    if !kinds.is_empty() && found.distribution.is_none() {
        found.missed.push("packages of a distribution that is not known: none is looked up".to_owned());
    }
    found
}

impl Scanned {
    /// The packages as `NAME VERSION`, for comparing.
    pub fn names(&self) -> Vec<String> {
        self.packages.iter().map(|package| format!("{} {}", package.name, package.version)).collect()
    }

    /// The files that packages list and the image does not have, each with its package.
    pub fn untrue(&self, image: &dyn View) -> Vec<String> {
        let listed =
            self.packages.iter().flat_map(|package| package.files.iter().map(move |file| (package, file)));
        let absent = listed.filter(|(_, file)| {
            let there = TreePath::new(file).ok().and_then(|at| ocelet_tree::lookup(image, &at).ok());
            there.is_none()
        });
        absent.map(|(package, file)| format!("{}: {file}", package.name)).collect()
    }
}

/// A scan under way.
struct Scan<'image> {
    image: &'image dyn View,
    found: Scanned,
}

impl Scan<'_> {
    fn miss(&mut self, what: impl Into<String>) {
        self.found.missed.push(what.into());
    }

    /// The text of a regular file that lies at just this path, as trivy reads it out of a layer.
    fn literal(&self, at: &str) -> Option<String> {
        let node = self.image.entry(&path(at)).ok()??;
        match node.kind {
            Kind::File { content, .. } => Some(String::from_utf8_lossy(&content.bytes().ok()?).into_owned()),
            Kind::Directory | Kind::Symlink { .. } => None,
        }
    }

    /// The text of a file, links followed, as syft reads it out of the flattened image.
    fn followed(&self, at: &str) -> Option<String> {
        let there = resolve(self.image, &path(at)).ok()?;
        self.literal(&there.path.to_string())
    }

    fn distribution(&mut self) {
        let trivy = self.distributions_of_trivy();
        let syft = self.distribution_of_syft();
        if trivy.is_empty() {
            self.miss("trivy sees no distribution: no /etc/alpine-release, no /etc/debian_version, no os-release of Alpine");
        }
        let families: BTreeSet<&str> = trivy.iter().map(|one| one.family.as_str()).collect();
        if families.len() > 1 {
            self.miss("trivy sees two distributions and takes the last one that it reads");
        }
        match syft {
            None => self.miss("syft sees no distribution: no os-release with ID and VERSION_ID"),
            Some(syft) => match trivy.into_iter().find(|one| one.family == syft.family) {
                Some(one) => self.found.distribution = Some(one),
                None => self.miss(format!("syft sees {}, and trivy does not", syft.family)),
            },
        }
    }

    /// trivy: `os/alpine/alpine.go`, `os/debian/debian.go` (the first line of a file is the version), `os/release/
    /// release.go` (`ID` and `VERSION_ID` of some distributions, Debian not among them).
    fn distributions_of_trivy(&self) -> Vec<ScannedDistribution> {
        let mut found = Vec::new();
        for (family, file) in [("alpine", "/etc/alpine-release"), ("debian", "/etc/debian_version")] {
            if let Some(version) = self.literal(file).and_then(|text| text.lines().next().map(str::to_owned))
            {
                found.push(ScannedDistribution { family: family.to_owned(), version });
            }
        }
        for file in ["/etc/os-release", "/usr/lib/os-release"] {
            let release = self.literal(file).map(|text| os_release(&text));
            if let Some(release) = release.filter(|one| one.family == "alpine" && !one.version.is_empty()) {
                found.push(release);
            }
        }
        found
    }

    /// syft: `linux/identify_release.go`.
    fn distribution_of_syft(&self) -> Option<ScannedDistribution> {
        let files = ["/etc/os-release", "/usr/lib/os-release"];
        let release = files.iter().find_map(|file| self.followed(file)).map(|text| os_release(&text))?;
        (!release.family.is_empty() && !release.version.is_empty()).then_some(release)
    }

    /// trivy: `pkg/apk/apk.go`; syft: `pkg/apk.go` (`**/lib/apk/db/installed`), `pkg/cataloger/alpine/parse_apk_db.go`.
    fn apk(&mut self) {
        let (old, new) = ("/lib/apk/db/installed", "/usr/lib/apk/db/installed");
        let text = match (self.literal(old), self.literal(new)) {
            (Some(text), None) => text,
            (None, Some(text)) => {
                self.miss(format!("older scanners read {old} only, and the packages are in {new}"));
                text
            }
            (Some(text), Some(_)) => {
                self.miss(format!("{old} and {new} are two databases"));
                text
            }
            (None, None) => return,
        };
        for record in text.split("\n\n").filter(|record| !record.trim().is_empty()) {
            self.apk_record(record);
        }
    }

    fn apk_record(&mut self, record: &str) {
        let mut package = empty("apk");
        let mut directory = None;
        for line in record.lines().filter(|line| !line.is_empty()) {
            let Some((letter, value)) = line.split_once(':') else {
                self.miss(format!("syft cannot parse the line \"{line}\" of the apk database"));
                continue;
            };
            match letter {
                "P" => value.clone_into(&mut package.name),
                "V" => value.clone_into(&mut package.version),
                "A" => value.clone_into(&mut package.architecture),
                "o" => {
                    value.clone_into(&mut package.source);
                    // trivy takes the version that it has read so far.
                    package.source_version.clone_from(&package.version);
                }
                "F" => directory = Some(value.to_owned()),
                "R" => match &directory {
                    Some(directory) => {
                        let above =
                            if directory.is_empty() { String::new() } else { format!("/{directory}") };
                        package.files.insert(format!("{above}/{value}"));
                    }
                    None => self.miss(format!("the file {value} of {} is in no directory", package.name)),
                },
                "M" if directory.is_none() => {
                    self.miss(format!(
                        "a mode of {} is before its directory: syft stops there",
                        package.name
                    ));
                }
                _ => {}
            }
        }
        self.take(package, |version| version.starts_with(|first: char| first.is_ascii_digit()));
    }

    /// trivy: `pkg/dpkg/dpkg.go`; syft: `pkg/cataloger/debian/{cataloger,parse_dpkg_db,package}.go`.
    fn dpkg(&mut self) {
        if let Some(text) = self.literal("/var/lib/dpkg/status") {
            self.dpkg_file("/var/lib/dpkg/status", &text);
        }
        let directory = path("/var/lib/dpkg/status.d");
        for name in self.image.names(&directory).unwrap_or_default() {
            let file = directory.join(&name).to_string();
            if file.ends_with(".md5sums") {
                continue;
            }
            match self.literal(&file) {
                Some(text) => self.dpkg_file(&file, &text),
                None => self.miss(format!("{file} is no regular file")),
            }
        }
    }

    fn dpkg_file(&mut self, file: &str, text: &str) {
        for paragraph in text.split("\n\n").filter(|paragraph| !paragraph.trim().is_empty()) {
            let mut fields: Vec<(String, String)> = Vec::new();
            let mut whole = true;
            for line in paragraph.lines().filter(|line| !line.is_empty()) {
                match (line.starts_with([' ', '\t']), line.split_once(':'), fields.last_mut()) {
                    (true, _, Some((_, value))) => value.push_str(line),
                    (false, Some((name, value)), _) if !name.is_empty() && !name.contains(' ') => {
                        fields.push((name.to_ascii_lowercase(), value.trim().to_owned()));
                    }
                    _ => whole = false,
                }
            }
            if !whole {
                self.miss(format!("trivy passes over a paragraph of {file} that has a line without a field"));
                continue;
            }
            let names: BTreeSet<&String> = fields.iter().map(|(name, _)| name).collect();
            if names.len() < fields.len() {
                self.miss(format!("syft refuses {file}: a field is there twice"));
                continue;
            }
            self.dpkg_package(file, &fields);
        }
    }

    fn dpkg_package(&mut self, file: &str, fields: &[(String, String)]) {
        let value = |wanted: &str| {
            fields.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.clone()).unwrap_or_default()
        };
        if value("status").split_whitespace().any(|word| ["deinstall", "purge"].contains(&word)) {
            return;
        }
        let mut package = empty("deb");
        (package.name, package.version, package.architecture) =
            (value("package"), value("version"), value("architecture"));
        let source = value("source");
        // `NAME` or `NAME (VERSION)`.
        if let Some((name, version)) = source.split_once(" (") {
            (package.source, package.source_version) =
                (name.to_owned(), version.trim_end_matches(')').to_owned());
        } else {
            package.source = source;
        }
        self.dpkg_lists(file, &mut package);
        if self.followed(&format!("/usr/share/doc/{}/copyright", package.name)).is_none() {
            self.miss(format!("{}: syft knows no licence, for there is no copyright file", package.name));
        }
        self.take(package, |version| {
            let upstream = version.split_once(':').map_or(version, |(_, rest)| rest);
            upstream.starts_with(|first: char| first.is_ascii_digit())
                && !upstream.contains(char::is_whitespace)
        });
    }

    /// The files of a package: beside its paragraph in `status.d`, in `info/` otherwise; syft wants the architecture in
    /// the name first.
    fn dpkg_lists(&mut self, file: &str, package: &mut ScannedPackage) {
        let (above, name) = file.rsplit_once('/').unwrap_or(("", file));
        let place = if name == "status" { format!("{above}/info") } else { above.to_owned() };
        let stems = [format!("{}:{}", package.name, package.architecture), package.name.clone()];
        let Some(sums) = stems.iter().find_map(|stem| self.literal(&format!("{place}/{stem}.md5sums")))
        else {
            self.miss(format!("{}: no md5sums, and so no files", package.name));
            return;
        };
        for line in sums.lines() {
            match line.split_once("  ").filter(|(sum, _)| sum.len() == 32) {
                Some((_, file)) => {
                    package.files.insert(format!("/{}", file.trim_start_matches("./")));
                }
                None => self.miss(format!("{}: syft cannot parse the sum \"{line}\"", package.name)),
            }
        }
    }

    /// Lists a package: a scanner passes over one without a name or with a version that is none, and over the second of
    /// a name.
    fn take(&mut self, mut package: ScannedPackage, is_version: impl Fn(&str) -> bool) {
        if package.name.is_empty() || !is_version(&package.version) {
            let (name, version) = (&package.name, &package.version);
            return self.miss(format!("package \"{name}\" with version \"{version}\" is passed over"));
        }
        let same = |other: &&ScannedPackage| {
            other.kind == package.kind
                && other.name == package.name
                && other.architecture == package.architecture
        };
        if self.found.packages.iter().any(|other| same(&other)) {
            return self.miss(format!("package {} is there twice", package.name));
        }
        if package.source.is_empty() {
            package.source.clone_from(&package.name);
        }
        if package.source_version.is_empty() {
            package.source_version.clone_from(&package.version);
        }
        self.found.packages.push(package);
    }
}

fn empty(kind: &'static str) -> ScannedPackage {
    ScannedPackage {
        kind,
        name: String::new(),
        version: String::new(),
        architecture: String::new(),
        source: String::new(),
        source_version: String::new(),
        files: BTreeSet::new(),
    }
}

/// `ID` and `VERSION_ID` (os-release(5)); either may be empty.
fn os_release(text: &str) -> ScannedDistribution {
    let value = |wanted: &str| {
        let found =
            text.lines().find_map(|line| line.split_once('=').filter(|(key, _)| key.trim() == wanted));
        found.map(|(_, value)| value.trim().trim_matches(['"', '\'']).to_owned()).unwrap_or_default()
    };
    ScannedDistribution { family: value("ID"), version: value("VERSION_ID") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trees::tree;

    const ALPINE: &[&str] = &[
        "/etc/os-release = ID=alpine\\nVERSION_ID=3.19.1\\n",
        "/etc/alpine-release = 3.19.1\\n",
        "/lib/apk/db/installed = C:Q1x\\nP:musl\\nV:1.2.4-r2\\nA:x86_64\\no:musl\\nF:lib\\nM:0:0:755\\nR:libc.so\\n\\nP:release\\nV:1-r0\\no:base\\nF:\\nR:top\\n\\n",
        "/lib/libc.so",
        "/top",
    ];
    const DEBIAN: &[&str] = &[
        "/etc/os-release -> ../usr/lib/os-release",
        "/usr/lib/os-release = ID=debian\\nVERSION_ID=\"12\"\\n",
        "/etc/debian_version = 12.5\\n",
        "/var/lib/dpkg/status.d/libc6 = Package: libc6\\nSource: glibc (2.36-9)\\nVersion: 2.36-9+deb12u4\\nArchitecture: amd64\\nDescription: x\\n y\\n",
        "/var/lib/dpkg/status.d/libc6.md5sums = 0123456789abcdef0123456789abcdef  lib/libc.so.6\\n",
        "/usr/share/doc/libc6/copyright",
        "/lib/libc.so.6",
    ];

    fn changed(lines: &[&str], from: &str, to: Option<&str>) -> Scanned {
        let mut lines: Vec<String> = lines.iter().map(ToString::to_string).collect();
        let at = lines.iter().position(|line| line.contains(from)).unwrap_or_else(|| panic!("no {from}"));
        match to {
            Some(to) => lines[at] = lines[at].replace(from, to),
            None => {
                lines.remove(at);
            }
        }
        scan(&tree(&lines.iter().map(String::as_str).collect::<Vec<_>>()))
    }

    #[test]
    fn whole_images_are_read_whole() {
        for (lines, family, version, packages) in [
            (ALPINE, "alpine", "3.19.1", &["musl 1.2.4-r2", "release 1-r0"][..]),
            (DEBIAN, "debian", "12.5", &["libc6 2.36-9+deb12u4"]),
        ] {
            let image = tree(lines);
            let found = scan(&image);
            assert_eq!(found.missed, Vec::<String>::new());
            let distribution = found.distribution.clone().expect("known");
            assert_eq!((distribution.family.as_str(), distribution.version.as_str()), (family, version));
            assert_eq!(found.names(), packages);
            assert_eq!(found.untrue(&image), Vec::<String>::new());
        }
        let found = scan(&tree(DEBIAN));
        let libc = &found.packages[0];
        assert_eq!((libc.source.as_str(), libc.source_version.as_str()), ("glibc", "2.36-9"));
        assert_eq!(libc.files.iter().collect::<Vec<_>>(), ["/lib/libc.so.6"]);
        let apk = &scan(&tree(ALPINE)).packages[1];
        assert_eq!((apk.source.as_str(), apk.source_version.as_str()), ("base", "1-r0"));
        assert!(apk.files.contains("/top"), "{apk:?}");
    }

    #[test]
    fn what_is_wrong_is_missed() {
        for (lines, from, to, want) in [
            (ALPINE, "/etc/os-release", None, "syft sees no distribution"),
            (ALPINE, "VERSION_ID=3.19.1", Some(""), "syft sees no distribution"),
            (ALPINE, "ID=alpine", Some("ID=other"), "syft sees other, and trivy does not"),
            (ALPINE, "/lib/apk", Some("/usr/lib/apk"), "older scanners read /lib/apk/db/installed only"),
            (ALPINE, "V:1.2.4-r2\\n", Some(""), "package \"musl\" with version \"\" is passed over"),
            (ALPINE, "P:release", Some("P:musl\\nA:x86_64"), "package musl is there twice"),
            (ALPINE, "F:lib\\nM:0:0:755\\n", Some(""), "the file libc.so of musl is in no directory"),
            (ALPINE, "F:lib\\n", Some(""), "a mode of musl is before its directory"),
            (ALPINE, "C:Q1x", Some("broken"), "cannot parse the line \"broken\""),
            (DEBIAN, "/etc/debian_version", None, "trivy sees no distribution"),
            (DEBIAN, "/usr/lib/os-release = ", None, "syft sees no distribution"),
            (
                DEBIAN,
                "/etc/debian_version = 12.5",
                Some("/etc/alpine-release = 3"),
                "syft sees debian, and trivy does not",
            ),
            (DEBIAN, "libc6.md5sums", None, "libc6: no md5sums, and so no files"),
            (DEBIAN, "0123456789abcdef0123456789abcdef  ", Some("012 "), "libc6: syft cannot parse the sum"),
            (DEBIAN, "/usr/share/doc", None, "libc6: syft knows no licence"),
            (DEBIAN, "Version: 2.36-9+deb12u4", Some("Version: two"), "with version \"two\" is passed over"),
            (DEBIAN, "Architecture: amd64", Some("Package: libc6"), "a field is there twice"),
            (DEBIAN, "Architecture: amd64", Some("nothing"), "a line without a field"),
        ] {
            let found = changed(lines, from, to);
            assert!(found.missed.iter().any(|missed| missed.contains(want)), "{want}: {:?}", found.missed);
        }
        let gone =
            changed(DEBIAN, "Package: libc6", Some("Package: libc6\\nStatus: deinstall ok config-files"));
        assert_eq!(gone.packages, []);
        let without = tree(&DEBIAN[..DEBIAN.len() - 1]);
        assert_eq!(scan(&without).untrue(&without), ["libc6: /lib/libc.so.6"]);
    }

    #[test]
    fn two_distributions_are_one_too_many() {
        let both: Vec<&str> = DEBIAN.iter().chain(&ALPINE[1..3]).copied().collect();
        let found = scan(&tree(&both));
        assert_eq!(found.names(), ["musl 1.2.4-r2", "release 1-r0", "libc6 2.36-9+deb12u4"]);
        assert_eq!(found.distribution.map(|one| one.family).as_deref(), Some("debian"));
        for want in ["trivy sees two distributions", "packages of two distributions"] {
            assert!(found.missed.iter().any(|missed| missed.contains(want)), "{want}: {:?}", found.missed);
        }
    }
}
