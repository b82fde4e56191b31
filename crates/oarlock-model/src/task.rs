//! Tasks: their specification, holder and result.

mod state;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

use crate::ident::{AgentName, Label, SessionId, TaskId, Token};
use crate::landing::{BranchName, Landing, LandingRefusal};
use crate::limits;
use crate::pattern::Pattern;
use crate::time::{StoreTime, WallTime};

pub use state::TaskState;

impl std::str::FromStr for TaskState {
    type Err = crate::Rejection;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        TaskState::ALL.into_iter().find(|state| state.as_str() == text).ok_or_else(|| {
            let all = TaskState::ALL.map(TaskState::as_str).join(", ");
            crate::Rejection::invalid(format!("\"{}\" is not a task state", crate::ident::shown(text)), format!("use one of {all}"))
        })
    }
}

/// Who must approve a task after it is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Gate {
    /// Somebody calls `approve` or `reject`.
    Human,
    /// Its commit must land on its target branch: `merge` approves it then.
    Merge,
}

impl std::str::FromStr for Gate {
    type Err = crate::Rejection;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "human" => Ok(Gate::Human),
            "merge" => Ok(Gate::Merge),
            _ => Err(crate::Rejection::invalid(format!("\"{}\" is not a gate", crate::ident::shown(text)), "use one of human, merge")),
        }
    }
}

/// The specification of a task: its maker chooses it, and `update` may change it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskSpec {
    /// One line.
    pub title: String,
    /// Markdown for anyone who does it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub body: String,
    /// The kind of work.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<Label>,
    /// Its own priority: 0 is the most urgent, 4 the least. Absent for a part that was given none: its parent's counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<u8>,
    /// The task it is a part of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<TaskId>,
    /// The capabilities that an agent must have to claim it.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub capabilities: BTreeSet<Label>,
    /// Its write set: the paths it will change.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub writes: Vec<Pattern>,
    /// Things only one may use at a time, for example a port or a device.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub resources: BTreeSet<Label>,
    /// How long it should take, in minutes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimate_minutes: Option<u32>,
    /// Whom it is meant for; while that agent is active, nobody else gets it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assigned: Option<AgentName>,
    /// After this many failures, or this many lost leases, it is dead.
    pub max_attempts: u32,
    /// Not before this wall time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_before: Option<WallTime>,
    /// Who must approve it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gate: Option<Gate>,
    /// The branch that its commit lands on, with the gate `merge`; absent until a queue takes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub onto: Option<BranchName>,
    /// The role or capability of the agents that may approve it; absent where only a person may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reviewer: Option<Label>,
    /// The document that it was made from: its path in the repository, or an absolute path of one outside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
}

impl TaskSpec {
    /// A task with this title and the defaults of [`limits`].
    pub fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), priority: Some(limits::PRIORITY_DEFAULT), max_attempts: limits::ATTEMPTS_DEFAULT, ..Self::default() }
    }
}

/// Where a task rests when nobody holds it and it is not finished.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum Resting {
    /// It can be claimed, and could since `ready_at`.
    Ready {
        /// Since when, in store time; the base of its rank.
        ready_at: StoreTime,
    },
    /// It needs unfinished tasks.
    Blocked,
    /// It can be claimed later: at `retry_at`, or at the spec's `not_before`, whichever is later.
    Scheduled {
        /// The end of a back-off, in store time.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_at: Option<StoreTime>,
    },
    /// It has unfinished children.
    Waiting,
}

impl Resting {
    /// The task state of this resting place.
    pub fn state(self) -> TaskState {
        match self {
            Resting::Ready { .. } => TaskState::Ready,
            Resting::Blocked => TaskState::Blocked,
            Resting::Scheduled { .. } => TaskState::Scheduled,
            Resting::Waiting => TaskState::Waiting,
        }
    }
}

/// How the last grant of a task ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GrantEnd {
    /// With `done`, also when it waits in review.
    Done,
    /// With `fail`.
    Failed,
    /// With `release` or `leave`, or because the store was restored.
    Released,
    /// A new session of the same name took over.
    TakenOver,
    /// The owner's death was proven, or the lease expired and could not be granted again.
    Lost,
    /// The task was cancelled.
    Cancelled,
    /// The holder split the task.
    Split,
}

