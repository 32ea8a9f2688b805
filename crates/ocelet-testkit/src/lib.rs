//! Builds packages, indexes, ELF files and trees for the tests of ocelet; no part of the product.
#![forbid(unsafe_code)]

pub mod apk;
