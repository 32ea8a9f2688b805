//! What is put around packets: armor, and the frame of a signed text.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Armor around packets (RFC 9580 section 6.2); the title is `SIGNATURE` or `PUBLIC KEY BLOCK`.
///
/// # Panics
/// Never: base64 is text.
pub fn armored(title: &str, packets: &[u8]) -> String {
    let digits = STANDARD.encode(packets);
    let lines: Vec<&str> =
        digits.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).expect("digits")).collect();
    format!("-----BEGIN PGP {title}-----\nComment: test\n\n{}\n-----END PGP {title}-----\n", lines.join("\n"))
}

/// An `InRelease` of that text with those signature packets; the text ends with a line feed, which nobody signs.
pub fn inline(text: &str, signatures: &[Vec<u8>]) -> String {
    let escaped: String = text
        .split_inclusive('\n')
        .map(|line| if line.starts_with('-') { format!("- {line}") } else { line.to_owned() })
        .collect();
    let armored = armored("SIGNATURE", &signatures.concat());
    format!("-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n{escaped}{armored}")
}

/// What is signed of a text: all but its last line feed.
pub fn signed_part(text: &str) -> &[u8] {
    text.strip_suffix('\n').unwrap_or(text).as_bytes()
}
