//! Checking a plan that an agent or a person made, and completing what can be computed.
//! All problems are reported at once, each with its place, because whoever wrote the plan mends it in one go.

use std::collections::{HashMap, HashSet};

use oarlock_model::limits::SUBTASKS_MAX;
use oarlock_model::pattern::Pattern;
use serde_json::Value;

use crate::check::given::Reader;
use crate::check::own;
use crate::check::problem::{APART, PROBLEMS_MAX, Problem, Problems};
use crate::order::bits::Bits;
use crate::order::schedule;
use crate::parts::group;
use crate::parts::options::Options;
use crate::plan::{Plan, Subtask};
use crate::step_info::overlap::{Id, Table};
use crate::task_text::split;

/// Largest plan that is read, in bytes.
const PLAN_BYTES_MAX: usize = 4 << 20;
/// Minutes of a part without an estimate.
const PART_MINUTES_DEFAULT: u64 = 30;

/// Checks a plan in JSON and returns it complete: parent, missing identifiers (`PARENT-SUBn`), waves, times.
///
/// A plan of at least two parts is `parallelizable` even when none of them can run at once: these parts were asked for.
///
/// `document` is the task document, when there is one: steps that the plan does not list are taken from it, and their
/// lines are checked against it. `known_capabilities` are those that some agent has; empty means that nothing is known.
/// A plan with `needs` and without `subtasks` names steps of its own: its parts, verdict and schedule are worked out here, from its needs and the
/// orders that the document states.
/// Fields that are not part of a plan are ignored, given waves and times are computed anew.
///
/// # Errors
/// All problems, at most 100: no JSON, wrong types, bad or doubled identifiers, unknown or circular dependencies, steps
/// in no part or in two, overlapping write sets of parts that can run at once, unknown capabilities, passed limits.
pub fn validate(plan_json: &str, document: Option<&str>, options: &Options, known_capabilities: &[String]) -> Result<Plan, Vec<Problem>> {
    let mut problems = Problems::default();
    if let Err(error) = options.check() {
        problems.add("options", error.to_string(), None);
    }
    if plan_json.len() > PLAN_BYTES_MAX {
        problems.add("", format!("the plan has {} bytes; at most {PLAN_BYTES_MAX} are read", plan_json.len()), None);
    }
    if !problems.list.is_empty() {
        return Err(problems.list);
    }
    let value: Value = serde_json::from_str(plan_json).map_err(|e| vec![syntax(&e)])?;
    if own::is_own(&value) {
        return own::complete(&value, document, options, known_capabilities);
    }
    let mut plan = Reader { problems: &mut problems, options, known: known_capabilities }.plan(&value);
    take_steps(&mut plan, document, options, &mut problems);
    let needs = dependencies(&plan, &mut problems);
    check_steps(&plan, document, &mut problems);
    if let Some(needs) = needs {
        match schedule::topological(&needs) {
            Ok(order) => complete(&mut plan, &needs, &order, options, &mut problems),
            Err(cycle) => name_cycle(&plan, &cycle, &mut problems),
        }
    }
    if problems.list.is_empty() { Ok(plan) } else { Err(problems.list) }
}

fn syntax(error: &serde_json::Error) -> Problem {
    let text = error.to_string();
    let message = text.rsplit_once(" at line ").map_or(text.as_str(), |(message, _)| message).to_owned();
    let deep = message.contains("recursion limit");
    Problem {
        place: format!("line {}, column {}", error.line(), error.column()),
        message: if deep { "the JSON is nested too deeply".to_owned() } else { message },
        hint: (!deep).then(|| "the plan must be one JSON object".to_owned()),
    }
}

/// Takes the document's steps when the plan speaks of steps and lists none.
fn take_steps(plan: &mut Plan, document: Option<&str>, options: &Options, problems: &mut Problems) {
    let Some(document) = document.filter(|_| plan.steps.is_empty()) else {
        return;
    };
    match split(document, options) {
        Ok(own) => {
            if plan.subtasks.iter().any(|s| !s.steps.is_empty()) {
                plan.steps = own.steps;
            }
        }
        Err(error) => problems.add("document", error.to_string(), None),
    }
}

