//! The nouns to flood, and how. Every loop ends with the flood, and talks to this gateway only.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use clap::builder::PossibleValue;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::wire::{Sent, Wire};
use super::{Counts, FLOODER};
use crate::output::Outcome;

/// Requests at once, each on a connection of its own.
const AT_ONCE: usize = 32;

/// Connections that a flood of connections holds.
const HELD: usize = 1_000;

/// How soon a slow one sends or takes its next byte.
const DRIP: Duration = Duration::from_millis(200);

/// After this many the connection is left, and another one is opened.
const DRIPS_MAX: usize = 150;

/// The contents of one flood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Noun {
    /// Tasks with bodies of a mebibyte.
    Tasks,
    /// Messages to all.
    Messages,
    /// State entries.
    Entries,
    /// Reservations, by the names of helpers.
    Reservations,
    /// Sessions of helpers.
    Sessions,
    /// Keys of helpers.
    Keys,
    /// Streams of events that nobody reads.
    Streams,
    /// Calls that wait.
    Waits,
    /// Requests whose bodies come slowly.
    Uploads,
    /// Answers that are taken slowly.
    Readers,
    /// Answers that are never taken.
    Unread,
    /// Requests that are no JSON.
    Malformed,
    /// Requests that are nested deeply.
    Deep,
    /// Connections, with and without a key.
    Connections,
    /// Calls of the server for models.
    Models,
}

use Noun::{
    Connections, Deep, Entries, Keys, Malformed, Messages, Models, Readers, Reservations, Sessions, Streams, Tasks, Unread, Uploads, Waits,
};

impl clap::ValueEnum for Noun {
    fn value_variants<'a>() -> &'a [Self] {
        &Self::ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.name()))
    }
}

impl Noun {
    /// All of them.
    pub(super) const ALL: [Self; 15] = [
        Tasks,
        Messages,
        Entries,
        Reservations,
        Sessions,
        Keys,
        Streams,
        Waits,
        Uploads,
        Readers,
        Unread,
        Malformed,
        Deep,
        Connections,
        Models,
    ];

    /// Its name.
    pub(super) fn name(self) -> &'static str {
        match self {
            Tasks => "tasks",
            Messages => "messages",
            Entries => "entries",
            Reservations => "reservations",
            Sessions => "sessions",
            Keys => "keys",
            Streams => "streams",
            Waits => "waits",
            Uploads => "uploads",
            Readers => "readers",
            Unread => "unread",
            Malformed => "malformed",
            Deep => "deep",
            Connections => "connections",
            Models => "models",
        }
    }

    /// Whether a short flood meets a bound of the gateway on any machine: how many connections or reservations it makes depends on the machine.
    pub(super) fn is_bounded(self) -> bool {
        !matches!(self, Tasks | Entries | Messages | Reservations | Uploads | Readers | Unread | Models | Connections)
    }

    /// Makes the required state before the flood.
    ///
    /// # Errors
    /// The gateway refuses it.
    pub(super) fn prepare(self, call: &dyn Fn(&str, &Value) -> Outcome<()>) -> Outcome<()> {
        if matches!(self, Readers | Unread | Models) {
            for n in 0..40 {
                call("state-set", &json!({"as": FLOODER, "key": format!("fill/{n}"), "value": "x".repeat(64 << 10)}))?;
            }
        }
        Ok(())
    }
}

/// Floods until it is asked to stop.
///
/// # Errors
/// No runtime.
pub(super) fn run(noun: Noun, wire: &Wire, counts: &Arc<Counts>, stop: &Arc<AtomicBool>) -> Outcome<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let many = if matches!(noun, Streams | Waits | Uploads | Readers | Unread | Connections) { HELD } else { AT_ONCE };
        let all: Vec<_> = (0..many)
            .map(|n| {
                let flood = Flood { noun, wire: wire.clone(), counts: Arc::clone(counts), stop: Arc::clone(stop), n };
                tokio::spawn(flood.run())
            })
            .collect();
        while !stop.load(Ordering::Relaxed) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        all.iter().for_each(tokio::task::JoinHandle::abort);
    });
    Ok(())
}

struct Flood {
    noun: Noun,
    wire: Wire,
    counts: Arc<Counts>,
    stop: Arc<AtomicBool>,
    n: usize,
}

