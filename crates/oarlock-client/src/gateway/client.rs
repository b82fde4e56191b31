//! The way to a gateway: one request, its waits in pieces, and patience with a gateway that is just starting again.

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HOST, HeaderName};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use oarlock_model::ErrorCode;
use oarlock_model::ident::shown;
use oarlock_model::identity::StoreId;
use oarlock_model::{Rejection, seeded};
use oarlock_ops::OpError;
use oarlock_ops::caller::Caller;
use oarlock_ops::registry::Call;
use oarlock_ops::reply::Reply;
use oarlock_ops::settings::Settings;
use oarlock_ops::store::StoreError;
use serde::Deserialize as _;
use serde_json::Value;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::access::{AccessReply, AccessRequest};
use super::address::{Address, is_loopback};
use super::key::{self, Key};
use super::known::KnownStore;
use super::proof::{self, Challenge};
use super::socket;
use super::words::{Proven, StillWaiting, field, header};
use crate::interrupt;

/// A wait is asked for in pieces of this many seconds: proxies cut connections that are silent for a minute.
const SLICE_S: u64 = 20;

/// How much longer than the lock timeout an answer is waited for: a gateway says `store_busy` after two seconds of its own, at most.
const ANSWER_GRACE: Duration = Duration::from_secs(3);
/// The pause before another try, at first and at most.
const PAUSES: (Duration, Duration) = (Duration::from_millis(20), Duration::from_millis(500));

/// The largest reply that is read, in bytes: a task may have a document of 16 MiB, of which JSON may write each byte as six.
const REPLY_BYTES_MAX: usize = 128 << 20;

/// Names a file with certificates of authorities to trust besides those of the system.
const AUTHORITIES_VARIABLE: &str = "OARLOCK_CA_FILE";

/// Set, it lets a key go to other machines unencrypted.
const PLAIN_VARIABLE: &str = "OARLOCK_PLAIN";

/// A gateway, seen from a caller.
#[derive(Debug)]
pub struct Client {
    address: Address,
    key: Key,
    store: KnownStore,
    /// How long a gateway that is not there, or busy, is waited for.
    busy: Duration,
}

/// A request and how it may be asked for.
struct Asked {
    fields: Value,
    /// Whether it waits at the gateway.
    waits: bool,
    /// Whether asking again does nothing twice.
    can_repeat: bool,
    /// How long it is asked for again, as long as it waits.
    limit: Option<Duration>,
    /// For how long it waits in all, in milliseconds, where the end of the wait has a reply: it has, who says that it waited for this long.
    ends_ms: Option<i64>,
}

/// The outcome of one request.
enum Came {
    /// An answer, with the store that it says it comes from, and its body unless that is no JSON.
    Answer(StatusCode, Option<StoreId>, Option<Value>),
    /// There was no connection: nothing was done.
    Nowhere(String),
    /// Anyone who listens does not know the key, which it did not get.
    Unproven,
    /// The connection ended before an answer came: nobody knows.
    Lost(String),
}

impl Client {
    /// The gateway at this URL, with the key that this user has for it.
    ///
    /// # Errors
    /// `invalid_request` for another URL, `denied` without a key.
    pub fn of(url: &str, busy: Duration) -> Result<Self, OpError> {
        let address = Address::parse(url)?;
        if let Address::Net { tls: false, host, .. } = &address
            && !is_loopback(host)
            && std::env::var_os(PLAIN_VARIABLE).is_none()
        {
            return Err(Rejection::Denied {
                message: format!("{address} is on another machine, and the key would go there unencrypted"),
                hint: "use https://, or set OARLOCK_PLAIN=1 if the network itself is private",
            }
            .into());
        }
        match key::file_for(&address).and_then(|file| Ok((key::read(&file)?, file))) {
            Ok((key, file)) => Ok(Self { store: KnownStore::of(&address, &file), address, key, busy }),
            // Where nobody listens, the key is not the problem.
            Err(no_key) => Err(nobody_listens(&address).map_or(no_key, |why| unreachable(&address, &why))),
        }
    }

