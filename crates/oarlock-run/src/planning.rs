//! Asking an agent for the plan of a split. The program that answers runs in an empty directory, without what a worker's programs get, and knows
//! of the repository what the prompt says. What it is asked, and what its answers are worth, is decided in `oarlock-plan`.

mod client;
mod environment;

use std::ffi::OsString;
use std::path::Path;
use std::sync::Mutex;
use std::thread;
use std::time::{Duration as StdDuration, Instant};

use oarlock_model::TaskId;
use oarlock_model::duration::Duration;
use oarlock_ops::OpError;
use oarlock_ops::local::Local;
use oarlock_ops::settings::Settings;
use oarlock_ops::task::{Planner, Split};
use oarlock_plan::{Conversation, Turn, file_list};

use crate::child::{Running, Start, ending};
use crate::profile::Profile;
use crate::progress::{Progress, Tell};
use crate::signals::Signals;
use crate::text::first_line;

/// How long an answer may take if nobody says otherwise: 10 minutes.
const TIMEOUT_MS_DEFAULT: i64 = 10 * 60 * 1_000;
/// Larger documents are planned by rules, in bytes: a prompt has to fit into what a model reads.
const DOCUMENT_BYTES_MAX: usize = 512 * 1_024;
/// How shells say that a program cannot be run, or is not there.
const UNSTARTABLE: [i32; 2] = [126, 127];
/// How long is waited before signals and the time are looked at again.
const SLICE: StdDuration = StdDuration::from_millis(50);
/// Characters of a command that stand for it.
const NAME_CHARS_MAX: usize = 40;
/// Characters of what a program said last that a reason repeats.
const SAID_CHARS_MAX: usize = 300;

/// How an agent is asked for a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanningAgent {
    command: Vec<OsString>,
    name: String,
    timeout: Duration,
    /// Notes for people about this command.
    doubt: Option<String>,
}

impl PlanningAgent {
    /// The operator's own words, run by `sh -c` in an empty directory; a program with a slash is found from the current one. Flags that make a
    /// known client read only are added where these are plain words; where they are not, a warning says so. An answer may take as long as
    /// `timeout`, or 10 minutes.
    #[must_use]
    pub fn of_shell(words: &str, timeout: Option<Duration>) -> Self {
        let name = first_line(words, NAME_CHARS_MAX);
        let (words, unsure) = client::with_flags(words);
        let command = ["sh".into(), "-c".into(), found_from_here(&words).into()].to_vec();
        let doubt = unsure.map(|client| {
            format!("no flags that make {client} read only were added, because the command is more than {client} with arguments; give them yourself")
        });
        Self { command, name, timeout: timeout.unwrap_or(Duration::from_ms(TIMEOUT_MS_DEFAULT)), doubt }
    }

    /// The client that this command starts, asked with flags that let it read only and with the model that the command names. None if the program
    /// is not a client that Oarlock knows how to ask.
    #[must_use]
    pub fn of_client(command: &[OsString], timeout: Option<Duration>) -> Option<Self> {
        let (name, command) = client::asked(command)?;
        Some(Self { command, name: name.to_owned(), timeout: timeout.unwrap_or(Duration::from_ms(TIMEOUT_MS_DEFAULT)), doubt: None })
    }

    /// Its name for people.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A warning, and what people should know of the command besides.
    fn with_doubt(&self, warning: Option<String>) -> Option<String> {
        let all: Vec<String> = warning.into_iter().chain(self.doubt.clone()).collect();
        (!all.is_empty()).then(|| all.join("; "))
    }
}

/// The words of a shell with a program found from the current directory that is named by a relative path: they are run in another one.
fn found_from_here(words: &str) -> String {
    let words = words.trim_start();
    let (program, rest) = words.split_at(words.find(char::is_whitespace).unwrap_or(words.len()));
    let is_plain = |c: char| c.is_alphanumeric() || "._-/+@".contains(c);
    if !program.contains('/') || !program.chars().all(is_plain) || !Path::new(program).exists() {
        return words.to_owned();
    }
    match std::path::absolute(program).ok().and_then(|path| path.into_os_string().into_string().ok()) {
        Some(path) => format!("'{}'{rest}", path.replace('\'', r"'\''")),
        None => words.to_owned(),
    }
}

/// Has an agent plan a split of `document`. Afterwards the split has the agent's plan, or it is left to the rules. The reply is a warning for
/// people, if there is one: why the rules plan, or the doubts about the agent's plan. It takes as long as the agent does: hold no store
/// meanwhile.
///
/// # Errors
/// `interrupted` after a signal; the agent's program has ended then.
pub fn plan_split(
    split: &mut Split,
    document: &str,
    agent: &PlanningAgent,
    settings: &Settings,
    local: &dyn Local,
    progress: &mut dyn Progress,
) -> Result<Option<String>, OpError> {
    let signals = Signals::install()?;
    let tell = Mutex::new(progress);
    Asking { agent, settings, local, signals: &signals, tell: &tell }.plan(split, document)
}

