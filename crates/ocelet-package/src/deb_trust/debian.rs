//! The keys that sign Debian's own archive, which the program brings along: those of bullseye, bookworm and trixie, each
//! with one for its security archive.
//!
//! The file is `/usr/share/keyrings/debian-archive-keyring.gpg` of Debian's package debian-archive-keyring
//! 2023.3+deb12u2, as it is signed and shipped in bookworm; its copyright file says that the keys fall under none.
//! Debian publishes the fingerprints at <https://ftp-master.debian.org/keys.html>; they are repeated in the test below.

use super::keyring::Keyring;

/// The file, byte for byte.
const ARCHIVE: &[u8] = include_bytes!("../../keys/debian/debian-archive-keyring.gpg");

impl Keyring {
    /// The keys of Debian's archive.
    ///
    /// # Panics
    /// Never: the file is part of the program, and read in its tests.
    pub fn debian() -> Self {
        let mut keyring = Self::new();
        keyring.add("debian-archive-keyring.gpg", ARCHIVE).expect("the embedded keyring is sound");
        keyring
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_keys_are_those_that_debian_publishes() {
        let keyring = Keyring::debian();
        let got: Vec<String> = keyring.fingerprints().iter().map(ToString::to_string).collect();
        let want = [
            ("11/bullseye archive", "1F89983E0081FDE018F3CC9673A4F27B8DD47936"),
            ("11/bullseye security", "AC530D520F2F3269F5E98313A48449044AAD5C5D"),
            ("11/bullseye release", "A4285295FC7B1A81600062A9605C66F00D6C9793"),
            ("12/bookworm release", "4D64FEC119C2029067D6E791F8D2585B8783D481"),
            ("12/bookworm archive", "B8B80B5B623EAB6AD8775C45B7C5D7D6350947F8"),
            ("12/bookworm security", "05AB90340C0C5E797F44A8C8254CF3B5AEC0A8F0"),
            ("13/trixie archive", "04B54C3CDCA79751B16BC6B5225629DF75B188BD"),
            ("13/trixie security", "5E04A1E3223A19A20706E20F9904613D4CCE68C6"),
            ("13/trixie release", "41587F7DB8C774BCCF131416762F67A0B2C39DE4"),
        ];
        assert_eq!(got, want.map(|(_, fingerprint)| fingerprint.to_owned()));
        assert_eq!(keyring.unread(), []);
    }
}
