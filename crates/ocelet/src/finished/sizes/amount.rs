//! Sizes as people write and read them. Decimal units are powers of 1,000 (MB = 10^6 bytes), binary ones of 1,024
//! (MiB = 2^20 bytes), as IEC 80000-13 has them. A size without a unit is refused: it is where mistakes begin.

/// The units that are read, with their bytes.
const UNITS: [(&str, u64); 8] = [
    ("bytes", 1),
    ("B", 1),
    ("kB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
];

/// Why a text is no size.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{given}\" is no size; write a number and a unit, such as \"30 MB\", \"28.5 MiB\" or \"1024 bytes\""
)]
pub struct NoSize {
    /// What was given.
    pub given: String,
}

/// Bytes for people: three digits and a decimal unit.
#[expect(clippy::cast_precision_loss, reason = "a size for people has three digits")]
pub fn shown(bytes: u64) -> String {
    let mut amount = bytes as f64;
    for unit in ["B", "kB", "MB", "GB"] {
        if amount < 999.5 {
            let decimals = usize::from(unit != "B" && amount < 99.95);
            return format!("{amount:.decimals$} {unit}");
        }
        amount /= 1000.0;
    }
    format!("{amount:.1} TB")
}

/// The bytes of a size as people write it; of a fraction of a byte nothing is left.
///
/// # Errors
/// There is no number, no unit that is known, or more bytes than can be counted.
pub fn parse(text: &str) -> Result<u64, NoSize> {
    let failed = || NoSize { given: text.to_owned() };
    let digits = text.find(|one: char| !one.is_ascii_digit() && one != '.').ok_or_else(failed)?;
    let (number, unit) = text.split_at(digits);
    let (_, unit) = UNITS.iter().find(|(name, _)| *name == unit.trim()).ok_or_else(failed)?;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    // Nine digits of a fraction tell single bytes of every unit, and keep the product within 128 bits.
    if fraction.is_empty() || fraction.len() > 9 {
        return Err(failed());
    }
    let scale = 10_u128.pow(u32::try_from(fraction.len()).unwrap_or(0));
    let whole: u64 = whole.parse().map_err(|_| failed())?;
    let part: u64 = fraction.parse().map_err(|_| failed())?;
    let bytes = (u128::from(whole) * scale + u128::from(part)) * u128::from(*unit) / scale;
    u64::try_from(bytes).map_err(|_| failed())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_for_people() {
        for (bytes, want) in [
            (0, "0 B"),
            (999, "999 B"),
            (1000, "1.0 kB"),
            (123_456, "123 kB"),
            (999_600, "1.0 MB"),
            (57_845_704, "57.8 MB"),
            (u64::MAX, "18446744.1 TB"),
        ] {
            assert_eq!(shown(bytes), want);
        }
    }

    #[test]
    fn sizes_of_people() {
        for (text, want) in [
            ("30 MB", Some(30_000_000)),
            ("30MB", Some(30_000_000)),
            ("28.5 MiB", Some(29_884_416)),
            ("0.25 KiB", Some(256)),
            ("1.234567 MB", Some(1_234_567)),
            ("1 GB", Some(1_000_000_000)),
            ("7 bytes", Some(7)),
            ("7 B", Some(7)),
            ("30", None),
            ("30 M", None),
            ("30 mb", None),
            ("MB", None),
            ("-1 MB", None),
            ("1. MB", None),
            ("1.2.3 MB", None),
            ("99999999999999 GB", None),
            ("", None),
        ] {
            assert_eq!(parse(text).ok(), want, "{text}");
        }
    }
}
