//! [`Sink`]: where fetched bytes go, and what is already there when a fetch goes on from an earlier one.
//!
//! It refuses to name paths: a [`PartialFile`] is given an open file by the caller, who also renames it into
//! place once it is proved.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};

/// Takes bytes in order, and can give back what it holds, so that an interrupted fetch can go on.
pub trait Sink: Send {
    /// The number of bytes held, from an earlier run or this one.
    ///
    /// # Errors
    /// Those of the place behind it.
    fn length(&mut self) -> io::Result<u64>;

    /// Passes all held bytes to `each`, in order.
    ///
    /// # Errors
    /// Those of the place behind it.
    fn replay(&mut self, each: &mut dyn FnMut(&[u8])) -> io::Result<()>;

    /// Appends bytes.
    ///
    /// # Errors
    /// Those of the place behind it.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Forgets all held bytes.
    ///
    /// # Errors
    /// Those of the place behind it.
    fn restart(&mut self) -> io::Result<()>;
}

impl Sink for Vec<u8> {
    fn length(&mut self) -> io::Result<u64> {
        Ok(self.len() as u64)
    }

    fn replay(&mut self, each: &mut dyn FnMut(&[u8])) -> io::Result<()> {
        each(self);
        Ok(())
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.extend_from_slice(bytes);
        Ok(())
    }

    fn restart(&mut self) -> io::Result<()> {
        self.clear();
        Ok(())
    }
}

/// A file, perhaps with the beginning of what is fetched in it already.
#[derive(Debug)]
pub struct PartialFile {
    file: File,
}

impl PartialFile {
    /// Goes on at the end of `file`, which must be open for reading and writing.
    pub fn new(file: File) -> Self {
        Self { file }
    }

    /// The file, to be flushed to disk and renamed.
    pub fn into_file(self) -> File {
        self.file
    }
}

impl Sink for PartialFile {
    fn length(&mut self) -> io::Result<u64> {
        self.file.seek(SeekFrom::End(0))
    }

    fn replay(&mut self, each: &mut dyn FnMut(&[u8])) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(0))?;
        let mut buffer = vec![0; 64 << 10];
        loop {
            match self.file.read(&mut buffer) {
                // The position is the end now: the next bytes are appended.
                Ok(0) => return Ok(()),
                Ok(read) => each(&buffer[..read]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)
    }

    fn restart(&mut self) -> io::Result<()> {
        self.file.set_len(0)?;
        self.file.seek(SeekFrom::Start(0)).map(|_| ())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(sink: &mut dyn Sink) {
        sink.append(b"ab").expect("append");
        sink.append(b"cd").expect("append");
        assert_eq!(sink.length().expect("length"), 4);
        let mut held = Vec::new();
        sink.replay(&mut |bytes| held.extend_from_slice(bytes)).expect("replay");
        assert_eq!(held, b"abcd");
        sink.append(b"e").expect("append after replay");
        assert_eq!(sink.length().expect("length"), 5);
        sink.restart().expect("restart");
        sink.append(b"x").expect("append after restart");
        held.clear();
        sink.replay(&mut |bytes| held.extend_from_slice(bytes)).expect("replay");
        assert_eq!(held, b"x");
    }

    #[test]
    fn both_sinks_hold_replay_and_forget() {
        check(&mut Vec::new());
        check(&mut PartialFile::new(tempfile::tempfile().expect("a file")));
    }
}
