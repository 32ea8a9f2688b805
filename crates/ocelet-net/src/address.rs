//! [`Address`]: where bytes can be had — a web address or a file — and [`Mirror`]: a place that holds many.
//!
//! It refuses every scheme but http, https and file, `..` in a file address and in a path below a mirror, and
//! a file address of another host. A login written into an address is kept apart from it and never shown.

use std::fmt;
use std::path::{Path, PathBuf};

use url::Url;

use crate::credentials::{Login, Secret};
use crate::redact::{Redacted, unreadable};

/// One place where bytes can be had. `Display` and `Debug` show it redacted.
#[derive(Clone, PartialEq, Eq)]
pub struct Address(Place);

#[derive(Clone, PartialEq, Eq)]
enum Place {
    /// Boxed: an address is mostly held in lists.
    Web(Box<WebAddress>),
    File(PathBuf),
    Beneath {
        root: PathBuf,
        path: String,
    },
}

/// An http or https address, its login taken out of it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct WebAddress {
    pub(crate) url: Url,
    pub(crate) login: Option<Login>,
}

/// A directory or web address below which files lie by their relative path.
#[derive(Clone, PartialEq, Eq)]
pub struct Mirror(Place);

/// Why text is not an address, or a path does not lie below a mirror.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AddressError {
    /// The text cannot be read as an address at all.
    #[error("\"{text}\" is not an address: {reason}; write https://…, http://… or file:///…")]
    Unreadable {
        /// What was given, redacted.
        text: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Another scheme than http, https and file.
    #[error("address \"{text}\" has the scheme \"{scheme}\"; only http, https and file are fetched")]
    Scheme {
        /// What was given, redacted.
        text: String,
        /// Its scheme.
        scheme: String,
    },
    /// A `..`, an empty name, a backslash or a NUL where a plain path was wanted.
    #[error(
        "path \"{path}\" does not stay below its root; write plain names joined by slashes, without \"..\""
    )]
    Climbs {
        /// The path as it was given, escaped.
        path: String,
    },
}

impl Address {
    /// Reads `https://…`, `http://…` or `file:///…`.
    ///
    /// # Errors
    /// Other schemes, unreadable text, a file address that names a host or has `..` in it.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        parse(text).map(Self)
    }

    /// A file by its path on this machine, opened as it is: links are followed wherever they lead.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self(Place::File(path.into()))
    }

    /// The path, where this is a file opened as it is.
    pub fn as_file(&self) -> Option<&Path> {
        match &self.0 {
            Place::File(path) => Some(path),
            _ => None,
        }
    }

    /// The root and the path below it, where this is a file of a mirror directory.
    pub fn as_beneath(&self) -> Option<(&Path, &str)> {
        match &self.0 {
            Place::Beneath { root, path } => Some((root, path)),
            _ => None,
        }
    }

    /// Whether reading it needs the network.
    pub fn is_remote(&self) -> bool {
        matches!(self.0, Place::Web(_))
    }

    #[cfg(feature = "http")]
    pub(crate) fn as_web(&self) -> Option<&WebAddress> {
        match &self.0 {
            Place::Web(web) => Some(web),
            _ => None,
        }
    }

    /// An address from a parsed one, its login (if any) taken out.
    #[cfg(feature = "http")]
    pub(crate) fn from_url(url: Url) -> Self {
        Self(Place::Web(Box::new(WebAddress::new(url))))
    }
}

impl Mirror {
    /// Reads a web address, a `file:///…` address, or the plain path of a directory.
    ///
    /// # Errors
    /// As [`Address::parse`], for text that contains `://`; other text is a directory.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        if text.contains("://") { parse(text).map(Self) } else { Ok(Self::directory(text)) }
    }

    /// A directory of this machine. Nothing outside of it is ever read through it.
    pub fn directory(root: impl Into<PathBuf>) -> Self {
        Self(Place::File(root.into()))
    }

    /// The file at `path` of this mirror: names joined by slashes, not percent-encoded.
    ///
    /// # Errors
    /// A path that is absolute, empty, or has an empty, `.` or `..` component, a backslash or a NUL.
    pub fn address(&self, path: &str) -> Result<Address, AddressError> {
        let climbs = || AddressError::Climbs { path: path.escape_debug().to_string() };
        if path.contains(['\0', '\\']) || path.split('/').any(|name| matches!(name, "" | "." | "..")) {
            return Err(climbs());
        }
        let place = match &self.0 {
            Place::File(root) => Place::Beneath { root: root.clone(), path: path.to_owned() },
            Place::Beneath { .. } => return Err(climbs()),
            Place::Web(web) => {
                let mut web = web.clone();
                web.url.path_segments_mut().map_err(|()| climbs())?.pop_if_empty().extend(path.split('/'));
                Place::Web(web)
            }
        };
        Ok(Address(place))
    }
}

impl WebAddress {
    fn new(mut url: Url) -> Self {
        let login = (!url.username().is_empty() || url.password().is_some()).then(|| Login::Basic {
            user: decode_lossy(url.username()),
            password: Secret::new(decode_lossy(url.password().unwrap_or_default())),
        });
        // Both calls fail only for addresses without a host, which http and https always have.
        let _ = url.set_username("");
        let _ = url.set_password(None);
        url.set_fragment(None);
        Self { url, login }
    }
}

