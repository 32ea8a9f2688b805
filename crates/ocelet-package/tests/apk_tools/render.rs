//! What apk prints about a solution or about problems (`src/commit.c` of apk-tools 3.0).

use ocelet_package::apk::solve::{ChangeKind, Clash, Problem, Request, Solution};
use ocelet_package::apk::{Dependency, Package};

/// The width that apk wraps lines at when it does not write to a terminal.
const WIDTH: usize = 50;

/// A report in which sizes, which depend on the release of apk, and the old name of a headline do not count.
pub(crate) fn comparable(report: &str) -> String {
    let early = report.starts_with("Upgrading critical") || report.starts_with("Preupgrading");
    let mut lines = Vec::new();
    for line in report.trim().lines() {
        match line.strip_prefix("OK: ") {
            // Releases differ on whether a preupgrade ends with a summary.
            Some(_) if early => {}
            Some(rest) => match rest.split_once(" in ") {
                Some((_, count)) => lines.push(format!("OK: {count}")),
                None => lines.push(rest.rsplit_once(", ").map_or(rest, |(counts, _)| counts).to_owned()),
            },
            None if line.starts_with("Upgrading critical") => lines.push("Preupgrading:".to_owned()),
            None => lines.push(line.trim_end().to_owned()),
        }
    }
    lines.join("\n")
}

/// The message about an argument that is no dependency.
pub(crate) fn not_a_dependency(argument: &str, kind: &str, format: &str) -> String {
    format!("ERROR: '{argument}' is not a valid {kind} dependency, format is {format}\n")
}

/// One line for each change.
pub(crate) fn changes(solution: &Solution<'_>) -> String {
    let told: Vec<_> = solution.changes.iter().filter(|change| change.kind != ChangeKind::Keep).collect();
    let total = told.len();
    let digits = total.to_string().len();
    let mut report = String::new();
    for (at, change) in told.into_iter().enumerate() {
        let package = change.new.or(change.old).expect("a change of something");
        let tag = change.new_tag.map_or(String::new(), |tag| format!("@{tag}"));
        let versions = match (change.kind, change.old, change.new) {
            (ChangeKind::Upgrade | ChangeKind::Downgrade | ChangeKind::Replace, Some(old), Some(new)) => {
                format!("{} -> {}", old.version, new.version)
            }
            _ => package.version.to_owned(),
        };
        let verb = match change.kind {
            ChangeKind::Install => "Installing",
            ChangeKind::Remove => "Purging",
            ChangeKind::Upgrade => "Upgrading",
            ChangeKind::Downgrade => "Downgrading",
            ChangeKind::Replace => "Replacing",
            ChangeKind::Reinstall => "Reinstalling",
            ChangeKind::Retag => "Updating pinning",
            ChangeKind::Keep => continue,
        };
        let number = at + 1;
        add(&mut report, &format!("({number:digits$}/{total}) {verb} {}{tag} ({versions})\n", package.name));
    }
    report
}

/// The last line.
pub(crate) fn summary(solution: &Solution<'_>, verbose: bool) -> String {
    let count = solution.packages.len();
    if verbose {
        format!("OK: {count} packages, 0 dirs, 0 files, 0 MiB\n")
    } else {
        format!("OK: 0 MiB in {count} packages\n")
    }
}

/// The note about packages that no repository offers any more.
pub(crate) fn gone(solution: &Solution<'_>, request: &Request<'_>) -> String {
    let offered = |package: &Package<'_>| {
        request.repositories.iter().any(|repository| {
            repository.index.packages().any(|other| {
                other.name == package.name
                    || other.provides.iter().flatten().any(|provided| provided.name == package.name)
            })
        })
    };
    let packages = solution.packages.iter().map(|chosen| &chosen.package);
    let mut names: Vec<&str> =
        packages.filter(|package| !offered(package)).map(|package| package.name).collect();
    names.sort_unstable();
    if names.is_empty() {
        return String::new();
    }
    format!(
        "NOTE: Consider running apk upgrade with --prune and/or --available.\n\
         The following packages are no longer available from a repository:\n  {}\n",
        names.join(" ")
    )
}

