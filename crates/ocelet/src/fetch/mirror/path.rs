//! Which paths a file of a mirror may have.
//!
//! It refuses everything that could leave the directory, that `sha256sum` would have to escape, and the names that
//! the mirror itself uses.

/// The file of sums.
pub(super) const SUMS: &str = "SHA256SUMS";
/// The file whose lock is held by whoever writes.
pub(super) const LOCK: &str = ".ocelet-lock";
/// What a file is called, in its own directory, until it is whole.
pub(super) const PARTIAL: &str = ".ocelet-partial";

/// The longest name of a file, in bytes (`NAME_MAX` of Linux).
const LONGEST: usize = 255;

/// Whether a path may be one of a mirror.
pub(super) fn check(path: &str) -> Result<(), &'static str> {
    if path.contains('\\') || path.chars().any(char::is_control) {
        return Err("it has a backslash or a control character");
    }
    for name in path.split('/') {
        match name {
            "" => return Err("it has an empty name: write names joined by single slashes"),
            "." | ".." => return Err("it has \".\" or \"..\" in it"),
            LOCK | PARTIAL => return Err("the mirror itself uses that name"),
            _ if name.len() > LONGEST => return Err("a name in it is longer than 255 bytes"),
            _ => {}
        }
    }
    if path == SUMS {
        return Err("the mirror itself uses that name");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn paths() {
        for (path, want) in [
            ("v3.19/main/x86_64/musl-1.2.4-r2.apk", true),
            ("a b/ü", true),
            ("sub/SHA256SUMS", true),
            ("...", true),
            ("", false),
            ("/etc/passwd", false),
            ("a/../b", false),
            ("a/./b", false),
            ("a//b", false),
            ("a/", false),
            ("a\\b", false),
            ("a\nb", false),
            ("SHA256SUMS", false),
            (".ocelet-lock", false),
            ("a/.ocelet-partial", false),
        ] {
            assert_eq!(check(path).is_ok(), want, "{path:?}");
        }
        assert!(check(&"x".repeat(256)).is_err());
    }
}
