//! Where the files of tasks lie, by id: known from one call to the next as long as no folder of tasks has changed.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::layout::{self, TASKS};
use crate::task_file::Folder;

/// A task's file and the folder that it lies in.
pub(crate) type Place = (PathBuf, Option<Folder>);

/// The files of tasks by id; of doubles the one that counts, see [`by_id`](crate::in_files::by_id).
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
            self.stamp = stamp;
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
    let kinds = |folder: PathBuf| ["active", "completed", "cancelled", "blocked", "working", "improvements"].map(|kind| folder.join(kind));
    let changed = |folder: PathBuf| {
        let at = fs::metadata(&folder).and_then(|meta| meta.modified()).ok();
        (folder, at)
    };
    folders.flat_map(kinds).map(changed).collect()
}
