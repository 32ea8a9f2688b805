//! Packing from the recipe to the finished image: with a script in upx's place, which does what upx does and
//! counts how often it is asked, and with upx itself where it is installed.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use ocelet::PackingOptions;
use ocelet::shrink::Packing;
use ocelet_testkit::rootfs::{debian, tree};

use crate::scenario::{Outcome, Scenario, path, sentence};
use crate::verify::{by_hand, findings, found_in, report};

/// A script that packs, and writes each time down.
fn fake(place: &Path, version: &str) -> PathBuf {
    let file = place.join("upx");
    std::fs::write(&file, ocelet_testkit::upx::script(version, &place.join("upx.log"))).expect("a file");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).expect("its own file");
    file
}

fn root() -> String {
    let needs = "loader=/lib64/ld-linux-x86-64.so.2 needs=libc.so.6";
    let path = "/a-directory-with-a-long-name".repeat(8);
    format!(
        "{}\n/opt/tool elf amd64 {needs} runpath={path}\n/opt/hard == /opt/tool\n\
         4755 /opt/su elf amd64 {needs} runpath={path}\n/opt/odd elf amd64 {needs} runpath=/unpackable{path}\n\
         0755 /opt/script = #!/bin/dash\\n\n/opt/kubelet elf amd64 {needs}\n/opt/other elf amd64 {needs} runpath={path}",
        debian("amd64")
    )
}

fn scenario(flag: &str, options: PackingOptions) -> Scenario {
    let lines = format!(
        "[source.host]\nrootfs = \"root/\"\n{flag}\n[flavor.x]\nfiles = [\"/opt/*\"]\nrules = [\"os-release\"]\n"
    );
    Scenario { packing: options, ..Scenario::new(&lines, &[("root/", root())]) }
}

const FLAG: &str =
    "pack = { files = [\"/opt/tool\", \"/opt/hard\", \"/opt/su\", \"/opt/odd\", \"/opt/script\"] }";

fn with(upx: PathBuf) -> PackingOptions {
    PackingOptions { upx: Some(upx), trial: false, ..PackingOptions::default() }
}

fn failure(outcome: Outcome) -> String {
    sentence(&outcome.result.expect_err("it must fail"))
}

#[test]
fn flagged_programs_are_packed_and_what_they_needed_stays() {
    let tools = tempfile::tempdir().expect("a directory");
    let outcome = scenario(FLAG, with(fake(tools.path(), "4.2.2"))).run();
    outcome.is_sound(true);
    let images = outcome.images();
    let [image] = images.as_slice() else { panic!("one image") };
    let report = image.report.as_ref().expect("it has one");
    let packing = report.packing.as_ref().expect("files are flagged");
    assert!(packing.tool.starts_with("upx 4.2.2 (sha256:"), "{}", packing.tool);
    assert_eq!(packing.files.keys().collect::<Vec<_>>(), ["/opt/hard", "/opt/tool"]);
    let tool = &packing.files["/opt/tool"];
    assert_eq!((tool.method.as_str(), tool.size), ("lzma", 244));
    assert!(tool.size_before > tool.size);
    // Which of the two names of one file asks for the loader is the closure's choice.
    let needs: Vec<String> = packing.files.values().flat_map(|file| file.libraries.clone()).collect();
    assert!(needs.iter().any(|need| need.ends_with("/libc.so.6")), "{needs:?}");
    let left: Vec<(&str, &str)> =
        packing.left.iter().map(|(path, why)| (path.as_str(), why.as_str())).collect();
    assert_eq!(
        left,
        [
            ("/opt/odd", "upx cannot pack it: NotCompressibleException"),
            ("/opt/script", "it is no ELF program"),
            ("/opt/su", "it is setuid or setgid"),
        ]
    );
    let files = outcome.tree(image);
    let is_packed =
        |name: &str| files.get(&path(name)).and_then(|node| node.content()).expect("a file").length() == 244;
    for (name, want) in [("/opt/tool", true), ("/opt/hard", true), ("/opt/odd", false), ("/opt/other", false)]
    {
        assert_eq!(is_packed(name), want, "{name}");
    }
    let chain = report.chain(&path("/usr/lib/x86_64-linux-gnu/libc.so.6")).expect("it is explained");
    assert!(chain.links.len() > 1);
    let saved = outcome.result.as_ref().ok().and_then(|done| done.savings).expect("something was packed");
    assert_eq!((saved.files, saved.disk_after), (1, 244));
    let asked = std::fs::read_to_string(tools.path().join("upx.log")).expect("it was asked");
    assert_eq!(asked.lines().count(), 2, "the tool and the one that it cannot pack: {asked}");
    assert!(asked.lines().all(|line| line == "-q --no-color --no-progress --lzma -o out in"), "{asked}");
}

