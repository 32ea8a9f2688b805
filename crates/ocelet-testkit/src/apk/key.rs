//! Keys that sign test packages. THEIR PRIVATE HALVES ARE PUBLISHED WITH THE SOURCE: nothing may trust them.
//!
//! The signing itself is written out (RFC 8017 section 8.2.1), since Alpine signs with SHA-1 and current libraries
//! rightly do not.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use num_bigint::BigUint;
use sha1::{Digest, Sha1};
use sha2::{Sha256, Sha512};

/// How to sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// `RSA`: SHA-1.
    Rsa,
    /// `RSA256`: SHA-256.
    Rsa256,
    /// `RSA512`: SHA-512.
    Rsa512,
}

/// A key for tests only.
#[derive(Debug, Clone, Copy)]
pub struct TestKey {
    name: &'static str,
    private: &'static str,
    public: &'static str,
}

/// `DigestInfo` without the digest (RFC 8017 section 9.2, note 1).
const SHA1_INFO: &[u8] = &[0x30, 0x21, 0x30, 0x09, 6, 5, 0x2b, 0x0e, 3, 2, 0x1a, 5, 0, 4, 0x14];
const SHA256_INFO: &[u8] =
    &[0x30, 0x31, 0x30, 0x0d, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1, 5, 0, 4, 0x20];
const SHA512_INFO: &[u8] =
    &[0x30, 0x51, 0x30, 0x0d, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 3, 5, 0, 4, 0x40];

impl Algorithm {
    /// What the name of a signature says.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rsa => "RSA",
            Self::Rsa256 => "RSA256",
            Self::Rsa512 => "RSA512",
        }
    }

    fn digest_info(self, message: &[u8]) -> Vec<u8> {
        match self {
            Self::Rsa => [SHA1_INFO, &Sha1::digest(message)].concat(),
            Self::Rsa256 => [SHA256_INFO, &Sha256::digest(message)].concat(),
            Self::Rsa512 => [SHA512_INFO, &Sha512::digest(message)].concat(),
        }
    }
}

impl TestKey {
    /// A key of 2048 bits.
    pub const fn first() -> Self {
        Self {
            name: "test-only-first.rsa.pub",
            private: include_str!("../../keys/TEST-ONLY-first.pem"),
            public: include_str!("../../keys/TEST-ONLY-first.pub.pem"),
        }
    }

    /// Another key of 2048 bits.
    pub const fn second() -> Self {
        Self {
            name: "test-only-second.rsa.pub",
            private: include_str!("../../keys/TEST-ONLY-second.pem"),
            public: include_str!("../../keys/TEST-ONLY-second.pub.pem"),
        }
    }

    /// A key of 4096 bits.
    pub const fn large() -> Self {
        Self {
            name: "test-only-large.rsa.pub",
            private: include_str!("../../keys/TEST-ONLY-large.pem"),
            public: include_str!("../../keys/TEST-ONLY-large.pub.pem"),
        }
    }

    /// The same key under another file name.
    #[must_use]
    pub const fn named(self, name: &'static str) -> Self {
        Self { name, ..self }
    }

    /// The file name of the public key.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The public key, as it would lie in `/etc/apk/keys`.
    pub fn public_pem(&self) -> &'static str {
        self.public
    }

    /// Signs a message.
    ///
    /// # Panics
    /// Never, unless the embedded keys are damaged.
    pub fn sign(&self, algorithm: Algorithm, message: &[u8]) -> Vec<u8> {
        let (modulus, exponent) = private_parts(self.private);
        let length = usize::try_from(modulus.bits().div_ceil(8)).expect("a small key");
        let info = algorithm.digest_info(message);
        let mut padded = vec![0xff; length];
        padded[..2].copy_from_slice(&[0, 1]);
        padded[length - info.len() - 1] = 0;
        padded[length - info.len()..].copy_from_slice(&info);
        let signature = BigUint::from_bytes_be(&padded).modpow(&exponent, &modulus).to_bytes_be();
        [vec![0; length - signature.len()], signature].concat()
    }
}

/// The modulus and the private exponent out of a PKCS#8 file (RFC 5208 section 5, RFC 8017 appendix A.1.2).
fn private_parts(pem: &str) -> (BigUint, BigUint) {
    let digits: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    let der = STANDARD.decode(digits).expect("an embedded key");
    let mut info = content(&mut der.as_slice());
    let _version = content(&mut info);
    let _algorithm = content(&mut info);
    let mut key = content(&mut content(&mut info));
    let _version = content(&mut key);
    let modulus = BigUint::from_bytes_be(content(&mut key));
    let _public_exponent = content(&mut key);
    (modulus, BigUint::from_bytes_be(content(&mut key)))
}

/// The content of the next DER value.
fn content<'der>(der: &mut &'der [u8]) -> &'der [u8] {
    let (length, header) = match der[1] {
        long @ 0x81.. => {
            let digits = usize::from(long & 0x7f);
            let length = der[2..2 + digits].iter().fold(0, |length, digit| length << 8 | usize::from(*digit));
            (length, 2 + digits)
        }
        short => (usize::from(short), 2),
    };
    let content = &der[header..header + length];
    *der = &der[header + length..];
    content
}
