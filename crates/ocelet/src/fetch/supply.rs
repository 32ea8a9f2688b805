//! [`Supply`]: the doors through which bytes come home, and the order in which they are tried.
//!
//! It refuses to know whether there is a network: that is what its source is. Over [`ocelet_net::FileOnly`] every
//! web address fails at once, and no socket can be opened.

use std::path::PathBuf;

use ocelet_net::{Address, AddressError, Mirror, Patience, Sleeper, Source};

use crate::host::Host;
use crate::recipe::Location;

use super::store::Store;

/// Where bytes are kept, and where those that are not there come from.
#[derive(Clone)]
pub struct Supply<'run> {
    /// What was brought home before, and where new bytes go.
    pub store: Store,
    /// Who answers: files only, or a client too.
    pub source: &'run dyn Source,
    /// How is waited between two questions.
    pub sleeper: &'run dyn Sleeper,
    /// How often a source is asked.
    pub patience: Patience,
    /// Mirrors, asked in this order and before all other sources.
    pub mirrors: Vec<Mirror>,
    /// Where relative paths begin: the directory of the recipe.
    pub base: PathBuf,
    /// What time it is, in seconds since 1970: what a repository says is valid for a while only. Nothing else depends
    /// on it.
    pub now: i64,
    /// Where the files of the machine begin whose apt is asked for its sources.
    pub apt_root: PathBuf,
}

impl Supply<'_> {
    /// Every place that may have a file, in the order in which they are asked: the mirrors by the file's `path` in
    /// them, then its own sources.
    pub(super) fn places(&self, path: &str, sources: &[Location]) -> Result<Vec<Address>, AddressError> {
        let mirrors = self.mirrors.iter().map(|mirror| mirror.address(path));
        mirrors.chain(sources.iter().map(|location| self.address(location))).collect()
    }

    fn address(&self, location: &Location) -> Result<Address, AddressError> {
        match location {
            Location::Url(url) => Address::parse(url),
            Location::Path(path) => Ok(Address::file(self.base.join(path))),
        }
    }
}

/// How many files are brought at a time: waiting for servers is no work, but too many questions at once are rude.
pub(super) fn abreast(host: &Host<'_>) -> usize {
    host.jobs.get().clamp(4, 8)
}

impl std::fmt::Debug for Supply<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Supply")
            .field("store", &self.store)
            .field("patience", &self.patience)
            .field("mirrors", &self.mirrors)
            .field("base", &self.base)
            .field("now", &self.now)
            .field("apt_root", &self.apt_root)
            .finish_non_exhaustive()
    }
}
