//! [`DockerConfig`]: the registry logins of docker's `config.json` (podman's `auth.json` has the same form),
//! given as text, and the door through which credential helpers run.
//!
//! Format: `auths`, `credHelpers` and `credsStore` as docker/cli's `cli/config` describes; the helper protocol
//! is that of docker-credential-helpers (`get`: the server on stdin, JSON with `Username` and `Secret` on
//! stdout). It refuses to run anything itself and to read a file.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::Deserialize;

use crate::credentials::{CredentialError, Login, Secret};

/// What docker's own name stands for in its configuration.
const DOCKER_HUB: &str = "https://index.docker.io/v1/";
/// The user name with which a helper says that the secret is an identity token.
const TOKEN_USER: &str = "<token>";

/// The logins of one docker configuration.
#[derive(Debug, Clone, Default)]
pub struct DockerConfig {
    /// By host, as [`host_of`] makes it.
    auths: BTreeMap<String, Login>,
    /// By host: the server as written, and the helper.
    helpers: BTreeMap<String, (String, String)>,
    store: Option<String>,
}

/// What is wrong with a docker configuration. The message never repeats a value of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DockerConfigError {
    /// Not JSON, or not of this form.
    #[error("line {line}, column {column} of the docker configuration is not the JSON that docker writes")]
    Json {
        /// The line, counted from one.
        line: usize,
        /// The column, counted from one.
        column: usize,
    },
    /// An `auth` that is not base64 of `user:password`.
    #[error(
        "the docker configuration's \"auth\" for \"{server}\" is not base64 of user:password; log in again"
    )]
    Auth {
        /// The server as written there.
        server: String,
    },
}

/// Runs credential helpers for the library, which runs nothing itself.
pub trait Helper: Send + Sync {
    /// Runs `docker-credential-{helper} get` with `server` on its standard input, and returns what it wrote to
    /// standard output.
    ///
    /// # Errors
    /// The helper knows no login, could not be started, or failed.
    fn get(&self, helper: &str, server: &str) -> Result<String, HelperError>;
}

/// Why a helper gave no login.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HelperError {
    /// It knows no login for the server. Not a failure: the next place is asked.
    #[error("it knows no login")]
    NotFound,
    /// It could not be run, or ended with an error.
    #[error("docker-credential-{helper} could not be run or failed; try it by hand: {reason}")]
    Failed {
        /// The helper's name.
        helper: String,
        /// What the caller's door found.
        reason: String,
    },
    /// Its answer is not the JSON that the protocol wants. It is not shown, for it may hold a secret.
    #[error("its answer is not JSON with \"Username\" and \"Secret\"")]
    Answer,
}

#[derive(Deserialize)]
struct File {
    #[serde(default)]
    auths: BTreeMap<String, Entry>,
    #[serde(default, rename = "credHelpers")]
    helpers: BTreeMap<String, String>,
    #[serde(default, rename = "credsStore")]
    store: Option<String>,
}

#[derive(Deserialize)]
struct Entry {
    #[serde(rename = "auth")]
    encoded: Option<String>,
    username: Option<String>,
    password: Option<String>,
    #[serde(rename = "identitytoken")]
    identity_token: Option<String>,
}

#[derive(Deserialize)]
struct HelperAnswer {
    #[serde(rename = "Username")]
    username: String,
    #[serde(rename = "Secret")]
    secret: String,
}

impl DockerConfig {
    /// Reads the text of a `config.json` or `auth.json`. Keys that are not about logins are ignored.
    ///
    /// # Errors
    /// Text that is not JSON of this form; the first `auth` that cannot be decoded.
    pub fn parse(text: &str) -> Result<Self, DockerConfigError> {
        let file: File = serde_json::from_str(text)
            .map_err(|error| DockerConfigError::Json { line: error.line(), column: error.column() })?;
        let mut config = Self { store: file.store.filter(|name| !name.is_empty()), ..Self::default() };
        for (server, entry) in file.auths {
            // docker writes empty entries for what its store holds.
            if let Some(login) = read_entry(&server, entry)? {
                config.auths.insert(host_of(&server), login);
            }
        }
        for (server, helper) in file.helpers {
            config.helpers.insert(host_of(&server), (server, helper));
        }
        Ok(config)
    }

    /// The login for a registry: from the helper of that host, else the store, else `auths`.
    pub(crate) fn login(
        &self,
        host: &str,
        door: Option<&dyn Helper>,
    ) -> Result<Option<Login>, CredentialError> {
        let key = host_of(host);
        let written = self.auths.get(&key).cloned();
        let server = if key == host_of(DOCKER_HUB) { DOCKER_HUB } else { host };
        let (server, helper) = match (self.helpers.get(&key), &self.store) {
            (Some((server, helper)), _) => (server.as_str(), helper),
            (None, Some(store)) => (server, store),
            (None, None) => return Ok(written),
        };
        let Some(door) = door else {
            let missing = CredentialError::NoHelper { helper: helper.clone(), host: host.to_owned() };
            return written.map(Some).ok_or(missing);
        };
        match door.get(helper, server).and_then(|answer| read_answer(&answer)) {
            Ok(login) => Ok(Some(login)),
            Err(HelperError::NotFound) => Ok(written),
            Err(reason) => {
                Err(CredentialError::Helper { helper: helper.clone(), host: host.to_owned(), reason })
            }
        }
    }
}

