//! The workers' replies, compared with the log. It knows what the events mean, and not how they are stored.

use std::collections::{BTreeMap, BTreeSet};

use oarlock_model::event::{Event, Fact, LossReason};
use oarlock_model::{SessionId, StoreTime, TaskId, Token};

use super::{Check, Said};

/// The last grant of a task.
struct Grant {
    token: Token,
    session: Option<SessionId>,
    holds_until: StoreTime,
    is_over: bool,
}

/// The first fault of each promise that the log alone can break.
#[derive(Default)]
struct Faults {
    one_holder: Option<String>,
    once: Option<String>,
    not_early: Option<String>,
}

/// Looks at everything; also counts what happened.
pub(super) fn checks(said: &[Said], log: &[Event], tried: &mut BTreeMap<&'static str, u64>) -> Vec<Check> {
    let (input, faults) = (input(said), faults(log));
    for (what, kind) in [("claims", "task_claimed"), ("completions", "task_done"), ("lost leases", "lease_lost"), ("deaths", "agent_lost")]
    {
        tried.insert(what, log.iter().filter(|event| event.fact.kind() == kind).count() as u64);
    }
    tried.insert("refusals", said.iter().filter(|said| said.words[0] == "refused").count() as u64);
    let broken: Vec<String> = said.iter().filter(|said| said.words[0] == "broken").map(|said| said.words.join(" ")).collect();
    vec![
        check("one holder", faults.one_holder, "no task was granted while somebody held it, and tokens only rose"),
        check("once", faults.once, "every task was finished at most once, by its holder"),
        check("not too early", faults.not_early, "no lease ended before its time, except by a death"),
        check(
            "nothing acknowledged is lost",
            acknowledged(&input, log),
            &format!("all {} acknowledged replies are in the log", input.len()),
        ),
        check("no error", broken.first().cloned(), "no call failed"),
    ]
}

fn check(check: &'static str, fault: Option<String>, fine: &str) -> Check {
    Check { check, ok: fault.is_none(), found: fault.unwrap_or_else(|| fine.to_owned()) }
}

/// Claims and completions that were acknowledged: the word, the task, the token, the agent.
fn input(said: &[Said]) -> Vec<(&str, &str, &str, &str)> {
    let of_three = said.iter().filter(|said| said.words.len() == 3);
    of_three.map(|said| (said.words[0].as_str(), said.words[1].as_str(), said.words[2].as_str(), said.agent.as_str())).collect()
}

fn faults(log: &[Event]) -> Faults {
    let (mut faults, mut last) = (Faults::default(), Token(0));
    let (mut grants, mut done) = (BTreeMap::<&TaskId, Grant>::new(), BTreeSet::new());
    for event in log {
        let ended = match &event.fact {
            Fact::TaskClaimed(fact) => {
                let (token, session, holds_until) = (fact.token, event.session.clone(), event.store_at.plus_ms(fact.ttl_ms));
                if token <= last {
                    faults.one_holder.get_or_insert(format!("token {token} comes after {last}"));
                }
                last = token;
                let before = grants.insert(&fact.id, Grant { token, session, holds_until, is_over: false });
                if let Some(before) = before.filter(|before| !before.is_over) {
                    faults.one_holder.get_or_insert(format!("task {} was granted with {token} while {} held it", fact.id, before.token));
                }
                continue;
            }
            Fact::TaskDone(fact) => {
                if !done.insert(&fact.id) {
                    faults.once.get_or_insert(format!("task {} was finished twice", fact.id));
                }
                let is_holder = |grant: &Grant| Some(grant.token) == fact.token && grant.session == event.session;
                if !grants.get(&fact.id).is_some_and(is_holder) {
                    faults.once.get_or_insert(format!("task {} was finished by somebody who did not hold it", fact.id));
                }
                &fact.id
            }
            Fact::LeaseLost(fact) => {
                let early_ms = grants.get(&fact.task).map_or(0, |grant| grant.holds_until.since_ms(event.store_at));
                if fact.reason == LossReason::Expired && early_ms > 0 {
                    faults.not_early.get_or_insert(format!("the lease on {} ended {early_ms} ms before its time", fact.task));
                }
                &fact.task
            }
            Fact::TaskReleased(fact) => &fact.id,
            Fact::TaskFailed(fact) => &fact.id,
            _ => continue,
        };
        if let Some(grant) = grants.get_mut(ended) {
            grant.is_over = true;
        }
    }
    faults
}

