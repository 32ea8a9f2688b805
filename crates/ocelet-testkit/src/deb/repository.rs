//! [`Repository`]: packages with indexes and a signed Release, as files of a mirror (Debian's repository format).

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::Path;

use sha2::{Digest, Sha256};

use super::{BuiltDeb, index};
use crate::apk::{gzip, hex};
use crate::openpgp::{Forged, Plan, SIGNED, Stamp, armored, inline, signed_part};

/// What a repository is to be like. Without further words its Release and its signature are of [`SIGNED`], it never
/// expires, is signed in `InRelease` alone, and serves its indexes packed with xz and gzip.
#[derive(Debug, Clone)]
pub struct Repository {
    suite: Option<String>,
    fields: Vec<(String, String)>,
    date: u32,
    architectures: BTreeSet<String>,
    indexes: BTreeMap<String, Vec<BuiltDeb>>,
    of_all: bool,
    by_hash: bool,
    packings: Vec<Packing>,
    signatures: Signatures,
    signer: Forged,
    replaced: BTreeMap<String, Vec<u8>>,
}

/// How an index is packed. The Release lists the plain one always, and it is served where it is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packing {
    /// `Packages`
    Plain,
    /// `Packages.gz`
    Gzip,
    /// `Packages.xz`
    Xz,
}

/// Where the signature is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signatures {
    /// In `InRelease`, and there is no `Release`.
    Inline,
    /// In `Release.gpg` beside `Release`, and there is no `InRelease`.
    Detached,
    /// In both.
    Both,
    /// Nowhere: there is only `Release`.
    Missing,
}

/// A repository that was built.
#[derive(Debug, Clone)]
pub struct BuiltRepository {
    /// All files by their paths below the address.
    pub files: BTreeMap<String, Vec<u8>>,
    /// The certificate that vouches for it, as a keyring file.
    pub key: Vec<u8>,
    /// The same certificate in armor.
    pub armored_key: String,
    /// Its fingerprint in large hexadecimal digits.
    pub fingerprint: String,
}

impl Repository {
    /// A repository with that suite below `dists/`, which is its codename too.
    pub fn new(suite: &str) -> Self {
        Self::with(Some(suite)).field("Suite", suite).field("Codename", suite)
    }

    /// A repository whose Release and index lie at its root: the exact path `./`.
    pub fn flat() -> Self {
        Self::with(None)
    }

    fn with(suite: Option<&str>) -> Self {
        Self {
            suite: suite.map(str::to_owned),
            fields: vec![("Origin".to_owned(), "Test".to_owned())],
            date: SIGNED,
            architectures: BTreeSet::new(),
            indexes: BTreeMap::new(),
            of_all: false,
            by_hash: false,
            packings: vec![Packing::Xz, Packing::Gzip],
            signatures: Signatures::Inline,
            signer: Forged::new(1, &Plan::default()),
            replaced: BTreeMap::new(),
        }
    }

