//! The reports of running commands: workers, runs, the self-test, copies of stores, set-ups.

use oarlock_client::Made;
use oarlock_model::rules::budget::BudgetKind;
use oarlock_model::usage::Usd;
use oarlock_ops::admin::{BackupReply, DoctorReply, ExportReply, RestoreReply};
use oarlock_run::{BudgetReport, PartReport, RunReport, UsageReport, WorkReport, WorkedTask};

use super::landing::summary;
use super::store::other_stores;
use super::{Cell, Page, View, duration, known, safe, shown, texts};
use crate::replies::{Help, SetUp};
use crate::selftest::Report;

impl View for WorkReport {
    fn show(&self, _verb: &str, page: &mut Page) {
        let paint = page.paint;
        let row = |task: &WorkedTask| {
            vec![
                Cell::bold(shown(&task.id)),
                Cell::new(task.outcome.as_str()),
                Cell::new(task.attempt.to_string()),
                Cell::new(duration(task.wall_ms)),
                Cell::new(safe(&task.title)),
            ]
        };
        if !self.tasks.is_empty() {
            page.table(&["TASK", "OUTCOME", "TRY", "TOOK", "TITLE"], self.tasks.iter().map(row));
        }
        let agent = paint.bold(&shown(&self.agent));
        page.line(format_args!("{agent}: {} done, {} failed, {} otherwise", self.done, self.failed, self.other));
    }

    fn ids(&self) -> Vec<String> {
        texts(self.tasks.iter().map(|task| &task.id))
    }
}

/// The column of what parts used, which is there only where clients report it.
const USED: usize = 5;

/// Such as `$0.41, 120000 tokens`.
pub(super) fn used_in_words(used: &UsageReport) -> String {
    let tokens = BudgetKind::Tokens.in_words(used.tokens);
    let cost = used.usage.cost_usd.map(|cost| format!("{cost}, ")).unwrap_or_default();
    let unpriced = match (used.unpriced, used.usage.cost_usd) {
        (0, _) => String::new(),
        (_, None) => " (no cost reported)".to_owned(),
        (attempts, Some(_)) => format!(" (no cost reported for {attempts} of the attempts)"),
    };
    format!("{cost}{tokens}{unpriced}")
}

/// Such as `1 min 3 s of 2 min 0 s (--max-time), $0.41 of $0.50 (--max-cost)`.
fn budget_in_words(budget: &BudgetReport, used: Option<&UsageReport>) -> String {
    let used = used.copied().unwrap_or_default();
    let cost = used.usage.cost_usd.unwrap_or_default().micros();
    let each = [
        (BudgetKind::Time, budget.time_ms, budget.max_time_ms),
        (BudgetKind::Cost, cost, budget.max_cost_usd.map(Usd::micros)),
        (BudgetKind::Tokens, used.tokens, budget.max_tokens),
    ];
    let words = each.into_iter().filter_map(|(kind, used, limit)| {
        let limit = limit?;
        Some(format!("{} of {} ({})", kind.in_words(used), kind.in_words(limit), kind.flag()))
    });
    words.collect::<Vec<_>>().join(", ")
}

impl View for RunReport {
    fn ids(&self) -> Vec<String> {
        texts(self.agents.iter().map(|agent| &agent.name))
    }

    fn show(&self, _verb: &str, page: &mut Page) {
        let paint = page.paint;
        let row = |part: &PartReport| {
            vec![
                Cell::bold(shown(&part.id)),
                Cell::state(part.state.as_str()),
                Cell::new(known(part.agent.as_ref())),
                Cell::new(part.attempts.to_string()),
                Cell::new(duration(part.wall_ms)),
                Cell::new(part.usage.as_ref().map(used_in_words).unwrap_or_default()),
                Cell::new(safe(&part.title)),
                Cell::new(known(part.result.as_ref())),
            ]
        };
        if !self.parts.is_empty() {
            let with_usage = self.usage.is_some();
            let of = |part| row(part).into_iter().enumerate().filter(|(at, _)| with_usage || *at != USED).map(|(_, cell)| cell).collect();
            let heads = ["PART", "STATE", "AGENT", "TRIES", "TOOK", "USED", "TITLE", "RESULT"];
            let heads: Vec<&str> =
                heads.into_iter().enumerate().filter(|(at, _)| with_usage || *at != USED).map(|(_, head)| head).collect();
            page.table(&heads, self.parts.iter().map(of));
            page.line("");
        }
        if !self.agents.is_empty() {
            let rows = self
                .agents
                .iter()
                .map(|agent| vec![Cell::bold(shown(&agent.name)), Cell::new(agent.parts.to_string()), Cell::new(duration(agent.wall_ms))]);
            page.table(&["AGENT", "PARTS", "BUSY"], rows);
            page.line("");
        }
        if let Some(used) = &self.usage {
            page.line(format_args!("used: {}", used_in_words(used)));
        }
        if let Some(budget) = &self.budget {
            page.line(format_args!("budget: {}", budget_in_words(budget, self.usage.as_ref())));
        }
        // Work before an interruption counts for the parts, not for this run.
        let how = match self.wall_ms < self.bound_ms {
            true => "in this run, which continued an earlier one; all parts:",
            false => "in all,",
        };
        page.line(format_args!(
            "{}: {} {how} {} one after another, no less than {} with any number of agents",
            paint.bold(&shown(&self.task)),
            duration(self.wall_ms),
            duration(self.serial_ms),
            duration(self.bound_ms)
        ));
        if let Some(landing) = &self.landing {
            summary(landing, page);
        }
    }
}

