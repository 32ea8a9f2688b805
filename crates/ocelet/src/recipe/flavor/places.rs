//! What a flavor places in the image by itself, or says about places: directories, links, acknowledged programs.

use ocelet_tree::{Glob, LinkTarget, TreePath};

use super::super::fields::Fields;
use super::super::list::{List, Named};
use super::super::model::Directory;
use super::super::problem::{At, Code};
use super::super::values;
use super::Reader;

impl Reader<'_, '_> {
    pub(super) fn directories(&mut self, items: Vec<Fields>) -> Named<(TreePath, Directory)> {
        let mut list = List::new("the directory");
        for mut fields in items {
            let text = fields.text("path");
            let mode =
                fields.text("mode").and_then(|text| values::mode(&text, self.findings)).unwrap_or(0o755);
            let (uid, gid) = (values::id(fields.integer("uid")), values::id(fields.integer("gid")));
            let (span, holds) = (fields.span, self.holds(&mut fields));
            fields.finish();
            let Some(text) = text else { continue };
            let path = values::path_below_root(&text.value, text.span, "the directory", self.findings);
            let Some(path) = path else { continue };
            let item = At::new((path.clone(), Directory { mode, uid, gid }), span);
            list.add(holds, path.to_string(), text.span, item, self.findings);
        }
        self.keep("directories", list)
    }

    pub(super) fn links(&mut self, items: Vec<Fields>) -> Named<(TreePath, LinkTarget)> {
        let mut list = List::new("the link");
        for mut fields in items {
            let (text, target) = (fields.text("path"), fields.text("target"));
            let (span, holds) = (fields.span, self.holds(&mut fields));
            fields.finish();
            let path = text.and_then(|text| {
                let path = values::path_below_root(&text.value, text.span, "the link", self.findings)?;
                Some(At::new(path, text.span))
            });
            let target = target.and_then(|text| {
                let target = LinkTarget::new(&text.value);
                target
                    .map_err(|error| {
                        self.findings.error(Code::InvalidPath, text.span, error.to_string()).code
                    })
                    .ok()
            });
            // Also one without a target is there, and must not be there twice.
            if let (Some(path), target) = (path, target) {
                let item = At::new((path.value.clone(), target), span);
                list.add(holds, path.to_string(), path.span, item, self.findings);
            }
        }
        let links = self.keep("links", list).into_iter();
        links
            .filter_map(|(name, At { value: (path, target), span })| {
                Some((name, At::new((path, target?), span)))
            })
            .collect()
    }

    pub(super) fn acknowledged(&mut self, items: Vec<Fields>) -> Named<(Glob, Option<String>)> {
        let mut list = List::new("the program");
        for mut fields in items {
            let text = fields.text("path");
            let reason = fields.text("reason").map(|text| text.value);
            let (span, holds) = (fields.span, self.holds(&mut fields));
            fields.finish();
            let Some(text) = text else { continue };
            let Some(glob) = values::pattern(&text.value, text.span, "the program", self.findings) else {
                continue;
            };
            list.add(holds, text.value, text.span, At::new((glob, reason), span), self.findings);
        }
        self.keep("acknowledge-dlopen", list)
    }
}
