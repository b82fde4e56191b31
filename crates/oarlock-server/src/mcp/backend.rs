//! Where a tool's call is made: in this process, or at a gateway.

use oarlock_client::gateway::Client;
use oarlock_model::Rejection;
use oarlock_ops::OpError;
use oarlock_ops::caller::Caller;
use oarlock_ops::registry::{self, Call};
use oarlock_ops::reply::Reply;
use oarlock_ops::request::{Mutation, Query};
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;

use crate::gateway::{Asked, Engine, Outcome, Tab};

/// Where calls are made.
#[derive(Clone)]
pub(crate) enum Backend {
    /// Here.
    Engine(Arc<Engine>),
    /// At a gateway.
    Gateway(Arc<Client>),
    /// Nowhere: there is no project. A server that a user has for all repositories must not fail in those.
    NoProject(Arc<OpError>),
}

/// At whose expense a call is, with the bytes of its request, where there are several.
type Paid<'a> = Option<(&'a Tab, usize)>;

impl Backend {
    /// Asks a query, and waits at most this long.
    ///
    /// # Errors
    /// As [`Backend::call`].
    pub(super) async fn ask<Q: Query>(&self, request: Q, caller: &Caller, wait_max: Duration, paid: Paid<'_>) -> Result<Q::Reply, OpError> {
        self.call(Arc::new(registry::asked(request)), caller, wait_max, paid).await?.of::<Q>()
    }

    /// Orders a mutation, and waits at most this long.
    ///
    /// # Errors
    /// As [`Backend::call`].
    pub(super) async fn order<M: Mutation>(
        &self,
        request: M,
        caller: &Caller,
        wait_max: Duration,
        paid: Paid<'_>,
    ) -> Result<M::Reply, OpError> {
        self.call(Arc::new(registry::ordered(request)), caller, wait_max, paid).await?.of::<M>()
    }

    /// Makes a call, and waits at most this long; at the expense of this one, with the bytes of its request, where there are several.
    ///
    /// # Errors
    /// Those of the call; `timed_out` when it would wait on.
    pub(super) async fn call(&self, call: Arc<dyn Call>, caller: &Caller, wait_max: Duration, paid: Paid<'_>) -> Result<Reply, OpError> {
        match self {
            Backend::Engine(engine) => {
                let asked = Asked::new(Arc::clone(&call), caller.clone(), 0, wait_max)?;
                let asked = match paid {
                    Some((tab, bytes)) => {
                        tab.hold(None);
                        asked.paid_by(Some(tab.account()), bytes).for_model()
                    }
                    None => asked,
                };
                let outcome = match (engine.ask(&asked).await?, asked.ended()) {
                    (Outcome::Waiting(_), Some(ended)) => engine.ask(&ended).await?,
                    (outcome, _) => outcome,
                };
                match outcome {
                    Outcome::Reply(reply, places) => {
                        if let Some((tab, _)) = paid {
                            tab.hold(places);
                        }
                        let read = move || Ok(call.read_reply(serde_json::from_str(&reply)?));
                        let read: Result<_, OpError> =
                            tokio::task::spawn_blocking(read).await.map_err(|error| OpError::Internal(error.to_string()))?;
                        read?.ok_or_else(|| OpError::Internal("a reply was not understood by who made it".into()))
                    }
                    Outcome::Waiting(waited_ms) => {
                        Err(Rejection::TimedOut { what: "it is not yet so".into(), waited_ms, facts: Value::Null }.into())
                    }
                }
            }
            Backend::NoProject(why) => Err((**why).clone()),
            Backend::Gateway(client) => client.call_on(&*call, caller, Some(wait_max)).await,
        }
    }
}
