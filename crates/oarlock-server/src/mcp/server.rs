//! The state of a server for models, and its calls: bounded, cut and written so that a model reads what a person would see.

use oarlock_client::ThisMachine;
use oarlock_model::text::{escape_json, escaped_line};
use oarlock_model::{ErrorCode, Rejection, seeded};
use oarlock_ops::OpError;
use oarlock_ops::number;
use oarlock_ops::registry::{self, Entry};
use oarlock_ops::reply::Reply;
use oarlock_ops::request::Request;
use oarlock_ops::schema;
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer};
use serde_json::{Map, Value};
use std::sync::Arc;
use std::time::Duration;

use super::backend::Backend;
use super::peer::Peer;
use super::session::{CallOrigin, Sessions};
use super::{bounds, brief};

/// The longest wait of one tool call: clients give up after a minute, some sooner.
const WAIT_MAX: Duration = Duration::from_secs(40);

/// The server of one connection, or of all that come by HTTP.
#[derive(Clone)]
pub(crate) struct Server {
    backend: Backend,
    sessions: Arc<Sessions>,
    /// Its only client, where it has only one.
    peer: Option<Arc<Peer>>,
}

impl Server {
    /// A server that calls here, under these sessions.
    pub(crate) fn new(backend: Backend, sessions: Arc<Sessions>) -> Self {
        Self { backend, sessions, peer: None }
    }

    /// The same for one client, which may go away.
    pub(crate) fn for_peer(self, peer: Arc<Peer>) -> Self {
        Self { peer: Some(peer), ..self }
    }

    /// Makes a call of a verb on behalf of anyone who sent the request.
    async fn call(&self, entry: &'static Entry, request: Value, context: &RequestContext<RoleServer>) -> Result<Reply, OpError> {
        let origin = CallOrigin::of(context)?.about(entry.verb, &request);
        let bytes = request.to_string().len();
        origin.admit(entry, bytes)?;
        let caller = self.sessions.caller(&self.backend, &origin).await?;
        schema::check_fields(entry, &request)?;
        number::check_value("the call", &request)?;
        let mut call = (entry.from_json)(request)?;
        call.check_remote()?;
        if self.peer.is_some() {
            // The client is where this server was started.
            call.name_commit(&ThisMachine)?;
        }
        let call: Arc<dyn registry::Call> = Arc::from(call);
        let waits = call.waiting().is_some();
        let called = tokio::select! {
            biased;
            called = self.backend.call(call, &caller, WAIT_MAX, origin.tab().map(|tab| (tab, bytes))) => called,
            // Anyone who asked does not want it any more. What the writer is doing just then it takes back.
            () = context.ct.cancelled() => Err(OpError::Interrupted),
            () = self.leaves_a_gateway(), if waits => Err(Rejection::timed_out("the client has gone").into()),
        };
        if let (Some(peer), Ok(reply)) = (&self.peer, &called) {
            peer.note(&context.id, entry.verb, reply, &caller);
        }
        if called.as_ref().is_err_and(|error| error.code() == ErrorCode::StaleSession) {
            // The next call joins again; what this session held is gone.
            self.sessions.forget(&caller);
        }
        called
    }

    /// Waits until the only client of a call at a gateway has gone; a wait at the own store ends by itself then.
    async fn leaves_a_gateway(&self) {
        match (&self.peer, &self.backend) {
            (Some(peer), Backend::Gateway(_)) => peer.leaves().await,
            _ => std::future::pending().await,
        }
    }

    /// The same with a reply that has a bounded length; the reply is short unless `full`.
    pub(super) async fn bounded(
        &self,
        entry: &'static Entry,
        mut request: Map<String, Value>,
        full: bool,
        context: &RequestContext<RoleServer>,
    ) -> Result<Value, OpError> {
        let shown = move |reply: &Reply| Ok::<_, OpError>(escaped(if full { reply.to_value()? } else { brief::reply(reply)? }));
        bounds::request(entry.verb, &mut request);
        let reply = self.call(entry, Value::Object(request.clone()), context).await?;
        let read = move || {
            let json = shown(&reply)?;
            let items = if bounds::is_short(&json) { None } else { brief::items(&reply, full) };
            let fewer = items.and_then(|items| bounds::fewer_items(&items.into_iter().map(escaped).collect::<Vec<_>>()));
            Ok::<_, OpError>(fewer.map_or_else(|| Ok(bounds::reply(entry.verb, json)), Err))
        };
        match apart(read).await?? {
            Ok(reply) => Ok(reply),
            Err(fewer) => {
                // Only a page of that many items leads to the next ones.
                request.insert("limit".into(), fewer.into());
                let reply = self.call(entry, Value::Object(request), context).await?;
                apart(move || Ok(bounds::reply(entry.verb, shown(&reply)?))).await?
            }
        }
    }

    /// The same for a request without arguments, as JSON: for a page that a client shows.
    pub(super) async fn show<R: Request>(&self, context: &RequestContext<RoleServer>) -> Result<Value, ErrorData> {
        self.bounded(entry_of::<R>()?, Map::new(), true, context).await.map_err(|error| failed(&error))
    }

    /// Makes a call for a prompt or a page, which show one text of its reply: that is neither cut nor escaped yet.
    pub(super) async fn ask<R: Request>(&self, request: &R, context: &RequestContext<RoleServer>) -> Result<R::Reply, ErrorData> {
        let entry = entry_of::<R>()?;
        let call = async || self.call(entry, serde_json::to_value(request)?, context).await?.of::<R>();
        call().await.map_err(|error| failed(&error))
    }
}

fn entry_of<R: Request>() -> Result<&'static Entry, ErrorData> {
    registry::find(R::VERB).ok_or_else(|| ErrorData::internal_error(format!("no verb {}", R::VERB), None))
}

fn failed(error: &OpError) -> ErrorData {
    ErrorData::internal_error(escaped_line(&error.to_string()).into_owned(), Some(escaped(error.json())))
}

/// A text of a reply as a model may read it.
pub(super) fn escaped_text(text: &str) -> String {
    if seeded::is(seeded::MCP_TEXT_RAW) { text.to_owned() } else { oarlock_model::text::escaped(text).into_owned() }
}

/// Works on a reply, which may be long, on a thread of its own: the thread that answers has others to answer meanwhile.
async fn apart<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, OpError> {
    tokio::task::spawn_blocking(work).await.map_err(|error| OpError::Internal(format!("a reading thread has ended: {error}")))
}

/// A reply or an error with others' texts written so that a model reads what a person would see: nothing hides in them.
pub(super) fn escaped(mut value: Value) -> Value {
    if !seeded::is(seeded::MCP_TEXT_RAW) {
        escape_json(&mut value);
    }
    value
}
