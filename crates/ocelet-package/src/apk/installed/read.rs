//! Reads the installed database.

use ocelet_tree::{Name, PathError, TreePath};

use super::{Access, Database, Installed, InstalledDirectory, InstalledFile, Record};
use crate::apk::identity::Identity;

/// A database that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line} of the installed database is refused")]
pub struct DatabaseError {
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong with it.
    #[source]
    pub cause: RecordError,
}

/// What is wrong with a line of a record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// It is not a letter, a colon and a value.
    #[error("wanted a letter and a colon, got \"{}\"", .text[..40.min(.text.len())].escape_ascii())]
    Form {
        /// The line.
        text: Vec<u8>,
    },
    /// A capital letter that is not known: apk-tools takes the database for one of a newer version.
    #[error("the field \"{field}\" is not known; the database was written by a newer apk")]
    Unknown {
        /// The letter.
        field: char,
    },
    /// A value that is not of the kind that the field has.
    #[error("\"{value}\" is no value for the field \"{field}\"; wanted {wanted}")]
    Value {
        /// The letter.
        field: char,
        /// The value.
        value: String,
        /// What it should be.
        wanted: &'static str,
    },
    /// A path that cannot be.
    #[error("the path of the field \"{field}\" cannot be")]
    Path {
        /// The letter.
        field: char,
        /// Why.
        #[source]
        cause: PathError,
    },
    /// A line that says something of a file or directory that was not named yet.
    #[error("the field \"{field}\" stands before the \"{wanted}\" that it belongs to")]
    Early {
        /// The letter.
        field: char,
        /// What should stand before it.
        wanted: char,
    },
    /// The record ends without a field that every package has.
    #[error("the record that ends here has no field \"{field}\"")]
    Missing {
        /// The letter.
        field: char,
    },
}

impl Database {
    /// Reads the bytes of `lib/apk/db/installed`.
    ///
    /// # Errors
    /// See [`RecordError`].
    pub fn parse(text: &[u8]) -> Result<Self, DatabaseError> {
        let mut packages = Vec::new();
        let mut open: Option<Open> = None;
        let mut last = 0;
        for (index, line) in text.split(|byte| *byte == b'\n').enumerate() {
            let at = |cause| DatabaseError { line: index + 1, cause };
            last = index + 1;
            // apk-tools takes everything below two bytes as the end of a record.
            if line.len() < 2 {
                if let Some(record) = open.take() {
                    packages.push(record.close().map_err(at)?);
                }
            } else {
                open.get_or_insert_default().line(line).map_err(at)?;
            }
        }
        if let Some(record) = open {
            packages.push(record.close().map_err(|cause| DatabaseError { line: last, cause })?);
        }
        Ok(Self { packages })
    }
}

impl Record {
    /// Reads the text of one record of an index, with or without the empty line that ends it.
    ///
    /// # Errors
    /// See [`RecordError`]; text that holds no record lacks its fields.
    pub fn parse(text: &[u8]) -> Result<Self, DatabaseError> {
        let mut open = Open::default();
        let mut last = 0;
        for (index, line) in text.split(|byte| *byte == b'\n').enumerate().filter(|(_, line)| line.len() >= 2)
        {
            last = index + 1;
            open.line(line).map_err(|cause| DatabaseError { line: last, cause })?;
        }
        open.close().map(|installed| installed.record).map_err(|cause| DatabaseError { line: last, cause })
    }
}

/// A record that is being read.
#[derive(Default)]
struct Open {
    identity: Option<Identity>,
    name: Option<String>,
    version: Option<String>,
    rest: Rest,
    directories: Vec<InstalledDirectory>,
    current: Option<usize>,
    in_file: bool,
}

/// What a record has beside its name, version and identity.
#[derive(Default)]
struct Rest {
    architecture: Option<String>,
    size: u64,
    installed_size: u64,
    description: String,
    url: String,
    license: String,
    origin: Option<String>,
    maintainer: Option<String>,
    build_time: u64,
    commit: Option<String>,
    provider_priority: u32,
    depends: Vec<String>,
    provides: Vec<String>,
    install_if: Vec<String>,
    unknown: Vec<(char, String)>,
    replaces: Vec<String>,
    replaces_priority: u32,
    repository_tag: Option<String>,
    broken: String,
}

impl Open {
    fn line(&mut self, line: &[u8]) -> Result<(), RecordError> {
        let [field, b':', value @ ..] = line else {
            return Err(RecordError::Form { text: line.to_vec() });
        };
        let field = char::from(*field);
        match field {
            'F' => self.directory(value),
            'R' => self.file(value),
            'M' | 'a' | 'Z' => self.of_file(field, &String::from_utf8_lossy(value)),
            _ => self.header(field, &String::from_utf8_lossy(value)),
        }
    }

