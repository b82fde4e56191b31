//! The log's events about RALF's files.

use oarlock_model::TaskId;
use oarlock_model::event::{Event, External, Fact, RALF_CONFLICT, RALF_EVENT};
use oarlock_ops::OpError;
use serde_json::{Map, Value, json};

use crate::actions::Conflict;

/// An event that is in a file, or could.
pub(crate) fn event(file: &str, task: Option<TaskId>, fields: Map<String, Value>) -> Result<External, OpError> {
    let data = [("file", json!(file)), ("fields", Value::Object(fields))];
    External::new(&RALF_EVENT, task, object(data)).map_err(OpError::Internal)
}

/// The contradiction between files and store.
pub(crate) fn conflict(conflict: &Conflict) -> Result<External, OpError> {
    let Conflict { task, files, store, kept, .. } = conflict;
    let data = [("subject", json!(task)), ("files", json!(files)), ("store", json!(store)), ("kept", json!(kept))];
    External::new(&RALF_CONFLICT, TaskId::parse(task).ok(), object(data)).map_err(OpError::Internal)
}

/// Whether the log has such an event of the files.
pub(crate) fn is_event(event: &Event, kind: &str) -> bool {
    let Fact::External(told) = &event.fact else { return false };
    let fields = told.data().get("fields");
    *told.kind() == RALF_EVENT && fields.and_then(|fields| fields.get("type")) == Some(&json!(kind))
}

fn object<const N: usize>(fields: [(&str, Value); N]) -> Map<String, Value> {
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
