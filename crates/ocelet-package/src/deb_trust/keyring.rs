//! [`Keyring`]: whose signatures count, read from the files that apt takes (`.gpg` as packets, `.asc` as text).
//!
//! A file may hold many certificates. One that cannot be read, or is of a version that nobody should use any more, is
//! left out and named; a file in which none is left is an error. GnuPG's own keybox and private keys are refused with a
//! word about what to do. Whether a key is strong, expired or revoked is judged when it has signed something.

use std::collections::BTreeSet;
use std::fmt;

use pgp::errors::Error as PacketError;
use pgp::packet::{Packet, PacketParser, Signature};
use pgp::types::{KeyDetails, KeyId};

use super::armor::{self, ArmorError, BlockKind};
use super::certificate::{Certificate, Which};

/// The most bytes of a file of keys. Debian's keyring of all removed keys has 73,000.
const LIMIT: usize = 16 << 20;
/// How many keys a message names before it only counts them.
const MOST_NAMED: usize = 12;

/// The fingerprint of a key: 20 bytes for version 4, 32 for version 6 (RFC 9580 section 5.5.4). Shown in capitals,
/// as apt and GnuPG do.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint(Vec<u8>);

/// A key that apt's `Signed-By` names by its fingerprint instead of a file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct WantedKey {
    /// The fingerprint of a certificate or of one of its keys.
    pub fingerprint: Fingerprint,
    /// Whether only that very key will do (an exclamation mark behind it), or also the subkeys of its certificate.
    pub exact: bool,
}

/// Certificates whose signatures count.
#[derive(Debug, Clone, Default)]
pub struct Keyring {
    certificates: Vec<Certificate>,
    unread: Vec<Unread>,
    only: Option<BTreeSet<WantedKey>>,
}

/// A certificate of a file that is left out.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unread {
    /// The name of the file.
    pub file: String,
    /// Which one: its fingerprint, or its place in the file.
    pub certificate: String,
    /// Why.
    pub reason: String,
}

/// Why a file is no keyring.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyringError {
    /// Not armored, and not packets either.
    #[error("{file} is no keyring: wanted certificates as gpg --export writes them{hint}")]
    NotKeys {
        /// The name of the file.
        file: String,
        /// What it seems to be instead.
        hint: &'static str,
    },
    /// The armor is damaged.
    #[error("{file} is no keyring")]
    Armor {
        /// The name of the file.
        file: String,
        /// What is wrong.
        #[source]
        cause: ArmorError,
    },
    /// It holds a private key.
    #[error(
        "{file} holds a private key, which must be given to no one; export the public one (gpg --export)"
    )]
    Private {
        /// The name of the file.
        file: String,
    },
    /// There is no certificate that can be read.
    #[error("{file} has no certificate that can be used{}", reasons(.unread))]
    Empty {
        /// The name of the file.
        file: String,
        /// What was left out.
        unread: Vec<Unread>,
    },
    /// More than anyone needs.
    #[error("{file} has {size} bytes; a keyring has at most {LIMIT}")]
    TooLarge {
        /// The name of the file.
        file: String,
        /// Its size.
        size: usize,
    },
}

impl Fingerprint {
    pub(super) fn of(key: &impl KeyDetails) -> Self {
        Self(key.fingerprint().as_bytes().to_vec())
    }

    /// Reads 40 or 64 hexadecimal digits, with spaces between them or none.
    pub fn parse(text: &str) -> Option<Self> {
        let digits: Vec<u8> = text.bytes().filter(|byte| *byte != b' ').collect();
        if !matches!(digits.len(), 40 | 64) {
            return None;
        }
        let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|value| u8::try_from(value).ok());
        let bytes = digits.chunks_exact(2).map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?));
        bytes.collect::<Option<_>>().map(Self)
    }

    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl WantedKey {
    /// Reads one word of `Signed-By`.
    pub fn parse(word: &str) -> Option<Self> {
        let (digits, exact) = word.strip_suffix('!').map_or((word, false), |digits| (digits, true));
        Some(Self { fingerprint: Fingerprint::parse(digits)?, exact })
    }
}