/// The message about packages that something still needs.
pub(crate) fn not_removed(solution: &Solution<'_>, names: &[&str], world: &[Dependency<'_>]) -> String {
    let mut report = String::new();
    for name in names {
        let Some(chosen) = solution.packages.iter().find(|chosen| chosen.package.name == *name) else {
            continue;
        };
        let mut needing = Vec::new();
        let mut pending = vec![&chosen.package];
        let mut passed: Vec<&str> = Vec::new();
        while let Some(package) = pending.pop() {
            if passed.contains(&package.name) {
                continue;
            }
            passed.push(package.name);
            let goes_by = |wanted: &str| {
                package.name == wanted
                    || package.provides.iter().flatten().any(|provided| provided.name == wanted)
            };
            needing.extend(world.iter().map(|root| root.name).filter(|root| goes_by(root)));
            let others = solution.packages.iter().map(|chosen| &chosen.package);
            pending.extend(others.filter(|other| {
                other.depends.iter().flatten().any(|demand| !demand.conflict && goes_by(demand.name))
            }));
        }
        if !needing.is_empty() || solution.packages.iter().any(|chosen| chosen.package.name == *name) {
            add(&mut report, &format!("  {name}: {}\n", needing.join(" ")));
        }
    }
    if report.is_empty() {
        return report;
    }
    format!("World updated, but the following packages are not removed due to:\n{report}\n")
}

/// The message about what cannot be had.
pub(crate) fn problems(problems: &[Problem]) -> String {
    let mut report = "ERROR: unable to select packages:\n".to_owned();
    for problem in problems {
        match problem {
            Problem::NoSuchPackage { name, required_by, .. } => {
                add(&mut report, &format!("  {name} (no such package):\n"));
                group(&mut report, "required by:", required_by);
            }
            Problem::Undecided { name, provided_by, required_by } => {
                add(&mut report, &format!("  {name} (virtual):\n"));
                let note = "please select one of the 'provided by' packages explicitly";
                let note: Vec<String> = note.split(' ').map(str::to_owned).collect();
                group(&mut report, "note:", &note);
                group(&mut report, "provided by:", provided_by);
                group(&mut report, "required by:", required_by);
            }
            Problem::Clash(clash) => clash_report(&mut report, clash),
            other => add(&mut report, &format!("  {other}\n")),
        }
    }
    report
}

fn clash_report(report: &mut String, clash: &Clash) {
    add(report, &format!("  {}:\n", clash.package));
    if clash.uninstallable {
        group(report, "error:", &["uninstallable".to_owned()]);
    }
    let architecture: Vec<String> = clash.architecture.iter().cloned().collect();
    group(report, "arch:", &architecture);
    group(report, "depends:", &clash.broken_depends);
    group(report, "masked in:", &clash.masked_in);
    group(report, "conflicts:", &clash.conflicts);
    group(report, "breaks:", &clash.breaks);
    group(report, "satisfies:", &clash.satisfies);
}

/// Words after a label, wrapped below each other.
fn group(report: &mut String, label: &str, words: &[String]) {
    if words.is_empty() {
        return;
    }
    let start = format!("    {label}");
    let indent = start.len() + 1;
    let mut column = start.len();
    report.push_str(&start);
    for word in words {
        if column <= indent {
            report.push_str(&" ".repeat(indent - column));
            column = indent + word.len();
        } else if column + word.len() + 1 >= WIDTH {
            add(report, &format!("\n{}", " ".repeat(indent)));
            column = indent + word.len();
        } else {
            report.push(' ');
            column += 1 + word.len();
        }
        report.push_str(word);
    }
    report.push('\n');
}

fn add(report: &mut String, text: &str) {
    report.push_str(text);
}
