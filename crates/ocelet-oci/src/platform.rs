//! Platforms: what an image runs on, in one spelling.
//!
//! The spelling is containerd's (containerd/platforms, database.go, `normalizeArch`), since that is what the node
//! compares with: `x86_64` is `amd64`, `arm64/v8` is `arm64`, `arm` alone is `arm/v7`. What a user writes must be a
//! platform that Linux images exist for; what a foreign index says is kept as it is.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// What Linux images are made for: GOARCH names (image-index.md, `platform.architecture`) and their variants.
const ARCHITECTURES: &[(&str, &[&str])] = &[
    ("386", &[]),
    ("amd64", &["v2", "v3", "v4"]),
    ("arm", &["v5", "v6", "v7", "v8"]),
    ("arm64", &["v9"]),
    ("loong64", &[]),
    ("mips64le", &[]),
    ("ppc64le", &[]),
    ("riscv64", &[]),
    ("s390x", &[]),
];

/// An operating system, an architecture and perhaps a variant of it; ordered by these.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Platform(Box<Parts>);

/// Behind a pointer, since errors carry platforms.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Parts {
    os: String,
    architecture: String,
    variant: Option<String>,
    os_version: Option<String>,
    os_features: Vec<String>,
}

/// Why a text is not a platform.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlatformError {
    /// Not two or three parts between slashes.
    #[error(
        "{text:?} is not a platform; write linux/ARCHITECTURE or linux/ARCHITECTURE/VARIANT, e.g. linux/arm64"
    )]
    Grammar {
        /// What was given.
        text: String,
    },
    /// Nobody makes Linux images for that.
    #[error("{text:?} is not a known platform; did you mean {nearest}? known are {known}")]
    Unknown {
        /// What was given.
        text: String,
        /// The known one that is most like it.
        nearest: String,
        /// All known ones, separated by commas.
        known: String,
    },
}

impl Platform {
    /// The platform of these parts, normalised; nothing is asked of them, for they come from foreign images.
    pub fn from_parts(os: &str, architecture: &str, variant: Option<&str>) -> Self {
        let (architecture, variant) = normalise(architecture, variant.unwrap_or_default());
        let os = match os.to_ascii_lowercase().as_str() {
            "macos" => "darwin".to_owned(),
            other => other.to_owned(),
        };
        Self(Box::new(Parts { os, architecture, variant, os_version: None, os_features: Vec::new() }))
    }

    /// The operating system's GOOS name: `linux`.
    pub fn os(&self) -> &str {
        &self.0.os
    }

    /// The architecture's GOARCH name: `amd64`, `arm`, `arm64`.
    pub fn arch_name(&self) -> &str {
        &self.0.architecture
    }

    /// The variant where there are several: `v7`.
    pub fn variant(&self) -> Option<&str> {
        self.0.variant.as_deref()
    }

    /// Whether an image for `self` is the one to take for `wanted`: the versions of the system are not compared.
    pub fn is(&self, wanted: &Self) -> bool {
        (self.os(), self.arch_name(), self.variant()) == (wanted.os(), wanted.arch_name(), wanted.variant())
    }

    /// Every platform that [`str::parse`] accepts.
    pub fn known() -> Vec<Self> {
        let mut known = Vec::new();
        for (architecture, variants) in ARCHITECTURES {
            if *architecture != "arm" {
                known.push(Self::from_parts("linux", architecture, None));
            }
            for variant in *variants {
                known.push(Self::from_parts("linux", architecture, Some(variant)));
            }
        }
        known
    }

    /// Whether this is the placeholder that build tools give to attestations: `unknown/unknown`.
    pub(crate) fn is_placeholder(&self) -> bool {
        self.os() == "unknown" || self.arch_name() == "unknown"
    }
}

fn normalise(architecture: &str, variant: &str) -> (String, Option<String>) {
    let (architecture, variant) = (architecture.to_ascii_lowercase(), variant.to_ascii_lowercase());
    let (architecture, variant) = match (architecture.as_str(), variant.as_str()) {
        ("i386", _) => ("386", ""),
        ("x86_64" | "x86-64" | "amd64", "v1") => ("amd64", ""),
        ("x86_64" | "x86-64", other) => ("amd64", other),
        ("aarch64" | "arm64", "8" | "v8") => ("arm64", ""),
        ("aarch64", other) => ("arm64", other),
        ("armhf", _) | ("arm", "" | "7") => ("arm", "v7"),
        ("armel", _) | ("arm", "6") => ("arm", "v6"),
        ("arm", "5") => ("arm", "v5"),
        ("arm", "8") => ("arm", "v8"),
        (architecture, variant) => (architecture, variant),
    };
    let variant = if variant.is_empty() { None } else { Some(variant.to_owned()) };
    (architecture.to_owned(), variant)
}

impl FromStr for Platform {
    type Err = PlatformError;