    /// The gateway that a store's URL names, if it names one.
    ///
    /// # Errors
    /// As [`Client::of`].
    pub fn named(url: Option<&str>, busy: Option<Duration>) -> Result<Option<Self>, OpError> {
        let Some(url) = url.filter(|url| Address::is_one(url)) else { return Ok(None) };
        let busy = busy.unwrap_or_else(|| Settings::default().busy.as_std());
        Self::of(url, busy).map(Some)
    }

    /// Makes, lists or revokes access keys. It asks once: a repeated request could make a second key.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub fn access(&self, request: &AccessRequest) -> Result<AccessReply, OpError> {
        let verb = request.verb();
        let asked = Asked { fields: request.fields()?, waits: false, can_repeat: false, limit: None, ends_ms: None };
        runtime()?.block_on(self.ask(verb.path(), asked, &Caller::default(), &|reply| verb.reply(reply)))
    }

    /// Makes a call, and waits as long as it wants to.
    ///
    /// # Errors
    /// The reply of the gateway; `store_unavailable` when it is not there or the connection is lost.
    pub fn call(&self, call: &dyn Call, caller: &Caller) -> Result<Reply, OpError> {
        runtime()?.block_on(self.call_on(call, caller, None))
    }

    /// The same, where there is a runtime already; it waits no longer than `limit`.
    ///
    /// # Errors
    /// As [`Client::call`]; `timed_out` also when the limit is over.
    pub async fn call_on(&self, call: &dyn Call, caller: &Caller, limit: Option<Duration>) -> Result<Reply, OpError> {
        let waits = call.waiting().is_some();
        let key = match &caller.key {
            // A wait is asked for again and again: what it got must not be got twice.
            None if waits && call.durability().is_some() => Some(key_for_waiting()?),
            given => given.clone(),
        };
        let can_repeat = call.durability().is_none() || key.is_some();
        let mut fields = call.to_json()?;
        if let Some(key) = key {
            // In the body, because not every text may stand in a header.
            fields[field::KEY] = key.into();
        }
        let ends_ms = call.waiting().filter(|_| call.goes_on()).and_then(|waiting| waiting.for_ms);
        let asked = Asked { fields, waits, can_repeat, limit, ends_ms };
        self.ask(call.verb(), asked, caller, &|reply| call.read_reply(reply)).await
    }

    /// Asks until there is a reply that `read` understands.
    async fn ask<T>(&self, path: &str, asked: Asked, caller: &Caller, read: &(dyn Fn(Value) -> Option<T> + Sync)) -> Result<T, OpError> {
        let Asked { fields, waits, can_repeat, limit, mut ends_ms } = asked;
        let goes_on = ends_ms.is_some();
        let body = Bytes::from(fields.to_string());
        let begun = Instant::now();
        let (mut waited_ms, mut pause, mut trouble) = (0, PAUSES.0, None);
        loop {
            let asked_at = Instant::now();
            let came = tokio::select! {
                came = self.request(path, body.clone(), caller, waits, waited_ms) => came?,
                // Completed work is reported: the wait ends, the call does not.
                () = interrupt::wanted(), if waits && (ends_ms.is_some() || !goes_on) => match ends_ms.take() {
                    Some(all_ms) => {
                        waited_ms = all_ms;
                        continue;
                    }
                    None => return Err(StoreError::Interrupted.into()),
                },
            };
            if let Came::Answer(status, told, answer) = &came {
                self.vouch(*status, *told, answer.as_ref())?;
            }
            let (error, after) = match came {
                Came::Answer(StatusCode::ACCEPTED, _, Some(answer)) if waits && let Some(still) = still_waiting(&answer) => {
                    waited_ms = still.waited_ms;
                    let is_over = limit.is_some_and(|limit| begun.elapsed() >= limit);
                    if let Some(all_ms) = ends_ms.take_if(|_| is_over) {
                        waited_ms = all_ms;
                    } else if is_over {
                        return Err(
                            Rejection::TimedOut { what: "the wait of this call is over".into(), waited_ms, facts: Value::Null }.into()
                        );
                    }
                    (pause, trouble) = (PAUSES.0, None);
                    continue;
                }
                Came::Answer(status, _, answer) => {
                    let strange = || self.strange(&format!("it answered {status}, but not with a reply of {path}"));
                    if status == StatusCode::OK {
                        return answer.and_then(read).ok_or_else(strange);
                    }
                    let answer = answer.unwrap_or_default();
                    let error = OpError::from_json(&answer).unwrap_or_else(strange);
                    if error.code() != ErrorCode::StoreBusy {
                        return Err(error);
                    }
                    let after_ms = error.retry_after_ms().and_then(|ms| u64::try_from(ms).ok());
                    (error, after_ms.map(Duration::from_millis))
                }
                Came::Nowhere(why) => (self.unreachable(&why), None),
                Came::Unproven => {
                    return Err(StoreError::Unavailable {
                        message: format!(
                            "what listens at {} does not prove that it knows the access key, which was not sent",
                            self.address
                        ),
                        hint:
                            "another program, or another user's, may have taken the port; is it the gateway's, and is it no older Oarlock?"
                                .into(),
                    }
                    .into());
                }
                Came::Lost(why) if can_repeat => (self.unreachable(&why), None),
                Came::Lost(why) => {
                    return Err(OpError::ReplyLost {
                        message: format!(
                            "the connection to the gateway {} was lost: {why}; whether it was done is not known",
                            self.address
                        ),
                        hint: "look before calling again; with --idempotency-key the same call is done once, however often it is made"
                            .into(),
                    });
                }
            };
            let sleep = after.unwrap_or(pause).min(PAUSES.1);
            if trouble.get_or_insert(asked_at).elapsed() + sleep > self.busy {
                return Err(error);
            }
            tokio::time::sleep(sleep).await;
            pause = (pause * 2).min(PAUSES.1);
        }
    }

    async fn request(&self, verb: &str, body: Bytes, caller: &Caller, waits: bool, waited_ms: i64) -> Result<Came, OpError> {
        let request = self.head(verb, body, caller, waits, waited_ms)?;
        // One that does not answer is given up, as one that is not there; but it may itself wait for a busy store that long.
        let patience = self.busy + ANSWER_GRACE + if waits { Duration::from_secs(SLICE_S) } else { Duration::ZERO };
        let begun = AtomicBool::new(false);
        match tokio::time::timeout(patience, self.deliver(request, &begun)).await {
            Ok(came) => came,
            Err(_) if begun.load(Ordering::Relaxed) => Ok(Came::Lost("no answer".into())),
            Err(_) => Ok(Came::Nowhere(format!("no connection within {} s", patience.as_secs()))),
        }
    }

    /// Connects, makes sure of who listens, and sends a request. `begun` becomes true before the first byte of that goes out.
    async fn deliver(&self, request: Request<Full<Bytes>>, begun: &AtomicBool) -> Result<Came, OpError> {
        match &self.address {
            Address::Unix(path) => match socket::connect(path).await {
                Ok(stream) => Ok(exchange(stream, None, request, begun).await),
                // It does not become this user's by waiting.
                Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => Err(self.unreachable(&error.to_string())),
                Err(error) => Ok(Came::Nowhere(error.to_string())),
            },
            Address::Net { tls, host, port } => {
                let stream = match tokio::net::TcpStream::connect((host.as_str(), *port)).await {
                    Ok(stream) => stream,
                    Err(error) => return Ok(Came::Nowhere(error.to_string())),
                };
                let _ = stream.set_nodelay(true);
                if !tls {
                    let proof = Proof { challenge: Challenge::random(&self.key)?, key: &self.key, address: self.address.authority() };
                    return Ok(exchange(stream, Some(proof), request, begun).await);
                }
                let name = ServerName::try_from(host.clone())
                    .map_err(|_| Rejection::invalid(format!("\"{host}\" has no certificates"), "use a host name"))?;
                match tokio_rustls::TlsConnector::from(Arc::new(trust()?)).connect(name, stream).await {
                    // The certificate proves who it is.
                    Ok(stream) => Ok(exchange(stream, None, request, begun).await),
                    // A certificate that is not trusted does not become so by waiting.
                    Err(error) => Err(StoreError::Unavailable {
                        message: format!("the gateway {} is not trusted: {}", self.address, shown(&error.to_string())),
                        hint: format!("name a file with the certificate of its authority, in PEM, in {AUTHORITIES_VARIABLE}"),
                    }
                    .into()),
                }
            }
        }
    }

    fn head(&self, verb: &str, body: Bytes, caller: &Caller, waits: bool, waited_ms: i64) -> Result<Request<Full<Bytes>>, OpError> {
        let mut request = Request::post(format!("/v1/{verb}"))
            .header(HOST, self.address.authority())
            .header(AUTHORIZATION, format!("Bearer {}", self.key.reveal()))
            .header(CONTENT_TYPE, "application/json");
        let mut set = |name: &'static str, value: String| {
            if let Some(headers) = request.headers_mut()
                && let Ok(value) = value.parse()
            {
                headers.insert(HeaderName::from_static(name), value);
            }
        };
        if let Some(name) = &caller.name {
            set(header::AGENT, name.to_string());
        }
        if let Some(session) = &caller.session {
            set(header::SESSION, session.to_string());
        }
        if let Some(known) = self.store.known() {
            // Another one does nothing of it.
            set(header::STORE, known.to_string());
        }
        if !caller.ancestors.is_empty() {
            set(header::PROCESSES, caller.ancestors.join(","));
        }
        if waits {
            set(header::PREFER, format!("wait={SLICE_S}"));
            set(header::WAITED, waited_ms.to_string());
        }
        request.body(Full::new(body)).map_err(|error| OpError::Internal(format!("a request cannot be made: {error}")))
    }

    /// Only what comes from the store that is known at this address is believed. The first answer that the key is good for says which
    /// that is.
    fn vouch(&self, status: StatusCode, told: Option<StoreId>, answer: Option<&Value>) -> Result<(), OpError> {
        let Some(told) = told.or_else(|| seeded::is(seeded::ANY_STORE).then(StoreId::default)) else {
            return Err(self.strange("its answer does not say which store it comes from"));
        };
        self.store.check(&self.address, told)?;
        let is_let_in = status != StatusCode::UNAUTHORIZED && status != StatusCode::FORBIDDEN;
        if is_let_in && answer.is_some_and(Value::is_object) {
            self.store.remember(told);
        }
        Ok(())
    }

    fn unreachable(&self, why: &str) -> OpError {
        unreachable(&self.address, why)
    }

    fn strange(&self, what: &str) -> OpError {
        StoreError::Unavailable {
            message: format!("the server at {} is not an Oarlock gateway: {what}", self.address),
            hint: "look at the address and the port; is a proxy or another program there, or an older Oarlock?".into(),
        }
        .into()
    }
}

