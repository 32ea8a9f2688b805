//! Signatures: entries `.SIGN.<algorithm>.<key file>` of the first members, over the bytes of what follows.
//!
//! Algorithms are those of apk-tools (`src/extract_v2.c`): `RSA` with SHA-1, which is what Alpine signs with,
//! `RSA256` and `RSA512`, all of them PKCS#1 v1.5. One valid signature by a known key is enough; an invalid one
//! by a known key is an error even beside a valid one, since someone has changed something. DSA, algorithms that
//! are not known and keys that are not in the keyring never count.

use std::fmt;

use ocelet_tree::{Blob, Name, Owner, Tree, TreePath, View, tar_in};
use ring::signature::{
    RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA512,
    RsaParameters, UnparsedPublicKey,
};

use super::keys::{Fingerprint, Keyring};
use super::member::{Member, MemberError, Members};

/// What the name of a signature begins with.
const PREFIX: &str = ".SIGN.";
/// The most bytes that a signature member may inflate to: apk-tools skips signatures over 64 KiB.
const LIMIT: u64 = 256 << 10;
/// The most signature members. Each signing adds one.
const MOST_MEMBERS: usize = 16;

/// How a signature was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Algorithm {
    /// RSA over SHA-1 (`RSA`).
    RsaSha1,
    /// RSA over SHA-256 (`RSA256`).
    RsaSha256,
    /// RSA over SHA-512 (`RSA512`).
    RsaSha512,
}

/// Who vouched for some bytes. Only a verification makes one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct SignedBy {
    /// The file name of the key.
    pub key: String,
    /// Which key of that name it was.
    pub fingerprint: Fingerprint,
    /// How it signed.
    pub algorithm: Algorithm,
}

/// Why some bytes are not vouched for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SignatureError {
    /// There is no signature.
    #[error("there is no signature; sign it (abuild-sign), or pin its sha256")]
    Unsigned,
    /// Someone who is not known signed it.
    #[error(
        "it is signed by {}, which is not in the keyring; the keyring has {}", list(.wanted), list(.have)
    )]
    UnknownKey {
        /// The file names of the keys that signed it.
        wanted: Vec<String>,
        /// The file names of the keys that are known.
        have: Vec<String>,
    },
    /// The signature of a known key does not fit the bytes.
    #[error(
        "the {algorithm} signature of key {key} does not fit the bytes that it signs; they were changed, or signed by another key of that name (known: {})", list(&.tried.iter().map(ToString::to_string).collect::<Vec<_>>())
    )]
    Invalid {
        /// The file name of the key.
        key: String,
        /// How it claims to have signed.
        algorithm: Algorithm,
        /// The known keys of that name.
        tried: Vec<Fingerprint>,
    },
    /// All signatures are made in ways that are not trusted.
    #[error("it is signed with {} only; wanted RSA, RSA256 or RSA512{}", list(.algorithms), dsa(.algorithms))]
    Algorithm {
        /// The names of the algorithms.
        algorithms: Vec<String>,
    },
    /// An entry that is no signature stands among signatures, or a signature has no name of a key.
    #[error("\"{entry}\" stands among the signatures; wanted only {PREFIX}<algorithm>.<key file>")]
    Misplaced {
        /// The name of the entry.
        entry: String,
    },
    /// More signature members than anyone needs.
    #[error("there are more than {MOST_MEMBERS} members of signatures")]
    TooMany,
    /// A member is damaged.
    #[error("the signatures cannot be read")]
    Member(#[from] MemberError),
    /// The archive in the member is damaged.
    #[error("the archive of signatures is refused")]
    Tar(#[from] tar_in::TarError),
}

/// Signatures that were read and not checked.
#[derive(Debug, Clone, Default)]
pub(super) struct Signatures(Vec<Entry>);

#[derive(Debug, Clone)]
struct Entry {
    algorithm: String,
    key: String,
    signature: Vec<u8>,
}

impl Algorithm {
    fn named(name: &str) -> Option<Self> {
        match name {
            "RSA" => Some(Self::RsaSha1),
            "RSA256" => Some(Self::RsaSha256),
            "RSA512" => Some(Self::RsaSha512),
            _ => None,
        }
    }

    fn parameters(self) -> &'static RsaParameters {
        match self {
            Self::RsaSha1 => &RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY,
            Self::RsaSha256 => &RSA_PKCS1_2048_8192_SHA256,
            Self::RsaSha512 => &RSA_PKCS1_2048_8192_SHA512,
        }
    }
}

