//! [`PackageInfo`]: what a package says of itself, in the `.PKGINFO` of its control member.
//!
//! The text is one `key = value` a line, comments with `#` (apk-tools, `doc/apk-v2.5.scd`;
//! `src/package.c`, `read_info_line`). Lists are lines that repeat, or words in one line. Versions and
//! dependencies are kept as they are written. It refuses a second value for what can have only one (apk-tools
//! takes the last, which a reader of the first would not see), names that no file could have, numbers that are
//! none, and tells all problems at once.

use std::collections::BTreeMap;
use std::fmt;

use super::identity::unhex;

/// What a package says of itself. Text that is not UTF-8 has its wrong bytes replaced.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PackageInfo {
    /// `pkgname`.
    pub name: String,
    /// `pkgver`, as it is written.
    pub version: String,
    /// `arch`: the architecture, or `noarch`.
    pub architecture: Option<String>,
    /// `pkgdesc`.
    pub description: String,
    /// `url`.
    pub url: String,
    /// `license`: often no valid SPDX expression.
    pub license: String,
    /// `origin`: the source package that this one was built from.
    pub origin: Option<String>,
    /// `maintainer`.
    pub maintainer: Option<String>,
    /// `packager`.
    pub packager: Option<String>,
    /// `builddate`, in seconds since 1970.
    pub build_time: Option<u64>,
    /// `commit` of the source package.
    pub commit: Option<String>,
    /// `size`: how much the files take when installed, in bytes.
    pub installed_size: u64,
    /// `depend`: conflicts (`!name`) are among them.
    pub depends: Vec<String>,
    /// `provides`.
    pub provides: Vec<String>,
    /// `install_if`: the package is wanted as soon as all of these are.
    pub install_if: Vec<String>,
    /// `replaces`: whose files this package may overwrite.
    pub replaces: Vec<String>,
    /// `replaces_priority`: who wins when two packages replace each other.
    pub replaces_priority: Option<u32>,
    /// `provider_priority`: who is chosen where several packages provide one name without a version.
    pub provider_priority: Option<u32>,
    /// `triggers`: the directories whose change runs the package's trigger.
    pub triggers: Vec<String>,
    /// `datahash`: the SHA-256 of the data member as stored.
    pub data_hash: Option<[u8; 32]>,
    /// Lines with other keys, in their order. A line that is not `key = value` has an empty key: apk-tools passes
    /// over it.
    pub unknown: Vec<(String, String)>,
}

/// Everything that is wrong with a `.PKGINFO`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the .PKGINFO is refused: {}", list(.problems))]
pub struct PkginfoError {
    /// The problems, in the order of the lines.
    pub problems: Vec<PkginfoProblem>,
}

/// One thing that is wrong with a `.PKGINFO`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PkginfoProblem {
    /// A second, other value for what has one.
    #[error("line {line} gives \"{key}\" a second value")]
    Repeated {
        /// The line, counted from 1.
        line: usize,
        /// The key.
        key: &'static str,
    },
    /// A value that is not of the kind that the key has.
    #[error("line {line} has \"{value}\" for \"{key}\"; wanted {wanted}")]
    Value {
        /// The line, counted from 1.
        line: usize,
        /// The key.
        key: &'static str,
        /// The value.
        value: String,
        /// What it should be.
        wanted: &'static str,
    },
    /// A key that every package has is missing.
    #[error("there is no \"{key}\"")]
    Missing {
        /// The key.
        key: &'static str,
    },
}

/// What a line with a single value sets.
struct Fields {
    info: PackageInfo,
    seen: BTreeMap<&'static str, String>,
    problems: Vec<PkginfoProblem>,
}

/// Keys that have one value.
const SINGLE: [&str; 15] = [
    "pkgname",
    "pkgver",
    "arch",
    "pkgdesc",
    "url",
    "license",
    "origin",
    "maintainer",
    "packager",
    "builddate",
    "commit",
    "size",
    "replaces_priority",
    "provider_priority",
    "datahash",
];

