//! Work of those who know nothing of the store: what speaks for them says who has which task, and how that ended. No door lists these: only the
//! bridge to RALF's files orders them.

use clap::Args;
use oarlock_model::event::{LossReason, TaskLeftOutside, TaskTakenOutside};
use oarlock_model::rules::fence;
use oarlock_model::task::{OutsideEnd, OutsideHold, Task, TaskState};
use oarlock_model::{Label, Rejection, TaskId, WallTime, limits};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::OpError;
use crate::caller::{Caller, Identity};
use crate::context::Deciding;
use crate::lock::Lock;
use crate::reap;
use crate::request::{Mutation, Request};
use crate::task::add::TaskReply;
use crate::task::finish::{self, Outcome};
use crate::task::{rest, values};

/// Somebody outside of the store has a task. A live lease keeps it from that. The same again only reports a sign of life.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Args)]
pub struct TakeOutside {
    /// The task.
    pub id: TaskId,
    /// Who, as it is called there: untrusted text of at most [`limits::OUTSIDE_NAME_BYTES_MAX`] bytes.
    #[arg(long, value_name = "NAME")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holder: Option<String>,
    /// How long ago that began, in milliseconds.
    #[arg(long, value_name = "MS", default_value_t = 0)]
    pub since_ms_ago: i64,
    /// How long ago its last sign of life was, in milliseconds.
    #[arg(long, value_name = "MS", default_value_t = 0)]
    pub seen_ms_ago: i64,
    /// The system that reports it.
    #[arg(long, value_name = "S")]
    pub source: Label,
}

/// The task is held outside of the store no more, and goes on as an open one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Args)]
pub struct LeaveOutside {
    /// The task.
    pub id: TaskId,
    /// It gave no sign of life for too long; otherwise it was set free there.
    #[arg(long)]
    #[serde(default)]
    pub abandoned: bool,
    /// How long ago its last sign of life was, in milliseconds; absent where nothing is known beside the earlier report.
    #[arg(long, value_name = "MS")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen_ms_ago: Option<i64>,
}

/// The task was finished outside of the store, whether or not it was known to be held there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Args)]
pub struct FinishOutside {
    /// The task.
    pub id: TaskId,
    /// By whom, if it was not known to be held there.
    #[arg(long, value_name = "NAME")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holder: Option<String>,
    /// The system that reports it.
    #[arg(long, value_name = "S")]
    pub source: Label,
}

impl Request for TakeOutside {
    const VERB: &'static str = "take-outside";
    const ABOUT: &'static str = "Record that a caller outside of the store has a task";
    const EXAMPLE: &'static [&'static str] = &[];
    const IDENTITY: Identity = Identity::Optional;
    type Reply = TaskReply;

    fn check(&self) -> Result<(), Rejection> {
        check_name(self.holder.as_deref())
    }
}

impl Request for LeaveOutside {
    const VERB: &'static str = "leave-outside";
    const ABOUT: &'static str = "Record that a task is no longer held outside of the store";
    const EXAMPLE: &'static [&'static str] = &[];
    const IDENTITY: Identity = Identity::Optional;
    type Reply = TaskReply;
}

impl Request for FinishOutside {
    const VERB: &'static str = "finish-outside";
    const ABOUT: &'static str = "Record that a task was finished outside of the store";
    const EXAMPLE: &'static [&'static str] = &[];
    const IDENTITY: Identity = Identity::Optional;
    type Reply = TaskReply;

    fn check(&self) -> Result<(), Rejection> {
        check_name(self.holder.as_deref())
    }
}

fn check_name(name: Option<&str>) -> Result<(), Rejection> {
    match name.map_or(0, str::len) {
        bytes if bytes > limits::OUTSIDE_NAME_BYTES_MAX => {
            Err(Rejection::limit("bytes of the holder's name", limits::OUTSIDE_NAME_BYTES_MAX, bytes))
        }
        _ => values::check_note("holder's name", name),
    }
}

/// The longest time ago that is reported, in milliseconds: a hundred years.
const AGO_MS_MAX: i64 = 100 * 365 * 86_400_000;

/// The wall time this long ago.
fn ago(cx: &Deciding<'_>, ms: i64) -> WallTime {
    cx.now().wall.plus_ms(-ms.clamp(0, AGO_MS_MAX))
}

impl Mutation for TakeOutside {
    fn locks(&self, _caller: &Caller) -> Vec<Lock> {
        vec![Lock::Task(self.id.clone())]
    }

