//! What is made from a stored blob once, and kept: the inflated form of a package member, a packed executable.
//!
//! A record says which blob came of which input by which way of making ([`Kind`]). It is only a pointer: the blob
//! that it names is proved as any other. Its last line is the digest of the lines before, so that a damaged record
//! is refused, and one that was copied to another name is too.

use std::fmt::Write as _;
use std::io::{self, Write};

use ocelet_oci::{Blob, Digest};

use super::claim::{Claim, Document, Wait};
use super::error::StoreError;
use super::inventory::Origin;
use super::partial::Partial;
use super::{Store, VerifiedBlob, disk};

/// No record is longer, in bytes.
const LONGEST: u64 = 1024;

/// A way of making a blob from another one. A changed way needs a new name, such as `inflated.2`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Kind(&'static str);

impl Kind {
    /// Names a way; meant for constants, so that a bad name does not compile.
    ///
    /// # Panics
    /// The name is not 1 to 64 of `a-z`, `0-9`, `.` and `-`, beginning with a letter.
    pub const fn new(name: &'static str) -> Self {
        let bytes = name.as_bytes();
        assert!(!bytes.is_empty() && bytes.len() <= 64 && bytes[0].is_ascii_lowercase(), "a name of a kind");
        let mut at = 0;
        while at < bytes.len() {
            assert!(matches!(bytes[at], b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-'), "a name of a kind");
            at += 1;
        }
        Self(name)
    }

    /// The name.
    pub fn name(self) -> &'static str {
        self.0
    }
}

/// Where what is made goes.
#[derive(Debug)]
pub struct Sink {
    partial: Partial,
    failed: Option<StoreError>,
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.partial.append(bytes).map_err(|error| {
            // The maker sees that it failed; the store keeps what to tell.
            self.failed.get_or_insert(error);
            io::Error::other("the store cannot be written")
        })?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Store {
    /// What was made from `input` by this way before, proved; nothing if the store does not have it.
    ///
    /// # Errors
    /// The record or the blob is damaged, or cannot be read.
    pub fn derived(&self, input: &Digest, kind: Kind) -> Result<Option<VerifiedBlob>, StoreError> {
        match self.record(input, kind.0)? {
            Some((output, size)) => self.get(&output, size),
            None => Ok(None),
        }
    }

    /// What is made from `input` by this way: as it was made before, or made now, once for all who ask at a time.
    /// `make` must give the same bytes for the same input always.
    ///
    /// # Errors
    /// What `make` says; or, as [`StoreError`], that the store cannot be read or written, or is damaged.
    pub fn derive<E: From<StoreError>>(
        &self,
        input: &Digest,
        kind: Kind,
        make: impl FnOnce(&mut Sink) -> Result<(), E>,
    ) -> Result<VerifiedBlob, E> {
        if let Some(made) = self.derived(input, kind)? {
            return Ok(made);
        }
        let mut partial = self.begin_making(input, kind)?;
        // Whoever was waited for has made it, most often.
        if let Some(made) = self.derived(input, kind)? {
            return Ok(made);
        }
        partial.restart()?;
        let mut sink = Sink { partial, failed: None };
        let made = make(&mut sink);
        if let Some(error) = sink.failed {
            return Err(error.into());
        }
        made?;
        // The record comes first: whoever finds the lock gone must not make it again. A record of a blob that is
        // not there says nothing.
        Ok(sink.partial.finish_after(|output| self.write_record(input, kind, output))?)
    }

    fn begin_making(&self, input: &Digest, kind: Kind) -> Result<Partial, StoreError> {
        self.establish()?;
        let path = self.place.making(input, kind);
        match Claim::named(&self.place, path.clone(), Wait::Yes)? {
            Some(claim) => Ok(Partial::new(self, claim)),
            None => Err(StoreError::Contended { path, attempts: 1 }),
        }
    }

    fn write_record(&self, input: &Digest, kind: Kind, output: &Blob) -> Result<(), StoreError> {
        let target = self.place.record(input, kind.0);
        Document::prepare(&self.place, target, &sealed(input, kind.0, output.digest(), output.size()))?
            .commit(true)
    }

    /// What a record says; nothing if there is none or it is damaged, which is for others to tell.
    pub(super) fn peek(&self, origin: &Origin) -> Result<Option<(Digest, u64)>, StoreError> {
        let path = self.place.record(&origin.input, &origin.kind);
        let text = disk::read_small(&path, LONGEST)?;
        Ok(text.and_then(|(_, _, text)| said(&text, &origin.input, &origin.kind)))
    }

    /// What a record says; nothing if there is none.
    pub(super) fn record(&self, input: &Digest, kind: &str) -> Result<Option<(Digest, u64)>, StoreError> {
        let path = self.place.record(input, kind);
        let Some((_, seen, text)) = disk::read_small(&path, LONGEST)? else {
            let Some(other) = disk::look(&path)?.filter(|other| !other.is_file()) else { return Ok(None) };
            let aside = self.set_aside(&path, &format!("{}.{kind}.record", input.hex()), Some(&other));
            return Err(StoreError::NotAFile { path, found: disk::kind(&other), aside });
        };
        if let Some(said) = said(&text, input, kind) {
            return Ok(Some(said));
        }
        let (body, seal) = text.rsplit_once("seal ").unwrap_or((&text, "a seal in its last line"));
        let (got, wanted) = (Digest::of(body.as_bytes()), seal.trim_end().to_owned());
        let wanted = if wanted == got.to_string() { "the record of its name".to_owned() } else { wanted };
        let aside = self.set_aside(&path, &format!("{}.{kind}.record", input.hex()), Some(&seen));
        Err(StoreError::Record { path, wanted, got, aside })
    }
}

/// The text of a record.
fn sealed(input: &Digest, kind: &str, output: &Digest, size: u64) -> String {
    let mut text = format!("input {input}\nkind {kind}\noutput {output}\nsize {size}\n");
    let seal = Digest::of(text.as_bytes());
    // Writing to a String cannot fail.
    let _ = writeln!(text, "seal {seal}");
    text
}

/// Output and size of a record's text, if all of it is right.
fn said(text: &str, input: &Digest, kind: &str) -> Option<(Digest, u64)> {
    let value = |key: &str| text.lines().find_map(|line| line.strip_prefix(key));
    let (output, size) = (value("output ")?.parse().ok()?, value("size ")?.parse().ok()?);
    (text == sealed(input, kind, &output, size)).then_some((output, size))
}