impl PackageInfo {
    /// Reads the bytes of a `.PKGINFO`.
    ///
    /// # Errors
    /// All problems of the text at once.
    pub fn parse(text: &[u8]) -> Result<Self, PkginfoError> {
        let mut fields = Fields { info: Self::default(), seen: BTreeMap::new(), problems: Vec::new() };
        for (index, line) in text.split(|byte| *byte == b'\n').enumerate() {
            fields.line(index + 1, line);
        }
        fields.finish()
    }
}

impl Fields {
    fn line(&mut self, number: usize, line: &[u8]) {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() || line.starts_with(b"#") {
            return;
        }
        let separator = line.windows(3).position(|window| window == b" = ");
        let Some(separator) = separator else {
            // A value that went over several lines in the APKBUILD (the licence of util-linux 2.36) goes on here.
            let text = String::from_utf8_lossy(line).into_owned();
            return self.info.unknown.push((String::new(), text));
        };
        let key = String::from_utf8_lossy(&line[..separator]).into_owned();
        let value = String::from_utf8_lossy(&line[separator + 3..]).into_owned();
        match SINGLE.iter().find(|single| **single == key) {
            Some(key) => self.single(number, key, value),
            None => self.listed(key, value),
        }
    }

    fn listed(&mut self, key: String, value: String) {
        let list = match key.as_str() {
            "depend" => &mut self.info.depends,
            "provides" => &mut self.info.provides,
            "install_if" => &mut self.info.install_if,
            "replaces" => &mut self.info.replaces,
            "triggers" => &mut self.info.triggers,
            _ => return self.info.unknown.push((key, value)),
        };
        list.extend(value.split_whitespace().map(str::to_owned));
    }

    fn single(&mut self, line: usize, key: &'static str, value: String) {
        match self.seen.get(key) {
            Some(first) if *first == value => return,
            Some(_) => return self.problems.push(PkginfoProblem::Repeated { line, key }),
            None => self.seen.insert(key, value.clone()),
        };
        if let Err(wanted) = self.set(key, &value) {
            self.problems.push(PkginfoProblem::Value { line, key, value, wanted });
        }
    }

    fn set(&mut self, key: &str, value: &str) -> Result<(), &'static str> {
        let info = &mut self.info;
        let text = value.to_owned();
        match key {
            "pkgname" => info.name = checked(value, is_name, "a name of letters, digits and + - . _")?,
            "pkgver" => info.version = checked(value, is_version, "a version without spaces or slashes")?,
            "arch" => info.architecture = Some(checked(value, is_name, "an architecture")?),
            "pkgdesc" => info.description = text,
            "url" => info.url = text,
            "license" => info.license = text,
            "origin" => info.origin = Some(text),
            "maintainer" => info.maintainer = Some(text),
            "packager" => info.packager = Some(text),
            "commit" => info.commit = Some(text),
            "builddate" => info.build_time = Some(number(value)?),
            "size" => info.installed_size = number(value)?,
            "replaces_priority" => info.replaces_priority = Some(number(value)?),
            "provider_priority" => info.provider_priority = Some(number(value)?),
            _ => {
                let digest = unhex(value.as_bytes()).ok_or("64 hexadecimal digits")?;
                info.data_hash = Some(digest);
            }
        }
        Ok(())
    }

    fn finish(mut self) -> Result<PackageInfo, PkginfoError> {
        for key in ["pkgname", "pkgver"] {
            if !self.seen.contains_key(key) {
                self.problems.push(PkginfoProblem::Missing { key });
            }
        }
        if self.problems.is_empty() { Ok(self.info) } else { Err(PkginfoError { problems: self.problems }) }
    }
}

fn checked(value: &str, is_one: fn(&str) -> bool, wanted: &'static str) -> Result<String, &'static str> {
    if is_one(value) { Ok(value.to_owned()) } else { Err(wanted) }
}

fn number<N: std::str::FromStr>(value: &str) -> Result<N, &'static str> {
    let digits = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    value.parse().ok().filter(|_| digits).ok_or("a whole number that is not too large")
}

/// Whether a name can stand in a file name, a dependency and a line of the database.
fn is_name(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"+-._".contains(&byte);
    name.bytes().all(allowed) && !name.is_empty() && name.len() < 200 && !name.starts_with(['.', '-'])
}

fn is_version(version: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_graphic() && byte != b'/';
    version.bytes().all(allowed) && !version.is_empty() && version.len() < 200
}

