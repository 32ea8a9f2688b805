//! Locking from the machine's own apt sources, whatever state its mirror is in.
//!
//! A mirror that is being written to serves an index other than the signed one, which ocelet refuses rightly. The check
//! is not to hang on that: it locks once more from a copy of the machine's sources in which each suite is without the
//! architectures whose index could not be had, and says so. Nothing else is forgiven: no other end of `ocelet lock`, and
//! no failure of the second time.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use ocelet::ExitClass;
use ocelet_package::deb_trust::sources::{AptSource, SOURCES_FILE, SOURCES_PARTS, SourceFormat, read};

use crate::Outcome;
use crate::shell::{command, ended, line, list, make_directory, output, read_text, write};

/// From where a recipe was locked.
#[derive(Debug, PartialEq)]
pub(in crate::conformance) enum Sources {
    /// From apt's sources of this machine.
    Machine,
    /// From a copy of them below a directory, without what the mirror has not whole.
    Copy(PathBuf),
    /// From nowhere: no source could be had, and why.
    Nothing(String),
}

/// An index that a mirror does not have as it is signed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Index {
    address: String,
    architecture: String,
}

/// Each broken index with its suite, which is known as soon as its source is found.
type Broken = BTreeMap<Index, Option<String>>;

/// Runs `ocelet lock`, and a second time from a copy of apt's sources at `copy` where the machine's are not whole.
pub(in crate::conformance) fn lock(lock: impl Fn() -> Command, copy: &Path) -> Result<Sources, String> {
    let Some(said) = unavailable(&mut lock())? else { return Ok(Sources::Machine) };
    let mut broken = broken(&said);
    if broken.is_empty() {
        return Ok(Sources::Nothing(said));
    }
    println!("{}", said.trim_end());
    make_copy(copy, &mut broken)?;
    for suite in broken.iter().map(told).collect::<BTreeSet<_>>() {
        println!("WARNING: this machine's mirror serves no whole index of {suite}; locked without it");
    }
    output(lock().arg("--apt-root").arg(copy))?;
    Ok(Sources::Copy(copy.to_path_buf()))
}

/// Runs to the end; what it says where an input could not be had. Every other failure is one.
fn unavailable(lock: &mut Command) -> Result<Option<String>, String> {
    let ended = ended(lock)?;
    if ended.status.success() {
        Ok(None)
    } else if ended.status.code() == Some(ExitClass::Unavailable as i32) {
        Ok(Some(ended.err))
    } else {
        Err(format!("`{}` ended with {}:\n{}", line(lock), ended.status, ended.err))
    }
}

/// The indices of packages that a message names, by their addresses: `…/dists/SUITE/COMPONENT/binary-ARCHITECTURE/…`.
/// Paths are those of mirrors that were asked before.
fn broken(said: &str) -> Broken {
    let addresses = said.split_whitespace().filter(|word| word.contains("://"));
    let indices = addresses.filter_map(|address| {
        let (_, behind) = address.split_once("/binary-")?;
        let (architecture, _) = behind.split_once('/')?;
        Some(Index { address: address.to_owned(), architecture: architecture.to_owned() })
    });
    indices.map(|index| (index, None)).collect()
}

fn told((index, suite): (&Index, &Option<String>)) -> String {
    format!("{} for {}", suite.as_deref().unwrap_or(&index.address), index.architecture)
}

/// Copies apt's sources and keyrings of this machine, without the broken indices, each of which has to be found.
fn make_copy(copy: &Path, broken: &mut Broken) -> Outcome {
    for (from, above) in [("/etc/apt", "etc"), ("/usr/share/keyrings", "usr/share")] {
        if Path::new(from).is_dir() {
            make_directory(&copy.join(above))?;
            output(command("cp").args(["-a", from]).arg(copy.join(above)))?;
        }
    }
    for file in list(Path::new(SOURCES_PARTS)).into_iter().chain([PathBuf::from(SOURCES_FILE)]) {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let Some(format) = SourceFormat::of_part(&name).filter(|_| file.is_file()) else { continue };
        let place = file.display().to_string();
        let text = without(&place, &read_text(&file)?, format, broken)?;
        write(&copy.join(place.trim_start_matches('/')), text.as_bytes())?;
    }
    match broken.iter().find(|(_, suite)| suite.is_none()) {
        None => Ok(()),
        Some((index, _)) => Err(format!("no source of this machine's apt is the one of {}", index.address)),
    }
}

/// A file of sources without the broken indices, and whose they are.
fn without(file: &str, text: &str, format: SourceFormat, broken: &mut Broken) -> Result<String, String> {
    // Each is one source, or none where it is a comment or switched off.
    let (entries, end): (Vec<Vec<&str>>, _) = match format {
        SourceFormat::OneLine => (text.lines().map(|line| vec![line]).collect(), "\n"),
        SourceFormat::Deb822 => (stanzas(text), "\n\n"),
    };
    let mut written = Vec::new();
    for entry in entries {
        let text = entry.join("\n");
        let mut removed = BTreeMap::new();
        let sources = read(file, &text, format).map_err(|error| error.to_string())?;
        for source in &sources {
            remove(source, broken, &mut removed);
        }
        match (sources.first(), format) {
            (Some(_), SourceFormat::OneLine) if !removed.is_empty() => {
                let removed: Vec<&str> = removed.values().flatten().map(String::as_str).collect();
                written.push(shortened_line(&text, &removed.join(",")));
            }
            (Some(source), SourceFormat::Deb822) if !removed.is_empty() => {
                written.extend(source.suites.iter().map(|suite| shortened_stanza(&entry, suite, &removed)));
            }
            _ => written.push(text),
        }
    }
    Ok(written.join(end) + end)
}

