//! Tasks and claims as text.

use oarlock_model::landing::LandingState;
use oarlock_model::task::{Gate, TaskState};
use oarlock_ops::agent::Notices;
use oarlock_ops::shapes::{HolderShape, LeaseShape, TaskShape};
use oarlock_ops::task::{
    ClaimReply, Claimed, DoneReply, NextRefused, ReadyReply, RenewReply, RequeueReply, ShowTaskReply, TaskReply, TasksReply, UpdateReply,
    WaitReply,
};

use super::event::event_lines;
use super::message::message_block;
use super::reservation::{reservation_table, reserved};
use super::{Cell, Page, View, duration, is_over, joined, known, list_goes_on, news_lines, safe, shown, texts, unread_line};

/// Who holds a task.
fn holder(holder: &HolderShape) -> String {
    match holder {
        HolderShape::Agent { agent, intended: true, .. } => format!("{} (claiming)", shown(agent)),
        HolderShape::Agent { agent, .. } => shown(agent),
        HolderShape::Outside { agent: Some(agent), .. } => format!("{}, outside", safe(agent)),
        HolderShape::Outside { agent: None, .. } => "somebody outside".to_owned(),
    }
}

fn task_table(page: &mut Page, tasks: &[TaskShape]) {
    if tasks.is_empty() {
        page.line("no tasks");
        return;
    }
    let row = |task: &TaskShape| {
        let state = task.state.as_str();
        let words = if task.stuck { format!("{state} (stuck)") } else { state.to_owned() };
        let who = match (&task.holder, &task.assigned) {
            (Some(known), _) => holder(known),
            (None, Some(agent)) if !is_over(task.state) => format!("for {}", shown(agent)),
            _ => String::new(),
        };
        vec![
            Cell::bold(shown(&task.id)),
            Cell::in_state(state, &words),
            Cell::new(task.priority.to_string()),
            Cell::new(who),
            Cell::new(joined(&task.blocked_by)),
            Cell::new(safe(&task.title)),
        ]
    };
    page.table(&["TASK", "STATE", "P", "AGENT", "WAITS FOR", "TITLE"], tasks.iter().map(row));
}

/// A task's id and how it is, with the facts that say when it goes on.
fn task_line(page: &mut Page, task: &TaskShape) {
    let more = match task.state {
        TaskState::Claimed => format!(" by {}", task.holder.as_ref().map(holder).unwrap_or_default()),
        TaskState::Blocked => format!(", waits for {}", joined(&task.blocked_by)),
        TaskState::Waiting => " for its parts".to_owned(),
        TaskState::Scheduled => match (task.retry_in_ms, &task.not_before) {
            (Some(ms), _) => format!(", again in {}", duration(ms)),
            (None, Some(at)) => format!(", not before {}", safe(at)),
            (None, None) => String::new(),
        },
        TaskState::Review if task.landing.as_ref().is_some_and(|landing| landing.reason.is_none()) => ", waits for landing".to_owned(),
        TaskState::Review => ", waits for approval".to_owned(),
        _ => String::new(),
    };
    let stuck = if task.stuck { " (stuck)" } else { "" };
    page.line(format_args!(
        "{} is {}{more}{stuck}",
        page.paint.bold(&shown(&task.id)),
        page.paint.as_state(task.state.as_str(), task.state.in_sentence())
    ));
}

