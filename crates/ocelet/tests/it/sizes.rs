//! What `sizes` and `diff` tell of images that were just built, and of one that another tool made.

use std::num::NonZeroUsize;

use ocelet::Silent;
use ocelet::finished::{Finished, Reference, SizedSet, diff, sizes};
use ocelet::host::{Host, Scratch};
use ocelet_testkit::rootfs::debian;

use crate::scenario::{Outcome, Scenario};

/// Opens what a scenario made.
fn with_host<T>(outcome: &Outcome, work: impl FnOnce(&Finished, &Host<'_>) -> T) -> T {
    let scratch = Scratch::new(outcome.place.path());
    let host = Host { jobs: NonZeroUsize::MIN, epoch: None, scratch: &scratch, observer: &Silent };
    let finished = Finished::open(Reference { path: outcome.layout(), tag: None }).expect("a layout");
    work(&finished, &host)
}

fn sized(outcome: &Outcome) -> SizedSet {
    with_host(outcome, |finished, host| sizes("x", finished, None, host).expect("it can be read"))
}

fn scenario(more: &str) -> Scenario {
    let lines = format!(
        "source.host.rootfs = 'root.tar'\nsource.motd = {{ text = 'hi', install = '/etc/motd' }}\n\
         flavor.a = {{ commands = ['dash'], files = ['/etc/motd'] }}\nflavor.b = {{ extends = 'a', commands = ['mount'{more}] }}\n"
    );
    Scenario::new(&lines, &[("root.tar", debian("amd64"))])
}

#[test]
fn every_byte_has_a_layer_an_owner_and_a_class() {
    let set = sized(&scenario("").run());
    assert_eq!(set.images.len(), 2);
    for image in &set.images {
        let layers: u64 = image.layers.iter().map(|layer| layer.compressed).sum();
        assert_eq!(layers, image.compressed, "{}", image.tag);
        for shares in [&image.owners, &image.classes] {
            assert_eq!(
                shares.iter().map(|share| share.extracted).sum::<u64>(),
                image.extracted,
                "{shares:?}"
            );
            let estimate: u64 = shares.iter().map(|share| share.compressed).sum();
            assert!(
                estimate <= image.compressed,
                "an estimate is a part: {estimate} of {}",
                image.compressed
            );
            assert!(shares.is_sorted_by_key(|share| std::cmp::Reverse(share.extracted)));
        }
        let names = |shares: &[ocelet::finished::Share]| -> Vec<String> {
            shares.iter().map(|share| share.name.clone()).collect()
        };
        assert_eq!(names(&image.owners), ["host", "motd"]);
        for class in ["programs", "libraries", "configuration"] {
            assert!(names(&image.classes).contains(&class.to_owned()), "{class}: {:?}", image.classes);
        }
    }
    let all: u64 = set.images.iter().map(|image| image.compressed).sum();
    assert!(set.stored < all, "flavors share layers: {} of {all}", set.stored);
}

/// Without a report the layers themselves are read.
#[test]
fn images_without_a_report_are_sized_by_their_layers() {
    let outcome = scenario("").run();
    let want = sized(&outcome);
    let archive = outcome.place.path().join("a.tar");
    let mut file = std::fs::File::create(&archive).expect("a file");
    let reference = Reference { path: outcome.layout(), tag: Some("v1-b".to_owned()) };
    let finished = Finished::open(reference).expect("a layout");
    ocelet::finished::write_archive(&finished, ocelet::finished::Archive::Oci, None, &mut file)
        .expect("written");
    drop(file);
    let foreign = Finished::open(Reference { path: archive, tag: None }).expect("an archive");
    let got = with_host(&outcome, |_, host| sizes("y", &foreign, None, host).expect("it can be read"));
    let (got, want) = (&got.images[0], &want.images[1]);
    assert_eq!((got.compressed, got.extracted), (want.compressed, want.extracted));
    assert_eq!(got.owners, []);
    let classes = |image: &ocelet::finished::ImageSizes| -> Vec<(String, usize, u64)> {
        image.classes.iter().map(|class| (class.name.clone(), class.files, class.extracted)).collect()
    };
    assert_eq!(classes(got), classes(want));
}

#[test]
fn differences_are_files_and_not_layers() {
    let before = scenario("").run();
    for (other, bytes, want) in [
        (scenario(""), "", &[][..]),
        (scenario(", 'greet'"), "", &["v1-b +/usr/bin/env", "v1-b +/usr/bin/greet"]),
        (scenario(""), "HI", &["v1-a ~/etc/motd bytes", "v1-b ~/etc/motd bytes"]),
    ] {
        let recipe =
            if bytes.is_empty() { other.recipe.clone() } else { other.recipe.replace("'hi'", "'HI'") };
        let after = Scenario { recipe, layers: Some(1), ..other }.run();
        let found = with_host(&before, |one, host| {
            with_host(&after, |other, _| diff(one, other, None, host).expect("both can be read"))
        });
        assert_eq!((found.gone.len(), found.new.len(), found.images.len()), (0, 0, 2));
        let mut said = Vec::new();
        for image in &found.images {
            for file in image.files.iter().filter(|file| file.after != Some(0)) {
                let sign = if file.before.is_none() { '+' } else { '~' };
                said.push(
                    format!("{} {sign}{} {}", image.tags.1, file.path, file.what.join(" ")).trim().to_owned(),
                );
            }
        }
        let programs: Vec<&String> = said.iter().filter(|line| !line.contains("/lib")).collect();
        assert_eq!(programs, want);
        assert_eq!(found.is_empty(), want.is_empty());
    }
}
