//! Agents in a simulation with a list beside the store: they take and end tasks, and each of their calls may be killed. Some sessions die with
//! the process that makes the call; others live on and ask again.

use std::collections::BTreeMap;

use fastrand::Rng;
use oarlock_model::agent::{Host, Owner};
use serde_json::{Value, json};

use super::actor::{Letter, claims_of};

/// How long the leases hold that agents ask for, in seconds.
const TTLS_S: [u32; 3] = [5, 20, 120];

/// One agent.
#[derive(Debug)]
pub(super) struct Worker {
    pub(super) name: String,
    pub(super) session: Option<String>,
    /// The session dies with the process that makes the calls.
    pub(super) is_mortal: bool,
    /// Its claim, with the token if it got one.
    held: BTreeMap<String, Option<u64>>,
    /// The killed call, which may be made again.
    again: Option<Letter>,
    is_diligent: bool,
    keys: u64,
}

impl Worker {
    pub(super) fn new(name: &str) -> Self {
        let held = BTreeMap::new();
        Self { name: name.to_owned(), session: None, is_mortal: false, held, again: None, is_diligent: false, keys: 0 }
    }

    /// It remembers nothing, as after a crash.
    pub(super) fn forget(&mut self) {
        self.session = None;
        self.held.clear();
        self.again = None;
    }

    /// From now on it only works.
    pub(super) fn be_diligent(&mut self) {
        self.is_diligent = true;
        self.again = None;
    }

    /// Its call was killed, and it lives on.
    pub(super) fn heard_nothing(&mut self, letter: Letter) {
        self.again = Some(letter);
    }

    /// Its next call.
    pub(super) fn next(&mut self, rng: &mut Rng, tasks: usize) -> Letter {
        if self.session.is_none() {
            return self.join(rng);
        }
        if let Some(letter) = self.again.take().filter(|_| rng.bool()) {
            return letter;
        }
        let any = rng.choice(self.held.iter()).map(|(task, token)| (task.clone(), *token));
        let Some((task, token)) = any else {
            return if self.is_diligent || rng.u32(..10) > 0 { self.claim(rng, tasks) } else { self.order("heartbeat", json!({})) };
        };
        let named = |mut request: Value| {
            request["id"] = json!(task);
            if let Some(token) = token {
                request["token"] = json!(token);
            }
            request
        };
        if self.is_diligent {
            return self.order("done", named(json!({"result": "well"})));
        }
        match rng.u32(..100) {
            0..35 => self.order("done", named(json!({"result": "well"}))),
            35..45 => self.order("done", named(json!({"result": "well", "claim": true}))),
            45..53 => self.order("release", named(json!({}))),
            53..59 => self.order("fail", named(json!({"reason": "broken"}))),
            59..75 => self.order("heartbeat", json!({})),
            75..78 => self.order("leave", json!({})),
            78..80 => self.join(rng),
            _ => self.claim(rng, tasks),
        }
    }

    fn join(&mut self, rng: &mut Rng) -> Letter {
        self.is_mortal = rng.bool();
        let process = format!("played:1:{}:1", 2 + self.keys % 30_000);
        let owner = if self.is_mortal { Owner::Lock { process, grace_ms: 0 } } else { Owner::None };
        let request = json!({"name": self.name, "take_over": true, "owner": owner, "host": Host::default(), "timeout": "30s"});
        let key = Some(self.key());
        Letter::of(&self.name, None, "join", request, key)
    }

    fn claim(&mut self, rng: &mut Rng, tasks: usize) -> Letter {
        let ttl = format!("{}s", TTLS_S[rng.usize(..TTLS_S.len())]);
        let request = match rng.u32(..8) {
            _ if self.is_diligent => json!({"ttl": ttl}),
            0..4 => json!({"ttl": ttl, "count": 2}),
            4 => json!({"ttl": ttl, "id": format!("T-{}", rng.usize(1..=tasks))}),
            _ => json!({"ttl": ttl}),
        };
        self.order("claim", request)
    }

    fn order(&mut self, verb: &'static str, request: Value) -> Letter {
        let key = Some(self.key());
        Letter::of(&self.name, self.session.as_deref(), verb, request, key)
    }

    fn key(&mut self) -> String {
        self.keys += 1;
        format!("{}-{}", self.name, self.keys)
    }

    /// It has these, and no others.
    pub(super) fn has_only(&mut self, tasks: &[String]) {
        self.held.retain(|task, _| tasks.contains(task));
        for task in tasks {
            self.held.entry(task.clone()).or_default();
        }
    }

    pub(super) fn has(&mut self, task: &str, token: u64) {
        self.held.insert(task.to_owned(), Some(token));
    }

    pub(super) fn has_no_more(&mut self, task: &str) {
        self.held.remove(task);
    }
}

/// The leases that a reply gives: task, token, and how long it holds.
pub(super) fn leases_of(reply: &Value) -> Vec<(String, u64, i64)> {
    let reply = if reply["claimed"].is_object() { &reply["claimed"] } else { reply };
    let lease = |claim: &&Value| {
        let lease = &claim["lease"];
        Some((lease["task"].as_str()?.to_owned(), lease["token"].as_u64()?, lease["ttl_ms"].as_i64()?))
    };
    claims_of(reply).iter().filter_map(lease).collect()
}