fn unreachable(address: &Address, why: &str) -> OpError {
    StoreError::Unavailable {
        message: format!("the gateway {address} cannot be reached: {}", shown(why)),
        hint: "is it running? start it with `oarlock serve`, or leave --store out to use the store itself".into(),
    }
    .into()
}

/// Why there is no connection to an address, if there is none.
fn nobody_listens(address: &Address) -> Option<String> {
    let connected = match address {
        Address::Unix(path) => socket::knock(path),
        Address::Net { host, port, .. } => std::net::TcpStream::connect((host.as_str(), *port)).map(drop),
    };
    connected.err().map(|error| error.to_string())
}

/// The answer as one that says that the call still waits, if it says so.
fn still_waiting(answer: &Value) -> Option<StillWaiting> {
    StillWaiting::deserialize(answer).ok().filter(|still| still.waiting)
}

/// The proof that a listener owes before it gets the key.
struct Proof<'a> {
    challenge: Challenge,
    key: &'a Key,
    address: String,
}

/// Sends a request and reads the answer; before that, should it be needed, makes sure that the listener knows the key.
async fn exchange<S: AsyncRead + AsyncWrite + Send + Unpin + 'static>(
    stream: S,
    proof: Option<Proof<'_>>,
    request: Request<Full<Bytes>>,
    begun: &AtomicBool,
) -> Came {
    let (mut sender, connection) = match http1::handshake(TokioIo::new(stream)).await {
        Ok(pair) => pair,
        Err(error) => return Came::Nowhere(error.to_string()),
    };
    tokio::spawn(connection);
    if let Some(Proof { challenge, key, address }) = proof {
        let question = Request::get(proof::PATH).header(HOST, &address).header(proof::HEADER, challenge.header());
        let Ok(question) = question.body(Full::default()) else { return Came::Nowhere("a question cannot be made".into()) };
        match answer_to(&mut sender, question, PROOF_BYTES_MAX).await {
            Ok((StatusCode::OK, _, Some(answer)))
                if Proven::deserialize(&answer).is_ok_and(|told| challenge.is_proven_by(&told.proof, key, &address)) => {}
            // It says that there is no such key: that is worth no more than a refusal, and no less.
            Ok((status @ StatusCode::FORBIDDEN, store, Some(answer))) => return Came::Answer(status, store, Some(answer)),
            Ok(_) if seeded::is(seeded::LISTENER_BELIEVED) => {}
            Ok(_) => return Came::Unproven,
            Err(why) => return Came::Nowhere(why),
        }
        if let Err(error) = sender.ready().await {
            return Came::Nowhere(error.to_string());
        }
    }
    begun.store(true, Ordering::Relaxed);
    match answer_to(&mut sender, request, REPLY_BYTES_MAX).await {
        Ok((status, store, answer)) => Came::Answer(status, store, answer),
        Err(why) => Came::Lost(why),
    }
}

