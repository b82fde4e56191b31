//! Answers to a client's hook: the agent joins, its planned writes are checked, it receives notices and messages, and it leaves.
//! [`hook`](crate::hook) reads what the client reports and writes what it understands; here are the calls between the two.

mod identity;
mod messages;

use crate::client::Client;
use crate::hook::{By, HookDecision, HookEvent, HookInput, Reach, Surroundings, calls_oarlock, writes};
use oarlock_client::config::HookSettings;
use oarlock_client::hook_state::{self, HookState};
use oarlock_client::{Backend, ThisMachine, user, worktree_of};
use oarlock_git::GitFailed;
use oarlock_model::ErrorCode;
use oarlock_model::pattern::{Pattern, normalise_path};
use oarlock_model::rejection::OverlapFacts;
use oarlock_model::reservation::OnConflict;
use oarlock_model::rules::authority::{keeps_out, speaks_for};
use oarlock_model::text::escaped_line;
use oarlock_model::{AgentName, Rejection, limits, seeded};
use oarlock_ops::OpError;
use oarlock_ops::agent::{Agents, Heartbeat, JoinReply, Leave, ShowAgent};
use oarlock_ops::caller::Caller;
use oarlock_ops::local::Local as _;
use oarlock_ops::log::Prime;
use oarlock_ops::message::Inbox;
use oarlock_ops::request::{Mutation, Query};
use oarlock_ops::reservation::{Check, Reserve};
use oarlock_ops::store::StoreError;
use std::path::{Path, PathBuf};

pub use identity::AgentIdentity;

/// The answer when a hook failed: the client goes on, unless the project is strict and something is about to be written.
#[must_use]
pub fn on_failure(error: &OpError, moment: HookEvent, settings: HookSettings) -> HookDecision {
    match moment {
        HookEvent::BeforeTool | HookEvent::PreCommit | HookEvent::PrePush if settings.strict || seeded::is(seeded::FAILURE_BLOCKS) => {
            let why = escaped_line(&error.to_string()).into_owned();
            HookDecision::Deny(format!("Oarlock cannot check whether this may be written, and this project is strict: {why}"))
        }
        _ => HookDecision::Nothing,
    }
}

/// One call of a hook.
#[derive(Debug)]
pub struct Hook<'a> {
    /// The client that calls.
    pub client: Client,
    /// The fields of the call.
    pub input: &'a HookInput,
    /// The agent of the client's session.
    pub main: AgentIdentity,
    /// Whom it is about: the same, or one of its helpers.
    pub who: AgentIdentity,
    /// How hooks behave here.
    pub settings: HookSettings,
    /// Whether the store is on this machine, where processes are known.
    pub is_local: bool,
    /// The state that hooks keep between two calls.
    pub memory: &'a HookState,
    /// Where calls are made.
    pub backend: Backend<'static>,
}

