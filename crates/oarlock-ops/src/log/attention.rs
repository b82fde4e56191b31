//! `attention`: what waits for a person, and the command that settles it.

use clap::Args;
use oarlock_model::agent::{Agent, SessionEnd};
use oarlock_model::duration::Duration;
use oarlock_model::event::Fact;
use oarlock_model::rules::attention::{self, AttentionReason, LOST_SHOWN_MS};
use oarlock_model::rules::claim;
use oarlock_model::rules::liveness::{self, Activity, AgentState};
use oarlock_model::task::{OutsideEnd, Task, TaskState};
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
use crate::store::{StoreResult, TaskFilter};
use crate::task::values;
use crate::topic::Topics;

/// Items of one reason that are looked for. A project in which more tasks than that wait for a person has one problem, and not thousands.
const FOUND_MAX: usize = 1_000;
/// Tasks that wait for a dead or cancelled one, of which each is asked for which.
const STUCK_ASKED_MAX: usize = 200;
/// Tasks that an item names.
const NAMED_MAX: usize = 3;

/// List what waits for a person, the most pressing first, each with the command that settles it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Args)]
pub struct Attention {
    /// Wait up to D until something does (exit 8 when nothing did)
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
    const ABOUT: &'static str = "List what waits for a person, with the command that settles it";
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
        let found = found(cx)?;
        if found.is_empty() && self.wait.is_some() {
            return Err(Rejection::timed_out("nothing waits for a person").into());
        }
        let end = after.saturating_add(limit).min(found.len());
        let next = if page::goes_on(end < found.len()) { Some(cursor::after_place(cx.view, &end)?) } else { None };
        Ok(AttentionReply { items: found.into_iter().take(end).skip(after).map(|found| found.item(cx)).collect::<Result<_, _>>()?, next })
    }
}

/// The most pressing items, at most `limit`, and whether there are more.
///
/// # Errors
/// Store errors.
pub(super) fn most_pressing(cx: &Reading<'_>, limit: usize) -> StoreResult<(Vec<AttentionItem>, u64)> {
    let found = found(cx)?;
    let more = found.len().saturating_sub(limit) as u64;
    Ok((found.into_iter().take(limit).map(|found| found.item(cx)).collect::<Result<_, _>>()?, more))
}

/// An item before its age is read: lists may be long, pages are short.
struct Found {
    reason: AttentionReason,
    subject: String,
    agent: Option<String>,
    about: String,
    since: Since,
}

