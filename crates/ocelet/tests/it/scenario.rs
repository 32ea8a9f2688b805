//! The harness: a [`Scenario`] is a recipe and the files beside it; [`check`] assembles it and compares what the
//! images hold with lines of text.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use ocelet::finished::{self, Finished, FinishedImage, Reference};
use ocelet::host::{Host, Scratch};
use ocelet::layer::{Compression, Split};
use ocelet::recipe::{Context, FlavorName, Platform, Recipe, parse};
use ocelet::tree::{Blob, Kind, Owner, Tree, TreePath, tar_in};
use ocelet::{Assembled, Error, Event, Observer, Options, PackingOptions};
use ocelet_testkit::rootfs;

/// A recipe, and what lies beside it: names that end in `/` are directories, `.tar`, `.tar.gz` and `.tar.zst`
/// tarballs of the tree that the text describes, anything else a file with that text.
#[derive(Debug, Clone, Default)]
pub(crate) struct Scenario {
    pub(crate) recipe: String,
    pub(crate) files: Vec<(&'static str, String)>,
    pub(crate) flavors: Vec<&'static str>,
    pub(crate) platforms: Vec<&'static str>,
    pub(crate) compression: Option<Compression>,
    pub(crate) split: Split,
    pub(crate) layers: Option<usize>,
    pub(crate) allow_missing: bool,
    pub(crate) packing: PackingOptions,
    pub(crate) jobs: usize,
    /// Directories are filled, and sources are made, from the last entry to the first.
    pub(crate) reversed: bool,
}

/// What came of a scenario, with the directory that it lived in.
pub(crate) struct Outcome {
    pub(crate) place: tempfile::TempDir,
    pub(crate) result: Result<Assembled, Error>,
    pub(crate) warnings: Vec<String>,
}

impl Scenario {
    /// A recipe for amd64 named `x`, tagged `v1{-flavor}`, with the given lines, and the files beside it.
    pub(crate) fn new(lines: &str, files: &[(&'static str, String)]) -> Self {
        let head = if lines.contains("platforms = ") { "" } else { "platforms = [\"linux/amd64\"]\n" };
        let recipe = format!("image = \"x\"\ntag = \"v1{{-flavor}}\"\n{head}{lines}");
        Self { recipe, files: files.to_vec(), jobs: 1, ..Self::default() }
    }

    pub(crate) fn recipe(&self) -> Recipe {
        let known_rules = ocelet::rules().names().map(str::to_owned).collect();
        let context = Context { known_rules, set: BTreeMap::new() };
        let parsed = parse(&self.recipe, &context);
        parsed.unwrap_or_else(|problems| panic!("{}", problems.render("recipe", &self.recipe))).recipe
    }

    /// Assembles in a new directory.
    pub(crate) fn run(&self) -> Outcome {
        let place = tempfile::tempdir().expect("a directory");
        let mut files: Vec<_> = self.files.iter().collect();
        if self.reversed {
            files.reverse();
        }
        for (name, text) in files {
            write(&place.path().join(name), text, self.reversed);
        }
        self.run_in(place)
    }

    /// Assembles with what is there already.
    pub(crate) fn run_in(&self, place: tempfile::TempDir) -> Outcome {
        let options = Options {
            flavors: self.flavors.iter().map(|name| FlavorName::new(*name).expect("a name")).collect(),
            platforms: self.platforms.iter().map(|name| name.parse::<Platform>().expect("known")).collect(),
            compression: self.compression.unwrap_or(Compression::DEFAULT),
            split: self.split,
            layers: self.layers.unwrap_or(10),
            allow_missing: self.allow_missing,
            packing: self.packing.clone(),
        };
        let heard = Heard::default();
        let scratch = Scratch::new(place.path());
        let jobs = NonZeroUsize::new(self.jobs).expect("at least one");
        let host = Host { jobs, epoch: None, scratch: &scratch, observer: &heard };
        let (recipe, output) = (self.recipe(), place.path().join("out"));
        let result =
            ocelet::assemble(&recipe, None, &ocelet::rules(), place.path(), &output, &options, &host);
        let warnings = heard.0.into_inner().expect("no holder panics");
        Outcome { place, result, warnings }
    }
}

/// Remembers warnings.
#[derive(Default)]
pub(crate) struct Heard(pub(crate) Mutex<Vec<String>>);

impl Observer for Heard {
    fn observe(&self, event: &Event<'_>) {
        if let Event::Warning { message } = event {
            self.0.lock().expect("no holder panics").push((*message).to_owned());
        }
    }
}

/// Puts a file, a directory or a tarball where a recipe looks for it.
pub(crate) fn write(at: &Path, text: &str, reversed: bool) {
    let name = at.to_string_lossy().into_owned();
    if std::fs::exists(at).expect("a parent") {
        return;
    }
    let bytes = if name.ends_with('/') {
        return rootfs::write_directory(&rootfs::tree(text), at, reversed);
    } else if name.contains(".tar") {
        rootfs::tar_bytes(&rootfs::tree(text))
    } else {
        text.as_bytes().to_vec()
    };
    let bytes = match name.rsplit_once('.') {
        Some((_, "gz")) => gzip(&bytes),
        Some((_, "zst")) => zstd::encode_all(&bytes[..], 3).expect("memory"),
        _ => bytes,
    };
    std::fs::write(at, bytes).expect("a file");
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::read::GzEncoder::new(bytes, flate2::Compression::fast());
    let mut packed = Vec::new();
    std::io::copy(&mut encoder, &mut packed).expect("memory");
    packed
}

/// The host of a place, for looking at finished images.
pub(crate) fn with_host<T>(place: &Path, act: impl FnOnce(&Host<'_>) -> T) -> T {
    let scratch = Scratch::new(place);
    act(&Host { jobs: NonZeroUsize::MIN, epoch: None, scratch: &scratch, observer: &ocelet::Silent })
}

impl Outcome {
    pub(crate) fn layout(&self) -> PathBuf {
        self.place.path().join("out")
    }

    pub(crate) fn finished(&self) -> Finished {
        if let Err(error) = &self.result {
            panic!("{}", sentence(error));
        }
        Finished::open(Reference { path: self.layout(), tag: None }).expect("it was just written")
    }

    pub(crate) fn images(&self) -> Vec<FinishedImage> {
        self.finished().images(None).expect("they were just written")
    }

    /// The files of an image: all its layers applied.
    pub(crate) fn tree(&self, image: &FinishedImage) -> Tree {
        let mut tar = Vec::new();
        with_host(self.place.path(), |host| finished::rootfs(image, &self.layout(), &mut tar, host))
            .expect("a layer");
        let blob = Blob::from_bytes("rootfs", tar);
        tar_in::read_blob(&blob, &Owner::new("image"), &tar_in::Options::default()).expect("a tar").tree
    }

    /// The digests of all tags.
    pub(crate) fn digests(&self) -> BTreeMap<String, String> {
        match &self.result {
            Ok(done) => {
                done.shipped.tags.iter().map(|tag| (tag.tag.clone(), tag.digest.to_string())).collect()
            }
            Err(error) => panic!("{}", sentence(error)),
        }
    }

    /// The names of all blobs.
    pub(crate) fn blobs(&self) -> BTreeSet<String> {
        let directory = self.layout().join("blobs/sha256");
        let entries = std::fs::read_dir(directory).expect("blobs");
        entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect()
    }

    /// What each image holds, as text: see [`describe`].
    pub(crate) fn shown(&self) -> String {
        self.images().iter().map(|image| describe(image, &self.tree(image))).collect()
    }

    /// Everything that must hold of any layout that ocelet wrote.
    pub(crate) fn is_sound(&self, complete: bool) {
        let finished = self.finished();
        let layout = ocelet_oci::Layout::open(self.layout()).expect("a layout");
        let problems = ocelet_oci::validate(&layout);
        let bad: Vec<String> = problems
            .iter()
            .filter(|problem| !matches!(problem.finding, ocelet_oci::Finding::NoPath))
            .map(ToString::to_string)
            .collect();
        assert_eq!(bad, Vec::<String>::new());
        let verified =
            with_host(self.place.path(), |host| finished::verify(&finished, host)).expect("a layout");
        if complete {
            let broken: Vec<_> = verified.findings.iter().filter(|finding| finding.broken).collect();
            assert!(broken.is_empty(), "{broken:#?}");
        }
    }
}

/// The tag and platform; then for each entry `path kind mode size-or-target uid:gid owner layer`. The size of an ELF file is
/// `elf`; directories that are only there because something is in them have no owner and no layer.
fn describe(image: &FinishedImage, tree: &Tree) -> String {
    let report = image.report.as_ref().expect("an image of ocelet has a report");
    let mut text = format!("{} {}\n", image.tag.as_deref().unwrap_or("-"), image.platform);
    for (path, node) in tree.iter() {
        let (owner, layer) = match report.files.get(&path.to_string()) {
            Some(file) => (file.owner.clone(), file.layer.to_string()),
            None => ("-".to_owned(), "-".to_owned()),
        };
        let what = match &node.kind {
            Kind::Directory => "dir -".to_owned(),
            Kind::Symlink { target } => format!("link {target}"),
            Kind::File { content, .. } if content.head(4).expect("memory") == b"\x7fELF" => {
                "file elf".to_owned()
            }
            Kind::File { content, .. } => format!("file {}", content.length()),
        };
        let (kind, what) = what.split_once(' ').expect("two words");
        let metadata = &node.metadata;
        let cap = if metadata.xattrs.is_empty() { "" } else { " cap" };
        let mode = metadata.mode;
        let ids = format!("{}:{}", metadata.uid, metadata.gid);
        let _ = writeln!(text, "{path} {kind} {mode:04o} {what} {ids} {owner} {layer}{cap}");
    }
    text
}

/// Assembles and compares what all images hold. The expected lines may be indented; parent directories that
/// belong to nobody are left out on both sides unless the expectation has them.
pub(crate) fn check(name: &str, scenario: &Scenario, expect: &str) -> Outcome {
    let outcome = scenario.run();
    let expect: Vec<&str> = expect.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let parents = expect.iter().any(|line| line.ends_with("- -"));
    let shown = outcome.shown();
    let shown: Vec<&str> = shown.lines().filter(|line| parents || !line.ends_with("- -")).collect();
    assert!(
        shown == expect,
        "{name}\ngot:\n{}\nwant:\n{}\nwarnings: {:?}",
        shown.join("\n"),
        expect.join("\n"),
        outcome.warnings
    );
    outcome.is_sound(!scenario.allow_missing);
    outcome
}

/// The only image of a tag for a platform.
pub(crate) fn image<'images>(images: &'images [FinishedImage], tag: &str) -> &'images FinishedImage {
    let found = images.iter().find(|image| image.tag.as_deref() == Some(tag));
    found.unwrap_or_else(|| panic!("no image {tag}"))
}

pub(crate) fn path(text: &str) -> TreePath {
    TreePath::new(text).expect("a path")
}

/// An error with all its causes.
pub(crate) fn sentence(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}
