//! [`Archive`]: a `.deb` file, split and then verified.
//!
//! Members are split without a look into them ([`Archive::open`]), the SHA-256 of the whole file is compared with what
//! a signed index or a lock says ([`Archive::verify_digest`]), and only then the control member is unpacked. The form is
//! deb(5): `debian-binary`, `control.tar`, `data.tar`, each of the latter two packed as its name says. Members whose
//! names begin with `_` may stand between them and are passed over, and so is what follows. Refused are the format of
//! before 1995, other major numbers, `.lzma`, and members that are not what their names say they are.

use std::collections::BTreeMap;

use ocelet_tree::{Compression, TreePath};
use sha2::{Digest, Sha256};

use super::ar::{ArError, Member, Members};
use super::control::{Control, ControlError};
use super::digest::hex;

/// A package that was split into its members, and that nobody has vouched for yet.
#[derive(Debug, Clone)]
pub struct Archive<'bytes> {
    label: String,
    bytes: &'bytes [u8],
    control: Part<'bytes>,
    data: Part<'bytes>,
    others: Vec<String>,
}

/// One of the two archives in a package.
#[derive(Debug, Clone)]
pub(super) struct Part<'bytes> {
    pub(super) name: String,
    pub(super) content: &'bytes [u8],
    pub(super) offset: usize,
    pub(super) compression: Compression,
}

/// A package that is the one that was wanted, and what it says of itself. Its files are still to be unpacked.
#[derive(Debug, Clone)]
pub struct VerifiedArchive<'bytes> {
    pub(super) control: Control,
    pub(super) data: Part<'bytes>,
}

/// Why a file is not a package that can be trusted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ArchiveError {
    /// The file is no ar archive.
    #[error("{label} is no package")]
    Ar {
        /// What the file is called.
        label: String,
        /// Why.
        #[source]
        cause: ArError,
    },
    /// The format of before 1995.
    #[error(
        "{label} is a package of the format of before 1995 (deb-old(5)), which is not supported; build it anew"
    )]
    Old {
        /// What the file is called.
        label: String,
    },
    /// A member that is not the one that stands there.
    #[error("{label} has the member {got} at byte {offset}; wanted {wanted}")]
    Unexpected {
        /// What the file is called.
        label: String,
        /// Where the member begins.
        offset: usize,
        /// Its name.
        got: String,
        /// What should stand there.
        wanted: &'static str,
    },
    /// A member that is missing.
    #[error("{label} ends at byte {length} without {wanted}; it was cut short, or is no package")]
    Missing {
        /// What the file is called.
        label: String,
        /// The length of the file.
        length: usize,
        /// What should stand there.
        wanted: &'static str,
    },
    /// Another version of the format.
    #[error("{label} has the format version \"{}\"; wanted 2.0 and the end of a line", got.escape_debug())]
    Version {
        /// What the file is called.
        label: String,
        /// What stands in `debian-binary`.
        got: String,
    },
    /// A member that is packed in another way than its name says.
    #[error(
        "{label}: the member {name} at byte {offset} is {got} inside; readers disagree about what it is then"
    )]
    Packed {
        /// What the file is called.
        label: String,
        /// Where the member begins.
        offset: usize,
        /// Its name.
        name: String,
        /// What it is.
        got: Compression,
    },
    /// The whole file is not the one that was wanted.
    #[error("{label} has sha256 {}, wanted {}; it was changed, or is another build", hex(.got), hex(.wanted))]
    Digest {
        /// What the file is called.
        label: String,
        /// The digest that was wanted.
        wanted: [u8; 32],
        /// The digest of the file.
        got: [u8; 32],
    },
    /// The control member cannot be used.
    #[error("the control member of {label} cannot be used")]
    Control {
        /// What the file is called.
        label: String,
        /// Why.
        #[source]
        cause: ControlError,
    },
}

/// What members may be called, and how they are packed then (deb(5); dpkg 1.21.18 and later know zst). The last one is
/// for data only.
const SUFFIXES: [(&str, Compression); 5] = [
    ("", Compression::Plain),
    (".gz", Compression::Gzip),
    (".xz", Compression::Xz),
    (".zst", Compression::Zstd),
    (".bz2", Compression::Bzip2),
];

impl<'bytes> Archive<'bytes> {
    /// Splits the bytes of a `.deb` file; `label` is what it is called in errors.
    ///
    /// # Errors
    /// See [`ArchiveError`].
    pub fn open(label: &str, bytes: &'bytes [u8]) -> Result<Self, ArchiveError> {
        if bytes.starts_with(b"0.93") {
            return Err(ArchiveError::Old { label: label.to_owned() });
        }
        let mut reader = Reader { label, length: bytes.len(), members: None };
        reader.members = Some(Members::new(bytes).map_err(|cause| reader.ar(cause))?);
        let first = reader.expect("debian-binary", false)?;
        reader.check_version(&first)?;
        let control =
            reader.expect("control.tar", true).and_then(|member| reader.part("control.tar", member))?;
        let data = reader.expect("data.tar", true).and_then(|member| reader.part("data.tar", member))?;
        let mut others = Vec::new();
        while let Some(member) = reader.next()? {
            others.push(member.name);
        }
        Ok(Self { label: label.to_owned(), bytes, control, data, others })
    }

