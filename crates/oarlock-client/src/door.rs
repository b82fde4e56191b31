//! Where calls are made: at a store that is open here, or at a gateway. What is asked is typed, and so is what comes back.

use oarlock_ops::OpError;
use oarlock_ops::caller::Caller;
use oarlock_ops::registry::{self, Call};
use oarlock_ops::reply::Reply;
use oarlock_ops::request::{Mutation, Query};
use oarlock_ops::settings::Settings;
use oarlock_sqlite::Options;
use std::ffi::OsStr;
use std::time::Duration;

use crate::gateway::Client;
use crate::interrupt::Interruptible;
use crate::opening::{OpenStore, options};
use crate::whereabouts::{Absent, Where};

/// How a call is made.
type Make<'a> = dyn FnMut(&dyn Call, &Caller) -> Result<Reply, OpError> + Send + 'a;

/// One place that calls are made at.
pub struct Door<'a>(Box<Make<'a>>);

impl std::fmt::Debug for Door<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Door")
    }
}

impl<'a> Door<'a> {
    /// A door that makes calls so.
    pub fn new(make: impl FnMut(&dyn Call, &Caller) -> Result<Reply, OpError> + Send + 'a) -> Self {
        Self(Box::new(make))
    }

    /// The door of the store that is named, here or at a gateway, or else of that of the project around the current directory. With it come the
    /// store's defaults; a gateway has its own. A busy store is waited for as long as `busy` says, or else as configured.
    ///
    /// # Errors
    /// As [`Where::find`] and [`Where::open`]; `denied` without a key for the gateway.
    pub fn find(named: Option<&OsStr>, busy: Option<Duration>) -> Result<(Door<'static>, Option<Settings>), OpError> {
        if let Some(client) = Client::named(named.and_then(OsStr::to_str), busy)? {
            return Ok((Self::at_gateway(client), None));
        }
        let target = Where::find(named, Absent::Refused)?;
        let settings = target.settings()?;
        Ok((Self::at_store(&target, options(&settings, busy), settings.clone())?, Some(settings)))
    }

    /// The door of a store that is there, with these defaults. Its waits end when the process is interrupted.
    ///
    /// # Errors
    /// As [`Where::open`].
    pub fn at_store(target: &Where, options: Options, settings: Settings) -> Result<Door<'static>, OpError> {
        Ok(Self::of_store(target.open(options)?, settings))
    }

    /// The door of a store that is open.
    pub(crate) fn of_store(store: OpenStore, settings: Settings) -> Door<'static> {
        let mut store = Interruptible(store);
        Door::new(move |call, caller| call.run(&mut store, caller, &settings))
    }

    /// The door of a gateway.
    pub fn at_gateway(client: Client) -> Door<'static> {
        Door::new(move |call, caller| client.call(call, caller))
    }

    /// Makes a call of any verb.
    ///
    /// # Errors
    /// Refusals and store errors.
    pub fn call(&mut self, call: &dyn Call, caller: &Caller) -> Result<Reply, OpError> {
        (self.0)(call, caller)
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
