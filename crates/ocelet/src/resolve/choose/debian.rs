//! Chooses Debian packages with apt's rules.
//!
//! A recipe writes versions as apk does. `<` and `>` mean dpkg's `<<` and `>>`; `~`, a version that begins like
//! another, is no relation of Debian's, so that versions which do not are taken out of the choice, as those are that the
//! source's pins refuse. Refused are packages whose place is not below their repository.

use ocelet_oci::Digest;
use ocelet_package::deb::{Index, Package, compare_versions};
use ocelet_package::deb_solve::{Chosen, FoundBy, Listed, Pin, Reason, Request, Root, Solution, solve};

use super::super::error::Problem;
use super::super::plan::{PlannedIdentity, PlannedPackage};
use super::super::supply::Terms;
use super::{Asker, Picked, Task, because, is_file_name};
use crate::recipe::{Constraint, DebSource};

/// A priority that rules a version out.
const NEVER: i32 = -1;

/// A wish, cut at its operator.
struct Cut<'term> {
    name: &'term str,
    operator: &'term str,
    version: &'term str,
}

pub(super) fn pick(task: &Task<'_>, deb: &DebSource, terms: &Terms) -> Result<Picked, Vec<Problem>> {
    let indexes: Vec<&Index> = task.listings.iter().filter_map(|listing| listing.deb()).collect();
    let mut problems = Vec::new();
    let spelled: Vec<String> = terms.keys().map(|term| spelled(term)).collect();
    let mut roots = Vec::new();
    for (term, spelled) in terms.keys().zip(&spelled) {
        match Root::parse(spelled) {
            Ok(root) => roots.push(root),
            Err(cause) => problems.push(task.unreadable(term, cause)),
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let request = Request {
        indexes: indexes.iter().map(|index| Listed::new(index)).collect(),
        pins: pins(deb, terms, &indexes),
        architecture: task.platform.deb_architecture().unwrap_or_default(),
        roots,
        locked: task.locked(),
        ..Request::default()
    };
    let solution = solve(&request).map_err(|cause| task.unsolvable(cause))?;
    let by_search = solution.found_by == FoundBy::Search;
    Ok(Picked { packages: packages(task, &solution, terms)?, by_search })
}

/// A term as Debian's solver reads it.
fn spelled(term: &str) -> String {
    let Cut { name, operator, version } = cut(term);
    match operator {
        "<" => format!("{name}<<{version}"),
        ">" => format!("{name}>>{version}"),
        "=" | "<=" | ">=" => format!("{name}{operator}{version}"),
        // What begins alike is left to pins.
        _ => name.to_owned(),
    }
}

fn cut(term: &str) -> Cut<'_> {
    let start = term.find(['<', '>', '=', '~']).unwrap_or(term.len());
    let (name, rest) = term.split_at(start);
    let end = rest.find(|other| !['<', '>', '=', '~'].contains(&other)).unwrap_or(rest.len());
    Cut { name, operator: &rest[..end], version: &rest[end..] }
}

/// Rules out every version that a pin of the source, or a wish for versions that begin alike, does not accept.
fn pins<'text>(deb: &DebSource, terms: &Terms, indexes: &[&'text Index]) -> Vec<Pin<'text>> {
    let own = deb.pins.iter().map(|(name, pin)| {
        let pin: &Constraint = &pin.value;
        (name.as_str(), pin.operator(), pin.version())
    });
    let wished = terms.keys().map(|term| cut(term)).filter(|cut| cut.operator.contains('~'));
    let wished: Vec<_> = wished.map(|cut| (cut.name, cut.operator, cut.version)).collect();
    let mut pins = Vec::new();
    for (name, operator, version) in own.chain(wished) {
        for (place, index) in indexes.iter().enumerate() {
            let refused = index.named(name).filter(|one| !accepts(operator, version, one.version_text));
            pins.extend(refused.map(|one| Pin {
                name: one.name,
                index: Some(place),
                version: Some(one.version_text),
                priority: NEVER,
            }));
        }
    }
    pins
}

/// Whether a version is one that an operator of a recipe and its version mean.
fn accepts(operator: &str, wanted: &str, got: &str) -> bool {
    let order = compare_versions(got, wanted);
    let alike = || begins_alike(got, wanted);
    match operator {
        "=" => order.is_eq(),
        "<" => order.is_lt(),
        "<=" => order.is_le(),
        ">" => order.is_gt(),
        ">=" => order.is_ge(),
        "~" => alike(),
        "<~" => order.is_lt() || alike(),
        ">~" => order.is_gt() || alike(),
        _ => false,
    }
}

/// Whether a version is another one, or goes on with something that is no digit of the same number: `1.1.5+ds1-1`
/// begins like `1.1`, and `1.10` does not.
fn begins_alike(got: &str, wanted: &str) -> bool {
    let without_epoch = |text: &'_ str| text.split_once(':').map_or(0, |(epoch, _)| epoch.len() + 1);
    let got = if wanted.contains(':') { got } else { &got[without_epoch(got)..] };
    got.strip_prefix(wanted).is_some_and(|rest| {
        let ends_in_digit = wanted.ends_with(|last: char| last.is_ascii_digit());
        !(ends_in_digit && rest.starts_with(|first: char| first.is_ascii_digit()))
    })
}