/// All that is known of a task.
fn describe(page: &mut Page, task: &TaskShape) {
    page.line(format_args!("{} {}", page.paint.bold(&shown(&task.id)), safe(&task.title)));
    let stuck = if task.stuck { ", stuck: it waits for a dead or cancelled task" } else { "" };
    let own = task.own_priority.map(|own| format!(" (its own: {own})")).unwrap_or_default();
    let state = page.paint.state(task.state.as_str());
    page.line(format_args!("  {state}{stuck}, priority {}{own}, attempt {} of {}", task.priority, task.attempt, task.max_attempts));
    match &task.holder {
        Some(HolderShape::Agent { agent, intended: true, .. }) => {
            let agent = shown(agent);
            page.line(format_args!("  being claimed by {agent}: the claim is not complete; if it was killed, the next claim settles it"));
        }
        Some(HolderShape::Agent { agent, token, ttl_ms, .. }) => {
            page.line(format_args!("  held by {} with token {token}, {} left", shown(agent), duration(*ttl_ms)));
        }
        Some(outside @ HolderShape::Outside { last_seen, source, .. }) => {
            page.line(format_args!("  held by {} ({}), last seen {}", holder(outside), shown(source), safe(last_seen)));
        }
        None => {}
    }
    let gate = task.gate.map(|gate| match gate {
        Gate::Human => "human".to_owned(),
        Gate::Merge => task.onto.as_ref().map_or_else(|| "merge".to_owned(), |onto| format!("merge, onto {}", safe(onto.as_str()))),
    });
    let landing = task.landing.as_ref().map(|landing| {
        let reason = landing.reason.map(|reason| format!(" ({reason})")).unwrap_or_default();
        let by = landing.landed_commit.as_ref().map(|commit| format!(" as {commit}")).unwrap_or_default();
        let branch = landing.branch.as_ref().map(|branch| format!(" of {}", safe(branch.as_str()))).unwrap_or_default();
        let state = match landing.state {
            LandingState::Queued => "done by its agent, not tested yet",
            LandingState::Testing if landing.verified => "verified, and about to land",
            LandingState::Testing => "done by its agent, and being tested",
            state => state.as_str(),
        };
        format!("{state}{reason}: commit {}{branch}{by}", landing.commit)
    });
    for (name, word) in [
        ("part of", known(task.parent.as_ref())),
        ("assigned to", known(task.assigned.as_ref())),
        ("not before", known(task.not_before.as_ref())),
        ("gate", gate.unwrap_or_default()),
        ("reviewed by agents with the role", known(task.reviewer.as_ref())),
        ("landing", landing.unwrap_or_default()),
    ] {
        if !word.is_empty() {
            page.line(format_args!("  {name} {word}"));
        }
    }
    page.ids("  needs", &texts(&task.needs));
    page.ids("  waits for", &task.blocked_by);
    page.ids("  asks for", &texts(&task.capabilities));
    page.ids("  writes", &task.writes);
    page.ids("  uses", &texts(&task.resources));
    page.ids("  artifacts", &task.artifacts);
    for (name, number) in [("estimated minutes", task.estimate_minutes), ("percent done", task.progress.map(u32::from))] {
        if let Some(number) = number {
            page.line(format_args!("  {name}: {number}"));
        }
    }
    // What its parts have given is said once.
    let own_result = task.result.as_deref().filter(|_| task.result != task.part_results);
    for (name, text) in [
        ("body", Some(task.body.as_str())),
        ("why the last result was rejected", task.rejected.as_deref()),
        ("why the last attempt failed", task.last_failure.as_deref()),
        ("result", own_result),
        ("results of the parts", task.part_results.as_deref()),
    ] {
        if let Some(text) = text.filter(|text| !text.is_empty()) {
            page.line(format_args!("\n{}\n{}", page.paint.bold(name), safe(text).trim_end()));
        }
    }
}

/// A task that was taken, with all that its holder needs to know.
fn claim(page: &mut Page, claim: &Claimed) {
    let LeaseShape { task, token, ttl_ms, attempt } = &claim.lease;
    page.line(format_args!("{} {}", page.paint.bold(&shown(task)), safe(&claim.task.title)));
    page.line(format_args!("  token {token}, {} left, attempt {attempt}", duration(*ttl_ms)));
    if !page.full {
        reserved(page, &claim.reservations, "  reserved");
    }
    if !claim.task.body.is_empty() {
        page.line(format_args!("\n{}", safe(&claim.task.body).trim_end()));
    }
    for (heading, section) in claim.task.handover() {
        page.line(format_args!("\n{}\n{}", page.paint.bold(heading), safe(section.trim_end())));
    }
}

fn notices(page: &mut Page, notices: &Notices) {
    news_lines(page, &notices.lost, &notices.cancelled, &notices.blocked, &notices.reservations_ended);
}

/// Tasks that were taken, each with its reservations.
fn claims(page: &mut Page, claims: &ClaimReply) {
    for claimed in claims.claims() {
        claim(page, claimed);
        if page.full && !claimed.reservations.is_empty() {
            reservation_table(page, &claimed.reservations);
        }
    }
}

/// A task that was changed: all of it, or how it is now.
fn changed(page: &mut Page, task: &TaskShape) {
    if page.full { describe(page, task) } else { task_line(page, task) }
}

/// Why none was.
fn no_next_task(page: &mut Page, refused: &NextRefused) {
    for message in &refused.messages {
        message_block(page, message, page.full);
    }
    page.line(format_args!("no next task: {}\n  hint: {}", safe(&refused.message), safe(&refused.hint)));
}

fn ids_of(tasks: &[TaskShape]) -> Vec<String> {
    texts(tasks.iter().map(|task| &task.id))
}

impl View for TaskReply {
    fn show(&self, _verb: &str, page: &mut Page) {
        changed(page, &self.task);
    }

    fn ids(&self) -> Vec<String> {
        texts([&self.task.id])
    }
}