/// The host (and port) that a server's name in the configuration is about, in lower case: scheme and path cut,
/// and docker's three names for its hub made one.
fn host_of(server: &str) -> String {
    let host = server.split_once("://").map_or(server, |(_, rest)| rest);
    let host = host.split('/').next().unwrap_or(host).to_ascii_lowercase();
    match host.as_str() {
        "docker.io" | "registry-1.docker.io" => "index.docker.io".to_owned(),
        _ => host,
    }
}

fn read_entry(server: &str, entry: Entry) -> Result<Option<Login>, DockerConfigError> {
    if let Some(token) = entry.identity_token.filter(|token| !token.is_empty()) {
        return Ok(Some(Login::IdentityToken(Secret::new(token))));
    }
    if let Some(encoded) = entry.encoded.filter(|encoded| !encoded.is_empty()) {
        let bad = || DockerConfigError::Auth { server: server.to_owned() };
        // Some tools leave out the padding.
        let any_padding =
            GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
        let decoded =
            GeneralPurpose::new(&STANDARD, any_padding).decode(encoded.trim()).map_err(|_| bad())?;
        let text = String::from_utf8(decoded).map_err(|_| bad())?;
        let (user, password) = text.split_once(':').ok_or_else(bad)?;
        // docker's own reader cuts NULs that old versions wrote.
        let password = Secret::new(password.trim_matches('\0'));
        return Ok(Some(Login::Basic { user: user.to_owned(), password }));
    }
    Ok(match (entry.username, entry.password) {
        (Some(user), Some(password)) => Some(Login::Basic { user, password: Secret::new(password) }),
        _ => None,
    })
}

fn read_answer(answer: &str) -> Result<Login, HelperError> {
    let answer: HelperAnswer = serde_json::from_str(answer).map_err(|_| HelperError::Answer)?;
    let secret = Secret::new(answer.secret);
    if answer.username == TOKEN_USER {
        return Ok(Login::IdentityToken(secret));
    }
    Ok(Login::Basic { user: answer.username, password: secret })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Knows one server of one helper, fails for another and mumbles for a third.
    struct OneHelper;

    impl Helper for OneHelper {
        fn get(&self, helper: &str, server: &str) -> Result<String, HelperError> {
            match (helper, server) {
                ("pass", "ghcr.io") => Ok(r#"{"ServerURL":"x","Username":"<token>","Secret":"tok"}"#.into()),
                ("desktop", DOCKER_HUB) => Ok(r#"{"Username":"hub","Secret":"pw"}"#.into()),
                ("desktop", "mumbles.org") => Ok("hunter2".into()),
                ("desktop", "fails.org") => {
                    Err(HelperError::Failed { helper: helper.into(), reason: "exit status 2".into() })
                }
                _ => Err(HelperError::NotFound),
            }
        }
    }

    fn basic(user: &str, password: &str) -> Login {
        Login::Basic { user: user.into(), password: Secret::new(password) }
    }

    const CONFIG: &str = r#"{
        "auths": {
            "https://Quay.io/v2/": {"auth": "YTpiOmM="},
            "unpadded.org": {"auth": "YTpiOmM"},
            "localhost:5000": {"username": "u", "password": "p"},
            "token.org": {"identitytoken": "t"},
            "empty.org": {}
        },
        "credHelpers": {"ghcr.io": "pass"},
        "credsStore": "desktop",
        "HttpHeaders": {"X": "y"}
    }"#;

    #[test]
    fn logins_come_from_helper_then_store_then_file() {
        let config = DockerConfig::parse(CONFIG).expect("a configuration");
        for (host, want) in [
            ("quay.io", Some(basic("a", "b:c"))),
            ("unpadded.org", Some(basic("a", "b:c"))),
            ("localhost:5000", Some(basic("u", "p"))),
            ("localhost", None),
            ("token.org", Some(Login::IdentityToken(Secret::new("t")))),
            ("empty.org", None),
            ("ghcr.io", Some(Login::IdentityToken(Secret::new("tok")))),
            ("docker.io", Some(basic("hub", "pw"))),
            ("registry-1.docker.io", Some(basic("hub", "pw"))),
        ] {
            assert_eq!(config.login(host, Some(&OneHelper)).expect(host), want, "{host}");
        }
        // Without a way to run helpers, what is written still counts.
        assert_eq!(config.login("quay.io", None).expect("written"), Some(basic("a", "b:c")));
    }

    #[test]
    fn trouble_names_helper_and_host_and_no_secret() {
        let config = DockerConfig::parse(CONFIG).expect("a configuration");
        for (host, door, want) in [
            ("ghcr.io", None, "asks helper \"pass\" for ghcr.io"),
            ("mumbles.org", Some(&OneHelper as &dyn Helper), "gave no login for mumbles.org"),
            ("fails.org", Some(&OneHelper as &dyn Helper), "helper \"desktop\" gave no login"),
        ] {
            let error = config.login(host, door).expect_err(host).to_string();
            assert!(error.contains(want) && !error.contains("hunter2"), "{error}");
        }
        for given in ["{", r#"{"auths": []}"#, r#"{"auths": {"h": {"auth": "hunter2!"}}}"#] {
            let error = DockerConfig::parse(given).expect_err(given).to_string();
            assert!(!error.contains("hunter2"), "{error}");
        }
    }
}
