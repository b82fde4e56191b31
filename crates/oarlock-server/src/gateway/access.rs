//! Who may ask what: access keys bound to names, of which only hashes are kept.

mod key;
mod narrowed;
mod revoked;

use oarlock_client::gateway::{
    Access, AccessReply, AccessRequest, CreatedKey, GoneKeys, Key, ListedKeys, NewKey, RevokedKeys, write_private,
};
use oarlock_client::trust;
use oarlock_host::file::{Links, Unreadable, read_small};
use oarlock_host::owner::OwnerLock;
use oarlock_model::identity::StoreId;
use oarlock_model::rules::authority::{Authority, root_of, speaks_for};
use oarlock_model::{AgentName, Rejection, limits, seeded};
use oarlock_ops::OpError;
use oarlock_ops::registry;
use oarlock_ops::shapes::rfc3339;
use oarlock_ops::store::StoreError;
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock};
use std::time::SystemTime;

use key::Kept;
use narrowed::narrowed;
use revoked::with_descendants;

pub(crate) use key::Principal;

/// Keys of one gateway, at most.
const KEYS_MAX: usize = 10_000;

/// Keys that an agent and its helpers make for its helpers, if nothing else is said.
pub const KEYS_OF_AGENT_DEFAULT: usize = 100;

/// The list of keys of a store, in this user's own state: what lies beside a store may have come with a repository.
pub(crate) struct AccessList {
    /// Where it is; a store that is restored has another identity, and its list another place.
    file: Box<dyn Fn() -> Option<PathBuf> + Send + Sync>,
    /// Keys that an agent and its helpers make for its helpers, at most.
    pub(crate) keys_of_agent_max: usize,
    read: RwLock<Option<(Stamp, Vec<Kept>)>>,
}

/// The state of the file, to see a change.
type Stamp = Option<(SystemTime, u64, (u64, u64))>;

impl AccessList {
    /// The list of the store in this file, whose identity is what `identity` says now.
    pub(crate) fn of(store: &Path, identity: impl Fn() -> StoreId + Send + Sync + 'static) -> Self {
        let beside = former(store);
        let file = move || match seeded::is(seeded::KEYS_BESIDE_STORE_BELIEVED) && beside.exists() {
            true => Some(beside.clone()),
            false => trust::folder(identity()).map(|folder| folder.join(trust::KEYS)),
        };
        Self { file: Box::new(file), keys_of_agent_max: KEYS_OF_AGENT_DEFAULT, read: RwLock::new(None) }
    }

    /// The warning about a list that an older program has left beside a store, if there is one: nobody can know whether it came with the repository.
    pub(crate) fn about_former(store: &Path) -> Option<String> {
        let beside = former(store);
        beside.symlink_metadata().is_ok().then(|| {
            format!(
                "{} is not read: access keys are kept with your own files now. Make new ones with `oarlock access create`, and remove it",
                beside.display()
            )
        })
    }

    fn path(&self) -> std::io::Result<PathBuf> {
        (self.file)().ok_or_else(|| std::io::Error::other("there is no place for access keys: HOME is not set"))
    }

    /// Answers a request of this principal.
    ///
    /// # Errors
    /// `denied`, `invalid_request`, `not_found`, `limit_reached`; `data_damaged` and `store_unavailable` for the file.
    pub(crate) fn answer(&self, by: &Principal, request: AccessRequest, now_ms: i64) -> Result<AccessReply, OpError> {
        match request {
            AccessRequest::Create(wanted) => {
                let (access, key) = self.create(by, wanted, now_ms)?;
                Ok(AccessReply::Created(CreatedKey { access, key: key.reveal().to_owned() }))
            }
            AccessRequest::List => Ok(AccessReply::Listed(ListedKeys { access: self.list(by)? })),
            AccessRequest::Revoke(RevokedKeys { id }) => Ok(AccessReply::Revoked(GoneKeys { revoked: self.revoke(by, &id)? })),
        }
    }

    /// The keys that this principal may know of, oldest first, without their hashes: all, or an agent's own and those it made.
    fn list(&self, by: &Principal) -> Result<Vec<Access>, OpError> {
        Ok(self.load()?.1.into_iter().map(|kept| kept.access).filter(|access| knows(by, access)).collect())
    }

    /// Whom a key belongs to.
    ///
    /// # Errors
    /// `denied`: it is unknown, revoked or has ended; which of these is not reported.
    pub(crate) fn principal(&self, key: &Key, now_ms: i64) -> Result<Principal, OpError> {
        self.refresh()?;
        let read = self.read.read().unwrap_or_else(PoisonError::into_inner);
        let kept = read.iter().flat_map(|(_, all)| all).find(|kept| kept.access.id == key.id());
        // blake3's hashes are compared in constant time.
        let is_it = |kept: &&Kept| blake3::Hash::from_hex(&kept.hash).is_ok_and(|hash| hash == key.hash());
        let lives = |kept: &&Kept| kept.access.lives(now_ms);
        let Some(Kept { access, root, .. }) = kept.filter(is_it).filter(lives) else { return Err(unknown_key().into()) };
        Ok(Principal {
            key_id: access.id.clone(),
            name: (access.role == Authority::Agent).then(|| access.name.clone()),
            root: root.clone(),
            authority: access.role,
            verbs: access.verbs.clone(),
        })
    }

