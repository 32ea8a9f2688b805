//! [`Clauses`]: truth values under clauses, with learning from contradictions.
//!
//! Two literals of each clause are watched; a contradiction is traced back to the first point that
//! implies it, and what was learned there is kept (the scheme of the `MiniSat` solver). It gives up after a number of
//! contradictions rather than run without bound.

/// The number of a package among those that a search is about.
pub(crate) type PackageId = u32;

/// After so many contradictions a search is given up.
const MOST_CONTRADICTIONS: usize = 50_000;

/// A package that is there, or that is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Literal(u32);

impl Literal {
    pub(crate) fn present(id: PackageId) -> Self {
        Self(id << 1)
    }

    pub(crate) fn absent(id: PackageId) -> Self {
        Self(id << 1 | 1)
    }

    fn opposite(self) -> Self {
        Self(self.0 ^ 1)
    }

    fn variable(self) -> usize {
        (self.0 >> 1) as usize
    }
}

/// What drawing all conclusions came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Settled {
    /// Nothing more follows.
    Quiet,
    /// The clauses contradict each other.
    Contradiction,
    /// There were too many contradictions on the way.
    GivenUp,
}

/// Truth values, the clauses between them, and why each value is what it is.
#[derive(Debug)]
pub(crate) struct Clauses {
    list: Vec<Vec<Literal>>,
    /// The clauses that watch a literal.
    watches: Vec<Vec<usize>>,
    values: Vec<Option<bool>>,
    levels: Vec<usize>,
    reasons: Vec<Option<usize>>,
    trail: Vec<Literal>,
    /// Where on the trail each supposition begins.
    suppositions: Vec<usize>,
    settled: usize,
    contradicted: bool,
    contradictions: usize,
}

impl Clauses {
    pub(crate) fn new(variables: usize) -> Self {
        Self {
            list: Vec::new(),
            watches: vec![Vec::new(); variables * 2],
            values: vec![None; variables],
            levels: vec![0; variables],
            reasons: vec![None; variables],
            trail: Vec::new(),
            suppositions: Vec::new(),
            settled: 0,
            contradicted: false,
            contradictions: 0,
        }
    }

    pub(crate) fn is_present(&self, id: PackageId) -> bool {
        self.values[id as usize] == Some(true)
    }

    pub(crate) fn is_open(&self, id: PackageId) -> bool {
        self.values[id as usize].is_none()
    }

    fn value(&self, literal: Literal) -> Option<bool> {
        self.values[literal.variable()].map(|value| value == (literal.0 & 1 == 0))
    }

    /// Adds a clause before anything is supposed.
    pub(crate) fn add(&mut self, clause: Vec<Literal>) {
        match clause[..] {
            [] => self.contradicted = true,
            [only] => match self.value(only) {
                None => self.set(only, None),
                Some(true) => {}
                Some(false) => self.contradicted = true,
            },
            _ => {
                self.watch(clause);
            }
        }
    }

    fn watch(&mut self, clause: Vec<Literal>) -> usize {
        let number = self.list.len();
        self.watches[clause[0].0 as usize].push(number);
        self.watches[clause[1].0 as usize].push(number);
        self.list.push(clause);
        number
    }

    fn set(&mut self, literal: Literal, reason: Option<usize>) {
        let variable = literal.variable();
        self.values[variable] = Some(literal.0 & 1 == 0);
        self.levels[variable] = self.suppositions.len();
        self.reasons[variable] = reason;
        self.trail.push(literal);
    }

    /// Supposes that a package is there.
    pub(crate) fn suppose(&mut self, id: PackageId) {
        self.suppositions.push(self.trail.len());
        self.set(Literal::present(id), None);
    }

