//! Root file systems as text, one entry a line, and how they get onto the disk: as a tarball or as a directory.
//!
//! ```text
//! /etc/                            a directory
//! /bin -> usr/bin                  a symbolic link
//! /usr/bin/vi == /usr/bin/ex       a hard link to an entry above
//! /etc/motd = hello\n              a file with that text; without a text it holds its own path
//! 4755 /usr/bin/su = x             with this mode; 4755:1:2 also with owner and group
//! cap /usr/bin/ping = x            with a file capability
//! /usr/bin/ls elf amd64 loader=/lib64/ld-linux-x86-64.so.2 needs=libc.so.6
//! ```
//!
//! An ELF file knows `loader`, `needs`, `soname`, `defines`, `version=LIBRARY@VERSION`, `imports`, `rpath`,
//! `runpath`, `note`, `static`, and `directories=A:B`, the default directories that are compiled into glibc's loader. Files have mode 0644, ELF files and directories 0755.

use std::fs;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, lchown, symlink};
use std::path::{Path, PathBuf};

use ocelet_tree::tar_out::write_tree;
use ocelet_tree::{Content, Kind, LinkTarget, Metadata, Owner, Tree, TreePath};

use crate::elf::ElfBuilder;
use crate::trees::path;

/// The value of a capability: `cap_net_raw=ep`, version 2 (`struct vfs_cap_data`, linux/capability.h).
pub const CAPABILITY: [u8; 20] = [1, 0, 0, 2, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

/// A root file system with glibc and a merged `/usr`, as Debian has it, for an architecture such as `amd64`.
///
/// # Panics
/// At an architecture that is not known here.
pub fn debian(architecture: &str) -> String {
    let (triple, loader, lib) = match architecture {
        "amd64" => ("x86_64-linux-gnu", "ld-linux-x86-64.so.2", "lib64"),
        "arm64" => ("aarch64-linux-gnu", "ld-linux-aarch64.so.1", "lib"),
        "armv7" => ("arm-linux-gnueabihf", "ld-linux-armhf.so.3", "lib"),
        other => panic!("no fixture for {other}"),
    };
    let lines = "\
/bin -> usr/bin
/sbin -> usr/sbin
/lib -> usr/lib
{LIB64}
/usr/sbin/
1777 /tmp/
/etc/os-release -> ../usr/lib/os-release
/usr/lib/os-release = ID=debian\\nVERSION_ID=13\\n
/etc/passwd = root:x:0:0::/root:/bin/sh\\n
/usr/{LIB}/{LOADER} -> {HOP}{TRIPLE}/{LOADER}
/usr/lib/{TRIPLE}/{LOADER} elf {ARCH} soname={LOADER} directories=/lib/{TRIPLE}/:/usr/lib/{TRIPLE}/:/lib/:/usr/lib/
/usr/lib/{TRIPLE}/libc.so.6 elf {ARCH} soname=libc.so.6 needs={LOADER} defines=GLIBC_2.17 defines=GLIBC_2.34
/usr/lib/{TRIPLE}/libblkid.so.1 -> libblkid.so.1.1.0
/usr/lib/{TRIPLE}/libblkid.so.1.1.0 elf {ARCH} soname=libblkid.so.1 needs=libc.so.6
/usr/lib/{TRIPLE}/libmount.so.1 -> libmount.so.1.1.0
/usr/lib/{TRIPLE}/libmount.so.1.1.0 elf {ARCH} soname=libmount.so.1 needs=libblkid.so.1 needs=libc.so.6
4755 /usr/bin/mount elf {ARCH} loader=/{LIB}/{LOADER} needs=libmount.so.1 needs=libc.so.6 version=libc.so.6@GLIBC_2.34
/usr/bin/dash elf {ARCH} loader=/{LIB}/{LOADER} needs=libc.so.6
/usr/bin/sh -> dash
/usr/bin/env elf {ARCH} loader=/{LIB}/{LOADER} needs=libc.so.6
0755 /usr/bin/greet = #!/usr/bin/env sh\\necho hello\\n
";
    lines
        .replace("{LIB64}\n", if lib == "lib64" { "/lib64 -> usr/lib64\n" } else { "" })
        .replace("{HOP}", if lib == "lib64" { "../lib/" } else { "" })
        .replace("{LIB}", lib)
        .replace("{TRIPLE}", triple)
        .replace("{LOADER}", loader)
        .replace("{ARCH}", architecture)
}

/// A root file system with musl and a split `/usr`, as Alpine has it, for `amd64`.
pub fn alpine() -> String {
    "\
/bin/busybox elf amd64 loader=/lib/ld-musl-x86_64.so.1 needs=libc.musl-x86_64.so.1
/bin/sh -> /bin/busybox
/lib/ld-musl-x86_64.so.1 elf amd64 soname=ld-musl-x86_64.so.1
/lib/libc.musl-x86_64.so.1 -> ld-musl-x86_64.so.1
/lib/libz.so.1 elf amd64 soname=libz.so.1 needs=libc.musl-x86_64.so.1
/sbin/apk elf amd64 loader=/lib/ld-musl-x86_64.so.1 needs=libz.so.1 needs=libc.musl-x86_64.so.1
/etc/os-release = ID=alpine\\nVERSION_ID=3.22.1\\n
/etc/alpine-release = 3.22.1\\n
"
    .to_owned()
}

/// The tree that lines of text describe.
///
/// # Panics
/// At a line that describes nothing.
pub fn tree(lines: &str) -> Tree {
    let mut tree = Tree::new();
    for line in lines.lines().map(str::trim).filter(|line| !line.is_empty()) {
        add(&mut tree, line).unwrap_or_else(|error| panic!("{line}: {error}"));
    }
    tree
}

fn add(tree: &mut Tree, line: &str) -> Result<(), ocelet_tree::InsertError> {
    let owner = Owner::new("fixture");
    let (attributes, entry) = line.split_at(line.find('/').unwrap_or_else(|| panic!("{line} has no path")));
    let (at, rest) = entry.split_once(' ').unwrap_or((entry, ""));
    let metadata = |mode| metadata(attributes, mode);
    if let Some(target) = rest.strip_prefix("-> ") {
        let target = LinkTarget::new(target).unwrap_or_else(|error| panic!("{line}: {error}"));
        return tree.add_symlink(&path(at), target, Metadata::root_owned(0o777), &owner);
    }
    if let Some(first) = rest.strip_prefix("== ") {
        return tree.add_hard_link(&path(at), &path(first), &owner);
    }
    if at.ends_with('/') {
        return tree.add_directory(&path(at), metadata(0o755), &owner);
    }
    let (bytes, mode) = match rest.strip_prefix("elf ") {
        Some(description) => (elf(description), 0o755),
        None => (rest.strip_prefix("= ").unwrap_or(at).replace("\\n", "\n").into_bytes(), 0o644),
    };
    tree.add_file(&path(at), Content::from_bytes(at.to_owned(), bytes), metadata(mode), &owner)
}

fn metadata(attributes: &str, mode: u16) -> Metadata {
    let mut metadata = Metadata::root_owned(mode);
    for word in attributes.split_whitespace() {
        if word == "cap" {
            metadata.xattrs.insert(Metadata::CAPABILITY.to_vec(), CAPABILITY.to_vec());
            continue;
        }
        let numbers: Vec<&str> = word.split(':').collect();
        metadata.mode = u16::from_str_radix(numbers[0], 8).unwrap_or_else(|_| panic!("{word} is no mode"));
        if let [_, uid, gid] = numbers.as_slice() {
            metadata.uid = uid.parse().expect("a number");
            metadata.gid = gid.parse().expect("a number");
        }
    }
    metadata
}

fn elf(description: &str) -> Vec<u8> {
    let mut words = description.split_whitespace();
    let platform = match words.next().expect("an architecture") {
        "armv7" => "linux/arm/v7".to_owned(),
        architecture => format!("linux/{architecture}"),
    };
    let words: Vec<(&str, &str)> = words.map(|word| word.split_once('=').unwrap_or((word, ""))).collect();
    let mut elf = if words.iter().any(|(key, _)| *key == "static") {
        ElfBuilder::static_program(&platform)
    } else {
        ElfBuilder::program(&platform)
    };
    let mut directories = Vec::new();
    for (key, value) in words {
        elf = match key {
            "loader" => elf.interpreter(value),
            "needs" => elf.needs(value),
            "soname" => elf.string(14, value),
            "defines" => elf.defines_version(value),
            "imports" => elf.imports(value),
            "rpath" => elf.rpath(value),
            "runpath" => elf.runpath(value),
            "note" => elf.dlopen_note(value),
            "version" => {
                let (library, version) = value.split_once('@').expect("LIBRARY@VERSION");
                elf.needs_version(library, version, false)
            }
            "static" => elf,
            "directories" => {
                directories = [b"\0", value.replace(':', "\0").as_bytes(), b"\0\0"].concat();
                elf
            }
            other => panic!("{other} is nothing that an ELF file knows here"),
        };
    }
    [elf.build(), directories].concat()
}

/// The tree as tar bytes.
pub fn tar_bytes(tree: &Tree) -> Vec<u8> {
    let mut bytes = Vec::new();
    write_tree(tree, &mut bytes).expect("a tree can be written to memory");
    bytes
}

/// Makes a directory of the machine out of a tree, in the given order of its entries; capabilities are left out.
///
/// # Panics
/// Where the machine does not allow it.
pub fn write_directory(tree: &Tree, root: &Path, reversed: bool) {
    fs::create_dir_all(root).expect("a directory");
    let place = |path: &TreePath| -> PathBuf { root.join(std::ffi::OsStr::from_bytes(path.as_bytes())) };
    let mut entries: Vec<_> = tree.iter().collect();
    for (path, _) in entries.iter().filter(|(_, node)| node.is_directory()) {
        fs::create_dir_all(place(path)).expect("a directory");
    }
    if reversed {
        entries.reverse();
    }
    let mut files: std::collections::BTreeMap<_, PathBuf> = std::collections::BTreeMap::new();
    for (path, node) in &entries {
        let at = place(path);
        match &node.kind {
            Kind::Directory => continue,
            Kind::Symlink { target } => {
                symlink(std::ffi::OsStr::from_bytes(target.as_bytes()), &at).expect("a link");
                continue;
            }
            Kind::File { content, inode } => {
                if let Some(first) = files.get(inode) {
                    fs::hard_link(first, &at).expect("a hard link");
                    continue;
                }
                files.insert(*inode, at.clone());
                let bytes = content.bytes().expect("memory");
                fs::File::create(&at).and_then(|mut file| file.write_all(&bytes)).expect("a file");
            }
        }
    }
    // Modes last, so that a directory of mode 0555 can be filled; owners before modes, which clears setuid bits.
    for (path, node) in entries.iter().filter(|(_, node)| !matches!(node.kind, Kind::Symlink { .. })) {
        let Metadata { mode, uid, gid, .. } = node.metadata;
        if (uid, gid) != (0, 0) {
            lchown(place(path), Some(uid), Some(gid)).expect("only root gives files away");
        }
        fs::set_permissions(place(path), fs::Permissions::from_mode(mode.into())).expect("a mode");
    }
}
