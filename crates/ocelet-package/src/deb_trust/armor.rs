//! Blocks of base64 between `-----BEGIN PGP …-----` and `-----END PGP …-----` (RFC 9580 section 6).
//!
//! Only the bytes inside are handed out. The checksum behind the base64 is optional and is not looked at (section
//! 6.1: nobody may refuse a block for it); what is inside is signed or refused by its own rules. Private keys are
//! refused by name, so that nobody learns about them from a vague message.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// What every first line of a block begins with.
pub(super) const BEGIN: &[u8] = b"-----BEGIN PGP ";
/// The most base64 in one block, in bytes: Debian's whole keyring has 76,000.
const LIMIT: usize = 16 << 20;

/// What kind of block is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BlockKind {
    /// Certificates, `PUBLIC KEY BLOCK`.
    PublicKeys,
    /// Signatures, `SIGNATURE`.
    Signature,
}

/// Why some text is not an armored block. Lines are counted from 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ArmorError {
    /// No line begins such a block.
    #[error("there is no line \"-----BEGIN PGP {}-----\"", .wanted.title())]
    NoBlock {
        /// What was wanted.
        wanted: BlockKind,
    },
    /// A block has no end.
    #[error("the block that begins in line {line} has no end; wanted \"-----END PGP {}-----\"; the file was cut short", .wanted.title())]
    NoEnd {
        /// The line of its beginning.
        line: usize,
        /// What was wanted.
        wanted: BlockKind,
    },
    /// What is between the lines is not base64.
    #[error("the block that begins in line {line} is not base64; the file is damaged")]
    Base64 {
        /// The line of its beginning.
        line: usize,
    },
    /// A block has more than anyone needs.
    #[error("the block that begins in line {line} has more than {LIMIT} bytes")]
    TooLarge {
        /// The line of its beginning.
        line: usize,
    },
    /// A private key.
    #[error(
        "line {line} begins a private key, which must be given to no one; export the public one (gpg --export)"
    )]
    Private {
        /// The line.
        line: usize,
    },
}

impl BlockKind {
    fn title(self) -> &'static str {
        match self {
            Self::PublicKeys => "PUBLIC KEY BLOCK",
            Self::Signature => "SIGNATURE",
        }
    }

    fn is_begin(self, line: &[u8]) -> bool {
        self.is_line(line, "BEGIN")
    }

    fn is_line(self, line: &[u8], what: &str) -> bool {
        line == format!("-----{what} PGP {}-----", self.title()).as_bytes()
    }
}

/// Whether some bytes look like armor rather than packets.
pub(super) fn is_armored(bytes: &[u8]) -> bool {
    // A packet begins with the highest bit (RFC 9580 section 4.2); text never does before its first block.
    bytes.first().is_some_and(u8::is_ascii) && bytes.windows(BEGIN.len()).any(|window| window == BEGIN)
}

/// The bytes of all blocks of that kind. Text around the blocks is a comment, as in files of keys.
pub(super) fn blocks(text: &[u8], wanted: BlockKind) -> Result<Vec<Vec<u8>>, ArmorError> {
    let mut found = Vec::new();
    let mut lines = lines(text);
    while let Some((line, content)) = lines.next() {
        if content.starts_with(b"-----BEGIN PGP PRIVATE KEY") {
            return Err(ArmorError::Private { line });
        }
        if wanted.is_begin(content) {
            found.push(inside(line, &mut lines, wanted)?);
        }
    }
    if found.is_empty() { Err(ArmorError::NoBlock { wanted }) } else { Ok(found) }
}

/// The lines of a text with their numbers, without what may stand invisibly at their ends.
pub(super) fn lines(text: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    text.split(|byte| *byte == b'\n').enumerate().map(|(index, line)| (index + 1, trim_end(line)))
}

/// A line without the spaces, tabs and carriage returns at its end.
pub(super) fn trim_end(line: &[u8]) -> &[u8] {
    let end = line.iter().rposition(|byte| !matches!(byte, b' ' | b'\t' | b'\r'));
    &line[..end.map_or(0, |end| end + 1)]
}

/// Reads behind the first line of a block, up to and with its last.
pub(super) fn inside<'text>(
    begin: usize,
    lines: &mut impl Iterator<Item = (usize, &'text [u8])>,
    wanted: BlockKind,
) -> Result<Vec<u8>, ArmorError> {
    let (mut digits, mut in_headers) = (Vec::new(), true);
    for (_, line) in lines {
        if wanted.is_line(line, "END") {
            return STANDARD.decode(&digits).map_err(|_| ArmorError::Base64 { line: begin });
        }
        if in_headers && (line.is_empty() || line.contains(&b':')) {
            in_headers = !line.is_empty();
            continue;
        }
        in_headers = false;
        // The checksum: "=" and four digits, of which a line of data has no way to be one.
        if line.first() == Some(&b'=') && line.len() == 5 {
            continue;
        }
        digits.extend_from_slice(line);
        if digits.len() > LIMIT {
            return Err(ArmorError::TooLarge { line: begin });
        }
    }
    Err(ArmorError::NoEnd { line: begin, wanted })
}