    /// Draws every conclusion, and takes suppositions back where they contradict the clauses.
    pub(crate) fn settle(&mut self) -> Settled {
        // Values may have been set before the clauses that they bear on came in.
        while !self.contradicted {
            let Some(clause) = self.propagate() else { return Settled::Quiet };
            self.contradictions += 1;
            if self.suppositions.is_empty() {
                break;
            }
            if self.contradictions > MOST_CONTRADICTIONS {
                return Settled::GivenUp;
            }
            self.learn(clause);
        }
        self.contradicted = true;
        Settled::Contradiction
    }

    /// Draws conclusions up to the first clause that nothing satisfies any more.
    fn propagate(&mut self) -> Option<usize> {
        while let Some(literal) = self.trail.get(self.settled).copied() {
            self.settled += 1;
            let falsified = literal.opposite();
            let watching = std::mem::take(&mut self.watches[falsified.0 as usize]);
            for (at, clause) in watching.iter().copied().enumerate() {
                if self.move_watch(clause, falsified) {
                    continue;
                }
                self.watches[falsified.0 as usize].push(clause);
                let first = self.list[clause][0];
                match self.value(first) {
                    Some(true) => {}
                    None => self.set(first, Some(clause)),
                    Some(false) => {
                        self.watches[falsified.0 as usize].extend(&watching[at + 1..]);
                        return Some(clause);
                    }
                }
            }
        }
        None
    }

    /// Watches another literal in place of a false one, if there is one that is not false.
    fn move_watch(&mut self, clause: usize, falsified: Literal) -> bool {
        if self.list[clause][0] == falsified {
            self.list[clause].swap(0, 1);
        }
        let literals = &self.list[clause];
        if self.value(literals[0]) == Some(true) {
            return false;
        }
        let other = (2..literals.len()).find(|at| self.value(literals[*at]) != Some(false));
        let Some(other) = other else { return false };
        self.list[clause].swap(1, other);
        let watched = self.list[clause][1];
        self.watches[watched.0 as usize].push(clause);
        true
    }

    /// Learns from a contradiction, and goes back to where the lesson says something new.
    fn learn(&mut self, clause: usize) {
        let (lesson, level) = self.trace(clause);
        let start = self.suppositions[level];
        for literal in self.trail.drain(start..) {
            self.values[literal.variable()] = None;
        }
        self.suppositions.truncate(level);
        self.settled = self.trail.len();
        let first = lesson[0];
        let reason = (lesson.len() > 1).then(|| self.watch(lesson));
        self.set(first, reason);
    }

    /// The clause that a contradiction teaches: its first literal is the one that must change, its second one
    /// of the level to go back to; and that level.
    fn trace(&self, clause: usize) -> (Vec<Literal>, usize) {
        let now = self.suppositions.len();
        let mut seen = vec![false; self.values.len()];
        let mut lesson: Vec<Literal> = Vec::new();
        let mut open = 0;
        let mut at = self.trail.len();
        let mut blamed = clause;
        let mut skip = None;
        let pivot = loop {
            for literal in self.list[blamed].iter().filter(|literal| Some(**literal) != skip) {
                let variable = literal.variable();
                if !seen[variable] && self.levels[variable] > 0 {
                    seen[variable] = true;
                    if self.levels[variable] == now {
                        open += 1;
                    } else {
                        lesson.push(*literal);
                    }
                }
            }
            let literal = loop {
                at -= 1;
                if seen[self.trail[at].variable()] && self.levels[self.trail[at].variable()] == now {
                    break self.trail[at];
                }
            };
            open -= 1;
            if open == 0 {
                break literal;
            }
            skip = Some(literal);
            blamed =
                self.reasons[literal.variable()].expect("only the first literal of a level has no reason");
        };
        lesson.sort_by_key(|literal| std::cmp::Reverse(self.levels[literal.variable()]));
        let level = lesson.first().map_or(0, |literal| self.levels[literal.variable()]);
        lesson.insert(0, pivot.opposite());
        (lesson, level)
    }
}

#[cfg(test)]
#[path = "clauses_tests.rs"]
mod tests;
