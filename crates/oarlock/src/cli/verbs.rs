//! All verbs of the command line in one list: those of the registry, and those that need this machine.

use clap::{Arg, Command};
use oarlock_ops::admin::{Backup, Doctor, Export, Import, Restore};
use oarlock_ops::registry::{self, Group};

#[cfg(feature = "gateway")]
use super::access::AccessArgs;
use super::hook::HookArgs;
use super::init::Init;
#[cfg(feature = "gateway")]
use super::mcp::McpArgs;
use super::merge::MergeArgs;
use super::own_args::{CompletionsArgs, HelpArgs, ManArgs};
use super::pictures::{GraphArgs, TimelineArgs};
use super::ralf::Ralf;
use super::report::ReportArgs;
use super::runner::{RunArgs, WorkArgs};
use super::selftest::Selftest;
#[cfg(feature = "gateway")]
use super::serve::ServeArgs;
use super::setup::SetupArgs;
use super::worktrees::{ConflictsArgs, ForgetArgs};

/// One verb of the command line, as help and the reference show it.
#[derive(Clone, Copy, Debug)]
pub struct Verb {
    /// The verb, as typed.
    pub name: &'static str,
    /// One line of help.
    pub about: &'static str,
    /// Where lists of verbs have it.
    pub group: Group,
    /// Whether short help shows it with its line of help.
    pub is_everyday: bool,
    /// Arguments of a working example.
    pub example: &'static [&'static str],
    /// Adds its arguments to a command.
    pub(crate) arguments: fn(Command) -> Command,
}

const fn local(
    group: Group,
    name: &'static str,
    about: &'static str,
    example: &'static [&'static str],
    arguments: fn(Command) -> Command,
) -> Verb {
    Verb { name, about, group, is_everyday: false, example, arguments }
}

impl Verb {
    const fn everyday(mut self) -> Self {
        self.is_everyday = true;
        self
    }

    /// The verb as clap knows it, without the flags that every verb has.
    pub fn command(&self) -> Command {
        (self.arguments)(Command::new(self.name))
    }

    /// The example as it is typed.
    pub fn example_line(&self) -> String {
        let words = ["oarlock", self.name].into_iter().chain(self.example.iter().copied());
        words.map(quoted).collect::<Vec<_>>().join(" ")
    }
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,@+".contains(c);
    if word.chars().all(is_plain) { word.to_owned() } else { format!("'{word}'") }
}

/// The first verb of all lists.
const INIT: Verb =
    local(Group::Project, "init", "Create the project; running it again changes nothing", &[], registry::arguments::<Init>).everyday();

