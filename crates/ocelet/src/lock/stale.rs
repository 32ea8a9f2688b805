//! [`stale`]: whether a lock answers what the recipe asks now, and if not, the difference.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::recipe::{Platform, SourceName};
use crate::resolve::Asked;

/// One thing that the recipe asks and the lock does not answer, or the other way round.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Difference {
    /// The recipe has a source that the lock does not know.
    NewSource(SourceName),
    /// The lock has a source that the recipe no longer has.
    GoneSource(SourceName),
    /// A setting of a source is another.
    Setting {
        /// The source.
        source: SourceName,
        /// The setting.
        name: String,
        /// What the lock has.
        locked: Vec<String>,
        /// What the recipe says.
        recipe: Vec<String>,
    },
    /// A source is now for another platform too.
    NewPlatform(SourceName, Platform),
    /// A source is no longer for a platform.
    GonePlatform(SourceName, Platform),
    /// Something else is wanted of a source for a platform.
    Wanted {
        /// The source.
        source: SourceName,
        /// The platform.
        platform: Platform,
        /// What the recipe wants now, too.
        added: BTreeSet<String>,
        /// What it no longer wants.
        removed: BTreeSet<String>,
    },
}

impl fmt::Display for Difference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NewSource(source) => write!(formatter, "source {source} is not in the lock"),
            Self::GoneSource(source) => write!(formatter, "source {source} is in the lock only"),
            Self::Setting { source, name, locked, recipe } => write!(
                formatter,
                "source {source}: {name} is {}, and was {} when it was locked",
                in_words(recipe),
                in_words(locked)
            ),
            Self::NewPlatform(source, platform) => {
                write!(formatter, "source {source}: {platform} is not in the lock")
            }
            Self::GonePlatform(source, platform) => {
                write!(formatter, "source {source}: {platform} is in the lock only")
            }
            Self::Wanted { source, platform, added, removed } => {
                write!(formatter, "source {source} for {platform}:")?;
                for wish in added {
                    write!(formatter, " +{wish}")?;
                }
                for wish in removed {
                    write!(formatter, " -{wish}")?;
                }
                Ok(())
            }
        }
    }
}

/// The values of a setting; "nothing" where it is not set.
fn in_words(values: &[String]) -> String {
    if values.is_empty() { "nothing".to_owned() } else { values.join(" ") }
}

/// What the recipe asks now and the lock does not answer, and what it answers in vain; empty where it fits.
pub fn stale(locked: &BTreeMap<SourceName, Asked>, recipe: &BTreeMap<SourceName, Asked>) -> Vec<Difference> {
    let mut differences = Vec::new();
    for (source, now) in recipe {
        match locked.get(source) {
            None => differences.push(Difference::NewSource(source.clone())),
            Some(then) => one(source, then, now, &mut differences),
        }
    }
    let gone = locked.keys().filter(|source| !recipe.contains_key(*source));
    differences.extend(gone.cloned().map(Difference::GoneSource));
    differences
}

fn one(source: &SourceName, then: &Asked, now: &Asked, differences: &mut Vec<Difference>) {
    let names: BTreeSet<&String> = then.settings.keys().chain(now.settings.keys()).collect();
    for name in names {
        let setting = |asked: &Asked| asked.settings.get(name).cloned().unwrap_or_default();
        let (locked, recipe) = (setting(then), setting(now));
        if locked != recipe {
            differences.push(Difference::Setting {
                source: source.clone(),
                name: name.clone(),
                locked,
                recipe,
            });
        }
    }
    let platforms: BTreeSet<&Platform> = then.wanted.keys().chain(now.wanted.keys()).collect();
    for platform in platforms {
        match (then.wanted.get(platform), now.wanted.get(platform)) {
            (None, _) => differences.push(Difference::NewPlatform(source.clone(), platform.clone())),
            (_, None) => differences.push(Difference::GonePlatform(source.clone(), platform.clone())),
            (Some(then), Some(now)) if then == now => {}
            (Some(then), Some(now)) => differences.push(Difference::Wanted {
                source: source.clone(),
                platform: platform.clone(),
                added: now.difference(then).cloned().collect(),
                removed: then.difference(now).cloned().collect(),
            }),
        }
    }
}
