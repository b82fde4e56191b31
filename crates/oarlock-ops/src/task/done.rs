//! `done`: completes a task (semantics 4, 10).

use clap::Args;
use oarlock_model::duration::Duration;
use oarlock_model::event::Fact;
use oarlock_model::landing::{BranchName, ObjectId};
use oarlock_model::rules::landing;
use oarlock_model::task::{Gate, Grant, GrantEnd, Task, TaskState};
use oarlock_model::{ErrorCode, Rejection, TaskId, Token, limits, seeded};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::OpError;
use crate::agent::notices::{self, Notices};
use crate::caller::{Caller, Identity};
use crate::context::{Deciding, Reading};
use crate::local::Local;
use crate::lock::Lock;
use crate::outside::Grants;
use crate::reap;
use crate::request::{Mutation, Request, TextFile, Waiting};
use crate::search::Findings;
use crate::shapes::{MessageShape, TaskShape};
use crate::store::unread_count;
use crate::task::claim::{Claim, ClaimReply, Claimed};
use crate::task::finish::{self, Outcome, Submitted};
use crate::task::release::granted_to_me;
use crate::task::{rest, values};

/// Complete a task. The same call again gives the same reply; a different result is refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Args)]
pub struct Done {
    /// The task
    pub id: TaskId,
    /// The lease's token [default: the session's own]
    #[arg(long, value_name = "N")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<Token>,
    /// The result; - reads standard input
    #[arg(long, value_name = "TEXT")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<String>,
    /// Paths of created or changed files
    #[arg(long, value_name = "PATH", num_args = 1..)]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub artifact: Vec<String>,
    /// Branch to land, for the gate merge [default: oarlock/ID, else the current branch]
    #[arg(long, value_name = "B")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<BranchName>,
    /// Full hash of the commit that lands; the command line finds it by the branch
    #[arg(skip)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<ObjectId>,
    /// Then claim the best ready task; the completion is committed first
    #[arg(long)]
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub claim: bool,
    /// Reserve the write set and resources of the next task
    #[arg(long, requires = "claim")]
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub reserve: bool,
    /// Wait up to D for the next task
    #[arg(long, value_name = "D", requires = "claim")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait: Option<Duration>,
    /// End the wait for a message that asks for an acknowledgement, or that a person sent
    #[arg(long, requires = "claim")]
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub or_message: bool,
}

/// The reply of [`Done`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DoneReply {
    /// The task.
    pub task: TaskShape,
    /// Tasks that can be claimed because of it.
    pub unblocked: Vec<TaskId>,
    /// Needs that the task got while it was held and that were not done when it was finished.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unmet_needs: Vec<TaskId>,
    /// Messages that the agent has neither acknowledged nor been shown.
    #[serde(default)]
    pub unread: u64,
    /// Notices about its other work; those of the following claim are in `claimed`.
    #[serde(flatten)]
    pub notices: Notices,
    /// With `claim`: the task that was taken next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claimed: Option<ClaimReply>,
    /// With `claim`: why none was, with the facts of that refusal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nothing_ready: Option<NextRefused>,
    /// Whether the same call had finished the task before.
    #[serde(skip)]
    pub repeated: bool,
}

/// Why no next task was taken: that refusal's error object, with its facts beside.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NextRefused {
    /// Its code.
    pub code: ErrorCode,
    /// The message of the refusal.
    pub message: String,
    /// The next step.
    pub hint: String,
    /// The messages that are to be read first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub messages: Vec<MessageShape>,
    /// Its other facts.
    #[serde(flatten)]
    pub facts: Map<String, Value>,
}

impl NextRefused {
    fn of(refusal: &OpError) -> Self {
        let mut facts = match refusal.details() {
            Value::Object(facts) => facts,
            _ => Map::new(),
        };
        // The wait was for the next task only, and is over.
        facts.remove("waited_ms");
        facts.remove("messages");
        Self { code: refusal.code(), message: refusal.to_string(), hint: refusal.hint(), messages: refusal.messages(), facts }
    }
}

