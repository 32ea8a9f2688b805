//! Zip archives, made byte by byte (APPNOTE.TXT 6.3.10, 4.3.7, 4.3.12 and 4.3.16).

use std::io::Write as _;

use super::{check, said};

/// A member as it is written; the fields that lie are set by hand.
#[derive(Clone)]
pub(super) struct Zipped {
    name: String,
    local: String,
    packed: Vec<u8>,
    size: u32,
    crc: u32,
    method: u16,
    flags: u16,
    /// The high byte is the system: 3 is Unix, 0 is MS-DOS.
    made_by: u16,
    attributes: u32,
    /// Where the directory says that it is; nothing for the truth.
    offset: Option<u32>,
}

fn crc(bytes: &[u8]) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(bytes);
    crc.sum()
}

/// A stored member with a mode of Unix.
fn stored(name: &str, mode: u32, content: &[u8]) -> Zipped {
    Zipped {
        name: name.to_owned(),
        local: name.to_owned(),
        packed: content.to_vec(),
        size: u32::try_from(content.len()).expect("small"),
        crc: crc(content),
        method: 0,
        flags: 0,
        made_by: 0x031e,
        attributes: mode << 16,
        offset: None,
    }
}

/// A deflated file.
pub(super) fn file(name: &str, content: &[u8]) -> Zipped {
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
    let packed = encoder.write_all(content).and_then(|()| encoder.finish()).expect("in memory");
    Zipped { packed, method: 8, ..stored(name, 0o100_755, content) }
}

fn length(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).expect("small")
}

fn short(text: &str) -> u16 {
    u16::try_from(text.len()).expect("short")
}

/// What both headers of a member have in common.
fn common(member: &Zipped, name: &str) -> Vec<u8> {
    let mut header = Vec::new();
    for half in [20, member.flags, member.method, 0, 0x21] {
        header.extend(half.to_le_bytes());
    }
    for word in [member.crc, length(&member.packed), member.size] {
        header.extend(word.to_le_bytes());
    }
    header.extend(short(name).to_le_bytes());
    header.extend(0_u16.to_le_bytes());
    header
}

/// The archive of some members.
pub(super) fn zip(members: &[Zipped]) -> Vec<u8> {
    let (mut archive, mut directory) = (Vec::new(), Vec::new());
    for member in members {
        let offset = member.offset.unwrap_or(length(&archive));
        archive.extend(b"PK\x03\x04");
        archive.extend(common(member, &member.local));
        archive.extend(member.local.as_bytes());
        archive.extend(&member.packed);
        directory.extend(b"PK\x01\x02");
        directory.extend(member.made_by.to_le_bytes());
        directory.extend(common(member, &member.name));
        directory.extend([0; 6]);
        directory.extend(member.attributes.to_le_bytes());
        directory.extend(offset.to_le_bytes());
        directory.extend(member.name.as_bytes());
    }
    let start = length(&archive);
    let count = u16::try_from(members.len()).expect("few").to_le_bytes();
    archive.extend(&directory);
    archive.extend(b"PK\x05\x06\0\0\0\0");
    archive.extend(count);
    archive.extend(count);
    archive.extend(length(&directory).to_le_bytes());
    archive.extend(start.to_le_bytes());
    archive.extend([0, 0]);
    archive
}

#[test]
fn a_zip_is_unpacked() {
    let members = [
        stored("t/", 0o040_700, b""),
        file("t/tool", b"deflated"),
        stored("t/data", 0o100_640, b"stored"),
        stored("t/suid", 0o104_755, b"s"),
        stored("t/link", 0o120_777, b"/etc/tool"),
        Zipped { made_by: 0x0014, attributes: 0x20, ..stored("t/dos", 0, b"dos") },
        stored("t/none", 0, b"no mode"),
        stored("t/empty", 0o100_644, b""),
    ];
    let want = &[
        "/o/t/ 700 0:0 tool",
        "/o/t/data stored 640 0:0 tool",
        "/o/t/dos dos 644 0:0 tool",
        "/o/t/empty  644 0:0 tool",
        "/o/t/link -> /etc/tool 777 0:0 tool",
        "/o/t/none no mode 644 0:0 tool",
        "/o/t/suid s 4755 0:0 tool",
        "/o/t/tool deflated 755 0:0 tool",
    ][..];
    check("all", &said("t.zip", "install = '/o/'", &zip(&members)), &Ok(want));
    let one = said("t.zip", "members = ['t/tool']\ninstall = '/bin/t'", &zip(&members));
    check("one", &one, &Ok(&["/bin/t deflated 755 0:0 tool"]));
    // A writer that cannot go back says sizes and checksum only after the content (4.4.4, bit 3), and in the directory.
    let mut streamed = zip(&[Zipped { flags: 8, ..file("tool", b"streamed") }]);
    streamed[14..26].fill(0);
    check("streamed", &said("t.zip", "install = '/tool'", &streamed), &Ok(&["/tool streamed 755 0:0 tool"]));
    check("none", &said("t.zip", "install = '/o/'", &zip(&[])), &Err("no file of t.zip is left"));
}