impl Signatures {
    /// Reads the signature members that a package begins with, and the first member that is none, which may
    /// inflate to at most `limit` bytes. The members then stand behind it.
    pub(super) fn read<'bytes>(
        members: &mut Members<'bytes>,
        limit: u64,
    ) -> Result<(Self, Option<Member<'bytes>>), SignatureError> {
        let mut signatures = Vec::new();
        for _ in 0..=MOST_MEMBERS {
            let Some(member) = members.next_member(limit.max(LIMIT))? else {
                return Ok((Self(signatures), None));
            };
            if !begins_with_signature(&member.inflated) {
                return Ok((Self(signatures), Some(member)));
            }
            if member.inflated.len() as u64 > LIMIT {
                let offset = member.range.start as u64;
                return Err(MemberError::TooLarge { offset, limit: LIMIT }.into());
            }
            signatures.append(&mut entries(member.inflated)?);
        }
        Err(SignatureError::TooMany)
    }

    /// Reads the signature members that an index begins with: what follows is left untouched, since it may be
    /// large and nobody has vouched for it yet.
    pub(super) fn read_before_large(members: &mut Members<'_>) -> Result<Self, SignatureError> {
        let mut signatures = Vec::new();
        for _ in 0..=MOST_MEMBERS {
            let before = members.clone();
            match members.next_member(LIMIT) {
                Ok(Some(member)) if begins_with_signature(&member.inflated) => {
                    signatures.append(&mut entries(member.inflated)?);
                }
                Ok(_) => {
                    *members = before;
                    return Ok(Self(signatures));
                }
                // What signs is small: a member that is large or damaged is what should have been signed.
                Err(_) if !signatures.is_empty() => {
                    *members = before;
                    return Ok(Self(signatures));
                }
                Err(MemberError::TooLarge { .. }) => return Err(SignatureError::Unsigned),
                Err(error) => return Err(error.into()),
            }
        }
        Err(SignatureError::TooMany)
    }

    /// Whether there is any, of whatever worth.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Checks all signatures over `message`, and says who made the first valid one.
    pub(super) fn verify(&self, message: &[u8], keyring: &Keyring) -> Result<SignedBy, SignatureError> {
        if self.is_empty() {
            return Err(SignatureError::Unsigned);
        }
        let (mut signed, mut unknown, mut distrusted) = (None, Vec::new(), Vec::new());
        for entry in &self.0 {
            let Some(algorithm) = Algorithm::named(&entry.algorithm) else {
                distrusted.push(entry.algorithm.clone());
                continue;
            };
            let keys = keyring.get(&entry.key);
            if keys.is_empty() {
                unknown.push(entry.key.clone());
                continue;
            }
            let valid = keys.iter().find(|key| {
                UnparsedPublicKey::new(algorithm.parameters(), key.pkcs1())
                    .verify(message, &entry.signature)
                    .is_ok()
            });
            let Some(valid) = valid else {
                let tried = keys.iter().map(super::keys::PublicKey::fingerprint).collect();
                return Err(SignatureError::Invalid { key: entry.key.clone(), algorithm, tried });
            };
            let fingerprint = valid.fingerprint();
            signed.get_or_insert_with(|| SignedBy { key: entry.key.clone(), fingerprint, algorithm });
        }
        match (signed, unknown.is_empty()) {
            (Some(signed), _) => Ok(signed),
            (None, false) => Err(SignatureError::UnknownKey { wanted: unknown, have: keyring.names() }),
            (None, true) => Err(SignatureError::Algorithm { algorithms: distrusted }),
        }
    }
}

