//! The orders that the document states: which steps its words mean, and what to do when they contradict each other.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use oarlock_model::text::visible_line;

use crate::order::bits::Pairs;
use crate::order::schedule;
use crate::order::spoken::Spoken;
use crate::read::format::Manner;
use crate::rule;
use crate::step_info::gather::StepInfo;
use crate::step_info::references::{Statement, Target};
use crate::step_info::tables::Row;
use crate::text::List;
use crate::text::words::naming_stems;

/// Stated cycles that are mended one by one.
const CYCLES_MAX: usize = 20;
/// Pairs of two groups that are noted as running at once.
const BESIDE_PAIRS_MAX: usize = 10_000;
/// Steps that a warning names.
const NAMED_MAX: usize = 8;
/// Characters of an unclear name that a warning shows.
const SHOWN_CHARS_MAX: usize = 40;
/// Labels that mean a step even when no step has one.
static STEP_WORDS: List = List::new("step, phase, stage, part, component, task, subtask, sub-task, item, milestone");

/// What stands about order outside of the steps.
#[derive(Debug)]
pub(crate) struct Outside<'a> {
    /// Rows of tables of dependencies.
    pub(crate) rows: &'a [Row],
    /// Groups that the document lets run at once.
    pub(crate) side_by_side: &'a [Vec<Target>],
    /// What its sentences say.
    pub(crate) spoken: Spoken,
    /// Numbers and codes of what is ticked as done, in lower case: who needs them waits for nothing.
    pub(crate) done: &'a HashSet<String>,
}

/// What the document says about order.
#[derive(Debug)]
pub(crate) struct StatedOrder {
    /// Pairs of steps, the earlier one first.
    pub(crate) stated: BTreeSet<(usize, usize)>,
    /// Those of them that stand in for a need that no step answers to.
    pub(crate) guessed: HashSet<(usize, usize)>,
    /// Pairs that may run at once, the lower number first.
    beside: HashSet<(usize, usize)>,
    /// Steps of which the document says all that they need, "none" too.
    declared: Vec<bool>,
    /// Whether it says of all steps that they are independent.
    pub(crate) all_free: bool,
    /// What had to be left out.
    pub(crate) warnings: Vec<String>,
    /// What its sentences say.
    spoken: Spoken,
    /// All of this once it is in order.
    settled: Settled,
}

/// The pairs of steps that are asked for again and again.
#[derive(Debug, Default)]
struct Settled {
    says: Pairs,
    guesses: Pairs,
    /// The lower number first.
    beside: Pairs,
}

