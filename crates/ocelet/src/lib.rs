//! The hallway of ocelet: a recipe in, images and a report out.
//!
//! [`assemble()`] is the corridor: it calls the rooms [`recipe`], [`fetch`], [`unpack`], [`close`], [`shrink`],
//! [`layer`], [`image`], [`ship`] and [`report`] in this order, each a function from value to value; [`locking`] is the one
//! before it, through [`resolve`] and [`fetch`] to a [`lock`]. The doors to the machine are in
//! [`host`] and are passed in.
//!
//! It refuses to find anything by itself: no room reads the environment, a clock or a terminal, and none prints.
#![deny(unsafe_code)]

mod assemble;
pub mod close;
mod error;
mod event;
mod exit;
pub mod fetch;
pub mod finished;
pub mod host;
pub mod image;
pub mod layer;
pub mod lock;
pub mod locking;
mod packing;
mod profile;
pub mod recipe;
pub mod report;
pub mod resolve;
pub mod ship;
pub mod shrink;
pub mod unpack;

pub use assemble::{Assembled, Options, Provisions, assemble};
pub use error::Error;
pub use event::{Event, Observer, Silent};
pub use exit::ExitClass;
pub use ocelet_elf::RulePacks;
pub use ocelet_launch as launch;
pub use ocelet_net as net;
pub use ocelet_tree as tree;
pub use packing::{PackingOptions, Savings};
pub use profile::{Choice, Profile, Reader, UnknownProfile};

/// The rule packs that ship with ocelet.
pub fn rules() -> RulePacks {
    RulePacks::embedded()
}
