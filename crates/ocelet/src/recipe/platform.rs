//! [`Platform`]: an operating system, an architecture and perhaps a variant of it, as OCI images name them.
//!
//! It refuses what no image for Linux can be, and two spellings of one platform.

use std::fmt;
use std::str::FromStr;

use super::nearest::nearest;

/// The architectures that Go, and so the image specification, knows for Linux (`go tool dist list`), with the
/// variants that say more. Those of arm are in the image specification, image-index.md, "Platform Variants";
/// those of amd64 are GOAMD64's.
const ARCHITECTURES: &[(&str, &[&str])] = &[
    ("386", &[]),
    ("amd64", &["v1", "v2", "v3", "v4"]),
    ("arm", &["v5", "v6", "v7", "v8"]),
    ("arm64", &["v8"]),
    ("loong64", &[]),
    ("mips", &[]),
    ("mips64", &[]),
    ("mips64le", &[]),
    ("mipsle", &[]),
    ("ppc64", &[]),
    ("ppc64le", &[]),
    ("riscv64", &[]),
    ("s390x", &[]),
];

/// What others call an architecture (`uname -m`, Debian, Alpine), and what images call it.
const ALIASES: &[(&str, &str)] = &[
    ("aarch64", "arm64"),
    ("armel", "arm/v5"),
    ("armhf", "arm/v7"),
    ("armv6l", "arm/v6"),
    ("armv7", "arm/v7"),
    ("armv7l", "arm/v7"),
    ("i386", "386"),
    ("i686", "386"),
    ("loongarch64", "loong64"),
    ("ppc64el", "ppc64le"),
    ("x64", "amd64"),
    ("x86", "386"),
    ("x86-64", "amd64"),
    ("x86_64", "amd64"),
];

/// What Alpine calls the platforms that it has packages for: the directories of its repositories, which are its
/// `CARCH` (abuild, functions.sh). `linux/arm/v8` is a processor that runs what is made for v7.
const ALPINE: &[(&str, &[&str], &str)] = &[
    ("386", &[], "x86"),
    ("amd64", &[], "x86_64"),
    ("arm", &["v6"], "armhf"),
    ("arm", &["v7", "v8"], "armv7"),
    ("arm64", &[], "aarch64"),
    ("loong64", &[], "loongarch64"),
    ("ppc64le", &[], "ppc64le"),
    ("riscv64", &[], "riscv64"),
    ("s390x", &[], "s390x"),
];

/// What Debian calls them (dpkg-architecture(1), `dpkg --print-architecture`). `armhf` wants a processor of version 7,
/// `armel` one of version 5.
const DEBIAN: &[(&str, &[&str], &str)] = &[
    ("386", &[], "i386"),
    ("amd64", &[], "amd64"),
    ("arm", &["v5", "v6"], "armel"),
    ("arm", &["v7", "v8"], "armhf"),
    ("arm64", &[], "arm64"),
    ("loong64", &[], "loong64"),
    ("mips64le", &[], "mips64el"),
    ("ppc64le", &[], "ppc64el"),
    ("riscv64", &[], "riscv64"),
    ("s390x", &[], "s390x"),
];

/// A platform that an image can be for. `linux/arm64/v8` and `linux/amd64/v1` are held as `linux/arm64` and
/// `linux/amd64`, which is what every client takes them for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Platform {
    architecture: &'static str,
    variant: Option<&'static str>,
}

/// Why a text is not a platform.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlatformError {
    /// Too few or too many parts.
    #[error("\"{given}\" is not a platform: it is written os/architecture or os/architecture/variant")]
    Shape {
        /// The text.
        given: String,
    },
    /// An operating system other than Linux.
    #[error("\"{given}\" is for \"{os}\": images are made for linux only")]
    System {
        /// The text.
        given: String,
        /// The operating system.
        os: String,
    },
    /// An architecture that nobody knows.
    #[error("\"{given}\" has the unknown architecture \"{architecture}\"")]
    Architecture {
        /// The text.
        given: String,
        /// The architecture.
        architecture: String,
    },
    /// A variant that the architecture does not have.
    #[error("\"{given}\" has the unknown variant \"{variant}\" of \"{architecture}\"")]
    Variant {
        /// The text.
        given: String,
        /// The architecture.
        architecture: &'static str,
        /// The variant.
        variant: String,
    },
    /// `linux/arm`, which is four incompatible things.
    #[error("\"{given}\" does not say which arm: v5 and v6 programs run on v7, but not the reverse")]
    VariantMissing {
        /// The text.
        given: String,
    },
}

impl Platform {
    /// The same platform as image-spec's documents hold it.
    pub fn to_oci(&self) -> ocelet_oci::Platform {
        ocelet_oci::Platform::from_parts(self.os(), self.architecture, self.variant)
    }

    /// The operating system: always `linux`.
    pub fn os(&self) -> &'static str {
        "linux"
    }

    /// The architecture by Go's name: `amd64`, `arm64`, `arm`.
    pub fn architecture(&self) -> &'static str {
        self.architecture
    }

    /// The variant of the architecture, where it has one: `v7`.
    pub fn variant(&self) -> Option<&'static str> {
        self.variant
    }

    /// The architecture by Alpine's name, where Alpine has packages for it: `x86_64`, `aarch64`, `armv7`.
    pub fn apk_architecture(&self) -> Option<&'static str> {
        self.called(ALPINE)
    }

    /// The architecture by Debian's name, where Debian has packages for it: `amd64`, `arm64`, `armhf`.
    pub fn deb_architecture(&self) -> Option<&'static str> {
        self.called(DEBIAN)
    }

    fn called(&self, names: &'static [(&str, &[&str], &str)]) -> Option<&'static str> {
        let is_it = |variants: &[&str]| {
            variants.is_empty() || self.variant.is_some_and(|variant| variants.contains(&variant))
        };
        names
            .iter()
            .find(|(architecture, variants, _)| *architecture == self.architecture && is_it(variants))
            .map(|(.., name)| *name)
    }
}