    /// A field of the Release, in place of one of that name. `Date`, `Architectures` and `Components` are written of
    /// what is there, unless they are given here.
    #[must_use]
    pub fn field(mut self, name: &str, value: &str) -> Self {
        self.fields.retain(|(other, _)| other != name);
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Another codename.
    #[must_use]
    pub fn codename(self, codename: &str) -> Self {
        self.field("Codename", codename)
    }

    /// When it is written and signed, in seconds since 1970.
    #[must_use]
    pub fn date(mut self, seconds: u32) -> Self {
        self.date = seconds;
        self
    }

    /// Until when it is valid, in seconds since 1970.
    #[must_use]
    pub fn valid_until(self, seconds: u32) -> Self {
        self.field("Valid-Until", &date_text(seconds))
    }

    /// An architecture, also where no package is of it.
    #[must_use]
    pub fn architecture(mut self, architecture: &str) -> Self {
        self.architectures.insert(architecture.to_owned());
        self
    }

    /// A component, also where no package is in it; a flat repository has one with any name.
    #[must_use]
    pub fn component(mut self, component: &str) -> Self {
        self.indexes.entry(component.to_owned()).or_default();
        self
    }

    /// A package of a component. One of architecture `all` is in the index of each architecture.
    #[must_use]
    pub fn package(mut self, component: &str, package: &BuiltDeb) -> Self {
        if package.architecture != "all" {
            self.architectures.insert(package.architecture.clone());
        }
        self.indexes.entry(component.to_owned()).or_default().push(package.clone());
        self
    }

    /// Packages of architecture `all` are in an index of their own, and in no other.
    #[must_use]
    pub fn index_of_all(mut self) -> Self {
        self.of_all = true;
        self
    }

    /// Indexes can be had by their digest too (`Acquire-By-Hash`).
    #[must_use]
    pub fn by_hash(mut self) -> Self {
        self.by_hash = true;
        self.field("Acquire-By-Hash", "yes")
    }

    /// How indexes are packed.
    #[must_use]
    pub fn packings(mut self, packings: &[Packing]) -> Self {
        self.packings = packings.to_vec();
        self
    }

    /// Where the signature is.
    #[must_use]
    pub fn signatures(mut self, signatures: Signatures) -> Self {
        self.signatures = signatures;
        self
    }

    /// Who signs; otherwise it is the key of seed 1.
    #[must_use]
    pub fn signer(mut self, signer: &Forged) -> Self {
        self.signer = signer.clone();
        self
    }

    /// Serves other bytes at a path than the Release says.
    #[must_use]
    pub fn replace(mut self, path: &str, bytes: &[u8]) -> Self {
        self.replaced.insert(path.to_owned(), bytes.to_vec());
        self
    }

    /// Builds all files.
    pub fn build(&self) -> BuiltRepository {
        let directory = self.suite.as_ref().map_or(String::new(), |suite| format!("dists/{suite}/"));
        let mut files = BTreeMap::new();
        let mut listed = Vec::new();
        for (path, text) in self.index_texts() {
            for packing in [Packing::Plain, Packing::Gzip, Packing::Xz] {
                let served = self.packings.contains(&packing);
                if !served && packing != Packing::Plain {
                    continue;
                }
                let (ending, bytes) = packing.pack(text.as_bytes());
                let digest = hex(&Sha256::digest(&bytes));
                listed.push(format!(" {digest} {} {path}{ending}\n", bytes.len()));
                if served {
                    if self.by_hash {
                        let beside = path.strip_suffix("Packages").unwrap_or_default();
                        files.insert(format!("{directory}{beside}by-hash/SHA256/{digest}"), bytes.clone());
                    }
                    files.insert(format!("{directory}{path}{ending}"), bytes);
                }
            }
        }
        let text = format!("{}SHA256:\n{}", self.release_fields(), listed.concat());
        for (name, bytes) in self.signed(&text) {
            files.insert(format!("{directory}{name}"), bytes);
        }
        for package in self.indexes.values().flatten() {
            files.insert(package.path().to_owned(), package.file.clone());
        }
        files.extend(self.replaced.clone());
        BuiltRepository {
            files,
            key: self.signer.packets.clone(),
            armored_key: armored("PUBLIC KEY BLOCK", &self.signer.packets),
            fingerprint: self.signer.fingerprint(),
        }
    }

    /// The indexes by their paths below the directory of the Release.
    fn index_texts(&self) -> BTreeMap<String, String> {
        if self.suite.is_none() {
            let all: Vec<&BuiltDeb> = self.indexes.values().flatten().collect();
            return BTreeMap::from([("Packages".to_owned(), index(&all))]);
        }
        let mut texts = BTreeMap::new();
        for (component, packages) in &self.indexes {
            for architecture in self.listed_architectures() {
                let within = |package: &&BuiltDeb| {
                    let of_all = package.architecture == "all" && !self.of_all;
                    package.architecture == architecture || of_all
                };
                let within: Vec<&BuiltDeb> = packages.iter().filter(within).collect();
                texts.insert(format!("{component}/binary-{architecture}/Packages"), index(&within));
            }
        }
        texts
    }

    fn listed_architectures(&self) -> Vec<&str> {
        let all = self.of_all.then_some("all");
        all.into_iter().chain(self.architectures.iter().map(String::as_str)).collect()
    }

    fn release_fields(&self) -> String {
        let components: Vec<&str> = self.indexes.keys().map(String::as_str).collect();
        let mut fields = self.fields.clone();
        let written = [
            ("Date", date_text(self.date)),
            ("Architectures", self.listed_architectures().join(" ")),
            ("Components", components.join(" ")),
        ];
        for (name, value) in written {
            let flat = self.suite.is_none() && name != "Date";
            if !flat && !fields.iter().any(|(other, _)| other == name) {
                fields.push((name.to_owned(), value));
            }
        }
        fields.iter().map(|(name, value)| [name, ": ", value, "\n"].concat()).collect()
    }

    fn signed(&self, text: &str) -> Vec<(&'static str, Vec<u8>)> {
        let stamp = Stamp { created: Some(self.date), ..Stamp::default() };
        let inline = || inline(text, &[self.signer.sign(signed_part(text), &stamp)]).into_bytes();
        let apart = || armored("SIGNATURE", &self.signer.sign(text.as_bytes(), &stamp)).into_bytes();
        let plain = ("Release", text.as_bytes().to_vec());
        match self.signatures {
            Signatures::Inline => vec![("InRelease", inline())],
            Signatures::Detached => vec![plain, ("Release.gpg", apart())],
            Signatures::Both => vec![("InRelease", inline()), plain, ("Release.gpg", apart())],
            Signatures::Missing => vec![plain],
        }
    }
}

impl Packing {
    fn pack(self, bytes: &[u8]) -> (&'static str, Vec<u8>) {
        match self {
            Self::Plain => ("", bytes.to_vec()),
            Self::Gzip => (".gz", gzip(bytes)),
            Self::Xz => {
                let mut encoder = liblzma::write::XzEncoder::new(Vec::new(), 0);
                encoder.write_all(bytes).expect("in memory");
                (".xz", encoder.finish().expect("in memory"))
            }
        }
    }
}

impl BuiltRepository {
    /// Writes all files below a directory.
    ///
    /// # Panics
    /// A directory that cannot be written to.
    #[expect(clippy::disallowed_methods, reason = "tests alone write with it")]
    pub fn write_to(&self, directory: &Path) {
        for (path, bytes) in &self.files {
            let path = directory.join(path);
            std::fs::create_dir_all(path.parent().expect("below the directory")).expect("writable");
            std::fs::write(&path, bytes).expect("writable");
        }
    }
}

/// A time as a Release has it, such as `Wed, 10 Apr 2024 00:00:00 UTC`, of seconds since 1970.
pub fn date_text(seconds: u32) -> String {
    const WEEK: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let (mut days, second) = (seconds / 86_400, seconds % 86_400);
    let weekday = WEEK[(days % 7) as usize];
    let leap = |year: u32| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let mut year = 1970;
    while days >= 365 + u32::from(leap(year)) {
        days -= 365 + u32::from(leap(year));
        year += 1;
    }
    let lengths = [31, 28 + u32::from(leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let mut month = 0;
    while days >= lengths[month] {
        days -= lengths[month];
        month += 1;
    }
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{weekday}, {:02} {} {year} {hour:02}:{minute:02}:{second:02} UTC", days + 1, MONTHS[month])
}
