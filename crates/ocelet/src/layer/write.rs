//! [`write`]: a planned layer into bytes, in one pass.
//!
//! One thread lays out the tar and hashes it, the workers compress, and the calling thread collects, hashes
//! and hands the result to the sink. A [`Layer`] can only come from here, so its digests are those of bytes
//! that were written.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};
use std::thread;

use ocelet_oci::{Blob, BlobSink, DiffId, Layout, LayoutError};
use ocelet_tree::tar_out::{WriteError, write_entries};
use ocelet_tree::{Node, TreePath};
use zstd::zstd_safe::CParameter;

use super::compression::{Compression, Window};
use super::files::Files;
use super::pipeline::{BlockWriter, Hashing};
use super::plan::{LayerPlan, PlannedLayer};

/// The threads that compress, shared by all layers that are written at a time.
#[derive(Debug)]
pub struct Workers {
    pool: rayon::ThreadPool,
    count: NonZeroUsize,
}

/// A written layer: what its descriptor and its place in the configuration need.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layer {
    blob: Blob,
    diff_id: DiffId,
    uncompressed: u64,
    compression: Compression,
    entries: u64,
}

/// Why a layer could not be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LayerError {
    /// The threads could not be started.
    #[error("cannot start {count} threads to compress with")]
    Threads {
        /// How many were wanted.
        count: NonZeroUsize,
        /// Why.
        #[source]
        cause: rayon::ThreadPoolBuildError,
    },
    /// The plan names a path that the tree does not have.
    #[error("internal error: {path} is planned for a layer and not in the tree")]
    NotInTree {
        /// The path.
        path: TreePath,
    },
    /// An entry could not be laid out: its content could not be read, or was not as long as promised.
    #[error("cannot lay out a layer")]
    Tar(#[source] WriteError),
    /// The bytes could not be compressed or written.
    #[error("cannot write a layer")]
    Write(#[source] io::Error),
    /// The blob could not be stored.
    #[error("cannot store a layer")]
    Store(#[from] LayoutError),
}

impl Workers {
    /// Starts `count` threads.
    ///
    /// # Errors
    /// The system refuses to start them.
    pub fn start(count: NonZeroUsize) -> Result<Self, LayerError> {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(count.get())
            .thread_name(|number| format!("compress-{number}"))
            .build()
            .map_err(|cause| LayerError::Threads { count, cause })?;
        Ok(Self { pool, count })
    }

    /// How many threads there are.
    pub fn count(&self) -> NonZeroUsize {
        self.count
    }
}

impl Layer {
    /// The compressed bytes: their SHA-256 and their length.
    pub fn blob(&self) -> &Blob {
        &self.blob
    }

    /// The SHA-256 of the tar (image-spec, config.md, "Layer `DiffID`").
    pub fn diff_id(&self) -> &DiffId {
        &self.diff_id
    }

    /// The length of the tar in bytes.
    pub fn uncompressed(&self) -> u64 {
        self.uncompressed
    }

    /// How it is compressed.
    pub fn compression(&self) -> Compression {
        self.compression
    }

    /// How many tar entries it has, parents counted.
    pub fn entries(&self) -> u64 {
        self.entries
    }
}

/// Writes the layers at the `needed` positions of a plan as blobs of `layout`, several at a time; by position.
///
/// # Errors
/// See [`write()`]; the error of the first layer that failed, in the plan's order.
pub fn write_all(
    files: &Files<'_>,
    plan: &LayerPlan,
    needed: &BTreeSet<usize>,
    compression: Compression,
    workers: &Workers,
    layout: &Layout,
) -> Result<BTreeMap<usize, Layer>, LayerError> {
    let queue: Mutex<VecDeque<usize>> = Mutex::new(needed.iter().copied().collect());
    let done: Mutex<BTreeMap<usize, Result<Layer, LayerError>>> = Mutex::default();
    thread::scope(|scope| {
        for _ in 0..workers.count.get().min(needed.len()) {
            scope.spawn(|| {
                loop {
                    let next = queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
                    let Some(position) = next else { break };
                    let layer = write(files, &plan.layers[position], compression, workers, layout);
                    done.lock().unwrap_or_else(PoisonError::into_inner).insert(position, layer);
                }
            });
        }
    });
    let done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.into_iter().map(|(position, layer)| Ok((position, layer?))).collect()
}

/// Writes one layer of `files` as a blob of `layout`.
///
/// Every parent directory of a planned path is written with it, shallowest first and with the metadata that
/// it has in the shared tree, since clients otherwise make up their own.
///
/// # Errors
/// Content that cannot be read or changed its length, and a disk that cannot be written.
pub fn write(
    files: &Files<'_>,
    layer: &PlannedLayer,
    compression: Compression,
    workers: &Workers,
    layout: &Layout,
) -> Result<Layer, LayerError> {
    let entries = entries(files, layer)?;
    let mut sink = layout.blob_sink()?;
    let tar = match compression {
        Compression::Gzip { level } => gzip(&entries, level, workers, &mut sink)?,
        Compression::Zstd { level, window } => zstd(&entries, level, window, workers, &mut sink)?,
    };
    Ok(Layer {
        blob: sink.finish()?,
        diff_id: DiffId(*tar.digest()),
        uncompressed: tar.size(),
        compression,
        entries: entries.len() as u64,
    })
}

/// The planned paths with all their parents, in the order of the bytes: parents come first.
fn entries<'tree>(
    files: &Files<'tree>,
    layer: &PlannedLayer,
) -> Result<Vec<(TreePath, &'tree Node)>, LayerError> {
    let mut all: BTreeSet<TreePath> = BTreeSet::new();
    for path in &layer.paths {
        all.extend(path.ancestors());
        all.insert(path.clone());
    }
    all.into_iter()
        .filter(|path| !path.is_root())
        .map(|path| match files.node(&layer.flavors, &path) {
            Some(node) => Ok((path, node)),
            None => Err(LayerError::NotInTree { path }),
        })
        .collect()
}

/// Compresses the tar in blocks; the digest and size of the tar.
fn gzip(
    entries: &[(TreePath, &Node)],
    level: u8,
    workers: &Workers,
    sink: &mut BlobSink<'_>,
) -> Result<Blob, LayerError> {
    let (mut blocks, ordered) = BlockWriter::new(&workers.pool, level, 2 * workers.count.get());
    thread::scope(|scope| {
        let tar = scope.spawn(move || {
            lay_out(entries, &mut blocks)?;
            blocks.finish().map_err(LayerError::Write)
        });
        let mut stored = Ok(());
        while let Ok(pending) = ordered.recv() {
            let block =
                pending.recv().unwrap_or_else(|_| Err(io::Error::other("a compressing thread ended early")));
            stored = block.and_then(|block| sink.write_all(&block));
            if stored.is_err() {
                break;
            }
        }
        // With the receiver gone the tar thread cannot wait for a collector that has given up.
        drop(ordered);
        let laid_out = tar.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        stored.map_err(LayerError::Write)?;
        laid_out
    })
}

/// Compresses the tar as one frame; the digest and size of the tar.
fn zstd(
    entries: &[(TreePath, &Node)],
    level: u8,
    window: Option<Window>,
    workers: &Workers,
    sink: &mut BlobSink<'_>,
) -> Result<Blob, LayerError> {
    let threads = u32::try_from(workers.count.get()).unwrap_or(u32::MAX);
    let mut encoder = zstd::Encoder::new(sink, i32::from(level)).map_err(LayerError::Write)?;
    encoder.include_checksum(true).map_err(LayerError::Write)?;
    if let Some(window) = window {
        encoder.long_distance_matching(true).map_err(LayerError::Write)?;
        encoder.window_log(window.log().into()).map_err(LayerError::Write)?;
    }
    encoder.multithread(threads).map_err(LayerError::Write)?;
    if let Some(window) = window {
        // Half a window is what libzstd itself takes at level 19 with 128 MiB. At lower levels it would cut the input
        // into jobs of 2 MiB, between which only long matches are found: of 104 MB of Go programs level 3 makes
        // 24.7 MB in jobs of 64 MiB, and 28.5 MB in its own.
        encoder.set_parameter(CParameter::JobSize(1 << (window.log() - 1))).map_err(LayerError::Write)?;
    }
    let mut tar = Hashing::new(encoder);
    lay_out(entries, &mut tar)?;
    let (encoder, blob) = tar.finish();
    encoder.finish().map_err(LayerError::Write)?;
    Ok(blob)
}

fn lay_out(entries: &[(TreePath, &Node)], into: &mut dyn Write) -> Result<(), LayerError> {
    write_entries(entries.iter().map(|(path, node)| (path, *node)), into).map(drop).map_err(LayerError::Tar)
}
