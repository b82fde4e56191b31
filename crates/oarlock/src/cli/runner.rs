//! `work` and `run`: the doors of the runner.

use crate::view;
use clap::Args;
use indicatif::ProgressBar;
use oarlock_client::{IfMissing, Options, StoreTarget, ThisMachine, user};
use oarlock_host::file::private_dir;
use oarlock_model::duration::Duration;
use oarlock_model::ident::shown;
use oarlock_model::rules::budget::Budget;
use oarlock_model::usage::Usd;
use oarlock_model::{Label, Rejection, TaskId, limits};
use oarlock_ops::OpError;
use oarlock_ops::local::{Local as _, document_named, task_named};
use oarlock_ops::reply::Reply;
use oarlock_ops::settings::Settings;
use oarlock_ops::shapes::EventShape;
use oarlock_ops::store::{Store, StoreError};
use oarlock_ops::task::Planner;
use oarlock_run::{
    HANDOVER_DEFAULT, Isolation, Live, Planning, PlanningAgent, Profile, Progress, Run, RunLanding, Stores, TEST_TIMEOUT_DEFAULT, Target,
    Work, WorkerProgram,
};
use std::ffi::OsString;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use super::common::{Common, settings_with_agents};
use super::output::{Output, note};
use oarlock_ops::caller::Identity;

/// The exit code of `work --once` whose attempt failed.
const ATTEMPT_FAILED: u8 = 1;

/// How commands are watched.
#[derive(Clone, Debug, Args)]
struct WatchingArgs {
    /// How the output of CMD is read: none, or as the stream of claude, codex, gemini or opencode [default: auto, by CMD and its output]
    #[arg(long, value_name = "CLIENT", default_value = "auto", hide_default_value = true)]
    profile: Profile,
    /// A command that prints nothing, reports no progress and changes no file for this long gets a message, and after as long again it is stopped as a
    /// failed attempt [default: 30m for a client whose stream is read]
    #[arg(long, value_name = "D")]
    stuck_after: Option<Duration>,
}

/// Claim tasks and run a command for each, with the Markdown of the task on standard input.
#[derive(Clone, Debug, Args)]
pub(crate) struct WorkArgs {
    /// Run one task only; exit 1 after a failed attempt, 8 without a task
    #[arg(long)]
    once: bool,
    /// Only this task and its parts
    #[arg(long, alias = "within", value_name = "ID")]
    subtree: Option<TaskId>,
    /// The role of the agent; counts as a capability
    #[arg(long)]
    role: Option<Label>,
    /// Its capabilities, comma separated
    #[arg(long, value_name = "CAPS", value_delimiter = ',')]
    can: Vec<Label>,
    /// After this long without a heartbeat it is shown as stale [default: 120s]
    #[arg(long, alias = "timeout", value_name = "D")]
    stale_after: Option<Duration>,
    /// How long a lease lasts without a heartbeat [default: 15m]
    #[arg(long, value_name = "D")]
    ttl: Option<Duration>,
    /// Give the agent a worktree of its own, .oarlock/worktrees/AGENT, and each task the branch oarlock/TASK
    #[arg(long)]
    worktree: bool,
    /// The branch that tasks begin at [default: the one that is checked out]
    #[arg(long, value_name = "BRANCH", requires = "worktree")]
    onto: Option<String>,
    #[command(flatten)]
    watching: WatchingArgs,
    /// Take orders of a run from standard input
    #[arg(long, hide = true)]
    ordered: bool,
    /// The command and its arguments
    #[arg(last = true, required = true, value_name = "CMD")]
    command: Vec<OsString>,
}

