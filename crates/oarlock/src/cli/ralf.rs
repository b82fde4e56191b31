//! `ralf`: what RALF's files say and what is wrong with them, which needs neither a project nor a store; and keeping them and a store alike.

mod locks;
mod which;

use crate::view::{Page, View as _};
use clap::{Args, ValueEnum};
use oarlock_host::file::canonical;
use oarlock_model::Rejection;
use oarlock_ops::OpError;
use oarlock_ops::outside::Beneath;
use oarlock_ops::reply::Reply;
use oarlock_ops::settings::Settings;
use oarlock_ops::store::StoreError;
use oarlock_ralf::{Attached, Bridge, Left, Project, Synced, hooks};
use oarlock_sqlite::{Options, Place, STORE_FILE, SqliteStore};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::args::Common;
use super::exec::{Absent, Where, options};
use super::init::Init;
use super::output::Output;
use crate::project::{self, current_dir};
use crate::ralf::{attached_beside, judge_agents};
use crate::trust;
use which::{check_project, here, unreadable, without_files};

/// How often `sync --watch` looks.
const WATCH_EVERY: Duration = Duration::from_secs(1);

/// How long another look may take.
const LOOK_WITHIN: Duration = Duration::from_secs(30);

/// Exit code when files are damaged, as for `doctor`.
const DAMAGED: u8 = 65;

/// Reads the files of RALF agents as they are: heartbeats, events, queues, chat and task files of every generation, damaged ones item by
/// item. With `attach` and `sync` agents that know only the files work beside agents that use the store.
#[derive(Clone, Debug, Args)]
pub(crate) struct Ralf {
    /// What to show
    action: Action,
    /// A project's root, a folder of its files, or one file [default: the one that RALF_PROJECT_DIR or RALF_PROJECT_ROOT names, else the one
    /// around the current directory, else the only one below its repository]
    path: Option<PathBuf>,
    /// With sync: go on looking every second until it is stopped
    #[arg(long)]
    watch: bool,
    /// With attach and sync: say what would be done, and change nothing
    #[arg(long, conflicts_with = "watch")]
    dry_run: bool,
    /// With detach: leave what cannot be written now
    #[arg(long)]
    force: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Action {
    /// One screen: agents, tasks, counts, and what is wrong
    Status,
    /// The agents of the heartbeat files
    Agents,
    /// The task files, and the items of the queue
    Tasks,
    /// The events, in the order of the files
    Events,
    /// What is wrong with the files, with file, line and column
    Doctor,
    /// Make a store for the project and bring its tasks and agents in; safe to repeat
    Attach,
    /// Bring files and store together, both ways
    Sync,
    /// Bring the files up to date once more, and keep them and the store apart from then on
    Detach,
    /// Ready lines for the loops of the project's agents
    Hooks,
}

impl Ralf {
    pub(crate) fn run(&self, common: &Common, output: &Output) -> Result<u8, OpError> {
        let is_misplaced = self.watch && self.action != Action::Sync
            || self.dry_run && !matches!(self.action, Action::Sync | Action::Attach)
            || self.force && self.action != Action::Detach;
        if is_misplaced {
            return Err(Rejection::invalid(
                "--watch belongs to sync, --dry-run to sync and attach, --force to detach",
                "write: oarlock ralf sync [PATH] --watch",
            )
            .into());
        }
        let path = match &self.path {
            Some(path) => path.clone(),
            // The lines are the same everywhere.
            None if self.action == Action::Hooks => here(output).or_else(|_| current_dir())?,
            None => here(output)?,
        };
        match self.action {
            Action::Attach | Action::Sync | Action::Detach => self.bring_together(&path, common, output),
            Action::Hooks => {
                let root = canonical(&path).map_err(|error| unreadable(&path, &error))?;
                Ok(output.reply("ralf hooks", &Reply::new(json!({"hooks": hooks(&root, common.store_text())}))))
            }
            _ => self.show(&path, output),
        }
    }

