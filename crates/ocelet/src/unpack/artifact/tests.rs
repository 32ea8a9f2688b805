//! Every form of artifact, members that are chosen, and archives that want something else than to be unpacked.

mod zips;

use std::io::Write as _;

use ocelet_testkit::apk::{Entry, TarEnd, tar};

use super::*;
use crate::host::Scratch;
use crate::unpack::testing::{Bench, check, shown};

/// The lines of a source whose file has this name.
fn source(file: &str, lines: &str) -> String {
    format!("[source.tool]\nartifact = 'https://h/v1.2.3/{file}'\nsha256 = '{:064}'\n{lines}\n", 0)
}

/// What comes of an artifact.
fn said(file: &str, lines: &str, bytes: &[u8]) -> Result<Vec<String>, String> {
    let mut bench = Bench::new(&source(file, lines));
    bench.artifact("tool", bytes);
    let first = bench.said();
    let blobs = bench.blobs();
    assert_eq!(bench.said(), first, "{file}: a second run sees the same");
    assert_eq!(bench.blobs(), blobs, "{file}: and makes nothing anew");
    first
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    ocelet_testkit::apk::gzip(bytes)
}

fn xz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = liblzma::write::XzEncoder::new(Vec::new(), 0);
    encoder.write_all(bytes).and_then(|()| encoder.finish()).expect("in memory")
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 1).expect("in memory")
}

fn bzip2(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    encoder.write_all(bytes).and_then(|()| encoder.finish()).expect("in memory")
}

/// The release of a tool, as upstreams pack them: a directory with another user's files.
fn release() -> Vec<u8> {
    let user = |entry: Entry| Entry { owner: (1001, 127), ..entry };
    tar(
        &[
            user(Entry::directory("tool-1.2/", 0o775)),
            user(Entry::file("tool-1.2/LICENSE", 0o644, b"free")),
            user(Entry::directory("tool-1.2/bin/", 0o755)),
            user(Entry::file("tool-1.2/bin/tool", 0o755, b"TOOL")),
            user(Entry::hard_link("tool-1.2/bin/twin", "tool-1.2/bin/tool")),
            user(Entry::symlink("tool-1.2/bin/link", "../../../etc/tool")),
            user(Entry::directory("tool-1.2/spool/", 0o1777)),
            user(Entry::directory("tool-1.2/private/", 0o700)),
            user(Entry::file("tool-1.2/private/key", 0o600, b"K")),
        ],
        TarEnd::Written,
    )
}

#[test]
fn every_form_is_read() {
    let file = "install = '/bin/tool'";
    for (name, bytes, want) in [
        ("tool", b"raw".to_vec(), Ok("/bin/tool raw 755 0:0 tool")),
        ("tool.gz", gzip(b"gz"), Ok("/bin/tool gz 755 0:0 tool")),
        ("tool.gz", [gzip(b"two "), gzip(b"members")].concat(), Ok("/bin/tool two members 755 0:0 tool")),
        ("tool.xz", xz(b"xz"), Ok("/bin/tool xz 755 0:0 tool")),
        ("tool.zst", zstd(b"zst"), Ok("/bin/tool zst 755 0:0 tool")),
        ("tool.bz2", bzip2(b"bz2"), Ok("/bin/tool bz2 755 0:0 tool")),
        (
            "tool.gz",
            xz(b"xz"),
            Err("should be a gzip stream by its name, and is an xz stream by its first bytes [3]"),
        ),
        (
            "tool.tar.gz",
            b"<html>404".to_vec(),
            Err("in a gzip stream by its name, and is none of the known forms"),
        ),
        (
            "tool.gz",
            gzip(b"cut")[..15].to_vec(),
            Err("tool.gz cannot be inflated: the gzip stream is damaged or cut short: incomplete"),
        ),
        ("tool.tgz", gzip(b"no archive"), Err("tool.tgz cannot be unpacked")),
        ("tool.tar", release()[..700].to_vec(), Err("it was cut short")),
    ] {
        let want = want.as_ref().map(std::slice::from_ref).map_err(|error| *error);
        check(name, &said(name, file, &bytes), &want);
    }
    let packed = gzip(b"kept as it is, since its name says nothing");
    let kept = format!("/bin/tool {} bytes 755 0:0 tool", packed.len());
    check("no ending", &said("tool", file, &packed), &Ok(&[kept.as_str()]));
    let members = "members = ['**/tool']\ninstall = '/bin/tool'";
    for (name, bytes) in [
        ("t.tar", release()),
        ("t.tar.gz", gzip(&release())),
        ("t.tgz", gzip(&release())),
        ("t.tar.xz", xz(&release())),
        ("t.txz", xz(&release())),
        ("t.tar.zst", zstd(&release())),
        ("t.tar.bz2", bzip2(&release())),
        ("t.tbz", bzip2(&release())),
    ] {
        check(name, &said(name, members, &bytes), &Ok(&["/bin/tool TOOL 755 0:0 tool"]));
    }
}

