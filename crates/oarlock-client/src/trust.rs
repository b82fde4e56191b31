//! Whose store it is. A repository can bring a whole store, with tasks and messages of somebody else's making, and another user can leave one
//! in a folder above: neither is opened. The user's own state knows the stores that this user has made.
//!
//! - What git tracks of `.oarlock`, but its configuration, came with the repository, perhaps. Nothing tracked: nothing came, and nothing more
//!   is asked; that is the case of nearly every call.
//! - Else the store must be known by its identity, and its files must be those that were there when it became known: a pull could replace them.

use oarlock_host::file::{self, Links, Owner, canonical, private_dir, read_small};
use oarlock_model::identity::StoreId;
use oarlock_model::{Rejection, seeded};
use oarlock_ops::OpError;
use oarlock_ops::store::StoreError;
use oarlock_sqlite::StorePaths;
use serde::{Deserialize, Serialize};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use crate::paths::{PROJECT_DIR, current_dir};
use crate::user;

/// Files that may come with a repository.
const MAY_BE_TRACKED: &str = "config.toml";

/// The longest file of known facts about a store, in bytes.
const KNOWN_BYTES_MAX: u64 = 64 << 10;

/// Places of one store that are remembered: copies of a directory have its identity.
const PLACES_MAX: usize = 32;

/// Names that a message has at most.
const NAMES_MAX: usize = 3;

/// The folder of this user's own state for one store: its access keys, and where it is known to be.
pub fn folder(store: StoreId) -> Option<PathBuf> {
    user::state_dir().map(|dir| dir.join("stores").join(store.to_string()))
}

/// Refuses a store that came with a repository. Asked before it is opened; a store that is not there is nobody's.
///
/// # Errors
/// `denied`, with what to do.
pub fn check(place: &StorePaths) -> Result<(), OpError> {
    let tracked = match brought(place)? {
        Brought::Nothing => return Ok(()),
        _ if seeded::is(seeded::UNKNOWN_STORE_OPENED) => return Ok(()),
        Brought::Whole => return Err(not_acceptable(place)),
        Brought::Files(tracked) => tracked,
    };
    if place.file().symlink_metadata().is_err() {
        return Ok(());
    }
    let is_known = place.identity().is_ok_and(|identity| is_known_at(identity, place, &tracked));
    if is_known {
        return Ok(());
    }
    let more = tracked.len().saturating_sub(NAMES_MAX);
    let names: Vec<String> = tracked.iter().take(NAMES_MAX).map(|name| oarlock_model::ident::shown(name)).collect();
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    Err(Rejection::Denied {
        message: format!(
            "the store {} is not known to be yours, and git tracks {}{more} there: the author of the repository may have created the store",
            place.file().display(),
            names.join(", ")
        ),
        hint: "to have your own, `git rm -r --cached .oarlock`, move .oarlock away and run `oarlock init`; to use this one with all that \
               its tasks and messages say, run `oarlock init --accept`",
    }
    .into())
}

/// Refuses a directory that cannot be accepted either: git would go on to change its files.
///
/// # Errors
/// `denied`, with what to do.
pub fn check_acceptable(place: &StorePaths) -> Result<(), OpError> {
    if matches!(brought(place)?, Brought::Whole) { Err(not_acceptable(place)) } else { Ok(()) }
}

fn not_acceptable(place: &StorePaths) -> OpError {
    Rejection::Denied {
        message: format!("{} is a repository of its own or part of one, so its content came with that repository", place.dir().display()),
        hint: "take it out of the repository (`git rm --cached .oarlock`), move it away, and make a store with `oarlock init`",
    }
    .into()
}

/// Remembers that this user has made the store, or accepted it, as it lies there now. Where nothing can be kept, git is asked each time.
///
/// # Errors
/// `store_unavailable` when it cannot be kept although git tracks files there, so that the next call would refuse it.
pub fn remember(place: &StorePaths, store: StoreId) -> Result<(), OpError> {
    let kept = folder(store).ok_or_else(|| std::io::Error::other("HOME is not set")).and_then(|folder| {
        private_dir().recursive(true).create(&folder)?;
        let mut known = read_known(&folder);
        let now = Files::at(place);
        known.files.retain(|files| *files != now && files.database != now.database);
        let more = (known.files.len() + 1).saturating_sub(PLACES_MAX);
        known.files.drain(..more);
        known.files.push(now);
        let mut temporary = tempfile::NamedTempFile::new_in(&folder)?;
        temporary.write_all(&serde_json::to_vec(&known)?)?;
        temporary.persist(folder.join("known.json")).map(drop).map_err(|error| error.error)
    });
    match kept {
        Err(error) if !matches!(brought(place), Ok(Brought::Nothing)) => Err(StoreError::Unavailable {
            message: format!("it cannot be remembered that this store is yours: {error}"),
            hint: "set XDG_STATE_HOME to a directory that can be written, or take .oarlock out of git: `git rm -r --cached .oarlock`"
                .into(),
        }
        .into()),
        _ => Ok(()),
    }
}

/// Lets the access keys of a store go on under the identity that it has got by a restore, an import or a new epoch. Those of the former one
/// stay where they are: a copy of the store may still have it.
pub fn carry_keys(from: StoreId, to: StoreId) {
    let (Some(from), Some(to)) = (folder(from), folder(to)) else { return };
    let (from, to) = (from.join(KEYS), to.join(KEYS));
    if from == to || to.exists() {
        return;
    }
    // Without them new keys have to be made, which is said where a key is refused.
    let _ = private_copy(&from, &to);
}

/// The list of a store's access keys in its folder.
pub const KEYS: &str = "access.json";

