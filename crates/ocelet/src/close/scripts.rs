//! The maintainer scripts of kept packages: none is ever run, and what each would have done is told.
//!
//! What could be read of a script is compared with the image: an account, directory or link that the recipe declares
//! is there, and nobody needs to hear of it. What a script does to files that the image does not have is moot.

use ocelet_package::apk::{Effect, Effects, Step};
use ocelet_tree::{Kind, Node, Tree, TreePath, lookup, resolve};

use super::accounts::{Accounts, GROUP, PASSWD, Table};
use super::error::CloseError;
use super::image::ImageView;
use super::text;
use super::warnings::Warnings;
use super::{Kept, packages::Packages};
use crate::recipe::Flavor;
use crate::unpack::Installed;

/// The largest file of accounts that is read, in bytes.
const LIMIT: u64 = 16 << 20;
/// How many steps of a script a warning names before it counts the rest.
const MOST: usize = 4;

/// Directories that are made to put programs into, and of no use without any.
const FOR_PROGRAMS: [&str; 4] = ["/bin", "/sbin", "/usr/bin", "/usr/sbin"];

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
    for (package, kind, effects, is_told) in scripts {
        let step = |step: &Step| UnrunStep {
            line: step.line,
            command: command(&step.effect),
            conditional: step.conditional,
            is_declared: image.is_as_wanted(&step.effect),
        };
        let one = UnrunScript {
            package,
            kind: kind.to_owned(),
            steps: effects.steps.iter().map(step).collect(),
            unread: effects.unread.into_iter().map(|unread| (unread.line, unread.text)).collect(),
        };
        if let Some(message) = one.warning(is_told) {
            warnings.add(flavor, message);
        }
        unrun.push(one);
    }
    Ok(unrun)
}

