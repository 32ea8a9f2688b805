//! What `verify` checks of a finished layout, without running anything and without trusting what wrote it.
//!
//! The layout and every digest in it; then each image for its platform: that the closure of every ELF file and
//! script is complete, that no link leads nowhere, that runtimes will not stumble over `/etc`, that scanners can
//! tell the distribution, and that every file has an owner and a reason.

use std::path::Path;

use ocelet_elf::{Options, Root, Target};
use ocelet_oci::{Layout, Severity};
use ocelet_tree::{Kind, LinkTarget, ResolveError, Tree, TreePath, lookup, resolve};
use serde_json::{Value, json};

use super::flatten::tree;
use super::packed::packed;
use super::reference::{Finished, FinishedError, FinishedImage};
use crate::close::is_mounted;
use crate::host::Host;
use crate::unpack::UnpackError;

/// Something that `verify` has to say.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// Whether it breaks the image or the layout; otherwise it is a remark.
    pub broken: bool,
    /// Where: the layout, or a tag and platform.
    pub place: String,
    /// What.
    pub message: String,
}

/// The outcome of all checks.
#[derive(Debug, Clone, Default)]
pub struct Verified {
    /// Everything that was found.
    pub findings: Vec<Finding>,
    /// How many images were checked.
    pub images: usize,
    /// How many files of them.
    pub files: usize,
}

impl Verified {
    /// Whether nothing is broken.
    pub fn is_sound(&self) -> bool {
        self.findings.iter().all(|finding| !finding.broken)
    }

    /// The outcome as a document.
    pub fn to_json(&self) -> Value {
        let findings: Vec<Value> = self
            .findings
            .iter()
            .map(|finding| json!({"broken": finding.broken, "place": finding.place, "message": finding.message}))
            .collect();
        json!({"sound": self.is_sound(), "images": self.images, "files": self.files, "findings": findings})
    }
}

/// Checks a layout, and the images in it that were asked for.
///
/// # Errors
/// The layout cannot be read at all; what is wrong within it is a finding.
pub fn verify(finished: &Finished, host: &Host<'_>) -> Result<Verified, FinishedError> {
    let mut verified = Verified::default();
    if finished.path().is_dir() {
        layout(finished.path(), &mut verified);
    }
    if !verified.is_sound() {
        return Ok(verified);
    }
    for image in finished.images(None)? {
        let place = format!("{} {}", image.tag.as_deref().unwrap_or("untagged"), image.platform);
        let mut findings = Vec::new();
        match check(finished, &image, host) {
            Ok((files, found)) => {
                verified.files += files;
                findings.extend(found);
            }
            Err(error) => findings.push((true, crate::error::sentence(&error))),
        }
        verified.images += 1;
        let placed = |(broken, message)| Finding { broken, place: place.clone(), message };
        verified.findings.extend(findings.into_iter().map(placed));
    }
    verified.findings.sort();
    Ok(verified)
}

fn layout(path: &Path, verified: &mut Verified) {
    let findings = match Layout::open(path) {
        Ok(layout) => ocelet_oci::validate(&layout)
            .iter()
            .map(|problem| {
                (problem.severity == Severity::Error, format!("{}: {}", problem.place, problem.finding))
            })
            .collect(),
        Err(error) => vec![(true, crate::error::sentence(&error))],
    };
    let placed = |(broken, message)| Finding { broken, place: "layout".to_owned(), message };
    verified.findings.extend(findings.into_iter().map(placed));
}

pub(super) type Found = Vec<(bool, String)>;

fn check(finished: &Finished, image: &FinishedImage, host: &Host<'_>) -> Result<(usize, Found), UnpackError> {
    let tree = tree(image, finished.path(), host)?;
    let mut found = Found::new();
    found.extend(links(&tree));
    found.extend(configuration(&tree));
    found.extend(reasons(&tree, image));
    found.extend(closures(&tree, image));
    found.extend(packed(&tree, image));
    Ok((tree.len(), found))
}

/// Every symbolic link leads somewhere, or to where something will be mounted.
fn links(tree: &Tree) -> Found {
    let mut found = Found::new();
    for (path, node) in tree.iter() {
        let Kind::Symlink { target } = &node.kind else { continue };
        match resolve(tree, path) {
            Ok(_) => {}
            Err(ResolveError::Absent { at, .. }) if is_mounted(&at.path) => {}
            Err(_) => found.push((true, format!("{path} links to {target}, which is not there"))),
        }
    }
    found
}

