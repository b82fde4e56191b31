//! Which task a document has: `split` makes one of it once, and `run` goes on with that one only.

use oarlock_model::ident::shown;
use oarlock_model::task::{Task, TaskState};
use oarlock_model::{Rejection, TaskId, seeded};
use oarlock_plan::is_same_document;
use serde_json::json;

use crate::store::{StoreResult, TaskView};

/// A document that a task is to be made from.
#[derive(Clone, Copy, Debug)]
pub struct Document<'a> {
    /// Its path as the caller wrote it.
    pub name: &'a str,
    /// Its path in the repository, or an absolute one outside; absent where the caller's machine did not say it.
    pub file: Option<&'a str>,
    /// Its text.
    pub text: &'a str,
}

/// The facts that a store has about a document.
#[derive(Clone, Debug, PartialEq)]
pub enum Found {
    /// Nothing: a task can be made, with this id or a made-up one.
    Nothing(Option<TaskId>),
    /// The task that was made from it.
    Made(Box<Task>),
    /// A task that is in its way: another one with its id, or one made from an earlier text of it.
    Other(Box<Task>, Difference),
}

/// How a task and a document differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Difference {
    /// The task was made from another file.
    File,
    /// The texts differ.
    Text,
}

impl Document<'_> {
    /// The task that this document has. `id` is the one that the caller chose; without it the id comes from the file's name,
    /// and a task that was made from the same file under another id is found too.
    ///
    /// # Errors
    /// Store errors.
    pub fn find(&self, view: &dyn TaskView, id: Option<&TaskId>) -> StoreResult<Found> {
        if let Some(id) = id {
            return Ok(match view.task(id)? {
                Some(task) => self.compared(task),
                None => Found::Nothing(Some(id.clone())),
            });
        }
        let id = self.id();
        let named = id.as_ref().map(|id| view.task(id)).transpose()?.flatten().map(|task| self.compared(task));
        if let Some(found @ Found::Made(_)) = named {
            return Ok(found);
        }
        let mut of_file = Vec::new();
        for id in self.file.map(|file| view.tasks_of_file(file)).transpose()?.unwrap_or_default() {
            of_file.extend(view.task(&id)?);
        }
        // The newest first, and unfinished tasks before finished ones.
        of_file.reverse();
        of_file.sort_by_key(|task| task.state.is_finished());
        if let Some(made) = of_file.iter().find(|task| self.difference(task).is_none()) {
            return Ok(Found::Made(Box::new(made.clone())));
        }
        let edited = || of_file.into_iter().next().map(|task| self.compared(task));
        Ok(named.or_else(edited).unwrap_or(Found::Nothing(id)))
    }

    /// The id that the file's name gives; none where it has neither letters nor digits of ASCII.
    #[must_use]
    pub fn id(&self) -> Option<TaskId> {
        oarlock_plan::task_id_from_file_name(self.name).and_then(|id| TaskId::parse(&id).ok())
    }

    fn compared(&self, task: Task) -> Found {
        match self.difference(&task) {
            None => Found::Made(Box::new(task)),
            Some(difference) => Found::Other(Box::new(task), difference),
        }
    }

    /// How a task differs from what would be made from this document. A store that an older version wrote does not say from which file.
    fn difference(&self, task: &Task) -> Option<Difference> {
        let is_of_file = match (self.file, task.spec.file.as_deref()) {
            (Some(file), Some(of_task)) => file == of_task,
            _ => true,
        };
        if seeded::is(seeded::ANY_DOCUMENT) {
            return None;
        }
        match (is_of_file, is_same_document(self.text, &task.spec.body)) {
            (true, true) => None,
            (true, false) => Some(Difference::Text),
            (false, _) => Some(Difference::File),
        }
    }

    /// The refusal to go on with a task that this document is not the one of.
    #[must_use]
    pub fn is_not_of(&self, task: &Task, difference: Difference) -> Rejection {
        let title = self.title();
        let name = shown(self.name);
        let message = match (difference, task.spec.file.as_deref()) {
            (Difference::Text, Some(_)) => {
                let titles = if task.spec.title == title {
                    first_difference(self.text, &task.spec.body)
                } else {
                    format!("the task is \"{}\", the file \"{title}\"", task.spec.title)
                };
                format!("{name} was edited since {} was made from it: {titles}", task.id)
            }
            (Difference::File, Some(file)) => {
                format!("{} was made from {}: it is \"{}\", and {name} is \"{title}\"", task.id, shown(file), task.spec.title)
            }
            _ => format!("{} was not made from {name}: it is \"{}\", and the file is \"{title}\"", task.id, task.spec.title),
        };
        let mut details = json!({"task": task.id, "state": task.state, "task_title": task.spec.title, "file": name, "file_title": title});
        if let Some(file) = &task.spec.file {
            details["task_file"] = json!(file);
        }
        let go_on = if task.state.is_finished() { String::new() } else { format!("; `oarlock run {}` goes on with that task", task.id) };
        Rejection::Conflict { message, hint: format!("choose an id for another task with --id ID{go_on}"), details }
    }

    /// The refusal to make a task of this document once more.
    #[must_use]
    pub fn was_made(&self, task: &Task) -> Rejection {
        Rejection::AlreadyExists {
            noun: "task",
            id: task.id.to_string(),
            detail: Some(format!("it is {}", task.state)),
            hint: match task.state {
                TaskState::Done => "`oarlock task` with this id shows what came of it; --id ID makes another task of the file",
                TaskState::Dead | TaskState::Cancelled => {
                    "`oarlock task` with this id shows why, `oarlock requeue` brings it back; --id ID makes another task of the file"
                }
                _ => {
                    "`oarlock tasks --parent ID` lists its parts; `oarlock run FILE` goes on with it; --id ID makes another task of the file"
                }
            },
        }
    }

    fn title(&self) -> String {
        oarlock_plan::title(self.text).unwrap_or_else(|| shown(self.name))
    }
}

/// The first line in which a text differs from a former one, for people; ticks and marks are no difference.
fn first_difference(text: &str, former: &str) -> String {
    let former = former.lines().map(Some).chain(std::iter::repeat(None));
    let differs = |(_, (line, former)): &(usize, (&str, Option<&str>))| former.is_none_or(|former| !is_same_document(line, former));
    match text.lines().zip(former).enumerate().find(differs) {
        Some((n, (line, _))) => format!("first in line {}, \"{}\"", n + 1, shown(line.trim())),
        None => "its last lines are gone".to_owned(),
    }
}
