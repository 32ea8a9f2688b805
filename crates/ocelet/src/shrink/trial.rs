//! [`trial`]: a packed program is run beside the original, with few and with many environment variables, and has to end
//! as that does.
//!
//! A packed program can be right in every byte and crash at its start: that upx can unpack it again does not prove that
//! the kernel's and its own stub's view of the stack agree. Programs run in an empty directory, without input and with
//! no variables but those of the trial; what they print is dropped. What this machine cannot run is not tried, and
//! told: programs for another architecture, and those whose loader is not here.

use std::fmt;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use ocelet_oci::Digest;
use ocelet_tree::Content;

use super::error::Fault;
use crate::fetch::store::{Kind, Store};
use crate::host::{self, Ended, Ending, Host, ProcessError, Program};
use crate::recipe::Platform;

/// How many environment variables the runs have. Kubernetes sets seven for each service of a namespace.
const VARIABLES: [usize; 3] = [0, 600, 2000];
/// How often a start is measured; the median counts.
const MEASURED: usize = 3;
/// What programs are asked for: most print it and end.
const ARGUMENT: &str = "--help";
/// An original that runs for longer waits for something, and is not tried.
const ORIGINAL: Duration = Duration::from_secs(10);
/// How long its packed form may take.
const PACKED: Duration = Duration::from_secs(120);
/// How the store knows what came of a trial. The times are those of the first trial on this machine.
const TRIED: Kind = Kind::new("tried.1");

/// How long a program takes from its start to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StartUp {
    /// As it was.
    pub before: Duration,
    /// Packed.
    pub after: Duration,
}

/// What came of a trial.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tried {
    /// Both ended alike each time.
    Alike(StartUp),
    /// It was not tried, and why.
    Not(String),
}

/// The run in which a packed program ended otherwise than the original.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// How many environment variables there were.
    pub variables: usize,
    /// How the original ended.
    pub original: Ending,
    /// How the packed program ended.
    pub packed: Ending,
}

impl fmt::Display for Difference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { variables, original, packed } = self;
        write!(
            formatter,
            "{packed} with {variables} environment variables, where the original has {original}"
        )
    }
}

/// A program in both forms.
pub(super) struct Pair<'run> {
    pub(super) original: &'run Content,
    pub(super) packed: &'run Content,
    pub(super) platform: &'run Platform,
    /// The loader that the original asks for.
    pub(super) interpreter: Option<&'run str>,
    /// By which the store knows the packed form.
    pub(super) key: &'run Digest,
}

/// Runs both forms, or takes what came of that before from the store.
pub(super) fn trial(pair: &Pair<'_>, store: &Store, host: &Host<'_>) -> Result<Tried, Fault> {
    if host::machine() != Some(pair.platform.to_string().as_str()) {
        return Ok(Tried::Not(format!("this machine does not run {}", pair.platform)));
    }
    if let Some(loader) = pair.interpreter.filter(|loader| !host::exists(Path::new(loader))) {
        return Ok(Tried::Not(format!("this machine has no {loader}")));
    }
    let blob = store.derive(pair.key, TRIED, |sink| {
        let tried = run(pair, host)?;
        let text = match &tried {
            Tried::Alike(StartUp { before, after }) => {
                format!("alike {} {}", before.as_micros(), after.as_micros())
            }
            Tried::Not(why) => format!("not {why}"),
        };
        let written = sink.write_all(text.as_bytes());
        Ok::<(), Fault>(written.map_err(ProcessError::at("keep", Path::new("a trial")))?)
    })?;
    let bytes = blob.content().bytes()?;
    std::str::from_utf8(&bytes).ok().and_then(read).ok_or(Fault::Cache)
}

fn read(text: &str) -> Option<Tried> {
    if let Some(why) = text.strip_prefix("not ") {
        return Some(Tried::Not(why.to_owned()));
    }
    let (before, after) = text.strip_prefix("alike ")?.split_once(' ')?;
    let time = |text: &str| text.parse().ok().map(Duration::from_micros);
    Some(Tried::Alike(StartUp { before: time(before)?, after: time(after)? }))
}

