//! Events both ways: those of the files into the store's log, and what agents of the store do into the events file.

use std::collections::BTreeMap;

use oarlock_model::TaskId;
use oarlock_model::event::{Event as StoreEvent, External, Fact};
use oarlock_ops::OpError;
use oarlock_ops::call;
use oarlock_ops::caller::Caller;
use oarlock_ops::log::Record;
use oarlock_ops::store::EventFilter;
use serde_json::{Map, Value, json};

use super::{Bridge, Synced};
use crate::digest::digest;
use crate::edit::{self, Append};
use crate::external;
use crate::fields::EditError;
use crate::project::Project;
use crate::reconcile::Snapshot;
use crate::sync_state::{Mark, SyncState};
use crate::time;
use crate::types::{Event, Message};
use crate::write::Change;

/// Events of the store that one look writes into the files.
pub(super) const EVENTS_MAX: usize = 1_000;
/// Longest text of an event's notes, in characters.
const NOTES_CHARS_MAX: usize = 300;
/// Who wrote an event, where it came from the store.
pub(super) const SOURCE: &str = "oarlock";

/// Kinds of events that old agents know, and what they call them.
const KINDS: [(&str, &str); 4] =
    [("task_claimed", "started"), ("task_done", "completed"), ("task_failed", "failed"), ("task_released", "unclaimed")];

/// The id of an item that reports an event of this store: other stores, of other checkouts of one repository, may write into the same file.
pub(super) fn id_of(attached: &SyncState, seq: u64) -> String {
    format!("{SOURCE}-{}-{seq}", attached.id)
}

/// Whether an item of a file was written for this store.
fn is_ours(fields: &Map<String, Value>, attached: &SyncState) -> bool {
    let id = fields.get("id").and_then(Value::as_str).and_then(|id| id.strip_prefix(SOURCE)?.strip_prefix('-')?.strip_prefix(&attached.id));
    id.is_some_and(|rest| rest.starts_with('-'))
}

/// The identity of an item, as a digest: others are added later, or ticked off.
fn identity(fields: &Map<String, Value>) -> String {
    let lasting = ["id", "timestamp", "type", "task_id", "from", "to", "content", "message", "notes"];
    let own: BTreeMap<&str, &Value> = lasting.iter().filter_map(|name| Some((*name, fields.get(*name)?))).collect();
    if own.is_empty() { digest(fields) } else { digest(&own) }
}

/// Items that were added to a file since the last pass.
pub(super) struct UnseenItems<'a, T> {
    pub(super) file: String,
    /// How far it was read then.
    pub(super) mark: Mark,
    /// Items of others behind that mark, each with its place there.
    pub(super) items: Vec<(usize, &'a T)>,
    /// How far it is read now.
    pub(super) behind: Mark,
}

/// The unseen items of each file. `source` returns the file of an item, and its fields.
pub(super) fn unseen_items<'a, T>(
    items: &'a [T],
    source: impl Fn(&'a T) -> (&'a str, &'a Map<String, Value>),
    marks: &BTreeMap<String, Mark>,
    attached: &SyncState,
) -> Vec<UnseenItems<'a, T>> {
    let mut files: BTreeMap<&str, Vec<&T>> = BTreeMap::new();
    // Our own items are skipped. They come before others where a file goes on behind its list: places are counted without them.
    for item in items {
        let of_file = files.entry(source(item).0).or_default();
        if !is_ours(source(item).1, attached) {
            of_file.push(item);
        }
    }
    let fingerprint = |item: &&'a T| identity(source(item).1);
    let of_file = |(file, all): (&str, Vec<&'a T>)| {
        let mark = marks.get(file).cloned().unwrap_or_default();
        let unseen = if attached.is_new { &[] } else { mark.unseen(&all, fingerprint) };
        let items = unseen.iter().copied().enumerate().collect();
        UnseenItems { file: file.to_owned(), mark, items, behind: Mark::behind(&all, fingerprint) }
    };
    files.into_iter().map(of_file).collect()
}

fn of_event(event: &Event) -> (&str, &Map<String, Value>) {
    (&event.source.file, &event.data)
}

pub(super) fn of_message(message: &Message) -> (&str, &Map<String, Value>) {
    (&message.source.file, &message.fields)
}

/// The kinds of events that are reported to the files.
fn kinds() -> Vec<String> {
    KINDS.iter().map(|(kind, _)| (*kind).to_owned()).collect()
}

