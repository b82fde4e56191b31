//! A simulation of landing: agents that submit, lose their tasks and speak late, a queue whose worker dies between any two of its steps, persons
//! that reject, cancel and approve meanwhile, and a target branch that remembers nothing but its landing commits. An oracle sees to it that each
//! task lands once at most, and only by its last submission; that nothing is done without having landed, or worked on after it has; and that in
//! the end everything lands.

use std::collections::BTreeMap;

use fastrand::Rng;
use oarlock_model::landing::{BranchName, LandingState, ObjectId};
use oarlock_model::task::{Gate, Task, TaskState};
use oarlock_model::{AgentName, TaskId, Token};
use oarlock_ops::OpError;
use oarlock_ops::agent::Join;
use oarlock_ops::call;
use oarlock_ops::caller::Caller;
use oarlock_ops::landing::{Land, QueuedTask, RefuseLanding, RequeueLanding, StartLanding, TakeLandings, TestedLanding};
use oarlock_ops::request::Mutation;
use oarlock_ops::settings::Settings;
use oarlock_ops::store::{Store, StoreResult};
use oarlock_ops::task::{Add, Approve, Cancel, Claim, Done, Reject, Requeue, TaskFields, Update};

use super::{Judged, Plan, TOLD_MAX, Violation};
use crate::harness::Harness;

/// The tasks of a simulation.
const TASKS: usize = 12;
/// The agents.
const AGENTS: [&str; 3] = ["ada", "bob", "cy"];
/// Steps in which everything must have landed once nothing goes wrong any more.
const CALM_STEPS_MAX: usize = 2_000;

/// The counts of a simulation of landing that went well.
#[derive(Clone, Debug, Default)]
pub struct LandingCounts {
    /// Landing commits of the branch.
    pub landed: usize,
    /// Submissions that were refused.
    pub refused: usize,
    /// Workers of the queue that died between two steps.
    pub crashes: usize,
    /// Landings that a later worker found in the branch.
    pub settled: usize,
    /// Calls of persons and of late agents that were refused.
    pub turned_away: usize,
}

/// Runs one simulation under a harness that nobody has used.
///
/// # Errors
/// The first violation.
///
/// # Panics
/// The store fails where nothing was done to it.
pub fn run_landing(plan: Plan, harness: Box<dyn Harness>) -> Result<LandingCounts, Box<Violation>> {
    let mut world = World {
        rng: Rng::with_seed(plan.seed),
        harness,
        onto: BranchName::parse("main").expect("a name"),
        branch: Vec::new(),
        commits: 0,
        holds: BTreeMap::new(),
        worker: None,
        counts: LandingCounts::default(),
        told: Vec::new(),
    };
    let mut step = 0;
    match world.live(plan.steps, &mut step) {
        Ok(()) => Ok(world.counts),
        Err(what) => Err(Box::new(Violation { plan, step, what, history: world.told })),
    }
}

/// A landing commit of the branch, as its trailers say it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct LandingCommit {
    task: TaskId,
    token: Option<Token>,
    submitted: ObjectId,
    commit: ObjectId,
}

/// A living worker of the queue: its place between two steps.
#[derive(Clone, Debug)]
enum Stage {
    /// It has begun, or come to the end of a submission.
    Free,
    /// It tests this submission.
    Testing(QueuedTask),
    /// The tree has passed: the branch is about to be moved to this commit.
    Passed(QueuedTask, ObjectId),
    /// The branch has moved.
    Moved(QueuedTask, ObjectId),
}

struct World {
    rng: Rng,
    harness: Box<dyn Harness>,
    onto: BranchName,
    branch: Vec<LandingCommit>,
    /// Commits that were made so far.
    commits: u64,
    /// The last grants that each agent knows of, of whatever age.
    holds: BTreeMap<(usize, TaskId), Token>,
    worker: Option<Stage>,
    counts: LandingCounts,
    told: Vec<String>,
}

