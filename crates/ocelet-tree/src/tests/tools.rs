//! What other tar programs make of our archives, and we of theirs.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use super::{chain, listing, names, path, tree};
use crate::tar_in::{self, Options};
use crate::tar_out::write_tree;
use crate::{Metadata, Owner, Tree};

/// Runs a program in a directory. Nothing where it is not installed, after saying so.
#[expect(clippy::disallowed_methods, reason = "other people's programs are what is tested against")]
fn run(program: &str, directory: &Path, arguments: &[&str]) -> Option<(bool, String)> {
    let started = Command::new(program)
        .current_dir(directory)
        .args(arguments)
        .env("LC_ALL", "C")
        .env("TZ", "UTC")
        .stdin(Stdio::null())
        .output();
    match started {
        Ok(output) => {
            let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
            Some((output.status.success(), text))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            println!("skipped: {program} not installed");
            None
        }
        Err(error) => panic!("{program}: {error}"),
    }
}

/// Whether `tar` is GNU tar.
fn gnu_tar(directory: &Path) -> bool {
    match run("tar", directory, &["--version"]) {
        Some((_, said)) if said.contains("GNU tar") => true,
        Some(_) => {
            println!("skipped: GNU tar not installed");
            false
        }
        None => false,
    }
}

fn put(directory: &Path, name: &str, bytes: &[u8]) {
    File::create(directory.join(name))
        .and_then(|mut file| file.write_all(bytes))
        .expect("a file in a fresh directory");
}

fn get(directory: &Path, name: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut file = File::open(directory.join(name)).expect("a file");
    std::io::Read::read_to_end(&mut file, &mut bytes).expect("readable");
    bytes
}

fn read(archive: &[u8]) -> Result<Tree, String> {
    tar_in::read(archive, &Owner::new("tar"), &Options::default())
        .map(|unpacked| unpacked.tree)
        .map_err(|error| chain(&error))
}

/// All that is hard to write, but possible to extract without privileges.
fn sample() -> Tree {
    let long = format!("{}/{}/{}", "d".repeat(120), "e".repeat(120), "f".repeat(120));
    let target = format!("l -> {}", "../t".repeat(60));
    let split = format!("{}/{}", "p".repeat(99), "q".repeat(99));
    let mut all = tree(
        "test",
        &[
            "bin/tool=content 755 0",
            "bin/twin == bin/tool",
            "empty=",
            "dir/ 700 0",
            &long,
            &split,
            &target,
            "a b=\n",
        ],
    );
    let times: Vec<_> = all.iter().map(|(path, _)| path.clone()).collect();
    for path in times {
        all.metadata_mut(&path).expect("there").mtime = 1_000_000_001;
    }
    all
}

fn written(tree: &Tree) -> Vec<u8> {
    let mut archive = Vec::new();
    write_tree(tree, &mut archive).expect("writes to memory");
    archive
}

#[test]
fn gnu_tar_extracts_what_we_wrote() {
    let place = tempfile::tempdir().expect("a fresh directory");
    if !gnu_tar(place.path()) {
        return;
    }
    let all = sample();
    put(place.path(), "ours.tar", &written(&all));
    std::fs::create_dir(place.path().join("out")).expect("fresh");
    let pack = [
        "-C",
        "out",
        "--format=pax",
        "--sort=name",
        "--pax-option=delete=atime,delete=ctime",
        "-cf",
        "theirs.tar",
        ".",
    ];
    for arguments in [&["-C", "out", "--no-same-owner", "-p", "-xf", "ours.tar"][..], &pack] {
        let (done, said) = run("tar", place.path(), arguments).expect("it was there before");
        assert!(done && said.is_empty(), "{arguments:?}: {said}");
    }
    let back = read(&get(place.path(), "theirs.tar")).expect("GNU tar writes valid archives");
    let without_owner = |tree: &Tree| -> Vec<String> {
        listing(tree)
            .iter()
            .map(|line| {
                let words: Vec<&str> = line.rsplitn(3, ' ').collect();
                format!("{} {}", words[2].replace("/?", "/"), words[0])
            })
            .collect()
    };
    assert_eq!(without_owner(&back), without_owner(&all));
}

#[test]
fn gnu_tar_lists_large_numbers_and_attributes() {
    let place = tempfile::tempdir().expect("a fresh directory");
    if !gnu_tar(place.path()) {
        return;
    }
    let mut all = tree("test", &["f=1 4755 3000000"]);
    let metadata = all.metadata_mut(&path("f")).expect("there");
    metadata.gid = u32::MAX;
    metadata.mtime = -86_400;
    metadata.xattrs.insert(Metadata::CAPABILITY.to_vec(), b"\x01\0\0\x02\0\x20\0\0\n=\0\0".to_vec());
    put(place.path(), "ours.tar", &written(&all));
    let arguments = ["--numeric-owner", "--xattrs", "--xattrs-include=*", "-tvvf", "ours.tar"];
    let (done, said) = run("tar", place.path(), &arguments).expect("it was there before");
    assert!(done, "{said}");
    assert!(said.starts_with("-rwsr-xr-x* 3000000/4294967295"), "{said}");
    for word in ["1969-12-31 00:00 f", "x: 12 security.capability"] {
        assert!(said.contains(word), "{word}: {said}");
    }
}

