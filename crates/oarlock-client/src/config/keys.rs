//! The keys of configuration files, with their defaults: for messages and for the reference.

/// A key of a configuration file.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// The name; `TABLE.NAME` for a key of a table.
    pub name: &'static str,
    /// The default.
    pub default: Default,
    /// The description of the setting.
    pub about: &'static str,
}

/// The default of a key, which shows its type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Default {
    /// A text: a duration.
    Text(&'static str),
    /// A number.
    Number(u32),
    /// False, where true and false are allowed.
    False,
    /// An empty list of texts.
    Empty,
}

const fn key(name: &'static str, default: Default, about: &'static str) -> Key {
    Key { name, default, about }
}

/// All keys.
pub const KEYS: &[Key] = &[
    key("lease_ttl", Default::Text("15m"), "How long a lease lasts without a heartbeat or renewal"),
    key("reservation_ttl", Default::Text("1h"), "How long a reservation lasts without a heartbeat or renewal"),
    key("heartbeat_timeout", Default::Text("120s"), "After this long without a call, an agent is shown as stale"),
    key("lock_timeout", Default::Text("30s"), "How long a call waits for a busy store"),
    key("max_attempts", Default::Number(3), "Attempts of a task; after the last failure it is dead"),
    key("retry_first", Default::Text("15s"), "Pause after the first failure of a task; each further failure doubles it, up to 15 minutes"),
    key("agents", Default::Number(3), "Number of agents that `split` and `run` plan for; a project's file may set at most 8"),
    key("hooks.reserve", Default::False, "Hooks reserve a file before an agent edits it"),
    key("hooks.strict", Default::False, "Hooks refuse an edit or commit that they cannot check"),
    key("hooks.hold", Default::False, "Hooks hold an agent back once when it stops while it holds tasks"),
    key(
        "reservations.conflict",
        Default::Text("refuse"),
        "Answer of hooks to an edit of a file that another agent has reserved, `refuse` or `warn`; in linked worktrees the default is `warn`",
    ),
    key("worktree.link", Default::Empty, "Paths of the repository that agents' worktrees link to, for example node_modules"),
    key("worktree.copy", Default::Empty, "Paths of the repository that are copied into each agent's worktree, for example .env"),
    key(
        "run.fallback",
        Default::Empty,
        "Command of workers while the provider of their own takes no requests, for example [\"codex\", \"exec\"]; only in your own file",
    ),
    key(
        "ralf.abandoned_after",
        Default::Text("24h"),
        "After this long without a sign of life, a task that somebody has through RALF's files alone counts as abandoned",
    ),
];

/// The keys outside of tables.
pub(super) fn top_level() -> Vec<&'static str> {
    KEYS.iter().map(|key| key.name).filter(|name| !name.contains('.')).collect()
}

/// The keys of a table, without its name.
pub(super) fn of_table(table: &str) -> Vec<&'static str> {
    KEYS.iter().filter_map(|key| key.name.split_once('.')).filter(|(of, _)| *of == table).map(|(_, name)| name).collect()
}
