//! From joined wants to the flavors of a [`super::Recipe`]: templates expanded, tags made, contradictions found.
//!
//! It refuses a flavor that asks for nothing, two flavors with one tag, and two different things at one path.

use std::collections::BTreeMap;

use ocelet_tree::TreePath;

use super::config;
use super::fields::Text;
use super::flavor::{Draft, Wants};
use super::list::Named;
use super::model::{Flavor, ImageConfig, Install, PackageWish, Source, SourceKind, Wish};
use super::names::{AccountName, FlavorName, PackageName, RepositoryTag, SourceName, Tag};
use super::package::{Asked, Versions};
use super::problem::{At, Code, Findings, Span};
use super::template::{Scope, expand_fixed};
use super::values;
use super::variables::Variables;

/// What making the flavors needs to know of the rest of the recipe.
pub(super) struct Finisher<'a, 'text> {
    pub(super) drafts: &'a BTreeMap<FlavorName, Draft>,
    pub(super) sources: &'a BTreeMap<SourceName, Source>,
    /// Whether none of the sources was refused.
    pub(super) has_all_sources: bool,
    pub(super) default_flavor: Option<&'a FlavorName>,
    /// The template of the tags.
    pub(super) tag: Option<&'a Text>,
    pub(super) variables: &'a mut Variables,
    pub(super) findings: &'a mut Findings<'text>,
}

/// The flavor whose `{-flavor}` is empty: the one that the recipe names, the one named like the image, or the
/// only one.
pub(super) fn default_flavor(
    written: Option<Text>,
    image: Option<&str>,
    drafts: &BTreeMap<FlavorName, Draft>,
    findings: &mut Findings<'_>,
) -> Option<FlavorName> {
    let images = || drafts.values().filter(|draft| draft.is_image).map(|draft| &draft.name.value);
    let Some(text) = written else {
        let only = || images().next().filter(|_| images().count() == 1);
        return images().find(|name| Some(name.as_str()) == image).or_else(only).cloned();
    };
    let found = images().find(|name| name.as_str() == text.value).cloned();
    if found.is_none() {
        let message = match drafts.get(text.value.as_str()) {
            Some(_) => format!("the flavor \"{}\" cannot be the default: no image is made of it", text.value),
            None => format!("unknown flavor \"{}\"", text.value),
        };
        let problem = findings.error(Code::UnknownName, text.span, message);
        problem.did_you_mean(&text.value, images().map(FlavorName::as_str));
    }
    found
}

impl Finisher<'_, '_> {
    /// Every flavor that an image is made of. The others are checked alike.
    pub(super) fn all(&mut self, joined: BTreeMap<FlavorName, Wants>) -> BTreeMap<FlavorName, Flavor> {
        let mut flavors = BTreeMap::new();
        for (name, wants) in joined {
            let draft = &self.drafts[&name];
            let is_certain = draft.is_image && !wants.has_gaps;
            let has_no_files = wants.commands.is_empty() && wants.files.is_empty();
            if is_certain && has_no_files && wants.packages.is_empty() && wants.rules.is_empty() {
                let message = format!("the flavor \"{name}\" asks for nothing");
                let problem = self.findings.error(Code::Empty, draft.name.span, message);
                problem.label("name commands, files, packages or rules; or say image = false");
            }
            self.check_paths(&wants);
            self.check_numbers(
                "users",
                wants.users.values().map(|at| (&at.value.0, at.value.1.uid, at.span)),
            );
            self.check_numbers(
                "groups",
                wants.groups.values().map(|at| (&at.value.0, at.value.1.gid, at.span)),
            );
            self.check_packages(&wants);
            let flavor = self.one(draft, wants);
            if let Some(flavor) = flavor.filter(|_| draft.is_image) {
                flavors.insert(name, flavor);
            }
        }
        self.check_tags(&flavors);
        if !self.findings.has_errors() {
            self.check_unused_flavors();
        }
        flavors
    }

    fn one(&mut self, draft: &Draft, wants: Wants) -> Option<Flavor> {
        let name = &draft.name.value;
        let scope = Scope::Flavor { name: name.as_str(), is_default: self.default_flavor == Some(name) };
        let tag = if draft.is_image { self.tag(scope) } else { None };
        let annotations = self.expand_all(wants.annotations, scope);
        let packages = self.packages(wants.packages, scope);
        let config = ImageConfig {
            entrypoint: self.arguments(wants.entrypoint, scope),
            cmd: self.arguments(wants.cmd, scope),
            env: self.expand_all(wants.env, scope),
            workdir: self.single(wants.workdir.as_ref(), scope, |value, span, findings| {
                values::path(&value, span, "the directory", findings)
            }),
            user: self.single(wants.user.as_ref(), scope, |value, span, findings| {
                config::user(&value, span, findings).then_some(value)
            }),
            labels: self.expand_all(wants.labels, scope),
            stop_signal: wants.stop_signal.map(|text| At::new(text.value.value, text.span)),
            volumes: wants.volumes.into_values().collect(),
            exposed_ports: wants.ports.into_values().collect(),
        };
        Some(Flavor {
            name: draft.name.clone(),
            tag: tag?,
            extends: draft.extends.iter().filter_map(|text| FlavorName::new(&text.value).ok()).collect(),
            commands: keyed(wants.commands),
            files: keyed(wants.files),
            packages,
            rules: keyed(wants.rules),
            directories: keyed(wants.directories),
            links: keyed(wants.links),
            users: keyed(wants.users),
            groups: keyed(wants.groups),
            acknowledged_dlopen: keyed(wants.acknowledged),
            config,
            annotations,
        })
    }

