//! [`VerifiedPackages`]: an index of packages whose bytes a verified Release vouches for.
//!
//! Size and digest of what was served are compared before anything is unpacked. What comes out is bounded by the size that
//! the Release has for the unpacked file, or by a limit where it has none, and is compared with that entry's digest again.

use std::io::Read;

use ocelet_tree::{Compression, DecodeLimits, Decoder};
use sha2::{Digest, Sha256};

use super::hex;
use super::release::ReleaseEntry;
use super::verified::VerifiedRelease;

/// The most bytes that an index may unpack to, where the Release does not say. Debian's largest has 60 MB.
pub const PACKAGES_LIMIT: u64 = 1 << 30;
/// The endings of names that are understood, best first. What is listed without an ending is often not served.
const ENDINGS: [(&str, Compression); 4] = [
    (".xz", Compression::Xz),
    (".zst", Compression::Zstd),
    (".gz", Compression::Gzip),
    ("", Compression::Plain),
];

/// The form of an index that is to be fetched, and what it must be.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct IndexChoice {
    /// Its path below the directory of the Release file.
    pub path: String,
    /// What its name says it is packed with.
    pub compression: Compression,
    /// Its size and digest.
    pub entry: ReleaseEntry,
    /// Where it can be had by its digest, if the repository offers that: this file does not change while the
    /// repository is updated.
    pub by_hash: Option<String>,
    /// Size and digest of what it unpacks to, where the Release lists that.
    pub plain: Option<ReleaseEntry>,
}

/// An index of packages that is what a verified Release says. Only a verification makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedPackages {
    path: String,
    text: Vec<u8>,
}

/// Why there is no index, or its bytes are the wrong ones.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PackagesError {
    /// The Release lists no such index.
    #[error(
        "{label} lists no {wanted} in a form that is understood (.xz, .zst, .gz or plain); its components are {}; its architectures are {}{}",
        words(.components), words(.architectures), besides(.others)
    )]
    NotListed {
        /// What the Release is called.
        label: String,
        /// The path without an ending.
        wanted: String,
        /// The components that it has.
        components: Vec<String>,
        /// The architectures that it has.
        architectures: Vec<String>,
        /// The same index in forms that are not understood.
        others: Vec<String>,
    },
    /// The size is another.
    #[error(
        "{path} has {got} bytes; {label} says {wanted}; the mirror is being updated, or the file was swapped"
    )]
    Size {
        /// What the Release is called.
        label: String,
        /// The path of the index.
        path: String,
        /// The size in the Release.
        wanted: u64,
        /// The size of what was given.
        got: u64,
    },
    /// The digest is another.
    #[error(
        "{path}{} has sha256 {got}; {label} says {wanted}; the mirror is being updated, or the file was swapped",
        if *.unpacked { " unpacked" } else { "" }
    )]
    Digest {
        /// What the Release is called.
        label: String,
        /// The path of the index.
        path: String,
        /// Whether it is about what comes out of it.
        unpacked: bool,
        /// The digest in the Release.
        wanted: String,
        /// The digest of what was given.
        got: String,
    },
    /// It cannot be unpacked.
    #[error("{path} is what {label} says, and cannot be unpacked")]
    Unpack {
        /// What the Release is called.
        label: String,
        /// The path of the index.
        path: String,
        /// Why.
        #[source]
        cause: std::io::Error,
    },
}

