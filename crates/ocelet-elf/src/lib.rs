//! What a binary needs, which files of a tree satisfy it, and why each of them is there.
//!
//! [`Binary`] reads an ELF file; [`Loader`] finds what a program would map, by the rules of glibc or musl,
//! whichever is the program's; [`close`] does so for many roots and everything beside ELF: scripts, symbolic
//! links, libraries that are loaded at run time, [`RulePacks`]. All of it works on any
//! [`View`](ocelet_tree::View), for any machine on any machine.
//!
//! It refuses to execute anything, to look at the running machine, and to leave something out in silence:
//! what is missing is a [`Problem`] that names who wants it.
#![forbid(unsafe_code)]

mod cache;
mod close;
mod files;
mod loader;
mod parse;
mod rules;
mod script;
mod target;
mod world;

pub use cache::{CacheEntry, CacheError, Hwcap, LoaderCache};
pub use close::{
    Closure, Inhabitants, Kept, Options, Problem, Reason, Root, Step, UnexplainedDlopen, Why, WouldNeed,
    close, close_with, who_would_need,
};
pub use loader::{Edge, Found, Hwcaps, LoadError, Loaded, Loader, Object, Request, Unfound, WhyUnfound};
pub use parse::{
    Abi, Binary, Class, DlopenNote, ElfError, Endianness, FloatAbi, Kind, Priority, Text, VersionNeed, Want,
    WantKind,
};
pub use rules::{Explains, Files, NamePattern, Rule, RuleError, RulePack, RulePacks, When};
pub use script::Shebang;
pub use target::{Mismatch, Target, UnknownPlatform};
pub use world::World;
