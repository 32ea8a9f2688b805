//! The size matrix: for each tag and platform, how much is pulled and how much that is on disk.

use std::fmt::Write;

use serde_json::Value;

/// The sizes of one tag for one platform, in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cell {
    pub(crate) tag: String,
    pub(crate) platform: String,
    pub(crate) compressed: u64,
    pub(crate) extracted: u64,
}

/// The cells of what `inspect` tells.
pub(crate) fn cells(inspected: &Value) -> Result<Vec<Cell>, String> {
    let mut cells = Vec::new();
    for image in inspected["images"].as_array().ok_or("inspect names no images")? {
        let tag = image["tag"].as_str().ok_or("inspect names an image without a tag")?;
        for platform in image["platforms"].as_array().ok_or("inspect names an image without platforms")? {
            let number =
                |key: &str| platform[key].as_u64().ok_or(format!("inspect tells no {key} size of {tag}"));
            cells.push(Cell {
                tag: tag.to_owned(),
                platform: platform["platform"].as_str().ok_or("inspect names no platform")?.to_owned(),
                compressed: number("compressed")?,
                extracted: number("extracted")?,
            });
        }
    }
    Ok(cells)
}

/// One line for each tag, one column for each platform: compressed / extracted.
pub(crate) fn table(image: &str, cells: &[Cell]) -> String {
    let (mut tags, mut platforms) = (Vec::new(), Vec::new());
    for cell in cells {
        if !tags.contains(&&cell.tag) {
            tags.push(&cell.tag);
        }
        if !platforms.contains(&&cell.platform) {
            platforms.push(&cell.platform);
        }
    }
    let first = tags.iter().map(|tag| tag.len()).chain([image.len()]).max().unwrap_or(0);
    let mut table = format!("{image:<first$}");
    for platform in &platforms {
        let _ = write!(table, "  {platform:>19}");
    }
    table.push('\n');
    for tag in tags {
        let _ = write!(table, "{tag:<first$}");
        for platform in &platforms {
            let cell = cells.iter().find(|cell| cell.tag == *tag && cell.platform == **platform);
            let shown = cell.map_or_else(
                || "-".to_owned(),
                |cell| format!("{} / {}", size(cell.compressed), size(cell.extracted)),
            );
            let _ = write!(table, "  {shown:>19}");
        }
        table.push('\n');
    }
    table
}

/// A size for people: three digits, thousands.
fn size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..999_950 => tenths(bytes, 1_000, "kB"),
        999_950..999_950_000 => tenths(bytes, 1_000_000, "MB"),
        _ => tenths(bytes, 1_000_000_000, "GB"),
    }
}

fn tenths(bytes: u64, unit: u64, name: &str) -> String {
    let tenths = (bytes * 10 + unit / 2) / unit;
    format!("{}.{} {name}", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_for_people() {
        for (bytes, want) in [
            (0, "0 B"),
            (999, "999 B"),
            (1_000, "1.0 kB"),
            (1_049, "1.0 kB"),
            (1_050, "1.1 kB"),
            (999_949, "999.9 kB"),
            (999_950, "1.0 MB"),
            (26_149_999, "26.1 MB"),
            (1_500_000_000, "1.5 GB"),
        ] {
            assert_eq!(size(bytes), want, "{bytes}");
        }
    }

    #[test]
    fn one_line_for_each_tag() {
        let cell = |tag: &str, platform: &str, compressed| Cell {
            tag: tag.to_owned(),
            platform: platform.to_owned(),
            compressed,
            extracted: 2 * compressed,
        };
        let cells = [
            cell("v1", "linux/amd64", 1_200),
            cell("v1", "linux/arm64", 500),
            cell("v1-b", "linux/arm64", 7),
        ];
        let want = "\
x             linux/amd64          linux/arm64
v1        1.2 kB / 2.4 kB       500 B / 1.0 kB
v1-b                    -           7 B / 14 B
";
        assert_eq!(table("x", &cells), want);
    }
}