    fn decide(&self, cx: &mut Deciding<'_>) -> Result<TaskReply, OpError> {
        let task = cx.task(&self.id)?;
        let (since, seen) = (ago(cx, self.since_ms_ago), ago(cx, self.seen_ms_ago));
        match task.outside_holder() {
            Some(hold) if hold.holder == self.holder && hold.source == self.source => {
                if seen.0 >= hold.seen.0.saturating_add(limits::OUTSIDE_SEEN_EVERY_MS) {
                    cx.tx().write_outside_seen(&task.id, seen)?;
                }
            }
            _ => take(cx, &task, self.holder.clone(), (since, seen), &self.source)?,
        }
        TaskReply::of(cx, &self.id)
    }
}

/// The task becomes that of somebody outside of the store. A lease of another session that has ended is lost, as when the task is granted again.
fn take(
    cx: &mut Deciding<'_>,
    task: &Task,
    holder: Option<String>,
    (since, seen): (WallTime, WallTime),
    source: &Label,
) -> Result<(), OpError> {
    let id = &task.id;
    let is_open = matches!(task.state, TaskState::Ready | TaskState::Scheduled | TaskState::Blocked);
    if let Some(grant) = task.holder() {
        let agent = cx.view().agent(&grant.agent)?;
        let facts = fence::holder_facts(grant, agent.as_ref(), cx.now());
        if facts.ttl_ms > 0 {
            return Err(Rejection::LeaseHeld { task: id.clone(), holder: facts }.into());
        }
        if !reap::lose_lease(cx, task, LossReason::Expired, false)? {
            // It has died of that, and that stays so.
            cx.keep()?;
            let why = Some("its lease was lost too often".to_owned());
            return Err(Rejection::StateConflict { verb: "take", task: id.clone(), state: TaskState::Dead, why }.into());
        }
    } else if !is_open && task.outside_holder().is_none() {
        return Err(Rejection::StateConflict { verb: "take", task: id.clone(), state: task.state, why: None }.into());
    }
    cx.emit(TaskTakenOutside { id: id.clone(), holder, since, seen, source: source.clone() })
}

impl Mutation for LeaveOutside {
    fn locks(&self, _caller: &Caller) -> Vec<Lock> {
        vec![Lock::Task(self.id.clone())]
    }

    fn decide(&self, cx: &mut Deciding<'_>) -> Result<TaskReply, OpError> {
        let task = cx.task(&self.id)?;
        let Some(hold) = task.outside_holder() else {
            let why = Some("nobody outside of the store has it".to_owned());
            return Err(Rejection::StateConflict { verb: "free", task: task.id, state: task.state, why }.into());
        };
        let seen = self.seen_ms_ago.map_or(hold.seen, |ms| ago(cx, ms).max(hold.seen));
        leave(cx, &task, hold, if self.abandoned { OutsideEnd::Abandoned } else { OutsideEnd::Free }, seen)?;
        TaskReply::of(cx, &self.id)
    }
}

/// Ends a hold outside of the store; the task rests where it does when nobody has it.
pub(crate) fn leave(cx: &mut Deciding<'_>, task: &Task, hold: &OutsideHold, reason: OutsideEnd, seen: WallTime) -> Result<(), OpError> {
    let resting = rest::resting_place(cx.view(), task)?;
    cx.emit(TaskLeftOutside { id: task.id.clone(), holder: hold.holder.clone(), reason, seen, resting })
}

impl Mutation for FinishOutside {
    fn locks(&self, _caller: &Caller) -> Vec<Lock> {
        vec![Lock::Task(self.id.clone())]
    }

    fn decide(&self, cx: &mut Deciding<'_>) -> Result<TaskReply, OpError> {
        let task = cx.task(&self.id)?;
        if !cx.view().open_children(&task.id, 1)?.is_empty() {
            let why = Some("it has unfinished parts".to_owned());
            return Err(Rejection::StateConflict { verb: "finish", task: task.id, state: task.state, why }.into());
        }
        if task.outside_holder().is_none() {
            let now = cx.now().wall;
            take(cx, &task, self.holder.clone(), (now, now), &self.source)?;
        }
        let mut task = cx.task(&self.id)?;
        finish::finish(cx, &mut task, Outcome::default())?;
        TaskReply::of(cx, &self.id)
    }
}