#[test]
fn zips_that_want_something_else() {
    let good = || file("a", b"content");
    let with = |change: &dyn Fn(&mut Zipped)| {
        let mut member = good();
        change(&mut member);
        zip(&[member])
    };
    let damaged = {
        let mut archive = zip(&[good()]);
        archive[34] ^= 4;
        archive
    };
    let miscounted = {
        let mut archive = zip(&[good()]);
        let end = archive.len();
        archive[end - 12] = 2;
        archive[end - 14] = 2;
        archive
    };
    for (what, archive, want) in [
        ("encrypted", with(&|member| member.flags = 1), "member \"a\" is refused: it is encrypted"),
        ("bzip2 inside", with(&|member| member.method = 12), "is packed with"),
        ("another checksum", with(&|member| member.crc ^= 1), "wanted 7 bytes with the CRC32"),
        ("longer than said", with(&|member| member.size = 3), "wanted 3 bytes"),
        ("shorter than said", with(&|member| member.size = 70), "wanted 70 bytes"),
        ("stored in another size", with(&|member| member.method = 0), "it is stored in 9 bytes"),
        ("a damaged stream", damaged, "its content is damaged"),
        ("two names", with(&|member| member.local = "b".to_owned()), "its local header names it \"b\""),
        ("absolute", zip(&[file("/a", b"x")]), "member \"/a\" is refused: its name is absolute"),
        ("climbing", zip(&[file("a/../../b", b"x")]), "has a \"..\" component"),
        (
            "through a link",
            zip(&[stored("l", 0o120_777, b"/etc"), file("l/x", b"x")]),
            "/l is a symbolic link",
        ),
        ("a device", zip(&[stored("d", 0o020_644, b"")]), "its mode 20644 is that of a device"),
        ("a directory with content", zip(&[stored("d/", 0o040_755, b"x")]), "with 1 bytes of content"),
        ("a long target", zip(&[stored("l", 0o120_777, &[b'x'; 5000])]), "4095 bytes in the target"),
        ("an empty target", zip(&[stored("l", 0o120_777, b"")]), "1 to 4095 bytes"),
        ("twice", zip(&[good(), good()]), "already has a member of that name"),
        (
            "overlapping",
            zip(&[good(), Zipped { offset: Some(0), ..good() }]),
            "overlaps with that of another",
        ),
        ("miscounted", miscounted, "it says that it has 2 members, and has 1"),
        ("cut", zip(&[good()])[..60].to_vec(), "the zip directory is refused: it is damaged or cut short"),
        ("nowhere", zip(&[Zipped { offset: Some(4000), ..good() }]), "damaged or cut short"),
    ] {
        let said = said("t.zip", "install = '/o/'", &archive);
        check(what, &said, &Err(want));
        assert!(said.expect_err(what).ends_with("[3]"), "{what}");
    }
}

#[test]
fn no_zip_is_too_wrong_to_be_refused() {
    let whole = zip(&[file("a", b"content"), stored("d/", 0o040_755, b""), stored("d/b", 0o100_644, b"x")]);
    for at in 0..whole.len() {
        let mut archive = whole.clone();
        archive[at] ^= 0x55;
        // Some changes are harmless, such as those of times; none may panic.
        let _ = said("t.zip", "install = '/o/'", &archive);
        assert!(said("t.zip", "install = '/o/'", &whole[..at]).is_err(), "cut at {at}");
    }
}
