//! Reading rule packs from TOML.

use ocelet_tree::{Glob, GlobError};
use serde::Deserialize;

use super::{Explains, Files, NamePattern, Rule, RulePack, When};

/// The embedded packs: names and texts.
pub(super) static EMBEDDED: [(&str, &str); 18] = [
    ("ca-certificates", include_str!("../../rules/ca-certificates.toml")),
    ("gconv", include_str!("../../rules/gconv.toml")),
    ("iproute2", include_str!("../../rules/iproute2.toml")),
    ("iptables-backends", include_str!("../../rules/iptables-backends.toml")),
    ("kmod", include_str!("../../rules/kmod.toml")),
    ("krb5-plugins", include_str!("../../rules/krb5-plugins.toml")),
    ("libgcc-unwind", include_str!("../../rules/libgcc-unwind.toml")),
    ("libmount-cryptsetup", include_str!("../../rules/libmount-cryptsetup.toml")),
    ("nss", include_str!("../../rules/nss.toml")),
    ("openssl-providers", include_str!("../../rules/openssl-providers.toml")),
    ("os-release", include_str!("../../rules/os-release.toml")),
    ("pam", include_str!("../../rules/pam.toml")),
    ("protocols-services", include_str!("../../rules/protocols-services.toml")),
    ("sudo", include_str!("../../rules/sudo.toml")),
    ("terminfo", include_str!("../../rules/terminfo.toml")),
    ("xtables", include_str!("../../rules/xtables.toml")),
    ("xtables-kubernetes", include_str!("../../rules/xtables-kubernetes.toml")),
    ("zoneinfo", include_str!("../../rules/zoneinfo.toml")),
];

/// Why a text is not a rule pack.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RuleError {
    /// It is not TOML of the right form.
    #[error("rule pack {pack} cannot be read")]
    Toml {
        /// The pack.
        pack: String,
        /// What is wrong, with the place.
        #[source]
        cause: Box<toml::de::Error>,
    },
    /// A pattern cannot be read.
    #[error("rule pack {pack} has a pattern that cannot be read")]
    Pattern {
        /// The pack.
        pack: String,
        /// What is wrong.
        #[source]
        cause: GlobError,
    },
    /// A rule lacks something.
    #[error("rule {rule} of pack {pack} {what}")]
    Incomplete {
        /// The pack.
        pack: String,
        /// The number of the rule, from 1.
        rule: usize,
        /// What is missing.
        what: &'static str,
    },
    /// A pack includes one that does not exist.
    #[error("rule pack {pack} includes {included}, which does not exist")]
    UnknownInclude {
        /// The pack.
        pack: String,
        /// What it includes.
        included: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenPack {
    summary: String,
    #[serde(default)]
    includes: Vec<String>,
    rule: Vec<WrittenRule>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenRule {
    when: WrittenWhen,
    #[serde(default)]
    need: Need,
    files: Vec<String>,
    reason: String,
    source: String,
    #[serde(default)]
    explains: Vec<String>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "lowercase")]
enum Need {
    #[default]
    Optional,
    Required,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenWhen {
    #[serde(default)]
    always: bool,
    #[serde(default)]
    soname: Vec<String>,
    #[serde(default)]
    path: Vec<String>,
}

pub(super) fn pack(name: &str, text: &str) -> Result<RulePack, RuleError> {
    let written: WrittenPack = toml::from_str(text)
        .map_err(|cause| RuleError::Toml { pack: name.to_owned(), cause: Box::new(cause) })?;
    let numbered = written.rule.into_iter().enumerate();
    let rules = numbered.map(|(index, rule)| read_rule(name, index + 1, rule)).collect::<Result<_, _>>()?;
    Ok(RulePack { name: name.to_owned(), summary: written.summary, includes: written.includes, rules })
}

fn read_rule(pack: &str, number: usize, written: WrittenRule) -> Result<Rule, RuleError> {
    let incomplete = |what| RuleError::Incomplete { pack: pack.to_owned(), rule: number, what };
    if written.reason.trim().is_empty() {
        return Err(incomplete("has no reason"));
    }
    if !written.source.starts_with("https://") {
        return Err(incomplete("has no public source: an https address is wanted"));
    }
    if written.files.is_empty() {
        return Err(incomplete("keeps nothing"));
    }
    let when = match (written.when.always, written.when.soname, written.when.path) {
        (true, sonames, paths) if sonames.is_empty() && paths.is_empty() => When::Always,
        (false, sonames, paths) if !sonames.is_empty() && paths.is_empty() => {
            When::Soname(sonames.into_iter().map(NamePattern).collect())
        }
        (false, sonames, paths) if sonames.is_empty() && !paths.is_empty() => {
            When::Path(paths.iter().map(|path| glob(pack, path)).collect::<Result<_, _>>()?)
        }
        _ => return Err(incomplete("must have exactly one of always, soname and path as its condition")),
    };
    let files = written.files.iter().map(|text| match text.strip_prefix("./") {
        // Whether the rest is a pattern shows once it stands below a directory: "/x" is as good as any.
        Some(rest) => glob(pack, &format!("/x/{rest}")).map(|_| Files::Beside(rest.to_owned())),
        None => glob(pack, text).map(Files::Anywhere),
    });
    let files = files.collect::<Result<Vec<_>, _>>()?;
    if matches!(when, When::Always) && files.iter().any(|files| matches!(files, Files::Beside(_))) {
        return Err(incomplete("keeps files beside what set it off, and nothing does"));
    }
    let explains = written.explains.into_iter().map(|text| {
        if text.starts_with('/') {
            glob(pack, &text).map(Explains::Path)
        } else {
            Ok(Explains::Soname(NamePattern(text)))
        }
    });
    Ok(Rule {
        when,
        required: matches!(written.need, Need::Required),
        files,
        reason: written.reason,
        source: written.source,
        explains: explains.collect::<Result<_, _>>()?,
    })
}

fn glob(pack: &str, text: &str) -> Result<Glob, RuleError> {
    Glob::new(text).map_err(|cause| RuleError::Pattern { pack: pack.to_owned(), cause })
}
