//! Configuration files: defaults only. A repository may come from anyone, so its file can never
//! choose a store, a key or a command.

mod keys;

use oarlock_git::Shared;
use oarlock_host::file::{Links, Unreadable, read_small};
use oarlock_model::duration::Duration;
use oarlock_model::reservation::OnConflict;
use oarlock_model::{Rejection, limits, seeded};
use oarlock_ops::OpError;
use oarlock_ops::settings::Settings;
use serde_json::json;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use toml_edit::{Document, Item};

pub use keys::{Default as KeyDefault, KEYS, Key};

/// The largest configuration file, in bytes.
const CONFIG_BYTES_MAX: u64 = 64 << 10;

/// Paths that worktrees may share.
const SHARED_PATHS_MAX: usize = 100;

/// Words of a command.
const WORDS_MAX: usize = 100;

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
    /// An agent that still holds tasks is held back once when it stops; without this only the person is informed.
    pub hold: bool,
    /// The answer to an edit of a reserved path, where it is configured.
    pub conflict: Option<OnConflict>,
}

/// All that files of configuration say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config {
    /// The defaults of operations.
    pub settings: Settings,
    /// How hooks behave.
    pub hooks: HookSettings,
    /// The files of the caller's worktree that agents' worktrees share.
    pub shared: Shared,
    /// The command that takes over while the provider of a worker's command takes no requests: the user's alone.
    pub fallback: Option<Vec<OsString>>,
    /// How many agents the project's file asks for, where it may not have this many.
    pub agents_cut: Option<usize>,
}

impl Config {
    /// The note for a caller that uses the number of agents in the project's file, where that was cut.
    pub fn about_agents(&self) -> Option<String> {
        let (asked, most) = (self.agents_cut?, self.settings.agents);
        Some(format!(
            "note: `agents = {asked}` in .oarlock/config.toml counts as {most}, the most that a project's file may ask for; \
             --agents {asked} allows more, and so does your own config.toml"
        ))
    }
}

/// The user's file, then the project's, over the built-in defaults, the part of hooks included.
///
/// # Errors
/// As [`load`].
pub fn load_all(project_file: Option<&Path>) -> Result<Config, OpError> {
    let mut config = Config::default();
    if let Some(file) = user_file() {
        read_into(&mut config, &file, Of::User)?;
    }
    if let Some(file) = project_file {
        read_into(&mut config, file, Of::Project)?;
    }
    Ok(config)
}

/// How hooks behave when [`load_all`] fails: as the project's file says, if at least that can be understood. A file that cannot be read at all
/// may have been strict, and so it is.
pub fn hooks_despite(project_file: &Path) -> HookSettings {
    let strict = match read(project_file, Of::Project).map(|text| text.map(Document::parse)) {
        Ok(None) => false,
        Ok(Some(Ok(document))) => match document.get("hooks") {
            None => false,
            Some(hooks) => {
                hooks.as_table_like().is_none_or(|hooks| hooks.get("strict").is_some_and(|strict| strict.as_bool() != Some(false)))
            }
        },
        Ok(Some(Err(_))) | Err(_) => !seeded::is(seeded::UNREADABLE_IS_LENIENT),
    };
    HookSettings { strict, ..HookSettings::default() }
}

/// Whose file it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Of {
    /// This user's own, which may lie elsewhere behind a link.
    User,
    /// It came with a repository, perhaps.
    Project,
}

fn user_file() -> Option<PathBuf> {
    crate::user::config_base().map(|base| base.join("oarlock/config.toml"))
}

