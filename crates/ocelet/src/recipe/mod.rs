//! What the user asked for, with the line that each wish came from.
//!
//! ```text
//! text ─ document ─┬─ variables ────────────────────────────┐
//!        (keys)    ├─ source (repository, debian, artifact) ┼─ finish ─ Recipe ─ canonical
//!                  └─ flavor (account) ─ inherit ───────────┘
//! ```
//!
//! [`parse`] turns the TOML text of a recipe into a [`Recipe`], or into all of its [`Problems`] at once: each
//! with its place, a caret, and the nearest valid name. [`schema`] describes the same keys for editors.
//!
//! What a flavor is: the union of the flavors that it `extends`, in that order, and what it adds itself; then
//! `remove` takes away. Its own word wins over an inherited one; two inherited ones that contradict each other
//! are a problem, and so is removing what is not there. Templates are expanded last, with the name of the flavor
//! that the image is made of.
//!
//! The room never touches network or disk: a path in a recipe is only text here.

mod account;
mod artifact;
mod canonical;
mod condition;
mod config;
mod debian;
mod document;
mod fields;
mod finish;
mod flavor;
mod inherit;
mod keys;
mod list;
mod location;
mod model;
mod names;
mod nearest;
mod needs;
mod pack;
mod package;
mod parse;
mod platform;
mod problem;
mod render;
mod repository;
mod schema;
mod source;
mod template;
#[cfg(test)]
mod tests;
mod tool;
mod values;
mod variables;
mod volumes;

pub use location::Location;
pub use model::{
    ApkSource, ArtifactSource, DebOrigin, DebRepository, DebSource, Directory, FileContent, FileSource,
    Flavor, Group, ImageConfig, Install, Keys, Pack, PackMethod, PackageWish, Recipe, Repository,
    RootfsSource, Source, SourceKind, Stability, User, Wish,
};
pub use names::{
    AccountName, CommandName, FlavorName, ImageName, NameError, NeedsName, PackageName, RepositoryTag,
    RuleName, SourceName, Tag, VariableName,
};
pub use nearest::{distance, nearest};
pub use package::{Constraint, PackageTerm};
pub use parse::{Context, Parsed, parse};
pub use platform::{Platform, PlatformError};
pub use problem::{At, Code, Note, Problem, Problems, Severity, Span};
pub use schema::schema;
pub use template::PlatformText;
pub use tool::Tool;
pub use variables::{Origin, Variable};
pub use volumes::{volume_commands, volume_kinds};
