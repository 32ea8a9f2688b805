//! From an image to a running node component: what starts it, for its version of Kubernetes and whatever runs it.
//!
//! The facts are data beside this code (`facts/`), each with its source; [`plan()`] turns them and the wishes of a user into
//! one value, a [`Plan`], and [`render()`] writes each runtime's text from that value alone.
//!
//! It refuses to do anything: nothing here reads a file, looks at the machine or starts a program.
#![forbid(unsafe_code)]

pub mod check;
mod choice;
mod facts;
pub mod flags;
mod nearest;
mod plan;
mod render;
mod version;

pub use choice::{Cgroups, Component, Cri, Runtime, UnknownWord, Wish};
pub use facts::{Access, Facts, Namespace, Presence, Propagation};
pub use plan::{BadMount, HostMount, Image, Plan, PlanError, PlannedMount, Problem, Request, Wrapper, plan};
pub use render::{FromImage, Launch, LaunchFile, render};
pub use version::{Release, UnknownRelease};
