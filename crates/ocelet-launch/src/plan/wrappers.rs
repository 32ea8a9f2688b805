//! Scripts that stand in the image for programs which must be the host's: they enter the host and run them there.
//!
//! It refuses images that have neither the program nor what such a script takes: a shell and `nsenter`.

use crate::facts::{Access, Facts, Presence, Propagation};

use super::{Image, PlannedMount, Problem, Request, Wrapper};

/// Where an image's `PATH` looks first, so that the script comes before a program of the same name.
const OVER: &str = "/usr/local/sbin";

/// The scripts, and their mounts.
pub(super) fn planned(
    image: &Image,
    request: &Request,
    facts: &Facts,
    name: &str,
    problems: &mut Vec<Problem>,
) -> (Vec<Wrapper>, Vec<PlannedMount>) {
    let mut wrappers: Vec<Wrapper> = Vec::new();
    let mut mounts: Vec<PlannedMount> = Vec::new();
    for fact in facts.wrappers.iter().filter(|fact| request.wishes.contains(&fact.with)) {
        let has = |program: &str| image.commands.as_ref().is_none_or(|commands| commands.contains(program));
        // An image that was assembled with such a script of its own needs no other.
        if fact.name == "iscsiadm" && image.commands.as_ref().is_some_and(|all| all.contains("iscsiadm")) {
            continue;
        }
        let shell = if has("sh") { "/bin/sh" } else { "/bin/busybox sh" };
        if !has("nsenter") || !(has("sh") || has("busybox")) {
            problems.push(Problem::NoWrapper { name: fact.name.clone(), wish: fact.with });
            continue;
        }
        let path = format!("/usr/local/libexec/{name}/{}", fact.name);
        if wrappers.iter().any(|wrapper| wrapper.path == path) {
            continue;
        }
        let entered: String = fact.namespaces.iter().map(|one| format!(" --{one}")).collect();
        wrappers.push(Wrapper {
            path: path.clone(),
            text: format!(
                "#!{shell}\n# {}: {}.\nexec nsenter --target 1{entered} -- {} \"$@\"\n",
                fact.name, fact.reason, fact.name
            ),
        });
        mounts.push(PlannedMount {
            path,
            target: format!("{OVER}/{}", fact.name),
            access: Access::Read,
            propagation: Propagation::Private,
            kind: Presence::Required,
            relabel: false,
            reason: fact.reason.clone(),
            source: Some(fact.source.clone()),
        });
    }
    (wrappers, mounts)
}
