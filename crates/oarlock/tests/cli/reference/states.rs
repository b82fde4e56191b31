//! The states of a task and how one leads to another. Each arrow is checked against the rule.

use oarlock_model::event::Fact;
use oarlock_model::rules::transition::{Hold, check};
use oarlock_model::task::TaskState;
use std::fmt::Write as _;

use super::markdown::{code, sentence, table};

/// A change of state: from, to, the verb or cause, the event, and the event's data besides its id.
type Arrow = (&'static str, &'static str, &'static str, &'static str, &'static str);

const RESTING: &str = r#"{"resting": {"state": "ready", "ready_at": 0}}"#;

const ARROWS: &[Arrow] = &[
    ("ready", "claimed", "`claim`", "task_claimed", r#"{"token": 1, "ttl_ms": 1, "attempt": 1}"#),
    (
        "claimed",
        "claimed",
        "`claim` by another agent, after the lease expired",
        "lease_lost",
        r#"{"holder": "ada", "holder_session": "ada.1", "token": 1, "reason": "expired", "losses": 1}"#,
    ),
    ("claimed", "done", "`done`", "task_done", "{}"),
    ("claimed", "review", "`done` with a gate", "task_submitted", "{}"),
    ("claimed", "scheduled", "`fail`, attempts left", "task_failed", r#"{"token": 1, "reason": "x", "failures": 1}"#),
    ("claimed", "dead", "`fail`, last attempt, or `fail --no-retry`", "task_failed", r#"{"token": 1, "reason": "x", "failures": 3}"#),
    (
        "claimed",
        "dead",
        "the last lease is lost",
        "lease_lost",
        r#"{"holder": "ada", "holder_session": "ada.1", "token": 1, "reason": "expired", "losses": 3}"#,
    ),
    ("scheduled", "ready", "the pause is over", "task_readied", "{}"),
    (
        "claimed",
        "ready",
        "`release`, `leave`, `join --take-over`",
        "task_released",
        r#"{"reason": "released", "resting": {"state": "ready", "ready_at": 0}}"#,
    ),
    (
        "claimed",
        "ready",
        "the owner is proven dead",
        "lease_lost",
        r#"{"holder": "ada", "holder_session": "ada.1", "token": 1, "reason": "owner_died", "losses": 1}"#,
    ),
    ("claimed", "waiting", "`split` by the holder", "task_split", r#"{"children": [], "waits": true}"#),
    ("ready", "waiting", "`split`", "task_split", r#"{"children": [], "waits": true}"#),
    ("blocked", "waiting", "`split`", "task_split", r#"{"children": [], "waits": true}"#),
    ("blocked", "ready", "the last need is done", "task_readied", "{}"),
    ("ready", "blocked", "`depend --on`", "dependency_added", r#"{"on": ["T-2"], "resting": {"state": "blocked"}}"#),
    ("waiting", "ready", "the last part is done", "task_readied", "{}"),
    ("waiting", "done", "the last part is done, with `--auto-finish`", "task_done", "{}"),
    ("review", "done", "`approve`", "task_approved", "{}"),
    ("review", "done", "`merge` has landed its commit", "landing_landed", r#"{"commit": "0123456789012345678901234567890123456789"}"#),
    ("review", "ready", "`merge` refuses its commit, attempts left", "landing_refused", r#"{"reason": "test", "failures": 1}"#),
    ("review", "ready", "`reject`", "task_rejected", r#"{"reason": "x", "resting": {"state": "ready", "ready_at": 0}}"#),
    ("blocked", "cancelled", "`cancel`", "task_cancelled", "{}"),
    ("ready", "cancelled", "`cancel`", "task_cancelled", "{}"),
    ("scheduled", "cancelled", "`cancel`", "task_cancelled", "{}"),
    ("claimed", "cancelled", "`cancel`", "task_cancelled", "{}"),
    ("waiting", "cancelled", "`cancel`", "task_cancelled", "{}"),
    ("review", "cancelled", "`cancel`", "task_cancelled", "{}"),
    ("dead", "ready", "`requeue`", "task_requeued", RESTING),
    ("cancelled", "ready", "`requeue`", "task_requeued", RESTING),
];

/// The states, each with its meaning.
const STATES: [(TaskState, &str); 9] = [
    (TaskState::Blocked, "The task, or a task above it, needs unfinished tasks. It is *stuck* if one of them is dead or cancelled."),
    (TaskState::Ready, "The task can be claimed."),
    (TaskState::Scheduled, "The task can be claimed later: it failed and is in its pause, or it has `--not-before`."),
    (
        TaskState::Claimed,
        "An agent holds the task. With `ttl_ms` 0 the lease has expired, and any agent may claim it. With `\"outside\":true` a holder outside of the store has it; with `\"intended\":true` its claim is not complete.",
    ),
    (TaskState::Waiting, "The task waits for its parts. It is *stuck* if one of them is."),
    (TaskState::Review, "The work is submitted and waits for `approve` or `reject`, or with the gate `merge` for landing."),
    (TaskState::Done, "The task is finished."),
    (TaskState::Dead, "The task failed, or lost its lease, `max_attempts` times, or once with `fail --no-retry`."),
    (TaskState::Cancelled, "The task was cancelled."),
];

fn state(word: &str) -> TaskState {
    TaskState::ALL.into_iter().find(|state| state.as_str() == word).expect(word)
}

pub(super) fn page() -> String {
    let mut text = String::from(
        "# States of a task\n\nA task is in one of nine states. Verbs, other tasks and time move it on. Any other change is refused with \
         `state_conflict`; a change of a task that another session holds is refused with `lease_held`.\n\n```mermaid\nstateDiagram-v2\n",
    );
    // Cancelling is possible from every unfinished state: arrows for all would hide the others.
    for (from, to, verb, ..) in ARROWS.iter().filter(|(_, to, ..)| *to != "cancelled") {
        let _ = writeln!(text, "    {from} --> {to}: {}", verb.replace('`', ""));
    }
    text.push_str("```\n\n");
    text.push_str(&table(["state", "meaning"], STATES.map(|(state, meaning)| [code(state), sentence(meaning)])));
    text.push_str("\n## Changes of state\n\n");
    text.push_str(&table(
        ["from", "to", "by", "event"],
        ARROWS.iter().map(|(from, to, verb, event, _)| [code(from), code(to), (*verb).to_owned(), format!("[{event}](events.md#{event})")]),
    ));
    text.push_str(
        "\n`requeue` leads to `blocked` where a need is unfinished, and so do `release` and `reject`. A back-off begins with `retry_first` (15 \
         seconds), doubles with each failure, is at most 15 minutes, and has up to half as much again added at random. Failures and lost \
         leases are counted apart; each of them makes the task `dead` at `max_attempts`, with the event `task_died` in the same transaction. `release`, `leave` and `--take-over` count as \
         neither. An expired lease changes nothing until the task is granted again.\n",
    );
    text
}

#[test]
fn every_arrow_is_allowed_and_every_state_is_described() {
    for (from, to, verb, event, data) in ARROWS {
        let mut data: serde_json::Value = serde_json::from_str(data).expect("JSON");
        data[if *event == "lease_lost" { "task" } else { "id" }] = "T-1".into();
        let fact = Fact::parse(event, &data.to_string()).expect(event);
        let allowed = check(&fact, state(from), Hold::Session);
        assert!(allowed.is_ok(), "{from} to {to} by {verb}: {allowed:?}");
        state(to);
    }
    assert_eq!(STATES.map(|(state, _)| state), TaskState::ALL);
    // No state is a dead end but `done`, and each can be reached.
    for state in TaskState::ALL.iter().map(|state| state.as_str()) {
        assert!(state == "done" || ARROWS.iter().any(|(from, to, ..)| *from == state && *to != state), "{state} leads nowhere");
        assert!(state == "blocked" || ARROWS.iter().any(|(_, to, ..)| *to == state), "nothing leads to {state}");
    }
}
