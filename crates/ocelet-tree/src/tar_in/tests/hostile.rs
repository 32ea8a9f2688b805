//! Archives that want something else than to be read.

use super::*;

fn file(name: &str) -> Member {
    member(b'0', name, "", "x")
}

fn claims(size: &[u8]) -> Member {
    file("big").bytes(124..136, &[0; 12]).bytes(124..136, size)
}

fn long(flag: u8, body: &[u8]) -> Member {
    member(flag, "././@LongLink", "", body)
}

#[test]
fn names_that_lead_out_or_nowhere() {
    let ok = Options::default();
    let link = |flag, target| member(flag, "l", target, "");
    for (what, members, want) in [
        ("climbing", vec![file("../x")], "has a \"..\" component"),
        ("climbing inside", vec![file("a/../../x")], "has a \"..\" component"),
        ("a hard link out", vec![link(b'1', "../../etc/shadow")], "has a \"..\" component"),
        ("a hard link to nothing", vec![link(b'1', "etc/shadow")], "a hard link to /etc/shadow"),
        ("a hard link to later", vec![link(b'1', "x"), file("x")], "a hard link to /x"),
        ("a hard link to itself", vec![link(b'1', "l")], "a hard link to /l"),
        ("a hard link to itself again", vec![file("l"), link(b'1', "./l")], "a hard link to /l"),
        ("a hard link to the root", vec![link(b'1', "/")], "a hard link to /,"),
        ("a hard link to a directory", vec![member(b'5', "d", "", ""), link(b'1', "d")], "a hard link to /d"),
        ("a hard link without target", vec![link(b'1', "")], "a hard link to /,"),
        ("a symbolic link without target", vec![link(b'2', "")], "1 to 4095 bytes"),
        ("through a file", vec![file("a"), file("a/b")], "/a above it is a file"),
        (
            "a circle",
            vec![member(b'2', "a", "b", ""), member(b'2', "b", "a", ""), file("a/x")],
            "in a circle",
        ),
        ("the root as a file", vec![file(".")], "the root of the archive is a file"),
        (
            "the root as a link",
            vec![member(b'2', "./", "etc", "")],
            "the root of the archive is a symbolic link",
        ),
        ("no name", vec![file("")], "it has no name"),
        ("a whiteout", vec![file("a/.wh.b")], "reserve for deletions"),
        ("a file like a directory", vec![file("a/")], "whose name ends with a slash"),
        ("a long component", vec![pax(b'x', &[("path", &[b'a'; 256])]), file("x")], "is too long"),
        ("NUL in a PAX name", vec![pax(b'x', &[("path", b"a\0b")]), file("x")], "has a NUL byte"),
        ("NUL in a GNU name", vec![long(b'L', b"a\0b\0"), file("x")], "has a NUL byte"),
        ("NUL in a link", vec![pax(b'x', &[("linkpath", b"a\0b")]), link(b'2', "x")], "no NUL"),
    ] {
        check(what, &members, &ok, Err(want));
    }
}

#[test]
fn names_can_be_asked_to_be_literal() {
    let literal = Options { paths: Paths::Literal, ..Options::default() };
    let link = |target: &str| member(b'2', "l", target, "");
    for (what, members, want) in [
        (
            "plain names",
            vec![file("./a/b"), member(b'1', "c", "./a/b", "")],
            Ok(&["/a/?", "/a/b=x", "/c == /a/b"][..]),
        ),
        ("a link beside", vec![link("/etc"), file("a")], Ok(&["/a=x", "/l -> /etc"])),
        ("absolute", vec![file("/a")], Err("its name is absolute")),
        ("absolute, long", vec![long(b'L', b"//etc/x\0"), file("x")], Err("its name is absolute")),
        (
            "through a link",
            vec![link("etc"), file("l/passwd")],
            Err("/l/passwd leads through a symbolic link"),
        ),
        ("through a link up", vec![link("../.."), file("l/passwd")], Err("of the archive to /passwd")),
        (
            "a hard link through a link",
            vec![file("d/x"), link("d"), member(b'1', "h", "l/x", "")],
            Err("/l/x leads"),
        ),
    ] {
        check(what, &members, &literal, want);
    }
}

