//! Agents and their sessions; notices for their heartbeats.

use oarlock_model::agent::{Agent, Host, Owner, Presence, SessionEnd};
use oarlock_model::event::{AgentJoined, Event};
use oarlock_model::rules::holdings::Held;
use oarlock_model::state::Notice;
use oarlock_model::{AgentName, SessionId, StoreTime, WallTime};
use rusqlite::{Connection, Row, named_params, params};

use super::{Sql, all, change, change_one, count, first, from_word, id, id_or, int, json, json_or, of_all, to_json, uint, word};

const COLUMNS: &str = "name, session, role, capabilities, program, timeout_ms, max_claims, owner, host, boot_id, harness, ended,
  seen, seen_wall, beat, progressed, status, action";
const UPSERT: &str = "
INSERT INTO agents (name, session, role, capabilities, program, timeout_ms, max_claims, owner, host, boot_id, harness, ended,
  seen, seen_wall, beat, progressed, status, action)
VALUES (:name, :session, :role, :capabilities, :program, :timeout_ms, :max_claims, :owner, :host, :boot_id, :harness, NULL,
  :now, :wall, :now, :now, NULL, NULL)
ON CONFLICT (name) DO UPDATE SET
  session = excluded.session, role = excluded.role, capabilities = excluded.capabilities, program = excluded.program,
  timeout_ms = excluded.timeout_ms, max_claims = excluded.max_claims, owner = excluded.owner, host = excluded.host,
  boot_id = excluded.boot_id, harness = excluded.harness, ended = NULL, seen = excluded.seen, seen_wall = excluded.seen_wall,
  beat = excluded.beat, progressed = excluded.progressed, status = NULL, action = NULL
WHERE ended IS NOT NULL";
const COUNT_OWNED: &str = "SELECT count(*) FROM agents INDEXED BY agents_owned WHERE ended IS NULL AND owner IS NOT NULL";
const OWNERS: &str = "SELECT name, owner FROM agents INDEXED BY agents_owned WHERE ended IS NULL AND owner IS NOT NULL ORDER BY name";
const END: &str = "UPDATE agents SET ended = ?3 WHERE name = ?1 AND session = ?2 AND ended IS NULL";
const WRITE_PRESENCE: &str = "
UPDATE agents SET seen = ?2, seen_wall = ?3, beat = ?4, progressed = ?5, status = ?6, action = ?7 WHERE name = ?1";
/// A session that is over gets no notices any more.
const ADD_NOTICE: &str = "
INSERT OR IGNORE INTO news (session, news)
SELECT ?1, ?2 WHERE EXISTS (SELECT 1 FROM agents WHERE name = ?3 AND session = ?1 AND ended IS NULL)";
const SELECT_NOTICES: &str = "SELECT session, news FROM news WHERE session = ?1";
const ALL_NOTICES: &str = "SELECT session, news FROM news";
const DROP_NOTICES: &str = "DELETE FROM news WHERE session = ?1";

/// The live sessions of an agent and its helpers; `/` comes after the dot. Two ranges of one index: those that ended are not read.
macro_rules! family {
    ($columns:literal) => {
        concat!(
            "SELECT ",
            $columns,
            " FROM agents WHERE name = ?1 AND ended IS NULL UNION ALL ",
            "SELECT ",
            $columns,
            " FROM agents INDEXED BY agents_live WHERE name > ?1 || '.' AND name < ?1 || '/' AND ended IS NULL"
        )
    };
}
const FAMILY: &str = family!(
    "name, session, role, capabilities, program, timeout_ms, max_claims, owner, host, boot_id, harness, ended,
     seen, seen_wall, beat, progressed, status, action"
);
const HOLDINGS: &str = concat!(
    "WITH family AS (",
    family!("session"),
    ") SELECT
         (SELECT count(*) FROM family),
         (SELECT count(*) FROM family f JOIN tasks t ON t.grant_session = f.session AND t.state = 3 AND t.outside IS NULL),
         (SELECT count(*) FROM family f JOIN reservations r ON r.session = f.session)"
);

