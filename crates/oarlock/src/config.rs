//! Configuration files: defaults only. A repository may come from anyone, so its file can never
//! choose a store, a key or a command.

use oarlock_model::duration::Duration;
use oarlock_model::{Rejection, limits};
use oarlock_ops::OpError;
use oarlock_ops::settings::Settings;
use serde_json::json;
use std::path::{Path, PathBuf};
use toml_edit::{Document, Item};

/// The largest configuration file, in bytes.
const CONFIG_BYTES_MAX: u64 = 64 << 10;

/// Keys that would be dangerous in a file that comes with a repository.
const FORBIDDEN: [&str; 6] = ["store", "key", "access_key", "command", "url", "program"];

/// The user's file, then the project's, over the built-in defaults.
///
/// # Errors
/// `data_damaged` with file, line and column; `denied` for a key that no file may set.
pub fn load(project_file: Option<&Path>) -> Result<Settings, OpError> {
    load_all(project_file).map(|config| config.settings)
}

/// How hooks behave where a file of configuration says so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HookSettings {
    /// A file that is about to be edited is reserved if nobody holds it.
    pub reserve: bool,
    /// An edit that cannot be checked is refused; without this it passes, and the failure is logged.
    pub strict: bool,
    /// An agent that still holds tasks is held back once when it stops; without this only the person is told.
    pub hold: bool,
}

/// All that files of configuration say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config {
    /// The defaults of operations.
    pub settings: Settings,
    /// How hooks behave.
    pub hooks: HookSettings,
}

/// The user's file, then the project's, over the built-in defaults, the part of hooks included.
///
/// # Errors
/// As [`load`].
pub fn load_all(project_file: Option<&Path>) -> Result<Config, OpError> {
    let mut config = Config::default();
    if let Some(file) = user_file() {
        read_into(&mut config, &file)?;
    }
    if let Some(file) = project_file {
        read_into(&mut config, file)?;
    }
    Ok(config)
}

fn user_file() -> Option<PathBuf> {
    crate::user::config_base().map(|base| base.join("oarlock/config.toml"))
}

fn read_into(config: &mut Config, file: &Path) -> Result<(), OpError> {
    match std::fs::metadata(file) {
        Err(_) => return Ok(()),
        Ok(found) if found.len() > CONFIG_BYTES_MAX => {
            return Err(bad(file, "", 0, &format!("it has {} bytes, at most {CONFIG_BYTES_MAX} are read", found.len())));
        }
        Ok(_) => {}
    }
    let text = std::fs::read_to_string(file).map_err(|error| bad(file, "", 0, &error.to_string()))?;
    let document =
        Document::parse(text.as_str()).map_err(|error| bad(file, &text, error.span().map_or(0, |span| span.start), error.message()))?;
    for (key, item) in document.iter() {
        let at = document.key(key).and_then(toml_edit::Key::span).or_else(|| item.span()).map_or(0, |span| span.start);
        set(config, key, item).map_err(|fault| match fault {
            Fault::Forbidden => Rejection::Denied {
                message: format!("{}: line {}: a configuration file cannot set \"{key}\"", file.display(), place(&text, at).0),
                hint: "use the command line or the environment for this",
            }
            .into(),
            Fault::Wrong(what) => bad(file, &text, at, &what),
        })?;
    }
    Ok(())
}

enum Fault {
    Forbidden,
    Wrong(String),
}