impl Request for Done {
    const VERB: &'static str = "done";
    const ABOUT: &'static str = "Complete a task";
    const EXAMPLE: &'static [&'static str] = &["T-1", "--result", "parser written, 12 tests"];
    const IDENTITY: Identity = Identity::Needed;
    const OUTSIDE_KEY: &'static [&'static str] = &["branch", "commit"];
    const TEXT_FILE: Option<TextFile> =
        Some(TextFile { flag: "result-file", id: "result_file", field: "result", about: "The result from a file; - reads standard input" });
    type Reply = DoneReply;

    fn localise(&mut self, local: &mut dyn Local) -> Result<(), OpError> {
        self.result.as_mut().map_or(Ok(()), |result| local.read_if_dash(result))?;
        self.name_commit(local)
    }

    fn name_commit(&mut self, local: &dyn Local) -> Result<(), OpError> {
        if self.commit.is_none()
            && let Some((branch, commit)) = local.submission(&self.id, self.branch.as_ref())?
        {
            (self.branch, self.commit) = (branch, Some(commit));
        }
        Ok(())
    }

    fn file_text(&mut self) -> Option<&mut Option<String>> {
        Some(&mut self.result)
    }

    fn check(&self) -> Result<(), Rejection> {
        if let Some(result) = &self.result {
            values::check_text("result", result, limits::BODY_BYTES_MAX)?;
        }
        if !self.claim && (self.reserve || self.wait.is_some() || self.or_message) {
            return Err(Rejection::invalid("reserve, wait and or_message are about the next task, and none is to be claimed", "add claim"));
        }
        values::check_list("artifacts", self.artifact.len())?;
        self.artifact.iter().try_for_each(|path| values::check_note("artifact", Some(path)))
    }

    fn waiting(&self) -> Option<Waiting> {
        self.claim.then(|| self.next(None).waiting()).flatten()
    }
}

impl Mutation for Done {
    fn locks(&self, _caller: &Caller) -> Vec<Lock> {
        vec![Lock::Task(self.id.clone())]
    }

    fn decide(&self, cx: &mut Deciding<'_>) -> Result<DoneReply, OpError> {
        match granted_to_me(cx, &self.id, self.token)? {
            (task, Some(grant)) if grant.end.is_none() => self.complete(cx, task, &grant),
            (task, Some(grant)) if grant.end == Some(GrantEnd::Done) => self.repeat(cx, task),
            (task, _) => Err(Rejection::StateConflict { verb: "finish", task: task.id, state: task.state, why: None }.into()),
        }
    }

    fn goes_on(&self) -> bool {
        self.claim
    }

    fn grants(&self, is_next: bool) -> Grants {
        if is_next { Grants::Any } else { Grants::Nothing }
    }

    fn locks_of_next(&self) -> Vec<Lock> {
        self.next(None).locks(&Caller::default())
    }

    fn is_whole(&self, reply: &DoneReply) -> bool {
        !self.claim || reply.claimed.is_some() || reply.nothing_ready.is_some()
    }

    fn go_on(&self, cx: &mut Deciding<'_>, first: &DoneReply) -> Result<DoneReply, OpError> {
        let token = self.own_token(cx)?;
        let before = if first.repeated { taken_after(cx, token)? } else { None };
        let claimed = match before {
            Some(claimed) => ClaimReply::of_one(claimed, unread_count(cx.view(), &cx.me()?.name)?, Notices::default()),
            None => self.next(token).decide(cx)?,
        };
        Ok(DoneReply { claimed: Some(claimed), unread: unread_count(cx.view(), &cx.me()?.name)?, ..first.clone() })
    }

    fn give_up(&self, first: DoneReply, refusal: &OpError) -> DoneReply {
        let refused = NextRefused::of(refusal);
        // Messages that the refusal shows are not unread any more.
        let unread = refused.facts.get("unread").and_then(Value::as_u64).unwrap_or(first.unread);
        DoneReply { nothing_ready: Some(refused), unread, ..first }
    }

    fn search(&self, cx: &Reading<'_>, findings: &mut Findings) -> Result<(), OpError> {
        self.next(None).search(cx, findings)
    }

    fn worth_trying(&self, cx: &Reading<'_>, findings: &mut Findings) -> Result<bool, OpError> {
        self.next(None).worth_trying(cx, findings)
    }
}

/// The grants of a session that came from the call that finished this one.
fn taken_after(cx: &Deciding<'_>, token: Option<Token>) -> Result<Option<Claimed>, OpError> {
    if token.is_none() || seeded::is(seeded::CLAIMS_AGAIN) {
        return Ok(None);
    }
    for id in cx.view().claims_of(&cx.me()?.session)? {
        let granted = cx.view().last_event_of(id.as_str(), "task_claimed")?.map(|event| event.fact);
        if matches!(granted, Some(Fact::TaskClaimed(granted)) if granted.after == token) {
            return Claimed::held(&cx.reading(), cx.task(&id)?);
        }
    }
    Ok(None)
}