/// Split a file or task and run a command on its parts with several workers.
#[derive(Clone, Debug, Args)]
pub(crate) struct RunArgs {
    /// A Markdown file (with a / in it, ending in .md, or there while no task has that id), or a task
    #[arg(value_name = "FILE|ID")]
    target: String,
    /// The id of the file's task [default: from its name]
    #[arg(long, value_name = "ID")]
    id: Option<TaskId>,
    /// Number of workers; MIN..MAX: it follows the parts that are ready; auto: the number that the plan advises [default: 3]
    #[arg(long, value_name = "N|MIN..MAX|auto")]
    agents: Option<Workers>,
    /// Planner: rules, or agent, asked by --with or else by CMD [default: agent if CMD starts a known client, else rules]
    #[arg(long, value_name = "WHO")]
    planner: Option<Planner>,
    /// Command that asks an agent for the plan, run by sh -c: it reads a prompt and prints JSON
    #[arg(long = "with", value_name = "CMD")]
    planner_command: Option<String>,
    /// Time for one answer of the agent; after it the rules make the plan [default: 10m]
    #[arg(long, value_name = "D")]
    planner_timeout: Option<Duration>,
    /// Capabilities of the workers, comma separated
    #[arg(long, value_name = "CAPS", value_delimiter = ',')]
    can: Vec<Label>,
    /// How long a lease lasts without a heartbeat [default: 15m]
    #[arg(long, value_name = "D")]
    ttl: Option<Duration>,
    /// Give each worker a worktree of its own, .oarlock/worktrees/AGENT, and each part the branch oarlock/TASK
    #[arg(long)]
    worktrees: bool,
    /// Land each part on one branch, as `oarlock merge` does, while others are worked on; implies --worktrees
    #[arg(long)]
    merge: bool,
    /// The branch that parts begin at and land on [default: the one that is checked out; with --merge a new one, oarlock/run/ID]
    #[arg(long, value_name = "BRANCH")]
    onto: Option<String>,
    /// The test of a merged tree, run by sh -c [default: nothing is tested]
    #[arg(long, value_name = "CMD", requires = "merge")]
    test: Option<String>,
    /// How long one run of the test may take [default: 30m]
    #[arg(long, value_name = "D", requires = "test")]
    test_timeout: Option<Duration>,
    /// How many tests may run at once [default: 1]
    #[arg(long, value_name = "K", requires = "test", value_parser = clap::value_parser!(u8).range(1..=64))]
    slots: Option<u8>,
    /// The most time in which parts are worked on, from the start of this run; time in which parts only wait to land does not count
    #[arg(long, value_name = "D")]
    max_time: Option<Duration>,
    /// The most money for all attempts in US dollars, earlier runs included, as far as clients report it
    #[arg(long, value_name = "USD")]
    max_cost: Option<Usd>,
    /// The most tokens for all attempts, read and written, earlier runs included, as far as clients report them
    #[arg(long, value_name = "N")]
    max_tokens: Option<u64>,
    /// When a limit is reached: how long running commands may go on before they are stopped and their tasks given back [default: 60s]
    #[arg(long, value_name = "D")]
    handover: Option<Duration>,
    #[command(flatten)]
    watching: WatchingArgs,
    /// Print events as they happen; the report comes last
    #[arg(long)]
    follow: bool,
    /// The command and its arguments
    #[arg(last = true, required = true, value_name = "CMD")]
    command: Vec<OsString>,
}

/// How many workers were asked for.
#[derive(Clone, Copy, Debug)]
enum Workers {
    Number(usize),
    /// The fewest and the most.
    Range(usize, usize),
    Auto,
}

impl FromStr for Workers {
    type Err = Rejection;

    fn from_str(text: &str) -> Result<Self, Rejection> {
        let range = text.split_once("..").and_then(|(min, max)| Some(Self::Range(min.parse().ok()?, max.parse().ok()?)));
        if let Some(range) = range {
            return Ok(range);
        }
        match text.parse() {
            Ok(number) => Ok(Self::Number(number)),
            Err(_) if text == "auto" => Ok(Self::Auto),
            Err(_) => Err(Rejection::invalid(
                format!("--agents \"{}\" is not a number of agents", shown(text)),
                format!("a number from 1 to {}, a range such as 1..8, or auto", limits::RUN_AGENTS_MAX),
            )),
        }
    }
}

/// Who is asked for the plan of a run: nobody where the rules make it.
fn planning_agent(args: &RunArgs) -> Result<Option<PlanningAgent>, OpError> {
    let of_client = || PlanningAgent::of_client(&args.command, args.planner_timeout);
    match (args.planner, &args.planner_command) {
        (Some(Planner::Agent) | None, Some(words)) => Ok(Some(PlanningAgent::of_shell(words, args.planner_timeout))),
        (Some(Planner::Agent), None) => of_client().map(Some).ok_or_else(|| {
            Rejection::invalid(
                "CMD is not a client that Oarlock knows how to ask for a plan",
                "name the command that asks one with --with CMD",
            )
            .into()
        }),
        (_, Some(_)) => Err(OpError::Usage {
            message: "--with is the command of an agent that plans".into(),
            hint: "leave --planner rules out, or --with".into(),
        }),
        (None, None) => Ok(of_client()),
        (Some(Planner::Rules), None) => Ok(None),
    }
}

