//! The report of a run: who did what, how long it took, how long one agent alone would have taken, and what no number of
//! agents can beat.

mod full;
mod story;

use std::collections::BTreeMap;

use oarlock_model::rules::budget::BudgetKind;
use oarlock_model::task::{Task, TaskState};
use oarlock_model::usage::{Usage, Usd};
use oarlock_model::{AgentName, TaskId, limits};
use oarlock_ops::store::{StoreResult, View};
use serde::Serialize;

use crate::capture::clip;
use crate::history::{self, Span};
use crate::landing::MergeReport;
use crate::tree;

pub use full::{FullPart, FullReport, full_report};
pub use story::{AttemptEnd, AttemptReport, LandingReport, RefusalReport, Resolution};

/// Bytes of all results in one report; each part gets its share.
const RESULTS_BYTES_MAX: usize = 16 << 20;
/// A share is not smaller than this.
const RESULT_BYTES_MIN: usize = 4 * 1_024;

/// The outcome of a run (the contract's "Runner").
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RunReport {
    /// The parent task.
    pub task: TaskId,
    /// Its state when the run ended.
    pub state: TaskState,
    /// The workers of this run, and all others that worked on it.
    pub agents: Vec<AgentReport>,
    /// The parts in the order of their creation, at any depth; the task itself when it has none, or when it was integrated
    /// by an agent.
    pub parts: Vec<PartReport>,
    /// How long the run took, in milliseconds.
    pub wall_ms: i64,
    /// How long the parts took together: one agent alone.
    pub serial_ms: i64,
    /// The longest chain of parts that wait for one another: no number of agents beats it.
    pub bound_ms: i64,
    /// The outcome of the task: its own result, else those of its parts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<String>,
    /// Tokens and money of all attempts, earlier runs included, where clients reported it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage: Option<UsageReport>,
    /// The budget of this run, if it had one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub budget: Option<BudgetReport>,
    /// The submissions that this run has landed, with `--merge`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub landing: Option<MergeReport>,
}

/// Tokens and money of attempts, as their clients reported it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct UsageReport {
    /// Money and tokens.
    #[serde(flatten)]
    pub usage: Usage,
    /// All tokens, read and written.
    pub tokens: u64,
    /// Attempts that used tokens whose price nobody reported: the money is that of the others.
    #[serde(skip_serializing_if = "is_zero")]
    pub unpriced: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature is serde's")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl UsageReport {
    fn of<'a>(spans: impl Iterator<Item = &'a Span>) -> Option<Self> {
        let mut sum = None;
        for usage in spans.filter_map(|span| span.usage) {
            let Self { usage: before, unpriced, .. } = sum.unwrap_or_default();
            let all = before.plus(&usage);
            sum = Some(Self { usage: all, tokens: all.tokens(), unpriced: unpriced + u64::from(usage.cost_usd.is_none()) });
        }
        sum
    }
}

/// The budget of a run. What is absent was not limited.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BudgetReport {
    /// Milliseconds of this run that count: without those in which nothing went on but landing.
    pub time_ms: u64,
    /// The most such milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_time_ms: Option<u64>,
    /// The most money.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_cost_usd: Option<Usd>,
    /// The most tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<u64>,
    /// The limit that ended the run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exhausted: Option<BudgetKind>,
}

/// One agent of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AgentReport {
    /// Its name.
    pub name: AgentName,
    /// How many parts it finished.
    pub parts: u64,
    /// How long it held parts, failed attempts included, in milliseconds.
    pub wall_ms: i64,
}

/// One part of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PartReport {
    /// Its id.
    pub id: TaskId,
    /// Its title.
    pub title: String,
    /// Who finished it, or had it last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<AgentName>,
    /// How often it was begun, not counting attempts that were given back.
    pub attempts: u32,
    /// Its state.
    pub state: TaskState,
    /// How long its successful attempt took, in milliseconds; 0 without one.
    pub wall_ms: i64,
    /// Tokens and money of its attempts, where clients reported it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage: Option<UsageReport>,
    /// Its result.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<String>,
}

impl RunReport {
    /// Parts that are done, all parts, and parts whose work is submitted and waits to land.
    pub(crate) fn progress(&self) -> (usize, usize, usize) {
        let of = |state| self.parts.iter().filter(|part| part.state == state).count();
        (of(TaskState::Done), self.parts.len(), of(TaskState::Review))
    }
}

