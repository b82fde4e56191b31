//! Lawful refusals: the request was understood, and the answer is no, with the facts and the next move.

mod holder;
mod unready;

use crate::ErrorCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use thiserror::Error;

pub use holder::{HolderFacts, OutsideFacts};
pub use unready::Unready;

use crate::ident::{AgentName, SessionId, StateKey, TaskId, Token};
use crate::task::TaskState;

/// A reservation that is in the way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OverlapFacts {
    /// The wanted target.
    #[serde(rename = "path")]
    pub wanted: String,
    /// The reserved target.
    pub pattern: String,
    /// Who holds it.
    pub agent: AgentName,
    /// The task it came with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<TaskId>,
    /// Why, as its holder said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// How long it still holds, in milliseconds.
    pub ttl_ms: i64,
    /// Whether nobody holds it, but `task` waits for it and goes first; `agent` could take that task.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub goes_first: bool,
}

/// The first conflict, and how many there are.
fn overlap_in_words(overlaps: &[OverlapFacts], more: usize) -> String {
    let count = overlaps.len() + more;
    let conflicts = if count == 1 { "1 conflict".to_owned() } else { format!("{count} conflicts") };
    match overlaps.first() {
        Some(OverlapFacts { goes_first: true, task: Some(task), pattern, .. }) => {
            format!("{pattern} is kept for task {task}, which waits for it and goes first ({conflicts})")
        }
        Some(first) => format!("{} is reserved by {} ({conflicts})", first.pattern, first.agent),
        None => conflicts,
    }
}