/// The largest list of keys, in bytes.
pub const KEYS_BYTES_MAX: u64 = 8 << 20;

fn private_copy(from: &Path, to: &Path) -> std::io::Result<()> {
    let Ok(Some(bytes)) = read_small(from, KEYS_BYTES_MAX, Links::Refused) else { return Ok(()) };
    let dir = to.parent().unwrap_or(Path::new("."));
    private_dir().recursive(true).create(dir)?;
    let mut temporary = tempfile::NamedTempFile::new_in(dir)?;
    temporary.write_all(&bytes)?;
    temporary.persist(to).map(drop).map_err(|error| error.error)
}

/// Refuses the project of another user, as git does (`safe.directory`): a folder above may be anybody's. Root may use the project of the user
/// in whose folder it lies, as in a container.
///
/// # Errors
/// `denied`.
pub fn check_owner(place: &StorePaths) -> Result<(), OpError> {
    let own = Owner::own();
    let root = place.dir().parent().filter(|root| !root.as_os_str().is_empty()).unwrap_or(Path::new("."));
    for path in [place.dir(), place.file()] {
        let Ok(found) = path.symlink_metadata() else { continue };
        let owner = file::owner(&found);
        let is_of_folder = || own.is_root() && root.metadata().is_ok_and(|root| file::owner(&root) == owner);
        if owner == own || is_of_folder() || seeded::is(seeded::OTHERS_STORE_OPENED) {
            continue;
        }
        return Err(Rejection::Denied {
            message: format!("{} belongs to {owner}, and you are {own}", path.display()),
            hint: "make a project of your own with `oarlock init` in your directory, or name this store with --store sqlite:PATH if you trust it",
        }
        .into());
    }
    Ok(())
}

/// The files that a repository may have brought to a store's place.
enum Brought {
    Nothing,
    /// All of the directory: a link, a file or a repository of its own.
    Whole,
    /// These files in it.
    Files(Vec<String>),
}

fn brought(place: &StorePaths) -> Result<Brought, OpError> {
    // A store elsewhere was named by its user.
    if place.dir().file_name().is_none_or(|name| name != PROJECT_DIR) {
        return Ok(Brought::Nothing);
    }
    if oarlock_git::is_top(place.dir()) {
        return Ok(Brought::Whole);
    }
    let dir = real(place.dir());
    let mut tracked = Vec::new();
    let here = current_dir().ok().and_then(|here| here.ancestors().find(|above| oarlock_git::is_top(above)).map(real));
    let of_store = oarlock_git::worktree_of(&dir);
    // The worktree that the caller is in may be another one of the same repository.
    let of_caller = here.filter(|here| of_store.as_ref().is_none_or(|(top, _)| top != here)).map(|top| (top, PROJECT_DIR.to_owned()));
    for (top, prefix) in [of_store, of_caller].into_iter().flatten() {
        let names = oarlock_git::tracked(&top, &prefix).map_err(|error| StoreError::Unavailable {
            message: format!("git's index of {} cannot be read: {error}", top.display()),
            hint: "it says whether the store came with the repository; look at its permissions and at the limits of open files".into(),
        })?;
        match names {
            None => tracked.push(format!("{prefix} (git cannot be asked)")),
            Some(names) if names.contains(&prefix) => return Ok(Brought::Whole),
            Some(names) => {
                let config = format!("{prefix}/{MAY_BE_TRACKED}");
                tracked.extend(names.into_iter().filter(|name| *name != config));
            }
        }
    }
    Ok(if tracked.is_empty() { Brought::Nothing } else { Brought::Files(tracked) })
}

fn real(path: &Path) -> PathBuf {
    canonical(path).unwrap_or_else(|_| path.to_owned())
}

/// The files of a store that decide what it says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Files {
    database: Option<Stamp>,
    log: Option<Stamp>,
    memory: Option<Stamp>,
}

/// The identity of a file, to see that git replaced it: device, number, and creation time in nanoseconds since 1970, where that is known.
type Stamp = (u64, u64, u64);

impl Files {
    fn at(place: &StorePaths) -> Self {
        let stamp = |suffix: &str| {
            let path = beside(place, suffix);
            let found = path.symlink_metadata().ok()?;
            let made = found.created().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
            let (device, number) = file::identity_at(&path).ok()?;
            Some((device, number, made.map_or(0, |made| u64::try_from(made.as_nanos()).unwrap_or(0))))
        };
        Self { database: stamp(""), log: stamp("-wal"), memory: stamp("-shm") }
    }
}

fn beside(place: &StorePaths, suffix: &str) -> PathBuf {
    let mut path = place.file().as_os_str().to_owned();
    path.push(suffix);
    path.into()
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Known {
    #[serde(default)]
    files: Vec<Files>,
}

fn read_known(folder: &Path) -> Known {
    let text = read_small(&folder.join("known.json"), KNOWN_BYTES_MAX, Links::Refused).ok().flatten();
    text.and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default()
}

/// Whether the store is known, and none of its files that git tracks is another than when it became so.
fn is_known_at(store: StoreId, place: &StorePaths, tracked: &[String]) -> bool {
    let Some(known) = folder(store).map(|folder| read_known(&folder)) else { return false };
    let name = place.file().file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let is_tracked = |suffix: &str| tracked.iter().any(|path| path.ends_with(&format!("{PROJECT_DIR}/{name}{suffix}")));
    if is_tracked("-journal") {
        return false;
    }
    let now = Files::at(place);
    known.files.iter().any(|files| {
        (!is_tracked("") || files.database == now.database)
            && (!is_tracked("-wal") || files.log == now.log)
            && (!is_tracked("-shm") || files.memory == now.memory)
    })
}
