//! Dynamic string tokens: `$ORIGIN`, `$LIB`, `$PLATFORM`, with and without braces.
//!
//! Rules of glibc's `_dl_dst_substitute` and musl's `fixup_rpath`. It refuses what they refuse: a token
//! without a value makes its path disappear.

/// What the tokens stand for.
pub(super) struct Tokens<'values> {
    pub(super) origin: &'values [u8],
    pub(super) lib: &'values [u8],
    pub(super) platform: Option<&'values [u8]>,
}

impl Tokens<'_> {
    /// Writes the values in place of the tokens, as glibc does; nothing where a token has no value. A dollar
    /// sign before anything else stays.
    pub(super) fn expand(&self, text: &[u8]) -> Option<Vec<u8>> {
        let mut expanded = Vec::with_capacity(text.len() + self.origin.len());
        let mut rest = text;
        while let Some(dollar) = rest.iter().position(|byte| *byte == b'$') {
            expanded.extend_from_slice(&rest[..dollar]);
            let after = &rest[dollar + 1..];
            let known =
                [(&b"ORIGIN"[..], Some(self.origin)), (b"LIB", Some(self.lib)), (b"PLATFORM", self.platform)];
            let token = known.into_iter().find_map(|(name, value)| Some((length(after, name)?, value)));
            if let Some((length, value)) = token {
                expanded.extend_from_slice(value?);
                rest = &after[length..];
            } else {
                expanded.push(b'$');
                rest = after;
            }
        }
        expanded.extend_from_slice(rest);
        Some(expanded)
    }
}

/// How long the token `name` is at the start of a text, behind the dollar sign; nothing where it is another.
fn length(text: &[u8], name: &[u8]) -> Option<usize> {
    if let Some(inside) = text.strip_prefix(b"{") {
        let after = inside.strip_prefix(name)?;
        return (after.first() == Some(&b'}')).then_some(name.len() + 2);
    }
    let after = text.strip_prefix(name)?;
    let longer = after.first().is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
    (!longer).then_some(name.len())
}

/// Writes the origin into a whole search path, as musl does: it knows no other token, and a path with any
/// other dollar sign counts as none.
pub(super) fn expand_for_musl(text: &[u8], origin: &[u8]) -> Option<Vec<u8>> {
    let mut expanded = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(dollar) = rest.iter().position(|byte| *byte == b'$') {
        expanded.extend_from_slice(&rest[..dollar]);
        expanded.extend_from_slice(origin);
        let after = &rest[dollar..];
        rest = [&b"$ORIGIN"[..], b"${ORIGIN}"].iter().find_map(|token| after.strip_prefix(*token))?;
    }
    expanded.extend_from_slice(rest);
    Some(expanded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_have_their_values() {
        let tokens = Tokens { origin: b"/opt/x/bin", lib: b"lib64", platform: None };
        for (text, want) in [
            ("$ORIGIN/../lib", Some("/opt/x/bin/../lib")),
            ("${ORIGIN}/a/$LIB", Some("/opt/x/bin/a/lib64")),
            ("$ORIGINAL/$LIBRARY", Some("$ORIGINAL/$LIBRARY")),
            ("${ORIGIN/x", Some("${ORIGIN/x")),
            ("/a$", Some("/a$")),
            ("/a/$PLATFORM", None),
            ("/plain", Some("/plain")),
        ] {
            let got = tokens.expand(text.as_bytes());
            assert_eq!(got.as_deref(), want.map(str::as_bytes), "{text}");
        }
        for (text, want) in [
            ("$ORIGIN/a:${ORIGIN}/b", Some("/o/a:/o/b")),
            ("$ORIGIN/a:/$LIB", None),
            ("$ORIGINAL", Some("/oAL")),
            ("/a:/b", Some("/a:/b")),
        ] {
            let got = expand_for_musl(text.as_bytes(), b"/o");
            assert_eq!(got.as_deref(), want.map(str::as_bytes), "{text}");
        }
    }
}
