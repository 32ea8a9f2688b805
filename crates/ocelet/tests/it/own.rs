//! What flavors have alone, through the whole hallway: accounts and package databases lie in layers of their own,
//! reports and bills of materials tell of them, and images without any have none of it.

use ocelet::finished::{self, FinishedImage};
use ocelet::report::sbom::{Format, SPDX_TYPE};
use ocelet_oci::ImageSource;
use ocelet_testkit::scanner::scan;

use crate::scenario::{Scenario, check, image, path};

const ROOT: &str = "\
/bin/sh = sh
/etc/motd = hello
/etc/passwd = root:x:0:0:::\\n
/etc/os-release = ID=alpine\\nVERSION_ID=3.22.1\\n
/lib/apk/db/installed = C:Q1LxBvJ/ofKKik4CrrENc7ePnJsko=\\nP:busybox\\nV:1\\nA:x86_64\\nL:GPL-2.0-only\\nF:bin\\nR:sh\\nF:etc\\nR:motd\\n\\n
/etc/apk/world = busybox\\n";

const RECIPE: &str = "\
[source.alpine]
rootfs = 'alpine.tar'
[flavor.plain]
files = ['/etc/os-release']
[flavor.shell]
files = ['/bin/sh']
[flavor.kube]
extends = 'shell'
users = [{ name = 'kube', uid = 1000 }]
groups = [{ name = 'kube', gid = 1000 }]
[flavor.same]
extends = 'shell'
directories = ['/same']
";

fn scenario() -> Scenario {
    Scenario::new(RECIPE, &[("alpine.tar", ROOT.to_owned())])
}

#[test]
fn own_files_are_in_images_and_reports() {
    let outcome = check(
        "own files",
        &scenario(),
        "v1-kube linux/amd64
        /bin/sh file 0644 2 0:0 alpine 1
        /etc/apk/world file 0644 8 0:0 ocelet 2
        /etc/group file 0644 13 0:0 ocelet 2
        /etc/os-release file 0644 28 0:0 alpine 0
        /etc/passwd file 0644 48 0:0 ocelet 2
        /lib/apk/db/installed file 0644 103 0:0 ocelet 2
        /lib/apk/db/scripts.tar file 0644 1024 0:0 ocelet 2
        /lib/apk/db/triggers file 0644 0 0:0 ocelet 2
        v1-plain linux/amd64
        /etc/os-release file 0644 28 0:0 alpine 0
        v1-same linux/amd64
        /bin/sh file 0644 2 0:0 alpine 1
        /etc/apk/world file 0644 8 0:0 ocelet 3
        /etc/os-release file 0644 28 0:0 alpine 0
        /lib/apk/db/installed file 0644 103 0:0 ocelet 3
        /lib/apk/db/scripts.tar file 0644 1024 0:0 ocelet 3
        /lib/apk/db/triggers file 0644 0 0:0 ocelet 3
        /same dir 0755 - 0:0 recipe 2
        v1-shell linux/amd64
        /bin/sh file 0644 2 0:0 alpine 1
        /etc/apk/world file 0644 8 0:0 ocelet 2
        /etc/os-release file 0644 28 0:0 alpine 0
        /lib/apk/db/installed file 0644 103 0:0 ocelet 2
        /lib/apk/db/scripts.tar file 0644 1024 0:0 ocelet 2
        /lib/apk/db/triggers file 0644 0 0:0 ocelet 2",
    );
    let images = outcome.images();
    let tree = outcome.tree(image(&images, "v1-kube"));
    let text = |place: &str| {
        let node = tree.get(&path(place)).expect("there");
        let bytes = node.content().expect("a file").bytes().expect("in memory");
        String::from_utf8(bytes.to_vec()).expect("text")
    };
    assert_eq!(text("/etc/passwd"), "root:x:0:0:::\nkube:x:1000:1000::/:/sbin/nologin\n");
    assert!(
        text("/lib/apk/db/installed").ends_with("\nF:bin\nR:sh\nF:etc\n\n"),
        "the other file is not listed"
    );
}

