//! The names that a recipe gives and uses, each a type of its own that only a valid name can become.
//!
//! They refuse what a registry, a file system or a command line could not take.

use std::borrow::Borrow;
use std::fmt;

/// A text that is not a valid name of its kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{given}\" cannot be {noun}: {rule}")]
pub struct NameError {
    /// The text as it was given.
    pub given: String,
    /// What it should have been.
    pub noun: &'static str,
    /// What such names look like.
    pub rule: &'static str,
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $noun:literal, $rule:expr, $check:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// Takes over a name.
            ///
            /// # Errors
            /// The text is not a valid name; the error says what one looks like.
            pub fn new(name: impl Into<String>) -> Result<Self, NameError> {
                let name = name.into();
                let check: fn(&str) -> bool = $check;
                if check(&name) {
                    Ok(Self(name))
                } else {
                    Err(NameError { given: name, noun: $noun, rule: $rule })
                }
            }

            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.0)
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    };
}

const SIMPLE: &str =
    "it has lowercase letters and digits, with single '.', '_' or '-' between them, at most 64 characters";

name!(
    /// The name of an image: a repository name of the OCI distribution specification ("Pulling manifests").
    ImageName,
    "the name of an image",
    "it has lowercase letters and digits, joined by '.', '_', '__', hyphens or '/', at most 255 characters",
    |name| name.len() <= 255 && name.split('/').all(is_path_component)
);
name!(
    /// A tag of the OCI distribution specification ("Pulling manifests").
    Tag,
    "a tag",
    "it has letters, digits, '_', '.' and '-', begins with none of the last two, at most 128 characters",
    is_tag
);
name!(
    /// The name of a flavor. `all`, `default` and `none` are kept for the command line.
    FlavorName,
    "the name of a flavor",
    SIMPLE,
    is_simple
);
name!(
    /// The name of a source.
    SourceName,
    "the name of a source",
    SIMPLE,
    is_simple
);
name!(
    /// The name of a rule pack.
    RuleName,
    "the name of a rule pack",
    SIMPLE,
    is_simple
);
name!(
    /// The name of a needs pack.
    NeedsName,
    "the name of a needs pack",
    SIMPLE,
    is_simple
);
name!(
    /// The name of a variable that templates may use.
    VariableName,
    "the name of a variable",
    "it has letters, digits, '.', '_' and '-', begins with a letter or digit, at most 64 characters",
    is_word
);
name!(
    /// The name of a command: one file name, as a shell would look it up.
    CommandName,
    "the name of a command",
    "it is one file name without '/', '?' or spaces; paths go into \"files\"",
    |name| ocelet_tree::Name::new(name).is_ok()
        && !name.contains(|other: char| other == '?' || other.is_whitespace() || other.is_control())
);

name!(
    /// The name of a package, or of something that packages provide: `so:libz.so.1`, `cmd:mount`, `/bin/sh`
    /// (apk-package(5) and apk-world(5) of apk-tools).
    PackageName,
    "the name of a package",
    "it has printable characters other than '@', '<', '>', '=', '~', '!', '?', quotes and braces, begins with a letter, digit, '_', '.' or '/', at most 255 characters",
    is_package
);
name!(
    /// The tag of a package repository (apk-repositories(5) of apk-tools).
    RepositoryTag,
    "the tag of a repository",
    "it has letters, digits, '.', '_' and '-', begins with a letter or digit, at most 64 characters",
    is_word
);
name!(
    /// The name of a user or group, as useradd(8) takes it.
    AccountName,
    "the name of a user or group",
    "it has letters, digits, '_', '.' and '-', begins with a letter or '_', may end with '$', at most 32 characters",
    is_account
);

/// Flavor names that the command line keeps for itself.
pub(super) const RESERVED_FLAVORS: &[&str] = &["all", "default", "none"];

/// `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*`
fn is_path_component(name: &str) -> bool {
    let mut runs = name.split(|character: char| character.is_ascii_lowercase() || character.is_ascii_digit());
    let alphanumeric = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric());
    alphanumeric(name.bytes().next())
        && alphanumeric(name.bytes().last())
        && runs.all(|run| matches!(run, "" | "." | "_" | "__") || run.bytes().all(|byte| byte == b'-'))
}

fn is_simple(name: &str) -> bool {
    name.len() <= 64 && is_path_component(name) && !name.contains("__") && !name.contains("--")
}

fn is_word(name: &str) -> bool {
    name.len() <= 64
        && name.starts_with(|first: char| first.is_ascii_alphanumeric())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

fn is_package(name: &str) -> bool {
    name.len() <= 255
        && name.starts_with(|first: char| first.is_ascii_alphanumeric() || "_./".contains(first))
        && name.bytes().all(|byte| byte.is_ascii_graphic() && !b"@<>=~!?\"'`{}".contains(&byte))
}

fn is_account(name: &str) -> bool {
    let body = name.strip_suffix('$').unwrap_or(name);
    name.len() <= 32
        && body.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && body.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte))
}

/// `[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}`
fn is_tag(tag: &str) -> bool {
    tag.len() <= 128
        && tag.starts_with(|first: char| first.is_ascii_alphanumeric() || first == '_')
        && tag.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check<T>(new: impl Fn(String) -> Result<T, NameError>, yes: &[&str], no: &[&str]) {
        for name in yes {
            assert!(new((*name).to_owned()).is_ok(), "{name}");
        }
        for name in no {
            assert!(new((*name).to_owned()).is_err(), "{name}");
        }
    }

    #[test]
    fn names_follow_their_grammars() {
        let (long, longer) = ("a".repeat(128), "a".repeat(129));
        check(
            ImageName::new,
            &["a", "a/b", "a.b_c__d---e", "0"],
            &["", "A", "a/", "/a", "a//b", "a..b", "a___b", "-a", "a-", "a.-b", "ä", "a:b"],
        );
        check(Tag::new, &["a", "_a", "V1.2-x", &long], &["", ".a", "-a", "a:b", "a/b", "ä", &longer]);
        check(FlavorName::new, &["a", "cni-1.0", "a_b"], &["", "A", "a--b", "a/b", "a b", "-", &longer]);
        check(VariableName::new, &["a", "A1", "cni-plugins", "x_y.z"], &["", "-a", "a b", "{a}", "ä"]);
        check(
            CommandName::new,
            &["sh", "mkfs.ext4", "[", "x86_64-linux-gnu-gcc", "g++"],
            &["", ".", "..", "a/b", "/bin/sh", "a b", "a?", "a\n"],
        );
        check(
            PackageName::new,
            &["musl", "libstdc++", "so:libz.so.1", "cmd:[", "/bin/sh", "py3.11:x", "_a", ".deps", "7zip"],
            &["", "a b", "a@b", "a=1", "!a", "a?", "{a}", "-a", "ä", &"a".repeat(256)],
        );
        check(RepositoryTag::new, &["edge", "v3.22-testing"], &["", "@edge", "-a", "a b", &longer]);
        check(
            AccountName::new,
            &["root", "_apt", "www-data", "host$", "A.b"],
            &["", "0", "1000", "-a", "a:b", "a b", "$", "a$b", &long],
        );
    }
}
