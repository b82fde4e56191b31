//! `hook`: what a coding agent's client calls. Whatever goes wrong here must not look like a refusal: an edit that cannot be
//! checked passes, and the failure is logged.

use clap::Args;
use oarlock_client::config::{self, HookSettings};
use oarlock_client::hook_state::HookState;
use oarlock_client::paths::current_dir;
use oarlock_client::{Backend, IfMissing, Project, StorePaths, trust};
use oarlock_integrations::client::Client;
use oarlock_integrations::hook::{HookDecision, HookEvent, HookInput};
use oarlock_model::ErrorCode;
use oarlock_model::text::escaped_line;
use oarlock_model::{Rejection, seeded};
use oarlock_ops::OpError;
use std::ffi::OsString;
use std::io::{IsTerminal as _, Read as _, Write as _};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use super::common::Common;
use super::output::note;
use super::verbs;
use oarlock_integrations::answering::{self, AgentIdentity, Hook};

/// The longest input of a hook, in bytes: what a tool writes is in it.
const INPUT_BYTES_MAX: u64 = 64 << 20;

/// The end of a command line that cannot be understood: the contract's 2 would be a refusal to a client.
const EXIT_UNUSABLE: u8 = 1;

/// Variables in which clients name the directory that they were started for.
const PROJECT_DIRS: [&str; 3] = ["CLAUDE_PROJECT_DIR", "GEMINI_PROJECT_DIR", "CURSOR_PROJECT_DIR"];

/// Answer a hook of a coding agent's client or of git.
#[derive(Clone, Debug, Args)]
pub(crate) struct HookArgs {
    /// claude, codex, gemini, opencode, cursor, vscode or git
    #[arg(value_name = "CLIENT")]
    client: String,
    /// The event, as the client calls it or as session-start, prompt, before-tool, after-tool, compact, stop, session-end, subagent-start,
    /// subagent-stop, pre-commit or pre-push
    #[arg(value_name = "EVENT")]
    event: String,
}

/// The exit code of a command line that was refused, which for a hook is never the one by which clients are asked to stop.
pub(super) fn not_a_refusal(argv: &[OsString], code: u8) -> u8 {
    let verb = argv.iter().skip(1).find(|arg| verbs::all().any(|verb| *verb.name == ***arg));
    if verb.is_some_and(|verb| verb == "hook") { EXIT_UNUSABLE } else { code }
}

impl HookArgs {
    pub(crate) fn run(self, common: &Common) -> Result<u8, OpError> {
        let named = self.client.parse::<Client>().ok().zip(HookEvent::parse(&self.event));
        let Some((client, moment)) = named else {
            let (client, event) = (oarlock_model::ident::shown(&self.client), oarlock_model::ident::shown(&self.event));
            let what = match self.client.parse::<Client>() {
                Ok(_) => format!("{client} has no event {event}"),
                Err(_) => format!("there is no client {client}"),
            };
            note(&format!("oarlock: {what}; `oarlock hook --help` has the clients and their events. Nothing was checked."));
            return Ok(EXIT_UNUSABLE);
        };
        let mut run = Run {
            client,
            moment,
            input: HookInput::default(),
            memory: None,
            settings: HookSettings::default(),
            rule: Rule::of_panics(client, moment),
        };
        let answer = match run.answer(common) {
            Ok(answer) => answer,
            Err(error) => run.failed(&error),
        };
        Ok(say(&answer, client, moment, &run.input))
    }
}

/// Answers, and says with which code the process ends.
fn say(answer: &HookDecision, client: Client, moment: HookEvent, input: &HookInput) -> u8 {
    let reply = answer.reply(client, moment, input);
    // A reader that has gone wants no answer.
    let _ = std::io::stdout().lock().write_all(reply.out.as_bytes());
    let _ = std::io::stderr().lock().write_all(reply.err.as_bytes());
    reply.exit
}

