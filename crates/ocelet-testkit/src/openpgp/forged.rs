//! [`Forged`]: a certificate with its secrets, and what it signs.

use pgp::composed::KeyType;
use pgp::crypto::hash::HashAlgorithm;
use pgp::packet::{
    KeyFlags, PacketTrait, PubKeyInner, PublicKey, PublicSubkey, RevocationCode, SecretKey, SecretSubkey,
    Signature, SignatureConfig, SignatureType, Subpacket, SubpacketData, UserId,
};
use pgp::types::{
    Duration, KeyDetails, KeyVersion, PacketHeaderVersion, Password, SigningKey, Tag, Timestamp,
};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

/// When all test keys are made, unless told otherwise: 2024-01-01.
pub const MADE: u32 = 1_704_067_200;
/// A day.
pub const DAY: u32 = 86_400;
/// When test data is signed, unless told otherwise.
pub const SIGNED: u32 = MADE + 100 * DAY;

/// What a certificate is to be like.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The algorithm; RSA takes long to make.
    pub kind: KeyType,
    /// Whose it is; without one nothing binds the key to its flags.
    pub user: Option<&'static str>,
    /// The hash of its self-signatures.
    pub hash: HashAlgorithm,
    /// Whether its flags let it sign; none without flags.
    pub signs: Option<bool>,
    /// For how many seconds it is valid; forever without.
    pub lives: Option<u32>,
    /// When it was revoked, in seconds since 1970, and why.
    pub revoked: Option<(u32, RevocationCode)>,
    /// A subkey.
    pub subkey: Option<SubkeyPlan>,
}

/// What its subkey is to be like.
#[derive(Debug, Clone)]
pub struct SubkeyPlan {
    /// Whether its flags let it sign.
    pub signs: bool,
    /// Whether it agrees to belong to the primary key.
    pub signs_back: bool,
    /// For how many seconds it is valid; forever without.
    pub lives: Option<u32>,
    /// When it was revoked, in seconds since 1970, and why.
    pub revoked: Option<(u32, RevocationCode)>,
}

/// How data is to be signed.
#[derive(Debug, Clone)]
pub struct Stamp {
    /// Over text, whose line ends do not count, or over bytes.
    pub kind: SignatureType,
    /// The hash.
    pub hash: HashAlgorithm,
    /// When it was made, in seconds since 1970.
    pub created: Option<u32>,
    /// For how many seconds it is valid; forever without.
    pub lives: Option<u32>,
    /// Something that must be understood.
    pub critical: Option<SubpacketData>,
    /// Whether the subkey signs.
    pub by_subkey: bool,
    /// Whether it says which key signed.
    pub named: bool,
}

/// A certificate with its secrets.
#[derive(Debug, Clone)]
pub struct Forged {
    primary: SecretKey,
    subkey: Option<SecretSubkey>,
    /// The certificate as packets.
    pub packets: Vec<u8>,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            kind: KeyType::Ed25519Legacy,
            user: Some("Test <test@example.org>"),
            hash: HashAlgorithm::Sha512,
            signs: Some(true),
            lives: None,
            revoked: None,
            subkey: None,
        }
    }
}

impl Default for SubkeyPlan {
    fn default() -> Self {
        Self { signs: true, signs_back: true, lives: None, revoked: None }
    }
}

impl Default for Stamp {
    fn default() -> Self {
        Self {
            kind: SignatureType::Text,
            hash: HashAlgorithm::Sha256,
            created: Some(SIGNED),
            lives: None,
            critical: None,
            by_subkey: false,
            named: true,
        }
    }
}

fn inner(kind: &KeyType, random: &mut ChaCha8Rng) -> (PubKeyInner, pgp::types::SecretParams) {
    let (public, secret) = kind.generate(random).expect("a kind that can be made");
    let made = Timestamp::from_secs(MADE);
    let inner = PubKeyInner::new(KeyVersion::V4, kind.to_alg(), made, None, public);
    (inner.expect("a key of version 4"), secret)
}

fn config(
    kind: SignatureType,
    key: &impl KeyDetails,
    hash: HashAlgorithm,
    says: Vec<SubpacketData>,
) -> SignatureConfig {
    let mut config = SignatureConfig::v4(kind, key.algorithm(), hash);
    let says = says.into_iter().map(|one| Subpacket::regular(one).expect("small"));
    config.hashed_subpackets = says.collect();
    config.unhashed_subpackets =
        vec![Subpacket::regular(SubpacketData::IssuerKeyId(key.legacy_key_id())).expect("small")];
    config
}

fn says(signs: Option<bool>, lives: Option<u32>) -> Vec<SubpacketData> {
    let mut says = vec![SubpacketData::SignatureCreationTime(Timestamp::from_secs(MADE))];
    if let Some(signs) = signs {
        let mut flags = KeyFlags::default();
        flags.set_certify(true);
        flags.set_sign(signs);
        says.push(SubpacketData::KeyFlags(flags));
    }
    says.extend(lives.map(|lives| SubpacketData::KeyExpirationTime(Duration::from_secs(lives))));
    says
}

