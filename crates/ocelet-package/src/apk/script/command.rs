//! What a simple command does to a root file system: the few commands that most maintainer scripts are made of.
//!
//! Flags are those of busybox (`addgroup --help` and so on), which runs these scripts in Alpine. A flag that is
//! not known makes the whole command unread.

use std::num::ParseIntError;

use super::shell::Command;

/// Something that a script does. Paths, modes and owners are as they stand in the script.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Effect {
    /// A group is added.
    AddGroup {
        /// Its name.
        name: String,
        /// Its number, where it is given.
        gid: Option<u32>,
        /// Whether it is a system group.
        system: bool,
    },
    /// A user is added to a group.
    AddMember {
        /// The name of the user.
        user: String,
        /// The name of the group.
        group: String,
    },
    /// A user is added.
    AddUser(User),
    /// A directory is made.
    MakeDirectory {
        /// The directory.
        path: String,
        /// Its mode, where it is given.
        mode: Option<String>,
        /// Its owner, where it is given.
        owner: Option<String>,
        /// Its group, where it is given.
        group: Option<String>,
    },
    /// A symbolic link is made.
    Symlink {
        /// Where it is, or the directory that it is made in.
        path: String,
        /// Where it points.
        target: String,
    },
    /// The owner is changed.
    ChangeOwner {
        /// The file.
        path: String,
        /// `user`, `user:group` or `:group`.
        owner: String,
        /// Whether all that is below is changed too.
        recursive: bool,
    },
    /// The mode is changed.
    ChangeMode {
        /// The file.
        path: String,
        /// The mode: octal digits, or what chmod(1) calls symbolic.
        mode: String,
        /// Whether all that is below is changed too.
        recursive: bool,
    },
    /// A multi-call program links its own names into place (`busybox --install -s`). Which those are, newer
    /// packages say in `/etc/busybox-paths.d`.
    InstallApplets {
        /// The program.
        program: String,
    },
}

/// A user that a script adds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct User {
    /// The name.
    pub name: String,
    /// The number, where it is given.
    pub uid: Option<u32>,
    /// The first group, where it is given.
    pub group: Option<String>,
    /// The home directory, where it is given.
    pub home: Option<String>,
    /// The shell, where it is given.
    pub shell: Option<String>,
    /// The comment (GECOS), where it is given.
    pub comment: Option<String>,
    /// Whether it is a system user.
    pub system: bool,
    /// Whether it gets no home directory made.
    pub no_home: bool,
}

/// What a command means here.
pub(super) enum Meaning {
    Effects(Vec<Effect>),
    Nothing,
    Unread,
}

/// Commands that change no file.
const HARMLESS: [&str; 12] =
    ["true", "false", ":", "exit", "return", "echo", "printf", "set", "local", "[", "test", "shift"];

/// Reads one command.
pub(super) fn read(command: &Command) -> Meaning {
    let Some(words) = command.words.iter().cloned().collect::<Option<Vec<String>>>() else {
        let harmless = command.words.first().and_then(Option::as_deref).is_some_and(is_harmless);
        return if harmless && !command.redirected { Meaning::Nothing } else { Meaning::Unread };
    };
    let mut words = words.as_slice();
    while let [first, rest @ ..] = words {
        match base(first) {
            "exec" | "command" | "!" => words = rest,
            program if program.starts_with("busybox") => match rest {
                [flag, ..] if flag == "--install" => {
                    return Meaning::Effects(vec![Effect::InstallApplets { program: first.clone() }]);
                }
                _ => words = rest,
            },
            _ => break,
        }
    }
    let [name, arguments @ ..] = words else { return Meaning::Nothing };
    if command.redirected {
        return Meaning::Unread;
    }
    let effects = match base(name) {
        harmless if is_harmless(harmless) => return Meaning::Nothing,
        "bbsuid" if arguments == ["--install"] => {
            Some(vec![Effect::InstallApplets { program: name.clone() }])
        }
        "addgroup" => add_group(arguments),
        "adduser" => add_user(arguments),
        "mkdir" => make_directory(arguments),
        "install" => install(arguments),
        "ln" => link(arguments),
        "chown" | "chgrp" => change_owner(base(name) == "chgrp", arguments),
        "chmod" => change_mode(arguments),
        _ => None,
    };
    effects.map_or(Meaning::Unread, Meaning::Effects)
}

fn is_harmless(name: &str) -> bool {
    HARMLESS.contains(&name)
}

pub(super) fn base(program: &str) -> &str {
    program.rsplit('/').next().unwrap_or(program)
}

/// Flags and operands of a command.
struct Arguments {
    flags: Vec<(char, Option<String>)>,
    operands: Vec<String>,
}