/// The decision after a panic: a bug of ours is a failure like another, and must neither look like a refusal nor open what is strict.
#[derive(Clone, Default)]
struct Rule {
    is_strict: Arc<AtomicBool>,
    memory: Arc<Mutex<Option<HookState>>>,
}

impl Rule {
    /// The rule for the hook that runs now. A panic calls it before the process is ended, in whatever way the program was built.
    fn of_panics(client: Client, moment: HookEvent) -> Self {
        let rule = Self::default();
        if seeded::is(seeded::PANIC_UNRULED) {
            return rule;
        }
        let known = rule.clone();
        std::panic::set_hook(Box::new(move |panic| {
            let error = OpError::Internal(panic.to_string());
            let settings = HookSettings { strict: known.is_strict.load(Ordering::Relaxed), ..HookSettings::default() };
            // Anyone who panicked may have it locked.
            let memory = known.memory.try_lock().ok().and_then(|memory| memory.clone());
            let answer = failure(&error, client, moment, settings, memory.as_ref());
            std::process::exit(i32::from(say(&answer, client, moment, &HookInput::default())));
        }));
        rule
    }

    fn is(&self, settings: HookSettings, memory: Option<&HookState>) {
        self.is_strict.store(settings.strict, Ordering::Relaxed);
        if let Ok(mut known) = self.memory.lock() {
            *known = memory.cloned();
        }
    }
}

struct Run {
    client: Client,
    moment: HookEvent,
    input: HookInput,
    memory: Option<HookState>,
    settings: HookSettings,
    rule: Rule,
}

impl Run {
    fn answer(&mut self, common: &Common) -> Result<HookDecision, OpError> {
        let is_git = self.client == Client::Git;
        let around = Project::around(&current_dir()?).filter(|project| project.dir().is_dir());
        // Known before anything can fail: a strict project is strict about that, too.
        let read = around.as_ref().map(|project| self.configure(project));
        if !is_git {
            let input = read_input()?;
            self.input = HookInput::read(&input).map_err(|what| {
                Rejection::invalid(format!("the input of the hook: {what}"), "it is the JSON object that a client sends")
            })?;
            self.enter_directory();
        }
        let (backend, is_local) = match common.gateway()? {
            Some(client) => {
                let project = Project::around(&current_dir()?).filter(|project| project.dir().is_dir());
                self.behave(config::load_all(None)?.hooks, project.as_ref());
                (Backend::at_gateway(client), false)
            }
            None => {
                let target = match common.target(IfMissing::Refused) {
                    Ok(target) => target,
                    // Not a project of Oarlock's: the hooks of a user run in every repository.
                    Err(error) if error.code() == ErrorCode::NotFound => return Ok(HookDecision::Nothing),
                    Err(error) => return Err(error),
                };
                let project = target.project().cloned();
                let config = match (&project, read) {
                    (Some(_), Some(read)) if project == around => read?,
                    (Some(project), _) => self.configure(project)?,
                    (None, _) => {
                        let config = config::load_all(None)?;
                        self.behave(config.hooks, None);
                        config
                    }
                };
                (common.at_store(&target, config.settings)?, true)
            }
        };
        let main = if is_git {
            AgentIdentity::above(common.name.clone(), common.session.clone())?
        } else {
            AgentIdentity::of(self.client, &self.input, common.name.clone(), common.session.clone())?
        };
        let nowhere = HookState::nowhere();
        let memory = self.memory.as_ref().unwrap_or(&nowhere);
        let (main, who) = main.with_helper(self.client, &self.input, memory)?;
        let mut hook = Hook { client: self.client, input: &self.input, main, who, settings: self.settings, is_local, memory, backend };
        hook.run(self.moment)
    }

