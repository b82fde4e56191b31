//! The facts of a claim that found nothing: how many tasks are in which state, and which of them need somebody.

use serde_json::{Value, json};

use crate::ident::TaskId;

/// How many ids a message names of one list.
const NAMED_MAX: usize = 5;

/// The tasks that a claim could not have, by the reason. With `--subtree` they are those of that tree.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unready {
    /// Tasks that wait for others.
    pub blocked: u64,
    /// Tasks that are held.
    pub claimed: u64,
    /// Tasks in a back-off, or whose date has not come.
    pub scheduled: u64,
    /// Tasks that wait for their parts.
    pub waiting: u64,
    /// Tasks that wait for approval.
    pub review: u64,
    /// Dead letters: only `requeue` brings one back.
    pub dead: u64,
    /// Tasks that wait, directly or not, for a dead or cancelled one.
    pub stuck: u64,
    /// The first dead letters.
    pub dead_named: Vec<TaskId>,
    /// The first stuck tasks.
    pub stuck_named: Vec<TaskId>,
    /// There were tasks, and all of them are done or cancelled.
    pub all_done: bool,
    /// Messages that the agent has not read.
    pub unread: u64,
}

impl Unready {
    /// The facts for programs; `all_done` only where it is so.
    pub fn json(&self) -> Value {
        let mut facts = json!({
            "blocked": self.blocked,
            "claimed": self.claimed,
            "scheduled": self.scheduled,
            "waiting": self.waiting,
            "review": self.review,
            "dead": self.dead,
            "stuck": self.stuck,
            "unread": self.unread,
        });
        if self.all_done {
            facts["all_done"] = true.into();
        }
        facts
    }

    /// The tasks that need a person, if there are any: `1 dead (T-3), 2 stuck (T-4, T-5)`.
    pub fn in_words(&self) -> Option<String> {
        let lists = [(self.dead, "dead", &self.dead_named), (self.stuck, "stuck", &self.stuck_named)];
        let words: Vec<String> =
            lists.into_iter().filter(|(count, ..)| *count > 0).map(|(count, what, ids)| named(count, what, ids)).collect();
        (!words.is_empty()).then(|| words.join(", "))
    }
}

fn named(count: u64, what: &str, ids: &[TaskId]) -> String {
    let mut names: Vec<&str> = ids.iter().take(NAMED_MAX).map(TaskId::as_str).collect();
    if count > names.len() as u64 {
        names.push("\u{2026}");
    }
    format!("{count} {what} ({})", names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dead_and_stuck_tasks_are_counted_and_named() {
        let id = |text: &str| TaskId::parse(text).expect("an id");
        assert_eq!(Unready { blocked: 2, claimed: 1, ..Unready::default() }.in_words(), None);
        let dead = Unready {
            dead: 1,
            dead_named: vec![id("T-3")],
            stuck: 7,
            stuck_named: (4..10).map(|n| id(&format!("T-{n}"))).collect(),
            ..Unready::default()
        };
        assert_eq!(dead.in_words().as_deref(), Some("1 dead (T-3), 7 stuck (T-4, T-5, T-6, T-7, T-8, \u{2026})"));
    }

    #[test]
    fn every_count_is_always_there_and_all_done_only_when_it_is_so() {
        let facts = Unready::default().json();
        assert!(["blocked", "claimed", "scheduled", "dead", "stuck"].iter().all(|field| facts[field] == 0), "{facts}");
        assert!(facts.get("all_done").is_none());
        assert_eq!(Unready { all_done: true, ..Unready::default() }.json()["all_done"], true);
    }
}
