//! What `sizes` tells of finished images: how much is pulled and how much that is on disk, and where the bytes are: by
//! layer, by who brought them, by what they are. [`Matrix`] lays several sets of images side by side, [`Budget`] says
//! what is too much.
//!
//! Where an image has a report, no layer is read. Of images of other tools the layers are, since nothing else tells
//! what is in them. Files of one owner or class are compressed together with others, so their share of the compressed
//! bytes is an estimate: the layer's, by their part of its files.

mod amount;
mod budget;
mod class;
mod matrix;

use std::collections::BTreeMap;
use std::path::Path;

use ocelet_tree::TreePath;
use serde::Serialize;

use super::flatten::{contents, tree};
use super::reference::{Finished, FinishedImage};
use crate::error::Error;
use crate::host::Host;
use crate::recipe::Platform;
use class::Classes;

pub use amount::{NoSize, parse as parse_size, shown as shown_size};
pub use budget::{Budget, BudgetError, Excess, Measure};
pub use matrix::Matrix;

/// The images of one layout or archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SizedSet {
    /// What the user calls it.
    pub name: String,
    /// Its images, by tag in the order of the layout.
    pub images: Vec<ImageSizes>,
    /// The bytes of all layers of these images, each layer once.
    pub stored: u64,
}

/// The sizes of one tag for one platform, in bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ImageSizes {
    /// The tag; empty where there is none.
    pub tag: String,
    /// The platform.
    pub platform: String,
    /// What is pulled: the layers as they are stored.
    pub compressed: u64,
    /// What its files hold; a file with several names counts for each where a report tells it.
    pub extracted: u64,
    /// The layers, in manifest order.
    pub layers: Vec<LayerSizes>,
    /// By who brought the files, the largest first. Empty where nobody told.
    pub owners: Vec<Share>,
    /// By what the files are, the largest first.
    pub classes: Vec<Share>,
}

/// One layer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LayerSizes {
    /// The digest of its blob; empty in a docker-archive.
    pub digest: String,
    /// Its bytes as they are stored.
    pub compressed: u64,
    /// The bytes of its files, where a report tells.
    pub extracted: Option<u64>,
    /// How many files it has, where a report tells.
    pub files: Option<usize>,
    /// How often its files change, where a report tells.
    pub stability: Option<String>,
    /// The flavors that share it; empty where no report tells.
    pub flavors: Vec<String>,
}

/// What one owner or class has of an image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Share {
    /// The owner, with its version where it has one, or the class.
    pub name: String,
    /// How many files.
    pub files: usize,
    /// Their bytes.
    pub extracted: u64,
    /// Their estimated part of the compressed layers.
    pub compressed: u64,
    /// The largest of them.
    pub largest: String,
    /// Its bytes.
    pub largest_bytes: u64,
}

/// One file, as a report or a layer tells it.
struct File {
    path: TreePath,
    bytes: u64,
    owner: Option<String>,
    layer: Option<usize>,
}

/// The sizes of all images that were asked for.
///
/// # Errors
/// An image cannot be read.
pub fn sizes(
    name: &str,
    finished: &Finished,
    platform: Option<&Platform>,
    host: &Host<'_>,
) -> Result<SizedSet, Error> {
    let images = finished.images(platform)?;
    let mut stored: BTreeMap<String, u64> = BTreeMap::new();
    for layer in images.iter().flat_map(|image| &image.image.layers) {
        stored.insert(layer.diff_id.0.to_string(), layer.size());
    }
    let sized = images.iter().map(|image| size(image, finished.path(), host)).collect::<Result<_, _>>()?;
    Ok(SizedSet { name: name.to_owned(), images: sized, stored: stored.values().sum() })
}

/// The sizes of one image.
fn size(image: &FinishedImage, path: &Path, host: &Host<'_>) -> Result<ImageSizes, Error> {
    let files = match &image.report {
        Some(_) => reported(image),
        None => unpacked(image, path, host)?,
    };
    let layers = layers(image, &files);
    let shares = Estimate::of(&layers, &files);
    let classes = Classes::new();
    Ok(ImageSizes {
        tag: image.tag.clone().unwrap_or_default(),
        platform: image.platform.to_string(),
        compressed: layers.iter().map(|layer| layer.compressed).sum(),
        extracted: files.iter().map(|file| file.bytes).sum(),
        owners: shares.by(&files, |file| file.owner.clone()),
        classes: shares.by(&files, |file| Some(classes.of(&file.path).to_owned())),
        layers,
    })
}

