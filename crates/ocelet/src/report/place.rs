//! Finding a path in a report as the running image would: through its own symbolic links.

use ocelet_tree::TreePath;

use super::Report;

/// How many links are followed before it is a circle (`path_resolution(7)`).
const MOST_LINKS: usize = 40;

/// Where `path` is known to the report. The last component is not followed: asking for a link explains the link.
pub(super) fn place(report: &Report, path: &TreePath) -> Option<TreePath> {
    let mut path = path.clone();
    for _ in 0..MOST_LINKS {
        if report.files.contains_key(&path.to_string()) {
            return Some(path);
        }
        path = through_first_link(report, &path)?;
    }
    None
}

/// Where the links at the end of a place lead: the file whose program or library it is.
pub(super) fn end(report: &Report, place: &TreePath) -> Option<TreePath> {
    let mut place = place.clone();
    for _ in 0..MOST_LINKS {
        let Some(target) = report.links.get(&place.to_string()) else { return Some(place) };
        place = self::place(report, &target_of(&place, target)?)?;
    }
    None
}

/// The path with its shallowest parent that is a link replaced by where that points.
fn through_first_link(report: &Report, path: &TreePath) -> Option<TreePath> {
    let (link, target) =
        path.ancestors().find_map(|parent| Some((parent.clone(), report.links.get(&parent.to_string())?)))?;
    let rest = path.below(&link)?;
    Some(target_of(&link, target)?.descend(&rest))
}

/// Where a link points, as far as that can be read off its text.
fn target_of(link: &TreePath, target: &str) -> Option<TreePath> {
    let from = if target.starts_with('/') { TreePath::root() } else { link.parent()? };
    let mut place = from;
    for component in target.split('/') {
        match component {
            "" | "." => {}
            ".." => place = place.parent().unwrap_or_else(TreePath::root),
            name => place = place.join(&ocelet_tree::Name::new(name).ok()?),
        }
    }
    Some(place)
}