impl VerifiedRelease {
    /// Chooses the form in which to fetch the index of a component (none in a flat repository, where the index lies
    /// beside the Release) and an architecture as Debian calls it (`amd64`, `armhf`, `all`).
    ///
    /// # Errors
    /// [`PackagesError::NotListed`].
    pub fn choose_packages(
        &self,
        component: Option<&str>,
        architecture: &str,
    ) -> Result<IndexChoice, PackagesError> {
        let release = self.release();
        let name = match component {
            Some(component) => format!("{component}/binary-{architecture}/Packages"),
            None => "Packages".to_owned(),
        };
        let found = ENDINGS.iter().find_map(|(ending, compression)| {
            let path = format!("{name}{ending}");
            release.entry(&path).map(|entry| (path, *compression, *entry))
        });
        let Some((path, compression, entry)) = found else {
            let others = release.entries().map(|(path, _)| path);
            let others = others.filter(|path| path.starts_with(&format!("{name}."))).take(8);
            return Err(PackagesError::NotListed {
                label: self.label().to_owned(),
                others: others.map(str::to_owned).collect(),
                wanted: name,
                components: release.components.clone(),
                architectures: release.architectures.clone(),
            });
        };
        let by_hash = release.by_hash.then(|| {
            let directory = path.rsplit_once('/').map_or(String::new(), |(before, _)| format!("{before}/"));
            format!("{directory}by-hash/SHA256/{}", hex::text(&entry.sha256))
        });
        let plain = release.entry(&name).copied();
        Ok(IndexChoice { path, compression, entry, by_hash, plain })
    }

    /// Checks the bytes of the chosen index against this Release and unpacks them, to at most `limit` bytes
    /// ([`PACKAGES_LIMIT`] if in doubt).
    ///
    /// # Errors
    /// See [`PackagesError`].
    pub fn open_packages(
        &self,
        choice: &IndexChoice,
        bytes: &[u8],
        limit: u64,
    ) -> Result<VerifiedPackages, PackagesError> {
        let path = &choice.path;
        // The choice is a value that anyone can alter: what counts is the entry here.
        let Some(entry) = self.release().entry(path) else {
            return self.choose_missing(path);
        };
        self.compare(path, false, entry, bytes)?;
        let mut packed = ENDINGS.iter().filter(|(ending, _)| !ending.is_empty());
        let plain = packed.find_map(|(ending, _)| path.strip_suffix(ending));
        let plain = plain.and_then(|name| self.release().entry(name));
        let limit = plain.map_or(limit, |plain| plain.size.min(limit));
        let unpack =
            |cause| PackagesError::Unpack { label: self.label().to_owned(), path: path.clone(), cause };
        let mut text = Vec::new();
        let limits = DecodeLimits { output: Some(limit) };
        Decoder::new(bytes, limits).and_then(|mut decoder| decoder.read_to_end(&mut text)).map_err(unpack)?;
        if let Some(plain) = plain {
            self.compare(path, true, plain, &text)?;
        }
        Ok(VerifiedPackages { path: path.clone(), text })
    }

    fn choose_missing(&self, path: &str) -> Result<VerifiedPackages, PackagesError> {
        Err(PackagesError::NotListed {
            label: self.label().to_owned(),
            wanted: path.to_owned(),
            components: self.release().components.clone(),
            architectures: self.release().architectures.clone(),
            others: Vec::new(),
        })
    }

    fn compare(
        &self,
        path: &str,
        unpacked: bool,
        entry: &ReleaseEntry,
        bytes: &[u8],
    ) -> Result<(), PackagesError> {
        let (label, path) = (self.label().to_owned(), path.to_owned());
        let got = bytes.len() as u64;
        if got != entry.size {
            return Err(PackagesError::Size { label, path, wanted: entry.size, got });
        }
        let got: [u8; 32] = Sha256::digest(bytes).into();
        if got != entry.sha256 {
            let (wanted, got) = (hex::text(&entry.sha256), hex::text(&got));
            return Err(PackagesError::Digest { label, path, unpacked, wanted, got });
        }
        Ok(())
    }
}

impl VerifiedPackages {
    /// Its path below the directory of the Release file, with the ending of the form that was fetched.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The records.
    pub fn text(&self) -> &[u8] {
        &self.text
    }

    /// The records, without a copy.
    pub fn into_text(self) -> Vec<u8> {
        self.text
    }
}

fn words(words: &[String]) -> String {
    if words.is_empty() { "not named".to_owned() } else { words.join(" ") }
}

fn besides(others: &[String]) -> String {
    if others.is_empty() { String::new() } else { format!("; it lists {}", others.join(" ")) }
}

#[cfg(test)]
mod tests;
