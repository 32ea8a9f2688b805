//! What each of the tar formats says, and where it lands.

use super::*;

fn file(name: &str) -> Member {
    member(b'0', name, "", "x")
}

fn long(flag: u8, name: &str) -> Member {
    member(flag, "././@LongLink", "", [name.as_bytes(), b"\0"].concat()).bytes(257..265, b"ustar  \0")
}

#[test]
fn all_facts_of_an_entry() {
    let capability = b"\x01\0\0\x02\0\x20\0\0=\n\0\0\0\0\0\0\0\0\0\0";
    let records: &[(&str, &[u8])] = &[
        ("SCHILY.xattr.security.capability", capability),
        ("SCHILY.xattr.security.selinux", b"system_u"),
        ("comment", b"anything"),
        ("gid", b"4294967295"),
        ("mtime", b"-1.5"),
        ("path", b"caf\xe9/a b"),
        ("uid", b"2097152"),
    ];
    let members = [
        pax(b'x', records),
        file("ignored").bytes(100..107, b"0104755"),
        member(b'5', "caf/", "", "").bytes(100..107, b"0001777"),
        member(b'2', "caf/l", "../a", ""),
        member(b'1', "caf/h", "/a", "").bytes(100..107, b"0000000"),
    ];
    let members = [&[member(b'0', "a", "", "one\n")][..], &members].concat();
    let got = read_both(&archive(&members), &Options::default()).expect("valid");
    assert_eq!(
        listing(&got.tree),
        [
            "/a=one\\n 755 1:2 3".to_owned(),
            "/caf/ 1777 1:2 3".to_owned(),
            "/caf/h == /a 755 1:2 3".to_owned(),
            "/caf/l -> ../a 777 1:2 3".to_owned(),
            "/caf\\xe9/? 755 0:0 0".to_owned(),
            format!(
                "/caf\\xe9/a b=x 4755 2097152:4294967295 -2 security.capability={}",
                capability.escape_ascii()
            ),
        ]
    );
}

#[test]
fn names_and_links_in_every_form() {
    let deep = format!("{}/{}", "d".repeat(90), "e".repeat(90));
    let far = format!("{}/{}", "p".repeat(100), "q".repeat(100));
    let in_deep = format!("/{deep}=x");
    let dirs = format!("/{}/?", "d".repeat(90));
    let prefixed = || file(&"e".repeat(90)).bytes(345..435, "d".repeat(90).as_bytes());
    let gnu_prefix = file("short").bytes(257..265, b"ustar  \0").bytes(345..348, b"123");
    let v7 = |name| file(name).bytes(257..265, &[0; 8]).bytes(345..348, b"123");
    let old_directory = member(0, "old/", "", "").bytes(257..265, &[0; 8]);
    let star = file("s").bytes(345..349, b"star").bytes(476..479, b"123").bytes(508..512, b"tar\0");
    let whole = file(&"n".repeat(100));
    let n = format!("/{}=x", "n".repeat(100));
    let ok = Options::default();
    for (what, members, want) in [
        ("ustar prefix", vec![prefixed()], &[dirs.as_str(), &in_deep][..]),
        ("no prefix under GNU magic", vec![gnu_prefix], &["/short=x"]),
        ("no prefix without magic", vec![v7("short")], &["/short=x"]),
        ("a prefix before star's times", vec![star], &["/star/?", "/star/s=x"]),
        ("a name of 100 bytes", vec![whole], &[n.as_str()]),
        ("an old directory", vec![old_directory, v7("old/x")], &["/old/", "/old/x=x"]),
        ("an old file", vec![member(0, "f", "", "x")], &["/f=x"]),
        ("a contiguous file", vec![member(b'7', "f", "", "x")], &["/f=x"]),
        ("GNU long name", vec![long(b'L', &deep), file("short")], &[dirs.as_str(), &in_deep]),
        (
            "PAX path",
            vec![pax(b'x', &[("path", deep.as_bytes())]), file("short")],
            &[dirs.as_str(), &in_deep],
        ),
        (
            "GNU long link",
            vec![long(b'K', &far), long(b'L', "l"), member(b'2', "short", "short", "")],
            &[&format!("/l -> {far}")],
        ),
        (
            "PAX link path",
            vec![pax(b'x', &[("linkpath", far.as_bytes())]), member(b'2', "l", "short", "")],
            &[&format!("/l -> {far}")],
        ),
        (
            "PAX header and GNU name, the size for the file alone",
            vec![
                pax(b'x', &[("size", b"3")]),
                long(b'L', "three"),
                Member { body: b"abc".to_vec(), ..file("short").bytes(124..135, b"00000000000") },
                file("next"),
            ],
            &["/next=x", "/three=abc"],
        ),
        (
            "spellings",
            vec![file("./a"), file("/b"), file("c//d"), member(b'5', "./c/./d2//", "", "")],
            &["/a=x", "/b=x", "/c/?", "/c/d=x", "/c/d2/"],
        ),
    ] {
        check(what, &members, &ok, Ok(want));
    }
}