/// What scanners see in each image is what the report says, and what the database lists is there.
#[test]
fn scanners_see_the_packages_that_an_image_has() {
    let outcome = scenario().run();
    for image in &outcome.images() {
        let (tree, report) = (outcome.tree(image), image.report.as_ref().expect("a report"));
        let scanned = scan(&tree);
        let tag = report.tag.as_str();
        let reported: Vec<String> =
            report.packages.values().map(|package| format!("{} {}", package.name, package.version)).collect();
        assert_eq!(scanned.names(), reported, "{tag}");
        let wanted: &[&str] = if tag == "v1-plain" { &[] } else { &["busybox 1"] };
        assert_eq!(scanned.names(), wanted, "{tag}");
        assert_eq!(scanned.missed, Vec::<String>::new(), "{tag}");
        assert_eq!(scanned.untrue(&tree), Vec::<String>::new(), "{tag}");
        let distribution = scanned.distribution.expect("known");
        assert_eq!(
            (distribution.family.as_str(), distribution.version.as_str()),
            ("alpine", "3.22.1"),
            "{tag}"
        );
    }
}

fn referrers(image: &FinishedImage, source: &ImageSource) -> Vec<(String, Vec<u8>)> {
    let manifest = image.manifest.as_ref().expect("a layout has manifests");
    let all = source.referrers(&manifest.digest).expect("a layout");
    let one = |descriptor| {
        let artifact = source.manifest(descriptor).expect("it was just written");
        let bytes = source.document(&artifact.layers[0]).expect("it was just written").into_bytes();
        (artifact.artifact_type.expect("artifacts have a type").to_string(), bytes)
    };
    all.iter().map(one).collect()
}

#[test]
fn bills_of_materials_travel_with_images_that_have_packages() {
    let outcome = scenario().run();
    let (finished, images) = (outcome.finished(), outcome.images());
    let shell = image(&images, "v1-shell");
    let attached = referrers(shell, finished.source());
    let bill: Vec<&Vec<u8>> =
        attached.iter().filter(|(kind, _)| kind == SPDX_TYPE).map(|(_, bytes)| bytes).collect();
    assert_eq!(attached.len(), 2, "the report and the bill");
    let made = finished::sbom(shell, Format::Spdx).expect("it has a report");
    assert_eq!(bill, [&made], "the command prints what was attached");
    let text = String::from_utf8(made).expect("text");
    for part in
        ["pkg:apk/alpine/busybox@1?arch=x86_64&distro=alpine-3.22.1", "\"licenseDeclared\":\"GPL-2.0-only\""]
    {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert_eq!(
        referrers(image(&images, "v1-plain"), finished.source()).len(),
        1,
        "nothing is known of packages"
    );
    let report = shell.report.as_ref().expect("a report");
    let package = &report.packages["alpine/busybox-1"];
    assert_eq!((package.kind.as_str(), package.files, package.sha256.as_ref()), ("apk", 1, None));
    let chain = report.chain(&path("/lib/apk/db/installed")).expect("it has a reason");
    assert_eq!(chain.links[0].because.kind, "generated");
    let shown = finished::inspect(std::slice::from_ref(shell)).to_string();
    assert!(shown.contains("\"busybox\"") && shown.contains("3.22.1"), "{shown}");
}

#[test]
fn flavors_with_the_same_own_files_share_the_bytes() {
    let outcome = scenario().run();
    let images = outcome.images();
    let own = |tag: &str| {
        let report = image(&images, tag).report.as_ref().expect("a report");
        report.layers[report.files["/lib/apk/db/installed"].layer].digest.clone()
    };
    assert_eq!(own("v1-shell"), own("v1-same"), "stored once");
    assert_ne!(own("v1-shell"), own("v1-kube"), "it has accounts beside the database");
    for layers in [1, 2] {
        let outcome = Scenario { layers: Some(layers), ..scenario() }.run();
        outcome.is_sound(true);
        assert!(outcome.images().iter().all(|image| image.image.layers.len() <= layers), "{layers}");
    }
}