/// The files as the report has them, each with its owner and layer.
fn reported(image: &FinishedImage) -> Vec<File> {
    let Some(report) = &image.report else { return Vec::new() };
    let owner = |owner: &str| match report.packages.get(owner) {
        Some(package) => format!("{} {}", package.name, package.version).trim_end().to_owned(),
        None => owner.to_owned(),
    };
    let files = report.files.iter().filter(|(_, file)| file.kind == "file").filter_map(|(path, file)| {
        let path = TreePath::from_readable(path).ok()?;
        Some(File { path, bytes: file.size, owner: Some(owner(&file.owner)), layer: Some(file.layer) })
    });
    files.collect()
}

/// The files as the layers have them, each file once whatever its names.
fn unpacked(image: &FinishedImage, path: &Path, host: &Host<'_>) -> Result<Vec<File>, Error> {
    let tree = tree(image, path, host)?;
    let files = contents(&tree).map(|(path, content)| File {
        path: path.clone(),
        bytes: content.length(),
        owner: None,
        layer: None,
    });
    Ok(files.collect())
}

fn layers(image: &FinishedImage, files: &[File]) -> Vec<LayerSizes> {
    let layers = image.image.layers.iter().enumerate().map(|(position, layer)| {
        let told = image.report.as_ref().and_then(|report| report.layers.get(position));
        let mine = || files.iter().filter(|file| file.layer == Some(position));
        LayerSizes {
            digest: layer.digest().map(ToString::to_string).unwrap_or_default(),
            compressed: layer.size(),
            extracted: told.map(|_| mine().map(|file| file.bytes).sum()),
            files: told.map(|_| mine().count()),
            stability: told.map(|told| told.stability.clone()),
            flavors: told.map(|told| told.flavors.clone()).unwrap_or_default(),
        }
    });
    layers.collect()
}

/// How many compressed bytes a file's bytes are, estimated: those of its layer, or of the image where nothing tells the
/// layer.
struct Estimate {
    layers: Vec<(u64, u64)>,
    image: (u64, u64),
}

impl Estimate {
    fn of(layers: &[LayerSizes], files: &[File]) -> Self {
        let compressed = layers.iter().map(|layer| layer.compressed).sum();
        Self {
            layers: layers.iter().map(|layer| (layer.compressed, layer.extracted.unwrap_or(0))).collect(),
            image: (compressed, files.iter().map(|file| file.bytes).sum()),
        }
    }

    fn compressed(&self, layer: Option<usize>, bytes: u64) -> u64 {
        let (compressed, extracted) = layer.and_then(|at| self.layers.get(at)).copied().unwrap_or(self.image);
        let share = u128::from(bytes) * u128::from(compressed) / u128::from(extracted.max(1));
        u64::try_from(share).unwrap_or(u64::MAX)
    }

    /// The files by a name, the largest share of the disk first; files without one are left out.
    fn by(&self, files: &[File], name: impl Fn(&File) -> Option<String>) -> Vec<Share> {
        let mut shares: BTreeMap<String, (Share, BTreeMap<Option<usize>, u64>)> = BTreeMap::new();
        for file in files {
            let Some(name) = name(file) else { continue };
            let (share, layers) = shares.entry(name.clone()).or_insert_with(|| {
                let largest = file.path.to_string();
                let share = Share { name, files: 0, extracted: 0, compressed: 0, largest, largest_bytes: 0 };
                (share, BTreeMap::new())
            });
            share.files += 1;
            share.extracted += file.bytes;
            *layers.entry(file.layer).or_default() += file.bytes;
            if file.bytes > share.largest_bytes {
                (share.largest, share.largest_bytes) = (file.path.to_string(), file.bytes);
            }
        }
        let mut shares: Vec<Share> = shares
            .into_values()
            .map(|(share, layers)| {
                let compressed = layers.iter().map(|(layer, bytes)| self.compressed(*layer, *bytes)).sum();
                Share { compressed, ..share }
            })
            .collect();
        shares.sort_by_key(|share| std::cmp::Reverse(share.extracted));
        shares
    }
}
