//! Words for POSIX shells.
//!
//! It refuses nothing: every text has a spelling.

/// A word that a shell takes as exactly this text.
pub(super) fn word(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:=,@+%".contains(&byte);
    if !text.is_empty() && text.bytes().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// Words on lines of their own, each but the last with a backslash behind it.
pub(super) fn command(words: &[String]) -> String {
    words.join(" \\\n    ")
}

#[cfg(test)]
mod tests {
    use super::word;

    #[test]
    fn words_are_quoted_where_a_shell_would_read_them_otherwise() {
        for (text, want) in [
            ("--config=/var/lib/x.yaml", "--config=/var/lib/x.yaml"),
            ("", "''"),
            ("a b", "'a b'"),
            ("$(reboot)", "'$(reboot)'"),
            ("it's", "'it'\\''s'"),
            ("*", "'*'"),
            ("~/x", "'~/x'"),
        ] {
            assert_eq!(word(text), want);
        }
    }
}
