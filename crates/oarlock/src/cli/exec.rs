//! Running a parsed command line: where the store is, who calls, which verb.

use clap::ArgMatches;
use oarlock_client::{Backend, IfMissing, Reader, StoreTarget, ThisMachine, config};
use oarlock_host::process::pipe::reader_has_gone;
use oarlock_model::task::TaskState;
use oarlock_ops::OpError;
use oarlock_ops::log::{Events, Status, StatusReply};
use oarlock_ops::registry::{self, Entry};
use oarlock_ops::reply::Reply;
use oarlock_ops::request::Request as _;
use oarlock_ops::shapes::EventShape;
use oarlock_ops::task::{Approve, Reject, ShowTask, ShowTaskReply, TaskReply};
use std::time::Instant;

use super::args;
use super::by_agent::ByAgent;
use super::common::{Common, settings_with_agents};
use super::init::Init;
use super::output::{Output, note};
use super::own_args::{CompletionsArgs, HelpArgs, ManArgs};
use super::ralf::Ralf;
use super::selftest::Selftest;
use super::usage::{parsed, usage_error};
use super::{admin, merge, pictures, report, runner, signals, worktrees};
use crate::replies::Help;
use crate::view;

/// Runs the verb of a parsed command line.
pub(crate) fn execute(matches: &ArgMatches, common: &Common, output: &Output) -> Result<u8, OpError> {
    let Some((verb, matches)) = matches.subcommand() else {
        return Err(OpError::Usage { message: "no command was given".into(), hint: "see oarlock --help".into() });
    };
    match registry::find(verb) {
        Some(entry) => run_entry(entry, matches, common, output),
        None => run_local(verb, matches, common, output),
    }
}

fn run_local(verb: &str, matches: &ArgMatches, common: &Common, output: &Output) -> Result<u8, OpError> {
    match verb {
        "init" => {
            let target = common.target(IfMissing::Made)?;
            let settings = target.settings()?;
            let reply = parsed::<Init>(matches)?.run(&target, common.options(&settings))?;
            Ok(output.reply(verb, &Reply::new(reply)))
        }
        "help" => {
            let asked: HelpArgs = parsed(matches)?;
            let text = args::help_text(asked.verb.as_deref())?;
            Ok(output.reply(verb, &Reply::new(Help { text })))
        }
        "setup" => parsed::<super::setup::SetupArgs>(matches)?.run(output),
        "hook" => parsed::<super::hook::HookArgs>(matches)?.run(common),
        "work" => runner::work(parsed(matches)?, common, output),
        "run" => runner::run(parsed(matches)?, common, output),
        "graph" => pictures::graph(&parsed(matches)?, common, output),
        "timeline" => pictures::timeline(&parsed(matches)?, common, output),
        "conflicts" => worktrees::conflicts(parsed(matches)?, common, output),
        "forget" => worktrees::forget(&parsed(matches)?, common, output),
        "merge" => merge::merge(parsed(matches)?, common, output),
        "report" => report::report(&parsed(matches)?, common, output),
        "ralf" => parsed::<Ralf>(matches)?.run(common, output),
        #[cfg(feature = "gateway")]
        "serve" => parsed::<super::serve::ServeArgs>(matches)?.run(common, output),
        #[cfg(feature = "gateway")]
        "mcp" => parsed::<super::mcp::McpArgs>(matches)?.run(common),
        #[cfg(feature = "gateway")]
        "access" => parsed::<super::access::AccessArgs>(matches)?.run(common, output),
        "completions" => parsed::<CompletionsArgs>(matches)?.run(output),
        "man" => parsed::<ManArgs>(matches)?.run(output),
        "selftest" => parsed::<Selftest>(matches)?.run(common, output),
        _ => admin::run(verb, matches, common, output),
    }
}

