//! [`Base`]: the package database that a root file system brings along. One that cannot be read is told, and left as
//! it is where a flavor keeps it.

use std::collections::BTreeMap;

use ocelet_package::apk::{self, Identity, InstalledScript, Script, ScriptKind};
use ocelet_tree::{Blob, Owner, Tree, TreePath, View, tar_in};

use super::{CloseError, Settled, WORLD, paths};
use crate::close::text;
use crate::unpack::Packaged;

/// The largest file of a database that is read, in bytes.
const LIMIT: u64 = 256 << 20;

/// The packages of a root file system.
#[derive(Debug)]
pub(in crate::close::packages) struct Base {
    /// The source that brings the database.
    pub(in crate::close::packages) source: String,
    /// Where the database itself lies.
    pub(super) place: TreePath,
    /// The packages, with where their files lie.
    pub(in crate::close::packages) packages: Vec<(apk::Installed, Settled)>,
    scripts: Tree,
    triggers: BTreeMap<Identity, Vec<String>>,
    /// The lines of its list of wanted packages.
    pub(super) world: Vec<String>,
}

impl Base {
    /// Reads the database in a directory, unless there is none.
    ///
    /// # Errors
    /// The view cannot be read.
    pub(in crate::close::packages) fn read(
        view: &dyn View,
        directory: &TreePath,
        packages: &BTreeMap<Owner, Packaged>,
        warn: &mut dyn FnMut(String),
    ) -> Result<Option<Self>, CloseError> {
        let file = |name: &str| text::read(view, &format!("{directory}/{name}"), LIMIT);
        let Some(text) = file("installed")? else { return Ok(None) };
        let owner = text.node.owner;
        let database = match apk::Database::parse(&text.bytes) {
            Ok(database) => database,
            Err(error) => {
                let reason = crate::error::sentence(&error);
                warn(format!("the packages of source {owner} are not known: {}: {reason}", text.path));
                return Ok(None);
            }
        };
        let mut settled = Vec::new();
        for package in database.packages {
            let mine = |other: &Owner| *other == owner && !packages.contains_key(other);
            let places = Settled::of(paths(&package), view, &mine)?;
            settled.push((package, places));
        }
        let scripts = match file("scripts.tar")? {
            Some(archive) => scripts(&archive.bytes).unwrap_or_else(|error| {
                let reason = crate::error::sentence(&error);
                warn(format!("the scripts of the packages of source {owner} are left out: {reason}"));
                Tree::new()
            }),
            None => Tree::new(),
        };
        let triggers = file("triggers")?.map(|text| triggers(&text.bytes)).unwrap_or_default();
        let world = text::read(view, WORLD, LIMIT)?;
        let world = world
            .map(|text| String::from_utf8_lossy(&text.bytes).split_whitespace().map(str::to_owned).collect());
        Ok(Some(Self {
            source: owner.as_str().to_owned(),
            place: text.path,
            packages: settled,
            scripts,
            triggers,
            world: world.unwrap_or_default(),
        }))
    }

    /// The scripts of one of its packages.
    pub(super) fn scripts(&self, package: &apk::Installed) -> Result<Vec<InstalledScript>, CloseError> {
        let record = &package.record;
        let mut found = Vec::new();
        for kind in ScriptKind::ALL {
            let name = format!("{}-{}.{}.{kind}", record.name, record.version, record.identity);
            let node = TreePath::new(&name).ok().and_then(|path| self.scripts.get(&path));
            let Some(content) = node.and_then(|node| node.content()) else { continue };
            found.push(InstalledScript {
                package: record.name.clone(),
                version: record.version.clone(),
                identity: record.identity,
                script: Script { kind, text: content.bytes()?.to_vec() },
            });
        }
        Ok(found)
    }

    /// The directories that the trigger of one of its packages watches.
    pub(super) fn triggers(&self, package: &apk::Installed) -> &[String] {
        self.triggers.get(&package.record.identity).map_or(&[], Vec::as_slice)
    }
}

fn scripts(archive: &[u8]) -> Result<Tree, tar_in::TarError> {
    let blob = Blob::from_bytes("scripts.tar", archive.to_vec());
    let options = tar_in::Options::default();
    tar_in::read_blob(&blob, &Owner::new("scripts.tar"), &options).map(|unpacked| unpacked.tree)
}

/// Lines that are none are passed over, as apk does.
fn triggers(text: &[u8]) -> BTreeMap<Identity, Vec<String>> {
    let text = String::from_utf8_lossy(text);
    let line = |line: &str| {
        let mut words = line.split_whitespace();
        let identity = words.next()?.parse().ok()?;
        Some((identity, words.map(str::to_owned).collect()))
    };
    text.lines().filter_map(line).collect()
}