impl Done {
    /// A request that only finishes.
    #[must_use]
    pub fn of(id: TaskId) -> Self {
        Self {
            id,
            token: None,
            result: None,
            artifact: Vec::new(),
            branch: None,
            commit: None,
            claim: false,
            reserve: false,
            wait: None,
            or_message: false,
        }
    }

    /// The commit that the task submits for landing, if that is its gate.
    fn submitted(&self, task: &Task) -> Result<Option<Submitted>, Rejection> {
        match (&self.commit, task.spec.gate) {
            (Some(commit), Some(Gate::Merge)) => {
                landing::check_branch(task, self.branch.as_ref())?;
                Ok(Some(Submitted { branch: self.branch.clone(), commit: commit.clone() }))
            }
            (None, Some(Gate::Merge)) => Err(Rejection::invalid(
                format!("{} is done when its commit lands, and the call names no commit", task.id),
                "commit the work and call `oarlock done` in its repository, or with --branch B; by HTTP give `commit` its full hash",
            )),
            _ => Ok(None),
        }
    }

    /// The claim that follows.
    fn next(&self, after: Option<Token>) -> Claim {
        Claim { wait: self.wait, reserve: self.reserve, or_message: self.or_message, after, ..Claim::default() }
    }

    /// The token of the grant that was finished, as long as nobody else has the task.
    fn own_token(&self, cx: &Deciding<'_>) -> Result<Option<Token>, OpError> {
        let session = &cx.me()?.session;
        Ok(cx.task(&self.id)?.grant.filter(|grant| grant.session == *session).map(|grant| grant.token))
    }

    fn complete(&self, cx: &mut Deciding<'_>, mut task: Task, grant: &Grant) -> Result<DoneReply, OpError> {
        if !cx.view().open_children(&task.id, 1)?.is_empty() {
            let why = Some("it has unfinished parts".to_owned());
            return Err(Rejection::StateConflict { verb: "finish", task: task.id.clone(), state: task.state, why }.into());
        }
        let outcome = Outcome {
            token: Some(grant.token),
            result: self.result.clone(),
            artifacts: self.artifact.clone(),
            submitted: self.submitted(&task)?,
        };
        let unmet_needs = rest::unmet_needs(cx.view(), &task)?;
        let unblocked = finish::finish(cx, &mut task, outcome)?;
        reap::end_reservations_of_task(cx, &task.id)?;
        let notices = notices::take(cx)?.without(&[&self.id]);
        Ok(DoneReply { notices, ..reply(cx, task, unblocked, unmet_needs, false)? })
    }

    /// The caller finished it before: the same result gets the same reply.
    fn repeat(&self, cx: &Deciding<'_>, task: Task) -> Result<DoneReply, OpError> {
        let last = |kind| Ok::<_, OpError>(cx.view().last_event_of(task.id.as_str(), kind)?.map(|event| event.fact));
        let done = if task.state == TaskState::Review { None } else { last("task_done")? };
        // What an approval finished was handed in before.
        let (given, unblocked, unmet_needs) = match done {
            Some(Fact::TaskDone(done)) if done.token.is_some() => (Some((done.result, done.artifacts)), done.unblocked, done.unmet_needs),
            done => {
                let (given, unmet_needs) = match last("task_submitted")? {
                    Some(Fact::TaskSubmitted(submitted)) => (Some((submitted.result, submitted.artifacts)), submitted.unmet_needs),
                    _ => (None, Vec::new()),
                };
                (given, if let Some(Fact::TaskDone(done)) = done { done.unblocked } else { Vec::new() }, unmet_needs)
            }
        };
        let (result, artifacts) = given.unwrap_or_else(|| (task.result.clone(), task.artifacts.clone()));
        if (result != self.result || artifacts != self.artifact) && !seeded::is(seeded::DONE_TWICE) {
            let why = Some("it was finished before with another result".to_owned());
            return Err(Rejection::StateConflict { verb: "finish", task: task.id, state: task.state, why }.into());
        }
        reply(cx, task, unblocked, unmet_needs, true)
    }
}

fn reply(cx: &Deciding<'_>, task: Task, unblocked: Vec<TaskId>, unmet_needs: Vec<TaskId>, repeated: bool) -> Result<DoneReply, OpError> {
    let unread = unread_count(cx.view(), &cx.me()?.name)?;
    let task = TaskShape::of(&cx.reading(), task)?;
    Ok(DoneReply { task, unblocked, unmet_needs, unread, notices: Notices::default(), claimed: None, nothing_ready: None, repeated })
}
