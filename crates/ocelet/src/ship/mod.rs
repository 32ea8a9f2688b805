//! The ship room: stores manifests, indexes and what is attached to them in the layout, and moves all tags of a run at once.
//!
//! It alters no byte: what the image room bound is what is stored.

use std::collections::BTreeMap;
use std::path::Path;

use ocelet_oci::{
    Annotations, Descriptor, Digest, Image, Layout, MediaType, Plan, Repository, Tag, Timestamp, artifact,
};

use crate::error::Error;
use crate::image;
use crate::recipe::{FlavorName, Platform, Recipe};

/// What stands in the layout after a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shipped {
    /// The tags, in the order of the flavors' names.
    pub tags: Vec<ShippedTag>,
    /// Tags that named something else before.
    pub replaced: Vec<String>,
}

/// One tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShippedTag {
    /// The tag.
    pub tag: String,
    /// The flavor.
    pub flavor: FlavorName,
    /// The digest of its index.
    pub digest: Digest,
}

/// A document that travels beside an image: an artifact whose subject is the image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Attachment {
    /// The media type of the document, and the artifact type of the manifest that carries it.
    pub(crate) media_type: &'static str,
    /// What clients that fetch it call the file.
    pub(crate) title: &'static str,
    /// The document.
    pub(crate) bytes: Vec<u8>,
}

/// Stores the images of every flavor with what is attached to them, and tags one index for each flavor.
///
/// # Errors
/// The layout cannot be written; then no tag has moved.
pub(crate) fn ship(
    recipe: &Recipe,
    images: &BTreeMap<FlavorName, Vec<Image>>,
    attachments: &BTreeMap<(FlavorName, Platform), Vec<Attachment>>,
    layout: &Layout,
    created: &Timestamp,
) -> Result<Shipped, Error> {
    let repository: Repository =
        recipe.image.value.as_str().parse().expect("the recipe room accepts no other image names");
    let mut plan = Plan::new(repository);
    let mut tags = Vec::new();
    for (name, images) in images {
        let flavor = &recipe.flavors[name];
        for image in images {
            layout.put_image(image).map_err(Error::Ship)?;
            let attached = attachments
                .iter()
                .filter(|((other, platform), _)| other == name && platform.to_oci() == *image.platform());
            for attachment in attached.flat_map(|(_, attachments)| attachments) {
                let document = attach(attachment, image, layout)?;
                plan = plan.referrer(&document);
            }
        }
        let index = image::index(recipe, flavor, images, created)?.document();
        let tag: Tag = flavor.tag.as_str().parse().expect("the recipe room accepts no other tags");
        tags.push(ShippedTag {
            tag: tag.as_str().to_owned(),
            flavor: name.clone(),
            digest: *index.blob().digest(),
        });
        plan = plan.tag(tag, &index);
    }
    let committed = layout.commit(&plan).map_err(Error::Ship)?;
    Ok(Shipped { tags, replaced: committed.replaced.into_iter().collect() })
}

/// Stores an attachment as an artifact whose subject is the image.
fn attach(attachment: &Attachment, image: &Image, layout: &Layout) -> Result<ocelet_oci::Document, Error> {
    let blob = layout.put_bytes(&attachment.bytes).map_err(Error::Ship)?;
    let media_type = MediaType::Other(attachment.media_type.to_owned());
    let annotations =
        Annotations::from([("org.opencontainers.image.title".to_owned(), attachment.title.to_owned())]);
    let content = Descriptor { annotations, ..Descriptor::new(media_type.clone(), &blob) };
    Ok(artifact(media_type, &image.descriptor(), vec![content], Annotations::new()))
}

/// Removes what a failed run has left in the layout. What cannot be removed is named by `verify`.
pub(crate) fn clean(output: &Path) {
    if let Ok(layout) = Layout::open(output) {
        let _ = layout.collect_garbage();
    }
}
