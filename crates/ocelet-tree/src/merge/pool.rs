//! [`Pool`]: the entries of all sides by the place where they are wanted, until each place has one.

use std::collections::BTreeMap;

use super::{Aliases, Conflict, MergeOptions, NoPlace, Verdict, reconcile};
use crate::resolve::{Hop, LINK_LIMIT, PlaceError, place};
use crate::{Inode, Kind, LinkTarget, Name, Node, ReadError, Tree, TreePath};

/// Which tree an entry comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Side {
    First,
    Second,
}

/// An entry that wants a place.
#[derive(Debug, Clone)]
pub(super) struct Candidate {
    pub(super) side: Side,
    pub(super) node: Node,
    /// Nobody declared this directory.
    pub(super) implicit: bool,
}

/// The entries of all sides by place.
#[derive(Default)]
pub(super) struct Pool {
    places: BTreeMap<TreePath, Vec<Candidate>>,
    /// Directories that gave way to a link, and what the link says.
    replaced: Vec<Replaced>,
    conflicts: Vec<Conflict>,
}

/// A directory that gave way to a link.
struct Replaced {
    path: TreePath,
    directory: Candidate,
    link: Node,
    target: LinkTarget,
}

/// What the pool is laid over: entries that stay where they are.
trait Base: Fn(&TreePath) -> Result<Option<Node>, ReadError> {}
impl<F: Fn(&TreePath) -> Result<Option<Node>, ReadError>> Base for F {}

impl Pool {
    /// Takes in a tree, its inodes raised by `offset`.
    pub(super) fn take(&mut self, tree: Tree, side: Side, offset: u64) {
        for (path, mut node, implicit) in tree.into_entries() {
            if let Kind::File { inode, .. } = &mut node.kind {
                *inode = Inode(inode.0.saturating_add(offset));
            }
            self.places.entry(path).or_default().push(Candidate { side, node, implicit });
        }
    }

    /// Moves entries to where the links above them lead, until none is below a link; a move may bring a link to a
    /// place that moves others, so this goes in rounds.
    pub(super) fn rehome(&mut self, base: impl Fn(&TreePath) -> Result<Option<Node>, ReadError>) {
        for _round in 0..=LINK_LIMIT {
            let replaced = self.give_way(&base);
            let moves = self.moves(&base);
            if !replaced && moves.is_empty() {
                return self.check_links(&base);
            }
            for (from, to) in moves {
                let candidates = self.places.remove(&from).unwrap_or_default();
                match to {
                    Ok(to) => self.places.entry(to).or_default().extend(candidates),
                    Err(why) => self.refuse(&from, &candidates, why),
                }
            }
        }
        let circling: Vec<TreePath> = self.moves(&base).into_iter().map(|(from, _)| from).collect();
        for path in circling {
            let candidates = self.places.remove(&path).unwrap_or_default();
            self.refuse(&path, &candidates, NoPlace::Circle);
        }
        self.check_links(&base);
    }

    fn refuse(&mut self, path: &TreePath, candidates: &[Candidate], why: NoPlace) {
        if let Some(first) = candidates.first() {
            self.conflicts.push(Conflict::NoPlace {
                path: path.clone(),
                owner: first.node.owner.clone(),
                why,
            });
        }
    }

    /// Takes out the directories at whose place there is a link. Whether there was any.
    fn give_way(&mut self, base: &impl Base) -> bool {
        let mut replaced = Vec::new();
        let mut unreadable = Vec::new();
        for (path, candidates) in &mut self.places {
            if !candidates.iter().any(|candidate| candidate.node.is_directory()) {
                continue;
            }
            let own = candidates.iter().find(|candidate| matches!(candidate.node.kind, Kind::Symlink { .. }));
            let link = match own {
                Some(candidate) => Ok(Some(candidate.node.clone())),
                None => base(path),
            };
            let link = match link {
                Ok(Some(link)) => link,
                Ok(None) => continue,
                Err(cause) => {
                    unreadable.push((path.clone(), cause));
                    continue;
                }
            };
            let Kind::Symlink { target } = &link.kind else { continue };
            for directory in candidates.extract_if(.., |candidate| candidate.node.is_directory()) {
                let (path, target) = (path.clone(), target.clone());
                replaced.push(Replaced { path, directory, link: link.clone(), target });
            }
        }
        for (path, cause) in unreadable {
            let candidates = self.places.remove(&path).unwrap_or_default();
            self.refuse(&path, &candidates, NoPlace::Read(cause));
        }
        self.places.retain(|_, candidates| !candidates.is_empty());
        let any = !replaced.is_empty();
        self.replaced.extend(replaced);
        any
    }