fn acknowledged(input: &[(&str, &str, &str, &str)], log: &[Event]) -> Option<String> {
    let mut happened = BTreeSet::new();
    for event in log {
        let agent = event.agent.as_ref().map(ToString::to_string).unwrap_or_default();
        match &event.fact {
            Fact::TaskClaimed(fact) => drop(happened.insert(("claimed", fact.id.to_string(), fact.token.to_string(), agent))),
            Fact::TaskDone(fact) => {
                happened.insert(("finished", fact.id.to_string(), fact.token.map(|token| token.to_string()).unwrap_or_default(), agent));
            }
            _ => {}
        }
    }
    let known = |word: &str| if word == "claimed" { "claimed" } else { "finished" };
    let lost = input.iter().find(|(word, task, token, agent)| {
        !happened.contains(&(known(word), (*task).to_owned(), (*token).to_owned(), (*agent).to_owned()))
    });
    lost.map(|(word, task, token, agent)| format!("{agent} got the reply that it {word} {task} with {token}, but the log does not have it"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use oarlock_model::WallTime;
    use oarlock_model::event::{LeaseLost, TaskClaimed, TaskDone};
    use std::time::Instant;

    fn event(seq: u64, agent: &str, fact: impl Into<Fact>) -> Event {
        let (agent, session) = (agent.parse().ok(), format!("{agent}.1").parse().ok());
        Event { seq, at: WallTime(0), store_at: StoreTime(i64::try_from(seq).unwrap_or(0) * 100), agent, session, fact: fact.into() }
    }

    fn claimed(seq: u64, agent: &str) -> Event {
        let id = "T-1".parse().expect("an id");
        event(seq, agent, TaskClaimed { id, token: Token(seq), ttl_ms: 1_000, attempt: 1, reserve: false, after: None })
    }

    fn done(seq: u64, agent: &str, token: u64) -> Event {
        let id = "T-1".parse().expect("an id");
        event(
            seq,
            agent,
            TaskDone { id, token: Some(Token(token)), result: None, artifacts: Vec::new(), unblocked: Vec::new(), unmet_needs: Vec::new() },
        )
    }

    fn lost(seq: u64, token: u64) -> Event {
        let (task, holder, holder_session) =
            ("T-1".parse().expect("an id"), "a".parse().expect("a name"), "a.1".parse().expect("a session"));
        let fact = LeaseLost { task, holder, holder_session, token: Token(token), reason: LossReason::Expired, losses: 1, resting: None };
        event(seq, "b", fact)
    }

    #[test]
    fn what_may_not_be_is_seen() {
        assert_eq!(faults(&[claimed(1, "a"), lost(12, 1), claimed(13, "b")]).one_holder, None);
        assert!(faults(&[claimed(1, "a"), claimed(13, "b")]).one_holder.is_some(), "two holders");
        assert!(faults(&[claimed(5, "a"), lost(6, 5), claimed(4, "b")]).one_holder.is_some(), "a falling token");
        assert_eq!(faults(&[claimed(1, "a"), done(2, "a", 1)]).once, None);
        assert!(faults(&[claimed(1, "a"), done(2, "a", 1), done(3, "a", 1)]).once.is_some(), "twice");
        assert!(faults(&[claimed(1, "a"), done(2, "b", 1)]).once.is_some(), "by another");
        assert_eq!(faults(&[claimed(1, "a"), lost(11, 1)]).not_early, None);
        assert!(faults(&[claimed(1, "a"), lost(10, 1)]).not_early.is_some(), "0.9 s of 1 s");
    }

    #[test]
    fn a_reply_that_the_log_does_not_know_is_seen() {
        let said = |word: &str| Said { agent: "a".into(), words: vec![word.into(), "T-1".into(), "1".into()], at: Instant::now() };
        let log = [claimed(1, "a")];
        assert_eq!(acknowledged(&input(&[said("claimed")]), &log), None);
        assert!(acknowledged(&input(&[said("claimed"), said("finished")]), &log).is_some());
        let checks = checks(&[said("finished")], &log, &mut BTreeMap::new());
        assert_eq!(checks.iter().filter(|check| !check.ok).count(), 1);
    }
}
