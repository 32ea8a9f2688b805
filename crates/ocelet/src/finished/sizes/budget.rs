//! [`Budget`]: how large images may be, as a TOML file says it, and what is too large and why.
//!
//! Each key is a pattern over tags, with the limits of compressed and extracted bytes, for all platforms or for one:
//!
//! ```toml
//! ["*"]
//! compressed = "30 MB"
//! ["*-kubeadm-cni-*"]
//! compressed = "60 MB"
//! "linux/arm/v7".compressed = "55 MB"
//! ```
//!
//! Of several limits for an image the most particular counts: that of the pattern with the most characters that are no
//! star, and within it the platform's own. A pattern or platform that no image has is an error, since a budget that
//! watches nothing is worse than none; so is every key that is not known.

use std::collections::BTreeMap;

use ocelet_tree::{Glob, TreePath};
use serde::{Deserialize, Serialize};

use super::amount::{self, NoSize, shown};
use super::{ImageSizes, Share, SizedSet};

/// How many causes of an excess are told.
const CAUSES: usize = 3;

/// Limits by pattern.
#[derive(Debug, Clone)]
pub struct Budget {
    rules: Vec<Rule>,
}

/// A limit, and whom it concerns.
#[derive(Debug, Clone)]
struct Rule {
    pattern: String,
    glob: Glob,
    platform: Option<String>,
    measure: Measure,
    limit: u64,
}

/// What is limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Measure {
    /// What is pulled.
    Compressed,
    /// What is on disk.
    Extracted,
}

/// An image that is too large.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Excess {
    /// The tag.
    pub tag: String,
    /// The platform.
    pub platform: String,
    /// What is too much.
    pub measure: Measure,
    /// The pattern that says so.
    pub pattern: String,
    /// What is allowed, in bytes.
    pub limit: u64,
    /// What there is, in bytes.
    pub bytes: u64,
    /// Who brought most of it, the largest first; the classes of files where nobody tells owners.
    pub causes: Vec<Share>,
}

/// Why a budget is none.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BudgetError {
    /// It is not TOML of this shape.
    #[error("the budget is not read")]
    Toml(#[from] toml::de::Error),
    /// It allows everything.
    #[error("the budget has no limit; write one such as \"*\" = {{ compressed = \"30 MB\" }}")]
    Empty,
    /// Something is wrong with a limit.
    #[error("limit of \"{pattern}\": {cause}")]
    Size {
        /// The pattern.
        pattern: String,
        /// What.
        cause: NoSize,
    },
    /// A key is no pattern.
    #[error("\"{pattern}\" is no pattern over tags; write a tag, with * for any characters")]
    Pattern {
        /// The key.
        pattern: String,
    },
    /// A key that limits nothing.
    #[error(
        "unknown key \"{key}\" for \"{pattern}\"; there are compressed, extracted, and platforms such as linux/arm64"
    )]
    Key {
        /// The pattern.
        pattern: String,
        /// The key.
        key: String,
    },
    /// Limits that concern no image.
    #[error("the budget limits what is not there: {}; there are {}", .unknown.join(", "), .known.join(", "))]
    Unmatched {
        /// The patterns, with their platforms.
        unknown: Vec<String>,
        /// The tags and platforms that there are.
        known: Vec<String>,
    },
}

/// Limits as they are written: for all platforms, and by platform.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Written {
    Size(String),
    Platform(Limits),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Limits {
    compressed: Option<String>,
    extracted: Option<String>,
}

impl Budget {
    /// Reads a budget.
    ///
    /// # Errors
    /// It is not TOML of this shape, or has no limit.
    pub fn parse(text: &str) -> Result<Self, BudgetError> {
        let written: BTreeMap<String, BTreeMap<String, Written>> = toml::from_str(text)?;
        let mut rules = Vec::new();
        for (pattern, limits) in written {
            for (key, value) in limits {
                let (platform, limits) = match (key.as_str(), value) {
                    ("compressed", Written::Size(size)) => {
                        (None, Limits { compressed: Some(size), extracted: None })
                    }
                    ("extracted", Written::Size(size)) => {
                        (None, Limits { compressed: None, extracted: Some(size) })
                    }
                    (platform, Written::Platform(limits)) if platform.contains('/') => {
                        (Some(platform.to_owned()), limits)
                    }
                    _ => return Err(BudgetError::Key { pattern, key }),
                };
                for (measure, size) in
                    [(Measure::Compressed, limits.compressed), (Measure::Extracted, limits.extracted)]
                {
                    let Some(size) = size else { continue };
                    rules.push(Rule::new(&pattern, platform.clone(), measure, &size)?);
                }
            }
        }
        if rules.is_empty() {
            return Err(BudgetError::Empty);
        }
        // The most particular first; equals by name, so that the order of the file does not matter.
        rules.sort_by_key(|rule| {
            let letters = rule.pattern.chars().filter(|one| *one != '*').count();
            (std::cmp::Reverse(letters), rule.pattern.clone(), rule.platform.is_none())
        });
        Ok(Self { rules })
    }

