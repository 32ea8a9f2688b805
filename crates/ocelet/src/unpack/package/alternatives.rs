//! The links of update-alternatives(1): what the scripts of packages would have linked, as entries of the package that
//! offers the program. Refused are programs that nobody offers, and links that two names want.
//!
//! Only packages of one source are looked at. A link is not made where a package has a file, as update-alternatives
//! refuses to (`alternative_can_replace_path`); a link that a package has gives way.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};

use ocelet_package::deb::{Alternative, AlternativeLink, alternative_links};
use ocelet_tree::{Kind, LinkTarget, MergeOptions, Metadata, Owner, Tree, TreePath, resolve};

use super::deb::Opened;
use super::format::Format;
use crate::recipe::At;
use crate::unpack::UnpackError;

/// Why a link is there that no package has among its files, by its path.
pub(super) type Declared = BTreeMap<TreePath, String>;

/// A link that is to be made.
struct Made {
    path: TreePath,
    target: LinkTarget,
    package: usize,
    because: String,
}

/// Makes the links, and says why each is there.
///
/// # Errors
/// See [`ocelet_package::deb::AlternativeError`].
pub(super) fn link(
    source: &str,
    wanted: &BTreeMap<String, At<TreePath>>,
    packages: &mut [Opened],
) -> Result<Declared, UnpackError> {
    let mut declared = Declared::new();
    for made in plan(source, wanted, packages)? {
        let is_file = |node: &ocelet_tree::Node| !matches!(node.kind, Kind::Symlink { .. });
        let mut there = packages.iter().filter_map(|package| package.tree().get(&made.path));
        if there.any(is_file) {
            continue;
        }
        for package in packages.iter_mut() {
            if package.tree().get(&made.path).is_some() {
                package.forget(&made.path);
            }
        }
        let package = &mut packages[made.package];
        let owner: Owner = package.owner().clone();
        let metadata = Metadata::root_owned(0o777);
        package
            .tree_mut()
            .add_symlink(&made.path, made.target, metadata, &owner)
            .map_err(|cause| UnpackError::Insert { name: source.to_owned(), cause })?;
        declared.insert(made.path, made.because);
    }
    Ok(declared)
}

/// All links, each with the package that offers where it leads.
fn plan(
    source: &str,
    wanted: &BTreeMap<String, At<TreePath>>,
    packages: &[Opened],
) -> Result<Vec<Made>, UnpackError> {
    let offers: Vec<(usize, &Alternative)> = packages
        .iter()
        .enumerate()
        .flat_map(|(place, package)| package.effects().alternatives.iter().map(move |one| (place, one)))
        .collect();
    let all: Vec<Alternative> = offers.iter().map(|(_, one)| (*one).clone()).collect();
    let places = Places::of(packages);
    let chosen = wanted.iter().map(|(name, path)| (name.clone(), path.value.clone())).collect();
    let links = alternative_links(&all, &chosen, |path| places.has(path)).map_err(|cause| {
        let names: BTreeSet<String> = all.iter().map(|one| one.leader.name.clone()).collect();
        UnpackError::Alternatives { name: source.to_owned(), names, cause: Box::new(cause) }
    })?;
    let mut made = Vec::new();
    for (place, one) in offers {
        let between = |link: &AlternativeLink| TreePath::new(format!("/etc/alternatives/{}", link.name)).ok();
        let leads = |link: &AlternativeLink| {
            let target = between(link).and_then(|between| links.get(&between).cloned());
            target.is_some_and(|target| target.as_bytes().strip_prefix(b"/") == Some(link.path.as_bytes()))
        };
        if !leads(&one.leader) {
            continue;
        }
        let why = match wanted.get(&one.leader.name) {
            Some(at) => format!("line {} chooses it", at.span.line),
            None => format!("it has the highest priority, {}", one.priority),
        };
        for link in std::iter::once(&one.leader).chain(&one.followers).filter(|link| leads(link)) {
            let because = format!(
                "the alternative {} is {}, which {} offers: {why}; made by ocelet, since no script is run",
                link.name,
                link.path,
                packages[place].owner()
            );
            for path in between(link).into_iter().chain([link.link.clone()]) {
                if let Some(target) = links.get(&path) {
                    made.push(Made {
                        path,
                        target: target.clone(),
                        package: place,
                        because: because.clone(),
                    });
                }
            }
        }
    }
    // The same way may be offered twice.
    let mut seen = BTreeSet::new();
    made.retain(|one| seen.insert(one.path.clone()));
    Ok(made)
}

/// Which files there are, links above them followed: `/bin/x` may be what a package has in `/usr/bin`.
struct Places<'packages> {
    packages: &'packages [Opened],
    merged: OnceCell<Option<Tree>>,
}

impl<'packages> Places<'packages> {
    fn of(packages: &'packages [Opened]) -> Self {
        Self { packages, merged: OnceCell::new() }
    }

    fn has(&self, path: &TreePath) -> bool {
        let has = |package: &Opened| package.tree().get(path).is_some_and(|node| !node.is_directory());
        if self.packages.iter().any(has) {
            return true;
        }
        // Trees that cannot be merged are told where all sources are laid together.
        let merged = self.merged.get_or_init(|| {
            let trees = self.packages.iter().map(|package| package.tree().clone());
            Tree::merge_all(trees, &MergeOptions::default()).ok()
        });
        merged.as_ref().is_some_and(|merged| resolve(merged, path).is_ok())
    }
}