fn map(row: &Row<'_>) -> Sql<Agent> {
    let ended: Option<String> = row.get(11)?;
    Ok(Agent {
        name: id(row, 0)?,
        session: id(row, 1)?,
        role: id_or(row, 2)?,
        capabilities: json(row, 3)?,
        program: row.get(4)?,
        timeout_ms: row.get(5)?,
        max_claims: row.get(6)?,
        owner: json_or(row, 7)?.unwrap_or_default(),
        host: Host { boot_id: row.get(9)?, ..json(row, 8)? },
        harness: row.get(10)?,
        end: ended.as_deref().map(from_word).transpose()?,
        presence: Presence {
            seen: StoreTime(row.get(12)?),
            seen_wall: WallTime(row.get(13)?),
            beat: StoreTime(row.get(14)?),
            progressed: StoreTime(row.get(15)?),
            status: row.get(16)?,
            action: row.get(17)?,
        },
    })
}

pub(crate) fn get(conn: &Connection, name: &AgentName) -> Sql<Option<Agent>> {
    first(conn, &format!("SELECT {COLUMNS} FROM agents WHERE name = ?1"), [name.as_str()], map)
}

pub(crate) fn named(conn: &Connection, names: &[&AgentName]) -> Sql<Vec<Agent>> {
    of_all(conn, &format!("SELECT {COLUMNS} FROM json_each(?1) j CROSS JOIN agents ON name = j.value"), names, map)
}

pub(crate) fn list(conn: &Connection) -> Sql<Vec<Agent>> {
    all(conn, &format!("SELECT {COLUMNS} FROM agents ORDER BY name"), [], map)
}

/// The live sessions of an agent and its helpers, by name.
pub(crate) fn live_family(conn: &Connection, root: &AgentName) -> Sql<Vec<Agent>> {
    let mut found = all(conn, FAMILY, [root.as_str()], map)?;
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}

/// Their holdings.
pub(crate) fn holdings_of(conn: &Connection, root: &AgentName) -> Sql<Held> {
    let count = |row: &Row<'_>, column: usize| Ok::<_, rusqlite::Error>(usize::try_from(uint(row, column)?).unwrap_or(usize::MAX));
    let held = first(conn, HOLDINGS, [root.as_str()], |row| {
        Ok(Held { sessions: count(row, 0)?, leases: count(row, 1)?, reservations: count(row, 2)? })
    })?;
    Ok(held.unwrap_or_default())
}

/// Live sessions that have a process, by name.
pub(crate) fn owned(conn: &Connection, skip: usize, limit: usize) -> Sql<Vec<Agent>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM agents INDEXED BY agents_owned WHERE ended IS NULL AND owner IS NOT NULL ORDER BY name LIMIT ?1 OFFSET ?2"
    );
    all(conn, &sql, [int(limit as u64), int(skip as u64)], map)
}

pub(crate) fn owned_count(conn: &Connection) -> Sql<usize> {
    count(conn, COUNT_OWNED, [])
}

/// Live sessions without a process that are of another boot.
pub(crate) fn of_other_boots(conn: &Connection, boot_id: &str, limit: usize) -> Sql<Vec<Agent>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM agents WHERE ended IS NULL AND boot_id < ?1 AND owner IS NULL
         UNION ALL SELECT {COLUMNS} FROM agents WHERE ended IS NULL AND boot_id > ?1 AND owner IS NULL LIMIT ?2"
    );
    all(conn, &sql, params![boot_id, int(limit as u64)], map)
}

/// Live sessions with a process that belong to this run of a client, by name.
pub(crate) fn of_harness(conn: &Connection, harness: &str) -> Sql<Vec<Agent>> {
    let of_harness = "INDEXED BY agents_owned WHERE ended IS NULL AND owner IS NOT NULL AND harness = ?1 ORDER BY name";
    all(conn, &format!("SELECT {COLUMNS} FROM agents {of_harness}"), [harness], map)
}

