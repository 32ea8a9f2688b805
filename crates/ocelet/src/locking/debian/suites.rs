//! [`Suite`]: what is to be fetched for one source and platform, from the recipe or from apt of this machine.

use ocelet_package::deb_trust::{Keyring, Validity};

use super::Failures;
use crate::error::sentence;
use crate::fetch::Supply;
use crate::host::{self, AptRepository};
use crate::locking::error::Trouble;
use crate::locking::indexes::Reading;
use crate::recipe::{DebOrigin, DebRepository, DebSource, Location, Platform, SourceKind, SourceName};

/// One suite of a repository, for one source and platform.
pub(super) struct Suite<'run> {
    pub(super) source: &'run SourceName,
    pub(super) platform: &'run Platform,
    /// The architecture by Debian's name.
    pub(super) architecture: &'static str,
    /// Where `dists` and `pool` are.
    pub(super) root: Location,
    /// The directory of its Release file.
    pub(super) release: Location,
    /// Its name, or an exact path, which ends with a slash.
    pub(super) name: String,
    /// Its components; none with an exact path.
    pub(super) components: Vec<String>,
    /// Whose signatures count.
    pub(super) keyring: Keyring,
    pub(super) validity: Validity,
    /// For one of the machine's own.
    pub(super) machine: Option<Machine>,
}

/// What apt of the machine says of a suite.
pub(super) struct Machine {
    /// The file and line that name it.
    pub(super) place: String,
    /// Whether apt takes it without a signature.
    pub(super) unsigned: bool,
}

/// The Debian sources and platforms of which something is asked.
pub(super) fn tasks<'run>(
    reading: &Reading<'run>,
) -> impl Iterator<Item = (&'run SourceName, &'run Platform)> {
    let debian = reading.tasks().filter(|(_, kind, _)| matches!(kind, SourceKind::Deb(_)));
    debian.map(|(name, _, platform)| (name, platform))
}

/// Every suite, in the order of the recipe and of apt's files.
pub(super) fn of<'run>(reading: &Reading<'run>, failures: &mut Failures) -> Vec<Suite<'run>> {
    let mut suites = Vec::new();
    for (name, kind, platform) in reading.tasks() {
        let SourceKind::Deb(deb) = kind else { continue };
        match &deb.origin {
            DebOrigin::System => machines(name, platform, reading.supply, &mut suites, failures),
            DebOrigin::Listed { repositories, snapshot, .. } => {
                let keyring = match keyring(name, deb, platform, reading.supply) {
                    Ok(keyring) => keyring,
                    Err(problems) => {
                        failures.trouble.extend(problems);
                        continue;
                    }
                };
                let validity = Validity { now: reading.supply.now, archived: *snapshot };
                let first = suites.len();
                for repository in repositories {
                    let suite = listed(name, platform, &repository.value, &keyring, validity);
                    match suites[first..].iter_mut().find(|known| known.release == suite.release) {
                        Some(known) => known.join(suite),
                        None => suites.push(suite),
                    }
                }
            }
        }
    }
    suites
}

impl Suite<'_> {
    /// Takes the components of another line for the same suite.
    fn join(&mut self, other: Self) {
        let new: Vec<String> =
            other.components.into_iter().filter(|one| !self.components.contains(one)).collect();
        self.components.extend(new);
    }
}

/// A suite that the recipe names.
fn listed<'run>(
    source: &'run SourceName,
    platform: &'run Platform,
    repository: &DebRepository,
    keyring: &Keyring,
    validity: Validity,
) -> Suite<'run> {
    let root = repository.shown_for(platform);
    let suite = repository.suite.clone();
    let release = match suite.strip_suffix('/') {
        // "./" is the root itself.
        Some(path) => match path.trim_start_matches("./").trim_matches('/') {
            "" | "." => root.clone(),
            path => root.join(path),
        },
        None => root.join(&format!("dists/{suite}")),
    };
    Suite {
        source,
        platform,
        architecture: platform.deb_architecture().unwrap_or_default(),
        root,
        release,
        name: suite,
        components: repository.components.clone(),
        keyring: keyring.clone(),
        validity,
        machine: None,
    }
}

/// The suites of apt of this machine.
fn machines<'run>(
    source: &'run SourceName,
    platform: &'run Platform,
    supply: &Supply<'_>,
    suites: &mut Vec<Suite<'run>>,
    failures: &mut Failures,
) {
    let architecture = platform.deb_architecture().unwrap_or_default();
    match host::apt_sources(&supply.apt_root, architecture) {
        Ok(found) => {
            failures.left_out.extend(found.left_out);
            suites.extend(found.repositories.into_iter().map(|repository| {
                let AptRepository {
                    place,
                    root,
                    release,
                    suite,
                    components,
                    archived,
                    unsigned,
                    keyring,
                    ..
                } = repository;
                Suite {
                    source,
                    platform,
                    architecture,
                    root: place_of(&root),
                    release: place_of(&release),
                    name: suite,
                    components,
                    keyring,
                    validity: Validity { now: supply.now, archived },
                    machine: Some(Machine { place, unsigned }),
                }
            }));
        }
        Err(problems) => {
            let source_name = source.to_string();
            for cause in problems {
                let problem = Trouble::Apt { source_name: source_name.clone(), cause };
                // What is wrong with the machine is so for each platform.
                let text = sentence(&problem);
                if !failures.trouble.iter().any(|known| sentence(known) == text) {
                    failures.trouble.push(problem);
                }
            }
        }
    }
}

/// An address of apt's, without the slash at its end.
pub(super) fn place_of(address: &str) -> Location {
    Location::of(address.trim_end_matches('/').to_owned())
}

/// The keys that a source with repositories of its own believes.
pub(super) fn keyring(
    name: &SourceName,
    deb: &DebSource,
    platform: &Platform,
    supply: &Supply<'_>,
) -> Result<Keyring, Vec<Trouble>> {
    let DebOrigin::Listed { keys, .. } = &deb.origin else { return Ok(Keyring::new()) };
    let mut keyring = Keyring::new();
    let mut problems = Vec::new();
    for file in keys.iter().map(|key| key.value.for_platform(platform)) {
        let source_name = || name.to_string();
        let added = host::open(&supply.base.join(&file))
            .map_err(|cause| Trouble::KeyFile { source_name: source_name(), cause })
            .and_then(|blob| super::super::bytes(&file, &blob.content()))
            .and_then(|bytes| {
                let added = keyring.add(&file, &bytes);
                added.map_err(|cause| Trouble::Keyring { source_name: source_name(), cause })
            });
        problems.extend(added.err());
    }
    if problems.is_empty() { Ok(keyring) } else { Err(problems) }
}
