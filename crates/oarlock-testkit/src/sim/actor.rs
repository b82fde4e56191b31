//! Simulated agents: what each of them believes, and what it asks next. They follow the guide, more or less: some renew too
//! late, some finish what they have lost, and none of them looks at the store except by asking.

use oarlock_model::ErrorCode;
use std::collections::BTreeMap;
use std::fmt;

use fastrand::Rng;
use oarlock_model::agent::{Host, Owner};
use oarlock_model::{AgentName, SessionId};
use oarlock_ops::OpError;
use serde_json::{Value, json};

/// The TTLs that agents ask for, in milliseconds: short, so that leases end often.
const TTLS_MS: [i64; 3] = [2_000, 5_000, 20_000];

/// One request on its way.
#[derive(Clone, Debug)]
pub(super) struct Letter {
    pub(super) agent: Option<String>,
    pub(super) verb: &'static str,
    pub(super) request: Value,
    pub(super) key: Option<String>,
    session: Option<String>,
}

impl Letter {
    /// Asked by nobody in particular.
    pub(super) fn anonymous(verb: &'static str, request: Value) -> Self {
        Self { agent: None, verb, request, key: None, session: None }
    }

    /// Asked by an agent.
    pub(super) fn of(agent: &str, session: Option<&str>, verb: &'static str, request: Value, key: Option<String>) -> Self {
        Self { agent: Some(agent.to_owned()), verb, request, key, session: session.map(str::to_owned) }
    }

    pub(super) fn name(&self) -> Option<AgentName> {
        self.agent.as_deref().and_then(|name| AgentName::parse(name).ok())
    }

    /// The session it speaks for.
    pub(super) fn session(&self) -> Option<SessionId> {
        self.session.as_deref().and_then(|session| SessionId::parse(session).ok())
    }

    pub(super) fn session_text(&self) -> Option<&str> {
        self.session.as_deref()
    }

    pub(super) fn process(&self) -> &str {
        self.agent.as_deref().unwrap_or("-")
    }

    /// The task that the request names.
    pub(super) fn task(&self) -> Option<&str> {
        self.request["id"].as_str()
    }

    pub(super) fn token(&self) -> Option<u64> {
        self.request["token"].as_u64()
    }
}

impl fmt::Display for Letter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} {}", self.session.as_deref().unwrap_or(self.process()), self.verb, self.request)?;
        self.key.iter().try_for_each(|key| write!(f, " key {key}"))
    }
}

/// A lease as its holder sees it.
#[derive(Clone, Copy, Debug)]
struct Held {
    token: u64,
    ttl_ms: i64,
    renewed_ms: i64,
}

/// One agent.
#[derive(Debug)]
pub(super) struct Actor {
    name: String,
    session: Option<String>,
    held: BTreeMap<String, Held>,
    /// The tasks that it lost or gave back and may still ask about.
    old: Vec<(String, u64)>,
    unacked: Vec<String>,
    /// Proposals that were open when it last asked.
    proposals: Vec<String>,
    paused_until_ms: i64,
    /// How its own clock goes: a lease that holds for this long seems to hold for more or less.
    drift_percent: i64,
    is_diligent: bool,
    keys: u64,
}

