//! [`of`]: what is in a package, for a reviewer who wants to know what an update changes.

use ocelet_elf::Binary;
use ocelet_oci::Digest;
use ocelet_package::apk::{Archive, DATA_LIMIT};
use ocelet_tree::{Kind, Owner};

use crate::fetch::{Supply, bring};
use crate::host::Host;
use crate::lock::{Anatomy, LockedFile};

/// What is in the package of this file; nothing where it cannot be had any more, or is no package.
pub(super) fn of(file: &LockedFile, supply: &Supply<'_>, host: &Host<'_>) -> Option<Anatomy> {
    let goods = bring(&[(file.path.clone(), file)], supply, host).ok()?;
    let bytes = goods.get(&file.sha256)?.content().bytes().ok()?;
    let archive = Archive::open(&file.path, &bytes).ok()?;
    let package = archive.verify_digest(*file.sha256.as_bytes()).ok()?.unpack(DATA_LIMIT).ok()?;
    let contents = package.contents(&Owner::new("package")).ok()?;
    let mut anatomy = Anatomy::default();
    for script in &package.control().scripts {
        anatomy.scripts.insert(script.kind.to_string(), Digest::of(&script.text));
    }
    for (path, node) in contents.tree.iter().filter(|(_, node)| !node.is_directory()) {
        anatomy.files.insert(path.to_string());
        let Kind::File { content, .. } = &node.kind else { continue };
        if node.metadata.mode & 0o6000 != 0 {
            anatomy.privileged.insert(format!("{path} ({:04o})", node.metadata.mode));
        }
        let elf = content.bytes().ok().and_then(|bytes| Binary::parse(&bytes).ok());
        anatomy.needed.extend(elf.iter().flat_map(Binary::needed).map(ToString::to_string));
    }
    Some(anatomy)
}