/// The start of an item's age.
enum Since {
    /// The last event of this kind about the subject.
    Event(&'static str),
    /// When the subject became ready.
    Ready,
    /// An age that is known, in milliseconds.
    AgeMs(i64),
}

impl Found {
    fn item(self, cx: &Reading<'_>) -> StoreResult<AttentionItem> {
        let Self { reason, subject, agent, about, since } = self;
        let age_ms = match since {
            Since::AgeMs(age_ms) => age_ms,
            Since::Ready => match subject.parse::<TaskId>() {
                Ok(id) => cx.view.task(&id)?.and_then(|task| task.ready_at).map_or(0, |since| cx.now.store.since_ms(since)),
                Err(_) => 0,
            },
            Since::Event(kind) => cx.view.last_event_of(&subject, kind)?.map_or(0, |event| cx.now.store.since_ms(event.store_at)),
        };
        let next = match reason {
            AttentionReason::Review | AttentionReason::LandingRefused | AttentionReason::NobodyAble => format!("oarlock task {subject}"),
            AttentionReason::TaskDead | AttentionReason::TaskCancelled => format!("oarlock requeue {subject}"),
            AttentionReason::AgentStuck | AttentionReason::AgentLost => format!("oarlock agent {subject}"),
            AttentionReason::Abandoned => format!("oarlock claim {subject}"),
        };
        Ok(AttentionItem { reason, subject, agent, age_ms, about, next })
    }
}

/// All that waits for a person, the most pressing first.
fn found(cx: &Reading<'_>) -> StoreResult<Vec<Found>> {
    let mut all = Vec::new();
    reviews(cx, &mut all)?;
    dead_ends(cx, &mut all)?;
    let agents = cx.view.agents()?;
    let able: Vec<&_> = agents.iter().filter(|agent| cx.agent_state(agent) == AgentState::Active).collect();
    for offer in cx.view.ready_offers(None, FOUND_MAX)? {
        let spec = &offer.spec;
        if spec.capabilities.is_empty() || able.iter().any(|agent| claim::is_able(spec, agent)) {
            continue;
        }
        let wanted: Vec<&str> = spec.capabilities.iter().map(|capability| capability.as_str()).collect();
        let about = format!("asks for {}, which no active agent has", wanted.join(", "));
        all.push(Found::task(AttentionReason::NobodyAble, &offer.id, None, about, Since::Ready));
    }
    stuck_agents(cx, &able, &mut all)?;
    for task in cx.view.outside_tasks(FOUND_MAX)? {
        let Some(hold) = task.outside.as_ref().filter(|hold| hold.end == Some(OutsideEnd::Abandoned)) else { continue };
        if task.outside_holder().is_none() && !task.state.is_finished() {
            let age_ms = cx.now.wall.0.saturating_sub(hold.seen.0).max(0);
            all.push(Found::task(AttentionReason::Abandoned, &task.id, hold.holder.clone(), task.spec.title.clone(), Since::AgeMs(age_ms)));
        }
    }
    for agent in agents.iter().filter(|agent| agent.end == Some(SessionEnd::Lost)) {
        let age_ms = cx.now.store.since_ms(agent.presence.seen);
        if age_ms <= LOST_SHOWN_MS {
            let name = agent.name.to_string();
            let about = agent.presence.action.clone().unwrap_or_default();
            let (reason, since) = (AttentionReason::AgentLost, Since::Event("agent_lost"));
            all.push(Found { reason, subject: name.clone(), agent: Some(name), about, since });
        }
    }
    all.sort_by_key(|found| found.reason);
    Ok(all)
}

impl Found {
    fn task(reason: AttentionReason, id: &TaskId, agent: Option<String>, about: String, since: Since) -> Self {
        Self { reason, subject: id.to_string(), agent, about, since }
    }
}

/// Tasks in review, apart from those that the landing queue works on.
fn reviews(cx: &Reading<'_>, all: &mut Vec<Found>) -> StoreResult<()> {
    let mut filter = TaskFilter { states: vec![TaskState::Review], limit: FOUND_MAX, bytes_max: usize::MAX, ..TaskFilter::default() };
    // Reviews that the landing queue works on may fill whole pages.
    let mut left = FOUND_MAX;
    loop {
        let tasks = cx.view.tasks(&filter)?;
        for task in &tasks {
            let Some(reason) = attention::in_review(task) else { continue };
            let since = match reason {
                AttentionReason::LandingRefused => Since::Event("landing_refused"),
                _ => Since::Event("task_submitted"),
            };
            all.push(Found::task(reason, &task.id, last_holder(task), task.spec.title.clone(), since));
            left -= 1;
            if left == 0 {
                return Ok(());
            }
        }
        match tasks.last().filter(|_| tasks.len() == filter.limit) {
            Some(last) => filter.after_seq = last.seq,
            None => return Ok(()),
        }
    }
}

/// Dead tasks, and cancelled ones for which others wait.
fn dead_ends(cx: &Reading<'_>, all: &mut Vec<Found>) -> StoreResult<()> {
    let mut behind: BTreeMap<TaskId, BTreeSet<TaskId>> = BTreeMap::new();
    for stuck in cx.view.stuck_tasks(STUCK_ASKED_MAX)? {
        for end in cx.view.dead_ends(&stuck, NAMED_MAX)? {
            behind.entry(end).or_default().insert(stuck.clone());
        }
    }
    for id in cx.view.dead_letters(FOUND_MAX)? {
        let waiting = behind.remove(&id).map_or(String::new(), |tasks| format!("; {}", wait_for_it(&tasks)));
        let why = match cx.view.last_event_of(id.as_str(), "task_died")?.map(|event| event.fact) {
            Some(Fact::TaskDied(died)) => format!("attempts used up: {} failed, {} lost", died.failures, died.losses),
            _ => "attempts used up".into(),
        };
        let agent = cx.view.task(&id)?.as_ref().and_then(last_holder);
        all.push(Found::task(AttentionReason::TaskDead, &id, agent, why + &waiting, Since::Event("task_died")));
    }
    for (id, tasks) in behind {
        if cx.view.task_state(&id)? == Some(TaskState::Cancelled) {
            all.push(Found::task(AttentionReason::TaskCancelled, &id, None, wait_for_it(&tasks), Since::Event("task_cancelled")));
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

/// Agents that hold work and have shown no progress for long.
fn stuck_agents(cx: &Reading<'_>, active: &[&Agent], all: &mut Vec<Found>) -> StoreResult<()> {
    let sessions: Vec<&SessionId> = active.iter().map(|agent| &agent.session).collect();
    let mut claims: BTreeMap<SessionId, Vec<TaskId>> = BTreeMap::new();
    for (session, task) in cx.view.claims_of_all(&sessions)? {
        claims.entry(session).or_default().push(task);
    }
    for agent in active {
        let Some(held) = claims.get(&agent.session) else { continue };
        if liveness::activity(&agent.presence, held.len(), cx.now) == Activity::Stuck {
            let named: Vec<&str> = held.iter().take(NAMED_MAX).map(TaskId::as_str).collect();
            let name = agent.name.to_string();
            let since = Since::AgeMs(cx.now.store.since_ms(agent.presence.progressed));
            let about = format!("holds {} and has shown no progress", named.join(", "));
            all.push(Found { reason: AttentionReason::AgentStuck, subject: name.clone(), agent: Some(name), about, since });
        }
    }
    Ok(())
}

/// Who had the task last.
fn last_holder(task: &Task) -> Option<String> {
    task.grant.as_ref().map(|grant| grant.agent.to_string())
}
