//! The orders that the document states: which steps its words mean, and what to do when they contradict each other.

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::facts::Fact;
use crate::refs::{Statement, Target};
use crate::schedule;
use crate::words::naming_stems;

/// Stated cycles that are mended one by one.
const CYCLES_MAX: usize = 20;

/// What the document says about order.
#[derive(Debug)]
pub(crate) struct Said {
    /// Pairs of steps, the earlier one first.
    pub(crate) stated: BTreeSet<(usize, usize)>,
    /// Pairs that may run at once, the lower number first.
    pub(crate) beside: HashSet<(usize, usize)>,
    /// What had to be left out.
    pub(crate) warnings: Vec<String>,
}

impl Said {
    /// Reads the statements of the steps, and those about groups that stand elsewhere.
    pub(crate) fn read(steps: &[Fact], side_by_side: &[Vec<Target>]) -> Self {
        let mut said = Self { stated: BTreeSet::new(), beside: HashSet::new(), warnings: Vec::new() };
        let index = Index::new(steps);
        for (at, step) in steps.iter().enumerate() {
            for statement in &step.statements.list {
                said.take(&index, at, statement);
            }
        }
        for group in side_by_side {
            let members: Vec<usize> = group.iter().flat_map(|t| index.resolve(None, t)).collect();
            said.set_beside(&members);
        }
        // Neighbours that are each marked "(parallel)", and the items of a phase that is.
        let mut run: Vec<usize> = Vec::new();
        for (at, step) in steps.iter().enumerate() {
            if !step.statements.parallel || run.last().is_some_and(|l| steps[*l].draft.phase != step.draft.phase) {
                said.set_beside(&run);
                run.clear();
            }
            if step.statements.parallel {
                run.push(at);
            }
        }
        said.set_beside(&run);
        let groups: BTreeSet<usize> = steps.iter().filter_map(|s| s.beside).collect();
        for group in groups {
            let members: Vec<usize> = (0..steps.len()).filter(|s| steps[*s].beside == Some(group)).collect();
            said.set_beside(&members);
        }
        said
    }

    fn set_beside(&mut self, members: &[usize]) {
        for (k, a) in members.iter().enumerate() {
            for b in &members[k + 1..] {
                self.beside.insert((*a.min(b), *a.max(b)));
            }
        }
    }

    fn take(&mut self, index: &Index<'_>, at: usize, statement: &Statement) {
        let (Statement::Needs(target) | Statement::Mentions(target) | Statement::Before(target) | Statement::Beside(target)) = statement;
        for other in index.resolve(Some(at), target) {
            if other == at {
                continue;
            }
            match statement {
                Statement::Beside(_) => {
                    self.beside.insert((at.min(other), at.max(other)));
                }
                Statement::Needs(_) => {
                    self.stated.insert((other, at));
                }
                Statement::Before(_) => {
                    self.stated.insert((at, other));
                }
                Statement::Mentions(_) => {
                    self.stated.insert((at.min(other), at.max(other)));
                }
            }
        }
    }

    /// The steps so that stated orders hold and all else stays in document order. Of a stated cycle one order is dropped.
    pub(crate) fn sequence(&mut self, count: usize) -> Vec<usize> {
        let mut round = 0;
        loop {
            if round == CYCLES_MAX {
                self.stated.retain(|(from, to)| from < to);
                self.warnings.push("the stated orders contradict each other; only those in document order are kept".to_owned());
            }
            round += 1;
            let mut needs = vec![Vec::new(); count];
            for (from, to) in &self.stated {
                needs[*to].push(*from);
            }
            match schedule::topological(&needs) {
                Ok(order) => return order,
                Err(cycle) => {
                    let pairs = (0..cycle.len()).map(|k| (cycle[k], cycle[(k + 1) % cycle.len()]));
                    // The order that points backwards in the document is the likelier slip.
                    let drop = pairs.max_by_key(|(from, to)| (from > to, *from)).expect("a cycle has members");
                    self.stated.remove(&drop);
                    self.warnings.push(format!(
                        "the stated orders of steps {} form a cycle; \"{} before {}\" is left out",
                        cycle.iter().map(|s| (s + 1).to_string()).collect::<Vec<_>>().join(", "),
                        drop.0 + 1,
                        drop.1 + 1
                    ));
                }
            }
        }
    }
}

/// The steps by their labels and titles, so that naming one costs the same in a long plan.
struct Index<'a> {
    steps: &'a [Fact],
    labels: HashMap<(&'a str, &'a str), Vec<usize>>,
    phases: HashMap<(&'a str, &'a str), Vec<usize>>,
    titles: Vec<Vec<String>>,
}

impl<'a> Index<'a> {
    fn new(steps: &'a [Fact]) -> Self {
        let mut labels: HashMap<_, Vec<usize>> = HashMap::new();
        let mut phases: HashMap<_, Vec<usize>> = HashMap::new();
        for (s, step) in steps.iter().enumerate() {
            let draft = &step.draft;
            labels.entry((draft.kind.as_str(), draft.id.as_str())).or_default().push(s);
            if !draft.kind.is_empty() {
                // "3" alone may mean "Step 3".
                labels.entry(("", draft.id.as_str())).or_default().push(s);
            }
            if let Some((kind, id)) = &draft.phase_label {
                phases.entry((kind.as_str(), id.as_str())).or_default().push(s);
            }
        }
        let titles = steps.iter().map(|s| naming_stems(&s.draft.title)).collect();
        Self { steps, labels, phases, titles }
    }

    /// The steps that a target names, from the view of step `at`.
    fn resolve(&self, at: Option<usize>, target: &Target) -> Vec<usize> {
        match target {
            Target::All => (0..at.unwrap_or(0)).collect(),
            Target::Previous => at.and_then(|a| a.checked_sub(1)).into_iter().collect(),
            Target::Named(name) => self.named(at, name).into_iter().collect(),
            Target::Labelled(kind, id) => self.labelled(at, kind, id),
        }
    }

    fn labelled(&self, at: Option<usize>, kind: &str, id: &str) -> Vec<usize> {
        if !kind.is_empty()
            && let Some(own) = self.labels.get(&(kind, id)).or_else(|| self.phases.get(&(kind, id)))
        {
            return own.clone();
        }
        // "Step 3" of a plain numbered list.
        if !["", "step", "item", "task", "subtask", "part"].contains(&kind) {
            return Vec::new();
        }
        let found = self.labels.get(&("", id)).map_or(&[][..], Vec::as_slice);
        if found.len() < 2 {
            return found.to_vec();
        }
        let phase = at.and_then(|a| self.steps[a].draft.phase.as_ref());
        let near: Vec<usize> = found.iter().copied().filter(|s| self.steps[*s].draft.phase.as_ref() == phase).collect();
        if near.len() == 1 { near } else { Vec::new() }
    }

    /// The step with this title, else the one that shares most of the name's words, if it is one.
    fn named(&self, at: Option<usize>, name: &str) -> Option<usize> {
        let name = name.trim_matches(|c: char| !c.is_alphanumeric());
        let others = || (0..self.steps.len()).filter(|s| Some(*s) != at);
        let exact = others().find(|s| !name.is_empty() && self.steps[*s].draft.title.eq_ignore_ascii_case(name));
        if exact.is_some() {
            return exact;
        }
        let wanted = naming_stems(name);
        let mut best = (0, None);
        for s in others() {
            let hits = wanted.iter().filter(|w| self.titles[s].contains(w)).count();
            if hits * 2 >= wanted.len() && hits > best.0 {
                best = (hits, Some(s));
            } else if hits == best.0 {
                best.1 = None;
            }
        }
        best.1
    }
}
