//! Where mutation starts: what the fixtures, the test kit and the hallway itself write.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use ocelet::Silent;
use ocelet::finished::{Archive, Finished, Reference, write_archive};
use ocelet::host::{Host, Scratch};
use ocelet_elf::{Options, Root, Target};
use ocelet_testkit::ElfBuilder;
use ocelet_testkit::trees::{path, tree};
use ocelet_tree::tar_out::write_tree;

use super::targets::Bench;
use crate::assemble::recipe;
use crate::fixtures;
use crate::shell::{list, read, root};

/// A layout with one image, below `work`.
pub(super) fn layout(work: &Path) -> Result<PathBuf, String> {
    let layout = work.join("layout");
    let place = fixtures::directory().join("musl-tools.toml");
    let recipe = recipe(&place, &BTreeMap::new())?;
    let flavor = recipe.flavors.keys().find(|name| name.as_str() == "apk").cloned();
    let options = ocelet::Options {
        flavors: flavor.into_iter().collect(),
        platforms: recipe.platforms.iter().take(1).map(|at| at.value.clone()).collect(),
        ..ocelet::Options::default()
    };
    let scratch = Scratch::new(work);
    let host = Host { jobs: NonZeroUsize::MIN, epoch: None, scratch: &scratch, observer: &Silent };
    ocelet::assemble(&recipe, None, &ocelet::rules(), &fixtures::directory(), &layout, &options, &host)
        .map_err(|error| format!("cannot assemble the seeds: {error}"))?;
    Ok(layout)
}

/// Archives with and without what the fixtures lack: long names, many links, a name that is no text.
pub(super) fn tars() -> Vec<Vec<u8>> {
    let long = format!("/{}", ["directory-with-a-long-name"; 12].join("/"));
    let odd = [&format!("{long}/file = x"), "/link -> a/b/../c", "/loop -> loop", "*/bin/sh", "/é = umlaut"];
    let mut tars = vec![tar(&tree(&odd)), tar(&tree(&["/a"]))];
    // The kubelet of the fixtures is a megabyte that no parser looks at.
    tars.extend(fixtures::tars().into_iter().map(|mut bytes| {
        bytes.truncate(160 << 10);
        bytes
    }));
    tars
}

/// Layers, with whiteouts, over the root file system with musl.
pub(super) fn layers() -> Vec<Vec<u8>> {
    let whiteouts = [
        ["/bin/.wh.sh", "/etc/.wh..wh..opq", "/etc/passwd = new"],
        ["/lib/.wh.apk", "/usr/.wh.bin", "/usr/bin/new = x"],
        ["/.wh.tmp", "/bin -> usr/bin", "/.wh..wh.aufs = x"],
    ];
    let whiteouts = whiteouts.iter().map(|lines| {
        // Names that mean deletion are not written by the writer of layers: another name stands in their place.
        let lines: Vec<String> = lines.iter().map(|line| line.replace(".wh.", ".uh.")).collect();
        let mut bytes = tar(&tree(&lines.iter().map(String::as_str).collect::<Vec<_>>()));
        replace(&mut bytes, *b".uh.", *b".wh.");
        repair_tar(&mut bytes);
        bytes
    });
    whiteouts.chain(tars()).collect()
}

fn tar(tree: &ocelet_tree::Tree) -> Vec<u8> {
    let mut bytes = Vec::new();
    write_tree(tree, &mut bytes).expect("memory can be written");
    bytes
}

fn replace(bytes: &mut [u8], from: [u8; 4], to: [u8; 4]) {
    for at in 0..bytes.len().saturating_sub(3) {
        if bytes[at..at + 4] == from {
            bytes[at..at + 4].copy_from_slice(&to);
        }
    }
}

/// Writes the right checksum into everything that looks like a tar header: otherwise a damaged header never gets past
/// it.
pub(super) fn repair_tar(bytes: &mut [u8]) {
    bytes.chunks_exact_mut(512).for_each(repair_tar_header);
}

/// Does so for one block of an archive (pax(1), "ustar Interchange Format").
pub(super) fn repair_tar_header(block: &mut [u8]) {
    if &block[257..262] == b"ustar" {
        block[148..156].fill(b' ');
        let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
        block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    }
}