impl PlatformError {
    /// The valid platform that was most likely meant.
    pub fn nearest(&self) -> Option<String> {
        match self {
            Self::Shape { given } => known(given).map(|name| format!("linux/{name}")),
            Self::System { given, os } => {
                let rest = given.strip_prefix(os.as_str())?.strip_prefix('/')?;
                let meant = format!("linux/{rest}");
                (nearest(os, ["linux"]).is_some() && meant.parse::<Platform>().is_ok()).then_some(meant)
            }
            Self::Architecture { architecture, .. } => {
                known(architecture).map(|name| format!("linux/{name}"))
            }
            Self::Variant { architecture, variant, .. } => {
                let variants = ARCHITECTURES.iter().find(|(name, _)| name == architecture)?.1;
                let with_letter = format!("v{variant}");
                let found = variants.iter().find(|known| **known == with_letter).copied();
                Some(match found.or_else(|| nearest(variant, variants.iter().copied())) {
                    Some(variant) => format!("linux/{architecture}/{variant}"),
                    None if *architecture == "arm" => "linux/arm/v7".to_owned(),
                    None => format!("linux/{architecture}"),
                })
            }
            Self::VariantMissing { .. } => Some("linux/arm/v7".to_owned()),
        }
    }
}

fn known(name: &str) -> Option<&'static str> {
    let lower = name.to_lowercase();
    let alias = ALIASES.iter().find(|(alias, _)| *alias == lower).map(|(_, name)| *name);
    let near = || nearest(name, ARCHITECTURES.iter().map(|(name, _)| *name));
    match alias.or_else(near)? {
        "arm" => Some("arm/v7"),
        name => Some(name),
    }
}

impl FromStr for Platform {
    type Err = PlatformError;

    fn from_str(text: &str) -> Result<Self, PlatformError> {
        let given = || text.to_owned();
        let parts: Vec<&str> = text.split('/').collect();
        let (os, architecture, variant) = match parts.as_slice() {
            [os, architecture] => (*os, *architecture, None),
            [os, architecture, variant] => (*os, *architecture, Some(*variant)),
            _ => return Err(PlatformError::Shape { given: given() }),
        };
        if os != "linux" {
            return Err(PlatformError::System { given: given(), os: os.to_owned() });
        }
        let Some((architecture, variants)) = ARCHITECTURES.iter().find(|(name, _)| *name == architecture)
        else {
            return Err(PlatformError::Architecture {
                given: given(),
                architecture: architecture.to_owned(),
            });
        };
        let variant = match variant {
            None if *architecture == "arm" => return Err(PlatformError::VariantMissing { given: given() }),
            None => None,
            Some(variant) => match variants.iter().find(|known| **known == variant) {
                Some(known) => Some(*known),
                None => {
                    return Err(PlatformError::Variant {
                        given: given(),
                        architecture,
                        variant: variant.to_owned(),
                    });
                }
            },
        };
        // The default variants, as containerd's platforms package normalises them.
        let variant =
            variant.filter(|variant| !matches!((*architecture, *variant), ("arm64", "v8") | ("amd64", "v1")));
        Ok(Self { architecture, variant })
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "linux/{}", self.architecture)?;
        self.variant.map_or(Ok(()), |variant| write!(formatter, "/{variant}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alpine_has_names_of_its_own() {
        for (platform, want) in [
            ("linux/386", Some("x86")),
            ("linux/amd64", Some("x86_64")),
            ("linux/amd64/v3", Some("x86_64")),
            ("linux/arm/v5", None),
            ("linux/arm/v6", Some("armhf")),
            ("linux/arm/v7", Some("armv7")),
            ("linux/arm/v8", Some("armv7")),
            ("linux/arm64", Some("aarch64")),
            ("linux/loong64", Some("loongarch64")),
            ("linux/mips64le", None),
            ("linux/ppc64", None),
            ("linux/ppc64le", Some("ppc64le")),
            ("linux/riscv64", Some("riscv64")),
            ("linux/s390x", Some("s390x")),
        ] {
            assert_eq!(platform.parse::<Platform>().expect("known").apk_architecture(), want, "{platform}");
        }
    }

    #[test]
    fn platforms_are_read_and_corrected() {
        for (given, want) in [
            ("linux/amd64", Ok("linux/amd64")),
            ("linux/amd64/v1", Ok("linux/amd64")),
            ("linux/amd64/v3", Ok("linux/amd64/v3")),
            ("linux/arm64/v8", Ok("linux/arm64")),
            ("linux/arm/v7", Ok("linux/arm/v7")),
            ("linux/arm", Err(Some("linux/arm/v7"))),
            ("linux/amd46", Err(Some("linux/amd64"))),
            ("linux/x86_64", Err(Some("linux/amd64"))),
            ("linux/armhf", Err(Some("linux/arm/v7"))),
            ("linux/arm/7", Err(Some("linux/arm/v7"))),
            ("linux/s390x/v1", Err(Some("linux/s390x"))),
            ("linuks/arm64", Err(Some("linux/arm64"))),
            ("windows/amd64", Err(None)),
            ("aarch64", Err(Some("linux/arm64"))),
            ("linux/", Err(None)),
            ("", Err(None)),
            ("a/b/c/d", Err(None)),
        ] {
            let got = given
                .parse::<Platform>()
                .map(|platform| platform.to_string())
                .map_err(|error| error.nearest());
            assert_eq!(got, want.map(str::to_owned).map_err(|nearest| nearest.map(str::to_owned)), "{given}");
        }
    }
}
