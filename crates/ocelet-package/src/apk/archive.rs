//! [`Archive`]: a package of format version 2, split and then verified.
//!
//! The order is the whole point: members are split without looking into them, the signature over the control
//! member is checked, and only then is `.PKGINFO` read, whose digest of the data member is what
//! [`VerifiedControl::unpack`] checks. Refused are files that are no gzip, format version 3, packages without a
//! control or a data member or with something behind them, a `.PKGINFO` without `datahash`, and control members
//! that hold files to install.

use ocelet_tree::{Blob, TreePath, tar_in};
use sha2::{Digest, Sha256};

use super::identity::{Identity, hex};
use super::keys::Keyring;
use super::member::{Member, Members};
use super::package::ShortIdentity;
use super::pkginfo::{PackageInfo, PkginfoError};
use super::script::{Script, ScriptKind};
use super::signature::{SignatureError, Signatures, SignedBy, small_archive};
use super::unpack::UnpackError;

/// The most bytes that a control member may inflate to. The largest of Alpine's are some 100 KiB.
pub const CONTROL_LIMIT: u64 = 16 << 20;

/// A package that was split into its members, and that nobody has vouched for yet.
#[derive(Debug, Clone)]
pub struct Archive<'bytes> {
    label: String,
    bytes: &'bytes [u8],
    signatures: Signatures,
    control: Member<'bytes>,
}

/// Whether a package carries signatures; of what worth they are, only [`Archive::verify`] says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Signature, control, data.
    Signed,
    /// Control and data only: what abuild leaves before signing, and what some private repositories serve.
    Unsigned,
}

/// Who said that a package is what it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Vouched {
    /// A key signed it.
    Signature(SignedBy),
    /// The SHA-256 of the whole file is what was pinned.
    Digest([u8; 32]),
}

/// What a package says of itself, after someone known has vouched for it. Only a verification makes one.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Control {
    /// The `.PKGINFO`.
    pub info: PackageInfo,
    /// The maintainer scripts, which are never run.
    pub scripts: Vec<Script>,
    /// What indexes and databases call the package (`Q1…`): the SHA-1 of its control member as stored.
    pub identity: Identity,
    /// The same with SHA-256 (`Q2…`).
    pub strong_identity: Identity,
    /// Who vouched for it.
    pub vouched: Vouched,
    /// The size of the package file in bytes.
    pub size: u64,
    /// What `.PKGINFO` says that the SHA-256 of the data member as stored is.
    pub(super) data_hash: [u8; 32],
    /// What the package is called in errors.
    pub(super) label: String,
}

/// A package whose control member is vouched for. Its data member is still to be checked.
#[derive(Debug, Clone)]
pub struct VerifiedControl<'bytes> {
    pub(super) control: Control,
    pub(super) data: &'bytes [u8],
    pub(super) data_offset: u64,
}

/// Why a file is not a package that can be trusted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ArchiveError {
    /// The package is of format version 3.
    #[error(
        "{label} is an apk of format version 3 (it begins with \"ADB\"), which is not supported; take it from a repository of format version 2 (APKINDEX.tar.gz)"
    )]
    VersionThree {
        /// What the file is called.
        label: String,
    },
    /// The members or the signatures cannot be read, or do not hold.
    #[error("{label} cannot be trusted")]
    Signature {
        /// What the file is called.
        label: String,
        /// Why.
        #[source]
        cause: SignatureError,
    },
    /// A member is missing.
    #[error("{label} ends at byte {length} without its {part} member; it was cut short, or is no package")]
    Missing {
        /// What the file is called.
        label: String,
        /// The member: `control` or `data`.
        part: &'static str,
        /// The length of the file.
        length: u64,
    },
    /// The whole file is not the one that was pinned.
    #[error("{label} has sha256 {}, wanted {}; it was changed, or is another build", hex(.got), hex(.wanted))]
    Digest {
        /// What the file is called.
        label: String,
        /// The digest that was pinned.
        wanted: [u8; 32],
        /// The digest of the file.
        got: [u8; 32],
    },
    /// The control member is signed, and cannot be used all the same.
    #[error("the control member of {label} cannot be used")]
    Control {
        /// What the file is called.
        label: String,
        /// Why.
        #[source]
        cause: ControlError,
    },
    /// The package is not the one that the index lists.
    #[error(
        "{label} is {got}, but the index lists {wanted}; it is another build of the same name, or was exchanged"
    )]
    Identity {
        /// What the file is called.
        label: String,
        /// What the index lists.
        wanted: Identity,
        /// What the package is.
        got: Identity,
    },
}

