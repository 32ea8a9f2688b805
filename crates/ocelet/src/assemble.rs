//! The corridor: recipe in, tags in a layout out, each room called once and in order.
//!
//! All flavors of a recipe are closed, even where only some are asked for: they share layers, and the digests of
//! one flavor must not depend on which others were built beside it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use ocelet_elf::RulePacks;
use ocelet_oci::{Image, Layout, Timestamp};

use crate::close::{self, Closed};
use crate::error::Error;
use crate::event::Event;
use crate::fetch::{self, Goods, Supply};
use crate::host::Host;
use crate::image;
use crate::layer::{self, Compression, Files, FlavorFiles, Layer, LayerPlan, Split, Workers};
use crate::lock::Lock;
use crate::locking::{self, LockingError, Trouble};
use crate::packing::{self, Bench, PackingOptions, Savings};
use crate::profile::Profile;
use crate::recipe::{FlavorName, Platform, Recipe};
use crate::report::sbom::{self, SPDX_TYPE};
use crate::report::{self, REPORT_TYPE, Report};
use crate::ship::{self, Attachment, Shipped};
use crate::shrink::Shrunk;
use crate::unpack;

/// What a run may decide beyond the recipe.
#[derive(Debug, Clone)]
pub struct Options {
    /// Only these flavors; all that have an image where empty.
    pub flavors: BTreeSet<FlavorName>,
    /// Only these platforms; all of the recipe where empty.
    pub platforms: BTreeSet<Platform>,
    /// How layers are compressed.
    pub compression: Compression,
    /// By what files share a layer.
    pub split: Split,
    /// The most layers of one image.
    pub layers: usize,
    /// Whether what is missing is told as a warning instead of ending the run.
    pub allow_missing: bool,
    /// Whether and how flagged files are packed.
    pub packing: PackingOptions,
}

/// What a run has made.
#[derive(Debug)]
pub struct Assembled {
    /// The tags, as they stand in the layout.
    pub shipped: Shipped,
    /// What is in each image and why, by flavor and platform.
    pub reports: BTreeMap<(FlavorName, Platform), Report>,
    /// What packing saves; nothing where nothing was packed.
    pub savings: Option<Savings>,
}

impl Default for Options {
    /// Every image, in the default [`Profile`].
    fn default() -> Self {
        let profile = Profile::default().choice();
        Self {
            flavors: BTreeSet::new(),
            platforms: BTreeSet::new(),
            compression: profile.compression,
            split: profile.split,
            layers: 10,
            allow_missing: false,
            packing: PackingOptions::default(),
        }
    }
}

/// What a recipe with packages or artifacts needs: which ones, and where their bytes come from.
#[derive(Debug, Clone, Copy)]
pub struct Provisions<'run> {
    /// A lock that answers the recipe.
    pub lock: &'run Lock,
    /// Where bytes are kept and come from.
    pub supply: &'run Supply<'run>,
}

/// Assembles the images of a recipe into the layout at `output`. Paths in the recipe are relative to `base`, the
/// recipe's own directory. Without `provisions` a recipe cannot have packages or artifacts.
///
/// Nothing is written before every platform is known to be complete; the tags appear all together at the end.
///
/// # Errors
/// One variant for each room; see [`Error`].
pub fn assemble(
    recipe: &Recipe,
    provisions: Option<Provisions<'_>>,
    rules: &RulePacks,
    base: &Path,
    output: &Path,
    options: &Options,
    host: &Host<'_>,
) -> Result<Assembled, Error> {
    let created = timestamp(recipe, host);
    let wanted = Wanted::of(recipe, options)?;
    let provided =
        provisions.map(|provisions| bring(recipe, &wanted, provisions, options, host)).transpose()?;
    let locked = provided.as_ref().map(|(lock, goods)| (lock, goods));
    let mut closed = Vec::new();
    let mut missing = Vec::new();
    for platform in &wanted.platforms {
        let unpacked = unpack::unpack(recipe, locked, platform, base, host)?;
        let mut done = close::close(recipe, platform, &unpacked, rules, created.seconds, host)?;
        missing.append(&mut done.missing);
        closed.push(done);
    }
    close::settle(missing, options.allow_missing, host)?;
    close::hold_something(&closed, &wanted.flavors)?;
    let (shrunk, bench) = packing::pack(recipe, closed, locked, &options.packing, host)?;

    let layout = Layout::create_or_open(output).map_err(Error::Ship)?;
    let site = Site { recipe, wanted: &wanted, layout: &layout, options, created: &created, host };
    let built = site.build(&shrunk, &bench);
    if built.is_err() {
        drop(layout);
        ship::clean(output);
    }
    built
}

/// Brings home every locked byte of the wanted platforms. Nothing else is touched before that is done.
fn bring(
    recipe: &Recipe,
    wanted: &Wanted,
    provisions: Provisions<'_>,
    options: &Options,
    host: &Host<'_>,
) -> Result<(Lock, Goods), Error> {
    let differences = locking::stale(recipe, provisions.lock);
    if !differences.is_empty() {
        return Err(LockingError::from(vec![Trouble::Stale { differences }]).into());
    }
    let contradictions = locking::contradictions(recipe, provisions.lock);
    if !contradictions.is_empty() {
        return Err(LockingError::from(contradictions).into());
    }
    let lock = locking::placed(recipe, provisions.lock, provisions.supply);
    locking::check_mirrors(recipe, &lock, provisions.supply)?;
    let platforms: BTreeSet<Platform> = wanted.platforms.iter().cloned().collect();
    let mut files = lock.files(&platforms);
    if packing::needs_locked_tool(recipe, &options.packing) {
        files.extend(packing::locked_tool(recipe, &lock).map(|tool| (tool.source.to_string(), &tool.file)));
    }
    let goods = fetch::bring(&files, provisions.supply, host)?;
    Ok((lock, goods))
}

