//! The only crate that opens a socket: it brings bytes home from http, https and files, and says whether they
//! are the right ones.
//!
//! Three layers, each usable alone:
//! - a [`Source`] answers one question once ("these bytes, from this position"). [`FileOnly`] knows
//!   directories and nothing else; `Transport` (feature `http`) adds one HTTP client.
//! - a [`Fetcher`] asks again: it resumes, waits, goes to the next source, hashes while the bytes pass, holds
//!   every bound, and tells an [`Observer`] what happened. It has no socket code, so that every rule of it runs
//!   without one.
//! - [`Keyring`], [`Netrc`] and [`DockerConfig`] turn credential files, given as text, into logins.
//!
//! It refuses to read the environment or a clock, to find its own configuration, to ask for decompression
//! (what is hashed is what the server sent), to follow a redirect from https to http, to carry a login to
//! another host, and to print a secret: every address is shown through [`Redacted`].
//!
//! Offline is a type. [`FileOnly`] holds no client and its module names none; built without the feature
//! `http`, the crate does not even contain one.
#![forbid(unsafe_code)]

mod address;
mod credentials;
mod docker;
mod engine;
mod error;
mod event;
mod expectation;
mod failure;
mod fetch;
mod file;
#[cfg(feature = "http")]
mod http;
mod jobs;
mod netrc;
mod patience;
mod redact;
mod sink;
mod source;

pub use address::{Address, AddressError, Mirror};
pub use credentials::{CredentialError, Keyring, Login, Secret};
pub use docker::{DockerConfig, DockerConfigError, Helper, HelperError};
pub use error::{Attempt, Class, FetchError};
pub use event::{Event, Observer, Silent};
pub use expectation::{Digest, DigestError, Expectation};
pub use failure::{Failure, Verdict};
pub use fetch::{Cancel, Fetched, Fetcher};
pub use file::FileOnly;
#[cfg(feature = "http")]
pub use http::{Online, Proxies, Roots, SetupError, Timeouts, Transport};
pub use jobs::{Job, OnFailure};
pub use netrc::{Netrc, NetrcError};
pub use patience::{Patience, Sleeper, ThreadSleeper};
pub use redact::Redacted;
pub use sink::{PartialFile, Sink};
pub use source::{Answer, Ask, Body, Setback, Source, Validator};
