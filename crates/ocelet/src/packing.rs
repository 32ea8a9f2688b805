//! The corridor's way past the room `shrink`: where upx comes from, and what packing saves.
//!
//! It asks for upx only where a recipe flags files and packing is wanted, and measures with the encoder of the run.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::PathBuf;

use ocelet_oci::{Digest, Layout};
use ocelet_tree::{Content, Metadata, Owner, Tree, TreePath};

use crate::close::Closed;
use crate::error::Error;
use crate::fetch::Goods;
use crate::fetch::store::{Kind, Store, StoreError};
use crate::host::{self, Host, ProcessError};
use crate::layer::{self, Compression, Files, LayerError, PlannedLayer, Workers};
use crate::lock::{Lock, LockedArtifact};
use crate::recipe::{Platform, Recipe, Stability};
use crate::shrink::{self, Packer, Packing, ShrinkError, Shrunk, Upx};
use crate::unpack;

/// How packing is to be done in a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackingOptions {
    /// Whether it is done at all.
    pub packing: Packing,
    /// The upx to use instead of the locked one.
    pub upx: Option<PathBuf>,
    /// Whether packed programs are run beside the originals, where this machine can.
    pub trial: bool,
}

impl Default for PackingOptions {
    fn default() -> Self {
        Self { packing: Packing::On, upx: None, trial: true }
    }
}

/// What packing saves, over all files of all platforms, each content once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Savings {
    /// How many files were packed.
    pub files: usize,
    /// The bytes of these files before.
    pub disk_before: u64,
    /// The bytes of these files now.
    pub disk_after: u64,
    /// The bytes of the originals in a layer: each compressed alone, as the layers of the run are.
    pub layer_before: u64,
    /// The bytes of the packed files in a layer, likewise.
    pub layer_after: u64,
}

/// Whether a run needs an upx that the lock has to name.
pub(crate) fn needs_locked_tool(recipe: &Recipe, options: &PackingOptions) -> bool {
    options.packing == Packing::On && options.upx.is_none() && shrink::first_flag(recipe).is_some()
}

/// The locked upx for this machine.
pub(crate) fn locked_tool<'lock>(recipe: &Recipe, lock: &'lock Lock) -> Option<&'lock LockedArtifact> {
    let machine: Platform = host::machine()?.parse().ok()?;
    lock.tool_of(&recipe.upx.as_ref()?.name.value, &machine)
}

/// Walks all platforms through the room `shrink`.
pub(crate) fn pack(
    recipe: &Recipe,
    closed: Vec<Closed>,
    locked: Option<(&Lock, &Goods)>,
    options: &PackingOptions,
    host: &Host<'_>,
) -> Result<(Vec<Shrunk>, Bench), Error> {
    let bench = Bench::open(locked, host)?;
    let line = shrink::first_flag(recipe).filter(|_| options.packing == Packing::On);
    let Some(line) = line else { return Ok((shrink::shrink(recipe, closed, None, host)?, bench)) };
    let upx = match (&options.upx, locked) {
        (Some(path), _) => Upx::at(path, host)?,
        (None, Some((lock, goods))) => {
            let (tool, locked) =
                recipe.upx.as_ref().zip(locked_tool(recipe, lock)).ok_or(ShrinkError::NoTool { line })?;
            let program = unpack::tool(tool, locked, goods, host)?;
            let upx = Upx::of(tool.name.as_str(), &program, host)?;
            upx.must_be(tool.version.as_ref().map(|version| version.value.as_str()))?;
            upx
        }
        (None, None) => return Err(ShrinkError::NoTool { line }.into()),
    };
    let packer = Packer { upx: &upx, store: &bench.store, trial: options.trial };
    Ok((shrink::shrink(recipe, closed, Some(packer), host)?, bench))
}

/// Where results are kept: the run's store, or one of its own that goes with it.
#[derive(Debug)]
pub(crate) struct Bench {
    store: Store,
    _own: Option<tempfile::TempDir>,
}

impl Bench {
    fn open(locked: Option<(&Lock, &Goods)>, host: &Host<'_>) -> Result<Self, ShrinkError> {
        if let Some((_, goods)) = locked {
            return Ok(Self { store: goods.store.clone(), _own: None });
        }
        let own = host::private_directory(host.scratch)?;
        Ok(Self { store: Store::open(own.path())?, _own: Some(own) })
    }

