//! The remaining updates after the race: each update of each writer, once.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::path::Path;

use oarlock_ralf::Project;
use rustix::fs::{FlockOperation, flock};
use serde_json::Value;

use super::shared::{AGENTS, Place, WRITERS};
use crate::output::{Outcome, say};

/// The first thing that is wrong with a file, read under both of its locks.
pub(super) fn fault_of(folder: &Path, stem: &str) -> Outcome<Option<String>> {
    let locks = [format!(".{stem}.lock"), format!("{stem}.yaml.lock")];
    let _held: Vec<File> = locks.iter().map(|name| locked(&folder.join(name))).collect::<Outcome<_>>()?;
    let project = Project::read(&folder.join(format!("{stem}.yaml")), 0)?;
    Ok(project.faults.first().map(|fault| format!("line {}: {}", fault.line, fault.cause)))
}

fn locked(file: &Path) -> Outcome<File> {
    let file = OpenOptions::new().create(true).append(true).open(file)?;
    flock(&file, FlockOperation::LockExclusive)?;
    Ok(file)
}

/// Compares what every writer says it wrote with what the files and the store have.
///
/// # Errors
/// Something was lost, reported twice, or invalid.
pub(super) fn check(
    place: &Place,
    writers: &[(String, String)],
    counts: &BTreeMap<String, u64>,
    invalid: &BTreeMap<String, usize>,
) -> Outcome<()> {
    let project = Project::read(&place.root, i64::MAX / 2)?;
    // What two writers do to a file that they write in place at once, one of them without a lock, is not ours to prevent.
    let is_open = writers.iter().any(|(_, kind)| kind == "beat-unlocked");
    let broken = invalid.iter().map(|(what, times)| format!("{what} ({times} times)"));
    let (mut undone, mut lost): (Vec<String>, Vec<String>) = broken.partition(|what| is_open && what.starts_with("heartbeat.yaml"));
    lost.extend(project.faults.iter().map(|fault| format!("{}:{}: {}", fault.file, fault.line, fault.cause)));
    let imported = place.oarlock(&["events", "--kind", "ralf_event", "--limit", "10000"])?;
    let mut notes_in_store: BTreeMap<String, usize> = BTreeMap::new();
    for event in imported["events"].as_array().into_iter().flatten() {
        *notes_in_store.entry(event["data"]["fields"]["notes"].as_str().unwrap_or_default().to_owned()).or_insert(0) += 1;
    }
    let full_page = imported["events"].as_array().is_some_and(|events| events.len() >= 10_000);
    let mut notes: BTreeMap<&str, usize> = BTreeMap::new();
    for event in &project.events {
        *notes.entry(event.data.get("notes").and_then(Value::as_str).unwrap_or_default()).or_insert(0) += 1;
    }
    let sent = place.oarlock(&["events", "--kind", "message_sent", "--limit", "10000"])?;
    let mut texts_in_store: BTreeMap<String, usize> = BTreeMap::new();
    for event in sent["events"].as_array().into_iter().flatten() {
        *texts_in_store.entry(event["data"]["text"].as_str().unwrap_or_default().to_owned()).or_insert(0) += 1;
    }
    let mut texts: BTreeMap<&str, usize> = BTreeMap::new();
    for message in &project.messages {
        *texts.entry(message.fields.get("content").and_then(Value::as_str).unwrap_or_default()).or_insert(0) += 1;
    }
    for (text, times) in texts_in_store.iter().filter(|(text, times)| texts.get(text.as_str()) != Some(times)) {
        lost.push(format!("message {text} of the store ({times}) stands {:?} times in the file", texts.get(text.as_str())));
    }
    for (name, kind) in writers {
        let count = counts[name];
        match kind.as_str() {
            "events" | "append" => {
                for n in 1..=count {
                    let note = format!("{name}-{n}");
                    let (in_file, in_store) =
                        (notes.get(note.as_str()).copied().unwrap_or(0), notes_in_store.get(&note).copied().unwrap_or(0));
                    if in_file != 1 || (in_store != 1 && !full_page) {
                        lost.push(format!("event {note} stands {in_file} times in the file and {in_store} times in the store"));
                    }
                }
            }
            "queue" => {
                let item = project.queue.iter().find(|item| item.id == format!("OLD-{name}"));
                let text = std::fs::read_to_string(place.communications.join("queue.yaml"))?;
                let line = item.map_or(0, |item| item.source.line);
                let has = text.lines().skip(line).take(3).any(|line| line == format!("    notes: \"{count}\""));
                if !has {
                    lost.push(format!("the item of {name} does not have its last update, {count}"));
                }
            }
            "chat" => {
                for n in 1..=count {
                    let text = format!("{name}-{n}");
                    let in_file = texts.get(text.as_str()).copied().unwrap_or(0);
                    let in_store = texts_in_store.get(&text).copied().unwrap_or(0);
                    if in_file != 1 || in_store != 1 {
                        lost.push(format!("message {text} stands {in_file} times in the file and {in_store} times in the store"));
                    }
                }
            }
            "beat" | "beat-unlocked" => {
                let status = project.agents.iter().find(|agent| agent.name == *name).and_then(|agent| agent.status.clone());
                let is_there = status == Some(format!("n-{count}"));
                let list = if is_open { &mut undone } else { &mut lost };
                if !is_there {
                    list.push(format!("the heartbeat of {name} says {status:?} instead of n-{count}"));
                }
            }
            "state" => expect_state(&project, name, count, &mut lost),
            _ => {}
        }
    }
    let agents = place.oarlock(&["agents", "--all"])?;
    for n in 0..AGENTS + WRITERS {
        let name = format!("o{n}");
        expect_state(&project, &name, counts[&name], &mut lost);
        if n < AGENTS {
            let shown = project.agents.iter().find(|agent| agent.name == name).and_then(|agent| agent.status.clone());
            let known = agents["agents"].as_array().into_iter().flatten().find(|agent| agent["name"] == name.as_str());
            if shown.as_deref() != known.and_then(|agent| agent["status"].as_str()) {
                lost.push(format!("the file shows {shown:?} for {name}, the store {:?}", known.map(|agent| &agent["status"])));
            }
        }
    }
    own_events(place, &project, &mut lost)?;
    own_tasks(place, &project, &mut lost)?;
    let updates: u64 = counts.values().sum();
    say(format_args!("scripts: {updates} updates of {} writers, {} events in the file", counts.len(), project.events.len()));
    for line in &undone {
        say(format_args!("  undone by a writer without a lock: {line}"));
    }
    if lost.is_empty() {
        say("  nothing of ours or of a locked writer is lost, and no file was ever invalid");
        return Ok(());
    }
    Err(format!("{} faults: {}", lost.len(), lost.iter().take(20).cloned().collect::<Vec<_>>().join("; ")).into())
}