    /// The hash of the key with this id, if it has not ended.
    ///
    /// # Errors
    /// `data_damaged`, `store_unavailable`.
    pub(super) fn hash_of(&self, id: &str, now_ms: i64) -> Result<Option<blake3::Hash>, OpError> {
        self.refresh()?;
        let read = self.read.read().unwrap_or_else(PoisonError::into_inner);
        let kept = read.iter().flat_map(|(_, all)| all).find(|kept| kept.access.id == id && kept.access.lives(now_ms));
        Ok(kept.and_then(|kept| blake3::Hash::from_hex(&kept.hash).ok()))
    }

    /// Whether a key is one of these: then it is not that of the user who runs the gateway.
    ///
    /// # Errors
    /// `data_damaged`, `store_unavailable`.
    pub(crate) fn has(&self, key: &Key) -> Result<bool, OpError> {
        Ok(self.load()?.1.iter().any(|kept| kept.access.id == key.id()))
    }

    /// Makes a key. An agent makes only narrower ones than its own: for a name that begins with its own and a dot, with no
    /// other verbs than it has itself.
    ///
    /// # Errors
    /// `denied`, `invalid_request`, `limit_reached`, failures to write.
    fn create(&self, by: &Principal, wanted: NewKey, now_ms: i64) -> Result<(Access, Key), OpError> {
        if let Some(verb) = wanted.verbs.iter().find(|verb| registry::find(verb).is_none()) {
            let verb = oarlock_model::ident::shown(verb);
            return Err(
                Rejection::invalid(format!("there is no verb \"{verb}\""), "use verbs of `oarlock --help` that need a store").into()
            );
        }
        let verbs = narrowed(by, &wanted)?;
        let key = Key::random()?;
        let mut access = Access {
            id: key.id().to_owned(),
            name: wanted.name,
            role: wanted.role,
            verbs,
            parent: (by.authority == Authority::Agent).then(|| by.key_id.clone()),
            created_at: rfc3339(oarlock_model::WallTime(now_ms)),
            ends_at_ms: wanted.lifetime.map(|lifetime| now_ms + lifetime.as_ms()),
        };
        let hash = key.hash().to_hex().to_string();
        self.change(|all| {
            if all.len() >= KEYS_MAX {
                return Err(Rejection::limit("access keys", KEYS_MAX, all.len() + 1).into());
            }
            if let Some(id) = &access.parent {
                // It may have been revoked since it was looked at; and what comes from it does not outlive it.
                let parent = all.iter().find(|kept| kept.access.id == *id).filter(|parent| parent.access.lives(now_ms));
                let parent = parent.ok_or_else(unknown_key)?;
                access.ends_at_ms = [access.ends_at_ms, parent.access.ends_at_ms].into_iter().flatten().min();
                let names = names_of(all);
                let root = root_of(&access.name, |name| names.contains(name));
                let made = all.iter().filter(|kept| kept.access.parent.is_some() && speaks_for(&root, &kept.access.name)).count();
                if made >= self.keys_of_agent_max {
                    return Err(Rejection::limit("access keys of the helpers of one agent", self.keys_of_agent_max, made + 1).into());
                }
            }
            all.push(Kept { access: access.clone(), hash: hash.clone(), root: None });
            Ok(())
        })?;
        Ok((access, key))
    }

    /// Takes keys back, by id or by name, and those that were made by them.
    ///
    /// # Errors
    /// `not_found` when there is none, failures to write.
    fn revoke(&self, by: &Principal, id_or_name: &str) -> Result<Vec<Access>, OpError> {
        let mut revoked: Vec<Access> = Vec::new();
        self.change(|all| {
            let is_meant = |access: &Access| knows(by, access) && (access.id == id_or_name || access.name.as_str() == id_or_name);
            let gone = with_descendants(all, is_meant);
            if gone.is_empty() {
                let hint = "`oarlock access list` shows them".to_owned();
                let message = format!("there is no access key {}", oarlock_model::ident::shown(id_or_name));
                return Err(Rejection::Missing { message, hint }.into());
            }
            let (out, stay) = std::mem::take(all).into_iter().partition(|kept| gone.contains(&kept.access.id));
            *all = stay;
            revoked = out.into_iter().map(|kept: Kept| kept.access).collect();
            Ok(())
        })?;
        Ok(revoked)
    }

    fn stamp(&self) -> Stamp {
        let file = self.path().ok()?;
        let found = file.symlink_metadata().ok()?;
        Some((found.modified().ok()?, found.len(), oarlock_host::file::identity_at(&file).ok()?))
    }