/// Makes the report of the tree of `root` from one moment of the store; `workers` come first among the agents.
pub(crate) fn report(view: &dyn View, root: &TaskId, workers: &[AgentName], wall_ms: i64) -> StoreResult<RunReport> {
    let ids = tree::tasks_of(view, root)?;
    let bytes_max = (RESULTS_BYTES_MAX / ids.len().max(1)).max(RESULT_BYTES_MIN);
    let mut tasks = Vec::with_capacity(ids.len());
    for id in ids {
        let Some(mut task) = view.task(&id)? else { continue };
        // A report of many parts does not hold all their texts.
        task.spec.body = String::new();
        if id != *root {
            task.result = task.result.map(|result| clip(result, bytes_max));
        }
        let spans = history::spans_of(view, &id)?;
        tasks.push((task, spans));
    }
    let state = tasks.first().map_or(TaskState::Cancelled, |(task, _)| task.state);
    let agents = agents(workers, &tasks);
    let times = timed(&tasks);
    let serial_ms = times.iter().map(|timed| timed.wall_ms).fold(0, i64::saturating_add);
    let bound_ms = longest_chain_ms(&times);
    let result = result_of(&tasks);
    let usage = UsageReport::of(tasks.iter().flat_map(|(_, spans)| spans));
    let has_parts = tasks.len() > 1;
    let mut parts: Vec<PartReport> = Vec::with_capacity(tasks.len());
    let mut of_root = None;
    for (task, spans) in tasks {
        let is_root = task.id == *root;
        let is_worked_on = !spans.is_empty();
        let part = part(task, &spans);
        if !is_root {
            parts.push(part);
        } else if !has_parts || is_worked_on {
            of_root = Some(part);
        }
    }
    // It comes last: it integrates its parts.
    parts.extend(of_root);
    Ok(RunReport { task: root.clone(), state, agents, parts, wall_ms, serial_ms, bound_ms, result, usage, budget: None, landing: None })
}

fn part(task: Task, spans: &[Span]) -> PartReport {
    let success = success(spans);
    PartReport {
        agent: success.or(spans.last()).map(|span| span.agent.clone()),
        wall_ms: success.map_or(0, Span::wall_ms),
        usage: UsageReport::of(spans.iter()),
        attempts: task.attempt,
        state: task.state,
        result: task.result,
        title: task.spec.title,
        id: task.id,
    }
}

fn success(spans: &[Span]) -> Option<&Span> {
    spans.iter().rev().find(|span| span.is_success)
}

fn agents(workers: &[AgentName], tasks: &[(Task, Vec<Span>)]) -> Vec<AgentReport> {
    let mut by_name: BTreeMap<&AgentName, (u64, i64)> = workers.iter().map(|name| (name, (0, 0))).collect();
    for (_, spans) in tasks {
        for span in spans {
            let (_, wall_ms) = by_name.entry(&span.agent).or_default();
            *wall_ms = wall_ms.saturating_add(span.wall_ms());
        }
        if let Some(span) = success(spans) {
            by_name.entry(&span.agent).or_default().0 += 1;
        }
    }
    let of = |name: &AgentName, (parts, wall_ms): (u64, i64)| AgentReport { name: name.clone(), parts, wall_ms };
    let mut agents: Vec<AgentReport> = Vec::new();
    for name in workers {
        if let Some(numbers) = by_name.remove(name) {
            agents.push(of(name, numbers));
        }
    }
    agents.extend(by_name.into_iter().map(|(name, numbers)| of(name, numbers)));
    agents
}

/// A task's own result, else those of its parts under their titles, at most 1 MiB.
fn result_of(tasks: &[(Task, Vec<Span>)]) -> Option<String> {
    let (root, _) = tasks.first()?;
    if root.result.is_some() {
        return root.result.clone();
    }
    let mut joined = String::new();
    for (task, _) in &tasks[1..] {
        let Some(result) = task.result.as_deref().map(str::trim).filter(|result| !result.is_empty()) else { continue };
        let part = format!("## {} ({})\n\n{result}\n\n", task.spec.title, task.id);
        if joined.len() + part.len() > limits::BODY_BYTES_MAX {
            joined.push_str("(further results are too long to be joined; see the parts)\n");
            break;
        }
        joined.push_str(&part);
    }
    (!joined.is_empty()).then(|| joined.trim_end().to_owned())
}

/// A task as the bound sees it: how long it took, and the tasks (by index) that came before it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Timed {
    wall_ms: i64,
    after: Vec<usize>,
}

