//! What the files of a project say of one task, in its own file and in its item of a queue.

use std::collections::BTreeMap;
use std::ops::Bound;

use oarlock_model::AgentName;

use crate::nouns::Task;
use crate::project::Project;
use crate::reconcile::BRIDGE;
use crate::task_file::Folder;

/// What the files say of one task: its own file, and its item in a queue.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct InFiles<'a> {
    pub(crate) file: Option<&'a Task>,
    pub(crate) queue: Option<&'a Task>,
}

impl InFiles<'_> {
    /// How the task stands, by both of them.
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

    /// The name that stands there.
    pub(crate) fn claimer(&self) -> Option<&str> {
        self.queue.or(self.file).and_then(|task| task.claimed_by.as_deref())
    }

    /// Who has taken it, as an agent of the store: the bridge, for a name that is none.
    pub(crate) fn agent(&self) -> AgentName {
        let named = self.claimer().and_then(|name| AgentName::parse(name).ok());
        named.unwrap_or_else(|| AgentName::parse(BRIDGE).expect("a name"))
    }

    /// Whether item, status line and folder all say that it is done.
    pub(crate) fn is_done_everywhere(&self) -> bool {
        self.queue.is_none_or(|queue| queue.state == "done") && self.file.is_none_or(|file| file.says_done() && file.state == "done")
    }

    /// Whether it is the queue that says it is taken.
    pub(crate) fn is_claimed_by_queue(&self) -> bool {
        self.queue.is_some_and(|queue| queue.state == "claimed")
    }

    /// Whether item and status line both have this word, where they are there.
    pub(crate) fn says(&self, word: &str) -> bool {
        [self.queue, self.file]
            .into_iter()
            .flatten()
            .all(|task| task.status.as_deref().is_some_and(|status| status.eq_ignore_ascii_case(word)))
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
    let prefix = format!("{id}-");
    let is_slug = |rest: &str| {
        let is_part = rest.strip_prefix("SUB").is_some_and(|n| n.starts_with(|c: char| c.is_ascii_digit()));
        !is_part && !rest.starts_with(|c: char| c.is_ascii_digit())
    };
    let longer = all.range::<str, _>((Bound::Excluded(id), Bound::Unbounded)).map(|(known, _)| *known);
    let mut slugs = longer.take_while(|known| known.starts_with(id)).filter(|known| known.strip_prefix(&prefix).is_some_and(is_slug));
    let found = slugs.next()?;
    slugs.next().is_none().then_some(found)
}

/// The tasks of a project by id; of doubles the first, which is the newest layout's.
pub(crate) fn by_id(project: &Project) -> BTreeMap<&str, InFiles<'_>> {
    let mut all: BTreeMap<&str, InFiles<'_>> = BTreeMap::new();
    for task in &project.tasks {
        all.entry(&task.id).or_default().file.get_or_insert(task);
    }
    let (exact, rest): (Vec<&Task>, Vec<&Task>) = project.queue.iter().partition(|item| all.contains_key(item.id.as_str()));
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
