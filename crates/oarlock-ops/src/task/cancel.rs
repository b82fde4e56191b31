//! `cancel`: calls a task off, and its parts with it.

use clap::Args;
use oarlock_model::event::TaskCancelled;
use oarlock_model::rules::authority::Authority;
use oarlock_model::rules::change::Change;
use oarlock_model::rules::landing;
use oarlock_model::task::TaskState;
use oarlock_model::{Rejection, TaskId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

use crate::OpError;
use crate::caller::{Caller, Identity};
use crate::context::Deciding;
use crate::lock::Lock;
use crate::reap;
use crate::request::{Mutation, Request};
use crate::task::add::TaskReply;
use crate::task::{finish, urgency};

/// Cancel an unfinished task and its unfinished parts. Holders are notified with their next heartbeat.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Args)]
pub struct Cancel {
    /// The task
    pub id: TaskId,
    /// Let its parent continue without it; also for a part that is already dead or cancelled
    #[arg(long)]
    #[serde(default)]
    pub drop: bool,
}

impl Request for Cancel {
    const VERB: &'static str = "cancel";
    const ABOUT: &'static str = "Cancel a task and its parts";
    const EXAMPLE: &'static [&'static str] = &["T-1"];
    const IDENTITY: Identity = Identity::Optional;
    type Reply = TaskReply;
}

impl Mutation for Cancel {
    fn locks(&self, _caller: &Caller) -> Vec<Lock> {
        vec![Lock::Graph, Lock::Task(self.id.clone())]
    }

    fn decide(&self, cx: &mut Deciding<'_>) -> Result<TaskReply, OpError> {
        let task = cx.task(&self.id)?;
        let parent = task.spec.parent.clone().filter(|_| self.drop);
        if self.drop && parent.is_none() {
            let message = format!("{} is not a part of another task", task.id);
            return Err(Rejection::invalid(message, "leave --drop out: no task waits for it as for a part").into());
        }
        let is_left_open = self.drop && task.state.is_dead_end() && !task.dropped;
        if task.state.is_finished() && !is_left_open {
            let why = task.dropped.then(|| "the task it was a part of goes on without it".to_owned());
            return Err(Rejection::StateConflict { verb: "cancel", task: task.id, state: task.state, why }.into());
        }
        let unfinished: Vec<_> = cx.view().tree(&self.id)?.into_iter().filter(|(_, state)| !state.is_finished()).collect();
        if unfinished.len() > cx.room() {
            return Err(self.cancel_some(cx, &unfinished)?);
        }
        let mut no_longer_waited_for = BTreeSet::new();
        let mut open = vec![(task.id, None)];
        // A damaged store can have a task below itself.
        let mut seen = BTreeSet::new();
        while let Some((id, with_parent)) = open.pop() {
            if !seen.insert(id.clone()) {
                continue;
            }
            let Some(state) = cx.view().task_state(&id)?.filter(|state| *state != TaskState::Done) else { continue };
            let drop = self.drop && id == self.id;
            // Dead parts stay dead letters: they can be looked at and requeued.
            if drop || !state.is_finished() {
                // An operator may cancel whatever there is: nothing need be read for it.
                if cx.caller().authority != Authority::Operator {
                    cx.check_change(&cx.task(&id)?, Change::Cancel)?;
                }
                if state == TaskState::Review {
                    landing::check_not_landing(&cx.task(&id)?, "cancel")?;
                }
                no_longer_waited_for.extend(cx.view().unmet_needs(&id)?);
                cx.emit(TaskCancelled { id: id.clone(), with_parent, drop })?;
                if state == TaskState::Claimed {
                    reap::end_reservations_of_task(cx, &id)?;
                }
            }
            open.extend(cx.view().children(&id)?.into_iter().map(|child| (child, Some(id.clone()))));
        }
        urgency::refresh(cx, no_longer_waited_for)?;
        if let Some(parent) = parent {
            finish::goes_on(cx, &parent)?;
        }
        TaskReply::of(cx, &self.id)
    }
}

impl Cancel {
    /// Cancels as many parts of a tree as fit into this portion, those made last first, so that a part goes before the task that it is a
    /// part of. The task itself goes with the last portion: cut off before that, it waits for cancelled parts, and the same call again
    /// does the rest.
    fn cancel_some(&self, cx: &mut Deciding<'_>, unfinished: &[(TaskId, TaskState)]) -> Result<OpError, OpError> {
        let progress = cx.take_progress();
        if !progress.is_begun && cx.caller().authority != Authority::Operator {
            // A refusal changes nothing: every refusal comes before the first portion.
            for (id, _) in unfinished {
                cx.check_change(&cx.task(id)?, Change::Cancel)?;
            }
        }
        let mut no_longer_waited_for = BTreeSet::new();
        for (id, state) in unfinished.iter().rev().filter(|(id, _)| *id != self.id) {
            if cx.room() == 0 {
                break;
            }
            let with_parent = cx.view().node(id)?.and_then(|node| node.parent);
            no_longer_waited_for.extend(cx.view().unmet_needs(id)?);
            cx.emit(TaskCancelled { id: id.clone(), with_parent, drop: false })?;
            if *state == TaskState::Claimed {
                reap::end_reservations_of_task(cx, id)?;
            }
        }
        urgency::refresh(cx, no_longer_waited_for)?;
        Ok(cx.go_on_later(progress))
    }
}