fn list(problems: &[PkginfoProblem]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

impl fmt::Display for PackageInfo {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}-{}", self.name, self.version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: &str = "# Generated by abuild\npkgname = a\npkgver = 1.0-r0\n";

    #[test]
    fn every_field_is_read() {
        let text = "# comment\npkgname = busybox\npkgver = 1.36.1-r15\npkgdesc = a = b\nurl = https://x/\n\
            builddate = 1699383189\npackager = P <p@x>\nsize = 946176\narch = x86_64\norigin = o\ncommit = c\n\
            maintainer = S\u{f6}ren\nlicense = GPL-2.0-only\nreplaces = a b\nreplaces_priority = 7\n\
            provider_priority = 100\ntriggers = /bin /lib/modules/*\ninstall_if = x y=1\n\
            provides = cmd:busybox=1\nprovides = so:libx.so.1=1.2\ndepend = so:libc\ndepend = !z\nkeep = me\n\
            datahash = 382c75e2d1a2e2b9d281e879b763b3b363508400d7cc796d9448c46a7b6ba342\n";
        let info = PackageInfo::parse(text.as_bytes()).expect("well formed");
        assert_eq!(info.to_string(), "busybox-1.36.1-r15");
        assert_eq!((info.description.as_str(), info.maintainer.as_deref()), ("a = b", Some("S\u{f6}ren")));
        assert_eq!((info.build_time, info.installed_size), (Some(1_699_383_189), 946_176));
        assert_eq!((info.replaces_priority, info.provider_priority), (Some(7), Some(100)));
        assert_eq!(info.replaces, ["a", "b"]);
        assert_eq!(info.triggers, ["/bin", "/lib/modules/*"]);
        assert_eq!(info.install_if, ["x", "y=1"]);
        assert_eq!(info.provides, ["cmd:busybox=1", "so:libx.so.1=1.2"]);
        assert_eq!(info.depends, ["so:libc", "!z"]);
        assert_eq!(info.unknown, [("keep".to_owned(), "me".to_owned())]);
        assert_eq!(info.data_hash.map(|hash| (hash[0], hash[31])), Some((0x38, 0x42)));
        assert_eq!((info.architecture.as_deref(), info.origin.as_deref()), (Some("x86_64"), Some("o")));
    }

    #[test]
    fn all_problems_are_told() {
        for (lines, want) in [
            ("", &[][..]),
            ("url =\n\nlicense = \n", &[]),
            ("size = 1\nsize = 1\n", &[]),
            ("size = 1\nsize = 2\n", &["line 5 gives \"size\" a second value"]),
            ("license = A\n\tAND B\n", &[]),
            ("nonsense\nsize = x\n", &["line 5 has \"x\" for \"size\""]),
            ("size = +1\nbuilddate = 99999999999999999999\n", &["line 4", "line 5"]),
            ("datahash = 00\n", &["64 hexadecimal digits"]),
            ("replaces_priority = -1\n", &["whole number"]),
            ("arch = ../x\n", &["an architecture"]),
        ] {
            let text = format!("{SMALL}{lines}");
            let said =
                PackageInfo::parse(text.as_bytes()).map_or_else(|error| error.to_string(), |_| String::new());
            assert_eq!(said.is_empty(), want.is_empty(), "{lines:?}: {said}");
            for part in want {
                assert!(said.contains(part), "{lines:?}: {said}");
            }
        }
        for (text, want) in [
            ("", "no \"pkgname\"; there is no \"pkgver\""),
            ("pkgname = ../../etc\npkgver = 1\n", "a name of letters"),
            ("pkgname = .x\npkgver = 1/2\n", "a version without"),
            ("pkgname = a b\npkgver = 1\n", "a name of letters"),
        ] {
            let said = PackageInfo::parse(text.as_bytes()).expect_err(want).to_string();
            assert!(said.contains(want), "{said}");
        }
        let latin = [SMALL.as_bytes(), b"maintainer = S\xf6ren\n"].concat();
        let info = PackageInfo::parse(&latin).expect("text is not refused for its encoding");
        assert_eq!(info.maintainer.as_deref(), Some("S\u{fffd}ren"));
    }
}
