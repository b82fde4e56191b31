//! The tasks in progress by the files: who has each, since when, and the last sign of life of that holder. Names of holders are any text, run ids
//! and users among them; they are no agents.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Component, Path, PathBuf};
use std::time::UNIX_EPOCH;

use oarlock_model::limits;
use oarlock_model::text::kept_line;
use serde_json::Value;

use crate::file_view::FileView;
use crate::layout;
use crate::part_file::unit;
use crate::types::Agent;
use crate::values::text;

/// Files of a run, or of a task, whose times are looked at.
const FILES_MAX: usize = 1_000;

/// A task that the files call in progress.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Held {
    /// Who has it, as it is called there; absent where nobody is named.
    pub(crate) holder: Option<String>,
    /// Since when, in milliseconds since 1970, where its item says so.
    pub(crate) since_ms: Option<i64>,
    /// The last sign of life, where there is one.
    pub(crate) seen_ms: Option<i64>,
}

/// Who has the tasks that the files call in progress, by id. `alive` are the heartbeats that are signs of life.
pub(crate) fn by_id(root: &Path, tasks: &BTreeMap<&str, FileView<'_>>, alive: &[&Agent], now_ms: i64) -> BTreeMap<String, Held> {
    let taken = tasks.iter().filter(|(_, files)| files.state() == "claimed");
    taken.map(|(id, files)| ((*id).to_owned(), of(root, files, alive, now_ms))).collect()
}

fn of(root: &Path, files: &FileView<'_>, alive: &[&Agent], now_ms: i64) -> Held {
    let holder = files.claimer().and_then(name);
    let block = holder.as_deref().and_then(|holder| alive.iter().find(|agent| agent.name == holder));
    let beat_ms = block.and_then(|agent| agent.age_ms).map(|age_ms| now_ms - age_ms);
    let run = holder.as_deref().and_then(|holder| run_folder(root, holder, block.copied()));
    let item = files.queue.filter(|item| item.state == "claimed");
    let own_ms = item.and_then(|item| item.moved_ms);
    let task_ms = files.file.and_then(|file| newest(&unit(&root.join(&file.source.file))));
    let run_ms = run.and_then(|run| newest(&run));
    // No file was changed later than now, whatever its time says.
    let seen_ms = [beat_ms, own_ms, task_ms, run_ms].into_iter().flatten().max().map(|seen_ms| seen_ms.min(now_ms));
    Held { holder, since_ms: item.and_then(|item| item.taken_ms), seen_ms }
}

/// A holder's name as it is kept: short, on one line; nothing for placeholders and for other texts.
pub(crate) fn name(text: &str) -> Option<String> {
    let name = kept_line(text.trim(), usize::MAX);
    if name.is_empty() || is_placeholder(&name) {
        return None;
    }
    Some(name[..name.floor_char_boundary(limits::OUTSIDE_NAME_BYTES_MAX)].to_owned())
}

/// Whether a text means one that is yet to be put in: `{STATUS}`, `$RUN_ID`, `idle|running|error`, `TIMESTAMP`, `FILL_ME`.
pub(crate) fn is_placeholder(text: &str) -> bool {
    let is_in = |open, close| text.starts_with(open) && text.ends_with(close);
    let word = text.to_lowercase();
    is_in('{', '}')
        || is_in('[', ']')
        || is_in('<', '>')
        || text.contains(['{', '}', '$', '|'])
        || ["null", "none", "nil", "~", "unknown", "fill_me", "todo", "tbd", "timestamp", "agent_name", "n/a"].contains(&word.as_str())
}

/// The folder of a holder's run: the one that its heartbeat names, else one of its name where runs lie. It must be in the project.
fn run_folder(root: &Path, holder: &str, block: Option<&Agent>) -> Option<PathBuf> {
    let named = block.and_then(|agent| text(&agent.fields, &["run_dir"])).map(|dir| root.join(dir));
    let is_name = Path::new(holder).components().eq([Component::Normal(holder.as_ref())]);
    let found = || is_name.then(|| runs(root).map(|runs| runs.join(holder)).find(|run| run.is_dir())).flatten();
    named.filter(|run| run.is_dir()).or_else(found).filter(|run| layout::is_inside(run, root))
}

/// The folders in which runs lie: `runs/`, `runs/executor/` and the like, and those of agents.
fn runs(root: &Path) -> impl Iterator<Item = PathBuf> {
    let below =
        |folder: PathBuf| fs::read_dir(folder).into_iter().flatten().take(FILES_MAX).filter_map(Result::ok).map(|entry| entry.path());
    let (runs, agents) = (root.join("runs"), root.join(".autonomous/agents"));
    [runs.clone(), root.join(".autonomous/runs")].into_iter().chain(below(runs)).chain(below(agents).map(|agent| agent.join("runs")))
}

/// When a file, or one of the files directly in a folder, was last changed, in milliseconds since 1970.
fn newest(path: &Path) -> Option<i64> {
    let changed_ms = |path: &Path| {
        let changed = fs::symlink_metadata(path).and_then(|meta| meta.modified()).ok()?;
        i64::try_from(changed.duration_since(UNIX_EPOCH).ok()?.as_millis()).ok()
    };
    let inside = fs::read_dir(path).into_iter().flatten().take(FILES_MAX).filter_map(Result::ok);
    inside.filter_map(|entry| changed_ms(&entry.path())).chain(changed_ms(path)).max()
}

/// The names under which items report since when they are taken, the one that counts first.
pub(crate) const TAKEN_AT: [&str; 2] = ["claimed_at", "started_at"];
/// The names under which they show that something happened.
pub(crate) const MOVED_AT: [&str; 5] = ["claimed_at", "started_at", "updated_at", "last_updated", "heartbeat"];

/// A time that a field states, in milliseconds since 1970; one behind its file's last change counts as that.
pub(crate) fn stated_ms(value: &Value, latest_ms: i64) -> Option<i64> {
    crate::time::of(value).map(|stated| stated.unix_ms.min(latest_ms))
}

#[cfg(test)]
#[path = "held_tests.rs"]
mod tests;