impl Keyring {
    /// A keyring without keys.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds all certificates of a file, packets or text; `file` is its name in messages. A certificate that is known
    /// already is completed by what the new copy has. Returns the fingerprints of the certificates.
    ///
    /// # Errors
    /// See [`KeyringError`].
    pub fn add(&mut self, file: &str, bytes: &[u8]) -> Result<Vec<Fingerprint>, KeyringError> {
        let name = || file.to_owned();
        if bytes.len() > LIMIT {
            return Err(KeyringError::TooLarge { file: name(), size: bytes.len() });
        }
        let packets = if armor::is_armored(bytes) {
            armor::blocks(bytes, BlockKind::PublicKeys)
                .map_err(|cause| match cause {
                    ArmorError::Private { .. } => KeyringError::Private { file: name() },
                    cause => KeyringError::Armor { file: name(), cause },
                })?
                .concat()
        } else {
            // Every packet begins with the highest bit (RFC 9580 section 4.2).
            if bytes.first().is_none_or(u8::is_ascii) {
                return Err(KeyringError::NotKeys { file: name(), hint: hint(bytes) });
            }
            bytes.to_vec()
        };
        let (read, mut unread) = certificates(file, &packets)?;
        if read.is_empty() {
            return Err(KeyringError::Empty { file: name(), unread });
        }
        self.unread.append(&mut unread);
        let fingerprints = read.iter().map(Certificate::fingerprint).collect();
        for certificate in read {
            let fingerprint = certificate.fingerprint();
            match self.certificates.iter_mut().find(|known| known.fingerprint() == fingerprint) {
                Some(known) => known.merge(certificate),
                None => self.certificates.push(certificate),
            }
        }
        Ok(fingerprints)
    }

    /// The same certificates, of which only the named keys count.
    #[must_use]
    pub fn restricted_to(&self, keys: impl IntoIterator<Item = WantedKey>) -> Self {
        Self { only: Some(keys.into_iter().collect()), ..self.clone() }
    }

    /// The fingerprints of all certificates, in the order in which they were added.
    pub fn fingerprints(&self) -> Vec<Fingerprint> {
        self.certificates.iter().map(Certificate::fingerprint).collect()
    }

    /// Certificates that were left out.
    pub fn unread(&self) -> &[Unread] {
        &self.unread
    }

    /// Whether there is no certificate.
    pub fn is_empty(&self) -> bool {
        self.certificates.is_empty()
    }

    /// The certificates in a sentence.
    pub(super) fn describe(&self) -> String {
        if self.certificates.is_empty() {
            return "no key at all".to_owned();
        }
        let named = self.certificates.iter().take(MOST_NAMED).map(|certificate| {
            let user = certificate.user().map(|user| format!(" ({})", user.escape_debug()));
            format!("{}{}", certificate.fingerprint(), user.unwrap_or_default())
        });
        let mut text = named.collect::<Vec<_>>().join(", ");
        if let Some(more @ 1..) = self.certificates.len().checked_sub(MOST_NAMED) {
            text = format!("{text} and {more} more");
        }
        match &self.only {
            Some(only) => {
                let only: Vec<String> = only.iter().map(|key| key.fingerprint.to_string()).collect();
                format!("{text}, of which only {} may sign here", only.join(", "))
            }
            None => text,
        }
    }

    /// The keys that may have made a signature, by what it says about itself: all of them where it says nothing.
    pub(super) fn candidates(&self, signature: &Signature) -> Vec<(&Certificate, Which, Fingerprint)> {
        let fingerprints: Vec<Vec<u8>> =
            signature.issuer_fingerprint().iter().map(|one| one.as_bytes().to_vec()).collect();
        let ids: Vec<KeyId> = signature.issuer_key_id().into_iter().copied().collect();
        let mut found = Vec::new();
        for certificate in &self.certificates {
            let mut seen = BTreeSet::new();
            for (which, fingerprint) in certificate.keys() {
                let id = match which {
                    Which::Primary => certificate.primary.legacy_key_id(),
                    Which::Subkey(index) => certificate.subkeys[index].0.legacy_key_id(),
                };
                let named = match (fingerprints.is_empty(), ids.is_empty()) {
                    (true, true) => true,
                    (true, false) => ids.contains(&id),
                    (false, _) => fingerprints.contains(&fingerprint.0),
                };
                if named && self.allows(certificate, &fingerprint) && seen.insert(fingerprint.clone()) {
                    found.push((certificate, which, fingerprint));
                }
            }
        }
        found
    }

