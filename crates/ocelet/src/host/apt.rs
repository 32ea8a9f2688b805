//! [`apt_sources`]: where apt of a machine takes packages from, and whose signatures count there.
//!
//! Read are apt's sources, its keyrings and what its configuration says of the end of validity, all below a root
//! directory that the caller gives. What cannot be fetched with or nobody has a key for is left out and named, as apt
//! goes on without it; what cannot be read is refused. Nothing is fetched here, and no login is read.

mod keys;

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use ocelet_package::deb_trust::sources::{
    AptSource, MalformedSources, Method, SOURCES_FILE, SOURCES_PARTS, SignedByOption, SourceFormat,
    SourceType, read,
};
use ocelet_package::deb_trust::{AptConfiguration, ConfigurationError, Keyring};

use super::file::{FileError, read_text};
use keys::Keys;

/// Where apt's configuration is (apt.conf(5)), the last of which counts most.
const CONFIGURATION_PARTS: &str = "/etc/apt/apt.conf.d";
const CONFIGURATION_FILE: &str = "/etc/apt/apt.conf";

/// What apt of a machine takes packages of one architecture from.
#[derive(Debug, Clone, Default)]
pub struct AptSources {
    /// The repositories, in apt's order, each suite once.
    pub repositories: Vec<AptRepository>,
    /// What was left out and why, as sentences without a full stop.
    pub left_out: Vec<String>,
}

/// One suite that apt takes packages from.
#[derive(Debug, Clone)]
pub struct AptRepository {
    /// The file and line that say so.
    pub place: String,
    /// The root, to which the paths of packages are relative: an address that ends with a slash.
    pub root: String,
    /// The directory of its Release file, likewise.
    pub release: String,
    /// The suite, or an exact path, which ends with a slash.
    pub suite: String,
    /// The components; none with an exact path.
    pub components: Vec<String>,
    /// Whether it is a snapshot of the past, so that the end of its Release's validity does not count.
    pub archived: bool,
    /// Whether apt takes it without a signature (`trusted=yes`).
    pub unsigned: bool,
    /// Whose signatures count.
    pub keyring: Keyring,
    signed_by: SignedByOption,
}

/// Why it cannot be told where apt takes packages from.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AptError {
    /// A file of apt's cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// A file of sources says what apt does not understand.
    #[error(transparent)]
    Sources(#[from] MalformedSources),
    /// Its configuration cannot be read.
    #[error(transparent)]
    Configuration(#[from] ConfigurationError),
    /// A suite stands there twice, and different keys may sign it.
    #[error("{one} and {other} name the same {release} with different keys, which apt refuses too")]
    Contradiction {
        /// The directory of the Release file.
        release: String,
        /// Where it stands first.
        one: String,
        /// Where it stands again.
        other: String,
    },
    /// There is nothing for the architecture.
    #[error(
        "apt has no sources of packages for {architecture} in {} or {}",
        .root.join(&SOURCES_FILE[1..]).display(), .root.join(&SOURCES_PARTS[1..]).display()
    )]
    Nothing {
        /// Where it was looked for.
        root: PathBuf,
        /// The architecture.
        architecture: String,
    },
}

/// Reads where apt takes packages of an architecture (by Debian's name) from, on the machine whose files are below
/// `root`. Whether apt itself is configured for that architecture does not matter.
///
/// # Errors
/// Everything that cannot be read, or that there are no sources.
pub fn apt_sources(root: &Path, architecture: &str) -> Result<AptSources, Vec<AptError>> {
    let mut errors = Vec::new();
    let archived = configuration(root, &mut errors).is_archived();
    let sources = sources(root, &mut errors);
    let mut keys = Keys::new(root);
    let mut found = AptSources::default();
    let mut is_named = false;
    for source in sources.iter().filter(|source| is_wanted(source, architecture)) {
        is_named = true;
        take(source, archived, architecture, &mut keys, &mut found, &mut errors);
    }
    if errors.is_empty() && !is_named {
        let (root, architecture) = (root.to_path_buf(), architecture.to_owned());
        errors.push(AptError::Nothing { root, architecture });
    }
    found.left_out.extend(keys.into_unread());
    if errors.is_empty() { Ok(found) } else { Err(errors) }
}

fn is_wanted(source: &AptSource, architecture: &str) -> bool {
    source.enabled
        && source.types.contains(&SourceType::Deb)
        && source.architectures.of(&[architecture.to_owned()]).iter().any(|one| one == architecture)
}