fn expect_state(project: &Project, name: &str, count: u64, lost: &mut Vec<String>) {
    let state = project.states.iter().find(|state| state.agent == name);
    let progress = state.and_then(|state| state.fields.get("progress")).and_then(Value::as_u64);
    if progress != Some(count) {
        lost.push(format!("the state of {name} says {progress:?} instead of {count}"));
    }
}

/// Our agents' completions are in the events file exactly once.
fn own_events(place: &Place, project: &Project, lost: &mut Vec<String>) -> Outcome<()> {
    let mut shown: BTreeMap<&str, usize> = BTreeMap::new();
    for id in project.events.iter().filter_map(|event| event.data.get("id").and_then(Value::as_str)) {
        *shown.entry(id).or_insert(0) += 1;
    }
    let marker: Value = serde_json::from_slice(&std::fs::read(place.root.join(".oarlock/ralf.json"))?)?;
    let mark = marker["id"].as_str().unwrap_or_default();
    // The log has the numbers that the files have; cursors count from the store's beginning.
    place.oarlock(&["export", "--out", "log.ndjson"])?;
    for line in std::fs::read_to_string(place.root.join("log.ndjson"))?.lines() {
        let event: Value = serde_json::from_str(line)?;
        let is_shown = ["task_claimed", "task_done", "task_released"].iter().any(|kind| event["kind"] == *kind);
        if !is_shown || !event["agent"].as_str().is_some_and(|agent| agent.starts_with('o')) {
            continue;
        }
        let id = format!("oarlock-{mark}-{}", event["seq"]);
        match shown.get(id.as_str()) {
            Some(1) => {}
            times => lost.push(format!("event {id} of the store stands {times:?} times in the file")),
        }
    }
    Ok(())
}

/// Each task is in the queue what it is in the store.
fn own_tasks(place: &Place, project: &Project, lost: &mut Vec<String>) -> Outcome<()> {
    let tasks = place.oarlock(&["tasks", "--limit", "10000"])?;
    for task in tasks["tasks"].as_array().into_iter().flatten() {
        let id = task["id"].as_str().unwrap_or_default();
        let Some(item) = project.queue.iter().find(|item| item.id == id) else {
            lost.push(format!("{id} is no longer in the queue"));
            continue;
        };
        if item.state != task["state"].as_str().unwrap_or_default() {
            lost.push(format!("{id} is {} in the queue and {} in the store", item.state, task["state"]));
        }
    }
    Ok(())
}
