//! [`Compression`]: how layers are compressed, as the user names it and as the manifest records it.
//!
//! Both encoders are pinned in the workspace, since a digest is only as stable as the encoder behind it.
//! gzip is written by libdeflate as a series of members of 1 MiB of input each: the form that lets any number
//! of threads work on one layer and give the same bytes (RFC 1952, section 2.2: "A gzip file consists of a
//! series of members"). zstd is written by libzstd in its multi-threaded mode always, since its
//! single-threaded mode gives other bytes.

use std::fmt;
use std::str::FromStr;

/// How a layer is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Compression {
    /// gzip, read by every client.
    Gzip {
        /// 1 (fast) to 12 (small), as libdeflate counts.
        level: u8,
    },
    /// zstd, read by podman, containerd since 1.5 and Docker since 23, never in a docker-archive.
    Zstd {
        /// 1 (fast) to 22 (small), as libzstd counts.
        level: u8,
    },
}

/// Why a text does not name a compression.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CompressionError {
    /// Neither gzip nor zstd.
    #[error(
        "unknown compression \"{given}\"; write gzip, gzip:LEVEL (1 to 12), zstd or zstd:LEVEL (1 to 22)"
    )]
    UnknownName {
        /// What was given.
        given: String,
    },
    /// A level outside of the encoder's range.
    #[error("compression level \"{level}\" is not one of {name}'s: 1 to {highest}")]
    Level {
        /// The encoder.
        name: &'static str,
        /// What was given.
        level: String,
        /// The highest level it knows.
        highest: u8,
    },
}

impl Compression {
    /// gzip at level 6: what every client reads, at a speed for every commit.
    pub const DEFAULT: Self = Self::Gzip { level: 6 };

    /// The media type of a layer that is compressed so (image-spec, layer.md, "gzip Media Types" and "zstd
    /// Media Types").
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Gzip { .. } => "application/vnd.oci.image.layer.v1.tar+gzip",
            Self::Zstd { .. } => "application/vnd.oci.image.layer.v1.tar+zstd",
        }
    }

    /// The encoder with its version and parameters: all that the compressed bytes depend on beside the input.
    pub fn encoder(self) -> String {
        match self {
            Self::Gzip { level } => {
                format!("libdeflate 1.26 (libdeflater 1.26.1), level {level}, members of 1 MiB")
            }
            Self::Zstd { level } => {
                format!("libzstd {}, level {level}, multi-threaded mode", zstd::zstd_safe::version_string())
            }
        }
    }
}

impl fmt::Display for Compression {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gzip { level } => write!(formatter, "gzip:{level}"),
            Self::Zstd { level } => write!(formatter, "zstd:{level}"),
        }
    }
}

impl FromStr for Compression {
    type Err = CompressionError;

    fn from_str(text: &str) -> Result<Self, CompressionError> {
        let (name, level) = match text.split_once(':') {
            Some((name, level)) => (name, Some(level)),
            None => (text, None),
        };
        let within = |name, default, highest| match level {
            None => Ok(default),
            Some(level) => match level.parse() {
                Ok(number) if (1..=highest).contains(&number) => Ok(number),
                _ => Err(CompressionError::Level { name, level: level.to_owned(), highest }),
            },
        };
        match name {
            "gzip" => Ok(Self::Gzip { level: within("gzip", 6, 12)? }),
            "zstd" => Ok(Self::Zstd { level: within("zstd", 3, 22)? }),
            _ => Err(CompressionError::UnknownName { given: text.to_owned() }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_compressions() {
        for (text, want) in [
            ("gzip", Some("gzip:6")),
            ("gzip:12", Some("gzip:12")),
            ("zstd", Some("zstd:3")),
            ("zstd:22", Some("zstd:22")),
            ("gzip:0", None),
            ("gzip:13", None),
            ("zstd:23", None),
            ("zstd:-5", None),
            ("zstd:", None),
            ("xz", None),
            ("", None),
        ] {
            assert_eq!(
                text.parse::<Compression>().ok().map(|given| given.to_string()).as_deref(),
                want,
                "{text}"
            );
        }
    }
}
