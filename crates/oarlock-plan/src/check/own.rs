//! A given plan that names steps of its own and what each of them needs: it is checked against the document, the orders that the document states
//! are added to it, and grouping, verdict and schedule are worked out as for any other plan.

use std::collections::{BTreeSet, HashMap};

use oarlock_model::pattern::Pattern;
use serde_json::Value;

use crate::check::details;
use crate::check::given::{LeftOut, Own, Reader};
use crate::check::problem::{PROBLEMS_MAX, Problem, Problems};
use crate::order::depend::BY_FORMAT;
use crate::order::schedule;
use crate::parts::group;
use crate::parts::interpretation::MINUTES_DEFAULT;
use crate::parts::lost;
use crate::parts::options::Options;
use crate::parts::split::{STATED_CONFIDENCE, advice, gains_too_little, put_parts};
use crate::plan::{Conflict, Edge, Plan, Step};
use crate::read::document::Document;
use crate::read::draft::Draft;
use crate::read::sections;
use crate::step_info::overlap::{Id, Table};
use crate::task_text::split;

/// Confidence of an order that the plan states.
const GIVEN_CONFIDENCE: f64 = 0.9;

/// How the reason of an order begins that rests on a shared file alone: it may as well be turned round.
pub(crate) const SAME_FILE: &str = "writes ";

/// Most pairs of groups that are put in order.
const GATES_MAX: usize = 2_000;

/// Confidence of an order between groups of which one needs a step of the other.
const GROUP_CONFIDENCE: f64 = 0.8;

/// Orders of a cycle that a message names.
const CYCLE_SHOWN: usize = 12;

/// Why a plan that has passed over work is not split.
const LOST: &str = "items of the work are in no step; see the warnings for their lines";

/// Why a plan without steps is not.
const NOTHING_OPEN: &str = "the plan has no steps: there is no open work";

/// Most pairs of patterns that are compared.
const COMPARED_MAX: usize = 20_000_000;

/// Whether a given plan has steps of its own and leaves the parts to be made.
pub(crate) fn is_own(value: &Value) -> bool {
    value.get("needs").is_some() && value.get("subtasks").is_none()
}

/// Completes such a plan.
pub(crate) fn complete(value: &Value, document: Option<&str>, options: &Options, known: &[String]) -> Result<Plan, Vec<Problem>> {
    let mut problems = Problems::default();
    let Own { mut steps, needs: given, left_out } = Reader { problems: &mut problems, options, known }.own(value);
    check_steps(&steps, document, &mut problems);
    check_left_out(&steps, &left_out, document, &mut problems);
    if !problems.list.is_empty() {
        return Err(problems.list);
    }
    let read = document.and_then(|document| Document::read(document).ok());
    if let Some(read) = &read {
        details::add(&mut steps, left_out.iter().map(|left| left.lines), read);
    }
    let mut plan = Plan { task: options.task.clone(), planner: "given".to_owned(), steps, ..Plan::default() };
    let mut orders = Orders { needs: vec![Vec::new(); plan.steps.len()], edges: Vec::new() };
    for (from, to, why) in given {
        orders.add(from - 1, to - 1, why, GIVEN_CONFIDENCE);
    }
    let mut lost_items = Vec::new();
    if let Some(document) = document {
        match split(document, options) {
            Ok(rules) => {
                add_stated(&rules, &plan.steps, &mut orders);
                plan.format = rules.format;
            }
            Err(error) => problems.add("document", error.to_string(), None),
        }
        lost_items = lost(document, &plan.steps, &left_out);
        plan.warnings.extend(lost_items.iter().cloned());
        plan.warnings.extend(left_out.iter().take(PROBLEMS_MAX).map(LeftOut::warning));
    }
    if plan.steps.is_empty() && problems.list.is_empty() {
        plan.reason = Some(lost_items.first().map_or(NOTHING_OPEN, |_| LOST).to_owned());
        return Ok(plan);
    }
    let order = match schedule::topological(&orders.needs) {
        Ok(order) => order,
        Err(cycle) => {
            problems.add(
                "needs",
                orders.in_words(&cycle),
                Some("orders that the document states stay; correct or remove one of the others"),
            );
            return Err(problems.list);
        }
    };
    keep_writers_apart(&mut plan, &mut orders, &order, &mut problems);
    if !problems.list.is_empty() {
        return Err(problems.list);
    }
    let order = schedule::topological(&orders.needs).expect("writers are put in an order that is there");
    let needs = group::reduced(&orders.needs, &order);
    let minutes = minutes(&plan.steps, read.as_ref().and_then(sections::total_minutes));
    let cut = group::cut(&needs, &minutes, options.agents, options.subtasks_max.unwrap_or(usize::MAX));
    plan.edges = orders.edges;
    plan.edges.sort_by_key(|edge| (edge.to, edge.from));
    plan.reason = if lost_items.is_empty() {
        let serial = minutes.iter().fold(0_u64, |a, b| a.saturating_add(*b));
        let too_small = options.floor.and_then(|floor| floor.refuses(document?, plan.steps.len(), serial));
        too_small.or_else(|| gains_too_little(&cut, &minutes, options.agents))
    } else {
        Some(LOST.to_owned())
    };
    plan.parallelizable = plan.reason.is_none();
    let cut = if plan.parallelizable { cut } else { group::whole(plan.steps.len()) };
    put_parts(&mut plan, &cut, &minutes, options);
    plan.advice = advice(&needs, !plan.conflicts.is_empty(), &minutes, plan.parallelizable, options);
    Ok(plan)
}

