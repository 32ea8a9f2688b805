//! [`Package`]: what an index says about one package, and [`ShortIdentity`]: what makes it that package.
//!
//! A package borrows from the text of its index; nothing is copied. The fields are those of apk-package(5)
//! and `apk_pkgtmpl_add_info` in `src/package.c` of apk-tools 3.0. It refuses identities that are no digest.

use super::dependency::DependencyList;

/// What an index says about one package.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Package<'text> {
    /// `C:`: the digest of the control part of the package.
    pub identity: ShortIdentity,
    /// `P:`: the name.
    pub name: &'text str,
    /// `V:`: the version, as it was written; an index may hold versions that are not valid.
    pub version: &'text str,
    /// `A:`: the architecture; empty where the index does not say.
    pub architecture: &'text str,
    /// `T:`: one line about the package.
    pub description: &'text str,
    /// `U:`: the home page.
    pub url: &'text str,
    /// `L:`: the licence, often an SPDX expression.
    pub license: &'text str,
    /// `o:`: the name of the source package.
    pub origin: &'text str,
    /// `m:`: who built it.
    pub maintainer: &'text str,
    /// `c:`: the commit of the recipe that it was built from.
    pub commit: &'text str,
    /// `s:`: the tag of the repository that an installed package came from, with its `@`.
    pub repository_tag: &'text str,
    /// `S:`: the size of the package file, in bytes.
    pub size: u64,
    /// `I:`: the size of its files once installed, in bytes.
    pub installed_size: u64,
    /// `t:`: when it was built, in seconds since 1970.
    pub build_time: u64,
    /// `k:`: which of several providers of one name is taken: the one with the greatest number.
    pub provider_priority: u64,
    /// `q:`: which of several owners of one file wins: the one with the greatest number.
    pub replaces_priority: u64,
    /// `D:`: what it needs, and what must be absent.
    pub depends: DependencyList<'text>,
    /// `p:`: other names that it goes by.
    pub provides: DependencyList<'text>,
    /// `i:`: it is installed by itself when all of these are.
    pub install_if: DependencyList<'text>,
    /// `r:`: packages whose files it may overwrite. That is about files, not about which packages go together.
    pub replaces: DependencyList<'text>,
    /// A field in capitals that this crate does not know: by apk's rule the package cannot be installed.
    pub unknown_field: Option<char>,
}

/// The digest that tells one package from another: SHA-1 in `Q1…`, SHA-256 in `Q2…`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ShortIdentity {
    /// apk knows a package by the first 20 bytes of the digest, whatever its kind (`apk_db_pkg_add`).
    bytes: [u8; 20],
}

/// Why a text is not the identity of a package.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{text}\" is not the identity of a package; wanted Q1 or Q2 and a digest in base64")]
pub struct ShortIdentityError {
    /// The text as it was given.
    pub text: String,
}

impl ShortIdentity {
    /// Reads an identity. The bits that base64 has beyond the last byte are not looked at, as in apk.
    ///
    /// # Errors
    /// The text has no known prefix, or the digest has the wrong length or a character that is not base64.
    pub fn parse(text: &str) -> Result<Self, ShortIdentityError> {
        let refused = || ShortIdentityError { text: text.to_owned() };
        let (digits, length) = if let Some(digits) = text.strip_prefix("Q1") {
            (digits.as_bytes(), 20)
        } else if let Some(digits) = text.strip_prefix("Q2") {
            (digits.as_bytes(), 32)
        } else {
            return Err(refused());
        };
        let mut digest = [0; 32];
        decode_base64(digits, &mut digest[..length]).ok_or_else(refused)?;
        let mut bytes = [0; 20];
        bytes.copy_from_slice(&digest[..20]);
        Ok(Self { bytes })
    }

    /// The first 20 bytes of the digest.
    pub fn as_bytes(&self) -> &[u8; 20] {
        &self.bytes
    }
}

/// Fills `digest` from base64 with padding; nothing where the text is not exactly as long as it must be.
fn decode_base64(digits: &[u8], digest: &mut [u8]) -> Option<()> {
    if digits.len() != digest.len().div_ceil(3) * 4 {
        return None;
    }
    for (four, bytes) in digits.chunks_exact(4).zip(digest.chunks_mut(3)) {
        let mut group = 0_u32;
        for (at, digit) in four.iter().enumerate() {
            let value = match digit {
                b'A'..=b'Z' => digit - b'A',
                b'a'..=b'z' => digit - b'a' + 26,
                b'0'..=b'9' => digit - b'0' + 52,
                b'+' => 62,
                b'/' => 63,
                b'=' if at > bytes.len() => 0,
                _ => return None,
            };
            group = group << 6 | u32::from(value);
        }
        bytes.copy_from_slice(&group.to_be_bytes()[1..=bytes.len()]);
    }
    Some(())
}

impl Package<'_> {
    /// Name and version in one word, as apk writes them in messages and file names.
    pub fn label(&self) -> String {
        format!("{}-{}", self.name, self.version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_is_a_digest() {
        let sha1 = ShortIdentity::parse("Q1AAECAwQFBgcICQoLDA0ODxAREhM=").expect("20 bytes");
        assert_eq!(sha1.as_bytes(), &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19]);
        // Bits beyond the last byte do not tell packages apart.
        assert_eq!(ShortIdentity::parse("Q1AAECAwQFBgcICQoLDA0ODxAREhO="), Ok(sha1));
        let sha256 =
            ShortIdentity::parse("Q2AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=").expect("32 bytes");
        assert_eq!(sha256, sha1, "the first 20 bytes are what apk looks at");
    }

    #[test]
    fn what_is_no_digest_is_refused() {
        for text in [
            "",
            "Q1",
            "Q1AAECAwQFBgcICQoLDA0ODxAREhM",
            "Q1AAECAwQFBgcICQoLDA0ODxAREhM==",
            "Q1AAECAwQFBgcICQoLDA0ODxAREh==",
            "Q1AAECAwQFBgcICQoLDA0ODxAREh*=",
            "Q3AAECAwQFBgcICQoLDA0ODxAREhM=",
            "da39a3ee5e6b4b0d3255bfef95601890afd80709",
        ] {
            assert!(ShortIdentity::parse(text).is_err(), "{text:?}");
        }
    }
}