/// Why a request was refused. Variants differ where the caller's next move differs.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum Rejection {
    /// A value of the request cannot be accepted.
    #[error("{message}")]
    Invalid {
        /// The problem.
        message: String,
        /// The next step for the caller.
        hint: String,
        /// Facts for programs; null when there are none.
        details: Value,
    },
    /// A dependency would close a cycle.
    #[error("the dependency would close a cycle: {}", around(cycle))]
    Cycle {
        /// The tasks of the cycle: each needs the next one, and the last one the first.
        cycle: Vec<TaskId>,
    },
    /// The call needs to know who is calling.
    #[error("this command needs to know which agent is calling")]
    IdentityRequired,
    /// There is no such thing.
    #[error("there is no {noun} \"{id}\"")]
    NotFound {
        /// Which kind of thing.
        noun: &'static str,
        /// The id that was given.
        id: String,
    },
    /// There is no such place or project.
    #[error("{message}")]
    Missing {
        /// The missing capabilities.
        message: String,
        /// The next step for the caller.
        hint: String,
    },
    /// Another session holds the task.
    #[error("{} holds task {task}{}", holder.agent, if holder.ttl_ms > 0 { format!(" for another {}", seconds(holder.ttl_ms)) } else { ", its lease has expired but was not granted again".to_owned() })]
    LeaseHeld {
        /// The task.
        task: TaskId,
        /// Who holds it.
        holder: HolderFacts,
    },
    /// Somebody outside of the store has the task.
    #[error("task {task} is held by {}", holder.in_words())]
    HeldOutside {
        /// The task.
        task: TaskId,
        /// Who has it.
        holder: OutsideFacts,
    },
    /// The task is meant for another agent, which is active.
    #[error("task {task} is assigned to {agent}, which is active")]
    AssignedElsewhere {
        /// The task.
        task: TaskId,
        /// Whom it is assigned to.
        agent: AgentName,
    },
    /// The caller held the task and lost it.
    #[error("the lease on task {task} is lost: it was {how}")]
    LeaseLost {
        /// The task.
        task: TaskId,
        /// The state of the lease.
        how: &'static str,
        /// Who holds the task now.
        holder: Option<HolderFacts>,
    },
    /// The token is not that of the last grant.
    #[error("token {given} of task {task} is stale{}", current.map(|t| format!(": its last grant is {t}")).unwrap_or_else(|| ": this store has not granted it".to_owned()))]
    StaleToken {
        /// The task.
        task: TaskId,
        /// The token given.
        given: Token,
        /// The token of the last grant.
        current: Option<Token>,
    },
    /// The session is over.
    #[error("session {session} of {agent} has ended: {why}")]
    StaleSession {
        /// The agent.
        agent: AgentName,
        /// The session meant.
        session: SessionId,
        /// The reason for its end.
        why: &'static str,
        /// The agent's current session, if it has a live one.
        current: Option<SessionId>,
    },
    /// The state entry has another version.
    #[error("state entry {key} has version {actual}, not {expected}")]
    VersionConflict {
        /// The entry.
        key: StateKey,
        /// The version wanted.
        expected: u64,
        /// The version it has; 0 when it does not exist.
        actual: u64,
    },
    /// Others hold the wanted paths.
    #[error("{}", overlap_in_words(overlaps, *more))]
    ReservationOverlap {
        /// The reservations in the way; never empty, and not more than [`crate::limits::OVERLAPS_MAX`].
        overlaps: Vec<OverlapFacts>,
        /// How many more there are.
        more: usize,
    },
    /// It exists already.
    #[error("{noun} \"{id}\" already exists{}", detail.as_deref().map(|d| format!(": {d}")).unwrap_or_default())]
    AlreadyExists {
        /// Which kind of thing.
        noun: &'static str,
        /// Its id.
        id: String,
        /// More about it.
        detail: Option<String>,
        /// The next step for the caller.
        hint: &'static str,
    },
    /// The task's state does not allow it.
    #[error("cannot {verb} task {task}: it is {}{}", state.in_sentence(), why.as_deref().map(|w| format!(" ({w})")).unwrap_or_default())]
    StateConflict {
        /// The verb refused.
        verb: &'static str,
        /// The task.
        task: TaskId,
        /// Its state.
        state: TaskState,
        /// More about it.
        why: Option<String>,
    },
    /// The current state of the store does not allow it, apart from the state of one task.
    #[error("{message}")]
    Conflict {
        /// The problem.
        message: String,
        /// The next step for the caller.
        hint: String,
        /// Facts for programs.
        details: Value,
    },
    /// The idempotency key was used for another request.
    #[error("the key \"{key}\" was used for another {verb} request")]
    KeyReused {
        /// The key.
        key: String,
        /// The verb.
        verb: String,
    },
    /// Too large or too many.
    #[error("{what}: {actual} is over the limit of {limit}")]
    LimitReached {
        /// The limited quantity.
        what: String,
        /// The limit.
        limit: u64,
        /// The requested amount.
        actual: u64,
    },
    /// A pattern that would keep others out of too much.
    #[error("{pattern} is too wide to be held by one agent alone")]
    TooWide {
        /// The pattern.
        pattern: String,
        /// Leading components that have to be named.
        named_components: usize,
    },
    /// Too much in too short a time.
    #[error("more than {limit} {what}")]
    QuotaReached {
        /// The limited quantity.
        what: String,
        /// The limit.
        limit: u64,
        /// After how long the same would be admitted, in milliseconds.
        after_ms: i64,
    },
    /// There is nothing this agent can claim now.
    #[error("{}", nothing_ready(agent, rest, why.as_deref()))]
    NothingReady {
        /// Who asked.
        agent: AgentName,
        /// The counts of tasks that are not ready.
        rest: Box<Unready>,
        /// The reasons that kept ready tasks from this agent, if there are any.
        why: Option<String>,
    },
    /// Messages came for an agent that would wait for work.
    #[error("{count} {} for {agent}", if *count == 1 { "message waits" } else { "messages wait" })]
    MessagesWaiting {
        /// Whom they are for.
        agent: AgentName,
        /// How many are shown here.
        count: usize,
        /// The messages, as replies show them: an array.
        messages: Value,
        /// Messages that it has not read besides these.
        unread: u64,
    },
    /// The awaited change did not happen in time.
    #[error("timed out after {}: {what}", crate::duration::words::in_words(*waited_ms))]
    TimedOut {
        /// The awaited change.
        what: String,
        /// How long, in milliseconds.
        waited_ms: i64,
        /// Facts of the refusal that time did not change: an object, or nothing.
        facts: Value,
    },
    /// Fewer agents are active than wanted.
    #[error("{active} agents are active, {wanted} are needed")]
    NotEnoughAgents {
        /// Active agents that match.
        active: u64,
        /// How many were wanted.
        wanted: u64,
    },
    /// Not allowed.
    #[error("{message}")]
    Denied {
        /// The refused action.
        message: String,
        /// The next step for the caller.
        hint: &'static str,
    },
}

