//! [`World`]: the two C libraries, and how a loader's name tells which is which.
//!
//! Two C libraries in one process do not work, so everything that a program maps must be of one world.

use std::fmt;

/// Which rules find libraries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum World {
    /// The GNU C library.
    Glibc,
    /// musl: the loader is the C library.
    Musl,
    /// A loader without libraries of its own world to search, such as klibc's.
    Other,
}

impl World {
    /// The world of a loader, told by its path: glibc's `shlib-versions` and musl's `ld-musl-ARCH.so.1`;
    /// nothing for a file name that none of them has.
    pub fn of_loader(path: &[u8]) -> Option<Self> {
        let name = path.rsplit(|byte| *byte == b'/').next()?;
        let begins = |prefix: &str| name.starts_with(prefix.as_bytes());
        if begins("ld-musl-") || begins("libc.musl-") || name == b"libc.so" {
            Some(Self::Musl)
        } else if begins("ld-linux") || begins("ld64.so.") || begins("ld.so.") || begins("ld-2.") {
            Some(Self::Glibc)
        } else if begins("klibc-") || begins("ld-uClibc") || begins("linker") {
            Some(Self::Other)
        } else {
            None
        }
    }

    /// Whether a library is a part of this world's C library, which comes with the loader: musl is its loader,
    /// glibc has some libraries beside it (its `shlib-versions`).
    pub(crate) fn has_part(self, name: &[u8]) -> bool {
        const PARTS: [&[u8]; 9] = [
            b"libanl.so.1",
            b"libc.so.6",
            b"libdl.so.2",
            b"libm.so.6",
            b"libmvec.so.1",
            b"libpthread.so.0",
            b"libresolv.so.2",
            b"librt.so.1",
            b"libutil.so.1",
        ];
        Self::of_loader(name) == Some(self) || (self == Self::Glibc && PARTS.contains(&name))
    }
}

impl fmt::Display for World {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Glibc => "glibc",
            Self::Musl => "musl",
            Self::Other => "foreign",
        })
    }
}
