//! [`Transport`]: one HTTP client for http and https, and files besides.
//!
//! Only [`Online::connect`] makes one. The client is asynchronous inside and blocking outside: it runs on two
//! threads of its own, and a caller waits by parking its thread, which is safe inside anybody's asynchronous
//! runtime (a nested runtime, or the library's own blocking client, would panic there).
//!
//! It refuses to read proxies from the environment, to decompress, to follow redirects unseen, and to install
//! anything process-wide: the TLS provider belongs to this client alone.

mod body;
mod classify;
mod date;
mod exchange;
mod proxies;
mod range;
mod roots;
mod runtime;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::credentials::Keyring;
use crate::file::FileOnly;
use crate::source::{Answer, Ask, Setback, Source};

pub use proxies::Proxies;
pub use roots::Roots;
use runtime::Runtime;

/// How long each part of a transfer may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// Until a connection stands: name look-up, TCP and TLS.
    pub connect: Duration,
    /// From the request to the end of the answer's headers, connecting included.
    pub answer: Duration,
    /// Until `least` further bytes of a body are here.
    pub stall: Duration,
    /// Fewer bytes than this within `stall` count as none.
    pub least: u64,
}

impl Default for Timeouts {
    /// 20 s to connect, 60 s to an answer, 4 KiB in every 30 s.
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(20),
            answer: Duration::from_secs(60),
            stall: Duration::from_secs(30),
            least: 4 << 10,
        }
    }
}

/// The settings of a [`Transport`].
#[derive(Debug, Clone)]
#[must_use]
pub struct Online {
    roots: Roots,
    proxies: Proxies,
    keyring: Keyring,
    timeouts: Timeouts,
    user_agent: String,
    redirects: usize,
    downgrades: bool,
    plain_logins: bool,
}

/// Why no client could be set up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SetupError {
    /// A file of certificate authorities that cannot be read.
    #[error("certificate authorities {} cannot be read: {reason}", .path.display())]
    RootsUnreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        reason: std::io::Error,
    },
    /// A given file holds no usable authority.
    #[error(
        "{} holds no certificate authority that can be used{detail}; wanted PEM with BEGIN CERTIFICATE",
        .path.display()
    )]
    RootsUnusable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, if anything was found.
        detail: String,
    },
    /// A proxy address that cannot be used.
    #[error("the proxy {proxy} cannot be used: {reason}; wanted http://HOST:PORT or https://HOST:PORT")]
    Proxy {
        /// The proxy, redacted.
        proxy: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The client itself could not be made.
    #[error("the HTTP client could not be set up: {reason}")]
    Client {
        /// What was wrong.
        reason: String,
    },
}

impl Default for Online {
    fn default() -> Self {
        Self {
            roots: Roots::system(),
            proxies: Proxies::default(),
            keyring: Keyring::default(),
            timeouts: Timeouts::default(),
            user_agent: concat!("ocelet/", env!("CARGO_PKG_VERSION")).to_owned(),
            redirects: 10,
            downgrades: false,
            plain_logins: false,
        }
    }
}

impl Online {
    /// The system's authorities, no proxy, no login, ten redirects.
    pub fn new() -> Self {
        Self::default()
    }

    /// Trusts these certificate authorities instead of the system's.
    pub fn roots(mut self, roots: Roots) -> Self {
        self.roots = roots;
        self
    }

    /// Goes through these proxies.
    pub fn proxies(mut self, proxies: Proxies) -> Self {
        self.proxies = proxies;
        self
    }

    /// Uses these logins.
    pub fn keyring(mut self, keyring: Keyring) -> Self {
        self.keyring = keyring;
        self
    }

    /// Waits this long for each part.
    pub fn timeouts(mut self, timeouts: Timeouts) -> Self {
        self.timeouts = timeouts;
        self
    }

    /// Calls itself this.
    pub fn user_agent(mut self, user_agent: impl Into<String>) -> Self {
        self.user_agent = user_agent.into();
        self
    }

    /// Follows at most this many redirects.
    pub fn redirects(mut self, most: usize) -> Self {
        self.redirects = most;
        self
    }

    /// Follows redirects from https to http too. Only a known digest then protects what is fetched.
    pub fn allow_downgrades(mut self) -> Self {
        self.downgrades = true;
        self
    }

    /// Sends logins from netrc over unencrypted http too. A login in an address is sent in any case.
    pub fn allow_plain_logins(mut self) -> Self {
        self.plain_logins = true;
        self
    }

    /// Makes the client. Nothing is connected to yet.
    ///
    /// A machine without certificate authorities is no error here: plain http and files work, and https says
    /// what is missing.
    ///
    /// # Errors
    /// An authority file or proxy that cannot be used; threads that cannot be started.
    pub fn connect(self) -> Result<Transport, SetupError> {
        let (tls, roots) = self.roots.configure()?;
        let mut builder = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .no_proxy()
            .connect_timeout(self.timeouts.connect)
            .user_agent(self.user_agent.as_str());
        for proxy in self.proxies.configure()? {
            builder = builder.proxy(proxy);
        }
        let client =
            builder.build().map_err(|error| SetupError::Client { reason: classify::reason(&error) })?;
        let runtime = Runtime::start().map_err(|error| SetupError::Client { reason: error.to_string() })?;
        let wire = Wire {
            client,
            runtime,
            roots,
            keyring: self.keyring,
            timeouts: self.timeouts,
            redirects: self.redirects,
            downgrades: self.downgrades,
            plain_logins: self.plain_logins,
        };
        Ok(Transport { wire: Arc::new(wire) })
    }
}

/// Answers from http, https and files. Cheap to clone; connections are shared.
#[derive(Clone)]
pub struct Transport {
    wire: Arc<Wire>,
}

/// What requests and bodies share.
struct Wire {
    client: reqwest::Client,
    runtime: Runtime,
    /// Where the certificate authorities came from, for messages.
    roots: String,
    keyring: Keyring,
    timeouts: Timeouts,
    redirects: usize,
    downgrades: bool,
    plain_logins: bool,
}

impl Source for Transport {
    fn open(&self, ask: &Ask<'_>) -> Result<Answer, Setback> {
        match ask.address.as_web() {
            Some(web) => exchange::open(&self.wire, web, ask),
            None => FileOnly.open(ask),
        }
    }
}

impl std::fmt::Debug for Transport {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Transport").field("timeouts", &self.wire.timeouts).finish_non_exhaustive()
    }
}
