//! The shrink room: packs the files that the recipe flags with upx, and says what it left as it is and why.
//!
//! ```text
//! Closed ── flag ── which files        recipe: `pack`, `daemon`
//!           judge ─ which of them are programs that may be packed
//!           pack ── upx, and back again: the same file        store: by file, upx and arguments
//!           trial ─ original and packed end alike with 0, 600 and 2,000 variables
//! Shrunk ── the same files with other bytes, and what each of them was
//! ```
//!
//! It stands behind `close`, since a packed program names neither its loader nor its libraries: they are in the image
//! because the original asked for them. It packs nothing that is not flagged, no daemon, and nothing that it
//! cannot prove afterwards.

mod daemons;
mod error;
mod flag;
mod judge;
mod pack;
mod tool;
mod trial;

use std::collections::BTreeMap;

use ocelet_oci::Digest;
use ocelet_tree::{Content, TreePath};
use rayon::prelude::*;

use crate::close::Closed;
use crate::event::Event;
use crate::fetch::store::Store;
use crate::host::Host;
use crate::recipe::{PackMethod, Platform, Recipe};

pub use error::{Failed, Fault, ShrinkError};
pub use flag::first_flag;
pub(crate) use judge::{HEAD, is_packed};
pub use tool::{Tool, Upx};
pub use trial::{Difference, StartUp, Tried};

use flag::Flagged;
use pack::Outcome;
use trial::Pair;

/// Whether flagged files are packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Packing {
    /// All files stay as they are.
    Off,
    /// Flagged files are packed.
    #[default]
    On,
}

/// What packing needs.
#[derive(Debug, Clone, Copy)]
pub struct Packer<'run> {
    /// The program.
    pub upx: &'run Upx,
    /// Where results are kept.
    pub store: &'run Store,
    /// Whether packed programs are run where this machine can.
    pub trial: bool,
}

/// A closed platform whose flagged files are packed.
#[derive(Debug)]
pub struct Shrunk {
    /// The files, with the bytes that the image gets.
    pub closed: Closed,
    /// The files that are packed, under each of their names.
    pub packed: BTreeMap<TreePath, Packed>,
    /// The flagged files that are not, and why.
    pub left: BTreeMap<TreePath, String>,
    /// What packed them; nothing where nothing is packed.
    pub tool: Option<Tool>,
}

/// A file that was packed.
#[derive(Debug, Clone)]
pub struct Packed {
    /// How.
    pub method: PackMethod,
    /// What it was before.
    pub original: Content,
    /// The SHA-256 of that.
    pub sha256: Digest,
    /// Its size now, in bytes.
    pub size: u64,
    /// What came of running it; nothing where no program was to be run.
    pub tried: Option<Tried>,
}

/// One flagged file of one platform, on its way.
struct Task<'closed> {
    platform: usize,
    closed: &'closed Closed,
    flagged: Flagged,
}

enum Done {
    Packed(Packed, Content),
    Left(String),
}