/// The text of a file: a regular one of at most 64 KiB, of any mode. A repository can bring links, to devices and pipes too.
fn read(file: &Path, of: Of) -> Result<Option<String>, OpError> {
    let links = if of == Of::User || seeded::is(seeded::LINKS_FOLLOWED) { Links::Followed } else { Links::Refused };
    let dir = file.parent().filter(|dir| links == Links::Refused && dir.is_symlink());
    if let Some(dir) = dir {
        return Err(bad(file, "", 0, &format!("{} is a link, which a repository can bring; remove it", dir.display())));
    }
    // Asked first: where no file may be opened any more, one that is not there is no fault.
    if file.symlink_metadata().is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound) {
        return Ok(None);
    }
    let bytes = read_small(file, CONFIG_BYTES_MAX, links).map_err(|why| {
        let why = match why {
            Unreadable::Link => "it is a link, which a repository can bring; put a regular file there".to_owned(),
            Unreadable::NoFile => "it is not a regular file".to_owned(),
            Unreadable::TooLarge(bytes) => format!("it has {bytes} bytes, at most {CONFIG_BYTES_MAX} are read"),
            Unreadable::Io(error) if error.kind() == std::io::ErrorKind::NotADirectory => return None,
            Unreadable::Io(error) => error.to_string(),
        };
        Some(bad(file, "", 0, &why))
    });
    match bytes {
        Ok(None) | Err(None) => Ok(None),
        Ok(Some(bytes)) => String::from_utf8(bytes).map(Some).map_err(|_| bad(file, "", 0, "it is not UTF-8 text")),
        Err(Some(error)) => Err(error),
    }
}

fn read_into(config: &mut Config, file: &Path, of: Of) -> Result<(), OpError> {
    let Some(text) = read(file, of)? else { return Ok(()) };
    let document =
        Document::parse(text.as_str()).map_err(|error| bad(file, &text, error.span().map_or(0, |span| span.start), error.message()))?;
    for (key, item) in document.iter() {
        let at = document.key(key).and_then(toml_edit::Key::span).or_else(|| item.span()).map_or(0, |span| span.start);
        set(config, key, item, of).map_err(|fault| match fault {
            Fault::Forbidden => Rejection::Denied {
                message: format!("{}: line {}: a configuration file cannot set \"{key}\"", file.display(), place(&text, at).0),
                hint: "use the command line or the environment for this",
            }
            .into(),
            Fault::OfUser(key) => Rejection::Denied {
                message: format!(
                    "{}: line {}: a project's file cannot set \"{key}\", which is a command",
                    file.display(),
                    place(&text, at).0
                ),
                hint: "put it into your own configuration, oarlock/config.toml below ~/.config",
            }
            .into(),
            Fault::Wrong(what) => bad(file, &text, at, &what),
        })?;
    }
    Ok(())
}