/// Streams of every compression.
pub(super) fn packed() -> Vec<Vec<u8>> {
    /// `xz` of "hello hello hello hello\n".
    const XZ: [u8; 72] = [
        0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00, 0x00, 0x04, 0xe6, 0xd6, 0xb4, 0x46, 0x02, 0x00, 0x21, 0x01, 0x16,
        0x00, 0x00, 0x00, 0x74, 0x2f, 0xe5, 0xa3, 0xe0, 0x00, 0x17, 0x00, 0x0c, 0x5d, 0x00, 0x34, 0x19, 0x49,
        0xee, 0x8d, 0xe9, 0x56, 0x0a, 0xc1, 0x21, 0xb0, 0x00, 0x00, 0x6c, 0x14, 0xed, 0x1b, 0x3b, 0x68, 0xbb,
        0x91, 0x00, 0x01, 0x28, 0x18, 0xd7, 0x83, 0xb7, 0x6e, 0x1f, 0xb6, 0xf3, 0x7d, 0x01, 0x00, 0x00, 0x00,
        0x00, 0x04, 0x59, 0x5a,
    ];
    let mut packed = vec![XZ.to_vec(), b"BZh91AY&SY".to_vec(), b"plain".to_vec()];
    packed.extend(list(&fixtures::directory().join("rootfs")).iter().filter_map(|path| read(path).ok()));
    packed
}

