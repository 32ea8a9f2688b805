//! The way from text to [`Recipe`]: read the document, then variables, sources and flavors, each for all of its
//! problems.
//!
//! It never touches network or disk, and never stops at the first problem — only after a syntax error nothing is
//! said about what may be missing.

use std::collections::{BTreeMap, BTreeSet};

use super::document;
use super::fields::{Fields, Text};
use super::finish::{self, Finisher};
use super::flavor::{self, Draft, Known};
use super::inherit;
use super::location::{Location, Setting};
use super::model::Recipe;
use super::names::{FlavorName, ImageName};
use super::needs::{self, Embedded};
use super::platform::Platform;
use super::problem::{At, Code, Findings, Problems};
use super::source::{self, Sources};
use super::template::{Scope, expand_fixed};
use super::tool;
use super::values;
use super::variables::Variables;

/// No recipe has more flavors than this: joining them takes room for the wants of each.
const MOST_FLAVORS: usize = 200;

/// What a recipe is read against.
#[derive(Debug, Clone, Default)]
pub struct Context {
    /// The names of the rule packs that exist.
    pub known_rules: BTreeSet<String>,
    /// What the user gives with `--set NAME=VALUE`.
    pub set: BTreeMap<String, String>,
}

/// A recipe that can be used, and what is to be said about it all the same.
#[derive(Debug, Clone)]
pub struct Parsed {
    /// The recipe.
    pub recipe: Recipe,
    /// Warnings only.
    pub warnings: Problems,
}

/// Reads a recipe.
///
/// # Errors
/// All problems of the recipe, warnings included, in the order of their places.
pub fn parse(text: &str, context: &Context) -> Result<Parsed, Problems> {
    parse_with(text, context, needs::EMBEDDED)
}

/// The same with other needs packs than those that the program brings along.
pub(super) fn parse_with(text: &str, context: &Context, needs: Embedded) -> Result<Parsed, Problems> {
    let mut findings = Findings::new(text);
    let recipe =
        document::read(text, &mut findings).and_then(|fields| recipe(fields, context, needs, &mut findings));
    match recipe {
        Some(recipe) if !findings.has_errors() => Ok(Parsed { recipe, warnings: findings.finish() }),
        _ => Err(findings.finish()),
    }
}

fn recipe(
    mut fields: Fields,
    context: &Context,
    needs: Embedded,
    findings: &mut Findings<'_>,
) -> Option<Recipe> {
    let known_rules: Vec<&str> = context.known_rules.iter().map(String::as_str).collect();
    let image = fields.text("image").and_then(|text| image_name(&text, findings));
    let description = fields.text("description").map(|text| At::new(text.value, text.span));
    let platforms = fields.texts("platforms");
    let written = platforms.as_ref().map(|(texts, _)| texts.len());
    let platforms = platforms.map(|texts| values::platforms(texts, None, findings));
    // Where one of them was refused, nobody knows whether a source may name it.
    let certain = platforms.as_deref().filter(|platforms| Some(platforms.len()) == written);
    let epoch = epoch(&mut fields);
    let image_text = image.as_ref().map(|image| image.to_string()).unwrap_or_default();
    let mut variables = Variables::read(&mut fields, image_text, &context.set, findings);
    let mirrors = mirrors(&mut fields, &mut variables, findings);
    let (sources, source_names) = sources(&mut fields, certain, &mut variables, findings);
    let upx = tool::read(&mut fields, &mut variables, findings);
    let tag = fields.text("tag");
    let (sources, absent) = (sources.present, sources.absent);
    let known = Known { rules: &known_rules, sources: source_names.as_deref(), absent: &absent, needs };
    let drafts = drafts(&mut fields, known, &mut variables, findings);
    let image_text = image.as_ref().map(|image| image.as_str());
    let default_flavor = finish::default_flavor(fields.text("default-flavor"), image_text, &drafts, findings);
    fields.finish();
    let joined = inherit::join(&drafts, findings);
    let mut finisher = Finisher {
        drafts: &drafts,
        sources: &sources,
        has_all_sources: source_names.is_some_and(|names| names.len() == sources.len() + absent.len()),
        default_flavor: default_flavor.as_ref(),
        tag: tag.as_ref(),
        variables: &mut variables,
        findings,
    };
    let flavors = finisher.all(joined);
    if !findings.has_errors() {
        finish::warn_of_unused_files(&sources, &flavors, findings);
    }
    let variables = variables.finish(findings);
    Some(Recipe {
        image: image?,
        description,
        platforms: platforms?,
        epoch,
        default_flavor,
        variables,
        mirrors,
        upx,
        sources,
        flavors,
    })
}

