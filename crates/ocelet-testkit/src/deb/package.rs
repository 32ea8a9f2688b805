//! [`DebBuilder`]: a package and its record in an index.

use md5::Md5;
use sha2::{Digest, Sha256};

use crate::apk::{Entry, TarEnd, gzip, hex, tar};

/// What goes into a package. Fields are written to `control` in the order in which they are given.
#[derive(Debug, Clone)]
pub struct DebBuilder {
    name: String,
    version: String,
    architecture: String,
    fields: Vec<(String, String)>,
    control: Vec<Entry>,
    files: Vec<Entry>,
    conffiles: String,
    sums: Option<String>,
}

/// A package that was built.
#[derive(Debug, Clone)]
pub struct BuiltDeb {
    /// The bytes of the .deb file.
    pub file: Vec<u8>,
    /// What a repository calls the file.
    pub file_name: String,
    /// The architecture, as the package has it.
    pub architecture: String,
    /// The record for an index, without the empty line that ends it.
    pub record: String,
    /// The SHA-256 of the file.
    pub sha256: [u8; 32],
}

impl DebBuilder {
    /// A package with nothing but the root directory in it.
    pub fn new(name: &str, version: &str, architecture: &str) -> Self {
        let builder = Self {
            name: name.to_owned(),
            version: version.to_owned(),
            architecture: architecture.to_owned(),
            fields: Vec::new(),
            control: Vec::new(),
            files: vec![Entry::directory("./", 0o755)],
            conffiles: String::new(),
            sums: Some(String::new()),
        };
        builder
            .field("Package", name)
            .field("Version", version)
            .field("Architecture", architecture)
            .field("Maintainer", "Test <test@example.org>")
            .field("Description", &format!("The test package {name}\n It has a long description."))
    }

    /// A field of `control`, in place of one of that name.
    #[must_use]
    pub fn field(mut self, name: &str, value: &str) -> Self {
        match self.fields.iter_mut().find(|(other, _)| other == name) {
            Some((_, old)) => value.clone_into(old),
            None => self.fields.push((name.to_owned(), value.to_owned())),
        }
        self
    }

    /// The field `Depends`.
    #[must_use]
    pub fn depends(self, relations: &str) -> Self {
        self.field("Depends", relations)
    }

    /// A file of the control archive, such as `postinst`.
    #[must_use]
    pub fn control_file(self, name: &str, content: &[u8]) -> Self {
        self.control_entry(Entry::file(&format!("./{name}"), 0o755, content))
    }

    /// An entry of the control archive as it is.
    #[must_use]
    pub fn control_entry(mut self, entry: Entry) -> Self {
        self.control.push(entry);
        self
    }

    /// An entry of the data archive as it is, without a line in `md5sums`.
    #[must_use]
    pub fn entry(mut self, entry: Entry) -> Self {
        self.files.push(entry);
        self
    }

    /// A directory that everyone may read.
    #[must_use]
    pub fn directory(self, path: &str) -> Self {
        self.directory_of(path, 0o755)
    }

    /// A directory.
    #[must_use]
    pub fn directory_of(self, path: &str, mode: u32) -> Self {
        self.entry(Entry::directory(&format!("./{path}/"), mode))
    }

    /// A file with its line in `md5sums`.
    #[must_use]
    pub fn file(mut self, path: &str, mode: u32, content: &[u8]) -> Self {
        if let Some(sums) = &mut self.sums {
            *sums += &[&hex(&Md5::digest(content)), "  ", path, "\n"].concat();
        }
        self.entry(Entry::file(&format!("./{path}"), mode, content))
    }

    /// A file of configuration, with its line in `conffiles` and none in `md5sums`, as `dh_md5sums` leaves it.
    #[must_use]
    pub fn conffile(mut self, path: &str, mode: u32, content: &[u8]) -> Self {
        self.conffiles += &["/", path, "\n"].concat();
        self.entry(Entry::file(&format!("./{path}"), mode, content))
    }

    /// A symbolic link.
    #[must_use]
    pub fn symlink(self, path: &str, target: &str) -> Self {
        self.entry(Entry::symlink(&format!("./{path}"), target))
    }

    /// The package without `md5sums`.
    #[must_use]
    pub fn without_sums(mut self) -> Self {
        self.sums = None;
        self
    }

    /// The text of `control`.
    pub fn control_text(&self) -> String {
        self.fields.iter().map(|(name, value)| [name, ": ", value, "\n"].concat()).collect()
    }

    /// The plain archive of the control files.
    pub fn control_tar(&self) -> Vec<u8> {
        let mut entries = vec![
            Entry::directory("./", 0o755),
            Entry::file("./control", 0o644, self.control_text().as_bytes()),
        ];
        if !self.conffiles.is_empty() {
            entries.push(Entry::file("./conffiles", 0o644, self.conffiles.as_bytes()));
        }
        if let Some(sums) = self.sums.as_ref().filter(|sums| !sums.is_empty()) {
            entries.push(Entry::file("./md5sums", 0o644, sums.as_bytes()));
        }
        entries.extend(self.control.iter().cloned());
        tar(&entries, TarEnd::Written)
    }

    /// The plain archive of the files.
    pub fn data_tar(&self) -> Vec<u8> {
        tar(&self.files, TarEnd::Written)
    }

    /// Builds the package, packed with gzip.
    pub fn build(&self) -> BuiltDeb {
        self.build_of(&[
            ("debian-binary", b"2.0\n"),
            ("control.tar.gz", &gzip(&self.control_tar())),
            ("data.tar.gz", &gzip(&self.data_tar())),
        ])
    }

    /// Builds the package of members that are there already.
    pub fn build_of(&self, members: &[(&str, &[u8])]) -> BuiltDeb {
        let file = ar(members);
        let version = self.version.split_once(':').map_or(&*self.version, |(_, rest)| rest);
        let file_name = format!("{}_{version}_{}.deb", self.name, self.architecture);
        let sha256: [u8; 32] = Sha256::digest(&file).into();
        let record = format!(
            "{}Filename: pool/main/{file_name}\nSize: {}\nSHA256: {}\n",
            self.control_text(),
            file.len(),
            hex(&sha256)
        );
        BuiltDeb { file, file_name, architecture: self.architecture.clone(), record, sha256 }
    }
}

impl BuiltDeb {
    /// Where its record says that it lies below the root of a repository.
    ///
    /// # Panics
    /// A record without `Filename`.
    pub fn path(&self) -> &str {
        let path = self.record.lines().find_map(|line| line.strip_prefix("Filename: "));
        path.expect("a record has it")
    }
}

/// The text of an index of these packages.
pub fn index(packages: &[&BuiltDeb]) -> String {
    packages.iter().map(|package| [&package.record, "\n"].concat()).collect()
}

/// An ar archive of the members in their order (deb(5)).
pub fn ar(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut file = b"!<arch>\n".to_vec();
    for (name, content) in members {
        let header =
            format!("{name:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n", 1_700_000_000, 0, 0, "100644", content.len());
        file.extend_from_slice(header.as_bytes());
        file.extend_from_slice(content);
        if content.len() % 2 == 1 {
            file.push(b'\n');
        }
    }
    file
}
