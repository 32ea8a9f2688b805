//! [`Matrix`]: compressed / extracted of each tag and platform; tags are lines and platforms columns, or, of several
//! sets of images, sets are columns and each is put in proportion to the first.

use std::fmt::Write;

use super::SizedSet;
use super::amount::shown;

/// Lines and columns of text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matrix {
    /// The names of the columns, that of the first column included.
    pub head: Vec<String>,
    /// The lines, each as long as the head.
    pub lines: Vec<Vec<String>>,
}

impl Matrix {
    /// The matrix of one set or of several. `corner` stands above the tags.
    pub fn of(corner: &str, sets: &[SizedSet]) -> Self {
        match sets {
            [only] => Self::of_one(corner, only),
            several => Self::of_several(corner, several),
        }
    }

    fn of_one(corner: &str, set: &SizedSet) -> Self {
        let tags = distinct(set.images.iter().map(|image| image.tag.as_str()));
        let platforms = distinct(set.images.iter().map(|image| image.platform.as_str()));
        let cell = |tag: &str, platform: &str| {
            let image = set.images.iter().find(|image| image.tag == tag && image.platform == platform);
            image.map_or_else(|| "-".to_owned(), |image| pair(image.compressed, image.extracted))
        };
        let line = |tag: &&str| {
            std::iter::once(named(tag)).chain(platforms.iter().map(|platform| cell(tag, platform))).collect()
        };
        Self {
            head: std::iter::once(corner).chain(platforms.iter().copied()).map(str::to_owned).collect(),
            lines: tags.iter().map(line).collect(),
        }
    }

    fn of_several(corner: &str, sets: &[SizedSet]) -> Self {
        let images = sets.iter().flat_map(|set| &set.images);
        let keys = distinct(images.map(|image| (image.tag.as_str(), image.platform.as_str())));
        let lines = keys.iter().map(|(tag, platform)| {
            let found: Vec<_> = sets
                .iter()
                .map(|set| set.images.iter().find(|image| image.tag == *tag && image.platform == *platform))
                .collect();
            let first = found.first().copied().flatten();
            let cells = found.iter().enumerate().map(|(position, image)| match (image, first) {
                (None, _) => "-".to_owned(),
                (Some(image), Some(first)) if position > 0 => format!(
                    "{} ({}) / {} ({})",
                    shown(image.compressed),
                    ratio(image.compressed, first.compressed),
                    shown(image.extracted),
                    ratio(image.extracted, first.extracted)
                ),
                (Some(image), _) => pair(image.compressed, image.extracted),
            });
            [named(tag), (*platform).to_owned()].into_iter().chain(cells).collect()
        });
        let head = [corner, "platform"].into_iter().chain(sets.iter().map(|set| set.name.as_str()));
        Self { head: head.map(str::to_owned).collect(), lines: lines.collect() }
    }

    /// As columns of plain text; numbers stand to the right.
    pub fn to_text(&self) -> String {
        let all = || std::iter::once(&self.head).chain(&self.lines);
        let widths: Vec<usize> = (0..self.head.len())
            .map(|column| all().map(|line| line[column].chars().count()).max().unwrap_or(0))
            .collect();
        let mut text = String::new();
        for line in all() {
            for (column, (cell, width)) in line.iter().zip(&widths).enumerate() {
                // Writing to a String cannot fail.
                let _ = match column {
                    0 => write!(text, "{cell:<width$}"),
                    _ => write!(text, "  {cell:>width$}"),
                };
            }
            text.push('\n');
        }
        text
    }

    /// As a table of GitHub's Markdown.
    pub fn to_markdown(&self) -> String {
        let row = |cells: &[String]| {
            let cells: Vec<String> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
            format!("| {} |\n", cells.join(" | "))
        };
        let rule = format!("|---|{}\n", "---:|".repeat(self.head.len().saturating_sub(1)));
        let lines: String = self.lines.iter().map(|line| row(line)).collect();
        format!("{}{rule}{lines}", row(&self.head))
    }
}

fn pair(compressed: u64, extracted: u64) -> String {
    format!("{} / {}", shown(compressed), shown(extracted))
}

/// How many times the first it is, to two decimals.
fn ratio(bytes: u64, first: u64) -> String {
    if first == 0 {
        return "-".to_owned();
    }
    let hundredths = (u128::from(bytes) * 100 + u128::from(first) / 2) / u128::from(first);
    format!("{}.{:02}×", hundredths / 100, hundredths % 100)
}

fn named(tag: &str) -> String {
    if tag.is_empty() { "(untagged)".to_owned() } else { tag.to_owned() }
}

/// Each once, in the order in which they come.
fn distinct<T: PartialEq>(all: impl Iterator<Item = T>) -> Vec<T> {
    let mut seen = Vec::new();
    for one in all {
        if !seen.contains(&one) {
            seen.push(one);
        }
    }
    seen
}

#[cfg(test)]
mod tests {
    use super::super::ImageSizes;
    use super::*;

    fn set(name: &str, images: &[(&str, &str, u64, u64)]) -> SizedSet {
        let images = images.iter().map(|(tag, platform, compressed, extracted)| ImageSizes {
            tag: (*tag).to_owned(),
            platform: (*platform).to_owned(),
            compressed: *compressed,
            extracted: *extracted,
            layers: Vec::new(),
            owners: Vec::new(),
            classes: Vec::new(),
        });
        SizedSet { name: name.to_owned(), images: images.collect(), stored: 0 }
    }

    #[test]
    fn one_line_for_each_tag() {
        let images = [
            ("v1", "linux/amd64", 1_200, 2_400),
            ("v1", "linux/arm64", 500, 1_000),
            ("v1-b", "linux/arm64", 7, 14),
        ];
        let matrix = Matrix::of("x", &[set("dist", &images)]);
        let want = "\
x         linux/amd64     linux/arm64
v1    1.2 kB / 2.4 kB  500 B / 1.0 kB
v1-b                -      7 B / 14 B
";
        assert_eq!(matrix.to_text(), want);
        let want = "\
| x | linux/amd64 | linux/arm64 |
|---|---:|---:|
| v1 | 1.2 kB / 2.4 kB | 500 B / 1.0 kB |
| v1-b | - | 7 B / 14 B |
";
        assert_eq!(matrix.to_markdown(), want);
    }

    #[test]
    fn several_sets_stand_side_by_side() {
        let compat = set("compat", &[("v1", "linux/amd64", 2_000, 4_000), ("v2", "linux/amd64", 1, 0)]);
        let wire = set("wire", &[("v1", "linux/amd64", 1_240, 8_000), ("v3", "linux/amd64", 5, 6)]);
        let want = "\
x      platform           compat                             wire
v1  linux/amd64  2.0 kB / 4.0 kB  1.2 kB (0.62×) / 8.0 kB (2.00×)
v2  linux/amd64        1 B / 0 B                                -
v3  linux/amd64                -                        5 B / 6 B
";
        assert_eq!(Matrix::of("x", &[compat, wire]).to_text(), want);
    }
}
