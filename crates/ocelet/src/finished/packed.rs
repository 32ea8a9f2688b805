//! What `verify` asks of packed files: they no longer name their loader and libraries, so the report has to, and the
//! image has to have them. A file that looks packed and is not in the report says nothing of what it needs.

use ocelet_tree::{Content, Tree, TreePath, resolve};

use super::reference::FinishedImage;
use super::verify::Found;
use crate::shrink::{HEAD, is_packed};

pub(super) fn packed(tree: &Tree, image: &FinishedImage) -> Found {
    let packing = image.report.as_ref().and_then(|report| report.packing.as_ref());
    let mut found = Found::new();
    for (path, file) in packing.iter().flat_map(|packing| &packing.files) {
        let needs = file.interpreter.iter().map(|loader| ("loader", loader));
        for (noun, need) in needs.chain(file.libraries.iter().map(|library| ("library", library))) {
            let there = TreePath::from_readable(need).is_ok_and(|need| resolve(tree, &need).is_ok());
            if !there {
                found.push((
                    true,
                    format!("the packed program {path} needs the {noun} {need}, which is not there"),
                ));
            }
        }
        let content = TreePath::from_readable(path).ok().and_then(|path| tree.get(&path)?.content().cloned());
        // A path that is not there at all is told of elsewhere.
        if content.as_ref().is_some_and(|content| !looks_packed(content) || content.length() != file.size) {
            found.push((true, format!("{path} is not the packed file that the report tells of")));
        }
    }
    for (path, node) in tree.iter() {
        if !node.content().is_some_and(looks_packed) {
            continue;
        }
        let name = path.to_string();
        let is_known = packing
            .is_some_and(|packing| packing.files.contains_key(&name) || packing.left.contains_key(&name));
        if !is_known {
            found.push((
                false,
                format!("{path} is packed, and not by ocelet: what it needs to run cannot be checked"),
            ));
        }
    }
    found
}

fn looks_packed(content: &Content) -> bool {
    content.head(HEAD).is_ok_and(|head| is_packed(&head))
}
