//! [`Proxies`]: the values of `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY`, given by whoever reads the
//! environment.
//!
//! It refuses SOCKS, and a proxy that cannot be used, instead of going round it.

use url::Url;

use super::SetupError;
use crate::redact::unreadable;

/// Which requests go through which proxy.
#[derive(Clone, Default)]
pub struct Proxies {
    http: Option<String>,
    https: Option<String>,
    except: Option<String>,
}

impl Proxies {
    /// None.
    pub fn new() -> Self {
        Self::default()
    }

    /// The proxy for http addresses: `http://user:password@host:port`, or `host:port`.
    #[must_use]
    pub fn http(mut self, proxy: impl Into<String>) -> Self {
        self.http = Some(proxy.into());
        self
    }

    /// The proxy for https addresses.
    #[must_use]
    pub fn https(mut self, proxy: impl Into<String>) -> Self {
        self.https = Some(proxy.into());
        self
    }

    /// Hosts that are asked directly, as `NO_PROXY` lists them: domains with what is below them, addresses,
    /// networks, `*`.
    #[must_use]
    pub fn except(mut self, hosts: impl Into<String>) -> Self {
        self.except = Some(hosts.into());
        self
    }

    pub(super) fn configure(&self) -> Result<Vec<reqwest::Proxy>, SetupError> {
        let mut proxies = Vec::new();
        for (given, secure) in [(&self.http, false), (&self.https, true)] {
            let Some(given) = given.as_deref().filter(|given| !given.is_empty()) else {
                continue;
            };
            let url = read(given)?;
            let proxy = if secure { reqwest::Proxy::https(url) } else { reqwest::Proxy::http(url) };
            let proxy = proxy.map_err(|_| SetupError::Proxy {
                proxy: unreadable(given),
                reason: "its address is not valid",
            })?;
            let except = self.except.as_deref().and_then(reqwest::NoProxy::from_string);
            proxies.push(proxy.no_proxy(except));
        }
        Ok(proxies)
    }
}

fn read(given: &str) -> Result<Url, SetupError> {
    let bad = |reason| SetupError::Proxy { proxy: unreadable(given), reason };
    let full = if given.contains("://") { given.to_owned() } else { format!("http://{given}") };
    let url = Url::parse(&full).map_err(|_| bad("its address is not valid"))?;
    match url.scheme() {
        "http" | "https" if url.has_host() => Ok(url),
        "socks4" | "socks4a" | "socks5" | "socks5h" => Err(bad("SOCKS is not supported")),
        _ => Err(bad("its scheme is unknown")),
    }
}

impl std::fmt::Debug for Proxies {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let shown = |proxy: &Option<String>| proxy.as_deref().map(unreadable);
        formatter
            .debug_struct("Proxies")
            .field("http", &shown(&self.http))
            .field("https", &shown(&self.https))
            .field("except", &self.except)
            .finish()
    }
}
