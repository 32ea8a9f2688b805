//! Alpine packages, by the rules of apk-tools (3.0, `src/database.c`, `apk_db_install_file` and
//! `apk_db_dir_apply_diri_permissions`; `src/package.c`, `apk_dep_is_materialized`).
//!
//! A file that is there already is overwritten if both packages were built from one source package, or if the new one
//! `replaces` the other and the other does not replace it with a higher priority; it stays if only the other replaces
//! the new one. A directory that several packages have gets the lowest owner, of these the lowest group, and of the
//! modes of those what all of them allow.

use ocelet_package::apk::{self, Contents, Control, DATA_LIMIT, Dependency, Identity, Operator, Record};
use ocelet_tree::tar_in::Skipped;
use ocelet_tree::{Metadata, Owner, Tree, TreePath};

use super::error::PackageFault;
use super::format::{Format, Names, Verdict};
use crate::fetch::Goods;
use crate::fetch::store::Kind;
use crate::lock::LockedPackage;
use crate::recipe::Platform;
use crate::unpack::packaged::{ApkInstalled, Installed, Packaged};

/// How the inflated data of a package is made from the whole file.
const INFLATED: Kind = Kind::new("apk-data.1");

/// A package that was proved, with its files.
#[derive(Debug)]
pub(super) struct Opened {
    owner: Owner,
    control: Control,
    contents: Contents,
}

impl Format for Opened {
    fn open(source: &str, locked: &LockedPackage, goods: &Goods) -> Result<Self, PackageFault> {
        let LockedPackage { name, version, file, .. } = locked;
        let missing = PackageFault::Missing { sha256: file.sha256 };
        let blob = goods.get(&file.sha256).ok_or(missing)?;
        let bytes = blob.content().bytes()?;
        let archive = apk::Archive::open(&format!("{name}-{version}.apk"), &bytes)?;
        let verified = archive.verify_digest(*file.sha256.as_bytes())?;
        verified.expect_identity(&locked.identity.parse::<Identity>()?)?;
        let info = &verified.control().info;
        if info.name != *name || info.version != *version {
            return Err(PackageFault::Other { got: info.to_string() });
        }
        let owner = Owner::new(format!("{source}/{name}-{version}"));
        let inflated = goods.store.derive(&file.sha256, INFLATED, |sink| {
            verified.clone().unpack_into(sink, DATA_LIMIT).map(drop).map_err(PackageFault::from)
        })?;
        let contents = verified.contents_of_inflated(inflated.blob(), &owner)?;
        Ok(Self { owner, control: verified.control().clone(), contents })
    }

    fn owner(&self) -> &Owner {
        &self.owner
    }

    fn names(&self) -> Names {
        let info = &self.control.info;
        let read = |terms: &[String]| -> Vec<String> {
            let terms = terms.iter().filter_map(|term| Dependency::parse(term).ok());
            terms.filter(|term| !term.conflict).map(|term| term.name.to_owned()).collect()
        };
        Names { name: info.name.clone(), provides: read(&info.provides), needs: read(&info.depends) }
    }

    fn tree(&self) -> &Tree {
        &self.contents.tree
    }

    fn tree_mut(&mut self) -> &mut Tree {
        &mut self.contents.tree
    }

    fn into_tree(self) -> Tree {
        self.contents.tree
    }

    fn skipped(&self) -> &[Skipped] {
        &self.contents.skipped
    }

    fn forget(&mut self, path: &TreePath) {
        self.contents.tree.remove(path);
        self.contents.identities.remove(path);
    }

    fn verdict(earlier: &Self, later: &Self) -> Verdict {
        let origin = |one: &Self| one.control.info.origin.clone().filter(|origin| !origin.is_empty());
        if origin(earlier).is_some() && origin(earlier) == origin(later) {
            return Verdict::Later;
        }
        // Nothing is less than the lowest priority.
        let (its, mine) =
            (priority(&earlier.control, &later.control), priority(&later.control, &earlier.control));
        if its > mine {
            Verdict::Earlier
        } else if mine.is_some() {
            Verdict::Later
        } else {
            Verdict::Clash
        }
    }

    fn agree(one: &Metadata, other: &Metadata) -> Metadata {
        match (other.uid, other.gid).cmp(&(one.uid, one.gid)) {
            std::cmp::Ordering::Less => other.clone(),
            std::cmp::Ordering::Equal => Metadata { mode: one.mode & other.mode, ..one.clone() },
            std::cmp::Ordering::Greater => one.clone(),
        }
    }

    fn packaged(&self, source: &str, locked: &LockedPackage, platform: &Platform) -> Packaged {
        let Self { control, contents, .. } = self;
        let record = record(control, platform.apk_architecture());
        Packaged {
            license: control.info.license.clone(),
            description: control.info.description.clone(),
            installed: Some(Box::new(Installed::Apk(ApkInstalled {
                package: apk::Installed::of(record, control, contents),
                scripts: apk::Installed::scripts(control),
                triggers: control.info.triggers.clone(),
            }))),
            ..Packaged::of(source, locked)
        }
    }
}

/// The priority with which a package replaces another one; nothing where it does not.
fn priority(package: &Control, other: &Control) -> Option<u32> {
    let info = &package.info;
    let any =
        info.replaces.iter().filter_map(|term| Dependency::parse(term).ok()).any(|term| is(&term, other));
    any.then(|| info.replaces_priority.unwrap_or(0))
}

/// Whether a term means this very package: what it provides does not count.
fn is(term: &Dependency<'_>, package: &Control) -> bool {
    if term.conflict || term.name != package.info.name {
        return false;
    }
    match term.constraint {
        Some(constraint) if constraint.operator == Operator::CHECKSUM => {
            let wanted = constraint.version.parse::<Identity>().ok();
            wanted.is_some_and(|wanted| wanted == package.identity || wanted == package.strong_identity)
        }
        _ => term.accepts(Some(&package.info.version)),
    }
}

/// What the index says of a package. There a package for every architecture has that of its repository, since Alpine
/// writes indexes with `apk index --rewrite-arch`.
fn record(control: &Control, architecture: Option<&str>) -> Record {
    let mut record = Record::of(control);
    if record.architecture.as_deref() == Some("noarch") {
        record.architecture = architecture.map(str::to_owned).or(record.architecture);
    }
    record
}
