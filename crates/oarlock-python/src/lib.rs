//! The native half of the Python package `oarlock`: two classes that take and give JSON text. What callers see is written in Python, in
//! `python/`; this decides nothing.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use oarlock_client::ralf::{AgentSeen, Ralf, RalfError, Subtask};
use oarlock_client::{Oarlock, Synchronous};
use oarlock_ops::{OpError, number, registry};
use pyo3::create_exception;
use pyo3::exceptions::PyException;
use pyo3::prelude::*;
use serde_json::{Value, json};

create_exception!(_oarlock, Failure, PyException, "What failed: its kind (`op`, `lock`, `missing` or `files`), and more as JSON text.");

/// A store and who calls it.
#[pyclass(frozen, module = "oarlock._oarlock")]
struct Handle {
    inner: Mutex<Oarlock>,
}

#[pymethods]
impl Handle {
    /// Opens the store in this file, or makes it, or the one that a URL names, which may be a gateway's; without one that of `OARLOCK_STORE`, else that
    /// of the project around the current directory.
    #[staticmethod]
    #[pyo3(signature = (store=None))]
    fn open(py: Python<'_>, store: Option<PathBuf>) -> PyResult<Self> {
        let opened = py.detach(|| store.map_or_else(Oarlock::open_here, Oarlock::open));
        Ok(Self { inner: Mutex::new(opened.map_err(|error| failed(&error))?) })
    }

    /// Calls a verb: request and reply are JSON objects.
    #[pyo3(signature = (verb, request, key=None))]
    fn call(&self, py: Python<'_>, verb: &str, request: &str, key: Option<&str>) -> PyResult<String> {
        interruptible(py, || {
            let value: Value = serde_json::from_str(request).map_err(|error| {
                OpError::from(oarlock_model::Rejection::invalid(format!("the request is not JSON: {error}"), "pass values that JSON has"))
            })?;
            number::check_text("the request", request)?;
            Ok(locked(&self.inner).call(verb, value, key)?.to_string())
        })?
        .map_err(|error: OpError| failed(&error))
    }

    /// The verbs that can be called, each with a line of help.
    #[staticmethod]
    fn verbs() -> Vec<(&'static str, &'static str)> {
        registry::ENTRIES.iter().map(|entry| (entry.verb, entry.about)).collect()
    }
}

/// A project of RALF's: its files, or the store that it is attached to.
#[pyclass(frozen, module = "oarlock._oarlock")]
struct RalfProject {
    inner: Mutex<Ralf>,
}

#[pymethods]
impl RalfProject {
    #[new]
    #[pyo3(signature = (root, normal=false))]
    fn new(root: PathBuf, normal: bool) -> Self {
        // Only benchmarks ask for less than FULL.
        let synchronous = if normal { Synchronous::Normal } else { Synchronous::Full };
        Self { inner: Mutex::new(Ralf::new(root, synchronous)) }
    }

    /// The root of the project that a folder lies in.
    #[staticmethod]
    fn find_root(dir: PathBuf) -> Option<OsString> {
        oarlock_client::ralf::find_root(&dir).map(PathBuf::into_os_string)
    }

    /// The same, else the one that the agents' own variables name.
    #[staticmethod]
    fn around(dir: PathBuf) -> Option<OsString> {
        oarlock_client::ralf::around(&dir).map(PathBuf::into_os_string)
    }

    /// Why `around` finds none; nothing when it finds one.
    #[staticmethod]
    fn why_none(dir: PathBuf) -> Option<String> {
        oarlock_client::ralf::locate(&dir).err().map(|error| error.to_string())
    }

    fn is_attached(&self, py: Python<'_>) -> PyResult<bool> {
        self.run(py, Ralf::is_attached)
    }

    /// The agents that are there.
    #[pyo3(signature = (timeout_ms=None, file=None))]
    fn agents(&self, py: Python<'_>, timeout_ms: Option<i64>, file: Option<PathBuf>) -> PyResult<Vec<Seen>> {
        Ok(self.run(py, |ralf| ralf.agents(timeout_ms, file.as_deref()))?.into_iter().map(seen).collect())
    }

    /// The agent of this name, also when it is there no more, and whether it is.
    #[pyo3(signature = (name, file=None))]
    fn agent(&self, py: Python<'_>, name: &str, file: Option<PathBuf>) -> PyResult<Option<(Seen, bool)>> {
        Ok(self.run(py, |ralf| ralf.agent(name, file.as_deref()))?.map(|agent| {
            let is_there = agent.is_active;
            (seen(agent), is_there)
        }))
    }

    /// Its own file of heartbeats.
    fn heartbeat_file(&self) -> PathBuf {
        locked(&self.inner).heartbeat_file()
    }

    /// Its own file of states.
    fn state_file(&self) -> PathBuf {
        locked(&self.inner).state_file()
    }

