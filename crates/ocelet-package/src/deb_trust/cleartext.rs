//! Splits a file with signatures in it (`InRelease`) into what is signed and who signed it (RFC 9580 section 7).
//!
//! The trap of this form is text outside of the signed part: a reader who parses the whole file believes what nobody
//! signed. So nothing may stand before the first line or behind the last, there is one signed part, and what is handed
//! out is only the text as it goes into the signature: without the escapes of dashes and without spaces at the ends of
//! lines. Refused are headers other than `Hash` (they could change what the text means), lines that begin with an
//! unescaped dash, and a carriage return within a line, which readers take for an end of line or not as they like.

use super::armor::{self, ArmorError, BlockKind, trim_end};

/// The first line.
const BEGIN: &[u8] = b"-----BEGIN PGP SIGNED MESSAGE-----";
/// The line between the text and its signatures.
const SIGNATURES: &[u8] = b"-----BEGIN PGP SIGNATURE-----";

/// A signed text that was split and not verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cleartext {
    /// The text, each line with a line feed.
    pub(super) text: Vec<u8>,
    /// The text as it is hashed: lines are joined by CR and LF, with nothing behind the last.
    pub(super) hashed: Vec<u8>,
    /// The signature packets.
    pub(super) signatures: Vec<u8>,
}

/// Why a file is not one signed text and nothing else. Lines are counted from 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CleartextError {
    /// The file begins with something else.
    #[error(
        "the first line is not \"-----BEGIN PGP SIGNED MESSAGE-----\"; it is not signed, or text that nobody signed was put before it"
    )]
    NotSigned,
    /// A header that may change what the text means.
    #[error("line {line} has the header \"{}\"; wanted only \"Hash\"", .header.escape_debug())]
    Header {
        /// The line.
        line: usize,
        /// Its beginning.
        header: String,
    },
    /// A line begins with a dash and is not escaped.
    #[error(
        "line {line} begins with a dash that is not escaped as \"- -\"; nobody signs such a text, so it was changed"
    )]
    Dash {
        /// The line.
        line: usize,
    },
    /// A carriage return that ends no line.
    #[error("line {line} has a carriage return in the middle, which some take for the end of a line")]
    CarriageReturn {
        /// The line.
        line: usize,
    },
    /// There is no signature.
    #[error("the text has no end \"-----BEGIN PGP SIGNATURE-----\"; the file was cut short")]
    NoSignature,
    /// The signature cannot be read.
    #[error("its signature cannot be read")]
    Armor(#[from] ArmorError),
    /// Something stands behind the signature.
    #[error(
        "line {line} stands behind the signature, so nobody signed it; the file was changed or two files were joined"
    )]
    After {
        /// The line.
        line: usize,
    },
}

/// Splits a file.
pub(super) fn read(bytes: &[u8]) -> Result<Cleartext, CleartextError> {
    let mut lines = bytes.split(|byte| *byte == b'\n').enumerate().map(|(index, line)| (index + 1, line));
    if lines.next().map(|(_, line)| trim_end(line)) != Some(BEGIN) {
        return Err(CleartextError::NotSigned);
    }
    headers(&mut lines)?;
    let (mut text, mut hashed) = (Vec::with_capacity(bytes.len()), Vec::with_capacity(bytes.len()));
    let mut first = true;
    let begin = loop {
        let (number, raw) = lines.next().ok_or(CleartextError::NoSignature)?;
        let line = trim_end(raw);
        if line == SIGNATURES {
            break number;
        }
        let line = match line {
            [b'-', b' ', rest @ ..] => rest,
            // An escaped line with nothing behind the dash, of which the space was trimmed away.
            [b'-'] if raw.starts_with(b"- ") => &[],
            [b'-', ..] => return Err(CleartextError::Dash { line: number }),
            line => line,
        };
        if line.contains(&b'\r') {
            return Err(CleartextError::CarriageReturn { line: number });
        }
        if !first {
            hashed.extend_from_slice(b"\r\n");
        }
        first = false;
        hashed.extend_from_slice(line);
        text.extend_from_slice(line);
        text.push(b'\n');
    };
    let mut rest = lines.map(|(number, line)| (number, trim_end(line)));
    let signatures = armor::inside(begin, &mut rest, BlockKind::Signature)?;
    match rest.find(|(_, line)| !line.is_empty()) {
        Some((line, _)) => Err(CleartextError::After { line }),
        None => Ok(Cleartext { text, hashed, signatures }),
    }
}

/// Reads the headers and the empty line behind them. What `Hash` says is not used: each signature names its own.
fn headers<'text>(lines: &mut impl Iterator<Item = (usize, &'text [u8])>) -> Result<(), CleartextError> {
    for (number, line) in lines {
        let line = trim_end(line);
        if line.is_empty() {
            return Ok(());
        }
        if !line.starts_with(b"Hash: ") {
            let header = line.split(|byte| *byte == b':').next().unwrap_or(line);
            let header = String::from_utf8_lossy(&header[..header.len().min(64)]).into_owned();
            return Err(CleartextError::Header { line: number, header });
        }
    }
    Err(CleartextError::NoSignature)
}

#[cfg(test)]
mod tests;