/// How the defaults are read.
pub(super) type Read = fn(&StoreTarget) -> Result<Settings, OpError>;

/// Opens further handles of one store.
pub(super) struct Handles {
    target: StoreTarget,
    options: Options,
}

impl Stores for Handles {
    fn open(&self) -> Result<Box<dyn Store>, OpError> {
        Ok(self.target.open(self.options.clone())?)
    }

    fn url(&self) -> OsString {
        self.target.url_bytes()
    }

    fn file(&self) -> PathBuf {
        self.target.place().file().to_owned()
    }

    fn refuges(&self) -> Vec<PathBuf> {
        let of_user = user::state_dir().filter(|dir| dir.exists() || private_dir().recursive(true).create(dir).is_ok());
        [Some(self.target.place().dir().to_owned()), of_user, Some(std::env::temp_dir())].into_iter().flatten().collect()
    }
}

pub(crate) fn work(args: WorkArgs, common: &Common, output: &Output) -> Result<u8, OpError> {
    let (handles, settings) = handles(common, IfMissing::Refused, StoreTarget::settings)?;
    let work = Work {
        name: common.name.clone(),
        role: args.role,
        can: args.can,
        timeout: args.stale_after,
        ttl: args.ttl,
        within: args.subtree,
        once: args.once,
        is_ordered: args.ordered,
        profile: args.watching.profile,
        stuck_after: args.watching.stuck_after,
        fallback: handles.target.config()?.fallback,
        isolation: isolation(args.worktree, args.onto, &handles)?,
        host: ThisMachine.host(),
        command: args.command,
    };
    let report = oarlock_run::work(&handles, &settings, &work, &mut Narrator::new(output, false))?;
    let failed = args.once && report.failed > 0;
    let code = output.reply("work", &Reply::new(report));
    // The report is the whole answer: that CMD failed is no error of this call.
    Ok(if code == 0 && failed { ATTEMPT_FAILED } else { code })
}

pub(crate) fn run(args: RunArgs, common: &Common, output: &Output) -> Result<u8, OpError> {
    if args.onto.is_some() && !(args.worktrees || args.merge) {
        return Err(OpError::Usage { message: "--onto needs --worktrees or --merge".into(), hint: "add one of them".into() });
    }
    if args.test.as_deref().is_some_and(|test| test.trim().is_empty()) {
        return Err(Rejection::invalid("the test is empty", "give a command, or leave --test out to land without a test").into());
    }
    let named = document_named(&mut ThisMachine, &args.target)?;
    if named.is_none() {
        TaskId::parse(&args.target)?;
    }
    let agent = planning_agent(&args)?;
    let read = if args.agents.is_none() && !output.json { settings_with_agents } else { StoreTarget::settings };
    let (handles, settings) = handles(common, IfMissing::Expected, read)?;
    let target = target(&args.target, named, args.id, &handles)?;
    let run = Run {
        target,
        floor: ThisMachine.floor(&args.target),
        agents: match args.agents {
            Some(Workers::Number(number) | Workers::Range(_, number)) => number,
            Some(Workers::Auto) | None => settings.agents,
        },
        agents_min: if let Some(Workers::Range(min, _)) = args.agents { Some(min) } else { None },
        is_auto: matches!(args.agents, Some(Workers::Auto)),
        planning: agent.map(|agent| Planning { agent, local: Arc::new(ThisMachine) }),
        command: args.command,
        can: args.can,
        ttl: args.ttl,
        budget: Budget { time_ms: args.max_time.map(|time| time.as_ms().unsigned_abs()), cost: args.max_cost, tokens: args.max_tokens },
        profile: args.watching.profile,
        stuck_after: args.watching.stuck_after,
        handover: args.handover.map_or(HANDOVER_DEFAULT, Duration::as_std),
        isolation: isolation(args.worktrees || args.merge, args.onto, &handles)?,
        landing: args.merge.then_some(RunLanding {
            test: args.test,
            test_timeout: args.test_timeout.map_or(TEST_TIMEOUT_DEFAULT, Duration::as_std),
            slots: args.slots.map_or(1, usize::from),
        }),
        caller: common.caller(Identity::Optional),
    };
    let program = std::env::current_exe().map_err(|error| StoreError::Unavailable {
        message: format!("this program cannot be found: {error}"),
        hint: "was it replaced while it runs?".into(),
    })?;
    let mut narrator = Narrator::new(output, args.follow);
    let ended = oarlock_run::run(&handles, &settings, &run, &WorkerProgram { program, args: vec!["--quiet".into()] }, &mut narrator);
    narrator.clear();
    let ended = ended?;
    // Of a run that did not begin people want to know why, and programs rely on a report.
    let code = if ended.is_begun || output.json { output.reply("run", &Reply::new(ended.report)) } else { 0 };
    // The report is on standard output also when not all is done.
    Ok(ended.error.map_or(code, |error| output.fail(&error)))
}

