//! A process of the self-test: it claims and finishes, and prints the replies it got. A line is written at once and whole, so
//! that a kill cannot take back acknowledged replies.

use oarlock_client::Oarlock;
use std::io::Write;
use std::path::Path;

use oarlock_model::duration::Duration;
use oarlock_model::{Rejection, TaskId, Token};
use oarlock_ops::OpError;
use oarlock_ops::task::{Add, Claim, Done};

use super::TTL_MS;

/// How long a worker waits for work before it looks whether it is still wanted.
const WAIT_MS: i64 = 30_000;

/// Works in a scratch store until it is killed.
///
/// # Errors
/// Those of the store; a refusal is what the test is about, and is said.
pub(crate) fn run(file: &Path, name: &str, mode: &str) -> Result<(), OpError> {
    let mut agent = joined(file, name)?;
    say(&["ready"]);
    loop {
        let outcome = if mode == "wait" { wait_once(&mut agent) } else { race_once(&mut agent) };
        match outcome {
            Ok(()) | Err(OpError::Rejected(Rejection::TimedOut { .. })) => {}
            // It was stopped for this long that somebody else has its work, as it should be.
            Err(OpError::Rejected(rejection)) => say(&["refused", rejection.code().word()]),
            Err(error) => {
                say(&["broken", error.code().word()]);
                return Err(error);
            }
        }
    }
}

/// The name's former session may not have been noticed dead in the very moment it is taken.
fn joined(file: &Path, name: &str) -> Result<Oarlock, OpError> {
    loop {
        match Oarlock::open(file)?.joined_as(name) {
            Err(OpError::Rejected(Rejection::AlreadyExists { .. })) => std::thread::yield_now(),
            outcome => return outcome,
        }
    }
}

fn wait_once(agent: &mut Oarlock) -> Result<(), OpError> {
    say(&["waits"]);
    let (task, token) = claim(agent)?;
    say(&["woken", task.as_str()]);
    done(agent, &task, token)
}

fn race_once(agent: &mut Oarlock) -> Result<(), OpError> {
    let (task, token) = claim(agent)?;
    say(&["claimed", task.as_str(), &token.to_string()]);
    done(agent, &task, token)?;
    say(&["finished", task.as_str(), &token.to_string()]);
    // The work never ends.
    agent.order(&Add { title: format!("after {task}"), ..Add::default() }).map(drop)
}

fn claim(agent: &mut Oarlock) -> Result<(TaskId, Token), OpError> {
    let claim = Claim { ttl: Some(Duration::from_ms(TTL_MS)), wait: Some(Duration::from_ms(WAIT_MS)), ..Claim::default() };
    let claimed = agent.order(&claim)?.into_claims().pop().ok_or_else(|| OpError::Internal("a claim without a task".into()))?;
    Ok((claimed.task.id, claimed.lease.token))
}

fn done(agent: &mut Oarlock, task: &TaskId, token: Token) -> Result<(), OpError> {
    let done = Done { token: Some(token), result: Some("well".into()), ..Done::of(task.clone()) };
    agent.order(&done).map(drop)
}

fn say(words: &[&str]) {
    let line = format!("{}\n", words.join(" "));
    let mut out = std::io::stdout().lock();
    if out.write_all(line.as_bytes()).and_then(|()| out.flush()).is_err() {
        // Nobody listens any more.
        std::process::exit(0);
    }
}
