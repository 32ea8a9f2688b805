//! Alpine's own public keys, embedded; `keys/alpine/keys.tsv` says where each is from and what it is for.
//!
//! A key is in Alpine's hands as long as its file is what the releases carry: a test compares every file with the
//! digest in the table, and the table with what is embedded.

/// One embedded key.
pub(super) struct Embedded {
    /// The name of its file, which signatures call it by.
    pub(super) name: &'static str,
    /// The text of its file.
    pub(super) pem: &'static str,
}

/// The table beside the key files.
pub(super) const TABLE: &str = include_str!("../../../keys/alpine/keys.tsv");

/// All embedded keys, in the order of their names.
pub(super) fn embedded() -> impl Iterator<Item = Embedded> {
    KEYS.iter().map(|(name, pem)| Embedded { name, pem })
}

impl Embedded {
    /// The architectures that the key vouches for.
    pub(super) fn architectures(&self) -> impl Iterator<Item = &'static str> {
        let name = self.name;
        rows().filter(move |row| row[0] == name).flat_map(|row| row[1].split(','))
    }
}

/// The rows of the table: file, architectures, bits, SHA-256 of the file, releases.
pub(super) fn rows() -> impl Iterator<Item = [&'static str; 5]> {
    TABLE.lines().filter(|line| !line.starts_with('#')).filter_map(|line| {
        let fields: Vec<&str> = line.split('\t').collect();
        fields.try_into().ok()
    })
}

macro_rules! key {
    ($name:literal) => {
        ($name, include_str!(concat!("../../../keys/alpine/", $name)))
    };
}

const KEYS: &[(&str, &str)] = &[
    key!("alpine-devel@lists.alpinelinux.org-4a6a0840.rsa.pub"),
    key!("alpine-devel@lists.alpinelinux.org-5243ef4b.rsa.pub"),
    key!("alpine-devel@lists.alpinelinux.org-524d27bb.rsa.pub"),
    key!("alpine-devel@lists.alpinelinux.org-5261cecb.rsa.pub"),
    key!("alpine-devel@lists.alpinelinux.org-58199dcc.rsa.pub"),
    key!("alpine-devel@lists.alpinelinux.org-58cbb476.rsa.pub"),
    key!("alpine-devel@lists.alpinelinux.org-58e4f17d.rsa.pub"),
    key!("alpine-devel@lists.alpinelinux.org-5e69ca50.rsa.pub"),
    key!("alpine-devel@lists.alpinelinux.org-60ac2099.rsa.pub"),
    key!("alpine-devel@lists.alpinelinux.org-6165ee59.rsa.pub"),
    key!("alpine-devel@lists.alpinelinux.org-61666e3f.rsa.pub"),
    key!("alpine-devel@lists.alpinelinux.org-616a9724.rsa.pub"),
    key!("alpine-devel@lists.alpinelinux.org-616abc23.rsa.pub"),
    key!("alpine-devel@lists.alpinelinux.org-616ac3bc.rsa.pub"),
    key!("alpine-devel@lists.alpinelinux.org-616adfeb.rsa.pub"),
    key!("alpine-devel@lists.alpinelinux.org-616ae350.rsa.pub"),
    key!("alpine-devel@lists.alpinelinux.org-616db30d.rsa.pub"),
    key!("alpine-devel@lists.alpinelinux.org-66ba20fe.rsa.pub"),
];
