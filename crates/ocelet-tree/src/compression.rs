//! [`Decoder`]: the plain bytes of a stream that may be compressed, with an end to what it may cost.
//!
//! What a stream is packed with is read from its first bytes and never from a name or a media type, since
//! both are wrong in the field. gzip (any number of members), bzip2 (likewise), xz and zstd are decoded; anything
//! else passes as it is. It refuses streams that ask for more memory than a puller would grant, that grow past the
//! caller's limit, or that carry something after their end.

use std::io::{self, BufRead, BufReader, Cursor, Read};

use bzip2::bufread::MultiBzDecoder;
use flate2::bufread::GzDecoder;
use liblzma::bufread::XzDecoder;
use liblzma::stream::{CONCATENATED, Error as XzError, Stream};

/// The most memory that decoding xz may take, in bytes. `xz -9` needs 65 MiB (xz(1), the column `DecMem`).
pub const XZ_MEMORY: u64 = 128 << 20;
/// The largest zstd window, as a power of two: 128 MiB, what `--long` asks for and decoders accept without
/// being told to (zstd(1), `--long`).
pub const ZSTD_WINDOW_LOG: u32 = 27;
/// How many bytes [`Compression::detect`] looks at, at most.
pub const MAGIC_LENGTH: usize = 10;

/// What a stream is packed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Compression {
    /// Nothing that is known here.
    Plain,
    /// gzip (RFC 1952).
    Gzip,
    /// xz (the .xz file format, version 1.2).
    Xz,
    /// Zstandard (RFC 8878).
    Zstd,
    /// bzip2 (bzip2(1); the format has no published specification).
    Bzip2,
}

/// What decoding may cost.
#[derive(Debug, Clone, Copy, Default)]
pub struct DecodeLimits {
    /// The most bytes that may come out; no limit where there is none.
    pub output: Option<u64>,
}

/// Why a stream cannot be decoded. Inside of [`Read`] it travels within an [`io::Error`], where
/// [`DecodeError::of`] finds it again.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// More bytes come out than the caller allows.
    #[error(
        "the {compression} stream unpacks to more than the {limit} bytes that are allowed; raise the limit if the input is trusted"
    )]
    TooLarge {
        /// What the stream is packed with.
        compression: Compression,
        /// The limit, in bytes.
        limit: u64,
    },
    /// Something other than NUL bytes follows the end of the stream.
    #[error(
        "{compression} data ends, and something else that begins with byte 0x{first:02x} follows; the file is damaged or two files were joined"
    )]
    TrailingJunk {
        /// What the stream is packed with.
        compression: Compression,
        /// The first byte that does not belong.
        first: u8,
    },
    /// Decoding takes more memory than is granted.
    #[error(
        "the {compression} stream needs more than {limit} bytes of memory to unpack; pack it again with a smaller window"
    )]
    Memory {
        /// What the stream is packed with.
        compression: Compression,
        /// The limit, in bytes.
        limit: u64,
    },
    /// The stream is not valid, or ends too early.
    #[error("the {compression} stream is damaged or cut short")]
    Damaged {
        /// What the stream is packed with.
        compression: Compression,
        /// What the decoder said.
        #[source]
        cause: io::Error,
    },
}

/// Reads the plain bytes of a stream. The check at the end of the stream (CRC, checksum, trailing bytes) is
/// only made once all has been read.
pub struct Decoder<R: Read> {
    compression: Compression,
    inner: Inner<Input<R>>,
    limit: u64,
    left: Option<u64>,
}

/// The stream with the bytes that were looked at put back in front.
type Input<R> = io::Chain<Cursor<Vec<u8>>, BufReader<R>>;

enum Inner<R: BufRead> {
    Plain(R),
    Gzip(Gzip<R>),
    Bzip2(MultiBzDecoder<R>),
    Xz(XzDecoder<R>),
    Zstd(Box<zstd::stream::read::Decoder<'static, R>>),
}

impl Compression {
    /// Tells from the first bytes of a stream ([`MAGIC_LENGTH`] of them, or all) what it is packed with.
    pub fn detect(head: &[u8]) -> Self {
        match head {
            // RFC 1952 section 2.3.1: ID1, ID2, and the only method there is.
            [0x1f, 0x8b, 0x08, ..] => Self::Gzip,
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Self::Xz,
            // RFC 8878 sections 3.1.1 and 3.1.2: a frame, or a skippable frame before it.
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Self::Zstd,
            // The block magic is looked at too, since a plain file may well begin with "BZh".
            [b'B', b'Z', b'h', b'1'..=b'9', 0x31, 0x41, 0x59, 0x26, 0x53, 0x59, ..]
            // A stream without blocks: its end follows at once.
            | [b'B', b'Z', b'h', b'1'..=b'9', 0x17, 0x72, 0x45, 0x38, 0x50, 0x90, ..] => Self::Bzip2,
            _ => Self::Plain,
        }
    }
}

impl std::fmt::Display for Compression {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Plain => "plain",
            Self::Gzip => "gzip",
            Self::Xz => "xz",
            Self::Zstd => "zstd",
            Self::Bzip2 => "bzip2",
        })
    }
}

impl DecodeError {
    /// The decoding error inside of an [`io::Error`], where there is one.
    pub fn of(error: &io::Error) -> Option<&Self> {
        error.get_ref()?.downcast_ref()
    }
}