    fn header(&mut self, field: char, value: &str) -> Result<(), RecordError> {
        let text = value.to_owned();
        // A list may go on in a further line, as apk-tools reads it.
        let words = || value.split_whitespace().map(str::to_owned);
        let rest = &mut self.rest;
        match field {
            'C' => self.identity = Some(identity(field, value)?),
            'P' => self.name = Some(text),
            'V' => self.version = Some(text),
            'A' => rest.architecture = Some(text),
            'S' => rest.size = number(field, value)?,
            'I' => rest.installed_size = number(field, value)?,
            'T' => rest.description = text,
            'U' => rest.url = text,
            'L' => rest.license = text,
            'o' => rest.origin = Some(text),
            'm' => rest.maintainer = Some(text),
            't' => rest.build_time = number(field, value)?,
            'c' => rest.commit = Some(text),
            'k' => rest.provider_priority = number(field, value)?,
            'D' => rest.depends.extend(words()),
            'p' => rest.provides.extend(words()),
            'i' => rest.install_if.extend(words()),
            'r' => rest.replaces.extend(words()),
            'q' => rest.replaces_priority = number(field, value)?,
            's' => rest.repository_tag = Some(text),
            'f' => rest.broken = text,
            'a'..='z' => rest.unknown.push((field, text)),
            _ => return Err(RecordError::Unknown { field }),
        }
        Ok(())
    }

    fn directory(&mut self, value: &[u8]) -> Result<(), RecordError> {
        let path = TreePath::new(value).map_err(|cause| RecordError::Path { field: 'F', cause })?;
        // A directory that comes a second time goes on where it ended.
        let known = self.directories.iter().position(|directory| directory.path == path);
        self.in_file = false;
        self.current = Some(known.unwrap_or(self.directories.len()));
        if known.is_none() {
            self.directories.push(InstalledDirectory { path, access: Access::DIRECTORY, files: Vec::new() });
        }
        Ok(())
    }

    fn file(&mut self, value: &[u8]) -> Result<(), RecordError> {
        let name = Name::new(value).map_err(|cause| RecordError::Path { field: 'R', cause })?;
        let directory = self.current_directory('R')?;
        directory.files.push(InstalledFile { name, access: Access::FILE, identity: None });
        self.in_file = true;
        Ok(())
    }

    fn of_file(&mut self, field: char, value: &str) -> Result<(), RecordError> {
        let in_file = self.in_file;
        let directory = self.current_directory(field)?;
        if field == 'M' {
            directory.access = access(field, value)?;
            return Ok(());
        }
        let file = directory.files.last_mut().filter(|_| in_file);
        let file = file.ok_or(RecordError::Early { field, wanted: 'R' })?;
        match field {
            'a' => file.access = access(field, value)?,
            _ => file.identity = Some(identity(field, value)?),
        }
        Ok(())
    }

    fn current_directory(&mut self, field: char) -> Result<&mut InstalledDirectory, RecordError> {
        let current = self.current.ok_or(RecordError::Early { field, wanted: 'F' })?;
        Ok(&mut self.directories[current])
    }

    fn close(self) -> Result<Installed, RecordError> {
        let missing = |field| RecordError::Missing { field };
        let rest = self.rest;
        Ok(Installed {
            record: Record {
                identity: self.identity.ok_or(missing('C'))?,
                name: self.name.ok_or(missing('P'))?,
                version: self.version.ok_or(missing('V'))?,
                architecture: rest.architecture,
                size: rest.size,
                installed_size: rest.installed_size,
                description: rest.description,
                url: rest.url,
                license: rest.license,
                origin: rest.origin,
                maintainer: rest.maintainer,
                build_time: rest.build_time,
                commit: rest.commit,
                provider_priority: rest.provider_priority,
                depends: rest.depends,
                provides: rest.provides,
                install_if: rest.install_if,
                unknown: rest.unknown,
            },
            replaces: rest.replaces,
            replaces_priority: rest.replaces_priority,
            repository_tag: rest.repository_tag,
            broken: rest.broken,
            directories: self.directories,
        })
    }
}

fn identity(field: char, value: &str) -> Result<Identity, RecordError> {
    let wanted = "a checksum that begins with Q1 or Q2";
    value.parse().map_err(|_| RecordError::Value { field, value: value.to_owned(), wanted })
}

fn number<N: std::str::FromStr>(field: char, value: &str) -> Result<N, RecordError> {
    let digits = value.bytes().all(|byte| byte.is_ascii_digit());
    let wanted = "a whole number that is not too large";
    let number = value.parse().ok().filter(|_| digits);
    number.ok_or_else(|| RecordError::Value { field, value: value.to_owned(), wanted })
}

/// `uid:gid:mode` and perhaps `:checksum`; the mode in octal digits.
fn access(field: char, value: &str) -> Result<Access, RecordError> {
    let wrong = || RecordError::Value { field, value: value.to_owned(), wanted: "uid:gid:mode" };
    let mut parts = value.splitn(4, ':');
    let uid = number(field, parts.next().unwrap_or_default())?;
    let gid = number(field, parts.next().ok_or_else(wrong)?)?;
    let mode = parts.next().and_then(|digits| u16::from_str_radix(digits, 8).ok());
    let mode = mode.filter(|mode| *mode <= 0o7777).ok_or_else(wrong)?;
    let attributes = parts.next().map(|text| identity(field, text)).transpose()?;
    Ok(Access { uid, gid, mode, attributes })
}
