//! What a binary needs, which files of a tree satisfy it, and why each of them is there.
#![forbid(unsafe_code)]

mod cache;
mod files;
mod loader;
mod parse;
mod script;
mod target;

pub use cache::{CacheEntry, CacheError, Hwcap, LoaderCache};
pub use loader::{
    Edge, Found, Hwcaps, LoadError, Loaded, Loader, Object, Request, Unfound, WhyUnfound, World,
};
pub use parse::{
    Abi, Binary, Class, DlopenNote, ElfError, Endianness, FloatAbi, Kind, Priority, Text, VersionNeed, Want,
    WantKind,
};
pub use script::Shebang;
pub use target::{Mismatch, Target, UnknownPlatform};
