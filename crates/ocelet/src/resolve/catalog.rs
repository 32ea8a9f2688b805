//! [`Catalog`]: what the repositories of a recipe list, after their signatures were checked.
//!
//! It refuses to fetch anything: whoever has the bytes of an index verifies them here, and gets a [`Listing`].

use std::collections::BTreeMap;

use ocelet_package::apk::{self, Keyring, VerifiedIndex};
use ocelet_package::deb;
use ocelet_package::deb_trust::VerifiedPackages;

use crate::recipe::{ApkSource, Location, Platform, SourceName};

/// The name of a repository's index below the directory of an architecture.
pub(crate) const INDEX: &str = "APKINDEX.tar.gz";

/// What all repositories of a recipe list, by source and platform, in the recipe's order.
#[derive(Debug, Default)]
pub struct Catalog {
    /// The listings.
    pub listings: BTreeMap<(SourceName, Platform), Vec<Listing>>,
}

/// What one repository lists for one architecture. Only a verified index makes one.
#[derive(Debug)]
pub struct Listing {
    location: Location,
    tag: Option<String>,
    offer: Offer,
}

/// The packages of a repository, in the form of their distribution.
#[derive(Debug)]
#[non_exhaustive]
pub enum Offer {
    /// Alpine's. What the source's pins refuse is not among them.
    Apk(apk::Index),
    /// Debian's.
    Deb(deb::Index),
}

/// A repository whose index is to be had: one for each repository and platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexPlace {
    /// The source.
    pub source: SourceName,
    /// The platform.
    pub platform: Platform,
    /// The repository, with the part that names the architecture; paths of this machine by their parameters.
    pub location: Location,
    /// The tag of the repository.
    pub tag: Option<String>,
}

/// Why an index that is signed cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ListingError {
    /// What it lists cannot be read.
    #[error("{label} is signed, and cannot be read")]
    Malformed {
        /// What the index is called.
        label: String,
        /// Why.
        #[source]
        cause: apk::MalformedIndex,
    },
    /// A Debian repository's list of packages cannot be read.
    #[error("{label} is what a signed Release vouches for, and cannot be read")]
    Packages {
        /// What the index is called.
        label: String,
        /// Why.
        #[source]
        cause: deb::MalformedIndex,
    },
}

impl IndexPlace {
    /// Where the index is.
    pub fn index(&self) -> Location {
        self.location.join(INDEX)
    }
}

/// The indexes of one source for one platform, the most wanted first.
pub(crate) fn places(source: &SourceName, apk: &ApkSource, platform: &Platform) -> Vec<IndexPlace> {
    let architecture = platform.apk_architecture().unwrap_or_default();
    let place = |repository: &crate::recipe::Repository| IndexPlace {
        source: source.clone(),
        platform: platform.clone(),
        location: repository.shown_for(platform).join(architecture),
        tag: repository.tag.as_ref().map(ToString::to_string),
    };
    apk.repositories.iter().map(|at| place(&at.value)).collect()
}

impl Listing {
    /// Reads what a verified index lists; packages that the source's pins refuse are as if they were not there.
    ///
    /// # Errors
    /// [`ListingError`].
    ///
    /// # Panics
    /// Never: the records of a verified index lie in memory.
    pub fn read(place: &IndexPlace, apk: &ApkSource, verified: &VerifiedIndex) -> Result<Self, ListingError> {
        let label = place.index().to_string();
        let bytes = verified.records.bytes().expect("the records of a verified index lie in memory");
        let index = apk::Index::from_bytes(bytes.to_vec())
            .map_err(|cause| ListingError::Malformed { label, cause })?;
        let index =
            if apk.pins.is_empty() { index } else { index.filtered(|package| is_allowed(apk, package)) };
        Ok(Self { location: place.location.clone(), tag: place.tag.clone(), offer: Offer::Apk(index) })
    }

    /// Reads what a Debian repository lists in one component, as its Release vouches for it. `root` is where the
    /// repository's `dists` and `pool` are; `label` is what the index is called in errors.
    ///
    /// # Errors
    /// [`ListingError`].
    pub fn read_deb(root: &Location, label: &str, packages: VerifiedPackages) -> Result<Self, ListingError> {
        let index = deb::Index::from_bytes(packages.into_text())
            .map_err(|cause| ListingError::Packages { label: label.to_owned(), cause })?;
        Ok(Self { location: root.clone(), tag: None, offer: Offer::Deb(index) })
    }

    /// Where the repository is: for Alpine with the part that names the architecture, for Debian the root of all
    /// suites.
    pub fn location(&self) -> &Location {
        &self.location
    }

    /// Its tag: its packages are used only where a wish has the same one.
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// What it lists.
    pub fn offer(&self) -> &Offer {
        &self.offer
    }

    /// How many packages it lists.
    pub fn len(&self) -> usize {
        match &self.offer {
            Offer::Apk(index) => index.len(),
            Offer::Deb(index) => index.len(),
        }
    }

    /// Whether it lists none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The list, where it is Alpine's.
    pub(super) fn apk(&self) -> Option<&apk::Index> {
        match &self.offer {
            Offer::Apk(index) => Some(index),
            Offer::Deb(_) => None,
        }
    }

    /// The list, where it is Debian's.
    pub(super) fn deb(&self) -> Option<&deb::Index> {
        match &self.offer {
            Offer::Deb(index) => Some(index),
            Offer::Apk(_) => None,
        }
    }
}

/// Whether the pins of a source let a package be chosen.
fn is_allowed(apk: &ApkSource, package: &apk::Package<'_>) -> bool {
    let Some(pin) = apk.pins.get(package.name) else { return true };
    let term = format!("{}{}", package.name, pin.value);
    apk::Dependency::parse(&term).is_ok_and(|term| term.accepts(Some(package.version)))
}

/// The keys that a source believes, for one platform. `read` gives the text of a key file.
///
/// # Errors
/// What `read` or the key itself says.
pub(crate) fn keyring<E>(
    apk: &ApkSource,
    platform: &Platform,
    read: &dyn Fn(&str) -> Result<String, E>,
    refused: &dyn Fn(String, apk::KeyError) -> E,
) -> Result<Keyring, E> {
    let architecture = platform.apk_architecture().unwrap_or_default();
    let mut keyring = match &apk.keys {
        crate::recipe::Keys::Embedded(_) => Keyring::alpine_for(architecture),
        crate::recipe::Keys::Files(_) => Keyring::new(),
    };
    for file in apk.keys.files_for(platform) {
        let text = read(&file)?;
        let name = file.rsplit('/').next().unwrap_or(&file).to_owned();
        keyring.add(&name, &text).map_err(|cause| refused(file, cause))?;
    }
    Ok(keyring)
}