impl From<DecodeError> for io::Error {
    fn from(error: DecodeError) -> Self {
        Self::new(io::ErrorKind::InvalidData, error)
    }
}

impl<R: Read> Decoder<R> {
    /// Looks at the first bytes of `reader` and sets up what decodes the rest.
    ///
    /// # Errors
    /// The reader fails, or the decoder cannot be set up.
    pub fn new(reader: R, limits: DecodeLimits) -> io::Result<Self> {
        let mut reader = BufReader::with_capacity(128 << 10, reader);
        let mut head = Vec::with_capacity(MAGIC_LENGTH);
        reader.by_ref().take(MAGIC_LENGTH as u64).read_to_end(&mut head)?;
        let compression = Compression::detect(&head);
        let input = Cursor::new(head).chain(reader);
        let inner = match compression {
            Compression::Plain => Inner::Plain(input),
            Compression::Gzip => Inner::Gzip(Gzip::Member(Box::new(GzDecoder::new(input)))),
            Compression::Xz => {
                let stream = Stream::new_stream_decoder(XZ_MEMORY, CONCATENATED)?;
                Inner::Xz(XzDecoder::new_stream(input, stream))
            }
            Compression::Zstd => {
                let mut decoder = zstd::stream::read::Decoder::with_buffer(input)?;
                decoder.window_log_max(ZSTD_WINDOW_LOG)?;
                Inner::Zstd(Box::new(decoder))
            }
            // Its blocks have at most 900,000 bytes, so its memory needs no limit (bzip2(1), "Memory management").
            Compression::Bzip2 => Inner::Bzip2(MultiBzDecoder::new(input)),
        };
        Ok(Self { compression, inner, limit: limits.output.unwrap_or(u64::MAX), left: limits.output })
    }

    /// What the stream is packed with.
    pub fn compression(&self) -> Compression {
        self.compression
    }

    fn raw_read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = match &mut self.inner {
            Inner::Plain(reader) => return reader.read(buffer),
            Inner::Gzip(reader) => reader.read(buffer),
            Inner::Bzip2(reader) => reader.read(buffer),
            Inner::Xz(reader) => reader.read(buffer),
            Inner::Zstd(reader) => reader.read(buffer),
        };
        read.map_err(|cause| name_the_fault(self.compression, cause))
    }
}

impl<R: Read> Read for Decoder<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(left) = self.left else { return self.raw_read(buffer) };
        if buffer.is_empty() {
            return Ok(0);
        }
        if left == 0 {
            // Only a stream that goes on is too large: one that ends exactly at the limit is not.
            return match self.raw_read(&mut [0])? {
                0 => Ok(0),
                _ => Err(DecodeError::TooLarge { compression: self.compression, limit: self.limit }.into()),
            };
        }
        let most = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
        let read = self.raw_read(&mut buffer[..most])?;
        self.left = Some(left - read as u64);
        Ok(read)
    }
}

impl<R: Read> std::fmt::Debug for Decoder<R> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Decoder({}, {:?} bytes left)", self.compression, self.left)
    }
}

/// Turns what a decoder says into what went wrong. Errors of the reader below pass as they are.
fn name_the_fault(compression: Compression, cause: io::Error) -> io::Error {
    if DecodeError::of(&cause).is_some() || cause.kind() == io::ErrorKind::Interrupted {
        return cause;
    }
    let xz = cause.get_ref().and_then(|inner| inner.downcast_ref::<XzError>());
    if matches!(xz, Some(XzError::MemLimit)) {
        return DecodeError::Memory { compression, limit: XZ_MEMORY }.into();
    }
    // libzstd reports its errors as text; "Frame requires too much memory" is ZSTD_error_frameParameter_windowTooLarge.
    if compression == Compression::Zstd && cause.to_string().contains("too much memory") {
        return DecodeError::Memory { compression, limit: 1 << ZSTD_WINDOW_LOG }.into();
    }
    match cause.kind() {
        io::ErrorKind::InvalidData
        | io::ErrorKind::InvalidInput
        | io::ErrorKind::UnexpectedEof
        | io::ErrorKind::Other => DecodeError::Damaged { compression, cause }.into(),
        _ => cause,
    }
}

/// The members of a gzip stream, one after the other (RFC 1952 section 2.2), then nothing or NUL bytes, which
/// tape-minded writers leave behind and `gzip -d` ignores.
enum Gzip<R: BufRead> {
    Member(Box<GzDecoder<R>>),
    Ended,
}

impl<R: BufRead> Read for Gzip<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let Self::Member(decoder) = self else { return Ok(0) };
            let read = decoder.read(buffer)?;
            if read > 0 || buffer.is_empty() {
                return Ok(read);
            }
            let Self::Member(decoder) = std::mem::replace(self, Self::Ended) else { return Ok(0) };
            let mut rest = decoder.into_inner();
            if rest.fill_buf()?.first() == Some(&0x1f) {
                *self = Self::Member(Box::new(GzDecoder::new(rest)));
            } else {
                only_nul(&mut rest)?;
            }
        }
    }
}

fn only_nul(rest: &mut impl BufRead) -> io::Result<()> {
    loop {
        let available = rest.fill_buf()?;
        if let Some(first) = available.iter().copied().find(|byte| *byte != 0) {
            return Err(DecodeError::TrailingJunk { compression: Compression::Gzip, first }.into());
        }
        match available.len() {
            0 => return Ok(()),
            length => rest.consume(length),
        }
    }
}

#[cfg(test)]
mod tests;