    /// Reads the file again when it is another one than before: a key that was revoked is refused from the next request on.
    fn refresh(&self) -> Result<(), OpError> {
        let stamp = self.stamp();
        let is_current = self.read.read().unwrap_or_else(PoisonError::into_inner).as_ref().is_some_and(|(read, _)| *read == stamp);
        let is_read = self.read.read().unwrap_or_else(PoisonError::into_inner).is_some();
        let is_fixed = is_read && seeded::is(seeded::REVOKED_KEY_LIVES);
        if !is_current && !is_fixed {
            let loaded = self.load()?;
            *self.read.write().unwrap_or_else(PoisonError::into_inner) = Some(loaded);
        }
        Ok(())
    }

    fn load(&self) -> Result<(Stamp, Vec<Kept>), OpError> {
        let stamp = self.stamp();
        let Some(file) = stamp.and_then(|_| self.path().ok()) else { return Ok((None, Vec::new())) };
        let damaged = |what: &str| OpError::Damaged {
            message: format!("{}: {what}", file.display()),
            hint: "move the file away and make new keys: nobody gets in by a file that cannot be read".into(),
            details: serde_json::Value::Null,
        };
        if !file.symlink_metadata().is_ok_and(|found| oarlock_host::file::is_for_owner_only(&found)) && !seeded::is(seeded::MODES_OPEN) {
            return Err(damaged("it belongs to another user, or others may read or change it"));
        }
        let bytes = read_small(&file, trust::KEYS_BYTES_MAX, Links::Refused).map_err(|why| {
            damaged(&match why {
                Unreadable::Link | Unreadable::NoFile => "it is not a regular file".to_owned(),
                Unreadable::TooLarge(bytes) => format!("it has {bytes} bytes, at most {} are read", trust::KEYS_BYTES_MAX),
                Unreadable::Io(error) => error.to_string(),
            })
        })?;
        let all = bytes.map_or_else(|| Ok(Vec::new()), |bytes| serde_json::from_slice(&bytes));
        let mut all: Vec<Kept> = all.map_err(|error| damaged(&error.to_string()))?;
        let names = names_of(&all);
        for kept in all.iter_mut().filter(|kept| kept.access.role == Authority::Agent) {
            // It cannot get more by making keys for its helpers.
            kept.root = Some(root_of(&kept.access.name, |name| names.contains(name)));
        }
        Ok((stamp, all))
    }

    /// Changes the file, one process at a time.
    fn change(&self, change: impl FnOnce(&mut Vec<Kept>) -> Result<(), OpError>) -> Result<(), OpError> {
        let unavailable = |error: std::io::Error| StoreError::Unavailable {
            message: format!("failed to change the list of access keys: {error}"),
            hint: "look at the permissions and the free space of the directory for your own state; XDG_STATE_HOME names another".into(),
        };
        let file = self.path().map_err(unavailable)?;
        let _lock = self.lock().map_err(unavailable)?;
        let (_, mut all) = self.load()?;
        change(&mut all)?;
        let text = serde_json::to_string_pretty(&all)?;
        write_private(&file, format!("{text}\n").as_bytes()).map_err(unavailable)?;
        *self.read.write().unwrap_or_else(PoisonError::into_inner) = None;
        Ok(())
    }

    fn lock(&self) -> std::io::Result<OwnerLock> {
        let dir = self.path()?.parent().unwrap_or(Path::new(".")).join("locks");
        let started = std::time::Instant::now();
        loop {
            if let Some(lock) = OwnerLock::acquire(&dir, "access")? {
                return Ok(lock);
            }
            if started.elapsed() > std::time::Duration::from_millis(limits::BUSY_MS_DEFAULT.unsigned_abs()) {
                return Err(std::io::Error::new(std::io::ErrorKind::TimedOut, "another process is changing it"));
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
    }
}

/// The names of agents that have keys.
fn names_of(all: &[Kept]) -> HashSet<AgentName> {
    all.iter().filter(|kept| kept.access.role == Authority::Agent).map(|kept| kept.access.name.clone()).collect()
}

/// Where older programs kept the list.
fn former(store: &Path) -> PathBuf {
    let mut name = store.file_name().unwrap_or_default().to_owned();
    name.push(".access.json");
    store.with_file_name(name)
}

impl std::fmt::Debug for AccessList {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AccessList").field("file", &(self.file)()).finish_non_exhaustive()
    }
}

/// Whether a principal may know of a key, and revoke it.
fn knows(by: &Principal, access: &Access) -> bool {
    by.authority == Authority::Operator || access.id == by.key_id || access.parent.as_ref() == Some(&by.key_id)
}

/// The refusal of a key that opens nothing.
pub(super) fn unknown_key() -> Rejection {
    Rejection::Denied {
        message: "the access key is not one of this gateway, or was revoked, or has ended".into(),
        hint: "ask the operator of the gateway for a key: oarlock access create --name NAME",
    }
}

#[cfg(test)]
mod tests;