/// The last grant of a task: its holder while it is claimed, its fence for ever.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// The fencing token.
    pub token: Token,
    /// Who got it.
    pub agent: AgentName,
    /// Which incarnation got it.
    pub session: SessionId,
    /// When, for people.
    pub since: WallTime,
    /// When it was granted or last renewed by itself; a heartbeat of the session renews it too.
    pub renewed: StoreTime,
    /// How long it holds after a renewal, in milliseconds.
    pub ttl_ms: i64,
    /// Whether the task's write set and resources were reserved with it.
    pub reserve: bool,
    /// Whether it does not count yet: the files beside the store do not show it. Nobody else can have the task meanwhile.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub intended: bool,
    /// How it ended, if it has.
    pub end: Option<GrantEnd>,
}

impl Grant {
    /// Whether it is an intent of which its session does not know yet.
    pub fn is_intent(&self) -> bool {
        self.intended && self.end.is_none()
    }
}

/// How the last hold outside of the store ended, where the task went on as an open one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OutsideEnd {
    /// Anyone who speaks for it says that it is free again.
    Free,
    /// It gave no sign of life for too long.
    Abandoned,
    /// `release --force`.
    Forced,
}

/// Somebody works on the task who knows nothing of the store, for example an agent that has only RALF's files. No lease, clock, death or
/// claim ends that: only who speaks for it, or `release --force`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutsideHold {
    /// Who, as it is called there; absent where nobody is named. Untrusted text.
    pub holder: Option<String>,
    /// Since when.
    pub since: WallTime,
    /// Its last sign of life; after an end by force, the moment of that.
    pub seen: WallTime,
    /// The system that reports it, for example `ralf`.
    pub source: Label,
    /// How it ended; absent while it lasts. It is forgotten when the task is granted or ends.
    pub end: Option<OutsideEnd>,
}

/// A task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    /// Its number in the order of creation.
    pub seq: u64,
    /// Its id.
    pub id: TaskId,
    /// The specification of the task.
    pub spec: TaskSpec,
    /// The tasks it needs.
    pub needs: BTreeSet<TaskId>,
    /// Its priority: the most urgent of its own, its parent's and those of unfinished tasks that wait for it.
    pub priority: u8,
    /// Whether its parent no longer waits for it.
    pub dropped: bool,
    /// Whether it is done by itself when its last child is.
    pub auto_finish: bool,
    /// Its state.
    pub state: TaskState,
    /// Since when it could be claimed.
    pub ready_at: Option<StoreTime>,
    /// The end of its back-off.
    pub retry_at: Option<StoreTime>,
    /// The number of the running or last counted attempt.
    pub attempt: u32,
    /// Reported failures.
    pub failures: u32,
    /// Lost leases.
    pub losses: u32,
    /// Its last grant.
    pub grant: Option<Grant>,
    /// Who has it, or had it last, outside of the store.
    pub outside: Option<OutsideHold>,
    /// Percent done, as its holder says.
    pub progress: Option<u8>,
    /// The result of its last attempt that ended with one.
    pub result: Option<String>,
    /// The reason of its last rejection, until it is handed in again or done.
    pub rejected: Option<String>,
    /// The reason of its last failure, until it is handed in or done.
    pub last_failure: Option<String>,
    /// Paths its holder named.
    pub artifacts: Vec<String>,
    /// Its last submission for landing.
    pub landing: Option<Landing>,
    /// When it was added.
    pub created_at: WallTime,
    /// Who added it.
    pub created_by: Option<AgentName>,
    /// When an event last changed it.
    pub updated_at: WallTime,
}

impl Task {
    /// A new task, blocked and not numbered yet.
    pub fn new(id: TaskId, spec: TaskSpec, created_at: WallTime) -> Self {
        Self {
            seq: 0,
            id,
            priority: spec.priority.unwrap_or(limits::PRIORITY_DEFAULT),
            spec,
            needs: BTreeSet::new(),
            dropped: false,
            auto_finish: false,
            state: TaskState::Blocked,
            ready_at: None,
            retry_at: None,
            attempt: 0,
            failures: 0,
            losses: 0,
            grant: None,
            outside: None,
            progress: None,
            result: None,
            rejected: None,
            last_failure: None,
            artifacts: Vec::new(),
            landing: None,
            created_at,
            created_by: None,
            updated_at: created_at,
        }
    }