fn image_name(text: &Text, findings: &mut Findings<'_>) -> Option<At<ImageName>> {
    match ImageName::new(&text.value) {
        Ok(name) => Some(At::new(name, text.span)),
        Err(error) => {
            let problem = findings.error(Code::InvalidName, text.span, error.to_string());
            let lower = text.value.to_lowercase();
            if ImageName::new(&lower).is_ok() {
                problem.label(format!("write \"{lower}\""));
            }
            None
        }
    }
}

fn epoch(fields: &mut Fields) -> Option<At<i64>> {
    let span = fields.key_span("epoch");
    fields.integer("epoch").zip(span).map(|(value, span)| At::new(value, span))
}

/// The mirrors: addresses, or paths beside the recipe.
fn mirrors(fields: &mut Fields, variables: &mut Variables, findings: &mut Findings<'_>) -> Vec<At<Location>> {
    let Some((texts, _)) = fields.texts("mirrors") else { return Vec::new() };
    let mut mirrors: Vec<At<Location>> = Vec::new();
    for text in texts {
        let Some(place) = expand_fixed(&text, Scope::Image, variables, findings) else { continue };
        let mut setting = Setting { platforms: None, variables, findings };
        if !setting.is_location(&place, text.span) {
            continue;
        }
        let mirror = Location::of(place);
        if let Some(first) = mirrors.iter().find(|first| first.value == mirror) {
            values::duplicate(findings, &format!("the mirror \"{mirror}\""), text.span, first.span);
            continue;
        }
        mirrors.push(At::new(mirror, text.span));
    }
    mirrors
}

/// The sources, and the names of all that are written, where they can be known.
fn sources(
    fields: &mut Fields,
    platforms: Option<&[At<Platform>]>,
    variables: &mut Variables,
    findings: &mut Findings<'_>,
) -> (Sources, Option<Vec<String>>) {
    let is_written = fields.key_span("source").is_some() || fields.had_problem(&["source"]);
    let span = fields.span;
    let is_known = !fields.had_problem(&["source"]);
    let tables = fields.tables("source");
    let names = tables.keys().cloned().collect();
    if tables.is_empty() && !is_written {
        findings
            .error(Code::Empty, span, "the recipe has no source")
            .label("add a table like [source.host] with rootfs = \"/\"");
    }
    (source::read(tables, platforms, variables, findings), is_known.then_some(names))
}

fn drafts(
    fields: &mut Fields,
    known: Known<'_>,
    variables: &mut Variables,
    findings: &mut Findings<'_>,
) -> BTreeMap<FlavorName, Draft> {
    let span = fields.key_span("flavor");
    let tables = fields.tables("flavor");
    if tables.len() > MOST_FLAVORS {
        let message = format!("the recipe has {} flavors; at most {MOST_FLAVORS} are read", tables.len());
        findings.error(Code::TooLarge, span, message);
        return BTreeMap::new();
    }
    let mut drafts = BTreeMap::new();
    let written = tables.len();
    for (name, table) in tables {
        if let Some(draft) = flavor::read(&name, table, known, variables, findings) {
            drafts.insert(draft.name.value.clone(), draft);
        }
    }
    if span.is_some() && written == drafts.len() && !drafts.values().any(|draft| draft.is_image) {
        findings.error(Code::Empty, span, "no flavor makes an image").label("leave image = false out of one");
    }
    drafts
}
