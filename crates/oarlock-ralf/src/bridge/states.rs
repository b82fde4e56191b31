//! Agents' states both ways: `agents.<id>` of `agent-state.yaml` and the entries `agent/NAME`.

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;

use oarlock_model::state::Entry;
use oarlock_model::{AgentName, StateKey, seeded};
use oarlock_ops::OpError;
use oarlock_ops::state::ReportState;
use oarlock_ops::store::EntryPage;
use serde_json::{Map, Value, json};

use super::{Bridge, Synced};
use crate::actions::Conflict;
use crate::digest::digest;
use crate::edit;
use crate::fields::EditError;
use crate::layout::Role;
use crate::project::{Project, shown_path};
use crate::reconcile::Snapshot;
use crate::salvage;
use crate::sync_state::{Agreed, SyncState};
use crate::time;
use crate::types::{AgentState, Source};
use crate::write::WriteError;

/// The map of agents in the file.
const AGENTS: &str = "agents";

/// The action for one agent's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    /// Nothing changed since both sides last agreed, or both say the same.
    Neither,
    /// The file changed: the store follows.
    File,
    /// The store changed: the file follows.
    Store,
    /// Both changed, to different things: the store counts, and the file follows.
    Both,
}

/// Which side has changed since the last look. Without a last look, anyone who says something counts.
fn changed(agreed: &Agreed, file: &str, version: u64, is_same: bool) -> Side {
    match (agreed.file != file, agreed.version != version) {
        _ if is_same => Side::Neither,
        (false, false) => Side::Neither,
        (true, false) => Side::File,
        (false, true) => Side::Store,
        (true, true) => Side::Both,
    }
}