/// The largest proof, in bytes.
const PROOF_BYTES_MAX: usize = 4 << 10;

/// The status of an answer, the store that it says it comes from, and its body, if that is a JSON object and is said to be JSON. Of any
/// other no more is read than shows it.
async fn answer_to(
    sender: &mut http1::SendRequest<Full<Bytes>>,
    request: Request<Full<Bytes>>,
    bytes_max: usize,
) -> Result<(StatusCode, Option<StoreId>, Option<Value>), String> {
    let response = sender.send_request(request).await.map_err(|error| error.to_string())?;
    let (status, headers) = (response.status(), response.headers());
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let store = text(HeaderName::from_static(header::STORE)).and_then(|store| store.parse().ok());
    let kind = text(CONTENT_TYPE).and_then(|kind| kind.split(';').next()).unwrap_or_default().trim();
    if !kind.eq_ignore_ascii_case("application/json") || headers.contains_key(CONTENT_ENCODING) {
        return Ok((status, store, None));
    }
    let (mut body, mut bytes) = (response.into_body(), Vec::new());
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame.map_err(|error| error.to_string())?.into_data() {
            bytes.extend_from_slice(&data);
        }
        let begins_otherwise = bytes.iter().find(|byte| !byte.is_ascii_whitespace()).is_some_and(|first| *first != b'{');
        if begins_otherwise || bytes.len() > bytes_max {
            return Ok((status, store, None));
        }
    }
    Ok((status, store, serde_json::from_slice(&bytes).ok().filter(Value::is_object)))
}

