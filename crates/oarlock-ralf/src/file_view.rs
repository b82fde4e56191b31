//! The view of one task in the files of a project: its own file and its item of a queue.

use std::collections::BTreeMap;
use std::ops::Bound;

use oarlock_model::seeded;

use crate::displayed_state::DisplayedState;
use crate::layout;
use crate::short_id::goes_on_with_slug;
use crate::task_file::Folder;
use crate::types::Task;

/// The view of one task in the files: its own file, and its item in a queue.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct FileView<'a> {
    pub(crate) file: Option<&'a Task>,
    pub(crate) queue: Option<&'a Task>,
}

impl FileView<'_> {
    /// How the task is, by both of them.
    pub(crate) fn state(&self) -> &'static str {
        match (self.file.map(|file| file.state), self.queue.map(|queue| queue.state)) {
            // Who claims through the queue leaves the file as it is, and the other way round.
            (Some("ready"), Some("claimed")) => "claimed",
            // The folder alone says that it is open, the queue and its own status line that it is not.
            (Some("ready" | "claimed"), Some("done")) if self.file.is_some_and(Task::says_done) => "done",
            (Some(file), _) => file,
            (None, Some(queue)) => queue,
            (None, None) => "ready",
        }
    }

    /// The name that is there.
    pub(crate) fn claimer(&self) -> Option<&str> {
        self.queue.or(self.file).and_then(|task| task.claimed_by.as_deref())
    }

    /// Whether all of them say that it is done, the file by its folder, or by its status line beside an item that says so. The status line of what
    /// lies among the finished says nothing.
    pub(crate) fn is_done_everywhere(&self) -> bool {
        self.state() == "done" && self.queue.is_none_or(|queue| queue.state == "done")
    }

    /// Whether they show that this agent has the task: by name where an item has one.
    pub(crate) fn shows(&self, agent: &str) -> bool {
        self.state() == "claimed" && self.queue.is_none_or(|item| item.claimed_by.as_deref() == Some(agent))
    }

    /// Whether they say already that the task has ended like this.
    pub(crate) fn says_end(&self, displayed_state: &DisplayedState) -> bool {
        match displayed_state {
            DisplayedState::Done => self.is_done_everywhere(),
            DisplayedState::Cancelled => self.state() == "cancelled",
            DisplayedState::Failed => matches!(self.state(), "done" | "cancelled") || self.says("failed"),
            DisplayedState::Open | DisplayedState::Claimed(..) | DisplayedState::Split => false,
        }
    }

    /// Whether its item says that it is done, wherever its file lies.
    pub(crate) fn item_is_done(&self) -> bool {
        self.queue.is_some_and(|item| item.state == "done")
    }

    /// Whether somebody who had it by the files has finished it: by its folder, or by an item that said before that it is taken.
    pub(crate) fn is_finished_there(&self) -> bool {
        let is_by_item = self.state() != "cancelled" && self.item_is_done() && !seeded::is(seeded::DONE_BY_FOLDER_ALONE);
        self.state() == "done" || is_by_item
    }

    /// The file that it is in: its own, or a queue.
    pub(crate) fn place(&self) -> &str {
        self.file.or(self.queue).map_or("", |task| &task.source.file)
    }

    /// Whether it is the queue that says it is taken.
    pub(crate) fn is_claimed_by_queue(&self) -> bool {
        self.queue.is_some_and(|queue| queue.state == "claimed")
    }

    /// Whether item and status line both have this word, where they are there. An item of a task that failed is `blocked`, or `failed`.
    pub(crate) fn says(&self, word: &str) -> bool {
        let has = |task: &Task, word: &str| task.status.as_deref().is_some_and(|status| status.eq_ignore_ascii_case(word));
        self.file.is_none_or(|file| has(file, word))
            && self.queue.is_none_or(|item| has(item, word) || word == "failed" && has(item, "blocked"))
    }

    /// Whether there is something to do, and nobody says that it is to wait.
    pub(crate) fn is_open(&self) -> bool {
        !matches!(self.state(), "done" | "cancelled") && !self.is_put_off()
    }

    /// Proposed or put off: nobody is to take it yet.
    pub(crate) fn is_put_off(&self) -> bool {
        self.state() == "blocked" || self.file.is_some_and(|file| file.folder == Some(Folder::Improvements))
    }

    /// The same for people.
    pub(crate) fn shown(&self) -> String {
        match self.claimer() {
            Some(claimer) => format!("{} by {claimer}", self.state()),
            None => self.state().to_owned(),
        }
    }
}

/// The task that an id means: the one of that name, or the only one whose file name goes on with a slug. `TASK-7` is not `TASK-7-2`, and none of
/// its parts.
pub(crate) fn resolve<'a, T>(id: &str, all: &'a BTreeMap<&str, T>) -> Option<&'a str> {
    if let Some((known, _)) = all.get_key_value(id) {
        return Some(known);
    }
    let longer = all.range::<str, _>((Bound::Excluded(id), Bound::Unbounded)).map(|(known, _)| *known);
    let mut slugs = longer.take_while(|known| known.starts_with(id)).filter(|known| goes_on_with_slug(id, known));
    let found = slugs.next()?;
    slugs.next().is_none().then_some(found)
}

/// Tasks of files and items of queues by id. Of doubles the newest layout's counts, and in one layout the open one.
pub(crate) fn by_id<'a>(tasks: &'a [Task], queue: &'a [Task]) -> BTreeMap<&'a str, FileView<'a>> {
    let mut all: BTreeMap<&str, FileView<'_>> = BTreeMap::new();
    for task in tasks {
        let file = &mut all.entry(&task.id).or_default().file;
        let is_over = |task: &Task| matches!(task.state, "done" | "cancelled");
        let is_reopened =
            |known: &Task| is_over(known) && !is_over(task) && layout::age(&known.source.file) == layout::age(&task.source.file);
        if file.is_none_or(is_reopened) {
            *file = Some(task);
        }
    }
    let (exact, rest): (Vec<&Task>, Vec<&Task>) = queue.iter().partition(|item| all.contains_key(item.id.as_str()));
    for item in exact {
        all.entry(&item.id).or_default().queue.get_or_insert(item);
    }
    for item in rest {
        // A task that has ended is another one than an item that is open.
        let fits = |known: &&str| {
            let is_over = all[known].file.is_some_and(|file| matches!(file.state, "done" | "cancelled"));
            all[known].queue.is_none() && (!is_over || matches!(item.state, "done" | "cancelled"))
        };
        let known = resolve(&item.id, &all).filter(fits).map(str::to_owned);
        let entry = match known.as_deref().and_then(|known| all.get_mut(known)) {
            Some(entry) => entry,
            None => all.entry(&item.id).or_default(),
        };
        entry.queue.get_or_insert(item);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_id_means_the_file_with_a_slug_and_none_of_its_parts() {
        let ids = ["TASK-7-2", "TASK-7-fix-x", "TASK-7-fix-x-SUB1", "TASK-7-fix-x-SUB1-SUB2", "TASK-8-a", "TASK-8-b", "TASK-9-SUB1"];
        let all: BTreeMap<&str, ()> = ids.into_iter().map(|id| (id, ())).collect();
        for (id, want) in [
            ("TASK-7", Some("TASK-7-fix-x")),
            ("TASK-7-fix-x", Some("TASK-7-fix-x")),
            ("TASK-7-fix-x-SUB1", Some("TASK-7-fix-x-SUB1")),
            ("TASK-8", None),
            ("TASK-9", None),
            ("TASK", None),
        ] {
            assert_eq!(resolve(id, &all), want, "{id}");
        }
    }
}
