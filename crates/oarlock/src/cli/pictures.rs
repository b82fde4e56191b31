//! `graph` and `timeline`: the doors of pictures of tasks.

use clap::{Args, ValueEnum};
use oarlock_client::{Backend, Selection};
use oarlock_model::duration::Duration;
use oarlock_model::{Rejection, TaskId};
use oarlock_ops::OpError;
use oarlock_ops::caller::Identity;
use oarlock_ops::reply::Reply;
use oarlock_picture::{Graph, NODES_MAX, TIMELINE_KINDS, Timeline};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

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

/// Draw which agent did which task when, from the log: a bar for each attempt, with how it ended.
#[derive(Clone, Debug, Args)]
pub(crate) struct TimelineArgs {
    /// Only this task and its parts
    #[arg(value_name = "ID")]
    id: Option<TaskId>,
    /// Only what happened after this event
    #[arg(long, value_name = "CURSOR")]
    after: Option<String>,
    /// The form of the picture
    #[arg(long, value_enum, default_value_t = TimelineForm::Text)]
    format: TimelineForm,
    /// Write the picture to this file
    #[arg(long, value_name = "F")]
    out: Option<PathBuf>,
}

/// The form of a timeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum TimelineForm {
    /// Scalable Vector Graphics.
    Svg,
    /// Bars and lines of text.
    Text,
}

pub(crate) fn graph(args: &GraphArgs, common: &Common, output: &Output) -> Result<u8, OpError> {
    let (mut backend, _) = Backend::find(common.store.as_deref(), common.busy.map(Duration::as_std))?;
    let mut selection = Selection::new(&mut backend, common.caller(Identity::Optional), NODES_MAX);
    let tasks = match &args.id {
        Some(id) => selection.tree(id)?,
        None => selection.unfinished()?,
    };
    let graph = Graph::of_tasks(&tasks);
    let picture = match args.format {
        Form::Svg => oarlock_picture::svg(&graph),
        Form::Dot => oarlock_picture::dot(&graph),
        Form::Mermaid => oarlock_picture::mermaid(&graph),
        Form::Text => oarlock_picture::text(&graph),
    };
    let drawn = Picture { tasks: graph.nodes.len(), critical_path: Some(texts(graph.critical_path())), ..Picture::default() };
    deliver("graph", drawn, picture, args.out.as_deref(), output)
}

pub(crate) fn timeline(args: &TimelineArgs, common: &Common, output: &Output) -> Result<u8, OpError> {
    let (mut backend, _) = Backend::find(common.store.as_deref(), common.busy.map(Duration::as_std))?;
    let mut selection = Selection::new(&mut backend, common.caller(Identity::Optional), NODES_MAX);
    let only = args.id.as_ref().map(|id| selection.tree(id)).transpose()?;
    let only: Option<BTreeSet<String>> = only.map(|tasks| tasks.iter().map(|task| task.id.to_string()).collect());
    let events = selection.events(&TIMELINE_KINDS, args.after.clone())?;
    let now_ms = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX));
    let timeline = Timeline::of_events(&events, only.as_ref(), now_ms);
    let picture = match args.format {
        TimelineForm::Svg => oarlock_picture::timeline_svg(&timeline),
        TimelineForm::Text => oarlock_picture::timeline_text(&timeline),
    };
    let tasks: BTreeSet<&str> = timeline.spans.iter().map(|span| span.task.as_str()).collect();
    let drawn = Picture {
        tasks: tasks.len(),
        attempts: Some(timeline.spans.len()),
        wall_ms: Some(timeline.wall_ms()),
        serial_ms: Some(timeline.worked_ms()),
        ..Picture::default()
    };
    deliver("timeline", drawn, picture, args.out.as_deref(), output)
}

fn texts(ids: Vec<&str>) -> Vec<String> {
    ids.into_iter().map(str::to_owned).collect()
}

/// Prints a picture, or writes it to a file and says so.
fn deliver(verb: &str, mut drawn: Picture, picture: String, out: Option<&Path>, output: &Output) -> Result<u8, OpError> {
    match out {
        Some(file) => {
            fs::write(file, picture).map_err(|error| {
                let message = format!("{} cannot be written: {error}", file.display());
                OpError::from(Rejection::invalid(message, "name a file in a folder that is there and that you may write to"))
            })?;
            drawn.file = Some(file.display().to_string());
        }
        None => drawn.picture = Some(picture),
    }
    Ok(output.reply(verb, &Reply::new(drawn)))
}
