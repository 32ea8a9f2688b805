//! The one door to memory-mapped files, and the only unsafe code of the product.
//!
//! A mapping is read-only and private. What it cannot promise is that nobody truncates the file meanwhile: the
//! process would then be ended by SIGBUS. Files that ocelet writes itself are never changed after they are
//! complete; for a root file system that is read in place, LIMITS.md says so.

use std::fs::File;
use std::io;

use ocelet_tree::Bytes;

/// Maps the first `length` bytes of `file`.
///
/// # Errors
/// The file is shorter than `length`, or the system refuses the mapping.
#[expect(unsafe_code, reason = "mapping a file is unsafe by nature; this is the reviewed door")]
pub(super) fn map(file: &File, length: usize) -> io::Result<Bytes> {
    if length == 0 {
        return Ok(Bytes::new(Vec::new()));
    }
    if file.metadata()?.len() < length as u64 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    // SAFETY: the mapping is read-only and private, so this process cannot change the bytes under a shared
    // reference; that no other process does is the promise stated in this module's documentation.
    let mapping = unsafe { memmap2::MmapOptions::new().len(length).map(file)? };
    Ok(Bytes::new(mapping))
}
