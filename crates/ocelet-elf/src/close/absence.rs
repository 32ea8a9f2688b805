//! [`who_would_need`]: for a file that is not kept, what would have kept it.

use ocelet_tree::TreePath;
use rayon::prelude::*;

use super::{Options, Root, Step, close_with};
use crate::Loader;

/// A file that would have pulled another one in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WouldNeed {
    /// The candidate.
    pub candidate: TreePath,
    /// The chain from it to the file that was asked about.
    pub chain: Vec<Step>,
}

/// Which of some candidates would need a file of the full view, each with its chain, in the order given.
///
/// The loader's view is that of all files, kept or not; the candidates are the commands or files that a
/// recipe could have asked for. Rules of the options count.
pub fn who_would_need(
    loader: &Loader<'_>,
    wanted: &TreePath,
    candidates: &[TreePath],
    options: &Options,
) -> Vec<WouldNeed> {
    // A link and what it leads to are needed together.
    let real = loader.files.place(wanted).ok().map(|place| place.real.clone());
    let needs = |candidate: &TreePath| {
        let root = Root::new(candidate.clone(), candidate.to_string());
        let closure = close_with(loader, &[root], options);
        let chain = closure.chain(wanted).or_else(|| closure.chain(real.as_ref()?))?;
        Some(WouldNeed { candidate: candidate.clone(), chain })
    };
    candidates.par_iter().filter_map(needs).collect()
}
