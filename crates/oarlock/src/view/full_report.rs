//! The report on a task and its parts, as Markdown.

use oarlock_run::{AttemptEnd, FullPart, FullReport, Resolution};

use super::report::used_in_words;
use super::{Page, View, duration, safe, texts};

/// Characters of a reason that a table shows.
const REASON_CHARS_MAX: usize = 200;

/// A text as a cell of a table of Markdown.
fn cell(text: &str) -> String {
    safe(text).replace('|', "\\|")
}

fn table(page: &mut Page, heads: &[&str], rows: impl Iterator<Item = Vec<String>>) {
    page.line(format_args!("| {} |", heads.join(" | ")));
    page.line(format_args!("|{}", "---|".repeat(heads.len())));
    rows.for_each(|row| page.line(format_args!("| {} |", row.join(" | "))));
    page.line("");
}

fn part_row(FullPart { part, waited_ms, landing }: &FullPart) -> Vec<String> {
    let (landed, tests, queued) = match landing {
        Some(landing) => {
            let commit = landing.commit.as_ref().map(|commit| commit.as_str().chars().take(12).collect()).unwrap_or_default();
            let tests = if landing.flaky { format!("{}, flaky", landing.tests) } else { landing.tests.to_string() };
            (commit, tests, duration(landing.waited_ms))
        }
        None => Default::default(),
    };
    vec![
        cell(part.id.as_str()),
        cell(&part.title),
        part.state.to_string(),
        part.agent.as_ref().map(|agent| cell(agent.as_str())).unwrap_or_default(),
        part.attempts.to_string(),
        duration(*waited_ms),
        duration(part.wall_ms),
        queued,
        tests,
        landed,
    ]
}

impl View for FullReport {
    fn ids(&self) -> Vec<String> {
        texts(self.parts.iter().map(|part| &part.part.id))
    }

    fn show(&self, _verb: &str, page: &mut Page) {
        page.line(format_args!("# {} ({})\n", safe(&self.title), safe(self.task.as_str())));
        let done = self.parts.iter().filter(|part| part.part.state.to_string() == "done").count();
        page.line(format_args!("State: {}. {done} of {} parts are done.\n", self.state, self.parts.len()));
        let times = |ms: i64| if self.wall_ms > 0 { format!(" ({:.2} times)", ms as f64 / self.wall_ms as f64) } else { String::new() };
        table(
            page,
            &["time", ""],
            [
                ("in all", duration(self.wall_ms)),
                ("one agent alone", format!("{}{}", duration(self.serial_ms), times(self.serial_ms))),
                ("critical path", duration(self.bound_ms)),
                ("best possible with these agents", format!("{}{}", duration(self.best_ms), times(self.best_ms))),
            ]
            .into_iter()
            .map(|(what, time)| vec![what.to_owned(), time]),
        );
        if let Some(used) = &self.usage {
            page.line(format_args!("Used: {}.\n", used_in_words(used)));
        }
        page.line("## Agents\n");
        let agents = self.agents.iter().map(|agent| vec![cell(agent.name.as_str()), agent.parts.to_string(), duration(agent.wall_ms)]);
        table(page, &["agent", "parts", "busy"], agents);
        page.line("## Parts\n");
        let heads = ["part", "title", "state", "agent", "attempts", "waited for an agent", "took", "waited to land", "tests", "landed as"];
        table(page, &heads, self.parts.iter().map(part_row));
        if !self.refusals.is_empty() {
            page.line("## Refused submissions\n");
            let row = |refusal: &oarlock_run::RefusalReport| {
                let resolved = match refusal.resolved {
                    Some(Resolution::AnotherAttempt) => "by another attempt",
                    Some(Resolution::Person) => "by a person",
                    None => "open",
                };
                vec![cell(refusal.task.as_str()), refusal.reason.to_string(), cell(&refusal.files.join(", ")), resolved.to_owned()]
            };
            table(page, &["part", "reason", "files", "resolved"], self.refusals.iter().map(row));
        }
        let failed: Vec<_> = self.attempts.iter().filter(|attempt| matches!(attempt.end, AttemptEnd::Failed | AttemptEnd::Lost)).collect();
        if !failed.is_empty() {
            page.line("## Failed and lost attempts\n");
            let row = |attempt: &&oarlock_run::AttemptReport| {
                let how = if attempt.end == AttemptEnd::Lost { "lost" } else { "failed" };
                let reason: String = attempt.reason.as_deref().unwrap_or_default().chars().take(REASON_CHARS_MAX).collect();
                let task = cell(attempt.task.as_str());
                vec![task, cell(attempt.agent.as_str()), how.to_owned(), duration(attempt.wall_ms), cell(&reason.replace('\n', " "))]
            };
            table(page, &["part", "agent", "end", "took", "reason"], failed.iter().map(row));
        }
        if let Some(result) = &self.result {
            page.line("## Result\n");
            result.lines().for_each(|line| page.line(safe(line)));
        }
    }
}
