//! [`TarError`]: what is wrong with an archive, at which entry and at which byte.

use std::fmt;
use std::io;

use crate::path::write_readable;
use crate::{InsertError, LinkTargetError, PathError, ReadError, TreePath};

/// An archive that cannot be read, or that must not be.
#[derive(Debug, thiserror::Error)]
#[error("the tar {entry} at byte {offset} is refused")]
pub struct TarError {
    /// The entry as the archive names it.
    pub entry: EntryName,
    /// Where in the plain archive the headers of the entry begin.
    pub offset: u64,
    /// What is wrong with it.
    #[source]
    pub problem: Box<Problem>,
}

/// The name of an entry as it stands in the archive; nothing where no name could be read.
#[derive(Clone, PartialEq, Eq)]
pub struct EntryName(pub Option<Vec<u8>>);

/// What is wrong with an entry.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// The archive ends within something.
    #[error("the archive ends inside of its {part}; it was cut short")]
    CutShort {
        /// What is cut: `header`, `content`, `extended header`.
        part: &'static str,
    },
    /// The archive ends without the two blocks that say so.
    #[error("the archive ends without its two closing blocks; it was cut short")]
    NoEnd,
    /// Something other than NUL bytes follows the end of the archive.
    #[error("something follows the end of the archive; two archives were joined, or it is damaged")]
    AfterEnd,
    /// A header whose checksum is wrong: damage, or not a tar archive.
    #[error("the checksum of the header is {computed:o}, and it says \"{}\"; not a tar archive, or damaged", .stored.escape_ascii())]
    Checksum {
        /// The sum of the header's bytes.
        computed: u32,
        /// The field as it stands.
        stored: Vec<u8>,
    },
    /// A number that is none, or is too large or negative for what it counts.
    #[error("its {field} \"{}\" is not a number that fits", .stored[..40.min(.stored.len())].escape_ascii())]
    Number {
        /// The field.
        field: &'static str,
        /// What stands there.
        stored: Vec<u8>,
    },
    /// A PAX header that does not follow pax(1), "pax Extended Header".
    #[error("its extended header is wrong at byte {position}: {fault}")]
    Pax {
        /// Where in the extended header's records.
        position: usize,
        /// What is wrong.
        fault: PaxFault,
    },
    /// A header that two readers would take differently.
    #[error("{0}; readers disagree about what that means")]
    Ambiguous(Ambiguity),
    /// A sparse file.
    #[error(
        "it is a sparse file ({form}), which image-spec advises against; make the archive without --sparse"
    )]
    Sparse {
        /// Which of the four ways of writing sparse files.
        form: &'static str,
    },
    /// A device, pipe or socket.
    #[error("it is a {noun}, which has no place in an image; leave it out, or ask for devices to be skipped")]
    Device {
        /// What it is.
        noun: &'static str,
    },
    /// A kind of entry that is not known.
    #[error("its type '{}' is not known", .flag.escape_ascii())]
    UnknownType {
        /// The type flag.
        flag: u8,
    },
    /// A name that cannot be the name of a file in a tree.
    #[error(transparent)]
    Path(#[from] PathError),
    /// A name that begins at the root, where names must be relative.
    #[error("its name is absolute; names in this archive must be relative")]
    Absolute,
    /// A name that leads through a symbolic link of the archive, where names must be literal.
    #[error(
        "{path} leads through a symbolic link of the archive to {place}; names in this archive must be literal"
    )]
    ThroughLink {
        /// Where the name says that the file is.
        path: TreePath,
        /// Where it would land.
        place: TreePath,
    },
    /// The entry has no name.
    #[error("it has no name")]
    NoName,
    /// A symbolic link with a target that cannot be.
    #[error(transparent)]
    LinkTarget(#[from] LinkTargetError),
    /// A hard link to nothing, to itself, to something later, or to a directory.
    #[error("it is a hard link to {target}, and no earlier entry of that name is a file")]
    HardLink {
        /// The target, as it was looked for.
        target: TreePath,
    },
    /// Something other than a directory where a directory was needed.
    #[error("{parent} above it is a {noun}, not a directory")]
    ParentNotDirectory {
        /// What stands in the way.
        parent: TreePath,
        /// What it is.
        noun: &'static str,
    },
    /// The symbolic links above the entry go in a circle.
    #[error("the symbolic links above it go in a circle")]
    LinkCircle,
    /// The root is something other than a directory.
    #[error("the root of the archive is a {noun}, not a directory")]
    Root {
        /// What it is.
        noun: &'static str,
    },
    /// A second entry for one path.
    #[error("the archive already has an entry for {path}")]
    Duplicate {
        /// Where both land.
        path: TreePath,
    },
    /// A deletion of nothing that can be.
    #[error("it is a whiteout of no file name (image-spec, layer.md, \"Whiteouts\")")]
    Whiteout,
    /// More than the caller's limits allow.
    #[error("the archive has more than {limit} {unit}; raise the limit if the input is trusted")]
    Limit {
        /// The limit.
        limit: u64,
        /// Of what.
        unit: &'static str,
    },
    /// The entry cannot be put into the tree.
    #[error(transparent)]
    Insert(#[from] InsertError),
    /// The stream cannot be read.
    #[error("the archive cannot be read")]
    Stream(#[source] io::Error),
    /// The blob cannot be read.
    #[error("the archive cannot be read")]
    Blob(#[from] ReadError),
}

/// What is wrong with a record of a PAX header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PaxFault {
    /// The length is not decimal digits and a space.
    #[error("a record begins with its length in decimal digits and a space")]
    Length,
    /// The length points behind the header, or before the record's own end.
    #[error("the length of a record does not fit its header")]
    Bounds,
    /// No newline where the length says that the record ends.
    #[error("a record does not end with a newline where its length says so")]
    Newline,
    /// No keyword, or no `=`.
    #[error("a record has no keyword")]
    Keyword,
    /// A keyword that decides what the entry is stands there twice.
    #[error("a record repeats a keyword of the same header")]
    Repeated,
}

/// Headers that readers take differently: what one sees and another does not is how files are smuggled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Ambiguity {
    /// A directory, link or device with content.
    #[error("it is a {noun} with a size")]
    Size {
        /// What it is.
        noun: &'static str,
    },
    /// A regular file whose name ends with a slash.
    #[error("it is a file whose name ends with a slash")]
    TrailingSlash,
    /// Two extended headers of one kind before one entry.
    #[error("it has two extended headers of one kind")]
    Repeated,
    /// The long name of GNU tar and the PAX header say different things.
    #[error("its GNU and PAX headers name it differently")]
    TwoNames,
    /// An extended header that is followed by no entry, or by a global header.
    #[error("it is an extended header without an entry")]
    Dangling,
    /// One closing block, and then more headers.
    #[error("a single closing block stands before it")]
    LoneEnd,
}

impl Problem {
    pub(super) fn at(self, entry: Option<&[u8]>, offset: u64) -> TarError {
        TarError { entry: EntryName(entry.map(<[u8]>::to_vec)), offset, problem: Box::new(self) }
    }
}

impl fmt::Display for EntryName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            // Nothing bounds the name in a hostile archive; an error message is no place for a megabyte.
            Some(name) => {
                formatter.write_str("entry ")?;
                write_readable(&name[..name.len().min(300)], formatter)
            }
            None => formatter.write_str("header"),
        }
    }
}

impl fmt::Debug for EntryName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}
