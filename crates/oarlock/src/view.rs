//! The text of replies for people: a function of the typed reply. Others' words are shown as they are, and steer nothing.

mod access;
mod agent;
mod event;
mod full_report;
mod landing;
mod message;
mod plan;
mod proposal;
mod ralf;
mod report;
mod reservation;
mod state;
mod store;
mod table;
mod task;
mod worktree;

use anstyle::{AnsiColor, Style};
use oarlock_model::text::escaped;
use oarlock_model::{TaskId, task::TaskState};
use oarlock_ops::reply::Reply;
use std::fmt::{Display, Write};

pub(crate) use event::event_line;
pub(crate) use message::messages_of;
pub(crate) use oarlock_model::duration::words::in_words as duration;
pub(crate) use table::{Cell, table};

/// How text is painted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Paint {
    colour: bool,
    /// How wide the terminal is, in columns; nothing where it is none.
    columns: Option<u16>,
}

impl Paint {
    /// For a terminal of this width, or for another output.
    pub(crate) fn new(colour: bool, columns: Option<u16>) -> Self {
        Self { colour, columns }
    }

    /// For programs: neither colours nor an end of the line.
    pub(crate) fn plain() -> Self {
        Self::new(false, None)
    }

    /// Whether there is any colour.
    pub(crate) fn has_colour(self) -> bool {
        self.colour
    }

    fn styled(self, style: Style, text: &str) -> String {
        if self.colour && !text.is_empty() { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }

    pub(crate) fn bold(self, text: &str) -> String {
        self.styled(Style::new().bold(), text)
    }

    pub(crate) fn dim(self, text: &str) -> String {
        self.styled(Style::new().dimmed(), text)
    }

    /// The colour of a state: problems stand out.
    pub(crate) fn state(self, state: &str) -> String {
        self.as_state(state, state)
    }

    /// A text in the colour of a state.
    pub(crate) fn as_state(self, state: &str, text: &str) -> String {
        let colour = match state {
            "ready" | "active" => AnsiColor::Green,
            "claimed" => AnsiColor::Cyan,
            "blocked" | "waiting" | "scheduled" | "stale" => AnsiColor::Yellow,
            "review" => AnsiColor::Magenta,
            "dead" | "lost" | "cancelled" => AnsiColor::Red,
            _ => return self.dim(text),
        };
        self.styled(colour.on_default(), text)
    }
}

/// The text of one reply, while it is written.
pub(crate) struct Page {
    pub(crate) out: String,
    pub(crate) paint: Paint,
    /// Whether what the caller knows already is wanted, too.
    pub(crate) full: bool,
}

impl Page {
    pub(crate) fn new(paint: Paint, full: bool) -> Self {
        Self { out: String::new(), paint, full }
    }

    /// Writes a line.
    pub(crate) fn line(&mut self, line: impl Display) {
        let _ = writeln!(self.out, "{line}");
    }

    /// Writes rows under their headings.
    pub(crate) fn table(&mut self, headings: &[&str], rows: impl Iterator<Item = Vec<Cell>>) {
        table(&mut self.out, headings, rows.collect(), self.paint);
    }

    /// Writes a list of ids behind its words, if there are any.
    pub(crate) fn ids(&mut self, words: &str, ids: &[impl Display]) {
        if !ids.is_empty() {
            self.line(format_args!("{words}: {}", joined(ids)));
        }
    }
}

/// The text of a reply for people.
pub(crate) trait View {
    /// Writes it; short where most of it is known to the caller, unless the page is to be full.
    fn show(&self, verb: &str, page: &mut Page);

    /// Its ids, for other programs.
    fn ids(&self) -> Vec<String> {
        Vec::new()
    }

