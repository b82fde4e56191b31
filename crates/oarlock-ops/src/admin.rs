//! Administration: whole stores rather than single nouns. These verbs work on the place of a store,
//! so that some of them can help where a store cannot be opened any more.

use clap::Args;
use oarlock_model::agent::Agent;
use oarlock_model::event::{DeathProof, NewIdentity, StoreRestored};
use oarlock_model::identity::Fresh;
use oarlock_model::{Rejection, StoreIdentity, seeded};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

use crate::OpError;
use crate::caller::Caller;
use crate::context::Deciding;
use crate::lock::Lock;
use crate::owners::Unseen;
use crate::settings::Settings;
use crate::store::Transaction;
use crate::{graph, reap};

/// The operations of an embedded store for its administrator.
pub trait Administration {
    /// Writes a consistent copy of the store to a new file. Returns its size in bytes.
    ///
    /// # Errors
    /// `already_exists` when the file is there; store errors.
    fn backup(&mut self, to: &Path) -> Result<u64, OpError>;

    /// Replaces the store's content with that of a backup and starts a new epoch: every session and
    /// lease ends, and tokens go on above all earlier ones.
    ///
    /// # Errors
    /// `data_damaged` when the backup does not pass the checks; then nothing has changed.
    fn restore(&mut self, from: &Path) -> Result<RestoreReply, OpError>;

    /// Writes the log as lines of JSON.
    ///
    /// # Errors
    /// Store errors, failures to write.
    fn export(&mut self, to: &mut dyn std::io::Write) -> Result<u64, OpError>;

    /// Replays an exported log into this store, which must be empty.
    ///
    /// # Errors
    /// `data_damaged` with the line; `state_conflict` when the store is not empty. Nothing has changed then.
    fn import(&mut self, from: &mut dyn std::io::BufRead) -> Result<RestoreReply, OpError>;

    /// Checks for damage, and repairs it when `fix` is set. Replaced files are kept beside the store.
    ///
    /// # Errors
    /// Only when it cannot look at all.
    fn doctor(&mut self, fix: bool, new_epoch: bool) -> Result<DoctorReply, OpError>;
}

/// Write the log as JSON lines to a file or to standard output.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Args)]
pub struct Export {
    /// The file; without it standard output
    #[arg(long, value_name = "F")]
    pub out: Option<PathBuf>,
}

/// Replay an exported log into an empty store. The store gets a new identity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Args)]
pub struct Import {
    /// The exported file; - reads standard input
    #[arg(value_name = "F")]
    pub file: PathBuf,
}

/// Copy the store while other processes go on working.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Args)]
pub struct Backup {
    /// The file to write, which must not exist; - writes to standard output
    #[arg(value_name = "F")]
    pub file: PathBuf,
}

/// Replace the store with a backup. All sessions and leases end, and the store gets a new identity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Args)]
pub struct Restore {
    /// A file that `backup` wrote; - reads standard input
    #[arg(value_name = "F")]
    pub file: PathBuf,
}

/// Check the store for damage, and repair it with --fix. The report is printed on standard output, also when it finds damage (exit 65).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Args)]
pub struct Doctor {
    /// Repair the damage that can be repaired; keep replaced files beside the store
    #[arg(long)]
    pub fix: bool,
    /// Start a new epoch: for a store file that was copied by hand
    #[arg(long)]
    pub new_epoch: bool,
}

/// The reply of `backup`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BackupReply {
    /// The file written.
    pub file: String,
    /// Its size.
    pub bytes: u64,
}

/// The reply of `export --out`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ExportReply {
    /// The file written.
    pub file: String,
    /// Events in it.
    pub events: u64,
}

/// The reply of `restore` and `import`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RestoreReply {
    /// The number of the last event.
    pub last_event: u64,
    /// The epoch that begins.
    pub epoch: u64,
    /// Sessions that ended.
    pub sessions_ended: u64,
    /// Where the replaced store was kept, if it could be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept: Option<String>,
}

/// The reply of `doctor`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DoctorReply {
    /// Whether the store can be trusted.
    pub ok: bool,
    /// The checks, in the order in which they were made.
    pub checks: Vec<DoctorCheck>,
    /// The repairs that were made.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fixed: Vec<String>,
}

/// One check of `doctor`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DoctorCheck {
    /// The checked part.
    pub check: String,
    /// Whether it is as it should be.
    pub ok: bool,
    /// The result of the check.
    pub found: String,
}

/// Starts a new epoch (semantics 2): the store gets a new identity, numbers go on above everything that this store, or the one it
/// replaces (`floor_seq`), can have given out, and every session and lease of before ends.
///
/// # Errors
/// Store errors; `limit_reached` should the numbers ever pass 2^53.
pub fn start_epoch(tx: &mut dyn Transaction, floor_seq: u64, fresh: Fresh) -> Result<RestoreReply, OpError> {
    let now = tx.view().now();
    let known_seq = tx.next_seq().saturating_sub(1).max(floor_seq);
    let identity = StoreIdentity::begin(fresh, now.wall, Some(known_seq))?;
    let epoch = identity.epoch();
    if !seeded::is(seeded::NO_NEW_EPOCH) {
        tx.skip_to(identity.base() + 1);
    }
    let (caller, settings, locks) = (Caller::default(), Settings::default(), [Lock::Everything]);
    let mut cx = Deciding::new(tx, &Unseen, &caller, &settings, &locks);
    cx.emit(StoreRestored { epoch, identity: Some(NewIdentity { id: identity.id(), base: identity.base() }) })?;
    let live: Vec<_> = cx.view().agents()?.into_iter().filter(Agent::is_live).collect();
    for agent in &live {
        reap::lose_session(&mut cx, agent, DeathProof::Restored)?;
    }
    graph::in_context(&mut cx)?;
    Ok(RestoreReply { last_event: cx.view().last_seq()?, epoch, sessions_ended: live.len() as u64, kept: None })
}

/// The refusal to overwrite a file.
pub fn file_exists(path: &Path) -> OpError {
    Rejection::AlreadyExists {
        noun: "file",
        id: oarlock_model::ident::shown(&path.display().to_string()),
        detail: None,
        hint: "choose another name, or remove the file first",
    }
    .into()
}
