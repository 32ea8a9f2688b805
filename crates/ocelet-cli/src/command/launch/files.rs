//! Names and files that a launch is told of: what a registry calls the image, and what kubeadm wrote for a node.

use std::path::Path;

use ocelet::finished::FinishedImage;

use crate::failure::Failure;

/// An image's name and tag, as a container runtime knows it; without a tag it keeps its own.
pub(super) fn known_as(text: &str, own: Option<String>) -> Result<(String, Option<String>), Failure> {
    let is_sound = |character: char| character.is_ascii_alphanumeric() || "-_./:@".contains(character);
    if text.is_empty() || !text.chars().all(is_sound) {
        let wanted = "wanted one like registry.example/kubelet:v1.36.4";
        return Err(Failure::usage(format!("{text:?} cannot be the name of an image; {wanted}")));
    }
    Ok(match text.rsplit_once(':') {
        // A digest is no tag, and the colon of a port comes before a slash.
        Some((name, tag)) if !tag.contains('/') && !text.contains('@') => {
            (name.to_owned(), Some(tag.to_owned()))
        }
        _ if text.contains('@') => (text.to_owned(), None),
        _ => (text.to_owned(), own),
    })
}

/// The flags in a file of kubeadm: `KUBELET_KUBEADM_ARGS="--a=b --c=d"`
/// (`https://github.com/kubernetes/kubernetes/blob/v1.36.4/cmd/kubeadm/app/phases/kubelet/flags.go`).
pub(super) fn kubeadm_flags(text: &str, path: &Path) -> Result<Vec<String>, Failure> {
    let line = text.lines().find_map(|line| line.trim().strip_prefix("KUBELET_KUBEADM_ARGS="));
    let Some(line) = line else {
        let message = format!("{} has no line KUBELET_KUBEADM_ARGS=\"…\"", path.display());
        return Err(
            Failure::usage(message).hint("it is what kubeadm writes to /var/lib/kubelet/kubeadm-flags.env")
        );
    };
    Ok(line.trim_matches('"').split_whitespace().map(str::to_owned).collect())
}

/// The image as ocelet's own commands take it, with its tag.
pub(super) fn named(typed: &str, image: &FinishedImage) -> String {
    match &image.tag {
        Some(tag) if !typed.ends_with(&format!(":{tag}")) => format!("{typed}:{tag}"),
        _ => typed.to_owned(),
    }
}

/// A next step with the names that the user knows.
pub(super) fn step(step: &str, image: &str, to: Option<&Path>) -> String {
    let named = step.replace("LAYOUT:TAG", image);
    match to {
        Some(to) => named.replace("DIR", &to.display().to_string()),
        None => named,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_taken_apart_at_their_tag() {
        for (text, want) in [
            ("registry.example/kubelet:v1", Some(("registry.example/kubelet", Some("v1")))),
            ("registry.example:5000/kubelet", Some(("registry.example:5000/kubelet", Some("own")))),
            ("kubelet", Some(("kubelet", Some("own")))),
            ("r.example/k@sha256:ab", Some(("r.example/k@sha256:ab", None))),
            ("a b", None),
            ("$(reboot)", None),
            ("", None),
        ] {
            let want = want.map(|(name, tag)| (name.to_owned(), tag.map(str::to_owned)));
            assert_eq!(known_as(text, Some("own".to_owned())).ok(), want, "{text}");
        }
    }

    #[test]
    fn flags_of_kubeadm_are_read_as_it_writes_them() {
        for (text, want) in [
            ("KUBELET_KUBEADM_ARGS=\"--a=b --c=d\"\n", Some(vec!["--a=b", "--c=d"])),
            ("KUBELET_KUBEADM_ARGS=\"\"\n", Some(vec![])),
            ("# by hand\nKUBELET_KUBEADM_ARGS=--a=b\n", Some(vec!["--a=b"])),
            ("KUBELET_EXTRA_ARGS=\"--a\"\n", None),
            ("", None),
        ] {
            let want = want.map(|flags| flags.into_iter().map(str::to_owned).collect());
            assert_eq!(kubeadm_flags(text, Path::new("x")).ok(), want, "{text}");
        }
    }
}
