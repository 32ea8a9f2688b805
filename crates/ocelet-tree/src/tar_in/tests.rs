//! Archives made by hand, header by header.

mod formats;
mod hostile;
mod layers;
mod mutations;

use std::ops::Range;

use super::*;
use crate::tests::{chain, listing, names};

/// One header block and what follows it.
#[derive(Clone)]
pub(super) struct Member {
    block: [u8; 512],
    body: Vec<u8>,
}

/// A ustar member.
pub(super) fn member(flag: u8, name: &str, link: &str, body: impl AsRef<[u8]>) -> Member {
    let body = body.as_ref().to_vec();
    let mut block = [0; 512];
    block[257..265].copy_from_slice(b"ustar\x0000");
    let size = format!("{:011o}", body.len());
    Member { block, body }
        .bytes(0..name.len().min(100), &name.as_bytes()[..name.len().min(100)])
        .bytes(100..107, b"0000755")
        .bytes(108..115, b"0000001")
        .bytes(116..123, b"0000002")
        .bytes(124..135, size.as_bytes())
        .bytes(136..147, b"00000000003")
        .bytes(156..157, &[flag])
        .bytes(157..157 + link.len(), link.as_bytes())
}

impl Member {
    /// Sets a field to these bytes; the rest of the field keeps what it has.
    pub(super) fn bytes(mut self, field: Range<usize>, bytes: &[u8]) -> Self {
        self.block[field.start..field.start + bytes.len()].copy_from_slice(bytes);
        assert!(bytes.len() <= field.len(), "the field is shorter");
        self.sum()
    }

    fn sum(mut self) -> Self {
        self.block[148..156].fill(b' ');
        let sum: u32 = self.block.iter().map(|byte| u32::from(*byte)).sum();
        self.block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        self
    }
}

/// A PAX header of the kind `flag` with these records.
pub(super) fn pax(flag: u8, records: &[(&str, &[u8])]) -> Member {
    let mut body = Vec::new();
    for (keyword, value) in records {
        let rest = keyword.len() + value.len() + 3;
        let length =
            (rest..rest + 9).find(|length| length.to_string().len() + rest == *length).expect("one fits");
        body.extend([length.to_string().as_bytes(), b" ", keyword.as_bytes(), b"=", value, b"\n"].concat());
    }
    member(flag, "././@PaxHeader", "", body)
}

/// The members without the closing blocks.
pub(super) fn open(members: &[Member]) -> Vec<u8> {
    let mut archive = Vec::new();
    for member in members {
        archive.extend(member.block);
        archive.extend(&member.body);
        archive.resize(archive.len().next_multiple_of(512), 0);
    }
    archive
}

/// A whole archive.
pub(super) fn archive(members: &[Member]) -> Vec<u8> {
    [open(members), vec![0; 1024]].concat()
}

pub(super) fn owner() -> Owner {
    Owner::new("test")
}

/// Reads an archive as a blob and as a stream; both must come to the same.
pub(super) fn read_both(archive: &[u8], options: &Options) -> Result<Unpacked, TarError> {
    let stream = read(archive, &owner(), options);
    let blob = read_blob(&Blob::from_bytes("archive", archive.to_vec()), &owner(), options);
    match (&stream, &blob) {
        (Ok(stream), Ok(blob)) => {
            assert_eq!(listing(&stream.tree), listing(&blob.tree));
            assert_eq!(stream.skipped, blob.skipped);
        }
        (Err(stream), Err(blob)) => assert_eq!(chain(stream), chain(blob)),
        (stream, blob) => panic!("stream: {stream:?}, blob: {blob:?}"),
    }
    blob
}

/// The names that come out, or what is said.
pub(super) fn outcome(archive: &[u8], options: &Options) -> Result<Vec<String>, String> {
    read_both(archive, options).map(|unpacked| names(&unpacked.tree)).map_err(|error| chain(&error))
}

/// Checks the names that come out of some members, or that the error says what it should.
pub(super) fn check(what: &str, members: &[Member], options: &Options, want: Result<&[&str], &str>) {
    match (outcome(&archive(members), options), want) {
        (Ok(got), Ok(want)) => assert_eq!(got, want, "{what}"),
        (Err(got), Err(want)) => assert!(got.contains(want), "{what}: {got}"),
        (got, want) => panic!("{what}: got {got:?}, wanted {want:?}"),
    }
}
