//! `ack`: the caller has dealt with messages.

use clap::Args;
use oarlock_model::event::MessageAcked;
use oarlock_model::{AgentName, MessageId, Rejection, limits};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::OpError;
use crate::caller::{Caller, Identity};
use crate::context::Deciding;
use crate::lock::Lock;
use crate::request::{Mutation, Request};
use crate::shapes::MessageShape;
use crate::task::values;

/// Acknowledge messages, by id or by sender. Acknowledging a message again changes nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Args)]
pub struct Ack {
    /// The messages
    #[arg(value_name = "ID", required_unless_present = "from")]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ids: Vec<MessageId>,
    /// All messages from this agent and its helpers, read or not
    #[arg(long, value_name = "NAME", conflicts_with = "ids")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<AgentName>,
}

/// The reply of [`Ack`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AckReply {
    /// The messages that were named by their ids.
    pub messages: Vec<MessageShape>,
    /// With `from`: how many messages this call has acknowledged, at most 1,000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acknowledged: Option<u64>,
    /// With `from`: whether more of them are left: call again. The command line does.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub more: bool,
}

/// The reply of `send`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MessagesReply {
    /// The messages.
    pub messages: Vec<MessageShape>,
    /// How many more there are in the groups that were named than one message reaches; each agent's helpers got an equal share.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_out: Option<u64>,
}

impl Request for Ack {
    const VERB: &'static str = "ack";
    const ABOUT: &'static str = "Acknowledge messages";
    const EXAMPLE: &'static [&'static str] = &["M-12"];
    const IDENTITY: Identity = Identity::Needed;
    type Reply = AckReply;

    fn check(&self) -> Result<(), Rejection> {
        if self.ids.is_empty() == self.from.is_none() {
            let what = if self.ids.is_empty() { "no message to acknowledge" } else { "messages are named by ids and by their sender" };
            return Err(Rejection::invalid(what, "name ids from the inbox, or a sender with --from"));
        }
        values::check_list("messages", self.ids.len())
    }
}

impl Mutation for Ack {
    fn locks(&self, _caller: &Caller) -> Vec<Lock> {
        vec![Lock::Messages]
    }

    fn decide(&self, cx: &mut Deciding<'_>) -> Result<AckReply, OpError> {
        let me = cx.me()?.name.clone();
        if let Some(from) = &self.from {
            return all_from(cx, &me, from);
        }
        let mut messages = Vec::new();
        for id in &self.ids {
            let mut message = cx.reading().message(id)?;
            if !message.to.contains(&me) {
                return Err(Rejection::Denied {
                    message: format!("message {id} was not sent to {me}"),
                    hint: "acknowledge messages of your own inbox",
                }
                .into());
            }
            if message.acked_by.insert(me.clone()) {
                cx.emit(MessageAcked { id: message.id.clone(), by: me.clone() })?;
            }
            messages.push(MessageShape::of(cx.view().identity(), message, Some(&me)));
        }
        Ok(AckReply { messages, acknowledged: None, more: false })
    }
}

/// One step: a sender may have filled the inbox, and others wait for the store meanwhile. What a step acknowledges stays so.
fn all_from(cx: &mut Deciding<'_>, me: &AgentName, from: &AgentName) -> Result<AckReply, OpError> {
    cx.reading().agent(from)?;
    let mut numbers = cx.view().open_from(me, from, limits::ACK_STEP_MAX + 1)?;
    let more = numbers.len() > limits::ACK_STEP_MAX;
    numbers.truncate(limits::ACK_STEP_MAX);
    numbers.sort_unstable();
    for number in &numbers {
        cx.emit(MessageAcked { id: MessageId::of(*number), by: me.clone() })?;
    }
    Ok(AckReply { messages: Vec::new(), acknowledged: Some(numbers.len() as u64), more })
}
