//! [`Compression`]: how layers are compressed, as the user names it and as the manifest records it.
//!
//! Both encoders are pinned in the workspace, since a digest is only as stable as the encoder behind it.
//! gzip is written by libdeflate as a series of members of 1 MiB of input each: the form that lets any number
//! of threads work on one layer and give the same bytes (RFC 1952, section 2.2: "A gzip file consists of a
//! series of members"). zstd is written by libzstd in its multi-threaded mode always, since its
//! single-threaded mode gives other bytes. A window for zstd larger than its level has comes with long distance
//! matching, which finds what two Go programs of one layer have in common; one that readers would refuse is refused.

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
        /// How far back repetitions are found; as far as the level has it (8 MiB for 19) where nothing is said.
        window: Option<Window>,
    },
}

/// How far back long distance matching looks, and how much memory a reader must therefore have: a power of two from
/// 1 MiB to 128 MiB.
///
/// 128 MiB is what a reader accepts without being told to (zstd(1), `--long`; `ZSTD_WINDOWLOG_LIMIT_DEFAULT` of zstd.h
/// is 27), and what podman and containerd were seen to read; RFC 8878, section 3.1.1.1.2, asks for no more than 8 MiB.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Window(u8);

/// Why a text does not name a compression.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CompressionError {
    /// Neither gzip nor zstd.
    #[error(
        "unknown compression \"{given}\"; write gzip, gzip:LEVEL (1 to 12), zstd, zstd:LEVEL (1 to 22) or \
         zstd:LEVEL:WINDOW (1MiB to 128MiB)"
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
    /// A window that is none, or that readers refuse.
    #[error("zstd window \"{given}\" is not a power of two from 1MiB to 128MiB, such as zstd:19:128MiB")]
    Window {
        /// What was given.
        given: String,
    },
    /// A window where there is none to choose.
    #[error("\"{given}\" gives gzip a window; it always has 32 KiB, and only zstd has another")]
    NoWindow {
        /// What was given.
        given: String,
    },
}

impl Window {
    /// The largest window that readers accept without being told to.
    pub const LARGEST: Self = Self(27);

    /// The binary logarithm of its bytes, as libzstd wants it.
    pub fn log(self) -> u8 {
        self.0
    }

    /// Its bytes.
    pub fn bytes(self) -> u64 {
        1 << self.0
    }
}

impl fmt::Display for Window {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}MiB", self.bytes() >> 20)
    }
}

impl FromStr for Window {
    type Err = CompressionError;

    fn from_str(text: &str) -> Result<Self, CompressionError> {
        (20..=Self::LARGEST.0)
            .map(Self)
            .find(|window| window.to_string() == text)
            .ok_or_else(|| CompressionError::Window { given: text.to_owned() })
    }
}

impl Compression {
    /// gzip at level 6, what `gzip` alone means here as everywhere.
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
            Self::Zstd { level, window } => {
                let version = zstd::zstd_safe::version_string();
                let long = window.map(|window| {
                    format!(", long distance matching in a window of {window}, jobs of half of it")
                });
                format!("libzstd {version}, level {level}{}, multi-threaded mode", long.unwrap_or_default())
            }
        }
    }
}

impl fmt::Display for Compression {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gzip { level } => write!(formatter, "gzip:{level}"),
            Self::Zstd { level, window: None } => write!(formatter, "zstd:{level}"),
            Self::Zstd { level, window: Some(window) } => write!(formatter, "zstd:{level}:{window}"),
        }
    }
}

impl FromStr for Compression {
    type Err = CompressionError;

    fn from_str(text: &str) -> Result<Self, CompressionError> {
        let mut parts = text.splitn(3, ':');
        let name = parts.next().unwrap_or_default();
        let (level, window) = (parts.next(), parts.next());
        let within = |name, default, highest| match level {
            None => Ok(default),
            Some(level) => match level.parse() {
                Ok(number) if (1..=highest).contains(&number) => Ok(number),
                _ => Err(CompressionError::Level { name, level: level.to_owned(), highest }),
            },
        };
        match name {
            "gzip" if window.is_some() => Err(CompressionError::NoWindow { given: text.to_owned() }),
            "gzip" => Ok(Self::Gzip { level: within("gzip", 6, 12)? }),
            "zstd" => {
                Ok(Self::Zstd { level: within("zstd", 3, 22)?, window: window.map(str::parse).transpose()? })
            }
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
            ("zstd:19:128MiB", Some("zstd:19:128MiB")),
            ("zstd:3:1MiB", Some("zstd:3:1MiB")),
            ("zstd:19:256MiB", None),
            ("zstd:19:27", None),
            ("zstd:19:100MiB", None),
            ("zstd:19:", None),
            ("zstd::128MiB", None),
            ("zstd:19:128MiB:1", None),
            ("gzip:6:1MiB", None),
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

    /// Whoever reads the annotation can make the same bytes again.
    #[test]
    fn encoders_tell_all_that_bytes_depend_on() {
        for (text, want) in [
            ("gzip:10", "level 10, members of 1 MiB"),
            ("zstd:19", "level 19, multi-threaded mode"),
            (
                "zstd:19:128MiB",
                "level 19, long distance matching in a window of 128MiB, jobs of half of it, multi-threaded mode",
            ),
        ] {
            let encoder = text.parse::<Compression>().expect("known").encoder();
            assert!(encoder.ends_with(want), "{text}: {encoder}");
        }
    }
}