impl Bridge<'_> {
    /// Events that old agents have written since the last look.
    pub(super) fn import_events(&mut self, project: &Project, attached: &mut SyncState, synced: &mut Synced) -> Result<(), OpError> {
        for unseen in unseen_items(&project.events, of_event, &attached.events, attached) {
            for (at, event) in unseen.items {
                // One by one, each under a key: a look that was killed before it could remember how far it was reports nothing twice.
                let key = format!("ralf/{}", digest(&(&unseen.file, &unseen.mark, at, &event.data)));
                let record = Record { events: vec![recorded(&unseen.file, event)?], ..Record::default() };
                match call::mutate(self.store, &Caller { key: Some(key), ..Caller::default() }, self.settings, &record) {
                    Ok(reply) => synced.add_imported("events", reply.recorded),
                    Err(OpError::Rejected(rejection)) => {
                        synced.warnings.push(format!("{}, line {}: {rejection}", unseen.file, event.source.line));
                    }
                    Err(error) => return Err(error),
                }
            }
            attached.events.insert(unseen.file, unseen.behind);
        }
        Ok(())
    }

    /// Writes what agents of the store did since the last look into the events file, in one write.
    pub(super) fn export_events(
        &mut self,
        project: &Project,
        snapshot: &Snapshot,
        attached: &mut SyncState,
        synced: &mut Synced,
    ) -> Result<(), OpError> {
        let Some(file) = self.to_write("events.yaml", project) else { return Ok(()) };
        loop {
            let (events, seq) = self.events_after(attached.log_from, kinds())?;
            let told = events.iter().filter(|event| !snapshot.is_of_files(event));
            let items: Vec<(String, Vec<(&str, Value)>)> = told.filter_map(|event| item(event, id_of(attached, event.seq))).collect();
            match self.append(&file, "events", &items) {
                Ok(count) => {
                    synced.add_exported("events", count);
                    attached.log_from = seq;
                }
                // They are tried again at the next look.
                Err(error) => {
                    synced.fail(&error, &self.root);
                    return Ok(());
                }
            }
            if events.len() < EVENTS_MAX {
                return Ok(());
            }
        }
    }

    /// How many events and messages would cross over.
    pub(super) fn count_logs(
        &mut self,
        project: &Project,
        snapshot: &Snapshot,
        attached: &SyncState,
        synced: &mut Synced,
    ) -> Result<(), OpError> {
        let events = unseen_items(&project.events, of_event, &attached.events, attached);
        synced.add_imported("events", events.iter().map(|unseen| unseen.items.len()).sum());
        let messages = unseen_items(&project.messages, of_message, &attached.messages, attached);
        synced.add_imported("messages", messages.iter().map(|unseen| unseen.items.len()).sum());
        for (name, file, from, kinds) in [
            ("events", "events.yaml", attached.log_from, kinds()),
            ("messages", "chat-log.yaml", attached.chat_from, vec!["message_sent".to_owned()]),
        ] {
            if self.to_write(file, project).is_none() {
                continue;
            }
            let (events, _) = self.events_after(from, kinds)?;
            synced.add_exported(name, events.iter().filter(|event| !snapshot.is_of_files(event)).count());
        }
        Ok(())
    }

    /// A page of the store's events of these kinds, and up to where the log has been seen with it.
    pub(super) fn events_after(&mut self, from: u64, kinds: Vec<String>) -> Result<(Vec<StoreEvent>, u64), OpError> {
        let filter = EventFilter { after_seq: from, kinds, limit: EVENTS_MAX, bytes_max: usize::MAX, ..EventFilter::default() };
        let view = self.store.snapshot()?;
        let (events, last) = (view.events(&filter)?, view.last_seq()?);
        let seq = if events.len() < EVENTS_MAX { last } else { events.last().map_or(from, |event| event.seq) };
        Ok((events, seq.max(from)))
    }

    /// Appends items to a list, except those whose id the file has: they were written by a look that was killed. Returns how many.
    pub(super) fn append(
        &self,
        file: &std::path::Path,
        section: &str,
        items: &[(String, Vec<(&str, Value)>)],
    ) -> Result<usize, crate::write::WriteError> {
        if items.is_empty() {
            return Ok(0);
        }
        let written = std::cell::Cell::new(0);
        self.writer.edit(file, &|text| {
            let new: Vec<Vec<(&str, Value)>> = items.iter().filter(|(id, _)| !has_id(text, id)).map(|(_, fields)| fields.clone()).collect();
            written.set(new.len());
            if new.is_empty() { Ok(Change::Nothing) } else { appended(text, section, &new) }
        })?;
        Ok(written.get())
    }
}

/// Whether an id source in a text, in whatever quotes.
fn has_id(text: &str, id: &str) -> bool {
    text.match_indices(id).any(|(at, _)| !text[at + id.len()..].starts_with(|c: char| c.is_ascii_digit()))
}

fn appended(text: &str, section: &str, items: &[Vec<(&str, Value)>]) -> Result<Change, EditError> {
    Ok(match edit::append_items(text, section, items)? {
        Append::AtEnd(more) => Change::Append(more),
        Append::Whole(text) => Change::Whole(text),
    })
}

fn recorded(file: &str, event: &Event) -> Result<External, OpError> {
    let task = event.task.as_deref().and_then(|task| TaskId::parse(task).ok());
    external::event(file, task, event.data.clone())
}

/// An event of the store as an item of the events file, under its id there.
fn item(event: &StoreEvent, id: String) -> Option<(String, Vec<(&'static str, Value)>)> {
    let (_, kind) = KINDS.iter().find(|(kind, _)| *kind == event.fact.kind())?;
    let agent = event.agent.as_ref().map(ToString::to_string).unwrap_or_default();
    let mut fields = vec![
        ("timestamp", json!(time::shown(event.at.0))),
        ("task_id", json!(event.fact.subject())),
        ("type", json!(kind)),
        ("agent", json!(agent)),
    ];
    let short = |text: &str| text.chars().take(NOTES_CHARS_MAX).collect::<String>();
    match &event.fact {
        Fact::TaskDone(fact) => {
            fields.push(("result", json!("success")));
            fields.extend(fact.result.as_ref().map(|result| ("notes", json!(short(result)))));
        }
        Fact::TaskFailed(fact) => {
            fields.push(("result", json!("failure")));
            fields.push(("notes", json!(short(&fact.reason))));
        }
        _ => {}
    }
    fields.push(("source", json!(SOURCE)));
    fields.push(("id", json!(id)));
    Some((id, fields))
}
