//! Indexes in a mirror's directory that are others than the locked ones: somebody known must vouch for them there.
//!
//! Images are not made of them, so their time does not count, and the machine's own sources are only asked where this
//! machine has them.

use ocelet_oci::Digest;
use ocelet_package::deb_trust::{Keyring, PackagesError, Validity, VerifiedRelease};

use super::releases::{INLINE, PLAIN, SIGNATURES};
use super::suites::{keyring, place_of};
use crate::host;
use crate::lock::mirror_path;
use crate::locking::bytes;
use crate::locking::error::Trouble;
use crate::locking::indexes::Held;
use crate::recipe::{DebOrigin, DebSource};

/// Checks an index that is not the locked one; `label` is what it is called in errors.
pub(in crate::locking) fn vouched_anyway(
    deb: &DebSource,
    held: &Held<'_>,
    label: &str,
    content: &[u8],
) -> Result<(), Trouble> {
    let path = &held.index.file.path;
    let Some((directory, name)) = release_of(held) else { return Ok(()) };
    let Some(keyring) = keys(deb, held, directory)? else { return Ok(()) };
    let release = release(held, directory, name, &keyring)?;
    let Some(list) = path.strip_prefix(&format!("{directory}/")) else { return Ok(()) };
    if [INLINE, PLAIN, SIGNATURES].contains(&list) {
        return Ok(());
    }
    let got = Digest::of(content);
    match release.release().entry(list) {
        Some(entry) if entry.sha256 == *got.as_bytes() => Ok(()),
        entry => Err(PackagesError::Digest {
            label: release.label().to_owned(),
            path: label.to_owned(),
            unpacked: false,
            wanted: entry.map_or_else(|| "none".to_owned(), |entry| Digest::from_bytes(entry.sha256).hex()),
            got: got.hex(),
        }
        .into()),
    }
}

/// The directory and name of the Release that vouches for an index, as the lock has it.
fn release_of<'run>(held: &Held<'run>) -> Option<(&'run str, &'run str)> {
    let index = held.index;
    let mine = held
        .lock
        .indexes
        .iter()
        .filter(|one| (&one.source, &one.platform) == (&index.source, &index.platform));
    let releases = mine.filter_map(|one| one.file.path.rsplit_once('/')).filter(|(directory, name)| {
        let below = index.file.path.strip_prefix(directory);
        [INLINE, PLAIN].contains(name) && below.is_some_and(|rest| rest.starts_with('/'))
    });
    releases.max_by_key(|(directory, _)| directory.len())
}

/// The keys that may sign there; nothing where this machine does not know the source.
fn keys(deb: &DebSource, held: &Held<'_>, directory: &str) -> Result<Option<Keyring>, Trouble> {
    let (source, platform) = (&held.index.source, &held.index.platform);
    if let DebOrigin::Listed { .. } = &deb.origin {
        let problems = match keyring(source, deb, platform, held.supply) {
            Ok(keyring) => return Ok(Some(keyring)),
            Err(problems) => problems,
        };
        return problems.into_iter().next().map_or(Ok(None), Err);
    }
    let architecture = platform.deb_architecture().unwrap_or_default();
    let known = host::apt_sources(&held.supply.apt_root, architecture).unwrap_or_default();
    let mine = known.repositories.into_iter().find(|one| mirror_path(&place_of(&one.release)) == directory);
    Ok(mine.map(|repository| repository.keyring))
}

/// The Release as the mirror has it.
fn release(
    held: &Held<'_>,
    directory: &str,
    name: &str,
    keyring: &Keyring,
) -> Result<VerifiedRelease, Trouble> {
    let validity = Validity::archived(held.supply.now);
    let path = |name: &str| held.directory.join(directory).join(name);
    let read = |name: &str| {
        let path = path(name);
        let blob = host::open(&path).map_err(Trouble::Held)?;
        bytes(&path.display().to_string(), &blob.content())
    };
    let label = path(name).display().to_string();
    let text = read(name)?;
    Ok(if name == INLINE {
        VerifiedRelease::open_inline(&label, &text, keyring, validity)?
    } else {
        VerifiedRelease::open_detached(&label, &text, &read(SIGNATURES)?, keyring, validity)?
    })
}
