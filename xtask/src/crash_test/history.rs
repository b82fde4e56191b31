//! The replies to the processes of the crash test, as histories of single tasks and entries, and the check of them.

use std::collections::BTreeMap;

use oarlock_testkit::linear::entry::{EntryCall, EntryObject};
use oarlock_testkit::linear::task::{TaskCall, TaskObject};
use oarlock_testkit::linear::{self, Timed};
use serde_json::Value;

use super::shared::TTL_MS;
use crate::output::Outcome;

/// Store time is reported in whole milliseconds, so a lease may end that much earlier.
const ROUNDING_NS: u64 = 2_000_000;

/// All that was said so far.
#[derive(Default)]
pub(super) struct History {
    tasks: BTreeMap<String, Vec<Timed<TaskCall>>>,
    entries: BTreeMap<String, Vec<Timed<EntryCall>>>,
    next: u32,
    /// Calls, those without an answer, and refusals.
    pub(super) calls: u64,
    pub(super) unknown: u64,
    pub(super) refused: u64,
    /// Refusals to those who held a task and lost it.
    pub(super) stale: u64,
}

/// A call that one process made.
struct Asked {
    at: u64,
    verb: String,
    request: Value,
    told: Option<(u64, Value)>,
}

impl History {
    /// Takes what one process said in its life.
    ///
    /// # Errors
    /// A line that is none, or a call that failed otherwise than by a refusal.
    pub(super) fn add(&mut self, lines: &[String]) -> Outcome<()> {
        let mut asked: BTreeMap<u32, Asked> = BTreeMap::new();
        let mut last_ns = 0;
        for line in lines {
            let [what, n, at, rest] = line.splitn(4, ' ').collect::<Vec<_>>()[..] else { return Err(format!("not a line: {line}").into()) };
            let (n, at): (u32, u64) = (n.parse()?, at.parse()?);
            last_ns = at;
            match what {
                "ask" => {
                    let (verb, request) = rest.split_once(' ').ok_or("a call without a request")?;
                    asked.insert(n, Asked { at, verb: verb.to_owned(), request: serde_json::from_str(request)?, told: None });
                }
                "told" => asked.get_mut(&n).ok_or("an answer without a call")?.told = Some((at, serde_json::from_str(rest)?)),
                _ => return Err(format!("a call failed: {line}").into()),
            }
        }
        let (mut grants, mut own) = (BTreeMap::new(), Vec::new());
        for call in asked.values() {
            self.calls += 1;
            self.unknown += u64::from(call.told.is_none());
            self.refused += u64::from(call.told.as_ref().is_some_and(|(_, told)| told.get("refused").is_some()));
            match call.verb.as_str() {
                "state" | "state-set" => self.entry(call)?,
                "claim" | "renew" | "done" | "release" => own.extend(self.task(call, &mut grants)?),
                _ => {}
            }
        }
        // Whatever it held at its end is free from then on: it died after the last thing that it said.
        for (id, grant) in own {
            self.push(&id, TaskCall::Dies { grant }, last_ns, None);
        }
        Ok(())
    }

    fn push(&mut self, id: &str, call: TaskCall, asked: u64, answered: Option<u64>) {
        self.tasks.entry(id.to_owned()).or_default().push(Timed { call, asked, answered });
    }

    fn number(&mut self) -> u32 {
        self.next += 1;
        self.next
    }

    /// Adds a call on a task; a grant that it made, or may have made.
    fn task(&mut self, call: &Asked, grants: &mut BTreeMap<String, u32>) -> Outcome<Option<(String, u32)>> {
        let id = call.request["id"].as_str().unwrap_or_default().to_owned();
        let (answered, told) = call.told.clone().map_or((None, None), |(at, told)| (Some(at), Some(told)));
        let refused = told.as_ref().and_then(|told| told["refused"].as_str());
        let lease_ends = call.at + TTL_MS * 1_000_000 - ROUNDING_NS;
        if call.verb == "claim" {
            match refused {
                Some("lease_held") => self.push(&id, TaskCall::Held, call.at, answered),
                Some("state_conflict") if told.as_ref().is_some_and(|told| told["state"] == "done") => {
                    self.push(&id, TaskCall::Over, call.at, answered);
                }
                Some("not_found") => {}
                Some(_) => return Err(format!("claiming {id} was refused: {told:?}").into()),
                None => {
                    let grant = self.number();
                    let token = told.as_ref().and_then(|told| told["lease"]["token"].as_u64());
                    self.push(&id, TaskCall::Claimed { grant, token }, call.at, answered);
                    self.push(&id, TaskCall::Ends { lease: grant }, lease_ends, None);
                    grants.insert(id.clone(), grant);
                    return Ok(Some((id, grant)));
                }
            }
            return Ok(None);
        }
        let Some(&grant) = grants.get(&id) else { return Ok(None) };
        match (refused, call.verb.as_str()) {
            (Some("lease_lost" | "stale_token" | "lease_held" | "state_conflict"), _) => {
                self.stale += 1;
                self.push(&id, TaskCall::Refused { grant }, call.at, answered);
            }
            (Some(code), verb) => return Err(format!("{verb} of {id} was refused: {code}").into()),
            (None, "renew") => {
                let lease = self.number();
                self.push(&id, TaskCall::Renewed { grant, lease }, call.at, answered);
                self.push(&id, TaskCall::Ends { lease }, lease_ends, None);
            }
            (None, "done") => self.push(&id, TaskCall::Done { grant }, call.at, answered),
            (None, _) => self.push(&id, TaskCall::Released { grant }, call.at, answered),
        }
        Ok(None)
    }

    fn entry(&mut self, call: &Asked) -> Outcome<()> {
        let key = call.request["key"].as_str().unwrap_or_default().to_owned();
        let (answered, told) = call.told.clone().map_or((None, None), |(at, told)| (Some(at), Some(told)));
        let refused = told.as_ref().and_then(|told| told["refused"].as_str());
        let number = |of: &str| {
            told.as_ref().and_then(|told| if call.verb == "state" { told["entries"][0][of].as_u64() } else { told["state"][of].as_u64() })
        };
        let expected = call.request["if_version"].as_u64();
        let call_of_entry = match (call.verb.as_str(), told.is_some(), expected) {
            // A question without an answer says nothing.
            ("state", false, _) => return Ok(()),
            ("state", true, _) if refused.is_none_or(|code| code == "not_found") => {
                EntryCall::Get { value: number("value").unwrap_or(0), version: number("version").unwrap_or(0) }
            }
            (_, _, Some(expected)) if refused == Some("version_conflict") => EntryCall::Conflict { expected },
            (verb, _, _) if refused.is_some() => return Err(format!("{verb} of {key} was refused: {refused:?}").into()),
            _ => EntryCall::Set { value: call.request["value"].as_u64().unwrap_or(0), expected, version: number("version") },
        };
        self.entries.entry(key).or_default().push(Timed { call: call_of_entry, asked: call.at, answered });
        Ok(())
    }

    /// How many tasks and entries there are.
    pub(super) fn objects(&self) -> (usize, usize) {
        (self.tasks.len(), self.entries.len())
    }

    /// The first task or entry whose answers fit no order.
    ///
    /// # Errors
    /// That one, and its task in progress.
    pub(super) fn check(&self) -> Outcome<()> {
        for (id, calls) in &self.tasks {
            linear::check(&TaskObject, calls).map_err(|fault| format!("task {id}: {fault}"))?;
        }
        for (key, calls) in &self.entries {
            linear::check(&EntryObject, calls).map_err(|fault| format!("entry {key}: {fault}"))?;
        }
        Ok(())
    }
}
