//! What is signed, who signs, and where apt looks.

use ocelet_package::deb_trust::sources::{self, SourceFormat};
use ocelet_package::deb_trust::{
    AptConfiguration, Keyring, PACKAGES_LIMIT, ReleaseError, Validity, VerifiedRelease, WantedKey,
};
use ocelet_testkit::openpgp::{Forged, Plan, SIGNED, Stamp, inline, signed_part};

use super::{Signed, seeds, told};
use crate::fuzz::targets::Bench;

/// An hour after everything was signed.
fn now() -> Validity {
    Validity::at(i64::from(SIGNED) + 3600)
}

impl Signed {
    /// # Errors
    /// A certificate that was just made cannot be read.
    pub(in crate::fuzz) fn new() -> Result<Self, String> {
        let signer = Forged::new(1, &Plan::default());
        let mut keyring = Keyring::new();
        keyring.add("test.gpg", &signer.packets).map_err(|error| error.to_string())?;
        let release = seeds::releases().swap_remove(0);
        let text = String::from_utf8_lossy(&release).into_owned();
        let in_release = inline(&text, &[signer.sign(signed_part(&text), &Stamp::default())]).into_bytes();
        Ok(Self { signer, keyring, release, in_release })
    }
}

/// The text of a Release, signed by someone known, in both forms.
pub(super) fn release(bench: &Bench, input: &[u8]) {
    let Signed { signer, keyring, .. } = &bench.signed;
    let signature = signer.sign(input, &Stamp::default());
    read(&VerifiedRelease::open_detached("fuzz", input, &signature, keyring, now()));
    let text = String::from_utf8_lossy(input);
    let framed = inline(&text, &[signer.sign(signed_part(&text), &Stamp::default())]);
    read(&VerifiedRelease::open_inline("fuzz", framed.as_bytes(), keyring, now()));
}

/// A whole `InRelease`, with its frame and its signature.
pub(super) fn in_release(bench: &Bench, input: &[u8]) {
    read(&VerifiedRelease::open_inline("fuzz", input, &bench.signed.keyring, now()));
}

/// Signatures, armored or not, beside a Release.
pub(super) fn signature(bench: &Bench, input: &[u8]) {
    let Signed { release, keyring, .. } = &bench.signed;
    read(&VerifiedRelease::open_detached("fuzz", release, input, keyring, now()));
}

/// Everything that locking asks of a Release.
fn read(opened: &Result<VerifiedRelease, ReleaseError>) {
    let verified = match opened {
        Ok(verified) => verified,
        Err(error) => return told(error),
    };
    let _ = (verified.check_suite("bookworm").is_ok(), verified.check_not_older(0).is_ok());
    let release = verified.release();
    let _ = (release.has_component("main"), release.has_index_of_all());
    for architecture in release.architectures.iter().take(4) {
        let components = release.components.iter().take(4).map(|one| Some(one.as_str()));
        for component in components.chain([None]) {
            match verified.choose_packages(component, architecture) {
                Ok(choice) => drop(verified.open_packages(&choice, b"", PACKAGES_LIMIT)),
                Err(error) => told(&error),
            }
        }
    }
}

/// A file of keys, which then are asked about a signature.
pub(super) fn keyring(bench: &Bench, input: &[u8]) {
    let mut keyring = Keyring::new();
    match keyring.add("fuzz.gpg", input) {
        Ok(fingerprints) => {
            let wanted = fingerprints.into_iter().map(|fingerprint| WantedKey { fingerprint, exact: false });
            let only = keyring.restricted_to(wanted);
            let _ = keyring.unread().len();
            for keyring in [keyring, only] {
                for validity in [now(), Validity::archived(now().now)] {
                    read(&VerifiedRelease::open_inline("fuzz", &bench.signed.in_release, &keyring, validity));
                }
            }
        }
        Err(error) => told(&error),
    }
}

/// A file of sources, in both styles.
pub(super) fn sources(_: &Bench, input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    for format in [SourceFormat::OneLine, SourceFormat::Deb822] {
        match sources::read("fuzz", &text, format) {
            Ok(sources) => {
                for source in sources {
                    let _ = (source.is_archived(), source.repositories("amd64"));
                    let _ = source.architectures.of(&["amd64".to_owned(), "i386".to_owned()]);
                }
            }
            Err(error) => told(&error),
        }
    }
}

/// The configuration of apt.
pub(super) fn configuration(_: &Bench, input: &[u8]) {
    let mut configuration = AptConfiguration::new();
    let text = String::from_utf8_lossy(input);
    let _ = configuration.read("fuzz", &text).map_err(|error| error.to_string());
    let _ = (configuration.architecture(), configuration.architectures(), configuration.is_archived());
    let _ = (configuration.proxy("https", "deb.example.org"), configuration.includes());
}
