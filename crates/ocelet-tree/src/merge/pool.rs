//! [`Pool`]: the entries of all sides by the place where they are wanted, until each place has one.

use std::collections::BTreeMap;

use super::{Aliases, Conflict, MergeOptions, NoPlace, Verdict, reconcile};
use crate::resolve::{Hop, LINK_LIMIT, PlaceError, place};
use crate::{Inode, Kind, LinkTarget, Name, Node, ReadError, Tree, TreePath};

/// An entry that wants a place.
#[derive(Debug, Clone)]
pub(super) struct Candidate {
    /// Which tree it comes from, in their order.
    pub(super) side: usize,
    pub(super) node: Node,
    /// Nobody declared this directory.
    pub(super) implicit: bool,
}

/// The entries of all sides by place.
pub(super) struct Pool<'options> {
    options: &'options MergeOptions,
    places: BTreeMap<TreePath, Vec<Candidate>>,
    sides: usize,
    next_inode: u64,
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

impl<'options> Pool<'options> {
    pub(super) fn new(options: &'options MergeOptions) -> Self {
        Self {
            options,
            places: BTreeMap::new(),
            sides: 0,
            next_inode: 0,
            replaced: Vec::new(),
            conflicts: Vec::new(),
        }
    }

    /// Takes in a tree, its inodes raised above those of the trees before.
    pub(super) fn take(&mut self, tree: Tree) {
        let (side, offset) = (self.sides, self.next_inode);
        self.sides += 1;
        self.next_inode = offset.saturating_add(tree.next_inode());
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
            let link = match link_among(self.options, candidates) {
                Some(link) => Ok(Some(link.clone())),
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
        let candidates = self.places.get(path).map_or(&[][..], Vec::as_slice);
        if let Some(link) = link_among(self.options, candidates) {
            return Ok(Some(Hop::of(link)));
        }
        let hops = || candidates.iter().map(|candidate| Hop::of(&candidate.node));
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
    pub(super) fn settle(self) -> Result<Tree, Vec<Conflict>> {
        let Self { options, places, next_inode, mut conflicts, .. } = self;
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

/// The link that the place will have: the preferred one. Two that nobody prefers are a conflict if they differ, and
/// then any will do that does not depend on the order of the trees.
fn link_among<'pool>(options: &MergeOptions, candidates: &'pool [Candidate]) -> Option<&'pool Node> {
    let links = candidates.iter().filter_map(|candidate| match &candidate.node.kind {
        Kind::Symlink { target } => Some((options.rank(&candidate.node), target, &candidate.node)),
        Kind::Directory | Kind::File { .. } => None,
    });
    links.min_by(|one, other| (one.0, one.1).cmp(&(other.0, other.1))).map(|(_, _, link)| link)
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