/// Adds the repositories of a source.
fn take(
    source: &AptSource,
    archived: bool,
    architecture: &str,
    keys: &mut Keys<'_>,
    found: &mut AptSources,
    errors: &mut Vec<AptError>,
) {
    let place = format!("{}, line {}", source.file, source.line);
    let mut leave_out =
        |what: &str| found.left_out.push(format!("the source of {place} is left out: {what}"));
    if source.trusted == Some(false) {
        return leave_out("apt trusts it with no signature either (trusted=no)");
    }
    let keyring = match keys.of(&source.signed_by) {
        Ok(keyring) => keyring,
        Err(what) => return leave_out(&what),
    };
    for repository in source.repositories(architecture) {
        if let Method::Unsupported(method) = &repository.method {
            found
                .left_out
                .push(format!("the source of {place} is left out: ocelet cannot fetch by \"{method}\""));
            continue;
        }
        if holds_login(&repository.root) {
            found.left_out.push(format!(
                "the source of {place} is left out: its address holds a name or password, which a lock would show; \
                 keep logins in the netrc file"
            ));
            continue;
        }
        let new = AptRepository {
            place: place.clone(),
            root: address(&repository.root),
            release: address(&repository.release),
            suite: repository.suite,
            components: repository.components,
            archived: archived || source.is_archived(),
            unsigned: source.trusted == Some(true),
            keyring: keyring.clone(),
            signed_by: source.signed_by.clone(),
        };
        match found.repositories.iter_mut().find(|known| known.release == new.release) {
            None => found.repositories.push(new),
            Some(known) if known.signed_by == new.signed_by => known.join(new),
            Some(known) => errors.push(AptError::Contradiction {
                release: new.release,
                one: known.place.clone(),
                other: new.place,
            }),
        }
    }
}

impl AptRepository {
    /// Takes the components of another entry for the same suite.
    fn join(&mut self, other: Self) {
        let known: BTreeSet<String> = self.components.iter().cloned().collect();
        self.components.extend(other.components.into_iter().filter(|one| !known.contains(one)));
        self.archived |= other.archived;
    }
}

/// An address as everything else here has it: apt writes `file:/srv` and `copy:/srv` for `file:///srv`.
fn address(uri: &str) -> String {
    let (scheme, rest) = uri.split_once(':').unwrap_or_default();
    match scheme.to_ascii_lowercase().as_str() {
        "file" | "copy" => format!("file:///{}", rest.trim_start_matches('/')),
        scheme => format!("{scheme}:{rest}"),
    }
}

fn holds_login(uri: &str) -> bool {
    let rest = uri.split_once("://").map_or("", |(_, rest)| rest);
    rest.split('/').next().is_some_and(|host| host.contains('@'))
}

/// Every entry of the machine's files of sources, in apt's order.
fn sources(root: &Path, errors: &mut Vec<AptError>) -> Vec<AptSource> {
    let mut files = vec![(SOURCES_FILE.to_owned(), SourceFormat::OneLine)];
    match names(&below(root, SOURCES_PARTS)) {
        Ok(names) => files.extend(names.into_iter().filter_map(|name| {
            let format = SourceFormat::of_part(&name)?;
            Some((format!("{SOURCES_PARTS}/{name}"), format))
        })),
        Err(error) => errors.push(error.into()),
    }
    let mut sources = Vec::new();
    for (file, format) in files {
        match text(&below(root, &file)) {
            Ok(None) => {}
            Ok(Some(text)) => match read(&file, &text, format) {
                Ok(more) => sources.extend(more),
                Err(error) => errors.push(error.into()),
            },
            Err(error) => errors.push(error.into()),
        }
    }
    sources
}

fn configuration(root: &Path, errors: &mut Vec<AptError>) -> AptConfiguration {
    let mut configuration = AptConfiguration::new();
    let parts = names(&below(root, CONFIGURATION_PARTS)).unwrap_or_else(|error| {
        errors.push(error.into());
        Vec::new()
    });
    // apt.conf(5): names without an ending, or with ".conf".
    let parts = parts.into_iter().filter(|name| name.rsplit_once('.').is_none_or(|(_, end)| end == "conf"));
    let parts = parts.map(|name| format!("{CONFIGURATION_PARTS}/{name}"));
    for file in parts.chain([CONFIGURATION_FILE.to_owned()]) {
        match text(&below(root, &file)) {
            Ok(None) => {}
            Ok(Some(text)) => errors.extend(configuration.read(&file, &text).err().map(AptError::from)),
            Err(error) => errors.push(error.into()),
        }
    }
    configuration
}

/// A path of the machine whose root directory is `root`.
fn below(root: &Path, path: &str) -> PathBuf {
    root.join(path.trim_start_matches('/'))
}

/// A text; nothing where there is no such file.
fn text(path: &Path) -> Result<Option<String>, FileError> {
    match read_text(path) {
        Ok(text) => Ok(Some(text)),
        Err(FileError::Read { cause, .. }) if cause.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// The names in a directory, sorted, without those that are not text; none where there is no such directory.
#[expect(clippy::disallowed_methods, reason = "this is a door to the machine, and it sorts")]
fn names(directory: &Path) -> Result<Vec<String>, FileError> {
    let failed = |cause| FileError::Read { path: directory.to_path_buf(), cause };
    let entries = match std::fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(cause) if cause.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(cause) => return Err(failed(cause)),
    };
    let mut names = Vec::new();
    for entry in entries {
        names.extend(entry.map_err(failed)?.file_name().into_string());
    }
    names.sort();
    Ok(names)
}

#[cfg(test)]
mod tests;