fn set(config: &mut Config, key: &str, item: &Item) -> Result<(), Fault> {
    let settings = &mut config.settings;
    match key {
        "hooks" => {
            let table = item.as_table_like().ok_or_else(|| Fault::Wrong("hooks must be a table: write [hooks]".into()))?;
            for (key, item) in table.iter() {
                let hooks = &mut config.hooks;
                let place = match key {
                    "reserve" => &mut hooks.reserve,
                    "strict" => &mut hooks.strict,
                    "hold" => &mut hooks.hold,
                    _ => return Err(Fault::Wrong(format!("there is no setting \"hooks.{key}\"; known are reserve, strict, hold"))),
                };
                *place = item.as_bool().ok_or_else(|| Fault::Wrong(format!("hooks.{key} must be true or false")))?;
            }
        }
        "lease_ttl" => settings.lease_ttl = duration(key, item)?,
        "reservation_ttl" => settings.reservation_ttl = duration(key, item)?,
        "heartbeat_timeout" => settings.heartbeat_timeout = duration(key, item)?,
        // The former name still works.
        "lock_timeout" | "busy" => settings.busy = duration(key, item)?,
        "max_attempts" => settings.max_attempts = number(key, item, u64::from(limits::ATTEMPTS_MAX))? as u32,
        "retry_first" => settings.retry_first = duration(key, item)?,
        "agents" => settings.agents = number(key, item, limits::RUN_AGENTS_MAX as u64)? as usize,
        _ if FORBIDDEN.contains(&key) => return Err(Fault::Forbidden),
        _ => {
            return Err(Fault::Wrong(format!(
                "there is no setting \"{key}\"; known are lease_ttl, reservation_ttl, heartbeat_timeout, lock_timeout, max_attempts, retry_first, agents, and the table [hooks]"
            )));
        }
    }
    Ok(())
}

fn duration(key: &str, item: &Item) -> Result<Duration, Fault> {
    let text = item.as_str().ok_or_else(|| Fault::Wrong(format!("{key} must be a text such as \"15m\"")))?;
    text.parse().map_err(|error: Rejection| Fault::Wrong(format!("{key}: {error}")))
}

fn number(key: &str, item: &Item, max: u64) -> Result<u64, Fault> {
    let number = item.as_integer().and_then(|n| u64::try_from(n).ok());
    number.filter(|n| (1..=max).contains(n)).ok_or_else(|| Fault::Wrong(format!("{key} must be a number from 1 to {max}")))
}

/// Line and column, from 1.
fn place(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or("");
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, |rest| rest.chars().count()) + 1;
    (line, column)
}

fn bad(file: &Path, text: &str, at: usize, what: &str) -> OpError {
    let (line, column) = place(text, at);
    OpError::Damaged {
        message: format!("{}: line {line}, column {column}: {what}", file.display()),
        hint: "mend the file, or move it away".into(),
        details: json!({"file": file.display().to_string(), "line": line, "column": column}),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Settings, OpError> {
        let temp = tempfile::tempdir().expect("temporary");
        let file = temp.path().join("config.toml");
        std::fs::write(&file, text).expect("temporary");
        let mut config = Config::default();
        read_into(&mut config, &file).map(|()| config.settings)
    }

    #[test]
    fn defaults_can_be_changed() {
        let settings = read("lease_ttl = \"5m\"\nretry_first = \"1s\"\nagents = 7\n").expect("valid");
        assert_eq!((settings.lease_ttl.as_ms(), settings.retry_first.as_ms(), settings.agents), (300_000, 1_000, 7));
        for key in ["lock_timeout", "busy"] {
            assert_eq!(read(&format!("{key} = \"5s\"\n")).expect("valid").busy.as_ms(), 5_000, "{key}");
        }
    }

    #[test]
    fn a_file_cannot_choose_a_store_a_key_or_a_command() {
        for key in FORBIDDEN {
            let error = read(&format!("{key} = \"x\"\n")).expect_err("refused");
            assert_eq!(error.code().code, "denied", "{key}");
        }
    }

    #[test]
    fn mistakes_are_told_with_their_place() {
        let error = read("agents = 3\nlease_ttl = \"soon\"\n").expect_err("refused").to_string();
        assert!(error.contains("line 2, column 1"), "{error}");
        assert!(read("agents = \n").is_err() && read("agents = 0\n").is_err() && read("colour = 1\n").is_err());
    }
}
