//! `prime`: what an agent should read when it starts.

use clap::Args;
use oarlock_model::agent::Agent;
use oarlock_model::ident::shown;
use oarlock_model::rules::inbox::Senders;
use oarlock_model::task::TaskState;
use oarlock_model::{Rejection, limits};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt::Write;

use crate::OpError;
use crate::caller::{Identity, counts_as};
use crate::context::Reading;
use crate::hint;
use crate::request::{Query, Request};
use crate::shapes::reservation_ttls_ms;
use crate::store::{InboxList, InboxPart};
use crate::task::{Ready, ReadyReply};
use crate::teaching::{self, Speech};

/// Print the briefing of an agent: its name, its tasks, its messages, the ready tasks, and the loop to follow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Args)]
pub struct Prime {}

/// The reply of [`Prime`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PrimeReply {
    /// The text, at most 3,000 bytes.
    pub text: String,
}

impl Request for Prime {
    const VERB: &'static str = "prime";
    const ABOUT: &'static str = "Print the briefing that an agent reads at its start";
    const EXAMPLE: &'static [&'static str] = &[];
    const IDENTITY: Identity = Identity::Optional;
    type Reply = PrimeReply;
}

impl Query for Prime {
    fn answer(&self, cx: &Reading<'_>) -> Result<PrimeReply, OpError> {
        let mut text = String::from("# Oarlock: several agents work on this repository\n\n");
        match cx.me {
            Some(me) => self.about_me(cx, me, &mut text)?,
            None => text.push_str(&stranger(cx)),
        }
        what_waits(cx, &mut text)?;
        Ok(PrimeReply { text: bounded(text, &format!("\n## How to go on\n{}", teaching::the_loop(Speech::Commands))) })
    }
}

/// For a caller that is no live session: the words with which `claim` refuses it, so that both say the same.
fn stranger(cx: &Reading<'_>) -> String {
    match cx.why_unknown() {
        Some(why @ (Rejection::StaleSession { .. } | Rejection::NotFound { .. })) => {
            format!("You have not joined: {why}.\nNext: {}.\n", hint::of(&why))
        }
        _ => "You have not joined. Join first: `oarlock join NAME`, then pass `--as NAME`.\n".to_owned(),
    }
}

impl Prime {
    fn about_me(&self, cx: &Reading<'_>, me: &Agent, text: &mut String) -> Result<(), OpError> {
        let role = me.role.as_ref().map(|role| format!(", role {role}")).unwrap_or_default();
        let _ = writeln!(text, "You are {}{role} (session {}).", me.name, me.session);
        let claims = cx.view.claims_of(&me.session)?;
        if claims.is_empty() {
            text.push_str("You hold no task.\n");
        }
        for id in claims.iter().take(5) {
            let task = cx.task(id)?;
            if let Some(grant) = task.holder() {
                let minutes = cx.ttl_ms(grant)? / 60_000;
                let _ = writeln!(text, "You hold {id} \"{}\", token {}, {minutes} min left.", shown(&task.spec.title), grant.token);
            }
        }
        if claims.len() > 5 {
            let _ = writeln!(text, "… and {} more.", claims.len() - 5);
        }
        let limit = limits::MESSAGES_COUNTED_MAX;
        let open = cx.view.inbox_count(&me.name, &InboxPart { list: InboxList::Open(Senders::Any), beyond: None, limit })?;
        if open > 0 {
            let more = if open == limit as u64 { " or more" } else { "" };
            let _ = writeln!(text, "Not acknowledged in your inbox: {open}{more}.");
        }
        awaited_votes(cx, me, text)?;
        Ok(())
    }
}

/// The questions that wait for the agent's vote.
fn awaited_votes(cx: &Reading<'_>, me: &Agent, text: &mut String) -> Result<(), OpError> {
    let voter = counts_as(cx.view, cx.caller, &me.name)?;
    let mut open = cx.view.open_proposals(limits::PROPOSALS_OPEN_MAX)?;
    open.retain(|proposal| !proposal.votes.contains_key(&voter));
    for proposal in open.iter().take(3) {
        let options: Vec<String> = proposal.options.iter().take(5).map(|option| format!("\"{}\"", shown(option))).collect();
        let more = if proposal.options.len() > 5 { ", …" } else { "" };
        let id = proposal.id.shown_by(cx.view.identity());
        let question = shown(&proposal.question);
        let _ =
            writeln!(text, "Your vote is wanted on {id} \"{question}\": `oarlock vote {id} OPTION`, one of {}{more}.", options.join(", "));
    }
    Ok(())
}

fn what_waits(cx: &Reading<'_>, text: &mut String) -> Result<(), OpError> {
    let counts = cx.view.counts()?;
    let _ = writeln!(
        text,
        "\nTasks: {} ready, {} claimed, {} waiting for others or for their time, {} done.",
        counts.of(TaskState::Ready),
        counts.of(TaskState::Claimed),
        counts.of(TaskState::Blocked) + counts.of(TaskState::Waiting) + counts.of(TaskState::Scheduled),
        counts.of(TaskState::Done)
    );
    let ReadyReply { tasks, .. } = Ready { limit: Some(5), ..Ready::default() }.answer(cx)?;
    for task in tasks {
        let _ = writeln!(text, "- {} \"{}\"", task.id, shown(&task.title));
    }
    let mut others = 0;
    let mut reservations = cx.view.reservations()?;
    reservations.retain(|reservation| cx.me.is_none_or(|me| me.session != reservation.session));
    let ttls_ms = reservation_ttls_ms(cx.view, cx.now, &reservations)?;
    for reservation in reservations.iter().zip(ttls_ms).filter(|(_, ttl_ms)| *ttl_ms > 0).map(|(reservation, _)| reservation) {
        others += 1;
        if others <= 5 {
            let _ = writeln!(text, "Reserved by {}: {}", reservation.agent, shown(&reservation.target.to_string()));
        }
    }
    if others > 5 {
        let _ = writeln!(text, "… and {} more reservations.", others - 5);
    }
    Ok(())
}

/// Cuts the changing part so that the whole fits; the loop, which never changes, is kept.
fn bounded(text: String, how_to_go_on: &str) -> String {
    if text.len() + how_to_go_on.len() <= limits::PRIME_BYTES_MAX {
        return text + how_to_go_on;
    }
    let mut end = limits::PRIME_BYTES_MAX - how_to_go_on.len() - "…\n".len();
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}…\n{how_to_go_on}", &text[..end])
}
