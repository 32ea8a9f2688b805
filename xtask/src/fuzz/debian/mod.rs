//! The parsers of Debian's formats as targets: packages and their indexes, what is signed and by whom, the configuration
//! of apt, and the database of dpkg.
//!
//! A mutant of something signed never gets past the signature, so the text of a Release is signed anew here for each
//! input, and signatures, keys and frames are targets of their own.

mod packages;
mod seeds;
mod trust;

use ocelet_package::deb_trust::Keyring;
use ocelet_testkit::openpgp::Forged;

use super::targets::Target;

/// Who signs, and what was signed.
pub(super) struct Signed {
    signer: Forged,
    keyring: Keyring,
    release: Vec<u8>,
    in_release: Vec<u8>,
}

/// An error as a user sees it, with what is behind it.
fn told(error: &dyn std::error::Error) {
    let mut next = Some(error);
    while let Some(cause) = next {
        drop(cause.to_string());
        next = cause.source();
    }
}

pub(super) const TARGETS: &[Target] = &[
    Target {
        name: "deb-index",
        seeds: |_| seeds::indexes(),
        words: CONTROL,
        repair: |_| {},
        call: packages::index,
    },
    Target {
        name: "deb",
        seeds: |_| seeds::packages(),
        words: CONTROL,
        repair: seeds::repair_package,
        call: packages::package,
    },
    Target {
        name: "deb-script",
        seeds: |_| seeds::scripts(),
        words: SCRIPT,
        repair: |_| {},
        call: packages::script,
    },
    Target {
        name: "dpkg-database",
        seeds: |_| seeds::databases(),
        words: CONTROL,
        repair: |_| {},
        call: packages::database,
    },
    Target {
        name: "release",
        seeds: |_| seeds::releases(),
        words: RELEASE,
        repair: |_| {},
        call: trust::release,
    },
    Target {
        name: "in-release",
        seeds: |bench| vec![bench.signed.in_release.clone()],
        words: ARMOR,
        repair: seeds::repair_armor,
        call: trust::in_release,
    },
    Target {
        name: "release-gpg",
        seeds: seeds::signatures,
        words: ARMOR,
        repair: seeds::repair_armor,
        call: trust::signature,
    },
    Target {
        name: "keyring",
        seeds: |_| seeds::keys(),
        words: ARMOR,
        repair: seeds::repair_armor,
        call: trust::keyring,
    },
    Target {
        name: "apt-sources",
        seeds: |_| seeds::sources(),
        words: SOURCES,
        repair: |_| {},
        call: trust::sources,
    },
    Target {
        name: "apt-conf",
        seeds: |_| seeds::configurations(),
        words: CONFIGURATION,
        repair: |_| {},
        call: trust::configuration,
    },
];

const CONTROL: &[&str] = &[
    "\n",
    "\n\n",
    "\n ",
    "\n .\n",
    ": ",
    "Depends: ",
    "Provides: a (= 1)",
    "Conffiles:\n",
    "Package: a\nVersion: 1\nArchitecture: all\n",
    " | ",
    ", ",
    " (>= 1:2~3-4)",
    ":any",
    "[!amd64 any]",
    "<!nocheck>",
    "4294967296",
    "../",
    "é",
    "\u{1e}",
];
const SCRIPT: &[&str] = &[
    "update-alternatives --install /usr/bin/a a /usr/bin/b 10 --slave /c c /d",
    "dpkg-divert --package a --add --rename --divert /b /a",
    "if true; then\n",
    "fi\n",
    "case \"$1\" in\n",
    "esac\n",
    "<<EOF\n",
    "EOF\n",
    "$(",
    "`",
    "${a:-b}",
    "'",
    "\"",
    "\\\n",
    " && ",
    " | ",
    ";",
    "{",
    "}",
    "f() {\n",
    "for a in b; do\n",
    "done\n",
    "#",
];
const RELEASE: &[&str] = &[
    "\n",
    "\n ",
    ": ",
    "- ",
    "-----BEGIN PGP SIGNATURE-----\n",
    "Valid-Until: Sat, 01 Jan 2050 00:00:00 UTC\n",
    "Acquire-By-Hash: yes\n",
    "SHA256:\n",
    " 18446744073709551616 ",
    "main/binary-amd64/Packages.xz",
    "../",
    "Feb 30",
];
const ARMOR: &[&str] = &[
    "-----BEGIN PGP SIGNED MESSAGE-----\n",
    "-----BEGIN PGP SIGNATURE-----\n",
    "-----END PGP SIGNATURE-----\n",
    "-----BEGIN PGP PUBLIC KEY BLOCK-----\n",
    "-----BEGIN PGP PRIVATE KEY BLOCK-----\n",
    "Hash: SHA256\n",
    "\n\n",
    "\r\n",
    "- ",
    "=AAAA\n",
    // Lengths of packets and subpackets: four bytes, and a part of unknown size (RFC 9580 section 4.2.1).
    "\u{7f}",
    "\0\0\0\0",
];
const SOURCES: &[&str] = &[
    "deb ",
    "deb-src ",
    "[arch=amd64 signed-by=/a.gpg]",
    "[ arch+=i386 trusted=yes ]",
    "Types: deb\n",
    "Signed-By:\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n",
    "URIs: ",
    "\n\n",
    "\n .\n",
    "#",
    "$(ARCH)",
    "cdrom:[a b]/",
    "file:",
    "./",
    "/",
    "\"",
    "%20",
];
const CONFIGURATION: &[&str] = &[
    "{",
    "}",
    ";",
    "\"",
    "::",
    "#clear ",
    "#include ",
    "//",
    "/*",
    "*/",
    "\n",
    "Acquire::http::Proxy",
    "DIRECT",
    "\\",
];