#[test]
fn kinds_that_have_no_place() {
    let ok = Options::default();
    let seventeen_gib = b"\x80\0\0\0\0\0\0\x04\x40\0\0\0";
    for (what, members, want) in [
        (
            "GNU 0.0",
            vec![pax(b'x', &[("GNU.sparse.size", b"9"), ("GNU.sparse.numblocks", b"1")]), file("s")],
            "PAX 0.0",
        ),
        (
            "GNU 0.1",
            vec![pax(b'x', &[("GNU.sparse.size", b"9"), ("GNU.sparse.map", b"0,1")]), file("s")],
            "PAX 0.1",
        ),
        (
            "GNU 1.0",
            vec![pax(b'x', &[("GNU.sparse.major", b"1"), ("GNU.sparse.name", b"s")]), file("s")],
            "PAX 1.0",
        ),
        ("old GNU", vec![member(b'S', "s", "", "x").bytes(483..495, seventeen_gib)], "sparse file (old GNU)"),
        ("a character device", vec![member(b'3', "dev/null", "", "")], "it is a character device"),
        ("a block device", vec![member(b'4', "dev/sda", "", "")], "it is a block device"),
        ("a pipe", vec![member(b'6', "p", "", "")], "it is a named pipe"),
        ("a dump directory", vec![member(b'D', "d", "", "")], "its type 'D' is not known"),
        ("a volume label", vec![member(b'V', "v", "", "")], "its type 'V' is not known"),
        ("a directory with content", vec![member(b'5', "d", "", "x")], "it is a directory with a size"),
        (
            "a link with content",
            vec![file("a"), member(b'1', "b", "a", "x")],
            "it is a hard link with a size",
        ),
    ] {
        check(what, &members, &ok, Err(want));
    }
}

#[test]
fn devices_can_be_left_out_with_their_links() {
    let members = [
        member(b'5', "dev/", "", ""),
        member(b'3', "dev/null", "", ""),
        member(b'1', "dev/zero", "dev/null", ""),
        member(b'6', "dev/initctl", "", ""),
        file("dev/readme"),
    ];
    let options = Options { devices: Devices::Skip, ..Options::default() };
    let got = read_both(&archive(&members), &options).expect("valid");
    assert_eq!(names(&got.tree), ["/dev/", "/dev/readme=x"]);
    let skipped: Vec<String> =
        got.skipped.iter().map(|skipped| format!("{} {}", skipped.path, skipped.noun)).collect();
    assert_eq!(
        skipped,
        ["/dev/null character device", "/dev/zero hard link to a device", "/dev/initctl named pipe"]
    );
}

