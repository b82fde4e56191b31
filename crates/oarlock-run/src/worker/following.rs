//! Following a program while it works: what it uses, does and asks becomes known, and one that is stuck is stopped.

use std::time::{Duration as StdDuration, Instant};

use oarlock_model::duration::words::to_the_second;
use oarlock_ops::OpError;
use oarlock_ops::budget::{AskPerson, ReportUsage};
use oarlock_ops::call;
use oarlock_ops::request::Mutation;
use oarlock_ops::task::Renew;

use super::Worker;
use super::followed::{Following, Stop};
use super::stillness::Verdict;
use crate::attempt::Held;
use crate::duration::ms;

/// How often the use of an attempt is reported while it changes.
const USAGE_EVERY: StdDuration = StdDuration::from_secs(2);
/// How often progress is noted while it changes.
const PROGRESS_EVERY: StdDuration = StdDuration::from_secs(15);
/// How long a client that has said its last word may take to end. Some never do.
const LINGER_MAX: StdDuration = StdDuration::from_secs(60);

impl Worker<'_, '_> {
    /// Passes on what is new. A reason to end the program, if there is one.
    pub(super) fn follow(&mut self, following: &mut Following, held: &Held) -> Option<Stop> {
        if following.used_at.is_none_or(|at| at.elapsed() >= USAGE_EVERY) {
            self.report_usage(following, held);
        }
        self.pass_on_questions(following, held);
        let progress = following.observed.progress();
        if progress != following.progress && following.progress_at.elapsed() >= PROGRESS_EVERY {
            (following.progress, following.progress_at) = (progress.clone(), Instant::now());
            self.try_to(&Renew { id: Some(held.id.clone()), token: Some(held.token), ttl: None, progress: None, note: progress });
        }
        if following.observed.has_ended_for(LINGER_MAX) {
            return Some(Stop::Lingered);
        }
        self.judge(following, held)
    }

    /// Reports what the attempt has used, if that has changed.
    pub(super) fn report_usage(&mut self, following: &mut Following, held: &Held) {
        let usage = following.observed.usage();
        if usage == following.used {
            return;
        }
        let report = ReportUsage {
            id: held.id.clone(),
            token: held.token,
            cost_micros: usage.cost_usd.map(oarlock_model::usage::Usd::micros),
            input_tokens: usage.input_tokens,
            cached_tokens: usage.cached_tokens,
            output_tokens: usage.output_tokens,
            client: following.observed.client().map(|client| client.as_str().to_owned()),
        };
        following.used_at = Some(Instant::now());
        if self.try_to(&report) {
            following.used = usage;
        }
    }

    /// Lets people know what the agent asks: it cannot be answered here.
    pub(super) fn pass_on_questions(&mut self, following: &Following, held: &Held) {
        for question in following.observed.take_questions() {
            self.tell.warning(&format!("{} asks, and nobody can answer: {question}", held.id));
            self.try_to(&AskPerson { id: held.id.clone(), token: held.token, question });
        }
    }

    fn judge(&mut self, following: &mut Following, held: &Held) -> Option<Stop> {
        let is_client = following.observed.client().is_some();
        let limit = following.stillness.limit(is_client)?;
        let printed_at = following.observed.printed_at();
        if printed_at.elapsed() < limit {
            return None;
        }
        let progressed_at = self.progressed_at();
        let time = to_the_second(ms(limit));
        match following.stillness.judge(is_client, printed_at, progressed_at) {
            Verdict::Fine => None,
            Verdict::Nudge => {
                self.tell.warning(&format!("{} seems stuck: no output, no progress and no change of a file for {time}", held.id));
                let text = format!(
                    "{} shows no progress for {time}. Report what you are at with `oarlock renew {} --note TEXT`, or hand the task over with \
                     `oarlock release {} --result TEXT`. Without a sign of life you are stopped in {time}.",
                    held.id, held.id, held.id
                );
                self.send_to_agent(format!("is {} stuck?", held.id), text);
                None
            }
            Verdict::Stop => Some(Stop::Stuck(format!(
                "stuck: no output, no progress and no change of a file for {time} after a message that asked for a sign of life"
            ))),
        }
    }

    /// When the agent last did something that counts as progress, as far as the store knows.
    fn progressed_at(&mut self) -> Option<Instant> {
        let view = self.store.snapshot().ok()?;
        let agent = view.agent(&self.report.agent).ok()??;
        let ago = view.now().store.since_ms(agent.presence.progressed);
        Instant::now().checked_sub(StdDuration::from_millis(ago.max(0).unsigned_abs()))
    }

    /// Orders something that is good to have and nothing depends on. Whether it was done.
    fn try_to<M: Mutation>(&mut self, request: &M) -> bool {
        let done: Result<M::Reply, OpError> = call::mutate(&mut *self.store, &self.caller, self.settings, request);
        done.is_ok()
    }
}
