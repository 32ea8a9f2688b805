//! Names of images: a repository and a tag.
//!
//! Tools disagree on what an entry of `index.json` should be called: skopeo and umoci look for the tag alone in
//! `org.opencontainers.image.ref.name`, containerd for the full name in `io.containerd.image.name`, and the kubelet
//! finds an imported image only under a name with its registry. So both are always written, and both come out of
//! the same two values. The grammars are those of the distribution-spec ("Pulling manifests").

use std::fmt;
use std::str::FromStr;

/// A tag: `v1.36.4-cni-alpine3.22`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tag(String);

/// A repository with its registry: `docker.io/library/kubelet`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Repository {
    registry: String,
    path: String,
}

/// Why a text is not a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// Not a tag.
    #[error(
        "{text:?} is not a tag; use letters, digits, '_', '.' and '-', at most 128, not beginning with '.' or '-'"
    )]
    Tag {
        /// What was given.
        text: String,
    },
    /// Not a repository.
    #[error(
        "{text:?} is not an image name; use [registry/]path in lower case, its parts of letters, digits and \
         single '.', '_' or '-' between them, without a tag"
    )]
    Repository {
        /// What was given.
        text: String,
    },
}

impl Tag {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Tag {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        let good = text.len() <= 128
            && text.bytes().next().is_some_and(word)
            && text.bytes().all(|byte| word(byte) || byte == b'.' || byte == b'-');
        if good {
            Ok(Self(text.to_owned()))
        } else {
            Err(NameError::Tag { text: text.chars().take(150).collect() })
        }
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl Repository {
    /// The full name of the image with this tag: `docker.io/library/kubelet:v1`.
    pub fn full_name(&self, tag: &Tag) -> String {
        format!("{self}:{tag}")
    }

    /// The name as Docker prints it, without its default registry: `kubelet:v1`.
    pub fn familiar_name(&self, tag: &Tag) -> String {
        let path = match self.registry.as_str() {
            "docker.io" => self.path.strip_prefix("library/").unwrap_or(&self.path).to_owned(),
            _ => self.to_string(),
        };
        format!("{path}:{tag}")
    }

    /// The registry: `docker.io` where none was named.
    pub fn registry(&self) -> &str {
        &self.registry
    }

    /// The path in the registry.
    pub fn path(&self) -> &str {
        &self.path
    }
}

/// Lower-case letters and digits, with `.`, `_`, `__` or any number of `-` between them.
fn is_component(text: &str) -> bool {
    let mut separator = String::new();
    let mut empty = true;
    for character in text.chars() {
        match character {
            'a'..='z' | '0'..='9' => {
                let good = matches!(separator.as_str(), "" | "." | "_" | "__")
                    || separator.chars().all(|other| other == '-');
                if !good || (empty && !separator.is_empty()) {
                    return false;
                }
                separator.clear();
                empty = false;
            }
            '.' | '_' | '-' => separator.push(character),
            _ => return false,
        }
    }
    !empty && separator.is_empty()
}

/// A host name with an optional port.
fn is_registry(text: &str) -> bool {
    let (host, port) = text.split_once(':').unwrap_or((text, "443"));
    let label = |label: &str| {
        !label.is_empty()
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    host.split('.').all(label) && port.parse::<u16>().is_ok()
}

impl FromStr for Repository {
    type Err = NameError;

    /// Reads a name as Docker does: the part before the first slash is a registry if it has a dot or a colon in it
    /// or is `localhost` (distribution/reference, normalize.go).
    fn from_str(text: &str) -> Result<Self, NameError> {
        let (registry, path) = match text.split_once('/') {
            Some((first, rest)) if first.contains(['.', ':']) || first == "localhost" => (first, rest),
            _ => ("docker.io", text),
        };
        let registry = if registry == "index.docker.io" { "docker.io" } else { registry };
        let official = registry == "docker.io" && !path.contains('/');
        let path = if official { format!("library/{path}") } else { path.to_owned() };
        if text.len() <= 255 && is_registry(registry) && path.split('/').all(is_component) {
            Ok(Self { registry: registry.to_owned(), path })
        } else {
            Err(NameError::Repository { text: text.chars().take(300).collect() })
        }
    }
}

impl fmt::Display for Repository {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.registry, self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_judged() {
        let long = "a".repeat(129);
        for (text, good) in [
            ("v1.36.4-cni-alpine3.22", true),
            ("_x", true),
            ("UPPER", true),
            (&long[..128], true),
            (&long, false),
            ("", false),
            (".x", false),
            ("-x", false),
            ("a/b", false),
            ("a:b", false),
            ("a\nb", false),
            ("\u{e9}", false),
        ] {
            assert_eq!(text.parse::<Tag>().is_ok(), good, "{text}");
        }
    }

    #[test]
    fn names_get_their_registry() {
        let tag: Tag = "v1".parse().expect("a tag");
        for (text, want) in [
            ("kubelet", Some(("docker.io/library/kubelet:v1", "kubelet:v1"))),
            ("me/kubelet", Some(("docker.io/me/kubelet:v1", "me/kubelet:v1"))),
            ("index.docker.io/kubelet", Some(("docker.io/library/kubelet:v1", "kubelet:v1"))),
            ("ghcr.io/a/b-c__d.e", Some(("ghcr.io/a/b-c__d.e:v1", "ghcr.io/a/b-c__d.e:v1"))),
            ("localhost/x", Some(("localhost/x:v1", "localhost/x:v1"))),
            ("reg:5000/x", Some(("reg:5000/x:v1", "reg:5000/x:v1"))),
            ("reg:70000/x", None),
            ("Kubelet", None),
            ("kubelet:v1", None),
            ("a..b", None),
            ("-a", None),
            ("a-", None),
            ("a//b", None),
            ("", None),
            ("docker.io/", None),
            ("../x", None),
        ] {
            let got = text.parse::<Repository>().ok();
            let got = got.map(|name| (name.full_name(&tag), name.familiar_name(&tag)));
            let want = want.map(|(full, familiar)| (full.to_owned(), familiar.to_owned()));
            assert_eq!(got, want, "{text}");
        }
    }
}
