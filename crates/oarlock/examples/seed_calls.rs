//! The twelve calls of a small Python coordinator, each with the library: finding agents, splitting a task,
//! and sharing state. Runs on a store of its own that is gone afterwards: `cargo run -p oarlock --example seed_calls`.

use oarlock::Oarlock;
use oarlock::model::{AgentName, StateKey};
use oarlock::ops::OpError;
use oarlock::ops::agent::{Agents, ShowAgent};
use oarlock::ops::shapes::{AgentShape, EntryShape};
use oarlock::ops::state::{GetState, StateDelete, Sync};
use oarlock::ops::task::{Split, SplitReply};
use oarlock_model::ErrorCode;
use std::error::Error;
use std::io::Write;

/// The task that is split: three steps that write different files, and one that needs them all.
const NOTES: &str = "# Notes service

1. Write the store in `src/store.rs`
2. Write the HTTP handlers in `src/http.rs`
3. Write the command line in `src/cli.rs`
4. Write the tests in `tests/all.rs` (needs 1, 2 and 3)
";

fn main() -> Result<(), Box<dyn Error>> {
    let dir = tempfile::tempdir()?;
    let file = dir.path().join("oarlock.db");
    // One handle for each agent. Both stand for this process: should it die, what they hold is free at once.
    let mut ada = Oarlock::open(&file)?.joined_as("ada")?;
    let mut bob = Oarlock::open(&file)?.joined_as("bob")?;
    let mut out = std::io::stdout().lock();

    finding(&mut ada, &mut out)?;
    splitting(&mut ada, &mut out)?;
    state(&mut ada, &mut bob, &mut out)
}

fn finding(ada: &mut Oarlock, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    writeln!(out, "discover_agents         {}", names(&discover_agents(ada)?))?;
    let info = get_agent_info(ada, "bob")?;
    writeln!(out, "get_agent_info          {} is {:?} in session {}", info.name, info.state, info.session)?;
    writeln!(out, "count_active_agents     {}", count_active_agents(ada)?)?;
    writeln!(out, "can_coordinate          two: {}, five: {}", can_coordinate(ada, 2)?, can_coordinate(ada, 5)?)?;
    Ok(())
}

fn splitting(ada: &mut Oarlock, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    writeln!(out, "can_parallelize         {}", can_parallelize(ada, NOTES)?)?;
    let plan = analyze_task_structure(ada, NOTES)?.plan;
    writeln!(out, "analyze_task_structure  {} steps, {} orders between them", plan.steps.len(), plan.edges.len())?;
    for part in distribute_task(ada, NOTES, 3)?.created {
        writeln!(out, "distribute_task         {} is {}: {}", part.id, part.state, part.title)?;
    }
    Ok(())
}

fn state(ada: &mut Oarlock, bob: &mut Oarlock, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    sync_agent_state(ada, &["phase=testing", "passed:=12"])?;
    let entry = sync_agent_state(bob, &["phase=writing"])?;
    writeln!(out, "sync_agent_state        {} has version {}", entry.key, entry.version)?;
    let entry = get_agent_state(bob, "ada")?;
    writeln!(out, "get_agent_state         {}", entry.value.unwrap_or_default())?;
    writeln!(out, "get_all_states          {} entries", get_all_states(ada)?.len())?;
    clear_agent_state(ada, "ada")?;
    writeln!(out, "clear_agent_state       {} entries left", get_all_states(ada)?.len())?;
    reset_all_states(&mut [("ada", ada), ("bob", bob)])?;
    writeln!(out, "reset_all_states        {} entries left", get_all_states(bob)?.len())?;
    Ok(())
}

/// Who is active now.
fn discover_agents(me: &mut Oarlock) -> Result<Vec<AgentShape>, OpError> {
    Ok(me.ask(&Agents::default())?.agents)
}

/// One agent, whatever its state.
fn get_agent_info(me: &mut Oarlock, name: &str) -> Result<AgentShape, OpError> {
    Ok(me.ask(&ShowAgent { name: AgentName::parse(name)? })?.agent)
}

/// How many are active.
fn count_active_agents(me: &mut Oarlock) -> Result<u64, OpError> {
    Ok(me.ask(&Agents::default())?.active)
}

/// Whether this many are active. Too few is a refusal with a code of its own, and every other error stays one.
fn can_coordinate(me: &mut Oarlock, wanted: u64) -> Result<bool, OpError> {
    match me.ask(&Agents { at_least: Some(wanted), ..Agents::default() }) {
        Ok(_) => Ok(true),
        Err(error) if error.code() == ErrorCode::NotEnoughAgents => Ok(false),
        Err(error) => Err(error),
    }
}

/// Whether a document can be worked on by several at once.
fn can_parallelize(me: &mut Oarlock, document: &str) -> Result<bool, OpError> {
    Ok(analyze_task_structure(me, document)?.plan.parallelizable)
}

/// Its steps, what orders them, which files they write: a plan that changes nothing.
fn analyze_task_structure(me: &mut Oarlock, document: &str) -> Result<SplitReply, OpError> {
    me.order(&Split { dry_run: true, ..split(document, 3) })
}

/// The parts, made: `created` can be claimed from now on.
fn distribute_task(me: &mut Oarlock, document: &str, agents: usize) -> Result<SplitReply, OpError> {
    me.order(&split(document, agents))
}

/// Merges `KEY=TEXT` and `KEY:=JSON` into the caller's own entry.
fn sync_agent_state(me: &mut Oarlock, set: &[&str]) -> Result<EntryShape, OpError> {
    let set = set.iter().map(ToString::to_string).collect();
    Ok(me.order(&Sync { set, merge: None })?.state)
}

/// The entry of one agent; `not_found` when it has none.
fn get_agent_state(me: &mut Oarlock, name: &str) -> Result<EntryShape, Box<dyn Error>> {
    let key = Some(StateKey::of_agent(&AgentName::parse(name)?));
    let mut entries = me.ask(&GetState { key, ..GetState::default() })?.entries;
    entries.pop().ok_or_else(|| "an entry that was found is in the reply".into())
}

/// The entries of all agents, those that have left too. A long list comes in pages.
fn get_all_states(me: &mut Oarlock) -> Result<Vec<EntryShape>, OpError> {
    let mut entries = Vec::new();
    let mut after = None;
    loop {
        let page = me.ask(&GetState { prefix: Some("agent/".into()), after, ..GetState::default() })?;
        entries.extend(page.entries);
        after = page.next;
        if after.is_none() {
            return Ok(entries);
        }
    }
}

/// Removes the caller's own entry. That of another agent would be refused with `denied`.
fn clear_agent_state(me: &mut Oarlock, name: &str) -> Result<(), OpError> {
    let key = StateKey::of_agent(&AgentName::parse(name)?);
    me.order(&StateDelete { key, if_version: None }).map(drop)
}

/// Removes the entries of these agents, each by its owner: nobody may remove another's.
fn reset_all_states(agents: &mut [(&str, &mut Oarlock)]) -> Result<(), OpError> {
    for (name, agent) in agents {
        match clear_agent_state(agent, name) {
            Err(error) if error.code() == ErrorCode::NotFound => {}
            cleared => cleared?,
        }
    }
    Ok(())
}

/// A split of a document under the task id `notes`.
fn split(document: &str, agents: usize) -> Split {
    Split { id: "notes.md".into(), agents: Some(agents), document: Some(document.to_owned()), ..Split::default() }
}

fn names(agents: &[AgentShape]) -> String {
    agents.iter().map(|agent| agent.name.as_str()).collect::<Vec<_>>().join(", ")
}
