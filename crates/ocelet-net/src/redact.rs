//! [`Redacted`]: text with the secrets of its addresses taken out.
//!
//! A user name, a password and every value of a query are hidden, since signed addresses carry their token in
//! the query. It refuses to judge which value is harmless: all are hidden. A secret in the path of an address
//! cannot be told from a name and is shown.

use std::fmt;

/// Shows text with `user:password@` dropped, query values as `…` and fragments cut, in every address that it
/// contains.
#[derive(Clone, Copy)]
pub struct Redacted<'a>(pub &'a str);

/// Whether a character ends an address inside running text.
fn ends_address(character: char) -> bool {
    character.is_whitespace() || matches!(character, '"' | '\'' | '<' | '>' | '`')
}

impl fmt::Display for Redacted<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        while let Some(scheme) = rest.find("://") {
            let (before, address) = rest.split_at(scheme + 3);
            formatter.write_str(before)?;
            let end = address.find(ends_address).unwrap_or(address.len());
            write_address(&address[..end], formatter)?;
            rest = &address[end..];
        }
        formatter.write_str(rest)
    }
}

impl fmt::Debug for Redacted<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "\"{self}\"")
    }
}

/// Writes what follows `://`.
fn write_address(address: &str, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
    let authority_end = address.find(['/', '?', '#']).unwrap_or(address.len());
    let (authority, rest) = address.split_at(authority_end);
    let host = authority.rsplit('@').next().unwrap_or(authority);
    formatter.write_str(host)?;
    let rest = rest.split('#').next().unwrap_or(rest);
    let Some((path, query)) = rest.split_once('?') else {
        return formatter.write_str(rest);
    };
    write!(formatter, "{path}?")?;
    for (index, pair) in query.split('&').enumerate() {
        let separator = if index == 0 { "" } else { "&" };
        match pair.split_once('=') {
            Some((key, _)) => write!(formatter, "{separator}{key}=…")?,
            None => write!(formatter, "{separator}…")?,
        }
    }
    Ok(())
}

/// For text that is no address although one was wanted: nothing before its last `@` is shown, since where the
/// password ends is not known.
pub(crate) fn unreadable(text: &str) -> String {
    let shown = match text.rfind('@') {
        Some(at) => format!("…{}", &text[at..]),
        None => text.to_owned(),
    };
    shown.split('?').next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_hidden_and_the_rest_stays() {
        for (given, want) in [
            ("https://h/p", "https://h/p"),
            ("https://user:pass@h:8/p", "https://h:8/p"),
            ("https://token@h", "https://h"),
            ("https://u:p@ss@h/@scope/x", "https://h/@scope/x"),
            ("https://h/p?X-Sig=abc&b=1&flag#frag", "https://h/p?X-Sig=…&b=…&…"),
            (
                "from http://a:b@c/d to \"http://e?f=g\" it went",
                "from http://c/d to \"http://e?f=…\" it went",
            ),
            ("no address", "no address"),
            ("://", "://"),
        ] {
            assert_eq!(Redacted(given).to_string(), want, "{given}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_cut_at_its_last_at_sign() {
        assert_eq!(unreadable("https://user:pa/ss@host:x/p?t=1"), "…@host:x/p");
        assert_eq!(unreadable("nonsense"), "nonsense");
    }
}