#[test]
fn global_records_stand_until_they_are_taken_back() {
    let global: &[(&str, &[u8])] = &[("uid", b"7"), ("mtime", b"9.9"), ("comment", b"revision")];
    let members = [
        file("a"),
        pax(b'g', global),
        file("b"),
        pax(b'x', &[("uid", b"8")]),
        file("c"),
        pax(b'x', &[("uid", b"")]),
        file("d"),
        pax(b'g', &[("mtime", b"")]),
        file("e"),
    ];
    let got = read_both(&archive(&members), &Options::default()).expect("valid");
    assert_eq!(
        listing(&got.tree),
        ["/a=x 755 1:2 3", "/b=x 755 7:2 9", "/c=x 755 8:2 9", "/d=x 755 1:2 9", "/e=x 755 7:2 3"]
    );
}

#[test]
fn entries_land_where_links_lead() {
    let lib = || member(b'2', "lib", "usr/lib", "");
    let dir = |name| member(b'5', name, "", "");
    let ok = Options::default();
    let want: &[&str] = &["/lib -> usr/lib", "/usr/?", "/usr/lib/?", "/usr/lib/x=x"];
    check("nothing there yet", &[lib(), file("lib/x")], &ok, Ok(want));
    for (what, members, want) in [
        (
            "a link that climbs",
            vec![member(b'2', "out", "../../../../etc", ""), file("out/passwd")],
            &["/etc/?", "/etc/passwd=x", "/out -> ../../../../etc"][..],
        ),
        (
            "an absolute link",
            vec![member(b'2', "out", "/etc", ""), file("out/passwd")],
            &["/etc/?", "/etc/passwd=x", "/out -> /etc"],
        ),
        (
            "a hard link through a link",
            vec![dir("usr"), dir("usr/lib"), lib(), file("usr/lib/x"), member(b'1', "lib/y", "lib/x", "")],
            &["/lib -> usr/lib", "/usr/", "/usr/lib/", "/usr/lib/x=x", "/usr/lib/y == /usr/lib/x"],
        ),
        (
            "a hard link to a symbolic link",
            vec![lib(), member(b'1', "l", "lib", "")],
            &["/l -> usr/lib", "/lib -> usr/lib"],
        ),
        ("a directory in place of a link", vec![lib(), dir("lib/")], &["/lib/"]),
        ("a file in place of a directory", vec![dir("a"), file("a/b"), file("a")], &["/a=x"]),
        ("a directory again", vec![file("a/b"), dir("a")], &["/a/", "/a/b=x"]),
        (
            "a file again, its other name keeps the old content",
            vec![member(b'0', "a", "", "old"), member(b'1', "b", "a", ""), file("a")],
            &["/a=x", "/b=old"],
        ),
    ] {
        check(what, &members, &ok, Ok(want));
    }
    let got = read_both(&archive(&[dir("./").bytes(100..107, b"0000700")]), &ok).expect("valid");
    let root = got.tree.get(&TreePath::root()).expect("always there");
    assert_eq!((root.metadata.mode, got.tree.is_implicit(&TreePath::root())), (0o700, false));
}

#[test]
fn content_of_a_blob_stays_where_it_is() {
    let archive = archive(&[member(b'0', "a", "", "first"), member(b'0', "b", "", "second")]);
    let blob = Blob::from_bytes("the archive", archive);
    let got = read_blob(&blob, &owner(), &Options::default()).expect("valid");
    let content = got.tree.get(&crate::tests::path("b")).and_then(|node| node.content()).expect("a file");
    assert_eq!(
        (content.offset(), content.length(), content.blob().label().as_str()),
        (1536, 6, "the archive")
    );
    let cheap = Options { limits: Limits { memory: 10, ..Limits::default() }, ..Options::default() };
    read_blob(&blob, &owner(), &cheap).expect("nothing comes to memory");
    let bytes = blob.content().bytes().expect("in memory");
    let error = read(&*bytes, &owner(), &cheap).expect_err("eleven bytes");
    assert!(chain(&error).contains("more than 10 bytes of content"), "{}", chain(&error));
}
