//! [`Base`]: Debian's package database that a root file system brings along. One that cannot be read is told, and left
//! as it is where a flavor keeps it.
//!
//! A whole system has thousands of packages and hundreds of thousands of files, and looking up each would take longer
//! than all the rest: only packages that have a kept file are looked up.

use std::collections::{BTreeMap, BTreeSet};

use ocelet_package::deb::{Database, Installed, Layout};
use ocelet_tree::{Name, Owner, ResolveError, TreePath, View, lookup, resolve};

use super::{CloseError, DIRECTORY, Settled, paths};
use crate::close::{Kept, text};
use crate::unpack::Packaged;

/// The largest file of a database that is read, in bytes.
const LIMIT: u64 = 256 << 20;

/// The packages of a root file system.
#[derive(Debug)]
pub(in crate::close::packages) struct Base {
    /// The source that brings the database.
    pub(in crate::close::packages) source: String,
    /// Which form it has.
    pub(super) layout: Layout,
    /// The files of the database.
    places: BTreeSet<TreePath>,
    /// Everything that it says.
    whole: Database,
    /// The packages of which a file is kept, with where their files lie.
    pub(in crate::close::packages) packages: Vec<(Installed, Settled)>,
}

impl Base {
    /// Reads the database, unless there is none; `kept` are the paths of all flavors.
    ///
    /// # Errors
    /// The view cannot be read.
    pub(in crate::close::packages) fn read(
        view: &dyn View,
        packages: &BTreeMap<Owner, Packaged>,
        kept: &BTreeSet<TreePath>,
        warn: &mut dyn FnMut(String),
    ) -> Result<Option<Self>, CloseError> {
        let Some(found) = Found::read(view, kept)? else { return Ok(None) };
        let owner = found.owner;
        let mut whole = match Database::read(&found.files) {
            Ok(whole) => whole,
            Err(error) => {
                let reason = crate::error::sentence(&error);
                warn(format!("the packages of source {owner} are not known: {DIRECTORY}: {reason}"));
                return Ok(None);
            }
        };
        whole.packages.retain(Installed::is_installed);
        let mine = |other: &Owner| *other == owner && !packages.contains_key(other);
        let mut settled = Vec::new();
        for package in with_kept(&whole, view, kept)? {
            let places = Settled::of(paths(package), view, &mine)?;
            settled.push((package.clone(), places));
        }
        let source = owner.as_str().to_owned();
        Ok(Some(Self { source, layout: found.layout, places: found.places, whole, packages: settled }))
    }

    /// Whether a flavor keeps this database as it stands, and it says exactly what another one does.
    pub(super) fn says(&self, database: &Database, kept: &Kept) -> bool {
        if !self.places.iter().all(|place| kept.paths.contains_key(place)) {
            return false;
        }
        let sorted = |database: &Database| {
            let mut sorted = database.kept(|path| Some(path.clone()));
            sorted.packages.sort_by(|one, other| {
                (one.name(), one.architecture()).cmp(&(other.name(), other.architecture()))
            });
            sorted
        };
        sorted(&self.whole) == sorted(database)
    }
}

/// The files of a database.
struct Found {
    owner: Owner,
    layout: Layout,
    files: BTreeMap<TreePath, Vec<u8>>,
    places: BTreeSet<TreePath>,
}

impl Found {
    /// Reads what [`Database::read`] looks at. A database whose source has no kept file is of no use.
    fn read(view: &dyn View, kept: &BTreeSet<TreePath>) -> Result<Option<Self>, CloseError> {
        let mut found: Option<Self> = None;
        let mut read = |name: &TreePath, layout| {
            let place = format!("{DIRECTORY}/{}", String::from_utf8_lossy(name.as_bytes()));
            let Some(text) = text::read(view, &place, LIMIT)? else { return Ok::<_, CloseError>(()) };
            let found = found.get_or_insert_with(|| Self {
                owner: text.node.owner.clone(),
                layout,
                files: BTreeMap::new(),
                places: BTreeSet::new(),
            });
            found.files.insert(name.clone(), text.bytes.to_vec());
            found.places.insert(text.path);
            Ok(())
        };
        let plain = |name: &str| TreePath::new(name).expect("a plain path");
        read(&plain("status"), Layout::Status)?;
        let mut lists = Vec::new();
        for (directory, endings) in [("status.d", &[""][..]), ("info", &[".list", ".md5sums"][..])] {
            let place = plain(&format!("{DIRECTORY}/{directory}"));
            let there = match resolve(view, &place) {
                Ok(there) if there.node.is_directory() => there.path,
                Err(ResolveError::Read(error)) => return Err(error.into()),
                Ok(_) | Err(_) => continue,
            };
            let fits = |name: &Name| {
                std::str::from_utf8(name.as_bytes())
                    .is_ok_and(|name| endings.iter().any(|ending| name.ends_with(ending)))
            };
            let names = view.names(&there)?.into_iter().filter(fits);
            lists.extend(names.map(|name| plain(directory).join(&name)));
        }
        for name in lists.iter().filter(|name| name.as_bytes().starts_with(b"status.d/")) {
            read(name, Layout::StatusDirectory)?;
        }
        let Some(owner) = found.as_ref().map(|found| found.owner.clone()) else { return Ok(None) };
        let mut is_kept = false;
        for path in kept {
            is_kept = is_kept || view.entry(path)?.is_some_and(|node| node.owner == owner);
        }
        if !is_kept {
            return Ok(None);
        }
        let mut read = |name: &TreePath| {
            let place = format!("{DIRECTORY}/{}", String::from_utf8_lossy(name.as_bytes()));
            if let (Some(text), Some(found)) = (text::read(view, &place, LIMIT)?, &mut found) {
                found.files.insert(name.clone(), text.bytes.to_vec());
                found.places.insert(text.path);
            }
            Ok::<_, CloseError>(())
        };
        for name in lists.iter().filter(|name| name.as_bytes().starts_with(b"info/")) {
            read(name)?;
        }
        Ok(found)
    }
}

/// The packages of which a path is kept, and those that have the licences of these.
fn with_kept<'whole>(
    whole: &'whole Database,
    view: &dyn View,
    kept: &BTreeSet<TreePath>,
) -> Result<Vec<&'whole Installed>, CloseError> {
    let mut kept = kept.clone();
    loop {
        let names: BTreeSet<Name> = kept.iter().filter_map(TreePath::name).collect();
        let mut found = Vec::new();
        for package in &whole.packages {
            for path in
                package.files.iter().filter(|path| path.name().is_some_and(|name| names.contains(&name)))
            {
                let there = match lookup(view, path) {
                    Ok(there) => there,
                    Err(ResolveError::Read(error)) => return Err(error.into()),
                    Err(_) => continue,
                };
                if !there.node.is_directory() && kept.contains(&there.path) {
                    found.push(package);
                    break;
                }
            }
        }
        let before = kept.len();
        for package in &found {
            let place = TreePath::new(format!("/usr/share/doc/{}/copyright", package.name()));
            if let Some(there) = place.ok().and_then(|place| resolve(view, &place).ok()) {
                kept.extend(there.links);
                kept.insert(there.path);
            }
        }
        if kept.len() == before {
            return Ok(found);
        }
    }
}
