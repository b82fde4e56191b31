//! `attention`: what waits for a person, and the command that settles it.

use clap::Args;
use oarlock_model::agent::{Agent, SessionEnd};
use oarlock_model::duration::Duration;
use oarlock_model::event::{DeathReason, Fact, LossReason};
use oarlock_model::landing::{BranchName, LandingState};
use oarlock_model::rules::attention::{self, AttentionReason, LOST_SHOWN_MS};
use oarlock_model::rules::claim;
use oarlock_model::rules::liveness::{self, Activity, AgentState};
use oarlock_model::task::{Grant, Task, TaskSpec, TaskState};
use oarlock_model::{Rejection, SessionId, TaskId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

use crate::OpError;
use crate::caller::Identity;
use crate::context::Reading;
use crate::cursor;
use crate::page;
use crate::request::{Query, Request, Waiting, is_list};
use crate::store::{EventFilter, StoreResult, TaskFilter};
use crate::task::values;
use crate::topic::Topics;

/// Items of one reason that are looked for. A project in which more tasks than that wait for a person has one problem, and not thousands.
const FOUND_MAX: usize = 1_000;
/// Tasks that wait for a dead or cancelled one, of which each is asked for which.
const STUCK_ASKED_MAX: usize = 20;
/// Tasks in review that are read.
const REVIEWS_MAX: usize = 10_000;
/// The kind of events about questions that nobody was there to answer.
const ASKED: &str = "task_asked";
/// Tasks that an item names.
const NAMED_MAX: usize = 3;

/// List the work that waits for a person, the most pressing first, each with the command that settles it or shows the choice.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Args)]
pub struct Attention {
    /// Wait up to D for the first item (exit 8 if there is none)
    #[arg(long, value_name = "D", conflicts_with = "after")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait: Option<Duration>,
    /// At most this many [default: 1000]
    #[arg(long, value_name = "N")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
    /// Continue after the `next` of a page
    #[arg(long, value_name = "CURSOR")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

/// The reply of [`Attention`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AttentionReply {
    /// The items, the most pressing first.
    pub items: Vec<AttentionItem>,
    /// Where the next page begins; absent at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// Something that waits for a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AttentionItem {
    /// Why it does.
    pub reason: AttentionReason,
    /// The task or agent that it is about.
    pub subject: String,
    /// The agent that it concerns: who handed in the task, had it last, is stuck or lost. Absent where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// For how long it has waited, in milliseconds.
    pub age_ms: i64,
    /// One line about it: the title of the task, the last failure, the tasks that wait behind it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub about: String,
    /// The command that settles it, or shows what there is to decide.
    pub next: String,
}

impl Request for Attention {
    const VERB: &'static str = "attention";
    const ABOUT: &'static str = "List the work that waits for a person, with the next command";
    const EXAMPLE: &'static [&'static str] = &[];
    const IDENTITY: Identity = Identity::Optional;
    type Reply = AttentionReply;

    is_list!(wait: None);

    fn check(&self) -> Result<(), Rejection> {
        values::page_limit(self.limit)?;
        cursor::check(self.after.as_deref())
    }

    fn waiting(&self) -> Option<Waiting> {
        self.wait.map(|d| Waiting { for_ms: Some(d.as_ms()), topics: Topics::LOG })
    }
}

impl Query for Attention {
    fn answer(&self, cx: &Reading<'_>) -> Result<AttentionReply, OpError> {
        let limit = values::page_limit(self.limit)?;
        let after = cursor::place::<usize>(cx.view, self.after.as_deref())?.unwrap_or(0);
        let found = found(cx, &cx.view.agents()?, &cx.view.outside_tasks(FOUND_MAX)?)?;
        if found.is_empty() && self.wait.is_some() {
            return Err(Rejection::timed_out("nothing waits for a person").into());
        }
        let end = after.saturating_add(limit).min(found.len());
        let next = if page::goes_on(end < found.len()) { Some(cursor::after_place(cx.view, &end)?) } else { None };
        Ok(AttentionReply { items: found.into_iter().take(end).skip(after).map(|found| found.item(cx)).collect::<Result<_, _>>()?, next })
    }
}

/// The most pressing items, at most `limit`, and how many more there are. `agents` and `outside`: all agents, and the tasks that somebody outside of the store has or had.
///
/// # Errors
/// Store errors.
pub(super) fn most_pressing(cx: &Reading<'_>, agents: &[Agent], outside: &[Task], limit: usize) -> StoreResult<(Vec<AttentionItem>, u64)> {
    let found = found(cx, agents, outside)?;
    let more = found.len().saturating_sub(limit) as u64;
    Ok((found.into_iter().take(limit).map(|found| found.item(cx)).collect::<Result<_, _>>()?, more))
}

