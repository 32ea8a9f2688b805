//! Reads a database out of the files below `var/lib/dpkg`.

use std::collections::{BTreeMap, BTreeSet};

use ocelet_tree::TreePath;

use super::{Conffile, Database, DatabaseError, Installed};
use crate::deb::control::{ControlError, read_md5sums};
use crate::deb::digest::unhex;
use crate::deb::package::Package;
use crate::deb::paragraph::{Comments, Paragraph, ParagraphError, Paragraphs};

/// Files by their names below `var/lib/dpkg`.
type Files = BTreeMap<TreePath, Vec<u8>>;

impl Database {
    /// Reads the database out of the files that lie below `var/lib/dpkg`, whichever form it has; one that has both is
    /// read as one. Files that belong to neither are not looked at, and neither are packages that were never
    /// installed. Those of which only conffiles are left are read: [`Installed::is_installed`] tells them apart.
    ///
    /// # Errors
    /// See [`DatabaseError`].
    pub fn read(files: &Files) -> Result<Self, DatabaseError> {
        let mut packages = Vec::new();
        for (file, bytes) in files {
            let name = String::from_utf8_lossy(file.as_bytes());
            let in_directory = name.strip_prefix("status.d/").filter(|rest| !rest.contains('/'));
            if name == "status" {
                read_file(files, file, bytes, true, &mut packages)?;
            } else if in_directory.is_some_and(|rest| !rest.ends_with(".md5sums")) {
                read_file(files, file, bytes, false, &mut packages)?;
            }
        }
        Ok(Self { packages })
    }
}

/// Reads a file of paragraphs. The lists of its packages lie in `info/`, or beside the file itself.
fn read_file(
    files: &Files,
    file: &TreePath,
    bytes: &[u8],
    in_info: bool,
    packages: &mut Vec<Installed>,
) -> Result<(), DatabaseError> {
    let refused = |cause| DatabaseError::Paragraph { file: file.clone(), cause };
    let text = ParagraphError::text(bytes).map_err(refused)?;
    for paragraph in Paragraphs::new(text, Comments::Refuse) {
        let paragraph = paragraph.map_err(refused)?;
        // A mere wish of the administrator's (`dpkg --set-selections`) may have no version.
        let status = paragraph.value("Status").unwrap_or("");
        if status.split_whitespace().last() == Some("not-installed") {
            continue;
        }
        let package = Package::read(&paragraph)
            .map_err(|cause| DatabaseError::Package { file: file.clone(), cause })?;
        let mut installed = installed(file, &paragraph)?;
        if in_info {
            installed.lists(files, &format!("info/{}", package.name))?;
            installed.lists(files, &format!("info/{}:{}", package.name, package.architecture))?;
        } else {
            installed.lists(files, &String::from_utf8_lossy(file.as_bytes()))?;
        }
        packages.push(installed);
    }
    Ok(())
}

impl Installed {
    /// Reads the lists whose names begin with `stem`.
    fn lists(&mut self, files: &Files, stem: &str) -> Result<(), DatabaseError> {
        let find =
            |ending: &str| files.get_key_value(TreePath::new(format!("{stem}.{ending}")).ok()?.as_bytes());
        if let Some((file, bytes)) = find("md5sums") {
            let sums =
                read_md5sums(bytes).map_err(|cause| DatabaseError::List { file: file.clone(), cause })?;
            self.files.extend(sums.keys().cloned());
            self.md5sums.extend(sums);
        }
        if let Some((file, bytes)) = find("list") {
            let paths =
                read_list(bytes).map_err(|cause| DatabaseError::List { file: file.clone(), cause })?;
            self.files.extend(paths);
        }
        Ok(())
    }
}

fn installed(file: &TreePath, paragraph: &Paragraph<'_>) -> Result<Installed, DatabaseError> {
    let mut conffiles = BTreeMap::new();
    let mut fields = Vec::new();
    for field in paragraph.fields() {
        if !field.name.eq_ignore_ascii_case("Conffiles") {
            fields.push((field.name.to_owned(), field.value.to_owned()));
            continue;
        }
        for line in field.lines().filter(|line| !line.is_empty()) {
            let (path, conffile) = read_conffile(line).ok_or_else(|| DatabaseError::Conffile {
                file: file.clone(),
                package: paragraph.value("Package").unwrap_or("").to_owned(),
                line: line.chars().take(120).collect(),
            })?;
            conffiles.insert(path, conffile);
        }
    }
    let files = conffiles.keys().cloned().collect();
    Ok(Installed { fields, files, md5sums: BTreeMap::new(), conffiles })
}

/// A name, an MD5 or `newconffile`, and words (dpkg, `lib/dpkg/fields.c`, `f_conffiles`). The name may hold blanks.
fn read_conffile(line: &str) -> Option<(TreePath, Conffile)> {
    const FLAGS: [&str; 2] = ["obsolete", "remove-on-upgrade"];
    let (mut rest, mut flags) = (line, Vec::new());
    while let Some((before, flag)) = rest.rsplit_once(' ').filter(|(_, last)| FLAGS.contains(last)) {
        flags.insert(0, flag.to_owned());
        rest = before;
    }
    let (name, digest) = rest.rsplit_once(' ')?;
    let md5 = if digest == "newconffile" { None } else { Some(unhex(digest)?) };
    let name = name.trim_end();
    let path = name.starts_with('/').then(|| TreePath::new(name).ok()).flatten()?;
    Some((path, Conffile { md5, flags }))
}

/// `info/NAME.list`: an absolute name a line, the root as `/.`.
fn read_list(bytes: &[u8]) -> Result<BTreeSet<TreePath>, ControlError> {
    const FILE: &str = "list";
    let mut paths = BTreeSet::new();
    for (line, name) in bytes.split(|byte| *byte == b'\n').zip(1..).map(|(name, line)| (line, name)) {
        if name.is_empty() {
            continue;
        }
        if !name.starts_with(b"/") {
            let text = String::from_utf8_lossy(name).chars().take(120).collect();
            return Err(ControlError::Line { file: FILE, line, text, wanted: "an absolute name" });
        }
        let path = TreePath::new(name).map_err(|cause| ControlError::Path { file: FILE, line, cause })?;
        if !path.is_root() {
            paths.insert(path);
        }
    }
    Ok(paths)
}
