//! The golden digests of the embedded bundle: what the images were when somebody last looked.
//!
//! A change of a digest is a stated event: every user gets new layers. It wants a line in the changelog.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::PathBuf;

use ocelet::layer::Compression;

use crate::assemble::{Built, Manner, build, recipe};
use crate::shell::{read_text, temporary, write};
use crate::{Outcome, fixtures};

/// The manners in which the bundle's digests are kept.
const COMPRESSIONS: [&str; 2] = ["gzip:6", "zstd:3"];

const HEAD: &str = "\
# The digest of each tag's index of the embedded bundle, by compression and image.
# `cargo xtask bless` writes this file; whoever does so says in CHANGELOG.md why all digests change.
";

/// Digests by compression, image and tag.
pub(crate) type Golden = BTreeMap<String, BTreeMap<String, BTreeMap<String, String>>>;

fn place() -> PathBuf {
    fixtures::directory().join("golden.toml")
}

/// Builds the bundle and accepts its digests.
pub(crate) fn run(_: &[String]) -> Outcome {
    let mut golden = Golden::new();
    let old = golden_or_none();
    for compression in COMPRESSIONS {
        let compression: Compression = compression.parse().map_err(|error| format!("{error}"))?;
        let manner = Manner { compression, ..Manner::usual() };
        for sample in fixtures::samples() {
            let output = temporary()?;
            let recipe = recipe(&sample.recipe, &sample.set)?;
            let built = build(&sample, &recipe, output.path(), &manner)?;
            for difference in differences(&old, &built, compression) {
                println!("{difference}");
            }
            golden.entry(compression.to_string()).or_default().insert(built.image, built.digests);
        }
    }
    write(&place(), text(&golden).as_bytes())?;
    println!("wrote {}", place().display());
    Ok(())
}

/// What was accepted last.
pub(crate) fn golden() -> Result<Golden, String> {
    toml::from_str(&read_text(&place())?).map_err(|error| format!("{}: {error}", place().display()))
}

/// A file that is not there, or not readable, accepts nothing.
fn golden_or_none() -> Golden {
    golden().unwrap_or_default()
}

fn text(golden: &Golden) -> String {
    let mut text = HEAD.to_owned();
    for (compression, images) in golden {
        for (image, tags) in images {
            // Writing to a String cannot fail.
            let _ = write!(text, "\n[\"{compression}\".\"{image}\"]\n");
            for (tag, digest) in tags {
                let _ = writeln!(text, "\"{tag}\" = \"{digest}\"");
            }
        }
    }
    text
}

/// Every tag that is not what was accepted, as a sentence.
pub(crate) fn differences(golden: &Golden, built: &Built, compression: Compression) -> Vec<String> {
    let none = BTreeMap::new();
    let accepted =
        golden.get(&compression.to_string()).and_then(|images| images.get(&built.image)).unwrap_or(&none);
    let tags: std::collections::BTreeSet<&String> = accepted.keys().chain(built.digests.keys()).collect();
    let say = |digest: Option<&String>| digest.map_or("nothing".to_owned(), Clone::clone);
    tags.into_iter()
        .filter(|tag| accepted.get(*tag) != built.digests.get(*tag))
        .map(|tag| {
            let (wanted, got) = (say(accepted.get(tag)), say(built.digests.get(tag)));
            format!("{}:{tag} with {compression}: wanted {wanted}, got {got}", built.image)
        })
        .collect()
}

/// An error that lists the differences, where there are any.
pub(crate) fn accept(differences: &[String]) -> Outcome {
    if differences.is_empty() {
        return Ok(());
    }
    let list = differences.join("\n  ");
    Err(format!(
        "these digests are not the golden ones:\n  {list}\nif that is meant, run `cargo xtask bless` and say why in CHANGELOG.md"
    ))
}

#[cfg(test)]
mod tests {
    use ocelet::finished::SizedSet;

    use super::*;

    #[test]
    fn differences_name_the_tag_and_both_digests() {
        let tags = |tags: &[(&str, &str)]| -> BTreeMap<String, String> {
            tags.iter().map(|(tag, digest)| ((*tag).to_owned(), (*digest).to_owned())).collect()
        };
        let image =
            BTreeMap::from([("a".to_owned(), tags(&[("v1", "one"), ("v2", "two"), ("v3", "three")]))]);
        let golden = Golden::from([("gzip:6".to_owned(), image)]);
        let read: Golden = toml::from_str(&text(&golden)).expect("what is written can be read");
        assert_eq!(read, golden);
        let digests = tags(&[("v1", "one"), ("v2", "other"), ("v4", "four")]);
        let sizes = SizedSet { name: "a".to_owned(), images: Vec::new(), stored: 0 };
        let built = Built { image: "a".to_owned(), digests, sizes };
        let found = differences(&golden, &built, Compression::DEFAULT);
        assert_eq!(
            found,
            [
                "a:v2 with gzip:6: wanted two, got other",
                "a:v3 with gzip:6: wanted three, got nothing",
                "a:v4 with gzip:6: wanted nothing, got four",
            ]
        );
        assert!(accept(&found).is_err());
        assert!(accept(&[]).is_ok());
    }
}
