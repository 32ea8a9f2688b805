//! [`Members`]: the gzip members of an .apk or an index, one after the other (RFC 1952 section 2.2).
//!
//! Signatures and digests are over members as they are stored, so what matters is where one ends: inflating says
//! it to the byte, in one pass over memory, without reading byte by byte. Each member has a limit of its own; a
//! header that is no gzip header, a stream that is damaged or cut, and more bytes than the limit are refused with
//! the offset in the file.

use std::io::{self, Read};
use std::ops::Range;

use flate2::bufread::GzDecoder;

/// What a member begins with: ID1, ID2, and the only method there is (RFC 1952 section 2.3.1).
const MAGIC: [u8; 3] = [0x1f, 0x8b, 8];
/// How much a deflate stream can grow at most: 258 bytes from two bits, so a little below 1032 times.
const MOST_GROWTH: u64 = 1032;

/// The members of a file that are still to be read.
#[derive(Debug, Clone)]
pub struct Members<'bytes> {
    bytes: &'bytes [u8],
    position: usize,
}

/// One member.
#[derive(Clone)]
pub struct Member<'bytes> {
    /// Where it stands in the file.
    pub range: Range<usize>,
    /// Its bytes as they are stored.
    pub raw: &'bytes [u8],
    /// Its bytes inflated.
    pub inflated: Vec<u8>,
}

/// Why a member cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MemberError {
    /// No gzip header where one is wanted.
    #[error(
        "wanted a gzip member at byte {offset}, got bytes {}; the file is damaged, or no package at all", .got.escape_ascii()
    )]
    NotGzip {
        /// Where in the file.
        offset: u64,
        /// What is there: up to four bytes.
        got: Vec<u8>,
    },
    /// The deflate stream or its checksum is wrong.
    #[error("the gzip member that begins at byte {offset} is damaged")]
    Damaged {
        /// Where in the file the member begins.
        offset: u64,
        /// What the decoder said.
        #[source]
        cause: io::Error,
    },
    /// The file ends within the member.
    #[error(
        "the gzip member that begins at byte {offset} does not end before the file does, at byte {length}; it was cut short"
    )]
    CutShort {
        /// Where in the file the member begins.
        offset: u64,
        /// The length of the file.
        length: u64,
    },
    /// The member inflates to more than it may.
    #[error(
        "the gzip member that begins at byte {offset} inflates to more than the {limit} bytes that are allowed"
    )]
    TooLarge {
        /// Where in the file the member begins.
        offset: u64,
        /// The limit, in bytes.
        limit: u64,
    },
}

impl<'bytes> Members<'bytes> {
    /// The members of a file, from its beginning.
    pub fn new(bytes: &'bytes [u8]) -> Self {
        Self { bytes, position: 0 }
    }

    /// Where the next member begins, or the length of the file.
    pub fn position(&self) -> usize {
        self.position
    }

    /// The bytes from the next member to the end of the file.
    pub fn rest(&self) -> &'bytes [u8] {
        &self.bytes[self.position..]
    }

    /// Inflates the next member to at most `limit` bytes; nothing at the end of the file.
    ///
    /// # Errors
    /// See [`MemberError`].
    pub fn next_member(&mut self, limit: u64) -> Result<Option<Member<'bytes>>, MemberError> {
        if self.rest().is_empty() {
            return Ok(None);
        }
        let mut inflated = Vec::new();
        let range = self.inflate(limit, |piece| {
            inflated.extend_from_slice(piece);
            Ok::<_, MemberError>(())
        })?;
        Ok(Some(Member { raw: &self.bytes[range.clone()], range, inflated }))
    }

    /// Inflates the next member piece by piece, and says where it stands.
    pub(super) fn inflate<E: From<MemberError>>(
        &mut self,
        limit: u64,
        mut take: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<Range<usize>, E> {
        let (start, rest) = (self.position, self.rest());
        let offset = start as u64;
        if !rest.starts_with(&MAGIC) {
            if MAGIC.starts_with(rest) {
                return Err(MemberError::CutShort { offset, length: self.bytes.len() as u64 }.into());
            }
            let got = rest[..4.min(rest.len())].to_vec();
            return Err(MemberError::NotGzip { offset, got }.into());
        }
        let mut decoder = GzDecoder::new(rest);
        let mut buffer = vec![0; piece_size(rest.len(), limit)];
        let mut total = 0_u64;
        loop {
            let read = decoder.read(&mut buffer).map_err(|cause| self.name_the_fault(offset, cause))?;
            total += read as u64;
            if total > limit {
                return Err(MemberError::TooLarge { offset, limit }.into());
            }
            if read == 0 {
                break;
            }
            take(&buffer[..read])?;
        }
        self.position = self.bytes.len() - decoder.into_inner().len();
        Ok(start..self.position)
    }

    fn name_the_fault(&self, offset: u64, cause: io::Error) -> MemberError {
        if cause.kind() == io::ErrorKind::UnexpectedEof {
            MemberError::CutShort { offset, length: self.bytes.len() as u64 }
        } else {
            MemberError::Damaged { offset, cause }
        }
    }
}

