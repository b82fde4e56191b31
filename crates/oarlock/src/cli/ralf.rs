//! `ralf`: the content and faults of RALF's files, which needs neither a project nor a store; and keeping them and a store alike.

use clap::{Args, ValueEnum};
use oarlock_client::paths::current_dir;
use oarlock_client::ralf::{self, Aim, Together, judge_agents, unreadable, without_files};
use oarlock_host::file::canonical;
use oarlock_model::Rejection;
use oarlock_ops::OpError;
use oarlock_ops::reply::Reply;
use oarlock_ralf::{Project, Synced, hooks};
use std::path::{Path, PathBuf};

use super::common::Common;
use super::output::{Output, note};
use crate::replies::{RalfAgents, RalfEvents, RalfFaults, RalfHooks, RalfStatus, RalfSynced, RalfTasks};
use crate::view::{Page, View as _};

/// Exit code when files are damaged, as for `doctor`.
const DAMAGED: u8 = 65;

/// Read the files of RALF agents: heartbeats, events, queues, chats and task files of every generation. Damaged files are read item by
/// item. With `attach` and `sync`, agents that use the files work beside agents that use the store.
#[derive(Clone, Debug, Args)]
pub(crate) struct Ralf {
    /// The action
    action: Action,
    /// A project's root, a folder of its files, or one file [default: the one that RALF_PROJECT_DIR or RALF_PROJECT_ROOT names, else the one
    /// around the current directory, else the only one below its repository]
    path: Option<PathBuf>,
    /// With sync: repeat every second until it is stopped
    #[arg(long)]
    watch: bool,
    /// With attach and sync: print the changes, and make none
    #[arg(long, conflicts_with = "watch")]
    dry_run: bool,
    /// With detach: skip files that cannot be written now
    #[arg(long)]
    force: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Action {
    /// One screen: agents, tasks, counts and faults
    Status,
    /// The agents of the heartbeat files
    Agents,
    /// The task files, and the items of the queue
    Tasks,
    /// The events, in the order of the files
    Events,
    /// Faults of the files, with file, line and column
    Doctor,
    /// Make a store for the project and bring its tasks and agents in; safe to repeat
    Attach,
    /// Synchronise files and store, in both directions
    Sync,
    /// Bring the files up to date once more, and keep them and the store apart from then on
    Detach,
    /// Print the lines to add to the loops of the project's agents
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
                Ok(output.reply("ralf hooks", &Reply::new(RalfHooks { hooks: hooks(&root, common.store_text()) })))
            }
            _ => self.show(&path, output),
        }
    }

    fn show(&self, path: &Path, output: &Output) -> Result<u8, OpError> {
        let now = oarlock_host::clock::wall_ms();
        let mut project = Project::read(path, now).map_err(|error| unreadable(path, &error))?;
        if project.is_empty() {
            return Err(without_files(path));
        }
        judge_agents(&mut project, path, now);
        let is_damaged = self.action == Action::Doctor && project.faults.iter().any(|fault| !fault.unread);
        let code = output.reply("ralf", &self.reply(project));
        Ok(if is_damaged { DAMAGED } else { code })
    }

    /// Attaches, syncs or detaches the project at `path`.
    fn bring_together(&self, path: &Path, common: &Common, output: &Output) -> Result<u8, OpError> {
        let aim = match self.action {
            Action::Attach => Aim::Attach,
            Action::Detach => Aim::Detach { is_forced: self.force },
            _ => Aim::Sync,
        };
        let together = Together::of(path, common.store.as_deref(), common.busy, aim, self.dry_run)?;
        if self.watch {
            return watch(&together, output);
        }
        let Some(synced) = together.look(&mut |what| note(what))? else { return Ok(0) };
        let left = (self.action == Action::Detach).then(|| synced.left.clone());
        Ok(output.reply("ralf sync", &Reply::new(RalfSynced { root: together.root().to_owned(), synced, left })))
    }

    fn reply(&self, project: Project) -> Reply {
        match self.action {
            Action::Status => Reply::new(RalfStatus::of(project)),
            Action::Agents => Reply::new(RalfAgents { root: project.root, agents: project.agents }),
            Action::Tasks => {
                let tasks = project.tasks.into_iter().chain(project.queue).collect();
                Reply::new(RalfTasks { root: project.root, tasks })
            }
            Action::Events => Reply::new(RalfEvents { root: project.root, events: project.events }),
            Action::Doctor | Action::Attach | Action::Sync | Action::Detach | Action::Hooks => {
                Reply::new(RalfFaults { root: project.root, faults: project.faults })
            }
        }
    }
}

/// Looks every second, until the reader goes away or somebody detaches the project. What may go better later ends nothing.
fn watch(together: &Together, output: &Output) -> Result<u8, OpError> {
    let mut last = String::new();
    together.watch(&mut |looked| {
        let synced = match looked {
            Ok(synced) => synced,
            Err(error) => {
                note(&format!("note: {error}"));
                return Ok(true);
            }
        };
        // Contradictions and warnings are reported when they are new.
        let also = serde_json::to_string(&(&synced.conflicts, &synced.warnings))?;
        let is_news = !synced.is_nothing() || also != last && also != "[[],[]]";
        last = also;
        Ok(!is_news || output.quiet || output.line(&line_about(&synced, output)?))
    })?;
    Ok(0)
}

/// The project that is meant where none is named. One that lies below the current directory's repository is reported.
fn here(output: &Output) -> Result<PathBuf, OpError> {
    let located = ralf::here()?;
    // In JSON its root is in the reply.
    if located.is_below && !output.json && !output.quiet {
        note(&format!("the project is {}", located.root.display()));
    }
    Ok(located.root)
}

/// One line about a pass; JSON with `--json`.
fn line_about(synced: &Synced, output: &Output) -> Result<String, OpError> {
    if output.json {
        return Ok(serde_json::to_string(synced)?);
    }
    let mut page = Page::new(output.paint, output.full);
    synced.show("ralf sync", &mut page);
    Ok(page.out.trim_end().to_owned())
}
