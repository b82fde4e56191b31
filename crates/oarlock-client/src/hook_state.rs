//! The state that hooks keep on this machine between two of their calls: a log of their own failures, which helper makes which call, and
//! whether an agent has to hear its start again. Nothing of it is needed: where it cannot be kept, hooks do without.

use oarlock_host::file::{canonical, private_dir};
use oarlock_model::{AgentName, SessionId};
use std::fs::{self, File, OpenOptions};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::project::Project;
use crate::user;
use oarlock_model::rules::naming;

/// The longest log, in bytes; then it begins again, and the one before is kept.
const LOG_BYTES_MAX: u64 = 256 << 10;

/// After this long nobody asks for a call any more: a call follows its hook at once, unless the person is asked before.
const CALL_AGE_MAX: Duration = Duration::from_secs(120);

/// The name of a client's run when it joins: the same run resumes its session.
pub fn harness(client: &str, run: &str) -> String {
    naming::run(&format!("{client}:{run}"))
}

/// The identity of a call where a client gives it no id: the tool, without the server's name, and its input.
pub fn call_by_content(tool: &str, input: &serde_json::Value) -> String {
    let short = tool.rsplit_once("oarlock_").map_or(tool, |(_, short)| short).trim_start_matches('_');
    let input = if input.is_null() { "{}".to_owned() } else { input.to_string() };
    format!("{short} {input}")
}

/// The directory of kept files.
#[derive(Clone, Debug)]
pub struct HookState {
    dir: PathBuf,
}

impl HookState {
    /// With the user's own files, for each project apart. Not in the project: anyone who made a repository could have put links there.
    pub fn of(project: Option<&Project>) -> Option<Self> {
        let place = project.map(|project| canonical(&project.dir()).unwrap_or_else(|_| project.dir()));
        let mut hasher = DefaultHasher::new();
        place.hash(&mut hasher);
        Some(Self { dir: user::state_dir()?.join("hooks").join(format!("{:016x}", hasher.finish())) })
    }

    /// Where nothing can be kept.
    pub fn nowhere() -> Self {
        Self { dir: PathBuf::from("/dev/null") }
    }

    fn file(&self, kind: &str, key: &str) -> PathBuf {
        // A hash: what clients call things never becomes a path.
        let mut hasher = DefaultHasher::new();
        key.hash(&mut hasher);
        self.dir.join(format!("{kind}-{:016x}", hasher.finish()))
    }

    fn write(&self, file: &Path, text: &str) {
        // Without it, a helper counts as its parent, or hears its start once less.
        // In one piece: several hooks run at once.
        let written = private_dir().recursive(true).create(&self.dir).and_then(|()| tempfile::NamedTempFile::new_in(&self.dir));
        let _ = written.and_then(|mut temporary| {
            temporary.write_all(text.as_bytes())?;
            temporary.persist(file).map_err(|error| error.error)
        });
    }

    /// The helpers that an agent has started and that have not ended, as its client calls them, the latest last.
    pub fn helpers(&self, name: &AgentName) -> Vec<String> {
        let text = fs::read_to_string(self.file("helpers", name.as_str())).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// Changes them. Several may start in one moment: one hook after another does so.
    pub fn change_helpers(&self, name: &AgentName, change: impl FnOnce(&mut Vec<String>)) {
        let file = self.file("helpers", name.as_str());
        // Without it, one of two that start at once may count as its parent.
        let alone = self.alone("starts", name);
        let mut helpers = self.helpers(name);
        change(&mut helpers);
        if helpers.is_empty() {
            let _ = fs::remove_file(file);
        } else {
            let lines: Vec<String> = helpers.iter().map(|helper| helper.replace('\n', " ")).collect();
            self.write(&file, &lines.join("\n"));
        }
        drop(alone);
    }

    /// Waits until no other hook of an agent does a thing of this kind, until the returned guard is dropped. Nothing where that cannot be had.
    pub fn alone(&self, kind: &str, name: &AgentName) -> Option<File> {
        private_dir().recursive(true).create(&self.dir).ok()?;
        let file = OpenOptions::new().create(true).read(true).append(true).open(self.file(kind, name.as_str())).ok()?;
        file.lock().ok().map(|()| file)
    }

    /// Notes the session that a client's run has joined.
    pub fn note_run(&self, harness: &str, session: &SessionId) {
        self.write(&self.file("run", harness), session.as_str());
    }

    /// The session that a client's run has joined.
    pub fn session_of_run(&self, harness: &str) -> Option<SessionId> {
        SessionId::parse(fs::read_to_string(self.file("run", harness)).ok()?.trim()).ok()
    }

    /// It has ended.
    pub fn forget_run(&self, harness: &str) {
        let _ = fs::remove_file(self.file("run", harness));
    }

    /// Notes who makes a call of a tool.
    pub fn note_call(&self, call: &str, name: &AgentName, session: Option<&SessionId>) {
        let session = session.map_or("", SessionId::as_str);
        self.write(&self.file("call", call), &format!("{call}\n{name} {session}"));
    }

    /// Who makes a call of a tool, reported once.
    pub fn caller_of_call(&self, call: &str) -> Option<(AgentName, Option<SessionId>)> {
        let file = self.file("call", call);
        let text = fs::read_to_string(&file).ok()?;
        let age = fs::metadata(&file).and_then(|meta| meta.modified()).ok().and_then(|at| SystemTime::now().duration_since(at).ok());
        let _ = fs::remove_file(&file);
        age.filter(|age| *age <= CALL_AGE_MAX)?;
        let (name, session) = text.strip_prefix(call)?.strip_prefix('\n')?.split_once(' ')?;
        Some((AgentName::parse(name).ok()?, SessionId::parse(session).ok()))
    }

    /// An agent forgets what it has read.
    pub fn owe_start(&self, name: &AgentName) {
        self.write(&self.file("start", name.as_str()), name.as_str());
    }

    /// Whether it has to be informed again.
    pub fn start_is_owed(&self, name: &AgentName) -> bool {
        self.file("start", name.as_str()).exists()
    }

    /// It was informed.
    pub fn start_is_told(&self, name: &AgentName) {
        let _ = fs::remove_file(self.file("start", name.as_str()));
    }

    /// Whether an agent has not read this before; from now on it has.
    pub fn is_new(&self, name: &AgentName, text: &str) -> bool {
        let file = self.file("shown", name.as_str());
        let is_new = fs::read_to_string(&file).ok().as_deref() != Some(text);
        if is_new {
            self.write(&file, text);
        }
        is_new
    }

    /// Removes what nobody asked for.
    pub fn sweep(&self) {
        for entry in fs::read_dir(&self.dir).into_iter().flatten().flatten() {
            let is_call = entry.file_name().to_string_lossy().starts_with("call-");
            let age = entry.metadata().and_then(|meta| meta.modified()).ok().and_then(|at| SystemTime::now().duration_since(at).ok());
            if is_call && age.is_some_and(|age| age > CALL_AGE_MAX) {
                let _ = fs::remove_file(entry.path());
            }
        }
    }

    /// Adds a line to the log of failures.
    pub fn log(&self, line: &str) {
        let file = self.dir.join("hook.log");
        if fs::metadata(&file).is_ok_and(|meta| meta.len() > LOG_BYTES_MAX) {
            let _ = fs::rename(&file, self.dir.join("hook.log.1"));
        }
        let opened =
            private_dir().recursive(true).create(&self.dir).and_then(|()| OpenOptions::new().create(true).append(true).open(&file));
        // Standard error has it as well.
        let _ = opened.and_then(|mut log| writeln!(log, "{line}"));
    }
}
