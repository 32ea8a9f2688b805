//! [`Head`]: the few fields of a paragraph that are needed of every package of an index.
//!
//! Reading the others as well takes most of the time of a choice, and they are asked for of a few hundred packages only.

/// The name of a package, and what it takes to find it. A field that is not there is empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Head<'text> {
    pub(super) name: &'text str,
    pub(super) version: &'text str,
    pub(super) architecture: &'text str,
    pub(super) provides: &'text str,
}

impl<'text> Head<'text> {
    /// Reads a paragraph that an index has read before: its fields are well-formed, and none is there twice.
    pub(super) fn read(paragraph: &'text str) -> Self {
        let mut head = Self::default();
        let mut rest = paragraph;
        while !rest.is_empty() {
            let line = &rest[..rest.find('\n').unwrap_or(rest.len())];
            // The first letter tells most fields apart from these; a value goes on in lines that begin with a blank.
            if line.starts_with(['P', 'p', 'V', 'v', 'A', 'a'])
                && let Some((name, value)) = line.split_once(':')
            {
                if name.eq_ignore_ascii_case("Package") {
                    head.name = value.trim();
                } else if name.eq_ignore_ascii_case("Version") {
                    head.version = value.trim();
                } else if name.eq_ignore_ascii_case("Architecture") {
                    head.architecture = value.trim();
                } else if name.eq_ignore_ascii_case("Provides") {
                    head.provides = whole_value(&rest[name.len() + 1..]);
                }
            }
            rest = rest[line.len()..].strip_prefix('\n').unwrap_or("");
        }
        head
    }
}

/// A value with all of its lines, from behind the colon on.
fn whole_value(text: &str) -> &str {
    let mut ends = text.match_indices('\n').map(|(at, _)| at);
    let end = ends.find(|at| !text[at + 1..].starts_with([' ', '\t'])).unwrap_or(text.len());
    text[..end].trim()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deb::{Index, RelationKind};

    #[test]
    fn a_head_is_what_the_whole_package_says() {
        let tail = format!("Filename: a\nSize: 1\nSHA256: {}\n", "0".repeat(64));
        for paragraph in [
            "Package: a\nVersion: 1\nArchitecture: all\n",
            "package: a\nVERSION:1:2-3\nArchitecture:   amd64  \nProvides: b, c (= 1)\n",
            "Priority: optional\nProvides: b,\n c,\n\td\nPackage: a\nDescription: x\n Provides: none\n Version: 9\nVersion: 1\nArchitecture: all\n",
            "Provides:\n b\nPackage: a\nVersion: 1\nArchitecture: all\nVariant: x\n",
        ] {
            let index = Index::parse(format!("{paragraph}{tail}")).expect("an index");
            let package = index.packages().next().expect("a package");
            let text = index.paragraphs().next().expect("a paragraph");
            let provides = package.relations(RelationKind::Provides);
            let wanted = Head {
                name: package.name,
                version: package.version_text,
                architecture: package.architecture,
                provides: provides.as_str().trim(),
            };
            assert_eq!(Head::read(text), wanted, "{paragraph}");
        }
    }
}
