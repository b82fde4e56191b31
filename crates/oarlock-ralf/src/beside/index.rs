//! Where the files of tasks lie, by id: known from one call to the next as long as no folder of tasks has changed.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::layout::{self, TASKS};
use crate::task_file::{FOLDERS, Folder};

/// A folder that was changed so shortly before it was listed may have been changed again since, at the same time as file systems count it.
const FRESH: Duration = Duration::from_millis(50);

/// A task's file and the folder that it lies in.
pub(crate) type Place = (PathBuf, Option<Folder>);

/// The files of tasks by id; of doubles the one that counts, see [`by_id`](crate::file_view::by_id).
#[derive(Debug, Default)]
pub(crate) struct Index {
    /// The folders of tasks, and when each was changed.
    stamp: Vec<(PathBuf, Option<SystemTime>)>,
    places: BTreeMap<String, Place>,
}

impl Index {
    /// All of them.
    pub(crate) fn all(&mut self, root: &Path) -> &BTreeMap<String, Place> {
        let stamp = stamp(root);
        if self.stamp.is_empty() || self.stamp != stamp {
            let found = layout::find(root).map(|layout| layout.tasks).unwrap_or_default();
            self.places.clear();
            for (file, folder) in found {
                let id = layout::id_of(&file);
                let age = |place: &Place| place.0.strip_prefix(root).ok().and_then(|file| layout::age(&file.to_string_lossy()));
                let place = (file, folder);
                let is_reopened = |known: &Place| is_over(known) && !is_over(&place) && age(known) == age(&place);
                if self.places.get(&id).is_none_or(is_reopened) {
                    self.places.insert(id, place);
                }
            }
            let now = SystemTime::now();
            let is_fresh = |at: &SystemTime| now.duration_since(*at).is_ok_and(|age| age < FRESH) || *at > now;
            let is_known = !stamp.iter().filter_map(|(_, at)| at.as_ref()).any(is_fresh);
            self.stamp = if is_known { stamp } else { Vec::new() };
        }
        &self.places
    }

    /// The file of the task with this id.
    pub(crate) fn find(&mut self, root: &Path, id: &str) -> Option<Place> {
        // Most lie where open ones do, under their own name: then nothing has to be listed.
        near(root, id).filter(|place| !is_over(place)).or_else(|| self.all(root).get(id).cloned())
    }
}

/// The file of a task that lies directly among the others, under its own name.
pub(crate) fn near(root: &Path, id: &str) -> Option<Place> {
    let found = layout::places(root, id).find(|(file, _)| file.is_file() && layout::is_inside(file, root));
    found.map(|(file, folder)| (file, Some(folder)))
}

fn is_over(place: &Place) -> bool {
    matches!(place.1, Some(Folder::Completed | Folder::Cancelled))
}

/// When the folders of tasks were changed.
fn stamp(root: &Path) -> Vec<(PathBuf, Option<SystemTime>)> {
    let folders = TASKS.iter().map(|folder| root.join(folder));
    let kinds = |folder: PathBuf| FOLDERS.map(|kind| folder.join(kind));
    let changed = |folder: PathBuf| {
        let at = fs::metadata(&folder).and_then(|meta| meta.modified()).ok();
        (folder, at)
    };
    folders.flat_map(kinds).map(changed).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use fs::File;

    #[test]
    fn what_comes_at_the_same_time_as_the_last_change_is_found_too() {
        let temp = tempfile::tempdir().expect("temporary");
        let completed = temp.path().join("tasks/completed");
        let (mut index, long_ago) = (Index::default(), SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000));
        let mut put = |name: &str, at: SystemTime| {
            fs::create_dir_all(completed.join(name)).expect("a folder");
            fs::write(completed.join(name).join("task.md"), "# T\n\n**Status:** pending\n").expect("a task");
            File::open(&completed).expect("opens").set_modified(at).expect("set");
            index.find(temp.path(), name).is_some()
        };
        // Times ahead of the clock are as fresh as those of now.
        let soon = SystemTime::now() + Duration::from_secs(3_600);
        assert!(put("TASK-1", soon) && put("TASK-2", soon));
        assert!(put("TASK-3", long_ago));
        assert!(!put("TASK-4", long_ago), "the folder is not listed again as long as its time is the same");
    }
}
