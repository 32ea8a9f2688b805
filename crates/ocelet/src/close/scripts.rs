//! The maintainer scripts of kept packages: none is ever run, and what each would have done is told.
//!
//! What could be read of a script is compared with the image: an account, directory or link that the recipe declares
//! is there, and nobody needs to hear of it. What a script does to files that the image does not have is moot.

use ocelet_package::apk::{Effect, Effects, Step, Unread};
use ocelet_package::deb::MaintainerScript;
use ocelet_tree::Tree;

use super::error::CloseError;
use super::warnings::Warnings;
use super::{Kept, packages::Packages};
use crate::recipe::Flavor;
use crate::unpack::Installed;
use declared::Image;

mod declared;

/// How many steps of a script a warning names before it counts the rest.
const MOST: usize = 4;

/// Where programs only look things up (Filesystem Hierarchy Standard 3.0, 3.4, 3.7, 3.9, 3.16, 4.1): an empty directory
/// there says no more than none.
const FOR_READING: [&str; 5] = ["/bin", "/etc", "/lib", "/sbin", "/usr"];

/// Commands that an image may miss though their words could not be read: accounts and capabilities. Debian's scripts
/// are long, and most of what they do is for a system that runs or is upgraded; all of it is in the report, and only
/// these are told.
const TOLD: [&str; 7] = ["addgroup", "adduser", "groupadd", "setcap", "useradd", "usermod", "gpasswd"];

/// A script that a package manager would have run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnrunScript {
    /// The package, with its version.
    pub package: String,
    /// When it would have run: `post-install`, `postinst`.
    pub kind: String,
    /// What it would have done, as far as that could be read.
    pub steps: Vec<UnrunStep>,
    /// The parts that could not be read, by their lines: the command as it stands there.
    pub unread: Vec<(usize, String)>,
}

/// Something that a script would have done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnrunStep {
    /// The line of the script, counted from 1.
    pub line: usize,
    /// The command, in its plainest form.
    pub command: String,
    /// Whether the script may not have got there: the line stands behind a condition.
    pub conditional: bool,
    /// Whether the image is already as the command would have left it.
    pub is_declared: bool,
}

/// Finds the scripts of a flavor's packages, and tells of those that the recipe does not make up for.
///
/// # Errors
/// The accounts of the image cannot be read.
pub(super) fn unrun(
    flavor: &Flavor,
    packages: &Packages<'_>,
    tree: &Tree,
    kept: &Kept,
    warnings: &mut Warnings,
) -> Result<Vec<UnrunScript>, CloseError> {
    let scripts = scripts(packages, kept);
    if scripts.is_empty() {
        return Ok(Vec::new());
    }
    let image = Image::new(kept, tree)?;
    let mut unrun = Vec::new();
    for Doing { package, kind, effects, missed } in scripts {
        let step = |step: &Step| UnrunStep {
            line: step.line,
            command: command(&step.effect),
            conditional: step.conditional,
            is_declared: image.is_as_wanted(&step.effect),
        };
        let steps: Vec<UnrunStep> = effects.steps.iter().map(step).collect();
        let open = steps
            .iter()
            .zip(&effects.steps)
            .filter(|(one, step)| !one.is_declared && is_of_use(&step.effect));
        let open: Vec<String> = open.map(|(one, _)| one.told()).collect();
        let is_made_up_for = steps.iter().any(|one| one.is_declared);
        if let Some(told) = told(&open, &missed, is_made_up_for) {
            warnings.add(flavor, format!("{kind} of {package} was not run{told}"));
        }
        let unread = effects.unread.into_iter().map(|unread| (unread.line, unread.text)).collect();
        let one = UnrunScript { package, kind: kind.to_owned(), steps, unread };
        unrun.push(one);
    }
    Ok(unrun)
}

/// A script that does something.
struct Doing {
    /// The package, with its version.
    package: String,
    /// When it runs.
    kind: &'static str,
    /// What it does.
    effects: Effects,
    /// What of the unread is told.
    missed: Vec<String>,
}

