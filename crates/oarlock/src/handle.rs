//! [`Oarlock`]: a store, a caller and the defaults in one hand, for other Rust programs.

use oarlock_model::AgentName;
use oarlock_model::agent::Owner;
use oarlock_ops::OpError;
use oarlock_ops::agent::Join;
use oarlock_ops::call::{self, Caller};
use oarlock_ops::request::{Mutation, Query};
use oarlock_ops::settings::Settings;
use oarlock_ops::store::StoreError;
use oarlock_sqlite::{Options, Place, SqliteStore};
use std::path::Path;

use crate::project::Project;

/// A handle of an embedded store. Each thread uses its own.
#[derive(Debug)]
pub struct Oarlock {
    store: SqliteStore,
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
        Self::open(&project.store_file())
    }

    /// Opens the store in this file, or makes it.
    ///
    /// # Errors
    /// Those of the store.
    pub fn open(file: &Path) -> Result<Self, OpError> {
        let (store, _) = SqliteStore::create(&Place::of_file(file), crate::project::TASK_PREFIX, Options::default())?;
        Ok(Self { store, caller: Caller::default(), settings: Settings::default() })
    }

    /// Joins as a new session that stands for this process: should it die, what it held is free at once.
    ///
    /// # Errors
    /// `already_exists` while another live session has the name.
    pub fn joined_as(mut self, name: &str) -> Result<Self, OpError> {
        let name = AgentName::parse(name)?;
        let process = oarlock_host::process::ProcessId::current().map_err(|error| StoreError::Unavailable {
            message: format!("this process cannot be identified: {error}"),
            hint: "is /proc mounted?".into(),
        })?;
        let owner = Owner::Lock { process: process.to_text(), grace_ms: 0 };
        let joined = self.order(&Join { name: Some(name.clone()), owner, ..Join::default() })?;
        self.caller = Caller { name: Some(name), session: Some(joined.session), ..Caller::default() };
        Ok(self)
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