/// What runtimes and scanners stumble over.
fn configuration(tree: &Tree) -> Found {
    let mut found = Found::new();
    let at = |path: &str| TreePath::new(path).ok().and_then(|path| tree.get(&path));
    let is_link = |path: &str| at(path).is_some_and(|node| matches!(node.kind, Kind::Symlink { .. }));
    for path in ["/etc", "/etc/resolv.conf", "/etc/hosts", "/etc/hostname"] {
        if is_link(path) {
            // runc makes a mount point of it, and fails where the link leads nowhere.
            found.push((
                true,
                format!(
                    "{path} is a symbolic link; runtimes mount over it, so it must be a plain entry or absent"
                ),
            ));
        }
    }
    let told = ["/etc/os-release", "/usr/lib/os-release"]
        .iter()
        .any(|path| TreePath::new(path).is_ok_and(|path| resolve(tree, &path).is_ok()));
    if !told {
        found.push((
            false,
            "there is no os-release: scanners cannot tell the distribution (rule pack os-release)".to_owned(),
        ));
    }
    if let Some(TreeLink(target)) = at("/etc/os-release").and_then(link_of)
        && target.is_absolute()
    {
        found.push((
            false,
            "/etc/os-release is an absolute link: some scanners read it by its path alone".to_owned(),
        ));
    }
    found
}

struct TreeLink<'tree>(&'tree LinkTarget);

fn link_of(node: &ocelet_tree::Node) -> Option<TreeLink<'_>> {
    match &node.kind {
        Kind::Symlink { target } => Some(TreeLink(target)),
        Kind::Directory | Kind::File { .. } => None,
    }
}

/// Every file has an owner and a reason, and the report names nothing that is not there.
fn reasons(tree: &Tree, image: &FinishedImage) -> Found {
    let Some(report) = &image.report else {
        return vec![(
            false,
            "it has no report: it was not made by ocelet, or the report was not copied with it".to_owned(),
        )];
    };
    let mut found = Found::new();
    for (path, node) in tree.iter().filter(|(_, node)| !node.is_directory()) {
        let known = report.files.get(&path.to_string());
        if known.is_none_or(|file| file.because.is_empty() || file.owner.is_empty()) {
            found.push((
                true,
                format!("the {} {path} has no owner and reason in the report", node.kind.noun()),
            ));
        } else if report.chain(path).is_none() {
            found.push((true, format!("no chain of reasons leads from the recipe to {path}")));
        }
    }
    for path in report.files.keys() {
        let there = TreePath::from_readable(path).is_ok_and(|path| lookup(tree, &path).is_ok());
        if !there {
            found.push((true, format!("the report names {path}, which the image does not have")));
        }
    }
    found
}

/// Every ELF file and script of the image finds what it needs in the image, by the rules of its loader.
fn closures(tree: &Tree, image: &FinishedImage) -> Found {
    let Ok(target) = Target::parse(&image.platform.to_string()) else {
        return vec![(
            false,
            format!("no loader's rules are known for {}: closures are not checked", image.platform),
        )];
    };
    let roots: Vec<Root> = tree
        .iter()
        .filter(|(_, node)| node.content().is_some_and(|content| runs(content, node.metadata.mode)))
        .map(|(path, _)| Root::new(path.clone(), "a file of the image"))
        .collect();
    let expected = image.report.as_ref().map(|report| report.missing.as_slice()).unwrap_or_default();
    let closure = ocelet_elf::close(tree, &roots, &Options { dlopen: None, ..Options::new(target) });
    closure
        .problems
        .iter()
        .map(ToString::to_string)
        .map(|message| (!expected.iter().any(|known| is_same(known, &message)), message))
        .collect()
}

/// Whether a report has foreseen a problem: who needs what is the same. Why it is not to be had may be told otherwise,
/// since a file that was passed over in the source (for another machine, say) is not in the image at all.
fn is_same(known: &str, message: &str) -> bool {
    fn who_needs_what(text: &str) -> &str {
        let end = [", ", "; ", ": "].iter().filter_map(|mark| text.find(mark)).min();
        end.map_or(text, |end| &text[..end])
    }
    who_needs_what(known) == who_needs_what(message)
}

/// Whether a file is one that a kernel or a loader would take: ELF, or an executable script.
fn runs(content: &ocelet_tree::Content, mode: u16) -> bool {
    match content.head(4) {
        Ok(head) => head == b"\x7fELF" || (head.starts_with(b"#!") && mode & 0o111 != 0),
        Err(_) => true,
    }
}
