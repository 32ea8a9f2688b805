//! Writes a database as the files below `var/lib/dpkg`, which [`Database::read`] reads again.

use std::collections::{BTreeMap, BTreeSet};

use ocelet_tree::TreePath;

use super::{Conffile, Database, Installed, Layout};
use crate::deb::digest::hex;

impl Database {
    /// The files of the database by their names below `var/lib/dpkg`. Packages are written in their order; in
    /// `status.d` that of their names is all there is, and one that is there twice is written twice.
    ///
    /// # Panics
    /// Never: names of packages are plain.
    pub fn to_files(&self, layout: Layout) -> BTreeMap<TreePath, Vec<u8>> {
        let place = |name: String| TreePath::new(name).expect("names of packages are plain");
        let mut files = BTreeMap::new();
        let mut status = String::new();
        let (mut names, mut others) = (BTreeSet::new(), BTreeMap::new());
        for package in &self.packages {
            let text = package.paragraph_text();
            let mut name = package.name().to_owned();
            let again = !names.insert(name.clone());
            match layout {
                Layout::Status => {
                    // dpkg tells packages apart by the architecture where several may be there (info/format 1).
                    if package.value("Multi-Arch").is_some_and(|value| value.eq_ignore_ascii_case("same")) {
                        name = format!("{name}:{}", package.architecture());
                    }
                    status = status + &text + "\n";
                    if package.is_installed() || !package.files.is_empty() {
                        files.insert(place(format!("info/{name}.list")), package.list());
                    }
                    if !package.md5sums.is_empty() {
                        files.insert(place(format!("info/{name}.md5sums")), package.sums());
                    }
                }
                Layout::StatusDirectory => {
                    if again {
                        name = format!("{name}:{}", package.architecture());
                        let times: &mut u64 = others.entry(name.clone()).or_default();
                        *times += 1;
                        if *times > 1 {
                            name = format!("{name}:{times}");
                        }
                    }
                    files.insert(place(format!("status.d/{name}.md5sums")), package.sums());
                    files.insert(place(format!("status.d/{name}")), text.into_bytes());
                }
            }
        }
        if layout == Layout::Status {
            files.insert(place("status".to_owned()), status.into_bytes());
            files.insert(place("info/format".to_owned()), b"1\n".to_vec());
        }
        files
    }

    /// The names that the lists cannot hold, since they have an end of a line in them, and those of conffiles that are
    /// not UTF-8.
    pub fn unwritable(&self) -> Vec<TreePath> {
        let files = self.packages.iter().flat_map(|package| &package.files);
        let broken = files.filter(|path| path.as_bytes().contains(&b'\n'));
        let conffiles = self.packages.iter().flat_map(|package| package.conffiles.keys());
        let no_text = conffiles.filter(|path| std::str::from_utf8(path.as_bytes()).is_err());
        broken.chain(no_text).cloned().collect()
    }
}

impl Installed {
    /// The paragraph, with the end of its last line and without the empty line that ends it.
    pub fn paragraph_text(&self) -> String {
        let mut text = String::new();
        // dpkg writes the conffiles before the description, which is the last of what scanners of old read.
        let last = self.fields.iter().position(|(name, _)| name.eq_ignore_ascii_case("Description"));
        let at = last.unwrap_or(self.fields.len());
        for (name, value) in &self.fields[..at] {
            field(&mut text, name, value);
        }
        if !self.conffiles.is_empty() {
            let lines: String = self.conffiles.iter().map(|(path, conffile)| conffile.line(path)).collect();
            field(&mut text, "Conffiles", &lines);
        }
        for (name, value) in &self.fields[at..] {
            field(&mut text, name, value);
        }
        text
    }

    /// Every name, the directories above each before it.
    fn list(&self) -> Vec<u8> {
        let mut text = b"/.\n".to_vec();
        for path in self.files.iter().filter(|path| !path.as_bytes().contains(&b'\n')) {
            text.push(b'/');
            text.extend_from_slice(path.as_bytes());
            text.push(b'\n');
        }
        text
    }

    fn sums(&self) -> Vec<u8> {
        let mut text = Vec::new();
        for (path, sum) in self.md5sums.iter().filter(|(path, _)| !path.as_bytes().contains(&b'\n')) {
            text.extend_from_slice(hex(sum).as_bytes());
            text.extend_from_slice(b"  ");
            text.extend_from_slice(path.as_bytes());
            text.push(b'\n');
        }
        text
    }
}

impl Conffile {
    fn line(&self, path: &TreePath) -> String {
        let digest = self.md5.map_or_else(|| "newconffile".to_owned(), |md5| hex(&md5));
        let flags: String = self.flags.iter().map(|flag| [" ", flag].concat()).collect();
        format!("\n /{} {digest}{flags}", String::from_utf8_lossy(path.as_bytes()))
    }
}

/// A field; a value whose first line is empty has no blank behind the colon, as dpkg writes it.
fn field(text: &mut String, name: &str, value: &str) {
    let blank = if value.starts_with('\n') || value.is_empty() { "" } else { " " };
    *text = std::mem::take(text) + name + ":" + blank + value + "\n";
}
