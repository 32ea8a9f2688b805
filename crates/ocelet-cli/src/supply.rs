//! Where bytes may come from: the flags for mirrors, the network and the cache, and the doors that they make.
//!
//! Offline, no client is ever built: what answers then knows files and nothing else.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use ocelet::fetch::Supply;
use ocelet::fetch::store::Store;
use ocelet::host::read_text;
use ocelet::net::{
    DockerConfig, FileOnly, Keyring, Mirror, Netrc, Online, Patience, Proxies, Roots, SetupError, Source,
    ThreadSleeper, Timeouts,
};

use crate::environment::{self, Network};
use crate::failure::Failure;
use crate::output::Talk;

/// Where bytes may come from.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct SupplyArguments {
    /// A directory or address that `ocelet mirror` has filled, asked before all others; may be given several times
    #[arg(long = "mirror", value_name = "DIR|URL")]
    mirrors: Vec<String>,

    /// Open no connection at all: use only the cache, mirror directories and files
    #[arg(long)]
    offline: bool,

    /// Where downloads are kept [default: $OCELET_CACHE, else $XDG_CACHE_HOME/ocelet, else ~/.cache/ocelet]
    #[arg(long, value_name = "DIR")]
    cache_dir: Option<PathBuf>,

    /// Trust the certificate authorities in this PEM file too
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,

    /// Take logins from this file [default: $NETRC, else ~/.netrc]
    #[arg(long, value_name = "FILE")]
    netrc: Option<PathBuf>,

    /// Ask a server that fails this many times more [default: 3]
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(0..=100))]
    retries: Option<u32>,

    /// Give a server up that gives no connection, no answer or no more bytes for this long [default: 20 seconds for a
    /// connection, 60 for an answer, 30 for more bytes]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    timeout: Option<u64>,

    /// For `deb = "system"`: take apt's sources and keyrings from below this directory [default: /]
    #[arg(long, value_name = "DIR")]
    apt_root: Option<PathBuf>,
}

/// Everything that a supply is made of, and that it borrows.
pub(crate) struct Doors {
    store: Store,
    source: Box<dyn Source>,
    mirrors: Vec<Mirror>,
    patience: Patience,
    apt_root: PathBuf,
}

impl SupplyArguments {
    /// Opens the doors. Nothing is connected to yet.
    ///
    /// # Errors
    /// A mirror that cannot be one, a file that cannot be read, a proxy that cannot be used.
    pub(crate) fn open(&self, talk: &Talk) -> Result<Doors, Failure> {
        let mirrors = self.mirrors()?;
        let directory = self.cache_dir.clone().map_or_else(environment::cache_directory, Ok)?;
        let source: Box<dyn Source> = if self.offline {
            Box::new(FileOnly)
        } else {
            Box::new(self.online(&environment::network()?, talk)?.connect().map_err(|error| refused(&error))?)
        };
        let apt_root = self.apt_root.clone().unwrap_or_else(|| PathBuf::from("/"));
        Ok(Doors { store: Store::open(directory)?, source, mirrors, patience: self.patience(), apt_root })
    }

    fn patience(&self) -> Patience {
        let usual = Patience::default();
        Patience {
            attempts: self.retries.map_or(usual.attempts, |retries| retries + 1),
            // Many processes must not ask a failing server in step.
            seed: u64::from(std::process::id()),
            ..usual
        }
    }

    fn timeouts(&self) -> Timeouts {
        let usual = Timeouts::default();
        self.timeout.map(Duration::from_secs).map_or(usual, |most| Timeouts {
            connect: most,
            answer: most,
            stall: most,
            ..usual
        })
    }

    fn mirrors(&self) -> Result<Vec<Mirror>, Failure> {
        self.mirrors.iter().map(|text| self.mirror(text)).collect()
    }

    fn mirror(&self, text: &str) -> Result<Mirror, Failure> {
        if text.is_empty() {
            return Err(Failure::usage(
                "--mirror wants a directory or an address, and got nothing".to_owned(),
            ));
        }
        let mirror = Mirror::parse(text).map_err(|error| Failure::usage(format!("--mirror: {error}")))?;
        let inside =
            mirror.address("SHA256SUMS").map_err(|error| Failure::usage(format!("--mirror: {error}")))?;
        if self.offline && inside.is_remote() {
            return Err(Failure::usage(format!(
                "--offline opens no connection, and --mirror {mirror} needs one"
            ))
            .hint("copy the mirror to this machine, and give its directory"));
        }
        if let Some((root, _)) = inside.as_beneath()
            && !root.is_dir()
        {
            let message = format!("--mirror {} is not a directory", root.display());
            return Err(Failure::unavailable(&std::io::Error::other(message))
                .hint("`ocelet mirror RECIPE --to DIR` makes one"));
        }
        Ok(mirror)
    }

    fn online(&self, network: &Network, talk: &Talk) -> Result<Online, Failure> {
        let mut roots = match &network.authorities {
            Some(file) => Roots::only(file),
            None => Roots::system(),
        };
        if let Some(file) = &self.ca_file {
            roots = roots.and(file);
        }
        let mut proxies = Proxies::new();
        if let Some(proxy) = &network.http_proxy {
            proxies = proxies.http(proxy);
        }
        if let Some(proxy) = &network.https_proxy {
            proxies = proxies.https(proxy);
        }
        if let Some(hosts) = &network.no_proxy {
            proxies = proxies.except(hosts);
        }
        let online = Online::new().roots(roots).proxies(proxies).timeouts(self.timeouts());
        Ok(online.keyring(self.keyring(network, talk)?))
    }

    /// The logins of the user. A file that was named must be there; one at its usual place need not.
    fn keyring(&self, network: &Network, talk: &Talk) -> Result<Keyring, Failure> {
        let mut keyring = Keyring::new();
        let named = self.netrc.as_ref().or(network.netrc.as_ref());
        let usual = network.home_netrc.as_ref().filter(|path| path.exists());
        if let Some(path) = named.or(usual) {
            let text = read_text(path).map_err(|error| Failure::unavailable(&error))?;
            let netrc = Netrc::parse(&text)
                .map_err(|error| Failure::usage(format!("{}: {error}", path.display())))?;
            keyring = keyring.netrc(netrc);
        }
        if let Some(path) = network.docker.as_ref().filter(|path| path.exists()) {
            match docker(path) {
                Ok(config) => keyring = keyring.docker(config),
                // It is about registries, and no download asks one.
                Err(what) => talk.warning(&format!("{what}; its logins are not used")),
            }
        }
        Ok(keyring)
    }
}

fn docker(path: &Path) -> Result<DockerConfig, String> {
    let text = read_text(path).map_err(|error| error.to_string())?;
    DockerConfig::parse(&text).map_err(|error| format!("{}: {error}", path.display()))
}

/// Why there is no client.
fn refused(error: &SetupError) -> Failure {
    match error {
        SetupError::RootsUnreadable { .. } => Failure::unavailable(error),
        SetupError::RootsUnusable { .. } | SetupError::Proxy { .. } => Failure::usage(error.to_string()),
        _ => Failure::of(error),
    }
}

impl Doors {
    /// The supply of a recipe whose relative paths begin at `base`.
    pub(crate) fn supply(&self, base: &Path) -> Supply<'_> {
        Supply {
            store: self.store.clone(),
            source: &*self.source,
            sleeper: &ThreadSleeper,
            patience: self.patience.clone(),
            mirrors: self.mirrors.clone(),
            base: base.to_path_buf(),
            now: environment::now(),
            apt_root: self.apt_root.clone(),
        }
    }
}

#[cfg(test)]
mod tests;
