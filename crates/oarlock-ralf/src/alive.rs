//! Who is there: the one answer that the bridge, `ralf agents` and the agents' own modules give. Only a heartbeat makes an agent, and only its age
//! makes it active. Templates, run ids, and names that are none are no agents; who has left comes back by a sign of life of its own.

use std::collections::{BTreeMap, BTreeSet};

use oarlock_model::{AgentName, seeded};
use serde_json::Value;

use crate::beat::Beat;
use crate::digest::digest;
use crate::held::is_placeholder;
use crate::sync_state::SyncState;
use crate::time::CLOCK_SLACK_MS;
use crate::types::Agent;

/// The status of an agent that has gone: no sign of life. It is written for agents of the store.
pub(crate) const LEFT: &str = "left";
/// Statuses by which an agent says that it has gone.
const GONE: [&str; 6] = [LEFT, "stopped", "offline", "terminated", "exited", "shutdown"];

/// The heartbeats of one agent in the files.
#[derive(Clone, Debug)]
pub(crate) struct Sign<'a> {
    /// Its block: of doubles the one that is the youngest.
    pub(crate) agent: &'a Agent,
    pub(crate) name: AgentName,
    pub(crate) beat: Beat,
    /// The bridge wrote the block for an agent of the store: it says nothing that the store does not know.
    pub(crate) is_of_store: bool,
    /// Its clock lies behind, and it is judged by its changes.
    pub(crate) is_behind: bool,
}

impl Sign<'_> {
    /// Whether an agent that only the files know is there, by this timeout.
    pub(crate) fn is_there(&self, now_ms: i64, timeout_ms: i64) -> bool {
        !self.beat.has_left && self.beat.seen_ms.is_some_and(|seen_ms| now_ms - seen_ms <= timeout_ms)
    }
}

/// Whether a block is the heartbeat of an agent, and not a template, or the name of a run.
pub(crate) fn is_agent(name: &str, status: Option<&Value>) -> bool {
    if seeded::is(seeded::GHOSTS_COUNT) {
        return true;
    }
    // A placeholder without quotes is a map to YAML.
    let is_template = match status {
        Some(Value::Object(_) | Value::Array(_)) => true,
        Some(Value::String(text)) => text.contains(['{', '}', '|']),
        _ => false,
    };
    AgentName::parse(name).is_ok() && !is_placeholder(name) && !is_run(name) && !is_template
}

/// Whether a name is that of a run: `run-0053`, `run-20260204-105355`.
fn is_run(name: &str) -> bool {
    let rest = name.to_lowercase();
    rest.strip_prefix("run-").or_else(|| rest.strip_prefix("run_")).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}

/// The heartbeats, with the remembered ones.
pub(crate) fn signs<'a>(agents: &'a [Agent], attached: &SyncState, now_ms: i64) -> Vec<Sign<'a>> {
    signs_for(agents, attached, now_ms, Kept::Yes)
}

/// Whether what is seen of a heartbeat is to be remembered, with its digests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kept {
    Yes,
    No,
}

fn signs_for<'a>(agents: &'a [Agent], attached: &SyncState, now_ms: i64, kept: Kept) -> Vec<Sign<'a>> {
    let mut youngest: BTreeMap<&str, &Agent> = BTreeMap::new();
    for agent in agents {
        let known = youngest.entry(&agent.name).or_insert(agent);
        if agent.age_ms.unwrap_or(i64::MAX) < known.age_ms.unwrap_or(i64::MAX) {
            *known = agent;
        }
    }
    let swept = swept(agents);
    let sign = |agent: &'a Agent| {
        let name = AgentName::parse(&agent.name).ok()?;
        let is_of_store = attached.shown.get(&agent.name).is_some_and(|shown| *shown == agent.own_digest());
        let known = attached.heard.get(&agent.name);
        // Most who ask have nothing to compare a block with.
        let digests = if kept == Kept::Yes || known.is_some() { (digest(&agent.fields), agent.own_digest()) } else { Default::default() };
        let is_swept = swept.contains(agent.source.file.as_str());
        let (beat, is_behind) = beat(agent, digests, known, attached.looked_ms, is_swept, now_ms);
        Some(Sign { agent, name, beat, is_of_store, is_behind })
    };
    youngest.into_values().filter_map(sign).collect()
}

/// Sets how each agent is: `active`, `stale` or `left`, by `timeout_ms`, else by what its file says.
pub(crate) fn judge(agents: &mut [Agent], attached: &SyncState, now_ms: i64, timeout_ms: Option<i64>) {
    for agent in agents.iter_mut() {
        agent.timeout_ms = timeout_ms.unwrap_or(agent.timeout_ms);
    }
    let verdict = |sign: Sign<'_>| {
        let is_there = sign.is_there(now_ms, sign.agent.timeout_ms);
        (
            sign.agent.name.clone(),
            if sign.beat.has_left {
                "left"
            } else if is_there {
                "active"
            } else {
                "stale"
            },
        )
    };
    let verdicts: BTreeMap<String, &'static str> = signs_for(agents, attached, now_ms, Kept::No).into_iter().map(verdict).collect();
    for agent in agents {
        let verdict = verdicts.get(&agent.name).copied().unwrap_or("stale");
        // Of doubles only those that are young enough themselves.
        let is_old = agent.age_ms.is_none_or(|age_ms| age_ms > agent.timeout_ms) && !attached.heard.contains_key(&agent.name);
        agent.state = if verdict == "active" && is_old { "stale" } else { verdict };
    }
}

/// Whether a name may be that of an agent that is given work.
#[must_use]
pub fn may_work(name: &str) -> bool {
    is_agent(name, None)
}

/// The files in which all blocks have the same time: that is the mark of a script that sets the time of every block.
fn swept(agents: &[Agent]) -> BTreeSet<&str> {
    let mut times: BTreeMap<&str, (usize, Option<&Value>)> = BTreeMap::new();
    for agent in agents {
        let time = agent.fields.get("last_seen").filter(|time| !time.is_null());
        let (count, same) = times.entry(&agent.source.file).or_insert((0, time));
        *count += 1;
        *same = same.filter(|same| Some(*same) == time);
    }
    times.into_iter().filter(|(_, (count, same))| *count > 1 && same.is_some()).map(|(file, _)| file).collect()
}

/// The facts of a block, and whether its clock lies behind. `known` is the memory of the last pass.
fn beat(agent: &Agent, (whole, own): (String, String), known: Option<&Beat>, looked_ms: i64, is_swept: bool, now_ms: i64) -> (Beat, bool) {
    if let Some(known) = known.filter(|known| known.whole == whole) {
        return (known.clone(), false);
    }
    let stated_ms = agent.age_ms.map(|age_ms| now_ms - age_ms);
    let says_gone = agent.status.as_deref().is_some_and(|status| GONE.contains(&status.trim().to_lowercase().as_str()));
    let is_ghost = known.is_some_and(|known| known.has_left && is_swept && known.own == own) && !seeded::is(seeded::SWEEP_REVIVES);
    if says_gone || is_ghost {
        let seen_ms = known.map_or(stated_ms, |known| known.seen_ms);
        return (Beat { whole, own, seen_ms, has_left: true }, false);
    }
    // It has changed since the last look, whatever its clock says.
    let changed_ms = known.map(|_| looked_ms);
    let is_behind = changed_ms.is_some_and(|changed| stated_ms.is_some_and(|stated| stated + CLOCK_SLACK_MS < changed));
    (Beat { whole, own, seen_ms: stated_ms.max(changed_ms), has_left: false }, is_behind)
}

#[cfg(test)]
#[path = "alive_tests.rs"]
mod tests;
