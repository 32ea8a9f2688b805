//! [`Failure`]: why one attempt at one source failed, and what that means for the next.
//!
//! It refuses to call something a failed verification that was not: only bytes that are home and wrong are.
//! What a server claims (a length, an endless body) is a source that cannot be used.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use crate::expectation::Digest;

/// Why one attempt at one source failed. No text in it holds a login or a query value.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// No connection: unknown host, refused, unreachable, or not within the time.
    #[error("no connection: {reason}")]
    Connect {
        /// What the system said.
        reason: String,
    },
    /// The server's certificate was not accepted.
    #[error("the server's certificate was not accepted: {reason}; {roots}")]
    Certificate {
        /// What is wrong with it.
        reason: String,
        /// Where the accepted authorities came from, and what to do.
        roots: String,
    },
    /// No answer began within the time.
    #[error("no answer within {within:?}")]
    NoAnswer {
        /// The time given.
        within: Duration,
    },
    /// The connection broke or the answer is not HTTP.
    #[error("the answer broke off or is not HTTP: {reason}")]
    Broken {
        /// What was wrong.
        reason: String,
    },
    /// An answer with a status that is not a success.
    #[error("status {status}{}", status_hint(*.status))]
    Status {
        /// The status code.
        status: u16,
    },
    /// Bytes stopped coming, or came too slowly to be called coming.
    #[error("stalled: fewer than {least} bytes in {within:?}")]
    Stalled {
        /// The fewest bytes that would have counted as alive.
        least: u64,
        /// The time given.
        within: Duration,
    },
    /// The body ended early.
    #[error("ended after {got} of {wanted} bytes")]
    Truncated {
        /// Bytes held.
        got: u64,
        /// Bytes wanted.
        wanted: u64,
    },
    /// The server declares another length than the one that is known.
    #[error("the server offers {declared} bytes where {wanted} were wanted")]
    OtherLength {
        /// The declared length.
        declared: u64,
        /// The known length.
        wanted: u64,
    },
    /// More bytes than the bound, declared or sent.
    #[error("more than the allowed {most} bytes{}", declared_hint(*.declared))]
    TooLong {
        /// The bound.
        most: u64,
        /// What the server declared; nothing where it just went on.
        declared: Option<u64>,
    },
    /// The answer is about another part than the one asked for.
    #[error("asked for the bytes from {asked}, got \"{got}\"")]
    WrongRange {
        /// The position asked for.
        asked: u64,
        /// The `Content-Range` of the answer, escaped and cut.
        got: String,
    },
    /// The source has no bytes from that position (status 416).
    #[error("it has no bytes from {asked} on")]
    RangeRefused {
        /// The position asked for.
        asked: u64,
        /// The length that the source says it has.
        length: Option<u64>,
    },
    /// Bytes of two answers, put together, are not the wanted ones: the fetch begins again.
    #[error(
        "the bytes resumed from an earlier answer do not fit together: wanted sha256 {wanted}, got {got}"
    )]
    DoesNotJoin {
        /// The wanted digest.
        wanted: Digest,
        /// The digest of what was put together.
        got: Digest,
    },
    /// The bytes are home and are not the wanted ones.
    #[error("the content is wrong: wanted sha256 {wanted}, got {got} ({size} bytes)")]
    WrongDigest {
        /// The wanted digest.
        wanted: Digest,
        /// The digest of what came.
        got: Digest,
        /// The number of bytes that came.
        size: u64,
    },
    /// A file of this machine has another size than the wanted one.
    #[error("the file has {got} bytes where {wanted} were wanted")]
    WrongSize {
        /// The wanted size.
        wanted: u64,
        /// The size of the file.
        got: u64,
    },
    /// Too many redirects, or one that leads back to an address of the same chain.
    #[error("redirected in a circle or more than {limit} times, last to {to}")]
    RedirectLoop {
        /// The most that is followed.
        limit: usize,
        /// The address that was not followed, redacted.
        to: String,
    },
    /// A redirect that is not followed.
    #[error("redirected to {to}, which is not followed: {reason}")]
    Redirect {
        /// The address, redacted.
        to: String,
        /// Why not.
        reason: &'static str,
    },
    /// The source is a web address, and there is no network.
    #[error("offline: web addresses are not fetched; give a mirror directory that holds it")]
    Offline,
    /// No such file.
    #[error("no such file: {}", .path.display())]
    NoFile {
        /// The file.
        path: PathBuf,
    },
    /// A path that leads out of its mirror directory, by a link or otherwise.
    #[error("{} leads out of the mirror {}", .path, .root.display())]
    Escapes {
        /// The mirror's directory.
        root: PathBuf,
        /// The path in it.
        path: String,
    },
    /// A directory, device or pipe where a file was wanted.
    #[error("not a regular file: {}", .path.display())]
    NotAFile {
        /// The path.
        path: PathBuf,
    },
    /// A file that cannot be read.
    #[error("{} cannot be read: {reason}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        reason: io::Error,
    },
}

/// What is done after a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The same source may do better in a while.
    Again,
    /// It will not: the next source is asked.
    NextSource,
}

impl Failure {
    /// Whether the same source is asked again.
    pub fn verdict(&self) -> Verdict {
        match self {
            // 408, 425, 429 and 5xx but "not implemented" and "version not supported" (RFC 9110, 15.5, 15.6).
            Self::Status { status: 408 | 425 | 429 | 500 | 502..=504 | 506..=599 }
            | Self::Connect { .. }
            | Self::NoAnswer { .. }
            | Self::Broken { .. }
            | Self::Stalled { .. }
            | Self::Truncated { .. }
            | Self::OtherLength { .. }
            | Self::WrongRange { .. }
            | Self::RangeRefused { .. }
            | Self::DoesNotJoin { .. } => Verdict::Again,
            _ => Verdict::NextSource,
        }
    }

    /// Whether wrong bytes are at hand: a failed verification, as opposed to bytes that cannot be had.
    pub fn is_verification(&self) -> bool {
        matches!(self, Self::WrongDigest { .. } | Self::WrongSize { .. })
    }
}

fn status_hint(status: u16) -> &'static str {
    match status {
        401 => " (unauthorized: give a login in netrc or in the address)",
        403 => " (forbidden)",
        404 => " (not found)",
        407 => " (the proxy wants a login: give it in the proxy's address)",
        410 => " (gone)",
        429 => " (too many requests)",
        500..=599 => " (the server failed)",
        _ => "",
    }
}

fn declared_hint(declared: Option<u64>) -> String {
    declared.map_or_else(|| ", and still going".to_owned(), |declared| format!(": {declared} declared"))
}
