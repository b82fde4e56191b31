//! A store as a whole: how it is, and what an agent reads at its start.

use oarlock_ops::log::{AttentionItem, AttentionReply, OutsideTask, PrimeReply, StatusReply};
use std::collections::BTreeMap;

use super::{Cell, Page, View, counted, duration, list_goes_on, safe, shown, texts};
use crate::replies::Picture;

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

/// The items that wait for a person, a line each with the command that settles it.
fn attention(page: &mut Page, items: &[AttentionItem]) {
    let row = |item: &AttentionItem| {
        vec![
            Cell::bold(shown(&item.subject)),
            Cell::new(item.reason.as_str().replace('_', " ")),
            Cell::new(duration(item.age_ms)),
            Cell::new(item.agent.as_ref().map_or(String::new(), |agent| safe(agent))),
            Cell::new(safe(&item.about)),
            Cell::new(safe(&item.next)),
        ]
    };
    page.table(&["WAITS FOR YOU", "WHY", "SINCE", "AGENT", "ABOUT", "NEXT"], items.iter().map(row));
}

impl View for AttentionReply {
    fn show(&self, _verb: &str, page: &mut Page) {
        match self.items.is_empty() {
            true => page.line("nothing waits for you"),
            false => attention(page, &self.items),
        }
    }

    fn ids(&self) -> Vec<String> {
        texts(self.items.iter().map(|item| &item.subject))
    }

    fn rest(&self, _verb: &str) -> Option<String> {
        list_goes_on(self.next.as_ref())
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
        if !self.attention.is_empty() {
            attention(page, &self.attention);
            if self.attention_more > 0 {
                page.line(format_args!("and {} more: oarlock attention", self.attention_more));
            }
            page.line("");
        }
        page.line(format_args!("agents  {}", numbers(&self.agents, &["active", "stale", "lost", "left"])));
        let states = ["ready", "claimed", "blocked", "waiting", "scheduled", "review", "done", "dead", "cancelled"];
        page.line(format_args!("tasks   {}", numbers(&self.tasks, &states)));
        if let Some(oldest) = &self.oldest_ready {
            page.line(format_args!("oldest  {} has been ready for {}", paint.bold(&shown(&oldest.id)), duration(oldest.age_ms)));
        }
        for landing in &self.landing {
            let counts = [
                (landing.queued, "done and not tested"),
                (landing.testing, "testing"),
                (landing.verified, "verified"),
                (landing.refused, "refused"),
                (landing.landed, "landed"),
            ];
            let parts: Vec<String> = counts.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")).collect();
            let parts = if parts.is_empty() { "nothing submitted".to_owned() } else { parts.join(", ") };
            page.line(format_args!("landing on {}: {parts}", paint.bold(&safe(landing.onto.as_str()))));
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
        for proposal in &self.proposals {
            let votes = counted(proposal.votes, "vote");
            let closes = proposal.closes_in_ms.map(|ms| format!(", closes in {}", duration(ms))).unwrap_or_default();
            let question = safe(&proposal.question).replace('\n', " ");
            page.line(format_args!("open proposal {} ({votes}{closes}): {question}", page.paint.bold(&shown(&proposal.id))));
        }
        other_stores(page, &self.other_stores);
    }
}

impl View for Picture {
    fn show(&self, _verb: &str, page: &mut Page) {
        // Its words were made safe where it was drawn.
        if let Some(picture) = &self.picture {
            page.out.push_str(picture);
        }
        if let Some(file) = &self.file {
            page.line(format_args!("{} tasks drawn in {}", self.tasks, safe(file)));
        }
    }

    fn ids(&self) -> Vec<String> {
        texts(self.file.as_ref())
    }
}

impl View for PrimeReply {
    fn show(&self, _verb: &str, page: &mut Page) {
        page.out.push_str(&safe(&self.text));
    }
}
