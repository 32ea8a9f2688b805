//! Cuts the database down to the files that were kept, so that it tells the truth about an image.

use std::collections::BTreeMap;

use ocelet_tree::TreePath;

use super::{Database, Installed};

impl Database {
    /// The database of the files that are left. `place` says where a path of a package is now, or nothing where it was
    /// dropped; a path may have moved, as `/lib` does where `/usr` is merged. Packages that are left without any file or
    /// link are dropped: a directory alone is none.
    ///
    /// Sizes and relations stay as they were: they speak of the package, and scanners look it up by them.
    #[must_use]
    pub fn kept(&self, place: impl Fn(&TreePath) -> Option<TreePath>) -> Self {
        let packages = self.packages.iter().filter_map(|package| package.kept(&place));
        Self { packages: packages.collect() }
    }

    /// Every file of every package, with the package that has it; directories too.
    pub fn files(&self) -> impl Iterator<Item = (&TreePath, &Installed)> {
        self.packages.iter().flat_map(|package| package.files.iter().map(move |path| (path, package)))
    }
}

impl Installed {
    fn kept(&self, place: &impl Fn(&TreePath) -> Option<TreePath>) -> Option<Self> {
        let mut kept = Self {
            fields: self.fields.clone(),
            files: self.files.iter().filter_map(place).filter(|path| !path.is_root()).collect(),
            md5sums: moved(&self.md5sums, place),
            conffiles: moved(&self.conffiles, place),
        };
        let is_directory = |path: &&TreePath| self.is_directory(path);
        let any = self.files.iter().any(|path| !is_directory(&path) && place(path).is_some());
        // dpkg lists the directories above each file.
        let above: Vec<TreePath> = kept.files.iter().flat_map(TreePath::ancestors).collect();
        kept.files.extend(above.into_iter().filter(|path| !path.is_root()));
        any.then_some(kept)
    }

    /// Whether a path is above another one of the package's, or was an empty directory: no sum, no link can tell those
    /// from each other, so that a path is taken for a file unless something lies below it.
    fn is_directory(&self, path: &TreePath) -> bool {
        let next =
            self.files.range::<TreePath, _>((std::ops::Bound::Excluded(path), std::ops::Bound::Unbounded));
        // Names such as `a-b` stand between `a` and `a/c`.
        next.take_while(|other| other.as_bytes().starts_with(path.as_bytes()))
            .any(|other| other.below(path).is_some())
    }
}

fn moved<Value: Clone>(
    all: &BTreeMap<TreePath, Value>,
    place: &impl Fn(&TreePath) -> Option<TreePath>,
) -> BTreeMap<TreePath, Value> {
    all.iter().filter_map(|(path, value)| Some((place(path)?, value.clone()))).collect()
}
