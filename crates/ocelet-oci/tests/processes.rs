//! Two processes that tag one layout at the same time lose nothing of each other, and remove nothing that the
//! other needs.

use ocelet_oci::{
    Annotations, DiffId, Digest, ImageBuilder, ImageSource, Index, Layer, LayerKind, Layout, Plan, Severity,
    validate,
};
use std::path::Path;
use std::process::Command;

const ROUNDS: usize = 25;
const LAYOUT: &str = "OCELET_TEST_LAYOUT";
const WRITER: &str = "OCELET_TEST_WRITER";

/// Tags an image of its own and, again and again, the one that all writers fight for.
fn write(path: &Path, writer: &str) {
    for round in 0..ROUNDS {
        let layout = Layout::create_or_open(path).expect("a layout");
        let put = |content: &str| {
            let mut tar = tar::Builder::new(Vec::new());
            let mut header = tar::Header::new_ustar();
            header.set_size(content.len() as u64);
            tar.append_data(&mut header, "file", content.as_bytes()).expect("a short name");
            let tar = tar.into_inner().expect("memory");
            let blob = layout.put_bytes(&tar).expect("room");
            Layer {
                blob,
                diff_id: DiffId(Digest::of(&tar)),
                kind: LayerKind::Tar,
                annotations: Annotations::new(),
            }
        };
        // The lower layer is everyone's: one writer's tag may be the last that names it when another relies on it.
        let image = ImageBuilder::new("linux/amd64".parse().expect("known"))
            .layer(put(&format!("shared {}", round % 3)), None)
            .layer(put(&format!("{writer} {round}")), None)
            .finish()
            .expect("fits");
        layout.put_image(&image).expect("room");
        let index = Index::of_images([&image], Annotations::new()).expect("one").document();
        let plan = Plan::new("kubelet".parse().expect("a name"))
            .tag(format!("{writer}-{}", round / 5).parse().expect("a tag"), &index)
            .tag("latest".parse().expect("a tag"), &index);
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
        .flat_map(|writer| (0..ROUNDS / 5).map(move |n| format!("{writer}-{n}")))
        .collect();
    want.push("latest".to_owned());
    assert_eq!(ImageSource::of_layout(layout).expect("readable").tags(), want);
}
