//! What `closure` asks: which files some commands of a root file system need, without a recipe or an image.

use std::collections::BTreeMap;
use std::path::PathBuf;

use ocelet_elf::{Closure, Options, Root, RulePacks, Target};
use ocelet_tree::{ReadError, TreePath, View};

use crate::close::{Because, commands, reason_of};
use crate::error::Error;
use crate::host::Host;
use crate::recipe::{Platform, nearest};
use crate::report::{self, ReportedWorld};
use crate::unpack::{self, UnpackError};

/// What is asked.
#[derive(Debug, Clone)]
pub struct ClosureQuery {
    /// A directory, tarball, layout or archive.
    pub root: PathBuf,
    /// The tag, for a layout or archive.
    pub tag: Option<String>,
    /// What the files must run on.
    pub platform: Platform,
    /// The names of rule packs.
    pub rules: Vec<String>,
    /// Commands by name, or absolute paths; every program of the usual `PATH` where empty.
    pub wanted: Vec<String>,
}

/// What is answered.
#[derive(Debug, Clone, Default)]
pub struct ClosureAnswer {
    /// The platform.
    pub platform: String,
    /// The files with their reasons.
    pub files: BTreeMap<String, Vec<Because>>,
    /// What is missing, as sentences.
    pub missing: Vec<String>,
    /// Programs that load libraries at run time without saying which.
    pub unexplained_dlopen: Vec<String>,
    /// The C libraries that load the programs, by the path of the loader.
    pub worlds: BTreeMap<String, ReportedWorld>,
}

/// Computes a closure.
///
/// # Errors
/// The root cannot be read, or a rule pack or the platform is unknown. What is missing is in the answer.
pub fn closure(query: &ClosureQuery, host: &Host<'_>) -> Result<ClosureAnswer, Error> {
    let packs = RulePacks::embedded();
    let names: Vec<&str> = query.rules.iter().map(String::as_str).collect();
    let rules = packs.choose(&names).map_err(|unknown| Error::NoSuchRules {
        near: unknown.iter().filter_map(|name| nearest(name, packs.names()).map(str::to_owned)).collect(),
        names: unknown,
    })?;
    let target = Target::parse(&query.platform.to_string()).map_err(|cause| {
        Error::Close(crate::close::CloseError::Platform { platform: query.platform.clone(), cause })
    })?;
    let view = unpack::open("root", &query.root, query.tag.as_deref(), &query.platform, host)?;
    let options = Options { rules, ..Options::new(target) };
    let mut answer = ClosureAnswer { platform: query.platform.to_string(), ..ClosureAnswer::default() };
    let roots = roots(&*view, query, &options, &mut answer)?;
    let closure = ocelet_elf::close(&*view, &roots, &options);
    fill(&mut answer, &closure);
    Ok(answer)
}

fn fill(answer: &mut ClosureAnswer, closure: &Closure) {
    for (path, kept) in &closure.files {
        answer.files.insert(path.to_string(), kept.reasons.iter().map(reason_of).collect());
    }
    answer.missing.extend(closure.problems.iter().map(ToString::to_string));
    answer.worlds = report::worlds(&closure.worlds);
    answer.unexplained_dlopen = closure.unexplained.iter().map(|one| one.path.to_string()).collect();
}

fn roots(
    view: &dyn View,
    query: &ClosureQuery,
    options: &Options,
    answer: &mut ClosureAnswer,
) -> Result<Vec<Root>, Error> {
    if query.wanted.is_empty() {
        return Ok(every_program(view, &options.path).map_err(UnpackError::Read)?);
    }
    let mut roots = Vec::new();
    for wanted in &query.wanted {
        if wanted.contains('/') {
            let path =
                TreePath::new(wanted).map_err(|cause| Error::NoSuchPath { path: wanted.clone(), cause })?;
            roots.push(Root::new(path, wanted.as_str()));
            continue;
        }
        match commands::find(view, &options.path, wanted).map_err(UnpackError::Read)? {
            Some(place) => roots.push(Root::new(place, format!("command {wanted}"))),
            None => answer.missing.push(format!("command \"{wanted}\" is in no directory of the usual PATH")),
        }
    }
    Ok(roots)
}

fn every_program(view: &dyn View, path: &[TreePath]) -> Result<Vec<Root>, ReadError> {
    let mut roots = Vec::new();
    for program in commands::everything(view, path)? {
        if commands::is_program(view, &program)? {
            let name = program.name().expect("what is in a directory has a name");
            roots.push(Root::new(program, format!("command {name}")));
        }
    }
    Ok(roots)
}
