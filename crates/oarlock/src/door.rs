//! Where calls are made: at a store that is open here, or at a gateway. What is asked is typed, and so is what comes back.

use oarlock_ops::OpError;
use oarlock_ops::caller::Caller;
use oarlock_ops::registry::{self, Call};
use oarlock_ops::reply::Reply;
use oarlock_ops::request::{Mutation, Query};

/// How a call is made.
type Make<'a> = dyn FnMut(&dyn Call, &Caller) -> Result<Reply, OpError> + 'a;

/// One place that calls are made at.
pub(crate) struct Door<'a>(Box<Make<'a>>);

impl<'a> Door<'a> {
    /// A door that makes calls so.
    pub(crate) fn new(make: impl FnMut(&dyn Call, &Caller) -> Result<Reply, OpError> + 'a) -> Self {
        Self(Box::new(make))
    }

    /// Makes a call of any verb.
    ///
    /// # Errors
    /// Refusals and store errors.
    pub(crate) fn call(&mut self, call: &dyn Call, caller: &Caller) -> Result<Reply, OpError> {
        (self.0)(call, caller)
    }

    /// Asks a query.
    ///
    /// # Errors
    /// Refusals and store errors.
    pub(crate) fn ask<Q: Query>(&mut self, caller: &Caller, request: Q) -> Result<Q::Reply, OpError> {
        self.call(&registry::asked(request), caller)?.of::<Q>()
    }

    /// Orders a mutation.
    ///
    /// # Errors
    /// Refusals and store errors.
    pub(crate) fn order<M: Mutation>(&mut self, caller: &Caller, request: M) -> Result<M::Reply, OpError> {
        self.call(&registry::ordered(request), caller)?.of::<M>()
    }
}
