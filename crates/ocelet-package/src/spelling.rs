//! How alike two names are spelled, to propose names in place of unknown ones.

/// How many characters have to be added, removed, replaced or swapped with their neighbour; nothing where it
/// takes more than `most`.
pub(crate) fn edits(left: &str, right: &str, most: usize) -> Option<usize> {
    let (left, right): (Vec<char>, Vec<char>) = (left.chars().collect(), right.chars().collect());
    if left.len().abs_diff(right.len()) > most {
        return None;
    }
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=right.len()).collect();
    for (i, a) in left.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, b) in right.iter().enumerate() {
            let mut cost = (last[j + 1] + 1).min(row[j] + 1).min(last[j] + usize::from(a != b));
            if i > 0 && j > 0 && *a == right[j - 1] && left[i - 1] == *b {
                cost = cost.min(before_last[j - 1] + 1);
            }
            row.push(cost);
        }
        if row.iter().all(|cost| *cost > most) {
            return None;
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last.last().copied().filter(|cost| *cost <= most)
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
