//! Serving a store over HTTP until it is asked to stop.

use oarlock_client::gateway::{Address, Bind, Key, file_for, read_key, write_key};
use oarlock_client::{Options, StoreTarget};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use oarlock_model::rules::holdings::Holdings;
use oarlock_model::{Rejection, seeded};
use oarlock_ops::OpError;
use oarlock_ops::settings::Settings;
use oarlock_ops::store::StoreError;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

use crate::gateway::{self, AccessList, Bounds, Connections, Engine, Guard, Ledger, Listening, Quotas, Rates, Router};

/// Threads that read large requests and answers, at most.
const READING_THREADS_MAX: usize = 4;

/// How a store is served.
#[derive(Clone, Debug)]
pub struct Serving {
    /// Where to listen: `IP:PORT`, port 0 for a free one, or `unix:PATH`.
    pub bind: String,
    /// Further names by which clients reach it.
    pub hosts: Vec<String>,
    /// The certificate chain for TLS and its private key, in PEM.
    pub tls: Option<(PathBuf, PathBuf)>,
    /// Whether other machines reach it through a proxy that speaks TLS.
    pub behind_proxy: bool,
    /// The requests allowed to an agent in a time.
    pub rates: Rates,
    /// The holdings allowed to an agent with a key of its own and its helpers.
    pub holdings: Holdings,
    /// The open requests allowed to such an agent and its helpers at once.
    pub bounds: Bounds,
    /// The access keys that such an agent makes for its helpers, at most.
    pub keys: usize,
}

/// A gateway that has begun to listen.
#[derive(Clone, Debug)]
pub struct Started {
    /// The URL that clients give as their store.
    pub url: String,
    /// The file of the key that opens everything.
    pub key_file: PathBuf,
    /// The warning about a list of keys that an older program has left.
    pub about_former_keys: Option<String>,
}

/// The checked settings, before any store is looked for.
pub struct Checked {
    serving: Serving,
    bind: Bind,
    tls: Option<TlsAcceptor>,
}

/// Checks where is to be listened, and reads the certificates.
///
/// # Errors
/// `denied` for an address where others could listen in, `invalid_request` for one that cannot be bound, `data_damaged` for certificates that are none.
pub fn checked(serving: Serving) -> Result<Checked, OpError> {
    let bind = Bind::parse(&serving.bind)?;
    if !bind.is_local() && !seeded::is(seeded::PLAIN_TO_ALL) && serving.tls.is_none() && !serving.behind_proxy {
        return Err(Rejection::Denied {
            message: format!("{} can be reached by other machines, and their traffic would not be encrypted", serving.bind),
            hint: "give --tls-cert and --tls-key, or --behind-proxy when a proxy encrypts it",
        }
        .into());
    }
    let tls = serving.tls.as_ref().map(|(certificates, key)| gateway::acceptor(certificates, key)).transpose()?;
    Ok(Checked { serving, bind, tls })
}

/// Serves the store, which must be there, until a signal ends it. `started` is called as soon as clients can connect.
///
/// # Errors
/// Those of opening a store; `store_unavailable` where nothing can be listened on; `denied` for a key that is not this user's.
pub fn serve(
    checked: Checked,
    target: &StoreTarget,
    options: &Options,
    settings: Settings,
    started: impl FnOnce(&Started),
) -> Result<(), OpError> {
    let Checked { serving, bind, tls } = checked;
    // Whether there is a store is reported before anything is bound.
    drop(target.open(options.clone())?);
    // One processor is the writer's.
    let workers = std::thread::available_parallelism().map_or(1, |processors| processors.get().saturating_sub(1).max(1));
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(workers).max_blocking_threads(READING_THREADS_MAX).enable_all().build();
    let runtime = runtime.map_err(|error| OpError::Internal(format!("no runtime: {error}")))?;
    runtime.block_on(async {
        let (stop, stopping) = watch::channel(false);
        stop_on_signals(stop)?;
        let listening = Listening::bind(&bind).await?;
        let address = address_of(&bind, &listening, tls.is_some());
        let key_file = file_for(&address)?;
        let settings = Settings { agent_holdings: serving.holdings.leaving_a_share(), ..settings };
        let engine = Engine::start(target.place(), options, settings, stopping.clone(), None)?;
        let served = Arc::clone(&engine);
        let mut access = AccessList::of(target.place().file(), move || served.store_id());
        access.keys_of_agent_max = serving.keys;
        let key = own_key(&key_file, &access)?;
        let guard = Guard {
            port: if serving.behind_proxy { None } else { listening.port() },
            hosts: hosts(&serving.hosts, &bind),
            own_key: key.hash(),
            own_id: key.id().to_owned(),
            access,
        };
        let mcp = crate::mcp::http_service(Arc::clone(&engine), &guard.hosts, guard.port);
        let router = Arc::new(Router {
            mcp,
            engine,
            guard,
            quotas: Arc::new(Quotas::new(serving.rates)),
            ledger: Ledger::new(serving.bounds),
            connections: Connections::default(),
        });
        let about_former_keys = AccessList::about_former(target.place().file());
        started(&Started { url: address.to_string(), key_file, about_former_keys });
        gateway::serve(listening, tls, router, stopping).await;
        Ok(())
    })
}

/// Names that clients may use besides those of this machine.
fn hosts(named: &[String], bind: &Bind) -> Vec<String> {
    let mut hosts: Vec<String> = named.iter().map(|host| host.to_ascii_lowercase()).collect();
    if let Bind::Net(address) = bind
        && !address.ip().is_loopback()
        && !address.ip().is_unspecified()
    {
        hosts.push(address.ip().to_string());
    }
    hosts
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
fn own_key(file: &Path, access: &AccessList) -> Result<Key, OpError> {
    // An existing file that is not our key is not overwritten.
    if file.symlink_metadata().is_ok() {
        let key = read_key(file)?;
        if access.has(&key)? {
            return Err(Rejection::Denied {
                message: format!("the key in {} was made for somebody by `access create`", file.display()),
                hint: "leave OARLOCK_KEY_FILE out, or name another file: a caller with the gateway's own key may do everything",
            }
            .into());
        }
        return Ok(key);
    }
    let key = Key::random()?;
    write_key(file, &key)?;
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
