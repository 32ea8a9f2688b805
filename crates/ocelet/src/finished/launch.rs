//! A finished image as something that is started: what a launch goes by, and the directory that is copied to a host.
//!
//! It refuses what cannot be laid out: a file that the image does not have, a directory that is there already.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use ocelet_launch::{FromImage, Image, Launch, LaunchFile, Release};
use ocelet_tree::{
    Content, Inode, InsertError, Kind, Metadata, Owner, PathError, ResolveError, Tree, TreePath, resolve,
};

use super::flatten::tree;
use super::reference::{Finished, FinishedImage};
use crate::close::DEFAULT_PATH;
use crate::exit::ExitClass;
use crate::host::{Host, LaidOut, LayOutError, lay_out};
use crate::unpack::UnpackError;

/// Who brings the files that are made here.
const OWNER: &str = "launch";

/// Why what starts an image cannot be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LaunchError {
    /// A layer is damaged.
    #[error(transparent)]
    Unpack(#[from] UnpackError),
    /// The directory cannot be written.
    #[error(transparent)]
    LayOut(#[from] LayOutError),
    /// A file of the image leads nowhere.
    #[error("the image has no file {path} that could be copied")]
    Absent {
        /// The path in the image.
        path: String,
        /// Why.
        #[source]
        cause: Box<ResolveError>,
    },
    /// Something of the image cannot be a file of a directory.
    #[error("{path} cannot be a file of the directory")]
    Path {
        /// The path.
        path: String,
        /// Why.
        #[source]
        cause: PathError,
    },
    /// Two files at one place.
    #[error(transparent)]
    Insert(#[from] InsertError),
}

impl LaunchError {
    /// What kind of end it is.
    pub fn class(&self) -> ExitClass {
        match self {
            Self::Unpack(error) => error.class(),
            Self::LayOut(LayOutError::Occupied { .. } | LayOutError::NoName { .. }) => ExitClass::Usage,
            _ => ExitClass::Failed,
        }
    }
}

/// What a launch goes by: the image's name, version, programs and files. They are read from the report, where ocelet built the
/// image, and from the layers otherwise.
///
/// # Errors
/// There is no report, and a layer is damaged.
pub fn launched(image: &FinishedImage, finished: &Finished, host: &Host<'_>) -> Result<Image, UnpackError> {
    let config = &image.image.config.config;
    let paths = paths(image, finished, host)?;
    let path = config.env.iter().find_map(|line| line.strip_prefix("PATH=")).unwrap_or(DEFAULT_PATH);
    let directories: BTreeSet<&str> = path.split(':').collect();
    let commands = paths.iter().filter_map(|path| {
        let (directory, name) = path.rsplit_once('/')?;
        directories.contains(directory).then(|| name.to_owned())
    });
    Ok(Image {
        name: format!("localhost/{}", name(image, finished)),
        tag: image.tag.clone(),
        archived_as: image.image.name.clone().filter(|name| name.contains(':')),
        release: release(image),
        platform: image.platform.to_string(),
        commands: Some(commands.collect()),
        environment: config.env.clone(),
        loaders: loaders(image),
        paths,
    })
}

/// The files and links of an image.
fn paths(
    image: &FinishedImage,
    finished: &Finished,
    host: &Host<'_>,
) -> Result<BTreeSet<String>, UnpackError> {
    if let Some(report) = &image.report {
        let files = report.files.iter().filter(|(_, file)| file.kind != "directory");
        return Ok(files.map(|(path, _)| path.clone()).collect());
    }
    let tree = tree(image, finished.path(), host)?;
    Ok(tree.iter().filter(|(_, node)| !node.is_directory()).map(|(path, _)| path.to_string()).collect())
}

/// The loaders of programs, where ocelet said them when it built the image.
fn loaders(image: &FinishedImage) -> BTreeMap<String, String> {
    let worlds = image.report.iter().flat_map(|report| &report.worlds);
    let programs =
        worlds.flat_map(|(loader, world)| world.programs.iter().map(move |program| (program, loader)));
    let name = |path: &str| path.rsplit_once('/').map_or(path, |(_, name)| name).to_owned();
    programs.map(|(program, loader)| (name(program), loader.clone())).collect()
}

/// The image's own name, or that of the layout or archive, as container runtimes take names.
fn name(image: &FinishedImage, finished: &Finished) -> String {
    let own = image.report.as_ref().map(|report| report.image.clone());
    let place = || finished.path().file_stem().map(|name| name.to_string_lossy().into_owned());
    let name = own.or_else(place).unwrap_or_default().to_ascii_lowercase();
    let kept: String = name.chars().map(|one| if one.is_ascii_alphanumeric() { one } else { '-' }).collect();
    let kept = kept.trim_matches('-');
    if kept.is_empty() { "image".to_owned() } else { kept.to_owned() }
}

/// The release of Kubernetes that the label or the tag names; another product's version is none.
fn release(image: &FinishedImage) -> Option<Release> {
    let label = image.image.config.config.labels.get("org.opencontainers.image.version");
    let known = Release::new(1, 0)..Release::new(2, 0);
    label
        .into_iter()
        .chain(&image.tag)
        .filter_map(|text| text.parse().ok())
        .find(|release| known.contains(release))
}

/// Writes the directory that is copied to a host: the files of a launch, and what of the image belongs to them. Returns how many
/// entries there are.
///
/// # Errors
/// A layer is damaged, or the directory cannot be written; then it is not there.
pub fn lay_out_launch(
    launch: &Launch,
    image: &FinishedImage,
    finished: &Finished,
    to: &Path,
    host: &Host<'_>,
) -> Result<LaidOut, LaunchError> {
    let mut whole = Tree::new();
    let mtime = host.epoch.unwrap_or(0);
    whole.add_directory(
        &TreePath::root(),
        Metadata { mtime, ..Metadata::root_owned(0o755) },
        &Owner::new(OWNER),
    )?;
    match &launch.from_image {
        FromImage::Nothing => {}
        FromImage::Whole { to } => graft(&mut whole, &path(to)?, &tree(image, finished.path(), host)?)?,
        FromImage::Files(files) => {
            let tree = tree(image, finished.path(), host)?;
            for (from, to) in files {
                copy(&mut whole, &tree, from, &path(to)?)?;
            }
        }
    }
    for file in &launch.files {
        add(&mut whole, file, mtime)?;
    }
    Ok(lay_out(&whole, to)?)
}

fn path(text: &str) -> Result<TreePath, LaunchError> {
    TreePath::from_readable(&format!("/{text}"))
        .map_err(|cause| LaunchError::Path { path: text.to_owned(), cause })
}

/// A file that is made here.
fn add(tree: &mut Tree, file: &LaunchFile, mtime: i64) -> Result<(), LaunchError> {
    let mode = if file.is_program { 0o755 } else { 0o644 };
    let content = Content::from_bytes(file.path.clone(), file.text.clone().into_bytes());
    let metadata = Metadata { mtime, ..Metadata::root_owned(mode) };
    Ok(tree.add_file(&path(&file.path)?, content, metadata, &Owner::new(OWNER))?)
}

/// A file of the image at another place; of a link, what it leads to.
fn copy(whole: &mut Tree, tree: &Tree, from: &str, to: &TreePath) -> Result<(), LaunchError> {
    let wanted =
        TreePath::from_readable(from).map_err(|cause| LaunchError::Path { path: from.to_owned(), cause })?;
    let there = resolve(tree, &wanted)
        .map_err(|cause| LaunchError::Absent { path: from.to_owned(), cause: Box::new(cause) })?;
    if let Kind::File { content, .. } = &there.node.kind {
        whole.add_file(to, content.clone(), there.node.metadata.clone(), &there.node.owner)?;
    }
    Ok(())
}

/// All of a tree below a directory of another one.
fn graft(whole: &mut Tree, at: &TreePath, tree: &Tree) -> Result<(), InsertError> {
    let root = tree.get(&TreePath::root()).expect("every tree has a root");
    whole.add_directory(at, root.metadata.clone(), &root.owner)?;
    let mut first: BTreeMap<Inode, TreePath> = BTreeMap::new();
    for (path, node) in tree.iter() {
        let to = at.descend(path);
        let (metadata, owner) = (node.metadata.clone(), &node.owner);
        match &node.kind {
            Kind::Directory => whole.add_directory(&to, metadata, owner)?,
            Kind::Symlink { target } => whole.add_symlink(&to, target.clone(), metadata, owner)?,
            Kind::File { content, inode } => {
                if let Some(other) = first.get(inode) {
                    whole.add_hard_link(&to, other, owner)?;
                } else {
                    whole.add_file(&to, content.clone(), metadata, owner)?;
                    first.insert(*inode, to);
                }
            }
        }
    }
    Ok(())
}
