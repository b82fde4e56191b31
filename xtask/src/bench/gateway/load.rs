//! Clients that claim and complete as fast as they are answered, each on a connection of its own that it keeps.

use std::path::Path;
use std::time::Instant;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::super::ours::RESULT;
use crate::output::{Outcome, say};

/// One client.
struct Client {
    stream: TcpStream,
    head: String,
    agent: String,
    buffer: Vec<u8>,
    calls: usize,
}

/// Makes about `calls` calls by `clients` clients; prints how long it took in nanoseconds and how many failed, and leaves the
/// times of all calls in a file.
///
/// # Errors
/// A connection breaks.
pub(in super::super) fn run(authority: &str, key: &str, clients: usize, calls: usize, waits: &Path) -> Outcome<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let key = std::fs::read_to_string(key).unwrap_or_default();
    let (took_ns, times, errors, first_error) = runtime
        .block_on(async {
            let mut all = Vec::new();
            for n in 0..clients {
                all.push(Client::connect(authority, key.trim(), format!("a{n}")).await?);
            }
            let begun = Instant::now();
            let running: Vec<_> = all.into_iter().map(|client| tokio::spawn(client.work(calls / clients))).collect();
            let (mut times, mut errors, mut first_error) = (Vec::with_capacity(calls), 0, String::new());
            for client in running {
                let (own, failed, first) = client.await??;
                times.extend(own);
                errors += failed;
                first_error = if first_error.is_empty() { first } else { first_error };
            }
            Ok::<_, Box<dyn std::error::Error + Send + Sync>>((begun.elapsed().as_nanos(), times, errors, first_error))
        })
        .map_err(|error| error.to_string())?;
    std::fs::write(waits, times.iter().copied().flat_map(u64::to_le_bytes).collect::<Vec<u8>>())?;
    say(format_args!("{took_ns} {errors} {first_error}"));
    Ok(())
}

type Sent<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

impl Client {
    async fn connect(authority: &str, key: &str, agent: String) -> Sent<Self> {
        let stream = TcpStream::connect(authority).await?;
        stream.set_nodelay(true)?;
        let head = format!("Host: {authority}\r\nAuthorization: Bearer {key}\r\nContent-Type: application/json\r\n");
        Ok(Self { stream, head, agent, buffer: Vec::with_capacity(4_096), calls: 0 })
    }

    async fn work(mut self, calls: usize) -> Sent<(Vec<u64>, usize, String)> {
        let (mut waits, mut errors, mut first) = (Vec::with_capacity(calls), 0, String::new());
        while waits.len() < calls {
            let begun = Instant::now();
            let claimed = self.call("claim", "").await?;
            waits.push(u64::try_from(begun.elapsed().as_nanos())?);
            let (Some(id), Some(token)) = (claimed["task"]["id"].as_str(), claimed["lease"]["token"].as_i64()) else {
                errors += 1;
                first = if first.is_empty() { claimed.to_string() } else { first };
                continue;
            };
            let begun = Instant::now();
            let done = self.call("done", &format!(r#","id":"{id}","token":{token},"result":"{RESULT}""#)).await?;
            waits.push(u64::try_from(begun.elapsed().as_nanos())?);
            if done["task"]["state"] != "done" {
                errors += 1;
                first = if first.is_empty() { done.to_string() } else { first };
            }
        }
        Ok((waits, errors, first))
    }

    async fn call(&mut self, verb: &str, more: &str) -> Sent<Value> {
        self.calls += 1;
        let body = format!(r#"{{"as":"{}","idempotency_key":"{}-{}"{more}}}"#, self.agent, self.agent, self.calls);
        let request = format!("POST /v1/{verb} HTTP/1.1\r\n{}Content-Length: {}\r\n\r\n{body}", self.head, body.len());
        self.stream.write_all(request.as_bytes()).await?;
        self.buffer.clear();
        loop {
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Err("the connection ended".into());
            }
            let Some(end) = self.buffer.windows(4).position(|bytes| bytes == b"\r\n\r\n") else { continue };
            let head = std::str::from_utf8(&self.buffer[..end])?.to_ascii_lowercase();
            let length: usize = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap_or("0").parse()?;
            if self.buffer.len() >= end + 4 + length {
                return Ok(serde_json::from_slice(&self.buffer[end + 4..end + 4 + length]).unwrap_or_default());
            }
        }
    }
}
