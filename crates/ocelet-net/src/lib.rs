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
//!
//! ```no_run
//! use ocelet_net::{Digest, Expectation, Fetcher, FileOnly, Mirror, Silent, ThreadSleeper};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let digest: Digest = "b5bb9d8014a0f9b1d61e21e796d78dccdf1352f23cd32812f4850b878ae4944c".parse()?;
//! let source = Mirror::directory("/srv/mirror").address("v3.22/main/x86_64/musl-1.2.5-r10.apk")?;
//! let mut bytes = Vec::new();
//! let fetched = Fetcher::new(&FileOnly, &ThreadSleeper, &Silent).fetch(
//!     "musl",
//!     &source,
//!     &Expectation::pinned(digest, 412_334),
//!     &mut bytes,
//! )?;
//! assert!(fetched.is_proved());
//! # Ok(())
//! # }
//! ```
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
