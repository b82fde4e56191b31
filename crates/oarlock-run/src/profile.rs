//! Profiles of clients: reading the stream of events that a client prints in its headless mode. Each client has a file of its own, which
//! reads one line and yields facts. A line that is unknown or damaged yields none, and is never a reason to fail.

mod claude;
mod codex;
mod command;
mod fact;
mod gemini;
mod opencode;
mod text;

pub(crate) use command::with_stream;
pub use command::{Client, Profile};
pub(crate) use fact::Fact;

use fact::{Line, Reader};

/// The longest line that is read, in bytes: results of tools are in it. A longer one is passed over.
const LINE_BYTES_MAX: usize = 4 << 20;
/// The most text beside the stream that is kept, in bytes.
const REST_BYTES_MAX: usize = 64 << 10;

/// The output of a program: the stream of a client, if it is one.
#[derive(Debug)]
pub(crate) struct Stream {
    profile: Profile,
    client: Option<Client>,
    reader: Option<Box<dyn Reader>>,
    begun: Vec<u8>,
    is_too_long: bool,
    /// The text beside the stream.
    rest: String,
}

impl Stream {
    pub(crate) fn new(profile: Profile) -> Self {
        let client = if let Profile::Client(client) = profile { Some(client) } else { None };
        Self { profile, client, reader: client.map(reader_of), begun: Vec::new(), is_too_long: false, rest: String::new() }
    }

    /// Whose stream it is, once that is known.
    pub(crate) fn client(&self) -> Option<Client> {
        self.client
    }

    /// The lines that do not belong to the stream.
    pub(crate) fn rest(&self) -> &str {
        self.rest.trim()
    }

    /// Takes what came next.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Vec<Fact> {
        let mut facts = Vec::new();
        if self.profile == Profile::None {
            return facts;
        }
        for piece in bytes.split_inclusive(|b| *b == b'\n') {
            self.is_too_long |= self.begun.len() + piece.len() > LINE_BYTES_MAX;
            if self.is_too_long {
                self.begun = Vec::new();
            } else {
                self.begun.extend_from_slice(piece);
            }
            if piece.ends_with(b"\n") && !std::mem::take(&mut self.is_too_long) {
                let line = std::mem::take(&mut self.begun);
                facts.extend(self.line(&line));
            }
        }
        facts
    }

    /// The last line, if it has no end.
    pub(crate) fn finish(&mut self) -> Vec<Fact> {
        let line = std::mem::take(&mut self.begun);
        if self.profile == Profile::None || line.is_empty() { Vec::new() } else { self.line(&line) }
    }

    fn line(&mut self, line: &[u8]) -> Vec<Fact> {
        let is_object = line.iter().find(|b| !b.is_ascii_whitespace()) == Some(&b'{');
        let parsed = if is_object { serde_json::from_slice::<Line>(line).ok() } else { None };
        let Some(parsed) = parsed else {
            if self.rest.len() + line.len() <= REST_BYTES_MAX {
                self.rest.push_str(&crate::text::clean(line));
            }
            return Vec::new();
        };
        if self.client.is_none() {
            self.client = command::sniff(&parsed);
            self.reader = self.client.map(reader_of);
        }
        self.reader.as_mut().map(|reader| reader.read(&parsed)).unwrap_or_default()
    }
}

fn reader_of(client: Client) -> Box<dyn Reader> {
    match client {
        Client::Claude => Box::<claude::Claude>::default(),
        Client::Codex => Box::<codex::Codex>::default(),
        Client::Gemini => Box::<gemini::Gemini>::default(),
        Client::OpenCode => Box::<opencode::OpenCode>::default(),
    }
}

#[cfg(test)]
mod tests;
