//! `inbox`: what was sent to the caller and not acknowledged.

use clap::Args;
use oarlock_model::duration::Duration;
use oarlock_model::event::MessageAcked;
use oarlock_model::message::Message;
use oarlock_model::{AgentName, MessageId, Rejection, limits, planted};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::OpError;
use crate::agent::Heartbeat;
use crate::call::Caller;
use crate::context::{Deciding, Reading};
use crate::lock::Lock;
use crate::message::ack::MessagesReply;
use crate::request::{Identity, Mutation, Request, Waiting};
use crate::shapes::MessageShape;
use crate::store::{Durability, StoreResult, View};
use crate::task::values;
use crate::topic::Topics;

/// Shows messages that are not acknowledged, oldest first. Reading acknowledges nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Args)]
pub struct Inbox {
    /// Wait so long for a message
    #[arg(long, value_name = "D")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait: Option<Duration>,
    /// Acknowledged ones too
    #[arg(long)]
    #[serde(default)]
    pub all: bool,
    /// Only messages that were not shown before
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
}

impl Request for Inbox {
    const VERB: &'static str = "inbox";
    const ABOUT: &'static str = "Show the messages that are not acknowledged";
    const EXAMPLE: &'static [&'static str] = &[];
    const IDENTITY: Identity = Identity::Needed;
    type Reply = MessagesReply;

    fn check(&self) -> Result<(), Rejection> {
        values::check_list("messages", self.mark.len())
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

    fn decide(&self, cx: &mut Deciding<'_>) -> Result<MessagesReply, OpError> {
        let me = cx.me()?.name.clone();
        if !self.mark.is_empty() {
            // One of another store is none of those that this one can show.
            let known: Vec<MessageId> = self.mark.iter().filter_map(|id| id.known_to(cx.view().identity())).collect();
            cx.tx().write_shown(&me, &known)?;
            return Ok(MessagesReply { messages: Vec::new() });
        }
        let messages = self.page(cx.view(), &me, limits::PAGE_ITEMS_DEFAULT)?;
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
        Ok(MessagesReply { messages: messages.into_iter().map(|message| MessageShape::of(&cx.reading(), message, Some(&me))).collect() })
    }

    fn worth_trying(&self, cx: &Reading<'_>) -> Result<bool, OpError> {
        Ok(!self.page(cx.view, &cx.me()?.name, 1)?.is_empty())
    }
}

impl Inbox {
    fn page(&self, view: &dyn View, me: &AgentName, limit: usize) -> StoreResult<Vec<Message>> {
        if self.new { view.unread_messages(me, false, limit) } else { view.inbox(me, self.all, limit) }
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