    /// The images that are too large, in the order of the sets.
    ///
    /// # Errors
    /// A limit concerns none of the images.
    pub fn check(&self, sets: &[SizedSet]) -> Result<Vec<Excess>, BudgetError> {
        let images: Vec<&ImageSizes> = sets.iter().flat_map(|set| &set.images).collect();
        let idle = self.rules.iter().filter(|rule| !images.iter().any(|image| rule.concerns(image)));
        let mut unknown: Vec<String> = idle.map(Rule::name).collect();
        unknown.dedup();
        if !unknown.is_empty() {
            let mut known: Vec<String> =
                images.iter().map(|image| format!("{} {}", image.tag, image.platform)).collect();
            known.sort();
            known.dedup();
            return Err(BudgetError::Unmatched { unknown, known });
        }
        let each = images.iter().flat_map(|image| {
            [Measure::Compressed, Measure::Extracted]
                .into_iter()
                .filter_map(|measure| self.excess(image, measure))
        });
        Ok(each.collect())
    }

    fn excess(&self, image: &ImageSizes, measure: Measure) -> Option<Excess> {
        let rule = self.rules.iter().find(|rule| rule.measure == measure && rule.concerns(image))?;
        let bytes = measure.of_image(image);
        (bytes > rule.limit).then(|| Excess {
            tag: image.tag.clone(),
            platform: image.platform.clone(),
            measure,
            pattern: rule.pattern.clone(),
            limit: rule.limit,
            bytes,
            causes: causes(image, measure),
        })
    }
}

/// Who brought most; estimated where it is about compressed bytes.
fn causes(image: &ImageSizes, measure: Measure) -> Vec<Share> {
    let shares = if image.owners.is_empty() { &image.classes } else { &image.owners };
    let mut shares = shares.clone();
    shares.sort_by_key(|share| std::cmp::Reverse(measure.of_share(share)));
    shares.truncate(CAUSES);
    shares
}

impl Rule {
    fn new(
        pattern: &str,
        platform: Option<String>,
        measure: Measure,
        size: &str,
    ) -> Result<Self, BudgetError> {
        let failed = || BudgetError::Pattern { pattern: pattern.to_owned() };
        // A tag has no slash (OCI distribution-spec, "Pulling manifests"), so it is the name of a path below the root.
        if pattern.is_empty() || pattern.contains('/') {
            return Err(failed());
        }
        let glob = Glob::new(&format!("/{pattern}")).map_err(|_| failed())?;
        let limit =
            amount::parse(size).map_err(|cause| BudgetError::Size { pattern: pattern.to_owned(), cause })?;
        Ok(Self { pattern: pattern.to_owned(), glob, platform, measure, limit })
    }

    fn concerns(&self, image: &ImageSizes) -> bool {
        let tag = TreePath::new(format!("/{}", image.tag));
        tag.is_ok_and(|tag| self.glob.matches(&tag))
            && self.platform.as_ref().is_none_or(|platform| *platform == image.platform)
    }

    fn name(&self) -> String {
        match &self.platform {
            Some(platform) => format!("\"{}\" for {platform}", self.pattern),
            None => format!("\"{}\"", self.pattern),
        }
    }
}

impl Measure {
    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Compressed => "compressed",
            Self::Extracted => "extracted",
        }
    }

    /// The bytes of a share.
    pub fn of_share(self, share: &Share) -> u64 {
        match self {
            Self::Compressed => share.compressed,
            Self::Extracted => share.extracted,
        }
    }

    fn of_image(self, image: &ImageSizes) -> u64 {
        match self {
            Self::Compressed => image.compressed,
            Self::Extracted => image.extracted,
        }
    }
}

