//! [`Script`]: a maintainer script, which is never run, and what it would have done as far as that can be read.
//!
//! Scripts are programs and cannot be understood in general. What most of them do is the same few commands —
//! `addgroup`, `adduser`, `mkdir`, `ln -s`, `chown`, `chmod`, `install -d` — with arguments that stand there: those
//! are read into [`Effect`]s that a recipe can declare instead. Everything else is told as it stands, with its
//! line, and never guessed at: what depends on a variable that is not set to plain text, on another command's
//! output or on a glob counts as unread.

mod command;
pub(crate) mod shell;

use std::fmt;

pub use command::{Effect, User};

/// A maintainer script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    /// When apk would run it.
    pub kind: ScriptKind,
    /// Its text.
    pub text: Vec<u8>,
}

/// When apk would run a script (apk-tools, `src/package.c`, `apk_script_types`, in whose order these are).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ScriptKind {
    /// Before the files of a new package are put in place.
    PreInstall,
    /// After the files of a new package were put in place.
    PostInstall,
    /// Before the package is removed.
    PreDeinstall,
    /// After the package was removed.
    PostDeinstall,
    /// Before another version replaces the package.
    PreUpgrade,
    /// After another version has replaced the package.
    PostUpgrade,
    /// After something in one of the package's trigger directories was changed.
    Trigger,
}

/// What a script would have done.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Effects {
    /// What could be read, in the order of the lines.
    pub steps: Vec<Step>,
    /// What could not.
    pub unread: Vec<Unread>,
}

/// Something that a script would have done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The line, counted from 1.
    pub line: usize,
    /// What it does.
    pub effect: Effect,
    /// Whether it stands where it may not be reached: inside of `if`, `for`, `case`, a function, or behind `&&`.
    pub conditional: bool,
}

/// A part of a script that was not understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unread {
    /// The line, counted from 1.
    pub line: usize,
    /// The command as it stands there.
    pub text: String,
}

impl ScriptKind {
    /// All kinds, in the order in which apk writes them down.
    pub const ALL: [Self; 7] = [
        Self::PreInstall,
        Self::PostInstall,
        Self::PreDeinstall,
        Self::PostDeinstall,
        Self::PreUpgrade,
        Self::PostUpgrade,
        Self::Trigger,
    ];

    /// The kind of that name, as in `.post-install` without the dot.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The name without the dot.
    pub fn name(self) -> &'static str {
        match self {
            Self::PreInstall => "pre-install",
            Self::PostInstall => "post-install",
            Self::PreDeinstall => "pre-deinstall",
            Self::PostDeinstall => "post-deinstall",
            Self::PreUpgrade => "pre-upgrade",
            Self::PostUpgrade => "post-upgrade",
            Self::Trigger => "trigger",
        }
    }

    /// Whether apk would run it when a package is first installed, which is all that an image ever sees.
    pub fn runs_on_install(self) -> bool {
        matches!(self, Self::PreInstall | Self::PostInstall | Self::Trigger)
    }
}

impl Script {
    /// What the script would have done.
    pub fn effects(&self) -> Effects {
        effects(&self.text, |_| false)
    }
}

/// What the text of a script would have done; commands whose names `passed` knows are no news.
pub(crate) fn effects(text: &[u8], passed: impl Fn(&str) -> bool) -> Effects {
    let mut effects = Effects::default();
    for command in shell::commands(&String::from_utf8_lossy(text)) {
        let program = command.words.first().and_then(Option::as_deref).unwrap_or("");
        if passed(command::base(program)) {
            continue;
        }
        match command::read(&command) {
            command::Meaning::Effects(found) => {
                effects.steps.extend(found.into_iter().map(|effect| Step {
                    line: command.line,
                    effect,
                    conditional: command.conditional,
                }));
            }
            command::Meaning::Nothing => {}
            command::Meaning::Unread => {
                effects.unread.push(Unread { line: command.line, text: command.text.clone() });
            }
        }
    }
    effects
}

impl fmt::Display for ScriptKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

#[cfg(test)]
mod tests;
