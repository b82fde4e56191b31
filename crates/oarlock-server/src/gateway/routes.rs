//! The paths of the gateway: each verb of the registry, the stream of events, and what describes and measures it.

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONNECTION, CONTENT_TYPE, HeaderValue};
use hyper::{HeaderMap, Method, Request, Response, StatusCode};
use oarlock_client::gateway::{AccessVerb, PROOF_PATH, Proven, StillWaiting, header};
use oarlock_host::clock::wall_ms;
use oarlock_model::ident::shown;
use oarlock_model::{Rejection, seeded};
use oarlock_ops::OpError;
use oarlock_ops::caller::Caller;
use oarlock_ops::number;
use oarlock_ops::registry::{self, Call, Entry};
use oarlock_ops::schema;
use oarlock_ops::store::StoreError;
use serde_json::{Map, Value, json};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::access::Principal;
use super::asked::Asked;
use super::body;
use super::bounds::{Account, Ledger, Places, Tab};
use super::caller;
use super::connections::{Connection, Connections};
use super::engine::{Engine, Outcome};
use super::guard::Guard;
use super::quota::Quotas;
use super::reply::{self, Body};
use super::{events, metrics, openapi};
use crate::mcp;

/// Everything that an answer needs.
pub(crate) struct Router {
    pub(crate) engine: Arc<Engine>,
    pub(crate) guard: Guard,
    pub(crate) quotas: Arc<Quotas>,
    /// The places that are taken.
    pub(crate) ledger: Arc<Ledger>,
    /// Whose the connections are.
    pub(crate) connections: Connections,
    /// The door for models.
    pub(crate) mcp: mcp::HttpService,
}

