//! Requests on connections that are kept, with nothing between the flood and the bytes.

use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A failure that another thread can hear of.
pub(super) type Sent<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// The longest an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where the gateway is, and a key for it.
#[derive(Clone, Debug)]
pub(crate) struct Wire {
    /// HOST:PORT.
    pub(crate) authority: String,
    /// The key.
    pub(crate) key: String,
}

/// A connection that is made again when it has ended.
pub(crate) struct Line {
    wire: Wire,
    stream: Option<TcpStream>,
    buffer: Vec<u8>,
}

impl Wire {
    /// A connection that is made with its first request.
    pub(super) fn line(&self) -> Line {
        Line { wire: self.clone(), stream: None, buffer: Vec::new() }
    }

    /// The head of a request with a body of this many bytes.
    pub(super) fn head(&self, method: &str, path: &str, bytes: usize) -> String {
        let Self { authority, key } = self;
        format!(
            "{method} {path} HTTP/1.1\r\nHost: {authority}\r\nAuthorization: Bearer {key}\r\nContent-Type: application/json\r\n\
             Accept: application/json, text/event-stream\r\nContent-Length: {bytes}\r\n\r\n"
        )
    }

    /// A connection on which these bytes were sent.
    ///
    /// # Errors
    /// Nobody listens, or it ends at once.
    pub(super) async fn open(&self, bytes: &[u8]) -> Sent<TcpStream> {
        let mut stream = TcpStream::connect(&self.authority).await?;
        stream.set_nodelay(true)?;
        stream.write_all(bytes).await?;
        Ok(stream)
    }
}

impl Line {
    /// Calls a verb: the status, and the answer's JSON.
    ///
    /// # Errors
    /// The connection ends before the answer.
    pub(super) async fn call(&mut self, verb: &str, request: &Value) -> Sent<(u16, Value)> {
        let (status, body) = self.send("POST", &format!("/v1/{verb}"), request.to_string().as_bytes()).await?;
        Ok((status, serde_json::from_slice(&body).unwrap_or_default()))
    }

    /// Sends a request: the status, and the answer.
    ///
    /// # Errors
    /// The connection ends before the answer.
    pub(super) async fn send(&mut self, method: &str, path: &str, body: &[u8]) -> Sent<(u16, Vec<u8>)> {
        let answered = tokio::time::timeout(PATIENCE, self.exchange(method, path, body)).await.map_err(|_| "no answer within a minute");
        match answered {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => {
                self.stream = None;
                Err(error)
            }
            Err(error) => {
                self.stream = None;
                Err(error.into())
            }
        }
    }

    async fn exchange(&mut self, method: &str, path: &str, body: &[u8]) -> Sent<(u16, Vec<u8>)> {
        let stream = match &mut self.stream {
            Some(stream) => stream,
            none => none.insert(TcpStream::connect(&self.wire.authority).await?),
        };
        stream.set_nodelay(true)?;
        let head = self.wire.head(method, path, body.len());
        // In one packet where it is small.
        if body.len() < 16 << 10 {
            stream.write_all(&[head.as_bytes(), body].concat()).await?;
        } else {
            stream.write_all(head.as_bytes()).await?;
            // One that is refused unread breaks off: its answer is there anyway.
            let _ = stream.write_all(body).await;
        }
        self.buffer.clear();
        loop {
            if stream.read_buf(&mut self.buffer).await? == 0 {
                return Err("the connection ended".into());
            }
            let Some(end) = self.buffer.windows(4).position(|bytes| bytes == b"\r\n\r\n") else { continue };
            let head = std::str::from_utf8(&self.buffer[..end])?.to_ascii_lowercase();
            let status: u16 = head.split(' ').nth(1).and_then(|status| status.parse().ok()).ok_or("no status")?;
            let length: usize = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap_or("0").trim().parse()?;
            let is_closed = head.lines().any(|line| line == "connection: close");
            while self.buffer.len() < end + 4 + length {
                if stream.read_buf(&mut self.buffer).await? == 0 {
                    return Err("the answer broke off".into());
                }
            }
            let answer = self.buffer[end + 4..end + 4 + length].to_vec();
            // A request refused before it was read leaves the rest of it on the connection.
            if is_closed || (status != 200 && body.len() >= 16 << 10) {
                self.stream = None;
            }
            return Ok((status, answer));
        }
    }
}
