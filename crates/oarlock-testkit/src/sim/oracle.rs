//! The oracle of a simulation: it hears requests and replies, knows the contract, and knows nothing of any store. It keeps
//! time by the simulator's clock and gives every doubt to the store: a lease may have ended once the latest moment at which it
//! was renewed for certain is a TTL away, and must have ended once the last possible one is.

use oarlock_model::ErrorCode;
use std::collections::{BTreeMap, BTreeSet};

use fastrand::Rng;
use oarlock_ops::OpError;
use serde_json::Value;

use super::actor::{Letter, claims_of};
use super::ballots::Ballots;
use super::{Fault, Judged};

/// A grant as the replies report it.
#[derive(Clone, Debug)]
struct Grant {
    token: u64,
    session: String,
    ttl_ms: i64,
    /// It holds at least until then, and at most until then.
    ends_ms: (i64, i64),
    /// Finished, given back, or its session is over.
    is_over: bool,
}

/// A reservation as the replies report it.
#[derive(Clone, Debug)]
struct Reserved {
    session: String,
    pattern: String,
    exclusive: bool,
    holds_until_ms: i64,
    /// It ends with the grant of this task.
    task: Option<String>,
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Oracle {
    pub(super) faults: BTreeMap<Fault, usize>,
    pub(super) judged: BTreeMap<u8, usize>,
    grants: BTreeMap<String, Grant>,
    token_max: u64,
    /// The living session of each name.
    sessions: BTreeMap<String, String>,
    ended: BTreeSet<String>,
    /// Token, result and reply of a done task.
    done: BTreeMap<String, (u64, Value, Value)>,
    /// How many leases of a task may be lost before it is dead, and how many were.
    tasks: BTreeMap<String, (u64, u64)>,
    /// The use of each key, and its outcome.
    kept: BTreeMap<(String, &'static str, String), Value>,
    /// Tasks that were taken from a living session, which does not know yet.
    untold: BTreeMap<String, BTreeSet<String>>,
    /// Version, and value unless it is deleted.
    entries: BTreeMap<String, (u64, Option<Value>)>,
    inboxes: BTreeMap<String, Vec<String>>,
    reserved: Vec<Reserved>,
    ballots: Ballots,
}

impl Oracle {
    pub(super) fn note(&mut self, fault: Fault) {
        *self.faults.entry(fault).or_default() += 1;
    }

    pub(super) fn times(&self, fault: Fault) -> usize {
        self.faults.get(&fault).copied().unwrap_or(0)
    }

    pub(super) fn judged(&mut self, semantics: u8) {
        *self.judged.entry(semantics).or_default() += 1;
    }

    pub(super) fn some_task(&self, rng: &mut Rng) -> Option<String> {
        rng.choice(self.tasks.keys()).cloned()
    }

    /// The process of this name is dead.
    pub(super) fn died(&mut self, name: &str) {
        self.judged(8);
        if let Some(session) = self.sessions.remove(name) {
            self.lose_all(&session);
            self.end(&session);
        }
    }

    /// The machine started again.
    pub(super) fn rebooted(&mut self) {
        for session in std::mem::take(&mut self.sessions).into_values() {
            self.lose_all(&session);
            self.end(&session);
        }
    }

    /// Semantics 11: a death counts as a lost lease of each task that was held; being taken over or leaving does not.
    fn lose_all(&mut self, session: &str) {
        let lost = self.grants.iter().filter(|(_, grant)| grant.session == session && !grant.is_over).map(|(task, _)| task.clone());
        for task in lost.collect::<Vec<_>>() {
            self.lose(&task);
        }
    }

    fn lose(&mut self, task: &str) {
        self.judged(11);
        if let Some((_, losses)) = self.tasks.get_mut(task) {
            *losses += 1;
        }
    }

    /// Whether the next grant of a task whose lease has ended would be one too many.
    fn is_spent(&self, task: &str) -> bool {
        self.tasks.get(task).is_none_or(|(most, losses)| losses + 1 >= *most)
    }

    fn end(&mut self, session: &str) {
        self.grants.values_mut().filter(|grant| grant.session == session).for_each(|grant| grant.is_over = true);
        self.reserved.retain(|reserved| reserved.session != session);
        self.untold.remove(session);
        self.ended.insert(session.to_owned());
    }

    /// Hears what came of a request that was made and answered between these moments.
    pub(super) fn hear(&mut self, letter: &Letter, outcome: &Result<Value, OpError>, begun_ms: i64, ended_ms: i64) -> Judged {
        if let Some(same) = self.repeated(letter, outcome) {
            return same;
        }
        self.session_may_act(letter, outcome)?;
        let at = (begun_ms, ended_ms);
        match outcome {
            Ok(reply) => self.granted(letter, reply, at),
            Err(error) => {
                self.ballots.refused(letter, error.code(), ended_ms)?;
                self.refused(letter, error.code(), at)
            }
        }
    }

    /// Semantics 18: the same call with a key that was answered gets the same answer, and nothing happens.
    fn repeated(&mut self, letter: &Letter, outcome: &Result<Value, OpError>) -> Option<Judged> {
        let key = (letter.agent.clone()?, letter.verb, letter.key.clone()?);
        let Some(kept) = self.kept.get(&key) else {
            if let Ok(reply) = outcome {
                self.kept.insert(key, reply.clone());
            }
            return None;
        };
        let is_same = outcome.as_ref().is_ok_and(|reply| reply == kept);
        let told = kept.to_string();
        self.judged(18);
        Some(if is_same { Ok(()) } else { Err(format!("(18) {letter} was answered {told} before")) })
    }

    /// Semantics 7: what speaks for a session that is over is refused, and nothing else is for that reason.
    fn session_may_act(&mut self, letter: &Letter, outcome: &Result<Value, OpError>) -> Judged {
        let Some(session) = letter.session_text() else { return Ok(()) };
        let is_over = self.ended.contains(session);
        let is_refused = outcome.as_ref().is_err_and(|error| error.code() == ErrorCode::StaleSession);
        self.judged(7);
        match (is_over, is_refused) {
            (true, false) if outcome.is_ok() => Err(format!("(7) session {session} is over and was not refused")),
            (false, true) => Err(format!("(7) session {session} lives and was refused")),
            _ => Ok(()),
        }
    }

    fn granted(&mut self, letter: &Letter, reply: &Value, at: (i64, i64)) -> Judged {
        match letter.verb {
            "add" => {
                let most = letter.request["max_attempts"].as_u64().unwrap_or(3);
                self.tasks.extend(reply["task"]["id"].as_str().map(|id| (id.to_owned(), (most, 0))));
            }
            "join" => self.joined(letter, reply),
            "claim" => {
                let claims = claims_of(reply);
                claims.iter().try_for_each(|claim| self.claimed(letter, claim, at))?;
                let given: Vec<&str> = claims.iter().filter_map(|claim| claim["lease"]["task"].as_str()).collect();
                self.heard(letter, reply, &given)?;
            }
            "renew" => self.renewed(letter, reply, at)?,
            "heartbeat" => self.beaten(letter, reply, at)?,
            "done" => self.finished(letter, reply)?,
            "fail" | "release" => {
                self.is_own(letter)?;
                self.give_up(letter.task().unwrap_or_default());
            }
            "leave" => {
                if let Some(session) = letter.agent.as_ref().and_then(|name| self.sessions.remove(name)) {
                    self.end(&session);
                }
            }
            "cancel" => {
                self.give_up(letter.task().unwrap_or_default());
            }
            "requeue" => {
                let task = letter.task().unwrap_or_default();
                // It was dead or cancelled: anyone who had it last has lost it.
                self.give_up(task);
                if let Some((_, losses)) = self.tasks.get_mut(task) {
                    *losses = 0;
                }
            }
            "state-set" | "state-delete" => self.entry_written(letter, reply)?,
            "propose" | "vote" | "decision" => {
                self.judged(21);
                self.ballots.hear(letter, reply, at)?;
            }
            "send" => self.sent(reply),
            "inbox" => self.shown(letter, reply)?,
            "ack" => self.acked(letter),
            "reserve" => self.reserve(letter, reply, at)?,
            "unreserve" => self.reserved.retain(|reserved| Some(reserved.session.as_str()) != letter.session_text()),
            _ => {}
        }
        Ok(())
    }

    fn joined(&mut self, letter: &Letter, reply: &Value) {
        let (Some(name), Some(session)) = (letter.agent.clone(), reply["session"].as_str()) else { return };
        if let Some(before) = self.sessions.insert(name, session.to_owned()).filter(|before| before != session) {
            self.end(&before);
        }
    }

    /// Semantics 1, 2, 4: one holder, rising tokens, nothing taken away before its time.
    fn claimed(&mut self, letter: &Letter, claim: &Value, (begun_ms, ended_ms): (i64, i64)) -> Judged {
        let (Some(task), Some(token), Some(ttl_ms)) =
            (claim["lease"]["task"].as_str(), claim["lease"]["token"].as_u64(), claim["lease"]["ttl_ms"].as_i64())
        else {
            return Err(format!("(13) a claim without a lease: {claim}"));
        };
        let session = letter.session_text().unwrap_or_default().to_owned();
        self.judged(2);
        if token <= self.token_max {
            return Err(format!("(2) token {token} comes after {}", self.token_max));
        }
        self.token_max = token;
        if self.done.contains_key(task) {
            return Err(format!("(10) task {task} is done and was granted again"));
        }
        self.judged(1);
        if let Some(before) = self.grants.get(task).filter(|before| !before.is_over) {
            let early_ms = before.ends_ms.0 - ended_ms;
            if early_ms > 0 {
                return Err(format!("(1) task {task} was granted to {session} {early_ms} ms before the lease of {} ends", before.session));
            }
            if before.session != session {
                let loser = before.session.clone();
                self.untold.entry(loser).or_default().insert(task.to_owned());
            }
            self.note(Fault::Steal);
            self.judged(4);
            self.lose(task);
            // Semantics 11: after the last attempt there is no other.
            if self.tasks.get(task).is_some_and(|(most, losses)| losses >= most) {
                return Err(format!("(11) task {task} was granted again after {:?} lost leases", self.tasks.get(task)));
            }
        }
        self.give_up(task);
        let ends_ms = (begun_ms + ttl_ms, ended_ms + ttl_ms);
        self.grants.insert(task.to_owned(), Grant { token, session: session.clone(), ttl_ms, ends_ms, is_over: false });
        for reservation in claim["reservations"].as_array().into_iter().flatten() {
            self.judged(13);
            self.hold(&session, reservation, ends_ms.0, Some(task.to_owned()), ended_ms)?;
        }
        Ok(())
    }

    fn give_up(&mut self, task: &str) {
        if let Some(grant) = self.grants.get_mut(task) {
            grant.is_over = true;
        }
        self.reserved.retain(|reserved| reserved.task.as_deref() != Some(task));
    }

    /// Semantics 3: only the last grant, held by this session and not over, has effects.
    fn is_own(&mut self, letter: &Letter) -> Judged {
        self.judged(3);
        let task = letter.task().unwrap_or_default();
        if self.holds(letter) { Ok(()) } else { Err(format!("(3) {letter} was accepted; the last grant is {:?}", self.grants.get(task))) }
    }

    fn holds(&self, letter: &Letter) -> bool {
        let grant = letter.task().and_then(|task| self.grants.get(task)).filter(|grant| !grant.is_over);
        grant.is_some_and(|grant| {
            Some(grant.session.as_str()) == letter.session_text() && letter.token().is_none_or(|token| token == grant.token)
        })
    }

    fn renewed(&mut self, letter: &Letter, reply: &Value, (begun_ms, ended_ms): (i64, i64)) -> Judged {
        self.is_own(letter)?;
        if let Some(grant) = letter.task().and_then(|task| self.grants.get_mut(task)) {
            grant.ttl_ms = reply["lease"]["ttl_ms"].as_i64().unwrap_or(grant.ttl_ms);
            grant.ends_ms = (begun_ms + grant.ttl_ms, (ended_ms + grant.ttl_ms).max(grant.ends_ms.1));
            // What came with the claim ends with the lease, which may be shorter now.
            let ends_ms = grant.ends_ms.0;
            for reserved in self.reserved.iter_mut().filter(|reserved| reserved.task.as_deref() == letter.task()) {
                reserved.holds_until_ms = ends_ms;
            }
        }
        self.heard(letter, reply, &[])
    }

    /// Semantics 9: one heartbeat renews all leases, and shows lost tasks.
    fn beaten(&mut self, letter: &Letter, reply: &Value, (begun_ms, ended_ms): (i64, i64)) -> Judged {
        let session = letter.session_text().unwrap_or_default();
        let held: BTreeSet<&str> = reply["agent"]["claims"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let own = self.grants.iter().filter(|(_, grant)| grant.session == session && !grant.is_over).map(|(task, _)| task.clone());
        for task in own.collect::<Vec<_>>() {
            if held.contains(task.as_str()) {
                self.grants.entry(task).and_modify(|grant| grant.ends_ms = (begun_ms + grant.ttl_ms, ended_ms + grant.ttl_ms));
            } else if self.is_spent(&task) {
                self.give_up(&task);
            } else {
                return Err(format!("(9) {session} holds {task}, and its heartbeat does not say so"));
            }
        }
        self.judged(9);
        self.heard(letter, reply, &[])
    }

    /// Semantics 9: heartbeats, renewals, claims and ends say what the session has lost, each loss once. What the reply itself gives or ends
    /// (`about`) was not lost for good and need not be said.
    fn heard(&mut self, letter: &Letter, reply: &Value, about: &[&str]) -> Judged {
        let session = letter.session_text().unwrap_or_default();
        let told: BTreeSet<&str> = reply["lost"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let untold = self.untold.remove(session).unwrap_or_default();
        match untold.iter().find(|task| !told.contains(task.as_str()) && !about.contains(&task.as_str())) {
            Some(task) => Err(format!("(9) {session} lost {task}, and the reply to its {} does not say so", letter.verb)),
            None => Ok(()),
        }
    }

    /// Semantics 10: once, by the holder; again only with the same answer.
    fn finished(&mut self, letter: &Letter, reply: &Value) -> Judged {
        let task = letter.task().unwrap_or_default().to_owned();
        let result = letter.request["result"].clone();
        self.judged(10);
        if let Some((token, before, told)) = self.done.get(&task) {
            let is_same =
                *before == result && letter.token().is_none_or(|given| given == *token) && told["task"]["state"] == reply["task"]["state"];
            return if is_same { Ok(()) } else { Err(format!("(10) {letter}: it is done already with {before} by token {token}")) };
        }
        self.is_own(letter)?;
        let token = self.grants.get(&task).map_or(0, |grant| grant.token);
        self.give_up(&task);
        self.done.insert(task.clone(), (token, result, reply.clone()));
        self.heard(letter, reply, &[&task])
    }

    fn refused(&mut self, letter: &Letter, code: ErrorCode, (begun_ms, ended_ms): (i64, i64)) -> Judged {
        match (letter.verb, code) {
            ("done" | "fail" | "release" | "renew", ErrorCode::LeaseLost | ErrorCode::StaleToken | ErrorCode::LeaseHeld) => {
                self.judged(3);
                // Semantics 4: an end of the time makes stealable, not void.
                if !self.holds(letter) {
                    return Ok(());
                }
                // Anyone who asked for a task whose last lease had ended made it dead.
                let task = letter.task().unwrap_or_default();
                let is_dead = self.is_spent(task) && self.grants.get(task).is_some_and(|grant| grant.ends_ms.0 <= ended_ms);
                self.give_up(task);
                if is_dead { Ok(()) } else { Err(format!("(4) {letter} was refused ({code}), though nobody has it since")) }
            }
            // Semantics 13 and 12: what has ended can be had.
            ("claim", ErrorCode::NothingReady) if letter.request["reserve"] != true => {
                self.judged(13);
                let free = self.grants.iter().find(|(task, grant)| !grant.is_over && grant.ends_ms.1 < begun_ms && !self.is_spent(task));
                free.map_or(Ok(()), |(task, _)| Err(format!("(13) nothing is ready, but the lease on {task} has ended")))
            }
            ("state-set" | "state-delete", ErrorCode::VersionConflict) => {
                self.judged(15);
                let fits = self.version_fits(letter);
                if fits { Err(format!("(15) {letter} was refused, though its version is that of the entry")) } else { Ok(()) }
            }
            (_, ErrorCode::Internal | ErrorCode::DataDamaged | ErrorCode::StoreUnavailable | ErrorCode::Usage) => {
                Err(format!("{letter} ends with {code} at {ended_ms} ms"))
            }
            _ => Ok(()),
        }
    }

    /// Checks the ready queue: every lease whose time is over for certain is in it (semantics 4 and 12).
    pub(super) fn offered(&mut self, ready: &Result<Value, OpError>, now_ms: i64) -> Judged {
        let ready = ready.as_ref().map_err(|error| format!("(12) the queue cannot be read: {error}"))?;
        let ids: BTreeSet<&str> = ready["tasks"].as_array().into_iter().flatten().filter_map(|task| task["id"].as_str()).collect();
        self.judged(12);
        let lives_for_ever = self
            .grants
            .iter()
            .find(|(task, grant)| !grant.is_over && grant.ends_ms.1 < now_ms && !self.is_spent(task) && !ids.contains(task.as_str()));
        if let Some((task, grant)) = lives_for_ever {
            return Err(format!(
                "(12) the lease of {} on {task} ended {} ms ago, and nobody can have it",
                grant.session,
                now_ms - grant.ends_ms.1
            ));
        }
        let too_early = self.grants.iter().find(|(task, grant)| !grant.is_over && grant.ends_ms.0 > now_ms && ids.contains(task.as_str()));
        too_early.map_or(Ok(()), |(task, grant)| Err(format!("(5) {task} is offered {} ms too early", grant.ends_ms.0 - now_ms)))
    }

    fn version_fits(&self, letter: &Letter) -> bool {
        let Some(wanted) = letter.request["if_version"].as_u64() else { return true };
        match self.entries.get(letter.request["key"].as_str().unwrap_or_default()) {
            Some((version, Some(_))) => *version == wanted,
            _ => wanted == 0,
        }
    }

    /// Semantics 15: versions rise, over deletions too, and a condition that does not hold is refused.
    fn entry_written(&mut self, letter: &Letter, reply: &Value) -> Judged {
        self.judged(15);
        if !self.version_fits(letter) {
            return Err(format!(
                "(15) {letter} was accepted; the entry is {:?}",
                self.entries.get(letter.request["key"].as_str().unwrap_or_default())
            ));
        }
        let key = letter.request["key"].as_str().unwrap_or_default().to_owned();
        let version = reply["state"]["version"].as_u64().unwrap_or(0);
        let before = self.entries.get(&key).map_or(0, |(version, _)| *version);
        if version <= before {
            return Err(format!("(15) version {version} of {key} comes after {before}"));
        }
        let value = (letter.verb == "state-set").then(|| letter.request["value"].clone());
        self.entries.insert(key, (version, value));
        Ok(())
    }

    fn sent(&mut self, reply: &Value) {
        for message in reply["messages"].as_array().into_iter().flatten() {
            for to in message["to"].as_array().into_iter().flatten().filter_map(Value::as_str) {
                self.inboxes.entry(to.to_owned()).or_default().extend(message["id"].as_str().map(str::to_owned));
            }
        }
    }

    /// Semantics 16: everything that is not acknowledged, in order.
    fn shown(&mut self, letter: &Letter, reply: &Value) -> Judged {
        self.judged(16);
        let shown: Vec<&str> = reply["messages"].as_array().into_iter().flatten().filter_map(|message| message["id"].as_str()).collect();
        let kept = letter.agent.as_ref().and_then(|name| self.inboxes.get(name));
        let kept: Vec<&str> = kept.into_iter().flatten().map(String::as_str).collect();
        if shown == kept { Ok(()) } else { Err(format!("(16) the inbox shows {shown:?}, not {kept:?}")) }
    }

    fn acked(&mut self, letter: &Letter) {
        let ids: Vec<&str> = letter.request["ids"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        if let Some(inbox) = letter.agent.as_ref().and_then(|name| self.inboxes.get_mut(name)) {
            inbox.retain(|id| !ids.contains(&id.as_str()));
        }
    }

    fn reserve(&mut self, letter: &Letter, reply: &Value, (begun_ms, ended_ms): (i64, i64)) -> Judged {
        let session = letter.session_text().unwrap_or_default().to_owned();
        for reservation in reply["reservations"].as_array().into_iter().flatten() {
            let ttl_ms = reservation["ttl_ms"].as_i64().unwrap_or(0).min(5_000);
            self.hold(&session, reservation, begun_ms + ttl_ms, None, ended_ms)?;
        }
        Ok(())
    }

    /// Semantics 14: no path is held exclusively by one and at all by another.
    fn hold(&mut self, session: &str, reservation: &Value, holds_until_ms: i64, task: Option<String>, now_ms: i64) -> Judged {
        let (Some(pattern), exclusive) = (reservation["pattern"].as_str(), reservation["mode"] != "shared") else { return Ok(()) };
        self.judged(14);
        let other = self.reserved.iter().find(|other| {
            other.session != session && other.holds_until_ms > now_ms && (exclusive || other.exclusive) && meet(&other.pattern, pattern)
        });
        if let Some(other) = other {
            return Err(format!("(14) {pattern} was reserved for {session} while {} holds {}", other.session, other.pattern));
        }
        // What had ended before is gone for good now, even if the lease it came with is renewed after all.
        self.reserved.retain(|other| other.session == session || !meet(&other.pattern, pattern) || other.holds_until_ms > now_ms);
        self.reserved.push(Reserved { session: session.to_owned(), pattern: pattern.to_owned(), exclusive, holds_until_ms, task });
        Ok(())
    }
}

/// Whether two of the simulator's patterns share a path; it knows no others.
fn meet(a: &str, b: &str) -> bool {
    let below = |all: &str, one: &str| all.strip_suffix("/**").is_some_and(|dir| one.starts_with(&format!("{dir}/")));
    a == b || below(a, b) || below(b, a)
}
