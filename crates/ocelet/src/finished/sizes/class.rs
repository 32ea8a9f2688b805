//! [`Classes`]: what kind of file a path is, by where it lies. It is a table: no content is read, and what no row names
//! is data.

use ocelet_tree::{Glob, TreePath};

/// Class and patterns, in the order in which they are asked.
const TABLE: &[(&str, &[&str])] = &[
    ("kernel modules", &["/lib/modules/**", "/usr/lib/modules/**"]),
    // What a package manager and a scanner read (apk(8), dpkg(1)).
    ("package database", &["/lib/apk/**", "/usr/lib/apk/**", "/var/lib/dpkg/**", "/etc/apk/**"]),
    ("certificates", &["/etc/ssl/**", "/usr/share/ca-certificates/**", "/etc/pki/**", "/**/*.{pem,crt}"]),
    ("libraries", &["/**/*.so", "/**/*.so.*", "/**/*.a"]),
    // CNI plugins lie in a `bin` too: /opt/cni/bin (CNI specification, and what kubelets were told until 1.24).
    ("programs", &["/**/{bin,sbin,libexec}/**", "/usr/lib/cni/**", "/init", "/pause"]),
    ("documentation", &["/usr/share/{doc,man,info,licenses}/**"]),
    ("configuration", &["/etc/**", "/usr/lib/{systemd,sysctl.d,modules-load.d,tmpfiles.d}/**"]),
];

/// What no row of the table names.
const OTHER: &str = "data";

/// The table, ready to be asked.
pub(super) struct Classes(Vec<(&'static str, Vec<Glob>)>);

impl Classes {
    pub(super) fn new() -> Self {
        let globs =
            |patterns: &[&str]| patterns.iter().filter_map(|pattern| Glob::new(pattern).ok()).collect();
        Self(TABLE.iter().map(|(class, patterns)| (*class, globs(patterns))).collect())
    }

    /// The class of the file at a path.
    pub(super) fn of(&self, path: &TreePath) -> &'static str {
        let row = self.0.iter().find(|(_, globs)| globs.iter().any(|glob| glob.matches(path)));
        row.map_or(OTHER, |(class, _)| class)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_of_the_table_is_one() {
        for (class, patterns) in TABLE {
            for pattern in *patterns {
                assert!(Glob::new(pattern).is_ok(), "{class}: {pattern}");
            }
        }
    }

    #[test]
    fn where_a_file_lies_tells_its_class() {
        let classes = Classes::new();
        for (path, want) in [
            ("/usr/local/bin/kubelet", "programs"),
            ("/opt/cni/bin/bridge", "programs"),
            ("/sbin/xtables-nft-multi", "programs"),
            ("/lib/ld-musl-x86_64.so.1", "libraries"),
            ("/usr/lib/xtables/libxt_NAT.so", "libraries"),
            ("/etc/ssl/certs/ca-certificates.crt", "certificates"),
            ("/etc/crictl.yaml", "configuration"),
            ("/lib/apk/db/installed", "package database"),
            ("/usr/share/zoneinfo/UTC", "data"),
            ("/usr/share/doc/x/copyright", "documentation"),
        ] {
            assert_eq!(classes.of(&TreePath::new(path).expect("a path")), want, "{path}");
        }
    }
}
