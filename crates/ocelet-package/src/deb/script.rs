//! What maintainer scripts would have done beside links and diversions: accounts, directories, modes.
//!
//! The commands are those that scripts of Alpine use too, and are read in the same way. Left out is what makes no
//! difference to an image that holds single files and starts no service: caches that loaders and interpreters do without,
//! the snippets of debhelper that start services and move old configuration, questions of debconf.

use super::control::MaintainerScript;
use crate::apk::Effects;
use crate::apk::script;

/// Commands that change nothing that an image has: they read, ask, tell or wait.
const ASKING: [&str; 28] = [
    ".",
    "basename",
    "cat",
    "cd",
    "cmp",
    "command",
    "cut",
    "db_fset",
    "db_get",
    "db_go",
    "db_input",
    "db_purge",
    "db_set",
    "db_settitle",
    "db_stop",
    "db_subst",
    "db_version",
    "dirname",
    "dpkg",
    "dpkg-query",
    "egrep",
    "expr",
    "getent",
    "grep",
    "head",
    "readlink",
    "which",
    "unset",
];

/// Commands of Debian's own that are for a running system, or for one that is upgraded: services, triggers, caches,
/// configuration files of older versions (debhelper(7), dpkg-trigger(1), dpkg-maintscript-helper(1), ldconfig(8)).
const FOR_SYSTEMS: [&str; 21] = [
    "deb-systemd-helper",
    "deb-systemd-invoke",
    "systemctl",
    "systemd-tmpfiles",
    "udevadm",
    "update-rc.d",
    "invoke-rc.d",
    "service",
    "dpkg-maintscript-helper",
    "dpkg-trigger",
    "dpkg-statoverride",
    "ldconfig",
    "ldconfig.real",
    "py3compile",
    "py3clean",
    "pycompile",
    "pyclean",
    "update-initramfs",
    "update-mime-database",
    "update-shells",
    "add-shell",
];

/// Commands that are read elsewhere ([`MaintainerScript::effects`]), and commands that take away: nothing old is there.
const ELSEWHERE: [&str; 6] = ["update-alternatives", "dpkg-divert", "rm", "rmdir", "unlink", "kill"];

impl MaintainerScript {
    /// What else the script would have done, as far as that can be read.
    pub fn steps(&self) -> Effects {
        let passed =
            |program: &str| [&ASKING[..], &FOR_SYSTEMS, &ELSEWHERE].iter().any(|all| all.contains(&program));
        script::effects(&self.text, passed)
    }

    /// Whether an answer of debconf is fetched before a line (debconf-devel(7), `db_get`): what comes after may hang on
    /// what whoever installs the package has said.
    pub fn asks_before(&self, line: usize) -> bool {
        let mut before = self.text.split(|byte| *byte == b'\n').take(line.saturating_sub(1));
        before.any(|text| text.trim_ascii_start().starts_with(b"db_get "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deb::MaintainerScriptKind;

    #[test]
    fn questions_come_before_what_hangs_on_them() {
        let text = "#!/bin/sh\n# db_get is not asked here\n\tdb_get ip/caps || true\nsetcap x /bin/ip\n";
        let script = MaintainerScript { kind: MaintainerScriptKind::PostInst, text: text.into() };
        let asked: Vec<bool> = (0..6).map(|line| script.asks_before(line)).collect();
        assert_eq!(asked, [false, false, false, false, true, true]);
    }

    #[test]
    fn only_what_an_image_would_miss_is_told() {
        for (text, steps, unread) in [
            ("#!/bin/sh\nset -e\nif [ \"$1\" = configure ]; then ldconfig; fi\nexit 0\n", 0, 0),
            ("deb-systemd-helper unmask x.service >/dev/null || true\nupdate-rc.d x defaults\n", 0, 0),
            ("dpkg-maintscript-helper rm_conffile /etc/x 1 -- \"$@\"\n", 0, 0),
            ("update-alternatives --install /a a /b 1\ndpkg-divert --add /x\n", 0, 0),
            ("mkdir -p /var/lib/x\nchmod 700 /var/lib/x\n", 2, 0),
            ("make-a-cache --all\n", 0, 1),
        ] {
            let script = MaintainerScript { kind: MaintainerScriptKind::PostInst, text: text.into() };
            let effects = script.steps();
            assert_eq!((effects.steps.len(), effects.unread.len()), (steps, unread), "{text}");
        }
    }
}
