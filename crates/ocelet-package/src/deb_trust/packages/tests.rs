//! Indexes in every form, swapped ones and bombs.

use std::io::Write;

use flate2::write::GzEncoder;
use ocelet_tree::Compression;
use sha2::{Digest, Sha256};

use super::{PackagesError, VerifiedPackages};
use crate::deb_trust::{Keyring, Validity, VerifiedRelease, hex};
use ocelet_testkit::openpgp::{Forged, Plan, SIGNED, Stamp, inline, signed_part};

const TEXT: &[u8] = b"Package: a\nVersion: 1\n\nPackage: b\nVersion: 2\n";

fn packed(compression: Compression, bytes: &[u8]) -> Vec<u8> {
    match compression {
        Compression::Xz => {
            let mut encoder = liblzma::write::XzEncoder::new(Vec::new(), 0);
            encoder.write_all(bytes).expect("in memory");
            encoder.finish().expect("in memory")
        }
        Compression::Zstd => zstd::encode_all(bytes, 1).expect("in memory"),
        Compression::Gzip => {
            let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(bytes).expect("in memory");
            encoder.finish().expect("in memory")
        }
        _ => bytes.to_vec(),
    }
}

/// A signed Release over those files, with other fields.
fn release(fields: &str, files: &[(&str, &[u8])]) -> VerifiedRelease {
    let mut text = format!("Suite: x\nDate: Tue, 09 Apr 2024 23:59:00 UTC\n{fields}SHA256:\n");
    for (path, bytes) in files {
        text = format!("{text} {} {} {path}\n", hex::text(&Sha256::digest(bytes)), bytes.len());
    }
    let forged = Forged::new(1, &Plan::default());
    let mut keyring = Keyring::new();
    keyring.add("test.gpg", &forged.packets).expect("a certificate");
    let whole = inline(&text, &[forged.sign(signed_part(&text), &Stamp::default())]);
    VerifiedRelease::open_inline("test", whole.as_bytes(), &keyring, Validity::at(i64::from(SIGNED)))
        .expect("signed")
}

fn opened(release: &VerifiedRelease, bytes: &[u8], limit: u64) -> Result<VerifiedPackages, PackagesError> {
    release.open_packages(&release.choose_packages(Some("main"), "amd64")?, bytes, limit)
}

#[test]
fn every_form_is_chosen_in_order_and_unpacked() {
    let forms = [
        (".xz", Compression::Xz),
        (".zst", Compression::Zstd),
        (".gz", Compression::Gzip),
        ("", Compression::Plain),
    ];
    for (index, (ending, compression)) in forms.iter().enumerate() {
        let listed: Vec<(String, Vec<u8>)> = forms[index..]
            .iter()
            .map(|(ending, one)| (format!("main/binary-amd64/Packages{ending}"), packed(*one, TEXT)))
            .collect();
        let files: Vec<(&str, &[u8])> =
            listed.iter().map(|(path, bytes)| (path.as_str(), &bytes[..])).collect();
        let release = release("Acquire-By-Hash: yes\n", &files);
        let choice = release.choose_packages(Some("main"), "amd64").unwrap();
        assert_eq!((&choice.path[..], choice.compression), (files[0].0, *compression), "{ending}");
        let digest = hex::text(&Sha256::digest(files[0].1));
        assert_eq!(choice.by_hash, Some(format!("main/binary-amd64/by-hash/SHA256/{digest}")));
        let packages = release.open_packages(&choice, files[0].1, 1 << 20).unwrap();
        assert_eq!((packages.path(), packages.text()), (files[0].0, TEXT));
        assert_eq!(packages.into_text(), TEXT);
    }
}

#[test]
fn a_swapped_index_is_refused() {
    let xz = packed(Compression::Xz, TEXT);
    let release = release("", &[("main/binary-amd64/Packages.xz", &xz)]);
    assert!(opened(&release, &xz, 1 << 20).is_ok());
    assert_eq!(release.choose_packages(Some("main"), "amd64").unwrap().by_hash, None);
    let mut other = xz.clone();
    other[20] ^= 1;
    assert!(matches!(opened(&release, &other, 1 << 20), Err(PackagesError::Digest { unpacked: false, .. })));
    assert!(matches!(opened(&release, &xz[1..], 1 << 20), Err(PackagesError::Size { .. })));
    assert!(matches!(opened(&release, b"", 1 << 20), Err(PackagesError::Size { got: 0, .. })));
}

#[test]
fn what_an_index_unpacks_to_is_bounded_and_compared() {
    let xz = packed(Compression::Xz, &vec![b'a'; 1 << 20]);
    let alone = release("", &[("main/binary-amd64/Packages.xz", &xz)]);
    assert!(opened(&alone, &xz, 1 << 20).is_ok());
    assert!(matches!(opened(&alone, &xz, (1 << 20) - 1), Err(PackagesError::Unpack { .. })));
    let plain = ("main/binary-amd64/Packages", TEXT);
    let bomb = release("", &[("main/binary-amd64/Packages.xz", &xz), plain]);
    assert!(matches!(opened(&bomb, &xz, 1 << 30), Err(PackagesError::Unpack { .. })));
    let other = packed(Compression::Xz, &TEXT.to_ascii_uppercase());
    let swapped = release("", &[("main/binary-amd64/Packages.xz", &other), plain]);
    assert!(matches!(opened(&swapped, &other, 1 << 30), Err(PackagesError::Digest { unpacked: true, .. })));
    let short = packed(Compression::Xz, &TEXT[1..]);
    let shorter = release("", &[("main/binary-amd64/Packages.xz", &short), plain]);
    assert!(matches!(opened(&shorter, &short, 1 << 30), Err(PackagesError::Size { .. })));
    let damaged = release("", &[("main/binary-amd64/Packages.xz", &xz[..xz.len() - 8])]);
    assert!(matches!(opened(&damaged, &xz[..xz.len() - 8], 1 << 30), Err(PackagesError::Unpack { .. })));
}

#[test]
fn what_is_not_listed_is_named_with_what_is() {
    let fields = "Components: main updates/contrib\nArchitectures: all amd64\n";
    let release = release(fields, &[("main/binary-arm64/Packages.lzma", b""), ("./Packages", TEXT)]);
    let error = release.choose_packages(Some("main"), "arm64").unwrap_err().to_string();
    assert!(
        error.contains("main/binary-arm64/Packages")
            && error.contains("are main updates/contrib")
            && error.contains("all amd64")
            && error.contains("Packages.lzma"),
        "{error}"
    );
    let flat = release.choose_packages(None, "amd64").unwrap();
    assert_eq!(release.open_packages(&flat, TEXT, 100).unwrap().text(), TEXT);
    assert!(release.release().has_component("main") && release.release().has_component("contrib"));
    assert!(!release.release().has_component("updates") && release.release().has_index_of_all());
    let within = self::release(&format!("{fields}No-Support-for-Architecture-all: Packages\n"), &[]);
    assert!(!within.release().has_index_of_all());
}