impl World {
    fn live(&mut self, steps: usize, step: &mut usize) -> Judged {
        for n in 0..TASKS {
            let fields = TaskFields { gate: Some(Gate::Merge), max_attempts: Some(2), ..TaskFields::default() };
            let add = Add { title: "t".into(), id: Some(id_of(n)), fields, ..Add::default() };
            self.expect("-", &add)?;
        }
        (0..AGENTS.len()).try_for_each(|agent| self.join(agent))?;
        while *step < steps {
            *step += 1;
            let other = self.rng.usize(..AGENTS.len());
            match self.rng.u32(..100) {
                0..40 => self.agent_acts()?,
                40..80 => self.worker_acts(false)?,
                80..92 => self.person_acts()?,
                92..96 => {
                    self.tell("the worker of the queue dies".to_owned());
                    self.counts.crashes += usize::from(self.worker.take().is_some());
                }
                96..98 => self.harness.advance_ms(20 * 60_000),
                _ => self.join(other)?,
            }
            self.look()?;
        }
        for _ in 0..CALM_STEPS_MAX {
            *step += 1;
            if self.is_all_landed()? {
                return Ok(());
            }
            self.calm_step()?;
            self.look()?;
        }
        Err("not everything has landed, although nothing goes wrong any more".into())
    }

    /// A new session of an agent: what the old one held is free.
    fn join(&mut self, agent: usize) -> Judged {
        let name = AgentName::parse(AGENTS[agent]).map_err(|error| error.to_string())?;
        self.expect(AGENTS[agent], &Join { name: Some(name), take_over: true, ..Join::default() })
    }

    fn agent_acts(&mut self) -> Judged {
        let (agent, task) = (self.rng.usize(..AGENTS.len()), id_of(self.rng.usize(..TASKS)));
        match self.holds.get(&(agent, task.clone())).copied().filter(|_| self.rng.u32(..3) > 0) {
            Some(token) => {
                // It may speak late: the token is checked.
                let commit = self.next_commit();
                let done = Done { token: Some(token), commit: Some(commit), ..Done::of(task.clone()) };
                self.attempt(AGENTS[agent], &done)?;
            }
            None => self.claim(agent, &task)?,
        }
        Ok(())
    }

    fn claim(&mut self, agent: usize, task: &TaskId) -> Judged {
        let claim = Claim { id: Some(task.clone()), ..Claim::default() };
        if let Some(reply) = self.attempt(AGENTS[agent], &claim)? {
            for claimed in reply.into_claims() {
                self.holds.insert((agent, claimed.task.id), claimed.lease.token);
            }
        }
        Ok(())
    }

    fn person_acts(&mut self) -> Judged {
        let id = id_of(self.rng.usize(..TASKS));
        match self.rng.u32(..5) {
            0 => self.attempt("-", &Reject { id, reason: "no".into() }).map(drop),
            1 => self.attempt("-", &Cancel { id, drop: false }).map(drop),
            2 => self.attempt("-", &Requeue { id, parts: false }).map(drop),
            3 => {
                let fields = TaskFields { priority: Some(1), ..TaskFields::default() };
                self.attempt("-", &Update { id, title: None, fields, needs: None, clear: Vec::new() }).map(drop)
            }
            _ => match self.attempt("-", &Approve { id: id.clone() })? {
                Some(_) => Err(format!("{id} was approved, and lands instead")),
                None => Ok(()),
            },
        }
    }

