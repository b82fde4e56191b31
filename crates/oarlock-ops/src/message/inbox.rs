//! `inbox`: what was sent to the caller and not acknowledged.

use clap::Args;
use oarlock_model::duration::Duration;
use oarlock_model::event::MessageAcked;
use oarlock_model::message::Message;
use oarlock_model::{AgentName, MessageId, Rejection, planted};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::OpError;
use crate::agent::Heartbeat;
use crate::call::Caller;
use crate::context::{Deciding, Reading};
use crate::cursor;
use crate::lock::Lock;
use crate::page;
use crate::request::{Identity, Mutation, Request, Waiting};
use crate::search::Findings;
use crate::shapes::MessageShape;
use crate::store::{Durability, StoreResult, View};
use crate::task::values;
use crate::topic::Topics;

/// Shows the newest messages that are not acknowledged, oldest first. Reading acknowledges nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Args)]
pub struct Inbox {
    /// Wait so long for a message
    #[arg(long, value_name = "D", conflicts_with = "after")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait: Option<Duration>,
    /// Acknowledged ones too
    #[arg(long)]
    #[serde(default)]
    pub all: bool,
    /// Only messages that were not shown before, beginning with the oldest
    #[arg(long, conflicts_with = "all")]
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub new: bool,
    /// Show them without counting them as read
    #[arg(long)]
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub peek: bool,
    /// Count these as read and show nothing: for programs that pass messages on one by one
    #[arg(skip)]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mark: Vec<MessageId>,
    /// At most this many [default: 1000]
    #[arg(long, value_name = "N")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
    /// Show the older messages that `next` leads to; with --new, the later ones
    #[arg(long, value_name = "CURSOR")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

/// The reply of [`Inbox`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct InboxReply {
    /// The messages, oldest first.
    pub messages: Vec<MessageShape>,
    /// Where older messages are; absent when these begin with the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// How many older messages there are, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub older: Option<u64>,
}

impl Request for Inbox {
    const VERB: &'static str = "inbox";
    const ABOUT: &'static str = "Show the messages that are not acknowledged";
    const EXAMPLE: &'static [&'static str] = &[];
    const IDENTITY: Identity = Identity::Needed;
    type Reply = InboxReply;

    fn check(&self) -> Result<(), Rejection> {
        values::check_list("messages", self.mark.len())?;
        values::page_limit(self.limit)?;
        cursor::check(self.after.as_deref())?;
        match (self.wait, &self.after) {
            (Some(_), Some(_)) => Err(Rejection::invalid("older messages do not come by waiting", "leave out wait or after")),
            _ => Ok(()),
        }
    }

    fn waiting(&self) -> Option<Waiting> {
        self.wait.map(|d| Waiting { for_ms: Some(d.as_ms()), topics: Topics::MESSAGES })
    }
}

impl Mutation for Inbox {
    const DURABILITY: Durability = Durability::Presence;

    fn locks(&self, caller: &Caller) -> Vec<Lock> {
        Heartbeat::default().locks(caller)
    }

    fn decide(&self, cx: &mut Deciding<'_>) -> Result<InboxReply, OpError> {
        let me = cx.me()?.name.clone();
        if !self.mark.is_empty() {
            // One of another store is none of those that this one can show.
            let known: Vec<MessageId> = self.mark.iter().filter_map(|id| id.known_to(cx.view().identity())).collect();
            cx.tx().write_shown(&me, &known)?;
            return Ok(InboxReply { messages: Vec::new(), next: None, older: None });
        }
        let limit = values::page_limit(self.limit)?;
        let messages = self.page(cx.view(), &me, cursor::place(cx.view(), self.after.as_deref())?, limit)?;
        if messages.is_empty() && self.wait.is_some() {
            return Err(Rejection::timed_out("no message came").into());
        }
        if planted::is(planted::READING_ACKNOWLEDGES) {
            for message in &messages {
                cx.emit(MessageAcked { id: message.id.clone(), by: me.clone() })?;
            }
        }
        if !self.peek {
            mark_shown(cx, &me, &messages)?;
        }
        let (next, older) = self.rest(cx.view(), &me, &messages)?;
        let next = next.filter(|_| page::goes_on(true)).map(|place| cursor::after_place(cx.view(), &place)).transpose()?;
        let messages = messages.into_iter().map(|message| MessageShape::of(&cx.reading(), message, Some(&me))).collect();
        Ok(InboxReply { messages, next, older })
    }

    fn worth_trying(&self, cx: &Reading<'_>, _findings: &mut Findings) -> Result<bool, OpError> {
        Ok(!self.page(cx.view, &cx.me()?.name, None, 1)?.is_empty())
    }
}

impl Inbox {
    /// What was not shown before begins with the oldest, everything else with the newest page.
    fn page(&self, view: &dyn View, me: &AgentName, after: Option<u64>, limit: usize) -> StoreResult<Vec<Message>> {
        match self.new {
            true => view.unread_messages(me, false, after.unwrap_or(0), limit),
            false => view.inbox(me, self.all, after, limit),
        }
    }

    /// Where the list goes on after a page, and how many older messages there are.
    fn rest(&self, view: &dyn View, me: &AgentName, messages: &[Message]) -> StoreResult<(Option<u64>, Option<u64>)> {
        let (Some(first), Some(last)) = (messages.first(), messages.last()) else { return Ok((None, None)) };
        if self.new {
            let is_cut = !view.unread_messages(me, false, last.seq, 1)?.is_empty();
            return Ok((is_cut.then_some(last.seq), None));
        }
        let older = view.inbox_before(me, self.all, first.seq)?;
        Ok(((older > 0).then_some(first.seq), (older > 0).then_some(older)))
    }
}

/// Notes what an agent has been shown. It writes nothing where all of it was shown before.
pub(crate) fn mark_shown(cx: &mut Deciding<'_>, me: &AgentName, messages: &[Message]) -> Result<(), OpError> {
    let new: Vec<MessageId> = messages.iter().filter(|message| message.is_unread_by(me)).map(|message| message.id.clone()).collect();
    if !new.is_empty() && !planted::is(planted::SHOWN_FOR_EVER) {
        cx.tx().write_shown(me, &new)?;
    }
    Ok(())
}
