//! The compressing half of the layer writer: a [`std::io::Write`] that takes tar bytes of any granularity, and
//! an ordered stream of compressed blocks behind it.
//!
//! Blocks of exactly [`BLOCK`] bytes are compressed by whichever worker is free and collected in their order;
//! how many are under way is bounded, so memory is too.

use std::io::{self, Write};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use libdeflater::{CompressionLvl, Compressor};
use ocelet_oci::{Blob, Hasher};

/// How many bytes of tar one gzip member holds. Larger gains less than 0.2 %, smaller costs more; a change
/// changes every digest.
pub(super) const BLOCK: usize = 1 << 20;

/// A block on its way: it becomes ready when a worker has compressed it.
pub(super) type Pending = Receiver<io::Result<Vec<u8>>>;

/// Cuts what is written into blocks, hashes them, and hands each to a worker.
pub(super) struct BlockWriter<'pool> {
    block: Vec<u8>,
    diff_id: Hasher,
    level: u8,
    pool: &'pool rayon::ThreadPool,
    ordered: SyncSender<Pending>,
}

impl<'pool> BlockWriter<'pool> {
    /// A writer whose compressed blocks come out of the receiver, in order; `under_way` bounds how many of
    /// them exist at a time.
    pub(super) fn new(
        pool: &'pool rayon::ThreadPool,
        level: u8,
        under_way: usize,
    ) -> (Self, Receiver<Pending>) {
        let (ordered, blocks) = sync_channel(under_way.max(1));
        let block = Vec::with_capacity(BLOCK);
        (Self { block, diff_id: Hasher::new(), level, pool, ordered }, blocks)
    }

    /// Hands over what remains; the digest and size of all that was written.
    pub(super) fn finish(mut self) -> io::Result<Blob> {
        if !self.block.is_empty() {
            self.hand_over()?;
        }
        Ok(self.diff_id.finish())
    }

    fn hand_over(&mut self) -> io::Result<()> {
        let block = std::mem::replace(&mut self.block, Vec::with_capacity(BLOCK));
        let (done, pending) = sync_channel(1);
        // The collector only goes away after an error of its own, which it reports itself.
        self.ordered.send(pending).map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))?;
        let level = self.level;
        self.pool.spawn(move || {
            // A collector that is gone no longer wants the block.
            let _ = done.send(gzip_member(&block, level));
        });
        Ok(())
    }
}

impl Write for BlockWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = bytes.len().min(BLOCK - self.block.len());
        let bytes = &bytes[..taken];
        self.diff_id.update(bytes);
        self.block.extend_from_slice(bytes);
        if self.block.len() == BLOCK {
            self.hand_over()?;
        }
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// One gzip member with a constant header: no name, time 0, system 255 (RFC 1952, section 2.3).
fn gzip_member(block: &[u8], level: u8) -> io::Result<Vec<u8>> {
    let level = CompressionLvl::new(i32::from(level))
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidInput, "libdeflate has no such level"))?;
    let mut compressor = Compressor::new(level);
    let mut member = vec![0; compressor.gzip_compress_bound(block.len())];
    let length = compressor
        .gzip_compress(block, &mut member)
        .map_err(|_| io::Error::other("libdeflate did not keep its own bound"))?;
    member.truncate(length);
    Ok(member)
}

/// Hashes what passes through to another writer.
pub(super) struct Hashing<W> {
    inner: W,
    hasher: Hasher,
}

impl<W: Write> Hashing<W> {
    pub(super) fn new(inner: W) -> Self {
        Self { inner, hasher: Hasher::new() }
    }

    /// The inner writer, and the digest and size of all that was written.
    pub(super) fn finish(self) -> (W, Blob) {
        (self.inner, self.hasher.finish())
    }
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = self.inner.write(bytes)?;
        self.hasher.update(&bytes[..taken]);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