    /// The names of members behind the data, such as `_gpgorigin`. They mean nothing here.
    pub fn others(&self) -> &[String] {
        &self.others
    }

    /// How control and data are packed.
    pub fn compressions(&self) -> [Compression; 2] {
        [self.control.compression, self.data.compression]
    }

    /// Checks that the file has the SHA-256 that a signed index or a lock says.
    ///
    /// # Errors
    /// Another digest, or a control member that cannot be used.
    pub fn verify_digest(&self, wanted: [u8; 32]) -> Result<VerifiedArchive<'bytes>, ArchiveError> {
        let got: [u8; 32] = Sha256::digest(self.bytes).into();
        if got != wanted {
            return Err(ArchiveError::Digest { label: self.label.clone(), wanted, got });
        }
        let size = self.bytes.len() as u64;
        let control = Control::read(&self.label, self.control.content, size, wanted)
            .map_err(|cause| ArchiveError::Control { label: self.label.clone(), cause })?;
        Ok(VerifiedArchive { control, data: self.data.clone() })
    }
}

impl VerifiedArchive<'_> {
    /// What the package says of itself.
    pub fn control(&self) -> &Control {
        &self.control
    }

    /// What the package says that the MD5 of its files is; empty where it says nothing.
    pub fn md5sums(&self) -> &BTreeMap<TreePath, [u8; 16]> {
        &self.control.md5sums
    }
}

/// Takes members in the order in which they must stand.
struct Reader<'label, 'bytes> {
    label: &'label str,
    length: usize,
    members: Option<Members<'bytes>>,
}

impl<'bytes> Reader<'_, 'bytes> {
    fn ar(&self, cause: ArError) -> ArchiveError {
        ArchiveError::Ar { label: self.label.to_owned(), cause }
    }

    fn next(&mut self) -> Result<Option<Member<'bytes>>, ArchiveError> {
        let Some(members) = &mut self.members else { return Ok(None) };
        members.next_member().map_err(|cause| self.ar(cause))
    }

    /// The next member, whose name must be `wanted` or begin with it. Members for later versions of the format are
    /// passed over, where they may stand.
    fn expect(&mut self, wanted: &'static str, packed: bool) -> Result<Member<'bytes>, ArchiveError> {
        while let Some(member) = self.next()? {
            if member.name == wanted || packed && member.name.starts_with(wanted) {
                return Ok(member);
            }
            if !packed || !member.name.starts_with('_') {
                let (label, offset) = (self.label.to_owned(), member.range.start);
                return Err(ArchiveError::Unexpected { label, offset, got: member.name, wanted });
            }
        }
        Err(ArchiveError::Missing { label: self.label.to_owned(), length: self.length, wanted })
    }

    /// deb(5): lines, of which the first is the version; a program stops at a major number that it does not know.
    fn check_version(&self, member: &Member<'_>) -> Result<(), ArchiveError> {
        let text = String::from_utf8_lossy(&member.content[..member.content.len().min(40)]);
        let version = text.split_once('\n').and_then(|(first, _)| first.split_once('.'));
        let minor = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        match version {
            Some(("2", rest)) if minor(rest) => Ok(()),
            _ => Err(ArchiveError::Version { label: self.label.to_owned(), got: text.into_owned() }),
        }
    }

    fn part(&self, stem: &'static str, member: Member<'bytes>) -> Result<Part<'bytes>, ArchiveError> {
        let (label, offset) = (self.label.to_owned(), member.range.start);
        let suffix = member.name.strip_prefix(stem).unwrap_or("");
        let (known, wanted) = match stem {
            "control.tar" => (&SUFFIXES[..4], "control.tar, plain or with .gz, .xz or .zst"),
            _ => (&SUFFIXES[..], "data.tar, plain or with .gz, .xz, .zst or .bz2"),
        };
        let Some((_, compression)) = known.iter().find(|(known, _)| *known == suffix) else {
            return Err(ArchiveError::Unexpected { label, offset, got: member.name, wanted });
        };
        let got = Compression::detect(member.content);
        if got != *compression {
            return Err(ArchiveError::Packed { label, offset, name: member.name, got });
        }
        Ok(Part { name: member.name, content: member.content, offset, compression: got })
    }
}

#[cfg(test)]
mod tests;
