//! The nearest of known names to one that is not known, for those who mistyped it.
//!
//! It refuses names that have little in common: a wrong hint is worse than none.

/// Names longer than this are no slip of the finger, and are not compared.
const LONGEST: usize = 100;

/// The name that is spelt most alike, if any is near: a third of the letters may differ, or two.
pub(crate) fn nearest<'names>(name: &str, names: impl Iterator<Item = &'names str>) -> Option<&'names str> {
    if name.len() > LONGEST {
        return None;
    }
    let lower = name.to_lowercase();
    let limit = (name.len() / 3).max(2).min(name.len().saturating_sub(1));
    names
        .map(|known| (strsim::osa_distance(&lower, &known.to_lowercase()), known))
        .filter(|(distance, _)| *distance <= limit)
        .min()
        .map(|(_, known)| known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_by_their_spelling() {
        let names = ["cgroupDriver", "cgroupRoot", "clusterDNS"];
        for (name, want) in [
            ("cgroupdriver", Some("cgroupDriver")),
            ("cgroupDrvier", Some("cgroupDriver")),
            ("clusterDns", Some("clusterDNS")),
            ("cluster-dns", Some("clusterDNS")),
            ("mountains", None),
            ("", None),
        ] {
            assert_eq!(nearest(name, names.into_iter()), want, "{name}");
        }
        assert_eq!(nearest(&"c".repeat(1 << 20), names.into_iter()), None, "a long one");
    }
}