/// Packs the flagged files of all platforms, several at a time. Without a `packer` nothing changes, but for
/// daemons being refused all the same.
///
/// # Errors
/// See [`ShrinkError`]; all files that failed.
pub fn shrink(
    recipe: &Recipe,
    closed: Vec<Closed>,
    packer: Option<Packer<'_>>,
    host: &Host<'_>,
) -> Result<Vec<Shrunk>, ShrinkError> {
    let mut problems = Vec::new();
    let flagged: Vec<Vec<Flagged>> =
        closed.iter().map(|one| flag::flagged(recipe, one, &mut problems)).collect();
    if !problems.is_empty() {
        problems.sort();
        problems.dedup();
        return Err(ShrinkError::Daemons { problems });
    }
    let Some(packer) = packer else { return Ok(closed.into_iter().map(Shrunk::unchanged).collect()) };
    let tasks = closed.iter().zip(flagged).enumerate().flat_map(|(platform, (closed, flagged))| {
        flagged.into_iter().map(move |flagged| Task { platform, closed, flagged })
    });
    let tasks: Vec<Task<'_>> = tasks.collect();
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(host.jobs.get())
        .thread_name(|number| format!("pack-{number}"))
        .build()
        .map_err(ShrinkError::Threads)?;
    let results: Vec<Result<Done, Fault>> =
        pool.install(|| tasks.par_iter().map(|task| task.run(packer, host)).collect());
    let mut done = Vec::new();
    let mut failed = Vec::new();
    for (task, result) in tasks.into_iter().zip(results) {
        match result {
            Ok(one) => done.push((task.platform, task.flagged.paths, one)),
            Err(fault) => {
                let path = task.path().clone();
                failed.push(Failed { path, platform: task.closed.platform.clone(), fault });
            }
        }
    }
    if !failed.is_empty() {
        return Err(ShrinkError::Files(failed));
    }
    let mut shrunk: Vec<Shrunk> = closed.into_iter().map(Shrunk::unchanged).collect();
    let tool = packer.upx.identity();
    for (platform, paths, one) in done {
        shrunk[platform].take(&paths, &one, &tool);
    }
    Ok(shrunk)
}

impl Task<'_> {
    fn path(&self) -> &TreePath {
        &self.flagged.paths[0]
    }

    fn platform(&self) -> &Platform {
        &self.closed.platform
    }

    fn run(&self, packer: Packer<'_>, host: &Host<'_>) -> Result<Done, Fault> {
        let (path, platform) = (self.path().to_string(), self.platform().to_string());
        let (path, platform) = (path.as_str(), platform.as_str());
        let done = self.work(packer, path, platform, host)?;
        let event = match &done {
            Done::Left(why) => Event::LeftUnpacked { path, platform, why },
            Done::Packed(packed, _) => Event::Packed { path, platform, packed },
        };
        host.observer.observe(&event);
        Ok(done)
    }

    fn work(&self, packer: Packer<'_>, path: &str, platform: &str, host: &Host<'_>) -> Result<Done, Fault> {
        let node = self.closed.tree.get(self.path()).expect("flagged files are in the tree");
        let original = node.content().expect("only files are flagged").clone();
        let bytes = original.bytes()?;
        let program = match judge::program(&node.metadata, &bytes) {
            Ok(program) => program,
            Err(why) => return Ok(Done::Left(why)),
        };
        let sha256 = Digest::of(&bytes);
        let size = bytes.len() as u64;
        let begin = || host.observer.observe(&Event::Packing { path, platform, size });
        let method = self.flagged.method;
        let made = pack::pack(&bytes, &sha256, method, packer.upx, packer.store, host, begin)?;
        let content = match made.outcome {
            Outcome::Packed(content) => content,
            Outcome::Left(why) => return Ok(Done::Left(why)),
        };
        let pair = Pair {
            original: &original,
            packed: &content,
            platform: self.platform(),
            interpreter: program.interpreter.as_deref(),
            key: &made.key,
        };
        let tried = packer.trial.then(|| trial::trial(&pair, packer.store, host)).transpose()?;
        let packed = Packed { method, original, sha256, size: content.length(), tried };
        Ok(Done::Packed(packed, content))
    }
}

impl Shrunk {
    /// A platform of which nothing is packed.
    fn unchanged(closed: Closed) -> Self {
        Self { closed, packed: BTreeMap::new(), left: BTreeMap::new(), tool: None }
    }

    /// Takes in what came of one file.
    fn take(&mut self, paths: &[TreePath], done: &Done, tool: &Tool) {
        for path in paths {
            match done {
                Done::Left(why) => drop(self.left.insert(path.clone(), why.clone())),
                Done::Packed(packed, content) => {
                    if let Some(there) = self.closed.tree.content_mut(path) {
                        *there = content.clone();
                    }
                    self.packed.insert(path.clone(), packed.clone());
                    self.tool = Some(tool.clone());
                }
            }
        }
    }
}
