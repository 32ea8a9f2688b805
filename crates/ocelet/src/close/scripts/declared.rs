//! [`Image`]: whether an image is already as the command of a script would have left it.

use ocelet_package::apk::Effect;
use ocelet_tree::{Kind, Node, Tree, TreePath, lookup, resolve};

use crate::close::Kept;
use crate::close::accounts::{Accounts, GROUP, PASSWD, Table};
use crate::close::error::CloseError;
use crate::close::image::ImageView;
use crate::close::text;

/// The largest file of accounts that is read, in bytes.
const LIMIT: u64 = 16 << 20;

/// What the effects of scripts are compared with.
pub(super) struct Image<'kept> {
    files: ImageView<'kept>,
    kept: &'kept Kept,
    users: Accounts,
    groups: Accounts,
}

impl<'kept> Image<'kept> {
    pub(super) fn new(kept: &'kept Kept, tree: &'kept Tree) -> Result<Self, CloseError> {
        let files = ImageView::new(kept, tree);
        let read = |path, table| {
            let text = text::read(&files, path, LIMIT)?;
            Ok::<_, CloseError>(
                text.map_or_else(Accounts::default, |text| Accounts::parse(&text.bytes, table)),
            )
        };
        let (users, groups) = (read(PASSWD, Table::Users)?, read(GROUP, Table::Groups)?);
        Ok(Self { files, kept, users, groups })
    }

    /// Whether the image is already as an effect would have left it, as far as the recipe can make it so.
    pub(super) fn is_as_wanted(&self, effect: &Effect) -> bool {
        match effect {
            Effect::AddGroup { name, gid, .. } => {
                self.groups.number(name).is_some_and(|number| gid.is_none_or(|gid| gid == number))
            }
            Effect::AddUser(user) => {
                self.users.number(&user.name).is_some_and(|number| user.uid.is_none_or(|uid| uid == number))
            }
            Effect::AddMember { user, group } => self.is_member(user, group),
            Effect::MakeDirectory { path, mode, .. } => match self.node(path) {
                Some(node) => node.is_directory() && mode.as_ref().is_none_or(|mode| has_mode(&node, mode)),
                None => false,
            },
            Effect::Symlink { path, target } => self.is_link(path, target),
            // There is nothing to change where the file is not in the image.
            Effect::ChangeOwner { path, owner, .. } => {
                self.node(path).is_none_or(|node| self.is_owned(&node, owner))
            }
            Effect::ChangeMode { path, mode, .. } => self.node(path).is_none_or(|node| has_mode(&node, mode)),
            Effect::InstallApplets { program } => self.node(program).is_none() || self.has_link_to(program),
            _ => false,
        }
    }

    /// What is at a path of a script, links followed.
    fn node(&self, path: &str) -> Option<Node> {
        let path = TreePath::new(path).ok()?;
        resolve(&self.files, &path).ok().map(|there| there.node)
    }

    fn is_member(&self, user: &str, group: &str) -> bool {
        let first = self.users.field(user, 3).map(<[u8]>::to_vec);
        let number = self.groups.field(group, 2).map(<[u8]>::to_vec);
        let members = self.groups.field(group, 3).unwrap_or_default();
        let listed = members.split(|byte| *byte == b',').any(|member| member == user.as_bytes());
        listed || (first.is_some() && first == number)
    }

    fn is_link(&self, path: &str, target: &str) -> bool {
        let Ok(path) = TreePath::new(path) else { return false };
        let points = |path: &TreePath| {
            lookup(&self.files, path).is_ok_and(|there| {
                matches!(&there.node.kind, Kind::Symlink { target: there } if there.as_bytes() == target.as_bytes())
            })
        };
        let name = target.rsplit('/').next().and_then(|name| ocelet_tree::Name::new(name).ok());
        points(&path) || name.is_some_and(|name| points(&path.join(&name)))
    }

    /// `user`, `user:group` or `:group`, by name or number.
    fn is_owned(&self, node: &Node, owner: &str) -> bool {
        let (user, group) = owner.split_once([':', '.']).unwrap_or((owner, ""));
        let is = |name: &str, accounts: &Accounts, number: u32| {
            name.is_empty() || name.parse().ok().or_else(|| accounts.number(name)) == Some(number)
        };
        is(user, &self.users, node.metadata.uid) && is(group, &self.groups, node.metadata.gid)
    }

    /// Whether at least one name of a program with many was asked for and is there.
    fn has_link_to(&self, program: &str) -> bool {
        let Ok(program) = TreePath::new(program) else { return false };
        self.kept.paths.keys().any(|path| {
            let is_link = self.files.get(path).is_some_and(|node| matches!(node.kind, Kind::Symlink { .. }));
            is_link && resolve(&self.files, path).is_ok_and(|there| there.path == program)
        })
    }
}

/// Whether something has a mode that is written in octal digits. What chmod(1) calls symbolic is not looked into.
fn has_mode(node: &Node, mode: &str) -> bool {
    u16::from_str_radix(mode, 8).is_ok_and(|mode| node.metadata.mode == mode)
}
