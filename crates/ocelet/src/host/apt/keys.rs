//! The keyrings of apt: those of the whole machine, and those that a source names.
//!
//! A file that is no keyring is passed over and named, as apt does; a source of which no key can be read has none.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::path::Path;

use ocelet_package::deb_trust::sources::{SignedByOption, TRUSTED_FILE, TRUSTED_PARTS, is_trusted_part};
use ocelet_package::deb_trust::{Keyring, KeyringError};

use super::{below, names};
use crate::error::sentence;
use crate::host::file::{FileError, open};

/// The keyrings of a machine, read as they are asked for.
pub(super) struct Keys<'root> {
    root: &'root Path,
    trusted: Option<Keyring>,
    unread: BTreeSet<String>,
}

impl<'root> Keys<'root> {
    pub(super) fn new(root: &'root Path) -> Self {
        Self { root, trusted: None, unread: BTreeSet::new() }
    }

    /// What was passed over, as sentences.
    pub(super) fn into_unread(self) -> BTreeSet<String> {
        self.unread
    }

    /// The keys that may sign a source.
    ///
    /// # Errors
    /// Why there are none, in words.
    pub(super) fn of(&mut self, signed_by: &SignedByOption) -> Result<Keyring, String> {
        match signed_by {
            SignedByOption::Trusted => Ok(self.trusted()),
            SignedByOption::Embedded(text) => {
                let mut keyring = Keyring::new();
                keyring.add("its signed-by", text.as_bytes()).map_err(|error| sentence(&error))?;
                Ok(keyring)
            }
            SignedByOption::Named { paths, keys } => {
                let keyring = if paths.is_empty() { self.trusted() } else { self.named(paths)? };
                // Beside a path a fingerprint says which of that file's keys are meant (apt's method gpgv).
                if keys.is_empty() { Ok(keyring) } else { Ok(keyring.restricted_to(keys.iter().cloned())) }
            }
        }
    }

    fn named(&mut self, paths: &[String]) -> Result<Keyring, String> {
        let mut keyring = Keyring::new();
        let mut problems = Vec::new();
        for path in paths {
            match self.add(path, &mut keyring) {
                Ok(()) => {}
                Err(problem) => problems.push(problem),
            }
        }
        if keyring.is_empty() {
            return Err(format!("none of its keys can be had: {}", problems.join("; ")));
        }
        self.unread.extend(problems);
        Ok(keyring)
    }

    /// The keys that may sign every source that names none.
    fn trusted(&mut self) -> Keyring {
        if let Some(trusted) = &self.trusted {
            return trusted.clone();
        }
        let parts = names(&below(self.root, TRUSTED_PARTS)).unwrap_or_else(|error| {
            self.unread.insert(sentence(&error));
            Vec::new()
        });
        let parts = parts.into_iter().filter(|name| is_trusted_part(name));
        let mut trusted = Keyring::new();
        for path in parts.map(|name| format!("{TRUSTED_PARTS}/{name}")).chain([TRUSTED_FILE.to_owned()]) {
            match self.add(&path, &mut trusted) {
                Ok(()) => {}
                Err(_) if path == TRUSTED_FILE && !below(self.root, &path).exists() => {}
                Err(problem) => drop(self.unread.insert(problem)),
            }
        }
        self.trusted = Some(trusted.clone());
        trusted
    }

    fn add(&self, path: &str, keyring: &mut Keyring) -> Result<(), String> {
        let shown = below(self.root, path);
        let bytes = open(&shown).map_err(|error| match error {
            FileError::Read { cause, .. } if cause.kind() == ErrorKind::NotFound => {
                format!("the keyring {path} does not exist")
            }
            error => sentence(&error),
        })?;
        let bytes = bytes.content().bytes().map_err(|error| sentence(&error))?;
        match keyring.add(path, &bytes) {
            Ok(_) => Ok(()),
            // An empty file says nothing, and apt makes such.
            Err(KeyringError::NotKeys { .. }) if bytes.is_empty() => Ok(()),
            Err(error) => Err(format!("the keyring {path} is passed over: {}", sentence(&error))),
        }
    }
}