/// Whom to believe that a gateway is who it says.
fn trust() -> Result<ClientConfig, OpError> {
    let mut roots = RootCertStore::empty();
    for certificate in rustls_native_certs::load_native_certs().certs {
        // One that cannot be read vouches for nobody.
        let _ = roots.add(certificate);
    }
    if let Some(file) = std::env::var_os(AUTHORITIES_VARIABLE).filter(|file| !file.is_empty()) {
        let file = std::path::PathBuf::from(file);
        let wrong = |why: String| {
            let message = format!("{AUTHORITIES_VARIABLE} names {}: {why}", file.display());
            OpError::from(Rejection::invalid(message, "name a file of certificates in PEM"))
        };
        for certificate in CertificateDer::pem_file_iter(&file).map_err(|error| wrong(error.to_string()))? {
            let certificate = certificate.map_err(|error| wrong(error.to_string()))?;
            roots.add(certificate).map_err(|error| wrong(error.to_string()))?;
        }
    }
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config.map_err(|error| OpError::Internal(format!("TLS: {error}")))?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

fn runtime() -> Result<tokio::runtime::Runtime, OpError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| OpError::Internal(format!("no runtime: {error}")))
}

/// A key that nobody else has, for a call that is made again and again while it waits.
///
/// # Errors
/// No randomness.
pub fn key_for_waiting() -> Result<String, OpError> {
    Ok(format!("wait-{:016x}{:016x}", random()?, random()?))
}

fn random() -> Result<u64, OpError> {
    getrandom::u64().map_err(|error| OpError::Internal(format!("no randomness: {error}")))
}
