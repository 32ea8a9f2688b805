//! Turns the client's errors into [`Failure`]s.
//!
//! It refuses to show the client's own message, which repeats the address: only the innermost cause is kept,
//! redacted and cut.

use std::error::Error;
use std::io;

use crate::failure::Failure;
use crate::redact::Redacted;

/// No cause is shown longer than this, in characters.
const LONGEST_REASON: usize = 200;

/// The error, its cause, the cause of that, and so on.
fn causes<'e>(error: &'e (dyn Error + 'static)) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error: &&'e (dyn Error + 'static)| (*error).source())
}

/// The innermost cause, safe to show.
pub(super) fn reason(error: &(dyn Error + 'static)) -> String {
    let innermost = causes(error).last().unwrap_or(error);
    let text = Redacted(&innermost.to_string()).to_string();
    text.chars().take(LONGEST_REASON).flat_map(char::escape_debug).collect()
}

/// What an error before or within an answer means. `roots` tells where the certificate authorities came from.
pub(super) fn failure(error: &reqwest::Error, roots: &str) -> Failure {
    if let Some(tls) = causes(error).find_map(tls_error) {
        let reason = tls.to_string().chars().take(LONGEST_REASON).flat_map(char::escape_debug).collect();
        return match tls {
            rustls::Error::InvalidCertificate(_) => Failure::Certificate { reason, roots: roots.to_owned() },
            _ => Failure::Connect { reason },
        };
    }
    let reason = reason(error);
    if error.is_connect() || error.is_timeout() {
        return Failure::Connect { reason };
    }
    Failure::Broken { reason }
}

/// TLS errors travel inside of IO errors, one in the other, whose `source` skips what they hold.
fn tls_error<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e rustls::Error> {
    let mut error = error;
    loop {
        if let Some(tls) = error.downcast_ref::<rustls::Error>() {
            return Some(tls);
        }
        error = error.downcast_ref::<io::Error>()?.get_ref()?;
    }
}