#[test]
fn we_read_what_gnu_tar_wrote() {
    let place = tempfile::tempdir().expect("a fresh directory");
    if !gnu_tar(place.path()) {
        return;
    }
    let name = |length: usize| "n".repeat(length);
    // What each format can hold: v7 has 99 bytes for a name, ustar 155 and 100, the others any number.
    for (format, dir, file) in [
        ("v7", 20, 70),
        ("oldgnu", 200, 200),
        ("gnu", 200, 200),
        ("ustar", 90, 99),
        ("pax", 200, 200),
        ("posix", 200, 200),
    ] {
        let root = place.path().join(format);
        let (dir, file) = (name(dir), name(file));
        std::fs::create_dir_all(root.join(&dir)).expect("fresh");
        put(&root.join(&dir), &file, b"content");
        put(&root, "a", b"one");
        std::fs::hard_link(root.join("a"), root.join("b")).expect("fresh");
        std::os::unix::fs::symlink(&dir, root.join("link")).expect("fresh");
        let pack = ["-C", format, &format!("--format={format}"), "--sort=name", "-cf", "their.tar", "."];
        let (done, said) = run("tar", place.path(), &pack).expect("it was there before");
        assert!(done, "{format}: {said}");
        let back = read(&get(place.path(), "their.tar")).unwrap_or_else(|error| panic!("{format}: {error}"));
        let want = [
            "/a=one".to_owned(),
            "/b == /a".to_owned(),
            format!("/link -> {dir}"),
            format!("/{dir}/"),
            format!("/{dir}/{file}=content"),
        ];
        assert_eq!(names(&back), want, "{format}");
    }
}

#[test]
fn sparse_files_of_gnu_tar_are_refused() {
    let place = tempfile::tempdir().expect("a fresh directory");
    if !gnu_tar(place.path()) {
        return;
    }
    let holes = File::create(place.path().join("holes")).expect("fresh");
    holes.set_len(17 << 30).expect("a file system with sparse files");
    for (arguments, want) in [
        (&["--format=gnu"][..], "old GNU"),
        (&["--format=pax", "--sparse-version=0.0"], "GNU PAX 0.0"),
        (&["--format=pax", "--sparse-version=0.1"], "GNU PAX 0.1"),
        (&["--format=pax", "--sparse-version=1.0"], "GNU PAX 1.0"),
    ] {
        let arguments = [arguments, &["--sparse", "-cf", "their.tar", "holes"]].concat();
        let (done, said) = run("tar", place.path(), &arguments).expect("it was there before");
        assert!(done, "{want}: {said}");
        let said = read(&get(place.path(), "their.tar")).map(|tree| names(&tree)).expect_err(want);
        assert!(said.contains(&format!("it is a sparse file ({want})")), "{said}");
    }
}

/// Prints each member as Python sees it.
const PYTHON_LISTS: &str = r#"
import sys, tarfile
for m in tarfile.open(sys.argv[1]):
    kind = {b"0": "file", b"1": "link", b"2": "symlink", b"5": "dir"}[m.type]
    content = tarfile.open(sys.argv[1]).extractfile(m).read() if m.type == b"0" else b""
    print(kind, ascii(m.name), ascii(m.linkname), oct(m.mode), m.uid, m.gid, int(m.mtime), len(content))
"#;

/// Writes one archive in the format of its argument.
const PYTHON_WRITES: &str = r#"
import io, sys, tarfile
t = tarfile.open(sys.argv[1], "w", format=getattr(tarfile, sys.argv[2] + "_FORMAT"))
def add(name, type, **more):
    m = tarfile.TarInfo(name); m.type = type; m.mtime = 12.75 if sys.argv[2] == "PAX" else 12
    content = more.pop("content", b""); m.size = len(content)
    for key, value in more.items(): setattr(m, key, value)
    t.addfile(m, io.BytesIO(content))
long = "d" * 90 + "/" + "f" * 90
add("d" * 90, tarfile.DIRTYPE, mode=0o1777)
add(long, tarfile.REGTYPE, content=b"hello", uid=7)
add("h", tarfile.LNKTYPE, linkname=long if sys.argv[2] != "USTAR" else "d" * 90)
t.close()
"#;

