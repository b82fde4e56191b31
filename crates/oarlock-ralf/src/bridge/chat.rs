//! Messages both ways: those of the chat log are sent in the store, and those that agents of the store send stand in the chat log.

use std::collections::BTreeSet;

use oarlock_model::event::{Event, Fact};
use oarlock_model::text::kept_line;
use oarlock_model::{AgentName, limits};
use oarlock_ops::OpError;
use oarlock_ops::agent::Leave;
use oarlock_ops::call;
use oarlock_ops::caller::Caller;
use oarlock_ops::message::Send;
use serde_json::{Map, Value, json};

use super::log::{EVENTS_MAX, SOURCE, id_of, of_message, unseen_items};
use super::{Bridge, Synced};
use crate::digest::digest;
use crate::project::Project;
use crate::reconcile::{PROGRAM, Snapshot};
use crate::sync_state::SyncState;
use crate::time;
use crate::values::text;

/// Who has written a message that names nobody.
const NOBODY: &str = PROGRAM;

impl Bridge<'_> {
    /// Messages that stand in the chat logs since the last look, sent in the names of who wrote them. Returns their ids in the store.
    pub(super) fn import_messages(
        &mut self,
        project: &Project,
        attached: &mut SyncState,
        synced: &mut Synced,
    ) -> Result<BTreeSet<String>, OpError> {
        let mut sent = BTreeSet::new();
        for unseen in unseen_items(&project.messages, of_message, &attached.messages, attached) {
            for (at, message) in unseen.items {
                let key = format!("ralf/{}", digest(&(&unseen.file, &unseen.mark, at, &message.fields)));
                match self.send(&message.fields, key) {
                    Ok(ids) => {
                        synced.add_imported("messages", ids.len());
                        sent.extend(ids);
                    }
                    Err(OpError::Rejected(rejection)) => {
                        synced.warnings.push(format!("{}, line {}: {rejection}", unseen.file, message.source.line));
                    }
                    Err(error) => return Err(error),
                }
            }
            attached.messages.insert(unseen.file, unseen.behind);
        }
        Ok(sent)
    }

    fn send(&mut self, fields: &Map<String, Value>, key: String) -> Result<Vec<String>, OpError> {
        let content = text(fields, &["content", "message", "text"]).unwrap_or_default();
        let from = text(fields, &["from"]).and_then(|name| AgentName::parse(&name).ok());
        let from = from.unwrap_or_else(|| AgentName::parse(NOBODY).expect("a name"));
        let speaks_up = self.known(&from, true)?;
        let to = recipients(fields.get("to"));
        // A message for somebody who cannot be named here is not for everybody.
        to.iter().try_for_each(|name| AgentName::parse(name).map(drop))?;
        for name in &to {
            if let Ok(name) = AgentName::parse(name)
                && name.as_str() != "all"
            {
                // It may be yet to come: its inbox waits for it.
                self.known(&name, false)?;
            }
        }
        let about = [text(fields, &["type"]), text(fields, &["task_id"])].into_iter().flatten().collect::<Vec<_>>().join(" ");
        let subject = kept_line(&about, limits::TITLE_CHARS_MAX);
        let send = Send {
            to: if to.is_empty() { vec!["all".to_owned()] } else { to },
            text: content,
            subject: Some(subject).filter(|subject| !subject.is_empty()),
            thread: None,
            reply_to: None,
            ack: false,
        };
        let caller = Caller { key: Some(key), ..Caller::named(from.clone()) };
        let reply = call::mutate(self.store, &caller, self.settings, &send);
        if speaks_up {
            // Who has written without a heartbeat is not there.
            self.order(&from, &Leave {})?;
        }
        let reply = reply?;
        Ok(reply.messages.into_iter().map(|message| message.id.to_string()).collect())
    }

    /// Sees to it that the store knows an agent, live where it is to act. Whether it joined only for that.
    fn known(&mut self, name: &AgentName, acts: bool) -> Result<bool, OpError> {
        let known = self.store.snapshot()?.agent(name)?;
        if known.is_some_and(|agent| agent.is_live() || !acts) {
            return Ok(false);
        }
        self.join(name, None)?;
        if !acts {
            // Nobody was seen: it is only named.
            self.order(name, &Leave {})?;
        }
        Ok(acts)
    }

    /// Writes what agents of the store have sent since the last look into the chat log, in one write.
    pub(super) fn export_messages(
        &mut self,
        project: &Project,
        snapshot: &Snapshot,
        sent: &BTreeSet<String>,
        attached: &mut SyncState,
        synced: &mut Synced,
    ) -> Result<(), OpError> {
        let Some(file) = self.to_write("chat-log.yaml", project) else { return Ok(()) };
        loop {
            let (events, seq) = self.events_after(attached.chat_from, vec!["message_sent".to_owned()])?;
            let told = events.iter().filter(|event| !snapshot.is_of_files(event));
            let items: Vec<_> = told.filter_map(|event| item(event, id_of(attached, event.seq), sent)).collect();
            match self.append(&file, "messages", &items) {
                Ok(count) => {
                    synced.add_exported("messages", count);
                    attached.chat_from = seq;
                }
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
}

/// A message that was sent in the store as an item of the chat log; nothing for one that is there already.
fn item(event: &Event, id: String, sent: &BTreeSet<String>) -> Option<(String, Vec<(&'static str, Value)>)> {
    let Fact::MessageSent(fact) = &event.fact else { return None };
    if sent.contains(fact.id.as_str()) {
        return None;
    }
    // Who replaces files that name nobody is no reader of them.
    let to: Vec<&str> = fact.to.iter().map(AgentName::as_str).filter(|name| *name != NOBODY).collect();
    let to = match to.as_slice() {
        [] => json!("all"),
        [one] => json!(one),
        several => json!(several),
    };
    let content = fact.subject.as_ref().map_or_else(|| fact.text.clone(), |subject| format!("{subject}\n\n{}", fact.text));
    let fields = vec![
        ("id", json!(id)),
        ("from", json!(event.agent.as_ref().map(ToString::to_string).unwrap_or_default())),
        ("to", to),
        ("timestamp", json!(time::shown(event.at.0))),
        ("type", json!("note")),
        ("content", json!(content)),
        ("resolved", json!(false)),
        ("source", json!(SOURCE)),
    ];
    Some((id, fields))
}

/// To whom a message of a file goes: a name, several, or everybody.
fn recipients(value: Option<&Value>) -> Vec<String> {
    let names: Vec<String> = match value {
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        Some(Value::String(names)) => names.split(',').map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect(),
        _ => Vec::new(),
    };
    let is_everybody = |name: &String| ["all", "everyone", "*", "broadcast"].contains(&name.to_lowercase().as_str());
    if names.iter().any(is_everybody) { vec!["all".to_owned()] } else { names }
}