/// Marks the broken indices that come from a source, and collects the architectures that each of its suites loses.
fn remove(source: &AptSource, broken: &mut Broken, removed: &mut BTreeMap<String, BTreeSet<String>>) {
    for (index, known) in broken {
        let repositories = source.repositories(&index.architecture);
        if let Some(found) = repositories.iter().find(|one| index.address.starts_with(&one.release)) {
            removed.entry(found.suite.clone()).or_default().insert(index.architecture.clone());
            *known = Some(found.suite.clone());
        }
    }
}

/// `deb [OPTIONS] ADDRESS …` with one option more.
fn shortened_line(text: &str, architectures: &str) -> String {
    let (kind, rest) = text.trim().split_once([' ', '\t']).unwrap_or((text, ""));
    let rest = rest.trim_start();
    match rest.strip_prefix('[') {
        Some(rest) => format!("{kind} [arch-={architectures} {rest}"),
        None => format!("{kind} [arch-={architectures}] {rest}"),
    }
}

/// A stanza for one of its suites alone, without the architectures that this suite loses.
fn shortened_stanza(lines: &[&str], suite: &str, removed: &BTreeMap<String, BTreeSet<String>>) -> String {
    let mut is_kept = true;
    let kept = lines.iter().filter(|line| {
        if !line.starts_with([' ', '\t', '#']) {
            is_kept = !line.to_ascii_lowercase().starts_with("suites:");
        }
        is_kept
    });
    let mut written: Vec<String> = kept.map(|line| (*line).to_owned()).collect();
    written.push(format!("Suites: {suite}"));
    if let Some(architectures) = removed.get(suite) {
        let architectures: Vec<&str> = architectures.iter().map(String::as_str).collect();
        written.push(format!("Architectures-Remove: {}", architectures.join(" ")));
    }
    written.join("\n")
}

/// The stanzas of a text, which empty lines part.
fn stanzas(text: &str) -> Vec<Vec<&str>> {
    let lines: Vec<&str> = text.lines().collect();
    let stanzas = lines.split(|line| line.trim().is_empty()).filter(|lines| !lines.is_empty());
    stanzas.map(<[&str]>::to_vec).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAID: &str = "error: http://h/security/dists/stable-security/main/binary-armhf/Packages.xz could not be had \
        from any of its 2 sources; give another source or a mirror that has it:\n  \
        http://h/security/dists/stable-security/main/binary-armhf/by-hash/SHA256/73 (1 attempt): status 404\n  \
        http://h/security/dists/stable-security/main/binary-armhf/Packages.xz (4 attempts): the server offers 3";

    /// A file of sources without what [`SAID`] names, and the suites that lost something.
    fn check(format: SourceFormat, text: &str, want: &str, want_told: &[&str]) {
        let mut broken = broken(SAID);
        let written = without("f", text, format, &mut broken).expect("sources");
        assert_eq!(written, want);
        read("f", &written, format).expect("sources again");
        let told: BTreeSet<String> = broken.iter().filter(|(_, suite)| suite.is_some()).map(told).collect();
        assert_eq!(told.iter().map(String::as_str).collect::<Vec<_>>(), want_told, "{text}");
    }

    #[test]
    fn only_the_suite_of_a_broken_index_loses_its_architecture() {
        let told = ["stable-security for armhf"];
        check(
            SourceFormat::Deb822,
            "# all of it\nTypes: deb\nURIs: http://h/security\nSuites: stable-security\n other\nComponents: main\n\n\n\
             Types: deb\nURIs: http://h/debian\nSuites: stable\nComponents: main\n",
            "# all of it\nTypes: deb\nURIs: http://h/security\nComponents: main\nSuites: stable-security\n\
             Architectures-Remove: armhf\n\n\
             # all of it\nTypes: deb\nURIs: http://h/security\nComponents: main\nSuites: other\n\n\
             Types: deb\nURIs: http://h/debian\nSuites: stable\nComponents: main\n\n",
            &told,
        );
        check(
            SourceFormat::OneLine,
            "# main\ndeb http://h/debian stable main\ndeb http://h/security/ stable-security main\n\
             deb [trusted=yes] http://h/security stable-security main\n",
            "# main\ndeb http://h/debian stable main\ndeb [arch-=armhf] http://h/security/ stable-security main\n\
             deb [arch-=armhf trusted=yes] http://h/security stable-security main\n",
            &told,
        );
        // Nothing of it is here.
        check(
            SourceFormat::OneLine,
            "deb http://h/debian stable main\n",
            "deb http://h/debian stable main\n",
            &[],
        );
    }

    #[test]
    fn only_what_could_not_be_had_is_tried_again() {
        let ended = |code: &str| {
            let mut ended = command("sh");
            ended.args(["-c", &format!("echo no connection >&2; exit {code}")]);
            ended
        };
        let nowhere = Path::new("/nowhere");
        assert_eq!(lock(|| ended("0"), nowhere), Ok(Sources::Machine));
        assert_eq!(lock(|| ended("4"), nowhere), Ok(Sources::Nothing("no connection\n".to_owned())));
        for code in ["1", "2", "3"] {
            assert!(lock(|| ended(code), nowhere).is_err(), "{code}");
        }
    }
}