/// Minutes of each step: its own, its share of what the document states for all of the work, the mean of the others, or the default.
fn minutes(steps: &[Step], total: Option<u64>) -> Vec<u64> {
    let stated: Vec<u64> = steps.iter().filter_map(|step| step.estimate_minutes).collect();
    let known = stated.iter().fold(0_u64, |a, b| a.saturating_add(*b));
    let count = |steps: usize| u64::try_from(steps).unwrap_or(u64::MAX).max(1);
    let unknown = steps.len() - stated.len();
    let share = total.and_then(|total| total.checked_sub(known)).filter(|rest| *rest > 0).map(|rest| (rest / count(unknown)).max(1));
    let mean = (!stated.is_empty()).then(|| (known / count(stated.len())).max(1));
    steps.iter().map(|step| step.estimate_minutes.or(share).or(mean).unwrap_or(MINUTES_DEFAULT)).collect()
}

/// Orders of steps, each pair once, with the reason that came first.
struct Orders {
    needs: Vec<Vec<usize>>,
    edges: Vec<Edge>,
}

impl Orders {
    fn add(&mut self, from: usize, to: usize, reason: String, confidence: f64) {
        if from != to && !self.needs[to].contains(&from) {
            self.needs[to].push(from);
            self.edges.push(Edge { from: from + 1, to: to + 1, reason, confidence });
        }
    }

    /// Whether `to` waits for `from`, directly or not.
    fn leads(&self, from: usize, to: usize) -> bool {
        let mut seen = vec![false; self.needs.len()];
        let mut open = vec![to];
        while let Some(at) = open.pop() {
            if at == from {
                return true;
            }
            if !std::mem::replace(&mut seen[at], true) {
                open.extend(&self.needs[at]);
            }
        }
        false
    }

    /// A cycle of steps, each of which must be done before the next.
    fn in_words(&self, cycle: &[usize]) -> String {
        let next = cycle.iter().skip(1).chain(cycle.first());
        let edges = cycle.iter().zip(next).take(CYCLE_SHOWN).map(|(from, to)| {
            let edge = self.edges.iter().find(|edge| edge.from == from + 1 && edge.to == to + 1);
            format!("step {} before step {} ({})", from + 1, to + 1, edge.map_or("", |edge| &edge.reason))
        });
        format!("steps wait for one another: {}", edges.collect::<Vec<_>>().join(", "))
    }
}

