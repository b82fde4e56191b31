//! Hints after a refusal, in the words of the command line. The rules themselves know no commands.

use oarlock_model::Rejection;

/// The next step. It names verbs as the command line has them; other doors translate that for their callers.
pub fn of(rejection: &Rejection) -> String {
    match rejection {
        Rejection::Invalid { hint, .. } | Rejection::Conflict { hint, .. } | Rejection::Missing { hint, .. } => hint.clone(),
        Rejection::Cycle { .. } => "remove one of these dependencies first: oarlock depend ID --on ID --remove".into(),
        Rejection::IdentityRequired => "pass --as NAME (over HTTP the field `as`), or set OARLOCK_AGENT, after `oarlock join NAME`".into(),
        Rejection::NotFound { noun, .. } => match *noun {
            "agent" => "`oarlock agents --all` lists all agents; to join: oarlock join NAME".into(),
            "task" => "`oarlock tasks` lists the tasks".into(),
            "state entry" => "`oarlock state` lists the entries".into(),
            "file" | "file or folder" => "check the path: a relative one starts in the current directory".into(),
            "branch" => "`git branch --all` lists the branches".into(),
            "proposal" => "`oarlock events --kind proposal_opened` lists the proposals".into(),
            "reservation" => "`oarlock reservations` lists them".into(),
            _ => "check how it is written".into(),
        },
        Rejection::LeaseHeld { task, .. } => format!("claim something else, or `oarlock wait {task}`"),
        Rejection::HeldOutside { task, .. } => {
            format!("claim something else; if nobody works on it any more, `oarlock release {task} --force` ends that")
        }
        Rejection::AssignedElsewhere { task, .. } => format!("claim something else, or `oarlock update {task} --assign NAME`"),
        Rejection::LeaseLost { .. } | Rejection::StaleToken { .. } => {
            "stop this work: somebody else may be doing it; claim again to go on".into()
        }
        Rejection::StaleSession { current: Some(current), .. } => {
            format!("stop this work: {current} acts under this name now; to act beside it, join under another name")
        }
        Rejection::StaleSession { agent, .. } => format!("stop this work, then join again: `oarlock join {agent}`"),
        Rejection::VersionConflict { key, .. } => format!("read `oarlock state {key}` and decide again"),
        Rejection::ReservationOverlap { .. } => "work elsewhere, or ask the holder; `reserve` and `claim --reserve` can --wait".into(),
        Rejection::AlreadyExists { hint, .. } | Rejection::Denied { hint, .. } => (*hint).into(),
        Rejection::StateConflict { task, .. } => format!("`oarlock task {task}` shows how it got there"),
        Rejection::KeyReused { .. } => "use a new key for a new request".into(),
        Rejection::LimitReached { .. } => "ask for less, or in several calls".into(),
        Rejection::TooWide { named_components, .. } => {
            format!("name at least {named_components} leading folder without a wildcard, or share it")
        }
        Rejection::QuotaReached { after_ms, .. } => format!("wait {after_ms} ms, and ask less often"),
        Rejection::NothingReady { rest, .. } if rest.unread > 0 => {
            read_first(rest.unread, if rest.all_done { "end your loop" } else { "claim again" })
        }
        Rejection::NothingReady { rest, .. } if rest.all_done => "end your loop; `oarlock add TITLE` adds another task".into(),
        Rejection::NothingReady { rest, .. } if !rest.dead_named.is_empty() => {
            format!("`oarlock requeue {}` brings a dead task back; `oarlock claim --wait 10m` waits for others", rest.dead_named[0])
        }
        Rejection::NothingReady { .. } => "try again later, or `oarlock claim --wait 10m`; `oarlock status` shows what is open".into(),
        Rejection::MessagesWaiting { .. } => {
            "act on them, answer with `oarlock send NAME --text T`, then `oarlock ack ID`, and claim again".into()
        }
        Rejection::TimedOut { facts, .. } if facts["unread"].as_u64() > Some(0) => {
            read_first(facts["unread"].as_u64().unwrap_or(0), "wait again")
        }
        Rejection::TimedOut { .. } => "wait longer, or check `oarlock status`".into(),
        Rejection::NotEnoughAgents { .. } => "wait until more agents have joined; `oarlock agents --all` shows who left".into(),
    }
}

/// The hint for an agent that has not read its messages.
fn read_first(unread: u64, then: &str) -> String {
    format!("read your {unread} new {} (`oarlock inbox`), then {then}", if unread == 1 { "message" } else { "messages" })
}
