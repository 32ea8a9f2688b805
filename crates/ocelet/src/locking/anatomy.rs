//! [`of`]: what is in a package, for a reviewer who wants to know what an update changes.

use std::collections::BTreeMap;

use ocelet_elf::Binary;
use ocelet_oci::Digest;
use ocelet_package::{apk, deb};
use ocelet_tree::{Kind, Owner, Tree};

use crate::fetch::{Supply, bring};
use crate::host::Host;
use crate::lock::{Anatomy, LockedFile};

/// How a Debian package begins (deb(5)); one of Alpine's is gzip.
const DEBIAN: &[u8] = b"!<arch>\n";

/// A package whose bytes were proved: its scripts by their names, and its files.
type Opened = (BTreeMap<String, Digest>, Tree);

/// What is in the package of this file; nothing where it cannot be had any more, or is no package.
pub(super) fn of(file: &LockedFile, supply: &Supply<'_>, host: &Host<'_>) -> Option<Anatomy> {
    let goods = bring(&[(file.path.clone(), file)], supply, host).ok()?;
    let bytes = goods.get(&file.sha256)?.content().bytes().ok()?;
    let (scripts, tree) =
        if bytes.starts_with(DEBIAN) { debian(file, &bytes) } else { alpine(file, &bytes) }?;
    let mut anatomy = Anatomy { scripts, ..Anatomy::default() };
    for (path, node) in tree.iter().filter(|(_, node)| !node.is_directory()) {
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

fn alpine(file: &LockedFile, bytes: &[u8]) -> Option<Opened> {
    let archive = apk::Archive::open(&file.path, bytes).ok()?;
    let package = archive.verify_digest(*file.sha256.as_bytes()).ok()?.unpack(apk::DATA_LIMIT).ok()?;
    let scripts = package.control().scripts.iter();
    let scripts = scripts.map(|script| (script.kind.to_string(), Digest::of(&script.text))).collect();
    Some((scripts, package.contents(&Owner::new("package")).ok()?.tree))
}

fn debian(file: &LockedFile, bytes: &[u8]) -> Option<Opened> {
    let archive = deb::Archive::open(&file.path, bytes).ok()?;
    let package = archive.verify_digest(*file.sha256.as_bytes()).ok()?.unpack(deb::DATA_LIMIT).ok()?;
    let scripts = package.control().scripts.iter();
    let scripts = scripts.map(|script| (script.kind.name().to_owned(), Digest::of(&script.text))).collect();
    Some((scripts, package.contents(&Owner::new("package")).ok()?.tree))
}