/// Steps are numbered from 1, and each has lines in the document.
fn check_steps(steps: &[Step], document: Option<&str>, problems: &mut Problems) {
    let count = document.map(|document| Document::read(document).map_or(usize::MAX, |read| read.lines.len()));
    if steps.is_empty() && document.is_none() {
        problems.add("steps", "the plan has no steps", Some("give a list of objects with n, title, lines and writes"));
    }
    // Two steps that share a line cannot both be what the document says of it, and its orders could be turned against themselves.
    let mut ranges: Vec<([usize; 2], usize)> =
        steps.iter().enumerate().flat_map(|(at, step)| step.lines.iter().map(move |range| (*range, at))).collect();
    ranges.sort_unstable();
    let mut reached = ([0, 0], 0);
    for (range, at) in ranges {
        if range[0] <= reached.0[1] && at != reached.1 {
            let message = format!("steps {} and {} share line {}", reached.1 + 1, at + 1, range[0]);
            problems.add(format!("steps[{at}].lines"), message, Some("give each line to one step"));
        }
        if range[1] > reached.0[1] {
            reached = (range, at);
        }
    }
    for (at, step) in steps.iter().enumerate() {
        if step.n != at + 1 {
            problems.add(
                format!("steps[{at}].n"),
                format!("the step has the number {}; as number {1} of the list it needs {1}", step.n, at + 1),
                Some("number the steps from 1, in their order"),
            );
        }
        for (k, [_, last]) in step.lines.iter().enumerate() {
            if count.is_some_and(|count| *last > count) {
                let count = count.unwrap_or_default();
                problems.add(
                    format!("steps[{at}].lines[{k}]"),
                    format!("line {last} is not in the document, which has {count} lines"),
                    None,
                );
            }
        }
        if step.lines.is_empty() && document.is_some() {
            problems.add(
                format!("steps[{at}].lines"),
                "a step needs its lines in the document",
                Some("[[first, last], …], from 1, both included"),
            );
        }
    }
}

/// Adds the orders that the document states, and those of its format within a group, to all steps of the plan that its own steps cover.
fn add_stated(rules: &Plan, steps: &[Step], orders: &mut Orders) {
    let mut covers: HashMap<usize, Vec<usize>> = HashMap::new();
    for own in &rules.steps {
        let meets = |step: &Step| {
            step.lines.iter().any(|[first, last]| (own.line..=own.end).contains(first) || (*first..=*last).contains(&own.line))
        };
        covers.insert(own.n, (0..steps.len()).filter(|at| meets(&steps[*at])).collect());
    }
    let phase = |n: usize| rules.steps.iter().find(|step| step.n == n).and_then(|step| step.phase.as_deref());
    // Where a format runs a list in order, the items of one group build on one another, whatever else is seen of them; which groups do, the plan
    // says.
    let runs_in_order = rules.edges.iter().any(|edge| edge.reason.starts_with(BY_FORMAT) && edge.confidence < STATED_CONFIDENCE);
    let is_in_group = |edge: &Edge| runs_in_order && phase(edge.from).is_some() && phase(edge.from) == phase(edge.to);
    let (stated, others): (Vec<&Edge>, Vec<&Edge>) = rules.edges.iter().partition(|edge| edge.confidence >= STATED_CONFIDENCE);
    for (edge, is_stated) in
        stated.iter().map(|edge| (edge, true)).chain(others.iter().filter(|edge| is_in_group(edge)).map(|edge| (edge, false)))
    {
        for from in &covers[&edge.from] {
            for to in &covers[&edge.to] {
                // What the plan says of two items outweighs their place in a list.
                if is_stated || !orders.leads(*to, *from) {
                    orders.add(*from, *to, why_stated(rules, edge), edge.confidence);
                }
            }
        }
    }
    let chained: Vec<&str> = rules.edges.iter().filter(|edge| is_in_group(edge)).filter_map(|edge| phase(edge.from)).collect();
    let mut group_of = vec![None; steps.len()];
    for own in &rules.steps {
        let group = own.phase.as_deref().filter(|phase| chained.contains(phase));
        covers[&own.n].iter().for_each(|at| group_of[*at] = group_of[*at].or(group));
    }
    gate_groups(&group_of, orders);
}