    fn show(&self, path: &Path, output: &Output) -> Result<u8, OpError> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| i64::try_from(now.as_millis()).unwrap_or(i64::MAX));
        let mut project = Project::read(path, now).map_err(|error| unreadable(path, &error))?;
        if project.is_empty() {
            return Err(without_files(path));
        }
        judge_agents(&mut project, path, now);
        let (name, reply) = self.reply(&project);
        let code = output.reply(name, &Reply::new(reply));
        let is_damaged = self.action == Action::Doctor && project.faults.iter().any(|fault| !fault.unread);
        Ok(if is_damaged { DAMAGED } else { code })
    }

    /// Attaches, syncs or detaches the project at `path`.
    fn bring_together(&self, path: &Path, common: &Common, output: &Output) -> Result<u8, OpError> {
        let root = canonical(path).map_err(|error| unreadable(path, &error))?;
        let target = place_of(&root, common)?;
        let settings = target.settings()?;
        let options = || options(common, &settings);
        if self.action == Action::Attach {
            check_project(&root)?;
        }
        // One that is not there any more can be detached by nobody.
        let is_other = |attached: &Attached| attached.root != root && attached.root.is_dir();
        if let Some(other) = attached_beside(target.place().dir())?.filter(|attached| self.action == Action::Attach && is_other(attached)) {
            return Err(Rejection::AlreadyExists {
                noun: "attached project",
                id: other.root.display().to_string(),
                detail: Some("one store serves one project".into()),
                hint: "detach that one first, or name another store with --store sqlite:PATH",
            }
            .into());
        }
        let known = || Ok::<_, OpError>(attached_beside(target.place().dir())?.filter(|attached| attached.root == root));
        if self.action != Action::Attach && known()?.is_none() {
            let message = format!("{} is not attached", root.display());
            return Err(Rejection::Missing { message, hint: "attach it first: oarlock ralf attach [PATH]".into() }.into());
        }
        if self.dry_run && !target.place().file().exists() {
            return would_attach(&root, &settings, output);
        }
        if self.action == Action::Attach && !self.dry_run {
            Init { prefix: None, accept: false }.run(&target, options())?;
            if let Err(error) = locks::hide_from_git(&root) {
                super::output::note(&format!("note: git is not told to ignore lock files: {error}"));
            }
        }
        let mut store = target.open(options())?;
        let mut store = Beneath(&mut store);
        let dir = target.place().dir();
        let mut bridge = Bridge::new(&root, &mut store, &settings).beside(dir);
        let marker = Attached::file(dir);
        let mut look = |after: &mut dyn FnMut(&mut Bridge<'_>, &Synced) -> Result<(), OpError>| -> Result<Option<Synced>, OpError> {
            let _lock = one_at_a_time(target.place())?;
            let mut attached = match known()? {
                Some(attached) => attached,
                // Somebody has detached it meanwhile.
                None if self.action != Action::Attach => return Ok(None),
                None => bridge.attached(dir)?,
            };
            let synced = bridge.sync(&mut attached, self.dry_run)?;
            if !self.dry_run {
                attached.write(dir).map_err(|error| unreadable(&marker, &error))?;
            }
            after(&mut bridge, &synced)?;
            Ok(Some(synced))
        };
        if self.watch {
            return watch(&mut || look(&mut |_, _| Ok(())), output);
        }
        let detach = &mut |bridge: &mut Bridge<'_>, synced: &Synced| {
            if self.action == Action::Detach {
                check_left(&synced.left, self.force)?;
                bridge.leave()?;
                Attached::part(dir).map_err(|error| unreadable(&marker, &error))?;
            }
            Ok(())
        };
        match look(detach)? {
            Some(synced) => {
                let mut reply = told_of(&root, &synced)?;
                if self.action == Action::Detach {
                    reply["left"] = serde_json::to_value(&synced.left)?;
                }
                Ok(output.reply("ralf sync", &Reply::new(reply)))
            }
            None => Ok(0),
        }
    }

    fn reply(&self, project: &Project) -> (&'static str, Value) {
        match self.action {
            Action::Status => (
                "ralf status",
                json!({
                    "root": project.root,
                    "generation": project.generation,
                    "agents": project.agents,
                    "tasks": project.counts(),
                    "attach": project.would_bring(),
                    "events": project.events.len(),
                    "messages": project.messages.len(),
                    "queue": project.queue.len(),
                    "faults": project.faults,
                }),
            ),
            Action::Agents => ("ralf agents", json!({"root": project.root, "agents": project.agents})),
            Action::Tasks => {
                let tasks: Vec<_> = project.tasks.iter().chain(&project.queue).collect();
                ("ralf tasks", json!({"root": project.root, "tasks": tasks}))
            }
            Action::Events => ("ralf events", json!({"root": project.root, "events": project.events})),
            Action::Doctor | Action::Attach | Action::Sync | Action::Detach | Action::Hooks => {
                ("ralf doctor", json!({"root": project.root, "faults": project.faults}))
            }
        }
    }
}

