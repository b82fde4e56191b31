//! A request whose type is erased: what doors that serve every verb pass on.

use oarlock_model::{Rejection, seeded};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::OpError;
use crate::call;
use crate::caller::{Caller, Identity};
use crate::local::Local;
use crate::outside::Grants;
use crate::reply::Reply;
use crate::request::{Mutation, Page, Query, Waiting};
use crate::search::{Findings, Tried};
use crate::settings::Settings;
use crate::steps;
use crate::store::{Durability, Store};

/// A request that has been read.
pub trait Call: Send + Sync {
    /// The verb.
    fn verb(&self) -> &'static str;

    /// Fills in what only the caller's machine knows.
    ///
    /// # Errors
    /// Those of the request.
    fn localise(&mut self, local: &mut dyn Local) -> Result<(), OpError>;

    /// Names the commit that it submits, from the caller's repository.
    ///
    /// # Errors
    /// `not_found` for a branch that is not there.
    fn name_commit(&mut self, local: &dyn Local) -> Result<(), OpError>;

    /// The text that may come from a file, where its verb has a flag for that.
    fn file_text(&mut self) -> Option<&mut Option<String>>;

    /// Checks that it asks for nothing that only a door on the caller's own machine can give.
    ///
    /// # Errors
    /// `invalid_request`.
    fn check_remote(&self) -> Result<(), Rejection>;

    /// Whether this request needs an identity.
    fn identity(&self) -> Identity;

    /// How long it is willing to wait.
    fn waiting(&self) -> Option<Waiting>;

    /// The same call for another page of its list; none for other requests.
    fn at_page(&self, page: Page) -> Option<Box<dyn Call>>;

    /// How many items it asks for, at most.
    fn limit(&self) -> Option<usize>;

    /// Whether its list begins with the oldest item, where such lists else begin with the newest.
    fn begins_with_oldest(&self) -> bool;

    /// Whether it cannot be answered without a store.
    fn needs_store(&self) -> bool;

    /// There is no project around the caller.
    fn has_no_project(&mut self);

    /// The reply, when no store is needed for it.
    ///
    /// # Errors
    /// Refusals.
    fn without_store(&self, settings: &Settings) -> Result<Option<Reply>, OpError>;

    /// Runs it, and waits as long as it wants to.
    ///
    /// # Errors
    /// Refusals and store errors.
    fn run(&self, store: &mut dyn Store, caller: &Caller, settings: &Settings) -> Result<Reply, OpError>;

    /// Tries it once, whether or not it would wait, with as many searches as it takes; the reply as JSON.
    ///
    /// # Errors
    /// Refusals and store errors.
    fn attempt(&self, store: &mut dyn Store, caller: &Caller, settings: &Settings) -> Result<String, OpError> {
        let mut findings = Findings::default();
        loop {
            match self.try_once(store, caller, settings, &mut findings)? {
                Tried::Done(reply) => return Ok(reply),
                Tried::Search => self.search(store, caller, settings, &mut findings),
                Tried::Portion => {}
            }
        }
    }

    /// One try, which holds the write lock for a bounded time and may ask for a search before the next one; the reply as JSON.
    ///
    /// # Errors
    /// Refusals and store errors.
    fn try_once(
        &self,
        store: &mut dyn Store,
        caller: &Caller,
        settings: &Settings,
        findings: &mut Findings,
    ) -> Result<Tried<String>, OpError>;

    /// Searches for what the last try asked for. It reads only; should it fail, the next try says so.
    fn search(&self, _store: &mut dyn Store, _caller: &Caller, _settings: &Settings, _findings: &mut Findings) {}

    /// While waiting: whether another try may go better. Anyone who asks is noted as there.
    ///
    /// # Errors
    /// Refusals and store errors.
    fn is_worth_trying(
        &self,
        store: &mut dyn Store,
        caller: &Caller,
        settings: &Settings,
        findings: &mut Findings,
    ) -> Result<bool, OpError>;

    /// Whether it goes on in a second step: then a refusal of that, or the end of its wait, is a reply.
    fn goes_on(&self) -> bool {
        false
    }

    /// The reply of a call that goes on, when its wait is over or was refused.
    ///
    /// # Errors
    /// The refusal, when its first step was not made; store errors.
    fn give_up(&self, _store: &mut dyn Store, _caller: &Caller, refusal: OpError) -> Result<String, OpError> {
        Err(refusal)
    }

    /// Whether it may grant tasks: on a store that has files beside it, it waits for their lock.
    fn may_grant(&self) -> bool {
        false
    }

    /// How lasting its effects must be; nothing when it has none.
    fn durability(&self) -> Option<Durability>;

    /// The reply that a JSON value is; none for a value that is no reply of this operation.
    fn read_reply(&self, reply: Value) -> Option<Reply>;

    /// The request as JSON, for another door of the same operation.
    ///
    /// # Errors
    /// `internal`.
    fn to_json(&self) -> Result<Value, OpError>;
}

pub(super) struct QueryCall<Q>(pub(super) Q);
pub(super) struct MutationCall<M>(pub(super) M);