/// Why the document orders two steps. A reason of the rules that names a step means one of theirs, which nobody has seen: the lines stand for it.
fn why_stated(rules: &Plan, edge: &Edge) -> String {
    let line = |n: usize| rules.steps.iter().find(|step| step.n == n).map_or(0, |step| step.line);
    let why = if edge.reason.contains("step ") { String::new() } else { format!(": {}", edge.reason) };
    format!("the document orders them (line {} before line {}){why}", line(edge.from), line(edge.to))
}

/// Where a format runs groups in order each, a group that needs a step of another one waits for all of it: the other goes on with what it made.
fn gate_groups(group_of: &[Option<&str>], orders: &mut Orders) {
    let crossing: BTreeSet<(&str, &str)> = orders
        .edges
        .iter()
        .filter_map(|edge| Some((group_of[edge.from - 1]?, group_of[edge.to - 1]?)))
        .filter(|(before, after)| before != after)
        .collect();
    // A cycle is named where the order is made.
    let Ok(order) = schedule::topological(&orders.needs) else { return };
    let above = schedule::ancestors(&orders.needs, &order);
    for (before, after) in crossing.into_iter().take(GATES_MAX) {
        let of = |group: &str| (0..group_of.len()).filter(|at| group_of[*at] == Some(group)).collect::<Vec<_>>();
        let (before, after) = (of(before), of(after));
        // Neighbours that may run at once begin and end a group together.
        for last in before.iter().filter(|at| !before.iter().any(|other| above[*other].has(**at))) {
            for first in after.iter().filter(|at| !after.iter().any(|other| above[**at].has(*other))) {
                if !orders.leads(*first, *last) {
                    let reason = format!("the document orders them: its group needs a step of the group that ends with step {}", last + 1);
                    orders.add(*last, *first, reason, GROUP_CONFIDENCE);
                }
            }
        }
    }
}

/// A warning for each item of the work that is neither in a step nor left out on purpose; at most a few dozen.
pub(crate) fn lost(document: &str, steps: &[Step], left_out: &[LeftOut]) -> Vec<String> {
    let Ok(read) = Document::read(document) else { return Vec::new() };
    let ranges = steps.iter().flat_map(|step| step.lines.iter()).chain(left_out.iter().map(|left| &left.lines));
    let drafts: Vec<Draft> = ranges.map(|[first, last]| Draft { line: first - 1, last: last - 1, ..Draft::default() }).collect();
    lost::find(&read, &sections::sections(&read), &drafts).warnings(&read)
}

impl LeftOut {
    fn warning(&self) -> String {
        let [first, last] = self.lines;
        let lines = if first == last { format!("line {first}") } else { format!("lines {first} to {last}") };
        format!("{lines}: left out by the plan: {}", self.why)
    }
}

/// What is left out lies in the document, and in no step.
fn check_left_out(steps: &[Step], left_out: &[LeftOut], document: Option<&str>, problems: &mut Problems) {
    let count = document.and_then(|document| Document::read(document).ok()).map_or(usize::MAX, |read| read.lines.len());
    for (at, LeftOut { lines: [first, last], .. }) in left_out.iter().enumerate() {
        if *last > count {
            problems.add(format!("left_out[{at}]"), format!("line {last} is not in the document, which has {count} lines"), None);
        }
        let holds = |step: &Step| step.lines.iter().any(|[from, to]| from <= last && first <= to);
        if let Some(step) = steps.iter().find(|step| holds(step)) {
            let message = format!("lines {first} to {last} are left out and in step {} as well", step.n);
            problems.add(format!("left_out[{at}]"), message, Some("a line is in a step or left out"));
        }
    }
}

