//! A store as a whole: how it is, and what an agent reads at its start.

use oarlock_ops::log::{OutsideTask, PrimeReply, StatusReply};
use std::collections::BTreeMap;

use super::{Page, View, duration, safe, shown};

/// Stores of the repository that are not at its place: nobody reads them.
pub(crate) fn other_stores(page: &mut Page, others: &[String]) {
    for other in others {
        page.line(format_args!("not used: another store of this repository at {}", safe(other)));
    }
}

fn outside(page: &mut Page, words: &str, tasks: &[OutsideTask]) {
    for task in tasks {
        let who = match &task.agent {
            Some(agent) => safe(agent),
            None => "somebody".to_owned(),
        };
        let (id, seen) = (page.paint.bold(&shown(&task.id)), duration(task.age_ms));
        page.line(format_args!("{words}: {id} by {who} ({}), seen {seen} ago", shown(&task.source)));
    }
}

impl View for StatusReply {
    fn show(&self, _verb: &str, page: &mut Page) {
        let paint = page.paint;
        let numbers = |counts: &BTreeMap<String, u64>, order: &[&str]| {
            let some = order.iter().filter_map(|word| Some((word, counts.get(*word).copied().filter(|n| *n > 0)?)));
            let parts: Vec<String> = some.map(|(word, n)| format!("{n} {}", paint.state(word))).collect();
            if parts.is_empty() { "none".to_owned() } else { parts.join(", ") }
        };
        page.line(format_args!("agents  {}", numbers(&self.agents, &["active", "stale", "lost", "left"])));
        let states = ["ready", "claimed", "blocked", "waiting", "scheduled", "review", "done", "dead", "cancelled"];
        page.line(format_args!("tasks   {}", numbers(&self.tasks, &states)));
        if let Some(oldest) = &self.oldest_ready {
            page.line(format_args!("oldest  {} has been ready for {}", paint.bold(&shown(&oldest.id)), duration(oldest.age_ms)));
        }
        page.ids("lost agents", &self.lost);
        page.ids("stuck tasks", &self.stuck);
        page.ids("dead letters", &self.dead_letters);
        outside(page, "held outside of the store", &self.outside);
        outside(page, "abandoned outside of the store, to be claimed", &self.abandoned);
        for (count, words) in [(self.expired_leases, "expired leases that anybody may take"), (self.reservations, "reservations")] {
            if count > 0 {
                page.line(format_args!("{count} {words}"));
            }
        }
        other_stores(page, &self.other_stores);
    }
}

impl View for PrimeReply {
    fn show(&self, _verb: &str, page: &mut Page) {
        page.out.push_str(&safe(&self.text));
    }
}
