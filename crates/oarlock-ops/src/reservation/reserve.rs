//! `reserve`: says where one is going to write.

use clap::Args;
use oarlock_model::duration::Duration;
use oarlock_model::pattern::Pattern;
use oarlock_model::pattern_wire::asked;
use oarlock_model::reservation::{Mode, Target};
use oarlock_model::rules::reserve::Wanted;
use oarlock_model::{Rejection, TaskId, limits, seeded};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

use crate::OpError;
use crate::caller::{Caller, Identity};
use crate::context::{Deciding, Reading};
use crate::lock::Lock;
use crate::request::{Mutation, Request, Waiting};
use crate::reservation::acquire::{self, Terms};
use crate::reservation::obstacles::{Claimant, Obstacles};
use crate::search::{Blockers, Findings, Seen};
use crate::shapes::ReservationShape;
use crate::task::release::held_by_me;
use crate::task::values;
use crate::topic::Topics;

/// Reserve paths for writing: all of the patterns, or none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Args)]
pub struct Reserve {
    /// Patterns from the repository's root, e.g. src/parser/**
    #[arg(value_name = "GLOB", required = true)]
    #[serde(deserialize_with = "asked::list")]
    pub globs: Vec<Pattern>,
    /// Share them with others; nobody may hold them exclusively
    #[arg(long)]
    #[serde(default)]
    pub shared: bool,
    /// How long they last after creation or your last heartbeat [default: 1h]
    #[arg(long, value_name = "D")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl: Option<Duration>,
    /// Why, for people
    #[arg(long, value_name = "T")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Tie them to a task you hold: they end with its lease
    #[arg(long, value_name = "ID")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<TaskId>,
    /// Wait up to D for others to finish
    #[arg(long, value_name = "D")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait: Option<Duration>,
}

/// The reply of operations on reservations.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReservationsReply {
    /// The reservations.
    pub reservations: Vec<ReservationShape>,
}

impl Request for Reserve {
    const VERB: &'static str = "reserve";
    const ABOUT: &'static str = "Reserve paths for writing, all or none";
    const EXAMPLE: &'static [&'static str] = &["src/parser/**", "--ttl", "30m"];
    const IDENTITY: Identity = Identity::Needed;
    type Reply = ReservationsReply;

    fn check(&self) -> Result<(), Rejection> {
        if self.globs.is_empty() {
            return Err(Rejection::invalid("no pattern to reserve", "name at least one, for example src/**"));
        }
        values::check_list("patterns", self.globs.len())?;
        values::check_note("reason", self.reason.as_deref())
    }

    fn waiting(&self) -> Option<Waiting> {
        self.wait.map(|d| Waiting { for_ms: Some(d.as_ms()), topics: Topics::RESERVATIONS })
    }
}

impl Mutation for Reserve {
    fn locks(&self, _caller: &Caller) -> Vec<Lock> {
        self.task.iter().cloned().map(Lock::Task).chain([Lock::Reservations]).collect()
    }

    fn worth_trying(&self, cx: &Reading<'_>, findings: &mut Findings) -> Result<bool, OpError> {
        let me = cx.me()?;
        let claimant = match &self.task {
            Some(id) => {
                let is_mine = cx.view.running_grant(id)?.is_some_and(|grant| grant.session == me.session);
                // A lease that is lost ends the wait: the try says so.
                let Some(node) = cx.view.node(id)?.filter(|_| is_mine) else { return Ok(true) };
                Some(Claimant { id, priority: node.priority })
            }
            None => None,
        };
        let first = Obstacles::of(Some(&me.session), limits::PATTERN_STEPS_MAX).first(cx, &self.wanted(), claimant)?;
        let Some(first) = first else { return Ok(true) };
        // With another obstacle than before there is another refusal.
        let is_known = findings.seen.as_ref().is_some_and(|seen| seen.blockers.has(&first));
        if !is_known {
            let mut blockers = Blockers::default();
            blockers.add(first);
            let now = cx.now.store;
            findings.seen = Some(Seen { seq: cx.view.last_seq()?, at: now, noted: now, blockers, expired: BTreeSet::new() });
        }
        Ok(!is_known)
    }

    fn decide(&self, cx: &mut Deciding<'_>) -> Result<ReservationsReply, OpError> {
        let held = self.task.as_ref().map(|task| held_by_me(cx, "reserve for", task, None)).transpose()?;
        let lease_ttl_ms = held.as_ref().map(|(_, grant)| grant.ttl_ms);
        let wanted = self.wanted();
        acquire::check(cx, &wanted, held.as_ref().map(|(task, _)| task))?;
        let ttl_ms = lease_ttl_ms.unwrap_or_else(|| self.ttl.unwrap_or(cx.settings().reservation_ttl).as_ms());
        let task = self.task.clone().filter(|_| !seeded::is(seeded::TIED_OUTLIVES_LEASE));
        let terms = Terms { task, ttl_ms, reason: self.reason.clone() };
        Ok(ReservationsReply { reservations: acquire::make(cx, wanted, &terms)? })
    }
}

impl Reserve {
    fn wanted(&self) -> Vec<Wanted> {
        let mode = if self.shared { Mode::Shared } else { Mode::Exclusive };
        let globs: BTreeSet<&Pattern> = self.globs.iter().collect();
        globs.into_iter().map(|glob| Wanted { target: Target::Paths(glob.clone()), mode }).collect()
    }
}