fn revocation(at: u32, code: RevocationCode) -> Vec<SubpacketData> {
    vec![
        SubpacketData::SignatureCreationTime(Timestamp::from_secs(at)),
        SubpacketData::RevocationReason(code, Vec::new().into()),
    ]
}

fn write(packets: &mut Vec<u8>, packet: &impl PacketTrait) {
    packet.to_writer_with_header(packets).expect("in memory");
}

impl Forged {
    /// Makes a certificate; another seed makes another one.
    ///
    /// # Panics
    /// A kind of key that cannot be made.
    pub fn new(seed: u64, plan: &Plan) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let (key, secret) = inner(&plan.kind, &mut random);
        let public = PublicKey::from_inner(key).expect("a key");
        let primary = SecretKey::new(public.clone(), secret).expect("a key");
        let (none, mut packets) = (Password::empty(), Vec::new());
        write(&mut packets, &public);
        if let Some((at, code)) = plan.revoked {
            let config = config(SignatureType::KeyRevocation, &public, plan.hash, revocation(at, code));
            write(&mut packets, &config.sign_key(&primary, &none, &public).expect("signed"));
        }
        if let Some(user) = plan.user {
            let id = UserId::from_str(PacketHeaderVersion::New, user).expect("a name");
            write(&mut packets, &id);
            let config =
                config(SignatureType::CertPositive, &public, plan.hash, says(plan.signs, plan.lives));
            let signed = config.sign_certification(&primary, &public, &none, Tag::UserId, &id);
            write(&mut packets, &signed.expect("signed"));
        }
        let subkey = plan.subkey.as_ref().map(|one| {
            let (key, secret) = inner(&plan.kind, &mut random);
            let key = PublicSubkey::from_inner(key).expect("a key");
            let subkey = SecretSubkey::new(key.clone(), secret).expect("a key");
            write(&mut packets, &key);
            if let Some((at, code)) = one.revoked {
                let config =
                    config(SignatureType::SubkeyRevocation, &public, plan.hash, revocation(at, code));
                write(
                    &mut packets,
                    &config.sign_subkey_binding(&primary, &public, &none, &key).expect("signed"),
                );
            }
            let mut says = says(Some(one.signs), one.lives);
            if one.signs_back {
                let made = vec![SubpacketData::SignatureCreationTime(Timestamp::from_secs(MADE))];
                let config = config(SignatureType::KeyBinding, &key, plan.hash, made);
                let back = config.sign_primary_key_binding(&subkey, &key, &none, &public).expect("signed");
                says.push(SubpacketData::EmbeddedSignature(Box::new(back)));
            }
            let config = config(SignatureType::SubkeyBinding, &public, plan.hash, says);
            write(&mut packets, &config.sign_subkey_binding(&primary, &public, &none, &key).expect("signed"));
            subkey
        });
        Self { primary, subkey, packets }
    }

    /// Its fingerprint in large hexadecimal digits.
    pub fn fingerprint(&self) -> String {
        format!("{:X}", self.primary.fingerprint())
    }

    /// The fingerprint of its subkey.
    ///
    /// # Panics
    /// It has none.
    pub fn subkey_fingerprint(&self) -> String {
        format!("{:X}", self.subkey.as_ref().expect("planned").fingerprint())
    }

    /// The secret key as a packet, which nobody should give to anyone.
    ///
    /// # Panics
    /// Never: it is written to memory.
    pub fn secret(&self) -> Vec<u8> {
        let mut packets = Vec::new();
        write(&mut packets, &self.primary);
        packets
    }

    /// A signature packet over some bytes.
    ///
    /// # Panics
    /// A hash that nobody can make any more.
    pub fn sign(&self, message: &[u8], stamp: &Stamp) -> Vec<u8> {
        let mut packets = Vec::new();
        let signed = match (&self.subkey, stamp.by_subkey) {
            (Some(subkey), true) => signature(subkey, message, stamp),
            _ => signature(&self.primary, message, stamp),
        };
        write(&mut packets, &signed);
        packets
    }
}

fn signature(key: &impl SigningKey, message: &[u8], stamp: &Stamp) -> Signature {
    let time = stamp.created.map(|at| SubpacketData::SignatureCreationTime(Timestamp::from_secs(at)));
    let lives = stamp.lives.map(|lives| SubpacketData::SignatureExpirationTime(Duration::from_secs(lives)));
    let mut config = config(stamp.kind, key, stamp.hash, time.into_iter().chain(lives).collect());
    if !stamp.named {
        config.unhashed_subpackets.clear();
    }
    let critical = stamp.critical.clone().map(|one| Subpacket::critical(one).expect("small"));
    config.hashed_subpackets.extend(critical);
    config.sign(key, &Password::empty(), message).expect("signed")
}