impl Hook<'_> {
    /// The answer of the hook.
    ///
    /// # Errors
    /// Those of the calls it makes; anyone who asked decides what a failure means.
    pub fn run(&mut self, moment: HookEvent) -> Result<HookDecision, OpError> {
        match self.answer(moment) {
            // Nobody has joined who could hear or hold anything.
            Err(error) if !self.who.joins() && matches!(error.code(), ErrorCode::IdentityRequired | ErrorCode::NotFound) => {
                Ok(HookDecision::Nothing)
            }
            answer => answer,
        }
    }

    fn answer(&mut self, moment: HookEvent) -> Result<HookDecision, OpError> {
        if self.main.is_only_named() && !matches!(moment, HookEvent::SessionStart | HookEvent::SessionEnd) && self.input.thread.is_none() {
            // Its start was missed. Only by joining does it know whether the name is its own.
            self.join()?;
        }
        match moment {
            HookEvent::SessionStart => self.start(),
            HookEvent::SubagentStart => self.start_helper(),
            HookEvent::BeforeTool => self.before_tool(),
            HookEvent::AfterTool | HookEvent::Prompt => self.news(moment),
            HookEvent::Compact => {
                self.memory.owe_start(&self.who.name);
                Ok(HookDecision::Nothing)
            }
            HookEvent::Stop => self.stop(),
            HookEvent::SessionEnd => self.end(),
            // Not its parent, should a client not say which helper it is.
            HookEvent::SubagentStop if self.who.parent().is_some() => self.end(),
            HookEvent::SubagentStop => Ok(HookDecision::Nothing),
            HookEvent::PreCommit => {
                let held = self.check(&of_repository(oarlock_git::staged())?, &[])?;
                let is_linked = oarlock_git::is_linked(&worktree_of(Path::new(".")));
                Ok(match OnConflict::or_default(self.settings.conflict, is_linked) {
                    _ if held.is_empty() => HookDecision::Nothing,
                    OnConflict::Refuse => HookDecision::Deny(messages::not_committed(&held)),
                    OnConflict::Warn => HookDecision::Warn(messages::committed(&held)),
                })
            }
            // Pushed files may have been committed while they were free: anyone who holds it now is named, and no more by default.
            HookEvent::PrePush => Ok(
                match (self.check(&of_repository(oarlock_git::pushed(std::io::stdin().lock()))?, &[])?.as_slice(), self.settings.strict) {
                    ([], _) => HookDecision::Nothing,
                    (held, true) => HookDecision::Deny(messages::pushed(held, true)),
                    (held, false) => HookDecision::Warn(messages::pushed(held, false)),
                },
            ),
        }
    }

    fn ask<Q: Query>(&mut self, request: Q) -> Result<Q::Reply, OpError> {
        self.backend.ask(&self.who.caller(), request)
    }

    fn order<M: Mutation>(&mut self, request: M) -> Result<M::Reply, OpError> {
        self.backend.order(&self.who.caller(), request)
    }

    /// Makes a call for an agent that may not have joined, or has ended: then it joins, and the call is made again.
    fn joined<T>(&mut self, call: impl Fn(&mut Self) -> Result<T, OpError>) -> Result<T, OpError> {
        match call(self) {
            Err(error)
                if self.who.joins()
                    && matches!(error.code(), ErrorCode::NotFound | ErrorCode::StaleSession | ErrorCode::IdentityRequired) =>
            {
                self.join()?;
                // What it held is gone, or it has not heard its start: it is informed with the next news.
                self.memory.owe_start(&self.who.name);
                call(self)
            }
            called => called,
        }
    }

    /// Joins, or goes on in the session of the same run. A name that another live session has is left to it.
    fn join(&mut self) -> Result<(), OpError> {
        self.who.session = None;
        let joined = match self.join_as_named() {
            Err(error) if error.code() == ErrorCode::AlreadyExists && self.who.parent().is_none() => {
                self.who = self.who.renamed(self.client, self.input)?;
                self.join_as_named()?
            }
            joined => joined?,
        };
        if self.who.parent().is_none() {
            self.memory.note_run(&self.who.harness, &joined.session);
            self.who = self.who.in_session(joined.session);
            self.main = self.who.clone();
        }
        Ok(())
    }

    fn join_as_named(&mut self) -> Result<JoinReply, OpError> {
        let request = self.who.join_request(self.client, self.is_local);
        self.backend.order(&Caller { name: None, ..self.who.caller() }, request)
    }

    fn start(&mut self) -> Result<HookDecision, OpError> {
        let wanted = self.who.name.clone();
        if self.who.joins() {
            self.join()?;
        }
        self.memory.sweep();
        self.memory.change_helpers(&self.main.name, Vec::clear);
        let prime = self.ask(Prime {})?;
        self.memory.start_is_told(&self.who.name);
        if self.client == Client::Claude {
            identity::pass_on(&self.who);
        }
        let mut text = prime.text;
        if wanted != self.who.name {
            text.push_str(&messages::name_taken(&wanted));
        }
        if !matches!(self.client, Client::Claude | Client::OpenCode) {
            // Its commands are not known by their environment, and in a sandbox not by the processes above them.
            text.push_str(&messages::pass_the_name(&self.who.name));
        }
        Ok(HookDecision::Start(text, self.who.name.to_string()))
    }

    fn start_helper(&mut self) -> Result<HookDecision, OpError> {
        let Some(parent) = self.who.parent().cloned() else { return Ok(HookDecision::Nothing) };
        self.join()?;
        Ok(HookDecision::Start(messages::helper_start(&self.who.name, &parent), self.who.name.to_string()))
    }

    fn before_tool(&mut self) -> Result<HookDecision, OpError> {
        let Some(tool) = self.input.tool.as_deref() else { return Ok(HookDecision::Nothing) };
        if let Some(helper) = self.input.starts_helper.clone() {
            return self.helper_begins(helper);
        }
        if tool.contains("oarlock") && self.who.joins() {
            // The server, which all sessions and helpers of a client share, looks up who calls: somebody who has joined.
            self.joined(|hook| hook.order(Heartbeat::default()))?;
            let by_content = || hook_state::call_by_content(tool, &self.input.tool_input);
            let call = self.input.call.clone().filter(|_| self.client == Client::Claude);
            self.memory.note_call(&call.unwrap_or_else(by_content), &self.who.name, self.who.session.as_ref());
        }
        // OpenCode's plugin gives each command the name of its agent.
        if self.who.parent().is_some() && self.client != Client::OpenCode && calls_oarlock(tool, &self.input.tool_input) {
            return Ok(HookDecision::Deny(messages::say_who(&self.who.name)));
        }
        let (mut paths, mut globs) = (Vec::new(), Vec::new());
        let is_read = self.input.tool_input["command"].is_null() || !seeded::is(seeded::SHELL_UNREAD);
        let seen_from = self.input.cwd.as_deref().unwrap_or(".");
        let top = worktree_of(Path::new(seen_from));
        let (home, project) = (user::home(), user::named("CLAUDE_PROJECT_DIR").or_else(|| user::named("GEMINI_PROJECT_DIR")));
        let around = Surroundings {
            cwd: self.input.cwd.as_deref(),
            home: home.as_deref().and_then(Path::to_str).filter(|_| !seeded::is(seeded::NAMES_UNKNOWN)),
            top: top.to_str().filter(|_| !seeded::is(seeded::NAMES_UNKNOWN)),
            project: project.as_deref().and_then(Path::to_str),
        };
        // In a linked worktree, changes are those of the agents that work there: that they are thrown away is nothing to others.
        let is_linked = oarlock_git::is_linked(&top) && !seeded::is(seeded::WORKTREE_IS_OTHERS);
        for written in writes(tool, &self.input.tool_input, &around).into_iter().filter(|_| is_read) {
            let is_unread = (written.by == By::Formatter && seeded::is(seeded::FORMATTERS_UNREAD))
                || (written.by == By::Output && seeded::is(seeded::OUTPUTS_UNREAD));
            if is_unread || (written.only_undoes && is_linked) {
                continue;
            }
            let path = match (written.path.strip_prefix("~/"), user::home()) {
                (Some(rest), Some(home)) => home.join(rest),
                _ if written.path.starts_with('~') => continue,
                _ => PathBuf::from(&written.path),
            };
            let named = Path::new(seen_from).join(path);
            if written.only_if_there && !named.exists() {
                continue;
            }
            // Nothing is below a link that leads to a file: it is no directory that something could be moved into.
            if named.parent().is_some_and(|above| above.is_symlink() && above.is_file()) {
                continue;
            }
            // What removes or replaces a link leaves alone what it leads to. Behind a slash, that is meant.
            let is_link = written.is_entry && !written.path.ends_with('/') && named.is_symlink();
            let found = |named: &str| if is_link { ThisMachine::repository_entry(named) } else { ThisMachine.repository_path(named) };
            // Paths outside of the repository are nobody's here.
            let Some(Ok(path)) = named.to_str().map(found) else { continue };
            match written.reach {
                _ if is_link => paths.push(path),
                Reach::Tree if path != "." && !named.is_file() => paths.push(format!("{path}/")),
                Reach::Tree => paths.push(path),
                // The top itself is no file.
                Reach::File if path != "." => paths.push(path),
                Reach::File => {}
                Reach::Below(pattern) => globs.extend(below(&path, &pattern)),
            }
        }
        if paths.is_empty() && globs.is_empty() {
            return Ok(HookDecision::Nothing);
        }
        let held = self.check(&paths, &globs)?;
        if !held.is_empty() {
            return Ok(self.about_held(&held, is_linked));
        }
        if !self.settings.reserve {
            return Ok(HookDecision::Nothing);
        }
        let files = paths.iter().filter(|path| !path.ends_with('/') && *path != ".").map(|path| Pattern::covering_path(path));
        let files = files.collect::<Result<Vec<Pattern>, _>>().map_err(Rejection::from)?;
        if files.is_empty() {
            return Ok(HookDecision::Nothing);
        }
        let reason = Some(format!("edited in {}", self.client.title()));
        let request = Reserve { globs: files, reason, ..Reserve::default() };
        let reserved = self.joined(|hook| hook.order(request.clone()).map(drop));
        let mut held = self.held_by_others(reserved)?;
        if !held.is_empty() {
            // A reservation also covers everything below a path, and so wants more than the files. Those decide.
            held = self.check(&paths, &globs)?;
        }
        Ok(if held.is_empty() { HookDecision::Nothing } else { self.about_held(&held, is_linked) })
    }

    /// The answer to an edit of paths that others hold. A warning comes once: an agent that goes on has decided so.
    fn about_held(&self, held: &[OverlapFacts], is_linked: bool) -> HookDecision {
        if OnConflict::or_default(self.settings.conflict, is_linked) == OnConflict::Refuse {
            return HookDecision::Deny(messages::denied(held));
        }
        let holds: Vec<String> = held.iter().map(|fact| format!("{} {} {}", fact.agent, fact.pattern, fact.wanted)).collect();
        match self.memory.is_new(&self.who.name, &holds.join("\n")) {
            true => HookDecision::Context(messages::warned(held)),
            false => HookDecision::Nothing,
        }
    }

    /// A helper of a client that reports it only by the tool that starts it: until that has ended, whatever happens is the helper's.
    fn helper_begins(&mut self, helper: String) -> Result<HookDecision, OpError> {
        self.memory.change_helpers(&self.main.name, |helpers| helpers.push(helper.clone()));
        self.who = self.main.helper(&helper)?;
        self.join().map(|()| HookDecision::Nothing)
    }

    fn helper_ended(&mut self, helper: &str) -> Result<(), OpError> {
        self.who = self.main.helper(helper)?;
        self.memory.change_helpers(&self.main.name, |helpers| {
            if let Some(at) = helpers.iter().rposition(|open| open == helper) {
                helpers.remove(at);
            }
        });
        self.leave()
    }

    /// The obstacles to a call, if others hold its paths.
    fn held_by_others(&self, called: Result<(), OpError>) -> Result<Vec<OverlapFacts>, OpError> {
        match called {
            Ok(()) => Ok(Vec::new()),
            Err(error) if error.code() == ErrorCode::ReservationOverlap => {
                let is_commit = self.client == Client::Git;
                let keeps = |fact: &OverlapFacts| keeps_out(&fact.agent, &self.who.name, is_commit);
                Ok(error.overlaps().into_iter().filter(keeps).filter(|_| !seeded::is(seeded::HELD_FILE_WRITTEN)).collect())
            }
            Err(error) => Err(error),
        }
    }

    /// Renews what the agent holds, and shows what it has not heard.
    fn news(&mut self, moment: HookEvent) -> Result<HookDecision, OpError> {
        if self.client == Client::Gemini && moment == HookEvent::Prompt {
            // A helper that was cancelled has ended without a word.
            self.memory.change_helpers(&self.main.name, Vec::clear);
            self.who = self.main.clone();
        }
        if let Some(helper) = self.input.starts_helper.clone() {
            self.helper_ended(&helper)?;
            self.who = self.main.clone();
        }
        let beat = self.joined(|hook| hook.order(Heartbeat::default()))?;
        let ended = messages::ended_work(&beat);
        let mut text = String::new();
        if self.memory.start_is_owed(&self.who.name) {
            text.push_str(&self.ask(Prime {})?.text);
            self.memory.start_is_told(&self.who.name);
        }
        text.push_str(&ended);
        if beat.unread > 0 && !seeded::is(seeded::MESSAGES_KEPT) {
            text.push_str(&self.hand_over(beat.unread)?);
        }
        Ok(if text.is_empty() { HookDecision::Nothing } else { HookDecision::Context(text) })
    }

    /// Reports the messages that are new, as many as fit. Only those count as read; the others are reported the next time.
    fn hand_over(&mut self, unread: u64) -> Result<String, OpError> {
        // Clients run tools, and so hooks, side by side: one of them hands the messages over, and the others find none.
        let _alone = self.memory.alone("news", &self.who.name);
        let new = self.order(Inbox { new: true, peek: true, room: Some(messages::MESSAGES_ROOM), ..Inbox::default() })?.messages;
        let later = usize::try_from(unread).unwrap_or(usize::MAX).saturating_sub(new.len());
        let (text, input) = messages::unread(&new, later);
        if !input.is_empty() {
            self.order(Inbox { mark: input, ..Inbox::default() })?;
        }
        Ok(text)
    }

    fn stop(&mut self) -> Result<HookDecision, OpError> {
        let agent = self.ask(ShowAgent { name: self.who.name.clone() })?.agent;
        let held = &agent.claims;
        if held.is_empty() || agent.state.has_ended() {
            return Ok(HookDecision::Nothing);
        }
        Ok(match self.settings.hold && !self.input.was_held {
            true => HookDecision::Hold(messages::held_work(held)),
            false => HookDecision::Warn(messages::held_work_for_people(&self.who.name, held)),
        })
    }

    fn end(&mut self) -> Result<HookDecision, OpError> {
        // A worker's session is its own to end.
        if !self.who.joins() || seeded::is(seeded::END_KEEPS_ALL) {
            return Ok(HookDecision::Nothing);
        }
        if self.who.is_only_named() {
            // Another run has that name now.
            return Ok(HookDecision::Nothing);
        }
        if self.who.parent().is_none() {
            self.memory.forget_run(&self.who.harness);
            self.end_helpers()?;
        }
        self.leave().map(|()| HookDecision::Nothing)
    }

    /// Helpers that have not ended by themselves end with the one whose they are.
    fn end_helpers(&mut self) -> Result<(), OpError> {
        let mut request = Agents::default();
        loop {
            let page = self.ask(request)?;
            let names = page.agents.into_iter().map(|agent| agent.name);
            let own: Vec<AgentName> = names.filter(|name| *name != self.who.name && speaks_for(&self.who.name, name)).collect();
            for name in own {
                // One that has ended meanwhile is no failure.
                let _ = self.backend.order(&Caller::named(name), Leave {});
            }
            if page.next.is_none() {
                return Ok(());
            }
            request = Agents { after: page.next, ..Agents::default() };
        }
    }

    fn leave(&mut self) -> Result<(), OpError> {
        match self.order(Leave {}) {
            // It never joined, or has ended by itself.
            Err(error) if matches!(error.code(), ErrorCode::NotFound | ErrorCode::StaleSession) => Ok(()),
            left => left.map(|_| ()),
        }
    }

    /// The holdings of others among these paths and patterns, asked for in pieces: a check has a limit.
    fn check(&mut self, paths: &[String], globs: &[Pattern]) -> Result<Vec<OverlapFacts>, OpError> {
        let of_paths = paths.chunks(limits::LIST_ITEMS_MAX).map(|some| Check { paths: some.to_vec(), globs: Vec::new() });
        let of_globs = globs.chunks(limits::LIST_ITEMS_MAX).map(|some| Check { paths: Vec::new(), globs: some.to_vec() });
        for request in of_paths.chain(of_globs) {
            let checked = self.joined(|hook| hook.ask(request.clone()).map(drop));
            let held = self.held_by_others(checked)?;
            if !held.is_empty() {
                return Ok(held);
            }
        }
        Ok(Vec::new())
    }
}

/// The paths that git named, relative to the repository; a path outside of it is left out.
fn of_repository(named: Result<Vec<String>, GitFailed>) -> Result<Vec<String>, OpError> {
    let named = named.map_err(|error| StoreError::Unavailable {
        message: format!("git cannot be asked: {error}"),
        hint: "is git installed, and is this a worktree?".into(),
    })?;
    Ok(named.iter().filter_map(|name| normalise_path(name).ok()).collect())
}

/// The matches of a pattern below a directory, as a pattern from the repository's root; none if it is not a pattern.
fn below(dir: &str, pattern: &str) -> Option<Pattern> {
    let pattern = Pattern::parse(pattern).ok()?;
    if dir == "." { Some(pattern) } else { pattern.with_literal_prefix(dir).ok() }
}
