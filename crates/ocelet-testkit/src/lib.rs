//! What the tests of ocelet are made with: tiny ELF files, packages and indexes, trees from lines of text,
//! directories of the machine as a view, and the real loaders as oracles.
//!
//! It is for tests only and refuses nothing gracefully: a wrong fixture panics.
#![forbid(unsafe_code)]

pub mod apk;
pub mod deb;
pub mod directory;
pub mod elf;
mod files;
pub mod loader_truth;
pub mod openpgp;
pub mod rootfs;
mod said;
pub mod scanner;
pub mod trees;
pub mod upx;

pub use directory::DirectoryView;
pub use elf::ElfBuilder;
pub use files::files_below;
pub use said::{Said, said};