    pub(crate) fn rest(&mut self, resting: Resting) {
        self.state = resting.state();
        match resting {
            Resting::Ready { ready_at } => {
                self.ready_at = Some(ready_at);
                self.retry_at = None;
            }
            Resting::Scheduled { retry_at } => self.retry_at = retry_at,
            Resting::Blocked | Resting::Waiting => {}
        }
    }

    /// The grant that holds it now. A claimed task without one is held [outside](Self::outside_holder).
    pub fn holder(&self) -> Option<&Grant> {
        self.grant.as_ref().filter(|_| self.state == TaskState::Claimed && self.outside_holder().is_none())
    }

    /// Who holds it now outside of the store.
    pub fn outside_holder(&self) -> Option<&OutsideHold> {
        self.outside.as_ref().filter(|hold| self.state == TaskState::Claimed && hold.end.is_none())
    }

    /// The hold of somebody outside who gave no sign of life for too long, until somebody else has the task.
    pub fn abandoned_hold(&self) -> Option<&OutsideHold> {
        self.outside.as_ref().filter(|hold| hold.end == Some(OutsideEnd::Abandoned))
    }

    /// Somebody outside has taken it.
    pub(crate) fn taken_outside(&mut self, hold: OutsideHold) {
        self.state = TaskState::Claimed;
        self.progress = None;
        self.retry_at = None;
        self.outside = Some(hold);
    }

    /// The intent to grant it to a session, if that is all that there is.
    pub fn intent(&self) -> Option<&Grant> {
        self.holder().filter(|grant| grant.is_intent())
    }

    /// An intent came to nothing: as if there had been none, and no attempt.
    pub(crate) fn drop_intent(&mut self) {
        self.attempt = self.failures + self.losses;
        self.end_grant(GrantEnd::Released);
    }

    pub(crate) fn granted(&mut self, grant: Grant) {
        self.state = TaskState::Claimed;
        self.progress = None;
        self.retry_at = None;
        self.grant = Some(grant);
        self.outside = None;
    }

    /// The effect on the task of finishing it, or of handing it in for review: the same for the specification and for replies
    /// made inside a transaction. An absent result and no artifacts leave the former values; reasons why former attempts were not
    /// good enough are over.
    pub fn finish(&mut self, state: TaskState, result: Option<&String>, artifacts: &[String]) {
        self.end_grant(GrantEnd::Done);
        self.outside = None;
        self.state = state;
        self.rejected = None;
        self.last_failure = None;
        if let Some(result) = result {
            self.result = Some(result.clone());
        }
        if !artifacts.is_empty() {
            self.artifacts = artifacts.to_vec();
        }
    }

    pub(crate) fn end_grant(&mut self, end: GrantEnd) {
        if let Some(grant) = self.grant.as_mut().filter(|grant| grant.end.is_none()) {
            grant.end = Some(end);
            grant.intended = false;
        }
    }

    /// Its submission, if that is still on its way.
    pub fn open_landing(&self) -> Option<&Landing> {
        self.landing.as_ref().filter(|landing| landing.is_open())
    }

    /// A person has decided otherwise: its submission does not land.
    pub(crate) fn withdraw_landing(&mut self) {
        if let Some(landing) = self.landing.as_mut().filter(|landing| landing.is_open()) {
            landing.refuse(LandingRefusal::Withdrawn, Vec::new());
        }
    }

    /// The bytes of its long texts, by which pages of tasks are bounded.
    pub fn text_bytes(&self) -> usize {
        let texts = [&self.result, &self.rejected, &self.last_failure];
        self.spec.body.len() + texts.into_iter().flatten().map(String::len).sum::<usize>()
    }

    /// Its place in the queue, smaller first; only meaningful while it has been ready.
    pub fn rank(&self) -> i64 {
        crate::rules::rank::rank(self.ready_at.unwrap_or_default(), self.priority)
    }
}
