//! [`Oarlock`]: a store, a caller and the defaults in one hand, for other Rust programs.

use oarlock_model::agent::Owner;
use oarlock_model::{AgentName, Rejection};
use oarlock_ops::OpError;
use oarlock_ops::agent::{Join, JoinReply};
use oarlock_ops::call;
use oarlock_ops::caller::Caller;
use oarlock_ops::registry;
use oarlock_ops::request::{Mutation, Query, Request as _};
use oarlock_ops::schema;
use oarlock_ops::settings::Settings;
use oarlock_ops::store::StoreError;
use oarlock_sqlite::{Options, Place, SqliteStore};
use serde_json::Value;
use std::path::Path;

use crate::beside;
use crate::cli::ThisMachine;
use crate::config;
use crate::interrupt::Interruptible;
use crate::project::Project;
use crate::trust;

/// A handle of an embedded store. Each thread uses its own.
#[derive(Debug)]
pub struct Oarlock {
    store: Interruptible<SqliteStore>,
    caller: Caller,
    settings: Settings,
}

impl Oarlock {
    /// Opens the project of the current directory.
    ///
    /// # Errors
    /// `not_found` when there is none, and those of the store.
    pub fn open_here() -> Result<Self, OpError> {
        let project = Project::find(&crate::project::current_dir()?)?;
        let settings = config::load(Some(&project.dir().join("config.toml")))?;
        let place = Place::of_file(project.store_file());
        trust::check_owner(&place)?;
        trust::check(&place)?;
        Ok(Self { settings, ..Self::open(&project.store_file())? })
    }

    /// Opens the store in this file, or makes it.
    ///
    /// # Errors
    /// Those of the store.
    pub fn open(file: &Path) -> Result<Self, OpError> {
        let place = Place::of_file(file);
        let (store, made) = SqliteStore::create(&place, crate::project::TASK_PREFIX, Options::default())?;
        if made {
            trust::remember(&place, store.identity().id())?;
        }
        let store = Interruptible(beside::with_files(store, &place, Options::default().busy));
        Ok(Self { store, caller: Caller::default(), settings: Settings::default() })
    }

    /// Joins as a new session that stands for this process: should it die, what it held is free at once.
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
        let process = oarlock_host::process::ProcessId::current().map_err(|error| StoreError::Unavailable {
            message: format!("this process cannot be identified: {error}"),
            hint: "is /proc mounted?".into(),
        })?;
        let owner = Owner::Lock { process: process.to_text(), grace_ms: 0 };
        let mut request = Join { owner, ..request };
        // A process that is named takes the place of this one.
        request.localise(&mut ThisMachine)?;
        request.host.pid.get_or_insert(std::process::id());
        let caller = Caller { key: key.map(str::to_owned), ..self.caller.clone() };
        let joined = call::mutate(&mut self.store, &caller, &self.settings, &request)?;
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
        if let Some(reply) = call.without_store(&self.settings)? {
            return reply.to_value();
        }
        let caller = Caller { key: key.map(str::to_owned), ..self.caller.clone() };
        call.run(&mut self.store, &caller, &self.settings)?.to_value()
    }

    /// Asks a query.
    ///
    /// # Errors
    /// Refusals and store errors.
    pub fn ask<Q: Query>(&mut self, request: &Q) -> Result<Q::Reply, OpError> {
        call::query(&mut self.store, &self.caller, &self.settings, request)
    }

    /// Orders a mutation.
    ///
    /// # Errors
    /// Refusals and store errors.
    pub fn order<M: Mutation>(&mut self, request: &M) -> Result<M::Reply, OpError> {
        call::mutate(&mut self.store, &self.caller, &self.settings, request)
    }

    /// Orders a mutation that happens once for this idempotency key, however often it is called.
    ///
    /// # Errors
    /// Refusals and store errors.
    pub fn order_once<M: Mutation>(&mut self, key: &str, request: &M) -> Result<M::Reply, OpError> {
        let caller = Caller { key: Some(key.to_owned()), ..self.caller.clone() };
        call::mutate(&mut self.store, &caller, &self.settings, request)
    }
}
