//! Debian's package database of a flavor, below `var/lib/dpkg`, with the licences of its packages.
//!
//! Where nobody has dpkg it is a file for each package in `status.d`, as distroless images have it and scanners read it;
//! where the flavor keeps dpkg, or the root file system has dpkg's own form, it is that: `status` and `info/`. One that
//! is true as it stands is kept as it is.

mod base;

use std::collections::BTreeSet;

use ocelet_package::deb::{self, Layout};
use ocelet_tree::{Metadata, TreePath};

use super::settled::{Listed, Settled};
use super::{CloseError, Packages, Record, Recorded};
use crate::close::gather::{Gather, Made};
use crate::close::image::ImageView;
use crate::close::warnings::Warnings;
use crate::close::{Because, Kept};
use crate::recipe::Flavor;
pub(super) use base::Base;

/// Where the database lies (dpkg(1), "FILES").
const DIRECTORY: &str = "/var/lib/dpkg";
/// The program whose images need its own form.
const DPKG: &str = "/usr/bin/dpkg";

/// What a record says of its paths: which of them are directories, dpkg does not write down.
pub(super) fn paths(installed: &deb::Installed) -> impl Iterator<Item = (TreePath, Listed)> {
    installed.files.iter().map(|path| (path.clone(), Listed::Either))
}

/// Keeps the licence of each of these packages of which something is kept, with the link that may lead to it (policy 12.5).
pub(super) fn keep_licenses(
    known: &[Recorded<'_>],
    gather: &mut Gather<'_>,
    kept: &mut Kept,
) -> Result<(), CloseError> {
    for one in known.iter().filter(|one| matches!(one.record, Record::Deb(_))) {
        if Packages::count(one, gather, kept) == 0 {
            continue;
        }
        let name = one.record.name();
        let because = Because {
            kind: "license".to_owned(),
            from: None,
            detail: format!("the terms under which {name} may be copied"),
        };
        let place = format!("/usr/share/doc/{name}/copyright");
        gather.keep(&TreePath::new(place).expect("names of packages are plain"), &because, kept)?;
    }
    Ok(())
}

impl Packages<'_> {
    /// Writes the database of these packages, which are in the order of their names.
    pub(super) fn dpkg_database(
        &self,
        flavor: &Flavor,
        recorded: &[Recorded<'_>],
        gather: &mut Gather<'_>,
        kept: &mut Kept,
        warnings: &mut Warnings,
    ) -> Result<(), CloseError> {
        let image = ImageView::new(kept, gather.tree());
        let mut database = deb::Database::default();
        for one in recorded {
            if let Record::Deb(installed) = one.record {
                let whole = deb::Database { packages: vec![installed.clone()] };
                let cut = whole.kept(|path| Self::place_of(one, path, gather, &image));
                database.packages.extend(cut.packages);
            }
        }
        if database.packages.is_empty() || self.dpkg.as_ref().is_some_and(|base| base.says(&database, kept)) {
            return Ok(());
        }
        drop_unwritable(&mut database, flavor, warnings);
        let has_dpkg = kept.paths.contains_key(&TreePath::new(DPKG).expect("a plain path"));
        let layout = match &self.dpkg {
            _ if has_dpkg => Layout::Status,
            Some(base) => base.layout,
            None => Layout::StatusDirectory,
        };
        let directory = TreePath::new(DIRECTORY).expect("a plain path");
        for (name, bytes) in database.to_files(layout) {
            let because = vec![Because::generated("package database of the packages that are kept")];
            let made = Made {
                path: directory.descend(&name),
                bytes,
                metadata: Metadata::root_owned(0o644),
                because,
            };
            gather.own(flavor, made, kept)?;
        }
        Ok(())
    }
}

/// Leaves out files whose names the format cannot hold, and tells of them.
fn drop_unwritable(database: &mut deb::Database, flavor: &Flavor, warnings: &mut Warnings) {
    let unwritable: BTreeSet<TreePath> = database.unwritable().into_iter().collect();
    for path in &unwritable {
        warnings.add(flavor, format!("{path} is not in the package database, which cannot hold its name"));
    }
    for package in &mut database.packages {
        package.files.retain(|path| !unwritable.contains(path));
        package.md5sums.retain(|path, _| !unwritable.contains(path));
        package.conffiles.retain(|path, _| !unwritable.contains(path));
    }
}
