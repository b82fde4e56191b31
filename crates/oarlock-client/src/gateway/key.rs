//! Access keys and the files they are kept in: random, never in a command line, a URL or a log, readable by their
//! owner only.

use oarlock_host::file::{self as host_file, WithoutTraps as _};
use oarlock_model::seeded;
use oarlock_ops::OpError;
use oarlock_ops::store::StoreError;
use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use super::address::Address;
use crate::user;

/// The beginning of every key, so that secret scanners find a lost one.
const PREFIX: &str = "oarlock_";

/// Bytes of the part that names a key and is no secret.
const ID_BYTES: usize = 6;

/// Bytes of the secret: nobody guesses it, so a plain hash of it is safe to store.
const SECRET_BYTES: usize = 32;

/// The longest file that is read as a key.
const FILE_BYTES_MAX: u64 = 1_024;

/// Names the file of the key, where it is not the usual one.
const FILE_VARIABLE: &str = "OARLOCK_KEY_FILE";

/// An access key. It is shown nowhere but to whom it is given.
#[derive(Clone, PartialEq, Eq)]
pub struct Key {
    text: String,
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({}…)", self.id())
    }
}

impl Key {
    /// A new one.
    ///
    /// # Errors
    /// The operating system has no randomness.
    pub fn random() -> Result<Self, OpError> {
        let mut bytes = [0; ID_BYTES + SECRET_BYTES];
        getrandom::fill(&mut bytes).map_err(|error| OpError::Internal(format!("no randomness: {error}")))?;
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let (id, secret) = bytes.split_at(ID_BYTES);
        Ok(Self { text: format!("{PREFIX}{}_{}", hex(id), hex(secret)) })
    }

    /// A key that somebody presents; none if it has not the form of one.
    pub fn parse(text: &str) -> Option<Self> {
        let (id, secret) = text.strip_prefix(PREFIX)?.split_once('_')?;
        let is_hex = |text: &str, bytes: usize| text.len() == 2 * bytes && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        (is_hex(id, ID_BYTES) && is_hex(secret, SECRET_BYTES)).then(|| Self { text: text.to_owned() })
    }

    /// The part that names it and is no secret.
    pub fn id(&self) -> &str {
        self.text[PREFIX.len()..].split('_').next().unwrap_or_default()
    }

    /// The stored form of the key. Two hashes are compared in constant time.
    pub fn hash(&self) -> blake3::Hash {
        blake3::hash(self.text.as_bytes())
    }

    /// The key itself, for whom it is made and for the header of a request.
    pub fn reveal(&self) -> &str {
        &self.text
    }
}

/// Where clients of this user find the key of a gateway: `OARLOCK_KEY_FILE`, or a file named by the address in the user's
/// state directory (XDG Base Directory Specification).
///
/// # Errors
/// `store_unavailable` where neither is known.
pub fn file_for(address: &Address) -> Result<PathBuf, OpError> {
    match std::env::var_os(FILE_VARIABLE).filter(|file| !file.is_empty()) {
        Some(file) => Ok(PathBuf::from(file)),
        None => Ok(state_dir()?.join("keys").join(address.file_name())),
    }
}

fn state_dir() -> Result<PathBuf, OpError> {
    user::state_dir().ok_or_else(|| {
        StoreError::Unavailable {
            message: "there is no place for the gateway's key: HOME is not set".into(),
            hint: format!("set HOME, or name the file in {FILE_VARIABLE}"),
        }
        .into()
    })
}

