//! Where a project keeps its files: two layouts in use, older ones, and single folders and files.

use oarlock_host::file::{WithoutTraps as _, canonical};
use std::fs::{self, Metadata, OpenOptions};
use std::io::{self, Read as _};
use std::path::{Component, Path, PathBuf};

use crate::shape::{self, Named};
use crate::task_file::{FOLDERS, Folder};
use crate::wanted::Wanted;

pub(crate) use crate::shape::is_template;

/// Largest file that is read, in bytes.
pub(crate) const FILE_BYTES_MAX: u64 = 16 << 20;
/// Most task files that are read.
const TASKS_MAX: usize = 20_000;
/// How much of a file is read to see whether it is a task, in bytes.
const HEAD_BYTES: u64 = 16 << 10;
/// How deep task folders nest: a task, its sub-tasks, theirs.
pub(crate) const DEPTH_MAX: usize = 6;

/// The purpose of a YAML file.
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
    /// By the name of the file, else by its content.
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
    /// The tasks of which queues are read, where it is not all: see [`Wanted`](crate::wanted::Wanted).
    pub(crate) wanted: Option<Wanted>,
}

/// Folders of communication files below a root, the newest first.
pub(crate) const COMMUNICATIONS: [&str; 5] =
    [".autonomous/agents/communications", ".autonomous/communications", "communications", "swarm", "connections/communications"];
/// Of these, where agents of a project talk; an engine's serve a project that lies elsewhere.
pub(crate) const OWN_COMMUNICATIONS: [&str; 2] = [COMMUNICATIONS[0], COMMUNICATIONS[1]];
/// Files that agents of a project read, by name.
const OF_AGENTS: [&str; 6] = ["heartbeat.yaml", "events.yaml", "queue.yaml", "chat-log.yaml", "agent-state.yaml", "execution-state.yaml"];
/// The folder in which agents of a project keep what is theirs.
pub(crate) const HIDDEN: &str = ".autonomous";
/// Folders of tasks, the newest first.
pub(crate) const TASKS: [&str; 2] = ["tasks", ".autonomous/tasks"];

/// The folder of a project's communication files: the newest that has some, else the newest that is there. Lock files alone are what a switch
/// of branches has left of another layout.
pub(crate) fn communications(root: &Path) -> Option<PathBuf> {
    let there = || COMMUNICATIONS.iter().map(|folder| root.join(folder)).filter(|folder| folder.is_dir() && is_inside(folder, root));
    there().find(|folder| has_yaml(folder)).or_else(|| there().next())
}

/// Whether a folder has a YAML file.
pub(crate) fn has_yaml(folder: &Path) -> bool {
    // Those that most projects have are asked for first: listing a folder costs more.
    has_usual_yaml(folder) || fs::read_dir(folder).is_ok_and(|entries| entries.flatten().any(|entry| is_yaml(&entry.path())))
}

/// Whether it has one of those that most projects have.
pub(crate) fn has_usual_yaml(folder: &Path) -> bool {
    ["queue.yaml", "heartbeat.yaml"].iter().any(|name| folder.join(name).is_file())
}

/// Where the communication files of a project belong that has none.
pub(crate) fn new_communications(root: &Path) -> PathBuf {
    root.join(COMMUNICATIONS[usize::from(!root.join("tasks").is_dir())])
}

/// Where the tasks of a project lie that are open, the newest layout's first.
pub(crate) fn active(root: &Path) -> impl Iterator<Item = PathBuf> + '_ {
    TASKS.iter().map(move |folder| root.join(folder).join("active"))
}

/// Which layout's task a file is, by its path from the project's root; the newest one's is the first.
pub(crate) fn age(file: &str) -> Option<usize> {
    TASKS.iter().position(|folder| Path::new(file).starts_with(folder))
}

/// Where the file of a task most likely lies, and in which folder: by its own name directly among the others. Of doubles the one that counts
/// comes first.
pub(crate) fn places<'a>(root: &'a Path, id: &'a str) -> impl Iterator<Item = (PathBuf, Folder)> + 'a {
    let open_first = [
        ("active", Folder::Active),
        ("blocked", Folder::Blocked),
        ("improvements", Folder::Improvements),
        ("working", Folder::Working),
        ("cancelled", Folder::Cancelled),
        ("completed", Folder::Completed),
    ];
    let there = TASKS.iter().filter(move |tasks| root.join(tasks).is_dir());
    let folders = there.flat_map(move |tasks| open_first.map(|(name, folder)| (root.join(tasks).join(name), folder)));
    folders.flat_map(move |(path, folder)| [path.join(id).join("task.md"), path.join(format!("{id}.md"))].map(|file| (file, folder)))
}

/// Whether a file lies in one of the project's folders of tasks.
pub(crate) fn lies_among_tasks(file: &Path, root: &Path) -> bool {
    TASKS.iter().any(|folder| is_inside(file, &root.join(folder)))
}

