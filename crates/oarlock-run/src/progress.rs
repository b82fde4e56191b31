//! Progress of the work, reported to the caller that started it. Its look is the door's business.

use std::sync::{Mutex, PoisonError};

use oarlock_model::{AgentName, TaskId};
use oarlock_ops::shapes::EventShape;

/// Hears what happens while work goes on. Called from several threads, one at a time; a slow listener slows the programs
/// whose output it hears, and nothing else.
pub trait Progress: Send {
    /// An event of the log about this run: its tasks, its agents.
    fn event(&mut self, _event: &EventShape) {}

    /// A line for people, without an end of line, such as `w2 claimed T-SUB2 "Write the parser"`.
    fn line(&mut self, line: &str);

    /// A line for people about something that they should look at.
    fn warning(&mut self, line: &str) {
        self.line(line);
    }

    /// A line that a supervised program wrote to its standard error; `source` is the agent, or empty when there is only one.
    fn output(&mut self, source: &str, line: &str) {
        if source.is_empty() {
            self.line(line);
        } else {
            self.line(&format!("{source}: {line}"));
        }
    }

    /// How a run is now, at least once a second: for a line on a terminal that is written again and again.
    fn live(&mut self, _live: &Live) {}
}

/// How a run is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Live {
    /// Parts that are done.
    pub done: usize,
    /// All parts.
    pub parts: usize,
    /// Workers that live.
    pub workers: usize,
    /// Who works on what, by agent.
    pub at_work: Vec<AtWork>,
    /// Milliseconds since the run began.
    pub wall_ms: i64,
}

/// One agent at work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AtWork {
    /// Who.
    pub agent: AgentName,
    /// On which task.
    pub task: TaskId,
    /// Its title.
    pub title: String,
    /// For how long, in milliseconds.
    pub wall_ms: i64,
}

/// A listener that several threads talk to.
pub(crate) trait Tell: Sync {
    fn line(&self, line: &str);
    fn warning(&self, line: &str);
    fn output(&self, source: &str, line: &str);
    fn event(&self, event: &EventShape);
    fn live(&self, live: &Live);
}

impl Tell for Mutex<&mut dyn Progress> {
    fn line(&self, line: &str) {
        self.lock().unwrap_or_else(PoisonError::into_inner).line(line);
    }

    fn warning(&self, line: &str) {
        self.lock().unwrap_or_else(PoisonError::into_inner).warning(line);
    }

    fn output(&self, source: &str, line: &str) {
        self.lock().unwrap_or_else(PoisonError::into_inner).output(source, line);
    }

    fn event(&self, event: &EventShape) {
        self.lock().unwrap_or_else(PoisonError::into_inner).event(event);
    }

    fn live(&self, live: &Live) {
        self.lock().unwrap_or_else(PoisonError::into_inner).live(live);
    }
}