impl Bridge<'_> {
    /// Brings the states of all agents together.
    pub(super) fn sync_states(
        &mut self,
        project: &Project,
        snapshot: &Snapshot,
        attached: &mut SyncState,
        synced: &mut Synced,
        dry_run: bool,
    ) -> Result<(), OpError> {
        let Some(file) = self.to_write("agent-state.yaml", project) else { return Ok(()) };
        if project.is_faulty(&shown_path(&file, &self.root)) {
            // What a damaged file does not say is not taken for said; its fault is a warning already.
            return Ok(());
        }
        let states = match self.steady_states(&file, project, attached, dry_run) {
            Ok(Some(states)) => states,
            Ok(None) => return Ok(()),
            Err(error) => {
                synced.fail(&error, &self.root);
                return Ok(());
            }
        };
        // One that is gone, or empty, or has no agents any more says nothing: it is written again.
        let says_something = !states.is_empty();
        let mut blocks: BTreeMap<&str, &AgentState> = BTreeMap::new();
        for state in states.iter() {
            // Of doubles the first, which is the newest layout's.
            blocks.entry(&state.agent).or_insert(state);
        }
        let entries: BTreeMap<String, Entry> = {
            let view = self.store.snapshot()?;
            let own =
                |entry: Entry| Some((entry.key.as_str().strip_prefix("agent/").filter(|name| !name.contains('/'))?.to_owned(), entry));
            view.entries("agent/", &EntryPage::WHOLE)?.into_iter().filter_map(own).collect()
        };
        let names: BTreeSet<String> =
            blocks.keys().map(|name| (*name).to_owned()).chain(entries.keys().cloned()).chain(attached.states.keys().cloned()).collect();
        for name in names {
            let Ok(agent) = AgentName::parse(&name) else { continue };
            let block = blocks.get(name.as_str()).copied();
            let entry = entries.get(&name);
            let known = attached.states.get(&name).cloned();
            let is_present = snapshot.is_live(&agent) || project.agents.iter().any(|a| a.name == name && a.state == "active");
            let file = block.map_or_else(String::new, |block| digest(&block.fields));
            let version = entry.map_or(0, |entry| entry.version);
            let side = match &known {
                // A state of long ago is no sign of life: it is followed from its next change on.
                None if entry.is_none() && !is_present && attached.is_new => Side::Neither,
                known => {
                    let is_same = block.map(|block| json!(block.fields)).as_ref() == entry.and_then(|entry| entry.value.as_ref());
                    changed(&known.clone().unwrap_or_default(), &file, version, is_same)
                }
            };
            let side = if side == Side::File && block.is_none() && !says_something { Side::Store } else { side };
            if side == Side::Both {
                let file_fields = block.map_or_else(|| "no state".to_owned(), |block| json!(block.fields).to_string());
                let in_store = entry.and_then(|entry| entry.value.as_ref()).map_or_else(|| "no state".to_owned(), ToString::to_string);
                let conflict = Conflict::kept_by_store(StateKey::of_agent(&agent).to_string(), &file_fields, &in_store);
                if !dry_run {
                    self.note_conflicts(std::slice::from_ref(&conflict))?;
                }
                synced.conflicts.push(conflict);
            }
            let done = match side {
                Side::Neither => Ok(Some((file, version))),
                Side::File if dry_run => {
                    synced.add_imported("states", 1);
                    continue;
                }
                Side::Store | Side::Both if dry_run => {
                    synced.add_exported("states", 1);
                    continue;
                }
                Side::File => self.take_state(&agent, block, synced).map(|version| Some((file, version))),
                Side::Store | Side::Both => Ok(self.show_state(&agent, block, entry, project, synced).map(|file| (file, version))),
            };
            match done {
                Ok(Some((file, version))) if file.is_empty() && version == 0 => drop(attached.states.remove(&name)),
                Ok(Some((file, version))) => drop(attached.states.insert(name, Agreed { file, version })),
                // What failed is tried again at the next look.
                Ok(None) => {}
                Err(OpError::Rejected(rejection)) => synced.warnings.push(rejection.to_string()),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// The agents' states in the files. Old writers empty the file and fill it again under its lock, and a read without the lock takes what
    /// is missing in between for taken away; so where anything differs from the memory, it is read once more with the lock held.
    /// Nothing when it is damaged then.
    fn steady_states<'p>(
        &self,
        file: &Path,
        project: &'p Project,
        attached: &SyncState,
        dry_run: bool,
    ) -> Result<Option<Cow<'p, [AgentState]>>, WriteError> {
        let seen = &project.states;
        let is_known = |state: &AgentState| attached.states.get(&state.agent).is_some_and(|agreed| agreed.file == digest(&state.fields));
        let known = attached.states.values().filter(|agreed| !agreed.file.is_empty()).count();
        if dry_run || seeded::is(seeded::STATES_GLANCED_AT) || seen.len() == known && seen.iter().all(is_known) {
            return Ok(Some(Cow::Borrowed(seen)));
        }
        let shown: BTreeSet<&str> = seen.iter().map(|state| state.source.file.as_str()).collect();
        let own = shown_path(file, &self.root);
        // The newest layout's first.
        let files = std::iter::once(own.as_str()).chain(shown.into_iter().filter(|shown| *shown != own));
        let mut states = Vec::new();
        for shown in files {
            let file = self.root.join(shown);
            let read = self.writer.reading(&file, || Project::read_as(&file, Role::States, 0))?;
            match read {
                Ok(read) if read.faults.is_empty() => {
                    let source = |state: &AgentState| Source { file: shown.to_owned(), line: state.source.line };
                    states.extend(read.states.into_iter().map(|state| AgentState { source: source(&state), ..state }));
                }
                Ok(_) => return Ok(None),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(_) => return Ok(None),
            }
        }
        Ok(Some(Cow::Owned(states)))
    }

    /// The store follows the file. Returns the entry's new version.
    fn take_state(&mut self, agent: &AgentName, block: Option<&AgentState>, synced: &mut Synced) -> Result<u64, OpError> {
        let value = block.map(|block| Value::Object(block.fields.clone()));
        let reply = self.tell(&ReportState { name: agent.clone(), value, merge: false })?;
        synced.add_imported("states", 1);
        Ok(reply.version)
    }

    /// The file follows the store. Returns the digest of the block as it is then; nothing when it could not be written.
    fn show_state(
        &self,
        agent: &AgentName,
        block: Option<&AgentState>,
        entry: Option<&Entry>,
        project: &Project,
        synced: &mut Synced,
    ) -> Option<String> {
        let file = match block {
            Some(block) => self.root.join(&block.source.file),
            None => self.communications("agent-state.yaml", project),
        };
        let value = match entry.and_then(|entry| entry.value.as_ref()) {
            Some(Value::Object(fields)) => Some(fields),
            Some(_) => {
                synced.warnings.push(format!("the state of {agent} is not an object, and is not written to {}", file.display()));
                return None;
            }
            None => None,
        };
        let now = time::shown(entry.map_or(0, |entry| entry.updated_at.0));
        let (compared, is_other) = (block.map(|block| &block.fields), Cell::new(false));
        let edited = self.writer.edit_in_place(&file, &|text| {
            let there = salvage::blocks(text, &[AGENTS]).items;
            let there = there.iter().find(|item| item.name.as_deref() == Some(agent.as_str())).map(|item| &item.fields);
            is_other.set(there != compared && !seeded::is(seeded::STATES_GLANCED_AT));
            if is_other.get() {
                return Ok(text.to_owned());
            }
            with_state(text, agent.as_str(), value, true, &now)
        });
        match edited {
            // Anyone who wrote it since it was compared is followed by the next look.
            Ok(_) if is_other.get() => None,
            Ok(_) => {
                synced.add_exported("states", 1);
                Some(value.map_or_else(String::new, digest))
            }
            Err(error) => {
                synced.fail(&error, &self.root);
                None
            }
        }
    }
}

