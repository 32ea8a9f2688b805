//! The only place that reads the environment and the current directory; everything else gets values.

use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use ocelet::Observer;
use ocelet::host::{Host, Scratch};

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

/// The first program of this name on PATH.
pub(crate) fn program(name: &str) -> Option<PathBuf> {
    let path = variable("PATH")?;
    std::env::split_paths(&path).map(|directory| directory.join(name)).find(|file| file.is_file())
}

/// Where temporary files go: `TMPDIR`, or the system's own.
pub(crate) fn scratch() -> PathBuf {
    std::env::temp_dir()
}

/// How many threads may work: what was asked for, or as many as this process may use.
pub(crate) fn jobs(asked: Option<NonZeroUsize>) -> NonZeroUsize {
    asked.or_else(|| std::thread::available_parallelism().ok()).unwrap_or(NonZeroUsize::MIN)
}

/// The doors of a command that assembles: what the machine and the environment offer.
///
/// # Errors
/// As [`epoch`].
pub(crate) fn host<'run>(
    asked: Option<NonZeroUsize>,
    scratch: &'run Scratch,
    observer: &'run dyn Observer,
) -> Result<Host<'run>, Failure> {
    Ok(Host { jobs: jobs(asked), epoch: epoch()?, scratch, observer })
}

/// Whether colour is unwelcome (no-color.org).
#[expect(clippy::disallowed_methods, reason = "this is the door to the environment")]
pub(crate) fn no_color() -> bool {
    std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
}

/// Where verified downloads are kept: `OCELET_CACHE`, or `ocelet` in `XDG_CACHE_HOME` (XDG Base Directory
/// Specification 0.8: unset, empty or relative means `$HOME/.cache`).
///
/// # Errors
/// None of the three says where.
pub(crate) fn cache_directory() -> Result<PathBuf, Failure> {
    if let Some(directory) = named("OCELET_CACHE") {
        return Ok(directory);
    }
    named("XDG_CACHE_HOME")
        .filter(|directory| directory.is_absolute())
        .or_else(|| named("HOME").map(|home| home.join(".cache")))
        .map(|caches| caches.join("ocelet"))
        .ok_or_else(|| Failure::usage("there is no place for the cache: set OCELET_CACHE or HOME".to_owned()))
}

/// What the environment says of the way to servers.
#[derive(Debug, Clone, Default)]
pub(crate) struct Network {
    /// `http_proxy`, or `HTTP_PROXY`.
    pub(crate) http_proxy: Option<String>,
    /// `https_proxy`, or `HTTPS_PROXY`.
    pub(crate) https_proxy: Option<String>,
    /// `no_proxy`, or `NO_PROXY`: hosts that are asked directly.
    pub(crate) no_proxy: Option<String>,
    /// `SSL_CERT_FILE`: the certificate authorities to trust instead of the system's.
    pub(crate) authorities: Option<PathBuf>,
    /// `NETRC`: the logins of the user, in a file that must be there.
    pub(crate) netrc: Option<PathBuf>,
    /// `~/.netrc`, which need not be there.
    pub(crate) home_netrc: Option<PathBuf>,
    /// `config.json` in `DOCKER_CONFIG`, or in `~/.docker`; it need not be there.
    pub(crate) docker: Option<PathBuf>,
}

/// Reads what the environment says of the way to servers. Of two spellings the lower-case one counts, as for curl.
///
/// # Errors
/// A proxy is not text.
pub(crate) fn network() -> Result<Network, Failure> {
    let home = named("HOME");
    let below_home = |name: &str| home.as_deref().map(|home: &Path| home.join(name));
    Ok(Network {
        http_proxy: text("http_proxy", "HTTP_PROXY")?,
        https_proxy: text("https_proxy", "HTTPS_PROXY")?,
        no_proxy: text("no_proxy", "NO_PROXY")?,
        authorities: named("SSL_CERT_FILE"),
        netrc: named("NETRC"),
        home_netrc: below_home(".netrc"),
        docker: named("DOCKER_CONFIG")
            .or_else(|| below_home(".docker"))
            .map(|place| place.join("config.json")),
    })
}

/// A variable that is a path; nothing where it is unset or empty.
fn named(name: &str) -> Option<PathBuf> {
    variable(name).map(PathBuf::from)
}

/// A variable that is text, by either of two names; nothing where both are unset or empty.
fn text(name: &str, other: &str) -> Result<Option<String>, Failure> {
    let value =
        variable(name).map(|value| (name, value)).or_else(|| variable(other).map(|value| (other, value)));
    let Some((name, value)) = value else { return Ok(None) };
    value.into_string().map(Some).map_err(|_| Failure::usage(format!("{name} is not text")))
}

#[expect(clippy::disallowed_methods, reason = "this is the door to the environment")]
fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

/// The time now, in seconds since 1970. The age of cached files is told by it, and whether what a repository says is
/// still valid: nothing of it reaches an image.
#[expect(clippy::disallowed_types, reason = "this is the door to the clock")]
pub(crate) fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::SystemTime::UNIX_EPOCH);
    since.ok().and_then(|since| i64::try_from(since.as_secs()).ok()).unwrap_or(0)
}
