//! The C libraries' worlds of a closure: who lives in which, and programs that stand between them.

use std::collections::BTreeSet;

use ocelet_tree::TreePath;

use super::Problem;
use super::work::Work;
use crate::{Loaded, Text, World};

/// What one loader maps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inhabitants {
    /// The loader's rules.
    pub world: World,
    /// The programs that ask for it.
    pub programs: BTreeSet<TreePath>,
    /// The libraries that it maps, itself among them. One without a C library may be in two worlds.
    pub libraries: BTreeSet<TreePath>,
}

impl Work<'_, '_> {
    /// A program that asks for one C library's loader and was linked against the other.
    pub(super) fn check_program(&mut self, process: &Loaded) {
        let program = &process.objects[0];
        let wanted = program.binary().and_then(|binary| binary.interpreter.clone());
        if let (Some(loader), Some(linked)) = (wanted, process.stranger(&program.place)) {
            let (program, world) = (program.real().clone(), process.world);
            self.closure.problems.push(Problem::ForeignLoader { program, linked, loader, world });
        }
    }

    /// Notes in which world an object is mapped. A library that nothing ties to a world is in those of the
    /// programs that map it, a static program in none.
    pub(super) fn settle_in(&mut self, process: &Loaded, index: usize) {
        let object = &process.objects[index];
        let Some(binary) = object.binary() else { return };
        if !process.interpreted && binary.linked_against() != Some(process.world) {
            return;
        }
        let loader = Text::new(&process.environment.loader_path);
        let new =
            || Inhabitants { world: process.world, programs: BTreeSet::new(), libraries: BTreeSet::new() };
        let inhabitants = self.closure.worlds.entry(loader).or_insert_with(new);
        let kind = if binary.is_program() { &mut inhabitants.programs } else { &mut inhabitants.libraries };
        kind.insert(object.real().clone());
    }
}