enum Fault {
    Forbidden,
    /// Only the user's own file may set this key.
    OfUser(&'static str),
    Wrong(String),
}

fn set(config: &mut Config, key: &str, item: &Item, of: Of) -> Result<(), Fault> {
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
                    _ => {
                        return Err(Fault::Wrong(format!(
                            "there is no setting \"hooks.{key}\"; known are {}",
                            keys::of_table("hooks").join(", ")
                        )));
                    }
                };
                *place = item.as_bool().ok_or_else(|| Fault::Wrong(format!("hooks.{key} must be true or false")))?;
            }
        }
        "reservations" => {
            let table = item.as_table_like().ok_or_else(|| Fault::Wrong("reservations must be a table: write [reservations]".into()))?;
            for (key, item) in table.iter() {
                if key != "conflict" {
                    return Err(Fault::Wrong(format!("there is no setting \"reservations.{key}\"; known is reservations.conflict")));
                }
                let answer = item.as_str().and_then(OnConflict::parse);
                config.hooks.conflict =
                    Some(answer.ok_or_else(|| Fault::Wrong("reservations.conflict must be \"refuse\" or \"warn\"".into()))?);
            }
        }
        "ralf" => {
            let table = item.as_table_like().ok_or_else(|| Fault::Wrong("ralf must be a table: write [ralf]".into()))?;
            for (key, item) in table.iter() {
                match key {
                    "abandoned_after" => settings.abandoned_after = duration("ralf.abandoned_after", item)?,
                    _ => {
                        return Err(Fault::Wrong(format!(
                            "there is no setting \"ralf.{key}\"; known is {}",
                            keys::of_table("ralf").join(", ")
                        )));
                    }
                }
            }
        }
        "worktree" => {
            let table = item.as_table_like().ok_or_else(|| Fault::Wrong("worktree must be a table: write [worktree]".into()))?;
            for (key, item) in table.iter() {
                let place = match key {
                    "link" => &mut config.shared.link,
                    "copy" => &mut config.shared.copy,
                    _ => {
                        return Err(Fault::Wrong(format!(
                            "there is no setting \"worktree.{key}\"; known are {}",
                            keys::of_table("worktree").join(", ")
                        )));
                    }
                };
                *place = paths(&format!("worktree.{key}"), item)?;
            }
        }
        "run" => {
            let table = item.as_table_like().ok_or_else(|| Fault::Wrong("run must be a table: write [run]".into()))?;
            for (key, item) in table.iter() {
                match key {
                    "fallback" => {
                        let words = command("run.fallback", item)?;
                        // A command: a repository may not bring one.
                        if of == Of::Project && !words.is_empty() {
                            return Err(Fault::OfUser("run.fallback"));
                        }
                        config.fallback = (!words.is_empty()).then_some(words);
                    }
                    _ => {
                        return Err(Fault::Wrong(format!(
                            "there is no setting \"run.{key}\"; known is {}",
                            keys::of_table("run").join(", ")
                        )));
                    }
                }
            }
        }
        "lease_ttl" => settings.lease_ttl = duration(key, item)?,
        "reservation_ttl" => settings.reservation_ttl = duration(key, item)?,
        "heartbeat_timeout" => settings.heartbeat_timeout = duration(key, item)?,
        // The former name still works.
        "lock_timeout" | "busy" => settings.busy = duration(key, item)?,
        "max_attempts" => settings.max_attempts = number(key, item, u64::from(limits::ATTEMPTS_MAX))? as u32,
        "retry_first" => settings.retry_first = duration(key, item)?,
        "agents" => {
            let most = if of == Of::User || seeded::is(seeded::PROJECT_STARTS_WORKERS) {
                limits::RUN_AGENTS_MAX
            } else {
                limits::PROJECT_AGENTS_MAX
            };
            let asked = number(key, item, limits::RUN_AGENTS_MAX as u64)? as usize;
            settings.agents = asked.min(most);
            config.agents_cut = Some(asked).filter(|asked| *asked > most);
        }
        _ if FORBIDDEN.contains(&key) => return Err(Fault::Forbidden),
        _ => {
            return Err(Fault::Wrong(format!(
                "there is no setting \"{key}\"; known are {}, and the tables [hooks], [ralf], [reservations], [run] and [worktree]",
                keys::top_level().join(", ")
            )));
        }
    }
    Ok(())
}

fn duration(key: &str, item: &Item) -> Result<Duration, Fault> {
    let text = item.as_str().ok_or_else(|| Fault::Wrong(format!("{key} must be a text such as \"15m\"")))?;
    text.parse().map_err(|error: Rejection| Fault::Wrong(format!("{key}: {error}")))
}

/// The words of a command.
fn command(key: &str, item: &Item) -> Result<Vec<OsString>, Fault> {
    let wrong = || Fault::Wrong(format!("{key} must be a list of at most {WORDS_MAX} words, such as [\"codex\", \"exec\"]"));
    let list = item.as_array().filter(|list| list.len() <= WORDS_MAX).ok_or_else(wrong)?;
    list.iter().map(|word| word.as_str().map(OsString::from).ok_or_else(wrong)).collect()
}