/// The other verbs that need more than a store.
const LOCAL: &[Verb] = &[
    local(
        Group::Running,
        "run",
        "Split a file or task and run a command on its parts with several workers",
        &["docs/plan.md", "--agents", "3", "--", "./agent.sh"],
        registry::arguments::<RunArgs>,
    )
    .everyday(),
    local(
        Group::Running,
        "work",
        "Claim tasks and run a command for each",
        &["--as", "ada", "--", "./agent.sh"],
        registry::arguments::<WorkArgs>,
    )
    .everyday(),
    local(
        Group::Project,
        "graph",
        "Draw which task waits for which, as text, SVG, Mermaid or DOT",
        &["--format", "svg", "--out", "tasks.svg"],
        registry::arguments::<GraphArgs>,
    ),
    local(
        Group::Project,
        "timeline",
        "Draw which agent did which task when, as text or SVG",
        &["--format", "svg", "--out", "time.svg"],
        registry::arguments::<TimelineArgs>,
    ),
    local(
        Group::Running,
        "conflicts",
        "Show which branches of tasks would conflict when they are merged",
        &["--onto", "main"],
        registry::arguments::<ConflictsArgs>,
    ),
    local(
        Group::Running,
        "merge",
        "Land submitted branches on a target branch, one tested merge at a time",
        &["--onto", "main", "--test", "make test"],
        registry::arguments::<MergeArgs>,
    )
    .everyday(),
    local(
        Group::Running,
        "report",
        "Report who did what, how conflicts were resolved, and the time that it took",
        &["plan", "--format", "md"],
        registry::arguments::<ReportArgs>,
    ),
    local(
        Group::Running,
        "ralf",
        "Read the files of RALF agents and keep them in step with the store",
        &["status"],
        registry::arguments::<Ralf>,
    ),
    #[cfg(feature = "gateway")]
    local(Group::Serving, "serve", "Serve the store over HTTP", &["--bind", "127.0.0.1:7117"], registry::arguments::<ServeArgs>).everyday(),
    #[cfg(feature = "gateway")]
    local(Group::Serving, "mcp", "Serve the Model Context Protocol to the client that starts it", &[], registry::arguments::<McpArgs>),
    #[cfg(feature = "gateway")]
    local(
        Group::Serving,
        "access",
        "Create, list and revoke access keys of the gateway",
        &["create", "--name", "ada"],
        registry::arguments::<AccessArgs>,
    ),
    local(
        Group::Administration,
        "setup",
        "Set up clients of coding agents; undo it with --remove",
        &["claude", "codex"],
        registry::arguments::<SetupArgs>,
    )
    .everyday(),
    local(Group::Administration, "doctor", "Check the store for damage; repair it with --fix", &[], registry::arguments::<Doctor>)
        .everyday(),
    local(
        Group::Administration,
        "backup",
        "Copy the store while other processes go on working",
        &["store.backup"],
        registry::arguments::<Backup>,
    ),
    local(
        Group::Administration,
        "restore",
        "Replace the store with a backup; all sessions and leases end",
        &["store.backup"],
        registry::arguments::<Restore>,
    ),
    local(
        Group::Administration,
        "export",
        "Write the log to a file or to standard output",
        &["--out", "log.jsonl"],
        registry::arguments::<Export>,
    ),
    local(
        Group::Administration,
        "forget",
        "Remove the project, unless a worktree has work that is nowhere else",
        &[],
        registry::arguments::<ForgetArgs>,
    ),
    local(Group::Administration, "import", "Replay an exported log into an empty store", &["log.jsonl"], registry::arguments::<Import>),
    local(
        Group::Administration,
        "selftest",
        "Check that every promise holds on this machine, in a scratch store",
        &["--seconds", "5"],
        registry::arguments::<Selftest>,
    ),
    local(
        Group::Administration,
        "hook",
        "Answer a hook of a coding agent's client or of git",
        &["claude", "session-start"],
        registry::arguments::<HookArgs>,
    ),
    local(Group::Administration, "completions", "Print a completion script for a shell", &["bash"], registry::arguments::<CompletionsArgs>),
    local(Group::Administration, "man", "Print a manual page", &["claim"], registry::arguments::<ManArgs>),
    local(Group::Administration, "help", "Print the help of oarlock or of one verb", &["claim"], registry::arguments::<HelpArgs>),
];

/// The flags that every verb has.
pub fn common_flags() -> Vec<Arg> {
    super::common::flags().into()
}

/// Every verb, in the order in which help lists those of one group.
pub fn all() -> impl Iterator<Item = Verb> {
    let registered = registry::ENTRIES.iter().map(|entry| Verb {
        name: entry.verb,
        about: entry.about,
        group: entry.group,
        is_everyday: entry.is_everyday,
        example: entry.example,
        arguments: entry.arguments,
    });
    std::iter::once(INIT).chain(registered).chain(LOCAL.iter().copied())
}

/// The verbs of a group.
pub fn of(group: Group) -> impl Iterator<Item = Verb> {
    all().filter(move |verb| verb.group == group)
}

/// The verbs that have a flag of this name, without its dashes.
pub(crate) fn with_flag(flag: &str) -> Vec<&'static str> {
    let has = |verb: &Verb| verb.command().get_arguments().any(|arg| arg.get_long() == Some(flag) && !arg.is_hide_set());
    all().filter(has).map(|verb| verb.name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_help_are_short_imperatives() {
        for verb in all() {
            let first = verb.about.split(' ').next().unwrap_or_default();
            assert!(!first.ends_with('s') && first.starts_with(char::is_uppercase), "{}: {}", verb.name, verb.about);
            assert!(verb.about.len() <= 75 && !verb.about.ends_with('.'), "{}: {}", verb.name, verb.about);
            // The text of the verb's own help has the same mood.
            let own = verb.command().get_about().map(ToString::to_string).unwrap_or_default();
            let first = own.split(' ').next().unwrap_or_default();
            assert!(!first.ends_with('s') && first.starts_with(char::is_uppercase), "{}: {own}", verb.name);
        }
    }

    #[test]
    fn each_verb_is_in_one_group() {
        assert_eq!(Group::ALL.iter().map(|group| of(*group).count()).sum::<usize>(), all().count());
        assert!(Group::ALL.iter().all(|group| cfg!(not(feature = "gateway")) || of(*group).any(|verb| verb.is_everyday)));
    }
}