#[test]
fn members_are_chosen_and_placed() {
    let all = &[
        "/opt/bin/link -> ../../../etc/tool 777 0:0 tool",
        "/opt/bin/tool TOOL 755 0:0 tool",
        "/opt/bin/twin == /opt/bin/tool 755 0:0 tool",
    ][..];
    let near = "lacks members that the recipe names:\n  \"bin/tol\" matches no member; it has tool-1.2";
    for (lines, want) in [
        ("strip = 1\nmembers = ['*/bin']\ninstall = '/opt/'", Ok(all)),
        ("strip = 1\nmembers = ['tool-1.2/bin/*']\ninstall = '/opt/'", Ok(all)),
        (
            "strip = 2\nmembers = ['*/bin/t*']\ninstall = '/'",
            Ok(&["/tool TOOL 755 0:0 tool", "/twin == /tool 755 0:0 tool"]),
        ),
        ("strip = 2\nmembers = ['*/bin/twin']\ninstall = '/'", Ok(&["/twin TOOL 755 0:0 tool"])),
        ("mode = '0700'\nmembers = ['**/twin']\ninstall = '/x'", Ok(&["/x TOOL 700 0:0 tool"])),
        (
            "strip = 1\nmode = '0500'\nuid = 5\ngid = 6\nmembers = ['*/bin', '*/private']\ninstall = '/o/'",
            Ok(&[
                "/o/bin/ 755 5:6 tool",
                "/o/bin/link -> ../../../etc/tool 777 5:6 tool",
                "/o/bin/tool TOOL 500 5:6 tool",
                "/o/bin/twin == /o/bin/tool 500 5:6 tool",
                "/o/private/ 700 5:6 tool",
                "/o/private/key K 500 5:6 tool",
            ]),
        ),
        // What says no more than an umask is not declared; what is restricted or empty is.
        (
            "install = '/o/'\nmembers = ['*/spool', '*/private']",
            Ok(&[
                "/o/tool-1.2/private/ 700 0:0 tool",
                "/o/tool-1.2/private/key K 600 0:0 tool",
                "/o/tool-1.2/spool/ 1777 0:0 tool",
            ]),
        ),
        ("members = ['bin/tol']\ninstall = '/x'", Err(near)),
        (
            "members = ['*/tool']\ninstall = '/x'",
            Err("\"*/tool\" matches no member; it has tool-1.2/bin/tool"),
        ),
        (
            "members = ['a', 'b']\ninstall = '/'",
            Err("\"a\" matches no member; it has tool-1.2, tool-1.2/LICENSE"),
        ),
        ("members = ['**/t*']\ninstall = '/x'", Err("has 5 files to install as /x (tool-1.2/LICENSE")),
        ("install = '/x'", Err("wanted one, chosen by \"members\" [1]")),
        ("members = ['**/link']\ninstall = '/x'", Err("is a symbolic link; wanted a file")),
        ("members = ['*/spool']\ninstall = '/x'", Err("has 0 files to install as /x; wanted one")),
        (
            "strip = 9\ninstall = '/x/'",
            Err("no file of t.tgz is left to install after \"strip\" has removed 9"),
        ),
    ] {
        check(lines, &said("t.tgz", lines, &gzip(&release())), &want);
    }
    let twice = tar(&[Entry::file("a/x", 0o644, b"1"), Entry::file("b/x", 0o644, b"2")], TarEnd::Written);
    let shortened = said("t.tar", "strip = 1\ninstall = '/'", &twice);
    check(
        "two of one name",
        &shortened,
        &Err("/a/x and /b/x in t.tar both become /x when \"strip\" shortens"),
    );
    for (file, lines, want) in [
        ("tool-amd64.gz", "install = '/opt/'", Ok(&["/opt/tool-amd64 plain 755 0:0 tool"][..])),
        ("tool.gz", "mode = '0440'\nuid = 1\ngid = 2\ninstall = '/t'", Ok(&["/t plain 440 1:2 tool"])),
        (
            "tool.gz",
            "members = ['x']\ninstall = '/t'",
            Err("tool.gz is no archive, so \"members\" has no meaning"),
        ),
        ("tool.gz", "strip = 1\ninstall = '/t/'", Err("tool.gz is no archive, so \"strip\" has no meaning")),
    ] {
        check(lines, &said(file, lines, &gzip(b"plain")), &want);
    }
}

