//! `ocelet launch --check`: what of a KubeletConfiguration does not fit an image, each with its line.

use std::path::Path;
use std::process::ExitCode;

use ocelet::launch::check::{CheckContext, Severity, VolumeNeed, check};
use ocelet::launch::{Component, Facts, Image, Request, plan};
use ocelet::recipe::{volume_commands, volume_kinds};

use super::{Arguments, text};
use crate::failure::Failure;
use crate::output::{MessageFormat, Talk, print, print_json};

/// Checks the file, prints what was found, and ends with 1 where the kubelet would not start.
pub(super) fn run(
    path: &Path,
    arguments: &Arguments,
    image: &Image,
    request: &Request,
    facts: &Facts,
    talk: &Talk,
) -> Result<ExitCode, Failure> {
    let kinds = volume_kinds();
    if let Some(unknown) = arguments.volumes.iter().find(|kind| !kinds.contains(*kind)) {
        let known: Vec<&str> = kinds.iter().map(String::as_str).collect();
        return Err(Failure::usage(format!(
            "there is no kind of volumes {unknown:?}, only {}",
            known.join(", ")
        )));
    }
    if request.component != Component::Kubelet {
        return Err(Failure::usage("a KubeletConfiguration is for the kubelet".to_owned())
            .hint("name an image that has it, or --component kubelet"));
    }
    // Flags are held against the release by the check itself, which says all of them with its own findings.
    let bare = Request { arguments: Vec::new(), kubeadm_flags: Vec::new(), ..request.clone() };
    let plan = plan(image, &bare, facts).map_err(|error| Failure::usage(error.to_string()))?;
    let inside = image.paths.iter().cloned();
    let mounted = plan.mounts.iter().map(|mount| mount.target.clone());
    let release = plan.release.to_string();
    let needs = arguments.volumes.iter().flat_map(|kind| {
        volume_commands(&release, kind).into_iter().map(|(command, reason)| VolumeNeed {
            volume: kind.clone(),
            command,
            reason,
        })
    });
    let mut context = CheckContext::new(plan.release);
    context.cgroup = Some(request.cgroups);
    context.commands.clone_from(&image.commands);
    context.mounts = (!request.runtime.is_host()).then(|| mounted.chain(inside).collect());
    context.flags = [&plan.arguments, &request.kubeadm_flags, &request.arguments]
        .into_iter()
        .flatten()
        .cloned()
        .collect();
    context.needs = needs.collect();
    let findings = check(&text(path)?, &context)
        .map_err(|error| Failure::usage(format!("{}: {error}", path.display())))?;

    match arguments.format {
        MessageFormat::Json => print_json(&serde_json::json!({
            "file": path.display().to_string(), "kubernetes": release, "findings": findings,
        }))?,
        MessageFormat::Text => {
            let lines = findings.iter().flat_map(|finding| {
                let source = finding
                    .source
                    .iter()
                    .flat_map(|source| ["  see ".to_owned(), source.clone(), "\n".to_owned()]);
                [format!("{}:{finding}\n", path.display())].into_iter().chain(source)
            });
            print(&lines.collect::<String>())?;
        }
    }
    let errors = findings.iter().filter(|finding| finding.severity == Severity::Error).count();
    match (errors, findings.len()) {
        (0, 0) => talk.status("Fits", &format!("{} is right for Kubernetes {release}", path.display())),
        (0, _) => {}
        (1, _) => return Err(Failure::failed(format!("the kubelet of {release} would not start: 1 error"))),
        (many, _) => {
            return Err(Failure::failed(format!("the kubelet of {release} would not start: {many} errors")));
        }
    }
    Ok(ExitCode::SUCCESS)
}
