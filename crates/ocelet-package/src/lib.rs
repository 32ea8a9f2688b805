//! Packages of Linux distributions as values: what an index offers, how versions are ordered, what a package
//! needs, and which packages a list of wishes comes down to.
//!
//! The crate takes text and bytes and returns values. It refuses to touch a disk, a clock, the environment
//! or a socket, and never runs a maintainer script.
#![forbid(unsafe_code)]

pub mod apk;
