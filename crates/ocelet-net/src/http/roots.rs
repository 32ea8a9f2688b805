//! [`Roots`]: the certificate authorities that a server's certificate must come from.
//!
//! The system's bundle is looked for at the places where distributions keep it, and files can be added. It
//! refuses to read environment variables (the caller turns `SSL_CERT_FILE` into [`Roots::only`]) and to bring
//! a list of its own, which would go stale in a binary; a machine without a bundle is told so at the first
//! https request, not before.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::SetupError;

/// Where distributions keep the system's bundle; the first that exists is used.
const SYSTEM_BUNDLES: [&str; 6] = [
    // Debian, Ubuntu, Alpine, Arch
    "/etc/ssl/certs/ca-certificates.crt",
    // Fedora, RHEL
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/pki/tls/certs/ca-bundle.crt",
    // openSUSE
    "/var/lib/ca-certificates/ca-bundle.pem",
    "/etc/ssl/ca-bundle.pem",
    // Alpine's libssl, BSDs, macOS
    "/etc/ssl/cert.pem",
];

/// No real bundle is as long; the system's own has about 250 kB.
const LONGEST_BUNDLE: u64 = 16 << 20;

/// The certificate authorities to trust.
#[derive(Debug, Clone)]
pub struct Roots {
    system: Vec<PathBuf>,
    extra: Vec<PathBuf>,
}

impl Roots {
    /// The bundle of the system.
    pub fn system() -> Self {
        Self { system: SYSTEM_BUNDLES.map(PathBuf::from).to_vec(), extra: Vec::new() }
    }

    /// Only the authorities in `file` (PEM).
    pub fn only(file: impl Into<PathBuf>) -> Self {
        Self { system: Vec::new(), extra: vec![file.into()] }
    }

    /// No authority at all: https cannot be fetched.
    pub fn none() -> Self {
        Self { system: Vec::new(), extra: Vec::new() }
    }

    /// The authorities in `file` (PEM) too.
    #[must_use]
    pub fn and(mut self, file: impl Into<PathBuf>) -> Self {
        self.extra.push(file.into());
        self
    }

    /// The TLS settings, and where the authorities came from, for messages.
    pub(super) fn configure(&self) -> Result<(rustls::ClientConfig, String), SetupError> {
        let mut store = RootCertStore::empty();
        let mut origins = Vec::new();
        for path in &self.system {
            match read(path) {
                Ok(pem) => {
                    // A single odd certificate in the system's bundle is the system's affair.
                    let certificates = CertificateDer::pem_slice_iter(&pem).filter_map(Result::ok);
                    let (added, _) = store.add_parsable_certificates(certificates);
                    if added > 0 {
                        origins.push(path.display().to_string());
                        break;
                    }
                }
                Err(reason) if reason.kind() == io::ErrorKind::NotFound => {}
                Err(reason) => {
                    return Err(SetupError::RootsUnreadable { path: path.clone(), reason });
                }
            }
        }
        for path in &self.extra {
            add_file(&mut store, path)?;
            origins.push(path.display().to_string());
        }
        let origins = if origins.is_empty() {
            "no certificate authorities were found on this machine: install its ca-certificates or give a CA file"
                .to_owned()
        } else {
            format!("accepted are those of {}; give another CA file if yours is missing", origins.join(", "))
        };
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| SetupError::Client { reason: error.to_string() })?
            .with_root_certificates(store)
            .with_no_client_auth();
        Ok((config, origins))
    }
}

/// Adds a file that the user named: each certificate in it must be usable, and there must be one.
fn add_file(store: &mut RootCertStore, path: &Path) -> Result<(), SetupError> {
    let pem = read(path).map_err(|reason| SetupError::RootsUnreadable { path: path.to_owned(), reason })?;
    let unusable = |detail: String| SetupError::RootsUnusable { path: path.to_owned(), detail };
    let mut count = 0;
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        count += 1;
        let certificate =
            certificate.map_err(|error| unusable(format!(" (certificate {count}: {error})")))?;
        store.add(certificate).map_err(|error| unusable(format!(" (certificate {count}: {error})")))?;
    }
    if count == 0 {
        return Err(unusable(String::new()));
    }
    Ok(())
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut pem = Vec::new();
    File::open(path)?.take(LONGEST_BUNDLE).read_to_end(&mut pem)?;
    Ok(pem)
}
