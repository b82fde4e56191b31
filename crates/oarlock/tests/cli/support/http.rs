//! Requests by hand: nothing between the test and the bytes.

use serde_json::Value;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// A gateway as a program without a library sees it.
pub(crate) struct Http {
    /// HOST:PORT.
    pub(crate) authority: String,
    /// Headers that each request carries.
    pub(crate) headers: Vec<(String, String)>,
}

/// The reply.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    /// The body as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        let read = serde_json::from_str(&self.body);
        assert!(read.is_ok(), "it is not JSON: {self:?}");
        read.expect("as above")
    }

    /// A header, by its name in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head
            .lines()
            .find_map(|line| line.split_once(':').filter(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim()))
    }
}

impl Http {
    /// With this key.
    pub(crate) fn new(url: &str, key: &str) -> Self {
        let authority = url.split_once("://").expect("a URL").1.to_owned();
        let headers = [("Host", authority.as_str()), ("Authorization", &format!("Bearer {key}")), ("Content-Type", "application/json")];
        Self { headers: headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec(), authority }
    }

    /// The same with a header added, or replaced; an empty value takes it away.
    pub(crate) fn with(&self, name: &str, value: &str) -> Self {
        let mut headers: Vec<_> = self.headers.iter().filter(|(own, _)| !own.eq_ignore_ascii_case(name)).cloned().collect();
        if !value.is_empty() {
            headers.push((name.to_owned(), value.to_owned()));
        }
        Self { authority: self.authority.clone(), headers }
    }

    /// A call of a verb.
    #[track_caller]
    pub(crate) fn post(&self, verb: &str, request: &Value) -> Answer {
        self.request("POST", &format!("/v1/{verb}"), request.to_string().as_bytes())
    }

    /// The resource at a path.
    #[track_caller]
    pub(crate) fn get(&self, path: &str) -> Answer {
        self.request("GET", path, b"")
    }

    /// Any request.
    #[track_caller]
    pub(crate) fn request(&self, method: &str, path: &str, body: &[u8]) -> Answer {
        let mut stream = self.open(method, path, body);
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).expect("an answer");
        answer_of(&bytes)
    }

    /// A request whose answer is still to be read.
    #[track_caller]
    pub(crate) fn open(&self, method: &str, path: &str, body: &[u8]) -> TcpStream {
        let mut head = format!("{method} {path} HTTP/1.1\r\nConnection: close\r\nContent-Length: {}\r\n", body.len());
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        self.raw(&[head.as_bytes(), b"\r\n", body].concat())
    }

    /// These very bytes.
    #[track_caller]
    pub(crate) fn raw(&self, bytes: &[u8]) -> TcpStream {
        let mut stream = TcpStream::connect(&self.authority).expect("it listens");
        stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a socket");
        // Who refuses a request may close before it has read all of it.
        let _ = stream.write_all(bytes);
        stream
    }
}

/// The answer in these bytes.
#[track_caller]
pub(crate) fn answer_of(bytes: &[u8]) -> Answer {
    let text = String::from_utf8_lossy(bytes);
    let (head, body) = text.split_once("\r\n\r\n").expect("an answer has a head");
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a head has a status");
    Answer { status, head: head.to_owned(), body: body.to_owned() }
}