/// The flavors and platforms of this run.
struct Wanted {
    flavors: Vec<FlavorName>,
    platforms: Vec<Platform>,
}

impl Wanted {
    fn of(recipe: &Recipe, options: &Options) -> Result<Self, Error> {
        let all: Vec<FlavorName> = recipe.flavors.keys().cloned().collect();
        let unknown = options.flavors.iter().find(|name| !recipe.flavors.contains_key(*name));
        if let Some(name) = unknown {
            return Err(Error::NoSuchFlavor {
                name: name.to_string(),
                known: all.iter().map(ToString::to_string).collect(),
            });
        }
        let platforms: Vec<Platform> = recipe.platforms.iter().map(|at| at.value.clone()).collect();
        if let Some(platform) = options.platforms.iter().find(|platform| !platforms.contains(platform)) {
            let known = platforms.iter().map(ToString::to_string).collect();
            return Err(Error::NoSuchPlatform { name: platform.to_string(), known });
        }
        let is_wanted = |name: &FlavorName| options.flavors.is_empty() || options.flavors.contains(name);
        let platform_wanted =
            |platform: &Platform| options.platforms.is_empty() || options.platforms.contains(platform);
        Ok(Self {
            flavors: all.into_iter().filter(is_wanted).collect(),
            platforms: platforms.into_iter().filter(platform_wanted).collect(),
        })
    }
}

/// The time of everything in the images.
pub(crate) struct Created {
    pub(crate) seconds: i64,
    pub(crate) timestamp: Timestamp,
}

/// The recipe's epoch, or the caller's, or 1: zero upsets some readers.
fn timestamp(recipe: &Recipe, host: &Host<'_>) -> Created {
    let seconds = recipe.epoch.as_ref().map(|at| at.value).or(host.epoch).unwrap_or(1).max(0);
    Created { seconds, timestamp: Timestamp::from_epoch(seconds.unsigned_abs()) }
}

/// What is written, where and how.
struct Site<'run> {
    recipe: &'run Recipe,
    wanted: &'run Wanted,
    layout: &'run Layout,
    options: &'run Options,
    created: &'run Created,
    host: &'run Host<'run>,
}

impl Site<'_> {
    /// Writes what was decided: layers, images, reports, and at the end the tags.
    fn build(&self, shrunk: &[Shrunk], bench: &Bench) -> Result<Assembled, Error> {
        let Self { recipe, layout, options, created, host, .. } = *self;
        let workers = Workers::start(host.jobs)?;
        let mut images: BTreeMap<FlavorName, Vec<Image>> = BTreeMap::new();
        let mut reports = BTreeMap::new();
        let mut attached = BTreeMap::new();
        for one in shrunk {
            let platform = &one.closed;
            let plan =
                layer::plan(&Files::of(platform), &FlavorFiles::of(platform), options.split, options.layers);
            let layers = self.write_layers(&plan, platform, &workers)?;
            for name in &self.wanted.flavors {
                let flavor = &recipe.flavors[name];
                let mine: Vec<_> = plan
                    .layers_of(name.as_str())
                    .into_iter()
                    .map(|position| (&plan.layers[position], &layers[&position]))
                    .collect();
                let (tool, time) = (one.tool.as_ref(), &created.timestamp);
                let image = image::bind(recipe, flavor, &platform.platform, &mine, tool, time)?;
                let report = report::report(recipe, flavor, one, &mine);
                let documents = attachments(&report, &image, created);
                attached.insert((name.clone(), platform.platform.clone()), documents);
                reports.insert((name.clone(), platform.platform.clone()), report);
                images.entry(name.clone()).or_default().push(image);
            }
        }
        let shipped = ship::ship(recipe, &images, &attached, layout, &created.timestamp)?;
        for tag in &shipped.tags {
            host.observer.observe(&Event::Tagged { tag: &tag.tag, digest: &tag.digest.to_string() });
        }
        let savings = bench.savings(shrunk, options.compression, &workers, host)?;
        Ok(Assembled { shipped, reports, savings })
    }

    /// Writes the layers that the wanted flavors need; by their position in the plan.
    fn write_layers(
        &self,
        plan: &LayerPlan,
        closed: &Closed,
        workers: &Workers,
    ) -> Result<BTreeMap<usize, Layer>, Error> {
        let flavors = self.wanted.flavors.iter();
        let needed: BTreeSet<usize> = flavors.flat_map(|flavor| plan.layers_of(flavor.as_str())).collect();
        let compression = self.options.compression;
        let layers = layer::write_all(&Files::of(closed), plan, &needed, compression, workers, self.layout)?;
        for (number, layer) in layers.values().enumerate() {
            self.host.observer.observe(&Event::LayerWritten { layer, number: number + 1, of: layers.len() });
        }
        Ok(layers)
    }
}

/// What travels beside an image: its report, and a bill of materials where something is known of its packages.
fn attachments(report: &Report, image: &Image, created: &Created) -> Vec<Attachment> {
    let mut documents =
        vec![Attachment { media_type: REPORT_TYPE, title: "report.json", bytes: report.to_bytes() }];
    if !report.packages.is_empty() {
        let subject =
            sbom::Subject { digest: &image.descriptor().digest, created: created.timestamp.as_str() };
        let bytes = sbom::bill(report, &subject, sbom::Format::Spdx);
        documents.push(Attachment { media_type: SPDX_TYPE, title: "sbom.spdx.json", bytes });
    }
    documents
}
