//! What flavors have alone: accounts, package databases, un-run scripts. A world is root file systems and packages in
//! memory, closed for the flavors of a recipe.

mod accounts;
mod debian;
mod packages;
mod real;
mod scripts;
mod unfit;

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::Mutex;

use ocelet_oci::Digest;
use ocelet_package::apk;
use ocelet_testkit::apk::{Algorithm, PackageBuilder, TestKey};
use ocelet_testkit::rootfs;
use ocelet_tree::{MergeOptions, Node, Owner, Tree, TreePath};

use super::*;
use crate::event::{Event, Observer};
use crate::host::{Host, Scratch};
use crate::recipe::{Context, parse};
use crate::unpack::{ApkInstalled, Installed, Packaged, Unpacked};

/// What flavors are closed in.
#[derive(Default)]
struct World {
    trees: Vec<Tree>,
    packages: BTreeMap<Owner, Packaged>,
    /// Links that stand in for what scripts would have linked.
    declared: BTreeMap<TreePath, String>,
    /// The lines of the recipe after its head: flavors.
    recipe: String,
}

/// What came of it.
struct Outcome {
    closed: Result<Closed, CloseError>,
    warnings: Vec<String>,
}

#[derive(Default)]
struct Heard(Mutex<Vec<String>>);

impl Observer for Heard {
    fn observe(&self, event: &Event<'_>) {
        if let Event::Warning { message } = event {
            self.0.lock().expect("no holder panics").push((*message).to_owned());
        }
    }
}

fn path(text: &str) -> TreePath {
    TreePath::new(text).expect("a path")
}

impl World {
    fn new(recipe: &str) -> Self {
        Self { recipe: recipe.to_owned(), ..Self::default() }
    }

    /// A root file system, as [`rootfs::tree`] reads it, whose source is named `base`.
    fn rootfs(mut self, text: &str) -> Self {
        let described = rootfs::tree(text);
        let blob = ocelet_tree::Blob::from_bytes("base", rootfs::tar_bytes(&described));
        let options = ocelet_tree::tar_in::Options::default();
        let read = ocelet_tree::tar_in::read_blob(&blob, &Owner::new("base"), &options).expect("a tarball");
        self.trees.push(read.tree);
        self
    }

    /// A package of the source `alpine`, built and unpacked as a real one.
    fn package(self, builder: &PackageBuilder) -> Self {
        let built = builder.build(&[(TestKey::first(), Algorithm::Rsa256)]);
        self.unpacked(&built.file, &Digest::of(&built.file))
    }

    fn unpacked(mut self, file: &[u8], sha256: &Digest) -> Self {
        let pinned = <[u8; 32]>::try_from(bytes_of(&sha256.hex())).expect("a sha256");
        let package = apk::Archive::open("package", file)
            .and_then(|archive| archive.verify_digest(pinned))
            .expect("a package")
            .unpack(apk::DATA_LIMIT)
            .expect("what was just built");
        let control = package.control().clone();
        let owner = Owner::new(format!("alpine/{}-{}", control.info.name, control.info.version));
        let contents = package.contents(&owner).expect("files");
        let record = apk::Record::of(&control);
        let packaged = Packaged {
            source: "alpine".to_owned(),
            name: control.info.name.clone(),
            version: control.info.version.clone(),
            license: control.info.license.clone(),
            description: control.info.description.clone(),
            sha256: *sha256,
            size: file.len() as u64,
            location: format!("https://example.org/{}.apk", control.info.name),
            installed: Some(Box::new(Installed::Apk(ApkInstalled {
                package: apk::Installed::of(record, &control, &contents),
                scripts: apk::Installed::scripts(&control),
                triggers: control.info.triggers.clone(),
            }))),
        };
        self.trees.push(contents.tree);
        self.packages.insert(owner, packaged);
        self
    }

    /// An artifact of one file, of the source `kubelet`.
    fn artifact(mut self, place: &str) -> Self {
        let owner = Owner::new("kubelet");
        let mut tree = Tree::new();
        let content = ocelet_tree::Content::from_bytes("artifact", b"artifact".to_vec());
        tree.add_file(&path(place), content, ocelet_tree::Metadata::root_owned(0o755), &owner).expect("new");
        self.trees.push(tree);
        let packaged = Packaged {
            source: "kubelet".to_owned(),
            name: "kubelet".to_owned(),
            version: String::new(),
            license: String::new(),
            description: String::new(),
            sha256: Digest::of(b"artifact"),
            size: 8,
            location: "https://example.org/kubelet".to_owned(),
            installed: None,
        };
        self.packages.insert(owner, packaged);
        self
    }

    fn close(self) -> Outcome {
        let text = format!(
            "image = 'x'\nplatforms = ['linux/amd64']\ntag = 'v1{{-flavor}}'\n\
             [source.alpine]\napk = ['/m']\nkeys = 'alpine'\n{}",
            self.recipe
        );
        let context = Context::default();
        let recipe = parse(&text, &context)
            .unwrap_or_else(|problems| panic!("{}", problems.render("r", &text)))
            .recipe;
        let tree = Tree::merge_all(self.trees, &MergeOptions::default()).expect("no conflicts");
        let mut unpacked = Unpacked::of(tree, self.packages);
        unpacked.declared = self.declared;
        let heard = Heard::default();
        let scratch = Scratch::new(std::env::temp_dir());
        let host = Host { jobs: NonZeroUsize::MIN, epoch: None, scratch: &scratch, observer: &heard };
        let platform = recipe.platforms[0].value.clone();
        let closed = close(&recipe, &platform, &unpacked, &crate::rules(), 1, &host);
        Outcome { closed, warnings: heard.0.into_inner().expect("no holder panics") }
    }
}

fn bytes_of(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).expect("digits")).collect()
}

impl Outcome {
    fn closed(&self) -> &Closed {
        self.closed.as_ref().unwrap_or_else(|error| panic!("{}", crate::error::sentence(error)))
    }

    fn kept(&self, flavor: &str) -> &Kept {
        &self.closed().flavors[flavor]
    }

    fn node(&self, flavor: &str, place: &str) -> Option<&Node> {
        let kept = self.kept(flavor);
        self.closed().node(kept, &path(place)).filter(|_| kept.paths.contains_key(&path(place)))
    }

    /// The text of a file of a flavor.
    fn text(&self, flavor: &str, place: &str) -> String {
        let node = self.node(flavor, place).unwrap_or_else(|| panic!("no {place} in {flavor}"));
        let bytes = node.content().expect("a file").bytes().expect("in memory");
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// The names of the packages in a flavor's database with their files.
    fn database(&self, flavor: &str) -> Vec<String> {
        let database = self.text(flavor, "/lib/apk/db/installed");
        let database = apk::Database::parse(database.as_bytes()).expect("a database");
        let shown = database.packages.iter().map(|package| {
            let files: Vec<String> = package.files().map(|path| path.to_string()).collect();
            format!("{}: {}", package.record.name, files.join(" "))
        });
        shown.collect()
    }

    /// Every own file is among the paths, with a reason, and is what the flavor has there.
    fn check_own(&self) {
        let closed = self.closed();
        for kept in closed.flavors.values() {
            for (place, node) in kept.own.iter().filter(|(_, node)| !node.is_directory()) {
                assert!(!kept.paths[place].is_empty(), "{place} has a reason");
                let there = closed.node(kept, place).and_then(Node::content).expect("a file");
                assert!(there.same_bytes(node.content().expect("a file")).expect("in memory"), "{place}");
            }
        }
    }
}