#[test]
fn headers_that_readers_disagree_about() {
    let ok = Options::default();
    let x = |records| pax(b'x', records);
    let path: &[(&str, &[u8])] = &[("path", b"a")];
    for (what, members, want) in [
        ("two PAX headers", vec![x(path), x(path), file("f")], "two extended headers of one kind"),
        (
            "two GNU names",
            vec![long(b'L', b"a"), long(b'L', b"b"), file("f")],
            "two extended headers of one kind",
        ),
        (
            "a global header between",
            vec![x(path), pax(b'g', &[("uid", b"1")]), file("f")],
            "without an entry",
        ),
        ("a PAX header at the end", vec![file("f"), x(path)], "without an entry"),
        ("a GNU name at the end", vec![file("f"), long(b'L', b"a")], "without an entry"),
        ("GNU and PAX", vec![x(path), long(b'L', b"b"), file("f")], "name it differently"),
        ("a repeated record", vec![x(&[("size", b"1"), ("size", b"0")]), file("f")], "repeats a keyword"),
        ("a negative size", vec![x(&[("size", b"-1")]), file("f")], "its size \"-1\" is not a number"),
        ("a negative field", vec![claims(&[0xff; 12])], "its size \"\\xff"),
        (
            "an overflowing size",
            vec![x(&[("size", b"18446744073709551616")]), file("f")],
            "not a number that fits",
        ),
        ("a large user", vec![x(&[("uid", b"4294967296")]), file("f")], "its user number \"4294967296\""),
        (
            "a PAX length that overflows",
            vec![member(b'x', "x", "", "99999999999999999999 path=a\n"), file("f")],
            "its length in decimal",
        ),
    ] {
        check(what, &members, &ok, Err(want));
    }
    let lone = [open(&[file("a")]), vec![0; 512], open(&[file("b")]), vec![0; 1024]].concat();
    let after = [archive(&[file("a")]), archive(&[file("b")])].concat();
    let damaged = {
        let mut archive = archive(&[file("a")]);
        archive[0] = b'b';
        archive
    };
    for (what, archive, want) in [
        ("one closing block", lone, "a single closing block"),
        ("two archives", after, "something follows the end"),
        ("a wrong checksum", damaged, "checksum"),
        ("no archive", vec![b'x'; 2048], "checksum"),
    ] {
        let said = outcome(&archive, &ok).expect_err(what);
        assert!(said.contains(want), "{what}: {said}");
    }
}

#[test]
fn a_pax_size_does_not_desynchronise() {
    // Whoever reads the field's size takes the content for a header.
    let inner = archive(&[file("smuggled")]);
    let outer = Member { body: inner.clone(), ..file("outer").bytes(124..135, b"00000000000") };
    let size = inner.len().to_string();
    let members = [pax(b'x', &[("size", size.as_bytes())]), outer.clone(), file("next")];
    let got = read_both(&archive(&members), &Options::default()).expect("valid");
    let found: Vec<&TreePath> = got.tree.iter().map(|(path, _)| path).collect();
    assert_eq!(found, [&crate::tests::path("next"), &crate::tests::path("outer")]);
    // The size of the entry is not that of an extended header that comes between.
    let name = long(b'L', b"renamed\0");
    let members = [pax(b'x', &[("size", size.as_bytes())]), name, outer, file("next")];
    let got = read_both(&archive(&members), &Options::default()).expect("valid");
    let found: Vec<&TreePath> = got.tree.iter().map(|(path, _)| path).collect();
    assert_eq!(found, [&crate::tests::path("next"), &crate::tests::path("renamed")]);
}

#[test]
fn sizes_are_not_believed() {
    let ok = Options { limits: Limits { memory: u64::MAX, ..Limits::default() }, ..Options::default() };
    for (what, members) in [
        ("8 GiB in octal", vec![claims(b"77777777777")]),
        ("all that octal can", vec![claims(b"777777777777")]),
        ("2^63 - 1", vec![claims(b"\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff")]),
        ("2^64 - 1 in PAX", vec![pax(b'x', &[("size", b"18446744073709551615")]), file("f")]),
    ] {
        let said = outcome(&archive(&members), &ok).expect_err(what);
        assert!(said.contains("ends inside of its content"), "{what}: {said}");
    }
    for flag in *b"xgLK" {
        let member = claims(b"77777777777").bytes(156..157, &[flag]);
        check("an extended header", &[member], &ok, Err("more than 1048576 bytes in one extended header"));
    }
}

