//! What Kubernetes takes a plain value of YAML for: it reads YAML by the rules of version 1.1, so that `yes` and `on` are no
//! texts and `0755` is 493, and goes on with JSON.
//!
//! It refuses nothing: what is nothing else is a text. The rules are those of the library that Kubernetes reads YAML with,
//! <https://github.com/kubernetes-sigs/yaml/blob/v1.4.0/goyaml.v2/resolve.go>.

/// A value as JSON has it.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Scalar<'text> {
    Null,
    Bool(bool),
    Integer(i128),
    /// A number that is no integer.
    Fraction,
    Text(&'text str),
}

impl Scalar<'_> {
    /// What it is, in words.
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Bool(_) => "true or false",
            Self::Integer(_) => "an integer",
            Self::Fraction => "a number",
            Self::Text(_) => "a text",
        }
    }
}

/// What a scalar means; only plain ones can be anything but texts.
pub(super) fn resolve(text: &str, is_plain: bool) -> Scalar<'_> {
    if !is_plain {
        return Scalar::Text(text);
    }
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Scalar::Null,
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            return Scalar::Bool(true);
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            return Scalar::Bool(false);
        }
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" | "-.inf" | "-.Inf" | "-.INF" | ".nan"
        | ".NaN" | ".NAN" => return Scalar::Fraction,
        _ => {}
    }
    let begins = text.starts_with(|first: char| first.is_ascii_digit() || "+-.".contains(first));
    if !begins {
        return Scalar::Text(text);
    }
    let digits = text.replace('_', "");
    if let Some(integer) = integer(&digits) {
        return Scalar::Integer(integer);
    }
    if is_float(&digits) {
        // 1e3 is a number without a fraction, and JSON has it as 1000.
        let value: f64 = digits.parse().unwrap_or(f64::NAN);
        #[expect(clippy::cast_possible_truncation, reason = "whole and small, as the condition says")]
        if value.fract() == 0.0 && value.abs() < 1e15 {
            return Scalar::Integer(value as i128);
        }
        return Scalar::Fraction;
    }
    Scalar::Text(text)
}

/// Integers with the prefixes of Go: `0x1f`, `0b1`, `0o17` and `017`.
fn integer(text: &str) -> Option<i128> {
    let (sign, bare) = match text.as_bytes().first()? {
        b'-' => (-1, text.get(1..)?),
        b'+' => (1, text.get(1..)?),
        _ => (1, text),
    };
    let (radix, digits) = match bare.get(..2).map(str::to_ascii_lowercase).as_deref() {
        Some("0x") => (16, bare.get(2..)?),
        Some("0b") => (2, bare.get(2..)?),
        Some("0o") => (8, bare.get(2..)?),
        Some(_) if bare.starts_with('0') => (8, bare.get(1..)?),
        _ => (10, bare),
    };
    if !digits.starts_with(|first: char| first.is_ascii_hexdigit()) {
        return None;
    }
    i128::from_str_radix(digits, radix).ok().map(|value| sign * value)
}

/// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`
fn is_float(text: &str) -> bool {
    let bare = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (mantissa, exponent) = match bare.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (bare, None),
    };
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let exponent_is_one = exponent.is_none_or(|text| {
        let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
        !digits.is_empty() && is_digits(digits)
    });
    is_digits(whole) && is_digits(fraction) && !(whole.is_empty() && fraction.is_empty()) && exponent_is_one
}

/// Whether Go's `time.ParseDuration` takes a text: `1h30m`, `0`, `-1.5s`.
pub(super) fn is_duration(text: &str) -> bool {
    let mut rest = text.strip_prefix(['-', '+']).unwrap_or(text);
    if rest == "0" {
        return true;
    }
    if rest.is_empty() {
        return false;
    }
    while !rest.is_empty() {
        let unit = rest.trim_start_matches(|part: char| part.is_ascii_digit() || part == '.');
        let number = &rest[..rest.len() - unit.len()];
        if number.matches('.').count() > 1 || !number.contains(|part: char| part.is_ascii_digit()) {
            return false;
        }
        // Longer ones first: "ms" begins like "m".
        let units = ["ns", "us", "µs", "μs", "ms", "h", "m", "s"];
        let Some(after) = units.iter().find_map(|name| unit.strip_prefix(name)) else { return false };
        rest = after;
    }
    true
}

/// Whether a text is a quantity of Kubernetes, like `50Mi`, `0.5` or `1e3`.
pub(super) fn is_quantity(text: &str) -> bool {
    let units = ["Ki", "Mi", "Gi", "Ti", "Pi", "Ei", "n", "u", "m", "k", "M", "G", "T", "P", "E"];
    is_float(text) || units.iter().any(|unit| text.strip_suffix(unit).is_some_and(is_plain_number))
}

fn is_plain_number(text: &str) -> bool {
    is_float(text) && !text.contains(['e', 'E'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_values_are_what_kubernetes_takes_them_for() {
        for (text, want) in [
            ("yes", Scalar::Bool(true)),
            ("Off", Scalar::Bool(false)),
            ("oFF", Scalar::Text("oFF")),
            ("0755", Scalar::Integer(493)),
            ("0x1F", Scalar::Integer(31)),
            ("0o17", Scalar::Integer(15)),
            ("1_000", Scalar::Integer(1000)),
            ("-5", Scalar::Integer(-5)),
            ("+5", Scalar::Integer(5)),
            ("1e3", Scalar::Integer(1000)),
            ("0", Scalar::Integer(0)),
            ("0.5", Scalar::Fraction),
            ("10.96.0.10", Scalar::Text("10.96.0.10")),
            ("10s", Scalar::Text("10s")),
            ("09", Scalar::Integer(9)),
            ("-", Scalar::Text("-")),
            ("+-5", Scalar::Text("+-5")),
            ("~", Scalar::Null),
            ("", Scalar::Null),
            (".nan", Scalar::Fraction),
            ("99999999999999999999999999999999999999999999", Scalar::Fraction),
        ] {
            assert_eq!(resolve(text, true), want, "{text}");
            assert_eq!(resolve(text, false), Scalar::Text(text), "{text} in quotes");
        }
    }

    #[test]
    fn durations_and_quantities_are_known() {
        for (text, duration, quantity) in [
            ("0s", true, false),
            ("1h30m", true, false),
            ("1.5h", true, false),
            ("0", true, true),
            ("10", false, true),
            ("10 s", false, false),
            ("s", false, false),
            ("1d", false, false),
            ("", false, false),
            ("-", false, false),
            ("1..5s", false, false),
            ("50Mi", false, true),
            ("0.5", false, true),
            ("5%", false, false),
            ("10m", true, true),
            ("1e3Mi", false, false),
            ("µs", false, false),
            ("5µs", true, false),
        ] {
            assert_eq!(is_duration(text), duration, "{text:?} as a duration");
            assert_eq!(is_quantity(text), quantity, "{text:?} as a quantity");
        }
    }
}