/// An item before its age is read: lists may be long, pages are short.
struct Found {
    reason: AttentionReason,
    subject: String,
    agent: Option<String>,
    about: String,
    next: String,
    since: Since,
}

/// The origin of an item's age.
enum Since {
    /// The last event of this kind about the subject.
    Event(&'static str),
    /// When the subject became ready.
    Ready,
    /// An age that is known, in milliseconds.
    AgeMs(i64),
}

impl Found {
    /// An item about a task. `next` is a command that takes the task's id.
    fn task(reason: AttentionReason, id: &TaskId, agent: Option<String>, about: String, next: &str, since: Since) -> Self {
        Self { reason, subject: id.to_string(), agent, about, next: format!("oarlock {next} {id}"), since }
    }

    fn item(self, cx: &Reading<'_>) -> StoreResult<AttentionItem> {
        let Self { reason, subject, agent, about, next, since } = self;
        let age_ms = match since {
            Since::AgeMs(age_ms) => age_ms,
            Since::Ready => match subject.parse::<TaskId>() {
                Ok(id) => cx.view.task(&id)?.and_then(|task| task.ready_at).map_or(0, |since| cx.now.store.since_ms(since)),
                Err(_) => 0,
            },
            Since::Event(kind) => cx.view.last_event_of(&subject, kind)?.map_or(0, |event| cx.now.store.since_ms(event.store_at)),
        };
        Ok(AttentionItem { reason, subject, agent, age_ms, about, next })
    }
}

/// All that waits for a person, the most pressing first.
fn found(cx: &Reading<'_>, agents: &[Agent], outside: &[Task]) -> StoreResult<Vec<Found>> {
    let mut all = Vec::new();
    reviews(cx, &mut all)?;
    dead_ends(cx, &mut all)?;
    let able: Vec<&_> = agents.iter().filter(|agent| cx.agent_state(agent) == AgentState::Active).collect();
    for offer in cx.view.ready_offers(None, FOUND_MAX)? {
        let spec = &offer.spec;
        if spec.capabilities.is_empty() || able.iter().any(|agent| claim::is_able(spec, agent)) {
            continue;
        }
        let wanted: Vec<&str> = spec.capabilities.iter().map(|capability| capability.as_str()).collect();
        let about = format!("requires {}, which no active agent has", wanted.join(", "));
        let mut item = Found::task(AttentionReason::NobodyAble, &offer.id, None, about, "task", Since::Ready);
        item.next = format!("oarlock join NAME --can {}", wanted.join(","));
        all.push(item);
    }
    working_agents(cx, &able, &mut all)?;
    for task in outside {
        let Some(hold) = task.abandoned_hold() else { continue };
        if !task.state.is_finished() {
            let age_ms = cx.now.wall.0.saturating_sub(hold.seen.0).max(0);
            let about = task.spec.title.clone();
            all.push(Found::task(AttentionReason::Abandoned, &task.id, hold.holder.clone(), about, "claim", Since::AgeMs(age_ms)));
        }
    }
    lost_agents(cx, agents, &mut all)?;
    all.sort_by_key(|found| found.reason);
    Ok(all)
}

/// Tasks in review, apart from those that the landing queue works on.
fn reviews(cx: &Reading<'_>, all: &mut Vec<Found>) -> StoreResult<()> {
    let mut filter = TaskFilter { states: vec![TaskState::Review], limit: FOUND_MAX, bytes_max: usize::MAX, ..TaskFilter::default() };
    let mut in_review = Vec::new();
    // Those that the landing queue works on may fill whole pages.
    loop {
        let page = cx.view.tasks(&filter)?;
        let end = page.last().filter(|_| page.len() == filter.limit).map(|last| last.seq);
        in_review.extend(page.into_iter().map(|task| {
            let holder = last_holder(&task);
            // Their texts are not shown.
            (Task { spec: TaskSpec { body: String::new(), ..task.spec }, result: None, ..task }, holder)
        }));
        match end {
            Some(last) if in_review.len() < REVIEWS_MAX => filter.after_seq = last,
            _ => break,
        }
    }
    let testing = |task: &Task| task.landing.as_ref().is_some_and(|landing| landing.state == LandingState::Testing);
    let worked: BTreeSet<Option<BranchName>> =
        in_review.iter().filter(|(task, _)| testing(task)).map(|(task, _)| task.spec.onto.clone()).collect();
    let items = in_review.into_iter().filter_map(|(task, holder)| {
        let reason = attention::in_review(&task, worked.contains(&task.spec.onto), cx.now.store)?;
        let title = task.spec.title;
        Some(match reason {
            AttentionReason::LandingRefused => Found::task(reason, &task.id, holder, title, "task", Since::Event("landing_refused")),
            AttentionReason::LandingWaits => {
                let since = task.landing.map_or(0, |landing| cx.now.store.since_ms(landing.since));
                let onto = task.spec.onto.map_or_else(|| "BRANCH".to_owned(), |onto| onto.to_string());
                let mut item =
                    Found::task(reason, &task.id, holder, format!("no merge works the queue of {onto}"), "", Since::AgeMs(since));
                item.next = format!("oarlock merge --onto {onto} --test CMD");
                item
            }
            _ => Found::task(reason, &task.id, holder, title, "approve", Since::Event("task_submitted")),
        })
    });
    all.extend(items.take(FOUND_MAX));
    Ok(())
}

/// Dead tasks, and cancelled ones for which others wait.
fn dead_ends(cx: &Reading<'_>, all: &mut Vec<Found>) -> StoreResult<()> {
    let mut behind: BTreeMap<TaskId, BTreeSet<TaskId>> = BTreeMap::new();
    for stuck in cx.view.stuck_tasks(STUCK_ASKED_MAX)? {
        for end in cx.view.dead_ends(&stuck, NAMED_MAX)? {
            behind.entry(end).or_default().insert(stuck.clone());
        }
    }
    let dead = cx.view.dead_letters(FOUND_MAX)?;
    let mut deaths = BTreeMap::new();
    if !dead.is_empty() {
        deaths.extend(newest(cx, "task_died")?.into_iter().filter_map(|fact| match fact {
            Fact::TaskDied(died) => Some((died.id.clone(), died)),
            _ => None,
        }));
    }
    let ids: Vec<&TaskId> = dead.iter().collect();
    let mut tasks: BTreeMap<TaskId, Task> = BTreeMap::new();
    if !ids.is_empty() {
        tasks.extend(cx.view.tasks_with(&ids, usize::MAX)?.into_iter().map(|task| (task.id.clone(), task)));
    }
    for id in dead {
        let waiting = behind.remove(&id).map_or(String::new(), |tasks| format!("; {}", wait_for_it(&tasks)));
        let task = tasks.remove(&id);
        let agent = task.as_ref().and_then(last_holder);
        let failure = task.and_then(|task| task.last_failure).unwrap_or_default();
        let failure = failure.lines().next().filter(|line| !line.is_empty()).map_or(String::new(), |line| format!(": {line}"));
        let why = match deaths.get(&id) {
            Some(died) => match died.reason {
                DeathReason::Failures => format!("failed {}{failure}", times(died.failures)),
                DeathReason::Losses => format!("its lease was lost {}", times(died.losses)),
                DeathReason::NoRetry => format!("given up{failure}"),
            },
            None => format!("attempts used up{failure}"),
        };
        all.push(Found::task(AttentionReason::TaskDead, &id, agent, why + &waiting, "requeue", Since::Event("task_died")));
    }
    for (id, tasks) in behind {
        if cx.view.task_state(&id)? == Some(TaskState::Cancelled) {
            let (reason, about) = (AttentionReason::TaskCancelled, wait_for_it(&tasks));
            all.push(Found::task(reason, &id, None, about, "requeue", Since::Event("task_cancelled")));
        }
    }
    Ok(())
}

/// Names the tasks that wait for a dead or cancelled one.
fn wait_for_it(tasks: &BTreeSet<TaskId>) -> String {
    let named: Vec<&str> = tasks.iter().take(NAMED_MAX).map(TaskId::as_str).collect();
    let more = tasks.len().saturating_sub(NAMED_MAX);
    let verb = if tasks.len() == 1 { "waits" } else { "wait" };
    let named = named.join(", ");
    if more > 0 { format!("{named} and {more} more {verb} for it") } else { format!("{named} {verb} for it") }
}

/// Agents that hold work: those that ask something, and those that have shown no progress for long.
fn working_agents(cx: &Reading<'_>, active: &[&Agent], all: &mut Vec<Found>) -> StoreResult<()> {
    let sessions: Vec<&SessionId> = active.iter().map(|agent| &agent.session).collect();
    let mut claims: BTreeMap<SessionId, Vec<TaskId>> = BTreeMap::new();
    for (session, task) in cx.view.claims_of_all(&sessions)? {
        claims.entry(session).or_default().push(task);
    }
    if !claims.is_empty() {
        questions(cx, &claims, all)?;
    }
    for agent in active {
        let Some(held) = claims.get(&agent.session) else { continue };
        if liveness::activity(&agent.presence, held.len(), cx.now) == Activity::Stuck {
            let named: Vec<&str> = held.iter().take(NAMED_MAX).map(TaskId::as_str).collect();
            let name = agent.name.to_string();
            let since = Since::AgeMs(cx.now.store.since_ms(agent.presence.progressed));
            let about = format!("holds {} and has shown no progress", named.join(", "));
            let next = format!("oarlock agent {name}");
            all.push(Found { reason: AttentionReason::AgentStuck, subject: name.clone(), agent: Some(name), about, next, since });
        }
    }
    Ok(())
}

/// Questions of agents that still hold the task in question by the grant under which they asked.
fn questions(cx: &Reading<'_>, claims: &BTreeMap<SessionId, Vec<TaskId>>, all: &mut Vec<Found>) -> StoreResult<()> {
    let held: BTreeSet<&TaskId> = claims.values().flatten().collect();
    let mut asked = BTreeMap::new();
    for fact in newest(cx, ASKED)? {
        if let Fact::TaskAsked(question) = fact
            && held.contains(&question.id)
        {
            asked.insert(question.id.clone(), question);
        }
    }
    if asked.is_empty() {
        return Ok(());
    }
    let ids: Vec<&TaskId> = asked.keys().collect();
    let grants: BTreeMap<TaskId, Grant> = cx.view.running_grants(&ids)?.into_iter().collect();
    for (id, question) in &asked {
        if let Some(grant) = grants.get(id).filter(|grant| grant.token == question.token) {
            let agent = Some(grant.agent.to_string());
            all.push(Found::task(AttentionReason::AgentAsks, id, agent, question.question.clone(), "task", Since::Event(ASKED)));
        }
    }
    Ok(())
}

/// The newest facts of a kind, oldest first.
fn newest(cx: &Reading<'_>, kind: &str) -> StoreResult<Vec<Fact>> {
    let kinds = vec![kind.to_owned()];
    let filter = EventFilter { kinds, newest: true, limit: FOUND_MAX, bytes_max: usize::MAX, ..EventFilter::default() };
    Ok(cx.view.events(&filter)?.into_iter().map(|event| event.fact).collect())
}

/// Agents that died within a day while they held tasks. One that held nothing, or whose store was restored, is nobody's loss.
fn lost_agents(cx: &Reading<'_>, agents: &[Agent], all: &mut Vec<Found>) -> StoreResult<()> {
    let age_ms = |agent: &Agent| cx.now.store.since_ms(agent.presence.seen);
    let lost: Vec<&Agent> = agents.iter().filter(|agent| agent.end == Some(SessionEnd::Lost) && age_ms(agent) <= LOST_SHOWN_MS).collect();
    if lost.is_empty() {
        return Ok(());
    }
    let mut held: BTreeMap<SessionId, Vec<TaskId>> = BTreeMap::new();
    for fact in newest(cx, "lease_lost")? {
        if let Fact::LeaseLost(lease) = fact
            && lease.reason == LossReason::OwnerDied
        {
            held.entry(lease.holder_session).or_default().push(lease.task);
        }
    }
    for agent in lost {
        let Some(tasks) = held.get(&agent.session) else { continue };
        let named: Vec<&str> = tasks.iter().take(NAMED_MAX).map(TaskId::as_str).collect();
        let (name, reason, since) = (agent.name.to_string(), AttentionReason::AgentLost, Since::Event("agent_lost"));
        let (about, next) = (format!("died while it held {}", named.join(", ")), format!("oarlock agent {name}"));
        all.push(Found { reason, subject: name.clone(), agent: Some(name), about, next, since });
    }
    Ok(())
}

fn times(n: u32) -> String {
    if n == 1 { "once".into() } else { format!("{n} times") }
}

/// Who had the task last.
fn last_holder(task: &Task) -> Option<String> {
    task.grant.as_ref().map(|grant| grant.agent.to_string())
}
