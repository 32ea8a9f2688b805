//! [`Header`]: one block of 512 bytes, as it stands.
//!
//! Offsets and lengths of the fields are those of pax(1), "ustar Interchange Format"; the GNU and star variants
//! are those of the GNU tar manual, "Basic Tar Format". A header whose checksum is wrong is refused before
//! anything else of it is believed.

use std::ops::Range;

use super::error::Problem;
use super::input::BLOCK;

const CHECKSUM: Range<usize> = 148..156;

/// The fields of a header that matter here.
#[derive(Debug)]
pub(super) struct Header {
    /// The name with the prefix in front of it, where the format has one.
    pub(super) name: Vec<u8>,
    pub(super) mode: u64,
    pub(super) uid: Field,
    pub(super) gid: Field,
    pub(super) size: Field,
    pub(super) mtime: Field,
    pub(super) flag: u8,
    pub(super) link: Vec<u8>,
}

/// A field of a header whose number a PAX header may replace, so that it is only understood where it is not.
#[derive(Debug, Clone)]
pub(super) struct Field {
    name: &'static str,
    stored: Vec<u8>,
}

impl Header {
    /// Reads a block that is not all NUL.
    pub(super) fn parse(block: &[u8; BLOCK]) -> Result<Self, Problem> {
        check(block)?;
        let field = |name, range: Range<usize>| Field { name, stored: block[range].to_vec() };
        let mode = field("mode", 100..108).number()?;
        let mode = u64::try_from(mode).map_err(|_| field("mode", 100..108).wrong())?;
        Ok(Self {
            name: name(block),
            mode,
            uid: field("user number", 108..116),
            gid: field("group number", 116..124),
            size: field("size", 124..136),
            mtime: field("time", 136..148),
            flag: block[156],
            link: text(&block[157..257]).to_vec(),
        })
    }
}

impl Field {
    /// A field with decimal digits, from a PAX record.
    pub(super) fn decimal(name: &'static str, digits: &[u8]) -> Result<u64, Problem> {
        let wrong = || Problem::Number { field: name, stored: digits.to_vec() };
        if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
            return Err(wrong());
        }
        std::str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok()).ok_or_else(wrong)
    }

    /// The number: octal digits with spaces or NULs around them, or the base-256 form of GNU and star (the
    /// highest bit set, then a two's complement number). An empty field is zero.
    pub(super) fn number(&self) -> Result<i64, Problem> {
        if self.stored.first().is_some_and(|byte| byte & 0x80 != 0) {
            return self.base_256();
        }
        let digits = self.stored.trim_ascii_start();
        let end = digits.iter().position(|byte| *byte == 0 || *byte == b' ').unwrap_or(digits.len());
        let (digits, rest) = digits.split_at(end);
        if !rest.iter().all(|byte| *byte == 0 || *byte == b' ') {
            return Err(self.wrong());
        }
        digits.iter().try_fold(0_i64, |number, digit| match digit {
            // Twelve octal digits at most: 36 bits.
            b'0'..=b'7' => Ok(number * 8 + i64::from(digit - b'0')),
            _ => Err(self.wrong()),
        })
    }

    /// The number, where it must not be negative.
    pub(super) fn unsigned(&self) -> Result<u64, Problem> {
        u64::try_from(self.number()?).map_err(|_| self.wrong())
    }

    /// The number of a user or a group.
    pub(super) fn id(&self) -> Result<u32, Problem> {
        u32::try_from(self.number()?).map_err(|_| self.wrong())
    }

    pub(super) fn wrong(&self) -> Problem {
        Problem::Number { field: self.name, stored: self.stored.clone() }
    }

    fn base_256(&self) -> Result<i64, Problem> {
        // The lead bit only marks the form; the next one is the sign.
        let negative = self.stored[0] & 0x40 != 0;
        let mut number = if negative { -1_i128 } else { 0 };
        for (index, byte) in self.stored.iter().enumerate() {
            let byte = match index {
                0 if negative => *byte,
                0 => byte & 0x7f,
                _ => *byte,
            };
            // Twelve bytes at most: 96 bits.
            number = (number << 8) | i128::from(byte);
        }
        i64::try_from(number).map_err(|_| self.wrong())
    }
}

/// The sum of all bytes, the checksum field taken as spaces. Old writers summed signed bytes, which is accepted.
fn check(block: &[u8; BLOCK]) -> Result<(), Problem> {
    let stored = Field { name: "checksum", stored: block[CHECKSUM].to_vec() };
    let outside = || block.iter().enumerate().filter(|(index, _)| !CHECKSUM.contains(index));
    let spaces = 8 * i64::from(b' ');
    let unsigned = spaces + outside().map(|(_, byte)| i64::from(*byte)).sum::<i64>();
    let signed = spaces + outside().map(|(_, byte)| i64::from(byte.cast_signed())).sum::<i64>();
    match stored.number() {
        Ok(sum) if sum == unsigned || sum == signed => Ok(()),
        _ => Err(Problem::Checksum {
            computed: u32::try_from(unsigned).expect("512 bytes sum up to less than 2^17"),
            stored: stored.stored,
        }),
    }
}

fn name(block: &[u8; BLOCK]) -> Vec<u8> {
    let name = text(&block[0..100]);
    // GNU tar's "ustar  \0" keeps other things where the prefix would be; v7 has nothing there that counts.
    if &block[257..263] != b"ustar\0" {
        return name.to_vec();
    }
    // star keeps times behind a shorter prefix, and says so at the end of the block.
    let prefix = if &block[508..512] == b"tar\0" { &block[345..476] } else { &block[345..500] };
    match text(prefix) {
        b"" => name.to_vec(),
        prefix => [prefix, b"/", name].concat(),
    }
}

/// The bytes of a field up to the first NUL.
pub(super) fn text(field: &[u8]) -> &[u8] {
    field.split(|byte| *byte == 0).next().unwrap_or(field)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_every_form() {
        let number = |stored: &[u8]| Field { name: "size", stored: stored.to_vec() }.number();
        for (stored, want) in [
            (&b"0000644\0"[..], Some(0o644)),
            (b"    644 ", Some(0o644)),
            (b"644 \0\0\0\0", Some(0o644)),
            (b"77777777", Some(0o77_777_777)),
            (b"\0\0\0\0\0\0\0\0", Some(0)),
            (b"        ", Some(0)),
            (b"777777777777", Some(0o777_777_777_777)),
            (b"\x80\0\0\0\0\0\x01\0", Some(256)),
            (b"\xff\xff\xff\xff\xff\xff\xff\xff", Some(-1)),
            (b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xfe", Some(-2)),
            (b"\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff", Some(i64::MAX)),
            (b"\x80\0\0\0\x80\0\0\0\0\0\0\0", None),
            (b"0000648\0", None),
            (b"-000644\0", None),
            (b"644 644 ", None),
            (b"644\0\x01\0\0\0", None),
        ] {
            assert_eq!(number(stored).ok(), want, "{}", stored.escape_ascii());
        }
    }
}
