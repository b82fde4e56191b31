//! Where the files of tasks lie, by id: known from one call to the next as long as no folder of tasks has changed.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::layout::{self, TASKS};
use crate::task_file::Folder;

/// A task's file and the folder that it lies in.
pub(crate) type Place = (PathBuf, Option<Folder>);

/// The files of tasks by id; of doubles the first, which is the newest layout's.
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
                self.places.entry(layout::id_of(&file)).or_insert((file, folder));
            }
            self.stamp = stamp;
        }
        &self.places
    }

    /// The file of the task with this id.
    pub(crate) fn find(&mut self, root: &Path, id: &str) -> Option<Place> {
        // Most lie where open ones do, under their own name: then nothing has to be listed.
        let near = layout::active(root).flat_map(|folder| [folder.join(id).join("task.md"), folder.join(format!("{id}.md"))]);
        let known = near.into_iter().find(|file| file.is_file() && layout::is_inside(file, root));
        known.map(|file| (file, Some(Folder::Active))).or_else(|| self.all(root).get(id).cloned())
    }
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