fn run(pair: &Pair<'_>, host: &Host<'_>) -> Result<Tried, Fault> {
    let directory = host::private_directory(host.scratch)?;
    let empty = host::private_directory(host.scratch)?;
    let path = |name: &str| directory.path().join(name);
    let (original, packed) = (path("original"), path("packed"));
    host::write_program(&original, &mut pair.original.reader())?;
    host::write_program(&packed, &mut pair.packed.reader())?;
    let (mut before, mut after) = (Vec::new(), Vec::new());
    for variables in VARIABLES {
        let environment = environment(variables);
        // Only a start without variables is measured; the others must end alike and no more.
        let times = if variables == 0 { MEASURED } else { 1 };
        for _ in 0..times {
            let first = match once(&original, &environment, ORIGINAL, empty.path()) {
                Ok(first) => first,
                Err(error) => return Ok(Tried::Not(crate::error::sentence(&error))),
            };
            if first.ending == Ending::TimedOut {
                return Ok(Tried::Not(format!("it runs for longer than {} s", ORIGINAL.as_secs())));
            }
            let second = once(&packed, &environment, PACKED, empty.path())?;
            if first.ending != second.ending {
                let (original, packed) = (first.ending, second.ending);
                return Err(Fault::EndsOtherwise(Difference { variables, original, packed }));
            }
            if variables == 0 {
                before.push(first.took);
                after.push(second.took);
            }
        }
    }
    Ok(Tried::Alike(StartUp { before: median(before), after: median(after) }))
}

fn once(
    program: &Path,
    environment: &[(String, String)],
    limit: Duration,
    directory: &Path,
) -> Result<Ended, ProcessError> {
    host::run(&Program { path: program, arguments: &[ARGUMENT], environment, limit }, directory)
}

/// Variables as Kubernetes sets them for services.
fn environment(count: usize) -> Vec<(String, String)> {
    (0..count).map(|number| (format!("SERVICE_{number}_PORT_443_TCP_ADDR"), "10.96.0.1".to_owned())).collect()
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_of_a_trial_is_read_back() {
        for (text, want) in [
            (
                "alike 4000 137000",
                Some(Tried::Alike(StartUp {
                    before: Duration::from_millis(4),
                    after: Duration::from_millis(137),
                })),
            ),
            ("not it runs for longer", Some(Tried::Not("it runs for longer".to_owned()))),
            ("alike 4000", None),
            ("alike x 1", None),
            ("", None),
        ] {
            assert_eq!(read(text), want, "{text:?}");
        }
        let millis = |times: &[u64]| times.iter().map(|time| Duration::from_millis(*time)).collect();
        assert_eq!(median(millis(&[9, 1, 5])), Duration::from_millis(5));
    }

    /// Two scripts in place of a program and its packed form.
    fn check(original: &str, packed: &str, want: &str) {
        let place = tempfile::tempdir().expect("a directory");
        let scratch = host::Scratch::new(place.path());
        let jobs = std::num::NonZeroUsize::MIN;
        let host = Host { jobs, epoch: None, scratch: &scratch, observer: &crate::Silent };
        let script = |text: &str| Content::from_bytes("script", format!("#!/bin/sh\n{text}\n").into_bytes());
        let (original, packed) = (script(original), script(packed));
        let pair = Pair {
            original: &original,
            packed: &packed,
            platform: &"linux/amd64".parse().expect("known"),
            interpreter: None,
            key: &Digest::of(b"x"),
        };
        let got = match run(&pair, &host) {
            Ok(Tried::Alike(_)) => "alike".to_owned(),
            Ok(Tried::Not(why)) => why,
            Err(fault) => fault.to_string(),
        };
        assert_eq!(got, want);
    }

    #[test]
    fn a_packed_program_must_end_as_the_original() {
        check("exit 0", "exit 0", "alike");
        check("exit 3", "exit 3", "alike");
        check("kill -9 $$", "kill -9 $$", "alike");
        check(
            "exit 0",
            "exit 127",
            "packed it ends otherwise: exit code 127 with 0 environment variables, where the original has exit code 0",
        );
        // As programs do that upx 5 has packed.
        check(
            "exit 0",
            "[ $(env | wc -l) -lt 500 ] || kill -11 $$",
            "packed it ends otherwise: signal 11 with 600 environment variables, where the original has exit code 0",
        );
        check("[ \"$1\" = --help ] && [ -z \"$(ls)\" ]", "exit 0", "alike");
    }

    #[test]
    fn variables_are_many_and_different() {
        let names: std::collections::BTreeSet<String> =
            environment(2000).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names.len(), 2000);
    }
}