    /// One step of the queue's worker; a new one settles first what the last one left. A careful worker refuses nothing.
    fn worker_acts(&mut self, is_careful: bool) -> Judged {
        let stage = match self.worker.take() {
            None => {
                self.settle()?;
                Stage::Free
            }
            Some(stage) => stage,
        };
        let next = match stage {
            Stage::Free => match self.expect_reply("-", &TakeLandings { onto: self.onto.clone() })?.queue.first() {
                Some(queued) if queued.candidate.is_none() => {
                    let start = StartLanding { id: queued.task.clone(), submission: queued.submission };
                    self.attempt("-", &start)?.map_or(Stage::Free, |_| Stage::Testing(queued.clone()))
                }
                _ => Stage::Free,
            },
            Stage::Testing(queued) if !is_careful && self.rng.bool() => {
                let (id, submission, conflict) = (queued.task, queued.submission, self.rng.bool());
                let refuse = RefuseLanding { id, submission, conflict, files: Vec::new(), brief: "no".into() };
                self.counts.refused += usize::from(self.attempt("-", &refuse)?.is_some());
                Stage::Free
            }
            Stage::Testing(queued) => {
                let commit = self.next_commit();
                let (id, submission, candidate) = (queued.task.clone(), queued.submission, Some(commit.clone()));
                let tested = TestedLanding { id, submission, tests: 1, flaky: false, tree: None, candidate };
                self.attempt("-", &tested)?.map_or(Stage::Free, |_| Stage::Passed(queued, commit))
            }
            Stage::Passed(queued, commit) => {
                let QueuedTask { task, token, commit: submitted, .. } = queued.clone();
                self.tell(format!("the branch has {task} now"));
                self.branch.push(LandingCommit { task, token, submitted, commit: commit.clone() });
                Stage::Moved(queued, commit)
            }
            Stage::Moved(queued, commit) => {
                self.expect("-", &Land { id: queued.task, submission: queued.submission, commit })?;
                self.counts.landed += 1;
                Stage::Free
            }
        };
        // It dies most where that is worst: between the test, the branch and the store.
        let is_exposed = matches!(next, Stage::Passed(..) | Stage::Moved(..));
        if is_exposed && !is_careful && self.rng.u32(..3) == 0 {
            self.tell("the worker of the queue dies there".to_owned());
            self.counts.crashes += 1;
        } else {
            self.worker = Some(next);
        }
        Ok(())
    }

    /// As `oarlock_run::landing::settle` does it, with the branch as its list of landing commits.
    fn settle(&mut self) -> Judged {
        for queued in self.expect_reply("-", &TakeLandings { onto: self.onto.clone() })?.queue {
            let is_its =
                |commit: &&LandingCommit| commit.task == queued.task && commit.token == queued.token && commit.submitted == queued.commit;
            let (id, submission) = (queued.task.clone(), queued.submission);
            match self.branch.iter().find(is_its).map(|found| found.commit.clone()) {
                Some(commit) => {
                    if queued.candidate.is_none() {
                        let candidate = Some(commit.clone());
                        let tested = TestedLanding { id: id.clone(), submission, tests: 0, flaky: false, tree: None, candidate };
                        self.expect("-", &tested)?;
                    }
                    self.expect("-", &Land { id, submission, commit })?;
                    (self.counts.settled, self.counts.landed) = (self.counts.settled + 1, self.counts.landed + 1);
                }
                None if queued.candidate.is_some() => self.expect("-", &RequeueLanding { id, submission })?,
                None => {}
            }
        }
        Ok(())
    }

    /// Healthy agents, a careful worker, and a person that gives everything back.
    fn calm_step(&mut self) -> Judged {
        self.worker_acts(true)?;
        for n in 0..TASKS {
            let id = id_of(n);
            let task = self.task(&id)?;
            match task.state {
                TaskState::Ready | TaskState::Claimed => {
                    self.join(0)?;
                    self.claim(0, &id)?;
                    if let Some(token) = self.holds.get(&(0, id.clone())).copied() {
                        let commit = Some(self.next_commit());
                        self.attempt(AGENTS[0], &Done { token: Some(token), commit, ..Done::of(id) })?;
                    }
                }
                TaskState::Dead | TaskState::Cancelled => self.expect("-", &Requeue { id, parts: false })?,
                TaskState::Review if task.open_landing().is_none() => self.expect("-", &Reject { id, reason: "again".into() })?,
                _ => {}
            }
        }
        self.harness.advance_ms(60_000);
        Ok(())
    }

