//! `serve`: the store for others, over HTTP.

use clap::Args;
use oarlock_model::rules::holdings::Holdings;
use oarlock_model::text::escaped;
use oarlock_model::{Rejection, planted};
use oarlock_ops::OpError;
use oarlock_ops::settings::Settings;
use oarlock_ops::store::StoreError;
use serde_json::json;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::watch;

use super::args::Common;
use super::exec::{Absent, Where, options};
use super::output::{Output, note};
use crate::gateway::{self, AccessList, Address, Bind, Bounds, Connections, Engine, Gate, Guard, Key, Ledger, Listening, Quotas, Rates};

/// Threads that read large requests and answers, at most.
const READING_THREADS_MAX: usize = 4;

/// Serves the store over HTTP until it is told to stop.
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
    #[arg(long, value_name = "N", default_value_t = gateway::KEYS_OF_AGENT_DEFAULT)]
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
        let bind = Bind::parse(&self.bind)?;
        if !bind.is_local() && !planted::is(planted::PLAIN_TO_ALL) && self.tls_cert.is_none() && !self.behind_proxy {
            return Err(Rejection::Denied {
                message: format!("{} can be reached by other machines, and what they say would not be encrypted", self.bind),
                hint: "give --tls-cert and --tls-key, or --behind-proxy when a proxy encrypts it",
            }
            .into());
        }
        let tls = match (&self.tls_cert, &self.tls_key) {
            (Some(certificates), Some(key)) => Some(gateway::acceptor(certificates, key)?),
            _ => None,
        };
        let target = Where::find(common, Absent::Refused)?;
        let settings = target.settings()?;
        // Whether there is a store is told before anything is bound.
        drop(target.open(options(common, &settings))?);
        // One processor is the writer's.
        let workers = std::thread::available_parallelism().map_or(1, |processors| processors.get().saturating_sub(1).max(1));
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(workers)
            .max_blocking_threads(READING_THREADS_MAX)
            .enable_all()
            .build();
        let runtime = runtime.map_err(|error| OpError::Internal(format!("no runtime: {error}")))?;
        runtime.block_on(async {
            let (stop, stopping) = watch::channel(false);
            stop_on_signals(stop)?;
            let listening = Listening::bind(&bind).await?;
            let address = address_of(&bind, &listening, tls.is_some());
            let key_file = gateway::file_for(&address)?;
            let settings = Settings { agent_holdings: self.holdings(), ..settings };
            let engine = Engine::start(target.place(), &options(common, &settings), settings.clone(), stopping.clone(), None)?;
            if let Some(about) = AccessList::about_former(target.place().file()).filter(|_| !output.json) {
                note(&about);
            }
            let served = Arc::clone(&engine);
            let mut access = AccessList::of(target.place().file(), move || served.store_id());
            access.keys_of_agent_max = self.keys;
            let key = own_key(&key_file, &access)?;
            let guard = Guard {
                port: if self.behind_proxy { None } else { listening.port() },
                hosts: self.hosts(&bind),
                own_key: key.hash(),
                own_id: key.id().to_owned(),
                access,
            };
            let rates = Rates { calls_per_s: self.calls_per_second, message_bytes_per_min: self.message_bytes_per_minute, ..Rates::default() };
            let mcp = crate::mcp::http_service(Arc::clone(&engine), &guard.hosts, guard.port);
            let gate = Arc::new(Gate {
                mcp,
                engine,
                guard,
                quotas: Quotas::new(rates),
                ledger: Ledger::new(self.bounds()),
                connections: Connections::default(),
            });
            let said = match output.json {
                true => json!({"url": address.to_string(), "key_file": key_file.display().to_string(), "store": target.url(), "pid": std::process::id()}).to_string(),
                false => escaped(&format!("serving {} at {address}\n  key: {}", target.url(), key_file.display())).into_owned(),
            };
            output.line(&said);
            gateway::serve(listening, tls, gate, stopping).await;
            if common.verbose && !output.json {
                note("stopped");
            }
            Ok(0)
        })
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
        let wanted = Holdings {
            leases: self.leases,
            reservations: self.reservations,
            sessions: self.sessions,
            named_components: self.named_folders,
        };
        wanted.leaving_a_share()
    }

    /// Names that clients may use besides those of this machine.
    fn hosts(&self, bind: &Bind) -> Vec<String> {
        let mut hosts: Vec<String> = self.host.iter().map(|host| host.to_ascii_lowercase()).collect();
        if let Bind::Net(address) = bind
            && !address.ip().is_loopback()
            && !address.ip().is_unspecified()
        {
            hosts.push(address.ip().to_string());
        }
        hosts
    }
}

fn at_least_one(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|n| *n > 0).ok_or_else(|| "not a number from 1".to_owned())
}

fn address_of(bind: &Bind, listening: &Listening, tls: bool) -> Address {
    match bind {
        Bind::Net(address) => {
            let host = if address.ip().is_unspecified() { "localhost".to_owned() } else { address.ip().to_string() };
            Address::Net { tls, host, port: listening.port().unwrap_or(address.port()) }
        }
        Bind::Unix(path) => Address::Unix(std::path::absolute(path).unwrap_or_else(|_| path.clone())),
    }
}

/// The key of this user: the one that is there, so that clients go on over a restart, or a new one.
fn own_key(file: &std::path::Path, access: &AccessList) -> Result<Key, OpError> {
    // What is there and is no key of ours is not written over.
    if file.symlink_metadata().is_ok() {
        let key = gateway::read_key(file)?;
        if access.has(&key)? {
            return Err(Rejection::Denied {
                message: format!("the key in {} was made for somebody by `access create`", file.display()),
                hint: "leave OARLOCK_KEY_FILE out, or name another file: whoever has the gateway's own key may do everything",
            }
            .into());
        }
        return Ok(key);
    }
    let key = Key::random()?;
    gateway::write_key(file, &key)?;
    Ok(key)
}

fn stop_on_signals(stop: watch::Sender<bool>) -> Result<(), OpError> {
    let unavailable =
        |error: std::io::Error| StoreError::Unavailable { message: format!("signals cannot be heard: {error}"), hint: String::new() };
    // On Unix SIGTERM and SIGINT; on Windows the closing of the console and Ctrl-C.
    #[cfg(unix)]
    use tokio::signal::unix::{SignalKind, signal};
    #[cfg(unix)]
    let (terminated, interrupted) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()));
    #[cfg(windows)]
    let (terminated, interrupted) = (tokio::signal::windows::ctrl_close(), tokio::signal::windows::ctrl_c());
    let (mut terminated, mut interrupted) = (terminated.map_err(unavailable)?, interrupted.map_err(unavailable)?);
    tokio::spawn(async move {
        tokio::select! {
            _ = terminated.recv() => {}
            _ = interrupted.recv() => {}
        }
        stop.send_replace(true);
        // A second one does not wait for anybody.
        tokio::select! {
            _ = terminated.recv() => {}
            _ = interrupted.recv() => {}
        }
        std::process::exit(130);
    });
    Ok(())
}
