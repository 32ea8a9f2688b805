//! [`Format`]: what a format of packages says for itself; all the rest of laying packages out is the same for both.

use ocelet_tree::tar_in::Skipped;
use ocelet_tree::{Metadata, Owner, Tree, TreePath};

use super::error::PackageFault;
use crate::fetch::Goods;
use crate::lock::LockedPackage;
use crate::recipe::Platform;
use crate::unpack::packaged::Packaged;

/// Which of two packages has a file that both bring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The one that is put in place first.
    Earlier,
    /// The one that is put in place after it.
    Later,
    /// Neither may overwrite the other's.
    Clash,
}

/// What a package needs and what it can stand for, by names alone: the lock was solved, so versions do not count.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// Its own name.
    pub(super) name: String,
    /// What else it goes by.
    pub(super) provides: Vec<String>,
    /// The names that it needs.
    pub(super) needs: Vec<String>,
}

/// A package that was proved, with its files.
pub(super) trait Format: Send + Sized {
    /// Proves one package against the lock and reads its files, whose content stays in the store.
    fn open(source: &str, locked: &LockedPackage, goods: &Goods) -> Result<Self, PackageFault>;

    /// Who has its files.
    fn owner(&self) -> &Owner;

    /// Its name, and what it needs.
    fn names(&self) -> Names;

    /// Its files.
    fn tree(&self) -> &Tree;

    /// Its files, to change them.
    fn tree_mut(&mut self) -> &mut Tree;

    /// The files alone.
    fn into_tree(self) -> Tree;

    /// What no image can hold, and was left out.
    fn skipped(&self) -> &[Skipped];

    /// Takes a file away, and what is known of it.
    fn forget(&mut self, path: &TreePath);

    /// Who has a file that two packages bring.
    fn verdict(earlier: &Self, later: &Self) -> Verdict;

    /// What a directory becomes that two packages declare, the first of which is put in place earlier.
    fn agree(earlier: &Metadata, later: &Metadata) -> Metadata;

    /// What databases and bills of materials need to know.
    fn packaged(&self, source: &str, locked: &LockedPackage, platform: &Platform) -> Packaged;
}
