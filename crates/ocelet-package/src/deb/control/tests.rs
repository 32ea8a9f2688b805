//! What is read from control archives, and which of them are refused.

use ocelet_testkit::apk::{Entry, gzip};
use ocelet_testkit::deb::DebBuilder;

use super::*;
use crate::deb::{Archive, ArchiveError};

fn open(builder: &DebBuilder) -> Result<Control, ControlError> {
    let deb = builder.build();
    let archive = Archive::open("x.deb", &deb.file).expect("members");
    match archive.verify_digest(deb.sha256) {
        Ok(verified) => Ok(verified.control().clone()),
        Err(ArchiveError::Control { cause, .. }) => Err(cause),
        Err(other) => panic!("{other}"),
    }
}

fn builder() -> DebBuilder {
    DebBuilder::new("tool", "1.0", "amd64").file("usr/bin/tool", 0o755, b"program")
}

#[test]
fn all_files_of_a_control_archive_are_read() {
    let builder = builder()
        .depends("libc6 (>= 2.3)")
        .control_file("conffiles", b"/etc/tool.conf\n\nremove-on-upgrade /etc/old\n/etc/other\n")
        .control_file("triggers", b"# comment\nactivate-noawait ldconfig\n")
        .control_file("shlibs", b"libtool 1 libtool1 (>= 1)\n")
        .control_file("postinst", b"#!/bin/sh\nexit 0\n")
        .control_file("preinst", b"dpkg-divert --add /a\n")
        .control_file("prerm", b"dpkg-divert --add /b\n")
        .control_file("templates", b"Template: x\n");
    let control = open(&builder).expect("well formed");
    assert_eq!(control.package().name, "tool");
    assert_eq!(control.paragraph().value("depends"), Some("libc6 (>= 2.3)"));
    let conffiles: Vec<String> = control.conffiles.iter().map(ToString::to_string).collect();
    assert_eq!(conffiles, ["/etc/other", "/etc/tool.conf"]);
    assert_eq!(control.triggers, ["activate-noawait ldconfig"]);
    assert_eq!(control.shlibs, ["libtool 1 libtool1 (>= 1)"]);
    let kinds: Vec<_> = control.scripts.iter().map(|script| script.kind.name()).collect();
    assert_eq!(kinds, ["preinst", "postinst", "prerm"]);
    let moved = control.effects().diversions;
    assert_eq!((moved.len(), moved[0].path.to_string().as_str()), (1, "/a"));
    assert_eq!(control.script(MaintainerScriptKind::PostInst).map(|script| script.text.len()), Some(17));
    assert_eq!(control.others.keys().collect::<Vec<_>>(), ["templates"]);
    let sum = control.md5sums.first_key_value().expect("one file");
    assert_eq!((sum.0.to_string().as_str(), sum.1[0]), ("/usr/bin/tool", 0xa9));
}

#[test]
fn what_is_wrong_in_a_control_archive_is_refused() {
    let line = |digits: &str, rest: &str| format!("{digits}{rest}\n").into_bytes();
    let zeroes = "0".repeat(32);
    let sums = |content: &[u8]| builder().without_sums().control_file("md5sums", content);
    let twice = [line(&zeroes, "  a"), line(&zeroes.replace('0', "1"), "  ./a")].concat();
    for (builder, want) in [
        (builder().field("Package", "../x"), "its file control is refused: line 1: Package \"../x\""),
        (builder().field("Version", "x"), "does not begin with a digit"),
        (builder().field("X", "1\n\nPackage: y"), "it has several paragraphs"),
        (builder().control_entry(Entry::directory("./sub/", 0o755)), "it has the directory /sub"),
        (builder().control_entry(Entry::symlink("./x", "/etc/passwd")), "it has the symbolic link /x"),
        (builder().control_file("../x", b""), "its archive is refused"),
        (builder().control_file("control", b""), "already has an entry for /control"),
        (sums(&line(&zeroes, "  ../etc/passwd")), "line 1 of its file md5sums is refused"),
        (sums(&line("00", "  a")), "wanted an MD5, two blanks and a name"),
        (sums(&line(&zeroes, "  ")), "wanted an MD5, two blanks and a name"),
        (sums(&line(&zeroes, " a")), "wanted an MD5, two blanks and a name"),
        (sums(&line(&zeroes.replace('0', "\u{e9}"), "  a")), "wanted an MD5"),
        (sums(&twice), "line 2 of its file md5sums names /a again"),
        (
            builder().control_file("conffiles", b"etc/x\n"),
            "line 1 of its file conffiles is \"etc/x\"; wanted an absolute name",
        ),
        (builder().control_file("conffiles", b"/a\n/../x\n"), "line 2 of its file conffiles is refused"),
    ] {
        let error = open(&builder).expect_err(want);
        let source = std::error::Error::source(&error).map(|source| format!(": {source}"));
        let mut text = format!("{error}{}", source.unwrap_or_default());
        let inner = std::error::Error::source(&error).and_then(std::error::Error::source);
        text += &inner.map(|inner| format!(": {inner}")).unwrap_or_default();
        assert!(text.contains(want), "{text}: wanted {want}");
    }
}

#[test]
fn a_control_archive_cannot_fill_the_memory() {
    let bomb = gzip(&vec![0; usize::try_from(CONTROL_LIMIT).expect("64 MiB") + 1]);
    let error = Control::read("x", &bomb, 0, [0; 32]).expect_err("too large");
    let source = std::error::Error::source(&error).expect("a cause").to_string();
    assert!(source.contains("unpacks to more than the 67108864 bytes"), "{source}");
}
