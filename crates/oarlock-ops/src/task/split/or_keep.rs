//! `split` as runners need it: a document that cannot be split is kept as one task.

use clap::Args;
use oarlock_model::Rejection;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Split, SplitReply};
use crate::OpError;
use crate::caller::{Caller, Identity};
use crate::context::{Deciding, Reading};
use crate::lock::Lock;
use crate::request::{Mutation, Request};
use crate::search::Findings;

/// A split that always leaves a task to work on: a document without independent parts becomes one task for one agent. No door lists it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Args)]
pub struct SplitOrKeep {
    /// The split.
    #[command(flatten)]
    #[serde(flatten)]
    pub split: Split,
}

impl Request for SplitOrKeep {
    const VERB: &'static str = Split::VERB;
    const ABOUT: &'static str = Split::ABOUT;
    const EXAMPLE: &'static [&'static str] = Split::EXAMPLE;
    const IDENTITY: Identity = Split::IDENTITY;
    type Reply = SplitReply;

    fn check(&self) -> Result<(), Rejection> {
        self.split.check()
    }
}

impl Mutation for SplitOrKeep {
    fn locks(&self, caller: &Caller) -> Vec<Lock> {
        self.split.locks(caller)
    }

    fn decide(&self, cx: &mut Deciding<'_>) -> Result<SplitReply, OpError> {
        self.split.split(cx, true)
    }

    fn search(&self, cx: &Reading<'_>, findings: &mut Findings) -> Result<(), OpError> {
        self.split.search(cx, findings)
    }
}
