//! How alike two names are spelled, to propose names in place of unknown ones.

/// How many characters have to be added, removed, replaced or swapped with their neighbour; nothing where it
/// takes more than `most`.
pub(crate) fn edits(left: &str, right: &str, most: usize) -> Option<usize> {
    // Two names of which one is that much longer need not be compared.
    if left.chars().count().abs_diff(right.chars().count()) > most {
        return None;
    }
    Some(strsim::osa_distance(left, right)).filter(|edits| *edits <= most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_are_counted_up_to_a_bound() {
        for (left, right, most, want) in [
            ("", "", 0, Some(0)),
            ("kubelet", "kubelet", 0, Some(0)),
            ("kubelet", "kublet", 3, Some(1)),
            ("iptables", "iptabels", 3, Some(1)),
            ("mount", "umount", 1, Some(1)),
            ("mount", "moount2", 1, None),
            ("abc", "xyz", 2, None),
            ("abc", "xyz", 3, Some(3)),
            ("", "ab", 2, Some(2)),
        ] {
            assert_eq!(edits(left, right, most), want, "{left} {right} {most}");
            assert_eq!(edits(right, left, most), want, "{right} {left} {most}");
        }
    }
}