/// The checks, a line each.
fn checks<'a>(page: &mut Page, checks: impl Iterator<Item = (&'a str, bool, &'a str)> + Clone) {
    let width = checks.clone().map(|(check, ..)| check.chars().count()).max().unwrap_or(0).max(8);
    for (check, ok, found) in checks {
        let mark = if ok { page.paint.as_state("ready", "ok   ") } else { page.paint.as_state("dead", "FAULT") };
        page.line(format_args!("{mark} {:<width$} {}", safe(check), safe(found)));
    }
}

impl View for Report {
    fn show(&self, _verb: &str, page: &mut Page) {
        let tried: Vec<String> = self.tried.iter().map(|(what, times)| format!("{times} {what}")).collect();
        page.line(format_args!("{} processes, {} s: {}", self.processes, self.seconds, tried.join(", ")));
        let [half, most] = self.wake_ms;
        page.line(format_args!("from a commit to the claim that waited for it: {half} ms, all but one in a hundred {most} ms"));
        checks(page, self.checks.iter().map(|check| (check.check, check.ok, check.found.as_str())));
        page.line(if self.ok { "everything held" } else { "not everything held: please report this with the machine and its file system" });
    }
}

impl View for DoctorReply {
    fn show(&self, _verb: &str, page: &mut Page) {
        checks(page, self.checks.iter().map(|check| (check.check.as_str(), check.ok, check.found.as_str())));
        for fixed in &self.fixed {
            page.line(format_args!("fixed: {}", safe(fixed)));
        }
        if self.ok {
            return;
        }
        page.line(match self.checks.iter().find(|check| check.check == "log").map(|log| log.ok) {
            Some(true) => "the store cannot be trusted: `oarlock doctor --fix` rebuilds it from its log",
            Some(false) => "the store cannot be trusted: its log cannot be replayed, so take a backup: `oarlock restore F`",
            None => "there is no store to check: `oarlock init` creates one, `oarlock restore F` restores a backup",
        });
    }
}

impl View for BackupReply {
    fn show(&self, _verb: &str, page: &mut Page) {
        page.line(format_args!("file: {}\nbytes: {}", safe(&self.file), self.bytes));
    }
}

impl View for ExportReply {
    fn show(&self, _verb: &str, page: &mut Page) {
        page.line(format_args!("file: {}\nevents: {}", safe(&self.file), self.events));
    }
}

impl View for RestoreReply {
    fn show(&self, _verb: &str, page: &mut Page) {
        let Self { last_event, epoch, sessions_ended, kept } = self;
        page.line(format_args!("last event: {last_event}\nepoch: {epoch}\nsessions ended: {sessions_ended}"));
        if let Some(kept) = kept {
            page.line(format_args!("kept: {}", safe(kept)));
        }
    }
}

impl View for Made {
    fn show(&self, _verb: &str, page: &mut Page) {
        let made = &self.project;
        let done = if made.created { "made the project in" } else { "project already initialised in" };
        page.line(format_args!("{done} {}", safe(&made.root)));
        other_stores(page, &made.other_stores);
        page.line("next: oarlock add \"first task\"; oarlock join NAME; oarlock claim --as NAME");
    }
}

impl View for Help {
    fn show(&self, _verb: &str, page: &mut Page) {
        page.out.push_str(&self.text);
    }

    /// It is asked for in words.
    fn ids(&self) -> Vec<String> {
        vec![self.text.trim_end().to_owned()]
    }
}

impl View for SetUp {
    /// Each file that changes, how, and the steps left for the person.
    fn show(&self, _verb: &str, page: &mut Page) {
        for row in &self.changes {
            match &row.diff {
                Some(diff) => {
                    let lines: Vec<String> = diff.split('\n').map(|line| safe(line.trim_end_matches('\r'))).collect();
                    page.out.push_str(&lines.join("\n"));
                }
                None => page.line(format_args!("{:<9}  {:<8}  {}", row.action, row.client, safe(&row.file))),
            }
        }
        if self.changes.is_empty() {
            page.line("nothing to do");
        }
        for note in &self.notes {
            page.line(format_args!("note: {}", safe(note)));
        }
    }
}