/// The scripts of packages that would have run when they were installed. What Debian's would have linked and diverted
/// was done when the packages were unpacked.
fn scripts(packages: &Packages<'_>, kept: &Kept) -> Vec<Doing> {
    let mut scripts: Vec<Doing> = Vec::new();
    let told = |unread: &Unread| format!("{} (line {})", unread.text, unread.line);
    for (package, installed) in packages.with_scripts(kept) {
        let package = format!("{}-{}", package.name, package.version);
        match installed {
            Installed::Apk(apk) => {
                let scripts_of = apk.scripts.iter().map(|one| &one.script);
                for script in scripts_of.filter(|script| script.kind.runs_on_install()) {
                    let effects = script.effects();
                    let missed = effects.unread.iter().map(told).collect();
                    scripts.push(Doing {
                        package: package.clone(),
                        kind: script.kind.name(),
                        effects,
                        missed,
                    });
                }
            }
            Installed::Deb(deb) => {
                for script in deb.scripts.iter().filter(|script| script.kind.runs_on_install()) {
                    let mut effects = script.steps();
                    effects.unread.extend(script.effects().unread);
                    effects.unread.sort_by_key(|unread| unread.line);
                    let missed =
                        effects.unread.iter().filter(|unread| is_missed(script, unread)).map(told).collect();
                    scripts.push(Doing {
                        package: package.clone(),
                        kind: script.kind.name(),
                        effects,
                        missed,
                    });
                }
            }
        }
    }
    scripts.retain(|one| !one.effects.steps.is_empty() || !one.effects.unread.is_empty());
    scripts
}

/// Whether an image may miss what an unread command of a Debian script does.
///
/// Capabilities that hang on an answer of whoever installs are for that person to give. A command that an unread
/// alternative would have linked is missing with words of its own where anybody wants it. A diversion that renames
/// nothing moves no file that is there, and packages that both have the file clash when they are unpacked.
fn is_missed(script: &MaintainerScript, unread: &Unread) -> bool {
    let mut words = unread.text.split_whitespace().skip_while(|word| *word == "!");
    let program = words.next().and_then(|program| program.rsplit('/').next());
    match program {
        Some("setcap") => !script.asks_before(unread.line),
        Some("dpkg-divert") => words.any(|word| word == "--rename"),
        Some(program) => TOLD.contains(&program),
        None => false,
    }
}

/// Whether an image can miss an effect at all.
fn is_of_use(effect: &Effect) -> bool {
    match effect {
        Effect::MakeDirectory { path, .. } => {
            let first = path.split('/').find(|name| !name.is_empty()).unwrap_or_default();
            !FOR_READING.iter().any(|place| &place[1..] == first)
        }
        _ => true,
    }
}

/// What there is to tell; nothing where the recipe makes up for all that could be read.
fn told(open: &[String], missed: &[String], is_made_up_for: bool) -> Option<String> {
    if open.is_empty() {
        let is_told = !is_made_up_for && !missed.is_empty();
        return is_told.then(|| format!(", and cannot be read: {}", list(missed)));
    }
    let rest = if missed.is_empty() { String::new() } else { format!("; unread: {}", list(missed)) };
    Some(format!(
        "; it would have: {}{rest}; declare in the recipe what is wanted of it: users, groups, directories, links",
        list(open)
    ))
}

impl UnrunStep {
    fn told(&self) -> String {
        let perhaps = if self.conditional { "perhaps " } else { "" };
        format!("{perhaps}{} (line {})", self.command, self.line)
    }
}

fn list(parts: &[String]) -> String {
    let shown = parts[..parts.len().min(MOST)].join(", ");
    if parts.len() > MOST { format!("{shown} and {} more", parts.len() - MOST) } else { shown }
}

/// An effect as the command that has it.
fn command(effect: &Effect) -> String {
    let option = |flag: &str, value: &Option<String>| {
        value.as_ref().map_or_else(String::new, |value| format!("{flag} {value} "))
    };
    let numbered = |flag: &str, value: Option<u32>| option(flag, &value.map(|number| number.to_string()));
    let recursive = |recursive: bool| if recursive { "-R " } else { "" };
    match effect {
        Effect::AddGroup { name, gid, system } => {
            format!("addgroup {}{}{name}", if *system { "-S " } else { "" }, numbered("-g", *gid))
        }
        Effect::AddMember { user, group } => format!("addgroup {user} {group}"),
        Effect::AddUser(user) => format!(
            "adduser {}{}{}{}{}{}",
            if user.system { "-S " } else { "" },
            numbered("-u", user.uid),
            option("-G", &user.group),
            option("-h", &user.home),
            option("-s", &user.shell),
            user.name
        ),
        Effect::MakeDirectory { path, mode, .. } => format!("mkdir {}{path}", option("-m", mode)),
        Effect::Symlink { path, target } => format!("ln -s {target} {path}"),
        Effect::ChangeOwner { path, owner, recursive: deep } => {
            format!("chown {}{owner} {path}", recursive(*deep))
        }
        Effect::ChangeMode { path, mode, recursive: deep } => {
            format!("chmod {}{mode} {path}", recursive(*deep))
        }
        Effect::InstallApplets { program } => {
            format!("link the names of the applets of {program} into place")
        }
        other => format!("{other:?}"),
    }
}