impl StatedOrder {
    /// Reads the statements of the steps, and those that stand elsewhere: of tables, and about groups.
    pub(crate) fn read(steps: &[StepInfo], outside: Outside<'_>, manner: Manner) -> Self {
        let Outside { rows, side_by_side, mut spoken, done } = outside;
        // What stories need besides other stories is the format's to say.
        if manner == Manner::Marked {
            spoken.declared.fill(None);
        }
        let is_stated = rule::is_on(rule::STATED);
        let declared = steps.iter().map(|step| is_stated && step.statements.declared).collect();
        let mut stated_order = Self {
            stated: BTreeSet::new(),
            guessed: HashSet::new(),
            beside: HashSet::new(),
            declared,
            all_free: false,
            warnings: Vec::new(),
            spoken: Spoken::silent(steps.len()),
            settled: Settled::default(),
        };
        let index = Index::new(steps);
        let mut unclear = BTreeMap::new();
        for (at, step) in steps.iter().enumerate() {
            // A label inside a task may number its own pieces.
            let is_own = |statement: &&Statement| step.draft.mark.numbers_inside && names_a_piece(statement);
            for statement in step.statements.list.iter().filter(|_| is_stated).filter(|statement| !is_own(statement)) {
                stated_order.take(&index, at, statement, &mut unclear);
            }
        }
        // A table may number the steps in its own way; its titles tell which ones it means.
        let of_row = |row: &Row| row.names.iter().map(|name| index.resolve(None, name)).find(|found| found.len() == 1).unwrap_or_default();
        let found: Vec<Vec<usize>> = rows.iter().map(of_row).collect();
        let number = |target: &Target| if let Target::Labelled(_, id) = target { Some(id.clone()) } else { None };
        let numbers: HashMap<String, usize> = rows
            .iter()
            .zip(&found)
            .flat_map(|(row, found)| found.iter().flat_map(move |at| row.names.iter().filter_map(number).map(move |id| (id, *at))))
            .collect();
        for (row, found) in rows.iter().zip(&found).filter(|_| rule::is_on(rule::TABLES)) {
            for at in found.iter().copied() {
                stated_order.declared[at] |= row.statements.declared;
                for statement in &row.statements.list {
                    match statement {
                        Statement::Needs(Target::Labelled(_, id)) if numbers.contains_key(id) => {
                            stated_order.stated.extend(numbers.get(id).filter(|from| **from != at).map(|from| (*from, at)));
                        }
                        _ => stated_order.take(&index, at, statement, &mut unclear),
                    }
                }
            }
        }
        unclear.retain(|_, name| !done.contains(name.rsplit(' ').next().unwrap_or(name)));
        stated_order.wait_for_all(&unclear);
        for group in side_by_side.iter().filter(|_| is_stated) {
            stated_order.all_free |= group.first() == Some(&Target::All);
            // "Phases 4 and 5 run in parallel" says nothing of the steps of one phase among themselves.
            let parts: Vec<Vec<usize>> = group.iter().map(|target| index.resolve(None, target)).collect();
            for (k, one) in parts.iter().enumerate() {
                for two in &parts[k + 1..] {
                    let pairs = one.iter().flat_map(|a| two.iter().map(move |b| (*a.min(b), *a.max(b))));
                    stated_order.beside.extend(pairs.filter(|(a, b)| a != b).take(BESIDE_PAIRS_MAX));
                }
            }
        }
        // Neighbours that are each marked "(parallel)", and the items of a phase that is.
        let mut run: Vec<usize> = Vec::new();
        for (at, step) in steps.iter().enumerate() {
            // What a format marks as parallel is bound by that format.
            let is_parallel = step.statements.parallel && step.draft.mark.group == 0;
            if !is_parallel || run.last().is_some_and(|l| steps[*l].draft.phase != step.draft.phase) {
                stated_order.set_beside(&run);
                run.clear();
            }
            if is_parallel {
                run.push(at);
            }
        }
        stated_order.set_beside(&run);
        let groups: BTreeSet<usize> = steps.iter().filter_map(|s| s.beside).collect();
        for group in groups {
            let members: Vec<usize> = (0..steps.len()).filter(|s| steps[*s].beside == Some(group)).collect();
            stated_order.set_beside(&members);
        }
        if is_stated {
            stated_order.stated.extend(&spoken.needs);
            stated_order.warnings.extend(spoken.warnings.iter().cloned());
            stated_order.spoken = spoken;
        }
        stated_order
    }

    /// Whether the document says that `to` needs `from`.
    pub(crate) fn says(&self, from: usize, to: usize) -> bool {
        self.settled.says.has(from, to)
    }

    /// Whether `to` waits for `from` because it states a need that no step answers to.
    pub(crate) fn guesses(&self, from: usize, to: usize) -> bool {
        self.settled.guesses.has(from, to)
    }

    /// Whether the document says that `from` and `to` may run at once: of both, or by leaving `from` out of all that `to` needs.
    pub(crate) fn lets_run_beside(&self, from: usize, to: usize) -> bool {
        self.declared[to] || self.settled.beside.has(from.min(to), from.max(to)) || self.spoken.leaves_out(from, to)
    }

    /// Whether it says of any steps that they may run at once.
    pub(crate) fn states_independence(&self) -> bool {
        self.all_free || !self.beside.is_empty() || !self.spoken.beside.is_empty() || self.declared.contains(&true)
    }

    /// Makes all pairs ready for being asked for; what is added later does not count.
    fn settle(&mut self, count: usize) {
        let says = self.stated.iter().copied().filter(|pair| !self.guessed.contains(pair));
        self.settled = Settled {
            says: Pairs::of(count, says),
            guesses: Pairs::of(count, self.guessed.iter().copied()),
            beside: Pairs::of(count, self.beside.iter().chain(&self.spoken.beside).copied()),
        };
    }

    fn set_beside(&mut self, members: &[usize]) {
        for (k, a) in members.iter().enumerate() {
            for b in &members[k + 1..] {
                self.beside.insert((*a.min(b), *a.max(b)));
            }
        }
    }