    /// That it is not all, and how it goes on.
    fn rest(&self, _verb: &str) -> Option<String> {
        None
    }
}

/// A reply of the registry as what people see of it.
macro_rules! views {
    ($($reply:ty),* $(,)?) => {
        fn find(reply: &Reply) -> Option<&dyn View> {
            $(if let Some(reply) = reply.get::<$reply>() {
                return Some(reply);
            })*
            None
        }
    };
}

use oarlock_ops::{agent as agents, log, message as messages, reservation as reservations, state as entries, task as tasks};

views!(
    agents::JoinReply,
    agents::AgentsReply,
    agents::ShowAgentReply,
    agents::HeartbeatReply,
    agents::LeaveReply,
    tasks::TaskReply,
    tasks::UpdateReply,
    tasks::TasksReply,
    tasks::ShowTaskReply,
    tasks::ReadyReply,
    tasks::SplitReply,
    tasks::ClaimReply,
    tasks::RenewReply,
    tasks::DoneReply,
    tasks::RequeueReply,
    tasks::WaitReply,
    entries::EntryReply,
    entries::GetStateReply,
    reservations::ReservationsReply,
    reservations::ReservationListReply,
    messages::MessagesReply,
    messages::InboxReply,
    messages::AckReply,
    messages::ThreadReply,
    oarlock_ops::proposal::ProposalReply,
    log::EventsReply,
    log::AttentionReply,
    log::StatusReply,
    log::PrimeReply,
    oarlock_run::WorkReport,
    oarlock_run::RunReport,
    oarlock_run::FullReport,
    oarlock_run::MergeReport,
    oarlock_ops::landing::LandingStatusReply,
    oarlock_ops::admin::BackupReply,
    oarlock_ops::admin::ExportReply,
    oarlock_ops::admin::RestoreReply,
    oarlock_ops::admin::DoctorReply,
    crate::selftest::Report,
    oarlock_client::Made,
    crate::replies::Help,
    crate::replies::SetUp,
    crate::replies::KeptKey,
    crate::replies::Picture,
    crate::replies::Conflicts,
    crate::replies::Forgotten,
    crate::replies::RalfStatus,
    crate::replies::RalfAgents,
    crate::replies::RalfTasks,
    crate::replies::RalfEvents,
    crate::replies::RalfFaults,
    crate::replies::RalfSynced,
    crate::replies::RalfHooks,
    oarlock_client::gateway::AccessReply,
);

impl View for Reply {
    fn show(&self, verb: &str, page: &mut Page) {
        if let Some(view) = find(self) {
            view.show(verb, page);
        }
    }

    fn ids(&self) -> Vec<String> {
        find(self).map(View::ids).unwrap_or_default()
    }

    fn rest(&self, verb: &str) -> Option<String> {
        find(self).and_then(|view| view.rest(verb))
    }
}

/// A text without what could move the cursor or turn the line around: replies hold others' words.
/// Line ends of Windows are line ends.
pub(crate) fn safe(text: &str) -> String {
    escaped(&text.replace("\r\n", "\n")).into_owned()
}

/// The same for what has a text, or has none.
pub(crate) fn shown(thing: &impl Display) -> String {
    safe(&thing.to_string())
}

/// The same for what may be absent; empty then.
pub(crate) fn known(thing: Option<&impl Display>) -> String {
    thing.map(shown).unwrap_or_default()
}

/// Things with commas between them.
pub(crate) fn joined<T: Display>(things: impl IntoIterator<Item = T>) -> String {
    things.into_iter().map(|thing| shown(&thing)).collect::<Vec<_>>().join(", ")
}

/// A number of things.
pub(crate) fn counted(number: u64, thing: &str) -> String {
    format!("{number} {thing}{}", if number == 1 { "" } else { "s" })
}

/// A line that says that a list was cut short, and the flag that goes on.
fn list_goes_on(next: Option<&String>) -> Option<String> {
    Some(format!("the list goes on: add --after {}", safe(next?)))
}

/// Ids as texts.
fn texts<'a, T: Display + 'a>(ids: impl IntoIterator<Item = &'a T>) -> Vec<String> {
    ids.into_iter().map(shown).collect()
}

/// Whether the text about a task in this state leaves out its needs.
fn is_over(state: TaskState) -> bool {
    matches!(state, TaskState::Done | TaskState::Cancelled)
}

/// How an agent hears that it has messages, and how it reads them.
fn unread_line(page: &mut Page, unread: u64) {
    if unread > 0 {
        page.line(format_args!("{}: oarlock inbox", counted(unread, "unread message")));
    }
}

/// Tasks that ended under the caller, and reservations that did.
fn news_lines(
    page: &mut Page,
    lost: &[TaskId],
    cancelled: &[TaskId],
    blocked: &[TaskId],
    ended: &[oarlock_model::state::EndedReservation],
) {
    page.ids("  LOST, stop working on", lost);
    page.ids("  CANCELLED, stop working on", cancelled);
    page.ids("  now needs a task that is not done (you still hold it)", blocked);
    let ended: Vec<&String> = ended.iter().map(|ended| &ended.pattern).collect();
    page.ids("  reservations ended, reserve again before you write there", &ended);
}

#[cfg(test)]
mod tests;