#[test]
fn python_reads_what_we_wrote() {
    let place = tempfile::tempdir().expect("a fresh directory");
    let mut all = tree("test", &["f=12345 4755 3000000", "g == f", "d/ 1777 1", "l -> \u{e9}"]);
    let long = "n".repeat(120);
    let owner = Owner::new("test");
    all.add_directory(&path([long.as_bytes(), b"\xff"].concat()), Metadata::root_owned(0o755), &owner)
        .expect("fresh");
    all.metadata_mut(&path("d")).expect("there").mtime = -7;
    put(place.path(), "ours.tar", &written(&all));
    let Some((done, said)) = run("python3", place.path(), &["-c", PYTHON_LISTS, "ours.tar"]) else { return };
    assert!(done, "{said}");
    let want = [
        "dir 'd' '' 0o1777 1 0 -7 0".to_owned(),
        "file 'f' '' 0o4755 3000000 0 0 5".to_owned(),
        "link 'g' 'f' 0o4755 3000000 0 0 0".to_owned(),
        r"symlink 'l' '\xe9' 0o777 0 0 0 0".to_owned(),
        format!(r"dir '{long}\udcff' '' 0o755 0 0 0 0"),
    ];
    assert_eq!(said.lines().collect::<Vec<_>>(), want);
}

#[test]
fn we_read_what_python_wrote() {
    let place = tempfile::tempdir().expect("a fresh directory");
    for format in ["GNU", "PAX"] {
        let Some((done, said)) = run("python3", place.path(), &["-c", PYTHON_WRITES, "their.tar", format])
        else {
            return;
        };
        assert!(done, "{format}: {said}");
        let back = read(&get(place.path(), "their.tar")).unwrap_or_else(|error| panic!("{format}: {error}"));
        let (d, f) = ("d".repeat(90), "f".repeat(90));
        let want = [
            format!("/{d}/ 1777 0:0 12"),
            format!("/{d}/{f}=hello 644 7:0 12"),
            format!("/h == /{d}/{f} 644 7:0 12"),
        ];
        assert_eq!(listing(&back), want, "{format}");
    }
}

/// Prints each member as Go sees it: docker, containerd and skopeo read with the same library.
const GO_LISTS: &str = r#"
package main

import ("archive/tar"; "fmt"; "io"; "os")

func main() {
	f, err := os.Open(os.Args[1])
	if err != nil { panic(err) }
	r := tar.NewReader(f)
	for {
		h, err := r.Next()
		if err == io.EOF { return }
		if err != nil { panic(err) }
		content, err := io.ReadAll(r)
		if err != nil { panic(err) }
		fmt.Printf("%c %+q %+q %o %d %d %d %q %q\n", h.Typeflag, h.Name, h.Linkname, h.Mode, h.Uid, h.Gid,
			h.ModTime.Unix(), content, h.PAXRecords["SCHILY.xattr.security.capability"])
	}
}
"#;

#[test]
fn go_reads_what_we_wrote() {
    let place = tempfile::tempdir().expect("a fresh directory");
    let long = "n".repeat(120);
    let split = format!("{}/{}", "p".repeat(60), "q".repeat(60));
    let mut all =
        tree("test", &["f=12345 4755 3000000", "g == f", "d/ 1777 1", "l -> \u{e9}", &long, &split]);
    let metadata = all.metadata_mut(&path("d")).expect("there");
    metadata.mtime = -7;
    metadata.xattrs.insert(Metadata::CAPABILITY.to_vec(), b"\x01\0\n".to_vec());
    put(place.path(), "ours.tar", &written(&all));
    put(place.path(), "list.go", GO_LISTS.as_bytes());
    let Some((done, said)) = run("go", place.path(), &["run", "list.go", "ours.tar"]) else { return };
    assert!(done, "{said}");
    let want = [
        r#"5 "d/" "" 1777 1 0 -7 "" "\x01\x00\n""#.to_owned(),
        r#"0 "f" "" 4755 3000000 0 0 "12345" """#.to_owned(),
        r#"1 "g" "f" 4755 3000000 0 0 "" """#.to_owned(),
        r#"2 "l" "\u00e9" 777 0 0 0 "" """#.to_owned(),
        format!(r#"0 "{long}" "" 644 0 0 0 "{long}" """#),
        format!(r#"5 "{}/" "" 755 0 0 0 "" """#, "p".repeat(60)),
        format!(r#"0 "{split}" "" 644 0 0 0 "{split}" """#),
    ];
    assert_eq!(said.lines().collect::<Vec<_>>(), want);
}

#[test]
fn other_tars_list_what_we_wrote() {
    let place = tempfile::tempdir().expect("a fresh directory");
    let all = sample();
    put(place.path(), "ours.tar", &written(&all));
    let slash = |directory: bool| if directory { "/" } else { "" };
    let want: Vec<String> = all
        .iter()
        .map(|(path, node)| format!("{}{}", &path.to_string()[1..], slash(node.is_directory())))
        .collect();
    for (program, arguments) in [
        ("tar", &["-tf", "ours.tar"][..]),
        ("bsdtar", &["-tf", "ours.tar"]),
        ("busybox", &["tar", "-tf", "ours.tar"]),
    ] {
        let Some((done, said)) = run(program, place.path(), arguments) else { continue };
        assert!(done, "{program}: {said}");
        assert_eq!(said.lines().collect::<Vec<_>>(), want, "{program}");
    }
}
