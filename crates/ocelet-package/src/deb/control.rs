//! [`Control`]: what a package says of itself, in the archive `control.tar`.
//!
//! `control` (deb-control(5)), `md5sums` (deb-md5sums(5)), `conffiles` (deb-conffiles(5)), `triggers`
//! (deb-triggers(5)), `shlibs` (deb-shlibs(5)) and the maintainer scripts, which are never run. Refused are archives
//! without a `control`, one that is no package, directories and links, names of files that lead out of the tree, and digests
//! that are none. More than [`CONTROL_LIMIT`] bytes are never unpacked.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;

use ocelet_tree::{Blob, DecodeLimits, Decoder, Owner, PathError, TreePath, tar_in};

use super::digest::unhex;
use super::package::{Package, PackageError};
use super::paragraph::{Comments, Paragraph, ParagraphError};
use super::version::VersionError;

/// The most bytes that a control archive may unpack to. The largest of Debian's have some 10 MiB.
pub const CONTROL_LIMIT: u64 = 64 << 20;

/// What a package says of itself, after its digest was checked. Only a verification makes one.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Control {
    text: String,
    /// What the package says that the MD5 of its files is: an aid against damage, and what scanners look at. Conffiles
    /// are usually not among them.
    pub md5sums: BTreeMap<TreePath, [u8; 16]>,
    /// Files that belong to the administrator once they are installed.
    pub conffiles: BTreeSet<TreePath>,
    /// The directives of `triggers`, as they stand there.
    pub triggers: Vec<String>,
    /// The lines of `shlibs`, as they stand there.
    pub shlibs: Vec<String>,
    /// The maintainer scripts.
    pub scripts: Vec<MaintainerScript>,
    /// Everything else, such as `templates` and `symbols`, by name.
    pub others: BTreeMap<String, Vec<u8>>,
    /// The size of the package file in bytes.
    pub size: u64,
    /// The SHA-256 of the package file.
    pub sha256: [u8; 32],
    pub(super) label: String,
}

/// A maintainer script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MaintainerScript {
    /// When dpkg would run it.
    pub kind: MaintainerScriptKind,
    /// Its text.
    pub text: Vec<u8>,
}

/// When dpkg would run a script (deb-preinst(5) and its like).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum MaintainerScriptKind {
    /// Before the package is unpacked, to ask questions with debconf.
    Config,
    /// Before the package is unpacked.
    PreInst,
    /// After the package was unpacked.
    PostInst,
    /// Before the package is removed.
    PreRm,
    /// After the package was removed.
    PostRm,
}

/// What is wrong inside of a control archive.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ControlError {
    /// It cannot be unpacked.
    #[error("it cannot be unpacked")]
    Unpack(#[source] std::io::Error),
    /// Its archive is damaged.
    #[error("its archive is refused")]
    Tar(#[from] tar_in::TarError),
    /// It holds something other than files.
    #[error("it has the {noun} {path}; wanted files only")]
    NotAFile {
        /// Where it is.
        path: TreePath,
        /// What it is.
        noun: &'static str,
    },
    /// There is no `control`.
    #[error("it has no file control")]
    NoControl,
    /// A file is no paragraph.
    #[error("its file control is refused")]
    Paragraph(#[from] ParagraphError),
    /// The paragraph is no package.
    #[error("its file control is refused")]
    Package(#[from] PackageError),
    /// The version is not valid.
    #[error("its file control is refused")]
    Version(#[from] VersionError),
    /// A line of a list that is wrong.
    #[error("line {line} of its file {file} is \"{}\"; wanted {wanted}", text.escape_debug())]
    Line {
        /// The file.
        file: &'static str,
        /// The line, counted from 1.
        line: usize,
        /// The beginning of it.
        text: String,
        /// What may stand there.
        wanted: &'static str,
    },
    /// A file that a list has twice.
    #[error("line {line} of its file {file} names {path} again")]
    Again {
        /// The file.
        file: &'static str,
        /// The line, counted from 1.
        line: usize,
        /// What is named twice.
        path: TreePath,
    },
    /// The name of a file that cannot be one.
    #[error("line {line} of its file {file} is refused")]
    Path {
        /// The file.
        file: &'static str,
        /// The line, counted from 1.
        line: usize,
        /// Why.
        #[source]
        cause: PathError,
    },
}

impl MaintainerScriptKind {
    /// All kinds.
    pub const ALL: [Self; 5] = [Self::Config, Self::PreInst, Self::PostInst, Self::PreRm, Self::PostRm];

    /// The name of the file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Config => "config",
            Self::PreInst => "preinst",
            Self::PostInst => "postinst",
            Self::PreRm => "prerm",
            Self::PostRm => "postrm",
        }
    }

    /// Whether dpkg runs it when the package is first installed, which is all that an image ever sees.
    pub fn runs_on_install(self) -> bool {
        matches!(self, Self::PreInst | Self::PostInst)
    }
}

impl Control {
    /// Unpacks the control member of a package whose digest was checked.
    pub(super) fn read(
        label: &str,
        packed: &[u8],
        size: u64,
        sha256: [u8; 32],
    ) -> Result<Self, ControlError> {
        let mut plain = Vec::new();
        Decoder::new(packed, DecodeLimits { output: Some(CONTROL_LIMIT) })
            .and_then(|mut decoder| decoder.read_to_end(&mut plain))
            .map_err(ControlError::Unpack)?;
        let options = tar_in::Options {
            duplicates: tar_in::Duplicates::Refuse,
            paths: tar_in::Paths::Literal,
            ..tar_in::Options::default()
        };
        let blob = Blob::from_bytes(label, plain);
        let tree = tar_in::read_blob(&blob, &Owner::new(label), &options)?.tree;
        let mut files = BTreeMap::new();
        for (path, node) in tree.iter() {
            let name = std::str::from_utf8(path.as_bytes()).ok().filter(|name| !name.contains('/'));
            let (Some(name), Some(content)) = (name, node.content()) else {
                return Err(ControlError::NotAFile { path: path.clone(), noun: node.kind.noun() });
            };
            let bytes = content.bytes().expect("a blob in memory answers").to_vec();
            files.insert(name.to_owned(), bytes);
        }
        Self::of_files(label, files, size, sha256)
    }

    fn of_files(
        label: &str,
        mut files: BTreeMap<String, Vec<u8>>,
        size: u64,
        sha256: [u8; 32],
    ) -> Result<Self, ControlError> {
        let control = files.remove("control").ok_or(ControlError::NoControl)?;
        let text = ParagraphError::text(&control)?;
        // Some builders end it with more than one empty line.
        let paragraph = Paragraph::parse(text, Comments::Refuse)?;
        Package::read(&paragraph)?.version()?;
        let text = paragraph.text().to_owned();
        let mut list = |name| files.remove(name).unwrap_or_default();
        let (md5sums, conffiles) = (read_md5sums(&list("md5sums"))?, read_conffiles(&list("conffiles"))?);
        let (triggers, shlibs) = (directives(&list("triggers")), directives(&list("shlibs")));
        let scripts = MaintainerScriptKind::ALL
            .into_iter()
            .filter_map(|kind| Some(MaintainerScript { kind, text: files.remove(kind.name())? }));
        let scripts = scripts.collect();
        let label = label.to_owned();
        Ok(Self { text, md5sums, conffiles, triggers, shlibs, scripts, others: files, size, sha256, label })
    }

    /// The paragraph `control`.
    ///
    /// # Panics
    /// Never: it was read before.
    pub fn paragraph(&self) -> Paragraph<'_> {
        Paragraph::parse(&self.text, Comments::Refuse).expect("it was read when the archive was verified")
    }

    /// What it says.
    ///
    /// # Panics
    /// Never: it was read before.
    pub fn package(&self) -> Package<'_> {
        Package::read(&self.paragraph()).expect("it was read when the archive was verified")
    }

    /// The script of that kind.
    pub fn script(&self, kind: MaintainerScriptKind) -> Option<&MaintainerScript> {
        self.scripts.iter().find(|script| script.kind == kind)
    }
}

