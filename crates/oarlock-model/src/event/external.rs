//! Events that systems outside of the store report. The log keeps them for its readers; they change nothing in the tables.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Noun;
use crate::ident::{TaskId, shown};

/// A kind of such events, and what data of it must have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExternalKind {
    /// The kind as it is in the log: the source and the kind of report, for example `ralf_event`.
    pub word: &'static str,
    /// Fields that are texts. An event that is about no task is about the first of these.
    texts: &'static [&'static str],
    /// Fields that are objects.
    objects: &'static [&'static str],
}

/// An agent that knows only RALF's files has written an event into one: which `file`, and its `fields` as written, which are untrusted.
pub const RALF_EVENT: ExternalKind = ExternalKind { word: "ralf_event", texts: &["file"], objects: &["fields"] };

/// RALF's files and the store contradict each other about a `subject`: `files` and `store` are the two values, and `kept` names the one that is kept.
pub const RALF_CONFLICT: ExternalKind = ExternalKind { word: "ralf_conflict", texts: &["subject", "files", "store", "kept"], objects: &[] };

/// All of these kinds.
const KINDS: [&ExternalKind; 2] = [&RALF_EVENT, &RALF_CONFLICT];

/// See [`Fact::External`](super::Fact::External).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct External {
    kind: &'static ExternalKind,
    task: Option<TaskId>,
    data: Map<String, Value>,
}

/// The same in JSON.
#[derive(Serialize, Deserialize, JsonSchema)]
struct Written {
    /// The kind, as it is in the log.
    kind: String,
    /// The data of the event.
    data: Map<String, Value>,
}

impl External {
    /// An event of this kind, about a task if the store has one.
    ///
    /// # Errors
    /// In words, when a field is missing that events of this kind have.
    pub fn new(kind: &'static ExternalKind, task: Option<TaskId>, data: Map<String, Value>) -> Result<Self, String> {
        let missing = |name: &&&str, is_so: fn(&Value) -> bool| !data.get(**name).is_some_and(is_so);
        if let Some(name) = kind.texts.iter().find(|name| missing(name, Value::is_string)) {
            return Err(format!("a {} has no text \"{name}\"", kind.word));
        }
        if let Some(name) = kind.objects.iter().find(|name| missing(name, Value::is_object)) {
            return Err(format!("a {} has no object \"{name}\"", kind.word));
        }
        Ok(Self { kind, task: None, data }.of_task(task))
    }

    /// An event as the log has it: the word of its kind, and its data.
    ///
    /// # Errors
    /// In words, when there is no such kind, or its data have another shape.
    pub fn read(word: &str, data: Map<String, Value>) -> Result<Self, String> {
        let kind = KINDS.into_iter().find(|kind| kind.word == word);
        let kind = kind.ok_or_else(|| format!("unknown event kind \"{}\"", shown(word)))?;
        let task = match data.get("task") {
            Some(Value::String(task)) => Some(TaskId::parse(task).map_err(|error| error.to_string())?),
            None | Some(Value::Null) => None,
            Some(_) => return Err(format!("the task of a {word} is not a text")),
        };
        Self::new(kind, task, data)
    }

    /// The same about this task, or about none.
    #[must_use]
    pub fn of_task(mut self, task: Option<TaskId>) -> Self {
        match &task {
            Some(task) => self.data.insert("task".to_owned(), Value::from(task.as_str())),
            None => self.data.remove("task"),
        };
        Self { task, ..self }
    }

    /// Its kind.
    pub fn kind(&self) -> &'static ExternalKind {
        self.kind
    }

    /// The task that it is about, where the store has it.
    pub fn task(&self) -> Option<&TaskId> {
        self.task.as_ref()
    }

    /// Its data, which are untrusted.
    pub fn data(&self) -> &Map<String, Value> {
        &self.data
    }

    /// Its subject: its task, otherwise its first text.
    pub fn about(&self) -> Noun<'_> {
        let named = || self.kind.texts.first().and_then(|name| self.data.get(*name)).and_then(Value::as_str).unwrap_or_default();
        self.task.as_ref().map_or_else(|| Noun::Other(named()), Noun::Task)
    }
}

impl TryFrom<Written> for External {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        Self::read(&written.kind, written.data)
    }
}

impl From<External> for Written {
    fn from(written: External) -> Self {
        Self { kind: written.kind.word.to_owned(), data: written.data }
    }
}

impl JsonSchema for External {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "External".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        Written::json_schema(generator)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Fact;

    #[test]
    fn what_stands_in_a_log_reads_back_as_it_was_and_is_about_what_it_names() {
        for (kind, data, subject) in [
            ("ralf_event", r#"{"fields":{"type":"started"},"file":".ralf/events.yaml"}"#, ".ralf/events.yaml"),
            ("ralf_event", r#"{"fields":{},"file":".ralf/events.yaml","task":"T-1"}"#, "T-1"),
            ("ralf_conflict", r#"{"files":"done","kept":"files","store":"ready","subject":"ABS-1","task":"T-1"}"#, "T-1"),
            ("ralf_conflict", r#"{"files":"1","kept":"files","store":"2","subject":"build/last"}"#, "build/last"),
        ] {
            let fact = Fact::parse(kind, data).expect("it reads back");
            assert_eq!((fact.kind(), fact.subject().as_str(), fact.data_text().expect("plain data").as_str()), (kind, subject, data));
        }
    }

    #[test]
    fn each_kind_can_be_asked_for() {
        assert!(super::KINDS.iter().all(|kind| Fact::KINDS.contains(&kind.word)));
    }

    #[test]
    fn what_lacks_a_field_or_has_one_of_another_kind_is_refused() {
        for (kind, data) in [
            ("ralf_event", r#"{"fields":{}}"#),
            ("ralf_event", r#"{"fields":[],"file":"a"}"#),
            ("ralf_event", r#"{"fields":{},"file":"a","task":"no id"}"#),
            ("ralf_event", r#"{"fields":{},"file":"a","task":1}"#),
            ("ralf_conflict", r#"{"files":"done","kept":"files","store":"ready"}"#),
            ("ralf_song", r#"{"fields":{},"file":"a"}"#),
            ("ralf_event", "[]"),
        ] {
            assert!(Fact::parse(kind, data).is_err(), "{kind} {data}");
        }
    }
}