    fn tag(&mut self, scope: Scope<'_>) -> Option<Tag> {
        let text = self.tag?;
        let value = expand_fixed(text, scope, self.variables, self.findings)?;
        match Tag::new(value) {
            Ok(tag) => Some(tag),
            Err(error) => {
                self.findings.error(Code::InvalidName, text.span, error.to_string());
                None
            }
        }
    }

    fn expand_all(&mut self, texts: Named<Text>, scope: Scope<'_>) -> BTreeMap<String, At<String>> {
        let mut out = BTreeMap::new();
        for (name, text) in texts {
            if let Some(value) = expand_fixed(&text, scope, self.variables, self.findings) {
                out.insert(name, At::new(value, text.span));
            }
        }
        out
    }

    fn packages(
        &mut self,
        packages: Named<(Asked, Wish)>,
        scope: Scope<'_>,
    ) -> BTreeMap<PackageName, At<PackageWish>> {
        let mut out = BTreeMap::new();
        let has_debian =
            !self.has_all_sources || self.sources.values().any(|one| matches!(one.kind, SourceKind::Deb(_)));
        let versions = if has_debian { Versions::Debian } else { Versions::Alpine };
        for At { value: (asked, wish), span } in packages.into_values() {
            if let Some(term) = asked.finish(versions, scope, self.variables, self.findings) {
                out.insert(term.name.clone(), At::new(PackageWish { term, wish }, span));
            }
        }
        out
    }

    fn arguments(&mut self, list: Option<At<Vec<Text>>>, scope: Scope<'_>) -> Option<At<Vec<String>>> {
        let list = list?;
        let expand = |text: &Text| expand_fixed(text, scope, self.variables, self.findings);
        let arguments = list.value.iter().filter_map(expand).collect();
        Some(At::new(arguments, list.span))
    }

    fn single<T>(
        &mut self,
        text: Option<&At<Text>>,
        scope: Scope<'_>,
        check: impl Fn(String, Span, &mut Findings<'_>) -> Option<T>,
    ) -> Option<At<T>> {
        let text = text?;
        let value = expand_fixed(&text.value, scope, self.variables, self.findings)?;
        Some(At::new(check(value, text.span, self.findings)?, text.span))
    }

    /// A link is neither a directory nor a file, nor a place for either.
    fn check_paths(&mut self, wants: &Wants) {
        for link in wants.links.values() {
            let path = &link.value.0;
            for (directory, at) in wants.directories.values().map(|other| (&other.value.0, other.span)) {
                if directory.below(path).is_some() {
                    let message = format!("{path} cannot be a link: {directory} is to be a directory");
                    self.findings.error(Code::Conflict, link.span, message).note(at, "asked for here");
                }
            }
            for other in wants.links.values().filter(|other| other.value.0 != *path) {
                if other.value.0.below(path).is_some() {
                    let message = format!("{path} cannot be a link: {} is to be inside it", other.value.0);
                    self.findings
                        .error(Code::Conflict, link.span, message)
                        .note(other.span, "asked for here");
                }
            }
            for (file, at) in installed(self.sources) {
                if file.below(path).is_some() {
                    let message = format!("{path} cannot be a link: a source installs {file}");
                    self.findings.error(Code::Conflict, link.span, message).note(at, "installed here");
                }
            }
        }
        for directory in wants.directories.values() {
            if let Some((file, at)) =
                files(self.sources).find(|(file, _)| directory.value.0.below(file).is_some())
            {
                let message =
                    format!("{} cannot be a directory: a source installs the file {file}", directory.value.0);
                self.findings.error(Code::Conflict, directory.span, message).note(at, "installed here");
            }
        }
    }

    /// No two users and no two groups have one number.
    fn check_numbers<'b>(
        &mut self,
        what: &str,
        accounts: impl Iterator<Item = (&'b AccountName, u32, Span)>,
    ) {
        let mut owners: BTreeMap<u32, (&AccountName, Span)> = BTreeMap::new();
        for (name, number, span) in accounts {
            if let Some((first, at)) = owners.insert(number, (name, span)) {
                let message = format!("the {what} \"{first}\" and \"{name}\" both have the number {number}");
                self.findings
                    .error(Code::Conflict, span, message)
                    .label("give one of them another")
                    .note(at, "the other one");
            }
        }
    }

    /// Packages come from sources that have some, with tags that these know.
    fn check_packages(&mut self, wants: &Wants) {
        let of = |source: &'_ Source| match &source.kind {
            SourceKind::Apk(apk) => Some(apk.repositories.iter().filter_map(|one| one.tag.clone()).collect()),
            SourceKind::Deb(_) => Some(Vec::new()),
            _ => None,
        };
        let all: Vec<Vec<RepositoryTag>> = self.sources.values().filter_map(of).collect();
        let first = wants.packages.values().min_by_key(|package| package.span);
        if let Some(At { value: (asked, _), span }) = first
            && all.is_empty()
            && self.has_all_sources
        {
            let message = format!("no source has the package \"{}\", or any other", asked.name);
            self.findings
                .error(Code::MissingKey, *span, message)
                .label("add a source with apk = [\"https://…\"] and keys = \"alpine\"");
            return;
        }
        for At { value: (asked, wish), span } in wants.packages.values() {
            let name = &asked.name;
            let own =
                wish.from.as_ref().and_then(|from| self.sources.get(&from.value).map(|one| (from, one)));
            if let Some((from, source)) = own
                && of(source).is_none()
            {
                let message = format!(
                    "[source.{}] has no package \"{name}\": it is of the kind {}",
                    from.value,
                    source.kind.as_str()
                );
                self.findings
                    .error(Code::Conflict, from.span, message)
                    .label("name a source with apk or deb");
            } else if let Some(tag) = &asked.tag
                && self.has_all_sources
            {
                let tags: Vec<RepositoryTag> = match own.and_then(|(_, source)| of(source)) {
                    Some(tags) => tags,
                    None => all.iter().flatten().cloned().collect(),
                };
                if !tags.contains(tag) {
                    let message = format!("no repository for the package \"{name}\" has the tag \"{tag}\"");
                    let problem = self.findings.error(Code::UnknownName, *span, message);
                    problem.did_you_mean(tag.as_str(), tags.iter().map(RepositoryTag::as_str));
                    problem.label(format!("write \"@{tag} ADDRESS\" in the apk of a source"));
                }
            }
        }
    }

