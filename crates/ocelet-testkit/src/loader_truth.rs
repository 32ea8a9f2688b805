//! Real loaders as oracles: what `LOADER --list FILE` maps, against what we say it would.
//!
//! The root may be of any machine: the command is given, `chroot ROOT qemu-ARCH-static LOADER --list` for
//! foreign ones. Paths are compared where they really are, inside of the root.

use std::collections::BTreeSet;
use std::process::Command;

use ocelet_tree::{TreePath, View, resolve};

/// A loader that can be asked.
#[derive(Debug, Clone)]
pub struct Oracle {
    /// The command; the file comes behind it.
    pub command: Vec<String>,
}

/// What one file maps: real paths, without the file itself, and the names that nothing answers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mapped {
    /// The files.
    pub files: BTreeSet<TreePath>,
    /// The names.
    pub missing: BTreeSet<String>,
}

/// The outcome over many files.
#[derive(Debug, Default)]
pub struct Tally {
    /// How many files were compared.
    pub compared: usize,
    /// How many agree.
    pub agree: usize,
    /// Files that the loader would not list at all, and what it said.
    pub refused: Vec<(TreePath, String)>,
    /// Files with a difference, as a sentence each.
    pub differ: Vec<String>,
}

impl Oracle {
    /// Asks for one file.
    ///
    /// # Errors
    /// What the loader says when it does not list the file.
    pub fn list(&self, view: &dyn View, file: &TreePath) -> Result<Mapped, String> {
        #[expect(clippy::disallowed_methods, reason = "the oracle is a program")]
        let output = Command::new(&self.command[0])
            .args(&self.command[1..])
            .arg(file.to_string())
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .output()
            .map_err(|error| format!("{}: {error}", self.command[0]))?;
        let text = String::from_utf8_lossy(&output.stdout);
        let mut mapped = Mapped::default();
        let said = String::from_utf8_lossy(&output.stderr);
        for line in text.lines() {
            read_line(view, line.trim(), &mut mapped)?;
        }
        // musl: "Error loading shared library NAME: No such file or directory (needed by FILE)".
        for line in said.lines() {
            if let Some(rest) = line.strip_prefix("Error loading shared library ")
                && let Some((name, _)) = rest.split_once(": ")
            {
                mapped.missing.insert(name.to_owned());
            }
        }
        let nothing = mapped.files.is_empty() && mapped.missing.is_empty();
        if nothing && text.trim() != "statically linked" {
            return Err(format!("{}{}", text.trim(), said.trim()));
        }
        Ok(mapped)
    }

    /// Asks for every file, and compares with what `ours` says; nothing from it leaves the file out.
    pub fn compare<'files>(
        &self,
        view: &dyn View,
        files: impl IntoIterator<Item = &'files TreePath>,
        ours: impl Fn(&TreePath) -> Option<Mapped>,
    ) -> Tally {
        let mut tally = Tally::default();
        for file in files {
            let Some(ours) = ours(file) else { continue };
            let theirs = match self.list(view, file) {
                Ok(theirs) => theirs,
                Err(said) if names_missing(&said).is_some_and(|name| ours.missing.contains(name)) => {
                    tally.compared += 1;
                    tally.agree += 1;
                    continue;
                }
                Err(said) => {
                    tally.refused.push((file.clone(), said));
                    continue;
                }
            };
            tally.compared += 1;
            if ours == theirs {
                tally.agree += 1;
            } else {
                tally.differ.push(difference(file, &ours, &theirs));
            }
        }
        tally
    }
}

/// glibc's loader gives up at the first missing library of some files, and names it.
fn names_missing(said: &str) -> Option<&str> {
    let (_, rest) = said.split_once("error while loading shared libraries: ")?;
    rest.strip_suffix(": cannot open shared object file: No such file or directory")
}

fn read_line(view: &dyn View, line: &str, mapped: &mut Mapped) -> Result<(), String> {
    let (name, rest) = line.split_once(" => ").unwrap_or((line, line));
    if rest == "not found" {
        mapped.missing.insert(name.to_owned());
        return Ok(());
    }
    // Under qemu the kernel's own library has not even a name; a file that needs nothing is called static.
    if line.is_empty() || line.starts_with("(0x") || line == "statically linked" {
        return Ok(());
    }
    let Some((path, _)) = rest.rsplit_once(" (0x") else { return Err(line.to_owned()) };
    if !path.starts_with('/') {
        // The kernel's own library has no file.
        return Ok(());
    }
    let path = collapse(path);
    let path = TreePath::new(&path).map_err(|error| error.to_string())?;
    let real = resolve(view, &path).map_err(|error| error.to_string())?;
    mapped.files.insert(real.path);
    Ok(())
}

/// Takes out `..` by the text: the fixtures have no link in front of one.
fn collapse(path: &str) -> String {
    let mut names = Vec::new();
    for name in path.split('/') {
        match name {
            ".." => {
                names.pop();
            }
            "" | "." => {}
            name => names.push(name),
        }
    }
    names.join("/")
}

fn difference(file: &TreePath, ours: &Mapped, theirs: &Mapped) -> String {
    let paths = |one: &Mapped, other: &Mapped| {
        one.files.difference(&other.files).map(ToString::to_string).collect::<Vec<_>>().join(" ")
    };
    format!(
        "{file}: only we: [{}]; only the loader: [{}]; missing, we: {:?}, the loader: {:?}",
        paths(ours, theirs),
        paths(theirs, ours),
        ours.missing,
        theirs.missing
    )
}