/// A script that does something: the package, when it runs, what it does, and which unread commands are told.
type Doing = (String, &'static str, Effects, fn(&str) -> bool);

/// The scripts of packages that would have run when they were installed. What Debian's would have linked and diverted
/// was done when the packages were unpacked.
fn scripts(packages: &Packages<'_>, kept: &Kept) -> Vec<Doing> {
    let mut scripts: Vec<Doing> = Vec::new();
    for (package, installed) in packages.with_scripts(kept) {
        let name = format!("{}-{}", package.name, package.version);
        match installed {
            Installed::Apk(apk) => {
                let scripts_of = apk.scripts.iter().map(|one| &one.script);
                let run = scripts_of.filter(|script| script.kind.runs_on_install());
                scripts.extend(run.map(|one| {
                    (name.clone(), one.kind.name(), one.effects(), (|_| true) as fn(&str) -> bool)
                }));
            }
            Installed::Deb(deb) => {
                for script in deb.scripts.iter().filter(|script| script.kind.runs_on_install()) {
                    let mut effects = script.steps();
                    effects.unread.extend(script.effects().unread);
                    effects.unread.sort_by_key(|unread| unread.line);
                    scripts.push((name.clone(), script.kind.name(), effects, is_missed));
                }
            }
        }
    }
    scripts.retain(|(_, _, effects, _)| !effects.steps.is_empty() || !effects.unread.is_empty());
    scripts
}

/// Whether an unread command of a Debian script is told: accounts, capabilities, links and diversions.
fn is_missed(command: &str) -> bool {
    let program = command.split_whitespace().find(|word| *word != "!").unwrap_or("");
    let program = program.rsplit('/').next().unwrap_or("");
    TOLD.contains(&program) || ["update-alternatives", "dpkg-divert"].contains(&program)
}

impl UnrunScript {
    /// What there is to tell; nothing where the recipe makes up for all that could be read.
    fn warning(&self, is_told: fn(&str) -> bool) -> Option<String> {
        let open: Vec<&UnrunStep> = self.steps.iter().filter(|step| !step.is_declared).collect();
        let unread = self.unread.iter().filter(|(_, text)| is_told(text));
        let unread: Vec<String> = unread.map(|(line, text)| format!("{text} (line {line})")).collect();
        let head = format!("{} of {} was not run", self.kind, self.package);
        if open.is_empty() {
            let nothing_read = self.steps.is_empty() && !unread.is_empty();
            return nothing_read.then(|| format!("{head}, and cannot be read: {}", list(&unread)));
        }
        let open: Vec<String> = open
            .iter()
            .map(|step| {
                let perhaps = if step.conditional { "perhaps " } else { "" };
                format!("{perhaps}{} (line {})", step.command, step.line)
            })
            .collect();
        let rest = if unread.is_empty() { String::new() } else { format!("; unread: {}", list(&unread)) };
        Some(format!(
            "{head}; it would have: {}{rest}; declare in the recipe what is wanted of it: users, groups, directories, links",
            list(&open)
        ))
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

/// What the effects of scripts are compared with.
struct Image<'kept> {
    files: ImageView<'kept>,
    kept: &'kept Kept,
    users: Accounts,
    groups: Accounts,
}

impl<'kept> Image<'kept> {
    fn new(kept: &'kept Kept, tree: &'kept Tree) -> Result<Self, CloseError> {
        let files = ImageView::new(kept, tree);
        let read = |path, table| {
            let text = text::read(&files, path, LIMIT)?;
            Ok::<_, CloseError>(
                text.map_or_else(Accounts::default, |text| Accounts::parse(&text.bytes, table)),
            )
        };
        let (users, groups) = (read(PASSWD, Table::Users)?, read(GROUP, Table::Groups)?);
        Ok(Self { files, kept, users, groups })
    }

    /// Whether the image is already as an effect would have left it, as far as the recipe can make it so.
    fn is_as_wanted(&self, effect: &Effect) -> bool {
        match effect {
            Effect::AddGroup { name, gid, .. } => {
                self.groups.number(name).is_some_and(|number| gid.is_none_or(|gid| gid == number))
            }
            Effect::AddUser(user) => {
                self.users.number(&user.name).is_some_and(|number| user.uid.is_none_or(|uid| uid == number))
            }
            Effect::AddMember { user, group } => self.is_member(user, group),
            Effect::MakeDirectory { path, mode, .. } => match self.node(path) {
                Some(node) => node.is_directory() && mode.as_ref().is_none_or(|mode| has_mode(&node, mode)),
                None => FOR_PROGRAMS.contains(&path.trim_end_matches('/')),
            },
            Effect::Symlink { path, target } => self.is_link(path, target),
            // There is nothing to change where the file is not in the image.
            Effect::ChangeOwner { path, owner, .. } => {
                self.node(path).is_none_or(|node| self.is_owned(&node, owner))
            }
            Effect::ChangeMode { path, mode, .. } => self.node(path).is_none_or(|node| has_mode(&node, mode)),
            Effect::InstallApplets { program } => self.node(program).is_none() || self.has_link_to(program),
            _ => false,
        }
    }

    /// What is at a path of a script, links followed.
    fn node(&self, path: &str) -> Option<Node> {
        let path = TreePath::new(path).ok()?;
        resolve(&self.files, &path).ok().map(|there| there.node)
    }

    fn is_member(&self, user: &str, group: &str) -> bool {
        let first = self.users.field(user, 3).map(<[u8]>::to_vec);
        let number = self.groups.field(group, 2).map(<[u8]>::to_vec);
        let members = self.groups.field(group, 3).unwrap_or_default();
        let listed = members.split(|byte| *byte == b',').any(|member| member == user.as_bytes());
        listed || (first.is_some() && first == number)
    }

    fn is_link(&self, path: &str, target: &str) -> bool {
        let Ok(path) = TreePath::new(path) else { return false };
        let points = |path: &TreePath| {
            lookup(&self.files, path).is_ok_and(|there| {
                matches!(&there.node.kind, Kind::Symlink { target: there } if there.as_bytes() == target.as_bytes())
            })
        };
        let name = target.rsplit('/').next().and_then(|name| ocelet_tree::Name::new(name).ok());
        points(&path) || name.is_some_and(|name| points(&path.join(&name)))
    }

    /// `user`, `user:group` or `:group`, by name or number.
    fn is_owned(&self, node: &Node, owner: &str) -> bool {
        let (user, group) = owner.split_once([':', '.']).unwrap_or((owner, ""));
        let is = |name: &str, accounts: &Accounts, number: u32| {
            name.is_empty() || name.parse().ok().or_else(|| accounts.number(name)) == Some(number)
        };
        is(user, &self.users, node.metadata.uid) && is(group, &self.groups, node.metadata.gid)
    }

    /// Whether at least one name of a program with many was asked for and is there.
    fn has_link_to(&self, program: &str) -> bool {
        let Ok(program) = TreePath::new(program) else { return false };
        self.kept.paths.keys().any(|path| {
            let is_link = self.files.get(path).is_some_and(|node| matches!(node.kind, Kind::Symlink { .. }));
            is_link && resolve(&self.files, path).is_ok_and(|there| there.path == program)
        })
    }
}

/// Whether something has a mode that is written in octal digits. What chmod(1) calls symbolic is not looked into.
fn has_mode(node: &Node, mode: &str) -> bool {
    u16::from_str_radix(mode, 8).is_ok_and(|mode| node.metadata.mode == mode)
}