    fn from_str(text: &str) -> Result<Self, PlatformError> {
        let parts: Vec<&str> = text.split('/').collect();
        let platform = match parts[..] {
            [os, architecture] => Self::from_parts(os, architecture, None),
            [os, architecture, variant] if !variant.is_empty() => {
                Self::from_parts(os, architecture, Some(variant))
            }
            _ => return Err(PlatformError::Grammar { text: text.chars().take(100).collect() }),
        };
        let known = Self::known();
        if known.contains(&platform) {
            return Ok(platform);
        }
        let text: String = text.chars().take(100).collect();
        let names: Vec<String> = known.iter().map(ToString::to_string).collect();
        // Of two equally near ones, the one that begins alike.
        let alike =
            |name: &str| name.bytes().zip(text.bytes()).take_while(|(one, other)| one == other).count();
        let distance = |name: &str| (edits(name.as_bytes(), text.as_bytes()), usize::MAX - alike(name));
        let nearest = names.iter().min_by_key(|name| distance(name));
        let nearest = nearest.expect("some platforms are known").clone();
        Err(PlatformError::Unknown { nearest, known: names.join(", "), text })
    }
}

/// How many bytes must be inserted, removed or replaced to turn one text into the other.
fn edits(from: &[u8], to: &[u8]) -> usize {
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (index, byte) in from.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = index + 1;
        for (column, other) in to.iter().enumerate() {
            let replaced = diagonal + usize::from(byte != other);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[to.len()]
}

impl fmt::Display for Platform {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.os(), self.arch_name())?;
        match self.variant() {
            Some(variant) => write!(formatter, "/{variant}"),
            None => Ok(()),
        }
    }
}

/// The platform as an index writes it (image-index.md, `platform`).
#[derive(Serialize, Deserialize)]
struct Record {
    architecture: String,
    os: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    variant: Option<String>,
    #[serde(rename = "os.version", default, skip_serializing_if = "Option::is_none")]
    os_version: Option<String>,
    #[serde(
        rename = "os.features",
        default,
        deserialize_with = "crate::json::null_is_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    os_features: Vec<String>,
}

impl Serialize for Platform {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Parts { os, architecture, variant, os_version, os_features } = (*self.0).clone();
        Record { architecture, os, variant, os_version, os_features }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Platform {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let record = Record::deserialize(deserializer)?;
        let mut platform = Self::from_parts(&record.os, &record.architecture, record.variant.as_deref());
        platform.0.os_version = record.os_version;
        platform.0.os_features = record.os_features;
        Ok(platform)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn platforms_have_one_spelling() {
        for (text, want) in [
            ("linux/amd64", Ok("linux/amd64")),
            ("linux/x86_64", Ok("linux/amd64")),
            ("linux/amd64/v1", Ok("linux/amd64")),
            ("linux/amd64/v3", Ok("linux/amd64/v3")),
            ("linux/arm64", Ok("linux/arm64")),
            ("linux/arm64/v8", Ok("linux/arm64")),
            ("linux/aarch64", Ok("linux/arm64")),
            ("linux/arm", Ok("linux/arm/v7")),
            ("linux/arm/7", Ok("linux/arm/v7")),
            ("linux/armhf", Ok("linux/arm/v7")),
            ("linux/armel", Ok("linux/arm/v6")),
            ("Linux/ARM/V6", Ok("linux/arm/v6")),
            ("linux/386", Ok("linux/386")),
            ("linux/i386", Ok("linux/386")),
            ("linux/ppc64le", Ok("linux/ppc64le")),
            ("linux/s390x", Ok("linux/s390x")),
            ("linux/riscv64", Ok("linux/riscv64")),
            ("linux/amd46", Err("did you mean linux/amd64?")),
            ("linux/arm64v8", Err("did you mean linux/arm64?")),
            ("linux/riscv", Err("did you mean linux/riscv64?")),
            ("windows/amd64", Err("known are linux/386, linux/amd64, linux/amd64/v2")),
            ("amd64", Err("is not a platform; write")),
            ("", Err("is not a platform; write")),
            ("linux/arm/", Err("is not a platform; write")),
            ("a/b/c/d", Err("is not a platform; write")),
        ] {
            match (text.parse::<Platform>(), want) {
                (Ok(platform), Ok(want)) => assert_eq!(platform.to_string(), want, "{text}"),
                (Err(error), Err(said)) => assert!(error.to_string().contains(said), "{text}: {error}"),
                (got, want) => panic!("{text}: got {got:?}, wanted {want:?}"),
            }
        }
    }

    #[test]
    fn an_index_keeps_the_version_of_the_system_under_its_right_name() {
        let text =
            r#"{"architecture":"amd64","os":"windows","os.features":["win32k"],"os.version":"10.0.1"}"#;
        let platform: Platform = serde_json::from_str(text).expect("a platform");
        assert_eq!(crate::json::canonical(&platform), text.as_bytes());
        let v8: Platform = serde_json::from_str(r#"{"architecture":"arm64","os":"linux","variant":"v8"}"#)
            .expect("a platform");
        assert!(v8.is(&"linux/arm64".parse().expect("known")));
        assert_eq!(crate::json::canonical(&v8), br#"{"architecture":"arm64","os":"linux"}"#);
    }

    #[test]
    fn platforms_are_ordered_by_their_names() {
        let mut known = Platform::known();
        let names: Vec<String> = known.iter().map(ToString::to_string).collect();
        known.sort();
        let sorted: Vec<String> = known.iter().map(ToString::to_string).collect();
        assert_eq!(names, sorted);
    }
}
