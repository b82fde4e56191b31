//! `send`: a message to agents.

use clap::Args;
use oarlock_model::event::MessageSent;
use oarlock_model::rules::liveness::AgentState;
use oarlock_model::rules::recipients;
use oarlock_model::{AgentName, Label, MessageId, Rejection, limits};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

use crate::OpError;
use crate::caller::{Caller, Identity, counts_as};
use crate::context::Deciding;
use crate::local::Local;
use crate::lock::Lock;
use crate::message::ack::MessagesReply;
use crate::request::{Mutation, Request};
use crate::shapes::MessageShape;
use crate::task::values;

/// Send a message to an agent, a role, a capability, or all agents. The recipients are fixed when it is sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Args)]
pub struct Send {
    /// A name, role:R, can:X, or all (every present agent but the sender)
    #[arg(value_name = "TO", required = true)]
    pub to: Vec<String>,
    /// The text; - reads standard input
    #[arg(long, value_name = "T")]
    pub text: String,
    /// Its subject, for people
    #[arg(long, value_name = "S")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// The thread it belongs to
    #[arg(long, value_name = "ID")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread: Option<MessageId>,
    /// The message it answers
    #[arg(long, value_name = "ID")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<MessageId>,
    /// Ask for an acknowledgement
    #[arg(long)]
    #[serde(default)]
    pub ack: bool,
}

impl Request for Send {
    const VERB: &'static str = "send";
    const ABOUT: &'static str = "Send a message to agents";
    const EXAMPLE: &'static [&'static str] = &["bob", "--text", "the schema has changed", "--ack"];
    const IDENTITY: Identity = Identity::Needed;
    type Reply = MessagesReply;

    fn localise(&mut self, local: &mut dyn Local) -> Result<(), OpError> {
        local.read_if_dash(&mut self.text)
    }

    fn check(&self) -> Result<(), Rejection> {
        if self.to.is_empty() {
            return Err(Rejection::invalid("the message has no recipient", "name an agent, role:R, can:X or all"));
        }
        if self.text.trim().is_empty() {
            return Err(Rejection::invalid("the message is empty", "say something with --text"));
        }
        values::check_list("recipients", self.to.len())?;
        values::check_note("subject", self.subject.as_deref())?;
        if self.subject.as_ref().is_some_and(|subject| subject.contains(['\n', '\r', '\u{2028}', '\u{2029}'])) {
            return Err(Rejection::invalid("the subject has more than one line", "say the rest in the text"));
        }
        values::check_text("text", &self.text, limits::BODY_BYTES_MAX)
    }
}

impl Mutation for Send {
    fn locks(&self, _caller: &Caller) -> Vec<Lock> {
        vec![Lock::Messages]
    }

    fn decide(&self, cx: &mut Deciding<'_>) -> Result<MessagesReply, OpError> {
        let (to, left_out) = self.recipients(cx)?;
        let id = MessageId::of(cx.next_token().0);
        let (thread, reply_to) = self.thread_of(cx, &id)?;
        cx.emit(MessageSent {
            id: id.clone(),
            thread,
            to: to.into_iter().collect(),
            subject: self.subject.clone(),
            text: self.text.clone(),
            reply_to,
            ack_required: self.ack,
            counts_as: counted_as(cx)?,
        })?;
        let message = cx.view().message(&id)?.ok_or_else(|| OpError::Internal(format!("message {id} was just sent")))?;
        Ok(MessagesReply { messages: vec![MessageShape::of(cx.view().identity(), message, None)], left_out })
    }
}

impl Send {
    fn recipients(&self, cx: &Deciding<'_>) -> Result<(BTreeSet<AgentName>, Option<u64>), OpError> {
        let me = cx.me()?;
        let (mut to, mut of_groups, mut known) = (BTreeSet::new(), BTreeMap::new(), BTreeSet::new());
        for wanted in &self.to {
            let group = Group::parse(wanted)?;
            if let Group::One(name) = group {
                cx.reading().agent(&name)?;
                to.insert(name);
                continue;
            }
            for agent in cx.view().agents()? {
                let there = matches!(cx.reading().agent_state(&agent), AgentState::Active | AgentState::Stale);
                if there && agent.name != me.name && group.admits(&agent) {
                    of_groups.insert(agent.name.clone(), agent.presence.seen);
                }
                known.insert(agent.name);
            }
        }
        of_groups.retain(|name, _| !to.contains(name));
        // Those who were named are at most as many as a list may have.
        let (chosen, left_out) = recipients::choose(of_groups, &known, limits::LIST_ITEMS_MAX.saturating_sub(to.len()));
        to.extend(chosen);
        if to.is_empty() {
            return Err(Rejection::not_found("agent", self.to.join(" ")).into());
        }
        Ok((to, (left_out > 0).then_some(left_out as u64)))
    }

    /// The thread that the message `id` belongs to, and the message that it answers.
    fn thread_of(&self, cx: &Deciding<'_>, id: &MessageId) -> Result<(MessageId, Option<MessageId>), OpError> {
        let answered = self.reply_to.as_ref().map(|answered| cx.reading().message(answered)).transpose()?;
        let thread = match &self.thread {
            Some(given) => {
                let thread = given.known_to(cx.view().identity()).ok_or_else(|| Rejection::not_found("thread", given))?;
                if cx.view().thread(&thread, 0, 1)?.is_empty() {
                    return Err(Rejection::not_found("thread", given).into());
                }
                thread
            }
            None => answered.as_ref().map_or_else(|| id.clone(), |message| message.thread.clone()),
        };
        Ok((thread, answered.map(|message| message.id)))
    }
}

/// By which name the sender is counted, where that is not the one before its first dot.
fn counted_as(cx: &Deciding<'_>) -> Result<Option<AgentName>, OpError> {
    let me = &cx.me()?.name;
    let root = counts_as(cx.view(), cx.caller(), me)?;
    Ok(Some(root).filter(|root| root.as_str() != me.first_name()))
}

enum Group {
    One(AgentName),
    Role(Label),
    Can(Label),
    All,
}

impl Group {
    fn parse(text: &str) -> Result<Self, Rejection> {
        Ok(match text.split_once(':') {
            Some(("role", role)) => Group::Role(Label::parse(role)?),
            Some(("can", capability)) => Group::Can(Label::parse(capability)?),
            _ if text == "all" => Group::All,
            _ => Group::One(AgentName::parse(text)?),
        })
    }

    fn admits(&self, agent: &oarlock_model::agent::Agent) -> bool {
        match self {
            Group::One(name) => agent.name == *name,
            Group::Role(role) => agent.role.as_ref() == Some(role),
            Group::Can(capability) => agent.can(capability),
            Group::All => true,
        }
    }
}