/// The text with the fields of an agent's state, or without its block, and with `is_whole` without its other fields; the metadata say when and by
/// whom.
pub(crate) fn with_state(
    text: &str,
    agent: &str,
    fields: Option<&Map<String, Value>>,
    is_whole: bool,
    now: &str,
) -> Result<String, EditError> {
    let text = match fields {
        _ if !text.trim().is_empty() => text,
        // A new file has what old readers look for.
        Some(_) => &empty_states(now),
        None => return Ok(text.to_owned()),
    };
    let fields: Option<Vec<(&str, Value)>> =
        fields.map(|fields| fields.iter().map(|(name, value)| (name.as_str(), value.clone())).collect());
    edit::set_state(text, AGENTS, agent, fields.as_deref(), is_whole, &[("last_updated", json!(now)), ("updated_by", json!(agent))])
}

/// A file of states that has none.
pub(crate) fn empty_states(now: &str) -> String {
    format!("agents: {{}}\nmetadata:\n  last_updated: '{now}'\n  updated_by: system\n")
}

#[cfg(test)]
mod tests {
    use std::fs;

    use oarlock_host::file;
    use oarlock_ops::settings::Settings;
    use oarlock_sqlite::{Options, SqliteStore, StorePaths};

    use super::*;

    #[test]
    fn whoever_changed_since_both_agreed_is_followed() {
        let agreed = Agreed { file: "a".to_owned(), version: 3 };
        for (file, version, want) in [("a", 3, Side::Neither), ("b", 3, Side::File), ("a", 4, Side::Store), ("b", 4, Side::Both)] {
            assert_eq!(changed(&agreed, file, version, false), want, "{file} {version}");
            assert_eq!(changed(&agreed, file, version, true), Side::Neither, "both say the same");
        }
        assert_eq!(changed(&Agreed::default(), "a", 0, false), Side::File);
        assert_eq!(changed(&Agreed::default(), "", 1, false), Side::Store);
    }

