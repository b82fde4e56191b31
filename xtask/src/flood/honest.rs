//! The agents that work: each adds a task of its own, claims it, beats, looks whether a path is free, talks, and completes it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::wire::{Line, Sent, Wire};
use crate::output::Outcome;

/// The pause between two calls of one agent: it works in between.
const PAUSE: Duration = Duration::from_millis(10);

/// How long calls took, and what failed.
#[derive(Debug, Default)]
pub(super) struct Times {
    nanos: Vec<u64>,
    /// Calls that were not answered with 200.
    pub(super) errors: usize,
    /// The first of these.
    pub(super) first_error: Option<String>,
}

impl Times {
    /// How many calls there were.
    pub(super) fn len(&self) -> usize {
        self.nanos.len()
    }

    /// The time within which this part of the calls was answered, in nanoseconds.
    pub(super) fn quantile(&self, part: f64) -> u64 {
        let mut sorted = self.nanos.clone();
        sorted.sort_unstable();
        let at = ((sorted.len() as f64 * part) as usize).min(sorted.len().saturating_sub(1));
        sorted.get(at).copied().unwrap_or(0)
    }

    fn add(&mut self, other: Self) {
        self.nanos.extend(other.nanos);
        self.errors += other.errors;
        self.first_error = self.first_error.take().or(other.first_error);
    }
}

/// Has them work for this long, each with its own key.
///
/// # Errors
/// No runtime.
pub(super) fn work(authority: &str, keys: &[String], time: Duration) -> Outcome<Times> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let until = Instant::now() + time;
    let count = keys.len();
    let mut all = Times::default();
    runtime
        .block_on(async {
            let agents: Vec<_> = keys
                .iter()
                .enumerate()
                .map(|(n, key)| {
                    let wire = Wire { authority: authority.to_owned(), key: key.clone() };
                    let next = format!("a{}", (n + 1) % count);
                    tokio::spawn(Agent { line: wire.line(), name: Arc::from(format!("a{n}")), next, times: Times::default() }.work(until))
                })
                .collect();
            for agent in agents {
                all.add(agent.await?);
            }
            Ok::<_, Box<dyn std::error::Error + Send + Sync>>(())
        })
        .map_err(|error| error.to_string())?;
    Ok(all)
}

struct Agent {
    line: Line,
    name: Arc<str>,
    next: String,
    times: Times,
}

impl Agent {
    async fn work(mut self, until: Instant) -> Times {
        while Instant::now() < until {
            let _ = self.task().await;
        }
        self.times
    }

    /// One task, from its making to its end.
    async fn task(&mut self) -> Sent<()> {
        let added = self.call("add", json!({"title": format!("work of {}", self.name), "assign": &*self.name})).await?;
        let id = added["task"]["id"].as_str().ok_or("no id")?.to_owned();
        let claimed = self.call("claim", json!({"id": id})).await?;
        self.call("heartbeat", json!({"action": "at work"})).await?;
        self.call("check", json!({"paths": [format!("src/{}.rs", self.name)]})).await?;
        self.call("send", json!({"to": [self.next], "text": "how is it going?"})).await?;
        self.call("done", json!({"id": id, "token": claimed["lease"]["token"], "result": "done"})).await?;
        Ok(())
    }

    async fn call(&mut self, verb: &'static str, request: Value) -> Sent<Value> {
        tokio::time::sleep(PAUSE).await;
        let begun = Instant::now();
        let called = self.line.call(verb, &request).await;
        self.times.nanos.push(u64::try_from(begun.elapsed().as_nanos())?);
        match called {
            Ok((200, answer)) => Ok(answer),
            other => {
                let error = match other {
                    Ok((status, answer)) => format!("{verb}: {status} {answer}"),
                    Err(error) => format!("{verb}: {error}"),
                };
                self.times.errors += 1;
                self.times.first_error.get_or_insert_with(|| error.clone());
                Err(error.into())
            }
        }
    }
}
