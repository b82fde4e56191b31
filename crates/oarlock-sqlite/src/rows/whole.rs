//! Everything that lasts, as the specification sees it: for tests and replays.

use oarlock_model::state::State;
use oarlock_model::{SessionId, TaskId};
use rusqlite::Connection;
use std::collections::{BTreeMap, BTreeSet};

use super::{Sql, agent, all, entry, event, id, message, proposal, reservation, task};

const GRANTEES: &str = "SELECT json_extract(data, '$.id'), session FROM events WHERE kind = 'task_claimed'";

/// Reads the whole store.
pub(crate) fn state(conn: &Connection) -> Sql<State> {
    let mut grantees: BTreeMap<TaskId, BTreeSet<SessionId>> = BTreeMap::new();
    for (task, session) in all(conn, GRANTEES, [], |row| Ok((id(row, 0)?, id(row, 1)?)))? {
        grantees.entry(task).or_default().insert(session);
    }
    Ok(State {
        last_seq: event::end(conn)?.seq,
        agents: agent::list(conn)?.into_iter().map(|agent| (agent.name.clone(), agent)).collect(),
        tasks: task::select(conn, "ORDER BY t.seq", [])?.into_iter().map(|task| (task.id.clone(), task)).collect(),
        grantees,
        entries: entry::list(conn)?.into_iter().map(|entry| (entry.key.clone(), entry)).collect(),
        reservations: reservation::list(conn)?.into_iter().map(|r| (r.id.clone(), r)).collect(),
        messages: message::list(conn)?.into_iter().map(|m| (m.id.clone(), m)).collect(),
        proposals: proposal::list(conn)?.into_iter().map(|p| (p.id.clone(), p)).collect(),
        notices: agent::all_notices(conn)?.into_iter().collect(),
    })
}