impl Arguments {
    /// Reads flags of one letter; those in `valued` take a value. Nothing where a flag is not known.
    fn read(arguments: &[String], plain: &str, valued: &str) -> Option<Self> {
        let mut read = Self { flags: Vec::new(), operands: Vec::new() };
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            if argument == "--" {
                read.operands.extend(rest.by_ref().cloned());
            }
            let Some(letters) = argument.strip_prefix('-').filter(|letters| !letters.is_empty()) else {
                read.operands.push(argument.clone());
                continue;
            };
            if argument == "--" {
                continue;
            }
            for (index, letter) in letters.char_indices() {
                if plain.contains(letter) {
                    read.flags.push((letter, None));
                } else if valued.contains(letter) {
                    let attached = &letters[index + letter.len_utf8()..];
                    let value = if attached.is_empty() { rest.next()?.clone() } else { attached.to_owned() };
                    read.flags.push((letter, Some(value)));
                    break;
                } else {
                    return None;
                }
            }
        }
        Some(read)
    }

    fn has(&self, letter: char) -> bool {
        self.flags.iter().any(|(flag, _)| *flag == letter)
    }

    fn value(&self, letter: char) -> Option<String> {
        self.flags.iter().rev().find(|(flag, _)| *flag == letter)?.1.clone()
    }

    /// The number that a flag gives, if there is such a flag.
    fn number(&self, letter: char) -> Result<Option<u32>, ParseIntError> {
        self.value(letter).map(|digits| digits.parse()).transpose()
    }
}

fn add_group(arguments: &[String]) -> Option<Vec<Effect>> {
    let read = Arguments::read(arguments, "S", "g")?;
    let effect = match read.operands.as_slice() {
        [name] => Effect::AddGroup { name: name.clone(), gid: read.number('g').ok()?, system: read.has('S') },
        [user, group] if read.flags.is_empty() => {
            Effect::AddMember { user: user.clone(), group: group.clone() }
        }
        _ => return None,
    };
    Some(vec![effect])
}

fn add_user(arguments: &[String]) -> Option<Vec<Effect>> {
    let read = Arguments::read(arguments, "SDH", "hgsGuk")?;
    match read.operands.as_slice() {
        [name] => Some(vec![Effect::AddUser(User {
            name: name.clone(),
            uid: read.number('u').ok()?,
            group: read.value('G'),
            home: read.value('h'),
            shell: read.value('s'),
            comment: read.value('g'),
            system: read.has('S'),
            no_home: read.has('H'),
        })]),
        [user, group] if read.flags.is_empty() => {
            Some(vec![Effect::AddMember { user: user.clone(), group: group.clone() }])
        }
        _ => None,
    }
}

fn make_directory(arguments: &[String]) -> Option<Vec<Effect>> {
    let read = Arguments::read(arguments, "pv", "m")?;
    directories(&read)
}

fn install(arguments: &[String]) -> Option<Vec<Effect>> {
    let read = Arguments::read(arguments, "dDpv", "mog")?;
    if read.has('d') { directories(&read) } else { None }
}

fn directories(read: &Arguments) -> Option<Vec<Effect>> {
    let directory = |path: &String| Effect::MakeDirectory {
        path: path.clone(),
        mode: read.value('m'),
        owner: read.value('o'),
        group: read.value('g'),
    };
    (!read.operands.is_empty()).then(|| read.operands.iter().map(directory).collect())
}

fn link(arguments: &[String]) -> Option<Vec<Effect>> {
    let read = Arguments::read(arguments, "sfnTv", "")?;
    match read.operands.as_slice() {
        [target, path] if read.has('s') => {
            Some(vec![Effect::Symlink { path: path.clone(), target: target.clone() }])
        }
        _ => None,
    }
}

fn change_owner(group_only: bool, arguments: &[String]) -> Option<Vec<Effect>> {
    let read = Arguments::read(arguments, "Rhfv", "")?;
    let (owner, paths) = read.operands.split_first()?;
    let owner = if group_only { format!(":{owner}") } else { owner.clone() };
    let change = |path: &String| Effect::ChangeOwner {
        path: path.clone(),
        owner: owner.clone(),
        recursive: read.has('R'),
    };
    (!paths.is_empty()).then(|| paths.iter().map(change).collect())
}

fn change_mode(arguments: &[String]) -> Option<Vec<Effect>> {
    // A mode may begin with '-', as in `chmod -x`: that is no flag.
    let recursive = arguments.first().is_some_and(|first| first == "-R");
    let (mode, paths) = arguments[usize::from(recursive)..].split_first()?;
    let is_mode = mode.bytes().all(|byte| b"01234567ugoarwxXst+-=,".contains(&byte));
    let change = |path: &String| Effect::ChangeMode { path: path.clone(), mode: mode.clone(), recursive };
    (is_mode && !paths.is_empty() && !paths.iter().any(|path| path.starts_with('-')))
        .then(|| paths.iter().map(change).collect())
}