impl std::fmt::Debug for Member<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Member({:?}, {} bytes inflated)", self.range, self.inflated.len())
    }
}

/// How many bytes are inflated at a time: no more than could come out, and never more than 256 KiB.
fn piece_size(stored: usize, limit: u64) -> usize {
    let most = (stored as u64).saturating_mul(MOST_GROWTH).min(limit.saturating_add(1));
    usize::try_from(most).unwrap_or(usize::MAX).clamp(512, 256 << 10)
}

/// Inflates exactly one member that must fill all of `raw`, where its length is known beforehand from its last
/// four bytes (RFC 1952 section 2.3.1, `ISIZE`), in one go. Nothing where it does not come out as it says; the
/// caller then inflates it piece by piece to learn what is wrong.
pub(super) fn inflate_whole(raw: &[u8], limit: u64) -> Option<Vec<u8>> {
    let (_, length) = raw.split_last_chunk::<4>()?;
    let length = u32::from_le_bytes(*length);
    // The length is what the file claims: it is only believed as far as a stream of this size can grow.
    let most = limit.min((raw.len() as u64).saturating_mul(MOST_GROWTH));
    if u64::from(length) > most {
        return None;
    }
    let mut inflated = vec![0; usize::try_from(length).ok()?];
    let written = libdeflater::Decompressor::new().gzip_decompress(raw, &mut inflated).ok()?;
    // The decoder stops behind the first trailer and does not say where that was. It was the one at the end of the
    // file where that one fits what came out, and does not stand anywhere before.
    let (before, trailer) = raw.split_last_chunk::<8>()?;
    let fits = written == inflated.len() && libdeflater::crc32(&inflated).to_le_bytes() == trailer[..4];
    let trailer = u64::from_le_bytes(*trailer);
    let earlier = |window: &[u8]| window.try_into().is_ok_and(|window| u64::from_le_bytes(window) == trailer);
    (fits && !before.windows(8).any(earlier)).then_some(inflated)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ocelet_testkit::apk::gzip;

    #[test]
    fn members_end_where_they_end() {
        let long = vec![7; 300_000];
        let parts: [&[u8]; 4] = [b"one", b"", &long, b"last"];
        let file: Vec<u8> = parts.iter().flat_map(|part| gzip(part)).collect();
        let mut members = Members::new(&file);
        let mut end = 0;
        for part in parts {
            let member = members.next_member(1 << 20).expect("well formed").expect("one more");
            assert_eq!((member.range.start, member.inflated.as_slice()), (end, part));
            assert_eq!(member.raw, gzip(part));
            assert_eq!(inflate_whole(member.raw, 1 << 20).as_deref(), Some(part));
            end = member.range.end;
        }
        assert_eq!(end, file.len());
        assert!(members.next_member(1).expect("the end").is_none());
        assert!(members.rest().is_empty());
    }

    #[test]
    fn what_is_not_a_member_is_refused_with_its_place() {
        let good = gzip(b"0123456789");
        let after = |bytes: &[u8]| [&good[..], bytes].concat();
        let mut flipped = good.clone();
        let checksum = flipped.len() - 8;
        flipped[checksum] ^= 1;
        for (file, want) in [
            (after(b"ADB.x"), "at byte 33, got bytes ADB."),
            (after(&[0; 3]), "got bytes \\x00\\x00\\x00"),
            (after(&good[..20]), "begins at byte 33 does not end"),
            (after(&good[..5]), "begins at byte 33 does not end"),
            (after(&flipped), "begins at byte 33 is damaged"),
            (after(&gzip(&[0; 11])), "more than the 10 bytes"),
        ] {
            let mut members = Members::new(&file);
            assert_eq!(good.len(), 33, "the offsets above");
            members.next_member(10).expect("the first is good");
            let error = members.next_member(10).expect_err(want);
            assert!(error.to_string().contains(want), "{error}: wanted {want}");
        }
    }

    #[test]
    fn a_false_length_is_not_believed() {
        let mut raw = gzip(b"0123456789");
        assert!(inflate_whole(&raw, 9).is_none(), "over the limit");
        let end = raw.len();
        raw[end - 1] = 0xff;
        assert!(inflate_whole(&raw, u64::MAX).is_none());
        for length in [0_usize, 3, 7, 12] {
            assert!(inflate_whole(&raw[..length], 100).is_none());
        }
        for second in [&b"abcdefghij"[..], b"0123456789"] {
            let twice = [gzip(b"0123456789"), gzip(second)].concat();
            assert!(inflate_whole(&twice, 100).is_none(), "two members are not one");
        }
    }
}