/// Steps that write one file run one after the other, in the order in which they could run anyway.
fn keep_writers_apart(plan: &mut Plan, orders: &mut Orders, order: &[usize], problems: &mut Problems) {
    let mut table = Table::default();
    let writes: Vec<Vec<Id>> =
        plan.steps.iter().map(|step| step.writes.iter().filter_map(|text| table.intern(&Pattern::parse(text).ok()?)).collect()).collect();
    if table.full {
        problems.add("steps", "there are too many write patterns to compare", Some("name directories (src/parser/**) rather than files"));
        return;
    }
    let overlaps = table.exact_overlaps();
    let mut above = schedule::ancestors(&orders.needs, order);
    let mut compared = 0_usize;
    for (k, second) in order.iter().enumerate() {
        // From the nearest: what follows from it needs no edge of its own.
        for first in order[..k].iter().rev() {
            compared = compared.saturating_add(writes[*first].len() * writes[*second].len());
            if compared > COMPARED_MAX {
                problems.add(
                    "steps",
                    "there are too many write patterns to compare",
                    Some("name directories (src/parser/**) rather than files"),
                );
                return;
            }
            let meet = |a: &&Id| writes[*second].iter().any(|b| *a == b || overlaps.of(**a).contains(b));
            let Some(shared) = writes[*first].iter().find(meet) else { continue };
            let path = table.pattern(*shared).as_str().to_owned();
            if !above[*second].has(*first) {
                orders.add(*first, *second, format!("{SAME_FILE}{path} as step {} does", first + 1), GIVEN_CONFIDENCE);
                let implied = above[*first].clone();
                above[*second].insert(*first);
                above[*second].add_all(&implied);
            }
            if plan.conflicts.len() < PROBLEMS_MAX {
                let message = format!("steps {} and {} both write {path}; they stay in order", first + 1, second + 1);
                plan.conflicts.push(Conflict { steps: [first + 1, second + 1], path, message });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::validate::validate;

    const DOCUMENT: &str =
        "# T\n\n## Plan\n\n- [ ] T001 Read it\n- [ ] T002 Draw it\n- [ ] T003 Send it\n\n## Dependencies\n\n- T003 depends on T001\n";

    fn given(needs: &str) -> Result<Plan, Vec<Problem>> {
        let step = |n: usize, file: &str| format!(r#"{{"n":{n},"title":"step {n}","lines":[[{0},{0}]],"writes":["{file}"]}}"#, n + 4);
        let json = format!(r#"{{"steps":[{},{},{}],"needs":{needs}}}"#, step(1, "a.rs"), step(2, "b.rs"), step(3, "c.rs"));
        validate(&json, Some(DOCUMENT), &Options::new("T-1"), &[])
    }

    #[test]
    fn stated_orders_are_added_to_those_of_the_plan() {
        let plan = given(r#"[[1, 2, "draws what is read"]]"#).expect("a plan");
        let edges: Vec<(usize, usize)> = plan.edges.iter().map(|edge| (edge.from, edge.to)).collect();
        assert_eq!((edges, plan.parallelizable, plan.planner.as_str()), (vec![(1, 2), (1, 3)], true, "given"));
        assert_eq!(plan.edges[0].reason, "draws what is read");
        // The rules number the steps in their own way; lines mean the same to everybody.
        let why = &plan.edges[1].reason;
        assert!(why.starts_with("the document orders them (line 5 before line 7)") && !why.contains("step "), "{why}");
    }

    #[test]
    fn a_plan_against_the_document_is_refused() {
        for (needs, place) in
            [(r#"[[3, 1, "x"]]"#, "needs"), (r#"[[1, 9, "x"]]"#, "needs[0]"), (r#"[[1, 2], [2, 1]]"#, "needs"), ("[7]", "needs[0]")]
        {
            let problems = given(needs).expect_err(needs);
            assert_eq!(problems[0].place, place, "{needs}: {problems:?}");
        }
    }

    #[test]
    fn lines_and_files_are_checked() {
        let number = r#"{"steps":[{"n":4,"title":"a","lines":[[5,5]]}],"needs":[]}"#;
        let problems = validate(number, Some(DOCUMENT), &Options::new("T-1"), &[]).expect_err("a wrong number");
        assert_eq!(problems[0].message, "the step has the number 4; as number 1 of the list it needs 1");
        let outside = r#"{"steps":[{"n":1,"title":"a","lines":[[5,99]]}],"needs":[]}"#;
        assert_eq!(validate(outside, Some(DOCUMENT), &Options::new("T-1"), &[]).expect_err("outside")[0].place, "steps[0].lines[0]");
        let lost = r#"{"steps":[{"n":1,"title":"a","lines":[[5,5]],"writes":["a.rs"]},{"n":2,"title":"b","lines":[[6,6]],"writes":["b.rs"]}],"needs":[]}"#;
        let plan = validate(lost, Some(DOCUMENT), &Options::new("T-1"), &[]).expect("a plan");
        assert!(!plan.parallelizable && plan.warnings.iter().any(|warning| warning.starts_with("line 7:")), "{plan:?}");
        let shared = r#"{"steps":[{"n":1,"title":"a","lines":[[5,6]],"writes":["src/**"]},{"n":2,"title":"b","lines":[[7,7]],"writes":["src/b.rs"]}],"needs":[]}"#;
        let plan = validate(shared, Some(DOCUMENT), &Options::new("T-1"), &[]).expect("a plan");
        assert!(!plan.parallelizable && plan.conflicts.len() == 1, "{plan:?}");
    }

    #[test]
    fn steps_without_a_time_share_what_is_stated() {
        let of = |estimate: Option<u64>| Step { estimate_minutes: estimate, ..Step::default() };
        let steps = [of(Some(10)), of(None), of(None)];
        assert_eq!(minutes(&steps, None), [10, 10, 10]);
        assert_eq!(minutes(&steps, Some(50)), [10, 20, 20]);
        assert_eq!(minutes(&steps, Some(5)), [10, 10, 10]);
        assert_eq!(minutes(&steps[1..], None), [MINUTES_DEFAULT, MINUTES_DEFAULT]);
    }

    #[test]
    fn files_below_the_home_directory_are_outside_of_the_repository() {
        let home = r#"{"steps":[{"n":1,"title":"a","lines":[[5,5]],"writes":["~/.claude/CLAUDE.md"]}],"needs":[]}"#;
        let problems = validate(home, Some(DOCUMENT), &Options::new("T-1"), &[]).expect_err("outside");
        assert_eq!(
            (problems[0].place.as_str(), problems[0].message.as_str()),
            ("steps[0].writes[0]", "~/.claude/CLAUDE.md is outside the repository")
        );
    }

    #[test]
    fn groups_that_a_format_runs_in_order_are_chains_and_gates() {
        let document = "## 1. Store\n\n- [ ] 1.1 Add `a.rs`\n- [ ] 1.2 Add `b.rs`\n\n## 2. Page\n\n- [ ] 2.1 Add `c.ts`\n- [ ] 2.2 Add `d.css`\n\n\
                        ## 3. Report\n\n- [ ] 3.1 Add `e.py`\n- [ ] 3.2 Draw `f.svg`\n";
        let lines = [3, 4, 8, 9, 13, 14];
        let step = |(k, line): (usize, &usize)| format!(r#"{{"n":{},"title":"t","lines":[[{line},{line}]],"writes":["w{k}"]}}"#, k + 1);
        let steps: Vec<String> = lines.iter().enumerate().map(step).collect();
        let edges = |needs: &str| {
            let json = format!(r#"{{"steps":[{}],"needs":{needs}}}"#, steps.join(","));
            let plan = validate(&json, Some(document), &Options::new("T-1"), &[]).expect("a plan");
            (plan.format, plan.edges.iter().map(|edge| (edge.from, edge.to)).collect::<Vec<_>>())
        };
        assert_eq!(edges("[]"), ("openspec".to_owned(), vec![(1, 2), (3, 4), (5, 6)]));
        // A group that needs one step of another waits for all of it, and the plan may turn two items round.
        assert_eq!(edges(r#"[[1,4,"x"]]"#).1, [(1, 2), (2, 3), (1, 4), (3, 4), (5, 6)]);
        assert_eq!(edges(r#"[[2,1,"x"]]"#).1, [(2, 1), (3, 4), (5, 6)]);
    }
}
