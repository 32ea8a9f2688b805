//! [`Problem`]: what makes a set of files unfit to run. Each names the file, what it wants, and what is there.

use ocelet_tree::TreePath;

use crate::{Mismatch, Text, World};

/// What makes a set of files unfit to run.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// A root that no source provides.
    #[error("{label} is {path}, which no source provides{}", via(.at, .path))]
    MissingRoot {
        /// What the recipe calls it.
        label: String,
        /// The file.
        path: TreePath,
        /// The place where the walk ended.
        at: TreePath,
    },
    /// Links that lead in a circle, or through too many.
    #[error("{path} leads through a circle of symbolic links: {}", list(.links))]
    TangledLinks {
        /// The path.
        path: TreePath,
        /// The links.
        links: Vec<TreePath>,
    },
    /// A program whose loader is missing. The kernel would say "no such file" of the program itself.
    #[error("{program} wants {loader}, its loader, which no source provides")]
    MissingLoader {
        /// The program.
        program: TreePath,
        /// The loader, as the program has it.
        loader: Text,
    },
    /// A loader that is there and cannot be run.
    #[error("{program} wants the loader {loader}, which is {why}")]
    UnusableLoader {
        /// The program.
        program: TreePath,
        /// The loader, as the program has it.
        loader: Text,
        /// What is wrong with it.
        why: String,
    },
    /// A program that needs libraries from a loader whose rules are not known.
    #[error(
        "{program} needs libraries through the loader {loader}, whose rules are not known; known are glibc and musl"
    )]
    UnknownLoader {
        /// The program.
        program: TreePath,
        /// The loader, as the program has it.
        loader: Text,
    },
    /// A library that nothing provides.
    #[error("{by} needs {name}, which is in none of the directories that its loader searches: {}{}", list(.searched), on_behalf(.by, .program))]
    MissingLibrary {
        /// The name.
        name: Text,
        /// Who needs it.
        by: TreePath,
        /// The program in which that happens.
        program: TreePath,
        /// The directories that were searched.
        searched: Vec<TreePath>,
    },
    /// A library that is there for another machine only.
    #[error("{by} needs {name}; {path} is {mismatch}")]
    LibraryForOtherMachine {
        /// The name.
        name: Text,
        /// Who needs it.
        by: TreePath,
        /// The first file that was passed over.
        path: TreePath,
        /// What it is made for.
        mismatch: Mismatch,
    },
    /// A file that a loader takes for a library, and cannot load.
    #[error("{by} needs {name}; its loader takes {path}, which is {why}")]
    UnusableLibrary {
        /// The name.
        name: Text,
        /// Who needs it.
        by: TreePath,
        /// The file.
        path: TreePath,
        /// Why it cannot be loaded.
        why: String,
    },
    /// A symbol version that the library does not define: it is too old, or another build.
    #[error("{by} needs version {version} of {name}; {path} does not define it")]
    MissingVersion {
        /// Who needs it.
        by: TreePath,
        /// The version.
        version: Text,
        /// The library's name.
        name: Text,
        /// The library that is found.
        path: TreePath,
    },
    /// A version of a library that the file does not load.
    #[error("{by} needs version {version} of {name}, and nothing loads a library of that name")]
    VersionOfUnloaded {
        /// Who needs it.
        by: TreePath,
        /// The version.
        version: Text,
        /// The library's name.
        name: Text,
    },
    /// A file that does not run on the platform.
    #[error("{path} is {mismatch}")]
    WrongPlatform {
        /// The file.
        path: TreePath,
        /// What it is made for.
        mismatch: Mismatch,
    },
    /// A program that asks for one C library's loader and was linked against the other.
    #[error("{program} was linked against {linked}, and asks for the loader {loader}, which is of {world}")]
    ForeignLoader {
        /// The program.
        program: TreePath,
        /// The world that it was linked against.
        linked: World,
        /// The loader, as the program has it.
        loader: Text,
        /// The loader's world.
        world: World,
    },
    /// A library of one C library's world is all that the loader of the other finds.
    #[error(
        "{by} needs {name}, and its loader takes {path}, which was linked against {other}; {program} is a {world} program"
    )]
    MixedWorlds {
        /// The name.
        name: Text,
        /// Who needs it.
        by: TreePath,
        /// The program in which that happens.
        program: TreePath,
        /// Its world.
        world: World,
        /// The library.
        path: TreePath,
        /// The library's world.
        other: World,
    },
    /// A script whose interpreter is missing.
    #[error("{script} is run by {interpreter}, which no source provides")]
    MissingInterpreter {
        /// The script.
        script: TreePath,
        /// The interpreter, or the command that `env` looks up.
        interpreter: String,
    },
    /// A file that looks like ELF and is damaged.
    #[error("{path} cannot be understood: {why}")]
    DamagedElf {
        /// The file.
        path: TreePath,
        /// What is wrong.
        why: String,
    },
    /// A file that cannot be read.
    #[error("{path} cannot be read: {why}")]
    Unreadable {
        /// The file.
        path: TreePath,
        /// Why.
        why: String,
    },
    /// A library that a note names.
    #[error("{by} loads one of {} for {feature} (.note.dlopen, {priority}), which no source provides", words(.names))]
    MissingNoted {
        /// Who loads it.
        by: TreePath,
        /// The names that are tried.
        names: Vec<Text>,
        /// What it is for.
        feature: String,
        /// How much is lost without it.
        priority: &'static str,
    },
    /// A file that a rule requires.
    #[error("rule pack {pack} requires {pattern}, which no source provides: {reason}")]
    MissingRuleFile {
        /// The pack.
        pack: String,
        /// The pattern.
        pattern: String,
        /// Why.
        reason: String,
    },
}

fn via(at: &TreePath, path: &TreePath) -> String {
    if at == path { String::new() } else { format!(": it leads to {at}, which does not exist") }
}

fn on_behalf(by: &TreePath, program: &TreePath) -> String {
    if by == program { String::new() } else { format!(" (for {program})") }
}

fn list(paths: &[TreePath]) -> String {
    if paths.is_empty() {
        return "(none)".to_owned();
    }
    // A circle passes its links again and again, and two spellings of a directory may be one: each is said once.
    let mut seen = std::collections::BTreeSet::new();
    let each = paths.iter().filter(|path| seen.insert(*path));
    each.map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn words(names: &[Text]) -> String {
    names.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