#[test]
fn the_same_files_and_the_same_upx_give_the_same_image() {
    let tools = tempfile::tempdir().expect("a directory");
    let options = with(fake(tools.path(), "4.2.2"));
    let once = scenario(FLAG, options.clone()).run().digests();
    let again = Scenario { jobs: 4, reversed: true, ..scenario(FLAG, options) }.run().digests();
    assert_eq!(once, again);
    let off = PackingOptions { packing: Packing::Off, ..PackingOptions::default() };
    let unpacked = scenario(FLAG, off).run();
    assert_ne!(unpacked.digests(), once);
    assert_eq!(
        unpacked.digests(),
        scenario("", PackingOptions::default()).run().digests(),
        "flags alone change nothing"
    );
}

#[test]
fn what_must_not_be_packed_or_cannot_is_refused() {
    let tools = tempfile::tempdir().expect("a directory");
    let daemon = "pack = { files = [\"/opt/*\"] }";
    let off = PackingOptions { packing: Packing::Off, ..PackingOptions::default() };
    let five = tools.path().join("five");
    std::fs::create_dir(&five).expect("a new directory");
    for (flag, options, want) in [
        (
            daemon,
            with(fake(tools.path(), "4.2.2")),
            "/opt/kubelet: kubelet is the node's agent; source host flags it in line 6",
        ),
        (daemon, off, "/opt/kubelet: kubelet is the node's agent; source host flags it in line 6"),
        (FLAG, PackingOptions::default(), "flags files for packing (line 6), and there is no upx"),
        (FLAG, with(fake(&five, "5.2.0")), "crash with more than some 500 environment variables"),
        (FLAG, with(PathBuf::from("/bin/true")), "/bin/true is not upx"),
        (FLAG, with(PathBuf::from("/nonexistent/upx")), "/nonexistent/upx"),
    ] {
        let message = failure(scenario(flag, options).run());
        assert!(message.contains(want), "{message}");
    }
}

#[test]
fn a_packed_program_without_its_loader_is_found() {
    let packed = "/tool elf amd64 static";
    let size = tree(packed).get(&path("/tool")).and_then(|node| node.content()).expect("a file").length();
    let packing = serde_json::json!({"tool": "upx 4.2.2", "files": {"/tool": {
        "method": "lzma", "size_before": 9000, "size": size, "sha256_before": "sha256:00",
        "interpreter": "/lib/ld-musl-x86_64.so.1", "libraries": ["/lib/libz.so.1"],
    }}});
    let text = report(&[("/tool", None)]);
    let mut document: serde_json::Value = serde_json::from_str(&text).expect("a report");
    document["version"] = 2.into();
    document["packing"] = packing;
    let place = by_hand(packed, Some(&document.to_string()));
    let found: Vec<String> =
        found_in(place.path()).into_iter().filter(|one| one.0).map(|one| one.1).collect();
    assert_eq!(
        found,
        [
            "/tool is not the packed file that the report tells of",
            "the packed program /tool needs the library /lib/libz.so.1, which is not there",
            "the packed program /tool needs the loader /lib/ld-musl-x86_64.so.1, which is not there",
        ]
    );
}

/// upx, where it is installed in a version that may be used.
fn real() -> Option<PathBuf> {
    let found = ["/usr/bin/upx", "/usr/bin/upx-ucl", "/usr/local/bin/upx"].map(PathBuf::from);
    let is_fit = |file: &PathBuf| {
        let told = std::process::Command::new(file).arg("--version").output();
        told.is_ok_and(|told| told.stdout.starts_with(b"upx 4.2."))
    };
    found.into_iter().find(is_fit)
}

#[test]
fn upx_itself_packs_a_program_of_this_machine() {
    let Some(upx) = real() else {
        println!("skipped: upx 4.2 not installed");
        return;
    };
    let program = Path::new("/usr/bin/ls");
    if !cfg!(target_arch = "x86_64") || !program.exists() {
        println!("skipped: no /usr/bin/ls for amd64");
        return;
    }
    let lines = "[source.host]\nrootfs = \"/\"\npack = { files = [\"/usr/bin/ls\"], method = \"nrv\" }\n\
                 [flavor.x]\ncommands = [\"ls\"]\n";
    let run = || {
        let options = PackingOptions { upx: Some(upx.clone()), ..PackingOptions::default() };
        Scenario { packing: options, ..Scenario::new(lines, &[]) }.run()
    };
    let outcome = run();
    outcome.is_sound(true);
    let images = outcome.images();
    let report = images[0].report.as_ref().expect("it has one");
    let packing = report.packing.as_ref().expect("it was flagged");
    let file = &packing.files["/usr/bin/ls"];
    assert!(
        file.size < file.size_before && file.interpreter.is_some() && !file.libraries.is_empty(),
        "{file:?}"
    );
    assert!(findings(&outcome).iter().all(|(broken, _)| !broken));
    assert_eq!(outcome.digests(), run().digests(), "upx gives the same bytes each time");
}
