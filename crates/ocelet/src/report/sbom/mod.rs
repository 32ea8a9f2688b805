//! Bills of materials: what a report knows of packages, in the two formats that scanners read.
//!
//! Both are functions of the report and of the image that it is about: no clock, no chance. Times are the image's own,
//! names that must be unique are made from its digest, and keys are sorted, so that the same image always has the
//! same bill. Only packages with files in the image are in it.

mod cyclonedx;
mod license;
mod purl;
mod spdx;

use std::fmt::Write;

use ocelet_oci::Digest;

use super::{Report, ReportedPackage};

/// The media type of an SPDX document (IANA), and the artifact type of the manifest that carries it.
pub const SPDX_TYPE: &str = "application/spdx+json";

/// The formats of bills of materials.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// SPDX 2.3 as JSON.
    Spdx,
    /// `CycloneDX` 1.6 as JSON.
    CycloneDx,
}

/// The image that a bill is of.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'image> {
    /// The digest of its manifest.
    pub digest: &'image Digest,
    /// When it says that it was created, as RFC 3339 has it.
    pub created: &'image str,
}

/// The bill of materials of an image: canonical JSON, one line.
///
/// # Panics
/// Never: a bill has only text, numbers and lists of them.
pub fn bill(report: &Report, subject: &Subject<'_>, format: Format) -> Vec<u8> {
    let document = match format {
        Format::Spdx => spdx::document(report, subject),
        Format::CycloneDx => cyclonedx::document(report, subject),
    };
    serde_json::to_vec(&document).expect("a bill has only text, numbers and lists of them")
}

/// The name of the image as people know it.
fn title(report: &Report) -> String {
    format!("{}:{}", report.image, report.tag)
}

/// A UUID of version 8 (RFC 9562 section 5.8) that is made from the digest of the image and the format's name.
fn uuid(subject: &Subject<'_>, format: &str) -> String {
    let digest = Digest::of(format!("{format} of {}", subject.digest).as_bytes()).hex();
    let variant = match digest.as_bytes()[16] {
        b'0' | b'4' | b'8' | b'c' => '8',
        b'1' | b'5' | b'9' | b'd' => '9',
        b'2' | b'6' | b'a' | b'e' => 'a',
        _ => 'b',
    };
    let part = |from: usize, to: usize| &digest[from..to];
    format!("{}-{}-8{}-{variant}{}-{}", part(0, 8), part(8, 12), part(13, 16), part(17, 20), part(20, 32))
}

/// A name that both formats accept within a document: letters, digits, dots and dashes. What else an owner has is
/// left out, and the beginning of its digest keeps two of them apart.
fn reference(owner: &str) -> String {
    let mut name: String = owner
        .chars()
        .map(|one| if one.is_ascii_alphanumeric() || one == '.' || one == '-' { one } else { '-' })
        .collect();
    // Writing to a String cannot fail.
    let _ = write!(name, "-{}", &Digest::of(owner.as_bytes()).hex()[..8]);
    name
}

/// Where a package can be had, where that is an address that others can use too.
fn address(package: &ReportedPackage) -> Option<&str> {
    package.location.as_deref().filter(|location| is_address(location))
}

/// The name and the address of a supplier, as a maintainer's field has them (policy 5.6.2): `Name <address>`.
fn supplier(package: &ReportedPackage) -> Option<(&str, &str)> {
    let text = package.supplier.trim();
    let (name, rest) = text.split_once('<').unwrap_or((text, ""));
    let name = name.trim().trim_matches('"');
    (!name.is_empty()).then_some((name, rest.trim_end_matches('>').trim()))
}

fn is_address(text: &str) -> bool {
    (text.starts_with("https://") || text.starts_with("http://")) && !text.contains(char::is_whitespace)
}

#[cfg(test)]
mod tests;