/// What is wrong inside of a control member.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ControlError {
    /// Its archive is damaged.
    #[error("its archive is refused")]
    Tar(#[from] tar_in::TarError),
    /// There is no `.PKGINFO`.
    #[error("it has no .PKGINFO")]
    NoPackageInfo,
    /// The `.PKGINFO` is wrong.
    #[error(transparent)]
    PackageInfo(#[from] PkginfoError),
    /// The `.PKGINFO` does not say what the data is.
    #[error("its .PKGINFO has no datahash, so nothing vouches for the files; build it with a current abuild")]
    NoDataHash,
    /// It holds what belongs into the data member.
    #[error("it has the file {path}, which belongs into the data member: nothing would vouch for it")]
    Misplaced {
        /// The file.
        path: TreePath,
    },
}

impl<'bytes> Archive<'bytes> {
    /// Splits the bytes of an .apk file; `label` is what it is called in errors.
    ///
    /// # Errors
    /// See [`ArchiveError`].
    pub fn open(label: &str, bytes: &'bytes [u8]) -> Result<Self, ArchiveError> {
        // apk-tools, doc/apk-v3.5.scd: "ADB." plain, "ADBd" and "ADBc" compressed.
        if [&b"ADB."[..], b"ADBd", b"ADBc"].iter().any(|magic| bytes.starts_with(magic)) {
            return Err(ArchiveError::VersionThree { label: label.to_owned() });
        }
        let missing =
            |part| ArchiveError::Missing { label: label.to_owned(), part, length: bytes.len() as u64 };
        let (signatures, control) = Signatures::read(&mut Members::new(bytes), CONTROL_LIMIT)
            .map_err(|cause| ArchiveError::Signature { label: label.to_owned(), cause })?;
        let control = control.ok_or_else(|| missing("control"))?;
        if control.range.end == bytes.len() {
            return Err(missing("data"));
        }
        Ok(Self { label: label.to_owned(), bytes, signatures, control })
    }

    /// Whether there are signatures at all.
    pub fn shape(&self) -> Shape {
        if self.signatures.is_empty() { Shape::Unsigned } else { Shape::Signed }
    }

    /// Checks the signatures with the keys that are known.
    ///
    /// # Errors
    /// No signature, none by a known key, one that does not fit, or a control member that cannot be used.
    pub fn verify(&self, keyring: &Keyring) -> Result<VerifiedControl<'bytes>, ArchiveError> {
        let signed = self
            .signatures
            .verify(self.control.raw, keyring)
            .map_err(|cause| ArchiveError::Signature { label: self.label.clone(), cause })?;
        self.vouched_by(Vouched::Signature(signed))
    }

    /// Checks that the whole file has a SHA-256 that was pinned, by a lock for example. Signatures, if there are
    /// any, do not matter then.
    ///
    /// # Errors
    /// Another digest, or a control member that cannot be used.
    pub fn verify_digest(&self, wanted: [u8; 32]) -> Result<VerifiedControl<'bytes>, ArchiveError> {
        let got: [u8; 32] = Sha256::digest(self.bytes).into();
        if got != wanted {
            return Err(ArchiveError::Digest { label: self.label.clone(), wanted, got });
        }
        self.vouched_by(Vouched::Digest(wanted))
    }

    fn vouched_by(&self, vouched: Vouched) -> Result<VerifiedControl<'bytes>, ArchiveError> {
        let in_control = |cause| ArchiveError::Control { label: self.label.clone(), cause };
        let (info, scripts) = read_control(&self.label, &self.control.inflated).map_err(in_control)?;
        let data_hash = info.data_hash.ok_or_else(|| in_control(ControlError::NoDataHash))?;
        let end = self.control.range.end;
        Ok(VerifiedControl {
            control: Control {
                info,
                scripts,
                identity: Identity::sha1_of(self.control.raw),
                strong_identity: Identity::sha256_of(self.control.raw),
                vouched,
                size: self.bytes.len() as u64,
                data_hash,
                label: self.label.clone(),
            },
            data: &self.bytes[end..],
            data_offset: end as u64,
        })
    }
}

impl VerifiedControl<'_> {
    /// What the package says of itself.
    pub fn control(&self) -> &Control {
        &self.control
    }

    /// Checks the same against what an index that was read for solving remembers of it: 20 bytes, of whatever digest.
    ///
    /// # Errors
    /// [`ArchiveError::Identity`].
    pub fn expect_short_identity(&self, wanted: &ShortIdentity) -> Result<(), ArchiveError> {
        let strong = match self.control.strong_identity {
            Identity::Sha256(digest) => digest,
            Identity::Sha1(_) => return self.expect_identity(&Identity::Sha1(*wanted.as_bytes())),
        };
        if strong[..20] == wanted.as_bytes()[..] {
            return Ok(());
        }
        self.expect_identity(&Identity::Sha1(*wanted.as_bytes()))
    }

    /// Checks the data member against the digest in the signed control member, and inflates nothing.
    ///
    /// # Errors
    /// [`UnpackError::DataHash`].
    pub fn check_data(&self) -> Result<(), UnpackError> {
        self.check_hash()
    }

    /// Checks that this is the package that an index lists under `identity` (its `C:` line).
    ///
    /// # Errors
    /// [`ArchiveError::Identity`].
    pub fn expect_identity(&self, wanted: &Identity) -> Result<(), ArchiveError> {
        let got = match wanted {
            Identity::Sha1(_) => self.control.identity,
            Identity::Sha256(_) => self.control.strong_identity,
        };
        if got == *wanted {
            Ok(())
        } else {
            Err(ArchiveError::Identity { label: self.control.label.clone(), wanted: *wanted, got })
        }
    }
}

/// Reads the archive of a control member: the `.PKGINFO`, the scripts, and nothing to install.
fn read_control(label: &str, archive: &[u8]) -> Result<(PackageInfo, Vec<Script>), ControlError> {
    let tree = small_archive(&Blob::from_bytes(label, archive.to_vec()))?;
    let (mut info, mut scripts) = (None, Vec::new());
    for (path, node) in tree.iter() {
        let name = String::from_utf8_lossy(path.as_bytes());
        let hidden = name.strip_prefix('.').filter(|rest| !rest.contains('/'));
        let (Some(name), Some(content)) = (hidden, node.content()) else {
            return Err(ControlError::Misplaced { path: path.clone() });
        };
        let bytes = content.bytes().expect("a blob in memory answers");
        if name == "PKGINFO" {
            info = Some(PackageInfo::parse(&bytes)?);
        } else if let Some(kind) = ScriptKind::named(name) {
            scripts.push(Script { kind, text: bytes.to_vec() });
        }
        // Other hidden files are for newer tools; apk-tools ignores them too.
    }
    scripts.sort_by_key(|script: &Script| script.kind);
    Ok((info.ok_or(ControlError::NoPackageInfo)?, scripts))
}

#[cfg(test)]
mod tests;
