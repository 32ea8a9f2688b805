//! Rewrites the database to the files that were kept, so that it tells the truth about an image.

use std::collections::BTreeMap;

use ocelet_tree::{Name, TreePath};

use super::{Access, Database, Installed, InstalledDirectory, InstalledFile};

impl Database {
    /// The database of the files that are left. `place` says where a path of a package is now, or nothing where it
    /// was dropped; a path may have moved, as `/lib` does where `/usr` is merged. Packages of which no file is
    /// left are dropped, and so are directories that are neither kept themselves nor hold a kept file.
    ///
    /// Sizes and dependencies stay as they were: they speak of the package, and scanners look it up by them.
    #[must_use]
    pub fn kept(&self, place: impl Fn(&TreePath) -> Option<TreePath>) -> Self {
        let packages = self.packages.iter().filter_map(|package| {
            let directories = kept_directories(package, &place);
            let any = directories.iter().any(|directory| !directory.files.is_empty());
            any.then(|| Installed { directories, ..package.clone() })
        });
        Self { packages: packages.collect() }
    }

    /// Every file of every package, with the package that has it.
    pub fn files(&self) -> impl Iterator<Item = (TreePath, &Installed)> {
        self.packages.iter().flat_map(|package| package.files().map(move |path| (path, package)))
    }
}

impl Installed {
    /// Every file of the package, directories left out.
    pub fn files(&self) -> impl Iterator<Item = TreePath> {
        self.directories
            .iter()
            .flat_map(|directory| directory.files.iter().map(|file| directory.path.join(&file.name)))
    }
}

/// What is left of one directory.
struct Kept {
    access: Access,
    files: BTreeMap<Name, InstalledFile>,
}

fn kept_directories(
    package: &Installed,
    place: &impl Fn(&TreePath) -> Option<TreePath>,
) -> Vec<InstalledDirectory> {
    let mut kept: BTreeMap<TreePath, Kept> = BTreeMap::new();
    for directory in &package.directories {
        // A directory takes its own access along wherever it goes; one that files moved to has the usual one.
        let home = if directory.path.is_root() { None } else { place(&directory.path) };
        if let Some(home) = &home {
            let fresh = || Kept { access: directory.access, files: BTreeMap::new() };
            kept.entry(home.clone()).or_insert_with(fresh).access = directory.access;
        }
        for file in &directory.files {
            let Some(path) = place(&directory.path.join(&file.name)) else { continue };
            let (Some(parent), Some(name)) = (path.parent(), path.name()) else { continue };
            let access = if parent == directory.path { directory.access } else { Access::DIRECTORY };
            let fresh = || Kept { access, files: BTreeMap::new() };
            let moved = InstalledFile { name: name.clone(), ..file.clone() };
            kept.entry(parent).or_insert_with(fresh).files.insert(name, moved);
        }
    }
    kept.into_iter()
        .map(|(path, kept)| InstalledDirectory {
            path,
            access: kept.access,
            files: kept.files.into_values().collect(),
        })
        .collect()
}
