//! The loader cache against `ldconfig`: it reads what we write, and we read what it writes.

use std::process::Command;

use ocelet_elf::{CacheEntry, Endianness, Hwcap, LoaderCache};

#[expect(clippy::disallowed_methods, reason = "ldconfig is the oracle")]
fn ldconfig(arguments: &[&str]) -> Option<String> {
    let program = ["/sbin/ldconfig", "/usr/sbin/ldconfig"]
        .into_iter()
        .find(|path| std::path::Path::new(path).exists())?;
    let output = Command::new(program).args(arguments).output().ok()?;
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the cache is written where ldconfig finds it")]
fn ldconfig_reads_what_we_write() {
    let entry = |name: &str, path: &str, hwcap| CacheEntry {
        flags: 0x0303,
        name: name.into(),
        path: path.into(),
        hwcap,
    };
    let cache = LoaderCache {
        entries: vec![
            entry("liba.so.9", "/opt/lib/liba.so.9", Hwcap::Baseline),
            entry("liba.so.10", "/opt/lib/liba.so.10", Hwcap::Baseline),
            entry(
                "libb.so.1",
                "/opt/lib/glibc-hwcaps/x86-64-v3/libb.so.1",
                Hwcap::Subdirectory("x86-64-v3".into()),
            ),
            entry("libb.so.1", "/opt/lib/libb.so.1", Hwcap::Baseline),
        ],
    };
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("cache");
    std::fs::write(&file, cache.write(Endianness::Little)).expect("a fixture");
    let Some(said) = ldconfig(&["-p", "-C", &file.display().to_string()]) else {
        println!("skipped: ldconfig not installed");
        return;
    };
    let lines: Vec<&str> = said.lines().map(str::trim).collect();
    assert_eq!(
        lines[1..],
        [
            "libb.so.1 (libc6,x86-64, hwcap: \"x86-64-v3\") => /opt/lib/glibc-hwcaps/x86-64-v3/libb.so.1",
            "libb.so.1 (libc6,x86-64) => /opt/lib/libb.so.1",
            "liba.so.10 (libc6,x86-64) => /opt/lib/liba.so.10",
            "liba.so.9 (libc6,x86-64) => /opt/lib/liba.so.9",
        ]
    );
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the cache of this machine is the fixture")]
fn we_read_what_ldconfig_writes() {
    let (Ok(bytes), Some(said)) = (std::fs::read("/etc/ld.so.cache"), ldconfig(&["-p"])) else {
        println!("skipped: ldconfig not installed");
        return;
    };
    let cache = LoaderCache::read(&bytes, Endianness::Little).expect("a cache of this machine");
    let ours: Vec<String> =
        cache.entries.iter().map(|entry| format!("{} {}", entry.name, entry.path)).collect();
    let theirs: Vec<String> = said
        .lines()
        .filter_map(|line| {
            let (name, path) = line.trim().split_once(" => ")?;
            Some(format!("{} {path}", name.split(' ').next()?))
        })
        .collect();
    assert_eq!(ours, theirs);
    let again =
        LoaderCache::read(&cache.write(Endianness::Little), Endianness::Little).expect("our own bytes");
    assert_eq!(again, cache);
}