    /// Reads how hooks behave in a project, before anything can fail there.
    fn configure(&mut self, project: &Project) -> Result<config::Config, OpError> {
        // What another user has left in a folder above decides nothing.
        if let Err(error) = trust::check_owner(&StorePaths::of_file(project.store_file())) {
            self.behave(HookSettings::default(), Some(project));
            return Err(error);
        }
        let file = project.dir().join("config.toml");
        let read = config::load_all(Some(&file));
        self.behave(read.as_ref().map_or_else(|_| config::hooks_despite(&file), |config| config.hooks), Some(project));
        read
    }

    fn behave(&mut self, settings: HookSettings, project: Option<&Project>) {
        self.settings = settings;
        self.memory = HookState::of(project);
        self.rule.is(settings, self.memory.as_ref());
    }

    /// The directory that the agent works in, or, where no project is around it, the one that its client was started for.
    fn enter_directory(&self) {
        let is_of_project = |dir: &Path| Project::find(dir).is_ok();
        let cwd = self.input.cwd.as_deref().map(Path::new).filter(|cwd| cwd.is_absolute());
        let started_for = PROJECT_DIRS.iter().filter_map(std::env::var_os).find(|dir| is_of_project(Path::new(dir)));
        let started_for = started_for.as_deref().map(Path::new);
        let target = cwd.filter(|cwd| started_for.is_none() || is_of_project(cwd)).or(started_for);
        if let Some(target) = target {
            // Where it cannot be entered, the directory that the hook was started in has to do.
            let _ = std::env::set_current_dir(target);
        }
    }

    /// Something failed: the client goes on, unless it was set up not to.
    fn failed(&self, error: &OpError) -> HookDecision {
        failure(error, self.client, self.moment, self.settings, self.memory.as_ref())
    }
}

fn failure(error: &OpError, client: Client, moment: HookEvent, settings: HookSettings, memory: Option<&HookState>) -> HookDecision {
    let line = format!("oarlock hook {client} {moment:?}: {error} ({})", error.code());
    let line = escaped_line(&line.replace('\n', " ")).into_owned();
    note(&line);
    if let Some(memory) = memory {
        memory.log(&format!("{} {line}", oarlock_host::clock::wall_ms()));
    }
    answering::on_failure(error, moment, settings)
}

fn read_input() -> Result<String, OpError> {
    let stdin = std::io::stdin();
    if stdin.is_terminal() {
        return Ok(String::new());
    }
    let mut bytes = Vec::new();
    let read = stdin.lock().take(INPUT_BYTES_MAX + 1).read_to_end(&mut bytes);
    read.map_err(|error| OpError::Internal(format!("standard input cannot be read: {error}")))?;
    if bytes.len() as u64 > INPUT_BYTES_MAX {
        return Err(Rejection::limit("bytes of the hook's input", INPUT_BYTES_MAX as usize, bytes.len()).into());
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    const STRICT: &str = "OARLOCK_TEST_PANIC_STRICT";

    /// Not a test by itself: what [`a_panic_follows_the_rule_for_failures`] starts in a process of its own.
    #[test]
    fn panics_when_it_is_told_to() {
        let Some(strict) = std::env::var_os(STRICT) else { return };
        let rule = Rule::of_panics(Client::Claude, HookEvent::BeforeTool);
        rule.is(HookSettings { strict: strict == "true", ..HookSettings::default() }, None);
        assert!(strict.is_empty(), "a bug");
    }

    #[test]
    fn a_panic_follows_the_rule_for_failures() {
        for strict in [true, false] {
            let mut command = Command::new(std::env::current_exe().expect("this program"));
            command.args(["--exact", "cli::hook::tests::panics_when_it_is_told_to", "--nocapture"]).env(STRICT, strict.to_string());
            let output = command.output().expect("it runs");
            let (out, err) = (String::from_utf8_lossy(&output.stdout).into_owned(), String::from_utf8_lossy(&output.stderr).into_owned());
            assert_eq!(output.status.code(), Some(0), "{out}{err}");
            assert_eq!(out.contains(r#""permissionDecision":"deny""#), strict, "{out}");
            assert!(err.contains("a bug"), "{err}");
        }
    }
}
