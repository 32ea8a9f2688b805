//! Brings planned packages home by the digests that their index has, and looks whether they are what it says.

use ocelet_oci::Digest;
use ocelet_package::deb::{Archive, DATA_LIMIT};
use ocelet_tree::Owner;
use rayon::prelude::*;

use crate::fetch::store::VerifiedBlob;
use crate::fetch::{Supply, bring};
use crate::host::Host;
use crate::lock::{LockedFile, LockedPackage, mirror_path};
use crate::locking::error::Trouble;
use crate::locking::indexes::Read;
use crate::locking::{bytes, expanded, locked_file, sources};
use crate::recipe::Recipe;
use crate::resolve::{Offer, PlannedPackage};

/// Pins packages that no lock has yet.
pub(in crate::locking) fn pin(
    recipe: &Recipe,
    packages: &[(&PlannedPackage, &Digest)],
    read: &Read,
    supply: &Supply<'_>,
    host: &Host<'_>,
) -> Vec<Result<LockedPackage, Trouble>> {
    let files: Vec<(String, LockedFile)> = packages
        .iter()
        .map(|(package, digest)| {
            let path = mirror_path(&package.location);
            let sources = sources(recipe, &package.location, &path);
            let file = LockedFile { path, size: package.size, sha256: **digest, sources };
            (format!("{}-{}", package.name, package.version), expanded(&file, &recipe.variables))
        })
        .collect();
    let wanted: Vec<(String, &LockedFile)> = files.iter().map(|(name, file)| (name.clone(), file)).collect();
    let goods = match bring(&wanted, supply, host) {
        Ok(goods) => goods,
        Err(error) => return vec![Err(error.into())],
    };
    packages
        .par_iter()
        .map(|(package, digest)| {
            let blob = goods.get(digest).expect("all that was wanted is here");
            let identity = verify(package, blob, host)?;
            Ok(LockedPackage {
                source: package.source.clone(),
                platform: package.platform.clone(),
                name: package.name.clone(),
                version: package.version.clone(),
                file: locked_file(recipe, &package.location, &mirror_path(&package.location), blob),
                identity,
                signed_by: voucher(read, package, digest),
                because: package.because.clone(),
            })
        })
        .collect()
}

/// Looks whether a package is the one that its index lists and its data is what it says, and gives its architecture.
fn verify(package: &PlannedPackage, blob: &VerifiedBlob, host: &Host<'_>) -> Result<String, Trouble> {
    let label = package.location.to_string();
    let bytes = bytes(&label, &blob.content())?;
    let verified = Archive::open(&label, &bytes)?.verify_digest(*blob.digest().as_bytes())?;
    let control = verified.control().package();
    let got = format!("{}_{}_{}", control.name, control.version_text, control.architecture);
    let wanted = format!("{}_{}_{}", package.name, package.version, package.architecture);
    if got != wanted {
        return Err(Trouble::Misnamed { label, wanted, got });
    }
    let mut scratch = host.scratch.begin(&label)?;
    let written = verified.unpack_into(&mut scratch, DATA_LIMIT)?;
    written.contents(&scratch.finish()?, &Owner::new("package"))?;
    Ok(package.architecture.clone())
}

/// Who vouches for a package: whoever signed for the first list that has it.
fn voucher(read: &Read, package: &PlannedPackage, digest: &Digest) -> String {
    let key = (package.source.clone(), package.platform.clone());
    let listings = read.catalog.listings.get(&key).into_iter().flatten();
    let vouched = read.vouched.get(&key).into_iter().flatten();
    let mut both = listings.zip(vouched).filter(|(listing, _)| match listing.offer() {
        Offer::Deb(index) => index.named(&package.name).any(|one| one.sha256 == Some(*digest.as_bytes())),
        Offer::Apk(_) => false,
    });
    both.next().map(|(_, signed_by)| signed_by.clone()).unwrap_or_default()
}
