//! [`check`]: what in a `KubeletConfiguration` does not fit a release of Kubernetes, an image and its mounts.
//!
//! It refuses what is no YAML, is too large or too deep. It finds what the facts of this crate know of, and no more: a file
//! without findings may still be refused by the kubelet, whose own validation looks at more.
//!
//! The kubelet reads its file strictly first; where only that fails, for an unknown or doubled field, it warns and reads it
//! again without minding them (`pkg/kubelet/kubeletconfig/util/codec`, seen in 1.20.7, 1.26.0 and 1.36.4). Such findings are
//! warnings here: the kubelet starts, without what was meant.

mod fields;
mod gates;
mod rules;
mod scalar;
mod walk;
mod yaml;

use std::collections::BTreeSet;
use std::fmt;

use serde::Serialize;

use self::yaml::{Node, Place};
use crate::choice::Cgroups;
use crate::version::Release;

/// A command that a kind of volumes wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VolumeNeed {
    /// The kind of volumes: `ext4`, `nfs`.
    pub volume: String,
    /// The name of the program.
    pub command: String,
    /// What it is wanted for.
    pub reason: String,
}

/// What a configuration is to fit.
#[derive(Debug, Clone)]
pub struct CheckContext {
    /// The release of the kubelet.
    pub release: Release,
    /// What the host has; without it nothing is said about cgroups.
    pub cgroup: Option<Cgroups>,
    /// The names of the programs in the image's `PATH`; without them nothing is said about volumes.
    pub commands: Option<BTreeSet<String>>,
    /// Paths of the container that are mounted, or lie in the image; without it the kubelet runs on the host and sees all paths.
    pub mounts: Option<Vec<String>>,
    /// What else is on the kubelet's command line.
    pub flags: Vec<String>,
    /// What the kinds of volumes want that the node is to have.
    pub needs: Vec<VolumeNeed>,
}

impl CheckContext {
    /// A kubelet of a release, of which no more is known.
    pub const fn new(release: Release) -> Self {
        Self { release, cgroup: None, commands: None, mounts: None, flags: Vec::new(), needs: Vec::new() }
    }
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Worth knowing.
    Note,
    /// The kubelet starts, and does something else than was meant.
    Warning,
    /// The kubelet does not start, or not as a node.
    Error,
}

impl fmt::Display for Severity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        })
    }
}

/// One thing that does not fit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The line, from one on; the first of the document for what is not in it.
    pub line: usize,
    /// The column, from one on.
    pub column: usize,
    /// How bad it is.
    pub severity: Severity,
    /// The path of the field, or the flag.
    pub field: String,
    /// What is wrong.
    pub what: String,
    /// What to do.
    pub advice: String,
    /// Where it says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, column, severity, field, what, advice, .. } = self;
        write!(formatter, "{line}:{column}: {severity}: {field}: {what}; {advice}")
    }
}

/// A text in which nothing can be found.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CheckError {
    /// It is no YAML.
    #[error("line {line}, column {column}: this is no YAML: {why}; the kubelet would not read it either")]
    NotYaml {
        /// The line, from one on.
        line: usize,
        /// The column, from one on.
        column: usize,
        /// What the parser says.
        why: String,
    },
    /// It is larger than any configuration.
    #[error("the file has {bytes} bytes, more than the {limit} of any configuration; is it the right one?")]
    TooLarge {
        /// Its bytes.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// Lists and mappings lie too deep in each other.
    #[error(
        "line {line}: more than {limit} lists and mappings lie in each other; no configuration has so many"
    )]
    TooDeep {
        /// The line, from one on.
        line: usize,
        /// The limit.
        limit: usize,
    },
    /// It has too many values.
    #[error(
        "line {line}: more than {limit} values, aliases counted as what they name; no configuration has so many"
    )]
    TooMuch {
        /// The line, from one on.
        line: usize,
        /// The limit.
        limit: usize,
    },
}

/// Findings are no longer counted from here on.
const MOST_FINDINGS: usize = 1000;
/// What of a name or value is shown.
const SHOWN: usize = 60;

/// What of a `KubeletConfiguration` does not fit, in order of lines.
///
/// Of several documents the kubelet reads the first; in a file for kubeadm those of other kinds are left alone.
pub fn check(text: &str, context: &CheckContext) -> Result<Vec<Finding>, CheckError> {
    let documents = yaml::documents(text)?;
    let mut report = Report::default();
    let is_for_kubeadm = documents.iter().any(|document| {
        rules::text_of(document, "apiVersion").is_some_and(|version| version.starts_with("kubeadm.k8s.io/"))
    });
    let mut checked = 0;
    for document in &documents {
        let is_ours = rules::text_of(document, "kind") == Some("KubeletConfiguration");
        if is_for_kubeadm && !is_ours {
            continue;
        }
        if checked > 0 && !is_for_kubeadm {
            report.add(
                document.place,
                Severity::Warning,
                "---",
                "a further document, which the kubelet does not read".to_owned(),
                "write all fields into the first one".to_owned(),
                None,
            );
            break;
        }
        checked += 1;
        walk::document(document, context, &mut report);
        rules::document(document, context, &mut report);
    }
    if checked == 0 {
        report.add(
            Place { line: 1, column: 1 },
            Severity::Error,
            "kind",
            "there is no KubeletConfiguration in this file".to_owned(),
            "begin it with apiVersion: kubelet.config.k8s.io/v1beta1 and kind: KubeletConfiguration"
                .to_owned(),
            None,
        );
    }
    rules::beside(documents.first().map(|first: &std::rc::Rc<Node>| first.place), context, &mut report);
    Ok(report.finish())
}

/// The findings so far.
#[derive(Debug, Default)]
struct Report {
    findings: Vec<Finding>,
}

impl Report {
    fn add(
        &mut self,
        place: Place,
        severity: Severity,
        field: &str,
        what: String,
        advice: String,
        source: Option<&str>,
    ) {
        if self.findings.len() < MOST_FINDINGS {
            self.findings.push(Finding {
                line: place.line,
                column: place.column,
                severity,
                field: field.to_owned(),
                what,
                advice,
                source: source.map(str::to_owned),
            });
        }
    }

    fn finish(mut self) -> Vec<Finding> {
        self.findings.sort_by_key(|finding| (finding.line, finding.column));
        self.findings
    }
}

/// A name or value as it is shown: not longer than what can be read, and without what would confuse a terminal.
fn shown(text: &str) -> String {
    let mut short: String =
        text.chars().take(SHOWN).map(|part| if part.is_control() { ' ' } else { part }).collect();
    if text.chars().nth(SHOWN).is_some() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests;
