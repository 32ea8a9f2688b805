//! [`Members`]: the members of an ar archive, in the common form that deb(5) asks for.
//!
//! `!<arch>` and the end of a line; then for each member 60 bytes of header — name 16, time 12, owner 6, group 6, mode 8,
//! size 10, and a backtick with the end of a line — the content, and a newline where its length is odd. Refused are headers that
//! are not whole or have no magic at their end, names and sizes that are none, the long names of GNU and BSD ar (which no
//! package has), members that reach beyond the file, and another byte than a newline as padding.

use std::ops::Range;

/// What each archive begins with.
pub(super) const MAGIC: &[u8] = b"!<arch>\n";
/// The length of a header.
const HEADER: usize = 60;

/// One member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Member<'bytes> {
    /// Its name, without the blanks and the slash behind it.
    pub(super) name: String,
    /// Its content.
    pub(super) content: &'bytes [u8],
    /// Where the content stands in the file.
    pub(super) range: Range<usize>,
}

/// The members of an archive, in their order.
#[derive(Debug, Clone)]
pub(super) struct Members<'bytes> {
    bytes: &'bytes [u8],
    position: usize,
}

/// Why a file is not an ar archive.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ArError {
    /// The file begins otherwise.
    #[error("it begins with \"{}\", wanted \"!<arch>\" and the end of a line; it is damaged, or no package", .got.escape_ascii())]
    Magic {
        /// The first bytes, at most eight.
        got: Vec<u8>,
    },
    /// The file ends within something.
    #[error("it ends at byte {length}, inside of the {part} that begins at byte {offset}; it was cut short")]
    CutShort {
        /// `header` or `member`.
        part: &'static str,
        /// Where that begins.
        offset: usize,
        /// The length of the file.
        length: usize,
    },
    /// A header that is none.
    #[error("the header at byte {offset} is wrong: {field} is \"{}\"", .got.escape_ascii())]
    Header {
        /// Where the header begins.
        offset: usize,
        /// What is wrong in it.
        field: &'static str,
        /// What stands there.
        got: Vec<u8>,
    },
    /// Padding that is none.
    #[error("byte {offset} pads a member and is 0x{got:02x}, wanted the end of a line")]
    Padding {
        /// Where it is.
        offset: usize,
        /// What stands there.
        got: u8,
    },
}

impl<'bytes> Members<'bytes> {
    /// The members of a file.
    ///
    /// # Errors
    /// [`ArError::Magic`].
    pub(super) fn new(bytes: &'bytes [u8]) -> Result<Self, ArError> {
        if bytes.starts_with(MAGIC) {
            Ok(Self { bytes, position: MAGIC.len() })
        } else {
            Err(ArError::Magic { got: bytes[..bytes.len().min(MAGIC.len())].to_vec() })
        }
    }

    /// The next member; nothing at the end of the file.
    ///
    /// # Errors
    /// See [`ArError`].
    pub(super) fn next_member(&mut self) -> Result<Option<Member<'bytes>>, ArError> {
        let (offset, length) = (self.position, self.bytes.len());
        let rest = &self.bytes[offset..];
        if rest.is_empty() {
            return Ok(None);
        }
        let cut = |part, offset| ArError::CutShort { part, offset, length };
        let (header, after) = rest.split_at_checked(HEADER).ok_or_else(|| cut("header", offset))?;
        let (name, size) = read_header(header, offset)?;
        let start = offset + HEADER;
        let content = after.get(..size).ok_or_else(|| cut("member", start))?;
        let end = start + size;
        self.position = end;
        if size % 2 == 1 {
            match self.bytes.get(end) {
                Some(b'\n') => self.position += 1,
                Some(got) => return Err(ArError::Padding { offset: end, got: *got }),
                // Some writers do not pad the last member, and no reader minds.
                None => {}
            }
        }
        Ok(Some(Member { name, content, range: start..end }))
    }
}

fn read_header(header: &[u8], offset: usize) -> Result<(String, usize), ArError> {
    let wrong = |field, got: &[u8]| ArError::Header { offset, field, got: got.to_vec() };
    if &header[58..] != b"`\n" {
        return Err(wrong("its end", &header[58..]));
    }
    let (name, size) = (&header[..16], &header[48..58]);
    // dpkg takes a name up to the first blank or slash.
    let trimmed = name.trim_ascii_end();
    let trimmed = trimmed.strip_suffix(b"/").unwrap_or(trimmed);
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'+');
    if trimmed.is_empty() || !trimmed.iter().all(plain) {
        return Err(wrong("the name", name));
    }
    let digits = size.trim_ascii_end();
    let number = std::str::from_utf8(digits).ok().filter(|_| digits.iter().all(u8::is_ascii_digit));
    let number = number.and_then(|digits| digits.parse().ok()).ok_or_else(|| wrong("the size", size))?;
    Ok((String::from_utf8_lossy(trimmed).into_owned(), number))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(name: &str, size: &str) -> Vec<u8> {
        format!("{name:<16}{:<12}{:<6}{:<6}{:<8}{size:<10}`\n", 0, 0, 0, "100644").into_bytes()
    }

    fn all(bytes: &[u8]) -> Result<Vec<(String, Vec<u8>)>, ArError> {
        let mut members = Members::new(bytes)?;
        let mut all = Vec::new();
        while let Some(member) = members.next_member()? {
            assert_eq!(&bytes[member.range.clone()], member.content);
            all.push((member.name, member.content.to_vec()));
        }
        Ok(all)
    }

    #[test]
    fn members_end_where_they_end() {
        let file = [
            MAGIC,
            &header("a", "3"),
            b"abc\n",
            &header("b/", "0"),
            &header("_c", "2"),
            b"xy",
            &header("d", "1"),
            b"z",
        ]
        .concat();
        let want = [("a", &b"abc"[..]), ("b", b""), ("_c", b"xy"), ("d", b"z")];
        assert_eq!(
            all(&file).expect("well formed"),
            want.map(|(name, content)| (name.to_owned(), content.to_vec()))
        );
        assert!(all(MAGIC).expect("well formed").is_empty());
    }

    #[test]
    fn what_is_no_archive_is_refused_with_its_place() {
        let after = |rest: &[&[u8]]| [MAGIC, &header("a", "1"), b"x\n", &rest.concat()].concat();
        let mut broken = header("b", "1");
        broken[58] = b'x';
        for (file, want) in [
            (b"!<arch".to_vec(), "begins with \"!<arch\""),
            (b"\x1f\x8b0123456789".to_vec(), "begins with \"\\x1f\\x8b012345\""),
            (after(&[b"x"]), "inside of the header that begins at byte 70"),
            (after(&[&header("b", "5"), b"1234"]), "inside of the member that begins at byte 130"),
            (after(&[&header("b", "9999999999"), b""]), "inside of the member"),
            (after(&[&broken, b"1"]), "header at byte 70 is wrong: its end"),
            (after(&[&header("", "0")]), "the name is"),
            (after(&[&header("a b", "0")]), "the name is"),
            (after(&[&header("../x", "0")]), "the name is"),
            (after(&[&header("//", "0")]), "the name is"),
            (after(&[&header("b", "")]), "the size is"),
            (after(&[&header("b", "-1")]), "the size is"),
            (after(&[&header("b", "0x1")]), "the size is"),
            (after(&[&header("b", "1"), b"1x"]), "byte 131 pads a member and is 0x78"),
        ] {
            let error = all(&file).expect_err(want).to_string();
            assert!(error.contains(want), "{error}: wanted {want}");
        }
    }
}