    /// The oracle: tasks and branch agree.
    fn look(&mut self) -> Judged {
        for n in 0..TASKS {
            let task = self.task(&id_of(n))?;
            let of_it: Vec<LandingCommit> = self.branch.iter().filter(|commit| commit.task == task.id).cloned().collect();
            let (id, state) = (&task.id, task.state);
            let landing = task.landing.as_ref();
            match of_it.as_slice() {
                [] if state == TaskState::Done => return Err(format!("{id} is done and has not landed")),
                [] => {}
                [commit] => {
                    let is_done = state == TaskState::Done && landing.is_some_and(|landing| landing.state == LandingState::Landed);
                    let is_landing = state == TaskState::Review && task.open_landing().is_some();
                    if !is_done && !is_landing {
                        return Err(format!("{id} has landed as {} and is {state}", commit.commit));
                    }
                    let token = task.grant.as_ref().map(|grant| grant.token);
                    if commit.token != token || landing.map(|landing| &landing.commit) != Some(&commit.submitted) {
                        return Err(format!("{id} has landed by another submission than its last one"));
                    }
                }
                more => return Err(format!("{id} has landed {} times", more.len())),
            }
        }
        Ok(())
    }

    fn is_all_landed(&mut self) -> Result<bool, String> {
        for n in 0..TASKS {
            if self.task(&id_of(n))?.state != TaskState::Done {
                return Ok(false);
            }
        }
        Ok(self.branch.len() == TASKS)
    }

    fn task(&mut self, id: &TaskId) -> Result<Task, String> {
        let found = read(self.harness.store("-"), id).map_err(|error| error.to_string())?;
        found.ok_or_else(|| format!("{id} is gone"))
    }

    fn next_commit(&mut self) -> ObjectId {
        self.commits += 1;
        ObjectId::parse(&format!("{:040x}", self.commits)).expect("40 digits")
    }

    /// A call that must succeed.
    fn expect<M: Mutation>(&mut self, by: &str, request: &M) -> Judged {
        self.expect_reply(by, request).map(drop)
    }

    fn expect_reply<M: Mutation>(&mut self, by: &str, request: &M) -> Result<M::Reply, String> {
        self.order(by, request).map_err(|error| format!("{} by {by} ends with {error}", M::VERB))
    }

    /// A call that may be refused.
    fn attempt<M: Mutation>(&mut self, by: &str, request: &M) -> Result<Option<M::Reply>, String> {
        match self.order(by, request) {
            Ok(reply) => Ok(Some(reply)),
            Err(OpError::Rejected(_)) => {
                self.counts.turned_away += 1;
                Ok(None)
            }
            Err(error) => Err(format!("{} by {by} ends with {error}", M::VERB)),
        }
    }

    fn order<M: Mutation>(&mut self, by: &str, request: &M) -> Result<M::Reply, OpError> {
        let caller = Caller { name: AgentName::parse(by).ok(), ..Caller::default() };
        let outcome = call::mutate(self.harness.store(by), &caller, &Settings::default(), request);
        let said = match &outcome {
            Ok(_) => "ok".to_owned(),
            Err(error) => error.to_string(),
        };
        self.tell(format!("{by}: {} {} -> {said}", M::VERB, serde_json::to_string(request).unwrap_or_default()));
        outcome
    }

    fn tell(&mut self, line: String) {
        if self.told.len() == TOLD_MAX {
            self.told.remove(0);
        }
        self.told.push(line);
    }
}

fn id_of(n: usize) -> TaskId {
    TaskId::parse(&format!("T-{n}")).expect("an id")
}

fn read(store: &mut dyn Store, id: &TaskId) -> StoreResult<Option<Task>> {
    store.snapshot()?.task(id)
}
