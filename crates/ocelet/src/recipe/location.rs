//! [`Location`]: where a file or repository can be had — an address, or a path beside the recipe.
//!
//! It refuses addresses of other kinds than `https`, `http` and `file`, and those that hold a password: what a
//! recipe says ends up in locks and reports.

use std::collections::BTreeMap;
use std::fmt;

use super::fields::Text;
use super::platform::Platform;
use super::problem::{At, Code, Findings, Span};
use super::template::{PlatformText, Scope, expand};
use super::variables::{Variable, Variables};

/// Where a file or repository can be had, for one platform.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Location {
    /// An address: `https://…`, `http://…` or `file:///…`.
    Url(String),
    /// A path. A relative one begins at the directory of the recipe.
    Path(String),
}

impl Location {
    /// An address if it has a `://`, else a path.
    pub(crate) fn of(text: String) -> Self {
        if text.contains("://") { Self::Url(text) } else { Self::Path(text) }
    }

    /// Where a file below this place is: `file` begins without a slash.
    #[must_use]
    pub fn join(&self, file: &str) -> Self {
        Self::of(format!("{}/{file}", self.as_str().trim_end_matches('/')))
    }

    /// The same with the paths of this machine in place of the parameters' names, which stand for them in a lock.
    #[must_use]
    pub fn expanded(&self, variables: &BTreeMap<String, Variable>) -> Self {
        let Self::Path(text) = self else { return self.clone() };
        let mut text = text.clone();
        for (name, variable) in variables.iter().filter(|(_, variable)| variable.is_path) {
            text = text.replace(&format!("{{{name}}}"), &variable.value);
        }
        Self::of(text)
    }

    /// The address or path as it is written.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Url(text) | Self::Path(text) => text,
        }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// What reading a source needs to know of the rest of the recipe.
pub(super) struct Setting<'a, 'text> {
    /// The platforms that the source is for, where they are known for certain.
    pub(super) platforms: Option<&'a [At<Platform>]>,
    pub(super) variables: &'a mut Variables,
    pub(super) findings: &'a mut Findings<'text>,
}

impl Setting<'_, '_> {
    /// The platforms that a template is tried with: those of the source.
    pub(super) fn known_platforms(&self) -> Vec<Platform> {
        self.platforms.unwrap_or_default().iter().map(|platform| platform.value.clone()).collect()
    }

    /// Expands a template of a place.
    pub(super) fn place(&mut self, text: &Text) -> Option<PlatformText> {
        let place = expand(text, Scope::Location, self.variables, self.findings)?;
        self.has_values(&place, text.span).then_some(place)
    }

    /// Whether `{apk-arch}` means something for every platform.
    pub(super) fn has_values(&mut self, template: &PlatformText, span: Span) -> bool {
        let stranger = self.known_platforms().into_iter().find(|one| one.apk_architecture().is_none());
        match stranger.filter(|_| template.names_apk_architecture()) {
            None => true,
            Some(platform) => {
                let message = format!(
                    "the variable \"apk-arch\" has no value for {platform}: Alpine has no packages for it"
                );
                self.findings
                    .error(Code::MisplacedVariable, span, message)
                    .label("name the other platforms in \"platforms\" of the source");
                false
            }
        }
    }

    /// Notes that whoever makes the packages of the source has none for one of its platforms.
    pub(super) fn refuse_platform(&mut self, maker: &str, platform: &Platform, span: Span) {
        let message = format!("{maker} has no packages for {platform}");
        self.findings
            .error(Code::InvalidValue, span, message)
            .label("name the other platforms in \"platforms\" of the source");
    }

    /// Whether an expanded template is an address or path.
    pub(super) fn is_location(&mut self, location: &str, span: Span) -> bool {
        let Err((message, label)) = check(location) else { return true };
        self.findings.error(Code::InvalidValue, span, message).label(label);
        false
    }
}

const KINDS: &str = "write https://…, http://…, file:///… or a path relative to the recipe";

fn check(location: &str) -> Result<(), (String, &'static str)> {
    let wrong = |what: &str, label| Err((format!("the address \"{location}\" {what}"), label));
    let Some((scheme, rest)) = location.split_once("://") else {
        return match location {
            "" => Err(("the address is empty".to_owned(), KINDS)),
            _ if ["http:", "https:", "file:"].iter().any(|scheme| location.starts_with(scheme)) => {
                wrong("lacks the \"//\"", KINDS)
            }
            _ => Ok(()),
        };
    };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    match (scheme, host.rsplit_once('@')) {
        ("file", _) if !rest.starts_with('/') => wrong("has no absolute path", KINDS),
        ("http" | "https", _) if host.is_empty() => wrong("has no host", KINDS),
        // Not even here is a password repeated.
        ("http" | "https", Some((_, host))) => Err((
            format!("the address at {host} holds a name or password, which locks and reports would show"),
            "leave it out; passwords come from the netrc file of whoever builds",
        )),
        ("http" | "https" | "file", _) if location.contains(char::is_whitespace) => {
            wrong("has a space in it", "write %20 for a space")
        }
        ("http" | "https" | "file", _) if rest.contains('#') => {
            wrong("has a \"#\", which no server ever sees", "write %23 for the character")
        }
        ("http" | "https" | "file", _) => Ok(()),
        (other, _) => wrong(&format!("is of the unknown kind \"{other}\""), KINDS),
    }
}
