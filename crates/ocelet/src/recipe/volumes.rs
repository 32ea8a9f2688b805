//! What a kind of volumes needs in an image, by the needs pack `volumes`: for whoever asks without a recipe.
//!
//! The pack is read as any recipe reads it, by a recipe that has nothing else, so that both say the same.

use std::collections::{BTreeMap, BTreeSet};

use super::needs::{EMBEDDED, read};
use super::parse::{Context, parse};

/// A recipe that asks for the pack and has no images to make.
const RECIPE: &str = r#"
image = "volumes"
tag = "none"
platforms = ["linux/amd64"]
[versions]
kubernetes = "0"
[parameters.volumes]
help = "kinds of volumes"
list = true
default = ""
[source.none]
rootfs = "none"
[flavor.volumes]
needs = ["volumes"]
"#;

/// The commands that the kubelet of a version of Kubernetes, like `1.36`, runs for a kind of volumes, each with its reason.
/// Nothing for a kind that the pack does not know.
pub fn volume_commands(kubernetes: &str, kind: &str) -> BTreeMap<String, String> {
    let set = [("kubernetes", kubernetes), ("volumes", kind)];
    let set = set.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let context = Context { set, ..Context::default() };
    let Ok(parsed) = parse(RECIPE, &context) else { return BTreeMap::new() };
    let commands = parsed.recipe.flavors.into_values().flat_map(|flavor| flavor.commands);
    let reason = |reason: Option<String>| reason.unwrap_or_default();
    commands.map(|(name, wish)| (name.to_string(), reason(wish.value.reason))).collect()
}

/// The kinds of volumes that the pack knows.
pub fn volume_kinds() -> BTreeSet<String> {
    let pack = EMBEDDED.iter().find(|(name, _)| *name == "volumes").map(|(_, text)| read(text));
    let Some(Ok(pack)) = pack else { return BTreeSet::new() };
    let conditions = pack.lines().filter_map(|(_, line)| line.condition());
    let words = conditions.filter_map(|when| when.strip_prefix("volumes has ")?.split(' ').next());
    words.map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_of_volumes_need_what_the_pack_says() {
        for (kubernetes, kind, want) in [
            ("1.36", "ext4", &["blkid", "blockdev", "fsck", "fsck.ext4", "mkfs.ext4", "resize2fs"][..]),
            ("1.20", "ext4", &["blkid", "fsck", "fsck.ext4", "mkfs.ext4", "resize2fs"]),
            ("1.36", "nfs", &["mount.nfs"]),
            ("1.30", "ceph", &["mount.ceph", "rbd"]),
            ("1.31", "ceph", &[]),
            ("1.36", "floppy", &[]),
        ] {
            let commands = volume_commands(kubernetes, kind);
            assert_eq!(commands.keys().map(String::as_str).collect::<Vec<_>>(), want, "{kubernetes} {kind}");
            assert!(commands.values().all(|reason| !reason.is_empty()));
        }
    }

    #[test]
    fn all_kinds_of_the_pack_are_known() {
        let want = ["block", "btrfs", "ceph", "cifs", "ext4", "iscsi", "nfs", "xfs"];
        assert_eq!(volume_kinds().iter().map(String::as_str).collect::<Vec<_>>(), want);
    }
}