/// Answers a request.
pub(super) async fn answer(router: Arc<Router>, connection: Arc<Connection>, request: Request<Incoming>) -> Response<Body> {
    let mut is_open = matches!(request.uri().path(), "/healthz" | "/openapi.json");
    let mut response = match router.route(&connection, &mut is_open, request).await {
        Ok(response) => response,
        Err(error) => {
            if let OpError::Rejected(Rejection::QuotaReached { after_ms, .. }) = &error {
                // Who asks again at once asks too much again: that is no way to keep the gateway busy.
                tokio::time::sleep(Duration::from_millis(after_ms.unsigned_abs()).min(OVER_PAUSE)).await;
            }
            reply::error(&error)
        }
    };
    if is_open || response.status() == StatusCode::FORBIDDEN {
        // Who has no key does not keep a place.
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    reply::made_safe(response, router.engine.identity.now().id())
}

impl Router {
    /// Answers. `is_open` becomes true where the connection has no owner that it could be kept for.
    async fn route(
        self: &Arc<Self>,
        connection: &Connection,
        is_open: &mut bool,
        request: Request<Incoming>,
    ) -> Result<Response<Body>, OpError> {
        self.guard.check_host(request.uri(), request.headers()).map_err(|refused| self.refuse(refused))?;
        let path = request.uri().path().to_owned();
        let method = request.method().clone();
        match path.as_str() {
            "/healthz" if method == Method::GET => {
                return Ok(reply::json(StatusCode::OK, &json!({"ok": true, "version": env!("CARGO_PKG_VERSION")})));
            }
            "/openapi.json" if method == Method::GET => return Ok(reply::text(StatusCode::OK, "application/json", openapi::text())),
            PROOF_PATH if method == Method::GET => {
                let proof = self.guard.prove(request.uri(), request.headers())?;
                return Ok(reply::json(StatusCode::OK, &Proven { proof }));
            }
            "/healthz" | "/openapi.json" | PROOF_PATH => return Ok(reply::wrong_method("GET")),
            _ => {}
        }
        let principal = self.guard.principal(request.headers()).map_err(|refused| self.refuse(refused))?;
        let account = self.connections.belongs_to(connection, &self.ledger, &principal).inspect_err(|_| *is_open = true)?;
        self.check_store(request.headers())?;
        match path.as_str() {
            "/metrics" if method == Method::GET => {
                let page = self.engine.metrics.page(self.engine.gauges());
                Ok(reply::text(StatusCode::OK, metrics::MEDIA_TYPE, page))
            }
            "/metrics" => Ok(reply::wrong_method("GET")),
            "/v1/events" if method == Method::GET => {
                principal.check_verb("events")?;
                events::stream(self, &principal, &account, &request).await
            }
            "/mcp" => {
                let (mut head, body) = request.into_parts();
                let (bytes, places) = self.body(&principal, &account, body::DOCUMENT_BYTES_MAX, body).await?;
                let tab = Tab::of(account);
                head.extensions.insert(principal);
                head.extensions.insert(tab.clone());
                head.extensions.insert(Arc::clone(&self.quotas));
                let response = self.mcp.handle(Request::from_parts(head, Full::new(bytes))).await;
                drop(places);
                reply::counted(response, &tab).await
            }
            path => match path.strip_prefix("/v1/") {
                Some(verb) if let Some(access) = AccessVerb::of_path(verb) => match method {
                    Method::POST => self.keys(access, &principal, &account, request).await,
                    _ => Ok(reply::wrong_method("POST")),
                },
                Some(verb) => match registry::find(verb) {
                    Some(_) if method != Method::POST => Ok(reply::wrong_method(if verb == "events" { "GET, POST" } else { "POST" })),
                    Some(entry) => self.call(entry, &principal, &account, request).await,
                    None => Err(no_verb(verb).into()),
                },
                None => Err(Rejection::Missing {
                    message: format!("there is nothing at {}", shown(path)),
                    hint: "verbs are at /v1/VERB; /openapi.json lists them".into(),
                }
                .into()),
            },
        }
    }

    fn refuse(&self, refused: super::guard::Refused) -> OpError {
        self.engine.metrics.refuse(refused.why);
        *refused.error
    }

    /// A request that is meant for another store is for nobody here: a token or a session in it could be anything.
    fn check_store(&self, headers: &HeaderMap) -> Result<(), OpError> {
        let served = self.engine.identity.now().id();
        match headers.get(header::STORE).map(|meant| meant.to_str().unwrap_or_default()) {
            Some(meant) if meant != served.to_string() => Err(StoreError::Unavailable {
                message: format!("this gateway serves the store {served}, and the request is for {}", shown(meant)),
                hint: "leave the header Oarlock-Store out to accept the store that is served".into(),
            }
            .into()),
            _ => Ok(()),
        }
    }

    /// The body of a request, which is counted before it is read.
    async fn body(&self, principal: &Principal, account: &Account, bytes_max: usize, body: Incoming) -> Result<(Bytes, Places), OpError> {
        let said = body::said(&body);
        self.quotas.admit_unread(principal, said.unwrap_or(0))?;
        let (bytes, places) = body::read(account, bytes_max, body).await?;
        if said.is_none() {
            self.quotas.charge(principal, bytes.len());
        }
        Ok((bytes, places))
    }

    /// Makes, lists or revokes keys.
    async fn keys(
        self: &Arc<Self>,
        verb: AccessVerb,
        principal: &Principal,
        account: &Account,
        request: Request<Incoming>,
    ) -> Result<Response<Body>, OpError> {
        // A key for certain verbs is for nothing else.
        principal.check_verb(verb.path())?;
        check_kind(request.headers())?;
        let (bytes, _places) = self.body(principal, account, body::BODY_BYTES_MAX, request.into_body()).await?;
        let (router, principal) = (Arc::clone(self), principal.clone());
        // It reads and writes files.
        let reply = tokio::task::spawn_blocking(move || {
            let reply = router.guard.access.answer(&principal, verb.request(Value::Object(parse(&bytes)?))?, wall_ms())?;
            Ok::<_, OpError>(serde_json::to_string(&reply)?)
        });
        let reply = reply.await.map_err(|error| OpError::Internal(format!("a change of keys has ended: {error}")))??;
        let places = account.for_answer(reply.len()).await?;
        Ok(reply::made(StatusCode::OK, reply, Some(places)))
    }

    async fn call(
        &self,
        entry: &'static Entry,
        principal: &Principal,
        account: &Account,
        request: Request<Incoming>,
    ) -> Result<Response<Body>, OpError> {
        let started = Instant::now();
        let outcome = self.ask(entry, principal, account, request).await;
        let code = outcome.as_ref().map_or_else(|error| error.code().word(), |_| "ok");
        self.engine.metrics.call(entry.verb, code, started.elapsed());
        match outcome? {
            Outcome::Reply(json, places) => Ok(reply::made(StatusCode::OK, json, places)),
            Outcome::Waiting(waited_ms) => Ok(reply::json(StatusCode::ACCEPTED, &StillWaiting { waiting: true, waited_ms })),
        }
    }

    async fn ask(
        &self,
        entry: &'static Entry,
        principal: &Principal,
        account: &Account,
        request: Request<Incoming>,
    ) -> Result<Outcome, OpError> {
        principal.check_verb(entry.verb)?;
        check_kind(request.headers())?;
        let (head, body) = request.into_parts();
        let (bytes, _places) = self.body(principal, account, body::limit_of(entry), body).await?;
        let length = bytes.len();
        let read = {
            let (headers, principal) = (head.headers.clone(), principal.clone());
            move || read_call(entry, &principal, &headers, &bytes)
        };
        // Reading a large one takes as long as many small calls.
        let (call, caller, common) = match length > READ_ALONG_BYTES_MAX {
            true => tokio::task::spawn_blocking(read)
                .await
                .map_err(|error| OpError::Internal(format!("a reading thread has ended: {error}")))??,
            false => read()?,
        };
        self.quotas.admit(principal, &caller, entry, length)?;
        let mut asked = Asked::new(call, caller, common.waited_ms, RECHECK)?.paid_by(Some(account), length);
        let begun = Instant::now();
        loop {
            let left = common.slice.map(|slice| slice.saturating_sub(begun.elapsed()));
            asked.slice = left.map_or(RECHECK, |left| left.min(RECHECK));
            match self.engine.ask(&asked).await? {
                Outcome::Waiting(waited_ms) if left.is_none_or(|left| left > RECHECK) && !self.engine.is_stopping() => {
                    asked.waited_ms = waited_ms;
                    // A key may have been revoked meanwhile.
                    self.guard.principal(&head.headers).map_err(|refused| self.refuse(refused))?;
                }
                Outcome::Waiting(_) if common.slice.is_none() => return Err(super::writer::gone()),
                outcome => return Ok(outcome),
            }
        }
    }
}

/// A request of more bytes is read by a thread of its own.
const READ_ALONG_BYTES_MAX: usize = 16 << 10;

/// Who asks too much is answered so much later, at most.
const OVER_PAUSE: Duration = Duration::from_millis(250);

/// Reads a call from the body of a request.
fn read_call(
    entry: &'static Entry,
    principal: &Principal,
    headers: &HeaderMap,
    bytes: &[u8],
) -> Result<(Arc<dyn Call>, Caller, caller::Common), OpError> {
    let mut fields = parse(bytes)?;
    let common = caller::take(headers, &mut fields, schema::fields(entry))?;
    let caller = common.caller(principal)?;
    if entry.verb == "join" {
        caller::forget_strangers(&mut fields);
    }
    let request = Value::Object(fields);
    schema::check_fields(entry, &request)?;
    let call = (entry.from_json)(request)?;
    call.check_remote()?;
    Ok((Arc::from(call), caller, common))
}

/// The refusal of a verb that is not in the registry. Verbs that need the caller's machine have no path.
fn no_verb(verb: &str) -> Rejection {
    Rejection::Missing {
        message: format!("there is no verb \"{}\" here", shown(verb)),
        hint: "/openapi.json lists them; the others work on the machine of the store, by the command line".into(),
    }
}

/// A page can send forms and plain text to another origin without asking, but not JSON (Fetch, "CORS-safelisted request-header").
fn check_kind(headers: &HeaderMap) -> Result<(), Rejection> {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if kind.eq_ignore_ascii_case("application/json") || seeded::is(seeded::ANY_CONTENT) {
        return Ok(());
    }
    Err(Rejection::invalid("the request is not said to be JSON", "send `Content-Type: application/json`"))
}

/// The fields of a request; nothing at all is a request without any. serde_json goes no deeper than 128 levels.
fn parse(bytes: &[u8]) -> Result<Map<String, Value>, Rejection> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Ok(Map::new());
    }
    match serde_json::from_slice(bytes) {
        Ok(Value::Object(fields)) => {
            number::check_text("the request", &String::from_utf8_lossy(bytes))?;
            Ok(fields)
        }
        Ok(_) => Err(Rejection::invalid("the request is not a JSON object", "send {\"field\": value, …}, see /openapi.json")),
        Err(error) => Err(Rejection::invalid(format!("the request is not JSON: {error}"), "send {\"field\": value, …}, see /openapi.json")),
    }
}

/// Who waits or follows has its key looked at again so often.
pub(super) const RECHECK: Duration = Duration::from_secs(5);
