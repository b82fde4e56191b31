//! The budget of a run that goes on: what was used, and what follows when a limit is near or reached.

use std::collections::BTreeSet;
use std::time::{Duration as StdDuration, Instant};

use oarlock_model::TaskId;
use oarlock_model::rules::budget::{Budget, BudgetKind, Level, Mark, Spent, WorkClock};
use oarlock_model::usage::Usage;
use oarlock_ops::OpError;
use serde_json::json;

use crate::child::TERM_GRACE;
use crate::duration::ms;
use crate::orders::Order;
use crate::pool::LEAVE_GRACE;
use crate::report::{BudgetReport, RunReport};

/// The limits of a run, and what it has used.
pub(super) struct Purse {
    budget: Budget,
    /// How long running programs may go on when a limit is reached.
    handover: StdDuration,
    clock: WorkClock,
    begun: Instant,
    usage: Usage,
    warned: BTreeSet<BudgetKind>,
    exhausted: Option<(Mark, Instant)>,
}

impl Purse {
    pub(super) fn new(budget: Budget, handover: StdDuration, begun: Instant) -> Self {
        Self { budget, handover, clock: WorkClock::default(), begun, usage: Usage::default(), warned: BTreeSet::new(), exhausted: None }
    }

    /// Takes the moment into account: `is_worked_on`, whether the time from now on counts, and all that attempts have used until now. The limits that
    /// are newly near or reached; of those reached only the first.
    pub(super) fn look(&mut self, is_worked_on: bool, usage: Usage) -> Vec<Mark> {
        self.clock.tick(self.now_ms(), is_worked_on);
        self.usage = usage;
        if self.exhausted.is_some() {
            return Vec::new();
        }
        let marks = self.budget.marks(&self.spent());
        if let Some(mark) = marks.iter().find(|mark| mark.level == Level::Exhausted) {
            self.exhausted = Some((*mark, Instant::now() + self.handover + TERM_GRACE + LEAVE_GRACE));
            return vec![*mark];
        }
        marks.into_iter().filter(|mark| self.warned.insert(mark.kind)).collect()
    }

    /// The limit that is reached.
    pub(super) fn exhausted(&self) -> Option<Mark> {
        self.exhausted.map(|(mark, _)| mark)
    }

    /// Whether a limit was reached, and workers have had all the time they need to end.
    pub(super) fn is_over(&self) -> bool {
        self.exhausted.is_some_and(|(_, until)| until <= Instant::now())
    }

    /// Milliseconds until the next limit is near or reached by time alone.
    pub(super) fn due_ms(&self) -> Option<i64> {
        if self.exhausted.is_some() {
            return None;
        }
        self.budget.time_left_ms(self.clock.worked_ms(self.now_ms())).and_then(|left| i64::try_from(left).ok())
    }

    /// The orders to the workers about a mark.
    pub(super) fn orders(&self, mark: &Mark) -> Vec<Order> {
        let words = mark.in_words();
        match mark.level {
            Level::Soft => vec![Order::Tell {
                subject: "the budget is nearly used up".into(),
                text: format!("This run has used {words}. Come to an end soon: finish what you are at, and leave out what can wait."),
            }],
            Level::Exhausted => {
                let seconds = self.handover.as_secs();
                let text = format!(
                    "This run has used its budget: {words}. You have {seconds} s. Finish now if you can, or commit what you have and write \
                     down what is left: `oarlock release TASK --result TEXT`. After that you are stopped, and the task is given back."
                );
                let within_ms = u64::try_from(self.handover.as_millis()).unwrap_or(u64::MAX);
                let why = format!("the budget of the run is used up, {words}");
                vec![Order::Tell { subject: "the budget is used up".into(), text }, Order::HandOver { within_ms, why }]
            }
        }
    }

    /// The line for people about a mark.
    pub(super) fn line(&self, mark: &Mark) -> String {
        let words = mark.in_words();
        match mark.level {
            Level::Soft => format!("the budget is nearly used up: {words}"),
            Level::Exhausted => {
                format!("the budget is used up: {words}; nothing new starts, what runs has {} s to hand over", self.handover.as_secs())
            }
        }
    }

    /// For the report; nothing when nothing is limited.
    pub(super) fn report(&self) -> Option<BudgetReport> {
        let Budget { time_ms, cost, tokens } = self.budget;
        (!self.budget.is_none()).then(|| BudgetReport {
            time_ms: self.spent().time_ms,
            max_time_ms: time_ms,
            max_cost_usd: cost,
            max_tokens: tokens,
            exhausted: self.exhausted().map(|mark| mark.kind),
        })
    }

    fn spent(&self) -> Spent {
        Spent { time_ms: self.clock.worked_ms(self.now_ms()), usage: self.usage }
    }

    fn now_ms(&self) -> u64 {
        ms(self.begun.elapsed()).unsigned_abs()
    }
}

/// The error of a run that a limit has ended.
pub(super) fn exhausted(task: &TaskId, mark: &Mark, report: &RunReport) -> OpError {
    let (done, parts, landing) = report.progress();
    let waiting = if landing > 0 { format!("; {landing} more wait to land, which costs nothing") } else { String::new() };
    let counts = match mark.kind {
        BudgetKind::Time => "the time counts from the start of each run",
        BudgetKind::Cost | BudgetKind::Tokens => "what earlier runs used counts",
    };
    OpError::Reported {
        code: oarlock_model::ErrorCode::LimitReached,
        message: format!("the budget of {task} is used up, {}: {done} of {parts} parts are done{waiting}", mark.in_words()),
        hint: format!("run it again with a higher {}, or without: it goes on with what is left ({counts})", mark.kind.flag()),
        retry_after_ms: None,
        details: json!({
            "task": task, "budget": mark.kind, "used": mark.used, "limit": mark.limit, "done": done, "parts": parts, "landing": landing,
        }),
    }
}

#[cfg(test)]
mod tests;