impl Flood {
    async fn run(self) {
        let mut round = 0;
        while !self.stop.load(Ordering::Relaxed) {
            let flooded = match self.noun {
                Streams | Waits | Uploads | Readers | Unread | Connections => self.hold().await,
                _ => self.ask(&mut round).await,
            };
            if flooded.is_err() {
                count(&self.counts.ended);
                // A gateway that does not answer is not asked as fast as this machine can.
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
    }

    /// Requests, one after another, as fast as they are answered.
    async fn ask(&self, round: &mut usize) -> Sent<()> {
        let mut line = self.wire.line();
        loop {
            *round += 1;
            let id = format!("{}-{round}", self.n);
            let helper = format!("{FLOODER}.h{id}");
            let (verb, request) = match self.noun {
                Tasks => ("add", json!({"title": "flood", "body": "x".repeat(1 << 20)})),
                Messages => ("send", json!({"to": ["all"], "text": "x".repeat(1 << 10)})),
                Entries => ("state-set", json!({"key": format!("flood/{id}"), "value": "x".repeat(32 << 10)})),
                Reservations => ("reserve", json!({"globs": [format!("flood/{id}/**")]})),
                Sessions => ("join", json!({"name": helper})),
                Keys => ("access-create", json!({"name": helper})),
                _ => ("", Value::Null),
            };
            let (status, _) = match self.noun {
                Malformed => {
                    line.send("POST", "/v1/add", "{\"title\": ".repeat(if (*round).is_multiple_of(4) { 100_000 } else { 10 }).as_bytes())
                        .await?
                }
                Deep => {
                    line.send("POST", "/v1/state-set", "[".repeat(if (*round).is_multiple_of(4) { 1 << 20 } else { 1_000 }).as_bytes())
                        .await?
                }
                Models => {
                    let read = json!({"jsonrpc": "2.0", "id": 1, "method": "resources/read", "params": {"uri": "oarlock://state"}});
                    line.send("POST", "/mcp", read.to_string().as_bytes()).await?
                }
                // The helper joins and reserves by its own name.
                Reservations if *round % 50 == 1 => {
                    let joined = line.call("join", &json!({"name": helper, "stale_after": "1s"})).await?;
                    self.note(joined.0);
                    let mut request = request;
                    request["as"] = helper.into();
                    let (status, _) = line.call(verb, &request).await?;
                    (status, Vec::new())
                }
                _ => {
                    let (status, _) = line.call(verb, &request).await?;
                    (status, Vec::new())
                }
            };
            self.note(status);
        }
    }

    fn note(&self, status: u16) {
        count(if status == 200 { &self.counts.granted } else { &self.counts.refused });
    }

    /// One connection that is held as long as the gateway lets it be.
    async fn hold(&self) -> Sent<()> {
        let post = |verb: &str, body: &str| format!("{}{body}", self.wire.head("POST", &format!("/v1/{verb}"), body.len()));
        let (opening, takes) = match self.noun {
            Streams => (self.wire.head("GET", "/v1/events", 0), Takes::Nothing),
            // Each message of the others wakes all of them.
            Waits => (post("inbox", r#"{"wait":"10m","limit":1}"#), Takes::Nothing),
            Uploads => (self.wire.head("POST", "/v1/add", 2 << 20), Takes::Slowly),
            Readers => (post("state", "{}"), Takes::Slowly),
            Unread => (post("state", "{}"), Takes::Nothing),
            // A third has a key, a third says half of a head, a third nothing at all.
            _ if self.n.is_multiple_of(3) => (post("heartbeat", "{}"), Takes::Nothing),
            _ if self.n % 3 == 1 => ("POST /v1/status HTTP/1.1\r\nHost: ".into(), Takes::Nothing),
            _ => (String::new(), Takes::Nothing),
        };
        let mut stream = self.wire.open(opening.as_bytes()).await?;
        self.linger(&mut stream, takes).await
    }

    async fn linger(&self, stream: &mut TcpStream, takes: Takes) -> Sent<()> {
        let mut first = [0; 12];
        let is_upload = self.noun == Uploads;
        let mut is_answered = false;
        for _ in 0..DRIPS_MAX {
            tokio::time::sleep(DRIP).await;
            if is_upload {
                stream.write_all(b" ").await?;
            }
            if matches!(takes, Takes::Slowly) || !is_answered {
                // An answer's first bytes show whether it was refused.
                let n = if is_answered { 1 } else { first.len() };
                match tokio::time::timeout(Duration::from_millis(1), stream.read_exact(&mut first[..n])).await {
                    Ok(Ok(_)) if !is_answered => {
                        is_answered = true;
                        let is_granted = first.ends_with(b"200");
                        self.note(if is_granted { 200 } else { 422 });
                        if !is_granted {
                            return Ok(());
                        }
                    }
                    Ok(Err(error)) => return Err(error.into()),
                    _ => {}
                }
            }
        }
        Ok(())
    }
}

#[derive(Clone, Copy, Debug)]
enum Takes {
    Nothing,
    Slowly,
}

fn count(n: &AtomicU64) {
    n.fetch_add(1, Ordering::Relaxed);
}
