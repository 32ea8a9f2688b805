//! Where something will be mounted before a container starts, so that a link may lead there though nothing is there
//! yet: `/etc/mtab` to `/proc/mounts` is in nearly every distribution.

use ocelet_tree::{ResolveError, TreePath, View, resolve};

/// The file systems that runtimes mount (runtime-spec, config-linux.md, "Default Filesystems"), and `/run`.
const MOUNTED: [&str; 5] = ["proc", "sys", "dev", "run", "var/run"];

/// Whether a path is where the runtime mounts something, or below it.
pub(crate) fn is_mounted(path: &TreePath) -> bool {
    let at = |mounted: &&str| TreePath::new(mounted).is_ok_and(|mounted| path.below(&mounted).is_some());
    MOUNTED.iter().any(at)
}

/// Whether a symbolic link leads nowhere but to where the runtime will mount something.
pub(crate) fn leads_to_mount(view: &dyn View, link: &TreePath) -> bool {
    matches!(resolve(view, link), Err(ResolveError::Absent { at, .. }) if !at.links.is_empty() && is_mounted(&at.path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ocelet_tree::{LinkTarget, Metadata, Owner, Tree};

    #[test]
    fn links_may_lead_to_what_is_mounted_later() {
        let mut tree = Tree::new();
        for (link, target, want) in [
            ("/etc/mtab", "/proc/mounts", true),
            ("/etc/relative", "../proc/self/mounts", true),
            ("/etc/null", "/dev/null", true),
            ("/etc/gone", "nothing", false),
            ("/etc/alike", "/process/x", false),
        ] {
            let path = TreePath::new(link).expect("a path");
            let target = LinkTarget::new(target).expect("a target");
            tree.add_symlink(&path, target, Metadata::root_owned(0o777), &Owner::new("test")).expect("new");
            assert_eq!(leads_to_mount(&tree, &path), want, "{link}");
        }
        assert!(!leads_to_mount(&tree, &TreePath::new("/proc/x").expect("a path")), "it is no link");
    }
}
