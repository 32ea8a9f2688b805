//! [`Store::verify`]: everything in a store hashed again, and every file that does not belong named.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::error::sentence;
use crate::exit::ExitClass;

use super::error::StoreError;
use super::{Store, disk, place};

/// What a look at everything found.
#[derive(Debug, Default)]
pub struct Verification {
    /// How many blobs are right.
    pub blobs: usize,
    /// How many bytes these have.
    pub bytes: u64,
    /// What is not right.
    pub problems: Vec<Problem>,
}

/// Something in a store that is not right.
#[derive(Debug)]
#[non_exhaustive]
pub enum Problem {
    /// A blob or a record is damaged, or cannot be read.
    Bad(StoreError),
    /// A file that the layout has no place for. It was left alone.
    Unknown {
        /// The file.
        path: PathBuf,
    },
}

impl Problem {
    /// Whether bytes are wrong: what does not belong, or cannot be read, says nothing about that.
    pub fn is_damage(&self) -> bool {
        matches!(self, Self::Bad(error) if error.class() == ExitClass::Verification)
    }

    /// Whether it is more than a remark: a file that does not belong harms nothing.
    pub fn is_error(&self) -> bool {
        matches!(self, Self::Bad(_))
    }

    /// The command line's exit code for it.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Bad(error) => error.class() as u8,
            Self::Unknown { .. } => 0,
        }
    }

    /// What to do about it.
    pub fn hints(&self) -> Vec<String> {
        match self {
            Self::Bad(error) => error.hints(),
            Self::Unknown { path } => vec![format!("remove {} if it is not yours", path.display())],
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bad(error) => formatter.write_str(&sentence(error)),
            Self::Unknown { path } => write!(formatter, "{} does not belong to the store", path.display()),
        }
    }
}

impl Store {
    /// Hashes everything, whatever its witnesses say, moves aside what is damaged, and names what does not belong.
    /// All problems come at once.
    ///
    /// # Errors
    /// A directory of the store cannot be read.
    pub fn verify(&self) -> Result<Verification, StoreError> {
        let mut verification = Verification::default();
        let thorough = self.clone().paranoid(true);
        for (digest, _) in self.named_blobs()? {
            match thorough.get(&digest, None) {
                Ok(Some(blob)) => {
                    verification.blobs += 1;
                    verification.bytes += blob.size();
                }
                // Someone has cleaned up meanwhile.
                Ok(None) => {}
                Err(error) => verification.problems.push(Problem::Bad(error)),
            }
        }
        for (origin, _) in self.origins()? {
            if let Err(error) = self.record(&origin.input, &origin.kind) {
                verification.problems.push(Problem::Bad(error));
            }
        }
        verification.problems.extend(self.strangers()?.into_iter().map(|path| Problem::Unknown { path }));
        Ok(verification)
    }

    /// All files of this version that the layout has no place for.
    fn strangers(&self) -> Result<Vec<PathBuf>, StoreError> {
        let version = self.place.version();
        let mut strangers = below(&version, |name| place::ROOMS.contains(&name))?;
        for room in ["blobs", "witness"] {
            strangers.extend(below(&version.join(room), |name| name == "sha256")?);
            strangers.extend(misnamed(&version.join(room).join("sha256"))?);
        }
        let records = self.place.records();
        for kind in disk::names(&records)? {
            let directory = records.join(kind);
            if disk::look(&directory)?.is_some_and(|metadata| metadata.is_dir()) {
                strangers.extend(misnamed(&directory)?);
            } else {
                strangers.push(directory);
            }
        }
        let partial = |name: &str| name.starts_with(place::UNNAMED) || place::partial_for(name).is_some();
        strangers.extend(below(&self.place.partials(), partial)?);
        Ok(strangers)
    }
}

/// What in a directory does not have a name that is `known`.
fn below(directory: &Path, known: impl Fn(&str) -> bool) -> Result<Vec<PathBuf>, StoreError> {
    let names = disk::names(directory)?;
    Ok(names.iter().filter(|name| !known(name)).map(|name| directory.join(name)).collect())
}

/// What below a directory is not a digest split into two names.
fn misnamed(directory: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let mut strangers = Vec::new();
    for first in disk::names(directory)? {
        let below_it = directory.join(&first);
        let inside = disk::names(&below_it)?;
        let hexadecimal = first.len() == 2 && place::joined(&first, &"0".repeat(62)).is_some();
        let is_directory = disk::look(&below_it)?.is_some_and(|metadata| metadata.is_dir());
        if !hexadecimal || !is_directory {
            strangers.push(below_it);
            continue;
        }
        let wrong = inside.into_iter().filter(|rest| place::joined(&first, rest).is_none());
        strangers.extend(wrong.map(|rest| below_it.join(rest)));
    }
    Ok(strangers)
}