/// The parts that each part waits for; `None` when identifiers do not tell.
fn dependencies(plan: &Plan, problems: &mut Problems) -> Option<Vec<Vec<usize>>> {
    let before = problems.list.len();
    if plan.subtasks.len() > SUBTASKS_MAX {
        return None;
    }
    let mut by_id: HashMap<&str, usize> = HashMap::new();
    for (at, part) in plan.subtasks.iter().enumerate() {
        if let Some(first) = by_id.insert(&part.id, at) {
            problems.add(format!("subtasks[{at}].id"), format!("\"{}\" is already the id of subtasks[{first}]", part.id), None);
        }
        if part.id == plan.task {
            problems.add(format!("subtasks[{at}].id"), format!("\"{}\" is the id of the parent", part.id), None);
        }
    }
    let mut out = Vec::with_capacity(plan.subtasks.len());
    for (at, part) in plan.subtasks.iter().enumerate() {
        let mut needs = Vec::new();
        for (k, id) in part.depends_on.iter().enumerate() {
            let place = format!("subtasks[{at}].depends_on[{k}]");
            match by_id.get(id.as_str()) {
                Some(need) if *need == at => problems.add(place, format!("\"{id}\" depends on itself"), None),
                Some(need) if needs.contains(need) => problems.add(place, format!("\"{id}\" stands here twice"), None),
                Some(need) => needs.push(*need),
                None => problems.add(
                    place,
                    format!("no sub-task has the id \"{}\"", oarlock_model::ident::shown(id)),
                    Some("ids are compared exactly; see subtasks[].id"),
                ),
            }
        }
        needs.sort_unstable();
        out.push(needs);
    }
    (problems.list.len() == before).then_some(out)
}

fn name_cycle(plan: &Plan, cycle: &[usize], problems: &mut Problems) {
    let first = cycle.first().copied().unwrap_or(0);
    let names: Vec<&str> = cycle.iter().chain([&first]).take(20).map(|p| plan.subtasks[*p].id.as_str()).collect();
    problems.add(
        format!("subtasks[{first}].depends_on"),
        format!("the dependencies form a cycle: {} (each must be done before the next)", names.join(" -> ")),
        Some("remove one of these dependencies"),
    );
}

/// Each step must be in exactly one part, and lie in the document.
fn check_steps(plan: &Plan, document: Option<&str>, problems: &mut Problems) {
    let lines = document.map(|d| d.lines().count());
    let mut owner: HashMap<usize, Option<usize>> = HashMap::new();
    for (at, step) in plan.steps.iter().enumerate() {
        let place = format!("steps[{at}]");
        if step.n == 0 || owner.insert(step.n, None).is_some() {
            problems.add(format!("{place}.n"), format!("{} is not a number of its own from 1", step.n), None);
        }
        let stands = step.line > 0 || step.end > 0;
        let inside = step.line >= 1 && step.line <= step.end && lines.is_none_or(|l| step.end <= l);
        if stands && !inside {
            problems.add(
                format!("{place}.line"),
                format!("lines {} to {} are not in the document", step.line, step.end),
                Some("lines count from 1 and the last one is included"),
            );
        }
    }
    for (at, part) in plan.subtasks.iter().enumerate() {
        for (k, n) in part.steps.iter().enumerate() {
            let place = || format!("subtasks[{at}].steps[{k}]");
            match owner.get_mut(n) {
                None if plan.steps.is_empty() => {
                    problems.add(place(), format!("there is no step {n}"), Some("list the steps in \"steps\", or give the document"));
                }
                None => problems.add(place(), format!("there is no step {n}"), None),
                Some(Some(other)) => {
                    problems.add(place(), format!("step {n} is in subtasks[{other}] already"), Some("each step is in exactly one sub-task"))
                }
                Some(free) => *free = Some(at),
            }
        }
    }
    let mut missing: Vec<usize> = owner.iter().filter(|(_, part)| part.is_none()).map(|(n, _)| *n).collect();
    missing.sort_unstable();
    for n in missing.iter().take(PROBLEMS_MAX) {
        problems.add("subtasks", format!("step {n} is in no sub-task"), Some("each step is in exactly one sub-task"));
    }
}

/// Checks what needs the order of the parts, and computes waves and times.
fn complete(plan: &mut Plan, needs: &[Vec<usize>], order: &[usize], options: &Options, problems: &mut Problems) {
    let ancestors = schedule::ancestors(needs, order);
    check_edges(plan, &ancestors, problems);
    check_writes(plan, &ancestors, problems);
    let reduced = group::reduced(needs, order);
    let minutes: Vec<u64> = plan.subtasks.iter().map(|s| minutes_of(plan, s)).collect();
    let ids: Vec<String> = plan.subtasks.iter().map(|s| s.id.clone()).collect();
    for (part, waits) in plan.subtasks.iter_mut().zip(&reduced) {
        part.depends_on = waits.iter().map(|w| ids[*w].clone()).collect();
    }
    plan.waves = schedule::waves_of_ids(&ids, needs, order);
    plan.serial_minutes = minutes.iter().fold(0, |a, b| a.saturating_add(*b));
    plan.makespan_minutes = schedule::makespan(&minutes, needs, order, options.agents);
    // Whoever gives a plan has asked for these parts, even when they only run one after the other.
    plan.parallelizable = plan.subtasks.len() > 1;
    let wide = plan.waves.iter().any(|w| w.len() > 1);
    if !plan.parallelizable {
        plan.reason.get_or_insert_with(|| "there is only one sub-task".to_owned());
    } else {
        plan.reason = None;
        if !wide {
            plan.warnings.push("no two sub-tasks can run at once".to_owned());
        }
    }
    let silent: Vec<&str> = plan.subtasks.iter().filter(|s| s.writes.is_empty()).map(|s| s.id.as_str()).take(12).collect();
    if !silent.is_empty() && wide {
        plan.warnings.push(format!("no write set is given for {}, so overlaps cannot be seen", silent.join(", ")));
    }
}