impl std::fmt::Display for Excess {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { tag, platform, measure, limit, bytes, .. } = self;
        let (word, over) = (measure.as_str(), bytes - limit);
        write!(
            formatter,
            "{tag} for {platform} has {} {word}, {over} bytes over the {} of \"{}\"",
            shown(*bytes),
            shown(*limit),
            self.pattern
        )?;
        for cause in &self.causes {
            let about = if *measure == Measure::Compressed { "about " } else { "" };
            let size = shown(measure.of_share(cause));
            write!(
                formatter,
                "\n    {about}{size} {}: {} ({} unpacked)",
                cause.name,
                cause.largest,
                shown(cause.largest_bytes)
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(tag: &str, platform: &str, compressed: u64, extracted: u64) -> ImageSizes {
        let share = |name: &str, compressed: u64, extracted: u64| Share {
            name: name.to_owned(),
            files: 1,
            extracted,
            compressed,
            largest: format!("/usr/bin/{name}"),
            largest_bytes: extracted,
        };
        ImageSizes {
            tag: tag.to_owned(),
            platform: platform.to_owned(),
            compressed,
            extracted,
            layers: Vec::new(),
            owners: vec![share("a", 1, 40), share("b", 4, 30), share("c", 3, 20), share("d", 2, 10)],
            classes: Vec::new(),
        }
    }

    fn set() -> Vec<SizedSet> {
        let images = vec![
            image("v1", "linux/amd64", 1_000, 3_000),
            image("v1-cni", "linux/amd64", 2_000, 9_000),
            image("v1-cni", "linux/arm64", 2_500, 9_000),
        ];
        vec![SizedSet { name: "dist".to_owned(), images, stored: 0 }]
    }

    /// What is too large, or the error.
    fn check(text: &str, want: &[&str]) {
        let said = match Budget::parse(text).and_then(|budget| budget.check(&set())) {
            Ok(excesses) => excesses
                .iter()
                .map(|one| {
                    format!("{} {} {} {}", one.tag, one.platform, one.measure.as_str(), one.bytes - one.limit)
                })
                .collect(),
            Err(error) => vec![crate::error::sentence(&error)],
        };
        assert_eq!(said, want, "{text}");
    }

    #[test]
    fn the_most_particular_limit_counts() {
        check("'*' = { compressed = '2.5 kB', extracted = '9 kB' }", &[]);
        check(
            "'*' = { compressed = '900 B' }",
            &[
                "v1 linux/amd64 compressed 100",
                "v1-cni linux/amd64 compressed 1100",
                "v1-cni linux/arm64 compressed 1600",
            ],
        );
        check(
            "'*' = { compressed = '1 kB' }\n'*-cni' = { compressed = '3 kB', extracted = '8 kB' }",
            &["v1-cni linux/amd64 extracted 1000", "v1-cni linux/arm64 extracted 1000"],
        );
        check(
            "['v1-cni']\ncompressed = '1999 B'\n'linux/amd64'.compressed = '3 kB'",
            &["v1-cni linux/arm64 compressed 501"],
        );
    }

    #[test]
    fn budgets_that_watch_nothing_are_errors() {
        let known = "there are v1 linux/amd64, v1-cni linux/amd64, v1-cni linux/arm64";
        check(
            "'v2*' = { compressed = '1 kB' }",
            &[&format!("the budget limits what is not there: \"v2*\"; {known}")],
        );
        check(
            "'v1' = { 'linux/arm64' = { extracted = '1 kB' } }",
            &[&format!("the budget limits what is not there: \"v1\" for linux/arm64; {known}")],
        );
        check("", &["the budget has no limit; write one such as \"*\" = { compressed = \"30 MB\" }"]);
        check(
            "'a/b' = { compressed = '1 kB' }",
            &["\"a/b\" is no pattern over tags; write a tag, with * for any characters"],
        );
        for (text, word) in [
            ("'*' = { compressed = '30' }", "is no size"),
            ("'*' = { compresed = '30 MB' }", "unknown key \"compresed\" for \"*\""),
            ("'*' = 3", "the budget is not read"),
        ] {
            let error = Budget::parse(text).expect_err(text);
            assert!(crate::error::sentence(&error).contains(word), "{text}: {error}");
        }
    }

    #[test]
    fn the_three_largest_causes_are_told() {
        let told = Budget::parse("v1 = { compressed = '900 B', extracted = '2.9 kB' }").expect("a budget");
        let said: Vec<String> =
            told.check(&set()).expect("it is there").iter().map(ToString::to_string).collect();
        assert_eq!(
            said,
            [
                "v1 for linux/amd64 has 1.0 kB compressed, 100 bytes over the 900 B of \"v1\"\n    about 4 B b: /usr/bin/b (30 B unpacked)\n    about 3 B c: /usr/bin/c (20 B unpacked)\n    about 2 B d: /usr/bin/d (10 B unpacked)",
                "v1 for linux/amd64 has 3.0 kB extracted, 100 bytes over the 2.9 kB of \"v1\"\n    40 B a: /usr/bin/a (40 B unpacked)\n    30 B b: /usr/bin/b (30 B unpacked)\n    20 B c: /usr/bin/c (20 B unpacked)",
            ]
        );
    }
}
