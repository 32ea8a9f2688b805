//! [`Login`], [`Secret`] and the [`Keyring`] that finds a login for a host.
//!
//! It refuses to read files and environment variables: credential files come in as text, helpers run behind
//! the caller's [`crate::Helper`]. A secret has no `Display`, and its `Debug` shows nothing.

use std::fmt;
use std::sync::Arc;

use crate::docker::{DockerConfig, Helper, HelperError};
use crate::netrc::Netrc;

/// A password or token: shown nowhere, read only through [`Secret::reveal`].
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

/// What a server is told about who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Login {
    /// A user and a password (RFC 7617).
    Basic {
        /// The user name.
        user: String,
        /// The password.
        password: Secret,
    },
    /// A refresh token of a registry's token service (docker's `identitytoken`).
    IdentityToken(Secret),
}

/// Why a login could not be found out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CredentialError {
    /// The configuration names a helper, and no way to run one was given.
    #[error(
        "the docker configuration asks helper \"{helper}\" for {host}, but no helper may be run here; \
         put the login under \"auths\" instead"
    )]
    NoHelper {
        /// The helper's name, without `docker-credential-`.
        helper: String,
        /// The host that wants a login.
        host: String,
    },
    /// The helper failed.
    #[error("helper \"{helper}\" gave no login for {host}: {reason}")]
    Helper {
        /// The helper's name.
        helper: String,
        /// The host that wants a login.
        host: String,
        /// What went wrong.
        #[source]
        reason: HelperError,
    },
}

/// The logins of a user: netrc for plain downloads, the docker configuration for registries.
#[derive(Clone, Default)]
pub struct Keyring {
    netrc: Netrc,
    docker: DockerConfig,
    helper: Option<Arc<dyn Helper>>,
}

impl Keyring {
    /// Without any login.
    pub fn new() -> Self {
        Self::default()
    }

    /// Uses these logins for plain downloads.
    #[must_use]
    pub fn netrc(mut self, netrc: Netrc) -> Self {
        self.netrc = netrc;
        self
    }

    /// Uses this configuration for registries.
    #[must_use]
    pub fn docker(mut self, docker: DockerConfig) -> Self {
        self.docker = docker;
        self
    }

    /// Lets the configuration's credential helpers be run by this door.
    #[must_use]
    pub fn helper(mut self, helper: Arc<dyn Helper>) -> Self {
        self.helper = Some(helper);
        self
    }

    /// The login for a plain download from `host` (without port), from netrc.
    pub fn download(&self, host: &str) -> Option<Login> {
        self.netrc.login(host)
    }

    /// The login for the registry at `host` (`host` or `host:port`, as written in an image's name).
    ///
    /// # Errors
    /// A helper is named that may not be run, or that failed.
    pub fn registry(&self, host: &str) -> Result<Option<Login>, CredentialError> {
        self.docker.login(host, self.helper.as_deref())
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Keyring").field("netrc", &self.netrc).finish_non_exhaustive()
    }
}

impl Secret {
    /// Takes a secret into custody.
    pub fn new(secret: impl Into<String>) -> Self {
        Self(secret.into())
    }

    /// The secret itself, for the one header that needs it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("…")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_never_shows_its_secret() {
        let login = Login::Basic { user: "me".into(), password: Secret::new("hunter2") };
        assert_eq!(format!("{login:?}"), "Basic { user: \"me\", password: … }");
        let keyring =
            Keyring::new().netrc(Netrc::parse("machine h login a password hunter2").expect("netrc"));
        assert!(!format!("{keyring:?}").contains("hunter2"));
    }
}
