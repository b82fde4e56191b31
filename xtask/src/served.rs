//! A server that a bench or a test starts: where it is, its key, and requests to it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::output::Outcome;

/// A server that is killed when it is dropped.
pub(crate) struct Served {
    child: Child,
    /// HOST:PORT.
    pub(crate) authority: String,
    /// The file with the key of its user.
    pub(crate) key: PathBuf,
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Served {
    /// Starts a command that prints its URL as JSON.
    ///
    /// # Errors
    /// It does not start, or prints something else.
    pub(crate) fn start(mut command: Command, key: PathBuf) -> Outcome<Self> {
        let mut child = command.stdout(Stdio::piped()).spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().ok_or("no output")?).read_line(&mut line)?;
        let said: Value = serde_json::from_str(&line).map_err(|error| format!("the server does not start: {error}: {line}"))?;
        let authority = said["url"].as_str().and_then(|url| url.strip_prefix("http://")).ok_or("it tells no address")?.to_owned();
        Ok(Self { child, authority, key })
    }

    /// A gateway of the project at `root`, which nobody can ask too much.
    ///
    /// # Errors
    /// As [`Served::start`].
    pub(crate) fn gateway(program: &Path, root: &Path, bind: &str) -> Outcome<Self> {
        Self::gateway_with(program, root, bind, &["--calls-per-second", "1000000"])
    }

    /// A gateway of the project at `root` with the bounds that it has unless something is said.
    ///
    /// # Errors
    /// As [`Served::start`].
    pub(crate) fn gateway_as_it_is(program: &Path, root: &Path, bind: &str) -> Outcome<Self> {
        Self::gateway_with(program, root, bind, &[])
    }

    fn gateway_with(program: &Path, root: &Path, bind: &str, flags: &[&str]) -> Outcome<Self> {
        let key = root.join("key");
        let mut command = Command::new(program);
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("HOME", root).current_dir(root);
        command.args(["serve", "--json", "--bind", bind]).args(flags).env("OARLOCK_KEY_FILE", &key);
        Self::start(command, key)
    }

    /// A request on a connection of its own.
    ///
    /// # Errors
    /// Nobody listens.
    pub(crate) fn open(&self, method: &str, path: &str, body: &str) -> Outcome<TcpStream> {
        open(&self.authority, &std::fs::read_to_string(&self.key)?, method, path, body)
    }

    /// The reply of a verb.
    ///
    /// # Errors
    /// Nobody listens, the connection ends, or it is refused.
    pub(crate) fn call(&self, verb: &str, request: &Value) -> Outcome<Value> {
        let mut text = String::new();
        self.open("POST", &format!("/v1/{verb}"), &request.to_string())?.read_to_string(&mut text)?;
        let (status, body) = answer(&text)?;
        if status == 200 { Ok(body) } else { Err(body.to_string().into()) }
    }

    /// Its memory now, in megabytes.
    ///
    /// # Errors
    /// It has ended.
    pub(crate) fn memory_mb(&self) -> Outcome<f64> {
        self.status_mb("VmRSS:")
    }

    /// The most memory that it has had, in megabytes.
    ///
    /// # Errors
    /// It has ended.
    pub(crate) fn peak_mb(&self) -> Outcome<f64> {
        self.status_mb("VmHWM:")
    }

    fn status_mb(&self, what: &str) -> Outcome<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix(what)).ok_or("no memory is told")?;
        Ok(line.trim().trim_end_matches(" kB").parse::<f64>()? / 1_024.0)
    }
}

/// A request to a gateway, on a connection of its own.
///
/// # Errors
/// Nobody listens.
pub(crate) fn open(authority: &str, key: &str, method: &str, path: &str, body: &str) -> Outcome<TcpStream> {
    let mut stream = TcpStream::connect(authority)?;
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    let key = key.trim();
    let head = format!("{method} {path} HTTP/1.1\r\nHost: {authority}\r\nAuthorization: Bearer {key}\r\nConnection: close\r\n");
    write!(stream, "{head}Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}", body.len())?;
    Ok(stream)
}

/// The status and the JSON of an answer.
///
/// # Errors
/// It is not whole.
pub(crate) fn answer(text: &str) -> Outcome<(u16, Value)> {
    let (head, body) = text.split_once("\r\n\r\n").ok_or("no answer")?;
    let status = head.split(' ').nth(1).unwrap_or_default().parse()?;
    Ok((status, serde_json::from_str(body)?))
}