    /// A step that states a need which no step answers to waits for all before it; the document meant one of them.
    fn wait_for_all(&mut self, unclear: &BTreeMap<usize, String>) {
        let mut above: Option<usize> = None;
        for at in unclear.keys().copied() {
            // The unclear step above waits for all before it already.
            let from = above.filter(|a| !self.stated.contains(&(at, *a))).unwrap_or(0);
            for other in from..at {
                if !self.stated.contains(&(at, other)) && self.stated.insert((other, at)) {
                    self.guessed.insert((other, at));
                }
            }
            above = Some(at);
        }
        if unclear.is_empty() {
            return;
        }
        let shown: Vec<String> = unclear.iter().take(NAMED_MAX).map(|(at, name)| format!("step {} (\"{name}\")", at + 1)).collect();
        let more = unclear.len() - shown.len();
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        self.warnings.push(format!("no step fits what these need, so they wait for all steps before them: {}{more}", shown.join(", ")));
    }

    fn take(&mut self, index: &Index<'_>, at: usize, statement: &Statement, unclear: &mut BTreeMap<usize, String>) {
        let (Statement::Needs(target) | Statement::Mentions(target) | Statement::Before(target) | Statement::Beside(target)) = statement;
        let found = index.resolve(Some(at), target);
        if found.is_empty() && at > 0 && matches!(statement, Statement::Needs(_)) && index.means_a_step(at, target) {
            unclear.entry(at).or_insert_with(|| shown(target));
        }
        for other in found {
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
                Ok(order) => {
                    self.settle(count);
                    return order;
                }
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

/// "Step 2" inside a task whose steps are numbered from one.
fn names_a_piece(statement: &Statement) -> bool {
    let (Statement::Needs(target) | Statement::Mentions(target) | Statement::Before(target) | Statement::Beside(target)) = statement;
    matches!(target, Target::Labelled(kind, _) if kind == "step") || *target == Target::Previous
}

/// A target as a person reads it.
fn shown(target: &Target) -> String {
    let text = match target {
        Target::Labelled(kind, id) if kind.is_empty() || kind == "id" => id.clone(),
        Target::Labelled(kind, id) => format!("{kind} {id}"),
        Target::Named(name) => name.trim().to_owned(),
        Target::Previous | Target::All => String::new(),
    };
    visible_line(&text, SHOWN_CHARS_MAX)
}

/// The steps by their labels and titles, so that naming one costs the same in a long plan.
struct Index<'a> {
    steps: &'a [StepInfo],
    labels: HashMap<(&'a str, &'a str), Vec<usize>>,
    phases: HashMap<(&'a str, &'a str), Vec<usize>>,
    /// The words of their labels.
    kinds: HashSet<&'a str>,
    titles: Vec<Vec<String>>,
    /// Whether they are one list without numbers, whose n-th step "3" means.
    unnumbered: bool,
}

impl<'a> Index<'a> {
    fn new(steps: &'a [StepInfo]) -> Self {
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
        let kinds = labels.keys().chain(phases.keys()).map(|(kind, _)| *kind).collect();
        let one_list = steps.windows(2).all(|pair| pair[0].draft.phase == pair[1].draft.phase);
        let unnumbered = one_list && steps.iter().all(|s| s.draft.id.is_empty());
        Self { steps, labels, phases, kinds, titles, unnumbered }
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
        if self.unnumbered {
            let at = id.parse::<usize>().ok().and_then(|n| n.checked_sub(1));
            return at.filter(|at| *at < self.steps.len()).into_iter().collect();
        }
        let found = self.labels.get(&("", id)).map_or(&[][..], Vec::as_slice);
        if found.len() < 2 {
            return found.to_vec();
        }
        let phase = at.and_then(|a| self.steps[a].draft.phase.as_ref());
        let near: Vec<usize> = found.iter().copied().filter(|s| self.steps[*s].draft.phase.as_ref() == phase).collect();
        if near.len() == 1 { near } else { Vec::new() }
    }

    /// Whether a target that no step answers to must have meant one: not an own part of the step, and no "section 2" of
    /// another text unless a field or brackets say that it is needed.
    fn means_a_step(&self, at: usize, target: &Target) -> bool {
        let StepInfo { draft, statements, .. } = &self.steps[at];
        let Target::Labelled(kind, id) = target else {
            // "a tolerance that depends on the zoom level" tells how a program works; a field, or a step that begins so, tells what is needed.
            let begins = |name: &str| draft.title.to_lowercase().contains(name.trim());
            return matches!(target, Target::Named(name) if name.contains(char::is_alphanumeric) && (statements.declared || begins(name)));
        };
        let inner = id.parse::<usize>().is_ok_and(|n| n <= draft.items.len()) || draft.items.iter().any(|i| i.id == *id);
        let known = kind.is_empty() || STEP_WORDS.has(kind) || (kind != "id" && self.kinds.contains(kind.as_str()));
        statements.declared || (known && !inner)
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