    /// Where entries have to go, and from where.
    fn moves(&self, base: &impl Base) -> Vec<(TreePath, Result<TreePath, NoPlace>)> {
        let mut moves = Vec::new();
        let mut homes: BTreeMap<TreePath, TreePath> = BTreeMap::new();
        for path in self.places.keys() {
            let (Some(parent), Some(name)) = (path.parent(), path.name()) else { continue };
            let home = match homes.get(&parent) {
                Some(home) => Ok(home.join(&name)),
                None => place(|path| self.look(base, path), path),
            };
            match home {
                Ok(home) => {
                    homes.insert(parent, home.parent().unwrap_or_else(TreePath::root));
                    if home != *path {
                        moves.push((path.clone(), Ok(home)));
                    }
                }
                Err(error) => moves.push((path.clone(), Err(error.into()))),
            }
        }
        moves
    }

    /// What is at a place: a link wins over a directory, and that over anything else, which is then a conflict
    /// of its own.
    fn look(&self, base: &impl Base, path: &TreePath) -> Result<Option<Hop>, ReadError> {
        let hops = || self.places.get(path).into_iter().flatten().map(|candidate| Hop::of(&candidate.node));
        if let Some(link) = hops().find(|hop| matches!(hop, Hop::Link(_))) {
            return Ok(Some(link));
        }
        if let Some(node) = base(path)? {
            return Ok(Some(Hop::of(&node)));
        }
        let directory = hops().find(|hop| matches!(hop, Hop::Directory));
        Ok(directory.or_else(|| hops().next()))
    }

    /// Each link that a directory gave way to must lead to a directory.
    fn check_links(&mut self, base: &impl Base) {
        let probe = Name::new("x").expect("a name");
        for replaced in std::mem::take(&mut self.replaced) {
            let Replaced { path, directory, link, target } = replaced;
            let found = match place(|path| self.look(base, path), &path.join(&probe)) {
                Ok(behind) => {
                    let there = behind.parent().unwrap_or_else(TreePath::root);
                    match self.look(base, &there) {
                        Ok(Some(Hop::Directory)) => continue,
                        _ => "not there",
                    }
                }
                Err(PlaceError::NotDirectory { .. }) => "not a directory",
                Err(PlaceError::TooManyLinks) => "a circle of links",
                Err(PlaceError::Unfollowable(_) | PlaceError::Read(_)) => "not to be followed",
            };
            let (link, directory) = (link.owner, directory.node.owner);
            self.conflicts.push(Conflict::DeadLink { path, link, target, found, directory });
        }
    }

    /// Gives each place to one entry.
    pub(super) fn settle(self, options: &MergeOptions, next_inode: u64) -> Result<Tree, Vec<Conflict>> {
        let Self { places, mut conflicts, .. } = self;
        let mut winners = Vec::with_capacity(places.len());
        let mut aliases = Aliases::new();
        for (path, mut candidates) in places {
            candidates.sort_by_key(|candidate| candidate.side);
            let mut candidates = candidates.into_iter();
            let Some(mut winner) = candidates.next() else { continue };
            for other in candidates {
                match reconcile(&path, &winner, &other, options) {
                    Ok(Verdict::Same) => alias(&mut aliases, &winner.node, &other.node),
                    Ok(Verdict::First) => {}
                    Ok(Verdict::Second) => winner = other,
                    Err(conflict) => conflicts.push(conflict),
                }
            }
            winners.push((path, winner));
        }
        if conflicts.is_empty() {
            return build(winners, &aliases, next_inode);
        }
        conflicts.sort_by(|one, other| one.path().cmp(other.path()));
        Err(conflicts)
    }
}

/// The loser's file is the winner's: what else links to it links to the winner's from now on.
fn alias(aliases: &mut Aliases, winner: &Node, loser: &Node) {
    let (Some(_), Some(lost)) = (winner.inode(), loser.inode()) else { return };
    let root = follow(aliases, winner).clone();
    if root.inode() != Some(lost) && !aliases.contains_key(&lost) {
        aliases.insert(lost, root);
    }
}

/// The file that stands for that of `node`. Ends, since an alias is only made to a file that has none.
fn follow<'node>(aliases: &'node Aliases, node: &'node Node) -> &'node Node {
    let mut node = node;
    while let Some(next) = node.inode().and_then(|inode| aliases.get(&inode)) {
        node = next;
    }
    node
}

fn build(
    winners: Vec<(TreePath, Candidate)>,
    aliases: &Aliases,
    next_inode: u64,
) -> Result<Tree, Vec<Conflict>> {
    let mut tree = Tree::new();
    let mut conflicts = Vec::new();
    for (path, Candidate { node, implicit, .. }) in winners {
        let stands = follow(aliases, &node).clone();
        let owner = node.owner.clone();
        let node = Node { owner: owner.clone(), ..stands };
        let added = if implicit { tree.add_implicit(&path, node) } else { tree.add(&path, node) };
        if let Err(cause) = added {
            conflicts.push(Conflict::NoPlace { path, owner, why: NoPlace::Tree(cause) });
        }
    }
    tree.raise_inodes(next_inode);
    if conflicts.is_empty() { Ok(tree) } else { Err(conflicts) }
}