fn packages(
    task: &Task<'_>,
    solution: &Solution<'_>,
    terms: &Terms,
) -> Result<Vec<PlannedPackage>, Vec<Problem>> {
    let mut problems = Vec::new();
    let mut packages = Vec::new();
    for chosen in &solution.packages {
        let Package { name, version_text, filename, .. } = chosen.package;
        if is_file_name(name, version_text) && is_below(filename) {
            packages.extend(planned(task, chosen, terms));
        } else {
            let what =
                if is_below(filename) { format!("{name}-{version_text}") } else { filename.to_owned() };
            problems.push(task.hostile(what));
        }
    }
    if problems.is_empty() { Ok(packages) } else { Err(problems) }
}

/// Whether the place of a package is below its repository, and no address would read it as something else.
fn is_below(filename: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-+~:,=@".contains(&byte);
    filename.bytes().all(plain) && filename.split('/').all(|part| !part.is_empty() && part != "..")
}

/// A package as it is planned; an index has the size and the digest of each.
fn planned(task: &Task<'_>, chosen: &Chosen<'_>, terms: &Terms) -> Option<PlannedPackage> {
    let package = &chosen.package;
    let askers = chosen.reasons.iter().map(|reason| match reason {
        Reason::Root { wish } => Asker::Term(wish.clone()),
        Reason::Needed { by, .. } => Asker::Package(by.split(' ').next().unwrap_or_default().to_owned()),
    });
    let shown = |term: &str| {
        let spelled = spelled(term);
        Root::parse(&spelled).map_or_else(|_| spelled.clone(), |root| root.to_string())
    };
    Some(PlannedPackage {
        source: task.name().clone(),
        platform: task.platform.clone(),
        name: package.name.to_owned(),
        version: package.version_text.to_owned(),
        architecture: package.architecture.to_owned(),
        size: package.size?,
        installed_size: package.installed_size.unwrap_or(0).saturating_mul(1024),
        identity: PlannedIdentity::Deb(Digest::from_bytes(package.sha256?)),
        location: task.listings.get(chosen.index)?.location().join(package.filename.trim_start_matches("./")),
        because: because(askers, terms, shown),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_are_spelled_as_debian_does() {
        for (term, want) in [
            ("runc", "runc"),
            ("runc=1.1.5+ds1-1", "runc=1.1.5+ds1-1"),
            ("runc<1:2", "runc<<1:2"),
            ("runc>1~rc1", "runc>>1~rc1"),
            ("runc>=1", "runc>=1"),
            ("runc<=1", "runc<=1"),
            ("runc~1.1", "runc"),
            ("libstdc++6>~12", "libstdc++6"),
        ] {
            assert_eq!(spelled(term), want, "{term}");
        }
    }

    #[test]
    fn an_operator_accepts_versions() {
        for (operator, wanted, yes, no) in [
            ("=", "1.1-1", &["1.1-1"][..], &["1.1-2", "1.1"][..]),
            ("<", "1.1", &["1.1~rc1", "1.0-9"], &["1.1", "1.1-1"]),
            (">", "1.1", &["1.1-1", "1:0"], &["1.1", "1.1~rc1"]),
            (">=", "1.1", &["1.1", "1.1+b1"], &["1.1~"]),
            ("<=", "1.1", &["1.1", "1.1~"], &["1.1+b1"]),
            (
                "~",
                "1.1",
                &["1.1", "1.1.5+ds1-1", "1.1-2", "1.1+x", "2:1.1-1"],
                &["1.10", "1.2", "11.1", "0.1.1"],
            ),
            ("~", "2:1.1", &["2:1.1-1"], &["1.1-1", "3:1.1-1"]),
            ("<~", "1.1", &["1.0", "1.1.5-1"], &["1.2"]),
            (">~", "1.1", &["1.2", "1.1~rc1"], &["1.0"]),
            ("==", "1", &[], &["1"]),
        ] {
            for (versions, want) in [(yes, true), (no, false)] {
                for version in versions {
                    assert_eq!(accepts(operator, wanted, version), want, "{version} {operator} {wanted}");
                }
            }
        }
    }

    #[test]
    fn the_place_of_a_package_is_below_its_repository() {
        for (place, want) in [
            ("pool/main/r/runc/runc_1.1.5+ds1-1+b3_amd64.deb", true),
            ("./a_1~rc1_all.deb", true),
            ("../a.deb", false),
            ("pool/../../a.deb", false),
            ("/etc/a.deb", false),
            ("pool//a.deb", false),
            ("pool/a?b.deb", false),
            ("pool/a#b.deb", false),
            ("pool/a b.deb", false),
            ("", false),
        ] {
            assert_eq!(is_below(place), want, "{place}");
        }
    }
}
