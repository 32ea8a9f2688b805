//! What `why --not` asks: a file is not in an image; what would have brought it there?
//!
//! Three things can: another flavor of the same layout that has it, a rule pack that names it, and a program of the
//! source that needs it and that nobody asked for.

use std::path::{Path, PathBuf};

use ocelet_elf::{Files, Loader, Options, RulePacks, Target, who_would_need};
use ocelet_tree::{Kind, ReadError, TreePath, View, resolve};

use super::reference::{Finished, FinishedError, FinishedImage};
use crate::close::commands;
use crate::error::Error;
use crate::host::Host;
use crate::recipe::Platform;
use crate::unpack::{self, UnpackError};

/// How many programs are named before the rest is counted.
const MOST: usize = 12;

/// Why a file is not there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NotThere {
    /// Whether it is there after all.
    pub present: bool,
    /// One sentence.
    pub summary: String,
    /// What would have brought it, one thing a line.
    pub reasons: Vec<String>,
}

/// Finds out what would have brought `path` into `image`. The source is searched at `root`, or where the recipe had
/// it if that is a directory of this machine.
///
/// # Errors
/// The layout or the source cannot be read.
pub fn who_would_bring(
    finished: &Finished,
    image: &FinishedImage,
    path: &TreePath,
    root: Option<&Path>,
    host: &Host<'_>,
) -> Result<NotThere, Error> {
    let Some(report) = &image.report else {
        return Ok(NotThere { summary: "the image has no report".to_owned(), ..NotThere::default() });
    };
    if report.place(path).is_some() {
        let summary = format!("{path} is in the image; `ocelet why` without --not tells the reason");
        return Ok(NotThere { present: true, summary, reasons: Vec::new() });
    }
    let mut reasons = other_flavors(finished, image, path)?;
    reasons.extend(rule_packs(path));
    let source = root.map(Path::to_path_buf).or_else(|| machine_root(report.sources.values()));
    let summary = match &source {
        Some(source) => {
            let platform: Platform = report
                .platform
                .parse()
                .map_err(|_| Error::NoSuchPlatform { name: report.platform.clone(), known: Vec::new() })?;
            let view = unpack::open("root", source, None, &platform, host)?;
            let (known, programs) = programs(&*view, path, &platform).map_err(UnpackError::Read)?;
            reasons.extend(programs);
            if known {
                format!(
                    "{path} is not there, since nothing that was asked for needs it (searched {})",
                    source.display()
                )
            } else {
                format!("{path} is not there, and neither is it in {}", source.display())
            }
        }
        None => format!("{path} is not there; --root names a root file system to search for what needs it"),
    };
    if reasons.is_empty() {
        reasons.push(format!("nothing known would bring it; a flavor gets it with files = [\"{path}\"]"));
    }
    Ok(NotThere { present: false, summary, reasons })
}

/// A directory of this machine among the recipe's sources.
fn machine_root<'source>(sources: impl Iterator<Item = &'source String>) -> Option<PathBuf> {
    sources.map(PathBuf::from).find(|path| path.is_absolute() && path.is_dir())
}

fn other_flavors(
    finished: &Finished,
    image: &FinishedImage,
    path: &TreePath,
) -> Result<Vec<String>, FinishedError> {
    let everything = Finished::open(super::Reference { path: finished.path().to_path_buf(), tag: None })?;
    let mut reasons = Vec::new();
    for other in everything.images(None)? {
        let Some(report) =
            other.report.as_ref().filter(|_| other.platform == image.platform && other.tag != image.tag)
        else {
            continue;
        };
        let Some(chain) = report.place(path).and_then(|place| report.chain(&place)) else { continue };
        let wish = chain.links.first().map_or("", |link| link.because.detail.as_str());
        reasons.push(format!("flavor {} has it: {wish}", report.flavor));
    }
    Ok(reasons)
}

fn rule_packs(path: &TreePath) -> Vec<String> {
    let packs = RulePacks::embedded();
    let mut reasons = Vec::new();
    for pack in packs.iter() {
        let named = pack.rules.iter().find(|rule| {
            rule.files.iter().any(|files| matches!(files, Files::Anywhere(glob) if glob.matches(path)))
        });
        if let Some(rule) = named {
            reasons.push(format!("rule pack {} would keep it: {} [{}]", pack.name, rule.reason, rule.source));
        }
    }
    reasons
}

/// Whether the source has the file, and the programs of the usual `PATH` that would need it.
fn programs(view: &dyn View, path: &TreePath, platform: &Platform) -> Result<(bool, Vec<String>), ReadError> {
    let known = resolve(view, path).is_ok();
    let Ok(target) = Target::parse(&platform.to_string()) else { return Ok((known, Vec::new())) };
    let options = Options::new(target);
    let is_file = |place: &TreePath| {
        resolve(view, place).is_ok_and(|there| matches!(there.node.kind, Kind::File { .. }))
    };
    let mut candidates: Vec<TreePath> = commands::everything(view, &options.path)?.into_iter().collect();
    candidates.retain(|place| place != path && is_file(place));
    let loader = Loader::new(view, options.hwcaps.clone());
    let needing = who_would_need(&loader, path, &candidates, &options);
    let mut reasons: Vec<String> = needing
        .iter()
        .take(MOST)
        .map(|one| {
            let steps: Vec<String> =
                one.chain.iter().skip(1).map(|step| step.reason.why.to_string()).collect();
            format!(
                "{} would bring it: {}",
                one.candidate,
                if steps.is_empty() { "it is the file".to_owned() } else { steps.join(" → ") }
            )
        })
        .collect();
    if needing.len() > MOST {
        reasons.push(format!("and {} more programs", needing.len() - MOST));
    }
    Ok((known, reasons))
}