fn nothing_ready(agent: &AgentName, rest: &Unready, why: Option<&str>) -> String {
    if rest.all_done {
        return "everything is done: stop".to_owned();
    }
    let words: Vec<String> = why.map(str::to_owned).into_iter().chain(rest.in_words()).collect();
    let words = if words.is_empty() { String::new() } else { format!(": {}", words.join(", ")) };
    format!("nothing is ready for {agent}{words}")
}

fn seconds(ms: i64) -> String {
    format!("{} s", (ms + 999) / 1_000)
}

/// A cycle as a path that comes back to its first task.
fn around(cycle: &[TaskId]) -> String {
    cycle.iter().chain(cycle.first()).map(TaskId::as_str).collect::<Vec<_>>().join(" -> ")
}

impl Rejection {
    /// A value that cannot be accepted, without further facts.
    pub fn invalid(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Rejection::Invalid { message: message.into(), hint: hint.into(), details: Value::Null }
    }

    /// Something that does not exist.
    pub fn not_found(noun: &'static str, id: impl ToString) -> Self {
        Rejection::NotFound { noun, id: crate::ident::shown(&id.to_string()) }
    }

    /// The awaited change has not happened yet; the waiting caller reports how long it took.
    pub fn timed_out(what: impl Into<String>) -> Self {
        Rejection::TimedOut { what: what.into(), waited_ms: 0, facts: Value::Null }
    }

    /// Who holds the wanted paths, where the refusal names somebody.
    pub fn in_the_way(&self) -> Vec<&AgentName> {
        match self {
            Rejection::LeaseHeld { holder, .. } => vec![&holder.agent],
            Rejection::AssignedElsewhere { agent, .. } => vec![agent],
            Rejection::ReservationOverlap { overlaps, .. } => overlaps.iter().map(|overlap| &overlap.agent).collect(),
            _ => Vec::new(),
        }
    }

    /// A limit that was passed.
    pub fn limit(what: impl Into<String>, limit: usize, actual: usize) -> Self {
        Rejection::LimitReached { what: what.into(), limit: limit as u64, actual: actual as u64 }
    }

    /// The code, one of docs/reference/errors.md.
    pub fn code(&self) -> ErrorCode {
        match self {
            Rejection::Invalid { .. } | Rejection::Cycle { .. } => ErrorCode::InvalidRequest,
            Rejection::IdentityRequired => ErrorCode::IdentityRequired,
            Rejection::NotFound { .. } | Rejection::Missing { .. } => ErrorCode::NotFound,
            Rejection::LeaseHeld { .. } | Rejection::HeldOutside { .. } | Rejection::AssignedElsewhere { .. } => ErrorCode::LeaseHeld,
            Rejection::LeaseLost { .. } => ErrorCode::LeaseLost,
            Rejection::StaleToken { .. } => ErrorCode::StaleToken,
            Rejection::StaleSession { .. } => ErrorCode::StaleSession,
            Rejection::VersionConflict { .. } => ErrorCode::VersionConflict,
            Rejection::ReservationOverlap { .. } => ErrorCode::ReservationOverlap,
            Rejection::AlreadyExists { .. } => ErrorCode::AlreadyExists,
            Rejection::StateConflict { .. } | Rejection::Conflict { .. } => ErrorCode::StateConflict,
            Rejection::KeyReused { .. } => ErrorCode::KeyReused,
            Rejection::LimitReached { .. } | Rejection::QuotaReached { .. } | Rejection::TooWide { .. } => ErrorCode::LimitReached,
            Rejection::NothingReady { .. } => ErrorCode::NothingReady,
            Rejection::MessagesWaiting { .. } => ErrorCode::MessagesWaiting,
            Rejection::TimedOut { .. } => ErrorCode::TimedOut,
            Rejection::NotEnoughAgents { .. } => ErrorCode::NotEnoughAgents,
            Rejection::Denied { .. } => ErrorCode::Denied,
        }
    }