    /// Seconds since a time as these files write it; nothing for another text.
    #[staticmethod]
    fn age_seconds(time: &str) -> Option<f64> {
        let now_ms = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| i64::try_from(now.as_millis()).unwrap_or(i64::MAX));
        oarlock_client::ralf::age_ms(time, now_ms).map(|age| age as f64 / 1_000.0)
    }

    /// The files of its open tasks.
    fn open_tasks(&self, py: Python<'_>) -> PyResult<Vec<PathBuf>> {
        self.run(py, |ralf| ralf.open_tasks())
    }

    /// PLAN as JSON text.
    #[pyo3(signature = (task, agents, subtasks_max=None))]
    fn plan(&self, py: Python<'_>, task: PathBuf, agents: Vec<String>, subtasks_max: Option<usize>) -> PyResult<String> {
        self.run(py, |ralf| ralf.plan(&task, &agents, subtasks_max)).map(|plan| json!(plan).to_string())
    }

    /// The task's id and its parts, which were made; no parts when it is better done as a whole.
    #[pyo3(signature = (task, agents, subtasks_max, timeout))]
    fn distribute(
        &self,
        py: Python<'_>,
        task: PathBuf,
        agents: Vec<String>,
        subtasks_max: Option<usize>,
        timeout: f64,
    ) -> PyResult<(String, Vec<Part>)> {
        let plan = self.run(py, |ralf| ralf.distribute(&task, &agents, subtasks_max, patience(timeout)))?;
        let made = if plan.parallelizable { plan.subtasks } else { Vec::new() };
        Ok((plan.task, made.into_iter().map(part).collect()))
    }

    #[pyo3(signature = (agent, fields, file, timeout))]
    fn sync_state(&self, py: Python<'_>, agent: &str, fields: &str, file: Option<PathBuf>, timeout: f64) -> PyResult<()> {
        let not_json = |error: serde_json::Error| {
            Failure::new_err(("files", json!({"message": format!("the state is not a JSON object: {error}")}).to_string()))
        };
        let fields = serde_json::from_str(fields).map_err(not_json)?;
        self.run(py, |ralf| ralf.sync_state(agent, fields, file.as_deref(), patience(timeout)))
    }

    /// All states as JSON text.
    #[pyo3(signature = (file=None))]
    fn states(&self, py: Python<'_>, file: Option<PathBuf>) -> PyResult<String> {
        self.run(py, |ralf| ralf.states(file.as_deref())).map(|states| json!(states).to_string())
    }

    #[pyo3(signature = (agent, file, timeout))]
    fn clear_state(&self, py: Python<'_>, agent: &str, file: Option<PathBuf>, timeout: f64) -> PyResult<()> {
        self.run(py, |ralf| ralf.clear_state(agent, file.as_deref(), patience(timeout)))
    }

    #[pyo3(signature = (file, timeout))]
    fn reset_states(&self, py: Python<'_>, file: Option<PathBuf>, timeout: f64) -> PyResult<()> {
        self.run(py, |ralf| ralf.reset_states(file.as_deref(), patience(timeout)))
    }
}

impl RalfProject {
    fn run<T: Send>(&self, py: Python<'_>, ask: impl FnOnce(&mut Ralf) -> Result<T, RalfError> + Send) -> PyResult<T> {
        interruptible(py, || ask(&mut locked(&self.inner)))?.map_err(|error| match error {
            RalfError::Store(error) => failed(&error),
            RalfError::Files(error) => {
                let kind = if error.is_repeated() {
                    "already_exists"
                } else if error.is_locked() {
                    "lock"
                } else if error.is_missing() {
                    "missing"
                } else {
                    "files"
                };
                Failure::new_err((kind, json!({"message": error.to_string()}).to_string()))
            }
        })
    }
}

/// An agent as `(name, last seen, status, action, loop, run)`.
type Seen = (String, String, String, String, i64, i64);

fn seen(agent: AgentSeen) -> Seen {
    (agent.agent_id, agent.last_seen, agent.status, agent.current_action, agent.loop_number, agent.run_number)
}

/// A part of a task as `(id, assigned, title, parts before it, files that it writes, minutes)`.
type Part = (String, Option<String>, String, Vec<String>, Vec<String>, Option<u64>);

fn part(part: Subtask) -> Part {
    (part.id, part.assigned, part.title, part.depends_on, part.writes, part.estimate_minutes)
}

/// Calls without holding up other threads. What a signal's handler raised meanwhile is raised if that has ended the call.
fn interruptible<T: Send, E: Send>(py: Python<'_>, call: impl FnOnce() -> Result<T, E> + Send) -> PyResult<Result<T, E>> {
    oarlock_client::while_waiting(is_interrupted);
    let answer = py.detach(call);
    match locked(&RAISED).take().filter(|_| answer.is_err()) {
        Some(raised) => Err(raised),
        None => Ok(answer),
    }
}

/// The exception that a signal's handler raised while a call waited.
static RAISED: Mutex<Option<PyErr>> = Mutex::new(None);

/// Whether a signal came, of which only the main thread hears: Ctrl-C ends a wait.
fn is_interrupted() -> bool {
    Python::attach(|py| match py.check_signals() {
        Ok(()) => false,
        Err(raised) => {
            *locked(&RAISED) = Some(raised);
            true
        }
    })
}

/// After a panic inside a call the store is as it was before: transactions end without a trace.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Seconds as a duration, from nothing to a day.
fn patience(seconds: f64) -> Duration {
    Duration::from_secs_f64(if seconds.is_nan() { 0.0 } else { seconds.clamp(0.0, 86_400.0) })
}

fn failed(error: &OpError) -> PyErr {
    Failure::new_err(("op", error.json().to_string()))
}

/// The native half of `oarlock`.
#[pymodule]
mod _oarlock {
    #[pymodule_export]
    use super::{Failure, Handle, RalfProject};
}
