//! The files beside the database: `scripts.tar`, `triggers` and `etc/apk/world`.

use std::collections::BTreeSet;

use crate::apk::identity::Identity;
use crate::apk::script::Script;

/// A script of an installed package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstalledScript {
    /// The name of the package.
    pub package: String,
    /// Its version.
    pub version: String,
    /// Its identity.
    pub identity: Identity,
    /// The script.
    pub script: Script,
}

/// How long a name fits into a header.
const SHORT_NAME: usize = 100;

/// The bytes of `lib/apk/db/scripts.tar`: one file a script, named `package-version.identity.kind` (apk-tools,
/// `src/database.c`, `apk_db_scriptdb_write`). apk runs them when a package is upgraded or removed. `time` is what
/// every entry says that it was changed at, in seconds since 1970.
pub fn scripts_archive(scripts: &[InstalledScript], time: u64) -> Vec<u8> {
    let mut archive = Vec::new();
    for script in scripts {
        let InstalledScript { package, version, identity, script } = script;
        let name = format!("{package}-{version}.{identity}.{}", script.kind);
        if name.len() >= SHORT_NAME {
            // The GNU form, which apk-tools writes and reads (src/tar.c).
            let long = [name.as_bytes(), b"\0"].concat();
            entry(&mut archive, b'L', b"././@LongLink", &long, 0);
        }
        entry(&mut archive, b'0', &name.as_bytes()[..name.len().min(SHORT_NAME - 1)], &script.text, time);
    }
    archive.resize(archive.len() + 1024, 0);
    archive
}

fn entry(archive: &mut Vec<u8>, flag: u8, name: &[u8], content: &[u8], time: u64) {
    let mut header = [0; 512];
    let mut put = |offset: usize, bytes: &[u8]| header[offset..offset + bytes.len()].copy_from_slice(bytes);
    put(0, name);
    put(100, b"0000755\x000000000\x000000000\0");
    // Eleven octal digits hold 8 GiB, and times up to the year 2242: no script and no clock gets there.
    put(124, format!("{:011o}\0", content.len()).as_bytes());
    put(136, format!("{:011o}\0", time.min(0o77_777_777_777)).as_bytes());
    put(148, b"        ");
    put(156, &[flag]);
    put(257, b"ustar\x0000root");
    put(297, b"root");
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    archive.extend_from_slice(&header);
    archive.extend_from_slice(content);
    archive.resize(archive.len().next_multiple_of(512), 0);
}

/// The bytes of `lib/apk/db/triggers`: a line for each package that has a trigger, with the directories that it
/// watches (apk-tools, `src/database.c`, `apk_db_triggers_write`).
pub fn triggers<'packages>(packages: impl IntoIterator<Item = (Identity, &'packages [String])>) -> Vec<u8> {
    let watching = packages.into_iter().filter(|(_, directories)| !directories.is_empty());
    let line = |(identity, directories): (Identity, &[String])| {
        [identity.to_string(), directories.join(" ")].join(" ")
    };
    watching.map(line).flat_map(|line| [line, "\n".to_owned()]).collect::<String>().into_bytes()
}

/// The bytes of `etc/apk/world`: what was asked for, one a line, in order.
pub fn world<'wishes>(wishes: impl IntoIterator<Item = &'wishes str>) -> Vec<u8> {
    let wishes: BTreeSet<&str> = wishes.into_iter().collect();
    wishes.into_iter().flat_map(|wish| [wish, "\n"]).collect::<String>().into_bytes()
}
