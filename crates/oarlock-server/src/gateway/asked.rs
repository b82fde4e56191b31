//! A call on its way through a gateway, and what its answer may take.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use oarlock_model::limits;
use oarlock_ops::OpError;
use oarlock_ops::caller::Caller;
use oarlock_ops::registry::Call;

use super::bounds::Account;
use super::lanes::{self, Lane};

/// The least that is reckoned for an answer, in bytes.
const ANSWER_BYTES_MIN: usize = 16 << 10;

/// The copies of a reply to a model at a time: as text, as a value, and in its final form.
const MODEL_COPIES: usize = 3;

/// A call and how it may wait.
#[derive(Clone)]
pub(crate) struct Asked {
    /// The call.
    pub(crate) call: Arc<dyn Call>,
    /// Who makes it.
    pub(crate) caller: Caller,
    /// How long it has waited before, in milliseconds.
    pub(crate) waited_ms: i64,
    /// After how long of waiting it is to be reported that it still waits.
    pub(crate) slice: Duration,
    /// The bytes of its request, about.
    pub(super) bytes: usize,
    /// From whose places it takes what it needs; none where there is only one caller.
    pub(super) account: Option<Account>,
    /// How many times its reply is in memory while its answer is made.
    pub(super) copies: usize,
    /// Whether its key was made here, and its caller does not know it.
    key_is_ours: bool,
}

impl Asked {
    /// A call that has waited for this many milliseconds. One of two steps that waits gets a key, if it has none: under it is kept what
    /// its first step has done, while the second is tried again and again.
    ///
    /// # Errors
    /// No randomness.
    pub(crate) fn new(call: Arc<dyn Call>, mut caller: Caller, waited_ms: i64, slice: Duration) -> Result<Self, OpError> {
        let key_is_ours = caller.key.is_none() && call.goes_on() && call.waiting().is_some();
        if key_is_ours {
            caller.key = Some(oarlock_client::gateway::key_for_waiting()?);
        }
        Ok(Self { call, caller, waited_ms, slice, bytes: 0, account: None, copies: 1, key_is_ours })
    }

    /// The same call, of a request of this many bytes, at the expense of this one.
    pub(crate) fn paid_by(self, account: Option<&Account>, bytes: usize) -> Self {
        Self { account: account.cloned(), bytes, ..self }
    }

    /// The same call of a model, whose reply is read, cut and written again: each copy counts.
    pub(crate) fn for_model(self) -> Self {
        Self { copies: MODEL_COPIES, ..self }
    }

    /// Its lane in the queues.
    pub(super) fn lane(&self) -> &Lane {
        static COMMON: LazyLock<Lane> = LazyLock::new(lanes::common);
        self.account.as_ref().map_or(&COMMON, Account::lane)
    }

    /// The bytes that its answer may have, about: a page of a list, or a repeated request.
    pub(super) fn answer_bytes(&self) -> usize {
        match self.call.verb() {
            // A task's whole text, or several of them.
            "claim" | "done" => limits::BODY_BYTES_MAX + ANSWER_BYTES_MIN,
            _ if self.call.durability().is_none() => limits::PAGE_BYTES_MAX,
            _ => 2 * self.bytes + ANSWER_BYTES_MIN,
        }
    }

    /// Whether its caller can ask for the reply again.
    pub(super) fn can_repeat(&self) -> bool {
        self.caller.key.is_some() && !self.key_is_ours
    }

    /// The same call when it does not want to wait any longer, if that has a reply.
    pub(crate) fn ended(&self) -> Option<Self> {
        let all_ms = self.call.waiting().filter(|_| self.call.goes_on())?.for_ms?;
        Some(Self { waited_ms: all_ms, ..self.clone() })
    }
}
