//! `graph`: the door of pictures of tasks.

use clap::{Args, ValueEnum};
use oarlock_client::Backend;
use oarlock_model::duration::Duration;
use oarlock_model::task::TaskState;
use oarlock_model::{Rejection, TaskId};
use oarlock_ops::OpError;
use oarlock_ops::caller::{Caller, Identity};
use oarlock_ops::reply::Reply;
use oarlock_ops::shapes::TaskShape;
use oarlock_ops::task::{ShowTask, Tasks};
use oarlock_picture::{Graph, NODES_MAX};
use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use super::common::Common;
use super::output::Output;
use crate::replies::Picture;

/// Draw which task waits for which, with the chain that takes longest: as text, as SVG for a browser, as Mermaid for Markdown, or as DOT for
/// Graphviz.
#[derive(Clone, Debug, Args)]
pub(crate) struct GraphArgs {
    /// Only this task and its parts [default: all unfinished tasks and those that they wait for]
    #[arg(value_name = "ID")]
    id: Option<TaskId>,
    /// The form of the picture
    #[arg(long, value_enum, default_value_t = Form::Text)]
    format: Form,
    /// Write the picture to this file
    #[arg(long, value_name = "F")]
    out: Option<PathBuf>,
}

/// The form of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Form {
    /// Scalable Vector Graphics.
    Svg,
    /// The language of Graphviz.
    Dot,
    /// A flowchart of Mermaid.
    Mermaid,
    /// Lines, a layer after the other.
    Text,
}

pub(crate) fn run(args: &GraphArgs, common: &Common, output: &Output) -> Result<u8, OpError> {
    let (mut backend, _) = Backend::find(common.store.as_deref(), common.busy.map(Duration::as_std))?;
    let mut reading = Reading { caller: common.caller(Identity::Optional), backend: &mut backend };
    let tasks = match &args.id {
        Some(id) => reading.tree(id)?,
        None => reading.unfinished()?,
    };
    let graph = Graph::of_tasks(&tasks);
    let picture = match args.format {
        Form::Svg => oarlock_picture::svg(&graph),
        Form::Dot => oarlock_picture::dot(&graph),
        Form::Mermaid => oarlock_picture::mermaid(&graph),
        Form::Text => oarlock_picture::text(&graph),
    };
    let (tasks, critical_path) = (graph.nodes.len(), graph.critical_path().into_iter().map(str::to_owned).collect());
    let reply = match &args.out {
        Some(file) => {
            fs::write(file, picture).map_err(|error| {
                let message = format!("{} cannot be written: {error}", file.display());
                OpError::from(Rejection::invalid(message, "name a file in a folder that is there and that you may write to"))
            })?;
            Picture { tasks, critical_path, picture: None, file: Some(file.display().to_string()) }
        }
        None => Picture { tasks, critical_path, picture: Some(picture), file: None },
    };
    Ok(output.reply("graph", &Reply::new(reply)))
}

/// Reading tasks page by page.
struct Reading<'a, 'b> {
    backend: &'a mut Backend<'b>,
    caller: Caller,
}

impl Reading<'_, '_> {
    /// A task and its parts at any depth.
    fn tree(&mut self, id: &TaskId) -> Result<Vec<TaskShape>, OpError> {
        let mut tasks = vec![self.backend.ask(&self.caller, ShowTask { id: id.clone(), limit: Some(1), after: None })?.task];
        let mut next = 0;
        while let Some(parent) = tasks.get(next).map(|task| task.id.clone()) {
            next += 1;
            let parts = self.list(&Tasks { parent: Some(parent), ..Tasks::default() }, tasks.len())?;
            tasks.extend(parts);
        }
        Ok(tasks)
    }

    /// All unfinished tasks, and the finished ones that they wait for.
    fn unfinished(&mut self) -> Result<Vec<TaskShape>, OpError> {
        let states: Vec<TaskState> = TaskState::ALL.into_iter().filter(|state| !state.is_finished()).collect();
        let mut tasks = self.list(&Tasks { state: states, ..Tasks::default() }, 0)?;
        let known: BTreeSet<TaskId> = tasks.iter().map(|task| task.id.clone()).collect();
        let wanted: BTreeSet<TaskId> =
            tasks.iter().flat_map(|task| task.needs.iter()).filter(|need| !known.contains(*need)).cloned().collect();
        for id in wanted {
            if tasks.len() >= NODES_MAX {
                break;
            }
            tasks.push(self.backend.ask(&self.caller, ShowTask { id, limit: Some(1), after: None })?.task);
        }
        Ok(tasks)
    }

    /// The tasks of a list, beside `before` others.
    fn list(&mut self, asked: &Tasks, before: usize) -> Result<Vec<TaskShape>, OpError> {
        let mut asked = asked.clone();
        let mut tasks = Vec::new();
        loop {
            let page = self.backend.ask(&self.caller, asked.clone())?;
            tasks.extend(page.tasks);
            if before + tasks.len() > NODES_MAX {
                return Err(Rejection::limit("tasks in one picture", NODES_MAX, before + tasks.len()).into());
            }
            match page.next {
                Some(next) => asked.after = Some(next),
                None => return Ok(tasks),
            }
        }
    }
}