/// Whom is asked, and who hears of it.
pub(crate) struct Asking<'a> {
    pub(crate) agent: &'a PlanningAgent,
    pub(crate) settings: &'a Settings,
    pub(crate) local: &'a dyn Local,
    pub(crate) signals: &'a Signals,
    pub(crate) tell: &'a dyn Tell,
}

/// The answer to one question.
enum Answer {
    /// The printed text.
    Text(String),
    /// Nothing of use, for this reason; another try may fare better.
    Nothing(String),
    /// Nothing, and asking again would not help.
    Never(String),
}

impl Asking<'_> {
    /// As [`plan_split`].
    pub(crate) fn plan(&self, split: &mut Split, document: &str) -> Result<Option<String>, OpError> {
        split.planner = None;
        let by_rules = |why: String| Some(format!("planned by rules, not by {}: {why}", self.agent.name));
        if document.trim().is_empty() {
            return Ok(None);
        }
        if document.len() > DOCUMENT_BYTES_MAX {
            return Ok(by_rules(format!(
                "the document has {} bytes; an agent is asked about at most {DOCUMENT_BYTES_MAX}",
                document.len()
            )));
        }
        let files = file_list(document, &self.local.list_files().unwrap_or_default());
        let options = split.options(&TaskId::parse("T-1")?, self.settings);
        // What nobody can plan the operation itself refuses, with its reason.
        let Ok(mut talk) = Conversation::begin(document, &options, &files) else { return Ok(None) };
        let mut question = talk.question().to_owned();
        loop {
            let turn = match self.ask(question)? {
                Answer::Text(text) => talk.answer(&text, &mut |search| self.local.look_for(search).ok().flatten()),
                Answer::Nothing(why) => talk.no_answer(&why),
                Answer::Never(why) => Turn::GiveUp(why),
            };
            match turn {
                Turn::Ask(next) => question = next,
                Turn::GiveUp(why) => return Ok(self.agent.with_doubt(by_rules(why))),
                Turn::Plan(plan) => {
                    split.repository = self.local.look_for(oarlock_plan::Search::for_plan(&plan)).ok().flatten();
                    split.plan = Some(plan);
                    split.planner = Some(Planner::Agent);
                    return Ok(self.agent.with_doubt(talk.doubt().map(str::to_owned)));
                }
            }
        }
    }

    /// Asks one question: the program is started for it, and is gone afterwards with all that it has started and written.
    fn ask(&self, question: String) -> Result<Answer, OpError> {
        let dir = match tempfile::Builder::new().prefix("oarlock-plan-").tempdir() {
            Ok(dir) => dir,
            Err(error) => return Ok(Answer::Never(format!("an empty directory for it cannot be made: {error}"))),
        };
        let start = Start {
            command: &self.agent.command,
            variables: vec![("PWD", dir.path().as_os_str().to_owned())],
            removed: environment::removed(std::env::vars_os().map(|(name, _)| name)),
            dir: Some(dir.path()),
            input: question,
            profile: Profile::None,
        };
        let until = Instant::now().checked_add(self.agent.timeout.as_std());
        let (mut is_late, mut is_interrupted) = (false, false);
        let ended = thread::scope(|scope| {
            let mut running = Running::start(start, scope, self.tell)?;
            while !running.has_ended() {
                is_interrupted |= self.signals.taken();
                is_late |= until.is_some_and(|until| until <= Instant::now());
                if is_interrupted || is_late {
                    running.terminate();
                    running.kill_if_due();
                }
                running.rest(SLICE);
            }
            running.collect(&|| is_interrupted || is_late)
        });
        if is_interrupted {
            return Err(OpError::Interrupted);
        }
        let (status, printed) = match ended {
            Ok(ended) => ended,
            Err(error) => return Ok(Answer::Never(format!("it cannot be started: {error}"))),
        };
        if is_late {
            return Ok(Answer::Never(format!("it gave no answer within {}", self.agent.timeout)));
        }
        let is_whole = printed.is_whole();
        let (output, errors) = printed.into_texts();
        let errors = errors.lines().last().map(|line| first_line(line, SAID_CHARS_MAX)).unwrap_or_default();
        let said = |what: String| if errors.is_empty() { what } else { format!("{what}: {errors}") };
        Ok(match status.code() {
            Some(code) if UNSTARTABLE.contains(&code) => Answer::Never(said(format!("it cannot be run, {}", ending(status)))),
            Some(0) if !is_whole => Answer::Nothing("the answer was longer than 1 MiB".to_owned()),
            Some(0) if output.is_empty() => Answer::Nothing(said("nothing was printed on standard output".to_owned())),
            Some(0) => Answer::Text(output),
            _ => Answer::Nothing(said(ending(status))),
        })
    }
}

#[cfg(test)]
mod tests;