/// Lines without comments and without the empty ones.
fn directives(text: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(text);
    let lines = text.lines().map(|line| line.split('#').next().unwrap_or("").trim());
    lines.filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

/// Lines with a content, counted from 1.
fn lines(text: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let lines = text.split(|byte| *byte == b'\n').zip(1..);
    lines.map(|(line, at)| (at, line)).filter(|(_, line)| !line.trim_ascii().is_empty())
}

fn wrong(file: &'static str, line: usize, text: &[u8], wanted: &'static str) -> ControlError {
    let text = String::from_utf8_lossy(text).chars().take(120).collect();
    ControlError::Line { file, line, text, wanted }
}

/// deb-md5sums(5): 32 hexadecimal digits, two blanks, and the name relative to the root. `md5sum -b` writes a star in
/// place of the second blank.
pub(super) fn read_md5sums(text: &[u8]) -> Result<BTreeMap<TreePath, [u8; 16]>, ControlError> {
    const FILE: &str = "md5sums";
    let mut sums = BTreeMap::new();
    for (at, line) in lines(text) {
        let (digits, name) = line.split_at(line.len().min(32));
        let digest = std::str::from_utf8(digits).ok().and_then(unhex::<16>);
        let name = name.strip_prefix(b"  ").or_else(|| name.strip_prefix(b" *"));
        let (Some(digest), Some(name)) = (digest, name.filter(|name| !name.is_empty())) else {
            return Err(wrong(FILE, at, line, "an MD5, two blanks and a name"));
        };
        let path = TreePath::new(name).map_err(|cause| ControlError::Path { file: FILE, line: at, cause })?;
        if sums.insert(path.clone(), digest).is_some_and(|before| before != digest) {
            return Err(ControlError::Again { file: FILE, line: at, path });
        }
    }
    Ok(sums)
}

/// deb-conffiles(5): absolute names, since dpkg 1.20.1 with `remove-on-upgrade` before those that are to go.
fn read_conffiles(text: &[u8]) -> Result<BTreeSet<TreePath>, ControlError> {
    const FILE: &str = "conffiles";
    let mut files = BTreeSet::new();
    for (at, line) in lines(text) {
        let name = line.trim_ascii_end();
        if name.starts_with(b"remove-on-upgrade ") {
            continue;
        }
        if !name.starts_with(b"/") {
            return Err(wrong(FILE, at, line, "an absolute name"));
        }
        let path = TreePath::new(name).map_err(|cause| ControlError::Path { file: FILE, line: at, cause })?;
        files.insert(path);
    }
    Ok(files)
}

#[cfg(test)]
mod tests;