/// Reads a key. A file that others may read, that belongs to somebody else or that is a link is not believed.
///
/// # Errors
/// `denied` for such a file and for one that holds no key; `not_found` when there is none.
pub fn read(file: &Path) -> Result<Key, OpError> {
    let opened = OpenOptions::new().read(true).without_traps().open(file).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => denied(
            format!("there is no access key at {}", file.display()),
            "start the gateway as this user, or put the key you were given into a file and name it in OARLOCK_KEY_FILE",
        ),
        _ => denied(format!("the access key {} cannot be read: {error}", file.display()), "look at its owner and permissions"),
    })?;
    let found = opened.metadata().map_err(|error| cannot("read", file, &error))?;
    let is_open = !host_file::is_for_owner_only(&found) && !seeded::is(seeded::OPEN_KEY_FILE);
    if !found.is_file() || is_open {
        return Err(denied(
            format!("the access key {} may be read by others, belongs to another user or is not a file", file.display()),
            "take it back (chmod 600), and make a new key: this one may be known",
        ));
    }
    let mut text = String::new();
    opened.take(FILE_BYTES_MAX).read_to_string(&mut text).map_err(|error| cannot("read", file, &error))?;
    Key::parse(text.trim()).ok_or_else(|| denied(format!("{} holds no access key", file.display()), "put the key there, and nothing else"))
}

/// Writes a key for its owner only, in one step; a link or file that is there is replaced, never followed.
///
/// # Errors
/// The file or its directory cannot be made.
pub fn write(file: &Path, key: &Key) -> Result<(), OpError> {
    write_private(file, format!("{}\n", key.reveal()).as_bytes()).map_err(|error| cannot("write", file, &error))
}

/// Writes a file that its owner alone may read, in one step.
///
/// # Errors
/// The file or its directory cannot be made.
pub fn write_private(file: &Path, bytes: &[u8]) -> io::Result<()> {
    let dir = file.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if !dir.exists() {
        host_file::private_dir().recursive(true).create(dir)?;
    }
    let mut random = [0; 8];
    getrandom::fill(&mut random).map_err(|error| io::Error::other(error.to_string()))?;
    let partial = dir.join(format!(".{:016x}.partial", u64::from_ne_bytes(random)));
    let written = OpenOptions::new().write(true).create_new(true).made_with(0o600).open(&partial).and_then(|mut out: File| {
        out.write_all(bytes)?;
        out.sync_all()?;
        std::fs::rename(&partial, file)
    });
    if written.is_err() {
        let _ = std::fs::remove_file(&partial);
    }
    written
}

fn denied(message: String, hint: &'static str) -> OpError {
    oarlock_model::Rejection::Denied { message, hint }.into()
}

fn cannot(doing: &str, file: &Path, error: &io::Error) -> OpError {
    StoreError::Unavailable {
        message: format!("failed to {doing} {}: {error}", file.display()),
        hint: "look at the permissions and the free space".into(),
    }
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use oarlock_model::ErrorCode;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_key_is_random_and_has_a_form_of_its_own() {
        let (one, two) = (Key::random().expect("random"), Key::random().expect("random"));
        assert!(one != two && one.id() != two.id() && one.hash() != two.hash());
        assert_eq!(Key::parse(one.reveal()), Some(one.clone()));
        for bad in ["", "oarlock_", "oarlock_12_34", &one.reveal()[..40], &format!("{}0", one.reveal())] {
            assert_eq!(Key::parse(bad), None, "{bad}");
        }
        assert!(!format!("{one:?}").contains(&one.reveal()[30..]));
    }

    #[test]
    fn a_file_that_others_may_read_is_not_believed() {
        let temp = tempfile::tempdir().expect("temporary");
        let file = temp.path().join("keys/a");
        let key = Key::random().expect("random");
        write(&file, &key).expect("written");
        assert_eq!(std::fs::metadata(&file).expect("there").permissions().mode() & 0o777, 0o600);
        assert_eq!(read(&file).expect("mine"), key);
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o640)).expect("set");
        assert_eq!(read(&file).expect_err("readable by others").code(), ErrorCode::Denied);
    }

    #[test]
    fn a_link_is_neither_read_nor_written_through() {
        let temp = tempfile::tempdir().expect("temporary");
        let (target, link) = (temp.path().join("target"), temp.path().join("link"));
        let key = Key::random().expect("random");
        write(&target, &key).expect("written");
        std::os::unix::fs::symlink(&target, &link).expect("linked");
        assert_eq!(read(&link).expect_err("a link").code(), ErrorCode::Denied);
        let other = Key::random().expect("random");
        write(&link, &other).expect("written");
        assert_eq!((read(&target).expect("untouched"), read(&link).expect("a file now")), (key, other));
    }
}
