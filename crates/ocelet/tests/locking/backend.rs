//! [`Backend`]: one small description of packages as a signed repository of either distribution, so that what means the
//! same in both is tried over both.

use ocelet::recipe::Recipe;
use ocelet_testkit::apk::{Algorithm, BuiltPackage, PackageBuilder, TestKey};
use ocelet_testkit::deb::{BuiltDeb, DebBuilder};
use ocelet_testkit::openpgp::{DAY, SIGNED};

use crate::debian;
use crate::scene::{SIGNERS, Scene, recipe};

/// Whose packages a repository has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Backend {
    Alpine,
    Debian,
}

/// Both of them.
pub(crate) const BACKENDS: [Backend; 2] = [Backend::Alpine, Backend::Debian];

/// A package of either distribution.
#[derive(Clone)]
pub(crate) struct Described {
    name: &'static str,
    version: &'static str,
    depends: Option<&'static str>,
    files: Vec<(&'static str, u32, Vec<u8>)>,
    links: Vec<(&'static str, &'static str)>,
    scripts: Vec<(&'static str, &'static str)>,
}

/// A package with one file.
pub(crate) fn described(name: &'static str, version: &'static str) -> Described {
    let (files, links, scripts) = (Vec::new(), Vec::new(), Vec::new());
    Described { name, version, depends: None, files, links, scripts }
}

impl Described {
    pub(crate) fn depends(self, name: &'static str) -> Self {
        Self { depends: Some(name), ..self }
    }

    pub(crate) fn file(mut self, path: &'static str, mode: u32, bytes: &[u8]) -> Self {
        self.files.push((path, mode, bytes.to_vec()));
        self
    }

    pub(crate) fn link(mut self, path: &'static str, to: &'static str) -> Self {
        self.links.push((path, to));
        self
    }

    /// A script by Alpine's name.
    pub(crate) fn script(mut self, name: &'static str, text: &'static str) -> Self {
        self.scripts.push((name, text));
        self
    }

    fn apk(&self) -> BuiltPackage {
        let mut builder: PackageBuilder = crate::scene::package(self.name, self.version);
        builder = self.depends.into_iter().fold(builder, PackageBuilder::depend);
        for (path, mode, bytes) in &self.files {
            builder = builder.file(path, *mode, bytes);
        }
        for (path, to) in &self.links {
            builder = builder.symlink(path, to);
        }
        self.scripts.iter().fold(builder, |builder, (name, text)| builder.script(name, text)).build(SIGNERS)
    }

    fn deb(&self) -> BuiltDeb {
        let mut builder: DebBuilder = debian::package(self.name, self.version);
        builder = self.depends.into_iter().fold(builder, DebBuilder::depends);
        for (path, mode, bytes) in &self.files {
            builder = builder.file(path, *mode, bytes);
        }
        for (path, to) in &self.links {
            builder = builder.symlink(path, to);
        }
        let scripts = self.scripts.iter();
        let named = scripts.map(|(name, text)| (Backend::Debian.script(name), text.as_bytes()));
        named.fold(builder, |builder, (name, text)| builder.control_file(name, text)).build()
    }
}

impl Backend {
    /// The name of its source in recipes.
    pub(crate) fn source(self) -> &'static str {
        match self {
            Self::Alpine => "alpine",
            Self::Debian => "debian",
        }
    }

    /// A scene with these packages in its repository.
    pub(crate) fn scene(self, packages: &[Described]) -> Scene {
        let scene = debian::scene();
        self.repository(&scene, packages);
        scene
    }

    /// The lines of a recipe that wants packages of the repository, which the first key signs.
    pub(crate) fn wanting(self, packages: &str) -> String {
        match self {
            Self::Alpine => crate::scene::wanting(packages),
            Self::Debian => {
                format!("[source.debian]\n{}\n[flavor.x]\npackages = [{packages}]\n", debian::LISTED)
            }
        }
    }

    pub(crate) fn recipe(self, packages: &str) -> Recipe {
        recipe(&self.wanting(packages))
    }

    /// What it calls a script of this name of Alpine's.
    pub(crate) fn script(self, name: &'static str) -> &'static str {
        match (self, name) {
            (Self::Debian, "pre-install") => "preinst",
            (Self::Debian, "post-install") => "postinst",
            (Self::Debian, "post-deinstall") => "postrm",
            _ => name,
        }
    }

    /// The key that signs.
    pub(crate) fn key(self) -> &'static str {
        match self {
            Self::Alpine => "keys/test-only-first.rsa.pub",
            Self::Debian => "keys/first.gpg",
        }
    }

    /// The files of the repository: the signed index, what it vouches for, and last the package `tool-1.0-r0`.
    pub(crate) fn files(self) -> &'static [&'static str] {
        match self {
            Self::Alpine => &["repo/main/x86_64/APKINDEX.tar.gz", "repo/main/x86_64/tool-1.0-r0.apk"],
            Self::Debian => &[debian::INRELEASE, debian::PACKAGES, "repo/pool/main/tool_1.0-r0_amd64.deb"],
        }
    }

    /// Writes packages and their signed index.
    pub(crate) fn repository(self, scene: &Scene, packages: &[Described]) {
        self.repository_at(scene, "", packages, 0, true);
    }

    /// Writes them below a directory, so many days later, signed by a key that is known or by another.
    pub(crate) fn repository_at(
        self,
        scene: &Scene,
        below: &str,
        packages: &[Described],
        days: u32,
        is_known: bool,
    ) {
        let time = SIGNED + days * DAY;
        match self {
            Self::Alpine => {
                let built: Vec<BuiltPackage> = packages.iter().map(Described::apk).collect();
                let signers = if is_known { SIGNERS } else { &[(TestKey::second(), Algorithm::Rsa)] };
                scene.repository_at(&format!("{below}repo/main/x86_64"), &built, time.into(), signers);
            }
            Self::Debian => {
                let built: Vec<BuiltDeb> = packages.iter().map(Described::deb).collect();
                let signer = debian::key(if is_known { 1 } else { 2 });
                let suite = debian::suite(&built).date(time).signer(&signer);
                debian::written(scene, &format!("{below}repo"), &suite);
            }
        }
    }
}
