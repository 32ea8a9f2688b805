//! [`Form`]: what an artifact is, by the name of its file, and whether its first bytes agree.
//!
//! The name decides, since only it tells a compressed file from a compressed archive; bytes that say otherwise are an
//! error, never a reason to guess. A name without a known ending is a plain file, whatever is in it.

use ocelet_tree::Compression;

use super::error::ArtifactError;

/// How many bytes [`Form::check`] looks at: up to the magic of a tar header (pax(1), "ustar Interchange Format").
pub(super) const HEAD: usize = 262;

/// What an artifact is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// A file as it is.
    Raw,
    /// One compressed file.
    Stream(Compression),
    /// A tar archive, compressed or not.
    Tar(Compression),
    /// A zip archive.
    Zip,
}

/// Longer endings first.
const ENDINGS: [(&str, Form); 16] = [
    (".tar.gz", Form::Tar(Compression::Gzip)),
    (".tar.xz", Form::Tar(Compression::Xz)),
    (".tar.zst", Form::Tar(Compression::Zstd)),
    (".tar.bz2", Form::Tar(Compression::Bzip2)),
    (".tgz", Form::Tar(Compression::Gzip)),
    (".txz", Form::Tar(Compression::Xz)),
    (".tzst", Form::Tar(Compression::Zstd)),
    (".tbz2", Form::Tar(Compression::Bzip2)),
    (".tbz", Form::Tar(Compression::Bzip2)),
    (".tar", Form::Tar(Compression::Plain)),
    (".zip", Form::Zip),
    (".gz", Form::Stream(Compression::Gzip)),
    (".xz", Form::Stream(Compression::Xz)),
    (".zst", Form::Stream(Compression::Zstd)),
    (".bz2", Form::Stream(Compression::Bzip2)),
    ("", Form::Raw),
];

/// The last component of an address or path, without what a server is asked (`?…`).
pub(super) fn file_name(location: &str) -> &str {
    let is_address = location.contains("://");
    let path = if is_address { location.split('?').next().unwrap_or_default() } else { location };
    path.rsplit('/').next().unwrap_or_default()
}

/// The form by the name, and the name without the ending that says it.
pub(super) fn of(location: &str) -> (Form, &str) {
    let name = file_name(location);
    let known = ENDINGS.iter().find_map(|(ending, form)| {
        let start = name.len().checked_sub(ending.len())?;
        let (stem, end) = name.split_at_checked(start)?;
        (end.eq_ignore_ascii_case(ending) && !stem.is_empty()).then_some((*form, stem))
    });
    known.unwrap_or((Form::Raw, name))
}

impl Form {
    /// Compares the first [`HEAD`] bytes, or all of them, with what the name of the file says.
    pub(super) fn check(self, file: &str, head: &[u8]) -> Result<(), ArtifactError> {
        let found = Self::detect(head);
        let agrees = match (self, found) {
            (Self::Tar(wanted) | Self::Stream(wanted), Self::Stream(got)) => wanted == got,
            // A tar archive of the oldest form has no magic; whether it is one is told when it is read.
            (Self::Raw, _) | (Self::Tar(Compression::Plain), Self::Tar(_) | Self::Raw) => true,
            (wanted, got) => wanted == got,
        };
        if agrees {
            return Ok(());
        }
        Err(ArtifactError::Form { file: file.to_owned(), wanted: self.noun(), got: found.noun() })
    }

    /// What the first bytes say; [`Form::Stream`] for everything that is compressed.
    fn detect(head: &[u8]) -> Self {
        match Compression::detect(head) {
            // APPNOTE.TXT 6.3.10, 4.3.7 and 4.3.16: a local file header, or the end of an archive without files.
            Compression::Plain if head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06") => {
                Self::Zip
            }
            Compression::Plain if head.get(257..262) == Some(b"ustar") => Self::Tar(Compression::Plain),
            Compression::Plain => Self::Raw,
            packed => Self::Stream(packed),
        }
    }

    fn noun(self) -> &'static str {
        match self {
            Self::Raw => "none of the known forms",
            Self::Stream(Compression::Gzip) => "a gzip stream",
            Self::Stream(Compression::Xz) => "an xz stream",
            Self::Stream(Compression::Zstd) => "a zstd stream",
            Self::Stream(Compression::Bzip2) => "a bzip2 stream",
            Self::Stream(_) => "a compressed stream",
            Self::Tar(Compression::Gzip) => "a tar archive in a gzip stream",
            Self::Tar(Compression::Xz) => "a tar archive in an xz stream",
            Self::Tar(Compression::Zstd) => "a tar archive in a zstd stream",
            Self::Tar(Compression::Bzip2) => "a tar archive in a bzip2 stream",
            Self::Tar(_) => "a tar archive",
            Self::Zip => "a zip archive",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_tells_the_form() {
        for (location, form, stem) in [
            ("https://h/v1/kubelet", Form::Raw, "kubelet"),
            ("https://h/cni-v1.tgz", Form::Tar(Compression::Gzip), "cni-v1"),
            ("https://h/a.tar.gz?token=x/y.zip", Form::Tar(Compression::Gzip), "a"),
            ("https://h/a.TAR.XZ", Form::Tar(Compression::Xz), "a"),
            ("./a?b.zip", Form::Zip, "a?b"),
            ("a.tar", Form::Tar(Compression::Plain), "a"),
            ("a.tbz2", Form::Tar(Compression::Bzip2), "a"),
            ("runc.amd64", Form::Raw, "runc.amd64"),
            ("x.gz", Form::Stream(Compression::Gzip), "x"),
            ("x.tar.lz4", Form::Raw, "x.tar.lz4"),
            (".gz", Form::Raw, ".gz"),
            (".tar.gz", Form::Stream(Compression::Gzip), ".tar"),
            ("https://h/", Form::Raw, ""),
            ("ägz", Form::Raw, "ägz"),
            ("z", Form::Raw, "z"),
        ] {
            assert_eq!(of(location), (form, stem), "{location}");
        }
    }

    #[test]
    fn the_bytes_must_agree() {
        let ustar = [vec![b'x'; 257], b"ustar".to_vec()].concat();
        for (name, head, want) in [
            ("a.gz", &b"\x1f\x8b\x08\0"[..], ""),
            ("a.tgz", b"\x1f\x8b\x08\0", ""),
            ("a.tgz", b"\xfd7zXZ\0", "a tar archive in a gzip stream by its name, and is an xz stream"),
            ("a.tgz", b"<html>", "and is none of the known forms"),
            ("a.tgz", b"", "and is none of the known forms"),
            ("a.tgz", &ustar, "in a gzip stream by its name, and is a tar archive"),
            ("a.tar", &ustar, ""),
            ("a.tar", b"old tar", ""),
            ("a.tar", b"\x1f\x8b\x08\0", "a tar archive by its name, and is a gzip stream"),
            ("a.zip", b"PK\x03\x04", ""),
            ("a.zip", b"MZ", "a zip archive by its name, and is none"),
            ("a.xz", b"PK\x03\x04", "an xz stream by its name, and is a zip archive"),
            ("a", b"\x1f\x8b\x08\0", ""),
        ] {
            let said =
                of(name).0.check(name, head).map_or_else(|error| error.to_string(), |()| String::new());
            assert!(said.contains(want) && said.is_empty() == want.is_empty(), "{name}: {said}");
        }
    }
}
