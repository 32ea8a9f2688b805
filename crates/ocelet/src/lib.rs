//! The hallway: a recipe in, images and a report out.
//!
//! It refuses to find anything by itself: time, files and tools come in through doors that the caller opens.
#![forbid(unsafe_code)]

pub mod recipe;