impl Actor {
    pub(super) fn new(name: &str, salt: u64) -> Self {
        Self {
            name: name.to_owned(),
            session: None,
            held: BTreeMap::new(),
            old: Vec::new(),
            unacked: Vec::new(),
            proposals: Vec::new(),
            paused_until_ms: 0,
            drift_percent: 50 + i64::try_from(salt % 150).unwrap_or(0),
            is_diligent: false,
            keys: salt,
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn is_here(&self) -> bool {
        self.session.is_some()
    }

    pub(super) fn holds_something(&self) -> bool {
        !self.held.is_empty()
    }

    /// It remembers nothing, as after a crash.
    pub(super) fn forget(&mut self) {
        self.session = None;
        self.held.clear();
        self.old.clear();
        self.unacked.clear();
        self.proposals.clear();
        self.paused_until_ms = 0;
    }

    /// From now on it works, renews in time, and finishes what it has.
    pub(super) fn be_diligent(&mut self) {
        self.is_diligent = true;
        self.paused_until_ms = 0;
        self.drift_percent = 100;
    }

    /// Stops for longer than its longest lease holds, if it has one; for how long.
    pub(super) fn pause(&mut self, rng: &mut Rng, now_ms: i64) -> Option<i64> {
        let longest_ms = self.held.values().map(|held| held.renewed_ms + held.ttl_ms - now_ms).max()?;
        let ms = longest_ms.max(0) + rng.i64(1..30_000);
        self.paused_until_ms = now_ms + ms;
        Some(ms)
    }

    /// A join as `work` and `mcp` make it: the session dies with the process.
    pub(super) fn start_letter(&mut self, take_over: bool) -> Letter {
        let owner = Owner::Lock { process: format!("played:1:{}:1", 2 + self.keys % 30_000), grace_ms: 0 };
        let request = json!({"name": self.name, "take_over": take_over, "owner": owner, "host": Host::default(), "timeout": "30s"});
        let key = Some(self.key());
        Letter { agent: Some(self.name.clone()), verb: "join", request, key, session: None }
    }

    fn key(&mut self) -> String {
        self.keys = self.keys.wrapping_add(1);
        format!("{}-{}", self.name, self.keys)
    }

    /// Its next call; none while it pauses.
    pub(super) fn next(&mut self, rng: &mut Rng, now_ms: i64) -> Option<Letter> {
        if now_ms < self.paused_until_ms {
            return None;
        }
        if self.session.is_none() {
            return Some(self.start_letter(rng.bool()));
        }
        if self.is_diligent {
            return Some(self.next_diligently());
        }
        if rng.u32(..10) == 0 {
            return Some(self.ballot(rng));
        }
        let late = self.held.iter().find(|(_, held)| now_ms - held.renewed_ms > held.ttl_ms * self.drift_percent / 200);
        let one_late = late.map(|(task, held)| (task.clone(), *held));
        let any = rng.choice(self.held.iter()).map(|(task, held)| (task.clone(), *held));
        Some(match (rng.u32(..100), any) {
            (0..20, _) if one_late.is_some() => self.renew(rng, one_late),
            (0..30, None) | (0..12, Some(_)) => self.claim(rng),
            (12..40, Some((task, held))) => self.finish(rng, &task, held.token),
            (40..46, Some((task, held))) => self.order("fail", json!({"id": task, "token": held.token, "reason": "broken"})),
            (46..50, Some((task, held))) => self.order("release", json!({"id": task, "token": held.token})),
            (50..60, any) => self.renew(rng, any),
            (60..72, _) => self.order("heartbeat", json!({})),
            (72..77, _) => self.set_state(rng),
            (77..81, _) => self.send(rng),
            (81..86, _) => self.order("inbox", json!({"all": false})),
            (86..90, _) if !self.unacked.is_empty() => {
                let id = self.unacked.remove(rng.usize(..self.unacked.len()));
                self.order("ack", json!({"ids": [id]}))
            }
            (90..93, _) => self.reserve(rng),
            (93..94, _) => self.order("unreserve", json!({})),
            (94..97, _) if !self.old.is_empty() => {
                let (task, token) = self.old[rng.usize(..self.old.len())].clone();
                self.finish(rng, &task, token)
            }
            (97, _) => self.order("leave", json!({})),
            _ => self.claim(rng),
        })
    }

    fn next_diligently(&mut self) -> Letter {
        match self.held.iter().next().map(|(task, held)| (task.clone(), held.token)) {
            Some((task, token)) => self.order("done", json!({"id": task, "token": token, "result": "well"})),
            None => self.order("claim", json!({})),
        }
    }

    fn order(&mut self, verb: &'static str, request: Value) -> Letter {
        let key = Some(self.key());
        Letter { agent: Some(self.name.clone()), verb, request, key, session: self.session.clone() }
    }

    fn claim(&mut self, rng: &mut Rng) -> Letter {
        let ttl = format!("{}s", TTLS_MS[rng.usize(..TTLS_MS.len())] / 1_000);
        let request = match rng.u32(..6) {
            0 => json!({"ttl": ttl, "count": 2}),
            1 => json!({"ttl": ttl, "reserve": true}),
            2 => json!({"ttl": ttl, "id": format!("T-{}", rng.u32(1..12))}),
            _ => json!({"ttl": ttl}),
        };
        self.order("claim", request)
    }

    /// A question changes nothing, and has no key.
    fn ask(&self, verb: &'static str, request: Value) -> Letter {
        Letter::of(&self.name, self.session.as_deref(), verb, request, None)
    }

    /// Asks a question, votes on one that is open, or learns which are.
    fn ballot(&mut self, rng: &mut Rng) -> Letter {
        let Some(id) = rng.choice(self.proposals.iter()).cloned() else {
            return if rng.bool() { self.ask("status", json!({})) } else { self.propose(rng) };
        };
        let option = ["a", "b"][rng.usize(..2)];
        match rng.u32(..10) {
            0 => self.propose(rng),
            1 | 2 => self.ask("status", json!({})),
            3 => self.ask("decision", json!({"id": id})),
            _ => self.order("vote", json!({"id": id, "option": option})),
        }
    }

    fn propose(&mut self, rng: &mut Rng) -> Letter {
        let quorum = [json!("majority"), json!("all"), json!(2), json!(9)][rng.usize(..4)].clone();
        // All of them end, so that there is room for others.
        let deadline = ["2s", "20s", "60s"][rng.usize(..3)];
        self.order("propose", json!({"question": "which?", "options": ["a", "b"], "quorum": quorum, "deadline": deadline}))
    }

    fn renew(&mut self, rng: &mut Rng, what: Option<(String, Held)>) -> Letter {
        match what {
            Some((task, held)) if rng.u32(..4) > 0 => self.order("renew", json!({"id": task, "token": held.token})),
            Some((task, _)) => self.order("renew", json!({"id": task, "ttl": "2s"})),
            None => self.order("heartbeat", json!({})),
        }
    }

    fn finish(&mut self, rng: &mut Rng, task: &str, token: u64) -> Letter {
        let result = ["well", "badly"][rng.usize(..2)];
        match rng.u32(..5) {
            0 => self.order("done", json!({"id": task, "result": result})),
            _ => self.order("done", json!({"id": task, "token": token, "result": result})),
        }
    }

    fn set_state(&mut self, rng: &mut Rng) -> Letter {
        let key = ["build", "plan"][rng.usize(..2)];
        let version = rng.u32(..6);
        match rng.u32(..5) {
            0 => self.order("state-delete", json!({"key": key})),
            1 => self.order("state-set", json!({"key": key, "value": {"n": rng.u32(..9)}, "replace": true})),
            _ => self.order("state-set", json!({"key": key, "value": {"n": rng.u32(..9)}, "replace": true, "if_version": version})),
        }
    }

    fn send(&mut self, rng: &mut Rng) -> Letter {
        let to = ["ada", "bob", "cy", "dan", "eve"][rng.usize(..5)];
        self.order("send", json!({"to": [to], "text": format!("n{}", self.keys)}))
    }

    fn reserve(&mut self, rng: &mut Rng) -> Letter {
        let glob = ["src/**", "src/1.rs", "src/2.rs", "docs/**"][rng.usize(..4)];
        self.order("reserve", json!({"globs": [glob], "ttl": "5s", "shared": rng.u32(..4) == 0}))
    }

    /// Learns from a reply.
    pub(super) fn hear(&mut self, letter: &Letter, reply: &Result<Value, OpError>, now_ms: i64) {
        match reply {
            Ok(reply) => self.learn(letter, reply, now_ms),
            Err(error) => match error.code() {
                // It learns that it is not who it was.
                ErrorCode::StaleSession => self.forget(),
                ErrorCode::LeaseLost | ErrorCode::StaleToken => {
                    let lost = letter.task().and_then(|task| self.held.remove_entry(task));
                    self.old.extend(lost.map(|(task, held)| (task, held.token)));
                }
                ErrorCode::NotFound if letter.verb != "send" && letter.verb != "claim" && letter.verb != "ack" && letter.verb != "vote" => {
                    self.forget()
                }
                ErrorCode::StateConflict => drop(letter.task().and_then(|task| self.held.remove(task))),
                _ => {}
            },
        }
        self.old.truncate(8);
    }

    fn learn(&mut self, letter: &Letter, reply: &Value, now_ms: i64) {
        match letter.verb {
            "join" => {
                self.forget();
                self.session = reply["session"].as_str().map(str::to_owned);
            }
            "claim" => {
                for claim in claims_of(reply) {
                    let held = Held {
                        token: claim["lease"]["token"].as_u64().unwrap_or(0),
                        ttl_ms: claim["lease"]["ttl_ms"].as_i64().unwrap_or(0),
                        renewed_ms: now_ms,
                    };
                    self.held.extend(claim["lease"]["task"].as_str().map(|task| (task.to_owned(), held)));
                }
            }
            "renew" => {
                if let Some(held) = letter.task().and_then(|task| self.held.get_mut(task)) {
                    (held.renewed_ms, held.ttl_ms) = (now_ms, reply["lease"]["ttl_ms"].as_i64().unwrap_or(held.ttl_ms));
                }
            }
            "heartbeat" => {
                self.held.values_mut().for_each(|held| held.renewed_ms = now_ms);
                for id in ["lost", "cancelled"].iter().flat_map(|field| reply[*field].as_array().into_iter().flatten()) {
                    let lost = id.as_str().and_then(|id| self.held.remove_entry(id));
                    // Half of them do not believe it at once.
                    self.old.extend(lost.map(|(task, held)| (task, held.token)));
                }
            }
            "done" | "fail" | "release" => {
                let gone = letter.task().and_then(|task| self.held.remove_entry(task));
                self.old.extend(gone.map(|(task, held)| (task, held.token)));
            }
            "inbox" => {
                self.unacked =
                    reply["messages"].as_array().into_iter().flatten().filter_map(|m| m["id"].as_str().map(str::to_owned)).collect();
            }
            "propose" => self.proposals.extend(reply["proposal"]["id"].as_str().map(str::to_owned)),
            "status" => {
                let open = reply["proposals"].as_array().into_iter().flatten();
                self.proposals = open.filter_map(|proposal| proposal["id"].as_str().map(str::to_owned)).collect();
            }
            "leave" => self.forget(),
            _ => {}
        }
    }
}

/// The claims in a reply to `claim`.
pub(super) fn claims_of(reply: &Value) -> Vec<&Value> {
    match reply["claims"].as_array() {
        Some(claims) => claims.iter().collect(),
        None => vec![reply],
    }
}
