//! Every parser of the workspace as a target, each called the way that the hallway calls it.
//!
//! What a parser says does not matter here, only that it says something.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use ocelet::finished::{Finished, Reference, verify};
use ocelet::host::{Host, Scratch};
use ocelet::recipe::{Context, parse};
use ocelet::report::Report;
use ocelet::{RulePacks, Silent};
use ocelet_elf::{Binary, Endianness, LoaderCache, Options, Root, Target as Platform};
use ocelet_oci::{ImageConfig, Index, Manifest};
use ocelet_testkit::trees::{add_bytes, path};
use ocelet_tree::tar_in::{self, Limits};
use ocelet_tree::{DecodeLimits, Decoder, Glob, Owner, Tree};
use tempfile::TempDir;

use super::{debian, launch, seeds};
use crate::shell::{temporary, write};

/// One parser.
pub(super) struct Target {
    pub(super) name: &'static str,
    /// Inputs that it takes.
    pub(super) seeds: fn(&Bench) -> Vec<Vec<u8>>,
    /// Words that mean something to it.
    pub(super) words: &'static [&'static str],
    /// Makes a damaged input plausible again.
    pub(super) repair: fn(&mut [u8]),
    pub(super) call: fn(&Bench, &[u8]),
}

/// What the targets share.
pub(super) struct Bench {
    pub(super) work: TempDir,
    pub(super) scratch: Scratch,
    pub(super) glibc: Tree,
    pub(super) musl: Tree,
    pub(super) context: Context,
    pub(super) layout: PathBuf,
    pub(super) signed: debian::Signed,
}

/// All targets.
pub(super) fn targets() -> impl Iterator<Item = &'static Target> {
    TARGETS.iter().chain(debian::TARGETS).chain(launch::TARGETS)
}

const TARGETS: &[Target] = &[
    Target { name: "tar", seeds: |_| seeds::tars(), words: TAR, repair: seeds::repair_tar, call: tar },
    Target { name: "layer", seeds: |_| seeds::layers(), words: TAR, repair: seeds::repair_tar, call: layer },
    Target { name: "decode", seeds: |_| seeds::packed(), words: &[], repair: |_| {}, call: decode },
    Target { name: "elf", seeds: |_| seeds::elves(), words: &[], repair: |_| {}, call: elf },
    Target { name: "closure", seeds: |_| seeds::elves(), words: ELF, repair: |_| {}, call: closure },
    Target { name: "script", seeds: |_| seeds::scripts(), words: SCRIPT, repair: |_| {}, call: closure },
    Target {
        name: "loader-cache",
        seeds: |_| seeds::caches(),
        words: &[],
        repair: |_| {},
        call: loader_cache,
    },
    Target {
        name: "loader-conf",
        seeds: |_| seeds::configurations(),
        words: SCRIPT,
        repair: |_| {},
        call: loader_conf,
    },
    Target { name: "recipe", seeds: |_| seeds::recipes(), words: RECIPE, repair: |_| {}, call: recipe },
    Target { name: "rules", seeds: |_| seeds::rules(), words: RECIPE, repair: |_| {}, call: rules },
    Target { name: "document", seeds: seeds::documents, words: JSON, repair: |_| {}, call: document },
    Target { name: "archive", seeds: seeds::archives, words: JSON, repair: seeds::repair_tar, call: archive },
    Target { name: "layout", seeds: seeds::indexes, words: JSON, repair: |_| {}, call: layout },
    Target { name: "glob", seeds: |_| seeds::globs(), words: GLOB, repair: |_| {}, call: glob },
];

const TAR: &[&str] = &[
    "../",
    "./",
    "/",
    ".wh.",
    ".wh..wh..opq",
    "\0",
    "00000000000",
    "77777777777",
    "13 size=99999999\n",
    "ustar",
];
const ELF: &[&str] =
    &["$ORIGIN", "$LIB/", "${PLATFORM}", "../", "/", ":", "libc.so.6\0", "ld-linux-x86-64.so.2\0"];
const SCRIPT: &[&str] = &["#!", "/usr/bin/env", " -S ", "include ", "*", "/", "\n", "sh", "../", "{a,b}"];
const RECIPE: &[&str] = &[
    "{",
    "}",
    "{-flavor}",
    "{arch}",
    "[flavor.a]\n",
    "extends = \"a\"\n",
    "\"",
    "'''",
    "[[",
    "\n",
    "?",
    "é",
    "\u{202e}",
];
const JSON: &[&str] = &[
    "{",
    "[",
    "[[[[[[[[",
    "\"",
    "null",
    "-1",
    "1e999",
    "18446744073709551616",
    "sha256:",
    "../",
    "\\u0000",
    "application/vnd.oci.image.index.v1+json",
];
const GLOB: &[&str] = &["**", "*", "?", "[a-z]", "[!", "{a,b}", "{", "}", ",", "/", "\\", "]"];

/// Far below the defaults: it is a small input that must not cost much.
fn limits() -> tar_in::Options {
    let limits = Limits { memory: 64 << 20, ..Limits::default() };
    tar_in::Options { limits, ..tar_in::Options::default() }
}