impl View for UpdateReply {
    fn show(&self, _verb: &str, page: &mut Page) {
        if !page.full {
            task_line(page, &self.task);
            return reserved(page, &self.reservations, "reserved");
        }
        describe(page, &self.task);
        if !self.reservations.is_empty() {
            reservation_table(page, &self.reservations);
        }
    }

    fn ids(&self) -> Vec<String> {
        texts([&self.task.id])
    }
}

/// A page of a list of tasks.
macro_rules! list_of_tasks {
    ($($reply:ty),*) => {
        $(impl View for $reply {
            fn show(&self, _verb: &str, page: &mut Page) {
                task_table(page, &self.tasks);
            }

            fn ids(&self) -> Vec<String> {
                ids_of(&self.tasks)
            }

            fn rest(&self, _verb: &str) -> Option<String> {
                list_goes_on(self.next.as_ref())
            }
        })*
    };
}

list_of_tasks!(TasksReply, ReadyReply);

impl View for WaitReply {
    fn show(&self, _verb: &str, page: &mut Page) {
        task_table(page, &self.tasks);
    }

    fn ids(&self) -> Vec<String> {
        ids_of(&self.tasks)
    }
}

impl View for ShowTaskReply {
    fn show(&self, _verb: &str, page: &mut Page) {
        describe(page, &self.task);
        if !self.events.is_empty() {
            page.line(format_args!("\n{}", page.paint.bold("history")));
        }
        event_lines(page, &self.events);
    }

    fn ids(&self) -> Vec<String> {
        let mut ids = texts([&self.task.id]);
        ids.extend(texts(self.events.iter().map(|event| &event.cursor)));
        ids
    }

    fn rest(&self, _verb: &str) -> Option<String> {
        Some(format!("the history has older events: add --after {}", safe(self.next.as_ref()?)))
    }
}

impl View for ClaimReply {
    fn show(&self, _verb: &str, page: &mut Page) {
        claims(page, self);
        let (unread, facts) = self.notices();
        notices(page, facts);
        unread_line(page, unread);
    }

    fn ids(&self) -> Vec<String> {
        texts(self.claims().iter().map(|claim| &claim.task.id))
    }
}

impl View for RenewReply {
    fn show(&self, _verb: &str, page: &mut Page) {
        if let Some(lease) = &self.lease {
            let (task, left) = (page.paint.bold(&shown(&lease.task)), duration(lease.ttl_ms));
            match page.full {
                true => page.line(format_args!("{task} \n  token {}, {left} left, attempt {}", lease.token, lease.attempt)),
                false => page.line(format_args!("{task}: token {}, {left} left", lease.token)),
            }
        }
        for lease in self.leases.iter().flatten() {
            page.line(format_args!("{} {} left", page.paint.bold(&shown(&lease.task)), duration(lease.ttl_ms)));
        }
        if self.leases.as_ref().is_some_and(Vec::is_empty) {
            page.line("you hold no task");
        }
        notices(page, &self.notices);
        page.ids("now needs these, which are not done (you still hold it)", &self.blocked_by);
        unread_line(page, self.unread);
    }

    fn ids(&self) -> Vec<String> {
        texts(self.leases.iter().flatten().chain(&self.lease).map(|lease| &lease.task))
    }
}

impl View for DoneReply {
    fn show(&self, _verb: &str, page: &mut Page) {
        if page.full {
            notices(page, &self.notices);
            describe(page, &self.task);
        } else {
            task_line(page, &self.task);
            notices(page, &self.notices);
        }
        page.ids("can be claimed now", &self.unblocked);
        page.ids("finished although it needs these, which are not done", &self.unmet_needs);
        if let Some(claimed) = &self.claimed {
            page.line("");
            claims(page, claimed);
        }
        if let Some(refused) = &self.nothing_ready {
            no_next_task(page, refused);
        }
        unread_line(page, self.unread);
    }

    /// Anyone who ends one task and takes the next wants to know the next.
    fn ids(&self) -> Vec<String> {
        match (&self.claimed, &self.nothing_ready) {
            (Some(claimed), _) => claimed.ids(),
            (None, Some(_)) => Vec::new(),
            (None, None) => texts([&self.task.id]),
        }
    }
}

impl View for RequeueReply {
    fn show(&self, _verb: &str, page: &mut Page) {
        if page.full {
            describe(page, &self.task)
        } else {
            task_line(page, &self.task)
        }
        page.ids("came back with it", &self.requeued);
        page.ids(
            "cancelled with it and still so (`oarlock requeue ID --parts` brings them back, `oarlock cancel ID --drop` goes on without one)",
            &self.still_cancelled,
        );
    }

    fn ids(&self) -> Vec<String> {
        texts([&self.task.id])
    }
}
