//! [`Profile`]: what an image is made small for, in one word. Two optima exclude each other: packing programs makes
//! them small on disk and hides what they have in common, which is what makes an image small to pull.
//!
//! A profile is data: what it decides, why, and who reads the outcome. It refuses nothing; each decision can be made
//! another way by its own option.

use std::fmt;
use std::str::FromStr;

use crate::layer::{Compression, Split, Window};

/// What an image is made small for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Profile {
    /// For every client.
    #[default]
    Compat,
    /// For the way from the registry to the node.
    Wire,
    /// For the disk of the node.
    Disk,
}

/// What a profile decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Choice {
    /// How layers are compressed.
    pub compression: Compression,
    /// By what files share a layer.
    pub split: Split,
    /// Whether the programs are packed that the recipe flags for it.
    pub packs: bool,
    /// Why so, for people: one sentence without a full stop.
    pub reason: &'static str,
}

/// A client, and which layers it reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reader {
    /// Its name, and the release that was tried where that matters.
    pub name: &'static str,
    /// The largest zstd window that it reads, of those that ocelet writes; nothing where it reads no zstd.
    pub zstd: Option<Window>,
}

/// A name that is no profile's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown profile \"{given}\"; there are compat, wire and disk")]
pub struct UnknownProfile {
    /// What was given.
    pub given: String,
}

/// The clients by what they were seen to read. podman and containerd were tried with windows up to 164 MiB, which is
/// more than ocelet writes; an older client says "invalid tar header" to a zstd layer.
const READERS: [Reader; 8] = [
    Reader { name: "podman 4.3", zstd: Some(Window::LARGEST) },
    Reader { name: "containerd 1.6", zstd: Some(Window::LARGEST) },
    Reader { name: "CRI-O (containers/image)", zstd: Some(Window::LARGEST) },
    Reader { name: "docker 23", zstd: Some(Window::LARGEST) },
    Reader { name: "docker 20.10", zstd: None },
    Reader { name: "containerd 1.4", zstd: None },
    Reader { name: "umoci 0.4.7", zstd: None },
    Reader { name: "docker-archive (docker load)", zstd: None },
];

impl Profile {
    /// All profiles, the default first.
    pub const ALL: [Self; 3] = [Self::Compat, Self::Wire, Self::Disk];

    /// What it decides, and why.
    pub const fn choice(self) -> Choice {
        match self {
            // kubectl (57.3 MB): zlib at level 6, as `gzip` and `docker build` have it, makes 16.97 MB in 4.2 s of one
            // processor; libdeflate makes 16.94 MB at level 6 (1.1 s), 16.75 at 9 (3.2 s), 16.36 at 10 (11.4 s) and
            // 16.31 at 12, in three times as long again.
            Self::Compat => Choice {
                compression: Compression::Gzip { level: 10 },
                split: Split::Shared,
                packs: true,
                reason: "gzip is read by every client; packed programs are small in it, which cannot see what they \
                         have in common anyway",
            },
            Self::Wire => Choice {
                compression: Compression::Zstd { level: 19, window: Some(Window::LARGEST) },
                split: Split::Solid,
                packs: false,
                reason: "one long window over programs that are not packed finds what they have in common: the \
                         smallest to pull, and no start-up cost",
            },
            Self::Disk => Choice {
                compression: Compression::Zstd { level: 19, window: None },
                split: Split::Shared,
                packs: true,
                reason: "packed programs stay small when the image is unpacked; each start pays for it",
            },
        }
    }

    /// Its name, as it is typed.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Compat => "compat",
            Self::Wire => "wire",
            Self::Disk => "disk",
        }
    }

    /// The clients that read its layers.
    pub fn readers(self) -> impl Iterator<Item = &'static Reader> {
        READERS.iter().filter(move |reader| reader.reads(self.choice().compression))
    }
}

impl Reader {
    /// Whether it reads layers that are compressed so.
    pub fn reads(&self, compression: Compression) -> bool {
        match compression {
            Compression::Gzip { .. } => true,
            Compression::Zstd { window, .. } => {
                self.zstd.is_some_and(|most| window.is_none_or(|asked| asked <= most))
            }
        }
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl FromStr for Profile {
    type Err = UnknownProfile;

    fn from_str(text: &str) -> Result<Self, UnknownProfile> {
        let found = Self::ALL.into_iter().find(|profile| profile.name() == text);
        found.ok_or_else(|| UnknownProfile { given: text.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_each_profile_decides() {
        for (name, compression, split, packs, old_docker) in [
            ("compat", "gzip:10", Split::Shared, true, true),
            ("wire", "zstd:19:128MiB", Split::Solid, false, false),
            ("disk", "zstd:19", Split::Shared, true, false),
        ] {
            let profile: Profile = name.parse().expect("known");
            let choice = profile.choice();
            assert_eq!(choice.compression.to_string(), compression, "{name}");
            assert_eq!((profile.to_string().as_str(), choice.split, choice.packs), (name, split, packs));
            let readers: Vec<&str> = profile.readers().map(|reader| reader.name).collect();
            assert_eq!(readers.contains(&"docker 20.10"), old_docker, "{name}: {readers:?}");
            assert!(
                readers.contains(&"podman 4.3") && readers.contains(&"containerd 1.6"),
                "{name}: {readers:?}"
            );
        }
        assert_eq!(Profile::default().name(), "compat");
        assert!("Wire".parse::<Profile>().is_err());
    }
}
