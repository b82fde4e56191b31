//! Where a project keeps its files: two layouts in use, older ones, and single folders and files.

use oarlock_host::file::canonical;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::task_file::Folder;

/// Largest file that is read, in bytes.
pub(crate) const FILE_BYTES_MAX: u64 = 16 << 20;
/// Most task files that are read.
const TASKS_MAX: usize = 20_000;
/// How deep task folders nest: a task, its sub-tasks, theirs.
const DEPTH_MAX: usize = 6;

/// What a YAML file is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Role {
    Heartbeats,
    Events,
    Queue,
    Chat,
    States,
    /// Something else, of which only the form is looked at.
    Other,
}

impl Role {
    /// By the name of the file, else by what stands in it.
    pub(crate) fn of(name: &str, text: &str) -> Self {
        let has = |key: &str| text.lines().any(|line| line.strip_prefix(key).is_some_and(|rest| rest.starts_with(':')));
        match name {
            "heartbeat.yaml" => Self::Heartbeats,
            "events.yaml" => Self::Events,
            "queue.yaml" | "spawn-queue.yaml" => Self::Queue,
            "chat-log.yaml" => Self::Chat,
            "agent-state.yaml" => Self::States,
            _ if has("heartbeats") => Self::Heartbeats,
            _ if has("events") => Self::Events,
            _ if has("queue") => Self::Queue,
            _ if has("messages") => Self::Chat,
            _ => Self::Other,
        }
    }
}

/// A project's files.
#[derive(Clone, Debug, Default)]
pub(crate) struct Layout {
    pub(crate) root: PathBuf,
    /// YAML files, those of the newest layout first.
    pub(crate) yaml: Vec<PathBuf>,
    /// Task files with the folder that they lie in.
    pub(crate) tasks: Vec<(PathBuf, Option<Folder>)>,
    /// Whether more task files are there than are read.
    pub(crate) is_cut: bool,
    /// Folders that cannot be read.
    pub(crate) unreadable: Vec<PathBuf>,
    /// Links that lead out of the project, or to folders of tasks, which are not followed.
    pub(crate) refused: Vec<PathBuf>,
}

/// Folders of communication files below a root, the newest first.
pub(crate) const COMMUNICATIONS: [&str; 5] =
    [".autonomous/agents/communications", ".autonomous/communications", "communications", "swarm", "connections/communications"];
/// Folders of tasks, the newest first.
const TASKS: [&str; 2] = ["tasks", ".autonomous/tasks"];

/// The folder of a project's communication files: the newest that is there.
pub(crate) fn communications(root: &Path) -> Option<PathBuf> {
    COMMUNICATIONS.iter().map(|folder| root.join(folder)).find(|folder| folder.is_dir() && is_inside(folder, root))
}

/// Where the communication files of a project belong that has none.
pub(crate) fn new_communications(root: &Path) -> PathBuf {
    root.join(COMMUNICATIONS[usize::from(!root.join("tasks").is_dir())])
}

/// Where the tasks of a project lie that are open, the newest layout's first.
pub(crate) fn active(root: &Path) -> impl Iterator<Item = PathBuf> + '_ {
    TASKS.iter().map(move |folder| root.join(folder).join("active"))
}

/// Whether a file lies in one of the project's folders of tasks.
pub(crate) fn lies_among_tasks(file: &Path, root: &Path) -> bool {
    TASKS.iter().any(|folder| is_inside(file, &root.join(folder)))
}

