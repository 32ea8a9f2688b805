//! Programs that must not answer for a command.

use super::*;

const BASE: &str = "0755 /bin/busybox = b\n/sbin/\n/bin/du -> /bin/busybox\n/sbin/blkid -> ../bin/busybox\n0755 /usr/bin/du-real = d\n";

#[test]
fn what_is_ruled_out_does_not_answer() {
    let wish = "{ name = 'du', reason = 'r', not-from = ['busybox'] }";
    let du =
        "command du (line 8: r) is answered by busybox, which is ruled out for it: /bin/du is /bin/busybox";
    for (rootfs, want) in [
        (
            BASE.to_owned(),
            Some(format!("1 program does not do what the image needs:\n  {du} (a, b for linux/amd64)")),
        ),
        (BASE.replace("/bin/du -> /bin/busybox", "/bin/du -> /usr/bin/du-real"), None),
        (BASE.replace("/bin/du -> /bin/busybox", "0755 /usr/bin/du = d"), None),
    ] {
        let recipe = format!(
            "[flavor.a]\ncommands = [{wish}]\n[flavor.b]\nextends = 'a'\n[flavor.c]\ncommands = ['busybox']"
        );
        let outcome = World::new(&recipe).rootfs(&rootfs).close();
        assert_eq!(outcome.closed.err().map(|error| error.to_string()), want, "{rootfs}");
    }
}

#[test]
fn who_formats_disks_has_a_blkid_that_can_tell() {
    let real = "0755 /usr/sbin/blkid = real\n";
    let mkfs = "0755 /sbin/mkfs.ext4 = m\n";
    for (extra, wishes, fails) in [
        (mkfs, "commands = ['mkfs.ext4', 'blkid']", true),
        (mkfs, "commands = ['blkid']\nfiles = ['/sbin/mkfs.ext4']", true),
        ("0755 /sbin/mkfs = m\n", "commands = ['mkfs', 'blkid']", true),
        // Nobody asks, or nobody formats, or somebody who knows answers first.
        (mkfs, "commands = ['mkfs.ext4']", false),
        (mkfs, "commands = ['blkid']", false),
        ("/sbin/mkfs.vfat -> ../bin/busybox\n", "commands = ['mkfs.vfat', 'blkid']", false),
        ("/sbin/mkfs.txt = m\n", "commands = ['blkid']\nfiles = ['/sbin/mkfs.txt']", false),
        (&format!("{mkfs}{real}"), "commands = ['mkfs.ext4', 'blkid']\nfiles = ['/sbin/blkid']", false),
        (
            &format!("{mkfs}{real}"),
            "commands = ['mkfs.ext4', 'blkid']\nfiles = ['/sbin/blkid']\nenv = { PATH = '/sbin:/usr/sbin' }",
            true,
        ),
    ] {
        let outcome = World::new(&format!("[flavor.a]\n{wishes}")).rootfs(&format!("{BASE}{extra}")).close();
        let error = outcome.closed.err();
        let said = error.as_ref().map(ToString::to_string).unwrap_or_default();
        assert_eq!(said.contains("calls a disk empty that is not"), fails, "{wishes}: {said}");
        assert_eq!(said.is_empty(), !fails, "{wishes}: {said}");
        let hints = error.map(|error| error.hints()).unwrap_or_default();
        assert_eq!(hints.iter().any(|hint| hint.contains("util-linux")), fails);
    }
}
