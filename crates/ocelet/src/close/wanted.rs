//! Packages that a flavor wants for their own sake: everything that such a package has is a root.
//!
//! A package that is only needed by another one is not among them: of it, what the closure needs is kept.

use ocelet_elf::Root;
use ocelet_tree::View;

use super::mounted::leads_to_mount;
use super::roots::{Found, label};
use crate::recipe::{At, Flavor, PackageName, PackageWish};
use crate::unpack::{Packaged, Unpacked};

/// Adds the files and directories of the wanted packages.
pub(super) fn packages(view: &dyn View, unpacked: &Unpacked, flavor: &Flavor, found: &mut Found) {
    for (name, wanted) in &flavor.packages {
        let wish = At { value: wanted.value.wish.clone(), span: wanted.span };
        let label = label(&format!("package {name}"), &wish);
        let mut is_found = false;
        for (owner, package) in &unpacked.packages {
            if !answers(package, name, &wanted.value) {
                continue;
            }
            is_found = true;
            for (path, _) in unpacked.owned_by(owner).filter(|(_, node)| !node.is_directory()) {
                if leads_to_mount(view, path) {
                    found.links.insert(path.clone(), label.clone());
                } else {
                    found.roots.push(Root::new(path.clone(), label.clone()));
                }
            }
            let directories = package.installed.iter().flat_map(|installed| installed.directories());
            found.directories.extend(directories.map(|path| (path, label.clone())));
        }
        if !is_found && !wish.value.optional {
            let message = format!(
                "no source has a package {}; line {} asks for it",
                wanted.value.term, wanted.span.line
            );
            found.missing.push((message, None));
        }
    }
}

fn answers(package: &Packaged, name: &PackageName, wanted: &PackageWish) -> bool {
    let Some(installed) = &package.installed else { return false };
    let is_from = wanted.wish.from.as_ref().is_none_or(|from| from.value.as_str() == package.source);
    is_from && (package.name == name.as_str() || installed.provides(name.as_str()))
}
