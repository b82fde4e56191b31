//! The environment variables. The list is held against the sources.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::markdown::{code, sentence, table};
use crate::support::workspace;

/// Variables that users may set or read.
const VARIABLES: [(&str, &str); 20] = [
    (
        "OARLOCK_STORE",
        "The store, as `--store`: `sqlite:PATH`, `http(s)://HOST:PORT` or `unix:PATH`. `work` and `run` set it for their command",
    ),
    ("OARLOCK_AGENT", "The caller's name, as `--as`. `work` and `run` set it for their command"),
    ("OARLOCK_SESSION", "The caller's session, as `--session`. `work` and `run` set it for their command"),
    ("OARLOCK_TASK", "The task that the command of `work` or `run` works on; set by Oarlock"),
    ("OARLOCK_TOKEN", "The token of that task; set by Oarlock"),
    ("OARLOCK_WORKTREE", "The top of the agent's worktree, with `work --worktree` and `run --worktrees`; set by Oarlock"),
    ("OARLOCK_BRANCH", "The branch of that task there; set by Oarlock"),
    ("OARLOCK_RESOURCES", "The resources of that task, comma separated, if it has any; set by Oarlock"),
    ("OARLOCK_KEY_FILE", "The file with the access key for a gateway, instead of the usual one"),
    ("OARLOCK_CA_FILE", "Certificate authorities to trust besides those of the system, for `https://`"),
    ("OARLOCK_PLAIN", "`1` allows `http://` to other machines, which sends the access key unencrypted"),
    ("OARLOCK_COMPLETE", "Set by the scripts of `oarlock completions`: the shell asks how a line goes on"),
    ("RALF_PROJECT_DIR", "The RALF project, for `ralf` and for stores beside RALF's files"),
    ("RALF_PROJECT_ROOT", "The same, if `RALF_PROJECT_DIR` is not set"),
    ("XDG_CONFIG_HOME", "The folder of the user's `oarlock/config.toml`; default `~/.config`"),
    ("XDG_STATE_HOME", "The folder of `oarlock/` with access keys and state of hooks; default `~/.local/state`"),
    ("NO_COLOR", "If set, output has no colour"),
    ("CLICOLOR", "`0` turns colour off"),
    ("TERM", "`dumb` turns colour off"),
    ("CLICOLOR_FORCE", "`1` turns colour on where standard output is not a terminal; `NO_COLOR` and `--json` win"),
];

/// Variables of development and of tests, or between processes of Oarlock.
const INTERNAL: &[&str] = &["OARLOCK_CALLS", "OARLOCK_SEEDED_FAULT"];

pub(super) fn page() -> String {
    let text = "# Environment variables\n\nFlags take precedence over variables, variables over [configuration files](configuration.md). An empty \
                variable counts as unset.\n\n";
    text.to_owned() + &table(["variable", "meaning"], VARIABLES.map(|(name, about)| [code(name), sentence(about)]))
}

/// The variables that the sources of a folder name in quotes.
fn named_in(dir: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(dir).expect("a folder of sources") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            named_in(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).expect("a source");
            // Tests beside the code set variables of their own.
            let text = text.split("#[cfg(test)]").next().unwrap_or_default();
            let quoted = text.split('"').filter(|word| ["OARLOCK_", "RALF_", "XDG_"].iter().any(|begin| word.starts_with(begin)));
            let is_name = |word: &str| !word.ends_with('_') && word.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
            found.extend(quoted.filter(|word| is_name(word)).map(str::to_owned));
        }
    }
}

#[test]
fn the_list_is_that_of_the_sources() {
    let mut found = BTreeSet::new();
    for name in ["oarlock", "oarlock-client", "oarlock-host", "oarlock-integrations", "oarlock-ralf", "oarlock-run", "oarlock-server"] {
        named_in(&workspace().join("crates").join(name).join("src"), &mut found);
    }
    found.extend(["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "TERM"].map(str::to_owned));
    // A prefix alone is no variable.
    let is_test = |name: &str| name.contains("_TEST_") || name.ends_with('_') || INTERNAL.contains(&name);
    let found: BTreeSet<&str> = found.iter().map(String::as_str).filter(|name| !is_test(name)).collect();
    assert_eq!(found, VARIABLES.iter().map(|(name, _)| *name).collect());
}