/// The layout at `path`: a project's root, a folder of its files, or one file.
///
/// # Errors
/// The path is not there or cannot be read.
pub(crate) fn find(path: &Path) -> io::Result<Layout> {
    let kind = fs::metadata(path)?;
    if kind.is_file() {
        let is_yaml = path.extension().is_some_and(|e| e == "yaml" || e == "yml");
        if !is_yaml && path.extension().is_none_or(|e| e != "md") {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is neither a YAML nor a Markdown file"));
        }
        let root = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_owned();
        let folder = path.ancestors().filter_map(|p| p.file_name()?.to_str().and_then(Folder::of)).next();
        let (yaml, tasks) = if is_yaml { (vec![path.to_owned()], Vec::new()) } else { (Vec::new(), vec![(path.to_owned(), folder)]) };
        return Ok(Layout { root, yaml, tasks, ..Layout::default() });
    }
    let mut layout = Layout { root: path.to_owned(), ..Layout::default() };
    for folder in COMMUNICATIONS.iter().map(|folder| path.join(folder)).chain([path.to_owned()]) {
        if !layout.admits(&folder) {
            continue;
        }
        let mut files = names(&folder)?;
        files.retain(|file| is_yaml(file) && layout.admits(file));
        files.sort();
        layout.yaml.extend(files);
    }
    let state = path.join(".autonomous/agents/execution/execution-state.yaml");
    layout.yaml.extend(Some(state).filter(|file| file.is_file() && is_inside(file, path)));
    for folder in TASKS.iter().map(|folder| path.join(folder)) {
        if !layout.admits(&folder) {
            continue;
        }
        for below in names(&folder)? {
            let Some(kind) = below.file_name().and_then(|name| name.to_str()).and_then(Folder::of) else { continue };
            collect_tasks(&below, kind, 0, &mut layout)?;
        }
    }
    // Those of the newest layout first.
    let age = |file: &Path| TASKS.iter().position(|folder| file.starts_with(path.join(folder)));
    layout.tasks.sort_by(|a, b| (age(&a.0), &a.0).cmp(&(age(&b.0), &b.0)));
    Ok(layout)
}

impl Layout {
    /// Whether a file or folder is there and stays in the project; a link that leads out is remembered.
    fn admits(&mut self, path: &Path) -> bool {
        let is_admitted = is_inside(path, &self.root);
        if !is_admitted && path.exists() {
            self.refused.push(path.to_owned());
        }
        is_admitted
    }
}

/// The files and folders in a folder; none when it is not there.
fn names(folder: &Path) -> io::Result<Vec<PathBuf>> {
    match fs::read_dir(folder) {
        Ok(entries) => entries.map(|entry| Ok(entry?.path())).collect(),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(Vec::new()),
        Err(error) => Err(io::Error::new(error.kind(), format!("{}: {error}", folder.display()))),
    }
}

fn is_yaml(file: &Path) -> bool {
    file.extension().is_some_and(|e| e == "yaml" || e == "yml") && file.is_file()
}

/// Whether a path stays in the root, its links followed: a link that leads out is not followed.
pub(crate) fn is_inside(path: &Path, root: &Path) -> bool {
    match (canonical(path), canonical(root)) {
        (Ok(path), Ok(root)) => path.starts_with(root),
        _ => false,
    }
}

/// Loose `TASK-x.md`, and folders `TASK-x` with a `task.md` in them and perhaps sub-tasks below.
fn collect_tasks(folder: &Path, kind: Folder, depth: usize, layout: &mut Layout) -> io::Result<()> {
    if depth > DEPTH_MAX || !layout.admits(folder) {
        return Ok(());
    }
    let Ok(paths) = names(folder) else {
        layout.unreadable.push(folder.to_owned());
        return Ok(());
    };
    for path in paths {
        if layout.tasks.len() >= TASKS_MAX {
            layout.is_cut = true;
            return Ok(());
        }
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
        let is_link = path.is_symlink();
        if path.is_dir() {
            // A link to a folder above would show every task again and again.
            if is_link {
                layout.refused.push(path);
                continue;
            }
            collect_tasks(&path, kind, depth + 1, layout)?;
        } else if is_task_name(&name, depth) && layout.admits(&path) {
            layout.tasks.push((path, Some(kind)));
        }
    }
    Ok(())
}

/// Whether a file is a task: by its name in a task's own folder, and by its form where tasks lie loose. Plans and results lie beside them.
fn is_task_name(name: &str, depth: usize) -> bool {
    let lower = name.to_lowercase();
    if lower == "task.md" {
        return depth > 0;
    }
    let Some(stem) = name.strip_suffix(".md") else { return false };
    let is_named =
        ["TASK-", "SUBTASK-", "IMP-", "MASTER-TASK", "STOP_", "RALF-", "TEST-", "ACTION-PLAN"].iter().any(|begin| stem.starts_with(begin));
    is_named && stem.chars().any(|c| c.is_ascii_digit() || c == '-')
}

/// The same of a file in its place.
pub(crate) fn is_task_file(file: &Path) -> bool {
    file.file_name().and_then(|name| name.to_str()).is_some_and(|name| is_task_name(name, 1))
}

/// The id of a task file: its own name, or that of its folder.
pub(crate) fn id_of(path: &Path) -> String {
    let stem = path.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
    let folder = path.parent().and_then(|p| p.file_name()).and_then(|name| name.to_str());
    match folder {
        Some(folder) if stem.eq_ignore_ascii_case("task") => folder.to_owned(),
        _ => stem.to_owned(),
    }
}