/// Live sessions whose process is one of these, by name.
pub(crate) fn of_processes(conn: &Connection, processes: &[String]) -> Sql<Vec<Agent>> {
    // Most of those that are there are of other processes: their text is enough to leave them out.
    let needles = processes.iter().map(to_json).collect::<Sql<Vec<String>>>()?;
    let names = all(conn, OWNERS, [], |row| {
        let owner = row.get_ref(1)?.as_str()?;
        let may_be = needles.iter().any(|needle| owner.contains(needle.as_str()));
        if may_be { id::<AgentName>(row, 0).map(Some) } else { Ok(None) }
    })?;
    let mut found = Vec::new();
    for name in names.into_iter().flatten() {
        found.extend(get(conn, &name)?);
    }
    found.retain(|agent| agent.owner.process().is_some_and(|process| processes.iter().any(|one| one == process)));
    Ok(found)
}

/// Live sessions that were seen within their timeout or have a process, those seen last first.
pub(crate) fn present(conn: &Connection, now: StoreTime, limit: usize) -> Sql<Vec<Agent>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM agents WHERE ended IS NULL AND (owner IS NOT NULL OR seen + timeout_ms >= ?1) ORDER BY seen DESC, name LIMIT ?2"
    );
    all(conn, &sql, params![now.0, int(limit as u64)], map)
}

pub(crate) fn join(conn: &Connection, event: &Event, fact: &AgentJoined) -> Sql<()> {
    let owner = match &fact.owner {
        Owner::None => None,
        owner => Some(to_json(owner)?),
    };
    let host = Host { boot_id: String::new(), ..fact.host.clone() };
    change_one(
        conn,
        "the joining of an agent without a live session",
        UPSERT,
        named_params! {
            ":name": fact.name.as_str(),
            ":session": fact.session.as_str(),
            ":role": fact.role.as_ref().map(|r| r.as_str()),
            ":capabilities": to_json(&fact.capabilities)?,
            ":program": fact.program,
            ":timeout_ms": fact.timeout_ms,
            ":max_claims": fact.max_claims,
            ":owner": owner,
            ":host": to_json(&host)?,
            ":boot_id": fact.host.boot_id,
            ":harness": fact.harness,
            ":now": event.store_at.0,
            ":wall": event.at.0,
        },
    )
}

pub(crate) fn end(conn: &Connection, name: &AgentName, session: &SessionId, end: SessionEnd) -> Sql<()> {
    change_one(conn, "the end of a live session", END, params![name.as_str(), session.as_str(), word(&end)?])?;
    change(conn, DROP_NOTICES, [session.as_str()]).map(drop)
}

pub(crate) fn write_presence(conn: &Connection, name: &AgentName, presence: &Presence) -> Sql<()> {
    let Presence { seen, seen_wall, beat, progressed, status, action } = presence;
    change_one(conn, "presence", WRITE_PRESENCE, params![name.as_str(), seen.0, seen_wall.0, beat.0, progressed.0, status, action])
}

pub(crate) fn add_notice(conn: &Connection, notice: &Notice) -> Sql<()> {
    // The session's own name finds its row: there is no index over sessions, and thousands can lose their work at once.
    let Some(agent) = notice.session.agent() else { return Ok(()) };
    change(conn, ADD_NOTICE, params![notice.session.as_str(), to_json(&notice.kind)?, agent.as_str()]).map(drop)
}

pub(crate) fn take_notices(conn: &Connection, session: &SessionId) -> Sql<Vec<Notice>> {
    let notices = all(conn, SELECT_NOTICES, [session.as_str()], notice)?;
    if !notices.is_empty() {
        change(conn, DROP_NOTICES, [session.as_str()])?;
    }
    Ok(notices)
}

pub(crate) fn all_notices(conn: &Connection) -> Sql<Vec<Notice>> {
    all(conn, ALL_NOTICES, [], notice)
}

fn notice(row: &Row<'_>) -> Sql<Notice> {
    Ok(Notice { session: id(row, 0)?, kind: json(row, 1)? })
}