/// The parts that a call of either kind leaves to its request.
macro_rules! of_request {
    ($request:ident) => {
        fn verb(&self) -> &'static str {
            $request::VERB
        }

        fn localise(&mut self, local: &mut dyn Local) -> Result<(), OpError> {
            self.0.localise(local)
        }

        fn name_commit(&mut self, local: &dyn Local) -> Result<(), OpError> {
            self.0.name_commit(local)
        }

        fn file_text(&mut self) -> Option<&mut Option<String>> {
            self.0.file_text()
        }

        fn check_remote(&self) -> Result<(), Rejection> {
            self.0.check_remote()
        }

        fn identity(&self) -> Identity {
            self.0.identity()
        }

        fn waiting(&self) -> Option<Waiting> {
            self.0.waiting()
        }

        fn at_page(&self, page: Page) -> Option<Box<dyn Call>> {
            Some(Box::new(Self(self.0.at_page(page)?)))
        }

        fn limit(&self) -> Option<usize> {
            self.0.limit()
        }

        fn begins_with_oldest(&self) -> bool {
            self.0.begins_with_oldest()
        }

        fn needs_store(&self) -> bool {
            self.0.needs_store()
        }

        fn has_no_project(&mut self) {
            self.0.has_no_project();
        }

        fn without_store(&self, settings: &Settings) -> Result<Option<Reply>, OpError> {
            Ok(self.0.without_store(settings)?.map(Reply::new))
        }

        fn read_reply(&self, reply: Value) -> Option<Reply> {
            read_as::<$request::Reply>(reply)
        }

        fn to_json(&self) -> Result<Value, OpError> {
            Ok(serde_json::to_value(&self.0)?)
        }
    };
}

impl<Q: Query> Call for QueryCall<Q> {
    of_request!(Q);

    fn run(&self, store: &mut dyn Store, caller: &Caller, settings: &Settings) -> Result<Reply, OpError> {
        call::query(store, caller, settings, &self.0).map(Reply::new)
    }

    fn try_once(
        &self,
        store: &mut dyn Store,
        caller: &Caller,
        settings: &Settings,
        _findings: &mut Findings,
    ) -> Result<Tried<String>, OpError> {
        Ok(Tried::Done(serde_json::to_string(&call::query_once(store, caller, settings, &self.0)?)?))
    }

    fn is_worth_trying(
        &self,
        _store: &mut dyn Store,
        _caller: &Caller,
        _settings: &Settings,
        _findings: &mut Findings,
    ) -> Result<bool, OpError> {
        Ok(true)
    }

    fn durability(&self) -> Option<Durability> {
        None
    }
}

impl<M: Mutation> Call for MutationCall<M> {
    of_request!(M);

    fn run(&self, store: &mut dyn Store, caller: &Caller, settings: &Settings) -> Result<Reply, OpError> {
        call::mutate(store, caller, settings, &self.0).map(Reply::new)
    }

    fn try_once(
        &self,
        store: &mut dyn Store,
        caller: &Caller,
        settings: &Settings,
        findings: &mut Findings,
    ) -> Result<Tried<String>, OpError> {
        let tried = match self.0.goes_on() {
            true => steps::try_once(store, caller, settings, &self.0, findings),
            false => call::try_step(store, caller, settings, &self.0, None, findings),
        };
        Ok(match tried? {
            Tried::Done(reply) => Tried::Done(as_text(reply)?),
            Tried::Search => Tried::Search,
            Tried::Portion => Tried::Portion,
        })
    }

    fn search(&self, store: &mut dyn Store, caller: &Caller, settings: &Settings, findings: &mut Findings) {
        call::search(store, caller, settings, &self.0, findings);
    }

    fn goes_on(&self) -> bool {
        self.0.goes_on()
    }

    fn give_up(&self, store: &mut dyn Store, caller: &Caller, refusal: OpError) -> Result<String, OpError> {
        as_text(steps::give_up(store, caller, &self.0, refusal)?)
    }

    fn is_worth_trying(
        &self,
        store: &mut dyn Store,
        caller: &Caller,
        settings: &Settings,
        findings: &mut Findings,
    ) -> Result<bool, OpError> {
        call::is_worth_trying(store, caller, settings, &self.0, findings)
    }

    fn may_grant(&self) -> bool {
        self.0.grants(false) != Grants::Nothing || (self.0.goes_on() && self.0.grants(true) != Grants::Nothing)
    }

    fn durability(&self) -> Option<Durability> {
        Some(M::DURABILITY)
    }
}

/// A reply as JSON, written once.
fn as_text<T: serde::Serialize>((reply, text): (T, Option<String>)) -> Result<String, OpError> {
    text.map_or_else(|| Ok(serde_json::to_string(&reply)?), Ok)
}

/// A JSON value as this reply, if it reads as one and says anything of what it has: a reply that may leave out all of its fields would be
/// read from any object.
fn read_as<T: DeserializeOwned + Serialize + Send + 'static>(reply: Value) -> Option<Reply> {
    let given: Vec<String> = reply.as_object()?.keys().cloned().collect();
    let read = T::deserialize(reply).ok()?;
    let known = serde_json::to_value(&read).ok()?;
    let says_some = known.as_object().is_some_and(|known| given.iter().any(|name| known.contains_key(name)));
    (says_some || seeded::is(seeded::ANY_ANSWER)).then(|| Reply::new(read))
}

/// A question as a call.
pub fn asked<Q: Query>(request: Q) -> impl Call {
    QueryCall(request)
}

/// An order as a call.
pub fn ordered<M: Mutation>(request: M) -> impl Call {
    MutationCall(request)
}
