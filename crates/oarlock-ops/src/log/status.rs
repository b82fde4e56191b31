//! `status`: one screen.

use clap::Args;
use oarlock_model::landing::{BranchName, LandingState};
use oarlock_model::proposal::Proposal;
use oarlock_model::rules::liveness::AgentState;
use oarlock_model::rules::{outside, vote};
use oarlock_model::task::{Task, TaskState};
use oarlock_model::{Label, ProposalId, TaskId, limits};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

use crate::OpError;
use crate::caller::Identity;
use crate::context::Reading;
use crate::cursor;
use crate::request::{Query, Request};
use crate::task::choice::all_expired;

use super::attention::{AttentionItem, most_pressing};

/// How many ids a list of the screen names.
const NAMED_MAX: usize = 20;
/// Items that wait for a person and are shown first.
const ATTENTION_MAX: usize = 5;
/// Tasks outside of the store that are looked at for it.
const OUTSIDE_MAX: usize = 1_000;

/// Show active agents, tasks by state, and problems on one screen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Args)]
pub struct Status {}

/// The reply of [`Status`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StatusReply {
    /// The most pressing items that wait for a person, each with the command that settles it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attention: Vec<AttentionItem>,
    /// How much more does.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub attention_more: u64,
    /// Agents by state.
    pub agents: BTreeMap<String, u64>,
    /// Tasks by state, and `total`.
    pub tasks: BTreeMap<String, u64>,
    /// The ready task that has been ready longest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oldest_ready: Option<OldestReady>,
    /// Names of lost agents.
    pub lost: Vec<String>,
    /// Tasks that wait for a dead or cancelled one.
    pub stuck: Vec<TaskId>,
    /// Tasks that failed or were lost too often.
    pub dead_letters: Vec<TaskId>,
    /// Tasks whose lease has expired and that anybody may claim.
    pub expired_leases: u64,
    /// Tasks that somebody outside of the store has: the first of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outside: Vec<OutsideTask>,
    /// Tasks that somebody outside of the store had and gave no sign of life for too long: the first of those that anybody may claim since.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub abandoned: Vec<OutsideTask>,
    /// Work that is done and not landed, or landed, for each target branch of unfinished tasks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub landing: Vec<TargetCounts>,
    /// Reservations that have not ended.
    pub reservations: u64,
    /// Proposals that are open, the oldest first: at most 20.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub proposals: Vec<OpenProposal>,
    /// Where the log ends.
    pub cursor: String,
    /// Other, unused stores of the same repository; shown only on the store's machine.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub other_stores: Vec<String>,
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// The work for one target branch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TargetCounts {
    /// The target branch.
    pub onto: BranchName,
    /// Submissions that wait to be tested: their agents say that they are done.
    pub queued: u64,
    /// Submissions that are being merged and tested.
    pub testing: u64,
    /// Submissions whose merged tree may land, while the branch is moved there.
    pub verified: u64,
    /// Tasks that have landed.
    pub landed: u64,
    /// Tasks whose last submission was refused.
    pub refused: u64,
}

impl TargetCounts {
    fn of(cx: &Reading<'_>, onto: BranchName) -> Result<Self, OpError> {
        let counts = cx.view.landing_counts(&onto)?;
        let mut all = Self { queued: 0, testing: 0, verified: 0, landed: counts.landed, refused: counts.refused, onto };
        for queued in cx.view.queued_landings(&all.onto, limits::LANDING_QUEUE_MAX)? {
            match (queued.landing.candidate.is_some(), queued.landing.state) {
                (true, _) => all.verified += 1,
                (false, LandingState::Testing) => all.testing += 1,
                _ => all.queued += 1,
            }
        }
        Ok(all)
    }
}

/// The task that has been ready longest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OldestReady {
    /// The task.
    pub id: TaskId,
    /// For how long, in milliseconds.
    pub age_ms: i64,
}

/// A proposal that takes votes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OpenProposal {
    /// The proposal.
    pub id: ProposalId,
    /// The question.
    pub question: String,
    /// The number of votes so far.
    pub votes: u64,
    /// Milliseconds until its deadline; absent without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closes_in_ms: Option<i64>,
}