fn minutes_of(plan: &Plan, part: &Subtask) -> u64 {
    let of_steps = || {
        let minutes = plan.steps.iter().filter(|s| part.steps.contains(&s.n)).filter_map(|s| s.estimate_minutes);
        minutes.fold(0_u64, u64::saturating_add)
    };
    part.estimate_minutes.unwrap_or_else(|| match of_steps() {
        0 => PART_MINUTES_DEFAULT,
        sum => sum,
    })
}

/// An order between steps must be kept by the parts that hold them.
fn check_edges(plan: &Plan, ancestors: &[Bits], problems: &mut Problems) {
    let part_of: HashMap<usize, usize> =
        plan.subtasks.iter().enumerate().flat_map(|(at, p)| p.steps.iter().map(move |n| (*n, at))).collect();
    let known: HashSet<usize> = plan.steps.iter().map(|s| s.n).collect();
    for (at, edge) in plan.edges.iter().enumerate() {
        for (field, n) in [("from", edge.from), ("to", edge.to)] {
            if !known.contains(&n) {
                problems.add(format!("edges[{at}].{field}"), format!("there is no step {n}"), None);
            }
        }
        let Some((from, to)) = part_of.get(&edge.from).zip(part_of.get(&edge.to)) else {
            continue;
        };
        if from != to && !ancestors[*to].has(*from) {
            let (a, b) = (&plan.subtasks[*from].id, &plan.subtasks[*to].id);
            problems.add(
                format!("edges[{at}]"),
                format!("step {} needs step {}, but {b} does not depend on {a}", edge.to, edge.from),
                Some("add the dependency, or put both steps into one sub-task"),
            );
        }
    }
}

/// Parts that can run at once must not write the same files.
fn check_writes(plan: &Plan, ancestors: &[Bits], problems: &mut Problems) {
    let count = plan.subtasks.len();
    let mut table = Table::default();
    let writes: Vec<Vec<Id>> = plan.subtasks.iter().map(|s| intern_all(s, &mut table)).collect();
    if table.full {
        problems.add(
            "subtasks",
            "there are too many write patterns to compare",
            Some("name directories (src/parser/**) rather than files; at most 200 patterns with wildcards"),
        );
        return;
    }
    let overlaps = table.exact_overlaps();
    let mut holders: Vec<Bits> = Vec::new();
    for (at, ids) in writes.iter().enumerate() {
        for id in ids {
            if holders.len() <= *id as usize {
                holders.resize_with(*id as usize + 1, || Bits::new(count));
            }
            holders[*id as usize].insert(at);
        }
    }
    for (first, ids) in writes.iter().enumerate() {
        let mut met = Bits::new(count);
        for other in ids.iter().flat_map(|id| overlaps.of(*id).iter().chain([id])) {
            met.add_all(&holders[*other as usize]);
        }
        for second in (first + 1..count).filter(|b| met.has(*b)) {
            let ordered = ancestors[first].has(second) || ancestors[second].has(first);
            if !ordered && problems.list.len() < PROBLEMS_MAX {
                let meet = |a: &Id, b: &Id| a == b || overlaps.of(*a).contains(b);
                let pair = ids.iter().find_map(|a| writes[second].iter().find(|b| meet(a, b)).map(|b| (*a, *b)));
                let Some((a, b)) = pair else { continue };
                report_overlap(plan, [first, second], [table.pattern(a), table.pattern(b)], problems);
            }
        }
    }
}

/// The patterns of a part; those that are none were reported when it was read.
fn intern_all(part: &Subtask, table: &mut Table) -> Vec<Id> {
    let mut ids: Vec<Id> = part.writes.iter().filter_map(|text| table.intern(&Pattern::parse(text).ok()?)).collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

fn report_overlap(plan: &Plan, parts: [usize; 2], patterns: [&Pattern; 2], problems: &mut Problems) {
    let [first, second] = parts;
    let at = plan.subtasks[second].writes.iter().position(|w| Pattern::parse(w).is_ok_and(|p| p == *patterns[1]));
    let place = at.map_or_else(|| format!("subtasks[{second}].writes"), |k| format!("subtasks[{second}].writes[{k}]"));
    let what = if patterns[0] == patterns[1] {
        format!("both write {}", patterns[0].as_str())
    } else {
        format!("{} and {} can name the same file", patterns[0].as_str(), patterns[1].as_str())
    };
    problems.add(place, format!("{} and {} can run at once, but {what}", plan.subtasks[first].id, plan.subtasks[second].id), Some(APART));
}

#[cfg(test)]
mod tests;
