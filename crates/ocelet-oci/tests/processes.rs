//! Two processes that tag one layout at the same time lose nothing of each other, and remove nothing that the
//! other needs.

use ocelet_oci::{
    Annotations, DiffId, Digest, Document, ImageBuilder, ImageSource, Index, Layer, LayerKind, Layout, Plan,
    Severity, validate,
};
use std::path::Path;
use std::process::Command;

const ROUNDS: usize = 25;
const LAYOUT: &str = "OCELET_TEST_LAYOUT";
const WRITER: &str = "OCELET_TEST_WRITER";

/// Puts an image with this in its layer.
fn index(layout: &Layout, content: &str) -> Document {
    let mut tar = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_ustar();
    header.set_size(content.len() as u64);
    tar.append_data(&mut header, "file", content.as_bytes()).expect("a short name");
    let tar = tar.into_inner().expect("memory");
    let blob = layout.put_bytes(&tar).expect("room");
    let diff_id = DiffId(Digest::of(&tar));
    let layer = Layer { blob, diff_id, kind: LayerKind::Tar, annotations: Annotations::new() };
    let platform = "linux/amd64".parse().expect("known");
    let image = ImageBuilder::new(platform).layer(layer, None).finish().expect("fits");
    layout.put_image(&image).expect("room");
    Index::of_images([&image], Annotations::new()).expect("one").document()
}

/// Tags an image of its own, once, and one of three that all writers fight for: what one of them replaces,
/// another one has just found to be there.
fn write(path: &Path, writer: &str) {
    for round in 0..ROUNDS {
        let layout = Layout::create_or_open(path).expect("a layout");
        let contested = index(&layout, &format!("contested {}", round % 3));
        let own = index(&layout, &format!("{writer} {round}"));
        let plan = Plan::new("kubelet".parse().expect("a name"))
            .tag(format!("{writer}-{round:02}").parse().expect("a tag"), &own)
            .tag("latest".parse().expect("a tag"), &contested);
        layout.commit(&plan).expect("nothing is missing");
    }
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "the test starts itself again, and tells the second one where to write"
)]
fn two_processes_lose_nothing() {
    if let (Some(layout), Ok(writer)) = (std::env::var_os(LAYOUT), std::env::var(WRITER)) {
        return write(Path::new(&layout), &writer);
    }
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("layout");
    let this = std::env::current_exe().expect("it runs");
    let writers = ["a", "b", "c"].map(|writer| {
        let mut child = Command::new(&this);
        child.args(["--exact", "two_processes_lose_nothing"]).env(LAYOUT, &path).env(WRITER, writer);
        child.spawn().expect("it was started once already")
    });
    for mut writer in writers {
        assert!(writer.wait().expect("it ends").success());
    }
    let layout = Layout::open(&path).expect("a layout");
    let garbage = layout.collect_garbage().expect("nobody else is there");
    assert_eq!(garbage.kept, None);
    let problems = validate(&layout);
    let errors: Vec<_> = problems.iter().filter(|problem| problem.severity == Severity::Error).collect();
    assert!(errors.is_empty(), "{errors:?}");
    assert!(!problems.iter().any(|problem| problem.to_string().contains("named by nothing")));
    let mut want: Vec<String> = ["a", "b", "c"]
        .iter()
        .flat_map(|writer| (0..ROUNDS).map(move |round| format!("{writer}-{round:02}")))
        .collect();
    want.push("latest".to_owned());
    assert_eq!(ImageSource::of_layout(layout).expect("readable").tags(), want);
}