    /// Facts for programs: an object, empty when there are none.
    pub fn details(&self) -> Value {
        match self {
            Rejection::Invalid { details, .. } | Rejection::Conflict { details, .. } => details.clone(),
            Rejection::Cycle { cycle } => json!({ "cycle": cycle }),
            Rejection::NotFound { noun, id } => json!({"noun": noun, "id": id}),
            Rejection::LeaseHeld { task, holder } => json!({"task": task, "holder": holder.json()}),
            Rejection::HeldOutside { task, holder } => json!({"task": task, "holder": holder.json()}),
            Rejection::AssignedElsewhere { task, agent } => json!({"task": task, "assigned": agent}),
            Rejection::LeaseLost { task, how, holder } => match holder {
                Some(holder) => json!({"task": task, "how": how, "holder": holder.json()}),
                None => json!({"task": task, "how": how}),
            },
            Rejection::StaleToken { task, given, current } => match current {
                Some(current) => json!({"task": task, "given": given, "current": current}),
                None => json!({"task": task, "given": given}),
            },
            Rejection::StaleSession { agent, session, why, current } => match current {
                Some(current) => json!({"agent": agent, "session": session, "why": why, "current": current}),
                None => json!({"agent": agent, "session": session, "why": why}),
            },
            Rejection::VersionConflict { key, expected, actual } => json!({"key": key, "expected": expected, "actual": actual}),
            Rejection::ReservationOverlap { overlaps, more: 0 } => json!({ "overlaps": overlaps }),
            Rejection::ReservationOverlap { overlaps, more } => json!({"overlaps": overlaps, "more": more}),
            Rejection::AlreadyExists { noun, id, .. } => json!({"noun": noun, "id": id}),
            Rejection::StateConflict { task, state, .. } => json!({"task": task, "state": state}),
            Rejection::KeyReused { key, verb } => json!({"key": key, "verb": verb}),
            Rejection::LimitReached { limit, actual, .. } => json!({"limit": limit, "actual": actual}),
            Rejection::TooWide { pattern, named_components } => json!({"pattern": pattern, "named_components": named_components}),
            Rejection::QuotaReached { limit, .. } => json!({"limit": limit}),
            Rejection::NothingReady { rest, .. } => rest.json(),
            Rejection::MessagesWaiting { messages, unread, .. } => json!({"messages": messages, "unread": unread}),
            Rejection::TimedOut { waited_ms, facts, .. } => {
                let mut details = json!({"waited_ms": waited_ms});
                if let (Some(details), Some(facts)) = (details.as_object_mut(), facts.as_object()) {
                    details.extend(facts.iter().map(|(name, fact)| (name.clone(), fact.clone())));
                }
                details
            }
            Rejection::NotEnoughAgents { active, wanted } => json!({"active": active, "wanted": wanted}),
            Rejection::IdentityRequired | Rejection::Denied { .. } | Rejection::Missing { .. } => Value::Null,
        }
    }

    /// After how long it is worth asking again, where time alone may change the answer, in milliseconds.
    pub fn retry_after_ms(&self) -> Option<i64> {
        match self {
            Rejection::LeaseHeld { holder, .. } => Some(holder.ttl_ms.max(1)),
            Rejection::ReservationOverlap { overlaps, .. } => overlaps.iter().map(|o| o.ttl_ms.max(1)).max(),
            Rejection::QuotaReached { after_ms, .. } => Some((*after_ms).max(1)),
            _ => None,
        }
    }
}
