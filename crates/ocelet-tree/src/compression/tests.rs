//! Streams packed by other encoders, whole, joined, cut and lengthened.

use std::io::Write;

use super::*;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).expect("in memory");
    encoder.finish().expect("in memory")
}

fn xz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = liblzma::write::XzEncoder::new(Vec::new(), 0);
    encoder.write_all(bytes).expect("in memory");
    encoder.finish().expect("in memory")
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 1).expect("in memory")
}

fn bzip2(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    encoder.write_all(bytes).expect("in memory");
    encoder.finish().expect("in memory")
}

fn decode(packed: &[u8], output: Option<u64>) -> Result<Vec<u8>, io::Error> {
    let mut plain = Vec::new();
    Decoder::new(packed, DecodeLimits { output })?.read_to_end(&mut plain)?;
    Ok(plain)
}

/// What is said of a stream: its plain bytes as text, or the error.
fn said(packed: &[u8], output: Option<u64>) -> String {
    match decode(packed, output) {
        Ok(plain) => String::from_utf8_lossy(&plain).into_owned(),
        Err(error) => match DecodeError::of(&error) {
            Some(DecodeError::TooLarge { .. }) => "too large".to_owned(),
            Some(DecodeError::TrailingJunk { first, .. }) => format!("junk {first:02x}"),
            Some(DecodeError::Memory { .. }) => "memory".to_owned(),
            Some(DecodeError::Damaged { .. }) => "damaged".to_owned(),
            None => panic!("an error without a type: {error:?}"),
        },
    }
}

#[test]
fn what_a_stream_is_stands_in_its_first_bytes() {
    let mut skippable = vec![0x53, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 9, 9];
    skippable.extend(zstd(b"after"));
    for (packed, want, plain) in [
        (gzip(b"one"), Compression::Gzip, "one"),
        (xz(b"two"), Compression::Xz, "two"),
        (zstd(b"three"), Compression::Zstd, "three"),
        (skippable, Compression::Zstd, "after"),
        (b"BZh9, said the plain file".to_vec(), Compression::Plain, "BZh9, said the plain file"),
        (b"BZh91AY&SY....".to_vec(), Compression::Bzip2, "damaged"),
        (bzip2(b"four"), Compression::Bzip2, "four"),
        (bzip2(b""), Compression::Bzip2, ""),
        (b"\x1f\x8b\x00".to_vec(), Compression::Plain, "\u{1f}\u{fffd}\0"),
        (Vec::new(), Compression::Plain, ""),
    ] {
        assert_eq!(Compression::detect(&packed), want, "{packed:02x?}");
        assert_eq!(said(&packed, None), plain, "{packed:02x?}");
    }
}

#[test]
fn streams_that_are_joined_lengthened_or_cut() {
    let join = |parts: &[&[u8]]| parts.concat();
    let (one, two) = (gzip(b"one,"), gzip(b"two"));
    for (name, packed, want) in [
        ("gzip members", join(&[&one, &two]), "one,two"),
        ("an empty member between", join(&[&one, &gzip(b""), &two]), "one,two"),
        ("gzip and NULs", join(&[&one, &two, &[0; 700]]), "one,two"),
        ("gzip and junk", join(&[&one, b"junk"]), "junk 6a"),
        ("gzip, NULs and junk", join(&[&one, &vec![0; 70_000], b"x"]), "junk 78"),
        ("gzip, NULs and gzip", join(&[&one, &[0; 3], &two]), "junk 1f"),
        ("gzip and half a header", join(&[&one, &two[..5]]), "damaged"),
        ("xz streams", join(&[&xz(b"one,"), &xz(b"two")]), "one,two"),
        ("xz and junk", join(&[&xz(b"one"), b"junk"]), "damaged"),
        ("bzip2 streams", join(&[&bzip2(b"one,"), &bzip2(b""), &bzip2(b"two")]), "one,two"),
        ("bzip2 and junk", join(&[&bzip2(b"one"), b"junk"]), "damaged"),
        ("bzip2 and half a header", join(&[&bzip2(b"one"), b"BZh"]), "damaged"),
        ("zstd frames", join(&[&zstd(b"one,"), &zstd(b"two")]), "one,two"),
        ("zstd and junk", join(&[&zstd(b"one"), b"junk"]), "damaged"),
    ] {
        assert_eq!(said(&packed, None), want, "{name}");
    }
    let plain: Vec<u8> = (0..2000_u32).flat_map(u32::to_le_bytes).collect();
    for packed in [gzip(&plain), xz(&plain), zstd(&plain), bzip2(&plain)] {
        let name = Compression::detect(&packed);
        assert_eq!(decode(&packed, None).expect("whole"), plain, "{name}");
        for cut in 11..packed.len() {
            assert_eq!(said(&packed[..cut], None), "damaged", "{name} cut at {cut} of {}", packed.len());
        }
    }
}

#[test]
fn a_bomb_stops_at_the_limit() {
    let zeros = vec![b'0'; 1 << 20];
    let exactly = zeros.len() as u64;
    for packed in [gzip(&zeros), xz(&zeros), zstd(&zeros), bzip2(&zeros), zeros.clone()] {
        let name = Compression::detect(&packed);
        assert_eq!(said(&packed, Some(exactly - 1)), "too large", "{name}");
        assert_eq!(said(&packed, Some(exactly)).len(), zeros.len(), "{name}");
        assert_eq!(said(&packed, Some(0)), "too large", "{name}");
    }
    assert_eq!(said(&gzip(b""), Some(0)), "");
}

#[test]
fn memory_is_granted_up_to_a_limit() {
    // A frame header that asks for a window of 2^28 bytes (RFC 8878 section 3.1.1.1.2: exponent 18), and of 2^27.
    let frame = |exponent: u8| vec![0x28, 0xb5, 0x2f, 0xfd, 0x00, exponent << 3, 0x01, 0x00, 0x00];
    assert_eq!(said(&frame(18), None), "memory");
    assert_eq!(said(&frame(17), None), "");

    // The .xz file format, section 3.1: the block header follows the 12 bytes of the stream header; its byte 4
    // is the dictionary size of LZMA2 (40 stands for 4 GiB), its last four are the CRC32 of the others.
    for (dictionary, want) in [(40, "memory"), (24, "small")] {
        let mut packed = xz(b"small");
        let length = (usize::from(packed[12]) + 1) * 4;
        packed[16] = dictionary;
        let mut crc = flate2::Crc::new();
        crc.update(&packed[12..12 + length - 4]);
        packed[12 + length - 4..12 + length].copy_from_slice(&crc.sum().to_le_bytes());
        assert_eq!(said(&packed, None), want, "dictionary size {dictionary}");
    }
}
