//! Programs that answer for a command and must not: those that a wish rules out, and a `blkid` that loses data.
//!
//! Unlike what is missing, this is never only a warning: the image would start, and do harm.

use std::collections::BTreeMap;

use ocelet_tree::{ReadError, ResolveError, TreePath, View, resolve};

use super::commands;
use super::roots::label;
use crate::recipe::Flavor;

/// The commands of a flavor that a program answers for which its wish rules out, as sentences.
///
/// # Errors
/// The view cannot be read.
pub(super) fn answers(
    view: &dyn View,
    flavor: &Flavor,
    places: &BTreeMap<String, Option<TreePath>>,
) -> Result<Vec<String>, ReadError> {
    let mut told = Vec::new();
    for (name, wish) in &flavor.commands {
        let Some(Some(place)) = places.get(name.as_str()) else { continue };
        let Some(program) = end(view, place)? else { continue };
        let Some(ends_at) = program.name().map(|name| name.to_string()) else { continue };
        if wish.value.not_from.contains(&ends_at) {
            let what = label(&format!("command {name}"), wish);
            told.push(format!(
                "{what} is answered by {ends_at}, which is ruled out for it: {place} is {program}"
            ));
        }
    }
    Ok(told)
}

/// Whether an image can format disks and asks busybox whether they are empty, as a sentence.
///
/// busybox's blkid knows no options: for a disk with partitions, or with a file system that it does not know, it says
/// nothing and that all is well (util-linux/blkid.c of busybox 1.36.1). The kubelet takes that for an empty disk and
/// formats it (`mount_linux.go` of k8s.io/mount-utils, `GetDiskFormat` and `formatAndMountSensitive`). busybox's own mkfs
/// is not counted: whoever wants to format disks brings one.
///
/// # Errors
/// The view cannot be read.
pub(super) fn formats_blindly<'a>(
    image: &dyn View,
    paths: impl Iterator<Item = &'a TreePath>,
    search: &[TreePath],
) -> Result<Option<String>, ReadError> {
    let Some(blkid) = commands::find(image, search, "blkid")? else { return Ok(None) };
    let Some(program) = end(image, &blkid)?.filter(is_busybox) else { return Ok(None) };
    for path in paths {
        let name = path.name().map(|name| name.to_string()).unwrap_or_default();
        if name != "mkfs" && !name.starts_with("mkfs.") {
            continue;
        }
        let is_own = end(image, path)?.is_some_and(|end| !is_busybox(&end));
        if is_own && commands::is_program(image, path)? {
            return Ok(Some(format!(
                "the image formats disks with {path}, and {blkid} is {program}, which calls a disk empty that is not: \
                 the kubelet would format it"
            )));
        }
    }
    Ok(None)
}

/// What to do about that.
pub(super) const BLKID: &str =
    "take blkid from util-linux (on Alpine the package blkid, on Debian util-linux), or leave out mkfs";

fn is_busybox(program: &TreePath) -> bool {
    program.name().is_some_and(|name| name.as_bytes().starts_with(b"busybox"))
}

/// The file that a path ends at.
fn end(view: &dyn View, place: &TreePath) -> Result<Option<TreePath>, ReadError> {
    match resolve(view, place) {
        Ok(there) => Ok(Some(there.path)),
        Err(ResolveError::Read(error)) => Err(error),
        Err(_) => Ok(None),
    }
}
