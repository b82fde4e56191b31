//! `serve`: the store for others, over HTTP.

use clap::Args;
use oarlock_client::IfMissing;
use oarlock_model::rules::holdings::Holdings;
use oarlock_model::text::escaped;
use oarlock_ops::OpError;
use oarlock_server::{Bounds, KEYS_OF_AGENT_DEFAULT, Rates, Serving, checked, serve};
use serde_json::json;
use std::path::PathBuf;

use super::common::Common;
use super::output::{Output, note};

/// Serve the store over HTTP until a signal stops it.
#[derive(Clone, Debug, Args)]
pub(crate) struct ServeArgs {
    /// Where to listen: IP:PORT, port 0 for a free one, or unix:PATH
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:7117")]
    bind: String,
    /// Another name by which clients reach it, behind a proxy or from other machines; repeatable
    #[arg(long, value_name = "NAME")]
    host: Vec<String>,
    /// The certificate chain for TLS, in PEM
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// Its private key, in PEM
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Other machines reach it through a proxy that speaks TLS
    #[arg(long)]
    behind_proxy: bool,
    /// Calls that one agent may make in a second, on the average
    #[arg(long, value_name = "N", default_value_t = Rates::default().calls_per_s, value_parser = clap::value_parser!(u32).range(1..))]
    calls_per_second: u32,
    /// Bytes of messages that one agent may send in a minute, on the average
    #[arg(long, value_name = "N", default_value_t = Rates::default().message_bytes_per_min, value_parser = clap::value_parser!(u32).range(1..))]
    message_bytes_per_minute: u32,
    /// Tasks that an agent with a key of its own and its helpers may hold at once
    #[arg(long, value_name = "N", default_value_t = Holdings::OF_AGENTS.leases)]
    leases: usize,
    /// Reservations that such an agent and its helpers may hold at once
    #[arg(long, value_name = "N", default_value_t = Holdings::OF_AGENTS.reservations)]
    reservations: usize,
    /// Live sessions of such an agent and its helpers at once
    #[arg(long, value_name = "N", default_value_t = Holdings::OF_AGENTS.sessions)]
    sessions: usize,
    /// Access keys that such an agent makes for its helpers
    #[arg(long, value_name = "N", default_value_t = KEYS_OF_AGENT_DEFAULT)]
    keys: usize,
    /// Connections that such an agent and its helpers keep open at once
    #[arg(long, value_name = "N", default_value_t = Bounds::OF_AGENTS.connections, value_parser = at_least_one)]
    connections: usize,
    /// Streams of events that they follow at once
    #[arg(long, value_name = "N", default_value_t = Bounds::OF_AGENTS.streams)]
    streams: usize,
    /// Calls of theirs that wait at once
    #[arg(long, value_name = "N", default_value_t = Bounds::OF_AGENTS.waits)]
    waits: usize,
    /// Bytes of their requests that are read or worked on at once; no request of theirs is larger
    #[arg(long, value_name = "BYTES", default_value_t = Bounds::OF_AGENTS.request_bytes, value_parser = at_least_one)]
    request_bytes: usize,
    /// Bytes of answers that are made for them and not yet read
    #[arg(long, value_name = "BYTES", default_value_t = Bounds::OF_AGENTS.answer_bytes, value_parser = at_least_one)]
    answer_bytes: usize,
    /// Leading folders that such an agent names without wildcards when it keeps others out
    #[arg(long, value_name = "N", default_value_t = Holdings::OF_AGENTS.named_components)]
    named_folders: usize,
}

impl ServeArgs {
    pub(crate) fn run(self, common: &Common, output: &Output) -> Result<u8, OpError> {
        let serving = checked(Serving {
            rates: Rates { calls_per_s: self.calls_per_second, message_bytes_per_min: self.message_bytes_per_minute, ..Rates::default() },
            holdings: self.holdings(),
            bounds: self.bounds(),
            keys: self.keys,
            bind: self.bind,
            hosts: self.host,
            tls: self.tls_cert.zip(self.tls_key),
            behind_proxy: self.behind_proxy,
        })?;
        let target = common.target(IfMissing::Refused)?;
        let settings = target.settings()?;
        serve(serving, &target, &common.options(&settings), settings, |started| {
            if let Some(about) = started.about_former_keys.as_ref().filter(|_| !output.json) {
                note(about);
            }
            let (url, key_file) = (&started.url, started.key_file.display().to_string());
            let said = match output.json {
                true => json!({"url": url, "key_file": key_file, "store": target.url(), "pid": std::process::id()}).to_string(),
                false => escaped(&format!("serving {} at {url}\n  key: {key_file}", target.url())).into_owned(),
            };
            output.line(&said);
        })?;
        if common.verbose && !output.json {
            note("stopped");
        }
        Ok(0)
    }

    fn bounds(&self) -> Bounds {
        Bounds {
            connections: self.connections,
            streams: self.streams,
            waits: self.waits,
            request_bytes: self.request_bytes,
            answer_bytes: self.answer_bytes,
        }
    }

    fn holdings(&self) -> Holdings {
        Holdings { leases: self.leases, reservations: self.reservations, sessions: self.sessions, named_components: self.named_folders }
    }
}

fn at_least_one(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|n| *n > 0).ok_or_else(|| "not a number from 1".to_owned())
}
