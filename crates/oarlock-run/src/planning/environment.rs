//! The environment that a planning program does not get: who its caller is at work, and which session a client runs in.

use std::ffi::OsString;

/// Variables by which clients know that they run inside of one of their own sessions, or where that works.
const OF_SESSIONS: [&str; 19] = [
    "CLAUDECODE",
    "CLAUDE_CODE_ENTRYPOINT",
    "CLAUDE_CODE_SESSION_ID",
    "CLAUDE_CODE_SSE_PORT",
    "CLAUDE_ENV_FILE",
    "CLAUDE_PLUGIN_ROOT",
    "CLAUDE_PROJECT_DIR",
    "CODEX_INTERNAL_ORIGINATOR_OVERRIDE",
    "CODEX_PROJECT_DIR",
    "CODEX_SANDBOX",
    "CODEX_SANDBOX_NETWORK_DISABLED",
    "CODEX_SESSION_ID",
    "CODEX_THREAD_ID",
    "CURSOR_PROJECT_DIR",
    "GEMINI_CLI",
    "GEMINI_PROJECT_DIR",
    "GEMINI_SESSION_ID",
    "OPENCODE",
    "OLDPWD",
];

/// Variables that lead git to a repository from any directory, or give it settings of anyone who called.
const OF_GIT: [&str; 9] = [
    "GIT_CEILING_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_CONFIG_COUNT",
    "GIT_CONFIG_PARAMETERS",
    "GIT_DIR",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_WORK_TREE",
];

/// Beginnings of the names of such variables that are numbered.
const NUMBERED: [&str; 2] = ["GIT_CONFIG_KEY_", "GIT_CONFIG_VALUE_"];

/// The names of those of `variables` that are taken away.
pub(super) fn removed(variables: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let is_removed = |name: &OsString| {
        let name = name.to_string_lossy();
        let is_numbered = NUMBERED.iter().any(|start| name.starts_with(start));
        name.starts_with("OARLOCK_") || is_numbered || OF_SESSIONS.contains(&&*name) || OF_GIT.contains(&&*name)
    };
    variables.filter(is_removed).collect()
}
