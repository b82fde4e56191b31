//! Several agents at one gateway: their requests go into one commit, and the gateway may be killed before it, when nothing
//! was done, or after it, when nobody hears the reply.

use oarlock_ops::OpError;
use oarlock_ops::caller::Caller;
use oarlock_ops::registry;
use oarlock_ops::settings::Settings;
use oarlock_ops::store::StoreError;
use serde_json::Value;

use super::actor::Letter;
use super::{Fault, Judged, World, shown};

/// Agents whose requests share a commit, at most.
const TOGETHER_MAX: usize = 4;

/// When the gateway dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Death {
    Not,
    BeforeCommit,
    BeforeReplies,
}

type Outcome = Result<Value, OpError>;

impl World {
    /// The next calls of some agents, in one commit of a gateway.
    pub(super) fn act_together(&mut self) -> Judged {
        let count = self.rng.usize(2..=TOGETHER_MAX);
        let mut order: Vec<usize> = (0..self.actors.len()).collect();
        self.rng.shuffle(&mut order);
        let mut letters = Vec::new();
        for n in order.into_iter().take(count) {
            // Who joins means its own process, which the gateway is not; what has no key cannot be asked for again.
            match self.actors[n].next(&mut self.rng, self.now_ms) {
                Some(letter) if letter.verb != "join" && letter.key.is_some() => letters.push((n, letter)),
                Some(letter) => {
                    let reply = self.ask(&letter)?;
                    self.hear(n, &letter, &reply);
                }
                None => {}
            }
        }
        if letters.is_empty() {
            return Ok(());
        }
        let death = *self.rng.choice(&[Death::Not, Death::Not, Death::Not, Death::BeforeCommit, Death::BeforeReplies]).expect("five");
        if death != Death::Not {
            self.oracle.note(Fault::GatewayKilled);
        }
        if death == Death::BeforeCommit {
            let _ = self.commit(&letters, death)?;
            self.tell(|| "the gateway is killed before its commit".to_owned());
        }
        let outcomes = self.commit(&letters, Death::Not)?;
        if death == Death::BeforeReplies {
            // The store has it all. Anyone who asked hears nothing, and asks again with the same key.
            self.tell(|| "the gateway is killed before its replies".to_owned());
        }
        for ((_, letter), outcome) in letters.iter().zip(&outcomes) {
            let now_ms = self.now_ms;
            self.tell(|| format!("{now_ms} ms {letter} -> {} (with others)", shown(outcome)));
            self.oracle.hear(letter, outcome, now_ms, now_ms)?;
        }
        for ((n, letter), outcome) in letters.iter().zip(outcomes) {
            let heard = match death {
                Death::BeforeReplies => self.ask(letter)?,
                Death::Not | Death::BeforeCommit => outcome,
            };
            self.hear(*n, letter, &heard);
        }
        Ok(())
    }

    /// Makes the calls in one commit.
    fn commit(&mut self, letters: &[(usize, Letter)], death: Death) -> Result<Vec<Outcome>, String> {
        let mut outcomes = Vec::new();
        let killed = StoreError::Unavailable { message: "killed".into(), hint: String::new() };
        let committed = self.harness.group(&mut |store| {
            outcomes.clear();
            for (_, letter) in letters {
                let entry = registry::find(letter.verb).expect("the simulator knows the verbs");
                let caller = Caller { name: letter.name(), session: letter.session(), key: letter.key.clone(), ..Caller::default() };
                let call = (entry.from_json)(letter.request.clone());
                let text = call.and_then(|call| call.attempt(store, &caller, &Settings::default()));
                outcomes.push(text.and_then(|text| Ok(serde_json::from_str(&text)?)));
            }
            if death == Death::BeforeCommit { Err(killed.clone()) } else { Ok(()) }
        });
        match committed {
            Some(Ok(done)) if done == (death != Death::BeforeCommit) => Ok(outcomes),
            other => Err(format!("(10) a commit of several calls came to {other:?}")),
        }
    }
}
