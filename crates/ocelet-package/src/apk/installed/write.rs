//! Writes the installed database as apk-tools 2.14 does, to the byte.

use std::fmt::Display;

use super::{Access, Database, Installed, InstalledDirectory, InstalledFile, Record};

impl Database {
    /// The bytes of `lib/apk/db/installed`, packages in the order that they have here.
    ///
    /// A value never holds the end of a line: names come from paths that were read line by line or are checked by
    /// [`Database::unwritable`].
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut text = Vec::new();
        for package in &self.packages {
            package.write(&mut text);
            text.push(b'\n');
        }
        text
    }

    /// The names of files that the format cannot hold, since they have an end of a line in them. apk-tools does
    /// not install such files either.
    pub fn unwritable(&self) -> Vec<ocelet_tree::TreePath> {
        let broken = |bytes: &[u8]| bytes.contains(&b'\n');
        let directories = self.packages.iter().flat_map(|package| &package.directories);
        directories
            .flat_map(|directory| {
                let own = broken(directory.path.as_bytes()).then(|| directory.path.clone());
                let files = directory.files.iter().filter(|file| broken(file.name.as_bytes()));
                own.into_iter().chain(files.map(|file| directory.path.join(&file.name))).collect::<Vec<_>>()
            })
            .collect()
    }
}

impl Record {
    /// The lines of an index record, without the empty line that ends it.
    ///
    /// # Panics
    /// Never: it is made of text.
    pub fn to_text(&self) -> String {
        let mut text = Vec::new();
        self.write(&mut text);
        String::from_utf8(text).expect("made of strings")
    }

    fn write(&self, text: &mut Vec<u8>) {
        line(text, 'C', self.identity);
        line(text, 'P', &self.name);
        line(text, 'V', &self.version);
        optional(text, 'A', self.architecture.as_ref());
        line(text, 'S', self.size);
        line(text, 'I', self.installed_size);
        line(text, 'T', &self.description);
        line(text, 'U', &self.url);
        line(text, 'L', &self.license);
        optional(text, 'o', self.origin.as_ref());
        optional(text, 'm', self.maintainer.as_ref());
        optional(text, 't', Some(self.build_time).filter(|time| *time != 0));
        optional(text, 'c', self.commit.as_ref());
        optional(text, 'k', Some(self.provider_priority).filter(|priority| *priority != 0));
        words(text, 'D', &self.depends);
        words(text, 'p', &self.provides);
        words(text, 'i', &self.install_if);
        for (field, value) in &self.unknown {
            line(text, *field, value);
        }
    }
}

impl Installed {
    fn write(&self, text: &mut Vec<u8>) {
        self.record.write(text);
        words(text, 'r', &self.replaces);
        optional(text, 'q', Some(self.replaces_priority).filter(|priority| *priority != 0));
        optional(text, 's', self.repository_tag.as_ref());
        optional(text, 'f', Some(&self.broken).filter(|broken| !broken.is_empty()));
        for directory in &self.directories {
            directory.write(text);
        }
    }
}

impl InstalledDirectory {
    fn write(&self, text: &mut Vec<u8>) {
        raw(text, 'F', self.path.as_bytes());
        if self.access != Access::DIRECTORY {
            access(text, 'M', &self.access);
        }
        for file in &self.files {
            file.write(text);
        }
    }
}

impl InstalledFile {
    fn write(&self, text: &mut Vec<u8>) {
        raw(text, 'R', self.name.as_bytes());
        if self.access != Access::FILE {
            access(text, 'a', &self.access);
        }
        optional(text, 'Z', self.identity);
    }
}

fn line(text: &mut Vec<u8>, field: char, value: impl Display) {
    raw(text, field, value.to_string().replace('\n', " ").as_bytes());
}

fn optional(text: &mut Vec<u8>, field: char, value: Option<impl Display>) {
    if let Some(value) = value {
        line(text, field, value);
    }
}

fn words(text: &mut Vec<u8>, field: char, words: &[String]) {
    if !words.is_empty() {
        line(text, field, words.join(" "));
    }
}

fn access(text: &mut Vec<u8>, field: char, access: &Access) {
    let attributes = access.attributes.map_or_else(String::new, |identity| format!(":{identity}"));
    line(text, field, format_args!("{}:{}:{:o}{attributes}", access.uid, access.gid, access.mode));
}

fn raw(text: &mut Vec<u8>, field: char, value: &[u8]) {
    // A field is one ASCII letter.
    text.extend_from_slice(field.to_string().as_bytes());
    text.push(b':');
    text.extend_from_slice(value);
    text.push(b'\n');
}
