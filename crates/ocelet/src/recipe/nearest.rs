//! The nearest valid name to one that is not valid: what "did you mean" is made of.
//!
//! Distance is counted in single-character insertions, deletions, replacements and swaps of neighbours (optimal
//! string alignment). It refuses to guess wildly: at most a third of the word may differ.

/// Words longer than this are nobody's typing mistake; comparing them would only cost time. In characters.
const LONGEST_WORD: usize = 64;

/// The candidate that a reader most likely meant, or nothing where none is near. Case and the choice between
/// `-` and `_` count for nothing. Of equally near candidates the first in their order is taken.
pub fn nearest<'names>(word: &str, candidates: impl IntoIterator<Item = &'names str>) -> Option<&'names str> {
    let folded = fold(word);
    let length = folded.chars().count();
    if length == 0 || length > LONGEST_WORD {
        return None;
    }
    let most = (length / 3).clamp(1, 4);
    let mut best: Option<(usize, &str)> = None;
    for candidate in candidates {
        let limit = best.map_or(most, |(distance, _)| distance.saturating_sub(1));
        let found = self::distance(&folded, &fold(candidate), limit).map(|distance| (distance, candidate));
        if best.is_none_or(|(distance, _)| distance > 0) {
            best = found.or(best);
        }
    }
    // One character may be replaced only where others remain to recognise the word by.
    best.filter(|(distance, _)| *distance < length).map(|(_, candidate)| candidate)
}

/// How many edits lie between two words, or nothing where they are more than `limit`.
pub fn distance(one: &str, other: &str, limit: usize) -> Option<usize> {
    // Two words of which one is that much longer need not be compared.
    if one.chars().count().abs_diff(other.chars().count()) > limit {
        return None;
    }
    Some(strsim::osa_distance(one, other)).filter(|distance| *distance <= limit)
}

fn fold(word: &str) -> String {
    let letters = word.chars().take(LONGEST_WORD + 1).flat_map(char::to_lowercase);
    letters.map(|letter| if letter == '_' { '-' } else { letter }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_count_edits_and_swaps() {
        for (one, other, limit, want) in [
            ("", "", 0, Some(0)),
            ("mount", "mount", 0, Some(0)),
            ("mount", "muont", 1, Some(1)),
            ("mount", "umount", 1, Some(1)),
            ("comands", "commands", 1, Some(1)),
            ("abc", "", 3, Some(3)),
            ("kitten", "sitting", 3, Some(3)),
            ("kitten", "sitting", 2, None),
            ("ca", "abc", 3, Some(3)),
            ("größe", "grosse", 3, Some(3)),
        ] {
            assert_eq!(distance(one, other, limit), want, "{one} {other}");
            assert_eq!(distance(other, one, limit), want, "{other} {one}");
        }
    }

    #[test]
    fn the_nearest_name_is_near() {
        let keys = ["cmd", "commands", "entrypoint", "env", "exposed-ports", "files"];
        for (word, want) in [
            ("comands", Some("commands")),
            ("Commands", Some("commands")),
            ("exposed_ports", Some("exposed-ports")),
            ("entry-point", Some("entrypoint")),
            ("file", Some("files")),
            ("evn", Some("env")),
            ("nothing", None),
            ("x", None),
            ("", None),
        ] {
            assert_eq!(nearest(word, keys), want, "{word}");
        }
        assert_eq!(nearest(&"x".repeat(10_000), keys), None);
        assert_eq!(nearest("tolls", ["polls", "tools"]), Some("polls"), "equally near: the first");
    }
}