    /// What packing saves on disk and, as the encoder of the run sees it, in layers; nothing where nothing was packed.
    pub(crate) fn savings(
        &self,
        shrunk: &[Shrunk],
        compression: Compression,
        workers: &Workers,
        host: &Host<'_>,
    ) -> Result<Option<Savings>, Error> {
        let mut files: BTreeMap<&Digest, (&Content, &Content)> = BTreeMap::new();
        for one in shrunk {
            for (path, packed) in &one.packed {
                let now = one.closed.tree.get(path).and_then(ocelet_tree::Node::content);
                files.extend(now.map(|now| (&packed.sha256, (&packed.original, now))));
            }
        }
        if files.is_empty() {
            return Ok(None);
        }
        let mut sum = Savings { files: files.len(), ..Savings::default() };
        let scale = Scale { store: &self.store, compression, workers, host };
        for (sha256, (before, after)) in files {
            sum.disk_before += before.length();
            sum.disk_after += after.length();
            sum.layer_before += scale.weigh(sha256, before)?;
            sum.layer_after += scale.weigh(&Digest::of(&after.bytes().map_err(shrink_read)?), after)?;
        }
        Ok(Some(sum))
    }
}

fn shrink_read(error: ocelet_tree::ReadError) -> Error {
    ShrinkError::Unreadable(error).into()
}

/// What measures a file as a layer of its own.
struct Scale<'run> {
    store: &'run Store,
    compression: Compression,
    workers: &'run Workers,
    host: &'run Host<'run>,
}

/// How the store knows what a file weighs.
const WEIGHED: Kind = Kind::new("weighed.1");

impl Scale<'_> {
    /// The bytes of a layer with nothing but this file. It is compressed once for each encoder, and then known.
    fn weigh(&self, sha256: &Digest, content: &Content) -> Result<u64, Error> {
        let key = Digest::of(format!("encoder {}\nfile {sha256}\n", self.compression.encoder()).as_bytes());
        let blob = self.store.derive(&key, WEIGHED, |sink| {
            let size = self.measure(content)?;
            let written = write!(sink, "{size}");
            Ok::<(), Unweighed>(written.map_err(ProcessError::at("keep", self.host.scratch.directory()))?)
        })?;
        let bytes = blob.content().bytes().map_err(shrink_read)?;
        let said = std::str::from_utf8(&bytes).ok().and_then(|text| text.parse().ok());
        match said {
            Some(size) => Ok(size),
            // What another version has written is measured and not kept.
            None => Ok(self.measure(content)?),
        }
    }

    fn measure(&self, content: &Content) -> Result<u64, Unweighed> {
        let place = host::private_directory(self.host.scratch)?;
        let path = TreePath::new("/file").expect("a plain name is a path");
        let mut tree = Tree::new();
        tree.add_file(&path, content.clone(), Metadata::root_owned(0o755), &Owner::new("packed"))
            .expect("an empty tree has room for a file");
        let layer = PlannedLayer {
            flavors: BTreeSet::new(),
            stability: Stability::Release,
            paths: BTreeSet::from([path]),
            bytes: content.length(),
        };
        let layout = Layout::create_or_open(place.path()).map_err(LayerError::Store)?;
        let written = layer::write(&Files::shared(&tree), &layer, self.compression, self.workers, &layout)?;
        Ok(written.blob().size())
    }
}

/// Why a file could not be measured.
enum Unweighed {
    Process(ProcessError),
    Store(StoreError),
    Layer(LayerError),
}

impl From<ProcessError> for Unweighed {
    fn from(error: ProcessError) -> Self {
        Self::Process(error)
    }
}

impl From<StoreError> for Unweighed {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<LayerError> for Unweighed {
    fn from(error: LayerError) -> Self {
        Self::Layer(error)
    }
}

impl From<Unweighed> for Error {
    fn from(error: Unweighed) -> Self {
        match error {
            Unweighed::Process(error) => ShrinkError::from(error).into(),
            Unweighed::Store(error) => ShrinkError::from(error).into(),
            Unweighed::Layer(error) => error.into(),
        }
    }
}
