//! The only place that reads the environment and the current directory; everything else gets values.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use crate::failure::Failure;

/// `SOURCE_DATE_EPOCH` (reproducible-builds.org), where it is set: seconds since 1970.
///
/// # Errors
/// It is set to something else than a whole number.
#[expect(clippy::disallowed_methods, reason = "this is the door to the environment")]
pub(crate) fn epoch() -> Result<Option<i64>, Failure> {
    match std::env::var("SOURCE_DATE_EPOCH") {
        Err(std::env::VarError::NotPresent) => Ok(None),
        Ok(text) if text.is_empty() => Ok(None),
        Ok(text) => text.parse().map(Some).map_err(|_| {
            Failure::usage(format!(
                "SOURCE_DATE_EPOCH is \"{text}\", not a whole number of seconds since 1970"
            ))
        }),
        Err(std::env::VarError::NotUnicode(_)) => {
            Err(Failure::usage("SOURCE_DATE_EPOCH is not text".to_owned()))
        }
    }
}

/// Where temporary files go: `TMPDIR`, or the system's own.
pub(crate) fn scratch() -> PathBuf {
    std::env::temp_dir()
}

/// How many threads may work: what was asked for, or as many as this process may use.
pub(crate) fn jobs(asked: Option<NonZeroUsize>) -> NonZeroUsize {
    asked.or_else(|| std::thread::available_parallelism().ok()).unwrap_or(NonZeroUsize::MIN)
}

/// Whether colour is unwelcome (no-color.org).
#[expect(clippy::disallowed_methods, reason = "this is the door to the environment")]
pub(crate) fn no_color() -> bool {
    std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
}
