//! [`Oarlock`]: a store, a caller and the defaults in one hand, for other Rust programs.

use oarlock_host::process::ProcessId;
use oarlock_model::agent::Owner;
use oarlock_model::{AgentName, Rejection};
use oarlock_ops::OpError;
use oarlock_ops::agent::{Join, JoinReply};
use oarlock_ops::caller::Caller;
use oarlock_ops::log::Events;
use oarlock_ops::registry;
use oarlock_ops::request::{Mutation, Query, Request as _};
use oarlock_ops::schema;
use oarlock_ops::settings::Settings;
use oarlock_ops::store::StoreError;
use oarlock_sqlite::{Options, StorePaths};
use serde_json::Value;
use std::ffi::OsStr;
use std::path::Path;

use crate::ThisMachine;
use crate::backend::Backend;
use crate::follow::Reader;
use crate::opening::create;
use crate::project::TASK_PREFIX;
use crate::trust;
use crate::whereabouts::{is_store_url, named_by_environment};

/// A handle of a store, here or at a gateway. Each thread uses its own.
#[derive(Debug)]
pub struct Oarlock {
    backend: Backend<'static>,
    caller: Caller,
    /// The defaults, where the store is here; a gateway has its own.
    settings: Option<Settings>,
}

impl Oarlock {
    /// Opens the store that the command line would use here: the one that `OARLOCK_STORE` names, a file's or a gateway's, else that of the project
    /// around the current directory.
    ///
    /// # Errors
    /// `not_found` when there is none, those of the store, `denied` without a key for the gateway.
    pub fn open_here() -> Result<Self, OpError> {
        Self::found(named_by_environment().as_deref())
    }

    /// Opens a store: a gateway by its URL (`http://HOST:PORT`, `https://HOST:PORT`, `unix:PATH`), a store that is there by `sqlite:PATH`, or the one
    /// in a file, which is made when it is not there.
    ///
    /// # Errors
    /// Those of the store; `not_found` for a URL without one, `denied` without a key for the gateway.
    pub fn open(store: impl AsRef<OsStr>) -> Result<Self, OpError> {
        let store = store.as_ref();
        if is_store_url(store) {
            return Self::found(Some(store));
        }
        let place = StorePaths::of_file(Path::new(store));
        let (opened, made) = create(&place, TASK_PREFIX, Options::default())?;
        if made {
            trust::remember(&place, opened.identity().id())?;
        }
        let settings = Settings::default();
        Ok(Self { backend: Backend::of_store(opened, settings.clone()), caller: Caller::default(), settings: Some(settings) })
    }

    fn found(named: Option<&OsStr>) -> Result<Self, OpError> {
        let (backend, settings) = Backend::find(named, None)?;
        Ok(Self { backend, caller: Caller::default(), settings })
    }

    /// Joins as a new session that means this process: should it die, what it held is free at once. At a gateway on another machine
    /// its leases end by their TTL.
    ///
    /// # Errors
    /// `already_exists` while another live session has the name.
    pub fn joined_as(mut self, name: &str) -> Result<Self, OpError> {
        self.join(Join { name: Some(AgentName::parse(name)?), ..Join::default() })?;
        Ok(self)
    }

    /// The same for any request to join. Calls from then on are this session's.
    ///
    /// # Errors
    /// `already_exists` while another live session has the name.
    pub fn join(&mut self, request: Join) -> Result<JoinReply, OpError> {
        self.join_once(request, None)
    }

    fn join_once(&mut self, request: Join, key: Option<&str>) -> Result<JoinReply, OpError> {
        let process = ProcessId::current().map_err(|error| StoreError::unidentified_process(&error))?;
        let process = process.to_text();
        // The lock of an owner lies beside the store, where a gateway's client has no place.
        let owner = if self.settings.is_some() { Owner::Lock { process, grace_ms: 0 } } else { Owner::Process { process } };
        let mut request = Join { owner, ..request };
        // A process that is named takes the place of this one.
        request.localise(&mut ThisMachine)?;
        request.host.pid.get_or_insert(std::process::id());
        let caller = Caller { key: key.map(str::to_owned), ..self.caller.clone() };
        let joined = self.backend.order(&caller, request)?;
        self.caller = Caller { name: Some(joined.agent.name.clone()), session: Some(joined.session.clone()), ..Caller::default() };
        Ok(joined)
    }

    /// Calls any operation by its verb, its request and reply as JSON: the fields are the long names of the flags with `_` for `-`, and
    /// operands by theirs. With a key it happens once, however often it is called.
    ///
    /// # Errors
    /// `invalid_request` for an unknown verb or field, refusals, store errors.
    pub fn call(&mut self, verb: &str, request: Value, key: Option<&str>) -> Result<Value, OpError> {
        let entry = registry::find(verb).ok_or_else(|| {
            let hint = "the verbs are those of the command line that need a store";
            Rejection::invalid(format!("there is no verb \"{}\"", oarlock_model::ident::shown(verb)), hint)
        })?;
        schema::check_fields(entry, &request)?;
        if verb == Join::VERB {
            return Ok(serde_json::to_value(self.join_once(registry::read(request)?, key)?)?);
        }
        let mut call = (entry.from_json)(request)?;
        call.localise(&mut ThisMachine)?;
        if let Some(settings) = &self.settings
            && let Some(reply) = call.without_store(settings)?
        {
            return reply.to_value();
        }
        let caller = Caller { key: key.map(str::to_owned), ..self.caller.clone() };
        self.backend.call(&*call, &caller)?.to_value()
    }

    /// Asks a query.
    ///
    /// # Errors
    /// Refusals and store errors.
    pub fn ask<Q: Query + Clone>(&mut self, request: &Q) -> Result<Q::Reply, OpError> {
        self.backend.ask(&self.caller, request.clone())
    }

    /// Orders a mutation.
    ///
    /// # Errors
    /// Refusals and store errors.
    pub fn order<M: Mutation + Clone>(&mut self, request: &M) -> Result<M::Reply, OpError> {
        self.backend.order(&self.caller, request.clone())
    }

    /// Orders a mutation that happens once for this idempotency key, however often it is called.
    ///
    /// # Errors
    /// Refusals and store errors.
    pub fn order_once<M: Mutation + Clone>(&mut self, key: &str, request: &M) -> Result<M::Reply, OpError> {
        let caller = Caller { key: Some(key.to_owned()), ..self.caller.clone() };
        self.backend.order(&caller, request.clone())
    }

    /// Hands the events that are asked for to `reader`, those to come included, until it has enough, the limit is reached, or nothing was logged for
    /// the time that the request would wait.
    ///
    /// # Errors
    /// `timed_out` when that time is over, store errors, those of the reader.
    pub fn follow(&mut self, asked: &Events, reader: &mut dyn Reader) -> Result<(), OpError> {
        self.backend.follow(&self.caller, asked, reader)
    }
}
