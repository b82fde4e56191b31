//! `ack`: the caller has dealt with messages.

use clap::Args;
use oarlock_model::event::MessageAcked;
use oarlock_model::{MessageId, Rejection};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::OpError;
use crate::call::Caller;
use crate::context::Deciding;
use crate::lock::Lock;
use crate::request::{Identity, Mutation, Request};
use crate::shapes::MessageShape;
use crate::task::values;

/// Acknowledges messages; doing it twice is no error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Args)]
pub struct Ack {
    /// The messages
    #[arg(value_name = "ID", required = true)]
    pub ids: Vec<MessageId>,
}

/// The reply of operations on messages.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MessagesReply {
    /// The messages.
    pub messages: Vec<MessageShape>,
    /// `send`: how many more there are in the groups that were named than one message reaches; each agent's helpers got an equal share.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_out: Option<u64>,
}

impl Request for Ack {
    const VERB: &'static str = "ack";
    const ABOUT: &'static str = "Acknowledge messages";
    const EXAMPLE: &'static [&'static str] = &["M-12"];
    const IDENTITY: Identity = Identity::Needed;
    type Reply = MessagesReply;

    fn check(&self) -> Result<(), Rejection> {
        if self.ids.is_empty() {
            return Err(Rejection::invalid("no message to acknowledge", "name at least one id from the inbox"));
        }
        values::check_list("messages", self.ids.len())
    }
}

impl Mutation for Ack {
    fn locks(&self, _caller: &Caller) -> Vec<Lock> {
        vec![Lock::Messages]
    }

    fn decide(&self, cx: &mut Deciding<'_>) -> Result<MessagesReply, OpError> {
        let me = cx.me()?.name.clone();
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
            messages.push(MessageShape::of(&cx.reading(), message, Some(&me)));
        }
        Ok(MessagesReply { messages, left_out: None })
    }
}