/// ELF files with every table that is read.
pub(super) fn elves() -> Vec<Vec<u8>> {
    let whole = |platform: &str, loader: &str| {
        ElfBuilder::program(platform)
            .interpreter(loader)
            .needs("libc.so.6")
            .needs("libmount.so.1")
            .needs_version("libc.so.6", "GLIBC_2.34", false)
            .needs_version("libmount.so.1", "MOUNT_2.19", true)
            .defines_version("FUZZ_1")
            .runpath("$ORIGIN/../lib/${PLATFORM}:/opt/$LIB")
            .auxiliary("libaux.so")
            .imports("dlopen")
            .dlopen_note(r#"[{"feature":"a","priority":"required","soname":["libblkid.so.1","libb.so"]}]"#)
            .build()
    };
    let mut elves = vec![
        whole("linux/amd64", "/lib64/ld-linux-x86-64.so.2"),
        whole("linux/arm/v7", "/lib/ld-linux-armhf.so.3"),
        whole("linux/s390x", "/lib/ld64.so.1"),
        ElfBuilder::program("linux/amd64")
            .interpreter("/lib/ld-musl-x86_64.so.1")
            .needs("libmnl.so.0")
            .rpath("/a:/b")
            .build(),
        ElfBuilder::library("linux/amd64", "libblkid.so.1")
            .needs("libc.so.6")
            .flags_1(0x800)
            .filter("libf.so")
            .build(),
        ElfBuilder::static_program("linux/amd64").build(),
        ElfBuilder::program("linux/amd64").kind(1).build(),
    ];
    for tree in fixtures::trees() {
        let files =
            tree.iter().filter_map(|(_, node)| node.content()?.bytes().ok().map(|bytes| bytes.to_vec()));
        elves.extend(files.filter(|bytes| bytes.starts_with(b"\x7fELF") && bytes.len() < 16 << 10));
    }
    elves
}

/// Scripts, and what is nearly one.
pub(super) fn scripts() -> Vec<Vec<u8>> {
    let scripts: [&[u8]; 7] = [
        b"#!/bin/sh\n",
        b"#!/usr/bin/env -S sh -e\n",
        b"#! /usr/bin/env  sh\n",
        b"#!/usr/bin/fuzzed\n",
        b"#!/usr/bin/env -i PATH=/bin sh",
        b"#!",
        b"#!/usr/bin/mount with arguments\n",
    ];
    scripts.iter().map(|script| script.to_vec()).collect()
}

/// Loader caches: the one that an image with a configured directory gets, and the form of old times before it.
pub(super) fn caches() -> Vec<Vec<u8>> {
    let [glibc, _] = fixtures::trees();
    let target = Target::parse("linux/amd64").expect("the table has it");
    let roots = [Root::new(path("/usr/bin/ip"), "seed")];
    let closure = ocelet_elf::close(&glibc, &roots, &Options::new(target));
    let cache = closure.loader_cache().expect("ip needs a library of a configured directory").to_vec();
    let mut old = b"ld.so-1.7.0\0".to_vec();
    for number in [1_u32, 0x0303, 0, 10] {
        old.extend(number.to_le_bytes());
    }
    old.extend(b"libc.so.6\0/lib/libc.so.6\0");
    old.resize(old.len().next_multiple_of(8), 0);
    vec![cache.clone(), old.clone(), [old, cache].concat()]
}

/// Where loaders look.
pub(super) fn configurations() -> Vec<Vec<u8>> {
    let texts: [&[u8]; 5] = [
        b"include /etc/ld.so.conf.d/*.conf\n/opt/vendor/lib\n",
        b"include /etc/ld.so.conf\n",
        b"# nothing\n\n  /usr/local/lib=libc6 # old\nhwcap 0 nosegneg\n",
        b"/lib:/usr/lib\n/opt/lib",
        b"include ld.so.conf.d/{a,b}?.conf include\n",
    ];
    texts.iter().map(|text| text.to_vec()).collect()
}

/// The recipes of the checkout.
pub(super) fn recipes() -> Vec<Vec<u8>> {
    let places =
        fixtures::samples().into_iter().map(|sample| sample.recipe).chain(list(&root().join("recipes")));
    let recipes: BTreeSet<PathBuf> =
        places.filter(|path| path.extension().is_some_and(|end| end == "toml")).collect();
    recipes.iter().filter_map(|path| read(path).ok()).collect()
}

/// The rule packs of the checkout.
pub(super) fn rules() -> Vec<Vec<u8>> {
    list(&root().join("crates/ocelet-elf/rules")).iter().filter_map(|path| read(path).ok()).collect()
}

/// Patterns of every kind, as recipes and rule packs have them.
pub(super) fn globs() -> Vec<Vec<u8>> {
    let patterns = [
        "/**",
        "/etc/ssl/certs/*.crt",
        "/{usr/,}sbin/{iptables,ip6tables}{,-save,-restore}",
        "/usr/lib/**/libxt_?*.so",
        "/lib/[a-l]*/[!m]?b*.so.[0-9]",
        "/opt/{a,{b,c{d,e}}}/**/x",
        "/etc/\\*literal",
    ];
    patterns.iter().map(|pattern| pattern.as_bytes().to_vec()).collect()
}

/// The documents of a layout: indexes, manifests, configurations and reports.
pub(super) fn documents(bench: &Bench) -> Vec<Vec<u8>> {
    let blobs = list(&bench.layout.join("blobs/sha256"));
    blobs.iter().filter_map(|path| read(path).ok()).filter(|bytes| bytes.starts_with(b"{")).collect()
}

/// The top of a layout as it was written.
pub(super) fn indexes(bench: &Bench) -> Vec<Vec<u8>> {
    vec![read(&bench.layout.join("index.json")).expect("the layout was just made")]
}

/// The same image as archives of both forms, and packed.
pub(super) fn archives(bench: &Bench) -> Vec<Vec<u8>> {
    let reference = Reference { path: bench.layout.clone(), tag: None };
    let finished = Finished::open(reference).expect("the layout was just made");
    let tags: BTreeSet<Option<String>> = finished.tags().into_iter().collect();
    let tag = tags.into_iter().next().flatten();
    let finished =
        Finished::open(Reference { path: bench.layout.clone(), tag }).expect("it was opened before");
    let archives: BTreeMap<&str, Vec<u8>> = [("docker", Archive::Docker), ("oci", Archive::Oci)]
        .map(|(name, form)| {
            let mut bytes = Vec::new();
            write_archive(&finished, form, None, &mut bytes).expect("the image can be exported");
            (name, bytes)
        })
        .into();
    archives.into_values().collect()
}
