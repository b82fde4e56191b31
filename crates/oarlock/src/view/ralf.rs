//! The contents of RALF's files, as text.

use std::collections::BTreeMap;

use oarlock_ralf::{Agent, Clock, Event, Fault, Source, Synced, Task};

use super::{Cell, Page, View, duration, safe, shown};
use crate::replies::{RalfAgents, RalfEvents, RalfFaults, RalfHooks, RalfStatus, RalfSynced, RalfTasks};

/// Faults that are shown; the JSON has all of them.
const FAULTS_MAX: usize = 60;
/// Events that are shown; the JSON has all of them.
const EVENTS_MAX: usize = 40;

fn place(source: &Source) -> String {
    format!("{}:{}", safe(&source.file), source.line)
}

/// A text that may be absent; empty then.
fn text(text: Option<&String>) -> String {
    text.map(|text| safe(text)).unwrap_or_default()
}

fn agent_table(page: &mut Page, agents: &[Agent]) {
    if agents.is_empty() {
        page.line("no agents");
        return;
    }
    let row = |agent: &Agent| {
        let clock = match agent.clock {
            Clock::Future => "its clock is ahead",
            Clock::NoZone => "no zone",
            Clock::None => "no time",
            Clock::Fine => "",
        };
        vec![
            Cell::bold(safe(&agent.name)),
            Cell::state(agent.state),
            Cell::new(agent.age_ms.map_or_else(|| "never".to_owned(), duration)),
            Cell::new(clock),
            Cell::new(text(agent.status.as_ref())),
            Cell::new(place(&agent.source)),
        ]
    };
    page.out.push('\n');
    page.table(&["AGENT", "STATE", "SEEN", "CLOCK", "STATUS", "WHERE"], agents.iter().map(row));
}

fn fault_table(page: &mut Page, faults: &[Fault]) {
    if faults.is_empty() {
        page.line("nothing is wrong with the files");
        return;
    }
    let row = |fault: &Fault| {
        vec![
            Cell::new(format!("{}:{}:{}", safe(&fault.file), fault.line, fault.column)),
            Cell::new(fault.recovered.to_string()),
            Cell::new(fault.lost.to_string()),
            Cell::new(safe(&fault.cause)),
        ]
    };
    page.out.push('\n');
    page.table(&["WHERE", "SAVED", "LOST", "WHAT IS WRONG"], faults.iter().take(FAULTS_MAX).map(row));
    if faults.len() > FAULTS_MAX {
        page.line(format_args!("the first {FAULTS_MAX} of {}; all with --json", faults.len()));
    }
}

impl View for RalfStatus {
    fn show(&self, _verb: &str, page: &mut Page) {
        let paint = page.paint;
        let tasks: Vec<String> = self.tasks.iter().map(|(state, n)| format!("{n} {}", paint.state(state))).collect();
        page.line(format_args!("{}  generation {}", paint.bold(&shown(&self.root.display())), self.generation));
        page.line(format_args!("tasks   {}", if tasks.is_empty() { "none".to_owned() } else { tasks.join(", ") }));
        page.line(format_args!("queue   {} items, {} events, {} messages", self.queue, self.events, self.messages));
        agent_table(page, &self.agents);
        fault_table(page, &self.faults);
    }

    fn ids(&self) -> Vec<String> {
        names(&self.agents)
    }
}

fn names(agents: &[Agent]) -> Vec<String> {
    agents.iter().map(|agent| safe(&agent.name)).collect()
}

impl View for RalfAgents {
    fn show(&self, _verb: &str, page: &mut Page) {
        agent_table(page, &self.agents);
    }

    fn ids(&self) -> Vec<String> {
        names(&self.agents)
    }
}

impl View for RalfTasks {
    fn show(&self, _verb: &str, page: &mut Page) {
        let row = |task: &Task| {
            vec![
                Cell::bold(safe(&task.id)),
                Cell::state(task.state),
                Cell::new(text(task.status.as_ref())),
                Cell::new(text(task.priority.as_ref())),
                Cell::new(text(task.title.as_ref())),
                Cell::new(place(&task.source)),
            ]
        };
        page.table(&["TASK", "STATE", "STATUS", "PRIORITY", "TITLE", "WHERE"], self.tasks.iter().map(row));
    }

    fn ids(&self) -> Vec<String> {
        self.tasks.iter().map(|task| safe(&task.id)).collect()
    }
}

impl View for RalfEvents {
    fn show(&self, _verb: &str, page: &mut Page) {
        let row = |event: &Event| {
            vec![
                Cell::new(text(event.at.as_ref())),
                Cell::bold(text(event.kind.as_ref())),
                Cell::new(text(event.agent.as_ref())),
                Cell::new(text(event.task.as_ref())),
                Cell::new(place(&event.source)),
            ]
        };
        let last = self.events.len().saturating_sub(EVENTS_MAX);
        page.table(&["AT", "EVENT", "AGENT", "TASK", "WHERE"], self.events[last..].iter().map(row));
        if last > 0 {
            page.line(format_args!("the last {EVENTS_MAX} of {}; all with --json", self.events.len()));
        }
    }

    fn ids(&self) -> Vec<String> {
        self.events.iter().map(|event| place(&event.source)).collect()
    }
}

impl View for RalfFaults {
    fn show(&self, _verb: &str, page: &mut Page) {
        fault_table(page, &self.faults);
    }
}

impl View for Synced {
    fn show(&self, _verb: &str, page: &mut Page) {
        let side = |counts: &BTreeMap<&'static str, usize>| {
            let counts: Vec<String> = counts.iter().map(|(name, n)| format!("{n} {name}")).collect();
            if counts.is_empty() { "nothing".to_owned() } else { counts.join(", ") }
        };
        page.line(format_args!("into the store: {}; into the files: {}", side(&self.imported), side(&self.exported)));
        let paint = page.paint;
        for conflict in &self.conflicts {
            let (task, files, store) = (paint.bold(&safe(&conflict.task)), safe(&conflict.files), safe(&conflict.store));
            page.line(format_args!("  {task}: the files say {files}, the store says {store}: the {} counts", conflict.kept));
        }
        for warning in &self.warnings {
            page.line(format_args!("  {} {}", paint.dim("note:"), safe(warning)));
        }
    }
}

impl View for RalfSynced {
    fn show(&self, verb: &str, page: &mut Page) {
        self.synced.show(verb, page);
    }
}

impl View for RalfHooks {
    fn show(&self, _verb: &str, page: &mut Page) {
        let mut last = "";
        for hook in &self.hooks {
            if hook.of != last {
                let (gap, title) = (if last.is_empty() { "" } else { "\n" }, page.paint.bold(hook.of));
                page.line(format_args!("{gap}# {title}"));
                last = hook.of;
            }
            page.line(format_args!("# {}\n{}", hook.when, safe(&hook.line)));
        }
    }
}