/// Looks every second, until the reader goes away or somebody detaches the project. What may go better later ends nothing.
fn watch(look: &mut dyn FnMut() -> Result<Option<Synced>, OpError>, output: &Output) -> Result<u8, OpError> {
    let mut last = String::new();
    loop {
        match look() {
            Ok(None) => return Ok(0),
            Ok(Some(synced)) => {
                // Contradictions and warnings are told when they are new.
                let also = serde_json::to_string(&(&synced.conflicts, &synced.warnings))?;
                let is_news = !synced.is_nothing() || also != last && also != "[[],[]]";
                last = also;
                if is_news && !output.quiet && !output.line(&told(&synced, output)?) {
                    return Ok(0);
                }
            }
            Err(error) if error.is_retryable() => super::output::note(&format!("note: {error}")),
            Err(error) => return Err(error),
        }
        thread::sleep(WATCH_EVERY);
    }
}

/// What attaching would do where there is no store yet: tried on one that goes away again.
fn would_attach(root: &Path, settings: &Settings, output: &Output) -> Result<u8, OpError> {
    let dir = tempfile::tempdir().map_err(|error| unreadable(&std::env::temp_dir(), &error))?;
    let (mut store, _) = SqliteStore::create(&Place::of_file(dir.path().join(STORE_FILE)), project::TASK_PREFIX, Options::default())?;
    let synced = Bridge::new(root, &mut store, settings).sync(&mut Attached::new(root, 0), true)?;
    Ok(output.reply("ralf sync", &Reply::new(told_of(root, &synced)?)))
}

/// The reply to a look at the project at `root`.
fn told_of(root: &Path, synced: &Synced) -> Result<Value, OpError> {
    let mut reply = serde_json::to_value(synced)?;
    reply["root"] = json!(root);
    Ok(reply)
}

/// Refuses to part from files that lack something which another try may write. What no try would write is told, and keeps nobody.
fn check_left(left: &[Left], is_forced: bool) -> Result<(), OpError> {
    if is_forced || left.iter().all(|left| left.is_lasting) {
        return Ok(());
    }
    let reasons: Vec<String> = left.iter().map(|left| format!("{}: {}", left.file, left.reason)).collect();
    let message = format!("the files lack something that the store has: {}", reasons.join("; "));
    Err(StoreError::Unavailable { message, hint: "detach again when they can be written, or leave it: oarlock ralf detach --force".into() }
        .into())
}

/// One line about a look: JSON where JSON is wanted.
fn told(synced: &Synced, output: &Output) -> Result<String, OpError> {
    let value = serde_json::to_value(synced)?;
    Ok(if output.json {
        value.to_string()
    } else {
        let mut page = Page::new(output.colour, output.full);
        value.show("ralf sync", &mut page);
        page.out.trim_end().to_owned()
    })
}

/// The store of the project at `root`: the one that is named, else that of the repository it is in.
fn place_of(root: &Path, common: &Common) -> Result<Where, OpError> {
    if common.store.is_some() {
        return Where::find(common, Absent::Made);
    }
    let target = Where::of(project::Project::around(root).unwrap_or_else(|| project::Project::at(root)));
    trust::check_owner(target.place())?;
    Ok(target)
}

/// Waits until no other look at the project of this store is under way.
fn one_at_a_time(place: &Place) -> Result<fs::File, OpError> {
    let lock = Attached::lock(place.dir(), LOOK_WITHIN).map_err(|error| unreadable(place.dir(), &error))?;
    lock.ok_or_else(|| StoreError::Busy(format!("another look at the files has gone on for {} s", LOOK_WITHIN.as_secs())).into())
}