    fn check_tags(&mut self, flavors: &BTreeMap<FlavorName, Flavor>) {
        let mut owners: BTreeMap<&str, &FlavorName> = BTreeMap::new();
        for (name, flavor) in flavors {
            if let Some(first) = owners.insert(flavor.tag.as_str(), name) {
                let message =
                    format!("the flavors \"{first}\" and \"{name}\" both get the tag \"{}\"", flavor.tag);
                let span = self.tag.map(|text| text.span);
                self.findings.error(Code::Conflict, span, message).label("use {flavor} or {-flavor}");
            }
        }
    }

    fn check_unused_flavors(&mut self) {
        let extended = |name: &FlavorName| {
            self.drafts.values().any(|other| other.extends.iter().any(|text| text.value == name.as_str()))
        };
        for draft in self.drafts.values().filter(|draft| !draft.is_image && !extended(&draft.name)) {
            let message =
                format!("the flavor \"{}\" makes no image and nothing extends it", draft.name.value);
            self.findings.warning(Code::Unused, draft.name.span, message);
        }
    }
}

/// The paths that single files are installed at.
fn files(sources: &BTreeMap<SourceName, Source>) -> impl Iterator<Item = (&TreePath, Span)> {
    sources.values().filter_map(|source| {
        let (install, _) = source.kind.single_file()?;
        Some((install.value, install.span))
    })
}

/// The same, and the directories that members of archives are put into.
fn installed(sources: &BTreeMap<SourceName, Source>) -> impl Iterator<Item = (&TreePath, Span)> {
    let directories = sources.values().filter_map(|source| match &source.kind {
        SourceKind::Artifact(artifact) => match &artifact.install.value {
            Install::Directory(path) => Some((path, artifact.install.span)),
            Install::File(_) => None,
        },
        _ => None,
    });
    files(sources).chain(directories)
}

/// Single files that no flavor names: only a rule pack or a link could bring them into an image.
pub(super) fn warn_of_unused_files(
    sources: &BTreeMap<SourceName, Source>,
    flavors: &BTreeMap<FlavorName, Flavor>,
    findings: &mut Findings<'_>,
) {
    for (path, span) in files(sources) {
        let is_named = flavors.values().any(|flavor| {
            let program = path.name().is_some_and(|name| {
                flavor.commands.keys().any(|command| command.as_str().as_bytes() == name.as_bytes())
            });
            program || flavor.files.keys().any(|glob| glob.matches(path))
        });
        if !is_named {
            let message = format!("no flavor asks for {path}, which a source installs");
            findings.warning(Code::Unused, span, message).label("add it to the files of a flavor");
        }
    }
}

/// Things by themselves instead of by their spelling; of two spellings of one thing the first stays.
fn keyed<K: Ord, V>(named: Named<(K, V)>) -> BTreeMap<K, At<V>> {
    let mut out = BTreeMap::new();
    for (_, At { value: (key, value), span }) in named {
        out.entry(key).or_insert(At::new(value, span));
    }
    out
}
