//! A running program as its output shows it: when it printed last, and the facts of its stream if it is a known client.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use oarlock_model::usage::Usage;

use crate::profile::{Client, Fact, Profile, Stream};

/// Questions of one attempt that are kept.
const QUESTIONS_MAX: usize = 20;

/// The output of one program, shared by the thread that reads it and the worker.
#[derive(Clone, Debug)]
pub(crate) struct Observed(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    stream: Stream,
    printed_at: Instant,
    usage: Usage,
    progress: Option<String>,
    questions: Vec<String>,
    /// Questions that were taken.
    taken: usize,
    /// The provider takes no requests: until a moment in seconds of Unix time, where that is known.
    limit: Option<Option<i64>>,
    answer: Option<String>,
    error: Option<String>,
    /// When the client said that it has come to its end.
    ended_at: Option<Instant>,
}

/// The last words of a client.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Words {
    /// Its result: the answer, after the lines that do not belong to its stream. Absent when it gave no answer.
    pub(crate) result: Option<String>,
    /// Why it could not do it.
    pub(crate) error: Option<String>,
    /// The questions that nobody answered.
    pub(crate) questions: Vec<String>,
}

impl Observed {
    pub(crate) fn new(profile: Profile) -> Self {
        Self(Arc::new(Mutex::new(State {
            stream: Stream::new(profile),
            printed_at: Instant::now(),
            usage: Usage::default(),
            progress: None,
            questions: Vec::new(),
            taken: 0,
            limit: None,
            answer: None,
            error: None,
            ended_at: None,
        })))
    }

    /// Takes a piece of standard output.
    pub(crate) fn output(&self, bytes: &[u8]) {
        let mut state = self.state();
        state.printed_at = Instant::now();
        let facts = state.stream.push(bytes);
        state.take(facts);
    }

    /// Takes note that something was printed to standard error.
    pub(crate) fn errors(&self) {
        self.state().printed_at = Instant::now();
    }

    /// Takes note that nothing more comes.
    pub(crate) fn finish(&self) {
        let mut state = self.state();
        let facts = state.stream.finish();
        state.take(facts);
    }

    /// The client, once its stream is known.
    pub(crate) fn client(&self) -> Option<Client> {
        self.state().stream.client()
    }

    /// When something was printed last; at first the moment of the start.
    pub(crate) fn printed_at(&self) -> Instant {
        self.state().printed_at
    }

    /// Tokens and money of the attempt so far.
    pub(crate) fn usage(&self) -> Usage {
        self.state().usage
    }

    /// The last thing that it did.
    pub(crate) fn progress(&self) -> Option<String> {
        self.state().progress.clone()
    }

    /// Questions that are new.
    pub(crate) fn take_questions(&self) -> Vec<String> {
        let mut state = self.state();
        let new = state.questions[state.taken..].to_vec();
        state.taken = state.questions.len();
        new
    }

    /// Whether the provider refuses requests at present, and until when in seconds of Unix time, if that is known.
    pub(crate) fn limit(&self) -> Option<Option<i64>> {
        self.state().limit
    }

    /// Whether the client said that it has come to its end, and has printed nothing for this long since.
    pub(crate) fn has_ended_for(&self, time: Duration) -> bool {
        let state = self.state();
        state.ended_at.is_some_and(|at| at.max(state.printed_at).elapsed() >= time)
    }

    /// The last words; none from a program that is no known client.
    pub(crate) fn words(&self) -> Option<Words> {
        let state = self.state();
        state.stream.client()?;
        let rest = Some(state.stream.rest()).filter(|rest| !rest.is_empty());
        let result = state.answer.as_deref().map(|answer| rest.into_iter().chain([answer]).collect::<Vec<_>>().join("\n\n"));
        Some(Words { result, error: state.error.clone(), questions: state.questions.clone() })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn take(&mut self, facts: Vec<Fact>) {
        for fact in facts {
            match fact {
                Fact::Progress(words) => self.progress = Some(words).filter(|words| !words.is_empty()),
                Fact::Used(usage) => self.usage = self.usage.or_more(&usage),
                Fact::Question(words) if self.questions.len() < QUESTIONS_MAX && !self.questions.contains(&words) => {
                    self.questions.push(words)
                }
                Fact::Question(_) => {}
                Fact::RateLimit(until) => self.limit = Some(until.or(self.limit.flatten())),
                Fact::Answer(words) => (self.answer, self.error) = (Some(words), None),
                Fact::Error(words) => self.error = Some(words),
                // An error after which it came to an answer, or to a good end, was not the end of the attempt.
                Fact::Ended { ok: true } => (self.ended_at, self.error, self.limit) = (Some(Instant::now()), None, None),
                Fact::Ended { ok: false } => self.ended_at = Some(Instant::now()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INIT: &str = "{\"type\":\"thread.started\",\"thread_id\":\"0\"}\n";

    fn observed(lines: &str) -> Observed {
        let observed = Observed::new(Profile::Auto);
        observed.output(lines.as_bytes());
        observed.finish();
        observed
    }

    #[test]
    fn an_error_counts_unless_the_client_came_to_a_good_end() {
        let error = "{\"type\":\"error\",\"message\":\"too many requests\"}\n";
        let answer = "{\"type\":\"item.completed\",\"item\":{\"type\":\"agent_message\",\"text\":\"done\"}}\n";
        let end = "{\"type\":\"turn.completed\",\"usage\":{\"input_tokens\":1}}\n";
        let failed = observed(&format!("{INIT}{error}"));
        assert_eq!(failed.words().and_then(|words| words.error).as_deref(), Some("too many requests"));
        assert!(failed.limit().is_some() && !failed.has_ended_for(Duration::ZERO));
        let fine = observed(&format!("{INIT}{error}{answer}{end}a line beside it"));
        let want = Words { result: Some("a line beside it\n\ndone".into()), ..Words::default() };
        assert_eq!((fine.words(), fine.limit()), (Some(want), None));
        assert!(fine.has_ended_for(Duration::ZERO) && !fine.has_ended_for(Duration::from_secs(3_600)));
    }

    #[test]
    fn questions_are_taken_once_and_bounded() {
        let asked = |n: usize| format!("{{\"type\":\"request_user_input\",\"questions\":[{{\"question\":\"q{n}\"}}]}}\n");
        let observed = observed(INIT);
        observed.output((asked(1) + &asked(1) + &asked(2)).as_bytes());
        assert_eq!(observed.take_questions(), ["q1", "q2"]);
        observed.output(asked(3).as_bytes());
        assert_eq!(observed.take_questions(), ["q3"]);
        (0..100).for_each(|n| observed.output(asked(n).as_bytes()));
        assert_eq!(observed.words().map(|words| words.questions.len()), Some(QUESTIONS_MAX));
    }

    #[test]
    fn a_plain_program_has_no_words() {
        assert_eq!(observed("hello\n{\"a\":1}\n").words(), None);
    }
}
