//! Completions for shells while a line is typed: verbs, flags, and, from the store that the line means, ids of tasks and names of agents.
//! Nothing is made for that; what cannot be found out is not offered, and nobody is informed.

use clap::{Arg, Command};
use clap_complete::env::{CompleteEnv, Shells};
use clap_complete::{ArgValueCompleter, CompletionCandidate};
use oarlock_client::{Backend, named_by_environment};
use oarlock_model::task::TaskState;
use oarlock_model::{AgentName, TaskId};
use oarlock_ops::OpError;
use oarlock_ops::agent::Agents;
use oarlock_ops::caller::Caller;
use oarlock_ops::reply::Reply;
use oarlock_ops::task::Tasks;
use std::any::TypeId;
use std::ffi::{OsStr, OsString};
use std::time::Duration;

use super::args;
use super::output::Output;
use super::own_args::CompletionsArgs;
use super::usage::usage_error;
use crate::replies::Help;
use crate::view;

/// By this variable a shell asks; the scripts of `completions` set it.
const VARIABLE: &str = "OARLOCK_COMPLETE";

/// Anyone who types waits no longer than this for a busy store.
const BUSY: Duration = Duration::from_millis(200);

impl CompletionsArgs {
    pub(crate) fn run(&self, output: &Output) -> Result<u8, OpError> {
        Ok(output.reply("completions", &Reply::new(Help { text: script(&self.shell)? })))
    }
}

fn script(shell: &str) -> Result<String, OpError> {
    let shells = Shells::builtins();
    let completer = shells.completer(shell).ok_or_else(|| OpError::Internal(format!("there is no script for {shell}")))?;
    let mut text = Vec::new();
    let written = completer.write_registration(VARIABLE, "oarlock", "oarlock", "oarlock", &mut text);
    written.map_err(|error| OpError::Internal(format!("the script cannot be written: {error}")))?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// The exit code for a shell that asks how the line goes on; `None` for every other call.
pub(crate) fn answer(argv: &[OsString]) -> Option<u8> {
    std::env::var_os(VARIABLE)?;
    let here = std::env::current_dir().ok();
    let asked = CompleteEnv::with_factory(|| offering(args::command(argv), &store_of(argv)));
    match asked.var(VARIABLE).bin("oarlock").completer("oarlock").try_complete(argv.iter().cloned(), here.as_deref()) {
        Ok(true) => Some(0),
        Ok(false) => None,
        Err(error) => Some(Output::plain(false).fail(&usage_error(error))),
    }
}

/// The store that the line names, with the last word on it.
fn store_of(argv: &[OsString]) -> Option<OsString> {
    let after_flag = argv.windows(2).filter(|pair| pair[0] == "--store").map(|pair| pair[1].clone());
    let in_flag = argv.iter().filter_map(|arg| Some(OsString::from(arg.to_str()?.strip_prefix("--store=")?)));
    after_flag.chain(in_flag).last().or_else(named_by_environment).filter(|url| !url.is_empty())
}

/// The command with what can stand for its ids and names.
fn offering(command: Command, store: &Option<OsString>) -> Command {
    let offer = |arg: Arg| {
        let kind = arg.get_value_parser().type_id();
        let store = store.clone();
        if kind == TypeId::of::<TaskId>() {
            arg.add(ArgValueCompleter::new(move |begun: &OsStr| offered(begun, &store, tasks)))
        } else if kind == TypeId::of::<AgentName>() || ["common-as", "to"].contains(&arg.get_id().as_str()) {
            arg.add(ArgValueCompleter::new(move |begun: &OsStr| offered(begun, &store, agents)))
        } else {
            arg
        }
    };
    command.mut_args(offer).mut_subcommands(|command| offering(command, store))
}

/// A word, and the text beside it.
type Offer = (String, String);

fn offered(
    begun: &OsStr,
    store: &Option<OsString>,
    find: fn(&mut Backend<'_>, &str) -> Result<Vec<Offer>, OpError>,
) -> Vec<CompletionCandidate> {
    let Some(begun) = begun.to_str() else { return Vec::new() };
    let found = Backend::find(store.as_deref(), Some(BUSY)).and_then(|(mut backend, _)| find(&mut backend, begun)).unwrap_or_default();
    let found = found.into_iter().filter(|(word, _)| word.starts_with(begun));
    // Titles are others' words: nothing of them steers a terminal.
    found.map(|(word, about)| CompletionCandidate::new(word).help(Some(view::safe(&about).into()))).collect()
}

/// Tasks that are not over; if none of them begins so, all others.
fn tasks(backend: &mut Backend<'_>, begun: &str) -> Result<Vec<Offer>, OpError> {
    let is_over = |state: &TaskState| matches!(state, TaskState::Done | TaskState::Cancelled);
    let (over, open): (Vec<TaskState>, Vec<TaskState>) = TaskState::ALL.into_iter().partition(is_over);
    // The store looks for the text, so that of many tasks those that can be meant are on the page.
    let search = (!begun.is_empty()).then(|| begun.to_owned());
    let mut found = Vec::new();
    for state in [open, over] {
        let page = backend.ask(&Caller::default(), Tasks { state, search: search.clone(), ..Tasks::default() })?;
        found.extend(
            page.tasks.into_iter().filter(|task| task.id.as_str().starts_with(begun)).map(|task| (task.id.to_string(), task.title)),
        );
        if !found.is_empty() {
            break;
        }
    }
    Ok(found)
}

/// Agents that have not left.
fn agents(backend: &mut Backend<'_>, _begun: &str) -> Result<Vec<Offer>, OpError> {
    let page = backend.ask(&Caller::default(), Agents::default())?;
    Ok(page.agents.into_iter().map(|agent| (agent.name.to_string(), agent.status.unwrap_or_default())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Args as _;

    #[test]
    fn every_shell_that_is_named_has_a_script() {
        for shell in Shells::builtins().names() {
            assert!(script(shell).expect("it is built in").contains(VARIABLE), "{shell}");
            assert!(CompletionsArgs::augment_args(Command::new("x")).try_get_matches_from(["x", shell]).is_ok(), "{shell}");
        }
    }

    #[test]
    fn the_last_store_on_the_line_counts() {
        let line = |words: &str| words.split(' ').map(OsString::from).collect::<Vec<_>>();
        assert_eq!(store_of(&line("oarlock -- oarlock --store sqlite:a claim --store sqlite:b")), Some("sqlite:b".into()));
        assert_eq!(store_of(&line("oarlock -- oarlock --store=sqlite:a")), Some("sqlite:a".into()));
    }
}
