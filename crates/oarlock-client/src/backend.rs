//! Where calls are made: at a store that is open here, or at a gateway. Requests and replies are typed.

use oarlock_git::merge::pin_submission;
use oarlock_model::task::TaskState;
use oarlock_ops::OpError;
use oarlock_ops::caller::Caller;
use oarlock_ops::registry::{self, Call};
use oarlock_ops::reply::Reply;
use oarlock_ops::request::{Mutation, Query};
use oarlock_ops::settings::Settings;
use oarlock_ops::shapes::TaskShape;
use oarlock_ops::task::DoneReply;
use oarlock_sqlite::Options;
use std::ffi::OsStr;
use std::time::Duration;

use crate::gateway::Client;
use crate::interrupt::Interruptible;
use crate::opening::{OpenStore, options};
use crate::whereabouts::{IfMissing, StoreTarget};

/// How a call is made.
type Make<'a> = dyn FnMut(&dyn Call, &Caller) -> Result<Reply, OpError> + Send + 'a;

/// One place that calls are made at.
pub struct Backend<'a>(Box<Make<'a>>);

impl std::fmt::Debug for Backend<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Backend")
    }
}

impl<'a> Backend<'a> {
    /// A backend that makes calls so.
    pub fn new(make: impl FnMut(&dyn Call, &Caller) -> Result<Reply, OpError> + Send + 'a) -> Self {
        Self(Box::new(make))
    }

    /// The backend of the store that is named, here or at a gateway, or else of that of the project around the current directory. With it come the
    /// store's defaults; a gateway has its own. A busy store is waited for as long as `busy` says, or else as configured.
    ///
    /// # Errors
    /// As [`StoreTarget::find`] and [`StoreTarget::open`]; `denied` without a key for the gateway.
    pub fn find(named: Option<&OsStr>, busy: Option<Duration>) -> Result<(Backend<'static>, Option<Settings>), OpError> {
        if let Some(client) = Client::named(named.and_then(OsStr::to_str), busy)? {
            return Ok((Self::at_gateway(client), None));
        }
        let target = StoreTarget::find(named, IfMissing::Refused)?;
        let settings = target.settings()?;
        Ok((Self::at_store(&target, options(&settings, busy), settings.clone())?, Some(settings)))
    }

    /// The backend of a store that is there, with these defaults. Its waits end when the process is interrupted.
    ///
    /// # Errors
    /// As [`StoreTarget::open`].
    pub fn at_store(target: &StoreTarget, options: Options, settings: Settings) -> Result<Backend<'static>, OpError> {
        Ok(Self::of_store(target.open(options)?, settings))
    }

    /// The backend of a store that is open.
    pub(crate) fn of_store(store: OpenStore, settings: Settings) -> Backend<'static> {
        let mut store = Interruptible(store);
        Backend::new(move |call, caller| call.run(&mut store, caller, &settings))
    }

    /// The backend of a gateway.
    pub fn at_gateway(client: Client) -> Backend<'static> {
        Backend::new(move |call, caller| client.call(call, caller))
    }

    /// Makes a call of any verb.
    ///
    /// # Errors
    /// Refusals and store errors.
    pub fn call(&mut self, call: &dyn Call, caller: &Caller) -> Result<Reply, OpError> {
        let reply = (self.0)(call, caller)?;
        if let Some(DoneReply { task, .. }) = reply.get() {
            pin(task);
        }
        Ok(reply)
    }

    /// Asks a query.
    ///
    /// # Errors
    /// Refusals and store errors.
    pub fn ask<Q: Query>(&mut self, caller: &Caller, request: Q) -> Result<Q::Reply, OpError> {
        self.call(&registry::asked(request), caller)?.of::<Q>()
    }

    /// Orders a mutation.
    ///
    /// # Errors
    /// Refusals and store errors.
    pub fn order<M: Mutation>(&mut self, caller: &Caller, request: M) -> Result<M::Reply, OpError> {
        self.call(&registry::ordered(request), caller)?.of::<M>()
    }
}

/// Keeps a commit that waits to land whatever becomes of its branch, where the repository around the current directory has it. Where that
/// fails, the landing queue does it.
fn pin(task: &TaskShape) {
    let Some(landing) = task.landing.as_ref().filter(|_| task.state == TaskState::Review) else { return };
    if let Ok(dir) = std::env::current_dir() {
        let _ = pin_submission(&dir, task.id.as_str(), landing.commit.as_str());
    }
}