    #[test]
    fn what_changed_since_the_files_were_read_is_not_written_over() {
        const FILE: &str = ".autonomous/agents/communications/agent-state.yaml";
        let dir = tempfile::tempdir().expect("a folder");
        let root = file::canonical(dir.path()).expect("there");
        let path = root.join(FILE);
        fs::create_dir_all(path.parent().expect("below")).expect("a folder");
        let text = |n: i64| format!("agents:\n  ada:\n    progress: {n}\nmetadata:\n  last_updated: x\n");
        let (mut store, _) = SqliteStore::create(&StorePaths::of_file(root.join("s.db")), "T", Options::default()).expect("a store");
        let settings = Settings::default();
        let mut bridge = Bridge::new(&root, &mut store, &settings);
        let mut attached = SyncState::new(&root, 0);
        fs::write(&path, text(1)).expect("writes");
        bridge.sync(&mut attached, false).expect("syncs");
        // Somebody empties the file and fills it again, and the read text is from in between; or it was read a moment too early.
        let empty = Project { files: vec![path.clone()], ..Project::default() };
        let early = Project::read(&root, 0).expect("reads");
        for (n, seen) in [(2, &empty), (3, &early)] {
            fs::write(&path, text(n)).expect("writes");
            let snapshot = bridge.snapshot().expect("a view");
            let mut synced = Synced::default();
            bridge.sync_states(seen, &snapshot, &mut attached, &mut synced, false).expect("syncs");
            assert_eq!((&synced.conflicts, &synced.warnings), (&Vec::new(), &Vec::new()), "{n}");
            assert_eq!(fs::read_to_string(&path).expect("there"), text(n));
        }
        bridge.sync(&mut attached, false).expect("syncs");
        let ada = AgentName::parse("ada").expect("a name");
        let entry = |bridge: &mut Bridge<'_>| bridge.store.snapshot().expect("a view").entry(&StateKey::of_agent(&ada)).expect("reads");
        assert_eq!(entry(&mut bridge).and_then(|entry| entry.value), Some(json!({"progress": 3})));
        // Between the reading and the writing: the next look follows it.
        let entry = Entry { value: Some(json!({"progress": 4})), ..entry(&mut bridge).expect("an entry") };
        let block = &early.states[0];
        fs::write(&path, text(5)).expect("writes");
        let shown = bridge.show_state(&ada, Some(block), Some(&entry), &early, &mut Synced::default());
        assert_eq!((shown, fs::read_to_string(&path).expect("there")), (None, text(5)));
        fs::write(&path, text(1)).expect("writes");
        let shown = bridge.show_state(&ada, Some(block), Some(&entry), &early, &mut Synced::default());
        assert!(shown.is_some() && fs::read_to_string(&path).expect("there").contains("progress: 4"));
    }

    #[test]
    fn a_block_comes_and_goes_and_the_others_stay() {
        let text = "agents: {}\nmetadata: {last_updated: x, updated_by: system}\n";
        let fields = Map::from_iter([("status".to_owned(), json!("working")), ("a b".to_owned(), json!([1]))]);
        // Maps in brackets on one line are not edited.
        assert!(with_state(text, "ada", Some(&fields), true, "now").is_err());
        let text = "# theirs\nagents: {}\nmetadata:\n  last_updated: 'x'\n  updated_by: system\n";
        let one = with_state(text, "ada", Some(&fields), true, "now").expect("edits");
        assert_eq!(
            one,
            "# theirs\nagents:\n  ada:\n    \"a b\": [1]\n    status: \"working\"\nmetadata:\n  last_updated: 'now'\n  updated_by: ada\n"
        );
        let two = with_state(&one, "bob", Some(&fields), true, "now").expect("edits");
        let again = with_state(&two, "bob", None, true, "now").expect("edits");
        assert_eq!(again.replace("bob", "ada"), one);
        let none = with_state(&again, "ada", None, true, "now").expect("edits");
        assert_eq!(none, text.replace("'x'", "'now'").replace("system", "ada"));
        assert_eq!(with_state("", "ada", Some(&fields), true, "now").expect("edits"), one.replace("# theirs\n", ""));
        assert_eq!(with_state("", "ada", None, true, "now").expect("edits"), "");
        let less = Map::from_iter([("status".to_owned(), json!("idle"))]);
        let kept = with_state(&one, "ada", Some(&less), false, "now").expect("edits");
        assert!(kept.contains("    \"a b\": [1]\n    status: \"idle\"\n"), "{kept}");
        let whole = with_state(&one, "ada", Some(&less), true, "now").expect("edits");
        assert!(whole.contains("  ada:\n    status: \"idle\"\nmetadata:\n"), "{whole}");
    }
}