/// A file, or a task: of a name that could be both, the task.
fn target(text: &str, document: Option<String>, id: Option<TaskId>, handles: &Handles) -> Result<Target, OpError> {
    let task = task_named(text);
    let is_there = |id: &TaskId| Ok::<_, OpError>(handles.open()?.snapshot()?.task_state(id)?.is_some());
    match (document, task) {
        (Some(document), None) => Ok(Target::File { path: text.to_owned(), document, file: ThisMachine.document_path(text)?, id }),
        (Some(document), Some(task)) if !is_there(&task)? => {
            Ok(Target::File { path: text.to_owned(), document, file: ThisMachine.document_path(text)?, id })
        }
        _ if id.is_some() => {
            Err(Rejection::invalid("--id names the task that is made of a file", "a task that exists keeps its id").into())
        }
        _ => Ok(Target::Task(TaskId::parse(text)?)),
    }
}

/// How agents are kept apart, with what the configuration says about it.
fn isolation(wanted: bool, onto: Option<String>, handles: &Handles) -> Result<Option<Isolation>, OpError> {
    if !wanted {
        return Ok(None);
    }
    Ok(Some(Isolation { onto, shared: handles.target.config()?.shared }))
}

/// Handles of the store, which `run` makes when there is none.
pub(super) fn handles(common: &Common, absent: IfMissing, settings: Read) -> Result<(Handles, Settings), OpError> {
    let target = common.target(absent)?;
    let settings = settings(&target)?;
    let options = common.options(&settings);
    if absent == IfMissing::Expected && !target.place().file().exists() {
        oarlock_client::make(&target, None, false, options.clone())?;
    }
    target.open(options.clone())?;
    Ok((Handles { target, options }, settings))
}

/// Prints events and lines as they come, and below them, on a terminal, one line that says how the run is.
pub(super) struct Narrator {
    output: Output,
    follow: bool,
    live: ProgressBar,
}

impl Narrator {
    pub(super) fn new(output: &Output, follow: bool) -> Self {
        Self { output: *output, follow, live: output.progress() }
    }

    /// Takes the live line away.
    pub(super) fn clear(&self) {
        self.live.finish_and_clear();
    }

    /// Prints a line on standard error. With `--json` nothing but the error object may be there.
    fn note(&self, line: &str) {
        if !self.output.json {
            self.live.suspend(|| note(line));
        }
    }
}

impl Progress for Narrator {
    fn event(&mut self, event: &EventShape) {
        if self.follow {
            let line = match self.output.json {
                true => serde_json::to_string(event).unwrap_or_default(),
                false => view::event_line(event, self.output.paint),
            };
            // A reader that has gone away does not stop the work.
            self.live.suspend(|| self.output.line(&line));
        }
    }

    fn line(&mut self, line: &str) {
        if !self.output.quiet {
            self.note(line);
        }
    }

    fn warning(&mut self, line: &str) {
        // Shown also with --quiet: the workers of a run have that flag, and nobody else says it.
        self.note(line);
    }

    fn output(&mut self, source: &str, line: &str) {
        // What a program says is shown also with --quiet, which is about our own words.
        self.note(&if source.is_empty() { line.to_owned() } else { format!("{source}: {line}") });
    }

    fn live(&mut self, live: &Live) {
        if self.live.is_hidden() {
            return;
        }
        let busy: Vec<String> =
            live.at_work.iter().map(|at| format!("{} on {} ({})", at.agent, at.task, view::duration(at.wall_ms))).collect();
        let (wall, busy) = (view::duration(live.wall_ms), busy.join(", "));
        self.live.set_message(format!("{}/{} parts done, {} workers, {wall}: {busy}", live.done, live.parts, live.workers));
        self.live.tick();
    }
}