/// Whether the first entry of a plain archive is a signature. Its name stands at the very beginning, unless its
/// writer put an extended header before it (pax(1), "ustar Interchange Format": the type is byte 156).
fn begins_with_signature(archive: &[u8]) -> bool {
    match archive.get(156) {
        Some(b'x' | b'g' | b'L') if archive.len() as u64 <= LIMIT => {
            let tree = small_archive(&Blob::from_bytes("the first member", archive.to_vec()));
            tree.is_ok_and(|tree| tree.iter().any(|(path, _)| path.as_bytes().starts_with(PREFIX.as_bytes())))
        }
        _ => archive.starts_with(PREFIX.as_bytes()),
    }
}

fn entries(archive: Vec<u8>) -> Result<Vec<Entry>, SignatureError> {
    files(&Blob::from_bytes("the signatures", archive))?
        .into_iter()
        .map(|(name, signature)| {
            let parts = name.strip_prefix(PREFIX).and_then(|rest| rest.split_once('.'));
            match parts {
                Some((algorithm, key)) if !algorithm.is_empty() && !key.is_empty() => {
                    Ok(Entry { algorithm: algorithm.to_owned(), key: key.to_owned(), signature })
                }
                _ => Err(SignatureError::Misplaced { entry: name }),
            }
        })
        .collect()
}

/// The files at the root of a small archive without an end, in the order of their names.
fn files(blob: &Blob) -> Result<Vec<(String, Vec<u8>)>, SignatureError> {
    let tree = small_archive(blob)?;
    let names: Vec<Name> = tree.names(&TreePath::root()).expect("a tree in memory answers");
    names
        .into_iter()
        .map(|name| {
            let content = tree.get(&TreePath::root().join(&name)).and_then(|node| node.content());
            let bytes = content.map(|content| content.bytes().expect("a blob in memory answers"));
            match (bytes, std::str::from_utf8(name.as_bytes())) {
                (Some(bytes), Ok(name)) => Ok((name.to_owned(), bytes.to_vec())),
                _ => Err(SignatureError::Misplaced { entry: name.to_string() }),
            }
        })
        .collect()
}

/// The tree of a small archive: one entry for each name, an end or none.
pub(super) fn small_archive(blob: &Blob) -> Result<Tree, tar_in::TarError> {
    let limits = tar_in::Limits {
        headers: 1000,
        extension: 64 << 10,
        names: 1 << 20,
        memory: 0,
        ..tar_in::Limits::default()
    };
    let options = tar_in::Options {
        paths: tar_in::Paths::Follow,
        duplicates: tar_in::Duplicates::Refuse,
        devices: tar_in::Devices::Refuse,
        end: tar_in::End::Optional,
        limits,
    };
    tar_in::read_blob(blob, &Owner::new(blob.label()), &options).map(|unpacked| unpacked.tree)
}

fn list(names: &[String]) -> String {
    if names.is_empty() { "no key at all".to_owned() } else { names.join(", ") }
}

fn dsa(algorithms: &[String]) -> &'static str {
    if algorithms.iter().any(|algorithm| algorithm == "DSA") {
        " (DSA signs 160 bits with keys of 1024, which is no protection)"
    } else {
        ""
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::RsaSha1 => "RSA-SHA1",
            Self::RsaSha256 => "RSA-SHA256",
            Self::RsaSha512 => "RSA-SHA512",
        })
    }
}

impl fmt::Display for SignedBy {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} ({}, {})", self.key, self.algorithm, self.fingerprint)
    }
}

#[cfg(test)]
mod tests;