#[test]
fn limits_hold() {
    let limits = Limits { headers: 3, names: 10, ..Limits::default() };
    let options = Options { limits, ..Options::default() };
    check("three", &[file("a"), file("b"), file("c")], &options, Ok(&["/a=x", "/b=x", "/c=x"]));
    check("four", &[file("a"), file("b"), file("c"), file("d")], &options, Err("more than 3 headers"));
    let global = || pax(b'g', &[("uid", b"1")]);
    check("headers alone", &[global(), global(), global(), global()], &options, Err("more than 3 headers"));
    check("names", &[file("123456"), file("12345")], &options, Err("more than 10 bytes of names"));
    // Nothing ends it but the limit, which is a million unless the caller says otherwise.
    assert_eq!(Limits::default().headers, 1_000_000);
    let options = Options { limits: Limits { headers: 20_000, ..Limits::default() }, ..options };
    let block = file("a").bytes(124..135, b"00000000000").block;
    let error = read(Endless { block, at: 0 }, &owner(), &options).expect_err("one too many");
    assert!(chain(&error).contains("more than 20000 headers"), "{}", chain(&error));
    assert_eq!(error.offset, 20_000 * 512);
}

#[test]
fn long_ways_through_links_end() {
    // Each link goes seventeen times up and down on its way to the next.
    let detour = "d/../".repeat(17);
    let links = (0..30).map(|at| member(b'2', &format!("l{at}"), &format!("{detour}l{}", at + 1), ""));
    let mut members: Vec<Member> =
        [member(b'5', "d", "", ""), member(b'5', "l30", "", "")].into_iter().chain(links).collect();
    members.extend((0..20).map(|at| file(&format!("l0/{at}"))));
    outcome(&archive(&members), &Options::default()).expect("a long way, but not for ever");
    let options = Options { limits: Limits { steps: 10_000, ..Limits::default() }, ..Options::default() };
    check("a long way", &members, &options, Err("more than 10000 steps"));
}

/// The same block for ever.
struct Endless {
    block: [u8; 512],
    at: usize,
}

impl std::io::Read for Endless {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let length = buffer.len().min(512 - self.at);
        buffer[..length].copy_from_slice(&self.block[self.at..self.at + length]);
        self.at = (self.at + length) % 512;
        Ok(length)
    }
}

#[test]
fn duplicates_can_be_refused() {
    let options = Options { duplicates: Duplicates::Refuse, ..Options::default() };
    let dir = |name| member(b'5', name, "", "");
    for (what, members) in [
        ("spellings", vec![file("./a/b"), file("a//b")]),
        ("directories", vec![dir("a/"), dir("./a")]),
        ("through a link", vec![member(b'2', "l", "a", ""), file("a/b"), file("l/b")]),
    ] {
        check(what, &members, &options, Err("already has an entry for /a"));
    }
    check("an implicit parent", &[file("a/b"), dir("a")], &options, Ok(&["/a/", "/a/b=x"]));
}

#[test]
fn an_error_names_entry_and_offset() {
    let members = [file("first"), pax(b'x', &[("path", b"second/../x")]), file("short")];
    let error = read_both(&archive(&members), &Options::default()).expect_err("climbs");
    assert_eq!(error.to_string(), "the tar entry second/../x at byte 1024 is refused");
}

#[test]
fn an_archive_that_is_cut_is_never_whole() {
    let members = [
        member(b'5', "d/", "", ""),
        pax(b'x', &[("path", &[b'n'; 200])]),
        member(b'0', "f", "", vec![b'x'; 1300]),
        member(b'2', "l", "d", ""),
    ];
    let whole = archive(&members);
    let end = open(&members).len();
    for cut in (0..whole.len()).step_by(512).chain([1, 700, end + 513]) {
        let said = outcome(&whole[..cut], &Options::default()).expect_err("cut");
        assert!(said.contains("cut short") || said.contains("outside of"), "{cut}: {said}");
    }
    let optional = Options { end: End::Optional, ..Options::default() };
    outcome(&whole[..end], &optional).expect("the end may be missing");
    outcome(&whole[..end + 512], &optional).expect("half of the end may be missing");
    outcome(&whole[..end - 512 * 3], &optional).expect_err("content may not");
}