/// Paths from the top of the repository.
fn paths(key: &str, item: &Item) -> Result<Vec<String>, Fault> {
    let wrong =
        || Fault::Wrong(format!("{key} must be a list of at most {SHARED_PATHS_MAX} paths inside the repository, such as [\".env\"]"));
    let list = item.as_array().filter(|list| list.len() <= SHARED_PATHS_MAX).ok_or_else(wrong)?;
    list.iter().map(|path| path.as_str().filter(|path| Shared::is_path(path)).map(str::to_owned).ok_or_else(wrong)).collect()
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
        hint: "repair the file, or move it away".into(),
        details: json!({"file": file.display().to_string(), "line": line, "column": column}),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use oarlock_model::ErrorCode;

    fn written(text: &str) -> (tempfile::TempDir, PathBuf) {
        let temp = tempfile::tempdir().expect("temporary");
        let file = temp.path().join("config.toml");
        std::fs::write(&file, text).expect("temporary");
        (temp, file)
    }

    fn settings(text: &str, of: Of) -> Result<Settings, OpError> {
        let (_temp, file) = written(text);
        let mut config = Config::default();
        read_into(&mut config, &file, of).map(|()| config.settings)
    }

    #[test]
    fn defaults_can_be_changed() {
        let read = settings("lease_ttl = \"5m\"\nretry_first = \"1s\"\nagents = 7\n", Of::Project).expect("valid");
        assert_eq!((read.lease_ttl.as_ms(), read.retry_first.as_ms(), read.agents), (300_000, 1_000, 7));
        for key in ["lock_timeout", "busy"] {
            assert_eq!(settings(&format!("{key} = \"5s\"\n"), Of::Project).expect("valid").busy.as_ms(), 5_000, "{key}");
        }
    }

    #[test]
    fn every_listed_key_is_accepted_with_its_default() {
        for key in KEYS {
            let value = match key.default {
                KeyDefault::Text(text) => format!("{text:?}"),
                KeyDefault::Number(number) => number.to_string(),
                KeyDefault::False => "false".to_owned(),
                KeyDefault::Empty => "[]".to_owned(),
            };
            let line = match key.name.split_once('.') {
                Some((table, name)) => format!("[{table}]\n{name} = {value}\n"),
                None => format!("{} = {value}\n", key.name),
            };
            // The default changes nothing.
            assert_eq!(settings(&line, Of::Project).expect(key.name), Settings::default(), "{line}");
        }
        assert!(settings("colour = 1\n", Of::Project).expect_err("refused").to_string().contains("retry_first, agents, and the tables"));
    }

    #[test]
    fn the_command_that_takes_over_is_the_users_alone() {
        let line = "[run]\nfallback = [\"codex\", \"exec\", \"-s\", \"workspace-write\"]\n";
        let error = settings(line, Of::Project).expect_err("a repository may not bring commands");
        assert!(error.code() == ErrorCode::Denied && error.to_string().contains("run.fallback"), "{error}");
        let (_temp, file) = written(line);
        let mut config = Config::default();
        read_into(&mut config, &file, Of::User).expect("it is the user's");
        assert_eq!(config.fallback.map(|words| words.len()), Some(4));
        for wrong in ["[run]\nfallback = \"codex exec\"\n", "[run]\nfallback = [1]\n", "[run]\ncommand = []\n", "run = 1\n"] {
            assert_eq!(settings(wrong, Of::User).expect_err(wrong).code(), ErrorCode::DataDamaged);
        }
    }

    #[test]
    fn a_file_cannot_choose_a_store_a_key_or_a_command() {
        for key in FORBIDDEN {
            let error = settings(&format!("{key} = \"x\"\n"), Of::Project).expect_err("refused");
            assert_eq!(error.code(), ErrorCode::Denied, "{key}");
        }
    }

    #[test]
    fn mistakes_are_told_with_their_place() {
        let error = settings("agents = 3\nlease_ttl = \"soon\"\n", Of::Project).expect_err("refused").to_string();
        assert!(error.contains("line 2, column 1"), "{error}");
        for text in ["agents = \n", "agents = 0\n", "agents = 257\n", "colour = 1\n"] {
            assert!(settings(text, Of::Project).is_err(), "{text}");
        }
    }

    #[test]
    fn a_project_starts_few_workers_and_a_user_as_many_as_there_may_be() {
        let config = |text: &str, of: Of| {
            let (_temp, file) = written(text);
            let mut config = Config::default();
            read_into(&mut config, &file, of).map(|()| config).expect("valid")
        };
        let cut = config("agents = 256\n", Of::Project);
        assert_eq!((cut.settings.agents, cut.agents_cut), (limits::PROJECT_AGENTS_MAX, Some(256)));
        assert!(cut.about_agents().is_some_and(|note| note.contains("counts as 8") && note.contains("--agents 256")));
        for (text, of, agents) in [("agents = 256\n", Of::User, 256), ("agents = 8\n", Of::Project, 8)] {
            let whole = config(text, of);
            assert_eq!((whole.settings.agents, whole.about_agents()), (agents, None), "{text}");
        }
    }

    #[test]
    fn a_file_that_may_be_strict_is_strict() {
        for (text, strict) in [
            ("", false),
            ("lease_ttl = 3\n", false),
            ("lease_ttl = 3\n[hooks]\nstrict = false\n", false),
            ("lease_ttl = 3\n[hooks]\nstrict = true\n", true),
            ("[hooks]\nstrict = \"no\"\n", true),
            ("hooks = 1\n", true),
            ("lease_ttl = \n", true),
            ("[hooks\nstrict = false", true),
        ] {
            let (_temp, file) = written(text);
            assert_eq!(hooks_despite(&file).strict, strict, "{text:?}");
        }
        let (temp, file) = written("");
        assert!(!hooks_despite(&temp.path().join("none")).strict);
        std::fs::write(&file, b"\xff").expect("temporary");
        assert!(hooks_despite(&file).strict, "no text at all");
    }

    #[test]
    #[cfg(unix)]
    fn a_link_a_pipe_or_a_device_is_refused_at_once() {
        for target in ["/dev/zero", "/dev/tty", "other.toml", "nowhere"] {
            let (temp, file) = written("");
            std::fs::write(temp.path().join("other.toml"), "agents = 2\n").expect("temporary");
            std::fs::remove_file(&file).expect("temporary");
            std::os::unix::fs::symlink(target, &file).expect("linked");
            let error = load(Some(&file)).expect_err(target);
            assert!(error.code() == ErrorCode::DataDamaged && error.to_string().contains("it is a link"), "{target}: {error}");
            assert!(hooks_despite(&file).strict, "{target}");
        }
        let (_temp, file) = written("");
        std::fs::remove_file(&file).expect("temporary");
        assert!(std::process::Command::new("mkfifo").arg(&file).status().expect("it runs").success());
        for of in [Of::User, Of::Project] {
            let error = read(&file, of).expect_err("a pipe");
            assert!(error.to_string().contains("not a regular file"), "{error}");
        }
        // The user's own may be a link, to a regular file.
        let (temp, file) = written("agents = 9\n");
        let link = temp.path().join("link");
        std::os::unix::fs::symlink(&file, &link).expect("linked");
        assert_eq!(read(&link, Of::User).expect("readable").as_deref(), Some("agents = 9\n"));
        let zero = temp.path().join("zero");
        std::os::unix::fs::symlink("/dev/zero", &zero).expect("linked");
        assert!(read(&zero, Of::User).expect_err("a device").to_string().contains("not a regular file"));
    }

    #[test]
    #[cfg(unix)]
    fn a_file_behind_a_linked_directory_is_not_read() {
        let (temp, _file) = written("agents = 2\n");
        let link = temp.path().join(".oarlock");
        std::os::unix::fs::symlink(temp.path(), &link).expect("linked");
        let error = load(Some(&link.join("config.toml"))).expect_err("refused");
        assert!(error.to_string().contains(".oarlock is a link"), "{error}");
    }

    #[test]
    fn a_file_that_is_too_large_is_not_read() {
        let error = settings(&"# x\n".repeat(20_000), Of::Project).expect_err("refused").to_string();
        assert!(error.contains("at most 65536"), "{error}");
    }
}