fn parse(text: &str) -> Result<Place, AddressError> {
    let unreadable = |reason| AddressError::Unreadable { text: unreadable(text), reason };
    let Some((scheme, rest)) = text.split_once("://") else {
        return Err(unreadable("it has no \"://\""));
    };
    match scheme.to_ascii_lowercase().as_str() {
        "file" => parse_file(text, rest),
        "http" | "https" => {
            let url = Url::parse(text).map_err(|error| unreadable(url_reason(error)))?;
            Ok(Place::Web(Box::new(WebAddress::new(url))))
        }
        scheme => Err(AddressError::Scheme {
            text: Redacted(text).to_string(),
            scheme: scheme.escape_debug().to_string(),
        }),
    }
}

/// A fixed text for each error: the library's own would repeat nothing secret, but is not ours to promise.
fn url_reason(error: url::ParseError) -> &'static str {
    match error {
        url::ParseError::EmptyHost => "it names no host",
        url::ParseError::InvalidPort => "its port is not a number up to 65535",
        url::ParseError::InvalidIpv4Address | url::ParseError::InvalidIpv6Address => {
            "its host is a malformed IP address"
        }
        _ => "its host or form is not valid",
    }
}

/// `file://` as RFC 8089 has it: an empty host or `localhost`, then an absolute percent-encoded path.
fn parse_file(text: &str, rest: &str) -> Result<Place, AddressError> {
    let unreadable = |reason| AddressError::Unreadable { text: unreadable(text), reason };
    let path = rest
        .strip_prefix("localhost/")
        .or_else(|| rest.strip_prefix('/'))
        .ok_or_else(|| unreadable("a file address has an absolute path and no host"))?;
    let bytes = decode(path).ok_or_else(|| unreadable("a \"%\" is not followed by two hex digits"))?;
    let path =
        String::from_utf8(bytes).map_err(|_| unreadable("its path is not UTF-8 once percent-decoded"))?;
    if path.contains('\0') || path.split('/').any(|name| name == "..") {
        return Err(AddressError::Climbs { path: path.escape_debug().to_string() });
    }
    Ok(Place::File(PathBuf::from(format!("/{path}"))))
}

/// Percent-decoding (RFC 3986, 2.1); nothing when a `%` is not followed by two hex digits.
fn decode(text: &str) -> Option<Vec<u8>> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let mut digit = || bytes.next().and_then(|byte| char::from(byte).to_digit(16));
            let value = digit()? * 16 + digit()?;
            decoded.push(u8::try_from(value).ok()?);
        } else {
            decoded.push(byte);
        }
    }
    Some(decoded)
}

fn decode_lossy(text: &str) -> String {
    decode(text).and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_else(|| text.to_owned())
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Web(web) => Redacted(web.url.as_str()).fmt(formatter),
            Self::File(path) => path.display().fmt(formatter),
            Self::Beneath { root, path } => write!(formatter, "{}/{path}", root.display()),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Address({})", self.0)
    }
}

impl fmt::Display for Mirror {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl fmt::Debug for Mirror {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Mirror({})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_read_and_show_without_secrets() {
        for (given, want) in [
            ("https://user:pw@example.org/a?sig=1#x", "https://example.org/a?sig=…"),
            ("HTTP://Example.org:80/a", "http://example.org/a"),
            ("file:///a%20b/c", "/a b/c"),
            ("file://localhost/x", "/x"),
        ] {
            let address = Address::parse(given).expect(given);
            assert_eq!(address.to_string(), want);
            assert_eq!(format!("{address:?}"), format!("Address({want})"));
        }
    }

    #[test]
    fn what_is_not_an_address_is_refused_without_its_secrets() {
        for (given, want) in [
            ("/etc/passwd", "has no"),
            ("ftp://u:hunter2@h/x", "scheme \"ftp\""),
            ("https://u:hunter2/@h:x/p", "is not an address"),
            ("https:///", "is not an address"),
            ("file://host/x", "no host"),
            ("file:///a/../b", "does not stay below"),
            ("file:///a/%2e%2E/b", "does not stay below"),
            ("file:///a%00b", "does not stay below"),
            ("file:///a%zz", "hex digits"),
        ] {
            let error = Address::parse(given).expect_err(given).to_string();
            assert!(error.contains(want), "{given}: {error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn a_path_stays_below_its_mirror() {
        for (mirror, path, want) in [
            ("https://u:p@m.org/base", "v3/a b.apk", Some("https://m.org/base/v3/a%20b.apk")),
            ("https://m.org/base/", "x?y#z", Some("https://m.org/base/x%3Fy%23z")),
            ("https://m.org", "%2e%2e/x", Some("https://m.org/%252e%252e/x")),
            ("/srv/mirror", "a/b", Some("/srv/mirror/a/b")),
            ("file:///srv/m", "a", Some("/srv/m/a")),
            ("/srv", "../x", None),
            ("/srv", "/x", None),
            ("/srv", "a//b", None),
            ("/srv", "", None),
            ("https://m.org", "a/../../x", None),
            ("https://m.org", "a\\..\\x", None),
        ] {
            let address = Mirror::parse(mirror).expect(mirror).address(path);
            assert_eq!(address.as_ref().map(ToString::to_string).ok().as_deref(), want, "{mirror} {path}");
        }
    }
}