impl Bench {
    pub(super) fn new() -> Result<Self, String> {
        let work = temporary()?;
        let layout = seeds::layout(work.path())?;
        let [glibc, musl] = crate::fixtures::trees();
        let known_rules = ocelet::rules().names().map(str::to_owned).collect();
        let context = Context { known_rules, ..Context::default() };
        let (scratch, signed) = (Scratch::new(work.path()), debian::Signed::new()?);
        Ok(Self { work, scratch, glibc, musl, context, layout, signed })
    }
}

fn tar(_: &Bench, input: &[u8]) {
    if let Ok(unpacked) = tar_in::read(input, &Owner::new("fuzz"), &limits()) {
        // What was taken can be written, or is refused with a reason.
        let _ = ocelet_tree::tar_out::write_tree(&unpacked.tree, std::io::sink());
    }
}

fn layer(bench: &Bench, input: &[u8]) {
    let mut tree = bench.musl.clone();
    let _ = tar_in::apply_layer(&mut tree, input, &Owner::new("fuzz"), &limits());
}

fn decode(_: &Bench, input: &[u8]) {
    let limits = DecodeLimits { output: Some(32 << 20) };
    if let Ok(mut decoder) = Decoder::new(input, limits) {
        let _ = std::io::copy(&mut decoder, &mut std::io::sink());
    }
}

fn elf(_: &Bench, input: &[u8]) {
    let _ = Binary::parse(input);
}

/// The file as a command, and as the libraries that others need.
fn closure(bench: &Bench, input: &[u8]) {
    let target = Platform::parse("linux/amd64").expect("the table has it");
    for (tree, library) in [
        (&bench.glibc, "/usr/lib/x86_64-linux-gnu/libblkid.so.1.1.0"),
        (&bench.musl, "/usr/lib/libmnl.so.0.2.0"),
    ] {
        let mut tree = tree.clone();
        add_bytes(&mut tree, "/usr/bin/fuzzed", input.to_vec());
        tree.remove(&path(library));
        add_bytes(&mut tree, library, input.to_vec());
        let roots: Vec<Root> =
            ["/usr/bin/fuzzed", "/usr/bin/mount", "/sbin/ip"].map(|at| Root::new(path(at), "fuzz")).into();
        let closure = ocelet_elf::close(&tree, &roots, &Options::new(target));
        let _ = closure.problems.iter().map(ToString::to_string).collect::<Vec<_>>();
    }
}

fn loader_cache(_: &Bench, input: &[u8]) {
    for endianness in [Endianness::Little, Endianness::Big] {
        if let Ok(cache) = LoaderCache::read(input, endianness) {
            let _ = cache.lookup(b"libc.so.6", 0x0303).count();
            let _ = cache.write(endianness);
        }
    }
}

/// The configuration of glibc's search, and the path file of musl's.
fn loader_conf(bench: &Bench, input: &[u8]) {
    let target = Platform::parse("linux/amd64").expect("the table has it");
    for (tree, file) in [(&bench.glibc, "/etc/ld.so.conf"), (&bench.musl, "/etc/ld-musl-x86_64.path")] {
        let mut tree = tree.clone();
        tree.remove(&path(file));
        add_bytes(&mut tree, file, input.to_vec());
        let roots: Vec<Root> = ["/usr/bin/ip", "/sbin/ip"].map(|at| Root::new(path(at), "fuzz")).into();
        let _ = ocelet_elf::close(&tree, &roots, &Options::new(target));
    }
}

fn recipe(bench: &Bench, input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    match parse(&text, &bench.context) {
        Ok(parsed) => drop(parsed.warnings.render("fuzz", &text)),
        Err(problems) => drop((problems.render("fuzz", &text), problems.to_json())),
    }
}

fn rules(_: &Bench, input: &[u8]) {
    let _ = RulePacks::read(&[("fuzz", &String::from_utf8_lossy(input))]);
}

fn document(_: &Bench, input: &[u8]) {
    let _ = Index::parse(input).map(|index| index.document());
    let _ = Manifest::parse(input).map(|manifest| manifest.document());
    let _ = ImageConfig::parse(input).map(|config| config.document());
    let _ = Report::parse(input).map(|report| report.to_bytes());
}

fn archive(bench: &Bench, input: &[u8]) {
    let place = bench.work.path().join("archive");
    write(&place, input).expect("the temporary directory can be written");
    examine(bench, place);
}

fn layout(bench: &Bench, input: &[u8]) {
    write(&bench.layout.join("index.json"), input).expect("the temporary directory can be written");
    examine(bench, bench.layout.clone());
}

/// Everything that `inspect` and `verify` do.
fn examine(bench: &Bench, path: PathBuf) {
    let host = Host { jobs: NonZeroUsize::MIN, epoch: None, scratch: &bench.scratch, observer: &Silent };
    if let Ok(finished) = Finished::open(Reference { path, tag: None }) {
        let _ = verify(&finished, &host).map(|verified| verified.to_json());
        let _ = finished.images(None).map(|images| ocelet::finished::inspect(&images));
    }
}

fn glob(bench: &Bench, input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let Ok(glob) = Glob::new(&text) else { return };
    let _ = glob.expand(&bench.glibc);
    for (path, _) in bench.musl.iter() {
        let _ = (glob.matches(path), glob.may_match_below(path));
    }
}