/// A task comes after what it needs, and after its own parts.
fn timed(tasks: &[(Task, Vec<Span>)]) -> Vec<Timed> {
    let index_of: BTreeMap<&TaskId, usize> = tasks.iter().enumerate().map(|(index, (task, _))| (&task.id, index)).collect();
    let mut times: Vec<Timed> =
        tasks.iter().map(|(_, spans)| Timed { wall_ms: success(spans).map_or(0, Span::wall_ms), after: Vec::new() }).collect();
    for (index, (task, _)) in tasks.iter().enumerate() {
        times[index].after.extend(task.needs.iter().filter_map(|need| index_of.get(need).copied()));
        if let Some(parent) = task.spec.parent.as_ref().and_then(|parent| index_of.get(parent)) {
            times[*parent].after.push(index);
        }
    }
    times
}

/// The longest time along any chain of tasks that come after one another. A cycle, which no store has, counts nothing.
fn longest_chain_ms(tasks: &[Timed]) -> i64 {
    let mut ends: Vec<Option<i64>> = vec![None; tasks.len()];
    let mut is_open = vec![false; tasks.len()];
    let mut longest = 0;
    for start in 0..tasks.len() {
        let mut open = vec![start];
        while let Some(task) = open.last().copied() {
            if ends[task].is_some() {
                open.pop();
                continue;
            }
            let next = tasks[task].after.iter().copied().find(|before| ends[*before].is_none() && !is_open[*before]);
            is_open[task] = true;
            match next {
                Some(before) => open.push(before),
                None => {
                    let begins = tasks[task].after.iter().filter_map(|before| ends[*before]).max().unwrap_or(0);
                    ends[task] = Some(begins.saturating_add(tasks[task].wall_ms));
                    open.pop();
                }
            }
        }
        longest = longest.max(ends[start].unwrap_or(0));
    }
    longest
}

#[cfg(test)]
mod tests {
    use super::*;
    use oarlock_model::StoreTime;

    fn check(tasks: &[(i64, &[usize])], want: i64) {
        let tasks: Vec<Timed> = tasks.iter().map(|(wall_ms, after)| Timed { wall_ms: *wall_ms, after: after.to_vec() }).collect();
        assert_eq!(longest_chain_ms(&tasks), want, "{tasks:?}");
    }

    #[test]
    fn the_bound_is_the_longest_chain() {
        check(&[], 0);
        check(&[(5, &[]), (7, &[])], 7);
        check(&[(5, &[]), (7, &[0]), (4, &[]), (1, &[2, 1])], 13);
        // In whatever order they stand.
        check(&[(1, &[1, 2]), (7, &[3]), (4, &[]), (5, &[])], 13);
        // A parent comes after its parts.
        check(&[(0, &[1, 2]), (3, &[]), (4, &[])], 4);
        check(&[(1, &[1]), (1, &[0])], 2);
    }

    fn worked(id: &str, spans: &[(&str, i64, i64, bool)]) -> (Task, Vec<Span>) {
        let id: TaskId = id.parse().expect("an id");
        let mut task = Task::new(id, oarlock_model::task::TaskSpec::new("title"), Default::default());
        task.state = TaskState::Done;
        task.result = Some(format!("result of {}", task.id));
        let span = |(agent, from, to, is_success): &(&str, i64, i64, bool)| Span {
            agent: agent.parse().expect("a name"),
            from: StoreTime(*from),
            to: Some(StoreTime(*to)),
            is_success: *is_success,
            token: oarlock_model::Token(1),
            usage: None,
        };
        (task, spans.iter().map(span).collect())
    }

    #[test]
    fn agents_count_what_they_finished_and_all_they_held() {
        let tasks = [worked("A", &[("w1", 0, 10, false), ("w2", 10, 40, true)]), worked("B", &[("ada", 0, 5, true)])];
        let workers: Vec<AgentName> = ["w2", "w1", "w3"].iter().map(|name| name.parse().expect("a name")).collect();
        let got: Vec<(String, u64, i64)> = agents(&workers, &tasks).into_iter().map(|a| (a.name.to_string(), a.parts, a.wall_ms)).collect();
        let want = [("w2", 1, 30), ("w1", 0, 10), ("w3", 0, 0), ("ada", 1, 5)].map(|(name, parts, ms)| (name.to_owned(), parts, ms));
        assert_eq!(got, want);
    }

    #[test]
    fn results_of_parts_are_joined_when_the_task_has_none() {
        let mut tasks = vec![worked("P", &[]), worked("A", &[]), worked("B", &[])];
        assert_eq!(result_of(&tasks).as_deref(), Some("result of P"));
        tasks[0].0.result = None;
        assert_eq!(result_of(&tasks).as_deref(), Some("## title (A)\n\nresult of A\n\n## title (B)\n\nresult of B"));
    }
}