impl OpenProposal {
    fn of(cx: &Reading<'_>, proposal: Proposal) -> Self {
        Self {
            id: proposal.id.shown_by(cx.view.identity()),
            votes: vote::tally(&proposal).values().sum(),
            question: proposal.question,
            closes_in_ms: proposal.closes_at.map(|at| at.since_ms(cx.now.store).max(0)),
        }
    }
}

/// A task that somebody outside of the store has or had.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OutsideTask {
    /// The task.
    pub id: TaskId,
    /// The name of the holder there, which may be any text; absent where the source gives none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// How long ago its last sign of life was, in milliseconds.
    pub age_ms: i64,
    /// The source that reported it, for example `ralf`.
    pub source: Label,
}

impl OutsideTask {
    fn of(cx: &Reading<'_>, task: &Task) -> Option<Self> {
        let hold = task.outside.as_ref()?;
        let facts = outside::facts(hold, cx.now);
        Some(Self { id: task.id.clone(), agent: facts.holder, age_ms: facts.age_ms, source: facts.source })
    }
}

impl Request for Status {
    const VERB: &'static str = "status";
    const ABOUT: &'static str = "Show agents, tasks and problems on one screen";
    const EXAMPLE: &'static [&'static str] = &[];
    const IDENTITY: Identity = Identity::Optional;
    type Reply = StatusReply;
}

impl Query for Status {
    fn answer(&self, cx: &Reading<'_>) -> Result<StatusReply, OpError> {
        let mut agents: BTreeMap<String, u64> = AgentState::ALL.map(|state| (state.as_str().to_owned(), 0)).into();
        let mut lost = Vec::new();
        let known = cx.view.agents()?;
        for agent in &known {
            let state = cx.agent_state(agent);
            if state == AgentState::Lost {
                lost.push(agent.name.to_string());
            }
            *agents.entry(state.as_str().to_owned()).or_default() += 1;
        }
        let counts = cx.view.counts()?;
        let mut tasks: BTreeMap<String, u64> = TaskState::ALL.map(|state| (state.as_str().to_owned(), counts.of(state))).into();
        tasks.insert("total".into(), counts.total());
        let oldest_ready = cx.view.oldest_ready()?.map(|(id, since)| OldestReady { id, age_ms: cx.now.store.since_ms(since) });
        lost.truncate(NAMED_MAX);
        let of_outside = cx.view.outside_tasks(OUTSIDE_MAX)?;
        let (attention, attention_more) = most_pressing(cx, &known, &of_outside, ATTENTION_MAX)?;
        let (held, left): (Vec<Task>, Vec<Task>) = of_outside.into_iter().partition(|t| t.outside_holder().is_some());
        let is_abandoned = |task: &&Task| !task.state.is_finished() && task.abandoned_hold().is_some();
        Ok(StatusReply {
            attention,
            attention_more,
            agents,
            tasks,
            oldest_ready,
            lost,
            stuck: cx.view.stuck_tasks(NAMED_MAX)?.into_iter().collect(),
            dead_letters: cx.view.dead_letters(NAMED_MAX)?,
            expired_leases: all_expired(cx.view)?.offers.len() as u64,
            outside: held.iter().take(NAMED_MAX).filter_map(|task| OutsideTask::of(cx, task)).collect(),
            abandoned: left.iter().filter(is_abandoned).take(NAMED_MAX).filter_map(|task| OutsideTask::of(cx, task)).collect(),
            landing: cx.view.landing_targets()?.into_iter().map(|onto| TargetCounts::of(cx, onto)).collect::<Result<_, _>>()?,
            reservations: cx.view.reservation_count()? as u64,
            proposals: cx.view.open_proposals(NAMED_MAX)?.into_iter().map(|proposal| OpenProposal::of(cx, proposal)).collect(),
            cursor: cursor::after(cx.view, cx.view.last_seq()?)?,
            other_stores: Vec::new(),
        })
    }
}
