//! [`Distribution`]: what `os-release` says (os-release(5)), as far as package names need it.

use ocelet_tree::View;

use super::{CloseError, PackageKind};
use crate::close::text;

/// The files that scanners tell a distribution by: `os-release` itself, and those of Alpine and Debian that are older.
pub(super) const PLACES: [&str; 4] =
    ["/etc/os-release", "/usr/lib/os-release", "/etc/alpine-release", "/etc/debian_version"];
/// What distributions of Debian's packages call themselves: Debian, and those that are made of it.
const OF_DEBIAN: [&str; 10] =
    ["debian", "ubuntu", "raspbian", "devuan", "kali", "linuxmint", "pop", "deepin", "astra", "gardenlinux"];
/// The largest os-release that is read, in bytes.
const LIMIT: u64 = 1 << 20;

/// A distribution by the names that scanners know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Distribution {
    /// `ID`: `alpine`.
    pub id: String,
    /// `VERSION_ID`: `3.19.1`; empty where it is not said.
    pub version: String,
}

impl Distribution {
    /// What the sources say.
    ///
    /// # Errors
    /// The file cannot be read.
    pub(super) fn read(view: &dyn View) -> Result<Option<Self>, CloseError> {
        for path in &PLACES[..2] {
            if let Some(text) = text::read(view, path, LIMIT)? {
                return Ok(Self::parse(&String::from_utf8_lossy(&text.bytes)));
            }
        }
        Ok(None)
    }

    /// Whether a distribution that calls itself `id` may have packages of this kind: scanners look packages up by both.
    pub(crate) fn has(id: &str, kind: PackageKind) -> bool {
        let of_debian = OF_DEBIAN.contains(&id);
        match kind {
            PackageKind::Deb => of_debian,
            PackageKind::Apk => !of_debian,
            PackageKind::Artifact => true,
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let value = |key: &str| {
            let value = text.lines().rev().find_map(|line| line.trim().strip_prefix(key)?.strip_prefix('='));
            value.map(unquoted).filter(|value| is_plain(value)).map(str::to_owned)
        };
        Some(Self { id: value("ID")?, version: value("VERSION_ID").unwrap_or_default() })
    }
}

fn unquoted(value: &str) -> &str {
    let inside = |quote| value.strip_prefix(quote)?.strip_suffix(quote);
    inside('"').or_else(|| inside('\'')).unwrap_or(value)
}

/// What the manual page allows in both values.
fn is_plain(value: &str) -> bool {
    !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_of_distributions() {
        for (text, want) in [
            ("ID=alpine\nVERSION_ID=3.19.1\n", Some(("alpine", "3.19.1"))),
            ("NAME=\"Wolfi\"\nID=wolfi\nVERSION_ID=\"20230201\"", Some(("wolfi", "20230201"))),
            ("VERSION_ID=1\nID='debian'\nID_LIKE=x", Some(("debian", "1"))),
            ("ID=arch", Some(("arch", ""))),
            ("ID=\"a b\"", None),
            ("ID=", None),
            ("#ID=x\nVERSION_ID=1", None),
            ("", None),
        ] {
            let want = want.map(|(id, version)| Distribution { id: id.into(), version: version.into() });
            assert_eq!(Distribution::parse(text), want, "{text:?}");
        }
    }
}