fn run_entry(entry: &Entry, matches: &ArgMatches, common: &Common, output: &Output) -> Result<u8, OpError> {
    let started = Instant::now();
    let mut call = entry.from_line(matches, &mut ThisMachine, usage_error)?;
    let mut by_agent = ByAgent::of(entry.verb, matches)?;
    let mut other_stores = Vec::new();
    let (mut backend, at): (Backend<'_>, String) = match common.gateway()? {
        Some(client) => (Backend::at_gateway(client), common.store_text().unwrap_or_default().to_owned()),
        None => {
            let anywhere = common.target(IfMissing::Refused);
            let goes_by_agents = entry.verb == "split" && !output.json && matches.value_source("agents").is_none();
            let read = if goes_by_agents { settings_with_agents } else { StoreTarget::settings };
            let settings = anywhere.as_ref().map_or_else(|_| config::load(None), read)?;
            if anywhere.as_ref().map_or(true, |target| !target.place().file().exists()) {
                call.has_no_project();
                by_agent.iter_mut().for_each(ByAgent::has_no_project);
            }
            let asks_later = by_agent.as_ref().is_some_and(ByAgent::needs_store);
            if let Some(asked) = by_agent.as_mut().filter(|_| !asks_later) {
                call = asked.plan(&settings, output)?;
            }
            if let Some(mut reply) = if asks_later { None } else { call.without_store(&settings)? } {
                by_agent.iter().for_each(|asked| asked.annotate(&mut reply));
                return Ok(output.reply(entry.verb, &reply));
            }
            let target = anywhere?;
            if entry.verb == Status::VERB {
                other_stores = target.other_stores();
            }
            (common.at_store(&target, settings)?, target.url())
        }
    };
    if call.goes_on() && call.waiting().is_some() {
        // Whatever ends the wait, completed work is reported.
        signals::catch()?;
    }
    let caller = common.caller(call.identity());
    if let Some(asked) = by_agent.as_mut().filter(|asked| !asked.is_asked) {
        call = asked.plan_at(&mut backend, &caller, output)?;
    }
    let follows = entry.verb == Events::VERB && matches.get_flag("follow");
    let code = if follows {
        backend.follow(&caller, &parsed(matches)?, &mut Lines(output))?;
        0
    } else {
        let mut reply = super::gather::call(&*call, &mut backend, &caller, output)?;
        if let Some(status) = reply.get_mut::<StatusReply>() {
            status.other_stores = other_stores;
        }
        by_agent.iter().for_each(|asked| asked.annotate(&mut reply));
        let code = output.reply(entry.verb, &reply);
        match changes_to_judge(entry.verb, &reply).filter(|_| code == 0 && !output.json && !output.quiet) {
            Some(changes) => output.text(&format!("\n{}", view::safe(&changes))),
            None => code,
        }
    };
    if common.verbose && !output.json {
        note(&format!("{} on {at} in {:.1} ms", entry.verb, started.elapsed().as_secs_f64() * 1e3));
    }
    Ok(code)
}

/// The changes that a person judges or has judged: of a task that is or was in review.
fn changes_to_judge(verb: &str, reply: &Reply) -> Option<String> {
    let task = match verb {
        Approve::VERB | Reject::VERB => &reply.get::<TaskReply>()?.task,
        ShowTask::VERB => Some(&reply.get::<ShowTaskReply>()?.task).filter(|task| task.state == TaskState::Review)?,
        _ => return None,
    };
    task.gate.and_then(|_| ThisMachine::changes_of(task))
}

/// Prints events, one a line, until anyone who reads them goes away.
struct Lines<'a>(&'a Output);

impl Reader for Lines<'_> {
    fn event(&mut self, event: &EventShape) -> Result<bool, OpError> {
        let line = match self.0.json {
            true => serde_json::to_string(event)?,
            false => view::event_line(event, self.0.paint),
        };
        Ok(self.0.line(&line))
    }

    fn has_gone(&self) -> bool {
        reader_has_gone(std::io::stdout())
    }
}