/// Whether a project has a folder of tasks that is not empty.
pub(crate) fn has_tasks(root: &Path) -> bool {
    let has_some = |folder: &Path| fs::read_dir(folder).is_ok_and(|mut names| names.next().is_some());
    TASKS.iter().any(|folder| FOLDERS.iter().any(|kind| has_some(&root.join(folder).join(kind))))
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

/// The folders in which files of the project at `root` are locked, or will be.
#[must_use]
pub(crate) fn locked_folders(root: &Path) -> Vec<&'static str> {
    let is_one = |folder: &&&str| OWN_COMMUNICATIONS.contains(*folder) || root.join(folder).is_dir();
    COMMUNICATIONS.iter().filter(is_one).copied().collect()
}

impl Layout {
    /// Whether agents read a YAML file: one of those that they know, in the newest layout that has it.
    pub(crate) fn is_of_agents(&self, file: &Path) -> bool {
        let newer = self.root.join(OWN_COMMUNICATIONS[0]).join(name_of(file));
        let is_old = file.starts_with(self.root.join(OWN_COMMUNICATIONS[1])) && self.yaml.contains(&newer);
        OF_AGENTS.contains(&name_of(file)) && !is_old
    }

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
    // Below the root there are hardly ever links, and where there are none, the path stays in it whatever the root's own path is.
    if plain(path, root).is_some() {
        return true;
    }
    match (canonical(path), canonical(root)) {
        (Ok(path), Ok(root)) => path.starts_with(root),
        _ => false,
    }
}

/// The kind of file at a path below the root, if no link leads there.
pub(crate) fn plain(path: &Path, root: &Path) -> Option<Metadata> {
    let below = path.strip_prefix(root).ok().filter(|below| below.components().all(|part| matches!(part, Component::Normal(_))))?;
    let (mut at, mut last) = (root.to_owned(), None);
    for part in below.components() {
        at.push(part);
        last = Some(at.symlink_metadata().ok().filter(|found| !found.is_symlink())?);
    }
    last
}

/// Loose `TASK-x.md`, and folders `TASK-x` with a `task.md` in them and perhaps sub-tasks below. Templates and the records of runs are passed
/// over.
fn collect_tasks(folder: &Path, kind: Folder, depth: usize, layout: &mut Layout) -> io::Result<()> {
    if depth > DEPTH_MAX || !layout.admits(folder) {
        return Ok(());
    }
    let Ok(paths) = names(folder) else {
        layout.unreadable.push(folder.to_owned());
        return Ok(());
    };
    let is_own = |path: &&PathBuf| depth > 0 && name_of(path).eq_ignore_ascii_case("task.md");
    // What lies beside a task in its own folder reports about it.
    let own = paths.iter().find(is_own).cloned();
    for path in paths {
        if layout.tasks.len() >= TASKS_MAX {
            layout.is_cut = true;
            return Ok(());
        }
        let name = name_of(&path).to_owned();
        let is_link = path.is_symlink();
        if path.is_dir() {
            // A link to a folder above would show every task again and again.
            if is_link {
                layout.refused.push(path);
                continue;
            }
            if is_template(&name) || depth > 0 && is_of_runs(&name) {
                continue;
            }
            // Some have put finished tasks into a folder among open ones.
            let nested = Folder::of(&name).filter(|_| depth == 0 && kind == Folder::Active);
            collect_tasks(&path, nested.unwrap_or(kind), if nested.is_some() { 0 } else { depth + 1 }, layout)?;
        } else if own.as_ref().is_none_or(|own| *own == path) && is_task_in(&path, &name, depth == 0) && layout.admits(&path) {
            layout.tasks.push((path, Some(kind)));
        }
    }
    Ok(())
}

/// Where the runs of a task keep their records, copies of tasks among them.
fn is_of_runs(name: &str) -> bool {
    name == "runs" || name.starts_with("runs.") || name.starts_with("run-")
}

/// Whether a file is a task: by its name, else by its form.
fn is_task_in(file: &Path, name: &str, is_loose: bool) -> bool {
    match shape::by_name(name, is_loose) {
        Named::Task => true,
        Named::Other => false,
        Named::Unclear => head_of(file).is_some_and(|head| shape::has_form(&head)),
    }
}

/// The beginning of a file; nothing when it cannot be read as text.
fn head_of(file: &Path) -> Option<String> {
    let opened = OpenOptions::new().read(true).without_traps().open(file).ok()?;
    let mut bytes = Vec::new();
    opened.take(HEAD_BYTES).read_to_end(&mut bytes).ok()?;
    // It may be cut within a letter.
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// Whether a file is a task in its place.
pub(crate) fn is_task_file(file: &Path) -> bool {
    is_task_in(file, name_of(file), is_loose(file))
}

/// Whether a file with this text would be taken for a task in its place.
pub(crate) fn would_be_task(file: &Path, text: &str) -> bool {
    match shape::by_name(name_of(file), is_loose(file)) {
        Named::Task => true,
        Named::Other => false,
        Named::Unclear => shape::has_form(text),
    }
}

/// Whether a file lies where tasks lie, and not in a folder of a task's own.
fn is_loose(file: &Path) -> bool {
    file.parent().is_some_and(|folder| Folder::of(name_of(folder)).is_some())
}

fn name_of(path: &Path) -> &str {
    path.file_name().and_then(|name| name.to_str()).unwrap_or_default()
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
