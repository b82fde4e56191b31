//! A gateway of a test. With `OARLOCK_TEST_DOOR=gateway` every call of a verb that needs a store goes through one: the
//! same tests, by the other door.

use oarlock::ops::registry;
use serde_json::Value;
use std::ffi::OsStr;
use std::path::PathBuf;

use super::{Http, Project, Running, object};

/// A gateway that runs.
pub(crate) struct Served {
    /// Where it is.
    pub(crate) url: String,
    /// The file with the key of its user.
    pub(crate) key_file: PathBuf,
    /// Its process.
    pub(crate) running: Running,
}

impl Served {
    /// A client with its user's key.
    pub(crate) fn http(&self) -> Http {
        let key = std::fs::read_to_string(&self.key_file).expect("its key");
        Http::new(&self.url, key.trim())
    }
}

impl Project {
    /// A gateway of this project's store.
    #[track_caller]
    pub(crate) fn serve(&self, flags: &str) -> Served {
        let bind = if flags.contains("--bind") { "" } else { "--bind 127.0.0.1:0" };
        let mut running = self.start(&format!("serve {bind} {flags}"));
        let line = running.line();
        assert!(!line.is_empty(), "{}", String::from_utf8_lossy(&running.output().stderr));
        let said: Value = object(&line, &line);
        let word = |name: &str| said[name].as_str().expect("a word").to_owned();
        Served { url: word("url"), key_file: word("key_file").into(), running }
    }

    /// The gateway that this call is to go through, if any.
    pub(super) fn through_gateway<S: AsRef<OsStr>>(&self, args: &[S]) -> Option<&Served> {
        if std::env::var_os("OARLOCK_TEST_DOOR").is_none_or(|door| door != "gateway") || !self.store().exists() {
            return None;
        }
        let words: Vec<&str> = args.iter().filter_map(|arg| arg.as_ref().to_str()).collect();
        let names_store = words.iter().any(|word| word.starts_with("--store"));
        let verb = words.iter().find(|word| registry::find(word).is_some());
        let local = [
            "init",
            "work",
            "run",
            "ralf",
            "serve",
            "mcp",
            "access",
            "export",
            "import",
            "backup",
            "restore",
            "selftest",
            "doctor",
            "completions",
            "man",
        ];
        if names_store || verb.is_none() || words.iter().any(|word| local.contains(word)) {
            return None;
        }
        Some(self.served.get_or_init(|| self.serve("")))
    }
}
