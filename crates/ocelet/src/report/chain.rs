//! The chain of reasons for one file: from what the recipe asks for, edge by edge, to the file.

use std::collections::{BTreeMap, VecDeque};

use super::{Report, ReportedFile};
use crate::close::Because;

/// A chain of reasons, from what was asked for to the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain<'report> {
    /// The links, the first of which nobody but the recipe asks for.
    pub links: Vec<Link<'report>>,
    /// The file at the end.
    pub file: &'report ReportedFile,
}

/// One step of a chain: why the file at `path` is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link<'report> {
    /// The file.
    pub path: &'report str,
    /// Why it is there.
    pub because: &'report Because,
}

/// Walks from the file back to the recipe's wishes, breadth first, so that the shortest chain is found; among
/// chains of one length the one whose reasons sort first.
pub(super) fn shortest<'report>(report: &'report Report, path: &str) -> Option<Chain<'report>> {
    let (path, file) = report.files.get_key_value(path)?;
    // For each file that was reached: the file that it leads to, and by which reason.
    let mut towards: BTreeMap<&str, Option<(&str, &Because)>> = BTreeMap::from([(path.as_str(), None)]);
    let mut queue = VecDeque::from([path.as_str()]);
    while let Some(at) = queue.pop_front() {
        for because in &report.files.get(at)?.because {
            match &because.from {
                None => return Some(Chain { links: links(at, because, &towards), file }),
                Some(from) if !towards.contains_key(from.as_str()) && report.files.contains_key(from) => {
                    towards.insert(from, Some((at, because)));
                    queue.push_back(from);
                }
                Some(_) => {}
            }
        }
    }
    None
}

fn links<'report>(
    root: &'report str,
    because: &'report Because,
    towards: &BTreeMap<&'report str, Option<(&'report str, &'report Because)>>,
) -> Vec<Link<'report>> {
    let mut links = vec![Link { path: root, because }];
    let mut at = root;
    while let Some(Some((next, because))) = towards.get(at) {
        links.push(Link { path: next, because });
        at = next;
    }
    links
}

#[cfg(test)]
mod tests {
    use super::*;
    use ocelet_tree::TreePath;

    fn file(because: &[(&str, Option<&str>)]) -> ReportedFile {
        ReportedFile {
            kind: "file".to_owned(),
            size: 1,
            owner: "test".to_owned(),
            layer: 0,
            because: because
                .iter()
                .map(|(kind, from)| Because {
                    kind: (*kind).to_owned(),
                    from: from.map(str::to_owned),
                    detail: String::new(),
                })
                .collect(),
        }
    }

    #[test]
    fn the_shortest_chain_leads_to_a_wish() {
        let files = [
            ("/mount", file(&[("command", None)])),
            ("/libmount", file(&[("needed", Some("/mount"))])),
            ("/libblkid", file(&[("needed", Some("/libmount")), ("needed", Some("/mount"))])),
            ("/libc", file(&[("needed", Some("/libc2")), ("needed", Some("/libblkid"))])),
            ("/libc2", file(&[("needed", Some("/libc"))])),
            ("/circle", file(&[("needed", Some("/circle"))])),
        ];
        let report = Report {
            version: 1,
            image: String::new(),
            flavor: String::new(),
            tag: String::new(),
            platform: String::new(),
            commands: BTreeMap::new(),
            files: files.into_iter().map(|(path, file)| (path.to_owned(), file)).collect(),
            layers: Vec::new(),
            unexplained_dlopen: Vec::new(),
            missing: Vec::new(),
            links: BTreeMap::new(),
            sources: BTreeMap::new(),
            packages: BTreeMap::new(),
            distribution: None,
            scripts: Vec::new(),
            worlds: BTreeMap::new(),
            packing: None,
        };
        for (path, want) in [
            ("/mount", Some(&["/mount"][..])),
            ("/libblkid", Some(&["/mount", "/libblkid"])),
            ("/libc", Some(&["/mount", "/libblkid", "/libc"])),
            ("/libc2", Some(&["/mount", "/libblkid", "/libc", "/libc2"])),
            ("/circle", None),
            ("/none", None),
        ] {
            let chain = report.chain(&TreePath::new(path).expect("a path"));
            let places = chain.map(|chain| chain.links.iter().map(|link| link.path).collect::<Vec<_>>());
            assert_eq!(places.as_deref(), want, "{path}");
        }
        assert_eq!(Report::parse(&report.to_bytes()).expect("it was just written"), report);
        let later = Report { version: 3, ..report };
        assert!(Report::parse(&later.to_bytes()).is_err());
    }
}