#[test]
fn archives_that_want_out() {
    for (what, entries, want) in [
        ("climbing", vec![Entry::file("../x", 0o644, b"x")], "has a \"..\" component"),
        ("absolute", vec![Entry::file("/etc/passwd", 0o644, b"x")], "its name is absolute"),
        (
            "through a link",
            vec![Entry::symlink("d", "/etc"), Entry::file("d/passwd", 0o644, b"x")],
            "/d/passwd leads through a symbolic link of the archive to /etc/passwd",
        ),
        ("a whiteout", vec![Entry::file(".wh.x", 0o644, b"")], "reserve for deletions"),
    ] {
        let said = said("t.tar", "install = '/opt/'", &tar(&entries, TarEnd::Written));
        check(what, &said, &Err(want));
        assert!(said.expect_err(what).ends_with("[3]"), "{what}");
    }
    let node = Entry { flag: b'3', ..Entry::file("null", 0o666, b"") };
    let mut bench = Bench::new(&source("t.tar", "install = '/opt/'"));
    bench.artifact("tool", &tar(&[node, Entry::file("x", 0o644, b"x")], TarEnd::Written));
    assert_eq!(bench.said().expect("devices are left out"), ["/opt/x x 644 0:0 tool"]);
    assert!(bench.warnings()[0].starts_with("source tool has 1 devices"));
}

#[test]
fn a_bomb_stops_at_the_limit() {
    let zeros = vec![b'0'; 1 << 20];
    let archive = tar(&[Entry::file("x", 0o644, &zeros)], TarEnd::Written);
    let zip = zips::zip(&[zips::file("x", &zeros)]);
    for (name, bytes) in [("t.gz", gzip(&zeros)), ("t.tgz", gzip(&archive)), ("t.zip", zip)] {
        let mut bench = Bench::new(&source(name, "install = '/x'"));
        bench.artifact("tool", &bytes);
        let source = bench.recipe.sources.values().next().expect("one source");
        let crate::recipe::SourceKind::Artifact(artifact) = &source.kind else { panic!("an artifact") };
        let location = format!("https://h/{name}");
        let owner = Owner::new("tool");
        let blob = bench.goods.get(&bench.lock.artifacts[0].file.sha256).expect("it was brought");
        let scratch = Scratch::new("/nowhere");
        let host = Host {
            jobs: std::num::NonZeroUsize::MIN,
            epoch: None,
            scratch: &scratch,
            observer: &crate::event::Silent,
        };
        let tree = |limit| {
            Wanted { artifact, location: &location, owner: &owner, limit }.tree(blob, &bench.goods, &host)
        };
        let error = tree((1 << 20) - 1).expect_err("too large");
        let said = crate::error::sentence(&error);
        assert!(said.contains("1048575 bytes"), "{name}: {said}");
        assert_eq!(error.class(), crate::ExitClass::Verification);
        assert_eq!(bench.blobs(), 1, "{name}: nothing is left of it");
        let tree = tree(archive.len() as u64).expect("large enough");
        assert_eq!(shown(&tree)[0].split(' ').nth(1), Some("1048576"), "{name}");
    }
}

#[test]
fn an_artifact_replaces_and_is_told() {
    let base = "[source.text]\ntext = 'old'\ninstall = '/opt/bin/tool'\n";
    let lines = "strip = 1\nmembers = ['*/bin']\ninstall = '/opt/'\n";
    for (replace, want) in [
        (
            "replace = true",
            Ok(&["/opt/bin/tool TOOL 755 0:0 tool", "/opt/bin/twin == /opt/bin/tool 755 0:0 tool"][..]),
        ),
        ("", Err("/opt/bin/tool has other bytes in text than in tool")),
    ] {
        let mut bench = Bench::new(&format!("{base}{}", source("t.tgz", &format!("{lines}{replace}"))));
        bench.artifact("tool", &gzip(&release()));
        let said = bench.said().map(|lines| {
            lines.into_iter().filter(|line| line.contains("TOOL") || line.contains("==")).collect()
        });
        check(replace, &said, &want);
    }
    let mut bench = Bench::new(&source("t.tgz", lines));
    check("not in the lock", &bench.said(), &Err("source tool needs a lock"));
    bench.artifact("tool", &gzip(&release()));
    let unpacked = bench.unpack().expect("it is there");
    let told = &unpacked.packages[&Owner::new("tool")];
    assert_eq!((told.source.as_str(), told.name.as_str(), told.version.as_str()), ("tool", "tool", "v1.2.3"));
    assert_eq!(
        (told.sha256, told.location.as_str()),
        (bench.lock.artifacts[0].file.sha256, "https://example.org/first")
    );
    assert!(told.installed.is_none());
    bench.lock.artifacts[0].file.sha256 = ocelet_oci::Digest::of(b"elsewhere");
    check("not brought home", &bench.said(), &Err("is not there [4]"));
}