    fn allows(&self, certificate: &Certificate, key: &Fingerprint) -> bool {
        let Some(only) = &self.only else { return true };
        only.iter().any(|wanted| {
            wanted.fingerprint == *key || (!wanted.exact && wanted.fingerprint == certificate.fingerprint())
        })
    }
}

/// Groups packets into certificates (RFC 9580 section 10.1).
fn certificates(file: &str, packets: &[u8]) -> Result<(Vec<Certificate>, Vec<Unread>), KeyringError> {
    let (mut read, mut unread) = (Vec::<Certificate>::new(), Vec::new());
    // What is wrong with the certificate that is being read, and where its next signatures go.
    let (mut problem, mut place) = (None::<String>, Place::Nowhere);
    let mut count = 0;
    let mut finish = |read: &mut Vec<Certificate>, problem: &mut Option<String>, count: usize| {
        let Some(reason) = problem.take() else { return };
        let certificate = match read.pop() {
            Some(certificate) if count > 0 => certificate.fingerprint().to_string(),
            _ => format!("number {count}"),
        };
        unread.push(Unread { file: file.to_owned(), certificate, reason });
    };
    for packet in PacketParser::new(packets) {
        let packet = match packet {
            Ok(packet) => packet,
            // A kind of packet or a version that is not known yet, which the standard asks to pass over.
            Err(error) if is_unsupported(&error) => {
                place = Place::Nowhere;
                continue;
            }
            Err(error) => {
                problem.get_or_insert_with(|| format!("a packet cannot be read: {error}"));
                continue;
            }
        };
        match packet {
            Packet::SecretKey(_) | Packet::SecretSubkey(_) => {
                return Err(KeyringError::Private { file: file.to_owned() });
            }
            Packet::PublicKey(key) => {
                finish(&mut read, &mut problem, count);
                count += 1;
                read.push(Certificate::new(key));
                place = Place::Primary;
            }
            other => {
                let Some(certificate) = read.last_mut() else { continue };
                place = place.next(other, certificate);
            }
        }
    }
    finish(&mut read, &mut problem, count);
    Ok((read, unread))
}

/// What the next signature of a certificate is about.
#[derive(Debug, Clone, Copy)]
enum Place {
    Nowhere,
    Primary,
    User,
    Subkey,
}

impl Place {
    fn next(self, packet: Packet, certificate: &mut Certificate) -> Self {
        match packet {
            Packet::Signature(signature) => {
                let place = match self {
                    Self::Primary => Some(&mut certificate.direct),
                    Self::User => certificate.users.last_mut().map(|(_, signatures)| signatures),
                    Self::Subkey => certificate.subkeys.last_mut().map(|(_, signatures)| signatures),
                    Self::Nowhere => None,
                };
                if let Some(signatures) = place {
                    signatures.push(signature);
                }
                self
            }
            Packet::UserId(id) => {
                certificate.users.push((id, Vec::new()));
                Self::User
            }
            Packet::PublicSubkey(key) => {
                certificate.subkeys.push((key, Vec::new()));
                Self::Subkey
            }
            // GnuPG's own notes about trust stand between signatures.
            Packet::Trust(_) | Packet::Marker(_) | Packet::Padding(_) => self,
            _ => Self::Nowhere,
        }
    }
}

pub(super) fn is_unsupported(error: &PacketError) -> bool {
    match error {
        PacketError::Unsupported { .. } | PacketError::Unimplemented { .. } => true,
        PacketError::InvalidPacketContent { source } => is_unsupported(source),
        _ => false,
    }
}

fn hint(bytes: &[u8]) -> &'static str {
    // The first blob of a keybox has its magic at 8 (GnuPG, kbx/keybox-blob.c).
    if bytes.get(8..12) == Some(b"KBXf") {
        "; it is a keybox of GnuPG, which apt does not read either: gpg --export --keyring FILE"
    } else if bytes.is_empty() {
        "; it is empty"
    } else {
        ""
    }
}

fn reasons(unread: &[Unread]) -> String {
    let reasons: Vec<String> =
        unread.iter().map(|one| format!("{}: {}", one.certificate, one.reason)).collect();
    if reasons.is_empty() { String::new() } else { format!(" ({})", reasons.join("; ")) }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02X}"))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

#[cfg(test)]
mod tests;
